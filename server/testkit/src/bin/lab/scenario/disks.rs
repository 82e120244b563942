//! Disks that are full, or read-only, and files that cannot be read any more: what cannot be kept is not acknowledged,
//! clients are served all the while, the addresses change hands all the same, and all mends itself once there is room.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::api::{self, Api, shortened};
use testkit::caribe::{Agent, last_lines};
use testkit::process;
use testkit::traffic::Traffic;
use testkit::wait::{self, Seen};

use super::sweep::server_path;
use crate::network::{DIRECTORS, Director, Servers};
use crate::pair::{EVERY, gone, holds, settled};
use crate::stage::{CLUSTER, PATIENCE, Stage, no_failure, table};

/// Room for a console, and for an agent.
const CONSOLE_MIB: u32 = 24;
const AGENT_MIB: u32 = 8;
const LIMIT: Duration = Duration::from_millis(500);
/// An agent that is killed keeps the address until its lease ends; meanwhile either answers.
const LONGEST_MS: u64 = 6_000;

/// A small disk of its own.
struct Disk {
    folder: PathBuf,
}

impl Disk {
    fn mount(folder: PathBuf, mib: u32) -> Result<Disk> {
        fs::create_dir_all(&folder)?;
        let size = format!("size={mib}m,mode=0700");
        let path = folder.to_string_lossy().into_owned();
        process::run(process::command(["mount", "-t", "tmpfs", "-o", &size, "tmpfs", &path]))?;
        Ok(Disk { folder })
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Leaves no room at all.
    fn fill(&self) -> Result<()> {
        let mut file = fs::File::create(self.filler())?;
        for size in [1 << 20, 1 << 12, 1] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
        let more = fs::write(self.folder.join("more"), [1]);
        ensure!(more.is_err(), "there is room on {} yet", self.folder.display());
        let _ = fs::remove_file(self.folder.join("more"));
        Ok(())
    }

    fn empty(&self) -> Result<()> {
        fs::remove_file(self.filler()).context("the filler")
    }

    fn remount(&self, how: &str) -> Result<()> {
        let how = format!("remount,{how}");
        process::run(process::command(["mount", "-o", &how, &self.folder.to_string_lossy()])).map(drop)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A guest ends with all its mounts; on a machine of ours nothing may stay, also where the scenario failed.
        let _ = process::run(process::command(["umount", "-l", &self.folder.to_string_lossy()]));
    }
}

struct Disks {
    stage: Stage,
    api: Api,
    /// The virtual server and the real server whose weight changes.
    path: String,
}

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let [a, b] = &DIRECTORS;
    let at_console = Disk::mount(stage.data("console"), CONSOLE_MIB)?;
    let at_a = Disk::mount(stage.data(a.namespace), AGENT_MIB)?;
    let at_b = Disk::mount(stage.data(b.namespace), AGENT_MIB)?;
    let content = stage.pair(Servers::Nat, false)?;
    let path = server_path(&content)?;
    let (console, api, [agent_a, agent_b]) = stage.cluster(&content)?;
    let disks = Disks { stage, api, path };
    let stage = &disks.stage;
    let mut traffic = stage.traffic_within(EVERY, LIMIT)?;
    traffic.wait_for_answers(20, PATIENCE)?;

    at_console.fill()?;
    disks.not_acknowledged()?;
    at_console.empty()?;
    disks.activate(11)?;
    served(stage, &mut traffic, "through a full disk of the console")?;

    let again = console.again();
    console.stop()?;
    at_console.remount("ro")?;
    let refused = match again() {
        Ok(_) => bail!("a console starts on a disk that it cannot write to"),
        Err(error) => format!("{error:#}"),
    };
    ensure!(refused.to_lowercase().contains("read-only"), "it says: {refused}");
    stage.say(&format!("on a read-only disk no console starts: {}", shortened(&refused)));
    at_console.remount("rw")?;
    let console = stage.start_console("console", 3636)?;
    for director in &DIRECTORS {
        stage.wait_in_sync(&disks.api, director)?;
    }
    disks.activate(12)?;
    served(stage, &mut traffic, "through a read-only disk of the console")?;

    at_a.fill()?;
    disks.refused_by(a, 13)?;
    served(stage, &mut traffic, "through a full disk of the active director")?;
    at_a.empty()?;
    stage.wait_in_sync(&disks.api, a)?;
    disks.both_hold(13)?;
    stage.say("once there is room it takes the revision by itself");

    let agent_b = disks.forgets(b, agent_b)?;
    served(stage, &mut traffic, "while the standby forgot what it held")?;

