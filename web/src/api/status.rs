//! `GET …/status`: what the directors report at this moment, with counters. Nothing here asks a director.

use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use console::{LiveCluster, LiveDirector, LiveService, Rates, Sync};
use lvs::counters::Totals;
use serde_json::{Value, json};

use crate::error::Error;
use crate::visit::Member;

/// One director; counters are by service, as its kernel has them.
pub(super) fn director(live: &LiveDirector) -> Value {
    let (sync, held) = match &live.sync {
        Sync::Unknown => ("unknown", None),
        Sync::InSync => ("in-sync", None),
        Sync::Applying => ("applying", None),
        Sync::Behind { held } => ("behind", *held),
        Sync::Ahead { held } => ("ahead", Some(*held)),
        Sync::OtherContent { held } => ("other-content", Some(*held)),
    };
    let status = live.status.as_ref();
    json!({
        "name": live.name,
        "seat": live.seat,
        "connected": live.connected,
        "since": live.since.to_string(),
        "last_error": live.last_error,
        "sync": sync,
        "held_revision": held.or(status.and_then(|s| s.revision)),
        "status": status,
        "status_at": live.status_at.map(|at| at.to_string()),
    })
}

fn totals(totals: &Totals) -> Value {
    json!({
        "connections": totals.connections,
        "in_packets": totals.in_packets,
        "out_packets": totals.out_packets,
        "in_bytes": totals.in_bytes,
        "out_bytes": totals.out_bytes,
    })
}

fn rates(rates: &Rates) -> Value {
    json!({
        "connections": rates.connections,
        "in_packets": rates.in_packets,
        "out_packets": rates.out_packets,
        "in_bytes": rates.in_bytes,
        "out_bytes": rates.out_bytes,
    })
}

fn service(key: &str, live: &LiveService) -> Value {
    let servers: Vec<Value> = live
        .servers
        .iter()
        .map(|(key, server)| {
            json!({
                "key": key.to_string(),
                "weight": server.weight,
                "active": server.active,
                "inactive": server.inactive,
                "persistent": server.persistent,
                "totals": totals(&server.totals),
                "rates": rates(&server.rates),
            })
        })
        .collect();
    json!({
        "key": key,
        "active": live.active,
        "inactive": live.inactive,
        "totals": totals(&live.totals),
        "rates": rates(&live.rates),
        "servers": servers,
    })
}

fn counted(live: &LiveDirector) -> Option<Value> {
    let counters = live.counters.as_ref()?;
    let services: Vec<Value> = counters.iter().map(|(key, live)| service(&key.to_string(), live)).collect();
    Some(json!({
        "director": live.name,
        "at": live.counters_at.map(|at| at.to_string()),
        "services": services,
    }))
}

fn shape(live: &LiveCluster) -> Value {
    json!({
        "running_revision": live.running,
        "active": live.active().map(|d| &d.name),
        "directors": live.directors.iter().map(director).collect::<Vec<_>>(),
        "counters": live.directors.iter().filter_map(counted).collect::<Vec<_>>(),
    })
}

/// `GET …/status`
pub(super) async fn status(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let live = member.console().live(&cluster).await?;
    Ok(Json(shape(&live)).into_response())
}
