//! Two agents that speak with each other over real UDP on the loopback, for tests of what they make of each other.

use std::net::UdpSocket;

use axum::http::StatusCode;
use director::Agent;
use lvs::Cluster;
use lvs::model::Secret;
use lvs::wire::{Digest, HeartbeatKey, HeartbeatKeys, State, Target};

use crate::world::{VIP, World, cluster, eventually, target};

/// A cluster whose directors find each other on this machine: 192.0.2.1 is 127.0.2.1 here, on a port of its own.
pub(crate) fn pair() -> Cluster {
    let probe = UdpSocket::bind("127.0.2.1:0").unwrap();
    let port = probe.local_addr().unwrap().port();
    let mut cluster = cluster();
    cluster.redundancy.enabled = true;
    cluster.redundancy.heartbeat_port = port;
    cluster
}

fn keys(secret: &str) -> HeartbeatKeys {
    HeartbeatKeys {
        sending: HeartbeatKey { id: 1, secret: Secret::new(secret.repeat(32)) },
        accepted: vec![],
    }
}

fn given(director: &str, revision: u64, cluster: &Cluster, secret: &str) -> Target {
    Target {
        director: director.to_owned(),
        digest: Digest::of(cluster),
        heartbeat: Some(keys(secret)),
        ..target(revision, cluster.clone())
    }
}

/// Two directors of one cluster.
pub(crate) struct Pair {
    pub(crate) worlds: [World; 2],
    pub(crate) agents: [Agent; 2],
    pub(crate) cluster: Cluster,
}

pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;

impl Pair {
    /// Both started and given the same configuration, the standby first.
    pub(crate) async fn new() -> Self {
        Pair::of(pair()).await
    }

    /// The same with connections copied over eth0, which holds the public address.
    pub(crate) async fn synced() -> Self {
        let mut cluster = pair();
        cluster.redundancy.sync.enabled = true;
        Pair::of(cluster).await
    }

    pub(crate) async fn of(cluster: Cluster) -> Self {
        Pair::on([World::new(), World::new()], cluster).await
    }

    /// The same on machines that were made before.
    pub(crate) async fn on(worlds: [World; 2], cluster: Cluster) -> Self {
        for (world, own) in worlds.iter().zip(["eth0 192.0.2.1/24", "eth0 192.0.2.2/24"]) {
            world.kernel.put_address(own.parse().unwrap(), Default::default());
        }
        let agents = [worlds[A].start(), worlds[B].start()];
        let pair = Pair { worlds, agents, cluster };
        pair.push(B, 1, "ab").await;
        pair.push(A, 1, "ab").await;
        pair.settles([State::Active, State::Standby]).await;
        pair
    }

    pub(crate) async fn push(&self, node: usize, revision: u64, secret: &str) {
        let target = given(["a", "b"][node], revision, &self.cluster, secret);
        self.worlds[node].push(&self.agents[node], &target).await.unwrap();
    }

    pub(crate) fn holds(&self, node: usize) -> bool {
        self.worlds[node].addresses().contains(&VIP.to_owned())
    }

    pub(crate) async fn settles(&self, states: [State; 2]) {
        let what = format!("{states:?}");
        eventually(&what, || {
            self.agents.iter().zip(states).all(|(agent, state)| agent.status().state == state)
        })
        .await;
        let holding = states.map(|state| state == State::Active);
        eventually("the active one alone holds the address", || [self.holds(A), self.holds(B)] == holding)
            .await;
    }

    pub(crate) async fn order(
        &self,
        node: usize,
        order: serde_json::Value,
    ) -> (StatusCode, serde_json::Value) {
        let world = &self.worlds[node];
        let (status, body) =
            world.ask(&self.agents[node], "POST", "/v1/order", order.to_string(), world.console()).await;
        (status, serde_json::from_slice(&body).unwrap())
    }
}
