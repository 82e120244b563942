//! One sample of the kernel's counters a second, and only while a stream is open to carry it or a drain waits for it; fewer where reading a
//! very large table takes so long that pushes and repairs would wait for it.
//!
//! Of a large table most stands still for most of the time, and reading all of it a second would cost a processor's tenth.
//! So only what moves is read each second, and of the rest a part in its turn: what a quiet service shows is some seconds
//! old at most. While a drain waits for zero, all of it is read.
//!
//! Runs on the worker's thread, between passes, because the kernel has one owner. A sample that could not be taken is
//! left out; the stream's listeners see the gap.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::Kernel;
use lvs::counters::Counters;
use lvs::table::ServiceKey;

use crate::board::Board;
use crate::nanny::Nanny;

/// Of the time, one part in this many at most goes into sampling,
const SHARE: u32 = 5;
/// unless the samples came further apart than this: rates are of about the last two seconds.
const APART: Duration = Duration::from_secs(3);

/// Tables of so many real servers are read whole; of larger ones so many that stand still are read at a time.
const ROWS: usize = 1_000;

/// When to sample next, and what.
#[derive(Debug)]
pub(crate) struct Sampler {
    period: Duration,
    next: Option<Instant>,
    failing: bool,
    turns: Turns,
    /// Writes of the kernel at the last sample: what was changed since is to be seen at once.
    writes: u64,
}

/// Which services of a large table are read although they stand still.
#[derive(Debug, Default)]
struct Turns {
    last: Arc<Counters>,
    /// Services that had moved at the last sample. A service and its real servers are not counted in the same moment:
    /// what the servers had not shown yet is read once more.
    moved: BTreeSet<ServiceKey>,
    /// Where the last turn ended.
    reached: Option<ServiceKey>,
}

impl Turns {
    /// Whether all is to be read.
    fn is_small(&self) -> bool {
        self.last.values().map(|service| service.servers.len()).sum::<usize>() <= ROWS
    }

    /// The services whose turn it is, with those that moved last.
    fn due(&mut self) -> BTreeSet<ServiceKey> {
        let mut due = std::mem::take(&mut self.moved);
        let onwards = self.last.range((self.reached.map_or(Unbounded, Excluded), Unbounded));
        let around = self.reached.map(|reached| self.last.range(..=reached)).into_iter().flatten();
        let mut rows = 0;
        for (key, service) in onwards.chain(around) {
            if rows >= ROWS {
                break;
            }
            rows += service.servers.len().max(1);
            due.insert(*key);
            self.reached = Some(*key);
        }
        due
    }

    /// Takes in what was read.
    fn took(&mut self, counters: Arc<Counters>) {
        let moved = counters
            .iter()
            .filter(|(key, now)| self.last.get(key).is_none_or(|before| before.totals != now.totals));
        self.moved = moved.map(|(key, _)| *key).collect();
        self.last = counters;
    }
}

impl Sampler {
    pub(crate) fn new(period: Duration) -> Self {
        Sampler { period, next: None, failing: false, turns: Turns::default(), writes: 0 }
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
        let writes = kernel.writes();
        let counters = if writes != self.writes || self.turns.is_small() || nanny.drains() {
            kernel.counters()
        } else {
            let due = self.turns.due();
            kernel.counters_since(&self.turns.last, &due)
        };
        match counters {
            Ok(counters) => {
                (self.failing, self.writes) = (false, writes);
                let counters = Arc::new(counters);
                self.turns.took(Arc::clone(&counters));
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
    use lvs::counters::{ServerCounters, ServiceCounters, Totals};
    use lvs::table::ServerKey;

    use super::*;

    #[test]
    fn what_stands_still_is_read_in_turn_and_what_has_moved_once_more() {
        let key = |port: u16| -> ServiceKey { format!("tcp 192.0.2.1:{port}").parse().unwrap() };
        let service = |connections: u64| {
            let server = |host: u16| {
                let address = std::net::Ipv4Addr::from(0x0a00_0000 + u32::from(host));
                (ServerKey { address: address.into(), port: 80 }, ServerCounters::default())
            };
            let totals = Totals { connections, ..Totals::default() };
            ServiceCounters { totals, servers: (1..=600).map(server).collect() }
        };
        let counters = |moved: u64| -> Arc<Counters> {
            Arc::new([(key(80), service(0)), (key(81), service(moved)), (key(82), service(0))].into())
        };
        let ports = |due: BTreeSet<ServiceKey>| due.into_iter().collect::<Vec<_>>();
        let mut turns = Turns::default();
        assert!(turns.is_small() && turns.due().is_empty());
        turns.took(counters(0));
        assert!(!turns.is_small());
        assert_eq!(ports(turns.due()), [key(80), key(81), key(82)], "they are all new");
        turns.took(counters(0));
        assert_eq!(ports(turns.due()), [key(80), key(82)], "two at a time, after the second");
        turns.took(counters(0));
        assert_eq!(ports(turns.due()), [key(81), key(82)]);
        turns.took(counters(9));
        assert_eq!(ports(turns.due()), [key(80), key(81)]);
        turns.took(counters(9));
        assert_eq!(ports(turns.due()), [key(80), key(82)]);
        turns.took(counters(10));
        assert_eq!(ports(turns.due()), [key(81), key(82)]);
        turns.took(Arc::new([(key(80), service(0))].into()));
        assert!(turns.is_small());
        assert_eq!(ports(turns.due()), [key(80)], "the rest has gone");
    }

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
