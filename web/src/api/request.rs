//! What a request of the API carries: JSON, entity tags, switches in the query.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::operation::MOST;
use super::unique::Unique;
use crate::error::{Error, FieldProblem};
use crate::guard::Payload;
use crate::visit::{Member, Visit};

/// An entity tag as headers carry it.
pub(crate) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// The body as JSON, whatever it says. A body that is no JSON, or says a name twice in one object, is 400.
pub(super) fn json(payload: &Payload) -> Result<Value, Error> {
    let unique: Unique =
        serde_json::from_slice(&payload.0).map_err(|error| Error::Malformed(error.to_string()))?;
    Ok(unique.0)
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
        let message = match suggestion(&message) {
            Some(meant) => format!("{}; did you mean `{meant}`?", without_types(&message)),
            None => without_types(&message),
        };
        Error::Unprocessable(vec![FieldProblem { pointer, code: code.to_owned(), message }])
    })
}

/// The body as that type, or the type's default where there is none.
pub(super) fn typed_or_default<T: DeserializeOwned + Default>(payload: &Payload) -> Result<T, Error> {
    match payload.0.is_empty() {
        true => Ok(T::default()),
        false => typed(Value::Object(object(payload)?)),
    }
}

/// Of the names that the deserializer expected (`expected one of `a`, `b``), the one that was meant.
fn suggestion(message: &str) -> Option<&str> {
    let rest =
        message.strip_prefix("unknown field `").or_else(|| message.strip_prefix("unknown variant `"))?;
    let (given, expected) = rest.split_once("`, expected ")?;
    near(given, expected.split('`').skip(1).step_by(2))
}

/// The name that differs least from what was written, where it differs little.
pub(crate) fn near<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_ascii_lowercase().replace('-', "_");
    // What people mix up is short; a long text is no slip of the finger.
    if given.len() > 64 {
        return None;
    }
    let plain = |name: &str| name.to_ascii_lowercase().replace('-', "_");
    let best = names.map(|name| (distance(&given, &plain(name)), name)).min_by_key(|(distance, _)| *distance);
    best.filter(|(distance, name)| *distance <= name.len().div_ceil(3) && *distance < name.len())
        .map(|(_, name)| name)
}

