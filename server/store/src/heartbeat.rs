//! The keys that directors authenticate their beats with.

use crate::{Error, Tx};

/// A key of a cluster.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HeartbeatKey {
    /// Names it on the wire; of those that are sent with, the highest is the one.
    pub number: u16,
    /// 32 random bytes, hex.
    pub secret: String,
    /// When it was made.
    pub created: i64,
    /// Whether beats are sent with it; else it is only accepted.
    pub sending: bool,
}

impl std::fmt::Debug for HeartbeatKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeartbeatKey").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Tx {
    /// The keys of a cluster, the newest first.
    pub async fn heartbeat_keys(&mut self, cluster: &str) -> Result<Vec<HeartbeatKey>, Error> {
        let keys = sqlx::query_as(
            "select number, secret, created, sending from heartbeat_key where cluster = ? order by number desc",
        )
        .bind(cluster)
        .fetch_all(&mut *self.inner)
        .await?;
        Ok(keys)
    }

    /// Keeps a key. Refused by `heartbeat_key_primary`, `heartbeat_key_number_range`, `heartbeat_key_secret_hex`.
    pub async fn insert_heartbeat_key(&mut self, cluster: &str, key: &HeartbeatKey) -> Result<(), Error> {
        sqlx::query(
            "insert into heartbeat_key (cluster, number, secret, created, sending) values (?, ?, ?, ?, ?)",
        )
        .bind(cluster)
        .bind(key.number)
        .bind(&key.secret)
        .bind(key.created)
        .bind(key.sending)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Beats are sent with this key from now on; keys below `oldest` are forgotten.
    pub async fn send_with_heartbeat_key(
        &mut self,
        cluster: &str,
        number: u16,
        oldest: u16,
    ) -> Result<(), Error> {
        sqlx::query("update heartbeat_key set sending = 1 where cluster = ? and number = ?")
            .bind(cluster)
            .bind(number)
            .execute(&mut *self.inner)
            .await?;
        sqlx::query("delete from heartbeat_key where cluster = ? and number < ?")
            .bind(cluster)
            .bind(oldest)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }
}
