//! One real server: what rows of results make of it, by each setting.

use std::time::Duration;

use lvs::health::{
    Checker, Combine, Damping, Found, LoadReport, LoadRule, LoadWeight, Member, Outcome, Pace, Reason,
    SlowStart, Standing, Start, Trouble, Verdict,
};
use std::sync::Arc;

use super::desk::{down, letter, member, outcome, pace, policy, s, undecided, up};

/// One result a second from second 1 on; the verdict after each.
fn verdicts(member: &mut Member, results: &str) -> String {
    let step = |(at, result): (usize, char)| {
        let now = s(at as u64 + 1);
        member.result(0, &outcome(result), now, now);
        letter(member.verdict())
    };
    results.chars().enumerate().map(step).collect()
}

#[test]
fn answers_in_a_row_make_a_verdict_and_undecided_ones_make_none() {
    for (start, fall, rise, results, expected) in [
        // The first result decides.
        (Start::Unknown, 3, 3, "+--+---", "UUUUUUD"),
        (Start::Unknown, 3, 3, "-++-+++", "DRRDRRU"),
        (Start::Unknown, 1, 1, "+-+-", "UDUD"),
        // Up from the start: one failure as the first result takes it out.
        (Start::Up, 3, 1, "-+---", "DUUUD"),
        (Start::Up, 3, 2, "+--+--", "UUUUUU"),
        // Down from the start: back as after a failure.
        (Start::Down, 1, 3, "+++-", "RRUD"),
        (Start::Down, 1, 1, "+", "U"),
        // What the checker could not ask counts for nothing, neither for nor against.
        (Start::Unknown, 2, 2, "??+-?-?+?+", "??UUUDDRRU"),
        (Start::Up, 1, 1, "????", "UUUU"),
        (Start::Down, 1, 1, "????", "DDDD"),
        // Settings that make no sense behave as 1.
        (Start::Unknown, 0, 0, "+-+", "UDU"),
        (Start::Unknown, u32::MAX, u32::MAX, "-+++", "DRRR"),
    ] {
        let mut policy = policy(1, pace(fall, rise));
        policy.start = start;
        let mut member = member(policy);
        assert_eq!(verdicts(&mut member, results), expected, "{start:?} fall {fall} rise {rise}: {results}");
    }
}

#[test]
fn several_checks_make_one_verdict() {
    // Results as check and outcome, one a second.
    for (combine, results, expected) in [
        (Combine::All, "0+ 1+ 0- 0+ 1- 0+ 1+", "?UDUDDU"),
        (Combine::All, "0- 1+ 0+ 1-", "DDUD"),
        (Combine::Any, "0+ 1- 0- 1+ 0+ 1-", "UUDUUU"),
        (Combine::Any, "0- 1-", "?D"),
    ] {
        let mut policy = policy(2, pace(1, 1));
        policy.combine = combine;
        let mut member = member(policy);
        let made: String = results
            .split(' ')
            .enumerate()
            .map(|(at, result)| {
                let check = usize::from(result.starts_with('1'));
                let now = s(at as u64 + 1);
                member.result(check, &outcome(result.chars().last().unwrap()), now, now);
                letter(member.verdict())
            })
            .collect();
        assert_eq!(made, expected, "{combine:?} {results}");
    }
    let mut member = member(policy(2, pace(1, 1)));
    member.result(7, &down(), s(1), s(1));
    assert_eq!(member.verdict(), Verdict::Unknown, "a check that there is not");
}

#[test]
fn every_verdict_has_its_reason_and_its_age() {
    let mut member = member(policy(1, pace(2, 2)));
    assert_eq!(*member.reason(), Reason::Started);
    member.result(0, &up(), s(1), s(1));
    assert_eq!(*member.reason(), Reason::Answered { successes: 1 });
    member.result(0, &down(), s(2), s(2));
    assert_eq!((member.verdict(), member.age(s(5))), (Verdict::Up, s(4)));
    let fallen = member.result(0, &down(), s(3), s(3)).unwrap();
    assert_eq!((fallen.from, fallen.to, fallen.at), (Verdict::Up, Verdict::Down, s(3)));
    let Reason::Failed { failures: 2, .. } = fallen.reason else { panic!("{:?}", fallen.reason) };
    assert!(member.result(0, &down(), s(4), s(4)).is_none(), "the same verdict again is no transition");
    assert_eq!(member.age(s(5)), s(2));
    let back = member.result(0, &up(), s(5), s(5)).unwrap();
    assert_eq!(back.reason, Reason::Reentering { successes: 1, needed: 2 });
}

