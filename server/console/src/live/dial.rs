//! One connection to a director's agent: TCP, TLS 1.3 with both certificates, HTTP/1.1. Every step ends in time.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::error::with_causes;
use crate::{Console, Failure};

/// Connecting and the handshake, each.
const CONNECT: Duration = Duration::from_secs(5);

/// Why a director could not be spoken to, in words for the page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("its address is not known yet")]
    NoAddress,
    #[error("no connection to {address}: {reason}")]
    Connect { address: String, reason: String },
    #[error("no secure connection to {address}: {reason}")]
    Tls { address: String, reason: String },
    #[error("{address} shows a certificate that was revoked or is not known here (serial {serial})")]
    Revoked { address: String, serial: String },
    #[error("the connection to {address} broke: {reason}")]
    Broken { address: String, reason: String },
    #[error("{address} did not answer in time")]
    Silent { address: String },
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// An open connection; closed when dropped.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
    pub(super) address: String,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    pub(super) fn broken(&self, error: impl std::fmt::Display) -> DialError {
        DialError::Broken { address: self.address.clone(), reason: error.to_string() }
    }

    /// Sends one request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        method: hyper::Method,
        path: &str,
        body: Vec<u8>,
        within: Duration,
    ) -> Result<Response<Incoming>, DialError> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|e| Failure::of("path", e))?;
        let headers = request.headers_mut();
        let host =
            hyper::header::HeaderValue::from_str(&self.address).map_err(|e| Failure::of("address", e))?;
        headers.insert(hyper::header::HOST, host);
        headers
            .insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
        match tokio::time::timeout(within, self.sender.send_request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.broken(error)),
            Err(_) => Err(DialError::Silent { address: self.address.clone() }),
        }
    }
}

impl Console {
    /// Dials a director; believes nobody else, and not with a certificate that was revoked.
    pub(super) async fn dial(&self, director_id: &str, address: &str) -> Result<Connection, DialError> {
        let connect = |reason: String| DialError::Connect { address: address.to_owned(), reason };
        let tls = |reason: String| DialError::Tls { address: address.to_owned(), reason };
        let config = self.inner.pki.director_client_config(director_id)?;
        let stream = tokio::time::timeout(CONNECT, TcpStream::connect(address))
            .await
            .map_err(|_| connect("no answer in time".to_owned()))?
            .map_err(|e| connect(e.to_string()))?;
        let _ = stream.set_nodelay(true);
        // The name is required by the protocol's library and sent to nobody who cares: identity is the URI name.
        let name = ServerName::try_from("director.invalid").map_err(|e| tls(e.to_string()))?;
        let stream = tokio::time::timeout(CONNECT, TlsConnector::from(config).connect(name, stream))
            .await
            .map_err(|_| tls("no answer in time".to_owned()))?
            .map_err(|e| tls(with_causes(&e)))?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let peer = match shown {
            Some(certificate) => self.inner.pki.peer(certificate).map_err(|e| tls(e.to_string()))?,
            None => return Err(tls("it showed no certificate".to_owned())),
        };
        let mut tx = self.inner.store.read().await.map_err(Failure::from)?;
        let good = tx.certificate(&peer.serial).await.map_err(Failure::from)?;
        drop(tx);
        if good.is_none_or(|certificate| certificate.revoked.is_some() || certificate.director != director_id)
        {
            return Err(DialError::Revoked { address: address.to_owned(), serial: peer.serial });
        }
        let (sender, connection) = tokio::time::timeout(CONNECT, http1::handshake(TokioIo::new(stream)))
            .await
            .map_err(|_| DialError::Silent { address: address.to_owned() })?
            .map_err(|e| tls(e.to_string()))?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection to a director ended");
            }
        });
        Ok(Connection { sender, driver, address: address.to_owned() })
    }
}
