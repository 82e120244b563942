//! One real server: what each director says of it and by what it says it, what is ordered, and asking it now.
//!
//! [`ServerNow`] is the moving part of the page at one moment; the stream (`live`) renders it again as long as the page
//! is open.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{CheckAnswer, LiveCluster, LiveDirector, SeriesKey};
use lvs::Cluster;
use lvs::model::{RealServer, VirtualServer};
use lvs::series::{Line, Sample, until_empty};
use lvs::table::{ServerKey, ServiceKey};
use lvs::wire::CheckStatus;

use super::objects::{real_server, virtual_server};
use super::orders::Orders;
use crate::bands::Bands;
use crate::charts::{Chart, Measure, Named};
use crate::error::Error;
use crate::evidence::{Check, Look, Probe};
use crate::figures::{count, rate};
use crate::locale::Locale;
use crate::page::{Page, Tab, keep_address, show as show_page};
use crate::verdicts;
use crate::visit::Member;

/// The moving part of the page.
#[derive(Template)]
#[template(path = "live_server.html")]
pub(crate) struct ServerNow {
    locale: Locale,
    tone: &'static str,
    icon: &'static str,
    sentence: String,
    /// Directors disagree about it.
    differ: bool,
    orders: Orders,
    /// Its connections lately.
    curve: Chart,
    /// How many are left and how long that may take; none where no draining is ordered or nothing is counted.
    falling: Option<(String, String)>,
    views: Vec<View>,
}

/// What one director says.
struct View {
    director: String,
    /// It holds the addresses.
    active: bool,
    look: Option<Look>,
    why: String,
    since: Option<String>,
    standing: Option<String>,
    trouble: Option<String>,
    numbers: Vec<(String, String)>,
    checks: Vec<Check>,
}

/// What one director found when asked now.
struct Asked {
    director: String,
    refused: Option<String>,
    probes: Vec<Probe>,
}

#[derive(Template)]
#[template(path = "server_state.html")]
struct StatePage {
    p: Page,
    server: VirtualServer,
    real: RealServer,
    /// Where it is asked and served.
    key: String,
    /// Path of its pages.
    place: String,
    /// None for a real server that is in a draft alone.
    now: Option<ServerNow>,
    /// What it was in the last day and week, by each director.
    bands: Vec<Bands>,
    asked: Vec<Asked>,
    live: bool,
}

/// A real server of what runs.
pub(crate) struct Subject<'a> {
    pub(crate) service: &'a VirtualServer,
    pub(crate) real: &'a RealServer,
}

impl<'a> Subject<'a> {
    /// By id; none where it does not run.
    pub(crate) fn of(running: &'a Cluster, service: &VirtualServer, real: &RealServer) -> Option<Self> {
        let service = running.virtual_servers.iter().find(|there| there.id == service.id)?;
        let real = service.real_servers.iter().find(|there| there.id == real.id)?;
        Some(Subject { service, real })
    }

    fn keys(&self) -> (Option<ServiceKey>, ServerKey) {
        (self.service.key(), self.service.server_key(self.real))
    }
}

/// What a director's checks say of a real server.
pub(crate) fn status(
    live: &LiveDirector,
    service: Option<ServiceKey>,
    server: ServerKey,
) -> Option<&CheckStatus> {
    live.checks.as_ref()?.get(&service?)?.servers.get(&server)
}

impl ServerNow {
    pub(crate) fn of(
        locale: Locale,
        running: &Cluster,
        live: &LiveCluster,
        orders: &lvs::health::Orders,
        recent: &Line,
        subject: &Subject<'_>,
    ) -> Self {
        let (service, server) = subject.keys();
        let said = |director: &'_ LiveDirector| {
            let connected = director.connected;
            status(director, service, server).filter(|_| connected).cloned()
        };
        let all: Vec<CheckStatus> = live.directors.iter().filter_map(said).collect();
        let first = live.active().and_then(said).or_else(|| all.first().cloned());
        let (look, sentence) = match &first {
            Some(status) => {
                let look = Look::of(locale, status.verdict);
                let sentence = locale
                    .say("server-sentence")
                    .with("verdict", &look.word)
                    .with("at", locale.moment_of(status.since_s))
                    .with("why", verdicts::why(locale, &status.reason));
                (look, sentence.to_string())
            }
            None => {
                let off = !subject.real.active || !subject.service.active;
                let key = if off { "server-deactivated" } else { "server-nothing-known" };
                (Look { tone: "idle", icon: "idle", word: String::new() }, locale.say(key).to_string())
            }
        };
        let view = |director: &LiveDirector| View::of(locale, director, (service, server));
        let orders = Orders::of(locale, running, orders, live, subject);
        let named = Named { name: subject.real.name.clone(), href: None, line: recent.clone() };
        ServerNow {
            curve: Chart::of(locale, Measure::Open, &[named], &[]).untitled(),
            falling: orders.empty.is_some().then(|| falling(locale, recent)).flatten(),
            locale,
            tone: look.tone,
            icon: look.icon,
            sentence,
            differ: all.iter().any(|one| first.as_ref().is_some_and(|first| first.verdict != one.verdict)),
            orders,
            views: live.directors.iter().filter(|d| d.id.is_some()).map(view).collect(),
        }
    }

    /// The keys under which its connections are recorded.
    pub(crate) fn series(subject: &Subject<'_>) -> SeriesKey {
        let (service, server) = subject.keys();
        SeriesKey { service, server: Some(server) }
    }

    fn orders(&self) -> &Orders {
        &self.orders
    }

    /// The parts that a stream keeps up to date.
    pub(crate) fn parts(&self) -> Result<BTreeMap<String, String>, askama::Error> {
        Ok([("#server-now".to_owned(), self.render()?)].into())
    }
}