/// The moments at which a check is asked for, where every probe takes `takes` and brings what `results` says.
fn asked(pace: Pace, takes: Duration, results: &str) -> Vec<u128> {
    let mut member = member(policy(1, pace));
    let mut asked = Vec::new();
    let mut results = results.chars();
    loop {
        let at = member.next_deadline(s(0)).unwrap();
        // The probe begins when it is due, and its result comes when it is over.
        let Some(result) = results.next() else { return asked };
        asked.push(at.as_millis());
        member.result(0, &outcome(result), at, at + takes);
    }
}

#[test]
fn a_probe_is_due_an_interval_after_the_last_began_and_sooner_in_doubt() {
    let ms = Duration::from_millis;
    let quick = Pace { retry_delay: Some(ms(200)), ..pace(3, 1) };
    assert_eq!(asked(pace(3, 1), ms(5), "++--+"), [0, 1000, 2000, 3000, 4000]);
    // In doubt the retry delay counts, from the failure on; not any more once it is down.
    assert_eq!(asked(quick, ms(100), "+---+-"), [0, 1000, 1300, 1600, 2600, 3600]);
    // A probe that takes all of its time, and its time is the interval: the next one follows at once.
    assert_eq!(asked(pace(3, 1), ms(1000), "+----"), [0, 1000, 2000, 3000, 4000]);
    assert_eq!(asked(pace(3, 1), ms(2500), "+--"), [0, 2500, 5000]);
    // The checker's own trouble is no doubt about the server.
    assert_eq!(asked(quick, ms(0), "+??-"), [0, 1000, 2000, 3000]);
}

#[test]
fn first_probes_are_spread_and_those_of_unknown_servers_come_soon() {
    let first = |start, interval, jitter| {
        let mut policy = policy(1, Pace { interval, ..pace(1, 1) });
        policy.start = start;
        let member = Member::new(Arc::new(policy), 1, false, Found { weight: None, jitter }, s(100));
        member.next_deadline(s(100)).unwrap() - s(100)
    };
    assert_eq!(first(Start::Up, s(60), 0), s(0));
    assert!(first(Start::Up, s(60), u16::MAX) > s(59) && first(Start::Up, s(60), u16::MAX) <= s(60));
    assert!(first(Start::Unknown, s(60), u16::MAX) <= s(1));
    assert!(first(Start::Down, s(60), u16::MAX / 2) <= Duration::from_millis(501));
    assert!(first(Start::Unknown, Duration::from_millis(100), u16::MAX) <= Duration::from_millis(100));
}

#[test]
fn a_server_that_falls_again_and_again_is_kept_out() {
    let mut policy = policy(1, pace(1, 1));
    policy.damping = Some(Damping { falls: 3, within: s(10), hold: s(20) });
    let mut member = member(policy);
    // It falls at 2, 4 and 6: three times within ten seconds. Out until 26, and back with the next good answer.
    assert_eq!(verdicts(&mut member, "+-+-+-++"), "UDUDUDRR");
    assert!(matches!(member.reason(), Reason::Damped { falls: 3, hold_ms: 20_000 }), "{:?}", member.reason());
    let at = |member: &mut Member, second, result: &Outcome| {
        member.result(0, result, s(second), s(second));
        member.verdict()
    };
    assert_eq!(at(&mut member, 25, &up()), Verdict::ReEntering);
    assert_eq!(at(&mut member, 26, &up()), Verdict::Up);
    // Those three have had their effect: it takes three new ones.
    assert_eq!(at(&mut member, 27, &down()), Verdict::Down);
    assert_eq!(at(&mut member, 28, &up()), Verdict::Up);
    // Falls that lie too far apart are none too many.
    assert_eq!(at(&mut member, 36, &down()), Verdict::Down);
    assert_eq!(at(&mut member, 37, &up()), Verdict::Up);
    assert_eq!(at(&mut member, 60, &down()), Verdict::Down);
    assert_eq!(at(&mut member, 61, &up()), Verdict::Up);
}

