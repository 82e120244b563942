//! What a director's heartbeat decides and sees, in words, and the orders that operators give it.

use std::time::Duration;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{LiveDirector, OrderOutcome};
use lvs::failover::vrrp::RouterView;
use lvs::failover::{Counts, Refused};
use lvs::wire::{DirectorOrder, HeartbeatStatus, HookOutcome, HookStatus, LinkFault, State};
use tokio::time::{Instant, timeout_at};

use super::directors::{NotFollowed, Shown, page, showing};
use super::drift::reported;
use crate::error::Error;
use crate::fields::Sent;
use crate::happenings::{self, word};
use crate::locale::Locale;
use crate::page::{keep_address, see_other};
use crate::visit::Member;

/// How long the answer to an order waits for what comes of it.
const PATIENCE: Duration = Duration::from_secs(3);

/// The heartbeat of one director as its page shows it.
pub(super) struct Beats {
    /// Why it is in its state.
    pub(super) reason: String,
    /// What it hears of its partner.
    pub(super) partner: String,
    /// What is odd.
    pub(super) concerns: Vec<String>,
    /// What was found out about a silent partner.
    pub(super) evidence: Vec<String>,
    /// The program that was run last for its state.
    pub(super) hook: Option<Hook>,
    /// Packets that were not followed, by reason.
    pub(super) dropped: Vec<String>,
    /// Interfaces that are needed and cannot be used.
    pub(super) links: Vec<String>,
    /// The daemons of connection sync in its kernel.
    pub(super) sync: String,
    /// Whether it could take over without losing connections.
    pub(super) ready: String,
    /// VRRP's virtual routers, and who else advertises them.
    pub(super) routers: Vec<String>,
    pub(super) held: bool,
    pub(super) active: bool,
    pub(super) standby: bool,
}

impl Beats {
    /// None where the seat alone decides.
    pub(super) fn of(locale: Locale, live: &LiveDirector) -> Option<Self> {
        let status = live.status.as_ref()?;
        let HeartbeatStatus {
            reason,
            partner,
            concerns,
            evidence,
            counts,
            held,
            ready,
            links,
            routers,
            hook,
            ..
        } = status.heartbeat.as_ref()?;
        let partner = match partner {
            Some(partner) => {
                let state = locale.say(format!("state-{}", partner.state.as_str())).to_string();
                match partner.revision {
                    Some(revision) => {
                        locale.say("beats-partner").with("state", state).with("revision", revision)
                    }
                    None => locale.say("beats-partner-state").with("state", state),
                }
                .to_string()
            }
            None if !routers.is_empty() => locale.say("beats-vrrp-unheard").to_string(),
            None => locale.say("beats-partner-unheard").to_string(),
        };
        Some(Beats {
            reason: locale.say(format!("reason-{}", word(reason))).to_string(),
            partner,
            concerns: concerns
                .iter()
                .map(|concern| locale.say(format!("concern-{}", word(concern))).to_string())
                .collect(),
            evidence: happenings::signs(locale, evidence).collect(),
            hook: hook.as_ref().map(|hook| Hook::of(locale, hook)),
            dropped: dropped(locale, counts),
            links: links.iter().map(|fault| link(locale, fault)).collect(),
            sync: sync(locale, live),
            ready: locale.say(if *ready { "beats-ready-yes" } else { "beats-ready-no" }).to_string(),
            routers: routers.iter().map(|router| virtual_router(locale, router)).collect(),
            held: *held,
            active: status.state == State::Active,
            standby: status.state == State::Standby,
        })
    }
}

fn dropped(locale: Locale, counts: &Counts) -> Vec<String> {
    let said =
        |(word, count): (&str, u64)| locale.say(format!("dropped-{word}")).with("count", count).to_string();
    counts.dropped().into_iter().filter(|(_, count)| *count > 0).map(said).collect()
}

/// How the program for a state went.
pub(super) struct Hook {
    pub(super) text: String,
    pub(super) failed: bool,
}

impl Hook {
    fn of(locale: Locale, hook: &HookStatus) -> Self {
        let state = if hook.active { "active" } else { "inactive" };
        let text = match &hook.outcome {
            HookOutcome::Running => locale.say(format!("hook-{state}-running")),
            HookOutcome::Succeeded => locale.say(format!("event-hook-{state}")),
            HookOutcome::Failed { reason } => {
                locale.say(format!("event-hook-{state}-failed")).with("reason", reason)
            }
        };
        Hook { text: text.to_string(), failed: matches!(hook.outcome, HookOutcome::Failed { .. }) }
    }
}

