//! What keepalived finds wrong in routes and rules, which are put aside as they stand.
//!
//! Knows the words that keepalived 2.2 takes and how many words belong to each, no more: nothing here moves a route.
//! Called by `values` for `virtual_routes`, `virtual_rules` and their `static_` kin.

use std::net::IpAddr;

use ipnet::IpNet;

use super::reader::Reader;
use super::syntax_notes::excerpt;
use super::tree::{Statement, Word};
use super::values::{option, refused};
use crate::finding::Code;
use crate::table::Family;

/// Words of a route with a value behind them.
const ROUTE_VALUES: [&str; 32] = [
    "src",
    "via",
    "gw",
    "dev",
    "oif",
    "tos",
    "dsfield",
    "table",
    "protocol",
    "scope",
    "metric",
    "preference",
    "priority",
    "mtu",
    "hoplimit",
    "advmss",
    "rtt",
    "rttvar",
    "reordering",
    "window",
    "cwnd",
    "ssthresh",
    "realms",
    "realm",
    "rto_min",
    "initcwnd",
    "initrwnd",
    "features",
    "quickack",
    "congctl",
    "pref",
    "expires",
];
/// Words of a route that stand alone.
const ROUTE_FLAGS: [&str; 15] = [
    "onlink",
    "no_track",
    "unicast",
    "local",
    "broadcast",
    "multicast",
    "throw",
    "unreachable",
    "prohibit",
    "blackhole",
    "nat",
    "fastopen_no_cookie",
    "ttl-propagate",
    "inet",
    "inet6",
];
/// Words behind which a route has a grammar of their own.
const ROUTE_ENDS: [&str; 3] = ["nexthop", "encap", "or"];
/// Words of a rule with a value behind them.
const RULE_VALUES: [&str; 26] = [
    "from",
    "to",
    "src",
    "dst",
    "table",
    "lookup",
    "preference",
    "priority",
    "order",
    "iif",
    "dev",
    "oif",
    "fwmark",
    "tos",
    "dsfield",
    "realms",
    "realm",
    "suppress_prefixlength",
    "sup_pl",
    "suppress_ifgroup",
    "sup_group",
    "tun_id",
    "uidrange",
    "ipproto",
    "sport",
    "dport",
];
/// Words of a rule that stand alone.
const RULE_FLAGS: [&str; 9] =
    ["not", "no_track", "blackhole", "prohibit", "unreachable", "nop", "l3mdev", "inet", "inet6"];
/// Words that say what is done with a packet.
const RULE_ACTIONS: [&str; 8] =
    ["table", "lookup", "goto", "blackhole", "prohibit", "unreachable", "nop", "l3mdev"];

/// Checks the routes of a list; `moved` says that they come and go with an instance, which watches them.
pub(super) fn routes(reader: &mut Reader<'_>, list: &Statement, moved: bool) {
    for line in list.inside() {
        route(reader, line, moved);
    }
}

