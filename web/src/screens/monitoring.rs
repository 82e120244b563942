//! CONTROL/MONITORING: one sentence, the directors, and every virtual server with its live numbers.
//!
//! [`Now`] is the page's content at one moment, made of the running revision and what the directors last reported.
//! The page renders it whole; the stream (`live`) renders the same parts again and sends those that differ.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{ClusterView, LiveCluster, LiveDirector, LiveService, Sync};
use lvs::model::VirtualServer;
use lvs::table::ServiceKey;
use lvs::wire::State;

use super::events::EventRow;
use super::server_state::status;
use crate::error::Error;
use crate::evidence::Look;
use crate::figures::{bits, count, rate};
use crate::locale::Locale;
use crate::page::{ActiveNow, ClusterBar, Page, Tab, show as show_page};
use crate::problems::ProblemList;
use crate::sparks::{Sparks, Tiles};
use crate::visit::Member;

/// Virtual servers on one page; more are on the next.
pub(crate) const PER_PAGE: usize = 100;

/// The sentence at the top.
#[derive(Template, Clone, PartialEq, Eq)]
#[template(path = "live_verdict.html")]
pub(crate) struct Verdict {
    pub(crate) tone: &'static str,
    pub(crate) sentence: String,
    pub(crate) detail: String,
}

/// A director in the strip.
#[derive(Template, Clone)]
#[template(path = "live_director.html")]
pub(crate) struct DirectorCard {
    pub(crate) locale: Locale,
    pub(crate) name: String,
    pub(crate) seat: Option<&'static str>,
    pub(crate) tone: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) state: String,
    pub(crate) sync_tone: &'static str,
    pub(crate) sync_icon: &'static str,
    pub(crate) sync: String,
    pub(crate) revision: Option<u64>,
    pub(crate) holds: Vec<String>,
    pub(crate) foreign: usize,
    pub(crate) errors: Vec<String>,
    pub(crate) since: String,
    pub(crate) connected: bool,
    /// Whether an agent has ever joined for it.
    pub(crate) joined: bool,
}

/// A virtual server with its real servers, as one body of the table.
#[derive(Template, Clone)]
#[template(path = "live_service.html")]
pub(crate) struct ServiceRows {
    pub(crate) locale: Locale,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) scheduler: &'static str,
    pub(crate) active: bool,
    pub(crate) numbers: Option<Numbers>,
    /// Its new connections of the last quarter of an hour, as a path.
    pub(crate) curve: String,
    pub(crate) servers: Vec<ServerRow>,
}

/// All virtual servers of the page, or the word that there is none.
#[derive(Template, Clone)]
#[template(path = "live_table.html")]
pub(crate) struct Table {
    locale: Locale,
    base: String,
    own_draft: bool,
    services: Vec<ServiceRows>,
}

/// Schedulers that look at connections that are open, not at how many come.
const BY_CONNECTIONS: [&str; 6] = ["lc", "wlc", "lblc", "lblcr", "sed", "nq"];

impl Table {
    /// Whether new connections may come unevenly although all is well.
    fn uneven(&self) -> bool {
        self.services.iter().any(|rows| BY_CONNECTIONS.contains(&rows.scheduler))
    }

    /// What the page has a place for; another list needs the whole table anew.
    pub(crate) fn shape(&self) -> Vec<&str> {
        self.services.iter().map(|rows| rows.id.as_str()).collect()
    }
}

/// A real server's line.
#[derive(Clone)]
pub(crate) struct ServerRow {
    pub(crate) id: String,
    /// What the checks of the director say whose numbers these are.
    pub(crate) look: Option<Look>,
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) active: bool,
    /// Weight in the kernel, where known, else as configured.
    pub(crate) weight: String,
    pub(crate) forwarding: &'static str,
    pub(crate) numbers: Option<Numbers>,
}

/// Numbers ready to be read; `exact` are the totals for the title.
#[derive(Clone)]
pub(crate) struct Numbers {
    pub(crate) active: String,
    pub(crate) inactive: String,
    pub(crate) connections: String,
    pub(crate) incoming: String,
    pub(crate) outgoing: String,
    pub(crate) total: String,
    /// The same, for the plural.
    pub(crate) total_count: u64,
}

