//! Knocks at a real server's door as a client's packet would come there from a director: the virtual address, carried by
//! direct routing or through the tunnel. It begins a TCP handshake, hears what is answered, and ends it.
//!
//! Nothing is added to the kernel for it, and IPVS never sees it: frames go out beside the IP stack (those of tunnels are
//! ordinary packets to the real server), and answers are heard before the IP stack has them. So the director that holds the
//! virtual address can ask, too; its kernel drops such an answer, which it may log (`log_martians`). It repeats nothing and
//! decides nothing; the director's checks call it.

mod segment;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use lvs::model::{Forwarding, Tunnel, TunnelChecksum, TunnelKind};
use socket2::{SockFilter, SockRef};

use crate::error::{Errno, Error, Kind};
use crate::explain::failed;
use crate::frames::IPV6;
use crate::linux::network::Network;
use crate::sys;
use crate::wire::way::Way;

pub use segment::Answer;
use segment::Handshake;

/// Ethernet type of IPv4.
const IPV4: u16 = 0x0800;
/// Where something is sent so that the kernel asks for a neighbour's address: the discard port.
const DISCARD: u16 = 9;
/// How far a packet goes (TTL, hop limit): to a server that passes it on to a container of its own, but not by a server that
/// lacks the virtual address to the director that has it, whose IPVS would let another one answer.
const HOPS: u8 = 2;
/// How long an own hardware address counts as known.
const KEPT: Duration = Duration::from_secs(1);
/// `UDP_NO_CHECK6_TX` of `linux/udp.h`.
const UDP_NO_CHECK6_TX: i32 = 101;
/// What opening sockets is called in errors.
const OPEN: &str = "open a socket to knock at real servers";
/// Longer than any answer.
const READ: usize = 256;
/// Answers taken in at once.
const AT_ONCE: usize = 256;
/// IP protocol numbers.
const TCP: u32 = 6;
const GRE: i32 = 47;

/// A real server's door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// The virtual address and port that clients ask.
    pub virtual_address: SocketAddr,
    /// The real server.
    pub server: IpAddr,
    /// How packets come there; not by NAT, which changes them.
    pub forwarding: Forwarding,
}

/// A knock under way.
#[derive(Clone, Debug)]
pub struct Knock {
    door: Door,
    way: Way,
    handshake: Handshake,
    /// The head of its frames, once the server's hardware address is known.
    head: Option<[u8; 14]>,
}

/// An answer that was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The number of its knock.
    pub number: u32,
    /// From where.
    pub from: SocketAddr,
    /// To where.
    pub to: SocketAddr,
    /// What it says.
    pub answer: Answer,
}

impl Knock {
    /// The number by which its answer is known.
    pub fn number(&self) -> u32 {
        self.handshake.sequence
    }

    /// Whether this is its answer: from the virtual address to where it was asked from. A server that answers under another
    /// address is none to clients.
    pub fn is_answered_by(&self, heard: &Heard) -> bool {
        let Handshake { from, to, sequence, .. } = self.handshake;
        (heard.number, heard.from, heard.to) == (sequence, to, from)
    }
}

/// Knocks, in the network namespace of the thread that opened it. It never blocks for longer than the kernel takes to answer
/// a question about its own tables.
pub struct Knocker {
    network: Network,
    packets: OwnedFd,
    /// The upper half of all sequence numbers: by it the kernel tells answers from everything else that comes in.
    mark: u16,
    next: u16,
    /// Ethernet addresses of own interfaces, and when they were read.
    links: BTreeMap<u32, (Instant, Option<[u8; 6]>)>,
}

/// Hears answers, of both families.
pub struct Ears([OwnedFd; 2]);

