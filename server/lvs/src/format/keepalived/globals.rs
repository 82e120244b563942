//! `global_defs`: what one node says of itself and of all its services and virtual routers.
//!
//! Read before everything else of a text, because the defaults of `vrrp_instance` come from here.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::kept;
use super::reader::{Once, Origin, Reader};
use super::syntax_notes::excerpt;
use super::syntax_words::Block;
use super::tracked::Defined;
use super::tree::{Statement, Word};
use super::{unacted, values};
use crate::finding::Code;
use crate::model::{Device, SESSION_TIMEOUT_MAXIMUM_S, Timeouts, VrrpVersion};

/// What all instances and services of a node have in common.
#[derive(Debug, Default)]
pub(super) struct Globals {
    /// The name that the node gives itself.
    pub(super) router_id: Option<(String, Origin)>,
    /// The kernel's session timeouts.
    pub(super) timeouts: Timeouts,
    /// Copying of connections.
    pub(super) sync: Option<SyncDaemon>,
    /// Version of instances that name none.
    pub(super) version: Option<VrrpVersion>,
    /// Whether instances follow the RFC to the letter, without passwords and unicast.
    pub(super) strict: bool,
    /// Whether it is looked at who may write the scripts that keepalived runs.
    pub(super) script_security: bool,
    /// What can be tracked by a name.
    pub(super) defined: Defined,
}

/// `lvs_sync_daemon`.
#[derive(Debug)]
pub(super) struct SyncDaemon {
    /// Interface that connections are sent out of.
    pub(super) interface: Device,
    /// Instance that decides who sends; its id is the sync id where none is given.
    pub(super) instance: Option<String>,
    /// Sync id.
    pub(super) id: Option<u8>,
    /// Where it was said.
    pub(super) origin: Origin,
}

/// Reads a block; several of them add up.
pub(super) fn read(
    reader: &mut Reader<'_>,
    statement: &Statement,
    globals: &mut Globals,
    kept: &mut BTreeMap<String, String>,
) {
    let mut once = Once::default();
    for inner in statement.inside() {
        let word = inner.keyword.text.as_str();
        globals.script_security |= word == "enable_script_security";
        match word {
            "router_id" | "router-id" => {
                once.note(reader, inner);
                if word == "router-id" {
                    reader
                        .warn(inner.origin(), Code::KeepalivedOldUnknown)
                        .with("word", word)
                        .with("meaning", "router_id")
                        .suggest(Some("router_id"));
                }
                globals.router_id = reader.value(inner).map(|word| (word.text.clone(), inner.value_origin()));
            }
            "lvs_id" if globals.router_id.is_none() => {
                reader
                    .warn(inner.origin(), Code::KeepalivedOld)
                    .with("word", word)
                    .with("meaning", "router_id");
                globals.router_id = reader.value(inner).map(|word| (word.text.clone(), inner.value_origin()));
            }
            "lvs_timeouts" => timeouts(reader, inner, &mut globals.timeouts),
            "lvs_sync_daemon" => sync_daemon(reader, inner, globals, kept),
            "vrrp_version" => globals.version = version(reader, inner, globals.version).or(globals.version),
            "vrrp_strict" => {
                // No word behind it switches it off.
                globals.strict = true;
                if let Some(word) = inner.argument(0) {
                    reader.warn(inner.origin_of(word), Code::ExtraWords).with("text", excerpt(&word.text));
                }
                reader.aside(kept, "global_defs/", inner, Code::KeepalivedStrict);
            }
            "vrrp_garp_interval" | "vrrp_gna_interval" if inner.words() == "0" => {
                reader
                    .warn(inner.value_origin(), Code::KeepalivedNoEffect)
                    .with("word", word)
                    .with("text", 0);
            }
            "vrrp_garp_master_repeat" if inner.words() == "0" => {
                repeat_zero(reader, inner);
            }
            _ => unacted::aside(reader, kept, "global_defs/", Block::Global, inner),
        }
    }
}

/// A count of announcements of 0 is taken for 1.
pub(super) fn repeat_zero(reader: &mut Reader<'_>, statement: &Statement) {
    if let Some(word) = statement.argument(0) {
        reader.range(statement, word, 1, u32::MAX, 1);
    }
}

/// Version 2 or 3.
pub(super) fn version(
    reader: &mut Reader<'_>,
    statement: &Statement,
    before: Option<VrrpVersion>,
) -> Option<VrrpVersion> {
    let taken = u8::from(before.unwrap_or_default());
    let number = reader.number::<u8>(statement, 2, 3, taken)?;
    VrrpVersion::try_from(number).ok()
}

/// A device in a word; what cannot be one is said.
pub(super) fn device(reader: &mut Reader<'_>, statement: &Statement, word: &Word) -> Option<Device> {
    match word.text.parse() {
        Ok(device) => Some(device),
        Err(reason) => {
            reader
                .warn(statement.origin_of(word), Code::KeepalivedDevice)
                .with("text", excerpt(&word.text))
                .with("reason", reason);
            None
        }
    }
}

