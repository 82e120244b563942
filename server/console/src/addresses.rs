//! Who holds each virtual address at this moment, of what runs and what its directors last reported. Pure; the API
//! shows it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lvs::Cluster;
use lvs::model::Vip;

use crate::LiveCluster;

/// What clients and real servers use an address for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressUse {
    /// Clients reach a virtual server by it.
    VirtualServer,
    /// It is the real servers' way out (NAT router address).
    NatRouter,
    /// It goes with the others (`redundancy.addresses`).
    Further,
}

impl AddressUse {
    /// A stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            AddressUse::VirtualServer => "virtual-server",
            AddressUse::NatRouter => "nat-router",
            AddressUse::Further => "further",
        }
    }
}

/// How an address stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressState {
    /// One director holds it.
    Held,
    /// Several say that they hold it.
    Several,
    /// All directors answer, and none holds it.
    Nobody,
    /// No director that answers holds it, and not all answer.
    Unknown,
    /// It has no device here: the host or its router has it.
    Unmanaged,
}

impl AddressState {
    /// A stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            AddressState::Held => "held",
            AddressState::Several => "several",
            AddressState::Nobody => "nobody",
            AddressState::Unknown => "unknown",
            AddressState::Unmanaged => "unmanaged",
        }
    }
}

/// A virtual address with who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualAddress {
    /// The address.
    pub address: IpAddr,
    /// Prefix length and interface with its label, where it is managed here; of the first that names one.
    pub place: Option<(u8, String)>,
    /// What for.
    pub uses: Vec<AddressUse>,
    /// Ids and names of the virtual servers that are reached by it, switched-on ones alone.
    pub services: Vec<(String, String)>,
    /// How it stands.
    pub state: AddressState,
    /// The directors that say they hold it.
    pub holders: Vec<String>,
}

impl VirtualAddress {
    fn used(&mut self, used: AddressUse, place: Option<(u8, String)>) {
        if !self.uses.contains(&used) {
            self.uses.push(used);
        }
        self.place = self.place.take().or(place);
    }
}

fn place(vip: &Vip) -> Option<(u8, String)> {
    Some((vip.address_key()?.prefix, vip.device.as_ref()?.to_string()))
}

