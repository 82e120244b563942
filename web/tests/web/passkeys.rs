//! Passkeys as people meet them, with an authenticator that signs: added, used alone and after a password, removed; and
//! every answer that must not open the console.

use console::{Actor, AuditEntry, Role};
use serde_json::Value;

use crate::html::check;
use crate::second_factor::Place;
use crate::site::{Answer, Browser, PASSWORD, Site};
use crate::software_key::SoftwareKey;

const ORIGIN: &str = "https://console.example:3636";
const USER: &str = "user-editor";

async fn log(site: &Site, action: &str) -> Vec<AuditEntry> {
    let log = site.console.audit(&Actor::local(), None, None, 500).await.unwrap();
    log.into_iter().filter(|row| row.action == action).collect()
}

/// What the script would ask the browser for.
async fn begin(browser: &mut Browser<'_>, name: &str) -> Answer {
    browser.post("/me/passkeys/begin", &[("name", name), ("password", PASSWORD)]).await
}

/// Adds one for whoever is signed in.
pub(crate) async fn add(browser: &mut Browser<'_>, name: &str) -> (SoftwareKey, Answer) {
    let asked = begin(browser, name).await.is(200);
    let (key, answer) = SoftwareKey::make(&asked.body, ORIGIN);
    let done = browser.post("/me/passkeys", &[("name", name), ("answer", &answer)]).await;
    (key, done)
}

/// What a browser is asked at the login.
pub(crate) async fn asked(browser: &mut Browser<'_>) -> String {
    browser.post("/login/passkey/begin", &[]).await.is(200).body
}

pub(crate) async fn enter(browser: &mut Browser<'_>, answer: &str) -> Answer {
    browser.post("/login/passkey", &[("next", "/me"), ("answer", answer)]).await
}

async fn alone<'a>(site: &'a Site, key: &mut SoftwareKey) -> (Browser<'a>, Answer) {
    let mut browser = Browser::new(site);
    let options = asked(&mut browser).await;
    let answer = enter(&mut browser, &key.sign(&options, ORIGIN)).await;
    (browser, answer)
}

/// The first step of a login.
async fn password<'a>(site: &'a Site, user: &str) -> Browser<'a> {
    let mut browser = Browser::new(site);
    let form = [("user", user), ("password", PASSWORD), ("next", "/me")];
    assert_eq!(browser.post("/login", &form).await.is(303).location(), "/login/code?next=%2Fme");
    browser
}

async fn id_of(site: &Site, user: &str, name: &str) -> String {
    let all = site.console.passkeys(&Actor::local(), user).await.unwrap();
    all.into_iter().find(|passkey| passkey.name == name).unwrap().id
}

