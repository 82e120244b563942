//! Scenarios A and B taken out as keepalived.conf files: the real keepalived of both directors makes the same tables
//! of them as our agents do, and moves the same addresses.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use testkit::caribe::last_lines;
use testkit::process::{self, Background};
use testkit::wait::{self, Seen};

use crate::network::{self, DIRECTORS, Director, Servers};
use crate::stage::{PATIENCE, Stage, addresses, table};

/// Where the stage keeps the file of the scenario, in the folder of this run.
const FILE: &str = "lvs.cf";

/// Scenario B's file.
const SCENARIO_B: &str = include_str!("../../../../fixtures/scenario-b.cf");

pub(crate) fn nat() -> Result<()> {
    let stage = Stage::set(Servers::Nat, None)?;
    let content = stage.scenario_a(Servers::Nat)?;
    compare(&stage, &content, &["eth0 192.168.1.250/24", "eth1 10.0.0.254/16"])
}

pub(crate) fn direct() -> Result<()> {
    let stage = Stage::set(Servers::Direct, None)?;
    let file = stage.keep(FILE, SCENARIO_B)?;
    let mut content = stage.caribe("console").read_cluster(&file)?;
    if let Some(name) = content.get_mut("name") {
        *name = crate::stage::CLUSTER.into();
    }
    compare(&stage, &content, &["eth0 192.168.1.250/24"])
}

/// Lets keepalived have the directors, then our agents, and compares what the kernels hold.
fn compare(stage: &Stage, content: &serde_json::Value, floating: &[&str]) -> Result<()> {
    let folder = std::env::current_dir()?.join("keepalived");
    std::fs::create_dir_all(&folder)?;
    let written = ["convert", FILE, "--to", "keepalived", "--output", &folder.to_string_lossy()];
    stage.caribe("console").run(&written, "")?;
    let files = DIRECTORS.map(|director| folder.join(format!("keepalived-{}.conf", director.name)));
    stage.say("the cluster is written as two keepalived.conf files");

    let mut running = Vec::new();
    for (director, file) in DIRECTORS.iter().zip(&files) {
        accepted(director, file)?;
        running.push(start(stage, director, file)?);
    }
    stage.say("keepalived accepts its file and runs on both directors");
    let [primary, backup] = &DIRECTORS;
    holds(stage, primary, floating)?;
    let held = addresses(backup.namespace)?;
    if let Some(both) = held.iter().find(|found| floating.contains(&found.as_str())) {
        bail!("{} holds {both} as well", backup.name);
    }
    stage.say("the addresses are on the primary alone");
    let tables = [settled(stage, primary)?, settled(stage, backup)?];
    stage.both_serve(60)?;

    let mut running = running.into_iter();
    let first = running.next().context("no first keepalived")?;
    first.stop(PATIENCE)?;
    holds(stage, backup, floating)?;
    stage.both_serve(60)?;
    stage.say("the primary's keepalived is stopped, the backup took over");
    for rest in running {
        rest.stop(PATIENCE)?;
    }
    for director in &DIRECTORS {
        let left = table(director)?;
        ensure!(left.trim().is_empty(), "keepalived left rows on {}:\n{left}", director.name);
    }

    let (_console, _api, _agents) = stage.cluster(content)?;
    for (director, theirs) in DIRECTORS.iter().zip(&tables) {
        stage.wait_for_table(director, theirs)?;
    }
    stage.say("our agents make the same tables of the cluster");
    stage.both_serve(60)
}

/// The real program's own judgement, on a machine that has the interfaces.
fn accepted(director: &Director, file: &Path) -> Result<()> {
    let words = ["keepalived", "--config-test", "--use-file", &file.to_string_lossy()];
    let finished = process::finish(network::within(director.namespace, &words), b"")?;
    let silent = finished.status.success() && finished.said().is_empty();
    ensure!(silent, "keepalived objects to {}: {}", file.display(), finished.said());
    Ok(())
}

fn start(stage: &Stage, director: &Director, file: &Path) -> Result<Background> {
    let folder = stage.data(&format!("keepalived-{}", director.name));
    std::fs::create_dir_all(&folder)?;
    let at = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let mut command = network::within(director.namespace, &["keepalived", "--dont-fork", "--log-console"]);
    command.args(["--no-syslog", "--log-detail", "--use-file"]).arg(file);
    command.args([
        "--pid",
        &at("main.pid"),
        "--vrrp_pid",
        &at("vrrp.pid"),
        "--checkers_pid",
        &at("check.pid"),
    ]);
    Background::start(&format!("keepalived of {}", director.name), command, &log(stage, director))
}

fn log(stage: &Stage, director: &Director) -> PathBuf {
    stage.log(&format!("keepalived-{}", director.name))
}

/// Waits until a director holds all of these addresses.
fn holds(stage: &Stage, director: &Director, floating: &[&str]) -> Result<()> {
    let seen = wait::until(&format!("the addresses on {}", director.name), PATIENCE, || {
        let held = addresses(director.namespace)?;
        let all = floating.iter().all(|address| held.iter().any(|found| found == address));
        Ok(if all { Seen::Yes(()) } else { Seen::not_yet(format!("{held:?}")) })
    });
    seen.with_context(|| format!("its log: {}", last_lines(&log(stage, director), 20)))
}

/// A director's table once its checks have let both real servers in.
fn settled(stage: &Stage, director: &Director) -> Result<String> {
    let seen = wait::until(&format!("real servers of {}", director.name), PATIENCE, || {
        let table = table(director)?;
        let servers = table.lines().filter(|line| line.starts_with("-a ")).count();
        Ok(if servers == 2 { Seen::Yes(table) } else { Seen::not_yet(format!("it reads\n{table}")) })
    });
    seen.with_context(|| format!("its log: {}", last_lines(&log(stage, director), 20)))
}
