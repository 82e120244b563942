//! Requests of the API that came with a key, and their answers. Old ones are forgotten.

use std::collections::BTreeMap;

use sqlx::Row;

use crate::{Error, Tx};

/// A request that came before with the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatedRequest {
    /// SHA-256 of path, query and body, hexadecimal.
    pub digest: String,
    /// When it came, seconds since 1970.
    pub begun: i64,
    /// What it was answered; none while it is not.
    pub answer: Option<RepeatedAnswer>,
}

/// An answer to be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatedAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers that belong to it.
    pub headers: BTreeMap<String, String>,
    /// Its body; none where it is not kept.
    pub body: Option<Vec<u8>>,
}

impl Tx {
    /// The request that came with that key.
    pub async fn repeated_request(
        &mut self,
        caller: &str,
        key: &str,
    ) -> Result<Option<RepeatedRequest>, Error> {
        let row = sqlx::query(
            "select digest, begun, status, headers, body from repeated_request where caller = ? and key = ?",
        )
        .bind(caller)
        .bind(key)
        .fetch_optional(&mut *self.inner)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let status: Option<u16> = row.try_get("status")?;
        let answer = match status {
            None => None,
            Some(status) => {
                let headers: String = row.try_get("headers")?;
                let headers = serde_json::from_str(&headers).map_err(|e| Error::Content(e.to_string()))?;
                Some(RepeatedAnswer { status, headers, body: row.try_get("body")? })
            }
        };
        Ok(Some(RepeatedRequest { digest: row.try_get("digest")?, begun: row.try_get("begun")?, answer }))
    }

    /// Notes a request that is begun, in place of one with the same key.
    pub async fn begin_repeated_request(
        &mut self,
        caller: &str,
        key: &str,
        digest: &str,
        now: i64,
    ) -> Result<(), Error> {
        sqlx::query(
            "insert or replace into repeated_request (caller, key, digest, begun) values (?, ?, ?, ?)",
        )
        .bind(caller)
        .bind(key)
        .bind(digest)
        .bind(now)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Keeps the answer to a request that was begun.
    pub async fn answer_repeated_request(
        &mut self,
        caller: &str,
        key: &str,
        answer: &RepeatedAnswer,
    ) -> Result<(), Error> {
        let headers = serde_json::to_string(&answer.headers).map_err(|e| Error::Content(e.to_string()))?;
        sqlx::query(
            "update repeated_request set status = ?, headers = ?, body = ? where caller = ? and key = ?",
        )
        .bind(answer.status)
        .bind(headers)
        .bind(answer.body.as_deref())
        .bind(caller)
        .bind(key)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Forgets a request, so that it may come again.
    pub async fn forget_repeated_request(&mut self, caller: &str, key: &str) -> Result<(), Error> {
        sqlx::query("delete from repeated_request where caller = ? and key = ?")
            .bind(caller)
            .bind(key)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Forgets all that were begun before that second.
    pub async fn forget_repeated_requests(&mut self, before: i64) -> Result<(), Error> {
        sqlx::query("delete from repeated_request where begun < ?")
            .bind(before)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }
}
