//! Requests that are answered before their body was read, on real connections.

use axum::body::Body;
use axum::http::{Request, Version, header};
use console::Role;
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tower::ServiceExt as _;

use crate::revisions::two_revisions;
use crate::site::Site;

/// A connection to the console's router, as the accept loop serves it.
fn connect(site: &Site) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let router = site.router.clone();
    let answer = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        router.clone().oneshot(request.map(Body::new))
    });
    tokio::spawn(async move {
        let builder = Builder::new(TokioExecutor::new());
        // How the connection ends is the client's business.
        let _ = builder.serve_connection(TokioIo::new(theirs), answer).await;
    });
    ours
}

/// The answer's head and body, by its length.
async fn answer(stream: &mut DuplexStream) -> String {
    let mut text = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        assert!(read > 0, "the connection ended after {:?}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&chunk[..read]);
        let so_far = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = so_far.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() >= length.parse().unwrap() {
            return so_far;
        }
    }
}

#[tokio::test]
async fn a_refused_write_leaves_its_connection_in_order() {
    let site = Site::new().await;
    let id = two_revisions(&site).await;
    let token = site.robot(Role::Viewer).await.token;
    let mut stream = connect(&site);
    for round in 0..3 {
        let head = format!(
            "PATCH /api/v1/clusters/{id} HTTP/1.1\r\nhost: console\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: 15\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(b"{\"name\":").await.unwrap();
        // The rest comes later, as it does from most clients.
        tokio::task::yield_now().await;
        stream.write_all(b"\"other\"").await.unwrap();
        let refused = answer(&mut stream).await;
        assert!(refused.starts_with("HTTP/1.1 403") && !refused.contains("connection: close"), "{refused}");
        let next =
            format!("GET /api/v1/me HTTP/1.1\r\nhost: console\r\nauthorization: Bearer {token}\r\n\r\n");
        stream.write_all(next.as_bytes()).await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"), "in round {round}");
    }
    // Somebody who asks first whether to send is told, and sends nothing.
    let head = format!(
        "PATCH /api/v1/clusters/{id} HTTP/1.1\r\nhost: console\r\nauthorization: Bearer {token}\r\n\
         expect: 100-continue\r\ncontent-length: 15\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let refused = answer(&mut stream).await;
    assert!(refused.starts_with("HTTP/1.1 403") && refused.contains("connection: close"), "{refused}");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_answered_over_http_2_as_well() {
    let site = Site::new().await;
    let id = two_revisions(&site).await;
    let token = site.robot(Role::Approver).await.token;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(connect(&site)))
            .await
            .unwrap();
    tokio::spawn(connection);
    for bytes in [2 << 20, 6 << 20] {
        let request = Request::builder()
            .method("PATCH")
            .version(Version::HTTP_2)
            .uri(format!("https://console/api/v1/clusters/{id}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, "*")
            .body(Body::from(vec![b' '; bytes]))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 413);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&body).contains("too-large"), "{bytes}");
    }
}
