//! The frames that tell neighbours where an address lives now: gratuitous ARP and unsolicited neighbour advertisement.
//!
//! Pure functions from addresses to bytes. The announcer sends them; how often and when is the director's business.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ethernet type of ARP.
pub const ARP: u16 = 0x0806;
/// Ethernet type of IPv6.
pub const IPV6: u16 = 0x86DD;

/// ARP operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArpForm {
    /// An announcement as in RFC 5227 §3: a request for the own address, target hardware address zero.
    Request,
    /// A reply nobody asked for, target hardware address the own one, as Piranha sent it; some devices learn only from
    /// replies.
    Reply,
}

/// A gratuitous ARP frame for `address` at `mac`, to everybody (RFC 826, RFC 5227).
pub fn gratuitous_arp(form: ArpForm, mac: [u8; 6], address: Ipv4Addr) -> [u8; 42] {
    let (operation, target_mac) = match form {
        ArpForm::Request => (1, [0; 6]),
        ArpForm::Reply => (2, mac),
    };
    let mut frame = [0; 42];
    frame[0..6].copy_from_slice(&[0xff; 6]);
    frame[6..12].copy_from_slice(&mac);
    frame[12..14].copy_from_slice(&ARP.to_be_bytes());
    // Hardware type Ethernet, protocol type IPv4, address lengths 6 and 4.
    frame[14..20].copy_from_slice(&[0, 1, 8, 0, 6, 4]);
    frame[21] = operation;
    frame[22..28].copy_from_slice(&mac);
    frame[28..32].copy_from_slice(&address.octets());
    frame[32..38].copy_from_slice(&target_mac);
    frame[38..42].copy_from_slice(&address.octets());
    frame
}

/// A question who has `address`, to everybody, from a sender that claims no address (RFC 5227 §2.1.1).
pub fn arp_probe(mac: [u8; 6], address: Ipv4Addr) -> [u8; 42] {
    let mut frame = gratuitous_arp(ArpForm::Request, mac, address);
    frame[28..32].copy_from_slice(&[0; 4]);
    frame
}

/// The same for IPv6: a neighbour solicitation from the unspecified address (RFC 4862 §5.4.2).
pub fn neighbour_probe(mac: [u8; 6], address: Ipv6Addr) -> [u8; 78] {
    let [.., a, b, c] = address.octets();
    let group = Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c]);
    let mut frame = [0; 78];
    frame[0..6].copy_from_slice(&[0x33, 0x33, 0xff, a, b, c]);
    frame[6..12].copy_from_slice(&mac);
    frame[12..14].copy_from_slice(&IPV6.to_be_bytes());
    frame[14] = 0x60; // version 6
    frame[19] = 24; // payload length
    frame[20] = 58; // next header: ICMPv6
    frame[21] = 255; // hop limit
    frame[38..54].copy_from_slice(&group.octets());
    frame[54] = 135; // neighbour solicitation
    frame[62..78].copy_from_slice(&address.octets());
    let checksum = icmpv6_checksum(&Ipv6Addr::UNSPECIFIED, &group, &frame[54..78]);
    frame[56..58].copy_from_slice(&checksum.to_be_bytes());
    frame
}

/// What a frame says about who has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The sender has it.
    Has(IpAddr),
    /// The sender asks who has it, and would take it where nobody has.
    Seeks(IpAddr),
    /// Something else.
    Other,
}

/// Who sent a frame, and what it says; none where it is none of Ethernet.
pub fn word(frame: &[u8]) -> Option<([u8; 6], Word)> {
    let (_, rest) = frame.split_first_chunk::<6>()?;
    let (sender, rest) = rest.split_first_chunk::<6>()?;
    let (kind, rest) = rest.split_first_chunk::<2>()?;
    let word = match u16::from_be_bytes(*kind) {
        ARP => arp_word(rest),
        IPV6 => neighbour_word(rest),
        _ => None,
    };
    Some((*sender, word.unwrap_or(Word::Other)))
}

fn arp_word(packet: &[u8]) -> Option<Word> {
    let packet = packet.first_chunk::<28>()?;
    let [0, 1, 8, 0, 6, 4, 0, operation, _, _, _, _, _, _, a, b, c, d, rest @ ..] = packet else {
        return None;
    };
    let [_, _, _, _, _, _, e, f, g, h] = rest;
    let (sender, target) = (Ipv4Addr::new(*a, *b, *c, *d), Ipv4Addr::new(*e, *f, *g, *h));
    match (operation, sender.is_unspecified()) {
        (1 | 2, false) => Some(Word::Has(sender.into())),
        (1, true) => Some(Word::Seeks(target.into())),
        _ => None,
    }
}

