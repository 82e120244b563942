//! Which rows of a kernel are ours.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::table::{AddressKey, Desired, Observed, ServiceKey, SyncRole, is_host_parameter, spelled_out};

/// Where a director that is a real server, too, has the virtual address for that.
const LOOPBACK: &str = "lo";

/// The rows Caribe has ever been asked for on one director, kept on its disk.
///
/// Written durably before applying, as old ∪ new, so that a crash in between forgets nothing: the agent observes,
/// [`claim`](Ownership::claim)s and writes, plans and applies, observes again, [`settle`](Ownership::settle)s and
/// writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ownership {
    /// Services that are ours to change and remove.
    pub services: BTreeSet<ServiceKey>,
    /// Addresses that we added and may remove.
    pub addresses: BTreeSet<AddressKey>,
    /// Addresses the host held before us: they serve, but are never added, announced or removed by us.
    pub borrowed: BTreeSet<IpAddr>,
    /// Sync daemons that are ours to start, change and stop.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sync: BTreeSet<SyncRole>,
    /// Kernel parameters of the host that we changed, with what each was before: put back when it is no longer wanted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// The list was lost (unreadable file): nothing is removed until someone decides.
    #[serde(default)]
    pub lost: bool,
}

impl Ownership {
    /// What is ours once `desired` is applied on top of what was ours before.
    ///
    /// Decides which addresses are borrowed, and must therefore see `observed` as it was before anything is written:
    /// a desired address that is on some interface already, is not ours and does not carry our tag was there before
    /// us. It is borrowed as an address, whatever interface and prefix it has; only on the loopback, where it is not wanted,
    /// it is no director's. Claiming twice changes nothing.
    pub fn claim(&self, desired: &Desired, observed: &Observed) -> Ownership {
        // On the loopback it serves a real server of the machine's own, also where `caribe real-server` put it there with
        // our tag; nobody finds a director by it.
        let director = |key: &&AddressKey| key.interface != LOOPBACK || desired.addresses.contains_key(*key);
        let tagged = observed.addresses.iter().filter(|(_, row)| row.tagged).map(|(key, _)| key);
        let tagged: BTreeSet<&AddressKey> = tagged.filter(director).collect();
        let ours: BTreeSet<IpAddr> =
            self.addresses.iter().chain(tagged.iter().copied()).map(|key| key.address).collect();
        let present: BTreeSet<IpAddr> =
            observed.addresses.keys().filter(director).map(|key| key.address).collect();
        let mut claimed = self.clone();
        claimed.services.extend(desired.table.services.keys().copied());
        if desired.sync.is_some() {
            // Both in turn: which of them runs goes with the director's state.
            claimed.sync.extend(SyncRole::ALL);
        }
        let parameters = spelled_out(&desired.sysctls, observed).into_iter();
        for (name, value) in parameters.filter(|(name, _)| is_host_parameter(name)) {
            if let Some(there) = observed.sysctls.get(&name).filter(|there| **there != value) {
                claimed.parameters.entry(name).or_insert_with(|| there.clone());
            }
        }
        for key in desired.addresses.keys() {
            if !claimed.borrowed.contains(&key.address)
                && present.contains(&key.address)
                && !ours.contains(&key.address)
            {
                claimed.borrowed.insert(key.address);
            }
            if !claimed.borrowed.contains(&key.address) {
                claimed.addresses.insert(key.clone());
            }
        }
        // Our tag on a desired address in another place: it is ours to move, also where the list does not know it.
        let wanted: BTreeSet<IpAddr> = desired.addresses.keys().map(|key| key.address).collect();
        let moves =
            |key: &&&AddressKey| wanted.contains(&key.address) && !claimed.borrowed.contains(&key.address);
        let moved: Vec<AddressKey> = tagged.iter().filter(moves).map(|key| (*key).clone()).collect();
        claimed.addresses.extend(moved);
        claimed
    }

    /// The same without what is neither desired nor there any more; for after applying.
    pub fn settle(&self, desired: &Desired, observed: &Observed) -> Ownership {
        let wanted: BTreeSet<IpAddr> = desired.addresses.keys().map(|key| key.address).collect();
        let present: BTreeSet<IpAddr> = observed.addresses.keys().map(|key| key.address).collect();
        let parameters = spelled_out(&desired.sysctls, observed);
        let kept_parameter = |(name, before): &(&String, &String)| {
            parameters.contains_key(*name) || observed.sysctls.get(*name).is_some_and(|now| now != *before)
        };
        let kept_service = |key: &&ServiceKey| {
            desired.table.services.contains_key(*key) || observed.table.services.contains_key(*key)
        };
        let kept_address =
            |key: &&AddressKey| desired.addresses.contains_key(*key) || observed.addresses.contains_key(*key);
        Ownership {
            services: self.services.iter().filter(kept_service).copied().collect(),
            addresses: self.addresses.iter().filter(kept_address).cloned().collect(),
            borrowed: self
                .borrowed
                .iter()
                .filter(|address| wanted.contains(*address) || present.contains(*address))
                .copied()
                .collect(),
            sync: self
                .sync
                .iter()
                .filter(|role| desired.sync.is_some() || observed.sync.contains_key(*role))
                .copied()
                .collect(),
            parameters: self
                .parameters
                .iter()
                .filter(kept_parameter)
                .map(|(name, before)| (name.clone(), before.clone()))
                .collect(),
            lost: self.lost,
        }
    }

    /// Whether an address on an interface is ours to remove.
    pub fn may_remove(&self, key: &AddressKey) -> bool {
        !self.lost && self.addresses.contains(key) && !self.borrowed.contains(&key.address)
    }
}
