//! How long clients wait when a director is lost or gives way: ours with its default settings, ours with VRRP, and the
//! real keepalived with its defaults; in the same machine, by the same script, in changing order. Prints a table and
//! keeps the figures as JSON. A measurement, no test: nothing is asked of the figures but that service comes back.

#![allow(clippy::indexing_slicing, reason = "two directors by number; a wrong one shall end the measurement")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use testkit::api::{self, Api};
use testkit::caribe::Agent;
use testkit::process::{self, Background, Signal};
use testkit::traffic::Traffic;
use testkit::wait::{self, Seen};

use crate::figures::Figures as Samples;
use crate::network::{self, DIRECTORS, Director, Servers, VIP};
use crate::pair::{cut, unplugged, virtual_router};
use crate::rival::{self, NAT_ROUTER, Rival};
use crate::stage::{CLUSTER, PATIENCE, Stage, addresses};

const EVERY: Duration = Duration::from_millis(20);
const LIMIT: Duration = Duration::from_millis(200);
const RUNS: u16 = 5;
/// Clients that are not served for so long after a healed split count as forsaken.
const FORSAKEN: Duration = Duration::from_secs(30);
/// Between two looks at who holds an address.
const LOOK: Duration = Duration::from_millis(10);
/// An address that two kernels hold for so long is held until somebody comes.
const FOREVER: Duration = Duration::from_secs(10);

/// What keeps the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum System {
    Heartbeat,
    Vrrp,
    Keepalived,
}

impl System {
    const ALL: [System; 3] = [System::Heartbeat, System::Vrrp, System::Keepalived];

    fn name(self) -> &'static str {
        match self {
            System::Heartbeat => "caribe, heartbeat, defaults",
            System::Vrrp => "caribe, VRRP 2, 1 s",
            System::Keepalived => "keepalived, defaults",
        }
    }

    /// The redundancy settings of our side.
    fn settings(self) -> Value {
        match self {
            System::Vrrp => json!({
                "enabled": true, "interval_ms": 1_000, "preempt": true,
                "protocol": { "kind": "vrrp", "version": 2, "instances": [
                    virtual_router("outside", "eth0", 51, &VIP.to_string()),
                    virtual_router("inside", "eth1", 52, NAT_ROUTER),
                ] },
            }),
            _ => json!({ "enabled": true }),
        }
    }
}

/// What happens to the active director.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Blow {
    Cut,
    /// What follows on a cut: both were active, and hear each other again.
    Heal,
    LinkDown,
    Kill,
    Hang,
    Planned,
}

impl Blow {
    const ALL: [Blow; 5] = [Blow::Planned, Blow::Cut, Blow::LinkDown, Blow::Kill, Blow::Hang];

    fn name(self) -> &'static str {
        match self {
            Blow::Cut => "host cut off",
            Blow::Heal => "reachable again",
            Blow::LinkDown => "interfaces down",
            Blow::Kill => "kill -9",
            Blow::Hang => "SIGSTOP",
            Blow::Planned => "planned",
        }
    }
}

/// One figure of each run.
#[derive(Default)]
struct Figures {
    gap_ms: Vec<u64>,
    failed: Vec<u64>,
    both_ms: Vec<u64>,
}

/// The programs on the two directors.
enum Running {
    Ours([Option<Agent>; 2]),
    Theirs([Option<Background>; 2]),
}

struct Lab {
    stage: Stage,
    api: Api,
    content: Value,
    traffic: Option<Traffic>,
    figures: BTreeMap<(Blow, System), Figures>,
}

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let content = stage.scenario_a(Servers::Nat)?;
    let (console, api) = stage.console()?;
    let mut lab = Lab { stage, api, content, traffic: None, figures: BTreeMap::new() };
    lab.api.make_it_so(CLUSTER, &lab.content)?;
    let mut agents = Vec::new();
    for director in &DIRECTORS {
        agents.push(lab.stage.join(&console, &lab.api, director)?);
    }
    for agent in agents {
        agent.stop()?;
    }
    let runs: u16 = std::env::var("LAB_RUNS").map_or(Ok(RUNS), |text| text.parse().context("LAB_RUNS"))?;
    for run in 0..runs {
        for turn in 0..System::ALL.len() {
            let system = System::ALL[(turn + usize::from(run)) % System::ALL.len()];
            lab.stage.say(&format!("run {} of {runs}: {}", run + 1, system.name()));
            lab.measure(system).with_context(|| system.name())?;
        }
        lab.show()?;
    }
    Ok(())
}

