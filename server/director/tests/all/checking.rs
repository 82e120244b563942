//! Real servers of these tests, on loopback, are checked: what they do reaches the table at once, and nothing else does.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::http::StatusCode;
use director::real_server::{self, LoadAgent};
use director::{Agent, Rhythm};
use lvs::health::{AgentState, Failure, Outcome, Reason, Verdict};
use lvs::model::Cluster;
use lvs::table::{Forward, ServerRow, Service, ServiceRow};
use lvs::wire::{CheckStatus, CheckedNow, Event, Status};
use serde_json::{Value, json};

use crate::authority::DIRECTOR;
use crate::streaming::Lines;
use crate::world::{SERVICE, World, cluster, eventually, fast, target, until};

/// A cluster whose real servers are at these addresses and are asked ten times a second.
pub(crate) fn checked(servers: &[SocketAddr], monitor: Value) -> Cluster {
    let mut content = serde_json::to_value(cluster()).unwrap();
    let service = &mut content["virtual_servers"][0];
    let mut settings = json!({
        "checks": [{"kind": "connect"}],
        "interval_ms": 100,
        "timeout_ms": 1000,
        "fall": 1,
        "rise": 1,
        "retry_delay_ms": 50,
        "reentry_s": 0,
    });
    settings.as_object_mut().unwrap().extend(monitor.as_object().unwrap().clone());
    service["monitor"] = settings;
    service["real_servers"] = servers
        .iter()
        .enumerate()
        .map(|(number, server)| {
            json!({
                "id": format!("rs_{number}"),
                "name": format!("r{number}"),
                "address": server.ip(),
                "port": server.port(),
                "weight": 3,
            })
        })
        .collect();
    service["id"] = json!("vs_1");
    serde_json::from_value(content).unwrap()
}

/// A world whose passes come only when something asks for them.
pub(crate) fn slow() -> World {
    World { rhythm: Rhythm { tick: Duration::from_secs(3600), ..fast() }, ..World::new() }
}

pub(crate) fn listen(address: &str) -> TcpListener {
    TcpListener::bind(address).unwrap()
}

/// The rows of the service: `127.0.0.1:80 3`.
pub(crate) fn rows(world: &World) -> Vec<String> {
    let services = world.observed().table.services;
    let Some(service) = services.get(&SERVICE.parse().unwrap()) else { return Vec::new() };
    service.servers.iter().map(|(key, row)| format!("{key} {}", row.weight)).collect()
}

pub(crate) async fn rows_become(world: &World, what: &str, wanted: &[String]) {
    eventually(what, || rows(world) == wanted).await;
}

pub(crate) async fn status(world: &World, agent: &Agent, server: SocketAddr) -> CheckStatus {
    let path = format!("/v1/checks?service={}&server={server}", SERVICE.replace(' ', "%20"));
    let (code, answer) = world.ask(agent, "GET", &path, "", world.console()).await;
    assert_eq!(code, StatusCode::OK, "{}", String::from_utf8_lossy(&answer));
    serde_json::from_slice(&answer).unwrap()
}

#[tokio::test]
async fn a_server_that_stops_listening_leaves_and_returns() {
    let world = slow();
    let (one, two) = (listen("127.0.0.1:0"), listen("127.0.0.2:0"));
    let (a, b) = (one.local_addr().unwrap(), two.local_addr().unwrap());
    let agent = world.start();
    world.push(&agent, &target(1, checked(&[a, b], json!({})))).await.unwrap();
    let both = [format!("{a} 3"), format!("{b} 3")];
    rows_become(&world, "both in the table", &both).await;
    drop(one);
    rows_become(&world, "the first leaves", &both[1..]).await;
    let shown = status(&world, &agent, a).await;
    assert_eq!(shown.verdict, Verdict::Down);
    assert_eq!(shown.reason, Reason::Failed { failure: Failure::Refused, failures: 1 });
    let [asked] = shown.checks.as_slice() else { panic!("{shown:?}") };
    let failure = asked.failure.as_ref().unwrap();
    assert_eq!(
        (failure.target.as_str(), &failure.outcome),
        (&*a.to_string(), &Outcome::Down(Failure::Refused))
    );
    assert!(asked.success.as_ref().unwrap().source.is_some() && !asked.recent.is_empty());
    let counted = until(&agent, "the sum", |s| s.checking.as_ref().is_some_and(|c| c.down == 1)).await;
    assert_eq!(counted.checking.unwrap().up, 1);
    assert!(counted.drift.is_empty() && counted.in_sync, "our own change is no drift: {:?}", counted.drift);
    let _again = listen(&a.to_string());
    rows_become(&world, "the first returns", &both).await;
    agent.stop(false).await;
}

