//! What instances watch, and which of them go together: `track_interface`, `track_script` and `vrrp_sync_group`.
//!
//! Caribe watches the links of the interfaces in use and moves all addresses together; what goes beyond that is put
//! aside with a reason.

use std::collections::{BTreeMap, BTreeSet};

use super::globals::Globals;
use super::hooks::{self, Hook};
use super::kept;
use super::reader::{Once, Origin, Reader};
use super::syntax_notes::excerpt;
use super::syntax_words::Block;
use super::tracked::{self, Kind};
use super::tree::Statement;
use super::vrrp::Instance;
use super::{unacted, values};
use crate::finding::Code;

/// A sync group.
#[derive(Debug)]
pub(super) struct SyncGroup<'s> {
    /// Its name.
    pub(super) name: String,
    /// Where it begins.
    pub(super) origin: Origin,
    /// The instances that it names, and where.
    pub(super) members: Vec<(String, Origin)>,
    /// The programs that it runs when its state changes.
    pub(super) hooks: Vec<Hook>,
    /// Lists of interfaces whose links all its instances depend on.
    links: Vec<&'s Statement>,
    /// Whether weights count although its instances keep together.
    weighs: bool,
    /// What begins the keys of its words that are put aside.
    path: String,
}

/// Reads `track_interface`: interfaces that hold the instance or its addresses are watched anyway.
pub(super) fn interfaces(
    reader: &mut Reader<'_>,
    block: &Statement,
    instance: &mut Instance,
    kept: &mut BTreeMap<String, String>,
) {
    if block.block.is_none() {
        reader.warn(block.origin(), Code::KeepalivedBlockMissing).with("word", "track_interface");
        return;
    }
    let mut beyond = false;
    for line in block.inside() {
        let name = line.keyword.text.as_str();
        let weighted = is_weighted(line);
        let watched = is_in_use(instance, name);
        let own = instance.interface.as_ref().is_some_and(|own| own.interface() == name);
        if own {
            // Neither this nor a weight has an effect, also where dont_track_primary is given.
            reader.warn(line.origin(), Code::KeepalivedTrackOwn).with("interface", excerpt(name));
            continue;
        }
        instance.tracks.insert(name.to_owned());
        if watched && !weighted {
            instance.watches_link = true;
        } else {
            beyond = true;
            elsewhere(reader, line, weighted);
        }
    }
    tracked::weights(reader, block);
    if beyond {
        kept::keep(kept, &instance.path(), block);
    }
}

/// Notes what of a list changes the priority of an instance.
pub(super) fn weighted(list: &Statement, instance: &mut Instance, globals: &Globals) {
    let word = list.keyword.text.as_str();
    // keepalived says nothing of processes.
    if !matches!(word, "track_interface" | "track_script" | "track_file" | "track_bfd") {
        return;
    }
    let own = instance.interface.as_ref().map(|own| own.interface().to_owned());
    for line in globals.defined.weighted(list) {
        let name = &line.keyword.text;
        if word != "track_interface" || own.as_ref() != Some(name) {
            instance.weighted.push((word.to_owned(), name.clone(), line.origin()));
        }
    }
}

/// Says which weights keepalived ignores, because the instances of a group keep together.
fn weightless(reader: &mut Reader<'_>, group: &SyncGroup<'_>, instances: &[Instance]) {
    let members = instances.iter().filter(|one| group.members.iter().any(|(name, _)| *name == one.name));
    for (word, name, origin) in members.flat_map(|instance| &instance.weighted) {
        reader
            .warn(*origin, Code::KeepalivedTrackGroupWeight)
            .with("name", excerpt(name))
            .with("word", word)
            .with("group", excerpt(&group.name));
    }
}

/// Whether a link that is lost only changes the priority.
fn is_weighted(line: &Statement) -> bool {
    line.arguments.iter().any(|word| word.text == "weight") && line.words() != "weight 0"
}

/// Whether an instance or one of its addresses is on an interface, so that its link is watched anyway.
fn is_in_use(instance: &Instance, interface: &str) -> bool {
    let entries = instance.addresses.iter().chain(&instance.excluded);
    let mut devices = entries.filter_map(|entry| entry.vip.device.as_ref()).chain(&instance.interface);
    devices.any(|device| device.interface() == interface)
}

/// Says that a link is not watched here, or not in this way.
fn elsewhere(reader: &mut Reader<'_>, line: &Statement, weighted: bool) {
    let code = if weighted { Code::KeepalivedTrackWeight } else { Code::KeepalivedTrackInterface };
    reader.warn(line.origin(), code).with("interface", excerpt(&line.keyword.text));
}

