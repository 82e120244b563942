//! `…/events`: what happened on the directors and between them and the console.

use std::time::Duration;

use axum::extract::Path;
use axum::response::Response;
use console::{EventQuery, LoggedEvent};
use lvs::journal::{Happening, Severity};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::request::{limit, ok, with};
use crate::error::Error;
use crate::happenings::sentence;
use crate::screens::events::query;
use crate::text::Language;
use crate::visit::Member;

/// Events in one answer where nothing else is asked for.
const LIMIT: u64 = 100;

/// Something that happened.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Event")]
pub(super) struct EventShape {
    /// Rising in the order of receipt.
    pub(super) number: i64,
    at: String,
    /// None for what the console did.
    director: Option<String>,
    severity: Severity,
    kind: String,
    /// In the language asked for.
    text: String,
    details: Happening,
}

pub(super) fn shape(language: Language, event: &LoggedEvent) -> EventShape {
    EventShape {
        number: event.number,
        at: event.at.to_string(),
        director: event.director.clone(),
        severity: event.what.severity(),
        kind: event.what.word().to_owned(),
        text: sentence(language.into(), &event.what),
        details: event.what.clone(),
    }
}

/// What an answer to `?since=` tells besides the events.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Poll")]
pub(super) struct Poll {
    /// To be sent as `since` the next time.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
    /// Whether events may be missing in between, so that all should be read again.
    #[serde(skip_serializing_if = "Option::is_none")]
    resync: Option<bool>,
}

/// Events after that number, in the order of receipt; waits for one where it may and there is none.
async fn after(member: &Member, cluster: &str, since: &str) -> Result<Response, Error> {
    let since: i64 = since
        .parse()
        .map_err(|_| Error::Parameter("since: the number of an event is expected".to_owned()))?;
    let seconds = member.visit.query.filled("wait").and_then(|text| text.parse().ok()).unwrap_or(0);
    let until = Instant::now() + Duration::from_secs(seconds);
    let most = u32::try_from(limit(&member.visit, LIMIT)?).map_err(Error::internal)?;
    let mut changes = member.console().changes();
    loop {
        changes.mark_unchanged();
        let found = member.console().events_after(cluster, since, most).await?;
        if found.events.is_empty()
            && !found.gap
            && matches!(timeout_at(until, changes.changed()).await, Ok(Ok(())))
        {
            continue;
        }
        let last = found.events.last().map_or(since, |event| event.number);
        let poll = Poll { since: Some(if found.gap { found.newest } else { last }), resync: Some(found.gap) };
        let events = if found.gap { Vec::new() } else { found.events };
        let items: Vec<EventShape> = events.iter().map(|event| shape(member.language(), event)).collect();
        return Ok(ok(with(json!({ "items": items, "next": null }), poll)?));
    }
}

/// `GET …/events?director=&kind=&severity=&before=&limit=`: the newest first; `next` is where older ones go on.
pub(super) async fn list(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    if let Some(since) = member.visit.query.filled("since") {
        return after(&member, &cluster, since).await;
    }
    let most = limit(&member.visit, LIMIT)?;
    let mut query =
        EventQuery { limit: u32::try_from(most).map_err(Error::internal)?, ..query(&member.visit)? };
    if let Some(cursor) = member.visit.query.filled("cursor") {
        query.before =
            Some(cursor.parse().map_err(|e: console::EventPlaceError| Error::Malformed(e.to_string()))?);
    }
    let events = member.console().events(&cluster, &query).await?;
    let next = events.last().filter(|_| events.len() == most).map(|event| event.place().to_string());
    let items: Vec<EventShape> = events.iter().map(|event| shape(member.language(), event)).collect();
    Ok(ok(json!({ "items": items, "next": next })))
}
