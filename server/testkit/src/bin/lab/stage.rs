//! What every scenario begins with and asks again and again: a network with servers, a console with a token, joined
//! directors, traffic, and the kernel's own view. Each thing done is a line of the transcript.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use testkit::api::{self, Api};
use testkit::caribe::{Agent, Console, Program, last_lines};
use testkit::process::{self, Background};
use testkit::traffic::{LIMIT, Traffic};
use testkit::wait::{self, Seen};

use crate::network::{self, CONSOLE, DIRECTORS, Director, Servers, VIP};

/// How long kernel, agents and console may take to agree; generous, because under emulation everything is slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long a director has written nothing when its writes are said to have come to an end.
const QUIET: Duration = Duration::from_secs(1);

/// The machines with web servers.
pub(crate) const SERVERS: [&str; 2] = ["rs1", "rs2"];

/// What the imported cluster is called.
pub(crate) const CLUSTER: &str = "a";

/// Scenario A's file.
const SCENARIO_A: &str = include_str!("../../../fixtures/scenario-a.cf");

/// A network with its servers, and the folder of this run.
pub(crate) struct Stage {
    begun: Instant,
    folder: PathBuf,
    program: Program,
    /// Where the real servers listen.
    port: u16,
    servers: Vec<Option<Background>>,
}

impl Stage {
    /// Builds the network and starts the real servers.
    pub(crate) fn set(servers: Servers, uplink: Option<&str>) -> Result<Stage> {
        let stage = Stage::upon(80, || network::build(servers, uplink))?;
        stage.say(&format!("network stands, real servers ({servers:?}) answer"));
        Ok(stage)
    }

    /// The same with another network, whose real servers listen on another port.
    pub(crate) fn upon(port: u16, build: impl FnOnce() -> Result<()>) -> Result<Stage> {
        let this = std::env::current_exe()?;
        let binary = this.with_file_name("caribe");
        let folder = std::env::current_dir()?;
        let mut stage = Stage {
            begun: Instant::now(),
            folder,
            program: Program { binary, namespace: None },
            port,
            servers: Vec::new(),
        };
        build()?;
        for name in SERVERS {
            let server = stage.server(name)?;
            stage.servers.push(Some(server));
        }
        Ok(stage)
    }

    /// Starts the server of a machine.
    fn server(&self, name: &str) -> Result<Background> {
        let command = self.lab(name, &["http-server", &format!("0.0.0.0:{}", self.port), name]);
        let mut server = Background::start(name, command, &self.log(name))?;
        server.wait_for_word("listening", PATIENCE)?;
        Ok(server)
    }

    /// Ends the server of a real server, 0 or 1.
    pub(crate) fn stop_server(&mut self, place: usize) -> Result<()> {
        if let Some(server) = self.servers.get_mut(place).and_then(Option::take) {
            server.kill()?;
        }
        self.say(&format!("the server of {} is ended", SERVERS.get(place).unwrap_or(&"nobody")));
        Ok(())
    }

    /// Starts it again.
    pub(crate) fn start_server(&mut self, place: usize) -> Result<()> {
        let name = SERVERS.get(place).context("there are two real servers")?;
        let server = self.server(name)?;
        if let Some(there) = self.servers.get_mut(place) {
            *there = Some(server);
        }
        self.say(&format!("the server of {name} is started again"));
        Ok(())
    }

    /// A line of the transcript.
    pub(crate) fn say(&self, text: &str) {
        println!("[{:7.2}] {text}", self.begun.elapsed().as_secs_f32());
    }

    /// `caribe` in a namespace.
    pub(crate) fn caribe(&self, namespace: &str) -> Program {
        self.program.in_namespace(namespace)
    }

