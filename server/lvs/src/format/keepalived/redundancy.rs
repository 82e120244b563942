//! From the virtual routers of one node to the redundancy settings of a cluster.
//!
//! A cluster has one set of timers for all its virtual routers, and one director holds them all; what a file says
//! otherwise is said. Priorities of the partner come in `nodes`.

use std::num::NonZeroU8;

use super::globals::Globals;
use super::reader::{Origin, Origins, Reader, Seconds};
use super::syntax_notes::excerpt;
use super::vrrp::Instance;
use crate::finding::Code;
use crate::model::{
    ConnectionSync, INTERVAL_MAXIMUM_MS, PriorityPair, Redundancy, RedundancyProtocol, Vrrp, VrrpInstance,
    VrrpVersion,
};
use crate::table::Family;

/// Longest interval that version 3 can say, milliseconds.
const LONGEST_V3_MS: u32 = 40_950;

/// The settings, as far as one node knows them.
pub(super) fn read(
    reader: &mut Reader<'_>,
    globals: &Globals,
    instances: &[Instance],
    origins: &mut Origins,
) -> Redundancy {
    let mut redundancy = Redundancy::default();
    sync(reader, globals, instances, origins, &mut redundancy);
    let Some(first) = instances.first() else { return redundancy };
    let version = version(reader, globals, instances);
    redundancy.interval_ms = interval(reader, globals, instances, version);
    redundancy.deadtime_ms = redundancy.interval_ms.saturating_mul(3);
    redundancy.preempt = first.nopreempt.is_none();
    redundancy.preempt_delay_s = first.preempt_delay_s;
    redundancy.monitor_links = instances.iter().any(|instance| instance.watches_link);
    for (field, place) in [
        ("/redundancy/interval_ms", "/interval"),
        ("/redundancy/preempt", "/preempt"),
        ("/redundancy/preempt_delay_s", "/preempt_delay"),
        ("/redundancy/protocol/version", "/version"),
        ("/redundancy/enabled", ""),
        ("/redundancy", ""),
    ] {
        if let Some(origin) = first.origins.find(place) {
            origins.insert(field, origin);
        }
    }
    for other in instances.iter().skip(1) {
        same(reader, other, first);
    }
    let mut routers = Vec::new();
    for instance in instances {
        let Some(router) = router(instance) else { continue };
        let pointer = format!("/redundancy/protocol/instances/{}", routers.len());
        origins.graft(&pointer, &instance.origins);
        routers.push(router);
    }
    if !routers.is_empty() {
        redundancy.protocol = RedundancyProtocol::Vrrp(Vrrp { version, instances: routers });
    }
    redundancy
}

/// One virtual router; none where there is nothing that it could advertise.
fn router(instance: &Instance) -> Option<VrrpInstance> {
    let (interface, virtual_router_id) = (instance.interface.clone()?, instance.virtual_router_id?);
    if instance.addresses.is_empty() {
        return None;
    }
    let priority = instance.priority?;
    Some(VrrpInstance {
        name: instance.name.clone(),
        interface,
        virtual_router_id,
        priority: PriorityPair { primary: priority, backup: below(priority) },
        password: instance.password.clone(),
        unicast: instance.peers.is_some(),
        addresses: instance.addresses.iter().map(|entry| entry.vip.address).collect(),
    })
}

/// A priority for a partner that nothing is known of.
pub(super) fn below(priority: NonZeroU8) -> NonZeroU8 {
    NonZeroU8::new(priority.get() - 1).unwrap_or(priority)
}

/// The version that an instance speaks.
fn version_of(instance: &Instance, globals: &Globals) -> VrrpVersion {
    if instance.family() == Family::Ipv6 {
        return VrrpVersion::V3;
    }
    instance.version.or(globals.version).unwrap_or_default()
}

/// The version of all: that of the first one for IPv4, for IPv6 has no choice.
fn version(reader: &mut Reader<'_>, globals: &Globals, instances: &[Instance]) -> VrrpVersion {
    for instance in instances.iter().filter(|instance| instance.family() == Family::Ipv6) {
        if instance.version == Some(VrrpVersion::V2) {
            let origin = instance.origins.find("/version").unwrap_or(instance.origin);
            reader.warn(origin, Code::KeepalivedVersionSix);
        }
    }
    let mut four = instances.iter().filter(|instance| instance.family() == Family::Ipv4);
    let Some(first) = four.next() else { return VrrpVersion::V3 };
    let version = version_of(first, globals);
    for other in four {
        if version_of(other, globals) != version {
            let origin = other.origins.find("/version").unwrap_or(other.origin);
            differs(
                reader,
                origin,
                "version",
                u8::from(version_of(other, globals)),
                first,
                u8::from(version),
            );
        }
    }
    version
}

