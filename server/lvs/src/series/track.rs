//! One series being recorded: every sample goes into its chunk, and its means into those of the coarser resolutions.

use std::collections::VecDeque;

use super::{Chunk, Line, Mean, Resolution, Sample, unpack};

/// Closed chunks of [`Resolution::Live`] that are kept: with the open one more than a quarter of an hour.
const LIVE_CHUNKS: usize = 4;

/// The samples of one resolution.
#[derive(Clone, Debug)]
struct Lane {
    resolution: Resolution,
    /// The step that is being gathered, and what came in it.
    bucket: Option<(i64, Mean)>,
    open: Option<Chunk>,
}

impl Lane {
    fn step(&self) -> i64 {
        i64::from(self.resolution.step_s())
    }

    /// Ends the step that is being gathered if `at` is not in it.
    fn finish(&mut self, at: i64) -> Option<(i64, Sample)> {
        let now = at.div_euclid(self.step()) * self.step();
        let (start, mean) = self.bucket.take_if(|(start, _)| *start != now)?;
        Some((start, mean.mean()?))
    }

    fn gather(&mut self, at: i64, sample: &Sample) {
        let start = at.div_euclid(self.step()) * self.step();
        self.bucket.get_or_insert_with(|| (start, Mean::default())).1.add(sample);
    }

    /// Writes the sample of a step; a chunk that is full, or that it does not follow, is given back.
    fn write(&mut self, at: i64, sample: &Sample) -> Option<Chunk> {
        let (step, most) = (self.step(), self.resolution.chunk_samples());
        let fits = |chunk: &Chunk| {
            let missed = (at - chunk.until()).div_euclid(step);
            chunk.count() < most && missed >= 0 && missed + i64::from(chunk.count()) < i64::from(most)
        };
        let closed = self.open.take_if(|chunk| !fits(chunk));
        let chunk = self.open.get_or_insert_with(|| Chunk::new(at, self.resolution.step_s()));
        while chunk.until() < at {
            chunk.push(None);
        }
        chunk.push(Some(sample));
        closed
    }
}

/// One series being recorded.
#[derive(Clone, Debug)]
pub struct Track {
    lanes: [Lane; 4],
    live: VecDeque<Chunk>,
    closed: Vec<(Resolution, Chunk)>,
    /// The last moment that had a sample.
    seen: i64,
}

impl Default for Track {
    fn default() -> Self {
        let lanes = Resolution::ALL.map(|resolution| Lane { resolution, bucket: None, open: None });
        Track { lanes, live: VecDeque::new(), closed: Vec::new(), seen: i64::MIN }
    }
}

