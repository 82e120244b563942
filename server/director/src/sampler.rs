//! One sample of the kernel's counters a second, and only while a stream is open to carry it.
//!
//! Runs on the worker's thread, between passes, because the kernel has one owner. A sample that could not be taken is
//! left out; the stream's listeners see the gap.

use std::time::{Duration, Instant};

use kernel::Kernel;

use crate::board::Board;

/// When to sample next.
#[derive(Debug)]
pub(crate) struct Sampler {
    period: Duration,
    next: Option<Instant>,
    failing: bool,
}

impl Sampler {
    pub(crate) fn new(period: Duration) -> Self {
        Sampler { period, next: None, failing: false }
    }

    /// Somebody has begun to listen.
    pub(crate) fn wake(&mut self, now: Instant) {
        self.next.get_or_insert(now);
    }

    /// When the next sample is due; none while nobody listens.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Takes a sample where one is due.
    pub(crate) fn run(&mut self, kernel: &mut dyn Kernel, board: &Board, now: Instant) {
        let Some(due) = self.next.filter(|due| *due <= now) else { return };
        if !board.watched() {
            self.next = None;
            return;
        }
        match kernel.counters() {
            Ok(counters) => {
                self.failing = false;
                board.counted(counters);
            }
            Err(error) => {
                if !self.failing {
                    tracing::warn!(%error, "no counters");
                }
                self.failing = true;
            }
        }
        // On the grid while there is time for it; after a long pass there is nothing to catch up.
        let next = due + self.period;
        self.next = Some(if next > now { next } else { now + self.period });
    }
}
