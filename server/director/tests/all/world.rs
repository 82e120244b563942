//! One director: a folder that has joined, a kernel in memory, and the console's way to ask things of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use director::{Agent, Rhythm, Settings};
use http_body_util::BodyExt as _;
use kernel::{Kernel, MemoryKernel};
use lvs::Cluster;
use lvs::counters::Counters;
use lvs::plan::Step;
use lvs::table::{Link, Observed, ServiceKey};
use lvs::wire::{Applied, Digest, Refusal, Status, Target, console_uri};
use rustls::pki_types::CertificateDer;
use serde_json::json;
use tower::ServiceExt as _;

use crate::authority::{Authority, DIRECTOR, INSTALLATION, Leaf};

/// The address of scenario tests, and where the kernel shows it.
pub(crate) const VIP: &str = "eth0 192.0.2.10/32";
pub(crate) const SERVICE: &str = "tcp 192.0.2.10:80";

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) kernel: MemoryKernel,
    pub(crate) authority: Authority,
    pub(crate) rhythm: Rhythm,
}

/// Everything fast, so that tests wait for conditions and not for clocks.
pub(crate) fn fast() -> Rhythm {
    Rhythm {
        tick: Duration::from_millis(20),
        retry: Duration::from_millis(2),
        settle: Duration::from_millis(1),
        repair: Duration::from_millis(20),
        repair_longest: Duration::from_millis(100),
        sample: Duration::from_millis(10),
        alive: Duration::from_millis(30),
        refresh: Duration::from_millis(50),
        fetch: Duration::from_millis(20),
        renew: Duration::from_millis(20),
        drain: Duration::from_millis(300),
        ready: Duration::from_secs(600),
    }
}

/// Two directors, one NAT service with two real servers.
pub(crate) fn cluster() -> Cluster {
    serde_json::from_value(json!({
        "name": "web",
        "directors": [
            {"name": "a", "seat": "primary", "public": "192.0.2.1"},
            {"name": "b", "seat": "backup", "public": "192.0.2.2"}
        ],
        "virtual_servers": [{
            "name": "http",
            "vip": {"address": "192.0.2.10", "device": "eth0:1"},
            "monitor": {"checks": []},
            "real_servers": [
                {"name": "one", "address": "10.0.0.1", "weight": 1},
                {"name": "two", "address": "10.0.0.2", "weight": 2}
            ]
        }]
    }))
    .unwrap()
}

pub(crate) fn target(revision: u64, cluster: Cluster) -> Target {
    Target {
        cluster_id: "c_1".to_owned(),
        director_id: DIRECTOR.to_owned(),
        director: "a".to_owned(),
        revision,
        digest: Digest::of(&cluster),
        force: false,
        heartbeat: None,
        provisional: None,
        cluster,
    }
}

/// The cluster with one virtual server more, on another port.
pub(crate) fn larger() -> Cluster {
    let mut cluster = cluster();
    let mut second = cluster.virtual_servers[0].clone();
    second.name = "https".to_owned();
    second.port = 443;
    cluster.virtual_servers.push(second);
    cluster
}

impl World {
    /// A director that has joined, on a fresh kernel with `eth0`.
    pub(crate) fn new() -> Self {
        let world = World {
            folder: tempfile::tempdir().unwrap(),
            kernel: MemoryKernel::new(),
            authority: Authority::new(),
            rhythm: fast(),
        };
        world
            .kernel
            .set_link("eth0", Link { index: 2, up: true, carrier: true, mac: vec![2, 0, 0, 0, 0, 1] });
        world.enrol(&world.authority.director(DIRECTOR), "https://127.0.0.1:1");
        world
    }

