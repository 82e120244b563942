//! `Link: <…>; rel="next"` (RFC 8288) on lists that come in pages: the same as `next` in the answer, for tools that
//! follow links.
//!
//! It reads the finished answer, so that no list can lack it. It changes nothing else of it. Called by `guard`.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::operation::{CURSOR, Operation};
use super::repeat;
use crate::error::Error;
use crate::guard::Check;

/// Bytes of an answer that is looked through at most: 500 of the largest items are less.
const LARGEST: usize = 64 * 1024 * 1024;

/// Of an answer, the place where its list goes on.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    next: Option<String>,
}

impl Operation {
    /// Whether it answers with a list that comes in pages.
    pub(crate) fn is_paged(&self) -> bool {
        self.query.contains(&CURSOR)
    }
}

/// Runs the handler; a list that goes on says where.
pub(crate) async fn run(check: &Check, request: Request, next: Next) -> Response {
    let paged = check.operation.as_ref().is_some_and(|operation| operation.is_paged());
    let uri = (paged && *request.method() == Method::GET).then(|| request.uri().clone());
    let response = repeat::run(check, request, next).await;
    match uri {
        Some(uri) if response.status() == StatusCode::OK => linked(&uri, response).await,
        _ => response,
    }
}

async fn linked(uri: &Uri, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = match axum::body::to_bytes(body, LARGEST).await {
        Ok(bytes) => bytes,
        Err(error) => return Error::internal(error).into_response(),
    };
    let page: Option<Page> = serde_json::from_slice(&bytes).ok();
    if let Some(next) = page.and_then(|page| page.next)
        && let Ok(link) = HeaderValue::from_str(&format!("<{}>; rel=\"next\"", following(uri, &next)))
    {
        parts.headers.insert(header::LINK, link);
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// The same address with another place to go on from.
fn following(uri: &Uri, next: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        if name != CURSOR.name {
            query.append_pair(&name, &value);
        }
    }
    format!("{}?{}", uri.path(), query.append_pair(CURSOR.name, next).finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_as_this_one_was() {
        for (uri, link) in [
            ("/api/v1/clusters", "/api/v1/clusters?cursor=61+b"),
            ("/api/v1/clusters?cursor=0&limit=3", "/api/v1/clusters?limit=3&cursor=61+b"),
            ("/x%20y?kind=a%26b%3E", "/x%20y?kind=a%26b%3E&cursor=61+b"),
        ] {
            assert_eq!(following(&uri.parse().unwrap(), "61 b"), link);
        }
    }
}
