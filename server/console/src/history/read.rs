//! Reading samples back: which resolution answers a question, and the line made of database and memory.

use lvs::series::{Line, Resolution};
use store::SeriesOf;

use super::{SeriesKey, names};
use crate::clusters::find;
use crate::{Console, Error};

/// Samples of one answer, at most.
const MOST: usize = 500;

/// From when until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryRange {
    /// Seconds since 1970.
    pub from: i64,
    /// Seconds since 1970, not included.
    pub until: i64,
}

/// Several series over the same time.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// How they were recorded; their lines may be means of several steps.
    pub resolution: Resolution,
    /// One line for each key asked for, in that order; all have the same start and step.
    pub lines: Vec<Line>,
}

/// The finest resolution that is kept for so long and answers with a bearable number of samples. `age` is how long ago
/// the range begins.
fn resolution(range: HistoryRange, age: i64) -> Resolution {
    let length = range.until - range.from;
    match (length, age) {
        (..=960, ..=960) => Resolution::Live,
        (..=7_200, ..=21_600) => Resolution::Fine,
        (..=172_800, ..=1_209_600) => Resolution::Minute,
        _ => Resolution::Coarse,
    }
}

impl Console {
    /// The recent past of some series of a cluster (by id or name), with at most 500 samples each.
    pub async fn history(
        &self,
        cluster: &str,
        keys: &[SeriesKey],
        range: HistoryRange,
    ) -> Result<History, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let range = HistoryRange { until: range.until.max(range.from + 1), ..range };
        let wanted = resolution(range, self.now() - range.from);
        let mut lines = Vec::new();
        for key in keys {
            // What is older than memory goes back comes from the next resolution: coarser is better than nothing.
            let mut line = Line::empty(range.from, range.until, wanted.step_s());
            if wanted == Resolution::Live {
                let mut fine = Line::empty(range.from, range.until, Resolution::Fine.step_s());
                self.fill_stored(&mut tx, &found.id, key, Resolution::Fine, &mut fine).await?;
                for (at, sample) in fine.points() {
                    for step in (0..Resolution::Fine.step_s()).step_by(wanted.step_s() as usize) {
                        if let Some(sample) = sample {
                            line.put(at + i64::from(step), sample);
                        }
                    }
                }
                self.fill_recent(&found.id, key, wanted, &mut line);
                end_at(&mut line, self.now());
            } else {
                self.fill_stored(&mut tx, &found.id, key, wanted, &mut line).await?;
            }
            lines.push(line.thinned(MOST));
        }
        Ok(History { resolution: wanted, lines })
    }

    async fn fill_stored(
        &self,
        tx: &mut store::Tx,
        cluster: &str,
        key: &SeriesKey,
        resolution: Resolution,
        line: &mut Line,
    ) -> Result<(), Error> {
        let (service, server) = names(key);
        let of = SeriesOf { cluster, service: &service, server: &server };
        let until = line.start + i64::from(line.step_s) * i64::try_from(line.samples.len()).unwrap_or(0);
        for chunk in tx.series_chunks(of, resolution.step_s(), line.start, until).await? {
            line.put_packed(chunk.start, &chunk.data);
        }
        self.fill_recent(cluster, key, resolution, line);
        Ok(())
    }

    fn fill_recent(&self, cluster: &str, key: &SeriesKey, resolution: Resolution, line: &mut Line) {
        if let Some(track) = self.inner.recorder.lock().get(cluster).and_then(|tracks| tracks.get(key)) {
            track.fill(resolution, line);
        }
    }

    /// The last quarter of an hour of one series, from memory alone: for what is shown live.
    pub fn recent(&self, cluster_id: &str, key: SeriesKey) -> Line {
        let now = self.now();
        let mut line = Line::empty(now - 900, now + 2, Resolution::Live.step_s());
        self.fill_recent(cluster_id, &key, Resolution::Live, &mut line);
        line
    }
}

/// Nothing is known of what is still to come, also where a coarser step that has begun reaches into it.
fn end_at(line: &mut Line, now: i64) {
    let (start, step) = (line.start, i64::from(line.step_s));
    for (index, sample) in line.samples.iter_mut().enumerate() {
        if i64::try_from(index).is_ok_and(|index| start + index * step > now) {
            *sample = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_answered_by_the_finest_that_is_kept_so_long() {
        let of = |length, age| resolution(HistoryRange { from: 0, until: length }, age);
        assert_eq!(of(900, 900), Resolution::Live);
        assert_eq!(of(900, 7_200), Resolution::Fine);
        assert_eq!(of(3_600, 3_600), Resolution::Fine);
        assert_eq!(of(3_600, 86_400), Resolution::Minute);
        assert_eq!(of(6 * 3_600, 6 * 3_600), Resolution::Minute);
        assert_eq!(of(86_400, 86_400), Resolution::Minute);
        assert_eq!(of(7 * 86_400, 7 * 86_400), Resolution::Coarse);
        assert_eq!(of(3_600, 30 * 86_400), Resolution::Coarse);
    }
}
