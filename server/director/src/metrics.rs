//! `GET /metrics` for Prometheus: this director's numbers, on a listener of its own.
//!
//! Callers show a bearer token, which is made here and lies in the agent's folder; the console's listener asks for
//! certificates that a monitoring system has not. Nothing can be changed here. `?servers=false` leaves out the series of
//! single real servers, `?compatible=false` those that other exporters on the host provide.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use lvs::Cluster;
use lvs::counters::Counters;
use lvs::metrics::{self, DirectorView, Exposition};
use lvs::wire::Digest;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::agent::Shared;
use crate::disk::{DiskError, Folder};
use crate::documents;
use crate::worker::Message;

pub(crate) const FILE: &str = "metrics-token";
/// How long a scrape waits for counters of this moment: a sample is due every second.
const PATIENCE: Duration = Duration::from_secs(3);

/// The token that callers have to show; made at the first call. Whoever may read the agent's folder may read it.
pub(crate) fn token(folder: &Folder) -> Result<String, DiskError> {
    if let Some(token) = folder.read(FILE)?.and_then(|bytes| String::from_utf8(bytes).ok()) {
        let token = token.trim();
        if !token.is_empty() {
            return Ok(token.to_owned());
        }
    }
    let mut bytes = [0; 32];
    let random = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    random.fill(&mut bytes).map_err(|_| DiskError {
        action: "make",
        path: folder.path(FILE),
        source: std::io::Error::other("no random numbers"),
    })?;
    let token = format!("caribe_metrics_{}", hex::encode(bytes));
    folder.write(FILE, format!("{token}\n").as_bytes())?;
    Ok(token)
}

#[derive(Clone)]
struct Scraped {
    shared: Arc<Shared>,
    /// What a header must hash to.
    expected: [u8; 32],
    held: Arc<Mutex<Option<Held>>>,
}

/// The cluster that is held, read again only when it is another.
struct Held {
    digest: Digest,
    cluster: Arc<Cluster>,
}

/// What a scrape may leave out.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    servers: bool,
    compatible: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Wanted { servers: true, compatible: true }
    }
}

pub(crate) fn router(shared: Arc<Shared>, token: &str) -> Router {
    let expected = Sha256::digest(format!("Bearer {token}")).into();
    let scraped = Scraped { shared, expected, held: Arc::default() };
    Router::new().route("/metrics", get(scrape)).with_state(scraped)
}

async fn scrape(
    State(scraped): State<Scraped>,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    // Digests are compared, so that the time it takes tells nothing of the token.
    let shown = headers.get(header::AUTHORIZATION).map(|value| Sha256::digest(value.as_bytes()));
    if shown.is_none_or(|shown| shown[..] != scraped.expected) {
        let challenge = (header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"caribe\""));
        let text = "a bearer token is needed: the one in the file metrics-token of the agent's folder\n";
        return (StatusCode::UNAUTHORIZED, [challenge], text).into_response();
    }
    let wanted = match wanted {
        Ok(Query(wanted)) => wanted,
        Err(rejection) => return (rejection.status(), rejection.body_text()).into_response(),
    };
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    ([kind], scraped.text(&wanted).await).into_response()
}

impl Scraped {
    async fn text(&self, wanted: &Wanted) -> String {
        let counters = self.counters().await;
        let cluster = self.cluster().await;
        let board = &self.shared.board;
        let status = board.status();
        let (tally, statuses) = (board.journal().tally(), board.statuses());
        let checks = wanted.servers.then(|| statuses.whole());
        let mut exposition = Exposition::default();
        metrics::build(&mut exposition, &status.version);
        let name = cluster.as_ref().map_or("", |cluster| cluster.name.as_str());
        exposition.label_all(&[("cluster", name), ("director", &self.shared.identity.director)]);
        let view = DirectorView {
            status: &status,
            cluster: cluster.as_deref(),
            counters: counters.as_deref(),
            checks: checks.as_ref(),
            tally: Some(&tally),
            servers: wanted.servers,
        };
        metrics::director(&mut exposition, &view);
        if wanted.compatible {
            // Exactly the labels that dashboards know.
            exposition.label_all(&[]);
            if let Ok(totals) = kernel::totals() {
                metrics::kernel_totals(&mut exposition, &totals);
            }
            let vips = cluster.iter().flat_map(|cluster| &cluster.virtual_servers).filter_map(|server| {
                let vip = server.vip.as_ref()?;
                Some((vip.address, vip.device.as_ref()?.interface().to_owned()))
            });
            let vips: std::collections::BTreeSet<_> = vips.collect();
            let rows = counters.as_deref().filter(|_| wanted.servers);
            metrics::compatible(&mut exposition, name, &status, rows, &Vec::from_iter(vips));
        }
        exposition.text()
    }

    /// The kernel's counters of this moment; none where there are none in time.
    async fn counters(&self) -> Option<Arc<Counters>> {
        let mut counters = self.shared.board.counters();
        self.shared.inbox.send(Message::Listening).ok()?;
        tokio::time::timeout(PATIENCE, counters.changed()).await.ok()?.ok()?;
        counters.borrow().clone()
    }

    /// The cluster of the configuration that is held.
    async fn cluster(&self) -> Option<Arc<Cluster>> {
        let digest = self.shared.board.status().digest?;
        let held = || self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = held().as_ref().filter(|known| known.digest == digest) {
            return Some(known.cluster.clone());
        }
        let folder = self.shared.folder.clone();
        let read = tokio::task::spawn_blocking(move || documents::held_target(&folder)).await;
        let target = read.ok().flatten()?;
        let cluster = Arc::new(target.cluster);
        *held() = Some(Held { digest: target.digest, cluster: cluster.clone() });
        Some(cluster)
    }
}
