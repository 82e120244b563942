//! What the original daemons say of every file in `lvs_cf/NAME/input.cf`: `strict.txt` beside it holds `accepted`, or
//! their error with its line.
//!
//! `LVS_CF_REWRITE=1 cargo test -p lvs --test lvs_cf_strict` writes it anew; look at the difference before keeping it.

use crate::lvs_cf_files;
use std::collections::{BTreeMap, BTreeSet};

use crate::written_down::WrittenDown;
use lvs::format::names::Names;
use lvs::format::report::Line;
use lvs::format::{Reading, lvs_cf};
use lvs::model::Question;
use lvs::{Finding, Severity};
use proptest::prelude::*;

/// The numbers that the daemons give to the errors of a text. 2 is a file that cannot be read.
const NUMBERS: [u8; 12] = [1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16];

/// What is said of a text because of the daemons alone.
fn verdict(reading: &Reading) -> Vec<&Finding> {
    reading.findings.iter().filter(|finding| finding.code.as_str().starts_with("original-")).collect()
}

fn shown(reading: &Reading) -> String {
    let lines: String =
        verdict(reading).iter().map(|finding| format!("{}\n", Line::new("input.cf", finding))).collect();
    if lines.is_empty() { "accepted\n".to_owned() } else { lines }
}

/// The number in a verdict's sentence.
fn number(text: &str) -> Option<u8> {
    text.split_once("(error ")?.1.split_once(')')?.0.parse().ok()
}

#[test]
fn every_file_gets_the_verdict_of_the_daemons() {
    let mut written_down = WrittenDown::unless("LVS_CF_REWRITE");
    let mut numbers = BTreeMap::new();
    for (path, text) in lvs_cf_files::cases() {
        let reading = lvs_cf::read_strict(&text, &Names::default());
        let actual = shown(&reading);
        written_down.compare(&path.join("strict.txt"), &actual);
        if let Some(number) = number(&actual) {
            *numbers.entry(number).or_insert(0) += 1;
        }
    }
    written_down.finish();
    let seen: BTreeSet<u8> = numbers.keys().copied().collect();
    assert_eq!(seen, BTreeSet::from(NUMBERS), "every number has a file: {numbers:?}");
}

/// Where something else was meant than the daemons read.
const MEANT: [&str; 3] = ["lost-backslashes", "quote-single", "mask-form"];

/// The verdict comes first, the model and the findings are those of the lenient reading, unless that reads what was
/// meant.
fn assert_added(text: &str) {
    let lenient = lvs_cf::read(text);
    let strict = lvs_cf::read_strict(text, &Names::default());
    let said = verdict(&strict);
    assert!(said.len() <= 1);
    let (first, rest) = strict.findings.split_at(said.len());
    if lenient.findings.iter().any(|finding| MEANT.contains(&finding.code.as_str())) {
        return;
    }
    assert_eq!(rest, lenient.findings);
    assert!(first.iter().all(|finding| finding.code.as_str().starts_with("original-")));
    let refused = first.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(strict.cluster, lenient.cluster.filter(|_| !refused));
    // Whoever says nothing of a file says that the daemons read it.
    let clean = lenient.findings.is_empty();
    assert!(!clean || !refused, "{text}\n{}", shown(&strict));
}

#[test]
fn a_verdict_is_added_and_nothing_taken_away() {
    for (_, text) in lvs_cf_files::cases() {
        assert_added(&text);
    }
}

#[test]
fn the_daemons_read_what_is_written_for_them() {
    let mut written = 0;
    for (path, text) in lvs_cf_files::cases() {
        let Some(cluster) = lvs_cf::read(&text).cluster else { continue };
        let Ok(text) = lvs_cf::canonical(&cluster) else { continue };
        let reading = lvs_cf::read_strict(&text, &Names::default());
        let refused = verdict(&reading).iter().any(|finding| finding.severity == Severity::Error);
        assert!(!refused, "{}:\n{text}\n{}", path.display(), shown(&reading));
        written += 1;
    }
    assert!(written > 15, "only {written} of the files could be written");
}

