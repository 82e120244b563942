//! `…/stream`: events and counters as server-sent events, for automation; `…/events?since=` is the same for those who
//! ask again and again.
//!
//! Events carry their number as `id`, so that a listener that comes back with `Last-Event-ID` misses nothing; where
//! that cannot be promised it is told to read all again (`resync`). The stream ends (`bye`) with its token's rights.
//! Nothing here asks a director.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use console::{Console, Role};
use futures_util::{Stream, stream};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::events::shape;
use super::status::counted;
use crate::App;
use crate::error::Error;
use crate::text::Language;
use crate::visit::Member;

/// Between two messages with counters.
const PACE: Duration = Duration::from_secs(1);
/// Between two looks whether the token may still listen.
const RIGHTS: Duration = Duration::from_secs(5);
/// Between two comments on a stream with nothing to say.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Milliseconds after which a listener comes back.
const RETRY: Duration = Duration::from_secs(2);
/// Events read at once.
const AT_ONCE: u32 = 100;
/// Streams that one token may have.
const STREAMS: usize = 20;

/// What a stream tells.
pub(super) const TOPICS: [&str; 2] = ["events", "counters"];

/// How many streams each token has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams(Arc<Mutex<BTreeMap<String, usize>>>);

/// One stream's place among its token's; given back when the stream is dropped.
#[derive(Debug)]
struct Place {
    all: Streams,
    token: String,
}

impl Streams {
    fn take(&self, token: &str) -> Result<Place, Error> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(token.to_owned()).or_default();
        if *count >= STREAMS {
            return Err(Error::TooManyStreams { most: STREAMS });
        }
        *count += 1;
        Ok(Place { all: self.clone(), token: token.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.token) {
            *count = count.saturating_sub(1);
        }
        all.retain(|_, count| *count > 0);
    }
}

struct Listener {
    console: Console,
    language: Language,
    /// The secret, to ask again whose it is.
    token: String,
    cluster: String,
    events: bool,
    counters: bool,
    changes: watch::Receiver<u64>,
    /// The last event that was told.
    after: i64,
    /// By director and service: the counters as they were told last.
    told: BTreeMap<(String, String), String>,
    queue: VecDeque<Event>,
    checked: Instant,
    next_counters: Instant,
    ended: bool,
    _place: Place,
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.split_once(' ').map(|(_, token)| token.trim().to_owned())
}

/// `GET …/stream?topics=events,counters&since=`
pub(super) async fn stream(
    member: Member,
    State(app): State<App>,
    Path(cluster): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let token = bearer(&headers).ok_or(Error::Unauthenticated)?;
    let console = member.console().clone();
    let cluster = console.cluster(&cluster).await?.id;
    let topics = member.visit.query.filled("topics").unwrap_or("events,counters");
    let topics: Vec<&str> = topics.split(',').map(str::trim).collect();
    if let Some(unknown) = topics.iter().find(|topic| !TOPICS.contains(topic)) {
        let unknown: String = unknown.chars().take(64).collect();
        let topics = TOPICS.join(", ");
        return Err(Error::Parameter(format!("topics: {unknown:?} is none of {topics}")));
    }
    let known = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let known = known.or_else(|| member.visit.query.filled("since"));
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0);
    let after = match known {
        None => console.events_after(&cluster, 0, 0).await?.newest,
        Some(text) => number(text).ok_or_else(|| {
            Error::Malformed("Last-Event-ID and since: the number of an event is expected".to_owned())
        })?,
    };
    let listener = Listener {
        events: topics.contains(&"events"),
        counters: topics.contains(&"counters"),
        changes: console.changes(),
        language: member.language(),
        _place: app.streams.take(&member.actor.name)?,
        console,
        token,
        cluster,
        after,
        told: BTreeMap::new(),
        // The first message also says where the stream begins.
        queue: VecDeque::from([message("hello", &json!({ "since": after }))
            .retry(RETRY)
            .id(after.to_string())]),
        checked: Instant::now(),
        next_counters: Instant::now(),
        ended: false,
    };
    let alive = KeepAlive::new().interval(HEARTBEAT);
    let mut response = Sse::new(told(listener)).keep_alive(alive).into_response();
    let headers = response.headers_mut();
    // Proxies that collect an answer before they pass it on would keep a stream to themselves.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn message(name: &str, data: &impl Serialize) -> Event {
    // A message of ours is always JSON on one line.
    Event::default().event(name).data(serde_json::to_string(data).unwrap_or_default())
}

