//! Between VRRP's machine and the wires: which packet belongs to which virtual router, and how one is written.
//!
//! The rules are pure functions of packets and settings; the sockets belong to `kernel`. Only the heartbeat thread
//! calls it.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use kernel::{AdvertWire, AdvertWires, Advertised};
use lvs::failover::Event;
use lvs::failover::vrrp::advert::{self, Advert, Cover, Expected, Mismatch};
use lvs::failover::vrrp::{Router, Settings};
use lvs::model::{Cluster, RedundancyProtocol, VrrpVersion};
use lvs::table::{AddressKey, Family};

/// Between two looks at interfaces and addresses when nothing calls for one.
const LOOK: Duration = Duration::from_secs(1);
/// The same when something does.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// What a multicast advertisement must arrive with (RFC 9568 §5.1.1.3).
const HOPS: u8 = 255;

/// VRRP as the configuration says it for one director.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spoken {
    pub(super) settings: Settings,
    /// One for each interface, family and way of sending.
    wires: Vec<AdvertWire>,
    /// The wire of each virtual router.
    on: Vec<usize>,
}

impl Spoken {
    /// None where VRRP is not spoken.
    pub(super) fn of<'a>(
        cluster: &Cluster,
        director: &str,
        addresses: impl Iterator<Item = &'a AddressKey>,
    ) -> Option<Self> {
        let settings = Settings::of(cluster, director)?;
        let RedundancyProtocol::Vrrp(vrrp) = &cluster.redundancy.protocol else { return None };
        let own = cluster.directors.iter().find(|each| each.name == director)?;
        let partner = cluster.directors.iter().find(|each| each.name != director);
        let pairs = [
            (own.public, partner.and_then(|partner| partner.public)),
            (own.private, partner.and_then(|partner| partner.private)),
        ];
        let ends: Vec<_> = pairs.into_iter().filter_map(|(own, partner)| Some((own?, partner))).collect();
        let mut floating: Vec<IpAddr> = addresses.map(|key| key.address).collect();
        floating.extend(vrrp.instances.iter().flat_map(|instance| &instance.addresses));
        floating.sort_unstable();
        floating.dedup();
        let (mut wires, mut on): (Vec<AdvertWire>, Vec<usize>) = (Vec::new(), Vec::new());
        for instance in &vrrp.instances {
            let wire = AdvertWire {
                interface: instance.interface.interface().to_owned(),
                ipv4: instance.addresses.first().is_none_or(|first| Family::of(*first) == Family::Ipv4),
                unicast: instance.unicast,
                ends: ends.clone(),
                floating: floating.clone(),
            };
            let at = wires.iter().position(|known| *known == wire).unwrap_or(wires.len());
            if at == wires.len() {
                wires.push(wire);
            }
            on.push(at);
        }
        Some(Spoken { settings, wires, on })
    }

    /// What a packet means to our virtual routers; none where it is nothing to us.
    fn hear(&self, packet: &Advertised<'_>) -> Option<Event> {
        let wire = self.wires.get(packet.wire)?;
        let (source, payload) = (packet.source, packet.payload);
        let to_group = packet.destination.is_multicast();
        if to_group && packet.hops != HOPS {
            return Some(Event::Forged(1));
        }
        let is_partner = wire.ends.iter().any(|end| end.1 == Some(source));
        let here =
            || self.settings.routers.iter().enumerate().zip(&self.on).filter(|(_, on)| **on == packet.wire);
        let overlaps = |router: &Router| advert::advertises(payload, source, &router.addresses);
        let event = |router, advert| Some(Event::Advert { router, source, advert });
        let id = advert::virtual_router_id(payload)?;
        let Some(((router, own), _)) = here().find(|((_, own), _)| own.virtual_router_id == id) else {
            // Another pair on the same network is nothing to us, unless it takes our addresses.
            let ((router, _), _) = here().find(|((_, own), _)| overlaps(own))?;
            return event(router, Err(Mismatch::VirtualRouterId));
        };
        if wire.unicast && !is_partner && !overlaps(own) {
            return None;
        }
        if to_group == wire.unicast {
            return event(router, Err(Mismatch::Delivery));
        }
        event(router, Advert::decode(payload, source, packet.destination, &self.expected(own)))
    }

    fn expected<'a>(&self, own: &'a Router) -> Expected<'a> {
        Expected {
            version: self.version(own),
            interval: self.settings.interval,
            password: own.password,
            addresses: &own.addresses,
        }
    }

    fn version(&self, own: &Router) -> VrrpVersion {
        if own.source.is_ipv6() { VrrpVersion::V3 } else { self.settings.version }
    }

    /// A virtual router's advertisement.
    fn advert(&self, own: &Router, priority: u8) -> Advert {
        Advert {
            version: self.version(own),
            virtual_router_id: own.virtual_router_id,
            priority,
            interval: self.settings.interval,
            addresses: own.addresses.clone(),
            password: own.password,
        }
    }
}

