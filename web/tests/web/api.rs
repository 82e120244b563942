//! The conventions of the API: tokens, entity tags, problems with pointers, plans, activation.

use axum::body::Body;
use axum::http::Request;
use console::{Actor, Role};
use serde_json::{Value, json};

use crate::agent::FakeAgent;
use crate::site::{Answer, Robot, SCENARIO_A, Site};

fn problem(answer: Answer, status: u16, code: &str) -> Value {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{}", answer.body);
    let body = answer.json();
    assert_eq!(body["status"], status);
    assert_eq!(body["code"], code, "{body}");
    for member in ["type", "title", "detail", "instance"] {
        assert!(body[member].as_str().is_some_and(|t| !t.is_empty() && !t.contains('⟦')), "{member}: {body}");
    }
    body
}

async fn running(robot: &Robot<'_>) -> String {
    let made = robot.post("/imports", json!({ "text": SCENARIO_A, "name": "shop" })).await.is(201).json();
    let id = made["draft"]["cluster"].as_str().unwrap().to_owned();
    let done = robot.post(&format!("/clusters/{id}/draft/activate"), json!({})).await.is(200).json();
    assert_eq!(done["revision"], 1);
    assert_eq!(done["state"], "partial", "no director has joined: {done}");
    id
}

#[tokio::test]
async fn tokens_and_nothing_else_open_the_api() {
    let site = Site::new().await;
    let mut admin = site.member(Role::Admin).await;
    admin.get("/").await.is(200);
    problem(admin.get("/api/v1/clusters").await, 401, "unauthenticated");
    for value in ["Bearer x", "Basic YWRtaW46YWRtaW4=", "Bearer ", "x"] {
        let request = Request::builder().uri("/api/v1/clusters").header("authorization", value);
        let answer = site.send(request.body(Body::empty()).unwrap()).await;
        assert!(answer.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
        problem(answer, 401, "unauthenticated");
    }
    let robot = site.robot(Role::Viewer).await;
    robot.get("/clusters").await.is(200);
    problem(robot.get("/nowhere").await, 404, "not-found");
    problem(robot.get("/clusters/nowhere").await, 404, "missing");
    problem(robot.ask("DELETE", "/clusters", None, None).await, 405, "method");
    problem(robot.post("/clusters", json!({ "name": "x" })).await, 403, "forbidden");
    let request = Request::builder().uri("/api/v2/x").body(Body::empty()).unwrap();
    problem(site.send(request).await, 404, "not-found");
    assert_eq!(site.send(Request::builder().uri("/healthz").body(Body::empty()).unwrap()).await.status, 200);
}

#[tokio::test]
async fn bodies_are_read_strictly() {
    let site = Site::new().await;
    let robot = site.robot(Role::Admin).await;
    let id = running(&robot).await;
    let path = format!("/clusters/{id}/virtual-servers");
    let raw = |kind: &str, text: &str| {
        let request = Request::builder()
            .method("POST")
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {}", robot.token))
            .header("content-type", kind)
            .body(Body::from(text.to_owned()))
            .unwrap();
        site.send(request)
    };
    problem(raw("application/json", "{").await, 400, "malformed");
    problem(raw("application/json", "").await, 400, "malformed");
    problem(raw("application/json", "\u{feff}{}").await, 400, "malformed");
    problem(raw("application/json", &"[".repeat(100_000)).await, 400, "malformed");
    problem(raw("text/plain", "{}").await, 415, "media-type");
    problem(raw("application/json", &" ".repeat(1024 * 1024 + 1)).await, 413, "too-large");
    problem(raw("application/json", "[]").await, 422, "invalid");
    let at = |body: Value| body["errors"][0]["pointer"].as_str().unwrap().to_owned();
    let unknown = problem(robot.post(&path, json!({ "name": "x", "colour": "red" })).await, 422, "invalid");
    assert_eq!(unknown["errors"][0]["code"], "unknown-field", "{unknown}");
    let wrong = json!({ "name": "x", "vip": { "address": "192.0.2.300" } });
    assert_eq!(at(problem(robot.post(&path, wrong).await, 422, "invalid")), "/vip/address");
    // Rules of the model point into the body that was sent, not into the cluster.
    let wrong = json!({ "name": "x", "vip": { "address": "192.0.2.1", "prefix": 99 } });
    let refused = problem(robot.post(&path, wrong).await, 422, "invalid");
    assert_eq!(at(refused.clone()), "/vip/prefix");
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("99"));
}

