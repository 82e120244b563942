//! A director's roster: probes that are due, new configurations, restarts, and the table that comes of it.

use std::time::Duration;

use lvs::health::{Action, Ask, KEPT_FOR, Memory, Reason, Roster, Verdict};
use lvs::model::{Cluster, Monitor, Seat};
use lvs::plan::{Holding, desired};
use lvs::table::{ServerKey, ServiceKey, Table};

use super::desk::{Desk, down, s, up};

pub(crate) fn cluster(quiesce: bool) -> Cluster {
    serde_json::from_value(serde_json::json!({
        "name": "one",
        "directors": [{ "name": "a", "seat": "primary", "public": "192.0.2.9" }],
        "virtual_servers": [{
            "id": "vs_1", "name": "web", "vip": { "address": "192.0.2.1" }, "port": 80, "quiesce": quiesce,
            "sorry_server": { "address": "10.0.0.9" },
            "monitor": { "interval_ms": 1000, "timeout_ms": 1000, "fall": 2, "rise": 2, "reentry_s": 0 },
            "real_servers": [
                { "id": "rs_1", "name": "one", "address": "10.0.0.1", "weight": 10 },
                { "id": "rs_2", "name": "two", "address": "10.0.0.2", "weight": 10 },
            ],
        }],
    }))
    .unwrap()
}

pub(crate) fn web() -> ServiceKey {
    "tcp 192.0.2.1:80".parse().unwrap()
}

pub(crate) fn server(last: u8) -> ServerKey {
    format!("10.0.0.{last}:80").parse().unwrap()
}

fn tell(desk: &mut Desk, last: u8, results: &[(bool, u64)]) {
    for (good, at) in results {
        desk.result(web(), server(last), 0, &if *good { up() } else { down() }, s(*at));
    }
}

#[test]
fn a_service_that_starts_on_an_empty_kernel_says_sorry_until_somebody_answers() {
    let mut desk = Desk::new(cluster(false));
    assert_eq!(desk.rows(), "10.0.0.9=1");
    tell(&mut desk, 1, &[(true, 1)]);
    assert_eq!(desk.rows(), "10.0.0.1=10");
    tell(&mut desk, 1, &[(false, 2), (false, 3)]);
    assert_eq!(desk.rows(), "10.0.0.9=1");
}

#[test]
fn what_a_kernel_holds_is_taken_over_without_a_change() {
    let cluster = cluster(false);
    let valid = cluster.clone().validate().unwrap();
    let there = desired(&valid, Seat::Primary, Holding::TableOnly, &Default::default()).table;
    let mut desk = Desk::over(cluster, there);
    assert!(desk.program().is_empty(), "the agent has started and writes nothing");
    tell(&mut desk, 1, &[(true, 1)]);
    tell(&mut desk, 2, &[(true, 1)]);
    assert!(desk.program().is_empty());
}

#[test]
fn probes_are_asked_for_when_they_are_due_and_again_when_one_is_lost() {
    let mut desk = Desk::new(cluster(false));
    desk.tick(s(0));
    let who: Vec<_> = desk.asks.drain(..).map(|ask| (ask.server, ask.check)).collect();
    assert_eq!(who, [(server(1), 0), (server(2), 0)]);
    desk.tick(s(5));
    assert!(desk.asks.is_empty(), "both are under way");
    tell(&mut desk, 1, &[(true, 5)]);
    assert_eq!(desk.roster.next_deadline(), Some(s(6)));
    desk.tick(s(6));
    assert_eq!(desk.asks.drain(..).map(|ask| ask.server).collect::<Vec<_>>(), [server(1)]);
    // The other one's time is long over, and room for waiting in a queue as well.
    assert_eq!(desk.roster.next_deadline(), Some(s(12)));
    desk.tick(s(12));
    assert_eq!(desk.asks.drain(..).map(|ask| ask.server).collect::<Vec<_>>(), [server(2)]);
    let member = desk.roster.service(&web()).unwrap().member(&server(2)).unwrap();
    assert_eq!(member.verdict(), Verdict::Unknown, "a lost probe says nothing about the server");
    // The result of a server that is gone.
    let gone = Ask { service: web(), server: server(77), sorry: false, check: 0 };
    assert_eq!(desk.roster.result(&gone, &down(), s(13), s(13)), []);
}

