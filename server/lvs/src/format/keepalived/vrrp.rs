//! `vrrp_instance`: one virtual router as one node sees it.
//!
//! What the instances of a node mean together is read by `redundancy`. keepalived's readings are repeated: defaults,
//! ranges, and settings that another setting switches off.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZeroU8;

use super::addresses::{self, Entry};
use super::globals::{self, Globals};
use super::hooks::{self, Hook};
use super::kept;
use super::reader::{Once, Origin, Origins, Reader, Seconds};
use super::syntax_notes::excerpt;
use super::syntax_words::Block;
use super::tree::Statement;
use super::{instance_whole, tracking, unacted, values};
use crate::finding::Code;
use crate::model::{Device, PREEMPT_DELAY_MAXIMUM_S, Secret, VrrpVersion};
use crate::table::Family;

/// A virtual router as one node sees it.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    /// Its name; findings and sync groups use it.
    pub(super) name: String,
    /// Where it begins.
    pub(super) origin: Origin,
    /// Which field came from where.
    pub(super) origins: Origins,
    /// Interface that advertisements go out of.
    pub(super) interface: Option<Device>,
    /// Virtual router id.
    pub(super) virtual_router_id: Option<NonZeroU8>,
    /// Priority of this node.
    pub(super) priority: Option<NonZeroU8>,
    /// Whether this node starts as master.
    pub(super) is_master: bool,
    /// What the block says of that.
    state: Option<bool>,
    /// Version that the instance names.
    pub(super) version: Option<VrrpVersion>,
    /// Whether the block asks for IPv6, for want of an address that says it.
    pub(super) native_ipv6: bool,
    /// Time between two advertisements, milliseconds.
    pub(super) interval_ms: u32,
    /// Simple password.
    pub(super) password: Option<Secret>,
    /// Whether the node keeps from taking back, and where it says so.
    pub(super) nopreempt: Option<Origin>,
    /// Seconds before it takes back.
    pub(super) preempt_delay_s: u32,
    /// Own address that advertisements are sent from.
    pub(super) source: Option<IpAddr>,
    /// Partners that advertisements are sent to instead of the multicast group.
    pub(super) peers: Option<Vec<IpAddr>>,
    /// The addresses that are advertised.
    pub(super) addresses: Vec<Entry>,
    /// Addresses that move with them without being advertised.
    pub(super) excluded: Vec<Entry>,
    /// Whether the link of its interface is watched.
    pub(super) watches_link: bool,
    /// Interfaces that it tracks by itself, its own among them.
    pub(super) tracks: BTreeSet<String>,
    /// What changes its priority by a weight: the list, the name in it, and where.
    pub(super) weighted: Vec<(String, String, Origin)>,
    /// Interface of the connection copying, in the old place.
    pub(super) sync_interface: Option<(Device, Origin)>,
    /// The programs that it runs when its state changes.
    pub(super) hooks: Vec<Hook>,
    /// Whether it follows the RFC to the letter.
    pub(super) strict: bool,
    auth: Auth,
}

#[derive(Clone, Debug, Default)]
struct Auth {
    origin: Option<Origin>,
    simple: bool,
    password: Option<(String, Origin)>,
}

impl Instance {
    /// The family of its addresses.
    pub(super) fn family(&self) -> Family {
        match self.addresses.first() {
            Some(entry) => Family::of(entry.vip.address),
            None if self.native_ipv6 => Family::Ipv6,
            None => Family::Ipv4,
        }
    }

    /// What begins the keys of its words that are put aside.
    pub(super) fn path(&self) -> String {
        path(&self.name)
    }
}

fn path(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    format!("vrrp_instance {name}/")
}

