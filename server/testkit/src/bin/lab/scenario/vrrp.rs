//! One of our directors beside the real keepalived: versions 2 (with a password) and 3, to the group and to one
//! address, with two virtual routers. We win, we are stopped, it is stopped, we lose; what does not fit is named. Each
//! time one of them serves, and the time that both held the address stays within what the protocol needs.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::api::{self, Api};
use testkit::caribe::last_lines;
use testkit::traffic::Traffic;
use testkit::wait::{self, Seen};

use crate::network::{DIRECTORS, Director, Servers, VIP};
use crate::rival::{self, NAT_ROUTER, Rival};
use crate::stage::{CLUSTER, PATIENCE, Stage, addresses};

pub(super) const EVERY: Duration = Duration::from_millis(20);
pub(super) const LIMIT: Duration = Duration::from_millis(200);
/// Both may hold an address for an advertisement interval, when a better one begins; and looking takes its time here.
const BOTH: Duration = Duration::from_millis(1_500);
/// The longest a client may wait where addresses are handed on: the skew time of the lower priority and a margin.
pub(super) const HANDED_ON: u64 = 1_500;

/// A way to speak.
struct Way {
    name: &'static str,
    version: u8,
    password: Option<&'static str>,
    unicast: bool,
    interval_ms: u32,
    interval: &'static str,
}

const WAYS: [Way; 4] = [
    Way {
        name: "version 2, password, multicast",
        version: 2,
        password: Some("1111"),
        unicast: false,
        interval_ms: 1_000,
        interval: "1",
    },
    Way {
        name: "version 2, password, unicast",
        version: 2,
        password: Some("1111"),
        unicast: true,
        interval_ms: 1_000,
        interval: "1",
    },
    Way {
        name: "version 3, multicast",
        version: 3,
        password: None,
        unicast: false,
        interval_ms: 200,
        interval: "0.2",
    },
    Way {
        name: "version 3, unicast",
        version: 3,
        password: None,
        unicast: true,
        interval_ms: 200,
        interval: "0.2",
    },
];

impl Way {
    /// The redundancy settings of our side.
    fn ours(&self) -> Value {
        let instance = |name: &str, interface: &str, id: u8, address: &str| {
            json!({
                "name": name, "interface": interface, "virtual_router_id": id,
                "priority": { "primary": 150, "backup": 100 }, "password": self.password,
                "unicast": self.unicast, "addresses": [address],
            })
        };
        let instances =
            [instance("outside", "eth0", 51, &VIP.to_string()), instance("inside", "eth1", 52, NAT_ROUTER)];
        json!({
            "enabled": true, "interval_ms": self.interval_ms, "preempt": true,
            "protocol": { "kind": "vrrp", "version": self.version, "instances": instances },
        })
    }

    fn rival(&self, priority: u8) -> Rival {
        Rival {
            version: self.version,
            password: self.password,
            unicast: self.unicast,
            interval: self.interval,
            ..Rival::ordinary(priority)
        }
    }
}

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let mut content = stage.scenario_a(Servers::Nat)?;
    let [us, them] = &DIRECTORS;
    let first = WAYS.first().context("no way")?;
    *content.pointer_mut("/redundancy").context("redundancy")? = first.ours();

    let holder = |stage: &Stage, active: &Director, other: &Director| holder(stage, active, other, holds);
    // It is there first and serves; we come with the higher priority.
    let mut it = first.rival(100).start(&stage, them, us)?;
    holder(&stage, them, us)?;
    let mut traffic = stage.traffic_within(EVERY, LIMIT)?;
    traffic.wait_for_answers(50, PATIENCE)?;
    let (console, api) = stage.console()?;
    api.make_it_so(CLUSTER, &content)?;
    let mut agent = stage.join(&console, &api, us)?;
    holder(&stage, us, them)?;
    stage.say("ours took over from a lower keepalived");
    report(&stage, &mut traffic, "we come and win", HANDED_ON)?;

    for (number, way) in WAYS.iter().enumerate() {
        stage.say(way.name);
        if number > 0 {
            rival::stop(it)?;
            *content.pointer_mut("/redundancy").context("redundancy")? = way.ours();
            api.make_it_so(CLUSTER, &content)?;
            holder(&stage, us, them)?;
            it = way.rival(100).start(&stage, them, us)?;
            rival::backup(&stage, &it, them)?;
        }
        state(&api, us, "active")?;
        holder(&stage, us, them)?;
        traffic.forget();
        ensure!(agent.stop()?.success(), "the agent did not end well");
        holder(&stage, them, us)?;
        report(&stage, &mut traffic, "we are stopped", HANDED_ON)?;
        traffic.forget();
        agent = stage.agent(us)?;
        state(&api, us, "active")?;
        holder(&stage, us, them)?;
        report(&stage, &mut traffic, "we are back and win", HANDED_ON)?;

        traffic.forget();
        rival::stop(it)?;
        it = way.rival(200).start(&stage, them, us)?;
        holder(&stage, them, us)?;
        state(&api, us, "standby")?;
        report(&stage, &mut traffic, "it comes with a higher priority and we lose", HANDED_ON)?;
        traffic.forget();
        rival::stop(it)?;
        holder(&stage, us, them)?;
        state(&api, us, "active")?;
        report(&stage, &mut traffic, "it is stopped", HANDED_ON)?;
        it = way.rival(100).start(&stage, them, us)?;
        rival::backup(&stage, &it, them)?;
    }
    rival::stop(it)?;

    *content.pointer_mut("/redundancy").context("redundancy")? = first.ours();
    api.make_it_so(CLUSTER, &content)?;
    state(&api, us, "active")?;
    let fits = first.rival(100);
    for (concern, wrong) in [
        ("password", Rival { password: Some("2222"), ..fits.clone() }),
        ("authentication", Rival { password: None, ..fits.clone() }),
        ("interval", Rival { interval: "2", ..fits.clone() }),
        ("version", Rival { version: 3, password: None, ..fits.clone() }),
        ("addresses", Rival { more: true, ..fits.clone() }),
        ("virtual-router-id", Rival { id: 61, ..fits.clone() }),
        ("delivery", Rival { unicast: true, ..fits.clone() }),
    ] {
        let it = wrong.start(&stage, them, us)?;
        named(&stage, &api, us, concern)?;
        rival::stop(it)?;
        holder(&stage, us, them)?;
    }
    drop((agent, traffic));
    Ok(())
}

