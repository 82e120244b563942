//! The frame of every page: header, tabs, language, theme, draft badge, who is active.

use std::fmt::Display;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use console::{ClusterView, LiveCluster, Role};
use jiff::Timestamp;

use crate::assets::{self, Paths};
use crate::calls::{self, Call};
use crate::error::Error;
use crate::locale::{Locale, Zone};
use crate::text::{Language, Message};
use crate::visit::{Member, Theme, Visit};

/// The tabs of a cluster, Piranha's four first and in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    /// A page without tabs.
    None,
    /// CONTROL/MONITORING.
    Monitoring,
    /// GLOBAL SETTINGS.
    Global,
    /// REDUNDANCY.
    Redundancy,
    /// VIRTUAL SERVERS.
    VirtualServers,
    /// DIRECTORS.
    Directors,
    /// CHANGES.
    Changes,
    /// REVISIONS.
    Revisions,
    /// EVENTS.
    Events,
}

/// What the frame shows of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct ClusterBar {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) running: Option<u64>,
    /// Whether a director is known to hold it.
    pub(crate) held: bool,
    pub(crate) own_draft: bool,
    /// Others who have a draft.
    pub(crate) other_drafts: Vec<OtherDraft>,
    pub(crate) active: ActiveNow,
    /// What runs on trial.
    pub(crate) trial: Option<Trial>,
}

/// The draft of somebody else than the visitor.
#[derive(Clone, Debug)]
pub(crate) struct OtherDraft {
    /// `account/alice`
    pub(crate) owner: String,
    pub(crate) name: String,
    /// Whether its owner asks somebody else to activate it.
    pub(crate) asks: bool,
}

impl OtherDraft {
    fn of(owner: &str, cluster: &ClusterView) -> Self {
        let asks = cluster.asking.iter().any(|asking| asking == owner);
        OtherDraft { owner: owner.to_owned(), name: short(owner).to_owned(), asks }
    }
}

/// A revision that is undone unless somebody keeps it, as every page of its cluster shows it.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(crate) revision: u64,
    pub(crate) until: Timestamp,
}

impl Trial {
    /// What is left of its time when the page is made; scripts count on.
    pub(crate) fn left(&self) -> String {
        let seconds = self.until.as_second().saturating_sub(Timestamp::now().as_second()).max(0);
        format!("{}:{:02}", seconds / 60, seconds % 60)
    }
}

/// Who holds the virtual addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ActiveNow {
    /// Nobody is connected, or nothing is configured.
    Unknown,
    /// Directors are connected, none is active.
    Nobody,
    /// One.
    One(String),
    /// More than one.
    Several,
}

impl ActiveNow {
    pub(crate) fn of(live: &LiveCluster) -> Self {
        let mut active = live.directors.iter().filter(|d| d.connected && d.is_active());
        match (active.next(), active.next()) {
            (Some(_), Some(_)) => ActiveNow::Several,
            (Some(one), None) => ActiveNow::One(one.name.clone()),
            _ if live.directors.iter().any(|d| d.connected) => ActiveNow::Nobody,
            _ => ActiveNow::Unknown,
        }
    }

    pub(crate) fn say(&self, locale: &Locale) -> Message {
        match self {
            ActiveNow::Unknown => locale.say("active-unknown"),
            ActiveNow::Nobody => locale.say("active-nobody"),
            ActiveNow::One(name) => locale.say("active-one").with("director", name),
            ActiveNow::Several => locale.say("active-several"),
        }
    }

    pub(crate) fn icon(&self) -> &'static str {
        match self {
            ActiveNow::Unknown => "idle",
            ActiveNow::Nobody => "warn",
            ActiveNow::One(_) => "active",
            ActiveNow::Several => "bad",
        }
    }
}

/// The frame; templates call it `p`.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) locale: Locale,
    pub(crate) theme: Theme,
    /// Whether single keys do something.
    pub(crate) keys: bool,
    pub(crate) title: String,
    pub(crate) csrf: String,
    pub(crate) who: Option<(String, Role)>,
    pub(crate) cluster: Option<ClusterBar>,
    pub(crate) tab: Tab,
    pub(crate) path: String,
    /// What the browser called this console.
    pub(crate) host: Option<String>,
    /// One column for one short form.
    pub(crate) narrow: bool,
    pub(crate) done: Option<&'static str>,
    pub(crate) assets: &'static Paths,
}

/// What may be said after a redirect (`?done=…`); anything else in the address is ignored.
pub(crate) const DONE: [&str; 48] = [
    "asked",
    "withdrawn",
    "saved",
    "key-changed",
    "added",
    "deleted",
    "activated-server",
    "deactivated-server",
    "imported",
    "discarded",
    "rebased",
    "revoked",
    "pushed",
    "not-pushed",
    "dial-saved",
    "cluster-deleted",
    "adopted",
    "repaired",
    "not-repaired",
    "theirs",
    "switched-over",
    "switch-over-begun",
    "taken-over",
    "take-over-asked",
    "held",
    "resumed",
    "restored",
    "kept",
    "undone",
    "account-saved",
    "account-deleted",
    "password",
    "session-ended",
    "token-deleted",
    "ordered",
    "settings-saved",
    "silenced",
    "silence-ended",
    "channel-saved",
    "channel-deleted",
    "rule-saved",
    "rule-deleted",
    "second-factor-off",
    "second-factor-removed",
    "recovery-used",
    "second-factor-on",
    "passkey-added",
    "passkey-removed",
];

