//! An agent that only exists in memory: it joins a console, reports what a test says, and remembers what it was asked.
//! The pages' tests use it as well.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use console::{Actor, Console, LiveDirector};
use futures_util::stream::unfold;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use lvs::counters::Counters;
use lvs::failover::Refused;
use lvs::journal::Entry;
use lvs::wire::{
    Applied, CheckedNow, Checks, Event, JoinRequest, OrdersPush, OrdersStatus, OrdersTaken, Refusal,
    Snapshot, Status, Target,
};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

type Body = http_body_util::combinators::BoxBody<Bytes, Infallible>;

/// What it reports and has been asked.
pub struct Inside {
    pub status: Status,
    pub snapshot: Snapshot,
    /// Told again each time something changes.
    pub journal: Vec<Entry>,
    pub target: Option<Target>,
    /// What its kernel has counted, once a test has said so.
    pub counters: Option<Counters>,
    /// What its checks say, once a test has said so.
    pub checks: Option<Checks>,
    /// The orders it follows.
    pub orders: OrdersStatus,
    /// What it sees when it is told to ask a real server now.
    pub seen: CheckedNow,
    /// Why it follows no order.
    pub refuses: Option<Refused>,
    /// `PUT /v1/target` and so on, with the body.
    pub asked: Vec<(String, serde_json::Value)>,
}

/// The agent; ends with the test's runtime.
pub struct FakeAgent {
    name: String,
    cluster: String,
    console: Console,
    inside: Arc<Mutex<Inside>>,
    news: watch::Sender<u64>,
}

fn inside(mutex: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    mutex.lock().unwrap()
}

impl FakeAgent {
    /// Joins as that director, known to the actor; the console must have been started.
    pub async fn join(console: &Console, actor: &Actor, cluster: &str, director: &str) -> FakeAgent {
        FakeAgent::join_dialled(console, actor, cluster, director, None).await
    }

