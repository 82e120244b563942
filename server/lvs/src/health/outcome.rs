//! What a probe brought, and the classes of failure. Words for people are in the catalogue, by these names.

use serde::{Deserialize, Serialize};

use super::LoadReport;

/// What one probe of one check brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// The server answered as it should.
    Up {
        /// What it said about its load.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        load: Option<LoadReport>,
    },
    /// It did not.
    Down(Failure),
    /// The checker could not ask. Says nothing about the server and never changes a verdict.
    Undecided(Trouble),
}

/// Why a probe counts as failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "failure")]
pub enum Failure {
    /// Nobody listens there (RST, ICMP port unreachable).
    Refused,
    /// No answer in time.
    TimedOut {
        /// How far it had come.
        phase: Phase,
    },
    /// The connection was reset after it was established.
    Reset,
    /// No route, or a router said so.
    Unreachable,
    /// The connection ended before the answer was complete.
    ClosedEarly,
    /// The answer is not the expected one.
    Mismatch,
    /// A web server's status code that is not accepted.
    Status {
        /// The code.
        code: u16,
    },
    /// TLS could not be agreed, or the certificate is not good.
    Tls {
        /// Why.
        reason: TlsFailure,
    },
    /// A program said no, or could not say anything.
    Program {
        /// Why.
        reason: ProgramFailure,
    },
    /// A name server answered wrongly.
    Dns {
        /// Why.
        reason: DnsFailure,
    },
    /// The server's own agent says that it is down.
    Agent {
        /// Its words.
        #[serde(default)]
        says: String,
    },
    /// The answer breaks the protocol, or is an error of the protocol.
    Protocol,
    /// It answers well, but refuses clients' packets to the virtual address (RST).
    DataPathRefused,
}

/// A part of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Until the connection is established.
    Connect,
    /// Until TLS is agreed.
    Tls,
    /// Until the first byte of the answer.
    FirstByte,
    /// Until the answer is complete.
    Total,
    /// After a good answer, until the virtual address on the server answers clients' packets.
    DataPath,
}

/// What was wrong with TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TlsFailure {
    /// The certificate has ended.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is for another name.
    Name,
    /// Nobody trusted has signed it.
    Untrusted,
    /// It was revoked.
    Revoked,
    /// The server wants a certificate of ours, or does not like it.
    ClientCertificate,
    /// No common version or cipher, or another alert.
    Handshake,
    /// What answers does not speak TLS.
    NotTls,
}

/// Why a program's run counts as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProgramFailure {
    /// There is no such program, or it may not be run.
    Missing,
    /// It ended with a status other than 0.
    Exit {
        /// The status.
        status: i32,
    },
    /// A signal ended it.
    Signal {
        /// Its number.
        signal: i32,
    },
    /// It ran longer than it may.
    TimedOut,
}

/// What was wrong with a name server's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DnsFailure {
    /// It answered with an error.
    Code {
        /// The response code; 2 is SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
        code: u8,
    },
    /// It has no record of that type, or not the expected one.
    Answer,
}

/// Why the checker itself could not ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// No file descriptor is left.
    Descriptors,
    /// No local port is left, or the source address cannot be used.
    SourceAddress,
    /// The name could not be resolved: the resolver does not answer.
    Resolver,
    /// No memory, or no process could be started.
    Resources,
    /// The agent may not: a privilege is missing.
    Permission,
    /// This question cannot be asked from here (through the data path on the active director).
    NotPossibleHere,
    /// This director serves nobody and hears neither its partner nor any server: it is cut off itself.
    CutOff,
    /// A probe was begun and never came back.
    Lost,
    /// The agent itself was too late to tell: it was not given the processor in time.
    Late,
}

impl Failure {
    /// The word of its class, without details.
    pub fn as_str(&self) -> &'static str {
        match self {
            Failure::Refused => "refused",
            Failure::TimedOut { .. } => "timed-out",
            Failure::Reset => "reset",
            Failure::Unreachable => "unreachable",
            Failure::ClosedEarly => "closed-early",
            Failure::Mismatch => "mismatch",
            Failure::Status { .. } => "status",
            Failure::Tls { .. } => "tls",
            Failure::Program { .. } => "program",
            Failure::Dns { .. } => "dns",
            Failure::Agent { .. } => "agent",
            Failure::Protocol => "protocol",
            Failure::DataPathRefused => "data-path-refused",
        }
    }
}

impl Trouble {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Trouble::Descriptors => "descriptors",
            Trouble::SourceAddress => "source-address",
            Trouble::Resolver => "resolver",
            Trouble::Resources => "resources",
            Trouble::Permission => "permission",
            Trouble::NotPossibleHere => "not-possible-here",
            Trouble::CutOff => "cut-off",
            Trouble::Lost => "lost",
            Trouble::Late => "late",
        }
    }
}