fn route(reader: &mut Reader<'_>, line: &Statement, moved: bool) {
    let mut words = std::iter::once(&line.keyword).chain(&line.arguments).peekable();
    let mut destination = false;
    let mut family: Option<Family> = None;
    let mut said = Vec::new();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        said.push(text);
        if ROUTE_ENDS.contains(&text) {
            if text == "or" {
                deprecated(reader, line, word, "nexthop");
            }
            break;
        }
        if text == "gw" {
            deprecated(reader, line, word, "via");
        }
        if ROUTE_VALUES.contains(&text) {
            // A family before the gateway, and a lock before a size.
            words.next_if(|word| matches!(word.text.as_str(), "inet" | "inet6" | "lock"));
            let Some(value) = words.next() else {
                reader.warn(line.origin_of(word), Code::ValueMissing).with("word", text);
                break;
            };
            match text {
                "metric" | "preference" | "priority" | "mtu" | "advmss"
                    if value.text.parse::<u32>().is_err() =>
                {
                    wrong(reader, line, word, value, "0 4294967295");
                }
                "src" | "via" | "gw" => address(reader, line, word, value, &mut family),
                _ => {}
            }
        } else if text == "to" || ROUTE_FLAGS.contains(&text) {
        } else if matches!(text, "default" | "all" | "any") {
            destination = true;
        } else {
            destination = true;
            match network(text) {
                Some(own) if family.is_none_or(|known| known == own) => family = Some(own),
                Some(_) => refused(reader, line, word, "addresses of one family"),
                None => option(reader, line, word),
            }
        }
    }
    if !destination {
        reader
            .warn(line.origin(), Code::KeepalivedCheckIncomplete)
            .with("word", "the route")
            .with("missing", "destination");
    } else if moved && !said.contains(&"no_track") {
        if !said.contains(&"dev") && !said.contains(&"oif") {
            reader.warn(line.origin(), Code::KeepalivedRouteDevice);
        } else if said.contains(&"protocol") {
            reader.warn(line.origin(), Code::KeepalivedRouteProtocol);
        }
    }
}

/// Checks the rules of a list.
pub(super) fn rules(reader: &mut Reader<'_>, list: &Statement) {
    for line in list.inside() {
        let mut words = std::iter::once(&line.keyword).chain(&line.arguments);
        let mut family = None;
        let mut said = Vec::new();
        while let Some(word) = words.next() {
            let text = word.text.as_str();
            said.push(text);
            if RULE_VALUES.contains(&text) || text == "goto" {
                let Some(value) = words.next() else {
                    reader.warn(line.origin_of(word), Code::ValueMissing).with("word", text);
                    break;
                };
                match text {
                    "from" | "to" | "src" | "dst"
                        if !matches!(value.text.as_str(), "all" | "any" | "default") =>
                    {
                        address(reader, line, word, value, &mut family);
                    }
                    "preference" | "priority" | "order" if value.text.parse::<u32>().is_err() => {
                        wrong(reader, line, word, value, "0 4294967295");
                    }
                    _ => {}
                }
            } else if !RULE_FLAGS.contains(&text) {
                option(reader, line, word);
                // What belongs to it is not known.
                words.next();
            }
        }
        if !said.iter().any(|word| RULE_ACTIONS.contains(word)) {
            reader.warn(line.origin(), Code::KeepalivedRuleAction);
        } else if !said.iter().any(|word| matches!(*word, "preference" | "priority" | "order")) {
            reader.warn(line.origin(), Code::KeepalivedRulePreference);
        }
    }
}

/// The family of an address with or without a length.
fn network(text: &str) -> Option<Family> {
    let address = text.parse::<IpAddr>().or_else(|_| text.parse::<IpNet>().map(|network| network.addr()));
    address.ok().map(Family::of)
}

/// An address, whose family has to be that of the others.
fn address(
    reader: &mut Reader<'_>,
    line: &Statement,
    word: &Word,
    value: &Word,
    family: &mut Option<Family>,
) {
    match network(&value.text) {
        // A gateway may be of the other family where that is said; the rest has one.
        Some(own) if *family.get_or_insert(own) == own => {}
        Some(_) => wrong(reader, line, word, value, "addresses of one family"),
        None => wrong(reader, line, word, value, "an IP address"),
    }
}

fn wrong(reader: &mut Reader<'_>, line: &Statement, word: &Word, value: &Word, choices: &str) {
    reader
        .warn(line.origin_of(value), Code::KeepalivedValue)
        .with("word", excerpt(&word.text))
        .with("text", excerpt(&value.text))
        .with("choices", choices);
}

fn deprecated(reader: &mut Reader<'_>, line: &Statement, word: &Word, instead: &str) {
    reader
        .warn(line.origin_of(word), Code::KeepalivedDeprecated)
        .with("word", &word.text)
        .with("instead", instead)
        .suggest(Some(instead.to_owned()));
}
