//! What large tables cost: our kernel part, our agent behind its console, `ipvsadm` and the real keepalived, on the same
//! table in the same machine, each in a fresh network namespace, in changing order. Hands `figures.json` back; judges
//! nothing but that each of them holds the table. `cargo xtask bench` runs it on a clock that counts instructions.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::api::{self, Api};
use testkit::process::{self, Background, Signal};
use testkit::wait::{self, Seen};

use super::scale;
use crate::cost::{at_rest, memory_kib, spent};
use crate::figures::Figures;
use crate::network::{self, DIRECTORS, Servers};
use crate::stage::{CLUSTER, PATIENCE, Stage};

/// Real servers of each service.
const SERVERS: u8 = 10;
/// How long an agent is watched that has nothing to do.
const IDLE: Duration = Duration::from_secs(20);

/// One table for everybody.
struct Work {
    services: u16,
    bulk: PathBuf,
    /// As `ipvsadm -R` reads it, from who measures our kernel part.
    text: String,
}

pub(crate) fn run() -> Result<()> {
    let number = |name: &str, default: u16| -> Result<u16> {
        std::env::var(name).map_or(Ok(default), |text| text.parse().context(name.to_owned()))
    };
    let (services, runs) = (number("LAB_SERVICES", 1_000)?, number("LAB_RUNS", 5)?);
    let stage = Stage::set(Servers::Nat, None)?;
    let bulk = std::env::current_exe()?.with_file_name("bulk");
    ensure!(bulk.exists(), "{} is not there; `cargo xtask bench` brings it", bulk.display());
    let size = [services.to_string(), SERVERS.to_string()];
    let text = process::run(process::command([
        bulk.as_os_str(),
        "--text".as_ref(),
        size[0].as_ref(),
        size[1].as_ref(),
    ]))?;
    let work = Work { services, bulk, text };
    let mut figures = Figures::default();
    for round in 0..runs {
        let mut turns: [(&str, Turn); 3] = [("ours", ours), ("ipvsadm", ipvsadm), ("keepalived", keepalived)];
        turns.rotate_left(usize::from(round) % 3);
        for (name, turn) in turns {
            let namespace = format!("{name}{round}");
            let lines = [format!("netns add {namespace}")];
            network::ip(None, &lines)?;
            // The kernel refuses real servers that no interface leads to.
            network::ip(Some(&namespace), &["link set lo up".into(), "route add default dev lo".into()])?;
            turn(&stage, &work, &namespace, &mut figures)?;
            stage.say(&format!("round {} of {runs}: {name}", round + 1));
            network::ip(None, &[format!("netns del {namespace}")])?;
        }
    }
    agent(&stage, services, runs, &mut figures)?;
    figures.keep(&stage, json!({ "services": services, "servers": SERVERS, "runs": runs }))
}

/// One contestant's work in a namespace of its own.
type Turn = fn(&Stage, &Work, &str, &mut Figures) -> Result<()>;

/// Our kernel part, in one process: all of it from nothing, one weight, all weights, a look, the counters.
fn ours(_: &Stage, work: &Work, namespace: &str, figures: &mut Figures) -> Result<()> {
    let bulk = work.bulk.to_string_lossy();
    let words = [bulk.as_ref(), &work.services.to_string(), &SERVERS.to_string()];
    let said: Value = serde_json::from_str(&process::run(network::within(namespace, &words))?)?;
    for (name, step) in [
        ("kernel/apply ms", "load"),
        ("kernel/one weight ms", "one_weight"),
        ("kernel/all weights ms", "all_weights"),
        ("kernel/observe ms", "observe"),
        ("kernel/counters ms", "counters"),
        ("kernel/count of each second ms", "counters_since"),
    ] {
        let milliseconds = said.pointer(&format!("/{step}/ms")).and_then(Value::as_f64);
        figures.add(name, milliseconds.with_context(|| format!("no {step} in {said}"))?);
    }
    figures.add("kernel/one weight messages", api::number(&said, "/one_weight/requests")? as f64);
    Ok(())
}

