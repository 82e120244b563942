//! What an lvs.cf cannot express is refused, and kept texts stay in their place.

use super::*;
use crate::format::lvs_cf::read;
use crate::model::{
    CommandLine, ConnectionLimit, DnsRecord, HttpCheck, Matching, Protocol, Question, RedundancyProtocol,
    SchedulerFlag, Start, TlsOptions, Tunnel, TunnelKind, VirtualServer, Weight,
};
use crate::model::{Forwarding, Id, Monitor, Vip, Vrrp};

fn scenario() -> Cluster {
    read(include_str!("../../../../../testkit/fixtures/scenario-a.cf")).cluster.unwrap()
}

fn refused(change: impl FnOnce(&mut Cluster)) -> Vec<(String, &'static str)> {
    let mut cluster = scenario();
    change(&mut cluster);
    let findings = write(&cluster).expect_err("written");
    findings.iter().map(|f| (f.pointer().unwrap().to_owned(), f.code.as_str())).collect()
}

#[test]
fn what_the_original_cannot_express_is_refused_by_name() {
    fn on(server: impl FnOnce(&mut VirtualServer)) -> impl FnOnce(&mut Cluster) {
        |cluster| server(&mut cluster.virtual_servers[0])
    }
    let tunnel = |kind, port| Forwarding::Tunnel(Tunnel { kind, port, ..Tunnel::default() });
    type Case = (Box<dyn FnOnce(&mut Cluster)>, &'static str, &'static str);
    let cases: Vec<Case> = vec![
        (Box::new(|c| c.directors.clear()), "/directors", "export-director"),
        (Box::new(|c| c.directors[1].private = None), "/directors/1/private", "export-private"),
        (Box::new(|c| c.redundancy.interval_ms = 250), "/redundancy/interval_ms", "export-seconds"),
        (Box::new(|c| c.redundancy.deadtime_ms = 18_500), "/redundancy/deadtime_ms", "export-seconds"),
        (
            Box::new(|c| c.redundancy.sync.enabled = true),
            "/redundancy/sync/interface",
            "export-sync-interface",
        ),
        (
            Box::new(move |c| c.global.forwarding = tunnel(TunnelKind::Gre, 0)),
            "/global/forwarding",
            "export-tunnel",
        ),
        (Box::new(on(|v| v.scheduler = Scheduler::Mh)), "/virtual_servers/0/scheduler", "export-scheduler"),
        (
            Box::new(on(|v| {
                v.scheduler = Scheduler::Sh;
                v.scheduler_flags.insert(SchedulerFlag::Port);
            })),
            "/virtual_servers/0/scheduler_flags",
            "export-scheduler-flags",
        ),
        (
            Box::new(on(|v| {
                v.protocol = Protocol::Udp;
                v.one_packet = true;
            })),
            "/virtual_servers/0/one_packet",
            "export-one-packet",
        ),
        (Box::new(on(|v| v.protocol = Protocol::Sctp)), "/virtual_servers/0/protocol", "export-protocol"),
        (
            Box::new(on(|v| v.vip.as_mut().unwrap().device = None)),
            "/virtual_servers/0/vip/device",
            "export-device",
        ),
        (Box::new(on(|v| v.name = "my'shop".into())), "/virtual_servers/0/name", "export-name"),
        (
            Box::new(on(|v| v.monitor.checks = vec![Question::Connect.into()])),
            "/virtual_servers/0/monitor/checks/0",
            "export-connect-check",
        ),
        (
            Box::new(on(|v| {
                v.monitor.checks = vec![
                    Question::SendExpect {
                        send: Some("say \"hi\" now".into()),
                        expect: None,
                        matching: Matching::Prefix,
                    }
                    .into(),
                ];
            })),
            "/virtual_servers/0/monitor/checks/0/send",
            "export-value",
        ),
        (Box::new(on(|v| v.monitor.reentry_s = 0)), "/virtual_servers/0/monitor/reentry_s", "export-reentry"),
        (
            Box::new(on(|v| v.real_servers[1].weight = Weight(0))),
            "/virtual_servers/0/real_servers/1/weight",
            "export-weight",
        ),
        (
            Box::new(on(|v| {
                v.real_servers[0].limit = Some(ConnectionLimit { upper: 9, lower: 0 });
            })),
            "/virtual_servers/0/real_servers/0/limit",
            "export-limit",
        ),
        (
            Box::new(on(|v| v.real_servers[0].forwarding = Some(Forwarding::Direct))),
            "/virtual_servers/0/real_servers/0/forwarding",
            "export-forwarding",
        ),
        (
            Box::new(on(|v| {
                v.real_servers[0].forwarding = Some(Forwarding::Tunnel(Tunnel::default()));
                v.real_servers[0].address = "2001:db8::1".parse().unwrap();
            })),
            "/virtual_servers/0/real_servers/0/address",
            "export-family",
        ),
        (Box::new(on(|v| v.port = 0)), "/virtual_servers/0/port", "port-zero"),
        (
            Box::new(|c| {
                c.redundancy.enabled = false;
                c.directors[0].public = None;
            }),
            "/directors/0/public",
            "export-director-address",
        ),
        (
            Box::new(|c| c.redundancy.protocol = RedundancyProtocol::Vrrp(Vrrp::default())),
            "/redundancy/protocol",
            "export-vrrp",
        ),
        (Box::new(|c| c.redundancy.preempt = true), "/redundancy/preempt", "export-preempt"),
        (
            Box::new(|c| {
                let address = "192.168.1.251".parse().unwrap();
                let device = "eth0".parse().ok();
                c.redundancy.addresses.push(Vip { address, prefix: None, device });
            }),
            "/redundancy/addresses/0",
            "export-address",
        ),
        (
            Box::new(on(|v| v.monitor.checks.push(Question::Connect.into()))),
            "/virtual_servers/0/monitor/checks",
            "export-checks",
        ),
        (Box::new(on(|v| v.monitor = Monitor::none())), "/virtual_servers/0/monitor/checks", "export-checks"),
        (Box::new(on(|v| v.monitor.port = Some(81))), "/virtual_servers/0/monitor/port", "export-check-port"),
        (Box::new(on(|v| v.monitor.fall = 3)), "/virtual_servers/0/monitor/fall", "export-tries"),
        (Box::new(on(|v| v.monitor.rise = 2)), "/virtual_servers/0/monitor/rise", "export-tries"),
        (
            Box::new(on(|v| v.monitor.start = Start::Up)),
            "/virtual_servers/0/monitor/start",
            "export-start-up",
        ),
        (
            Box::new(on(|v| v.monitor.interval_ms = 2_000)),
            "/virtual_servers/0/monitor/interval_ms",
            "export-period",
        ),
        (
            Box::new(on(|v| v.real_servers[1].monitor = Some(Monitor::default()))),
            "/virtual_servers/0/real_servers/1/monitor",
            "export-check-own",
        ),
    ];
    for (change, pointer, code) in cases {
        let refused = refused(change);
        assert!(refused.contains(&(pointer.to_owned(), code)), "{pointer} {code}: {refused:?}");
    }
    for check in [
        Question::Command { command: CommandLine::new(["/bin/true"]), weight: false },
        Question::Http(HttpCheck::default()),
        Question::Smtp { helo: None },
        Question::Dns { name: ".".into(), record: DnsRecord::Soa, answer: None },
        Question::Udp { send: None, expect: None, reply_needed: false },
        Question::Ping,
        Question::Mysql,
        Question::Tls { tls: TlsOptions::default() },
    ] {
        let refused = refused(on(|v| v.monitor.checks = vec![check.into()]));
        assert_eq!(refused, [("/virtual_servers/0/monitor/checks/0".into(), "export-check")]);
    }
    let all = refused(|cluster| {
        cluster.redundancy.interval_ms = 250;
        cluster.virtual_servers[0].scheduler = Scheduler::Nq;
    });
    assert_eq!(all.len(), 2, "{all:?}");
}

