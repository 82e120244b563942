//! The configuration of one node, as a cluster with one director.
//!
//! Reads the blocks of a text in the order in which they depend on each other, and puts virtual addresses to the
//! services that they belong to. What nothing acts on is put aside. Called once per node; `nodes` puts two together.

use std::collections::btree_map::Entry as MapEntry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::addresses::Entry;
use super::globals::{self, Globals};
use super::groups::{self, Group, SERVICES_MAXIMUM};
use super::hooks::{self, Hook};
use super::names::{self, Taken};
use super::reader::{Origin, Origins, Reader};
use super::services::{self, ROWS_MAXIMUM, Service};
use super::syntax_notes::excerpt;
use super::syntax_words::Block;
use super::timing::commonest;
use super::tracked::Defined;
use super::tracking::{self, SyncGroup};
use super::tree::{FileIndex, Statement};
use super::vrrp::{self, Instance};
use super::{kept, redundancy, unacted};
use crate::finding::Code;
use crate::format::places::Spot;
use crate::model::{Cluster, Director, Forwarding, NatRouter, RealServer, Seat, VirtualServer};
use crate::table::{Family, ServiceKey};

/// Name of a cluster that comes from a file without one.
pub const CLUSTER_NAME: &str = "keepalived";

/// What one node's text says.
#[derive(Debug)]
pub(super) struct Node {
    /// The text that it was read from.
    pub(super) file: FileIndex,
    /// The node's name in conditions of the text.
    pub(super) id: Option<String>,
    /// A cluster with this node alone, in the primary seat.
    pub(super) cluster: Cluster,
    /// Which field came from where.
    pub(super) origins: Origins,
    /// The name that it gives itself.
    pub(super) router_id: Option<(String, Origin)>,
    /// Its virtual routers.
    pub(super) instances: Vec<Instance>,
}

impl Node {
    /// Where its first virtual router or service begins, or else its text.
    pub(super) fn spot(&self) -> Spot {
        let service = self.origins.find("/virtual_servers/0");
        let first = self.instances.first().map(|instance| instance.origin);
        first.or(service).map_or(Spot { line: 1, column: 1 }, |origin| origin.spot)
    }
}

/// Reads the statements of one node.
pub(super) fn read(
    reader: &mut Reader<'_>,
    file: FileIndex,
    id: Option<String>,
    statements: &[Statement],
) -> Node {
    let mut cluster = Cluster { name: CLUSTER_NAME.to_owned(), ..Cluster::default() };
    let mut origins = Origins::default();
    let mut globals = Globals::default();
    let of = |word: &'static str| statements.iter().filter(move |statement| statement.is(word));
    globals.defined = Defined::of(statements);
    for block in of("global_defs") {
        globals::read(reader, block, &mut globals, &mut cluster.kept);
    }
    cluster.global.timeouts = globals.timeouts;
    let mut room = SERVICES_MAXIMUM;
    let all_groups: Vec<Group> =
        of("virtual_server_group").map(|block| groups::read(reader, block, &mut room)).collect();
    let mut instances: Vec<Instance> = Vec::new();
    let mut sync_groups: Vec<SyncGroup<'_>> = Vec::new();
    let mut found: Vec<Service> = Vec::new();
    let mut rows = ROWS_MAXIMUM;
    for statement in statements {
        match statement.keyword.text.as_str() {
            "global_defs" | "virtual_server_group" => {}
            "vrrp_instance" => {
                instances.extend(vrrp::read(reader, statement, &globals, &mut cluster.kept));
            }
            "vrrp_sync_group" => {
                sync_groups.push(tracking::group(reader, statement, &globals, &mut cluster.kept));
            }
            "virtual_server" => {
                globals.defined.checkers(reader, statement);
                found.extend(services::read(reader, statement, &all_groups, &mut rows, &mut cluster.kept));
            }
            _ => {
                globals.defined.meet(reader, statement);
                globals.defined.groups(reader, statement);
                other(reader, statement, &mut cluster.kept);
            }
        }
    }
    unique(reader, &mut instances);
    tracking::together(reader, &sync_groups, &instances);
    tracking::links(reader, &sync_groups, &mut instances, &mut cluster.kept);
    duplicates(reader, &mut found);
    cluster.redundancy = redundancy::read(reader, &globals, &instances, &mut origins);
    let hooks: Vec<Hook> = sync_groups
        .iter()
        .flat_map(|group| &group.hooks)
        .chain(instances.iter().flat_map(|instance| &instance.hooks))
        .cloned()
        .collect();
    hooks::take(reader, &hooks, &mut cluster.kept, &mut origins, &mut cluster.redundancy);
    cluster.global.forwarding = common_forwarding(&found);
    for mut service in found {
        own_forwarding(&mut service.server, cluster.global.forwarding);
        origins.graft(&format!("/virtual_servers/{}", cluster.virtual_servers.len()), &service.origins);
        cluster.virtual_servers.push(service.server);
    }
    place_addresses(reader, &instances, &mut cluster, &mut origins);
    let (public, private) = own_addresses(reader, &instances);
    let name = globals.router_id.as_ref().and_then(|(name, _)| names::usable_director(name));
    if let (None, Some((_, origin))) = (&name, &globals.router_id) {
        reader.warn(*origin, Code::NameChanged).with("new", "director-a");
    }
    let name = name.unwrap_or_else(|| "director-a".to_owned());
    cluster.directors.push(Director { name, seat: Seat::Primary, public, private });
    Node { file, id, cluster, origins, router_id: globals.router_id, instances }
}

