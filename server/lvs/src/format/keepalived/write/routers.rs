//! Virtual routers: which addresses move with which, and how the two directors watch each other.
//!
//! A cluster with Caribe's heartbeat becomes one virtual router that holds all its addresses, with timers that wait
//! as long as the heartbeat does. Called by `write`; `instances` makes blocks of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZeroU8;

use super::Said;
use crate::finding::{Code, Finding};
use crate::model::{Cluster, Device, PriorityPair, RedundancyProtocol, Secret, Vip, Vrrp, VrrpVersion};
use crate::table::Family;

/// Name of the virtual router and of the sync group of a cluster that names none.
pub(super) const NAME: &str = "caribe";
/// Most addresses in one advertisement: its count is a byte, and one of IPv6 has to fit into 1,500 bytes.
const ADVERTISED_MAXIMUM: [usize; 2] = [255, 90];
/// Adverts that may be missed before the partner takes over; keepalived's own default and limit.
pub(super) const ADVERTS: u32 = 3;
const ADVERTS_MAXIMUM: u32 = 100;
/// Longest interval of VRRP version 3, milliseconds.
const VERSION_3_MAXIMUM_MS: u32 = 40_950;

/// A virtual router, the same for both directors.
#[derive(Debug)]
pub(super) struct Router {
    /// Its name.
    pub(super) name: String,
    /// Interface that advertisements go out of.
    pub(super) interface: String,
    /// Virtual router id.
    pub(super) id: NonZeroU8,
    /// The version to name; none with IPv6, which has only one.
    pub(super) version: Option<VrrpVersion>,
    /// Family of the advertised addresses.
    pub(super) family: Family,
    /// Time between two advertisements, milliseconds.
    pub(super) interval_ms: u32,
    /// Adverts missed before the partner takes over.
    pub(super) adverts: u32,
    /// Priority of each director.
    pub(super) priority: PriorityPair,
    /// Simple password, where the version has one.
    pub(super) password: Option<Secret>,
    /// Sent to the partner instead of the multicast group.
    pub(super) unicast: bool,
    /// Addresses in the advertisements.
    pub(super) advertised: Vec<Vip>,
    /// Addresses that move with them.
    pub(super) excluded: Vec<Vip>,
    /// What findings about it point to.
    pub(super) pointer: String,
}

/// The virtual routers of a cluster; none where no address moves.
pub(super) fn routers(cluster: &Cluster, said: &mut Said) -> Vec<Router> {
    let floating = floating(cluster);
    match &cluster.redundancy.protocol {
        RedundancyProtocol::Heartbeat | RedundancyProtocol::Pulse => {
            heartbeat(said, cluster, &floating).into_iter().collect()
        }
        RedundancyProtocol::Vrrp(vrrp) => given(said, cluster, vrrp, &floating),
    }
}

/// All addresses that a director puts on its interfaces when it becomes active, each once; the first to name a label
/// gives it.
fn floating(cluster: &Cluster) -> Vec<Vip> {
    let vips = cluster
        .virtual_servers
        .iter()
        .filter(|server| server.active)
        .filter_map(|server| server.vip.as_ref());
    let router = cluster.global.nat_router.as_ref().map(|router| Vip {
        address: router.address,
        prefix: router.prefix,
        device: Some(router.device.clone()),
    });
    let all = vips.cloned().chain(router).chain(cluster.redundancy.addresses.iter().cloned());
    let mut floating: Vec<Vip> = Vec::new();
    let mut known: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for vip in all.filter(|vip| vip.device.is_some()) {
        let at = *known.entry(vip.address).or_insert(floating.len());
        let labelled = |vip: &Vip| vip.device.as_ref().is_some_and(|device| device.label().is_some());
        match floating.get_mut(at) {
            Some(first) if !labelled(first) && labelled(&vip) => first.device = vip.device,
            Some(_) => {}
            None => floating.push(vip),
        }
    }
    floating
}

