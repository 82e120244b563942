//! Planned switch-over with connection sync: no request fails, a long transfer goes on, and a client that has not even
//! finished its handshake is served, through NAT and direct routing; the kernels themselves say which daemons run.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use testkit::api::Api;
use testkit::caribe::Agent;
use testkit::process;
use testkit::traffic::Traffic;
use testkit::wait::{self, Seen};

use crate::network::{self, DIRECTORS, Director, Servers, VIP};
use crate::pair::{EVERY, Figures, order, owner, runs, settled};
use crate::stage::{PATIENCE, Stage};

/// A request may be on its way when the owner changes; it is sent again until its connection has arrived.
const LIMIT: Duration = Duration::from_secs(10);
/// What was sent before the connection had arrived is sent again after 200 ms; the rest is the emulated machine's.
const LONGEST: u64 = 2_000;
/// The late client's kernel sends again and again meanwhile, more and more rarely.
const LATE: Duration = Duration::from_secs(30);

pub(crate) fn nat() -> Result<()> {
    run(Servers::Nat)
}

pub(crate) fn direct() -> Result<()> {
    run(Servers::Direct)
}

fn run(servers: Servers) -> Result<()> {
    let stage = Stage::set(servers, None)?;
    let content = stage.pair(servers, true)?;
    let (_console, api, agents) = stage.cluster(&content)?;
    let [first, second] = &DIRECTORS;
    owner(&api, first, second)?;
    daemons(first, &["master"])?;
    daemons(second, &["backup"])?;
    let mut figures = Figures::default();
    let mut traffic = stage.traffic_within(EVERY, LIMIT)?;
    let mut transfer = stage.transfer(LIMIT)?;
    traffic.wait_for_answers(50, PATIENCE)?;
    // Connections are copied at every fiftieth packet at the latest.
    transfer.wait_for_answers(200, PATIENCE)?;
    for run in 0..runs().max(2) {
        let (active, standby) = if run % 2 == 0 { (first, second) } else { (second, first) };
        switch_over(&stage, &api, (active, standby), (&mut traffic, &mut transfer), &mut figures)?;
    }
    let last = runs().max(2) - 1;
    let back = if last.is_multiple_of(2) { 0 } else { 1 };
    come_back(&stage, &api, back, agents)?;
    figures.show(&stage);
    Ok(())
}

/// The agent of the standby, which is at this place, ends and begins again: its kernel gets also those connections that do
/// not move, and it is ready.
fn come_back(stage: &Stage, api: &Api, place: usize, agents: [Agent; 2]) -> Result<()> {
    let [first, second] = &DIRECTORS;
    let (standby, active) = if place == 0 { (first, second) } else { (second, first) };
    let [one, two] = agents;
    let (of_standby, _of_active) = if place == 0 { (one, two) } else { (two, one) };
    of_standby.kill()?;
    let known = half_open(standby)?;
    let mut late = HalfOpen::begin(stage, active)?;
    ensure!(half_open(standby)?.is_subset(&known), "the kernel's own daemon tells half open connections");
    let _agent = stage.agent(standby)?;
    wait::until("the standby's kernel is told of a half open connection", PATIENCE, || {
        let more = half_open(standby)?.difference(&known).count();
        Ok(if more > 0 { Seen::Yes(()) } else { Seen::not_yet("it is not") })
    })?;
    stage.say(&format!("{} is back and knows a connection that does not move", standby.name));
    // Before the real server and the client have waited too long for each other.
    late.finish(stage)?;
    settled(api, standby)
}

fn switch_over(
    stage: &Stage,
    api: &Api,
    (active, standby): (&Director, &Director),
    (traffic, transfer): (&mut Traffic, &mut Traffic),
    figures: &mut Figures,
) -> Result<()> {
    settled(api, standby)?;
    let mut late = HalfOpen::begin(stage, active)?;
    traffic.forget();
    transfer.forget();
    // Not forced: the partner has the connections.
    order(api, active, "switch-over", false)?;
    owner(api, standby, active)?;
    late.finish(stage)?;
    figures.unharmed(stage, traffic, "planned switch-over with sync, short requests", LONGEST)?;
    figures.unharmed(stage, transfer, "planned switch-over with sync, a long transfer", LONGEST)?;
    daemons(standby, &["master"])?;
    daemons(active, &["backup"])
}

/// A client on the router that has sent its SYN and got its answer, and from which nothing else gets out: a connection that
/// the kernel's own daemon tells nobody.
struct HalfOpen(Traffic);

const RULE: &str = "late";

/// The ports of such connections of the router's that a director's kernel knows.
fn half_open(director: &Director) -> Result<BTreeSet<String>> {
    let table = process::run(network::within(director.namespace, &["cat", "/proc/net/ip_vs_conn"]))?;
    let port = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is = words.get(1) == Some(&"C0A80101") && words.contains(&"SYN_RECV");
        is.then(|| words.get(2).map(|port| (*port).to_owned())).flatten()
    };
    Ok(table.lines().filter_map(port).collect())
}

impl HalfOpen {
    fn begin(stage: &Stage, active: &Director) -> Result<HalfOpen> {
        let rule = format!(
            "table inet {RULE} {{\nchain out {{\ntype filter hook output priority 0; policy accept;\n\
             ip daddr {VIP} tcp flags & syn == 0 drop\n}}\n}}\n"
        );
        network::rules("router", &rule)?;
        // Those of earlier runs may still be there.
        let before = half_open(active)?;
        let (never, limit) = ("3600000", LATE.as_millis().to_string());
        let client = stage.lab("router", &["traffic", &format!("{VIP}:80"), never, &limit]);
        let client = Traffic::start("late", client, &stage.log("late"))?;
        wait::until("the late client's connection is half open", PATIENCE, || {
            let there = half_open(active)?;
            Ok(match there.difference(&before).next() {
                Some(_) => Seen::Yes(()),
                None => Seen::not_yet("the active director's kernel does not know it"),
            })
        })?;
        Ok(HalfOpen(client))
    }

    /// Lets the rest of its packets out: it must be served as if nothing had been.
    fn finish(&mut self, stage: &Stage) -> Result<()> {
        process::run(network::within("router", &["nft", "delete", "table", "inet", RULE]))?;
        wait::until("the late client is served", LATE, || {
            let tally = self.0.tally();
            crate::stage::no_failure(&tally.failed)?;
            Ok(if tally.answers() == 1 { Seen::Yes(()) } else { Seen::not_yet("no answer") })
        })?;
        stage.say("a client whose handshake was half over is served");
        Ok(())
    }
}

/// Waits until the kernel runs exactly these sync daemons, as ipvsadm shows them.
fn daemons(director: &Director, wanted: &[&str]) -> Result<()> {
    wait::until(&format!("{} runs {wanted:?}", director.name), PATIENCE, || {
        let shown = process::run(network::within(director.namespace, &["ipvsadm", "-L", "--daemon"]))?;
        let running: Vec<&str> = shown.lines().filter_map(|line| line.split_whitespace().next()).collect();
        if running.iter().any(|word| !["master", "backup"].contains(word)) {
            bail!("ipvsadm prints {shown}");
        }
        Ok(if running == wanted { Seen::Yes(()) } else { Seen::not_yet(shown) })
    })
}
