//! One real server's page and the machines: why it is down, whether it may be stopped, what it says when asked now.

use axum::body::Body;
use axum::http::header;
use console::Role;
use lvs::health::{Drain, Failure, Order, OrderTarget, Outcome, Phase, Reason, Standing, Verdict};
use lvs::journal::{Entry, Happening};
use lvs::wire::{
    CheckEvidence, CheckStatus, CheckedNow, CheckerStatus, Checks, Evidence, OrderStatus, Recent,
    ServiceChecks, Timings,
};
use tower::ServiceExt as _;

use crate::html::check;
use crate::live::read_until;
use crate::orders::furnished;
use crate::screens::keep;

fn evidence(outcome: Outcome, received: &str) -> Evidence {
    Evidence {
        at_s: 1_790_000_000,
        outcome,
        detail: None,
        target: "10.0.0.1:80".into(),
        source: Some("192.0.2.9:40312".into()),
        timings: Timings {
            connect_us: Some(1_400),
            tls_us: None,
            first_byte_us: Some(12_340),
            total_us: 13_000,
        },
        sent: "GET /alive HTTP/1.1\\r\\n".into(),
        sent_bytes: 21,
        received: received.into(),
        received_bytes: u64::try_from(received.len()).unwrap(),
        certificate_ends_s: None,
    }
}

fn down() -> CheckStatus {
    let failure = Failure::Status { code: 503 };
    let recent = |n: i64| Recent {
        at_s: 1_790_000_000 + n,
        took_us: 1_000 + n.unsigned_abs() * 90,
        failure: (n > 110).then_some(Failure::TimedOut { phase: Phase::Connect }),
        trouble: None,
    };
    CheckStatus {
        verdict: Verdict::Down,
        reason: Reason::Failed { failure: failure.clone(), failures: 3 },
        since_s: 1_790_000_000,
        standing: Standing::Out,
        climbing: false,
        agent: Default::default(),
        order: None,
        checker: CheckerStatus::Working,
        checks: vec![CheckEvidence {
            kind: "http".into(),
            verdict: Verdict::Down,
            success: Some(evidence(Outcome::Up { load: None }, "HTTP/1.1 200 OK\\r\\n")),
            failure: Some(evidence(Outcome::Down(failure), "HTTP/1.1 503 <Busy>\\r\\n")),
            trouble: None,
            recent: (0..120).map(recent).collect(),
        }],
    }
}

fn checks(one: CheckStatus) -> Checks {
    let servers = [("10.0.0.1:80".parse().unwrap(), one)].into();
    [("tcp 192.0.2.1:80".parse().unwrap(), ServiceChecks { servers, ..ServiceChecks::default() })].into()
}

#[tokio::test]
async fn the_page_says_why_a_real_server_is_down_and_by_what_it_was_seen() {
    let (site, id, agent) = furnished().await;
    agent.report(|inside| inside.checks = Some(checks(down()))).await;
    agent.until("its checks are known", |live| live.checks.is_some()).await;
    let mut viewer = site.member(Role::Viewer).await;
    let server = format!("/clusters/{id}/virtual-servers/www/real-servers");
    let page = viewer.get(&format!("{server}/one/state")).await.is(200);
    check("state", &page.body);
    keep("real-server-down", &page.body);
    for said in [
        "Down since 2026-09-21",
        "It answered with status 503.",
        "It is not in the table",
        "192.0.2.9:40312",
        "HTTP/1.1 503 &#60;Busy&#62;\\r\\n",
        "GET /alive HTTP/1.1",
        "12.3",
        "The last 120 checks: 9 failed",
        "<title>2026-09-21",
        "No connection came about in time.",
    ] {
        assert!(page.body.contains(said), "{said}: {}", page.body);
    }
    // Who may only look finds no button; what nobody knows yet is said to be so.
    assert!(!page.body.contains("name=\"instruction\"") && !page.body.contains("/state/check"));
    let other = viewer.get(&format!("{server}/two/state")).await.is(200);
    assert!(other.body.contains("No director has said anything about it yet."), "{}", other.body);
    // Both lists lead there.
    let list = viewer.get(&server).await.is(200);
    assert!(list.body.contains("/state\">"), "{}", list.body);
    let monitoring = viewer.get(&format!("/clusters/{id}")).await.is(200);
    assert!(monitoring.body.contains("/state\">one</a>"), "{}", monitoring.body);
    let mut chinese = site.member(Role::Viewer).await;
    chinese.language = "zh-CN";
    let page = chinese.get(&format!("{server}/one/state")).await.is(200);
    check("state in Chinese", &page.body);
    assert!(page.body.contains("最近 120 次检查"), "{}", page.body);
}

