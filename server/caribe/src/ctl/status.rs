//! `status`, `watch`, `vips`, `events`: what directors and real servers do now, and what happened.

use std::io::Write as _;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::client::Client;
use super::show::{at, items, row, table};
use super::words::Form;
use super::{Done, Shown, cluster_path};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);
/// Clears a terminal and goes to its first line (ECMA-48 ED and CUP).
const CLEAR: &str = "\x1b[2J\x1b[H";

/// One look.
pub(super) async fn once(client: &Client, cluster: &str) -> Result<Done> {
    let path = cluster_path(cluster);
    let status = client.get(&format!("{path}/status")).await?.body;
    let content = client.get(&format!("{path}?view=running")).await?.body;
    let text = text(&status, &content);
    Ok(Done::all(status, text))
}

/// The virtual addresses and who holds them.
pub(super) async fn vips(client: &Client, cluster: &str) -> Result<Done> {
    let body = client.get(&format!("{}/vips?limit=500", cluster_path(cluster))).await?.body;
    let mut rows = vec![row(["ADDRESS", "DEVICE", "STATE", "HELD BY", "FOR"])];
    for vip in items(&body, "/items") {
        let words = |list: &str, name: &str| {
            let all: Vec<String> = items(vip, list).map(|one| at(one, name)).collect();
            if all.is_empty() { "-".to_owned() } else { all.join(", ") }
        };
        let mut used = words("/uses", "");
        if items(vip, "/virtual_servers").next().is_some() {
            used = format!("{used} ({})", words("/virtual_servers", "/name"));
        }
        let device = at(vip, "/device");
        rows.push(vec![at(vip, "/address"), device, at(vip, "/state"), words("/holders", ""), used]);
    }
    Ok(Done::all(body, table(&rows)))
}

/// Looks until it is stopped.
pub(super) async fn watch(client: &Client, cluster: &str, form: Form) -> Result<Done> {
    loop {
        let done = once(client, cluster).await?;
        let text = match (form, done.text) {
            (Form::Table, Shown::Text(text)) => format!("{CLEAR}{text}"),
            _ => format!("{}\n", done.body),
        };
        if std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()).is_err() {
            return Ok(Done { body: Value::Null, text: Shown::Nothing, complete: true });
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Directors, then virtual servers with their real servers, counted where traffic goes.
fn text(status: &Value, content: &Value) -> String {
    let mut rows = vec![row(["DIRECTOR", "SEAT", "STATE", "SYNC", "REVISION", "SINCE"])];
    for director in items(status, "/directors") {
        let connected = director.get("connected") == Some(&Value::Bool(true));
        rows.push(vec![
            at(director, "/name"),
            at(director, "/seat"),
            if connected { at(director, "/status/state") } else { "not connected".to_owned() },
            at(director, "/sync"),
            at(director, "/held_revision"),
            at(director, "/since"),
        ]);
    }
    let mut text = table(&rows);
    let active = at(status, "/active");
    let counted = items(status, "/counters").find(|counted| at(counted, "/director") == active);
    let mut rows = vec![row(["VIRTUAL SERVER", "REAL SERVER", "WEIGHT", "ACTIVE", "INACTIVE", "NEW/s"])];
    for service in counted.into_iter().flat_map(|counted| items(counted, "/services")) {
        let key = at(service, "/key");
        let name = named(content, "/virtual_servers", |it| key_of(it) == key).map(|it| at(it, "/name"));
        rows.push(counts(name.unwrap_or(key), String::new(), service));
        for server in items(service, "/servers") {
            rows.push(counts(String::new(), at(server, "/key"), server));
        }
    }
    text.push('\n');
    text.push_str(&match (active.as_str(), rows.len()) {
        ("-", _) => "No director is active.\n".to_owned(),
        (active, 1) => format!("{active} is active and has reported no services yet.\n"),
        _ => table(&rows),
    });
    text
}

fn counts(service: String, server: String, counted: &Value) -> Vec<String> {
    let rate = counted.pointer("/rates/connections").and_then(Value::as_f64).unwrap_or_default();
    let weight = at(counted, "/weight");
    vec![
        service,
        server,
        if weight == "-" { String::new() } else { weight },
        at(counted, "/active"),
        at(counted, "/inactive"),
        format!("{rate:.1}"),
    ]
}

fn named<'a>(content: &'a Value, list: &str, fits: impl Fn(&Value) -> bool) -> Option<&'a Value> {
    items(content, list).find(|it| fits(it))
}

/// The key under which a kernel knows a virtual server, as the console writes it.
fn key_of(server: &Value) -> String {
    let server: Option<lvs::model::VirtualServer> = serde_json::from_value(server.clone()).ok();
    server.and_then(|server| server.key()).map(|key| key.to_string()).unwrap_or_default()
}

/// What happened, oldest first; then on, where that is asked for.
pub(super) async fn events(client: &Client, cluster: &str, follow: bool, form: Form) -> Result<Done> {
    let path = format!("{}/events", cluster_path(cluster));
    let mut last = 0;
    loop {
        let body = client.get(&format!("{path}?limit=200")).await?.body;
        let mut new: Vec<&Value> = items(&body, "/items").filter(|event| number(event) > last).collect();
        new.reverse();
        last = new.last().map_or(last, |event| number(event));
        let mut text = String::new();
        for event in new {
            match form {
                Form::Json => text.push_str(&format!("{event}\n")),
                Form::Table => text.push_str(&format!(
                    "{}  {:<8} {:<12} {}\n",
                    at(event, "/at"),
                    at(event, "/severity"),
                    at(event, "/director"),
                    at(event, "/text")
                )),
            }
        }
        let gone =
            std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()).is_err();
        if !follow || gone {
            return Ok(Done { body: Value::Null, text: Shown::Nothing, complete: true });
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn number(event: &Value) -> u64 {
    event.get("number").and_then(Value::as_u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn services_are_named_and_counted_where_traffic_goes() {
        let content = json!({ "virtual_servers": [{
            "name": "web", "vip": { "address": "192.0.2.1" }, "protocol": "tcp", "port": 80, "scheduler": "rr",
        }]});
        let key = key_of(content.pointer("/virtual_servers/0").unwrap());
        let counters = |director: &str, active: u64| {
            json!({ "director": director, "services": [{
                "key": key, "active": active, "inactive": 2, "rates": { "connections": 4.26 },
                "servers": [{ "key": "10.0.0.1:80", "weight": 3, "active": active, "inactive": 2,
                              "rates": { "connections": 4.26 } }],
            }]})
        };
        let status = json!({
            "active": "b",
            "directors": [{ "name": "a", "seat": "primary", "connected": false, "sync": "unknown" }],
            "counters": [counters("a", 111), counters("b", 7)],
        });
        let text = text(&status, &content);
        assert!(text.contains("not connected"), "{text}");
        let line = text.lines().find(|line| line.starts_with("web ")).unwrap();
        assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["web", "7", "2", "4.3"]);
        assert!(text.contains("10.0.0.1:80  3") && !text.contains("111"), "{text}");
    }
}
