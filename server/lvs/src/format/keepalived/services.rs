//! `virtual_server`: a service by address, by firewall mark or by group, with its real servers.
//!
//! The defaults of keepalived are repeated and said where they surprise. A group becomes one virtual server for each
//! of its entries.

mod defaults;
mod finish;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::groups::{self, Group, Target, Targets};
use super::kept;
use super::persistence::Persistent;
use super::reader::{Once, Origin, Origins, Reader};
use super::servers::{self, Server};
use super::syntax_notes::excerpt;
use super::syntax_words::Block;
use super::timing::{Level, Timing};
use super::tree::Statement;
use super::values::{self, Rule};
use super::{checkers, forwarding, globals, instance_whole, names, unacted};
use crate::finding::Code;
use crate::model::{Forwarding, Protocol, Scheduler, VirtualServer};
use crate::table::{Family, ServerKey};

/// Key of the name of the group that a virtual server came from.
pub(super) const GROUP: &str = "virtual_server_group";

/// A virtual server, and which field came from where.
#[derive(Clone, Debug)]
pub(super) struct Service {
    /// The virtual server; its real servers have their forwarding and monitor of their own.
    pub(super) server: VirtualServer,
    /// By pointers that begin at the virtual server.
    pub(super) origins: Origins,
}

/// What a block says, before its real servers are read.
struct Draft<'s> {
    statement: &'s Statement,
    origins: Origins,
    targets: Targets,
    group: Option<String>,
    name: Option<String>,
    family: Option<Family>,
    scheduler: Option<Scheduler>,
    forwarding: Option<Forwarding>,
    protocol: Option<(Protocol, Origin)>,
    /// Each with the scheduler that was known where it stands.
    flags: Vec<(&'s Statement, Scheduler)>,
    persistent: Persistent,
    one_packet: Option<Origin>,
    inhibits: bool,
    weight: u16,
    timing: Timing,
    quorum: Option<(u32, Origin)>,
    hysteresis: Option<(u32, Origin)>,
    sorry: Option<(IpAddr, Option<u16>, Origin)>,
    sorry_forwarding: Option<Forwarding>,
    kept: BTreeMap<String, String>,
}

impl Draft<'_> {
    fn is_mark(&self) -> bool {
        self.targets.iter().all(|(target, _)| matches!(target, Target::Mark(_)))
    }

    fn scheduler(&self) -> Scheduler {
        self.scheduler.unwrap_or_default()
    }

    fn forwarding(&self) -> Forwarding {
        self.forwarding.unwrap_or_default()
    }
}

/// Reads a block; what keepalived leaves out goes to `set_aside`, with a finding.
pub(super) fn read(
    reader: &mut Reader<'_>,
    statement: &Statement,
    all_groups: &[Group],
    room: &mut usize,
    set_aside: &mut BTreeMap<String, String>,
) -> Vec<Service> {
    let key = statement.words();
    let Some((targets, group)) = targets(reader, statement, all_groups) else {
        kept::keep_as(set_aside, &format!("virtual_server {key}"), statement);
        return Vec::new();
    };
    if statement.block.is_none() {
        reader.error(statement.origin(), Code::KeepalivedBlockMissing).with("word", "virtual_server");
        return Vec::new();
    }
    let mut draft = Draft {
        statement,
        origins: Origins::default(),
        family: groups::common_family(&targets),
        targets,
        group,
        name: None,
        scheduler: None,
        forwarding: None,
        protocol: None,
        flags: Vec::new(),
        persistent: Persistent::default(),
        one_packet: None,
        inhibits: false,
        weight: 1,
        timing: Timing::default(),
        quorum: None,
        hysteresis: None,
        sorry: None,
        sorry_forwarding: None,
        kept: BTreeMap::new(),
    };
    draft.origins.insert("", statement.origin());
    let mut once = Once::default();
    for inner in statement.inside() {
        if !inner.is("real_server") {
            once.note(reader, inner);
            setting(reader, inner, &mut draft);
        }
    }
    defaults::defaults(reader, &mut draft);
    let servers = real_servers(reader, &mut draft);
    if servers.is_empty() || draft.targets.is_empty() {
        if servers.is_empty() {
            reader.warn(statement.origin(), Code::KeepalivedNoServer).with("key", excerpt(&key));
        }
        kept::keep_as(set_aside, &format!("virtual_server {key}"), statement);
        return Vec::new();
    }
    if draft.targets.len() > 1 {
        let rows = draft.targets.len().saturating_mul(servers.len());
        if rows > *room {
            reader.error(statement.origin(), Code::KeepalivedGroupLarge).with("limit", ROWS_MAXIMUM);
            return Vec::new();
        }
        *room -= rows;
    }
    let targets = std::mem::take(&mut draft.targets);
    targets.into_iter().map(|(target, origin)| finish::finish(&draft, target, origin, &servers)).collect()
}

