//! What the console costs with a large cluster: hundreds of open pages, many calls of the API, one activation after the
//! other. A measurement: it hands `figures.json` back and asks nothing of them but that every call succeeds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::caribe::Console;
use testkit::https::{Client, Kept};

use super::scale;
use crate::cost::{memory_kib, spent};
use crate::figures::Figures;
use crate::network::{DIRECTORS, Servers};
use crate::stage::{CLUSTER, PATIENCE, Stage};

const SERVERS: u8 = 10;
/// Pages that are open at once.
const TABS: usize = 200;
/// For how long open pages are watched.
const WATCHED: Duration = Duration::from_secs(10);
/// Calls of one kind in a round; a token may ask a thousand at once.
const READS: usize = 500;
const WRITES: usize = 200;
/// Between two requests through the virtual address: counts move.
const TRAFFIC: Duration = Duration::from_millis(50);
const USER: &str = "bench";
const SECRET: &str = "measured-by-instructions-42";

pub(crate) fn run() -> Result<()> {
    let number = |name: &str, default: u16| -> Result<u16> {
        std::env::var(name).map_or(Ok(default), |text| text.parse().context(name.to_owned()))
    };
    let (services, runs) = (number("LAB_SERVICES", 1_000)?, number("LAB_RUNS", 5)?);
    let [primary, _] = &DIRECTORS;
    let stage = Stage::set(Servers::Nat, None)?;
    let mut content = stage.scenario_a_apart(Servers::Nat)?;
    // The one that clients ask, then all the others.
    let mut large = scale::services(services - 1, SERVERS);
    let list = content.pointer_mut("/virtual_servers").and_then(Value::as_array_mut);
    list.context("virtual servers")?.append(large.as_array_mut().context("virtual servers")?);
    let (console, api) = stage.console()?;
    console.account(USER, SECRET)?;
    api.make_it_so(CLUSTER, &content)?;
    let agent = stage.join(&console, &api, primary)?;
    stage.wait_in_sync(&api, primary)?;
    let mut traffic = stage.traffic(TRAFFIC)?;
    traffic.wait_for_answers(20, PATIENCE)?;
    stage.say(&format!("a console with {services} virtual servers, one director, clients asking"));

    let mut figures = Figures::default();
    let client = console.client()?;
    let cookie = sign_in(&client)?;
    for round in 0..runs {
        let tabs = Tabs::none();
        tabs.watch(&console, "no page", &mut figures)?;
        let tabs = tabs.open(&client, &cookie)?;
        tabs.watch(&console, "200 pages", &mut figures)?;
        tabs.close();
        calls(&console, &client, services, round, &mut figures)?;
        stage.say(&format!("round {} of {runs}", round + 1));
    }
    drop(traffic);
    agent.kill()?;
    console.stop()?;
    figures.keep(&stage, json!({ "services": services, "servers": SERVERS, "runs": runs }))
}

/// The session's cookie.
fn sign_in(client: &Client) -> Result<String> {
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let form = format!("user={USER}&password={SECRET}&next=");
    let answer = client.request("POST", "/login", &headers, form.as_bytes())?;
    let cookie = answer.header("set-cookie").and_then(|line| line.split(';').next());
    cookie.map(str::to_owned).with_context(|| format!("signing in: {} without a cookie", answer.status))
}

/// Pages of CONTROL/MONITORING, each with its stream.
struct Tabs {
    readers: Vec<JoinHandle<()>>,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    over: AtomicBool,
    bytes: AtomicU64,
    messages: AtomicU64,
}

impl Tabs {
    fn none() -> Tabs {
        Tabs { readers: Vec::new(), seen: Arc::default() }
    }

    /// Opens them, and reads until they are closed.
    fn open(mut self, client: &Client, cookie: &str) -> Result<Tabs> {
        for _ in 0..TABS {
            let mut stream = client.keep()?;
            let head = stream.listen(&format!("/clusters/{CLUSTER}/live"), &[("cookie", cookie)])?;
            ensure!(head.status == 200, "a page's stream: {}", head.status);
            let seen = Arc::clone(&self.seen);
            self.readers.push(std::thread::spawn(move || {
                while !seen.over.load(Ordering::Relaxed)
                    && let Ok(part) = stream.heard()
                {
                    let messages = part.windows(6).filter(|six| *six == b"event:").count();
                    seen.bytes.fetch_add(part.len() as u64, Ordering::Relaxed);
                    seen.messages.fetch_add(messages as u64, Ordering::Relaxed);
                }
            }));
        }
        // What a new page gets once is not what it costs to keep it.
        std::thread::sleep(Duration::from_secs(2));
        Ok(self)
    }

