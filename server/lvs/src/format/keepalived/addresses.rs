//! Lists of addresses with their options: `virtual_ipaddress` and `virtual_ipaddress_excluded`.
//!
//! An entry is `ADDRESS[/PREFIX] [dev DEVICE] [label LABEL] [further options]`, as `ip addr add` takes it. Called for
//! each instance.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::globals;
use super::reader::{Origin, Reader, whole};
use super::syntax_notes::excerpt;
use super::tree::{Statement, Word};
use super::values;
use crate::finding::Code;
use crate::model::{Device, Vip};
use crate::table::Family;

/// Options of an address without a value.
const FLAGS: [&str; 7] =
    ["no_track", "-nodad", "home", "mngtmpaddr", "noprefixroute", "autojoin", "use_vmac"];
/// Where an address may be valid, by name; a number is possible too.
const SCOPES: [&str; 5] = ["global", "nowhere", "host", "link", "site"];

/// An address that an instance moves.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Address, prefix and device; the instance's own interface where it names no device.
    pub(super) vip: Vip,
    /// Where it was given.
    pub(super) origin: Origin,
    /// Whether it names options that are kept in the text of its list only.
    pub(super) has_options: bool,
}

/// The addresses of a list. `family` is that of the instance: the others are left out, as keepalived does. Without
/// one the first address decides where `one_family` is set.
pub(super) fn read(
    reader: &mut Reader<'_>,
    list: &Statement,
    interface: Option<&Device>,
    mut family: Option<Family>,
    one_family: bool,
    taken: &mut BTreeSet<IpAddr>,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    for line in list.inside() {
        let Some(entry) = entry(reader, line, interface) else { continue };
        let address = entry.vip.address;
        if one_family {
            let wanted = *family.get_or_insert(Family::of(address));
            if Family::of(address) != wanted {
                reader
                    .warn(line.origin(), Code::KeepalivedFamily)
                    .with("address", address)
                    .with("family", wanted)
                    .suggest(Some("virtual_ipaddress_excluded"));
                continue;
            }
        }
        if !taken.insert(address) {
            reader.warn(line.origin(), Code::KeepalivedAddressAgain).with("address", address);
            continue;
        }
        entries.push(entry);
    }
    entries
}

fn entry(reader: &mut Reader<'_>, line: &Statement, interface: Option<&Device>) -> Option<Entry> {
    let mut words = std::iter::once(&line.keyword).chain(&line.arguments).peekable();
    let first = words.next()?;
    let (text, prefix) = match first.text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (first.text.as_str(), None),
    };
    let Ok(address) = text.parse::<IpAddr>() else {
        reader
            .warn(line.origin(), Code::KeepalivedHostName)
            .with("text", excerpt(&first.text))
            .with("word", "the line");
        return None;
    };
    let prefix = prefix.and_then(|prefix| prefix_length(reader, line, prefix, address));
    let mut named: Option<Device> = None;
    let mut label: Option<(&Word, Device)> = None;
    let mut has_options = false;
    while let Some(word) = words.next() {
        let valued = matches!(
            word.text.as_str(),
            "dev"
                | "label"
                | "scope"
                | "brd"
                | "broadcast"
                | "peer"
                | "track_group"
                | "preferred_lft"
                | "proto"
        );
        let value = if valued { words.next() } else { None };
        match (word.text.as_str(), value) {
            (_, None) if valued => {
                reader.warn(line.origin_of(word), Code::ValueMissing).with("word", &word.text);
            }
            ("dev", Some(value)) => named = globals::device(reader, line, value),
            ("label", Some(value)) => {
                label = globals::device(reader, line, value).map(|label| (value, label));
            }
            // Only addresses of the host go with a group; keepalived leaves both words out here.
            ("track_group", Some(_)) => {
                reader
                    .warn(line.origin_of(word), Code::KeepalivedOption)
                    .with("text", excerpt(&word.text))
                    .with("word", "an address");
            }
            // The kernel would find these by itself.
            ("scope", Some(value)) if value.text == "global" => {}
            ("scope", Some(value))
                if !SCOPES.contains(&value.text.as_str()) && whole(&value.text).is_none() =>
            {
                values::refused(reader, line, value, &SCOPES.join(" "));
            }
            ("brd" | "broadcast", Some(value))
                if !matches!(value.text.as_str(), "+" | "-") && value.text.parse::<IpAddr>().is_err() =>
            {
                values::refused(reader, line, value, "an IP address");
            }
            ("brd" | "broadcast", Some(_)) => {}
            ("peer", Some(value)) if value.text.parse::<IpAddr>().is_err() => {
                values::refused(reader, line, value, "an IP address");
            }
            ("preferred_lft", Some(value)) if value.text != "forever" && whole(&value.text).is_none() => {
                values::refused(reader, line, value, "a number of seconds");
            }
            (name, None) if !FLAGS.contains(&name) => {
                reader
                    .warn(line.origin_of(word), Code::KeepalivedOption)
                    .with("text", excerpt(name))
                    .with("word", "an address");
            }
            _ => {
                has_options = true;
                reader
                    .warn(line.origin_of(word), Code::KeepalivedAddressOption)
                    .with("word", excerpt(&word.text));
            }
        }
    }
    let base = named.or_else(|| interface.cloned());
    let device = device(reader, line, address, base, label);
    Some(Entry { vip: Vip { address, prefix, device }, origin: line.origin(), has_options })
}

