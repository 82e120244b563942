//! Machines of several kinds are made real servers, and made what they were.

use super::*;
use crate::table::{AddressRow, Link};

const VIP: &str = "192.168.1.250";

fn wanted(mode: Mode, vips: &[&str]) -> Wanted {
    Wanted { mode, vips: vips.iter().map(|vip| vip.parse().unwrap()).collect() }
}

fn machine(parameters: &[(&str, &str)], links: &[(&str, bool)]) -> Observed {
    let link = |up| Link { up, ..Link::default() };
    Observed {
        sysctls: parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        links: links.iter().map(|(name, up)| ((*name).to_owned(), link(*up))).collect(),
        ..Observed::default()
    }
}

fn usual() -> Observed {
    machine(
        &[
            ("net.ipv4.conf.all.arp_ignore", "0"),
            ("net.ipv4.conf.all.arp_announce", "0"),
            ("net.ipv4.conf.all.rp_filter", "1"),
        ],
        &[("lo", true), ("eth0", true)],
    )
}

/// Does what is planned, as a kernel does, and says it.
fn done(observed: &mut Observed, actions: &[Action]) -> Vec<String> {
    for action in actions {
        match action {
            Action::Provide(end) => {
                observed.links.insert(end.interface().to_owned(), Link::default());
                observed.sysctls.insert(reverse_path(end.interface()), "0".to_owned());
            }
            Action::Switch { interface, up } => observed.links.get_mut(interface).unwrap().up = *up,
            Action::Step(Step::SetSysctl { name, value }) => {
                observed.sysctls.insert(name.clone(), value.clone());
            }
            Action::Step(Step::AddAddress { key, .. }) => {
                observed.addresses.insert(key.clone(), AddressRow::default());
            }
            Action::Step(Step::RemoveAddress { key }) => drop(observed.addresses.remove(key)),
            Action::Step(other) => panic!("{other}"),
        }
    }
    actions.iter().map(ToString::to_string).collect()
}

fn go(observed: &mut Observed, record: &mut Record, wanted: Option<&Wanted>) -> Vec<String> {
    let (actions, next) = plan(wanted, observed, record).unwrap();
    *record = next;
    done(observed, &actions)
}

#[test]
fn direct_routing_is_set_up_in_order_once_and_undone() {
    let (mut machine, mut record) = (usual(), Record::default());
    let (before, direct) = (machine.clone(), wanted(Mode::Direct, &[VIP, "2001:db8::250"]));
    let said = go(&mut machine, &mut record, Some(&direct));
    assert_eq!(
        said,
        [
            "sysctl -w net.ipv4.conf.all.arp_ignore=1",
            "sysctl -w net.ipv4.conf.all.arp_announce=2",
            "ip addr add 192.168.1.250/32 dev lo",
            "ip addr add 2001:db8::250/128 dev lo nodad preferred_lft 0",
        ]
    );
    assert!(go(&mut machine, &mut record, Some(&direct)).is_empty(), "it is so already");
    // One address less: only that one goes.
    let less = wanted(Mode::Direct, &[VIP]);
    assert_eq!(go(&mut machine, &mut record, Some(&less)), ["ip addr del 2001:db8::250/128 dev lo"]);
    let said = go(&mut machine, &mut record, None);
    assert_eq!(said[0], "ip addr del 192.168.1.250/32 dev lo", "addresses before parameters");
    assert_eq!((machine, record), (before, Record::default()));
}

#[test]
fn a_tunnel_is_brought_switched_on_and_believed() {
    let (mut machine, mut record) = (usual(), Record::default());
    let tunnel = wanted(Mode::Tunnel, &[VIP]);
    // The end of the tunnels comes first; then its parameters are known.
    let first = plan(Some(&tunnel), &machine, &record).unwrap().0;
    assert!(first.contains(&Action::Provide(End::Tunl0)));
    done(&mut machine, &[Action::Provide(End::Tunl0)]);
    let mut before = machine.clone();
    assert_eq!(
        go(&mut machine, &mut record, Some(&tunnel)),
        [
            "sysctl -w net.ipv4.conf.all.arp_ignore=1",
            "sysctl -w net.ipv4.conf.all.arp_announce=2",
            "sysctl -w net.ipv4.conf.tunl0.rp_filter=2",
            "ip link set tunl0 up",
            "ip addr add 192.168.1.250/32 dev tunl0",
        ]
    );
    // To direct routing and back: what is not needed goes, what is needed stays.
    let direct = wanted(Mode::Direct, &[VIP]);
    assert_eq!(
        go(&mut machine, &mut record, Some(&direct)),
        [
            "ip addr del 192.168.1.250/32 dev tunl0",
            "ip addr add 192.168.1.250/32 dev lo",
            "ip link set tunl0 down",
            "sysctl -w net.ipv4.conf.tunl0.rp_filter=0",
        ]
    );
    go(&mut machine, &mut record, Some(&tunnel));
    // Somebody sets a parameter of ours to something else: theirs stays.
    machine.sysctls.insert("net.ipv4.conf.all.arp_ignore".to_owned(), "2".to_owned());
    before.sysctls.insert("net.ipv4.conf.all.arp_ignore".to_owned(), "2".to_owned());
    go(&mut machine, &mut record, None);
    assert_eq!((machine, record), (before, Record::default()));
}

#[test]
fn what_a_machine_has_already_is_never_taken_away() {
    let mut machine = machine(
        &[("net.ipv4.conf.all.arp_ignore", "2"), ("net.ipv4.conf.all.arp_announce", "2")],
        &[("lo", true)],
    );
    let direct = wanted(Mode::Direct, &[VIP]);
    machine.addresses.insert(key(Mode::Direct, VIP.parse().unwrap()), AddressRow::default());
    let mut record = Record::default();
    assert!(go(&mut machine, &mut record, Some(&direct)).is_empty());
    assert!(go(&mut machine, &mut record, None).is_empty());
    assert_eq!(machine.addresses.len(), 1);
}

#[test]
fn an_address_that_would_be_answered_for_is_refused_with_the_way_out() {
    let mut machine = usual();
    for (interface, prefix) in [("eth0", 24), ("lo", 24), ("tunl0", 32)] {
        machine.addresses.clear();
        let key = AddressKey { interface: interface.to_owned(), address: VIP.parse().unwrap(), prefix };
        machine.addresses.insert(key, AddressRow::default());
        let error = plan(Some(&wanted(Mode::Direct, &[VIP])), &machine, &Record::default()).unwrap_err();
        assert!(
            error.to_string().contains(&format!("ip addr del {VIP}/{prefix} dev {interface}")),
            "{error}"
        );
    }
    for wrong in ["127.0.0.1", "0.0.0.0", "224.0.0.18", "255.255.255.255", "::1", "ff02::1"] {
        let refused = plan(Some(&wanted(Mode::Direct, &[wrong])), &usual(), &Record::default());
        assert_eq!(refused, Err(Conflict::NoAddress(wrong.parse().unwrap())));
    }
}

#[test]
fn a_record_keeps_its_shape() {
    let (mut machine, mut record) = (usual(), Record::default());
    go(&mut machine, &mut record, Some(&wanted(Mode::Direct, &[VIP])));
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    assert_eq!(
        text,
        r#"{"parameters":{"net.ipv4.conf.all.arp_announce":{"before":"0","set":"2"},"net.ipv4.conf.all.arp_ignore":{"before":"0","set":"1"}},"addresses":["lo 192.168.1.250/32"],"links":[]}"#
    );
}
