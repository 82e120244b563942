//! What select lists offer.

use lvs::model::{Protocol, Scheduler};

use crate::text::Language;

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

impl Choice {
    fn new(value: impl Into<String>, text: impl ToString) -> Self {
        Choice { value: value.into(), text: text.to_string() }
    }
}

/// The kernel's schedulers, each with its short name, because people search for that.
pub(crate) fn schedulers(language: Language) -> Vec<Choice> {
    Scheduler::ALL
        .into_iter()
        .map(|s| Choice::new(s.as_str(), language.say(format!("scheduler-{s}")).with("name", s.as_str())))
        .collect()
}

/// The three ways of forwarding; with `inherited` first where one may be left to the cluster.
pub(crate) fn forwardings(language: Language, inherited: Option<&str>) -> Vec<Choice> {
    let cluster = inherited.map(|word| {
        let text = language.say(format!("forwarding-{word}"));
        Choice::new("", language.say("forwarding-inherited").with("forwarding", text))
    });
    cluster
        .into_iter()
        .chain(["nat", "direct", "tunnel"].map(|w| Choice::new(w, language.say(format!("forwarding-{w}")))))
        .collect()
}

/// Checksums of a tunnel's outer header.
pub(crate) fn tunnel_checksums(language: &Language) -> Vec<Choice> {
    ["none", "full", "remote"].map(|w| Choice::new(w, language.say(format!("checksum-{w}")))).to_vec()
}

/// Address families of a service by firewall mark.
pub(crate) fn families(language: Language) -> Vec<Choice> {
    vec![
        Choice::new("", language.say("family-of-address")),
        Choice::new("ipv4", "IPv4"),
        Choice::new("ipv6", "IPv6"),
    ]
}

/// Piranha's load monitors; a path may be typed instead.
pub(crate) const LOAD_MONITORS: [&str; 4] = ["none", "rup", "ruptime", "uptime"];

/// The protocol of that word.
pub(crate) fn protocols() -> [(&'static str, Protocol); 3] {
    [("tcp", Protocol::Tcp), ("udp", Protocol::Udp), ("sctp", Protocol::Sctp)]
}

/// A director's two places.
pub(crate) fn seats(language: &Language) -> Vec<Choice> {
    ["primary", "backup"].map(|w| Choice::new(w, language.say(format!("seat-{w}")))).to_vec()
}
