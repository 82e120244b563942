//! What is refused leaves nothing behind, whichever part of a request it is for; and a rehearsal says what would be.

use console::{Actor, Role};
use serde_json::{Value, json};

use crate::revisions::two_revisions;
use crate::site::{Robot, Site};

async fn prepared() -> (Site, String) {
    let site = Site::new().await;
    let id = two_revisions(&site).await;
    let local = Actor::local();
    site.console.join_token(&local, &id, "director-a", Some("192.0.2.90:3637")).await.unwrap();
    (site, format!("/clusters/{id}"))
}

async fn admin(site: &Site) -> Robot<'_> {
    let made = site.console.create_token(&Actor::local(), "root", Role::Admin, None).await.unwrap();
    Robot { site, token: made.secret }
}

#[tokio::test]
async fn a_director_is_dialled_elsewhere_only_when_all_of_the_write_is_taken() {
    let (site, cluster) = prepared().await;
    let robot = admin(&site).await;
    let path = format!("{cluster}/directors/director-a");
    let seen = robot.get(&path).await.is(200);
    let dial = "192.0.2.91:3637";
    for (what, query) in [
        (json!({ "dial": dial, "public": "bad" }), ""),
        (json!({ "dial": dial, "publik": "192.0.2.1" }), ""),
        (json!({ "dial": dial, "seat": "backup" }), "?activate=true"),
        (json!({ "dial": "a b" }), ""),
        (json!({ "dial": null }), ""),
    ] {
        let refused = robot.ask("PATCH", &format!("{path}{query}"), Some("*"), Some(what)).await.is(422);
        assert!(!refused.json()["errors"].as_array().unwrap().is_empty(), "{}", refused.body);
        assert_eq!(robot.get(&path).await.json()["dial"], json!("192.0.2.90:3637"), "{}", refused.body);
    }
    robot.get(&format!("{cluster}/draft")).await.is(404);
    let rehearsed = format!("{path}?dry_run=true");
    robot.ask("PATCH", &rehearsed, Some("*"), Some(json!({ "dial": "a b" }))).await.is(422);

    // Two who have seen the same: the second is told.
    let change = |port: u16| Some(json!({ "dial": format!("192.0.2.91:{port}") }));
    let done = robot.ask("PATCH", &path, Some(&seen.etag()), change(4000)).await.is(200);
    assert_eq!((&done.json()["dial"], &done.json()["changed"]), (&json!("192.0.2.91:4000"), &json!(true)));
    assert_ne!(done.etag(), seen.etag());
    let late = robot.ask("PATCH", &path, Some(&seen.etag()), change(5000)).await.is(412);
    assert_eq!(late.etag(), done.etag());
    let same = robot.ask("PATCH", &path, Some(&done.etag()), change(4000)).await.is(200);
    assert_eq!((&same.json()["changed"], same.etag()), (&json!(false), done.etag()));
    let editor = site.robot(Role::Editor).await;
    editor.ask("PATCH", &path, Some("*"), change(6000)).await.is(403);
}

#[tokio::test]
async fn where_a_director_is_dialled_can_be_put_and_is_never_passed_over() {
    let (site, cluster) = prepared().await;
    let robot = admin(&site).await;
    let new = json!({ "name": "director-c", "seat": "backup", "public": "192.0.2.93", "dial": "192.0.2.93" });
    let refused = robot.ask("POST", &format!("{cluster}/directors"), None, Some(new)).await.is(422);
    assert_eq!(refused.json()["errors"][0]["pointer"], json!("/dial"));
    let path = format!("{cluster}/directors/director-a");
    let mut whole = robot.get(&path).await.json();
    let same = robot.ask("PUT", &path, Some("*"), Some(whole.clone())).await.is(200);
    assert_eq!(same.json()["changed"], json!(false));
    whole["dial"] = json!("192.0.2.94");
    let put = robot.ask("PUT", &path, Some("*"), Some(whole)).await.is(200);
    assert_eq!(put.json()["dial"], json!("192.0.2.94:3637"));
}

#[tokio::test]
async fn a_push_to_a_director_that_has_not_joined_says_so() {
    let (site, cluster) = prepared().await;
    let robot = admin(&site).await;
    let path = format!("{cluster}/directors/director-b/push");
    let held = robot.ask("POST", &path, None, None).await.is(200).json();
    assert!(held.to_string().contains("has not joined yet"), "{held}");
    robot.ask("POST", &format!("{cluster}/directors/nobody/push"), None, None).await.is(404);
}

