//! What something else changed in a director's kernel: shown row by row, repaired now, or taken over as a draft.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{LiveDirector, PushOutcome, Role, Sync};
use lvs::model::DriftPolicy;
use lvs::plan::Row;
use lvs::preflight::{Answering, DroppingChain, Hook, Obstacle};
use lvs::wire::Drift;

use crate::error::Error;
use crate::fields::Sent;
use crate::locale::Locale;
use crate::page::{Page, Tab, see_other, show};
use crate::visit::Member;

/// What a director's kernel holds besides what runs; for the director's page.
pub(super) struct Kernel {
    /// Whether it has ever said what it holds, since this console started.
    pub(super) reported: bool,
    /// Services that are not managed here.
    pub(super) foreign: usize,
    /// Rows that something else changed.
    pub(super) drift: u32,
    /// The revision it holds that this console does not know.
    pub(super) unknown: Option<u64>,
    /// What stands in its way, in words.
    pub(super) obstacles: Vec<String>,
}

impl Kernel {
    pub(super) fn of(locale: Locale, live: &LiveDirector) -> Self {
        let status = live.status.as_ref();
        Kernel {
            reported: status.is_some(),
            obstacles: status.iter().flat_map(|s| &s.obstacles).map(|each| obstacle(locale, each)).collect(),
            foreign: status.map_or(0, |s| s.foreign.len()),
            drift: status.map_or(0, |s| s.drift_count),
            unknown: match live.sync {
                Sync::Ahead { held } | Sync::OtherContent { held } => Some(held),
                _ => None,
            },
        }
    }
}

/// What stands in a director's way, with what to do about it.
fn obstacle(locale: Locale, obstacle: &Obstacle) -> String {
    let said = match obstacle {
        Obstacle::Capability { name } => locale.say("obstacle-capability").with("name", name),
        Obstacle::NotForwarding { parameter } => {
            locale.say("obstacle-not-forwarding").with("parameter", parameter)
        }
        Obstacle::InterfaceMissing { interface } => {
            locale.say("obstacle-interface").with("interface", interface)
        }
        Obstacle::Dropping(DroppingChain { chain, hook: Hook::Input }) => {
            locale.say("obstacle-dropping-input").with("chain", chain)
        }
        Obstacle::Dropping(DroppingChain { chain, hook: Hook::Forward }) => {
            locale.say("obstacle-dropping-forward").with("chain", chain)
        }
        Obstacle::Keepalived => locale.say("obstacle-keepalived"),
        Obstacle::Answering(Answering { address, interface, hardware, machine: Some(machine) }) => locale
            .say("obstacle-answering-server")
            .with("address", address.to_string())
            .with("interface", interface)
            .with("hardware", hardware)
            .with("machine", machine.to_string()),
        Obstacle::Answering(Answering { address, interface, hardware, machine: None }) => locale
            .say("obstacle-answering")
            .with("address", address.to_string())
            .with("interface", interface)
            .with("hardware", hardware),
    };
    said.to_string()
}

/// A row that something else changed.
struct Changed {
    row: String,
    since: String,
    /// When it is repaired; none where it is held.
    due: Option<String>,
    repairs: u32,
    found: Vec<String>,
    repair: Vec<String>,
}

/// A repair that was made.
struct Made {
    row: String,
    at: String,
    steps: Vec<String>,
}

#[derive(Template)]
#[template(path = "drift.html")]
struct DriftPage {
    p: Page,
    name: String,
    connected: bool,
    hold: bool,
    rows: Vec<Changed>,
    /// Rows in all, those that are not shown included.
    count: u32,
    lately: Vec<Made>,
    may_repair: bool,
    nothing: bool,
}

fn changed(locale: Locale, drift: &Drift) -> Changed {
    Changed {
        row: drift.row.clone(),
        since: locale.moment_of(drift.since_s),
        due: drift.due_s.map(|at| locale.moment_of(at)),
        repairs: drift.repairs,
        found: drift.found.clone(),
        repair: drift.repair.clone(),
    }
}

