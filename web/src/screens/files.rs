//! What pages show, as CSV files: the routing table with its numbers, and events. The same as the pages, with the same
//! filters; numbers are exact, and moments are UTC.

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use console::{EventQuery, Rates};
use lvs::Cluster;

use super::audit::cell;
use super::events::query;
use super::monitoring::source_of_numbers;
use super::server_state::status;
use crate::error::Error;
use crate::happenings::sentence;
use crate::visit::Member;

/// Events of one file, at most.
const EVENTS: u32 = 500;

/// Lines as a file to keep.
fn file(name: &'static str, head: &str, lines: impl Iterator<Item = Vec<String>>) -> Response {
    let mut text = format!("{head}\r\n");
    for line in lines {
        let cells: Vec<String> = line.iter().map(|text| cell(text)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(name)),
    ];
    (headers, text).into_response()
}

/// The cells of what is counted; empty where nothing is.
fn numbers(active: u64, inactive: u64, rates: Rates) -> [String; 5] {
    [
        active.to_string(),
        inactive.to_string(),
        format!("{:.2}", rates.connections),
        format!("{:.0}", rates.in_bytes),
        format!("{:.0}", rates.out_bytes),
    ]
}

/// `GET …/table.csv`: every virtual and real server of what runs, with the numbers of the director that counts.
pub(super) async fn table(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let view = member.console().cluster(&cluster).await?;
    let live = member.console().live(&view.id).await?;
    let nothing = Cluster::default();
    let content = view.running.as_ref().map_or(&nothing, |running| &running.content);
    let witness = source_of_numbers(&live);
    let counters = witness.and_then(|director| director.counters.as_deref());
    let mut lines = Vec::new();
    for service in &content.virtual_servers {
        let key = service.key();
        let counted = key.as_ref().and_then(|key| counters?.get(key));
        let name = |text: Option<String>| text.unwrap_or_default();
        let shown = name(key.map(|key| key.to_string()));
        let mut line = vec![service.name.clone(), String::new(), shown, String::new(), String::new()];
        line.extend(counted.map(|live| numbers(live.active, live.inactive, live.rates)).unwrap_or_default());
        lines.push(line);
        for real in &service.real_servers {
            let server = service.server_key(real);
            let verdict = witness.and_then(|director| status(director, key, server));
            let its = counted.and_then(|counted| counted.servers.get(&server));
            let weight = its.map_or(u32::from(real.weight.0), |its| its.weight);
            let mut line = vec![
                service.name.clone(),
                real.name.clone(),
                server.to_string(),
                name(verdict.map(|status| status.verdict.as_str().to_owned())),
                weight.to_string(),
            ];
            let counted = its.map(|live| numbers(live.active.into(), live.inactive.into(), live.rates));
            line.extend(counted.unwrap_or_default());
            lines.push(line);
        }
    }
    let head = "virtual_server,real_server,address,health,weight,active,inactive,connections_per_s,\
                in_bytes_per_s,out_bytes_per_s";
    Ok(file("attachment; filename=\"table.csv\"", head, lines.into_iter()))
}

/// `GET …/events.csv`: the newest events that the filters of the page let through.
pub(super) async fn events(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let locale = member.locale();
    let query = EventQuery { limit: EVENTS, ..query(&member.visit)? };
    let events = member.console().events(&cluster, &query).await?;
    let lines = events.into_iter().map(|event| {
        vec![
            event.at.to_string(),
            event.what.severity().as_str().to_owned(),
            event.director.clone().unwrap_or_default(),
            event.what.word().to_owned(),
            sentence(locale, &event.what),
        ]
    });
    Ok(file("attachment; filename=\"events.csv\"", "at,severity,director,kind,text", lines))
}
