//! Who does not get in through the provider: tokens that cannot be believed, answers that were used or are another browser's,
//! people without a role, names that are taken, and a provider that is down or answers nonsense.

use std::sync::Arc;

use axum::http::header;
use console::{Actor, Role, Settings};
use serde_json::json;

use super::{HOST, OVER, Place, REFUSED, UNREACHABLE, come_back, has_session};
use crate::html::check;
use crate::provider::{Provider, SECRET, Twist};
use crate::site::{Browser, PASSWORD};

#[tokio::test]
async fn a_token_that_cannot_be_believed_lets_nobody_in() {
    let place = Place::new().await;
    for (twist, reason) in [
        (Twist::Nonce, "nonce"),
        (Twist::Audience, "audience"),
        (Twist::Issuer, "issuer"),
        (Twist::Expired, "expired"),
        (Twist::FromTheFuture, "time to come"),
        (Twist::Unsigned, "No signature"),
        (Twist::SharedSecret, "HS256"),
        (Twist::Key, "ignature"),
        (Twist::Changed, "ignature"),
        (Twist::NoToken, "no ID token"),
        (Twist::AnotherAnswers, "another provider"),
        (Twist::Denies, "access_denied"),
        (Twist::UserinfoOfAnother, "subject"),
    ] {
        place.provider.twist(twist);
        let mut browser = Browser::new(&place.site);
        let refused = place.sign_in(&mut browser, "/login/sso").await.is(403);
        check("refused", &refused.body);
        assert!(refused.body.contains(REFUSED), "{twist:?}: {}", refused.body);
        assert!(browser.cookies.is_empty(), "{twist:?}: {:?}", browser.cookies);
        let row = place.log("session.refused").await.remove(0);
        assert!(
            row.detail.starts_with("single sign-on: ") && row.detail.contains(reason),
            "{twist:?}: {}",
            row.detail
        );
        assert!(!row.detail.contains(SECRET) && !refused.body.contains(&row.detail));
        assert_eq!(place.accounts().await.len(), 1, "{twist:?}");
        place.pass(3600);
    }
    place.provider.twist(Twist::None);
    place.member().await;
    assert_eq!(place.accounts().await.len(), 2);
}

#[tokio::test]
async fn what_comes_back_counts_once_in_time_and_for_its_browser() {
    let place = Place::new().await;
    let mut browser = Browser::new(&place.site);
    let back = place.out(&mut browser, "/login/sso").await;

    // Another browser, which has begun one of its own, or none.
    let mut other = Browser::new(&place.site);
    assert!(come_back(&mut other, &back).await.is(422).body.contains(OVER));
    place.out(&mut other, "/login/sso").await;
    assert!(come_back(&mut other, &back).await.is(422).body.contains(OVER));
    // Another state, and none.
    let state = back.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let forged = back.replace(state, &state.chars().rev().collect::<String>());
    let cookies = browser.cookies.clone();
    assert!(come_back(&mut browser, &forged).await.is(422).body.contains(OVER));
    browser.cookies = cookies.clone();
    come_back(&mut browser, &format!("{HOST}/login/sso/callback")).await.is(422);
    // The right one; then the same once more.
    browser.cookies = cookies.clone();
    come_back(&mut browser, &back).await.is(200);
    assert!(has_session(&browser));
    browser.cookies = cookies;
    assert!(come_back(&mut browser, &back).await.is(422).body.contains(OVER));
    assert!(!has_session(&browser));

    // The code of somebody else's sign-in: it was asked for with another secret (PKCE), and another nonce.
    let mut thief = Browser::new(&place.site);
    let theirs = place.out(&mut Browser::new(&place.site), "/login/sso").await;
    let own = place.out(&mut thief, "/login/sso").await;
    let code = |address: &str| address.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let mixed = own.replace(&code(&own), &code(&theirs));
    come_back(&mut thief, &mixed).await.is(403);
    assert!(place.log("session.refused").await[0].detail.contains("invalid_grant"));

    // Too late.
    let mut late = Browser::new(&place.site);
    let back = place.out(&mut late, "/login/sso").await;
    place.pass(600);
    come_back(&mut late, &back).await.is(422);
    // Another provider was set meanwhile.
    let mut between = Browser::new(&place.site);
    let back = place.out(&mut between, "/login/sso").await;
    place.set(|settings| settings.default_role = Some(Role::Viewer)).await;
    come_back(&mut between, &back).await.is(422);
    // Nobody is led elsewhere.
    for next in ["https://example.org/", "//example.org", "/%5Cexample.org"] {
        let mut browser = Browser::new(&place.site);
        let done = place.sign_in(&mut browser, &format!("/login/sso?next={next}")).await.is(200);
        assert_eq!(done.headers[header::REFRESH], "0; url=/", "{next}");
    }
}

