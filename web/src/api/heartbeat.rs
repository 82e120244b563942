//! `…/clusters/{cluster}/heartbeat-key`: another key for the beats of a cluster's directors. The key itself is told to
//! nobody but them.

use axum::extract::Path;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::request::{ok, rehearsed, wants};
use super::shape::{self, PushShape};
use crate::error::Error;
use crate::visit::Member;

/// How far the change of a key has come.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "KeyChange")]
pub(super) struct KeyChangeShape {
    /// The new key's number.
    number: u16,
    /// Whether beats are sent with it; else not every director accepts it yet, and the same request goes on from there.
    sent: bool,
    /// What the last push brought, by director.
    results: Vec<PushShape>,
}

/// `POST …/heartbeat-key`
pub(super) async fn change(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    if wants(&member.visit, "dry_run") {
        member.console().may_change_heartbeat_key(&member.actor, &cluster).await?;
        return Ok(rehearsed());
    }
    let changed = member.console().change_heartbeat_key(&member.actor, &cluster).await?;
    let results = changed.results.iter().map(shape::pushed).collect();
    Ok(ok(KeyChangeShape { number: changed.number, sent: changed.sent, results }))
}
