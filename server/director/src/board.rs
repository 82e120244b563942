//! What the agent shows of itself: written by its loops, read by the listener and the stream without any waiting.
//!
//! A reader always gets the newest value; values in between may be missed, as everything here is a level.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use lvs::counters::Counters;
use lvs::journal::{Entry, Happening};
use lvs::plan::Ownership;
use lvs::table::Observed;
use lvs::wire::{
    HeartbeatStatus, HookOutcome, HookStatus, LinkFault, OrdersStatus, PartnerStatus, Snapshot, State, Status,
};
use tokio::sync::watch;

use crate::journal::{Journal, Reader};
use crate::nanny::Statuses;

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
    checks: watch::Sender<Arc<Statuses>>,
    orders: watch::Sender<OrdersStatus>,
    journal: Journal,
    /// Interfaces that are needed and cannot be used.
    links: Mutex<Vec<LinkFault>>,
    /// The program that was run last for the state.
    hook: Mutex<Option<HookStatus>>,
    closing: watch::Sender<bool>,
}

/// One stream's view; each `changed` resolves at once for what was there before.
#[derive(Debug)]
pub(crate) struct View {
    status: watch::Receiver<Posted>,
    snapshot: watch::Receiver<Option<Arc<Snapshot>>>,
    counters: watch::Receiver<Option<Arc<Counters>>>,
    checks: watch::Receiver<Arc<Statuses>>,
    orders: watch::Receiver<OrdersStatus>,
    journal: Reader,
    closing: watch::Receiver<bool>,
}

/// Something a stream has to send, or its end.
#[derive(Debug)]
pub(crate) enum News {
    Status(Box<Status>),
    Snapshot(Arc<Snapshot>),
    Counters(Arc<Counters>),
    Checks(Arc<Statuses>),
    Orders(Box<OrdersStatus>),
    Journal(Vec<Entry>),
    Closing,
}

impl Board {
    pub(crate) fn new(director_id: &str, certificate_ends_s: i64, journal: Journal) -> Self {
        let status = Status {
            director_id: director_id.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seat: None,
            state: State::Starting,
            state_ms: 0,
            heartbeat: None,
            revision: None,
            digest: None,
            provisional_until_s: None,
            undone: None,
            in_sync: false,
            kernel_writes: 0,
            holds: Default::default(),
            foreign: Default::default(),
            failures: Vec::new(),
            drift: Vec::new(),
            drift_count: 0,
            repaired: Vec::new(),
            obstacles: Default::default(),
            checking: None,
            last_error: None,
            certificate_ends_s,
        };
        Board {
            status: watch::Sender::new(Posted { status, entered: Instant::now() }),
            snapshot: watch::Sender::new(None),
            counters: watch::Sender::new(None),
            checks: watch::Sender::new(Arc::default()),
            orders: watch::Sender::new(OrdersStatus::default()),
            journal,
            links: Mutex::new(Vec::new()),
            hook: Mutex::new(None),
            closing: watch::Sender::new(false),
        }
    }

    /// Shows what the heartbeat decides and sees.
    pub(crate) fn beats(&self, view: Option<&lvs::failover::View>) {
        let heartbeat = view.map(|view| HeartbeatStatus {
            reason: view.reason,
            epoch: view.epoch,
            held: view.held,
            ready: view.ready,
            partner: view.partner.map(|partner| PartnerStatus {
                state: partner.state,
                revision: partner.revision,
                ready: partner.ready,
                held: partner.held,
            }),
            routers: view.routers.clone(),
            concerns: view.concerns.iter().copied().collect(),
            evidence: view.evidence.clone(),
            counts: view.counts,
            hook: self.hook.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            links: self.links.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        });
        let concerns = |status: &Status| {
            let heartbeat = status.heartbeat.as_ref();
            heartbeat.map(|heartbeat| heartbeat.concerns.clone()).unwrap_or_default()
        };
        let before = concerns(&self.status());
        self.post(|status| status.heartbeat = heartbeat.clone());
        let after = concerns(&self.status());
        if before != after {
            tracing::warn!(concerns = ?after, "heartbeat");
        }
        for concern in after.iter().filter(|concern| !before.contains(concern)) {
            self.journal.note(Happening::ConcernRaised { concern: *concern });
        }
        for concern in before.iter().filter(|concern| !after.contains(concern)) {
            self.journal.note(Happening::ConcernCleared { concern: *concern });
        }
    }

    /// Shows how the program for the state goes.
    pub(crate) fn hook(&self, hook: HookStatus) {
        let failed = match &hook.outcome {
            HookOutcome::Running => None,
            HookOutcome::Succeeded => Some(None),
            HookOutcome::Failed { reason } => Some(Some(reason.clone())),
        };
        if let Some(failed) = failed {
            self.journal.note(Happening::HookRan { active: hook.active, failed });
        }
        *self.hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(hook.clone());
        self.post(|status| {
            if let Some(heartbeat) = &mut status.heartbeat {
                heartbeat.hook = Some(hook);
            }
        });
    }

