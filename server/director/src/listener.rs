//! What the agent answers over HTTPS: a target to take or show, drift to repair, its status, and the stream. Only to
//! the console.
//!
//! The handshake has already demanded a certificate of the internal CA; whose it is, is checked here on every
//! request and before a body is read: another director's certificate gets nothing. Refusals are JSON. The accept loop
//! is the binary's; it puts the peer's certificate chain and address into the request.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{Extensions, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use lvs::table::{ServerKey, ServiceKey};
use lvs::wire::{
    Applied, CheckKey, CheckNow, CheckStatus, CheckTry, CheckedNow, Checks, OrderRequest, OrdersPush,
    OrdersTaken, Refusal, RepairRequest, Status, Target, Testimony, console_uri,
};
use rustls::pki_types::CertificateDer;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::agent::Shared;
use crate::certificate::Facts;
use crate::documents;
use crate::intake::invalid;
use crate::stream;
use crate::worker::Message;

/// The largest target that is read: 16 MiB, several times a cluster of 1,000 services with 10 real servers each.
pub const BODY_LIMIT: usize = 16 << 20;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/target", put(take).get(held))
        .route("/v1/repair", post(repair))
        .route("/v1/order", post(order))
        .route("/v1/status", get(status))
        .route("/v1/testimony", get(testimony))
        .route("/v1/stream", get(listen))
        .route("/v1/orders", put(orders))
        .route("/v1/checks", get(checks))
        .route("/v1/check-now", post(check_now))
        .route("/v1/check-try", post(check_try))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn(only_what_can_be_read))
        .layer(from_fn_with_state(shared.clone(), only_the_console))
        .with_state(shared)
}

async fn only_the_console(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match is_console(request.extensions(), &shared.identity.installation) {
        Ok(()) => next.run(request).await,
        Err(detail) => {
            let peer = request.extensions().get::<SocketAddr>().map(SocketAddr::to_string);
            tracing::warn!(peer, method = %request.method(), path = request.uri().path(), reason = %detail, "refused");
            refuse(StatusCode::FORBIDDEN, Refusal::Identity { detail })
        }
    }
}

/// Refuses a body by its announced length, instead of reading on until the limit, or waiting for what never comes.
async fn only_what_can_be_read(request: Request, next: Next) -> Response {
    let announced = request.body().size_hint().lower();
    if announced > BODY_LIMIT as u64 {
        let detail = format!("{announced} bytes are announced, at most {BODY_LIMIT} are read");
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, Refusal::Malformed { detail });
    }
    next.run(request).await
}

/// Whether the peer's certificate is the console's, else whose it is.
fn is_console(extensions: &Extensions, installation: &str) -> Result<(), String> {
    let expected = console_uri(installation);
    let leaf = extensions
        .get::<Arc<[CertificateDer<'static>]>>()
        .and_then(|chain| chain.first())
        .ok_or_else(|| format!("no client certificate; {expected} was expected"))?;
    let facts = Facts::of(leaf).map_err(|error| error.to_string())?;
    match facts.caribe_name() {
        Ok(name) if name == expected => Ok(()),
        Ok(name) => {
            Err(format!("the certificate (serial {}) is {name}'s; {expected} was expected", facts.serial))
        }
        Err(error) => Err(format!("{error}; {expected} was expected")),
    }
}

async fn take(State(shared): State<Arc<Shared>>, body: Result<Bytes, BytesRejection>) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => {
            return refuse(rejection.status(), Refusal::Malformed { detail: rejection.body_text() });
        }
    };
    match shared.receive(body).await {
        Ok(applied) => Json::<Applied>(applied).into_response(),
        Err(refusal) => refuse(status_of(&refusal), refusal),
    }
}

/// The configuration that is held, for a console that does not know it.
async fn held(State(shared): State<Arc<Shared>>) -> Response {
    let folder = shared.folder.clone();
    let read = tokio::task::spawn_blocking(move || documents::held_target(&folder)).await;
    match read.ok().flatten() {
        // The console knows its own keys; nobody else is to learn them here.
        Some(target) => Json(Target { heartbeat: None, ..target }).into_response(),
        None => {
            let detail = "no configuration is held here, or it cannot be read".to_owned();
            refuse(StatusCode::NOT_FOUND, Refusal::Failed { detail })
        }
    }
}

async fn repair(State(shared): State<Arc<Shared>>, body: Result<Bytes, BytesRejection>) -> Response {
    let request = match read::<RepairRequest>(body) {
        Ok(request) => request,
        Err(refusal) => return refuse(StatusCode::BAD_REQUEST, refusal),
    };
    match shared.repair(request).await {
        Ok(applied) => Json::<Applied>(applied).into_response(),
        Err(refusal) => refuse(status_of(&refusal), refusal),
    }
}

async fn order(State(shared): State<Arc<Shared>>, body: Result<Bytes, BytesRejection>) -> Response {
    let request = match read::<OrderRequest>(body) {
        Ok(request) => request,
        Err(refusal) => return refuse(StatusCode::BAD_REQUEST, refusal),
    };
    match shared.order(request).await {
        Ok(()) => Json::<Status>(shared.board.status()).into_response(),
        Err(refusal) => refuse(status_of(&refusal), refusal),
    }
}

