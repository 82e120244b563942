//! What is refused at the listener, with its reason and without any effect.

use axum::body::Body;
use axum::http::StatusCode;
use director::BODY_LIMIT;
use lvs::wire::{Refusal, Target};

use crate::authority::Authority;
use crate::world::{World, cluster, larger, target};

#[tokio::test]
async fn revisions_only_go_forward_unless_forced() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(7, cluster())).await.unwrap();
    let (writes, files) = (world.writes(), world.files());

    let again = world.push(&agent, &target(7, cluster())).await.unwrap();
    assert!(again.in_sync && again.steps.is_empty(), "the same again is no work: {again:?}");

    let older = world.push(&agent, &target(6, larger())).await.unwrap_err();
    assert_eq!(older, (StatusCode::CONFLICT, Refusal::OlderRevision { offered: 6, held: 7 }));
    let other = world.push(&agent, &target(7, larger())).await.unwrap_err();
    assert_eq!(other, (StatusCode::CONFLICT, Refusal::OtherContent { revision: 7 }));
    assert_eq!((world.writes(), world.files()), (writes, files), "nothing changed");

    let forced = Target { force: true, ..target(6, larger()) };
    assert_eq!(world.push(&agent, &forced).await.unwrap().revision, 6);
    assert_eq!(world.services().len(), 2);
    agent.stop(false).await;
    let stored: Target = serde_json::from_slice(&std::fs::read(world.path("target.json")).unwrap()).unwrap();
    assert_eq!((stored.revision, stored.force), (6, false), "force is not remembered");
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_changes_nothing() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, cluster())).await.unwrap();
    let (writes, files) = (world.writes(), world.files());

    let stranger = Target { director_id: "d_2".to_owned(), ..target(2, larger()) };
    let refused = world.push(&agent, &stranger).await.unwrap_err();
    assert_eq!(refused.0, StatusCode::CONFLICT);
    assert!(matches!(refused.1, Refusal::WrongDirector { .. }));

    let tampered = Target { cluster: larger(), ..target(2, cluster()) };
    assert_eq!(
        world.push(&agent, &tampered).await.unwrap_err(),
        (StatusCode::UNPROCESSABLE_ENTITY, Refusal::Digest)
    );

    let mut wrong = cluster();
    wrong.virtual_servers.push(wrong.virtual_servers[0].clone());
    wrong.name = String::new();
    let (status, refusal) = world.push(&agent, &target(2, wrong)).await.unwrap_err();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let Refusal::Invalid { findings } = refusal else { panic!("{refusal:?}") };
    assert!(findings.len() >= 2, "all of them: {findings:?}");

    for body in ["", "{", "[]", "null", "{\"revision\":\"x\"}", "\u{0}\u{1}"] {
        let (status, answer) = world.ask(&agent, "PUT", "/v1/target", body, world.console()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body:?}");
        assert!(matches!(serde_json::from_slice(&answer), Ok(Refusal::Malformed { .. })), "{body:?}");
    }
    let deep = "[".repeat(100_000);
    let (status, _) = world.ask(&agent, "PUT", "/v1/target", deep, world.console()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);

    let large = vec![b' '; BODY_LIMIT + 1];
    let (status, answer) = world.ask(&agent, "PUT", "/v1/target", large, world.console()).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(matches!(serde_json::from_slice(&answer), Ok(Refusal::Malformed { .. })));

    assert_eq!((world.writes(), world.files()), (writes, files), "nothing changed");
    assert_eq!(agent.status().revision, Some(1));
    assert!(world.push(&agent, &target(2, larger())).await.unwrap().in_sync, "still serving");
    agent.stop(false).await;
}

#[tokio::test]
async fn only_the_consoles_certificate_gets_an_answer() {
    let world = World::new();
    let agent = world.start();
    let chain = |leaf: crate::authority::Leaf| Some(vec![leaf.certificate.der().clone()]);
    let peers = [
        ("none", None),
        ("an empty chain", Some(vec![])),
        ("this director", chain(world.authority.director("d_1"))),
        ("another director", chain(world.authority.director("d_2"))),
        ("another installation's console", chain(world.authority.leaf("caribe://in_2/console"))),
        ("nobody", chain(world.authority.leaf("https://console.example"))),
        ("rubbish", Some(vec![vec![1, 2, 3].into()])),
    ];
    let body = serde_json::to_vec(&target(1, cluster())).unwrap();
    for (who, chain) in peers {
        for (method, path) in
            [("PUT", "/v1/target"), ("GET", "/v1/status"), ("GET", "/v1/stream"), ("GET", "/x")]
        {
            let (status, answer) = world.ask(&agent, method, path, body.clone(), chain.clone()).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{who} {path}");
            let refusal = serde_json::from_slice(&answer).unwrap();
            let Refusal::Identity { detail } = refusal else { panic!("{refusal:?}") };
            assert!(detail.contains("caribe://in_1/console") || who == "rubbish", "{who}: {detail}");
        }
    }
    assert_eq!(world.writes(), 0);
    assert!(!world.path("target.json").exists());
    // The chain's CA is the handshake's business: a console of the same name from elsewhere never comes this far.
    let _ = Authority::new();
    agent.stop(false).await;
}

#[tokio::test]
async fn unknown_paths_and_methods_are_answered_in_json() {
    let world = World::new();
    let agent = world.start();
    for (method, path, expected) in [
        ("GET", "/", StatusCode::NOT_FOUND),
        ("GET", "/v1/target/..%2f", StatusCode::NOT_FOUND),
        ("POST", "/v1/target", StatusCode::METHOD_NOT_ALLOWED),
        ("DELETE", "/v1/status", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let (status, answer) = world.ask(&agent, method, path, Body::empty(), world.console()).await;
        assert_eq!(status, expected, "{method} {path}");
        assert!(matches!(serde_json::from_slice(&answer), Ok(Refusal::Malformed { .. })), "{method} {path}");
    }
    let (status, answer) = world.ask(&agent, "GET", "/v1/status", Body::empty(), world.console()).await;
    assert_eq!(status, StatusCode::OK);
    let status: lvs::wire::Status = serde_json::from_slice(&answer).unwrap();
    assert_eq!(status.director_id, "d_1");
    assert!(status.certificate_ends_s > 1_700_000_000);
    agent.stop(false).await;
}

#[tokio::test]
async fn pushes_at_the_same_time_end_with_the_newest() {
    let world = World::new();
    let agent = world.start();
    let pushes = (1..=20_u64).map(|revision| {
        let cluster = if revision % 2 == 0 { larger() } else { cluster() };
        let (world, agent) = (&world, &agent);
        async move { world.push(agent, &target(revision, cluster)).await }
    });
    let results = futures_util::future::join_all(pushes).await;
    assert!(results.iter().any(Result::is_ok));
    assert!(results.last().unwrap().is_ok());
    assert_eq!((agent.status().revision, world.services().len()), (Some(20), 2));
    agent.stop(false).await;
}
