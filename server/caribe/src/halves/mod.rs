//! Both halves in one process: a console with its listener, and agents that joined it, on kernels in memory.
//!
//! Everything in between is the product's own: TLS with both certificates, the accept loop, pushes, the status
//! stream, SQLite and the agents' files. Only tests are here.

mod ansible;
mod by_command;
mod large;
mod renewal;
mod scraped;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::http::Request;
use console::{Actor, Clock, Console, Role};
use director::{Agent, Rhythm};
use http_body_util::BodyExt as _;
use kernel::MemoryKernel;
use lvs::table::Link;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::{agent, listen, serve};

/// What the cluster is called.
const CLUSTER: &str = "web";

/// A console that serves on a free port of loopback.
struct Place {
    console: Console,
    address: SocketAddr,
    token: String,
    folder: tempfile::TempDir,
    /// Seconds that the console's clock is ahead of the machine's; agents and TLS go by the machine's.
    ahead: Arc<AtomicI64>,
    stop: watch::Sender<bool>,
}

/// A director that has joined: its folder, and the port its agent is dialled on.
struct Joined {
    name: &'static str,
    /// When its certificate ends, seconds since 1970.
    ends: i64,
    settings: director::Settings,
    listener: TcpListener,
}

/// An agent that has started and serves.
struct Member {
    name: &'static str,
    agent: Agent,
    kernel: MemoryKernel,
}

impl Place {
    /// Opens and starts a console.
    async fn new() -> Place {
        Place::with(0, 0).await
    }

    /// The same with a clock that is ahead of the machine's by so many seconds: first while the folder is made, then
    /// from the start on.
    async fn with(made: i64, started: i64) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let settings = console::Settings { data: folder.path().join("console"), ..Default::default() };
        let ahead = Arc::new(AtomicI64::new(made));
        let by = Arc::clone(&ahead);
        let clock = Clock::from_fn(move || machine_s() + by.load(Ordering::SeqCst));
        let console = Console::open_with_clock(settings, clock).await.unwrap();
        ahead.store(started, Ordering::SeqCst);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = watch::Sender::new(false);
        tokio::spawn(listen::serve(listener, serve::service(&console).unwrap(), stop.subscribe()));
        console.start();
        let made = console.create_token(&Actor::local(), "tests", Role::Admin, None).await.unwrap();
        Place { console, address, token: made.secret, folder, ahead, stop }
    }

    /// Sets the console's clock.
    fn ahead(&self, seconds: i64) {
        self.ahead.store(seconds, Ordering::SeqCst);
    }

    /// A request of the REST API that must succeed, with the whole way through routing, permission and JSON.
    async fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("if-match", "*")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .unwrap();
        let answer = web::router(self.console.clone()).oneshot(request).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(status.is_success(), "{method} {path}: {status} {:.2000}", String::from_utf8_lossy(&bytes));
        serde_json::from_slice(&bytes).unwrap_or(Value::Null)
    }

    /// Enrols a director over the listener.
    async fn join(&self, name: &'static str) -> Joined {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listen = listener.local_addr().unwrap();
        let dial = listen.to_string();
        let made = self.console.join_token(&Actor::local(), CLUSTER, name, Some(&dial)).await.unwrap();
        let data = self.folder.path().join(name);
        let url = format!("https://{}", self.address);
        let joined =
            director::join(&data, &url, &made.token, &made.fingerprint, listen.port()).await.unwrap();
        let ends = joined.certificate_ends_s;
        Joined {
            name,
            ends,
            settings: director::Settings { data, listen, programs: Vec::new(), programs_user: None },
            listener,
        }
    }

    /// Starts the agent of a director that has joined.
    async fn start(&self, joined: Joined) -> Member {
        let Joined { name, settings, listener, .. } = joined;
        let rhythm = Rhythm { renew: Duration::from_millis(200), ..Rhythm::default() };
        let agent = Agent::open_with(settings, rhythm, kernel::Wires::Loopback).unwrap();
        tokio::spawn(listen::serve(listener, agent::service(&agent).unwrap(), self.stop.subscribe()));
        let kernel = MemoryKernel::new();
        kernel.set_link("eth0", Link { index: 2, up: true, carrier: true, mac: vec![2, 0, 0, 0, 0, 1] });
        let boxed = || Box::new(kernel.clone());
        agent.start_with(boxed(), boxed(), boxed(), boxed(), None).unwrap();
        Member { name, agent, kernel }
    }

    /// A running cluster with both directors in sync.
    async fn pair(&self) -> Vec<Member> {
        self.api("POST", "/clusters?activate=true", Some(&small())).await;
        let mut members = Vec::new();
        for name in ["director-a", "director-b"] {
            members.push(self.start(self.join(name).await).await);
        }
        for member in &members {
            self.in_sync(member).await;
        }
        members
    }

    /// Waits until the console shows this director connected and in sync.
    async fn in_sync(&self, member: &Member) {
        let mut changes = self.console.changes();
        let wait = async {
            loop {
                let live = self.console.live(CLUSTER).await.unwrap();
                let shown = live.directors.iter().find(|d| d.name == member.name);
                if shown.is_some_and(|d| d.connected && d.sync == console::Sync::InSync) {
                    return;
                }
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.expect("in sync");
    }

    async fn end(self, members: Vec<Member>) {
        for member in members {
            member.agent.stop(false).await;
        }
        self.stop.send_replace(true);
        self.console.stop().await;
    }
}

/// The machine's clock, seconds since 1970.
fn machine_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

/// Waits until the condition holds; fails after a long time.
async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !condition().await {
        assert!(began.elapsed() < Duration::from_secs(60), "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Two directors and one NAT service.
fn small() -> Value {
    json!({
        "name": CLUSTER,
        "directors": [
            { "name": "director-a", "seat": "primary", "public": "192.0.2.2" },
            { "name": "director-b", "seat": "backup", "public": "192.0.2.3" },
        ],
        "virtual_servers": [{
            "name": "http",
            "vip": { "address": "192.0.2.10", "device": "eth0:1" },
            "monitor": { "checks": [] },
            "real_servers": [{ "name": "one", "address": "10.0.0.11" }],
        }],
    })
}

/// Says how long something took and how much processor time this process spent on it; for people who run with
/// `--nocapture`.
struct Watch(Instant, u64);

impl Watch {
    fn start() -> Watch {
        Watch(Instant::now(), processor_ms())
    }

    fn say(&mut self, what: &str) {
        let spent = processor_ms() - self.1;
        println!(
            "{:8.1} ms, {spent:5} ms of processor time: {what}",
            self.0.elapsed().as_secs_f64() * 1000.0
        );
        *self = Watch::start();
    }
}

/// Processor time of this process so far, to 10 ms (proc_pid_stat(5), fields 14 and 15 in ticks of 1/100 s).
fn processor_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum()
}
