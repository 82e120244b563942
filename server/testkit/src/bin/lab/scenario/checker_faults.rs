//! What becomes of real servers when it is the checker that fails: its descriptors or ports run out, its clock is set
//! forward and back. No row may go and no verdict change, and the console has to say what is wrong, for as long as it is.
//!
//! A resolver that is dead is no case of its own: real servers are addresses, and no machine of the lab has a resolver.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use testkit::api::{self, Api};
use testkit::caribe::Agent;
use testkit::process::{self, Background};
use testkit::wait::{self, Seen};

use super::services::Running;
use super::services::catalogue::{Case, Says, content, table, well};
use super::services::judge::{Views, agreed, never_changed};
use crate::network::{DIRECTORS, Servers, within};
use crate::pair::owner;
use crate::stage::{self, CLUSTER, PATIENCE, Stage, writes};

/// How long each fault lasts at least: many times what takes a server out that fails.
const LASTS: Duration = Duration::from_secs(10);
/// Descriptors left to an agent: fewer than it has open already.
const DESCRIPTORS: u64 = 8;
/// The only ports that a director has to ask from; somebody else has them all.
const PORTS: (&str, &str) = ("40000", "40007");
/// By how much the clock is set.
const HOUR: i64 = 3_600;

/// A pair of directors with real servers that are all well, and what both kernels hold.
struct Scene<'a> {
    stage: &'a Stage,
    api: &'a Api,
    cases: Vec<&'a Case>,
    whole: Vec<String>,
}

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let mut running = Running::start(&stage)?;
    let all = well(running.certificates());
    let cases: Vec<&Case> = all.iter().collect();
    let (_console, api, agents) = stage.cluster(&content(&stage, &cases)?)?;
    let [first, second] = &DIRECTORS;
    owner(&api, first, second)?;
    agreed(&api, &cases, |_| Says::Up)?;
    let whole = table(&cases, |_| true);
    for director in &DIRECTORS {
        stage.wait_for_table(director, &whole)?;
    }
    let scene = Scene { stage: &stage, api: &api, cases, whole: lines(&whole) };
    let before = scene.writes()?;

    scene.descriptors(&agents[0])?;
    scene.ports()?;
    scene.clock()?;

    running.are_well()?;
    owner(&api, first, second)?;
    agreed(&api, &scene.cases, |_| Says::Up)?;
    for case in &scene.cases {
        never_changed(&api, case)?;
    }
    let after = scene.writes()?;
    ensure!(before == after, "the kernels were written to: {before:?}, then {after:?} times");
    stage.say(&format!("no verdict has changed, and no kernel was written to ({after:?})"));
    drop(agents);
    Ok(())
}

/// What the console has to say of the first director's checks.
struct Told {
    /// In how many real servers' place it says that.
    servers: usize,
    sentence: &'static str,
}

