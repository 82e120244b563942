//! `GET /metrics`: all directors in one answer, for tokens alone.

use axum::http::header;
use console::{Actor, Role};
use lvs::Cluster;
use lvs::model::{Director, Seat};
use lvs::wire::State;

use crate::agent::FakeAgent;
use crate::site::Site;

#[tokio::test]
async fn a_token_reads_what_all_directors_said_last() {
    let site = Site::new().await;
    site.console.start();
    let director = |name: &str, seat| Director { name: name.into(), seat, public: None, private: None };
    let content = Cluster {
        name: "web".into(),
        directors: vec![director("d1", Seat::Primary), director("d2", Seat::Backup)],
        ..Cluster::default()
    };
    let id = site.console.create_cluster(&Actor::local(), content).await.unwrap().cluster_id;
    let agent = FakeAgent::join(&site.console, &Actor::local(), &id, "d1").await;
    site.console.activate(&Actor::local(), &id, "").await.unwrap();
    agent.pushed().await;
    agent
        .report(|inside| {
            inside.status.state = State::Active;
            inside.status.kernel_writes = 41;
        })
        .await;

    // Two tests of a channel where nobody listens.
    let settings = serde_json::from_value(serde_json::json!({
        "name": "chat", "way": { "webhook": { "url": "http://127.0.0.1:9/" } },
    }));
    let (admin, secret) = (Actor::local(), console::NewSecret::Keep);
    site.console.create_alert_channel(&admin, settings.unwrap(), secret, false).await.unwrap();
    for _ in 0..2 {
        site.console.test_alert_channel(&admin, "chat").await.unwrap();
    }

    let robot = site.robot(Role::Viewer).await;
    let seen = robot.ask_at("GET", "/metrics", None, None).await.is(200);
    assert_eq!(seen.headers[header::CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "caribe_running_revision{cluster=\"web\"} 1",
        "caribe_alert_messages{outcome=\"waiting\"} 0",
        "caribe_alert_messages{outcome=\"failed\"} 2",
        "caribe_alert_messages{outcome=\"sent\"} 0",
        "caribe_director_connected{cluster=\"web\",director=\"d1\"} 1",
        "caribe_director_connected{cluster=\"web\",director=\"d2\"} 0",
        "caribe_director_state{cluster=\"web\",director=\"d1\",state=\"active\"} 1",
        "caribe_kernel_writes_total{cluster=\"web\",director=\"d1\"} 41",
        "caribe_director_sync{cluster=\"web\",director=\"d2\",state=\"unknown\"} 1",
    ] {
        assert!(seen.body.lines().any(|l| l == line), "{line}\n{}", seen.body);
    }
    let one = seen.body.lines().filter(|line| line.starts_with("# TYPE caribe_director_connected ")).count();
    assert_eq!(one, 1, "a family has one type line");
}