#[tokio::test]
async fn who_is_refused_and_what_they_lose() {
    let place = Place::new().await;
    let refused = async |reason: &str| {
        let mut browser = Browser::new(&place.site);
        assert!(place.sign_in(&mut browser, "/login/sso").await.is(403).body.contains(REFUSED));
        assert!(!has_session(&browser));
        let row = place.log("session.refused").await.remove(0);
        assert!(row.detail.contains(reason), "{reason}: {}", row.detail);
        row.subject
    };
    // In no group that has a role.
    place.provider.person("subject-9", json!({ "preferred_username": "eve", "groups": ["/guests"] }));
    assert_eq!(refused("no group").await, "eve");
    place.provider.person("subject-9", json!({ "preferred_username": "eve" }));
    refused("no group").await;
    // Somebody here has that name, whatever the case: a password account, and one of another person.
    place.provider.person("subject-8", json!({ "preferred_username": "ROOT", "groups": ["/lb/admins"] }));
    assert_eq!(refused("here already").await, "ROOT");
    let root = place.site.console.account(&Actor::local(), "root").await.unwrap();
    assert_eq!((root.role, root.provider), (Role::Admin, None));
    Browser::new(&place.site).post("/login", &[("user", "root"), ("password", PASSWORD)]).await.is(303);
    place.provider.person("subject-1", json!({ "preferred_username": "alice", "groups": ["/lb/admins"] }));
    let mut alice = place.member().await;
    place.provider.person("subject-7", json!({ "preferred_username": "Alice", "groups": ["/lb/admins"] }));
    refused("here already").await;
    // No name that an account can have.
    place.provider.person("subject-6", json!({ "preferred_username": "a b\n", "groups": ["/lb/admins"] }));
    assert_eq!(refused("is no name of an account").await, "(no user name)");
    place.provider.person("subject-6", json!({ "groups": ["/lb/admins"] }));
    refused("preferred_username (or email)").await;

    // Whoever is in no group any more loses role and sessions.
    alice.get("/admin/accounts").await.is(200);
    place.provider.person("subject-1", json!({ "preferred_username": "alice", "groups": [] }));
    assert_eq!(refused("no group").await, "alice");
    assert_eq!(alice.get("/me").await.is(303).location(), "/login?next=%2Fme");
    assert!(place.accounts().await.contains(&("alice".to_owned(), Role::Viewer, true)));
    // With a role for everybody they get that.
    place.set(|settings| settings.default_role = Some(Role::Editor)).await;
    place.member().await;
    assert!(place.accounts().await.contains(&("alice".to_owned(), Role::Editor, true)));
    // Disabled.
    let console = &place.site.console;
    console.change_account(&Actor::local(), "alice", None, Some(true)).await.unwrap();
    assert_eq!(refused("disabled").await, "alice");
    assert!(console.account(&Actor::local(), "alice").await.unwrap().disabled);
}

