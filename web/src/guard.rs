//! The check in front of every handler: who calls, may they, and was a form really sent by one of our pages.
//!
//! It is put there by `routes`, once per route, and cannot be left out. It also reads the body, within the route's
//! limit, so that the session's form token is looked for before any handler sees what the form says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use bytes::Bytes;
use console::{Actor, ActorKind, Role, SessionInfo};
use subtle::ConstantTimeEq;

use crate::api::{Operation, pages};
use crate::error::Error;
use crate::fields::{self, Fields};
use crate::routes::{Needs, Surface};
use crate::{AgentConnection, App};

/// The session cookie: bound to this host, sent by no other site, unreadable for scripts.
pub(crate) const COOKIE: &str = "__Host-caribe";

/// What one route asks.
#[derive(Clone)]
pub(crate) struct Check {
    pub(crate) app: App,
    pub(crate) surface: Surface,
    /// The route's path, with `{names}`.
    pub(crate) path: &'static str,
    pub(crate) needs: Needs,
    pub(crate) limit: usize,
    /// What it takes and answers; of the API alone.
    pub(crate) operation: Option<Arc<Operation>>,
}

/// Who calls; in the request from here on.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) actor: Actor,
    /// The session; none for tokens.
    pub(crate) session: Option<Arc<SessionInfo>>,
}

impl Caller {
    /// Whether a second factor is demanded of them before anything else; never of tokens.
    fn must_enrol(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.must_enrol)
    }
}

/// The body of an API request, within its limit.
#[derive(Clone)]
pub(crate) struct Payload(pub(crate) Bytes);

/// The address the request came from. Only the accept loop knows it; headers of proxies are not believed.
pub(crate) fn source(extensions: &axum::http::Extensions) -> IpAddr {
    extensions.get::<SocketAddr>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), SocketAddr::ip)
}

/// The session cookie's value.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<String> {
    CookieJar::from_headers(headers).get(COOKIE).map(|c| c.value().to_owned()).filter(|v| !v.is_empty())
}

/// Runs the check, then the handler.
pub(crate) async fn guard(State(check): State<Check>, request: Request, next: Next) -> Response {
    let checked = match check.surface {
        Surface::Pages => pages(&check, request).await,
        Surface::Api => api(&check, request).await,
        Surface::Agents => agents(&check, request).await,
    };
    match checked {
        Ok(request) if check.surface == Surface::Api => pages::run(&check, request, next).await,
        Ok(request) => next.run(request).await,
        Err(refused) => *refused,
    }
}

type Checked = Result<Request, Box<Response>>;

fn refuse(error: impl Into<Error>) -> Box<Response> {
    Box::new(error.into().into_response())
}

async fn pages(check: &Check, mut request: Request) -> Checked {
    let caller = page_caller(check, request.headers(), request.extensions()).await.map_err(refuse)?;
    let least = match check.needs {
        Needs::Role(role) => Some(role),
        Needs::Person => Some(Role::Viewer),
        Needs::Nothing => None,
        Needs::Agent => return Err(refuse(Error::NotFound)),
    };
    if let Some(role) = least {
        let Some(caller) = &caller else {
            let (method, uri) = (request.method().clone(), request.uri().clone());
            return Err(to_login(check, request.headers(), &method, &uri).await);
        };
        if check.needs != Needs::Person && caller.must_enrol() {
            return Err(to_enrolment(request.headers()));
        }
        if !caller.actor.may(role) {
            return Err(refuse(Error::Forbidden(role)));
        }
    }
    if !is_safe(request.method()) {
        let fields = read_form(check, &mut request).await.map_err(refuse)?;
        let session = caller.as_ref().and_then(|c| c.session.as_deref());
        if let (Some(_), Some(session)) = (least, session) {
            own_form(session, request.headers(), &fields).map_err(refuse)?;
        }
        request.extensions_mut().insert(Arc::new(fields));
    }
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    Ok(request)
}

async fn page_caller(
    check: &Check,
    headers: &HeaderMap,
    extensions: &axum::http::Extensions,
) -> Result<Option<Caller>, Error> {
    let Some(cookie) = cookie(headers) else { return Ok(None) };
    let Some(mut info) = check.app.console.session(&cookie).await? else { return Ok(None) };
    info.actor = info.actor.from_address(source(extensions));
    Ok(Some(Caller { actor: info.actor.clone(), session: Some(Arc::new(info)) }))
}

/// Without a session a page leads to the login, or to the setup while nobody can log in; a stream simply ends.
async fn to_login(check: &Check, headers: &HeaderMap, method: &Method, uri: &Uri) -> Box<Response> {
    if is_stream(headers) {
        return refuse(Error::Unauthenticated);
    }
    let to = match check.app.console.has_accounts().await {
        Ok(false) => "/setup".to_owned(),
        Ok(true) if is_safe(method) => login_path(uri),
        Ok(true) => "/login".to_owned(),
        Err(failure) => return refuse(failure),
    };
    Box::new(Redirect::to(&to).into_response())
}

/// Where a second factor is demanded and there is none, every page leads to where it is set up.
fn to_enrolment(headers: &HeaderMap) -> Box<Response> {
    if is_stream(headers) {
        return refuse(Error::Unauthenticated);
    }
    Box::new(Redirect::to("/me/second-factor").into_response())
}