/// Reads a block; none where keepalived refuses it, which is an error.
pub(super) fn read(
    reader: &mut Reader<'_>,
    statement: &Statement,
    globals: &Globals,
    kept: &mut BTreeMap<String, String>,
) -> Option<Instance> {
    let name = statement.argument(0).map_or("unnamed", |word| word.text.as_str()).to_owned();
    if statement.argument(0).is_none() {
        reader.warn(statement.origin(), Code::NameAssumed).with("name", &name);
    }
    if let Some(further) = statement.argument(1) {
        values::option(reader, statement, further);
    }
    if statement.block.is_none() {
        reader.error(statement.origin(), Code::KeepalivedBlockMissing).with("word", "vrrp_instance");
        return None;
    }
    let mut instance = Instance {
        name,
        origin: statement.origin(),
        origins: Origins::default(),
        interface: None,
        virtual_router_id: None,
        priority: None,
        is_master: false,
        state: None,
        version: None,
        native_ipv6: false,
        interval_ms: 1_000,
        password: None,
        nopreempt: None,
        preempt_delay_s: 0,
        source: None,
        peers: None,
        addresses: Vec::new(),
        excluded: Vec::new(),
        watches_link: true,
        tracks: BTreeSet::new(),
        weighted: Vec::new(),
        sync_interface: None,
        hooks: Vec::new(),
        strict: globals.strict,
        auth: Auth::default(),
    };
    instance.origins.insert("", statement.origin());
    let mut once = Once::default();
    for inner in statement.inside() {
        // Of two states the first counts, which its reader says.
        if inner.block.is_none() && !inner.is("state") {
            once.note(reader, inner);
        }
        values::list_header(reader, Block::Instance, inner);
        setting(reader, inner, &mut instance, kept);
    }
    lists(reader, statement, &mut instance, globals, kept);
    settle(reader, &mut instance, statement, globals);
    if !usable(reader, &instance) {
        return None;
    }
    if instance.addresses.is_empty() {
        reader.warn(instance.origin, Code::KeepalivedNoAddress).with("name", excerpt(&instance.name));
        kept::keep_as(kept, instance.path().trim_end_matches('/'), statement);
    }
    Some(instance)
}

/// Reads one statement; lists of addresses wait until the interface is known.
fn setting(
    reader: &mut Reader<'_>,
    inner: &Statement,
    instance: &mut Instance,
    kept: &mut BTreeMap<String, String>,
) {
    let path = instance.path();
    let word = inner.keyword.text.as_str();
    let pointer = match word {
        "interface" => "/interface",
        "virtual_router_id" => "/virtual_router_id",
        "priority" => "/priority",
        "advert_int" => "/interval",
        "virtual_ipaddress" => "/addresses",
        "preempt_delay" => "/preempt_delay",
        "nopreempt" => "/preempt",
        "version" => "/version",
        "unicast_src_ip" | "mcast_src_ip" => "/source",
        "unicast_peer" => "/unicast",
        _ => "",
    };
    if !pointer.is_empty() {
        instance.origins.insert(pointer, inner.value_origin());
    }
    match word {
        "state" => state(reader, inner, instance),
        "interface" => {
            let device = reader.value(inner).and_then(|word| globals::device(reader, inner, word));
            instance.interface = device.map(|device| addresses::bare(reader, inner, device));
        }
        "virtual_router_id" => virtual_router_id(reader, inner, instance),
        "priority" => {
            instance.priority =
                reader.number::<u8>(inner, 1, 255, 100).or(Some(100)).and_then(NonZeroU8::new);
        }
        "advert_int" => {
            if let Some(interval) = reader.milliseconds(inner, 10, 255_000, instance.interval_ms) {
                instance.interval_ms = interval;
            }
        }
        "version" => instance.version = globals::version(reader, inner, instance.version),
        "native_ipv6" => {
            instance.native_ipv6 = true;
            reader.warn(inner.origin(), Code::KeepalivedOld).with("word", word).with("meaning", "version 3");
        }
        "nopreempt" => instance.nopreempt = reader.flag(inner).then(|| inner.origin()),
        "preempt" => instance.nopreempt = None,
        "preempt_delay" => preempt_delay(reader, inner, instance),
        "unicast_src_ip" | "mcast_src_ip" => {
            let word = reader.value(inner);
            instance.source = word.and_then(|word| globals::address(reader, inner, word));
        }
        "unicast_peer" => instance.peers = Some(addresses::plain(reader, inner)),
        "authentication" => authentication(reader, inner, &mut instance.auth),
        "strict_mode" => {
            let before = instance.strict;
            instance.strict = reader.switch(inner, before);
            // What it does is said where vrrp_strict stands, if it does.
            if instance.strict && !before {
                reader.aside(kept, &path, inner, Code::KeepalivedStrict);
            }
        }
        "dont_track_primary" => instance.watches_link = !reader.flag(inner),
        "lvs_sync_daemon_interface" | "lvs_sync_daemon_inteface" => {
            reader
                .warn(inner.origin(), Code::KeepalivedOld)
                .with("word", word)
                .with("meaning", "lvs_sync_daemon");
            let value = reader.value(inner);
            let device = value.and_then(|word| globals::device(reader, inner, word));
            instance.sync_interface = device.map(|device| (device, inner.origin()));
        }
        "track_interface" | "track_script" | "track_file" | "track_process" | "track_bfd" => {}
        "virtual_ipaddress" | "virtual_ipaddress_excluded" => {}
        "notify" => hooks::any_state(reader, inner, kept, &path),
        "notify_master" | "notify_backup" | "notify_fault" if !inner.arguments.is_empty() => {
            instance.hooks.extend(Hook::of(inner, &path));
        }
        "garp_master_repeat" if inner.words() == "0" => {
            globals::repeat_zero(reader, inner);
        }
        _ => unacted::aside(reader, kept, &path, Block::Instance, inner),
    }
}

