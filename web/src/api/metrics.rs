//! `GET /metrics` for Prometheus: what the console knows of all directors, under the names that each director serves for
//! itself, with their cluster and name as labels. Nothing here asks a director.
//!
//! `?servers=false` leaves out the series of single real servers.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use console::{LiveDirector, Sync};
use lvs::metrics::{self, DirectorView, Exposition, Kind, Metric};

use crate::App;
use crate::error::Error;
use crate::visit::Member;

const CONNECTED: Metric = Metric {
    name: "caribe_director_connected",
    help: "1 where the console hears the director at this moment; its other numbers are the last ones heard.",
    kind: Kind::Gauge,
};
const RUNNING: Metric = Metric {
    name: "caribe_running_revision",
    help: "The revision that the cluster's directors should hold.",
    kind: Kind::Gauge,
};
const DRAFTS: Metric = Metric {
    name: "caribe_drafts",
    help: "Drafts of the cluster that are not activated.",
    kind: Kind::Gauge,
};
const SYNC: Metric = Metric {
    name: "caribe_director_sync",
    help: "1 for how the revision that the director holds compares to the running one.",
    kind: Kind::Gauge,
};
const MESSAGES: Metric = Metric {
    name: "caribe_alert_messages",
    help: "Messages of alerts in the delivery log, by what came of them.",
    kind: Kind::Gauge,
};
const BACKUP: Metric = Metric {
    name: "caribe_backup_last_timestamp_seconds",
    help: "When the console's last backup was made, seconds since 1970; absent where none was.",
    kind: Kind::Gauge,
};
const SYNCS: [&str; 7] = ["unknown", "in-sync", "applying", "drifted", "behind", "ahead", "other-content"];

/// `GET /metrics`
pub(super) async fn metrics(member: Member, State(app): State<App>) -> Result<Response, Error> {
    let servers = member.visit.query.get("servers") != "false";
    let only = member.actor.cluster.as_deref();
    let mut exposition = Exposition::default();
    metrics::build(&mut exposition, env!("CARGO_PKG_VERSION"));
    if only.is_none() {
        for (outcome, count) in app.console.count_alert_messages().await? {
            let count = u64::try_from(count).unwrap_or_default();
            exposition.add(&MESSAGES, &[("outcome", outcome.as_str())], count);
        }
        if let Some(at) = app.console.last_backup().await? {
            exposition.add(&BACKUP, &[], u64::try_from(at.as_second()).unwrap_or_default());
        }
    }
    for summary in app.console.clusters().await? {
        if only.is_some_and(|only| only != summary.id) {
            continue;
        }
        exposition.label_all(&[("cluster", &summary.name)]);
        exposition.add(&DRAFTS, &[], u64::try_from(summary.drafts.len()).unwrap_or(u64::MAX));
        if let Some(running) = summary.running {
            exposition.add(&RUNNING, &[], running);
        }
        let live = app.console.live(&summary.id).await?;
        let running = app.console.cluster(&summary.id).await?.running;
        for director in &live.directors {
            exposition.label_all(&[("cluster", &summary.name), ("director", &director.name)]);
            exposition.add(&CONNECTED, &[], u8::from(director.connected));
            for word in SYNCS {
                exposition.add(&SYNC, &[("state", word)], u8::from(word == sync(&director.sync)));
            }
            tell(&mut exposition, director, running.as_ref().map(|running| &running.content), servers);
        }
    }
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    Ok(([kind], exposition.text()).into_response())
}

fn tell(exposition: &mut Exposition, director: &LiveDirector, cluster: Option<&lvs::Cluster>, servers: bool) {
    let Some(status) = &director.status else { return };
    let counters = director.counters.as_ref().map(|counters| console::plain(counters));
    let view = DirectorView {
        status,
        cluster,
        counters: counters.as_ref(),
        checks: director.checks.as_deref(),
        tally: None,
        servers,
    };
    metrics::director(exposition, &view);
}

/// How far a director is, as the API writes it.
pub(super) fn sync(sync: &Sync) -> &'static str {
    match sync {
        Sync::Unknown => "unknown",
        Sync::InSync => "in-sync",
        Sync::Applying => "applying",
        Sync::Drifted { .. } => "drifted",
        Sync::Behind { .. } => "behind",
        Sync::Ahead { .. } => "ahead",
        Sync::OtherContent { .. } => "other-content",
    }
}