/// The connections that are left, and when they may be gone if they go on falling as in the last three minutes.
fn falling(locale: Locale, recent: &Line) -> Option<(String, String)> {
    let open = |sample: &Sample| sample.active + sample.inactive;
    let points: Vec<(f64, f64)> =
        recent.points().filter_map(|(at, sample)| Some((at as f64, open(&sample?)))).collect();
    let (last, left) = points.last().copied()?;
    // What was counted a while ago says nothing of now.
    let (newest, _) = recent.points().last()?;
    if newest as f64 - last > 12.0 {
        return None;
    }
    let late: Vec<(f64, f64)> = points.into_iter().filter(|(at, _)| last - at <= 180.0).collect();
    let estimate = match until_empty(&late) {
        _ if left < 0.5 => locale.say("drain-none-left").to_string(),
        Some(seconds) => {
            locale.say("drain-estimate").with("minutes", (seconds / 60.0).ceil() as u64).to_string()
        }
        None => locale.say("drain-no-estimate").to_string(),
    };
    Some((count(left.round() as u64), estimate))
}

impl View {
    fn of(locale: Locale, live: &LiveDirector, (service, server): (Option<ServiceKey>, ServerKey)) -> Self {
        let known = status(live, service, server);
        let counted = service.and_then(|service| live.counters.as_ref()?.get(&service)?.servers.get(&server));
        let numbers = match counted.filter(|_| live.connected) {
            Some(counted) => vec![
                (locale.say("col-weight").to_string(), counted.weight.to_string()),
                (locale.say("col-active-conn").to_string(), count(counted.active.into())),
                (locale.say("col-inactive-conn").to_string(), count(counted.inactive.into())),
                (locale.say("server-templates").to_string(), count(counted.persistent.into())),
                (locale.say("col-conn-rate").to_string(), rate(counted.rates.connections)),
            ],
            None => Vec::new(),
        };
        let why = match known {
            Some(status) => verdicts::why(locale, &status.reason),
            None if !live.connected => locale.say("state-no-contact").to_string(),
            None => locale.say("server-not-checked").to_string(),
        };
        View {
            director: live.name.clone(),
            active: live.connected && live.is_active(),
            look: known.map(|status| Look::of(locale, status.verdict)),
            why,
            since: known.map(|status| {
                locale.say("server-since").with("at", locale.moment_of(status.since_s)).to_string()
            }),
            standing: known.map(|status| match status.standing.weight() {
                Some(weight) => locale.say("server-in-table").with("weight", weight.to_string()).to_string(),
                None => locale.say("server-out-of-table").to_string(),
            }),
            trouble: known.and_then(|status| verdicts::checker(locale, live, status.checker)),
            numbers,
            checks: known
                .map(|s| s.checks.iter().map(|c| Check::of(locale, c)).collect())
                .unwrap_or_default(),
        }
    }
}

async fn page(
    member: &Member,
    (cluster, key, real): (&str, &str, &str),
    asked: Vec<Asked>,
) -> Result<Response, Error> {
    let locale = member.locale();
    let view = member.console().view(&member.actor, cluster).await?;
    let (_, server) = virtual_server(&view.content, key)?;
    let (_, real) = real_server(server, real)?;
    let live = member.console().live(cluster).await?;
    let orders = member.console().orders(cluster).await?;
    let running = member.console().cluster(cluster).await?.running.map(|running| running.content);
    let now = running.as_ref().and_then(|running| {
        let subject = Subject::of(running, server, real)?;
        let recent = member.console().recent(&view.cluster_id, ServerNow::series(&subject));
        Some(ServerNow::of(locale, running, &live, &orders, &recent, &subject))
    });
    let bands = match running.as_ref().and_then(|running| Subject::of(running, server, real)) {
        Some(Subject { service, real }) => {
            member.console().server_bands(&view.cluster_id, service, real, &live).await?
        }
        None => Vec::new(),
    };
    let title = locale.say("server-state-title").with("name", &real.name);
    let page = StatePage {
        p: Page::of_cluster(member, cluster, Tab::VirtualServers, title).await?,
        key: server.server_key(real).to_string(),
        place: format!(
            "/clusters/{}/virtual-servers/{}/real-servers/{}",
            view.cluster_id, server.id, real.id
        ),
        server: server.clone(),
        real: real.clone(),
        now,
        bands: bands.iter().map(|one| Bands::of(locale, one)).collect(),
        asked,
        live: member.visit.query.get("live") != "off",
    };
    show_page(StatusCode::OK, &page)
}

/// `GET …/real-servers/{real}/state`
pub(super) async fn show(
    member: Member,
    Path((cluster, key, real)): Path<(String, String, String)>,
) -> Result<Response, Error> {
    page(&member, (&cluster, &key, &real), Vec::new()).await
}

/// `POST …/real-servers/{real}/state/check`: every director asks it now; the page shows what each one saw.
pub(super) async fn check(
    member: Member,
    Path((cluster, key, real)): Path<(String, String, String)>,
) -> Result<Response, Error> {
    let locale = member.locale();
    let answers = member.console().check_now(&member.actor, &cluster, (&key, &real)).await?;
    let asked = answers.into_iter().map(|(director, answer)| match answer {
        CheckAnswer::Asked(evidence) => {
            let probes = evidence.iter().map(|one| Probe::of(locale, one)).collect();
            Asked { director, refused: None, probes }
        }
        CheckAnswer::Refused { reason } | CheckAnswer::Unreachable { reason } => {
            Asked { director, refused: Some(reason), probes: Vec::new() }
        }
    });
    Ok(keep_address(page(&member, (&cluster, &key, &real), asked.collect()).await?))
}
