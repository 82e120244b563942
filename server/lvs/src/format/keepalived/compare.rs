//! What the files of two nodes say differently of the same cluster.
//!
//! Services and real servers are paired by what the kernel knows them by, everything else by its field. Passwords and
//! virtual routers are compared in `nodes`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::addresses::Entry;
use super::differences::Differences;
use super::kept::PREFIX;
use super::names::Taken;
use super::node::Node;
use super::reader::{Origin, Origins, Reader};
use super::syntax_notes::excerpt;
use crate::finding::Code;
use crate::model::{Cluster, Forwarding, Monitor, RealServer, VirtualServer};

/// The partner's file beside the one that counts.
#[derive(Clone, Copy)]
pub(super) struct Partner<'t> {
    /// The partner.
    pub(super) node: &'t Node,
    /// Name of its text.
    pub(super) file: &'t str,
    /// Name of the text that counts.
    pub(super) primary_file: &'t str,
}

impl<'t> Partner<'t> {
    fn differences<'r, 'c>(self, reader: &'r mut Reader<'c>, of: &'t str) -> Differences<'r, 'c, 't> {
        let otherwise = self.node.instances.first().map(|instance| instance.origin);
        let otherwise = otherwise.or(self.node.origins.find("/virtual_servers/0"));
        Differences { reader, origins: &self.node.origins, otherwise, of, file: self.primary_file }
    }

    /// What only the preferred node has counts all the same.
    fn missing(self, reader: &mut Reader<'_>, origin: Option<Origin>, name: &str) {
        if let Some(origin) = origin {
            reader.warn(origin, Code::KeepalivedMissing).with("name", excerpt(name)).with("file", self.file);
        }
    }

    /// What only the partner has is taken in switched off.
    fn only(self, reader: &mut Reader<'_>, origin: Option<Origin>, name: &str) {
        if let Some(origin) = origin {
            reader
                .warn(origin, Code::KeepalivedOnly)
                .with("name", excerpt(name))
                .with("file", self.primary_file);
        }
    }
}

/// Says what is different in the services, and takes in, switched off, what only the partner has.
pub(super) fn services(
    reader: &mut Reader<'_>,
    cluster: &mut Cluster,
    origins: &mut Origins,
    partner: Partner<'_>,
) {
    let theirs = &partner.node.cluster;
    let forwarding = (cluster.global.forwarding, theirs.global.forwarding);
    let mut others: BTreeMap<_, (usize, &VirtualServer)> = BTreeMap::new();
    for (index, server) in theirs.virtual_servers.iter().enumerate().filter(|(_, server)| server.active) {
        others.insert(server.key(), (index, server));
    }
    let mut names = Taken::default();
    for (index, server) in cluster.virtual_servers.iter_mut().enumerate() {
        let here = format!("/virtual_servers/{index}");
        _ = names.give(&server.name);
        if !server.active {
            continue;
        }
        let Some((at, other)) = others.remove(&server.key()) else {
            partner.missing(reader, origins.find(&here), &server.name);
            continue;
        };
        let there = format!("/virtual_servers/{at}");
        let bare = |server: &VirtualServer| VirtualServer {
            vip: None,
            real_servers: Vec::new(),
            kept: BTreeMap::new(),
            ..server.clone()
        };
        partner.differences(reader, &server.name).compare(&there, "", &bare(server), &bare(other));
        real_servers(reader, (server, &here, origins), (other, &there), partner, forwarding);
        let place = (partner.node.origins.find(&there), server.name.as_str());
        kept(reader, &mut server.kept, &other.kept, partner, place);
    }
    let mut left: Vec<_> = others.into_values().collect();
    left.sort_by_key(|(index, _)| *index);
    for (at, other) in left {
        let origin = partner.node.origins.find(&format!("/virtual_servers/{at}"));
        partner.only(reader, origin, &other.name);
        let mut server = VirtualServer { active: false, name: names.give(&other.name), ..other.clone() };
        for real in &mut server.real_servers {
            real.forwarding = own_forwarding(real, forwarding);
        }
        if let Some(origin) = origin {
            origins.insert(format!("/virtual_servers/{}", cluster.virtual_servers.len()), origin);
        }
        cluster.virtual_servers.push(server);
    }
}

/// The partner's forwarding of a server, where it is not what the preferred node's cluster has.
fn own_forwarding(real: &RealServer, (own, theirs): (Forwarding, Forwarding)) -> Option<Forwarding> {
    Some(real.forwarding.unwrap_or(theirs)).filter(|forwarding| *forwarding != own)
}

fn real_servers(
    reader: &mut Reader<'_>,
    (server, here, origins): (&mut VirtualServer, &str, &mut Origins),
    (other, there): (&VirtualServer, &str),
    partner: Partner<'_>,
    forwarding: (Forwarding, Forwarding),
) {
    let mut theirs: BTreeMap<_, (usize, &RealServer)> = BTreeMap::new();
    for (index, real) in other.real_servers.iter().enumerate() {
        theirs.insert(other.server_key(real), (index, real));
    }
    let keys: Vec<_> = server.real_servers.iter().map(|real| server.server_key(real)).collect();
    let mut names = Taken::default();
    for (index, (real, key)) in server.real_servers.iter_mut().zip(keys).enumerate() {
        _ = names.give(&real.name);
        let of = format!("{}, {}", server.name, real.name);
        let Some((at, twin)) = theirs.remove(&key) else {
            partner.missing(reader, origins.find(&format!("{here}/real_servers/{index}")), &of);
            continue;
        };
        // What a server has of its own and what it has of its service come to the same. Monitors of services are
        // compared already.
        let alone = real.monitor.is_some() || twin.monitor.is_some();
        let whole = |real: &RealServer, forwarding: Forwarding, monitor: &Monitor| RealServer {
            forwarding: Some(real.forwarding.unwrap_or(forwarding)),
            monitor: alone.then(|| real.monitor.clone().unwrap_or_else(|| monitor.clone())),
            kept: BTreeMap::new(),
            ..real.clone()
        };
        partner.differences(reader, &of).compare(
            &format!("{there}/real_servers/{at}"),
            "",
            &whole(real, forwarding.0, &server.monitor),
            &whole(twin, forwarding.1, &other.monitor),
        );
        let place = (partner.node.origins.find(&format!("{there}/real_servers/{at}")), of.as_str());
        kept(reader, &mut real.kept, &twin.kept, partner, place);
    }
    let mut left: Vec<_> = theirs.into_values().collect();
    left.sort_by_key(|(index, _)| *index);
    for (at, twin) in left {
        let origin = partner.node.origins.find(&format!("{there}/real_servers/{at}"));
        partner.only(reader, origin, &format!("{}, {}", server.name, twin.name));
        let monitor = twin.monitor.as_ref().unwrap_or(&other.monitor);
        let real = RealServer {
            name: names.give(&twin.name),
            active: false,
            forwarding: own_forwarding(twin, forwarding),
            monitor: Some(monitor.clone()).filter(|own| *own != server.monitor),
            ..twin.clone()
        };
        if let Some(origin) = origin {
            origins.insert(format!("{here}/real_servers/{}", server.real_servers.len()), origin);
        }
        server.real_servers.push(real);
    }
}

/// Says what is different in settings that a cluster has once.
pub(super) fn settings(reader: &mut Reader<'_>, primary: &Node, partner: Partner<'_>) {
    let (own, other) = (&primary.cluster, &partner.node.cluster);
    if let (Some(one), Some(two)) = (primary.instances.first(), partner.node.instances.first())
        && one.nopreempt.is_some() != two.nopreempt.is_some()
    {
        let origin = two.nopreempt.unwrap_or(two.origin);
        let taken = if one.nopreempt.is_some() { "on" } else { "off" };
        reader.warn(origin, Code::KeepalivedPreempt).with("taken", taken).with("file", partner.primary_file);
    }
    let timeouts = (&own.global.timeouts, &other.global.timeouts);
    partner.differences(reader, "global_defs").compare("/global", "lvs_timeouts", timeouts.0, timeouts.1);
    let (own, other) = (&own.redundancy, &other.redundancy);
    let mut differences = partner.differences(reader, "vrrp_instance");
    let delays = (own.preempt_delay_s, other.preempt_delay_s);
    differences.compare("/redundancy/preempt_delay_s", "preempt_delay", &delays.0, &delays.1);
    let links = (!own.monitor_links, !other.monitor_links);
    differences.compare("/redundancy/monitor_links", "dont_track_primary", &links.0, &links.1);
    differences.compare("/redundancy/active_cmd", "notify_master", &own.active_cmd, &other.active_cmd);
    differences.compare("/redundancy/inactive_cmd", "notify_backup", &own.inactive_cmd, &other.inactive_cmd);
    differences.compare("/redundancy/sync", "lvs_sync_daemon", &own.sync, &other.sync);
    addresses(reader, primary, partner);
}

/// Compares where the addresses are put; those that are advertised are compared as lists in `nodes`.
fn addresses(reader: &mut Reader<'_>, primary: &Node, partner: Partner<'_>) {
    let all = |node: &'_ Node| -> BTreeMap<IpAddr, (Entry, bool)> {
        let instances = node.instances.iter();
        let entries = instances.flat_map(|instance| {
            let advertised = instance.addresses.iter().map(|entry| (entry.clone(), true));
            advertised.chain(instance.excluded.iter().map(|entry| (entry.clone(), false)))
        });
        entries.map(|(entry, advertised)| (entry.vip.address, (entry, advertised))).collect()
    };
    let mut theirs = all(partner.node);
    for (address, (entry, advertised)) in all(primary) {
        let name = address.to_string();
        match theirs.remove(&address) {
            Some((other, _)) => {
                let mut differences = partner.differences(reader, &name);
                differences.otherwise = Some(other.origin);
                differences.compare("", "", &entry.vip, &other.vip);
            }
            None if !advertised => partner.missing(reader, Some(entry.origin), &name),
            None => {}
        }
    }
    for (address, (entry, advertised)) in theirs {
        if !advertised {
            reader
                .warn(entry.origin, Code::KeepalivedAddressOnly)
                .with("address", address)
                .with("file", partner.primary_file);
        }
    }
}

/// Puts aside what only the partner's file says, or says otherwise, and names it. `place` is where nothing better is
/// known, and what the words belong to.
pub(super) fn kept(
    reader: &mut Reader<'_>,
    own: &mut BTreeMap<String, String>,
    other: &BTreeMap<String, String>,
    partner: Partner<'_>,
    place: (Option<Origin>, &str),
) {
    let otherwise = place.0.or(partner.node.origins.find("/virtual_servers/0"));
    for (key, text) in other {
        let known = own.get(key);
        if known == Some(text) {
            continue;
        }
        let path = key.strip_prefix(PREFIX).unwrap_or(key);
        if let Some(origin) = otherwise {
            let (of, word) = path.rsplit_once('/').unwrap_or((place.1, path));
            reader
                .warn(origin, Code::KeepalivedNodesKept)
                .with("word", excerpt(word))
                .with("of", excerpt(if of.is_empty() { partner.file } else { of }))
                .with("file", partner.primary_file);
        }
        own.insert(format!("{PREFIX}backup/{path}"), text.clone());
    }
}
