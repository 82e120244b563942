//! Real servers that stop, come back, and fall silent, seen by our agents; and, as a measurement, by the real keepalived in
//! the same machine, with what a thousand checks a second cost both.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::api::Api;
use testkit::caribe::{Agent, Console};
use testkit::process::{self, Background};
use testkit::wait::{self, Seen};

use super::nat::TABLE;
use crate::cost::{memory_kib, spent};
use crate::network::{self, DIRECTORS, Director, Servers};
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
/// Times that each way of failing is measured.
const RUNS: usize = 10;
/// The longest that a row of a server may stay that refuses, and of one that is silent, with checks every second.
const REFUSED: Duration = Duration::from_millis(2_000);
const SILENT: Duration = Duration::from_millis(3_000);
/// For how long processor time is counted.
const COUNTED: Duration = Duration::from_secs(30);

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
        let times = measure(&mut table, way)?;
        stage.say(&format!("our agent, {}", told(way, &times)));
        let worst = times.iter().map(|(gone, _)| *gone).max().unwrap_or_default();
        ensure!(worst <= longest, "the row stayed for {} ms", worst.as_millis());
    }
    agent.kill()?;
    other.kill()?;
    Ok(())
}

/// The same beside keepalived, and the processor time of checks.
pub(crate) fn beside() -> Result<()> {
    let mut run = Beside::begin(Servers::Nat)?;
    let [primary, _] = &DIRECTORS;
    run.stage.wait_for_table(primary, TABLE)?;
    let mut table = run.table()?;
    for way in [Way::Refuses, Way::Silent] {
        run.lines.push(format!("caribe      {}", told(way, &measure(&mut table, way)?)));
    }
    let loads = [Load { services: 1, servers: 1_000 }, Load { services: 10, servers: 100 }];
    for load in &loads {
        let content = content(&run.stage)?;
        run.ours(load, content)?;
    }
    run.turn()?;
    let two = ["10.0.0.100".to_owned(), "10.0.0.200".to_owned()];
    let theirs = keepalived(&run.stage, 1, &two)?;
    let mut table = Table::of(theirs.id())?;
    table.wait_for(2)?;
    for way in [Way::Refuses, Way::Silent] {
        run.lines.push(format!("keepalived  {}", told(way, &measure(&mut table, way)?)));
    }
    theirs.stop(PATIENCE)?;
    for load in &loads {
        run.theirs(load)?;
    }
    run.end();
    Ok(())
}

/// Ten thousand checks a second, ours and keepalived's, and whether they delay a beat.
pub(crate) fn many_beside() -> Result<()> {
    let mut run = Beside::begin(Servers::Nat)?;
    let load = Load { services: 1, servers: 10_000 };
    let [first, second] = &DIRECTORS;
    let pair = run.stage.pair(Servers::Nat, false)?;
    run.api.make_it_so(CLUSTER, &pair)?;
    for director in [first, second] {
        run.stage.wait_in_sync(&run.api, director)?;
    }
    let idle = beats(second)?;
    run.lines.push(format!("caribe      beats while two servers are checked: {idle}"));
    let mut many = pair.clone();
    load.put(&mut many)?;
    run.api.make_it_so(CLUSTER, &many)?;
    run.table()?.wait_for(load.rows())?;
    let busy = beats(second)?;
    run.lines.push(format!("caribe      beats while both check {} a second: {busy}", load.rows()));
    run.ours(&load, pair)?;
    run.turn()?;
    run.theirs(&load)?;
    run.end();
    Ok(())
}

/// Real servers by the hundred, all of which answer, each checked every second.
struct Load {
    /// Virtual servers that use the same real servers.
    services: u16,
    servers: u16,
}

impl Load {
    fn rows(&self) -> usize {
        usize::from(self.services) * usize::from(self.servers)
    }

    fn addresses(&self) -> Vec<String> {
        (0..self.servers).map(|number| format!("10.0.{}.{}", 64 + number / 250, 1 + number % 250)).collect()
    }