fn told(listener: Listener) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    })
}

impl Listener {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            if let Err(error) = self.collect().await {
                tracing::debug!(?error, "a stream of the API ends");
                self.bye("failed");
            } else if !self.may_listen().await {
                self.queue.clear();
                self.bye("rights");
            }
            if self.queue.is_empty() {
                self.wait().await;
            }
        }
    }

    fn bye(&mut self, reason: &str) {
        self.ended = true;
        self.queue.push_back(message("bye", &json!({ "reason": reason })));
    }

    /// Whether the token is still good, may read, and reaches this cluster.
    async fn may_listen(&mut self) -> bool {
        if self.checked.elapsed() < RIGHTS {
            return true;
        }
        self.checked = Instant::now();
        let actor = self.console.bearer(&self.token).await.ok().flatten();
        actor.is_some_and(|actor| {
            actor.may(Role::Viewer) && actor.cluster.is_none_or(|only| only == self.cluster)
        })
    }

    /// Until something changed, but not longer than until the rights are looked at again.
    async fn wait(&mut self) {
        let until = self.checked + RIGHTS;
        match timeout_at(until, self.changes.changed()).await {
            Ok(Ok(())) | Err(_) => {}
            // The console is stopping: only the clock remains.
            Ok(Err(_)) => sleep_until(until).await,
        }
    }

    async fn collect(&mut self) -> Result<(), Error> {
        self.changes.mark_unchanged();
        if self.events {
            self.collect_events().await?;
        }
        if self.counters {
            self.collect_counters().await?;
        }
        Ok(())
    }

    async fn collect_events(&mut self) -> Result<(), Error> {
        let after = self.console.events_after(&self.cluster, self.after, AT_ONCE).await?;
        if after.gap {
            self.after = after.newest;
            let data = json!({ "newest": after.newest });
            self.queue.push_back(message("resync", &data).id(after.newest.to_string()));
            return Ok(());
        }
        if after.events.len() == AT_ONCE as usize {
            // There may be more: look again at once.
            self.changes.mark_changed();
        }
        for event in &after.events {
            self.after = event.number;
            let data = shape(self.language, event);
            self.queue.push_back(message("event", &data).id(event.number.to_string()));
        }
        Ok(())
    }

    /// The services whose counters differ from what was told; all of them at first.
    async fn collect_counters(&mut self) -> Result<(), Error> {
        if Instant::now() < self.next_counters {
            if self.queue.is_empty() {
                sleep_until(self.next_counters).await;
            } else {
                return Ok(());
            }
        }
        self.next_counters = Instant::now() + PACE;
        let live = self.console.live(&self.cluster).await?;
        for director in &live.directors {
            let Some(counters) = counted(director) else { continue };
            let value = serde_json::to_value(counters).map_err(Error::internal)?;
            let mut changed: Vec<Value> = Vec::new();
            for service in value.get("services").and_then(Value::as_array).into_iter().flatten() {
                let key = service.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
                let text = service.to_string();
                let place = (director.name.clone(), key);
                if self.told.get(&place) != Some(&text) {
                    changed.push(service.clone());
                    self.told.insert(place, text);
                }
            }
            if !changed.is_empty() {
                let data = json!({ "director": director.name, "at": value.get("at"), "services": changed });
                self.queue.push_back(message("counters", &data));
            }
        }
        Ok(())
    }
}
