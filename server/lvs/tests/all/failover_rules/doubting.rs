//! What does not count, what holds a director back, and what is said about it.

use lvs::failover::*;
use lvs::model::Seat;
use lvs::wire::State;

use super::pair::{A, B, Pair, ms, settings};

#[test]
fn a_partner_that_does_not_hear_us_takes_over_and_we_give_way() {
    let mut pair = Pair::settled();
    pair.sends[A] = false;
    pair.run(700);
    assert_eq!(pair.states(), [State::Standby, State::Active]);
    // It goes on so: one owner, and it is said.
    pair.run(5000);
    assert_eq!(pair.states(), [State::Standby, State::Active]);
    assert!(pair.concerns(B).contains(&Concern::PartnerSilent));
}

#[test]
fn a_standby_that_is_not_heard_stays_standby() {
    let mut pair = Pair::settled();
    pair.sends[B] = false;
    pair.run(5000);
    assert_eq!(pair.states(), [State::Active, State::Standby]);
    assert!(pair.concerns(A).contains(&Concern::PartnerSilent));
    assert!(pair.concerns(B).contains(&Concern::OneWay));
}

#[test]
fn copies_and_replays_change_nothing() {
    let mut pair = Pair::settled();
    pair.run(300);
    let old = pair.last_beat(A);
    pair.run(300);
    let newest = pair.last_beat(A);
    pair.forget();
    for beat in [newest, old] {
        pair.tell(B, Event::Beat(beat));
    }
    let counts = pair.node(B).view().counts;
    assert_eq!((counts.duplicates, counts.old), (1, 1));
    assert!(pair.deeds(B).is_empty());
    // A beat recorded before this director started holds it back a deadtime, and no longer.
    let recorded = pair.last_beat_of_active();
    pair.nodes = [None, None];
    pair.start(B, settings(B), 500);
    pair.run(400);
    pair.tell(B, Event::Beat(recorded.clone()));
    pair.run(300);
    pair.tell(B, Event::Beat(recorded));
    let took = pair.until(B, State::Active);
    assert!(took <= ms(200), "{took:?}");
}

#[test]
fn a_beat_that_does_not_answer_us_never_makes_an_active_director_step_down() {
    let mut pair = Pair::settled();
    let mut forged = pair.last_beat_of_standby();
    forged.state = State::Active;
    forged.epoch = u64::MAX / 2;
    forged.session = 999;
    forged.heard = 12345;
    pair.tell(A, Event::Beat(forged));
    assert_eq!(pair.state(A), State::Active);
}

#[test]
fn whoever_slept_restarts_its_silence_clock() {
    let mut pair = Pair::settled();
    pair.nodes[A] = None;
    pair.run(200);
    // The standby sleeps for three seconds: it may not claim at once.
    pair.now += ms(3000);
    pair.tell(B, Event::Tick);
    assert_eq!(pair.state(B), State::Standby);
    assert!(pair.until(B, State::Active) >= ms(490));
}

#[test]
fn an_active_director_that_slept_listens_before_it_goes_on() {
    let mut pair = Pair::settled();
    let sleeper = pair.nodes[A].take();
    pair.until(B, State::Active);
    pair.run(3000);
    pair.nodes[A] = sleeper;
    pair.forget();
    pair.tell(A, Event::Tick);
    let entered = pair.deeds(A).into_iter().find(|action| matches!(action, Action::Enter { .. }));
    assert!(
        matches!(entered, Some(Action::Enter { state: State::Starting, reason: Reason::Late, .. })),
        "{entered:?}"
    );
    pair.run(300);
    assert_eq!(pair.states(), [State::Standby, State::Active]);
    assert!(pair.deeds(A).contains(&Action::Disown));
}

