//! A table of 1,000 services with 10 real servers each, activated through the API and carried to two agents.

use std::collections::BTreeSet;

use kernel::Kernel as _;
use serde_json::{Value, json};

use super::{CLUSTER, Member, Place, Watch, eventually, small};

const SERVICES: usize = 1000;
const SERVERS: usize = 10;

fn large() -> Value {
    let one = |number: usize| {
        let servers: Vec<Value> = (1..=SERVERS)
            .map(|server| json!({ "name": format!("r{server}"), "address": format!("10.1.{}.{server}", number % 250) }))
            .collect();
        json!({
            "name": format!("s{number}"),
            "vip": { "address": "192.0.2.10", "device": "eth0:1" },
            "port": 10_000 + number,
            "monitor": { "checks": [] },
            "real_servers": servers,
        })
    };
    let mut cluster = small();
    cluster["virtual_servers"] = (1..=SERVICES).map(one).collect();
    cluster
}

/// Services and real servers in a kernel.
fn rows(member: &Member) -> (usize, usize) {
    let observed = member.kernel.clone().observe(&BTreeSet::new()).unwrap();
    let services = &observed.table.services;
    (services.len(), services.values().map(|service| service.servers.len()).sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_table_is_activated_and_one_weight_is_one_write() {
    let place = Place::new().await;
    let mut watch = Watch::start();
    let members = place.pair().await;
    watch.say("small cluster in sync");

    let done = place.api("PUT", &format!("/clusters/{CLUSTER}"), Some(&large())).await;
    watch.say("PUT of 1,000 x 10");
    for result in done.pointer("/activation/results").and_then(Value::as_array).unwrap() {
        println!("             {} took {} ms in its agent", result["director"], result["took_ms"]);
        assert_eq!(result["in_sync"], true, "{:.500}", result.to_string());
    }
    for member in &members {
        place.in_sync(member).await;
        assert_eq!(rows(member), (SERVICES, SERVICES * SERVERS), "{}", member.name);
    }
    watch.say("both shown in sync");

    let writes: Vec<u64> = members.iter().map(|member| member.kernel.writes()).collect();
    let path = format!("/clusters/{CLUSTER}/virtual-servers/s500/real-servers/r5");
    let mut server = place.api("GET", &path, None).await;
    watch.say("GET of one real server");
    server["weight"] = json!(7);
    place.api("PUT", &format!("{path}?activate=true"), Some(&server)).await;
    watch.say("PUT of one weight, activated");
    for (member, before) in members.iter().zip(writes) {
        place.in_sync(member).await;
        assert_eq!(member.kernel.writes(), before + 1, "{}", member.name);
    }
    watch.say("both shown in sync");
    place.api("GET", &format!("/clusters/{CLUSTER}/directors/director-a"), None).await;
    watch.say("GET of one director");
    eventually("counters of both", async || {
        let live = place.console.live(CLUSTER).await.unwrap();
        live.directors.iter().all(|d| d.counters.as_ref().is_some_and(|counters| counters.len() == SERVICES))
    })
    .await;
    let mut watch = Watch::start();
    let status = place.api("GET", &format!("/clusters/{CLUSTER}/status"), None).await;
    watch.say("GET of the status with all counters");
    for director in status["counters"].as_array().unwrap() {
        let services = director["services"].as_array().unwrap();
        let servers =
            services.iter().map(|service| service["servers"].as_array().unwrap().len()).sum::<usize>();
        assert_eq!((services.len(), servers), (SERVICES, SERVICES * SERVERS));
        let first = &services[0]["servers"][0];
        assert!(first["key"].is_string() && first["weight"] == 1, "{first}");
        assert!(first["totals"]["in_bytes"] == 0 && first["rates"]["connections"] == 0.0, "{first}");
    }
    place.api("PATCH", &path, Some(&json!({ "weight": 9 }))).await;
    watch.say("PATCH of one weight, not activated");
    place.api("GET", &format!("/clusters/{CLUSTER}/draft"), None).await;
    watch.say("GET of the draft with its plan");
    place.end(members).await;
}
