//! Clusters, their immutable revisions, and the drafts people work on.

use std::sync::Arc;

use lvs::wire::Digest;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::contents::Content;
use crate::{Error, Tx, number};

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Cluster {
    /// `cl_…`.
    pub id: String,
    /// Unique name.
    pub name: String,
    /// When it was made.
    pub created: i64,
}

/// A revision without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionHead {
    /// From 1, rising.
    pub number: u64,
    /// The one it was made from.
    pub parent: Option<u64>,
    /// SHA-256 of the content, hex.
    pub digest: String,
    /// Who made it.
    pub author: String,
    /// Who activated it, where that is somebody else.
    pub approver: Option<String>,
    /// Why.
    pub message: String,
    /// When.
    pub created: i64,
}

/// A revision with its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// All but the content.
    pub head: RevisionHead,
    /// The content; shared, as it never changes.
    pub content: Arc<lvs::Cluster>,
    /// Digest of the content as this version writes it; the head's may come from one that wrote fewer fields.
    pub digest: Digest,
}

/// A draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The revision it was begun from.
    pub base: Option<u64>,
    /// The content.
    pub content: lvs::Cluster,
    /// When it was last changed.
    pub changed: i64,
    /// Since when its owner asks somebody else to activate it, and why.
    pub asked: Option<(i64, String)>,
}

fn unsigned(value: Option<i64>) -> Result<Option<u64>, Error> {
    value
        .map(|v| u64::try_from(v).map_err(|_| Error::Content(format!("{v} is no revision number"))))
        .transpose()
}

fn head(row: &SqliteRow) -> Result<RevisionHead, Error> {
    Ok(RevisionHead {
        number: unsigned(Some(row.try_get("number")?))?.unwrap_or_default(),
        parent: unsigned(row.try_get("parent")?)?,
        digest: row.try_get("digest")?,
        author: row.try_get("author")?,
        approver: row.try_get("approver")?,
        message: row.try_get("message")?,
        created: row.try_get("created")?,
    })
}

fn content(row: &SqliteRow) -> Result<lvs::Cluster, Error> {
    let text: &str = row.try_get("content")?;
    serde_json::from_str(text).map_err(|e| Error::Content(e.to_string()))
}

fn draft(row: &SqliteRow) -> Result<Draft, Error> {
    let asked: Option<i64> = row.try_get("asked")?;
    let message: Option<String> = row.try_get("asked_message")?;
    Ok(Draft {
        base: unsigned(row.try_get("base")?)?,
        content: content(row)?,
        changed: row.try_get("changed")?,
        asked: asked.zip(message),
    })
}

fn to_text(content: &lvs::Cluster) -> Result<String, Error> {
    serde_json::to_string(content).map_err(|e| Error::Content(e.to_string()))
}