impl Lab {
    fn measure(&mut self, system: System) -> Result<()> {
        for director in &DIRECTORS {
            clean(director)?;
        }
        let mut running = match system {
            System::Keepalived => Running::Theirs([self.keepalived(0)?, self.keepalived(1)?]),
            _ => Running::Ours([self.agent(0)?, self.agent(1)?]),
        };
        if system != System::Keepalived {
            self.content["redundancy"] = system.settings();
            self.api.make_it_so(CLUSTER, &self.content)?;
        }
        let mut active = self.settled(system, None)?;
        let mut traffic = self.stage.traffic_within(EVERY, LIMIT)?;
        traffic.wait_for_answers(50, PATIENCE)?;
        self.traffic = Some(traffic);
        for blow in Blow::ALL {
            self.strike(system, blow, active, &mut running)
                .with_context(|| format!("{} of {}", blow.name(), DIRECTORS[active].name))?;
            active = self.settled(system, Some(1 - active))?;
        }
        self.traffic = None;
        match running {
            // The standby first, so that nobody takes over.
            Running::Ours(mut agents) => {
                for at in [1 - active, active] {
                    if let Some(agent) = agents[at].take() {
                        agent.stop()?;
                    }
                }
            }
            Running::Theirs(rivals) => {
                for rival in rivals.into_iter().flatten() {
                    rival::stop(rival)?;
                }
            }
        }
        Ok(())
    }

    fn keepalived(&self, at: usize) -> Result<Option<Background>> {
        let priority = [150, 100][at];
        let rival = Rival { password: None, ..Rival::ordinary(priority) };
        let started = rival.start(&self.stage, &DIRECTORS[at], &DIRECTORS[1 - at])?;
        rival::backup(&self.stage, &started, &DIRECTORS[at])?;
        Ok(Some(started))
    }

    fn agent(&self, at: usize) -> Result<Option<Agent>> {
        self.stage.agent(&DIRECTORS[at]).map(Some)
    }

    /// Strikes the active director, waits until clients are served again, and puts everything right.
    fn strike(&mut self, system: System, blow: Blow, active: usize, running: &mut Running) -> Result<()> {
        let (director, other) = (&DIRECTORS[active], &DIRECTORS[1 - active]);
        let traffic = self.traffic.as_mut().context("no traffic")?;
        let before = traffic.tally().answers();
        traffic.wait_for_answers(before + 50, PATIENCE)?;
        traffic.forget();
        match blow {
            Blow::Cut => unplugged(director, true)?,
            Blow::Heal => bail!("nobody is cut off"),
            Blow::LinkDown => cut(director, true)?,
            Blow::Kill => match running {
                Running::Ours(agents) => agents[active].take().context("no agent")?.kill()?,
                Running::Theirs(rivals) => {
                    signal(Signal::KILL, &Rival::processes(&self.stage, director))?;
                    drop(rivals[active].take());
                }
            },
            Blow::Hang => match running {
                Running::Ours(agents) => agents[active].as_ref().context("no agent")?.signal(Signal::STOP)?,
                Running::Theirs(_) => signal(Signal::STOP, &Rival::processes(&self.stage, director))?,
            },
            Blow::Planned => match running {
                Running::Ours(_) => order(&self.api, director, "switch-over")?,
                Running::Theirs(rivals) => {
                    rival::stop(rivals[active].take().context("no keepalived")?)?;
                }
            },
        }
        wait::until("the other one holds the address", PATIENCE, || {
            Ok(if holds(other)? { Seen::Yes(()) } else { Seen::not_yet("it does not") })
        })?;
        let both = Instant::now();
        if matches!(blow, Blow::Kill | Blow::Hang) {
            while holds(director)? && both.elapsed() < FOREVER {
                std::thread::sleep(LOOK);
            }
        }
        let both_ms = both.elapsed().as_millis() as u64;
        let answers = traffic.tally().answers();
        traffic.wait_for_answers(answers + 50, PATIENCE)?;
        let tally = traffic.tally();
        let (gap, failed) = (tally.gap_ms, tally.failed.len() as u64);
        self.stage.say(&format!("{}: longest wait {gap} ms, {failed} failed", blow.name()));
        let figures = self.figures.entry((blow, system)).or_default();
        figures.gap_ms.push(gap);
        figures.failed.push(failed);
        if matches!(blow, Blow::Kill | Blow::Hang) {
            figures.both_ms.push(both_ms);
        }
        match (blow, running) {
            (Blow::Heal, _) => {}
            (Blow::Cut, _) => {
                traffic.forget();
                unplugged(director, false)?;
                let figures = self.figures.entry((Blow::Heal, system)).or_default();
                heal(&self.stage, traffic, figures)?;
            }
            (Blow::LinkDown, _) => cut(director, false)?,
            (Blow::Hang, Running::Ours(agents)) => {
                agents[active].as_ref().context("no agent")?.signal(Signal::CONT)?;
            }
            (Blow::Hang, Running::Theirs(_)) => {
                signal(Signal::CONT, &Rival::processes(&self.stage, director))?
            }
            (Blow::Kill, Running::Ours(agents)) => agents[active] = self.agent(active)?,
            (Blow::Kill | Blow::Planned, Running::Theirs(rivals)) => {
                rivals[active] = self.keepalived(active)?
            }
            (Blow::Planned, Running::Ours(_)) => {}
        }
        if (blow, system) == (Blow::Planned, System::Vrrp) && active == 0 {
            // What was ordered stays so.
            settle(0, 1, "the order is followed", || state(&self.api, director), "standby")?;
            order(&self.api, director, "take-over")?;
        }
        Ok(())
    }