/// A block or word at the top that nothing acts on.
fn other(reader: &mut Reader<'_>, statement: &Statement, set_aside: &mut BTreeMap<String, String>) {
    // Blocks of one kind are told apart by their names.
    let named = statement.argument(0).filter(|_| statement.block.is_some());
    let name: String = named.map_or("", |word| word.text.as_str()).replace(['/', '\n', '\r'], "_");
    let mut own = BTreeMap::new();
    unacted::aside(reader, &mut own, "", Block::Top, statement);
    for text in own.into_values() {
        let key = format!("{} {name}", statement.keyword.text);
        kept::keep_text(set_aside, key.trim_end(), &text);
    }
}

/// Gives each instance a name of its own; sync groups know the first one of a name.
fn unique(reader: &mut Reader<'_>, instances: &mut [Instance]) {
    let mut taken = Taken::default();
    let mut given = BTreeSet::new();
    for instance in instances {
        if !given.insert(instance.name.clone()) {
            reader
                .warn(instance.origin, Code::KeepalivedNameAgain)
                .with("word", "vrrp_instance")
                .with("name", excerpt(&instance.name));
        }
        let wanted = names::usable(&instance.name).unwrap_or_else(|| "instance".to_owned());
        let name = taken.give(&wanted);
        if name != instance.name {
            reader
                .warn(instance.origin, Code::NameDuplicate)
                .with("block", "vrrp_instance")
                .with("name", excerpt(&instance.name))
                .with("new", &name);
            instance.name = name;
        }
    }
}

/// Switches off what is served already, and gives everything a name of its own.
fn duplicates(reader: &mut Reader<'_>, services: &mut [Service]) {
    let mut keys: BTreeSet<ServiceKey> = BTreeSet::new();
    let mut names = Taken::default();
    for service in services {
        let server = &mut service.server;
        if let Some(key) = server.key()
            && !keys.insert(key)
        {
            server.active = false;
            if let Some(origin) = service.origins.find("") {
                reader.warn(origin, Code::KeepalivedServiceAgain).with("key", key);
            }
        }
        server.name = names.give(&server.name);
        let mut real_names = Taken::default();
        for real in &mut server.real_servers {
            real.name = real_names.give(&real.name);
        }
    }
}

/// The forwarding that most real servers have.
fn common_forwarding(services: &[Service]) -> Forwarding {
    let real = services.iter().flat_map(|service| &service.server.real_servers);
    commonest(real.filter_map(|real| real.forwarding.as_ref())).copied().unwrap_or_default()
}

/// Only what differs from the cluster's forwarding is said at a server.
fn own_forwarding(server: &mut VirtualServer, common: Forwarding) {
    for real in &mut server.real_servers {
        real.forwarding = real.forwarding.filter(|own| *own != common);
    }
    if let Some(sorry) = &mut server.sorry_server {
        sorry.forwarding = sorry.forwarding.filter(|own| *own != common);
    }
}

