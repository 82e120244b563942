//! One line as values: each option at most once, each value in its range.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use super::super::collector::Collector;
use super::options::{Given, Opt, Word, Wrong, options, words};
use crate::finding::{Code, Finding};
use crate::model::{PERSISTENCE_MAXIMUM_S, Protocol, TunnelChecksum, TunnelKind};

/// The service a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Address { protocol: Protocol, address: IpAddr, port: u16 },
    Mark(NonZeroU32),
}

/// How a line forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Direct,
    Tunnel,
    Masquerade,
}

/// A line's options, each checked by itself; how they go together is for the reader to say.
#[derive(Debug, Default)]
pub(super) struct Line<'a> {
    /// The command with its place.
    pub(super) command: Option<Given<'a>>,
    pub(super) target: Option<Target>,
    /// Where the service is named, for findings about it.
    pub(super) target_column: u32,
    pub(super) server: Option<(IpAddr, Option<u16>)>,
    pub(super) server_column: u32,
    pub(super) scheduler: Option<Word<'a>>,
    /// `-p`, with 360 where no time follows: what ipvsadm 1.31 does (its manual says 300).
    pub(super) persistence_s: Option<u32>,
    pub(super) netmask: Option<Word<'a>>,
    pub(super) engine: Option<Word<'a>>,
    pub(super) flags: Option<Word<'a>>,
    pub(super) method: Option<Method>,
    pub(super) tunnel_kind: Option<TunnelKind>,
    pub(super) tunnel_port: Option<u16>,
    pub(super) checksum: Option<TunnelChecksum>,
    pub(super) weight: Option<u32>,
    pub(super) upper: Option<u32>,
    pub(super) lower: Option<u32>,
    /// Every option given, by what it is about.
    pub(super) given: BTreeMap<Opt, Given<'a>>,
}

/// What a line is read into: its number, and where findings go.
pub(super) struct Said<'c> {
    pub(super) number: u32,
    pub(super) findings: &'c mut Collector,
}

impl Said<'_> {
    pub(super) fn at(&self, column: u32, code: Code) -> Finding {
        Finding::line(self.number, column, code)
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.add(finding);
    }
}

/// Options of which a line can hold only one.
const EXCLUSIVE: &[&[Opt]] = &[
    &[
        Opt::AddService,
        Opt::EditService,
        Opt::DeleteService,
        Opt::AddServer,
        Opt::EditServer,
        Opt::DeleteServer,
        Opt::Clear,
    ],
    &[Opt::Tcp, Opt::Udp, Opt::Sctp, Opt::Mark],
    &[Opt::Direct, Opt::Tunnel, Opt::Masquerade],
    &[Opt::NoChecksum, Opt::FullChecksum, Opt::RemoteChecksum],
];

/// Persistence of a `-p` without a time, seconds.
const PERSISTENCE_DEFAULT_S: u32 = 360;

impl<'a> Line<'a> {
    /// Reads a line; none where it says nothing (blank, comment) or where something on it was wrong and was said.
    pub(super) fn read(text: &'a str, said: &mut Said<'_>) -> Option<Self> {
        let all = words(text);
        let mut words = all.as_slice();
        let first = words.first()?;
        if first.text.starts_with('#') {
            return None;
        }
        if first.text == "ipvsadm" || first.text.ends_with("/ipvsadm") {
            words = words.get(1..).unwrap_or_default();
        }
        let options = options(words);
        let other = options.iter().flatten().find(|given| given.option == Opt::Other);
        if let Some(other) = other {
            said.add(
                said.at(other.column, Code::IpvsadmCommandUnused).with("command", &other.name).warning(),
            );
            return None;
        }
        let mut line = Line::default();
        let mut right = true;
        for option in options {
            right &= match option {
                Ok(given) => line.take(given, said).is_some(),
                Err(wrong) => {
                    said.add(match wrong {
                        Wrong::NoOption(word) => {
                            said.at(word.column, Code::IpvsadmWord).with("word", word.text)
                        }
                        Wrong::NoValue { name, column } => {
                            said.at(column, Code::IpvsadmValueMissing).with("option", name)
                        }
                    });
                    false
                }
            };
        }
        right.then_some(line)
    }

