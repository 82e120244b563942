//! What select lists offer.

use lvs::format::FileKind;
use lvs::model::{DriftPolicy, Matching, Protocol, Scheduler, SorryCheck, Start};

use crate::locale::Locale;

/// One line of a select list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What is sent.
    pub(crate) value: String,
    /// What is read.
    pub(crate) text: String,
}

/// A choice whose text is its value in every language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    pub(crate) value: &'static str,
    pub(crate) text: &'static str,
}

const fn word(value: &'static str, text: &'static str) -> Word {
    Word { value, text }
}

/// Protocols; names of protocols are not translated.
pub(crate) const PROTOCOLS: [Word; 3] = [word("tcp", "TCP"), word("udp", "UDP"), word("sctp", "SCTP")];

/// Tunnel kinds, by the names of the kernel.
pub(crate) const TUNNEL_KINDS: [Word; 3] =
    [word("ipip", "IP-in-IP (ipip)"), word("gue", "GUE"), word("gre", "GRE")];

/// Versions of HTTP.
pub(crate) const HTTP_VERSIONS: [Word; 2] = [word("1.1", "HTTP/1.1"), word("1.0", "HTTP/1.0")];

/// Versions of VRRP.
pub(crate) const VRRP_VERSIONS: [Word; 2] = [word("2", "VRRP 2"), word("3", "VRRP 3")];

/// Types of DNS records.
pub(crate) const DNS_RECORDS: [Word; 9] = [
    word("SOA", "SOA"),
    word("A", "A"),
    word("AAAA", "AAAA"),
    word("CNAME", "CNAME"),
    word("DNSKEY", "DNSKEY"),
    word("MX", "MX"),
    word("NS", "NS"),
    word("RRSIG", "RRSIG"),
    word("TXT", "TXT"),
];

/// How a connection to a mail server is protected.
pub(crate) fn mail_securities(locale: Locale) -> Vec<Choice> {
    ["starttls", "tls", "none"]
        .map(|word| Choice::new(word, locale.say(format!("mail-security-{word}"))))
        .into()
}

impl Choice {
    fn new(value: impl Into<String>, text: impl ToString) -> Self {
        Choice { value: value.into(), text: text.to_string() }
    }
}

/// The kernel's schedulers, each with its short name, because people search for that.
pub(crate) fn schedulers(locale: Locale) -> Vec<Choice> {
    Scheduler::ALL
        .into_iter()
        .map(|s| Choice::new(s.as_str(), locale.say(format!("scheduler-{s}")).with("name", s.as_str())))
        .collect()
}

/// The three ways of forwarding; with `inherited` first where one may be left to the cluster.
pub(crate) fn forwardings(locale: Locale, inherited: Option<&str>) -> Vec<Choice> {
    let cluster = inherited.map(|word| {
        let text = locale.say(format!("forwarding-{word}"));
        Choice::new("", locale.say("forwarding-inherited").with("forwarding", text))
    });
    cluster
        .into_iter()
        .chain(["nat", "direct", "tunnel"].map(|w| Choice::new(w, locale.say(format!("forwarding-{w}")))))
        .collect()
}

/// Checksums of a tunnel's outer header.
pub(crate) fn tunnel_checksums(locale: &Locale) -> Vec<Choice> {
    ["none", "full", "remote"].map(|w| Choice::new(w, locale.say(format!("checksum-{w}")))).to_vec()
}

/// Address families of a service by firewall mark.
pub(crate) fn families(locale: Locale) -> Vec<Choice> {
    vec![
        Choice::new("", locale.say("family-of-address")),
        Choice::new("ipv4", "IPv4"),
        Choice::new("ipv6", "IPv6"),
    ]
}

/// Piranha's load monitors; a path may be typed instead.
pub(crate) const LOAD_MONITORS: [&str; 3] = ["rup", "ruptime", "uptime"];

