//! What a request of the API carries: JSON, entity tags, switches in the query.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, FieldProblem};
use crate::guard::Payload;
use crate::visit::Visit;

/// An entity tag as headers carry it.
pub(crate) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// The body as JSON, whatever it says. A body that is no JSON is 400.
pub(super) fn json(payload: &Payload) -> Result<Value, Error> {
    serde_json::from_slice(&payload.0).map_err(|error| Error::Malformed(error.to_string()))
}

/// The body as an object. Anything else is 422.
pub(super) fn object(payload: &Payload) -> Result<Map<String, Value>, Error> {
    match json(payload)? {
        Value::Object(map) => Ok(map),
        _ => Err(Error::Unprocessable(vec![FieldProblem {
            pointer: String::new(),
            code: "object-expected".to_owned(),
            message: "a JSON object is expected here".to_owned(),
        }])),
    }
}

/// The value as a type of the model; what does not fit is 422 and names its place.
pub(super) fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = pointer(error.path());
        let message = error.inner().to_string();
        let code = if message.starts_with("unknown field") {
            "unknown-field"
        } else if message.starts_with("missing field") {
            "missing-field"
        } else {
            "wrong-value"
        };
        let message = without_types(&message);
        Error::Unprocessable(vec![FieldProblem { pointer, code: code.to_owned(), message }])
    })
}

/// What the deserializer says, with ranges in place of the names of number types.
fn without_types(message: &str) -> String {
    const RANGES: [(&str, &str); 6] = [
        ("expected u8", "expected a whole number from 0 to 255"),
        ("expected u16", "expected a whole number from 0 to 65535"),
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected u64", "expected a whole number, not below 0"),
        ("expected a nonzero u8", "expected a whole number from 1 to 255"),
        ("expected a nonzero u32", "expected a whole number from 1 to 4294967295"),
    ];
    if let Some((start, _)) = message.split_once("expected struct ") {
        return format!("{start}expected an object");
    }
    let known = RANGES.iter().find_map(|(type_name, range)| Some((message.strip_suffix(type_name)?, range)));
    known.map_or_else(|| message.to_owned(), |(start, range)| format!("{start}{range}"))
}

/// RFC 6901.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        let text = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&text.replace('~', "~0").replace('/', "~1"));
    }
    pointer
}

/// The object without the members that only answers have.
pub(super) fn without(mut map: Map<String, Value>, read_only: &[&str]) -> Map<String, Value> {
    for name in read_only {
        map.remove(*name);
    }
    map
}

/// JSON Merge Patch (RFC 7396): null removes, objects merge, everything else replaces.
pub(super) fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(&name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// The model's value with a patch on it, as a type of the model again.
pub(super) fn patched<T: Serialize + DeserializeOwned>(
    old: &T,
    patch: Map<String, Value>,
) -> Result<T, Error> {
    let mut value = serde_json::to_value(old).map_err(Error::internal)?;
    // Two kinds of the same setting are not merged into one another: {"forwarding": {"tunnel": …}} after "nat".
    merge(&mut value, Value::Object(patch));
    typed(value)
}

/// The state that a change was made for. `*` means whatever is there; without the header the answer is 428.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let value = headers.get(header::IF_MATCH).ok_or(Error::PreconditionMissing)?;
    let text = value.to_str().map_err(|_| Error::PreconditionMissing)?.trim();
    if text == "*" {
        return Ok(None);
    }
    // A weak tag never matches here (RFC 9110 §13.1.1), so it is kept as it is and found to differ.
    let strong = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
    Ok(Some(strong.to_owned()))
}

/// Whether the query says `name=true`.
pub(super) fn wants(visit: &Visit, name: &str) -> bool {
    visit.query.get(name) == "true"
}

/// An answer with the entity tag of what it shows.
pub(super) fn tagged(status: StatusCode, etag: &str, body: Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    if let Ok(value) = HeaderValue::from_str(&quoted(etag)) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// 201 with the address of what was made.
pub(super) fn created(location: &str, etag: &str, body: Value) -> Response {
    let mut response = tagged(StatusCode::CREATED, etag, body);
    if let Ok(value) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// A list; all of it fits into one answer, so there is never a next one.
pub(super) fn listed(items: Vec<Value>) -> Value {
    serde_json::json!({ "items": items, "next": null })
}

/// The value with read-only members added.
pub(super) fn with(value: impl Serialize, more: Value) -> Result<Value, Error> {
    let mut value = serde_json::to_value(value).map_err(Error::internal)?;
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use lvs::model::{Director, RealServer, VirtualServer};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_merges_as_rfc_7396_says() {
        // Cases of its appendix A.
        for (target, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!(["a"]), json!({"a":1}), json!({"a":1})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            let mut merged = target.clone();
            merge(&mut merged, patch.clone());
            assert_eq!(merged, result, "{target} + {patch}");
        }
    }

    #[test]
    fn tags_are_strong() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, HeaderValue::from_str(text).unwrap());
            if_match(&headers).unwrap()
        };
        assert_eq!(read("\"abc\""), Some("abc".to_owned()));
        assert_eq!(read("*"), None);
        assert_eq!(read("W/\"abc\""), Some("W/\"abc\"".to_owned()));
        assert!(if_match(&HeaderMap::new()).is_err());
    }

    #[test]
    fn wrong_values_are_told_without_the_names_of_types() {
        fn told<T: DeserializeOwned>(value: Value) -> String {
            match typed::<T>(value) {
                Err(Error::Unprocessable(problems)) => problems
                    .iter()
                    .map(|problem| format!("{} {}", problem.pointer, problem.message))
                    .collect(),
                _ => "accepted, or refused otherwise".to_owned(),
            }
        }
        assert_eq!(
            told::<VirtualServer>(json!({"name": "a", "port": 70_000})),
            "/port invalid value: integer `70000`, expected a whole number from 0 to 65535"
        );
        assert_eq!(
            told::<VirtualServer>(json!({"name": "a", "mark": 0})),
            "/mark invalid value: integer `0`, expected a whole number from 1 to 4294967295"
        );
        assert_eq!(
            told::<RealServer>(json!({"name": "a", "address": "10.0.0.1", "limit": 5})),
            "/limit invalid type: integer `5`, expected an object"
        );
        assert_eq!(told::<Director>(json!({"name": "a"})), " missing field `seat`");
    }
}