    /// Puts it into a cluster in place of what is there.
    fn put(&self, content: &mut Value) -> Result<()> {
        let servers: Value = self
            .addresses()
            .iter()
            .enumerate()
            .map(|(number, address)| json!({ "name": format!("r{number}"), "address": address, "port": 80 }))
            .collect();
        let first = content.pointer_mut("/virtual_servers/0").and_then(Value::as_object_mut);
        let first = first.context("a virtual server")?;
        first.insert("real_servers".to_owned(), servers);
        first.insert("monitor".to_owned(), monitor());
        first.remove("id");
        let one = |number: u16| {
            let mut service = first.clone();
            service.insert("name".to_owned(), json!(format!("s{number}")));
            service.insert("port".to_owned(), json!(80 + number));
            Value::Object(service)
        };
        let services: Value = (0..self.services).map(one).collect();
        *content.pointer_mut("/virtual_servers").context("virtual servers")? = services;
        Ok(())
    }

    fn name(&self) -> String {
        match self.services {
            1 => format!("{} checks a second", self.rows()),
            services => format!("{} checks a second, {services} services share each server", self.rows()),
        }
    }
}

/// A run with ours first and keepalived after it, in the same machine.
struct Beside {
    stage: Stage,
    console: Option<Console>,
    api: Api,
    agents: Vec<Agent>,
    lines: Vec<String>,
}

impl Beside {
    fn begin(servers: Servers) -> Result<Beside> {
        let stage = Stage::set(servers, None)?;
        // Addresses enough for many real servers, all on the first machine.
        network::ip(Some("rs1"), &["route add local 10.0.64.0/18 dev lo".to_owned()])?;
        let (console, api, agents) = stage.cluster(&content(&stage)?)?;
        Ok(Beside { stage, console: Some(console), api, agents: agents.into(), lines: Vec::new() })
    }

    /// The process of our first agent.
    fn agent(&self) -> Result<u32> {
        Ok(self.agents.first().context("our agent")?.id())
    }

    fn table(&self) -> Result<Table> {
        Table::of(self.agent()?)
    }

    /// What a load costs our agent, as part of this cluster; the other director is ended, so that the machine is alone with it.
    fn ours(&mut self, load: &Load, mut content: Value) -> Result<()> {
        while self.agents.len() > 1 {
            self.agents.pop().map(Agent::kill).transpose()?;
        }
        load.put(&mut content)?;
        self.api.make_it_so(CLUSTER, &content)?;
        self.table()?.wait_for(load.rows())?;
        let agent = self.agent()?;
        self.lines.push(format!("caribe      {}: {}", load.name(), cost(load, agent, "nanny")?));
        Ok(())
    }

    /// Ours goes; keepalived has the machine.
    fn turn(&mut self) -> Result<()> {
        for agent in self.agents.drain(..) {
            agent.kill()?;
        }
        self.console.take().map(Console::stop).transpose()?;
        let [primary, _] = &DIRECTORS;
        process::run(network::within(primary.namespace, &["ipvsadm", "-C"]))?;
        network::ip(Some(primary.namespace), &["addr replace 10.0.0.254/16 dev eth1".to_owned()])
    }

    fn theirs(&mut self, load: &Load) -> Result<()> {
        let theirs = keepalived(&self.stage, load.services, &load.addresses())?;
        Table::of(theirs.id())?.wait_for(load.rows())?;
        self.lines.push(format!("keepalived  {}: {}", load.name(), cost(load, theirs.id(), "")?));
        theirs.stop(PATIENCE)?;
        Ok(())
    }

    fn end(self) {
        for line in &self.lines {
            self.stage.say(line);
        }
    }
}

/// Times between the beats that a director gets, in the words of a line.
fn beats(director: &Director) -> Result<String> {
    let filter = ["udp", "and", "dst", "port", "539", "and", "inbound"];
    let words =
        [&["tcpdump", "-Z", "root", "-n", "-tt", "-q", "-i", "eth0", "-c", "600"], &filter[..]].concat();
    let said = process::run(network::within(director.namespace, &words))?;
    let moments: Vec<f64> =
        said.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
    ensure!(moments.len() >= 500, "only {} beats were seen", moments.len());
    let mut gaps: Vec<f64> =
        moments.iter().zip(moments.iter().skip(1)).map(|(one, next)| (next - one) * 1000.0).collect();
    gaps.sort_by(f64::total_cmp);
    let at = |percent: usize| gaps.get(gaps.len() * percent / 100).copied().unwrap_or_default();
    let last = gaps.last().copied().unwrap_or_default();
    Ok(format!("median {:.1} ms apart, p99 {:.1} ms, at most {last:.1} ms", at(50), at(99)))
}

