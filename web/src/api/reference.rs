//! `/help/api`: the API's description as a page, made from the same table as the document. No script, nothing from
//! elsewhere; the examples are lines for curl.

use askama::Template;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::openapi::{failures, names};
use super::operation::{Kind, Precondition};
use super::table::Documented;
use super::{Operation, schema};
use crate::App;
use crate::error::Error;
use crate::page::{Page, show};
use crate::routes::Needs;
use crate::text::Language;
use crate::visit::Member;

/// One parameter, or one member of a body.
struct Row {
    name: String,
    kind: String,
    required: bool,
    about: String,
}

struct Entry {
    id: &'static str,
    method: String,
    path: &'static str,
    about: String,
    role: Option<String>,
    parameters: Vec<Row>,
    members: Vec<Row>,
    answers: Vec<String>,
    example: String,
}

struct Group {
    name: &'static str,
    title: String,
    entries: Vec<Entry>,
}

#[derive(Template)]
#[template(path = "api_reference.html")]
struct Reference {
    p: Page,
    groups: Vec<Group>,
}

/// `GET /help/api`
pub(crate) async fn page(member: Member, State(app): State<App>) -> Result<Response, Error> {
    let document = app.document.get().ok_or_else(|| Error::internal("the API is not described"))?;
    let language = member.language();
    let mut shapes = Shapes(schema::generator());
    let mut groups: Vec<Group> = Vec::new();
    for route in &document.routes {
        let name = route.operation.group;
        let entry = entry(route, language, &mut shapes);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.entries.push(entry),
            None => {
                let title = language.say(format!("api-group-{name}")).to_string();
                groups.push(Group { name, title, entries: vec![entry] });
            }
        }
    }
    let title = language.say("api-title");
    show(StatusCode::OK, &Reference { p: Page::new(&member.visit, title), groups })
}

/// Schemas, with the places that references lead to.
struct Shapes(schemars::SchemaGenerator);

impl Shapes {
    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let reference = schema.get("$ref").and_then(Value::as_str).and_then(|text| text.rsplit('/').next());
        reference.and_then(|name| self.0.definitions().get(name)).unwrap_or(schema)
    }

    /// What a schema is, in a word.
    fn word(schema: &Value) -> String {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return reference.rsplit('/').next().unwrap_or_default().to_owned();
        }
        if let Some(any) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array) {
            let words: Vec<String> = any.iter().map(Shapes::word).collect();
            return words.join(" | ");
        }
        match schema.get("type") {
            Some(Value::String(word)) if word == "array" => {
                format!("{}[]", schema.get("items").map(Shapes::word).unwrap_or_default())
            }
            Some(Value::String(word)) => word.clone(),
            Some(Value::Array(words)) => {
                words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | ")
            }
            _ => match schema.get("enum").and_then(Value::as_array) {
                Some(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | "),
                None => "any".to_owned(),
            },
        }
    }

    /// The least that a schema takes.
    fn example(&self, schema: &Value, depth: u8) -> Value {
        let schema = self.resolved(schema);
        if let Some(value) = schema.get("const").or_else(|| schema.get("default")) {
            return value.clone();
        }
        if let Some(first) = schema.get("enum").and_then(Value::as_array).and_then(|words| words.first()) {
            return first.clone();
        }
        let first_of = |name: &str| schema.get(name).and_then(Value::as_array).and_then(|all| all.first());
        if let Some(first) = first_of("anyOf").or_else(|| first_of("oneOf"))
            && depth > 0
        {
            return self.example(first, depth - 1);
        }
        let kind = schema.get("type").map(|kind| match kind {
            Value::Array(kinds) => kinds.first().cloned().unwrap_or_default(),
            one => one.clone(),
        });
        match kind.as_ref().and_then(Value::as_str) {
            Some("object") => {
                let mut made = Map::new();
                let properties = schema.get("properties");
                for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
                    let Some(name) = name.as_str() else { continue };
                    let property = properties.and_then(|all| all.get(name));
                    if let (Some(property), true) = (property, depth > 0) {
                        made.insert(name.to_owned(), self.example(property, depth - 1));
                    }
                }
                Value::Object(made)
            }
            Some("array") => json!([]),
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
            Some("boolean") => json!(true),
            Some("null") => Value::Null,
            _ => match schema.get("format").and_then(Value::as_str) {
                Some("ip" | "ipv4") => json!("192.0.2.1"),
                Some("ipv6") => json!("2001:db8::1"),
                _ => json!("…"),
            },
        }
    }
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Flag => "true | false".to_owned(),
        Kind::Number(least, u64::MAX) => format!("{least}…"),
        Kind::Number(least, most) => format!("{least}…{most}"),
        Kind::Word(words) => words.join(" | "),
        Kind::Text => "string".to_owned(),
    }
}