#[test]
fn values_are_what_the_daemons_make_of_them() {
    let text = "primary = 192.0.2.1\nvirtual web {\n active = 1\n address = 192.0.2.9 eth0:1\n vip_nmask = 24\n port = 80\n \
                send = \"GET / HTTP/1.0rnrn\"\n expect = 'OK'\n}\n";
    let read = |reading: lvs::format::Reading| {
        let codes: Vec<&str> = reading.findings.iter().map(|finding| finding.code.as_str()).collect();
        let codes = codes.join(" ");
        let server = reading.cluster.unwrap().virtual_servers.remove(0);
        let Question::SendExpect { send, expect, .. } = server.monitor.checks[0].question.clone() else {
            panic!()
        };
        (server.vip.unwrap().prefix, send.unwrap(), expect.unwrap(), codes)
    };
    assert_eq!(
        read(lvs_cf::read(text)),
        (
            Some(24),
            r"GET / HTTP/1.0\r\n\r\n".to_owned(),
            "OK".to_owned(),
            "mask-form lost-backslashes quote-single".to_owned()
        )
    );
    assert_eq!(
        read(lvs_cf::read_strict(text, &Names::default())),
        (
            None,
            "GET / HTTP/1.0rnrn".to_owned(),
            "'OK'".to_owned(),
            "mask-gaps lost-backslashes-kept quote-single-kept".to_owned()
        )
    );
}

#[test]
fn names_count_as_looked_up_where_the_table_has_them() {
    let text = "primary = lvs1.example.com\nbackup_active = 2\n";
    let mut names = Names::default();
    let said = |names: &Names| shown(&lvs_cf::read_strict(text, names));
    assert!(said(&names).starts_with("input.cf:1:11: error: "), "{}", said(&names));
    names.insert("lvs1.example.com", ["192.0.2.1".parse().unwrap()]);
    assert!(said(&names).starts_with("input.cf:2:17: error: "), "{}", said(&names));
    let text =
        "primary = lvs1.example.com\nvirtual a {\n address = localhost eth0:1\n sorry_server = Sorry\n}\n";
    assert_eq!(lvs_cf::host_names(text).into_iter().collect::<Vec<_>>(), ["Sorry", "lvs1.example.com"]);
    let reading = lvs_cf::read_with("primary = lvs1.example.com\n", &names);
    assert_eq!(reading.cluster.unwrap().directors[0].public, "192.0.2.1".parse().ok());
    assert_eq!(reading.findings[0].code.as_str(), "host-resolved");
}

