//! Enrolled directors, their certificates, the tokens they join with, and what became of pushes to them.

use crate::{Error, Tx, number};

/// A director that may join or has joined.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Director {
    /// `dir_…`.
    pub id: String,
    /// Its cluster.
    pub cluster: String,
    /// Its name, unique in the cluster.
    pub name: String,
    /// Where it is dialled, `HOST:PORT`.
    pub dial: Option<String>,
    /// When it was made.
    pub created: i64,
}

/// A certificate given to a director.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Certificate {
    /// Serial number, lowercase hex.
    pub serial: String,
    /// Whose it is.
    pub director: String,
    /// When it was made.
    pub issued: i64,
    /// When it ends by itself.
    pub ends: i64,
    /// When it was ended.
    pub revoked: Option<i64>,
}

/// A join token.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct JoinToken {
    /// SHA-256 of the token, hex.
    pub hash: String,
    /// Whom it is bound to.
    pub director: String,
    /// When it was made.
    pub issued: i64,
    /// When it ends by itself.
    pub expires: i64,
    /// When it was used.
    pub used: Option<i64>,
}

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The revision pushed.
    pub revision: u64,
    /// `applied`, `partial`, `refused`, `unreachable` or `held`.
    pub outcome: String,
    /// The reason, or the number of steps.
    pub detail: String,
    /// When.
    pub at: i64,
}