/// All virtual addresses of what runs, in the order of the addresses.
pub fn virtual_addresses(content: &Cluster, live: &LiveCluster) -> Vec<VirtualAddress> {
    let mut all: BTreeMap<IpAddr, VirtualAddress> = BTreeMap::new();
    let of = |address: IpAddr| VirtualAddress {
        address,
        place: None,
        uses: Vec::new(),
        services: Vec::new(),
        state: AddressState::Unmanaged,
        holders: Vec::new(),
    };
    for service in content.virtual_servers.iter().filter(|service| service.active) {
        let Some(vip) = &service.vip else { continue };
        let one = all.entry(vip.address).or_insert_with(|| of(vip.address));
        one.used(AddressUse::VirtualServer, place(vip));
        one.services.push((service.id.0.clone(), service.name.clone()));
    }
    if let Some(router) = &content.global.nat_router {
        let (key, device) = (router.address_key(), router.device.to_string());
        let one = all.entry(key.address).or_insert_with(|| of(key.address));
        one.used(AddressUse::NatRouter, Some((key.prefix, device)));
    }
    for vip in &content.redundancy.addresses {
        let one = all.entry(vip.address).or_insert_with(|| of(vip.address));
        one.used(AddressUse::Further, place(vip));
    }
    for one in all.values_mut().filter(|one| one.place.is_some()) {
        let mut silent = live.directors.is_empty();
        for director in &live.directors {
            match director.status.as_ref().filter(|_| director.connected) {
                Some(status) if status.holds.iter().any(|held| held.address == one.address) => {
                    one.holders.push(director.name.clone());
                }
                Some(_) => {}
                None => silent = true,
            }
        }
        one.state = match one.holders.len() {
            0 if silent => AddressState::Unknown,
            0 => AddressState::Nobody,
            1 => AddressState::Held,
            _ => AddressState::Several,
        };
    }
    all.into_values().collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{LiveDirector, Sync};

    fn director(name: &str, connected: bool, holds: &[&str]) -> LiveDirector {
        let holds: Vec<_> =
            holds.iter().map(|address| serde_json::json!(format!("eth0 {address}/24"))).collect();
        let status = serde_json::from_value(serde_json::json!({
            "director_id": "dir_1", "version": "0", "seat": null, "state": "active", "state_ms": 0, "revision": 1,
            "digest": null, "in_sync": true, "kernel_writes": 0, "holds": holds, "foreign": [],
        }));
        LiveDirector {
            id: Some(format!("dir_{name}")),
            connected,
            sync: Sync::InSync,
            status: Some(status.unwrap()),
            ..LiveDirector::unjoined(name, lvs::model::Seat::Primary, Timestamp::UNIX_EPOCH)
        }
    }

    #[test]
    fn each_address_has_its_uses_and_its_owner() {
        let content: Cluster = serde_json::from_value(serde_json::json!({
            "name": "web",
            "global": { "nat_router": { "address": "10.0.0.254", "device": "eth1", "prefix": 24 } },
            "redundancy": { "addresses": [{ "address": "192.0.2.9", "device": "eth0" }] },
            "virtual_servers": [
                { "id": "vs_1", "name": "www", "vip": { "address": "192.0.2.1", "device": "eth0:1", "prefix": 24 },
                  "port": 80 },
                { "id": "vs_2", "name": "tls", "vip": { "address": "192.0.2.1" }, "port": 443 },
                { "id": "vs_3", "name": "far", "vip": { "address": "198.51.100.1" }, "port": 80 },
                { "id": "vs_4", "name": "off", "active": false, "vip": { "address": "192.0.2.4" }, "port": 80 },
            ],
        }))
        .unwrap();
        let told = |directors: Vec<LiveDirector>| {
            let live = LiveCluster { running: Some(1), directors };
            virtual_addresses(&content, &live)
        };
        let line = |one: &VirtualAddress| {
            let uses: Vec<_> = one.uses.iter().map(|used| used.as_str()).collect();
            let services: Vec<_> = one.services.iter().map(|(_, name)| name.as_str()).collect();
            format!("{} {:?} {} {}", one.address, one.place, uses.join("+"), services.join("+"))
        };
        let all = told(vec![director("a", true, &["192.0.2.1", "10.0.0.254"]), director("b", true, &[])]);
        let lines: Vec<String> = all.iter().map(line).collect();
        assert_eq!(
            lines,
            [
                "10.0.0.254 Some((24, \"eth1\")) nat-router ",
                "192.0.2.1 Some((24, \"eth0:1\")) virtual-server www+tls",
                "192.0.2.9 Some((32, \"eth0\")) further ",
                "198.51.100.1 None virtual-server far",
            ]
        );
        let states = |all: &[VirtualAddress]| -> Vec<String> {
            all.iter().map(|one| format!("{} {}", one.state.as_str(), one.holders.join("+"))).collect()
        };
        assert_eq!(states(&all), ["held a", "held a", "nobody ", "unmanaged "]);
        // Both say so; one is away and says nothing any more; nobody has ever joined.
        let both = told(vec![director("a", true, &["192.0.2.1"]), director("b", true, &["192.0.2.1"])]);
        assert_eq!(states(&both), ["nobody ", "several a+b", "nobody ", "unmanaged "]);
        let away = told(vec![director("a", false, &["192.0.2.1"]), director("b", true, &[])]);
        assert_eq!(states(&away), ["unknown ", "unknown ", "unknown ", "unmanaged "]);
        assert_eq!(states(&told(Vec::new()))[1], "unknown ");
    }
}