/// One virtual router in place of Caribe's heartbeat.
fn heartbeat(said: &mut Said, cluster: &Cluster, floating: &[Vip]) -> Option<Router> {
    let redundancy = &cluster.redundancy;
    let of = |family: Family| floating.iter().filter(move |vip| Family::of(vip.address) == family);
    let family = if of(Family::Ipv4).next().is_some() { Family::Ipv4 } else { Family::Ipv6 };
    let first = of(family).next()?.clone();
    let interfaces = of(family).filter_map(|vip| vip.device.as_ref()).map(Device::interface);
    let Some(interface) = interfaces.clone().find(|interface| *interface != "lo") else {
        let finding = Finding::field("/redundancy/protocol", Code::ExportKeepalivedLoopback);
        said.refuse(finding.with("address", first.address));
        return None;
    };
    let interface = interface.to_owned();
    let [most_ipv4, most_ipv6] = ADVERTISED_MAXIMUM;
    let most = if family == Family::Ipv4 { most_ipv4 } else { most_ipv6 };
    let advertised: Vec<Vip> = of(family).take(most).cloned().collect();
    let excluded = floating.iter().filter(|vip| !advertised.contains(vip)).cloned().collect();
    let given_ms = redundancy.interval_ms;
    // Version 2 has whole seconds, and passes to more of what else speaks VRRP.
    let (version, interval_ms) = match family {
        Family::Ipv4 if given_ms.is_multiple_of(1_000) => (Some(VrrpVersion::V2), given_ms),
        Family::Ipv4 => (Some(VrrpVersion::V3), hundredths(given_ms)),
        Family::Ipv6 => (None, hundredths(given_ms)),
    };
    let deadtime_ms = redundancy.deadtime_ms.max(given_ms.saturating_mul(ADVERTS));
    let adverts = deadtime_ms.div_ceil(interval_ms.max(1)).clamp(1, ADVERTS_MAXIMUM);
    let id = id(first.address);
    if redundancy.enabled {
        let pointer = "/redundancy/protocol";
        said.warn(
            Finding::field(pointer, Code::ExportKeepalivedHeartbeat)
                .with("version", version.map_or(3, u8::from))
                .with("id", id)
                .with("interval", interval_ms)
                .with("silence", adverts.saturating_mul(interval_ms)),
        );
        if adverts.saturating_mul(interval_ms) != redundancy.deadtime_ms {
            said.warn(
                Finding::field("/redundancy/deadtime_ms", Code::ExportKeepalivedDeadtime)
                    .with("silence", adverts.saturating_mul(interval_ms))
                    .with("deadtime", redundancy.deadtime_ms),
            );
        }
    }
    let unicast = cluster.directors.len() == 2
        && cluster.directors.iter().all(|director| director.public.is_some_and(|a| Family::of(a) == family));
    Some(Router {
        name: NAME.to_owned(),
        interface,
        id,
        version,
        family,
        interval_ms,
        // Alone nobody counts them.
        adverts: if redundancy.enabled { adverts } else { ADVERTS },
        priority: PriorityPair { primary: priority(150), backup: priority(100) },
        password: None,
        unicast,
        advertised,
        excluded,
        pointer: "/redundancy/protocol".to_owned(),
    })
}

/// An interval as version 3 can say it, rounded up.
fn hundredths(interval_ms: u32) -> u32 {
    interval_ms.div_ceil(10).saturating_mul(10).min(VERSION_3_MAXIMUM_MS)
}

fn priority(number: u8) -> NonZeroU8 {
    NonZeroU8::new(number).unwrap_or(NonZeroU8::MIN)
}

/// An id that stays the same as long as the address does, and is easy to recognise: the address's last byte.
fn id(address: IpAddr) -> NonZeroU8 {
    let last = match address {
        IpAddr::V4(address) => address.octets().last().copied(),
        IpAddr::V6(address) => address.octets().last().copied(),
    };
    last.and_then(NonZeroU8::new).unwrap_or(NonZeroU8::MAX)
}

/// The virtual routers as they were given. What else moves goes with one of them without being advertised, for the
/// partner compares what is.
fn given(said: &mut Said, cluster: &Cluster, vrrp: &Vrrp, floating: &[Vip]) -> Vec<Router> {
    let mut routers = Vec::new();
    let places: BTreeMap<IpAddr, &Vip> = floating.iter().map(|vip| (vip.address, vip)).collect();
    for (index, instance) in vrrp.instances.iter().enumerate() {
        let pointer = format!("/redundancy/protocol/instances/{index}");
        let family = instance.addresses.first().copied().map_or(Family::Ipv4, Family::of);
        let place = |address: &IpAddr| match places.get(address) {
            Some(vip) => (*vip).clone(),
            None => {
                said.warn(
                    Finding::field(format!("{pointer}/addresses"), Code::ExportKeepalivedPlace)
                        .with("address", address)
                        .with("interface", instance.interface.interface()),
                );
                Vip { address: *address, prefix: None, device: Some(instance.interface.clone()) }
            }
        };
        let advertised = instance.addresses.iter().map(place).collect();
        let password =
            instance.password.clone().filter(|_| vrrp.version == VrrpVersion::V2 && family == Family::Ipv4);
        if instance.password.is_some() && password.is_none() {
            said.warn(Finding::field(format!("{pointer}/password"), Code::ExportKeepalivedPassword));
        }
        routers.push(Router {
            name: instance.name.clone(),
            interface: instance.interface.interface().to_owned(),
            id: instance.virtual_router_id,
            version: (family == Family::Ipv4).then_some(vrrp.version),
            family,
            interval_ms: cluster.redundancy.interval_ms,
            adverts: ADVERTS,
            priority: instance.priority,
            password,
            unicast: instance.unicast,
            advertised,
            excluded: Vec::new(),
            pointer,
        });
    }
    let advertised: BTreeSet<IpAddr> =
        vrrp.instances.iter().flat_map(|instance| instance.addresses.iter().copied()).collect();
    for vip in floating.iter().filter(|vip| !advertised.contains(&vip.address)) {
        let interface = vip.device.as_ref().map_or("", Device::interface);
        let beside = routers.iter().position(|router| router.interface == interface).unwrap_or(0);
        if let Some(router) = routers.get_mut(beside) {
            router.excluded.push(vip.clone());
        }
    }
    routers
}