#[test]
fn an_agent_restarted_on_a_running_host_adopts_its_addresses() {
    let mut pair = Pair::settled();
    pair.nodes[B] = None;
    let start = Start { session: 77, floor: 50_000, listen: ms(500), holds: true, carrier: true };
    pair.nodes[A] = Some(Heartbeat::new(settings(A), start, pair.now));
    pair.forget();
    pair.run(490);
    let quiet = pair.deeds(A).iter().all(|a| matches!(a, Action::Concern(..) | Action::Reserve(_)));
    assert!(quiet, "it neither renews nor announces while it listens: {:?}", pair.deeds(A));
    pair.run(20);
    assert_eq!(pair.state(A), State::Active);
}

#[test]
fn with_another_key_on_the_wire_a_standby_asks_who_holds_the_address() {
    for owned in [true, false] {
        let mut pair = Pair::settled();
        pair.nodes[A] = None;
        for _ in 0..30 {
            pair.tell(B, Event::Forged(1));
            if pair.did[B].contains(&Action::Ask(Question::Owner)) {
                pair.tell(B, Event::Answer(Answer::Owner(owned)));
            }
            pair.run(50);
        }
        assert!(pair.concerns(B).contains(&Concern::OtherKey));
        let refused = pair.concerns(B).contains(&Concern::NotClaiming(Refused::OtherKey));
        assert_eq!((pair.state(B) == State::Standby, refused), (owned, owned));
    }
}

#[test]
fn a_witness_that_has_just_heard_the_partner_holds_a_standby_for_a_deadtime() {
    let mut pair = Pair::settled_with(settings(A), Settings { witness: true, ..settings(B) });
    pair.sends[A] = false;
    pair.run(350);
    assert!(pair.did[B].contains(&Action::Ask(Question::Witness)), "asked from the second missed beat on");
    pair.tell(B, Event::Answer(Answer::Witness(true)));
    pair.run(400);
    assert_eq!(pair.state(B), State::Standby);
    assert!(pair.concerns(B).contains(&Concern::NotClaiming(Refused::Witness)));
    assert!(pair.until(B, State::Active) <= ms(300), "no further word, no further veto");
}

#[test]
fn a_director_that_is_cut_off_does_not_claim() {
    let isolated = Settings { gateway: true, ..settings(B) };
    let mut pair = Pair::settled_with(settings(A), isolated);
    pair.sends[A] = false;
    pair.run(350);
    assert!(pair.did[B].contains(&Action::Ask(Question::Gateway)));
    pair.tell(B, Event::Answer(Answer::Gateway(false)));
    pair.run(2000);
    assert_eq!(pair.state(B), State::Standby);
    assert!(pair.concerns(B).contains(&Concern::NotClaiming(Refused::Isolated)));
    assert_eq!(pair.node(B).view().evidence, [Sign::NetworkSilent].into());
    // Back on the network it has to hear nothing for a deadtime first: before, it could not hear anything.
    pair.tell(B, Event::Answer(Answer::Gateway(true)));
    pair.run(400);
    assert_eq!(pair.state(B), State::Standby);
    assert!(pair.until(B, State::Active) <= ms(300));
    assert_eq!(pair.node(B).view().evidence, [Sign::NetworkHeard].into(), "what it claimed on stays known");
}

#[test]
fn a_claim_waits_a_moment_for_the_gateway_and_no_longer() {
    let asking = Settings { gateway: true, deadtime: ms(300), ..settings(B) };
    let alone = |answer: Option<Answer>| {
        let mut pair = Pair::settled_with(settings(A), asking.clone());
        pair.nodes[A] = None;
        let began = pair.now;
        let mut told = false;
        while pair.state(B) != State::Active && pair.now < began + ms(5000) {
            pair.run(10);
            if let (Some(answer), false) = (answer, told)
                && pair.did[B].contains(&Action::Ask(Question::Gateway))
            {
                pair.tell(B, Event::Answer(answer));
                told = true;
            }
        }
        (pair.now - began, pair.node(B).view().evidence)
    };
    let (quick, heard) = alone(Some(Answer::Gateway(true)));
    assert!(quick <= ms(310), "{quick:?}");
    assert_eq!(heard, [Sign::NetworkHeard].into());
    let (unknown, signs) = alone(Some(Answer::Unknown(Question::Gateway)));
    assert!(unknown <= ms(310), "{unknown:?}");
    assert_eq!(signs, [Sign::NetworkUnknown].into());
    let (silent, _) = alone(None);
    assert!(silent > ms(310) && silent <= ms(700), "{silent:?}");
}

