//! From a cluster to what one director's kernel should hold.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::host;
use crate::health::{EXPIRE_QUIESCENT, ServiceStanding, Standing, Standings};
use crate::model::{Cluster, Forwarding, Persistence, Seat, ValidCluster, Vip, VirtualServer};
use crate::table::{
    AddressKey, BACKUP_ONLY, Desired, DesiredAddress, DesiredSync, Family, Forward, Persist, ServerKey,
    ServerRow, Service, ServiceKey, ServiceRow, SyncPath, SyncRole, Table, interface_sysctl,
};

/// Whether a director should hold the virtual addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// It is active: addresses and table.
    Addresses,
    /// It has just become active: the same, and it still takes the connections that its partner sends.
    AddressesNew,
    /// Not decided: as the active one, but nothing is added that could send packets in circles.
    Undecided,
    /// It is standby: the table alone.
    TableOnly,
    /// It has just become standby: the same, and it still sends what its partner does not know yet.
    TableOnlyNew,
}

impl Holding {
    fn is_active(self) -> bool {
        matches!(self, Holding::Addresses | Holding::AddressesNew | Holding::Undecided)
    }
}

/// What the kernel of the director in `seat` should hold, where real servers stand as `standings` say.
///
/// The default standings say nothing: all active real servers stand with their configured weights. Standings of what is
/// not in the cluster change nothing.
/// Connections are copied on the private path of the director in that seat, or the public one where it has no other.
/// Addresses come with what keeps them alive: where an IPv4 prefix is shorter than 32, removing the subnet's first
/// address would take the others along, so `promote_secondaries` is switched on for that interface.
pub fn desired(cluster: &ValidCluster, seat: Seat, holding: Holding, standings: &Standings) -> Desired {
    let cluster = cluster.cluster();
    let addresses = if holding.is_active() { addresses(cluster) } else { BTreeMap::new() };
    let keepers = addresses.keys().filter_map(keeper).map(|name| (name, "1".to_owned()));
    let mut sysctls: BTreeMap<String, String> = keepers.chain(host::parameters(cluster)).collect();
    if let Some(needed) = standings.expire_quiescent {
        let set = needed || cluster.global.host.expire_quiescent_template == Some(true);
        sysctls.insert(EXPIRE_QUIESCENT.to_owned(), u8::from(set).to_string());
    }
    let sync = sync(cluster, seat, holding);
    if sync.is_some() && holding != Holding::Undecided {
        // A kernel that still takes connections as the new active one must schedule all the same.
        let only = if holding == Holding::AddressesNew { "0" } else { "1" };
        sysctls.insert(BACKUP_ONLY.to_owned(), only.to_owned());
    }
    let decided = holding.is_active() && holding != Holding::Undecided;
    let unless_local = if decided { BTreeMap::new() } else { attracted(cluster) };
    let timeouts = cluster.global.timeouts.effective();
    let table = table(cluster, standings);
    let packets = host::packets(cluster);
    Desired { table, addresses, timeouts, sysctls, packets, sync, unless_local }
}

/// The daemons of connection sync for the director in this seat.
fn sync(cluster: &Cluster, seat: Seat, holding: Holding) -> Option<DesiredSync> {
    let redundancy = &cluster.redundancy;
    if !(redundancy.enabled && redundancy.sync.enabled) {
        return None;
    }
    let own = cluster.directors.iter().find(|director| director.seat == seat);
    let path = match &redundancy.sync.interface {
        Some(device) => SyncPath::Interface(device.interface().to_owned()),
        None => SyncPath::Holding(own.and_then(|own| own.private.or(own.public))?),
    };
    let roles = match holding {
        Holding::Addresses => vec![SyncRole::Master],
        Holding::TableOnly => vec![SyncRole::Backup],
        Holding::AddressesNew | Holding::TableOnlyNew => SyncRole::ALL.to_vec(),
        // The caller knows what runs.
        Holding::Undecided => Vec::new(),
    };
    Some(DesiredSync { roles, path, id: redundancy.sync.id, refused: false })
}

/// The address that leads packets to each service.
fn attracted(cluster: &Cluster) -> BTreeMap<ServiceKey, IpAddr> {
    let active = cluster.virtual_servers.iter().filter(|server| server.active);
    active.filter_map(|server| Some((server.key()?, server.vip.as_ref()?.address))).collect()
}

/// The kernel parameter that keeps an address alive when the first address of its subnet goes; none where it stands
/// alone.
pub(super) fn keeper(key: &AddressKey) -> Option<String> {
    let shared = key.address.is_ipv4() && key.prefix < Family::Ipv4.bits();
    shared.then(|| interface_sysctl("ipv4", &key.interface, "promote_secondaries"))
}

fn table(cluster: &Cluster, standings: &Standings) -> Table {
    let active = cluster.virtual_servers.iter().filter(|server| server.active);
    let services = active.filter_map(|server| {
        let key = server.key()?;
        Some((key, standing_service(cluster, server, standings.services.get(&key))))
    });
    Table { services: services.collect() }
}

/// A virtual server in the kernel's terms as it is configured, whether it is active or not.
pub(crate) fn service(cluster: &Cluster, server: &VirtualServer) -> Service {
    standing_service(cluster, server, None)
}

fn standing_service(
    cluster: &Cluster,
    server: &VirtualServer,
    standing: Option<&ServiceStanding>,
) -> Service {
    Service { row: service_row(server), servers: servers(cluster, server, standing) }
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

/// The active real servers as they stand; the sorry server where it stands, and where nobody has said anything, only
/// where there is no real server.
fn servers(
    cluster: &Cluster,
    server: &VirtualServer,
    standing: Option<&ServiceStanding>,
) -> BTreeMap<ServerKey, ServerRow> {
    let mut rows: BTreeMap<ServerKey, ServerRow> = BTreeMap::new();
    for real in server.real_servers.iter().filter(|real| real.active) {
        let key = server.server_key(real);
        let configured = Standing::In { weight: u32::from(real.weight.0) };
        let stands = standing.and_then(|standing| standing.servers.get(&key)).unwrap_or(&configured);
        let Some(weight) = stands.weight() else { continue };
        let (upper, lower) = real.limit.map_or((0, 0), |limit| (limit.upper, limit.lower));
        let forward = Forward::from(real.forwarding_in(&cluster.global));
        rows.insert(key, ServerRow { forward, weight, upper, lower });
    }
    let answers = standing.map_or(rows.is_empty(), |standing| standing.sorry);
    if let (true, Some(sorry)) = (answers, &server.sorry_server) {
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
