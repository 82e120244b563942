//! What must hold for any results, orders and delays.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lvs::health::{
    Combine, Damping, Deadline, Found, Instruction, LoadReport, LoadRule, LoadWeight, Member, Memory, Order,
    OrderTarget, Outcome, Overdue, Roster, SlowStart, Standing, Start, Verdict,
};
use lvs::model::{Cluster, Id};
use proptest::prelude::*;

use super::desk::{Desk, down, outcome, pace, policy, s, undecided, up};

fn results() -> impl Strategy<Value = Vec<char>> {
    prop::collection::vec(prop::sample::select(vec!['+', '+', '-', '-', '?']), 0..60)
}

fn start() -> impl Strategy<Value = Start> {
    prop::sample::select(vec![Start::Unknown, Start::Up, Start::Down])
}

fn run(results: &[char], start: Start, fall: u32, rise: u32) -> Vec<Verdict> {
    let mut policy = policy(1, pace(fall, rise));
    policy.start = start;
    let mut member = Member::new(Arc::new(policy), 1, false, Found { weight: None, jitter: 0 }, s(0));
    let step = |(at, result): (usize, &char)| {
        let now = s(at as u64 + 1);
        member.result(0, &outcome(*result), now, now);
        member.verdict()
    };
    results.iter().enumerate().map(step).collect()
}

proptest! {
    #[test]
    fn a_server_goes_and_comes_no_faster_than_its_settings_allow(
        results in results(), start in start(), fall in 1_u32..5, rise in 1_u32..5,
    ) {
        let decided: Vec<char> = results.iter().copied().filter(|result| *result != '?').collect();
        let verdicts = run(&decided, start, fall, rise);
        let mut before = match start { Start::Up => Verdict::Up, Start::Down => Verdict::Down, Start::Unknown => Verdict::Unknown };
        for (at, verdict) in verdicts.iter().enumerate() {
            let last = |n: u32, result| {
                let n = n as usize;
                at + 1 >= n && decided[at + 1 - n..=at].iter().all(|there| *there == result)
            };
            let first = at == 0;
            match (before, *verdict) {
                (Verdict::Up, to) if to != Verdict::Up => prop_assert!(last(fall, '-') || (first && decided[0] == '-')),
                (from, Verdict::Up) if from != Verdict::Up => {
                    prop_assert!(last(rise, '+') || (first && start == Start::Unknown));
                }
                _ => {}
            }
            // And no slower: so many in a row always decide.
            prop_assert!(!last(fall, '-') || *verdict == Verdict::Down);
            prop_assert!(!last(rise, '+') || *verdict == Verdict::Up);
            before = *verdict;
        }
    }

    #[test]
    fn what_the_checker_could_not_ask_never_matters(
        results in results(), start in start(), fall in 1_u32..5, rise in 1_u32..5,
    ) {
        let with = run(&results, start, fall, rise);
        let decided: Vec<char> = results.iter().copied().filter(|result| *result != '?').collect();
        let without = run(&decided, start, fall, rise);
        let kept: Vec<Verdict> = results.iter().zip(&with).filter(|(result, _)| **result != '?').map(|(_, v)| *v).collect();
        prop_assert_eq!(kept, without);
    }

    #[test]
    fn a_damped_server_falls_no_more_often_than_allowed(
        results in results(), falls in 1_u32..4, within in 1_u64..30, hold in 1_u64..30,
    ) {
        let mut policy = policy(1, pace(1, 1));
        policy.damping = Some(Damping { falls, within: s(within), hold: s(hold) });
        let mut member = Member::new(Arc::new(policy), 1, false, Found { weight: None, jitter: 0 }, s(0));
        let mut fell: Vec<u64> = Vec::new();
        for (at, result) in results.iter().enumerate() {
            let at = at as u64 + 1;
            let turned = member.result(0, &outcome(*result), s(at), s(at));
            if turned.is_some_and(|turned| turned.from == Verdict::Up) {
                fell.push(at);
            }
        }
        // After so many falls within the time, the next one is at least the hold later.
        for run in fell.windows(falls as usize + 1) {
            let (first, last) = (run[0], run[falls as usize - 1]);
            if last - first <= within {
                // Unless an earlier run, of which these are the rest, has had its effect between them.
                let whole = run[..falls as usize].windows(2).all(|pair| pair[1] - pair[0] < hold);
                prop_assert!(!whole || run[falls as usize] - last >= hold, "{fell:?}");
            }
        }
    }
}

/// Something that happens on a director.
#[derive(Clone, Debug)]
enum Event {
    Result { service: usize, server: usize, outcome: Outcome },
    Order { server: Option<usize>, order: Option<Order> },
}

