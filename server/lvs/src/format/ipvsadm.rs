//! The text of `ipvsadm --save --numeric`, in and out.
//!
//! Out: exactly the words ipvsadm 1.31 prints, in an order of our own (by key), plus `-x` and `-y`, which its save
//! leaves out although its restore reads them. In: what ipvsadm accepts on one line, short and long, as far as it is
//! numeric and describes a table; everything else is said with line and column. No names are looked up.
//!
//! Called by `caribe check` and the import page, and by previews and tests that show kernel state as text.

mod draft;
mod line;
mod options;
mod read;
mod write;

use crate::finding::Findings;
use crate::model::Cluster;
use crate::table::Table;

pub use draft::draft;
pub use write::{save, server_words, service_words, settings_words};

/// Longest text that is read, bytes.
pub const TEXT_MAXIMUM: usize = 16 * 1024 * 1024;

/// Reads a table; none where any line is wrong. Findings are by line.
pub fn read(text: &str) -> (Option<Table>, Findings) {
    let reading = read::Reading::of(text);
    let usable = !reading.findings.has_errors();
    (usable.then_some(reading.table), reading.findings.finish())
}

/// Reads a table and makes a cluster of it, as [`draft()`] does; none where any line is wrong.
///
/// Findings are by line, and include what the cluster's own rules say about it.
pub fn read_cluster(text: &str) -> (Option<Cluster>, Findings) {
    let mut reading = read::Reading::of(text);
    if reading.findings.has_errors() {
        return (None, reading.findings.finish());
    }
    let (cluster, findings) = draft(&reading.table);
    let places = reading.places(&cluster);
    for finding in findings.into_iter().chain(cluster.findings()) {
        reading.findings.add(places.locate(finding));
    }
    let usable = !reading.findings.has_errors();
    (usable.then_some(cluster), reading.findings.finish())
}
