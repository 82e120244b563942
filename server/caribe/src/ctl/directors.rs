//! `heartbeat-key`, `join`, `enrollments`, `end-enrollment`, `revoke`: what a director is known by.

use anyhow::{Context as _, Result};
use hyper::Method;
use serde_json::{Value, json};

use super::client::{Client, part};
use super::show::{at, items, results, row, table};
use super::{Done, Shown, cluster_path};

fn director_path((cluster, director): (&str, &str)) -> String {
    format!("{}/directors/{}", cluster_path(cluster), part(director))
}

/// Another key for the beats; complete where it is sent.
pub(super) async fn heartbeat_key(client: &Client, cluster: &str) -> Result<Done> {
    let body = client.post(&format!("{}/heartbeat-key", cluster_path(cluster)), &json!({})).await?.body;
    let sent = body.get("sent") == Some(&Value::Bool(true));
    let number = at(&body, "/number");
    let mut text = match sent {
        true => format!("key {number} is sent\n"),
        false => format!("key {number} is not accepted by every director yet; say the same again to go on\n"),
    };
    results(&mut text, &body);
    Ok(Done { body, text: Shown::Text(text), complete: sent })
}

/// A join token, as the command to be typed on the director.
pub(super) async fn join(client: &Client, director: (&str, &str), dial: Option<&str>) -> Result<Done> {
    let sent = dial.map_or_else(|| json!({}), |dial| json!({ "dial": dial }));
    let body = client.post(&format!("{}/join-token", director_path(director)), &sent).await?.body;
    let text = format!("{}\n", at(&body, "/command"));
    eprintln!("To be typed on {}, as root, until {}:", at(&body, "/director"), at(&body, "/expires"));
    Ok(Done::all(body, text))
}

/// The join tokens that are not used yet.
pub(super) async fn enrollments(client: &Client) -> Result<Done> {
    let body = client.get("/enrollments?limit=500").await?.body;
    let mut rows = vec![row(["CLUSTER", "DIRECTOR", "ISSUED", "EXPIRES"])];
    for pending in items(&body, "/items") {
        rows.push(["/cluster", "/director", "/issued", "/expires"].map(|name| at(pending, name)).to_vec());
    }
    Ok(Done::all(body, table(&rows)))
}

/// Ends the one of a director.
pub(super) async fn end_enrollment(client: &Client, (cluster, director): (&str, &str)) -> Result<Done> {
    let all = client.get("/enrollments?limit=500").await?.body;
    let is = |pending: &Value, names: [&str; 2], wanted: &str| {
        names.iter().any(|name| pending.pointer(name).and_then(Value::as_str) == Some(wanted))
    };
    let pending = items(&all, "/items").find(|pending| {
        is(pending, ["/cluster", "/cluster_id"], cluster) && is(pending, ["/director", "/id"], director)
    });
    let pending = pending.with_context(|| format!("no join token is open for {director} of {cluster}"))?;
    let path = format!("/enrollments/{}", part(&at(pending, "/id")));
    client.ask(Method::DELETE, &path, None, None).await?;
    Ok(Done::all(Value::Null, format!("nobody joins as {director} any more\n")))
}

/// Ends a director's certificates.
pub(super) async fn revoke(client: &Client, director: (&str, &str)) -> Result<Done> {
    client.post(&format!("{}/revoke", director_path(director)), &json!({})).await?;
    let (_, name) = director;
    Ok(Done::all(Value::Null, format!("{name}'s certificates have ended; its kernel stays as it is\n")))
}