    /// The same, dialled at an address of the test's choice.
    pub async fn join_dialled(
        console: &Console,
        actor: &Actor,
        cluster: &str,
        director: &str,
        dial: Option<&str>,
    ) -> FakeAgent {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let dial = dial.map_or_else(|| address.to_string(), ToOwned::to_owned);
        let token = console.join_token(actor, cluster, director, Some(&dial)).await.unwrap();
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let request = JoinRequest {
            token: token.token,
            csr: CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap(),
            listen_port: address.port(),
            version: "0".to_owned(),
        };
        let peer = SocketAddr::from(([127, 0, 0, 1], 50_000));
        let joined = console.join(request, peer).await.unwrap();
        let chain = vec![CertificateDer::from_pem_slice(joined.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let status = serde_json::from_value(serde_json::json!({
            "director_id": joined.director_id, "version": "0", "seat": null, "state": "starting", "state_ms": 0,
            "revision": null, "digest": null, "in_sync": false, "kernel_writes": 0, "holds": [], "foreign": [],
        }))
        .unwrap();
        let (snapshot, journal, target, asked) = (Snapshot::default(), Vec::new(), None, Vec::new());
        let (checks, orders, seen) = (None, OrdersStatus::default(), CheckedNow::default());
        let (refuses, counters) = (None, None);
        let inside =
            Inside { status, snapshot, journal, target, counters, checks, orders, seen, refuses, asked };
        let inside = Arc::new(Mutex::new(inside));
        let news = watch::Sender::new(0);
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), inside.clone(), news.clone()));
        let (name, cluster, console) = (director.to_owned(), cluster.to_owned(), console.clone());
        FakeAgent { name, cluster, console, inside, news }
    }

    /// Reports something else, and waits until the console has heard it.
    pub async fn report(&self, change: impl FnOnce(&mut Inside)) -> LiveDirector {
        let (status, snapshot) = {
            let mut inside = inside(&self.inside);
            change(&mut inside);
            (inside.status.clone(), inside.snapshot.clone())
        };
        self.news.send_modify(|n| *n += 1);
        self.until("the console has heard it", |live| {
            live.status.as_ref() == Some(&status) && live.snapshot.as_deref() == Some(&snapshot)
        })
        .await
    }

    /// Waits until the console shows this director so.
    pub async fn until(&self, what: &str, holds: impl Fn(&LiveDirector) -> bool) -> LiveDirector {
        let began = Instant::now();
        loop {
            let views = self.console.directors(&Actor::local(), &self.cluster).await.unwrap();
            let live = views.into_iter().find(|v| v.name == self.name).and_then(|v| v.live);
            if let Some(live) = live.as_ref().filter(|live| live.connected && holds(live)) {
                return live.clone();
            }
            assert!(began.elapsed() < Duration::from_secs(20), "never happened: {what}; {live:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the console has noted what became of a push: what is reported after that is the last word.
    pub async fn pushed(&self) {
        let began = Instant::now();
        loop {
            let views = self.console.directors(&Actor::local(), &self.cluster).await.unwrap();
            if views.iter().any(|view| view.name == self.name && view.last_push.is_some()) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "never pushed to");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What it was asked so far, without the stream.
    pub fn asked(&self) -> Vec<(String, serde_json::Value)> {
        inside(&self.inside).asked.clone()
    }
}

async fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    inside: Arc<Mutex<Inside>>,
    news: watch::Sender<u64>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, inside, news) = (tls.clone(), inside.clone(), news.clone());
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            let service = hyper::service::service_fn(move |request| {
                let (inside, news) = (inside.clone(), news.clone());
                async move { Ok::<_, Infallible>(answer(request, &inside, &news).await) }
            });
            let http = hyper::server::conn::http1::Builder::new();
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    mutex: &Arc<Mutex<Inside>>,
    news: &watch::Sender<u64>,
) -> Response<Body> {
    let what = format!("{} {}", request.method(), request.uri().path());
    if (request.method(), request.uri().path()) == (&Method::GET, "/v1/stream") {
        return Response::new(stream(mutex.clone(), news.subscribe()));
    }
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let value = serde_json::from_slice(&body).unwrap_or_default();
    let mut inside = inside(mutex);
    inside.asked.push((what.clone(), value));
    match what.as_str() {
        "PUT /v1/target" => {
            let target: Target = serde_json::from_slice(&body).unwrap();
            let services = target.cluster.virtual_servers.iter().filter_map(|server| server.key());
            inside.snapshot.ownership.services.extend(services);
            inside.status.revision = Some(target.revision);
            inside.status.digest = Some(target.digest.clone());
            inside.target = Some(target);
        }
        "PUT /v1/orders" => {
            let push: OrdersPush = serde_json::from_slice(&body).unwrap();
            let director = inside.status.director_id.clone();
            inside.orders.local.heard(&push.orders, &director);
            inside.orders.serial = push.orders.serial;
            news.send_modify(|n| *n += 1);
            return json(StatusCode::OK, &OrdersTaken { serial: push.orders.serial, in_sync: true });
        }
        "POST /v1/check-now" | "POST /v1/check-try" => return json(StatusCode::OK, &inside.seen),
        "POST /v1/order" => {
            if let Some(reason) = inside.refuses {
                return json(StatusCode::CONFLICT, &Refusal::Order { reason });
            }
            let status = inside.status.clone();
            return json(StatusCode::OK, &status);
        }
        "GET /v1/target" => {
            return match &inside.target {
                Some(target) => json(StatusCode::OK, target),
                None => {
                    let detail = "no configuration is held here".to_owned();
                    json(StatusCode::NOT_FOUND, &Refusal::Failed { detail })
                }
            };
        }
        _ => {}
    }
    (inside.status.in_sync, inside.status.drift_count) = (true, 0);
    let steps = inside.status.drift.drain(..).flat_map(|drift| drift.repair).collect();
    let applied = Applied {
        revision: inside.status.revision.unwrap_or_default(),
        digest: inside.status.digest.clone().unwrap_or(lvs::wire::Digest(String::new())),
        in_sync: true,
        steps,
        failures: Vec::new(),
        took_ms: 1,
    };
    news.send_modify(|n| *n += 1);
    json(StatusCode::OK, &applied)
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    let body = Full::new(Bytes::from(serde_json::to_vec(value).unwrap())).boxed();
    Response::builder().status(status).body(body).unwrap()
}

/// Status and snapshot at once and after each change, and a sign of life every second.
fn stream(mutex: Arc<Mutex<Inside>>, mut news: watch::Receiver<u64>) -> Body {
    news.mark_changed();
    let lines = unfold((mutex, news), |(mutex, mut news)| async move {
        let changed = tokio::time::timeout(Duration::from_secs(1), news.changed()).await;
        let events = match changed {
            Ok(Ok(())) => {
                let inside = inside(&mutex);
                vec![
                    Event::Status(Box::new(inside.status.clone())),
                    Event::Journal(inside.journal.clone()),
                    Event::Snapshot(Box::new(inside.snapshot.clone())),
                    Event::Orders(Box::new(inside.orders.clone())),
                ]
                .into_iter()
                .chain(inside.counters.clone().map(Event::Counters))
                .chain(inside.checks.clone().map(|checks| Event::Checks(Box::new(checks))))
                .collect()
            }
            Ok(Err(_)) => return None,
            Err(_) => vec![Event::Alive],
        };
        let mut text = Vec::new();
        for event in events {
            text.extend(serde_json::to_vec(&event).unwrap());
            text.push(b'\n');
        }
        Some((Ok(Frame::data(Bytes::from(text))), (mutex, news)))
    });
    StreamBody::new(lines).boxed()
}
