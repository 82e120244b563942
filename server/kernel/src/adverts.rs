//! The wires of VRRP: raw sockets of IP protocol 112, one for each interface and family.
//!
//! It carries advertisements and knows nothing of what is in them: it finds the address they come from, joins the
//! multicast group, sets TTL or hop limit to 255 and hands out what comes in with what it was sent to. A wire that
//! cannot be used (an interface that is not there, or has no address) never stops the others; it is tried again. Used by
//! the agent's heartbeat thread alone.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use crate::linux::network::Network;
use crate::sys;
use crate::wire::route::{ADDRESS_TAG, DumpedAddress};

/// IP protocol number of VRRP (RFC 9568 §5.1.1.4).
const VRRP: u8 = 112;
/// What every advertisement is sent with, and a multicast one must arrive with.
const HOPS: u8 = 255;
/// DSCP CS6, network control.
const NETWORK_CONTROL: u8 = 0xc0;
/// Packets taken from one wire before the caller is asked again.
const AT_ONCE: usize = 64;
/// Length of an IPv4 header without options.
const HEADER: usize = 20;

/// Where advertisements go out and come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvertWire {
    /// The interface.
    pub interface: String,
    /// IPv4 or IPv6.
    pub ipv4: bool,
    /// To the partner's address instead of the multicast group.
    pub unicast: bool,
    /// This director's addresses, each with the partner's beside it, the preferred ones first.
    pub ends: Vec<(IpAddr, Option<IpAddr>)>,
    /// Addresses that are never the source: they move.
    pub floating: Vec<IpAddr>,
}

/// A packet that came in.
#[derive(Clone, Copy, Debug)]
pub struct Advertised<'a> {
    /// Number of the wire.
    pub wire: usize,
    /// From whom.
    pub source: IpAddr,
    /// To whom: the group, or an address of ours.
    pub destination: IpAddr,
    /// TTL or hop limit that it arrived with.
    pub hops: u8,
    /// The payload of protocol 112.
    pub payload: &'a [u8],
}

/// The open wires.
pub struct AdvertWires {
    network: Option<Network>,
    wires: Vec<Open>,
}

struct Open {
    wire: AdvertWire,
    ends: Option<Ends>,
    socket: Option<OwnedFd>,
    /// Identification field of the next IPv4 header.
    id: u16,
}

/// Interfaces that can carry packets, with their numbers, and all addresses.
type Found = (Vec<(String, u32)>, Vec<DumpedAddress>);

/// What an open wire is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends {
    index: u32,
    source: IpAddr,
    destination: IpAddr,
}

impl AdvertWires {
    /// No wire yet.
    pub fn new() -> Self {
        AdvertWires { network: None, wires: Vec::new() }
    }

    /// Uses exactly these wires from now on; those that stay keep their sockets. [`AdvertWires::look`] opens them.
    pub fn set(&mut self, wires: &[AdvertWire]) {
        let mut before = std::mem::take(&mut self.wires);
        self.wires = wires
            .iter()
            .map(|wire| match before.iter().position(|open| open.wire == *wire) {
                Some(at) => before.swap_remove(at),
                None => Open { wire: wire.clone(), ends: None, socket: None, id: 0 },
            })
            .collect();
    }

    /// Looks at interfaces and addresses, and opens what can be used now; true where anything has changed.
    pub fn look(&mut self) -> bool {
        if self.wires.is_empty() {
            return false;
        }
        let found = self.addresses();
        let mut changed = false;
        for open in &mut self.wires {
            let (links, addresses) = match &found {
                Some((links, addresses)) => (links.as_slice(), addresses.as_slice()),
                None => (&[][..], &[][..]),
            };
            let index = links.iter().find(|(name, _)| *name == open.wire.interface).map(|(_, index)| *index);
            let ends = index.and_then(|index| open.wire.ends(index, addresses));
            if ends != open.ends || ends.is_some() && open.socket.is_none() {
                changed |= ends != open.ends;
                open.ends = ends;
                open.socket = None;
                open.reopen();
            }
        }
        changed
    }

