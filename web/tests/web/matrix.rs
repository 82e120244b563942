//! Every route with every method by everybody: what is not allowed is refused, and changes nothing.

use axum::body::Body;
use axum::http::Request;
use console::{Actor, AuditEntry, Role, TokenRequest};
use web::routes::{Needs, Route, Surface};

use crate::site::{Robot, SCENARIO_A, Site};

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"];

/// Routes that need nothing; a new one has to be put here by somebody who thought about it.
const PUBLIC: [&str; 21] = [
    "GET /healthz",
    "GET /static/{digest}/{name}",
    "GET /setup",
    "POST /setup",
    "GET /login",
    "POST /login",
    "GET /login/sso",
    "GET /login/sso/callback",
    "GET /login/code",
    "POST /login/code",
    "GET /login/code/passkey",
    "POST /login/code/passkey",
    "POST /login/code/passkey/begin",
    "GET /login/passkey",
    "POST /login/passkey",
    "POST /login/passkey/begin",
    "POST /look",
    "GET /password",
    "POST /password",
    "GET /api/v1",
    "GET /api/v1/openapi.json",
];

/// The path with names that exist where `real`, and names that do not where not.
fn path(route: &Route, cluster: &str) -> String {
    route
        .path
        .replace("{cluster}", cluster)
        .replace("{server}", "http")
        .replace("{real}", "web1")
        .replace("{director}", "director-a")
        .replace("{address}", "10.0.0.100")
        .replace("{number}", "1")
        .replace("{digest}", "000000000000")
        .replace("{name}", "app.css")
        .replace("{kind}/{owner}", "token/token-admin")
        .replace("{kind}", "lvs.cf")
        .replace("{account}", "somebody")
        .replace("{passkey}", "pk_none")
        .replace("{token}", "some-token")
}

async fn log(site: &Site) -> Vec<AuditEntry> {
    site.console.audit(&Actor::local(), None, None, 500).await.unwrap()
}

async fn furnished() -> (Site, String) {
    let site = Site::new().await;
    let cluster = console::read_file(SCENARIO_A, None).cluster.unwrap();
    let id = site.console.create_cluster(&Actor::local(), cluster).await.unwrap().cluster_id;
    site.console.activate(&Actor::local(), &id, "").await.unwrap();
    (site, id)
}

#[tokio::test]
async fn public_routes_are_the_known_ones() {
    let site = Site::new().await;
    for route in web::route_table(site.console.clone()) {
        let name = format!("{} {}", route.method, route.path);
        assert_eq!(route.needs == Needs::Nothing, PUBLIC.contains(&name.as_str()), "{name}");
    }
}