#[tokio::test]
async fn what_the_kernel_holds_stays_while_nothing_can_be_known() {
    let world = slow();
    let server: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let row = ServerRow { forward: Forward::Masquerade, weight: 3, upper: 0, lower: 0 };
    let service = ServiceRow {
        scheduler: "wlc".to_owned(),
        flags: Default::default(),
        persistence: None,
        one_packet: false,
    };
    let servers = [("127.0.0.1:9".parse().unwrap(), row)].into();
    world.kernel.put_service(SERVICE.parse().unwrap(), Service { row: service, servers });
    let agent = world.start();
    // From an address that is not this machine's nothing can be asked.
    let strange = json!({"checks": [{"kind": "send-expect", "expect": "x", "source": "192.0.2.200"}]});
    let applied = world.push(&agent, &target(1, checked(&[server], strange))).await;
    let Ok(applied) = applied else { return };
    assert!(!applied.steps.iter().any(|step| step.contains("-d")), "{:?}", applied.steps);
    until(&agent, "the trouble is seen", |s| s.checking.as_ref().is_some_and(|c| !c.troubled.is_empty()))
        .await;
    assert_eq!(rows(&world), ["127.0.0.1:9 3"]);
    agent.stop(false).await;
}

#[tokio::test]
async fn a_restart_resumes_verdicts() {
    let world = slow();
    let up = listen("127.0.0.1:0");
    let (a, b) = (up.local_addr().unwrap(), listen("127.0.0.2:0").local_addr().unwrap());
    let agent = world.start();
    world.push(&agent, &target(1, checked(&[a, b], json!({})))).await.unwrap();
    rows_become(&world, "only one answers", &[format!("{a} 3")]).await;
    until(&agent, "both verdicts", |s| s.checking.as_ref().is_some_and(|c| c.up == 1 && c.down == 1)).await;
    agent.stop(false).await;
    let before = world.writes();
    let agent = world.start();
    let settled =
        until(&agent, "verdicts are there", |s| s.checking.as_ref().is_some_and(|c| c.up == 1)).await;
    assert_eq!(settled.checking.unwrap().down, 1);
    until(&agent, "in sync", |s| s.in_sync).await;
    assert_eq!(world.writes(), before, "nothing is added, nothing removed");
    agent.stop(false).await;
}

#[tokio::test]
async fn orders_hold_beside_the_configuration_and_through_a_restart() {
    let world = slow();
    let one = listen("127.0.0.1:0");
    let a = one.local_addr().unwrap();
    let agent = world.start();
    world.push(&agent, &target(1, checked(&[a], json!({})))).await.unwrap();
    rows_become(&world, "in the table", &[format!("{a} 3")]).await;
    let order = |serial: u64, instruction: &str| {
        let order = json!({
            "target": {"for": "server", "service": "vs_1", "server": "rs_0"},
            "order": {"instruction": instruction, "reason": "maintenance", "by": "alice", "given_s": 1},
        });
        json!({"serial": serial, "orders": [order]})
    };
    let put = async |agent: &Agent, orders: Value| {
        let push = json!({"cluster_id": "c_1", "director_id": DIRECTOR, "orders": orders});
        world.ask(agent, "PUT", "/v1/orders", push.to_string(), world.console()).await.0
    };
    assert_eq!(put(&agent, order(1, "draining")).await, StatusCode::OK);
    rows_become(&world, "drained", &[format!("{a} 0")]).await;
    assert_eq!(
        put(&agent, order(1, "disabled")).await,
        StatusCode::CONFLICT,
        "the same number, other content"
    );
    assert_eq!(put(&agent, order(2, "disabled")).await, StatusCode::OK);
    rows_become(&world, "out", &[]).await;
    assert_eq!(put(&agent, order(1, "draining")).await, StatusCode::CONFLICT);
    world.push(&agent, &target(2, checked(&[a], json!({"interval_ms": 200})))).await.unwrap();
    assert_eq!(rows(&world), [] as [String; 0], "a new revision is no end of an order");
    agent.stop(false).await;
    let agent = world.start();
    let mut lines = Lines::open(&world, &agent).await;
    let serial = |event| match event {
        Event::Orders(orders) => Some(orders.serial),
        _ => None,
    };
    while lines.find(serial).await != 2 {}
    assert_eq!(rows(&world), [] as [String; 0]);
    assert_eq!(put(&agent, json!({"serial": 3})).await, StatusCode::OK);
    rows_become(&world, "enabled again", &[format!("{a} 3")]).await;
    agent.stop(false).await;
}