#[test]
fn a_partner_that_the_console_hears_to_be_no_owner_is_taken_over_from() {
    let mut pair = Pair::settled_with(settings(A), Settings { witness: true, ..settings(B) });
    pair.nodes[A] = None;
    pair.run(350);
    pair.tell(B, Event::Answer(Answer::Witness(false)));
    assert!(pair.until(B, State::Active) <= ms(200));
    assert_eq!(pair.node(B).view().evidence, [Sign::WitnessPassive].into());
    // One that answers nothing costs no time.
    let mut pair = Pair::settled_with(settings(A), Settings { witness: true, ..settings(B) });
    pair.nodes[A] = None;
    assert!(pair.until(B, State::Active) <= ms(500));
    assert_eq!(pair.node(B).view().evidence, [Sign::WitnessSilent].into());
}

#[test]
fn what_is_odd_about_the_partner_is_said() {
    let mut b = settings(B);
    (b.revision, b.interval, b.seat) = (6, ms(150), Seat::Primary);
    let mut pair = Pair::settled_with(settings(A), b);
    for concern in [Concern::OtherInterval, Concern::SameSeat] {
        assert!(pair.concerns(A).contains(&concern), "{concern:?}");
    }
    assert!(!pair.concerns(A).contains(&Concern::OtherRevision), "an activation may be under way");
    pair.run(12_000);
    for concern in [Concern::OtherRevision, Concern::OtherInterval, Concern::SameSeat] {
        assert!(pair.concerns(A).contains(&concern), "{concern:?}");
    }
    assert_eq!(pair.states(), [State::Active, State::Standby], "the same seat twice still has one owner");
    let mut pair = Pair::settled();
    let mut double = pair.last_beat_of_active();
    double.session = 4242;
    pair.tell(A, Event::Beat(double));
    assert!(pair.concerns(A).contains(&Concern::SameDirector));
}

#[test]
fn a_slower_partner_is_given_three_of_its_intervals() {
    let slow = Settings { interval: ms(400), ..settings(A) };
    let mut pair = Pair::settled_with(slow, settings(B));
    pair.nodes[A] = None;
    let took = pair.until(B, State::Active);
    assert!(took >= ms(800) && took <= ms(1200), "{took:?}");
}

#[test]
fn whoever_never_heard_its_partner_looks_for_the_addresses_first() {
    let alone = |owner| {
        let mut pair = Pair::new();
        pair.owner[B] = owner;
        pair.start(B, settings(B), 10_000);
        pair.run(30_000);
        pair
    };
    let pair = alone(Some(Answer::Owner(true)));
    assert_eq!(pair.state(B), State::Starting);
    assert!(pair.concerns(B).contains(&Concern::NotClaiming(Refused::AddressInUse)));
    let asked = pair.did[B].iter().filter(|action| **action == Action::Ask(Question::Owner)).count();
    assert!((20..=50).contains(&asked), "asked {asked} times");
    // Nobody answers any more: it is its turn within a deadtime.
    let mut pair = pair;
    pair.owner[B] = Some(Answer::Owner(false));
    assert!(pair.until(B, State::Active) <= ms(700));
    assert!(!pair.concerns(B).contains(&Concern::NotClaiming(Refused::AddressInUse)));
    // No answer is no evidence, and costs a second.
    for owner in [None, Some(Answer::Owner(false)), Some(Answer::Unknown(Question::Owner))] {
        let pair = alone(owner);
        let view = pair.node(B).view();
        assert_eq!(view.state, State::Active);
        let took = view.entered - ms(1000);
        let most = if owner.is_none() { 12_200 } else { 11_000 };
        assert!(took >= ms(11_000) && took <= ms(most), "{took:?} with {owner:?}");
    }
}

