//! Who becomes active, when and why; and how that is passed on.

use std::time::Duration;

use lvs::failover::*;
use lvs::wire::State;

use super::pair::{A, B, Pair, ms, settings};

#[test]
fn both_start_together_and_the_preferred_one_claims() {
    let mut pair = Pair::new();
    pair.start(A, settings(A), 500);
    pair.start(B, settings(B), 500);
    let took = pair.until(A, State::Active);
    assert!(took <= ms(200), "{took:?}");
    pair.run(2000);
    assert_eq!(pair.states(), [State::Active, State::Standby]);
    assert_eq!((pair.reason(A), pair.reason(B)), (Reason::Preferred, Reason::PartnerPreferred));
}

#[test]
fn one_alone_claims_after_it_has_listened() {
    let mut pair = Pair::new();
    pair.start(B, settings(B), 500);
    assert_eq!(pair.until(B, State::Active), ms(500));
    assert_eq!(pair.reason(B), Reason::PartnerSilent);
    // After a boot it listens longer, from the first carrier on.
    let mut pair = Pair::new();
    pair.start(A, settings(A), 10_000);
    pair.run(4000);
    pair.tell(A, Event::Carrier);
    assert_eq!(pair.until(A, State::Active), ms(10_000));
}

#[test]
fn a_director_without_a_partner_does_not_wait() {
    let mut pair = Pair::new();
    pair.start(A, Settings { partner: None, ..settings(A) }, 500);
    pair.run(10);
    assert_eq!((pair.state(A), pair.reason(A)), (State::Active, Reason::Alone));
    assert!(pair.did[A].contains(&Action::Lease(Lease::Permanent)));
    assert!(!pair.did[A].iter().any(|action| matches!(action, Action::Send(_))));
}

#[test]
fn a_beat_ends_the_long_listening_after_a_boot() {
    let mut pair = Pair::new();
    pair.start(A, settings(A), 10_000);
    pair.start(B, settings(B), 10_000);
    assert!(pair.until(A, State::Active) <= ms(200));
}

#[test]
fn a_returning_director_does_not_take_back() {
    let mut pair = Pair::settled();
    pair.nodes[A] = None;
    let took = pair.until(B, State::Active);
    assert!(took >= ms(400) && took <= ms(500), "{took:?}");
    pair.start(A, settings(A), 500);
    pair.run(5000);
    assert_eq!(pair.states(), [State::Standby, State::Active]);
    assert_eq!(pair.reason(A), Reason::PartnerActive);
}

#[test]
fn preemption_waits_for_its_delay_and_for_the_connections() {
    let preempt = |node| Settings { preempt: Some(ms(2000)), ..settings(node) };
    let mut pair = Pair::settled_with(preempt(A), preempt(B));
    pair.nodes[A] = None;
    pair.until(B, State::Active);
    pair.start(A, preempt(A), 500);
    pair.run(10_000);
    assert_eq!(pair.states(), [State::Standby, State::Active], "it has not the connections yet");
    pair.tell(A, Event::Ready(true));
    let took = pair.until(A, State::Active);
    assert!(took >= ms(2000) && took <= ms(2200), "{took:?}");
    assert_eq!((pair.reason(A), pair.reason(B)), (Reason::Granted, Reason::HandedOver));
    // The backup never asks.
    pair.tell(B, Event::Ready(true));
    pair.run(10_000);
    assert_eq!(pair.states(), [State::Active, State::Standby]);
}

#[test]
fn a_farewell_hands_over_at_once() {
    let mut pair = Pair::settled();
    pair.tell(A, Event::Order(Order::Stop { release: false }));
    assert_eq!(pair.states(), [State::Stopped, State::Active]);
    assert_eq!(pair.reason(B), Reason::Granted);
    let deeds = pair.deeds(A);
    assert_eq!(deeds.last(), Some(&Action::Done));
    assert!(deeds.contains(&Action::Disown));
}

#[test]
fn without_a_partner_a_stop_leaves_the_addresses_and_a_release_does_not() {
    let mut pair = Pair::settled();
    pair.nodes[B] = None;
    pair.run(5000);
    pair.forget();
    pair.tell(A, Event::Order(Order::Stop { release: false }));
    assert!(!pair.deeds(A).contains(&Action::Disown));
    assert_eq!(pair.deeds(A).first(), Some(&Action::Lease(Lease::Permanent)));

    let mut pair = Pair::settled();
    pair.nodes[B] = None;
    pair.run(5000);
    pair.tell(A, Event::Order(Order::Stop { release: true }));
    assert!(pair.deeds(A).contains(&Action::Disown));
}