#[test]
fn a_new_configuration_keeps_the_verdicts_and_new_questions_take_nothing_down() {
    let mut desk = Desk::new(cluster(false));
    tell(&mut desk, 1, &[(true, 1)]);
    tell(&mut desk, 2, &[(false, 1)]);
    assert_eq!(desk.rows(), "10.0.0.1=10");
    // Another weight, another interval: the same questions, and what is counted counts on.
    let mut changed = cluster(false);
    changed.virtual_servers[0].real_servers[0].weight.0 = 20;
    changed.virtual_servers[0].monitor.interval_ms = 500;
    tell(&mut desk, 1, &[(false, 2)]);
    desk.configure(changed.clone(), s(2));
    assert_eq!(desk.rows(), "10.0.0.1=20");
    tell(&mut desk, 1, &[(false, 3)]);
    assert_eq!(desk.rows(), "10.0.0.9=1", "the second failure in a row");
    tell(&mut desk, 1, &[(true, 4), (true, 5)]);
    // Other questions: the one that is up stays until they have failed as often as it takes; the one that is down comes
    // with the first good answer.
    changed.virtual_servers[0].monitor.checks =
        serde_json::from_str::<Monitor>(r#"{"checks":[{"kind":"ping"}]}"#).unwrap().checks;
    desk.configure(changed.clone(), s(6));
    assert_eq!(desk.rows(), "10.0.0.1=20");
    let reason = |desk: &Desk, last| {
        desk.roster.service(&web()).unwrap().member(&server(last)).unwrap().reason().clone()
    };
    assert_eq!((reason(&desk, 1), reason(&desk, 2)), (Reason::Asked, Reason::Asked));
    tell(&mut desk, 1, &[(false, 7)]);
    tell(&mut desk, 2, &[(true, 7)]);
    assert_eq!(desk.rows(), "10.0.0.1=20 10.0.0.2=10");
    tell(&mut desk, 1, &[(false, 8)]);
    assert_eq!(desk.rows(), "10.0.0.2=10");
    // Nobody asks any more: all are up.
    changed.virtual_servers[0].monitor.checks.clear();
    desk.configure(changed, s(9));
    assert_eq!(desk.rows(), "10.0.0.1=20 10.0.0.2=10");
    assert_eq!(desk.roster.next_deadline(), None);
}

fn restarted(memory: &Memory, away: Duration, table: &Table, now: Duration) -> Desk {
    let mut desk = Desk { table: table.clone(), ..Desk::new(cluster(true)) };
    desk.roster = Roster::default();
    desk.roster.configure(&desk.cluster, table, Some((memory, away)), &mut || 0, now);
    desk
}

#[test]
fn a_restarted_agent_knows_what_it_knew_and_for_how_long() {
    let mut desk = Desk::new(cluster(true));
    tell(&mut desk, 1, &[(true, 1), (false, 10)]);
    tell(&mut desk, 2, &[(true, 1), (false, 2), (false, 3), (true, 4)]);
    desk.program();
    assert_eq!(desk.rows(), "10.0.0.1=10 10.0.0.2=0");
    let memory: Memory =
        serde_json::from_str(&serde_json::to_string(&desk.roster.memory(s(20))).unwrap()).unwrap();
    let mut again = restarted(&memory, s(5), &desk.table, s(3));
    assert!(again.program().is_empty(), "its table is right as it is");
    let member =
        |desk: &Desk, last| desk.roster.service(&web()).unwrap().member(&server(last)).unwrap().clone();
    assert_eq!(member(&again, 1).age(s(3)), s(24), "19 seconds then, 5 away");
    assert_eq!((member(&again, 2).verdict(), member(&again, 2).age(s(3))), (Verdict::ReEntering, s(21)));
    // Counting goes on: one more failure, one more success.
    tell(&mut again, 1, &[(false, 4)]);
    tell(&mut again, 2, &[(true, 4)]);
    assert_eq!(again.rows(), "10.0.0.1=0 10.0.0.2=10");
    // What is too old is forgotten; then what the kernel holds stays until the first results.
    let old = restarted(&memory, KEPT_FOR + s(1), &desk.table, s(3));
    assert_eq!(member(&old, 1).verdict(), Verdict::Unknown);
    assert_eq!(old.wanted(), desk.table);
    // A kernel that has been rebooted meanwhile gets those that were up, and no others.
    let mut rebooted = restarted(&memory, s(60), &Table::default(), s(3));
    assert_eq!(rebooted.rows(), "10.0.0.1=10 10.0.0.2=0");
}

#[test]
fn a_memory_of_other_questions_takes_nothing_down() {
    let mut desk = Desk::new(cluster(false));
    tell(&mut desk, 1, &[(true, 1)]);
    tell(&mut desk, 2, &[(false, 1)]);
    let memory = desk.roster.memory(s(2));
    let mut other = cluster(false);
    other.virtual_servers[0].monitor.checks =
        serde_json::from_str::<Monitor>(r#"{"checks":[{"kind":"ping"}]}"#).unwrap().checks;
    let other = other.validate().unwrap();
    let mut roster = Roster::default();
    roster.configure(&other, &Table::default(), Some((&memory, s(1))), &mut || 0, s(0));
    let member = |last| roster.service(&web()).unwrap().member(&server(last)).unwrap().verdict();
    assert_eq!((member(1), member(2)), (Verdict::Up, Verdict::Unknown));
}

#[test]
fn who_is_told_of_a_change_is_told_once() {
    let mut desk = Desk::new(cluster(false));
    let ask = Ask { service: web(), server: server(1), sorry: false, check: 0 };
    let actions = desk.roster.result(&ask, &up(), s(1), s(1));
    assert!(matches!(actions.as_slice(), [Action::Verdict { .. }, Action::Standings { .. }]), "{actions:?}");
    assert_eq!(desk.roster.result(&ask, &up(), s(2), s(2)), [], "the same again");
    assert_eq!(desk.roster.result(&ask, &down(), s(3), s(3)), [], "the first of two");
}
