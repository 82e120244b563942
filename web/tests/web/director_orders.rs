//! Orders to a director on its page: what came of them is shown, and a refusal says what to do.

use console::{Actor, Role};
use lvs::Cluster;
use lvs::failover::Refused;
use lvs::model::{Director, Seat};
use lvs::wire::{HeartbeatStatus, State};
use serde_json::json;

use crate::agent::{FakeAgent, Inside};
use crate::site::Site;

async fn furnished() -> (Site, String, FakeAgent) {
    let site = Site::new().await;
    site.console.start();
    let director = Director { name: "d1".into(), seat: Seat::Primary, public: None, private: None };
    let content = Cluster { name: "web".into(), directors: vec![director], ..Cluster::default() };
    let id = site.console.create_cluster(&Actor::local(), content).await.unwrap().cluster_id;
    let agent = FakeAgent::join(&site.console, &Actor::local(), &id, "d1").await;
    (site, id, agent)
}

fn heartbeat(ready: bool) -> Option<HeartbeatStatus> {
    let told = json!({ "reason": "started", "epoch": 1, "held": false, "ready": ready });
    Some(serde_json::from_value(told).unwrap())
}

fn lives(state: State) -> impl FnOnce(&mut Inside) {
    move |inside| (inside.status.state, inside.status.heartbeat) = (state, heartbeat(true))
}

#[tokio::test]
async fn a_refused_hand_over_names_the_box_to_tick_on_the_page_of_the_director() {
    let (site, id, agent) = furnished().await;
    agent.report(lives(State::Active)).await;
    agent.report(|inside| inside.refuses = Some(Refused::PartnerNotReady)).await;
    let mut operator = site.member(Role::Operator).await;
    let page = format!("/clusters/{id}/directors/d1");
    let answer = operator.post(&format!("{page}/order"), &[("order", "switch-over")]).await.is(422).body;
    for said in [
        "the partner does not have the connections yet.",
        "tick “Even if it has not all connections yet”",
        "name=\"force\"",
        "value=\"switch-over\"",
    ] {
        assert!(answer.contains(said), "{said}: {answer}");
    }
    let forced = [("order", "switch-over"), ("force", "1")];
    let answer = operator.post(&format!("{page}/order"), &forced).await.is(422).body;
    assert!(!answer.contains("tick “Even"), "it is ticked: {answer}");
    let robot = site.robot(Role::Operator).await;
    let order = json!({ "order": "switch-over" });
    let refused = robot.post(&format!("{page}/orders"), order).await.is(409).json();
    assert_eq!(refused["code"], "order-refused", "{refused}");
    assert!(
        refused["detail"].as_str().is_some_and(|detail| detail.starts_with("d1 does not do that: ")),
        "{refused}"
    );
    operator.language = "zh-CN";
    let answer = operator.post(&format!("{page}/order"), &[("order", "switch-over")]).await.is(422).body;
    assert!(answer.contains("请勾选") && !answer.contains("the partner does"), "{answer}");
}

#[tokio::test]
async fn an_order_says_what_came_of_it() {
    let (site, id, agent) = furnished().await;
    let mut operator = site.member(Role::Operator).await;
    let page = format!("/clusters/{id}/directors/d1");
    // It asks, and its partner does not hand over: nothing changes.
    agent.report(lives(State::Standby)).await;
    let asked = operator.post(&format!("{page}/order"), &[("order", "take-over")]).await.is(303);
    assert_eq!(asked.location(), format!("{page}?done=take-over-asked"));
    let shown = operator.get(asked.location()).await.is(200).body;
    assert!(shown.contains("is still standby"), "{shown}");
    // It is active by the time the page is made.
    agent.report(lives(State::Active)).await;
    let taken = operator.post(&format!("{page}/order"), &[("order", "take-over")]).await.is(303);
    assert_eq!(taken.location(), format!("{page}?done=taken-over"));
    let shown = operator.get(taken.location()).await.is(200).body;
    assert!(shown.contains("The director has taken over"), "{shown}");
}

#[tokio::test]
async fn a_director_that_was_never_reached_holds_nothing_that_is_known() {
    let (site, id, agent) = furnished().await;
    agent.report(|_| {}).await;
    let mut viewer = site.member(Role::Viewer).await;
    let page = format!("/clusters/{id}/directors/d1");
    let reached = viewer.get(&page).await.is(200).body;
    assert!(reached.contains("Every service is managed here"), "{reached}");
    // Another one that has joined and cannot be dialled.
    let away = Director { name: "d2".into(), seat: Seat::Backup, public: None, private: None };
    let edit = console::Edit::PutDirector { previous: None, director: away };
    site.console.change(&Actor::local(), &id, edit, None).await.unwrap();
    site.console.activate(&Actor::local(), &id, "").await.unwrap();
    let nowhere = Some("127.0.0.1:1");
    let _away = FakeAgent::join_dialled(&site.console, &Actor::local(), &id, "d2", nowhere).await;
    let page = viewer.get(&format!("/clusters/{id}/directors/d2")).await.is(200).body;
    assert!(page.contains("has not reached its agent since it started"), "{page}");
    assert!(!page.contains("Every service is managed here") && !page.contains("holds what was"), "{page}");
}
