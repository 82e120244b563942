//! What becomes of real servers when it is the checker that fails: its descriptors or ports run out, its clock is set
//! forward and back, its thread gets hardly any of the processor. No row may go and no verdict change, and the console has
//! to say what is wrong, for as long as it is.
//!
//! A resolver that is dead is no case of its own: real servers are addresses, and no machine of the lab has a resolver.

use std::path::Path;
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
const LASTS: Duration = Duration::from_secs(8);
/// Descriptors left to an agent: fewer than it has open already.
const DESCRIPTORS: u64 = 8;
/// The only ports that a director has to ask from; somebody else has them all.
const PORTS: (&str, &str) = ("40000", "40007");
/// The thread of an agent that checks, and how much of the processor it is left, in microseconds of each second.
const CHECKS: &str = "nanny";
const LEFT: &str = "1000 1000000";
/// Where the kernel's control groups are.
const GROUPS: &str = "/sys/fs/cgroup";
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
    scene.processor(&agents[0])?;

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
enum Told {
    /// So many real servers cannot be asked, and why.
    Of(usize, &'static str),
    /// That something is wrong with them, in one way or another.
    Something,
}

/// Whether this is a machine of its own, of which everything may be changed.
fn is_guest() -> bool {
    std::env::var("CARIBE_LAB").is_ok_and(|place| place == "guest")
}

impl Scene<'_> {
    /// The agent of the active director may open nothing any more.
    fn descriptors(&self, agent: &Agent) -> Result<()> {
        let process = i32::try_from(agent.id()).ok().and_then(Pid::from_raw).context("a process")?;
        let few = |limit: Rlimit| Rlimit { current: Some(DESCRIPTORS), maximum: limit.maximum };
        let usual =
            prlimit(Some(process), Resource::Nofile, few(rustix::process::getrlimit(Resource::Nofile)))
                .context("cannot limit the agent")?;
        let told = Told::Of(self.cases.len(), "The director has no file descriptor left for its checks.");
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
        let sentence = "The director has no port or address left to ask from, or no route.";
        let told = Told::Of(self.cases.len() - 1, sentence);
        self.endured("the director has no port left to ask from", Some(&told))?;
        holder.kill()?;
        range("32768 60999")?;
        self.well_again()
    }

    /// The clock of the machine is set an hour forward, and an hour back.
    fn clock(&self) -> Result<()> {
        if is_guest() {
            for (step, what) in
                [(HOUR, "an hour ahead"), (-2 * HOUR, "an hour behind"), (HOUR, "right again")]
            {
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

    /// The checks of the active director hardly get the processor; the rest of its agent does.
    fn processor(&self, agent: &Agent) -> Result<()> {
        if !is_guest() {
            self.stage.say("NOT TRIED: this host's control groups are its own, and are not changed");
            return Ok(());
        }
        process::run(process::command(["mount", "-t", "cgroup2", "none", GROUPS]))?;
        let write = |file: &str, text: &str| {
            std::fs::write(Path::new(GROUPS).join(file), text).with_context(|| format!("{text} to {file}"))
        };
        std::fs::create_dir_all(Path::new(GROUPS).join("lab/slow"))?;
        write("cgroup.subtree_control", "+cpu")?;
        write("lab/cgroup.procs", &agent.id().to_string())?;
        write("lab/slow/cgroup.type", "threaded")?;
        write("lab/cgroup.subtree_control", "+cpu")?;
        write("lab/slow/cgroup.threads", &thread(agent.id())?)?;
        write("lab/slow/cpu.max", LEFT)?;
        self.endured("the checks get a thousandth of a processor", Some(&Told::Something))?;
        write("lab/slow/cpu.max", "max 1000000")?;
        self.well_again()
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
            let trouble = view.trouble();
            there += usize::from(match told {
                Told::Of(_, sentence) => trouble == Some(sentence),
                Told::Something => trouble.is_some(),
            });
        }
        let problem = self.problems()?.into_iter().find(|problem| {
            let says = |pointer: &str, value: &str| problem.pointer(pointer) == Some(&json!(value));
            says("/kind", "checks") && says("/director", first.name)
        });
        let text =
            problem.as_ref().map(|problem| api::text(problem, "/text")).transpose()?.unwrap_or_default();
        let right = match told {
            Told::Of(servers, sentence) => {
                let count =
                    text.contains(&format!(" {servers} real servers; their verdicts stay as they were."));
                count && text.ends_with(sentence) && there == *servers
            }
            Told::Something => !text.is_empty(),
        };
        let said = format!("{text:?}, at {there} real servers");
        Ok(if right { Seen::Yes(said) } else { Seen::not_yet(said) })
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

/// The number of an agent's thread that checks.
fn thread(process: u32) -> Result<String> {
    let mut tasks = std::fs::read_dir(format!("/proc/{process}/task"))?.flatten();
    let checks = tasks.find(|task| {
        std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim_end() == CHECKS)
    });
    let checks = checks.with_context(|| format!("no thread {CHECKS} in {process}"))?;
    Ok(checks.file_name().to_string_lossy().into_owned())
}

fn lines(table: &str) -> Vec<String> {
    let mut lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.retain(|line| !line.is_empty());
    lines.sort_unstable();
    lines
}
