//! Requests from the agent to the console: one connection each, mutual TLS with ALPN `caribe-agent/1`, HTTP/1.1.
//!
//! Everything is bounded in time and size. TLS 1.3 often hides from a client why it was refused (the alert races
//! with the first request), so the words here send the reader to the console's log. Used by `join`, `renew`, `fetch`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use lvs::wire::Refusal;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The console's port where an address names none: Piranha's.
const CONSOLE_PORT: u16 = 3636;
/// Connecting and the handshake, each.
const CONNECT: Duration = Duration::from_secs(10);
/// A whole request with its answer.
const REQUEST: Duration = Duration::from_secs(60);

/// Why the console did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// No `https://HOST[:PORT]`.
    #[error("{0:?} is no console address; it looks like https://console.example:3636")]
    Address(String),
    /// No TCP connection.
    #[error("no connection to {authority}")]
    Unreachable {
        /// Host and port.
        authority: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It runs on a machine that shall not answer this.
    #[error("{authority} is a machine of this cluster")]
    Own {
        /// Host and port.
        authority: String,
    },
    /// No TLS: the console is not believed, or does not believe us.
    #[error("no secure connection to {authority}")]
    Handshake {
        /// Host and port.
        authority: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Not answered in time.
    #[error("{authority} did not answer within {} s", within.as_secs())]
    Silent {
        /// Host and port.
        authority: String,
        /// How long it had.
        within: Duration,
    },
    /// The connection ended in the middle.
    #[error(
        "{authority} ended the connection without an answer; its log says why, if it refused our certificate"
    )]
    Cut {
        /// Host and port.
        authority: String,
        /// What was seen of it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The console said no.
    #[error("refused by the console: {0}")]
    Refused(#[source] Refusal),
    /// Something else answered, or another version.
    #[error("the console answered {status} with something unknown")]
    Unknown {
        /// HTTP status.
        status: StatusCode,
    },
}

/// Where the console is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// Reads `https://HOST[:PORT]`, with nothing behind it but a slash.
    pub(crate) fn parse(text: &str) -> Result<Self, DialError> {
        let wrong = || DialError::Address(text.to_owned());
        let uri: Uri = text.trim().parse().map_err(|_| wrong())?;
        let bare =
            uri.scheme_str() == Some("https") && matches!(uri.path(), "" | "/") && uri.query().is_none();
        let authority = uri.authority().filter(|authority| bare && !authority.as_str().contains('@'));
        let authority = authority.ok_or_else(wrong)?;
        let host = authority.host();
        let explicit = authority.as_str() != host;
        let port = match authority.port_u16() {
            Some(0) => return Err(wrong()),
            Some(port) => port,
            None if explicit => return Err(wrong()),
            None => CONSOLE_PORT,
        };
        (!host.is_empty()).then(|| Address { host: host.to_owned(), port }).ok_or_else(wrong)
    }

    /// The address as it is stored.
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.authority())
    }

    fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// Sends one JSON request and reads the JSON answer, of at most `limit` bytes.
pub(crate) async fn request<T: DeserializeOwned>(
    address: &Address,
    tls: ClientConfig,
    method: Method,
    path: &str,
    body: Option<&(impl Serialize + Sync)>,
    limit: usize,
) -> Result<T, DialError> {
    request_to(address, tls, method, path, body, limit, &|_, _| true).await
}

