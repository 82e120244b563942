//! The packets of a knock as pure functions: a handshake's first segment from the director to the virtual address, its end,
//! what is put around them on the way to a real server, and what an answer says. No socket, no state.

use std::net::{IpAddr, SocketAddr};

use etherparse::{
    NetSlice, PacketBuilder, PacketBuilderStep, SlicedPacket, TcpOptionElement, TransportSlice, ip_number,
};
use lvs::model::{Tunnel, TunnelChecksum, TunnelKind};

use super::Heard;

/// Receive window and largest segment that are offered: nothing is ever received.
const WINDOW: u16 = 1024;
const LARGEST: u16 = 1220;

/// One handshake: its ends, and the number that its answer repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handshake {
    /// Where the director asks from.
    pub(super) from: SocketAddr,
    /// The virtual address and port.
    pub(super) to: SocketAddr,
    /// Its first sequence number.
    pub(super) sequence: u32,
    /// How far its packets go (TTL, hop limit).
    pub(super) hops: u8,
}

/// What somebody answered to a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The connection would stand (SYN, ACK).
    Opened,
    /// Nobody listens there (RST).
    Refused,
}

impl Handshake {
    /// The packet that begins it.
    pub(super) fn syn(&self) -> Vec<u8> {
        self.packet(|ip| {
            let tcp = ip.tcp(self.from.port(), self.to.port(), self.sequence, WINDOW).syn();
            // The largest segment is one option of four bytes: there is room for it.
            match tcp.options(&[TcpOptionElement::MaximumSegmentSize(LARGEST)]) {
                Ok(tcp) => written(tcp),
                Err(_) => Vec::new(),
            }
        })
    }

    /// The packet that ends it after the answer, so that nothing waits on the other side.
    pub(super) fn reset(&self) -> Vec<u8> {
        let sequence = self.sequence.wrapping_add(1);
        self.packet(|ip| written(ip.tcp(self.from.port(), self.to.port(), sequence, 0).rst()))
    }

    fn packet(&self, tcp: impl FnOnce(PacketBuilderStep<etherparse::IpHeaders>) -> Vec<u8>) -> Vec<u8> {
        match (self.from.ip(), self.to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                tcp(PacketBuilder::ipv4(from.octets(), to.octets(), self.hops))
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                tcp(PacketBuilder::ipv6(from.octets(), to.octets(), self.hops))
            }
            // The source is looked up in the family of the virtual address.
            _ => Vec::new(),
        }
    }
}

fn written(tcp: PacketBuilderStep<etherparse::TcpHeader>) -> Vec<u8> {
    let mut packet = Vec::with_capacity(tcp.size(0));
    // A vector takes everything, and the lengths are those of headers.
    let _ = tcp.write(&mut packet, &[]);
    packet
}

/// What is put in front of a packet to a real server behind a tunnel, the outer IP header apart (the kernel writes that one).
pub(super) fn wrapped(tunnel: &Tunnel, inner: &[u8]) -> Vec<u8> {
    let ipv6 = inner.first().is_some_and(|first| first >> 4 == 6);
    match tunnel.kind {
        TunnelKind::Ipip => inner.to_vec(),
        // RFC 2784: whether a checksum follows, version 0, the Ethernet type of what is inside.
        TunnelKind::Gre => {
            let [high, low] = if ipv6 { [0x86, 0xdd] } else { [0x08, 0x00] };
            if tunnel.checksum == TunnelChecksum::None {
                return [&[0, 0, high, low], inner].concat();
            }
            let sum = checksum(&[&[0x80, 0, high, low, 0, 0, 0, 0], inner].concat()).to_be_bytes();
            [&[0x80, 0, high, low], sum.as_slice(), &[0, 0], inner].concat()
        }
        // Version 0, a data message without options, the protocol number inside. The option of remote checksum offload
        // saves work for large packets; whoever takes it takes packets without it.
        TunnelKind::Gue => [&[0, outer_protocol(ipv6), 0, 0], inner].concat(),
    }
}

/// The IP protocol number of a packet inside another one.
pub(super) fn outer_protocol(ipv6: bool) -> u8 {
    if ipv6 { ip_number::IPV6.0 } else { ip_number::IPV4.0 }
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    etherparse::checksum::Sum16BitWords::new().add_slice(bytes).ones_complement().to_be()
}

/// What an IP packet answers, and to which handshake. None for anything else.
pub(super) fn answer(packet: &[u8]) -> Option<Heard> {
    let sliced = SlicedPacket::from_ip(packet).ok()?;
    let Some(TransportSlice::Tcp(tcp)) = sliced.transport else { return None };
    let answer = match (tcp.ack(), tcp.rst(), tcp.syn()) {
        (true, true, _) => Answer::Refused,
        (true, false, true) => Answer::Opened,
        _ => return None,
    };
    let (from, to): (IpAddr, IpAddr) = match sliced.net? {
        NetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        NetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        NetSlice::Arp(_) => return None,
    };
    Some(Heard {
        number: tcp.acknowledgment_number().wrapping_sub(1),
        from: SocketAddr::new(from, tcp.source_port()),
        to: SocketAddr::new(to, tcp.destination_port()),
        answer,
    })
}

