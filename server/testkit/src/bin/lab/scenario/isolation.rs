//! Two directors that cannot hear each other though both are well: the console as witness, and a director that is cut off
//! from its gateway. Nobody claims what another one holds; whoever is really alone does.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use testkit::api::Api;
use testkit::process;
use testkit::wait::{self, Seen};

use crate::network::{self, DIRECTORS, Director, Servers};
use crate::pair::{EVERY, Figures, cut, holds, one_owner, owner, settled};
use crate::stage::{CLUSTER, PATIENCE, Stage, no_failure};

const LIMIT: Duration = Duration::from_millis(200);
/// Many deadtimes.
const WATCHED: Duration = Duration::from_secs(6);
/// The longest a client may wait when the active director dies: whoever is asked does not answer, and that adds nothing.
const LONGEST: u64 = 2_000;
/// No beat gets through; everything else does.
const DEAF: &str = "table inet deaf {
    chain in { type filter hook input priority 0; policy accept; udp dport 539 drop; }
    chain out { type filter hook output priority 0; policy accept; udp dport 539 drop; }
}
";

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let mut content = stage.pair(Servers::Nat, false)?;
    let redundancy =
        content.pointer_mut("/redundancy").and_then(Value::as_object_mut).context("redundancy")?;
    redundancy.insert("witness".to_owned(), json!(true));
    let (_console, api, [a, _b]) = stage.cluster(&content)?;
    let [first, second] = &DIRECTORS;
    owner(&api, first, second)?;
    settled(&api, second)?;
    let mut traffic = stage.traffic_within(EVERY, LIMIT)?;
    traffic.wait_for_answers(50, PATIENCE)?;

    network::rules(second.namespace, DEAF)?;
    refused(&api, second, "witness")?;
    alone(first, second)?;
    no_failure(&traffic.tally().failed)?;
    stage.say("no beat for 6 s: the console is asked, and the standby does not claim");
    process::run(network::within(second.namespace, &["nft", "delete", "table", "inet", "deaf"]))?;
    owner(&api, first, second)?;
    settled(&api, second)?;

    let mut figures = Figures::default();
    traffic.forget();
    a.kill()?;
    cut(first, true)?;
    one_owner(second)?;
    figures.note(&stage, &mut traffic, "the active director dies, and its agent answers nobody", LONGEST)?;
    cut(first, false)?;
    let _a = stage.agent(first)?;
    owner(&api, second, first)?;
    settled(&api, first)?;

    let redundancy =
        content.pointer_mut("/redundancy").and_then(Value::as_object_mut).context("redundancy")?;
    redundancy.insert("witness".to_owned(), json!(false));
    redundancy.insert("gateway".to_owned(), json!("192.168.1.1"));
    api.make_it_so(CLUSTER, &content)?;
    for director in &DIRECTORS {
        stage.wait_in_sync(&api, director)?;
    }
    owner(&api, second, first)?;
    settled(&api, first)?;
    traffic.forget();
    // Carrier stays: only the network behind the socket in the wall is gone.
    unplugged(first, true)?;
    refused(&api, first, "isolated")?;
    alone(second, first)?;
    no_failure(&traffic.tally().failed)?;
    stage.say("cut off from its gateway for 6 s, the standby does not claim");
    unplugged(first, false)?;
    owner(&api, second, first)?;
    settled(&api, first)?;

    traffic.forget();
    cut(second, true)?;
    one_owner(first)?;
    figures.note(
        &stage,
        &mut traffic,
        "the active director cut off, the gateway answers the standby",
        LONGEST,
    )?;
    figures.show(&stage);
    Ok(())
}

/// Waits until a director says why it does not claim.
fn refused(api: &Api, director: &Director, why: &str) -> Result<()> {
    let concern = json!({ "not-claiming": why });
    wait::until(&format!("{} does not claim: {why}", director.name), PATIENCE, || {
        let shown = api.director(CLUSTER, director.name)?;
        let concerns = shown.pointer("/live/status/heartbeat/concerns").cloned().unwrap_or_default();
        let there = concerns.as_array().is_some_and(|all| all.contains(&concern));
        Ok(if there { Seen::Yes(()) } else { Seen::not_yet(concerns.to_string()) })
    })
}

/// Looks on: one director holds the address, and the other one never does.
fn alone(owner: &Director, other: &Director) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < WATCHED {
        let here = [holds(owner)?, holds(other)?];
        if here != [true, false] {
            bail!("{} and {} hold the address: {here:?}", owner.name, other.name);
        }
    }
    Ok(())
}

/// Takes a director's ports out of their switch, or puts them back.
fn unplugged(director: &Director, out: bool) -> Result<()> {
    let ports = [("eth0", "pub"), ("eth1", "prv")].map(|(card, bridge)| {
        let port = format!("{}-{card}", director.namespace);
        if out { format!("link set {port} nomaster") } else { format!("link set {port} master {bridge}") }
    });
    network::ip(Some("switch"), &ports)
}
