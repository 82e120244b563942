//! What the neighbours are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lvs::table::{AddressRow, Link};
use lvs::wire::{State, Target};

use crate::world::{VIP, Watched, World, cluster, eventually, target, until};

fn only_director(revision: u64) -> Target {
    let mut cluster = cluster();
    cluster.directors.truncate(1);
    target(revision, cluster)
}

#[tokio::test]
async fn a_gained_address_is_announced_again_and_again() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, cluster())).await.unwrap();
    eventually("announced at once", || !world.kernel.announced().is_empty()).await;
    let began = std::time::Instant::now();
    eventually("announced again", || world.kernel.announced().len() >= 2).await;
    assert!(began.elapsed() > Duration::from_millis(500), "not before a second has passed");
    let all = world.kernel.announced();
    assert!(all.iter().all(|one| *one == ("eth0".to_owned(), "192.0.2.10".parse().unwrap())), "{all:?}");
    agent.stop(true).await;
    let after = world.kernel.announced().len();
    let agent = world.start();
    until(&agent, "active", |s| s.state == State::Active && s.in_sync).await;
    eventually("a new start is a new moment", || world.kernel.announced().len() > after).await;
    agent.stop(false).await;
}

#[tokio::test]
async fn a_returning_carrier_is_announced_on() {
    let mut world = World::new();
    // Only the rounds after a gain: three for each.
    world.rhythm.refresh = Duration::from_secs(3600);
    let link = |carrier| Link { index: 2, up: true, carrier, mac: vec![2, 0, 0, 0, 0, 1] };
    let looks = Arc::new(AtomicUsize::new(0));
    let agent = world.open();
    let watched = Watched { kernel: world.kernel.clone(), looks: looks.clone(), counts: Arc::default() };
    let kernel = || Box::new(world.kernel.clone());
    agent.start_with(Box::new(watched), kernel(), kernel(), kernel(), None).unwrap();
    world.push(&agent, &target(1, cluster())).await.unwrap();
    eventually("announced", || !world.kernel.announced().is_empty()).await;
    let writes = agent.status().kernel_writes;
    for _ in 0..5 {
        let before = world.kernel.announced().len();
        world.kernel.set_link("eth0", link(false));
        let from = looks.load(Ordering::Relaxed);
        eventually("seen lost", || looks.load(Ordering::Relaxed) >= from + 2).await;
        world.kernel.set_link("eth0", link(true));
        eventually("announced on the returned link", || world.kernel.announced().len() > before).await;
    }
    assert_eq!(agent.status().kernel_writes, writes, "and nothing else is changed");
    agent.stop(false).await;
}

#[tokio::test]
async fn a_borrowed_address_serves_but_is_never_added_announced_or_removed() {
    // With its own prefix, and as the very row that would have been added.
    for own in ["eth0 192.0.2.10/24", VIP] {
        let world = World::new();
        world.kernel.put_address(own.parse().unwrap(), AddressRow::default());
        let agent = world.start();
        let applied = world.push(&agent, &only_director(1)).await.unwrap();
        assert!(applied.in_sync, "{applied:?}");
        assert_eq!(applied.steps.len(), 3, "no address among them: {:?}", applied.steps);
        let status = agent.status();
        assert_eq!(status.state, State::Active);
        assert_eq!(status.holds.iter().map(ToString::to_string).collect::<Vec<_>>(), [own]);
        agent.stop(false).await;
        let agent = world.start();
        until(&agent, "in sync", |s| s.in_sync).await;
        agent.stop(true).await;
        assert_eq!(world.addresses(), [own]);
        assert!(world.services().is_empty());
        assert!(world.kernel.announced().is_empty(), "{:?}", world.kernel.announced());
    }
}

#[tokio::test]
async fn a_standby_and_a_released_director_are_silent() {
    let world = World::new();
    let agent = world.start();
    let standby = Target { director: "b".to_owned(), ..target(1, cluster()) };
    world.push(&agent, &standby).await.unwrap();
    assert!(world.kernel.announced().is_empty());
    world.push(&agent, &target(2, cluster())).await.unwrap();
    eventually("announced", || !world.kernel.announced().is_empty()).await;
    let standby = Target { director: "b".to_owned(), ..target(3, cluster()) };
    world.push(&agent, &standby).await.unwrap();
    let announced = world.kernel.announced().len();
    assert!(!world.addresses().contains(&VIP.to_owned()));
    // The second round would come a second after the first.
    let began = std::time::Instant::now();
    eventually("longer than the next round", || began.elapsed() > Duration::from_millis(1200)).await;
    assert_eq!(world.kernel.announced().len(), announced, "nothing is announced that is no longer held");
    agent.stop(false).await;
}
