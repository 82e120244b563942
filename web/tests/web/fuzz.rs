//! Every operation of the API asked with made-up requests: bodies that fit its schema, bodies that do not, names that
//! exist and names that do not. Nothing may fail inside (5xx), and every answer is one that the description names.
//!
//! The generator is seeded: a run can be repeated. `CARIBE_FUZZ_ROUNDS` asks more of each operation.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Request;
use console::{Actor, Role};
use serde_json::{Map, Value, json};

use crate::openapi::Described;
use crate::site::{SCENARIO_A, Site};

/// A small generator (xorshift): nothing here needs good randomness, all of it needs repeating.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.roll() >> 16).unwrap() % count.max(1)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

const TEXTS: [&str; 16] = [
    "http",
    "web1",
    "web2",
    "director-a",
    "a",
    "",
    " ",
    "eth0:1",
    "10.0.0.100",
    "192.168.1.250",
    "2001:db8::5",
    "GET / HTTP/1.0\r\n\r\n",
    "名称",
    "a/b?c#d",
    "'; drop table cluster; --",
    "********",
];
const NUMBERS: [i64; 14] =
    [0, 1, 2, 3, 80, 255, 256, 443, 65_535, 65_536, 4_294_967_295, 4_294_967_296, -1, i64::MAX];

struct Maker<'a> {
    described: &'a Described,
    dice: Dice,
}

