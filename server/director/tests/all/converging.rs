//! The kernel comes to hold what was asked for, whatever happens on the way.

use std::time::Duration;

use kernel::Kind;
use lvs::model::{Seat, VirtualServer, Weight};
use lvs::table::{AddressRow, Service, ServiceRow};
use lvs::wire::State;

use crate::world::{SERVICE, VIP, World, cluster, eventually, larger, target, until};

fn service(scheduler: &str) -> Service {
    let row = ServiceRow {
        scheduler: scheduler.to_owned(),
        flags: Default::default(),
        persistence: None,
        one_packet: false,
    };
    Service { row, servers: Default::default() }
}

#[tokio::test]
async fn a_push_is_made_true_and_answered_with_what_was_done() {
    let world = World::new();
    let agent = world.start();
    assert_eq!(until(&agent, "first look", |s| s.state == State::Starting).await.revision, None);
    let applied = world.push(&agent, &target(1, cluster())).await.unwrap();
    assert!(applied.in_sync && applied.failures.is_empty(), "{applied:?}");
    assert_eq!(applied.revision, 1);
    assert_eq!(applied.steps.len(), 4, "a service, two servers, an address: {:?}", applied.steps);
    assert_eq!(world.services(), [SERVICE]);
    assert_eq!(world.addresses(), [VIP]);
    let status = agent.status();
    assert_eq!((status.state, status.seat, status.revision), (State::Active, Some(Seat::Primary), Some(1)));
    assert_eq!(status.kernel_writes, 4);
    assert!(status.in_sync && status.last_error.is_none(), "{status:?}");
    assert_eq!(status.holds.iter().map(ToString::to_string).collect::<Vec<_>>(), [VIP]);
    agent.stop(false).await;
}

#[tokio::test]
async fn a_restart_adopts_and_writes_nothing() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, larger())).await.unwrap();
    agent.stop(false).await;
    let (before, files) = (world.writes(), world.files());
    assert_eq!(world.addresses(), [VIP], "stopping leaves traffic alone");
    let agent = world.start();
    let status = until(&agent, "in sync again", |s| s.in_sync).await;
    assert_eq!((status.state, status.revision), (State::Active, Some(1)));
    assert_eq!(world.writes(), before, "a restart on a converged kernel writes nothing");
    assert_eq!(world.files(), files, "and no file but the journal");
    agent.stop(false).await;
}

#[tokio::test]
async fn one_weight_is_one_write() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, larger())).await.unwrap();
    let before = world.writes();
    let mut changed = larger();
    changed.virtual_servers[1].real_servers[0].weight = Weight(7);
    let applied = world.push(&agent, &target(2, changed)).await.unwrap();
    assert_eq!((applied.steps.len(), world.writes() - before), (1, 1), "{applied:?}");
    agent.stop(false).await;
}

#[tokio::test]
async fn a_fault_at_any_write_is_made_good_by_a_later_pass() {
    let whole = World::new();
    let agent = whole.start();
    whole.push(&agent, &target(1, larger())).await.unwrap();
    agent.stop(false).await;
    let (wanted, count) = (whole.observed(), whole.writes());
    assert!(count >= 7);
    for nth in 1..=count {
        for kind in [Kind::Transient, Kind::Busy] {
            let world = World::new();
            let agent = world.start();
            world.kernel.fail_nth(nth, kind);
            let applied = world.push(&agent, &target(1, larger())).await.unwrap();
            assert!(!applied.in_sync && !applied.failures.is_empty(), "write {nth}: {applied:?}");
            until(&agent, "recovered", |s| s.in_sync && s.failures.is_empty()).await;
            let status = agent.status();
            assert_eq!(status.last_error, None, "cleared by a pass without one");
            let (now, then) = (world.observed(), &wanted);
            assert_eq!(
                (now.table, now.addresses),
                (then.table.clone(), then.addresses.clone()),
                "write {nth}"
            );
            agent.stop(false).await;
        }
    }
}

#[tokio::test]
async fn an_unreadable_kernel_is_a_fault_until_it_can_be_read() {
    let mut world = World::new();
    // Only pokes and pushes wake this agent.
    world.rhythm.tick = Duration::from_secs(3600);
    world.rhythm.retry = world.rhythm.tick;
    world.kernel.fail_observe(Kind::Denied);
    let agent = world.start();
    let status = until(&agent, "a fault", |s| s.state == State::Fault).await;
    assert!(status.last_error.is_some() && !status.in_sync, "{status:?}");
    agent.poke();
    until(&agent, "no fault", |s| s.state == State::Starting && s.last_error.is_none()).await;

    world.kernel.fail_observe(Kind::Unsupported);
    let applied = world.push(&agent, &target(1, cluster())).await.unwrap();
    assert!(!applied.in_sync && !applied.failures.is_empty() && applied.steps.is_empty(), "{applied:?}");
    assert_eq!(
        (agent.status().state, agent.status().revision),
        (State::Fault, Some(1)),
        "taken, not yet true"
    );
    assert_eq!(world.writes(), 0);
    agent.poke();
    until(&agent, "active", |s| s.in_sync && s.state == State::Active).await;
    agent.stop(false).await;
}

#[tokio::test]
async fn thousands_of_equal_failures_are_not_listed_one_by_one() {
    let world = World::new();
    let mut many = cluster();
    many.virtual_servers[0].real_servers.clear();
    let first = many.virtual_servers.remove(0);
    for port in 1..=150_u16 {
        many.virtual_servers.push(VirtualServer { name: format!("s{port}"), port, ..first.clone() });
    }
    world.kernel.remove_scheduler("wlc");
    let agent = world.start();
    let applied = world.push(&agent, &target(1, many)).await.unwrap();
    assert_eq!(applied.failures.len(), 101);
    // 150 services that the kernel refuses, and the address that waits for them.
    assert_eq!(applied.failures[100].step, "51 more steps");
    agent.stop(false).await;
}

