//! The API's own description: OpenAPI 3.1, made from the table of routes and the types that are sent and answered.
//!
//! Nothing in it is written by hand besides the sentences, which are the catalogue's. It is made once, when somebody
//! asks for it first.

use std::sync::OnceLock;

use axum::extract::State;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::operation::{Answer, Kind, Operation, Precondition, Query};
use super::table::Documented;
use super::{problem, schema};
use crate::App;
use crate::error::Error;
use crate::routes::Needs;
use crate::text::Language;

/// The description of all routes.
#[derive(Debug)]
pub(crate) struct Document {
    /// The routes in the order of the table.
    pub(crate) routes: Vec<Documented>,
    made: OnceLock<Bytes>,
}

impl Document {
    pub(crate) fn new(routes: Vec<Documented>) -> Self {
        Document { routes, made: OnceLock::new() }
    }

    fn bytes(&self) -> Bytes {
        self.made.get_or_init(|| Bytes::from(document(&self.routes).to_string())).clone()
    }
}

/// `GET /api/v1/openapi.json`
pub(super) async fn serve(State(app): State<App>) -> Result<Response, Error> {
    let document = app.document.get().ok_or_else(|| Error::internal("the API is not described"))?;
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(([kind], document.bytes()).into_response())
}

fn say(key: String) -> String {
    Language::English.say(key).to_string()
}

fn document(routes: &[Documented]) -> Value {
    let mut generator = schema::generator();
    let mut paths = Map::new();
    let mut groups: Vec<&str> = Vec::new();
    for route in routes {
        let group = route.operation.group;
        if !groups.contains(&group) {
            groups.push(group);
        }
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Value::Object(path) = path {
            path.insert(route.method.as_str().to_lowercase(), operation(route, &mut generator));
        }
    }
    let problem = generator.subschema_for::<problem::Problem>();
    let tags: Vec<Value> = groups
        .iter()
        .map(|group| json!({ "name": group, "description": say(format!("api-group-{group}")) }))
        .collect();
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Caribe",
            "version": env!("CARGO_PKG_VERSION"),
            "description": say("api-about".to_owned()),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "bearerFormat": "caribe_PREFIX_SECRET" },
            },
            "responses": {
                "Problem": {
                    "description": say("api-problem".to_owned()),
                    "headers": {
                        "x-request-id": { "schema": { "type": "string" } },
                        "retry-after": {
                            "description": say("api-header-retry-after".to_owned()),
                            "schema": { "type": "integer", "minimum": 1 },
                        },
                    },
                    "content": { "application/problem+json": { "schema": problem } },
                },
            },
        },
    })
}

/// What the document says of the role.
fn role(needs: Needs) -> Option<&'static str> {
    match needs {
        Needs::Role(role) => Some(role.as_str()),
        Needs::Nothing | Needs::Person | Needs::Agent => None,
    }
}

fn operation(route: &Documented, generator: &mut SchemaGenerator) -> Value {
    let operation = &route.operation;
    let mut value = json!({
        "operationId": operation.id,
        "summary": say(format!("api-op-{}", operation.id)),
        "tags": [operation.group],
        "security": if role(route.needs).is_some() { json!([{ "token": [] }]) } else { json!([]) },
        "parameters": parameters(route),
        "responses": responses(route, generator),
    });
    let Value::Object(map) = &mut value else { return value };
    if let Some(role) = role(route.needs) {
        map.insert("x-caribe-role".to_owned(), json!(role));
    }
    if let Some(body) = &operation.body {
        let schema = schema::request(body, generator);
        let mut content = json!({ "application/json": { "schema": schema } });
        if body.patch {
            content = json!({ "application/merge-patch+json": { "schema": schema }, "application/json": { "schema": schema } });
        }
        map.insert("requestBody".to_owned(), json!({ "required": !body.optional, "content": content }));
        map.insert("x-caribe-body-limit".to_owned(), json!(route.limit));
    }
    value
}