fn neighbour_word(packet: &[u8]) -> Option<Word> {
    let (header, message) = packet.split_first_chunk::<40>()?;
    let [_, _, _, _, _, _, 58, 255, source @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = header
    else {
        return None;
    };
    let (kind, rest) = message.split_first_chunk::<8>()?;
    let target = Ipv6Addr::from(*rest.first_chunk::<16>()?);
    match kind.first() {
        Some(136) => Some(Word::Has(target.into())),
        Some(135) if source.iter().all(|byte| *byte == 0) => Some(Word::Seeks(target.into())),
        _ => None,
    }
}

/// Whether an advertising host forwards packets. Neighbours drop their route through a router that says it is none
/// (RFC 4861 §7.2.5), so this must agree with what the kernel itself answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// It forwards IPv6.
    Router,
    /// It does not.
    Host,
}

/// An unsolicited neighbour advertisement for `address` at `mac`, to all nodes (RFC 4861 §7.2.6): override flag set,
/// hop limit 255, sent from the address itself.
pub fn neighbour_advertisement(routing: Routing, mac: [u8; 6], address: Ipv6Addr) -> [u8; 86] {
    let everybody = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let mut frame = [0; 86];
    frame[0..6].copy_from_slice(&[0x33, 0x33, 0, 0, 0, 1]);
    frame[6..12].copy_from_slice(&mac);
    frame[12..14].copy_from_slice(&IPV6.to_be_bytes());
    frame[14] = 0x60; // version 6
    frame[19] = 32; // payload length
    frame[20] = 58; // next header: ICMPv6
    frame[21] = 255; // hop limit
    frame[22..38].copy_from_slice(&address.octets());
    frame[38..54].copy_from_slice(&everybody.octets());
    frame[54] = 136; // neighbour advertisement
    frame[58] = match routing {
        Routing::Router => 0xa0, // router, override
        Routing::Host => 0x20,   // override
    };
    frame[62..78].copy_from_slice(&address.octets());
    frame[78] = 2; // option: target link-layer address
    frame[79] = 1; // its length in units of 8 bytes
    frame[80..86].copy_from_slice(&mac);
    let checksum = icmpv6_checksum(&address, &everybody, &frame[54..86]);
    frame[56..58].copy_from_slice(&checksum.to_be_bytes());
    frame
}

