//! The conventions of the API: what is repeated is done once, what is rehearsed is not done, lists come in pages, nobody
//! loses another's change, streams go on where they broke off.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use console::{Actor, Role};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::live::read_until;
use crate::site::{Answer, Robot, SCENARIO_A, Site};

async fn running(site: &Site) -> String {
    let cluster = console::read_file(SCENARIO_A, None).cluster.unwrap();
    let id = site.console.create_cluster(&Actor::local(), cluster).await.unwrap().cluster_id;
    site.console.activate(&Actor::local(), &id, "").await.unwrap();
    id
}

async fn keyed(robot: &Robot<'_>, path: &str, key: &str, body: &Value) -> Answer {
    let request = Request::builder()
        .method("POST")
        .uri(format!("/api/v1{path}"))
        .header("authorization", format!("Bearer {}", robot.token))
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .body(Body::from(body.to_string()))
        .unwrap();
    robot.site.send(request).await
}

#[tokio::test]
async fn a_request_with_a_key_is_done_once() {
    let site = Site::new().await;
    let id = running(&site).await;
    let robot = site.robot(Role::Admin).await;
    let path = format!("/clusters/{id}/virtual-servers");
    let body =
        json!({ "name": "https", "port": 443, "vip": { "address": "192.168.1.251", "device": "eth0" } });
    let first = keyed(&robot, &path, "k-1", &body).await.is(201);
    let again = keyed(&robot, &path, "k-1", &body).await.is(201);
    assert_eq!(
        (first.body.clone(), first.etag(), first.location()),
        (again.body.clone(), again.etag(), again.location())
    );
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let count = robot.get(&path).await.json()["items"].as_array().unwrap().len();
    assert_eq!(count, 2, "made once");

    // Another body under the same key, and the same key of somebody else.
    let other =
        json!({ "name": "other", "port": 444, "vip": { "address": "192.168.1.251", "device": "eth0" } });
    let refused = keyed(&robot, &path, "k-1", &other).await.is(422).json();
    assert_eq!(refused["code"], "key-reused");
    let someone = site.robot(Role::Editor).await;
    keyed(&someone, &path, "k-1", &other).await.is(201);

    // What was refused did nothing, and may be sent again as it is.
    let wrong = json!({ "name": "x", "port": 70000 });
    keyed(&robot, &path, "k-2", &wrong).await.is(422);
    assert_eq!(keyed(&robot, &path, "k-2", &wrong).await.is(422).json()["code"], "invalid");
    keyed(&robot, &path, "", &body).await.is(400);

    // A secret is shown once.
    let token = json!({ "name": "ci", "role": "viewer" });
    let made = keyed(&robot, "/tokens", "k-3", &token).await.is(201).json();
    assert!(made["secret"].as_str().unwrap().starts_with("caribe_"));
    let spent = keyed(&robot, "/tokens", "k-3", &token).await.is(409).json();
    assert_eq!(spent["code"], "key-spent");
    let made = robot.get("/tokens").await.json();
    assert_eq!(made["items"].as_array().unwrap().iter().filter(|t| t["name"] == "ci").count(), 1);
}

#[tokio::test]
async fn what_changes_nothing_begins_no_draft() {
    let site = Site::new().await;
    let id = running(&site).await;
    let robot = site.robot(Role::Admin).await;
    let path = format!("/clusters/{id}/virtual-servers/http");
    let seen = robot.get(&path).await.is(200);
    let same = robot.ask("PUT", &path, Some(&seen.etag()), Some(seen.json())).await.is(200);
    assert_eq!(same.json()["changed"], false);
    assert_eq!(same.etag(), seen.etag());
    robot.get(&format!("/clusters/{id}/draft")).await.is(404);
    let patched =
        robot.ask("PATCH", &path, Some(&seen.etag()), Some(json!({ "scheduler": "rr" }))).await.is(200);
    assert_eq!(patched.json()["changed"], true);
    let cluster = format!("/clusters/{id}");
    let whole = robot.get(&format!("{cluster}?view=running")).await.json();
    robot.ask("DELETE", &format!("{cluster}/draft"), Some("*"), None).await.is(204);
    let put = robot.ask("PUT", &cluster, Some("*"), Some(whole)).await.is(200).json();
    assert_eq!((&put["changed"], &put["running_revision"]), (&json!(false), &json!(1)));
}