/// The director's last report.
pub(super) async fn reported(
    member: &Member,
    cluster: &str,
    name: &str,
) -> Result<Option<LiveDirector>, Error> {
    let views = member.console().directors(&member.actor, cluster).await?;
    let view = views.into_iter().find(|view| view.name == name);
    let missing = || console::Missing { thing: console::Thing::Director, name: name.to_owned() };
    Ok(view.ok_or_else(|| Error::Missing(missing()))?.live)
}

/// `GET …/directors/{director}/drift`
pub(super) async fn page(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
) -> Result<Response, Error> {
    shown(&member, &cluster, &name, StatusCode::OK, false).await
}

async fn shown(
    member: &Member,
    cluster: &str,
    name: &str,
    status: StatusCode,
    nothing: bool,
) -> Result<Response, Error> {
    let live = reported(member, cluster, name).await?;
    let running = member.console().cluster(cluster).await?.running;
    let reports = live.as_ref().and_then(|live| live.status.as_ref());
    let locale = member.locale();
    let title = locale.say("drift-title").with("name", name);
    let page = DriftPage {
        p: Page::of_cluster(member, cluster, Tab::Directors, title).await?,
        name: name.to_owned(),
        connected: live.as_ref().is_some_and(|live| live.connected),
        hold: running.is_some_and(|r| r.content.global.drift == DriftPolicy::Hold),
        rows: reports
            .map(|s| s.drift.iter().map(|drift| changed(locale, drift)).collect())
            .unwrap_or_default(),
        count: reports.map_or(0, |s| s.drift_count),
        lately: reports
            .map(|s| {
                let made = |r: &lvs::wire::Repaired| Made {
                    row: r.row.clone(),
                    at: locale.moment_of(r.at_s),
                    steps: r.steps.clone(),
                };
                s.repaired.iter().rev().map(made).collect()
            })
            .unwrap_or_default(),
        may_repair: member.actor.role >= Role::Operator,
        nothing,
    };
    show(status, &page)
}

/// The ticked rows of those that drift.
async fn ticked(
    member: &Member,
    (cluster, name): (&str, &str),
    fields: &crate::fields::Fields,
) -> Result<BTreeSet<Row>, Error> {
    let live = reported(member, cluster, name).await?;
    let drift = live.and_then(|live| live.status).map(|status| status.drift).unwrap_or_default();
    let rows = drift.iter().filter(|drift| fields.contains("row", &drift.row));
    Ok(rows.filter_map(|drift| drift.row.parse().ok()).collect())
}

/// `POST …/directors/{director}/drift/repair`: the ticked rows, or all of them.
pub(super) async fn repair(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let all = fields.ticked("all");
    let rows = if all { BTreeSet::new() } else { ticked(&member, (&cluster, &name), &fields).await? };
    if rows.is_empty() && !all {
        return shown(&member, &cluster, &name, StatusCode::UNPROCESSABLE_ENTITY, true).await;
    }
    let result = member.console().repair(&member.actor, &cluster, &name, &rows).await?;
    let done = match result.outcome {
        PushOutcome::Applied { failures, .. } if failures.is_empty() => "repaired",
        _ => "not-repaired",
    };
    Ok(see_other(&format!("/clusters/{cluster}/directors/{name}/drift?done={done}")))
}

/// `POST …/directors/{director}/drift`: the ticked rows as the kernel holds them, into the draft.
pub(super) async fn take_over(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let rows = ticked(&member, (&cluster, &name), &fields).await?;
    // A kernel parameter is no part of a configuration: there is only its repair.
    let rows: BTreeSet<Row> = rows.into_iter().filter(|row| !matches!(row, Row::Sysctl(_))).collect();
    if rows.is_empty() {
        return shown(&member, &cluster, &name, StatusCode::UNPROCESSABLE_ENTITY, true).await;
    }
    member.console().adopt(&member.actor, &cluster, &name, &rows, None).await?;
    Ok(see_other(&format!("/clusters/{cluster}/changes?done=adopted")))
}
