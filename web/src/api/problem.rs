//! Errors of the API as problem+json (RFC 9457): `title` in English, `detail` in the language asked for.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::error::{Error, FieldProblem};
use crate::text::Language;

/// The whole answer to a request that failed.
pub(crate) fn answer(error: &Error, language: Language, path: &str) -> Response {
    let status = error.status();
    let body = body(error, language, path, status);
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
        Error::Stale { etag } => add(header::ETAG, &super::quoted(etag)),
        _ => {}
    }
    response
}

fn body(error: &Error, language: Language, path: &str, status: StatusCode) -> Value {
    let title = Language::English.say(format!("problem-title-{}", status.as_u16())).to_string();
    let mut body = json!({
        "type": format!("urn:caribe:problem:{}", error.code()),
        "title": title,
        "status": status.as_u16(),
        "detail": error.detail(language),
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
        Error::Conflict { by, revision } => json!({ "by": by, "revision": revision }),
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