    /// Waits until one holds the addresses and the other is ready to; which one does.
    fn settled(&self, system: System, wanted: Option<usize>) -> Result<usize> {
        // The higher priority takes back; the heartbeat, by default, leaves it as it is.
        let active = if system == System::Heartbeat { wanted.unwrap_or(0) } else { 0 };
        if system == System::Heartbeat && wanted.is_none() {
            let first = wait::until("somebody serves", PATIENCE, || {
                let held = [holds(&DIRECTORS[0])?, holds(&DIRECTORS[1])?];
                Ok(match held {
                    [true, false] => Seen::Yes(0),
                    [false, true] => Seen::Yes(1),
                    other => Seen::not_yet(format!("{other:?}")),
                })
            })?;
            return self.agreed(system, first);
        }
        self.agreed(system, active)
    }

    fn agreed(&self, system: System, active: usize) -> Result<usize> {
        let [a, b] = [&DIRECTORS[active], &DIRECTORS[1 - active]];
        wait::until(&format!("{} holds the addresses", a.name), PATIENCE, || {
            let held = (holds(a)?, holds(b)?);
            Ok(if held == (true, false) { Seen::Yes(()) } else { Seen::not_yet(format!("{held:?}")) })
        })?;
        if system != System::Keepalived {
            settle(active, 1 - active, "active", || state(&self.api, a), "active")?;
            settle(active, 1 - active, "standby", || state(&self.api, b), "standby")?;
        }
        Ok(active)
    }

    /// The table so far, and the figures as JSON.
    fn show(&self) -> Result<()> {
        let mut text = format!(
            "{:<16} {:<30} {:>4} {:>8} {:>8} {:>8} {:>8} {:>14}\n",
            "event", "system", "runs", "median", "least", "most", "failed", "both hold it"
        );
        let (mut list, mut samples) = (Vec::new(), Samples::default());
        for ((blow, system), figures) in &self.figures {
            let [gap, failed, both] =
                [&figures.gap_ms, &figures.failed, &figures.both_ms].map(|all| middle(all));
            let (least, most) = (figures.gap_ms.iter().min(), figures.gap_ms.iter().max());
            let both = both.map_or("-".to_owned(), |both| {
                if both >= FOREVER.as_millis() as u64 { "for ever".to_owned() } else { format!("{both} ms") }
            });
            let _ = writeln!(
                text,
                "{:<16} {:<30} {:>4} {:>8} {:>8} {:>8} {:>8} {both:>14}",
                blow.name(),
                system.name(),
                figures.gap_ms.len(),
                gap.unwrap_or_default(),
                least.copied().unwrap_or_default(),
                most.copied().unwrap_or_default(),
                failed.unwrap_or_default(),
            );
            for (what, all) in [
                ("longest wait ms", &figures.gap_ms),
                ("failed", &figures.failed),
                ("both hold ms", &figures.both_ms),
            ] {
                for value in all {
                    samples.add(&format!("{}/{}: {what}", system.name(), blow.name()), *value as f64);
                }
            }
            list.push(json!({
                "event": blow.name(), "system": system.name(), "longest_wait_ms": figures.gap_ms,
                "failed_requests": figures.failed, "both_hold_ms": figures.both_ms,
            }));
        }
        samples.keep(&self.stage, json!({ "runs": list }))?;
        self.stage.keep("failover.txt", &text)?;
        println!("{text}");
        Ok(())
    }
}

