//! The steps for addresses on interfaces.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Change, Ownership, Step, diff};
use crate::table::{AddressKey, Desired, DesiredAddress, Observed, interface_sysctl};

/// Address steps, by when they happen.
pub(super) struct AddressSteps {
    /// Before everything: what keeps the neighbours of a removed address alive.
    pub(super) secure: Vec<Step>,
    /// Before any service changes: addresses that go for good.
    pub(super) withdraw: Vec<Step>,
    /// After all services are there: new addresses, and the old places of those that only move.
    pub(super) put: Vec<Step>,
}

impl AddressSteps {
    /// Touches only what `claimed` calls ours, and nothing borrowed. An address that moves to another interface or
    /// prefix is put in its new place before it leaves the old one. `parameters` are set before all this.
    pub(super) fn plan(
        desired: &Desired,
        observed: &Observed,
        claimed: &Ownership,
        parameters: &BTreeMap<String, String>,
    ) -> Self {
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

        let mut removed: BTreeSet<&AddressKey> = changes
            .iter()
            .filter_map(|change| match change {
                Change::Remove(key) => Some(*key),
                Change::Add(..) | Change::Set(..) => None,
            })
            .collect();
        let mut put = Vec::new();
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
        removed.retain(|key| !replaced.contains(*key));
        let (left, withdrawn): (BTreeSet<&AddressKey>, _) =
            removed.into_iter().partition(|key| staying.contains(&key.address));
        let mut endangered = endangered(observed, &withdrawn);
        endangered.extend(self::endangered(observed, &left));
        let secure = secure(observed, parameters, endangered);
        put.extend(removals(observed, &left));
        let withdraw = removals(observed, &withdrawn);
        AddressSteps { secure, withdraw, put }
    }
}

fn blocks(there: &AddressKey, wanted: &AddressKey) -> bool {
    wanted.address.is_ipv6()
        && there.address == wanted.address
        && there.interface == wanted.interface
        && there.prefix != wanted.prefix
}

/// Removals of one phase: secondaries before the first address of their subnet, which would take them along.
fn removals(observed: &Observed, removed: &BTreeSet<&AddressKey>) -> Vec<Step> {
    let step = |key: &&AddressKey| Step::RemoveAddress { key: (*key).clone() };
    let secondary = |key: &&&AddressKey| observed.addresses.get(*key).is_some_and(|row| row.secondary);
    let later = |key: &&&AddressKey| !secondary(key);
    removed.iter().filter(secondary).chain(removed.iter().filter(later)).map(step).collect()
}

/// Interfaces where removing one of these takes the subnet's other addresses along, the host's own included.
fn endangered<'a>(observed: &Observed, removed: &BTreeSet<&'a AddressKey>) -> BTreeSet<&'a str> {
    let endangers = |gone: &AddressKey| {
        let mut staying = observed.addresses.keys().filter(|key| !removed.contains(*key));
        let first = observed.addresses.get(gone).is_some_and(|row| !row.secondary);
        first && staying.any(|key| neighbours(gone, key))
    };
    removed.iter().filter(|gone| endangers(gone)).map(|gone| gone.interface.as_str()).collect()
}

/// Switches `promote_secondaries` on where it is not known to be; what the configuration asks for is left to it.
fn secure(
    observed: &Observed,
    parameters: &BTreeMap<String, String>,
    interfaces: BTreeSet<&str>,
) -> Vec<Step> {
    let names = interfaces.into_iter().map(|name| interface_sysctl("ipv4", name, "promote_secondaries"));
    names
        .filter(|name| !parameters.contains_key(name))
        .filter(|name| observed.sysctls.get(name).is_none_or(|value| value != "1"))
        .map(|name| Step::SetSysctl { name, value: "1".to_owned() })
        .collect()
}

/// Whether two IPv4 addresses share interface and subnet, and so depend on each other.
fn neighbours(one: &AddressKey, other: &AddressKey) -> bool {
    let (IpAddr::V4(a), IpAddr::V4(b)) = (one.address, other.address) else { return false };
    let bits = u32::BITS.saturating_sub(u32::from(one.prefix));
    let network = |address: std::net::Ipv4Addr| address.to_bits().checked_shr(bits).unwrap_or(0);
    one != other && one.interface == other.interface && one.prefix == other.prefix && network(a) == network(b)
}
