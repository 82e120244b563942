//! What the original daemons accept as the value of each word.

use crate::finding::{Code, Finding};
use crate::format::lvs_cf::value::{classic, number};
use crate::format::lvs_cf::write::OLD_SCHEDULERS;
use crate::format::names::{Names, service_port};
use crate::model::Protocol;

use super::lines::{Line, Token};

/// Kinds of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any one word.
    Text,
    /// An integer as C writes it, however large.
    Integer,
    /// The integer 0 or 1.
    Boolean,
    /// An integer or the name of a TCP service.
    Port,
    /// An address or a host name.
    Host,
    /// The same, but not 0.0.0.0.
    OwnAddress,
    /// An address in numbers only.
    Numeric,
    /// An address or a host name, and a device.
    Alias,
    /// A mask.
    Mask,
    /// A mask; anything else is passed over.
    LooseMask,
    /// One of these words.
    Keyword(&'static [&'static str]),
    /// One of the eight schedulers.
    Scheduler,
    /// `[ a b ]`
    List,
}

impl Kind {
    /// Of a word outside every block.
    pub(super) fn global(word: &str) -> Option<Self> {
        Some(match word {
            "serial_no" | "keepalive" | "deadtime" | "monitor_links" | "syncd_id" | "tcp_timeout"
            | "tcpfin_timeout" | "udp_timeout" => Kind::Integer,
            "backup_active" | "heartbeat" | "syncdaemon" | "hard_shutdown" | "sync" => Kind::Boolean,
            "primary" | "primary_private" | "backup_private" => Kind::OwnAddress,
            "backup" => Kind::Host,
            "heartbeat_port" => Kind::Port,
            "nat_router" => Kind::Alias,
            "nat_nmask" => Kind::Mask,
            "service" => Kind::Keyword(&["lvs", "fos"]),
            "network" => Kind::Keyword(&["nat", "direct", "tunnel"]),
            "reservation_conflict_action" => Kind::Keyword(&["nothing", "preempt"]),
            "rsh_command" | "debug_level" | "syncd_iface" | "active_cmd" | "inactive_cmd" | "ipvsadm"
            | "primary_shared" | "backup_shared" => Kind::Text,
            _ => return None,
        })
    }

    /// Of a word in a `virtual` or `failover` block.
    pub(super) fn service(word: &str) -> Option<Self> {
        Some(match word {
            "active" | "use_regex" | "quiesce_server" => Kind::Boolean,
            "address" => Kind::Alias,
            "vip_nmask" => Kind::Mask,
            "sorry_server" => Kind::Numeric,
            "fwmark" | "persistent" | "timeout" | "reentry" => Kind::Integer,
            "protocol" => Kind::Keyword(&["tcp", "udp"]),
            "port" => Kind::Port,
            "scheduler" => Kind::Scheduler,
            "pmask" => Kind::LooseMask,
            "master" => Kind::Host,
            "dirs" => Kind::List,
            "load_monitor" | "send" | "expect" | "send_program" | "client_monitor" | "start_cmd"
            | "stop_cmd" => Kind::Text,
            _ => return None,
        })
    }

    /// Of a word in a `server` block.
    pub(super) fn server(word: &str) -> Option<Self> {
        Some(match word {
            "address" => Kind::Host,
            "active" => Kind::Boolean,
            "weight" | "port" => Kind::Integer,
            _ => return None,
        })
    }

    /// How many words it has, at least and at most.
    pub(super) fn count(&self) -> (usize, usize) {
        match self {
            Kind::Alias => (2, 2),
            Kind::List => (1, usize::MAX),
            _ => (1, 1),
        }
    }

    /// Refuses values that are none of this kind. `name` is the word that they belong to.
    pub(super) fn check(
        &self,
        line: &Line<'_>,
        name: &Token<'_>,
        values: &[Token<'_>],
        names: &Names,
    ) -> Result<(), Finding> {
        let Some(value) = values.first() else { return Ok(()) };
        let text = value.text;
        let refuse = |code| Err(line.refuse(value.column, code).with("text", line.excerpt(value)));
        let argument = || {
            let finding = line.refuse(value.column, Code::OriginalArgument);
            Err(finding.with("text", line.excerpt(value)).with("word", name.text))
        };
        match self {
            Kind::Integer if !is_integer(text) => refuse(Code::OriginalInteger),
            Kind::Boolean if !is_integer(text) => refuse(Code::OriginalInteger),
            Kind::Boolean if !is_zero(text) && !is_one(text) => refuse(Code::OriginalBoolean),
            Kind::Port if !is_integer(text) && service_port(text, Protocol::Tcp).is_none() => argument(),
            Kind::Host | Kind::OwnAddress | Kind::Alias
                if classic(text).is_none() && names.ipv4(text).is_none() =>
            {
                refuse(Code::OriginalHost)
            }
            Kind::OwnAddress if classic(text).is_some_and(|address| address.is_unspecified()) => {
                refuse(Code::OriginalAddress)
            }
            Kind::Numeric if classic(text).is_none() => refuse(Code::OriginalAddress),
            Kind::Mask if classic(text).is_none() => refuse(Code::OriginalMask),
            Kind::Keyword(words) if !words.contains(&text) => argument(),
            Kind::Scheduler if !OLD_SCHEDULERS.iter().any(|scheduler| scheduler.as_str() == text) => {
                argument()
            }
            Kind::List => list(line, value, values),
            _ => Ok(()),
        }
    }
}

fn list(line: &Line<'_>, first: &Token<'_>, values: &[Token<'_>]) -> Result<(), Finding> {
    let end = values.iter().position(|value| value.text == "]").filter(|_| first.text == "[");
    match end.map(|end| values.get(end + 1)) {
        None => Err(line.refuse(first.column, Code::OriginalList)),
        Some(Some(extra)) => {
            Err(line.refuse(extra.column, Code::OriginalExtra).with("text", line.excerpt(extra)))
        }
        Some(None) => Ok(()),
    }
}

/// Whether `strtol` with base 0 takes the whole word. It skips blanks, and too large a number is its largest one.
fn is_integer(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let all = |digits: &str, radix| !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    match hexadecimal {
        Some(digits) => all(digits, 16),
        None if digits.starts_with('0') => all(digits, 8),
        None => all(digits, 10),
    }
}

fn is_zero(text: &str) -> bool {
    worth(text) == Some(0)
}

/// Whether a word is the integer 1.
pub(super) fn is_one(text: &str) -> bool {
    worth(text) == Some(1)
}

fn worth(text: &str) -> Option<i64> {
    number(text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}'))
        .map(|number| number.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::lvs_cf::vocabulary::Scope;

    #[test]
    fn integers_are_what_c_reads() {
        for text in ["0", "10", "010", "-3", "+3", "0x50", "0XfF", " 7", "99999999999999999999", "00"] {
            assert!(is_integer(text), "{text}");
        }
        for text in ["", "-", "08", "0x", "5s", "7 ", "yes", "- 3", "1.5", "٣"] {
            assert!(!is_integer(text), "{text}");
        }
    }

    #[test]
    fn every_word_has_a_kind_where_it_belongs() {
        for scope in [Scope::Global, Scope::Virtual, Scope::Server] {
            let kind = match scope {
                Scope::Global => Kind::global,
                Scope::Virtual => Kind::service,
                Scope::Server => Kind::server,
            };
            for word in scope.words() {
                assert!(kind(word).is_some(), "{word}");
            }
            for word in
                scope.page_words().iter().chain(&["mode", "debug", "log_file", "heartbeat_dev", "Active"])
            {
                assert_eq!(kind(word), None, "{word}");
            }
        }
    }
}