fn parameters(route: &Documented, language: Language) -> Vec<Row> {
    let say = |key: String| language.say(key).to_string();
    let in_path = names(route.path).map(|name| Row {
        name: format!("{{{name}}}"),
        kind: "string".to_owned(),
        required: true,
        about: say(format!("api-path-{name}")),
    });
    let in_query = route.operation.query.iter().map(|query| Row {
        name: format!("?{}", query.name),
        kind: kind(query.kind),
        required: false,
        about: say(format!("api-query-{}", query.key())),
    });
    let mut rows: Vec<Row> = in_path.chain(in_query).collect();
    let mut header = |name: &str, required: bool, key: &str| {
        rows.push(Row {
            name: format!("{name}:"),
            kind: "string".to_owned(),
            required,
            about: say(key.to_owned()),
        });
    };
    match route.operation.precondition {
        Precondition::None => {}
        Precondition::Required => header("If-Match", true, "api-header-if-match"),
        Precondition::Optional => header("If-Match", false, "api-header-may-match"),
    }
    if route.method == Method::POST {
        header("Idempotency-Key", false, "api-header-idempotency-key");
    }
    if route.operation.answers.iter().any(|answer| answer.status == 202) {
        header("Prefer", false, "api-header-prefer");
    }
    rows
}

fn members(schema: &Value) -> Vec<Row> {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &String| {
        required.is_some_and(|all| all.iter().any(|other| other.as_str() == Some(name.as_str())))
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    let written = properties.into_iter().flatten();
    let written = written.filter(|(_, property)| property.get("readOnly") != Some(&Value::Bool(true)));
    let row = |(name, property): (&String, &Value)| Row {
        name: name.clone(),
        kind: Shapes::word(property),
        required: is_required(name),
        about: property.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
    };
    written.map(row).collect()
}

/// A line for curl that could be typed.
fn example(route: &Documented, body: Option<Value>) -> String {
    let Operation { precondition, body: takes, .. } = route.operation.as_ref();
    let mut line = "curl".to_owned();
    if route.method != Method::GET {
        line.push_str(&format!(" -X {}", route.method));
    }
    if matches!(route.needs, Needs::Role(_)) {
        line.push_str(" -H \"Authorization: Bearer $TOKEN\"");
    }
    if *precondition == Precondition::Required {
        line.push_str(" -H \"If-Match: $ETAG\"");
    }
    if let (Some(body), Some(takes)) = (body, takes) {
        let kind = if takes.patch { "application/merge-patch+json" } else { "application/json" };
        line.push_str(&format!(" -H \"Content-Type: {kind}\" -d '{body}'"));
    }
    line.push_str(&format!(" \"$CONSOLE{}\"", route.path));
    line
}

fn entry(route: &Documented, language: Language, shapes: &mut Shapes) -> Entry {
    let operation = &route.operation;
    let body = operation.body.as_ref().map(|body| schema::request(body, &mut shapes.0).to_value());
    let succeeds = operation.answers.iter().map(|answer| {
        let status = answer.status;
        let shape = answer.shape.map(|shape| Shapes::word(&shape(&mut shapes.0).to_value()));
        let said = language.say(format!("api-status-{status}")).to_string();
        format!("{status} {} — {said}", shape.as_deref().unwrap_or(answer.media))
    });
    let mut answers: Vec<String> = succeeds.collect();
    let fails: Vec<String> = failures(route).iter().map(ToString::to_string).collect();
    answers.push(format!("{} — {}", fails.join(", "), language.say("api-problem")));
    Entry {
        id: operation.id,
        method: route.method.to_string(),
        path: route.path,
        about: language.say(format!("api-op-{}", operation.id)).to_string(),
        role: match route.needs {
            Needs::Role(role) => Some(language.say(format!("role-{role}")).to_string()),
            Needs::Nothing | Needs::Person | Needs::Agent => None,
        },
        parameters: parameters(route, language),
        members: body.as_ref().map(members).unwrap_or_default(),
        answers,
        example: example(route, body.map(|body| shapes.example(&body, 4))),
    }
}