#[tokio::test]
async fn nobody_gets_in_by_any_method() {
    let (site, cluster) = furnished().await;
    site.member(Role::Viewer).await;
    let table = web::route_table(site.console.clone());
    let before = log(&site).await;
    for route in &table {
        let path = path(route, &cluster);
        for method in METHODS {
            let declared = |m: &str| table.iter().any(|r| r.path == route.path && r.method.as_str() == m);
            let known = declared(method) || (method == "HEAD" && declared("GET"));
            let public = table.iter().any(|r| {
                r.path == route.path && r.needs == Needs::Nothing && (r.method == method || method == "HEAD")
            });
            if public {
                continue;
            }
            let request = Request::builder()
                .method(method)
                .uri(&path)
                .header("host", "console.example:3636")
                .header("sec-fetch-site", "same-origin")
                .header("cookie", "__Host-caribe=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
                .body(Body::empty())
                .unwrap();
            let answer = site.send(request).await;
            let (status, place) = (answer.status.as_u16(), format!("{method} {path}"));
            match (known, route.surface) {
                (false, _) => assert_eq!(status, 405, "{place}"),
                (true, Surface::Pages) if path.ends_with("/live") => {
                    assert!(status == 303 && answer.location().starts_with("/login"), "{place}: {status}");
                }
                (true, Surface::Pages) => {
                    assert!(status == 303 && answer.location().starts_with("/login"), "{place}: {status}");
                }
                (true, Surface::Api) => assert_eq!(status, 401, "{place}"),
                (true, Surface::Agents) => assert_eq!(status, 404, "{place}"),
            }
        }
    }
    assert_eq!(log(&site).await, before, "something was done for nobody");
}

#[tokio::test]
async fn each_role_reaches_what_it_may_and_nothing_else() {
    let (site, cluster) = furnished().await;
    let table = web::route_table(site.console.clone());
    for role in Role::ALL {
        let mut browser = site.member(role).await;
        browser.get("/").await.is(200);
        let robot = site.robot(role).await;
        let before = log(&site).await;
        for route in &table {
            let allowed = match route.needs {
                Needs::Role(needs) => role >= needs,
                Needs::Person => true,
                Needs::Nothing | Needs::Agent => continue,
            };
            // What is allowed is asked of things that do not exist, so that it does nothing either.
            let path = path(route, if allowed { "nothing-here" } else { &cluster });
            if route.path == "/logout" {
                continue;
            }
            let status = match route.surface {
                Surface::Api => {
                    let body = (route.method != "GET").then(|| serde_json::json!({}));
                    robot.ask_at(route.method.as_str(), &path, Some("*"), body).await.status
                }
                _ if route.method == "GET" => browser.get(&path).await.status,
                _ => browser.post(&path, &[]).await.status,
            };
            let place = format!("{role}: {} {path}", route.method);
            if allowed {
                assert!(![401, 403, 405, 500].contains(&status.as_u16()), "{place}: {status}");
            } else {
                assert_eq!(status, 403, "{place}");
            }
        }
        let after = log(&site).await;
        assert_eq!(after, before, "{role} did something");
    }
}

/// Routes without a cluster that a token for one cluster may ask for; a new one has to be put here by somebody who
/// thought about what it shows of other clusters.
const FOR_ANY_CLUSTER: [&str; 5] =
    ["/api/v1/alerts", "/api/v1/clusters", "/api/v1/me", "/api/v1/roles", "/metrics"];

#[tokio::test]
async fn a_token_for_one_cluster_reaches_that_one_alone() {
    let (site, theirs) = furnished().await;
    let local = Actor::local();
    let other = lvs::Cluster { name: "other".into(), ..lvs::Cluster::default() };
    let own = site.console.create_cluster(&local, other).await.unwrap().cluster_id;
    let request =
        TokenRequest { name: "one-cluster", role: Role::Admin, expires: None, cluster: Some("other") };
    let token = site.console.create_token_for(&local, request).await.unwrap().secret;
    let robot = Robot { site: &site, token };
    let before = log(&site).await;
    for route in web::route_table(site.console.clone()) {
        if route.surface != Surface::Api || route.needs == Needs::Nothing {
            continue;
        }
        let path = path(&route, &theirs);
        let body = (route.method != "GET").then(|| serde_json::json!({}));
        let status = robot.ask_at(route.method.as_str(), &path, Some("*"), body).await.status.as_u16();
        let reached = FOR_ANY_CLUSTER.contains(&route.path) && route.method == "GET";
        assert_eq!(status == 403, !reached, "{} {path}: {status}", route.method);
    }
    assert_eq!(log(&site).await, before, "it did something");
    robot.get(&format!("/clusters/{own}")).await.is(200);
}

/// What an operation takes, where it takes more than nothing.
fn rehearsed(operation: &str) -> serde_json::Value {
    use serde_json::json;
    match operation {
        "createCluster" => json!({ "name": "new" }),
        "replaceCluster" => json!({ "name": "renamed" }),
        "createDirector" | "replaceDirector" => {
            json!({ "name": "director-c", "seat": "backup", "public": "192.0.2.3" })
        }
        "createVirtualServer" | "replaceVirtualServer" => {
            json!({ "name": "new", "port": 443, "vip": { "address": "192.168.1.251", "device": "eth0" } })
        }
        "createRealServer" | "replaceRealServer" => json!({ "name": "new", "address": "10.0.0.77" }),
        "createAccount" | "createToken" => json!({ "name": "new", "role": "viewer" }),
        "orderRealServer" | "orderMachine" => json!({ "instruction": "draining" }),
        "orderDirector" => json!({ "order": "hold" }),
        "import" | "importInto" => json!({ "text": SCENARIO_A }),
        "tryCheck" => {
            json!({ "address": "10.0.0.77", "port": 80, "monitor": { "checks": [{ "kind": "connect" }] } })
        }
        _ => json!({}),
    }
}

#[tokio::test]
async fn every_write_can_be_rehearsed_and_then_does_nothing() {
    let (site, cluster) = furnished().await;
    let local = Actor::local();
    site.console.create_account(&local, "somebody", Role::Viewer).await.unwrap();
    site.console.create_token(&local, "some-token", Role::Viewer, None).await.unwrap();
    let joining = site.console.join_token(&local, &cluster, "director-a", Some("127.0.0.1:1")).await.unwrap();
    let robot = site.robot(Role::Admin).await;
    let weight = format!("/clusters/{cluster}/virtual-servers/http/real-servers/web1");
    robot.ask("PATCH", &weight, Some("*"), Some(serde_json::json!({ "weight": 7 }))).await.is(200);
    let before = log(&site).await;
    let (mut asked, mut taken) = (0, 0);
    for route in web::route_table(site.console.clone()) {
        if route.surface != Surface::Api || route.method == "GET" {
            continue;
        }
        let path = path(&route, &cluster).replace("{enrollment}", &joining.director_id);
        let path = format!("{path}?dry_run=true");
        let body = rehearsed(route.operation.unwrap());
        let answer = robot.ask_at(route.method.as_str(), &path, None, Some(body)).await;
        // A body may lack something; the parameter is known everywhere.
        assert!(
            [200, 404, 409, 422].contains(&answer.status.as_u16()),
            "{path}: {} {}",
            answer.status,
            answer.body
        );
        asked += 1;
        taken += usize::from(answer.status == 200);
    }
    assert!(asked > 40 && taken * 3 > asked * 2, "{taken} of {asked} were rehearsed");
    assert_eq!(log(&site).await, before, "a rehearsal did something");
}
