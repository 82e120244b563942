//! Rules for virtual servers, their addresses, real servers and sorry servers.

use std::num::NonZeroU32;

use crate::fixture::rules::{check, tunnel};
use crate::fixture::{ip, real_server, virtual_server};
use lvs::model::{
    Check, Cluster, CommandLine, ConnectionLimit, DnsRecord, Forwarding, HttpCheck, Monitor, Persistence,
    Protocol, Question, REAL_SERVERS_TRIED, Scheduler, SchedulerFlag, SorryServer, Tunnel, TunnelChecksum,
    TunnelKind,
};
use lvs::table::Family;

#[test]
fn virtual_addresses() {
    fn vip(c: &mut Cluster) -> &mut lvs::model::Vip {
        c.virtual_servers[0].vip.as_mut().unwrap()
    }
    check(&[
        (
            "neither address nor mark",
            |c| c.virtual_servers[0].vip = None,
            &["vip-missing at /virtual_servers/0/vip"],
        ),
        (
            "a mark is enough",
            |c| (c.virtual_servers[0].vip, c.virtual_servers[0].mark) = (None, NonZeroU32::new(5)),
            &[],
        ),
        ("prefix 0", |c| vip(c).prefix = Some(0), &["prefix-range at /virtual_servers/0/vip/prefix"]),
        ("prefix 32", |c| vip(c).prefix = Some(32), &[]),
        ("prefix 33", |c| vip(c).prefix = Some(33), &["prefix-range at /virtual_servers/0/vip/prefix"]),
        ("no device", |c| vip(c).device = None, &["vip-unmanaged? at /virtual_servers/0/vip/device"]),
        (
            "the address of one of two directors",
            |c| vip(c).address = ip("192.168.1.20"),
            &["address-of-director at /virtual_servers/0/vip/address"],
        ),
        (
            "a placeholder",
            |c| vip(c).address = ip("0.0.0.0"),
            &["address-unspecified at /virtual_servers/0/vip/address"],
        ),
        (
            "a placeholder, switched off",
            |c| {
                vip(c).address = ip("0.0.0.0");
                c.virtual_servers[0].active = false;
            },
            &["address-unspecified? at /virtual_servers/0/vip/address"],
        ),
        (
            "multicast",
            |c| vip(c).address = ip("224.0.0.1"),
            &["address-multicast at /virtual_servers/0/vip/address"],
        ),
        (
            "broadcast",
            |c| vip(c).address = ip("255.255.255.255"),
            &["address-broadcast at /virtual_servers/0/vip/address"],
        ),
        (
            "loopback",
            |c| vip(c).address = ip("127.0.0.1"),
            &["address-loopback? at /virtual_servers/0/vip/address"],
        ),
        (
            "IPv4 written as IPv6",
            |c| {
                vip(c).address = ip("::ffff:192.168.1.250");
                vip(c).device = Some("eth0".parse().unwrap());
                c.virtual_servers[0].real_servers.clear();
            },
            &["address-mapped at /virtual_servers/0/vip/address"],
        ),
        (
            "a label for IPv6",
            |c| {
                vip(c).address = ip("2001:db8::1");
                vip(c).prefix = Some(64);
                c.virtual_servers[0].real_servers.clear();
            },
            &["label-family at /virtual_servers/0/vip/device"],
        ),
        (
            "a family that the address contradicts",
            |c| {
                (c.virtual_servers[0].mark, c.virtual_servers[0].family) =
                    (NonZeroU32::new(5), Some(Family::Ipv6))
            },
            &["family-differs at /virtual_servers/0/family"],
        ),
        (
            "a family that nobody asks for",
            |c| c.virtual_servers[0].family = Some(Family::Ipv4),
            &["family-unused? at /virtual_servers/0/family"],
        ),
    ]);
}