#[tokio::test]
async fn a_provider_that_is_down_or_answers_nonsense_is_said_and_passwords_still_work() {
    let mut place = Place::new().await;
    let robot = place.site.robot(Role::Admin).await;
    let tried = async || robot.post("/system/single-sign-on/test", json!({})).await.is(200).json();
    assert_eq!(tried().await, json!({ "good": true, "reason": null }));
    for (twist, reason) in [
        (Twist::Redirects, "302 Found: redirects are not followed"),
        (Twist::Endless, "its answer is longer than 512 KiB"),
        (Twist::DiscoveryOfAnother, "unexpected issuer"),
    ] {
        place.provider.twist(twist);
        place.pass(3600);
        let answer = Browser::new(&place.site).get("/login/sso").await.is(502);
        check("out of order", &answer.body);
        assert!(answer.body.contains(UNREACHABLE), "{twist:?}: {}", answer.body);
        let told = tried().await["reason"].as_str().unwrap().to_owned();
        assert!(told.contains(reason), "{twist:?}: {told}");
    }
    // It fails between out and back.
    place.provider.twist(Twist::None);
    place.pass(3600);
    let mut browser = Browser::new(&place.site);
    let back = place.out(&mut browser, "/login/sso").await;
    place.provider.twist(Twist::Redirects);
    assert!(come_back(&mut browser, &back).await.is(502).body.contains(UNREACHABLE));
    assert!(browser.cookies.is_empty());
    place.provider.twist(Twist::None);

    // An authority that nobody vouches for.
    place.set(|settings| settings.authorities = None).await;
    let told = tried().await["reason"].as_str().unwrap().to_owned();
    assert!(told.to_lowercase().contains("certificate"), "{told}");
    Browser::new(&place.site).get("/login/sso").await.is(502);

    // Nobody is there. The login page does not wait for it.
    place.set(|_| {}).await;
    place.pass(3600);
    let issuer = place.provider.issuer.clone();
    place.provider = Provider::new(Arc::clone(&place.now)).await;
    assert_ne!(issuer, place.provider.issuer);
    let mut browser = Browser::new(&place.site);
    assert!(browser.get("/login").await.is(200).body.contains("/login/sso"));
    let down = browser.get("/login/sso").await.is(502);
    assert!(down.body.contains(UNREACHABLE) && down.body.contains("name=\"password\""), "{}", down.body);
    browser.post("/login", &[("user", "root"), ("password", PASSWORD)]).await.is(303);
    // Asked once, it is not asked by every visitor: only after a while.
    browser.get("/login/sso").await.is(502);

    // Switched off there is no button, and its address says so.
    place.set(|settings| settings.enabled = false).await;
    let mut browser = Browser::new(&place.site);
    assert!(!browser.get("/login").await.is(200).body.contains("/login/sso"));
    browser.get("/login/sso").await.is(404);
    browser.get("/login/sso/callback?state=x&code=y").await.is(404);
}

#[tokio::test]
async fn this_machine_is_not_asked_unless_its_settings_allow_it_and_names_lead_to_the_one_address() {
    let place =
        Place::with(Settings { host_names: vec!["lb.example".to_owned()], ..Settings::default() }).await;
    place.set(|settings| settings.address = None).await;
    let console = &place.site.console;
    let told = console.try_sign_on(&Actor::local()).await.unwrap().unwrap_err();
    assert!(told.contains("local_webhooks"), "{told}");
    assert_eq!(place.provider.asked(), Vec::<String>::new());
    // The browser calls the console otherwise than the provider does.
    let sent = Browser::new(&place.site).get("/login/sso?next=/me").await.is(303);
    assert_eq!(sent.location(), "https://lb.example/login/sso?next=%2Fme&here=1");
    Browser::new(&place.site).get("/login/sso?next=/me&here=1").await.is(502);
    let set = console.sign_on(&Actor::local()).await.unwrap();
    assert_eq!(set.redirect.as_deref(), Some("https://lb.example/login/sso/callback"));
}
