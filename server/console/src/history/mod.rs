//! What went through services and real servers over time: recorded from the board every two seconds, kept as packed
//! chunks, read back for charts.
//!
//! The numbers are those of the director that is active (of another that counts where none is): a standby's kernel has
//! copies of the same connections. Samples of the last quarter of an hour are in memory alone; what is being filled is
//! written every few minutes and when the console ends, so that a crash loses minutes of a chart and nothing else.

mod read;
mod retention;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lvs::series::{Resolution, Sample, Track};
use lvs::table::{ServerKey, ServiceKey};
use store::{SeriesChunk, SeriesOf};

pub use read::{History, HistoryRange};
pub use retention::{Retention, RetentionError};

use crate::{Console, Failure, LiveCluster, LiveDirector, LiveServer, LiveService, Rates};

/// Between two samples.
const PACE: Duration = Duration::from_secs(2);
/// Samples between two times that unfinished chunks are written: five minutes.
const KEEP: u32 = 150;
/// Counters older than this many seconds are no sample.
const STALE_S: i64 = 6;
/// A series without a sample for this many seconds is let go from memory once it is kept.
const FORGOTTEN_S: i64 = 20 * 60;
/// Chunks of one transaction, so that other writers get their turn.
const AT_ONCE: usize = 500;

/// Whose samples: a real server's, a service's, or of all services of a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesKey {
    /// The service; none is the sum of all.
    pub service: Option<ServiceKey>,
    /// The real server; none is the service as a whole.
    pub server: Option<ServerKey>,
}

type Tracks = BTreeMap<SeriesKey, Track>;

/// The series being recorded, by cluster.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<BTreeMap<String, Tracks>>);

/// A chunk on its way to the database.
struct Kept {
    cluster: String,
    key: SeriesKey,
    chunk: SeriesChunk,
}

impl Recorder {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Tracks>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sample(active: f64, inactive: f64, rates: &Rates) -> Sample {
    Sample {
        active,
        inactive,
        peak: active,
        connections: rates.connections,
        in_packets: rates.in_packets,
        out_packets: rates.out_packets,
        in_bytes: rates.in_bytes,
        out_bytes: rates.out_bytes,
    }
}

fn of_server(live: &LiveServer) -> Sample {
    sample(live.active.into(), live.inactive.into(), &live.rates)
}

fn of_service(live: &LiveService) -> Sample {
    sample(live.active as f64, live.inactive as f64, &live.rates)
}

fn plus(sum: &mut Sample, one: &Sample) {
    sum.active += one.active;
    sum.inactive += one.inactive;
    sum.peak += one.peak;
    sum.connections += one.connections;
    sum.in_packets += one.in_packets;
    sum.out_packets += one.out_packets;
    sum.in_bytes += one.in_bytes;
    sum.out_bytes += one.out_bytes;
}

/// The director whose numbers count: the active one; where none is, a connected one that has any.
fn witness(live: &LiveCluster) -> Option<&LiveDirector> {
    let connected = || live.directors.iter().filter(|director| director.connected);
    live.active().or_else(|| connected().find(|director| director.counters.is_some()))
}

/// The samples of a cluster at that second; none where nothing new is known.
fn samples(live: &LiveCluster, now: i64) -> BTreeMap<SeriesKey, Sample> {
    let mut samples = BTreeMap::new();
    let fresh = |director: &&LiveDirector| {
        director.counters_at.is_some_and(|at| now.abs_diff(at.as_second()) <= STALE_S.unsigned_abs())
    };
    let Some(counters) = witness(live).filter(fresh).and_then(|director| director.counters.as_ref()) else {
        return samples;
    };
    let mut all = Sample::default();
    for (service_key, service) in counters.iter() {
        let service_key = Some(*service_key);
        for (server_key, server) in &service.servers {
            let key = SeriesKey { service: service_key, server: Some(*server_key) };
            samples.insert(key, of_server(server));
        }
        let whole = of_service(service);
        plus(&mut all, &whole);
        samples.insert(SeriesKey { service: service_key, server: None }, whole);
    }
    samples.insert(SeriesKey::default(), all);
    samples
}

fn stored(chunk: &lvs::series::Chunk) -> SeriesChunk {
    SeriesChunk { step: chunk.step_s(), start: chunk.start(), until: chunk.until(), data: chunk.packed() }
}

impl Console {
    /// Records until the console ends, and keeps what is unfinished then.
    pub(crate) async fn record(&self) {
        let mut stopped = self.inner.tasks.stopped();
        let mut round = 0_u32;
        loop {
            self.record_now();
            round = round.wrapping_add(1);
            if let Err(error) = self.keep_series(round.is_multiple_of(KEEP)).await {
                tracing::warn!(%error, "samples for charts could not be kept");
            }
            tokio::select! {
                () = tokio::time::sleep(PACE) => {}
                _ = stopped.wait_for(|stop| *stop) => break,
            }
        }
        if let Err(error) = self.keep_series(true).await {
            tracing::warn!(%error, "samples for charts could not be kept");
        }
    }

