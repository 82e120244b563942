//! Rules for how real servers are checked: what is asked, from where, and what comes of it.

use std::num::NonZeroU32;

use crate::fixture::rules::check;
use crate::fixture::{ip, scenario_a};
use lvs::model::{
    BodyMatch, Check, ClientIdentity, Cluster, Combine, CommandLine, Damping, DnsRecord, Forwarding, Header,
    HttpCheck, HttpMethod, LoadMonitor, LoadSource, MASK, Matching, Monitor, Protocol, Question, Quorum,
    Secret, SlowStart, SorryCheck, SorryServer, TlsOptions,
};

fn monitor(c: &mut Cluster) -> &mut Monitor {
    &mut c.virtual_servers[0].monitor
}

fn ask(c: &mut Cluster, question: Question) -> &mut Check {
    monitor(c).checks = vec![question.into()];
    &mut monitor(c).checks[0]
}

fn http(http: HttpCheck) -> Question {
    Question::Http(http)
}

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN EC PRIVATE KEY-----\nMIIB\n-----END EC PRIVATE KEY-----\n";

#[test]
fn questions() {
    check(&[
        (
            "an expression that never ends",
            |c| {
                let expect = Some("(".into());
                ask(c, Question::SendExpect { send: None, expect, matching: Matching::Regex });
            },
            &["check-pattern at /virtual_servers/0/monitor/checks/0/expect"],
        ),
        (
            "the same as a plain text",
            |c| {
                let expect = Some("(".into());
                ask(c, Question::SendExpect { send: None, expect, matching: Matching::Contains });
            },
            &[],
        ),
        (
            "programs that cannot be run",
            |c| {
                let command = |words: &[&str]| Question::Command {
                    command: CommandLine::new(words.iter().copied()),
                    weight: true,
                };
                let checks =
                    [command(&[]), command(&["/opt/../bin/x"]), command(&["x"]), command(&["/x", "\n"])];
                monitor(c).checks = checks.map(Check::from).to_vec();
            },
            &[
                "command-empty at /virtual_servers/0/monitor/checks/0/command",
                "check-program-path at /virtual_servers/0/monitor/checks/1/command",
                "command-path? at /virtual_servers/0/monitor/checks/2/command",
                "check-argument at /virtual_servers/0/monitor/checks/3/command",
            ],
        ),
        (
            "headers that are none, or have their own field",
            |c| {
                let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
                let headers = vec![header("X Y", "1"), header("X-A", "1\r\nX-B: 2"), header("host", "a")];
                ask(c, http(HttpCheck { headers, ..HttpCheck::default() }));
            },
            &[
                "check-header at /virtual_servers/0/monitor/checks/0/headers/0/name",
                "check-header at /virtual_servers/0/monitor/checks/0/headers/1/value",
                "check-header-own at /virtual_servers/0/monitor/checks/0/headers/2/name",
            ],
        ),
        (
            "a body where there is none, and nothing to look for",
            |c| {
                let body = Some(BodyMatch { text: String::new(), regex: true, absent: false });
                ask(c, http(HttpCheck { method: HttpMethod::Head, body, ..HttpCheck::default() }));
            },
            &[
                "check-body-empty at /virtual_servers/0/monitor/checks/0/body/text",
                "check-body-head at /virtual_servers/0/monitor/checks/0/method",
            ],
        ),
        (
            "TLS with everything right",
            |c| {
                let identity = ClientIdentity { certificate: CERTIFICATE.into(), key: Secret::new(KEY) };
                ask(
                    c,
                    Question::Tls {
                        tls: TlsOptions {
                            name: Some("shop.example".into()),
                            authorities: Some(CERTIFICATE.into()),
                            identity: Some(identity),
                            ..TlsOptions::default()
                        },
                    },
                );
            },
            &[],
        ),
        (
            "TLS with everything wrong",
            |c| {
                let identity = ClientIdentity { certificate: KEY.into(), key: Secret::new(MASK) };
                let tls = Some(TlsOptions {
                    name: Some("a b".into()),
                    verify: false,
                    expiry_days: 9_999,
                    authorities: Some("none".into()),
                    identity: Some(identity),
                    ..TlsOptions::default()
                });
                ask(c, http(HttpCheck { tls, ..HttpCheck::default() }));
            },
            &[
                "check-name at /virtual_servers/0/monitor/checks/0/tls/name",
                "check-expiry at /virtual_servers/0/monitor/checks/0/tls/expiry_days",
                "check-pem at /virtual_servers/0/monitor/checks/0/tls/authorities",
                "check-verify-off? at /virtual_servers/0/monitor/checks/0/tls/authorities",
                "check-pem at /virtual_servers/0/monitor/checks/0/tls/identity/certificate",
                "secret-masked at /virtual_servers/0/monitor/checks/0/tls/identity/key",
            ],
        ),
        (
            "answers that no such record has",
            |c| {
                let dns = |record, answer: &str| Question::Dns {
                    name: "a.example".into(),
                    record,
                    answer: Some(answer.into()),
                };
                let asked = [dns(DnsRecord::A, "::1"), dns(DnsRecord::Aaaa, "::1"), dns(DnsRecord::Mx, "")];
                monitor(c).checks = asked.map(Check::from).to_vec();
            },
            &[
                "check-answer at /virtual_servers/0/monitor/checks/0/answer",
                "check-answer at /virtual_servers/0/monitor/checks/2/answer",
            ],
        ),
        (
            "databases with odd names and an empty password",
            |c| {
                let postgres = Question::Postgres { user: String::new(), database: Some("a\0".into()) };
                let redis = Question::Redis { user: None, password: Some(Secret::new("")) };
                monitor(c).checks = [postgres, redis, Question::Mysql].map(Check::from).to_vec();
            },
            &[
                "check-user at /virtual_servers/0/monitor/checks/0/user",
                "check-user at /virtual_servers/0/monitor/checks/0/database",
                "check-secret at /virtual_servers/0/monitor/checks/1/password",
            ],
        ),
    ]);
}

