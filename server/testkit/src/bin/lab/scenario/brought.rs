//! Deployments that came as two keepalived.conf files (scenarios C, E and F), brought in through the API as they are and
//! run where they ran: their own addresses, VRRP between two of our directors, direct routing to real servers that
//! `caribe real-server` set up.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::api::{self, Api};
use testkit::process;
use testkit::traffic::{LIMIT, Traffic};
use testkit::wait::{self, Seen};

use crate::network::{self, DIRECTORS, Director, Flat};
use crate::pair::{EVERY, cables, state};
use crate::stage::{CLUSTER, PATIENCE, Stage, addresses, no_failure};

/// The files, as keepalived's reader is tested with them.
macro_rules! files {
    ($scenario:literal) => {
        [
            include_str!(concat!("../../../../../lvs/tests/keepalived/", $scenario, "/node-1.conf")),
            include_str!(concat!("../../../../../lvs/tests/keepalived/", $scenario, "/node-2.conf")),
        ]
    };
}

/// While a director is gone: whoever was served by it asks again soon.
const IMPATIENT: Duration = Duration::from_millis(300);
/// The longest that a row may stay whose server refuses: a check every 6 s, repeated three times after 3 s each; and
/// under emulation everything takes its time.
const REFUSED: Duration = Duration::from_secs(20);
/// The longest that a client may wait for the partner: three advertisements of a second, the skew, and a second.
const TAKEN_OVER: u64 = 5_000;
/// And where the address is handed back: less than if nobody had it until an advertisement was missed three times.
const HANDED_BACK: u64 = 3_000;

