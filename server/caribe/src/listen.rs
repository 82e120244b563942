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
/// A peer has this long to finish its TLS handshake; a phone at the edge of its cell loses some packets of it.
const HANDSHAKE: Duration = Duration::from_secs(10);
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use axum::routing::get;
    use rustls::pki_types::{PrivateKeyDer, ServerName};
    use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

    use super::*;

    /// A listener on a free port of loopback, with a certificate of its own that `client` trusts.
    struct Listener {
        address: SocketAddr,
        client: Arc<ClientConfig>,
        stop: watch::Sender<bool>,
        serving: tokio::task::JoinHandle<()>,
    }

    impl Listener {
        async fn start() -> Self {
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
            let certificate = made.cert.der().clone();
            let mut server = ServerConfig::builder()
                .with_no_client_auth()
                .with_single_cert(vec![certificate.clone()], key)
                .unwrap();
            server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            let mut roots = RootCertStore::empty();
            roots.add(certificate).unwrap();
            let client =
                Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth());
            let server = Arc::new(server);
            let service = Service {
                choose: Arc::new(move |_: &ClientHello<'_>| Arc::clone(&server)),
                mark: |_, _| {},
                router: Router::new().route("/", get(async || "here")),
            };
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopped) = watch::channel(false);
            let serving = tokio::spawn(serve(listener, service, stopped));
            Listener { address, client, stop, serving }
        }

        /// Sends bytes over TCP as they are, and reads until the listener closes.
        async fn raw(&self, bytes: &'static [u8]) -> Vec<u8> {
            let address = self.address;
            tokio::task::spawn_blocking(move || {
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                stream.write_all(bytes).unwrap();
                let mut answer = Vec::new();
                let _ = stream.read_to_end(&mut answer);
                answer
            })
            .await
            .unwrap()
        }

        /// Sends bytes over TLS, and reads until the listener closes.
        async fn tls(&self, bytes: Vec<u8>) -> String {
            let (address, client) = (self.address, Arc::clone(&self.client));
            tokio::task::spawn_blocking(move || {
                let name = ServerName::try_from("localhost").unwrap();
                let session = ClientConnection::new(client, name).unwrap();
                let mut stream = StreamOwned::new(session, std::net::TcpStream::connect(address).unwrap());
                // A listener that has heard enough may close while we still write; its answer counts.
                let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
                // Reading through the stream would try to write the rest first, and fail.
                let StreamOwned { conn, sock } = &mut stream;
                while conn.read_tls(sock).is_ok_and(|count| count > 0) && conn.process_new_packets().is_ok() {
                }
                let mut answer = Vec::new();
                let _ = conn.reader().read_to_end(&mut answer);
                String::from_utf8_lossy(&answer).into_owned()
            })
            .await
            .unwrap()
        }

        async fn still_serves(&self) {
            let answer =
                self.tls(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec()).await;
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("here"), "{answer}");
        }
    }

    #[tokio::test]
    async fn who_forgets_the_s_of_https_is_told() {
        let listener = Listener::start().await;
        let answer = listener.raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("https://"), "{answer}");
        listener.still_serves().await;
    }

    #[tokio::test]
    async fn nonsense_ends_its_own_connection_only() {
        let listener = Listener::start().await;
        for nonsense in [&b""[..], b"\x16", b"\x16\x03\x01\x00\x05hello", b"\x00\x00\x00\x00", &[0x16; 4096]]
        {
            let mut stream = std::net::TcpStream::connect(listener.address).unwrap();
            stream.write_all(nonsense).unwrap();
            drop(stream);
        }
        listener.still_serves().await;
    }

    #[tokio::test]
    async fn malformed_and_oversized_requests_get_a_4xx() {
        let listener = Listener::start().await;
        let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "a".repeat(1 << 20));
        let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "a: b\r\n".repeat(2000));
        let both =
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello";
        for bad in [long.as_str(), many.as_str(), both, "GET\r\n\r\n", "\0\0\0\0\r\n\r\n"] {
            let answer = listener.tls(bad.as_bytes().to_vec()).await;
            assert!(answer.starts_with("HTTP/1.1 4"), "{:.40?} got {answer:.80?}", bad);
        }
        listener.still_serves().await;
    }

    #[tokio::test]
    async fn stopping_ends_the_listener_although_a_peer_lingers() {
        let listener = Listener::start().await;
        let lingering = std::net::TcpStream::connect(listener.address).unwrap();
        listener.stop.send_replace(true);
        listener.serving.await.unwrap();
        drop(lingering);
    }
}
