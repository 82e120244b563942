//! A small HTTPS client: HTTP/1.1, one connection for each request, blocking. It pins a certificate instead of
//! checking names, may show one of its own, and can send bytes that no well-behaved client would.
//!
//! Never used by the product. Answers are bounded in size and time.

use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use sha2::{Digest as _, Sha256};

/// The most an answer may hold.
const LARGEST_ANSWER: u64 = 64 << 20;

/// Which servers are believed.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Only the one with this certificate (`sha256:` and the digest of its DER form in hex).
    Pinned(String),
    /// Any: for tests of what a server refuses.
    Anyone,
}

/// A certificate with its key, shown to the server.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// From two PEM files.
    pub fn read(certificate: &Path, key: &Path) -> Result<Identity> {
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| anyhow::anyhow!("{}: {error}", certificate.display()))?;
        let key = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| anyhow::anyhow!("{}: {error}", key.display()))?;
        Ok(Identity { chain, key })
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Head lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Content.
    pub body: Vec<u8>,
}

impl Answer {
    /// A head line's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The content as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A client of one server.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    config: Arc<ClientConfig>,
    limit: Duration,
}

impl Client {
    /// A client; `protocol` is offered in ALPN, `identity` is shown when the server asks.
    pub fn new(
        address: SocketAddr,
        trust: Trust,
        protocol: Option<&[u8]>,
        identity: Option<Identity>,
    ) -> Result<Client> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let checks = Arc::new(Checks { trust, provider: Arc::clone(&provider) });
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(checks);
        let mut config = match identity {
            Some(identity) => builder.with_client_auth_cert(identity.chain, identity.key)?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = protocol.map(<[u8]>::to_vec).into_iter().collect();
        Ok(Client { address, config: Arc::new(config), limit: Duration::from_secs(60) })
    }

    /// The same with another limit for connecting and for each read and write (a minute otherwise).
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Client {
        self.limit = limit;
        self
    }

    /// Where it connects to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a request and reads the whole answer.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        let answer = self.raw(&bytes).with_context(|| format!("{method} {path} at {}", self.address))?;
        parse(&answer).with_context(|| format!("{method} {path} at {}", self.address))
    }

    /// Reads a page or an object, and says how long it took until the first byte came, connecting included.
    pub fn timed(&self, path: &str, headers: &[(&str, &str)]) -> Result<(Answer, Duration)> {
        let mut head = format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let (bytes, first) = self.exchange(head.as_bytes())?;
        Ok((parse(&bytes).with_context(|| format!("GET {path} at {}", self.address))?, first))
    }

    /// Connects, for several requests on one connection or for an answer that never ends.
    pub fn keep(&self) -> Result<Kept> {
        Ok(Kept { stream: self.connect()?, host: self.address, read: Vec::new() })
    }

    fn connect(&self) -> Result<StreamOwned<ClientConnection, TcpStream>> {
        let tcp = TcpStream::connect_timeout(&self.address, self.limit).context("cannot connect")?;
        tcp.set_read_timeout(Some(self.limit))?;
        tcp.set_write_timeout(Some(self.limit))?;
        tcp.set_nodelay(true)?;
        let name = ServerName::IpAddress(self.address.ip().into());
        Ok(StreamOwned::new(ClientConnection::new(Arc::clone(&self.config), name)?, tcp))
    }

    /// Sends bytes as they are and returns all that comes back until the server closes. A server that answers and
    /// closes before it has read everything is heard, too.
    pub fn raw(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        self.exchange(bytes).map(|(answer, _)| answer)
    }

    /// The same with the time until the first byte.
    fn exchange(&self, bytes: &[u8]) -> Result<(Vec<u8>, Duration)> {
        let begun = Instant::now();
        let mut stream = self.connect()?;
        let sent = stream.write_all(bytes).and_then(|()| stream.flush());
        let mut answer = Vec::new();
        let mut one = [0];
        let received = stream.read(&mut one);
        if let Ok(count) = received {
            answer.extend(one.get(..count).unwrap_or_default());
        }
        let first = begun.elapsed();
        let received =
            received.and_then(|_| Read::by_ref(&mut stream).take(LARGEST_ANSWER).read_to_end(&mut answer));
        if answer.is_empty() {
            sent.context("cannot send")?;
            received.context("no answer")?;
        }
        Ok((answer, first))
    }
}

/// A connection that stays.
pub struct Kept {
    stream: StreamOwned<ClientConnection, TcpStream>,
    host: SocketAddr,
    /// Came, and is not used yet.
    read: Vec<u8>,
}

impl Kept {
    /// Sends a request and reads its answer, whose length it has to say.
    pub fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer> {
        let asked = || format!("{method} {path}");
        let head = self.ask(method, path, headers, body).with_context(asked)?;
        let length =
            head.header("content-length").with_context(asked)?.parse::<usize>().with_context(asked)?;
        while self.read.len() < length {
            self.more().with_context(asked)?;
        }
        let rest = self.read.split_off(length);
        Ok(Answer { body: std::mem::replace(&mut self.read, rest), ..head })
    }

