//! Where addresses are: the device, label and mask of a virtual address, and addresses that seem to move by themselves.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Adoption, Side};
use crate::finding::{Code, Finding};
use crate::model::{Cluster, Device, Forwarding, NatRouter, Vip};
use crate::table::{AddressKey, AddressRow, Family, ServiceKey};

/// The place of a service's address: where the cluster puts it already, else where this director's kernel has it, else
/// where a partner's has it. An address on `lo` alone is not put anywhere by us.
pub(super) fn of_service(
    adoption: &mut Adoption,
    side: Side<'_>,
    partners: &[Side<'_>],
    address: IpAddr,
    pointer: &str,
) -> Vip {
    let configured = adoption.cluster.virtual_servers.iter().filter(|server| server.active);
    let configured = configured.filter_map(|s| s.vip.as_ref()).chain(&adoption.cluster.redundancy.addresses);
    if let Some(vip) = configured.into_iter().find(|vip| vip.address == address && vip.device.is_some()) {
        return vip.clone();
    }
    let router = adoption.cluster.global.nat_router.as_ref().filter(|router| router.address == address);
    if let Some(router) = router {
        return Vip { address, prefix: router.prefix, device: Some(router.device.clone()) };
    }
    for holder in std::iter::once(&side).chain(partners) {
        let Some((key, row)) = held(*holder, address) else { continue };
        stays(adoption, *holder, key, row, &format!("{pointer}/vip/address"));
        return Vip { address, prefix: prefix(key), device: device(key, row) };
    }
    Vip { address, prefix: None, device: None }
}

/// Where a kernel holds an address, `lo` apart; the first place where it is in several.
fn held<'a>(side: Side<'a>, address: IpAddr) -> Option<(&'a AddressKey, &'a AddressRow)> {
    let mut there = side.snapshot.observed.addresses.iter();
    there.find(|(key, _)| key.address == address && key.interface != "lo")
}

/// With two directors an address should move; one that the host put does not.
fn stays(adoption: &mut Adoption, side: Side<'_>, key: &AddressKey, row: &AddressRow, pointer: &str) {
    let ours = row.tagged || side.snapshot.ownership.addresses.contains(key);
    if !ours && adoption.cluster.directors.len() > 1 {
        adoption.findings.push(
            Finding::field(pointer, Code::AdoptAddressStays)
                .with("address", key.address)
                .with("device", &key.interface)
                .with("director", side.director)
                .warning(),
        );
    }
}

/// The interface, with the label where it has one that says so.
fn device(key: &AddressKey, row: &AddressRow) -> Option<Device> {
    let label = row.label.as_ref().and_then(|label| label.parse::<Device>().ok());
    let label = label.filter(|label| label.label().is_some() && label.interface() == key.interface);
    label.or_else(|| key.interface.parse().ok())
}

fn prefix(key: &AddressKey) -> Option<u8> {
    (key.prefix != Family::of(key.address).bits()).then_some(key.prefix)
}

/// Addresses that look as if they moved: labelled, a further one of its subnet, or a host route; not Caribe's, not a
/// director's own, not a virtual address, and not named by the cluster.
pub(super) fn floating(cluster: &Cluster, side: Side<'_>) -> Vec<AddressKey> {
    let snapshot = side.snapshot;
    let mut known: BTreeSet<IpAddr> = snapshot.ownership.borrowed.clone();
    known.extend(snapshot.ownership.addresses.iter().map(|key| key.address));
    known.extend(cluster.directors.iter().flat_map(|d| d.public.into_iter().chain(d.private)));
    known.extend(cluster.virtual_servers.iter().filter_map(|server| Some(server.vip.as_ref()?.address)));
    known.extend(cluster.redundancy.addresses.iter().map(|vip| vip.address));
    known.extend(cluster.global.nat_router.iter().map(|router| router.address));
    known.extend(snapshot.observed.table.services.keys().filter_map(|key| match key {
        ServiceKey::Address { address, .. } => Some(*address),
        ServiceKey::Mark { .. } => None,
    }));
    let looks = |key: &AddressKey, row: &AddressRow| match key.address {
        IpAddr::V4(_) => {
            let labelled = row.label.as_ref().is_some_and(|label| label.contains(':'));
            labelled || row.secondary || key.prefix == Family::Ipv4.bits()
        }
        // Secondaries are privacy addresses here, and a /128 often comes from DHCP; the latter is only offered.
        IpAddr::V6(v6) => key.prefix == Family::Ipv6.bits() && !v6.is_unicast_link_local(),
    };
    let rows = snapshot.observed.addresses.iter().filter(|(key, row)| {
        let usable = key.interface != "lo" && !key.address.is_loopback();
        usable && !row.tagged && !known.contains(&key.address) && looks(key, row)
    });
    rows.map(|(key, _)| key.clone()).collect()
}

