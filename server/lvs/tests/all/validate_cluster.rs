//! Rules for names, directors, redundancy and global settings.

use std::num::NonZeroU8;

use crate::fixture::rules::{check, found, tunnel};
use crate::fixture::{director, ip, scenario_a, scenario_b, scenario_d, virtual_server};
use lvs::model::{
    Cluster, ConnectionLimit, Forwarding, Id, MASK, NatRouter, Persistence, PriorityPair, RedundancyProtocol,
    Seat, Secret, TunnelChecksum, TunnelKind, Vip, Vrrp, VrrpInstance, VrrpVersion,
};

#[test]
fn real_deployments_are_fine() {
    for cluster in [scenario_a(), scenario_b(), scenario_d()] {
        assert_eq!(found(&cluster), Vec::<String>::new(), "{}", cluster.name);
    }
}

#[test]
fn names() {
    check(&[
        ("no cluster name", |c| c.name.clear(), &["name-missing at /name"]),
        ("64 characters, any script", |c| c.name = "名".repeat(64), &[]),
        ("65 characters", |c| c.name = "a".repeat(65), &["name-too-long at /name"]),
        ("the old pages' placeholder", |c| c.virtual_servers[0].name = "[server_name]".into(), &[]),
        ("blanks inside", |c| c.virtual_servers[0].name = "tcp [::1]:80".into(), &[]),
        ("a blank at the end", |c| c.name = "shop ".into(), &["name-blank-edge at /name"]),
        ("a slash", |c| c.name = "a/b".into(), &["name-character at /name"]),
        ("a line end", |c| c.name = "a\nb".into(), &["name-character at /name"]),
        (
            "a director is no file name",
            |c| c.directors[0].name = "director a".into(),
            &["name-character at /directors/0/name"],
        ),
        (
            "directors alike",
            |c| c.directors[1].name = "director-a".into(),
            &["name-taken at /directors/1/name"],
        ),
        (
            "virtual servers alike",
            |c| c.virtual_servers.push(virtual_server("http", "192.168.1.251", 80)),
            &["name-taken at /virtual_servers/1/name"],
        ),
        (
            "real servers alike",
            |c| c.virtual_servers[0].real_servers[1].name = "web1".into(),
            &["name-taken at /virtual_servers/0/real_servers/1/name"],
        ),
        (
            "real servers alike in two virtual servers",
            |c| {
                let mut other = virtual_server("https", "192.168.1.251", 443);
                other.real_servers = c.virtual_servers[0].real_servers.clone();
                c.virtual_servers.push(other);
            },
            &[],
        ),
        (
            "ids alike",
            |c| {
                for real in &mut c.virtual_servers[0].real_servers {
                    real.id = Id("rs_1".into());
                }
            },
            &["id-taken at /virtual_servers/0/real_servers/1/id"],
        ),
    ]);
}

#[test]
fn directors() {
    check(&[
        (
            "nobody",
            |c| {
                c.directors.clear();
                c.redundancy.enabled = false;
            },
            &["directors-missing? at /directors"],
        ),
        (
            "three",
            |c| c.directors.push(director("director-c", Seat::Backup, "192.168.1.30", None)),
            &["directors-too-many at /directors", "seat-taken at /directors/2/seat"],
        ),
        ("two primaries", |c| c.directors[1].seat = Seat::Primary, &["seat-taken at /directors/1/seat"]),
        (
            "a backup alone",
            |c| {
                c.directors.remove(0);
                c.redundancy.enabled = false;
            },
            &["seat-backup-alone at /directors/0/seat"],
        ),
        (
            "primary and backup set to the same address",
            |c| c.directors[1].public = Some(ip("192.168.1.10")),
            &["director-address-shared at /directors/1/public"],
        ),
        (
            "one's public is the other's private",
            |c| c.directors[1].private = Some(ip("192.168.1.10")),
            &["director-address-shared at /directors/1/private"],
        ),
        (
            "public and private alike",
            |c| c.directors[0].private = Some(ip("192.168.1.10")),
            &["director-address-twice? at /directors/0/private"],
        ),
        (
            "an address that the partner has to know",
            |c| c.directors[1].public = None,
            &["director-address-missing at /directors/1/public"],
        ),
        (
            "an address that nobody sends to",
            |c| {
                c.directors[1].public = None;
                c.redundancy.enabled = false;
            },
            &[],
        ),
        (
            "no address yet",
            |c| c.directors[0].public = Some(ip("0.0.0.0")),
            &["address-unspecified at /directors/0/public"],
        ),
        (
            "loopback",
            |c| c.directors[0].public = Some(ip("127.0.0.1")),
            &["address-loopback at /directors/0/public"],
        ),
        (
            "another family than the partner",
            |c| c.directors[1].public = Some(ip("2001:db8::20")),
            &["director-families at /directors/1/public"],
        ),
    ]);
}

