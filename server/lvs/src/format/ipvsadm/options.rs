//! The options of ipvsadm and how a line is cut into them.

use super::super::places::Spot;

/// A word of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) spot: Spot,
}

/// What an option is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Opt {
    AddService,
    EditService,
    DeleteService,
    AddServer,
    EditServer,
    DeleteServer,
    Clear,
    /// The kernel's session timeouts.
    Timeouts,
    /// A command that only looks at the table, or counts anew.
    Looks,
    /// A command that describes no table.
    Other,
    Tcp,
    Udp,
    Sctp,
    Mark,
    Ipv6,
    Scheduler,
    Persistent,
    Netmask,
    Engine,
    Flags,
    OnePacket,
    Server,
    Direct,
    Tunnel,
    Masquerade,
    TunnelType,
    TunnelPort,
    NoChecksum,
    FullChecksum,
    RemoteChecksum,
    Weight,
    Upper,
    Lower,
    Numeric,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    /// A value where the next word is no option (`-p`).
    Perhaps,
}

struct Known {
    short: Option<char>,
    long: &'static str,
    option: Opt,
    takes: Takes,
}

const fn known(short: Option<char>, long: &'static str, option: Opt, takes: Takes) -> Known {
    Known { short, long, option, takes }
}

const KNOWN: &[Known] = &[
    known(Some('A'), "add-service", Opt::AddService, Takes::Nothing),
    known(Some('E'), "edit-service", Opt::EditService, Takes::Nothing),
    known(Some('D'), "delete-service", Opt::DeleteService, Takes::Nothing),
    known(Some('a'), "add-server", Opt::AddServer, Takes::Nothing),
    known(Some('e'), "edit-server", Opt::EditServer, Takes::Nothing),
    known(Some('d'), "delete-server", Opt::DeleteServer, Takes::Nothing),
    known(Some('C'), "clear", Opt::Clear, Takes::Nothing),
    known(Some('R'), "restore", Opt::Other, Takes::Nothing),
    known(Some('S'), "save", Opt::Looks, Takes::Nothing),
    known(Some('L'), "list", Opt::Looks, Takes::Nothing),
    known(Some('l'), "list", Opt::Looks, Takes::Nothing),
    known(Some('Z'), "zero", Opt::Looks, Takes::Nothing),
    known(Some('h'), "help", Opt::Looks, Takes::Nothing),
    known(Some('v'), "version", Opt::Looks, Takes::Nothing),
    known(None, "set", Opt::Timeouts, Takes::Nothing),
    known(None, "start-daemon", Opt::Other, Takes::Nothing),
    known(None, "stop-daemon", Opt::Other, Takes::Nothing),
    known(Some('t'), "tcp-service", Opt::Tcp, Takes::Value),
    known(Some('u'), "udp-service", Opt::Udp, Takes::Value),
    known(None, "sctp-service", Opt::Sctp, Takes::Value),
    known(Some('f'), "fwmark-service", Opt::Mark, Takes::Value),
    known(Some('6'), "ipv6", Opt::Ipv6, Takes::Nothing),
    known(Some('s'), "scheduler", Opt::Scheduler, Takes::Value),
    known(Some('p'), "persistent", Opt::Persistent, Takes::Perhaps),
    known(Some('M'), "netmask", Opt::Netmask, Takes::Value),
    known(None, "pe", Opt::Engine, Takes::Value),
    known(Some('b'), "sched-flags", Opt::Flags, Takes::Value),
    known(Some('o'), "ops", Opt::OnePacket, Takes::Nothing),
    known(Some('r'), "real-server", Opt::Server, Takes::Value),
    known(Some('g'), "gatewaying", Opt::Direct, Takes::Nothing),
    known(Some('i'), "ipip", Opt::Tunnel, Takes::Nothing),
    known(Some('m'), "masquerading", Opt::Masquerade, Takes::Nothing),
    known(None, "tun-type", Opt::TunnelType, Takes::Value),
    known(None, "tun-port", Opt::TunnelPort, Takes::Value),
    known(None, "tun-nocsum", Opt::NoChecksum, Takes::Nothing),
    known(None, "tun-csum", Opt::FullChecksum, Takes::Nothing),
    known(None, "tun-remcsum", Opt::RemoteChecksum, Takes::Nothing),
    known(Some('w'), "weight", Opt::Weight, Takes::Value),
    known(Some('x'), "u-threshold", Opt::Upper, Takes::Value),
    known(Some('y'), "l-threshold", Opt::Lower, Takes::Value),
    known(Some('n'), "numeric", Opt::Numeric, Takes::Nothing),
];

