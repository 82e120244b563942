//! What scenarios do with two directors that watch each other, and the figures they bring home.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};
use testkit::api::{self, Api};
use testkit::process;
use testkit::traffic::Traffic;
use testkit::wait::{self, Seen};

use crate::network::{self, Director, VIP};
use crate::stage::{CLUSTER, PATIENCE, Stage, addresses};

/// Between two requests of the client.
pub(crate) const EVERY: Duration = Duration::from_millis(20);
/// Within this time the kernel of a director that hangs gives the address up.
pub(crate) const LEASE_ENDS: Duration = Duration::from_millis(4_500);

/// Longer than any deadtime that scenarios set, and than a lease.
const WATCHED: Duration = Duration::from_secs(6);
const DEAF: &str = "table inet deaf {
    chain in { type filter hook input priority 0; policy accept; udp dport 539 drop; }
    chain out { type filter hook output priority 0; policy accept; udp dport 539 drop; }
}
";

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

/// Takes a director's ports out of their switch, or puts them back; the carrier stays.
pub(crate) fn unplugged(director: &Director, out: bool) -> Result<()> {
    let ports = [("eth0", "pub"), ("eth1", "prv")].map(|(card, bridge)| {
        let port = format!("{}-{card}", director.namespace);
        if out { format!("link set {port} nomaster") } else { format!("link set {port} master {bridge}") }
    });
    network::ip(Some("switch"), &ports)
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

/// Looks on for many deadtimes: one director holds the address, and the other one never does.
pub(crate) fn sole_owner(owner: &Director, other: &Director, what: &str) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < WATCHED {
        let here = [holds(owner)?, holds(other)?];
        if here != [true, false] {
            bail!("{what}: {} and {} hold the address: {here:?}", owner.name, other.name);
        }
    }
    Ok(())
}

/// Waits until the router finds the address at this director.
pub(crate) fn found_at(director: &Director) -> Result<()> {
    let mac = network::hardware_address(director.namespace, "eth0")?;
    wait::until(&format!("the router finds {VIP} at {}", director.name), PATIENCE, || {
        let vip = VIP.to_string();
        let known = process::run(process::command(["ip", "-n", "router", "neigh", "show", &vip]))?;
        Ok(if known.contains(&mac) { Seen::Yes(()) } else { Seen::not_yet(known) })
    })
}

/// Waits until the console shows this concern of a director.
pub(crate) fn concerned(api: &Api, director: &Director, concern: &Value) -> Result<()> {
    wait::until(&format!("{} says {concern}", director.name), PATIENCE, || {
        let shown = api.director(CLUSTER, director.name)?;
        let concerns = shown.pointer("/live/status/heartbeat/concerns").cloned().unwrap_or_default();
        let there = concerns.as_array().is_some_and(|all| all.contains(concern));
        Ok(if there { Seen::Yes(()) } else { Seen::not_yet(concerns.to_string()) })
    })
}

/// Waits until a director says this of its checks: so many, by what is counted.
pub(crate) fn checking(api: &Api, director: &Director, wanted: &[(&str, usize)]) -> Result<()> {
    wait::until(&format!("{} counts {wanted:?}", director.name), PATIENCE, || {
        let shown = api.director(CLUSTER, director.name)?;
        let checking = shown.pointer("/live/status/checking").cloned().unwrap_or_default();
        let right = wanted.iter().all(|(what, count)| checking.pointer(what) == Some(&json!(count)));
        Ok(if right { Seen::Yes(()) } else { Seen::not_yet(checking.to_string()) })
    })
}

/// Closes a director's heartbeat port both ways, or opens it again; everything else works.
pub(crate) fn deaf(director: &Director, deaf: bool) -> Result<()> {
    if deaf {
        return network::rules(director.namespace, DEAF);
    }
    process::run(network::within(director.namespace, &["nft", "delete", "table", "inet", "deaf"])).map(drop)
}

/// A virtual router, as both directors' redundancy settings have it.
pub(crate) fn virtual_router(name: &str, interface: &str, id: u8, address: &str) -> Value {
    json!({
        "name": name, "interface": interface, "virtual_router_id": id,
        "priority": { "primary": 150, "backup": 100 }, "addresses": [address],
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
        // What is shown of a director that is not connected is what it said last.
        let connected = shown.pointer("/live/connected") == Some(&json!(true));
        let heartbeat = shown.pointer("/live/status/heartbeat").cloned().unwrap_or_default();
        let active = heartbeat.pointer("/partner/state") == Some(&json!("active"));
        // VRRP and Piranha's beat have nothing to say who they are.
        let usual = |concern: &Value| *concern == json!("unauthenticated");
        let concerns = heartbeat.pointer("/concerns").and_then(Value::as_array);
        let quiet = concerns.is_some_and(|concerns| concerns.iter().all(usual));
        let ready = heartbeat.pointer("/ready") == Some(&json!(true));
        Ok(if connected && active && quiet && ready {
            Seen::Yes(())
        } else {
            Seen::not_yet(heartbeat.to_string())
        })
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
