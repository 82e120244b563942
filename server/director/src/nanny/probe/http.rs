//! A web page asked for over HTTP/1.0 or 1.1, with or without TLS: status, then body. Redirects are answers like others.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, HOST, USER_AGENT};
use hyper::{Method, Request, Response, Version};
use hyper_util::rt::TokioIo;
use lvs::health::Failure;
use lvs::model::StatusRange;
use md5::{Digest as _, Md5};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::pattern::Pattern;
use super::prepare::host_of;
use super::tls::{self, Terms};
use super::trail::Trail;
use super::{Fault, Question, down, socket};

/// Bytes of a body that are read to match a pattern.
const BODY_MATCHED: usize = 1 << 20;
/// Bytes of a body that are read for its digest; only the digest is kept of them.
const BODY_DIGESTED: u64 = 64 << 20;

/// The page.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(super) tls: Option<Terms>,
    pub(super) method: Method,
    /// Path with query.
    pub(super) path: String,
    /// The `Host` header; address and port where absent.
    pub(super) host: Option<String>,
    pub(super) version: Version,
    pub(super) headers: Vec<(String, String)>,
    /// What nobody is to see of them.
    pub(super) secrets: Vec<Vec<u8>>,
    /// Accepted codes; 200 to 299 where there is none.
    pub(super) status: Vec<StatusRange>,
    /// MD5 of the body.
    pub(super) digest: Option<[u8; 16]>,
    /// What the body must hold, or (second) must not.
    pub(super) body: Option<(Pattern, bool)>,
}

pub(super) async fn ask(question: &Question, page: &Page, trail: &Trail) -> Result<(), Fault> {
    fetch(question, page, trail).await.map(drop)
}

/// The same, and gives back what of the body was looked at.
pub(super) async fn fetch(question: &Question, page: &Page, trail: &Trail) -> Result<Vec<u8>, Fault> {
    let request = request(page, question)?;
    match &page.tls {
        Some(terms) => {
            let stream = tls::connect(question, terms, trail).await?;
            exchange(stream, request, page, trail).await
        }
        None => {
            let stream = socket::connect(question, trail).await?;
            exchange(stream, request, page, trail).await
        }
    }
}

fn request(page: &Page, question: &Question) -> Result<Request<Empty<Bytes>>, Fault> {
    let host = page.host.clone().unwrap_or_else(|| host_of(question.target, page.tls.is_some()));
    let mut request = Request::builder()
        .method(page.method.clone())
        .uri(&page.path)
        .version(page.version)
        .header(HOST, host)
        .header(CONNECTION, "close");
    let given = |name: &str| page.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    if !given(USER_AGENT.as_str()) {
        request = request.header(USER_AGENT, concat!("caribe/", env!("CARGO_PKG_VERSION")));
    }
    if !given(ACCEPT.as_str()) {
        request = request.header(ACCEPT, "*/*");
    }
    for (name, value) in &page.headers {
        request = request.header(name, value);
    }
    request.body(Empty::new()).map_err(|error| Fault::setting(error.to_string()))
}

async fn exchange<S>(
    stream: S,
    request: Request<Empty<Bytes>>,
    page: &Page,
    trail: &Trail,
) -> Result<Vec<u8>, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = TokioIo::new(Watched { stream, trail: trail.clone() });
    let (mut sender, connection) = http1::handshake(stream).await.map_err(|error| on_http(&error))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| on_http(&error))?;
        judge(response, page).await
    };
    along(answer, connection).await
}

/// Carries a connection along until the answer has been judged; the connection's own end is no end of that.
async fn along<T>(answer: impl Future<Output = T>, connection: impl Future) -> T {
    match select(pin!(answer), pin!(connection)).await {
        Either::Left((answer, _)) => answer,
        Either::Right((_, answer)) => answer.await,
    }
}

async fn judge(response: Response<Incoming>, page: &Page) -> Result<Vec<u8>, Fault> {
    let code = response.status().as_u16();
    let accepted = match page.status.as_slice() {
        [] => (200..300).contains(&code),
        ranges => ranges.iter().any(|range| range.contains(code)),
    };
    if !accepted {
        return Err(down(Failure::Status { code }));
    }
    if page.digest.is_none() && page.body.is_none() {
        return Ok(Vec::new());
    }
    let mut body = response.into_body();
    let (mut hash, mut length, mut kept) = (Md5::new(), 0_u64, Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| on_http(&error))?;
        let Some(data) = frame.data_ref() else { continue };
        length = length.saturating_add(data.len() as u64);
        let room = BODY_MATCHED.saturating_sub(kept.len());
        kept.extend(data.iter().take(room));
        if page.digest.is_some() {
            if length > BODY_DIGESTED {
                return Err(Fault::protocol("a body of more than 64 MiB"));
            }
            hash.update(data);
        } else if length >= BODY_MATCHED as u64 {
            break;
        }
    }
    if page.digest.is_some_and(|wanted| hash.finalize().as_slice() != wanted) {
        return Err(down(Failure::Mismatch));
    }
    match &page.body {
        Some((pattern, absent)) if pattern.found_in(&kept) == *absent => Err(down(Failure::Mismatch)),
        _ => Ok(kept),
    }
}

/// What an error of the exchange says about the server.
fn on_http(error: &hyper::Error) -> Fault {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return socket::on_talk(error);
        }
        cause = error.source();
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return down(Failure::ClosedEarly);
    }
    Fault::protocol(error.to_string())
}

/// A stream whose bytes are noted on the trail.
struct Watched<S> {
    stream: S,
    trail: Trail,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.trail.received(buffer.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.trail.sent(bytes.get(..count).unwrap_or_default());
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
