//! Two nodes of one cluster put together: who is preferred, and what their files say differently.
//!
//! The preferred node's file counts; what the other one says otherwise is said, and what only it has is taken in
//! switched off. Called with the nodes of all texts, in their order.

use std::num::NonZeroU8;

use super::compare::{self, Partner};
use super::names;
use super::node::Node;
use super::reader::{Origin, Origins, Reader, Seconds};
use super::syntax_notes::excerpt;
use super::vrrp::Instance;
use crate::finding::Code;
use crate::model::{Cluster, Director, PriorityPair, RedundancyProtocol, Seat, VrrpInstance};

/// A node alone: its partner is not part of the cluster.
pub(super) fn alone(reader: &mut Reader<'_>, node: Node) -> (Cluster, Origins) {
    if let Some(first) = node.instances.first() {
        let mut peers: Vec<String> =
            node.instances.iter().flat_map(|i| i.peers.iter().flatten()).map(ToString::to_string).collect();
        peers.sort();
        peers.dedup();
        let said = reader.warn(
            first.origin,
            if peers.is_empty() { Code::KeepalivedOneNode } else { Code::KeepalivedOneNodePeer },
        );
        if !peers.is_empty() {
            _ = said.with("peer", excerpt(&peers.join(" ")));
        }
    }
    (node.cluster, node.origins)
}

/// Two nodes as one cluster. `names` are those of the texts.
pub(super) fn pair(
    reader: &mut Reader<'_>,
    first: Node,
    second: Node,
    files: &[String],
) -> (Cluster, Origins) {
    let (primary, backup) =
        if second_is_preferred(reader, &first, &second) { (second, first) } else { (first, second) };
    let mut cluster = primary.cluster.clone();
    let mut origins = primary.origins.clone();
    directors(reader, &primary, &backup, &mut cluster, &mut origins);
    let name = |node: &Node| files.get(node.file.0).map_or("", String::as_str);
    let partner = Partner { node: &backup, file: name(&backup), primary_file: name(&primary) };
    if let RedundancyProtocol::Vrrp(vrrp) = &mut cluster.redundancy.protocol {
        cluster.redundancy.enabled = true;
        for router in &mut vrrp.instances {
            priorities(reader, router, &primary, partner);
        }
    }
    for instance in &backup.instances {
        if twin(instance, &primary.instances).is_none() {
            reader
                .warn(instance.origin, Code::KeepalivedInstanceOnly)
                .with("name", excerpt(&instance.name))
                .with("file", partner.primary_file);
        }
    }
    compare::services(reader, &mut cluster, &mut origins, partner);
    compare::settings(reader, &primary, partner);
    let otherwise = backup.instances.first().map(|instance| instance.origin);
    compare::kept(reader, &mut cluster.kept, &backup.cluster.kept, partner, (otherwise, ""));
    (cluster, origins)
}

/// The instance of the partner that is the same virtual router: of the same id and family, or of the same name.
fn twin<'i>(instance: &Instance, others: &'i [Instance]) -> Option<&'i Instance> {
    let same_router = |other: &&Instance| {
        other.virtual_router_id == instance.virtual_router_id && other.family() == instance.family()
    };
    others.iter().find(same_router).or_else(|| others.iter().find(|other| other.name == instance.name))
}

/// Whether the second node is preferred: the higher priority decides, then the state that it starts with.
fn second_is_preferred(reader: &mut Reader<'_>, first: &Node, second: &Node) -> bool {
    let pairs = || first.instances.iter().filter_map(|one| Some((one, twin(one, &second.instances)?)));
    let mut preferred: Option<bool> = None;
    for (one, two) in pairs() {
        let here = (two.priority != one.priority).then_some(two.priority > one.priority);
        match (preferred, here) {
            (None, Some(_)) => preferred = here,
            (Some(known), Some(here)) if known != here => {
                let odd = if known { one } else { two };
                reader.warn(odd.origin, Code::KeepalivedCrossed).with("name", excerpt(&odd.name));
            }
            _ => {}
        }
    }
    let (Some((one, two)), None) = (pairs().next(), preferred) else {
        let wrong = pairs().find(|(one, two)| {
            let (high, low) = if preferred == Some(true) { (two, one) } else { (one, two) };
            low.is_master && !high.is_master && low.priority < high.priority
        });
        if let Some((one, two)) = wrong {
            let low = if preferred == Some(true) { one } else { two };
            reader.warn(low.origin, Code::KeepalivedMasterLower).with("name", excerpt(&low.name));
        }
        return preferred.unwrap_or(false);
    };
    let second_starts = two.is_master && !one.is_master;
    let priority = one.priority.map_or(100, NonZeroU8::get);
    reader
        .warn(two.origins.find("/priority").unwrap_or(two.origin), Code::KeepalivedPriorityEqual)
        .with("name", excerpt(&two.name))
        .with("priority", priority);
    second_starts
}

