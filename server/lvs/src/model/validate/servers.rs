//! Rules for real servers and sorry servers: what each forwarding can do, and what it cannot.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::addresses::{Use, usable};
use super::asking;
use super::monitor;
use super::services::REAL_SERVERS_TRIED;
use super::words::{self, Seen};
use crate::finding::{Code, Finding, Findings};
use crate::model::{
    Cluster, ConnectionLimit, Forwarding, Quorum, RealServer, Tunnel, TunnelChecksum, TunnelKind,
    VirtualServer,
};
use crate::table::{Family, ServerKey};

/// A virtual server in its cluster, and where it is.
pub(super) struct Service<'a> {
    pub(super) pointer: String,
    pub(super) cluster: &'a Cluster,
    pub(super) server: &'a VirtualServer,
}

pub(super) fn check<'a>(findings: &mut Findings, service: &Service<'a>, ids: &mut Seen<'a>) {
    let server = service.server;
    let count = server.real_servers.len();
    if count > REAL_SERVERS_TRIED {
        findings.push(
            Finding::field(format!("{}/real_servers", service.pointer), Code::RealServersMany)
                .with("count", count)
                .warning(),
        );
    }
    let mut names = Seen::default();
    let mut keys: BTreeMap<ServerKey, &str> = BTreeMap::new();
    for (index, real) in server.real_servers.iter().enumerate() {
        let pointer = format!("{}/real_servers/{index}", service.pointer);
        ids.id(findings, format!("{pointer}/id"), &real.id);
        words::name(findings, &format!("{pointer}/name"), &real.name);
        names.name(findings, format!("{pointer}/name"), &real.name);
        let used = if real.active { Use::Server } else { Use::Inactive };
        usable(findings, &format!("{pointer}/address"), real.address, used);
        if real.active {
            taken(findings, &pointer, service, real, &mut keys);
        }
        if let Some(forwarding) = real.forwarding {
            tunnel(findings, &format!("{pointer}/forwarding"), forwarding);
        }
        let forwarding = real.forwarding_in(&service.cluster.global);
        port(findings, &pointer, service, real.port, forwarding);
        family(findings, &pointer, service, real.address, forwarding);
        if let Some(limit) = &real.limit {
            bounds(findings, &pointer, limit);
        }
        if let Some(own) = &real.monitor {
            monitor::check(findings, &format!("{pointer}/monitor"), own);
        }
    }
    asking::check(findings, service);
    quorum(findings, service);
}

/// What is needed to be served by real servers, beside what they can bring.
fn quorum(findings: &mut Findings, service: &Service<'_>) {
    let server = service.server;
    let pointer = &service.pointer;
    let active = || server.real_servers.iter().filter(|real| real.active);
    if active().next().is_some() && active().all(|real| real.backup) {
        findings.push(
            Finding::field(format!("{pointer}/real_servers"), Code::BackupsOnly)
                .with("name", &server.name)
                .warning(),
        );
    }
    let Quorum { weight, hysteresis } = server.quorum;
    if weight == 0 {
        findings.push(Finding::field(format!("{pointer}/quorum/weight"), Code::QuorumWeight));
    } else if hysteresis >= weight {
        findings.push(
            Finding::field(format!("{pointer}/quorum/hysteresis"), Code::QuorumHysteresis)
                .with("hysteresis", hysteresis)
                .with("quorum", weight),
        );
    }
    // The usual quorum is reached by any server, and one that is drained for now is no mistake.
    let sum: u64 = active().map(|real| u64::from(real.weight.0)).sum();
    let needed = u64::from(weight) + u64::from(hysteresis);
    if !server.quorum.is_usual() && server.active && needed > sum {
        findings.push(
            Finding::field(format!("{pointer}/quorum/weight"), Code::QuorumUnreachable)
                .with("sum", sum)
                .with("needed", needed)
                .warning(),
        );
    }
}

fn taken<'a>(
    findings: &mut Findings,
    pointer: &str,
    service: &Service<'a>,
    real: &'a RealServer,
    keys: &mut BTreeMap<ServerKey, &'a str>,
) {
    let key = service.server.server_key(real);
    if let Some(other) = keys.get(&key) {
        findings.push(
            Finding::field(format!("{pointer}/address"), Code::ServerTaken)
                .with("key", key)
                .with("other", other),
        );
    } else {
        keys.insert(key, &real.name);
    }
}

