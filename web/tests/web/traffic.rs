//! Charts of the past on pages, as a file and through the API; and the falling curve of a server that is drained.

use std::time::{Duration, Instant};

use console::{Actor, NewOrder, Ordered, Role};
use lvs::counters::{Counters, ServerCounters, ServiceCounters, Totals};
use lvs::health::{Instruction, Overdue};

use crate::html::check;
use crate::orders::furnished;
use crate::screens::keep;
use crate::site::Browser;

fn counters(active: u32) -> Counters {
    let totals = Totals { connections: 1_000, ..Totals::default() };
    let one = ServerCounters { active, inactive: 7, weight: 1, totals, ..ServerCounters::default() };
    let servers = [("10.0.0.1:80".parse().unwrap(), one)].into();
    [("tcp 192.0.2.1:80".parse().unwrap(), ServiceCounters { totals, servers })].into()
}

/// Asks again until the page says it; the console takes a sample every two seconds.
async fn until(browser: &mut Browser<'_>, path: &str, says: &str) -> String {
    let began = Instant::now();
    loop {
        let page = browser.get(path).await.is(200).body;
        if page.contains(says) {
            return page;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "never said: {says}; {page}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_was_counted_is_drawn_listed_and_taken_out() {
    let (site, id, agent) = furnished().await;
    agent.report(|inside| inside.counters = Some(counters(123))).await;
    let mut viewer = site.member(Role::Viewer).await;
    let base = format!("/clusters/{id}");
    let page =
        until(&mut viewer, &format!("{base}/virtual-servers/www/traffic"), "<td class=\"number\">123</td>")
            .await;
    check("traffic", &page);
    keep("traffic-counted.en", &page);
    assert!(page.contains("class=\"area s0\" d=\"M") && page.contains("/state\">one</a>"), "{page}");
    assert!(page.contains("hx-trigger=\"every 10s\""));
    let paused = viewer.get(&format!("{base}/virtual-servers/www/traffic?live=off")).await.is(200);
    assert!(!paused.body.contains("hx-trigger"));
    // The cluster's page draws the same by virtual server.
    let all = viewer.get(&format!("{base}/traffic?range=15m")).await.is(200).body;
    assert!(all.contains("/traffic\">www</a>") && all.contains(">123</td>"), "{all}");
    // An activation is a mark with its sentence.
    assert!(all.contains("Revision 1") || all.contains("revision 1"), "{all}");

    let file = viewer.get(&format!("{base}/traffic.csv?service=www&range=1h")).await.is(200);
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    assert!(file.body.contains("\"one\",123.0,7.0,123,"), "{}", file.body);
    viewer.get(&format!("{base}/traffic?range=forever")).await.is(400);
    viewer.get(&format!("{base}/virtual-servers/nothing/traffic")).await.is(404);

    let robot = site.robot(Role::Viewer).await;
    let series = robot.get(&format!("{base}/series?service=www&range=1h")).await.is(200).json();
    assert_eq!((&series["resolution"], &series["step_s"]), (&"fine".into(), &10.into()));
    let line = &series["items"][0];
    assert_eq!((&line["name"], &line["server"]), (&"one".into(), &"10.0.0.1:80".into()));
    assert_eq!(line["samples"][0]["active"], 123.0);
    robot.get(&format!("{base}/series?range=1y")).await.is(400);
}

#[tokio::test]
async fn the_routing_table_and_events_are_taken_out_as_files() {
    let (site, id, agent) = furnished().await;
    agent.report(|inside| inside.counters = Some(counters(55))).await;
    let mut viewer = site.member(Role::Viewer).await;
    let began = Instant::now();
    let body = loop {
        let file = viewer.get(&format!("/clusters/{id}/table.csv")).await.is(200);
        assert_eq!(file.headers["content-disposition"], "attachment; filename=\"table.csv\"");
        if file.body.contains("\"55\"") {
            break file.body;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "never counted: {}", file.body);
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let lines: Vec<&str> = body.lines().collect();
    assert!(lines[0].starts_with("virtual_server,real_server,address,health,weight,active"), "{body}");
    assert!(lines[1].starts_with("\"www\",\"\",\"tcp 192.0.2.1:80\",\"\",\"\",\"55\",\"7\","), "{body}");
    assert!(lines[2].starts_with("\"www\",\"one\",\"10.0.0.1:80\",\"\",\"1\",\"55\",\"7\","), "{body}");
    assert_eq!(lines[3], "\"www\",\"two\",\"10.0.0.2:80\",\"\",\"1\",\"\",\"\",\"\",\"\",\"\"");
    let events = viewer.get(&format!("/clusters/{id}/events.csv?severity=info")).await.is(200);
    assert!(events.body.starts_with("at,severity,director,kind,text\r\n"), "{}", events.body);
    assert!(events.body.contains("\"local activated revision 1.\""), "{}", events.body);
    let filtered = viewer.get(&format!("/clusters/{id}/events.csv?severity=critical")).await.is(200);
    assert!(!filtered.body.contains("activated revision"), "the page's filters hold: {}", filtered.body);
    viewer.get(&format!("/clusters/{id}/events.csv?severity=dire")).await.is(400);
}

#[tokio::test]
async fn a_drained_server_shows_how_many_connections_are_left() {
    let (site, id, agent) = furnished().await;
    agent.report(|inside| inside.counters = Some(counters(40))).await;
    let mut viewer = site.member(Role::Viewer).await;
    let state = format!("/clusters/{id}/virtual-servers/www/real-servers/one/state");
    let before = until(&mut viewer, &state, "class=\"area s1\"").await;
    assert!(!before.contains("class=\"falling\""), "nothing is drained");
    let view = site.console.view(&Actor::local(), &id).await.unwrap();
    let service = &view.content.virtual_servers[0];
    let ordered =
        Ordered::Server { service: service.id.0.clone(), server: service.real_servers[0].id.0.clone() };
    let order = NewOrder {
        instruction: Instruction::Draining,
        at_once: false,
        deadline_s: None,
        then: Overdue::Wait,
        for_s: None,
        ramp_s: None,
        reason: String::new(),
    };
    site.console.order_server(&Actor::local(), &id, &ordered, order).await.unwrap();
    let page = until(&mut viewer, &state, "<strong>47</strong>").await;
    check("drain", &page);
    keep("real-server-draining.en", &page);
    assert!(page.contains("do not fall evenly enough"), "three samples are no estimate");
    agent.report(|inside| inside.counters = Some(Counters::new())).await;
}