#[tokio::test]
async fn it_is_added_used_and_removed_in_both_languages() {
    for (language, said) in [
        (
            "en",
            ["Passkeys", "not your present password", "Recovery codes", "Use a passkey", "codes are left"],
        ),
        ("zh-CN", ["通行密钥", "当前密码不正确", "恢复码", "使用通行密钥", "还剩"]),
    ] {
        let place = Place::new().await;
        let site = &place.site;
        let mut editor = site.member(Role::Editor).await;
        editor.language = language;
        let before = Browser::new(site).get("/login").await.is(200);
        assert!(!before.body.contains("data-passkey"), "nobody has one: {}", before.body);
        let me = editor.get("/me").await.is(200);
        check("me", &me.body);
        assert!(me.body.contains(said[0]) && me.body.contains("href=\"/me/passkeys\""), "{}", me.body);
        let page = editor.get("/me/passkeys").await.is(200);
        check("none yet", &page.body);
        assert!(
            page.body.contains("data-begin=\"/me/passkeys/begin\"") && page.body.contains("data-no-passkey")
        );
        let wrong = [("name", "laptop"), ("password", "another-mule-battery")];
        let refused = editor.post("/me/passkeys/begin", &wrong).await.is(422);
        assert!(refused.json()["wrong"].as_str().unwrap().contains(said[1]), "{}", refused.body);
        let early = begin(&mut editor, "laptop").await.is(429);
        assert!(early.json()["wrong"].is_string(), "{}", early.body);
        place.pass(2);
        let nameless = begin(&mut editor, " ").await.is(422);
        assert!(nameless.json()["wrong"].as_str().unwrap().contains("60"), "{}", nameless.body);

        let (mut key, done) = add(&mut editor, "laptop").await;
        let done = done.is(200);
        check("recovery codes", &done.body);
        assert!(done.body.contains(said[2]), "{}", done.body);
        let (_, second) = add(&mut editor, "<phone>").await;
        assert_eq!(second.is(303).location(), "/me/passkeys?done=passkey-added");
        let list = editor.get("/me/passkeys?done=passkey-added").await.is(200);
        check("two", &list.body);
        crate::screens::keep(&format!("passkeys.{language}"), &list.body);
        assert!(list.body.contains("laptop") && list.body.contains("&#60;phone&#62;"), "{}", list.body);
        assert!(!list.body.contains("For console.example"), "it is open under that name: {}", list.body);
        let factor = editor.get("/me/second-factor").await.is(200);
        check("second factor", &factor.body);
        assert!(factor.body.contains(said[4]) && factor.body.contains("value=\"codes\""), "{}", factor.body);
        let me = editor.get("/me").await.is(200);
        check("me with passkeys", &me.body);
        let fresh =
            editor.post("/me/second-factor", &[("do", "codes"), ("password", PASSWORD)]).await.is(200);
        check("other codes", &fresh.body);

        // Alone.
        let mut visitor = Browser::new(site);
        visitor.language = language;
        let login = visitor.get("/login?next=/me").await.is(200);
        check("login", &login.body);
        crate::screens::keep(&format!("login-passkey.{language}"), &login.body);
        assert!(login.body.contains("data-begin=\"/login/passkey/begin\""), "{}", login.body);
        let options = asked(&mut visitor).await;
        assert_eq!(visitor.cookies[0].0, "__Host-caribe-passkey");
        let entered = enter(&mut visitor, &key.sign(&options, ORIGIN)).await.is(303);
        assert_eq!(entered.location(), "/me");
        assert!(visitor.cookies.iter().all(|(name, _)| name == "__Host-caribe"), "{:?}", visitor.cookies);
        visitor.get("/me").await.is(200);

        // After the password.
        let mut half = password(site, USER).await;
        half.language = language;
        let code = half.get("/login/code?next=/me").await.is(200);
        check("the second step", &code.body);
        crate::screens::keep(&format!("login-code-passkey.{language}"), &code.body);
        assert!(code.body.contains(said[3]), "{}", code.body);
        let options = half.post("/login/code/passkey/begin", &[]).await.is(200).body;
        let form = [("next", "/me"), ("answer", &key.sign(&options, ORIGIN))];
        assert_eq!(half.post("/login/code/passkey", &form).await.is(303).location(), "/me");
        assert!(half.cookies.iter().all(|(name, _)| name == "__Host-caribe"), "{:?}", half.cookies);

        // It goes.
        let path = format!("/me/passkeys/{}", id_of(site, USER, "laptop").await);
        let one = half.get(&path).await.is(200);
        check("one", &one.body);
        let refused = half.fill(&path, &[("password", "another-mule-battery")]).await.is(422);
        check("a wrong password", &refused.body);
        place.pass(2);
        let removed = half.fill(&path, &[("password", PASSWORD)]).await;
        assert_eq!(removed.is(303).location(), "/me/passkeys?done=passkey-removed");
        assert_eq!(half.get(&path).await.is(303).location(), "/me/passkeys");
        visitor.get("/me").await.is(303);
        let (_, gone) = alone(site, &mut key).await;
        check("a removed one", &gone.is(422).body);
        for (action, count) in
            [("passkey.add", 2), ("passkey.login", 2), ("passkey.remove", 1), ("passkey.refused", 1)]
        {
            assert_eq!(log(site, action).await.len(), count, "{action}");
        }
    }
}

