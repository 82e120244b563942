//! Forms of other sites, forms without a token, bodies that are too large, headers that every answer carries.

use axum::body::Body;
use axum::http::{Request, header};
use console::{Actor, Role};

use crate::site::{Browser, Site};

/// What is tried: its name, the body, the headers.
type Case = (&'static str, String, Vec<(&'static str, &'static str)>);

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn forms_of_other_sites_do_nothing() {
    let site = Site::new().await;
    let mut admin = site.member(Role::Admin).await;
    admin.get("/").await.is(200);
    let token = admin.csrf.clone();
    assert!(token.len() >= 20);
    let cookie = format!("{}={}", admin.cookies[0].0, admin.cookies[0].1);
    let good = format!("csrf={token}&name=planted&primary=192.0.2.1");
    let send = |body: String, headers: Vec<(&'static str, &'static str)>| {
        let mut builder = Request::builder().method("POST").uri("/clusters/new");
        builder = builder.header(header::HOST, "console.example:3636").header(header::COOKIE, &cookie);
        builder = builder.header(header::CONTENT_TYPE, FORM);
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        site.send(builder.body(Body::from(body)).unwrap())
    };
    let cases: [Case; 8] = [
        ("another site", good.clone(), vec![("sec-fetch-site", "cross-site")]),
        ("a sibling host", good.clone(), vec![("sec-fetch-site", "same-site")]),
        ("another origin", good.clone(), vec![("origin", "https://evil.example")]),
        ("an opaque origin", good.clone(), vec![("origin", "null")]),
        ("no origin at all", good.clone(), vec![]),
        ("no token", "name=planted&primary=192.0.2.1".to_owned(), vec![("sec-fetch-site", "same-origin")]),
        ("a wrong token", good.replace(&token, "x"), vec![("sec-fetch-site", "same-origin")]),
        ("an empty token", good.replace(&token, ""), vec![("sec-fetch-site", "same-origin")]),
    ];
    for (what, body, headers) in cases {
        assert_eq!(send(body, headers).await.status, 403, "{what}");
    }
    assert!(site.console.clusters().await.unwrap().is_empty());

    // The same with what a browser sends from our own page: by field, by header, and by Origin alone.
    let form = "name=one&primary=192.0.2.1".to_owned();
    assert_eq!(send(good, vec![("sec-fetch-site", "same-origin")]).await.status, 303);
    let leaked: &'static str = Box::leak(token.clone().into_boxed_str());
    let by_header = vec![("sec-fetch-site", "same-origin"), ("x-csrf-token", leaked)];
    assert_eq!(send(form, by_header).await.status, 303);
    let by_origin = format!("csrf={token}&name=two&primary=192.0.2.1");
    assert_eq!(send(by_origin, vec![("origin", "https://console.example:3636")]).await.status, 303);
    assert_eq!(site.console.clusters().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_token_of_another_session_does_nothing() {
    let site = Site::new().await;
    let mut editor = site.member(Role::Editor).await;
    editor.get("/").await.is(200);
    let stolen = editor.csrf.clone();
    let mut admin = site.member(Role::Admin).await;
    admin.get("/").await.is(200);
    assert_ne!(admin.csrf, stolen);
    admin.csrf = stolen;
    admin.post("/clusters/new", &[("name", "x"), ("primary", "192.0.2.1")]).await.is(403);
}

#[tokio::test]
async fn bodies_are_bounded_and_must_be_forms() {
    let site = Site::new().await;
    let mut admin = site.member(Role::Admin).await;
    admin.get("/").await.is(200);
    let long = "x".repeat(1024 * 1024 + 1);
    admin.post("/clusters/new", &[("name", &long)]).await.is(413);
    // An import takes more, and more than that is refused as well.
    let file = format!("primary = 192.0.2.1\n# {}", "x".repeat(1024 * 1024 + 1));
    admin.post("/import", &[("files.0.text", &file)]).await.is(200);
    admin.post("/import", &[("files.0.text", &"x".repeat(2 * 1024 * 1024))]).await.is(413);
    // Announced, not sent: refused before anything is read.
    let request = admin
        .request("POST", "/login")
        .header(header::CONTENT_TYPE, FORM)
        .header(header::CONTENT_LENGTH, "99999999999")
        .body(Body::empty())
        .unwrap();
    assert_eq!(site.send(request).await.status, 413);
    for kind in
        ["text/plain", "application/json", "multipart/form-data", "application/x-www-form-urlencodedx"]
    {
        let request = admin
            .request("POST", "/clusters/new")
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from("name=x"))
            .unwrap();
        let status = site.send(request).await.status.as_u16();
        assert!([400, 403, 415].contains(&status), "{kind}: {status}");
    }
    let many: Vec<(&str, &str)> = vec![("a", "b"); 2000];
    admin.post("/clusters/new", &many).await.is(400);
}

#[tokio::test]
async fn every_answer_carries_the_policy() {
    let site = Site::new().await;
    let mut admin = site.member(Role::Admin).await;
    let home = admin.get("/").await.is(200);
    let style =
        home.body.split('"').find(|p| p.starts_with("/static/") && p.ends_with(".css")).unwrap().to_owned();
    let mut answers = vec![("/", home)];
    for path in ["/import", "/clusters/nothing", "/nowhere", "/healthz", "/api/v1/clusters", "/api/nowhere"] {
        answers.push((path, admin.get(path).await));
    }
    answers.push(("style", admin.get(&style).await.is(200)));
    answers.push(("post", admin.post("/nowhere", &[]).await));
    let mut stranger = Browser::new(&site);
    answers.push(("login", stranger.get("/login").await));
    answers.push(("redirect", stranger.get("/").await));
    for (place, answer) in answers {
        let of = |name: &str| answer.headers.get(name).map_or("", |v| v.to_str().unwrap());
        let policy = of("content-security-policy");
        for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'"] {
            assert!(policy.contains(part), "{place}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{place}: {policy}");
        assert_eq!(of("x-content-type-options"), "nosniff", "{place}");
        assert_eq!(of("referrer-policy"), "no-referrer", "{place}");
        assert_eq!(of("cross-origin-opener-policy"), "same-origin", "{place}");
        let cached = of("cache-control");
        assert_eq!(cached.contains("immutable"), place == "style", "{place}: {cached}");
        assert_eq!(cached == "no-store", place != "style", "{place}: {cached}");
        assert!(
            answer.headers.get("server").is_none()
                && answer.headers.get("strict-transport-security").is_none()
        );
    }
}

#[tokio::test]
async fn strange_paths_and_headers_are_answered() {
    let site = Site::new().await;
    let mut admin = site.member(Role::Admin).await;
    for path in [
        "/static/../etc/passwd",
        "/static/%2e%2e/%2e%2e",
        "/clusters/..;/",
        "/clusters/%2e%2e%2f%2e%2e",
        "/clusters/a/virtual-servers/%00",
        "/clusters/%E4%B8%AD/virtual-servers/%0a",
        "//",
        "/;a=b",
        "/clusters/x/revisions/18446744073709551616",
        "/clusters/x/revisions/-1",
        "/LOGIN",
    ] {
        let status = admin.get(path).await.status.as_u16();
        assert!([303, 404].contains(&status), "{path}: {status}");
    }
    for (name, value) in [
        ("authorization", "Basic \u{e9}\u{e9}"),
        ("authorization", "Bearer"),
        ("cookie", "__Host-caribe=%00; __Host-caribe=x; =; ;;"),
        ("host", "evil\"><script>"),
        ("user-agent", "'; drop table accounts"),
        ("accept-language", "zh;q=NaN,en;q=1e999,*;q=-1"),
        ("connection", "cookie, authorization"),
    ] {
        let request = Request::builder().uri("/").header(name, value.as_bytes()).body(Body::empty()).unwrap();
        assert_eq!(site.send(request).await.status, 303, "{name}: {value}");
    }
}

#[tokio::test]
async fn names_are_text_wherever_they_appear() {
    let site = Site::new().await;
    let mut admin = site.member(Role::Admin).await;
    let nasty = "<img src=x onerror=alert(1)>&";
    let made = admin.post("/clusters/new", &[("name", nasty), ("primary", "192.0.2.1")]).await.is(303);
    let base = made.location().split("/virtual").next().unwrap().to_owned();
    for path in ["/", &base, &format!("{base}/changes"), &format!("{base}/delete")] {
        let page = admin.get(path).await.is(200);
        crate::html::check(path, &page.body);
        assert!(page.body.contains("&#60;img src=x") && !page.body.contains("<img"), "{path}");
    }
    assert!(site.console.clusters().await.unwrap().iter().any(|c| c.name == nasty));
}

#[tokio::test]
async fn agents_are_met_on_their_own_connections_only() {
    let site = Site::new().await;
    let ask = |agent: bool, path: &str, body: &str| {
        let mut request = Request::builder()
            .method(if path.ends_with("target") { "GET" } else { "POST" })
            .uri(path)
            .body(Body::from(body.to_owned()))
            .unwrap();
        if agent {
            request.extensions_mut().insert(web::AgentConnection);
        }
        site.send(request)
    };
    let join = r#"{"token":"x","csr":"x","listen_port":3637,"version":"0"}"#;
    assert_eq!(ask(false, "/agent/v1/join", join).await.status, 404);
    let refused = ask(true, "/agent/v1/join", join).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert_eq!(refused.json()["refused"], "token");
    assert_eq!(ask(true, "/agent/v1/join", "{").await.is(400).json()["refused"], "malformed");
    assert_eq!(ask(true, "/agent/v1/join", &"x".repeat(70_000)).await.status, 413);
    // Without a certificate nobody is anybody.
    for path in ["/agent/v1/target", "/agent/v1/renew"] {
        assert_eq!(ask(true, path, r#"{"csr":"x"}"#).await.is(403).json()["refused"], "identity");
    }
    let entries = site.console.audit(&Actor::local(), None, None, 10).await.unwrap();
    assert!(entries.iter().all(|row| row.action != "director.join"), "{entries:?}");
}
