//! Activations during each of which the console or one of the agents is killed at some moment: no acknowledged revision is
//! lost, none is half there, both kernels follow what runs, and clients are served.
//!
//! The moments come from a fixed seed, so that a run can be had again; `--runs` makes it longer.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::api::{self, Api};
use testkit::caribe::{Agent, Console};
use testkit::wait::{self, Seen};

use crate::network::{DIRECTORS, Servers};
use crate::pair::holds;
use crate::stage::{CLUSTER, PATIENCE, Stage, table};

/// Activations, where nothing else is asked for.
const RUNS: u16 = 6;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const EVERY: Duration = Duration::from_millis(50);
const LIMIT: Duration = Duration::from_millis(500);
/// The longest that a client may wait for an answer: an agent's lease, and some for a slow machine.
const LONGEST_MS: u64 = 6_000;

/// Who is killed.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Console,
    Agent(usize),
}

/// xorshift64*: the same numbers in every run.
struct Moments(u64);

impl Moments {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % most
    }
}

struct Sweep {
    stage: Stage,
    api: Api,
    console: Option<Console>,
    agents: [Option<Agent>; 2],
    /// The virtual server and the real server whose weight changes.
    path: String,
    /// Revisions whose activation was acknowledged, and the weight in them.
    acknowledged: Vec<(u64, u64)>,
}

pub(crate) fn run() -> Result<()> {
    let runs: u16 = std::env::var("LAB_RUNS").map_or(Ok(RUNS), |text| text.parse().context("LAB_RUNS"))?;
    let stage = Stage::set(Servers::Nat, None)?;
    let content = stage.pair(Servers::Nat, false)?;
    let path = server_path(&content)?;
    let (console, api, [a, b]) = stage.cluster(&content)?;
    let mut sweep = Sweep {
        stage,
        api,
        console: Some(console),
        agents: [Some(a), Some(b)],
        path,
        acknowledged: Vec::new(),
    };
    let mut traffic = sweep.stage.traffic_within(EVERY, LIMIT)?;
    traffic.wait_for_answers(20, PATIENCE)?;
    // The latest moment of a kill: a little after what an undisturbed activation takes on this clock.
    let begun = Instant::now();
    let undisturbed = format!("{}?activate=true", sweep.path);
    sweep.api.call("PATCH", &undisturbed, Some(&json!({ "weight": 99 })))?;
    let latest_us = begun.elapsed().as_micros() as u64 * 5 / 4;
    sweep.stage.say(&format!("an activation takes {} ms", latest_us * 4 / 5 / 1000));
    let mut moments = Moments(SEED);
    let mut known = 0;
    for run in 0..runs {
        let victim = match run % 3 {
            0 => Victim::Console,
            one => Victim::Agent(usize::from(one) - 1),
        };
        let moment = Duration::from_micros(moments.below(latest_us));
        let weight = u64::from(run % 50) + 2;
        let heard = sweep.strike(victim, moment, weight).with_context(|| {
            format!("activation {run}: {victim:?} killed after {} ms", moment.as_millis())
        })?;
        known += usize::from(heard);
    }
    sweep.nothing_is_lost()?;
    let tally = traffic.tally();
    let (gap, failed, answers) = (tally.gap_ms, tally.failed.len(), tally.answers());
    ensure!(gap <= LONGEST_MS, "a client waited for {gap} ms");
    sweep.stage.say(&format!(
        "{runs} activations, {known} acknowledged; {answers} requests answered, {failed} failed, longest wait {gap} ms"
    ));
    Ok(())
}

/// The API's path of the first real server.
pub(super) fn server_path(content: &Value) -> Result<String> {
    let service = api::text(content, "/virtual_servers/0/name")?;
    let server = api::text(content, "/virtual_servers/0/real_servers/0/name")?;
    Ok(format!("/clusters/{CLUSTER}/virtual-servers/{service}/real-servers/{server}"))
}

