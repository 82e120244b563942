//! The thread that owns the kernel, and what wakes it: a push, an event of the kernel, a tick, a listener.
//!
//! A poke carries no data; it only makes the next pass come sooner. The thread uses no async runtime, so a busy
//! listener cannot delay it, and a long pass delays nobody but who waits for its result.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use kernel::events::Events;
use lvs::wire::{Applied, Refusal};
use tokio::sync::oneshot;

use crate::intake::Accepted;
use crate::reconcile::{Reconciler, Released};
use crate::rhythm::Rhythm;
use crate::sampler::Sampler;

/// What the thread is told.
pub(crate) enum Message {
    /// Make this true and say what was done.
    Take { accepted: Box<Accepted>, received: Instant, answer: oneshot::Sender<Result<Applied, Refusal>> },
    /// Something may have changed.
    Poke,
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
        if schedule.next <= now {
            let report = reconciler.pass();
            schedule.passed(report.in_sync, report.until, Instant::now());
        }
        sampler.run(reconciler.kernel.as_mut(), &reconciler.board, Instant::now());
        let next = sampler.next().map_or(schedule.next, |sample| sample.min(schedule.next));
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
            Ok(Message::Poke) => schedule.poke(),
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

    fn poke(&mut self) {
        let soonest = self.last.map(|last| last + self.settle);
        self.next = self.next.min(soonest.unwrap_or(self.next));
    }
}

/// Pokes the worker for each change of links and addresses, until `stopping`.
pub(crate) fn watch_events(mut events: Events, inbox: &Sender<Message>, stopping: &Arc<AtomicBool>) {
    /// How long a stop may have to wait for this thread.
    const PATIENCE: Duration = Duration::from_millis(500);
    let mut failing = false;
    while !stopping.load(Ordering::Relaxed) {
        match events.wait(PATIENCE) {
            Ok(changed) => {
                failing = false;
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