#[test]
fn places() {
    check(&[
        (
            "a check with everything of its own",
            |c| {
                let check = ask(c, Question::Connect);
                check.port = Some(8080);
                check.source = Some(ip("10.0.0.10"));
                check.source_port = Some(1023);
                check.interface = "eth1".parse().ok();
                check.mark = NonZeroU32::new(9);
                (check.interval_ms, check.timeout_ms) = (Some(1_000), Some(800));
                (check.fall, check.retry_delay_ms) = (Some(3), Some(0));
            },
            &[],
        ),
        (
            "the same out of range",
            |c| {
                let check = ask(c, Question::Connect);
                (check.port, check.source_port) = (Some(0), Some(0));
                (check.interval_ms, check.timeout_ms) = (Some(99), Some(0));
                (check.fall, check.retry_delay_ms) = (Some(0), Some(86_400_001));
            },
            &[
                "monitor-port at /virtual_servers/0/monitor/checks/0/port",
                "monitor-port at /virtual_servers/0/monitor/checks/0/source_port",
                "monitor-interval at /virtual_servers/0/monitor/checks/0/interval_ms",
                "monitor-timeout at /virtual_servers/0/monitor/checks/0/timeout_ms",
                "monitor-tries at /virtual_servers/0/monitor/checks/0/fall",
                "monitor-interval at /virtual_servers/0/monitor/checks/0/retry_delay_ms",
            ],
        ),
        (
            "asked from the other family",
            |c| monitor(c).source = Some(ip("2001:db8::1")),
            &["monitor-source-family at /virtual_servers/0/monitor/source"],
        ),
        (
            "one address for all servers",
            |c| ask(c, Question::Connect).address = Some(ip("10.0.0.5")),
            &["check-address-service? at /virtual_servers/0/monitor/checks/0/address"],
        ),
        (
            "the mark of a service",
            |c| {
                c.virtual_servers[0].mark = NonZeroU32::new(7);
                monitor(c).mark = NonZeroU32::new(7);
            },
            &["monitor-mark-serves? at /virtual_servers/0/monitor/mark"],
        ),
        (
            "through the data path of NAT",
            |c| monitor(c).data_path = true,
            &["monitor-data-path at /virtual_servers/0/monitor/data_path"],
        ),
        (
            "through the data path of direct routing",
            |c| {
                monitor(c).data_path = true;
                for real in &mut c.virtual_servers[0].real_servers {
                    real.forwarding = Some(Forwarding::Direct);
                }
            },
            &[],
        ),
        (
            "through the data path of UDP",
            |c| {
                monitor(c).data_path = true;
                c.virtual_servers[0].protocol = Protocol::Udp;
                for real in &mut c.virtual_servers[0].real_servers {
                    real.forwarding = Some(Forwarding::Direct);
                }
            },
            &["monitor-data-path-protocol at /virtual_servers/0/monitor/data_path"],
        ),
        (
            "a web page of a UDP service",
            |c| {
                c.virtual_servers[0].protocol = Protocol::Udp;
                ask(c, http(HttpCheck::default()));
            },
            &["check-protocol? at /virtual_servers/0/monitor/checks/0/port"],
        ),
    ]);
}

