//! Commands applied one after the other, as a shell or `ipvsadm --restore` would give them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::collector::Collector;
use super::super::names::Names;
use super::super::places::{Places, Spot};
use super::host::{self, Hints, Program};
use super::line::{Line, Said, at};
use super::listing;
use super::options::{Given, Opt, Word, is_odd_dash};
use super::preparing::Preparing;
use super::rows;
use super::shell::{Call, Survey};
use super::shell_frames::Unread;
use super::shell_words::is_odd_blank;
use crate::finding::{Code, Finding, Place, Severity};
use crate::model::{Cluster, Timeouts};
use crate::table::{Family, Forward, ServerKey, ServerRow, Service, ServiceKey, Table};

/// What was read so far.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) table: Table,
    pub(super) findings: Collector,
    /// What `--set` asked for.
    timeouts: Timeouts,
    /// Addresses that a script puts on interfaces.
    hints: Hints,
    /// What a script sets up beside the table.
    preparing: Preparing,
    /// Host names without an address.
    pub(super) hosts: BTreeSet<String>,
    /// The line that last said something of a service, or of one of its servers.
    spots: BTreeMap<(ServiceKey, Option<ServerKey>), Spot>,
    /// Real servers whose service has not been added yet.
    early: BTreeMap<ServiceKey, Vec<Early>>,
    /// Commands that are not read, and the place of the first.
    others: BTreeSet<String>,
    first_other: Option<Spot>,
}

/// A real server that came before its service.
struct Early {
    key: ServerKey,
    row: ServerRow,
    spot: Spot,
    /// Where its service is named.
    service: Spot,
}

const SERVICE_OPTIONS: &[Opt] = &[Opt::Tcp, Opt::Udp, Opt::Sctp, Opt::Mark, Opt::Ipv6, Opt::Numeric];
const SETTING_OPTIONS: &[Opt] =
    &[Opt::Scheduler, Opt::Persistent, Opt::Netmask, Opt::Engine, Opt::Flags, Opt::OnePacket];
const ROW_OPTIONS: &[Opt] = &[
    Opt::Direct,
    Opt::Tunnel,
    Opt::Masquerade,
    Opt::TunnelType,
    Opt::TunnelPort,
    Opt::NoChecksum,
    Opt::FullChecksum,
    Opt::RemoteChecksum,
    Opt::Weight,
    Opt::Upper,
    Opt::Lower,
];
/// Names of unread commands that are told.
const TOLD: usize = 10;

impl Reading {
    pub(super) fn of(text: &str, names: &Names, strict: bool) -> Self {
        let mut reading = Reading::default();
        if text.len() > super::TEXT_MAXIMUM {
            let finding = whole(Code::FileTooLarge).with("limit", format!("{} bytes", super::TEXT_MAXIMUM));
            reading.findings.add(finding);
            return reading;
        }
        let listing = listing::find(text);
        let without = listing.map(|_| listing::without(text));
        let text = without.as_deref().unwrap_or(text);
        let survey = Survey::of(text);
        let mut findings = std::mem::take(&mut reading.findings);
        let mut hosts = BTreeSet::new();
        let mut said = Said { findings: &mut findings, names, strict, hosts: &mut hosts };
        look_alikes(text, &mut said);
        survey.follow(text, &mut |call| reading.call(call, &survey, &mut said));
        if let Some(line) = listing {
            let alone = reading.table.services.is_empty();
            said.add(match alone {
                true => Finding::line(line, 1, Code::IpvsadmListing).suggest("ipvsadm -S -n"),
                false => Finding::line(line, 1, Code::IpvsadmListingBeside).warning(),
            });
        }
        reading.finish(&mut said);
        reading.findings = findings;
        reading.hosts = hosts;
        reading
    }

    /// What is left to say when every line was read.
    fn finish(&mut self, said: &mut Said<'_>) {
        for (key, early) in std::mem::take(&mut self.early) {
            for server in early {
                said.add(at(server.service, Code::IpvsadmServiceUnknown).with("key", key));
            }
        }
        if let Some(spot) = self.first_other {
            let mut names: Vec<_> = self.others.iter().take(TOLD).map(String::as_str).collect();
            if self.others.len() > TOLD {
                names.push("…");
            }
            said.add(at(spot, Code::ScriptCommands).with("names", names.join(", ")).warning());
        }
        if self.table.services.is_empty() && !said.findings.has_errors() {
            said.add(whole(Code::IpvsadmEmpty).warning());
        }
    }

