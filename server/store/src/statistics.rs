//! How much is in the database, and which migrations it has been through; never what any row says.

use sqlx::AssertSqlSafe;

use crate::{Error, Tx};

/// The database in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Rows of each table, by its name.
    pub tables: Vec<(String, u64)>,
    /// Bytes of the file, without what the write-ahead log holds yet.
    pub bytes: u64,
    /// Bytes of it that hold nothing.
    pub free: u64,
    /// The migrations it has been through, in order.
    pub migrations: Vec<i64>,
    /// The version of SQLite.
    pub engine: String,
}

impl Tx {
    /// The database in numbers.
    pub async fn statistics(&mut self) -> Result<Statistics, Error> {
        let names: Vec<String> = sqlx::query_scalar(
            "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\' \
             order by name",
        )
        .fetch_all(&mut *self.inner)
        .await?;
        let mut tables = Vec::with_capacity(names.len());
        for name in names {
            // The schema's own name, quoted as SQLite has it quoted.
            let counting = format!("select count(*) from \"{}\"", name.replace('"', "\"\""));
            let rows: i64 = sqlx::query_scalar(AssertSqlSafe(counting)).fetch_one(&mut *self.inner).await?;
            tables.push((name, rows.unsigned_abs()));
        }
        let mut pages = [0_u64; 3];
        let pragmas = ["pragma page_size", "pragma page_count", "pragma freelist_count"];
        for (place, pragma) in pages.iter_mut().zip(pragmas) {
            let value: i64 = sqlx::query_scalar(pragma).fetch_one(&mut *self.inner).await?;
            *place = value.unsigned_abs();
        }
        let [size, count, free] = pages;
        Ok(Statistics {
            tables,
            bytes: size.saturating_mul(count),
            free: size.saturating_mul(free),
            migrations: sqlx::query_scalar(
                "select version from _sqlx_migrations where success order by version",
            )
            .fetch_all(&mut *self.inner)
            .await?,
            engine: sqlx::query_scalar("select sqlite_version()").fetch_one(&mut *self.inner).await?,
        })
    }
}
