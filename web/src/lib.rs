//! The pages and the REST API: the only part of Caribe that reads HTTP requests of people and automation.
//!
//! [`router`] turns a [`Console`] into a service. A request passes the layers (`layers`), the guard of its route
//! (`routes`, `guard`), and a handler (`screens`, `api`, `agents`) that calls one function of the console and renders
//! the answer. No rule lives here: what may be written, by whom, and what it does is decided below. Nothing here asks
//! a director, touches the database or starts a program.

#![forbid(unsafe_code)]

mod agents;
mod alerts;
mod api;
mod assets;
mod bands;
mod calls;
mod charts;
mod error;
mod evidence;
mod export;
mod fields;
mod figures;
mod forms;
mod guard;
mod happenings;
mod import;
mod layers;
mod leftover;
mod live;
mod locale;
mod page;
mod problems;
mod qr;
pub mod routes;
mod screens;
mod sparks;
mod support;
pub mod text;
mod topology;
mod traffic;
mod verdicts;
mod visit;

use std::sync::{Arc, OnceLock};

use axum::Router;
use console::Console;

pub use api::Limits;
use api::{Activations, Document, Pace, Streams};
use routes::{Public, Route, Routes, Surface, Viewer};

/// What every handler can reach.
#[derive(Clone)]
pub struct App {
    pub(crate) console: Console,
    pub(crate) activations: Activations,
    pub(crate) pace: Pace,
    pub(crate) streams: Streams,
    pub(crate) document: Arc<OnceLock<Document>>,
}

/// Put into the extensions of every request of a connection whose ALPN was `caribe-agent/1`, by the accept loop.
/// Only such requests reach `/agent/v1/…`.
#[derive(Clone, Copy, Debug)]
pub struct AgentConnection;

/// The whole service of the console's port.
///
/// Expects in the request extensions, from the accept loop: `std::net::SocketAddr` of the peer;
/// `Arc<[CertificateDer<'static>]>` where it showed a certificate; [`AgentConnection`] on agents' connections.
pub fn router(console: Console) -> Router {
    router_with(console, Limits::default())
}

/// The same with other limits of what one token may ask.
pub fn router_with(console: Console, limits: Limits) -> Router {
    assemble(console, limits).0
}

/// Every route there is with the permission it asks, in the order of the table.
pub fn route_table(console: Console) -> Vec<Route> {
    assemble(console, Limits::default()).1
}

fn assemble(console: Console, limits: Limits) -> (Router, Vec<Route>) {
    console.speak(Arc::new(alerts::Words));
    let app = App {
        console,
        activations: Activations::default(),
        pace: Pace::new(limits),
        streams: Streams::default(),
        document: Arc::new(OnceLock::new()),
    };
    let open = Routes::new(Surface::Pages, app.clone())
        .get::<Public, _, _>("/healthz", health)
        .get::<Viewer, _, _>("/help/api", api::reference::page)
        .get::<Public, _, _>("/static/{digest}/{name}", assets::serve);
    let (api, documented) = api::routes(Routes::new(Surface::Api, app.clone()));
    // Nobody asks before the table is complete, and nobody else sets it.
    let _ = app.document.set(Document::new(documented));
    let groups = [
        open,
        screens::routes(Routes::new(Surface::Pages, app.clone())),
        api,
        agents::routes(Routes::new(Surface::Agents, app.clone())),
    ];
    let mut router = Router::new();
    let mut table = Vec::new();
    for group in groups {
        let (its_router, its_table) = group.finish();
        router = router.merge(its_router);
        table.extend(its_table);
    }
    let router = router
        .fallback(async || error::Error::NotFound)
        .method_not_allowed_fallback(async || error::Error::Method)
        .with_state(app.clone());
    (layers::wrap(router, app), table)
}

/// `GET /healthz`: the process answers; says nothing about any cluster.
async fn health() -> &'static str {
    "ok\n"
}