impl Tx {
    /// Adds a cluster. Refused by `cluster_name_unique`, `cluster_name_length`.
    pub async fn insert_cluster(&mut self, id: &str, name: &str, now: i64) -> Result<(), Error> {
        sqlx::query("insert into cluster (id, name, created) values (?, ?, ?)")
            .bind(id)
            .bind(name)
            .bind(now)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Renames a cluster. Refused by `cluster_name_unique`, `cluster_name_length`.
    pub async fn rename_cluster(&mut self, id: &str, name: &str) -> Result<(), Error> {
        sqlx::query("update cluster set name = ? where id = ?")
            .bind(name)
            .bind(id)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Removes a cluster with all that belongs to it; the audit log keeps what was said of it.
    pub async fn delete_cluster(&mut self, id: &str) -> Result<(), Error> {
        // Parents are checked at commit (deferred), so one statement may remove a whole chain of revisions.
        sqlx::query("delete from draft where cluster = ?").bind(id).execute(&mut *self.inner).await?;
        sqlx::query("delete from cluster where id = ?").bind(id).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// All clusters, by name.
    pub async fn clusters(&mut self) -> Result<Vec<Cluster>, Error> {
        Ok(sqlx::query_as("select id, name, created from cluster order by name")
            .fetch_all(&mut *self.inner)
            .await?)
    }

    /// A cluster by id, else by name.
    pub async fn cluster(&mut self, key: &str) -> Result<Option<Cluster>, Error> {
        Ok(sqlx::query_as(
            "select id, name, created from cluster where id = ?1 or name = ?1 order by id = ?1 desc limit 1",
        )
        .bind(key)
        .fetch_optional(&mut *self.inner)
        .await?)
    }

    /// Adds a revision, whose digest is that of the content. Refused by `revision_primary` where the number is taken.
    pub async fn insert_revision(
        &mut self,
        cluster: &str,
        head: &RevisionHead,
        content: &Arc<lvs::Cluster>,
    ) -> Result<(), Error> {
        let text = to_text(content)?;
        let length = text.len();
        sqlx::query(
            "insert into revision (cluster, number, parent, digest, author, approver, message, content, created)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(cluster)
        .bind(number(head.number)?)
        .bind(head.parent.map(number).transpose()?)
        .bind(&head.digest)
        .bind(&head.author)
        .bind(&head.approver)
        .bind(&head.message)
        .bind(text)
        .bind(head.created)
        .execute(&mut *self.inner)
        .await?;
        let content = Content { cluster: Arc::clone(content), digest: Digest(head.digest.clone()) };
        self.contents.keep(cluster, head.number, length, &content);
        Ok(())
    }

    /// The newest revision, which is the running one.
    pub async fn newest_revision(&mut self, cluster: &str) -> Result<Option<Revision>, Error> {
        match self.newest_head(cluster).await? {
            Some(head) => Ok(Some(self.with_content(cluster, head).await?)),
            None => Ok(None),
        }
    }

    async fn with_content(&mut self, cluster: &str, head: RevisionHead) -> Result<Revision, Error> {
        let known = self.contents.get(cluster, head.number);
        let content = match known {
            Some(content) => content,
            None => {
                let row = sqlx::query("select content from revision where cluster = ? and number = ?")
                    .bind(cluster)
                    .bind(number(head.number)?)
                    .fetch_one(&mut *self.inner)
                    .await?;
                let read = content(&row)?;
                let length = row.try_get::<&str, _>("content")?.len();
                let content = Content { digest: Digest::of(&read), cluster: Arc::new(read) };
                self.contents.keep(cluster, head.number, length, &content);
                content
            }
        };
        Ok(Revision { head, content: content.cluster, digest: content.digest })
    }

    /// The newest revision without its content.
    pub async fn newest_head(&mut self, cluster: &str) -> Result<Option<RevisionHead>, Error> {
        let row = sqlx::query(
            "select number, parent, digest, author, approver, message, created from revision
             where cluster = ? order by number desc limit 1",
        )
        .bind(cluster)
        .fetch_optional(&mut *self.inner)
        .await?;
        row.map(|row| head(&row)).transpose()
    }

    /// One revision.
    pub async fn revision(&mut self, cluster: &str, wanted: u64) -> Result<Option<Revision>, Error> {
        let row = sqlx::query(
            "select number, parent, digest, author, approver, message, created from revision
             where cluster = ? and number = ?",
        )
        .bind(cluster)
        .bind(number(wanted)?)
        .fetch_optional(&mut *self.inner)
        .await?;
        match row {
            Some(row) => Ok(Some(self.with_content(cluster, head(&row)?).await?)),
            None => Ok(None),
        }
    }

    /// All revisions without their contents, newest first.
    pub async fn revisions(&mut self, cluster: &str) -> Result<Vec<RevisionHead>, Error> {
        let rows = sqlx::query(
            "select number, parent, digest, author, approver, message, created from revision
             where cluster = ? order by number desc",
        )
        .bind(cluster)
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter().map(head).collect()
    }

    /// Who has a draft of the cluster, in order, and who of them asks somebody else to activate it.
    pub async fn draft_owners(&mut self, cluster: &str) -> Result<Vec<(String, bool)>, Error> {
        Ok(sqlx::query_as("select owner, asked is not null from draft where cluster = ? order by owner")
            .bind(cluster)
            .fetch_all(&mut *self.inner)
            .await?)
    }

    /// All drafts of the cluster with their owners, in order of these.
    pub async fn drafts(&mut self, cluster: &str) -> Result<Vec<(String, Draft)>, Error> {
        let rows = sqlx::query(
            "select owner, base, content, changed, asked, asked_message from draft where cluster = ? order by owner",
        )
        .bind(cluster)
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter().map(|row| Ok((row.try_get("owner")?, draft(row)?))).collect()
    }

    /// A person's draft.
    pub async fn draft(&mut self, cluster: &str, owner: &str) -> Result<Option<Draft>, Error> {
        let row = sqlx::query(
            "select base, content, changed, asked, asked_message from draft where cluster = ? and owner = ?",
        )
        .bind(cluster)
        .bind(owner)
        .fetch_optional(&mut *self.inner)
        .await?;
        row.as_ref().map(draft).transpose()
    }

    /// Writes a person's draft, in place of the one they had.
    pub async fn put_draft(&mut self, cluster: &str, owner: &str, draft: &Draft) -> Result<(), Error> {
        let (asked, message) = draft.asked.as_ref().map(|(at, message)| (at, message)).unzip();
        sqlx::query(
            "insert into draft (cluster, owner, base, content, changed, asked, asked_message)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             on conflict (cluster, owner) do update
             set base = ?3, content = ?4, changed = ?5, asked = ?6, asked_message = ?7",
        )
        .bind(cluster)
        .bind(owner)
        .bind(draft.base.map(number).transpose()?)
        .bind(to_text(&draft.content)?)
        .bind(draft.changed)
        .bind(asked)
        .bind(message)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Removes a person's draft; says whether there was one.
    pub async fn delete_draft(&mut self, cluster: &str, owner: &str) -> Result<bool, Error> {
        let done = sqlx::query("delete from draft where cluster = ? and owner = ?")
            .bind(cluster)
            .bind(owner)
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}
