//! Rules for addresses: which make sense where, and that what is put on interfaces agrees with itself.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::directors::own_addresses;
use crate::finding::{Code, Finding, Findings};
use crate::model::{Cluster, Device, Director};
use crate::table::Family;

/// What an address is used for; decides which addresses are nonsense there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A director's own address.
    Director,
    /// A virtual address. Loopback only warns: it works on the director itself, and old files hold it.
    Virtual,
    /// The NAT router address.
    Router,
    /// A real or sorry server; loopback means the director itself.
    Server,
    /// As `Virtual` or `Server`, of something switched off: the placeholder 0.0.0.0 is common there.
    Inactive,
}

/// Refuses addresses that cannot be what they are used for.
pub(super) fn usable(findings: &mut Findings, pointer: &str, address: IpAddr, used: Use) {
    let says = |code| Finding::field(pointer, code).with("address", address);
    if address.is_unspecified() {
        let finding = says(Code::AddressUnspecified);
        findings.push(if used == Use::Inactive { finding.warning() } else { finding });
    } else if address.is_multicast() {
        findings.push(says(Code::AddressMulticast));
    } else if matches!(address, IpAddr::V4(v4) if v4.is_broadcast()) {
        findings.push(says(Code::AddressBroadcast));
    } else if let IpAddr::V6(v6) = address
        && let Some(v4) = v6.to_ipv4_mapped()
    {
        findings.push(says(Code::AddressMapped).suggest(v4.to_string()));
    } else if address.is_loopback() {
        match used {
            Use::Director | Use::Router => findings.push(says(Code::AddressLoopback)),
            Use::Virtual => findings.push(says(Code::AddressLoopback).warning()),
            Use::Server | Use::Inactive => {}
        }
    }
}

/// A prefix length as programmed: 1 to 32 or 128.
pub(super) fn prefix(findings: &mut Findings, pointer: String, prefix: Option<u8>, family: Family) {
    let Some(value) = prefix else { return };
    if value == 0 || value > family.bits() {
        findings.push(
            Finding::field(pointer, Code::PrefixRange)
                .with("minimum", 1)
                .with("maximum", family.bits())
                .with("value", value),
        );
    }
}

/// A device for an address: labels are an IPv4 thing.
pub(super) fn label_family(findings: &mut Findings, pointer: String, device: &Device, address: IpAddr) {
    if let Some(label) = device.label()
        && address.is_ipv6()
    {
        findings.push(
            Finding::field(pointer, Code::LabelFamily)
                .with("label", label)
                .with("interface", device.interface())
                .suggest(device.interface()),
        );
    }
}

/// The director whose own address this is.
pub(super) fn owner(cluster: &Cluster, address: IpAddr) -> Option<&Director> {
    cluster.directors.iter().find(|director| own_addresses(director).any(|own| own == address))
}

/// Refuses a director's own address for what has to move between two of them. With one director the host simply
/// held it before us, and it is borrowed.
pub(super) fn movable(findings: &mut Findings, pointer: String, cluster: &Cluster, address: IpAddr) {
    if let Some(director) = owner(cluster, address)
        && cluster.directors.len() > 1
    {
        findings.push(
            Finding::field(pointer, Code::AddressOfDirector)
                .with("address", address)
                .with("director", &director.name),
        );
    }
}

/// An address that is put on an interface, and who asked for it.
struct Placed<'a> {
    pointer: String,
    address: IpAddr,
    prefix: u8,
    device: &'a Device,
    by: &'a str,
}

/// That all active virtual servers, the NAT router and the further addresses agree on every address and label.
pub(super) fn check(findings: &mut Findings, cluster: &Cluster) {
    let router = cluster.global.nat_router.as_ref().map(|router| Placed {
        pointer: "/global/nat_router".to_owned(),
        address: router.address,
        prefix: router.prefix_length(),
        device: &router.device,
        by: "the NAT router",
    });
    let vips = cluster.virtual_servers.iter().enumerate().filter(|(_, server)| server.active).filter_map(
        |(index, server)| {
            let vip = server.vip.as_ref()?;
            Some(Placed {
                pointer: format!("/virtual_servers/{index}/vip"),
                address: vip.address,
                prefix: vip.prefix_length(),
                device: vip.device.as_ref()?,
                by: &server.name,
            })
        },
    );
    let further = cluster.redundancy.addresses.iter().enumerate().filter_map(|(index, vip)| {
        Some(Placed {
            pointer: format!("/redundancy/addresses/{index}"),
            address: vip.address,
            prefix: vip.prefix_length(),
            device: vip.device.as_ref()?,
            by: "the further addresses",
        })
    });
    let placed: Vec<Placed<'_>> = router.into_iter().chain(vips).chain(further).collect();
    let mut by_address: BTreeMap<IpAddr, &Placed<'_>> = BTreeMap::new();
    let mut by_label: BTreeMap<&str, &Placed<'_>> = BTreeMap::new();
    for here in &placed {
        if let Some(label) = here.device.label() {
            match by_label.get(label) {
                Some(first) if first.address != here.address => findings.push(
                    Finding::field(format!("{}/device", here.pointer), Code::LabelTaken)
                        .with("label", label)
                        .with("address", first.address)
                        .with("other", first.by),
                ),
                Some(_) => {}
                None => {
                    by_label.insert(label, here);
                }
            }
        }
        match by_address.get(&here.address) {
            None => {
                by_address.insert(here.address, here);
            }
            Some(first) => agreement(findings, first, here),
        }
    }
}

fn agreement(findings: &mut Findings, first: &Placed<'_>, here: &Placed<'_>) {
    let device = format!("{}/device", here.pointer);
    if first.device.interface() != here.device.interface() {
        findings.push(
            Finding::field(device, Code::DeviceDiffers)
                .with("address", here.address)
                .with("device", first.device)
                .with("other", first.by),
        );
    } else if let (Some(label), Some(other)) = (first.device.label(), here.device.label())
        && label != other
    {
        findings.push(
            Finding::field(device, Code::LabelDiffers)
                .with("address", here.address)
                .with("label", label)
                .with("other", first.by)
                .warning(),
        );
    }
    if first.prefix != here.prefix {
        findings.push(
            Finding::field(format!("{}/prefix", here.pointer), Code::AddressPrefixDiffers)
                .with("address", here.address)
                .with("prefix", first.prefix)
                .with("other", first.by),
        );
    }
}