impl Track {
    /// What is known at that second; none where nothing is. To be called about every two seconds. Time that goes
    /// back begins new chunks.
    pub fn record(&mut self, at: i64, sample: Option<&Sample>) {
        // What came in a step goes on as its mean when the step is over, from the finest to the coarsest.
        let mut finished: Option<(i64, Sample)> = None;
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            // It may be the last of a step that ends now.
            if let Some((start, sample)) = finished.take() {
                lane.gather(start, &sample);
            }
            let ended = lane.finish(at);
            if let (0, Some(sample)) = (index, sample) {
                lane.gather(at, sample);
                self.seen = at;
            }
            let Some((start, mean)) = ended else { continue };
            if let Some(chunk) = lane.write(start, &mean) {
                match lane.resolution {
                    Resolution::Live => self.live.push_back(chunk),
                    resolution => self.closed.push((resolution, chunk)),
                }
            }
            finished = Some((start, mean));
        }
        while self.live.len() > LIVE_CHUNKS {
            self.live.pop_front();
        }
    }

    /// The last second that had a sample; none where there was never one.
    pub fn seen(&self) -> Option<i64> {
        Some(self.seen).filter(|seen| *seen != i64::MIN)
    }

    /// Chunks that are full, to be kept; each is given once.
    pub fn take_closed(&mut self) -> Vec<(Resolution, Chunk)> {
        std::mem::take(&mut self.closed)
    }

    /// Chunks that are still being filled.
    pub fn open(&self) -> impl Iterator<Item = (Resolution, &Chunk)> {
        self.lanes.iter().filter_map(|lane| Some((lane.resolution, lane.open.as_ref()?)))
    }

    /// Puts into a line what is in memory of that resolution, the step that is being gathered included.
    pub fn fill(&self, resolution: Resolution, line: &mut Line) {
        let Some(lane) = self.lanes.iter().find(|lane| lane.resolution == resolution) else { return };
        let live = self.live.iter().filter(|_| resolution == Resolution::Live);
        let closed = self.closed.iter().filter(|(of, _)| *of == resolution).map(|(_, chunk)| chunk);
        for chunk in live.chain(closed).chain(&lane.open) {
            put(line, chunk.start(), chunk.step_s(), &chunk.packed());
        }
        // What the finer ones have not handed on yet belongs to the step as well.
        let mut last = lane.bucket;
        for finer in self.lanes.iter().rev().filter(|finer| finer.resolution < resolution) {
            if let Some((at, mean)) = finer.bucket
                && let Some(sample) = mean.mean()
            {
                let start = at.div_euclid(lane.step()) * lane.step();
                match &mut last {
                    Some((there, all)) if *there == start => all.add(&sample),
                    Some((there, _)) if *there > start => {}
                    other => {
                        let mut all = Mean::default();
                        all.add(&sample);
                        *other = Some((start, all));
                    }
                }
            }
        }
        if let Some((at, sample)) = last.and_then(|(at, mean)| Some((at, mean.mean()?))) {
            line.put(at, sample);
        }
    }
}

/// Puts a packed chunk into a line; one that cannot be read leaves gaps.
pub(super) fn put(line: &mut Line, start: i64, step_s: u32, packed: &[u8]) {
    let most = Resolution::ALL.map(Resolution::chunk_samples).into_iter().max().unwrap_or(0);
    for (index, sample) in unpack(packed, most as usize).unwrap_or_default().into_iter().enumerate() {
        if let (Some(sample), Ok(index)) = (sample, i64::try_from(index)) {
            line.put(start + index * i64::from(step_s), sample);
        }
    }
}

