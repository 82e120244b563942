//! Recording and reading back, with a clock and a director of the test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use lvs::counters::{Counters, ServerCounters, ServiceCounters, Totals};
use lvs::wire::{Event, State};

use super::*;
use crate::live::Board;
use crate::{Actor, Clock, Settings};

const BEGIN: i64 = 1_700_000_400;

struct Place {
    console: Console,
    folder: tempfile::TempDir,
    now: Arc<AtomicI64>,
    cluster: String,
}

async fn open(folder: &tempfile::TempDir, now: &Arc<AtomicI64>) -> Console {
    let now = Arc::clone(now);
    let settings = Settings { data: folder.path().to_owned(), ..Settings::default() };
    Console::open_with_clock(settings, Clock::from_fn(move || now.load(Ordering::SeqCst))).await.unwrap()
}

async fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(BEGIN));
    let console = open(&folder, &now).await;
    let cluster: lvs::Cluster = serde_json::from_value(serde_json::json!({
        "name": "web",
        "directors": [{ "name": "director-a", "seat": "primary", "public": "192.0.2.2" }],
    }))
    .unwrap();
    let cluster = console.create_cluster(&Actor::local(), cluster).await.unwrap().cluster_id;
    console.activate(&Actor::local(), &cluster, "").await.unwrap();
    Place { console, folder, now, cluster }
}

fn service() -> SeriesKey {
    SeriesKey { service: Some("tcp 192.0.2.10:80".parse().unwrap()), server: None }
}

fn server() -> SeriesKey {
    SeriesKey { server: Some("10.0.0.11:80".parse().unwrap()), ..service() }
}

/// A kernel that has counted so much.
fn counters(active: u32, connections: u64) -> Counters {
    let totals = Totals { connections, in_bytes: connections * 1_000, ..Totals::default() };
    let one = ServerCounters { active, inactive: 1, weight: 1, totals, ..ServerCounters::default() };
    let servers = [("10.0.0.11:80".parse().unwrap(), one), ("10.0.0.12:80".parse().unwrap(), one)];
    [("tcp 192.0.2.10:80".parse().unwrap(), ServiceCounters { totals, servers: servers.into() })].into()
}

impl Place {
    /// The director reports for that many seconds: ten connections a second and so many active ones.
    async fn pass(&self, seconds: i64, active: impl Fn(i64) -> u32) {
        let board: &Board = &self.console.inner.live;
        board.enrolled_for_test(&self.cluster, "dir_a", "director-a", State::Active, BEGIN);
        let begin = self.now.load(Ordering::SeqCst);
        for second in (0..seconds).step_by(2) {
            let now = begin + second;
            self.now.store(now, Ordering::SeqCst);
            let at = u64::try_from(now - BEGIN).unwrap() * 1_000;
            let total = u64::try_from(now - BEGIN).unwrap() * 10;
            board.event("dir_a", Event::Counters(counters(active(second), total)), at, now);
            self.console.record_now();
            if second % 600 == 0 {
                self.console.keep_series(false).await.unwrap();
            }
        }
        self.now.store(begin + seconds, Ordering::SeqCst);
    }

    async fn line(&self, console: &Console, key: SeriesKey, from: i64, until: i64) -> History {
        let range = HistoryRange { from, until };
        console.history(&self.cluster, &[key], range).await.unwrap()
    }
}

fn actives(history: &History) -> Vec<Option<f64>> {
    history.lines[0].samples.iter().map(|sample| sample.map(|s| s.active)).collect()
}

