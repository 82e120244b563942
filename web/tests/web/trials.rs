//! A revision on trial: shown on every page, kept or undone by a person, undone by the clock.

use console::{Actor, Role};
use serde_json::json;

use crate::agent::FakeAgent;
use crate::revisions::two_revisions;
use crate::site::Site;

#[tokio::test]
async fn a_trial_is_shown_everywhere_and_kept_by_whoever_may() {
    let site = Site::new().await;
    site.console.start();
    let id = two_revisions(&site).await;
    let agent = FakeAgent::join(&site.console, &Actor::local(), &id, "director-a").await;
    agent.pushed().await;
    agent.until("has what runs", |live| live.sync == console::Sync::InSync).await;
    let mut approver = site.member(Role::Approver).await;
    let restored =
        approver.fill(&format!("/clusters/{id}/revisions/1/restore"), &[("action", "draft")]).await;
    restored.is(303);
    approver.post(&format!("/clusters/{id}/changes/activate"), &[("keep", "x")]).await.is(422);
    let done = approver.post(&format!("/clusters/{id}/changes/activate"), &[("keep", "5")]).await.is(200);
    assert!(done.body.contains("Revision 3 is on trial."), "{}", done.body);
    let target = |agent: &FakeAgent| {
        let puts: Vec<_> = agent.asked().into_iter().filter(|(what, _)| what == "PUT /v1/target").collect();
        puts.last().unwrap().1.clone()
    };
    let seconds = target(&agent)["provisional"]["seconds"].as_u64().unwrap();
    assert!((290..=300).contains(&seconds), "{seconds}");

    let mut viewer = site.member(Role::Viewer).await;
    for path in
        ["", "/global", "/redundancy", "/virtual-servers", "/directors", "/changes", "/revisions", "/events"]
    {
        for language in ["en", "zh-CN"] {
            viewer.language = language;
            let page = viewer.get(&format!("/clusters/{id}{path}")).await.is(200);
            crate::html::check(path, &page.body);
            assert!(page.body.contains("data-until=") && !page.body.contains("revisions/3/keep\""), "{path}");
        }
    }
    // Nothing else is activated meanwhile.
    let robot = site.robot(Role::Approver).await;
    let one = robot.get(&format!("/clusters/{id}/status")).await.is(200).json();
    assert_eq!(one["provisional"]["revision"], json!(3));
    robot.post(&format!("/clusters/{id}/revisions/2/restore"), json!({})).await.is(200);
    let refused = robot.post(&format!("/clusters/{id}/draft/activate"), json!({})).await.is(409).json();
    assert_eq!(refused["code"], json!("on-trial"));

    let kept = approver.post(&format!("/clusters/{id}/revisions/3/keep"), &[]).await.is(303);
    let page = approver.get(kept.location()).await.is(200);
    assert!(page.body.contains("The revision stays.") && !page.body.contains("data-until"));
    assert_eq!(target(&agent)["provisional"], json!(null), "the director was told");
    approver.post(&format!("/clusters/{id}/revisions/3/keep"), &[]).await.is(409);
}

#[tokio::test]
async fn what_a_director_undid_or_a_person_undoes_becomes_a_new_revision() {
    let site = Site::new().await;
    site.console.start();
    let id = two_revisions(&site).await;
    let agent = FakeAgent::join(&site.console, &Actor::local(), &id, "director-a").await;
    agent.pushed().await;
    agent.until("has what runs", |live| live.sync == console::Sync::InSync).await;
    let robot = site.robot(Role::Approver).await;
    let on_trial = async |revision: u64| {
        robot.post(&format!("/clusters/{id}/revisions/1/restore"), json!({})).await.is(200);
        for wrong in [9, 3601] {
            robot.post(&format!("/clusters/{id}/draft/activate"), json!({ "keep_s": wrong })).await.is(422);
        }
        let path = format!("/clusters/{id}/draft/activate");
        let done = robot.post(&path, json!({ "keep_s": 600 })).await.is(200).json();
        assert_eq!(done["revision"], json!(revision));
    };
    on_trial(3).await;
    let undone = robot.post(&format!("/clusters/{id}/revisions/3/undo"), json!({})).await.is(200).json();
    assert_eq!((&undone["revision"], &undone["results"][1]["outcome"]), (&json!(4), &json!("applied")));
    let newest = site.console.cluster(&id).await.unwrap().running.unwrap();
    assert_eq!(newest.content, site.console.revision(&id, 2).await.unwrap().content);
    let list = robot.get(&format!("/clusters/{id}/revisions")).await.json();
    assert_eq!((&list["items"][0]["undone"], &list["items"][1]["undone"]), (&json!(false), &json!(true)));

    // The director is the first to say that time is over.
    on_trial(5).await;
    let before = newest.summary.digest.clone();
    agent
        .report(|inside| {
            let tried = inside.status.digest.clone().unwrap();
            inside.status.revision = Some(4);
            inside.status.digest = Some(before.clone());
            inside.status.undone = Some(lvs::wire::Undone { revision: 5, digest: tried, at_s: 1 });
        })
        .await;
    agent
        .until("told what the console made of it", |live| live.status.as_ref().unwrap().revision == Some(6))
        .await;
    let newest = site.console.cluster(&id).await.unwrap().running.unwrap();
    assert_eq!((newest.summary.number, newest.summary.author.as_str()), (6, "console/trial"));
    assert_eq!(newest.summary.digest, before);
    let puts: Vec<u64> = agent
        .asked()
        .into_iter()
        .filter(|(what, _)| what == "PUT /v1/target")
        .filter_map(|(_, target)| target["revision"].as_u64())
        .collect();
    assert_eq!(puts.last(), Some(&6), "{puts:?}");
    assert_eq!(puts.iter().filter(|revision| **revision == 5).count(), 1, "never pushed again: {puts:?}");
    let events = robot.get(&format!("/clusters/{id}/events")).await.json();
    let kinds: Vec<&str> =
        events["items"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    for kind in ["on-trial", "undone"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
}