impl Scene<'_> {
    /// The agent of the active director may open nothing any more.
    fn descriptors(&self, agent: &Agent) -> Result<()> {
        let process = i32::try_from(agent.id()).ok().and_then(Pid::from_raw).context("a process")?;
        let few = |limit: Rlimit| Rlimit { current: Some(DESCRIPTORS), maximum: limit.maximum };
        let usual = prlimit(Some(process), Resource::Nofile, few(rustix::process::getrlimit(Resource::Nofile)))
            .context("cannot limit the agent")?;
        let told = Told {
            servers: self.cases.len(),
            sentence: "The director has no file descriptor left for its checks.",
        };
        self.endured("the agent has no descriptor left", Some(&told))?;
        prlimit(Some(process), Resource::Nofile, usual).context("cannot free the agent")?;
        self.well_again()
    }

    /// All ports that the active director could ask from belong to somebody else.
    fn ports(&self) -> Result<()> {
        let [first, _] = &DIRECTORS;
        let range = |text: &str| {
            let setting = format!("net.ipv4.ip_local_port_range={text}");
            process::run(within(first.namespace, &["sysctl", "-q", "-w", &setting])).map(drop)
        };
        let (from, to) = PORTS;
        let words = self.stage.lab(first.namespace, &["hold-ports", from, to]);
        let mut holder = Background::start("hold-ports", words, &self.stage.log("hold-ports"))?;
        holder.wait_for_word("holding", PATIENCE)?;
        range(&format!("{from} {to}"))?;
        // An echo needs no port.
        let told = Told {
            servers: self.cases.len() - 1,
            sentence: "The director has no port or address left to ask from, or no route.",
        };
        self.endured("the director has no port left to ask from", Some(&told))?;
        holder.kill()?;
        range("32768 60999")?;
        self.well_again()
    }

    /// The clock of the machine is set an hour forward, and an hour back.
    fn clock(&self) -> Result<()> {
        if std::env::var("CARIBE_LAB").is_ok_and(|place| place == "guest") {
            for (step, what) in [(HOUR, "an hour ahead"), (-2 * HOUR, "an hour behind"), (HOUR, "right again")] {
                let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
                let then = i64::try_from(now)? + step;
                process::run(process::command(["date", "-s", &format!("@{then}")]))?;
                self.endured(&format!("the clock is {what}"), None)?;
                self.well_again()?;
            }
        } else {
            self.stage.say("NOT TRIED: the clock is this host's own, and is not set");
        }
        Ok(())
    }

    /// Looks on while something is wrong: no row goes and no state changes, and what is to be told is told.
    fn endured(&self, what: &str, told: Option<&Told>) -> Result<()> {
        self.stage.say(what);
        let began = Instant::now();
        let mut said = None;
        let mut last = String::new();
        while began.elapsed() < LASTS || said.is_none() {
            for director in &DIRECTORS {
                let rows = lines(&stage::table(director)?);
                ensure!(rows == self.whole, "{what}: {} holds {rows:?}", director.name);
            }
            match (said.is_none(), told) {
                (true, Some(told)) => match self.says(told)? {
                    Seen::Yes(sentence) => said = Some((sentence, began.elapsed())),
                    Seen::NotYet(why) => last = why,
                },
                (true, None) => said = Some(("nothing is to be told".to_owned(), began.elapsed())),
                (false, _) => {}
            }
            if began.elapsed() > PATIENCE {
                bail!("{what}: it is not told: {last}");
            }
        }
        let (first, second) = (&DIRECTORS[0], &DIRECTORS[1]);
        owner(self.api, first, second)?;
        for case in &self.cases {
            never_changed(self.api, case)?;
        }
        if let Some((sentence, after)) = said {
            self.stage.say(&format!("{what}: all rows stay; after {} ms: {sentence}", after.as_millis()));
        }
        Ok(())
    }

    /// Whether the console says so: in the cluster's problems, and at each of those real servers.
    fn says(&self, told: &Told) -> Result<Seen<String>> {
        let [first, _] = &DIRECTORS;
        let views = Views::of(self.api)?;
        let mut there = 0;
        for case in &self.cases {
            let view = views.one(case, first.name)?;
            ensure!(view.text().starts_with("Up: "), "{} of {}: {}", first.name, case.name, view.text());
            there += usize::from(view.trouble() == Some(told.sentence));
        }
        let problem = self.problems()?.into_iter().find(|problem| {
            let says = |pointer: &str, value: &str| problem.pointer(pointer) == Some(&json!(value));
            says("/kind", "checks") && says("/director", first.name)
        });
        let text = problem.as_ref().map(|problem| api::text(problem, "/text")).transpose()?.unwrap_or_default();
        let whole = text.ends_with(told.sentence) && text.contains(&format!(" {} real servers", told.servers));
        Ok(if whole && there == told.servers {
            Seen::Yes(format!("{text:?}"))
        } else {
            Seen::not_yet(format!("of {there} servers; problem: {text:?}"))
        })
    }

    /// Waits until nothing is said to be wrong any more.
    fn well_again(&self) -> Result<()> {
        wait::until("nothing to be wrong", PATIENCE, || {
            let problems = self.problems()?;
            let views = Views::of(self.api)?;
            for case in &self.cases {
                for director in &DIRECTORS {
                    if let Some(trouble) = views.one(case, director.name)?.trouble() {
                        return Ok(Seen::not_yet(format!("{} of {}: {trouble}", director.name, case.name)));
                    }
                }
            }
            Ok(if problems.is_empty() { Seen::Yes(()) } else { Seen::not_yet(format!("{problems:?}")) })
        })
    }

    fn problems(&self) -> Result<Vec<Value>> {
        let answer = self.api.get(&format!("/clusters/{CLUSTER}/problems"))?;
        answer.pointer("/items").and_then(Value::as_array).cloned().context("no problems")
    }

    /// How often both kernels were written to.
    fn writes(&self) -> Result<Vec<u64>> {
        DIRECTORS.iter().map(|director| writes(&self.api.director(CLUSTER, director.name)?)).collect()
    }
}

fn lines(table: &str) -> Vec<String> {
    let mut lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.retain(|line| !line.is_empty());
    lines.sort_unstable();
    lines
}