/// The open wires, and what was learned of them.
#[derive(Default)]
pub(super) struct Routers {
    wires: AdvertWires,
    spoken: Option<Spoken>,
    /// How the partner's checksums are made, for each wire.
    covers: Vec<Cover>,
    looked: Option<Instant>,
    /// Whether all wires could be used at the last look.
    usable: bool,
    /// Whether what is watched beside the wires is usable.
    watched: bool,
}

impl Routers {
    /// Speaks this from now on; none: nothing.
    pub(super) fn configure(&mut self, spoken: Option<Spoken>) {
        let wires = spoken.as_ref().map_or(&[][..], |spoken| &spoken.wires);
        self.wires.set(wires);
        self.covers.resize(wires.len(), Cover::default());
        if self.spoken.is_none() {
            self.watched = true;
        }
        self.spoken = spoken;
        self.looked = None;
        self.wires.look();
        self.usable = self.wires.usable();
        self.find_sources();
    }

    /// The settings with the addresses that advertisements come from.
    pub(super) fn settings(&self) -> Option<&Settings> {
        self.spoken.as_ref().map(|spoken| &spoken.settings)
    }

    fn find_sources(&mut self) {
        let Some(spoken) = &mut self.spoken else { return };
        for (router, wire) in spoken.settings.routers.iter_mut().zip(&spoken.on) {
            if let Some(source) = self.wires.source(*wire) {
                router.source = source;
            }
        }
    }

    /// Looks at interfaces and addresses where it is time, or sooner where something calls for it; true where the
    /// settings or [`Routers::links`] may have changed.
    pub(super) fn look(&mut self, called: bool) -> bool {
        let wait = if called { LOOK_AGAIN } else { LOOK };
        if self.spoken.is_none() || self.looked.is_some_and(|at| at.elapsed() < wait) {
            return false;
        }
        self.looked = Some(Instant::now());
        let before = self.usable;
        let moved = self.wires.look();
        self.usable = self.wires.usable();
        if moved {
            self.find_sources();
        }
        moved || before != self.usable
    }

    /// How long a wait may take at most.
    pub(super) fn patience(&self) -> Option<Duration> {
        self.spoken.is_some().then_some(LOOK)
    }

    /// Takes in whether what is watched beside the wires is usable; whether all is.
    pub(super) fn links(&mut self, watched: Option<bool>) -> bool {
        self.watched = watched.unwrap_or(self.watched);
        self.watched && self.usable
    }

