//! The audit log: who did what, from where, and what it changed. Rows are only ever added, each chained to the one
//! before by a hash; the store writes them in the transaction of the change itself.

use jiff::Timestamp;
use store::{Audit, AuditFilter, NewAudit, Tx};

use crate::clock::timestamp;
use crate::{Actor, Console, Error, Role};

/// Rows given at once, at most.
const AT_ONCE: u32 = 500;

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

/// Which rows of the audit log are asked for; all by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// About this cluster alone, by id or name.
    pub cluster: Option<String>,
    /// By somebody whose name holds this.
    pub actor: Option<String>,
    /// Actions that begin so (`revision.`).
    pub action: Option<String>,
    /// With numbers below this one.
    pub before: Option<i64>,
}

/// What a change of a cluster says of itself besides who did it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About<'a> {
    /// What was done, a stable word.
    pub(crate) action: &'a str,
    /// To what.
    pub(crate) subject: &'a str,
    /// In which cluster.
    pub(crate) cluster: Option<&'a str>,
    /// Digest before.
    pub(crate) before: Option<&'a str>,
    /// Digest after.
    pub(crate) after: Option<&'a str>,
    /// More, in words.
    pub(crate) detail: &'a str,
}

impl From<Audit> for AuditEntry {
    fn from(row: Audit) -> Self {
        AuditEntry {
            number: row.number,
            at: timestamp(row.at),
            actor: row.actor,
            source: row.source,
            action: row.action,
            subject: row.subject,
            cluster_id: row.cluster,
            before: row.before,
            after: row.after,
            detail: row.detail,
            hash: row.hash,
        }
    }
}

impl Console {
    /// Adds a row about something that belongs to no cluster.
    pub(crate) async fn audit_row(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &str,
        subject: &str,
        detail: &str,
    ) -> Result<(), store::Error> {
        self.audit_about(tx, actor, About { action, subject, detail, ..About::default() }).await
    }

    /// Adds a row.
    pub(crate) async fn audit_about(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        about: About<'_>,
    ) -> Result<(), store::Error> {
        let source = actor.source.map(|address| address.to_string()).unwrap_or_default();
        self.audit_by(tx, &actor.owner(), &source, about).await
    }

    /// Adds a row about somebody who is no actor: a director that joins, renews or is refused.
    pub(crate) async fn audit_by(
        &self,
        tx: &mut Tx,
        actor: &str,
        source: &str,
        about: About<'_>,
    ) -> Result<(), store::Error> {
        tx.audit(&NewAudit {
            at: self.now(),
            actor,
            source,
            action: about.action,
            subject: about.subject,
            cluster: about.cluster,
            before: about.before,
            after: about.after,
            detail: about.detail,
        })
        .await
    }

    /// The audit log of one cluster (by id or name) or of all, newest first; `before` is a number to go on from.
    /// At most 500 rows at once. Needs Admin.
    pub async fn audit(
        &self,
        actor: &Actor,
        cluster: Option<&str>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        actor.require(Role::Admin)?;
        let mut tx = self.inner.store.read().await?;
        // A deleted cluster is still found by its id.
        let id = match cluster {
            Some(key) => Some(tx.cluster(key).await?.map_or_else(|| key.to_owned(), |c| c.id)),
            None => None,
        };
        let rows = tx.audit_rows(id.as_deref(), before, limit.min(AT_ONCE)).await?;
        Ok(rows.into_iter().map(AuditEntry::from).collect())
    }

    /// The rows of the audit log that a query lets through, newest first. Needs Admin.
    pub async fn audit_log(
        &self,
        actor: &Actor,
        query: &AuditQuery,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        actor.require(Role::Admin)?;
        let mut tx = self.inner.store.read().await?;
        // A deleted cluster is still found by its id.
        let cluster = match query.cluster.as_deref() {
            Some(key) => Some(tx.cluster(key).await?.map_or_else(|| key.to_owned(), |c| c.id)),
            None => None,
        };
        let filter = AuditFilter {
            cluster: cluster.as_deref(),
            actor: query.actor.as_deref(),
            action: query.action.as_deref(),
            before: query.before,
        };
        Ok(tx.audit_log(filter, limit).await?.into_iter().map(AuditEntry::from).collect())
    }

    /// The number of the first audit row that was changed or taken out; none where the log is sound. Needs Admin.
    pub async fn audit_break(&self, actor: &Actor) -> Result<Option<i64>, Error> {
        actor.require(Role::Admin)?;
        Ok(self.inner.store.read().await?.audit_break().await?)
    }
}