#[test]
fn one_address_in_two_virtual_servers() {
    fn second(c: &mut Cluster) -> &mut lvs::model::VirtualServer {
        let mut server = c.virtual_servers[0].clone();
        (server.name, server.port) = ("https".into(), 443);
        c.virtual_servers.push(server);
        c.virtual_servers.last_mut().unwrap()
    }
    check(&[
        ("agreeing", |c| _ = second(c), &[]),
        (
            "another interface",
            |c| second(c).vip.as_mut().unwrap().device = Some("eth2".parse().unwrap()),
            &["device-differs at /virtual_servers/1/vip/device"],
        ),
        (
            "another label",
            |c| second(c).vip.as_mut().unwrap().device = Some("eth0:2".parse().unwrap()),
            &["label-differs? at /virtual_servers/1/vip/device"],
        ),
        (
            "another prefix",
            |c| second(c).vip.as_mut().unwrap().prefix = None,
            &["address-prefix-differs at /virtual_servers/1/vip/prefix"],
        ),
        (
            "another prefix, switched off",
            |c| {
                let server = second(c);
                server.vip.as_mut().unwrap().prefix = None;
                server.active = false;
            },
            &[],
        ),
        (
            "another address under the same label",
            |c| second(c).vip.as_mut().unwrap().address = ip("192.168.1.251"),
            &["label-taken at /virtual_servers/1/vip/device"],
        ),
        (
            "the NAT router's label",
            |c| c.virtual_servers[0].vip.as_mut().unwrap().device = Some("eth1:1".parse().unwrap()),
            &["label-taken at /virtual_servers/0/vip/device"],
        ),
        ("the same service", |c| second(c).port = 80, &["service-taken at /virtual_servers/1/port"]),
        (
            "the same service, switched off",
            |c| {
                let server = second(c);
                (server.port, server.active) = (80, false);
            },
            &[],
        ),
        (
            "the same port of another protocol",
            |c| {
                let server = second(c);
                (server.port, server.protocol) = (80, Protocol::Udp);
            },
            &[],
        ),
        (
            "the same mark",
            |c| {
                second(c).mark = NonZeroU32::new(5);
                c.virtual_servers[0].mark = NonZeroU32::new(5);
            },
            &["service-taken at /virtual_servers/1/mark"],
        ),
    ]);
}

#[test]
fn scheduling() {
    fn web(c: &mut Cluster) -> &mut lvs::model::VirtualServer {
        &mut c.virtual_servers[0]
    }
    fn persistence(timeout_s: u32, prefix: Option<u8>) -> Option<Persistence> {
        Some(Persistence { timeout_s, prefix })
    }
    check(&[
        ("all ports", |c| web(c).port = 0, &["port-zero at /virtual_servers/0/port"]),
        ("all ports, persistent", |c| (web(c).port, web(c).persistence) = (0, persistence(60, None)), &[]),
        ("all ports of a mark", |c| (web(c).port, web(c).mark) = (0, NonZeroU32::new(1)), &[]),
        ("31 days", |c| web(c).persistence = persistence(2_678_400, Some(1)), &[]),
        (
            "a second more",
            |c| web(c).persistence = persistence(2_678_401, None),
            &["persistence-range at /virtual_servers/0/persistence/timeout_s"],
        ),
        (
            "no time, no client",
            |c| web(c).persistence = persistence(0, Some(0)),
            &[
                "persistence-range at /virtual_servers/0/persistence/timeout_s",
                "prefix-range at /virtual_servers/0/persistence/prefix",
            ],
        ),
        (
            "an IPv6 granularity for IPv4",
            |c| web(c).persistence = persistence(60, Some(64)),
            &["prefix-range at /virtual_servers/0/persistence/prefix"],
        ),
        (
            "an IPv6 granularity for an IPv6 mark",
            |c| {
                *web(c) = virtual_server("mark", "2001:db8::1", 0);
                (web(c).vip, web(c).mark, web(c).family) = (None, NonZeroU32::new(6), Some(Family::Ipv6));
                web(c).persistence = persistence(60, Some(64));
            },
            &[],
        ),
        (
            "one packet of TCP",
            |c| web(c).one_packet = true,
            &["one-packet-protocol at /virtual_servers/0/one_packet"],
        ),
        ("one packet of UDP", |c| (web(c).one_packet, web(c).protocol) = (true, Protocol::Udp), &[]),
        (
            "a flag that wlc lacks",
            |c| web(c).scheduler_flags = [SchedulerFlag::Port].into(),
            &["scheduler-flag at /virtual_servers/0/scheduler_flags"],
        ),
        (
            "flags that mh has",
            |c| {
                web(c).scheduler = Scheduler::Mh;
                web(c).scheduler_flags = [SchedulerFlag::Port, SchedulerFlag::Fallback].into();
            },
            &[],
        ),
        (
            "a third flag",
            |c| {
                web(c).scheduler = Scheduler::Sh;
                web(c).scheduler_flags = [SchedulerFlag::Flag3].into();
            },
            &["scheduler-flag at /virtual_servers/0/scheduler_flags"],
        ),
        (
            "no time to check",
            |c| web(c).monitor.timeout_ms = 0,
            &["monitor-timeout at /virtual_servers/0/monitor/timeout_ms"],
        ),
        (
            "re-entry next week",
            |c| web(c).monitor.reentry_s = 604_800,
            &["monitor-reentry at /virtual_servers/0/monitor/reentry_s"],
        ),
        (
            "an endless question and a program from somewhere",
            |c| {
                web(c).monitor.checks = vec![
                    Question::Program {
                        command: CommandLine::new(["check", "%h"]),
                        expect: Some("(".into()),
                        send: Some("x".repeat(4_097)),
                        regex: false,
                    }
                    .into(),
                ];
            },
            &[
                "text-too-long at /virtual_servers/0/monitor/checks/0/send",
                "command-path? at /virtual_servers/0/monitor/checks/0/command",
            ],
        ),
        (
            "times and counts out of range",
            |c| {
                let monitor = &mut web(c).monitor;
                monitor.interval_ms = 99;
                monitor.fall = 0;
                monitor.rise = 1_001;
                monitor.port = Some(0);
            },
            &[
                "monitor-interval at /virtual_servers/0/monitor/interval_ms",
                "monitor-tries at /virtual_servers/0/monitor/fall",
                "monitor-tries at /virtual_servers/0/monitor/rise",
                "monitor-port at /virtual_servers/0/monitor/port",
            ],
        ),
        (
            "a real server's own checks, of which none can be asked",
            |c| {
                let web = |path: &str, host: &str, digest: &str| {
                    Question::Http(HttpCheck {
                        path: path.into(),
                        host: Some(host.into()),
                        digest: Some(digest.into()),
                        ..HttpCheck::default()
                    })
                };
                let udp = |bytes: &str| Question::Udp {
                    send: Some(bytes.into()),
                    expect: Some("0X ff".into()),
                    reply_needed: true,
                };
                let checks = [
                    web("/ HTTP/1.1\r\nX: y", "a b", "abc"),
                    udp("abc"),
                    Question::Dns { name: String::new(), record: DnsRecord::A, answer: None },
                    Question::Smtp { helo: Some("a\nb".into()) },
                ]
                .map(Check::from)
                .to_vec();
                let own = Monitor { checks, ..Monitor::default() };
                c.virtual_servers[0].real_servers[0].monitor = Some(own);
            },
            &[
                "check-path at /virtual_servers/0/real_servers/0/monitor/checks/0/path",
                "check-name at /virtual_servers/0/real_servers/0/monitor/checks/0/host",
                "check-digest at /virtual_servers/0/real_servers/0/monitor/checks/0/digest",
                "check-bytes at /virtual_servers/0/real_servers/0/monitor/checks/1/send",
                "check-name at /virtual_servers/0/real_servers/0/monitor/checks/2/name",
                "check-name at /virtual_servers/0/real_servers/0/monitor/checks/3/helo",
            ],
        ),
        (
            "more checks than anybody needs",
            |c| web(c).monitor.checks = vec![Question::Ping.into(); 17],
            &["checks-many at /virtual_servers/0/monitor/checks"],
        ),
    ]);
}

