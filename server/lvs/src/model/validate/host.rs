//! Rules for what the agents set up on the directors: masquerading, and the marks of services that take several ports.

use std::collections::BTreeSet;

use super::addresses::{self, Use};
use crate::finding::{Code, Finding, Findings};
use crate::model::{Cluster, MarkedTraffic, VirtualServer};

/// Networks that are masqueraded.
pub const MASQUERADES_MAXIMUM: usize = 64;
/// Ranges of ports that are marked for one service.
pub const MARKED_MAXIMUM: usize = 64;

pub(super) fn global(findings: &mut Findings, cluster: &Cluster) {
    let host = &cluster.global.host;
    let list = "/global/host/masquerade";
    if host.masquerade.len() > MASQUERADES_MAXIMUM {
        findings.push(Finding::field(list, Code::MasqueradeTooMany).with("maximum", MASQUERADES_MAXIMUM));
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, leaving) in host.masquerade.iter().enumerate() {
        let pointer = |field: &str| format!("{list}/{index}/{field}");
        let says = |code| Finding::field(pointer("source"), code).with("network", leaving.source);
        if leaving.source.prefix_len() == 0 {
            findings.push(says(Code::MasqueradeEverything));
        } else if leaving.source.trunc() != leaving.source {
            findings.push(says(Code::MasqueradeNetwork).with("written", leaving.source.trunc()));
        } else {
            addresses::usable(findings, &pointer("source"), leaving.source.addr(), Use::Director);
        }
        if let Some(device) = leaving.device.as_ref().filter(|device| device.label().is_some()) {
            let finding = Finding::field(pointer("device"), Code::MasqueradeLabel);
            findings.push(finding.with("label", device).with("interface", device.interface()));
        }
        if !seen.insert(leaving) {
            findings.push(says(Code::MasqueradeTwice));
        }
    }
    if !host.masquerade.is_empty() && !host.prepare {
        findings.push(Finding::field("/global/host/prepare", Code::MasqueradeUnforwarded).warning());
    }
}

pub(super) fn marked(findings: &mut Findings, pointer: &str, server: &VirtualServer) {
    let list = format!("{pointer}/marked");
    if !server.marked.is_empty() && server.mark.is_none() {
        findings.push(Finding::field(&list, Code::MarkedWithoutMark));
    }
    if server.marked.len() > MARKED_MAXIMUM {
        findings.push(Finding::field(list, Code::MarkedTooMany).with("maximum", MARKED_MAXIMUM));
        return;
    }
    let used = if server.active { Use::Virtual } else { Use::Inactive };
    for (index, traffic) in server.marked.iter().enumerate() {
        let place = |field: &str| format!("{list}/{index}/{field}");
        addresses::usable(findings, &place("address"), traffic.address, used);
        if traffic.family() != server.family() {
            let finding = Finding::field(place("address"), Code::MarkedFamily);
            findings.push(finding.with("address", traffic.address).with("family", server.family()));
        }
        if traffic.port == 0 || traffic.last_port() < traffic.port {
            let ports = format!("{}-{}", traffic.port, traffic.last_port());
            findings.push(Finding::field(place("port"), Code::MarkedPorts).with("ports", ports));
        }
    }
}

/// That no packet is marked for two services, or twice for one.
pub(super) fn taken(findings: &mut Findings, cluster: &Cluster) {
    let mut seen: Vec<(&MarkedTraffic, &str)> = Vec::new();
    for (index, server) in cluster.virtual_servers.iter().enumerate().filter(|(_, server)| server.active) {
        for (at, traffic) in server.marked.iter().enumerate().take(MARKED_MAXIMUM) {
            if let Some((_, other)) = seen.iter().find(|(before, _)| before.meets(traffic)) {
                let place = format!("/virtual_servers/{index}/marked/{at}");
                let finding = Finding::field(place, Code::MarkedTaken);
                findings.push(finding.with("traffic", traffic).with("other", other));
            }
            seen.push((traffic, &server.name));
        }
    }
}
