//! nf_tables messages for the table of packet rules: marks on the way in, masquerading on the way out; and reading back
//! what it holds.
//!
//! Each rule carries its text as a comment, by which it is found again: whoever changes a rule with another tool loses or
//! keeps that text, but cannot add or remove a rule without the list being another.

use std::net::IpAddr;

use lvs::model::{MarkedTraffic, Masquerade, Protocol};
use lvs::table::{PACKET_TABLE, PacketRule, PacketRules};

use super::Malformed;
use super::attribute::Attributes;
use super::message::Message;
use super::nft::{
    BATCH_BEGIN, BATCH_END, NEW_CHAIN, NEW_RULE, NEW_TABLE, REGISTER, SUBSYSTEM, expression, frame, payload,
};

const GET_TABLE: u16 = 1;
const DELETE_TABLE: u16 = 2;
const GET_CHAIN: u16 = 4;
const GET_RULE: u16 = 7;
/// `NFPROTO_INET`.
const INET: u8 = 1;
/// `NF_INET_PRE_ROUTING`, `NF_INET_POST_ROUTING`.
const PRE_ROUTING: u32 = 0;
const POST_ROUTING: u32 = 4;
/// Priorities `mangle` and `srcnat`.
const MANGLE: i32 = -150;
const SOURCE_NAT: i32 = 100;
/// `NFT_META_*`.
const META_MARK: u32 = 3;
const META_OUT_NAME: u32 = 7;
const META_FAMILY: u32 = 15;
const META_PROTOCOL: u32 = 16;
/// `NFT_CMP_*`.
const EQUAL: u32 = 0;
const NOT_EQUAL: u32 = 1;
const AT_MOST: u32 = 3;
const AT_LEAST: u32 = 5;
/// The kind of user data that nft(8) shows as a comment.
const COMMENT: u8 = 0;
/// What stands for a rule without a text.
const NOT_OURS: &str = "?";

/// The messages of a transaction that leaves the table with exactly these rules, whatever it held.
pub fn replace(rules: &PacketRules) -> Vec<Message> {
    // Made first, so that removing it never fails; nothing is seen of that.
    let mut messages = vec![frame(BATCH_BEGIN), named(NEW_TABLE), named(DELETE_TABLE), named(NEW_TABLE)];
    let (marks, leaving): (Vec<&PacketRule>, Vec<&PacketRule>) =
        rules.0.iter().partition(|rule| matches!(rule, PacketRule::Mark { .. }));
    let chains = [
        (marks, "marks", "filter", PRE_ROUTING, MANGLE),
        (leaving, "outwards", "nat", POST_ROUTING, SOURCE_NAT),
    ];
    for (rules, name, kind, hook, priority) in chains.into_iter().filter(|(rules, ..)| !rules.is_empty()) {
        messages.push(chain(name, kind, hook, priority));
        messages.extend(rules.into_iter().map(|each| rule(name, each)));
    }
    messages.push(frame(BATCH_END));
    messages
}

/// The messages of a transaction that removes the table with all it holds.
pub fn remove() -> Vec<Message> {
    vec![frame(BATCH_BEGIN), named(DELETE_TABLE), frame(BATCH_END)]
}

/// Asks whether the table is there.
pub fn table() -> Message {
    named(GET_TABLE)
}

/// Asks for its rules.
pub fn rules() -> Message {
    let mut message = Message::netfilter(SUBSYSTEM << 8 | GET_RULE, INET, 0, libc::NLM_F_DUMP);
    message.put_text(1, PACKET_TABLE);
    message
}

/// The text of a listed rule; none where it is in another table.
pub fn decode_rule(payload: &[u8]) -> Result<Option<String>, Malformed> {
    let mut text = None;
    for attribute in Attributes::new(payload.get(4..).ok_or(Malformed)?) {
        let attribute = attribute?;
        match attribute.kind {
            1 if attribute.text()? != PACKET_TABLE => return Ok(None),
            7 => text = comment(attribute.value),
            _ => {}
        }
    }
    Ok(Some(text.unwrap_or_else(|| NOT_OURS.to_owned())))
}

/// The comment among a rule's user data: kind, length, value, one after the other.
fn comment(mut data: &[u8]) -> Option<String> {
    while let [kind, length, rest @ ..] = data {
        let (value, rest) = rest.split_at_checked(usize::from(*length))?;
        if *kind == COMMENT {
            let text = std::str::from_utf8(value).ok()?;
            return Some(text.trim_end_matches('\0').to_owned());
        }
        data = rest;
    }
    None
}

