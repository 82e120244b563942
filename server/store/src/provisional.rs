//! Revisions on trial.

use crate::{Error, Tx, number};

/// A revision that is undone unless somebody keeps it in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provisional {
    /// Its number.
    pub revision: u64,
    /// When it was activated.
    pub began: i64,
    /// When it is undone.
    pub until: i64,
}

impl Tx {
    /// Puts a revision on trial.
    pub async fn insert_provisional(&mut self, cluster: &str, trial: Provisional) -> Result<(), Error> {
        sqlx::query("insert into provisional (cluster, revision, began, until) values (?, ?, ?, ?)")
            .bind(cluster)
            .bind(number(trial.revision)?)
            .bind(trial.began)
            .bind(trial.until)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// The revision of the cluster that is on trial now.
    pub async fn provisional(&mut self, cluster: &str) -> Result<Option<Provisional>, Error> {
        let row: Option<(i64, i64, i64)> = sqlx::query_as(
            "select revision, began, until from provisional where cluster = ? and outcome is null
             order by revision desc limit 1",
        )
        .bind(cluster)
        .fetch_optional(&mut *self.inner)
        .await?;
        row.map(|(revision, began, until)| {
            let revision = u64::try_from(revision)
                .map_err(|_| Error::Content(format!("{revision} is no revision number")))?;
            Ok(Provisional { revision, began, until })
        })
        .transpose()
    }

    /// Ends a trial as `kept` or `undone`; false where it had ended.
    pub async fn end_provisional(
        &mut self,
        cluster: &str,
        revision: u64,
        outcome: &str,
        now: i64,
    ) -> Result<bool, Error> {
        let done = sqlx::query(
            "update provisional set outcome = ?, ended = ? where cluster = ? and revision = ? and outcome is null",
        )
        .bind(outcome)
        .bind(now)
        .bind(cluster)
        .bind(number(revision)?)
        .execute(&mut *self.inner)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Numbers of the revisions that were undone.
    pub async fn undone_revisions(&mut self, cluster: &str) -> Result<Vec<u64>, Error> {
        let rows: Vec<i64> =
            sqlx::query_scalar("select revision from provisional where cluster = ? and outcome = 'undone'")
                .bind(cluster)
                .fetch_all(&mut *self.inner)
                .await?;
        Ok(rows.into_iter().filter_map(|revision| u64::try_from(revision).ok()).collect())
    }
}