/// The page's content at one moment.
pub(crate) struct Now {
    pub(crate) verdict: Verdict,
    pub(crate) directors: Vec<DirectorCard>,
    pub(crate) tiles: Tiles,
    pub(crate) table: Table,
    pub(crate) active: ActiveNow,
    /// What happened lately.
    pub(crate) events: LatestEvents,
    /// What is wrong.
    pub(crate) problems: Problems,
    /// Virtual servers in all, on all pages.
    pub(crate) total: usize,
}

/// What is wrong, the worst first; nothing where nothing is.
#[derive(Template, Clone)]
#[template(path = "live_problems.html")]
pub(crate) struct Problems {
    locale: Locale,
    pub(crate) list: ProblemList,
}

/// The newest events.
#[derive(Template, Clone)]
#[template(path = "live_events.html")]
pub(crate) struct LatestEvents {
    locale: Locale,
    rows: Vec<EventRow>,
}

#[derive(Template)]
#[template(path = "monitoring.html")]
struct MonitoringPage {
    p: Page,
    now: Now,
    live: bool,
    number: usize,
    pages: usize,
}

/// `GET /clusters/{cluster}`
pub(super) async fn show(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let view = member.console().cluster(&cluster).await?;
    let live = member.console().live(&view.id).await?;
    let number = page_number(member.visit.query.get("page"));
    let sparks = Now::sparks(&member, &view, number);
    let now = Now::of(&member, &view, &live, number, &sparks);
    let pages = now.total.div_ceil(PER_PAGE).max(1);
    let title = member.locale().say("tab-monitoring");
    let p = Page::of_cluster(&member, &cluster, Tab::Monitoring, title).await?;
    let on = member.visit.query.get("live") != "off";
    show_page(StatusCode::OK, &MonitoringPage { p, now, live: on, number, pages })
}

/// The page asked for, from 1.
pub(crate) fn page_number(text: &str) -> usize {
    text.parse().ok().filter(|n| (1..=10_000).contains(n)).unwrap_or(1)
}

impl Now {
    /// The curves that a page of the table has a place for.
    pub(crate) fn sparks(member: &Member, view: &ClusterView, number: usize) -> Sparks {
        let all = view.running.as_ref().map_or(&[][..], |running| &running.content.virtual_servers);
        let shown = all.iter().skip((number - 1) * PER_PAGE).take(PER_PAGE);
        Sparks::of(member, view, shown.filter_map(VirtualServer::key))
    }

    pub(crate) fn of(
        member: &Member,
        view: &ClusterView,
        live: &LiveCluster,
        number: usize,
        sparks: &Sparks,
    ) -> Self {
        let locale = member.locale();
        let own = format!("account/{}", member.actor.name);
        let witness = source_of_numbers(live);
        let counters = witness.and_then(|director| director.counters.as_deref());
        let base = format!("/clusters/{}", view.id);
        let content = view.running.as_ref().map(|r| &r.content);
        let all = content.map_or(&[][..], |c| &c.virtual_servers);
        let global = content.map(|c| &c.global);
        let services = all
            .iter()
            .skip((number - 1) * PER_PAGE)
            .take(PER_PAGE)
            .map(|server| {
                let key = server.key();
                let service_key = key;
                let numbers = key.as_ref().and_then(|k| counters?.get(k));
                ServiceRows {
                    locale,
                    base: base.clone(),
                    id: server.id.0.clone(),
                    name: server.name.clone(),
                    key: key.map(|k: ServiceKey| k.to_string()).unwrap_or_default(),
                    scheduler: server.scheduler.as_str(),
                    active: server.active,
                    numbers: numbers.map(Numbers::of_service),
                    curve: sparks.service(key.as_ref()),
                    servers: server
                        .real_servers
                        .iter()
                        .map(|real| {
                            let key = server.server_key(real);
                            let its = numbers.and_then(|n| n.servers.get(&key));
                            let known = witness.and_then(|director| status(director, service_key, key));
                            ServerRow {
                                id: real.id.0.clone(),
                                look: known.map(|known| Look::of(locale, known.verdict)),
                                name: real.name.clone(),
                                key: key.to_string(),
                                active: real.active,
                                weight: its
                                    .map_or_else(|| real.weight.0.to_string(), |n| n.weight.to_string()),
                                forwarding: global.map_or("nat", |g| real.forwarding_in(g).as_str()),
                                numbers: its.map(Numbers::of_server),
                            }
                        })
                        .collect(),
                }
            })
            .collect();
        let recent = member.console().recent_events(&view.id);
        let rows = recent.iter().map(|event| EventRow::of(locale, event)).collect();
        Now {
            verdict: Verdict::of(locale, live, all.iter().filter(|s| s.active).count(), counters),
            directors: live.directors.iter().map(|d| DirectorCard::of(locale, d)).collect(),
            tiles: Tiles::of(locale, &base, sparks, counters),
            table: Table { locale, base, own_draft: view.drafts.contains(&own), services },
            active: ActiveNow::of(live),
            events: LatestEvents { locale, rows },
            problems: Problems {
                locale,
                list: ProblemList::of(locale, &format!("/clusters/{}", view.id), content, live),
            },
            total: all.len(),
        }
    }

