//! The event log: what directors told and what the console noted itself. Old entries are forgotten.

use lvs::journal::{Happening, Severity};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::{Error, Tx};

/// An event to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent<'a> {
    /// In which cluster.
    pub cluster: &'a str,
    /// The director's name; none for what the console did.
    pub director: Option<&'a str>,
    /// The director's id and its number of the entry; none for what the console noted.
    pub source: Option<(&'a str, u64)>,
    /// Milliseconds since 1970 on the clock of whoever noted it.
    pub at_ms: i64,
    /// When the console learned of it, seconds since 1970.
    pub received: i64,
    /// What.
    pub what: &'a Happening,
}

/// An event that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Rising in the order of receipt.
    pub number: i64,
    /// The director's name; none for what the console did.
    pub director: Option<String>,
    /// Milliseconds since 1970 on the clock of whoever noted it.
    pub at_ms: i64,
    /// What.
    pub what: Happening,
}

/// Which events are asked for; everything by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventFilter<'a> {
    /// Of this director alone.
    pub director: Option<&'a str>,
    /// Of this kind alone.
    pub kind: Option<&'a str>,
    /// At least as severe.
    pub severity: Option<Severity>,
    /// Older than this one, by its moment and number.
    pub before: Option<(i64, i64)>,
}

fn event(row: &SqliteRow) -> Result<Event, Error> {
    let content: String = row.try_get("content")?;
    Ok(Event {
        number: row.try_get("number")?,
        director: row.try_get("director")?,
        at_ms: row.try_get("at_ms")?,
        what: serde_json::from_str(&content).map_err(|e| Error::Content(e.to_string()))?,
    })
}

/// A director's number of an entry as SQLite keeps it.
fn entry(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::Content(format!("{number} is no number of a journal's entry")))
}

impl Tx {
    /// Keeps an event; none where it was kept before.
    pub async fn insert_event(&mut self, new: &NewEvent<'_>) -> Result<Option<Event>, Error> {
        let content = serde_json::to_string(new.what).map_err(|e| Error::Content(e.to_string()))?;
        let row = sqlx::query(
            "insert into event (cluster, director, source, entry, at_ms, received, kind, severity, content)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (source, entry) where source is not null do nothing
             returning number, director, at_ms, content",
        )
        .bind(new.cluster)
        .bind(new.director)
        .bind(new.source.map(|(source, _)| source))
        .bind(new.source.map(|(_, number)| entry(number)).transpose()?)
        .bind(new.at_ms)
        .bind(new.received)
        .bind(new.what.word())
        .bind(new.what.severity().as_str())
        .bind(content)
        .fetch_optional(&mut *self.inner)
        .await?;
        row.as_ref().map(event).transpose()
    }

