//! Addresses, links and kernel parameters.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kernel::{Kind, Lease as _, LinuxLease};
use lvs::plan::Step;
use lvs::table::{AddressKey, AddressRow, DesiredAddress};

use crate::bench::{Bench, MAC};
use crate::namespace::run;

fn key(text: &str) -> AddressKey {
    text.parse().expect("an address key")
}

fn add(text: &str) -> Step {
    Step::AddAddress { key: key(text), row: DesiredAddress::default() }
}

fn remove(text: &str) -> Step {
    Step::RemoveAddress { key: key(text) }
}

fn labelled(text: &str, label: &str) -> Step {
    Step::AddAddress { key: key(text), row: DesiredAddress { label: Some(label.to_owned()) } }
}

/// Puts an address there as an administrator would.
fn foreign(bench: &mut Bench, text: &str) {
    let key = key(text);
    match &bench.memory {
        Some(memory) => memory.put_address(key, AddressRow::default()),
        None => {
            let address = format!("{}/{}", key.address, key.prefix);
            run(&["ip", "address", "add", &address, "dev", &key.interface]);
        }
    }
}

/// The IPv4 addresses and the global IPv6 ones of `cut0`, with what is special about each.
fn on_cut0(bench: &mut Bench) -> Vec<String> {
    let addresses = bench.observe(&[]).addresses;
    let shown = addresses
        .into_iter()
        .filter(|(key, _)| key.interface == "cut0" && !key.address.to_string().starts_with("fe80"));
    shown
        .map(|(key, row)| {
            let mut text = format!("{}/{}", key.address, key.prefix);
            if let Some(label) = row.label {
                text.push_str(&format!(" label {label}"));
            }
            for (word, on) in
                [(" ours", row.tagged), (" secondary", row.secondary), (" ends", row.valid_s.is_some())]
            {
                if on {
                    text.push_str(word);
                }
            }
            text
        })
        .collect()
}

pub(crate) fn addresses_come_and_go(bench: &mut Bench) {
    bench.link("cut0");
    foreign(bench, "cut0 198.51.100.1/24");
    bench.succeed(&[
        labelled("cut0 192.0.2.80/24", "cut0:1"),
        labelled("cut0 192.0.2.81/32", "cut0"),
        add("cut0 192.0.2.80/32"),
        labelled("cut0 2001:db8::80/128", "cut0:2"),
        add("cut0 2001:db8::81/64"),
    ]);
    assert_eq!(
        on_cut0(bench),
        [
            "192.0.2.80/24 label cut0:1 ours",
            "192.0.2.80/32 ours",
            "192.0.2.81/32 ours",
            "198.51.100.1/24",
            "2001:db8::80/128 ours",
            "2001:db8::81/64 ours",
        ]
    );
    if bench.memory.is_none() {
        let shown = run(&["ip", "-o", "address", "show", "dev", "cut0"]);
        let line = |address: &str| {
            shown
                .lines()
                .find(|line| line.contains(address))
                .unwrap_or_else(|| panic!("no {address} in {shown}"))
        };
        assert!(!line("192.0.2.80/24").contains("brd"), "no broadcast address: {shown}");
        for address in ["2001:db8::80/128", "2001:db8::81/64"] {
            assert!(line(address).contains("nodad deprecated"), "{shown}");
            assert!(line(address).contains("valid_lft forever preferred_lft 0sec"), "{shown}");
            assert!(!line(address).contains("tentative"), "{shown}");
        }
    }
    let writes = bench.kernel.writes();
    bench.succeed(&[
        remove("cut0 192.0.2.80/24"),
        remove("cut0 2001:db8::80/128"),
        remove("cut0 192.0.2.80/32"),
        remove("cut0 198.51.100.1/24"),
    ]);
    assert_eq!(bench.kernel.writes() - writes, 4);
    assert_eq!(on_cut0(bench), ["192.0.2.81/32 ours", "2001:db8::81/64 ours"]);
}

