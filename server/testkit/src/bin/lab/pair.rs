//! What scenarios do with two directors that watch each other, and the figures they bring home.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use testkit::api::{self, Api};
use testkit::traffic::Traffic;
use testkit::wait::{self, Seen};

use crate::network::{self, Director, VIP};
use crate::stage::{CLUSTER, PATIENCE, Stage, addresses};

/// Between two requests of the client.
pub(crate) const EVERY: Duration = Duration::from_millis(20);
/// Within this time the kernel of a director that hangs gives the address up.
pub(crate) const LEASE_ENDS: Duration = Duration::from_millis(4_500);

/// How often each thing is done (`LAB_RUNS`); once where nothing is said.
pub(crate) fn runs() -> usize {
    std::env::var("LAB_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Takes a director's network cables out, or puts them back.
pub(crate) fn cut(director: &Director, out: bool) -> Result<()> {
    cables(director, &["eth0", "eth1"], out)
}

/// The same with some of them.
pub(crate) fn cables(director: &Director, cards: &[&str], out: bool) -> Result<()> {
    let state = if out { "down" } else { "up" };
    let lines: Vec<String> =
        cards.iter().map(|card| format!("link set {}-{card} {state}", director.namespace)).collect();
    network::ip(Some("switch"), &lines)
}

/// Gives a director an order that must be followed.
pub(crate) fn order(api: &Api, director: &Director, order: &str, force: bool) -> Result<()> {
    let path = format!("/clusters/{CLUSTER}/directors/{}/orders", director.name);
    let answer = api.call("POST", &path, Some(&json!({ "order": order, "force": force })))?;
    match answer.pointer("/outcome").and_then(Value::as_str) {
        Some("followed") => Ok(()),
        _ => bail!("{order}: {answer}"),
    }
}

/// Whether the kernel of this director holds the address.
pub(crate) fn holds(director: &Director) -> Result<bool> {
    let there = |line: &String| line.starts_with("eth0") && line.contains(&format!(" {VIP}/"));
    Ok(addresses(director.namespace)?.iter().any(there))
}

/// Waits until the kernel of this director holds the address.
pub(crate) fn one_owner(director: &Director) -> Result<()> {
    wait::until(&format!("{} holds the address", director.name), PATIENCE, || {
        Ok(if holds(director)? { Seen::Yes(()) } else { Seen::not_yet("it does not") })
    })
}

/// Waits until the kernel of this director has given the address up.
pub(crate) fn gone(director: &Director) -> Result<()> {
    wait::until(&format!("{} gives the address up", director.name), LEASE_ENDS, || {
        Ok(if holds(director)? { Seen::not_yet("it holds it") } else { Seen::Yes(()) })
    })
}

/// Waits until the console shows who is active and who is standby, and their kernels agree.
pub(crate) fn owner(api: &Api, active: &Director, standby: &Director) -> Result<()> {
    wait::until(&format!("{} active, {} standby", active.name, standby.name), PATIENCE, || {
        let states = [active, standby].map(|director| state(api, director));
        let [is_active, is_standby] = states;
        let (is_active, is_standby) = (is_active?, is_standby?);
        let kernels = (holds(active)?, holds(standby)?);
        let right = is_active == "active" && is_standby == "standby" && kernels == (true, false);
        Ok(if right {
            Seen::Yes(())
        } else {
            Seen::not_yet(format!("{is_active}, {is_standby}, holding {kernels:?}"))
        })
    })
}

/// The lived state as the console shows it.
pub(crate) fn state(api: &Api, director: &Director) -> Result<String> {
    let shown = api.director(CLUSTER, director.name)?;
    let connected = shown.pointer("/live/connected").and_then(Value::as_bool).unwrap_or_default();
    let state = api::text(&shown, "/live/status/state").unwrap_or_default();
    Ok(if connected { state } else { "not connected".to_owned() })
}

/// Waits until this director hears its partner as the active one, nothing is odd about it, and it could take over.
pub(crate) fn settled(api: &Api, standby: &Director) -> Result<()> {
    wait::until(&format!("{} hears its partner and is ready", standby.name), PATIENCE, || {
        let shown = api.director(CLUSTER, standby.name)?;
        let heartbeat = shown.pointer("/live/status/heartbeat").cloned().unwrap_or_default();
        let active = heartbeat.pointer("/partner/state") == Some(&json!("active"));
        // VRRP and Piranha's beat have nothing to say who they are.
        let usual = |concern: &Value| *concern == json!("unauthenticated");
        let concerns = heartbeat.pointer("/concerns").and_then(Value::as_array);
        let quiet = concerns.is_some_and(|concerns| concerns.iter().all(usual));
        let ready = heartbeat.pointer("/ready") == Some(&json!(true));
        Ok(if active && quiet && ready { Seen::Yes(()) } else { Seen::not_yet(heartbeat.to_string()) })
    })
}

/// The longest waits of a client, by what happened.
#[derive(Default)]
pub(crate) struct Figures(BTreeMap<String, Vec<(u64, usize)>>);

impl Figures {
    /// Waits until the client is served again, and notes its longest wait, which may be `longest` milliseconds at most,
    /// and how many requests failed.
    pub(crate) fn note(
        &mut self,
        stage: &Stage,
        traffic: &mut Traffic,
        what: &str,
        longest: u64,
    ) -> Result<()> {
        let before = traffic.tally().answers();
        let served = traffic.wait_for_answers(before + 50, PATIENCE);
        let tally = traffic.tally();
        let (gap, failed) = (tally.gap_ms, tally.failed.len());
        stage.say(&format!(
            "{what}: the longest wait was {gap} ms, {failed} of {} requests failed",
            failed as u64 + tally.answers()
        ));
        self.0.entry(what.to_owned()).or_default().push((gap, failed));
        if served.is_err() || gap > longest {
            bail!("{what}: the client waited {gap} ms; {:?}", tally.failed.last());
        }
        Ok(())
    }

    /// The same where no request may fail.
    pub(crate) fn unharmed(
        &mut self,
        stage: &Stage,
        traffic: &mut Traffic,
        what: &str,
        longest: u64,
    ) -> Result<()> {
        self.note(stage, traffic, what, longest)?;
        crate::stage::no_failure(&traffic.tally().failed)
    }

    /// The table.
    pub(crate) fn show(&self, stage: &Stage) {
        for (what, notes) in &self.0 {
            let mut waits: Vec<u64> = notes.iter().map(|(gap, _)| *gap).collect();
            waits.sort_unstable();
            let failed: Vec<String> = notes.iter().map(|(_, failed)| failed.to_string()).collect();
            let at = |place: usize| waits.get(place).copied().unwrap_or_default();
            stage.say(&format!(
                "figures: {what}: {} runs, longest wait {} / {} / {} ms (least, median, most), failed {}",
                waits.len(),
                at(0),
                at(waits.len() / 2),
                at(waits.len().saturating_sub(1)),
                failed.join(" ")
            ));
        }
    }
}
