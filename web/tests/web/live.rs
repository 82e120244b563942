//! The stream: everything first, then what changes; it ends with its session.

use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use console::{Actor, Edit, Role};
use futures_util::StreamExt as _;
use tower::ServiceExt as _;

use crate::site::{SCENARIO_A, Site};

#[tokio::test]
async fn a_listener_gets_everything_and_then_the_end() {
    let site = Site::new().await;
    let cluster = console::read_file(SCENARIO_A, None).cluster.unwrap();
    let id = site.console.create_cluster(&Actor::local(), cluster).await.unwrap().cluster_id;
    site.console.activate(&Actor::local(), &id, "").await.unwrap();
    let mut viewer = site.member(Role::Viewer).await;

    let request = viewer
        .request("GET", &format!("/clusters/{id}/live"))
        .header(header::ACCEPT, "text/html, text/event-stream")
        .body(Body::empty())
        .unwrap();
    let response = site.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    let mut seen = String::new();
    read_until(&mut stream, &mut seen, "\n\n").await;
    for place in ["#live-verdict", "#live-directors", "#live-services", "#bar-active"] {
        assert!(
            seen.contains(&format!("<hx-partial hx-target=\"{place}\" hx-swap=\"innerMorph\">")),
            "{place}: {seen}"
        );
    }
    assert!(seen.contains("10.0.0.100:80") && !seen.contains("event:"), "{seen}");

    // One weight changes: only that virtual server is sent again.
    seen.clear();
    let view = site.console.view(&Actor::local(), &id).await.unwrap();
    let server = view.content.virtual_servers[0].id.clone();
    let mut real = view.content.virtual_servers[0].real_servers[0].clone();
    real.weight = lvs::model::Weight(77);
    let edit =
        Edit::PutRealServer { virtual_server: server, id: Some(real.id.clone()), server: real.clone() };
    site.console.change(&Actor::local(), &id, edit, None).await.unwrap();
    site.console.activate(&Actor::local(), &id, "").await.unwrap();
    read_until(&mut stream, &mut seen, "77").await;
    assert!(seen.contains("#service-0") && !seen.contains("#live-services"), "{seen}");

    // Another list of virtual servers: the whole table.
    seen.clear();
    let mut content = site.console.view(&Actor::local(), &id).await.unwrap().content;
    let mut second = content.virtual_servers[0].clone();
    second.id = lvs::model::Id::default();
    second.name = "second".to_owned();
    second.port = 8080;
    second.real_servers.clear();
    content.virtual_servers.push(second);
    site.console.change(&Actor::local(), &id, Edit::Replace(content), None).await.unwrap();
    site.console.activate(&Actor::local(), &id, "").await.unwrap();
    read_until(&mut stream, &mut seen, "second").await;
    assert!(seen.contains("#live-services"), "{seen}");

    viewer.get("/").await;
    viewer.post("/logout", &[]).await.is(303);
    read_until(&mut stream, &mut seen, "event: session-ended").await;
    let ended =
        tokio::time::timeout(Duration::from_secs(20), async { while stream.next().await.is_some() {} });
    ended.await.expect("the stream ends");
}

pub(crate) async fn read_until(stream: &mut axum::body::BodyDataStream, seen: &mut String, text: &str) {
    let waiting = async {
        while !seen.contains(text) {
            let chunk = stream.next().await.expect("more to come").unwrap();
            seen.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap_or_else(|_| panic!("no {text:?} in {seen}"));
}

#[tokio::test]
async fn a_stream_without_a_session_is_refused_not_redirected() {
    let site = Site::new().await;
    site.member(Role::Viewer).await;
    let stranger = crate::site::Browser::new(&site);
    let request = stranger
        .request("GET", "/clusters/x/live")
        .header(header::ACCEPT, "text/event-stream")
        .body(Body::empty())
        .unwrap();
    assert_eq!(site.send(request).await.status, 401);
}
