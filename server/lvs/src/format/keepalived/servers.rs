//! `real_server`: a machine that answers, with its checkers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::checkers::{self, Asked};
use super::groups::{Target, Targets};
use super::kept;
use super::reader::{Once, Origin, Origins, Reader};
use super::syntax_notes::excerpt;
use super::syntax_words::Block;
use super::timing::{Level, Timing};
use super::tree::Statement;
use super::{forwarding, names, unacted};
use crate::finding::Code;
use crate::model::{ConnectionLimit, Forwarding, Id, Monitor, RealServer, Weight};
use crate::table::Family;

/// What a real server needs to know of its service.
pub(super) struct Service<'a> {
    /// Family of its address, where it has one or names it.
    pub(super) family: Option<Family>,
    /// Port of its address; none where it has no port of its own.
    pub(super) port: Option<u16>,
    /// Whether it is a service by firewall mark only.
    pub(super) is_mark: bool,
    /// The entries of its group, which have ports of their own.
    pub(super) group: Option<&'a Targets>,
    /// Forwarding of servers that name none.
    pub(super) forwarding: Forwarding,
    /// Weight of servers that name none.
    pub(super) weight: u16,
    /// What it hands down.
    pub(super) timing: &'a Timing,
}

/// A real server, and what its service has to know of it.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// The server, its forwarding and monitor always given.
    pub(super) server: RealServer,
    /// Whether its weight becomes 0 on failure; as its service says where absent.
    pub(super) inhibits: Option<bool>,
    /// Which field came from where.
    pub(super) origins: Origins,
}

/// Reads a block; none where keepalived leaves the server out, which is said.
pub(super) fn read(
    reader: &mut Reader<'_>,
    statement: &Statement,
    service: &Service<'_>,
    set_aside: &mut BTreeMap<String, String>,
) -> Option<Server> {
    let Some(word) = statement.argument(0) else {
        reader.warn(statement.origin(), Code::ValueMissing).with("word", "real_server");
        return None;
    };
    if statement.block.is_none() {
        reader.error(statement.origin(), Code::KeepalivedBlockMissing).with("word", "real_server");
        return None;
    }
    let read = word.text.parse::<IpAddr>().ok().zip(checkers::port(statement, 1).ok());
    let Some((address, given)) = read else {
        reader
            .warn(statement.origin_of(word), Code::KeepalivedServerName)
            .with("text", excerpt(&statement.words()))
            .suggest(checkers::apart(&word.text));
        kept::keep(set_aside, "", statement);
        return None;
    };
    if let Some(further) = statement.argument(2) {
        reader.warn(statement.origin_of(further), Code::ExtraWords).with("text", excerpt(&further.text));
    }
    let mut server = RealServer {
        id: Id::default(),
        name: String::new(),
        address,
        port: None,
        active: true,
        weight: Weight(service.weight),
        forwarding: Some(service.forwarding),
        backup: false,
        quiesce: None,
        limit: None,
        monitor: None,
        kept: BTreeMap::new(),
    };
    let mut origins = Origins::default();
    origins.insert("", statement.origin());
    let mut own = Timing::default();
    let mut inhibits = None;
    let mut limit = (None, None);
    let mut once = Once::default();
    for inner in statement.inside() {
        if checkers::is_checker(inner) {
            continue;
        }
        if inner.block.is_none() {
            once.note(reader, inner);
        }
        match inner.keyword.text.as_str() {
            "weight" => {
                origins.insert("/weight", inner.value_origin());
                server.weight = Weight(weight(reader, inner, (0, service.weight)));
            }
            "lvs_method" | "lb_kind" => {
                if inner.is("lb_kind") {
                    reader
                        .warn(inner.origin(), Code::KeepalivedOldUnknown)
                        .with("word", "lb_kind")
                        .with("meaning", "lvs_method")
                        .suggest(Some("lvs_method"));
                }
                origins.insert("/forwarding", inner.value_origin());
                server.forwarding = forwarding::read(reader, inner, service.forwarding).or(server.forwarding);
            }
            "uthreshold" => limit.0 = reader.number::<u32>(inner, 0, u32::MAX, 0),
            "lthreshold" => {
                origins.insert("/limit", inner.value_origin());
                limit.1 = reader.number::<u32>(inner, 0, u32::MAX, 0);
            }
            "inhibit_on_failure" => inhibits = Some(reader.switch(inner, false)),
            "snmp_name" => {
                let name = reader.value(inner).and_then(|word| names::usable(&word.text));
                server.name = name.unwrap_or_default();
            }
            _ if own.read(reader, inner, Level::Outer) => {}
            _ => unacted::aside(reader, &mut server.kept, "", Block::Server, inner),
        }
    }
    let forwarding = server.forwarding.unwrap_or_default();
    let wanted = service.family.filter(|family| *family != Family::of(address));
    if let Some(family) = wanted.filter(|_| !matches!(forwarding, Forwarding::Tunnel(_))) {
        reader
            .warn(statement.origin_of(word), Code::KeepalivedServerFamily)
            .with("address", address)
            .with("family", family);
        kept::keep(set_aside, "", statement);
        return None;
    }
    server.limit = bounds(reader, limit, &mut server, &origins);
    let given_port = port(reader, statement, service, (forwarding, given), &mut server);
    if given_port.is_some() {
        origins.insert(
            "/port",
            statement.argument(1).map_or(statement.origin(), |word| statement.origin_of(word)),
        );
    }
    let timing = own.within(service.timing);
    let asked_port = given_port.or(service.port).unwrap_or(0);
    let asked = Asked { address, port: asked_port, timing: &timing };
    let monitor = checkers::read(reader, statement, &asked, &mut server.kept, &mut origins);
    server.monitor = Some(monitor);
    Some(Server { server, inhibits, origins })
}