/// The same, only to a console that is `wanted` by the two ends of the connection: here and there.
pub(crate) async fn request_to<T: DeserializeOwned>(
    address: &Address,
    tls: ClientConfig,
    method: Method,
    path: &str,
    body: Option<&(impl Serialize + Sync)>,
    limit: usize,
    wanted: &(dyn Fn(SocketAddr, SocketAddr) -> bool + Sync),
) -> Result<T, DialError> {
    let silent = |within| DialError::Silent { authority: address.authority(), within };
    let body = match body {
        Some(body) => serde_json::to_vec(body).map_err(|error| cut(address, error))?,
        None => Vec::new(),
    };
    let stream = connect(address, tls, wanted).await?;
    let exchange = async {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| cut(address, error))?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, address.authority())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| cut(address, error))?;
        let answer = async {
            let answer = sender.send_request(request).await.map_err(|error| cut(address, error))?;
            let status = answer.status();
            let content = Limited::new(answer.into_body(), limit)
                .collect()
                .await
                .map_err(|error| DialError::Cut { authority: address.authority(), source: error })?
                .to_bytes();
            Ok((status, content))
        };
        // The connection is driven here, beside the request, so that no task outlives it.
        let drive = async {
            let _ = connection.await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            answer = answer => answer,
            () = drive => Err(DialError::Unknown { status: StatusCode::BAD_GATEWAY }),
        }
    };
    let (status, content) = tokio::time::timeout(REQUEST, exchange).await.map_err(|_| silent(REQUEST))??;
    if status.is_success() {
        return serde_json::from_slice(&content).map_err(|_| DialError::Unknown { status });
    }
    Err(match serde_json::from_slice::<Refusal>(&content) {
        Ok(refusal) => DialError::Refused(refusal),
        Err(_) => DialError::Unknown { status },
    })
}

async fn connect(
    address: &Address,
    tls: ClientConfig,
    wanted: &(dyn Fn(SocketAddr, SocketAddr) -> bool + Sync),
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, DialError> {
    let authority = address.authority();
    let silent = |_| DialError::Silent { authority: address.authority(), within: CONNECT };
    let name = ServerName::try_from(address.host.trim_matches(['[', ']']).to_owned())
        .map_err(|_| DialError::Address(address.url()))?;
    let tcp = tokio::time::timeout(CONNECT, TcpStream::connect(&authority))
        .await
        .map_err(silent)?
        .map_err(|source| DialError::Unreachable { authority: address.authority(), source })?;
    let ends = tcp.local_addr().and_then(|here| Ok((here, tcp.peer_addr()?)));
    let (here, there) =
        ends.map_err(|source| DialError::Unreachable { authority: address.authority(), source })?;
    if !wanted(here, there) {
        return Err(DialError::Own { authority: address.authority() });
    }
    let handshake = TlsConnector::from(Arc::new(tls)).connect(name, tcp);
    tokio::time::timeout(CONNECT, handshake)
        .await
        .map_err(silent)?
        .map_err(|source| DialError::Handshake { authority: address.authority(), source: own_words(source) })
}

/// What we said ourselves while verifying, without the "unexpected error" that the TLS library puts before it.
fn own_words(error: io::Error) -> io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::General(text)) => io::Error::new(error.kind(), text.clone()),
        _ => error,
    }
}

fn cut(address: &Address, source: impl std::error::Error + Send + Sync + 'static) -> DialError {
    DialError::Cut { authority: address.authority(), source: Box::new(source) }
}

/// An error with its causes, in one line.
pub(crate) fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        next = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_verification_said_stands_alone() {
        let own = rustls::Error::General("this is not the console".to_owned());
        assert_eq!(own_words(io::Error::other(own)).to_string(), "this is not the console");
        let other = io::Error::other(rustls::Error::DecryptError);
        assert_eq!(own_words(other).to_string(), rustls::Error::DecryptError.to_string());
    }

    #[test]
    fn addresses_of_consoles() {
        let url = |text| Address::parse(text).map(|address| address.url()).ok();
        assert_eq!(url("https://console.example").as_deref(), Some("https://console.example:3636"));
        assert_eq!(url("https://console.example:443/").as_deref(), Some("https://console.example:443"));
        assert_eq!(url("https://[2001:db8::1]:8443").as_deref(), Some("https://[2001:db8::1]:8443"));
        assert_eq!(url("https://192.0.2.1").as_deref(), Some("https://192.0.2.1:3636"));
        for wrong in [
            "http://console.example",
            "console.example:3636",
            "https://",
            "https://a/b",
            "https://a:0",
            "https://a:99999",
            "https://user@a",
            "https://a?b",
            "",
        ] {
            assert_eq!(url(wrong), None, "{wrong}");
        }
    }
}