/// A chain that sees every packet, and what becomes of one that no rule of it decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseChain {
    /// `ip`, `ip6`, `inet` or another.
    pub family: &'static str,
    /// Table and chain.
    pub name: String,
    /// `input`, `forward`, `output` or another.
    pub hook: &'static str,
    /// What no rule accepts is dropped.
    pub drops: bool,
}

/// Asks for all chains of all tables.
pub fn chains() -> Message {
    Message::netfilter(SUBSYSTEM << 8 | GET_CHAIN, libc::AF_UNSPEC as u8, 0, libc::NLM_F_DUMP)
}

/// A listed chain; none where it is no base chain.
pub fn decode_chain(payload: &[u8]) -> Result<Option<BaseChain>, Malformed> {
    let family = match payload.first().ok_or(Malformed)? {
        1 => "inet",
        2 => "ip",
        10 => "ip6",
        _ => return Ok(None),
    };
    let (mut table, mut name, mut hook, mut drops) = ("", "", None, false);
    for attribute in Attributes::new(payload.get(4..).ok_or(Malformed)?) {
        let attribute = attribute?;
        match attribute.kind {
            1 => table = attribute.text()?,
            3 => name = attribute.text()?,
            4 => {
                for inner in attribute.nested() {
                    let inner = inner?;
                    if inner.kind == 1 {
                        hook = Some(inner.u32_be()?);
                    }
                }
            }
            5 => drops = attribute.u32_be()? == 0,
            _ => {}
        }
    }
    let hook = match hook {
        None => return Ok(None),
        Some(1) => "input",
        Some(2) => "forward",
        Some(3) => "output",
        Some(_) => "other",
    };
    Ok(Some(BaseChain { family, name: format!("{table} {name}"), hook, drops }))
}

fn named(kind: u16) -> Message {
    let flags = if kind == NEW_TABLE { libc::NLM_F_CREATE } else { 0 };
    let mut message = Message::netfilter(SUBSYSTEM << 8 | kind, INET, 0, flags);
    message.put_text(1, PACKET_TABLE);
    message
}

fn chain(name: &str, kind: &str, hook: u32, priority: i32) -> Message {
    let mut message = Message::netfilter(SUBSYSTEM << 8 | NEW_CHAIN, INET, 0, libc::NLM_F_CREATE);
    message.put_text(1, PACKET_TABLE);
    message.put_text(3, name);
    message.nest(4, |attributes| {
        attributes.put_u32_be(1, hook);
        attributes.put_u32_be(2, priority as u32);
    });
    message.put_text(7, kind);
    message
}

fn rule(chain: &str, rule: &PacketRule) -> Message {
    let flags = libc::NLM_F_CREATE | libc::NLM_F_APPEND;
    let mut message = Message::netfilter(SUBSYSTEM << 8 | NEW_RULE, INET, 0, flags);
    message.put_text(1, PACKET_TABLE);
    message.put_text(2, chain);
    message.nest(4, |list| match rule {
        PacketRule::Mark { mark, traffic } => {
            matched(list, traffic);
            expression(list, "immediate", |data| {
                data.put_u32_be(1, REGISTER);
                // The packet's mark is a number in the machine's order.
                data.nest(2, |value| value.put(1, &mark.get().to_ne_bytes()));
            });
            expression(list, "meta", |data| {
                data.put_u32_be(2, META_MARK);
                data.put_u32_be(3, REGISTER);
            });
        }
        PacketRule::Masquerade(leaving) => {
            leaves(list, leaving);
            expression(list, "masq", |_| {});
        }
    });
    let mut data = vec![COMMENT];
    let text = format!("{rule}\0");
    // At most about 160 bytes: two networks, an interface and four words.
    data.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    data.extend(text.bytes().take(usize::from(u8::MAX)));
    message.put(7, &data);
    message
}