fn order() -> impl Strategy<Value = Order> {
    let instruction = prop::sample::select(Instruction::ALL.to_vec());
    let deadline = prop::option::of((0_i64..200, prop::sample::select(vec![Overdue::Wait, Overdue::Cut])));
    (instruction, deadline, prop::option::of(0_i64..200), prop::option::of(0_u32..30), any::<bool>())
        .prop_map(|(instruction, deadline, until_s, ramp_s, at_once)| Order {
            instruction,
            at_once,
            deadline: deadline.map(|(at_s, then)| Deadline { at_s, then }),
            until_s,
            ramp_s,
            reason: String::new(),
            by: String::new(),
            given_s: 0,
        })
}

fn event() -> impl Strategy<Value = Event> {
    let brought = prop_oneof![
        4 => Just(up()),
        4 => Just(down()),
        1 => Just(undecided()),
        1 => (0_u32..300).prop_map(|share| Outcome::Up {
            load: Some(LoadReport { weight: Some(LoadWeight::Share(share)), state: None }),
        }),
    ];
    prop_oneof![
        9 => (0_usize..2, 0_usize..5, brought).prop_map(|(service, server, outcome)| Event::Result { service, server, outcome }),
        1 => (prop::option::of(0_usize..4), prop::option::of(order())).prop_map(|(server, order)| Event::Order { server, order }),
    ]
}

fn cluster(seed: &(bool, bool, u16, u32, u32)) -> Cluster {
    let (quiesce, sorry, weight, fall, rise) = *seed;
    let real = |service: usize, n: usize| {
        serde_json::json!({
            "id": format!("rs_{service}_{n}"), "name": format!("s{n}"), "address": format!("10.0.0.{}", n + 1),
            "weight": if n == 0 { weight } else { n as u16 },
        })
    };
    let service = |n: usize| {
        serde_json::json!({
            "id": format!("vs_{n}"), "name": format!("v{n}"), "vip": { "address": "192.0.2.1" }, "port": 80 + n, "quiesce": quiesce,
            "sorry_server": if sorry { serde_json::json!({ "address": "10.0.0.99" }) } else { serde_json::Value::Null },
            "monitor": { "interval_ms": 1000, "timeout_ms": 500, "fall": fall, "rise": rise, "reentry_s": 0 },
            "real_servers": (0..4).map(|s| real(n, s)).collect::<Vec<_>>(),
        })
    };
    serde_json::from_value(serde_json::json!({
        "name": "one", "directors": [{ "name": "a", "seat": "primary", "public": "192.0.2.9" }],
        "virtual_servers": [service(0), service(1)],
    }))
    .unwrap()
}

fn world() -> impl Strategy<Value = (Cluster, Vec<(u64, Event)>)> {
    let seed = (any::<bool>(), any::<bool>(), 0_u16..50, 1_u32..4, 1_u32..4);
    (seed, prop::collection::vec((0_u64..15, event()), 0..80))
        .prop_map(|(seed, events)| (cluster(&seed), events))
}

/// Orders so far; the desk takes them whole.
type Orders = BTreeMap<OrderTarget, Order>;

fn happen(desk: &mut Desk, orders: &mut Orders, event: &Event, now: Duration) {
    match event {
        Event::Result { service, server, outcome } => {
            let key = *desk.roster.services().nth(*service).unwrap().0;
            let last = if *server == 4 { 99 } else { server + 1 };
            let port = 80 + service;
            desk.result(key, format!("10.0.0.{last}:{port}").parse().unwrap(), 0, outcome, now);
        }
        Event::Order { server, order } => {
            let target = match server {
                Some(server) => {
                    OrderTarget::Server { service: Id("vs_0".into()), server: Id(format!("rs_0_{server}")) }
                }
                None => OrderTarget::Machine { address: "10.0.0.2".parse().unwrap() },
            };
            match order {
                Some(order) => orders.insert(target, order.clone()),
                None => orders.remove(&target),
            };
            let all: Vec<_> = orders.iter().map(|(target, order)| (target.clone(), order.clone())).collect();
            desk.order(&all, now);
        }
    }
}