    /// The parts that a stream keeps up to date: selector of the place, and what belongs there.
    pub(crate) fn parts(&self, locale: Locale) -> Result<BTreeMap<String, String>, askama::Error> {
        let mut parts = BTreeMap::new();
        parts.insert("#live-verdict".to_owned(), self.verdict.render()?);
        let mut strip = String::new();
        for card in &self.directors {
            strip.push_str(&card.render()?);
        }
        parts.insert("#live-directors".to_owned(), strip);
        for (index, rows) in self.table.services.iter().enumerate() {
            parts.insert(format!("#service-{index}"), rows.render()?);
        }
        parts.insert("#live-sparks".to_owned(), self.tiles.render()?);
        parts.insert("#live-events".to_owned(), self.events.render()?);
        parts.insert("#live-problems".to_owned(), self.problems.render()?);
        parts.insert("#bar-active".to_owned(), bar_active(locale, self.active.clone())?);
        Ok(parts)
    }
}

/// Who is active, as the frame of every page says it.
pub(crate) fn bar_active(locale: Locale, active: ActiveNow) -> Result<String, askama::Error> {
    BarActive { p: Spoken { locale }, cluster: Held { active } }.render()
}

/// The one line of the frame that is live, with the two names it uses there.
#[derive(Template)]
#[template(path = "bar_active.html")]
struct BarActive {
    p: Spoken,
    cluster: Held,
}

struct Spoken {
    locale: Locale,
}

struct Held {
    active: ActiveNow,
}

impl From<&ClusterBar> for Held {
    fn from(bar: &ClusterBar) -> Self {
        Held { active: bar.active.clone() }
    }
}

/// The active director; where none is active, a connected one that counts.
pub(crate) fn source_of_numbers(live: &LiveCluster) -> Option<&LiveDirector> {
    let connected = || live.directors.iter().filter(|d| d.connected);
    live.active().or_else(|| connected().find(|d| d.counters.is_some()))
}

impl Numbers {
    fn of_service(live: &LiveService) -> Self {
        Numbers {
            active: count(live.active),
            inactive: count(live.inactive),
            connections: rate(live.rates.connections),
            incoming: bits(live.rates.in_bytes),
            outgoing: bits(live.rates.out_bytes),
            total: count(live.totals.connections),
            total_count: live.totals.connections,
        }
    }

    fn of_server(live: &console::LiveServer) -> Self {
        Numbers {
            active: count(live.active.into()),
            inactive: count(live.inactive.into()),
            connections: rate(live.rates.connections),
            incoming: bits(live.rates.in_bytes),
            outgoing: bits(live.rates.out_bytes),
            total: count(live.totals.connections),
            total_count: live.totals.connections,
        }
    }
}

