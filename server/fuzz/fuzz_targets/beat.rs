//! Any bytes as a packet of the heartbeat or of VRRP: no panic, and what is not sealed with a known key is not opened.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use lvs::failover::vrrp::advert::{self, Advert, Expected};
use lvs::failover::{Beat, Key, Keyring};
use lvs::model::VrrpVersion;

fuzz_target!(|bytes: &[u8]| {
    let keys = Keyring::new(Key::new(1, [7; 32]), vec![Key::new(1, [7; 32]), Key::new(2, [9; 32])]);
    if let Ok(beat) = Beat::open(bytes, &keys) {
        assert_eq!(beat.seal(&keys).len(), bytes.len());
    }
    let own = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
    for version in [VrrpVersion::V2, VrrpVersion::V3] {
        for address in [own[0], IpAddr::V6(Ipv6Addr::LOCALHOST)] {
            let expected = Expected {
                version,
                interval: Duration::from_secs(1),
                password: Some(advert::password("secret")),
                addresses: &own,
            };
            let _ = Advert::decode(bytes, address, address, &expected);
        }
    }
    let _ = advert::virtual_router_id(bytes);
});
