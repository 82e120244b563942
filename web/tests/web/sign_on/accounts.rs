//! Accounts of the provider: made at the first sign-in, with the role of their groups, without a password.

use std::sync::atomic::Ordering;

use axum::http::header;
use console::{AccountError, Actor, PasswordSet, Role};
use serde_json::json;

use super::{HOST, Place, has_session};
use crate::html::check;
use crate::passkeys::{add, asked, enter};
use crate::provider::Twist;
use crate::site::{Browser, PASSWORD};

#[tokio::test]
async fn the_whole_way_in_makes_an_account_that_follows_its_groups() {
    for twist in [Twist::None, Twist::Rsa, Twist::Userinfo] {
        let place = Place::new().await;
        place.provider.twist(twist);
        let mut browser = Browser::new(&place.site);
        let login = browser.get("/login?next=/me").await.is(200);
        check("login", &login.body);
        assert!(login.body.contains("href=\"/login/sso?next=%2Fme\""), "{}", login.body);
        let done = place.sign_in(&mut browser, "/login/sso?next=%2Fme").await.is(200);
        check("signed in", &done.body);
        assert_eq!(done.headers[header::REFRESH], "0; url=/me", "{twist:?}");
        assert!(done.body.contains("href=\"/me\""));
        let asked_more = place.provider.asked().iter().any(|path| path.ends_with("/userinfo"));
        assert_eq!(asked_more, twist == Twist::Userinfo, "{twist:?}");
        assert_eq!(browser.cookies.len(), 1, "the flow's cookie has gone: {:?}", browser.cookies);

        let me = browser.get("/me").await.is(200);
        check("me", &me.body);
        assert!(me.body.contains(&place.provider.issuer) && !me.body.contains("/me/password"), "{}", me.body);
        assert!(place.accounts().await.contains(&("alice".to_owned(), Role::Operator, true)));
        let made = place.log("account.create").await;
        assert_eq!((made[0].actor.as_str(), made[0].subject.as_str()), ("single-sign-on", "alice"));

        // Another name and other groups at the provider: the same account, with another role.
        place
            .provider
            .person("subject-1", json!({ "preferred_username": "al", "groups": ["x", "/lb/admins"] }));
        let mut again = place.member().await;
        assert!(place.accounts().await.contains(&("alice".to_owned(), Role::Admin, true)));
        assert_eq!(
            place.log("account.role").await[0].detail,
            "operator to admin, as the provider's groups say"
        );
        let list = again.get("/admin/accounts").await.is(200);
        check("accounts", &list.body);
        assert!(list.body.contains("alice</a> <small>single sign-on</small>"), "{}", list.body);
        let one = again.get("/admin/accounts/alice").await.is(200);
        check("account", &one.body);
        assert!(one.body.contains(&place.provider.issuer) && !one.body.contains("/reset"), "{}", one.body);
        // One group may also come as a text; a person of the same name is another person.
        place.provider.person("subject-2", json!({ "email": "bob@example.com", "groups": "/lb/operators" }));
        place.member().await;
        assert!(place.accounts().await.contains(&("bob@example.com".to_owned(), Role::Operator, true)));
    }
}

