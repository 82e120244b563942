//! `GET /clusters/{cluster}/live`: the moving parts of a page as one stream of server-sent events: of CONTROL/MONITORING,
//! of one real server (`?server=…&real=…`), of all machines (`?machines=on`) or of the wall (`?wall=on`).
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
use console::{ClusterView, LiveCluster};
use futures_util::Stream;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::error::Error;
use crate::page::ActiveNow;
use crate::screens::machines::Machines;
use crate::screens::monitoring::{Now, bar_active, page_number};
use crate::screens::objects::{real_server, virtual_server};
use crate::screens::server_state::{ServerNow, Subject};
use crate::screens::wall::WallNow;
use crate::sparks::Sparks;
use crate::visit::Member;

/// Between two messages: counts move, and people can still read them.
const PACE: Duration = Duration::from_secs(1);

/// Between two looks whether the session is still there. Such a look counts as use of the session: browsers close
/// the stream of a page that nobody sees, so somebody is watching. The session's absolute end stays.
const SESSION_CHECK: Duration = Duration::from_secs(5);

/// Between two looks at the samples for the small curves, whose points are a quarter of a minute apart.
const CURVES: Duration = Duration::from_secs(10);

/// Between two comments on a stream with nothing to say, so that a dead connection is noticed.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Which page's parts are sent.
enum Watched {
    /// CONTROL/MONITORING, one page of its table.
    Monitoring { page: usize },
    /// One real server.
    Server { service: String, real: String },
    /// Servers by machine.
    Machines,
    /// The wall view.
    Wall,
}

impl Watched {
    fn of(member: &Member) -> Self {
        let query = &member.visit.query;
        match (query.filled("server"), query.filled("real"), query.filled("machines")) {
            (Some(service), Some(real), _) => {
                Watched::Server { service: service.to_owned(), real: real.to_owned() }
            }
            (_, _, Some(_)) => Watched::Machines,
            _ if query.ticked("wall") => Watched::Wall,
            _ => Watched::Monitoring { page: page_number(query.get("page")) },
        }
    }
}

/// One listener.
struct Listener {
    member: Member,
    cookie: String,
    cluster: String,
    watched: Watched,
    changes: watch::Receiver<u64>,
    /// The cluster with its running revision, as last read.
    view: Option<ClusterView>,
    sent: BTreeMap<String, String>,
    /// What the page has a place for, virtual servers or machines; none before the first message.
    shape: Option<Vec<String>>,
    /// The curves of the page, and when they were made.
    sparks: Option<(Instant, Sparks)>,
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
        watched: Watched::of(&member),
        member,
        cookie,
        cluster,
        view: None,
        sent: BTreeMap::new(),
        shape: None,
        sparks: None,
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
        matches!(self.member.console().session(&self.cookie).await, Ok(Some(session)) if !session.must_enrol)
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
        let (mut text, parts) = match &self.watched {
            Watched::Monitoring { page } => self.monitoring(&view, &live, *page)?,
            Watched::Server { service, real } => {
                let (service, real) = (service.clone(), real.clone());
                (String::new(), self.server(&view, &live, (&service, &real)).await?)
            }
            Watched::Machines => (String::new(), self.machines(&view, &live).await?),
            Watched::Wall => (String::new(), WallNow::of(&self.member, &view, &live).parts()?),
        };
        for (place, part) in parts {
            if self.sent.get(&place) != Some(&part) {
                text.push_str(&fragment(&place, &part));
            }
            self.sent.insert(place, part);
        }
        self.view = Some(view);
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The table as a whole where the page has no place for one of its rows, and the parts.
    fn monitoring(
        &mut self,
        view: &ClusterView,
        live: &LiveCluster,
        page: usize,
    ) -> Result<(String, BTreeMap<String, String>), Error> {
        let sparks = match self.sparks.take().filter(|(made, _)| made.elapsed() < CURVES) {
            Some(sparks) => sparks,
            None => (Instant::now(), Now::sparks(&self.member, view, page)),
        };
        let now = Now::of(&self.member, view, live, page, &sparks.1);
        self.sparks = Some(sparks);
        let mut parts = now.parts(self.member.locale())?;
        let shape: Vec<String> = now.table.shape().into_iter().map(ToOwned::to_owned).collect();
        if self.shape.as_ref() == Some(&shape) {
            return Ok((String::new(), parts));
        }
        self.shape = Some(shape);
        let rows: Vec<String> =
            parts.keys().filter(|place| place.starts_with("#service-")).cloned().collect();
        for place in rows {
            if let Some(part) = parts.remove(&place) {
                self.sent.insert(place, part);
            }
        }
        Ok((fragment("#live-services", &now.table.render()?), parts))
    }

    async fn server(
        &self,
        view: &ClusterView,
        live: &LiveCluster,
        (service, real): (&str, &str),
    ) -> Result<BTreeMap<String, String>, Error> {
        let locale = self.member.locale();
        let orders = self.member.console().orders(&self.cluster).await?;
        let mut parts = BTreeMap::new();
        if let Some(running) = &view.running {
            let (_, service) = virtual_server(&running.content, service)?;
            let (_, real) = real_server(service, real)?;
            let subject = Subject { service, real };
            let recent = self.member.console().recent(&self.cluster, ServerNow::series(&subject));
            parts = ServerNow::of(locale, &running.content, live, &orders, &recent, &subject).parts()?;
        }
        parts.insert("#bar-active".to_owned(), bar_active(locale, ActiveNow::of(live))?);
        Ok(parts)
    }

    /// A machine that came after the page was made is shown when it is loaded again.
    async fn machines(
        &mut self,
        view: &ClusterView,
        live: &LiveCluster,
    ) -> Result<BTreeMap<String, String>, Error> {
        let locale = self.member.locale();
        let orders = self.member.console().orders(&self.cluster).await?;
        let mut parts = BTreeMap::new();
        if let Some(running) = &view.running {
            let machines = Machines::of(locale, (&self.cluster, &running.content), live, &orders);
            parts = machines.parts()?;
            let shape = self.shape.get_or_insert_with(|| parts.keys().cloned().collect());
            parts.retain(|place, _| shape.contains(place));
        }
        parts.insert("#bar-active".to_owned(), bar_active(locale, ActiveNow::of(live))?);
        Ok(parts)
    }
}

/// A part for its place, put in without touching what is the same: focus and selection stay.
fn fragment(place: &str, part: &str) -> String {
    format!("<hx-partial hx-target=\"{place}\" hx-swap=\"innerMorph\">{part}</hx-partial>")
}
