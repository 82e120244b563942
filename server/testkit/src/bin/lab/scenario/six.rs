//! The same over IPv6: a service with NAT, both directors' beats, a fail-over that neighbours learn of at once, and VRRP
//! (version 3, from link-local addresses) beside the real keepalived.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use testkit::api::Api;
use testkit::process::Background;
use testkit::traffic::Traffic;
use testkit::wait::{self, Seen};

use super::vrrp::{EVERY, HANDED_ON, LIMIT, holder, report, state};
use crate::network::{self, DIRECTORS, Director, Servers, six};
use crate::pair::{Figures, cut, order, runs, settled, virtual_router};
use crate::rival::{self, Rival};
use crate::stage::{CLUSTER, PATIENCE, SERVERS, Stage};

/// The longest a client may wait: a deadtime of 500 ms, and a margin for an emulated machine.
const LONGEST: u64 = 2_000;

/// The table that both directors hold.
const TABLE: &str = "-A -t [2001:db8:1::250]:80 -s wlc
-a -t [2001:db8:1::250]:80 -r [2001:db8:a::100]:80 -m -w 1
-a -t [2001:db8:1::250]:80 -r [2001:db8:a::200]:80 -m -w 1
";

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    six::add()?;
    let servers = SERVERS.iter().zip(six::SERVERS).map(|(name, address)| server(&stage, name, address));
    let _servers: Vec<Background> = servers.collect::<Result<_>>()?;
    let to = format!("[{}]:80", six::VIP);
    let [us, them] = &DIRECTORS;
    let pair = content(&stage)?;

    // Alone first, with keepalived in the other director's place.
    let (console, api) = stage.console()?;
    api.make_it_so(CLUSTER, &routers(pair.clone())?)?;
    let first = stage.join(&console, &api, us)?;
    state(&api, us, "active")?;
    stage.both_serve_at(&to, 60)?;
    let mut traffic = stage.traffic_to(&to, EVERY, LIMIT)?;
    traffic.wait_for_answers(50, PATIENCE)?;
    vrrp(&stage, &api, &mut traffic)?;

    api.make_it_so(CLUSTER, &pair)?;
    let second = stage.join(&console, &api, them)?;
    for director in &DIRECTORS {
        stage.wait_for_table(director, TABLE)?;
    }
    owner(&api, us, them)?;
    heartbeat(&stage, &api, &mut traffic)?;
    drop((traffic, first, second));
    console.stop().map(drop)
}

fn server(stage: &Stage, name: &str, address: &str) -> Result<Background> {
    let command = stage.lab(name, &["http-server", &format!("[{address}]:80"), name]);
    let mut server = Background::start(name, command, &stage.log(name))?;
    server.wait_for_word("listening", PATIENCE)?;
    Ok(server)
}

/// The pair of scenario A with these addresses and no others.
fn content(stage: &Stage) -> Result<Value> {
    let mut content = stage.pair(Servers::Nat, false)?;
    let mut set = |pointer: &str, value: Value| -> Result<()> {
        *content.pointer_mut(pointer).with_context(|| format!("no {pointer}"))? = value;
        Ok(())
    };
    for (place, director) in DIRECTORS.iter().enumerate() {
        let (public, private) = six::ends(director);
        set(&format!("/directors/{place}/public"), json!(public))?;
        set(&format!("/directors/{place}/private"), json!(private))?;
    }
    set("/global/nat_router", json!({ "address": six::NAT_ROUTER, "device": "eth1", "prefix": 64 }))?;
    set("/virtual_servers/0/vip", json!({ "address": six::VIP, "device": "eth0", "prefix": 64 }))?;
    for (place, address) in six::SERVERS.iter().enumerate() {
        set(&format!("/virtual_servers/0/real_servers/{place}/address"), json!(address))?;
    }
    Ok(content)
}

/// A director that is cut off, and planned switch-overs, back and forth.
fn heartbeat(stage: &Stage, api: &Api, traffic: &mut Traffic) -> Result<()> {
    let [first, second] = &DIRECTORS;
    let told = Told::start(stage)?;
    let mut figures = Figures::default();
    for _ in 0..runs() {
        for (active, standby) in [(first, second), (second, first)] {
            settled(api, standby)?;
            traffic.forget();
            told.forget();
            cut(active, true)?;
            holder_soon(standby)?;
            figures.note(stage, traffic, "IPv6: the active director cut off", LONGEST)?;
            told.by(standby)?;
            cut(active, false)?;
            owner(api, standby, active)?;
            settled(api, active)?;
            traffic.forget();
            order(api, standby, "switch-over", false)?;
            owner(api, active, standby)?;
            figures.note(stage, traffic, "IPv6: planned switch-over", LONGEST)?;
            settled(api, standby)?;
            order(api, active, "switch-over", false)?;
            owner(api, standby, active)?;
        }
    }
    figures.show(stage);
    Ok(())
}

