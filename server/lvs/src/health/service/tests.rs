//! Quorum, backup pool and sorry server, told as rows: who is up, and what stands.

use std::sync::Arc;

use super::super::{Found, Instruction, Order, Outcome, Pace, Policy, Start};
use super::*;
use crate::health::Failure;
use crate::model::Monitor;

fn policy() -> Arc<Policy> {
    let monitor: Monitor = serde_json::from_str(r#"{"checks":[{"kind":"ping"}]}"#).unwrap();
    let second = Moment::from_secs(1);
    let pace = Pace { interval: second, timeout: second, retry_delay: None, fall: 1, rise: 1 };
    let checks = vec![(monitor.checks[0].clone(), pace)];
    Arc::new(Policy { checks, start: Start::Down, ..Policy::unchecked() })
}

fn key(letter: char) -> ServerKey {
    format!("10.0.0.{}:80", letter as u32).parse().unwrap()
}

fn at(second: u64) -> Moment {
    Moment::from_secs(second)
}

/// Servers by letter: primaries `a`.., backups `x`.., the sorry server `S`; all start down.
fn service(rules: ServiceRules, members: &[(char, u32)], sorry: Option<&Arc<Policy>>) -> Service {
    let mut service = Service::new(rules);
    let found = Found { weight: None, jitter: 0 };
    for (letter, weight) in members {
        let member = Member::new(policy(), *weight, rules.quiesce, found, at(0));
        service.slots.insert(key(*letter), Slot::new(member, *letter >= 'x'));
    }
    service.sorry = sorry
        .map(|policy| (key('S'), Slot::new(Member::new(Arc::clone(policy), 1, false, found, at(0)), false)));
    service.settle_all(at(0));
    service
}

/// `+a` brings a server up, `-a` takes it down; then what stands, as letter and weight.
fn after(service: &mut Service, event: &str, second: u64) -> String {
    let (sign, letter) = (event.chars().next().unwrap(), event.chars().last().unwrap());
    let outcome = if sign == '+' { Outcome::Up { load: None } } else { Outcome::Down(Failure::Refused) };
    let sorry = letter == 'S';
    let slot = service.slot_mut(&key(letter), sorry).unwrap();
    slot.member.result(0, &outcome, at(second), at(second));
    service.settle(&key(letter), sorry, at(second));
    rows(service)
}

fn rows(service: &Service) -> String {
    let standing = service.standing();
    let name = |key: &ServerKey| char::from_u32(key.address.to_string()[7..].parse().unwrap()).unwrap();
    let row = |(key, standing): (&ServerKey, &Standing)| Some(format!("{}{}", name(key), standing.weight()?));
    let mut rows: Vec<String> = standing.servers.iter().filter_map(row).collect();
    rows.extend(standing.sorry.then(|| "S".to_owned()));
    rows.join(" ")
}

fn told(service: &mut Service, story: &[(&str, &str)]) {
    for (second, (event, expected)) in story.iter().enumerate() {
        assert_eq!(after(service, event, second as u64 + 1), *expected, "after {event}, step {second}");
    }
}

const PLAIN: ServiceRules = ServiceRules { quorum: 1, hysteresis: 0, quiesce: false, persistent: false };

#[test]
fn the_sorry_server_is_in_while_nothing_else_serves() {
    let mut service = service(PLAIN, &[('a', 2), ('b', 3)], Some(&Arc::new(Policy::unchecked())));
    assert_eq!(rows(&service), "S");
    told(&mut service, &[("+a", "a2"), ("+b", "a2 b3"), ("-a", "b3"), ("-b", "S"), ("+b", "b3")]);
}

#[test]
fn without_a_sorry_server_nothing_takes_a_server_out_that_is_up() {
    let rules = ServiceRules { quorum: 10, ..PLAIN };
    let mut service = service(rules, &[('a', 2), ('b', 3)], None);
    told(&mut service, &[("+a", "a2"), ("+b", "a2 b3"), ("-a", "b3"), ("-b", "")]);
    assert!(!service.quorum().all);
}

#[test]
fn a_lost_quorum_brings_the_sorry_server_and_takes_out_the_rest() {
    let rules = ServiceRules { quorum: 2, ..PLAIN };
    let unchecked = Arc::new(Policy::unchecked());
    let story =
        [("+a", "S"), ("+b", "a1 b1"), ("+c", "a1 b1 c1"), ("-a", "b1 c1"), ("-b", "S"), ("+b", "b1 c1")];
    told(&mut service(rules, &[('a', 1), ('b', 1), ('c', 1)], Some(&unchecked)), &story);
    // Quiesced servers stay, with weight 0.
    let quiesced = ServiceRules { quiesce: true, ..rules };
    let story = [("+a", "a0 S"), ("+b", "a1 b1"), ("-a", "a0 b0 S"), ("+a", "a1 b1")];
    told(&mut service(quiesced, &[('a', 1), ('b', 1), ('c', 1)], Some(&unchecked)), &story);
}

#[test]
fn hysteresis_keeps_a_quorum_and_keeps_it_away() {
    // Lost below 3 - 1, regained at 3 + 1. Until every verdict was given once, 3 is enough.
    let rules = ServiceRules { quorum: 3, hysteresis: 1, ..PLAIN };
    let mut service =
        service(rules, &[('a', 1), ('b', 1), ('c', 1), ('d', 1)], Some(&Arc::new(Policy::unchecked())));
    told(
        &mut service,
        &[
            ("+a", "S"),
            ("+b", "S"),
            ("+c", "S"),
            ("+d", "a1 b1 c1 d1"),
            ("-a", "b1 c1 d1"),
            ("-b", "c1 d1"),
            ("-c", "S"),
            ("+c", "S"),
            ("+b", "S"),
            ("+a", "a1 b1 c1 d1"),
        ],
    );
}

#[test]
fn a_quorum_that_nothing_can_lose_is_lost_with_the_last_server() {
    let rules = ServiceRules { quorum: 2, hysteresis: 2, ..PLAIN };
    let mut service = service(rules, &[('a', 4)], Some(&Arc::new(Policy::unchecked())));
    told(&mut service, &[("+a", "a4"), ("-a", "S")]);
    // Servers without weight serve nobody.
    let mut weightless = self::service(PLAIN, &[('a', 0)], Some(&Arc::new(Policy::unchecked())));
    told(&mut weightless, &[("+a", "a0 S")]);
}

#[test]
fn the_backup_pool_joins_when_the_primaries_have_lost_their_quorum() {
    let rules = ServiceRules { quorum: 2, ..PLAIN };
    let mut service =
        service(rules, &[('a', 1), ('b', 1), ('x', 1), ('y', 1)], Some(&Arc::new(Policy::unchecked())));
    told(
        &mut service,
        &[
            ("+x", "S"),
            ("+a", "a1 x1"),
            // Not needed any more: connections it has may finish.
            ("+b", "a1 b1 x0"),
            ("+y", "a1 b1 x0 y0"),
            ("-b", "a1 x1 y1"),
            ("-a", "x1 y1"),
            ("-x", "S"),
            ("+a", "a1 y1"),
        ],
    );
}

#[test]
fn a_checked_sorry_server_that_is_down_replaces_nobody() {
    let rules = ServiceRules { quorum: 2, ..PLAIN };
    let mut service = service(rules, &[('a', 1), ('b', 1)], Some(&policy()));
    told(
        &mut service,
        &[
            ("+a", "a1"),
            ("+S", "S"),
            ("-S", "a1"),
            ("+b", "a1 b1"),
            ("+S", "a1 b1"),
            ("-a", "S"),
            ("-b", "S"),
            ("-S", ""),
        ],
    );
}

#[test]
fn an_ordered_server_counts_for_no_quorum_and_comes_back_by_its_ramp() {
    let mut service = service(PLAIN, &[('a', 10), ('b', 10)], Some(&Arc::new(Policy::unchecked())));
    told(&mut service, &[("+a", "a10"), ("+b", "a10 b10")]);
    let order = |service: &mut Service, letter, instruction, ramp_s, second| {
        let order = Order {
            instruction,
            at_once: false,
            deadline: None,
            until_s: None,
            ramp_s,
            reason: String::new(),
            by: "anna".into(),
            given_s: 0,
        };
        let slot = service.slot_mut(&key(letter), false).unwrap();
        slot.member.order(order.place(0, at(second)), at(second));
        service.settle(&key(letter), false, at(second));
        rows(service)
    };
    assert_eq!(order(&mut service, 'a', Instruction::Draining, None, 5), "a0 b10");
    assert_eq!(order(&mut service, 'b', Instruction::Draining, None, 6), "a0 b0 S");
    assert_eq!(order(&mut service, 'b', Instruction::Disabled, None, 7), "a0 S");
    // A drained server that fails is removed like any other; when it answers again it is still drained.
    assert_eq!(after(&mut service, "-a", 8), "S");
    assert_eq!(after(&mut service, "+a", 9), "a0 S");
    assert_eq!(order(&mut service, 'a', Instruction::Enabled, Some(10), 10), "a1");
    service.settle(&key('a'), false, at(15));
    assert_eq!(rows(&service), "a5");
    service.settle(&key('a'), false, at(20));
    assert_eq!(rows(&service), "a10");
}