/// The names in a path's braces.
pub(crate) fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn parameters(route: &Documented) -> Vec<Value> {
    let operation = &route.operation;
    let in_path = names(route.path).map(|name| {
        let schema = match name {
            "number" => json!({ "type": "integer", "minimum": 1 }),
            "address" => json!({ "type": "string", "format": "ip" }),
            _ => json!({ "type": "string", "minLength": 1 }),
        };
        json!({
            "name": name, "in": "path", "required": true, "schema": schema,
            "description": say(format!("api-path-{name}")),
        })
    });
    let in_query = operation.query.iter().map(|query| {
        json!({
            "name": query.name, "in": "query", "required": false, "schema": query_schema(query),
            "description": say(format!("api-query-{}", query.key())),
        })
    });
    let header = |name: &str, required: bool, key: &str| {
        json!({
            "name": name, "in": "header", "required": required, "schema": { "type": "string" },
            "description": say(key.to_owned()),
        })
    };
    let mut all: Vec<Value> = in_path.chain(in_query).collect();
    match operation.precondition {
        Precondition::None => {}
        // A rehearsal may do without, so that the document cannot say "required" of the header.
        Precondition::Required => all.push(header("If-Match", !operation.rehearsed, "api-header-if-match")),
        Precondition::Optional => all.push(header("If-Match", false, "api-header-may-match")),
    }
    if route.method == Method::POST {
        all.push(header("Idempotency-Key", false, "api-header-idempotency-key"));
    }
    if operation.answers.iter().any(|answer| answer.status == 202) {
        all.push(header("Prefer", false, "api-header-prefer"));
    }
    all
}

fn query_schema(query: &Query) -> Value {
    match query.kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Number(least, u64::MAX) => json!({ "type": "integer", "minimum": least }),
        Kind::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
        Kind::Text => json!({ "type": "string" }),
    }
}

/// The statuses with which a request can fail.
pub(crate) fn failures(route: &Documented) -> Vec<u16> {
    let Operation { body, precondition, conflicts, refuses, .. } = route.operation.as_ref();
    let writes = route.method != Method::GET;
    let mut all = vec![400];
    if role(route.needs).is_some() {
        all.extend([401, 403, 429]);
    }
    let names_things =
        names(route.path).next().is_some() || route.operation.query.iter().any(|q| q.name == "cluster");
    if names_things || writes {
        all.push(404);
    }
    if *conflicts || route.method == Method::POST {
        all.push(409);
    }
    if *precondition != Precondition::None {
        all.extend([412, 428]);
    }
    if writes {
        all.extend([413, 415, 422]);
    } else if *refuses || body.is_some() {
        all.push(422);
    }
    all.push(503);
    all.sort_unstable();
    all
}

fn responses(route: &Documented, generator: &mut SchemaGenerator) -> Value {
    let mut all = Map::new();
    for answer in &route.operation.answers {
        let same: Vec<&Answer> =
            route.operation.answers.iter().filter(|other| other.status == answer.status).collect();
        all.entry(answer.status.to_string())
            .or_insert_with(|| success(&same, route.operation.is_paged(), generator));
    }
    let done: Vec<Answer> =
        route.operation.answers.iter().filter(|answer| answer.status == 200).copied().collect();
    if route.operation.partly && !done.is_empty() {
        let partly: Vec<Answer> = done.into_iter().map(|answer| Answer { status: 202, ..answer }).collect();
        let partly: Vec<&Answer> = partly.iter().collect();
        all.insert("202".to_owned(), success(&partly, false, generator));
    }
    for status in failures(route) {
        all.insert(status.to_string(), json!({ "$ref": "#/components/responses/Problem" }));
    }
    Value::Object(all)
}

fn success(answers: &[&Answer], paged: bool, generator: &mut SchemaGenerator) -> Value {
    let status = answers.first().map_or(200, |answer| answer.status);
    let mut value = json!({ "description": say(format!("api-status-{status}")) });
    let Value::Object(map) = &mut value else { return value };
    let mut headers = json!({ "x-request-id": { "schema": { "type": "string" } } });
    if let Value::Object(headers) = &mut headers {
        if answers.iter().any(|answer| answer.tagged) {
            headers.insert("etag".to_owned(), json!({ "schema": { "type": "string" } }));
        }
        if paged {
            let next =
                json!({ "description": say("api-header-link".to_owned()), "schema": { "type": "string" } });
            headers.insert("link".to_owned(), next);
        }
        if status == 202 {
            headers.insert("location".to_owned(), json!({ "schema": { "type": "string" } }));
        }
    }
    map.insert("headers".to_owned(), headers);
    let mut content = Map::new();
    let shapes: Vec<Value> =
        answers.iter().filter_map(|answer| answer.shape).map(|shape| shape(generator).to_value()).collect();
    for answer in answers {
        let schema = match shapes.as_slice() {
            _ if answer.shape.is_none() => json!({}),
            [one] => one.clone(),
            several => json!({ "anyOf": several }),
        };
        if status != 204 {
            content.insert(answer.media.to_owned(), json!({ "schema": schema }));
        }
    }
    if !content.is_empty() {
        map.insert("content".to_owned(), Value::Object(content));
    }
    value
}
