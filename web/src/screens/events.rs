//! EVENTS: what happened on the directors and between them and the console, the newest first.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{EventQuery, LoggedEvent};
use lvs::journal::Severity;

use crate::error::Error;
use crate::happenings::{look, sentence};
use crate::locale::Locale;
use crate::page::{Page, Tab, show};
use crate::visit::{Member, Visit};

/// Events on one page.
const PER_PAGE: u32 = 100;

/// One event as it is shown.
#[derive(Clone)]
pub(crate) struct EventRow {
    pub(crate) moment: String,
    pub(crate) tone: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) severity: String,
    pub(crate) director: Option<String>,
    pub(crate) sentence: String,
}

impl EventRow {
    pub(crate) fn of(locale: Locale, event: &LoggedEvent) -> Self {
        let severity = event.what.severity();
        let (tone, icon) = look(severity);
        EventRow {
            moment: locale.precise(event.at),
            tone,
            icon,
            severity: locale.say(format!("event-severity-{}", severity.as_str())).to_string(),
            director: event.director.clone(),
            sentence: sentence(locale, &event.what),
        }
    }
}

#[derive(Template)]
#[template(path = "events.html")]
struct EventsPage {
    p: Page,
    rows: Vec<EventRow>,
    directors: Vec<String>,
    director: String,
    severity: &'static str,
    /// Where the next page goes on.
    next: Option<String>,
    /// Whether this is not the first page.
    later: bool,
}

impl EventsPage {
    fn severities(&self) -> [Severity; 3] {
        Severity::ALL
    }
}

/// What the address asks for.
pub(crate) fn query(visit: &Visit) -> Result<EventQuery, Error> {
    let given = |name: &str| Some(visit.query.get(name)).filter(|text| !text.is_empty());
    let severity = given("severity")
        .map(|word| {
            Severity::named(word).ok_or_else(|| {
                Error::Malformed(format!("severity {word:?}: info, warning or critical is expected"))
            })
        })
        .transpose()?;
    let before = given("before")
        .map(|text| {
            text.parse().map_err(|error: console::EventPlaceError| Error::Malformed(error.to_string()))
        })
        .transpose()?;
    Ok(EventQuery {
        director: given("director").map(ToOwned::to_owned),
        kind: given("kind").map(ToOwned::to_owned),
        severity,
        before,
        limit: PER_PAGE,
    })
}

/// `GET …/events`
pub(super) async fn list(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let locale = member.locale();
    let query = query(&member.visit)?;
    let mut events =
        member.console().events(&cluster, &EventQuery { limit: PER_PAGE + 1, ..query.clone() }).await?;
    let more = events.len() > PER_PAGE as usize;
    events.truncate(PER_PAGE as usize);
    let next = events.last().filter(|_| more).map(|event| event.place().to_string());
    let rows = events.iter().map(|event| EventRow::of(locale, event)).collect();
    let p = Page::of_cluster(&member, &cluster, Tab::Events, locale.say("tab-events")).await?;
    let live = member.console().live(&cluster).await?;
    let page = EventsPage {
        p,
        rows,
        directors: live.directors.into_iter().map(|director| director.name).collect(),
        director: query.director.unwrap_or_default(),
        severity: query.severity.map_or("", Severity::as_str),
        next,
        later: query.before.is_some(),
    };
    show(StatusCode::OK, &page)
}