    /// Puts an identity into the folder, as a join does.
    pub(crate) fn enrol(&self, leaf: &Leaf, console: &str) {
        let identity = json!({
            "installation": INSTALLATION,
            "director_id": DIRECTOR,
            "director": "a",
            "console": console,
            "fingerprint": self.authority.pin(),
        });
        std::fs::write(self.path("identity.json"), identity.to_string()).unwrap();
        std::fs::write(self.path("key.pem"), leaf.key.serialize_pem()).unwrap();
        std::fs::write(self.path("cert.pem"), leaf.certificate.pem()).unwrap();
        std::fs::write(self.path("ca.pem"), self.authority.certificate.pem()).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn open(&self) -> Agent {
        let settings = Settings {
            data: self.folder.path().to_owned(),
            listen: "127.0.0.1:0".parse().unwrap(),
            programs: Vec::new(),
            programs_user: None,
        };
        Agent::open_with(settings, self.rhythm, kernel::Wires::Loopback).unwrap()
    }

    /// Opens and starts; without real events, which would be the host's.
    pub(crate) fn start(&self) -> Agent {
        let agent = self.open();
        let kernel = || Box::new(self.kernel.clone());
        agent.start_with(kernel(), kernel(), kernel(), kernel(), None).unwrap();
        agent
    }

    /// A request as it comes from a peer with this certificate chain.
    pub(crate) async fn ask(
        &self,
        agent: &Agent,
        method: &str,
        path: &str,
        body: impl Into<Body>,
        chain: Option<Vec<CertificateDer<'static>>>,
    ) -> (StatusCode, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path).body(body.into()).unwrap();
        if let Some(chain) = chain {
            request.extensions_mut().insert::<Arc<[CertificateDer<'static>]>>(chain.into());
        }
        let answer = agent.router().oneshot(request).await.unwrap();
        let status = answer.status();
        (status, answer.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    pub(crate) fn console(&self) -> Option<Vec<CertificateDer<'static>>> {
        let leaf = self.authority.leaf(&console_uri(INSTALLATION));
        Some(vec![leaf.certificate.der().clone()])
    }

    /// Pushes as the console.
    pub(crate) async fn push(
        &self,
        agent: &Agent,
        target: &Target,
    ) -> Result<Applied, (StatusCode, Refusal)> {
        let body = serde_json::to_vec(target).unwrap();
        let (status, answer) = self.ask(agent, "PUT", "/v1/target", body, self.console()).await;
        if status == StatusCode::OK {
            Ok(serde_json::from_slice(&answer).unwrap())
        } else {
            Err((status, serde_json::from_slice(&answer).unwrap()))
        }
    }

    pub(crate) fn writes(&self) -> u64 {
        self.kernel.writes()
    }

    pub(crate) fn observed(&self) -> Observed {
        self.kernel.clone().observe(&BTreeSet::new()).unwrap()
    }

    pub(crate) fn services(&self) -> Vec<String> {
        self.observed().table.services.keys().map(ToString::to_string).collect()
    }

    /// The addresses, without those of `lo`.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.observed().addresses.keys().map(ToString::to_string).collect()
    }

    /// Every file of the folder with its content, to see that nothing changed.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files: Vec<_> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            // It grows with every start.
            .filter(|path| path.file_name() != Some("journal.ndjson".as_ref()))
            // Verdicts are remembered with their age.
            .filter(|path| path.file_name() != Some("checks.json".as_ref()))
            .map(|path| (path.clone(), std::fs::read(&path).unwrap()))
            .collect();
        files.sort();
        files
    }
}

/// A kernel that says how often it was looked at and counted.
pub(crate) struct Watched {
    pub(crate) kernel: MemoryKernel,
    pub(crate) looks: Arc<AtomicUsize>,
    pub(crate) counts: Arc<AtomicUsize>,
}

impl Kernel for Watched {
    fn observe(&mut self, sysctls: &BTreeSet<String>) -> Result<Observed, kernel::Error> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.kernel.observe(sysctls)
    }

    fn apply(&mut self, steps: &[Step]) -> Vec<Result<(), kernel::Error>> {
        self.kernel.apply(steps)
    }

    fn shield(&mut self, shielded: Option<&kernel::Shielded>) -> Result<(), kernel::Error> {
        self.kernel.shield(shielded)
    }

    fn connections(&self) -> u64 {
        self.kernel.connections()
    }

    fn counters(&mut self) -> Result<Counters, kernel::Error> {
        self.counts.fetch_add(1, Ordering::Relaxed);
        self.kernel.counters()
    }

    fn counters_since(
        &mut self,
        before: &Counters,
        due: &BTreeSet<ServiceKey>,
    ) -> Result<Counters, kernel::Error> {
        self.counts.fetch_add(1, Ordering::Relaxed);
        self.kernel.counters_since(before, due)
    }

    fn surroundings(&mut self) -> lvs::preflight::Surroundings {
        self.kernel.surroundings()
    }

    fn ask_around(&mut self, places: BTreeMap<String, BTreeSet<IpAddr>>) -> Receiver<kernel::Sighting> {
        self.kernel.ask_around(places)
    }

    fn writes(&self) -> u64 {
        self.kernel.writes()
    }
}

/// Waits until the condition holds; fails after a long time.
#[track_caller]
pub(crate) fn eventually<'a>(
    what: &'a str,
    mut condition: impl FnMut() -> bool + 'a,
) -> impl Future<Output = ()> + 'a {
    let place = std::panic::Location::caller();
    async move {
        let began = Instant::now();
        while !condition() {
            assert!(began.elapsed() < Duration::from_secs(20), "{place}: never happened: {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Waits until the status says so.
pub(crate) async fn until(agent: &Agent, what: &str, condition: impl Fn(&Status) -> bool) -> Status {
    eventually(what, || condition(&agent.status())).await;
    agent.status()
}
