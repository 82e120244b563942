//! Orders for real servers: over the API, on the page, and what a director says of them.

use console::{Actor, Role};
use lvs::Cluster;
use lvs::health::{Drain, Order, OrderTarget, Reason, Standing, Verdict};
use lvs::model::{Director, Seat};
use lvs::wire::{CheckStatus, CheckerStatus, Checks, OrderStatus, ServiceChecks};
use serde_json::json;

use crate::agent::FakeAgent;
use crate::site::Site;

pub(crate) async fn furnished() -> (Site, String, FakeAgent) {
    let site = Site::new().await;
    site.console.start();
    let mut content: Cluster = serde_json::from_value(json!({
        "name": "web",
        "virtual_servers": [{
            "name": "www", "vip": { "address": "192.0.2.1" }, "port": 80, "persistence": { "timeout_s": 300 },
            "real_servers": [{ "name": "one", "address": "10.0.0.1" }, { "name": "two", "address": "10.0.0.2" }],
        }],
    }))
    .unwrap();
    let public = Some("192.0.2.9".parse().unwrap());
    content.directors = vec![Director { name: "d1".into(), seat: Seat::Primary, public, private: None }];
    let id = site.console.create_cluster(&Actor::local(), content).await.unwrap().cluster_id;
    site.console.activate(&Actor::local(), &id, "").await.unwrap();
    let agent = FakeAgent::join(&site.console, &Actor::local(), &id, "d1").await;
    agent.pushed().await;
    agent.until("it is connected", |live| live.orders.is_some()).await;
    (site, id, agent)
}

#[tokio::test]
async fn automation_drains_and_enables_and_is_told_what_each_director_says() {
    let (site, id, _agent) = furnished().await;
    let robot = site.robot(Role::Operator).await;
    let one = format!("/clusters/{id}/virtual-servers/www/real-servers/one/orders");
    let body = json!({ "instruction": "draining", "deadline_s": 900, "then": "cut", "reason": "new disks" });
    let given = robot.post(&one, body).await.is(200).json();
    assert_eq!((&given["serial"], &given["order"]["instruction"]), (&json!(1), &json!("draining")));
    assert_eq!(given["directors"], json!([{ "director": "d1", "outcome": "followed", "reason": null }]));
    assert_eq!(given["order"]["deadline"]["then"], "cut");
    let machine = format!("/clusters/{id}/machines/10.0.0.2/orders");
    robot.post(&machine, json!({ "instruction": "disabled" })).await.is(200);
    let all = robot.get(&format!("/clusters/{id}/orders")).await.is(200).json();
    assert_eq!((&all["serial"], all["items"].as_array().unwrap().len()), (&json!(2), 2));
    assert_eq!(all["directors"][0]["director"], "d1");
    for (path, body, status) in [
        (&one, json!({ "instruction": "away" }), 422),
        (&one, json!({ "instruction": "enabled", "deadline_s": 5 }), 422),
        (&one, json!({ "instruction": "draining", "dead_line": 5 }), 422),
        (&format!("/clusters/{id}/machines/10.9.9.9/orders"), json!({ "instruction": "enabled" }), 404),
        (
            &format!("/clusters/{id}/virtual-servers/www/real-servers/three/orders"),
            json!({ "instruction": "enabled" }),
            404,
        ),
    ] {
        let answer = robot.post(path, body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {body}: {}", answer.body);
    }
    let viewer = site.robot(Role::Viewer).await;
    viewer.post(&one, json!({ "instruction": "enabled" })).await.is(403);
}

#[tokio::test]
async fn the_page_of_a_real_server_says_what_is_ordered_and_how_far_it_is() {
    let (site, id, agent) = furnished().await;
    let mut operator = site.member(Role::Operator).await;
    let real = format!("/clusters/{id}/virtual-servers/www/real-servers/one");
    let page = format!("{real}/state");
    let before = operator.get(&page).await.is(200).body;
    assert!(before.contains("Nothing is ordered") && before.contains("persistent services: www"), "{before}");
    let fields =
        [("instruction", "draining"), ("reason", "new <disks>"), ("deadline_min", "15"), ("at_once", "on")];
    operator.post(&format!("{real}/orders"), &fields).await.is(303);
    let document = site.console.orders(&id).await.unwrap();
    let (target, order): (OrderTarget, Order) = document.orders.clone().into_iter().next().unwrap();
    let status = CheckStatus {
        verdict: Verdict::Up,
        reason: Reason::Answered { successes: 3 },
        since_s: 0,
        standing: Standing::In { weight: 0 },
        climbing: false,
        agent: Default::default(),
        order: Some(OrderStatus { target, order, drain: Some(Drain::Draining { left: Some(3) }) }),
        checker: CheckerStatus::Working,
        checks: Vec::new(),
    };
    let servers = [("10.0.0.1:80".parse().unwrap(), status)].into();
    let service = ServiceChecks { servers, ..ServiceChecks::default() };
    let checks: Checks = [("tcp 192.0.2.1:80".parse().unwrap(), service)].into();
    agent.report(|inside| inside.checks = Some(checks)).await;
    agent.until("its checks are known", |live| live.checks.is_some()).await;
    let text = operator.get(&page).await.is(200).body;
    for said in [
        "Draining:",
        "Reason: new &#60;disks&#62;",
        "should be empty by",
        "persistence of its clients is ended",
        "d1: 3 connections left.",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    // Enabled again, by the button that is there now.
    operator.post(&format!("{real}/orders"), &[("instruction", "enabled"), ("ramp_s", "60")]).await.is(303);
    let order = site.console.orders(&id).await.unwrap().orders.into_values().next().unwrap();
    assert_eq!(order.ramp_s, Some(60));
    // Who may only look sees no buttons.
    let mut viewer = site.member(Role::Viewer).await;
    let seen = viewer.get(&page).await.is(200).body;
    assert!(seen.contains("Enabled by") && !seen.contains("name=\"instruction\""), "{seen}");
}
