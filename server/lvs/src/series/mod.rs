//! How much went through a service or real server over time: samples, their roll-up into coarser ones, and the packed
//! chunks in which they are kept.
//!
//! Pure: it never reads a clock, stores nothing and knows no service by name. The console records what directors
//! report ([`Track`]), keeps closed [`Chunk`]s in its database, and reads them back for charts ([`unpack`]).

mod chunk;
mod code;
mod track;

pub use chunk::{Broken, Chunk, unpack};
pub use track::Track;

/// One moment, or the mean of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Active connections.
    pub active: f64,
    /// Inactive connections.
    pub inactive: f64,
    /// The most active connections at any moment of the span.
    pub peak: f64,
    /// New connections per second.
    pub connections: f64,
    /// Packets per second towards the real server.
    pub in_packets: f64,
    /// Packets per second from it.
    pub out_packets: f64,
    /// Bytes per second towards the real server.
    pub in_bytes: f64,
    /// Bytes per second from it.
    pub out_bytes: f64,
}

/// Values of a sample.
pub(crate) const VALUES: usize = 8;

impl Sample {
    fn values(&self) -> [f64; VALUES] {
        [
            self.active,
            self.inactive,
            self.peak,
            self.connections,
            self.in_packets,
            self.out_packets,
            self.in_bytes,
            self.out_bytes,
        ]
    }

    fn of(values: [f64; VALUES]) -> Self {
        let [active, inactive, peak, connections, in_packets, out_packets, in_bytes, out_bytes] = values;
        Sample { active, inactive, peak, connections, in_packets, out_packets, in_bytes, out_bytes }
    }
}

/// The mean of samples; the peak is the highest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mean {
    sum: [f64; VALUES],
    peak: f64,
    count: u32,
}

impl Mean {
    /// Takes one more.
    pub fn add(&mut self, sample: &Sample) {
        for (sum, value) in self.sum.iter_mut().zip(sample.values()) {
            *sum += value;
        }
        self.peak = self.peak.max(sample.peak).max(sample.active);
        self.count += 1;
    }

    /// The mean; none of nothing.
    pub fn mean(&self) -> Option<Sample> {
        (self.count > 0).then(|| {
            let mean = Sample::of(self.sum.map(|sum| sum / f64::from(self.count)));
            Sample { peak: self.peak, ..mean }
        })
    }
}

/// How far samples lie apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resolution {
    /// Every 2 seconds, as directors report; a quarter of an hour, in memory alone.
    Live,
    /// Every 10 seconds, for hours.
    Fine,
    /// Every minute, for days.
    Minute,
    /// Every 10 minutes, for months.
    Coarse,
}

impl Resolution {
    /// From the finest to the coarsest.
    pub const ALL: [Resolution; 4] =
        [Resolution::Live, Resolution::Fine, Resolution::Minute, Resolution::Coarse];

    /// Those that are kept in a database.
    pub const STORED: [Resolution; 3] = [Resolution::Fine, Resolution::Minute, Resolution::Coarse];

    /// Seconds between two samples.
    pub fn step_s(self) -> u32 {
        match self {
            Resolution::Live => 2,
            Resolution::Fine => 10,
            Resolution::Minute => 60,
            Resolution::Coarse => 600,
        }
    }

    /// Samples of one chunk: about 1 KiB of a busy service, of which a database page of 4 KiB holds three.
    pub fn chunk_samples(self) -> u32 {
        match self {
            Resolution::Live | Resolution::Coarse => 144,
            Resolution::Fine | Resolution::Minute => 120,
        }
    }
}

/// Samples at even distances; a moment without one is a gap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Seconds since 1970 of the first.
    pub start: i64,
    /// Seconds between two.
    pub step_s: u32,
    /// The samples.
    pub samples: Vec<Option<Sample>>,
}

impl Line {
    /// A line from a moment to another (not included) with nothing but gaps; both are rounded down to the step.
    pub fn empty(from: i64, until: i64, step_s: u32) -> Self {
        let step = i64::from(step_s.max(1));
        let start = from.div_euclid(step) * step;
        let count = usize::try_from((until - start).div_euclid(step)).unwrap_or(0);
        Line { start, step_s: step_s.max(1), samples: vec![None; count] }
    }

    /// Puts a sample in its place; one outside of the line is left out.
    pub fn put(&mut self, at: i64, sample: Sample) {
        let place = (at - self.start).div_euclid(i64::from(self.step_s));
        let place = usize::try_from(place).ok().and_then(|place| self.samples.get_mut(place));
        if let Some(place) = place {
            *place = Some(sample);
        }
    }

