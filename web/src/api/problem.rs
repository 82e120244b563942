//! Errors of the API as problem+json (RFC 9457): `title` in English, `detail` in the language asked for.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde_json::{Value, json};

use crate::error::{Error, FieldProblem};
use crate::text::Language;

/// What the document says of a problem. Some kinds have more members (`by`, `revision`, `mine`, `theirs`,
/// `conflicts`, `incident`).
#[derive(JsonSchema)]
// Only described; what is sent is put together below.
#[allow(dead_code)]
pub(super) struct Problem {
    /// Stable name of the kind: `urn:caribe:problem:CODE`.
    r#type: String,
    /// In English.
    title: String,
    status: u16,
    /// In the language asked for.
    detail: String,
    /// The path that was asked.
    instance: String,
    /// Stable word.
    code: String,
    /// Names the request in the console's log.
    request_id: Option<String>,
    /// What is wrong in the body, place by place.
    #[serde(default)]
    errors: Vec<ProblemField>,
    /// Of 412: the entity tag it has now.
    etag: Option<String>,
    /// Of 409 and 412: who changed it.
    by: Option<String>,
}

/// One place of a body that cannot be taken.
#[derive(JsonSchema)]
#[allow(dead_code)]
struct ProblemField {
    /// JSON pointer (RFC 6901) into the body.
    pointer: String,
    /// Stable word.
    code: String,
    /// In English.
    message: String,
}

/// The whole answer to a request that failed.
pub(crate) fn answer(error: &Error, language: Language, path: &str, request: Option<&str>) -> Response {
    let status = error.status();
    let mut body = body(error, language, path);
    if let (Some(body), Some(request)) = (body.as_object_mut(), request) {
        body.insert("request_id".to_owned(), json!(request));
    }
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    let mut add = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    match error {
        Error::Unauthenticated => add(header::WWW_AUTHENTICATE, "Bearer realm=\"caribe\""),
        Error::Stale { etag, .. } => add(header::ETAG, &super::quoted(etag)),
        Error::TooMany { wait_s } => add(header::RETRY_AFTER, &wait_s.to_string()),
        Error::Unmerged(rebase) => add(header::ETAG, &super::quoted(&rebase.etag)),
        _ => {}
    }
    response
}

/// The problem itself.
pub(super) fn body(error: &Error, language: Language, path: &str) -> Value {
    let status = error.status();
    let title = Language::English.say(format!("problem-title-{}", status.as_u16())).to_string();
    let mut body = json!({
        "type": format!("urn:caribe:problem:{}", error.code()),
        "title": title,
        "status": status.as_u16(),
        "detail": error.detail(language.into()),
        "instance": path,
        "code": error.code(),
    });
    let extra = match error {
        Error::Unprocessable(errors) => json!({ "errors": fields(errors) }),
        Error::Invalid(findings) => {
            let errors: Vec<FieldProblem> = findings
                .iter()
                .filter(|f| f.severity == lvs::Severity::Error)
                .map(|f| FieldProblem::of(f, ""))
                .collect();
            json!({ "errors": fields(&errors) })
        }
        Error::Conflict { rebase: Some(rebase), .. } => {
            serde_json::to_value(super::shape::rebase(rebase)).unwrap_or_default()
        }
        Error::Conflict { by, revision, rebase: None } => json!({ "by": by, "revision": revision }),
        Error::Stale { etag, by } => json!({ "etag": super::quoted(etag), "by": by }),
        Error::Unmerged(rebase) => serde_json::to_value(super::shape::rebase(rebase)).unwrap_or_default(),
        Error::Internal { id } => json!({ "incident": id }),
        _ => json!({}),
    };
    if let (Some(body), Value::Object(extra)) = (body.as_object_mut(), extra) {
        body.extend(extra);
    }
    body
}

fn fields(errors: &[FieldProblem]) -> Vec<Value> {
    errors.iter().map(|e| json!({ "pointer": e.pointer, "code": e.code, "message": e.message })).collect()
}