/// The packet that a server's kernel answers with.
#[cfg(test)]
pub(super) fn answer_to(asked: &Handshake, answer: Answer) -> Vec<u8> {
    let back = Handshake { from: asked.to, to: asked.from, ..*asked };
    back.packet(|ip| {
        let tcp = ip.tcp(back.from.port(), back.to.port(), 5, 100).ack(asked.sequence.wrapping_add(1));
        written(if answer == Answer::Opened { tcp.syn() } else { tcp.rst() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handshake(from: &str, to: &str) -> Handshake {
        Handshake { from: from.parse().unwrap(), to: to.parse().unwrap(), sequence: 0xCAFE_0007, hops: 1 }
    }

    #[test]
    fn a_handshake_is_whole_in_both_families() {
        for (from, to) in [("10.0.0.1:4000", "192.0.2.10:80"), ("[2001:db8::1]:4000", "[2001:db8::10]:80")] {
            let asked = handshake(from, to);
            let syn = asked.syn();
            let sliced = SlicedPacket::from_ip(&syn).unwrap();
            let Some(TransportSlice::Tcp(tcp)) = sliced.transport else { panic!("no TCP in {syn:?}") };
            assert_eq!((tcp.syn(), tcp.ack(), tcp.rst()), (true, false, false));
            assert_eq!((tcp.source_port(), tcp.destination_port()), (4000, 80));
            assert_eq!(tcp.sequence_number(), asked.sequence);
            let header = tcp.to_header();
            let sum = match sliced.net.unwrap() {
                NetSlice::Ipv4(ip) => header.calc_checksum_ipv4(&ip.header().to_header(), &[]),
                NetSlice::Ipv6(ip) => header.calc_checksum_ipv6(&ip.header().to_header(), &[]),
                NetSlice::Arp(_) => panic!("no IP"),
            };
            assert_eq!(sum.unwrap(), header.checksum);
            let reset = asked.reset();
            let Some(TransportSlice::Tcp(tcp)) = SlicedPacket::from_ip(&reset).unwrap().transport else {
                panic!()
            };
            assert_eq!((tcp.rst(), tcp.sequence_number()), (true, asked.sequence + 1));
        }
    }

    #[test]
    fn an_answer_names_its_handshake() {
        for (from, to) in [("10.0.0.1:4000", "192.0.2.10:80"), ("[2001:db8::1]:4000", "[2001:db8::10]:80")] {
            let asked = handshake(from, to);
            for says in [Answer::Opened, Answer::Refused] {
                let packet = answer_to(&asked, says);
                let heard = Heard { number: asked.sequence, from: asked.to, to: asked.from, answer: says };
                assert_eq!(answer(&packet), Some(heard));
                for length in 0..packet.len() {
                    assert_eq!(answer(&packet[..length]), None);
                }
            }
            assert_eq!(answer(&asked.syn()), None, "a question is no answer");
            assert_eq!(answer(&asked.reset()), None, "nor is the end");
        }
    }

    #[test]
    fn tunnels_put_their_own_header_around_it() {
        let inner = handshake("10.0.0.1:4000", "192.0.2.10:80").syn();
        let tunnel = |kind, checksum| Tunnel { kind, port: 0, checksum };
        assert_eq!(wrapped(&tunnel(TunnelKind::Ipip, TunnelChecksum::None), &inner), inner);
        let gre = wrapped(&tunnel(TunnelKind::Gre, TunnelChecksum::None), &inner);
        assert_eq!((&gre[..4], &gre[4..]), ([0, 0, 8, 0].as_slice(), inner.as_slice()));
        let summed = wrapped(&tunnel(TunnelKind::Gre, TunnelChecksum::Full), &inner);
        assert_eq!((&summed[..4], &summed[8..]), ([0x80, 0, 8, 0].as_slice(), inner.as_slice()));
        assert_eq!(checksum(&summed), 0, "header, checksum and content add up to nothing");
        let gue = wrapped(&tunnel(TunnelKind::Gue, TunnelChecksum::Remote), &inner);
        assert_eq!((&gue[..4], &gue[4..]), ([0, 4, 0, 0].as_slice(), inner.as_slice()));
        let six = handshake("[2001:db8::1]:4000", "[2001:db8::10]:80").syn();
        assert_eq!(wrapped(&tunnel(TunnelKind::Gre, TunnelChecksum::None), &six)[2..4], [0x86, 0xdd]);
        assert_eq!(wrapped(&tunnel(TunnelKind::Gue, TunnelChecksum::None), &six)[1], 41);
    }
}