    /// What to wait for.
    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.wires.descriptors()
    }

    /// What has come in.
    pub(super) fn receive(&mut self) -> Vec<Event> {
        let (mut events, mut covers) = (Vec::new(), Vec::new());
        let spoken = &self.spoken;
        self.wires.receive(|packet| {
            let Some(event) = spoken.as_ref().and_then(|spoken| spoken.hear(&packet)) else { return };
            if matches!(event, Event::Advert { advert: Ok(_), .. }) {
                covers.push((packet.wire, Cover::of(packet.payload, packet.source, packet.destination)));
            }
            events.push(event);
        });
        for (wire, cover) in covers {
            if let (Some(known), Some(cover)) = (self.covers.get_mut(wire), cover) {
                *known = cover;
            }
        }
        events
    }

    /// Sends an advertisement of a virtual router with this priority.
    pub(super) fn advertise(&mut self, router: usize, priority: u8) {
        let Some(spoken) = &self.spoken else { return };
        let (Some(own), Some(wire)) = (spoken.settings.routers.get(router), spoken.on.get(router)) else {
            return;
        };
        let Some(destination) = self.wires.destination(*wire) else { return };
        let cover = self.covers.get(*wire).copied().unwrap_or_default();
        let payload = spoken.advert(own, priority).encode_with(cover, own.source, destination);
        self.wires.send(*wire, &payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(unicast: bool, version: u8) -> Spoken {
        let cluster: Cluster = serde_json::from_value(serde_json::json!({
            "name": "c",
            "directors": [
                { "name": "d1", "seat": "primary", "public": "192.0.2.1", "private": "10.0.0.1" },
                { "name": "d2", "seat": "backup", "public": "192.0.2.2", "private": "10.0.0.2" },
            ],
            "redundancy": { "enabled": true, "interval_ms": 1000, "preempt": true, "protocol": {
                "kind": "vrrp", "version": version, "instances": [
                    { "name": "VI_1", "interface": "eth0", "virtual_router_id": 51, "unicast": unicast,
                      "priority": { "primary": 150, "backup": 100 }, "addresses": ["192.0.2.100"],
                      "password": if version == 2 { Some("1111") } else { None } },
                    { "name": "VI_2", "interface": "eth1", "virtual_router_id": 52,
                      "priority": { "primary": 150, "backup": 100 }, "addresses": ["10.0.0.100"] },
                    { "name": "VI_3", "interface": "eth0", "virtual_router_id": 53, "unicast": unicast,
                      "priority": { "primary": 150, "backup": 100 }, "addresses": ["192.0.2.101"] },
                ] } },
        }))
        .unwrap();
        let mut spoken = Spoken::of(&cluster, "d1", std::iter::empty()).unwrap();
        for router in &mut spoken.settings.routers {
            router.source = "192.0.2.1".parse().unwrap();
        }
        spoken
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// What `d1` makes of an advertisement that `theirs` sends for its first router.
    fn hear(
        ours: &Spoken,
        theirs: &Spoken,
        to: &str,
        change: impl FnOnce(&mut Advert, &mut u8),
    ) -> Option<Event> {
        let mut advert = theirs.advert(&theirs.settings.routers[0], 100);
        let mut hops = 255;
        change(&mut advert, &mut hops);
        let (source, destination) = (ip("192.0.2.2"), ip(to));
        let payload = advert.encode(source, destination);
        ours.hear(&Advertised { wire: 0, source, destination, hops, payload: &payload })
    }

    fn mismatch(event: Option<Event>) -> Option<Mismatch> {
        match event {
            Some(Event::Advert { router: 0, advert, .. }) => advert.err(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn routers_share_a_wire_where_interface_and_way_are_the_same() {
        let spoken = spoken(false, 2);
        assert_eq!((spoken.wires.len(), spoken.on.as_slice()), (2, &[0, 1, 0][..]));
        assert_eq!(spoken.wires[0].ends[0], (ip("192.0.2.1"), Some(ip("192.0.2.2"))));
        assert!(spoken.wires[0].floating.contains(&ip("192.0.2.101")));
        assert_eq!(spoken.settings.routers[0].priority, 150);
    }

    #[test]
    fn what_does_not_fit_is_named_and_what_is_not_ours_is_nothing() {
        let (two, three) = (spoken(false, 2), spoken(false, 3));
        const GROUP: &str = "224.0.0.18";
        assert_eq!(mismatch(hear(&two, &two, GROUP, |_, _| {})), None);
        assert_eq!(mismatch(hear(&three, &three, GROUP, |_, _| {})), None);
        assert_eq!(mismatch(hear(&two, &three, GROUP, |_, _| {})), Some(Mismatch::Version));
        let other = |advert: &mut Advert, _: &mut u8| advert.password = Some(*b"22222222");
        assert_eq!(mismatch(hear(&two, &two, GROUP, other)), Some(Mismatch::Password));
        let other = |advert: &mut Advert, _: &mut u8| advert.virtual_router_id = 99;
        assert_eq!(mismatch(hear(&two, &two, GROUP, other)), Some(Mismatch::VirtualRouterId));
        let stranger = |advert: &mut Advert, _: &mut u8| {
            (advert.virtual_router_id, advert.addresses) = (99, vec![ip("192.0.2.77")]);
        };
        assert_eq!(hear(&two, &two, GROUP, stranger), None);
        assert_eq!(hear(&two, &two, GROUP, |_, hops| *hops = 254), Some(Event::Forged(1)));
        assert_eq!(mismatch(hear(&two, &two, "192.0.2.1", |_, _| {})), Some(Mismatch::Delivery));
    }

    #[test]
    fn one_address_is_spoken_to_by_the_partner_alone() {
        let unicast = spoken(true, 3);
        assert_eq!(mismatch(hear(&unicast, &unicast, "192.0.2.1", |_, hops| *hops = 64)), None);
        assert_eq!(mismatch(hear(&unicast, &unicast, "224.0.0.18", |_, _| {})), Some(Mismatch::Delivery));
        let advert =
            Advert { addresses: vec![ip("192.0.2.77")], ..unicast.advert(&unicast.settings.routers[0], 9) };
        let (source, destination) = (ip("192.0.2.9"), ip("192.0.2.1"));
        let payload = advert.encode(source, destination);
        assert_eq!(
            unicast.hear(&Advertised { wire: 0, source, destination, hops: 255, payload: &payload }),
            None
        );
    }

    #[test]
    fn an_interface_that_is_not_there_is_no_usable_link() {
        let mut routers = Routers::default();
        let mut missing = spoken(false, 3);
        missing.wires.iter_mut().for_each(|wire| wire.interface = "no-such0".to_owned());
        routers.configure(Some(missing));
        assert!(!routers.links(None));
        routers.advertise(0, 150);
        assert!(routers.receive().is_empty());
        routers.configure(None);
        assert!(routers.descriptors().is_empty());
    }
}
