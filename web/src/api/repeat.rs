//! `Idempotency-Key`: a POST that is sent again because its answer was lost is answered again instead of done again.
//!
//! Kept for 24 hours by token and key, with a digest of the request; only what was done is kept. A request that was
//! refused did nothing and may be repeated as it is. An answer with a secret is not kept (secrets are in the database
//! only as hashes): the repetition is told so.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use console::{Actor, Begun, KeptAnswer};
use sha2::{Digest as _, Sha256};

use super::operation::Operation;
use crate::App;
use crate::error::Error;
use crate::guard::{Caller, Check, Payload};

/// Characters of a key at most.
const LONGEST: usize = 255;
/// Bytes of an answer that is kept at most.
const LARGEST: usize = 16 * 1024 * 1024;
const KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Headers of an answer that are part of it.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];

/// The key of a request, where it has one that means something.
fn key(request: &Request) -> Result<Option<String>, Error> {
    if *request.method() != Method::POST {
        return Ok(None);
    }
    let Some(value) = request.headers().get(KEY) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let fits = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    let wrong = format!("Idempotency-Key: 1 to {LONGEST} visible ASCII characters are expected");
    if fits { Ok(Some(text.to_owned())) } else { Err(Error::Malformed(wrong)) }
}

/// Runs the handler, unless the same request with the same key was answered before.
pub(crate) async fn run(check: &Check, request: Request, next: Next) -> Response {
    let key = match key(&request) {
        Ok(key) => key,
        Err(error) => return error.into_response(),
    };
    let caller = request.extensions().get::<Caller>().map(|caller| caller.actor.clone());
    match (key, caller, &check.operation) {
        (Some(key), Some(actor), Some(operation)) => once(&check.app, operation, &actor, &key, request, next)
            .await
            .unwrap_or_else(|error| error.into_response()),
        _ => next.run(request).await,
    }
}

fn digest(request: &Request) -> String {
    let mut hash = Sha256::new();
    hash.update(request.uri().path_and_query().map_or("", |whole| whole.as_str()).as_bytes());
    hash.update([0]);
    if let Some(Payload(body)) = request.extensions().get::<Payload>() {
        hash.update(body);
    }
    hex::encode(hash.finalize())
}

async fn once(
    app: &App,
    operation: &Operation,
    actor: &Actor,
    key: &str,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    match app.console.begin_request(actor, key, &digest(&request)).await? {
        Begun::New => {}
        Begun::Busy => return Err(Error::KeyBusy),
        Begun::Other => return Err(Error::KeyReused),
        Begun::Answered(kept) => return replay(kept),
    }
    let response = next.run(request).await;
    if !response.status().is_success() {
        app.console.forget_request(actor, key).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, LARGEST).await.map_err(Error::internal)?;
    let text = |name: &HeaderName| Some(parts.headers.get(name)?.to_str().ok()?.to_owned());
    let headers = KEPT.iter().filter_map(|name| Some((name.to_string(), text(name)?))).collect();
    let body = (!operation.secret).then(|| bytes.to_vec());
    let kept = KeptAnswer { status: parts.status.as_u16(), headers, body };
    app.console.end_request(actor, key, &kept).await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn replay(kept: KeptAnswer) -> Result<Response, Error> {
    let Some(body) = kept.body else { return Err(Error::KeySpent) };
    let status = StatusCode::from_u16(kept.status).map_err(Error::internal)?;
    let mut response = (status, Body::from(body)).into_response();
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    for (name, value) in kept.headers {
        let name: HeaderName = name.parse().map_err(Error::internal)?;
        response.headers_mut().insert(name, HeaderValue::from_str(&value).map_err(Error::internal)?);
    }
    Ok(response)
}
