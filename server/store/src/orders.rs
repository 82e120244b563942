//! Operators' orders for real servers: one document per cluster.

use lvs::health::Orders;

use crate::{Error, Tx};

impl Tx {
    /// The orders of a cluster; the empty document with serial 0 where none was ever given.
    pub async fn orders(&mut self, cluster: &str) -> Result<Orders, Error> {
        let content: Option<String> =
            sqlx::query_scalar("select content from server_orders where cluster = ?")
                .bind(cluster)
                .fetch_optional(&mut *self.inner)
                .await?;
        let orders = content.map(|content| serde_json::from_str(&content)).transpose();
        Ok(orders.map_err(|e| Error::Content(e.to_string()))?.unwrap_or_default())
    }

    /// Keeps the orders of a cluster in place of those before. Refused by `server_orders_serial_positive`, and by
    /// [`Error::Reference`] where there is no such cluster.
    pub async fn put_orders(&mut self, cluster: &str, orders: &Orders, now: i64) -> Result<(), Error> {
        let content = serde_json::to_string(orders).map_err(|e| Error::Content(e.to_string()))?;
        let serial = i64::try_from(orders.serial).unwrap_or(i64::MAX);
        sqlx::query(
            "insert into server_orders (cluster, serial, changed, content) values (?, ?, ?, ?)
             on conflict (cluster) do update set
                 serial = excluded.serial, changed = excluded.changed, content = excluded.content",
        )
        .bind(cluster)
        .bind(serial)
        .bind(now)
        .bind(content)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }
}