    /// Sends a request whose answer never ends; its head.
    pub fn listen(&mut self, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        self.ask("GET", path, headers, b"").with_context(|| path.to_owned())
    }

    /// What came next of such an answer, as it comes.
    pub fn heard(&mut self) -> Result<Vec<u8>> {
        if self.read.is_empty() {
            self.more()?;
        }
        Ok(std::mem::take(&mut self.read))
    }

    fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
        let mut text =
            format!("{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n", self.host, body.len());
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(body);
        self.stream.write_all(&bytes)?;
        self.stream.flush()?;
        let end = loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            self.more()?;
        };
        let rest = self.read.split_off(end + 4);
        let head = std::mem::replace(&mut self.read, rest);
        let (status, headers) = read_head(head.get(..end).unwrap_or_default())?;
        Ok(Answer { status, headers, body: Vec::new() })
    }

    fn more(&mut self) -> Result<()> {
        let mut part = [0; 16 << 10];
        match self.stream.read(&mut part)? {
            0 => bail!("the server has closed the connection"),
            _ if self.read.len() as u64 > LARGEST_ANSWER => bail!("the answer is too long"),
            count => self.read.extend_from_slice(part.get(..count).unwrap_or_default()),
        }
        Ok(())
    }
}

/// Status and head lines, names in lower case.
type Head = (u16, Vec<(String, String)>);

fn read_head(head: &[u8]) -> Result<Head> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).context("no status line")?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Ok((status, headers))
}

fn parse(answer: &[u8]) -> Result<Answer> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("the answer has no head")?;
    let (head, rest) = answer.split_at(end);
    let rest = rest.get(4..).unwrap_or_default();
    let (status, headers) = read_head(head)?;
    let mut found = Answer { status, headers, body: Vec::new() };
    found.body = match (found.header("transfer-encoding"), found.header("content-length")) {
        (Some("chunked"), _) => joined(rest)?,
        (_, Some(length)) => {
            let length: usize = length.parse().context("content-length")?;
            rest.get(..length).context("the answer was cut off")?.to_vec()
        }
        _ => rest.to_vec(),
    };
    Ok(found)
}

/// Joins the parts of a chunked body (RFC 9112 §7.1).
fn joined(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").context("the answer was cut off")?;
        let line = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)?;
        if size == 0 {
            return Ok(body);
        }
        let start = end + 2;
        body.extend_from_slice(rest.get(start..start + size).context("the answer was cut off")?);
        rest = rest.get(start + size + 2..).context("the answer was cut off")?;
    }
}

/// `sha256:` and the digest of a certificate, as the console prints it.
pub fn fingerprint(certificate: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(certificate)))
}

#[derive(Debug)]
struct Checks {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Checks {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.trust {
            Trust::Anyone => Ok(ServerCertVerified::assertion()),
            Trust::Pinned(pin) if *pin == fingerprint(certificate) => Ok(ServerCertVerified::assertion()),
            Trust::Pinned(pin) => {
                Err(rustls::Error::General(format!("certificate {} is not {pin}", fingerprint(certificate))))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Whether an error means that the other side kept us waiting, rather than refusing us.
pub fn kept_waiting(error: &anyhow::Error) -> bool {
    let late = [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut];
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| late.contains(&cause.kind()))
}

/// Opens a TLS connection and says whether the server took the handshake and a request; for tests of refusals, in
/// which a connection may end at any point.
pub fn refused(client: &Client, method: &str, path: &str, body: &[u8]) -> Result<Option<Answer>> {
    match client.request(method, path, &[("content-type", "application/json")], body) {
        Ok(answer) if (400..500).contains(&answer.status) => Ok(Some(answer)),
        Ok(answer) => bail!("{method} {path} was answered {}: {}", answer.status, answer.text()),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_by_length_and_by_chunks() {
        let plain = parse(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno").unwrap();
        assert_eq!((plain.status, plain.text().as_str()), (404, "no"));
        let chunked =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        assert_eq!(parse(chunked).unwrap().text(), "abcd");
    }

    #[test]
    fn a_body_that_was_cut_off_is_an_error() {
        assert!(parse(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nabc").is_err());
    }

    #[test]
    fn a_silent_server_is_told_from_one_that_closes() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = Client::new(listener.local_addr().unwrap(), Trust::Anyone, None, None).unwrap();
        let client = client.within(Duration::from_millis(100));
        assert!(kept_waiting(&client.raw(b"x").unwrap_err()), "nobody accepts, nobody answers");
        let closing = std::thread::spawn(move || {
            for _ in 0..2 {
                drop(listener.accept());
            }
        });
        assert!(!kept_waiting(&client.raw(b"x").unwrap_err()), "closed at once");
        // The first of the two was the connection that waited in the queue.
        closing.join().unwrap();
    }
}