/// Real servers that all groups of a text may stand for.
pub(super) const ROWS_MAXIMUM: usize = 16_384;

/// What the words behind `virtual_server` name; none where keepalived leaves the service out, which is said.
fn targets(
    reader: &mut Reader<'_>,
    statement: &Statement,
    all_groups: &[Group],
) -> Option<(Targets, Option<String>)> {
    let Some(first) = statement.argument(0) else {
        reader.warn(statement.origin(), Code::ValueMissing).with("word", "virtual_server");
        return None;
    };
    let origin = statement.origin();
    if let Some(further) = statement.argument(2) {
        reader.warn(statement.origin_of(further), Code::ExtraWords).with("text", excerpt(&further.text));
    }
    match first.text.as_str() {
        "fwmark" => {
            let mark = groups::mark(reader, statement)?;
            Some((vec![(Target::Mark(mark), origin)], None))
        }
        "group" => {
            let name = statement.argument(1).map_or("", |word| word.text.as_str());
            let group = all_groups.iter().find(|group| group.name == name);
            let Some(group) = group.filter(|group| !group.targets.is_empty()) else {
                reader.warn(origin, Code::KeepalivedGroupUnknown).with("name", excerpt(name));
                return None;
            };
            Some((group.targets.clone(), Some(group.name.clone())))
        }
        text => {
            let target = text.parse::<IpAddr>().ok().zip(checkers::port(statement, 1).ok());
            if target.is_none() {
                reader
                    .warn(statement.origin_of(first), Code::KeepalivedServiceName)
                    .with("text", excerpt(&statement.words()))
                    .suggest(checkers::apart(text));
            }
            target.map(|(address, port)| (vec![(Target::Address(address, port), origin)], None))
        }
    }
}

fn setting<'s>(reader: &mut Reader<'_>, inner: &'s Statement, draft: &mut Draft<'s>) {
    let word = inner.keyword.text.as_str();
    let pointer = match word {
        "lb_algo" | "lvs_sched" => "/scheduler",
        "protocol" => "/protocol",
        "persistence_timeout" => "/persistence",
        "persistence_granularity" => "/persistence/prefix",
        "ops" => "/one_packet",
        "sorry_server" => "/sorry_server",
        "snmp_name" => "/name",
        "delay_loop" => "/monitor/interval_ms",
        "connect_timeout" => "/monitor/timeout_ms",
        "ip_family" => "/family",
        "inhibit_on_failure" => "/quiesce",
        "quorum" => "/quorum/weight",
        "hysteresis" => "/quorum/hysteresis",
        _ => "",
    };
    if !pointer.is_empty() {
        draft.origins.insert(pointer, inner.value_origin());
    }
    match word {
        "lb_algo" | "lvs_sched" => {
            let names = Scheduler::ALL.map(|scheduler| (scheduler.as_str(), scheduler));
            if let Some(word) = reader.value(inner) {
                let taken = draft.scheduler();
                draft.scheduler = reader.choice(inner, word, &names, taken.as_str()).or(Some(taken));
            }
        }
        "lb_kind" | "lvs_method" => {
            let taken = draft.forwarding();
            draft.forwarding = forwarding::read(reader, inner, taken).or(Some(taken));
        }
        "protocol" => protocol(reader, inner, draft),
        "persistence_timeout" => draft.persistent.timeout(reader, inner),
        "persistence_granularity" => draft.persistent.granularity(reader, inner, draft.family),
        "ops" => draft.one_packet = reader.flag(inner).then(|| inner.origin()),
        "flag-1" | "flag-2" | "flag-3" | "sh-port" | "sh-fallback" | "mh-port" | "mh-fallback" => {
            if reader.flag(inner) {
                draft.flags.push((inner, draft.scheduler()));
            }
        }
        "inhibit_on_failure" => draft.inhibits = reader.flag(inner),
        // Here keepalived does not look at the word behind it, at a server it does.
        "alpha" => draft.timing.alpha = Some(reader.flag(inner)),
        "quorum" => {
            let quorum = reader.number(inner, 1, u32::MAX, 1).unwrap_or(1);
            draft.quorum = Some((quorum, inner.value_origin()));
        }
        "hysteresis" => {
            let hysteresis = reader.number(inner, 0, u32::MAX, 0).unwrap_or(0);
            draft.hysteresis = Some((hysteresis, inner.value_origin()));
        }
        "weight" => draft.weight = servers::weight(reader, inner, (1, 1)),
        "ip_family" => family(reader, inner, draft),
        "snmp_name" => draft.name = reader.value(inner).and_then(|word| names::usable(&word.text)),
        "sorry_server" => {
            let Some(word) = reader.values(inner, 2).first() else { return };
            let port = checkers::port(inner, 1).unwrap_or_else(|()| {
                values::value(reader, inner, Rule::Server);
                None
            });
            draft.sorry =
                globals::address(reader, inner, word).map(|address| (address, port, inner.value_origin()));
        }
        "sorry_server_lvs_method" => {
            let method = forwarding::read(reader, inner, draft.forwarding());
            // keepalived knows no sorry server yet whose method this could be.
            if draft.sorry.is_some() {
                draft.sorry_forwarding = method;
            } else {
                instance_whole::needs(reader, inner, "sorry_server");
            }
        }
        "hashed" if draft.scheduler() != Scheduler::Sh => {
            instance_whole::needs(reader, inner, "lb_algo sh");
        }
        "sorry_server_inhibit" if draft.sorry.is_none() => {
            instance_whole::needs(reader, inner, "sorry_server");
        }
        _ if draft.timing.read(reader, inner, Level::Outer) => {}
        _ => unacted::aside(reader, &mut draft.kept, "", Block::Service, inner),
    }
}

