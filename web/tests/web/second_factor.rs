//! The second factor as people meet it: set up on their page, asked for at the login, demanded by an administrator, lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use console::{Actor, AuditEntry, Clock, Role};
use web::routes::{Needs, Surface};

use crate::authenticator::Authenticator;
use crate::html::check;
use crate::site::{Answer, Browser, PASSWORD, Site};

const USER: &str = "user-editor";

/// A site whose time the test holds.
pub(crate) struct Place {
    pub(crate) site: Site,
    now: Arc<AtomicI64>,
}

impl Place {
    pub(crate) async fn new() -> Self {
        let now = Arc::new(AtomicI64::new(1_800_000_000));
        let shared = Arc::clone(&now);
        let clock = Clock::from_fn(move || shared.load(Ordering::SeqCst));
        Place { site: Site::with_clock(clock).await, now }
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    /// A code that was not used yet: each is good once, so time passes first.
    fn code(&self, app: &Authenticator) -> String {
        self.pass(30);
        app.code(self.now.load(Ordering::SeqCst))
    }

    async fn log(&self, action: &str) -> Vec<AuditEntry> {
        let log = self.site.console.audit(&Actor::local(), None, None, 500).await.unwrap();
        log.into_iter().filter(|row| row.action == action).collect()
    }
}

/// What stands between the tags of an element.
fn shown(page: &Answer, id: &str) -> String {
    let start = page.body.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("{id}: {}", page.body));
    let rest = &page.body[start..];
    rest[rest.find('>').unwrap() + 1..rest.find('<').unwrap()].to_owned()
}

/// Sets up a second factor for whoever is signed in.
async fn enrol(place: &Place, browser: &mut Browser<'_>) -> (Authenticator, Vec<String>) {
    let made = browser.fill("/me/second-factor", &[("password", PASSWORD), ("do", "begin")]).await.is(200);
    let app = Authenticator::of(&shown(&made, "secret"));
    let code = place.code(&app);
    let done = browser.fill_in(&made.body, "/me/second-factor/confirm", &[("code", &code)]).await.is(200);
    (app, shown(&done, "codes").split_whitespace().map(ToOwned::to_owned).collect())
}

/// The first step of a login.
async fn password<'a>(place: &'a Place, user: &str) -> Browser<'a> {
    let mut browser = Browser::new(&place.site);
    let form = [("user", user), ("password", PASSWORD), ("next", "/me")];
    let asked = browser.post("/login", &form).await.is(303);
    assert_eq!(asked.location(), "/login/code?next=%2Fme");
    browser
}