#[test]
fn real_servers() {
    fn web1(c: &mut Cluster) -> &mut lvs::model::RealServer {
        &mut c.virtual_servers[0].real_servers[0]
    }
    fn forward(c: &mut Cluster, forwarding: Forwarding) -> &mut lvs::model::RealServer {
        web1(c).forwarding = Some(forwarding);
        web1(c)
    }
    const IPIP: Forwarding =
        Forwarding::Tunnel(Tunnel { kind: TunnelKind::Ipip, port: 0, checksum: TunnelChecksum::None });
    check(&[
        ("NAT to another port", |c| web1(c).port = Some(8080), &[]),
        (
            "direct routing to another port",
            |c| forward(c, Forwarding::Direct).port = Some(8080),
            &["port-rewrite at /virtual_servers/0/real_servers/0/port"],
        ),
        ("direct routing to the same port", |c| forward(c, Forwarding::Direct).port = Some(80), &[]),
        (
            "a tunnel to another port",
            |c| forward(c, IPIP).port = Some(8080),
            &["port-rewrite at /virtual_servers/0/real_servers/0/port"],
        ),
        (
            "a tunnel by the cluster's setting",
            |c| {
                c.global.nat_router = None;
                c.global.forwarding = IPIP;
                web1(c).port = Some(8080);
            },
            &["port-rewrite at /virtual_servers/0/real_servers/0/port"],
        ),
        (
            "direct routing of a mark",
            |c| {
                c.virtual_servers[0].mark = NonZeroU32::new(5);
                forward(c, Forwarding::Direct).port = Some(8080);
            },
            &["port-unused? at /virtual_servers/0/real_servers/0/port"],
        ),
        (
            "the same server twice",
            |c| c.virtual_servers[0].real_servers[1].address = ip("10.0.0.100"),
            &["server-taken at /virtual_servers/0/real_servers/1/address"],
        ),
        (
            "the same server on two ports",
            |c| {
                c.virtual_servers[0].real_servers[1].address = ip("10.0.0.100");
                c.virtual_servers[0].real_servers[1].port = Some(8080);
            },
            &[],
        ),
        (
            "the same server twice, once switched off",
            |c| {
                c.virtual_servers[0].real_servers[1].address = ip("10.0.0.100");
                c.virtual_servers[0].real_servers[1].active = false;
            },
            &[],
        ),
        ("the director itself", |c| web1(c).address = ip("127.0.0.1"), &[]),
        (
            "no address yet",
            |c| web1(c).address = ip("0.0.0.0"),
            &["address-unspecified at /virtual_servers/0/real_servers/0/address"],
        ),
        (
            "no address yet, switched off",
            |c| (web1(c).address, web1(c).active) = (ip("0.0.0.0"), false),
            &["address-unspecified? at /virtual_servers/0/real_servers/0/address"],
        ),
        (
            "IPv6 behind IPv4 by NAT",
            |c| web1(c).address = ip("2001:db8::100"),
            &["family-needs-tunnel at /virtual_servers/0/real_servers/0/address"],
        ),
        ("IPv6 behind IPv4 by tunnel", |c| forward(c, IPIP).address = ip("2001:db8::100"), &[]),
        (
            "the same while connections are copied",
            |c| {
                forward(c, IPIP).address = ip("2001:db8::100");
                c.redundancy.sync.enabled = true;
            },
            &["family-with-sync at /virtual_servers/0/real_servers/0/address"],
        ),
        (
            "GUE without port",
            |c| _ = forward(c, tunnel(TunnelKind::Gue, 0, TunnelChecksum::Remote)),
            &["tunnel-port-missing at /virtual_servers/0/real_servers/0/forwarding/tunnel/port"],
        ),
        ("GUE", |c| _ = forward(c, tunnel(TunnelKind::Gue, 6080, TunnelChecksum::Remote)), &[]),
        ("GRE", |c| _ = forward(c, tunnel(TunnelKind::Gre, 0, TunnelChecksum::Full)), &[]),
        (
            "GRE with port and remote checksum",
            |c| _ = forward(c, tunnel(TunnelKind::Gre, 6080, TunnelChecksum::Remote)),
            &[
                "tunnel-port-unused at /virtual_servers/0/real_servers/0/forwarding/tunnel/port",
                "tunnel-checksum at /virtual_servers/0/real_servers/0/forwarding/tunnel/checksum",
            ],
        ),
        (
            "IP in IP with checksum",
            |c| _ = forward(c, tunnel(TunnelKind::Ipip, 0, TunnelChecksum::Full)),
            &["tunnel-checksum at /virtual_servers/0/real_servers/0/forwarding/tunnel/checksum"],
        ),
        ("limits", |c| web1(c).limit = Some(ConnectionLimit { upper: 1, lower: 1 }), &[]),
        (
            "no connection at all",
            |c| web1(c).limit = Some(ConnectionLimit { upper: 0, lower: 0 }),
            &["limit-upper at /virtual_servers/0/real_servers/0/limit/upper"],
        ),
        (
            "limits the wrong way round",
            |c| web1(c).limit = Some(ConnectionLimit { upper: 1, lower: 2 }),
            &["limit-order at /virtual_servers/0/real_servers/0/limit/lower"],
        ),
        (
            "more than was tried",
            |c| {
                c.virtual_servers[0].real_servers = (0..=REAL_SERVERS_TRIED)
                    .map(|n| real_server(&format!("web{n}"), &format!("10.1.{}.{}", n / 256, n % 256)))
                    .collect();
            },
            &["real-servers-many? at /virtual_servers/0/real_servers"],
        ),
    ]);
}

#[test]
fn sorry_servers() {
    fn sorry(c: &mut Cluster, address: &str, port: Option<u16>, forwarding: Option<Forwarding>) {
        c.virtual_servers[0].sorry_server =
            Some(SorryServer { address: ip(address), port, forwarding, check: Default::default() });
    }
    check(&[
        ("the director itself, on another port", |c| sorry(c, "127.0.0.1", Some(8080), None), &[]),
        (
            "direct routing to another port",
            |c| sorry(c, "10.0.0.9", Some(8080), Some(Forwarding::Direct)),
            &["port-rewrite at /virtual_servers/0/sorry_server/port"],
        ),
        (
            "another family",
            |c| sorry(c, "2001:db8::9", None, None),
            &["family-needs-tunnel at /virtual_servers/0/sorry_server/address"],
        ),
        (
            "a tunnel without port",
            |c| sorry(c, "10.0.0.9", None, Some(tunnel(TunnelKind::Gue, 0, TunnelChecksum::None))),
            &["tunnel-port-missing at /virtual_servers/0/sorry_server/forwarding/tunnel/port"],
        ),
    ]);
}
