//! `caribe agent order` and `caribe agent status`: the agent on this machine, without its console.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use director::{LocalAnswer, LocalQuestion, ask};
use lvs::wire::{DirectorOrder, OrderRequest, Status};

use crate::cli::{LocalOrder, LocalStatus, OrderWord};
use crate::settings;

/// Gives an order; an error where it is not followed.
pub(crate) fn order(asked: LocalOrder, settings: settings::Agent) -> anyhow::Result<()> {
    let order = match asked.order {
        OrderWord::SwitchOver => DirectorOrder::SwitchOver,
        OrderWord::TakeOver => DirectorOrder::TakeOver,
        OrderWord::Hold => DirectorOrder::Hold,
        OrderWord::Resume => DirectorOrder::Resume,
    };
    let question = LocalQuestion::Order(OrderRequest { order, force: asked.force });
    match ask(&asked.place.data.unwrap_or(settings.data), question)? {
        LocalAnswer::Followed => {
            println!("followed");
            Ok(())
        }
        LocalAnswer::Refused(why) => bail!("{why}"),
        LocalAnswer::Status(_) => bail!("the agent answered something else"),
    }
}

/// Prints the status.
pub(crate) fn status(asked: LocalStatus, settings: settings::Agent) -> anyhow::Result<()> {
    let folder = asked.place.data.unwrap_or(settings.data);
    let status = match ask(&folder, LocalQuestion::Status)? {
        LocalAnswer::Status(status) => status,
        LocalAnswer::Refused(why) => bail!("{why}"),
        LocalAnswer::Followed => bail!("the agent answered something else"),
    };
    if asked.json {
        println!("{}", serde_json::to_string(&status).context("the status cannot be written as JSON")?);
    } else {
        print!("{}", lines(&status));
    }
    Ok(())
}

/// The status in lines for people.
fn lines(status: &Status) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{name:<10} {value}");
    };
    let yes = |on: bool| if on { "yes" } else { "no" }.to_owned();
    line("state", format!("{}, for {} s", status.state.as_str(), status.state_ms / 1000));
    line("revision", status.revision.map_or_else(|| "none".to_owned(), |revision| revision.to_string()));
    line("in sync", yes(status.in_sync));
    for key in &status.holds {
        line("holds", key.to_string());
    }
    if let Some(beats) = &status.heartbeat {
        line("because", word(&beats.reason));
        line("ready", yes(beats.ready));
        line("held", yes(beats.held));
        let partner = beats.partner.map_or_else(
            || "not heard".to_owned(),
            |partner| match partner.revision {
                Some(revision) => format!("{}, revision {revision}", partner.state.as_str()),
                None => partner.state.as_str().to_owned(),
            },
        );
        line("partner", partner);
        for router in &beats.routers {
            let heard = router.heard.map_or_else(String::new, |heard| {
                let fits = heard
                    .mismatch
                    .map_or_else(|| format!("priority {}", heard.priority), |mismatch| word(&mismatch));
                format!(", {} advertises it ({fits})", heard.source)
            });
            line("router", format!("{}, priority {}{heard}", router.virtual_router_id, router.priority));
        }
        for concern in &beats.concerns {
            line("concern", word(concern));
        }
        for fault in &beats.links {
            line("interface", format!("{}: {}", fault.interface, fault.trouble.as_str()));
        }
    }
    if let Some(error) = &status.last_error {
        line("error", error.clone());
    }
    text
}

/// A word of the heartbeat as it is on the wire.
fn word(word: &impl serde::Serialize) -> String {
    match serde_json::to_value(word) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}