/// The same where the directors speak VRRP.
fn routers(mut content: Value) -> Result<Value> {
    let instances = [
        virtual_router("outside", "eth0", 51, six::VIP),
        virtual_router("inside", "eth1", 52, six::NAT_ROUTER),
    ];
    *content.pointer_mut("/redundancy").context("redundancy")? = json!({
        "enabled": true, "interval_ms": 200, "preempt": true,
        "protocol": { "kind": "vrrp", "version": 3, "instances": instances },
    });
    Ok(content)
}

/// Beside the real keepalived: who wins serves.
fn vrrp(stage: &Stage, api: &Api, traffic: &mut Traffic) -> Result<()> {
    let [us, them] = &DIRECTORS;
    let holder = |active: &Director, other: &Director| holder(stage, active, other, six::holds);
    let rival = |priority: u8| Rival {
        version: 3,
        interval: "0.2",
        password: None,
        six: true,
        ..Rival::ordinary(priority)
    };
    let it = rival(100).start(stage, them, us)?;
    rival::backup(stage, &it, them)?;
    holder(us, them)?;
    stage.say("a lower keepalived is our backup");

    traffic.forget();
    rival::stop(it)?;
    let it = rival(200).start(stage, them, us)?;
    holder(them, us)?;
    state(api, us, "standby")?;
    report(stage, traffic, "IPv6: it comes with a higher priority and we lose", HANDED_ON)?;
    traffic.forget();
    rival::stop(it)?;
    holder(us, them)?;
    state(api, us, "active")?;
    report(stage, traffic, "IPv6: it is stopped", HANDED_ON)
}

/// Waits until the console shows who is active and who is standby, and their kernels agree.
fn owner(api: &Api, active: &Director, standby: &Director) -> Result<()> {
    state(api, active, "active")?;
    state(api, standby, "standby")?;
    wait::until(&format!("{} alone holds the addresses", active.name), PATIENCE, || {
        let held = (six::holds(active)?, six::holds(standby)?);
        Ok(if held == (true, false) { Seen::Yes(()) } else { Seen::not_yet(format!("{held:?}")) })
    })
}

/// Waits until a director holds the addresses, whoever else does.
fn holder_soon(director: &Director) -> Result<()> {
    wait::until(&format!("{} holds the addresses", director.name), PATIENCE, || {
        Ok(if six::holds(director)? { Seen::Yes(()) } else { Seen::not_yet("it does not") })
    })
}

/// What the router hears of the virtual address by neighbour advertisements that nobody asked for.
struct Told(Background);

impl Told {
    fn start(stage: &Stage) -> Result<Self> {
        // Type 136 to all nodes: an answer goes to who asked.
        let words = ["tcpdump", "-Z", "root", "-n", "-e", "-t", "-v", "-l", "-i", "pub0"];
        let filter = ["icmp6", "and", "dst", "host", "ff02::1", "and", "ip6[40]", "=", "136"];
        let log = stage.log("neighbours");
        let heard = Background::start(
            "tcpdump",
            network::within("router", &[&words[..], &filter[..]].concat()),
            &log,
        )?;
        wait::until("tcpdump listens", PATIENCE, || {
            let said = std::fs::read_to_string(&log)?;
            Ok(if said.contains("listening on") { Seen::Yes(()) } else { Seen::not_yet(said) })
        })?;
        Ok(Told(heard))
    }

    fn forget(&self) {
        drop(self.0.take_lines());
    }

    /// Waits until a director has told all that the address is at its interface, overriding what they knew.
    fn by(&self, director: &Director) -> Result<()> {
        let mac = network::hardware_address(director.namespace, "eth0")?;
        wait::until(&format!("neighbours told by {}", director.name), PATIENCE, || {
            let lines = self.0.lines();
            let told = lines.iter().any(|line| {
                line.contains(&format!("{mac} >"))
                    && line.contains(&format!("tgt is {}", six::VIP))
                    && line.contains("override")
            });
            Ok(if told { Seen::Yes(()) } else { Seen::not_yet(lines.join(" | ")) })
        })
    }
}