/// Puts the addresses of all instances to the services they belong to; the others float with them.
fn place_addresses(
    reader: &mut Reader<'_>,
    instances: &[Instance],
    cluster: &mut Cluster,
    origins: &mut Origins,
) {
    let mut placed: BTreeMap<IpAddr, Entry> = BTreeMap::new();
    let mut order: Vec<Entry> = Vec::new();
    let mut labels: BTreeMap<String, IpAddr> = BTreeMap::new();
    for entry in instances.iter().flat_map(|instance| instance.addresses.iter().chain(&instance.excluded)) {
        match placed.entry(entry.vip.address) {
            MapEntry::Occupied(_) => {
                let address = entry.vip.address;
                reader.warn(entry.origin, Code::KeepalivedAddressAgain).with("address", address);
            }
            MapEntry::Vacant(place) => {
                let mut entry = entry.clone();
                unlabelled(reader, &mut entry, &mut labels);
                order.push(place.insert(entry).clone());
            }
        }
    }
    let mut served: BTreeSet<IpAddr> = BTreeSet::new();
    for (index, server) in cluster.virtual_servers.iter_mut().enumerate() {
        let Some(vip) = &mut server.vip else { continue };
        let Some(entry) = placed.get(&vip.address) else { continue };
        *vip = entry.vip.clone();
        served.insert(vip.address);
        for field in ["prefix", "device"] {
            origins.insert(format!("/virtual_servers/{index}/vip/{field}"), entry.origin);
        }
    }
    order.retain(|entry| !served.contains(&entry.vip.address));
    let gateways: Vec<Entry> = order.iter().filter(|entry| is_gateway(entry, cluster)).cloned().collect();
    if let [gateway] = gateways.as_slice()
        && let Some(device) = gateway.vip.device.clone()
    {
        let address = gateway.vip.address;
        reader.warn(gateway.origin, Code::KeepalivedGateway).with("address", address);
        origins.insert("/global/nat_router", gateway.origin);
        cluster.global.nat_router = Some(NatRouter { address, device, prefix: gateway.vip.prefix });
        order.retain(|entry| entry.vip.address != address);
    }
    for entry in order {
        let pointer = format!("/redundancy/addresses/{}", cluster.redundancy.addresses.len());
        origins.insert(pointer, entry.origin);
        cluster.redundancy.addresses.push(entry.vip);
    }
}

/// Takes the label off an address where it stands for another one already.
fn unlabelled(reader: &mut Reader<'_>, entry: &mut Entry, labels: &mut BTreeMap<String, IpAddr>) {
    let address = entry.vip.address;
    let Some(device) = entry.vip.device.as_mut().filter(|device| device.label().is_some()) else { return };
    match labels.entry(device.as_str().to_owned()) {
        MapEntry::Vacant(place) => _ = place.insert(address),
        MapEntry::Occupied(first) => {
            reader
                .warn(entry.origin, Code::KeepalivedLabelShared)
                .with("label", device.as_str())
                .with("address", first.get());
            if let Ok(interface) = device.interface().parse() {
                *device = interface;
            }
        }
    }
}

/// Whether real servers behind NAT stand in the network of an address that nothing serves: then it is their gateway.
fn is_gateway(entry: &Entry, cluster: &Cluster) -> bool {
    let network = entry.vip.prefix.and_then(|prefix| IpNet::new(entry.vip.address, prefix).ok());
    let Some(network) = network else { return false };
    let behind = |real: &RealServer| {
        real.forwarding_in(&cluster.global) == Forwarding::Nat && network.contains(&real.address)
    };
    let serves =
        |server: &VirtualServer| server.vip.as_ref().is_some_and(|vip| network.contains(&vip.address));
    cluster.virtual_servers.iter().any(|server| server.real_servers.iter().any(behind))
        && !cluster.virtual_servers.iter().any(serves)
}

/// The node's own addresses, as far as its instances name them: the first one, and one on another interface.
fn own_addresses(reader: &mut Reader<'_>, instances: &[Instance]) -> (Option<IpAddr>, Option<IpAddr>) {
    let mut public: Option<(&Instance, IpAddr)> = None;
    let mut private = None;
    for instance in instances {
        let Some(source) = instance.source else { continue };
        match public {
            None => public = Some((instance, source)),
            Some((_, known)) if known == source => {}
            Some((first, known))
                if private.is_none_or(|known| known == source)
                    && first.interface != instance.interface
                    && Family::of(known) == Family::of(source) =>
            {
                private = Some(source);
            }
            Some((_, known)) => {
                let origin = instance.origins.find("/source").unwrap_or(instance.origin);
                reader.warn(origin, Code::KeepalivedSource).with("address", source).with("taken", known);
            }
        }
    }
    (public.map(|(_, address)| address), private)
}
