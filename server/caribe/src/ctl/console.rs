//! `audit`, `backup`: the console itself.

use anyhow::Result;
use serde_json::{Value, json};

use super::Done;
use super::client::{Client, part};
use super::show::{at, items, row, table};

/// Who did what: the newest rows, oldest first.
pub(super) async fn audit(client: &Client, cluster: Option<&str>, limit: u16) -> Result<Done> {
    let only = cluster.map(|cluster| format!("&cluster={}", part(cluster))).unwrap_or_default();
    let body = client.get(&format!("/audit?limit={limit}{only}")).await?.body;
    let mut all: Vec<&Value> = items(&body, "/items").collect();
    all.reverse();
    let mut rows = vec![row(["WHEN", "WHO", "FROM", "WHAT", "OF", "DETAIL"])];
    for one in all {
        let cells = ["/at", "/actor", "/source", "/action", "/subject", "/detail"];
        rows.push(cells.map(|name| at(one, name)).to_vec());
    }
    let text = table(&rows);
    Ok(Done::all(body, text))
}

/// Makes one now.
pub(super) async fn backup(client: &Client) -> Result<Done> {
    let body = client.post("/system/backups", &json!({})).await?.body;
    let text = format!("{}: {} bytes\n", at(&body, "/name"), at(&body, "/bytes"));
    Ok(Done::all(body, text))
}
