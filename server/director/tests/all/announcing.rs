//! What the neighbours are told.

use lvs::table::{AddressRow, Link};
use lvs::wire::{State, Target};

use crate::world::{VIP, World, cluster, eventually, target, until};

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
    assert!(began.elapsed() > std::time::Duration::from_millis(500), "not before a second has passed");
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
    let world = World::new();
    let link = |carrier| Link { index: 2, up: true, carrier, mac: vec![2, 0, 0, 0, 0, 1] };
    let agent = world.start();
    world.push(&agent, &target(1, cluster())).await.unwrap();
    eventually("announced", || !world.kernel.announced().is_empty()).await;
    world.kernel.set_link("eth0", link(false));
    eventually("carrier seen lost", || {
        agent.poke();
        snapshot_carrier(&world) == Some(false)
    })
    .await;
    // Two ticks are certain to have seen it; then it comes back.
    let writes = agent.status().kernel_writes;
    let mut samples = 0;
    eventually("a few passes", || {
        samples += 1;
        agent.poke();
        samples > 30
    })
    .await;
    let before = world.kernel.announced().len();
    world.kernel.set_link("eth0", link(true));
    eventually("announced at once on the returned link", || world.kernel.announced().len() > before).await;
    assert_eq!(agent.status().kernel_writes, writes, "a link event changes nothing else");
    agent.stop(false).await;
}

fn snapshot_carrier(world: &World) -> Option<bool> {
    world.observed().links.get("eth0").map(|link| link.carrier)
}

#[tokio::test]
async fn a_borrowed_address_serves_but_is_never_added_announced_or_removed() {
    let world = World::new();
    let own = "eth0 192.0.2.10/24".parse().unwrap();
    world.kernel.put_address(own, AddressRow::default());
    let agent = world.start();
    let applied = world.push(&agent, &only_director(1)).await.unwrap();
    assert!(applied.in_sync, "{applied:?}");
    assert_eq!(applied.steps.len(), 3, "no address among them: {:?}", applied.steps);
    let status = agent.status();
    assert_eq!(status.state, State::Active);
    assert_eq!(status.holds.iter().map(ToString::to_string).collect::<Vec<_>>(), ["eth0 192.0.2.10/24"]);
    agent.stop(false).await;
    let agent = world.start();
    until(&agent, "in sync", |s| s.in_sync).await;
    agent.stop(true).await;
    assert_eq!(world.addresses(), ["eth0 192.0.2.10/24"]);
    assert!(world.services().is_empty());
    assert!(world.kernel.announced().is_empty(), "{:?}", world.kernel.announced());
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
    eventually("longer than the next round", || began.elapsed() > std::time::Duration::from_millis(1200))
        .await;
    assert_eq!(world.kernel.announced().len(), announced, "nothing is announced that is no longer held");
    agent.stop(false).await;
}