#[tokio::test]
async fn the_last_day_and_week_are_shown_as_bands() {
    let (site, id, agent) = furnished().await;
    let now = jiff::Timestamp::now().as_second();
    let verdict = |number, ago: i64, from, to| Entry {
        number,
        at_ms: (now - ago) * 1000,
        what: Happening::Verdict {
            service: "tcp 192.0.2.1:80".parse().unwrap(),
            server: "10.0.0.1:80".parse().unwrap(),
            sorry: false,
            from,
            to,
            reason: Reason::Failed { failure: Failure::Status { code: 503 }, failures: 3 },
        },
    };
    let journal = vec![
        verdict(1, 3 * 86_400, Verdict::Unknown, Verdict::Up),
        verdict(2, 2 * 86_400, Verdict::Up, Verdict::Down),
        verdict(3, 2 * 86_400 - 600, Verdict::Down, Verdict::Up),
        verdict(4, 5_400, Verdict::Up, Verdict::Down),
    ];
    agent.report(|inside| inside.checks = Some(checks(down()))).await;
    agent.report(|inside| inside.journal = journal.clone()).await;
    let mut viewer = site.member(Role::Viewer).await;
    let place = format!("/clusters/{id}/virtual-servers/www/real-servers");
    let page = viewer.get(&format!("{place}/one/state")).await.is(200);
    check("bands", &page.body);
    keep("bands", &page.body);
    let bands = page.body.split("id=\"bands\"").nth(1).unwrap();
    for said in ["24 hours", "7 days", "1 h 30 min", "Went down</dt><dd>2", "10 min 0 s", "class=\"unknown\""]
    {
        assert!(bands.contains(said), "{said}: {bands}");
    }
    // Of the director alone that told it, and of this server alone.
    let other = viewer.get(&format!("{place}/two/state")).await.is(200);
    let bands = other.body.split("id=\"bands\"").nth(1).unwrap();
    assert!(!bands.contains("class=\"down\"") && bands.contains("class=\"unknown\""), "{bands}");
}

#[tokio::test]
async fn what_is_known_of_a_real_server_comes_by_the_stream() {
    let (site, id, agent) = furnished().await;
    let mut viewer = site.member(Role::Viewer).await;
    for query in ["server=www&real=one", "machines=on"] {
        agent.report(|inside| inside.checks = Some(Checks::new())).await;
        agent.until("nothing is known", |live| live.checks.as_ref().is_some_and(|c| c.is_empty())).await;
        let request = viewer
            .request("GET", &format!("/clusters/{id}/live?{query}"))
            .header(header::ACCEPT, "text/event-stream")
            .body(Body::empty())
            .unwrap();
        let response = site.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let (mut stream, mut seen) = (response.into_body().into_data_stream(), String::new());
        read_until(&mut stream, &mut seen, "\n\n").await;
        let place = if query.starts_with("server") { "#server-now" } else { "#machine-10-0-0-1" };
        assert!(seen.contains(&format!("hx-target=\"{place}\"")), "{seen}");
        assert!(seen.contains("#bar-active") && !seen.contains("status 503"), "{seen}");
        seen.clear();
        agent.report(|inside| inside.checks = Some(checks(down()))).await;
        read_until(&mut stream, &mut seen, "status 503").await;
        assert!(seen.contains(place) && !seen.contains("#machine-10-0-0-2"), "{seen}");
    }
    let nobody = viewer.get(&format!("/clusters/{id}/live?server=www&real=three")).await;
    assert!(nobody.body.contains("session-ended"), "{}", nobody.body);
}

