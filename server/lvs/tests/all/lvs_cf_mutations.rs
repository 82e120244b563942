//! Random changes in random files, damaged or not: what is written says what it should, and only where it should.

use crate::lvs_cf_files::{cases, damaged, difference, edit, imported, read, sayable};
use lvs::format::lvs_cf;
use lvs::model::{Cluster, Monitor, Persistence, Scheduler, SorryServer, Weight};
use proptest::prelude::*;
use proptest::sample::Index;

/// One change, and the words of the lines that it may touch.
fn mutate(cluster: &mut Cluster, kind: u8, at: Index, value: u16) -> &'static [&'static str] {
    let seconds = u32::from(value % 50) + 10;
    let count = cluster.virtual_servers.len();
    let server = match count {
        0 => None,
        count => Some(&mut cluster.virtual_servers[at.index(count)]),
    };
    let Some(server) = server else {
        cluster.global.timeouts.tcp = Some(seconds);
        return &["tcp_timeout"];
    };
    let reals = server.real_servers.len();
    let real = (reals > 0).then(|| at.index(reals));
    match (kind, real) {
        (0, _) => {
            cluster.redundancy.interval_ms = 1_000 * (seconds % 5 + 1);
            cluster.redundancy.deadtime_ms = 20_000;
            &["keepalive", "deadtime"]
        }
        (1, _) => {
            cluster.redundancy.heartbeat_port = value.max(1);
            &["heartbeat_port"]
        }
        (2, _) => {
            server.scheduler = [Scheduler::Rr, Scheduler::Wrr, Scheduler::Sh][usize::from(value) % 3];
            &["scheduler"]
        }
        (3, _) => {
            server.port = 20_000 + value % 1_000;
            for real in &mut server.real_servers {
                real.port = None;
            }
            &["port", "send", "expect", "use_regex"]
        }
        (4, _) => {
            server.persistence =
                value.is_multiple_of(2).then_some(Persistence { timeout_s: seconds, prefix: None });
            &["persistent", "pmask"]
        }
        (5, _) => {
            server.quiesce = !server.quiesce;
            &["quiesce_server"]
        }
        (6, _) => {
            let monitor = &mut server.monitor;
            *monitor = Monitor {
                checks: std::mem::take(&mut monitor.checks),
                load_monitor: monitor.load_monitor.take(),
                ..Monitor::piranha(seconds, monitor.reentry_s)
            };
            &["timeout"]
        }
        (7, _) => {
            server.monitor.reentry_s = seconds;
            &["reentry"]
        }
        (8, _) => {
            server.name = format!("name-{value}");
            &["virtual"]
        }
        (9, _) => {
            let address = "10.9.9.9".parse().unwrap();
            server.sorry_server =
                Some(SorryServer { address, port: None, forwarding: None, check: Default::default() });
            &["sorry_server"]
        }
        (10, Some(index)) => {
            server.real_servers[index].weight = Weight(value % 100 + 1);
            &["weight"]
        }
        (11, Some(index)) => {
            server.real_servers[index].active ^= true;
            &["active"]
        }
        (12, Some(index)) => {
            server.real_servers[index].name = format!("name-{value}");
            &["server"]
        }
        (13, Some(index)) => {
            server.real_servers.remove(index);
            &["*", "}", "server", "address", "active", "weight", "port", "nmask", "}}"]
        }
        (14, Some(index)) => {
            let mut real = server.real_servers[index].clone();
            real.name = format!("name-{value}");
            real.address = format!("10.77.{}.1", value % 200).parse().unwrap();
            server.real_servers.insert(index, real);
            &["server", "address", "active", "weight", "port", "}", "}}"]
        }
        (15, _) => {
            let index = at.index(count);
            cluster.virtual_servers.remove(index);
            &["*"]
        }
        _ => {
            let index = at.index(count);
            let server = cluster.virtual_servers.remove(index);
            cluster.virtual_servers.push(server);
            &["*"]
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_change_is_one_place(
        (path, text) in prop::sample::select(cases()),
        kind in 0..17_u8,
        at in any::<Index>(),
        value in any::<u16>(),
    ) {
        let Some(mut cluster) = read(&text) else { return Ok(()) };
        let words = mutate(&mut cluster, kind, at, value);
        let after = match edit(&text, &cluster) {
            Ok(after) => after,
            // Some changes make a cluster that is wrong, such as two real servers at one address.
            Err(codes) => {
                prop_assert!(!codes.contains(&"edit-impossible".to_owned()), "{}: {words:?}", path.display());
                return Ok(());
            }
        };
        let again = read(&after);
        prop_assert!(again.is_some(), "{}\n{after}", path.display());
        prop_assert_eq!(sayable(again.unwrap()), sayable(cluster), "{}\n{}", path.display(), after);
        if words.first() != Some(&"*") {
            let ends = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n");
            for line in difference(&ends(&text), &ends(&after)) {
                let line = line.trim_start_matches(['+', '-', ' ', '\t', '\u{a0}', '?', '"']);
                let word = line.split([' ', '\t', '=', '\u{a0}', '"']).next().unwrap().to_ascii_lowercase();
                let fits = words.contains(&word.as_str()) || word.starts_with('#');
                // Names that only differ because there are two of them are all written out.
                let name = matches!(words, ["virtual" | "server"]);
                prop_assert!(fits || name, "{}: {line:?} by {words:?}\n{after}", path.display());
            }
        }
    }

    #[test]
    fn damaged_files_are_changed_or_refused(
        text in damaged(),
        kind in 0..17_u8,
        at in any::<Index>(),
        value in any::<u16>(),
    ) {
        let Some(mut cluster) = imported(&text) else { return Ok(()) };
        prop_assert_eq!(edit(&text, &cluster), Ok(text.clone()));
        mutate(&mut cluster, kind, at, value);
        if let Ok(after) = lvs_cf::write(&cluster) {
            prop_assert_eq!(read(&after).map(sayable), Some(sayable(cluster.clone())), "{}\nmade of\n{}", after, text);
        }
        if let Ok(after) = edit(&text, &cluster) {
            prop_assert_eq!(read(&after).map(sayable), Some(sayable(cluster)), "{}\nmade of\n{}", after, text);
        }
    }
}
