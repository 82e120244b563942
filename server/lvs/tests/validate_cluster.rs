//! Rules for names, directors, redundancy and global settings.

mod fixture;

use fixture::rules::{check, found, tunnel};
use fixture::{director, ip, scenario_a, scenario_b, scenario_d, virtual_server};
use lvs::model::{ConnectionLimit, Forwarding, Id, NatRouter, Persistence, Seat, TunnelChecksum, TunnelKind};

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
            |c| c.directors[1].public = ip("192.168.1.10"),
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
            "no address yet",
            |c| c.directors[0].public = ip("0.0.0.0"),
            &["address-unspecified at /directors/0/public"],
        ),
        (
            "loopback",
            |c| c.directors[0].public = ip("127.0.0.1"),
            &["address-loopback at /directors/0/public"],
        ),
        (
            "another family than the partner",
            |c| c.directors[1].public = ip("2001:db8::20"),
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
    cluster.directors[1].public = ip("192.168.1.10");
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
