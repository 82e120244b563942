//! One command as values: each option at most once, each value in its range.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use super::super::collector::Collector;
use super::super::names::{Names, is_host_name, service_port};
use super::super::places::Spot;
use super::options::{Given, Opt, Word, Wrong, options};
use crate::finding::{Code, Finding};
use crate::model::{PERSISTENCE_MAXIMUM_S, Protocol, SESSION_TIMEOUT_MAXIMUM_S, TunnelChecksum, TunnelKind};

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
    pub(super) target_spot: Option<Spot>,
    pub(super) server: Option<(IpAddr, Option<u16>)>,
    pub(super) server_spot: Option<Spot>,
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
    /// `--set`: TCP, TCP after a FIN, UDP; seconds.
    pub(super) timeouts: Option<[u32; 3]>,
    /// Every option given, by what it is about.
    pub(super) given: BTreeMap<Opt, Given<'a>>,
}

/// What is said about lines, and what is known from outside.
pub(super) struct Said<'c> {
    pub(super) findings: &'c mut Collector,
    pub(super) names: &'c Names,
    /// Whether everything is an error that ipvsadm refuses.
    pub(super) strict: bool,
    /// Host names without an address.
    pub(super) hosts: &'c mut BTreeSet<String>,
}

impl Said<'_> {
    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.add(finding);
    }

    /// What ipvsadm refuses, though it is clear what was meant.
    pub(super) fn refused(&mut self, finding: Finding) {
        self.findings.add(if self.strict { finding } else { finding.warning() });
    }
}

