//! What the agent shows of itself: written by its loops, read by the listener and the stream without any waiting.
//!
//! A reader always gets the newest value; values in between may be missed, as everything here is a level.

use std::sync::Arc;
use std::time::Instant;

use lvs::counters::Counters;
use lvs::plan::Ownership;
use lvs::table::Observed;
use lvs::wire::{Snapshot, State, Status};
use tokio::sync::watch;

/// The status and the moment its state was entered; `state_ms` is worked out when it is read.
#[derive(Clone, Debug)]
struct Posted {
    status: Status,
    entered: Instant,
}

/// All that is shown.
#[derive(Debug)]
pub(crate) struct Board {
    status: watch::Sender<Posted>,
    snapshot: watch::Sender<Option<Arc<Snapshot>>>,
    counters: watch::Sender<Option<Arc<Counters>>>,
    closing: watch::Sender<bool>,
}

/// One stream's view; each `changed` resolves at once for what was there before.
#[derive(Debug)]
pub(crate) struct View {
    status: watch::Receiver<Posted>,
    snapshot: watch::Receiver<Option<Arc<Snapshot>>>,
    counters: watch::Receiver<Option<Arc<Counters>>>,
    closing: watch::Receiver<bool>,
}

/// Something a stream has to send, or its end.
#[derive(Debug)]
pub(crate) enum News {
    Status(Box<Status>),
    Snapshot(Arc<Snapshot>),
    Counters(Arc<Counters>),
    Closing,
}

impl Board {
    pub(crate) fn new(director_id: &str, certificate_ends_s: i64) -> Self {
        let status = Status {
            director_id: director_id.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seat: None,
            state: State::Starting,
            state_ms: 0,
            revision: None,
            digest: None,
            in_sync: false,
            kernel_writes: 0,
            holds: Default::default(),
            foreign: Default::default(),
            failures: Vec::new(),
            last_error: None,
            certificate_ends_s,
        };
        Board {
            status: watch::Sender::new(Posted { status, entered: Instant::now() }),
            snapshot: watch::Sender::new(None),
            counters: watch::Sender::new(None),
            closing: watch::Sender::new(false),
        }
    }

    /// The status at this moment.
    pub(crate) fn status(&self) -> Status {
        render(&self.status.borrow())
    }

    /// Changes the status; streams are only told where something really changed. Returns the old and the new state
    /// where the state changed.
    pub(crate) fn post(&self, change: impl FnOnce(&mut Status)) -> Option<(State, State)> {
        let mut moved = None;
        self.status.send_if_modified(|posted| {
            let before = posted.status.clone();
            change(&mut posted.status);
            if posted.status.state != before.state {
                posted.entered = Instant::now();
                moved = Some((before.state, posted.status.state));
            }
            posted.status != before
        });
        moved
    }

    /// Shows what the kernel holds, where it differs from what was shown.
    pub(crate) fn observed(&self, observed: &Observed, ownership: &Ownership) {
        let same = self.snapshot.borrow().as_ref().is_some_and(|shown| {
            shown.ownership == *ownership && same_but_for_lifetimes(&shown.observed, observed)
        });
        if !same {
            let snapshot = Snapshot { observed: observed.clone(), ownership: ownership.clone() };
            self.snapshot.send_replace(Some(Arc::new(snapshot)));
        }
    }

    /// Shows this second's counters.
    pub(crate) fn counted(&self, counters: Counters) {
        self.counters.send_replace(Some(Arc::new(counters)));
    }

    /// Whether anybody looks at counters.
    pub(crate) fn watched(&self) -> bool {
        self.counters.receiver_count() > 0
    }

    /// A view for one stream. Old counters are not shown to it: it waits for the next second.
    pub(crate) fn view(&self) -> View {
        let mut view = View {
            status: self.status.subscribe(),
            snapshot: self.snapshot.subscribe(),
            counters: self.counters.subscribe(),
            closing: self.closing.subscribe(),
        };
        view.status.mark_changed();
        view.snapshot.mark_changed();
        view
    }

    /// Ends every stream.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }
}

impl View {
    /// The next thing to send; waits until there is one.
    pub(crate) async fn next(&mut self) -> News {
        loop {
            // A sender that is gone means that the agent is.
            let changed = tokio::select! {
                biased;
                _ = self.closing.wait_for(|closing| *closing) => return News::Closing,
                changed = self.status.changed() => {
                    changed.map(|()| Some(News::Status(Box::new(render(&self.status.borrow_and_update())))))
                }
                changed = self.snapshot.changed() => {
                    changed.map(|()| self.snapshot.borrow_and_update().clone().map(News::Snapshot))
                }
                changed = self.counters.changed() => {
                    changed.map(|()| self.counters.borrow_and_update().clone().map(News::Counters))
                }
            };
            match changed {
                Ok(Some(news)) => return news,
                Ok(None) => {}
                Err(_) => return News::Closing,
            }
        }
    }
}

fn render(posted: &Posted) -> Status {
    let state_ms = u64::try_from(posted.entered.elapsed().as_millis()).unwrap_or(u64::MAX);
    Status { state_ms, ..posted.status.clone() }
}

/// Lifetimes of addresses count down all the time; that alone is no news.
fn same_but_for_lifetimes(a: &Observed, b: &Observed) -> bool {
    let addresses = || {
        a.addresses.len() == b.addresses.len()
            && a.addresses.iter().zip(&b.addresses).all(|((ka, ra), (kb, rb))| {
                let timed = ra.valid_s.is_some() == rb.valid_s.is_some();
                ka == kb
                    && timed
                    && (&ra.label, ra.tagged, ra.secondary) == (&rb.label, rb.tagged, rb.secondary)
            })
    };
    a.table == b.table
        && a.timeouts == b.timeouts
        && a.sysctls == b.sysctls
        && a.links == b.links
        && addresses()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lvs::table::AddressRow;

    fn observed(valid_s: Option<u32>) -> Observed {
        let row = AddressRow { valid_s, ..AddressRow::default() };
        let key = "eth0 192.0.2.1/24".parse().unwrap();
        Observed { addresses: [(key, row)].into(), ..Observed::default() }
    }

    #[tokio::test]
    async fn a_new_listener_gets_everything_at_once_and_then_only_changes() {
        let board = Board::new("d_1", 0);
        board.observed(&observed(Some(100)), &Ownership::default());
        board.counted(Counters::new());
        let mut view = board.view();
        assert!(matches!(view.next().await, News::Status(_)));
        assert!(matches!(view.next().await, News::Snapshot(_)));
        board.post(|status| status.in_sync = false);
        board.observed(&observed(Some(99)), &Ownership::default());
        board.post(|status| status.revision = Some(3));
        match view.next().await {
            News::Status(status) => assert_eq!(status.revision, Some(3)),
            other => panic!("{other:?}"),
        }
        board.observed(&observed(None), &Ownership::default());
        assert!(matches!(view.next().await, News::Snapshot(_)));
        board.counted(Counters::new());
        assert!(matches!(view.next().await, News::Counters(_)));
        board.close();
        assert!(matches!(view.next().await, News::Closing));
    }

    #[test]
    fn a_state_is_entered_once() {
        let board = Board::new("d_1", 0);
        assert_eq!(board.post(|s| s.state = State::Active), Some((State::Starting, State::Active)));
        assert_eq!(board.post(|s| s.state = State::Active), None);
    }

    #[test]
    fn counters_are_watched_only_while_somebody_listens() {
        let board = Board::new("d_1", 0);
        assert!(!board.watched());
        let view = board.view();
        assert!(board.watched());
        drop(view);
        assert!(!board.watched());
    }
}
