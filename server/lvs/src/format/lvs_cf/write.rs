//! An lvs.cf as the old pages wrote it, for the original daemons.
//!
//! One blank between words, double quotes only, `port` before the servers, lines short enough for the old pages where
//! that can be. What the original cannot express is refused by the name of the field, all of it at once; nothing is
//! left out in silence: words that it does not know become comments, and [`left_out`] names what only the console has.
//! `edit` changes a text by the same sheet.

mod global;
mod service;
pub(super) mod sheet;
mod values;

#[cfg(test)]
mod tests;

use crate::finding::{Code, Finding, Findings, Place, Severity};
use crate::model::{Cluster, Device, DriftPolicy, Scheduler, Seat, SlowStart, SorryCheck};

use super::blocks::parse;
use super::document::{Item, Kind};
use super::edit::{repaired, rewrite};
use super::global::{BACKUP_NAME, PRIMARY_NAME};
use super::{CLUSTER_NAME, KEPT_TEXT, strict};
use crate::format::collector::Collector;
use crate::format::names::Names;
use sheet::{Block, Entry, Sheet};
use values::Writer;

/// The schedulers that the original knows.
pub(super) const OLD_SCHEDULERS: [Scheduler; 8] = [
    Scheduler::Rr,
    Scheduler::Wrr,
    Scheduler::Lc,
    Scheduler::Wlc,
    Scheduler::Lblc,
    Scheduler::Lblcr,
    Scheduler::Dh,
    Scheduler::Sh,
];

/// Blanks before the lines of a `virtual` and of a `server` block.
pub(super) const INDENTS: [usize; 2] = [5, 9];

/// Writes a cluster as an lvs.cf, or says what an lvs.cf cannot express. A cluster that keeps the text it came from
/// gets it back with its comments and its layout: byte for byte where nothing was changed, also what the original
/// refuses in it, which [`left_out`] then says.
pub fn write(cluster: &Cluster) -> Result<String, Findings> {
    match cluster.kept.get(KEPT_TEXT) {
        Some(text) => rewrite(text, cluster),
        None => canonical(cluster),
    }
}

/// As [`write`], but lines that the original refuses are written anew or become comments.
pub fn for_daemons(cluster: &Cluster) -> Result<String, Findings> {
    match cluster.kept.get(KEPT_TEXT) {
        Some(text) => repaired(text, cluster),
        None => canonical(cluster),
    }
}

/// What the original says of a text that goes out as it came in.
fn refused_as_before(cluster: &Cluster) -> Option<Finding> {
    let text = cluster.kept.get(KEPT_TEXT)?;
    let refused = strict::verdict(text, &Names::default()).into_iter();
    let refused = refused.filter(|finding| finding.severity == Severity::Error).find_map(|finding| {
        let Place::Line { line, .. } = finding.place else { return None };
        Some((line, finding.text()))
    });
    let (line, reason) = refused.filter(|_| write(cluster).as_ref() == Ok(text))?;
    let finding = Finding { place: Place::Whole, ..Finding::field("", Code::ExportAsItWas) };
    Some(finding.with("line", line).with("reason", reason).warning())
}

/// Writes a cluster as the old pages wrote, or says what an lvs.cf cannot express. A cluster with errors is not
/// written.
pub fn canonical(cluster: &Cluster) -> Result<String, Findings> {
    let mut refused = errors(cluster);
    let sheet = sheet(cluster);
    refused.extend(sheet.refused().cloned());
    if refused.is_empty() { Ok(render(&sheet)) } else { Err(refused) }
}

