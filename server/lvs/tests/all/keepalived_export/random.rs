//! Random clusters with checks, names and redundancy of all kinds.

use lvs::model::{
    BodyMatch, Check, Cluster, CommandLine, DnsRecord, HttpCheck, HttpVersion, Matching, Monitor,
    PriorityPair, Question, Redundancy, RedundancyProtocol, Secret, Start, TlsOptions, Vrrp, VrrpInstance,
    VrrpVersion,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::clusters::number;
use crate::fixture::{ip, random};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~é北]{0,12}",
        select(vec![
            "}",
            "{",
            "$x",
            "${_PWD}",
            "~SEQ(x,1,2)",
            "a\\",
            "//",
            "\"a\"",
            "!",
            "#",
            "@x",
            "'a b'",
            "include x"
        ])
        .prop_map(str::to_owned),
    ]
}

fn check() -> impl Strategy<Value = Question> {
    let words = (text(), option::of(text()));
    prop_oneof![
        Just(Question::Connect),
        Just(Question::Ping),
        (words, any::<[bool; 2]>(), option::of(text())).prop_map(|((path, host), [tls, v1], body)| {
            Question::Http(HttpCheck {
                tls: tls.then(|| TlsOptions { send_name: v1, ..TlsOptions::default() }),
                path: format!("/{path}"),
                host,
                version: if v1 { HttpVersion::V1_0 } else { HttpVersion::V1_1 },
                body: body.map(|text| BodyMatch { text, regex: true, absent: false }),
                ..HttpCheck::default()
            })
        }),
        option::of(text()).prop_map(|helo| Question::Smtp { helo }),
        (text(), select(DnsRecord::ALL.to_vec())).prop_map(|(name, record)| Question::Dns {
            name,
            record,
            answer: None
        }),
        (option::of("([0-9a-f]{2}){1,4}"), option::of("([0-9a-fX]{2}){1,4}"), any::<bool>())
            .prop_map(|(send, expect, reply_needed)| Question::Udp { send, expect, reply_needed }),
        (text(), any::<bool>()).prop_map(|(text, weight)| Question::Command {
            command: CommandLine::new(["/bin/x", &text]),
            weight
        }),
        (option::of(text()), option::of(text())).prop_map(|(send, expect)| Question::SendExpect {
            send,
            expect,
            matching: Matching::Prefix
        }),
    ]
}

/// A check with times and a way of its own, now and then.
fn own() -> impl Strategy<Value = Check> {
    let times = (option::of(100..=86_400_000_u32), option::of(1..=3_600_000_u32), option::of(1..5_u32));
    let way = (option::of(1..=65_535_u16), any::<[bool; 3]>(), option::of(1..=65_535_u16));
    (check(), option::of((times, way)), 0..=86_400_000_u32).prop_map(|(question, own, retry_delay_ms)| {
        let check = Check::from(question);
        let Some(((interval_ms, timeout_ms, fall), (port, [address, interface, mark], source_port))) = own
        else {
            return check;
        };
        Check {
            port,
            source_port,
            address: address.then(|| ip("192.0.2.77")),
            interface: interface.then(|| "eth7".parse().unwrap()),
            mark: mark.then(|| 7.try_into().unwrap()),
            interval_ms,
            timeout_ms,
            fall,
            retry_delay_ms: fall.map(|_| retry_delay_ms),
            ..check
        }
    })
}

fn monitor() -> impl Strategy<Value = Monitor> {
    let times = (100..=86_400_000_u32, 1..=3_600_000_u32, 0..=86_400_000_u32);
    let more = (any::<bool>(), option::of(0..=86_400_000_u32), any::<bool>());
    (vec(own(), 0..3), option::of(1..=65_535_u16), times, 1..5_u32, more).prop_map(
        |(checks, port, (interval_ms, timeout_ms, retry_delay_ms), fall, (start_up, spread_ms, mark))| {
            Monitor {
                checks,
                port,
                interval_ms,
                timeout_ms,
                fall,
                retry_delay_ms,
                spread_ms,
                mark: mark.then(|| 8.try_into().unwrap()),
                start: if start_up { Start::Up } else { Start::Down },
                ..Monitor::default()
            }
        },
    )
}