impl Knocker {
    /// Opens it with its ears. `mark` tells its knocks from others'; a random number.
    ///
    /// # Errors
    /// [`Kind::Denied`] without CAP_NET_RAW.
    pub fn open(mark: u16) -> Result<(Self, Ears), Error> {
        let packets = sys::frames().map_err(|error| refused(OPEN, error))?;
        let ear = |kind| ear(kind, mark).map_err(|error| refused(OPEN, error));
        let ears = Ears([ear(IPV4)?, ear(IPV6)?]);
        Ok((Knocker { network: Network::open()?, packets, mark, next: 0, links: BTreeMap::new() }, ears))
    }

    /// Prepares a knock from a port, and from an address where one is wanted. None where this machine is the real server
    /// itself: it needs no network for that.
    ///
    /// # Errors
    /// What this machine lacks: [`Kind::Gone`] without a route, [`Kind::Unsupported`] where there is no address to ask from, or
    /// direct routing would have to cross a router.
    pub fn prepare(&mut self, door: Door, source: Option<IpAddr>, port: u16) -> Result<Option<Knock>, Error> {
        let address = door.virtual_address.ip();
        let impossible =
            |why: String| Err(Error::new(format!("knock at {}", door.server), Kind::Unsupported, why));
        let way = self.network.way_to(door.server)?;
        if way.own {
            return Ok(None);
        }
        if let (Forwarding::Direct | Forwarding::Nat, Some(router)) = (door.forwarding, way.gateway) {
            return impossible(format!("direct routing does not cross the router {router}"));
        }
        let same_family = |source: &IpAddr| source.is_ipv4() == address.is_ipv4();
        let mut from = source.filter(same_family).or(way.source.filter(same_family));
        if from.is_none() {
            // A server of the other family behind a tunnel: what the answer to a client would go to.
            let back = self.network.way_to(address)?;
            from = back.source.filter(|_| !back.own);
        }
        let Some(from) = from else { return impossible(format!("no address to ask {address} from")) };
        // Never the last one: what is acknowledged is one more, and keeps its upper half.
        self.next = self.next.wrapping_add(1) % u16::MAX;
        let sequence = u32::from(self.mark) << 16 | u32::from(self.next);
        let from = SocketAddr::new(from, port);
        let handshake = Handshake { from, to: door.virtual_address, sequence, hops: HOPS };
        Ok(Some(Knock { door, way, handshake, head: None }))
    }

    /// Begins the handshake, or begins it again. False where the server's hardware address is not known yet: the kernel
    /// looks for it, try again in a moment.
    ///
    /// # Errors
    /// What this machine lacks; it says nothing of the server.
    pub fn begin(&mut self, knock: &mut Knock) -> Result<bool, Error> {
        if !matches!(knock.door.forwarding, Forwarding::Tunnel(_)) && knock.head.is_none() {
            knock.head = self.head(knock)?;
            if knock.head.is_none() {
                return Ok(false);
            }
        }
        self.send(knock, &knock.handshake.syn()).map(|()| true)
    }

    /// Ends the handshake, so that the server does not wait for the rest.
    ///
    /// # Errors
    /// What this machine lacks.
    pub fn end(&self, knock: &Knock) -> Result<(), Error> {
        self.send(knock, &knock.handshake.reset())
    }

    fn send(&self, knock: &Knock, packet: &[u8]) -> Result<(), Error> {
        let operation = || format!("knock at {}", knock.door.server);
        match (&knock.door.forwarding, knock.head) {
            (Forwarding::Tunnel(tunnel), _) => send_through(tunnel, knock, packet),
            (Forwarding::Direct | Forwarding::Nat, Some(head)) => {
                let kind = if knock.door.virtual_address.is_ipv4() { IPV4 } else { IPV6 };
                let frame = [head.as_slice(), packet].concat();
                sys::send_frame(&self.packets, knock.way.interface, kind, &frame)
            }
            // Nothing was ever begun.
            (Forwarding::Direct | Forwarding::Nat, None) => Ok(()),
        }
        .map_err(|error| refused(operation(), error))
    }

