//! The thread that owns the kernel, and what wakes it: a push, an event of the kernel, a tick, a listener.
//!
//! A poke carries no data; it only makes the next pass come sooner. The thread uses no async runtime, so a busy
//! listener cannot delay it, and a long pass delays nobody but who waits for its result.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use kernel::events::Events;
use lvs::journal::Happening;
use lvs::wire::{Applied, Refusal};
use tokio::sync::oneshot;

use crate::board::Board;
use crate::intake::Accepted;
use crate::reconcile::{Reconciler, Released};
use crate::redundancy::{Heart, News};
use crate::rhythm::Rhythm;
use crate::sampler::Sampler;

/// What the thread is told.
pub(crate) enum Message {
    /// Make this true and say what was done.
    Take { accepted: Box<Accepted>, received: Instant, answer: oneshot::Sender<Result<Applied, Refusal>> },
    /// Put right now what drifts in these rows (all where none is named), and say what was done.
    Repair { rows: Vec<String>, received: Instant, answer: oneshot::Sender<Result<Applied, Refusal>> },
    /// Look now, and say whether all is as it should be.
    Look { answer: oneshot::Sender<bool> },
    /// Say that you are there.
    Answer(oneshot::Sender<()>),
    /// Something may have changed.
    Poke,
    /// The checks say something else.
    Stands,
    /// The heartbeat has news.
    Heart(News),
    /// Somebody wants counters.
    Listening,
    /// End; let go of everything first where `release`.
    Stop { release: bool, answer: oneshot::Sender<Released> },
}

