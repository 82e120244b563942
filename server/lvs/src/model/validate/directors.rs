//! Rules for directors and how they watch each other.

use std::net::IpAddr;

use super::addresses::{Use, usable};
use super::words::{self, Seen};
use crate::finding::{Code, Finding, Findings};
use crate::model::{Cluster, Director, Seat};
use crate::table::Family;

/// Shortest time between two beats, milliseconds; below it scheduling noise looks like death.
pub const INTERVAL_MINIMUM_MS: u32 = 10;
/// Longest time between two beats, milliseconds.
pub const INTERVAL_MAXIMUM_MS: u32 = 60_000;
/// Longest deadtime, milliseconds.
pub const DEADTIME_MAXIMUM_MS: u32 = 600_000;

pub(super) fn check(findings: &mut Findings, cluster: &Cluster) {
    let directors = &cluster.directors;
    if directors.is_empty() {
        findings.push(Finding::field("/directors", Code::DirectorsMissing).warning());
    }
    if directors.len() > 2 {
        findings.push(Finding::field("/directors", Code::DirectorsTooMany).with("count", directors.len()));
    }
    let mut seen = Seen::default();
    for (index, director) in directors.iter().enumerate() {
        let pointer = format!("/directors/{index}");
        words::director_name(findings, &format!("{pointer}/name"), &director.name);
        seen.name(findings, format!("{pointer}/name"), &director.name);
        let before = directors.get(..index).unwrap_or_default();
        if before.iter().any(|other| other.seat == director.seat) {
            findings
                .push(Finding::field(format!("{pointer}/seat"), Code::SeatTaken).with("seat", director.seat));
        } else if director.seat == Seat::Backup && !directors.iter().any(|other| other.seat == Seat::Primary)
        {
            findings.push(Finding::field(format!("{pointer}/seat"), Code::SeatBackupAlone));
        }
        addresses(findings, &pointer, director, before);
    }
}

fn addresses(findings: &mut Findings, pointer: &str, director: &Director, before: &[Director]) {
    let public = ("public", director.public);
    let private = director.private.map(|address| ("private", address));
    for (field, address) in std::iter::once(public).chain(private) {
        let pointer = format!("{pointer}/{field}");
        usable(findings, &pointer, address, Use::Director);
        if let Some(other) = before.iter().find(|other| own_addresses(other).any(|a| a == address)) {
            findings.push(
                Finding::field(&pointer, Code::DirectorAddressShared)
                    .with("address", address)
                    .with("director", &other.name),
            );
        }
        let partner = before.iter().find_map(|other| match field {
            "public" => Some(other.public),
            _ => other.private,
        });
        if let Some(partner) = partner.filter(|p| Family::of(*p) != Family::of(address)) {
            findings.push(
                Finding::field(&pointer, Code::DirectorFamilies)
                    .with("address", address)
                    .with("partner", partner),
            );
        }
    }
    if director.private == Some(director.public) {
        findings.push(
            Finding::field(format!("{pointer}/private"), Code::DirectorAddressTwice)
                .with("address", director.public)
                .warning(),
        );
    }
}

/// The real addresses of a director.
pub(super) fn own_addresses(director: &Director) -> impl Iterator<Item = IpAddr> {
    std::iter::once(director.public).chain(director.private)
}

pub(super) fn redundancy(findings: &mut Findings, cluster: &Cluster) {
    let redundancy = &cluster.redundancy;
    if redundancy.enabled && cluster.directors.len() < 2 {
        findings.push(Finding::field("/redundancy/enabled", Code::RedundancyAlone));
    }
    if redundancy.heartbeat_port == 0 {
        findings.push(Finding::field("/redundancy/heartbeat_port", Code::HeartbeatPort));
    }
    let (interval, deadtime) = (redundancy.interval_ms, redundancy.deadtime_ms);
    if !(INTERVAL_MINIMUM_MS..=INTERVAL_MAXIMUM_MS).contains(&interval) {
        findings.push(
            Finding::field("/redundancy/interval_ms", Code::HeartbeatInterval)
                .with("value", interval)
                .with("minimum", INTERVAL_MINIMUM_MS)
                .with("maximum", INTERVAL_MAXIMUM_MS),
        );
    }
    let three = interval.saturating_mul(3);
    let pointer = "/redundancy/deadtime_ms";
    if deadtime > DEADTIME_MAXIMUM_MS {
        findings.push(
            Finding::field(pointer, Code::DeadtimeRange)
                .with("value", deadtime)
                .with("maximum", DEADTIME_MAXIMUM_MS),
        );
    } else if deadtime < interval {
        findings.push(
            Finding::field(pointer, Code::DeadtimeTooShort)
                .with("deadtime", deadtime)
                .with("interval", interval)
                .suggest(three.to_string()),
        );
    } else if deadtime < three {
        findings.push(
            Finding::field(pointer, Code::DeadtimeShort)
                .with("deadtime", deadtime)
                .with("interval", interval)
                .with("used", three)
                .suggest(three.to_string())
                .warning(),
        );
    }
    if redundancy.sync.enabled && !redundancy.enabled {
        findings.push(Finding::field("/redundancy/sync/enabled", Code::SyncAlone).warning());
    }
    for (field, command) in
        [("active_cmd", &redundancy.active_cmd), ("inactive_cmd", &redundancy.inactive_cmd)]
    {
        if let Some(command) = command {
            words::command(findings, &format!("/redundancy/{field}"), command);
        }
    }
}
