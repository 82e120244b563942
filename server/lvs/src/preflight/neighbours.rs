//! Who else answers for the virtual addresses that a director holds: what to ask a network, and what its answers mean.
//!
//! With direct routing and tunnels every real server has the virtual addresses and must keep silent about them; one that
//! does not takes clients away from the director, some of them and some of the time. Pure: the agent's reconcile loop
//! asks through `kernel`, which hears.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::model::Cluster;
use crate::table::{AddressKey, Observed};

/// Virtual addresses asked for at a time on an interface; the others have their turn.
const ADDRESSES: usize = 16;
/// Real servers asked for beside them, so that who answers can be named.
const MACHINES: usize = 32;
/// How the hardware addresses of virtual routers begin (RFC 9568 §7.3): they move between directors.
const VIRTUAL_ROUTERS: [[u8; 5]; 2] = [[0, 0, 0x5e, 0, 1], [0, 0, 0x5e, 0, 2]];

/// Somebody else who answers for a virtual address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Answering {
    /// The virtual address.
    pub address: IpAddr,
    /// The interface it was asked for on.
    pub interface: String,
    /// Hardware address that answered, as `02:00:5e:10:00:01`.
    pub hardware: String,
    /// The real server that this is, by its address, where one answered for its own from there.
    pub machine: Option<IpAddr>,
}

/// What to ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// Virtual addresses by interface.
    pub addresses: BTreeMap<String, BTreeSet<IpAddr>>,
    /// Machines that answer for their own addresses: directors and real servers.
    pub machines: BTreeSet<IpAddr>,
}

impl Questions {
    /// All of it by interface, as it is asked.
    pub fn places(&self) -> BTreeMap<String, BTreeSet<IpAddr>> {
        self.addresses.iter().map(|(interface, asked)| (interface.clone(), asked | &self.machines)).collect()
    }

    /// Whether a virtual address is asked for.
    pub fn has(&self, address: IpAddr) -> bool {
        self.addresses.values().any(|asked| asked.contains(&address))
    }
}

/// What to ask for in this round: some of the addresses that are wanted here and held, and who could be mistaken.
pub fn questions<'a>(
    cluster: &Cluster,
    wanted: impl Iterator<Item = &'a AddressKey>,
    observed: &Observed,
    round: usize,
) -> Questions {
    let mut held: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for key in wanted.filter(|key| key.interface != "lo" && observed.addresses.contains_key(*key)) {
        held.entry(key.interface.clone()).or_default().push(key.address);
    }
    let turn = |all: Vec<IpAddr>| -> BTreeSet<IpAddr> {
        let turns = all.len().div_ceil(ADDRESSES).max(1);
        all.into_iter().skip(round % turns * ADDRESSES).take(ADDRESSES).collect()
    };
    let addresses: BTreeMap<_, _> = held.into_iter().map(|(interface, all)| (interface, turn(all))).collect();
    let servers = cluster.virtual_servers.iter().flat_map(|server| &server.real_servers);
    let servers: BTreeSet<IpAddr> = servers.map(|real| real.address).collect();
    let machines = servers.into_iter().take(MACHINES).chain(directors(cluster)).collect();
    Questions { addresses, machines }
}

fn directors(cluster: &Cluster) -> impl Iterator<Item = IpAddr> + '_ {
    cluster.directors.iter().flat_map(|director| [director.public, director.private]).flatten()
}