pub(super) fn sorry(findings: &mut Findings, service: &Service<'_>) {
    let Some(sorry) = &service.server.sorry_server else { return };
    let pointer = format!("{}/sorry_server", service.pointer);
    let used = if service.server.active { Use::Server } else { Use::Inactive };
    usable(findings, &format!("{pointer}/address"), sorry.address, used);
    if let Some(forwarding) = sorry.forwarding {
        tunnel(findings, &format!("{pointer}/forwarding"), forwarding);
    }
    let forwarding = sorry.forwarding_in(&service.cluster.global);
    port(findings, &pointer, service, sorry.port, forwarding);
    family(findings, &pointer, service, sorry.address, forwarding);
}

/// Direct routing and tunnels hand packets on as they are: another port would be a lie the kernel accepts.
fn port(
    findings: &mut Findings,
    pointer: &str,
    service: &Service<'_>,
    port: Option<u16>,
    forwarding: Forwarding,
) {
    let Some(port) = port else { return };
    let service_port = service.server.port;
    if forwarding == Forwarding::Nat || port == service_port {
        return;
    }
    let pointer = format!("{pointer}/port");
    let finding =
        |code| Finding::field(&pointer, code).with("forwarding", forwarding.as_str()).with("port", port);
    findings.push(if service.server.mark.is_some() {
        // A mark gathers packets of any port, so there is none to differ from; the kernel just keeps the number.
        finding(Code::PortUnused).warning()
    } else {
        finding(Code::PortRewrite).with("service_port", service_port).suggest(service_port.to_string())
    });
}

/// The kernel takes a server of the other family with tunnels only, and never beside its sync daemon.
fn family(
    findings: &mut Findings,
    pointer: &str,
    service: &Service<'_>,
    address: IpAddr,
    forwarding: Forwarding,
) {
    let wanted = service.server.family();
    if Family::of(address) == wanted {
        return;
    }
    let code = if !matches!(forwarding, Forwarding::Tunnel(_)) {
        Code::FamilyNeedsTunnel
    } else if service.cluster.redundancy.sync.enabled {
        Code::FamilyWithSync
    } else {
        return;
    };
    findings.push(
        Finding::field(format!("{pointer}/address"), code).with("address", address).with("family", wanted),
    );
}

/// A tunnel's own settings; `pointer` is that of the forwarding.
pub(super) fn tunnel(findings: &mut Findings, pointer: &str, forwarding: Forwarding) {
    let Forwarding::Tunnel(Tunnel { kind, port, checksum }) = forwarding else { return };
    let pointer = format!("{pointer}/tunnel");
    match (kind, port) {
        (TunnelKind::Gue, 0) => {
            findings.push(Finding::field(format!("{pointer}/port"), Code::TunnelPortMissing));
        }
        (TunnelKind::Gue, _) | (_, 0) => {}
        (_, _) => findings.push(
            Finding::field(format!("{pointer}/port"), Code::TunnelPortUnused).with("kind", kind.as_str()),
        ),
    }
    let possible = match checksum {
        TunnelChecksum::None => true,
        TunnelChecksum::Full => kind != TunnelKind::Ipip,
        TunnelChecksum::Remote => kind == TunnelKind::Gue,
    };
    if !possible {
        findings.push(
            Finding::field(format!("{pointer}/checksum"), Code::TunnelChecksum)
                .with("kind", kind.as_str())
                .with("checksum", checksum.as_str()),
        );
    }
}

fn bounds(findings: &mut Findings, pointer: &str, limit: &ConnectionLimit) {
    if limit.upper == 0 {
        findings.push(Finding::field(format!("{pointer}/limit/upper"), Code::LimitUpper));
    } else if limit.lower > limit.upper {
        findings.push(
            Finding::field(format!("{pointer}/limit/lower"), Code::LimitOrder)
                .with("lower", limit.lower)
                .with("upper", limit.upper),
        );
    }
}
