//! What must not delay a beat: two hundred addresses and their announcements, disks that do not answer, logs that nobody
//! reads. Nor may any of it keep the standby from taking over.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use testkit::api::Api;
use testkit::caribe::Agent;
use testkit::process;
use testkit::traffic::Traffic;
use testkit::wait::{self, Seen};

use super::storm::add_many;
use super::sweep::server_path;
use crate::beats::Gaps;
use crate::network::{self, DIRECTORS, Director, Servers};
use crate::pair::{EVERY, cut, one_owner, order, owner, runs, settled, state};
use crate::stage::{PATIENCE, Stage};

const LIMIT: Duration = Duration::from_millis(200);
/// Beats whose distances are taken, in each run.
const BEATS: usize = 150;
/// The beats' interval is 100 ms, their deadtime 500 ms; the emulator itself sometimes stands still.
const P99_MS: f64 = 300.0;
/// The longest a client may wait when the active director is cut off.
const LONGEST_MS: u64 = 3_000;

/// A file system that can be made to hang: who writes to it waits, and cannot even be killed.
struct Disk {
    folder: PathBuf,
}

impl Disk {
    fn mount(stage: &Stage, director: &Director) -> Result<Disk> {
        let (image, folder) = (stage.data("disks").join(director.namespace), stage.data(director.namespace));
        for folder in [&stage.data("disks"), &folder] {
            fs::create_dir_all(folder)?;
        }
        File::create(&image)?.set_len(32 << 20)?;
        let (image, path) = (image.to_string_lossy().into_owned(), folder.to_string_lossy().into_owned());
        process::run(process::command(["mke2fs", "-F", &image]))?;
        process::run(process::command(["mount", "-t", "ext4", "-o", "loop", &image, &path]))?;
        Ok(Disk { folder })
    }

    fn hang(&self, hang: bool) -> Result<()> {
        let how = if hang { "--freeze" } else { "--unfreeze" };
        process::run(process::command(["fsfreeze", how, &self.folder.to_string_lossy()])).map(drop)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What waits for it must be able to end, also where the scenario failed.
        let _ = self.hang(false);
        let _ = process::run(process::command(["umount", "-l", &self.folder.to_string_lossy()]));
    }
}

/// A log whose reader hangs: a pipe that is full.
struct Log {
    path: PathBuf,
    _reader: File,
}

impl Log {
    fn full(stage: &Stage, director: &Director) -> Result<Log> {
        let path = stage.data("disks").join(format!("{}.log", director.name));
        process::run(process::command(["mknod", &path.to_string_lossy(), "p"]))?;
        let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let mut reader = File::options().read(true).write(true).custom_flags(nonblock).open(&path)?;
        for size in [4096, 1] {
            let error = loop {
                match reader.write_all(&vec![b'\n'; size]) {
                    Ok(()) => {}
                    Err(error) => break error,
                }
            };
            ensure!(error.kind() == ErrorKind::WouldBlock, "a pipe: {error}");
        }
        Ok(Log { path, _reader: reader })
    }
}

struct Steady {
    stage: Stage,
    api: Api,
    traffic: Traffic,
}

