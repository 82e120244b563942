//! Real servers that stop, come back, and fall silent, seen by our agents. `beside` measures the same at the real
//! keepalived.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::process;
use testkit::wait::{self, Seen};

use super::nat::TABLE;
use crate::network::{self, DIRECTORS, Servers};
use crate::stage::{CLUSTER, PATIENCE, Stage};

/// What both kernels hold while the first real server is out.
const WITHOUT_FIRST: &str = "\
-A -t 192.168.1.250:80 -s wlc
-a -t 192.168.1.250:80 -r 10.0.0.200:80 -m -w 1
";
/// And while only the sorry server is left.
const SORRY: &str = "\
-A -t 192.168.1.250:80 -s wlc
-a -t 192.168.1.250:80 -r 10.0.0.99:80 -m -w 1
";
/// Times that each way of failing is tried here; the measurement beside keepalived takes more.
const RUNS: usize = 3;
/// The longest that a row of a server may stay that refuses, and of one that is silent, with checks every second.
const REFUSED: Duration = Duration::from_millis(2_000);
const SILENT: Duration = Duration::from_millis(3_000);

pub(crate) fn run() -> Result<()> {
    let mut stage = Stage::set(Servers::Nat, None)?;
    let (_console, api, agents) = stage.cluster(&content(&stage)?)?;
    let [primary, backup] = &DIRECTORS;
    stage.wait_for_table(primary, TABLE)?;
    stage.wait_for_table(backup, TABLE)?;

    stage.stop_server(0)?;
    for director in &DIRECTORS {
        stage.wait_for_table(director, WITHOUT_FIRST)?;
    }
    // The status stream is a moment behind the kernel.
    wait::until("the console shows one server down", PATIENCE, || {
        let shown = api.director(CLUSTER, primary.name)?;
        let checking = shown.pointer("/live/status/checking").cloned().unwrap_or_default();
        let down = checking.pointer("/down").and_then(Value::as_u64);
        Ok(if down == Some(1) { Seen::Yes(()) } else { Seen::not_yet(checking.to_string()) })
    })?;
    stage.stop_server(1)?;
    stage.wait_for_table(primary, SORRY)?;
    stage.start_server(1)?;
    stage.wait_for_table(primary, WITHOUT_FIRST)?;
    stage.start_server(0)?;
    for director in &DIRECTORS {
        stage.wait_for_table(director, TABLE)?;
    }
    stage.both_serve(60)?;

    let [agent, other] = agents;
    let mut table = Table::of(agent.id())?;
    for (way, longest) in [(Way::Refuses, REFUSED), (Way::Silent, SILENT)] {
        let times = measure(&mut table, way, RUNS)?;
        stage.say(&format!("our agent, {}", told(way, &times)));
        let worst = times.iter().map(|(gone, _)| *gone).max().unwrap_or_default();
        ensure!(worst <= longest, "the row stayed for {} ms", worst.as_millis());
    }
    agent.kill()?;
    other.kill()?;
    Ok(())
}

/// Scenario A with checks every second and a sorry server.
pub(super) fn content(stage: &Stage) -> Result<Value> {
    let mut content = stage.scenario_a_apart(Servers::Nat)?;
    let service = content.pointer_mut("/virtual_servers/0").context("a virtual server")?;
    service["monitor"] = monitor();
    service["sorry_server"] = json!({ "address": "10.0.0.99" });
    Ok(content)
}

pub(super) fn monitor() -> Value {
    json!({
        "checks": [{ "kind": "connect" }],
        "interval_ms": 1_000,
        "timeout_ms": 800,
        "fall": 2,
        "rise": 1,
        "retry_delay_ms": 250,
        "reentry_s": 0,
    })
}

/// How a server fails.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// Its kernel says that nobody listens.
    Refuses,
    /// Nothing comes back.
    Silent,
}

impl Way {
    pub(super) fn name(self) -> &'static str {
        match self {
            Way::Refuses => "refusing",
            Way::Silent => "silent",
        }
    }
}

/// The rows of one machine's table, read where it costs least: no program is started for it.
pub(super) struct Table(PathBuf);

impl Table {
    /// Of the network namespace that this process is in.
    pub(super) fn of(process: u32) -> Result<Table> {
        let file = PathBuf::from(format!("/proc/{process}/net/ip_vs"));
        ensure!(file.exists(), "{} is not there", file.display());
        Ok(Table(file))
    }

    /// Real servers, and whether the first (10.0.0.100) is among them.
    fn look(&self) -> Result<(usize, bool)> {
        let text = std::fs::read_to_string(&self.0)?;
        let rows =
            || text.lines().filter(|line| line.trim_start().starts_with("-> ") && !line.contains("Remote"));
        Ok((rows().count(), rows().any(|line| line.contains("0A000064:"))))
    }

    /// Waits until so many real servers are there.
    pub(super) fn wait_for(&mut self, count: usize) -> Result<()> {
        wait::until(&format!("{count} real servers"), PATIENCE, || {
            let (there, _) = self.look()?;
            Ok(if there == count { Seen::Yes(()) } else { Seen::not_yet(format!("{there} are there")) })
        })
    }

    /// How long it takes until the first real server is there, or is not.
    fn time(&mut self, there: bool) -> Result<Duration> {
        let begun = Instant::now();
        while self.look()?.1 != there {
            if begun.elapsed() > PATIENCE {
                bail!("the row of the first real server does not {}", if there { "come" } else { "go" });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(begun.elapsed())
    }
}

/// How long a row stays after its server fails, and is away after it is well again; several times, at different moments of
/// an interval.
pub(super) fn measure(table: &mut Table, way: Way, runs: usize) -> Result<Vec<(Duration, Duration)>> {
    let end = match way {
        Way::Refuses => "reject with tcp reset",
        Way::Silent => "drop",
    };
    let rule = format!(
        "table inet lab {{\n chain in {{\n  type filter hook input priority 0\n  tcp dport 80 {end}\n }}\n}}\n"
    );
    let mut times = Vec::new();
    for run in 0..runs {
        std::thread::sleep(Duration::from_millis(1_100 + 97 * run as u64));
        network::rules("rs1", &rule)?;
        let gone = table.time(false)?;
        nft(&["delete", "table", "inet", "lab"])?;
        times.push((gone, table.time(true)?));
    }
    Ok(times)
}

fn nft(words: &[&str]) -> Result<()> {
    process::run(network::within("rs1", &[&["nft"], words].concat())).map(drop)
}

pub(super) fn told(way: Way, times: &[(Duration, Duration)]) -> String {
    let of = |mut times: Vec<u128>| {
        times.sort_unstable();
        let at = |place: usize| times.get(place).copied().unwrap_or_default();
        format!("{} ms (from {} to {})", at(times.len() / 2), at(0), at(times.len().saturating_sub(1)))
    };
    let gone = of(times.iter().map(|(gone, _)| gone.as_millis()).collect());
    let back = of(times.iter().map(|(_, back)| back.as_millis()).collect());
    format!("{way:?}: row gone after {gone}, back after {back}; {} runs", times.len())
}