#[test]
fn what_the_kernel_has_stays_until_the_first_result_and_needs_no_ramp() {
    let with = |start, weight, quiesce| {
        let mut policy = policy(1, pace(1, 2));
        policy.start = start;
        policy.slow_start = SlowStart::Linear(s(10));
        Member::new(Arc::new(policy), 10, quiesce, Found { weight, jitter: 0 }, s(0))
    };
    for (start, found, quiesce, before, result, after) in [
        (Start::Unknown, Some(7), false, Some(7), up(), Some(10)),
        (Start::Unknown, Some(7), false, Some(7), undecided(), Some(7)),
        (Start::Unknown, Some(7), false, Some(7), down(), None),
        (Start::Unknown, Some(7), true, Some(7), down(), Some(0)),
        (Start::Unknown, Some(0), false, Some(0), up(), Some(1)),
        (Start::Unknown, None, false, None, up(), Some(1)),
        // It was never in the table: nothing to quiesce.
        (Start::Unknown, None, true, None, down(), None),
        (Start::Up, None, true, Some(10), down(), Some(0)),
        (Start::Down, Some(7), false, Some(7), up(), Some(10)),
        (Start::Down, None, false, None, up(), None),
    ] {
        let mut member = with(start, found, quiesce);
        assert_eq!(member.standing(s(0)).weight(), before, "{start:?} {found:?} before");
        member.result(0, &result, s(1), s(1));
        assert_eq!(member.standing(s(1)).weight(), after, "{start:?} {found:?} quiesce {quiesce} {result:?}");
    }
}

#[test]
fn a_weight_follows_slow_start_and_load_together() {
    let mut policy = policy(1, pace(1, 1));
    policy.slow_start = SlowStart::Linear(s(10));
    policy.load = Some(LoadRule::Reported { least: 10, most: 100 });
    let mut member = Member::new(Arc::new(policy), 100, false, Found { weight: None, jitter: 0 }, s(0));
    let loaded = |share| Outcome::Up {
        load: Some(LoadReport { weight: Some(LoadWeight::Share(share)), state: None }),
    };
    member.result(0, &loaded(60), s(1), s(1));
    let weights = [1, 2, 6, 7, 9, 11, 20].map(|at| member.standing(s(at)).weight().unwrap());
    assert_eq!(weights, [1, 10, 50, 60, 60, 60, 60]);
    member.result(0, &loaded(0), s(12), s(12));
    assert_eq!(member.standing(s(12)), Standing::In { weight: 10 });
    // A good answer without a word about load leaves the last one.
    member.result(0, &up(), s(13), s(13));
    assert_eq!(member.standing(s(13)), Standing::In { weight: 10 });
}

#[test]
fn a_checker_that_cannot_ask_or_hears_nothing_is_seen() {
    let mut member = member(policy(1, pace(1, 1)));
    member.result(0, &up(), s(1), s(1));
    assert_eq!(member.checker(s(2)), Checker::Working);
    member.result(0, &undecided(), s(2), s(2));
    assert_eq!(member.checker(s(2)), Checker::Troubled(Trouble::Descriptors));
    member.result(0, &up(), s(3), s(3));
    assert_eq!(member.checker(s(3)), Checker::Working);
    assert_eq!(member.checker(s(13)), Checker::Stuck(s(10)));
    assert_eq!(member.verdict(), Verdict::Up, "and nothing follows from it for the server");
}

#[test]
fn moments_far_away_and_huge_settings_overflow_nothing() {
    let far = Duration::MAX;
    let huge = Pace { interval: far, timeout: far, retry_delay: Some(far), fall: 2, rise: u32::MAX };
    let mut policy = policy(1, huge);
    policy.slow_start = SlowStart::Linear(far);
    policy.damping = Some(Damping { falls: u32::MAX, within: far, hold: far });
    let mut member = Member::new(Arc::new(policy), u32::MAX, true, Found { weight: Some(0), jitter: 9 }, far);
    for result in ["+", "-", "?", "-", "+", "+"] {
        member.result(0, &outcome(result.chars().next().unwrap()), s(0), far);
        member.next_deadline(far);
        member.standing(far);
        member.checker(far);
    }
}
