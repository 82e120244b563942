//! Orders: what they do on a director, how documents meet, and when a drain is done.

use std::collections::BTreeMap;

use lvs::counters::{Counters, ServerCounters, ServiceCounters};
use lvs::health::{
    Deadline, Drain, EXPIRE_QUIESCENT, Instruction, LocalOrders, Order, OrderTarget, Orders, Overdue, drain,
    in_force, strictest,
};
use lvs::model::{Cluster, Id, Seat};
use lvs::plan::{Holding, desired};
use lvs::table::{ServerKey, ServiceKey};

use super::desk::{Desk, s, up};

fn order(instruction: Instruction) -> Order {
    Order {
        instruction,
        at_once: false,
        deadline: None,
        until_s: None,
        ramp_s: None,
        reason: "new disks".into(),
        by: "anna".into(),
        given_s: 0,
    }
}

fn target(server: &str) -> OrderTarget {
    OrderTarget::Server { service: Id("vs_1".into()), server: Id(server.into()) }
}

fn machine(address: &str) -> OrderTarget {
    OrderTarget::Machine { address: address.parse().unwrap() }
}

fn cluster() -> Cluster {
    serde_json::from_value(serde_json::json!({
        "name": "one",
        "directors": [{ "name": "a", "seat": "primary", "public": "192.0.2.9" }],
        "virtual_servers": [
            {
                "id": "vs_1", "name": "web", "vip": { "address": "192.0.2.1" }, "port": 80,
                "persistence": { "timeout_s": 300 },
                "real_servers": [
                    { "id": "rs_1", "name": "one", "address": "10.0.0.1", "weight": 10 },
                    { "id": "rs_2", "name": "two", "address": "10.0.0.2", "weight": 10 },
                ],
            },
            {
                "id": "vs_2", "name": "mail", "vip": { "address": "192.0.2.1" }, "port": 25,
                "real_servers": [{ "id": "rs_3", "name": "one", "address": "10.0.0.1" }],
            },
        ],
    }))
    .unwrap()
}

fn web() -> ServiceKey {
    "tcp 192.0.2.1:80".parse().unwrap()
}

fn mail() -> ServiceKey {
    "tcp 192.0.2.1:25".parse().unwrap()
}

fn server(text: &str) -> ServerKey {
    text.parse().unwrap()
}

/// A desk where all three servers are up.
fn serving() -> Desk {
    let mut desk = Desk::new(cluster());
    for (service, real) in [(web(), "10.0.0.1:80"), (web(), "10.0.0.2:80"), (mail(), "10.0.0.1:25")] {
        desk.result(service, server(real), 0, &up(), s(1));
    }
    desk
}

/// The steps to what is wanted now, as texts.
fn steps(desk: &mut Desk) -> Vec<String> {
    desk.program().iter().map(ToString::to_string).collect()
}

#[test]
fn an_order_holds_over_new_configurations_and_ends_when_it_is_taken_back() {
    let mut desk = serving();
    steps(&mut desk);
    desk.order(&[(target("rs_1"), order(Instruction::Draining))], s(10));
    assert_eq!(steps(&mut desk), ["-e -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 0"]);
    // Renamed, reweighted and moved to another port, it is the same server.
    let mut changed = cluster();
    changed.virtual_servers[0].real_servers[0].name = "renamed".into();
    changed.virtual_servers[0].real_servers[0].weight = lvs::model::Weight(50);
    desk.configure(changed.clone(), s(20));
    assert_eq!(steps(&mut desk), [""; 0]);
    changed.virtual_servers[0].real_servers[0].port = Some(8080);
    desk.configure(changed, s(21));
    desk.result(web(), server("10.0.0.1:8080"), 0, &up(), s(22));
    assert_eq!(
        steps(&mut desk),
        ["-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 0", "-d -t 192.0.2.1:80 -r 10.0.0.1:80"]
    );
    desk.order(&[], s(30));
    assert_eq!(steps(&mut desk), ["-e -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 50"]);
}