/// One line in each place, and what the daemons say of it: a number, or none.
#[test]
fn the_rules_hold_in_every_place() {
    let top = |line: &str| format!("{line}\n");
    let service = |line: &str| format!("virtual v {{\n active = 1\n{line}\n}}\n");
    let failover = |line: &str| format!("failover v {{\n active = 1\n{line}\n}}\n");
    let server = |line: &str| format!("virtual v {{\n active = 1\n server s {{\n{line}\n }}\n}}\n");
    let mut wrong = Vec::new();
    let mut check = |text: String, at: u32, expected: Option<u8>| {
        let reading = lvs_cf::read_strict(&text, &Names::default());
        let said = shown(&reading);
        let line = said.strip_prefix("input.cf:").and_then(|rest| rest.split_once(':')?.0.parse().ok());
        let right = match expected {
            Some(_) => number(&said) == expected && line == Some(at),
            None => number(&said).is_none(),
        };
        if !right {
            wrong.push(format!("{text}expected {expected:?}, found {said}"));
        }
    };
    for (line, expected) in [
        ("primary = 192.0.2.1", None),
        (" \t primary\t=  \t192.0.2.1 \t", None),
        ("primary = 10.1", None),
        ("primary = 0xc0000201", None),
        ("primary = \"192.0.2.1\"", None),
        ("primary = localhost", None),
        ("primary = 0.0.0.0", Some(8)),
        ("primary_private = 0", Some(8)),
        ("backup_private = 0.0.0.0", Some(8)),
        ("backup = 0.0.0.0", None),
        ("primary = 2001:db8::1", Some(9)),
        ("primary = 192.0.2.1/24", Some(9)),
        ("primary = 300.0.0.1", Some(9)),
        ("Primary = 192.0.2.1", Some(12)),
        ("primary 192.0.2.1", Some(6)),
        ("primary", Some(6)),
        ("primary =", Some(7)),
        ("primary =192.0.2.1", Some(6)),
        ("primary= 192.0.2.1", Some(12)),
        ("primary=192.0.2.1", Some(12)),
        ("primary = 192.0.2.1 # here", Some(5)),
        ("primary = 192.0.2.1;", Some(9)),
        ("\u{a0}primary = 192.0.2.1", Some(12)),
        ("primary\u{a0}= 192.0.2.1", Some(12)),
        ("\u{feff}primary = 192.0.2.1", Some(12)),
        ("mode = 1", Some(12)),
        ("debug = 1", Some(12)),
        ("heartbeat_dev = eth0", Some(12)),
        ("log_file = x", Some(12)),
        ("service = fos", None),
        ("service = LVS", Some(9)),
        ("network = \"direct\"", None),
        ("network = Direct", Some(9)),
        ("network = dr", Some(9)),
        ("keepalive = 010", None),
        ("keepalive = -5", None),
        ("keepalive = 0x7fffffffffffffffff", None),
        ("keepalive = 6s", Some(10)),
        ("keepalive = 09", Some(10)),
        ("keepalive = six", Some(10)),
        ("backup_active = yes", Some(10)),
        ("backup_active = 2", Some(11)),
        ("backup_active = -1", Some(11)),
        ("backup_active = 0x1", None),
        ("monitor_links = 7", None),
        ("monitor_links = on", Some(10)),
        ("heartbeat_port = http", None),
        ("heartbeat_port = HTTP", Some(9)),
        ("heartbeat_port = nosuchservice", Some(9)),
        ("heartbeat_port = 70000", None),
        ("nat_router = 10.0.0.1 eth1:1", None),
        ("nat_router = 10.0.0.1", Some(7)),
        ("nat_router = 10.0.0.1 eth1:1 x", Some(5)),
        ("nat_nmask = 255.255.255.0", None),
        ("nat_nmask = 255.255.255", None),
        ("nat_nmask = 24", None),
        ("nat_nmask = /24", Some(16)),
        ("nat_nmask = none", Some(16)),
        ("active_cmd = \"/bin/x -a -b\"", None),
        ("active_cmd = /bin/x -a", Some(5)),
        ("rsh_command = anything", None),
        ("reservation_conflict_action = preempt", None),
        ("reservation_conflict_action = other", Some(9)),
        ("active = 1", Some(12)),
        ("server s {", Some(12)),
        ("}", Some(12)),
        ("virtual", Some(7)),
        ("virtual v", Some(7)),
        ("virtual {", Some(7)),
        ("virtual v{", Some(7)),
        ("virtual v { x", Some(5)),
        ("virtual my shop {", Some(5)),
        ("virtual \"my shop\" {", None),
        ("failover v", Some(7)),
        ("Virtual v {", Some(12)),
        ("primary = \"192.0.2.1", Some(3)),
        ("# \"open", None),
        ("   # x = y", None),
    ] {
        check(top(line), 1, expected);
    }
    for (line, expected) in [
        ("address = 192.0.2.80 eth0:1", None),
        ("address = 192.0.2.80 anything", None),
        ("address = 192.0.2.80", Some(7)),
        ("address = 192.0.2.80 eth0:1 x", Some(5)),
        ("address = www.example.com eth0:1", Some(9)),
        ("vip_nmask = 0.0.0.0", None),
        ("vip_nmask = /24", Some(16)),
        ("pmask = /24", None),
        ("pmask = none", None),
        ("pmask =", Some(7)),
        ("sorry_server = 10.0.0.9", None),
        ("sorry_server = localhost", Some(8)),
        ("fwmark = 0x50", None),
        ("fwmark = x", Some(10)),
        ("protocol = udp", None),
        ("protocol = TCP", Some(9)),
        ("protocol = sctp", Some(9)),
        ("port = https", None),
        ("port = ntp-nothing", Some(9)),
        ("port=80", Some(12)),
        ("scheduler = lblcr", None),
        ("scheduler = sed", Some(9)),
        ("scheduler = nq", Some(9)),
        ("scheduler = WLC", Some(9)),
        ("timeout = 0", None),
        ("quiesce_server = 2", Some(11)),
        ("use_regex = true", Some(10)),
        ("load_monitor = uptime", None),
        ("send = GET", None),
        ("send = GET /", Some(5)),
        ("send = \"GET / HTTP/1.0\\r\\n\\r\\n\"", None),
        ("send = \"say \"hi\" now\"", Some(5)),
        ("send = \"no_space\"inside\"", None),
        ("send = \"open", Some(7)),
        ("expect = \"\"", None),
        ("expect =", Some(7)),
        ("master = 10.0.0.1", None),
        ("dirs = [ /etc:/etc /var:/var ]", None),
        ("dirs = [ ]", None),
        ("dirs = /etc", Some(13)),
        ("dirs = [ /etc", Some(13)),
        ("dirs = [/etc]", Some(13)),
        ("dirs = [ /etc ] x", Some(5)),
        ("start_cmd = \"/etc/init.d/httpd start\"", None),
        ("expect_program = x", Some(12)),
        ("deadtime = 5", Some(12)),
        ("nmask = 255.255.255.0", Some(12)),
        ("virtual w {", Some(12)),
        ("weight = 1", Some(12)),
        ("server", Some(7)),
        ("server s", Some(7)),
        ("}x", Some(12)),
    ] {
        check(service(line), 3, expected);
        check(failover(line), 3, expected);
    }
    for (line, expected) in [
        ("address = 10.0.0.1", None),
        ("address = 10.0.0.1 eth0", Some(5)),
        ("address = 0.0.0.0", None),
        ("active = yes", Some(10)),
        ("weight = -3", None),
        ("weight = 1.5", Some(10)),
        ("port = 8080", None),
        ("port = http", Some(10)),
        ("nmask = 255.255.255.0", Some(12)),
        ("server t {", Some(12)),
        ("address = \"10.0.0.1 x", Some(3)),
    ] {
        check(server(line), 4, expected);
    }
    // Whatever follows a closing brace is not looked at, and a missing one neither.
    check("virtual v {\n server s {\n } # x\n} x = y {\nprimary = 0\n".to_owned(), 5, Some(8));
    check("virtual v {\n server s {\n".to_owned(), 1, None);
    // An open quote on the first line of a block is still seen as one.
    check("virtual v {\nsend = \"open\n}\n".to_owned(), 2, Some(3));
    check("virtual v {\n server s {\n }\nsend = \"open\n}\n".to_owned(), 4, Some(7));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Pieces of which the daemons accept many a line.
fn lines() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "primary = 192.0.2.1",
        "network = direct",
        "keepalive = 6",
        "virtual a {",
        "failover b {",
        "server c {",
        "}",
        "} x",
        "address = 192.0.2.80 eth0:1",
        "address = 10.0.0.1",
        "active = 1",
        "port = 80",
        "port = http",
        "send = \"GET /\"",
        "send = \"open",
        "# comment",
        "",
        "  ",
        "weight = 3",
        "pmask = /24",
        "x",
    ]);
    let end = prop::sample::select(vec!["\n", "\n", "\n", "\n", "\n", "\n", "\r\n", "\r"]);
    prop::collection::vec((line, end), 0..30)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| format!("{line}{end}")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_in_any_order_get_one_verdict(text in lines()) {
        assert_added(&text);
    }

    #[test]
    fn damaged_files_get_one_verdict(text in lvs_cf_files::damaged()) {
        assert_added(&text);
    }
}
