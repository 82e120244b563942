//! Orders on a real server's page: what holds, how far a drain has come on each director, and the buttons.

use std::net::IpAddr;

use axum::extract::Path;
use axum::response::Response;
use console::{LiveCluster, LiveDirector, NewOrder, Ordered};
use lvs::Cluster;
use lvs::health::{Drain, Instruction, Order, OrderTarget, Overdue, strictest};

use super::objects::{real_server, virtual_server};
use super::server_state::{Subject, status};
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::locale::Locale;
use crate::page::{see_other, short};
use crate::visit::Member;

/// What the page says about orders.
pub(super) struct Orders {
    /// The machine that an order may be given for.
    pub(super) address: IpAddr,
    /// What holds; empty where nothing was ever ordered.
    pub(super) holds: Vec<String>,
    /// How far a drain has come, by director.
    pub(super) drains: Vec<String>,
    /// Whether it may be stopped: tone and sentence; none where no draining is ordered.
    pub(super) empty: Option<(&'static str, String)>,
    pub(super) enabled: bool,
    /// Persistent services, which *drain now* touches all.
    pub(super) persistent: Vec<String>,
}

impl Orders {
    pub(super) fn of(
        locale: Locale,
        running: &Cluster,
        orders: &lvs::health::Orders,
        live: &LiveCluster,
        subject: &Subject<'_>,
    ) -> Self {
        let Subject { service, real } = *subject;
        let target = strictest(&orders.orders, &service.id, &real.id, real.address);
        let order = target.as_ref().and_then(|target| orders.orders.get(target));
        let holds = order.zip(target.as_ref()).map(|(order, target)| holds(locale, order, target));
        let (key, server) = (service.key(), service.server_key(real));
        let drain = |director: &LiveDirector| status(director, key, server)?.order.as_ref()?.drain;
        let connected = live.directors.iter().filter(|director| director.connected);
        let drains: Vec<(&str, Drain)> =
            connected.filter_map(|director| Some((director.name.as_str(), drain(director)?))).collect();
        let draining = order.is_some_and(|order| order.instruction == Instruction::Draining);
        let away = live.directors.iter().find(|director| director.id.is_some() && !director.connected);
        let persistent = running.virtual_servers.iter().filter(|there| there.persistence.is_some());
        Orders {
            address: real.address,
            holds: holds.unwrap_or_default(),
            empty: draining.then(|| empty(locale, &drains, away.map(|director| director.name.as_str()))),
            drains: drains.into_iter().map(|(name, drain)| progress(locale, name, drain)).collect(),
            enabled: order.is_none_or(|order| order.instruction == Instruction::Enabled),
            persistent: persistent.map(|there| there.name.clone()).collect(),
        }
    }
}

/// What was ordered, by whom, and how it ends.
fn holds(locale: Locale, order: &Order, target: &OrderTarget) -> Vec<String> {
    let given = locale
        .say(format!("ordered-{}", order.instruction.as_str()))
        .with("at", locale.moment_of(order.given_s))
        .with("by", short(&order.by));
    let mut holds = vec![given.to_string()];
    if let OrderTarget::Machine { address } = target {
        holds.push(locale.say("ordered-machine").with("address", address.to_string()).to_string());
    }
    if !order.reason.is_empty() {
        holds.push(locale.say("ordered-reason").with("reason", &order.reason).to_string());
    }
    if let Some(deadline) = order.deadline {
        let key = format!("deadline-{}", deadline.then.as_str());
        holds.push(locale.say(key).with("at", locale.moment_of(deadline.at_s)).to_string());
    }
    if let Some(until) = order.until_s {
        holds.push(locale.say("ordered-until").with("at", locale.moment_of(until)).to_string());
    }
    if order.at_once {
        holds.push(locale.say("ordered-at-once").to_string());
    }
    holds
}

/// Whether a drained server may be stopped: only where every director's kernel has said that nothing is left.
fn empty(locale: Locale, drains: &[(&str, Drain)], away: Option<&str>) -> (&'static str, String) {
    let left: Vec<u32> = drains
        .iter()
        .filter_map(|(_, drain)| match drain {
            Drain::Draining { left } | Drain::Overdue { left } => Some(left.unwrap_or(1)),
            Drain::Drained { .. } | Drain::Cut => None,
        })
        .collect();
    let may_return = drains.iter().any(|(_, drain)| matches!(drain, Drain::Drained { may_return: 1.. }));
    let (tone, message) = match (left.iter().max(), away) {
        (Some(left), _) => ("warn", locale.say("safe-not-yet").with("count", *left)),
        (None, Some(away)) => ("warn", locale.say("safe-unknown").with("director", away)),
        (None, None) if drains.is_empty() => ("warn", locale.say("safe-nobody-says")),
        (None, None) if may_return => ("warn", locale.say("safe-may-return")),
        (None, None) => ("good", locale.say("safe-now")),
    };
    (tone, message.to_string())
}

/// How far a drain has come on one director.
fn progress(locale: Locale, director: &str, drain: Drain) -> String {
    let (key, count) = match drain {
        Drain::Draining { left: Some(left) } => ("drain-left", left),
        Drain::Draining { left: None } | Drain::Overdue { left: None } => ("drain-uncounted", 0),
        Drain::Drained { may_return: 0 } => ("drain-done", 0),
        Drain::Drained { may_return } => ("drain-may-return", may_return),
        Drain::Overdue { left: Some(left) } => ("drain-overdue", left),
        Drain::Cut => ("drain-cut", 0),
    };
    locale.say(key).with("director", director).with("count", count).to_string()
}

/// A number of the form; none where it was left out.
fn number(fields: &Fields, name: &str, unit: u32) -> Result<Option<u32>, Error> {
    let Some(text) = fields.filled(name) else { return Ok(None) };
    let number = text.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
    number.map(Some).ok_or_else(|| Error::Malformed(format!("{name}: {text} is no number of that kind")))
}

/// The order that a form asks for. One form has all buttons: what does not belong to the one that was pressed is left out.
fn asked(fields: &Fields) -> Result<NewOrder, Error> {
    let word = fields.get("instruction");
    let instruction = Instruction::ALL.into_iter().find(|instruction| instruction.as_str() == word);
    let instruction = instruction.ok_or_else(|| Error::Malformed(format!("{word} is no order")))?;
    let (draining, enabled) = (instruction == Instruction::Draining, instruction == Instruction::Enabled);
    Ok(NewOrder {
        instruction,
        at_once: draining && fields.ticked("at_once"),
        deadline_s: if draining { number(fields, "deadline_min", 60)? } else { None },
        then: if fields.ticked("cut") { Overdue::Cut } else { Overdue::Wait },
        for_s: if enabled { None } else { number(fields, "for_min", 60)? },
        ramp_s: if enabled { number(fields, "ramp_s", 1)? } else { None },
        reason: fields.get("reason").trim().to_owned(),
    })
}

/// `POST …/real-servers/{real}/orders`: enable, drain, disable.
pub(super) async fn give(
    member: Member,
    Path((cluster, key, real_key)): Path<(String, String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let new = asked(&fields)?;
    let view = member.console().view(&member.actor, &cluster).await?;
    let (_, service) = virtual_server(&view.content, &key)?;
    let (_, real) = real_server(service, &real_key)?;
    let ordered = if fields.ticked("machine") {
        Ordered::Machine { address: real.address }
    } else {
        Ordered::Server { service: service.id.0.clone(), server: real.id.0.clone() }
    };
    member.console().order_server(&member.actor, &cluster, &ordered, new).await?;
    let place = format!("/clusters/{cluster}/virtual-servers/{key}/real-servers/{real_key}/state");
    Ok(see_other(&format!("{place}?done=ordered")))
}

/// `POST …/machines/{address}/orders`: the same for all real servers of a machine, in one step.
pub(super) async fn give_machine(
    member: Member,
    Path((cluster, address)): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let address: IpAddr = address.parse().map_err(|_| Error::NotFound)?;
    member.console().cluster(&cluster).await?;
    let ordered = Ordered::Machine { address };
    member.console().order_server(&member.actor, &cluster, &ordered, asked(&fields)?).await?;
    Ok(see_other(&format!("/clusters/{cluster}/machines?done=ordered")))
}