fn redundancy() -> impl Strategy<Value = Redundancy> {
    let flags = any::<[bool; 5]>();
    let instance = (text(), 1..=255_u8, 2..=255_u8, option::of("[ -~]{1,8}"));
    (flags, 1..=4_000_u32, 1..=60_u32, instance, option::of(text()), 0..=1_000_u32).prop_map(
        |(
            [enabled, vrrp, preempt, links, v3],
            tens,
            times,
            (name, id, priority, password),
            command,
            delay,
        )| {
            let version = if v3 { VrrpVersion::V3 } else { VrrpVersion::V2 };
            let interval_ms = if vrrp && !v3 { tens.div_ceil(100) * 1_000 } else { tens * 10 };
            let instance = VrrpInstance {
                name,
                interface: "eth9".parse().unwrap(),
                virtual_router_id: number(id),
                priority: PriorityPair { primary: number(priority), backup: number(priority / 2) },
                password: password.map(Secret::new),
                unicast: links,
                addresses: vec![ip("192.0.2.1")],
            };
            Redundancy {
                enabled,
                interval_ms,
                deadtime_ms: (interval_ms * times).min(600_000),
                preempt,
                preempt_delay_s: delay,
                monitor_links: links,
                protocol: if vrrp {
                    RedundancyProtocol::Vrrp(Vrrp { version, instances: vec![instance] })
                } else {
                    RedundancyProtocol::Heartbeat
                },
                active_cmd: command.map(|text| format!("/bin/y {text}")),
                ..Redundancy::default()
            }
        },
    )
}

/// Clusters that keep every rule, with checks, names and redundancy of all kinds.
pub(crate) fn cluster() -> impl Strategy<Value = Cluster> {
    let monitors = vec((text(), monitor(), option::of(monitor())), 5);
    (random::cluster(), redundancy(), monitors).prop_filter_map(
        "not valid",
        |(valid, redundancy, monitors)| {
            let mut cluster = valid.into_cluster();
            cluster.redundancy = redundancy;
            for (index, (server, (name, monitor, own))) in
                cluster.virtual_servers.iter_mut().zip(monitors).enumerate()
            {
                server.name = format!("{index}{name}");
                server.monitor = monitor;
                if let Some(real) = server.real_servers.first_mut() {
                    real.name = format!("x{name}");
                    real.monitor = own;
                }
            }
            // Most texts break some rule; the rules are not what is looked at here.
            for pass in 0..3 {
                let wrong: Vec<String> = cluster
                    .findings()
                    .iter()
                    .filter(|finding| finding.severity == lvs::Severity::Error)
                    .filter_map(|finding| Some(finding.pointer()?.to_owned()))
                    .collect();
                for pointer in wrong {
                    mend(&mut cluster, &pointer, pass);
                }
            }
            cluster.validate().ok().map(lvs::ValidCluster::into_cluster)
        },
    )
}

/// Takes away what breaks a rule.
fn mend(cluster: &mut Cluster, pointer: &str, pass: usize) {
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    let index = |at: usize| parts.get(at).and_then(|part| part.parse::<usize>().ok());
    match (parts[0], index(1), index(3)) {
        ("virtual_servers", Some(server), real) => {
            let server = &mut cluster.virtual_servers[server];
            let monitor = match real.and_then(|real| server.real_servers.get_mut(real)) {
                Some(real) if parts.last() == Some(&"name") && parts.len() == 5 => {
                    real.name = format!("rs {pass}");
                    return;
                }
                Some(real) => real.monitor.get_or_insert_default(),
                None if parts.len() == 3 && parts[2] == "name" => {
                    server.name = format!("{} #{pass}", parts[1]);
                    return;
                }
                None => &mut server.monitor,
            };
            monitor.checks.clear();
        }
        ("redundancy", ..) => {
            cluster.redundancy.active_cmd = None;
            if let RedundancyProtocol::Vrrp(vrrp) = &mut cluster.redundancy.protocol {
                vrrp.instances[0].name = format!("VI {pass}!");
            }
        }
        _ => {}
    }
}
