//! Rules for directors.

use std::net::IpAddr;

use super::addresses::{Use, usable};
use super::words::{self, Seen};
use crate::finding::{Code, Finding, Findings};
use crate::model::{Cluster, Director, Seat};
use crate::table::Family;

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
        if director.public.is_none()
            && cluster.redundancy.enabled
            && cluster.redundancy.protocol.needs_addresses()
        {
            findings.push(
                Finding::field(format!("{pointer}/public"), Code::DirectorAddressMissing)
                    .with("director", &director.name),
            );
        }
        addresses(findings, &pointer, director, before);
    }
}

fn addresses(findings: &mut Findings, pointer: &str, director: &Director, before: &[Director]) {
    let public = director.public.map(|address| ("public", address));
    let private = director.private.map(|address| ("private", address));
    for (field, address) in public.into_iter().chain(private) {
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
            "public" => other.public,
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
    if let (Some(public), Some(private)) = (director.public, director.private)
        && public == private
    {
        findings.push(
            Finding::field(format!("{pointer}/private"), Code::DirectorAddressTwice)
                .with("address", public)
                .warning(),
        );
    }
}

/// The real addresses of a director.
pub(super) fn own_addresses(director: &Director) -> impl Iterator<Item = IpAddr> {
    director.public.into_iter().chain(director.private)
}