/// Takes an address: as the NAT router where real servers behind NAT are in its subnet and none is named, else as one
/// that moves with the virtual addresses. Returns where it is in the cluster.
pub(super) fn take(adoption: &mut Adoption, side: Side<'_>, key: &AddressKey) -> Option<String> {
    let Some(row) = side.snapshot.observed.addresses.get(key) else {
        return gone(&mut adoption.cluster, side, key);
    };
    let device = device(key, row)?;
    let cluster = &mut adoption.cluster;
    let pointer = if let Some(pointer) = moved(cluster, key, &device) {
        pointer
    } else if cluster.global.nat_router.is_none() && is_gateway(cluster, key) {
        cluster.global.nat_router = Some(NatRouter { address: key.address, device, prefix: prefix(key) });
        "/global/nat_router".to_owned()
    } else {
        let addresses = &mut cluster.redundancy.addresses;
        addresses.push(Vip { address: key.address, prefix: prefix(key), device: Some(device) });
        format!("/redundancy/addresses/{}", addresses.len().saturating_sub(1))
    };
    stays(adoption, side, key, row, &pointer);
    Some(pointer)
}

/// The places where a cluster names an address.
fn places<'a>(
    cluster: &'a mut Cluster,
    address: IpAddr,
) -> impl Iterator<Item = (String, &'a mut Vip)> + use<'a> {
    let servers = cluster.virtual_servers.iter_mut().enumerate();
    let vips = servers
        .filter_map(|(index, server)| Some((format!("/virtual_servers/{index}/vip"), server.vip.as_mut()?)));
    let further = cluster.redundancy.addresses.iter_mut().enumerate();
    let further = further.map(|(index, vip)| (format!("/redundancy/addresses/{index}"), vip));
    vips.chain(further).filter(move |(_, vip)| vip.address == address)
}

/// An address that the cluster names is where the kernel has it; the first place that says so.
fn moved(cluster: &mut Cluster, key: &AddressKey, device: &Device) -> Option<String> {
    if let Some(router) = cluster.global.nat_router.as_mut().filter(|r| r.address == key.address) {
        (router.device, router.prefix) = (device.clone(), prefix(key));
        return Some("/global/nat_router".to_owned());
    }
    let mut first = None;
    for (pointer, vip) in places(cluster, key.address) {
        (vip.device, vip.prefix) = (Some(device.clone()), prefix(key));
        first.get_or_insert(pointer);
    }
    first
}

/// An address that the cluster names and the kernel no longer has: it is put nowhere from now on, or where else the
/// kernel has it.
fn gone(cluster: &mut Cluster, side: Side<'_>, key: &AddressKey) -> Option<String> {
    if let Some((elsewhere, row)) = held(side, key.address) {
        return moved(cluster, elsewhere, &device(elsewhere, row)?);
    }
    if cluster.global.nat_router.as_ref().is_some_and(|router| router.address == key.address) {
        cluster.global.nat_router = None;
        return Some("/global/nat_router".to_owned());
    }
    let mut first = None;
    for (pointer, vip) in places(cluster, key.address).filter(|(_, vip)| vip.device.is_some()) {
        vip.device = None;
        first.get_or_insert(pointer);
    }
    cluster.redundancy.addresses.retain(|vip| vip.device.is_some());
    first
}

/// Whether real servers behind NAT are in the address's subnet.
fn is_gateway(cluster: &Cluster, key: &AddressKey) -> bool {
    let global = &cluster.global;
    let servers = cluster.virtual_servers.iter().flat_map(|server| &server.real_servers);
    let translated = servers.filter(|real| real.forwarding_in(global) == Forwarding::Nat);
    translated.into_iter().any(|real| in_subnet(real.address, key))
}

fn in_subnet(address: IpAddr, key: &AddressKey) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let family = Family::of(address);
    let shift = u32::from(family.bits().saturating_sub(key.prefix));
    let network = |address: IpAddr| bits(address).checked_shr(shift).unwrap_or(0);
    family == Family::of(key.address) && network(address) == network(key.address)
}
