//! What a director is prepared with, and let go of; and what stands in the way on its machine.

use kernel::Kernel as _;
use lvs::Cluster;
use lvs::preflight::{DroppingChain, Hook, Obstacle, Surroundings};
use lvs::wire::Status;

use crate::world::{World, cluster, target, until};

const FORWARD: &str = "net.ipv4.ip_forward";

fn prepared() -> Cluster {
    let mut cluster = cluster();
    cluster.global.host.prepare = true;
    cluster.global.host.masquerade = vec!["10.0.0.0/24".parse().unwrap()];
    cluster
}

/// Whether packets are forwarded, and how many rules there are; none where there is no table.
fn found(world: &World) -> (String, Option<usize>) {
    let observed = world.kernel.clone().observe(&[FORWARD.to_owned()].into()).unwrap();
    (observed.sysctls[FORWARD].clone(), observed.packets.map(|rules| rules.len()))
}

#[tokio::test]
async fn a_director_is_prepared_and_a_restart_writes_nothing() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, prepared())).await.unwrap();
    assert_eq!(found(&world), ("1".to_owned(), Some(1)));
    agent.stop(false).await;
    let writes = world.writes();
    let agent = world.start();
    until(&agent, "in sync", |status| status.in_sync).await;
    assert_eq!(world.writes(), writes);
    world.push(&agent, &target(2, cluster())).await.unwrap();
    assert_eq!(found(&world), ("0".to_owned(), None), "as it was before us");
}

#[tokio::test]
async fn a_release_puts_back_what_was_there_before_a_restart() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, prepared())).await.unwrap();
    agent.stop(false).await;
    let agent = world.start();
    until(&agent, "in sync", |status| status.in_sync).await;
    agent.stop(true).await;
    assert_eq!(found(&world), ("0".to_owned(), None));
}

#[tokio::test]
async fn what_stands_in_the_way_is_in_the_status() {
    let world = World::new();
    let chain = DroppingChain { chain: "ip filter INPUT".to_owned(), hook: Hook::Input };
    let dropping = vec![chain.clone()];
    world.kernel.set_surroundings(Surroundings { dropping, keepalived: true, ..Surroundings::default() });
    let agent = world.start();
    world.push(&agent, &target(1, cluster())).await.unwrap();
    let status = until(&agent, "told of", |status| !status.obstacles.is_empty()).await;
    let forwarding = Obstacle::NotForwarding { parameter: FORWARD.to_owned() };
    assert!(status.obstacles.contains(&Obstacle::Dropping(chain)), "{:?}", status.obstacles);
    assert!(status.obstacles.contains(&Obstacle::Keepalived), "{:?}", status.obstacles);
    assert!(status.obstacles.contains(&forwarding), "{:?}", status.obstacles);
    world.push(&agent, &target(2, prepared())).await.unwrap();
    until(&agent, "prepared", |status| !status.obstacles.contains(&forwarding)).await;
}

#[tokio::test]
async fn whoever_answers_for_a_held_address_is_named_once_it_answers_again() {
    let world = World::new();
    let vip = "192.0.2.10".parse().unwrap();
    let stranger = [2, 0, 0, 0, 0, 9];
    world.kernel.set_answers(vip, &[stranger]);
    let agent = world.start();
    world.push(&agent, &target(1, prepared())).await.unwrap();
    let answers = |status: &Status| {
        status.obstacles.iter().find_map(|each| match each {
            Obstacle::Answering(found) => Some((found.address, found.hardware.clone(), found.machine)),
            _ => None,
        })
    };
    let status = until(&agent, "named", |status| answers(status).is_some()).await;
    assert_eq!(answers(&status), Some((vip, "02:00:00:00:00:09".to_owned(), None)));
}