/// The tool of the kernel's authors: one process for each thing, its start included.
fn ipvsadm(_: &Stage, work: &Work, namespace: &str, figures: &mut Figures) -> Result<()> {
    let begun = Instant::now();
    let done = process::finish(network::within(namespace, &["ipvsadm", "-R"]), work.text.as_bytes())?;
    figures.took("ipvsadm/-R ms", begun);
    ensure!(done.status.success(), "ipvsadm -R: {}", done.said());
    let held = process::run(network::within(namespace, &["ipvsadm", "-S", "-n"]))?.lines().count();
    ensure!(held == work.text.lines().count(), "ipvsadm -R left {held} rows");
    // Into nothing: reading it here would be counted as well.
    let begun = Instant::now();
    let status = network::within(namespace, &["ipvsadm", "-Ln", "--stats"]).stdout(Stdio::null()).status()?;
    figures.took("ipvsadm/-Ln --stats ms", begun);
    ensure!(status.success(), "ipvsadm -Ln --stats: {status}");
    let row = work.text.lines().find(|line| line.starts_with("-a")).context("a real server")?;
    let mut words: Vec<&str> = row.split_whitespace().collect();
    if let Some(first) = words.first_mut() {
        *first = "-e";
    }
    if let Some(weight) = words.last_mut() {
        *weight = "7";
    }
    words.insert(0, "ipvsadm");
    let begun = Instant::now();
    process::run(network::within(namespace, &words))?;
    figures.took("ipvsadm/one weight ms", begun);
    Ok(())
}

/// The real keepalived, checking nothing: started, told to read its file again unchanged, and with one weight changed.
fn keepalived(stage: &Stage, work: &Work, namespace: &str, figures: &mut Figures) -> Result<()> {
    let file = stage.data("table.conf");
    let folder = stage.data("table");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(&file, blocks(&work.text)?)?;
    let at = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let mut command = network::within(namespace, &["keepalived", "--dont-fork", "--check", "--no-syslog"]);
    command.args(["--log-console", "--use-file"]).arg(&file);
    command.args(["--pid", &at("main.pid"), "--checkers_pid", &at("check.pid")]);
    let begun = Instant::now();
    let theirs = Background::start("keepalived", command, &stage.log("keepalived"))?;
    let rows = work.text.lines().count();
    wait::until("keepalived's table", PATIENCE, || {
        at_rest(theirs.id())?;
        let there = process::run(network::within(namespace, &["ipvsadm", "-S", "-n"]))?.lines().count();
        Ok(if there == rows { Seen::Yes(()) } else { Seen::not_yet(format!("{there} rows")) })
    })?;
    let mut last = at_rest(theirs.id())?;
    figures.nanoseconds("keepalived/start CPU ms", last);
    figures.add("keepalived/memory KiB", memory_kib(theirs.id())? as f64);
    figures.took("keepalived/start and rest ms", begun);
    let mut reload = |name: &str| -> Result<()> {
        theirs.signal(Signal::HUP)?;
        let now = at_rest(theirs.id())?;
        figures.nanoseconds(name, now.saturating_sub(last));
        last = now;
        Ok(())
    };
    reload("keepalived/reload unchanged CPU ms")?;
    std::fs::write(&file, blocks(&work.text)?.replacen("weight 1", "weight 7", 1))?;
    reload("keepalived/reload one weight CPU ms")?;
    let changed = process::run(network::within(namespace, &["ipvsadm", "-S", "-n"]))?;
    ensure!(changed.lines().filter(|line| line.ends_with("-w 7")).count() == 1, "one weight has not changed");
    theirs.stop(PATIENCE)?;
    Ok(())
}

/// A table's text as keepalived's blocks.
fn blocks(text: &str) -> Result<String> {
    let mut blocks = String::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let address = |word: &str| word.replace(':', " ");
        match words.as_slice() {
            ["-A", "-t", service, "-s", scheduler] => {
                let end = if blocks.is_empty() { "" } else { "}\n" };
                let service = address(service);
                let _ = write!(
                    blocks,
                    "{end}virtual_server {service} {{\n lb_algo {scheduler}\n lb_kind DR\n protocol TCP\n"
                );
            }
            ["-a", "-t", _, "-r", server, "-g", "-w", weight] => {
                let _ = write!(blocks, " real_server {} {{\n  weight {weight}\n }}\n", address(server));
            }
            _ => bail!("no row: {line}"),
        }
    }
    blocks.push_str("}\n");
    Ok(blocks)
}

