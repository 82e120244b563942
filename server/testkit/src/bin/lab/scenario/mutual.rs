//! Two directors that are each other's real servers, with direct routing: each has the virtual address on its loopback, to
//! serve what the other one sends. A standby that scheduled that again would send it back, for ever: in the steady state,
//! while the owner changes, and when an agent dies over a kernel that goes on as the active one.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use testkit::process::{self, Background};

use crate::network::{self, DIRECTORS, Director, Flat, Servers, VIP};
use crate::pair::{EVERY, Figures, gone, one_owner, order, owner, settled};
use crate::stage::{CLUSTER, PATIENCE, Stage};

const FLAT: Flat = Flat {
    interface: "eth0",
    router: "192.168.1.1/24",
    directors: ["192.168.1.10", "192.168.1.20"],
    servers: ["192.168.1.111", "192.168.1.222"],
};
/// The longest a client may wait at a planned switch-over.
const PLANNED: u64 = 700;
/// The longest while an agent is dead whose kernel goes on.
const KILLED: u64 = 2_000;
const REQUESTS: u64 = 60;
const TABLE: &str = "-A -t 192.168.1.250:80 -s rr
-a -t 192.168.1.250:80 -r 192.168.1.10:80 -g -w 1
-a -t 192.168.1.250:80 -r 192.168.1.20:80 -g -w 1
";

pub(crate) fn run() -> Result<()> {
    let stage = Stage::upon(80, || network::build_flat(&FLAT))?;
    let mut servers = Vec::new();
    for director in &DIRECTORS {
        let name = director.namespace;
        let command = stage.lab(name, &["http-server", "0.0.0.0:80", name]);
        let mut server = Background::start(name, command, &stage.log(&format!("web-{name}")))?;
        server.wait_for_word("listening", PATIENCE)?;
        servers.push(server);
        let (data, vip) =
            (stage.data(&format!("web-{name}")).to_string_lossy().into_owned(), VIP.to_string());
        let words = ["real-server", "setup", "--mode", "direct", "--vip", &vip, "--data", &data];
        stage.caribe(name).run(&words, "")?;
    }
    stage.say("both directors serve, and have the virtual address on lo");
    let (_console, api, [agent, _other]) = stage.cluster(&content(&stage, false)?)?;
    let [first, second] = &DIRECTORS;
    let mut figures = Figures::default();
    for sync in [false, true] {
        if sync {
            api.make_it_so(CLUSTER, &content(&stage, true)?)?;
            for director in &DIRECTORS {
                stage.wait_in_sync(&api, director)?;
            }
        }
        for (active, standby) in [(first, second), (second, first)] {
            owner(&api, active, standby)?;
            settled(&api, standby)?;
            both_serve(&stage, active, standby, sync)?;
            let mut traffic = stage.traffic_within(EVERY, Duration::from_millis(200))?;
            traffic.wait_for_answers(20, PATIENCE)?;
            watch(active, standby)?;
            order(&api, active, "switch-over", false)?;
            owner(&api, standby, active)?;
            let what = if sync { "switch-over with sync" } else { "switch-over without sync" };
            figures.note(&stage, &mut traffic, what, PLANNED)?;
            no_frame_went_round(what)?;
        }
    }
    settled(&api, second)?;
    let mut traffic = stage.traffic(EVERY)?;
    traffic.wait_for_answers(20, PATIENCE)?;
    watch(first, second)?;
    agent.kill()?;
    one_owner(second)?;
    // Its kernel schedules as before, what clients send it by the address and what its partner sends it as a real server.
    gone(first)?;
    figures.note(&stage, &mut traffic, "kill -9 of the active director's agent", KILLED)?;
    no_frame_went_round("kill -9")?;
    let _agent = stage.agent(first)?;
    owner(&api, second, first)?;
    settled(&api, first)?;
    no_frame_went_round("its agent is back")?;
    both_serve(&stage, second, first, true)?;
    figures.show(&stage);
    Ok(())
}

fn no_frame_went_round(what: &str) -> Result<()> {
    let looped = DIRECTORS.iter().map(|director| network::counted(director.namespace, "looped"));
    match looped.sum::<Result<u64>>()? {
        0 => Ok(()),
        looped => bail!("{what}: {looped} frames went round"),
    }
}

/// Scenario A with the directors themselves as real servers.
fn content(stage: &Stage, sync: bool) -> Result<Value> {
    let mut cluster = stage.pair(Servers::Direct, sync)?;
    let mut set = |pointer: &str, value: Value| -> Result<()> {
        *cluster.pointer_mut(pointer).with_context(|| format!("the cluster has no {pointer}"))? = value;
        Ok(())
    };
    // Not by connections: those that a switch-over interrupts would count for a minute.
    set("/virtual_servers/0/scheduler", json!("rr"))?;
    for (place, address) in FLAT.directors.iter().enumerate() {
        set(&format!("/virtual_servers/0/real_servers/{place}/address"), json!(address))?;
        set(&format!("/directors/{place}/private"), Value::Null)?;
    }
    Ok(cluster)
}

/// Once the active one sends its partner anybody, both serve by turns, and nothing that the active one sent to the other comes back to it.
fn both_serve(stage: &Stage, active: &Director, standby: &Director, sync: bool) -> Result<()> {
    stage.wait_for_table(active, TABLE)?;
    watch(active, standby)?;
    let both = [active.namespace, standby.namespace];
    stage.serve_by_turns(both, &format!("{VIP}:80"), REQUESTS)?;
    let (sent, back) =
        (network::counted(standby.namespace, "passed")?, network::counted(active.namespace, "passed")?);
    stage.say(&format!(
        "{} active, sync {}: {sent} frames sent to the other director, {back} came back",
        active.name,
        if sync { "on" } else { "off" }
    ));
    if sent < REQUESTS || back != 0 {
        bail!("{sent} frames were sent to {}, {back} came back", standby.name);
    }
    Ok(())
}

/// Counts on each what comes from the other for the virtual address.
fn watch(active: &Director, standby: &Director) -> Result<()> {
    for (here, there) in [(active, standby), (standby, active)] {
        let mac = network::hardware_address(there.namespace, "eth0")?;
        // Not there the first time.
        let _ = process::run(network::within(here.namespace, &["nft", "delete", "table", "netdev", "loops"]));
        let hook = "type filter hook ingress device eth0 priority -500;";
        let from = format!("ether saddr {mac} ip daddr {VIP} tcp dport 80");
        // A client's 64, less one by the router and one by the director that sends it on: less still has been here before.
        let rules = format!("{from} counter name passed\n  {from} ip ttl < 61 counter name looped");
        let counters = "counter passed { }\n counter looped { }";
        let text =
            format!("table netdev loops {{\n {counters}\n chain eth0 {{\n  {hook}\n  {rules}\n }}\n}}\n");
        network::rules(here.namespace, &text)?;
    }
    Ok(())
}
