//! What console and agents say to each other over HTTPS (`/v1/…` on the agent, `/agent/v1/…` on the console).
//!
//! Unknown fields are tolerated, missing required ones refused, so that a console can speak to agents one version
//! older or newer. Every message is JSON; the status stream is one JSON object a line.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::counters::Counters;
use crate::model::{Cluster, Seat};
use crate::plan::Ownership;
use crate::table::{AddressKey, Observed, ServiceKey};

/// The protocol name agents offer in ALPN when they dial the console's port; browsers never do.
pub const AGENT_ALPN: &[u8] = b"caribe-agent/1";

/// SHA-256 of a cluster's canonical JSON, in hex: two revisions with the same digest say the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub String);

impl Digest {
    /// The digest of a cluster's content.
    pub fn of(cluster: &Cluster) -> Self {
        // A value of plain maps, strings and numbers always serialises; an empty text would only make digests differ.
        let text = serde_json::to_vec(cluster).unwrap_or_default();
        Digest(hex::encode(Sha256::digest(&text)))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `PUT /v1/target`: the whole configuration a director is to make true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The console's id of the cluster.
    pub cluster_id: String,
    /// The director this is meant for; an agent refuses what is meant for another.
    pub director_id: String,
    /// Name of that director within `cluster.directors`; says which seat it sits in.
    pub director: String,
    /// Revision number, rising per cluster.
    pub revision: u64,
    /// Digest of `cluster`; the agent computes it again.
    pub digest: Digest,
    /// Take it even where the agent holds a newer revision.
    #[serde(default)]
    pub force: bool,
    /// The content.
    pub cluster: Cluster,
}

/// What an agent did with a target (200).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The revision it now holds.
    pub revision: u64,
    /// Its digest.
    pub digest: Digest,
    /// Whether the kernel now holds all of it.
    pub in_sync: bool,
    /// Steps done, as text.
    pub steps: Vec<String>,
    /// Steps that failed, with the kernel's reason; tried again by the agent's loop.
    #[serde(default)]
    pub failures: Vec<StepFailure>,
    /// Milliseconds from receiving to answering.
    pub took_ms: u64,
}

/// A step the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFailure {
    /// The step, as text.
    pub step: String,
    /// Why.
    pub reason: String,
}

/// Why an agent or the console refused a message (4xx). Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "refused")]
pub enum Refusal {
    /// The message could not be read.
    #[error("the message could not be read: {detail}")]
    Malformed {
        /// Where and why.
        detail: String,
    },
    /// The message is meant for another director.
    #[error("meant for director {meant}, this is {this}")]
    WrongDirector {
        /// Whom it was meant for.
        meant: String,
        /// Who refused it.
        this: String,
    },
    /// The agent holds a newer revision.
    #[error("revision {offered} is older than revision {held}, which is running here")]
    OlderRevision {
        /// What was offered.
        offered: u64,
        /// What it holds.
        held: u64,
    },
    /// The same revision number with other content.
    #[error("revision {revision} is running here with other content")]
    OtherContent {
        /// The number both carry.
        revision: u64,
    },
    /// The digest does not fit the content.
    #[error("the digest does not fit the content")]
    Digest,
    /// The content is not a valid cluster.
    #[error("the configuration is not valid: {}", findings.join("; "))]
    Invalid {
        /// What is wrong, as text.
        findings: Vec<String>,
    },
    /// The certificate is not one that may do this.
    #[error("{detail}")]
    Identity {
        /// Whose certificate it was and whose was expected.
        detail: String,
    },
    /// The join token is unknown, used or expired.
    #[error("the join token is {detail}")]
    Token {
        /// unknown, used or expired.
        detail: String,
    },
    /// Something failed on the refusing side; its log says more.
    #[error("{detail}")]
    Failed {
        /// In words that may leave the machine.
        detail: String,
    },
}

/// A director's state, sent on the stream when it changes (and at once to a new listener).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The director.
    pub director_id: String,
    /// Version of the agent.
    pub version: String,
    /// The configured place, once a target is known.
    pub seat: Option<Seat>,
    /// The lived state.
    pub state: State,
    /// Milliseconds since the state was entered.
    pub state_ms: u64,
    /// The revision it holds; none before the first push.
    pub revision: Option<u64>,
    /// Its digest.
    pub digest: Option<Digest>,
    /// Whether the kernel holds all of it.
    pub in_sync: bool,
    /// Writes to the kernel since the agent started.
    pub kernel_writes: u64,
    /// Virtual addresses (and the NAT router address) it holds now.
    pub holds: BTreeSet<AddressKey>,
    /// Services in its kernel that Caribe was never asked for.
    pub foreign: BTreeSet<ServiceKey>,
    /// Steps that failed at the last pass.
    #[serde(default)]
    pub failures: Vec<StepFailure>,
    /// The last error, in words; cleared by a pass without one.
    #[serde(default)]
    pub last_error: Option<String>,
    /// When the agent's certificate ends, seconds since 1970.
    #[serde(default)]
    pub certificate_ends_s: i64,
}

/// A director's lived state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not decided yet.
    Starting,
    /// Holds the table, not the addresses.
    Standby,
    /// Holds the virtual addresses.
    Active,
    /// Cannot serve.
    Fault,
    /// Told to stop.
    Stopped,
}

impl State {
    /// The word in texts and catalogue keys.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Starting => "starting",
            State::Standby => "standby",
            State::Active => "active",
            State::Fault => "fault",
            State::Stopped => "stopped",
        }
    }
}

/// What a director's kernel holds and which of it is ours; sent after each change, so that the console can plan
/// without asking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The kernel's side.
    pub observed: Observed,
    /// Our side.
    pub ownership: Ownership,
}

/// One line of the status stream (`GET /v1/stream`, `application/x-ndjson`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// The director's state.
    Status(Box<Status>),
    /// What its kernel holds.
    Snapshot(Box<Snapshot>),
    /// Counters of this second.
    Counters(Counters),
    /// Nothing new; the line is alive. At least every two seconds something is sent.
    Alive,
}

/// `POST /agent/v1/join`: a director asks for its first certificate.
#[derive(Clone, Serialize, Deserialize)]
pub struct JoinRequest {
    /// The single-use token.
    pub token: String,
    /// Certificate request (PKCS #10, PEM); the key never leaves the director.
    pub csr: String,
    /// The port the agent will listen on, a hint for where to dial.
    pub listen_port: u16,
    /// Version of the agent.
    pub version: String,
}

impl fmt::Debug for JoinRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinRequest").field("listen_port", &self.listen_port).finish_non_exhaustive()
    }
}

/// The console's answer to a join, and to `POST /agent/v1/renew`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The console's installation, part of every identity.
    pub installation: String,
    /// Who the director is.
    pub director_id: String,
    /// Its name in the cluster.
    pub director: String,
    /// Its certificate, PEM.
    pub certificate: String,
    /// The internal CA's certificate, PEM.
    pub ca: String,
}

/// `POST /agent/v1/renew`: a director asks for its next certificate, known by the one it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewRequest {
    /// Certificate request (PKCS #10, PEM).
    pub csr: String,
}

/// The URI name in the console's client certificate.
pub fn console_uri(installation: &str) -> String {
    format!("caribe://{installation}/console")
}

/// The URI name in a director's certificate.
pub fn director_uri(installation: &str, director_id: &str) -> String {
    format!("caribe://{installation}/director/{director_id}")
}
