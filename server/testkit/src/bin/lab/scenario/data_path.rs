//! Checks through the data path: a real server that answers at its own address but does not take clients' packets is found
//! by both directors, also by the one that holds the virtual address. Called by the scenarios of direct routing and tunnels,
//! whose stage it uses.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use testkit::api::Api;
use testkit::wait::{self, Seen};

use crate::network::{self, DIRECTORS, VIP};
use crate::stage::{CLUSTER, PATIENCE, Stage};

/// What a director says of a server that has answered the checks of this file, and not only those before.
pub(super) const ANSWERED: &[&str] = &["answered", r#""kind":"http""#];

/// Checks of a web server, every second, also through the data path.
pub(super) fn asked() -> Value {
    json!({
        "checks": [{ "kind": "http" }],
        "data_path": true,
        "interval_ms": 1_000,
        "timeout_ms": 800,
        "fall": 2,
        "rise": 1,
        "reentry_s": 0,
    })
}

/// Turns them on in `content`, takes the virtual address off the second real server and gives it back. `table` is what both
/// kernels hold, the second server's row last; the address is on this interface of a real server.
pub(super) fn show(stage: &Stage, api: &Api, content: &Value, table: &str, interface: &str) -> Result<()> {
    let mut content = content.clone();
    let monitor = content.pointer_mut("/virtual_servers/0/monitor").context("a monitor")?;
    *monitor = asked();
    api.make_it_so(CLUSTER, &content)?;
    for (director, place) in DIRECTORS.iter().flat_map(|director| [(director, 0), (director, 1)]) {
        seen(api, director.name, place, "up", ANSWERED)?;
    }
    network::ip(Some("rs2"), &[format!("addr del {VIP}/32 dev {interface}")])?;
    let rows: Vec<&str> = table.lines().collect();
    let first = rows.split_last().map_or_else(String::new, |(_, rows)| rows.join("\n") + "\n");
    for director in &DIRECTORS {
        seen(api, director.name, 1, "down", &["data-path"])?;
        stage.wait_for_table(director, &first)?;
    }
    stage.say("both say that clients' packets do not reach rs2");
    network::ip(Some("rs2"), &[format!("addr add {VIP}/32 dev {interface}")])?;
    for director in &DIRECTORS {
        seen(api, director.name, 1, "up", ANSWERED)?;
        stage.wait_for_table(director, table)?;
    }
    stage.say("the address is back on rs2, and both say so");
    Ok(())
}

/// Waits until a director gives this verdict on the real server in this place of all, and says these words of it.
pub(super) fn seen(api: &Api, director: &str, place: usize, verdict: &str, words: &[&str]) -> Result<()> {
    wait::until(&format!("{director} says {verdict} ({words:?}) of server {place}"), PATIENCE, || {
        let shown = api.get(&format!("/clusters/{CLUSTER}/probes"))?;
        let views = shown.pointer(&format!("/items/{place}/directors")).cloned().unwrap_or_default();
        let views = views.as_array().cloned().unwrap_or_default();
        let of = views
            .into_iter()
            .find(|view| view.pointer("/director") == Some(&json!(director)))
            .unwrap_or_default();
        let right = of.pointer("/health/verdict") == Some(&json!(verdict))
            && words.iter().all(|word| of.to_string().contains(word));
        Ok(if right { Seen::Yes(()) } else { Seen::not_yet(of.to_string()) })
    })
}