/// The device with its label; a label that belongs to another interface cannot be put on this one.
fn device(
    reader: &mut Reader<'_>,
    line: &Statement,
    address: IpAddr,
    base: Option<Device>,
    label: Option<(&Word, Device)>,
) -> Option<Device> {
    let Some((word, label)) = label else { return base };
    // Labels exist for IPv4 only.
    let fits = address.is_ipv4()
        && label.label().is_some()
        && base.as_ref().is_none_or(|base| base.interface() == label.interface());
    if fits {
        return Some(label);
    }
    let interface = base.as_ref().map_or("", Device::interface);
    // A label that is the interface itself says nothing.
    if label.as_str() != interface {
        reader
            .warn(line.origin_of(word), Code::KeepalivedLabel)
            .with("text", excerpt(&word.text))
            .with("interface", interface);
    }
    base
}

/// An interface without a label, which is none of its own.
pub(super) fn bare(reader: &mut Reader<'_>, statement: &Statement, device: Device) -> Device {
    if device.label().is_none() {
        return device;
    }
    let interface = device.interface();
    reader
        .warn(statement.value_origin(), Code::KeepalivedLabel)
        .with("text", excerpt(device.as_str()))
        .with("interface", interface);
    interface.parse().unwrap_or(device)
}

/// The length of a prefix; one that is too long is taken for the longest.
fn prefix_length(reader: &mut Reader<'_>, line: &Statement, text: &str, address: IpAddr) -> Option<u8> {
    let most = Family::of(address).bits();
    let number = text.parse::<u8>().ok().filter(|length| (1..=most).contains(length));
    if let Some(length) = number {
        return (length < most).then_some(length);
    }
    // keepalived says nothing of none, and takes the address alone.
    if matches!(text, "" | "0") {
        return None;
    }
    // Some write the mask in full; keepalived reads its first number only.
    reader
        .warn(line.origin(), Code::KeepalivedRange)
        .with("word", "the prefix length")
        .with("least", 1)
        .with("most", most)
        .with("text", excerpt(text))
        .with("taken", most);
    None
}

/// Plain addresses, one to a line, as in `unicast_peer`.
pub(super) fn plain(reader: &mut Reader<'_>, list: &Statement) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for line in list.inside() {
        let words: Vec<_> = line.arguments.iter().collect();
        for pair in words.chunks(2) {
            match pair {
                [word, value] if matches!(word.text.as_str(), "min_ttl" | "max_ttl") => {
                    if whole(&value.text).is_none_or(|ttl| ttl > 255) {
                        values::refused(reader, line, value, "0 255");
                    }
                }
                [word, ..] => values::option(reader, line, word),
                [] => {}
            }
        }
        match line.keyword.text.parse() {
            Ok(address) => addresses.push(address),
            Err(_) => {
                reader
                    .warn(line.origin(), Code::KeepalivedHostName)
                    .with("text", excerpt(&line.keyword.text))
                    .with("word", "the line");
            }
        }
    }
    addresses
}