    /// Interfaces that can carry packets, with their numbers, and all addresses.
    fn addresses(&mut self) -> Option<Found> {
        if self.network.is_none() {
            self.network = Network::open().ok();
        }
        let network = self.network.as_mut()?;
        let links = network.links().ok()?;
        let usable = links.into_iter().filter(|link| link.link.up && link.link.carrier);
        Some((usable.map(|link| (link.name, link.link.index)).collect(), network.addresses().ok()?))
    }

    /// The address that a wire's advertisements come from; none while it cannot be used.
    pub fn source(&self, wire: usize) -> Option<IpAddr> {
        self.wires.get(wire).filter(|open| open.socket.is_some()).and_then(|open| Some(open.ends?.source))
    }

    /// Where a wire's advertisements go; none while it cannot be used.
    pub fn destination(&self, wire: usize) -> Option<IpAddr> {
        self.wires
            .get(wire)
            .filter(|open| open.socket.is_some())
            .and_then(|open| Some(open.ends?.destination))
    }

    /// Whether every wire can be used.
    pub fn usable(&self) -> bool {
        self.wires.iter().all(|open| open.socket.is_some())
    }

    /// Sends a payload on a wire; whether the kernel took it.
    pub fn send(&mut self, wire: usize, payload: &[u8]) -> bool {
        self.wires.get_mut(wire).is_some_and(|open| open.send(payload).is_ok())
    }

    /// What to wait for.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.wires.iter().filter_map(|open| open.socket.as_ref()).map(|socket| socket.as_fd()).collect()
    }

    /// Hands what has come in to `take`. Our own packets are left out.
    pub fn receive(&mut self, mut take: impl FnMut(Advertised<'_>)) {
        let mut buffer = [0; 4096];
        for (number, open) in self.wires.iter_mut().enumerate() {
            for _ in 0..AT_ONCE {
                let (Some(socket), Some(ends)) = (&open.socket, open.ends) else { break };
                match received(socket, open.wire.ipv4, &mut buffer) {
                    Ok(Some((source, destination, hops, payload))) => {
                        if source != ends.source {
                            take(Advertised { wire: number, source, destination, hops, payload });
                        }
                    }
                    Ok(None) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => {
                        // The interface went away or down: it is looked for again.
                        open.socket = None;
                        break;
                    }
                }
            }
        }
    }
}

impl Default for AdvertWires {
    fn default() -> Self {
        AdvertWires::new()
    }
}

/// One packet: source, destination, hops and payload; none where it is damaged.
type Packet<'a> = Option<(IpAddr, IpAddr, u8, &'a [u8])>;

fn received<'a>(socket: &OwnedFd, ipv4: bool, buffer: &'a mut [u8]) -> io::Result<Packet<'a>> {
    if ipv4 {
        let length = sys::receive_raw(socket, buffer)?;
        return Ok(buffer.get(..length).and_then(ipv4_packet));
    }
    let received = sys::receive_ipv6(socket, buffer)?;
    let payload = buffer.get(..received.length);
    Ok(payload.and_then(|payload| {
        Some((received.source.into(), received.destination?.into(), received.hops?, payload))
    }))
}

/// The parts of an IPv4 packet.
fn ipv4_packet(packet: &[u8]) -> Packet<'_> {
    let header = packet.first_chunk::<HEADER>()?;
    let [kind, _, high, low, _, _, _, _, hops, _, _, _, a, b, c, d, e, f, g, h] = *header;
    let whole = packet.get(..usize::from(u16::from_be_bytes([high, low])))?;
    let payload = whole.get(usize::from(kind & 0x0f) * 4..)?;
    let source = Ipv4Addr::new(a, b, c, d);
    Some((source.into(), Ipv4Addr::new(e, f, g, h).into(), hops, payload))
}

/// An IPv4 header for a payload of this length; the kernel adds checksum and total length.
fn ipv4_header(ends: (Ipv4Addr, Ipv4Addr), id: u16) -> [u8; HEADER] {
    let [a, b, c, d] = ends.0.octets();
    let [e, f, g, h] = ends.1.octets();
    let [high, low] = id.to_be_bytes();
    [0x45, NETWORK_CONTROL, 0, 0, high, low, 0, 0, HOPS, VRRP, 0, 0, a, b, c, d, e, f, g, h]
}

