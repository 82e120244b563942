//! A director that is cut off itself: what it cannot hear is not held against its servers.

use lvs::failover::{Concern, Refused};
use lvs::health::{Ask, Checker, Failure, Outcome, Phase, ProgramFailure, Trouble, Verdict};
use lvs::model::{Check, Monitor, Question};
use lvs::wire::{State, Status};

use super::desk::{Desk, down, s, up};
use super::services::{cluster, server, web};

fn silent() -> Outcome {
    Outcome::Down(Failure::TimedOut { phase: Phase::Connect })
}

/// A standby of two servers that both answered.
fn standby() -> Desk {
    let mut desk = Desk::new(cluster(false));
    for last in [1, 2] {
        desk.result(web(), server(last), 0, &up(), s(1));
    }
    desk
}

/// The result of a probe of server `last` that ran from `began` until `ended`.
fn tell(desk: &mut Desk, last: u8, outcome: &Outcome, [began, ended]: [u64; 2]) {
    let ask = Ask { service: web(), server: server(last), sorry: false, check: 0 };
    let actions = desk.roster.result(&ask, outcome, s(began), s(ended));
    desk.note(&actions);
}

fn verdict(desk: &Desk, last: u8) -> Verdict {
    desk.roster.service(&web()).unwrap().member(&server(last)).unwrap().verdict()
}

#[test]
fn who_hears_nobody_takes_no_server_out() {
    let mut desk = standby();
    desk.roster.alone(true, s(10));
    for at in 10..20 {
        tell(&mut desk, 1, &silent(), [at, at + 1]);
        tell(&mut desk, 2, &Outcome::Down(Failure::Unreachable), [at, at + 1]);
    }
    assert_eq!(desk.rows(), "10.0.0.1=10 10.0.0.2=10");
    let member = desk.roster.service(&web()).unwrap().member(&server(1)).unwrap();
    assert_eq!(member.checker(s(20)), Checker::Troubled(Trouble::CutOff), "and it says why");
    // Back on the network: what was asked before counts no more than what was asked while it was away.
    desk.roster.alone(false, s(21));
    tell(&mut desk, 1, &silent(), [20, 22]);
    assert_eq!(verdict(&desk, 1), Verdict::Up);
    tell(&mut desk, 1, &silent(), [22, 23]);
    tell(&mut desk, 1, &silent(), [23, 24]);
    assert_eq!(verdict(&desk, 1), Verdict::Down, "it is heard by everybody else");
}

#[test]
fn one_server_that_answers_shows_that_the_network_is_there() {
    for answer in [up(), down()] {
        let mut desk = standby();
        desk.roster.alone(true, s(10));
        tell(&mut desk, 2, &answer, [9, 11]);
        tell(&mut desk, 1, &silent(), [10, 11]);
        tell(&mut desk, 1, &silent(), [11, 12]);
        assert_eq!(
            verdict(&desk, 1),
            Verdict::Up,
            "what was asked before the silence may have answered before it"
        );
        tell(&mut desk, 2, &answer, [12, 13]);
        tell(&mut desk, 1, &silent(), [12, 14]);
        assert_eq!(verdict(&desk, 1), Verdict::Up, "it began in the silence");
        tell(&mut desk, 1, &silent(), [14, 15]);
        tell(&mut desk, 1, &silent(), [15, 16]);
        assert_eq!(verdict(&desk, 1), Verdict::Down, "{answer:?}");
    }
}

#[test]
fn what_need_not_come_over_the_network_shows_nothing() {
    let own = "192.0.2.9";
    for (address, question, shows) in [
        ("10.0.0.2", r#"{ "kind": "connect" }"#, true),
        ("10.0.0.2", r#"{ "kind": "udp" }"#, false),
        ("10.0.0.2", r#"{ "kind": "program", "command": ["/usr/bin/look"] }"#, false),
        (own, r#"{ "kind": "connect" }"#, false),
    ] {
        let mut content = cluster(false);
        let other = &mut content.virtual_servers[0].real_servers[1];
        other.address = address.parse().unwrap();
        let question: Question = serde_json::from_str(question).unwrap();
        let monitor = content.virtual_servers[0].monitor.clone();
        let checks = vec![Check { question, ..monitor.checks[0].clone() }];
        content.virtual_servers[0].real_servers[1].monitor = Some(Monitor { checks, ..monitor });
        let other = format!("{address}:80").parse().unwrap();
        let mut desk = Desk::new(content);
        desk.result(web(), server(1), 0, &up(), s(1));
        desk.roster.alone(true, s(10));
        desk.result(web(), other, 0, &up(), s(11));
        tell(&mut desk, 1, &silent(), [12, 13]);
        tell(&mut desk, 1, &silent(), [13, 14]);
        assert_eq!(verdict(&desk, 1) == Verdict::Down, shows, "{address} {}", desk.rows());
    }
}

#[test]
fn what_a_server_says_counts_in_any_silence() {
    for failure in [Failure::Refused, Failure::Mismatch, Failure::Status { code: 503 }] {
        let mut desk = standby();
        desk.roster.alone(true, s(10));
        tell(&mut desk, 1, &Outcome::Down(failure.clone()), [10, 11]);
        tell(&mut desk, 1, &Outcome::Down(failure), [11, 12]);
        assert_eq!(verdict(&desk, 1), Verdict::Down);
    }
    let mut desk = standby();
    desk.roster.alone(true, s(10));
    for at in [10, 11] {
        let exit = Failure::Program { reason: ProgramFailure::Exit { status: 2 } };
        tell(&mut desk, 1, &Outcome::Down(exit), [at, at + 1]);
    }
    assert_eq!(verdict(&desk, 1), Verdict::Up, "a program may have asked over the same network");
}

#[test]
fn whoever_is_active_believes_its_checks() {
    let status = |state: State, concerns: &[Concern]| -> Status {
        serde_json::from_value(serde_json::json!({
            "director_id": "dir_1", "version": "1", "seat": "backup", "state": state, "state_ms": 1, "revision": 1,
            "digest": null, "in_sync": true, "kernel_writes": 0, "failures": [], "drift": [], "last_error": null,
            "certificate_ends_s": 1, "holds": [], "foreign": [],
            "heartbeat": {
                "reason": "partner-silent", "epoch": 1, "held": false, "ready": false, "concerns": concerns,
                "evidence": [], "counts": {},
            },
        }))
        .unwrap()
    };
    let silent = [Concern::PartnerSilent];
    assert!(status(State::Standby, &silent).alone());
    assert!(status(State::Starting, &silent).alone());
    assert!(!status(State::Active, &silent).alone(), "nobody else serves");
    assert!(!status(State::Standby, &[]).alone());
    assert!(!status(State::Standby, &[Concern::NotClaiming(Refused::Held)]).alone());
    assert!(status(State::Standby, &[Concern::NotClaiming(Refused::Isolated)]).alone(), "VRRP says no more");
    assert!(
        status(State::Fault, &[]).alone(),
        "without its own links it hears no server, whomever else it hears"
    );
    assert!(!Status { heartbeat: None, ..status(State::Standby, &silent) }.alone());
}