#[tokio::test]
async fn a_server_is_asked_now_and_its_answer_is_shown() {
    let world = slow();
    let one = listen("127.0.0.1:0");
    let a = one.local_addr().unwrap();
    let agent = world.start();
    let hourly = json!({"interval_ms": 3_600_000});
    world.push(&agent, &target(1, checked(&[a], hourly))).await.unwrap();
    rows_become(&world, "in the table", &[format!("{a} 3")]).await;
    drop(one);
    let ask = json!({"service": SERVICE, "server": a}).to_string();
    let (code, answer) = world.ask(&agent, "POST", "/v1/check-now", ask, world.console()).await;
    assert_eq!(code, StatusCode::OK);
    let answers = serde_json::from_slice::<CheckedNow>(&answer).unwrap().answers;
    assert_eq!(answers[0].outcome, Outcome::Down(Failure::Refused));
    rows_become(&world, "it counts", &[]).await;
    let nobody = json!({"service": SERVICE, "server": "127.0.0.9:1"}).to_string();
    let (code, _) = world.ask(&agent, "POST", "/v1/check-now", nobody, world.console()).await;
    assert_eq!(code, StatusCode::NOT_FOUND);
    agent.stop(false).await;
}

#[tokio::test]
async fn a_check_that_is_not_configured_is_tried_and_nothing_follows() {
    let world = slow();
    let agent = world.start();
    let (up, gone) = (listen("127.0.0.1:0"), listen("127.0.0.2:0"));
    let (a, b) = (up.local_addr().unwrap(), gone.local_addr().unwrap());
    drop(gone);
    // Before there is any configuration at all.
    for (address, outcome) in [(a, Outcome::Up { load: None }), (b, Outcome::Down(Failure::Refused))] {
        let ask = json!({
            "address": address.ip(), "port": address.port(), "monitor": { "checks": [{ "kind": "connect" }] },
        });
        let (code, answer) =
            world.ask(&agent, "POST", "/v1/check-try", ask.to_string(), world.console()).await;
        assert_eq!(code, StatusCode::OK, "{}", String::from_utf8_lossy(&answer));
        let answers = serde_json::from_slice::<CheckedNow>(&answer).unwrap().answers;
        assert_eq!((answers.len(), &answers[0].outcome), (1, &outcome), "{address}");
        assert_eq!(answers[0].target, address.to_string());
    }
    assert_eq!(rows(&world), [] as [String; 0]);
    let endless = json!({ "checks": [{ "kind": "send-expect", "expect": "(", "matching": "regex" }] });
    let ask = json!({ "address": a.ip(), "port": a.port(), "monitor": endless }).to_string();
    let (code, answer) = world.ask(&agent, "POST", "/v1/check-try", ask, world.console()).await;
    assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(String::from_utf8_lossy(&answer).contains("expect"), "{}", String::from_utf8_lossy(&answer));
    let (code, _) = world.ask(&agent, "POST", "/v1/check-try", "{}", None).await;
    assert_eq!(code, StatusCode::FORBIDDEN, "only the console may");
    agent.stop(false).await;
}