/// A share from 0 to 65535; keepalived itself allows more, the kernel's other tools do not.
/// Gives the second of the pair where it is none from the first on.
pub(super) fn weight(reader: &mut Reader<'_>, statement: &Statement, (least, taken): (u16, u16)) -> u16 {
    let most = u64::from(u16::MAX);
    let Some(weight) = reader.number::<u64>(statement, least.into(), 2_147_483_647, taken) else {
        return taken;
    };
    if weight > most {
        reader
            .warn(statement.value_origin(), Code::KeepalivedRounded)
            .with("word", "weight")
            .with("text", weight)
            .with("taken", most);
    }
    u16::try_from(weight).unwrap_or(u16::MAX)
}

fn bounds(
    reader: &mut Reader<'_>,
    limit: (Option<u32>, Option<u32>),
    server: &mut RealServer,
    origins: &Origins,
) -> Option<ConnectionLimit> {
    let (upper, lower) = (limit.0.unwrap_or(0), limit.1.unwrap_or(0));
    let Some(origin) = origins.find("/limit") else {
        return (upper > 0).then_some(ConnectionLimit { upper, lower });
    };
    if upper == 0 && lower > 0 {
        reader.warn(origin, Code::KeepalivedLowerAlone).with("lower", lower);
        kept::keep_text(&mut server.kept, "lthreshold", &format!("lthreshold {lower}"));
        return None;
    }
    if lower > upper {
        reader.warn(origin, Code::KeepalivedLowerAbove).with("lower", lower).with("upper", upper);
        kept::keep_text(&mut server.kept, "lthreshold", &format!("lthreshold {lower}"));
        return Some(ConnectionLimit { upper, lower: 0 });
    }
    (upper > 0).then_some(ConnectionLimit { upper, lower })
}

/// Sets the port that it serves at, and returns the one that the file gives and that checkers ask.
fn port(
    reader: &mut Reader<'_>,
    statement: &Statement,
    service: &Service<'_>,
    (forwarding, given): (Forwarding, Option<u16>),
    server: &mut RealServer,
) -> Option<u16> {
    let port = given?;
    let origin = statement.argument(1).map_or(statement.origin(), |word| statement.origin_of(word));
    if service.is_mark && forwarding == Forwarding::Nat {
        // Whatever port a packet of the mark was sent to, it arrives at this one.
        server.port = Some(port);
        return given;
    }
    if service.is_mark {
        // A mark gathers packets of any port; keepalived clears it, its checkers still use it.
        reader.warn(origin, Code::KeepalivedMarkPort).with("port", port);
        return given;
    }
    if let Some(targets) = service.group {
        server.port = (forwarding == Forwarding::Nat).then_some(port);
        if forwarding != Forwarding::Nat {
            port_of_group(reader, origin, targets, (forwarding, port));
        }
        return given;
    }
    let wanted = service.port.unwrap_or(0);
    if port == wanted {
        return given;
    }
    if forwarding == Forwarding::Nat {
        server.port = Some(port);
        return given;
    }
    reader
        .warn(origin, Code::KeepalivedPortReset)
        .with("forwarding", forwarding::word(forwarding))
        .with("port", port)
        .with("service_port", wanted)
        .suggest(Some(wanted));
    // All ports of a service: what is asked is still the one that was given.
    if wanted == 0 { given } else { Some(wanted) }
}

/// Says where a port is not that of an entry of the group, which only NAT could send to another one.
fn port_of_group(
    reader: &mut Reader<'_>,
    origin: Origin,
    targets: &Targets,
    (forwarding, port): (Forwarding, u16),
) {
    let other = targets.iter().find_map(|(target, _)| match target {
        Target::Address(_, wanted) => wanted.filter(|wanted| *wanted != port),
        Target::Mark(_) => None,
    });
    if let Some(wanted) = other {
        reader
            .warn(origin, Code::KeepalivedPortReset)
            .with("forwarding", forwarding::word(forwarding))
            .with("port", port)
            .with("service_port", wanted);
    }
    if targets.iter().any(|(target, _)| matches!(target, Target::Mark(_))) {
        reader.warn(origin, Code::KeepalivedMarkPort).with("port", port);
    }
}

/// Settles how the server is asked at, once the port of its service is known.
pub(super) fn settle_port(server: &mut Server, service_port: u16) {
    if server.server.port == Some(service_port) {
        server.server.port = None;
    }
    let serves = server.server.port.unwrap_or(service_port);
    if let Some(monitor) = &mut server.server.monitor {
        monitor.port = monitor.port.filter(|asked| *asked != serves && *asked != 0);
        for check in &mut monitor.checks {
            check.port = check.port.filter(|asked| *asked != 0 && *asked != monitor.port.unwrap_or(serves));
        }
    }
}

/// A monitor of nobody, for servers that have none.
pub(super) fn is_unchecked(server: &RealServer) -> bool {
    server.monitor.as_ref().is_none_or(|monitor: &Monitor| monitor.checks.is_empty())
}