impl Maker<'_> {
    fn resolved<'b>(&'b self, schema: &'b Value) -> &'b Value {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(place) => self.described.document.pointer(place.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    /// A value that fits the schema, as far as this looks into it.
    fn make(&mut self, schema: &Value, depth: u8) -> Value {
        let schema = self.resolved(schema).clone();
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return self.dice.pick(words).clone();
        }
        if let Some(value) = schema.get("default")
            && self.dice.one_in(3)
        {
            return value.clone();
        }
        let mut made = None;
        for several in ["oneOf", "anyOf"] {
            if let Some(all) = schema.get(several).and_then(Value::as_array) {
                // Deep down the plainest, so that it ends.
                let one = if depth == 0 { all.last().unwrap().clone() } else { self.dice.pick(all).clone() };
                made = Some(self.make(&one, depth.saturating_sub(1)));
            }
        }
        let kind = match schema.get("type") {
            Some(Value::Array(kinds)) if depth > 0 => self.dice.pick(kinds).clone(),
            Some(Value::Array(kinds)) => kinds.last().unwrap().clone(),
            Some(kind) => kind.clone(),
            None => return made.unwrap_or_else(|| self.anything(1)),
        };
        match kind.as_str().unwrap() {
            "object" => {
                let mut object = match made {
                    Some(Value::Object(object)) => object,
                    _ => Map::new(),
                };
                self.members(&schema, depth, &mut object);
                Value::Object(object)
            }
            "array" => {
                let count = if depth == 0 { 0 } else { self.dice.below(4) };
                let item = schema.get("items").cloned().unwrap_or(json!({}));
                Value::Array((0..count).map(|_| self.make(&item, depth - 1)).collect())
            }
            "string" => json!(self.text(&schema)),
            "integer" => self.number(&schema),
            "number" => json!(1.5),
            "boolean" => json!(self.dice.one_in(2)),
            _ => Value::Null,
        }
    }

    fn members(&mut self, schema: &Value, depth: u8, object: &mut Map<String, Value>) {
        let required: Vec<Value> =
            schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        for (name, property) in &properties {
            let needed = required.iter().any(|other| other == name);
            if needed || (depth > 0 && self.dice.one_in(3)) {
                let value = self.make(property, depth.saturating_sub(1));
                object.insert(name.clone(), value);
            }
        }
    }

    fn text(&mut self, schema: &Value) -> String {
        let all: &[&str] = match schema.get("format").and_then(Value::as_str) {
            Some("ip") => &["192.168.1.251", "10.0.0.7", "2001:db8::7", "0.0.0.0"],
            Some("ipv4") => &["192.168.1.251", "10.0.0.7"],
            Some("ipv6") => &["2001:db8::7", "::1"],
            Some("date-time") => &["2030-01-01T00:00:00Z", "2020-01-01T00:00:00Z"],
            _ => &TEXTS,
        };
        (*self.dice.pick(all)).to_owned()
    }

    fn number(&mut self, schema: &Value) -> Value {
        let least = schema.get("minimum").and_then(Value::as_i64).unwrap_or(i64::MIN);
        let most = match (
            schema.get("maximum").and_then(Value::as_i64),
            schema.get("format").and_then(Value::as_str),
        ) {
            (Some(most), _) => most,
            (None, Some("uint32")) => i64::from(u32::MAX),
            (None, Some("uint16")) => i64::from(u16::MAX),
            (None, Some("uint8")) => i64::from(u8::MAX),
            _ => i64::MAX,
        };
        json!((*self.dice.pick(&NUMBERS)).clamp(least, most))
    }

    /// Anything that JSON can say.
    fn anything(&mut self, depth: u8) -> Value {
        match self.dice.below(if depth == 0 { 5 } else { 7 }) {
            0 => Value::Null,
            1 => json!(self.dice.one_in(2)),
            2 => json!(*self.dice.pick(&NUMBERS)),
            3 => json!(*self.dice.pick(&TEXTS)),
            4 => json!(-0.5e300),
            5 => Value::Array((0..self.dice.below(3)).map(|_| self.anything(depth - 1)).collect()),
            _ => json!({ (*self.dice.pick(&TEXTS)): self.anything(depth - 1) }),
        }
    }

    /// The same with something other in one place.
    fn spoil(&mut self, value: &mut Value) {
        match value {
            Value::Object(map) if !map.is_empty() && !self.dice.one_in(4) => {
                let names: Vec<String> = map.keys().cloned().collect();
                let name = self.dice.pick(&names).clone();
                match self.dice.below(6) {
                    0 => {
                        map.remove(&name);
                    }
                    1 => {
                        map.insert("colour".to_owned(), json!("red"));
                    }
                    _ => self.spoil(map.get_mut(&name).unwrap()),
                }
            }
            Value::Array(list) if !list.is_empty() && !self.dice.one_in(4) => {
                let index = self.dice.below(list.len());
                self.spoil(&mut list[index]);
            }
            other => *other = self.anything(2),
        }
    }

    /// A path with names in its braces, mostly of things that are there.
    fn path(&mut self, template: &str, cluster: &str) -> String {
        let parts = template.split('/').map(|part| {
            let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
                return part.to_owned();
            };
            let there = match name {
                "cluster" => cluster,
                "server" => "http",
                "real" => "web1",
                "director" => "director-a",
                "number" => "1",
                "address" => "10.0.0.100",
                "kind" => "lvs.cf",
                "account" => "somebody",
                "token" => "some-token",
                _ => "act_0",
            };
            match self.dice.one_in(6) {
                true => escaped(self.dice.pick::<&str>(&TEXTS)),
                false => there.to_owned(),
            }
        });
        let path: Vec<String> = parts.collect();
        path.join("/")
    }

    fn query(&mut self, operation: &Value) -> String {
        let mut pairs = Vec::new();
        for parameter in operation["parameters"].as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            if parameter["in"] != "query" || !self.dice.one_in(4) {
                continue;
            }
            let value = match (name, self.make(&parameter["schema"], 1)) {
                // Nobody waits here for something to happen.
                ("wait", _) => "0".to_owned(),
                (_, Value::String(text)) => escaped(&text),
                (_, value) => value.to_string(),
            };
            pairs.push(format!("{name}={value}"));
        }
        if self.dice.one_in(20) {
            pairs.push("colour=red".to_owned());
        }
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }
}

