//! Why a message is refused.

use serde::{Deserialize, Serialize};

use crate::failover::Refused;

/// Why an agent or the console refused a message (4xx). Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// An operator's order is not followed.
    #[error("not done: {reason}")]
    Order {
        /// Why.
        reason: Refused,
    },
    /// Something failed on the refusing side; its log says more.
    #[error("{detail}")]
    Failed {
        /// In words that may leave the machine.
        detail: String,
    },
}