#[tokio::test]
async fn it_is_set_up_asked_for_and_switched_off_in_both_languages() {
    for (language, said) in [
        ("en", ["Second factor", "are left", "wrong, too old, or was used", "used up", "10 recovery codes"]),
        ("zh-CN", ["两步验证", "还剩", "已过期或已使用", "已作废", "还剩 10 个"]),
    ] {
        let place = Place::new().await;
        let mut editor = place.site.member(Role::Editor).await;
        editor.language = language;
        let me = editor.get("/me").await.is(200);
        check("me", &me.body);
        assert!(me.body.contains(said[0]) && me.body.contains("href=\"/me/second-factor\""), "{}", me.body);
        let wrong = [("password", "another-mule-battery"), ("do", "begin")];
        let refused = editor.fill("/me/second-factor", &wrong).await.is(422);
        check("a wrong password", &refused.body);
        place.pass(2);
        editor.post("/me/second-factor", &[("password", PASSWORD), ("do", "dance")]).await.is(400);

        // The picture and the key are in the page itself; a wrong first code shows them once more.
        let begin = [("password", PASSWORD), ("do", "begin")];
        let made = editor.fill("/me/second-factor", &begin).await.is(200);
        check("a new one", &made.body);
        crate::screens::keep(&format!("second-factor-new.{language}"), &made.body);
        assert!(made.body.contains("<svg class=\"qr\"") && !made.body.contains("otpauth:"), "{}", made.body);
        assert_eq!(made.headers["cache-control"], "no-store");
        let confirm = "/me/second-factor/confirm";
        let again = editor.fill_in(&made.body, confirm, &[("code", "000000")]).await.is(422);
        check("a wrong first code", &again.body);
        assert!(again.body.contains(said[2]), "{}", again.body);
        assert_eq!(shown(&again, "secret"), shown(&made, "secret"));
        place.pass(2);
        let app = Authenticator::of(&shown(&made, "secret"));
        let first = place.code(&app);
        let done = editor.fill_in(&again.body, confirm, &[("code", &first)]).await.is(200);
        check("recovery codes", &done.body);
        crate::screens::keep(&format!("recovery-codes.{language}"), &done.body);
        let codes: Vec<String> = shown(&done, "codes").split_whitespace().map(ToOwned::to_owned).collect();
        assert_eq!(codes.len(), 10);
        let state = editor.get("/me/second-factor").await.is(200);
        check("state", &state.body);
        assert!(!state.body.contains(&shown(&made, "secret")) && !state.body.contains(&codes[0]));

        // The password alone is no session.
        let mut other = password(&place, USER).await;
        other.language = language;
        assert_eq!(other.cookies.len(), 1, "{:?}", other.cookies);
        assert_eq!(other.get("/me").await.is(303).location(), "/login?next=%2Fme");
        let asked = other.get("/login/code?next=/me").await.is(200);
        check("the second step", &asked.body);
        crate::screens::keep(&format!("login-code.{language}"), &asked.body);
        let replayed = other.fill_in(&asked.body, "/login/code", &[("code", &first)]).await.is(422);
        check("a used code", &replayed.body);
        assert!(replayed.body.contains(said[2]), "{}", replayed.body);
        place.pass(2);
        let code = place.code(&app);
        let entered = other.fill_in(&replayed.body, "/login/code", &[("code", &code)]).await.is(303);
        assert_eq!(entered.location(), "/me");
        assert!(other.cookies.iter().all(|(name, _)| name == "__Host-caribe"), "{:?}", other.cookies);
        let me = other.get("/me").await.is(200);
        assert!(me.body.contains(said[4]), "{}", me.body);

        // A recovery code in its place, once.
        let mut lost = password(&place, USER).await;
        lost.language = language;
        let entered = lost.post("/login/code", &[("code", &codes[3]), ("next", "/me")]).await.is(303);
        assert_eq!(entered.location(), "/me/second-factor?done=recovery-used");
        let page = lost.get(entered.location()).await.is(200);
        check("after a recovery code", &page.body);
        for words in [said[1], said[3], "9"] {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        password(&place, USER).await.post("/login/code", &[("code", &codes[3])]).await.is(422);
        place.pass(2);

        // Other codes, and the end of it.
        let code = place.code(&app);
        let proof = [("password", PASSWORD), ("code", code.as_str()), ("do", "codes")];
        let fresh = lost.fill("/me/second-factor", &proof).await.is(200);
        assert!(!shown(&fresh, "codes").contains(&codes[5]));
        let proof = [("password", PASSWORD), ("code", "000000"), ("do", "off")];
        lost.fill("/me/second-factor", &proof).await.is(422);
        place.pass(2);
        let code = place.code(&app);
        let proof = [("password", PASSWORD), ("code", code.as_str()), ("do", "off")];
        let off = lost.fill("/me/second-factor", &proof).await.is(303);
        assert_eq!(off.location(), "/me?done=second-factor-off");
        lost.get(off.location()).await.is(200);
        other.get("/me").await.is(303);
        let mut plain = Browser::new(&place.site);
        let form = [("user", USER), ("password", PASSWORD)];
        assert_eq!(plain.post("/login", &form).await.is(303).location(), "/");
        let actions: Vec<usize> = [
            place.log("second-factor.enrol").await,
            place.log("second-factor.refused").await,
            place.log("second-factor.recovery").await,
            place.log("second-factor.codes").await,
            place.log("second-factor.remove").await,
        ]
        .map(|rows| rows.len())
        .into();
        assert_eq!(actions, [1, 4, 1, 1, 1]);
    }
}

#[tokio::test]
async fn half_a_login_ends_and_opens_nothing() {
    let place = Place::new().await;
    let mut editor = place.site.member(Role::Editor).await;
    let (app, _) = enrol(&place, &mut editor).await;
    let mut half = password(&place, USER).await;
    // Its cookie in place of a session's.
    let stolen = half.cookies[0].1.clone();
    let mut thief = Browser::new(&place.site);
    thief.cookies.push(("__Host-caribe".to_owned(), stolen));
    assert_eq!(thief.get("/me").await.is(303).location(), "/login?next=%2Fme");

    place.pass(5 * 60);
    assert_eq!(half.get("/login/code").await.is(303).location(), "/login");
    let code = place.code(&app);
    let late = half.post("/login/code", &[("code", &code), ("next", "/me")]).await.is(422);
    check("too late", &late.body);
    assert!(late.body.contains("longer than five minutes"), "{}", late.body);
    assert!(late.body.contains("action=\"/login\"") && late.body.contains("value=\"/me\""), "{}", late.body);
    // Without any first step.
    Browser::new(&place.site).post("/login/code", &[("code", &code)]).await.is(422);
    let mut elsewhere = password(&place, USER).await;
    let answer = elsewhere.post("/login/code", &[("code", &code), ("next", "//evil.example")]).await.is(303);
    assert_eq!(answer.location(), "/");
}

#[tokio::test]
async fn guessing_codes_waits_like_guessing_passwords_and_is_stopped() {
    let place = Place::new().await;
    let mut editor = place.site.member(Role::Editor).await;
    let (app, codes) = enrol(&place, &mut editor).await;
    for wait in [1, 2, 4, 8, 16, 32, 64, 128] {
        let mut other = password(&place, USER).await;
        password(&place, USER).await.post("/login/code", &[("code", "000000")]).await.is(422);
        // The right one has to wait as well, and a right password does not help.
        let now = app.code(place.now.load(Ordering::SeqCst) + 30);
        let early = other.post("/login/code", &[("code", &now)]).await.is(429);
        check("too early", &early.body);
        assert!(early.body.contains("Too many attempts"), "{wait}: {}", early.body);
        place.pass(wait);
    }
    let code = place.code(&app);
    let stopped = password(&place, USER).await.post("/login/code", &[("code", &code)]).await.is(422);
    assert!(stopped.body.contains("not taken any more"), "{}", stopped.body);
    place.pass(256);
    password(&place, USER).await.post("/login/code", &[("code", &codes[0])]).await.is(303);
}

#[tokio::test]
async fn whoever_must_have_one_does_nothing_else_before() {
    let place = Place::new().await;
    let site = &place.site;
    let mut admin = site.member(Role::Admin).await;
    let mut viewer = site.member(Role::Viewer).await;
    admin.post("/admin/settings/second-factor", &[("role", "king")]).await.is(400);
    admin.post("/admin/settings/second-factor", &[]).await.is(400);
    let set = admin.fill("/admin/settings", &[]).await;
    assert_eq!(set.status, 303, "the other form is as it was");
    admin.post("/admin/settings/second-factor", &[("role", "approver")]).await.is(303);
    viewer.get("/").await.is(200);
    let enrolment = "/me/second-factor";
    for route in web::route_table(site.console.clone()) {
        if route.surface != Surface::Pages || !matches!(route.needs, Needs::Role(_)) {
            continue;
        }
        let path = route.path.replace(['{', '}'], "");
        let answer = match route.method.as_str() {
            "GET" => admin.get(&path).await,
            _ => admin.post(&path, &[]).await,
        };
        assert_eq!((answer.status.as_u16(), answer.location()), (303, enrolment), "{path}");
    }
    let stream = admin.request("GET", "/clusters/x/live").header("accept", "text/event-stream");
    site.send(stream.body(Body::empty()).unwrap()).await.is(401);
    assert_eq!(place.log("settings.second-factor").await.len(), 1, "none of that was done");
    // Tokens have no phone.
    site.robot(Role::Admin).await.get("/accounts").await.is(200);
    let page = admin.get(enrolment).await.is(200);
    check("demanded", &page.body);
    assert!(page.body.contains("demands a second factor of your role"), "{}", page.body);
    admin.post("/look", &[("theme", "dark"), ("back", enrolment)]).await.is(303);

    let mut second = Browser::new(site);
    let form = [("user", "user-admin"), ("password", PASSWORD)];
    second.post("/login", &form).await.is(303);
    assert_eq!(second.get("/").await.is(303).location(), enrolment);
    second.get(enrolment).await.is(200);
    second.post("/logout", &[]).await.is(303);
    enrol(&place, &mut admin).await;
    admin.get("/").await.is(200);
    let shown = admin.get("/admin/settings").await.is(200);
    check("settings", &shown.body);
    assert!(shown.body.contains("<option value=\"approver\" selected>"), "{}", shown.body);
    admin.post("/admin/settings/second-factor", &[("role", "nobody")]).await.is(303);
    assert_eq!(site.console.second_factor_required().await.unwrap(), None);
}

#[tokio::test]
async fn an_administrator_takes_it_from_others_and_not_from_themselves() {
    let place = Place::new().await;
    let mut admin = place.site.member(Role::Admin).await;
    let mut editor = place.site.member(Role::Editor).await;
    enrol(&place, &mut editor).await;
    enrol(&place, &mut admin).await;
    for path in ["/admin/accounts", "/admin/accounts/user-editor", "/admin/accounts/user-admin"] {
        let page = admin.get(path).await.is(200);
        check(path, &page.body);
        let offered = page.body.contains("action=\"/admin/accounts/user-editor/second-factor\"");
        assert_eq!(offered, path.ends_with("user-editor"), "{path}: {}", page.body);
    }
    let own = admin.post("/admin/accounts/user-admin/second-factor", &[]).await.is(303);
    assert_eq!(own.location(), "/me/second-factor");
    assert!(place.log("second-factor.remove").await.is_empty());
    let done = admin.post("/admin/accounts/user-editor/second-factor", &[]).await.is(303);
    let page = admin.get(done.location()).await.is(200);
    check("removed", &page.body);
    assert!(page.body.contains("has no second factor"), "{}", page.body);
    editor.get("/me").await.is(303);

    // The same through the API, with a token.
    let mut again = Browser::new(&place.site);
    again.post("/login", &[("user", USER), ("password", PASSWORD)]).await.is(303);
    enrol(&place, &mut again).await;
    let robot = place.site.robot(Role::Admin).await;
    let before = robot.get("/accounts/user-editor").await.is(200);
    assert_eq!(before.json()["second_factor"], serde_json::json!(true));
    let path = "/accounts/user-editor/second-factor";
    robot.ask("DELETE", &format!("{path}?dry_run=true"), None, None).await.is(200);
    robot.ask("DELETE", path, None, None).await.is(204);
    robot.ask("DELETE", path, None, None).await.is(422);
    let after = robot.get("/accounts/user-editor").await.is(200);
    assert_eq!(after.json()["second_factor"], serde_json::json!(false));
    assert_ne!(before.etag(), after.etag());
    place.site.robot(Role::Approver).await.ask("DELETE", path, None, None).await.is(403);
    let rows = place.log("second-factor.remove").await;
    let who: Vec<&str> = rows.iter().map(|row| row.actor.as_str()).collect();
    assert_eq!(who, ["token/token-admin", "account/user-admin"]);
}