#[tokio::test]
async fn a_rehearsal_writes_nothing() {
    let site = Site::new().await;
    let id = running(&site).await;
    let robot = site.robot(Role::Admin).await;
    let log = async || site.console.audit(&Actor::local(), None, None, 500).await.unwrap();
    let before = log().await;
    let base = format!("/clusters/{id}");
    let server =
        json!({ "name": "https", "port": 443, "vip": { "address": "192.168.1.251", "device": "eth0" } });
    let dry = [
        ("POST", format!("{base}/virtual-servers"), Some(server.clone())),
        ("PATCH", format!("{base}/virtual-servers/http"), Some(json!({ "scheduler": "rr" }))),
        ("DELETE", format!("{base}/virtual-servers/http"), None),
        ("PATCH", base.clone(), Some(json!({ "global": { "timeouts": { "tcp": 300 } } }))),
        ("DELETE", base.clone(), None),
        ("POST", "/clusters".to_owned(), Some(json!({ "name": "new" }))),
        ("POST", "/accounts".to_owned(), Some(json!({ "name": "eve", "role": "viewer" }))),
        ("POST", "/tokens".to_owned(), Some(json!({ "name": "t", "role": "viewer" }))),
        ("POST", format!("{base}/directors/director-a/join-token"), Some(json!({}))),
        ("POST", format!("{base}/revisions/1/restore"), Some(json!({}))),
        (
            "POST",
            format!("{base}/virtual-servers/http/real-servers/web1/orders"),
            Some(json!({ "instruction": "draining" })),
        ),
    ];
    for (method, path, body) in dry {
        let answer = robot.ask(method, &format!("{path}?dry_run=true"), None, body).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        let said = answer.json();
        assert!(said["dry_run"] == true || said["changes"].is_array(), "{method} {path}: {said}");
    }
    let plan =
        robot.ask("DELETE", &format!("{base}/virtual-servers/http?dry_run=true"), None, None).await.json();
    assert_eq!(plan["changes"][0]["change"], "removed", "{plan}");
    // What would be refused is refused.
    let wrong = robot
        .ask(
            "POST",
            &format!("{base}/virtual-servers?dry_run=true"),
            None,
            Some(json!({ "name": "x", "port": 0 })),
        )
        .await;
    assert_eq!(wrong.status, 422, "{}", wrong.body);
    robot
        .ask("PATCH", &format!("{base}/virtual-servers/http?dry_run=true"), Some("\"old\""), Some(json!({})))
        .await
        .is(412);
    robot
        .ask(
            "POST",
            "/clusters?dry_run=true",
            None,
            Some(json!({ "name": robot.get(&base).await.json()["name"] })),
        )
        .await
        .is(422);
    assert_eq!(log().await, before);
}

#[tokio::test]
async fn lists_come_in_pages() {
    let site = Site::new().await;
    let robot = site.robot(Role::Admin).await;
    for index in 0..7 {
        robot.post("/clusters", json!({ "name": format!("c{index}") })).await.is(201);
    }
    let mut names = Vec::new();
    let mut path = "/clusters?limit=3".to_owned();
    loop {
        let page = robot.get(&path).await.is(200).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        if names.len() == 3 {
            // What is taken out between two pages moves nothing.
            robot.ask("DELETE", "/clusters/c0", Some("*"), None).await.is(204);
        }
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/clusters?limit=3&cursor={next}");
    }
    assert_eq!(names, ["c0", "c1", "c2", "c3", "c4", "c5", "c6"]);
    robot.get("/clusters?cursor=zz").await.is(400);
    assert!(robot.get("/audit?limit=2").await.json()["next"].is_string());
}

#[tokio::test]
async fn a_token_that_asks_too_often_is_told_to_wait() {
    let site = Site::new().await;
    let robot = site.robot(Role::Viewer).await;
    let other = site.robot(Role::Admin).await;
    let limits = web::Limits { per_second: 0.01, at_once: 3.0 };
    let router = web::router_with(site.console.clone(), limits);
    let ask = async |token: &str| {
        let request =
            Request::builder().uri("/api/v1/clusters").header("authorization", format!("Bearer {token}"));
        router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    };
    for _ in 0..3 {
        assert_eq!(ask(&robot.token).await.status(), 200);
    }
    let refused = ask(&robot.token).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "100");
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    assert_eq!(ask(&other.token).await.status(), 200, "others are not held up");
}

