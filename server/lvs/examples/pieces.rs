//! How much work the pieces of this crate are: plans, packets, files and checks of a cluster with 1,000 × 10 rows.
//!
//! Meant for a machine whose clock counts instructions (`cargo xtask bench --only pieces`): there a figure repeats to a
//! few parts in a thousand, so that more work than before is seen. Writes `figures.json` where it was started, each figure
//! in milliseconds: once for warming up, five times for the record.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a program that measures has a clock, writes a file and ends where something is wrong"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use lvs::Cluster;
use lvs::failover::{Beat, Key, Keyring, Name};
use lvs::format::{FileKind, ipvsadm, read};
use lvs::health::Standings;
use lvs::model::Seat;
use lvs::plan::{Holding, Ownership, desired, plan};
use lvs::table::Observed;
use lvs::wire::State;

const SERVICES: u32 = 1_000;
const SERVERS: u32 = 10;
const RUNS: usize = 5;
/// Packets for one figure: a single one is too little work to be told apart.
const PACKETS: usize = 1_000;

#[derive(Default)]
struct Figures(BTreeMap<String, Vec<f64>>);

impl Figures {
    fn of<T>(&mut self, name: &str, work: impl Fn() -> T) {
        black_box(work());
        for _ in 0..RUNS {
            let begun = Instant::now();
            black_box(work());
            let taken = begun.elapsed().as_secs_f64() * 1e3;
            self.0.entry(format!("pieces/{name} ms")).or_default().push(taken);
        }
    }
}

fn lvs_cf() -> String {
    let mut text =
        "primary = 192.0.2.1\nservice = lvs\nbackup = 192.0.2.2\nbackup_active = 1\nnetwork = direct\n"
            .to_owned();
    for service in 0..SERVICES {
        let (high, low) = (service / 250, service % 250 + 1);
        write!(
            text,
            "virtual v{service} {{\n active = 1\n address = 198.18.{high}.{low} eth0:{service}\n port = 80\n"
        )
        .unwrap();
        text.push_str(
            " send = \"GET / HTTP/1.0\\r\\n\\r\\n\"\n expect = \"HTTP\"\n scheduler = wlc\n protocol = tcp\n",
        );
        for server in 1..=SERVERS {
            write!(text, " server r{server} {{\n  address = 10.{high}.{low}.{server}\n  active = 1\n  weight = {server}\n }}\n").unwrap();
        }
        text.push_str("}\n");
    }
    text
}

fn keepalived() -> String {
    let mut text = String::new();
    for service in 0..SERVICES {
        let (high, low) = (service / 250, service % 250 + 1);
        write!(text, "virtual_server 198.18.{high}.{low} 80 {{\n  delay_loop 6\n  lb_algo wlc\n  lb_kind DR\n  protocol TCP\n").unwrap();
        for server in 1..=SERVERS {
            write!(text, "  real_server 10.{high}.{low}.{server} 80 {{\n    weight {server}\n    TCP_CHECK {{\n      connect_timeout 3\n    }}\n  }}\n").unwrap();
        }
        text.push_str("}\n");
    }
    text
}

fn beat() -> Beat {
    Beat {
        cluster: Name::of("cl_1"),
        sender: Name::of("d_1"),
        session: 1,
        heard: 2,
        heard_sequence: 3,
        sequence: 4,
        epoch: 5,
        grant: None,
        state: State::Active,
        seat: Seat::Primary,
        ready: true,
        wants: false,
        held: false,
        holds: true,
        settled: true,
        priority: 100,
        interval: Duration::from_millis(100),
        revision: 7,
        digest: [9; 16],
        connections: 1_000,
    }
}

fn main() {
    let mut figures = Figures::default();
    let (old, new) = (lvs_cf(), keepalived());
    let cluster = read(&old, FileKind::LvsCf).cluster.expect("the text is a cluster");
    let valid = cluster.clone().validate().expect("the cluster is in order");
    let (nothing, none) = (Observed::default(), Ownership::default());
    let wanted = || desired(&valid, Seat::Primary, Holding::TableOnly, &Standings::default());
    let want = wanted();
    let there = Observed { table: want.table.clone(), ..Observed::default() };
    let owned = none.settle(&want, &there);
    let mut heavier = want.clone();
    let first = heavier.table.services.values_mut().next().expect("a service");
    first.servers.values_mut().next().expect("a server").weight += 1;
    assert_eq!(plan(&heavier, &there, &owned).steps.len() - plan(&want, &there, &owned).steps.len(), 1);

    figures.of("what a kernel should hold", wanted);
    figures.of("plan, from nothing", || plan(&want, &nothing, &none));
    figures.of("plan, nothing changed", || plan(&want, &there, &owned));
    figures.of("plan, one weight", || plan(&heavier, &there, &owned));
    figures.of("findings", || cluster.findings());
    figures.of("lvs.cf read", || read(&old, FileKind::LvsCf));
    figures.of("keepalived.conf read", || read(&new, FileKind::Keepalived));
    let table = ipvsadm::save(&want.table);
    figures.of("ipvsadm written", || ipvsadm::save(&want.table));
    figures.of("ipvsadm read", || ipvsadm::read(&table));
    let json = serde_json::to_string(&cluster).expect("a cluster is JSON");
    figures.of("JSON written", || serde_json::to_string(&cluster));
    figures.of("JSON read", || serde_json::from_str::<Cluster>(&json));

    let ring = Keyring::new(Key::new(1, [7; 32]), Vec::new());
    let packet = beat().seal(&ring);
    figures.of("1,000 beats sealed", || (0..PACKETS).map(|_| beat().seal(&ring).len()).sum::<usize>());
    figures.of("1,000 beats opened", || (0..PACKETS).filter(|_| Beat::open(&packet, &ring).is_ok()).count());
    let text =
        serde_json::to_string_pretty(&serde_json::json!({ "figures": figures.0 })).expect("figures are JSON");
    fs::write("figures.json", text).expect("figures can be written");
}