impl AdvertWire {
    /// What this wire is bound to on an interface with these addresses.
    fn ends(&self, index: u32, addresses: &[DumpedAddress]) -> Option<Ends> {
        let group = lvs::failover::vrrp::advert::group(self.ipv4);
        let here = addresses.iter().filter(|address| {
            address.interface == index
                && address.address.is_ipv4() == self.ipv4
                && address.protocol != ADDRESS_TAG
                && !self.floating.contains(&address.address)
        });
        let on_interface: Vec<&DumpedAddress> = here.collect();
        let is_here =
            |end: &&(IpAddr, Option<IpAddr>)| on_interface.iter().any(|address| address.address == end.0);
        if self.unicast {
            let fits = |end: &&(IpAddr, Option<IpAddr>)| end.0.is_ipv4() == self.ipv4 && end.1.is_some();
            let known =
                |end: &&(IpAddr, Option<IpAddr>)| addresses.iter().any(|address| address.address == end.0);
            let ends = || self.ends.iter().filter(fits);
            // An address may sit beside the interface (on a bridge above it); it serves all the same.
            let (source, destination) = ends().find(is_here).or_else(|| ends().find(known))?;
            return Some(Ends { index, source: *source, destination: (*destination)? });
        }
        let source = if self.ipv4 {
            let own = self.ends.iter().find(is_here).map(|end| end.0);
            let first =
                on_interface.iter().find(|address| !address.secondary()).map(|address| address.address);
            own.or(first)?
        } else {
            // RFC 9568 §5.1.2.1: the link-local address.
            on_interface.iter().map(|address| address.address).find(is_link_local)?
        };
        Some(Ends { index, source, destination: group })
    }
}