#[tokio::test]
async fn no_answer_opens_the_console_but_the_right_one() {
    let place = Place::new().await;
    let site = &place.site;
    let mut editor = site.member(Role::Editor).await;
    let (mut key, _) = add(&mut editor, "laptop").await;
    let mut viewer = site.member(Role::Viewer).await;
    let (mut others, _) = add(&mut viewer, "hers").await;
    for case in
        ["challenge", "origin", "header", "host", "unverified", "unread", "nothing", "replayed", "thief"]
    {
        let mut browser = Browser::new(site);
        let options = asked(&mut browser).await;
        let question: Value = serde_json::from_str(&options).unwrap();
        assert_eq!(question["rpId"], "console.example", "{question}");
        key.counter += 1;
        let right = key.proof(question["challenge"].as_str().unwrap(), ORIGIN);
        let answer = match case {
            "challenge" => enter(&mut browser, &key.proof("AAAAAAAAAAAAAAAAAAAAAA", ORIGIN)).await,
            "origin" => enter(&mut browser, &key.sign(&options, "https://evil.example")).await,
            "header" => {
                let text: String = form_urlencoded::byte_serialize(right.as_bytes()).collect();
                let request = browser
                    .request("POST", "/login/passkey")
                    .header("origin", "https://evil.example")
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(axum::body::Body::from(format!("answer={text}")))
                    .unwrap();
                browser.send(request).await
            }
            "host" => {
                key.host = "evil.example".to_owned();
                let wrong = key.sign(&options, ORIGIN);
                key.host = "console.example".to_owned();
                enter(&mut browser, &wrong).await
            }
            "unverified" => {
                key.verifies = false;
                let wrong = key.sign(&options, ORIGIN);
                key.verifies = true;
                enter(&mut browser, &wrong).await
            }
            "unread" => enter(&mut browser, "{\"id\": 7}").await,
            "nothing" => enter(&mut browser, "").await,
            "replayed" => {
                enter(&mut browser, &right).await.is(303);
                browser = Browser::new(site);
                asked(&mut browser).await;
                enter(&mut browser, &right).await
            }
            _ => {
                // The question was another browser's.
                browser = Browser::new(site);
                asked(&mut browser).await;
                enter(&mut browser, &right).await
            }
        };
        let answer = answer.is(422);
        check(case, &answer.body);
        assert!(browser.cookies.is_empty(), "{case}: {:?}", browser.cookies);
        place.pass(900);
    }
    alone(site, &mut key).await.1.is(303);

    // Somebody else's, after a password that was right.
    let mut half = password(site, USER).await;
    let options = half.post("/login/code/passkey/begin", &[]).await.is(200).body;
    let answer =
        half.post("/login/code/passkey", &[("answer", &others.sign(&options, ORIGIN))]).await.is(422);
    check("another's", &answer.body);
    assert!(answer.body.contains("was not accepted"), "{}", answer.body);
    // Without any first step.
    Browser::new(site).post("/login/code/passkey/begin", &[]).await.is(422);
    let over = Browser::new(site).post("/login/code/passkey", &[("answer", "{}")]).await.is(422);
    check("no first step", &over.body);
    place.pass(900);

    // Of an account that is switched off.
    site.console.change_account(&Actor::local(), USER, None, Some(true)).await.unwrap();
    let (browser, refused) = alone(site, &mut key).await;
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    assert!(refused.is(422).body.contains("was not accepted"));
    let rows = log(site, "passkey.refused").await;
    assert!(rows.iter().any(|row| row.detail.contains("switched off")), "{rows:?}");
    assert!(rows.iter().any(|row| row.detail.contains("not the passkey of user-editor")), "{rows:?}");
}

#[tokio::test]
async fn a_copy_is_told_where_its_person_sees_it() {
    let site = Site::new().await;
    let mut editor = site.member(Role::Editor).await;
    let (mut key, _) = add(&mut editor, "laptop").await;
    alone(&site, &mut key).await.1.is(303);
    key.counter -= 1;
    let copied = alone(&site, &mut key).await.1.is(422);
    assert!(copied.body.contains("counter went back"), "{}", copied.body);
    let list = editor.get("/me/passkeys").await.is(200);
    check("suspect", &list.body);
    assert!(list.body.contains("The counter went back at"), "{}", list.body);
    let one = editor.get(&format!("/me/passkeys/{}", id_of(&site, USER, "laptop").await)).await.is(200);
    check("suspect one", &one.body);
    assert!(one.body.contains("as if there were a copy"), "{}", one.body);
}

