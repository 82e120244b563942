//! The load agent's two listeners: a line for each connection, as HAProxy's agent check and our directors ask, and a page.
//!
//! Whoever connects gets no more than that: connections are bounded in number and in time, and what they send is not read
//! beyond a request's head.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use lvs::real_server::{Limits, Report};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::report;

/// Connections that are answered at once; further ones wait in the kernel's queue.
const SEATS: usize = 64;
/// All the time that one of them has.
const LONGEST: Duration = Duration::from_secs(5);
/// How long to wait after an error of the listener, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// What a load agent says.
#[derive(Clone, Debug)]
pub struct LoadAgent {
    /// Its folder, with the file `state`.
    pub folder: PathBuf,
    /// How the load becomes a share of the weight.
    pub limits: Limits,
}

struct Agent {
    says: LoadAgent,
    /// What was wrong the last time; said once in the log.
    wrong: Mutex<Option<String>>,
}

impl Agent {
    fn report(&self) -> Report {
        let (report, wrong) = report(&self.says.folder, &self.says.limits);
        let mut known = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != wrong {
            match &wrong {
                Some(wrong) => tracing::error!(wrong, "the load agent cannot say all"),
                None => tracing::info!("the load agent can say all again"),
            }
            *known = wrong;
        }
        report
    }
}

/// Answers until `stop` becomes true.
pub async fn serve(
    says: LoadAgent,
    line: TcpListener,
    http: Option<TcpListener>,
    stop: watch::Receiver<bool>,
) {
    let agent = Arc::new(Agent { says, wrong: Mutex::default() });
    let seats = Arc::new(Semaphore::new(SEATS));
    let lines = accept(line, stop.clone(), seats.clone(), |stream| answer_line(agent.clone(), stream));
    match http {
        None => lines.await,
        Some(http) => {
            let pages = accept(http, stop, seats, |stream| answer_page(agent.clone(), stream));
            tokio::join!(lines, pages);
        }
    }
}

async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    mut stop: watch::Receiver<bool>,
    seats: Arc<Semaphore>,
    answer: impl Fn(TcpStream) -> F,
) {
    loop {
        let seat = Arc::clone(&seats).acquire_owned();
        let next = async {
            let seat = seat.await;
            (seat, listener.accept().await)
        };
        let stopped = async {
            drop(stop.wait_for(|stop| *stop).await);
        };
        tokio::select! {
            () = stopped => return,
            (seat, accepted) = next => match accepted {
                Ok((stream, _)) => {
                    let answered = timeout(LONGEST, answer(stream));
                    tokio::spawn(async move {
                        let _ = answered.await;
                        drop(seat);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be taken");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
}

async fn answer_line(agent: Arc<Agent>, mut stream: TcpStream) {
    let line = agent.report().line();
    if stream.write_all(line.as_bytes()).await.is_err() || stream.shutdown().await.is_err() {
        return;
    }
    // What was sent to us is read away until the other side closes: a reset would take our line with it.
    let mut rest = [0; 256];
    while let Ok(1..) = stream.read(&mut rest).await {}
}

async fn answer_page(agent: Arc<Agent>, stream: TcpStream) {
    let service = service_fn(move |request| {
        let answer = page(&agent, &request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(LONGEST).max_buf_size(16 << 10).keep_alive(false);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a question for the load broke off");
    }
}

fn page<B>(agent: &Agent, request: &Request<B>) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    if request.uri().path() != "/" {
        *answer.status_mut() = StatusCode::NOT_FOUND;
        return answer;
    }
    *answer.body_mut() = Full::new(Bytes::from(agent.report().json()));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
