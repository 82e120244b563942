//! Packed chunks of samples, by series. What is in a chunk only `lvs::series` knows.

use crate::{Error, Tx};

/// Whose samples: in which cluster, and the names the kernel gives service and real server; empty where it is the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesOf<'a> {
    /// The cluster's id.
    pub cluster: &'a str,
    /// `tcp 192.0.2.1:80`, or empty for all services.
    pub service: &'a str,
    /// `10.0.0.1:80`, or empty for the service as a whole.
    pub server: &'a str,
}

/// A chunk that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesChunk {
    /// Seconds between two samples.
    pub step: u32,
    /// The moment of its first sample.
    pub start: i64,
    /// The moment after its last sample.
    pub until: i64,
    /// The samples.
    pub data: Vec<u8>,
}

impl Tx {
    /// Keeps a chunk; one that was kept when it was shorter is replaced.
    pub async fn put_series_chunk(&mut self, of: SeriesOf<'_>, chunk: &SeriesChunk) -> Result<(), Error> {
        let known = || {
            sqlx::query_scalar("select number from series where cluster = ? and service = ? and server = ?")
                .bind(of.cluster.to_owned())
                .bind(of.service.to_owned())
                .bind(of.server.to_owned())
        };
        let number: i64 = match known().fetch_optional(&mut *self.inner).await? {
            Some(number) => number,
            None => {
                sqlx::query("insert into series (cluster, service, server) values (?, ?, ?)")
                    .bind(of.cluster)
                    .bind(of.service)
                    .bind(of.server)
                    .execute(&mut *self.inner)
                    .await?;
                known().fetch_one(&mut *self.inner).await?
            }
        };
        sqlx::query(
            "insert into series_chunk (series, step, start, until, data) values (?, ?, ?, ?, ?)
             on conflict (series, step, start) do update set until = excluded.until, data = excluded.data",
        )
        .bind(number)
        .bind(chunk.step)
        .bind(chunk.start)
        .bind(chunk.until)
        .bind(&chunk.data)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Chunks of a series with any moment from `from` up to `until` (not included), the oldest first.
    pub async fn series_chunks(
        &mut self,
        of: SeriesOf<'_>,
        step: u32,
        from: i64,
        until: i64,
    ) -> Result<Vec<SeriesChunk>, Error> {
        let rows: Vec<(i64, i64, Vec<u8>)> = sqlx::query_as(
            "select start, until, data from series_chunk
             where series = (select number from series where cluster = ? and service = ? and server = ?)
             and step = ? and until > ? and start < ? order by start",
        )
        .bind(of.cluster)
        .bind(of.service)
        .bind(of.server)
        .bind(step)
        .bind(from)
        .bind(until)
        .fetch_all(&mut *self.inner)
        .await?;
        Ok(rows.into_iter().map(|(start, until, data)| SeriesChunk { step, start, until, data }).collect())
    }

    /// Forgets chunks of that step that ended before a moment, and series that have none left.
    pub async fn forget_series_chunks(&mut self, step: u32, before: i64) -> Result<u64, Error> {
        let gone = sqlx::query("delete from series_chunk where step = ? and until <= ?")
            .bind(step)
            .bind(before)
            .execute(&mut *self.inner)
            .await?
            .rows_affected();
        sqlx::query("delete from series where not exists (select 1 from series_chunk where series = number)")
            .execute(&mut *self.inner)
            .await?;
        Ok(gone)
    }

    /// One of the console's own settings.
    pub async fn setting(&mut self, name: &str) -> Result<Option<String>, Error> {
        Ok(sqlx::query_scalar("select value from setting where name = ?")
            .bind(name)
            .fetch_optional(&mut *self.inner)
            .await?)
    }

    /// Sets one of the console's own settings.
    pub async fn put_setting(&mut self, name: &str, value: &str) -> Result<(), Error> {
        sqlx::query(
            "insert into setting (name, value) values (?, ?) on conflict (name) do update set value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }
}
