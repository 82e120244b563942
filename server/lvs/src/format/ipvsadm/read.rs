//! Lines applied one after the other, as `ipvsadm --restore` would.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::super::collector::Collector;
use super::super::places::{Places, Spot};
use super::line::{Line, Method, Said, Target};
use super::options::{Given, Opt};
use super::write::flag_word;
use crate::finding::{Code, Finding, Place, Severity};
use crate::model::{
    Cluster, Protocol, Scheduler, SchedulerFlag, SchedulerFlags, Tunnel, TunnelChecksum, TunnelKind,
};
use crate::table::{Family, Forward, Persist, ServerKey, ServerRow, Service, ServiceKey, ServiceRow, Table};

/// What was read so far.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) table: Table,
    pub(super) findings: Collector,
    /// The line that last said something of a service, or of one of its servers.
    spots: BTreeMap<(ServiceKey, Option<ServerKey>), Spot>,
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

impl Reading {
    pub(super) fn of(text: &str) -> Self {
        let mut reading = Reading::default();
        if text.len() > super::TEXT_MAXIMUM {
            let finding = whole(Code::FileTooLarge).with("limit", format!("{} bytes", super::TEXT_MAXIMUM));
            reading.findings.add(finding);
            return reading;
        }
        for (number, line) in (1_u32..).zip(text.lines()) {
            reading.line(number, line);
        }
        if reading.table.services.is_empty() && !reading.findings.has_errors() {
            reading.findings.add(whole(Code::IpvsadmEmpty).warning());
        }
        reading
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
            if let Some(spot) = self.spots.get(&(key, None)) {
                places.insert(pointer, *spot);
            }
        }
        places
    }

    fn line(&mut self, number: u32, text: &str) {
        let mut findings = std::mem::take(&mut self.findings);
        let mut said = Said { number, findings: &mut findings };
        if let Some(line) = Line::read(text, &mut said) {
            self.apply(&line, &mut said);
        }
        self.findings = findings;
    }

    fn apply(&mut self, line: &Line<'_>, said: &mut Said<'_>) -> Option<()> {
        let Some(command) = &line.command else {
            // A lone leading word `ipvsadm` lists the table.
            if let Some(first) = line.given.values().min_by_key(|given| given.column) {
                said.add(said.at(first.column, Code::IpvsadmCommandMissing));
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
                unused(given, &command.name, said);
                return None;
            }
        }
        if command.option == Opt::Clear {
            self.table = Table::default();
            self.spots.clear();
            return Some(());
        }
        let key = service_key(line, command, said)?;
        let spot = Spot { line: said.number, column: line.target_column };
        match command.option {
            Opt::AddService => {
                let row = service_row(line, &key, said)?;
                if self.table.services.contains_key(&key) {
                    said.add(said.at(spot.column, Code::IpvsadmServiceAgain).with("key", key));
                    return None;
                }
                self.table.services.insert(key, Service { row, servers: BTreeMap::new() });
                self.spots.insert((key, None), spot);
            }
            Opt::EditService => {
                let row = service_row(line, &key, said)?;
                self.service(&key, spot, said)?.row = row;
                self.spots.insert((key, None), spot);
            }
            Opt::DeleteService => {
                self.service(&key, spot, said)?;
                self.table.services.remove(&key);
            }
            _ => self.server(line, command, &key, said)?,
        }
        Some(())
    }

    fn service(&mut self, key: &ServiceKey, spot: Spot, said: &mut Said<'_>) -> Option<&mut Service> {
        let service = self.table.services.get_mut(key);
        if service.is_none() {
            said.add(said.at(spot.column, Code::IpvsadmServiceUnknown).with("key", key));
        }
        service
    }

    fn server(
        &mut self,
        line: &Line<'_>,
        command: &Given<'_>,
        service: &ServiceKey,
        said: &mut Said<'_>,
    ) -> Option<()> {
        let Some((address, port)) = line.server else {
            said.add(said.at(command.column, Code::IpvsadmServerMissing).with("command", &command.name));
            return None;
        };
        let spot = Spot { line: said.number, column: line.server_column };
        let forward = forward(line, command, said)?;
        let key = ServerKey { address, port: server_port(line, service, port, forward, said) };
        let row = ServerRow {
            forward,
            weight: line.weight.unwrap_or(1),
            upper: line.upper.unwrap_or(0),
            lower: line.lower.unwrap_or(0),
        };
        if Family::of(address) != service.family() && !matches!(forward, Forward::Tunnel(_)) {
            said.add(
                said.at(spot.column, Code::FamilyNeedsTunnel)
                    .with("address", address)
                    .with("family", service.family()),
            );
            return None;
        }
        let target = Spot { line: said.number, column: line.target_column };
        let servers = &mut self.service(service, target, said)?.servers;
        let there = servers.contains_key(&key);
        match command.option {
            Opt::AddServer if there => {
                said.add(said.at(spot.column, Code::IpvsadmServerAgain).with("key", key));
                return None;
            }
            Opt::EditServer | Opt::DeleteServer if !there => {
                said.add(said.at(spot.column, Code::IpvsadmServerUnknown).with("key", key));
                return None;
            }
            Opt::DeleteServer => {
                servers.remove(&key);
            }
            _ => {
                servers.insert(key, row);
            }
        }
        self.spots.insert((*service, Some(key)), spot);
        Some(())
    }
}