#[tokio::test]
async fn changes_name_the_state_they_were_made_for() {
    let site = Site::new().await;
    let robot = site.robot(Role::Admin).await;
    let id = running(&robot).await;
    let servers = format!("/clusters/{id}/virtual-servers");
    let list = robot.get(&servers).await.is(200);
    let first = list.json();
    assert_eq!(first["next"], Value::Null);
    let server = format!("{servers}/{}", first["items"][0]["id"].as_str().unwrap());
    let tag = robot.get(&server).await.is(200).etag();
    let patch = json!({ "scheduler": "rr" });
    problem(robot.ask("PATCH", &server, None, Some(patch.clone())).await, 428, "precondition-missing");
    problem(robot.ask("DELETE", &server, None, None).await, 428, "precondition-missing");
    let stale = robot.ask("PATCH", &server, Some("\"old\""), Some(patch.clone())).await;
    assert_eq!(stale.etag(), tag);
    problem(stale, 412, "stale");
    let done = robot.ask("PATCH", &server, Some(&tag), Some(patch)).await.is(200);
    assert_eq!(done.json()["scheduler"], "rr");
    assert_ne!(done.etag(), tag);
    problem(robot.ask("DELETE", &server, Some(&tag), None).await, 412, "stale");
    // The draft is the caller's; what runs is unchanged, and so is what others see.
    let other = site.robot(Role::Viewer).await;
    assert_eq!(other.get(&server).await.json()["scheduler"], "wlc");
    assert_eq!(robot.get(&format!("{server}?view=running")).await.json()["scheduler"], "wlc");
    robot.ask("DELETE", &server, Some(&done.etag()), None).await.is(204);
    problem(robot.get(&server).await, 404, "missing");
}

#[tokio::test]
async fn servers_are_made_changed_and_deleted() {
    let site = Site::new().await;
    let robot = site.robot(Role::Admin).await;
    let id = running(&robot).await;
    let servers = format!("/clusters/{id}/virtual-servers");
    let body =
        json!({ "name": "https", "port": 443, "vip": { "address": "192.168.1.251", "device": "eth0" } });
    let made = robot.post(&servers, body).await.is(201);
    let location = made.headers["location"].to_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    let mut server = made.json();
    assert_eq!(server.as_object_mut().unwrap().remove("changed"), Some(json!(true)));
    assert_eq!(server["scheduler"], "wlc", "defaults are echoed: {server}");
    assert_eq!(robot.get(&location).await.is(200).json(), server);
    // By its name as well.
    assert_eq!(robot.get(&format!("{servers}/https")).await.is(200).json()["id"], server["id"]);

    let reals = format!("{location}/real-servers");
    let real = json!({ "name": "a", "address": "10.0.0.100", "port": 8443, "weight": 3 });
    let made = robot.post(&reals, real).await.is(201);
    let one = made.headers["location"].to_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    assert_eq!(robot.get(&reals).await.json()["items"].as_array().unwrap().len(), 1);
    let tag = robot.get(&one).await.etag();
    let limited =
        robot.ask("PATCH", &one, Some(&tag), Some(json!({ "limit": { "upper": 10 } }))).await.is(200);
    assert_eq!(limited.json()["weight"], 3);
    let removed =
        robot.ask("PATCH", &one, Some("*"), Some(json!({ "limit": null, "port": null }))).await.is(200);
    assert!(removed.json().get("limit").is_none());
    // What an answer adds may be sent back.
    let whole = removed.json();
    let put = robot.ask("PUT", &one, Some(&removed.etag()), Some(whole.clone())).await.is(200);
    assert_eq!(put.json()["changed"], false);
    let bare = |mut value: Value| {
        value.as_object_mut().unwrap().remove("changed");
        value
    };
    assert_eq!(bare(put.json()), bare(whole));
    let tunnel = json!({ "forwarding": { "tunnel": { "kind": "gue", "port": 6080 } } });
    let tunnelled = robot.ask("PATCH", &one, Some("*"), Some(tunnel)).await.is(200).json();
    assert_eq!(tunnelled["forwarding"]["tunnel"]["kind"], "gue");

    let active = format!("{one}?activate=true&message=less");
    let done = robot.ask("DELETE", &active, Some("*"), None).await.is(200).json();
    assert_eq!(done["activation"]["revision"], 2);
    let revisions = robot.get(&format!("/clusters/{id}/revisions")).await.is(200).json();
    assert_eq!(revisions["items"][0]["message"], "less");
    problem(robot.get(&format!("/clusters/{id}/draft")).await, 404, "missing");
    let two = robot.get(&format!("/clusters/{id}/revisions/2")).await.is(200).json();
    assert_eq!(two["content"]["virtual_servers"][1]["name"], "https");
    problem(robot.get(&format!("/clusters/{id}/revisions/3")).await, 404, "missing");

    // An editor's token may change a draft, not activate it.
    let editor = site.robot(Role::Editor).await;
    let body = json!({ "name": "dns", "port": 53, "protocol": "udp", "vip": { "address": "192.168.1.252" } });
    problem(editor.post(&format!("{servers}?activate=true"), body).await, 403, "forbidden");
    problem(editor.post(&format!("/clusters/{id}/draft/activate"), json!({})).await, 403, "forbidden");
}