    /// The log file of a program, in the folder that is handed back.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// A data folder, which is not handed back: it holds keys.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("lab-{}", std::process::id())).join(name)
    }

    /// A file in the folder that is handed back.
    pub(crate) fn keep(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, content)?;
        Ok(path)
    }

    /// This program in a namespace.
    pub(crate) fn lab(&self, namespace: &str, words: &[&str]) -> std::process::Command {
        let this = std::env::current_exe().unwrap_or_else(|_| "lab".into());
        network::within(namespace, &[&[this.to_string_lossy().as_ref()], words].concat())
    }

    /// Starts the console in its namespace, and an API client with a token that may do everything.
    pub(crate) fn console(&self) -> Result<(Console, Api)> {
        let console = self.start_console("console", 3636)?;
        let token = console.token("lab", &[])?;
        let api = console.api(&token)?;
        Ok((console, api))
    }

    /// Starts a console on a data folder, new or not.
    pub(crate) fn start_console(&self, data: &str, port: u16) -> Result<Console> {
        let folder = self.data(data);
        std::fs::create_dir_all(&folder)?;
        let listen = SocketAddr::new(IpAddr::V4(CONSOLE), port);
        let console = Console::start(&self.caribe("console"), &folder, listen, &self.log(data))?;
        self.say(&format!("console at {}", console.url()));
        Ok(console)
    }

    /// Starts a console on a director's own machine, with an agent beside it (`serve --agent`) that the settings file
    /// `config` gives its folder and port.
    pub(crate) fn console_with_agent(&self, director: &Director, config: &Path) -> Result<Console> {
        let folder = self.data("console");
        std::fs::create_dir_all(&folder)?;
        let listen = SocketAddr::new(director.management.into(), 3636);
        let more = ["--agent", "--config", &config.to_string_lossy()];
        let program = self.caribe(director.namespace);
        let console = Console::start_with(&program, &folder, listen, &self.log("console"), &more)?;
        self.say(&format!("console with an agent on {}, at {}", director.name, console.url()));
        Ok(console)
    }

    /// Scenario A's cluster, read by `caribe check`, for real servers reached in this way.
    pub(crate) fn scenario_a(&self, servers: Servers) -> Result<Value> {
        let file = self.keep("lvs.cf", SCENARIO_A)?;
        let mut cluster = self.program.read_cluster(&file)?;
        set(&mut cluster, "/name", CLUSTER.into())?;
        let forwarding = match servers {
            Servers::Nat => return Ok(cluster),
            Servers::Direct => Value::from("direct"),
            Servers::Tunnel => serde_json::json!({ "tunnel": { "kind": "ipip" } }),
        };
        set(&mut cluster, "/global/forwarding", forwarding)?;
        if let Some(global) = cluster.pointer_mut("/global").and_then(Value::as_object_mut) {
            global.remove("nat_router");
        }
        for (place, address) in servers.addresses().iter().enumerate() {
            let pointer = format!("/virtual_servers/0/real_servers/{place}/address");
            set(&mut cluster, &pointer, address.to_string().into())?;
        }
        Ok(cluster)
    }

    /// The same with the heartbeat's default times, and with connections copied or not.
    pub(crate) fn pair(&self, servers: Servers, sync: bool) -> Result<Value> {
        let mut cluster = self.scenario_a(servers)?;
        set(&mut cluster, "/redundancy/interval_ms", 100.into())?;
        set(&mut cluster, "/redundancy/deadtime_ms", 500.into())?;
        set(&mut cluster, "/redundancy/monitor_links", true.into())?;
        set(&mut cluster, "/redundancy/sync", serde_json::json!({ "enabled": sync, "id": 7 }))?;
        Ok(cluster)
    }

    /// The same without redundancy: the primary holds the addresses, whatever becomes of its agent.
    pub(crate) fn scenario_a_apart(&self, servers: Servers) -> Result<Value> {
        let mut cluster = self.scenario_a(servers)?;
        set(&mut cluster, "/redundancy/enabled", false.into())?;
        Ok(cluster)
    }

    /// Enrols a director and starts its agent.
    pub(crate) fn join(&self, console: &Console, api: &Api, director: &Director) -> Result<Agent> {
        let token = api.join_token(CLUSTER, director.name, &director.agent().to_string())?;
        let program = self.caribe(director.namespace);
        let data = self.data(director.namespace);
        std::fs::create_dir_all(&data)?;
        let joined = Agent::join(
            &program,
            &data,
            &console.url(),
            &token.token,
            &console.fingerprint,
            director.agent(),
        )?;
        if !joined.status.success() {
            bail!("{} could not join: {}", director.name, joined.said());
        }
        let agent = self.agent(director)?;
        self.say(&format!("{} joined, its agent runs", director.name));
        Ok(agent)
    }

    /// Starts the agent of a director that has joined.
    pub(crate) fn agent(&self, director: &Director) -> Result<Agent> {
        let log = self.log(director.name);
        Agent::start(&self.caribe(director.namespace), &self.data(director.namespace), director.agent(), &log)
    }

    /// Console, both directors joined, the cluster active and in both kernels.
    pub(crate) fn cluster(&self, content: &Value) -> Result<(Console, Api, [Agent; 2])> {
        let (console, api) = self.console()?;
        api.make_it_so(CLUSTER, content)?;
        self.say("cluster activated");
        let [a, b] = &DIRECTORS;
        let agents = [self.join(&console, &api, a)?, self.join(&console, &api, b)?];
        for director in &DIRECTORS {
            self.wait_in_sync(&api, director)?;
        }
        self.say("both directors are in sync");
        Ok((console, api, agents))
    }

    /// Waits until the console shows a director connected and in sync; returns the director as shown.
    pub(crate) fn wait_in_sync(&self, api: &Api, director: &Director) -> Result<Value> {
        let seen = wait::until(&format!("{} in sync", director.name), PATIENCE, || {
            let shown = api.director(CLUSTER, director.name)?;
            let state = (shown.pointer("/live/connected"), shown.pointer("/live/sync"));
            Ok(match state {
                (Some(Value::Bool(true)), Some(Value::String(sync))) if sync == "in-sync" => Seen::Yes(shown),
                _ => {
                    let why = shown.pointer("/live").unwrap_or(&shown).to_string();
                    Seen::not_yet(api::shortened(&why))
                }
            })
        });
        seen.with_context(|| format!("its log: {}", last_lines(&self.log(director.name), 10)))
    }

    /// Revision and writes of a director that is in sync and has written nothing for a while: verdicts write too, and
    /// the console hears of it a moment after the kernel has it.
    pub(crate) fn settled(&self, api: &Api, director: &Director) -> Result<(u64, u64)> {
        let mut last = None;
        let mut since = Instant::now();
        wait::until(&format!("the last of the writes of {}", director.name), PATIENCE, || {
            let shown = self.wait_in_sync(api, director)?;
            let seen = (api::number(&shown, "/live/status/revision")?, writes(&shown)?);
            if last != Some(seen) {
                (last, since) = (Some(seen), Instant::now());
            }
            Ok(if since.elapsed() >= QUIET { Seen::Yes(seen) } else { Seen::not_yet(format!("{seen:?}")) })
        })
    }

    /// Traffic from the client to the virtual address, one request after the other.
    pub(crate) fn traffic(&self, interval: Duration) -> Result<Traffic> {
        self.traffic_within(interval, LIMIT)
    }

    /// The same, with requests that fail sooner.
    pub(crate) fn traffic_within(&self, interval: Duration, limit: Duration) -> Result<Traffic> {
        self.traffic_to(&format!("{VIP}:80"), interval, limit)
    }

    /// The same to another address.
    pub(crate) fn traffic_to(&self, to: &str, interval: Duration, limit: Duration) -> Result<Traffic> {
        let [every, limit] = [interval, limit].map(|time| time.as_millis().to_string());
        let words = ["traffic", to, &every, &limit];
        Traffic::start("client", self.lab("client", &words), &self.log("client"))
    }

    /// One long transfer from the virtual address, which breaks when nothing comes for the time of the limit.
    pub(crate) fn transfer(&self, limit: Duration) -> Result<Traffic> {
        self.transfer_from(&format!("{VIP}:80"), limit)
    }

    /// The same from another address.
    pub(crate) fn transfer_from(&self, from: &str, limit: Duration) -> Result<Traffic> {
        let words = ["transfer", from, &limit.as_millis().to_string()];
        Traffic::start("transfer", self.lab("client", &words), &self.log("transfer"))
    }

    /// Traffic until both real servers have answered `count` requests together, none of which may fail.
    pub(crate) fn both_serve(&self, count: u64) -> Result<()> {
        self.both_serve_at(&format!("{VIP}:80"), count)
    }

    /// The same at another address.
    pub(crate) fn both_serve_at(&self, to: &str, count: u64) -> Result<()> {
        self.serve_by_turns(SERVERS, to, count)
    }

    /// The same with servers on these machines.
    pub(crate) fn serve_by_turns(&self, servers: [&str; 2], to: &str, count: u64) -> Result<()> {
        let mut traffic = self.traffic_to(to, Duration::ZERO, LIMIT)?;
        traffic.wait_for_answers(count, PATIENCE)?;
        let tally = traffic.tally().clone();
        no_failure(&tally.failed)?;
        for name in servers {
            let share = tally.served.get(name).copied().unwrap_or_default();
            // By turns: with equal weights neither may get less than a third.
            if share * 3 < tally.answers() {
                bail!("{name} got {share} of {} requests", tally.answers());
            }
        }
        self.say(&format!("both real servers serve by turns: {:?}", tally.served));
        Ok(())
    }

    /// Waits until a director's table reads as expected, in `ipvsadm -S -n` words; the order of lines is the kernel's
    /// own matter.
    pub(crate) fn wait_for_table(&self, director: &Director, expected: &str) -> Result<()> {
        let wanted = sorted(expected);
        wait::until(&format!("the table of {}", director.name), PATIENCE, || {
            let found = sorted(&table(director)?);
            Ok(if found == wanted {
                Seen::Yes(())
            } else {
                Seen::not_yet(api::shortened(&format!("it reads\n{found}")))
            })
        })?;
        self.say(&format!(
            "{}: ipvsadm -S -n is as expected ({} lines)",
            director.name,
            wanted.lines().count()
        ));
        Ok(())
    }
}

