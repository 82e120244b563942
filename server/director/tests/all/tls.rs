//! The agent's TLS settings over real connections on the loopback.

use std::sync::Arc;

use axum::http::StatusCode;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tower::ServiceExt as _;

use crate::authority::{Authority, Leaf};
use crate::world::World;

/// Serves until the test ends; the production loop is the binary's.
pub(crate) async fn serve(router: axum::Router, tls: Arc<ServerConfig>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (tcp, peer) = listener.accept().await.unwrap();
            let (router, acceptor) = (router.clone(), TlsAcceptor::from(tls.clone()));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(tcp).await else { return };
                let chain: Option<Arc<[CertificateDer<'static>]>> =
                    stream.get_ref().1.peer_certificates().map(|chain| chain.to_vec().into());
                let service =
                    router.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
                        request.extensions_mut().insert(peer);
                        if let Some(chain) = chain.clone() {
                            request.extensions_mut().insert(chain);
                        }
                        request.map(axum::body::Body::new)
                    });
                let _ = Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
                    .await;
            });
        }
    });
    address
}

/// Takes any server: these tests are about what the server takes.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// Asks for the status with this certificate; none where the connection failed. Also the server's certificate.
async fn ask(
    address: std::net::SocketAddr,
    leaf: Option<&Leaf>,
    version: &'static rustls::SupportedProtocolVersion,
    alpn: &[&[u8]],
) -> Option<(StatusCode, CertificateDer<'static>)> {
    let builder =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody));
    let mut config = match leaf {
        Some(leaf) => {
            builder.with_client_auth_cert(vec![leaf.certificate.der().clone()], leaf.key_der()).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("anything.example").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.ok()?;
    let server = stream.get_ref().1.peer_certificates()?.first()?.clone().into_owned();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let request = hyper::Request::get("/v1/status").body(Empty::<Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.ok()?;
    let status = answer.status();
    answer.into_body().collect().await.ok()?;
    Some((status, server))
}

#[tokio::test]
async fn only_the_consoles_certificate_of_this_authority_gets_in() {
    let world = World::new();
    let agent = world.start();
    let address = serve(agent.router(), agent.server_config().unwrap()).await;
    let tls13 = &rustls::version::TLS13;
    let status = |leaf: Option<Leaf>| async move {
        ask(address, leaf.as_ref(), tls13, &[b"http/1.1"]).await.map(|(status, _)| status)
    };

    assert_eq!(status(Some(world.authority.console())).await, Some(StatusCode::OK));
    assert_eq!(status(Some(world.authority.director("d_2"))).await, Some(StatusCode::FORBIDDEN));
    assert_eq!(status(Some(world.authority.director("d_1"))).await, Some(StatusCode::FORBIDDEN));
    assert_eq!(status(None).await, None, "no certificate");
    assert_eq!(status(Some(Authority::new().console())).await, None, "a foreign authority's console");

    let mut expired = crate::authority::leaf_params("caribe://in_1/console");
    expired.not_before = time::OffsetDateTime::now_utc() - time::Duration::days(9);
    expired.not_after = time::OffsetDateTime::now_utc() - time::Duration::days(1);
    assert_eq!(status(Some(world.authority.leaf_with(&expired))).await, None, "an expired certificate");
    let mut server_only = crate::authority::leaf_params("caribe://in_1/console");
    server_only.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    assert_eq!(status(Some(world.authority.leaf_with(&server_only))).await, None, "a server's certificate");

    let console = world.authority.console();
    assert_eq!(ask(address, Some(&console), &rustls::version::TLS12, &[]).await, None, "TLS 1.2");
    for alpn in [vec![], vec![b"caribe-agent/1".as_slice()], vec![b"http/1.1".as_slice()]] {
        assert!(ask(address, Some(&console), tls13, &alpn).await.is_some(), "{alpn:?}");
    }
    assert_eq!(ask(address, Some(&console), tls13, &[b"ftp"]).await, None, "an unknown protocol");
    assert_eq!(status(Some(world.authority.console())).await, Some(StatusCode::OK), "still serving");
    agent.stop(false).await;
}