/// The longest timeout that keepalived sets, 31 days.
const LVS_TIMEOUT_MAXIMUM_S: u32 = 2_678_400;

/// `tcp N`, `tcpfin N`, `udp N` in any order.
fn timeouts(reader: &mut Reader<'_>, statement: &Statement, timeouts: &mut Timeouts) {
    if statement.arguments.is_empty() {
        _ = reader.value(statement);
    }
    let mut words = statement.arguments.iter();
    while let Some(word) = words.next() {
        let field = match word.text.as_str() {
            "tcp" => &mut timeouts.tcp,
            "tcpfin" => &mut timeouts.tcpfin,
            "udp" => &mut timeouts.udp,
            other => {
                reader
                    .warn(statement.origin_of(word), Code::KeepalivedOption)
                    .with("text", excerpt(other))
                    .with("word", &statement.keyword.text);
                continue;
            }
        };
        let value = words.next();
        let number =
            value.and_then(|word| super::reader::whole(&word.text)).and_then(|n| u32::try_from(n).ok());
        match (number.filter(|number| *number <= LVS_TIMEOUT_MAXIMUM_S), value) {
            // No time leaves the kernel its own.
            (Some(0), _) => *field = None,
            (Some(number), Some(value)) if number > SESSION_TIMEOUT_MAXIMUM_S => {
                reader
                    .warn(statement.origin_of(value), Code::KeepalivedRounded)
                    .with("word", &word.text)
                    .with("text", number)
                    .with("taken", SESSION_TIMEOUT_MAXIMUM_S);
                *field = Some(SESSION_TIMEOUT_MAXIMUM_S);
            }
            (Some(number), _) => *field = Some(number),
            (None, Some(value)) => {
                reader.range(statement, value, 0, LVS_TIMEOUT_MAXIMUM_S, "the kernel's own");
            }
            (None, None) => {
                reader.warn(statement.origin_of(word), Code::ValueMissing).with("word", &word.text);
            }
        }
    }
}

/// `lvs_sync_daemon INTERFACE [INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS]`, or the id as a number.
fn sync_daemon(
    reader: &mut Reader<'_>,
    statement: &Statement,
    globals: &mut Globals,
    kept: &mut BTreeMap<String, String>,
) {
    let mut words = statement.arguments.iter();
    let Some(first) = words.next() else {
        _ = reader.value(statement);
        return;
    };
    let Some(interface) = device(reader, statement, first) else { return };
    let mut sync = SyncDaemon { interface, instance: None, id: None, origin: statement.origin() };
    let mut aside = false;
    while let Some(word) = words.next() {
        match word.text.as_str() {
            "inst" => sync.instance = words.next().map(|word| word.text.clone()),
            "id" => sync.id = words.next().and_then(|word| sync_id(reader, statement, word)),
            "maxlen" | "port" | "ttl" | "group" => {
                aside = true;
                if let Some(value) = words.next() {
                    sync_option(reader, statement, &word.text, value);
                }
                reader.warn(statement.origin_of(word), Code::KeepalivedOutside).with("word", &word.text);
            }
            _ if sync.instance.is_none() => sync.instance = Some(word.text.clone()),
            _ => sync.id = sync_id(reader, statement, word),
        }
    }
    if aside {
        kept::keep(kept, "global_defs/", statement);
    }
    globals.sync = Some(sync);
}

/// Options of `lvs_sync_daemon` that nothing here acts on.
fn sync_option(reader: &mut Reader<'_>, statement: &Statement, option: &str, value: &Word) {
    match option {
        "port" => values::number(reader, statement, value, 1, 65_535),
        "ttl" => values::number(reader, statement, value, 1, 255),
        "maxlen" => values::number(reader, statement, value, 1, 65_507),
        _ if value.text.parse::<IpAddr>().is_ok_and(|address| address.is_multicast()) => {}
        _ => values::refused(reader, statement, value, "a multicast address"),
    }
}

fn sync_id(reader: &mut Reader<'_>, statement: &Statement, word: &Word) -> Option<u8> {
    let id = super::reader::whole(&word.text).and_then(|number| u8::try_from(number).ok());
    if id.is_none() {
        reader.range(statement, word, 0, u8::MAX, "the virtual router id");
    }
    id
}

/// An address in a word; anything else is said to be left out.
pub(super) fn address(reader: &mut Reader<'_>, statement: &Statement, word: &Word) -> Option<IpAddr> {
    let address = word.text.parse().ok();
    if address.is_none() {
        reader
            .warn(statement.origin_of(word), Code::KeepalivedHostName)
            .with("text", excerpt(&word.text))
            .with("word", &statement.keyword.text);
    }
    address
}