/// Waits until clients are served after a split has healed. Where nobody tells the neighbours who has the addresses they are
/// made to ask, after a time that no client waits.
fn heal(stage: &Stage, traffic: &mut Traffic, figures: &mut Figures) -> Result<()> {
    if traffic.wait_for_answers(150, FORSAKEN).is_err() {
        stage.say(&format!("not served again within {} s of healing", FORSAKEN.as_secs()));
        for place in ["client", "router", "rs1", "rs2"] {
            network::ip(Some(place), &["neigh flush all".to_owned()])?;
        }
        traffic.wait_for_answers(150, PATIENCE)?;
    }
    let tally = traffic.tally();
    stage.say(&format!("reachable again: longest wait {} ms, {} failed", tally.gap_ms, tally.failed.len()));
    figures.gap_ms.push(tally.gap_ms);
    figures.failed.push(tally.failed.len() as u64);
    Ok(())
}

/// The middle one of an odd number, the lower middle of an even one.
fn middle(all: &[u64]) -> Option<u64> {
    let mut sorted = all.to_vec();
    sorted.sort_unstable();
    sorted.get((sorted.len().max(1) - 1) / 2).copied()
}

/// Takes away what programs before have left in a director's kernel.
fn clean(director: &Director) -> Result<()> {
    process::run(network::within(director.namespace, &["ipvsadm", "-C"]))?;
    for line in addresses(director.namespace)? {
        let moves = [VIP.to_string(), NAT_ROUTER.to_owned()];
        if moves.iter().any(|address| line.contains(&format!(" {address}/")))
            && let Some((interface, address)) = line.split_once(' ')
        {
            network::ip(Some(director.namespace), &[format!("addr del {address} dev {interface}")])?;
        }
    }
    Ok(())
}

fn signal(signal: Signal, processes: &[u32]) -> Result<()> {
    processes.iter().try_for_each(|id| process::send(signal, *id))
}

fn order(api: &Api, director: &Director, order: &str) -> Result<()> {
    let path = format!("/clusters/{CLUSTER}/directors/{}/orders", director.name);
    let answer = api.call("POST", &path, Some(&json!({ "order": order, "force": true })))?;
    match answer.pointer("/outcome").and_then(Value::as_str) {
        Some("followed") => Ok(()),
        _ => bail!("{order}: {answer}"),
    }
}

fn holds(director: &Director) -> Result<bool> {
    Ok(addresses(director.namespace)?.iter().any(|line| line.contains(&format!(" {VIP}/"))))
}

fn state(api: &Api, director: &Director) -> Result<String> {
    let shown = api.director(CLUSTER, director.name)?;
    let connected = shown.pointer("/live/connected") == Some(&json!(true));
    let odd = shown.pointer("/live/status/heartbeat/concerns").is_some_and(|all| *all != json!([]));
    let state = api::text(&shown, "/live/status/state").unwrap_or_default();
    Ok(match (connected, odd) {
        (false, _) => "not connected".to_owned(),
        (true, true) => format!("{state}, with something odd"),
        (true, false) => state,
    })
}

fn settle(
    active: usize,
    standby: usize,
    what: &str,
    look: impl Fn() -> Result<String>,
    wanted: &str,
) -> Result<()> {
    let [a, b] = [active, standby].map(|at| DIRECTORS[at].name);
    wait::until(&format!("{what} ({a} before {b})"), PATIENCE, || {
        let seen = look()?;
        Ok(if seen == wanted { Seen::Yes(()) } else { Seen::not_yet(seen) })
    })
}