#[test]
fn policies() {
    check(&[
        (
            "all of it",
            |c| {
                let monitor = monitor(c);
                monitor.damping = Some(Damping::default());
                monitor.slow_start = Some(SlowStart::piranha(6));
                monitor.load_monitor = Some(LoadMonitor::piranha(CommandLine::new(["uptime"])));
                monitor.spread_ms = Some(0);
            },
            &[],
        ),
        (
            "all of it out of range",
            |c| {
                let monitor = monitor(c);
                monitor.damping = Some(Damping { failures: 1, within_s: 0, hold_s: 86_401 });
                monitor.slow_start = Some(SlowStart { seconds: 0, ramp: Default::default() });
                let source = LoadSource::Http { port: 0, path: "load".into() };
                monitor.load_monitor = Some(LoadMonitor {
                    minimum_percent: 20,
                    maximum_percent: 10,
                    ..LoadMonitor::new(source)
                });
                monitor.spread_ms = Some(u32::MAX);
                monitor.combine = Combine::Any;
            },
            &[
                "damping-failures at /virtual_servers/0/monitor/damping/failures",
                "damping-time at /virtual_servers/0/monitor/damping/within_s",
                "damping-time at /virtual_servers/0/monitor/damping/hold_s",
                "slow-start-time at /virtual_servers/0/monitor/slow_start/seconds",
                "load-bounds at /virtual_servers/0/monitor/load_monitor/minimum_percent",
                "load-agent-port at /virtual_servers/0/monitor/load_monitor/port",
                "check-path at /virtual_servers/0/monitor/load_monitor/path",
                "monitor-spread at /virtual_servers/0/monitor/spread_ms",
                "monitor-any-one? at /virtual_servers/0/monitor/combine",
            ],
        ),
        (
            "a quorum of nothing",
            |c| c.virtual_servers[0].quorum = Quorum { weight: 0, hysteresis: 0 },
            &["quorum-weight at /virtual_servers/0/quorum/weight"],
        ),
        (
            "a quorum that cannot be lost",
            |c| c.virtual_servers[0].quorum = Quorum { weight: 1, hysteresis: 1 },
            &["quorum-hysteresis at /virtual_servers/0/quorum/hysteresis"],
        ),
        (
            "a quorum that cannot be regained",
            |c| c.virtual_servers[0].quorum = Quorum { weight: 2, hysteresis: 1 },
            &["quorum-unreachable? at /virtual_servers/0/quorum/weight"],
        ),
        (
            "nobody goes first",
            |c| c.virtual_servers[0].real_servers.iter_mut().for_each(|real| real.backup = true),
            &["backups-only? at /virtual_servers/0/real_servers"],
        ),
        (
            "a sorry server checked as nobody is",
            |c| {
                let sorry = SorryServer {
                    address: ip("10.0.0.99"),
                    port: None,
                    forwarding: None,
                    check: SorryCheck::Same,
                };
                c.virtual_servers[0].sorry_server = Some(sorry);
                monitor(c).checks.clear();
            },
            &["sorry-unchecked? at /virtual_servers/0/sorry_server/check"],
        ),
    ]);
}

#[test]
fn secrets_of_checks_are_masked_and_come_back() {
    let mut cluster = scenario_a();
    let identity = || Some(ClientIdentity { certificate: CERTIFICATE.into(), key: Secret::new(KEY) });
    let tls = TlsOptions { identity: identity(), ..TlsOptions::default() };
    let web = HttpCheck {
        authorization: Some(Secret::new("Bearer s3cret")),
        tls: Some(tls.clone()),
        ..HttpCheck::default()
    };
    let redis = Question::Redis { user: None, password: Some(Secret::new("s3cret-too")) };
    monitor(&mut cluster).checks = [http(web), Question::Tls { tls }, redis].map(Check::from).to_vec();
    let own = Question::Redis { user: None, password: Some(Secret::new("s3cret-own")) };
    cluster.virtual_servers[0].real_servers[1].monitor =
        Some(Monitor { checks: vec![own.into()], ..Monitor::default() });
    let masked = cluster.clone().masked();
    let json = serde_json::to_string(&masked).unwrap();
    assert!(!json.contains("s3cret") && !json.contains("EC PRIVATE KEY"), "{json}");
    assert_eq!(json.matches(MASK).count(), 5, "{json}");
    assert!(masked.findings().iter().any(|finding| finding.code.as_str() == "secret-masked"));
    assert_eq!(masked.clone().unmasked(&cluster), cluster);
    // Nothing stands behind the mask of a check that is new.
    let mut more = masked;
    let first = monitor(&mut more).checks.remove(0);
    monitor(&mut more).checks.push(first);
    let more = more.unmasked(&cluster);
    assert!(more.findings().iter().any(|finding| finding.code.as_str() == "secret-masked"));
}
