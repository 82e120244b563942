//! The status stream: one JSON object a line, everything at once to a new listener, then only what is new.
//!
//! A slow listener misses values in between, never the newest. The stream ends when the agent stops.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use lvs::counters::{Counters, CountersChange};
use lvs::journal::Entry;
use lvs::wire::{CheckKey, Checks, ChecksChange, OrdersStatus, ServiceChange, Snapshot, Status};
use serde::Serialize;

use crate::board::{News, View};
use crate::nanny::Statuses;

/// Statuses in one line.
const STATUSES: usize = 500;

/// [`lvs::wire::Event`] without a copy of what it carries.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Line<'a> {
    Status(&'a Status),
    Snapshot(&'a Snapshot),
    Counters(&'a Counters),
    Counted(CountersChange),
    Checks(&'a Checks),
    Checked(&'a ChecksChange),
    Orders(&'a OrdersStatus),
    Journal(&'a [Entry]),
    Alive,
}

/// The lines for one listener; `alive` is the longest silence.
pub(crate) fn lines(view: View, alive: Duration) -> impl Stream<Item = Result<Bytes, Infallible>> {
    unfold((view, None, None), move |(mut view, mut sent, mut known)| async move {
        let line = match tokio::time::timeout(alive, view.next()).await {
            Ok(News::Status(status)) => encode(&Line::Status(&status)),
            Ok(News::Snapshot(snapshot)) => encode(&Line::Snapshot(&snapshot)),
            Ok(News::Counters(counters)) => counted(&mut sent, counters),
            Ok(News::Checks(statuses)) => checked(&mut known, statuses),
            Ok(News::Orders(orders)) => encode(&Line::Orders(&orders)),
            Ok(News::Journal(entries)) => encode(&Line::Journal(&entries)),
            Ok(News::Closing) => return None,
            Err(_) => encode(&Line::Alive),
        }?;
        Some((Ok(line), (view, sent, known)))
    })
}

/// Counters as what is different from those this listener got last, where that is the shorter way to say it.
fn counted(sent: &mut Option<Arc<Counters>>, counters: Arc<Counters>) -> Option<Bytes> {
    let change = sent.as_ref().map(|sent| CountersChange::between(sent, &counters));
    let line = match change {
        Some(change) if change.changed.len() <= counters.len() / 2 => encode(&Line::Counted(change)),
        _ => encode(&Line::Counters(&counters)),
    };
    *sent = Some(counters);
    line
}

/// Statuses as what is different from those this listener got last, in as many lines as it takes; at first after a line
/// that says that nothing is known.
fn checked(known: &mut Option<Arc<Statuses>>, statuses: Arc<Statuses>) -> Option<Bytes> {
    let before = known.replace(Arc::clone(&statuses));
    let mut text = Vec::new();
    if before.is_none() {
        text.extend(encode(&Line::Checks(&Checks::new()))?);
    }
    let old = before.unwrap_or_default();
    let (mut change, mut count) = (ChecksChange::default(), 0);
    let gone = old.quorums.keys().filter(|key| !statuses.quorums.contains_key(*key));
    change.gone = gone.copied().collect();
    // The sorry server is said with every change of its service: what is not said there is no more.
    let touched = |key: &CheckKey| ServiceChange {
        quorum: statuses.quorums.get(&key.service).copied().unwrap_or_default(),
        sorry: statuses.sorry(&key.service),
        ..ServiceChange::default()
    };
    for key in old.servers.keys().filter(|key| !statuses.servers.contains_key(*key)) {
        if !change.gone.contains(&key.service) {
            let service = change.changed.entry(key.service).or_insert_with(|| touched(key));
            if !key.sorry {
                service.gone.insert(key.server);
            }
        }
    }
    for (key, status) in &statuses.servers {
        if old.servers.get(key).is_some_and(|there| Arc::ptr_eq(there, status)) {
            continue;
        }
        let service = change.changed.entry(key.service).or_insert_with(|| touched(key));
        if !key.sorry {
            service.servers.insert(key.server, status.as_ref().clone());
        }
        count += 1;
        if count % STATUSES == 0 {
            text.extend(encode(&Line::Checked(&std::mem::take(&mut change)))?);
        }
    }
    if !change.is_empty() {
        text.extend(encode(&Line::Checked(&change))?);
    }
    Some(Bytes::from(text))
}

fn encode(line: &Line<'_>) -> Option<Bytes> {
    let mut text = serde_json::to_vec(line).ok()?;
    text.push(b'\n');
    Some(Bytes::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lvs::counters::{ServiceCounters, Totals};
    use lvs::table::ServiceKey;
    use lvs::wire::Event;

    #[test]
    fn a_line_is_an_event() {
        let journal = crate::journal::Journal::open(std::path::Path::new("/nonexistent")).0;
        let status = crate::board::Board::new("d_1", 7, journal).status();
        let (snapshot, counters) = (Snapshot::default(), Counters::default());
        let read = |line: &Line<'_>| serde_json::from_slice::<Event>(&encode(line).unwrap()).unwrap();
        assert_eq!(read(&Line::Status(&status)), Event::Status(Box::new(status.clone())));
        assert_eq!(read(&Line::Snapshot(&snapshot)), Event::Snapshot(Box::default()));
        assert_eq!(read(&Line::Counters(&counters)), Event::Counters(Counters::default()));
        let what = lvs::journal::Happening::LeaseRenewed;
        let entries = vec![Entry { number: 1, at_ms: 2, what }];
        assert_eq!(read(&Line::Journal(&entries)), Event::Journal(entries.clone()));
        assert_eq!(read(&Line::Alive), Event::Alive);
    }

    #[test]
    fn counters_are_said_whole_once_and_then_as_changes() {
        let service = |port: u16, connections: u64| {
            let totals = Totals { connections, ..Totals::default() };
            let counters = ServiceCounters { totals, ..ServiceCounters::default() };
            (format!("tcp 192.0.2.1:{port}").parse::<ServiceKey>().unwrap(), counters)
        };
        let moments: [Counters; 3] = [
            [service(80, 0), service(81, 0), service(82, 0)].into(),
            [service(80, 0), service(81, 5), service(82, 0)].into(),
            [service(80, 9), service(81, 9), service(82, 9)].into(),
        ];
        let mut sent = None;
        let mut read = |moment: &Counters| {
            serde_json::from_slice::<Event>(&counted(&mut sent, Arc::new(moment.clone())).unwrap()).unwrap()
        };
        assert_eq!(read(&moments[0]), Event::Counters(moments[0].clone()));
        assert_eq!(
            read(&moments[0]),
            Event::Counted(CountersChange::default()),
            "nothing is said in a few bytes"
        );
        let one = CountersChange { changed: [service(81, 5)].into(), ..CountersChange::default() };
        assert_eq!(read(&moments[1]), Event::Counted(one));
        assert_eq!(read(&moments[2]), Event::Counters(moments[2].clone()), "more than half: all of them");
    }
}