    /// What the console spends while they are open, and what each of them gets.
    fn watch(&self, console: &Console, name: &str, figures: &mut Figures) -> Result<()> {
        let count = || {
            (
                self.seen.bytes.load(Ordering::Relaxed) as f64,
                self.seen.messages.load(Ordering::Relaxed) as f64,
            )
        };
        let (cpu, before, begun) = (spent(console.id(), "")?.0, count(), Instant::now());
        std::thread::sleep(WATCHED);
        let (used, after, passed) =
            (spent(console.id(), "")?.0.saturating_sub(cpu), count(), begun.elapsed().as_secs_f64());
        figures.add(&format!("pages/{name}: CPU %"), used as f64 / passed / 1e7);
        figures.add(&format!("pages/{name}: memory KiB"), memory_kib(console.id())? as f64);
        if !self.readers.is_empty() {
            let each = passed * self.readers.len() as f64;
            figures.add("pages/each: bytes a second", (after.0 - before.0) / each);
            figures.add("pages/each: messages a second", (after.1 - before.1) / each);
        }
        Ok(())
    }

    /// Their connections end with the next message at the latest.
    fn close(self) {
        self.seen.over.store(true, Ordering::Relaxed);
        for reader in self.readers {
            drop(reader.join());
        }
    }
}

/// Calls of the API on one connection, one after the other.
fn calls(console: &Console, client: &Client, services: u16, round: u16, figures: &mut Figures) -> Result<()> {
    let token = console.token(&format!("bench-{round}"), &[])?;
    let bearer = format!("Bearer {token}");
    let mut calls = Calls { console, bearer: &bearer, connection: client.keep()?, figures };
    let all = format!("/api/v1/clusters/{CLUSTER}/virtual-servers");
    let one = |number: usize| format!("{all}/s{}", number % usize::from(services - 1) + 1);
    calls.many("one virtual server read", READS, |number| ("GET", one(number), None))?;
    calls.many("a page of 100 read", READS / 5, |_| ("GET", format!("{all}?limit=100"), None))?;
    calls.many("a weight changed in the draft", WRITES, |number| {
        let path = format!("{}/real-servers/r{}", one(number), number % usize::from(SERVERS) + 1);
        ("PATCH", path, Some(json!({ "weight": 2 + round })))
    })?;
    let path = format!("/api/v1/clusters/{CLUSTER}/draft/activate");
    calls.many("activation of those weights", 1, |_| ("POST", path.clone(), None))?;
    calls.many("one weight changed and activated", 10, |number| {
        let path = format!("{}/real-servers/r1?activate=true", one(number));
        ("PATCH", path, Some(json!({ "weight": 20 + round })))
    })
}

struct Calls<'a> {
    console: &'a Console,
    bearer: &'a str,
    connection: Kept,
    figures: &'a mut Figures,
}

impl Calls<'_> {
    /// So many calls of one kind: how many a second, the slowest of a hundred, and the console's processor time for each.
    fn many(
        &mut self,
        name: &str,
        count: usize,
        call: impl Fn(usize) -> (&'static str, String, Option<Value>),
    ) -> Result<()> {
        let mut times = Vec::new();
        let (cpu, begun) = (spent(self.console.id(), "")?.0, Instant::now());
        for number in 0..count {
            let (method, path, body) = call(number);
            let body = body.map(|body| serde_json::to_vec(&body)).transpose()?.unwrap_or_default();
            let mut headers = vec![("authorization", self.bearer), ("if-match", "*")];
            if !body.is_empty() {
                headers.push(("content-type", "application/json"));
            }
            let asked = Instant::now();
            let answer = self.connection.request(method, &path, &headers, &body)?;
            times.push(asked.elapsed().as_secs_f64() * 1e3);
            if !(200..300).contains(&answer.status) {
                bail!("{method} {path}: {} {}", answer.status, answer.text());
            }
        }
        let passed = begun.elapsed().as_secs_f64();
        let used = spent(self.console.id(), "")?.0.saturating_sub(cpu);
        times.sort_by(f64::total_cmp);
        let p99 = times.get((times.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default();
        self.figures.add(&format!("API/{name}: CPU each us"), used as f64 / count as f64 / 1e3);
        self.figures.add(&format!("API/{name}: a second"), count as f64 / passed);
        self.figures.add(&format!("API/{name}: p99 ms"), p99);
        Ok(())
    }
}