fn whole(code: Code) -> Finding {
    Finding { place: Place::Whole, severity: Severity::Error, code, args: Vec::new(), suggestion: None }
}

fn unused(given: &Given<'_>, command: &str, said: &mut Said<'_>) {
    said.add(
        said.at(given.column, Code::IpvsadmOptionUnused).with("option", &given.name).with("command", command),
    );
}

fn service_key(line: &Line<'_>, command: &Given<'_>, said: &mut Said<'_>) -> Option<ServiceKey> {
    let ipv6 = line.given.get(&Opt::Ipv6);
    match line.target {
        Some(Target::Mark(mark)) => {
            let family = if ipv6.is_some() { Family::Ipv6 } else { Family::Ipv4 };
            Some(ServiceKey::Mark { mark, family })
        }
        Some(Target::Address { protocol, address, port }) => {
            if let Some(ipv6) = ipv6 {
                let name =
                    line.given.values().find(|given| matches!(given.option, Opt::Tcp | Opt::Udp | Opt::Sctp));
                unused(ipv6, name.map_or("-t", |given| given.name.as_str()), said);
                return None;
            }
            Some(ServiceKey::Address { protocol, address, port })
        }
        None => {
            said.add(said.at(command.column, Code::IpvsadmServiceMissing).with("command", &command.name));
            None
        }
    }
}

fn service_row(line: &Line<'_>, key: &ServiceKey, said: &mut Said<'_>) -> Option<ServiceRow> {
    let scheduler = line.scheduler.map_or(Scheduler::default().as_str(), |word| word.text);
    if let Some(word) = line.scheduler
        && word.text.parse::<Scheduler>().is_err()
    {
        said.add(said.at(word.column, Code::IpvsadmScheduler).with("scheduler", word.text));
        return None;
    }
    if let Some(engine) = line.engine {
        said.add(said.at(engine.column, Code::IpvsadmEngine).with("engine", engine.text).warning());
    }
    let one_packet = line.given.get(&Opt::OnePacket);
    if let (Some(option), ServiceKey::Address { protocol, .. }) = (one_packet, key)
        && *protocol != Protocol::Udp
    {
        said.add(said.at(option.column, Code::IpvsadmOnePacket));
        return None;
    }
    if matches!(key, ServiceKey::Address { port: 0, .. }) && line.persistence_s.is_none() {
        said.add(said.at(line.target_column, Code::IpvsadmPortZero));
        return None;
    }
    Some(ServiceRow {
        scheduler: scheduler.to_owned(),
        flags: flags(line, scheduler, said)?,
        persistence: persistence(line, key.family(), said)?,
        one_packet: one_packet.is_some(),
    })
}

fn flags(line: &Line<'_>, scheduler: &str, said: &mut Said<'_>) -> Option<SchedulerFlags> {
    let mut flags = SchedulerFlags::new();
    let Some(list) = line.flags else { return Some(flags) };
    for word in list.text.split(',') {
        let by_scheduler = |flag: &SchedulerFlag| {
            // The plain names go with every scheduler.
            [flag_word(scheduler, *flag), flag_word("", *flag)].contains(&Some(word))
        };
        let Some(flag) = SchedulerFlag::ALL.into_iter().find(by_scheduler) else {
            said.add(said.at(list.column, Code::IpvsadmFlag).with("scheduler", scheduler).with("flag", word));
            return None;
        };
        flags.insert(flag);
    }
    Some(flags)
}