/// Both directors, by the names that the nodes give themselves where these are different.
fn directors(
    reader: &mut Reader<'_>,
    primary: &Node,
    backup: &Node,
    cluster: &mut Cluster,
    origins: &mut Origins,
) {
    let name = |node: &Node| node.router_id.as_ref().and_then(|(name, _)| names::usable_director(name));
    let id = |node: &Node| node.id.as_ref().and_then(|id| names::usable_director(id));
    let both = |one: Option<String>, two: Option<String>| one.zip(two).filter(|(one, two)| one != two);
    if let (Some((one, _)), Some((two, origin))) = (&primary.router_id, &backup.router_id)
        && one == two
    {
        reader.warn(*origin, Code::KeepalivedRouterIdShared).with("name", excerpt(two));
    }
    let names = both(name(primary), name(backup))
        .or_else(|| both(id(primary), id(backup)))
        .unwrap_or_else(|| ("director-a".to_owned(), "director-b".to_owned()));
    let own =
        |node: &Node| node.cluster.directors.first().map(|director| (director.public, director.private));
    // What a node does not say of itself its partner may say of it.
    let peer = |node: &Node| {
        let mut peers = node.instances.iter().filter_map(|instance| instance.peers.as_ref());
        match peers.next().map(Vec::as_slice) {
            Some([peer]) => Some(*peer),
            _ => None,
        }
    };
    cluster.directors.clear();
    for (seat, name, node, other) in
        [(Seat::Primary, names.0, primary, backup), (Seat::Backup, names.1, backup, primary)]
    {
        let (public, private) = own(node).unwrap_or_default();
        let pointer = format!("/directors/{}", cluster.directors.len());
        let origin = node.instances.iter().find_map(|instance| instance.origins.find("/source"));
        let origin = origin.or(node.router_id.as_ref().map(|(_, origin)| *origin));
        if let Some(origin) = origin {
            origins.insert(pointer, origin);
        }
        cluster.directors.push(Director { name, seat, public: public.or_else(|| peer(other)), private });
    }
}

/// Gives a virtual router the partner's priority, and says what would make both nodes master at once.
fn priorities(reader: &mut Reader<'_>, router: &mut VrrpInstance, primary: &Node, partner: Partner<'_>) {
    let Some(own) = primary.instances.iter().find(|instance| instance.name == router.name) else { return };
    let backup = partner.node;
    let Some(other) = twin(own, &backup.instances) else {
        reader
            .warn(own.origin, Code::KeepalivedInstanceOnly)
            .with("name", excerpt(&own.name))
            .with("file", partner.file);
        return;
    };
    if let Some(priority) = other.priority {
        router.priority = PriorityPair { primary: router.priority.primary, backup: priority };
    }
    let mut split = |place: &str, word: &str, value: String, taken: String| {
        if value != taken {
            reader
                .warn(other.origins.find(place).unwrap_or(other.origin), Code::KeepalivedSplit)
                .with("word", word)
                .with("value", excerpt(&value))
                .with("taken", excerpt(&taken))
                .with("file", partner.primary_file);
        }
    };
    let id = |instance: &Instance| instance.virtual_router_id.map(|id| id.to_string()).unwrap_or_default();
    split("/virtual_router_id", "virtual_router_id", id(other), id(own));
    let list = |instance: &Instance| {
        let mut addresses: Vec<_> = instance.addresses.iter().map(|entry| entry.vip.address).collect();
        addresses.sort();
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    split("/addresses", "virtual_ipaddress", list(other), list(own));
    let version = |node: &Node| match &node.cluster.redundancy.protocol {
        RedundancyProtocol::Vrrp(vrrp) => u8::from(vrrp.version).to_string(),
        RedundancyProtocol::Heartbeat | RedundancyProtocol::Pulse => String::new(),
    };
    split("/version", "version", version(backup), version(primary));
    let learns = version(backup) == "3" && version(primary) == "3";
    let interval = |node: &Node| Seconds(node.cluster.redundancy.interval_ms).to_string();
    if !learns {
        split("/interval", "advert_int", interval(backup), interval(primary));
    }
    let unicast = |instance: &Instance| if instance.peers.is_some() { "unicast" } else { "multicast" };
    split("/unicast", "unicast_peer", unicast(other).to_owned(), unicast(own).to_owned());
    if learns {
        intervals(reader, own, primary, other, partner);
    }
    peers(reader, own, other, partner.file);
    peers(reader, other, own, partner.primary_file);
    if own.password != other.password {
        let origin: Origin = other.origins.find("/password").unwrap_or(other.origin);
        reader.warn(origin, Code::KeepalivedSplitPassword).with("file", partner.primary_file);
    }
    if own.interface != other.interface {
        let name =
            |instance: &Instance| instance.interface.as_ref().map(ToString::to_string).unwrap_or_default();
        reader
            .warn(other.origins.find("/interface").unwrap_or(other.origin), Code::KeepalivedNodesDiffer)
            .with("field", "interface")
            .with("of", excerpt(&own.name))
            .with("value", name(other))
            .with("taken", name(own))
            .with("file", partner.primary_file);
    }
}

/// Advertisements of version 3 say how often they come, so different times hold no two masters apart; a takeover just
/// takes its time from whoever was master.
fn intervals(
    reader: &mut Reader<'_>,
    own: &Instance,
    primary: &Node,
    other: &Instance,
    partner: Partner<'_>,
) {
    let taken = primary.cluster.redundancy.interval_ms;
    let value = partner.node.cluster.redundancy.interval_ms;
    if taken == value {
        return;
    }
    let far = taken.abs_diff(value) > 1_000;
    let code = if far { Code::KeepalivedSecondApart } else { Code::KeepalivedNodesDiffer };
    reader
        .warn(other.origins.find("/interval").unwrap_or(other.origin), code)
        .with("field", "advert_int")
        .with("of", excerpt(&own.name))
        .with("value", Seconds(value))
        .with("taken", Seconds(taken))
        .with("file", partner.primary_file);
}

/// Says where one node does not send to the address that the other one has, and so is not heard by it.
fn peers(reader: &mut Reader<'_>, from: &Instance, to: &Instance, file: &str) {
    let (Some(peers), Some(_), Some(address)) = (&from.peers, &to.peers, to.source) else { return };
    if !peers.contains(&address) {
        reader
            .warn(from.origins.find("/unicast").unwrap_or(from.origin), Code::KeepalivedSplitPeer)
            .with("name", excerpt(&from.name))
            .with("address", address)
            .with("file", file);
    }
}
