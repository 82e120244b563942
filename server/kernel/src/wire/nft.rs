//! nf_tables messages: one table of ours that drops packets of TCP connections nobody knows, by address and port.
//!
//! Numbers here are in network byte order, other than in the families around it (`nfnetlink(7)`, `nf_tables.h`).

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::message::Message;

/// The table's name.
pub const TABLE: &str = "caribe-handover";
/// `NFNL_SUBSYS_NFTABLES`, and the messages around a transaction.
pub(super) const SUBSYSTEM: u16 = 10;
pub(super) const BATCH_BEGIN: u16 = 0x10;
pub(super) const BATCH_END: u16 = 0x11;
/// `NFT_MSG_*`.
pub(super) const NEW_TABLE: u16 = 0;
pub(super) const NEW_CHAIN: u16 = 3;
pub(super) const NEW_RULE: u16 = 6;
const NEW_SET: u16 = 9;
const NEW_SET_ELEMENTS: u16 = 12;
/// `NFT_TABLE_F_OWNER`: the table goes when the socket that made it is closed (Linux 5.12).
const OWNER: u32 = 2;
/// After IPVS has taken what it knows (priorities 98 to 100 of these hooks).
const PRIORITY: u32 = 110;
/// `NF_INET_LOCAL_IN`, `NF_INET_FORWARD`.
const LOCAL_IN: u32 = 1;
const FORWARD: u32 = 2;
/// Elements in one message.
const AT_ONCE: usize = 512;
/// A register of 16 bytes, and the first of those of 4 that share its place.
pub(super) const REGISTER: u32 = 1;
const WORDS: u32 = 8;
const TCP: u8 = 6;
const SYN: u8 = 2;

/// Which half of the table a set, a chain and a rule belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    /// What clients send to a service, and arrives here for nobody. A new connection passes.
    Arriving,
    /// What real servers send back, and passes through untranslated.
    Replies,
}

impl Half {
    fn name(self) -> &'static str {
        match self {
            Half::Arriving => "arriving",
            Half::Replies => "replies",
        }
    }
}

/// The messages of a transaction that makes the table, in order; the first and the last are its frame.
pub fn table(arriving: &BTreeSet<SocketAddr>, replies: &BTreeSet<SocketAddr>) -> Vec<Message> {
    let mut messages = vec![frame(BATCH_BEGIN)];
    for (family, ipv4) in [(libc::AF_INET, true), (libc::AF_INET6, false)] {
        let of = |all: &BTreeSet<SocketAddr>| {
            all.iter().copied().filter(|each| each.is_ipv4() == ipv4).collect::<Vec<_>>()
        };
        let halves = [(Half::Arriving, of(arriving)), (Half::Replies, of(replies))];
        if halves.iter().all(|(_, elements)| elements.is_empty()) {
            continue;
        }
        let make = |kind| Message::netfilter(SUBSYSTEM << 8 | kind, family as u8, 0, CREATE);
        let mut table = make(NEW_TABLE);
        table.put_text(1, TABLE);
        table.put_u32_be(2, OWNER);
        messages.push(table);
        for (half, elements) in halves {
            messages.push(set(make(NEW_SET), half, ipv4));
            for some in elements.chunks(AT_ONCE) {
                messages.push(self::elements(make(NEW_SET_ELEMENTS), half, some));
            }
            messages.push(chain(make(NEW_CHAIN), half));
            messages.push(rule(make(NEW_RULE), half, ipv4));
        }
    }
    messages.push(frame(BATCH_END));
    messages
}

const CREATE: i32 = libc::NLM_F_CREATE | libc::NLM_F_EXCL;

pub(super) fn frame(kind: u16) -> Message {
    Message::netfilter(kind, libc::AF_UNSPEC as u8, SUBSYSTEM, 0)
}

