//! What the agent makes of its folder when not all of it can be read or written.

use axum::http::StatusCode;
use director::{Agent, OpenError, Settings};
use lvs::wire::{Refusal, State};

use crate::world::{SERVICE, VIP, World, cluster, larger, target, until};

fn settings(world: &World) -> Settings {
    Settings {
        data: world.folder.path().to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        programs: Vec::new(),
        programs_user: None,
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_refuses_and_leaves_the_kernel() {
    for file in ["ownership.json", "target.json"] {
        let world = World::new();
        let agent = world.start();
        world.push(&agent, &target(1, cluster())).await.unwrap();
        let (before, files) = (world.writes(), world.files());
        // The temporary file cannot be made: as on a full or read-only disk.
        let obstacle = world.path(&format!(".{file}.new"));
        std::fs::create_dir(&obstacle).unwrap();
        let (status, refusal) = world.push(&agent, &target(2, larger())).await.unwrap_err();
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(matches!(&refusal, Refusal::Failed { detail } if detail.contains(file)), "{refusal:?}");
        assert_eq!((world.writes(), world.files()), (before, files), "{file}: nothing changed");
        assert_eq!(agent.status().revision, Some(1));
        std::fs::remove_dir(obstacle).unwrap();
        assert!(world.push(&agent, &target(2, larger())).await.unwrap().in_sync);
        agent.stop(false).await;
    }
}

#[tokio::test]
async fn without_room_the_kernel_still_gets_what_it_should_hold() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, cluster())).await.unwrap();
    agent.stop(true).await;
    assert!(world.services().is_empty() && world.addresses().is_empty());
    // A list that has to grow.
    let file = world.path("ownership.json");
    let mut list: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    (list["services"], list["addresses"]) = (serde_json::json!([]), serde_json::json!([]));
    std::fs::write(&file, list.to_string()).unwrap();
    let obstacle = world.path(".ownership.json.new");
    std::fs::create_dir(&obstacle).unwrap();
    let agent = world.start();
    let said = |error: &Option<String>| error.as_ref().is_some_and(|e| e.contains("ownership.json"));
    until(&agent, "in sync, and what is wrong", |s| s.in_sync && said(&s.last_error)).await;
    assert_eq!((world.services(), world.addresses()), (vec![SERVICE.to_owned()], vec![VIP.to_owned()]));
    std::fs::remove_dir(obstacle).unwrap();
    until(&agent, "nothing is wrong any more", |s| s.in_sync && s.last_error.is_none()).await;
    agent.stop(false).await;
    // What is on disk now is the whole list: letting go takes all of it away.
    let agent = world.start();
    until(&agent, "in sync", |s| s.in_sync).await;
    agent.stop(true).await;
    assert!(world.services().is_empty() && world.addresses().is_empty());
}

#[tokio::test]
async fn a_disk_that_does_not_answer_holds_nothing_up() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, cluster())).await.unwrap();
    agent.stop(true).await;
    let file = world.path("ownership.json");
    let mut list: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    (list["services"], list["addresses"]) = (serde_json::json!([]), serde_json::json!([]));
    std::fs::write(&file, list.to_string()).unwrap();
    // Who opens it to write waits until somebody reads.
    let obstacle = world.path(".ownership.json.new");
    let made = std::process::Command::new("mkfifo").arg(&obstacle).status().unwrap();
    assert!(made.success());
    let agent = world.start();
    let late = |error: &Option<String>| error.as_ref().is_some_and(|e| e.contains("has not answered"));
    until(&agent, "in sync, and what is wrong", |s| s.in_sync && late(&s.last_error)).await;
    assert_eq!((world.services(), world.addresses()), (vec![SERVICE.to_owned()], vec![VIP.to_owned()]));
    let (_, refusal) = world.push(&agent, &target(2, larger())).await.unwrap_err();
    assert!(
        matches!(&refusal, Refusal::Failed { detail } if detail.contains("has not answered")),
        "{refusal:?}"
    );
    assert_eq!(agent.status().revision, Some(1));
    // The disk answers again: with an error for what waited, since nobody can flush this; then it works.
    drop(std::fs::File::open(&obstacle).unwrap());
    until(&agent, "nothing is wrong any more", |s| s.in_sync && s.last_error.is_none()).await;
    assert!(world.push(&agent, &target(2, larger())).await.unwrap().in_sync);
    agent.stop(true).await;
    assert!(world.services().is_empty() && world.addresses().is_empty());
}