    /// Moments with their samples.
    pub fn points(&self) -> impl Iterator<Item = (i64, Option<Sample>)> + '_ {
        let step = i64::from(self.step_s);
        (self.start..).step_by(usize::try_from(step.max(1)).unwrap_or(1)).zip(self.samples.iter().copied())
    }

    /// The same with at most so many samples, each the mean of some neighbours.
    pub fn thinned(&self, most: usize) -> Line {
        let group = self.samples.len().div_ceil(most.max(1)).max(1);
        let mean = |samples: &[Option<Sample>]| {
            let mut mean = Mean::default();
            samples.iter().flatten().for_each(|sample| mean.add(sample));
            mean.mean()
        };
        Line {
            start: self.start,
            step_s: self.step_s.saturating_mul(u32::try_from(group).unwrap_or(u32::MAX)),
            samples: self.samples.chunks(group).map(mean).collect(),
        }
    }
}

/// In how many seconds a falling count reaches 0 if it falls on as it did: by the straight line through its points
/// (seconds, count). None where it does not fall, hardly falls, or jumps about so that no honest answer exists.
pub fn until_empty(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let (&(first, _), &(last, left)) = points.first().zip(points.last())?;
    if points.len() < 10 || last - first < 20.0 || left <= 0.0 {
        return None;
    }
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (mean_at, mean_count) = (mean(|point| point.0), mean(|point| point.1));
    let mut spread = [0.0; 3];
    let [along, across, both] = &mut spread;
    for (at, value) in points {
        *along += (at - mean_at).powi(2);
        *across += (value - mean_count).powi(2);
        *both += (at - mean_at) * (value - mean_count);
    }
    if *along <= 0.0 || *across <= 0.0 {
        return None;
    }
    let (slope, explained) = (*both / *along, (*both).powi(2) / (*along * *across));
    let honest = slope < 0.0 && explained >= 0.7;
    honest.then(|| left / -slope).filter(|seconds| *seconds <= 24.0 * 3600.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_keeps_the_highest_moment() {
        let mut mean = Mean::default();
        assert_eq!(mean.mean(), None);
        for active in [1.0, 9.0, 2.0] {
            mean.add(&Sample { active, connections: 3.0, ..Sample::default() });
        }
        let mean = mean.mean().unwrap();
        assert_eq!((mean.active, mean.peak, mean.connections), (4.0, 9.0, 3.0));
    }

    #[test]
    fn a_line_keeps_its_gaps_and_is_thinned_by_means() {
        let mut line = Line::empty(1_003, 1_060, 10);
        assert_eq!((line.start, line.samples.len()), (1_000, 6));
        let sample = |active| Sample { active, peak: active, ..Sample::default() };
        for (at, active) in [(1_000, 2.0), (1_019, 4.0), (1_050, 8.0), (990, 1.0), (1_060, 1.0)] {
            line.put(at, sample(active));
        }
        let thin = line.thinned(3);
        assert_eq!(thin.step_s, 20);
        let actives: Vec<_> = thin.points().map(|(at, s)| (at, s.map(|s| (s.active, s.peak)))).collect();
        assert_eq!(actives, [(1_000, Some((3.0, 4.0))), (1_020, None), (1_040, Some((8.0, 8.0)))]);
        assert_eq!(line.thinned(100), line);
    }

    #[test]
    fn an_estimate_is_given_only_of_what_really_falls() {
        let line = |of: &dyn Fn(f64) -> f64| -> Vec<(f64, f64)> {
            (0..60).map(|n| f64::from(n) * 2.0).map(|at| (at, of(at))).collect()
        };
        let falling = until_empty(&line(&|at| 300.0 - at)).unwrap();
        assert!((falling - 182.0).abs() < 1.0, "{falling}");
        assert_eq!(until_empty(&line(&|at| 300.0 + at)), None, "it grows");
        assert_eq!(until_empty(&line(&|_| 300.0)), None, "it stands");
        assert_eq!(until_empty(&line(&|at| 300.0 + 100.0 * (at * 0.9).sin())), None, "it jumps about");
        assert_eq!(until_empty(&line(&|at| 3_000_000.0 - at)), None, "in a month is no answer");
        assert_eq!(until_empty(&line(&|at| 300.0 - at)[..5]), None, "too little is known");
        assert_eq!(until_empty(&[]), None);
    }
}
