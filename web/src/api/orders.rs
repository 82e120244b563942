//! What an operator wants now, of a director or of real servers. Orders are no part of a configuration.

use std::net::IpAddr;

use axum::Json;
use axum::extract::{Extension, Path};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use console::{NewOrder, OrderGiven, OrderOutcome, OrderPush, Ordered};
use lvs::health::{Order, OrderTarget, Quiescent};
use lvs::wire::OrderRequest;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::request::{self, listed, object, ok, rehearsed, typed, wants};
use crate::error::Error;
use crate::guard::Payload;
use crate::screens::objects::{real_server, virtual_server};
use crate::visit::Member;

/// What a director said to an order.
#[derive(Serialize, JsonSchema)]
pub(super) struct OrderAnswer {
    director: String,
    /// `followed`, `applying`, `refused` (of real servers only) or `unreachable`.
    outcome: &'static str,
    reason: Option<String>,
}

/// An order for real servers as it is kept, and what each director said.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OrderGiven")]
pub(super) struct GivenShape {
    /// Of the document that holds it.
    serial: u64,
    target: OrderTarget,
    order: Order,
    directors: Vec<OrderAnswer>,
}

/// An order that holds.
#[derive(Serialize, JsonSchema)]
pub(super) struct OrderLine {
    target: OrderTarget,
    order: Order,
}

/// Which orders a director follows.
#[derive(Serialize, JsonSchema)]
struct Following {
    director: String,
    connected: bool,
    serial: Option<u64>,
    /// Of its kernel (`expire_quiescent_template`).
    expire_quiescent_template: Option<Quiescent>,
}

/// What the list of orders tells besides them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Followed")]
pub(super) struct OrdersMore {
    serial: u64,
    directors: Vec<Following>,
}

/// `POST …/directors/{director}/orders`: `{"order": "switch-over" | "take-over" | "hold" | "resume", "force": false}`.
pub(super) async fn give(
    member: Member,
    Path((cluster, director)): Path<(String, String)>,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let OrderRequest { order, force } = typed(Value::Object(object(&payload)?))?;
    if wants(&member.visit, "dry_run") {
        super::directors::one(member, Path((cluster, director))).await?;
        return Ok(rehearsed());
    }
    let outcome = member.console().order(&member.actor, &cluster, &director, order, force).await?;
    let (status, outcome, reason) = match outcome {
        OrderOutcome::Followed => (StatusCode::OK, "followed", None),
        OrderOutcome::Refused { reason } => return Err(Error::OrderRefused { director, reason }),
        // Whether it heard the order is not known.
        OrderOutcome::Unreachable { reason } => (StatusCode::ACCEPTED, "unreachable", Some(reason)),
    };
    Ok((status, Json(OrderAnswer { director, outcome, reason })).into_response())
}

/// `POST …/real-servers/{real}/orders`: `{"instruction": "enabled" | "draining" | "disabled", "at_once": false,
/// "deadline_s": 900, "then": "wait" | "cut", "for_s": 3600, "ramp_s": 60, "reason": "…"}`.
pub(super) async fn server(
    member: Member,
    Path((cluster, service, server)): Path<(String, String, String)>,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    ordered(&member, &cluster, Ordered::Server { service, server }, &payload).await
}

/// `POST …/machines/{address}/orders`: the same for all real servers with that address.
pub(super) async fn machine(
    member: Member,
    Path((cluster, address)): Path<(String, String)>,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let wrong =
        || Error::Parameter(format!("{:?} is no IP address", address.chars().take(64).collect::<String>()));
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    ordered(&member, &cluster, Ordered::Machine { address }, &payload).await
}

async fn ordered(
    member: &Member,
    cluster: &str,
    ordered: Ordered,
    payload: &Payload,
) -> Result<Response, Error> {
    let new: NewOrder = typed(Value::Object(object(payload)?))?;
    if wants(&member.visit, "dry_run") {
        let content = member.console().cluster(cluster).await?.running.map(|running| running.content);
        there(&content.unwrap_or_default(), &ordered)?;
        return Ok(rehearsed());
    }
    let given = member.console().order_server(&member.actor, cluster, &ordered, new).await?;
    let OrderGiven { serial, target, order, directors } = given;
    let all = directors.iter().all(|(_, push)| matches!(push, OrderPush::Followed { .. }));
    let status = if all { StatusCode::OK } else { StatusCode::ACCEPTED };
    let directors = directors
        .into_iter()
        .map(|(director, push)| {
            let (outcome, reason) = match push {
                OrderPush::Followed { in_sync: true } => ("followed", None),
                OrderPush::Followed { in_sync: false } => ("applying", None),
                OrderPush::Refused { reason } => ("refused", Some(reason)),
                OrderPush::Unreachable { reason } => ("unreachable", Some(reason)),
            };
            OrderAnswer { director, outcome, reason }
        })
        .collect();
    Ok((status, Json(GivenShape { serial, target, order, directors })).into_response())
}

/// Whether what an order is for is in what runs.
fn there(content: &lvs::Cluster, ordered: &Ordered) -> Result<(), Error> {
    match ordered {
        Ordered::Server { service, server } => {
            let (_, service) = virtual_server(content, service)?;
            real_server(service, server).map(|_| ())
        }
        Ordered::Machine { address } => {
            let mut all = content.virtual_servers.iter().flat_map(|service| &service.real_servers);
            let name = address.to_string();
            let missing = console::Missing { thing: console::Thing::RealServer, name };
            all.any(|real| real.address == *address).then_some(()).ok_or(Error::Missing(missing))
        }
    }
}

/// `GET …/orders`: all orders for real servers, and what each director says of those it follows.
pub(super) async fn list(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let orders = member.console().orders(&cluster).await?;
    let live = member.console().live(&cluster).await?;
    let following = |director: &console::LiveDirector| {
        let orders = director.orders.as_ref();
        Following {
            director: director.name.clone(),
            connected: director.connected,
            serial: orders.map(|orders| orders.serial),
            expire_quiescent_template: orders.map(|orders| orders.quiescent.clone()),
        }
    };
    let more =
        OrdersMore { serial: orders.serial, directors: live.directors.iter().map(following).collect() };
    let lines = orders.orders.into_iter().map(|(target, order)| {
        let name = serde_json::to_string(&target).unwrap_or_default();
        (name, OrderLine { target, order })
    });
    Ok(ok(request::with(listed(&member.visit, lines.collect())?, more)?))
}
