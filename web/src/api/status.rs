//! `GET …/status`: what the directors report at this moment, with counters. Nothing here asks a director.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use console::{LiveCluster, LiveCounters, LiveDirector, LiveServer, Provisional, Sync};
use lvs::counters::Totals;
use lvs::model::Seat;
use lvs::table::ServerKey;
use lvs::wire::Status as AgentStatus;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::error::Error;
use crate::visit::Member;

/// What a director reports at this moment.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LiveDirector")]
pub(super) struct LiveShape {
    name: String,
    seat: Option<Seat>,
    /// Whether the console hears it now; else the rest is what it said last.
    connected: bool,
    since: String,
    last_error: Option<String>,
    /// How the revision that it holds compares to the running one.
    sync: &'static str,
    held_revision: Option<u64>,
    status: Option<AgentStatus>,
    status_at: Option<String>,
}

/// One director; counters are by service, as its kernel has them.
pub(super) fn director(live: &LiveDirector) -> LiveShape {
    let held = match &live.sync {
        Sync::Behind { held } => *held,
        Sync::Ahead { held } | Sync::OtherContent { held } => Some(*held),
        _ => None,
    };
    LiveShape {
        name: live.name.clone(),
        seat: live.seat,
        connected: live.connected,
        since: live.since.to_string(),
        last_error: live.last_error.as_ref().map(ToString::to_string),
        sync: super::metrics::sync(&live.sync),
        held_revision: held.or(live.status.as_ref().and_then(|s| s.revision)),
        status: live.status.clone(),
        status_at: live.status_at.map(|at| at.to_string()),
    }
}

/// What runs on trial.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Trial")]
struct TrialShape {
    revision: u64,
    /// When it is undone.
    until: String,
}

/// The answer; written as it is walked through, as counters of a large table are ten thousands of rows.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Status")]
pub(super) struct Shape<'a> {
    running_revision: Option<u64>,
    /// The revision that is undone unless it is kept, and when.
    provisional: Option<TrialShape>,
    /// The director that holds the virtual addresses, where it is one.
    active: Option<&'a str>,
    directors: Vec<LiveShape>,
    counters: Vec<Counted<'a>>,
}

/// A director's counters.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Counters")]
pub(super) struct Counted<'a> {
    director: &'a str,
    at: Option<String>,
    #[schemars(with = "Vec<Service<'static>>")]
    services: Services<'a>,
}

struct Services<'a>(&'a LiveCounters);

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ServiceCounters")]
struct Service<'a> {
    key: String,
    active: u64,
    inactive: u64,
    totals: Totals,
    rates: Rates,
    #[schemars(with = "Vec<Server>")]
    servers: Servers<'a>,
}

struct Servers<'a>(&'a BTreeMap<ServerKey, LiveServer>);

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ServerCounters")]
struct Server {
    key: String,
    weight: u32,
    active: u32,
    inactive: u32,
    persistent: u32,
    totals: Totals,
    rates: Rates,
}

/// Per second.
#[derive(Serialize, JsonSchema)]
struct Rates {
    connections: f64,
    in_packets: f64,
    out_packets: f64,
    in_bytes: f64,
    out_bytes: f64,
}

impl From<console::Rates> for Rates {
    fn from(rates: console::Rates) -> Self {
        Rates {
            connections: rates.connections,
            in_packets: rates.in_packets,
            out_packets: rates.out_packets,
            in_bytes: rates.in_bytes,
            out_bytes: rates.out_bytes,
        }
    }
}

impl Serialize for Services<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(key, live)| Service {
            key: key.to_string(),
            active: live.active,
            inactive: live.inactive,
            totals: live.totals,
            rates: live.rates.into(),
            servers: Servers(&live.servers),
        }))
    }
}

impl Serialize for Servers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(key, live)| Server {
            key: key.to_string(),
            weight: live.weight,
            active: live.active,
            inactive: live.inactive,
            persistent: live.persistent,
            totals: live.totals,
            rates: live.rates.into(),
        }))
    }
}

pub(super) fn counted(live: &LiveDirector) -> Option<Counted<'_>> {
    let counters = live.counters.as_ref()?;
    let at = live.counters_at.map(|at| at.to_string());
    Some(Counted { director: &live.name, at, services: Services(counters) })
}

fn shape(live: &LiveCluster, provisional: Option<Provisional>) -> Shape<'_> {
    Shape {
        running_revision: live.running,
        provisional: provisional
            .map(|trial| TrialShape { revision: trial.revision, until: trial.until.to_string() }),
        active: live.active().map(|d| d.name.as_str()),
        directors: live.directors.iter().map(director).collect(),
        counters: live.directors.iter().filter_map(counted).collect(),
    }
}

/// `GET …/status`
pub(super) async fn status(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let live = member.console().live(&cluster).await?;
    let provisional = member.console().provisional(&cluster).await?;
    Ok(Json(shape(&live, provisional)).into_response())
}
