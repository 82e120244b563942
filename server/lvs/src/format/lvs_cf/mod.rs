//! Piranha's lvs.cf: reading what its daemons read and more, and writing what they can read.
//!
//! The lexer splits lines as the daemons did, `blocks` keeps every byte of the text in its place, and the rest reads
//! settings into a [`Cluster`]: what can be understood is accepted, and what had to be assumed is said with line and
//! column. It never looks up a name, never opens a file and never gives up at the first error. Called by the
//! import of the console and by `caribe check`.

mod blocks;
mod check;
mod document;
mod edit;
mod global;
mod lexer;
mod names;
mod reader;
mod strict;
mod together;
mod typed;
mod value;
mod virtual_server;
mod vocabulary;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Code, Finding, Place, Severity, has_errors};
use crate::model::Cluster;

use self::document::{Block, Item, Kind, excerpt, phantoms};
use self::names::Taken;
use self::reader::Reader;
use self::value::{Address, address};
use super::Reading;
use super::collector::Collector;
use super::names::Names;
use super::places::Places;

pub use edit::edit;
pub(super) use vocabulary::is_word;
pub use write::{canonical, for_daemons, left_out, write};

/// Longer texts are not read to their end, bytes.
pub const TEXT_MAXIMUM: usize = 8 << 20;
/// Longer texts are not kept for their comments and layout, bytes.
const KEPT_MAXIMUM: usize = 1 << 20;
/// Under this key a cluster keeps the text it came from ([`keep_text`]). No word of an lvs.cf is called so.
pub const KEPT_TEXT: &str = "lvs.cf";
/// Name of a cluster that comes from a file without one.
pub const CLUSTER_NAME: &str = "lvs";

/// Whether a written file is longer than what is read of one.
pub(super) fn is_too_long(text: &str) -> bool {
    text.len() > TEXT_MAXIMUM || blocks::is_too_long(text)
}

/// Reads a text as an lvs.cf. The cluster comes without ids and is named [`CLUSTER_NAME`].
pub fn read(text: &str) -> Reading {
    read_with(text, &Names::default())
}

/// What the original daemons say of a text; at most one error, which comes first.
pub(super) fn verdict(text: &str, names: &Names) -> Vec<Finding> {
    strict::verdict(text, names)
}

/// As [`read`], and beyond it what the original daemons refuse is an error: theirs is the first finding, with the
/// line they name. Values are what they make of them: a short mask, single quotes and lost backslashes are as they read
/// them. Lines count as usual, also where a carriage return makes the daemons see fewer.
pub fn read_strict(text: &str, names: &Names) -> Reading {
    let Reading { cluster, mut findings } = read_as(text, names, true);
    let verdict = verdict(text, names);
    let cluster = cluster.filter(|_| !has_errors(&verdict));
    findings.splice(0..0, verdict);
    Reading { cluster, findings }
}

