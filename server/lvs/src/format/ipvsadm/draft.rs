//! From a table to a cluster that somebody can go on with.

use std::collections::BTreeMap;

use crate::finding::{Code, Finding, Findings};
use crate::model::{
    Cluster, ConnectionLimit, Forwarding, Id, Monitor, Persistence, Protocol, RealServer, Scheduler, Vip,
    VirtualServer, Weight,
};
use crate::table::{Family, Forward, Persist, ServerKey, ServerRow, Service, ServiceKey, Table};

/// The name of a cluster made from a table, which has none.
const NAME: &str = "imported";

/// A cluster that asks for exactly this table: virtual servers named after their key (`tcp 192.0.2.1:80`), real
/// servers likewise, the commonest forwarding as the cluster's. A table knows no directors, devices, masks or
/// checks; those are left for the reader to fill in. Findings are by field.
pub fn draft(table: &Table) -> (Cluster, Findings) {
    let mut findings = Findings::new();
    let mut cluster = Cluster { name: NAME.to_owned(), ..Cluster::default() };
    cluster.global.forwarding = commonest(table);
    for (index, (key, service)) in table.services.iter().enumerate() {
        let pointer = format!("/virtual_servers/{index}");
        let server = virtual_server(&mut findings, &pointer, key, service, cluster.global.forwarding);
        cluster.virtual_servers.push(server);
    }
    (cluster, findings)
}

/// The forwarding most servers use; NAT before direct routing before tunnels where as many do.
fn commonest(table: &Table) -> Forwarding {
    let mut counts: BTreeMap<Forwarding, usize> = BTreeMap::new();
    for row in table.services.values().flat_map(|service| service.servers.values()) {
        if let Some(forwarding) = forwarding(row.forward) {
            let count = counts.entry(forwarding).or_default();
            *count = count.saturating_add(1);
        }
    }
    // max_by_key takes the last of equals.
    counts
        .into_iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map(|(forwarding, _)| forwarding)
        .unwrap_or_default()
}

fn forwarding(forward: Forward) -> Option<Forwarding> {
    match forward {
        Forward::Masquerade => Some(Forwarding::Nat),
        Forward::Direct => Some(Forwarding::Direct),
        Forward::Tunnel(tunnel) => Some(Forwarding::Tunnel(tunnel)),
        Forward::Local | Forward::Bypass => None,
    }
}

fn virtual_server(
    findings: &mut Findings,
    pointer: &str,
    key: &ServiceKey,
    service: &Service,
    common: Forwarding,
) -> VirtualServer {
    let row = &service.row;
    let scheduler = row.scheduler.parse().unwrap_or_else(|_| {
        findings.push(
            Finding::field(format!("{pointer}/scheduler"), Code::IpvsadmScheduler)
                .with("scheduler", &row.scheduler),
        );
        Scheduler::default()
    });
    // A service by mark has no protocol; only its checks use one, and one packet at a time means UDP.
    let marked = if row.one_packet { Protocol::Udp } else { Protocol::default() };
    let (vip, mark, family, protocol, port) = match *key {
        ServiceKey::Address { protocol, address, port } => {
            (Some(Vip { address, prefix: None, device: None }), None, None, protocol, port)
        }
        ServiceKey::Mark { mark, family } => {
            (None, Some(mark), (family == Family::Ipv6).then_some(family), marked, 0)
        }
    };
    VirtualServer {
        id: Id::default(),
        name: key.to_string(),
        active: true,
        vip,
        mark,
        marked: Vec::new(),
        family,
        protocol,
        port,
        scheduler,
        scheduler_flags: row.flags.clone(),
        persistence: row.persistence.map(|persist| persistence(findings, pointer, key.family(), persist)),
        one_packet: row.one_packet,
        quiesce: false,
        quorum: Default::default(),
        sorry_server: None,
        monitor: Monitor::none(),
        real_servers: service
            .servers
            .iter()
            .enumerate()
            .map(|(index, (server, row))| {
                let pointer = format!("{pointer}/real_servers/{index}");
                real_server(findings, &pointer, server, row, port, common)
            })
            .collect(),
        kept: BTreeMap::new(),
    }
}

fn persistence(findings: &mut Findings, pointer: &str, family: Family, persist: Persist) -> Persistence {
    let length = match family {
        Family::Ipv4 => persist.mask.leading_ones(),
        Family::Ipv6 => persist.mask,
    };
    if family == Family::Ipv4 && length.saturating_add(persist.mask.trailing_zeros()) < u32::BITS {
        findings.push(
            Finding::field(format!("{pointer}/persistence/prefix"), Code::IpvsadmMaskGaps)
                .with("mask", std::net::Ipv4Addr::from_bits(persist.mask)),
        );
    }
    let prefix = u8::try_from(length).ok().filter(|length| *length != family.bits());
    Persistence { timeout_s: persist.timeout_s, prefix }
}

fn real_server(
    findings: &mut Findings,
    pointer: &str,
    key: &ServerKey,
    row: &ServerRow,
    service_port: u16,
    common: Forwarding,
) -> RealServer {
    let own = forwarding(row.forward);
    if own.is_none() {
        let word = if row.forward == Forward::Local { "local" } else { "bypass" };
        findings.push(
            Finding::field(format!("{pointer}/forwarding"), Code::IpvsadmForwarding)
                .with("forwarding", word)
                .with("key", key)
                .warning(),
        );
    }
    let weight = u16::try_from(row.weight).unwrap_or_else(|_| {
        findings.push(
            Finding::field(format!("{pointer}/weight"), Code::IpvsadmWeight)
                .with("weight", row.weight)
                .warning(),
        );
        u16::MAX
    });
    // Without an upper limit the kernel never looks at the lower one.
    let limit = (row.upper != 0).then_some(ConnectionLimit { upper: row.upper, lower: row.lower });
    RealServer {
        id: Id::default(),
        name: key.to_string(),
        address: key.address,
        port: (key.port != service_port).then_some(key.port),
        active: true,
        weight: Weight(weight),
        forwarding: own.filter(|forwarding| *forwarding != common),
        backup: false,
        quiesce: None,
        limit,
        monitor: None,
        kept: BTreeMap::new(),
    }
}