/// A body of JSON.
fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Refusal> {
    body.map_err(|rejection| rejection.body_text())
        .and_then(|body| serde_json::from_slice(&body).map_err(|error| error.to_string()))
        .map_err(|detail| Refusal::Malformed { detail })
}

/// Orders for real servers, beside the configuration.
async fn orders(State(shared): State<Arc<Shared>>, body: Result<Bytes, BytesRejection>) -> Response {
    let push = match read::<OrdersPush>(body) {
        Ok(push) => push,
        Err(refusal) => return refuse(StatusCode::BAD_REQUEST, refusal),
    };
    match shared.take_orders(push).await {
        Ok(taken) => Json::<OrdersTaken>(taken).into_response(),
        Err(refusal) => refuse(status_of(&refusal), refusal),
    }
}

/// All about all real servers, or about one.
async fn checks(
    State(shared): State<Arc<Shared>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let wanted = match wanted {
        Ok(Query(wanted)) => wanted,
        Err(rejection) => {
            return refuse(rejection.status(), Refusal::Malformed { detail: rejection.body_text() });
        }
    };
    let Wanted { service: Some(service), server: Some(server), sorry } = wanted else {
        return Json::<Checks>(shared.board.statuses().whole()).into_response();
    };
    let nanny = shared.nanny.clone();
    let key = CheckKey { service, server, sorry };
    let status = tokio::task::spawn_blocking(move || nanny.status(&key)).await;
    match status.ok().flatten() {
        Some(status) => Json::<CheckStatus>(status).into_response(),
        None => not_checked(&key),
    }
}

/// Whom `GET /v1/checks` is about; all where nobody is named.
#[derive(Deserialize)]
struct Wanted {
    service: Option<ServiceKey>,
    server: Option<ServerKey>,
    #[serde(default)]
    sorry: bool,
}

/// Asks one real server at once.
async fn check_now(State(shared): State<Arc<Shared>>, body: Result<Bytes, BytesRejection>) -> Response {
    let CheckNow { key } = match read::<CheckNow>(body) {
        Ok(request) => request,
        Err(refusal) => return refuse(StatusCode::BAD_REQUEST, refusal),
    };
    match shared.nanny.check_now(&key).await {
        Some(answers) => Json::<CheckedNow>(answers).into_response(),
        None => not_checked(&key),
    }
}

/// Asks what is not configured, once.
async fn check_try(State(shared): State<Arc<Shared>>, body: Result<Bytes, BytesRejection>) -> Response {
    let asked = match read::<CheckTry>(body) {
        Ok(asked) => asked,
        Err(refusal) => return refuse(StatusCode::BAD_REQUEST, refusal),
    };
    match asked.validate() {
        Ok(cluster) => Json::<CheckedNow>(shared.nanny.check_try(&cluster).await).into_response(),
        Err(findings) => {
            let refusal = invalid(&findings);
            refuse(status_of(&refusal), refusal)
        }
    }
}

fn not_checked(key: &CheckKey) -> Response {
    let detail = format!("{} of {} is not checked here", key.server, key.service);
    refuse(StatusCode::NOT_FOUND, Refusal::Failed { detail })
}

/// What the heartbeat thread says at this moment, for a console that is asked by the partner.
async fn testimony(State(shared): State<Arc<Shared>>) -> Response {
    let heart = shared.heart.clone();
    let said = tokio::task::spawn_blocking(move || heart.testimony()).await;
    match said.ok().flatten() {
        Some(said) => Json::<Testimony>(said).into_response(),
        None => {
            let detail = "the heartbeat thread says nothing".to_owned();
            refuse(StatusCode::SERVICE_UNAVAILABLE, Refusal::Failed { detail })
        }
    }
}

async fn status(State(shared): State<Arc<Shared>>) -> Json<Status> {
    Json(shared.board.status())
}

/// What a listener of the stream says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Listener {
    /// The newest entry of the journal that it has.
    after: u64,
}

async fn listen(
    State(shared): State<Arc<Shared>>,
    listener: Result<Query<Listener>, QueryRejection>,
) -> Response {
    let view = match listener {
        Ok(Query(Listener { after })) => shared.board.view(after),
        Err(rejection) => {
            return refuse(StatusCode::BAD_REQUEST, Refusal::Malformed { detail: rejection.body_text() });
        }
    };
    // A worker that is not there (any more) sends no counters; the stream says so by ending.
    let _ = shared.inbox.send(Message::Listening);
    let body = Body::from_stream(stream::lines(view, shared.rhythm.alive));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn unknown(uri: Uri) -> Response {
    refuse(StatusCode::NOT_FOUND, Refusal::Malformed { detail: format!("there is no {}", uri.path()) })
}

async fn wrong_method(method: Method, uri: Uri) -> Response {
    let detail = format!("{} does not take {method}", uri.path());
    refuse(StatusCode::METHOD_NOT_ALLOWED, Refusal::Malformed { detail })
}

fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Malformed { .. } => StatusCode::BAD_REQUEST,
        Refusal::WrongDirector { .. }
        | Refusal::OlderRevision { .. }
        | Refusal::OtherContent { .. }
        | Refusal::Order { .. } => StatusCode::CONFLICT,
        Refusal::Digest | Refusal::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Identity { .. } | Refusal::Token { .. } => StatusCode::FORBIDDEN,
        Refusal::Failed { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn refuse(status: StatusCode, refusal: Refusal) -> Response {
    (status, Json(refusal)).into_response()
}