fn protocol(reader: &mut Reader<'_>, statement: &Statement, draft: &mut Draft<'_>) {
    let Some(word) = reader.value(statement) else { return };
    // The only word whose letters may be large or small.
    let known = Protocol::ALL.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(&word.text));
    let before = draft.protocol.map_or(Protocol::Udp, |(protocol, _)| protocol);
    let protocol = known.unwrap_or_else(|| {
        let names = [("TCP", Protocol::Tcp), ("UDP", Protocol::Udp), ("SCTP", Protocol::Sctp)];
        _ = reader.choice(statement, word, &names, &before.as_str().to_ascii_uppercase());
        before
    });
    draft.protocol = Some((protocol, statement.value_origin()));
}

fn family(reader: &mut Reader<'_>, statement: &Statement, draft: &mut Draft<'_>) {
    let Some(word) = reader.value(statement) else { return };
    let choices = [("inet", Family::Ipv4), ("inet6", Family::Ipv6)];
    let Some(family) = reader.choice(statement, word, &choices, "the family of the addresses") else {
        return;
    };
    match draft.family {
        Some(known) if known != family => {
            reader.warn(statement.value_origin(), Code::KeepalivedFamilyWord).with("family", known);
        }
        _ => draft.family = Some(family),
    }
}

fn real_servers(reader: &mut Reader<'_>, draft: &mut Draft<'_>) -> Vec<Server> {
    let statement = draft.statement;
    let is_mark = draft.is_mark();
    let port = match draft.targets.first() {
        Some((Target::Address(_, port), _)) if draft.group.is_none() => Some(port.unwrap_or(0)),
        _ => None,
    };
    // A service by mark has the family of its first server.
    let blocks = || statement.inside().iter().filter(|inner| inner.is("real_server"));
    let first = blocks().find_map(|block| block.argument(0)?.text.parse::<IpAddr>().ok());
    draft.family = draft.family.or(first.map(Family::of));
    if let Some(family) = draft.family
        && !matches!(draft.forwarding(), Forwarding::Tunnel(_))
    {
        groups::keep_family(reader, &mut draft.targets, family);
    }
    let context = servers::Service {
        family: draft.family,
        port,
        is_mark,
        group: draft.group.as_ref().map(|_| &draft.targets),
        forwarding: draft.forwarding(),
        weight: draft.weight,
        timing: &draft.timing,
    };
    let mut servers: Vec<Server> = Vec::new();
    let mut taken: BTreeSet<ServerKey> = BTreeSet::new();
    for block in blocks() {
        let Some(server) = servers::read(reader, block, &context, &mut draft.kept) else { continue };
        let own = server.server.port.or(port);
        let key = ServerKey { address: server.server.address, port: own.unwrap_or(0) };
        if taken.insert(key) {
            servers.push(server);
        } else {
            reader.warn(block.origin(), Code::KeepalivedServerAgain).with("key", key);
        }
    }
    finish::inhibit(draft, &mut servers);
    finish::quorum(reader, draft, &servers);
    finish::unchecked(reader, statement, &servers);
    servers
}