/// What was brought, and what an operator saw of it.
struct Deployment {
    files: [&'static str; 2],
    /// The directors' names, the one with the higher priority first.
    names: [&'static str; 2],
    network: Flat,
    vip: Ipv4Addr,
    port: u16,
    /// The service in `ipvsadm` words.
    service: &'static str,
    weight: u8,
    /// One client stays with one real server.
    sticky: bool,
    /// The first director takes the address back when it returns.
    takes_back: bool,
}

/// Scenario C: MySQL behind two equal directors; whoever has the address keeps it.
pub(crate) fn without_failback() -> Result<()> {
    Deployment {
        files: files!("scenario-c"),
        names: ["MySQL-HA1", "MySQL-HA2"],
        network: Flat {
            interface: "eth0",
            router: "192.168.132.2/24",
            directors: ["192.168.132.123", "192.168.132.124"],
            servers: ["192.168.132.121", "192.168.132.122"],
        },
        vip: Ipv4Addr::new(192, 168, 132, 120),
        port: 3306,
        service: "-s rr",
        weight: 1,
        sticky: false,
        takes_back: false,
    }
    .run()
}

/// Scenario E: nginx, on interfaces with other names.
pub(crate) fn nginx() -> Result<()> {
    Deployment {
        files: files!("scenario-e"),
        names: ["director-a", "director-b"],
        network: Flat {
            interface: "ens33",
            router: "192.168.91.2/24",
            directors: ["192.168.91.145", "192.168.91.144"],
            servers: ["192.168.91.146", "192.168.91.147"],
        },
        vip: Ipv4Addr::new(192, 168, 91, 148),
        port: 80,
        service: "-s rr",
        weight: 1,
        sticky: false,
        takes_back: true,
    }
    .run()
}

/// Scenario F: two MySQL masters, clients that stay with one, and a first director that takes its address back.
pub(crate) fn with_failback() -> Result<()> {
    Deployment {
        files: files!("scenario-f"),
        names: ["LVS_Master", "LVS_Backup"],
        network: Flat {
            interface: "eth0",
            router: "182.148.15.225/27",
            directors: ["182.148.15.237", "182.148.15.236"],
            servers: ["182.148.15.233", "182.148.15.238"],
        },
        vip: Ipv4Addr::new(182, 148, 15, 239),
        port: 3306,
        service: "-s wrr -p 50",
        weight: 3,
        sticky: true,
        takes_back: true,
    }
    .run()
}

impl Deployment {
    fn run(&self) -> Result<()> {
        let mut stage = Stage::upon(self.port, || network::build_flat(&self.network))?;
        stage.say("network stands, real servers answer");
        for server in ["rs1", "rs2"] {
            let data = stage.data(server).to_string_lossy().into_owned();
            let vip = self.vip.to_string();
            let words = ["real-server", "setup", "--mode", "direct", "--vip", &vip, "--data", &data];
            stage.caribe(server).run(&words, "")?;
        }
        count_announcements(self.vip)?;

        let (console, api) = stage.console()?;
        self.bring(&stage, &api)?;
        let [first, second] = self.directors();
        let _agents = [stage.join(&console, &api, &first)?, stage.join(&console, &api, &second)?];
        for director in [&first, &second] {
            stage.wait_in_sync(&api, director)?;
            stage.wait_for_table(director, &self.table(&[0, 1]))?;
        }
        self.owner(&api, &first, &second)?;
        stage.say(&format!("{} has the address", first.name));
        self.serves(&stage)?;
        self.server_stops(&mut stage, [&first, &second])?;
        self.director_stops(&stage, &api, [&first, &second])?;
        if self.sticky {
            self.connected(&stage, &api, [&first, &second])?;
        }
        Ok(())
    }

    /// Both files become a cluster in one import, which is activated.
    fn bring(&self, stage: &Stage, api: &Api) -> Result<()> {
        let [one, other] = self.files;
        let files = json!([{ "name": "one.conf", "text": one }, { "name": "other.conf", "text": other }]);
        let imported = api.call("POST", "/imports", Some(&json!({ "files": files, "name": CLUSTER })))?;
        let findings = imported.pointer("/findings").and_then(Value::as_array).map(Vec::len);
        api.call("POST", &format!("/clusters/{CLUSTER}/draft/activate"), None)?;
        stage.say(&format!("both files brought in and activated, {} findings", findings.unwrap_or_default()));
        Ok(())
    }

    fn directors(&self) -> [Director; 2] {
        let [one, other] = self.names;
        let [first, second] = DIRECTORS;
        [Director { name: one, ..first }, Director { name: other, ..second }]
    }

    /// The kernel's table with some of the two real servers.
    fn table(&self, servers: &[usize]) -> String {
        let service = format!("{}:{}", self.vip, self.port);
        let mut table = format!("-A -t {service} {}\n", self.service);
        for address in servers.iter().filter_map(|place| self.network.servers.get(*place)) {
            let row = format!("-a -t {service} -r {address}:{} -g -w {}\n", self.port, self.weight);
            table.push_str(&row);
        }
        table
    }

    fn holds(&self, director: &Director) -> Result<bool> {
        let there = |line: &String| {
            line.starts_with(self.network.interface) && line.contains(&format!(" {}/", self.vip))
        };
        Ok(addresses(director.namespace)?.iter().any(there))
    }

    /// Waits until both kernels and the console agree on who has the address.
    fn owner(&self, api: &Api, active: &Director, standby: &Director) -> Result<()> {
        wait::until(&format!("{} active, {} standby", active.name, standby.name), PATIENCE, || {
            let states = [state(api, active)?, state(api, standby)?];
            let held = [self.holds(active)?, self.holds(standby)?];
            let right = states == ["active", "standby"] && held == [true, false];
            Ok(if right { Seen::Yes(()) } else { Seen::not_yet(format!("{states:?}, holding {held:?}")) })
        })
    }

    fn traffic(&self, stage: &Stage, limit: Duration) -> Result<Traffic> {
        let mut traffic = stage.traffic_to(&format!("{}:{}", self.vip, self.port), EVERY, limit)?;
        traffic.wait_for_answers(20, PATIENCE)?;
        Ok(traffic)
    }

    fn serves(&self, stage: &Stage) -> Result<()> {
        if !self.sticky {
            return stage.both_serve_at(&format!("{}:{}", self.vip, self.port), 60);
        }
        let mut traffic = self.traffic(stage, LIMIT)?;
        let tally = traffic.tally();
        no_failure(&tally.failed)?;
        ensure!(
            tally.served.len() == 1,
            "one client of a persistent service is served by {:?}",
            tally.served
        );
        stage.say(&format!("a client stays with its server: {:?}", tally.served));
        Ok(())
    }

    /// A real server's program ends: its row goes from both tables, clients are served by the other; and it comes back.
    fn server_stops(&self, stage: &mut Stage, directors: [&Director; 2]) -> Result<()> {
        let begun = Instant::now();
        stage.stop_server(0)?;
        for director in directors {
            stage.wait_for_table(director, &self.table(&[1]))?;
        }
        let took = begun.elapsed();
        stage.say(&format!("both directors took its row out within {} ms", took.as_millis()));
        ensure!(took <= REFUSED, "the row stayed for {} ms", took.as_millis());
        let mut traffic = self.traffic(stage, LIMIT)?;
        let tally = traffic.tally();
        no_failure(&tally.failed)?;
        let by: Vec<&str> = tally.served.keys().map(String::as_str).collect();
        ensure!(by == ["rs2"], "served by {by:?}");
        stage.start_server(0)?;
        for director in directors {
            stage.wait_for_table(director, &self.table(&[0, 1]))?;
        }
        self.serves(stage)
    }

    /// The director that has the address is cut off, and returns.
    fn director_stops(&self, stage: &Stage, api: &Api, [first, second]: [&Director; 2]) -> Result<()> {
        let mut traffic = self.traffic(stage, IMPATIENT)?;
        let announced = announcements()?;
        cables(first, &[self.network.interface], true)?;
        self.owner_is(second)?;
        waited(stage, &mut traffic, "the director with the address is cut off", TAKEN_OVER)?;
        let heard = wait::until("the router hears the new owner", PATIENCE, || {
            let heard = announcements()? - announced;
            Ok(if heard > 0 { Seen::Yes(heard) } else { Seen::not_yet("nothing") })
        })?;
        stage.say(&format!("the router heard {heard} gratuitous ARP packets"));

        traffic.forget();
        cables(first, &[self.network.interface], false)?;
        let (active, standby) = if self.takes_back { (first, second) } else { (second, first) };
        self.owner(api, active, standby)?;
        waited(stage, &mut traffic, "it is back", HANDED_BACK)?;
        // What the page of each director says of its state.
        for director in [active, standby] {
            let shown = api.director(CLUSTER, director.name)?;
            let reason = shown.pointer("/live/status/heartbeat/reason").cloned().unwrap_or_default();
            ensure!(!reason.is_null(), "{} does not say why", director.name);
            let state = api::text(&shown, "/live/status/state")?;
            stage.say(&format!("{} is {state} because of {reason}", director.name));
        }
        Ok(())
    }

    /// Who is connected while the address moves and moves back reconnects once each time at most; with connection sync
    /// not at all.
    fn connected(&self, stage: &Stage, api: &Api, [first, second]: [&Director; 2]) -> Result<()> {
        let path = format!("/clusters/{CLUSTER}");
        let mut content = api.get(&path)?;
        for sync in [false, true] {
            *content.pointer_mut("/redundancy/sync").context("sync")? = json!({ "enabled": sync, "id": 51 });
            api.make_it_so(CLUSTER, &content)?;
            for director in [first, second] {
                stage.wait_in_sync(api, director)?;
            }
            self.owner(api, first, second)?;
            for (out, active, standby) in [(true, second, first), (false, first, second)] {
                let from = format!("{}:{}", self.vip, self.port);
                let mut transfer = stage.transfer_from(&from, Duration::from_secs(30))?;
                transfer.wait_for_answers(150, PATIENCE)?;
                cables(first, &[self.network.interface], out)?;
                self.owner_is(active)?;
                if !out {
                    self.owner(api, active, standby)?;
                }
                let broke = self.goes_on(stage, &mut transfer)?;
                let what = if out { "taken over" } else { "handed back" };
                stage.say(&format!("{what}, connection sync {sync}: a transfer broke {broke} times"));
                ensure!(!(sync && broke > 0), "it broke though connections are copied");
            }
        }
        Ok(())
    }

    /// Waits until a transfer moves again, begun anew where it broke; says how often it broke.
    fn goes_on(&self, stage: &Stage, transfer: &mut Traffic) -> Result<usize> {
        let before = transfer.tally().answers();
        let moves = wait::until("the transfer goes on, or breaks", PATIENCE, || {
            let tally = transfer.tally();
            Ok(match (tally.failed.len(), tally.answers() >= before + 50) {
                (0, false) => Seen::not_yet(format!("{} lines", tally.answers())),
                (broke, _) => Seen::Yes(broke),
            })
        })?;
        if moves > 0 {
            let from = format!("{}:{}", self.vip, self.port);
            stage.transfer_from(&from, Duration::from_secs(5))?.wait_for_answers(50, PATIENCE)?;
        }
        Ok(moves)
    }

    fn owner_is(&self, director: &Director) -> Result<()> {
        wait::until(&format!("{} holds the address", director.name), PATIENCE, || {
            Ok(if self.holds(director)? { Seen::Yes(()) } else { Seen::not_yet("it does not") })
        })
    }
}

/// Waits until clients are served again, and judges their longest wait.
fn waited(stage: &Stage, traffic: &mut Traffic, what: &str, longest: u64) -> Result<()> {
    let before = traffic.tally().answers();
    traffic.wait_for_answers(before + 50, PATIENCE)?;
    let tally = traffic.tally();
    let (gap, failed) = (tally.gap_ms, tally.failed.len());
    stage.say(&format!("{what}: the longest wait was {gap} ms, {failed} requests failed"));
    if gap > longest {
        bail!("{what}: a client waited {gap} ms; {:?}", tally.failed.last());
    }
    Ok(())
}

/// Counts at the router who says that the virtual address is his.
fn count_announcements(vip: Ipv4Addr) -> Result<()> {
    let rules = format!(
        "table arp lab {{\n counter announced {{ }}\n chain arriving {{\n  type filter hook input priority 0;\n  \
         arp saddr ip {vip} arp daddr ip {vip} counter name announced\n }}\n}}\n"
    );
    let finished = process::finish(network::within("router", &["nft", "-f", "-"]), rules.as_bytes())?;
    ensure!(finished.status.success(), "nft in router: {}", finished.said());
    Ok(())
}

fn announcements() -> Result<u64> {
    let text = process::run(network::within("router", &["nft", "-j", "list", "counters"]))?;
    let listed: Value = serde_json::from_str(&text)?;
    let objects = listed.pointer("/nftables").and_then(Value::as_array).context("nft listed nothing")?;
    let counter = objects.iter().find_map(|object| object.get("counter")).context("no counter")?;
    api::number(counter, "/packets")
}
