//! Two agents that speak with each other over real UDP on the loopback, each on a kernel of its own in memory.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use director::{Agent, LocalAnswer, LocalQuestion};
use kernel::Kernel as _;
use lvs::Cluster;
use lvs::connections::{Connection, ConnectionState};
use lvs::counters::ServerCounters;
use lvs::failover::{Concern, Reason, Refused};
use lvs::model::RedundancyProtocol;
use lvs::wire::{DirectorOrder, OrderRequest, Refusal, State, Status};
use serde_json::json;

use crate::pair::{A, B, Pair, pair};
use crate::world::{VIP, World, eventually, until};

fn reason(status: &Status) -> Reason {
    status.heartbeat.as_ref().unwrap().reason
}

#[tokio::test(flavor = "multi_thread")]
async fn the_primary_becomes_active_and_its_end_hands_over() {
    let pair = Pair::new().await;
    for world in &pair.worlds {
        assert_eq!(world.services(), ["tcp 192.0.2.10:80"], "the standby is warm");
    }
    pair.agents[A].stop(false).await;
    until(&pair.agents[B], "B takes over", |status| status.state == State::Active).await;
    assert_eq!(reason(&pair.agents[B].status()), Reason::Granted);
    eventually("the address moves", || [pair.holds(A), pair.holds(B)] == [false, true]).await;
    assert_eq!(pair.worlds[A].services(), ["tcp 192.0.2.10:80"], "the table stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_live_only_while_they_are_renewed() {
    let pair = Pair::new().await;
    let life = || pair.worlds[A].observed().addresses.get(&VIP.parse().unwrap()).and_then(|row| row.valid_s);
    eventually("a life of two seconds", || life() == Some(2)).await;
    pair.agents[B].stop(false).await;
    eventually("for ever, when nobody is there to take them over", || pair.holds(A) && life().is_none())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_moves_the_addresses_and_holds_a_director() {
    let pair = Pair::new().await;
    let (status, answer) = pair.order(B, json!({"order": "switch-over"})).await;
    assert_eq!((status, &answer["reason"]), (StatusCode::CONFLICT, &json!("wrong-state")), "{answer}");
    let (status, _) = pair.order(A, json!({"order": "switch-over", "force": true})).await;
    assert_eq!(status, StatusCode::OK);
    pair.settles([State::Standby, State::Active]).await;
    assert_eq!(pair.order(A, json!({"order": "hold"})).await.0, StatusCode::OK);
    until(&pair.agents[B], "B hears of the hold", |status| {
        status.heartbeat.as_ref().is_some_and(|beat| beat.partner.is_some_and(|partner| partner.held))
    })
    .await;
    let (status, answer) = pair.order(B, json!({"order": "switch-over", "force": true})).await;
    assert_eq!((status, &answer["reason"]), (StatusCode::CONFLICT, &json!("partner-unable")), "{answer}");
    assert_eq!(pair.order(A, json!({"order": "resume"})).await.0, StatusCode::OK);
    assert_eq!(pair.order(A, json!({"order": "dance"})).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_director_restarted_as_standby_stays_one() {
    let pair = Pair::new().await;
    pair.agents[A].stop(false).await;
    until(&pair.agents[B], "B takes over", |status| status.state == State::Active).await;
    let again = pair.worlds[A].start();
    until(&again, "A is back", |status| status.state == State::Standby).await;
    assert_eq!(pair.agents[B].status().state, State::Active);
    assert!(!pair.holds(A));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_with_another_key_is_named() {
    let pair = Pair::new().await;
    pair.push(B, 1, "cd").await;
    let named = |status: &Status| {
        status.heartbeat.as_ref().is_some_and(|beat| beat.concerns.contains(&Concern::OtherKey))
    };
    until(&pair.agents[A], "another key is named", named).await;
    // The one that has the new key goes on with the old one beside it.
    pair.settles([State::Active, State::Standby]).await;
    pair.push(A, 1, "cd").await;
    for agent in &pair.agents {
        until(agent, "both have it", |status| !named(status)).await;
    }
    pair.settles([State::Active, State::Standby]).await;
}

fn before(pair: &Pair, node: usize) -> bool {
    pair.worlds[node].folder.path().join("before.json").exists()
}

/// The standby gets every change first, and the active one much later or never.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_how_they_speak_that_one_has_not_got_yet_leaves_one_owner() {
    let mut pair = Pair::new().await;
    let port = pair.cluster.redundancy.heartbeat_port;
    let changes: [&dyn Fn(&mut Cluster); 4] = [
        &|cluster| cluster.redundancy.heartbeat_port = port ^ 1,
        &|cluster| (cluster.redundancy.interval_ms, cluster.redundancy.deadtime_ms) = (50, 150),
        &|cluster| (cluster.redundancy.interval_ms, cluster.redundancy.deadtime_ms) = (300, 900),
        &|cluster| cluster.redundancy.protocol = RedundancyProtocol::Pulse,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let revision = number as u64 + 2;
        change(&mut pair.cluster);
        pair.push(B, revision, "ab").await;
        let epochs = || [A, B].map(|node| pair.agents[node].status().heartbeat.unwrap().epoch);
        let known = epochs();
        until(&pair.agents[A], "the other revision is named", |status| {
            status.heartbeat.as_ref().is_some_and(|beat| beat.concerns.contains(&Concern::OtherRevision))
        })
        .await;
        // Longer than any deadtime before and after, in which nobody claims.
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        pair.settles([State::Active, State::Standby]).await;
        assert_eq!(epochs(), known, "nobody claimed");
        assert!(before(&pair, B), "what A speaks is remembered");
        pair.push(A, revision, "ab").await;
        eventually("both speak as configured", || !before(&pair, A) && !before(&pair, B)).await;
        pair.settles([State::Active, State::Standby]).await;
    }
}

/// Neither protocol without keys can say which configuration its sender holds.
#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_comes_in_the_place_of_piranhas_beat_once_both_know_it() {
    for first in [A, B] {
        let mut cluster = pair();
        cluster.redundancy.protocol = RedundancyProtocol::Pulse;
        let mut pair = Pair::of(cluster).await;
        pair.cluster.redundancy.protocol = RedundancyProtocol::Heartbeat;
        pair.push(first, 2, "ab").await;
        until(&pair.agents[first], "the other revision is named", |status| {
            status.heartbeat.as_ref().is_some_and(|beat| beat.concerns.contains(&Concern::OtherRevision))
        })
        .await;
        never_two_owners(&pair, 2_500).await;
        pair.settles([State::Active, State::Standby]).await;
        assert!(before(&pair, first), "what the other speaks is remembered");
        pair.push(1 - first, 2, "ab").await;
        never_two_owners(&pair, 1_000).await;
        eventually("both speak as configured, with keys", || {
            pair.agents.iter().all(|agent| agent.status().heartbeat.unwrap().concerns.is_empty())
        })
        .await;
        eventually("nothing of before is kept", || !before(&pair, A) && !before(&pair, B)).await;
        pair.settles([State::Active, State::Standby]).await;
    }
}

/// Looks on for so long; both directors shown as active at several looks in a row are two owners.
async fn never_two_owners(pair: &Pair, milliseconds: u64) {
    let end = tokio::time::Instant::now() + Duration::from_millis(milliseconds);
    let mut in_a_row = 0;
    while tokio::time::Instant::now() < end {
        let both = pair.agents.iter().all(|agent| agent.status().state == State::Active);
        in_a_row = if both { in_a_row + 1 } else { 0 };
        // What one thread has decided another one shows a moment later.
        assert!(in_a_row < 10, "two owners");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Redundancy is switched off while either of them is active, and one of them gets it much later.
#[tokio::test(flavor = "multi_thread")]
async fn redundancy_that_only_one_knows_to_be_off_goes_on_until_the_other_knows_it() {
    let ways = [(A, A), (A, B), (B, A), (B, B)];
    let all = ways.map(|way| (RedundancyProtocol::Heartbeat, way)).into_iter();
    for (protocol, (active, first)) in all.chain(ways.map(|way| (RedundancyProtocol::Pulse, way))) {
        let mut cluster = pair();
        cluster.redundancy.protocol = protocol;
        let mut pair = Pair::of(cluster).await;
        let mut states = [State::Active, State::Standby];
        if active == B {
            assert_eq!(pair.order(A, json!({"order": "switch-over", "force": true})).await.0, StatusCode::OK);
            states.reverse();
            pair.settles(states).await;
        }
        pair.cluster.redundancy.enabled = false;
        pair.push(first, 2, "ab").await;
        never_two_owners(&pair, 1_500).await;
        pair.settles(states).await;
        assert!(before(&pair, first), "what the other speaks is remembered");
        pair.push(1 - first, 2, "ab").await;
        never_two_owners(&pair, 1_000).await;
        pair.settles([State::Active, State::Standby]).await;
        for (node, agent) in pair.agents.iter().enumerate() {
            until(agent, "no heartbeat", |status| status.heartbeat.is_none()).await;
            eventually("nothing of before is kept", || !before(&pair, node)).await;
        }
        let life = || pair.worlds[A].observed().addresses.get(&VIP.parse().unwrap()).map(|row| row.valid_s);
        assert_eq!(life(), Some(None), "nobody renews it any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_director_restarted_between_two_pushes_still_hears_its_partner() {
    let mut pair = Pair::new().await;
    pair.cluster.redundancy.heartbeat_port ^= 1;
    pair.push(B, 2, "ab").await;
    pair.agents[B].stop(false).await;
    let again = pair.worlds[B].start();
    until(&again, "B is back", |status| {
        status.state == State::Standby && status.heartbeat.as_ref().is_some_and(|beat| beat.partner.is_some())
    })
    .await;
    assert_eq!(pair.agents[A].status().state, State::Active);
    assert!(pair.holds(A) && !pair.holds(B));
    pair.push(A, 2, "ab").await;
    eventually("both speak as configured", || !before(&pair, A) && !before(&pair, B)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_kept_from_everybody_but_the_disk() {
    let pair = Pair::new().await;
    let world = &pair.worlds[A];
    let (status, body) = world.ask(&pair.agents[A], "GET", "/v1/target", "", world.console()).await;
    assert_eq!(status, StatusCode::OK);
    assert!(!String::from_utf8(body).unwrap().contains("abab"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redundancy_the_seat_decides_again() {
    let mut pair = Pair::new().await;
    pair.cluster.redundancy.enabled = false;
    pair.push(B, 2, "ab").await;
    pair.push(A, 2, "ab").await;
    pair.settles([State::Active, State::Standby]).await;
    for agent in &pair.agents {
        until(agent, "no heartbeat", |status| status.heartbeat.is_none()).await;
    }
}

/// The sync daemons that run, and whether the kernel of a receiving one still schedules.
fn sync(world: &World) -> (Vec<&'static str>, String) {
    let parameter = "net.ipv4.vs.backup_only".to_owned();
    let observed = world.kernel.clone().observe(&[parameter.clone()].into()).unwrap();
    (observed.sync.keys().map(|role| role.as_str()).collect(), observed.sysctls[&parameter].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_go_from_the_active_to_the_standby_and_both_ways_for_a_while_when_that_changes() {
    let pair = Pair::synced().await;
    let roles = |active: (&[&'static str], &str), standby: (&[&'static str], &str), order: [usize; 2]| {
        let is = |(roles, only): (&[&'static str], &str)| (roles.to_vec(), only.to_owned());
        order.map(|node| sync(&pair.worlds[node])) == [is(active), is(standby)]
    };
    let settled = |order| roles((&["master"], "1"), (&["backup"], "1"), order);
    eventually("A sends, B takes", || settled([A, B])).await;
    assert_eq!(pair.worlds[A].kernel.shielded(), None);
    until(&pair.agents[A], "B is ready", |status| {
        status.heartbeat.as_ref().is_some_and(|beat| beat.partner.is_some_and(|partner| partner.ready))
    })
    .await;
    assert_eq!(pair.order(A, json!({"order": "switch-over"})).await.0, StatusCode::OK, "no force is needed");
    let both = ["master", "backup"];
    eventually("both send and take", || roles((&both, "0"), (&both, "1"), [B, A])).await;
    for node in [A, B] {
        let shielded = pair.worlds[node].kernel.shielded().expect("unknown connections are not reset");
        assert_eq!(shielded.arriving, ["192.0.2.10:80".parse().unwrap()].into());
        assert_eq!(shielded.replies.len(), 2, "what the real servers send back");
    }
    eventually("B sends, A takes", || settled([B, A])).await;
    eventually("resets are back", || pair.worlds.iter().all(|world| world.kernel.shielded().is_none())).await;
}

/// A connection of a client's port to the service, half open or established.
fn connection(port: u16, state: &str, left_s: u32) -> Connection {
    Connection {
        protocol: 6,
        client: SocketAddr::from(([198, 51, 100, 1], port)),
        service: "192.0.2.10:80".parse().unwrap(),
        server: "10.0.0.1:80".parse().unwrap(),
        state: ConnectionState::of(6, state, false).unwrap(),
        left_s,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_the_addresses_away_sends_its_connections_the_latest_first() {
    let pair = Pair::synced().await;
    let kernel = &pair.worlds[A].kernel;
    until(&pair.agents[A], "B is ready", |status| {
        status.heartbeat.as_ref().is_some_and(|beat| beat.partner.is_some_and(|partner| partner.ready))
    })
    .await;
    kernel.put_connection(connection(1001, "ESTABLISHED", 700));
    kernel.put_connection(connection(1002, "SYN_RECV", 59));
    let sent = |node: usize| -> Vec<(String, u16)> {
        let sent = pair.worlds[node].kernel.sent();
        sent.into_iter().map(|(daemon, copied)| (daemon.interface, copied.connection.client.port())).collect()
    };
    assert_eq!(sent(A), [], "the kernel's own daemon does it until then");
    assert_eq!(pair.order(A, json!({"order": "switch-over"})).await.0, StatusCode::OK);
    let both = [1002, 1001].map(|port| ("eth0".to_owned(), port));
    eventually("once before the address goes and once after", || sent(A) == [&both[..], &both].concat())
        .await;
    pair.settles([State::Standby, State::Active]).await;
    // Also when it ends by itself, and before it has ended.
    until(&pair.agents[B], "A is ready", |status| {
        status.heartbeat.as_ref().is_some_and(|beat| beat.partner.is_some_and(|partner| partner.ready))
    })
    .await;
    pair.worlds[B].kernel.put_connection(connection(1003, "ESTABLISHED", 899));
    pair.agents[B].stop(false).await;
    assert_eq!(sent(B).last(), Some(&("eth0".to_owned(), 1003)));
    assert_eq!(sent(A).len(), 4, "nobody else sends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_ready_once_it_has_nearly_all_connections() {
    let pair = Pair::synced().await;
    let connected = |node: usize, active| {
        let kernel = &pair.worlds[node].kernel;
        let (service, server) = ("tcp 192.0.2.10:80".parse().unwrap(), "10.0.0.1:80".parse().unwrap());
        kernel.set_server_counters(service, server, ServerCounters { active, ..Default::default() });
    };
    let kernel_of = |node: usize| &pair.worlds[node].kernel;
    let ready = |agent: &Agent| agent.status().heartbeat.is_some_and(|beat| beat.ready);
    connected(A, 1000);
    pair.agents[B].stop(false).await;
    let again = pair.worlds[B].start();
    until(&again, "B is back", |status| status.state == State::Standby && status.in_sync).await;
    tokio::time::sleep(2 * pair.worlds[B].rhythm.drain).await;
    assert!(!ready(&again), "it has none of them");
    let (status, answer) = pair.order(A, json!({"order": "switch-over"})).await;
    assert_eq!((status, &answer["reason"]), (StatusCode::CONFLICT, &json!("partner-not-ready")), "{answer}");
    kernel_of(A).put_connection(connection(1001, "TIME_WAIT", 5));
    eventually("A sends all it has", || !kernel_of(A).sent().is_empty()).await;
    connected(B, 950);
    until(&again, "it has nearly all", |status| status.heartbeat.as_ref().unwrap().ready).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_receiving_daemon_cannot_run_the_standby_is_ready_and_says_why() {
    let mut pair = Pair::synced().await;
    pair.cluster.redundancy.sync.interface = Some("nosuch0".parse().unwrap());
    pair.push(B, 2, "ab").await;
    let status = until(&pair.agents[B], "it says so", |status| !status.failures.is_empty()).await;
    assert!(status.failures[0].reason.ends_with("there is no interface nosuch0"), "{:?}", status.failures);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_directors_change_to_the_beat_of_piranha_and_hand_over_with_it() {
    let mut pair = Pair::new().await;
    pair.cluster.redundancy.protocol = RedundancyProtocol::Pulse;
    pair.push(B, 2, "ab").await;
    pair.push(A, 2, "ab").await;
    eventually("both say that nothing is authenticated", || {
        pair.agents.iter().all(|agent| {
            let heartbeat = agent.status().heartbeat;
            heartbeat.is_some_and(|heartbeat| heartbeat.concerns == [Concern::Unauthenticated])
        })
    })
    .await;
    pair.settles([State::Active, State::Standby]).await;
    // Refused for as long as A has not heard B's words.
    let limit = Instant::now() + Duration::from_secs(20);
    loop {
        let (status, body) = pair.order(A, json!({ "order": "switch-over" })).await;
        if status == StatusCode::OK {
            break;
        }
        assert_eq!(body["reason"], "partner-absent");
        assert!(Instant::now() < limit, "it is never heard");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    pair.settles([State::Standby, State::Active]).await;
    assert_eq!(pair.agents[A].status().heartbeat.unwrap().reason, Reason::HandedOver);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_need_no_console_and_a_hold_outlasts_a_restart() {
    let pair = Pair::new().await;
    let ask = async |node: usize, question| {
        let folder = pair.worlds[node].folder.path().to_owned();
        tokio::task::spawn_blocking(move || director::ask(&folder, question)).await.unwrap().unwrap()
    };
    let order = |order| LocalQuestion::Order(OrderRequest { order, force: false });
    let held = |status: &Status| status.heartbeat.as_ref().is_some_and(|beat| beat.held);
    assert_eq!(ask(B, order(DirectorOrder::Hold)).await, LocalAnswer::Followed);
    assert_eq!(
        ask(B, order(DirectorOrder::TakeOver)).await,
        LocalAnswer::Refused(Refusal::Order { reason: Refused::Held })
    );
    pair.agents[B].stop(false).await;
    let folder = pair.worlds[B].folder.path();
    assert!(director::ask(folder, LocalQuestion::Status).is_err(), "nobody answers any more");
    let again = pair.worlds[B].start();
    until(&again, "it is still held", held).await;
    match ask(B, LocalQuestion::Status).await {
        LocalAnswer::Status(status) => assert!(held(&status)),
        other => panic!("{other:?}"),
    }
    assert_eq!(ask(B, order(DirectorOrder::Resume)).await, LocalAnswer::Followed);
    until(&again, "it is not held any more", |status| !held(status)).await;
    let mode = std::fs::metadata(folder.join("agent.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else can even ask");
}