#[tokio::test]
async fn names_that_hide_or_break_a_path_are_refused() {
    let (site, cluster) = prepared().await;
    let robot = admin(&site).await;
    for name in ["..", ".", "a\u{202e}b", "a\u{200b}b"] {
        let new = json!({ "name": name, "vip": { "address": "192.0.2.99" }, "port": 99 });
        let refused = robot.ask("POST", &format!("{cluster}/virtual-servers"), None, Some(new)).await.is(422);
        assert_eq!(refused.json()["errors"][0]["code"], json!("name-character"), "{name:?}");
    }
}

#[tokio::test]
async fn a_change_that_cannot_run_at_once_is_not_made() {
    let (site, cluster) = prepared().await;
    let robot = admin(&site).await;
    let alone = json!({ "name": "alone", "directors": [
        { "name": "a", "seat": "backup", "public": "192.0.2.1" }
    ] });
    robot.post("/clusters?activate=true", alone).await.is(422);
    robot.get("/clusters/alone").await.is(404);
    robot
        .ask("DELETE", &format!("{cluster}/directors/director-a?activate=true"), Some("*"), None)
        .await
        .is(422);
    robot.get(&format!("{cluster}/draft")).await.is(404);

    // While something runs on trial nothing else can.
    let web1 = format!("{cluster}/virtual-servers/http/real-servers/web1");
    robot.ask("PATCH", &web1, Some("*"), Some(json!({ "weight": 9 }))).await.is(200);
    robot.post(&format!("{cluster}/draft/activate"), json!({ "keep_s": 600 })).await.is(200);
    let seen = robot.get(&web1).await.is(200);
    let now = format!("{web1}?activate=true");
    let weight = |weight: u16| Some(json!({ "weight": weight }));
    let refused = robot.ask("PATCH", &now, Some(&seen.etag()), weight(3)).await.is(409).json();
    assert_eq!(refused["code"], json!("on-trial"));
    let new = json!({ "name": "web7", "address": "10.0.0.77" });
    robot.post(&format!("{cluster}/virtual-servers/http/real-servers?activate=true"), new).await.is(409);
    robot.get(&format!("{cluster}/draft")).await.is(404);
    let restore = json!({ "activate": true });
    robot.post(&format!("{cluster}/revisions/1/restore"), restore).await.is(409);
    robot.get(&format!("{cluster}/draft")).await.is(404);
    robot.post(&format!("{cluster}/revisions/3/keep"), json!({})).await.is(200);
    // The state that the caller has seen is still the one that is there.
    robot.ask("PATCH", &now, Some(&seen.etag()), weight(3)).await.is(200);
}

#[tokio::test]
async fn a_name_is_not_taken_from_an_object_behind() {
    let (site, cluster) = prepared().await;
    let robot = admin(&site).await;
    let name = |name: &str| Some(json!({ "name": name }));
    for (path, taken) in [
        ("virtual-servers/http/real-servers/web1", "web2"),
        ("virtual-servers/http/real-servers/web2", "web1"),
        ("directors/director-a", "director-b"),
    ] {
        for query in ["", "?dry_run=true"] {
            let path = format!("{cluster}/{path}{query}");
            let refused = robot.ask("PATCH", &path, Some("*"), name(taken)).await.is(422).json();
            let error = &refused["errors"][0];
            assert_eq!(
                (&error["code"], &error["pointer"]),
                (&json!("name-taken"), &json!("/name")),
                "{path}"
            );
        }
    }
    robot.get(&format!("{cluster}/draft")).await.is(404);
}

#[tokio::test]
async fn a_list_is_gone_through_while_its_rows_are_deleted() {
    let (site, cluster) = prepared().await;
    let robot = admin(&site).await;
    let servers = format!("{cluster}/virtual-servers");
    let all: Vec<String> = (0..9).map(|n| format!("c{n}")).collect();
    for (n, name) in all.iter().enumerate() {
        let vip = json!({ "address": format!("192.168.2.{}", n + 1), "device": "eth0" });
        robot.post(&servers, json!({ "name": name, "port": 80, "vip": vip })).await.is(201);
    }
    robot.ask("DELETE", &format!("{servers}/http"), Some("*"), None).await.is(204);
    let mut seen: Vec<String> = Vec::new();
    let mut next = Value::Null;
    loop {
        let cursor = next.as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
        let page = robot.get(&format!("{servers}?limit=3{cursor}")).await.is(200).json();
        for item in page["items"].as_array().unwrap() {
            let name = item["name"].as_str().unwrap().to_owned();
            robot.ask("DELETE", &format!("{servers}/{name}"), Some("*"), None).await.is(204);
            seen.push(name);
        }
        next = page["next"].clone();
        if next.is_null() {
            break;
        }
    }
    assert_eq!(seen, all);
    // A cursor of another list stands nowhere in this one.
    for number in 0..3 {
        let token = format!("t{number}");
        site.console.create_token(&Actor::local(), &token, Role::Viewer, None).await.unwrap();
    }
    let other = robot.get("/tokens?limit=1").await.is(200).json()["next"].as_str().unwrap().to_owned();
    robot.get(&format!("/clusters?cursor={other}")).await.is(400);
}