fn state(reader: &mut Reader<'_>, statement: &Statement, instance: &mut Instance) {
    let Some(word) = reader.value(statement) else { return };
    let choices = [("MASTER", true), ("BACKUP", false)];
    let is_master = reader.choice(statement, word, &choices, "BACKUP").unwrap_or(false);
    match instance.state {
        // The first one counts, unlike with other words.
        Some(known) if known != is_master => {
            reader.warn(statement.origin(), Code::KeepalivedTwice).with("word", "state");
        }
        _ => {
            instance.state = Some(is_master);
            instance.is_master = is_master;
        }
    }
}

fn virtual_router_id(reader: &mut Reader<'_>, statement: &Statement, instance: &mut Instance) {
    let Some(word) = reader.value(statement) else { return };
    let number = super::reader::whole(&word.text).and_then(|number| u8::try_from(number).ok());
    instance.virtual_router_id = number.and_then(NonZeroU8::new);
    if instance.virtual_router_id.is_none() {
        reader
            .error(statement.origin_of(word), Code::KeepalivedRouterId)
            .with("text", excerpt(&word.text))
            .with("name", &instance.name);
    }
}

fn preempt_delay(reader: &mut Reader<'_>, statement: &Statement, instance: &mut Instance) {
    let Some(delay) = reader.milliseconds(statement, 0, PREEMPT_DELAY_MAXIMUM_S * 1_000, 0) else { return };
    let seconds = delay.div_ceil(1_000);
    if seconds * 1_000 != delay {
        reader
            .warn(statement.value_origin(), Code::KeepalivedRounded)
            .with("word", "preempt_delay")
            .with("text", Seconds(delay))
            .with("taken", seconds);
    }
    instance.preempt_delay_s = seconds;
}

fn authentication(reader: &mut Reader<'_>, statement: &Statement, auth: &mut Auth) {
    // An empty block is none.
    auth.origin = Some(statement.origin()).filter(|_| !statement.inside().is_empty());
    for inner in statement.inside() {
        match inner.keyword.text.as_str() {
            "auth_type" => {
                // What follows may be the password, so it is not shown.
                let Some(word) = inner.argument(0) else { continue };
                match word.text.as_str() {
                    "PASS" => auth.simple = true,
                    "AH" => {
                        reader.warn(inner.value_origin(), Code::KeepalivedAuthHeader);
                    }
                    _ => {
                        // What stands here may be the password itself, so it is not shown.
                        let meant = word.text.eq_ignore_ascii_case("PASS").then_some("PASS");
                        reader.warn(inner.value_origin(), Code::KeepalivedAuthType).suggest(meant);
                    }
                }
            }
            "auth_pass" => {
                // More words are not shown: they may be part of the password.
                if let Some(word) = inner.argument(0) {
                    auth.password = Some((word.text.clone(), inner.value_origin()));
                } else {
                    reader.warn(inner.origin(), Code::ValueMissing).with("word", "auth_pass");
                }
            }
            _ if inner.reported => {}
            word => {
                reader.warn(inner.origin(), Code::KeepalivedAuthWord).with("word", kept::shown(word));
            }
        }
    }
}