impl Line {
    /// Puts a stored chunk in; one that cannot be read leaves gaps.
    pub fn put_packed(&mut self, start: i64, packed: &[u8]) {
        put(self, start, self.step_s, packed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(active: f64) -> Sample {
        Sample { active, peak: active, connections: 1.0, ..Sample::default() }
    }

    fn actives(track: &Track, resolution: Resolution, from: i64, until: i64) -> Vec<Option<f64>> {
        let mut line = Line::empty(from, until, resolution.step_s());
        track.fill(resolution, &mut line);
        line.samples.iter().map(|sample| sample.map(|s| s.active)).collect()
    }

    #[test]
    fn coarser_resolutions_hold_the_means_of_finer_ones() {
        let mut track = Track::default();
        for at in (0..1_300).step_by(2) {
            track.record(at, Some(&sample((at / 10) as f64)));
        }
        assert_eq!(actives(&track, Resolution::Live, 1_280, 1_300)[..3], [Some(128.0); 3]);
        let fine = actives(&track, Resolution::Fine, 0, 1_290);
        let expected: Vec<Option<f64>> = (0..129).map(|n| Some(f64::from(n))).collect();
        assert_eq!(fine, expected);
        assert_eq!(actives(&track, Resolution::Minute, 0, 180), [Some(3.0), Some(9.0), Some(15.0)]);
        // 29.5, of which whole connections are kept.
        assert_eq!(actives(&track, Resolution::Coarse, 0, 600), [Some(30.0)]);
    }

    #[test]
    fn the_step_that_is_being_gathered_is_shown() {
        let mut track = Track::default();
        for at in [0, 2, 4] {
            track.record(at, Some(&sample(5.0)));
        }
        for resolution in Resolution::ALL {
            assert!(actives(&track, resolution, 0, 600).contains(&Some(5.0)), "{resolution:?}");
        }
    }

    #[test]
    fn silence_is_a_gap_and_ends_what_was_gathered() {
        let mut track = Track::default();
        for at in (0..60).step_by(2) {
            track.record(at, Some(&sample(7.0)));
        }
        for at in (60..120).step_by(2) {
            track.record(at, None);
        }
        track.record(120, Some(&sample(8.0)));
        let fine = actives(&track, Resolution::Fine, 0, 130);
        assert_eq!(fine[..6], [Some(7.0); 6]);
        assert_eq!(fine[6..12], [None; 6]);
        assert_eq!(fine[12], Some(8.0));
        assert_eq!(actives(&track, Resolution::Minute, 0, 180), [Some(7.0), None, Some(8.0)]);
        assert_eq!(track.seen(), Some(120));
        // Far later: no thousands of gaps, a chunk of its own.
        track.record(1_000_000, Some(&sample(9.0)));
        track.record(1_000_002, None);
        assert_eq!(actives(&track, Resolution::Live, 1_000_000, 1_000_004), [Some(9.0), None]);
    }

    #[test]
    fn full_chunks_are_given_once_and_time_may_go_back() {
        let mut track = Track::default();
        for at in (0..10 * 130).step_by(2) {
            track.record(at, Some(&sample(1.0)));
        }
        let closed = track.take_closed();
        assert_eq!(
            closed.iter().map(|(of, c)| (*of, c.start(), c.count())).collect::<Vec<_>>(),
            [(Resolution::Fine, 0, 120)]
        );
        assert!(track.take_closed().is_empty());
        for at in (0..30).step_by(2) {
            track.record(at, Some(&sample(2.0)));
        }
        assert_eq!(actives(&track, Resolution::Live, 10, 14), [Some(2.0), Some(2.0)]);
    }

    /// Every value of every sample moves by a tenth around a daily curve: the worst that real services do.
    #[test]
    fn fifteen_hundred_busy_series_of_a_fortnight_stay_far_below_a_gibibyte() {
        let mut seed = 3_u64;
        let mut noise = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            0.9 + (seed >> 33) as f64 / f64::from(1_u32 << 31) * 0.2
        };
        let mut track = Track::default();
        let (mut bytes, mut samples) = ([0_usize; 3], [0_usize; 3]);
        // Two days are enough to know what a sample takes.
        for at in (0..2 * 86_400_i64).step_by(2) {
            let busy = 1.5 + (at as f64 / 86_400.0 * std::f64::consts::TAU).sin();
            let mut of = |base: f64| base * busy * noise();
            let sample = Sample {
                active: of(4_000.0),
                inactive: of(9_000.0),
                peak: 0.0,
                connections: of(800.0),
                in_packets: of(30_000.0),
                out_packets: of(50_000.0),
                in_bytes: of(4e6),
                out_bytes: of(4e7),
            };
            track.record(at, Some(&sample));
            for (resolution, chunk) in track.take_closed() {
                let place = Resolution::STORED.iter().position(|one| *one == resolution).unwrap();
                bytes[place] += chunk.packed().len();
                samples[place] += chunk.count() as usize;
            }
        }
        let each: Vec<f64> = bytes.iter().zip(&samples).map(|(b, s)| *b as f64 / *s as f64).collect();
        println!("bytes per sample: fine {:.2}, minute {:.2}, coarse {:.2}", each[0], each[1], each[2]);
        assert!(each.iter().all(|one| (4.0..=9.2).contains(one)), "{each:?}");
        // 6 hours of 10 s, 14 days of 1 min and of 10 min; half a page of each chunk is allowed to be waste.
        let kept = [6.0 * 360.0, 14.0 * 1_440.0, 14.0 * 144.0];
        let one: f64 = kept.iter().zip(&each).map(|(count, size)| count * size * 1.5).sum();
        let all = one * 1_500.0 / f64::from(1 << 30);
        println!("1 500 series of 14 days: {:.0} MiB", all * 1024.0);
        assert!(all < 0.6, "{all} GiB");
    }
}
