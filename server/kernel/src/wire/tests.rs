//! Golden bytes (as ipvsadm and ip send them, little-endian machines), round trips, and hostile input.

use std::net::IpAddr;
use std::num::NonZeroU32;

use lvs::model::{Protocol, Scheduler, SchedulerFlag, Tunnel, TunnelChecksum, TunnelKind};
use lvs::table::{
    AddressKey, DesiredAddress, Family, Forward, Persist, ServerKey, ServerRow, ServiceKey, ServiceRow,
};
use proptest::prelude::*;

use super::attribute::Attributes;
use super::ipvs::{self, ServerChange, ServiceChange};
use super::message::{Message, Replies};
use super::{control, route};

/// The family's number in these tests.
const FAMILY: u16 = 0x20;

fn bytes(message: &Message) -> Vec<u8> {
    let mut datagram = Vec::new();
    message.write(&mut datagram, 7, 0);
    datagram
}

fn hex(message: &Message) -> String {
    bytes(message).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What follows the netlink header of the one message.
fn payload(message: &Message) -> Vec<u8> {
    let datagram = bytes(message);
    let replies: Vec<_> = Replies::new(&datagram).map(Result::unwrap).collect();
    assert_eq!(replies.len(), 1);
    replies[0].payload.to_vec()
}

fn row(scheduler: &str) -> ServiceRow {
    ServiceRow {
        scheduler: scheduler.to_owned(),
        flags: Default::default(),
        persistence: None,
        one_packet: false,
    }
}

#[cfg(target_endian = "little")]
mod golden {
    use super::*;

    #[test]
    fn persistent_tcp_service() {
        let key = "tcp 192.0.2.1:80".parse().unwrap();
        let row = ServiceRow {
            flags: [SchedulerFlag::Fallback].into(),
            persistence: Some(Persist { timeout_s: 360, mask: 0xffff_ff00 }),
            ..row("sh")
        };
        let message = ipvs::change_service(FAMILY, &key, ServiceChange::Add(&row));
        assert_eq!(
            hex(&message),
            concat!(
                "5c000000",
                "2000",
                "0100",
                "07000000",
                "00000000",                 // length, family, request, sequence, port
                "01010000",                 // new service, version 1
                "48000180",                 // nested service
                "0600010002000000",         // AF_INET
                "0600020006000000",         // TCP
                "08000300c0000201",         // address
                "0600040000500000",         // port 80 in network order
                "0700060073680000",         // "sh" with NUL
                "0c000700090000003d000000", // persistent and flag-1, with mask
                "0800080068010000",         // 360 s
                "08000900ffffff00",         // /24 in network order
            )
        );
    }

    #[test]
    fn services_by_mark_have_family_and_mark_alone() {
        let key = "fwmark 5 ipv6".parse().unwrap();
        let message = ipvs::change_service(FAMILY, &key, ServiceChange::Remove);
        assert_eq!(
            hex(&message),
            "28000000200001000700000000000000\
             03010000\
             14000180\
             060001000a000000\
             0800050005000000"
        );
    }

    #[test]
    fn ipv6_mask_is_a_native_prefix_length_and_always_there() {
        let key = "udp [2001:db8::1]:53".parse().unwrap();
        let plain = hex(&ipvs::change_service(FAMILY, &key, ServiceChange::Set(&row("rr"))));
        assert!(plain.ends_with("0800090080000000"), "{plain}");
        let persistent = ServiceRow { persistence: Some(Persist { timeout_s: 1, mask: 64 }), ..row("rr") };
        let text = hex(&ipvs::change_service(FAMILY, &key, ServiceChange::Set(&persistent)));
        assert!(text.ends_with("0800090040000000"), "{text}");
    }

    #[test]
    fn tunnelled_server() {
        let service = "tcp 192.0.2.1:80".parse().unwrap();
        let key = "[2001:db8::2]:80".parse().unwrap();
        let tunnel = Tunnel { kind: TunnelKind::Gue, port: 6080, checksum: TunnelChecksum::Remote };
        let row = ServerRow { forward: Forward::Tunnel(tunnel), weight: 3, upper: 10, lower: 2 };
        let message = ipvs::change_server(FAMILY, &service, &key, ServerChange::Add(&row));
        assert_eq!(
            hex(&message),
            concat!(
                "98000000",
                "2000",
                "0100",
                "07000000",
                "00000000",
                "05010000", // new destination
                "24000180",
                "0600010002000000",
                "0600020006000000",
                "08000300c0000201",
                "0600040000500000",
                "60000280",
                "1400010020010db8000000000000000000000002",
                "0600020000500000",
                "06000b000a000000", // its own family
                "0800030002000000", // tunnel
                "0800040003000000", // weight
                "080005000a000000", // upper
                "0800060002000000", // lower
                "05000d0001000000", // GUE
                "06000e0017c00000", // port 6080 in network order
                "06000f0002000000", // remote checksum
            )
        );
    }

    #[test]
    fn only_given_timeouts_are_sent() {
        let timeouts = lvs::model::Timeouts { tcp: Some(900), tcpfin: None, udp: Some(300) };
        assert_eq!(
            hex(&ipvs::set_timeouts(FAMILY, &timeouts)),
            "2400000020000100070000000000000\
             00c010000\
             0800040084030000\
             080006002c010000"
        );
    }

    #[test]
    fn ipv4_address_with_label_and_tag() {
        let key = "eth0 192.0.2.80/24".parse().unwrap();
        let message = route::add_address(3, &key, &DesiredAddress { label: Some("eth0:1".to_owned()) });
        assert_eq!(
            hex(&message),
            concat!(
                "3c000000",
                "1400",
                "0106",
                "07000000",
                "00000000", // RTM_NEWADDR, create and exclusive
                "02180000",
                "03000000",
                "08000200c0000250",
                "08000100c0000250",
                "0b000300657468303a310000",
                "05000b00ca000000",
            )
        );
    }

    #[test]
    fn ipv6_address_is_usable_at_once_and_no_preferred_source() {
        let key = "eth0 2001:db8::80/128".parse().unwrap();
        let message = route::add_address(3, &key, &DesiredAddress::default());
        assert_eq!(
            hex(&message),
            concat!(
                "64000000",
                "1400",
                "0106",
                "07000000",
                "00000000",
                "0a800000",
                "03000000",
                "1400020020010db8000000000000000000000080",
                "1400010020010db8000000000000000000000080",
                "0800080002000000",                         // no duplicate detection
                "1400060000000000ffffffff0000000000000000", // preferred 0, valid for ever
                "05000b00ca000000",
            )
        );
    }

    #[test]
    fn family_question() {
        assert_eq!(
            hex(&control::get_family("IPVS")),
            "2000000010000100070000000000000003010000090002004950565300000000"
        );
    }
}

#[test]
fn counters_come_from_the_64_bit_set_whatever_the_order() {
    let key: ServiceKey = "tcp 192.0.2.1:80".parse().unwrap();
    let mut message = Message::generic(FAMILY, 5, 0);
    message.nest(2, |server| {
        server.nest(12, |stats| {
            for (kind, value) in [(1, 5_000_000_000_u64), (2, 1 << 40), (3, 3), (4, 4), (5, 5), (6, 99)] {
                stats.put(kind, &value.to_ne_bytes());
            }
            stats.put(11, &[]);
        });
        server.put_u32(4, 1);
        server.put_u32(7, 12);
        server.put_u32(8, 34);
        server.put_u32(9, 56);
        server.nest(10, |stats| stats.put_u32(1, 1));
        server.put(1, &[10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        server.put_u16_be(2, 8080);
        server.put_u16(11, libc::AF_INET as u16);
        server.put_u32(3, 0x100);
    });
    let server = ipvs::decode_server(&payload(&message), &key).unwrap().unwrap();
    assert_eq!(server.key, "10.0.0.1:8080".parse().unwrap());
    assert_eq!(server.row.forward, Forward::Masquerade, "flag bits above the method are the kernel's own");
    let counters = server.counters;
    assert_eq!((counters.active, counters.inactive, counters.persistent, counters.weight), (12, 34, 56, 1));
    let totals = counters.totals;
    assert_eq!((totals.connections, totals.in_packets, totals.out_bytes), (5_000_000_000, 1 << 40, 5));
}

#[test]
fn old_kernels_count_in_32_bits() {
    let key: ServiceKey = "tcp 192.0.2.1:80".parse().unwrap();
    let mut message = Message::generic(FAMILY, 5, 0);
    message.nest(2, |server| {
        server.put(1, &[10, 0, 0, 1]);
        server.nest(10, |stats| {
            stats.put_u32(1, 7);
            stats.put(4, &8_u64.to_ne_bytes());
        });
    });
    let server = ipvs::decode_server(&payload(&message), &key).unwrap().unwrap();
    assert_eq!((server.counters.totals.connections, server.counters.totals.in_bytes), (7, 8));
}

#[test]
fn rows_our_types_cannot_express_decode_to_nothing() {
    let mut icmp = Message::generic(FAMILY, 4, 0);
    icmp.nest(1, |service| {
        service.put_u16(1, libc::AF_INET as u16);
        service.put_u16(2, 1);
        service.put(3, &[192, 0, 2, 1]);
        service.put_u16_be(4, 0);
    });
    assert_eq!(ipvs::decode_service(&payload(&icmp)), Ok(None));
    let mut unknown_tunnel = Message::generic(FAMILY, 5, 0);
    unknown_tunnel.nest(2, |server| {
        server.put(1, &[10, 0, 0, 1]);
        server.put_u32(3, 2);
        server.put_u8(13, 77);
    });
    let service = "tcp 192.0.2.1:80".parse().unwrap();
    assert_eq!(ipvs::decode_server(&payload(&unknown_tunnel), &service), Ok(None));
}

#[test]
fn point_to_point_address_is_the_near_end() {
    let mut message = Message::new(libc::RTM_NEWADDR, 0);
    message.raw(&[libc::AF_INET as u8, 32, 0x80, 0, 9, 0, 0, 0]);
    message.put(1, &[10, 0, 0, 2]);
    message.put(2, &[10, 0, 0, 1]);
    message.put_text(3, "ppp0");
    let found = route::decode_address(&payload(&message)).unwrap().unwrap();
    assert_eq!(found.address, "10.0.0.1".parse::<IpAddr>().unwrap());
    assert_eq!((found.label.as_deref(), found.flags, found.valid_s), (Some("ppp0"), 0x80, None));
}

#[test]
fn a_tunnel_link_has_no_hardware_address() {
    let link = |hardware: u16| {
        let mut message = Message::new(libc::RTM_NEWLINK, 0);
        let mut header = [0_u8; 16];
        header[2..4].copy_from_slice(&hardware.to_ne_bytes());
        header[4..8].copy_from_slice(&5_u32.to_ne_bytes());
        header[8..12].copy_from_slice(&0x0001_0001_u32.to_ne_bytes());
        message.raw(&header);
        message.put_text(3, "if5");
        message.put(1, &[2, 0, 0, 0, 0, 1]);
        route::decode_link(&payload(&message)).unwrap().unwrap()
    };
    assert_eq!(link(1).ethernet(), Some([2, 0, 0, 0, 0, 1]));
    assert_eq!((link(768).ethernet(), link(768).link.mac.len()), (None, 0));
    assert!(link(1).link.up && link(1).link.carrier);
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
}

fn service_key() -> impl Strategy<Value = ServiceKey> {
    prop_oneof![
        (proptest::sample::select(&Protocol::ALL), address(), any::<u16>())
            .prop_map(|(protocol, address, port)| ServiceKey::Address { protocol, address, port }),
        (any::<NonZeroU32>(), any::<bool>()).prop_map(|(mark, six)| ServiceKey::Mark {
            mark,
            family: if six { Family::Ipv6 } else { Family::Ipv4 }
        }),
    ]
}

fn service_row() -> impl Strategy<Value = ServiceRow> {
    let scheduler = proptest::sample::select(&Scheduler::ALL);
    let flags = proptest::sample::subsequence(&SchedulerFlag::ALL, 0..=3);
    let persistence = proptest::option::of((any::<u32>(), any::<u32>()));
    (scheduler, flags, persistence, any::<bool>()).prop_map(|(scheduler, flags, persistence, one_packet)| {
        ServiceRow {
            scheduler: scheduler.to_string(),
            flags: flags.into_iter().collect(),
            persistence: persistence.map(|(timeout_s, mask)| Persist { timeout_s, mask }),
            one_packet,
        }
    })
}

fn forward() -> impl Strategy<Value = Forward> {
    let kind = proptest::sample::select(&[TunnelKind::Ipip, TunnelKind::Gue, TunnelKind::Gre]);
    let checksum =
        proptest::sample::select(&[TunnelChecksum::None, TunnelChecksum::Full, TunnelChecksum::Remote]);
    let tunnel = (kind, any::<u16>(), checksum)
        .prop_map(|(kind, port, checksum)| Forward::Tunnel(Tunnel { kind, port, checksum }));
    prop_oneof![
        proptest::sample::select(&[Forward::Masquerade, Forward::Local, Forward::Direct, Forward::Bypass]),
        tunnel
    ]
}

proptest! {
    #[test]
    fn services_round_trip(key in service_key(), row in service_row()) {
        let message = ipvs::change_service(FAMILY, &key, ServiceChange::Add(&row));
        let back = ipvs::decode_service(&payload(&message)).unwrap().unwrap();
        prop_assert_eq!((back.key, back.row), (key, row));
    }

    #[test]
    fn servers_round_trip(
        service in service_key(),
        address in address(),
        port: u16,
        forward in forward(),
        weight: u32,
        upper: u32,
        lower: u32,
    ) {
        let key = ServerKey { address, port };
        let row = ServerRow { forward, weight, upper, lower };
        let message = ipvs::change_server(FAMILY, &service, &key, ServerChange::Set(&row));
        let back = ipvs::decode_server(&payload(&message), &service).unwrap().unwrap();
        prop_assert_eq!((back.key, back.row, back.counters.weight), (key, row, weight));
    }

    #[test]
    fn addresses_round_trip(index: u32, address in address(), prefix in 0_u8..=128, label in "[a-z]{1,9}:[0-9]{1,4}") {
        let key = AddressKey { interface: "eth0".to_owned(), address, prefix };
        let desired = DesiredAddress { label: Some(label.clone()) };
        let back = route::decode_address(&payload(&route::add_address(index, &key, &desired))).unwrap().unwrap();
        prop_assert_eq!((back.interface, back.address, back.prefix), (index, address, prefix));
        prop_assert_eq!((back.protocol, back.valid_s), (route::ADDRESS_TAG, None));
        prop_assert_eq!(back.label, address.is_ipv4().then_some(label));
    }

    #[test]
    fn timeouts_round_trip(tcp: u32, tcpfin: u32, udp: u32) {
        let given = lvs::model::Timeouts { tcp: Some(tcp), tcpfin: Some(tcpfin), udp: Some(udp) };
        let back = ipvs::decode_timeouts(&payload(&ipvs::set_timeouts(FAMILY, &given))).unwrap();
        prop_assert_eq!((back.tcp, back.tcpfin, back.udp), (tcp, tcpfin, udp));
    }

    #[test]
    fn many_messages_in_one_datagram_come_apart_again(keys in prop::collection::vec(service_key(), 0..40)) {
        let mut datagram = Vec::new();
        for (sequence, key) in keys.iter().enumerate() {
            ipvs::change_service(FAMILY, key, ServiceChange::Remove).write(&mut datagram, sequence as u32, libc::NLM_F_ACK);
        }
        let replies: Vec<_> = Replies::new(&datagram).map(Result::unwrap).collect();
        prop_assert_eq!(replies.len(), keys.len());
        for (sequence, reply) in replies.iter().enumerate() {
            prop_assert_eq!((reply.sequence as usize, reply.kind, reply.flags), (sequence, FAMILY, 5));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        decode_everything(&bytes);
    }

    /// Real messages with some bytes changed reach deeper than noise does.
    #[test]
    fn damaged_messages_never_panic(
        key in service_key(),
        row in service_row(),
        server in address(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let server = ServerKey { address: server, port: 80 };
        let settings = ServerRow { forward: Forward::Tunnel(Tunnel::default()), weight: 1, upper: 0, lower: 0 };
        let address = AddressKey { interface: "eth0".to_owned(), address: server.address, prefix: 32 };
        let messages = [
            ipvs::change_service(FAMILY, &key, ServiceChange::Add(&row)),
            ipvs::change_server(FAMILY, &key, &server, ServerChange::Add(&settings)),
            route::add_address(1, &address, &DesiredAddress::default()),
            control::get_family("IPVS"),
        ];
        for message in messages {
            let mut bytes = payload(&message);
            for (place, value) in &damage {
                let place = place.index(bytes.len());
                bytes[place] = *value;
            }
            bytes.truncate(cut.index(bytes.len() + 1));
            decode_everything(&bytes);
        }
    }
}

fn decode_everything(bytes: &[u8]) {
    let service = "tcp 192.0.2.1:80".parse().unwrap();
    let _ = ipvs::decode_service(bytes);
    let _ = ipvs::decode_server(bytes, &service);
    let _ = ipvs::decode_timeouts(bytes);
    let _ = ipvs::decode_info(bytes);
    let _ = route::decode_address(bytes);
    let _ = route::decode_link(bytes);
    let _ = control::family(bytes);
    // Every step forward takes at least a header, so both end.
    assert!(Attributes::new(bytes).count() <= bytes.len() / 4 + 1);
    for reply in Replies::new(bytes).flatten() {
        let _ = reply.result();
    }
}
