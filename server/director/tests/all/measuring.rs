//! `GET /metrics`: only with the token, and with the numbers of this moment.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use director::Agent;
use http_body_util::BodyExt as _;
use lvs::counters::{ServerCounters, Totals};
use tower::ServiceExt as _;

use crate::world::{SERVICE, World, cluster, target, until};

async fn scrape(agent: &Agent, path: &str, token: Option<&str>) -> Response {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Body::empty()).unwrap();
    agent.metrics_router().unwrap().oneshot(request).await.unwrap()
}

async fn text(response: Response) -> String {
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_scrape_needs_the_token_and_gets_this_moment() {
    let world = World::new();
    let agent = world.start();
    world.push(&agent, &target(1, cluster())).await.unwrap();
    until(&agent, "in sync", |s| s.in_sync).await;
    let totals = Totals { connections: 77, ..Totals::default() };
    let server = ServerCounters { weight: 2, active: 5, ..ServerCounters::default() };
    world.kernel.set_totals(SERVICE.parse().unwrap(), totals);
    world.kernel.set_server_counters(SERVICE.parse().unwrap(), "10.0.0.2:80".parse().unwrap(), server);

    let router = agent.metrics_router().unwrap();
    drop(router);
    let token = std::fs::read_to_string(world.folder.path().join("metrics-token")).unwrap();
    let token = token.trim();
    for wrong in [None, Some("caribe_metrics_0"), Some(""), Some(&token[1..])] {
        let refused = scrape(&agent, "/metrics", wrong).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(refused.headers()[header::WWW_AUTHENTICATE], "Bearer realm=\"caribe\"");
    }
    let seen = text(scrape(&agent, "/metrics", Some(token)).await).await;
    for line in [
        "caribe_config_revision{cluster=\"web\",director=\"a\"} 1",
        "caribe_service_connections_total{cluster=\"web\",director=\"a\",service=\"http\",key=\"tcp 192.0.2.10:80\"} 77",
        "keepalived_up 1",
        "keepalived_vrrp_state{iname=\"web\",intf=\"eth0\",vrid=\"\",ip_address=\"192.0.2.10\"} 2",
    ] {
        assert!(seen.lines().any(|l| l == line), "{line}\n{seen}");
    }
    assert!(seen.contains("server=\"two\",address=\"10.0.0.2:80\",state=\"active\"} 5"), "{seen}");
    assert!(seen.contains("node_ipvs_backend_connections_active"), "{seen}");
    let few = text(scrape(&agent, "/metrics?servers=false&compatible=false", Some(token)).await).await;
    assert!(!few.contains("caribe_server_") && !few.contains("node_ipvs") && !few.contains("keepalived"));
    assert!(few.contains("caribe_service_connections_total"));
    let wrong = scrape(&agent, "/metrics?severs=false", Some(token)).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);

    // The token stays when the agent starts again.
    agent.stop(false).await;
    let again = world.start();
    assert_eq!(scrape(&again, "/metrics", Some(token)).await.status(), StatusCode::OK);
}