/// An option as given on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given<'a> {
    pub(super) option: Opt,
    /// As written, without its value: `-s`, `--scheduler`.
    pub(super) name: String,
    pub(super) spot: Spot,
    /// Present where the option takes one, except after a bare `-p`.
    pub(super) value: Option<Word<'a>>,
}

/// A word that is no option, or an option without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong<'a> {
    NoOption(Word<'a>),
    NoValue { name: String, spot: Spot },
}

/// A hyphen, or what a text editor made of it.
pub(super) fn is_dash(c: char) -> bool {
    c == '-' || is_odd_dash(c)
}

/// Looks like a hyphen, but is none.
pub(super) fn is_odd_dash(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}')
}

/// Reads options as popt does: `-s rr`, `-srr`, `-At HOST`, `--scheduler rr`, `--scheduler=rr`.
pub(super) fn options<'a>(words: &[Word<'a>]) -> Vec<Result<Given<'a>, Wrong<'a>>> {
    let mut result = Vec::new();
    let mut rest = words.iter().copied().peekable();
    while let Some(word) = rest.next() {
        if let Some(long) = word.text.strip_prefix("--") {
            let (name, glued) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            let Some(found) = KNOWN.iter().find(|known| known.long == name) else {
                result.push(Err(Wrong::NoOption(word)));
                continue;
            };
            let glued = glued.map(|text| Word { text, spot: spot_of(word, text) });
            result.push(given(found, format!("--{name}"), word.spot, glued, &mut rest));
        } else if let Some(cluster) = word.text.strip_prefix('-').filter(|cluster| !cluster.is_empty()) {
            for (at, letter) in cluster.char_indices() {
                let Some(found) = KNOWN.iter().find(|known| known.short == Some(letter)) else {
                    result.push(Err(Wrong::NoOption(word)));
                    break;
                };
                let after = cluster.get(at.saturating_add(letter.len_utf8())..).unwrap_or_default();
                let takes_rest = found.takes != Takes::Nothing && !after.is_empty();
                let glued = takes_rest.then(|| Word { text: after, spot: spot_of(word, after) });
                result.push(given(found, format!("-{letter}"), word.spot, glued, &mut rest));
                if takes_rest {
                    break;
                }
            }
        } else {
            result.push(Err(Wrong::NoOption(word)));
        }
    }
    result
}

/// Where the end of a word begins.
fn spot_of(word: Word<'_>, end: &str) -> Spot {
    let before = word.text.chars().count().saturating_sub(end.chars().count());
    let column = word.spot.column.saturating_add(u32::try_from(before).unwrap_or(u32::MAX));
    Spot { column, ..word.spot }
}

fn given<'a>(
    known: &Known,
    name: String,
    spot: Spot,
    glued: Option<Word<'a>>,
    rest: &mut std::iter::Peekable<impl Iterator<Item = Word<'a>>>,
) -> Result<Given<'a>, Wrong<'a>> {
    let value = match known.takes {
        Takes::Nothing => None,
        Takes::Value => match glued.or_else(|| rest.next()) {
            Some(value) => Some(value),
            None => return Err(Wrong::NoValue { name, spot }),
        },
        Takes::Perhaps => glued.or_else(|| rest.next_if(|next| !next.text.starts_with('-'))),
    };
    Ok(Given { option: known.option, name, spot, value })
}
