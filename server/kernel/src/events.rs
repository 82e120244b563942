//! Notices that links or addresses changed; what changed is for an observation to say.
//!
//! Level, not edge: an event only makes somebody look sooner. That a lifetime was refreshed is no change, since a
//! director does that to its own addresses several times a second.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use lvs::table::Link;

use crate::error::{Errno, Error};
use crate::explain::failed;
use crate::linux::network::Network;
use crate::sys;
use crate::wire::message::{Replies, Reply};
use crate::wire::route::{self, DumpedAddress, DumpedLink};

/// Groups of link, IPv4 address and IPv6 address events (`RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR`, `RTMGRP_IPV6_IFADDR`).
const GROUPS: u32 = 0x1 | 0x10 | 0x100;
/// Address flags that only follow from lifetimes (`IFA_F_DEPRECATED`, `IFA_F_PERMANENT`), and the one that comes and
/// goes with each renewal of an IPv6 address.
const LIFETIME_FLAGS: u32 = 0x20 | 0x80 | route::NO_PREFIX_ROUTE;
/// Bytes read at once.
const READ: usize = 64 * 1024;

/// A subscription to link and address events, in the network namespace of the thread that opened it.
pub struct Events {
    descriptor: OwnedFd,
    network: Network,
    known: Known,
    buffer: Vec<u8>,
}

/// Links and addresses as they are at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Interfaces by name.
    pub links: BTreeMap<String, Link>,
    /// The interface that holds each address.
    pub holders: BTreeMap<IpAddr, String>,
}

/// What is known of links and addresses, to tell a change from a refresh.
#[derive(Debug, Default, PartialEq, Eq)]
struct Known {
    links: BTreeMap<u32, DumpedLink>,
    addresses: BTreeMap<(u32, IpAddr, u8), DumpedAddress>,
}

impl Known {
    /// Takes an event in; true if it changed anything.
    fn take(&mut self, event: &Reply<'_>) -> Result<bool, Errno> {
        Ok(match event.kind {
            libc::RTM_NEWLINK => route::decode_link(event.payload)?
                .is_some_and(|link| self.links.insert(link.link.index, link.clone()).as_ref() != Some(&link)),
            libc::RTM_DELLINK => route::decode_link(event.payload)?
                .is_some_and(|link| self.links.remove(&link.link.index).is_some()),
            libc::RTM_NEWADDR => route::decode_address(event.payload)?.is_some_and(|address| {
                let address = without_lifetime(address);
                self.addresses.insert(key(&address), address.clone()).as_ref() != Some(&address)
            }),
            libc::RTM_DELADDR => route::decode_address(event.payload)?
                .is_some_and(|address| self.addresses.remove(&key(&address)).is_some()),
            _ => false,
        })
    }
}

fn key(address: &DumpedAddress) -> (u32, IpAddr, u8) {
    (address.interface, address.address, address.prefix)
}

fn without_lifetime(mut address: DumpedAddress) -> DumpedAddress {
    address.valid_s = None;
    address.flags &= !LIFETIME_FLAGS;
    address
}

impl Events {
    /// Subscribes.
    ///
    /// # Errors
    /// When no netlink socket can be opened or the present state cannot be read.
    pub fn open() -> Result<Self, Error> {
        let descriptor = sys::netlink(libc::NETLINK_ROUTE, GROUPS)
            .map_err(|error| failed("subscribe to link and address events", error.into()))?;
        let mut events =
            Events { descriptor, network: Network::open()?, known: Known::default(), buffer: vec![0; READ] };
        // After subscribing, so that nothing falls in between; an event for what is known already is no change.
        events.known = events.look()?;
        Ok(events)
    }

    /// Waits until some link or address changed, at most `timeout`; true if one did. Changes that come close together
    /// are one. When events were lost, that counts as a change.
    ///
    /// # Errors
    /// When the socket fails or, after a loss, the present state cannot be read.
    pub fn wait(&mut self, timeout: Duration) -> Result<bool, Error> {
        let deadline = Instant::now() + timeout;
        loop {
            if self.take_queued()? {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            sys::wait_readable(&self.descriptor, left).map_err(|error| unreadable(error.into()))?;
        }
    }

    /// What there is, as far as events have told.
    pub fn picture(&self) -> Picture {
        let links = self.known.links.values();
        let holder = |address: &DumpedAddress| {
            Some((address.address, self.known.links.get(&address.interface)?.name.clone()))
        };
        Picture {
            links: links.map(|link| (link.name.clone(), link.link.clone())).collect(),
            holders: self.known.addresses.values().filter_map(holder).collect(),
        }
    }

    fn look(&mut self) -> Result<Known, Error> {
        let links = self.network.links()?.into_iter().map(|link| (link.link.index, link)).collect();
        let addresses = self.network.addresses()?.into_iter().map(without_lifetime);
        Ok(Known { links, addresses: addresses.map(|address| (key(&address), address)).collect() })
    }

    /// Takes in all that is queued; true if any of it changed something.
    fn take_queued(&mut self) -> Result<bool, Error> {
        let (mut changed, mut lost) = (false, false);
        loop {
            match sys::receive(&self.descriptor, &mut self.buffer) {
                // Only the kernel has port 0.
                Ok((_, sender)) if sender != 0 => {}
                Ok((length, _)) => match self.buffer.get(..length) {
                    Some(datagram) => {
                        for event in Replies::new(datagram) {
                            let event = event.map_err(|bad| unreadable(bad.into()))?;
                            changed |= self.known.take(&event).map_err(unreadable)?;
                        }
                    }
                    None => lost = true,
                },
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => lost = true,
                Err(error) => return Err(unreadable(error.into())),
            }
        }
        if lost {
            // Only with the old events out of the way: taken in afterwards, they would make the picture wrong.
            self.known = self.look()?;
        }
        Ok(changed || lost)
    }
}

fn unreadable(errno: Errno) -> Error {
    failed("read link and address events", errno)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::Message;
    use lvs::table::{AddressKey, DesiredAddress};

    fn take(known: &mut Known, message: &Message, kind: u16) -> bool {
        let mut datagram = Vec::new();
        message.write(&mut datagram, 0, 0);
        let event = Replies::new(&datagram).next().unwrap().unwrap();
        known.take(&Reply { kind, ..event }).unwrap()
    }

    #[test]
    fn an_address_changes_once_and_a_longer_life_changes_nothing() {
        let key: AddressKey = "eth0 192.0.2.1/32".parse().unwrap();
        let added = route::add_address(3, &key, &DesiredAddress::default());
        let mut refreshed = added.clone();
        refreshed.put(6, &[9; 16]);
        refreshed.put_u32(8, LIFETIME_FLAGS);
        let labelled = route::add_address(3, &key, &DesiredAddress { label: Some("eth0:1".to_owned()) });
        let mut known = Known::default();
        assert!(take(&mut known, &added, libc::RTM_NEWADDR));
        assert!(!take(&mut known, &added, libc::RTM_NEWADDR));
        assert!(!take(&mut known, &refreshed, libc::RTM_NEWADDR));
        assert!(take(&mut known, &labelled, libc::RTM_NEWADDR));
        assert!(take(&mut known, &added, libc::RTM_DELADDR));
        assert!(!take(&mut known, &added, libc::RTM_DELADDR));
        assert_eq!(known, Known::default());
    }
}