#[tokio::test]
async fn a_request_has_a_name() {
    let site = Site::new().await;
    let ask = async |id: &str| {
        let request = Request::builder().uri("/api/v1/clusters").header("x-request-id", id);
        site.send(request.body(Body::empty()).unwrap()).await.is(401)
    };
    let answer = ask("deploy-42.a").await;
    assert_eq!(answer.headers["x-request-id"], "deploy-42.a");
    assert_eq!(answer.json()["request_id"], "deploy-42.a");
    // What is unfit for a log is not taken.
    let answer = ask("a b").await;
    assert_ne!(answer.headers["x-request-id"], "a b");
    assert_eq!(answer.json()["request_id"], answer.headers["x-request-id"].to_str().unwrap());
}

#[tokio::test]
async fn an_activation_can_go_on_after_its_answer() {
    let site = Site::new().await;
    let id = running(&site).await;
    let robot = site.robot(Role::Admin).await;
    let base = format!("/clusters/{id}");
    robot
        .ask("PATCH", &format!("{base}/virtual-servers/http"), Some("*"), Some(json!({ "scheduler": "rr" })))
        .await
        .is(200);
    let request = Request::builder()
        .method("POST")
        .uri(format!("/api/v1{base}/draft/activate"))
        .header("authorization", format!("Bearer {}", robot.token))
        .header("prefer", "respond-async")
        .body(Body::empty())
        .unwrap();
    let begun = site.send(request).await.is(202);
    let place = begun.location().to_owned();
    assert_eq!(begun.json()["by"], "token/token-admin");
    loop {
        let task = robot.ask_at("GET", &place, None, None).await.is(200).json();
        if task["state"] != "running" {
            assert_eq!(
                (&task["state"], &task["activation"]["revision"]),
                (&json!("partial"), &json!(2)),
                "{task}"
            );
            assert_eq!(
                task["activation"]["results"].as_array().unwrap().len(),
                2,
                "one result for each director"
            );
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let list = robot.get(&format!("{base}/activations")).await.json();
    assert_eq!(list["items"][0]["state"], "partial");
    robot.get(&format!("{base}/activations/act_0")).await.is(404);
}

/// Two tokens change the same thing at once, again and again. Whoever loses is told who won, and reads again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_writers_none_loses_a_change() {
    let rounds: u32 = std::env::var("CARIBE_WRITERS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let site = Site::new().await;
    let id = running(&site).await;
    let one = site.robot(Role::Approver).await;
    let two = site.robot(Role::Admin).await;
    let path = format!("/clusters/{id}");
    let write = async |robot: &Robot<'_>, partner: &str| {
        let mut lost = 0;
        for _ in 0..rounds {
            loop {
                // Read, add one, write: what is lost when two do it at once.
                let seen = robot.get(&path).await.is(200);
                let tcp = seen.json()["global"]["timeouts"]["tcp"].as_u64().unwrap_or(1000);
                let body = json!({ "global": { "timeouts": { "tcp": tcp + 1 } } });
                let answer = robot
                    .ask("PATCH", &format!("{path}?activate=true"), Some(&seen.etag()), Some(body))
                    .await;
                if answer.status == 200 {
                    break;
                }
                let refused = answer.is(412).json();
                assert_eq!(refused["by"], partner, "{refused}");
                assert!(refused["etag"].is_string());
                lost += 1;
            }
            tokio::task::yield_now().await;
        }
        lost
    };
    let (first, second) = tokio::join!(write(&one, "token/token-admin"), write(&two, "token/token-approver"));
    let now = one.get(&path).await.json();
    println!("{rounds} rounds each: {first} and {second} were told that they are late");
    assert_eq!(now["global"]["timeouts"]["tcp"], 1000 + 2 * rounds, "a change was lost");
    assert_eq!(now["running_revision"], 1 + 2 * rounds, "one revision for each change");
    assert_eq!(now["draft"], false, "nothing half is left behind");
    assert!(site.console.cluster(&id).await.unwrap().drafts.is_empty());
}

async fn open(site: &Site, token: &str, path: &str, last: Option<&str>) -> axum::response::Response {
    let mut request = Request::builder()
        .uri(format!("/api/v1{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("accept", "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    site.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_stream_goes_on_where_it_broke_off() {
    let site = Site::new().await;
    let id = running(&site).await;
    let robot = site.robot(Role::Viewer).await;
    let path = format!("/clusters/{id}/stream?topics=events");
    let activate = async |message: &str| {
        let global = lvs::model::GlobalSettings {
            timeouts: lvs::model::Timeouts { tcp: Some(200 + message.len() as u32), ..Default::default() },
            ..Default::default()
        };
        site.console.change(&Actor::local(), &id, console::Edit::Global(global), None).await.unwrap();
        site.console.activate(&Actor::local(), &id, message).await.unwrap();
    };
    let response = open(&site, &robot.token, &path, None).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let mut stream = response.into_body().into_data_stream();
    let mut seen = String::new();
    read_until(&mut stream, &mut seen, "\n\n").await;
    assert!(seen.contains("event: hello") && seen.contains("retry: 2000"), "{seen}");
    activate("one").await;
    read_until(&mut stream, &mut seen, "one").await;
    let last = seen.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    drop(stream);
    activate("second").await;
    // The same, asked for again and again.
    let polled = robot.get(&format!("/clusters/{id}/events?since={last}")).await.is(200).json();
    assert_eq!(
        polled["items"].as_array().unwrap().iter().filter(|event| event["kind"] == "activated").count(),
        1
    );
    assert_eq!(polled["resync"], false);
    let since = polled["since"].as_i64().unwrap();
    let empty = robot.get(&format!("/clusters/{id}/events?since={since}")).await.json();
    assert_eq!(empty["items"], json!([]));

    let response = open(&site, &robot.token, &path, Some(&last)).await;
    let mut stream = response.into_body().into_data_stream();
    let mut seen = String::new();
    read_until(&mut stream, &mut seen, "second").await;
    assert!(!seen.contains("\"message\":\"one\""), "nothing twice: {seen}");
    // A number that this log does not know: everything has to be read again.
    let response = open(&site, &robot.token, &path, Some("999999")).await;
    let mut other = response.into_body().into_data_stream();
    let mut said = String::new();
    read_until(&mut other, &mut said, "resync").await;

    // The rights end, and so does the stream.
    site.console.delete_token(&Actor::local(), "token-viewer").await.unwrap();
    read_until(&mut stream, &mut seen, "event: bye").await;
    let rest = tokio::time::timeout(Duration::from_secs(30), stream.next()).await.unwrap();
    assert!(rest.is_none(), "{rest:?}");
    assert_eq!(open(&site, &robot.token, &path, None).await.status(), 401);
}

#[tokio::test]
async fn streams_are_counted() {
    let site = Site::new().await;
    let id = running(&site).await;
    let robot = site.robot(Role::Viewer).await;
    let path = format!("/clusters/{id}/stream");
    let mut all = Vec::new();
    for _ in 0..20 {
        let response = open(&site, &robot.token, &path, None).await;
        assert_eq!(response.status(), 200);
        all.push(response);
    }
    assert_eq!(open(&site, &robot.token, &path, None).await.status(), 429);
    all.pop();
    assert_eq!(open(&site, &robot.token, &path, None).await.status(), 200);
    robot.get(&format!("{path}?topics=weather")).await.is(400);
}

#[tokio::test]
async fn the_page_of_the_api_names_every_operation() {
    let site = Site::new().await;
    let described = crate::openapi::Described::read(&site).await;
    let mut viewer = site.member(Role::Viewer).await;
    for language in ["en", "zh-CN"] {
        viewer.language = language;
        let page = viewer.get("/help/api").await.is(200).body;
        assert!(!page.contains('⟦') && !page.contains("<script>"), "{language}");
        for methods in described.document["paths"].as_object().unwrap().values() {
            for operation in methods.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(page.contains(&format!("<details id=\"{id}\">")), "{language}: {id}");
            }
        }
    }
    assert!(viewer.get("/").await.body.contains("href=\"/help/api\""));
}
