//! From a cluster to what one director's kernel should hold.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::{Cluster, Forwarding, Persistence, Seat, ValidCluster, Vip, VirtualServer};
use crate::table::{
    AddressKey, Desired, DesiredAddress, Family, Forward, Persist, ServerKey, ServerRow, Service, ServiceRow,
    Table, interface_sysctl,
};

/// Whether a director should hold the virtual addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// It is active: addresses and table.
    Addresses,
    /// It is standby: the table alone.
    TableOnly,
}

/// What the kernel of the director in `seat` should hold.
///
/// Today both seats hold the same; the seat is asked for because a device may differ between directors.
/// Addresses come with what keeps them alive: where an IPv4 prefix is shorter than 32, removing the subnet's first
/// address would take the others along, so `promote_secondaries` is switched on for that interface.
pub fn desired(cluster: &ValidCluster, seat: Seat, holding: Holding) -> Desired {
    let _ = seat;
    let cluster = cluster.cluster();
    let addresses = match holding {
        Holding::Addresses => addresses(cluster),
        Holding::TableOnly => BTreeMap::new(),
    };
    let sysctls = addresses
        .keys()
        .filter(|key| key.address.is_ipv4() && key.prefix < Family::Ipv4.bits())
        .map(|key| (interface_sysctl("ipv4", &key.interface, "promote_secondaries"), "1".to_owned()))
        .collect();
    Desired { table: table(cluster), addresses, timeouts: cluster.global.timeouts.effective(), sysctls }
}

fn table(cluster: &Cluster) -> Table {
    let active = cluster.virtual_servers.iter().filter(|server| server.active);
    let services = active
        .filter_map(|server| {
            let service = Service { row: service_row(server), servers: servers(cluster, server) };
            Some((server.key()?, service))
        })
        .collect();
    Table { services }
}

fn service_row(server: &VirtualServer) -> ServiceRow {
    ServiceRow {
        scheduler: server.scheduler.as_str().to_owned(),
        flags: server.scheduler_flags.clone(),
        persistence: server.persistence.map(|persistence| persist(persistence, server.family())),
        one_packet: server.one_packet,
    }
}

/// Persistence in the kernel's terms: IPv4 keeps a mask, IPv6 a prefix length.
fn persist(persistence: Persistence, family: Family) -> Persist {
    let prefix = u32::from(persistence.prefix.unwrap_or(family.bits()));
    let mask = match family {
        Family::Ipv4 => u32::MAX.checked_shl(32_u32.saturating_sub(prefix)).unwrap_or(0),
        Family::Ipv6 => prefix,
    };
    Persist { timeout_s: persistence.timeout_s, mask }
}

/// The active real servers; the sorry server only where there is none.
fn servers(cluster: &Cluster, server: &VirtualServer) -> BTreeMap<ServerKey, ServerRow> {
    let mut rows: BTreeMap<ServerKey, ServerRow> = BTreeMap::new();
    for real in server.real_servers.iter().filter(|real| real.active) {
        let (upper, lower) = real.limit.map_or((0, 0), |limit| (limit.upper, limit.lower));
        let row = ServerRow {
            forward: Forward::from(real.forwarding_in(&cluster.global)),
            weight: u32::from(real.weight.0),
            upper,
            lower,
        };
        rows.insert(server.server_key(real), row);
    }
    if let (true, Some(sorry)) = (rows.is_empty(), &server.sorry_server) {
        let forward = Forward::from(sorry.forwarding_in(&cluster.global));
        rows.insert(server.sorry_key(sorry), ServerRow { forward, weight: 1, upper: 0, lower: 0 });
    }
    rows
}

/// The virtual addresses that have a device, the NAT router address and what else floats; the first to name a label
/// gives it.
fn addresses(cluster: &Cluster) -> BTreeMap<AddressKey, DesiredAddress> {
    let router = cluster.global.nat_router.iter().map(|router| (router.address_key(), router.device.label()));
    let vips = cluster
        .virtual_servers
        .iter()
        .filter(|server| server.active)
        .filter_map(|server| placed(server.vip.as_ref()?));
    let further = cluster.redundancy.addresses.iter().filter_map(placed);
    let mut addresses: BTreeMap<AddressKey, DesiredAddress> = BTreeMap::new();
    for (key, label) in router.chain(vips).chain(further) {
        let label = label.filter(|_| matches!(key.address, IpAddr::V4(_))).map(str::to_owned);
        let row = addresses.entry(key).or_default();
        row.label = row.label.take().or(label);
    }
    addresses
}

fn placed(vip: &Vip) -> Option<(AddressKey, Option<&str>)> {
    Some((vip.address_key()?, vip.device.as_ref()?.label()))
}

impl From<Forwarding> for Forward {
    fn from(forwarding: Forwarding) -> Self {
        match forwarding {
            Forwarding::Nat => Forward::Masquerade,
            Forwarding::Direct => Forward::Direct,
            Forwarding::Tunnel(tunnel) => Forward::Tunnel(tunnel),
        }
    }
}
