//! The API's own description: whole, true of the router, and true of what is answered.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, StatusCode};
use console::Role;
use jsonschema::Validator;
use serde_json::{Value, json};
use web::routes::{Needs, Surface};

use crate::site::Site;

/// The document, and validators of the shapes in it.
pub(crate) struct Described {
    pub(crate) document: Value,
    routes: Vec<(String, Vec<String>)>,
    validators: Mutex<std::collections::BTreeMap<String, Arc<Validator>>>,
}

impl Described {
    pub(crate) async fn read(site: &Site) -> Self {
        let request = axum::http::Request::builder()
            .uri("/api/v1/openapi.json")
            .body(axum::body::Body::empty())
            .unwrap();
        Described::of(site.send(request).await.is(200).json())
    }

    pub(crate) fn of(document: Value) -> Self {
        let paths = document["paths"].as_object().unwrap();
        let split = |path: &String| (path.clone(), path.split('/').map(ToOwned::to_owned).collect());
        let routes = paths.keys().map(split).collect();
        Described { document, routes, validators: Mutex::default() }
    }

    /// The operation that a request is for, and the place of it in the document.
    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<(&Value, String)> {
        let path = path.split('?').next().unwrap();
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &[String]| {
            template.len() == parts.len()
                && template.iter().zip(&parts).all(|(name, part)| name.starts_with('{') || name == part)
        };
        let exact = |template: &[String]| template.iter().filter(|part| part.starts_with('{')).count();
        let found = self.routes.iter().filter(|(_, template)| fits(template));
        let (name, _) = found.min_by_key(|(_, template)| exact(template))?;
        let method = method.to_lowercase();
        let operation = self.document["paths"][name].get(&method)?;
        let place = format!("/paths/{}/{method}", name.replace('~', "~0").replace('/', "~1"));
        Some((operation, place))
    }

    /// A validator of the schema at that place of the document.
    pub(crate) fn validator(&self, pointer: &str) -> Arc<Validator> {
        let mut known = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(pointer) {
            return Arc::clone(known);
        }
        let mut schema = self.document.pointer(pointer).unwrap_or_else(|| panic!("{pointer}")).clone();
        let object = schema.as_object_mut().unwrap();
        object.insert("components".to_owned(), json!({ "schemas": self.document["components"]["schemas"] }));
        object.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        let made =
            Arc::new(jsonschema::draft202012::new(&schema).unwrap_or_else(|e| panic!("{pointer}: {e}")));
        known.insert(pointer.to_owned(), Arc::clone(&made));
        made
    }

    /// An answer has a status that the document names, and a body of the shape that it says.
    pub(crate) fn check(
        &self,
        (method, path): (&str, &str),
        status: StatusCode,
        headers: &HeaderMap,
        body: &str,
    ) {
        let Some((operation, place)) = self.operation(method, path) else {
            assert!([404, 405].contains(&status.as_u16()), "{method} {path} is not described: {status}");
            return;
        };
        let said = &operation["responses"][status.as_str()];
        assert!(said.is_object(), "{method} {path}: {status} is not described: {body}");
        assert!(headers.contains_key("x-request-id"), "{method} {path}");
        let kind = headers.get("content-type").map_or("", |kind| kind.to_str().unwrap());
        let kind = kind.split(';').next().unwrap();
        let escaped = kind.replace('/', "~1");
        let pointer = match said.get("$ref") {
            Some(_) => format!("/components/responses/Problem/content/{escaped}/schema"),
            None if status == StatusCode::NO_CONTENT => return,
            None => format!("{place}/responses/{}/content/{escaped}/schema", status.as_str()),
        };
        if !kind.ends_with("json") {
            assert!(self.document.pointer(&pointer).is_some(), "{method} {path}: {kind} is not described");
            return;
        }
        let value: Value =
            serde_json::from_str(body).unwrap_or_else(|e| panic!("{method} {path}: {e}: {body}"));
        if let Err(error) = self.validator(&pointer).validate(&value) {
            let at = error.instance_path().to_string();
            panic!("{method} {path}: {status}: {at}: {error}\nin {body}");
        }
    }
}

#[tokio::test]
async fn every_route_is_described_and_nothing_else() {
    let site = Site::new().await;
    let described = Described::read(&site).await;
    let table = web::route_table(site.console.clone());
    let mut routes: BTreeSet<(String, String, String)> = BTreeSet::new();
    for route in table.iter().filter(|route| route.surface == Surface::Api) {
        let role = match route.needs {
            Needs::Role(role) => role.to_string(),
            Needs::Nothing => "nothing".to_owned(),
            Needs::Person | Needs::Agent => panic!("{route:?}"),
        };
        assert!(route.operation.is_some(), "{route:?}");
        routes.insert((route.method.as_str().to_lowercase(), route.path.to_owned(), role));
    }
    let mut said = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (path, methods) in described.document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let role = operation["x-caribe-role"].as_str().unwrap_or("nothing");
            said.insert((method.clone(), path.clone(), role.to_owned()));
            assert!(names.insert(operation["operationId"].to_string()), "{operation}");
            let open = operation["security"].as_array().unwrap().is_empty();
            assert_eq!(open, role == "nothing", "{method} {path}");
        }
    }
    assert_eq!(said, routes);
    assert!(said.len() > 60, "{}", said.len());
    assert!(!described.document.to_string().contains('⟦'), "a sentence is missing");
}

#[tokio::test]
async fn the_document_is_whole() {
    let site = Site::new().await;
    let described = Described::read(&site).await;
    let document = &described.document;
    assert_eq!(document["openapi"], "3.1.0");
    // Every reference leads somewhere, and every named shape is used.
    let mut references = BTreeSet::new();
    collect(document, &mut references);
    for reference in &references {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        let place = format!("/components/schemas/{name}");
        assert!(references.contains(&place), "{name} is used nowhere");
    }
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let place = format!("/paths/{}/{method}", path.replace('/', "~1"));
            let parameters = operation["parameters"].as_array().unwrap();
            let in_path: BTreeSet<&str> = parameters
                .iter()
                .filter(|p| p["in"] == "path")
                .map(|p| p["name"].as_str().unwrap())
                .collect();
            let named: BTreeSet<&str> =
                path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
            assert_eq!(in_path, named, "{method} {path}");
            // Every shape is a schema that can be used.
            for (status, answer) in operation["responses"].as_object().unwrap() {
                for kind in answer["content"].as_object().into_iter().flatten().map(|(kind, _)| kind) {
                    let kind = kind.replace('/', "~1");
                    described.validator(&format!("{place}/responses/{status}/content/{kind}/schema"));
                }
            }
            if operation.get("requestBody").is_some() {
                described.validator(&format!("{place}/requestBody/content/application~1json/schema"));
            }
        }
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                references.insert(reference.trim_start_matches('#').to_owned());
            }
            map.values().for_each(|value| collect(value, references));
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[tokio::test]
async fn the_address_asks_only_what_is_known() {
    let site = Site::new().await;
    let robot = site.robot(Role::Viewer).await;
    let told = async |path: &str| {
        let answer = robot.get(path).await.is(400).json();
        assert_eq!(answer["code"], "parameter", "{answer}");
        answer["detail"].as_str().unwrap().to_owned()
    };
    assert!(told("/clusters?limti=3").await.contains("did you mean limit?"));
    assert!(told("/clusters?limit=0").await.contains("from 1 to 500"));
    assert!(told("/clusters?limit=3&limit=4").await.contains("twice"));
    assert!(told("/clusters/x/draft?view=running").await.contains("takes none"));
    assert!(told("/clusters/x?view=everything").await.contains("draft, running"));
}
