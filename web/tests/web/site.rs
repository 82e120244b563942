//! A console on a temporary folder with its service, and the callers that ask it.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use console::{Actor, Clock, Console, Role, Settings};
use serde_json::Value;
use tower::ServiceExt as _;

/// Long enough, and on no list.
pub(crate) const PASSWORD: &str = "correct-mule-battery-9";

/// Scenario A's file: Piranha's NAT pair.
pub(crate) const SCENARIO_A: &str = include_str!("scenario-a.cf");

pub(crate) struct Site {
    pub(crate) console: Console,
    pub(crate) router: Router,
    /// The API's own description; every answer that a robot gets is held against it.
    described: tokio::sync::OnceCell<crate::openapi::Described>,
    _folder: tempfile::TempDir,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |v| v.to_str().unwrap())
    }

    pub(crate) fn etag(&self) -> String {
        self.headers.get(header::ETAG).expect("an entity tag").to_str().unwrap().to_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{} {}", self.location(), self.body);
        self
    }
}

impl Site {
    pub(crate) async fn new() -> Self {
        Site::with_clock(Clock::system()).await
    }

    /// The same with another clock.
    pub(crate) async fn with_clock(clock: Clock) -> Self {
        Site::with_settings(clock, Settings::default()).await
    }

    /// The same, started with other settings; its folder is its own.
    pub(crate) async fn with_settings(clock: Clock, settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { data: folder.path().join("data"), ..settings };
        let console = Console::open_with_clock(settings, clock).await.unwrap();
        let described = tokio::sync::OnceCell::new();
        // The tests ask faster than anybody.
        let limits = web::Limits { per_second: 1e6, at_once: 1e6 };
        Site { router: web::router_with(console.clone(), limits), console, described, _folder: folder }
    }

    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(SocketAddr::from(([192, 0, 2, 7], 4711)));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 16 * 1024 * 1024).await.unwrap();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Somebody with that role, signed in.
    pub(crate) async fn member(&self, role: Role) -> Browser<'_> {
        let user = format!("user-{role}");
        self.console.set_password(&Actor::local(), &user, PASSWORD, role).await.unwrap();
        let mut browser = Browser::new(self);
        browser.post("/login", &[("user", &user), ("password", PASSWORD)]).await.is(303);
        browser
    }

    /// Automation with a token of that role.
    pub(crate) async fn robot(&self, role: Role) -> Robot<'_> {
        let name = format!("token-{role}");
        let made = self.console.create_token(&Actor::local(), &name, role, None).await.unwrap();
        Robot { site: self, token: made.secret }
    }
}

/// A browser: keeps cookies, says where its forms come from, and fills in the form token it was given.
pub(crate) struct Browser<'a> {
    pub(crate) site: &'a Site,
    pub(crate) cookies: Vec<(String, String)>,
    pub(crate) language: &'static str,
    /// What it has in its address bar.
    pub(crate) host: &'static str,
    pub(crate) csrf: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(site: &'a Site) -> Self {
        let host = "console.example:3636";
        Browser { site, cookies: Vec::new(), language: "en", host, csrf: String::new() }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let mut builder = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path)
            .header(header::HOST, self.host)
            .header(header::ACCEPT_LANGUAGE, self.language)
            .header("sec-fetch-site", "same-origin");
        if !self.cookies.is_empty() {
            let cookies: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            builder = builder.header(header::COOKIE, cookies.join("; "));
        }
        builder
    }

    pub(crate) async fn send(&mut self, request: Request<Body>) -> Answer {
        let answer = self.site.send(request).await;
        for value in answer.headers.get_all(header::SET_COOKIE) {
            let text = value.to_str().unwrap();
            // One has to come back from another site.
            let site = if text.starts_with("__Host-caribe-flow=") { "Lax" } else { "Strict" };
            for part in ["Path=/", "Secure", "HttpOnly", &format!("SameSite={site}")] {
                assert!(text.contains(part), "{text}");
            }
            let (name, rest) = text.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.retain(|(n, _)| n != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        if let Some(token) = hidden(&answer.body, "csrf") {
            self.csrf = token;
        }
        answer
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = self.request("GET", path).body(Body::empty()).unwrap();
        self.send(request).await
    }

    /// A form without the fields that pages hide in it, sent as browsers do.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        if self.csrf.is_empty() && !self.cookies.is_empty() {
            self.get("/").await;
        }
        let token = self.csrf.clone();
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("csrf", &token)
            .extend_pairs(fields)
            .finish();
        // Scripts say where they are; a form does not, since the pages' policy sends no referrer.
        let origin =
            if path.ends_with("/begin") { format!("https://{}", self.host) } else { "null".to_owned() };
        let request = self
            .request("POST", path)
            .header(header::ORIGIN, origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        self.send(request).await
    }

    /// What a person does: open the page, change some fields of its form, press the button.
    pub(crate) async fn fill(&mut self, path: &str, changes: &[(&str, &str)]) -> Answer {
        let page = self.get(path).await.is(200);
        self.fill_in(&page.body, path, changes).await
    }

    /// The same on a page that is open: some fields of the form with that action are changed, and it is sent. A name
    /// that ends with a dot and an empty value leaves out every field that begins so.
    pub(crate) async fn fill_in(&mut self, page: &str, path: &str, changes: &[(&str, &str)]) -> Answer {
        let mut fields = crate::html::form_values(page, path);
        for (name, value) in changes {
            if name.ends_with('.') && value.is_empty() {
                fields.retain(|(n, _)| !n.starts_with(name));
                continue;
            }
            fields.retain(|(n, _)| n != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        self.post(path, &fields).await
    }
}

/// Value of the first hidden field of that name.
pub(crate) fn hidden(body: &str, name: &str) -> Option<String> {
    let at = body.find(&format!("name=\"{name}\" value=\""))?;
    let rest = body.get(at..)?;
    rest.split('"').nth(3).map(ToOwned::to_owned).filter(|v| !v.is_empty())
}

/// A program with a token.
pub(crate) struct Robot<'a> {
    pub(crate) site: &'a Site,
    pub(crate) token: String,
}

impl Robot<'_> {
    /// Asks below `/api/v1`.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        tag: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        self.ask_at(method, &format!("/api/v1{path}"), tag, body).await
    }

    /// Asks at a whole path.
    pub(crate) async fn ask_at(
        &self,
        method: &str,
        path: &str,
        tag: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let mut builder = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path)
            .header(header::HOST, "console.example:3636")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        if let Some(tag) = tag {
            builder = builder.header(header::IF_MATCH, tag);
        }
        let body = match body {
            Some(value) => {
                builder = builder.header(header::CONTENT_TYPE, "application/json");
                Body::from(value.to_string())
            }
            None => Body::empty(),
        };
        let answer = self.site.send(builder.body(body).unwrap()).await;
        let described = self.site.described.get_or_init(|| crate::openapi::Described::read(self.site)).await;
        described.check((method, path), answer.status, &answer.headers, &answer.body);
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path, None, Some(body)).await
    }
}
