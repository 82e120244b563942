//! Machines of several kinds are made real servers, and made what they were.

use super::*;
use crate::table::{AddressRow, Family, Link};

const VIP: &str = "192.168.1.250";
const TUNNEL: Mode = Mode::Tunnel(Encapsulation::Ipip);

fn wanted(mode: Mode, vips: &[&str]) -> Wanted {
    Wanted { mode, vips: vips.iter().map(|vip| vip.parse().unwrap()).collect() }
}

fn machine(parameters: &[(&str, &str)], links: &[(&str, bool)]) -> Machine {
    let link = |up| Link { up, ..Link::default() };
    let observed = Observed {
        sysctls: parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        links: links.iter().map(|(name, up)| ((*name).to_owned(), link(*up))).collect(),
        ..Observed::default()
    };
    Machine { observed, gue: None }
}

fn usual() -> Machine {
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
fn done(machine: &mut Machine, actions: &[Action]) -> Vec<String> {
    let Machine { observed, gue } = machine;
    for action in actions {
        match action {
            Action::Provide(End::Fou) => drop(gue.get_or_insert_default()),
            Action::Provide(end) => {
                observed.links.insert(end.name().to_owned(), Link::default());
                if end.has_reverse_path() {
                    observed.sysctls.insert(reverse_path(end.name()), "0".to_owned());
                }
            }
            Action::Listen { port, on: true } => assert!(gue.as_mut().unwrap().insert(*port)),
            Action::Listen { port, on: false } => assert!(gue.as_mut().unwrap().remove(port)),
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

fn go(machine: &mut Machine, record: &mut Record, wanted: Option<&Wanted>) -> Vec<String> {
    let (actions, next) = plan(wanted, machine, record).unwrap();
    *record = next;
    done(machine, &actions)
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
    let tunnel = wanted(TUNNEL, &[VIP]);
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
    machine.observed.sysctls.insert("net.ipv4.conf.all.arp_ignore".to_owned(), "2".to_owned());
    before.observed.sysctls.insert("net.ipv4.conf.all.arp_ignore".to_owned(), "2".to_owned());
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
    machine.observed.addresses.insert(key(&direct, VIP.parse().unwrap()), AddressRow::default());
    let mut record = Record::default();
    assert!(go(&mut machine, &mut record, Some(&direct)).is_empty());
    assert!(go(&mut machine, &mut record, None).is_empty());
    assert_eq!(machine.observed.addresses.len(), 1);
}

#[test]
fn an_address_that_would_be_answered_for_is_refused_with_the_way_out() {
    let mut machine = usual();
    for (interface, prefix) in [("eth0", 24), ("lo", 24), ("tunl0", 32)] {
        machine.observed.addresses.clear();
        let key = AddressKey { interface: interface.to_owned(), address: VIP.parse().unwrap(), prefix };
        machine.observed.addresses.insert(key, AddressRow::default());
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

/// Tunnels of every kind: what is brought first, what is said then, and that undoing it leaves what was there.
fn brought(encapsulation: Encapsulation, vips: &[&str], ends: &[End]) -> Vec<String> {
    let (mut machine, mut record) = (usual(), Record::default());
    let tunnel = wanted(Mode::Tunnel(encapsulation), vips);
    let first = plan(Some(&tunnel), &machine, &record).unwrap().0;
    let asked: Vec<Action> =
        first.into_iter().filter(|action| matches!(action, Action::Provide(_))).collect();
    assert_eq!(asked, ends.iter().map(|end| Action::Provide(*end)).collect::<Vec<_>>());
    done(&mut machine, &asked);
    let before = machine.clone();
    let said = go(&mut machine, &mut record, Some(&tunnel));
    assert!(go(&mut machine, &mut record, Some(&tunnel)).is_empty(), "it is so already");
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    go(&mut machine, &mut record, None);
    assert_eq!((machine, record), (before, Record::default()));
    said
}

#[test]
fn gue_is_taken_on_its_port_and_comes_out_as_ip_in_ip() {
    let gue = Encapsulation::Gue { port: 6080 };
    let said = brought(gue, &[VIP, "2001:db8::250"], &[End::Tunl0, End::Ip6tnl0, End::Fou]);
    assert_eq!(
        said[2..],
        [
            "sysctl -w net.ipv4.conf.tunl0.rp_filter=2",
            "ip link set tunl0 up",
            "ip link set ip6tnl0 up",
            "ip fou add port 6080 gue",
            "ip -6 fou add port 6080 gue",
            "ip addr add 2001:db8::250/128 dev ip6tnl0 nodad preferred_lft 0",
            "ip addr add 192.168.1.250/32 dev tunl0",
        ]
    );
    let refused = plan(
        Some(&wanted(Mode::Tunnel(Encapsulation::Gue { port: 0 }), &[VIP])),
        &usual(),
        &Record::default(),
    );
    assert_eq!(refused, Err(Conflict::NoPort));
}

#[test]
fn gre_comes_out_of_ends_of_its_own() {
    let said = brought(Encapsulation::Gre, &[VIP, "2001:db8::250"], &[End::Gre0, End::Ip6gre0]);
    assert_eq!(
        said[2..],
        [
            "sysctl -w net.ipv4.conf.gre0.rp_filter=2",
            "ip link set gre0 up",
            "ip link set ip6gre0 up",
            "ip addr add 192.168.1.250/32 dev gre0",
            "ip addr add 2001:db8::250/128 dev ip6gre0 nodad preferred_lft 0",
        ]
    );
}

#[test]
fn a_port_that_somebody_else_listens_on_stays_and_another_one_follows_the_setting() {
    let (mut machine, mut record) = (usual(), Record::default());
    let on = |port| GuePort { port, family: Family::Ipv4 };
    let with = |port| wanted(Mode::Tunnel(Encapsulation::Gue { port }), &[VIP]);
    done(&mut machine, &[Action::Provide(End::Tunl0)]);
    machine.gue = Some([on(5555)].into());
    assert!(!go(&mut machine, &mut record, Some(&with(5555))).iter().any(|line| line.contains("fou")));
    assert_eq!(go(&mut machine, &mut record, Some(&with(6080))), ["ip fou add port 6080 gue"]);
    assert_eq!(
        go(&mut machine, &mut record, Some(&with(6081))),
        ["ip fou add port 6081 gue", "ip fou del port 6080"]
    );
    // Back to plain IP-in-IP: only the port goes.
    assert_eq!(go(&mut machine, &mut record, Some(&wanted(TUNNEL, &[VIP]))), ["ip fou del port 6081"]);
    assert_eq!(machine.gue, Some([on(5555)].into()), "somebody else's");
    assert!(record.gue.is_empty());
}
