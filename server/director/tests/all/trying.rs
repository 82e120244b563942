//! A configuration on trial: kept when somebody says so, undone by the director itself when nobody does.

use axum::http::StatusCode;
use lvs::journal::Happening;
use lvs::wire::{Provisional, Refusal, Target};

use crate::world::{World, cluster, eventually, larger, target, until};

fn on_trial(revision: u64, seconds: u32) -> Target {
    Target { provisional: Some(Provisional { seconds }), ..target(revision, larger()) }
}

#[tokio::test]
async fn what_nobody_keeps_is_undone_by_the_director_alone() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(4, cluster())).await.unwrap();
    let tried = world.push(&agent, &on_trial(5, 1)).await.unwrap();
    assert_eq!((tried.revision, tried.in_sync, world.services().len()), (5, true, 2));
    assert!(agent.status().provisional_until_s.is_some());

    // Nobody says anything any more: the console may be dead.
    let status = until(&agent, "gone back", |status| status.revision == Some(4) && status.in_sync).await;
    assert_eq!(world.services(), ["tcp 192.0.2.10:80"]);
    assert_eq!(world.addresses(), ["eth0 192.0.2.10/32"], "the address never left");
    assert_eq!(status.provisional_until_s, None);
    assert_eq!(status.undone.map(|undone| undone.revision), Some(5));

    // The console is late: the same on trial again is refused, and so it stays after a restart.
    let (code, refusal) = world.push(&agent, &on_trial(5, 60)).await.unwrap_err();
    assert_eq!(code, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(refusal.to_string().contains("revision 5 was not kept"), "{refusal}");
    agent.stop(false).await;
    let agent = world.start();
    let status = until(&agent, "still the old one", |status| status.in_sync).await;
    assert_eq!((status.revision, status.undone.map(|undone| undone.revision)), (Some(4), Some(5)));
    assert_eq!(world.services().len(), 1);

    // The console records what happened as a new revision; with it the trial is over.
    world.push(&agent, &target(6, cluster())).await.unwrap();
    let status = until(&agent, "settled", |status| status.undone.is_none()).await;
    assert_eq!(status.revision, Some(6));
    assert!(!world.path("trial.json").exists());
    agent.stop(false).await;
    let journal = std::fs::read_to_string(world.path("journal.ndjson")).unwrap();
    let said = serde_json::to_string(&Happening::WentBack { revision: 5, to: 4 }).unwrap();
    assert!(journal.contains(&said), "{journal}");
}

#[tokio::test]
async fn what_is_kept_stays() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(4, cluster())).await.unwrap();
    world.push(&agent, &on_trial(5, 2)).await.unwrap();
    // A repetition gives no new time and ends nothing.
    let due = agent.status().provisional_until_s;
    world.push(&agent, &on_trial(5, 900)).await.unwrap();
    assert_eq!(agent.status().provisional_until_s, due);
    let kept = world.push(&agent, &target(5, larger())).await.unwrap();
    assert!(kept.steps.is_empty() && kept.in_sync, "keeping is no work: {kept:?}");
    assert_eq!(agent.status().provisional_until_s, None);
    assert!(!world.path("trial.json").exists());
    // Longer than it would have been on trial.
    let began = std::time::Instant::now();
    eventually("its time is over", || began.elapsed().as_millis() > 2_300).await;
    assert_eq!((agent.status().revision, world.services().len()), (Some(5), 2));
    agent.stop(false).await;
}

#[tokio::test]
async fn a_trial_goes_on_through_a_restart_and_ends_in_time() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(4, cluster())).await.unwrap();
    world.push(&agent, &on_trial(5, 2)).await.unwrap();
    agent.stop(false).await;
    let agent = world.start();
    let status = until(&agent, "started", |status| status.in_sync).await;
    assert!(status.revision == Some(5) && status.provisional_until_s.is_some(), "{status:?}");
    until(&agent, "gone back", |status| status.revision == Some(4) && status.in_sync).await;
    agent.stop(false).await;

    // Its time runs out while the agent is down: the first thing it does is to go back.
    let agent = world.start();
    world.push(&agent, &target(6, cluster())).await.unwrap();
    world.push(&agent, &on_trial(7, 1)).await.unwrap();
    agent.stop(false).await;
    let began = std::time::Instant::now();
    eventually("its time is over", || began.elapsed().as_millis() > 1_100).await;
    let agent = world.start();
    until(&agent, "gone back", |status| status.revision == Some(6) && status.in_sync).await;
    assert_eq!(world.services().len(), 1);
    agent.stop(false).await;
}

#[tokio::test]
async fn a_director_with_nothing_to_go_back_to_takes_nothing_on_trial() {
    let world = World::new();
    let agent = world.start();
    let (_, refusal) = world.push(&agent, &on_trial(1, 5)).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Failed { .. }), "{refusal}");
    assert_eq!((agent.status().revision, world.services().len()), (None, 0));
    agent.stop(false).await;
}
