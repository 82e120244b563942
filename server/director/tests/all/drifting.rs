//! What somebody else changes: shown, repaired after a delay, or held until somebody decides.

use std::time::Duration;

use axum::http::StatusCode;
use kernel::Kernel as _;
use lvs::Cluster;
use lvs::model::{DriftPolicy, Weight};
use lvs::plan::Step;
use lvs::table::{ServerKey, ServiceKey};
use lvs::wire::{Applied, Refusal, RepairRequest, Target};

use crate::world::{SERVICE, VIP, World, cluster, eventually, larger, target, until};

fn holding() -> Cluster {
    let mut cluster = cluster();
    cluster.global.drift = DriftPolicy::Hold;
    cluster
}

/// Gives a real server another weight, as somebody with ipvsadm would.
fn reweigh(world: &World, weight: u32) {
    let service: ServiceKey = SERVICE.parse().unwrap();
    let key: ServerKey = "10.0.0.1:80".parse().unwrap();
    let row = lvs::table::ServerRow { weight, ..world.observed().table.services[&service].servers[&key] };
    let done = world.kernel.clone().apply(&[Step::SetServer { service, key, row }]);
    assert!(done.iter().all(Result::is_ok));
}

fn weight(world: &World) -> u32 {
    world.observed().table.services[&SERVICE.parse::<ServiceKey>().unwrap()].servers
        [&"10.0.0.1:80".parse::<ServerKey>().unwrap()]
        .weight
}

async fn repair(world: &World, agent: &director::Agent, rows: &[&str]) -> Result<Applied, Refusal> {
    let request = RepairRequest { rows: rows.iter().map(ToString::to_string).collect() };
    let body = serde_json::to_vec(&request).unwrap();
    let (status, answer) = world.ask(agent, "POST", "/v1/repair", body, world.console()).await;
    match status {
        StatusCode::OK => Ok(serde_json::from_slice(&answer).unwrap()),
        _ => Err(serde_json::from_slice(&answer).unwrap()),
    }
}

#[tokio::test]
async fn drift_is_shown_then_repaired_and_told_of() {
    let mut world = World::new();
    world.rhythm.repair = Duration::from_millis(300);
    world.rhythm.repair_longest = Duration::from_millis(300);
    let agent = world.start();
    world.push(&agent, &target(1, cluster())).await.unwrap();
    reweigh(&world, 7);
    let seen = until(&agent, "shown", |s| !s.drift.is_empty()).await;
    assert!(!seen.in_sync && seen.drift_count == 1, "{seen:?}");
    assert_eq!(seen.drift[0].row, SERVICE);
    assert_eq!(seen.drift[0].found, ["-a -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 7"]);
    assert_eq!(seen.drift[0].repair, ["-e -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 1"]);
    assert!(seen.drift[0].due_s.is_some() && seen.last_error.is_none());
    assert_eq!(weight(&world), 7, "not at once");
    let repaired = until(&agent, "repaired", |s| s.in_sync).await;
    assert_eq!((weight(&world), repaired.drift.len(), repaired.drift_count), (1, 0, 0));
    assert_eq!(repaired.repaired[0].row, SERVICE);
    assert_eq!((repaired.repaired[0].repairs, &repaired.repaired[0].steps), (1, &seen.drift[0].repair));
    // Once more: now it is a fight, and the status says so.
    reweigh(&world, 8);
    let again = until(&agent, "a fight", |s| s.last_error.is_some()).await;
    assert!(again.last_error.unwrap().contains("keeps changing tcp 192.0.2.10:80"));
    let over = until(&agent, "repaired again", |s| s.in_sync).await;
    assert_eq!((over.repaired.len(), over.repaired[1].repairs, over.last_error), (2, 2, None));
    agent.stop(false).await;
}

#[tokio::test]
async fn held_drift_stays_until_somebody_asks_for_the_repair() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, holding())).await.unwrap();
    let writes = world.writes();
    reweigh(&world, 7);
    let changed = world.writes();
    assert_eq!(changed, writes + 1);
    let seen = until(&agent, "shown", |s| !s.drift.is_empty()).await;
    assert_eq!(seen.drift[0].due_s, None, "it waits for a decision");
    // An address is repaired all the same, and the push of what runs already is no decision.
    world.kernel.take_address(&VIP.parse().unwrap());
    eventually("the address is back", || world.addresses() == [VIP]).await;
    let same = world.push(&agent, &target(1, holding())).await.unwrap();
    assert!(!same.in_sync && same.steps.is_empty());
    assert_eq!(weight(&world), 7);

    // Through a restart of the agent, too.
    agent.stop(false).await;
    let agent = world.start();
    let seen = until(&agent, "shown again", |s| !s.drift.is_empty()).await;
    assert_eq!((seen.drift[0].row.as_str(), weight(&world)), (SERVICE, 7));

    let refused = repair(&world, &agent, &["nonsense"]).await.unwrap_err();
    assert!(matches!(refused, Refusal::Malformed { .. }), "{refused:?}");
    let other = repair(&world, &agent, &["udp 192.0.2.10:53"]).await.unwrap();
    assert!(other.steps.is_empty() && !other.in_sync, "a row that does not drift: {other:?}");
    let applied = repair(&world, &agent, &[SERVICE]).await.unwrap();
    assert_eq!((applied.in_sync, applied.steps), (true, seen.drift[0].repair.clone()));
    assert_eq!(weight(&world), 1);
    until(&agent, "no drift any more", |s| s.in_sync && s.drift.is_empty()).await;
    agent.stop(false).await;
}

#[tokio::test]
async fn a_new_configuration_is_a_decision_and_so_is_a_forced_push() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, holding())).await.unwrap();
    reweigh(&world, 7);
    until(&agent, "shown", |s| !s.drift.is_empty()).await;
    let forced = Target { force: true, ..target(1, holding()) };
    assert!(world.push(&agent, &forced).await.unwrap().in_sync);
    assert_eq!(weight(&world), 1);
    // Taken over: what the kernel holds becomes what is wanted, and nothing is written.
    reweigh(&world, 7);
    until(&agent, "shown again", |s| !s.drift.is_empty()).await;
    let writes = world.writes();
    let mut theirs = holding();
    theirs.virtual_servers[0].real_servers[0].weight = Weight(7);
    let applied = world.push(&agent, &target(2, theirs)).await.unwrap();
    assert!(applied.in_sync && applied.steps.is_empty(), "{applied:?}");
    assert_eq!((weight(&world), world.writes()), (7, writes));
    assert!(agent.status().drift.is_empty());
    agent.stop(false).await;
}

#[tokio::test]
async fn what_is_held_is_shown_to_the_console_alone() {
    let world = World::new();
    let agent = world.start();
    let (status, _) = world.ask(&agent, "GET", "/v1/target", "", world.console()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(repair(&world, &agent, &[]).await.is_err(), "nothing is held that could be repaired");
    world.push(&agent, &target(3, larger())).await.unwrap();
    let (status, body) = world.ask(&agent, "GET", "/v1/target", "", world.console()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(serde_json::from_slice::<Target>(&body).unwrap(), target(3, larger()));
    let stranger = vec![world.authority.director("dir_other").certificate.der().clone()];
    for (method, path) in [("GET", "/v1/target"), ("POST", "/v1/repair")] {
        let (status, _) = world.ask(&agent, method, path, "{}", Some(stranger.clone())).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
    }
    agent.stop(false).await;
}