    /// Shows the interfaces that are needed and cannot be used.
    pub(crate) fn links(&self, faults: Vec<LinkFault>) {
        let before = {
            let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *links, faults.clone())
        };
        for fault in faults.iter().filter(|fault| !before.contains(fault)) {
            tracing::warn!(interface = %fault.interface, trouble = fault.trouble.as_str(), "an interface that is needed");
            let (interface, trouble) = (fault.interface.clone(), fault.trouble);
            self.journal.note(Happening::LinkLost { interface, trouble });
        }
        let still = |name: &str| faults.iter().any(|fault| fault.interface == name);
        for fault in before.iter().filter(|fault| !still(&fault.interface)) {
            self.journal.note(Happening::LinkBack { interface: fault.interface.clone() });
        }
        self.post(|status| {
            if let Some(heartbeat) = &mut status.heartbeat {
                heartbeat.links = faults;
            }
        });
    }

    /// Where what happens is noted.
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The status at this moment.
    pub(crate) fn status(&self) -> Status {
        render(&self.status.borrow())
    }

    /// The state at this moment.
    pub(crate) fn state(&self) -> State {
        self.status.borrow().status.state
    }

    /// See [`Status::alone`].
    pub(crate) fn alone(&self) -> bool {
        self.status.borrow().status.alone()
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
    pub(crate) fn counted(&self, counters: Arc<Counters>) {
        self.counters.send_replace(Some(counters));
    }

    /// Shows what the checks know.
    pub(crate) fn checks(&self, statuses: Arc<Statuses>) {
        self.checks.send_replace(statuses);
    }

    /// Shows which orders hold.
    pub(crate) fn orders(&self, orders: OrdersStatus) {
        self.orders.send_if_modified(|shown| {
            let other = *shown != orders;
            *shown = orders;
            other
        });
    }

    /// All that the checks know.
    pub(crate) fn statuses(&self) -> Arc<Statuses> {
        Arc::clone(&self.checks.borrow())
    }

    /// Whether anybody looks at counters.
    pub(crate) fn watched(&self) -> bool {
        self.counters.receiver_count() > 0
    }

    /// The counters from the next sample on, for as long as the receiver is kept.
    pub(crate) fn counters(&self) -> watch::Receiver<Option<Arc<Counters>>> {
        self.counters.subscribe()
    }

    /// A view for one stream, which has the journal's entries up to this number. Old counters are not shown to it: it
    /// waits for the next second.
    pub(crate) fn view(&self, journal_after: u64) -> View {
        let mut view = View {
            status: self.status.subscribe(),
            snapshot: self.snapshot.subscribe(),
            counters: self.counters.subscribe(),
            checks: self.checks.subscribe(),
            orders: self.orders.subscribe(),
            journal: self.journal.reader(journal_after),
            closing: self.closing.subscribe(),
        };
        view.status.mark_changed();
        view.snapshot.mark_changed();
        view.checks.mark_changed();
        view.orders.mark_changed();
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
                changed = self.checks.changed() => {
                    changed.map(|()| Some(News::Checks(self.checks.borrow_and_update().clone())))
                }
                changed = self.orders.changed() => {
                    changed.map(|()| Some(News::Orders(Box::new(self.orders.borrow_and_update().clone()))))
                }
                entries = self.journal.next() => Ok(Some(News::Journal(entries))),
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
        && a.packets == b.packets
        && a.links == b.links
        && addresses()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lvs::table::AddressRow;

    fn board() -> Board {
        Board::new("d_1", 0, Journal::open(std::path::Path::new("/nonexistent")).0)
    }

    fn observed(valid_s: Option<u32>) -> Observed {
        let row = AddressRow { valid_s, ..AddressRow::default() };
        let key = "eth0 192.0.2.1/24".parse().unwrap();
        Observed { addresses: [(key, row)].into(), ..Observed::default() }
    }

    #[tokio::test]
    async fn a_new_listener_gets_everything_at_once_and_then_only_changes() {
        let board = board();
        board.observed(&observed(Some(100)), &Ownership::default());
        board.counted(Arc::default());
        let mut view = board.view(0);
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
        board.counted(Arc::default());
        assert!(matches!(view.next().await, News::Counters(_)));
        board.close();
        assert!(matches!(view.next().await, News::Closing));
    }

    #[test]
    fn a_state_is_entered_once() {
        let board = board();
        assert_eq!(board.post(|s| s.state = State::Active), Some((State::Starting, State::Active)));
        assert_eq!(board.post(|s| s.state = State::Active), None);
    }

    #[test]
    fn counters_are_watched_only_while_somebody_listens() {
        let board = board();
        assert!(!board.watched());
        let view = board.view(0);
        assert!(board.watched());
        drop(view);
        assert!(!board.watched());
    }
}
