//! Sends gratuitous ARP and neighbour advertisements.
//!
//! It sends once what it is asked to; repeating, pacing and deciding when belong to the director. The hardware address
//! is asked for at every send, because bonding and administrators change it.

use std::net::IpAddr;
use std::os::fd::OwnedFd;

use crate::Announce;
use crate::error::{Errno, Error, Kind};
use crate::explain::failed;
use crate::frames::{self, ArpForm, Routing};
use crate::linux::network::Network;
use crate::linux::parameter;
use crate::sys;

/// Announces on this machine's interfaces, in the network namespace of the thread that opened it.
pub struct LinuxAnnouncer {
    network: Network,
    packets: OwnedFd,
}

impl LinuxAnnouncer {
    /// Opens the sockets, so that an announcement later costs no more than its own messages.
    ///
    /// # Errors
    /// [`Kind::Denied`] without CAP_NET_RAW.
    pub fn open() -> Result<Self, Error> {
        let packets = sys::packet().map_err(|error| match Errno::from(error) {
            errno @ Errno(libc::EPERM | libc::EACCES) => Error::answered(
                "open a socket for announcements",
                Kind::Denied,
                "not permitted (CAP_NET_RAW is needed)",
                errno,
            ),
            errno => failed("open a socket for announcements", errno),
        })?;
        Ok(LinuxAnnouncer { network: Network::open()?, packets })
    }
}

impl Announce for LinuxAnnouncer {
    fn announce(&mut self, interface: &str, address: IpAddr) -> Result<(), Error> {
        let operation = || format!("announce {address} on {interface}");
        let link = self.network.link(interface).map_err(|errno| failed(operation(), errno))?;
        let mac = link.ethernet().ok_or_else(|| {
            Error::new(operation(), Kind::Unsupported, format!("{interface} has no Ethernet address"))
        })?;
        let send = |ether_type, frame: &[u8]| {
            sys::send_frame(&self.packets, link.link.index, ether_type, frame)
                .map_err(|error| failed(operation(), error.into()))
        };
        match address {
            IpAddr::V4(v4) => {
                send(frames::ARP, &frames::gratuitous_arp(ArpForm::Request, mac, v4))?;
                send(frames::ARP, &frames::gratuitous_arp(ArpForm::Reply, mac, v4))
            }
            IpAddr::V6(v6) => {
                let frame = frames::neighbour_advertisement(routing(interface), mac, v6);
                send(frames::IPV6, &frame)
            }
        }
    }
}

/// Whether the kernel calls itself a router on this interface when it answers neighbours.
fn routing(interface: &str) -> Routing {
    match parameter::read(&format!("net.ipv6.conf.{interface}.forwarding")) {
        Ok(Some(value)) if value != "0" => Routing::Router,
        _ => Routing::Host,
    }
}
