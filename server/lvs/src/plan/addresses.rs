//! The steps for addresses on interfaces.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Change, Ownership, Step, diff};
use crate::table::{AddressKey, Desired, DesiredAddress, Observed};

/// Address steps, by when they happen.
pub(super) struct AddressSteps {
    /// Before any service changes: addresses that go for good.
    pub(super) withdraw: Vec<Step>,
    /// After all services are there: new addresses, and the old places of those that only move.
    pub(super) put: Vec<Step>,
}

impl AddressSteps {
    /// Touches only what `claimed` calls ours, and nothing borrowed. An address that moves to another interface or
    /// prefix is put in its new place before it leaves the old one.
    pub(super) fn plan(desired: &Desired, observed: &Observed, claimed: &Ownership) -> Self {
        let want: BTreeMap<AddressKey, DesiredAddress> = desired
            .addresses
            .iter()
            .filter(|(key, _)| !claimed.borrowed.contains(&key.address))
            .map(|(key, row)| (key.clone(), row.clone()))
            .collect();
        let have: BTreeMap<AddressKey, ()> = observed
            .addresses
            .keys()
            .filter(|key| want.contains_key(*key) || claimed.may_remove(key))
            .map(|key| (key.clone(), ()))
            .collect();
        // A label is for people: it is given when adding, and never a reason to touch an address that is there.
        let changes = diff(&want, &have, |_, ()| true);
        let staying: BTreeSet<IpAddr> = want.keys().map(|key| key.address).collect();

        let mut withdraw = Vec::new();
        let mut put = Vec::new();
        let mut left = Vec::new();
        let removed: BTreeSet<&AddressKey> = changes
            .iter()
            .filter_map(|change| match change {
                Change::Remove(key) => Some(*key),
                Change::Add(..) | Change::Set(..) => None,
            })
            .collect();
        let mut replaced: BTreeSet<&AddressKey> = BTreeSet::new();
        for change in &changes {
            let (Change::Add(key, row) | Change::Set(key, row)) = change else { continue };
            // IPv6 holds an address once per interface, whatever its prefix length: there the old one must go first.
            let in_the_way: Vec<&AddressKey> =
                observed.addresses.keys().filter(|there| blocks(there, key)).collect();
            if in_the_way.iter().any(|there| !removed.contains(*there)) {
                continue;
            }
            for there in in_the_way.into_iter().filter(|there| replaced.insert(there)) {
                put.push(Step::RemoveAddress { key: there.clone() });
            }
            put.push(Step::AddAddress { key: (*key).clone(), row: (*row).clone() });
        }
        for key in removed {
            if replaced.contains(key) {
                continue;
            }
            let step = Step::RemoveAddress { key: key.clone() };
            if staying.contains(&key.address) { left.push(step) } else { withdraw.push(step) }
        }
        put.extend(left);
        AddressSteps { withdraw, put }
    }
}

fn blocks(there: &AddressKey, wanted: &AddressKey) -> bool {
    wanted.address.is_ipv6()
        && there.address == wanted.address
        && there.interface == wanted.interface
        && there.prefix != wanted.prefix
}