#[test]
fn a_planned_switch_over_passes_ownership_in_one_message() {
    let mut pair = Pair::settled();
    pair.tell(A, Event::Order(Order::SwitchOver { force: false }));
    assert_eq!(pair.deeds(A), [Action::Refuse(Refused::PartnerNotReady)]);
    pair.tell(B, Event::Ready(true));
    pair.run(200);
    pair.forget();
    pair.tell(A, Event::Order(Order::SwitchOver { force: false }));
    assert_eq!(pair.states(), [State::Standby, State::Active]);
    // The old one gives the addresses up only when the new one has spoken.
    let deeds = pair.deeds(A);
    assert!(matches!(
        deeds.first(),
        Some(Action::Enter { state: State::Standby, reason: Reason::HandedOver, .. })
    ));
    assert_eq!(deeds.last(), Some(&Action::Disown));
    // The new one speaks first, then adds.
    let own = pair.did[B].iter().position(|action| matches!(action, Action::Own { .. })).unwrap();
    let beat =
        pair.did[B].iter().position(|action| matches!(action, Action::Send(b) if b.state == State::Active));
    assert!(beat.unwrap() < own);
}

#[test]
fn a_hand_over_that_is_not_heard_is_taken_back() {
    let mut pair = Pair::settled();
    pair.sends[A] = false;
    pair.tell(A, Event::Order(Order::SwitchOver { force: true }));
    assert_eq!(pair.state(A), State::Standby);
    // The partner, which hears nothing, claims by itself; whoever claims last has the higher epoch.
    pair.run(700);
    pair.sends[A] = true;
    pair.run(300);
    assert_eq!(pair.states().iter().filter(|state| **state == State::Active).count(), 1);
    assert!(!pair.deeds(A).contains(&Action::Disown) || pair.state(B) == State::Active);
}

#[test]
fn an_order_on_the_standby_asks_the_partner() {
    let mut pair = Pair::settled();
    pair.tell(B, Event::Ready(true));
    pair.tell(B, Event::Order(Order::TakeOver));
    pair.run(200);
    assert_eq!(pair.states(), [State::Standby, State::Active]);
    pair.tell(B, Event::Order(Order::TakeOver));
    assert_eq!(pair.deeds(B).last(), Some(&Action::Refuse(Refused::WrongState)));
}

#[test]
fn a_held_director_neither_claims_nor_is_handed_to() {
    let mut pair = Pair::settled();
    pair.tell(B, Event::Order(Order::Hold(true)));
    pair.run(200);
    pair.tell(A, Event::Order(Order::SwitchOver { force: true }));
    assert_eq!(pair.deeds(A), [Action::Refuse(Refused::PartnerUnable)]);
    pair.nodes[A] = None;
    pair.run(3000);
    assert_eq!(pair.state(B), State::Standby);
    assert!(pair.concerns(B).contains(&Concern::NotClaiming(Refused::Held)));
    pair.tell(B, Event::Order(Order::Hold(false)));
    assert!(pair.until(B, State::Active) <= ms(100));
    assert!(!pair.concerns(B).contains(&Concern::NotClaiming(Refused::Held)));
}

#[test]
fn a_lost_link_is_a_fault_and_the_partner_takes_over_at_once() {
    let mut pair = Pair::settled();
    pair.tell(A, Event::Links(false));
    assert_eq!(pair.states(), [State::Fault, State::Active]);
    assert_eq!((pair.reason(A), pair.reason(B)), (Reason::LinkDown, Reason::PartnerFault));
    assert!(pair.deeds(A).contains(&Action::Disown));
    pair.tell(A, Event::Links(true));
    pair.run(3000);
    assert_eq!(pair.states(), [State::Standby, State::Active]);
}

#[test]
fn a_lease_that_cannot_be_renewed_is_a_fault() {
    let mut pair = Pair::settled();
    pair.tell(A, Event::LeaseFailed);
    assert_eq!(pair.states(), [State::Fault, State::Active]);
    pair.run(30_000);
    assert_eq!(pair.states(), [State::Standby, State::Active]);
}

#[test]
fn leases_are_renewed_while_a_partner_is_heard_and_permanent_without() {
    let mut pair = Pair::settled();
    pair.run(4000);
    let leases = |pair: &Pair| {
        let mut all: Vec<_> = pair.deeds(A).into_iter().filter(|a| matches!(a, Action::Lease(_))).collect();
        all.dedup();
        (pair.deeds(A).len(), all)
    };
    let (count, kinds) = leases(&pair);
    assert_eq!(kinds, [Action::Lease(Lease::For(Duration::from_secs(2)))]);
    assert!((7..=9).contains(&count), "{count} in four seconds");
    pair.nodes[B] = None;
    pair.run(3000);
    pair.forget();
    pair.run(10_000);
    assert!(leases(&pair).1.is_empty(), "what is permanent is not renewed");
}

#[test]
fn a_split_ends_with_the_higher_epoch_and_it_announces_again() {
    let mut pair = Pair::settled();
    pair.sends = [false, false];
    pair.run(2000);
    assert_eq!(pair.states(), [State::Active, State::Active]);
    pair.forget();
    pair.sends = [true, true];
    pair.run(200);
    assert_eq!(pair.states(), [State::Standby, State::Active]);
    assert_eq!(pair.reason(A), Reason::PartnerNewer);
    assert!(pair.deeds(B).contains(&Action::Announce));
}