pub(crate) fn what_the_kernel_refuses_of_addresses(bench: &mut Bench) {
    bench.link("cut0");
    bench.succeed(&[add("cut0 192.0.2.80/32"), add("cut0 2001:db8::80/128")]);
    let cases = [
        (
            add("cut0 192.0.2.80/32"),
            Kind::Exists,
            "add address 192.0.2.80/32 to cut0: the interface has this address already",
        ),
        (
            add("cut0 2001:db8::80/64"),
            Kind::Exists,
            "add address 2001:db8::80/64 to cut0: the interface has this address already",
        ),
        (
            add("cut9 192.0.2.1/32"),
            Kind::Gone,
            "add address 192.0.2.1/32 to cut9: there is no interface cut9",
        ),
        (
            remove("cut9 192.0.2.1/32"),
            Kind::Gone,
            "remove address 192.0.2.1/32 from cut9: there is no interface cut9",
        ),
        (
            add("an-interface-name-too-long 192.0.2.1/32"),
            Kind::Gone,
            "add address 192.0.2.1/32 to an-interface-name-too-long: there is no interface an-interface-name-too-long",
        ),
        (
            remove("cut0 192.0.2.81/32"),
            Kind::Gone,
            "remove address 192.0.2.81/32 from cut0: the interface has no such address",
        ),
        (
            remove("cut0 192.0.2.80/24"),
            Kind::Gone,
            "remove address 192.0.2.80/24 from cut0: the interface has no such address",
        ),
        (
            remove("cut0 2001:db8::81/128"),
            Kind::Gone,
            "remove address 2001:db8::81/128 from cut0: the interface has no such address",
        ),
        (
            add("cut0 192.0.2.81/33"),
            Kind::Invalid,
            "add address 192.0.2.81/33 to cut0: the kernel refuses this address or prefix length",
        ),
        (
            add("cut0 2001:db8::81/129"),
            Kind::Invalid,
            "add address 2001:db8::81/129 to cut0: the kernel refuses this address or prefix length",
        ),
        (
            labelled("cut0 192.0.2.81/32", "cut0:12345678901"),
            Kind::Invalid,
            "add address 192.0.2.81/32 to cut0: the label is longer than 15 bytes",
        ),
    ];
    for (step, kind, words) in cases.clone() {
        bench.refuse(step, kind, words);
    }
    // All in one go, with one that works in between.
    let mut steps: Vec<Step> = cases.iter().map(|(step, _, _)| step.clone()).collect();
    steps.insert(5, add("cut0 192.0.2.82/32"));
    let mut words: Vec<&str> = cases.iter().map(|(_, _, words)| *words).collect();
    words.insert(5, "ok");
    assert_eq!(bench.apply(&steps), words);
    assert_eq!(on_cut0(bench), ["192.0.2.80/32 ours", "192.0.2.82/32 ours", "2001:db8::80/128 ours"]);
}

pub(crate) fn secondaries_vanish_with_their_primary(bench: &mut Bench) {
    bench.link("cut0");
    bench.succeed(&[Step::SetSysctl {
        name: "net.ipv4.conf.cut0.promote_secondaries".to_owned(),
        value: "0".to_owned(),
    }]);
    foreign(bench, "cut0 192.0.2.1/24");
    bench.succeed(&[add("cut0 192.0.2.80/24"), add("cut0 192.0.2.81/32"), add("cut0 192.0.2.82/24")]);
    assert_eq!(
        on_cut0(bench),
        [
            "192.0.2.1/24",
            "192.0.2.80/24 ours secondary",
            "192.0.2.81/32 ours",
            "192.0.2.82/24 ours secondary"
        ]
    );
    bench.succeed(&[remove("cut0 192.0.2.82/24"), remove("cut0 192.0.2.1/24")]);
    assert_eq!(on_cut0(bench), ["192.0.2.81/32 ours"]);
}

pub(crate) fn secondaries_are_promoted_where_the_parameter_says_so(bench: &mut Bench) {
    bench.link("cut0");
    foreign(bench, "cut0 192.0.2.1/24");
    bench.succeed(&[
        Step::SetSysctl { name: "net.ipv4.conf.cut0.promote_secondaries".to_owned(), value: "1".to_owned() },
        add("cut0 192.0.2.82/24"),
        add("cut0 192.0.2.80/24"),
        remove("cut0 192.0.2.1/24"),
    ]);
    assert_eq!(on_cut0(bench), ["192.0.2.80/24 ours secondary", "192.0.2.82/24 ours"]);
}

pub(crate) fn lifetimes_of_others_are_seen(bench: &mut Bench) {
    bench.link("cut0");
    match &bench.memory {
        Some(memory) => {
            memory.put_address(
                key("cut0 192.0.2.9/32"),
                AddressRow { valid_s: Some(1000), ..Default::default() },
            );
        }
        None => {
            run(&[
                "ip",
                "address",
                "add",
                "192.0.2.9/32",
                "dev",
                "cut0",
                "valid_lft",
                "1000",
                "preferred_lft",
                "1000",
            ]);
        }
    }
    let left = bench.observe(&[]).addresses[&key("cut0 192.0.2.9/32")].valid_s;
    assert!(left.is_some_and(|seconds| (900..=1000).contains(&seconds)), "{left:?}");
}