#[test]
fn an_order_for_a_machine_is_one_for_all_its_services_and_the_stricter_holds() {
    let mut desk = serving();
    steps(&mut desk);
    desk.order(&[(machine("10.0.0.1"), order(Instruction::Draining))], s(10));
    assert_eq!(
        steps(&mut desk),
        ["-e -t 192.0.2.1:25 -r 10.0.0.1:25 -m -w 0", "-e -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 0"]
    );
    let (enabled, disabled) = (order(Instruction::Enabled), order(Instruction::Disabled));
    let both = [(machine("10.0.0.1"), order(Instruction::Draining)), (target("rs_1"), enabled)];
    desk.order(&both, s(11));
    assert_eq!(steps(&mut desk), [""; 0], "one service cannot be enabled on a machine that drains");
    desk.order(&[(machine("10.0.0.1"), order(Instruction::Draining)), (target("rs_1"), disabled)], s(12));
    assert_eq!(steps(&mut desk), ["-d -t 192.0.2.1:80 -r 10.0.0.1:80"]);
    let (held, given) = desk.roster.order_for(&web(), &server("10.0.0.1:80")).unwrap();
    assert_eq!((held, given.instruction), (target("rs_1"), Instruction::Disabled));
}

#[test]
fn a_deadline_cuts_off_or_waits_and_an_end_enables_again() {
    let with = |deadline: Option<(i64, Overdue)>, until_s| Order {
        deadline: deadline.map(|(at_s, then)| Deadline { at_s, then }),
        until_s,
        ..order(Instruction::Draining)
    };
    for (given, at_19, at_20, at_40) in [
        (with(Some((20, Overdue::Cut)), None), "10.0.0.1=0", "", ""),
        (with(Some((20, Overdue::Wait)), None), "10.0.0.1=0", "10.0.0.1=0", "10.0.0.1=0"),
        (with(None, Some(40)), "10.0.0.1=0", "10.0.0.1=0", "10.0.0.1=1"),
        (with(Some((20, Overdue::Cut)), Some(40)), "10.0.0.1=0", "", "10.0.0.1=1"),
        // A deadline that has passed when the order comes.
        (with(Some((-5, Overdue::Cut)), None), "", "", ""),
    ] {
        let mut desk = serving();
        desk.order(&[(machine("10.0.0.1"), given.clone())], s(10));
        for (at, expected) in [(19, at_19), (20, at_20), (40, at_40)] {
            desk.tick(s(at));
            // The service that sorts first is the mail's, with one server.
            assert_eq!(desk.rows(), expected, "{given:?} at {at}");
        }
    }
}

#[test]
fn an_order_that_has_ended_leaves_no_ramp_to_the_next_one_however_late_the_timer_is() {
    for timer in [Some(s(20)), None] {
        let mut desk = serving();
        let draining = Order { until_s: Some(20), ..order(Instruction::Draining) };
        desk.order(&[(target("rs_1"), draining)], s(10));
        if let Some(at) = timer {
            desk.tick(at);
        }
        let enabled = Order { ramp_s: Some(60), ..order(Instruction::Enabled) };
        desk.order(&[(target("rs_1"), enabled)], s(25));
        let weight = desk.roster.standings().services[&web()].servers[&server("10.0.0.1:80")].weight();
        assert_eq!(weight, Some(10), "{timer:?}");
    }
}

#[test]
fn a_clock_that_is_put_right_cuts_nothing_off() {
    let mut desk = serving();
    let deadline = Deadline { at_s: 1000, then: Overdue::Cut };
    let given = Order { deadline: Some(deadline), ..order(Instruction::Draining) };
    let orders = BTreeMap::from([(machine("10.0.0.1"), given)]);
    desk.roster.orders(orders.clone(), 400, s(10));
    // The clock jumps a day ahead; another order comes, the first stays as it is.
    let mut more = orders;
    more.insert(target("rs_2"), order(Instruction::Draining));
    desk.roster.orders(more, 90_000, s(20));
    desk.tick(s(609));
    assert_eq!(desk.rows(), "10.0.0.1=0");
    desk.tick(s(610));
    assert_eq!(desk.rows(), "");
}

