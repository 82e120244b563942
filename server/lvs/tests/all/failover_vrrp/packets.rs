//! VRRP: what packets say. Those of a real keepalived are read and written byte for byte; whatever else arrives is named.

use std::net::IpAddr;

use lvs::failover::vrrp::advert::{Advert, Cover, Expected, Mismatch, advertises, group, password};
use lvs::model::VrrpVersion;
use proptest::prelude::*;

use super::{ip, ms};

struct Golden {
    version: VrrpVersion,
    priority: u8,
    interval: u64,
    password: Option<&'static str>,
    from: &'static str,
    to: &'static str,
    addresses: &'static [&'static str],
    hex: &'static str,
}

/// Captured from keepalived 2.2.7: virtual router 51.
const GOLDEN: [Golden; 11] = {
    const fn v2(priority: u8, password: Option<&'static str>, hex: &'static str) -> Golden {
        Golden {
            version: VrrpVersion::V2,
            priority,
            interval: 1000,
            password,
            from: "10.9.0.1",
            to: "224.0.0.18",
            addresses: &["10.9.0.100"],
            hex,
        }
    }
    const fn v3(interval: u64, to: &'static str, hex: &'static str) -> Golden {
        Golden {
            version: VrrpVersion::V3,
            priority: 150,
            interval,
            password: None,
            from: "10.9.0.1",
            to,
            addresses: &["10.9.0.100"],
            hex,
        }
    }
    [
        v2(150, Some("1111"), "213396010101dafa0a0900643131313100000000"),
        v2(100, Some("1111"), "2133640101010cfb0a0900643131313100000000"),
        v2(0, Some("1111"), "21330001010170fb0a0900643131313100000000"),
        v2(150, None, "2133960100013e5d0a0900640000000000000000"),
        v2(255, None, "2133ff010001d55c0a0900640000000000000000"),
        v2(150, Some("abcdefghijkl"), "213396010101abc70a0900646162636465666768"),
        Golden {
            addresses: &["10.9.0.100", "10.9.0.101"],
            ..v2(100, None, "21336402000165ee0a0900640a0900650000000000000000")
        },
        v3(1000, "224.0.0.18", "31339601006443610a090064"),
        v3(100, "224.0.0.18", "31339601000a43bb0a090064"),
        v3(1000, "10.9.0.2", "31339601006419690a090064"),
        Golden {
            from: "fe80::ff:fe00:1",
            addresses: &["fd09::100"],
            ..v3(500, "ff02::12", "3133960100323d70fd090000000000000000000000000100")
        },
    ]
};

#[test]
fn packets_are_those_of_keepalived() {
    for golden in &GOLDEN {
        let addresses: Vec<IpAddr> = golden.addresses.iter().map(|text| ip(text)).collect();
        let advert = Advert {
            version: golden.version,
            virtual_router_id: 51,
            priority: golden.priority,
            interval: ms(golden.interval),
            addresses: addresses.clone(),
            password: golden.password.map(password),
        };
        let (from, to) = (ip(golden.from), ip(golden.to));
        assert_eq!(hex::encode(advert.encode(from, to)), golden.hex);
        let expected = Expected {
            version: golden.version,
            interval: ms(golden.interval),
            password: golden.password.map(password),
            addresses: &addresses,
        };
        let mut packet = hex::decode(golden.hex).unwrap();
        assert_eq!(Advert::decode(&packet, from, to, &expected), Ok(advert.clone()));
        packet.extend([0; 18]);
        assert_eq!(Advert::decode(&packet, from, to, &expected), Ok(advert), "as Ethernet fills it");
    }
}

#[test]
fn each_reading_of_a_version_3_checksum_is_taken_and_can_be_answered() {
    let addresses = [ip("10.9.0.100")];
    let ours =
        Expected { version: VrrpVersion::V3, interval: ms(1000), password: None, addresses: &addresses };
    let (from, to) = (ip("10.9.0.1"), ip("10.9.0.2"));
    // Computed as keepalived's `v3_checksum_as_v2` and its releases before 1.3.7 do.
    for (hex, cover) in [
        ("31339601006419690a090064", Cover::Addresses),
        ("3133960100642dfa0a090064", Cover::Nothing),
        ("31339601006443610a090064", Cover::Group),
    ] {
        let packet = hex::decode(hex).unwrap();
        assert_eq!(Cover::of(&packet, from, to), Some(cover), "{hex}");
        let advert = Advert::decode(&packet, from, to, &ours).unwrap();
        assert_eq!(hex::encode(advert.encode_with(cover, from, to)), hex);
    }
    // Nothing of it holds for version 2 and IPv6.
    let mut two = hex::decode(GOLDEN[0].hex).unwrap();
    assert_eq!(Cover::of(&two, from, to), Some(Cover::Addresses));
    two[6] ^= 1;
    assert_eq!(Cover::of(&two, from, to), None);
    assert!(advertises(&two, from, &addresses) && !advertises(&two, from, &[from]));
    assert_eq!([group(true), group(false)], [ip("224.0.0.18"), ip("ff02::12")]);
}

#[test]
fn what_does_not_fit_is_named() {
    let addresses = [ip("10.9.0.100")];
    let ours = Expected {
        version: VrrpVersion::V2,
        interval: ms(1000),
        password: Some(password("1111")),
        addresses: &addresses,
    };
    let packet = hex::decode(GOLDEN[0].hex).unwrap();
    let (from, to) = (ip("10.9.0.1"), ip("224.0.0.18"));
    let read = |packet: &[u8], expected: &Expected<'_>| Advert::decode(packet, from, to, expected).err();
    assert_eq!(read(&packet, &ours), None);
    let v3 = Expected { version: VrrpVersion::V3, ..ours.clone() };
    assert_eq!(read(&packet, &v3), Some(Mismatch::Version));
    let other = Expected { password: Some(password("2222")), ..ours.clone() };
    assert_eq!(read(&packet, &other), Some(Mismatch::Password));
    let open = Expected { password: None, ..ours.clone() };
    assert_eq!(read(&packet, &open), Some(Mismatch::Authentication));
    let slower = Expected { interval: ms(2000), ..ours.clone() };
    assert_eq!(read(&packet, &slower), Some(Mismatch::Interval));
    let more = [ip("10.9.0.100"), ip("10.9.0.101")];
    let more = Expected { addresses: &more, ..ours.clone() };
    assert_eq!(read(&packet, &more), Some(Mismatch::Addresses));
    let mut changed = packet.clone();
    changed[2] = 200;
    assert_eq!(read(&changed, &ours), Some(Mismatch::Checksum));
    assert_eq!(read(&packet[..15], &ours), Some(Mismatch::Malformed));
    assert_eq!(read(&[], &ours), Some(Mismatch::Malformed));
}

proptest! {
    #[test]
    fn noise_never_breaks_the_reader(noise in proptest::collection::vec(any::<u8>(), 0..1200), v6: bool, three: bool) {
        let (from, to) = if v6 { (ip("fe80::1"), ip("ff02::12")) } else { (ip("10.9.0.1"), ip("224.0.0.18")) };
        let version = if three { VrrpVersion::V3 } else { VrrpVersion::V2 };
        let expected = Expected { version, interval: ms(1000), password: None, addresses: &[] };
        let _ = Advert::decode(&noise, from, to, &expected);
    }
}