/// A set of addresses with ports.
fn set(mut message: Message, half: Half, ipv4: bool) -> Message {
    // What nft(8) shows it as: ipv4_addr (7) or ipv6_addr (8), then inet_service (13), six bits each.
    let (kind, length) = if ipv4 { (7 << 6 | 13, 8) } else { (8 << 6 | 13, 20) };
    message.put_text(1, TABLE);
    message.put_text(2, half.name());
    message.put_u32_be(3, 0);
    message.put_u32_be(4, kind);
    message.put_u32_be(5, length);
    message.put_u32_be(10, half as u32 + 1);
    message
}

fn elements(mut message: Message, half: Half, elements: &[SocketAddr]) -> Message {
    message.put_text(1, TABLE);
    message.put_text(2, half.name());
    message.nest(3, |list| {
        for element in elements {
            let mut key = match element.ip() {
                IpAddr::V4(ip) => ip.octets().to_vec(),
                IpAddr::V6(ip) => ip.octets().to_vec(),
            };
            key.extend(element.port().to_be_bytes());
            key.extend([0, 0]);
            list.nest(1, |element| element.nest(1, |data| data.put(1, &key)));
        }
    });
    message
}

fn chain(mut message: Message, half: Half) -> Message {
    let hook = match half {
        Half::Arriving => LOCAL_IN,
        Half::Replies => FORWARD,
    };
    message.put_text(1, TABLE);
    message.put_text(3, half.name());
    message.nest(4, |attributes| {
        attributes.put_u32_be(1, hook);
        attributes.put_u32_be(2, PRIORITY);
    });
    message.put_text(7, "filter");
    message
}

fn rule(mut message: Message, half: Half, ipv4: bool) -> Message {
    message.put_text(1, TABLE);
    message.put_text(2, half.name());
    let (address, length, after) = match (half, ipv4) {
        (Half::Arriving, true) => (16, 4, WORDS + 1),
        (Half::Replies, true) => (12, 4, WORDS + 1),
        (Half::Arriving, false) => (24, 16, WORDS + 4),
        (Half::Replies, false) => (8, 16, WORDS + 4),
    };
    let port = if half == Half::Arriving { 2 } else { 0 };
    message.nest(4, |list| {
        // The protocol is TCP,
        expression(list, "meta", |data| {
            data.put_u32_be(1, REGISTER);
            data.put_u32_be(2, 16);
        });
        equals(list, TCP);
        if half == Half::Arriving {
            // it is no SYN,
            payload(list, (2, 13, 1), REGISTER);
            expression(list, "bitwise", |data| {
                data.put_u32_be(1, REGISTER);
                data.put_u32_be(2, REGISTER);
                data.put_u32_be(3, 1);
                data.nest(4, |mask| mask.put(1, &[SYN]));
                data.nest(5, |xor| xor.put(1, &[0]));
            });
            equals(list, 0);
        }
        // address and port are in the set:
        payload(list, (1, address, length), WORDS);
        payload(list, (2, port, 2), after);
        expression(list, "lookup", |data| {
            data.put_text(1, half.name());
            data.put_u32_be(2, WORDS);
        });
        // drop.
        expression(list, "immediate", |data| {
            data.put_u32_be(1, 0);
            data.nest(2, |value| value.nest(2, |verdict| verdict.put_u32_be(1, 0)));
        });
    });
    message
}

pub(super) fn expression(list: &mut Message, name: &str, data: impl FnOnce(&mut Message)) {
    list.nest(1, |element| {
        element.put_text(1, name);
        element.nest(2, data);
    });
}

/// Loads a piece of the packet: header (network 1, transport 2), offset, length.
pub(super) fn payload(list: &mut Message, (base, offset, length): (u32, u32, u32), register: u32) {
    expression(list, "payload", |data| {
        data.put_u32_be(1, register);
        data.put_u32_be(2, base);
        data.put_u32_be(3, offset);
        data.put_u32_be(4, length);
    });
}

/// Goes on only where the first byte of the register is this.
fn equals(list: &mut Message, byte: u8) {
    expression(list, "cmp", |data| {
        data.put_u32_be(1, REGISTER);
        data.put_u32_be(2, 0);
        data.nest(3, |value| value.put(1, &[byte]));
    });
}