#[tokio::test]
async fn what_a_director_reports_is_a_chart_also_after_a_restart() {
    let place = place().await;
    place.pass(3_600, |second| u32::try_from(second / 60).unwrap()).await;
    let hour = place.line(&place.console, server(), BEGIN, BEGIN + 3_600).await;
    assert_eq!(hour.resolution, Resolution::Fine);
    let expected: Vec<Option<f64>> = (0..360).map(|n| Some(f64::from(n / 6))).collect();
    assert_eq!(actives(&hour), expected);
    let last = hour.lines[0].samples[359].unwrap();
    assert_eq!((last.connections, last.in_bytes), (10.0, 10_000.0));
    // A service is the sum of its servers, and the cluster of its services.
    for key in [service(), SeriesKey::default()] {
        let sum = place.line(&place.console, key, BEGIN, BEGIN + 3_600).await;
        assert_eq!(actives(&sum)[359], Some(118.0), "{key:?}");
    }
    let quarter = place.line(&place.console, server(), BEGIN + 2_700, BEGIN + 3_600).await;
    assert_eq!((quarter.resolution, quarter.lines[0].samples.len()), (Resolution::Live, 450));
    assert_eq!(actives(&quarter)[0], Some(45.0));
    assert_eq!(place.console.recent(&place.cluster, server()).samples[10].map(|s| s.active), Some(45.0));

    place.console.keep_series(true).await.unwrap();
    let again = open(&place.folder, &place.now).await;
    let after = place.line(&again, server(), BEGIN, BEGIN + 3_590).await;
    assert_eq!(actives(&after)[..358], expected[..358]);
    // The quarter of an hour that was in memory alone comes from the ten-second samples.
    let quarter = place.line(&again, server(), BEGIN + 2_760, BEGIN + 3_600).await;
    assert_eq!((quarter.resolution, actives(&quarter)[3]), (Resolution::Live, Some(46.0)));
}

#[tokio::test]
async fn silence_is_a_gap_and_series_that_ended_leave_memory() {
    let place = place().await;
    place.pass(60, |_| 5).await;
    // The link is up, but its numbers are old.
    for second in 0..30 * 60 / 2 {
        place.now.store(BEGIN + 60 + second * 2, Ordering::SeqCst);
        place.console.record_now();
    }
    place.console.keep_series(true).await.unwrap();
    assert!(place.console.inner.recorder.lock()[&place.cluster].is_empty());
    let line = place.line(&place.console, server(), BEGIN, BEGIN + 1_800).await;
    assert_eq!(actives(&line)[..6], [Some(5.0); 6]);
    assert_eq!(actives(&line)[7..], [None; 173]);
}

#[tokio::test]
async fn what_is_too_old_is_forgotten_as_somebody_set_it() {
    let place = place().await;
    place.pass(3_600, |_| 5).await;
    place.console.keep_series(true).await.unwrap();
    let admin = Actor::local();
    assert_eq!(place.console.retention().await.unwrap(), Retention::default());
    assert_eq!(Retention::new(30, 10), Err(RetentionError));
    assert_eq!(Retention::new(0, 10), Err(RetentionError));
    place.console.set_retention(&admin, Retention::new(2, 4).unwrap()).await.unwrap();
    let viewer = Actor { role: crate::Role::Viewer, ..Actor::local() };
    assert!(place.console.set_retention(&viewer, Retention::default()).await.is_err());

    let of = |step: u32| {
        let (console, cluster) = (place.console.clone(), place.cluster.clone());
        async move {
            let (service, server) = names(&server());
            let of = SeriesOf { cluster: &cluster, service: &service, server: &server };
            console
                .inner
                .store
                .read()
                .await
                .unwrap()
                .series_chunks(of, step, 0, i64::MAX)
                .await
                .unwrap()
                .len()
        }
    };
    assert_eq!([of(10).await, of(60).await, of(600).await], [3, 1, 1]);
    for (days, left) in [(1, [0, 1, 1]), (3, [0, 0, 1]), (5, [0, 0, 0])] {
        place.now.store(BEGIN + 3_600 + days * 86_400, Ordering::SeqCst);
        place.console.forget_series().await.unwrap();
        assert_eq!([of(10).await, of(60).await, of(600).await], left, "after {days} days");
    }
}