fn escaped(text: &str) -> String {
    let text = if text.is_empty() { "-" } else { text };
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[tokio::test]
async fn made_up_requests_are_answered_as_described() {
    let rounds: usize =
        std::env::var("CARIBE_FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(25);
    let site = Site::new().await;
    let described = Described::read(&site).await;
    let mut maker = Maker { described: &described, dice: Dice(0x9e37_79b9_7f4a_7c15) };
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    let mut succeeded = 0;
    let mut operations = 0;
    for (template, methods) in described.document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if operation["responses"]["200"]["content"].get("text/event-stream").is_some() {
                // It does not end; `conventions` listens to it.
                continue;
            }
            operations += 1;
            let mut good = false;
            for round in 0..rounds {
                if round % 10 == 0 {
                    furnish(&site, operations, round).await;
                }
                let cluster = format!("fuzz-{operations}-{}", round - round % 10);
                let path = format!("{}{}", maker.path(template, &cluster), maker.query(operation));
                let body = operation.get("requestBody").map(|body| {
                    let mut value = maker.make(&body["content"]["application/json"]["schema"].clone(), 6);
                    if maker.dice.one_in(2) {
                        maker.spoil(&mut value);
                    }
                    value
                });
                let status =
                    ask(&site, &described, &mut maker.dice, (&method.to_uppercase(), &path), body).await;
                *statuses.entry(status).or_default() += 1;
                good |= (200..300).contains(&status);
            }
            succeeded += usize::from(good);
        }
    }
    let asked: usize = statuses.values().sum();
    println!("{asked} requests of {operations} operations, {succeeded} of which did something: {statuses:?}");
    assert_eq!(asked, operations * rounds);
    assert!(
        succeeded * 3 > operations * 2,
        "only {succeeded} of {operations} operations were ever carried out"
    );
    assert!(statuses.keys().all(|status| *status < 500), "{statuses:?}");
}

/// What the made-up requests are about; what an earlier one took away is there again.
async fn furnish(site: &Site, operation: usize, round: usize) {
    let local = Actor::local();
    let mut cluster = console::read_file(SCENARIO_A, None).cluster.unwrap();
    cluster.name = format!("fuzz-{operation}-{round}");
    let id = site.console.create_cluster(&local, cluster).await.unwrap().cluster_id;
    site.console.activate(&local, &id, "").await.unwrap();
    let _ = site.console.create_account(&local, "somebody", Role::Viewer).await;
    let _ = site.console.create_token(&local, "some-token", Role::Viewer, None).await;
    let _ = site.console.create_token(&local, &format!("fuzz-{operation}-{round}"), Role::Admin, None).await;
}

async fn ask(
    site: &Site,
    described: &Described,
    dice: &mut Dice,
    (method, path): (&str, &str),
    body: Option<Value>,
) -> u16 {
    // A token of its own for every request: some requests end tokens.
    let name = format!("t{}", dice.roll());
    let token = site.console.create_token(&Actor::local(), &name, Role::Admin, None).await.unwrap();
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "console.example:3636")
        .header("authorization", format!("Bearer {}", token.secret));
    if !dice.one_in(5) {
        let tag = *dice.pick(&["*", "*", "*", "\"old\"", "W/\"x\"", "?"]);
        request = request.header("if-match", tag);
    }
    if dice.one_in(5) {
        request = request.header("idempotency-key", *dice.pick(&["one", "two", "a b"]));
    }
    if dice.one_in(5) {
        request = request.header("prefer", "respond-async");
    }
    let body = match body {
        Some(value) => {
            let kind = if dice.one_in(20) { "text/plain" } else { "application/json" };
            request = request.header("content-type", kind);
            Body::from(if dice.one_in(20) { "{\"".to_owned() } else { value.to_string() })
        }
        None => Body::empty(),
    };
    let answer = site.send(request.body(body).unwrap()).await;
    assert!(answer.status.as_u16() < 500, "{method} {path}: {}", answer.body);
    described.check((method, path), answer.status, &answer.headers, &answer.body);
    answer.status.as_u16()
}
