//! `drain`, `enable`, `disable`, `check`, `switch-over`, `hold`, `resume`: orders, which are no configuration.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use lvs::health::Outcome;
use serde_json::{Value, json};

use super::client::{Client, part};
use super::show::{at, items, results};
use super::words::{Drain, Target};
use super::{Done, Shown, cluster_path};

/// How often directors are asked how far a drain is.
const LOOK: Duration = Duration::from_secs(1);

/// Gives an order that is not a drain.
pub(super) async fn server(client: &Client, target: &Target, instruction: &str) -> Result<Done> {
    let order = json!({ "instruction": instruction, "reason": target.reason });
    given(client, target, &order).await
}

/// Drains, and waits where that was asked for.
pub(super) async fn drain(client: &Client, asked: &Drain) -> Result<Done> {
    let mut order = json!({
        "instruction": "draining", "at_once": asked.now, "reason": asked.target.reason,
        "then": if asked.cut { "cut" } else { "wait" },
    });
    if let (Some(deadline), Some(order)) = (asked.deadline, order.as_object_mut()) {
        order.insert("deadline_s".to_owned(), deadline.into());
    }
    let done = given(client, &asked.target, &order).await?;
    if !asked.wait {
        return Ok(done);
    }
    let places = places(client, &asked.target).await?;
    let end = Instant::now() + Duration::from_secs(asked.timeout.into());
    let mut said = None;
    loop {
        let mut left = Vec::new();
        for place in &places {
            left.extend(undrained(&client.get(&format!("{place}/health")).await?.body));
        }
        if left.is_empty() {
            return Ok(Done::all(json!({ "drained": true }), "empty on every director\n".to_owned()));
        }
        let now = left.join("; ");
        if said.as_ref() != Some(&now) {
            eprintln!("{now}");
            said = Some(now.clone());
        }
        if Instant::now() >= end {
            return Ok(Done::partly(json!({ "drained": false }), format!("not empty: {now}\n")));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Has every director ask a real server at once; complete where each one got the answer it wanted.
pub(super) async fn check(client: &Client, cluster: &str, server: &str) -> Result<Done> {
    let path = format!("{}/check-now", place(cluster, server)?);
    let body = client.post(&path, &json!({})).await?.body;
    let (text, good) = asked(&body);
    Ok(Done { body, text: Shown::Text(text), complete: good })
}

/// What each director saw, and whether that was good.
fn asked(body: &Value) -> (String, bool) {
    let (mut text, mut good) = (String::new(), items(body, "/directors").next().is_some());
    for director in items(body, "/directors") {
        let name = at(director, "/director");
        if director.get("outcome").and_then(Value::as_str) != Some("asked") {
            text.push_str(&format!("{name}: {}, {}\n", at(director, "/outcome"), at(director, "/reason")));
            good = false;
        }
        for answer in items(director, "/answers") {
            let outcome = answer.get("outcome").cloned().unwrap_or_default();
            let up = serde_json::from_value(outcome.clone()).is_ok_and(|it| matches!(it, Outcome::Up { .. }));
            good &= up;
            let total = answer.pointer("/timings/total_us").and_then(Value::as_f64).unwrap_or_default();
            let word = if up { "up".to_owned() } else { outcome.to_string() };
            let detail = answer.get("detail").and_then(Value::as_str);
            let detail = detail.map(|detail| format!(", {detail}")).unwrap_or_default();
            let target = at(answer, "/target");
            text.push_str(&format!("{name}: {target} {word}, {:.1} ms{detail}\n", total / 1000.0));
        }
    }
    (text, good)
}

/// What each director still has of one real server; one that is not connected says nothing, so it is not done.
fn undrained(health: &Value) -> Vec<String> {
    items(health, "/directors")
        .filter_map(|director| {
            let name = at(director, "/director");
            if director.get("connected") != Some(&Value::Bool(true)) {
                return Some(format!("{name}: not connected"));
            }
            let drain = director.pointer("/health/order/drain")?;
            match drain.pointer("/drain").or(Some(drain)).and_then(Value::as_str) {
                Some("drained" | "cut") => None,
                _ => Some(format!("{name}: {} left", at(drain, "/left"))),
            }
        })
        .collect()
}

async fn given(client: &Client, target: &Target, order: &Value) -> Result<Done> {
    let path = match machine(&target.target) {
        Some(address) => format!("{}/machines/{}", cluster_path(&target.cluster), part(&address.to_string())),
        None => place(&target.cluster, &target.target)?,
    };
    let answer = client.post(&format!("{path}/orders"), order).await?.body;
    let mut text = String::new();
    results(&mut text, &answer);
    let followed = items(&answer, "/directors").all(|director| {
        matches!(director.get("outcome").and_then(Value::as_str), Some("followed" | "applying"))
    });
    Ok(Done { body: answer, text: Shown::Text(text), complete: followed })
}

fn machine(target: &str) -> Option<IpAddr> {
    target.parse().ok()
}

/// The path of `VIRTUAL-SERVER/REAL-SERVER`.
fn place(cluster: &str, target: &str) -> Result<String> {
    let (service, server) = target.rsplit_once('/').with_context(|| {
        format!("{target:?}: VIRTUAL-SERVER/REAL-SERVER is expected, or the address of a machine")
    })?;
    Ok(format!("{}/virtual-servers/{}/real-servers/{}", cluster_path(cluster), part(service), part(server)))
}

/// All real servers that a target means.
async fn places(client: &Client, target: &Target) -> Result<Vec<String>> {
    let Some(address) = machine(&target.target) else {
        return Ok(vec![place(&target.cluster, &target.target)?]);
    };
    let cluster = client.get(&format!("{}?view=running", cluster_path(&target.cluster))).await?.body;
    let mut places = Vec::new();
    for service in items(&cluster, "/virtual_servers") {
        for server in items(service, "/real_servers") {
            if at(server, "/address").parse() == Ok(address) {
                places.push(format!(
                    "{}/virtual-servers/{}/real-servers/{}",
                    cluster_path(&target.cluster),
                    part(&at(service, "/id")),
                    part(&at(server, "/id"))
                ));
            }
        }
    }
    if places.is_empty() {
        bail!("no real server has the address {address}");
    }
    Ok(places)
}

/// Has the active director of a pair hand over.
pub(super) async fn switch_over(client: &Client, cluster: &str, force: bool) -> Result<Done> {
    let status = client.get(&format!("{}/status", cluster_path(cluster))).await?.body;
    let active = status.get("active").and_then(Value::as_str);
    let active = active.context("no director is active, so none can hand over")?;
    director(client, (cluster, active), "switch-over", force).await
}

/// Gives a director an order.
pub(super) async fn director(
    client: &Client,
    (cluster, director): (&str, &str),
    order: &str,
    force: bool,
) -> Result<Done> {
    let path = format!("{}/directors/{}/orders", cluster_path(cluster), part(director));
    let answer = client.post(&path, &json!({ "order": order, "force": force })).await?.body;
    match answer.get("outcome").and_then(Value::as_str) {
        Some("followed") => Ok(Done::all(answer, format!("{director} followed\n"))),
        outcome => {
            let outcome = outcome.unwrap_or("no outcome").to_owned();
            bail!("{director}: {outcome}, {}", at(&answer, "/reason"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_with_its_service_or_by_its_machine() {
        assert_eq!(
            place("shop", "web/80/one two").unwrap(),
            "/clusters/shop/virtual-servers/web%2F80/real-servers/one%20two"
        );
        assert!(place("shop", "one").is_err());
        assert!(
            machine("10.0.0.1").is_some() && machine("2001:db8::1").is_some() && machine("web").is_none()
        );
    }

    #[test]
    fn a_check_is_good_where_every_director_got_its_answer() {
        let answer = |outcome: Outcome| {
            json!({
                "target": "10.0.0.1:80", "outcome": outcome, "timings": { "total_us": 1500 },
            })
        };
        let up = answer(Outcome::Up { load: None });
        let down = answer(Outcome::Down(lvs::health::Failure::Status { code: 503 }));
        let asked_by = |answers: Value| json!({ "director": "a", "outcome": "asked", "answers": answers });
        let (text, good) = asked(&json!({ "directors": [asked_by(json!([up]))] }));
        assert!(good && text == "a: 10.0.0.1:80 up, 1.5 ms\n", "{text}");
        let (text, good) = asked(&json!({ "directors": [asked_by(json!([up, down]))] }));
        assert!(!good && text.lines().count() == 2 && text.contains("503"), "{text}");
        let away = json!({ "director": "b", "outcome": "unreachable", "reason": "refused", "answers": [] });
        let (text, good) = asked(&json!({ "directors": [asked_by(json!([up])), away] }));
        assert!(!good && text.ends_with("b: unreachable, refused\n"), "{text}");
        assert!(!asked(&json!({ "directors": [] })).1, "nobody asked");
    }

    #[test]
    fn a_drain_is_done_where_every_director_says_so() {
        let director = |drain: Value| json!({ "director": "a", "connected": true, "health": { "order": { "drain": drain } } });
        let health = |director: Value| json!({ "directors": [director] });
        let drained = serde_json::to_value(lvs::health::Drain::Drained { may_return: 0 }).unwrap();
        let left = serde_json::to_value(lvs::health::Drain::Draining { left: Some(7) }).unwrap();
        assert!(undrained(&health(director(drained))).is_empty());
        assert_eq!(undrained(&health(director(left))), ["a: 7 left"]);
        let away = json!({ "director": "b", "connected": false });
        assert_eq!(undrained(&health(away)), ["b: not connected"]);
    }
}