pub(crate) fn run() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    network::ip(Some("router"), &["route add 192.168.2.0/24 dev pub0".to_owned()])?;
    let [a, b] = &DIRECTORS;
    let disks = [Disk::mount(&stage, a)?, Disk::mount(&stage, b)?];
    let mut content = stage.pair(Servers::Nat, false)?;
    let path = format!("{}?activate=true", server_path(&content)?);
    add_many(&mut content)?;
    // Who has taken over stays active; nothing changes hands but on purpose.
    *content.pointer_mut("/redundancy/preempt").context("a redundancy setting")? = json!(false);
    let (console, api, agents) = stage.cluster(&content)?;
    let traffic = stage.traffic_within(EVERY, LIMIT)?;
    let mut steady = Steady { stage, api, traffic };
    owner(&steady.api, a, b)?;
    for _ in 0..runs() {
        steady.beats("200 addresses", |_| Ok(()))?;
        steady.beats("while 200 addresses change hands", |steady| {
            order(&steady.api, a, "switch-over", false)?;
            owner(&steady.api, b, a)?;
            settled(&steady.api, a)?;
            order(&steady.api, b, "switch-over", false)?;
            owner(&steady.api, a, b)
        })?;
    }

    let logs = [Log::full(&steady.stage, a)?, Log::full(&steady.stage, b)?];
    let [agent_a, agent_b] = agents;
    let [log_a, log_b] = &logs;
    let agent_b = steady.again(b, agent_b, log_b)?;
    settled(&steady.api, b)?;
    let agent_a = steady.again(a, agent_a, log_a)?;
    steady.back_to_the_first()?;
    steady.stage.say("both agents run, and nobody reads their logs");
    for weight in (20..).take(runs()) {
        disks.iter().try_for_each(|disk| disk.hang(true))?;
        steady.beats("disks do not answer, logs are not read", |steady| {
            let answer =
                steady.api.ask("PATCH", &path, &[("if-match", "*")], Some(&json!({ "weight": weight })))?;
            let text = answer.text();
            ensure!(text.contains("has not answered"), "{} {text}", answer.status);
            Ok(())
        })?;
        settled(&steady.api, b)?;
        steady.traffic.forget();
        cut(a, true)?;
        one_owner(b)?;
        steady.served("the active director cut off meanwhile")?;
        cut(a, false)?;
        disks.iter().try_for_each(|disk| disk.hang(false))?;
        for director in &DIRECTORS {
            steady.stage.wait_in_sync(&steady.api, director)?;
        }
        steady.stage.say("the disks answer again: both take the revision by themselves");
        steady.back_to_the_first()?;
    }
    for agent in [agent_a, agent_b] {
        ensure!(agent.stop()?.success(), "an agent whose log nobody reads does not end well");
    }
    console.stop().map(drop)
}

impl Steady {
    /// The same director with an agent that writes to another log.
    fn again(&self, director: &Director, agent: Agent, log: &Log) -> Result<Agent> {
        ensure!(agent.stop()?.success(), "the agent of {} does not end well", director.name);
        wait::until("the console has seen that it ended", PATIENCE, || {
            let seen = state(&self.api, director)?;
            Ok(if seen == "not connected" { Seen::Yes(()) } else { Seen::not_yet(seen) })
        })?;
        let (program, data) = (self.stage.caribe(director.namespace), self.stage.data(director.namespace));
        Agent::start(&program, &data, director.agent(), &log.path)
    }

    /// From the second director, which has taken over, back to the first.
    fn back_to_the_first(&self) -> Result<()> {
        let [a, b] = &DIRECTORS;
        owner(&self.api, b, a)?;
        settled(&self.api, a)?;
        order(&self.api, b, "switch-over", false)?;
        owner(&self.api, a, b)?;
        settled(&self.api, b)
    }

    /// How far beats are apart while something happens.
    fn beats(&self, when: &str, happens: impl FnOnce(&Steady) -> Result<()>) -> Result<()> {
        let [_, standby] = &DIRECTORS;
        let gaps = std::thread::scope(|scope| {
            let heard = scope.spawn(|| Gaps::heard(standby, BEATS));
            happens(self)?;
            heard.join().map_err(|_| anyhow::anyhow!("who listens to beats has panicked"))?
        })?;
        self.stage.say(&format!("beats, {when}: {}", gaps.told()));
        ensure!(gaps.at(99) < P99_MS, "beats, {when}: {}", gaps.told());
        Ok(())
    }

    fn served(&mut self, when: &str) -> Result<()> {
        let before = self.traffic.tally().answers();
        self.traffic.wait_for_answers(before + 50, PATIENCE)?;
        let tally = self.traffic.tally();
        self.stage.say(&format!(
            "{when}: the longest wait was {} ms, {} requests failed",
            tally.gap_ms,
            tally.failed.len()
        ));
        ensure!(tally.gap_ms < LONGEST_MS, "{when}: a client waited for {} ms", tally.gap_ms);
        Ok(())
    }
}