/// What answers mean: hardware addresses by the address they answered for. A director that answers is the partner, to
/// whom the addresses just went or from whom they came.
pub fn answering(
    cluster: &Cluster,
    questions: &Questions,
    heard: &BTreeMap<IpAddr, BTreeSet<[u8; 6]>>,
) -> BTreeSet<Answering> {
    let of = |address: IpAddr| heard.get(&address).into_iter().flatten().copied();
    let partners: BTreeSet<[u8; 6]> = directors(cluster).flat_map(of).collect();
    let moves = |mac: &[u8; 6]| VIRTUAL_ROUTERS.iter().any(|start| mac.starts_with(start));
    let mut found = BTreeSet::new();
    for (interface, addresses) in &questions.addresses {
        for address in addresses {
            let others = of(*address).filter(|mac| !partners.contains(mac) && !moves(mac));
            found.extend(others.map(|mac| Answering {
                address: *address,
                interface: interface.clone(),
                hardware: mac.map(|byte| format!("{byte:02x}")).join(":"),
                machine: questions.machines.iter().copied().find(|own| of(*own).any(|theirs| theirs == mac)),
            }));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::AddressRow;

    const VIP: &str = "192.0.2.100";
    const REAL: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const PARTNER: [u8; 6] = [2, 0, 0, 0, 0, 2];

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn cluster() -> Cluster {
        serde_json::from_value(serde_json::json!({
            "name": "shop",
            "directors": [
                { "name": "a", "seat": "primary", "public": "192.0.2.1" },
                { "name": "b", "seat": "backup", "public": "192.0.2.2" },
            ],
            "virtual_servers": [{
                "name": "http", "port": 80, "vip": { "address": VIP, "device": "eth0:1" },
                "real_servers": [{ "name": "one", "address": "192.0.2.11" }],
            }],
        }))
        .unwrap()
    }

    fn key(interface: &str, address: &str) -> AddressKey {
        AddressKey { interface: interface.to_owned(), address: ip(address), prefix: 24 }
    }

    fn holding(keys: &[AddressKey]) -> Observed {
        let addresses = keys.iter().map(|key| (key.clone(), AddressRow::default())).collect();
        Observed { addresses, ..Observed::default() }
    }

    fn asked() -> Questions {
        let keys = [key("eth0", VIP)];
        questions(&cluster(), keys.iter(), &holding(&keys), 0)
    }

    fn judged(heard: &[(&str, [u8; 6])]) -> Vec<Answering> {
        let mut by_address: BTreeMap<IpAddr, BTreeSet<[u8; 6]>> = BTreeMap::new();
        for (address, mac) in heard {
            by_address.entry(ip(address)).or_default().insert(*mac);
        }
        answering(&cluster(), &asked(), &by_address).into_iter().collect()
    }

    #[test]
    fn a_real_server_that_answers_is_named() {
        let [found] = &judged(&[(VIP, REAL), ("192.0.2.11", REAL)])[..] else { panic!("one") };
        assert_eq!(found.machine, Some(ip("192.0.2.11")));
        assert_eq!((found.hardware.as_str(), found.interface.as_str()), ("02:00:00:00:00:01", "eth0"));
        let [stranger] = &judged(&[(VIP, REAL)])[..] else { panic!("one") };
        assert_eq!(stranger.machine, None);
    }

    #[test]
    fn the_partner_and_its_virtual_routers_may_answer() {
        assert_eq!(judged(&[(VIP, PARTNER), ("192.0.2.2", PARTNER)]), []);
        assert_eq!(judged(&[(VIP, [0, 0, 0x5e, 0, 1, 51])]), []);
        assert_eq!(judged(&[("192.0.2.11", REAL)]), [], "it answers for its own");
    }

    #[test]
    fn only_what_is_held_here_is_asked_for_and_every_address_has_its_turn() {
        let keys: Vec<AddressKey> = (0..40).map(|n| key("eth0", &format!("192.0.2.{}", 100 + n))).collect();
        let none = questions(&cluster(), keys.iter(), &Observed::default(), 0);
        assert_eq!(none.addresses, BTreeMap::new(), "a standby asks nothing");
        let observed = holding(&keys);
        let mut all = BTreeSet::new();
        for round in 0..3 {
            let asked = questions(&cluster(), keys.iter(), &observed, round);
            assert!(asked.addresses["eth0"].len() <= ADDRESSES, "{asked:?}");
            assert!(asked.places()["eth0"].contains(&ip("192.0.2.11")), "{asked:?}");
            all.extend(asked.addresses["eth0"].iter().copied());
        }
        assert_eq!(all.len(), 40);
        let on_loopback = [key("lo", VIP)];
        let asked = questions(&cluster(), on_loopback.iter(), &holding(&on_loopback), 0);
        assert_eq!(asked.addresses, BTreeMap::new());
    }
}
