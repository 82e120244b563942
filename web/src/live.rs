//! `GET /clusters/{cluster}/live`: the moving parts of CONTROL/MONITORING as one stream of server-sent events.
//!
//! A new listener gets everything; from then on, at most once a second, the parts that differ from what was sent.
//! Nothing is stored per listener but that text. The stream ends with the session it belongs to, and says so.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use askama::Template as _;
use axum::extract::Path;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use console::ClusterView;
use futures_util::Stream;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::error::Error;
use crate::screens::monitoring::{Now, page_number};
use crate::visit::Member;

/// Between two messages: counts move, and people can still read them.
const PACE: Duration = Duration::from_secs(1);

/// Between two looks whether the session is still there. Such a look counts as use of the session: browsers close
/// the stream of a page that nobody sees, so somebody is watching. The session's absolute end stays.
const SESSION_CHECK: Duration = Duration::from_secs(5);

/// Between two comments on a stream with nothing to say, so that a dead connection is noticed.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// One listener.
struct Listener {
    member: Member,
    cookie: String,
    cluster: String,
    page: usize,
    changes: watch::Receiver<u64>,
    /// The cluster with its running revision, as last read.
    view: Option<ClusterView>,
    sent: BTreeMap<String, String>,
    /// Virtual servers that the page has a place for; none before the first message.
    shape: Option<Vec<String>>,
    checked: Instant,
    next: Instant,
    ended: bool,
}

pub(crate) async fn stream(
    member: Member,
    Path(cluster): Path<String>,
    headers: axum::http::HeaderMap,
) -> Result<Response, Error> {
    let cookie = crate::guard::cookie(&headers).ok_or(Error::Unauthenticated)?;
    // An unknown cluster is a 404, not an empty stream.
    let cluster = member.console().cluster(&cluster).await?.id;
    let listener = Listener {
        changes: member.console().changes(),
        page: page_number(member.visit.query.get("page")),
        member,
        cookie,
        cluster,
        view: None,
        sent: BTreeMap::new(),
        shape: None,
        checked: Instant::now(),
        next: Instant::now(),
        ended: false,
    };
    let alive = KeepAlive::new().interval(HEARTBEAT);
    Ok(Sse::new(events(listener)).keep_alive(alive).into_response())
}

fn events(listener: Listener) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(listener, |mut listener| async move {
        if listener.ended {
            return None;
        }
        let event = listener.next_event().await;
        Some((Ok(event), listener))
    })
}

impl Listener {
    async fn next_event(&mut self) -> Event {
        loop {
            sleep_until(self.next).await;
            if !self.session_lives().await {
                self.ended = true;
                return Event::default().event("session-ended").data("");
            }
            self.next = Instant::now() + PACE;
            match self.differences().await {
                Ok(Some(text)) => return Event::default().data(text),
                Ok(None) => {}
                Err(error) => {
                    // A cluster that was deleted ends the stream; the page then shows its own 404.
                    tracing::debug!(?error, "a live stream ends");
                    self.ended = true;
                    return Event::default().event("session-ended").data("");
                }
            }
            self.wait_for_change().await;
        }
    }

    /// Until something changed, but not longer than until the session is looked at again.
    async fn wait_for_change(&mut self) {
        match timeout_at(self.checked + SESSION_CHECK, self.changes.changed()).await {
            Ok(Ok(())) | Err(_) => {}
            // The console is stopping: nothing will change any more, so only the clock remains.
            Ok(Err(_)) => sleep_until(self.checked + SESSION_CHECK).await,
        }
    }

    async fn session_lives(&mut self) -> bool {
        if self.checked.elapsed() < SESSION_CHECK {
            return true;
        }
        self.checked = Instant::now();
        matches!(self.member.console().session(&self.cookie).await, Ok(Some(_)))
    }

    /// What differs from what this listener has, as fragments for their places; none where nothing does.
    async fn differences(&mut self) -> Result<Option<String>, Error> {
        self.changes.mark_unchanged();
        let live = self.member.console().live(&self.cluster).await?;
        let known = self.view.as_ref().and_then(|view| view.running.as_ref()).map(|r| r.summary.number);
        let view = match self.view.take() {
            // A revision never changes, and a large one takes long to read.
            Some(view) if known.is_some() && known == live.running => view,
            _ => self.member.console().cluster(&self.cluster).await?,
        };
        let now = Now::of(&self.member, &view, &live, self.page);
        let shape: Vec<String> = now.table.shape().into_iter().map(ToOwned::to_owned).collect();
        let whole = self.shape.as_ref() != Some(&shape);
        let mut text = String::new();
        if whole {
            text.push_str(&fragment("#live-services", &now.table.render()?));
            self.shape = Some(shape);
        }
        for (place, part) in now.parts(self.member.language())? {
            let within = whole && place.starts_with("#service-");
            if !within && self.sent.get(&place) != Some(&part) {
                text.push_str(&fragment(&place, &part));
            }
            self.sent.insert(place, part);
        }
        self.view = Some(view);
        Ok(Some(text).filter(|text| !text.is_empty()))
    }
}

/// A part for its place, put in without touching what is the same: focus and selection stay.
fn fragment(place: &str, part: &str) -> String {
    format!("<hx-partial hx-target=\"{place}\" hx-swap=\"innerMorph\">{part}</hx-partial>")
}