#[tokio::test]
async fn an_address_is_no_name_and_the_pages_say_what_to_do() {
    let site = Site::new().await;
    let mut editor = site.member(Role::Editor).await;
    add(&mut editor, "laptop").await;
    for host in ["192.0.2.1:3636", "[2001:db8::1]:3636"] {
        editor.host = host;
        let page = editor.get("/me/passkeys").await.is(200);
        check(host, &page.body);
        assert!(
            page.body.contains("opened by an address") && !page.body.contains("data-begin"),
            "{}",
            page.body
        );
        assert!(page.body.contains("For console.example"), "{}", page.body);
        let refused = begin(&mut editor, "phone").await.is(422);
        assert!(
            refused.json()["wrong"].as_str().unwrap().contains("opened by an address"),
            "{}",
            refused.body
        );
        let mut visitor = Browser::new(&site);
        visitor.host = host;
        let login = visitor.get("/login").await.is(200);
        check(host, &login.body);
        assert!(
            login.body.contains("opened by an address") && !login.body.contains("data-begin"),
            "{}",
            login.body
        );
        visitor.post("/login/passkey/begin", &[]).await.is(422);
        let mut half = password(&site, USER).await;
        half.host = host;
        let code = half.get("/login/code").await.is(200);
        check(host, &code.body);
        assert!(code.body.contains("opened by an address"), "{}", code.body);
    }
}

#[tokio::test]
async fn whoever_must_have_a_second_factor_may_add_a_passkey() {
    let site = Site::new().await;
    let mut editor = site.member(Role::Editor).await;
    site.console.require_second_factor(&Actor::local(), Some(Role::Editor)).await.unwrap();
    assert_eq!(editor.get("/").await.is(303).location(), "/me/second-factor");
    let demanded = editor.get("/me/second-factor").await.is(200);
    assert!(demanded.body.contains("demands a second factor"), "{}", demanded.body);
    let (mut key, done) = add(&mut editor, "laptop").await;
    done.is(200);
    editor.get("/").await.is(200);
    let (mut entered, answer) = alone(&site, &mut key).await;
    answer.is(303);
    entered.get("/").await.is(200);
}

#[tokio::test]
async fn automation_lists_and_removes_them() {
    let site = Site::new().await;
    let mut editor = site.member(Role::Editor).await;
    let (mut key, _) = add(&mut editor, "laptop").await;
    let robot = site.robot(Role::Admin).await;
    let path = "/accounts/user-editor/passkeys";
    let list = robot.get(path).await.is(200).json();
    let one = &list["items"][0];
    assert_eq!((&one["name"], &one["host"]), (&"laptop".into(), &"console.example".into()), "{list}");
    assert_eq!((&one["last_used"], list["items"].as_array().unwrap().len()), (&Value::Null, 1));
    robot.get("/accounts/nobody/passkeys").await.is(404);
    assert_eq!(robot.get("/accounts/user-editor").await.json()["second_factor"], true);
    let item = format!("{path}/{}", one["id"].as_str().unwrap());
    robot.ask("DELETE", &format!("{item}?dry_run=true"), None, None).await.is(200);
    site.robot(Role::Approver).await.ask("DELETE", &item, None, None).await.is(403);
    robot.ask("DELETE", &item, None, None).await.is(204);
    robot.ask("DELETE", &item, None, None).await.is(404);
    robot.ask("DELETE", &format!("{item}?dry_run=true"), None, None).await.is(404);
    assert_eq!(robot.get("/accounts/user-editor").await.json()["second_factor"], false);
    editor.get("/me").await.is(303);
    alone(&site, &mut key).await.1.is(422);
}

#[tokio::test]
async fn an_administrator_sees_and_removes_those_of_others() {
    let site = &Site::new().await;
    let mut editor = site.member(Role::Editor).await;
    add(&mut editor, "lost phone").await.1.is(200);
    let id = id_of(site, USER, "lost phone").await;
    let page = format!("/admin/accounts/{USER}");
    let one = format!("{page}/passkeys/{id}");
    let mut admin = site.member(Role::Admin).await;
    let shown = admin.get(&page).await.is(200).body;
    check("account", &shown);
    assert!(shown.contains("lost phone") && shown.contains(&one), "{shown}");
    let asked = admin.get(&one).await.is(200).body;
    check("passkey of others", &asked);
    assert!(asked.contains(&format!("Remove the passkey lost phone of {USER}?")), "{asked}");
    let done = admin.post(&one, &[]).await.is(303);
    assert_eq!(done.location(), format!("{page}?done=passkey-removed"));
    assert!(!admin.get(&page).await.is(200).body.contains("lost phone"));
    admin.get(&one).await.is(404);
    admin.post(&one, &[]).await.is(404);
    assert_eq!(log(site, "passkey.remove").await.len(), 1);
    // Its person's sessions have ended with it.
    editor.get("/me").await.is(303);
}
