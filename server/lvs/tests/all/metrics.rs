//! Every number against a distinct one: a family that shows another's number is found out.

use std::collections::BTreeSet;

use lvs::Cluster;
use lvs::counters::{Counters, Totals};
use lvs::failover::Reason;
use lvs::metrics::{self, DirectorView, Exposition, Tally};
use lvs::wire::{Checks, State, Status};
use serde_json::json;

fn status() -> Status {
    serde_json::from_value(json!({
        "director_id": "dir_1", "version": "9.8.7", "seat": "primary", "state": "active", "state_ms": 1_500,
        "revision": 11, "digest": null, "in_sync": true, "kernel_writes": 12,
        "holds": ["eth0 192.0.2.10/32"], "foreign": ["tcp 192.0.2.99:1"],
        "drift_count": 13, "certificate_ends_s": 14,
        "checking": {"questions": 15, "up": 1, "down": 0, "re_entering": 0, "unknown": 0, "stuck": 16,
                     "troubled": {"descriptors": 17}},
        "heartbeat": {"reason": "partner-silent", "epoch": 18, "held": false, "ready": true,
            "counts": {"sent": 9, "heard": 8, "forged": 7, "old": 2, "tag": 4, "length": 3},
                      "partner": {"state": "standby", "revision": 11, "ready": true, "held": false},
                      "concerns": ["partner-silent", "one-way"], "links": []},
    }))
    .unwrap()
}

fn cluster() -> Cluster {
    serde_json::from_value(json!({
        "name": "web",
        "virtual_servers": [
            {"name": "http", "vip": {"address": "192.0.2.10", "device": "eth0"},
             "real_servers": [{"name": "one", "address": "10.0.0.1"}]},
            {"name": "marked", "mark": 42, "real_servers": [{"name": "one", "address": "10.0.0.1"}]},
        ],
    }))
    .unwrap()
}

fn counters() -> Counters {
    let totals = |from: u64| Totals {
        connections: from,
        in_packets: from + 1,
        out_packets: from + 2,
        in_bytes: from + 3,
        out_bytes: from + 4,
    };
    let server = |from: u32| {
        json!({"weight": from + 10, "active": from + 11, "inactive": from + 12, "persistent": from + 13,
               "totals": totals(u64::from(from))})
    };
    serde_json::from_value(json!({
        "tcp 192.0.2.10:80": {"totals": totals(100), "servers": {"10.0.0.1:80": server(200)}},
        "fwmark 42": {"totals": totals(300), "servers": {"10.0.0.1:80": server(400)}},
    }))
    .unwrap()
}

fn checks() -> Checks {
    serde_json::from_value(json!({
        "tcp 192.0.2.10:80": {"servers": {"10.0.0.1:80": {
            "verdict": "down", "reason": {"reason": "started"}, "since_s": 1, "standing": "out",
            "order": {"target": {"for": "machine", "address": "10.0.0.1"}, "order": {"instruction": "draining", "reason": "", "by": "", "given_s": 0}},
            "checks": [{"kind": "connect", "verdict": "down", "success": {
                "at_s": 1, "outcome": {"outcome": "up"}, "target": "10.0.0.1:80",
                "timings": {"total_us": 2_500}, "certificate_ends_s": 19,
            }}],
        }}},
    }))
    .unwrap()
}

/// The value of the one line that begins with the name and holds all of these words.
fn value(text: &str, name: &str, words: &[&str]) -> String {
    let named = |line: &&str| line.split(['{', ' ']).next() == Some(name);
    let lines: Vec<&str> =
        text.lines().filter(named).filter(|line| words.iter().all(|word| line.contains(word))).collect();
    assert_eq!(lines.len(), 1, "{name} {words:?}: {lines:?}\n{text}");
    lines[0].rsplit_once(' ').unwrap().1.to_owned()
}

