//! Texts of the largest size that is taken, each of which repeats one thing; and messages to begin with.

use std::fs;
use std::time::Duration;

use lvs::format::{FileKind, Options, Source, read_sources};

/// What a console takes at most.
const LARGEST: usize = 2 << 20;
/// What is enough to tell a text that takes time beyond its size.
const TELLING: usize = 256 << 10;
/// From so many cases of a property on, the largest texts are read.
const MANY_CASES: u32 = 2_000;
/// Reads that take longer are named in the output of the test.
pub(crate) const WORTH_SAYING: Duration = Duration::from_millis(500);
/// Computing time of one read, with few optimisations.
pub(crate) const MOST_TIME: Duration = Duration::from_secs(3);
/// Growth of the memory in use over all of the texts, in bytes.
pub(crate) const MOST_MEMORY: u64 = 1 << 30;

/// Messages of the wire that are accepted.
pub(crate) const MESSAGES: &[&str] = &[
    r#"{"refused":"older-revision","offered":1,"held":2}"#,
    r#"{"refused":"invalid","findings":["a","b"]}"#,
    r#"{"token":"t","csr":"c","listen_port":1,"version":"1"}"#,
    r#"{"csr":"c"}"#,
    r#"{"installation":"i","director_id":"d","director":"a","certificate":"c","ca":"c"}"#,
];

/// Things to repeat until the text is full.
const UNITS: &[&str] = &[
    "a",
    "a ",
    "\n",
    " ",
    "{",
    "}",
    "\"",
    "'",
    "“",
    "\\",
    "!",
    "#",
    "/",
    "$",
    "@",
    "~",
    "<",
    ">",
    "&",
    "1\n",
    "|",
    "=",
    "-",
    "\0",
    "\r",
    "\u{a0}",
    "｛",
    "é ",
    "{}",
    "}{",
    "a{",
    "a {\n",
    "a\n{\n",
    "\"\\",
    "\"a\" ",
    "'a b' ",
    "\\\n",
    "$A ",
    "${A} ",
    "$A=1\n",
    "$A=1\n$A\n",
    "$A=$A\n$A\n",
    "@a x\n",
    "@a\n",
    "@^b x\n",
    "~SEQ(A,1,9) ",
    "~LST(A,1,2) x\n",
    "include a\n",
    "include {a,b}{a,b}{a,b}{a,b}{a,b}{a,b}*\n",
    "//",
    "// a\n",
    "&lt;",
    "&amp",
    "<br>",
    "<p",
    "> ",
    "| ",
    "1 a\n",
    "```\n",
    "[root@a b]# ",
    "[root@a b]# x\n",
    "root@a",
    "global_defs {\n",
    "global_defs {\n}\n",
    "global_defs ",
    "virtual_server ",
    "virtual_server a\n",
    "virtual_server 192.0.2.1 80 {\n}\n",
    "virtual_server 192.0.2.1 80 {\n",
    "virtual_server 192.0.2.1 80 {\nreal_server 10.0.0.1 80 {\n",
    "vrrp_instance a {\n}\n",
    "vrrp_instance a\n",
    "vrrp_instance a {\nvirtual_ipaddress {\n192.0.2.1\n",
    "virtual_router_id51priority100",
    "delay_loop6",
    "weight 1\n",
    "virtual_server1.1.1.1 1{",
    "priority",
    "lb_algorrlb_kindDR",
    "Configuration File for keepalived\n",
    "virtual a {\n",
    "virtual a {\n}\n",
    "virtual a {\nserver b {\n",
    "server b {\n",
    "failover c {\n",
    "primary = ",
    "a = \"\n",
    "a = \"\\",
    "=\n",
    "= =",
    "-A -t 192.0.2.1:80\n",
    "-a -t 192.0.2.1:80 -r 10.0.0.1\n",
    "-A ",
    "-t ",
    "-t a:b ",
    "ipvsadm ",
    "ipvsadm -A -t $A:80\n",
    "A=$A$A\n",
    "A=1\n",
    "for i in 1 2; do\n",
    "for i in 1 2; do done\n",
    "if a; then\n",
    "$(",
    "`",
    "\"$A\" ",
    "${A:-",
    "; ",
    "a() {\n",
    "case a in\n",
    "<<A\n",
    "a\\\n",
    "&& ",
    "{ ",
    "done\n",
    "fi\n",
];

/// So that every reader takes the text for one of its own.
const HEAD: &str = "primary = 192.0.2.1\n-A -t 192.0.2.9:80 -s rr\nglobal_defs {\n}\n";

/// The size of each text: larger where many cases are asked for.
fn size() -> usize {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse::<u32>().ok());
    if cases.is_some_and(|cases| cases >= MANY_CASES) { LARGEST } else { TELLING }
}

fn full(unit: &str) -> String {
    format!("{HEAD}{}", unit.repeat((size() - HEAD.len()) / unit.len()))
}

