//! Announcements.

use std::net::IpAddr;

use kernel::Kind;
use kernel::frames::{self, ArpForm, Routing};
use lvs::table::Link;

use crate::bench::{Bench, MAC};
use crate::namespace::{Capture, run};

pub(crate) fn announcements(bench: &mut Bench) {
    let (v4, v6): (IpAddr, IpAddr) = ("192.0.2.80".parse().unwrap(), "2001:db8::80".parse().unwrap());
    if let Some(memory) = bench.memory.clone() {
        bench.link("cut0");
        bench.announcer.announce("cut0", v4).unwrap();
        bench.announcer.announce("cut0", v6).unwrap();
        assert_eq!(memory.announced(), [("cut0".to_owned(), v4), ("cut0".to_owned(), v6)]);
        return;
    }
    let (IpAddr::V4(ip4), IpAddr::V6(ip6)) = (v4, v6) else { panic!() };
    bench.link("cut0");
    let far = Capture::on("far0");
    bench.announcer.announce("cut0", v4).unwrap();
    let request = frames::gratuitous_arp(ArpForm::Request, MAC, ip4);
    let reply = frames::gratuitous_arp(ArpForm::Reply, MAC, ip4);
    far.wait_for("request", |frame| frame == request);
    far.wait_for("reply", |frame| frame == reply);
    bench.announcer.announce("cut0", v6).unwrap();
    let host = frames::neighbour_advertisement(Routing::Host, MAC, ip6);
    far.wait_for("advertisement of a host", |frame| frame == host);
    // A router stays a router in its neighbours' eyes.
    let forwarding = "net.ipv6.conf.cut0.forwarding".to_owned();
    bench.succeed(&[lvs::plan::Step::SetSysctl { name: forwarding, value: "1".to_owned() }]);
    bench.announcer.announce("cut0", v6).unwrap();
    let router = frames::neighbour_advertisement(Routing::Router, MAC, ip6);
    far.wait_for("advertisement of a router", |frame| frame == router);
    // The hardware address is the one of the moment.
    run(&["ip", "link", "set", "cut0", "address", "02:00:5e:00:00:52"]);
    bench.announcer.announce("cut0", v4).unwrap();
    let mut mac = MAC;
    mac[5] = 0x52;
    let changed = frames::gratuitous_arp(ArpForm::Request, mac, ip4);
    far.wait_for("request with the new hardware address", |frame| frame == changed);
}

pub(crate) fn what_cannot_be_announced(bench: &mut Bench) {
    let vip: IpAddr = "192.0.2.80".parse().unwrap();
    bench.link("cut0");
    match &bench.memory {
        Some(memory) => {
            memory.set_link("cut0", Link { index: 9, up: false, carrier: false, mac: MAC.to_vec() });
        }
        None => drop(run(&["ip", "link", "set", "cut0", "down"])),
    }
    let cases = [
        ("lo", Kind::Unsupported, "announce 192.0.2.80 on lo: lo has no Ethernet address"),
        ("cut9", Kind::Gone, "announce 192.0.2.80 on cut9: there is no such interface"),
        ("cut0", Kind::Transient, "announce 192.0.2.80 on cut0: the interface is down"),
    ];
    for (interface, kind, words) in cases {
        let error = bench.announcer.announce(interface, vip).unwrap_err();
        assert_eq!((error.kind, error.to_string().as_str()), (kind, words));
    }
}