#[tokio::test]
async fn a_lost_list_removes_nothing_until_someone_decides() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, larger())).await.unwrap();
    agent.stop(false).await;
    for broken in [Some("{\"services\": 1}"), None] {
        match broken {
            Some(text) => std::fs::write(world.path("ownership.json"), text).unwrap(),
            None => std::fs::remove_file(world.path("ownership.json")).unwrap(),
        }
        let agent = world.start();
        let status = until(&agent, "in sync", |s| s.in_sync).await;
        assert!(status.last_error.as_ref().is_some_and(|e| e.contains("ownership.json")), "{status:?}");
        let revision = status.revision.unwrap() + 1;
        world.push(&agent, &target(revision, cluster())).await.unwrap();
        assert_eq!(world.services().len(), 2, "the removed service stays");
        let released = agent.stop(true).await;
        assert_eq!((world.services().len(), world.addresses()), (2, vec![VIP.to_owned()]));
        assert!(!released.failures.is_empty(), "and that is said");
    }
    assert!(world.path("ownership.json.unreadable").exists(), "kept for whoever wants to look");
    // Still lost after a restart; a forced push is the decision.
    let agent = world.start();
    let status = until(&agent, "in sync", |s| s.in_sync).await;
    assert!(status.last_error.is_some());
    let mut decided = target(status.revision.unwrap(), cluster());
    decided.force = true;
    world.push(&agent, &decided).await.unwrap();
    until(&agent, "no error", |s| s.in_sync && s.last_error.is_none()).await;
    agent.stop(true).await;
    assert!(!world.services().contains(&SERVICE.to_owned()), "what was listed since is ours again");
}

#[tokio::test]
async fn an_unreadable_configuration_leaves_traffic_and_is_replaced_by_the_next_push() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(5, cluster())).await.unwrap();
    agent.stop(false).await;
    std::fs::write(world.path("target.json"), "{").unwrap();
    let (writes, observed) = (world.writes(), world.observed());
    let agent = world.start();
    let status = until(&agent, "a look", |s| !s.holds.is_empty()).await;
    assert_eq!((status.state, status.revision, status.in_sync), (State::Starting, None, false));
    assert!(status.last_error.is_some_and(|error| error.contains("target.json")));
    assert!(status.foreign.is_empty(), "what we put there is still known as ours");
    assert_eq!((world.writes(), world.observed()), (writes, observed));
    let applied = world.push(&agent, &target(6, cluster())).await.unwrap();
    assert!(applied.in_sync && applied.steps.is_empty(), "{applied:?}");
    assert_eq!(agent.status().last_error, None);
    assert_eq!(std::fs::read_to_string(world.path("target.json.unreadable")).unwrap(), "{");
    agent.stop(false).await;
}

#[tokio::test]
async fn another_directors_or_a_tampered_configuration_on_disk_is_not_used() {
    for wrong in [
        lvs::wire::Target { director_id: "d_2".to_owned(), ..target(1, cluster()) },
        lvs::wire::Target { cluster: larger(), ..target(1, cluster()) },
    ] {
        let world = World::new();
        std::fs::write(world.path("target.json"), serde_json::to_vec(&wrong).unwrap()).unwrap();
        let agent = world.start();
        let status = until(&agent, "an error", |s| s.last_error.is_some()).await;
        assert_eq!(status.revision, None);
        assert_eq!(world.writes(), 0);
        agent.stop(false).await;
    }
}

#[tokio::test]
async fn a_folder_without_identity_in_use_or_broken_is_not_opened() {
    let world = World::new();
    let agent = world.open();
    assert!(matches!(Agent::open(settings(&world)), Err(OpenError::InUse(_))));
    drop(agent);
    std::fs::write(world.path("key.pem"), "nonsense").unwrap();
    let error = Agent::open(settings(&world)).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("key.pem"), "{error}");
    std::fs::remove_file(world.path("identity.json")).unwrap();
    assert!(matches!(Agent::open(settings(&world)), Err(OpenError::NotJoined(_))));
}

#[tokio::test]
async fn a_certificate_of_another_key_authority_or_name_is_not_used() {
    let world = World::new();
    let other = world.authority.director("d_1");
    std::fs::write(world.path("cert.pem"), other.certificate.pem()).unwrap();
    let error = Agent::open(settings(&world)).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("cert.pem"), "{error}");

    let world = World::new();
    std::fs::write(world.path("ca.pem"), crate::authority::Authority::new().certificate.pem()).unwrap();
    let error = Agent::open(settings(&world)).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("ca.pem"), "{error}");

    let world = World::new();
    world.enrol(&world.authority.director("d_2"), "https://127.0.0.1:1");
    let error = Agent::open(settings(&world)).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("d_1"), "{error}");
}