/// The loop; ends with [`Message::Stop`].
pub(crate) fn run(mut reconciler: Reconciler, inbox: &Receiver<Message>, rhythm: &Rhythm) {
    let mut sampler = Sampler::new(rhythm.sample);
    let mut schedule = Schedule::new(rhythm, Instant::now());
    loop {
        let now = Instant::now();
        if reconciler.undo_at().is_some_and(|at| at <= now) {
            let in_sync = reconciler.go_back();
            schedule.passed(in_sync, None, Instant::now());
        }
        if schedule.next <= now {
            let report = reconciler.pass();
            schedule.passed(report.in_sync, report.until, Instant::now());
        }
        sampler.run(reconciler.kernel.as_mut(), &reconciler.board, reconciler.stand.nanny(), Instant::now());
        let next = sampler.next().map_or(schedule.next, |sample| sample.min(schedule.next));
        let next = reconciler.undo_at().map_or(next, |undo| undo.min(next));
        match inbox.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(Message::Take { accepted, received, answer }) => {
                let result = reconciler.take(*accepted, received);
                let in_sync = result.as_ref().is_ok_and(|applied| applied.in_sync);
                if let Err(refusal) = &result {
                    tracing::warn!(%refusal, "configuration refused");
                } else {
                    schedule.passed(in_sync, None, Instant::now());
                }
                // The one who asked may have gone; what was done stays done.
                let _ = answer.send(result);
            }
            Ok(Message::Repair { rows, received, answer }) => {
                let result = reconciler.repair(&rows, received);
                if let Ok(applied) = &result {
                    schedule.passed(applied.in_sync, None, Instant::now());
                }
                let _ = answer.send(result);
            }
            Ok(Message::Look { answer }) => {
                let report = reconciler.pass();
                schedule.passed(report.in_sync, report.until, Instant::now());
                let _ = answer.send(report.in_sync);
            }
            Ok(Message::Answer(answer)) => drop(answer.send(())),
            Ok(Message::Poke) => schedule.poke(),
            Ok(Message::Stands) => {
                schedule.soon();
                if reconciler.stand.nanny().drains() {
                    sampler.wake(Instant::now());
                }
            }
            Ok(Message::Heart(News::Role(role, at))) => {
                reconciler.play(role, at);
                schedule.now(Instant::now());
            }
            Ok(Message::Heart(News::Announce)) => reconciler.announce(),
            Ok(Message::Heart(News::Lease(Some(error)))) => {
                tracing::warn!(%error, "the addresses' life cannot be renewed");
                let reason = error.to_string();
                reconciler.board.journal().note(Happening::LeaseFailed { reason });
            }
            Ok(Message::Heart(News::Lease(None))) => {
                tracing::info!("the addresses' life is renewed again");
                reconciler.board.journal().note(Happening::LeaseRenewed);
            }
            Ok(Message::Heart(News::Settled)) => reconciler.settled_with_partner(),
            Ok(Message::Heart(News::Ended)) => {
                reconciler.parted();
                schedule.now(Instant::now());
            }
            Ok(Message::Heart(News::View(view))) => {
                if reconciler.view(view.as_deref()) {
                    schedule.poke();
                }
            }
            Ok(Message::Listening) => sampler.wake(Instant::now()),
            Ok(Message::Stop { release, answer }) => {
                let released = if release { reconciler.release() } else { Released::default() };
                let _ = answer.send(released);
                return;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// When the next pass is due.
#[derive(Debug)]
struct Schedule {
    tick: Duration,
    first_retry: Duration,
    settle: Duration,
    retry: Duration,
    last: Option<Instant>,
    next: Instant,
}

impl Schedule {
    fn new(rhythm: &Rhythm, now: Instant) -> Self {
        Schedule {
            tick: rhythm.tick,
            first_retry: rhythm.retry,
            settle: rhythm.settle,
            retry: rhythm.retry,
            last: None,
            next: now,
        }
    }

    fn passed(&mut self, in_sync: bool, until: Option<Instant>, now: Instant) {
        let wait = if in_sync {
            self.retry = self.first_retry;
            self.tick
        } else {
            let wait = self.retry.min(self.tick);
            self.retry = self.retry.saturating_mul(2).min(self.tick);
            wait
        };
        self.last = Some(now);
        self.next = now + wait;
        if let Some(until) = until {
            self.next = self.next.min(until.max(now));
        }
    }

    fn now(&mut self, now: Instant) {
        self.next = now;
    }

    fn poke(&mut self) {
        self.after(self.settle);
    }

    /// For a real server that has gone nobody waits as long as for links and addresses that settle.
    fn soon(&mut self) {
        self.after(self.settle / 10);
    }

    fn after(&mut self, pause: Duration) {
        let soonest = self.last.map(|last| last + pause);
        self.next = self.next.min(soonest.unwrap_or(self.next));
    }
}

/// For each change of links and addresses tells the heartbeat and pokes the worker, until `stopping`.
pub(crate) fn watch_events(
    mut events: Events,
    inbox: &Sender<Message>,
    (heart, board): (&Heart, &Board),
    stopping: &Arc<AtomicBool>,
) {
    /// How long a stop may have to wait for this thread.
    const PATIENCE: Duration = Duration::from_millis(500);
    let mut failing = false;
    while !stopping.load(Ordering::Relaxed) {
        match events.wait(PATIENCE) {
            Ok(changed) => {
                failing = false;
                if let Some(faults) = changed.then(|| heart.see(events.picture())).flatten() {
                    board.links(faults);
                }
                if changed && inbox.send(Message::Poke).is_err() {
                    return;
                }
            }
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "link and address events are lost; looking every few seconds instead");
                }
                failing = true;
                std::thread::sleep(PATIENCE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_are_due_at_once_then_by_tick_sooner_when_poked_or_not_in_sync() {
        let start = Instant::now();
        let mut schedule = Schedule::new(&Rhythm::default(), start);
        assert_eq!(schedule.next, start);
        schedule.poke();
        assert_eq!(schedule.next, start);
        let waits = |schedule: &mut Schedule, in_sync| {
            schedule.passed(in_sync, None, start);
            (schedule.next - start).as_secs_f32()
        };
        assert_eq!(waits(&mut schedule, true), 5.0);
        let unsynced: Vec<f32> = (0..5).map(|_| waits(&mut schedule, false)).collect();
        assert_eq!(unsynced, [1.0, 2.0, 4.0, 5.0, 5.0]);
        assert_eq!(waits(&mut schedule, true), 5.0);
        assert_eq!(waits(&mut schedule, false), 1.0);
        schedule.poke();
        assert_eq!(schedule.next, start + Duration::from_millis(100), "events are let settle");
        schedule.passed(false, Some(start + Duration::from_millis(300)), start);
        assert_eq!(schedule.next, start + Duration::from_millis(300), "a damped row is not forgotten");
    }
}
