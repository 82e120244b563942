//! Requests of the REST API over HTTPS: one connection each, bounded in time and size.
//!
//! It knows no command and no resource. An answer that says no becomes an error in the console's own words, with every
//! field that was wrong. Called by the commands of `ctl`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HOST, IF_MATCH};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::trust::{Believes, Fingerprint};
use crate::settings::CONSOLE_PORT;

/// Connecting and the handshake, each.
const CONNECT: Duration = Duration::from_secs(10);
/// A request with its answer; activating waits for directors.
const REQUEST: Duration = Duration::from_secs(120);
/// The most an answer may hold.
const LARGEST: usize = 64 << 20;

/// An answer that says yes.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Value,
    /// The entity tag, as `If-Match` takes it.
    pub(super) etag: Option<String>,
}

/// An answer that says no.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(super) struct Refused {
    pub(super) status: u16,
    text: String,
}

/// One console, and who asks.
pub(super) struct Client {
    host: String,
    port: u16,
    token: String,
    believes: Arc<Believes>,
    tls: TlsConnector,
}

impl Client {
    /// Nothing is connected yet. `url` is `https://HOST[:PORT]`.
    pub(super) fn new(url: &str, token: &str, certificate: Option<Fingerprint>) -> Result<Client> {
        let (host, port) = place(url).with_context(|| {
            format!("{url:?} is no console address; it looks like https://console.example:3636")
        })?;
        if token.chars().any(|character| !character.is_ascii_graphic()) {
            bail!("the token holds characters that no token has");
        }
        let believes = Believes::new(certificate)?;
        let tls = TlsConnector::from(Arc::new(believes.config()?));
        Ok(Client { host, port, token: token.to_owned(), believes, tls })
    }

    /// The address without anything behind it.
    pub(super) fn url(&self) -> String {
        format!("https://{}:{}", self.host, self.port)
    }

    /// The certificate the console showed, believed or not.
    pub(super) fn shown_certificate(&self) -> Option<Fingerprint> {
        self.believes.shown()
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer> {
        self.ask(Method::GET, path, None, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.ask(Method::POST, path, None, Some(body)).await
    }

    /// One request; `path` stands below `/api/v1`.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        if_match: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let exchange = tokio::time::timeout(REQUEST, self.exchange(method, path, if_match, body));
        let (status, etag, content) = exchange
            .await
            .map_err(|_| anyhow!("{} did not answer within {} s", self.url(), REQUEST.as_secs()))??;
        let body = serde_json::from_slice(&content).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(Answer { body, etag });
        }
        Err(Refused { status: status.as_u16(), text: problem(status, &body) }.into())
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        if_match: Option<&str>,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Option<String>, Bytes)> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(HOST, format!("{}:{}", self.host, self.port))
            .header(AUTHORIZATION, format!("Bearer {}", self.token));
        if let Some(etag) = if_match {
            request = request.header(IF_MATCH, etag);
        }
        let mut bytes = Vec::new();
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json");
            bytes = serde_json::to_vec(body)?;
        }
        let request = request.body(Full::new(Bytes::from(bytes)))?;

        let stream = self.connect().await?;
        let ended = || format!("{} ended the connection without an answer", self.url());
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.with_context(ended)?;
        let driven = tokio::spawn(connection);
        let answer = sender.send_request(request).await.with_context(ended)?;
        let status = answer.status();
        let etag = answer.headers().get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let content = Limited::new(answer.into_body(), LARGEST)
            .collect()
            .await
            .map_err(|error| anyhow!("{}: the answer was cut: {error}", self.url()))?
            .to_bytes();
        driven.abort();
        Ok((status, etag, content))
    }

    async fn connect(&self) -> Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let in_time = || format!("{} cannot be reached within {} s", self.url(), CONNECT.as_secs());
        let bare = self.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let stream = tokio::time::timeout(CONNECT, TcpStream::connect((bare.clone(), self.port)))
            .await
            .with_context(in_time)?
            .with_context(|| format!("no connection to {}", self.url()))?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(bare).context("the console's name is no host name")?;
        tokio::time::timeout(CONNECT, self.tls.connect(name, stream))
            .await
            .with_context(in_time)?
            .with_context(|| format!("no secure connection to {}", self.url()))
    }
}

/// Host and port of `https://HOST[:PORT]` with nothing behind it but a slash.
fn place(url: &str) -> Option<(String, u16)> {
    let uri: Uri = url.trim().parse().ok()?;
    let bare = uri.scheme_str() == Some("https") && matches!(uri.path(), "" | "/") && uri.query().is_none();
    let authority = uri.authority().filter(|authority| bare && !authority.as_str().contains('@'))?;
    let port = match authority.port_u16() {
        Some(0) => return None,
        Some(port) => port,
        None if authority.as_str() == authority.host() => CONSOLE_PORT,
        None => return None,
    };
    Some((authority.host().to_owned(), port))
}

/// A problem document (RFC 9457) in lines: what it says, then each field.
fn problem(status: StatusCode, body: &Value) -> String {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let said = text("/detail")
        .or_else(|| text("/title"))
        .map_or_else(|| format!("the console answered {status} and nothing that can be read"), str::to_owned);
    let mut lines = vec![said];
    for error in body.pointer("/errors").and_then(Value::as_array).into_iter().flatten() {
        let part = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let place = if part("pointer").is_empty() { String::new() } else { format!("{}: ", part("pointer")) };
        lines.push(format!("  {place}{} [{}]", part("message"), part("code")));
    }
    for conflict in body.pointer("/conflicts").and_then(Value::as_array).into_iter().flatten() {
        let place = conflict.get("place").and_then(Value::as_str).unwrap_or_default();
        lines.push(format!("  {place}: changed by both"));
    }
    lines.join("\n")
}

/// A part of a path, whatever is in it.
pub(super) fn part(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, PART).to_string()
}

/// Everything but RFC 3986's unreserved characters.
const PART: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_a_host_with_or_without_a_port() {
        assert_eq!(place("https://c.example"), Some(("c.example".to_owned(), 3636)));
        assert_eq!(place("https://[2001:db8::1]:443/"), Some(("[2001:db8::1]".to_owned(), 443)));
        for wrong in
            ["http://c", "c.example", "https://c/x", "https://u@c", "https://c:0", "https://c:99999", ""]
        {
            assert_eq!(place(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_refusal_names_every_field() {
        let body = json!({ "detail": "2 fields are wrong.", "errors": [
            { "pointer": "/virtual_servers/0/port", "code": "wrong-value", "message": "expected 1 to 65535" },
            { "pointer": "", "code": "object-expected", "message": "an object" },
        ]});
        let text = problem(StatusCode::UNPROCESSABLE_ENTITY, &body);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[1], "  /virtual_servers/0/port: expected 1 to 65535 [wrong-value]");
        assert_eq!(lines[2], "  an object [object-expected]");
        assert!(problem(StatusCode::BAD_GATEWAY, &Value::Null).contains("502"));
    }

    #[test]
    fn names_cannot_leave_their_place_in_a_path() {
        assert_eq!(part("a/../b?c#d%"), "a%2F..%2Fb%3Fc%23d%25");
        assert_eq!(part("web-1_x.y~z"), "web-1_x.y~z");
    }
}
