//! What the settings of one `vrrp_instance` mean together, and what keepalived finds wrong in that.
//!
//! Settings that another one switches off are cleared as keepalived clears them. Called by `vrrp` once all lines of
//! the block are read.

use std::net::IpAddr;

use super::reader::Reader;
use super::syntax_notes::excerpt;
use super::tree::Statement;
use super::vrrp::Instance;
use crate::finding::Code;
use crate::model::VrrpVersion;
use crate::table::Family;

/// Clears what does not go together and says it. `version` is that of instances which name none.
pub(super) fn settle(
    reader: &mut Reader<'_>,
    instance: &mut Instance,
    statement: &Statement,
    version: Option<VrrpVersion>,
) {
    families(reader, instance, statement);
    unicast(reader, instance, statement);
    companions(reader, instance, statement);
    if instance.strict {
        strict(reader, instance, statement, version);
    }
    preemption(reader, instance);
}

/// What the RFC does not allow, and keepalived therefore does not do in strict mode.
fn strict(
    reader: &mut Reader<'_>,
    instance: &mut Instance,
    statement: &Statement,
    version: Option<VrrpVersion>,
) {
    let find = |word: &str| statement.inside().iter().find(|inner| inner.is(word));
    if instance.is_master && instance.priority.is_none_or(|priority| priority.get() != u8::MAX) {
        let origin = find("state").map_or(instance.origin, Statement::value_origin);
        reader.warn(origin, Code::KeepalivedStrictState).with("name", excerpt(&instance.name));
        instance.is_master = false;
    }
    let first = instance.addresses.first().filter(|entry| Family::of(entry.vip.address) == Family::Ipv6);
    if let Some(entry) = first.filter(|entry| !is_link_local(entry.vip.address)) {
        reader.warn(entry.origin, Code::KeepalivedStrictSix).with("address", entry.vip.address);
    }
    if let Some(accept) = find("accept")
        && instance.family() == Family::Ipv4
        && instance.version.or(version).unwrap_or_default() == VrrpVersion::V2
    {
        reader.warn(accept.origin(), Code::KeepalivedStrictAccept);
    }
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// All addresses that advertisements have to do with are of one family.
fn families(reader: &mut Reader<'_>, instance: &mut Instance, statement: &Statement) {
    let family = instance.family();
    let native = statement.inside().iter().find(|inner| inner.is("native_ipv6"));
    if let Some(native) = native.filter(|_| family == Family::Ipv4) {
        reader.warn(native.origin(), Code::KeepalivedNativeSix).with("name", excerpt(&instance.name));
    }
    for inner in statement.inside() {
        if !matches!(inner.keyword.text.as_str(), "unicast_src_ip" | "mcast_src_ip" | "mcast_dst_ip") {
            continue;
        }
        let address = inner.argument(0).and_then(|word| word.text.parse::<IpAddr>().ok());
        if let Some(address) = address.filter(|address| Family::of(*address) != family) {
            reader
                .warn(inner.value_origin(), Code::KeepalivedSourceFamily)
                .with("address", address)
                .with("family", family)
                .with("name", excerpt(&instance.name));
        }
    }
    let Some(peers) = &mut instance.peers else { return };
    peers.retain(|address| Family::of(*address) == family);
    for line in statement.inside().iter().filter(|inner| inner.is("unicast_peer")).flat_map(Statement::inside)
    {
        let Ok(address) = line.keyword.text.parse::<IpAddr>() else { continue };
        if Family::of(address) != family {
            reader
                .warn(line.origin(), Code::KeepalivedPeerFamily)
                .with("address", address)
                .with("family", family)
                .with("name", excerpt(&instance.name));
        }
    }
}

/// Words about unicast need somebody to send to.
fn unicast(reader: &mut Reader<'_>, instance: &mut Instance, statement: &Statement) {
    if instance.strict && instance.peers.is_some() {
        reader.warn(instance.origin, Code::KeepalivedStrictUnicast).with("name", &instance.name);
    }
    if instance.peers.as_ref().is_some_and(Vec::is_empty) {
        let origin = instance.origins.find("/unicast").unwrap_or(instance.origin);
        reader.warn(origin, Code::KeepalivedPeersEmpty);
        instance.peers = None;
    } else if instance.peers.is_none() {
        const WORDS: [&str; 4] =
            ["unicast_src_ip", "unicast_ttl", "old_unicast_checksum", "check_unicast_src"];
        let mut inside = statement.inside().iter();
        if let Some(alone) = inside.rfind(|inner| WORDS.contains(&inner.keyword.text.as_str())) {
            needs(reader, alone, "unicast_peer");
        }
    }
}

/// Words that mean nothing without another one.
fn companions(reader: &mut Reader<'_>, instance: &Instance, statement: &Statement) {
    let find = |word: &str| statement.inside().iter().find(|inner| inner.is(word));
    if let Some(base) = find("vmac_xmit_base")
        && find("use_vmac").is_none()
        && find("use_ipvlan").is_none()
    {
        needs(reader, base, "use_vmac");
    }
    if let Some(vlan) = find("use_ipvlan")
        && instance.family() == Family::Ipv4
        && instance.source.is_none()
        && !vlan.arguments.iter().any(|word| word.text.contains('.'))
    {
        needs(reader, vlan, "unicast_src_ip or mcast_src_ip");
    }
    for (word, instead) in
        [("vmac_garp_intvl", "garp_extra_if"), ("linkbeat_use_polling", "linkbeat_interfaces")]
    {
        if let Some(old) = find(word) {
            reader.warn(old.origin(), Code::KeepalivedDeprecated).with("word", word).with("instead", instead);
        }
    }
}

/// Says that a statement has no effect without another word.
pub(super) fn needs(reader: &mut Reader<'_>, statement: &Statement, missing: &str) {
    reader
        .warn(statement.origin(), Code::KeepalivedNeeds)
        .with("word", &statement.keyword.text)
        .with("missing", missing);
}

/// Who starts as master or owns the addresses takes them back, and at once.
fn preemption(reader: &mut Reader<'_>, instance: &mut Instance) {
    let owner = instance.priority.is_some_and(|priority| priority.get() == u8::MAX);
    if (instance.is_master || owner)
        && let Some(origin) = instance.nopreempt.take()
    {
        let reason = if instance.is_master { "state MASTER" } else { "priority 255" };
        reader.warn(origin, Code::KeepalivedNopreempt).with("reason", reason);
    }
    if instance.preempt_delay_s == 0 {
        return;
    }
    let origin = instance.origins.find("/preempt_delay").unwrap_or(instance.origin);
    if instance.is_master {
        reader.warn(origin, Code::KeepalivedPreemptDelay);
    } else if owner {
        reader.warn(origin, Code::KeepalivedPreemptDelayOff).with("reason", "priority 255");
    } else if instance.strict {
        reader.warn(origin, Code::KeepalivedPreemptDelayOff).with("reason", "strict mode");
    } else if instance.nopreempt.is_some() {
        reader.warn(origin, Code::KeepalivedPreemptDelayOff).with("reason", "nopreempt");
    } else {
        return;
    }
    instance.preempt_delay_s = 0;
}
