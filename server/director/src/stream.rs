//! The status stream: one JSON object a line, everything at once to a new listener, then only what is new.
//!
//! A slow listener misses values in between, never the newest. The stream ends when the agent stops.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use lvs::counters::Counters;
use lvs::wire::{Snapshot, Status};
use serde::Serialize;

use crate::board::{News, View};

/// [`lvs::wire::Event`] without a copy of what it carries.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Line<'a> {
    Status(&'a Status),
    Snapshot(&'a Snapshot),
    Counters(&'a Counters),
    Alive,
}

/// The lines for one listener; `alive` is the longest silence.
pub(crate) fn lines(view: View, alive: Duration) -> impl Stream<Item = Result<Bytes, Infallible>> {
    unfold(view, move |mut view| async move {
        let line = match tokio::time::timeout(alive, view.next()).await {
            Ok(News::Status(status)) => encode(&Line::Status(&status)),
            Ok(News::Snapshot(snapshot)) => encode(&Line::Snapshot(&snapshot)),
            Ok(News::Counters(counters)) => encode(&Line::Counters(&counters)),
            Ok(News::Closing) => return None,
            Err(_) => encode(&Line::Alive),
        }?;
        Some((Ok(line), view))
    })
}

/// A line; none (and so the end of the stream) for a value that has no JSON, of which there are none.
fn encode(line: &Line<'_>) -> Option<Bytes> {
    let mut text = serde_json::to_vec(line).ok()?;
    text.push(b'\n');
    Some(Bytes::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lvs::wire::Event;

    #[test]
    fn a_line_is_an_event() {
        let status = crate::board::Board::new("d_1", 7).status();
        let (snapshot, counters) = (Snapshot::default(), Counters::default());
        let read = |line: &Line<'_>| serde_json::from_slice::<Event>(&encode(line).unwrap()).unwrap();
        assert_eq!(read(&Line::Status(&status)), Event::Status(Box::new(status.clone())));
        assert_eq!(read(&Line::Snapshot(&snapshot)), Event::Snapshot(Box::default()));
        assert_eq!(read(&Line::Counters(&counters)), Event::Counters(Counters::default()));
        assert_eq!(read(&Line::Alive), Event::Alive);
    }
}
