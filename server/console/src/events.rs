//! The event log: what directors' journals tell, and what the console notices itself.
//!
//! Unlike the audit log it says what happened, not who did what, and old events are forgotten. The newest few of each
//! cluster are kept in memory for the live pages.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use lvs::journal::{Entry, Happening, Severity};
use store::{EventFilter, NewEvent};

use crate::clusters::find;
use crate::{Console, Error, Failure};

/// Events that the live pages show.
const RECENT: usize = 10;
/// Events given at once, at most.
const AT_ONCE: u32 = 500;
/// Seconds that an event is kept: 90 days.
const KEPT_S: i64 = 90 * 24 * 3600;
/// Events that are kept of one cluster.
const KEPT: u32 = 100_000;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Rising in the order of receipt.
    pub number: i64,
    /// The director's name; none for what the console did.
    pub director: Option<String>,
    /// When, on the clock of whoever noted it.
    pub at: Timestamp,
    /// What.
    pub what: Happening,
}

/// Which events are asked for; everything by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Of this director alone.
    pub director: Option<String>,
    /// Of this kind alone ([`Happening::word`]).
    pub kind: Option<String>,
    /// At least as severe.
    pub severity: Option<Severity>,
    /// Older than this one.
    pub before: Option<EventPlace>,
    /// So many at most; 500 is the most.
    pub limit: u32,
}

/// What happened after an event that somebody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsAfter {
    /// In the order of receipt.
    pub events: Vec<LoggedEvent>,
    /// Number of the newest event; 0 where there is none.
    pub newest: i64,
    /// Whether events may be missing in between: forgotten, or the log is another one.
    pub gap: bool,
}

/// A place in the log to go on from, as an opaque text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPlace {
    at_ms: i64,
    number: i64,
}

/// A text that is no [`EventPlace`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no place in the event log; take it from an earlier answer")]
pub struct EventPlaceError(String);

impl fmt::Display for EventPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at_ms, self.number)
    }
}

impl FromStr for EventPlace {
    type Err = EventPlaceError;

    fn from_str(text: &str) -> Result<Self, EventPlaceError> {
        text.split_once('.')
            .and_then(|(at_ms, number)| at_ms.parse().ok().zip(number.parse().ok()))
            .map(|(at_ms, number)| EventPlace { at_ms, number })
            .ok_or_else(|| EventPlaceError(text.chars().take(64).collect()))
    }
}

impl LoggedEvent {
    /// Its place in the log.
    pub fn place(&self) -> EventPlace {
        EventPlace { at_ms: self.at.as_millisecond(), number: self.number }
    }
}

impl From<store::Event> for LoggedEvent {
    fn from(event: store::Event) -> Self {
        let out_of_range = if event.at_ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
        LoggedEvent {
            number: event.number,
            director: event.director,
            at: Timestamp::from_millisecond(event.at_ms).unwrap_or(out_of_range),
            what: event.what,
        }
    }
}

/// The newest events of each cluster.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<BTreeMap<String, VecDeque<Arc<LoggedEvent>>>>);

impl Recent {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, VecDeque<Arc<LoggedEvent>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, cluster: &str, event: LoggedEvent) {
        let mut clusters = self.lock();
        let events = clusters.entry(cluster.to_owned()).or_default();
        let order = |event: &LoggedEvent| (event.at, event.number);
        let place = events.partition_point(|other| order(other) > order(&event));
        events.insert(place, Arc::new(event));
        events.truncate(RECENT);
    }
}

