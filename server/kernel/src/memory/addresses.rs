//! Addresses on interfaces: what the kernel refuses, and what becomes of secondaries.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lvs::table::{AddressKey, AddressRow, DesiredAddress, Family, Link};

use crate::error::Errno;

/// Addresses in the order they were added; the order decides who is promoted.
#[derive(Debug, Default)]
pub(super) struct Addresses(Vec<(AddressKey, AddressRow)>);

impl Addresses {
    pub(super) fn rows(&self) -> BTreeMap<AddressKey, AddressRow> {
        self.0.iter().cloned().collect()
    }

    fn position(&self, key: &AddressKey) -> Option<usize> {
        self.0.iter().position(|(there, _)| there == key)
    }

    pub(super) fn add(
        &mut self,
        links: &BTreeMap<String, Link>,
        key: &AddressKey,
        desired: &DesiredAddress,
    ) -> Result<(), Errno> {
        if !links.contains_key(&key.interface) {
            return Err(Errno(libc::ENODEV));
        }
        if key.prefix > Family::of(key.address).bits() {
            return Err(Errno(libc::EINVAL));
        }
        let label = desired.label.clone().filter(|_| key.address.is_ipv4());
        if label.as_ref().is_some_and(|label| label.len() > 15) {
            return Err(Errno(libc::ERANGE));
        }
        // An interface has an IPv6 address once, whatever the prefix; an IPv4 address once per prefix.
        let taken = self.0.iter().any(|(there, _)| {
            there.interface == key.interface
                && there.address == key.address
                && (there.prefix == key.prefix || key.address.is_ipv6())
        });
        if taken {
            return Err(Errno(libc::EEXIST));
        }
        let label = label.filter(|label| *label != key.interface);
        self.put(key.clone(), AddressRow { label, tagged: true, secondary: false, valid_s: None });
        Ok(())
    }

    pub(super) fn put(&mut self, key: AddressKey, row: AddressRow) {
        if let Some(place) = self.position(&key) {
            self.0.remove(place);
        }
        let secondary = self.0.iter().any(|(there, row)| !row.secondary && same_subnet(there, &key));
        self.0.push((key, AddressRow { secondary, ..row }));
    }

    /// Sets the life of an address; false where it is not there.
    pub(super) fn renew(&mut self, key: &AddressKey, seconds: Option<u32>) -> bool {
        let row = self.0.iter_mut().find(|(there, _)| there == key);
        row.map(|(_, row)| row.valid_s = seconds).is_some()
    }

    pub(super) fn take(&mut self, key: &AddressKey) {
        self.0.retain(|(there, _)| there != key);
    }

    pub(super) fn remove_interface(&mut self, interface: &str) {
        self.0.retain(|(there, _)| there.interface != interface);
    }

    /// Removes an address. With a primary go its secondaries, unless the first of them is promoted.
    pub(super) fn remove(
        &mut self,
        links: &BTreeMap<String, Link>,
        key: &AddressKey,
        promote: bool,
    ) -> Result<(), Errno> {
        if !links.contains_key(&key.interface) {
            return Err(Errno(libc::ENODEV));
        }
        let place = self.position(key).ok_or(Errno(libc::EADDRNOTAVAIL))?;
        let (_, removed) = self.0.remove(place);
        if removed.secondary {
            return Ok(());
        }
        if promote {
            let heir = self.0.iter_mut().find(|(there, row)| row.secondary && same_subnet(there, key));
            if let Some((_, row)) = heir {
                row.secondary = false;
            }
        } else {
            self.0.retain(|(there, row)| !(row.secondary && same_subnet(there, key)));
        }
        Ok(())
    }
}

/// Whether one would be a secondary of the other: same interface, same prefix length, same subnet, IPv4.
fn same_subnet(a: &AddressKey, b: &AddressKey) -> bool {
    let (IpAddr::V4(left), IpAddr::V4(right)) = (a.address, b.address) else { return false };
    let mask = u32::MAX.checked_shl(32_u32.saturating_sub(u32::from(a.prefix))).unwrap_or(0);
    a.interface == b.interface && a.prefix == b.prefix && left.to_bits() & mask == right.to_bits() & mask
}