impl Sweep {
    /// One activation, during which somebody is killed; whether it was acknowledged.
    fn strike(&mut self, victim: Victim, moment: Duration, weight: u64) -> Result<bool> {
        // What a call has left that was cut off between its draft and its activation.
        self.api.ask("DELETE", &format!("/clusters/{CLUSTER}/draft"), &[("if-match", "*")], None)?;
        let before = self.running()?;
        let (api, path) = (self.api.clone(), format!("{}?activate=true", self.path));
        let call = std::thread::spawn(move || {
            api.ask("PATCH", &path, &[("if-match", "*")], Some(&json!({ "weight": weight })))
        });
        std::thread::sleep(moment);
        match victim {
            Victim::Console => {
                let console = self.console.take().context("no console")?;
                let again = console.again();
                console.kill()?;
                self.console = Some(again()?);
            }
            Victim::Agent(place) => {
                let agent = self.agents.get_mut(place).context("two agents")?;
                agent.take().context("no agent")?.kill()?;
                let director = DIRECTORS.get(place).context("two directors")?;
                *agent = Some(self.stage.agent(director)?);
            }
        }
        let heard = match call.join() {
            Ok(Ok(answer)) if (200..300).contains(&answer.status) => true,
            Ok(Ok(answer)) => bail!("the call was refused: {} {}", answer.status, answer.text()),
            Ok(Err(_)) if matches!(victim, Victim::Console) => false,
            Ok(Err(error)) => return Err(error.context("the console was not killed, but did not answer")),
            Err(_) => bail!("the caller panicked"),
        };
        for director in &DIRECTORS {
            self.stage.wait_in_sync(&self.api, director)?;
        }
        let after = self.running()?;
        let there = self.weight(after)?;
        match (heard, after == before) {
            (true, true) => bail!("revision {after} still runs, though another was acknowledged"),
            (true, false) => {
                ensure!(there == weight, "revision {after} has weight {there}, not {weight}");
                self.acknowledged.push((after, weight));
            }
            (false, true) => ensure!(
                self.acknowledged.last().is_none_or(|(_, last)| *last == there),
                "weight {there} runs without a revision"
            ),
            (false, false) => ensure!(there == weight, "revision {after} has weight {there}, not {weight}"),
        }
        if after != before && !heard {
            // It was stored before the answer could go out: it counts like any other.
            self.acknowledged.push((after, weight));
        }
        for director in &DIRECTORS {
            wait::until(&format!("weight {there} in the kernel of {}", director.name), PATIENCE, || {
                let text = table(director)?;
                let held = text.lines().any(|line| line.ends_with(&format!(" -w {there}")));
                Ok(if held { Seen::Yes(()) } else { Seen::not_yet(text) })
            })?;
        }
        wait::until("one owner of the virtual address", PATIENCE, || {
            let mut owners = 0;
            for director in &DIRECTORS {
                owners += usize::from(holds(director)?);
            }
            Ok(if owners == 1 { Seen::Yes(()) } else { Seen::not_yet(format!("{owners} hold it")) })
        })?;
        Ok(heard)
    }

    /// The number of the running revision.
    fn running(&self) -> Result<u64> {
        api::number(&self.api.get(&format!("/clusters/{CLUSTER}/revisions"))?, "/items/0/number")
    }

    /// The weight in a revision.
    fn weight(&self, revision: u64) -> Result<u64> {
        let whole = self.api.get(&format!("/clusters/{CLUSTER}/revisions/{revision}"))?;
        api::number(&whole, "/content/virtual_servers/0/real_servers/0/weight")
    }

    /// Every revision that was ever acknowledged is there, as it was.
    fn nothing_is_lost(&self) -> Result<()> {
        for (revision, weight) in &self.acknowledged {
            let there = self.weight(*revision)?;
            ensure!(there == *weight, "revision {revision} had weight {weight} and has {there} now");
        }
        Ok(())
    }
}