    /// The newest entry of a director's journal that is kept; 0 where there is none.
    pub async fn last_event_of(&mut self, source: &str) -> Result<u64, Error> {
        let last: Option<i64> = sqlx::query_scalar("select max(entry) from event where source = ?")
            .bind(source)
            .fetch_one(&mut *self.inner)
            .await?;
        Ok(last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0))
    }

    /// Events of a cluster, the newest first by their moment.
    pub async fn events(
        &mut self,
        cluster: &str,
        filter: &EventFilter<'_>,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        let severities: Vec<&str> = Severity::ALL
            .into_iter()
            .filter(|severity| filter.severity.is_none_or(|least| *severity >= least))
            .map(Severity::as_str)
            .collect();
        let severities = serde_json::to_string(&severities).map_err(|e| Error::Content(e.to_string()))?;
        let (at_ms, number) = filter.before.unwrap_or((i64::MAX, i64::MAX));
        let rows = sqlx::query(
            "select number, director, at_ms, content from event
             where cluster = ?1 and (?2 is null or director = ?2) and (?3 is null or kind = ?3)
             and severity in (select value from json_each(?4)) and (at_ms, number) < (?5, ?6)
             order by at_ms desc, number desc limit ?7",
        )
        .bind(cluster)
        .bind(filter.director)
        .bind(filter.kind)
        .bind(severities)
        .bind(at_ms)
        .bind(number)
        .bind(limit)
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter().map(event).collect()
    }

    /// Events of a cluster after that number, in the order of receipt.
    pub async fn events_after(&mut self, cluster: &str, after: i64, limit: u32) -> Result<Vec<Event>, Error> {
        let rows = sqlx::query(
            "select number, director, at_ms, content from event
             where cluster = ? and number > ? order by number limit ?",
        )
        .bind(cluster)
        .bind(after)
        .bind(limit)
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter().map(event).collect()
    }

    /// What a director told of a real server since that moment, and whether its agent ran; the oldest first, so many at
    /// most of the newest.
    pub async fn events_of_server(
        &mut self,
        cluster: &str,
        director: &str,
        (service, server): (&str, &str),
        since_ms: i64,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        let rows = sqlx::query(
            "select number, director, at_ms, content from event
             where cluster = ?1 and at_ms >= ?2 and director = ?3 and (kind in ('agent-started', 'agent-stopped')
                 or kind in ('verdict', 'order-came')
                 and json_extract(content, '$.service') = ?4 and json_extract(content, '$.server') = ?5
                 and not coalesce(json_extract(content, '$.sorry'), 0))
             order by at_ms desc, number desc limit ?6",
        )
        .bind(cluster)
        .bind(since_ms)
        .bind(director)
        .bind(service)
        .bind(server)
        .bind(limit)
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter().rev().map(event).collect()
    }

    /// What was ordered of real servers or machines that were called so; the oldest first, so many at most of the newest.
    pub async fn orders_of(
        &mut self,
        cluster: &str,
        names: &[&str],
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        let names = serde_json::to_string(names).map_err(|e| Error::Content(e.to_string()))?;
        let rows = sqlx::query(
            "select number, director, at_ms, content from event
             where cluster = ? and kind = 'ordered'
             and json_extract(content, '$.server') in (select value from json_each(?))
             order by at_ms desc, number desc limit ?",
        )
        .bind(cluster)
        .bind(names)
        .bind(limit)
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter().rev().map(event).collect()
    }

    /// The numbers of a cluster's first and last event that are kept; none where there is none.
    pub async fn event_bounds(&mut self, cluster: &str) -> Result<Option<(i64, i64)>, Error> {
        let row =
            sqlx::query("select min(number) as first, max(number) as last from event where cluster = ?")
                .bind(cluster)
                .fetch_one(&mut *self.inner)
                .await?;
        let first: Option<i64> = row.try_get("first")?;
        Ok(first.zip(row.try_get("last")?))
    }

    /// The kind of a cluster's newest event about a director among these kinds.
    pub async fn last_event_kind(
        &mut self,
        cluster: &str,
        director: &str,
        kinds: &[&str],
    ) -> Result<Option<String>, Error> {
        let kinds = serde_json::to_string(kinds).map_err(|e| Error::Content(e.to_string()))?;
        Ok(sqlx::query_scalar(
            "select kind from event where cluster = ? and director = ?
             and kind in (select value from json_each(?)) order by number desc limit 1",
        )
        .bind(cluster)
        .bind(director)
        .bind(kinds)
        .fetch_optional(&mut *self.inner)
        .await?)
    }

    /// Forgets what was received before that second, and of each cluster all but the newest `most`.
    pub async fn forget_events(&mut self, before: i64, most: u32) -> Result<u64, Error> {
        let old = sqlx::query("delete from event where received < ?")
            .bind(before)
            .execute(&mut *self.inner)
            .await?
            .rows_affected();
        let many = sqlx::query(
            "delete from event where number in (
                 select number from (
                     select number, row_number() over (partition by cluster order by number desc) as place from event
                 ) where place > ?
             )",
        )
        .bind(most)
        .execute(&mut *self.inner)
        .await?
        .rows_affected();
        Ok(old + many)
    }
}
