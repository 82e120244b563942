//! A real server that is the other director: who is sent no new connections, and where that would leave nobody.

use lvs::Cluster;
use lvs::health::{ServiceStanding, Standing, Standings};
use lvs::model::Seat;
use lvs::plan::{Holding, desired, without_partner};
use lvs::table::ServiceKey;

fn cluster(forwarding: &str, servers: &[&str]) -> lvs::ValidCluster {
    let servers: Vec<_> = servers
        .iter()
        .map(|address| serde_json::json!({ "name": format!("s{address}"), "address": address, "weight": 3 }))
        .collect();
    let cluster: Cluster = serde_json::from_value(serde_json::json!({
        "name": "pair",
        "global": { "forwarding": forwarding },
        "directors": [
            { "name": "a", "seat": "primary", "public": "192.0.2.1", "private": "10.0.0.1" },
            { "name": "b", "seat": "backup", "public": "192.0.2.2", "private": "10.0.0.2" },
        ],
        "virtual_servers": [{ "name": "web", "vip": { "address": "192.0.2.10" }, "port": 80, "real_servers": servers }],
    }))
    .unwrap();
    cluster.validate().unwrap()
}

fn web() -> ServiceKey {
    "tcp 192.0.2.10:80".parse().unwrap()
}

/// The weights that the primary would have, in the order of addresses; none where nothing is changed.
fn spared(cluster: &lvs::ValidCluster, standings: &Standings) -> Option<Vec<u32>> {
    let standings = without_partner(cluster, Seat::Primary, standings)?;
    let table = desired(cluster, Seat::Primary, Holding::Addresses, &standings).table;
    Some(table.services[&web()].servers.values().map(|row| row.weight).collect())
}

#[test]
fn the_partner_takes_no_new_connections_on_any_of_its_addresses() {
    let nothing = Standings::default();
    assert_eq!(spared(&cluster("direct", &["192.0.2.1", "192.0.2.2"]), &nothing), Some(vec![3, 0]));
    assert_eq!(
        spared(&cluster("direct", &["10.0.0.1", "10.0.0.2", "10.0.0.9"]), &nothing),
        Some(vec![3, 0, 3])
    );
    let backup = without_partner(&cluster("direct", &["192.0.2.1", "192.0.2.2"]), Seat::Backup, &nothing);
    let servers = &backup.unwrap().services[&web()].servers;
    assert_eq!(servers.keys().map(|key| key.address.to_string()).collect::<Vec<_>>(), ["192.0.2.1"]);
}

#[test]
fn other_servers_and_translated_ones_are_left_alone() {
    let nothing = Standings::default();
    assert_eq!(spared(&cluster("direct", &["10.0.0.8", "10.0.0.9"]), &nothing), None);
    assert_eq!(
        spared(&cluster("nat", &["192.0.2.1", "192.0.2.2"]), &nothing),
        None,
        "it has not the address"
    );
}

#[test]
fn a_partner_that_is_the_only_one_to_serve_goes_on() {
    assert_eq!(spared(&cluster("direct", &["192.0.2.2"]), &Standings::default()), None);
    let both = cluster("direct", &["192.0.2.1", "192.0.2.2"]);
    let standing = |own, partner| {
        let servers = [("192.0.2.1:80", own), ("192.0.2.2:80", partner)]
            .map(|(key, standing)| (key.parse().unwrap(), standing));
        Standings {
            services: [(web(), ServiceStanding { servers: servers.into(), sorry: false })].into(),
            ..Standings::default()
        }
    };
    let serves = Standing::In { weight: 3 };
    assert_eq!(spared(&both, &standing(Standing::Out, serves)), None);
    assert_eq!(
        spared(&both, &standing(Standing::In { weight: 0 }, serves)),
        None,
        "nor is it drained to nobody"
    );
    assert_eq!(spared(&both, &standing(serves, Standing::Out)), None, "it is out already");
    assert_eq!(spared(&both, &standing(serves, serves)), Some(vec![3, 0]));
}
