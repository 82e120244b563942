//! What happened: told by a director's journal and noted by the console, on the pages and in the API.

use console::{Actor, Role};
use lvs::Cluster;
use lvs::failover::{Concern, Reason};
use lvs::journal::{Entry, Happening};
use lvs::model::{Director, Seat};
use lvs::wire::State;
use serde_json::Value;

use crate::agent::FakeAgent;
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

fn entries() -> Vec<Entry> {
    let state = |from, to, reason| Happening::State {
        from,
        to,
        reason: Some(reason),
        epoch: Some(3),
        evidence: Default::default(),
    };
    [
        state(State::Starting, State::Standby, Reason::PartnerActive),
        Happening::ConcernRaised { concern: Concern::PartnerSilent },
        state(State::Standby, State::Active, Reason::PartnerSilent),
    ]
    .into_iter()
    .zip(10..)
    .map(|(what, number)| Entry { number, at_ms: 4_000_000_000_000 + number as i64, what })
    .collect()
}

fn kinds(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_a_director_tells_is_kept_once_and_shown_newest_first() {
    let (site, id, agent) = furnished().await;
    agent.report(|inside| inside.journal = entries()).await;
    // The same entries again, with something new in the status.
    agent.report(|inside| inside.status.kernel_writes = 7).await;
    let robot = site.robot(Role::Viewer).await;
    let all = robot.get(&format!("/clusters/{id}/events")).await.is(200).json();
    assert_eq!(kinds(&all), ["state", "concern-raised", "state", "contact-made"]);
    let newest = &all["items"][0];
    assert_eq!(newest["text"], "It is active. The partner was silent for longer than the deadtime.");
    assert_eq!((&newest["severity"], &newest["director"]), (&"warning".into(), &"d1".into()));
    assert_eq!(newest["details"]["to"], "active");

    let first = robot.get(&format!("/clusters/{id}/events?limit=3")).await.is(200).json();
    let place = first["next"].as_str().unwrap();
    let rest = robot.get(&format!("/clusters/{id}/events?limit=3&before={place}")).await.is(200).json();
    assert_eq!((kinds(&rest), &rest["next"]), (vec!["contact-made"], &Value::Null));
    let worse =
        robot.get(&format!("/clusters/{id}/events?severity=warning&director=d1")).await.is(200).json();
    assert_eq!(kinds(&worse), ["state", "concern-raised"]);
    let one_kind = robot.get(&format!("/clusters/{id}/events?kind=state")).await.is(200).json();
    assert_eq!(kinds(&one_kind), ["state", "state"]);
    for wrong in ["severity=dire", "before=yesterday", "limit=0", "limit=501", "limit=x"] {
        robot.get(&format!("/clusters/{id}/events?{wrong}")).await.is(400);
    }

    let mut viewer = site.member(Role::Viewer).await;
    let page = viewer.get(&format!("/clusters/{id}/events")).await.is(200);
    assert!(page.body.contains("It is active. The partner was silent"), "{}", page.body);
    let page = viewer.get(&format!("/clusters/{id}/events?severity=critical")).await.is(200);
    assert!(page.body.contains("Nothing has happened yet."), "{}", page.body);
    let page = viewer.get(&format!("/clusters/{id}")).await.is(200);
    assert!(page.body.contains("It is active. The partner was silent"), "{}", page.body);
}

#[tokio::test]
async fn an_activation_and_its_message_are_events() {
    let (site, id, agent) = furnished().await;
    let robot = site.robot(Role::Approver).await;
    let director = serde_json::json!({"name": "d1", "seat": "primary"});
    let path = format!("/clusters/{id}/directors?activate=true&message=night+shift");
    robot.post(&path, director).await.is(201);
    agent.pushed().await;
    let all = robot.get(&format!("/clusters/{id}/events?kind=activated")).await.is(200).json();
    let text = all["items"][0]["text"].as_str().unwrap();
    assert!(text.contains("activated revision 1"), "{text}");
    assert_eq!(all["items"][0]["director"], Value::Null);
}