/// How many letters have to be put in, taken out or exchanged (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut next = vec![index + 1];
        let mut left = index + 1;
        for ((place, above), theirs) in row.iter().enumerate().skip(1).zip(other.chars()) {
            let corner = row.get(place - 1).copied().unwrap_or(place);
            left = (above + 1).min(left + 1).min(corner + usize::from(letter != theirs));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
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

/// The same; without the header also where the request only asks what it would do.
pub(super) fn tag_of(visit: &Visit, headers: &HeaderMap) -> Result<Option<String>, Error> {
    match wants(visit, "dry_run") && !headers.contains_key(header::IF_MATCH) {
        true => Ok(None),
        false => if_match(headers),
    }
}

/// The state that a change was made for, where the request names one.
pub(super) fn maybe_match(headers: &HeaderMap) -> Result<Option<String>, Error> {
    if headers.contains_key(header::IF_MATCH) { if_match(headers) } else { Ok(None) }
}

/// Whether the query says `name=true`.
pub(super) fn wants(visit: &Visit, name: &str) -> bool {
    visit.query.get(name) == "true"
}

/// An answer with the entity tag of what it shows.
pub(super) fn tagged(status: StatusCode, etag: &str, body: impl Serialize) -> Response {
    let mut response = (status, Json(body)).into_response();
    if let Ok(value) = HeaderValue::from_str(&quoted(etag)) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// 201 with the address of what was made.
pub(super) fn created(location: &str, etag: &str, body: impl Serialize) -> Response {
    let mut response = tagged(StatusCode::CREATED, etag, body);
    if let Ok(value) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// A page of a list of all clusters that holds only what the caller may see, and says so: it would be taken for all there
/// is.
pub(super) fn filtered(member: &Member, mut page: Value) -> Value {
    if let (Some(_), Value::Object(page)) = (&member.actor.cluster, &mut page) {
        page.insert("filtered".to_owned(), Value::Bool(true));
    }
    page
}

/// One page of a list, as `limit` and `cursor` ask for it. Each item comes with what names it in the list: a cursor
/// stands between two of them, so that nothing is left out where others were put in or taken out in the meantime, one of
/// the two among them. Where both are gone nobody can say where it stood.
pub(super) fn listed<T: Serialize>(visit: &Visit, items: Vec<(String, T)>) -> Result<Value, Error> {
    let limit = limit(visit, MOST)?;
    let begin = match visit.query.filled("cursor") {
        None => 0,
        Some(cursor) => {
            let wrong = || Error::Malformed("cursor: the `next` of an earlier answer is expected".to_owned());
            let text = hex::decode(cursor).map_err(|_| wrong())?;
            let [before, behind]: [String; 2] = serde_json::from_slice(&text).map_err(|_| wrong())?;
            let place = |name: &str| items.iter().position(|(other, _)| other == name);
            place(&behind).or_else(|| place(&before).map(|place| place + 1)).ok_or_else(|| {
                Error::Malformed(
                    "cursor: what it stood between is gone; begin the list anew without it".to_owned(),
                )
            })?
        }
    };
    let end = begin.saturating_add(limit);
    let name = |place: usize| items.get(place).map(|(name, _)| name.as_str());
    let between = name(end.saturating_sub(1)).zip(name(end));
    let next = between.map(|(before, behind)| hex::encode(serde_json::json!([before, behind]).to_string()));
    let page: Vec<&T> = items.iter().map(|(_, item)| item).skip(begin).take(limit).collect();
    Ok(serde_json::json!({ "items": page, "next": next }))
}

/// How many items are asked for.
pub(super) fn limit(visit: &Visit, otherwise: u64) -> Result<usize, Error> {
    let limit = match visit.query.filled("limit") {
        None => otherwise,
        Some(text) => text.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
            Error::Malformed(format!("limit {text:?}: a number from 1 to {MOST} is expected"))
        })?,
    };
    usize::try_from(limit).map_err(Error::internal)
}

/// The value with members added.
pub(super) fn with(value: impl Serialize, more: impl Serialize) -> Result<Value, Error> {
    let mut value = serde_json::to_value(value).map_err(Error::internal)?;
    let more = serde_json::to_value(more).map_err(Error::internal)?;
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    Ok(value)
}

/// What a request would do, where there is no more to be told than that it would be taken.
#[derive(Serialize, JsonSchema)]
pub(super) struct Rehearsal {
    /// Always true: nothing was done.
    dry_run: bool,
}

/// The answer to `?dry_run=true` where there is no plan.
pub(super) fn rehearsed() -> Response {
    Json(Rehearsal { dry_run: true }).into_response()
}

/// A JSON answer.
pub(super) fn ok(body: impl Serialize) -> Response {
    Json(body).into_response()
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
    fn what_was_meant_is_said() {
        fn told<T: DeserializeOwned>(value: Value) -> String {
            match typed::<T>(value) {
                Err(Error::Unprocessable(problems)) => problems.into_iter().map(|p| p.message).collect(),
                _ => String::new(),
            }
        }
        let said = told::<VirtualServer>(json!({"name": "a", "schedular": "rr"}));
        assert!(said.ends_with("did you mean `scheduler`?"), "{said}");
        let said = told::<RealServer>(json!({"name": "a", "adress": "10.0.0.1"}));
        assert!(said.ends_with("did you mean `address`?"), "{said}");
        let said = told::<VirtualServer>(json!({"name": "a", "colour": "red"}));
        assert!(!said.contains("did you mean"), "{said}");
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("abc", "")), (3, 3, 3));
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