/// What [`write`] leaves out because no file can hold it or because it has no effect there, and what the original
/// and its pages would do with the rest; warnings by field.
pub fn left_out(cluster: &Cluster) -> Findings {
    let mut findings = Findings::new();
    let mut warn = |pointer: String, code| findings.push(Finding::field(pointer, code).warning());
    let usual = |seat| if seat == Seat::Primary { PRIMARY_NAME } else { BACKUP_NAME };
    if cluster.name != CLUSTER_NAME || cluster.directors.iter().any(|d| d.name != usual(d.seat)) {
        warn("/name".to_owned(), Code::ExportNames);
    }
    if cluster.global.drift != DriftPolicy::default() {
        warn("/global/drift".to_owned(), Code::ExportDrift);
    }
    for (field, given) in
        [("gateway", cluster.redundancy.gateway.is_some()), ("witness", cluster.redundancy.witness)]
    {
        if given {
            warn(format!("/redundancy/{field}"), Code::ExportIsolation);
        }
    }
    if !cluster.redundancy.enabled && !global::has_whole_seconds(&cluster.redundancy) {
        warn("/redundancy/interval_ms".to_owned(), Code::ExportTimersUnused);
    }
    for (index, server) in cluster.virtual_servers.iter().enumerate() {
        let pointer = format!("/virtual_servers/{index}");
        let monitor = &server.monitor;
        let slow = SlowStart::piranha(monitor.interval_ms / 1_000);
        if server.real_servers.iter().any(|real| real.weight.0 > 1) && monitor.slow_start != Some(slow) {
            warn(format!("{pointer}/monitor/slow_start"), Code::ExportSlowStart);
        }
        if server.sorry_server.as_ref().is_some_and(|sorry| sorry.check != SorryCheck::Never) {
            warn(format!("{pointer}/sorry_server/check"), Code::ExportSorryCheck);
        }
        if monitor.spread_ms.is_some() {
            warn(format!("{pointer}/monitor/spread_ms"), Code::ExportSpread);
        }
    }
    let router = cluster.global.nat_router.as_ref();
    let mut places = vec![("/global/nat_router/device".to_owned(), router.map(|router| &router.device))];
    for (index, server) in cluster.virtual_servers.iter().enumerate() {
        let device = server.vip.as_ref().and_then(|vip| vip.device.as_ref());
        places.push((format!("/virtual_servers/{index}/vip/device"), device));
    }
    for (pointer, device) in places {
        if let Some(device) = device.filter(|device: &&Device| device.label().is_none()) {
            findings.push(Finding::field(pointer, Code::ExportDeviceBare).warning().with("device", device));
        }
    }
    findings.extend(sheet(cluster).damaged);
    findings.extend(refused_as_before(cluster));
    findings
}

/// What is wrong with a cluster by its own rules.
pub(super) fn errors(cluster: &Cluster) -> Findings {
    let mut errors = cluster.findings();
    errors.retain(|finding| finding.severity == Severity::Error);
    errors
}

/// What a file for this cluster would hold, with what cannot be held.
pub(super) fn sheet(cluster: &Cluster) -> Sheet {
    Writer::default().cluster(cluster)
}

fn render(sheet: &Sheet) -> String {
    let mut text = String::new();
    let line = |text: &mut String, indent: usize, line: &str| {
        text.push_str(&format!("{:indent$}{line}\n", ""));
    };
    for entry in &sheet.entries {
        line(&mut text, 0, &entry.line());
    }
    for comment in &sheet.comments {
        line(&mut text, 0, comment);
    }
    for (head, body) in &sheet.failovers {
        failover(&mut text, head, body);
    }
    for block in &sheet.services {
        for (indent, content) in lines(block) {
            line(&mut text, indent, &content);
        }
    }
    text
}

/// The lines of a block and of those in it, with the blanks before each.
pub(super) fn lines(block: &Block) -> Vec<(usize, String)> {
    let [inner, innermost] = INDENTS;
    let (outer, inner) =
        if block.scope == super::vocabulary::Scope::Server { (inner, innermost) } else { (0, inner) };
    let mut lines = vec![(outer, block.head())];
    lines.extend(block.entries.iter().map(|entry: &Entry| (inner, entry.line())));
    lines.extend(block.comments.iter().map(|comment| (inner, comment.clone())));
    lines.extend(block.servers.iter().flat_map(self::lines));
    lines.push((outer, "}".to_owned()));
    lines
}

/// A failover service as it was kept, in the usual indentation; one that would not be read as such again, because
/// its braces do not match, becomes comments.
fn failover(text: &mut String, head: &str, body: &str) {
    let mut block = format!("{head}\n");
    let mut depth = 0_usize;
    for line in body.lines() {
        if line.starts_with('}') {
            depth = depth.saturating_sub(1);
        }
        let indent = INDENTS.get(depth).copied().unwrap_or(9);
        block.push_str(&format!("{:indent$}{line}\n", ""));
        depth += usize::from(line.ends_with('{'));
    }
    block.push_str("}\n");
    let mut collector = Collector::default();
    let document = parse(&block, &mut collector);
    let whole = matches!(document.items.as_slice(), [Item::Block(read)]
        if read.kind == Kind::Failover && read.kept_text() == body);
    if whole && collector.findings().is_empty() {
        text.push_str(&block);
    } else {
        for comment in values::comment(head, body) {
            text.push_str(&comment);
            text.push('\n');
        }
    }
}
