//! `…/series`: what went through a cluster's services, or one service's real servers, over time.

use axum::extract::Path;
use axum::response::Response;
use jiff::Timestamp;
use lvs::series::{Resolution, Sample};
use lvs::table::{ServerKey, ServiceKey};
use schemars::JsonSchema;
use serde::Serialize;

use super::request::ok;
use crate::error::Error;
use crate::locale::Zone;
use crate::screens::objects::virtual_server;
use crate::traffic::{Span, Traffic};
use crate::visit::Member;

/// Two digits after the point are all that is recorded.
fn two(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// What went through at one moment; counts are means of its step, rates are per second.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Sample")]
struct SampleShape {
    at: String,
    active: f64,
    inactive: f64,
    peak_active: f64,
    connections_per_s: f64,
    in_packets_per_s: f64,
    out_packets_per_s: f64,
    in_bytes_per_s: f64,
    out_bytes_per_s: f64,
}

/// One service, or one of its real servers, over time.
#[derive(Serialize, JsonSchema)]
struct SeriesLine {
    name: String,
    service: Option<ServiceKey>,
    server: Option<ServerKey>,
    /// Moments that nothing is known of are left out.
    samples: Vec<SampleShape>,
}

/// Traffic over time.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Series")]
pub(super) struct SeriesShape {
    /// `live`, `fine`, `minute` or `coarse`.
    resolution: &'static str,
    /// Seconds between two samples.
    step_s: Option<u32>,
    items: Vec<SeriesLine>,
    next: Option<String>,
}

fn sample(at: i64, sample: &Sample) -> SampleShape {
    SampleShape {
        at: Timestamp::from_second(at).map(|at| at.to_string()).unwrap_or_default(),
        active: two(sample.active),
        inactive: two(sample.inactive),
        peak_active: sample.peak.round(),
        connections_per_s: two(sample.connections),
        in_packets_per_s: two(sample.in_packets),
        out_packets_per_s: two(sample.out_packets),
        in_bytes_per_s: sample.in_bytes.round(),
        out_bytes_per_s: sample.out_bytes.round(),
    }
}

fn word(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Live => "live",
        Resolution::Fine => "fine",
        Resolution::Minute => "minute",
        Resolution::Coarse => "coarse",
    }
}

/// `GET …/series?service=&range=15m|1h|6h|24h|7d|30d` or `&from=&until=`: by service, or by real server of one; moments
/// that nothing is known of are left out.
pub(super) async fn series(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let span = Span::read(&member.visit.query, Zone::UTC, Timestamp::now().as_second())?;
    let view = member.console().cluster(&cluster).await?;
    let content = view.running.as_ref().map(|running| running.content.clone()).unwrap_or_default();
    let service = match member.visit.query.filled("service") {
        Some(key) => Some(virtual_server(&content, key)?.1),
        None => None,
    };
    let live = member.console().live(&view.id).await?;
    let traffic = Traffic::of(&member, &view, &live, service, &span).await?;
    let step = traffic.lines.first().map(|(_, named)| named.line.step_s);
    let items = traffic
        .lines
        .iter()
        .map(|(key, named)| {
            let known = named.line.points().filter_map(|(at, one)| Some(self::sample(at, &one?)));
            SeriesLine {
                name: named.name.clone(),
                service: key.and_then(|key| key.service),
                server: key.and_then(|key| key.server),
                samples: known.collect(),
            }
        })
        .collect();
    Ok(ok(SeriesShape { resolution: word(traffic.resolution), step_s: step, items, next: None }))
}