/// Reads `track_interface` of the groups, once their instances are known: a link that one of them uses is watched for
/// all, because here all addresses move together.
pub(super) fn links(
    reader: &mut Reader<'_>,
    groups: &[SyncGroup<'_>],
    instances: &mut [Instance],
    kept: &mut BTreeMap<String, String>,
) {
    for group in groups {
        if !group.weighs {
            weightless(reader, group, instances);
        }
        let is_member = |name: &str| group.members.iter().any(|(member, _)| member == name);
        for list in &group.links {
            let mut beyond = false;
            for line in list.inside() {
                let name = line.keyword.text.as_str();
                let weighted = is_weighted(line);
                let mut members = instances.iter_mut().filter(|instance| is_member(&instance.name));
                if let Some(twice) = members.find(|instance| instance.tracks.contains(name)) {
                    reader
                        .warn(line.origin(), Code::KeepalivedTrackGroup)
                        .with("interface", excerpt(name))
                        .with("name", excerpt(&twice.name))
                        .with("group", excerpt(&group.name));
                }
                let mut members = instances.iter_mut().filter(|instance| is_member(&instance.name));
                match members.find(|instance| is_in_use(instance, name)).filter(|_| !weighted) {
                    Some(instance) => instance.watches_link = true,
                    None => {
                        beyond = true;
                        elsewhere(reader, line, weighted);
                    }
                }
            }
            tracked::weights(reader, list);
            if beyond {
                kept::keep(kept, &group.path, list);
            }
        }
    }
}

/// Reads a list of what is tracked by name: nothing of it is done here, and what is not defined is not even kept by
/// keepalived.
pub(super) fn named(
    reader: &mut Reader<'_>,
    list: &Statement,
    globals: &Globals,
    kept: &mut BTreeMap<String, String>,
    path: &str,
) {
    let Some(kind) = Kind::tracked_by(&list.keyword.text) else { return };
    if list.block.is_none() {
        reader.warn(list.origin(), Code::KeepalivedBlockMissing).with("word", &list.keyword.text);
        return;
    }
    let lines = globals.defined.names(reader, kind, list);
    if kind == Kind::Script {
        for line in lines {
            let name = excerpt(&line.keyword.text);
            reader.warn(line.origin(), Code::KeepalivedTrackScript).with("name", &name);
            if !globals.script_security {
                reader.warn(line.origin(), Code::KeepalivedScriptSecurity).with("name", &name);
            }
        }
    } else {
        reader.warn(list.origin(), Code::KeepalivedTrack).with("word", &list.keyword.text);
    }
    kept::keep(kept, path, list);
}

/// Reads `vrrp_sync_group`.
pub(super) fn group<'s>(
    reader: &mut Reader<'_>,
    statement: &'s Statement,
    globals: &Globals,
    kept: &mut BTreeMap<String, String>,
) -> SyncGroup<'s> {
    if statement.argument(0).is_none() {
        values::name_missing(reader, statement);
    }
    if let Some(further) = statement.argument(1) {
        values::option(reader, statement, further);
    }
    let name = statement.argument(0).map_or("unnamed", |word| word.text.as_str()).to_owned();
    let visible: String = name.chars().filter(|c| !c.is_control()).collect();
    let path = format!("vrrp_sync_group {visible}/");
    let mut group = SyncGroup {
        name,
        origin: statement.origin(),
        members: Vec::new(),
        hooks: Vec::new(),
        links: Vec::new(),
        weighs: false,
        path: path.clone(),
    };
    let mut once = Once::default();
    for inner in statement.inside() {
        if inner.block.is_none() {
            once.note(reader, inner);
        }
        if inner.is("group") {
            for line in inner.inside() {
                let words = std::iter::once(&line.keyword).chain(&line.arguments);
                group.members.extend(words.map(|word| (word.text.clone(), line.origin_of(word))));
            }
        } else if inner.is("track_interface") && inner.block.is_some() {
            group.links.push(inner);
        } else if inner.is("notify") {
            hooks::any_state(reader, inner, kept, &path);
        } else if Kind::tracked_by(&inner.keyword.text).is_some() {
            named(reader, inner, globals, kept, &path);
        } else if let Some(hook) = Hook::of(inner, &path).filter(|_| !inner.arguments.is_empty()) {
            group.hooks.push(hook);
        } else {
            group.weighs |= inner.is("sync_group_tracking_weight") && reader.flag(inner);
            if inner.is("global_tracking") {
                let instead = "track_interface, track_script or track_file";
                reader
                    .warn(inner.origin(), Code::KeepalivedDeprecated)
                    .with("word", &inner.keyword.text)
                    .with("instead", instead);
            }
            unacted::aside(reader, kept, &path, Block::SyncGroup, inner);
        }
    }
    group
}

/// Says what keepalived makes of the groups, and what is different here: all instances move together.
pub(super) fn together(reader: &mut Reader<'_>, groups: &[SyncGroup<'_>], instances: &[Instance]) {
    let mut home: BTreeMap<&str, &str> = BTreeMap::new();
    let mut given = BTreeSet::new();
    for group in groups {
        if !given.insert(&group.name) {
            reader
                .warn(group.origin, Code::KeepalivedNameAgain)
                .with("word", "vrrp_sync_group")
                .with("name", excerpt(&group.name));
        }
        let mut count = 0;
        for (member, origin) in &group.members {
            let known = instances.iter().find(|instance| instance.name == *member);
            let Some(instance) = known else {
                reader
                    .warn(*origin, Code::KeepalivedGroupMember)
                    .with("name", excerpt(member))
                    .with("group", excerpt(&group.name));
                continue;
            };
            match home.get(instance.name.as_str()) {
                Some(first) => {
                    reader
                        .warn(*origin, Code::KeepalivedGroupTwice)
                        .with("name", excerpt(member))
                        .with("group", excerpt(first));
                }
                None => {
                    home.insert(&instance.name, &group.name);
                    count += 1;
                }
            }
        }
        if count < 2 {
            reader
                .warn(group.origin, Code::KeepalivedGroupSmall)
                .with("group", excerpt(&group.name))
                .with("count", count);
        }
    }
    let Some(first) = instances.first() else { return };
    let place = |instance: &Instance| home.get(instance.name.as_str()).copied();
    if let Some(apart) =
        instances.iter().skip(1).find(|other| place(other).is_none() || place(other) != place(first))
    {
        reader
            .warn(apart.origin, Code::KeepalivedTogether)
            .with("name", excerpt(&apart.name))
            .with("other", excerpt(&first.name));
    }
}