/// The interval of the first instance, rounded as its version needs it.
fn interval(reader: &mut Reader<'_>, globals: &Globals, instances: &[Instance], version: VrrpVersion) -> u32 {
    let mut taken = None;
    for instance in instances {
        let (own, given) = (version_of(instance, globals), instance.interval_ms);
        let rounded = match own {
            VrrpVersion::V2 => (given.saturating_add(500) / 1_000 * 1_000).max(1_000),
            VrrpVersion::V3 => given.div_ceil(10).saturating_mul(10).min(LONGEST_V3_MS),
        };
        let origin = instance.origins.find("/interval").unwrap_or(instance.origin);
        // Longer ones are possible with version 2 only, and kept from sense here.
        let (own_rounding, rounded) = (rounded, rounded.min(INTERVAL_MAXIMUM_MS));
        if own_rounding == given && rounded != given {
            reader
                .warn(origin, Code::KeepalivedRounded)
                .with("word", "advert_int")
                .with("text", Seconds(given))
                .with("taken", Seconds(rounded));
        } else if rounded != given {
            reader
                .warn(origin, Code::KeepalivedInterval)
                .with("text", Seconds(given))
                .with("version", u8::from(own))
                .with("taken", Seconds(rounded));
        }
        match (taken, instances.first()) {
            (None, _) => taken = Some(rounded),
            (Some(known), Some(first)) if known != rounded => {
                differs(reader, origin, "advert_int", Seconds(rounded), first, Seconds(known));
            }
            _ => {}
        }
    }
    let taken = taken.unwrap_or(1_000);
    // IPv6 alone may have parts of a second beside instances of version 2.
    if version == VrrpVersion::V2 { taken.div_ceil(1_000).saturating_mul(1_000) } else { taken }
}

/// Says where an instance is unlike the first one in what a cluster has once.
fn same(reader: &mut Reader<'_>, other: &Instance, first: &Instance) {
    if other.nopreempt.is_some() != first.nopreempt.is_some() {
        let origin = other.nopreempt.unwrap_or(other.origin);
        let word = |instance: &Instance| if instance.nopreempt.is_some() { "on" } else { "off" };
        differs(reader, origin, "nopreempt", word(other), first, word(first));
    }
    if other.preempt_delay_s != first.preempt_delay_s {
        let origin = other.origins.find("/preempt_delay").unwrap_or(other.origin);
        differs(reader, origin, "preempt_delay", other.preempt_delay_s, first, first.preempt_delay_s);
    }
    if other.watches_link != first.watches_link {
        let word = |instance: &Instance| if instance.watches_link { "off" } else { "on" };
        differs(reader, other.origin, "dont_track_primary", word(other), first, "off");
    }
}

fn differs(
    reader: &mut Reader<'_>,
    origin: Origin,
    word: &str,
    value: impl std::fmt::Display,
    first: &Instance,
    taken: impl std::fmt::Display,
) {
    reader
        .warn(origin, Code::KeepalivedInstanceDiffers)
        .with("word", word)
        .with("value", value)
        .with("other", excerpt(&first.name))
        .with("taken", taken);
}

/// Copying of connections; the sync id is that of the virtual router where none is given.
fn sync(
    reader: &mut Reader<'_>,
    globals: &Globals,
    instances: &[Instance],
    origins: &mut Origins,
    redundancy: &mut Redundancy,
) {
    let id_of = |instance: Option<&Instance>| {
        instance.and_then(|instance| instance.virtual_router_id).map_or(0, NonZeroU8::get)
    };
    let old = instances.iter().find_map(|instance| Some((instance, instance.sync_interface.as_ref()?)));
    if let Some(daemon) = &globals.sync {
        let named = daemon.instance.as_ref();
        let instance = instances.iter().find(|instance| named.is_none_or(|name| *name == instance.name));
        if let Some(name) = named.filter(|_| instance.is_none()) {
            reader.warn(daemon.origin, Code::KeepalivedSyncInstance).with("name", excerpt(name));
        }
        let id = daemon.id.unwrap_or_else(|| id_of(instance.or(instances.first())));
        redundancy.sync = ConnectionSync { enabled: true, interface: Some(daemon.interface.clone()), id };
        origins.insert("/redundancy/sync", daemon.origin);
    } else if let Some((instance, (interface, origin))) = old {
        let id = id_of(Some(instance));
        redundancy.sync = ConnectionSync { enabled: true, interface: Some(interface.clone()), id };
        origins.insert("/redundancy/sync", *origin);
    }
}