fn counters(service: ServiceKey, rows: &[(&str, u32, u32, u32)]) -> Counters {
    let row = |(key, active, inactive, persistent): &(&str, u32, u32, u32)| {
        let counted = ServerCounters {
            active: *active,
            inactive: *inactive,
            persistent: *persistent,
            ..ServerCounters::default()
        };
        (server(key), counted)
    };
    let servers = rows.iter().map(row).collect();
    Counters::from([(service, ServiceCounters { servers, ..ServiceCounters::default() })])
}

#[test]
fn a_drain_is_done_when_the_kernel_says_so() {
    let draining = |deadline| Order { deadline, ..order(Instruction::Draining) }.place(0, s(0));
    let late = Some(Deadline { at_s: 5, then: Overdue::Wait });
    let cut = Some(Deadline { at_s: 5, then: Overdue::Cut });
    let one = "10.0.0.1:80";
    for (service, row, deadline, expected) in [
        ("tcp 192.0.2.1:80", Some((3, 9, 0)), None, Drain::Draining { left: Some(3) }),
        // Connections that are only being forgotten are no reason to wait.
        ("tcp 192.0.2.1:80", Some((0, 9, 0)), None, Drain::Drained { may_return: 0 }),
        ("tcp 192.0.2.1:80", Some((0, 0, 4)), None, Drain::Drained { may_return: 4 }),
        ("sctp 192.0.2.1:80", Some((1, 0, 0)), None, Drain::Draining { left: Some(1) }),
        // The kernel counts UDP as inactive.
        ("udp 192.0.2.1:53", Some((0, 2, 0)), None, Drain::Draining { left: Some(2) }),
        ("udp 192.0.2.1:53", Some((0, 0, 0)), None, Drain::Drained { may_return: 0 }),
        // A mark may carry both.
        ("fwmark 5", Some((0, 2, 0)), None, Drain::Draining { left: Some(2) }),
        ("fwmark 5", Some((0, 0, 0)), None, Drain::Drained { may_return: 0 }),
        // No row, no connections.
        ("tcp 192.0.2.1:80", None, None, Drain::Drained { may_return: 0 }),
        ("tcp 192.0.2.1:80", Some((3, 0, 0)), late, Drain::Overdue { left: Some(3) }),
        ("tcp 192.0.2.1:80", Some((0, 0, 0)), late, Drain::Drained { may_return: 0 }),
        ("tcp 192.0.2.1:80", Some((3, 0, 0)), cut, Drain::Cut),
    ] {
        let key: ServiceKey = service.parse().unwrap();
        let rows: Vec<_> = row.map(|(a, i, p)| (one, a, i, p)).into_iter().collect();
        let told = drain(&draining(deadline), &key, &server(one), Some(&counters(key, &rows)), s(5));
        assert_eq!(told, Some(expected), "{service} {row:?} {deadline:?}");
    }
    let key = web();
    assert_eq!(drain(&draining(None), &key, &server(one), None, s(5)), Some(Drain::Draining { left: None }));
    assert_eq!(drain(&draining(late), &key, &server(one), None, s(5)), Some(Drain::Overdue { left: None }));
    for other in [Instruction::Enabled, Instruction::Disabled] {
        assert_eq!(drain(&order(other).place(0, s(0)), &key, &server(one), None, s(5)), None);
    }
}