    // An address without an owner is worse than an epoch that is not on the disk.
    at_b.fill()?;
    settled(&disks.api, b)?;
    agent_a.kill()?;
    wait::until("the standby holds the address", PATIENCE, || {
        Ok(if holds(b)? { Seen::Yes(()) } else { Seen::not_yet("it does not") })
    })?;
    let tally = traffic.tally();
    let (gap, failed) = (tally.gap_ms, tally.failed.len());
    ensure!(gap <= LONGEST_MS, "a client waited for {gap} ms");
    stage.say(&format!(
        "kill -9 while the partner's disk is full: it takes over; longest wait {gap} ms, {failed} failed"
    ));
    gone(a)?;
    traffic.forget();
    served(stage, &mut traffic, "by the director with a full disk")?;
    at_b.empty()?;
    let agent_a = stage.agent(a)?;
    for director in &DIRECTORS {
        stage.wait_in_sync(&disks.api, director)?;
    }
    disks.activate(14)?;
    served(stage, &mut traffic, "to the end")?;
    drop(traffic);
    agent_a.stop()?;
    agent_b.stop()?;
    console.stop().map(drop)
}

fn served(stage: &Stage, traffic: &mut Traffic, when: &str) -> Result<()> {
    let before = traffic.tally().answers();
    traffic.wait_for_answers(before + 25, PATIENCE)?;
    let tally = traffic.tally();
    no_failure(&tally.failed)?;
    stage.say(&format!("{when}: {} more requests answered, none failed", tally.answers() - before));
    Ok(())
}

impl Disks {
    fn running(&self) -> Result<u64> {
        api::number(&self.api.get(&format!("/clusters/{CLUSTER}/revisions"))?, "/items/0/number")
    }

    /// A write while the console cannot keep anything: an answer that says so, and nothing has changed; reading goes on.
    fn not_acknowledged(&self) -> Result<()> {
        let before = self.running()?;
        let path = format!("{}?activate=true", self.path);
        let answer = self.api.ask("PATCH", &path, &[("if-match", "*")], Some(&json!({ "weight": 10 })))?;
        let text = answer.text();
        ensure!((500..600).contains(&answer.status), "{} {text}", answer.status);
        ensure!(self.running()? == before, "a revision has appeared");
        let shown: Value = serde_json::from_slice(&answer.body).context("its answer is no problem+json")?;
        let detail = shown.pointer("/detail").and_then(Value::as_str).unwrap_or_default();
        ensure!(!detail.is_empty(), "it gives no reason: {text}");
        self.stage.say(&format!("the console's disk is full: {} {detail}", answer.status));
        Ok(())
    }

    fn activate(&self, weight: u64) -> Result<()> {
        let path = format!("{}?activate=true", self.path);
        self.api.call("PATCH", &path, Some(&json!({ "weight": weight })))?;
        self.both_hold(weight)
    }

    fn both_hold(&self, weight: u64) -> Result<()> {
        DIRECTORS.iter().try_for_each(|director| held(director, weight))
    }

    /// An activation that one director cannot keep on its disk: it says so and goes on with what it holds; the other one
    /// follows.
    fn refused_by(&self, full: &Director, weight: u64) -> Result<()> {
        let before = table(full)?;
        let path = format!("{}?activate=true", self.path);
        let answer =
            self.api.ask("PATCH", &path, &[("if-match", "*")], Some(&json!({ "weight": weight })))?;
        let text = answer.text();
        ensure!(answer.status != 200, "all is well with a director that cannot keep it: {text}");
        ensure!(text.to_lowercase().contains("space"), "{} {text}", answer.status);
        ensure!(table(full)? == before, "its kernel has changed");
        for director in DIRECTORS.iter().filter(|director| *director != full) {
            held(director, weight)?;
        }
        self.stage.say(&format!("{}'s disk is full: {} {}", full.name, answer.status, shortened(&text)));
        Ok(())
    }

    /// A director whose files cannot be read any more gets them from the console again.
    fn forgets(&self, director: &Director, agent: Agent) -> Result<Agent> {
        agent.kill()?;
        let folder = self.stage.data(director.namespace);
        for name in ["target.json", "ownership.json", "settled.json"] {
            spoil(&folder.join(name))?;
        }
        let agent = self.stage.agent(director)?;
        self.stage.wait_in_sync(&self.api, director)?;
        let log = last_lines(&self.stage.log(director.name), 40);
        ensure!(log.contains("target.json"), "its log does not name the file: {log}");
        let aside = fs::read_dir(&folder)?.flatten().any(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with("target.json") && name != "target.json"
        });
        ensure!(aside, "what could not be read was not set aside");
        self.stage.say(&format!("{} cannot read its files: the console tells it again", director.name));
        Ok(agent)
    }
}

fn spoil(file: &Path) -> Result<()> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
    fs::write(file, half).map_err(Into::into)
}

fn held(director: &Director, weight: u64) -> Result<()> {
    wait::until(&format!("weight {weight} in the kernel of {}", director.name), PATIENCE, || {
        let text = table(director)?;
        let held = text.lines().any(|line| line.ends_with(&format!(" -w {weight}")));
        Ok(if held { Seen::Yes(()) } else { Seen::not_yet(text) })
    })
}
