//! Clusters that are written as keepalived.conf files: a VRRP pair, and one with all that keepalived can say.

use std::num::NonZeroU8;

use lvs::model::{
    BodyMatch, Check, Cluster, CommandLine, ConnectionSync, DnsRecord, HttpCheck, HttpVersion, Monitor,
    Persistence, PriorityPair, Question, Redundancy, RedundancyProtocol, Scheduler, Seat, Secret, Start,
    StatusRange, Timeouts, TlsOptions, Vip, Vrrp, VrrpInstance, VrrpVersion, Weight,
};

use crate::fixture::{director, ip, real_server, virtual_server};

pub(crate) fn number(n: u8) -> NonZeroU8 {
    NonZeroU8::new(n).unwrap()
}

/// Checks as keepalived can say them.
fn base() -> Monitor {
    Monitor { fall: 1, rise: 1, retry_delay_ms: 2_000, ..Monitor::default() }
}

/// A direct-routing pair that came from two keepalived.conf files: VRRP 51, a password, both begin as backup.
pub(crate) fn scenario_c() -> Cluster {
    let mut mysql = virtual_server("mysql", "192.168.132.120", 3306);
    mysql.scheduler = Scheduler::Rr;
    mysql.monitor = Monitor {
        interval_ms: 6_000,
        timeout_ms: 3_000,
        fall: 4,
        retry_delay_ms: 3_000,
        reentry_s: 0,
        start: Start::Up,
        ..base()
    };
    mysql.real_servers = vec![real_server("a", "192.168.132.121"), real_server("b", "192.168.132.122")];
    let mut cluster = Cluster { name: "mysql".into(), virtual_servers: vec![mysql], ..Cluster::default() };
    cluster.global.forwarding = lvs::model::Forwarding::Direct;
    cluster.directors = vec![
        director("LVS_MASTER", Seat::Primary, "192.168.132.123", None),
        director("LVS_BACKUP", Seat::Backup, "192.168.132.124", None),
    ];
    cluster.directors.iter_mut().for_each(|director| director.public = None);
    cluster.redundancy = Redundancy {
        enabled: true,
        interval_ms: 1_000,
        monitor_links: true,
        protocol: RedundancyProtocol::Vrrp(Vrrp {
            version: VrrpVersion::V2,
            instances: vec![VrrpInstance {
                name: "VI_1".into(),
                interface: "eth0".parse().unwrap(),
                virtual_router_id: number(51),
                priority: PriorityPair { primary: number(100), backup: number(90) },
                password: Some(Secret::new("1111")),
                unicast: false,
                addresses: vec![ip("192.168.132.120")],
            }],
        }),
        ..Redundancy::default()
    };
    cluster
}

/// Everything that keepalived can say about services, and two virtual routers that go together.
pub(crate) fn everything() -> Cluster {
    let mut cluster = scenario_c();
    cluster.global.timeouts = Timeouts { tcp: Some(900), tcpfin: None, udp: Some(0) };
    let redundancy = &mut cluster.redundancy;
    redundancy.preempt = true;
    redundancy.preempt_delay_s = 60;
    redundancy.sync = ConnectionSync { enabled: true, interface: "eth1".parse().ok(), id: 7 };
    redundancy.active_cmd = Some("/usr/local/sbin/on-active --cluster 'my shop'".into());
    redundancy.inactive_cmd = Some("/usr/local/sbin/on-standby \"a b\" $x \\d".into());
    redundancy.addresses =
        vec![Vip { address: ip("10.1.0.9"), prefix: Some(16), device: "eth1:gw".parse().ok() }];
    let RedundancyProtocol::Vrrp(vrrp) = &mut redundancy.protocol else { panic!("no VRRP") };
    let mut six = vrrp.instances[0].clone();
    six.name = "six # of them!".into();
    six.addresses = vec![ip("2001:db8::1"), ip("2001:db8::2")];
    six.password = None;
    vrrp.instances.push(six);
    let check = |question: Question| Monitor { checks: vec![question.into()], ..base() };
    let http = HttpCheck {
        tls: Some(TlsOptions::unverified()),
        path: "/up?q={a}#!".into(),
        host: Some("shop.example".into()),
        version: HttpVersion::V1_1,
        status: vec![StatusRange::new(200, 204).unwrap(), StatusRange::new(301, 301).unwrap()],
        digest: Some("9b3a0c85a887a256d6939da88aabd8cd".into()),
        body: Some(BodyMatch { text: "^\"ok\" \\d{3} \\$\\{x\\}$".into(), regex: true, absent: true }),
        ..HttpCheck::default()
    };
    let mut web = virtual_server("web #1", "2001:db8::1", 443);
    web.vip.as_mut().unwrap().prefix = Some(64);
    web.persistence = Some(Persistence { timeout_s: 360, prefix: Some(64) });
    web.quiesce = true;
    web.monitor = Monitor {
        checks: [Question::Http(http), Question::Connect, Question::Ping].map(Check::from).to_vec(),
        port: Some(8443),
        fall: 3,
        ..base()
    };
    for (n, monitor) in [
        None,
        Some(Monitor::none()),
        Some(check(Question::Smtp { helo: Some("lb.example".into()) })),
        Some(check(Question::Dns { name: "example.org".into(), record: DnsRecord::Aaaa, answer: None })),
        Some(check(Question::Udp {
            send: Some("00 fe".into()),
            expect: Some("00XX".into()),
            reply_needed: true,
        })),
        Some(check(Question::Udp { send: None, expect: None, reply_needed: true })),
        Some(check(Question::Command {
            command: CommandLine::new(["/usr/lib/check", "-H", "a b", "$x"]),
            weight: false,
        })),
        Some(Monitor { start: Start::Up, interval_ms: 250, timeout_ms: 5, ..base() }),
    ]
    .into_iter()
    .enumerate()
    {
        let mut real = real_server(&format!("rs {n}"), &format!("2001:db8:1::{n:x}0"));
        real.monitor = monitor;
        real.weight = Weight(u16::try_from(n).unwrap());
        web.real_servers.push(real);
    }
    let mut second = virtual_server("second", "2001:db8::2", 80);
    second.real_servers = vec![real_server("x", "2001:db8:1::99")];
    second.monitor = Monitor::none();
    let mut off = web.clone();
    off.name = "switched off".into();
    off.active = false;
    off.port = 444;
    off.monitor.checks = vec![
        Question::Program {
            command: CommandLine::new(["/bin/x", "%h"]),
            expect: Some("OK".into()),
            send: None,
            regex: false,
        }
        .into(),
    ];
    cluster.virtual_servers.extend([web, second, off]);
    cluster.virtual_servers[0].real_servers[1].active = false;
    cluster
}