fn is_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|a| a.to_str().ok());
    accept.is_some_and(|a| a.contains("text/event-stream"))
}

/// The login that leads back to where one wanted to go.
fn login_path(uri: &Uri) -> String {
    match uri.path() {
        "/" => "/login".to_owned(),
        path => {
            let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
            format!("/login?next={next}")
        }
    }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

async fn read_form(check: &Check, request: &mut Request) -> Result<Fields, Error> {
    let body = std::mem::take(request.body_mut());
    let bytes = read(body, request.headers(), check.limit).await?;
    fields::parse(request.headers(), bytes).await
}

/// A form counts only if it carries the session's token, and if the browser says where it came from: the layer in
/// `layers` lets requests without that information pass, for the API's sake.
fn own_form(session: &SessionInfo, headers: &HeaderMap, fields: &Fields) -> Result<(), Error> {
    let says_origin = headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN);
    let header = headers.get("x-csrf-token").and_then(|v| v.to_str().ok());
    let token = header.unwrap_or_else(|| fields.get("csrf"));
    let same: bool = token.as_bytes().ct_eq(session.csrf_token.as_bytes()).into();
    if says_origin && same && !token.is_empty() { Ok(()) } else { Err(Error::ForeignForm) }
}

async fn api(check: &Check, mut request: Request) -> Checked {
    match check.needs {
        Needs::Nothing => {
            asked(check, &request).map_err(refuse)?;
            return Ok(request);
        }
        Needs::Person | Needs::Agent => return Err(refuse(Error::NotFound)),
        Needs::Role(role) => {
            let actor = bearer(check, request.headers(), request.extensions()).await.map_err(refuse)?;
            if !actor.may(role) {
                return Err(refuse(Error::Forbidden(role)));
            }
            if let Some(only) = &actor.cluster
                && !reaches(check, request.uri().path(), only).await.map_err(refuse)?
            {
                return Err(refuse(Error::Limited));
            }
            check.app.pace.take(&actor.name).map_err(refuse)?;
            asked(check, &request).map_err(refuse)?;
            request.extensions_mut().insert(Caller { actor, session: None });
        }
    }
    if !is_safe(request.method()) {
        let body = std::mem::take(request.body_mut());
        let bytes = read(body, request.headers(), check.limit).await.map_err(refuse)?;
        if !bytes.is_empty() && !is_json(request.headers()) {
            return Err(refuse(Error::MediaType));
        }
        request.extensions_mut().insert(Payload(bytes));
    }
    Ok(request)
}

/// The request asks what its route can answer.
fn asked(check: &Check, request: &Request) -> Result<(), Error> {
    match &check.operation {
        Some(operation) => operation.check(request.uri().query().unwrap_or_default(), request.headers()),
        None => Ok(()),
    }
}

/// Whether a token for one cluster may ask for that path: what is of this cluster, and the list of clusters.
async fn reaches(check: &Check, path: &str, only: &str) -> Result<bool, Error> {
    let mut parts = check.path.split('/').zip(path.split('/'));
    let Some((_, key)) = parts.find(|(name, _)| *name == "{cluster}") else {
        // Lists that show only what is of that cluster, who asks, and what one may.
        let lists = ["/api/v1/alerts", "/api/v1/clusters", "/api/v1/me", "/api/v1/roles", "/metrics"];
        return Ok(lists.contains(&check.path) && check.needs == Needs::Role(console::Role::Viewer));
    };
    // A segment of a path as a form would carry it.
    let escaped = format!("key={}", key.replace('+', "%2B").replace('&', "%26"));
    let key = form_urlencoded::parse(escaped.as_bytes()).next().map(|(_, key)| key.into_owned());
    Ok(check.app.console.cluster_id(&key.unwrap_or_default()).await?.as_deref() == Some(only))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json") || kind.eq_ignore_ascii_case("application/merge-patch+json")
}

async fn bearer(
    check: &Check,
    headers: &HeaderMap,
    extensions: &axum::http::Extensions,
) -> Result<Actor, Error> {
    let value = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let (scheme, token) = value.and_then(|v| v.split_once(' ')).ok_or(Error::Unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Error::Unauthenticated);
    }
    let actor = check.app.console.bearer(token.trim()).await?.ok_or(Error::Unauthenticated)?;
    debug_assert_eq!(actor.kind, ActorKind::Token);
    Ok(actor.from_address(source(extensions)))
}

async fn agents(check: &Check, mut request: Request) -> Checked {
    // On a browser's connection these paths do not exist.
    if request.extensions().get::<AgentConnection>().is_none() || check.needs != Needs::Agent {
        return Err(refuse(Error::NotFound));
    }
    let body = std::mem::take(request.body_mut());
    let bytes = read(body, request.headers(), check.limit).await.map_err(refuse)?;
    request.extensions_mut().insert(Payload(bytes));
    Ok(request)
}

/// The body, or an error as soon as it is known to be too long.
async fn read(body: Body, headers: &HeaderMap, limit: usize) -> Result<Bytes, Error> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(Error::TooLarge { limit });
    }
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let long =
            std::error::Error::source(&error).is_some_and(|s| s.is::<http_body_util::LengthLimitError>());
        if long { Error::TooLarge { limit } } else { Error::Malformed("the body ended early".to_owned()) }
    })
}
