//! Changes, orders, servers that stop, switch-overs and an open page for a long time, under traffic: nothing grows that
//! has to stay as it is - memory, descriptors, threads of console and agents - and clients are served.
//!
//! `--runs` is the number of rounds, each of about a quarter of a minute.

#![allow(clippy::indexing_slicing, reason = "two directors by number, quarters of a list")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use testkit::wait::{self, Seen};

use super::sweep::server_path;
use crate::cost::memory_kib;
use crate::network::{DIRECTORS, Servers};
use crate::pair::{holds, order};
use crate::stage::{PATIENCE, Stage, table};

/// Rounds where nothing else is asked for; too few to judge memory by.
const RUNS: u16 = 2;
/// A round takes so long at least.
const ROUND: Duration = Duration::from_secs(15);
/// With fewer rounds growth is only told.
const JUDGED: usize = 40;
const EVERY: Duration = Duration::from_millis(50);
const LIMIT: Duration = Duration::from_millis(500);
/// The longest that a client may wait.
const LONGEST_MS: u64 = 2_000;
/// What memory may be more in the last quarter of the rounds than in the second, KiB: what an allocator keeps.
const MEMORY_KIB: f64 = 3_072.0;
/// The same of descriptors and threads: one that is open in the moment of a look.
const HANDLES: f64 = 2.0;

/// Samples of one process or file, by what they are of.
type Samples = BTreeMap<String, Vec<f64>>;

pub(crate) fn run() -> Result<()> {
    let runs: u16 = std::env::var("LAB_RUNS").map_or(Ok(RUNS), |text| text.parse().context("LAB_RUNS"))?;
    let mut stage = Stage::set(Servers::Nat, None)?;
    let mut content = stage.pair(Servers::Nat, false)?;
    content["virtual_servers"][0]["monitor"] = json!({
        "checks": [{ "kind": "connect" }], "interval_ms": 1_000, "timeout_ms": 800, "fall": 1, "rise": 1,
    });
    let (console, api, agents) = stage.cluster(&content)?;
    let server = server_path(&content)?;
    let mut traffic = stage.traffic_within(EVERY, LIMIT)?;
    traffic.wait_for_answers(20, PATIENCE)?;
    let processes =
        [("console", console.id()), ("agent of a", agents[0].id()), ("agent of b", agents[1].id())];
    let database = stage.data("console").join("caribe.db");
    let mut samples = Samples::new();
    let mut active = owner()?;
    for round in 0..runs {
        let begun = Instant::now();
        let weight = u64::from(round % 90) + 2;
        api.call("PATCH", &format!("{server}?activate=true"), Some(&json!({ "weight": weight })))?;
        for director in &DIRECTORS {
            wait::until(&format!("weight {weight} in {}", director.name), PATIENCE, || {
                let text = table(director)?;
                let held = text.lines().any(|line| line.ends_with(&format!(" -w {weight}")));
                Ok(if held { Seen::Yes(()) } else { Seen::not_yet(text) })
            })?;
        }
        for instruction in ["draining", "enabled"] {
            let wanted = json!({ "instruction": instruction });
            api.call("POST", &format!("{server}/orders"), Some(&wanted))?;
        }
        match round % 3 {
            0 => {
                order(&api, &DIRECTORS[active], "switch-over", false)?;
                active = 1 - active;
                wait::until("the other one owns the addresses", PATIENCE, || {
                    let now = owner()?;
                    Ok(if now == active { Seen::Yes(()) } else { Seen::not_yet("it does not") })
                })?;
            }
            1 => {
                stage.stop_server(1)?;
                rows(1)?;
                stage.start_server(1)?;
                rows(2)?;
            }
            _ => {}
        }
        std::thread::sleep(ROUND.saturating_sub(begun.elapsed()));
        for (name, process) in processes {
            take(&mut samples, name, process)?;
        }
        samples.entry("database KiB".to_owned()).or_default().push(size_kib(&database)?);
    }
    let tally = traffic.tally().clone();
    stage.say(&format!(
        "{runs} rounds: {} requests answered, {} failed, longest wait {} ms",
        tally.answers(),
        tally.failed.len(),
        tally.gap_ms
    ));
    ensure!(tally.gap_ms <= LONGEST_MS, "a client waited for {} ms", tally.gap_ms);
    let grown = told(&stage, &samples);
    if samples.values().all(|list| list.len() >= JUDGED) && !grown.is_empty() {
        bail!("{}", grown.join("; "));
    }
    stage.keep("soak.json", &serde_json::to_string_pretty(&samples)?).map(drop)
}

/// Which director owns the addresses.
fn owner() -> Result<usize> {
    wait::until("one owner of the virtual address", PATIENCE, || {
        Ok(match [holds(&DIRECTORS[0])?, holds(&DIRECTORS[1])?] {
            [true, false] => Seen::Yes(0),
            [false, true] => Seen::Yes(1),
            other => Seen::not_yet(format!("{other:?}")),
        })
    })
}

/// Waits until both tables hold so many real servers.
fn rows(count: usize) -> Result<()> {
    for director in &DIRECTORS {
        wait::until(&format!("{count} real servers in {}", director.name), PATIENCE, || {
            let text = table(director)?;
            let there = text.lines().filter(|line| line.starts_with("-a ")).count();
            Ok(if there == count { Seen::Yes(()) } else { Seen::not_yet(text) })
        })?;
    }
    Ok(())
}

/// What a process holds now.
fn take(samples: &mut Samples, name: &str, process: u32) -> Result<()> {
    let mut add = |what: &str, value: f64| {
        samples.entry(format!("{name}: {what}")).or_default().push(value);
    };
    add("memory KiB", memory_kib(process)? as f64);
    for (what, folder) in [("descriptors", "fd"), ("threads", "task")] {
        add(what, std::fs::read_dir(format!("/proc/{process}/{folder}"))?.count() as f64);
    }
    Ok(())
}

/// A database with what is not yet written into its main file.
fn size_kib(database: &Path) -> Result<f64> {
    let log = database.with_extension("db-wal");
    let bytes = std::fs::metadata(database)?.len() + std::fs::metadata(log).map_or(0, |file| file.len());
    Ok(bytes as f64 / 1024.0)
}

/// Says what there was in the second and in the last quarter of the rounds; what has grown that must not.
fn told(stage: &Stage, samples: &Samples) -> Vec<String> {
    let mut grown = Vec::new();
    for (name, list) in samples {
        let quarter = |number: usize| middle(&list[list.len() * number / 4..list.len() * (number + 1) / 4]);
        let (Some(before), Some(after)) = (quarter(1), quarter(3)) else { continue };
        let line = format!("{name}: {before:.0}, then {after:.0}");
        stage.say(&line);
        let room = match name.as_str() {
            name if name.ends_with("memory KiB") => MEMORY_KIB,
            name if name.starts_with("database") => f64::INFINITY,
            _ => HANDLES,
        };
        if after > before + room {
            grown.push(line);
        }
    }
    grown
}

fn middle(list: &[f64]) -> Option<f64> {
    let mut sorted = list.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
