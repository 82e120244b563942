//! Rates from counters. Pure.
//!
//! The kernel refreshes its totals every two seconds while agents sample every second, so two neighbouring samples
//! would show nothing and the double in turn; the comparison therefore reaches back about two seconds.

use std::collections::VecDeque;
use std::sync::Arc;

use lvs::counters::{Counters, CountersChange, Totals};

use super::{LiveCounters, LiveServer, LiveService, Rates};

/// Milliseconds between the two samples compared, at least, where there are such; and at most.
const SPAN: u64 = 1_900;
const OLDEST: u64 = 6_000;

/// The last few samples of one director.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    kept: VecDeque<(u64, Arc<Counters>)>,
    /// What was made of the newest, where nothing had changed up to it.
    still: Option<Arc<LiveCounters>>,
}

impl Samples {
    /// Takes a whole sample (milliseconds on any steady clock) and gives the live numbers.
    pub(super) fn take(&mut self, at: u64, counters: Counters) -> Arc<LiveCounters> {
        self.keep(at, Arc::new(counters))
    }

    /// Takes a sample that says only what is different from the one before; none where there was none before.
    pub(super) fn follow(&mut self, at: u64, change: CountersChange) -> Option<Arc<LiveCounters>> {
        let (_, last) = self.kept.back()?;
        let counters = if change.is_empty() {
            Arc::clone(last)
        } else {
            let mut counters = Counters::clone(last);
            change.apply(&mut counters);
            Arc::new(counters)
        };
        Some(self.keep(at, counters))
    }

    fn keep(&mut self, at: u64, counters: Arc<Counters>) -> Arc<LiveCounters> {
        self.kept.retain(|(then, _)| at.saturating_sub(*then) <= OLDEST);
        let before = self
            .kept
            .iter()
            .rev()
            .find(|(then, _)| at.saturating_sub(*then) >= SPAN)
            .or_else(|| self.kept.front());
        // The very same counters: every rate is 0, however far the two lie apart.
        let stands = before.is_some_and(|(_, before)| Arc::ptr_eq(before, &counters));
        let live = match self.still.take().filter(|_| stands) {
            Some(still) => still,
            None => {
                let seconds = before.map_or(0.0, |(then, _)| at.saturating_sub(*then) as f64 / 1000.0);
                Arc::new(live(before.map(|(_, counters)| counters.as_ref()), &counters, seconds))
            }
        };
        self.still = stands.then(|| Arc::clone(&live));
        self.kept.push_back((at, counters));
        live
    }
}

fn per_second(before: u64, now: u64, seconds: f64) -> f64 {
    // Totals fall only when a row was removed and added again: nothing is known then.
    now.checked_sub(before).map_or(0.0, |difference| difference as f64 / seconds)
}

fn rates(before: Option<Totals>, now: Totals, seconds: f64) -> Rates {
    match before {
        Some(before) if seconds > 0.0 => Rates {
            connections: per_second(before.connections, now.connections, seconds),
            in_packets: per_second(before.in_packets, now.in_packets, seconds),
            out_packets: per_second(before.out_packets, now.out_packets, seconds),
            in_bytes: per_second(before.in_bytes, now.in_bytes, seconds),
            out_bytes: per_second(before.out_bytes, now.out_bytes, seconds),
        },
        _ => Rates::default(),
    }
}

fn live(before: Option<&Counters>, now: &Counters, seconds: f64) -> LiveCounters {
    now.iter()
        .map(|(key, service)| {
            let earlier = before.and_then(|counters| counters.get(key));
            let servers = service
                .servers
                .iter()
                .map(|(key, server)| {
                    let earlier = earlier.and_then(|s| s.servers.get(key)).map(|s| s.totals);
                    let live = LiveServer {
                        weight: server.weight,
                        active: server.active,
                        inactive: server.inactive,
                        persistent: server.persistent,
                        totals: server.totals,
                        rates: rates(earlier, server.totals, seconds),
                    };
                    (*key, live)
                })
                .collect();
            let live = LiveService {
                totals: service.totals,
                rates: rates(earlier.map(|s| s.totals), service.totals, seconds),
                active: service.servers.values().map(|s| u64::from(s.active)).sum(),
                inactive: service.servers.values().map(|s| u64::from(s.inactive)).sum(),
                servers,
            };
            (*key, live)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use lvs::counters::{ServerCounters, ServiceCounters};

    use super::*;

    fn counters(connections: u64) -> Counters {
        let totals = Totals { connections, in_bytes: connections * 100, ..Totals::default() };
        let server =
            ServerCounters { active: 3, inactive: 1, weight: 1, totals, ..ServerCounters::default() };
        let servers = [("10.0.0.1:80".parse().unwrap(), server), ("10.0.0.2:80".parse().unwrap(), server)];
        let service = ServiceCounters { totals, servers: servers.into() };
        [("tcp 192.0.2.1:80".parse().unwrap(), service)].into()
    }

    #[test]
    fn rates_reach_back_two_seconds_so_that_the_kernel_s_own_step_does_not_show() {
        let mut samples = Samples::default();
        // 50 connections a second, as the kernel shows them: a step of 100 every other second.
        let mut seen = Vec::new();
        for (second, total) in [0, 0, 100, 100, 200, 200, 300].into_iter().enumerate() {
            let live = samples.take(second as u64 * 1000, counters(total));
            seen.push(live.values().next().unwrap().rates.connections);
        }
        assert_eq!(seen, [0.0, 0.0, 50.0, 50.0, 50.0, 50.0, 50.0]);
        let live = samples.take(7000, counters(300));
        let service = live.values().next().unwrap();
        assert_eq!((service.active, service.inactive), (6, 2));
        assert_eq!(service.servers.values().next().unwrap().rates.in_bytes, 5000.0);
    }

    #[test]
    fn a_change_counts_as_the_whole_sample_would_and_none_at_all_comes_to_rest() {
        let (mut whole, mut by_change) = (Samples::default(), Samples::default());
        assert!(by_change.follow(0, CountersChange::default()).is_none(), "a change of nothing known");
        let mut before = counters(0);
        assert_eq!(whole.take(0, before.clone()), by_change.take(0, before.clone()));
        for (second, total) in [100, 100, 300, 300, 300, 300, 300, 700].into_iter().enumerate() {
            let (at, now) = (1000 * (second as u64 + 1), counters(total));
            let change = CountersChange::between(&before, &now);
            assert_eq!(Some(whole.take(at, now.clone())), by_change.follow(at, change), "second {at}");
            before = now;
        }
        let follow = |samples: &mut Samples, at| samples.follow(at, CountersChange::default()).unwrap();
        let rest: Vec<_> = (9..14).map(|second| follow(&mut by_change, second * 1000)).collect();
        assert_eq!(rest[4].values().next().unwrap().rates, Rates::default());
        assert!(Arc::ptr_eq(&rest[3], &rest[4]), "nothing is computed again");
        let one = CountersChange { changed: counters(800), ..CountersChange::default() };
        assert_eq!(by_change.follow(14_000, one).unwrap().values().next().unwrap().rates.connections, 50.0);
    }

    #[test]
    fn a_row_that_was_added_again_and_a_long_silence_show_no_rate() {
        let mut samples = Samples::default();
        samples.take(0, counters(1000));
        assert_eq!(samples.take(2000, counters(10)).values().next().unwrap().rates, Rates::default());
        assert_eq!(samples.take(60_000, counters(500)).values().next().unwrap().rates, Rates::default());
    }
}
