//! The text of `ipvsadm --save`, in and out, and the shell scripts that call ipvsadm.
//!
//! Out: exactly the words ipvsadm 1.31 prints, in an order of our own (by key), plus `-x` and `-y`, which its save
//! leaves out although its restore reads them. In: what ipvsadm accepts on one line, short and long, as lines of a save
//! or as commands of a script; everything else is said with line and column. Scripts are read, never run: `shell` says
//! how far. Names of hosts are only those the caller looked up.
//!
//! Called by `caribe check` and the import page, and by previews and tests that show kernel state as text.

mod draft;
mod export;
mod host;
mod line;
mod listing;
mod options;
mod preparing;
mod read;
mod rows;
mod shell;
mod shell_frames;
mod shell_loops;
mod shell_variables;
mod shell_words;
mod write;

use std::collections::BTreeSet;

use super::Reading;
use super::names::Names;
use crate::finding::Findings;
use crate::model::Cluster;
use crate::table::Table;

pub use draft::draft;
pub use export::{left_out, write};
pub use write::{save, server_words, service_words, settings_words};

/// Longest text that is read, bytes.
pub const TEXT_MAXIMUM: usize = 16 * 1024 * 1024;

/// Reads a table; none where any line is wrong. Findings are by line.
pub fn read(text: &str) -> (Option<Table>, Findings) {
    let reading = read::Reading::of(text, &Names::default(), false);
    let usable = !reading.findings.has_errors();
    (usable.then_some(reading.table), reading.findings.finish())
}

/// Reads a table and makes a cluster of it, as [`draft()`] does; none where any line is wrong.
///
/// Findings are by line, and include what the cluster's own rules say about it.
pub fn read_cluster(text: &str) -> (Option<Cluster>, Findings) {
    let Reading { cluster, findings } = read_with(text, &Names::default(), false);
    (cluster, findings)
}

/// As [`read_cluster`], with host names that are in the table read as what they stand for. When `strict`, everything
/// is an error that ipvsadm refuses.
pub fn read_with(text: &str, names: &Names, strict: bool) -> Reading {
    let mut reading = read::Reading::of(text, names, strict);
    if reading.findings.has_errors() {
        return Reading { cluster: None, findings: reading.findings.finish() };
    }
    let (mut cluster, findings) = draft(&reading.table);
    reading.complete(&mut cluster);
    let places = reading.places(&cluster);
    for finding in findings.into_iter().chain(cluster.findings()) {
        reading.findings.add(places.locate(finding));
    }
    let usable = !reading.findings.has_errors();
    Reading { cluster: usable.then_some(cluster), findings: reading.findings.finish() }
}

/// The host names in a text that an address is needed for, besides `localhost`.
pub fn host_names(text: &str) -> BTreeSet<String> {
    read::Reading::of(text, &Names::default(), false).hosts
}
