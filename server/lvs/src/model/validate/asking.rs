//! Rules between how servers are checked and which servers those are: where is asked from, and which way.

use std::net::IpAddr;

use super::servers::Service;
use crate::finding::{Code, Finding, Findings};
use crate::model::{Check, Forwarding, Monitor, Protocol, Question, SorryCheck};
use crate::table::Family;

/// A server that is asked.
struct Asked<'a> {
    name: &'a str,
    address: IpAddr,
    forwarding: Forwarding,
}

/// What the checks of a virtual server and those of its real servers' own ask of them.
pub(super) fn check(findings: &mut Findings, service: &Service<'_>) {
    let server = service.server;
    let mut common = Vec::new();
    for (index, real) in server.real_servers.iter().enumerate() {
        let asked = Asked {
            name: &real.name,
            address: real.address,
            forwarding: real.forwarding_in(&service.cluster.global),
        };
        match &real.monitor {
            Some(own) => {
                let pointer = format!("{}/real_servers/{index}/monitor", service.pointer);
                monitor(findings, &pointer, own, &[asked], service);
            }
            None => common.push(asked),
        }
    }
    let pointer = format!("{}/monitor", service.pointer);
    monitor(findings, &pointer, &server.monitor, &common, service);
    for (index, check) in server.monitor.checks.iter().enumerate() {
        if let Some(address) = check.address.filter(|_| common.len() > 1) {
            findings.push(
                Finding::field(format!("{pointer}/checks/{index}/address"), Code::CheckAddressService)
                    .with("address", address)
                    .warning(),
            );
        }
    }
    if let Some(sorry) = &server.sorry_server
        && sorry.check == SorryCheck::Same
        && server.monitor.checks.is_empty()
    {
        let pointer = format!("{}/sorry_server/check", service.pointer);
        findings.push(Finding::field(pointer, Code::SorryUnchecked).warning());
    }
}

fn monitor(
    findings: &mut Findings,
    pointer: &str,
    monitor: &Monitor,
    asked: &[Asked<'_>],
    service: &Service<'_>,
) {
    if let Some(source) = monitor.source {
        let needs = |check: &&Check| check.source.is_none() && !check.question.is_program();
        if monitor.checks.iter().any(|check| needs(&check)) {
            family(findings, &format!("{pointer}/source"), source, asked);
        }
    }
    let served = |mark| service.cluster.virtual_servers.iter().find(|other| other.mark == Some(mark));
    let marks = |findings: &mut Findings, pointer: String, mark: Option<std::num::NonZeroU32>| {
        if let Some((mark, other)) = mark.and_then(|mark| Some((mark, served(mark)?))) {
            findings.push(
                Finding::field(pointer, Code::MonitorMarkServes)
                    .with("mark", mark)
                    .with("name", &other.name)
                    .warning(),
            );
        }
    };
    marks(findings, format!("{pointer}/mark"), monitor.mark);
    for (index, check) in monitor.checks.iter().enumerate() {
        let pointer = format!("{pointer}/checks/{index}");
        marks(findings, format!("{pointer}/mark"), check.mark);
        if let Some(source) = check.source {
            let place = format!("{pointer}/source");
            match check.address {
                Some(address) => {
                    let other = Asked { name: "", address, forwarding: Forwarding::Nat };
                    family(findings, &place, source, &[other]);
                }
                None => family(findings, &place, source, asked),
            }
        }
        tcp(findings, &pointer, monitor, check, service);
    }
    if monitor.data_path {
        data_path(findings, &format!("{pointer}/data_path"), asked, service);
    }
}

/// A question over TCP asked at the very port that is served by UDP.
fn tcp(findings: &mut Findings, pointer: &str, monitor: &Monitor, check: &Check, service: &Service<'_>) {
    let own_port = check.port.is_none() && monitor.port.is_none() && service.server.mark.is_none();
    // These are asked over UDP themselves, or over whatever the virtual server serves.
    let fits = matches!(
        check.question,
        Question::Udp { .. } | Question::Dns { .. } | Question::Connect | Question::SendExpect { .. }
    );
    if own_port
        && !fits
        && check.question.has_port()
        && service.server.protocol == Protocol::Udp
        && service.server.port != 0
    {
        findings.push(
            Finding::field(format!("{pointer}/port"), Code::CheckProtocol)
                .with("name", &service.server.name)
                .with("port", service.server.port)
                .warning(),
        );
    }
}

fn family(findings: &mut Findings, pointer: &str, source: IpAddr, asked: &[Asked<'_>]) {
    if let Some(other) = asked.iter().find(|asked| Family::of(asked.address) != Family::of(source)) {
        findings.push(
            Finding::field(pointer, Code::MonitorSourceFamily)
                .with("source", source)
                .with("address", other.address),
        );
    }
}

fn data_path(findings: &mut Findings, pointer: &str, asked: &[Asked<'_>], service: &Service<'_>) {
    if service.server.vip.is_none() {
        let finding = Finding::field(pointer, Code::MonitorDataPathVip);
        findings.push(finding.with("name", &service.server.name));
    }
    let protocol = service.server.protocol;
    if protocol != Protocol::Tcp && service.server.mark.is_none() {
        let finding = Finding::field(pointer, Code::MonitorDataPathProtocol);
        findings.push(finding.with("name", &service.server.name).with("protocol", protocol));
    }
    if let Some(other) = asked.iter().find(|asked| asked.forwarding == Forwarding::Nat) {
        findings.push(
            Finding::field(pointer, Code::MonitorDataPath)
                .with("forwarding", other.forwarding.as_str())
                .with("name", other.name),
        );
    }
}
