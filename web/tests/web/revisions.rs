//! Revisions side by side, and an old one taken back, on the page and through the API.

use console::{Actor, Role};
use serde_json::json;

use crate::site::{SCENARIO_A, Site};

/// A cluster with two revisions: the second gives web1 another weight.
pub(crate) async fn two_revisions(site: &Site) -> String {
    let cluster = console::read_file(SCENARIO_A, None).cluster.unwrap();
    let id = site.console.create_cluster(&Actor::local(), cluster).await.unwrap().cluster_id;
    site.console.activate(&Actor::local(), &id, "first").await.unwrap();
    let robot = site.robot(Role::Admin).await;
    let path = format!("/clusters/{id}/virtual-servers/http/real-servers/web1");
    robot.ask("PATCH", &path, Some("*"), Some(json!({ "weight": 7 }))).await.is(200);
    robot.post(&format!("/clusters/{id}/draft/activate"), json!({ "message": "more" })).await.is(200);
    id
}

#[tokio::test]
async fn two_revisions_are_compared_in_words_and_in_kernel_steps() {
    let site = Site::new().await;
    let id = two_revisions(&site).await;
    let robot = site.robot(Role::Viewer).await;
    let compared = robot.get(&format!("/clusters/{id}/revisions/2/comparison")).await.is(200).json();
    assert_eq!((&compared["from"]["number"], &compared["to"]["number"]), (&json!(1), &json!(2)));
    let change = &compared["changes"][0];
    assert_eq!(compared["changes"].as_array().unwrap().len(), 1, "{compared}");
    assert_eq!((change["field"].as_str(), change["after"].as_str()), (Some("weight"), Some("7")));
    for director in compared["directors"].as_array().unwrap() {
        let steps = director["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 1, "{director}");
        assert!(
            steps[0].as_str().unwrap().starts_with("-e -t ") && steps[0].as_str().unwrap().ends_with("-w 7")
        );
    }
    // The other way round, and the first against nothing.
    let back = robot.get(&format!("/clusters/{id}/revisions/1/comparison?from=2")).await.is(200).json();
    assert_eq!(back["changes"][0]["after"], json!("1"));
    let first = robot.get(&format!("/clusters/{id}/revisions/1/comparison")).await.is(200).json();
    assert!(first["from"].is_null() && first["changes"].as_array().unwrap().len() > 3);
    robot.get(&format!("/clusters/{id}/revisions/1/comparison?from=x")).await.is(400);
    robot.get(&format!("/clusters/{id}/revisions/9/comparison")).await.is(404);

    let mut viewer = site.member(Role::Viewer).await;
    let page = viewer.get(&format!("/clusters/{id}/revisions/compare?from=1&to=2")).await.is(200);
    crate::html::check("comparison", &page.body);
    for said in ["http / web1", "<del>1</del> → <ins>7</ins>", "ipvsadm -e -t "] {
        assert!(page.body.contains(said), "{said}: {}", page.body);
    }
}

#[tokio::test]
async fn an_old_revision_is_restored_as_a_draft_or_at_once() {
    let site = Site::new().await;
    let id = two_revisions(&site).await;
    let mut editor = site.member(Role::Editor).await;
    let path = format!("/clusters/{id}/revisions/1/restore");
    let form = editor.get(&path).await.is(200);
    assert!(!form.body.contains("value=\"activate\""), "an editor may not activate");
    let answer = editor.fill(&path, &[("action", "draft")]).await.is(303);
    assert_eq!(answer.location(), format!("/clusters/{id}/changes?done=restored"));
    let changes = editor.get(answer.location()).await.is(200);
    assert!(changes.body.contains("begun from revision 2"), "{}", changes.body);
    let again = editor.get(&path).await.is(200);
    assert!(again.body.contains("Restoring replaces it"));

    let mut approver = site.member(Role::Approver).await;
    let done = approver.fill(&path, &[("action", "activate"), ("message", "")]).await.is(200);
    assert!(done.body.contains("Revision 3 is activated"), "{}", done.body);
    let newest = site.console.cluster(&id).await.unwrap().running.unwrap();
    assert_eq!((newest.summary.number, newest.summary.parent), (3, Some(2)));
    assert_eq!(newest.summary.message, "Back to revision 1");
    assert_eq!(newest.content, site.console.revision(&id, 1).await.unwrap().content);

    let robot = site.robot(Role::Approver).await;
    let path = format!("/clusters/{id}/revisions/2/restore");
    robot.post(&path, json!({ "active": true })).await.is(422);
    robot.post(&path, json!({})).await.is(200);
    // The draft that this made must be named before it is replaced.
    robot.post(&path, json!({ "activate": true })).await.is(428);
    let done = robot.ask("POST", &path, Some("*"), Some(json!({ "activate": true }))).await.is(200).json();
    assert_eq!(done["revision"], json!(4));
    let log = site.console.audit(&Actor::local(), Some(&id), None, 20).await.unwrap();
    assert!(log.iter().any(|row| row.action == "revision.restore" && row.detail == "revision 2 as a draft"));
}
