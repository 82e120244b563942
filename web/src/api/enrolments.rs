//! `/api/v1/enrollments`: join tokens that are not used yet, and ending one; and the end of a director's certificates.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use console::{Missing, PendingJoin, Thing};
use schemars::JsonSchema;
use serde::Serialize;

use super::request::{listed, ok, rehearsed, wants};
use crate::error::Error;
use crate::visit::Member;

/// A join token that is not used yet. The token itself is shown once, when it is made.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Enrollment")]
pub(super) struct EnrolmentShape {
    /// That of the director it is bound to; a director has one at most.
    id: String,
    director: String,
    cluster_id: String,
    cluster: String,
    issued: String,
    expires: String,
}

fn shape(pending: &PendingJoin) -> EnrolmentShape {
    EnrolmentShape {
        id: pending.director_id.clone(),
        director: pending.director.clone(),
        cluster_id: pending.cluster_id.clone(),
        cluster: pending.cluster.clone(),
        issued: pending.issued.to_string(),
        expires: pending.expires.to_string(),
    }
}

/// `GET /enrollments`
pub(super) async fn list(member: Member) -> Result<Response, Error> {
    let all = member.console().pending_joins(&member.actor).await?;
    let items = all.iter().map(|one| (one.director_id.clone(), shape(one))).collect();
    Ok(ok(listed(&member.visit, items)?))
}

/// `DELETE /enrollments/{enrollment}`: nobody joins with it any more.
pub(super) async fn end(member: Member, Path(id): Path<String>) -> Result<Response, Error> {
    if wants(&member.visit, "dry_run") {
        let all = member.console().pending_joins(&member.actor).await?;
        let missing = || Error::Missing(Missing { thing: Thing::Enrolment, name: id.clone() });
        all.iter().find(|one| one.director_id == id).ok_or_else(missing)?;
        return Ok(rehearsed());
    }
    member.console().end_pending_join(&member.actor, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST …/directors/{director}/revoke`: ends its certificates and unused tokens at once; its kernel stays as it is.
pub(super) async fn revoke(
    member: Member,
    Path((cluster, director)): Path<(String, String)>,
) -> Result<Response, Error> {
    if wants(&member.visit, "dry_run") {
        let all = member.console().directors(&member.actor, &cluster).await?;
        let known = |one: &console::DirectorView| {
            one.id.is_some() && (one.name == director || one.id.as_ref() == Some(&director))
        };
        let missing = || Error::Missing(Missing { thing: Thing::Director, name: director.clone() });
        all.iter().find(|one| known(one)).ok_or_else(missing)?;
        return Ok(rehearsed());
    }
    member.console().revoke(&member.actor, &cluster, &director).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
