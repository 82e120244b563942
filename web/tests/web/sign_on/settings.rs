//! The provider as it is set, on the page and over the API.

use console::{Actor, Role, Settings};
use serde_json::json;

use super::{HOST, Place};
use crate::html::check;
use crate::provider::{CLIENT, SECRET};
use crate::screens::keep;
use crate::site::Browser;

#[tokio::test]
async fn administrators_set_it_on_the_page_in_both_languages_and_the_secret_never_comes_out() {
    for (language, said) in [
        ("en", ["Single sign-on", "Nobody could sign in", "The provider answers", "It does not work"]),
        ("zh-CN", ["单点登录", "这样无人能登录", "提供方已应答", "无法使用"]),
    ] {
        let place = Place::with(Settings { local_webhooks: true, ..Settings::default() }).await;
        let mut admin = place.site.member(Role::Admin).await;
        admin.language = language;
        let page = "/admin/settings/single-sign-on";
        let settings = admin.get("/admin/settings").await.is(200);
        check("settings", &settings.body);
        assert!(settings.body.contains(page) && settings.body.contains(said[0]));
        let empty = admin.get(page).await.is(200);
        check("empty", &empty.body);
        let tried = admin.post("/admin/settings/single-sign-on/test", &[]).await.is(200);
        assert!(tried.body.contains(said[3]), "{}", tried.body);
        let wrong = [("enabled", "on"), ("issuer", "http://id"), ("groups", ""), ("client_id", "")];
        let refused = admin.fill(page, &wrong).await.is(422);
        check("refused", &refused.body);
        assert!(refused.body.contains(said[1]) && refused.body.contains("http://id"), "{}", refused.body);
        let refused = admin.fill(page, &[("groups", "a = king")]).await.is(422);
        check("no role", &refused.body);
        let typed = [
            ("enabled", "on"),
            ("name", "Example ID"),
            ("issuer", place.provider.issuer.as_str()),
            ("client_id", CLIENT),
            ("secret", SECRET),
            ("authorities", place.provider.authority.as_str()),
            ("groups", "/lb/operators = operator\n a=b = admin "),
            ("address", "https://console.example:3636/"),
        ];
        let saved = admin.fill(page, &typed).await.is(303);
        assert_eq!(saved.location(), "/admin/settings/single-sign-on?done=settings-saved");
        let shown = admin.get(page).await.is(200);
        check("set", &shown.body);
        keep(&format!("single-sign-on.{language}"), &shown.body);
        assert!(shown.body.contains("https://console.example:3636/login/sso/callback"), "{}", shown.body);
        assert!(shown.body.contains("a=b = admin") && !shown.body.contains("of+the"), "{}", shown.body);
        let tried = admin.post("/admin/settings/single-sign-on/test", &[]).await.is(200);
        check("tried", &tried.body);
        assert!(tried.body.contains(said[2]), "{}", tried.body);
        // Saved as it is shown, the secret stays.
        admin.fill(page, &[]).await.is(303);
        let mut browser = Browser::new(&place.site);
        browser.language = language;
        let login = browser.get("/login").await.is(200);
        check("login", &login.body);
        keep(&format!("login-single-sign-on.{language}"), &login.body);
        assert!(login.body.contains(">Example ID</a>"), "{}", login.body);
        place.sign_in(&mut browser, "/login/sso").await.is(200);
        let rows = place.log("settings.single-sign-on").await;
        assert_eq!(rows.len(), 2);
        assert!(
            rows.iter().all(|row| !row.detail.contains("of+the"))
                && rows[1].detail.contains("secret changed")
        );
        // Taken away, the provider does not know the client any more.
        admin.fill(page, &[("no_secret", "on")]).await.is(303);
        assert!(!place.site.console.sign_on(&Actor::local()).await.unwrap().has_secret);
        place.sign_in(&mut Browser::new(&place.site), "/login/sso").await.is(403);
    }
}

#[tokio::test]
async fn the_api_reads_and_writes_all_of_it_but_the_secret() {
    let place = Place::with(Settings { local_webhooks: true, ..Settings::default() }).await;
    let robot = place.site.robot(Role::Admin).await;
    let path = "/system/single-sign-on";
    let empty = robot.get(path).await.is(200);
    assert_eq!(empty.json()["enabled"], false);
    assert_eq!(robot.post(&format!("{path}/test"), json!({})).await.is(200).json()["good"], false);
    let mut body = serde_json::to_value(place.settings()).unwrap();
    body["secret"] = json!(SECRET);
    let query = format!("{path}?dry_run=true");
    robot.ask("PUT", &query, Some(&empty.etag()), Some(body.clone())).await.is(200);
    assert!(!place.site.console.sign_on(&Actor::local()).await.unwrap().settings.enabled);
    let set = robot.ask("PUT", path, Some(&empty.etag()), Some(body.clone())).await.is(200);
    assert_eq!((set.json()["changed"].clone(), set.json()["has_secret"].clone()), (json!(true), json!(true)));
    assert!(!set.body.contains("of+the"), "{}", set.body);
    robot.ask("PUT", path, Some(&empty.etag()), Some(body.clone())).await.is(412);
    // What was read may be sent back; the secret stays.
    let read = robot.get(path).await.is(200);
    assert!(!read.body.contains("of+the"), "{}", read.body);
    assert_eq!(read.json()["redirect_uri"], format!("{HOST}/login/sso/callback"));
    let same = robot.ask("PUT", path, Some(&read.etag()), Some(read.json())).await.is(200);
    assert_eq!(same.json()["changed"], false);
    assert_eq!(robot.post(&format!("{path}/test"), json!({})).await.is(200).json()["good"], true);
    place.member().await;
    let account = robot.get("/accounts/alice").await.is(200).json();
    assert_eq!(account["provider"], place.provider.issuer);
    assert_eq!(robot.get("/accounts/root").await.is(200).json()["provider"], json!(null));
    // Wrong at their places.
    let mut wrong = body.clone();
    wrong["issuer"] = json!("id.example.com");
    wrong["scopes"] = json!([]);
    let refused = robot.ask("PUT", path, Some("*"), Some(wrong)).await.is(422).json();
    let places: Vec<&str> =
        refused["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(places, ["/issuer", "/scopes"]);
    body["surprise"] = json!(1);
    robot.ask("PUT", path, Some("*"), Some(body)).await.is(422);
}