#[tokio::test]
async fn a_real_server_is_asked_now_by_every_director() {
    let (site, id, agent) = furnished().await;
    let seen = evidence(Outcome::Down(Failure::Refused), "");
    agent.report(|inside| inside.seen = CheckedNow { answers: vec![seen.clone()] }).await;
    let mut operator = site.member(Role::Operator).await;
    let place = format!("/clusters/{id}/virtual-servers/www/real-servers/one/state");
    let page = operator.get(&place).await.is(200);
    assert!(page.body.contains("/state/check\""), "{}", page.body);
    let page = operator.post(&format!("{place}/check"), &[]).await.is(200);
    check("asked now", &page.body);
    for said in ["Asked now by d1", "nobody listens there", "192.0.2.9:40312", "Nothing received"] {
        assert!(page.body.contains(said), "{said}: {}", page.body);
    }
    let asked = agent.asked().into_iter().find(|(what, _)| what == "POST /v1/check-now").unwrap().1;
    assert_eq!((&asked["service"], &asked["server"]), (&"tcp 192.0.2.1:80".into(), &"10.0.0.1:80".into()));
    assert_eq!(operator.get(&format!("{place}/check")).await.is(303).location(), place);
    let robot = site.robot(Role::Operator).await;
    let path = format!("/clusters/{id}/virtual-servers/www/real-servers/one/check-now");
    let answer = robot.post(&path, serde_json::json!({})).await.is(200).json();
    assert_eq!(
        (&answer["directors"][0]["outcome"], &answer["directors"][0]["director"]),
        (&"asked".into(), &"d1".into())
    );
    assert_eq!(answer["directors"][0]["answers"][0]["target"], "10.0.0.1:80");
    site.robot(Role::Viewer).await.post(&path, serde_json::json!({})).await.is(403);
}

#[tokio::test]
async fn a_machine_is_drained_in_all_its_services_and_the_events_tell_it() {
    let (site, id, agent) = furnished().await;
    let mut operator = site.member(Role::Operator).await;
    let page = format!("/clusters/{id}/machines");
    let before = operator.get(&page).await.is(200);
    check("machines", &before.body);
    assert!(
        before.body.contains("10.0.0.1") && before.body.contains("Drain in all its services"),
        "{}",
        before.body
    );
    let drain = [("instruction", "draining"), ("reason", "new disks"), ("for_min", "90")];
    operator.post(&format!("{page}/10.0.0.1/orders"), &drain).await.is(303);
    operator.post(&format!("{page}/10.9.9.9/orders"), &drain).await.is(404);
    operator.post(&format!("{page}/nowhere/orders"), &drain).await.is(404);
    let document = site.console.orders(&id).await.unwrap();
    let (target, order): (OrderTarget, Order) = document.orders.into_iter().next().unwrap();
    assert_eq!(target, OrderTarget::Machine { address: "10.0.0.1".parse().unwrap() });
    assert_eq!(order.until_s, Some(order.given_s + 5400), "it ends by itself");
    let after = operator.get(&page).await.is(200);
    keep("machines", &after.body);
    assert!(
        after.body.contains("The whole machine is draining.")
            && after.body.contains("Enable in all its services")
    );
    let events = operator.get(&format!("/clusters/{id}/events")).await.is(200);
    assert!(
        events.body.contains("user-operator ordered 10.0.0.1 to drain. Reason: new disks"),
        "{}",
        events.body
    );

    // It may be stopped only once every director's kernel says that nothing is left.
    let state = format!("/clusters/{id}/virtual-servers/www/real-servers/one/state");
    for (drain, said) in [
        (Drain::Draining { left: Some(1) }, "Not yet safe to stop: one connection is left."),
        (Drain::Overdue { left: Some(7) }, "Not yet safe to stop: 7 connections are left."),
        (Drain::Drained { may_return: 2 }, "No connection is left, but persistent clients may come back"),
        (Drain::Drained { may_return: 0 }, "Safe to stop: no director has a connection to it."),
    ] {
        let placed = OrderStatus { target: target.clone(), order: order.clone(), drain: Some(drain) };
        let status = CheckStatus { order: Some(placed), ..down() };
        agent.report(|inside| inside.checks = Some(checks(status.clone()))).await;
        agent
            .until("the drain is known", |live| {
                let checks =
                    live.checks.as_ref().and_then(|c| c.values().next()?.servers.values().next().cloned());
                checks.and_then(|status| status.order?.drain) == Some(drain)
            })
            .await;
        let text = operator.get(&state).await.is(200).body;
        assert!(text.contains(said), "{said}: {text}");
        keep("real-server-draining", &text);
        assert!(text.contains("It ends by itself at"), "{text}");
    }
    let enable = [("instruction", "enabled"), ("machine", "on")];
    operator.post(&state.replace("/state", "/orders"), &enable).await.is(303);
    let last = operator.get(&format!("/clusters/{id}/events")).await.is(200);
    assert!(last.body.contains("user-operator enabled 10.0.0.1."), "{}", last.body);
}