/// The agent of one director, behind a console in the same machine: the whole table activated, one weight, a revision
/// that changes nothing in the kernel; then what it costs to hold the table.
fn agent(stage: &Stage, services: u16, runs: u16, figures: &mut Figures) -> Result<()> {
    let [primary, _] = &DIRECTORS;
    let mut content = stage.scenario_a_apart(Servers::Nat)?;
    let (console, api) = stage.console()?;
    api.make_it_so(CLUSTER, &content)?;
    let agent = stage.join(&console, &api, primary)?;
    stage.wait_in_sync(&api, primary)?;
    figures.add("agent/small memory KiB", memory_kib(agent.id())? as f64);
    let small = running(&api)?;
    *content.pointer_mut("/virtual_servers").context("virtual servers")? = scale::services(services, SERVERS);
    api.make_it_so(CLUSTER, &content)?;
    written(stage, &api)?;
    let large = running(&api)?;
    for round in 0..runs {
        restore(&api, small)?;
        activate(&api)?;
        written(stage, &api)?;
        restore(&api, large)?;
        let cpu = spent(agent.id(), "")?.0;
        let begun = Instant::now();
        let took = activate(&api)?;
        figures.took("agent/activation ms", begun);
        figures.add("agent/apply ms", took);
        figures.nanoseconds("agent/apply CPU ms", spent(agent.id(), "")?.0.saturating_sub(cpu));
        let before = written(stage, &api)?;

        let server = format!("/clusters/{CLUSTER}/virtual-servers/s{services}");
        let real = format!("{server}/real-servers/r5");
        api.call("PATCH", &real, Some(&json!({ "weight": 7 })))?;
        let begun = Instant::now();
        activate(&api)?;
        figures.took("agent/one weight ms", begun);
        let after = written(stage, &api)?;
        figures.add("agent/one weight writes", (after - before) as f64);
        let before = after;

        // Nothing in the kernel depends on how often a service is checked that has no checks.
        let monitor = json!({ "monitor": { "interval_ms": 3_000 + u32::from(round) } });
        api.call("PATCH", &server, Some(&monitor))?;
        let cpu = spent(agent.id(), "")?.0;
        let begun = Instant::now();
        activate(&api)?;
        figures.took("agent/nothing changed ms", begun);
        figures.nanoseconds("agent/nothing changed CPU ms", spent(agent.id(), "")?.0.saturating_sub(cpu));
        figures.add("agent/nothing changed writes", (written(stage, &api)? - before) as f64);
        stage.say(&format!("round {} of {runs}: console and agent", round + 1));
    }
    for _ in 0..runs {
        let cpu = spent(agent.id(), "")?.0;
        std::thread::sleep(IDLE);
        let used = spent(agent.id(), "")?.0.saturating_sub(cpu);
        figures.add("agent/idle CPU %", used as f64 / IDLE.as_nanos() as f64 * 100.0);
        figures.add("agent/memory KiB", memory_kib(agent.id())? as f64);
    }
    agent.kill()?;
    console.stop().map(drop)
}

/// The number of the running revision.
fn running(api: &Api) -> Result<u64> {
    let list = api.get(&format!("/clusters/{CLUSTER}/revisions"))?;
    api::number(&list, "/items/0/number")
}

/// Makes an earlier revision the draft.
fn restore(api: &Api, revision: u64) -> Result<()> {
    let path = format!("/clusters/{CLUSTER}/revisions/{revision}/restore");
    api.call("POST", &path, Some(&json!({}))).map(drop)
}

/// Activates the draft; milliseconds that the agent of the primary took.
fn activate(api: &Api) -> Result<f64> {
    let done = api.call("POST", &format!("/clusters/{CLUSTER}/draft/activate"), None)?;
    let [primary, _] = &DIRECTORS;
    let results = done.get("results").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let ours = results.iter().find(|result| result.get("director") == Some(&json!(primary.name)));
    let took = ours.and_then(|result| {
        (result.get("outcome")? == "applied").then(|| result.get("took_ms")?.as_f64()).flatten()
    });
    took.with_context(|| format!("not applied: {}", api::shortened(&done.to_string())))
}

/// How often the primary has written to its kernel, once it holds the running revision and no more writes come.
fn written(stage: &Stage, api: &Api) -> Result<u64> {
    let wanted = running(api)?;
    let (revision, writes) = stage.settled(api, &DIRECTORS[0])?;
    if revision != wanted {
        bail!("revision {revision} is in sync; {wanted} is running");
    }
    Ok(writes)
}