/// The host names in a text that an address is needed for, besides `localhost`.
pub fn host_names(text: &str) -> BTreeSet<String> {
    fn collect(items: &[Item<'_>], found: &mut BTreeSet<String>) {
        for item in items {
            match item {
                Item::Trivia(_) => {}
                Item::Block(block) => collect(&block.items, found),
                Item::Setting(setting) => {
                    let word = setting.name.text.to_ascii_lowercase();
                    let named = setting.values.first().filter(|value| {
                        ADDRESS_WORDS.contains(&word.as_str()) && address(&value.text) == Address::Name
                    });
                    found.extend(named.map(|value| value.text.to_string()));
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    collect(&blocks::parse(text, &mut Collector::default()).items, &mut found);
    found
}

/// The words whose first value is an address.
const ADDRESS_WORDS: [&str; 7] =
    ["primary", "primary_private", "backup", "backup_private", "nat_router", "address", "sorry_server"];

/// Lets the cluster of a reading keep the text it came from, so that [`write`] gives it back with its comments and its
/// layout. A text that [`canonical`] would write is not kept, nor one longer than 1 MiB, which is said.
pub fn keep_text(reading: &mut Reading, text: &str) {
    let Some(cluster) = &mut reading.cluster else { return };
    if canonical(cluster).as_deref() == Ok(text) {
        return;
    }
    if text.len() <= KEPT_MAXIMUM {
        cluster.kept.insert(KEPT_TEXT.to_owned(), text.to_owned());
    } else {
        let finding = Finding::line(1, 1, Code::FileLayout).warning();
        reading.findings.insert(0, finding.with("limit", format!("{} MiB", KEPT_MAXIMUM >> 20)));
    }
}

/// As [`read`], with host names that are in the table read as what they stand for.
pub fn read_with(text: &str, names: &Names) -> Reading {
    read_as(text, names, false)
}

fn read_as(text: &str, names: &Names, exact: bool) -> Reading {
    let mut collector = Collector::default();
    let mut text = text;
    if text.is_empty() {
        collector.add(Finding::line(1, 1, Code::FileEmpty));
        return Reading { cluster: None, findings: collector.finish() };
    }
    if let Some(rest) = text.strip_prefix('\u{feff}') {
        collector.add(Finding::line(1, 1, Code::ByteOrderMark).warning());
        text = rest;
    }
    if text.len() > TEXT_MAXIMUM {
        let limit = format!("{} MiB", TEXT_MAXIMUM >> 20);
        collector.add(Finding::line(1, 1, Code::FileTooLarge).with("limit", limit));
        let end = (0..=TEXT_MAXIMUM).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text = text.get(..end).unwrap_or("");
    }
    let document = blocks::parse(text, &mut collector);
    debug_assert!(document.text() == text, "the pieces are the text");
    let mut cluster = Cluster { name: CLUSTER_NAME.to_owned(), ..Cluster::default() };
    let mut reader = Reader {
        collector: &mut collector,
        names,
        exact,
        places: Places::default(),
        kept_blocks: BTreeMap::new(),
    };
    global::read(&mut reader, &document.items, &mut cluster);
    let mut taken = Taken::default();
    let empty = phantoms(&document.items, Kind::Virtual);
    for (index, item) in document.items.iter().enumerate() {
        match item {
            Item::Block(block) if empty.contains(&index) => reader.phantom(block),
            Item::Block(block) if block.kind == Kind::Virtual => {
                virtual_server::read(&mut reader, block, &mut cluster, &mut taken);
            }
            Item::Block(block) => keep_block(&mut reader, block, &mut cluster.kept),
            Item::Trivia(_) | Item::Setting(_) => {}
        }
    }
    together::settle(&mut reader, &mut cluster);
    let places = reader.places;
    validate(&cluster, &places, &mut collector);
    Reading { cluster: (!collector.has_errors()).then_some(cluster), findings: collector.finish() }
}

/// The same finding with what it suggests for the deadtime as a line of the file, which counts in seconds.
fn in_seconds(mut finding: Finding) -> Finding {
    if finding.pointer() == Some("/redundancy/deadtime_ms") {
        let seconds = finding.suggestion.as_ref().and_then(|ms| ms.parse::<u32>().ok()?.checked_div(1000));
        finding.suggestion = seconds.map(|seconds| format!("deadtime = {seconds}"));
    }
    finding
}

/// Adds what the cluster's own rules say, each at the line its field came from.
fn validate(cluster: &Cluster, places: &Places, collector: &mut Collector) {
    let lines_with = |wanted: fn(&Finding) -> bool| -> BTreeSet<u32> {
        let line_of = |finding: &Finding| match finding.place {
            Place::Line { line, .. } if wanted(finding) => Some(line),
            _ => None,
        };
        collector.findings().iter().filter_map(line_of).collect()
    };
    let wrong = lines_with(|finding| finding.severity == Severity::Error);
    let without_device = lines_with(|finding| finding.code == Code::DeviceMissing);
    for finding in cluster.findings() {
        // A timer that the file does not name matters once there is a partner.
        let idle = !cluster.redundancy.enabled && finding.code == Code::DeadtimeShort;
        let located = places.locate(in_seconds(finding));
        let said = match (located.code, &located.place) {
            (Code::AddressUnspecified | Code::DirectorsMissing, Place::Line { line, .. }) => {
                wrong.contains(line)
            }
            (Code::VipUnmanaged, Place::Line { line, .. }) => {
                without_device.contains(line) || wrong.contains(line)
            }
            _ => false,
        };
        if !idle && !said {
            collector.add(located);
        }
    }
}

/// Puts a block aside that is not managed here, as the text of its lines.
fn keep_block(reader: &mut Reader<'_>, block: &Block<'_>, kept: &mut BTreeMap<String, String>) {
    let name = block.name.as_ref().map(|name| name.text.as_ref()).filter(|name| !name.is_empty());
    let name = name.unwrap_or("unnamed");
    let word = block.word.text.as_ref();
    match block.kind {
        Kind::Failover => _ = reader.warn(block.spot(), Code::FailoverKept).with("name", excerpt(name)),
        Kind::Server => _ = reader.error(block.spot(), Code::ServerOutside),
        Kind::Virtual | Kind::Other => {
            reader.warn(block.spot(), Code::BlockUnknown).with("word", excerpt(word));
        }
    }
    let mut key = format!("{word} {name} {{");
    while kept.contains_key(&key) {
        // Counted per name, so that a thousand blocks of one name do not each try a thousand.
        let count = reader.kept_blocks.entry(format!("{word} {name}")).or_insert(1);
        *count += 1;
        key = format!("{word} {name}-{count} {{");
    }
    kept.insert(key, block.kept_text());
}
