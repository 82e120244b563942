//! Accounts, tokens and the audit log, on their pages and through the API.

use console::{Actor, Role};
use serde_json::json;

use crate::html::check;
use crate::revisions::two_revisions;
use crate::site::{Browser, PASSWORD, Robot, Site};

/// What a page shows once between these tags.
fn shown(body: &str, id: &str) -> String {
    let start = body.find(&format!("id=\"{id}\"")).expect("it is there");
    let rest = &body[start..];
    rest[rest.find('>').unwrap() + 1..rest.find('<').unwrap()].to_owned()
}

#[tokio::test]
async fn an_account_is_made_used_changed_and_removed() {
    let site = Site::new().await;
    let mut admin = site.member(Role::Admin).await;
    let made = admin.post("/admin/accounts", &[("name", "carol"), ("role", "editor")]).await.is(200);
    check("the code", &made.body);
    let code = shown(&made.body, "code");
    admin.post("/admin/accounts", &[("name", "Carol"), ("role", "editor")]).await.is(422);
    admin.post("/admin/accounts", &[("name", "dave"), ("role", "king")]).await.is(422);

    let mut carol = Browser::new(&site);
    carol.post("/password", &[("code", &code), ("password", "short"), ("again", "short")]).await.is(422);
    carol.post("/password", &[("code", &code), ("password", PASSWORD), ("again", PASSWORD)]).await.is(303);
    let me = carol.get("/me").await.is(200);
    assert!(me.body.contains("carol (editor)") || me.body.contains("carol"), "{}", me.body);
    let mut again = Browser::new(&site);
    again.post("/password", &[("code", &code), ("password", PASSWORD), ("again", PASSWORD)]).await.is(422);

    // Her other session, and another password.
    let mut elsewhere = Browser::new(&site);
    elsewhere.post("/login", &[("user", "carol"), ("password", PASSWORD)]).await.is(303);
    let me = carol.get("/me").await.is(200);
    assert_eq!(me.body.matches("action=\"/me/sessions/").count(), 1, "{}", me.body);
    let wrong = [
        ("current", "not-this-one-9"),
        ("password", "other-mule-battery-9"),
        ("again", "other-mule-battery-9"),
    ];
    carol.post("/me/password", &wrong).await.is(422);
    elsewhere.get("/me").await.is(200);
    carol.post("/me/sessions", &[]).await.is(303);
    elsewhere.get("/me").await.is(303);

    // Disabled, she is out at once.
    admin.fill("/admin/accounts/carol", &[("disabled", "on"), ("role", "viewer")]).await.is(303);
    carol.get("/me").await.is(303);
    let robot = site.robot(Role::Admin).await;
    let one = robot.get("/accounts/carol").await.is(200);
    assert_eq!((&one.json()["role"], &one.json()["disabled"]), (&json!("viewer"), &json!(true)));
    robot.ask("PATCH", "/accounts/carol", Some("\"x\""), Some(json!({ "disabled": false }))).await.is(412);
    robot
        .ask("PATCH", "/accounts/carol", Some(&one.etag()), Some(json!({ "disabled": false })))
        .await
        .is(200);
    robot.ask("DELETE", "/accounts/carol", Some("*"), None).await.is(204);
    robot.get("/accounts/carol").await.is(404);
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let site = Site::new().await;
    let mut admin = site.member(Role::Admin).await;
    for (path, fields) in [
        ("/admin/accounts/user-admin", &[("role", "viewer")][..]),
        ("/admin/accounts/user-admin", &[("role", "admin"), ("disabled", "on")][..]),
        ("/admin/accounts/user-admin/delete", &[][..]),
        ("/admin/accounts/user-admin/reset", &[][..]),
    ] {
        let answer = admin.post(path, fields).await.is(422);
        assert!(answer.body.contains("last administrator"), "{path}");
    }
    site.console.set_password(&Actor::local(), "second", PASSWORD, Role::Admin).await.unwrap();
    admin.post("/admin/accounts/user-admin", &[("role", "viewer")]).await.is(303);
    admin.get("/admin/accounts").await.is(403);
}

#[tokio::test]
async fn a_token_for_one_cluster_reaches_no_other() {
    let site = Site::new().await;
    let one = two_revisions(&site).await;
    let other = lvs::Cluster { name: "other".to_owned(), ..Default::default() };
    let other = site.console.create_cluster(&Actor::local(), other).await.unwrap().cluster_id;
    let mut admin = site.member(Role::Admin).await;
    let form = [("name", "ci"), ("role", "editor"), ("days", "30"), ("cluster", one.as_str())];
    let made = admin.post("/admin/tokens", &form).await.is(200);
    check("the secret", &made.body);
    let robot = Robot { site: &site, token: shown(&made.body, "secret") };
    robot.get(&format!("/clusters/{one}")).await.is(200);
    robot.get("/clusters/piranha").await;
    let list = robot.get("/clusters").await.is(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
    for path in [format!("/clusters/{other}"), "/clusters/other/virtual-servers".to_owned()] {
        assert_eq!(robot.get(&path).await.is(403).json()["code"], json!("limited"));
    }
    robot.post("/clusters", json!({ "name": "third" })).await.is(403);
    admin.post("/admin/tokens", &[("name", "ci"), ("role", "viewer"), ("days", "1")]).await.is(422);
    admin.post("/admin/tokens", &[("name", "x"), ("role", "viewer"), ("days", "0")]).await.is(422);
    let tokens = admin.get("/admin/tokens").await.is(200);
    assert!(!tokens.body.contains(&robot.token), "never again");
    admin.post("/admin/tokens/ci/delete", &[]).await.is(303);
    robot.get("/clusters").await.is(401);
}

#[tokio::test]
async fn the_audit_log_is_filtered_checked_and_taken_out() {
    let site = Site::new().await;
    let id = two_revisions(&site).await;
    let mut admin = site.member(Role::Admin).await;
    let page = admin.get("/admin/audit?action=revision.&check=on").await.is(200);
    check("audit", &page.body);
    assert!(page.body.contains("Every row fits"), "{}", page.body);
    assert!(
        page.body.contains("<code>revision.activate</code>") && !page.body.contains("<code>session.login")
    );
    let file = admin.get(&format!("/admin/audit.csv?cluster={id}")).await.is(200);
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<&str> = file.body.lines().collect();
    assert!(lines[0].starts_with("number,at,actor") && lines.len() > 3, "{}", file.body);
    assert!(lines[1..].iter().all(|line| line.contains(&id)));
    let made = site.console.create_token(&Actor::local(), "reader", Role::Admin, None).await.unwrap();
    let robot = Robot { site: &site, token: made.secret };
    let first = robot.get("/audit?limit=2").await.is(200).json();
    let next = first["next"].as_str().unwrap();
    let second = robot.get(&format!("/audit?limit=2&before={next}")).await.is(200).json();
    assert!(second["items"][0]["number"].as_i64() < first["items"][1]["number"].as_i64());
    assert_eq!(robot.get("/audit/check").await.is(200).json()["whole"], json!(true));
    robot.get("/audit?limit=0").await.is(400);
}