    fn take(&mut self, given: Given<'a>, said: &mut Said<'_>) -> Option<()> {
        let alone = [given.option];
        let group = EXCLUSIVE.iter().copied().find(|group| group.contains(&given.option)).unwrap_or(&alone);
        if let Some(first) = group.iter().find_map(|option| self.given.get(option)) {
            said.add(
                said.at(given.column, Code::IpvsadmTwice)
                    .with("option", &given.name)
                    .with("first", &first.name),
            );
            return None;
        }
        self.given.insert(given.option, given.clone());
        let value = given.value.unwrap_or(Word { text: "", column: given.column });
        match given.option {
            Opt::AddService
            | Opt::EditService
            | Opt::DeleteService
            | Opt::AddServer
            | Opt::EditServer
            | Opt::DeleteServer
            | Opt::Clear => self.command = Some(given),
            Opt::Other | Opt::Ipv6 | Opt::OnePacket | Opt::Numeric => {}
            Opt::Tcp | Opt::Udp | Opt::Sctp => {
                let protocol = match given.option {
                    Opt::Tcp => Protocol::Tcp,
                    Opt::Udp => Protocol::Udp,
                    _ => Protocol::Sctp,
                };
                let (address, port) = endpoint(value, said)?;
                self.target = Some(Target::Address { protocol, address, port: port.unwrap_or(0) });
                self.target_column = value.column;
            }
            Opt::Mark => {
                self.target = Some(Target::Mark(mark(value, said)?));
                self.target_column = value.column;
            }
            Opt::Server => {
                self.server = Some(endpoint(value, said)?);
                self.server_column = value.column;
            }
            Opt::Scheduler => self.scheduler = Some(value),
            Opt::Persistent => {
                self.persistence_s = Some(match given.value {
                    Some(value) => number(value, 1, PERSISTENCE_MAXIMUM_S, said)?,
                    None => PERSISTENCE_DEFAULT_S,
                });
            }
            Opt::Netmask => self.netmask = Some(value),
            Opt::Engine => self.engine = Some(value),
            Opt::Flags => self.flags = Some(value),
            Opt::Direct => self.method = Some(Method::Direct),
            Opt::Tunnel => self.method = Some(Method::Tunnel),
            Opt::Masquerade => self.method = Some(Method::Masquerade),
            Opt::TunnelType => self.tunnel_kind = Some(tunnel_kind(value, said)?),
            Opt::TunnelPort => {
                let port = number(value, 1, u32::from(u16::MAX), said)?;
                self.tunnel_port = u16::try_from(port).ok();
            }
            Opt::NoChecksum => self.checksum = Some(TunnelChecksum::None),
            Opt::FullChecksum => self.checksum = Some(TunnelChecksum::Full),
            Opt::RemoteChecksum => self.checksum = Some(TunnelChecksum::Remote),
            Opt::Weight => self.weight = Some(number(value, 0, i32::MAX.unsigned_abs(), said)?),
            Opt::Upper => self.upper = Some(number(value, 0, u32::MAX, said)?),
            Opt::Lower => self.lower = Some(number(value, 0, u32::MAX, said)?),
        }
        Some(())
    }
}

fn number(word: Word<'_>, minimum: u32, maximum: u32, said: &mut Said<'_>) -> Option<u32> {
    let digits = !word.text.is_empty() && word.text.bytes().all(|byte| byte.is_ascii_digit());
    let value = word.text.parse().ok().filter(|n: &u32| digits && (minimum..=maximum).contains(n));
    if value.is_none() {
        said.add(
            said.at(word.column, Code::IpvsadmNumber)
                .with("word", word.text)
                .with("minimum", minimum)
                .with("maximum", maximum),
        );
    }
    value
}

/// A mark; ipvsadm prints those above 2147483647 as negative numbers.
fn mark(word: Word<'_>, said: &mut Said<'_>) -> Option<NonZeroU32> {
    let negative = word.text.parse::<i32>().ok().filter(|n| *n < 0).map(i32::cast_unsigned);
    match negative {
        Some(bits) => NonZeroU32::new(bits),
        None => number(word, 1, u32::MAX, said).and_then(NonZeroU32::new),
    }
}

fn tunnel_kind(word: Word<'_>, said: &mut Said<'_>) -> Option<TunnelKind> {
    let kinds = [TunnelKind::Ipip, TunnelKind::Gue, TunnelKind::Gre];
    let kind = kinds.into_iter().find(|kind| kind.as_str() == word.text);
    if kind.is_none() {
        said.add(said.at(word.column, Code::IpvsadmTunnel).with("word", word.text));
    }
    kind
}

/// `192.0.2.1:80`, `192.0.2.1`, `[2001:db8::1]:80`, `[2001:db8::1]`.
fn endpoint(word: Word<'_>, said: &mut Said<'_>) -> Option<(IpAddr, Option<u16>)> {
    let read = || {
        if let Some(rest) = word.text.strip_prefix('[') {
            let (address, rest) = rest.split_once(']')?;
            let address = address.parse::<Ipv6Addr>().ok()?;
            let port = match rest.strip_prefix(':') {
                Some(port) => Some(decimal_port(port)?),
                None if rest.is_empty() => None,
                None => return None,
            };
            return Some((IpAddr::V6(address), port));
        }
        let (address, port) = match word.text.split_once(':') {
            Some((address, port)) => (address, Some(decimal_port(port)?)),
            None => (word.text, None),
        };
        Some((IpAddr::V4(address.parse::<Ipv4Addr>().ok()?), port))
    };
    let endpoint = read();
    if endpoint.is_none() {
        said.add(said.at(word.column, Code::IpvsadmAddress).with("word", word.text).suggest("ipvsadm -S -n"));
    }
    endpoint
}

fn decimal_port(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