/// Reads what needs the interface: lists of addresses, and what is tracked.
fn lists(
    reader: &mut Reader<'_>,
    statement: &Statement,
    instance: &mut Instance,
    globals: &Globals,
    kept: &mut BTreeMap<String, String>,
) {
    let path = instance.path();
    let mut taken = BTreeSet::new();
    for (word, excluded) in [("virtual_ipaddress", false), ("virtual_ipaddress_excluded", true)] {
        for list in statement.inside().iter().filter(|inner| inner.is(word)) {
            let interface = instance.interface.as_ref();
            let family = instance.addresses.first().map(|entry| Family::of(entry.vip.address));
            let entries = addresses::read(reader, list, interface, family, !excluded, &mut taken);
            if entries.iter().any(|entry| entry.has_options) {
                kept::keep(kept, &path, list);
            }
            if excluded { &mut instance.excluded } else { &mut instance.addresses }.extend(entries);
        }
    }
    let own = instance.interface.as_ref().filter(|_| instance.watches_link);
    instance.tracks.extend(own.map(|own| own.interface().to_owned()));
    for inner in statement.inside() {
        tracking::weighted(inner, instance, globals);
        match inner.keyword.text.as_str() {
            "track_interface" => tracking::interfaces(reader, inner, instance, kept),
            _ => tracking::named(reader, inner, globals, kept, &path),
        }
    }
}

/// What settings mean together.
fn settle(reader: &mut Reader<'_>, instance: &mut Instance, statement: &Statement, globals: &Globals) {
    if instance.priority.is_none() {
        let taken = if instance.is_master { 255 } else { 100 };
        instance.priority = NonZeroU8::new(taken);
        reader
            .warn(instance.origin, Code::KeepalivedDefault)
            .with("word", "priority")
            .with("name", &instance.name)
            .with("taken", taken);
    }
    instance_whole::settle(reader, instance, statement, globals.version);
    password(reader, instance);
}

fn password(reader: &mut Reader<'_>, instance: &mut Instance) {
    let auth = std::mem::take(&mut instance.auth);
    let Some(origin) = auth.origin else { return };
    instance.origins.insert("/password", origin);
    let Some((mut password, at)) = auth.password.filter(|(password, _)| !password.is_empty()) else {
        reader.warn(origin, Code::KeepalivedPasswordMissing);
        return;
    };
    instance.origins.insert("/password", at);
    if !auth.simple {
        reader.warn(at, Code::KeepalivedPasswordUnused).with("reason", "auth_type PASS is missing");
        return;
    }
    if instance.strict {
        reader.warn(at, Code::KeepalivedPasswordUnused).with("reason", "strict mode has no passwords");
        return;
    }
    if password.len() > 8 {
        let end = (0..=8).rev().find(|end| password.is_char_boundary(*end)).unwrap_or(0);
        password.truncate(end);
        reader.warn(at, Code::KeepalivedPasswordCut);
    }
    instance.password = Some(Secret::new(password));
}

/// Whether keepalived takes the instance at all.
fn usable(reader: &mut Reader<'_>, instance: &Instance) -> bool {
    let mut usable = true;
    if instance.interface.is_none() {
        reader.error(instance.origin, Code::KeepalivedInterface).with("name", &instance.name);
        usable = false;
    } else if instance.interface.as_ref().is_some_and(|interface| interface.interface() == "lo") {
        let origin = instance.origins.find("/interface").unwrap_or(instance.origin);
        reader.error(origin, Code::KeepalivedLoopback).with("name", &instance.name);
        usable = false;
    }
    if instance.virtual_router_id.is_none() {
        if instance.origins.find("/virtual_router_id") == Some(instance.origin) {
            reader.error(instance.origin, Code::KeepalivedRouterIdMissing).with("name", &instance.name);
        }
        usable = false;
    }
    usable
}