#[test]
fn redundancy() {
    check(&[
        ("with one director", |c| drop(c.directors.pop()), &["redundancy-alone at /redundancy/enabled"]),
        ("no port", |c| c.redundancy.heartbeat_port = 0, &["heartbeat-port at /redundancy/heartbeat_port"]),
        (
            "an interval of nothing",
            |c| c.redundancy.interval_ms = 0,
            &["heartbeat-interval at /redundancy/interval_ms"],
        ),
        (
            "an interval of more than a minute",
            |c| (c.redundancy.interval_ms, c.redundancy.deadtime_ms) = (60_001, 180_003),
            &["heartbeat-interval at /redundancy/interval_ms"],
        ),
        (
            "dead before the next beat",
            |c| c.redundancy.deadtime_ms = 5_999,
            &["deadtime-too-short at /redundancy/deadtime_ms"],
        ),
        (
            "dead after two beats",
            |c| c.redundancy.deadtime_ms = 12_000,
            &["deadtime-short? at /redundancy/deadtime_ms"],
        ),
        ("dead after three", |c| c.redundancy.deadtime_ms = 18_000, &[]),
        (
            "dead after an hour",
            |c| c.redundancy.deadtime_ms = 3_600_000,
            &["deadtime-range at /redundancy/deadtime_ms"],
        ),
        (
            "a witness without a partner",
            |c| (c.redundancy.enabled, c.redundancy.witness) = (false, true),
            &["witness-alone? at /redundancy/witness"],
        ),
        ("a witness with time to answer", |c| c.redundancy.witness = true, &[]),
        (
            "a witness that can hardly answer in time",
            |c| {
                c.redundancy.witness = true;
                (c.redundancy.interval_ms, c.redundancy.deadtime_ms) = (100, 699);
            },
            &["witness-late? at /redundancy/witness"],
        ),
        (
            "a witness that can just answer in time",
            |c| {
                c.redundancy.witness = true;
                (c.redundancy.interval_ms, c.redundancy.deadtime_ms) = (100, 700);
            },
            &[],
        ),
        (
            "copied connections alone",
            |c| (c.redundancy.enabled, c.redundancy.sync.enabled) = (false, true),
            &["sync-alone? at /redundancy/sync/enabled"],
        ),
        (
            "a command without path, and an empty one",
            |c| {
                c.redundancy.active_cmd = Some("mail root".into());
                c.redundancy.inactive_cmd = Some("  ".into());
            },
            &["command-path? at /redundancy/active_cmd", "command-empty at /redundancy/inactive_cmd"],
        ),
    ]);
}

