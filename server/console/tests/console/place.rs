//! A console in a temporary folder, and contents to work with.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use console::{Actor, ActorKind, Clock, Console, Role, Settings};
use lvs::Cluster;

/// A console that is open and not started, and what is needed to move its time.
pub struct Place {
    pub console: Console,
    pub folder: tempfile::TempDir,
    now: Arc<AtomicI64>,
}

impl Place {
    pub async fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(jiff::Timestamp::now().as_second()));
        let console = open(&folder, &now).await;
        Place { console, folder, now }
    }

    pub fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn now(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    /// The same folder, opened once more, as after a restart or by another process.
    pub async fn again(&self) -> Console {
        open(&self.folder, &self.now).await
    }

    /// Every byte the console has put on disk.
    pub fn bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    all.extend(std::fs::read(entry.path()).unwrap());
                }
            }
        }
        all
    }
}

async fn open(folder: &tempfile::TempDir, now: &Arc<AtomicI64>) -> Console {
    let settings = Settings { data: folder.path().to_owned(), local_webhooks: true, ..Settings::default() };
    let now = Arc::clone(now);
    Console::open_with_clock(settings, Clock::from_fn(move || now.load(Ordering::SeqCst))).await.unwrap()
}

pub fn address() -> IpAddr {
    "192.0.2.99".parse().unwrap()
}

pub fn actor(name: &str, role: Role) -> Actor {
    Actor { name: name.to_owned(), kind: ActorKind::Account, role, source: Some(address()), cluster: None }
}

pub fn admin(name: &str) -> Actor {
    actor(name, Role::Admin)
}

/// A small cluster that keeps every rule.
pub fn web() -> Cluster {
    let cluster: Cluster = serde_json::from_value(serde_json::json!({
        "name": "web",
        "directors": [
            { "name": "director-a", "seat": "primary", "public": "192.0.2.2", "private": "10.0.0.2" },
            { "name": "director-b", "seat": "backup", "public": "192.0.2.3", "private": "10.0.0.3" },
        ],
        "redundancy": { "enabled": true },
        "virtual_servers": [{
            "name": "http",
            "vip": { "address": "192.0.2.10", "device": "eth0:1" },
            "real_servers": [
                { "name": "one", "address": "10.0.0.11" },
                { "name": "two", "address": "10.0.0.12" },
            ],
        }],
    }))
    .unwrap();
    let findings = cluster.findings();
    assert!(!lvs::finding::has_errors(&findings), "{findings:?}");
    cluster
}
