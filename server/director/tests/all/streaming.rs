//! The status stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use director::Agent;
use futures_util::StreamExt as _;
use lvs::counters::{CountersChange, Totals};
use lvs::wire::Event;
use rustls::pki_types::CertificateDer;
use tower::ServiceExt as _;

use crate::world::{SERVICE, Watched, World, cluster, eventually, larger, target, until};

pub(crate) struct Lines(BodyDataStream, Vec<u8>);

impl Lines {
    pub(crate) async fn open(world: &World, agent: &Agent) -> Self {
        let mut request = Request::get("/v1/stream").body(Body::empty()).unwrap();
        request.extensions_mut().insert::<Arc<[CertificateDer<'static>]>>(world.console().unwrap().into());
        let answer = agent.router().oneshot(request).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
        Lines(answer.into_body().into_data_stream(), Vec::new())
    }

    /// The next event; none at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.1.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.1.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let chunk =
                tokio::time::timeout(Duration::from_secs(10), self.0.next()).await.expect("a line in time");
            self.1.extend_from_slice(&chunk?.unwrap());
        }
    }

    pub(crate) async fn find<T>(&mut self, what: impl Fn(Event) -> Option<T>) -> T {
        loop {
            if let Some(found) = what(self.next().await.expect("the stream goes on")) {
                return found;
            }
        }
    }
}

#[tokio::test]
async fn a_listener_gets_status_snapshot_counters_and_signs_of_life() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, cluster())).await.unwrap();
    until(&agent, "in sync", |s| s.in_sync).await;
    let mut lines = Lines::open(&world, &agent).await;
    assert!(matches!(lines.next().await, Some(Event::Status(status)) if status.revision == Some(1)));
    let Some(Event::Snapshot(snapshot)) = lines.next().await else { panic!("a snapshot comes second") };
    assert_eq!(snapshot.observed.table, world.observed().table);
    assert!(snapshot.ownership.services.contains(&SERVICE.parse().unwrap()));

    world.kernel.set_totals(SERVICE.parse().unwrap(), Totals { connections: 42, ..Totals::default() });
    let connections = |event| match event {
        Event::Counters(counters) | Event::Counted(CountersChange { changed: counters, .. }) => {
            counters.values().next().map(|service| service.totals.connections)
        }
        _ => None,
    };
    while lines.find(connections).await != 42 {}

    world.push(&agent, &target(2, larger())).await.unwrap();
    lines
        .find(|event| match event {
            Event::Status(status) => (status.revision == Some(2) && status.in_sync).then_some(()),
            _ => None,
        })
        .await;
    agent.stop(false).await;
    while lines.next().await.is_some() {}
}

#[tokio::test]
async fn a_quiet_stream_says_that_it_is_alive() {
    let mut world = World::new();
    world.rhythm.sample = Duration::from_secs(3600);
    let agent = world.start();
    let mut lines = Lines::open(&world, &agent).await;
    lines.find(|event| matches!(event, Event::Alive).then_some(())).await;
    agent.stop(false).await;
    while lines.next().await.is_some() {}
}

#[tokio::test]
async fn counters_are_read_only_while_somebody_listens_and_a_quiet_pass_looks_once() {
    let world = World::new();
    let (looks, counts) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let agent = world.open();
    let watched = Watched { kernel: world.kernel.clone(), looks: looks.clone(), counts: counts.clone() };
    let kernel = || Box::new(world.kernel.clone());
    agent.start_with(Box::new(watched), kernel(), kernel(), kernel(), None).unwrap();
    let passes = |more: usize| {
        let (looks, from) = (looks.clone(), looks.load(Ordering::Relaxed));
        eventually("passes", move || looks.load(Ordering::Relaxed) >= from + more)
    };
    passes(5).await;
    assert_eq!(counts.load(Ordering::Relaxed), 0, "nobody listens");

    let mut lines = Lines::open(&world, &agent).await;
    for _ in 0..3 {
        lines.find(|event| matches!(event, Event::Counters(_) | Event::Counted(_)).then_some(())).await;
    }
    drop(lines);
    // A pass is longer than a sample's period: any sample that was under way is over.
    passes(2).await;
    let after = counts.load(Ordering::Relaxed);
    passes(5).await;
    assert_eq!(counts.load(Ordering::Relaxed), after, "nobody listens any more");
    agent.stop(false).await;
}

#[tokio::test]
async fn a_pass_without_a_write_looks_once_and_one_with_a_write_twice() {
    let mut world = World::new();
    // Only pushes wake this agent after its first look.
    world.rhythm.tick = Duration::from_secs(3600);
    world.rhythm.retry = world.rhythm.tick;
    let (looks, counts) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let agent = world.open();
    let watched = Watched { kernel: world.kernel.clone(), looks: looks.clone(), counts };
    let kernel = || Box::new(world.kernel.clone());
    agent.start_with(Box::new(watched), kernel(), kernel(), kernel(), None).unwrap();
    eventually("the first look", || looks.load(Ordering::Relaxed) == 1).await;
    world.push(&agent, &target(1, cluster())).await.unwrap();
    assert_eq!(looks.load(Ordering::Relaxed), 3, "observe, apply, verify");
    world.push(&agent, &target(1, cluster())).await.unwrap();
    assert_eq!(looks.load(Ordering::Relaxed), 4, "nothing to verify");
    agent.stop(false).await;
}
