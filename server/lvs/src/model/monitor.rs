//! How real servers are checked: the questions, how often, and how many answers it takes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How real servers are checked. Without any check a server always counts as up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Monitor {
    /// What is asked; all must be answered well. None: not checked.
    pub checks: Vec<Check>,
    /// Port that is asked; the real server's where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Time between two checks, milliseconds (lvs.cf `timeout`, keepalived `delay_loop`).
    pub interval_ms: u32,
    /// Time that a check may take, milliseconds (lvs.cf `timeout`, keepalived `connect_timeout`).
    pub timeout_ms: u32,
    /// Failures in a row that take a server out (keepalived: `retry` and one).
    #[serde(skip_serializing_if = "is_one")]
    pub fall: u32,
    /// Successes in a row that bring it back.
    #[serde(skip_serializing_if = "is_one")]
    pub rise: u32,
    /// Time between a failure and the next try while the server still counts as up, milliseconds; the interval where
    /// absent (keepalived `delay_before_retry`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_delay_ms: Option<u32>,
    /// Seconds a failed server must answer again before it is used (lvs.cf `reentry`).
    pub reentry_s: u32,
    /// Whether a server counts as up until its first result (keepalived without `alpha`).
    #[serde(skip_serializing_if = "is_false")]
    pub start_up: bool,
    /// Where weights come from besides the configured one (lvs.cf `load_monitor`).
    #[serde(skip_serializing_if = "LoadMonitor::is_none")]
    pub load_monitor: LoadMonitor,
}

fn is_one(value: &u32) -> bool {
    *value == 1
}

fn is_false(value: &bool) -> bool {
    !*value
}

impl Default for Monitor {
    fn default() -> Self {
        Monitor {
            checks: vec![Check::Connect],
            port: None,
            interval_ms: 6_000,
            timeout_ms: 6_000,
            fall: 1,
            rise: 1,
            retry_delay_ms: None,
            reentry_s: 15,
            start_up: false,
            load_monitor: LoadMonitor::None,
        }
    }
}

impl Monitor {
    /// Servers that nobody checks.
    pub fn none() -> Self {
        Monitor { checks: Vec::new(), ..Monitor::default() }
    }
}

/// A question asked of a real server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Check {
    /// A TCP connection is enough.
    #[default]
    Connect,
    /// Send a text, compare the answer. Escapes (`\r`, `\n`, `\t`, `\\`, `\'`, `\"`) are as written in lvs.cf.
    SendExpect {
        /// What is sent; nothing where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        send: Option<String>,
        /// What the answer must begin with; absent: no answer needed; empty: any readable answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<String>,
        /// Whether `expect` is a regular expression.
        #[serde(default)]
        regex: bool,
    },
    /// An external program whose output is compared; `%h` is the server's address, `%p` its port.
    Program {
        /// Program and arguments, separated by blanks.
        command: String,
        /// What it must print.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<String>,
        /// Sent when no program is given; kept from the imported file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        send: Option<String>,
        /// Whether `expect` is a regular expression.
        #[serde(default)]
        regex: bool,
    },
    /// An external program whose exit status is the verdict: 0 is up (keepalived `MISC_CHECK`).
    Command {
        /// Program and arguments, separated by blanks; no shell reads them.
        command: String,
    },
    /// A web page.
    Http(HttpCheck),
    /// A mail server's greeting, answered and ended politely.
    Smtp {
        /// Name given with HELO; the director's where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        helo: Option<String>,
    },
    /// A name server's answer.
    Dns {
        /// Name asked for.
        #[serde(default = "root")]
        name: String,
        /// Type of record asked for.
        #[serde(default)]
        record: DnsRecord,
    },
    /// A datagram that must not be refused.
    Udp {
        /// What is sent, as hexadecimal bytes; something random where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        send: Option<String>,
        /// What the answer must begin with, as hexadecimal bytes with `X` for any half byte.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<String>,
        /// Whether silence counts as failure.
        #[serde(default)]
        reply_needed: bool,
    },
    /// An ICMP echo.
    Ping,
}

impl Check {
    /// The word that tells its kind in the API and in forms.
    pub fn kind(&self) -> &'static str {
        match self {
            Check::Connect => "connect",
            Check::SendExpect { .. } => "send-expect",
            Check::Program { .. } => "program",
            Check::Command { .. } => "command",
            Check::Http(_) => "http",
            Check::Smtp { .. } => "smtp",
            Check::Dns { .. } => "dns",
            Check::Udp { .. } => "udp",
            Check::Ping => "ping",
        }
    }
}

fn root() -> String {
    ".".to_owned()
}

/// A web page that must answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpCheck {
    /// Over TLS.
    #[serde(skip_serializing_if = "is_false")]
    pub tls: bool,
    /// Whether the server's certificate must be valid for the host.
    pub verify: bool,
    /// Path with query.
    pub path: String,
    /// `Host` header, and the name sent with TLS; address and port where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Version that is spoken.
    pub version: HttpVersion,
    /// Accepted status codes; 200 to 299 where none is given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<StatusRange>,
    /// MD5 of the body, 32 hexadecimal digits (keepalived `digest`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Regular expression that the body must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Turns `body` round: it must not match.
    #[serde(skip_serializing_if = "is_false")]
    pub body_absent: bool,
}

