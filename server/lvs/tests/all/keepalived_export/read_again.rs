//! Exported files read by our own reader: the same cluster, as far as keepalived has words for it.

use lvs::format::Source;
use lvs::format::keepalived::{Export, write};
use lvs::model::{Cluster, HttpCheck, HttpVersion, Monitor, Question, Start, StatusRange};
use proptest::prelude::*;

use super::clusters::{everything, scenario_c};
use super::exported;
use super::random::cluster;
use crate::fixture::random::config;
use crate::fixture::{scenario_a, scenario_b};

/// What our own files say when they are read again.
fn read_again(export: &Export) -> (Cluster, Vec<String>) {
    let sources: Vec<Source<'_>> =
        export.files.iter().map(|file| Source { name: &file.name, text: &file.text }).collect();
    let outcome = lvs::format::keepalived::read(&sources, None);
    let said: Vec<String> = outcome.findings.iter().map(|(_, finding)| finding.to_string()).collect();
    let Some(cluster) = outcome.cluster else { panic!("not read: {said:#?}") };
    (cluster, said)
}

/// What of a cluster a keepalived.conf has room for, in the form that a reader gives it.
fn as_read(mut cluster: Cluster) -> Cluster {
    cluster.name = "keepalived".into();
    cluster.directors.iter_mut().for_each(|director| director.private = None);
    cluster.global.timeouts = cluster.global.timeouts.effective();
    cluster.redundancy.deadtime_ms = cluster.redundancy.interval_ms * 3;
    cluster.kept.clear();
    cluster.virtual_servers.retain(|server| server.active);
    for server in &mut cluster.virtual_servers {
        server.real_servers.retain(|real| real.active);
        let own = server.real_servers.iter_mut().filter_map(|real| real.monitor.as_mut());
        for monitor in own.chain(std::iter::once(&mut server.monitor)) {
            monitor.reentry_s = 0;
            if monitor.checks.is_empty() {
                *monitor = Monitor::none();
                continue;
            }
            // Written out, for the checkers' own defaults differ.
            if monitor.fall < 2 {
                monitor.retry_delay_ms = monitor.interval_ms;
            }
            monitor.rise = 1;
            monitor.slow_start = None;
            if monitor.start == Start::Unknown {
                monitor.start = Start::Down;
            }
            for check in &mut monitor.checks {
                if let Question::Udp { send, expect, .. } = &mut check.question {
                    for text in [send, expect].into_iter().flatten() {
                        *text = text.replace(' ', "").to_uppercase();
                    }
                }
            }
        }
    }
    cluster
}

#[test]
fn a_vrrp_pair_is_the_same_when_its_files_are_read_again() {
    let (again, said) = read_again(&exported(&scenario_c()));
    assert_eq!(said, [] as [&str; 0]);
    assert_eq!(again, as_read(scenario_c()));
    let (mut again, _) = read_again(&exported(&everything()));
    assert!(again.redundancy.active_cmd.is_some() && again.redundancy.inactive_cmd.is_some());
    again.kept.clear();
    assert_eq!(again, as_read(everything()));
}

#[test]
fn a_heartbeat_pair_keeps_all_but_its_protocol_when_its_files_are_read_again() {
    for cluster in [scenario_a(), scenario_b()] {
        let (again, said) = read_again(&exported(&cluster));
        // The NAT router's address has no word of its own and is recognised.
        let routers = usize::from(cluster.global.nat_router.is_some());
        assert_eq!(said.len(), exported(&cluster).files.len() * routers, "{said:?}");
        let time = |cluster: &Cluster| cluster.redundancy.failover_time().unwrap();
        let (before, after) = (time(&cluster), time(&again));
        assert!(before.worst_ms <= after.worst_ms && after.worst_ms < before.worst_ms + 1_000, "{after:?}");
        let mut expected = as_read(cluster);
        assert_eq!(again.global, expected.global);
        for server in &mut expected.virtual_servers {
            let page = HttpCheck {
                version: HttpVersion::V1_0,
                status: vec![StatusRange::new(100, 599).unwrap()],
                ..HttpCheck::default()
            };
            server.monitor.checks = vec![Question::Http(page).into()];
        }
        assert_eq!(again.virtual_servers, expected.virtual_servers);
        assert_eq!(again.directors, expected.directors);
    }
}

/// The statements of a file, without remarks and in no order.
fn statements(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    lines.sort_unstable();
    lines
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn files_that_are_read_and_written_again_say_the_same(cluster in cluster()) {
        let Ok(export) = write(&cluster) else { return Ok(()) };
        let says = |word: &str| export.files.iter().all(|file| file.text.contains(word));
        // A time that had to be rounded for a program is rounded for the checks beside it, and an owner (255) takes
        // back whatever the cluster said.
        let said = |code| export.findings.iter().any(|finding| finding.code == code);
        prop_assume!(!said(lvs::Code::ExportKeepalivedSeconds) && !said(lvs::Code::ExportKeepalivedOwner));
        // Alone, the backup's file does not say that it is one; and a text that says nothing is no cluster.
        prop_assume!(cluster.redundancy.enabled && (says("\nvirtual_server") || says("\nvrrp_instance")));
        let (again, said) = read_again(&export);
        let second = match write(&again) {
            Ok(export) => export,
            Err(refused) => return Err(TestCaseError::fail(format!("{refused:#?}\n{}", export.files[0].text))),
        };
        for (first, second) in export.files.iter().zip(&second.files) {
            prop_assert_eq!(statements(&first.text), statements(&second.text), "{:#?}\n{}", said, &first.text);
        }
    }
}