#[test]
fn vrrp() {
    fn instance(c: &mut Cluster) -> &mut VrrpInstance {
        c.redundancy.interval_ms = 1_000;
        let priority = |n| NonZeroU8::new(n).unwrap();
        c.redundancy.protocol = RedundancyProtocol::Vrrp(Vrrp {
            version: VrrpVersion::V2,
            instances: vec![VrrpInstance {
                name: "VI_1".into(),
                interface: "eth0".parse().unwrap(),
                virtual_router_id: priority(51),
                priority: PriorityPair { primary: priority(100), backup: priority(90) },
                password: Some(Secret::new("1111")),
                unicast: false,
                addresses: vec![ip("192.168.1.250")],
            }],
        });
        &mut vrrp(c).instances[0]
    }
    fn vrrp(c: &mut Cluster) -> &mut Vrrp {
        let RedundancyProtocol::Vrrp(vrrp) = &mut c.redundancy.protocol else { panic!("no VRRP") };
        vrrp
    }
    check(&[
        ("as keepalived has it", |c| _ = instance(c), &[]),
        (
            "multicast needs no addresses, and the deadtime is its own",
            |c| {
                _ = instance(c);
                c.directors[0].public = None;
                c.redundancy.deadtime_ms = 0;
            },
            &[],
        ),
        (
            "unicast does",
            |c| {
                instance(c).unicast = true;
                c.directors[0].public = None;
            },
            &["director-address-missing at /directors/0/public"],
        ),
        (
            "half a second in version 2",
            |c| {
                _ = instance(c);
                c.redundancy.interval_ms = 500;
            },
            &["vrrp-interval at /redundancy/interval_ms"],
        ),
        (
            "a password in version 3",
            |c| {
                _ = instance(c);
                vrrp(c).version = VrrpVersion::V3;
            },
            &["vrrp-password-unused? at /redundancy/protocol/instances/0/password"],
        ),
        (
            "passwords that are too long, or only the mask of one",
            |c| {
                instance(c).password = Some(Secret::new("123456789"));
                let mut other = vrrp(c).instances[0].clone();
                other.name = "VI_2".into();
                other.interface = "eth1".parse().unwrap();
                other.password = Some(Secret::new(MASK));
                vrrp(c).instances.push(other);
            },
            &[
                "vrrp-password at /redundancy/protocol/instances/0/password",
                "secret-masked at /redundancy/protocol/instances/1/password",
            ],
        ),
        (
            "one id twice, no addresses, the backup preferred",
            |c| {
                let mut other = instance(c).clone();
                other.addresses.clear();
                std::mem::swap(&mut other.priority.primary, &mut other.priority.backup);
                vrrp(c).instances.push(other);
            },
            &[
                "name-taken at /redundancy/protocol/instances/1/name",
                "vrrp-id-taken at /redundancy/protocol/instances/1/virtual_router_id",
                "vrrp-addresses at /redundancy/protocol/instances/1/addresses",
                "vrrp-priority? at /redundancy/protocol/instances/1/priority",
            ],
        ),
        (
            "two families in one",
            |c| instance(c).addresses.push(ip("2001:db8::1")),
            &["vrrp-families at /redundancy/protocol/instances/0/addresses"],
        ),
        (
            "nothing to speak for",
            |c| {
                _ = instance(c);
                vrrp(c).instances.clear();
            },
            &["vrrp-instance-missing at /redundancy/protocol/instances"],
        ),
        (
            "a patience of half an hour",
            |c| c.redundancy.preempt_delay_s = 1_800,
            &["preempt-delay at /redundancy/preempt_delay_s"],
        ),
        (
            "a gateway somewhere on the link",
            |c| c.redundancy.gateway = "fe80::1".parse().ok(),
            &["gateway-link-local at /redundancy/gateway"],
        ),
        (
            "a gateway of one's own",
            |c| c.redundancy.gateway = c.virtual_servers[0].vip.as_ref().map(|vip| vip.address),
            &["gateway-own at /redundancy/gateway"],
        ),
    ]);
}

#[test]
fn further_addresses() {
    let further = |address: &str, device: Option<&str>| Vip {
        address: ip(address),
        prefix: Some(24),
        device: device.map(|device| device.parse().unwrap()),
    };
    let mut cluster = scenario_a();
    cluster.redundancy.addresses = vec![
        further("192.168.1.251", Some("eth0:2")),
        further("192.168.1.20", None),
        further("0.0.0.0", Some("eth0")),
    ];
    assert_eq!(
        found(&cluster),
        [
            "address-device-missing at /redundancy/addresses/1/device",
            "address-of-director at /redundancy/addresses/1/address",
            "address-unspecified at /redundancy/addresses/2/address",
        ]
    );
}