impl Default for HttpCheck {
    fn default() -> Self {
        HttpCheck {
            tls: false,
            verify: true,
            path: "/".to_owned(),
            host: None,
            version: HttpVersion::default(),
            status: Vec::new(),
            digest: None,
            body: None,
            body_absent: false,
        }
    }
}

/// Version of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HttpVersion {
    /// HTTP/1.0, as keepalived asks by default.
    #[serde(rename = "1.0")]
    V1_0,
    /// HTTP/1.1.
    #[default]
    #[serde(rename = "1.1")]
    V1_1,
}

/// Status codes from one to another, both included; written `200` or `200-299`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StatusRange {
    first: u16,
    last: u16,
}

/// A text that is no [`StatusRange`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no status code from 100 to 599, nor two of them in order, such as 200-299")]
pub struct StatusRangeError(String);

impl StatusRange {
    /// Codes from `first` to `last`; none where they are out of range or order.
    pub fn new(first: u16, last: u16) -> Option<Self> {
        (100 <= first && first <= last && last <= 599).then_some(StatusRange { first, last })
    }

    /// Whether a code is among them.
    pub fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

impl FromStr for StatusRange {
    type Err = StatusRangeError;

    fn from_str(text: &str) -> Result<Self, StatusRangeError> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| text.trim().parse().ok();
        number(first)
            .zip(number(last))
            .and_then(|(first, last)| StatusRange::new(first, last))
            .ok_or_else(|| StatusRangeError(text.to_owned()))
    }
}

impl TryFrom<String> for StatusRange {
    type Error = StatusRangeError;

    fn try_from(text: String) -> Result<Self, StatusRangeError> {
        text.parse()
    }
}

impl From<StatusRange> for String {
    fn from(range: StatusRange) -> String {
        range.to_string()
    }
}

impl fmt::Display for StatusRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

/// Type of a DNS record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum DnsRecord {
    A,
    Aaaa,
    Cname,
    Dnskey,
    Mx,
    Ns,
    Rrsig,
    #[default]
    Soa,
    Txt,
}

impl DnsRecord {
    /// All of them.
    pub const ALL: [DnsRecord; 9] = [
        DnsRecord::A,
        DnsRecord::Aaaa,
        DnsRecord::Cname,
        DnsRecord::Dnskey,
        DnsRecord::Mx,
        DnsRecord::Ns,
        DnsRecord::Rrsig,
        DnsRecord::Soa,
        DnsRecord::Txt,
    ];

    /// The name of the type.
    pub fn as_str(self) -> &'static str {
        match self {
            DnsRecord::A => "A",
            DnsRecord::Aaaa => "AAAA",
            DnsRecord::Cname => "CNAME",
            DnsRecord::Dnskey => "DNSKEY",
            DnsRecord::Mx => "MX",
            DnsRecord::Ns => "NS",
            DnsRecord::Rrsig => "RRSIG",
            DnsRecord::Soa => "SOA",
            DnsRecord::Txt => "TXT",
        }
    }
}

/// Where weights come from besides the configured one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum LoadMonitor {
    /// Nowhere else.
    #[default]
    None,
    /// A program of Piranha's (`rup`, `ruptime`, `uptime`) or a path.
    Command(String),
}

impl LoadMonitor {
    /// Whether weights are only the configured ones.
    pub fn is_none(&self) -> bool {
        *self == LoadMonitor::None
    }
}

impl From<String> for LoadMonitor {
    fn from(text: String) -> Self {
        if text.is_empty() || text == "none" { LoadMonitor::None } else { LoadMonitor::Command(text) }
    }
}

impl From<LoadMonitor> for String {
    fn from(monitor: LoadMonitor) -> String {
        match monitor {
            LoadMonitor::None => "none".to_owned(),
            LoadMonitor::Command(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_codes_are_one_or_a_range() {
        for text in ["200", "200-299", "100-599"] {
            let range: StatusRange = text.parse().unwrap();
            assert_eq!(range.to_string(), text);
        }
        assert!("200-299".parse::<StatusRange>().unwrap().contains(204));
        for text in ["", "99", "600", "299-200", "200-", "ok"] {
            assert!(text.parse::<StatusRange>().is_err(), "{text}");
        }
    }

    #[test]
    fn checks_keep_their_shape_as_json() {
        let monitor: Monitor =
            serde_json::from_str(r#"{"checks":[{"kind":"http","path":"/up","status":["200","301-302"]}]}"#)
                .unwrap();
        let Some(Check::Http(http)) = monitor.checks.first() else { panic!("no web check") };
        assert!(http.verify && http.status.len() == 2);
        let json = serde_json::to_string(&monitor).unwrap();
        assert_eq!(serde_json::from_str::<Monitor>(&json).unwrap(), monitor);
        assert!(serde_json::from_str::<Monitor>(r#"{"checks":[{"kind":"http","pat":"/"}]}"#).is_err());
    }
}