impl Tx {
    /// Adds a director. Refused by `director_name_unique`, `director_name_length`, `director_dial_length`.
    pub async fn insert_director(&mut self, director: &Director) -> Result<(), Error> {
        sqlx::query("insert into director (id, cluster, name, dial, created) values (?, ?, ?, ?, ?)")
            .bind(&director.id)
            .bind(&director.cluster)
            .bind(&director.name)
            .bind(&director.dial)
            .bind(director.created)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Renames a director within its cluster. Refused by `director_name_unique`, `director_name_length`.
    pub async fn rename_director(&mut self, id: &str, name: &str) -> Result<(), Error> {
        sqlx::query("update director set name = ? where id = ?")
            .bind(name)
            .bind(id)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Sets where a director is dialled. Refused by `director_dial_length`.
    pub async fn set_dial(&mut self, id: &str, dial: &str) -> Result<(), Error> {
        sqlx::query("update director set dial = ? where id = ?")
            .bind(dial)
            .bind(id)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// A director by id.
    pub async fn director(&mut self, id: &str) -> Result<Option<Director>, Error> {
        Ok(sqlx::query_as("select id, cluster, name, dial, created from director where id = ?")
            .bind(id)
            .fetch_optional(&mut *self.inner)
            .await?)
    }

    /// All directors of one cluster, or of all, by name.
    pub async fn directors(&mut self, cluster: Option<&str>) -> Result<Vec<Director>, Error> {
        Ok(sqlx::query_as(
            "select id, cluster, name, dial, created from director where ?1 is null or cluster = ?1 order by name",
        )
        .bind(cluster)
        .fetch_all(&mut *self.inner)
        .await?)
    }

    /// Adds a certificate.
    pub async fn insert_certificate(&mut self, certificate: &Certificate) -> Result<(), Error> {
        sqlx::query(
            "insert into certificate (serial, director, issued, ends, revoked) values (?, ?, ?, ?, ?)",
        )
        .bind(&certificate.serial)
        .bind(&certificate.director)
        .bind(certificate.issued)
        .bind(certificate.ends)
        .bind(certificate.revoked)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// A certificate by serial number.
    pub async fn certificate(&mut self, serial: &str) -> Result<Option<Certificate>, Error> {
        Ok(sqlx::query_as("select serial, director, issued, ends, revoked from certificate where serial = ?")
            .bind(serial)
            .fetch_optional(&mut *self.inner)
            .await?)
    }

    /// The unrevoked certificate of a director that ends last.
    pub async fn newest_certificate(&mut self, director: &str) -> Result<Option<Certificate>, Error> {
        Ok(sqlx::query_as(
            "select serial, director, issued, ends, revoked from certificate
             where director = ? and revoked is null order by ends desc limit 1",
        )
        .bind(director)
        .fetch_optional(&mut *self.inner)
        .await?)
    }

    /// Ends all certificates of a director; says how many.
    pub async fn revoke_certificates(&mut self, director: &str, now: i64) -> Result<u64, Error> {
        let done = sqlx::query("update certificate set revoked = ? where director = ? and revoked is null")
            .bind(now)
            .bind(director)
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected())
    }

    /// Adds a join token and ends the unused ones that the director had.
    pub async fn insert_join_token(&mut self, token: &JoinToken) -> Result<(), Error> {
        self.end_join_tokens(&token.director).await?;
        sqlx::query("insert into join_token (hash, director, issued, expires, used) values (?, ?, ?, ?, ?)")
            .bind(&token.hash)
            .bind(&token.director)
            .bind(token.issued)
            .bind(token.expires)
            .bind(token.used)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Ends the unused tokens of a director.
    pub async fn end_join_tokens(&mut self, director: &str) -> Result<(), Error> {
        sqlx::query("delete from join_token where director = ? and used is null")
            .bind(director)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// A join token by hash.
    pub async fn join_token(&mut self, hash: &str) -> Result<Option<JoinToken>, Error> {
        Ok(sqlx::query_as("select hash, director, issued, expires, used from join_token where hash = ?")
            .bind(hash)
            .fetch_optional(&mut *self.inner)
            .await?)
    }

    /// The unused token of a director that is still good at `now`.
    pub async fn open_join_token(&mut self, director: &str, now: i64) -> Result<Option<JoinToken>, Error> {
        Ok(sqlx::query_as(
            "select hash, director, issued, expires, used from join_token
             where director = ? and used is null and expires > ? limit 1",
        )
        .bind(director)
        .bind(now)
        .fetch_optional(&mut *self.inner)
        .await?)
    }

    /// All unused tokens that are still good at `now`.
    pub async fn open_join_tokens(&mut self, now: i64) -> Result<Vec<JoinToken>, Error> {
        Ok(sqlx::query_as(
            "select hash, director, issued, expires, used from join_token where used is null and expires > ?",
        )
        .bind(now)
        .fetch_all(&mut *self.inner)
        .await?)
    }

    /// Marks a token used; says whether this call was the one that did.
    pub async fn use_join_token(&mut self, hash: &str, now: i64) -> Result<bool, Error> {
        let done =
            sqlx::query("update join_token set used = ?1 where hash = ?2 and used is null and expires > ?1")
                .bind(now)
                .bind(hash)
                .execute(&mut *self.inner)
                .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Records what became of a push, in place of what was recorded for that director and revision.
    pub async fn put_push(&mut self, director: &str, push: &Push) -> Result<(), Error> {
        sqlx::query(
            "insert into push_result (director, revision, outcome, detail, at) values (?1, ?2, ?3, ?4, ?5)
             on conflict (director, revision) do update set outcome = ?3, detail = ?4, at = ?5",
        )
        .bind(director)
        .bind(number(push.revision)?)
        .bind(&push.outcome)
        .bind(&push.detail)
        .bind(push.at)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// What became of the last push to a director.
    pub async fn last_push(&mut self, director: &str) -> Result<Option<Push>, Error> {
        let row: Option<(i64, String, String, i64)> = sqlx::query_as(
            "select revision, outcome, detail, at from push_result where director = ? order by at desc, revision desc limit 1",
        )
        .bind(director)
        .fetch_optional(&mut *self.inner)
        .await?;
        Ok(row.map(|(revision, outcome, detail, at)| Push {
            revision: revision.unsigned_abs(),
            outcome,
            detail,
            at,
        }))
    }
}