#[tokio::test]
async fn drift_that_is_held_does_not_hold_back_a_verdict() {
    let world = World::new();
    let (one, two) = (listen("127.0.0.1:0"), listen("127.0.0.2:0"));
    let (a, b) = (one.local_addr().unwrap(), two.local_addr().unwrap());
    let agent = world.start();
    let mut content = checked(&[a, b], json!({}));
    content.global.drift = lvs::model::DriftPolicy::Hold;
    world.push(&agent, &target(1, content)).await.unwrap();
    rows_become(&world, "both in the table", &[format!("{a} 3"), format!("{b} 3")]).await;
    until(&agent, "in sync", |s| s.in_sync).await;
    let mut service = world.observed().table.services[&SERVICE.parse().unwrap()].clone();
    for (key, row) in &mut service.servers {
        if *key == b.to_string().parse().unwrap() {
            row.weight = 9;
        }
    }
    world.kernel.put_service(SERVICE.parse().unwrap(), service);
    until(&agent, "drift is seen and held", |s| s.drift_count == 1).await;
    drop(one);
    rows_become(&world, "the first leaves, the second stays changed", &[format!("{b} 9")]).await;
    assert_eq!(agent.status().drift_count, 1);
    agent.stop(false).await;
}

#[tokio::test]
async fn verdicts_are_on_the_stream() {
    let world = slow();
    let one = listen("127.0.0.1:0");
    let a = one.local_addr().unwrap();
    let agent = world.start();
    world.push(&agent, &target(1, checked(&[a], json!({})))).await.unwrap();
    rows_become(&world, "in the table", &[format!("{a} 3")]).await;
    let mut lines = Lines::open(&world, &agent).await;
    let verdict = |event| match event {
        Event::Checked(change) => {
            let service = change.changed.into_values().next()?;
            service.servers.into_values().next().map(|status| status.verdict)
        }
        _ => None,
    };
    let read = async {
        while lines.find(verdict).await != Verdict::Up {}
        drop(one);
        while lines.find(verdict).await != Verdict::Down {}
    };
    tokio::time::timeout(Duration::from_secs(20), read).await.expect("the verdict comes");
    agent.stop(false).await;
}

#[tokio::test]
async fn the_standby_checks_as_well() {
    let world = slow();
    let one = listen("127.0.0.1:0");
    let (a, b) = (one.local_addr().unwrap(), listen("127.0.0.2:0").local_addr().unwrap());
    let agent = world.start();
    let mut standby = target(1, checked(&[a, b], json!({})));
    standby.director = "b".to_owned();
    world.push(&agent, &standby).await.unwrap();
    let warm = |s: &Status| s.checking.as_ref().is_some_and(|c| c.up == 1 && c.down == 1);
    until(&agent, "warm verdicts", warm).await;
    rows_become(&world, "and a warm table", &[format!("{a} 3")]).await;
    assert!(world.addresses().is_empty());
    agent.stop(false).await;
}

#[tokio::test]
async fn weights_follow_the_load_agent_of_a_real_server() {
    let world = slow();
    let (one, place) = (listen("127.0.0.1:0"), tempfile::tempdir().unwrap());
    let a = one.local_addr().unwrap();
    let said = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = said.local_addr().unwrap().port();
    // Whatever this machine has to do, half of the weight.
    let limits = lvs::real_server::Limits { full: 0, least_at: 1, least: 50 };
    let says = LoadAgent { folder: place.path().to_owned(), limits };
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let serving = tokio::spawn(real_server::serve(says, said, None, stopped));
    let agent = world.start();
    let load = json!({"load_monitor": {"kind": "line", "port": port, "interval_ms": 100}});
    let mut content = checked(&[a], load);
    content.virtual_servers[0].real_servers[0].weight = lvs::model::Weight(100);
    world.push(&agent, &target(1, content)).await.unwrap();
    eventually("the weight is the configured one, or half of it on a machine with any load", || {
        [format!("{a} 100"), format!("{a} 50")].contains(&rows(&world).join(""))
    })
    .await;
    real_server::change_state(place.path(), AgentState::Drain, "").unwrap();
    rows_become(&world, "drained by its own word", &[format!("{a} 0")]).await;
    real_server::change_state(place.path(), AgentState::Maintenance, "").unwrap();
    rows_become(&world, "out by its own word", &[]).await;
    assert_eq!(status(&world, &agent, a).await.agent, AgentState::Maintenance);
    real_server::change_state(place.path(), AgentState::Ready, "").unwrap();
    eventually("serving again", || rows(&world).len() == 1).await;
    stop.send_replace(true);
    serving.await.unwrap();
    agent.stop(false).await;
}
