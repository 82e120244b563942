//! `GET /api/v1/search?q=`: things by name or address, the best first.

use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::request::ok;
use crate::error::Error;
use crate::screens::search::place;
use crate::visit::Member;

/// Something that was found.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Found")]
struct FoundShape {
    kind: &'static str,
    name: String,
    detail: String,
    cluster_id: Option<String>,
    cluster: Option<String>,
    /// Path of its page.
    page: String,
}

/// What was found, the best first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SearchResult")]
pub(super) struct SearchShape {
    items: Vec<FoundShape>,
    next: Option<String>,
    /// How many more there are than are told.
    more: usize,
}

pub(super) async fn search(member: Member) -> Result<Response, Error> {
    let result = member.console().search(&member.actor, member.visit.query.get("q")).await?;
    let items = result
        .found
        .iter()
        .map(|found| {
            let (kind, page) = place(found);
            FoundShape {
                kind,
                name: found.name.clone(),
                detail: found.detail.clone(),
                cluster_id: found.cluster.as_ref().map(|(id, _)| id.clone()),
                cluster: found.cluster.as_ref().map(|(_, name)| name.clone()),
                page,
            }
        })
        .collect();
    Ok(ok(SearchShape { items, next: None, more: result.more }))
}
