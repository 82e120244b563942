//! What automation asks beside objects and drafts: join tokens, roles, addresses and who holds them, what checks say,
//! checks that are tried out, the console itself.

use std::os::unix::fs::PermissionsExt as _;

use console::{Actor, BackupFolder, Role};
use lvs::health::{Failure, Outcome};
use lvs::table::AddressKey;
use lvs::wire::CheckedNow;
use serde_json::{Value, json};

use crate::agent::FakeAgent;
use crate::orders;
use crate::site::{SCENARIO_A, Site};

fn names(list: &Value, member: &str) -> Vec<String> {
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_join_token_is_seen_and_ended_before_anybody_used_it() {
    let site = Site::new().await;
    let cluster = console::read_file(SCENARIO_A, None).cluster.unwrap();
    let id = site.console.create_cluster(&Actor::local(), cluster).await.unwrap().cluster_id;
    site.console.activate(&Actor::local(), &id, "").await.unwrap();
    let robot = site.robot(Role::Admin).await;
    assert_eq!(robot.get("/enrollments").await.is(200).json()["items"], json!([]));
    let director = format!("/clusters/{id}/directors/director-a");
    let made = robot.post(&format!("{director}/join-token"), json!({})).await.is(201).json();
    let list = robot.get("/enrollments").await.is(200);
    assert!(!list.body.contains(made["token"].as_str().unwrap()), "{}", list.body);
    let one = &list.json()["items"][0];
    assert_eq!((&one["id"], &one["expires"]), (&made["director_id"], &made["expires"]));
    assert_eq!((&one["director"], &one["cluster_id"]), (&json!("director-a"), &json!(id)));

    let path = format!("/enrollments/{}", one["id"].as_str().unwrap());
    robot.ask("DELETE", &format!("{path}?dry_run=true"), None, None).await.is(200);
    assert_eq!(names(&robot.get("/enrollments").await.json(), "director"), ["director-a"], "only rehearsed");
    robot.ask("DELETE", &path, None, None).await.is(204);
    robot.ask("DELETE", &path, None, None).await.is(404);
    robot.ask("DELETE", &format!("{path}?dry_run=true"), None, None).await.is(404);
    let request = lvs::wire::JoinRequest {
        token: made["token"].as_str().unwrap().to_owned(),
        csr: String::new(),
        listen_port: 1,
        version: "0".to_owned(),
    };
    let refused = site.console.join(request, "192.0.2.2:1".parse().unwrap()).await.unwrap_err();
    assert!(refused.to_string().contains("token"), "{refused}");
    let audit = robot.get("/audit?action=director.token-end").await.json();
    assert_eq!(names(&audit, "subject"), ["director-a"]);
    robot.ask("POST", &format!("{director}/revoke"), None, None).await.is(204);
    robot.ask("POST", &format!("/clusters/{id}/directors/nobody/revoke"), None, None).await.is(404);
}

#[tokio::test]
async fn a_director_is_revoked() {
    let (site, id, _agent) = orders::furnished().await;
    let robot = site.robot(Role::Admin).await;
    let director = format!("/clusters/{id}/directors/d1");
    assert_eq!(robot.get(&director).await.json()["enrolled"], true);
    robot.post(&format!("{director}/revoke?dry_run=true"), json!({})).await.is(200);
    assert_eq!(robot.get(&director).await.json()["enrolled"], true, "only rehearsed");
    robot.post(&format!("{director}/revoke"), json!({})).await.is(204);
    assert_eq!(robot.get(&director).await.json()["enrolled"], false);
}

#[tokio::test]
async fn roles_say_what_they_permit() {
    let site = Site::new().await;
    let robot = site.robot(Role::Viewer).await;
    let roles = robot.get("/roles").await.is(200).json();
    assert_eq!(names(&roles, "name"), ["viewer", "operator", "editor", "approver", "admin"]);
    let may = |place: usize, what: &str| {
        roles["items"][place]["operations"].as_array().unwrap().contains(&json!(what))
    };
    assert!(may(0, "listClusters") && !may(0, "checkNow") && may(1, "checkNow"));
    assert!(!may(2, "tryCheck") && may(3, "tryCheck") && !may(3, "createBackup") && may(4, "createBackup"));
    let routes = web::route_table(site.console.clone());
    let all = routes.iter().filter_map(|route| route.operation).count();
    assert_eq!(roles["items"][4]["operations"].as_array().unwrap().len(), all, "an administrator may all");
}

#[tokio::test]
async fn addresses_have_an_owner_and_checks_a_verdict() {
    let (site, id, agent) = orders::furnished().await;
    // The address has a device from now on.
    let robot = site.robot(Role::Admin).await;
    let vip = json!({ "vip": { "address": "192.0.2.1", "device": "eth0", "prefix": 24 } });
    let path = format!("/clusters/{id}/virtual-servers/www?activate=true");
    robot.ask("PATCH", &path, Some("*"), Some(vip)).await.is(200);
    let vips = async || robot.get(&format!("/clusters/{id}/vips")).await.is(200).json()["items"][0].clone();
    let before = vips().await;
    assert_eq!((&before["state"], &before["owner"]), (&json!("nobody"), &Value::Null), "{before}");
    let held = AddressKey { interface: "eth0".into(), address: "192.0.2.1".parse().unwrap(), prefix: 24 };
    agent.report(|inside| inside.status.holds = [held].into()).await;
    let now = vips().await;
    assert_eq!((&now["state"], &now["owner"]), (&json!("held"), &json!("d1")));
    assert_eq!((&now["device"], &now["prefix"]), (&json!("eth0"), &json!(24)));
    assert_eq!(
        (&now["uses"], &now["virtual_servers"][0]["name"]),
        (&json!(["virtual-server"]), &json!("www"))
    );

    let probes = robot.get(&format!("/clusters/{id}/probes")).await.is(200).json();
    let real: Vec<_> =
        probes["items"].as_array().unwrap().iter().map(|p| &p["real_server"]["name"]).collect();
    assert_eq!(real, ["one", "two"]);
    assert_eq!(probes["items"][0]["directors"][0]["director"], "d1");
    robot.get(&format!("/clusters/{id}/probes?service=www")).await.is(200);
    robot.get(&format!("/clusters/{id}/probes?service=nothing")).await.is(404);

    // The agent says "starting", so that nobody is active.
    let problems = robot.get(&format!("/clusters/{id}/problems")).await.is(200).json();
    assert_eq!(names(&problems, "kind")[0], "nobody-active", "{problems}");
    assert_eq!(problems["items"][0]["critical"], true);
}

/// What the agent was asked to try.
async fn tried(agent: &FakeAgent) -> Vec<Value> {
    let mut all = Vec::new();
    agent
        .report(|inside| {
            let asked = inside.asked.iter().filter(|(what, _)| what == "POST /v1/check-try");
            all = asked.map(|(_, body)| body.clone()).collect();
        })
        .await;
    all
}

#[tokio::test]
async fn a_check_is_tried_before_it_is_configured() {
    let (site, id, agent) = orders::furnished().await;
    let robot = site.robot(Role::Approver).await;
    let path = format!("/clusters/{id}/checks/try");
    let seen = json!({ "answers": [{
        "at_s": 1, "outcome": Outcome::Down(Failure::Status { code: 503 }), "target": "10.0.0.9:8080",
        "timings": { "total_us": 900 }, "sent": "", "sent_bytes": 0, "received": "", "received_bytes": 0,
    }]});
    let seen: CheckedNow = serde_json::from_value(seen).unwrap();
    agent.report(|inside| inside.seen = seen).await;
    let http = json!({ "checks": [{ "kind": "http", "path": "/up", "status": ["200"] }] });
    let body = json!({ "address": "10.0.0.9", "port": 8080, "monitor": http });

    robot.post(&format!("{path}?dry_run=true"), body.clone()).await.is(200);
    assert!(tried(&agent).await.is_empty(), "only rehearsed");
    let said = robot.post(&path, body.clone()).await.is(200).json();
    let director = &said["directors"][0];
    assert_eq!((&director["director"], &director["outcome"]), (&json!("d1"), &json!("asked")));
    assert_eq!(director["answers"][0]["outcome"]["code"], 503, "{said}");
    let asked = tried(&agent).await;
    assert_eq!((asked.len(), &asked[0]["address"], &asked[0]["port"]), (1, &json!("10.0.0.9"), &json!(8080)));
    assert_eq!(asked[0]["monitor"]["checks"][0]["path"], "/up");
    let log = site.console.audit(&Actor::local(), None, None, 1).await.unwrap();
    assert_eq!((log[0].action.as_str(), log[0].subject.as_str()), ("check.try", "10.0.0.9:8080"));

    let with = |name: &str, value: Value| {
        let mut body = body.clone();
        body[name] = value;
        body
    };
    let endless = json!({ "checks": [{ "kind": "send-expect", "expect": "(", "matching": "regex" }] });
    for (body, status, pointer) in [
        (with("monitor", endless), 422, "/monitor/checks/0/expect"),
        (with("monitor", json!({ "checks": [{ "kind": "htpp" }] })), 422, "/monitor/checks/0"),
        (with("colour", json!("red")), 422, "/colour"),
        (with("address", json!("0.0.0.0")), 422, "/address"),
    ] {
        for query in ["", "?dry_run=true"] {
            let answer = robot.post(&format!("{path}{query}"), body.clone()).await;
            assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.body);
            assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}: {}", answer.body);
        }
    }
    robot.post(&path, with("monitor", json!({ "checks": [] }))).await.is(422);
    robot.post(&path, with("director", json!("d2"))).await.is(404);
    robot.post(&path, with("director", json!("d1"))).await.is(200);
    assert_eq!(tried(&agent).await.len(), 2, "what was refused was not asked");
    // Who may draft only does not have directors ask whatever they like.
    site.robot(Role::Editor).await.post(&path, body).await.is(403);
}