/// Goes on only with packets of this traffic.
fn matched(list: &mut Message, traffic: &MarkedTraffic) {
    family(list, traffic.address);
    let (offset, length) = match traffic.address {
        IpAddr::V4(_) => (16, 4),
        IpAddr::V6(_) => (24, 16),
    };
    payload(list, (1, offset, length), REGISTER);
    compare(list, EQUAL, &bytes(traffic.address));
    meta(list, META_PROTOCOL);
    let protocol = match traffic.protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
    };
    compare(list, EQUAL, &[protocol]);
    payload(list, (2, 2, 2), REGISTER);
    if traffic.last_port() == traffic.port {
        compare(list, EQUAL, &traffic.port.to_be_bytes());
    } else {
        compare(list, AT_LEAST, &traffic.port.to_be_bytes());
        compare(list, AT_MOST, &traffic.last_port().to_be_bytes());
    }
}

/// Goes on only with packets that come from the network and leave it.
fn leaves(list: &mut Message, Masquerade { source, device }: &Masquerade) {
    let network = source.network();
    family(list, network);
    let (from, to, length) = match network {
        IpAddr::V4(_) => (12, 16, 4),
        IpAddr::V6(_) => (8, 24, 16),
    };
    for (offset, how) in [(from, EQUAL), (to, NOT_EQUAL)] {
        payload(list, (1, offset, length), REGISTER);
        expression(list, "bitwise", |data| {
            data.put_u32_be(1, REGISTER);
            data.put_u32_be(2, REGISTER);
            data.put_u32_be(3, length);
            data.nest(4, |mask| mask.put(1, &bytes(source.netmask())));
            data.nest(5, |xor| xor.put(1, &vec![0; bytes(network).len()]));
        });
        compare(list, how, &bytes(network));
    }
    if let Some(device) = device {
        meta(list, META_OUT_NAME);
        let mut name = device.interface().as_bytes().to_vec();
        name.resize(16, 0);
        compare(list, EQUAL, &name);
    }
}

fn family(list: &mut Message, address: IpAddr) {
    meta(list, META_FAMILY);
    compare(list, EQUAL, &[if address.is_ipv4() { libc::AF_INET as u8 } else { libc::AF_INET6 as u8 }]);
}

fn meta(list: &mut Message, key: u32) {
    expression(list, "meta", |data| {
        data.put_u32_be(1, REGISTER);
        data.put_u32_be(2, key);
    });
}

fn compare(list: &mut Message, how: u32, value: &[u8]) {
    expression(list, "cmp", |data| {
        data.put_u32_be(1, REGISTER);
        data.put_u32_be(2, how);
        data.nest(3, |data| data.put(1, value));
    });
}

fn bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::Replies;

    fn rules() -> PacketRules {
        let mark = |number: u32, text: &str| PacketRule::Mark {
            mark: number.try_into().unwrap(),
            traffic: text.parse().unwrap(),
        };
        let leaving = |text: &str| PacketRule::Masquerade(text.parse().unwrap());
        PacketRules(
            [
                leaving("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff00/120 enp0s31f6np1"),
                leaving("192.168.81.0/24"),
                mark(7, "tcp 192.0.2.1 80"),
                mark(7, "udp 2001:db8::1 5000-5100"),
            ]
            .into(),
        )
    }

    #[test]
    fn a_rule_is_read_back_by_its_text() {
        let mut found = Vec::new();
        for message in replace(&rules()) {
            let mut datagram = Vec::new();
            message.write(&mut datagram, 1, 0);
            let reply = Replies::new(&datagram).next().unwrap().unwrap();
            if reply.kind == SUBSYSTEM << 8 | NEW_RULE {
                found.extend(decode_rule(reply.payload).unwrap());
            }
        }
        assert_eq!(found, rules().texts());
        assert_eq!(found[0], "ip daddr 192.0.2.1 tcp dport 80 meta mark set 7");
    }

    #[test]
    fn rules_of_others_are_told_from_ours_and_no_bytes_are_too_odd() {
        let mut foreign = Message::netfilter(0, INET, 0, 0);
        foreign.put_text(1, PACKET_TABLE);
        foreign.put(7, &[9, 2, 1]);
        let mut datagram = Vec::new();
        foreign.write(&mut datagram, 1, 0);
        let payload = Replies::new(&datagram).next().unwrap().unwrap().payload;
        assert_eq!(decode_rule(payload), Ok(Some("?".to_owned())));
        for length in 0..payload.len() {
            let _ = decode_rule(&payload[..length]);
            let _ = decode_chain(&payload[..length]);
        }
        assert_eq!(decode_rule(&[]), Err(Malformed));
    }
}
