//! What a step costs with ten thousand real servers: printed, not judged, because machines differ.

use std::time::Instant;

use lvs::model::Cluster;

use super::desk::{Desk, down, s, up};

fn cluster(services: usize, servers: usize) -> Cluster {
    let real = |n: usize| serde_json::json!({ "name": format!("s{n}"), "address": format!("10.{}.{}.{}", n >> 16, (n >> 8) & 255, n & 255) });
    let service = |n: usize| {
        serde_json::json!({
            "name": format!("v{n}"), "vip": { "address": format!("192.0.{}.{}", 2 + (n >> 8), n & 255) }, "port": 80,
            "sorry_server": { "address": "172.16.0.1" },
            "monitor": { "interval_ms": 1000, "timeout_ms": 500, "fall": 2, "rise": 2, "reentry_s": 0 },
            "real_servers": (0..servers).map(|s| real(1 + n * servers + s)).collect::<Vec<_>>(),
        })
    };
    let whole = serde_json::json!({
        "name": "large", "directors": [{ "name": "a", "seat": "primary", "public": "192.0.2.254" }],
        "virtual_servers": (0..services).map(service).collect::<Vec<_>>(),
    });
    serde_json::from_value(whole).unwrap()
}

/// `cargo test -p lvs --test health -- --ignored --nocapture ten_thousand`
#[test]
#[ignore = "prints figures"]
fn ten_thousand_members_cost_the_same_each() {
    for (services, servers) in [(1, 100), (10, 1000), (1000, 10), (1, 10_000)] {
        let began = Instant::now();
        let mut desk = Desk::new(cluster(services, servers));
        let configured = began.elapsed();
        desk.tick(s(0));
        let asks = std::mem::take(&mut desk.asks);
        assert_eq!(asks.len(), services * servers);
        let (mut spent, mut steps) = (Vec::new(), 0_u32);
        for (second, outcome) in [(1, up()), (2, up()), (3, down()), (4, down()), (5, up()), (6, up())] {
            let began = Instant::now();
            for ask in &asks {
                desk.roster.result(ask, &outcome, s(second), s(second));
                assert!(desk.roster.next_deadline().is_some());
                steps += 1;
            }
            spent.push(began.elapsed() / u32::try_from(asks.len()).unwrap());
        }
        let began = Instant::now();
        desk.tick(s(100));
        let ticked = began.elapsed();
        let memory = Instant::now();
        let bytes = serde_json::to_vec(&desk.roster.memory(s(100))).unwrap().len();
        println!(
            "{services} x {servers}: configure {configured:?}; a result {spent:?} ({steps}); tick of all {ticked:?}; memory {bytes} B in {:?}",
            memory.elapsed()
        );
    }
}