#[test]
fn kept_texts_cannot_break_out_of_their_place() {
    let mut cluster = scenario();
    for (word, text) in [
        ("mode {", "1\nprimary = 203.0.113.9\n}"),
        ("failover a {", "}\nprimary = 203.0.113.9"),
        ("failover b {", "server x {"),
        ("failover c {\nprimary = 203.0.113.9\nd {", ""),
    ] {
        cluster.kept.insert(word.into(), text.into());
    }
    let text = write(&cluster).unwrap();
    assert!(
        text.lines().filter(|line| line.contains("203.0.113.9")).all(|line| line.starts_with("# ")),
        "{text}"
    );
    assert_eq!(read(&text).cluster.unwrap().directors, cluster.directors);
    cluster.kept.insert("debug_level".into(), "NONE\nprimary = 203.0.113.9".into());
    let text = write(&cluster).unwrap();
    assert!(text.contains("\n# debug_level = NONE\n# debug_level = primary = 203.0.113.9\n"), "{text}");
}

#[test]
fn what_only_the_console_has_is_named_and_left_out() {
    let said = |change: fn(&mut Cluster)| -> Vec<(String, &str)> {
        let mut cluster = scenario();
        change(&mut cluster);
        assert!(write(&cluster).is_ok());
        let pointer = |f: &Finding| f.pointer().unwrap_or_default().to_owned();
        left_out(&cluster).iter().map(|f| (pointer(f), f.code.as_str())).collect()
    };
    assert_eq!(said(|_| ()), []);
    assert_eq!(said(|c| c.name = "shop".into()), [("/name".into(), "export-names")]);
    assert_eq!(said(|c| c.directors[1].name = "lvs2".into()), [("/name".into(), "export-names")]);
    assert_eq!(said(|c| c.virtual_servers[0].id = Id("vs_1".into())), []);
    assert_eq!(said(|c| c.redundancy.witness = true), [("/redundancy/witness".into(), "export-isolation")]);
    assert_eq!(said(|c| c.global.drift = DriftPolicy::Hold), [("/global/drift".into(), "export-drift")]);
    let unused = |c: &mut Cluster| {
        c.redundancy.enabled = false;
        c.redundancy.interval_ms = 100;
    };
    assert_eq!(said(unused), [("/redundancy/interval_ms".into(), "export-timers-unused")]);
    let bare = |c: &mut Cluster| c.virtual_servers[0].vip.as_mut().unwrap().device = "eth0".parse().ok();
    assert_eq!(said(bare), [("/virtual_servers/0/vip/device".into(), "export-device-bare")]);
    let name = |code| [("/virtual_servers/0/name".to_owned(), code)];
    assert_eq!(said(|c| c.virtual_servers[0].name = "my shop".into()), name("export-name-blank"));
    assert_eq!(said(|c| c.virtual_servers[0].name = "é".repeat(64)), name("export-line"));
}

#[test]
fn a_name_with_blanks_stands_in_quotes_and_is_read_back() {
    let mut cluster = scenario();
    cluster.virtual_servers[0].name = "my shop".into();
    cluster.virtual_servers[0].real_servers[0].name = "first one".into();
    let text = write(&cluster).unwrap();
    assert!(
        text.contains("\nvirtual \"my shop\" {\n") && text.contains(" server \"first one\" {\n"),
        "{text}"
    );
    let reading = crate::format::lvs_cf::read_strict(&text, &crate::format::names::Names::default());
    assert_eq!(reading.findings, []);
    assert_eq!(reading.cluster.unwrap(), cluster);
}