/// A director's table as `ipvsadm -S -n` prints it.
pub(crate) fn table(director: &Director) -> Result<String> {
    process::run(network::within(director.namespace, &["ipvsadm", "-S", "-n"]))
}

/// The addresses on a machine's interfaces: `eth0 192.168.1.10/24`, one a line.
pub(crate) fn addresses(namespace: &str) -> Result<Vec<String>> {
    let text = process::run(process::command(["ip", "-n", namespace, "-4", "-o", "addr"]))?;
    Ok(text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            let interface = words.next()?;
            Some(format!("{interface} {}", words.nth(1)?))
        })
        .collect())
}

/// How often a director has written to its kernel since its agent started, as the console shows it.
pub(crate) fn writes(shown: &Value) -> Result<u64> {
    api::number(shown, "/live/status/kernel_writes")
}

/// Fails when a request has failed.
pub(crate) fn no_failure(failed: &[String]) -> Result<()> {
    match failed.first() {
        None => Ok(()),
        Some(first) => bail!("{} requests failed, the first: {first}", failed.len()),
    }
}

fn set(object: &mut Value, pointer: &str, value: Value) -> Result<()> {
    *object.pointer_mut(pointer).with_context(|| format!("the cluster has no {pointer}"))? = value;
    Ok(())
}

fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines.join("\n")
}