fn is_link_local(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

impl Open {
    /// Opens the socket where everything it needs is known.
    fn reopen(&mut self) {
        let Some(ends) = self.ends else { return };
        match self.open(ends) {
            Ok(socket) => self.socket = Some(socket),
            Err(error) => {
                let interface = &self.wire.interface;
                tracing::warn!(%interface, %error, "advertisements cannot be sent and heard here");
            }
        }
    }

    fn open(&self, ends: Ends) -> io::Result<OwnedFd> {
        let socket = sys::raw(self.wire.ipv4, libc::c_int::from(VRRP))?;
        let mut name = self.wire.interface.as_bytes().to_vec();
        name.push(0);
        sys::set_option_bytes(&socket, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, &name)?;
        let index = libc::c_int::try_from(ends.index).map_err(io::Error::other)?;
        // The group is joined by a unicast wire too, so that a partner that speaks to the group can be named.
        if let IpAddr::V4(group) = lvs::failover::vrrp::advert::group(self.wire.ipv4) {
            // struct ip_mreqn: group, local address, interface.
            let mut membership = group.octets().to_vec();
            membership.extend([0; 4]);
            membership.extend(index.to_ne_bytes());
            sys::set_option_bytes(&socket, libc::IPPROTO_IP, libc::IP_ADD_MEMBERSHIP, &membership)?;
            sys::set_option_bytes(&socket, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, &membership)?;
            sys::set_option(&socket, libc::IPPROTO_IP, libc::IP_MULTICAST_LOOP, 0)?;
            sys::set_option(&socket, libc::IPPROTO_IP, libc::IP_HDRINCL, 1)?;
        }
        if let IpAddr::V6(group) = lvs::failover::vrrp::advert::group(self.wire.ipv4) {
            let hops = libc::c_int::from(HOPS);
            for (option, value) in [
                (libc::IPV6_MULTICAST_HOPS, hops),
                (libc::IPV6_UNICAST_HOPS, hops),
                (libc::IPV6_MULTICAST_LOOP, 0),
                (libc::IPV6_MULTICAST_IF, index),
                (libc::IPV6_RECVHOPLIMIT, 1),
                (libc::IPV6_RECVPKTINFO, 1),
                (libc::IPV6_TCLASS, libc::c_int::from(NETWORK_CONTROL)),
            ] {
                sys::set_option(&socket, libc::IPPROTO_IPV6, option, value)?;
            }
            // struct ipv6_mreq: group, interface.
            let mut membership = group.octets().to_vec();
            membership.extend(index.to_ne_bytes());
            sys::set_option_bytes(&socket, libc::IPPROTO_IPV6, libc::IPV6_ADD_MEMBERSHIP, &membership)?;
            sys::bind(&socket, ends.source, ends.index)?;
        }
        // TC_PRIO_CONTROL: ahead of what the machine forwards.
        let _ = sys::set_option(&socket, libc::SOL_SOCKET, libc::SO_PRIORITY, 7);
        Ok(socket)
    }

    fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        let (Some(socket), Some(ends)) = (&self.socket, self.ends) else {
            return Err(io::Error::from_raw_os_error(libc::ENETDOWN));
        };
        let packet = match (ends.source, ends.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                // 0 would leave it to the kernel.
                self.id = self.id.wrapping_add(1).max(1);
                let mut packet = ipv4_header((source, destination), self.id).to_vec();
                packet.extend(payload);
                packet
            }
            _ => payload.to_vec(),
        };
        let interface =
            if is_link_local(&ends.destination) || ends.destination.is_multicast() { ends.index } else { 0 };
        sys::send_to(socket, &packet, ends.destination, interface)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(interface: u32, text: &str, protocol: u8) -> DumpedAddress {
        DumpedAddress {
            interface,
            address: text.parse().unwrap(),
            prefix: 24,
            flags: 0,
            label: None,
            protocol,
            valid_s: None,
        }
    }

    fn wire(ipv4: bool, unicast: bool) -> AdvertWire {
        let end = |own: &str, partner: &str| (own.parse().unwrap(), partner.parse().ok());
        AdvertWire {
            interface: "eth0".to_owned(),
            ipv4,
            unicast,
            ends: vec![end("192.0.2.1", "192.0.2.2"), end("10.0.0.1", "10.0.0.2")],
            floating: vec!["192.0.2.100".parse().unwrap()],
        }
    }

    #[test]
    fn the_source_is_an_address_of_the_interface_that_does_not_move() {
        let all = [
            address(2, "192.0.2.100", 0),
            address(2, "192.0.2.101", ADDRESS_TAG),
            address(2, "192.0.2.7", 0),
            address(2, "192.0.2.1", 0),
            address(3, "10.0.0.1", 0),
            address(3, "fe80::3", 0),
            address(3, "2001:db8::3", 0),
        ];
        let source = |wire: AdvertWire, index| {
            wire.ends(index, &all).map(|ends| (ends.source.to_string(), ends.destination.to_string()))
        };
        let said = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(source(wire(true, false), 2), said("192.0.2.1", "224.0.0.18"));
        assert_eq!(source(wire(true, false), 3), said("10.0.0.1", "224.0.0.18"));
        assert_eq!(
            source(AdvertWire { ends: Vec::new(), ..wire(true, false) }, 2),
            said("192.0.2.7", "224.0.0.18")
        );
        assert_eq!(source(wire(true, true), 3), said("10.0.0.1", "10.0.0.2"));
        assert_eq!(source(wire(true, true), 9), said("192.0.2.1", "192.0.2.2"));
        assert_eq!(source(wire(false, false), 3), said("fe80::3", "ff02::12"));
        assert_eq!(source(wire(false, false), 2), None);
        assert_eq!(source(wire(false, true), 3), None);
    }

    #[test]
    fn a_packet_is_taken_apart_and_damage_is_none() {
        let source = Ipv4Addr::new(192, 0, 2, 1);
        let mut packet = ipv4_header((source, Ipv4Addr::new(224, 0, 0, 18)), 1).to_vec();
        packet.extend([1, 2, 3]);
        assert!(ipv4_packet(&packet).is_none(), "no total length yet");
        packet[3] = 23;
        packet.extend([0; 20]);
        let (from, to, hops, payload) = ipv4_packet(&packet).unwrap();
        assert_eq!((from.to_string(), to.to_string(), hops), ("192.0.2.1".into(), "224.0.0.18".into(), 255));
        assert_eq!(payload, [1, 2, 3]);
        for length in 0..23 {
            assert!(ipv4_packet(&packet[..length]).is_none());
        }
        packet[0] = 0x4f;
        assert!(ipv4_packet(&packet).is_none(), "a header longer than the packet");
    }
}
