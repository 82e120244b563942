//! Two directors that are each other's real servers with direct routing: nobody sends the other one new connections while
//! its kernel may send them back.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use lvs::model::Forwarding;
use lvs::wire::State;
use serde_json::json;

use crate::pair::{A, B, Pair, pair};
use crate::world::{World, until};

/// One service, served by both directors.
async fn mutual() -> Pair {
    let mut cluster = pair();
    cluster.global.forwarding = Forwarding::Direct;
    for (server, director) in cluster.virtual_servers[0].real_servers.iter_mut().zip(&cluster.directors) {
        server.address = director.public.unwrap();
    }
    let mut worlds = [World::new(), World::new()];
    // Long enough to be seen on any machine.
    worlds.iter_mut().for_each(|world| world.rhythm.drain = Duration::from_secs(4));
    Pair::on(worlds, cluster).await
}

/// The weights in a director's kernel, by address.
fn weights(pair: &Pair, node: usize) -> BTreeMap<String, u32> {
    let table = pair.worlds[node].observed().table;
    let rows = table.services.values().flat_map(|service| service.servers.iter());
    rows.map(|(key, row)| (key.address.to_string(), row.weight)).collect()
}

async fn weigh(pair: &Pair, node: usize, what: &str, wanted: [u32; 2]) {
    let wanted: BTreeMap<_, _> =
        ["192.0.2.1", "192.0.2.2"].map(str::to_owned).into_iter().zip(wanted).collect();
    until(&pair.agents[node], what, |_| weights(pair, node) == wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_owner_serves_by_itself_until_its_partner_is_a_standby_for_sure() {
    let pair = mutual().await;
    weigh(&pair, A, "both serve from the beginning", [1, 2]).await;
    let answer = pair.order(A, json!({ "order": "switch-over", "force": true })).await;
    assert_eq!(answer.0, StatusCode::OK, "{answer:?}");
    weigh(&pair, B, "alone at first", [0, 2]).await;
    pair.settles([State::Standby, State::Active]).await;
    weigh(&pair, B, "both serve again", [1, 2]).await;
}