    /// Puts into a cluster what its table does not hold: devices of addresses, and timeouts.
    pub(super) fn complete(&mut self, cluster: &mut Cluster) {
        cluster.global.timeouts = self.timeouts;
        for spot in std::mem::take(&mut self.preparing).complete(cluster) {
            let finding = at(spot, Code::ScriptCommands).with("names", "iptables");
            self.findings.add(finding.warning());
        }
        let unused = self.hints.place(cluster);
        for (address, vip, spot) in unused {
            let device = vip.device.map(|device| device.to_string()).unwrap_or_default();
            let finding = at(spot, Code::ScriptAddress).with("address", address).with("device", device);
            self.findings.add(finding.warning());
        }
    }

    /// Where each virtual and real server of a cluster made from this table was read.
    pub(super) fn places(&self, cluster: &Cluster) -> Places {
        let mut places = Places::default();
        for (index, server) in cluster.virtual_servers.iter().enumerate() {
            let Some(key) = server.key() else { continue };
            let pointer = format!("/virtual_servers/{index}");
            for (real_index, real) in server.real_servers.iter().enumerate() {
                if let Some(spot) = self.spots.get(&(key, Some(server.server_key(real)))) {
                    places.insert(format!("{pointer}/real_servers/{real_index}"), *spot);
                }
            }
            if let Some(hint) = server.vip.as_ref().and_then(|vip| self.hints.spot(vip.address)) {
                places.insert(format!("{pointer}/vip/device"), hint);
                places.insert(format!("{pointer}/vip/prefix"), hint);
            }
            if let Some(spot) = self.spots.get(&(key, None)) {
                places.insert(pointer, *spot);
            }
        }
        places
    }

    fn call(&mut self, call: Call<'_>, survey: &Survey, said: &mut Said<'_>) {
        let mut words: Vec<Word<'_>> =
            call.words.iter().map(|token| Word { text: &token.text, spot: token.spot }).collect();
        let program = if call.restored { Some((Program::Ipvsadm, 0)) } else { host::program(call.words) };
        let Some((program, behind)) = program else {
            self.other(&call, survey, said);
            return;
        };
        let (tokens, words) = (call.words.get(behind..).unwrap_or_default(), words.split_off(behind));
        if call.unread.is_some() && !adds(program, &words) {
            return;
        }
        if let Some(unread) = call.unread {
            let Some(first) = call.words.first() else { return };
            said.add(match unread {
                Unread::Loop => at(first.spot, Code::ScriptLoop).warning(),
                Unread::Part(part) => at(first.spot, Code::ScriptPart).with("part", part).warning(),
            });
            return;
        }
        if let (true, Some(first)) = (call.conditional, call.words.first()) {
            said.add(at(first.spot, Code::ScriptCondition).warning());
        }
        if let Some((token, name)) = tokens.iter().find_map(|t| Some((t, t.unknown.as_ref()?))) {
            let finding = at(token.spot, Code::ScriptVariable).with("name", name);
            said.add(if program == Program::Ipvsadm { finding } else { finding.warning() });
            return;
        }
        match program {
            // What it reads is in the text itself.
            Program::Ipvsadm
                if survey.restored && words.iter().any(|w| matches!(w.text, "-R" | "--restore")) => {}
            Program::Ipvsadm => self.ipvsadm(&words, said),
            Program::Ip | Program::Ifconfig => {
                let taken = self.hints.read(program, &words);
                self.taken(&call, taken);
            }
            Program::Sysctl => {
                let taken = self.preparing.sysctl(&words);
                self.taken(&call, taken);
            }
            Program::Parameter => {
                let taken = self.preparing.file(&words);
                self.taken(&call, taken);
            }
            Program::Iptables(family) => {
                let taken = self.preparing.iptables(family, &words);
                self.taken(&call, taken);
            }
        }
    }

    /// Says of a command of another program that it is not read, unless all of it was.
    fn taken(&mut self, call: &Call<'_>, taken: bool) {
        if !taken {
            self.unread_command(call);
        }
    }

    /// A command of another program, or what should have been a line of ipvsadm.
    fn other(&mut self, call: &Call<'_>, survey: &Survey, said: &mut Said<'_>) {
        let Some(first) = call.words.first() else { return };
        if !survey.script {
            said.add(at(first.spot, Code::IpvsadmWord).with("word", &first.text));
        } else if call.unread.is_none()
            && !host::is_harmless(call.words)
            && !survey.functions.contains(&first.text)
        {
            self.unread_command(call);
        }
    }