    /// Takes one sample of every series.
    pub(crate) fn record_now(&self) {
        let now = self.now();
        let clusters = self.inner.live.clusters();
        let mut recorded = self.inner.recorder.lock();
        recorded.retain(|cluster, _| clusters.contains(cluster));
        for cluster in clusters {
            let mut samples = samples(&self.inner.live.cluster(&cluster, now), now);
            let tracks = recorded.entry(cluster).or_default();
            for (key, track) in tracks.iter_mut() {
                track.record(now, samples.remove(key).as_ref());
            }
            for (key, sample) in samples {
                tracks.entry(key).or_default().record(now, Some(&sample));
            }
        }
    }

    /// Writes full chunks; with `open` also those being filled, and lets go of series that have ended.
    pub(crate) async fn keep_series(&self, open: bool) -> Result<(), Failure> {
        let now = self.now();
        let mut waiting = Vec::new();
        let mut ended = Vec::new();
        for (cluster, tracks) in self.inner.recorder.lock().iter_mut() {
            for (key, track) in tracks.iter_mut() {
                let closed = track.take_closed().into_iter().map(|(_, chunk)| stored(&chunk));
                let mut chunks: Vec<SeriesChunk> = closed.collect();
                if open {
                    let unfinished = track.open().filter(|(of, _)| *of != Resolution::Live);
                    chunks.extend(unfinished.map(|(_, chunk)| stored(chunk)));
                    if track.seen().is_none_or(|seen| now - seen > FORGOTTEN_S) {
                        ended.push((cluster.clone(), *key));
                    }
                }
                waiting.extend(chunks.into_iter().map(|chunk| Kept {
                    cluster: cluster.clone(),
                    key: *key,
                    chunk,
                }));
            }
        }
        for some in waiting.chunks(AT_ONCE) {
            let mut tx = self.inner.store.write().await?;
            for Kept { cluster, key, chunk } in some {
                let (service, server) = names(key);
                let of = SeriesOf { cluster, service: &service, server: &server };
                match tx.put_series_chunk(of, chunk).await {
                    // The cluster was removed in the meantime.
                    Ok(()) | Err(store::Error::Reference) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            tx.commit().await?;
        }
        let mut recorded = self.inner.recorder.lock();
        for (cluster, key) in ended {
            if let Some(tracks) = recorded.get_mut(&cluster) {
                tracks.remove(&key);
            }
        }
        Ok(())
    }
}

/// A key as it stands in the database.
fn names(key: &SeriesKey) -> (String, String) {
    let name = |key: Option<String>| key.unwrap_or_default();
    (name(key.service.map(|key| key.to_string())), name(key.server.map(|key| key.to_string())))
}

#[cfg(test)]
mod tests;