/// A finding about a place.
pub(super) fn at(spot: Spot, code: Code) -> Finding {
    Finding::line(spot.line, spot.column, code)
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
    /// Reads the words behind `ipvsadm`; none where they say nothing of a table, or where something was wrong and was
    /// said.
    pub(super) fn read(words: &[Word<'a>], said: &mut Said<'_>) -> Option<Self> {
        let options = options(words);
        for given in options.iter().flatten() {
            match given.option {
                Opt::Timeouts => return Line::timeouts(words, given, said),
                // Nothing is lost with these, so nothing is said.
                Opt::Looks => return None,
                Opt::Other => {
                    let unused = at(given.spot, Code::IpvsadmCommandUnused);
                    said.add(unused.with("command", &given.name).warning());
                    return None;
                }
                _ => {}
            }
        }
        let mut line = Line::default();
        let mut right = true;
        for option in options {
            right &= match option {
                Ok(given) => line.take(given, said).is_some(),
                Err(wrong) => {
                    said.add(match wrong {
                        Wrong::NoOption(word) => at(word.spot, Code::IpvsadmWord).with("word", word.text),
                        Wrong::NoValue { name, spot } => {
                            at(spot, Code::IpvsadmValueMissing).with("option", name)
                        }
                    });
                    false
                }
            };
        }
        right.then_some(line)
    }

    /// `--set TCP TCPFIN UDP`, seconds; 0 leaves one alone.
    fn timeouts(words: &[Word<'a>], set: &Given<'a>, said: &mut Said<'_>) -> Option<Self> {
        let mut values = [0; 3];
        let mut given = words.iter().filter(|word| word.text != set.name);
        for value in &mut values {
            let Some(word) = given.next() else {
                said.add(at(set.spot, Code::IpvsadmValueMissing).with("option", &set.name));
                return None;
            };
            *value = number(*word, 0, SESSION_TIMEOUT_MAXIMUM_S, said)?;
        }
        if let Some(word) = given.next() {
            said.add(at(word.spot, Code::IpvsadmWord).with("word", word.text));
            return None;
        }
        Some(Line { timeouts: Some(values), ..Line::default() })
    }

    fn take(&mut self, given: Given<'a>, said: &mut Said<'_>) -> Option<()> {
        let alone = [given.option];
        let group = EXCLUSIVE.iter().copied().find(|group| group.contains(&given.option)).unwrap_or(&alone);
        if let Some(first) = group.iter().find_map(|option| self.given.get(option)) {
            let code = if first.option == given.option { Code::IpvsadmTwice } else { Code::IpvsadmConflict };
            said.add(at(given.spot, code).with("option", &given.name).with("first", &first.name));
            return None;
        }
        self.given.insert(given.option, given.clone());
        let value = given.value.unwrap_or(Word { text: "", spot: given.spot });
        match given.option {
            Opt::AddService
            | Opt::EditService
            | Opt::DeleteService
            | Opt::AddServer
            | Opt::EditServer
            | Opt::DeleteServer
            | Opt::Clear => self.command = Some(given),
            Opt::Timeouts | Opt::Looks | Opt::Other | Opt::Ipv6 | Opt::OnePacket | Opt::Numeric => {}
            Opt::Tcp | Opt::Udp | Opt::Sctp => {
                let protocol = match given.option {
                    Opt::Tcp => Protocol::Tcp,
                    Opt::Udp => Protocol::Udp,
                    _ => Protocol::Sctp,
                };
                let (address, port) = endpoint(value, protocol, said)?;
                self.target = Some(Target::Address { protocol, address, port: port.unwrap_or(0) });
                self.target_spot = Some(value.spot);
            }
            Opt::Mark => {
                self.target = Some(Target::Mark(mark(value, said)?));
                self.target_spot = Some(value.spot);
            }
            Opt::Server => {
                // A port by name means the service's transport, which is named before it in every text of ipvsadm.
                let protocol = match self.target {
                    Some(Target::Address { protocol, .. }) => protocol,
                    _ => Protocol::Tcp,
                };
                self.server = Some(endpoint(value, protocol, said)?);
                self.server_spot = Some(value.spot);
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
            Opt::Weight => {
                // The kernel holds more, and so may what was saved of it; ipvsadm itself refuses it.
                let most = if said.strict { u16::MAX.into() } else { i32::MAX.unsigned_abs() };
                self.weight = Some(number(value, 0, most, said)?);
            }
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
            at(word.spot, Code::IpvsadmNumber)
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
        said.add(at(word.spot, Code::IpvsadmTunnel).with("word", word.text));
    }
    kind
}

/// `192.0.2.1:80`, `192.0.2.1`, `[2001:db8::1]:80`, `[2001:db8::1]`, and names in place of each part.
fn endpoint(word: Word<'_>, protocol: Protocol, said: &mut Said<'_>) -> Option<(IpAddr, Option<u16>)> {
    let (host, port) = match word.text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or(rest))),
        None => match word.text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (word.text, None),
        },
    };
    let port = match port {
        None => None,
        Some(text) => match decimal_port(text).or_else(|| service_port(text, protocol)) {
            Some(port) => Some(port),
            None => return bad_address(word, said),
        },
    };
    let bracketed = word.text.starts_with('[');
    let address = match (host.parse::<IpAddr>(), bracketed) {
        (Ok(address), _) if address.is_ipv6() == bracketed => address,
        (Err(_), _) if is_host_name(host) => known_host(word, host, bracketed, said)?,
        _ => return bad_address(word, said),
    };
    Some((address, port))
}

fn bad_address<T>(word: Word<'_>, said: &mut Said<'_>) -> Option<T> {
    // An IPv6 address without brackets.
    let ipv6 = word.text.parse::<Ipv6Addr>().ok().map(|address| format!("[{address}]"));
    let instead = ipv6.unwrap_or_else(|| "ipvsadm -S -n".to_owned());
    said.add(at(word.spot, Code::IpvsadmAddress).with("word", word.text).suggest(instead));
    None
}

/// What somebody looked a name up as.
fn known_host(word: Word<'_>, name: &str, ipv6: bool, said: &mut Said<'_>) -> Option<IpAddr> {
    let known = if ipv6 { said.names.any(name).filter(IpAddr::is_ipv6) } else { said.names.ipv4(name) };
    match known {
        Some(address) => {
            if !address.is_loopback() {
                said.add(
                    at(word.spot, Code::HostResolved).with("text", name).with("value", address).warning(),
                );
            }
        }
        None => {
            said.hosts.insert(name.to_owned());
            said.add(at(word.spot, Code::HostName).with("text", name).suggest("ipvsadm -S -n"));
        }
    }
    known
}

fn decimal_port(text: &str) -> Option<u16> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}
