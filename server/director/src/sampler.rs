//! One sample of the kernel's counters a second, and only while a stream is open to carry it or a drain waits for it; fewer where reading a
//! very large table takes so long that pushes and repairs would wait for it.
//!
//! Runs on the worker's thread, between passes, because the kernel has one owner. A sample that could not be taken is
//! left out; the stream's listeners see the gap.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::Kernel;

use crate::board::Board;
use crate::nanny::Nanny;

/// Of the time, one part in this many at most goes into sampling,
const SHARE: u32 = 5;
/// unless the samples came further apart than this: rates are of about the last two seconds.
const APART: Duration = Duration::from_secs(3);

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
    pub(crate) fn run(&mut self, kernel: &mut dyn Kernel, board: &Board, nanny: &Nanny, now: Instant) {
        let Some(due) = self.next.filter(|due| *due <= now) else { return };
        if !board.watched() && !nanny.drains() {
            self.next = None;
            return;
        }
        let began = Instant::now();
        match kernel.counters() {
            Ok(counters) => {
                self.failing = false;
                let counters = Arc::new(counters);
                nanny.count(Arc::clone(&counters));
                board.counted(counters);
            }
            Err(error) => {
                if !self.failing {
                    tracing::warn!(%error, "no counters");
                }
                self.failing = true;
            }
        }
        self.next = Some(after(due, now, self.period, began.elapsed()));
    }
}

/// When the sample after the one that was due at `due`, began at `now` and took so long is due.
fn after(due: Instant, now: Instant, period: Duration, took: Duration) -> Instant {
    let period = period.max(took.saturating_mul(SHARE).min(APART));
    // On the grid while there is time for it; after a long pass there is nothing to catch up.
    let next = due + period;
    if next > now { next } else { now + period }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stay_on_the_grid_and_take_a_fifth_of_the_time_at_most() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let next = |late, took| after(start, start + ms(late), ms(1000), ms(took)) - start;
        assert_eq!(next(0, 10), ms(1000));
        assert_eq!(next(300, 10), ms(1000), "a late one does not move the grid");
        assert_eq!(next(1700, 10), ms(2700), "after a long pass nothing is caught up");
        assert_eq!(next(0, 400), ms(2000));
        assert_eq!(next(0, 5000), APART);
    }
}