    /// The head of a frame to the real server; none while its hardware address is not known.
    fn head(&mut self, knock: &Knock) -> Result<Option<[u8; 14]>, Error> {
        let (interface, server) = (knock.way.interface, knock.door.server);
        let Some(ours) = self.own(interface)? else {
            let why = "the way to it is no Ethernet";
            return Err(Error::new(format!("knock at {server}"), Kind::Unsupported, why));
        };
        let Some(theirs) = self.network.neighbour(interface, server)? else {
            // Whether it can be sent is all the same: the kernel asks who has the address.
            let _ = datagram(server).and_then(|socket| socket.send_to(&[], (server, DISCARD)));
            return Ok(None);
        };
        let kind = if knock.door.virtual_address.is_ipv4() { IPV4 } else { IPV6 };
        let mut head = [0; 14];
        let bytes = theirs.into_iter().chain(ours).chain(kind.to_be_bytes());
        head.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        Ok(Some(head))
    }

    /// The Ethernet address of an own interface, where it has one.
    fn own(&mut self, interface: u32) -> Result<Option<[u8; 6]>, Error> {
        let now = Instant::now();
        match self.links.get(&interface) {
            Some((read, address)) if now.duration_since(*read) < KEPT => Ok(*address),
            _ => {
                let address = self.network.link_at(interface)?.ethernet();
                self.links.insert(interface, (now, address));
                Ok(address)
            }
        }
    }
}

fn send_through(tunnel: &Tunnel, knock: &Knock, packet: &[u8]) -> io::Result<()> {
    let server = knock.door.server;
    let wrapped = segment::wrapped(tunnel, packet);
    match tunnel.kind {
        TunnelKind::Gue => {
            let socket = datagram(server)?;
            if tunnel.checksum == TunnelChecksum::None {
                let (level, option) = if server.is_ipv4() {
                    (libc::SOL_SOCKET, libc::SO_NO_CHECK)
                } else {
                    (libc::IPPROTO_UDP, UDP_NO_CHECK6_TX)
                };
                sys::set_option(&socket, level, option, 1)?;
            }
            socket.send_to(&wrapped, (server, tunnel.port)).map(drop)
        }
        TunnelKind::Ipip | TunnelKind::Gre => {
            let inner = i32::from(segment::outer_protocol(knock.door.virtual_address.is_ipv6()));
            let protocol = if tunnel.kind == TunnelKind::Gre { GRE } else { inner };
            let socket = sys::raw(server.is_ipv4(), protocol)?;
            sys::send_to(&socket, &wrapped, server, 0)
        }
    }
}

fn datagram(server: IpAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = if server.is_ipv4() { [0; 4].into() } else { [0_u16; 8].into() };
    UdpSocket::bind((any, 0))
}

/// What the system said no to.
fn refused(operation: impl Into<String>, error: io::Error) -> Error {
    match Errno::from(error) {
        errno @ Errno(libc::EPERM | libc::EACCES) => {
            Error::answered(operation, Kind::Denied, "not permitted (CAP_NET_RAW is needed)", errno)
        }
        errno => failed(operation, errno),
    }
}