impl Page {
    pub(crate) fn new(visit: &Visit, title: impl Display) -> Self {
        let session = visit.caller.as_ref().and_then(|c| c.session.as_deref());
        let done = visit.query.get("done");
        Page {
            locale: visit.locale,
            theme: visit.look.theme,
            keys: visit.look.keys,
            title: title.to_string(),
            csrf: session.map(|s| s.csrf_token.clone()).unwrap_or_default(),
            who: visit.caller.as_ref().map(|c| (c.actor.name.clone(), c.actor.role)),
            cluster: None,
            tab: Tab::None,
            path: visit.path.clone(),
            host: visit.host.clone(),
            narrow: false,
            done: DONE.into_iter().find(|d| *d == done),
            assets: assets::paths(),
        }
    }

    /// The same for one short form.
    pub(crate) fn narrow(mut self) -> Self {
        self.narrow = true;
        self
    }

    /// The frame of a page about one cluster.
    pub(crate) async fn of_cluster(
        member: &Member,
        cluster: &str,
        tab: Tab,
        title: impl Display,
    ) -> Result<Self, Error> {
        let view = member.console().cluster(cluster).await?;
        let live = member.console().live(&view.id).await?;
        let own = format!("account/{}", member.actor.name);
        let mut page = Page::new(&member.visit, title);
        page.tab = tab;
        page.cluster = Some(ClusterBar {
            own_draft: view.drafts.contains(&own),
            other_drafts: view
                .drafts
                .iter()
                .filter(|owner| **owner != own)
                .map(|o| OtherDraft::of(o, &view))
                .collect(),
            active: ActiveNow::of(&live),
            trial: view.provisional.map(|trial| Trial { revision: trial.revision, until: trial.until }),
            held: live.directors.iter().any(|director| {
                let held = director.status.as_ref().and_then(|status| status.revision);
                held.is_some() && held == live.running
            }),
            running: view.running.as_ref().map(|r| r.summary.number),
            name: view.name,
            id: view.id,
        });
        Ok(page)
    }

    /// The sentence of that key.
    pub(crate) fn say(&self, key: &str) -> Message {
        self.locale.say(key.to_owned())
    }

    /// Whether the visitor's role is enough; pages leave out what would be refused.
    pub(crate) fn may(&self, role: Role) -> bool {
        self.who.as_ref().is_some_and(|(_, has)| *has >= role)
    }

    pub(crate) fn may_operate(&self) -> bool {
        self.may(Role::Operator)
    }

    pub(crate) fn may_edit(&self) -> bool {
        self.may(Role::Editor)
    }

    pub(crate) fn may_approve(&self) -> bool {
        self.may(Role::Approver)
    }

    pub(crate) fn may_admin(&self) -> bool {
        self.may(Role::Admin)
    }

    /// A moment, absolute and with its zone.
    pub(crate) fn moment(&self, at: &Timestamp) -> String {
        self.locale.moment(*at)
    }

    /// What this page does, as calls of the API; none for whoever has not signed in.
    pub(crate) fn calls(&self) -> Vec<Call> {
        if self.who.is_some() { calls::calls(&self.path) } else { Vec::new() }
    }

    /// The first of them as a command.
    pub(crate) fn command(&self, call: &Call) -> String {
        calls::command(self.host.as_deref(), call)
    }

    pub(crate) fn themes(&self) -> [Theme; 3] {
        Theme::ALL
    }

    /// The zone that the switch offers beside the visitor's own.
    pub(crate) fn utc(&self) -> &'static str {
        Zone::UTC.name()
    }

    pub(crate) fn languages(&self) -> [Language; 2] {
        Language::ALL
    }

    pub(crate) fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// Path of the page's cluster, without a slash at the end.
    pub(crate) fn base(&self) -> String {
        self.cluster.as_ref().map_or_else(String::new, |c| format!("/clusters/{}", c.id))
    }
}

/// `alice` of `account/alice`.
pub(crate) fn short(owner: &str) -> &str {
    owner.split_once('/').map_or(owner, |(_, name)| name)
}

/// A page with its status.
pub(crate) fn show(status: StatusCode, page: &impl Template) -> Result<Response, Error> {
    Ok((status, Html(page.render()?)).into_response())
}

/// The answer to a form whose address has no page of its own; htmx leaves the browser's address as it was.
pub(crate) fn keep_address(mut response: Response) -> Response {
    response.headers_mut().insert("hx-push-url", axum::http::HeaderValue::from_static("false"));
    response
}

/// 303: after a form, the browser asks for the page that shows the result.
pub(crate) fn see_other(path: &str) -> Response {
    let safe: String = path.bytes().map(printable).collect();
    axum::response::Redirect::to(&safe).into_response()
}

/// A path's byte as a header may carry it; names of objects may hold any character.
fn printable(byte: u8) -> String {
    match byte {
        b'!'..=b'~' if !b"\"<>\\^`{|}".contains(&byte) => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    }
}