#[test]
fn drain_now_sets_the_kernels_parameter_until_it_is_done_and_then_puts_it_back() {
    let mut desk = serving();
    let parameter = |desk: &Desk| {
        let wanted = desired(&desk.cluster, Seat::Primary, Holding::TableOnly, desk.roster.standings());
        wanted.sysctls.get(EXPIRE_QUIESCENT).cloned()
    };
    let at_once = Order { at_once: true, ..order(Instruction::Draining) };
    let busy = counters(web(), &[("10.0.0.1:80", 1, 0, 1)]);
    desk.roster.count(&busy, s(5));
    assert_eq!(parameter(&desk), None, "never asked for, never touched");
    // The mail has no persistence: nothing has to expire.
    desk.order(
        &[(OrderTarget::Server { service: Id("vs_2".into()), server: Id("rs_3".into()) }, at_once.clone())],
        s(6),
    );
    desk.roster.count(&busy, s(6));
    assert_eq!(parameter(&desk), None);

    desk.order(&[(target("rs_1"), at_once)], s(10));
    desk.roster.count(&busy, s(10));
    assert_eq!(parameter(&desk).as_deref(), Some("1"));
    let quiescent = desk.roster.quiescent();
    assert_eq!(quiescent.affected.iter().collect::<Vec<_>>(), [&web()]);
    assert_eq!(quiescent.pending[&web()].iter().collect::<Vec<_>>(), [&server("10.0.0.1:80")]);
    // Empty, but a client could come back as long as its template lives.
    desk.roster.count(&counters(web(), &[("10.0.0.1:80", 0, 3, 1)]), s(11));
    assert_eq!(parameter(&desk).as_deref(), Some("1"));
    desk.roster.count(&counters(web(), &[("10.0.0.1:80", 0, 3, 0)]), s(12));
    assert_eq!(parameter(&desk).as_deref(), Some("0"));
    assert!(desk.roster.quiescent().affected.is_empty());
    // It was us who set it: an agent that starts again still knows to put it back.
    assert_eq!(desk.roster.memory(s(13)).expire_quiescent, Some(false));
}

#[test]
fn what_was_ordered_on_a_director_holds_until_the_console_has_heard_of_it() {
    let one = |instruction| BTreeMap::from([(target("rs_1"), order(instruction))]);
    let console =
        |serial, orders, heard| Orders { serial, orders, heard: BTreeMap::from([("dir_a".into(), heard)]) };
    let mut local = LocalOrders::default();
    let held = console(4, one(Instruction::Enabled), 0);
    local.give(target("rs_1"), order(Instruction::Disabled));
    local.give(target("rs_1"), order(Instruction::Draining));
    assert_eq!((local.serial, local.orders.len()), (2, 1), "the later one takes the place of the earlier");
    assert_eq!(in_force(&held, &local, "dir_a"), one(Instruction::Draining));
    assert_eq!(in_force(&held, &local, "dir_b"), one(Instruction::Draining));
    // A newer document that has not heard of it does not end it.
    let newer = console(5, BTreeMap::new(), 1);
    newer.follows(&held).unwrap();
    assert_eq!(in_force(&newer, &local, "dir_a"), one(Instruction::Draining));
    // One that has, has taken it in or decided otherwise.
    let heard = console(6, one(Instruction::Enabled), 2);
    assert_eq!(in_force(&heard, &local, "dir_a"), one(Instruction::Enabled));
    local.heard(&heard, "dir_a");
    assert_eq!(local.orders.len(), 0);
    // A director set up anew counts on above what the console has heard of it.
    let mut anew = LocalOrders::default();
    anew.heard(&heard, "dir_a");
    anew.give(target("rs_2"), order(Instruction::Draining));
    assert_eq!(anew.serial, 3);
    assert_eq!(in_force(&heard, &anew, "dir_a").len(), 2);
}