#[tokio::test]
async fn make_it_so() {
    let site = Site::new().await;
    let robot = site.robot(Role::Approver).await;
    let id = running(&robot).await;
    let path = format!("/clusters/{id}");
    let now = robot.get(&path).await.is(200);
    let mut wanted = now.json();
    assert_eq!((&wanted["running_revision"], &wanted["draft"]), (&json!(1), &json!(false)));
    wanted["virtual_servers"][0]["scheduler"] = json!("wrr");

    // The plan first: nothing is written by it.
    let before = site.console.audit(&Actor::local(), None, None, 100).await.unwrap();
    let plan =
        robot.ask("PUT", &format!("{path}?dry_run=true"), None, Some(wanted.clone())).await.is(200).json();
    assert_eq!(plan["changes"][0]["after"], "wrr", "{plan}");
    assert!(plan["directors"][0]["steps"].to_string().contains("-s wrr"), "{plan}");
    assert_eq!(site.console.audit(&Actor::local(), None, None, 100).await.unwrap(), before);

    problem(robot.ask("PUT", &path, None, Some(wanted.clone())).await, 428, "precondition-missing");
    let done = robot.ask("PUT", &path, Some(&now.etag()), Some(wanted.clone())).await.is(200);
    assert_eq!((&done.json()["changed"], &done.json()["running_revision"]), (&json!(true), &json!(2)));
    // The same again: success, and no new revision.
    let again = robot.ask("PUT", &path, Some(&done.etag()), Some(wanted.clone())).await.is(200).json();
    assert_eq!(
        (&again["changed"], &again["running_revision"], &again["draft"]),
        (&json!(false), &json!(2), &json!(false))
    );
    wanted["virtual_servers"][0]["port"] = json!(0);
    let refused = problem(robot.ask("PUT", &path, Some("*"), Some(wanted)).await, 422, "invalid");
    assert_eq!(refused["errors"][0]["pointer"], "/virtual_servers/0/port");
    assert_eq!(robot.get(&path).await.json()["draft"], false, "a refused declaration leaves no draft");
}

#[tokio::test]
async fn clusters_directors_and_status() {
    let site = Site::new().await;
    let robot = site.robot(Role::Admin).await;
    let id = running(&robot).await;
    let list = robot.get("/clusters").await.is(200).json();
    assert_eq!(list["items"][0]["name"], "shop");
    let status = robot.get(&format!("/clusters/{id}/status")).await.is(200).json();
    assert_eq!((&status["active"], status["directors"].as_array().unwrap().len()), (&Value::Null, 2));

    let directors = format!("/clusters/{id}/directors");
    let items = robot.get(&directors).await.is(200).json();
    assert_eq!(items["items"][0]["name"], "director-a");
    let token =
        robot.post(&format!("{directors}/director-a/join-token"), json!({ "dial": "192.0.2.9:3637" })).await;
    let token = token.is(201).json();
    assert!(token["command"].as_str().unwrap().contains(token["token"].as_str().unwrap()));
    let one = robot.get(&format!("{directors}/director-a")).await.is(200).json();
    assert_eq!(one["dial"], "192.0.2.9:3637");
    assert!(!one.to_string().contains(token["token"].as_str().unwrap()), "shown once");

    let path = format!("{directors}/director-b");
    let moved = robot.ask("PATCH", &path, Some("*"), Some(json!({ "public": "192.168.1.21" }))).await;
    assert_eq!(moved.is(200).json()["public"], "192.168.1.21");
    robot.ask("DELETE", &format!("{directors}/director-b"), Some("*"), None).await.is(204);
    let body = json!({ "name": "director-c", "seat": "backup", "public": "192.168.1.22" });
    robot.post(&directors, body.clone()).await.is(201);
    let taken = problem(robot.post(&directors, body).await, 422, "invalid");
    assert!(!taken["errors"].as_array().unwrap().is_empty());

    let patch = json!({ "global": { "timeouts": { "udp": 30 } }, "name": "store" });
    let patched = robot.ask("PATCH", &format!("/clusters/{id}"), Some("*"), Some(patch)).await.is(200).json();
    assert_eq!((&patched["name"], &patched["global"]["timeouts"]["udp"]), (&json!("store"), &json!(30)));
    let lists =
        robot.ask("PATCH", &format!("/clusters/{id}"), Some("*"), Some(json!({ "directors": [] }))).await;
    problem(lists, 422, "invalid");
    robot.ask("DELETE", &format!("/clusters/{id}/draft"), Some("*"), None).await.is(204);

    let draft = robot.post("/clusters", json!({ "name": "second" })).await.is(201).json();
    let second = draft["id"].as_str().unwrap();
    problem(robot.post("/clusters", json!({ "name": "second" })).await, 422, "invalid");
    robot.ask("DELETE", &format!("/clusters/{second}"), Some("*"), None).await.is(204);
    problem(robot.get(&format!("/clusters/{second}")).await, 404, "missing");
}

