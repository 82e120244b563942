//! The audit log: rows are only ever added; each row's hash covers the row and the hash before it, so that a row
//! changed or taken out behind the program's back shows.

use sha2::{Digest, Sha256};

use crate::{Error, Tx};

/// A row to be added.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewAudit<'a> {
    /// Seconds since 1970.
    pub at: i64,
    /// Who.
    pub actor: &'a str,
    /// From which address; empty for local commands.
    pub source: &'a str,
    /// What was done.
    pub action: &'a str,
    /// To what.
    pub subject: &'a str,
    /// In which cluster.
    pub cluster: Option<&'a str>,
    /// Digest before.
    pub before: Option<&'a str>,
    /// Digest after.
    pub after: Option<&'a str>,
    /// More, in words.
    pub detail: &'a str,
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Audit {
    /// From 1, without gaps.
    pub number: i64,
    /// Seconds since 1970.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// From which address.
    pub source: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// In which cluster.
    pub cluster: Option<String>,
    /// Digest before.
    pub before: Option<String>,
    /// Digest after.
    pub after: Option<String>,
    /// More, in words.
    pub detail: String,
    /// Hash of this row and the hash before it, hex.
    pub hash: String,
}

/// Fields are length-prefixed by their JSON encoding, so that no two rows read the same.
fn hash(previous: &str, number: i64, row: &NewAudit<'_>) -> Result<String, Error> {
    let fields = (
        previous,
        number,
        row.at,
        row.actor,
        row.source,
        row.action,
        row.subject,
        row.cluster,
        row.before,
        row.after,
        row.detail,
    );
    let text = serde_json::to_vec(&fields).map_err(|e| Error::Content(e.to_string()))?;
    Ok(hex::encode(Sha256::digest(&text)))
}

impl Audit {
    fn as_new(&self) -> NewAudit<'_> {
        NewAudit {
            at: self.at,
            actor: &self.actor,
            source: &self.source,
            action: &self.action,
            subject: &self.subject,
            cluster: self.cluster.as_deref(),
            before: self.before.as_deref(),
            after: self.after.as_deref(),
            detail: &self.detail,
        }
    }
}

/// Which rows are asked for; all by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditFilter<'a> {
    /// About this cluster alone.
    pub cluster: Option<&'a str>,
    /// By somebody whose name holds this.
    pub actor: Option<&'a str>,
    /// Actions that begin so.
    pub action: Option<&'a str>,
    /// With numbers below this one.
    pub before: Option<i64>,
}

impl Tx {
    /// The rows that a filter lets through, newest first.
    pub async fn audit_log(&mut self, filter: AuditFilter<'_>, limit: u32) -> Result<Vec<Audit>, Error> {
        Ok(sqlx::query_as(
            "select number, at, actor, source, action, subject, cluster, before, after, detail, hash from audit
             where (?1 is null or cluster = ?1) and (?2 is null or instr(lower(actor), lower(?2)) > 0)
             and (?3 is null or substr(action, 1, length(?3)) = ?3) and (?4 is null or number < ?4)
             order by number desc limit ?5",
        )
        .bind(filter.cluster)
        .bind(filter.actor)
        .bind(filter.action)
        .bind(filter.before)
        .bind(limit)
        .fetch_all(&mut *self.inner)
        .await?)
    }

    /// Adds a row to the audit log.
    pub async fn audit(&mut self, row: &NewAudit<'_>) -> Result<(), Error> {
        let last: Option<(i64, String)> =
            sqlx::query_as("select number, hash from audit order by number desc limit 1")
                .fetch_optional(&mut *self.inner)
                .await?;
        let (number, previous) = last.unwrap_or_default();
        let number = number + 1;
        sqlx::query(
            "insert into audit (number, at, actor, source, action, subject, cluster, before, after, detail, hash)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(number)
        .bind(row.at)
        .bind(row.actor)
        .bind(row.source)
        .bind(row.action)
        .bind(row.subject)
        .bind(row.cluster)
        .bind(row.before)
        .bind(row.after)
        .bind(row.detail)
        .bind(hash(&previous, number, row)?)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Rows of one cluster, or of all, newest first, with numbers below `before`.
    pub async fn audit_rows(
        &mut self,
        cluster: Option<&str>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Audit>, Error> {
        Ok(sqlx::query_as(
            "select number, at, actor, source, action, subject, cluster, before, after, detail, hash from audit
             where (?1 is null or cluster = ?1) and (?2 is null or number < ?2) order by number desc limit ?3",
        )
        .bind(cluster)
        .bind(before)
        .bind(limit)
        .fetch_all(&mut *self.inner)
        .await?)
    }

    /// The number of the first row that does not fit the one before it; none where the whole log is sound.
    pub async fn audit_break(&mut self) -> Result<Option<i64>, Error> {
        let rows: Vec<Audit> = sqlx::query_as(
            "select number, at, actor, source, action, subject, cluster, before, after, detail, hash from audit
             order by number",
        )
        .fetch_all(&mut *self.inner)
        .await?;
        let mut previous = String::new();
        for (row, number) in rows.iter().zip(1..) {
            if row.number != number || row.hash != hash(&previous, number, &row.as_new())? {
                return Ok(Some(number));
            }
            previous.clone_from(&row.hash);
        }
        Ok(None)
    }
}