impl Ears {
    /// Waits for answers, at most so long; all that have come in.
    ///
    /// # Errors
    /// When it cannot be waited or read.
    pub fn hear(&self, patience: Duration) -> io::Result<Vec<Heard>> {
        let [v4, v6] = &self.0;
        let mut heard = Vec::new();
        if !sys::wait_any(&[v4.as_fd(), v6.as_fd()], patience)? {
            return Ok(heard);
        }
        for socket in &self.0 {
            let mut packet = [0; READ];
            while heard.len() < AT_ONCE {
                match sys::receive_raw(socket, &mut packet) {
                    Ok(length) => heard.extend(packet.get(..length).and_then(segment::answer)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(heard)
    }
}

fn ear(kind: u16, mark: u16) -> io::Result<OwnedFd> {
    let socket = sys::payloads()?;
    // Before it is bound to the packets that it hears, or some would come past the filter.
    SockRef::from(&socket).attach_filter(&filter(kind, mark))?;
    sys::hear(&socket, kind)?;
    Ok(socket)
}

/// The kernel's filter: packets of TCP that acknowledge a sequence number of ours. `BPF_*` of `linux/bpf_common.h`; the
/// packet begins with its IP header.
fn filter(kind: u16, mark: u16) -> Vec<SockFilter> {
    const BYTE: u16 = 0x30;
    const HALF: u16 = 0x28;
    const BYTE_BEHIND: u16 = 0x50;
    const WORD_BEHIND: u16 = 0x40;
    const HEADER_LENGTH: u16 = 0xb1;
    const SET_BEHIND: u16 = 0x01;
    const EQUAL: u16 = 0x15;
    const ANY_BIT: u16 = 0x45;
    const SHIFT_RIGHT: u16 = 0x74;
    const RETURN: u16 = 0x06;
    let step = SockFilter::new;
    // Jumps lead to the last line, which takes nothing.
    let head = if kind == IPV6 {
        vec![step(BYTE, 0, 0, 6), step(EQUAL, 0, 7, TCP), step(SET_BEHIND, 0, 0, 40)]
    } else {
        vec![
            step(BYTE, 0, 0, 9),
            step(EQUAL, 0, 9, TCP),
            step(HALF, 0, 0, 6),
            step(ANY_BIT, 7, 0, 0x1fff), // not the first fragment
            step(HEADER_LENGTH, 0, 0, 0),
        ]
    };
    let tail = [
        step(BYTE_BEHIND, 0, 0, 13),
        step(ANY_BIT, 0, 4, 0x10), // ACK
        step(WORD_BEHIND, 0, 0, 8),
        step(SHIFT_RIGHT, 0, 0, 16),
        step(EQUAL, 0, 1, u32::from(mark)),
        step(RETURN, 0, 0, READ as u32),
        step(RETURN, 0, 0, 0),
    ];
    head.into_iter().chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    /// What passes the filter, asked of the kernel: a socket pair filters whatever is sent over it.
    fn passes(kind: u16, packet: &[u8]) -> bool {
        let (here, there) = UnixDatagram::pair().unwrap();
        SockRef::from(&there).attach_filter(&filter(kind, 0xCAFE)).unwrap();
        there.set_nonblocking(true).unwrap();
        // A packet that the filter does not take is refused to the sender.
        let _ = here.send(packet);
        there.recv(&mut [0; READ]).is_ok()
    }

    #[test]
    fn the_kernel_hands_over_answers_to_own_knocks_alone() {
        for (kind, from, to) in
            [(IPV4, "10.0.0.1:4000", "192.0.2.10:80"), (IPV6, "[2001:db8::1]:4000", "[2001:db8::10]:80")]
        {
            let knock = |sequence| Handshake {
                from: from.parse().unwrap(),
                to: to.parse().unwrap(),
                sequence,
                hops: HOPS,
            };
            let (ours, others) = (knock(0xCAFE_0001), knock(0xCAFF_0001));
            for answer in [Answer::Opened, Answer::Refused] {
                assert!(passes(kind, &segment::answer_to(&ours, answer)), "{kind:x} {answer:?}");
                assert!(!passes(kind, &segment::answer_to(&others, answer)), "{kind:x} {answer:?}");
            }
            assert!(!passes(kind, &ours.syn()), "a question is no answer");
        }
        let mut fragment = segment::answer_to(
            &Handshake {
                from: "10.0.0.1:4000".parse().unwrap(),
                to: "192.0.2.10:80".parse().unwrap(),
                sequence: 0xCAFE_0001,
                hops: HOPS,
            },
            Answer::Opened,
        );
        fragment[7] = 1;
        assert!(!passes(IPV4, &fragment), "the rest of a packet has no ports");
        let mut datagram = fragment;
        (datagram[7], datagram[9]) = (0, 17);
        assert!(!passes(IPV4, &datagram), "not TCP");
    }
}