#[tokio::test]
async fn imports_say_what_they_found() {
    let site = Site::new().await;
    let robot = site.robot(Role::Editor).await;
    let text = "primary = 192.0.2.1\nkeepalive = 6 # seconds\n";
    let dry = robot.post("/imports?dry_run=true", json!({ "text": text })).await.is(200).json();
    assert_eq!(dry["findings"][0]["line"], 2, "{dry}");
    assert!(site.console.clusters().await.unwrap().is_empty());
    problem(robot.post("/imports", json!({ "text": "", "kind": "lvs.cf" })).await, 422, "invalid");
    problem(robot.post("/imports", json!({ "text": text, "kind": "toml" })).await, 422, "invalid");
    problem(robot.post("/imports", json!({ "txt": text })).await, 422, "invalid");
    let made = robot.post("/imports", json!({ "text": SCENARIO_A })).await.is(201).json();
    let id = made["draft"]["cluster"].as_str().unwrap();
    let into =
        robot.post(&format!("/clusters/{id}/imports"), json!({ "text": SCENARIO_A })).await.is(201).json();
    assert_eq!(into["draft"]["cluster"], id);
    let draft = robot.get(&format!("/clusters/{id}/draft")).await.is(200).json();
    assert!(draft["plan"]["directors"][0]["steps"].as_array().is_some_and(|s| !s.is_empty()), "{draft}");
}

#[tokio::test]
async fn automation_takes_others_changes_in_and_chooses_where_both_changed_the_same() {
    let site = Site::new().await;
    let mine = site.robot(Role::Admin).await;
    let theirs = site.robot(Role::Approver).await;
    let content = serde_json::json!({ "name": "web", "virtual_servers": [
        { "name": "www", "vip": { "address": "192.0.2.1" }, "real_servers": [
            { "name": "one", "address": "10.0.0.1" }, { "name": "two", "address": "10.0.0.2" }] }] });
    mine.post("/clusters?activate=true", content).await.is(201);
    assert!(mine.get("/clusters/web/draft/rebase").await.json()["detail"].is_string(), "no draft yet");
    let real = |name: &str| format!("/clusters/web/virtual-servers/www/real-servers/{name}");
    let weigh = |name: &str, weight: u32| (real(name), serde_json::json!({ "weight": weight }));
    for (robot, (path, body)) in
        [(&mine, weigh("one", 7)), (&theirs, weigh("one", 3)), (&theirs, weigh("two", 4))]
    {
        robot.ask("PATCH", &path, Some("*"), Some(body)).await.is(200);
    }
    assert_eq!(mine.get("/clusters/web/draft/rebase").await.is(200).json(), serde_json::Value::Null);
    theirs.post("/clusters/web/draft/activate", serde_json::json!({})).await.is(200);
    let seen = mine.get("/clusters/web/draft/rebase").await.is(200).json();
    assert_eq!((&seen["base"], &seen["revision"]), (&serde_json::json!(1), &serde_json::json!(2)));
    assert_eq!(seen["theirs"].as_array().unwrap().len(), 2);
    let conflict = &seen["conflicts"][0];
    assert_eq!(
        (&conflict["name"], &conflict["field"], &conflict["base"], &conflict["theirs"], &conflict["mine"]),
        (&"www / one".into(), &"weight".into(), &1.into(), &3.into(), &7.into())
    );
    for path in ["/clusters/web/draft/activate", "/clusters/web/draft/activate?dry_run=true"] {
        let refused = mine.post(path, serde_json::json!({})).await.is(409).json();
        assert_eq!(
            (&refused["code"], &refused["conflicts"]),
            (&"conflict".into(), &seen["conflicts"]),
            "{path}"
        );
    }
    let refused = mine.post("/clusters/web/draft/rebase", serde_json::json!({})).await.is(409).json();
    assert_eq!((&refused["code"], &refused["conflicts"]), (&"unmerged".into(), &seen["conflicts"]));
    let place = conflict["place"].as_str().unwrap();
    for (body, status) in [
        (serde_json::json!({ "choices": { place: "ours" } }), 422),
        (serde_json::json!({ "choices": { place: "mine", "/global/drift": "mine" } }), 422),
        (serde_json::json!({ "revision": 1, "choices": { place: "mine" } }), 409),
        (serde_json::json!({ "revision": 2, "choices": { place: "mine" } }), 200),
    ] {
        mine.post("/clusters/web/draft/rebase", body).await.is(status);
    }
    mine.post("/clusters/web/draft/activate", serde_json::json!({})).await.is(200);
    let weights = mine.get("/clusters/web/revisions/3").await.is(200).json();
    let reals = &weights["content"]["virtual_servers"][0]["real_servers"];
    assert_eq!((&reals[0]["weight"], &reals[1]["weight"]), (&7.into(), &4.into()));
}

