//! A question asked of a real server, and where it is asked.

use std::net::IpAddr;
use std::num::NonZeroU32;

use serde::{Deserialize, Deserializer, Serialize};

use super::command::CommandLine;
use super::http::HttpCheck;
use super::is_default;
use super::tls::TlsOptions;
use crate::model::device::Device;
use crate::model::secret::Secret;

/// One check: a question, and what of the monitor it does otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Check {
    /// What is asked; written beside the other fields, with its `kind`.
    #[serde(flatten)]
    pub question: Question,
    /// Address that is asked in place of the real server's (keepalived `connect_ip`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Port that is asked; the monitor's where absent (keepalived `connect_port`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Address that is asked from; the monitor's where absent (keepalived `bindto`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// Port that is asked from; the kernel's choice where absent (keepalived `bind_port`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_port: Option<u16>,
    /// Interface that is asked through; the monitor's where absent (keepalived `bind_if`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<Device>,
    /// Firewall mark of the packets that ask; the monitor's where absent (keepalived `fwmark`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<NonZeroU32>,
    /// Its own interval, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_ms: Option<u32>,
    /// Its own time for a whole check, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// Its own number of failures in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fall: Option<u32>,
    /// Its own time between a failure and the next try, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_delay_ms: Option<u32>,
}

impl From<Question> for Check {
    fn from(question: Question) -> Self {
        Check {
            question,
            address: None,
            port: None,
            source: None,
            source_port: None,
            interface: None,
            mark: None,
            interval_ms: None,
            timeout_ms: None,
            fall: None,
            retry_delay_ms: None,
        }
    }
}

impl Check {
    /// The word that tells its kind in the API and in forms.
    pub fn kind(&self) -> &'static str {
        self.question.kind()
    }
}

/// A question asked of a real server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Question {
    /// A connection is enough: of TCP, or for a virtual server of UDP that nothing refuses it.
    #[default]
    #[serde(deserialize_with = "no_fields")]
    Connect,
    /// Send a text, compare the answer; over UDP where the virtual server serves UDP. Escapes (`\r`, `\n`, `\t`, `\\`, `\'`, `\"`) are as written in lvs.cf.
    SendExpect {
        /// What is sent; nothing where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        send: Option<String>,
        /// What the answer must hold; absent: no answer needed; empty: any readable answer; `*`: at least one byte.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<String>,
        /// How `expect` is compared.
        #[serde(default, skip_serializing_if = "is_default")]
        matching: Matching,
    },
    /// An external program whose output is compared; the words `%h` and `%p` stand for the server's address and port.
    Program {
        /// Program and arguments; no shell reads them.
        command: CommandLine,
        /// What it must print.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<String>,
        /// Sent when no program is given; kept from the imported file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        send: Option<String>,
        /// Whether `expect` is a regular expression.
        #[serde(default, skip_serializing_if = "is_default")]
        regex: bool,
    },
    /// An external program whose exit status is the verdict: 0 is up (keepalived `MISC_CHECK`). The words `%h` and
    /// `%p` stand for the server's address and port.
    Command {
        /// Program and arguments; no shell reads them.
        command: CommandLine,
        /// Whether the exit status also says the weight: 0 the configured one, 1 down, 2 to 255 a weight of 0 to 253
        /// (keepalived `misc_dynamic`).
        #[serde(default, skip_serializing_if = "is_default")]
        weight: bool,
    },
    /// A web page.
    Http(HttpCheck),
    /// A TLS handshake that completes.
    Tls {
        /// How it is spoken.
        #[serde(default)]
        tls: TlsOptions,
    },
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
        /// Data that one of the answered records must have, such as an address; any answer where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<String>,
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
    #[serde(deserialize_with = "no_fields")]
    Ping,
    /// A MySQL or MariaDB server's greeting; nobody logs in.
    #[serde(deserialize_with = "no_fields")]
    Mysql,
    /// A PostgreSQL server that accepts connections, asked as `pg_isready` asks; nobody logs in.
    Postgres {
        /// User named in the question.
        #[serde(default = "caribe", skip_serializing_if = "is_caribe")]
        user: String,
        /// Database named in the question; the user's where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        database: Option<String>,
    },
    /// A Redis or Valkey server's answer to PING.
    Redis {
        /// User for AUTH; the default user where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// Password for AUTH; none is sent where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<Secret>,
    },
}

impl Question {
    /// Every kind, in the order of the lists.
    pub const KINDS: [&'static str; 13] = [
        "connect",
        "send-expect",
        "program",
        "command",
        "http",
        "tls",
        "smtp",
        "dns",
        "udp",
        "ping",
        "mysql",
        "postgres",
        "redis",
    ];

    /// The word that tells its kind in the API and in forms.
    pub fn kind(&self) -> &'static str {
        match self {
            Question::Connect => "connect",
            Question::SendExpect { .. } => "send-expect",
            Question::Program { .. } => "program",
            Question::Command { .. } => "command",
            Question::Http(_) => "http",
            Question::Tls { .. } => "tls",
            Question::Smtp { .. } => "smtp",
            Question::Dns { .. } => "dns",
            Question::Udp { .. } => "udp",
            Question::Ping => "ping",
            Question::Mysql => "mysql",
            Question::Postgres { .. } => "postgres",
            Question::Redis { .. } => "redis",
        }
    }

    /// Whether it is asked at a port.
    pub fn has_port(&self) -> bool {
        !matches!(self, Question::Ping | Question::Program { .. } | Question::Command { .. })
    }

    /// Whether a program asks it in our place.
    pub fn is_program(&self) -> bool {
        matches!(self, Question::Program { .. } | Question::Command { .. })
    }
}

/// A kind of check without settings; a derived reader would take any field for one of them.
fn no_fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    #[derive(Deserialize)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    Nothing::deserialize(deserializer).map(|Nothing {}| ())
}

fn root() -> String {
    ".".to_owned()
}

fn caribe() -> String {
    "caribe".to_owned()
}

fn is_caribe(user: &String) -> bool {
    user == "caribe"
}

/// How an answer is compared with what is expected. Case counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Matching {
    /// The answer begins with it.
    #[default]
    Prefix,
    /// The answer holds it somewhere.
    Contains,
    /// It is a regular expression that matches somewhere in the answer.
    Regex,
}

impl Matching {
    /// All of them.
    pub const ALL: [Matching; 3] = [Matching::Prefix, Matching::Contains, Matching::Regex];

    /// The word used in the API and in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Matching::Prefix => "prefix",
            Matching::Contains => "contains",
            Matching::Regex => "regex",
        }
    }
}

/// Type of a DNS record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
