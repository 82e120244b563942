//! From a command's values to the rows of a table, as ipvsadm decides them.

use std::net::Ipv4Addr;

use super::super::places::Spot;
use super::line::{Line, Method, Said, Target, at};
use super::options::{Given, Opt};
use super::write::flag_word;
use crate::finding::Code;
use crate::model::{Protocol, Scheduler, SchedulerFlag, SchedulerFlags, Tunnel, TunnelChecksum, TunnelKind};
use crate::table::{Family, Forward, Persist, ServiceKey, ServiceRow};

pub(super) fn unused(given: &Given<'_>, command: &str, said: &mut Said<'_>) {
    said.add(at(given.spot, Code::IpvsadmOptionUnused).with("option", &given.name).with("command", command));
}

pub(super) fn service_key(line: &Line<'_>, command: &Given<'_>, said: &mut Said<'_>) -> Option<ServiceKey> {
    let ipv6 = line.given.get(&Opt::Ipv6);
    match line.target {
        Some(Target::Mark(mark)) => {
            let marked = line.given.get(&Opt::Mark);
            if let (Some(ipv6), Some(marked)) = (ipv6, marked)
                && (ipv6.spot.line, ipv6.spot.column) < (marked.spot.line, marked.spot.column)
            {
                let order = at(ipv6.spot, Code::IpvsadmOrder);
                said.refused(order.with("option", &ipv6.name).with("first", &marked.name));
            }
            let family = if ipv6.is_some() { Family::Ipv6 } else { Family::Ipv4 };
            Some(ServiceKey::Mark { mark, family })
        }
        Some(Target::Address { protocol, address, port }) => {
            if let Some(ipv6) = ipv6 {
                let name =
                    line.given.values().find(|given| matches!(given.option, Opt::Tcp | Opt::Udp | Opt::Sctp));
                let name = name.map_or("-t", |given| given.name.as_str());
                if !address.is_ipv6() {
                    unused(ipv6, name, said);
                    return None;
                }
                // The address says it already.
                let unused = at(ipv6.spot, Code::IpvsadmOptionUnused);
                said.refused(unused.with("option", &ipv6.name).with("command", name));
            }
            Some(ServiceKey::Address { protocol, address, port })
        }
        None => {
            said.add(at(command.spot, Code::IpvsadmServiceMissing).with("command", &command.name));
            None
        }
    }
}

pub(super) fn service_row(
    line: &Line<'_>,
    command: &Given<'_>,
    key: &ServiceKey,
    said: &mut Said<'_>,
) -> Option<ServiceRow> {
    let scheduler = line.scheduler.map_or(Scheduler::default().as_str(), |word| word.text);
    if let Some(word) = line.scheduler
        && word.text.parse::<Scheduler>().is_err()
    {
        said.add(at(word.spot, Code::IpvsadmScheduler).with("scheduler", word.text));
        return None;
    }
    if let Some(engine) = line.engine {
        said.add(at(engine.spot, Code::IpvsadmEngine).with("engine", engine.text).warning());
    }
    let one_packet = line.given.get(&Opt::OnePacket);
    if let (Some(option), ServiceKey::Address { protocol, .. }) = (one_packet, key)
        && *protocol != Protocol::Udp
    {
        said.add(at(option.spot, Code::IpvsadmOnePacket));
        return None;
    }
    if matches!(key, ServiceKey::Address { port: 0, .. }) && line.persistence_s.is_none() {
        said.add(at(line.target_spot.unwrap_or(command.spot), Code::IpvsadmPortZero));
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
            said.add(at(list.spot, Code::IpvsadmFlag).with("scheduler", scheduler).with("flag", word));
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
                said.add(at(word.spot, Code::IpvsadmMask).with("word", word.text));
            } else if line.persistence_s.is_none() {
                said.add(at(word.spot, Code::IpvsadmMaskUnused).warning());
            }
            mask?
        }
    };
    Some(line.persistence_s.map(|timeout_s| Persist { timeout_s, mask }))
}

pub(super) fn forward(line: &Line<'_>, command: &Given<'_>, said: &mut Said<'_>) -> Option<Forward> {
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
    let spot = |option: Opt| line.given.get(&option).map_or(command.spot, |given| given.spot);
    if kind == TunnelKind::Gue && port == 0 {
        said.add(at(spot(Opt::TunnelType), Code::TunnelPortMissing));
        return None;
    }
    if kind != TunnelKind::Gue && port != 0 {
        said.add(at(spot(Opt::TunnelPort), Code::TunnelPortUnused).with("kind", kind.as_str()));
        return None;
    }
    let wrong = match checksum {
        TunnelChecksum::None => None,
        TunnelChecksum::Full => (kind == TunnelKind::Ipip).then_some(Opt::FullChecksum),
        TunnelChecksum::Remote => (kind != TunnelKind::Gue).then_some(Opt::RemoteChecksum),
    };
    if let Some(option) = wrong {
        said.add(
            at(spot(option), Code::TunnelChecksum)
                .with("kind", kind.as_str())
                .with("checksum", checksum.as_str()),
        );
        return None;
    }
    Some(Forward::Tunnel(Tunnel { kind, port, checksum }))
}

/// As ipvsadm decides it: direct routing and tunnels get the service's port whatever was written, others too where
/// none was; services by mark have none to give.
pub(super) fn server_port(
    service: &ServiceKey,
    port: Option<u16>,
    forward: Forward,
    spot: Spot,
    said: &mut Said<'_>,
) -> u16 {
    let ServiceKey::Address { port: service_port, .. } = *service else { return port.unwrap_or(0) };
    match port {
        Some(port) if forward == Forward::Masquerade || port == service_port => port,
        Some(port) => {
            let word = if forward == Forward::Direct { "direct" } else { "tunnel" };
            said.add(
                at(spot, Code::IpvsadmPortForced)
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
