//! What checks cost and how soon they see, ours and the real keepalived's, in the same machine: a measurement, which asks
//! nothing of the figures but that each of them does the work. Prints lines, and hands `figures.json` back.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use testkit::api::Api;
use testkit::caribe::{Agent, Console};
use testkit::process::{self, Background};

use super::checks::{Table, Way, content, measure, monitor, told};
use super::nat::TABLE;
use crate::beats::Gaps;
use crate::cost::{memory_kib, spent};
use crate::figures::Figures;
use crate::network::{self, DIRECTORS, Director, Servers};
use crate::stage::{CLUSTER, PATIENCE, Stage};

/// For how long processor time is counted, and how often.
const COUNTED: Duration = Duration::from_secs(10);
const COUNTS: usize = 5;
/// Times that a server fails in each way.
const FAILURES: usize = 10;
/// Beats whose distances are taken.
const BEATS: usize = 600;

/// How long a row stays that has to go, and the processor time of a thousand checks a second.
pub(crate) fn thousand() -> Result<()> {
    let mut run = Beside::begin(Servers::Nat)?;
    let [primary, _] = &DIRECTORS;
    run.stage.wait_for_table(primary, TABLE)?;
    let mut table = run.table()?;
    for way in [Way::Refuses, Way::Silent] {
        run.gone(OURS, &mut table, way)?;
    }
    let loads =
        [Load { services: 1, servers: 1_000, seconds: 1 }, Load { services: 10, servers: 100, seconds: 1 }];
    for load in &loads {
        let content = content(&run.stage)?;
        run.ours(load, content)?;
    }
    run.turn()?;
    let two = ["10.0.0.100".to_owned(), "10.0.0.200".to_owned()];
    let theirs = keepalived(&run.stage, 1, 1, &two)?;
    let mut table = Table::of(theirs.id())?;
    table.wait_for(2)?;
    for way in [Way::Refuses, Way::Silent] {
        run.gone(THEIRS, &mut table, way)?;
    }
    theirs.stop(PATIENCE)?;
    for load in &loads {
        run.theirs(load)?;
    }
    run.end()
}

/// Ten thousand servers, ours and keepalived's, and whether their checks delay a beat. They are asked every ten seconds: both
/// directors and the servers share one emulated processor here, on which a check costs a hundred microseconds and more.
pub(crate) fn ten_thousand() -> Result<()> {
    let mut run = Beside::begin(Servers::Nat)?;
    let load = Load { services: 1, servers: 10_000, seconds: 10 };
    let [first, second] = &DIRECTORS;
    let pair = run.stage.pair(Servers::Nat, false)?;
    run.api.make_it_so(CLUSTER, &pair)?;
    for director in [first, second] {
        run.stage.wait_in_sync(&run.api, director)?;
    }
    run.beats(second, "few checks")?;
    let mut many = pair.clone();
    load.put(&mut many)?;
    run.api.make_it_so(CLUSTER, &many)?;
    run.table()?.wait_for(load.rows())?;
    run.beats(second, "ten thousand servers")?;
    run.ours(&load, pair)?;
    run.turn()?;
    run.theirs(&load)?;
    run.end()
}

/// Real servers by the hundred, all of which answer.
struct Load {
    /// Virtual servers that use the same real servers.
    services: u16,
    servers: u16,
    /// From one check of a server to the next.
    seconds: u32,
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
        let mut monitor = monitor();
        let interval = monitor.get_mut("interval_ms").context("an interval")?;
        *interval = json!(u64::from(self.seconds) * 1_000);
        first.insert("monitor".to_owned(), monitor);
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
        let often = match self.seconds {
            1 => format!("{} checks a second", self.rows()),
            seconds => format!("{} checks every {seconds} s", self.rows()),
        };
        match self.services {
            1 => often,
            services => format!("{often}, {services} services share each server"),
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
    figures: Figures,
}

/// The contestants, as their figures begin.
const OURS: &str = "caribe";
const THEIRS: &str = "keepalived";

impl Beside {
    fn begin(servers: Servers) -> Result<Beside> {
        let stage = Stage::set(servers, None)?;
        // Addresses enough for many real servers, all on the first machine.
        network::ip(Some("rs1"), &["route add local 10.0.64.0/18 dev lo".to_owned()])?;
        let (console, api, agents) = stage.cluster(&content(&stage)?)?;
        Ok(Beside {
            stage,
            console: Some(console),
            api,
            agents: agents.into(),
            lines: Vec::new(),
            figures: Figures::default(),
        })
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
        self.cost(OURS, load, agent)
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
        let theirs = keepalived(&self.stage, load.services, load.seconds, &load.addresses())?;
        Table::of(theirs.id())?.wait_for(load.rows())?;
        self.cost(THEIRS, load, theirs.id())?;
        theirs.stop(PATIENCE)?;
        Ok(())
    }

    fn say(&mut self, who: &str, line: &str) {
        let line = format!("{who:<11} {line}");
        self.stage.say(&line);
        self.lines.push(line);
    }

    /// How long the row of a server stays that fails in this way.
    fn gone(&mut self, who: &str, table: &mut Table, way: Way) -> Result<()> {
        let times = measure(table, way, FAILURES)?;
        self.say(who, &told(way, &times));
        for (gone, back) in times {
            self.figures.time(&format!("{who}/{} server: row gone ms", way.name()), gone);
            self.figures.time(&format!("{who}/{} server: row back ms", way.name()), back);
        }
        Ok(())
    }

    /// Processor time per check, several times, and memory.
    fn cost(&mut self, who: &str, load: &Load, process: u32) -> Result<()> {
        std::thread::sleep(Duration::from_secs(3));
        for _ in 0..COUNTS {
            let (before, begun) = (spent(process, "")?.0, Instant::now());
            std::thread::sleep(COUNTED);
            let (after, passed) = (spent(process, "")?.0, begun.elapsed());
            let checks = load.rows() as f64 * passed.as_secs_f64() / f64::from(load.seconds);
            let each = after.saturating_sub(before) as f64 / checks / 1e3;
            let memory = memory_kib(process)?;
            self.say(who, &format!("{}: {each:.1} us of processor time each; {memory} KiB", load.name()));
            self.figures.add(&format!("{who}/{}: CPU each us", load.name()), each);
            self.figures.add(&format!("{who}/{}: memory KiB", load.name()), memory as f64);
        }
        Ok(())
    }

    /// Times between the beats that a director gets.
    fn beats(&mut self, director: &Director, when: &str) -> Result<()> {
        let gaps = Gaps::heard(director, BEATS)?;
        self.say(OURS, &format!("beats, {when}: {}", gaps.told()));
        for (name, percent) in [("median", 50), ("p99", 99), ("most", 100)] {
            self.figures.add(&format!("caribe/beats, {when}: {name} ms"), gaps.at(percent));
        }
        Ok(())
    }

    fn end(self) -> Result<()> {
        self.stage.keep("checks.txt", &self.lines.join("\n"))?;
        self.figures.keep(&self.stage, json!({}))
    }
}

/// The real keepalived with as many services of the same servers, asking as often; the rest is its default.
fn keepalived(stage: &Stage, services: u16, seconds: u32, servers: &[String]) -> Result<Background> {
    let servers: String = servers
        .iter()
        .map(|address| format!("  real_server {address} 80 {{\n    TCP_CHECK {{\n    }}\n  }}\n"))
        .collect();
    let one = |number: u16| {
        let port = 80 + number;
        format!(
            "virtual_server 192.168.1.250 {port} {{\n  delay_loop {seconds}\n  lb_algo wlc\n  lb_kind NAT\n  protocol TCP\n{servers}}}\n"
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