fn link(locale: Locale, fault: &LinkFault) -> String {
    let key = format!("event-link-{}", fault.trouble.as_str());
    locale.say(key).with("interface", &fault.interface).to_string()
}

/// What the kernel says of connection sync, as it was last seen.
fn sync(locale: Locale, live: &LiveDirector) -> String {
    let observed = live.snapshot.as_ref().map(|snapshot| &snapshot.observed.sync);
    let running: Vec<String> = observed
        .into_iter()
        .flatten()
        .map(|(role, row)| {
            let said = locale.say(format!("beats-sync-{}", role.as_str()));
            said.with("interface", &row.interface).with("id", row.id).to_string()
        })
        .collect();
    if running.is_empty() { locale.say("beats-sync-none").to_string() } else { running.join(" ") }
}

/// One virtual router in words.
fn virtual_router(locale: Locale, router: &RouterView) -> String {
    let own = match router.source {
        Some(source) => locale.say("beats-router").with("source", source.to_string()),
        None => locale.say("beats-router-mute"),
    };
    let own = own.with("id", router.virtual_router_id).with("priority", router.priority).to_string();
    let Some(heard) = router.heard else { return own };
    let other = match heard.mismatch {
        Some(_) => locale.say("beats-router-mismatch"),
        None => locale.say("beats-router-heard").with("priority", heard.priority),
    };
    format!("{own} {}", other.with("source", heard.source.to_string()))
}

/// `POST …/directors/{director}/order`: hand over, take over, hold or resume.
pub(super) async fn order(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let order = match fields.get("order") {
        "switch-over" => DirectorOrder::SwitchOver,
        "take-over" => DirectorOrder::TakeOver,
        "hold" => DirectorOrder::Hold,
        "resume" => DirectorOrder::Resume,
        other => return Err(Error::Malformed(format!("{other} is no order"))),
    };
    let force = fields.ticked("force");
    let reason = match member.console().order(&member.actor, &cluster, &name, order, force).await? {
        OrderOutcome::Followed => {
            let done = outcome(&member, &cluster, &name, order).await?;
            return Ok(see_other(&format!("/clusters/{cluster}/directors/{name}?done={done}")));
        }
        OrderOutcome::Refused { reason } | OrderOutcome::Unreachable { reason } => reason,
    };
    let locale = member.locale();
    // The director says it in English; the few reasons there are have their words here.
    let known = Refused::ALL.into_iter().find(|refused| reason.ends_with(&refused.to_string()));
    let said = known.map_or_else(|| reason.clone(), |refused| happenings::refused(locale, refused));
    let hint = (known == Some(Refused::PartnerNotReady) && !force)
        .then(|| locale.say("order-hint-force").with("tick", locale.say("order-force")).to_string());
    let refused =
        NotFollowed { reason: locale.say("problem-refused").with("reason", said).to_string(), hint };
    let view = member.console().view(&member.actor, &cluster).await?;
    let form = showing(&member, &view, &name).await?;
    let shown = Shown { view: &view, name: Some(&name), joining: None, refused: Some(refused) };
    page(&member, shown, StatusCode::UNPROCESSABLE_ENTITY, form).await.map(keep_address)
}

/// What came of an order that was followed, as the director reports it; it is given a moment, because a hand-over takes one.
async fn outcome(
    member: &Member,
    cluster: &str,
    name: &str,
    order: DirectorOrder,
) -> Result<&'static str, Error> {
    let (wanted, soon, later) = match order {
        DirectorOrder::SwitchOver => (State::Standby, "switched-over", "switch-over-begun"),
        DirectorOrder::TakeOver => (State::Active, "taken-over", "take-over-asked"),
        DirectorOrder::Hold => return Ok("held"),
        DirectorOrder::Resume => return Ok("resumed"),
    };
    let mut changes = member.console().changes();
    let end = Instant::now() + PATIENCE;
    loop {
        let live = reported(member, cluster, name).await?;
        if live.and_then(|live| live.status).is_some_and(|status| status.state == wanted) {
            return Ok(soon);
        }
        match timeout_at(end, changes.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Ok(later),
        }
    }
}
