//! Rules for global settings and virtual servers.

use std::collections::BTreeMap;

use super::addresses::{self, Use};
use super::servers::{self, Service};
use super::words::{self, Seen};
use super::{host, monitor};
use crate::finding::{Code, Finding, Findings};
use crate::model::{Cluster, Forwarding, Protocol, VirtualServer};
use crate::table::{Family, ServiceKey};

/// Longest session timeout, seconds: the kernel keeps it in ticks of 1/1000 s in 31 bits.
pub const SESSION_TIMEOUT_MAXIMUM_S: u32 = 2_147_483;
/// Longest persistence, seconds: 31 days, as ipvsadm allows.
pub const PERSISTENCE_MAXIMUM_S: u32 = 2_678_400;
/// Real servers in one service above which a warning is due.
pub const REAL_SERVERS_TRIED: usize = 4_096;

pub(super) fn global(findings: &mut Findings, cluster: &Cluster) {
    let global = &cluster.global;
    servers::tunnel(findings, "/global/forwarding", global.forwarding);
    if let Some(router) = &global.nat_router {
        addresses::usable(findings, "/global/nat_router/address", router.address, Use::Router);
        addresses::movable(findings, "/global/nat_router/address".to_owned(), cluster, router.address);
        let device = "/global/nat_router/device".to_owned();
        addresses::label_family(findings, device, &router.device, router.address);
        let prefix = "/global/nat_router/prefix".to_owned();
        addresses::prefix(findings, prefix, router.prefix, Family::of(router.address));
        let translates = |server: &VirtualServer| {
            server.real_servers.iter().any(|real| real.forwarding_in(global) == Forwarding::Nat)
        };
        if global.forwarding != Forwarding::Nat && !cluster.virtual_servers.iter().any(translates) {
            findings.push(Finding::field("/global/nat_router", Code::NatRouterUnused).warning());
        }
    }
    let timeouts = &global.timeouts;
    for (field, value) in [("tcp", timeouts.tcp), ("tcpfin", timeouts.tcpfin), ("udp", timeouts.udp)] {
        if let Some(value) = value.filter(|v| *v > SESSION_TIMEOUT_MAXIMUM_S) {
            findings.push(
                Finding::field(format!("/global/timeouts/{field}"), Code::TimeoutRange)
                    .with("maximum", SESSION_TIMEOUT_MAXIMUM_S)
                    .with("value", value),
            );
        }
    }
}

pub(super) fn check(findings: &mut Findings, cluster: &Cluster) {
    let mut seen = Seen::default();
    let mut real_seen = Seen::default();
    let mut keys: BTreeMap<ServiceKey, &str> = BTreeMap::new();
    for (index, server) in cluster.virtual_servers.iter().enumerate() {
        let pointer = format!("/virtual_servers/{index}");
        seen.id(findings, format!("{pointer}/id"), &server.id);
        words::name(findings, &format!("{pointer}/name"), &server.name);
        seen.name(findings, format!("{pointer}/name"), &server.name);
        key(findings, &pointer, server, &mut keys);
        vip(findings, &pointer, server, cluster);
        host::marked(findings, &pointer, server);
        scheduling(findings, &pointer, server);
        monitor::check(findings, &format!("{pointer}/monitor"), &server.monitor);
        let service = Service { pointer, cluster, server };
        servers::sorry(findings, &service);
        servers::check(findings, &service, &mut real_seen);
    }
}

fn key<'a>(
    findings: &mut Findings,
    pointer: &str,
    server: &'a VirtualServer,
    keys: &mut BTreeMap<ServiceKey, &'a str>,
) {
    let Some(key) = server.key() else {
        findings.push(Finding::field(format!("{pointer}/vip"), Code::VipMissing));
        return;
    };
    if let (Some(vip), Some(family)) = (&server.vip, server.family)
        && Family::of(vip.address) != family
    {
        findings.push(
            Finding::field(format!("{pointer}/family"), Code::FamilyDiffers)
                .with("address", vip.address)
                .with("family", family),
        );
    }
    if server.family.is_some() && server.mark.is_none() {
        findings.push(Finding::field(format!("{pointer}/family"), Code::FamilyUnused).warning());
    }
    if !server.active {
        return;
    }
    if let Some(other) = keys.get(&key) {
        let field = if server.mark.is_some() { "mark" } else { "port" };
        findings.push(
            Finding::field(format!("{pointer}/{field}"), Code::ServiceTaken)
                .with("key", key)
                .with("other", other),
        );
    } else {
        keys.insert(key, &server.name);
    }
}

fn vip(findings: &mut Findings, pointer: &str, server: &VirtualServer, cluster: &Cluster) {
    let Some(vip) = &server.vip else { return };
    let used = if server.active { Use::Virtual } else { Use::Inactive };
    let address = format!("{pointer}/vip/address");
    addresses::usable(findings, &address, vip.address, used);
    addresses::movable(findings, address, cluster, vip.address);
    addresses::prefix(findings, format!("{pointer}/vip/prefix"), vip.prefix, Family::of(vip.address));
    match &vip.device {
        Some(device) => {
            addresses::label_family(findings, format!("{pointer}/vip/device"), device, vip.address);
        }
        None if server.active && addresses::owner(cluster, vip.address).is_none() => findings.push(
            Finding::field(format!("{pointer}/vip/device"), Code::VipUnmanaged)
                .with("address", vip.address)
                .warning(),
        ),
        None => {}
    }
}

fn scheduling(findings: &mut Findings, pointer: &str, server: &VirtualServer) {
    if server.port == 0 && server.mark.is_none() && server.persistence.is_none() {
        findings.push(Finding::field(format!("{pointer}/port"), Code::PortZero));
    }
    for flag in server.scheduler_flags.iter().filter(|flag| !server.scheduler.flags().contains(flag)) {
        findings.push(
            Finding::field(format!("{pointer}/scheduler_flags"), Code::SchedulerFlag)
                .with("scheduler", server.scheduler)
                .with("flag", flag),
        );
    }
    if let Some(persistence) = &server.persistence {
        if !(1..=PERSISTENCE_MAXIMUM_S).contains(&persistence.timeout_s) {
            findings.push(
                Finding::field(format!("{pointer}/persistence/timeout_s"), Code::PersistenceRange)
                    .with("minimum", 1)
                    .with("maximum", PERSISTENCE_MAXIMUM_S)
                    .with("value", persistence.timeout_s),
            );
        }
        let prefix = format!("{pointer}/persistence/prefix");
        addresses::prefix(findings, prefix, persistence.prefix, server.family());
    }
    // A service by mark may hold any protocol's packets; there the kernel looks at each packet.
    if server.one_packet && server.mark.is_none() && server.protocol != Protocol::Udp {
        findings.push(
            Finding::field(format!("{pointer}/one_packet"), Code::OnePacketProtocol)
                .with("protocol", server.protocol),
        );
    }
}