#[test]
fn the_console_takes_in_what_a_director_was_told_and_the_later_order_stays() {
    let given = |instruction, given_s| Order { given_s, ..order(instruction) };
    let mut console = Orders::default();
    console.give(target("rs_1"), given(Instruction::Draining, 100), 7, 0);
    assert_eq!(console.serial, 8, "above what a director holds, though this console knows of none");
    let mut local = LocalOrders::default();
    local.give(target("rs_1"), given(Instruction::Enabled, 50));
    local.give(target("rs_2"), given(Instruction::Disabled, 60));
    let news = console.take_in("dir_a", &local);
    assert_eq!((news.len(), console.serial, console.heard["dir_a"]), (2, 9, 2));
    assert_eq!(console.orders[&target("rs_1")].instruction, Instruction::Draining);
    assert_eq!(console.orders[&target("rs_2")].instruction, Instruction::Disabled);
    // The same again is nothing new.
    assert_eq!((console.take_in("dir_a", &local).len(), console.serial), (0, 9));
    local.give(target("rs_1"), given(Instruction::Enabled, 200));
    console.take_in("dir_a", &local);
    assert_eq!(console.orders[&target("rs_1")].instruction, Instruction::Enabled);
    // An order to enable is forgotten when it is old; others never.
    console.give(target("rs_3"), given(Instruction::Draining, 300), 0, 250);
    assert_eq!(console.orders.keys().collect::<Vec<_>>(), [&target("rs_2"), &target("rs_3")]);
}

#[test]
fn an_older_document_is_refused() {
    let document = |serial, instruction| Orders {
        serial,
        orders: BTreeMap::from([(target("rs_1"), order(instruction))]),
        heard: BTreeMap::new(),
    };
    let held = document(5, Instruction::Draining);
    assert!(document(6, Instruction::Enabled).follows(&held).is_ok());
    assert!(held.follows(&held).is_ok());
    let stale = document(5, Instruction::Enabled).follows(&held).unwrap_err();
    assert_eq!((stale.offered, stale.held), (5, 5));
    assert!(document(4, Instruction::Draining).follows(&held).is_err());
}

#[test]
fn a_document_keeps_its_shape_as_json() {
    let deadline = Some(Deadline { at_s: 1_800_000_000, then: Overdue::Cut });
    let full =
        Order { at_once: true, deadline, until_s: Some(5), ramp_s: Some(60), ..order(Instruction::Draining) };
    let orders =
        BTreeMap::from([(target("rs_1"), full), (machine("2001:db8::1"), order(Instruction::Disabled))]);
    let document = Orders { serial: 7, orders, heard: BTreeMap::from([("dir_a".into(), 2)]) };
    let text = serde_json::to_string(&document).unwrap();
    assert_eq!(serde_json::from_str::<Orders>(&text).unwrap(), document);
    assert!(text.contains(r#"{"target":{"for":"server","service":"vs_1","server":"rs_1"},"order":{"instruction":"draining","at_once":true,"deadline":{"at_s":1800000000,"then":"cut"}"#), "{text}");
    let oldest: Orders = serde_json::from_str(r#"{"serial":1}"#).unwrap();
    assert!(oldest.orders.is_empty());
}

#[test]
fn of_two_orders_that_are_alike_the_servers_own_is_named() {
    let orders =
        |own, there| BTreeMap::from([(target("rs_1"), order(own)), (machine("10.0.0.1"), order(there))]);
    let (service, real, address) = (Id("vs_1".into()), Id("rs_1".into()), "10.0.0.1".parse().unwrap());
    use Instruction::{Disabled, Draining, Enabled};
    for (own, there, expected) in [
        (Draining, Draining, target("rs_1")),
        (Enabled, Draining, machine("10.0.0.1")),
        (Disabled, Draining, target("rs_1")),
        (Draining, Enabled, target("rs_1")),
    ] {
        assert_eq!(strictest(&orders(own, there), &service, &real, address), Some(expected));
    }
    // Without identifiers only machines can be named.
    let unset = Id::default();
    assert_eq!(strictest(&orders(Draining, Enabled), &unset, &unset, address), Some(machine("10.0.0.1")));
}