fn holds(director: &Director) -> Result<bool> {
    let held = addresses(director.namespace)?;
    let has = |address: &str| held.iter().any(|line| line.contains(&format!(" {address}/")));
    Ok(has(&VIP.to_string()) && has(NAT_ROUTER))
}

/// Waits until the first holds the addresses and the other none; both at once for too long is a failure.
pub(super) fn holder(
    stage: &Stage,
    active: &Director,
    other: &Director,
    holds: fn(&Director) -> Result<bool>,
) -> Result<()> {
    let mut both: Option<Instant> = None;
    let mut longest = Duration::ZERO;
    let seen = wait::until(&format!("{} holds the addresses", active.name), PATIENCE, || {
        let held = (holds(active)?, holds(other)?);
        both = if held == (true, true) { Some(both.unwrap_or_else(Instant::now)) } else { None };
        longest = longest.max(both.map_or(Duration::ZERO, |since| since.elapsed()));
        Ok(if held == (true, false) { Seen::Yes(()) } else { Seen::not_yet(format!("{held:?}")) })
    });
    seen.with_context(|| format!("keepalived: {}", last_lines(&rival::log(stage, other), 15)))?;
    ensure!(longest <= BOTH, "both held the addresses for {} ms", longest.as_millis());
    Ok(())
}

fn heartbeat(api: &Api, director: &Director) -> Result<(String, Value)> {
    let shown = api.director(CLUSTER, director.name)?;
    let connected = shown.pointer("/live/connected") == Some(&json!(true));
    let state = api::text(&shown, "/live/status/state").unwrap_or_default();
    let heartbeat = shown.pointer("/live/status/heartbeat").cloned().unwrap_or_default();
    Ok((if connected { state } else { "not connected".to_owned() }, heartbeat))
}

pub(super) fn state(api: &Api, director: &Director, wanted: &str) -> Result<()> {
    wait::until(&format!("{} {wanted}", director.name), PATIENCE, || {
        let (state, heartbeat) = heartbeat(api, director)?;
        Ok(if state == wanted { Seen::Yes(()) } else { Seen::not_yet(format!("{state}: {heartbeat}")) })
    })
}

/// Waits until the console names this mismatch.
fn named(stage: &Stage, api: &Api, director: &Director, mismatch: &str) -> Result<()> {
    let concern = json!({ "mismatch": mismatch });
    wait::until(&format!("{mismatch} named"), PATIENCE, || {
        let (_, heartbeat) = heartbeat(api, director)?;
        let concerns = heartbeat.pointer("/concerns").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(if concerns.contains(&concern) { Seen::Yes(()) } else { Seen::not_yet(heartbeat.to_string()) })
    })?;
    stage.say(&format!("a keepalived with another {mismatch} is named"));
    Ok(())
}

/// Says how long the client waited; more than `longest` is a failure.
pub(super) fn report(stage: &Stage, traffic: &mut Traffic, what: &str, longest: u64) -> Result<()> {
    let before = traffic.tally().answers();
    traffic.wait_for_answers(before + 50, PATIENCE)?;
    let tally = traffic.tally();
    let (gap, failed) = (tally.gap_ms, tally.failed.len());
    stage.say(&format!("{what}: the longest wait was {gap} ms, {failed} requests failed"));
    if gap > longest {
        bail!("{what}: the client waited {gap} ms");
    }
    Ok(())
}