#[tokio::test]
async fn the_key_of_a_heartbeat_is_changed_without_being_told() {
    let site = Site::new().await;
    let robot = site.robot(Role::Operator).await;
    let id = running(&site.robot(Role::Admin).await).await;
    let path = format!("/clusters/{id}/heartbeat-key");
    problem(site.robot(Role::Viewer).await.post(&path, json!({})).await, 403, "forbidden");
    robot.post(&format!("{path}?dry_run=true"), json!({})).await.is(200);
    for number in [1, 2, 2] {
        let changed = robot.post(&path, json!({})).await.is(200).json();
        assert_eq!(changed["number"], number, "one that waits is tried again: {changed}");
        assert_eq!(changed["sent"], false, "{changed}");
        assert_eq!(changed["results"][0]["outcome"], "not-enrolled", "{changed}");
        assert_eq!(changed.as_object().unwrap().len(), 3, "and nothing of the key itself: {changed}");
    }
}

#[tokio::test]
async fn what_a_director_lacks_is_accepted_and_not_done() {
    let site = Site::new().await;
    let robot = site.robot(Role::Admin).await;
    let director = json!({ "name": "d1", "seat": "primary", "public": "192.0.2.2" });
    let pair = json!({ "name": "pair", "directors": [director] });
    let made = robot.post("/clusters?activate=true", pair).await.is(201).json();
    assert_eq!(made["activation"]["results"][0]["outcome"], "not-enrolled", "{made}");
    let drift = |word: &str| Some(json!({ "global": { "drift": word } }));
    // Who never joined is not waited for.
    robot.ask("PATCH", "/clusters/pair?activate=true", Some("*"), drift("hold")).await.is(200);
    let id = made["id"].as_str().unwrap();
    site.console.start();
    let _away = FakeAgent::join_dialled(&site.console, &Actor::local(), id, "d1", Some("127.0.0.1:1")).await;
    let done =
        robot.ask("PATCH", "/clusters/pair?activate=true", Some("*"), drift("repair")).await.is(202).json();
    assert_eq!((&done["changed"], &done["activation"]["state"]), (&json!(true), &json!("partial")), "{done}");
    robot.ask("PATCH", "/clusters/pair", Some("*"), drift("hold")).await.is(200);
    let told = robot.post("/clusters/pair/draft/activate", json!({})).await.is(202).json();
    assert_eq!((&told["state"], &told["problem"]), (&json!("partial"), &Value::Null), "{told}");
    assert_eq!(told["activation"]["results"][0]["outcome"], "unreachable", "{told}");
    let place = format!("/clusters/pair/activations/{}", told["id"].as_str().unwrap());
    assert_eq!(robot.get(&place).await.is(200).json(), told);
}

#[tokio::test]
async fn a_token_learns_what_it_is() {
    let site = Site::new().await;
    let me = site.robot(Role::Editor).await.get("/me").await.is(200).json();
    assert_eq!((&me["kind"], &me["role"]), (&json!("token"), &json!("editor")), "{me}");
    assert!(me["name"].as_str().is_some_and(|name| !name.is_empty()) && me.get("cluster").is_none(), "{me}");
}