impl Console {
    /// Events of a cluster (by id or name), the newest first.
    pub async fn events(&self, cluster: &str, query: &EventQuery) -> Result<Vec<LoggedEvent>, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let filter = EventFilter {
            director: query.director.as_deref(),
            kind: query.kind.as_deref(),
            severity: query.severity,
            before: query.before.map(|place| (place.at_ms, place.number)),
        };
        let events = tx.events(&found.id, &filter, query.limit.min(AT_ONCE)).await?;
        Ok(events.into_iter().map(LoggedEvent::from).collect())
    }

    /// Events of a cluster (by id or name) after that number, in the order of receipt, so many at most (500).
    pub async fn events_after(&self, cluster: &str, after: i64, limit: u32) -> Result<EventsAfter, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let (first, newest) = tx.event_bounds(&found.id).await?.unwrap_or((0, 0));
        // Before the first that is kept something may have been forgotten; after the last is what another log had.
        let gap = (after > 0 && after < first) || after > newest;
        let events = tx.events_after(&found.id, after, limit.min(AT_ONCE)).await?;
        Ok(EventsAfter { events: events.into_iter().map(LoggedEvent::from).collect(), newest, gap })
    }

    /// The newest ten events of a cluster (by id), the newest first, from memory.
    pub fn recent_events(&self, cluster_id: &str) -> Vec<Arc<LoggedEvent>> {
        self.inner.recent.lock().get(cluster_id).into_iter().flatten().cloned().collect()
    }

    /// Reads the newest events into memory.
    pub(crate) async fn load_recent(&self) -> Result<(), Failure> {
        let mut tx = self.inner.store.read().await?;
        for cluster in tx.clusters().await? {
            let newest = tx.events(&cluster.id, &EventFilter::default(), RECENT as u32).await?;
            let events = newest.into_iter().map(|event| Arc::new(event.into())).collect();
            self.inner.recent.lock().insert(cluster.id, events);
        }
        Ok(())
    }

    /// The newest entry of a director's journal that is kept.
    pub(crate) async fn journal_place(&self, director_id: &str) -> Result<u64, Failure> {
        Ok(self.inner.store.read().await?.last_event_of(director_id).await?)
    }

    /// Keeps what a director's journal tells; what is there already stays as it is.
    pub(crate) async fn keep_journal(&self, director_id: &str, entries: &[Entry]) -> Result<(), Failure> {
        let Some((cluster, director)) = self.inner.live.name_of(director_id) else { return Ok(()) };
        let received = self.now();
        let new: Vec<NewEvent<'_>> = entries
            .iter()
            .map(|entry| NewEvent {
                cluster: &cluster,
                director: Some(&director),
                source: Some((director_id, entry.number)),
                at_ms: entry.at_ms,
                received,
                what: &entry.what,
            })
            .collect();
        self.keep_events(&cluster, &new).await
    }

    /// Notes something that the console did or noticed, about a director or not.
    pub(crate) async fn note(
        &self,
        cluster: &str,
        director: Option<&str>,
        what: &Happening,
    ) -> Result<(), Failure> {
        let new = NewEvent {
            cluster,
            director,
            source: None,
            at_ms: self.inner.clock.now_ms(),
            received: self.now(),
            what,
        };
        self.keep_events(cluster, &[new]).await
    }

    /// Notes that a director is reached, or is not any more; once each, also across restarts of the console. `patient`:
    /// one that has never been reached has had its time to start, and counts as not reached too.
    pub(crate) async fn note_contact(
        &self,
        director_id: &str,
        what: &Happening,
        patient: bool,
    ) -> Result<(), Failure> {
        let Some((cluster, director)) = self.inner.live.name_of(director_id) else { return Ok(()) };
        let (made, lost) = (Happening::ContactMade, no_contact());
        let mut tx = self.inner.store.read().await?;
        let last = tx.last_event_kind(&cluster, &director, &[made.word(), lost.word()]).await?;
        drop(tx);
        if is_news(last.as_deref(), what, patient) {
            self.note(&cluster, Some(&director), what).await?;
        }
        Ok(())
    }

    async fn keep_events(&self, cluster: &str, new: &[NewEvent<'_>]) -> Result<(), Failure> {
        let mut tx = self.inner.store.write().await?;
        let mut kept = Vec::new();
        for event in new {
            match tx.insert_event(event).await {
                Ok(event) => kept.extend(event),
                // The cluster was removed in the meantime.
                Err(store::Error::Reference) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        tx.commit().await?;
        if kept.is_empty() {
            return Ok(());
        }
        for event in kept {
            self.inner.recent.add(cluster, event.into());
        }
        self.inner.live.ticked();
        Ok(())
    }

    /// Forgets what is old, or more than is kept.
    pub(crate) async fn forget_events(&self) -> Result<(), Failure> {
        let mut tx = self.inner.store.write().await?;
        tx.forget_events(self.now() - KEPT_S, KEPT).await?;
        Ok(tx.commit().await?)
    }
}

fn no_contact() -> Happening {
    Happening::ContactLost { reason: String::new() }
}

/// Whether contact made or lost is news after the last that was noted of it. Before the first contact there is nothing to
/// be lost, unless it is long in coming.
fn is_news(last: Option<&str>, what: &Happening, patient: bool) -> bool {
    let lost = no_contact();
    let before = last.or_else(|| (!patient).then(|| lost.word()));
    before != Some(what.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at_ms: i64, number: i64) -> LoggedEvent {
        let at = Timestamp::from_millisecond(at_ms).unwrap();
        LoggedEvent { number, director: None, at, what: Happening::LeaseRenewed }
    }

    #[test]
    fn the_newest_ten_stay_in_memory_in_the_order_of_their_moments() {
        let recent = Recent::default();
        for number in 1..=20 {
            // Every second one happened long ago and was told late.
            recent.add("cl_1", event(if number % 2 == 0 { 1_000 - number } else { 10_000 + number }, number));
        }
        let shown: Vec<i64> = recent.lock()["cl_1"].iter().map(|event| event.number).collect();
        assert_eq!(shown, [19, 17, 15, 13, 11, 9, 7, 5, 3, 1]);
    }

    #[test]
    fn a_director_that_is_never_reached_is_said_once_it_has_had_its_time() {
        let (made, lost) = (Happening::ContactMade, no_contact());
        assert!(!is_news(None, &lost, false), "its agent may just be starting");
        assert!(is_news(None, &lost, true));
        assert!(!is_news(Some(lost.word()), &lost, true), "once");
        assert!(is_news(None, &made, false) && is_news(Some(lost.word()), &made, false));
        assert!(!is_news(Some(made.word()), &made, false));
        assert!(is_news(Some(made.word()), &lost, false));
    }

    #[test]
    fn places_are_texts_that_can_be_read_again() {
        let place = event(1_234, 7).place();
        assert_eq!(place.to_string().parse::<EventPlace>().unwrap(), place);
        for text in ["", "1", "1.", "x.1", "1.2.3"] {
            assert!(text.parse::<EventPlace>().is_err(), "{text}");
        }
    }
}