impl Verdict {
    pub(crate) fn of(
        locale: Locale,
        live: &LiveCluster,
        servers: usize,
        counters: Option<&console::LiveCounters>,
    ) -> Self {
        let connections: u64 = counters.map_or(0, |c| c.values().map(|s| s.active).sum());
        let connected = live.directors.iter().filter(|d| d.connected).count();
        let enrolled = live.directors.iter().filter(|d| d.id.is_some()).count();
        let unwell = live.directors.iter().find(|d| !d.connected || d.sync != Sync::InSync);
        let (tone, message) = match (live.running, ActiveNow::of(live)) {
            (None, _) => ("idle", locale.say("verdict-nothing-running")),
            (Some(_), _) if enrolled == 0 => ("warn", locale.say("verdict-nobody-joined")),
            (Some(_), ActiveNow::Several) => ("bad", locale.say("verdict-several")),
            (Some(_), _) if connected == 0 => ("bad", locale.say("verdict-no-contact")),
            (Some(_), ActiveNow::One(name)) => match unwell {
                None => ("good", locale.say("verdict-good").with("director", name)),
                Some(other) if !other.connected => {
                    ("warn", locale.say("verdict-missing").with("director", name).with("other", &other.name))
                }
                Some(LiveDirector { name: other, sync: Sync::Drifted { rows, held }, .. }) => {
                    let key = if *held { "verdict-held" } else { "verdict-drift" };
                    let message = locale.say(key).with("director", name);
                    ("warn", message.with("other", other).with("count", *rows))
                }
                Some(other) => {
                    ("warn", locale.say("verdict-behind").with("director", name).with("other", &other.name))
                }
            },
            (Some(_), _) => ("bad", locale.say("verdict-nobody-active")),
        };
        let detail = match live.running {
            Some(_) => locale
                .say("verdict-detail")
                .with("servers", servers)
                .with("count", connections)
                .with("connections", count(connections))
                .to_string(),
            None => locale.say("verdict-detail-none").to_string(),
        };
        Verdict { tone, sentence: message.to_string(), detail }
    }

    pub(crate) fn icon(&self) -> &'static str {
        self.tone
    }
}

impl DirectorCard {
    pub(crate) fn of(locale: Locale, live: &LiveDirector) -> Self {
        let status = live.status.as_ref();
        let (tone, icon, state) = match (live.connected, status) {
            (true, Some(status)) => {
                let (tone, icon) = match status.state {
                    State::Active => ("good", "active"),
                    State::Standby => ("accent", "standby"),
                    State::Starting => ("warn", "starting"),
                    State::Fault => ("bad", "bad"),
                    State::Stopped => ("idle", "stopped"),
                };
                (tone, icon, locale.say(format!("state-{}", status.state.as_str())))
            }
            (true, None) => ("warn", "starting", locale.say("state-connecting")),
            (false, _) if live.id.is_none() => ("idle", "idle", locale.say("state-not-joined")),
            (false, _) => ("bad", "idle", locale.say("state-no-contact")),
        };
        let (sync_tone, sync_icon, sync) = sync_words(locale, &live.sync);
        let mut errors: Vec<String> = live.last_error.iter().cloned().collect();
        if let (true, Some(status)) = (live.connected, status) {
            errors.extend(status.last_error.iter().cloned());
            errors.extend(status.failures.iter().map(|f| format!("{}: {}", f.step, f.reason)));
        }
        DirectorCard {
            locale,
            name: live.name.clone(),
            seat: live.seat.map(|s| s.as_str()),
            tone,
            icon,
            state: state.to_string(),
            sync_tone,
            sync_icon,
            sync,
            revision: status.and_then(|s| s.revision),
            holds: status.map(|s| s.holds.iter().map(ToString::to_string).collect()).unwrap_or_default(),
            foreign: status.map_or(0, |s| s.foreign.len()),
            errors,
            since: locale.moment(live.since),
            connected: live.connected,
            joined: live.id.is_some(),
        }
    }

    fn say(&self, key: &'static str) -> crate::text::Message {
        self.locale.say(key)
    }
}

fn sync_words(locale: Locale, sync: &Sync) -> (&'static str, &'static str, String) {
    let (tone, icon, message) = match sync {
        Sync::Unknown => ("idle", "idle", locale.say("sync-unknown")),
        Sync::InSync => ("good", "good", locale.say("sync-in-sync")),
        Sync::Applying => ("warn", "starting", locale.say("sync-applying")),
        Sync::Drifted { rows, held: false } => {
            ("warn", "change", locale.say("sync-drifted").with("count", *rows))
        }
        Sync::Drifted { rows, held: true } => {
            ("warn", "change", locale.say("sync-held").with("count", *rows))
        }
        Sync::Behind { held: Some(held) } => ("warn", "warn", locale.say("sync-behind").with("held", *held)),
        Sync::Behind { held: None } => ("warn", "warn", locale.say("sync-empty")),
        Sync::Ahead { held } => ("bad", "bad", locale.say("sync-ahead").with("held", *held)),
        Sync::OtherContent { held } => ("bad", "bad", locale.say("sync-other").with("held", *held)),
    };
    (tone, icon, message.to_string())
}
