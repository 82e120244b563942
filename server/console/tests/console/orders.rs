//! Orders for real servers: given, refused, pushed, and brought along by a director that was told on the spot.

use console::{Actor, Console, Error, NewOrder, OrderPush, Ordered, Role};
use lvs::Cluster;
use lvs::health::{Instruction, LocalOrders, Order, OrderTarget, Orders};
use lvs::model::Id;
use lvs::wire::OrdersPush;

use crate::agent::FakeAgent;
use crate::place::{Place, actor as actor_of};

fn content() -> Cluster {
    serde_json::from_value(serde_json::json!({
        "name": "web",
        "directors": [{ "name": "d1", "seat": "primary", "public": "192.0.2.9" }],
        "virtual_servers": [{
            "name": "www", "vip": { "address": "192.0.2.1" }, "port": 80,
            "real_servers": [{ "name": "one", "address": "10.0.0.1" }, { "name": "two", "address": "10.0.0.2" }],
        }],
    }))
    .unwrap()
}

fn drain() -> NewOrder {
    NewOrder { instruction: Instruction::Draining, reason: "new disks".into(), ..NewOrder::default() }
}

fn one() -> Ordered {
    Ordered::Server { service: "www".into(), server: "one".into() }
}

/// A running cluster; its id, and the ids of the virtual server and its first real server.
async fn running(console: &Console) -> (String, Id, Id) {
    let actor = Actor::local();
    let id = console.create_cluster(&actor, content()).await.unwrap().cluster_id;
    console.activate(&actor, &id, "first").await.unwrap();
    let view = console.cluster(&id).await.unwrap();
    let server = view.running.unwrap().content.virtual_servers.remove(0);
    (id, server.id.clone(), server.real_servers[0].id.clone())
}

#[tokio::test]
async fn an_order_reaches_the_directors_and_those_that_were_away() {
    let place = Place::new().await;
    let console = &place.console;
    console.start();
    let (id, service, server) = running(console).await;
    let actor = Actor::local();
    // Nobody is there yet to be told.
    let given = console.order_server(&actor, &id, &one(), drain()).await.unwrap();
    assert_eq!((given.serial, given.directors.len()), (1, 0));
    assert_eq!(given.target, OrderTarget::Server { service, server });
    // A director that comes gets them by itself.
    let agent = FakeAgent::join(console, &actor, &id, "d1").await;
    agent.until("the orders have come", |live| live.orders.as_ref().is_some_and(|o| o.serial == 1)).await;
    // One that is there is told at once.
    let machine = Ordered::Machine { address: "10.0.0.2".parse().unwrap() };
    let given = console.order_server(&actor, &id, &machine, drain()).await.unwrap();
    assert_eq!(given.directors, [("d1".to_owned(), OrderPush::Followed { in_sync: true })]);
    let asked = agent.asked();
    let (_, last) = asked.iter().rfind(|(what, _)| what == "PUT /v1/orders").unwrap();
    let push: OrdersPush = serde_json::from_value(last.clone()).unwrap();
    assert_eq!((push.orders.serial, push.orders.orders.len()), (2, 2));
    assert_eq!(console.orders(&id).await.unwrap(), push.orders);
    let audit = console.audit(&actor, Some(&id), None, 100).await.unwrap();
    assert!(
        audit.iter().any(|row| row.action == "server.drain"
            && row.subject == "10.0.0.2"
            && row.detail == "new disks")
    );
}

#[tokio::test]
async fn what_was_ordered_on_a_director_is_taken_in_and_given_back() {
    let place = Place::new().await;
    let console = &place.console;
    console.start();
    let (id, service, server) = running(console).await;
    let agent = FakeAgent::join(console, &Actor::local(), &id, "d1").await;
    agent.pushed().await;
    let target = OrderTarget::Server { service, server };
    let order = Order {
        instruction: Instruction::Disabled,
        at_once: false,
        deadline: None,
        until_s: None,
        ramp_s: None,
        reason: "smoke".into(),
        by: "root".into(),
        given_s: 5,
    };
    let mut local = LocalOrders::default();
    local.give(target.clone(), order.clone());
    agent.report(|inside| inside.orders.local = local).await;
    let settled = |live: &console::LiveDirector| {
        live.orders.as_ref().is_some_and(|orders| orders.serial == 1 && orders.local.orders.is_empty())
    };
    agent.until("the console has heard of it and the director knows that", settled).await;
    let orders: Orders = console.orders(&id).await.unwrap();
    assert_eq!(orders.orders[&target], order);
    let audit = console.audit(&Actor::local(), Some(&id), None, 100).await.unwrap();
    let row = audit.iter().find(|row| row.action == "server.disable").unwrap();
    assert!(row.actor.starts_with("director/") && row.detail == "on d1 by root: smoke", "{row:?}");
}

#[tokio::test]
async fn orders_for_what_does_not_run_and_by_whom_may_not_are_refused() {
    let place = Place::new().await;
    let console = &place.console;
    let actor = Actor::local();
    let id = console.create_cluster(&actor, content()).await.unwrap().cluster_id;
    let refused = console.order_server(&actor, &id, &one(), drain()).await.unwrap_err();
    assert!(matches!(&refused, Error::Refused(text) if text.contains("nothing runs")), "{refused:?}");
    console.activate(&actor, &id, "first").await.unwrap();
    let nobody = Ordered::Machine { address: "10.9.9.9".parse().unwrap() };
    let other = Ordered::Server { service: "www".into(), server: "three".into() };
    for ordered in [nobody, other] {
        let refused = console.order_server(&actor, &id, &ordered, drain()).await.unwrap_err();
        assert!(matches!(refused, Error::Missing(_)), "{refused:?}");
    }
    let viewer = actor_of("v", Role::Viewer);
    let refused = console.order_server(&viewer, &id, &one(), drain()).await.unwrap_err();
    assert!(matches!(refused, Error::Forbidden { needs: Role::Operator }), "{refused:?}");
    assert_eq!(console.orders(&id).await.unwrap(), Orders::default());
}