/// The texts by name.
pub(crate) fn texts() -> impl Iterator<Item = (String, String)> {
    let repeated = UNITS.iter().map(|unit| (format!("{unit:?}"), full(unit)));
    let headed = HEADED.iter().map(|(head, unit)| {
        let text = format!("{HEAD}{head}{}", unit.repeat((size() - HEAD.len() - head.len()) / unit.len()));
        (format!("{head:?} {unit:?}"), text)
    });
    repeated.chain(headed).chain(COUNTED.iter().map(|(name, piece)| (format!("many {name}"), counted(piece))))
}

/// Things to repeat behind something.
const HEADED: &[(&str, &str)] = &[
    ("$A=1\n", "${A}"),
    ("$A=1\n", "x $A\n"),
    ("$A= \\\nx \\\ny\n", "${A}"),
    ("$A= \\\nx \\\ny\n", "$A\n"),
    ("$A=\n", "${A}"),
    ("global_defs {\n", "router_id a\n"),
    ("global_defs {\n", "x\n"),
    ("global_defs { ", "router_id a "),
    ("virtual_server 192.0.2.1 80 {\n", "real_server 10.0.0.1 80 {\n}\n"),
    ("virtual_server 192.0.2.1 80 {\n", "real_server 10.0.0.1 80\n"),
    ("virtual_server 192.0.2.1 80 {\n", "delay_loop6protocolTCP\n"),
    ("virtual_server 192.0.2.1 80 {\n", "delay_loop6protocolTCP"),
    ("virtual_server 192.0.2.1 80 {\n}\n", "weight 1\n}\n"),
    ("virtual_server 192.0.2.1 80 {\n}\n", "}\n"),
    ("virtual_server 192.0.2.1 80 {\n", "a {\n}\n"),
    ("vrrp_instance a {\nvirtual_ipaddress {\n", "192.0.2.1\n"),
    ("vrrp_instance a {\nvirtual_ipaddress {\n", "192.0.2.1 "),
    ("vrrp_instance a {\n", "track_script {\nb\n}\n"),
    ("vrrp_instance a {\n", "state MASTER "),
    ("virtual a {\n", "server b {\n}\n"),
    ("virtual a {\n", "x = 1\n"),
    ("-A -t 192.0.2.1:80\n", "-a -t 192.0.2.1:80 -r 10.0.0.1:80\n"),
    ("A=1\n", "ipvsadm -A -t 192.0.2.$A:80\n"),
    ("A=1\n", "$A"),
    ("ipvsadm -A -t 192.0.2.1:80 ", "-s rr "),
    ("#!/bin/sh\n", "for i in 1 2 3 4 5 6 7 8 9; do\n"),
];

/// Things that are different each time; `%` and `%%` are numbers that count up.
const COUNTED: &[(&str, &str)] = &[
    ("services", "virtual_server 10.%.%% 80 {\nlb_algo rr\nreal_server 10.0.0.1 80 {\n}\n}\n"),
    ("services behind a VRRP instance, twice each", "virtual_server 10.0.%% 80 {\n}\n"),
    ("scripts", "vrrp_script s%%% {\nscript \"/bin/x\"\n}\n"),
    (
        "instances",
        "vrrp_instance v%%% {\ninterface eth0\nvirtual_router_id 5\npriority 100\nvirtual_ipaddress {\n10.%.%%\n}\n}\n",
    ),
    ("definitions", "$A%%%=1\n"),
    ("uses", "$A%%%=1\nx $A%%%\n"),
    ("ids", "@n%%% x\n"),
    ("unknown words", "word%%% 1\n"),
    ("unknown blocks", "block%%% {\n}\n"),
    ("groups", "virtual_server_group g%%% {\n10.%.%% 80\n}\n"),
    ("tables", "-A -t 10.%.%%:80 -s rr\n"),
    ("shell tables", "ipvsadm -A -t 10.%.%%:80 -s rr\nipvsadm -a -t 10.%.%%:80 -r 10.0.0.1 -m\n"),
    ("shell variables", "A%%%=1\necho $A%%%\n"),
    (
        "lvs.cf services",
        "virtual v%%% {\naddress = 10.%.%% eth0:1\nactive = 1\nport = 80\nserver s {\naddress = 10.0.0.1\nactive = 1\n}\n}\n",
    ),
    ("lvs.cf servers", "server s%%% {\naddress = 10.%.%%\nactive = 1\n}\n"),
    ("numbered lines", "%%% weight 1\n"),
];

fn counted(piece: &str) -> String {
    let mut text = HEAD.to_owned();
    let half = |n: usize| format!("{}.{}", n / 256 % 256, n % 256);
    for n in 0.. {
        let next = piece.replace("%%%", &n.to_string());
        let next = next.replace("%%", &half(n)).replace('%', &(n / 65_536 % 256).to_string());
        if text.len() + next.len() > size() {
            break;
        }
        text.push_str(&next);
    }
    text
}

/// Reads a text as the console does.
pub(crate) fn read_once(kind: FileKind, text: &str) {
    let options = Options { kind: Some(kind), ..Options::default() };
    let outcome = read_sources(&[Source { name: "input", text }], &options);
    assert!(outcome.findings.len() < 2_000);
}

/// The time that this thread has spent computing; none where the system does not tell.
pub(crate) fn computed() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// The most memory that this process had in use, in bytes; none where the system does not tell.
pub(crate) fn memory_peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}
