//! Measures a large table: loads it from nothing, changes one weight, changes all weights, reads it, reads the counters.
//!
//! Prints one line of JSON: for each step milliseconds, datagrams sent and received, requests in them, and rows. It
//! flushes nothing and refuses a namespace whose table is not empty, so run it in a fresh one
//! (`ip netns add x; ip -n x link set lo up; ip netns exec x bulk [SERVICES [SERVERS]]`), as root, beside `ipvsadm -R` of
//! the text that `bulk --text [SERVICES [SERVERS]]` prints. With `lo` down the kernel takes no address for a unicast one.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::time::Instant;

use kernel::{Error, Kernel, LinuxKernel, Traffic};
use lvs::plan::Step;
use lvs::table::{Forward, ServerKey, ServerRow, Service, ServiceKey, ServiceRow, Table};

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let text_only = words.first().is_some_and(|word| word == "--text");
    if text_only {
        words.remove(0);
    }
    let number = |place: usize, default| words.get(place).map_or(Ok(default), |word| word.parse());
    let (Ok(services), Ok(servers)) = (number(0, 1_000_u32), number(1, 10_u32)) else {
        eprintln!("usage: bulk [--text] [SERVICES [SERVERS]]");
        return ExitCode::from(2);
    };
    let table = table(services, servers, 1);
    if text_only {
        print!("{}", lvs::format::ipvsadm::save(&table));
        return ExitCode::SUCCESS;
    }
    match measure(&table, services, servers) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bulk: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Services on ports of 198.18.0.1, servers in 10.0.0.0/8 (RFC 2544 and private addresses: nothing is contacted).
fn table(services: u32, servers: u32, weight: u32) -> Table {
    let row = ServiceRow {
        scheduler: "wlc".to_owned(),
        flags: BTreeSet::new(),
        persistence: None,
        one_packet: false,
    };
    let server_row = ServerRow { forward: Forward::Direct, weight, upper: 0, lower: 0 };
    let virtual_key = |number: u32| ServiceKey::Address {
        protocol: lvs::model::Protocol::Tcp,
        address: IpAddr::V4(Ipv4Addr::from_bits(0xc612_0001 + (number >> 8))),
        port: 1_000 + (number & 0xff) as u16,
    };
    let entry = |number: u32| {
        let key = virtual_key(number);
        let port = 1_000 + (number & 0xff) as u16;
        let servers = (1..=servers).map(|server| {
            (ServerKey { address: IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + server)), port }, server_row)
        });
        (key, Service { row: row.clone(), servers: servers.collect() })
    };
    Table { services: (0..services).map(entry).collect() }
}

fn additions(table: &Table) -> Vec<Step> {
    let mut steps = Vec::new();
    for (key, service) in &table.services {
        steps.push(Step::AddService { key: *key, row: service.row.clone() });
        for (server, row) in &service.servers {
            steps.push(Step::AddServer { service: *key, key: *server, row: *row });
        }
    }
    steps
}

fn weights(table: &Table, weight: u32) -> Vec<Step> {
    let all = table.services.iter().flat_map(|(key, service)| {
        service.servers.iter().map(|(server, row)| Step::SetServer {
            service: *key,
            key: *server,
            row: ServerRow { weight, ..*row },
        })
    });
    all.collect()
}

/// One line of JSON, made by hand: numbers under fixed names.
struct Report(String);

impl Report {
    fn add(&mut self, name: &str, rows: usize, started: Instant, before: Traffic, after: Traffic) {
        let milliseconds = started.elapsed().as_secs_f64() * 1e3;
        // Writing into a String cannot fail.
        let _ = write!(
            self.0,
            ",\"{name}\":{{\"ms\":{milliseconds:.3},\"rows\":{rows},\"sends\":{},\"receives\":{},\"requests\":{}}}",
            after.sends - before.sends,
            after.receives - before.receives,
            after.requests - before.requests,
        );
    }
}

fn measure(table: &Table, services: u32, servers: u32) -> Result<String, Error> {
    let mut kernel = LinuxKernel::open()?;
    let nothing = BTreeSet::new();
    if !kernel.observe(&nothing)?.table.services.is_empty() {
        return Err(Error::new("measure", kernel::Kind::Exists, "the IPVS table is not empty"));
    }
    let mut report = Report(format!("{{\"services\":{services},\"servers\":{servers}"));
    let all = weights(table, 2);
    let runs = [
        ("load", additions(table)),
        ("one_weight", all.iter().take(1).cloned().collect()),
        ("all_weights", weights(table, 3)),
    ];
    for (name, steps) in runs {
        let (before, started) = (kernel.ipvs_traffic(), Instant::now());
        for result in kernel.apply(&steps) {
            result?;
        }
        report.add(name, steps.len(), started, before, kernel.ipvs_traffic());
    }
    let (before, started) = (kernel.ipvs_traffic(), Instant::now());
    let observed = kernel.observe(&nothing)?.table;
    report.add("observe", rows(&observed), started, before, kernel.ipvs_traffic());
    let (before, started) = (kernel.ipvs_traffic(), Instant::now());
    let counters = kernel.counters()?;
    let counted = counters.values().map(|service| 1 + service.servers.len()).sum();
    report.add("counters", counted, started, before, kernel.ipvs_traffic());
    // As a director does once a second: a tenth of a table in which nothing moves.
    let due = counters.keys().take(counters.len() / 10).copied().collect();
    let (before, started) = (kernel.ipvs_traffic(), Instant::now());
    let again = kernel.counters_since(&counters, &due)?;
    report.add("counters_since", again.len(), started, before, kernel.ipvs_traffic());
    let expected = self::table(services, servers, 3);
    if observed != expected {
        return Err(Error::new(
            "measure",
            kernel::Kind::Invalid,
            "the kernel holds something else than was written",
        ));
    }
    let _ = write!(report.0, ",\"writes\":{}}}", kernel.writes());
    Ok(report.0)
}

fn rows(table: &Table) -> usize {
    table.services.values().map(|service| 1 + service.servers.len()).sum()
}
