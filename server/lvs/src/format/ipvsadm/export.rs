//! From a cluster to the text of a table, and what of the cluster a table cannot hold.

use super::write::save;
use crate::finding::{Code, Finding, Findings, Severity};
use crate::health::Standings;
use crate::model::{Cluster, Redundancy, Seat, Timeouts};
use crate::plan::{Holding, desired};

/// The table that an active director holds while all its real servers answer. A cluster with errors is not written.
pub fn write(cluster: &Cluster) -> Result<String, Findings> {
    let valid = cluster.clone().validate().map_err(|mut findings| {
        findings.retain(|finding| finding.severity == Severity::Error);
        findings
    })?;
    Ok(save(&desired(&valid, Seat::Primary, Holding::TableOnly, &Standings::default()).table))
}

/// What of a cluster is not in the text of its table; warnings by field.
pub fn left_out(cluster: &Cluster) -> Findings {
    let mut findings = Findings::new();
    let mut warn = |pointer: String, code| findings.push(Finding::field(pointer, code).warning());
    let usual = Redundancy::default();
    let redundant = cluster.redundancy.enabled
        || cluster.redundancy.protocol != usual.protocol
        || !cluster.redundancy.addresses.is_empty();
    if redundant || !cluster.directors.is_empty() {
        warn("/redundancy".to_owned(), Code::ExportTableDirectors);
    }
    if !cluster.kept.is_empty() {
        warn("/kept".to_owned(), Code::ExportTableKept);
    }
    if cluster.global.nat_router.is_some() {
        warn("/global/nat_router".to_owned(), Code::ExportTableAddress);
    }
    if cluster.global.timeouts != Timeouts::default() {
        warn("/global/timeouts".to_owned(), Code::ExportTableTimeouts);
    }
    for (index, server) in cluster.virtual_servers.iter().enumerate() {
        let pointer = format!("/virtual_servers/{index}");
        if !server.active {
            warn(format!("{pointer}/active"), Code::ExportTableInactive);
            continue;
        }
        if !server.kept.is_empty() || server.real_servers.iter().any(|real| !real.kept.is_empty()) {
            warn(format!("{pointer}/kept"), Code::ExportTableKept);
        }
        if server.vip.as_ref().is_some_and(|vip| vip.device.is_some()) {
            warn(format!("{pointer}/vip/device"), Code::ExportTableAddress);
        }
        let own = server
            .real_servers
            .iter()
            .any(|real| real.monitor.as_ref().is_some_and(|m| !m.checks.is_empty()));
        if own || !server.monitor.checks.is_empty() {
            warn(format!("{pointer}/monitor"), Code::ExportTableChecks);
        }
        if server.sorry_server.is_some() && server.real_servers.iter().any(|real| real.active) {
            warn(format!("{pointer}/sorry_server"), Code::ExportTableSorry);
        }
        for (number, real) in server.real_servers.iter().enumerate() {
            if !real.active {
                warn(format!("{pointer}/real_servers/{number}/active"), Code::ExportTableInactive);
            }
        }
    }
    findings
}