#[test]
fn two_that_boot_with_a_blocked_port_have_one_owner() {
    let mut pair = Pair::new();
    pair.sends = [false, false];
    pair.start(A, settings(A), 10_000);
    pair.start(B, settings(B), 10_000);
    pair.owner = [Some(Answer::Owner(false)); 2];
    pair.run(10_500);
    assert_eq!(pair.states(), [State::Active, State::Starting]);
    pair.owner[B] = Some(Answer::Owner(true));
    pair.run(9_500);
    assert_eq!(pair.states(), [State::Active, State::Starting]);
    pair.sends = [true, true];
    pair.run(300);
    assert_eq!(pair.states(), [State::Active, State::Standby]);
}

#[test]
fn whoever_has_heard_its_partner_or_holds_the_addresses_does_not_wait_for_a_look() {
    let mut pair = Pair::settled();
    pair.owner = [None, None];
    pair.nodes[A] = None;
    assert!(pair.until(B, State::Active) <= ms(500));
    let mut pair = Pair::new();
    pair.owner = [None, None];
    let start = Start { session: 77, floor: 50_000, listen: ms(500), holds: true, carrier: true };
    pair.nodes[A] = Some(Heartbeat::new(settings(A), start, pair.now));
    assert_eq!(pair.until(A, State::Active), ms(500));
}

#[test]
fn strangers_are_counted_and_nothing_else() {
    let mut pair = Pair::settled();
    let mut other_cluster = pair.last_beat_of_active();
    other_cluster.cluster = Name::of("another");
    let mut other_director = pair.last_beat_of_active();
    other_director.sender = Name::of("c");
    other_director.state = State::Active;
    pair.forget();
    pair.tell(B, Event::Beat(other_cluster));
    pair.tell(B, Event::Beat(other_director));
    assert_eq!(pair.node(B).view().counts.strangers, 2);
    assert!(pair.deeds(B).is_empty());
}

#[test]
fn a_claim_beyond_what_the_disk_has_reserved_goes_on_and_is_reported() {
    let mut pair = Pair::new();
    pair.start(B, settings(B), 500);
    // Nobody answers the request for a reservation.
    let mut machine = pair.nodes[B].take().unwrap();
    let mut now = pair.now;
    let mut did = Vec::new();
    while machine.state() != State::Active {
        did.extend(machine.step(Event::Tick, now));
        now = machine.next_deadline().unwrap();
    }
    assert!(did.iter().any(|action| matches!(action, Action::Reserve(_))));
    assert!(machine.view().concerns.contains(&Concern::EpochNotDurable));
    machine.step(Event::Reserved(u64::MAX), now);
    assert!(!machine.view().concerns.contains(&Concern::EpochNotDurable), "it is there by now");
}

#[test]
fn who_was_active_under_another_protocol_goes_on_at_once_even_held() {
    let mut pair = Pair::new();
    pair.start(B, settings(B), 10_000);
    let (mut machine, now) = (pair.nodes[B].take().unwrap(), pair.now);
    machine.step(Event::Order(Order::Hold(true)), now);
    assert_eq!(machine.state(), State::Starting);
    let did = machine.go_on(now);
    assert_eq!(machine.state(), State::Active);
    assert!(did.iter().any(|action| matches!(action, Action::Own { .. })));
    assert_eq!(machine.go_on(now), [], "once");
}

#[test]
fn while_a_dead_partners_kernel_may_still_answer_the_new_owner_announces_often() {
    let mut pair = Pair::settled();
    pair.nodes[A] = None;
    let dead = pair.now;
    pair.until(B, State::Active);
    let often = pair.deeds(B).into_iter().find_map(|action| match action {
        Action::Own { often_until } => often_until,
        _ => None,
    });
    let lasts = often.unwrap() - dead;
    assert!(lasts >= ms(3300) && lasts <= ms(3500), "{lasts:?}");
}