/// The ones' complement sum over pseudo header and message (RFC 4443 §2.3); the message's own field must be zero.
fn icmpv6_checksum(source: &Ipv6Addr, destination: &Ipv6Addr, message: &[u8]) -> u16 {
    let words = |bytes: &[u8]| -> u32 {
        bytes
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
                [high] => u32::from(*high) << 8,
                _ => 0,
            })
            .sum()
    };
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut sum = words(&source.octets()) + words(&destination.octets()) + words(message) + length + 58;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    // At most 16 bits are left after folding.
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{
        ArpHardwareId, ArpOperation, EtherType, LinkSlice, NetSlice, SlicedPacket, TransportSlice,
    };

    const MAC: [u8; 6] = [0x02, 0x00, 0x5e, 0x10, 0x20, 0x30];

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn arp_request_announces_with_target_hardware_address_zero() {
        let frame = gratuitous_arp(ArpForm::Request, MAC, Ipv4Addr::new(192, 0, 2, 80));
        assert_eq!(
            hex(&frame),
            "ffffffffffff02005e1020300806\
             0001080006040001\
             02005e102030c0000250\
             000000000000c0000250"
        );
    }

    #[test]
    fn arp_reply_names_itself_as_target() {
        let frame = gratuitous_arp(ArpForm::Reply, MAC, Ipv4Addr::new(192, 0, 2, 80));
        assert_eq!(
            hex(&frame),
            "ffffffffffff02005e1020300806\
             0001080006040002\
             02005e102030c0000250\
             02005e102030c0000250"
        );
    }

    #[test]
    fn what_is_said_about_an_address_is_understood() {
        let (v4, v6) = (Ipv4Addr::new(192, 0, 2, 80), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 1, 0x250));
        for form in [ArpForm::Request, ArpForm::Reply] {
            assert_eq!(word(&gratuitous_arp(form, MAC, v4)), Some((MAC, Word::Has(v4.into()))));
        }
        assert_eq!(word(&arp_probe(MAC, v4)), Some((MAC, Word::Seeks(v4.into()))));
        let advertised = neighbour_advertisement(Routing::Host, MAC, v6);
        assert_eq!(word(&advertised), Some((MAC, Word::Has(v6.into()))));
        let probe = neighbour_probe(MAC, v6);
        assert_eq!(word(&probe), Some((MAC, Word::Seeks(v6.into()))));
        assert_eq!(hex(&probe[..6]), "3333ff010250");
        let packet = SlicedPacket::from_ethernet(&probe).unwrap();
        let Some(TransportSlice::Icmpv6(message)) = &packet.transport else { panic!("no ICMPv6") };
        let Some(NetSlice::Ipv6(ip)) = &packet.net else { panic!("no IPv6") };
        let (source, group) = (ip.header().source(), ip.header().destination());
        assert!(message.is_checksum_valid(source, group));
        // Cut anywhere, it says nothing about an address.
        for length in 0..probe.len() {
            assert!(!matches!(word(&probe[..length]), Some((_, Word::Seeks(_) | Word::Has(_)))));
        }
        let arp = arp_probe(MAC, v4);
        for length in 0..arp.len() {
            assert!(!matches!(word(&arp[..length]), Some((_, Word::Seeks(_) | Word::Has(_)))));
        }
    }

    #[test]
    fn arp_reads_back_with_another_parser() {
        let vip = Ipv4Addr::new(198, 51, 100, 7);
        for (form, operation, target) in
            [(ArpForm::Request, ArpOperation::REQUEST, [0; 6]), (ArpForm::Reply, ArpOperation::REPLY, MAC)]
        {
            let frame = gratuitous_arp(form, MAC, vip);
            let packet = SlicedPacket::from_ethernet(&frame).unwrap();
            let Some(LinkSlice::Ethernet2(ethernet)) = &packet.link else { panic!("no Ethernet header") };
            assert_eq!((ethernet.destination(), ethernet.source()), ([0xff; 6], MAC));
            let Some(NetSlice::Arp(arp)) = &packet.net else { panic!("no ARP") };
            assert_eq!(arp.hw_addr_type(), ArpHardwareId::ETHERNET);
            assert_eq!(arp.proto_addr_type(), EtherType::IPV4);
            assert_eq!(arp.operation(), operation);
            assert_eq!((arp.sender_hw_addr(), arp.target_hw_addr()), (&MAC[..], &target[..]));
            assert_eq!(
                (arp.sender_protocol_addr(), arp.target_protocol_addr()),
                (&vip.octets()[..], &vip.octets()[..])
            );
        }
    }

    #[test]
    fn advertisement_bytes() {
        let vip: Ipv6Addr = "2001:db8::80".parse().unwrap();
        let frame = neighbour_advertisement(Routing::Host, MAC, vip);
        let mut without_checksum = frame;
        without_checksum[56..58].fill(0);
        assert_eq!(
            hex(&without_checksum),
            "33330000000102005e10203086dd\
             6000000000203aff\
             20010db8000000000000000000000080\
             ff020000000000000000000000000001\
             8800000020000000\
             20010db8000000000000000000000080\
             020102005e102030"
        );
    }

    #[test]
    fn advertisement_reads_back_with_another_parser() {
        let vip: Ipv6Addr = "2001:db8::80".parse().unwrap();
        for (routing, flags) in [(Routing::Host, 0x20), (Routing::Router, 0xa0)] {
            let frame = neighbour_advertisement(routing, MAC, vip);
            let packet = SlicedPacket::from_ethernet(&frame).unwrap();
            let Some(NetSlice::Ipv6(ip)) = &packet.net else { panic!("no IPv6") };
            let header = ip.header();
            assert_eq!((header.hop_limit(), header.source_addr()), (255, vip));
            assert_eq!(header.destination_addr(), "ff02::1".parse::<Ipv6Addr>().unwrap());
            let Some(TransportSlice::Icmpv6(icmp)) = &packet.transport else { panic!("no ICMPv6") };
            assert!(icmp.is_checksum_valid(header.source(), header.destination()));
            assert_eq!((icmp.type_u8(), icmp.code_u8()), (136, 0));
            assert_eq!(icmp.bytes5to8()[0], flags);
            assert_eq!(icmp.payload()[..16], vip.octets());
        }
    }
}
