//! Piranha's lvs.cf: reading what its daemons read and more, and writing what they can read.
//!
//! The lexer splits lines as the daemons did, `blocks` keeps every byte of the text in its place, and the rest reads
//! settings into a [`Cluster`]: what can be understood is accepted, and what had to be assumed is said with line and
//! column. It never looks up a name, never opens a file and never gives up at the first error. Called by the
//! import of the console and by `caribe check`.

mod blocks;
mod check;
mod document;
mod global;
mod lexer;
mod names;
mod reader;
mod together;
mod typed;
mod value;
mod virtual_server;
mod vocabulary;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Code, Finding, Place, Severity};
use crate::model::Cluster;

use self::document::{Block, Item, Kind, excerpt};
use self::names::Taken;
use self::reader::Reader;
use super::Reading;
use super::collector::Collector;
use super::places::Places;

pub use write::write;

/// Longer texts are not read to their end, bytes.
pub const TEXT_MAXIMUM: usize = 8 << 20;
/// Name of a cluster that comes from a file without one.
pub const CLUSTER_NAME: &str = "lvs";

/// Reads a text as an lvs.cf. The cluster comes without ids and is named [`CLUSTER_NAME`].
pub fn read(text: &str) -> Reading {
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
    let mut reader =
        Reader { collector: &mut collector, places: Places::default(), kept_blocks: BTreeMap::new() };
    global::read(&mut reader, &document.items, &mut cluster);
    let mut names = Taken::default();
    for item in &document.items {
        match item {
            Item::Block(block) if block.kind == Kind::Virtual => {
                virtual_server::read(&mut reader, block, &mut cluster, &mut names);
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
        let located = places.locate(finding);
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
    let name = block.name.as_ref().map_or("unnamed", |name| name.text.as_ref());
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