#[tokio::test]
async fn an_address_waits_until_its_service_is_there() {
    let world = World::new();
    world.kernel.remove_scheduler("wlc");
    let agent = world.start();
    let applied = world.push(&agent, &target(1, cluster())).await.unwrap();
    assert!(
        applied.failures.iter().any(|f| f.step.starts_with("ip addr add") && f.reason.contains("held back"))
    );
    assert!(agent.status().holds.is_empty(), "no traffic is attracted to a service that is not there");
    agent.stop(false).await;
}

#[tokio::test]
async fn foreign_services_stay_and_are_named() {
    let world = World::new();
    let foreign = "tcp 198.51.100.1:25".parse().unwrap();
    world.kernel.put_service(foreign, service("rr"));
    let agent = world.start();
    world.push(&agent, &target(1, cluster())).await.unwrap();
    assert_eq!(agent.status().foreign.into_iter().collect::<Vec<_>>(), [foreign]);
    agent.stop(true).await;
    assert_eq!(world.observed().table.services.get(&foreign), Some(&service("rr")));
}

#[tokio::test]
async fn a_desired_service_that_is_there_is_adopted_in_place() {
    let world = World::new();
    world.kernel.put_service(SERVICE.parse().unwrap(), service("rr"));
    let agent = world.start();
    let applied = world.push(&agent, &target(1, cluster())).await.unwrap();
    assert!(applied.in_sync);
    assert!(
        !applied.steps.iter().any(|step| step.starts_with("-A") || step.starts_with("-D")),
        "{applied:?}"
    );
    agent.stop(true).await;
    assert!(world.services().is_empty(), "ours from then on");
}

#[tokio::test]
async fn drift_is_repaired_and_a_stubborn_row_less_and_less_often() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, cluster())).await.unwrap();
    let key = SERVICE.parse().unwrap();
    let mut repairs = Vec::new();
    for _ in 0..4 {
        world.kernel.take_service(&key);
        let began = std::time::Instant::now();
        eventually("repaired", || world.services() == [SERVICE]).await;
        repairs.push(began.elapsed());
    }
    assert!(repairs[0] >= Duration::from_millis(20), "the first waits a little: {repairs:?}");
    assert!(repairs[3] >= Duration::from_millis(100), "the fourth waits for the longest delay: {repairs:?}");
    // A new configuration does not wait for anything.
    world.kernel.take_service(&key);
    assert!(world.push(&agent, &target(2, larger())).await.unwrap().in_sync);
    assert_eq!(world.services().len(), 2);
    agent.stop(false).await;
}

#[tokio::test]
async fn a_standby_holds_the_table_and_no_address() {
    let world = World::new();
    let agent = world.start();
    let standby = lvs::wire::Target { director: "b".to_owned(), ..target(1, cluster()) };
    assert!(world.push(&agent, &standby).await.unwrap().in_sync);
    assert_eq!(agent.status().state, State::Standby);
    assert_eq!((world.services().len(), world.addresses().len()), (1, 0));
    // The seats change places: this director becomes active, and stops being it.
    let mut swapped = cluster();
    swapped.directors[0].seat = Seat::Backup;
    swapped.directors[1].seat = Seat::Primary;
    let active = lvs::wire::Target { director: "b".to_owned(), ..target(2, swapped) };
    assert!(world.push(&agent, &active).await.unwrap().in_sync);
    assert_eq!((agent.status().state, world.addresses()), (State::Active, vec![VIP.to_owned()]));
    let standby = lvs::wire::Target { director: "b".to_owned(), ..target(3, cluster()) };
    assert!(world.push(&agent, &standby).await.unwrap().in_sync);
    assert!(world.addresses().is_empty() && agent.status().holds.is_empty());
    agent.stop(false).await;
}

#[tokio::test]
async fn a_director_that_is_no_longer_named_lets_go_and_says_so() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, cluster())).await.unwrap();
    let gone = lvs::wire::Target { director: "c".to_owned(), ..target(2, cluster()) };
    let applied = world.push(&agent, &gone).await.unwrap();
    assert!(applied.in_sync, "{applied:?}");
    assert_eq!(applied.steps.len(), 2, "address first, then the service: {:?}", applied.steps);
    assert!(world.services().is_empty() && world.addresses().is_empty());
    let status = agent.status();
    assert_eq!((status.state, status.seat), (State::Stopped, None));
    agent.stop(false).await;
}

#[tokio::test]
async fn a_release_removes_what_is_ours_and_nothing_else() {
    let world = World::new();
    let own = "eth0 192.0.2.1/24".parse().unwrap();
    world.kernel.put_address(own, AddressRow::default());
    let agent = world.start();
    world.push(&agent, &target(1, larger())).await.unwrap();
    let released = agent.stop(true).await;
    assert!(released.failures.is_empty(), "{released:?}");
    assert!(released.steps[0].contains("192.0.2.10"), "addresses go before services: {released:?}");
    assert!(world.services().is_empty());
    assert_eq!(world.addresses(), ["eth0 192.0.2.1/24"]);
    assert_eq!(agent.status().state, State::Stopped);
    let agent = world.start();
    until(&agent, "takes up its work again", |s| s.in_sync && s.state == State::Active).await;
    assert_eq!(world.services().len(), 2);
    agent.stop(false).await;
}

#[tokio::test]
async fn a_release_with_a_fault_tries_again() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, larger())).await.unwrap();
    world.kernel.fail_nth(1, Kind::Transient);
    let released = agent.stop(true).await;
    assert!(released.failures.is_empty(), "{released:?}");
    assert!(world.services().is_empty() && world.addresses().is_empty());
}