#[test]
fn every_number_is_its_own() {
    let (status, cluster, counters, checks) = (status(), cluster(), counters(), checks());
    let mut tally = Tally::default();
    for _ in 0..3 {
        tally.moved(State::Standby, State::Active, Some(Reason::PartnerSilent));
    }
    tally.moved(State::Active, State::Standby, None);
    tally.moved(State::Starting, State::Standby, None);
    let mut exposition = Exposition::default();
    metrics::build(&mut exposition, "9.8.7");
    exposition.label_all(&[("cluster", "web"), ("director", "a")]);
    let view = DirectorView {
        status: &status,
        cluster: Some(&cluster),
        counters: Some(&counters),
        checks: Some(&checks),
        tally: Some(&tally),
        servers: true,
    };
    metrics::director(&mut exposition, &view);
    let text = exposition.text();
    let http = ["service=\"http\"", "key=\"tcp 192.0.2.10:80\"", "director=\"a\"", "cluster=\"web\""];
    let one = [&http[..], &["server=\"one\"", "address=\"10.0.0.1:80\""]].concat();
    let with = |more: &'static str| [&one[..], &[more]].concat();
    let active = with("state=\"active\"");
    let inactive = with("state=\"inactive\"");
    let persistent = with("state=\"persistent\"");
    let (down, up, drain) = (with("state=\"down\""), with("state=\"up\""), with("order=\"draining\""));
    let connect = with("check=\"connect\"");
    let expected: &[(&str, &[&str], &str)] = &[
        ("caribe_build_info", &["version=\"9.8.7\""], "1"),
        ("caribe_director_state", &["state=\"active\""], "1"),
        ("caribe_director_state", &["state=\"standby\""], "0"),
        ("caribe_director_state_seconds", &[], "1.5"),
        ("caribe_config_revision", &[], "11"),
        ("caribe_config_in_sync", &[], "1"),
        ("caribe_kernel_writes_total", &[], "12"),
        ("caribe_drift_rows", &[], "13"),
        ("caribe_foreign_services", &[], "1"),
        ("caribe_failed_steps", &[], "0"),
        ("caribe_agent_certificate_expiry_seconds", &[], "14"),
        ("caribe_check_questions", &[], "15"),
        ("caribe_checks_stuck", &[], "16"),
        ("caribe_checks_troubled", &[], "17"),
        ("caribe_heartbeat_epoch", &[], "18"),
        ("caribe_heartbeat_ready", &[], "1"),
        ("caribe_heartbeat_dropped_total", &["reason=\"tag\""], "4"),
        ("caribe_heartbeat_dropped_total", &["reason=\"length\""], "3"),
        ("caribe_heartbeat_dropped_total", &["reason=\"replayed\""], "2"),
        ("caribe_heartbeat_dropped_total", &["reason=\"other\""], "0"),
        ("caribe_heartbeat_held", &[], "0"),
        ("caribe_heartbeat_concerns", &[], "2"),
        ("caribe_link_faults", &[], "0"),
        ("caribe_partner_state", &["state=\"standby\""], "1"),
        ("caribe_vip_held", &["vip=\"192.0.2.10\"", "device=\"eth0\""], "1"),
        ("caribe_failovers_total", &["reason=\"partner-silent\""], "3"),
        ("caribe_releases_total", &["reason=\"seat\""], "1"),
        ("caribe_service_connections_total", &http, "100"),
        ("caribe_service_in_packets_total", &http, "101"),
        ("caribe_service_out_packets_total", &http, "102"),
        ("caribe_service_in_bytes_total", &http, "103"),
        ("caribe_service_out_bytes_total", &http, "104"),
        ("caribe_server_connections_total", &one, "200"),
        ("caribe_server_in_packets_total", &one, "201"),
        ("caribe_server_out_packets_total", &one, "202"),
        ("caribe_server_in_bytes_total", &one, "203"),
        ("caribe_server_out_bytes_total", &one, "204"),
        ("caribe_server_weight", &one, "210"),
        ("caribe_server_connections", &active, "211"),
        ("caribe_server_connections", &inactive, "212"),
        ("caribe_server_connections", &persistent, "213"),
        ("caribe_server_health", &down, "1"),
        ("caribe_server_health", &up, "0"),
        ("caribe_server_ordered", &drain, "1"),
        ("caribe_probe_last_duration_seconds", &connect, "0.0025"),
        ("caribe_server_certificate_expiry_seconds", &connect, "19"),
    ];
    for (name, words, number) in expected {
        assert_eq!(value(&text, name, words), *number, "{name} {words:?}");
    }
    let tried: BTreeSet<&str> = expected.iter().map(|(name, _, _)| *name).collect();
    let there: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert_eq!(tried, there, "a family without a test, or a test without its family");

    let mut without = Exposition::default();
    metrics::director(&mut without, &DirectorView { servers: false, ..view });
    assert!(!without.text().contains("caribe_server_"), "{}", without.text());
    assert!(without.text().contains("caribe_service_connections_total"));
}

#[test]
fn existing_dashboards_find_their_names() {
    let (status, counters) = (status(), counters());
    let mut exposition = Exposition::default();
    let totals = Totals { connections: 1, in_packets: 2, out_packets: 3, in_bytes: 4, out_bytes: 5 };
    metrics::kernel_totals(&mut exposition, &totals);
    let vips = [("192.0.2.10".parse().unwrap(), "eth0".to_owned())];
    metrics::compatible(&mut exposition, "web", &status, Some(&counters), &vips);
    let text = exposition.text();
    let line = |line: &str| assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    line("node_ipvs_connections_total 1");
    line("node_ipvs_incoming_packets_total 2");
    line("node_ipvs_outgoing_packets_total 3");
    line("node_ipvs_incoming_bytes_total 4");
    line("node_ipvs_outgoing_bytes_total 5");
    let tcp = "local_address=\"192.0.2.10\",local_port=\"80\",remote_address=\"10.0.0.1\",remote_port=\"80\",proto=\"TCP\",local_mark=\"\"";
    line(&format!("node_ipvs_backend_weight{{{tcp}}} 210"));
    line(&format!("node_ipvs_backend_connections_active{{{tcp}}} 211"));
    line(&format!("node_ipvs_backend_connections_inactive{{{tcp}}} 212"));
    let mark = "local_address=\"\",local_port=\"0\",remote_address=\"10.0.0.1\",remote_port=\"80\",proto=\"FWM\",local_mark=\"0000002A\"";
    line(&format!("node_ipvs_backend_weight{{{mark}}} 410"));
    line("keepalived_up 1");
    line("keepalived_vrrp_state{iname=\"web\",intf=\"eth0\",vrid=\"\",ip_address=\"192.0.2.10\"} 2");
}