#[tokio::test]
async fn a_rehearsal_refuses_what_would_be_refused() {
    let (site, cluster) = prepared().await;
    site.member(Role::Admin).await;
    let robot = admin(&site).await;
    let token = json!({ "name": "root", "role": "viewer" });
    let far = json!({ "name": "x", "role": "viewer", "cluster": "nowhere" });
    for (method, path, body, status) in [
        ("PATCH", "/accounts/user-admin", json!({ "role": "viewer" }), 422),
        ("PATCH", "/accounts/user-admin", json!({ "role": null }), 422),
        ("DELETE", "/accounts/user-admin", json!({}), 422),
        ("DELETE", "/accounts/user-admin/second-factor", json!({}), 422),
        ("POST", "/accounts/user-admin/password-code", json!({}), 422),
        ("POST", "/accounts", json!({ "name": "a\nb", "role": "viewer" }), 422),
        ("POST", "/accounts", json!({ "name": "USER-admin", "role": "viewer" }), 422),
        ("POST", "/tokens", token, 422),
        ("POST", "/tokens", far, 404),
        ("POST", &format!("{cluster}/directors/director-a/join-token"), json!({ "dial": "bad dial" }), 422),
    ] {
        let path = format!("{path}?dry_run=true");
        robot.ask(method, &path, Some("*"), Some(body)).await.is(status);
    }
    let web1 = format!("{cluster}/virtual-servers/http/real-servers/web1");
    robot.ask("PATCH", &web1, Some("*"), Some(json!({ "weight": 9 }))).await.is(200);
    let short = json!({ "keep_s": 9 });
    robot.post(&format!("{cluster}/draft/activate?dry_run=true"), short).await.is(422);
}

#[tokio::test]
async fn a_reason_is_one_line_and_a_body_says_each_name_once() {
    let (site, cluster) = prepared().await;
    let robot = admin(&site).await;
    let web1 = format!("{cluster}/virtual-servers/http/real-servers/web1");
    let path = format!("{web1}?activate=true&message=%1b%5B31mred%0aline2{}", "x".repeat(600));
    robot.ask("PATCH", &path, Some("*"), Some(json!({ "weight": 9 }))).await.is(200);
    let message = robot.get(&format!("{cluster}/revisions/3")).await.is(200).json()["message"].clone();
    let message = message.as_str().unwrap();
    assert!(message.starts_with("[31mred line2x") && message.len() == 500, "{message}");
    let events = robot.get(&format!("{cluster}/events?limit=5")).await.is(200);
    let audit = robot.get("/audit?limit=5").await.is(200);
    assert!(!events.body.contains("\\u001b") && !audit.body.contains("\\u001b"));
    robot.get("/audit?cluster=nowhere").await.is(404);

    let twice = axum::http::Request::builder()
        .method("PATCH")
        .uri(format!("/api/v1{web1}"))
        .header("host", "console.example:3636")
        .header("authorization", format!("Bearer {}", robot.token))
        .header("content-type", "application/json")
        .header("if-match", "*")
        .body(axum::body::Body::from(r#"{"weight": 1, "weight": 2}"#))
        .unwrap();
    let refused = site.send(twice).await.is(400).json();
    assert!(refused["detail"].as_str().unwrap().contains("weight"), "{refused}");
}

#[tokio::test]
async fn a_shorter_list_says_that_it_is() {
    let (site, cluster) = prepared().await;
    let other = console::read_file("-A -f 5 -s rr\n", None).cluster.unwrap();
    site.console.create_cluster(&Actor::local(), other).await.unwrap();
    let id = cluster.rsplit('/').next().unwrap();
    let request =
        console::TokenRequest { name: "narrow", role: Role::Viewer, expires: None, cluster: Some(id) };
    let made = site.console.create_token_for(&Actor::local(), request).await.unwrap();
    let narrow = Robot { site: &site, token: made.secret };
    let list = narrow.get("/clusters").await.is(200).json();
    assert_eq!((list["items"].as_array().unwrap().len(), &list["filtered"]), (1, &json!(true)));
    let root = admin(&site).await;
    let whole = root.get("/clusters").await.is(200).json();
    assert_eq!((whole["items"].as_array().unwrap().len(), &whole["filtered"]), (2, &Value::Null));

    let clusters = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|alert| alert["cluster_id"].as_str().unwrap().to_owned()).collect()
    };
    let wrong = narrow.get("/alerts").await.is(200).json();
    assert!(clusters(&wrong).iter().all(|of| of == id), "{wrong}");
    assert_eq!(wrong["filtered"], json!(true));
    assert_eq!(root.get("/alerts").await.is(200).json()["filtered"], Value::Null);
}