pub(crate) fn the_life_of_an_address_is_renewed_and_ends_without_its_network(bench: &mut Bench) {
    bench.link("cut0");
    let addresses: BTreeMap<AddressKey, DesiredAddress> = ["cut0 192.0.2.8/24", "cut0 2001:db8::8/64"]
        .map(|text| (key(text), DesiredAddress::default()))
        .into();
    let routes = || run(&["ip", "-6", "route", "show", "dev", "cut0", "2001:db8::/64"]);
    let before = bench.memory.is_none().then(|| {
        // The host's own, whose network it stays.
        run(&["ip", "address", "add", "2001:db8::1/64", "dev", "cut0", "nodad"]);
        routes()
    });
    let steps = addresses.keys().map(|key| add(&key.to_string()));
    bench.succeed(&steps.collect::<Vec<_>>());
    let life = Some(Duration::from_secs(1));
    for _ in 0..3 {
        match &mut bench.memory {
            Some(memory) => memory.renew(&addresses, life).unwrap(),
            None => LinuxLease::open().unwrap().renew(&addresses, life).unwrap(),
        }
        let seen = bench.observe(&[]).addresses;
        assert!(addresses.keys().all(|key| seen[key].valid_s.is_some_and(|left| left <= 1)), "{seen:?}");
    }
    let Some(before) = before else { return };
    assert!(before.contains("2001:db8::/64"), "{before}");
    assert_eq!(routes(), before, "while it lives");
    let begun = Instant::now();
    while bench.observe(&[]).addresses.contains_key(&key("cut0 2001:db8::8/64")) {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not end");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(routes(), before, "when it has ended");
}

pub(crate) fn parameters(bench: &mut Bench) {
    bench.link("cut0");
    let names = [
        "net.ipv4.ip_forward",
        "net.ipv4.conf.cut0.promote_secondaries",
        "net.ipv4.conf.cut9.promote_secondaries",
        "net.ipv4.no_such_parameter",
        "../../etc/passwd",
    ];
    let write = |name: &str, value: &str| Step::SetSysctl { name: name.to_owned(), value: value.to_owned() };
    bench.succeed(&[write(names[0], "0"), write(names[1], "0")]);
    let read = bench.observe(&names).sysctls;
    assert_eq!(
        read.into_iter().collect::<Vec<_>>(),
        [(names[1].to_owned(), "0".to_owned()), (names[0].to_owned(), "0".to_owned()),]
    );
    bench.succeed(&[write(names[0], "1"), write(names[1], "1")]);
    let read = bench.observe(&names).sysctls;
    assert_eq!((read[names[0]].as_str(), read[names[1]].as_str()), ("1", "1"));
    for name in &names[2..] {
        bench.refuse(
            write(name, "1"),
            Kind::Unsupported,
            &format!("set {name} to 1: the kernel has no such parameter"),
        );
    }
    bench.refuse(
        write(names[0], "often"),
        Kind::Invalid,
        "set net.ipv4.ip_forward to often: the kernel refuses this value",
    );
    assert_eq!(bench.observe(&names).sysctls[names[0]], "1");
}

pub(crate) fn links(bench: &mut Bench) {
    bench.link("cut0");
    let links = bench.observe(&[]).links;
    let cut0 = &links["cut0"];
    assert_eq!((cut0.up, cut0.carrier, cut0.mac.as_slice()), (true, true, MAC.as_slice()));
    assert!(cut0.index > 1);
    assert_eq!((links["lo"].index, links["lo"].up, links["lo"].mac.len()), (1, true, 0));
    match &bench.memory {
        Some(memory) => {
            memory.set_link("cut0", lvs::table::Link { up: false, carrier: false, ..cut0.clone() })
        }
        None => drop(run(&["ip", "link", "set", "cut0", "down"])),
    }
    let links = bench.observe(&[]).links;
    assert_eq!((links["cut0"].up, links["cut0"].carrier), (false, false));
    match &bench.memory {
        Some(memory) => memory.remove_link("cut0"),
        None => drop(run(&["ip", "link", "delete", "cut0"])),
    }
    assert!(!bench.observe(&[]).links.contains_key("cut0"));
}
