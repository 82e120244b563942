//! `…/revisions`: what ran, what runs, and what is on trial.

use axum::Json;
use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use lvs::Cluster;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::request::{self, if_match, listed, maybe_match, ok, rehearsed, tagged, typed_or_default, wants};
use super::shape;
use crate::error::Error;
use crate::guard::Payload;
use crate::visit::Member;

fn parsed(number: &str) -> Result<u64, Error> {
    number.parse().map_err(|_| Error::NotFound)
}

/// `GET …/revisions`, newest first.
pub(super) async fn list(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let all = member.console().revisions(&cluster).await?;
    let items = all.iter().map(|one| (one.number.to_string(), shape::revision(one))).collect();
    Ok(ok(listed(&member.visit, items)?))
}

/// The content of a revision, secrets masked.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Whole")]
pub(super) struct Content {
    content: Cluster,
}

/// `GET …/revisions/{number}`. It never changes, so its digest is its tag.
pub(super) async fn one(
    member: Member,
    Path((cluster, number)): Path<(String, String)>,
) -> Result<Response, Error> {
    let revision = member.console().revision(&cluster, parsed(&number)?).await?;
    let content = Content { content: revision.content.masked() };
    let body = request::with(shape::revision(&revision.summary), content)?;
    Ok(tagged(StatusCode::OK, &revision.summary.digest.0, body))
}

/// `GET …/revisions/{number}/comparison?from=`: what is different in it, and the steps of each director.
pub(super) async fn comparison(
    member: Member,
    Path((cluster, number)): Path<(String, String)>,
) -> Result<Response, Error> {
    let number = parsed(&number)?;
    let from =
        match member.visit.query.filled("from") {
            Some(text) => Some(text.parse().map_err(|_| {
                Error::Malformed(format!("from {text:?}: the number of a revision is expected"))
            })?),
            None => None,
        };
    let compared = member.console().compare_revisions(&cluster, from, number).await?;
    Ok(ok(shape::comparison(&compared)))
}

/// How an old revision comes back.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Restore {
    /// Whether it runs at once.
    #[serde(default)]
    activate: bool,
    /// Why, for the list of revisions.
    #[serde(default)]
    message: String,
}

/// `POST …/revisions/{number}/restore`: `{"activate": false, "message": ""}`. A draft that the caller has is replaced,
/// and must be named by `If-Match`.
pub(super) async fn restore(
    member: Member,
    Path((cluster, number)): Path<(String, String)>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let number = parsed(&number)?;
    let sent: Restore = typed_or_default(&payload)?;
    let console = member.console();
    if wants(&member.visit, "dry_run") {
        let content = console.revision(&cluster, number).await?.content;
        let preview = console.preview_of(&member.actor, &cluster, content).await?;
        return Ok(tagged(StatusCode::OK, &preview.etag, shape::plan(&preview)));
    }
    let tag = match console.draft(&member.actor, &cluster).await?.is_some() {
        true => if_match(&headers)?,
        false => maybe_match(&headers)?,
    };
    // Restoring may make a draft only; that it shall run is asked of the role as well, before anything is written.
    if sent.activate && !member.actor.may(console::Role::Approver) {
        return Err(Error::Forbidden(console::Role::Approver));
    }
    let then = console::Activate { message: &sent.message, ..console::Activate::default() };
    let then = Some(then).filter(|_| sent.activate);
    let (draft, done) = console.restore_and(&member.actor, &cluster, number, tag.as_deref(), then).await?;
    if let Some(done) = done {
        return Ok(told(&done));
    }
    Ok(tagged(StatusCode::OK, &draft.etag, shape::draft(&draft)))
}

/// `POST …/revisions/{number}/keep`: what runs on trial stays; the result of telling each director.
pub(super) async fn keep(
    member: Member,
    Path((cluster, number)): Path<(String, String)>,
) -> Result<Response, Error> {
    let number = parsed(&number)?;
    on_trial(&member, &cluster, number).await?;
    if wants(&member.visit, "dry_run") {
        return Ok(rehearsed());
    }
    let done = member.console().keep_revision(&member.actor, &cluster, number).await?;
    Ok(told(&done))
}

/// `POST …/revisions/{number}/undo`: what runs on trial is undone now, by a new revision.
pub(super) async fn undo(
    member: Member,
    Path((cluster, number)): Path<(String, String)>,
) -> Result<Response, Error> {
    let number = parsed(&number)?;
    on_trial(&member, &cluster, number).await?;
    if wants(&member.visit, "dry_run") {
        return Ok(rehearsed());
    }
    let done = member.console().undo_revision(&member.actor, &cluster, number).await?;
    Ok(told(&done))
}

fn told(done: &console::Activation) -> Response {
    (shape::reached(Some(done)), Json(shape::activation(done))).into_response()
}

async fn on_trial(member: &Member, cluster: &str, number: u64) -> Result<(), Error> {
    match member.console().provisional(cluster).await? {
        Some(trial) if trial.revision == number => Ok(()),
        _ => Err(Error::NotOnTrial { revision: number }),
    }
}