#[tokio::test]
async fn the_console_tells_of_itself_and_makes_a_backup() {
    let site = Site::new().await;
    let robot = site.robot(Role::Admin).await;
    let system = robot.get("/system").await.is(200).json();
    assert_eq!(system["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(system["ca_fingerprint"], site.console.pki().ca_fingerprint());
    assert!(system["database_bytes"].as_u64().unwrap() > 4096, "{system}");

    let settings = robot.get("/system/settings").await.is(200);
    assert_eq!(settings.json(), json!({ "minute_days": 14, "coarse_days": 90, "second_factor_from": null }));
    let patch = async |query: &str, tag: Option<&str>, body: Value| {
        robot.ask("PATCH", &format!("/system/settings{query}"), tag, Some(body)).await
    };
    let longer = json!({ "coarse_days": 200 });
    patch("", None, longer.clone()).await.is(428);
    patch("?dry_run=true", None, longer.clone()).await.is(200);
    let changed = patch("", Some(&settings.etag()), longer.clone()).await.is(200).json();
    assert_eq!(
        changed,
        json!({ "minute_days": 14, "coarse_days": 200, "second_factor_from": null, "changed": true })
    );
    patch("", Some(&settings.etag()), json!({ "coarse_days": 300 })).await.is(412);
    assert_eq!(patch("", Some("*"), longer).await.is(200).json()["changed"], false);
    patch("", Some("*"), json!({ "second_factor_from": "approver" })).await.is(200);
    assert_eq!(site.console.second_factor_required().await.unwrap(), Some(Role::Approver));
    let nobody = patch("", Some("*"), json!({ "second_factor_from": null })).await.is(200).json();
    assert_eq!((&nobody["second_factor_from"], &nobody["coarse_days"]), (&Value::Null, &json!(200)));
    for (body, pointer) in [
        (json!({ "second_factor_from": "boss" }), "/second_factor_from"),
        (json!({ "minute_days": 0 }), "/minute_days"),
        (json!({ "minute_days": 201 }), "/coarse_days"),
        (json!({ "minute_dyas": 3 }), "/minute_dyas"),
    ] {
        let refused = patch("?dry_run=true", None, body.clone()).await.is(422).json();
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}: {refused}");
    }

    let none = robot.get("/system/backups").await.is(200).json();
    assert_eq!((&none["folder_set"], &none["last"]), (&json!(false), &Value::Null));
    assert!(robot.post("/system/backups", json!({})).await.is(422).body.contains("[backup] folder"));
    let home = tempfile::tempdir().unwrap();
    let (folder, passphrase_file) = (home.path().to_owned(), home.path().join("passphrase"));
    site.console.backs_up_into(BackupFolder { folder, passphrase_file: passphrase_file.clone() });
    robot.post("/system/backups?dry_run=true", json!({})).await.is(200);
    robot.post("/system/backups", json!({})).await.is(422);
    let failed = robot.get("/system/backups").await.json();
    assert!(failed["failed"]["reason"].as_str().unwrap().contains("passphrase"), "{failed}");
    std::fs::write(&passphrase_file, "correct horse battery\n").unwrap();
    std::fs::set_permissions(&passphrase_file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let made = robot.post("/system/backups", json!({})).await.is(201).json();
    let list = robot.get("/system/backups").await.json();
    assert_eq!((&list["items"], &list["failed"]), (&json!([made]), &Value::Null));
    assert_eq!(list["last"], made["made"]);
}

#[tokio::test]
async fn a_list_links_to_its_next_page() {
    let site = Site::new().await;
    let robot = site.robot(Role::Admin).await;
    for index in 0..5 {
        robot.post("/clusters", json!({ "name": format!("c{index}") })).await.is(201);
    }
    for (first, count) in [("/api/v1/clusters?limit=2", 5), ("/api/v1/audit?limit=2&action=cluster", 5)] {
        let (mut path, mut found) = (first.to_owned(), 0);
        loop {
            let page = robot.ask_at("GET", &path, None, None).await.is(200);
            found += page.json()["items"].as_array().unwrap().len();
            let next = page.json()["next"].clone();
            let Some(link) = page.headers.get("link") else {
                assert!(next.is_null(), "{path}: {next}");
                break;
            };
            let link = link.to_str().unwrap();
            let target = link.strip_prefix('<').and_then(|l| l.strip_suffix(">; rel=\"next\"")).unwrap();
            assert!(target.ends_with(&format!("cursor={}", next.as_str().unwrap())), "{link}: {next}");
            target.clone_into(&mut path);
        }
        assert_eq!(found, count, "{first}");
    }
    let whole = robot.get("/clusters").await.is(200);
    assert!(!whole.headers.contains_key("link"), "there is one page");
}
