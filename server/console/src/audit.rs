//! The audit log: who did what, from where, and what it changed. Rows are only ever added, each chained to the one
//! before by a hash; the store writes them in the transaction of the change itself.

use jiff::Timestamp;

/// One row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, from 1 without gaps.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// `account/alice`, `token/ci`, `local/local`, `director/dir_…`.
    pub actor: String,
    /// From which address; empty for local commands.
    pub source: String,
    /// What was done, a stable word (`revision.activate`, `session.login`).
    pub action: String,
    /// To what: a cluster, director, account or token.
    pub subject: String,
    /// The cluster's id, where it concerns one.
    pub cluster_id: Option<String>,
    /// Digest before the change, where there is one.
    pub before: Option<String>,
    /// Digest after the change, where there is one.
    pub after: Option<String>,
    /// More, in words.
    pub detail: String,
    /// SHA-256 of this row and the hash before it, hex.
    pub hash: String,
}