/// What must hold at any moment.
fn sound(desk: &Desk, now: Duration) -> Result<(), TestCaseError> {
    let standings = desk.roster.standings();
    let configured = desk.cluster.cluster();
    prop_assert_eq!(standings.services.len(), 2);
    for (key, service) in desk.roster.services() {
        // What was led on change by change is what a look at all of it says.
        prop_assert_eq!(&standings.services[key], &service.standing());
        let virtual_server =
            configured.virtual_servers.iter().find(|server| server.key() == Some(*key)).unwrap();
        let known: Vec<_> =
            virtual_server.real_servers.iter().map(|real| virtual_server.server_key(real)).collect();
        let standing = &standings.services[key];
        prop_assert!(standing.servers.keys().all(|server| known.contains(server)));
        let serves = standing.servers.values().any(|standing| standing.serves());
        let has_sorry = virtual_server.sorry_server.is_some();
        let sorry_held =
            service.sorry().is_some_and(|(_, sorry)| sorry.placed().holds(now) != Instruction::Enabled);
        prop_assert_eq!(standing.sorry, has_sorry && !sorry_held && !serves);
        for (server, member) in service.members() {
            let stands = standing.servers[server];
            let held = member.placed().holds(now);
            prop_assert!(
                !stands.serves() || (member.verdict() == Verdict::Up && held == Instruction::Enabled)
            );
            prop_assert!(held != Instruction::Disabled || stands == Standing::Out);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn at_any_moment_the_table_says_what_is_known((cluster, events) in world()) {
        let mut desk = Desk::new(cluster);
        let (mut now, mut orders) = (s(0), Orders::new());
        sound(&desk, now)?;
        for (later, event) in &events {
            let until = now + s(*later);
            while let Some(at) = desk.roster.next_deadline().filter(|at| *at <= until) {
                now = now.max(at);
                desk.tick(now);
                sound(&desk, now)?;
                prop_assert!(desk.roster.next_deadline().is_none_or(|next| next > now), "it would be called for ever");
            }
            now = until;
            happen(&mut desk, &mut orders, event, now);
            sound(&desk, now)?;
        }
    }

    #[test]
    fn late_timers_change_no_verdict_and_nothing_that_stands_afterwards((cluster, events) in world()) {
        let (mut prompt, mut late) = (Desk::new(cluster.clone()), Desk::new(cluster));
        let (mut now, mut given, mut given_late) = (s(0), Orders::new(), Orders::new());
        for (later, event) in &events {
            let until = now + s(*later);
            while let Some(at) = prompt.roster.next_deadline().filter(|at| *at <= until) {
                prompt.tick(at);
            }
            now = until;
            happen(&mut prompt, &mut given, event, now);
            happen(&mut late, &mut given_late, event, now);
        }
        prompt.tick(now);
        late.tick(now);
        prop_assert_eq!(prompt.roster.standings(), late.roster.standings());
    }

    #[test]
    fn a_restart_at_any_moment_changes_nothing_then_or_later((cluster, events) in world(), cut in 0_usize..80) {
        let mut desk = Desk::new(cluster.clone());
        let (mut now, mut orders) = (s(0), Orders::new());
        let mut again: Option<Desk> = None;
        for (at, (later, event)) in events.iter().enumerate() {
            now += s(*later);
            desk.tick(now);
            if let Some(again) = &mut again {
                again.tick(now);
            }
            if at == cut {
                let text = serde_json::to_string(&desk.roster.memory(now)).unwrap();
                let memory: Memory = serde_json::from_str(&text).unwrap();
                let mut resumed = Desk { table: desk.wanted(), ..Desk::new(cluster.clone()) };
                resumed.roster = Roster::default();
                let table = resumed.table.clone();
                resumed.roster.configure(&resumed.cluster, &table, Some((&memory, s(0))), &mut || 0, now);
                let all: Vec<_> = orders.iter().map(|(target, order)| (target.clone(), order.clone())).collect();
                resumed.order(&all, now);
                prop_assert_eq!(resumed.roster.standings(), desk.roster.standings());
                prop_assert_eq!(resumed.roster.memory(now), memory);
                again = Some(resumed);
            }
            happen(&mut desk, &mut orders, event, now);
            if let Some(again) = &mut again {
                // The orders are whole documents: the same map for both.
                let mut same = orders.clone();
                happen(again, &mut same, event, now);
                prop_assert_eq!(again.roster.standings(), desk.roster.standings());
            }
        }
    }

    #[test]
    fn a_weight_on_its_way_never_falls_and_ends_at_all_of_it(
        weight in 0_u32..70_000, seconds in 0_u64..5000, doubling in any::<bool>(), any in any::<bool>(),
    ) {
        let mut policy = policy(2, pace(1, 1));
        policy.combine = if any { Combine::Any } else { Combine::All };
        policy.slow_start = if doubling { SlowStart::Doubling(s(seconds)) } else { SlowStart::Linear(s(seconds)) };
        policy.load = Some(LoadRule::Reported { least: 10, most: 100 });
        let mut member = Member::new(Arc::new(policy), weight, false, Found { weight: None, jitter: 0 }, s(0));
        member.result(0, &up(), s(1), s(1));
        member.result(1, &up(), s(1), s(1));
        let mut last = 0;
        for step in 0..30 {
            let now = s(1) + s(seconds) * step / 20;
            let given = member.standing(now).weight().unwrap();
            prop_assert!(given >= last && given <= weight && (given > 0 || weight == 0));
            last = given;
        }
        let over = s(1) + s(seconds) * 40;
        prop_assert_eq!(member.standing(over).weight(), Some(weight));
    }
}