#[test]
fn secrets_are_masked_and_come_back() {
    let mut cluster = scenario_a();
    let one = NonZeroU8::new(1).unwrap();
    cluster.redundancy.protocol = RedundancyProtocol::Vrrp(Vrrp {
        version: VrrpVersion::V2,
        instances: vec![VrrpInstance {
            name: "VI_1".into(),
            interface: "eth0".parse().unwrap(),
            virtual_router_id: one,
            priority: PriorityPair { primary: one, backup: one },
            password: Some(Secret::new("tiger")),
            unicast: false,
            addresses: Vec::new(),
        }],
    });
    let shown = cluster.clone().masked();
    assert!(!serde_json::to_string(&shown).unwrap().contains("tiger"));
    assert_eq!(shown.unmasked(&cluster), cluster);
}

#[test]
fn global_settings() {
    check(&[
        (
            "timeouts up to what the kernel can count",
            |c| {
                c.global.timeouts.tcp = Some(2_147_483);
                c.global.timeouts.udp = Some(0);
            },
            &[],
        ),
        (
            "a timeout beyond",
            |c| c.global.timeouts.tcpfin = Some(2_147_484),
            &["timeout-range at /global/timeouts/tcpfin"],
        ),
        (
            "a NAT router that nobody needs",
            |c| c.global.forwarding = Forwarding::Direct,
            &["nat-router-unused? at /global/nat_router"],
        ),
        (
            "a NAT router for one server",
            |c| {
                c.global.forwarding = Forwarding::Direct;
                c.virtual_servers[0].real_servers[0].forwarding = Some(Forwarding::Nat);
            },
            &[],
        ),
        (
            "a NAT router on a director's address",
            |c| c.global.nat_router.as_mut().unwrap().address = ip("10.0.0.20"),
            &["address-of-director at /global/nat_router/address"],
        ),
        (
            "a NAT router prefix",
            |c| c.global.nat_router.as_mut().unwrap().prefix = Some(33),
            &["prefix-range at /global/nat_router/prefix"],
        ),
        (
            "a tunnel as default, without port",
            |c| {
                c.global.nat_router = None;
                c.global.forwarding = tunnel(TunnelKind::Gue, 0, TunnelChecksum::None);
            },
            &["tunnel-port-missing at /global/forwarding/tunnel/port"],
        ),
    ]);
}

#[test]
fn one_director_may_lend_its_own_addresses() {
    let mut cluster = scenario_d();
    cluster.virtual_servers[0].vip.as_mut().unwrap().device = None;
    cluster.global.nat_router =
        Some(NatRouter { address: ip("192.168.81.141"), device: "ens34".parse().unwrap(), prefix: None });
    assert_eq!(found(&cluster), Vec::<String>::new());
}

#[test]
fn all_errors_at_once_and_in_sentences() {
    let mut cluster = scenario_a();
    cluster.directors[1].public = Some(ip("192.168.1.10"));
    cluster.global.timeouts.tcp = Some(u32::MAX);
    cluster.virtual_servers[0].real_servers[0].forwarding = Some(Forwarding::Direct);
    cluster.virtual_servers[0].real_servers[0].port = Some(8080);
    let said: Vec<String> = cluster.validate().unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "/directors/1/public: 192.168.1.10 is also an address of director director-a; each director needs its \
             own, or each takes itself for the other",
            "/global/timeouts/tcp: a session timeout is at most 2147483 seconds, not 4294967295; 0 leaves the \
             kernel's own",
            "/virtual_servers/0/real_servers/0/port: direct cannot change the port: 8080 here, 80 at the virtual \
             server; only NAT can",
        ]
    );
}

#[test]
fn a_pointer_leads_to_a_field_of_the_json() {
    let mut cluster = scenario_a();
    let real = &mut cluster.virtual_servers[0].real_servers[0];
    real.forwarding = Some(tunnel(TunnelKind::Gre, 6080, TunnelChecksum::Remote));
    real.limit = Some(ConnectionLimit { upper: 1, lower: 2 });
    cluster.virtual_servers[0].persistence = Some(Persistence { timeout_s: 0, prefix: Some(99) });
    cluster.directors[1].private = Some(ip("192.168.1.20"));
    cluster.redundancy.interval_ms = 0;
    let json = serde_json::to_value(&cluster).unwrap();
    let findings = cluster.findings();
    assert!(findings.len() > 5);
    for finding in findings {
        let pointer = finding.pointer().unwrap();
        assert!(json.pointer(pointer).is_some(), "{pointer}");
    }
}