/// The outer option is whether the line is right, the inner one whether the service is persistent.
fn persistence(line: &Line<'_>, family: Family, said: &mut Said<'_>) -> Option<Option<Persist>> {
    let mask = match line.netmask {
        None if family == Family::Ipv4 => u32::MAX,
        None => u32::from(family.bits()),
        Some(word) => {
            let mask = match family {
                Family::Ipv4 => word.text.parse::<Ipv4Addr>().ok().map(Ipv4Addr::to_bits),
                Family::Ipv6 => word.text.parse().ok().filter(|prefix| (1..=128).contains(prefix)),
            };
            if mask.is_none() {
                said.add(said.at(word.column, Code::IpvsadmMask).with("word", word.text));
            } else if line.persistence_s.is_none() {
                said.add(said.at(word.column, Code::IpvsadmMaskUnused).warning());
            }
            mask?
        }
    };
    Some(line.persistence_s.map(|timeout_s| Persist { timeout_s, mask }))
}

fn forward(line: &Line<'_>, command: &Given<'_>, said: &mut Said<'_>) -> Option<Forward> {
    let method = line.method.unwrap_or(Method::Direct);
    let tunnel = [Opt::TunnelType, Opt::TunnelPort, Opt::NoChecksum, Opt::FullChecksum, Opt::RemoteChecksum];
    let stray = tunnel.iter().find_map(|option| line.given.get(option));
    match (method, stray) {
        (Method::Direct, None) => return Some(Forward::Direct),
        (Method::Masquerade, None) => return Some(Forward::Masquerade),
        (Method::Direct | Method::Masquerade, Some(stray)) => {
            let word = if method == Method::Direct { "-g" } else { "-m" };
            unused(stray, word, said);
            return None;
        }
        (Method::Tunnel, _) => {}
    }
    let kind = line.tunnel_kind.unwrap_or_default();
    let checksum = line.checksum.unwrap_or_default();
    let port = line.tunnel_port.unwrap_or(0);
    let column = |option: Opt| line.given.get(&option).map_or(command.column, |given| given.column);
    if kind == TunnelKind::Gue && port == 0 {
        said.add(said.at(column(Opt::TunnelType), Code::TunnelPortMissing));
        return None;
    }
    if kind != TunnelKind::Gue && port != 0 {
        said.add(said.at(column(Opt::TunnelPort), Code::TunnelPortUnused).with("kind", kind.as_str()));
        return None;
    }
    let wrong = match checksum {
        TunnelChecksum::None => None,
        TunnelChecksum::Full => (kind == TunnelKind::Ipip).then_some(Opt::FullChecksum),
        TunnelChecksum::Remote => (kind != TunnelKind::Gue).then_some(Opt::RemoteChecksum),
    };
    if let Some(option) = wrong {
        said.add(
            said.at(column(option), Code::TunnelChecksum)
                .with("kind", kind.as_str())
                .with("checksum", checksum.as_str()),
        );
        return None;
    }
    Some(Forward::Tunnel(Tunnel { kind, port, checksum }))
}

/// As ipvsadm decides it: direct routing and tunnels get the service's port whatever was written, others too where
/// none was; services by mark have none to give.
fn server_port(
    line: &Line<'_>,
    service: &ServiceKey,
    port: Option<u16>,
    forward: Forward,
    said: &mut Said<'_>,
) -> u16 {
    let ServiceKey::Address { port: service_port, .. } = *service else { return port.unwrap_or(0) };
    match port {
        Some(port) if forward == Forward::Masquerade || port == service_port => port,
        Some(port) => {
            let word = if forward == Forward::Direct { "direct" } else { "tunnel" };
            said.add(
                said.at(line.server_column, Code::IpvsadmPortForced)
                    .with("forwarding", word)
                    .with("port", port)
                    .with("service_port", service_port)
                    .warning(),
            );
            service_port
        }
        None => service_port,
    }
}
