//! The console's memory: the only SQL there is, behind plain functions with typed rows.
//!
//! One SQLite file in WAL mode with foreign keys on and `synchronous=full`. Everything happens in a [`Tx`]:
//! [`Store::write`] takes the single writer at once (`begin immediate`), [`Store::read`] one of a few readers with a
//! consistent view. No rule of the console lives here, no clock is read: times come as arguments, in seconds since
//! 1970. Called by `console` alone.

#![forbid(unsafe_code)]

mod accounts;
mod alerts;
mod audit;
mod clusters;
mod contents;
mod directors;
mod error;
mod events;
mod heartbeat;
mod orders;
mod passkeys;
mod people;
mod provisional;
mod repeated;
mod second_factor;
mod series;
mod sign_on;
mod statistics;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Sqlite, SqlitePool};

use contents::Contents;

pub use accounts::{Account, ApiToken, NewAccount, Session};
pub use alerts::{AlertChannel, AlertMessage, AlertRule, AlertSilence, AlertState, NewAlertMessage};
pub use audit::{Audit, AuditFilter, NewAudit};
pub use clusters::{Cluster, Draft, Revision, RevisionHead};
pub use directors::{Certificate, Director, JoinToken, Push};
pub use error::Error;
pub use events::{Event, EventFilter, NewEvent};
pub use heartbeat::HeartbeatKey;
pub use passkeys::Passkey;
pub use people::PasswordLink;
pub use provisional::Provisional;
pub use repeated::{RepeatedAnswer, RepeatedRequest};
pub use second_factor::{HalfLogin, SecondFactor};
pub use series::{SeriesChunk, SeriesOf};
pub use sign_on::{Identity, SignOn};
pub use statistics::Statistics;

/// How long a statement waits for another process that holds the database (`caribe passwd` beside `caribe serve`).
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Readers at a time.
const READERS: u32 = 4;

/// The open database; a clone is the same one.
#[derive(Clone, Debug)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
    contents: Arc<Contents>,
}

/// A transaction; rolled back where it is dropped without [`Tx::commit`].
#[derive(Debug)]
pub struct Tx {
    inner: sqlx::Transaction<'static, Sqlite>,
    contents: Arc<Contents>,
}

impl Store {
    /// Opens the file, makes it where it is not there, and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Store, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .acquire_timeout(BUSY_TIMEOUT)
            // SQLite itself ends a transaction for which there is no room; the library goes on counting it, and nothing
            // could ever be begun on that connection.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .connect_with(options.clone())
            .await?;
        sqlx::migrate!("../../migrations").run(&writer).await.map_err(|e| Error::Migration(e.to_string()))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.pragma("query_only", "on"))
            .await?;
        Ok(Store { writer, readers, contents: Arc::default() })
    }

    /// Waits for the writer and takes it.
    pub async fn write(&self) -> Result<Tx, Error> {
        let inner = self.writer.begin_with("begin immediate").await?;
        Ok(Tx { inner, contents: Arc::clone(&self.contents) })
    }

    /// A consistent view; writing in it is refused by SQLite.
    pub async fn read(&self) -> Result<Tx, Error> {
        Ok(Tx { inner: self.readers.begin().await?, contents: Arc::clone(&self.contents) })
    }

    /// Writes the database as it is at one moment to a new file.
    pub async fn snapshot(&self, to: &Path) -> Result<(), Error> {
        let to = to.to_str().ok_or_else(|| Error::Other(format!("{}: not a name in UTF-8", to.display())))?;
        sqlx::query("vacuum into ?").bind(to).execute(&self.writer).await?;
        Ok(())
    }

    /// Ends all connections, so that the WAL is folded into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl Tx {
    /// Makes all of it durable.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.inner.commit().await?)
    }

    /// The installation's id; `fresh` becomes it where there is none yet.
    pub async fn installation(&mut self, fresh: &str, now: i64) -> Result<String, Error> {
        sqlx::query(
            "insert into installation (one, id, created) values (1, ?, ?) on conflict (one) do nothing",
        )
        .bind(fresh)
        .bind(now)
        .execute(&mut *self.inner)
        .await?;
        Ok(sqlx::query_scalar("select id from installation").fetch_one(&mut *self.inner).await?)
    }
}

/// A revision number as SQLite keeps it.
fn number(value: u64) -> Result<i64, Error> {
    i64::try_from(value).map_err(|_| Error::Content(format!("{value} is no revision number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_transaction_without_room_does_not_stand_in_the_way_of_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("caribe.db")).await.unwrap();
        let pages: i64 = sqlx::query_scalar("pragma page_count").fetch_one(&store.writer).await.unwrap();
        // Of this connection alone: as if the disk were full just now.
        let limit = format!("pragma max_page_count = {pages}");
        sqlx::query(sqlx::AssertSqlSafe(limit)).execute(&store.writer).await.unwrap();
        let detail = "x".repeat(100_000);
        let row = NewAudit { actor: "account/a", action: "test", detail: &detail, ..NewAudit::default() };
        let mut tx = store.write().await.unwrap();
        let error = tx.audit(&row).await.unwrap_err();
        assert!(matches!(error, Error::NoRoom(_)), "{error:?}");
        drop(tx);
        let mut tx = store.write().await.unwrap();
        tx.audit(&row).await.unwrap();
        tx.commit().await.unwrap();
    }
}