/// Scenario A with checks every second and a sorry server.
fn content(stage: &Stage) -> Result<Value> {
    let mut content = stage.scenario_a_apart(Servers::Nat)?;
    let service = content.pointer_mut("/virtual_servers/0").context("a virtual server")?;
    service["monitor"] = monitor();
    service["sorry_server"] = json!({ "address": "10.0.0.99" });
    Ok(content)
}

fn monitor() -> Value {
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
enum Way {
    /// Its kernel says that nobody listens.
    Refuses,
    /// Nothing comes back.
    Silent,
}

/// The rows of one machine's table, read where it costs least: no program is started for it.
struct Table(PathBuf);

impl Table {
    /// Of the network namespace that this process is in.
    fn of(process: u32) -> Result<Table> {
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
    fn wait_for(&mut self, count: usize) -> Result<()> {
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
fn measure(table: &mut Table, way: Way) -> Result<Vec<(Duration, Duration)>> {
    let end = match way {
        Way::Refuses => "reject with tcp reset",
        Way::Silent => "drop",
    };
    let rule = format!(
        "table inet lab {{\n chain in {{\n  type filter hook input priority 0\n  tcp dport 80 {end}\n }}\n}}\n"
    );
    let mut times = Vec::new();
    for run in 0..RUNS {
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

fn told(way: Way, times: &[(Duration, Duration)]) -> String {
    let of = |mut times: Vec<u128>| {
        times.sort_unstable();
        let at = |place: usize| times.get(place).copied().unwrap_or_default();
        format!("{} ms (from {} to {})", at(times.len() / 2), at(0), at(times.len().saturating_sub(1)))
    };
    let gone = of(times.iter().map(|(gone, _)| gone.as_millis()).collect());
    let back = of(times.iter().map(|(_, back)| back.as_millis()).collect());
    format!("{way:?}: row gone after {gone}, back after {back}; {} runs", times.len())
}

/// Processor time per check over a while: of all of the program, and of the threads of this name.
fn cost(load: &Load, process: u32, thread: &str) -> Result<String> {
    std::thread::sleep(Duration::from_secs(3));
    let (before, begun) = (spent(process, thread)?, Instant::now());
    std::thread::sleep(COUNTED);
    let (after, passed) = (spent(process, thread)?, begun.elapsed());
    let checks = load.rows() as f64 * passed.as_secs_f64();
    let each = |from: u64, to: u64| to.saturating_sub(from) as f64 / checks / 1000.0;
    let memory = memory_kib(process)?;
    Ok(format!(
        "{:.1} us of processor time a check in all, {:.1} us in its checking threads; {memory} KiB",
        each(before.0, after.0),
        each(before.1, after.1),
    ))
}

/// The real keepalived with as many services of the same servers, asking every second; the rest is its default.
fn keepalived(stage: &Stage, services: u16, servers: &[String]) -> Result<Background> {
    let servers: String = servers
        .iter()
        .map(|address| format!("  real_server {address} 80 {{\n    TCP_CHECK {{\n    }}\n  }}\n"))
        .collect();
    let one = |number: u16| {
        let port = 80 + number;
        format!(
            "virtual_server 192.168.1.250 {port} {{\n  delay_loop 1\n  lb_algo wlc\n  lb_kind NAT\n  protocol TCP\n{servers}}}\n"
        )
    };
    let text: String = (0..services).map(one).collect();
    let file = stage.keep("beside.conf", &text)?;
    let [primary, _] = &DIRECTORS;
    let folder = stage.data("keepalived");
    std::fs::create_dir_all(&folder)?;
    let at = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let mut command =
        network::within(primary.namespace, &["keepalived", "--dont-fork", "--check", "--no-syslog"]);
    command.args(["--log-console", "--use-file"]).arg(file);
    command.args(["--pid", &at("main.pid"), "--checkers_pid", &at("check.pid")]);
    Background::start("keepalived", command, &stage.log("keepalived"))
}
