//! The one accept loop: TCP, TLS, HTTP/1.1 and HTTP/2, for the console's listener and for the agent's.
//!
//! It knows no page, no certificate rule and no configuration: the halves hand it a router and TLS settings. Every
//! wait has an end (handshake, request head, shutdown) and every number a bound, because what connects here is the
//! network. Into each request it puts the peer's `SocketAddr` and, where the peer showed one, its certificate chain
//! as `Arc<[CertificateDer]>`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Extensions, Request};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::server::{Acceptor, ClientHello};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt;

/// Connections served at the same time; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 1024;
/// A peer has this long to finish its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// A peer has this long to send a request's head.
const REQUEST_HEAD: Duration = Duration::from_secs(10);
/// An HTTP/2 peer that is silent is asked this often whether it is still there.
const PING: Duration = Duration::from_secs(20);
/// Open requests have this long to finish once the listener stops; streams that never end are cut then.
const GRACE: Duration = Duration::from_secs(3);
/// First byte of every TLS record that can open a connection (RFC 8446 §5.1, handshake).
const TLS_HANDSHAKE: u8 = 0x16;

/// Picks the TLS settings for a peer by what it says in its first message.
pub(crate) type Choose = Arc<dyn Fn(&ClientHello<'_>) -> Arc<ServerConfig> + Send + Sync>;
/// Adds to a request's extensions what follows from the protocol that the handshake agreed on.
pub(crate) type Mark = fn(&mut Extensions, alpn: Option<&[u8]>);

/// What one listener serves.
#[derive(Clone)]
pub(crate) struct Service {
    /// TLS settings by peer.
    pub(crate) choose: Choose,
    /// Marks put into requests.
    pub(crate) mark: Mark,
    /// What answers.
    pub(crate) router: Router,
}

/// Serves until `stop` becomes true, then lets open requests finish for a short while.
pub(crate) async fn serve(listener: TcpListener, service: Service, mut stop: watch::Receiver<bool>) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &seats) => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Some((stream, peer, seat)) = accepted else { continue };
        let (service, watcher) = (service.clone(), graceful.watcher());
        tokio::spawn(async move {
            connection(stream, peer, service, watcher).await;
            drop(seat);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
}

async fn accept(
    listener: &TcpListener,
    seats: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let seat = Arc::clone(seats).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, seat)),
        Err(error) => {
            // Out of descriptors, or a peer that left at once: neither may stop the listener, nor spin it.
            tracing::warn!(%error, "could not accept a connection");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, service: Service, watcher: Watcher) {
    let _ = stream.set_nodelay(true);
    let tls = match tokio::time::timeout(HANDSHAKE, handshake(stream, &service.choose)).await {
        Ok(Ok(Some(tls))) => tls,
        Ok(Ok(None)) => return,
        Ok(Err(error)) => {
            tracing::info!(%peer, %error, "TLS handshake refused");
            return;
        }
        Err(_) => {
            tracing::debug!(%peer, "TLS handshake took too long");
            return;
        }
    };
    let (_, session) = tls.get_ref();
    let chain: Option<Arc<[CertificateDer<'static>]>> =
        session.peer_certificates().map(|chain| chain.iter().map(|c| c.clone().into_owned()).collect());
    let mut extensions = Extensions::new();
    (service.mark)(&mut extensions, session.alpn_protocol());
    extensions.insert(peer);
    if let Some(chain) = chain {
        extensions.insert(chain);
    }

    let router = service.router;
    let answer = hyper::service::service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().extend(extensions.clone());
        router.oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(REQUEST_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(100)
        .max_header_list_size(64 * 1024);
    let serving = watcher.watch(builder.serve_connection(TokioIo::new(tls), answer).into_owned());
    if let Err(error) = serving.await {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// Shakes hands; `None` where the peer spoke plain HTTP and was told so.
async fn handshake(stream: TcpStream, choose: &Choose) -> std::io::Result<Option<TlsStream<TcpStream>>> {
    let mut first = [0; 1];
    if stream.peek(&mut first).await? == 0 {
        return Ok(None);
    }
    if first != [TLS_HANDSHAKE] {
        plain_http(stream).await?;
        return Ok(None);
    }
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let config = choose(&start.client_hello());
    start.into_stream(config).await.map(Some)
}

/// Tells someone who forgot the `s` of `https`; closing without a word would look like a dead console.
async fn plain_http(mut stream: TcpStream) -> std::io::Result<()> {
    const BODY: &str = "This port speaks HTTPS only. Use https:// in the address.\n";
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{BODY}",
        BODY.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