#[tokio::test]
async fn an_account_of_the_provider_has_no_password_and_shows_who_it_is_there() {
    let place = Place::new().await;
    let (console, local) = (&place.site.console, Actor::local());
    let mut alice = place.member().await;
    // No way leads to a password.
    Browser::new(&place.site).post("/login", &[("user", "alice"), ("password", PASSWORD)]).await.is(422);
    let refused = console.set_password(&local, "alice", PASSWORD, Role::Admin).await;
    assert!(matches!(refused, Err(AccountError::NoPassword)), "{refused:?}");
    let refused = console.reset_password(&local, "ALICE").await;
    assert!(matches!(refused, Err(AccountError::NoPassword)), "{refused:?}");
    let form = [("current", ""), ("password", PASSWORD), ("again", PASSWORD)];
    alice.post("/me/password", &form).await.is(422);
    place.pass(60);

    // Who has just been asked by the provider need not be asked again.
    let page = alice.get("/me/second-factor").await.is(200);
    check("fresh", &page.body);
    assert!(page.body.contains("within the last ten minutes") && !page.body.contains("name=\"password\""));
    alice.post("/me/second-factor", &[("do", "begin")]).await.is(200);
    // Later, or from elsewhere, they do.
    place.pass(600);
    let page = alice.get("/me/second-factor").await.is(200);
    check("not fresh", &page.body);
    let again = "/login/sso?next=%2Fme%2Fsecond-factor&again=1";
    assert!(page.body.contains(&again.replace('&', "&#38;")) || page.body.contains(again), "{}", page.body);
    let refused = alice.post("/me/second-factor", &[("do", "begin")]).await.is(422);
    check("refused", &refused.body);
    assert!(refused.body.contains("Sign in through the provider once more first"), "{}", refused.body);
    // A session that the provider remembers is not enough; nor is a word that says nothing about when.
    for (twist, reason) in [(Twist::AsksNobody, "did not ask once more"), (Twist::NoAuthTime, "auth_time")] {
        place.provider.twist(twist);
        let mut cookies = alice.cookies.clone();
        place.sign_in(&mut alice, again).await.is(403);
        std::mem::swap(&mut cookies, &mut alice.cookies);
        assert!(place.log("session.refused").await[0].detail.contains(reason));
        alice.post("/me/second-factor", &[("do", "begin")]).await.is(422);
    }
    place.provider.twist(Twist::None);
    // Somebody else at the same screen is not the one who was to show who they are.
    place.provider.person("subject-2", json!({ "preferred_username": "bob", "groups": ["/lb/operators"] }));
    place.sign_in(&mut alice, again).await.is(403);
    assert!(place.log("session.refused").await[0].detail.contains("somebody else came"));
    assert_eq!(place.accounts().await.len(), 2, "bob is not made by the way");
    place.provider.person("subject-1", json!({ "preferred_username": "alice", "groups": ["/lb/operators"] }));
    let done = place.sign_in(&mut alice, again).await.is(200);
    assert_eq!(done.headers[header::REFRESH], "0; url=/me/second-factor");
    let me = alice.get("/me").await.is(200);
    assert_eq!(me.body.matches("This session").count(), 1, "{}", me.body);
    alice.post("/me/second-factor", &[("do", "begin")]).await.is(200);
    let from = "198.51.100.1".parse().unwrap();
    let actor = Actor { kind: console::ActorKind::Account, name: "alice".to_owned(), ..Actor::local() };
    let elsewhere = console.begin_second_factor(&actor, "", from).await;
    assert!(matches!(elsewhere, Err(console::SecondFactorError::SignInAgain)), "{elsewhere:?}");

    // The provider's administrators are none that the console can rely on.
    place.provider.person("subject-3", json!({ "preferred_username": "carol", "groups": ["/lb/admins"] }));
    place.member().await;
    let last = console.delete_account(&local, "root").await;
    assert!(matches!(last, Err(AccountError::LastAdmin)), "{last:?}");
    console.delete_account(&local, "carol").await.unwrap();
    let made = console.set_password(&local, "carol", PASSWORD, Role::Viewer).await.unwrap();
    assert_eq!(made, PasswordSet::Created);
}

#[tokio::test]
async fn a_passkey_alone_does_not_go_past_the_provider() {
    let place = Place::new().await;
    let mut alice = place.member().await;
    place.pass(700);
    let page = alice.get("/me/passkeys").await.is(200);
    check("passkeys", &page.body);
    assert!(page.body.contains("/login/sso?next=%2Fme%2Fpasskeys"), "{}", page.body);
    // Without a password the provider has to be shown first who it is.
    let early = alice.post("/me/passkeys/begin", &[("name", "laptop"), ("password", "")]).await.is(422);
    assert!(early.body.contains("Sign in through the provider once more first"), "{}", early.body);
    place.sign_in(&mut alice, "/login/sso?next=%2Fme%2Fpasskeys&again=1").await.is(200);
    // It is another session, whose page has another proof against forged forms.
    alice.get("/me/passkeys").await.is(200);
    let (mut key, done) = add(&mut alice, "laptop").await;
    done.is(200);
    let mut browser = Browser::new(&place.site);
    let options = asked(&mut browser).await;
    enter(&mut browser, &key.sign(&options, HOST)).await.is(422);
    assert!(!has_session(&browser));
    assert!(place.log("passkey.refused").await[0].detail.contains("signs in through the provider"));
}

#[tokio::test]
async fn a_second_factor_is_the_provider_s_business_unless_it_is_set_otherwise() {
    let place = Place::new().await;
    let console = &place.site.console;
    console.require_second_factor(&Actor::local(), Some(Role::Viewer)).await.unwrap();
    let mut alice = place.member().await;
    alice.get("/").await.is(200);
    place.set(|settings| settings.second_factor = true).await;
    assert_eq!(alice.get("/").await.is(303).location(), "/me/second-factor");
    let made = alice.post("/me/second-factor", &[("do", "begin")]).await.is(200);
    let start = made.body.find("id=\"secret\"").unwrap();
    let secret = made.body[start..].split(['>', '<']).nth(1).unwrap();
    let app = crate::authenticator::Authenticator::of(secret);
    place.pass(30);
    let code = app.code(place.now.load(Ordering::SeqCst));
    alice.post("/me/second-factor/confirm", &[("code", &code)]).await.is(200);
    alice.get("/").await.is(200);
    // Asked for after the provider's word.
    let mut browser = Browser::new(&place.site);
    let half = place.sign_in(&mut browser, "/login/sso?next=/me").await.is(200);
    assert_eq!(half.headers[header::REFRESH], "0; url=/login/code?next=%2Fme");
    assert!(!has_session(&browser));
    place.pass(30);
    let code = app.code(place.now.load(Ordering::SeqCst));
    let done = browser.post("/login/code", &[("code", &code), ("next", "/me")]).await.is(303);
    assert_eq!(done.location(), "/me");
}
