//! `…/draft` and `…/revisions`.

use axum::Json;
use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use console::{Draft, Missing, Thing};
use serde::Deserialize;
use serde_json::Value;

use super::request::{self, if_match, listed, object, tagged, typed, wants};
use super::shape;
use crate::error::Error;
use crate::guard::Payload;
use crate::visit::Member;

async fn own(member: &Member, cluster: &str) -> Result<Draft, Error> {
    let draft = member.console().draft(&member.actor, cluster).await?;
    draft.ok_or_else(|| Error::Missing(Missing { thing: Thing::Draft, name: cluster.to_owned() }))
}

/// `GET …/draft`: the caller's draft with the plan.
pub(super) async fn draft(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let draft = own(&member, &cluster).await?;
    let preview = member.console().preview(&member.actor, &cluster).await?;
    let body = request::with(shape::draft(&draft), serde_json::json!({ "plan": shape::plan(&preview) }))?;
    Ok(tagged(StatusCode::OK, &draft.etag, body))
}

/// The draft must be the one the caller has seen.
async fn unchanged(member: &Member, cluster: &str, tag: Option<String>) -> Result<(), Error> {
    let draft = own(member, cluster).await?;
    match tag {
        Some(tag) if tag != draft.etag => Err(Error::Stale { etag: draft.etag }),
        _ => Ok(()),
    }
}

/// `DELETE …/draft`
pub(super) async fn discard(
    member: Member,
    Path(cluster): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Error> {
    let tag = if_match(&headers)?;
    unchanged(&member, &cluster, tag).await?;
    member.console().discard_draft(&member.actor, &cluster).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Activate {
    #[serde(default)]
    message: String,
}

/// `POST …/draft/activate`. `If-Match` may be sent to activate only what one has seen.
pub(super) async fn activate(
    member: Member,
    Path(cluster): Path<String>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let sent = match payload.0.is_empty() {
        true => Activate::default(),
        false => typed(Value::Object(object(&payload)?))?,
    };
    if headers.contains_key(axum::http::header::IF_MATCH) {
        unchanged(&member, &cluster, if_match(&headers)?).await?;
    }
    let done = member.console().activate(&member.actor, &cluster, &sent.message).await?;
    Ok(Json(shape::activation(&done)).into_response())
}

/// `POST …/draft/rebase`
pub(super) async fn rebase(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let draft = member.console().rebase_draft(&member.actor, &cluster).await?;
    Ok(tagged(StatusCode::OK, &draft.etag, shape::draft(&draft)))
}

/// Activates the caller's draft where the request says `?activate=true`.
pub(super) async fn activated(member: &Member, cluster: &str) -> Result<Option<Value>, Error> {
    if !wants(&member.visit, "activate") {
        return Ok(None);
    }
    match member.console().activate(&member.actor, cluster, member.visit.query.get("message")).await {
        Ok(done) => Ok(Some(shape::activation(&done))),
        Err(console::ActivateError::Nothing) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// `GET …/revisions`, newest first.
pub(super) async fn revisions(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let items = member.console().revisions(&cluster).await?.iter().map(shape::revision).collect();
    Ok(Json(listed(items)).into_response())
}

/// `GET …/revisions/{number}`. It never changes, so its digest is its tag.
pub(super) async fn revision(
    member: Member,
    Path((cluster, number)): Path<(String, String)>,
) -> Result<Response, Error> {
    let number: u64 = number.parse().map_err(|_| Error::NotFound)?;
    let revision = member.console().revision(&cluster, number).await?;
    let more = serde_json::json!({ "content": revision.content });
    let body = request::with(shape::revision(&revision.summary), more)?;
    Ok(tagged(StatusCode::OK, &revision.summary.digest.0, body))
}