    fn unread_command(&mut self, call: &Call<'_>) {
        if let Some(name) = host::name(call.words) {
            self.first_other = self.first_other.or(call.words.first().map(|word| word.spot));
            if self.others.len() <= TOLD {
                self.others.insert(name);
            }
        }
    }

    fn ipvsadm(&mut self, words: &[Word<'_>], said: &mut Said<'_>) {
        let odd = |word: &Word<'_>| word.text.starts_with(is_odd_dash);
        if !words.iter().any(odd) {
            if let Some(line) = Line::read(words, said) {
                self.apply(&line, said);
            }
            return;
        }
        let texts: Vec<String> = words.iter().map(|word| hyphens(word.text)).collect();
        let plain: Vec<_> =
            words.iter().zip(&texts).map(|(word, text)| Word { text, spot: word.spot }).collect();
        if let Some(line) = Line::read(&plain, said) {
            self.apply(&line, said);
        }
    }

    fn apply(&mut self, line: &Line<'_>, said: &mut Said<'_>) -> Option<()> {
        if let Some(timeouts) = line.timeouts {
            let [tcp, tcpfin, udp] = timeouts.map(|value| (value != 0).then_some(value));
            let before = self.timeouts;
            self.timeouts = Timeouts {
                tcp: tcp.or(before.tcp),
                tcpfin: tcpfin.or(before.tcpfin),
                udp: udp.or(before.udp),
            };
            return Some(());
        }
        let Some(command) = &line.command else {
            // A lone `ipvsadm` lists the table.
            if let Some(first) = line.given.values().min_by_key(|given| (given.spot.line, given.spot.column))
            {
                said.add(at(first.spot, Code::IpvsadmCommandMissing));
            }
            return None;
        };
        let allowed: &[&[Opt]] = match command.option {
            Opt::AddService | Opt::EditService => &[SERVICE_OPTIONS, SETTING_OPTIONS],
            Opt::DeleteService => &[SERVICE_OPTIONS],
            Opt::AddServer | Opt::EditServer => &[SERVICE_OPTIONS, ROW_OPTIONS, &[Opt::Server]],
            Opt::DeleteServer => &[SERVICE_OPTIONS, &[Opt::Server]],
            _ => &[],
        };
        for given in line.given.values() {
            if given.option != command.option
                && !allowed.iter().any(|options| options.contains(&given.option))
            {
                rows::unused(given, &command.name, said);
                return None;
            }
        }
        if command.option == Opt::Clear {
            self.table = Table::default();
            self.spots.clear();
            self.early.clear();
            return Some(());
        }
        let key = rows::service_key(line, command, said)?;
        let spot = line.target_spot.unwrap_or(command.spot);
        match command.option {
            Opt::AddService | Opt::EditService => {
                let row = rows::service_row(line, command, &key, said)?;
                self.service(command, key, row, spot, said);
            }
            Opt::DeleteService => {
                if self.table.services.remove(&key).is_none() {
                    said.refused(at(spot, Code::IpvsadmDeleteUnknown).with("key", key));
                }
            }
            _ => self.server(line, command, &key, said)?,
        }
        Some(())
    }

    /// Adds or edits a service, with the servers that came before it.
    fn service(
        &mut self,
        command: &Given<'_>,
        key: ServiceKey,
        row: crate::table::ServiceRow,
        spot: Spot,
        said: &mut Said<'_>,
    ) {
        let edit = command.option == Opt::EditService;
        match self.table.services.get_mut(&key) {
            Some(_) if !edit => {
                said.refused(at(spot, Code::IpvsadmServiceAgain).with("key", key));
                return;
            }
            Some(service) => service.row = row,
            None => {
                if edit {
                    said.refused(at(spot, Code::IpvsadmEditUnknown).with("key", key));
                }
                let mut service = Service { row, servers: BTreeMap::new() };
                for early in self.early.remove(&key).unwrap_or_default() {
                    let later = at(early.service, Code::IpvsadmServiceLater);
                    said.refused(later.with("key", key).with("line", spot.line));
                    service.servers.insert(early.key, early.row);
                    self.spots.insert((key, Some(early.key)), early.spot);
                }
                self.table.services.insert(key, service);
            }
        }
        self.spots.insert((key, None), spot);
    }

    fn server(
        &mut self,
        line: &Line<'_>,
        command: &Given<'_>,
        service: &ServiceKey,
        said: &mut Said<'_>,
    ) -> Option<()> {
        let Some((address, port)) = line.server else {
            said.add(at(command.spot, Code::IpvsadmServerMissing).with("command", &command.name));
            return None;
        };
        let spot = line.server_spot.unwrap_or(command.spot);
        let forward = rows::forward(line, command, said)?;
        // What is to be deleted is found by the port that was given.
        let key = match (command.option, port) {
            (Opt::DeleteServer, Some(port)) => ServerKey { address, port },
            _ => ServerKey { address, port: rows::server_port(service, port, forward, spot, said) },
        };
        let row = ServerRow {
            forward,
            weight: line.weight.unwrap_or(1),
            upper: line.upper.unwrap_or(0),
            lower: line.lower.unwrap_or(0),
        };
        if Family::of(address) != service.family() && !matches!(forward, Forward::Tunnel(_)) {
            said.add(
                at(spot, Code::FamilyNeedsTunnel).with("address", address).with("family", service.family()),
            );
            return None;
        }
        let target = line.target_spot.unwrap_or(command.spot);
        let Some(found) = self.table.services.get_mut(service) else {
            if command.option == Opt::DeleteServer {
                said.refused(at(spot, Code::IpvsadmDeleteUnknown).with("key", key));
            } else {
                let early = self.early.entry(*service).or_default();
                early.push(Early { key, row, spot, service: target });
            }
            return Some(());
        };
        let there = found.servers.contains_key(&key);
        match command.option {
            Opt::AddServer if there => {
                said.refused(at(spot, Code::IpvsadmServerAgain).with("key", key));
                return Some(());
            }
            Opt::DeleteServer if !there => {
                said.refused(at(spot, Code::IpvsadmDeleteUnknown).with("key", key));
                return Some(());
            }
            Opt::DeleteServer => {
                found.servers.remove(&key);
                return Some(());
            }
            Opt::EditServer if !there => {
                said.refused(at(spot, Code::IpvsadmEditUnknown).with("key", key));
            }
            _ => {}
        }
        found.servers.insert(key, row);
        self.spots.insert((*service, Some(key)), spot);
        Some(())
    }
}

/// Whether a command adds something or changes it; what only takes away or looks needs no finding where it is not read.
fn adds(program: Program, words: &[Word<'_>]) -> bool {
    if program != Program::Ipvsadm {
        let mut hints = Hints::default();
        return hints.read(program, words) && !hints.is_empty();
    }
    words.iter().any(|word| {
        let text = word.text;
        match text.strip_prefix("--") {
            Some(long) => ["add-", "edit-", "set"].iter().any(|start| long.starts_with(start)),
            None => text.strip_prefix('-').is_some_and(|short| short.starts_with(['A', 'a', 'E', 'e'])),
        }
    })
}

/// Says once that characters are not what they look like.
fn look_alikes(text: &str, said: &mut Said<'_>) {
    let (mut dash, mut blank) = (false, false);
    for (line, number) in text.lines().zip(1_u32..) {
        if line.is_ascii() || line.trim_start().starts_with('#') {
            continue;
        }
        for (c, column) in line.chars().zip(1_u32..) {
            let spot = Spot { line: number, column };
            let odd_blank = is_odd_blank(c) && !(number == 1 && column == 1 && c == '\u{feff}');
            if is_odd_dash(c) && !std::mem::replace(&mut dash, true) {
                said.refused(at(spot, Code::TypographicDash).with("character", c));
            } else if odd_blank && !std::mem::replace(&mut blank, true) {
                let character = format!("U+{:04X}", u32::from(c));
                said.refused(at(spot, Code::OddBlank).with("character", character));
            }
        }
        if dash && blank {
            return;
        }
    }
}

/// An option with plain hyphens. One dash of an editor stands for two hyphens where a word follows.
fn hyphens(text: &str) -> String {
    let rest = text.trim_start_matches(super::options::is_dash);
    let dashes = text.chars().count() - rest.chars().count();
    if dashes == 0 || !text.starts_with(is_odd_dash) {
        return text.to_owned();
    }
    let long = rest.chars().take_while(|c| c.is_ascii_alphabetic() || *c == '-').count() > 3;
    format!("{}{rest}", if long || dashes > 1 { "--" } else { "-" })
}

fn whole(code: Code) -> Finding {
    Finding { place: Place::Whole, severity: Severity::Error, code, args: Vec::new(), suggestion: None }
}
