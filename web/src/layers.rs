//! Everything that happens to every request and answer, in one place and in this order (outermost first):
//!
//! 0. `leftover`: what nobody read of a request's body is read before its answer goes out.
//! 1. `named`: every request has a name, which stands in the log, in its answer and in problems.
//! 2. `secure_headers`: also answers of the layers below must carry them.
//! 3. `answer_errors`: turns an error into a page or a problem; outside of the rest, so that theirs look the same.
//! 4. `survive`: time limit and panic catcher; inside, so that their errors are answered.
//! 5. `same_origin`: a form of another site is refused before anything looks at its cookies.
//!
//! Body limits and the form token belong to a route and are in `guard`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use futures_util::FutureExt as _;
use tower_http::csrf::CsrfLayer;
use tracing::Instrument as _;

use crate::App;
use crate::api::problem;
use crate::error::Error;
use crate::leftover;
use crate::page::Page;
use crate::visit::Visit;

/// Scripts, styles and streams come from here and nowhere else; nothing inline, nothing evaluated.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; \
    object-src 'none'";

/// Longer than the slowest honest answer (an activation waits for two directors), shorter than a browser's patience.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Headers that every answer carries.
///
/// No HSTS yet: with the certificate made at first start it would lock people out (a browser allows no exception
/// under HSTS). It belongs to the day a trusted certificate is installed.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), \
         publickey-credentials-create=(self), publickey-credentials-get=(self)",
    ),
];

/// Names a request, in its answer and in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The name of a request, as the caller or this console gave it.
#[derive(Clone)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

/// Every request has a name: the caller's, where it is fit for a log, else one that is made here.
async fn named(mut request: Request, next: Next) -> Response {
    let fits = |text: &&str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let given = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok()).filter(fits);
    let id: Arc<str> = given.map_or_else(|| crate::error::incident().into(), Into::into);
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    let span =
        tracing::info_span!("request", id = %id, method = %request.method(), path = request.uri().path());
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

pub(crate) fn wrap(router: Router, app: App) -> Router {
    router
        // Limits are the routes' own (`guard`); this one would only hide them behind a smaller number.
        .layer(DefaultBodyLimit::disable())
        .layer(CsrfLayer::new().with_rejection_response(|_| Error::ForeignForm.into_response()))
        .layer(middleware::from_fn(survive))
        .layer(middleware::from_fn_with_state(app, answer_errors))
        .layer(middleware::from_fn(secure_headers))
        .layer(middleware::from_fn(named))
        .layer(middleware::from_fn(leftover::read_out))
}

async fn secure_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Everything but the named static files may hold what only this person may see.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn survive(request: Request, next: Next) -> Response {
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(TIME_LIMIT, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let what = panic
                .downcast_ref::<&str>()
                .map(|s| (*s).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "panic without words".to_owned());
            Error::internal(format!("panic: {what}")).into_response()
        }
        Err(_) => Error::Timeout.into_response(),
    }
}

/// The page of an error.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    p: Page,
    code: &'static str,
    detail: String,
    id: Option<String>,
}

async fn answer_errors(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut visit = Visit::new(app.console.clone(), &parts);
    let place = parts.uri.path();
    let for_machines = place.starts_with("/api/") || place.starts_with("/agent/") || place == "/metrics";
    let is_head = parts.method == Method::HEAD;
    let cookie = crate::guard::cookie(&parts.headers);
    let name = parts.extensions.get::<RequestId>().map(|name| Arc::clone(&name.0));
    let otherwise = crate::visit::locale_of(&parts.headers, None).language;
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let error = response.extensions_mut().remove::<Arc<Error>>();
    // What the router itself refuses has no words of ours: names in a path that are no text.
    let refused = visit.path.starts_with("/api/")
        && response.status() == StatusCode::BAD_REQUEST
        && !is_problem(&response);
    let unreadable = || Arc::new(Error::Malformed("the path cannot be read".to_owned()));
    let Some(error) = error.or_else(|| refused.then(unreadable)) else { return response };
    if for_machines {
        return problem::answer(&error, otherwise, &visit.path, name.as_deref());
    }
    // The guard has looked the session up for the handler; the error page needs its frame again.
    if let Some(cookie) = cookie
        && let Ok(Some(session)) = app.console.session(&cookie).await
    {
        visit = visit.known(session, otherwise);
    }
    let mut answer = page(&visit, &error);
    if is_head {
        *answer.body_mut() = axum::body::Body::empty();
    }
    answer
}

fn is_problem(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json")
}

fn page(visit: &Visit, error: &Error) -> Response {
    let status = error.status();
    let locale = visit.locale;
    let id = match error {
        Error::Internal { id } => Some(id.clone()),
        _ => None,
    };
    let title = locale.say(format!("problem-title-{}", status.as_u16()));
    let page = ErrorPage {
        p: Page::new(visit, title).narrow(),
        code: error.code(),
        detail: error.detail(locale),
        id,
    };
    let response = match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(cause) => {
            tracing::error!(%cause, "the error page could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "internal error\n").into_response()
        }
    };
    crate::page::keep_address(response)
}
