//! What agents ask the console for: their first certificate, the next one, their target, its word on their partner. Only on connections that
//! agents open (`caribe-agent/1`); who asks is known by the client certificate alone.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use lvs::wire::{JoinRequest, Refusal, RenewRequest};
use rustls::pki_types::CertificateDer;
use serde::de::DeserializeOwned;

use crate::App;
use crate::guard::Payload;
use crate::routes::{Agent, Routes};

/// A certificate request has some hundred bytes.
const LIMIT: usize = 64 * 1024;

type Chain = Option<Extension<Arc<[CertificateDer<'static>]>>>;
type Peer = Option<Extension<SocketAddr>>;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .limit(LIMIT)
        .post::<Agent, _, _>("/agent/v1/join", join)
        .post::<Agent, _, _>("/agent/v1/renew", renew)
        .get::<Agent, _, _>("/agent/v1/target", target)
        .get::<Agent, _, _>("/agent/v1/witness", witness)
}

fn answer<T: serde::Serialize>(result: Result<T, Refusal>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(refusal) => {
            let status = match &refusal {
                Refusal::Malformed { .. } => StatusCode::BAD_REQUEST,
                Refusal::Identity { .. } | Refusal::Token { .. } | Refusal::WrongDirector { .. } => {
                    StatusCode::FORBIDDEN
                }
                Refusal::OlderRevision { .. } | Refusal::OtherContent { .. } | Refusal::Order { .. } => {
                    StatusCode::CONFLICT
                }
                Refusal::Digest | Refusal::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
                Refusal::Failed { .. } => StatusCode::SERVICE_UNAVAILABLE,
            };
            (status, Json(refusal)).into_response()
        }
    }
}

fn parse<T: DeserializeOwned>(payload: &Payload) -> Result<T, Refusal> {
    serde_json::from_slice(&payload.0).map_err(|error| Refusal::Malformed { detail: error.to_string() })
}

fn peer(peer: Peer) -> SocketAddr {
    peer.map_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0), |Extension(address)| address)
}

fn certificate(chain: &Chain) -> Result<&CertificateDer<'static>, Refusal> {
    chain
        .as_ref()
        .and_then(|Extension(chain)| chain.first())
        .ok_or_else(|| Refusal::Identity { detail: "a client certificate is needed here".to_owned() })
}

/// `POST /agent/v1/join`: the token is the proof; a certificate is neither needed nor looked at.
async fn join(State(app): State<App>, from: Peer, Extension(payload): Extension<Payload>) -> Response {
    match parse::<JoinRequest>(&payload) {
        Ok(request) => answer(app.console.join(request, peer(from)).await),
        Err(refusal) => answer::<()>(Err(refusal)),
    }
}

/// `POST /agent/v1/renew`
async fn renew(
    State(app): State<App>,
    from: Peer,
    chain: Chain,
    Extension(payload): Extension<Payload>,
) -> Response {
    match (certificate(&chain), parse::<RenewRequest>(&payload)) {
        (Ok(own), Ok(request)) => answer(app.console.renew(own, request, peer(from)).await),
        (Err(refusal), _) | (_, Err(refusal)) => answer::<()>(Err(refusal)),
    }
}

/// `GET /agent/v1/target`
async fn target(State(app): State<App>, from: Peer, chain: Chain) -> Response {
    match certificate(&chain) {
        Ok(own) => answer(app.console.target_for(own, peer(from)).await),
        Err(refusal) => answer::<()>(Err(refusal)),
    }
}

/// `GET /agent/v1/witness`
async fn witness(State(app): State<App>, from: Peer, chain: Chain) -> Response {
    match certificate(&chain) {
        Ok(own) => answer(app.console.witness(own, peer(from)).await),
        Err(refusal) => answer::<()>(Err(refusal)),
    }
}