/// The protocol of that word.
pub(crate) fn protocols() -> [(&'static str, Protocol); 3] {
    [("tcp", Protocol::Tcp), ("udp", Protocol::Udp), ("sctp", Protocol::Sctp)]
}

/// What happens to what somebody else changed.
pub(crate) fn drifts(locale: Locale) -> Vec<Choice> {
    DriftPolicy::ALL.map(|d| Choice::new(d.as_str(), locale.say(format!("drift-{}", d.as_str())))).to_vec()
}

/// A kernel parameter that may be left as the host has it.
pub(crate) fn switches(locale: Locale) -> Vec<Choice> {
    ["", "on", "off"]
        .map(|word| {
            Choice::new(word, locale.say(format!("switch-{}", if word.is_empty() { "leave" } else { word })))
        })
        .to_vec()
}

/// Kinds of checks.
pub(crate) fn checks(locale: &Locale) -> Vec<Choice> {
    super::checks::KINDS.map(|kind| Choice::new(kind, locale.say(format!("check-{kind}")))).to_vec()
}

/// Methods of HTTP.
pub(crate) const HTTP_METHODS: [Word; 3] =
    [word("GET", "GET"), word("HEAD", "HEAD"), word("OPTIONS", "OPTIONS")];

/// Words of a list with the texts of their keys.
fn said<const N: usize>(locale: &Locale, words: [&str; N], key: fn(&str) -> String) -> Vec<Choice> {
    words.map(|word| Choice::new(word, locale.say(key(word)))).to_vec()
}

/// How an answer is compared.
pub(crate) fn matchings(locale: &Locale) -> Vec<Choice> {
    said(locale, Matching::ALL.map(Matching::as_str), |word| format!("matching-{word}"))
}

/// How several checks add up.
pub(crate) fn combines(locale: &Locale) -> Vec<Choice> {
    said(locale, ["all", "any"], |word| format!("combine-{word}"))
}

/// How a weight rises.
pub(crate) fn ramps(locale: &Locale) -> Vec<Choice> {
    said(locale, ["linear", "doubling"], |word| format!("ramp-{word}"))
}

/// Where weights come from.
pub(crate) fn loads(locale: &Locale) -> Vec<Choice> {
    said(locale, ["none", "program", "line", "http"], |word| format!("load-{word}"))
}

/// Whether a sorry server is checked.
pub(crate) fn sorry_checks(locale: &Locale) -> Vec<Choice> {
    said(locale, SorryCheck::ALL.map(SorryCheck::as_str), |word| format!("sorry-check-{word}"))
}

/// How a sorry server is reached; tunnels keep the details they have.
pub(crate) fn sorry_forwardings(locale: &Locale) -> Vec<Choice> {
    let own = ["nat", "direct", "tunnel"].map(|w| Choice::new(w, locale.say(format!("forwarding-{w}"))));
    std::iter::once(Choice::new("", locale.say("forwarding-cluster"))).chain(own).collect()
}

/// What happens when a real server fails.
pub(crate) fn quiesces(locale: &Locale) -> Vec<Choice> {
    let own = ["quiesce", "remove"].map(|w| Choice::new(w, locale.say(format!("on-failure-{w}"))));
    std::iter::once(Choice::new("", locale.say("on-failure-service"))).chain(own).collect()
}

/// What a server counts as before its first result.
pub(crate) fn starts(locale: &Locale) -> Vec<Choice> {
    Start::ALL.map(|s| Choice::new(s.as_str(), locale.say(format!("start-{}", s.as_str())))).to_vec()
}

/// Whose checks a real server has.
pub(crate) fn owners(locale: &Locale) -> Vec<Choice> {
    ["service", "own"].map(|word| Choice::new(word, locale.say(format!("checks-of-{word}")))).to_vec()
}

/// What two directors speak.
pub(crate) fn redundancy_protocols(locale: &Locale) -> Vec<Choice> {
    ["heartbeat", "vrrp", "pulse"]
        .map(|word| Choice::new(word, locale.say(format!("redundancy-{word}"))))
        .to_vec()
}

/// Kinds of files that can be read.
pub(crate) fn file_kinds(locale: Locale) -> Vec<Choice> {
    ["auto"]
        .into_iter()
        .chain(FileKind::ALL.map(FileKind::as_str))
        .map(|word| Choice::new(word, locale.say(format!("file-kind-{}", word.replace('.', "-")))))
        .collect()
}

/// A director's two places.
pub(crate) fn seats(locale: &Locale) -> Vec<Choice> {
    ["primary", "backup"].map(|w| Choice::new(w, locale.say(format!("seat-{w}")))).to_vec()
}
