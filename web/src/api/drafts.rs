//! `…/draft`: the caller's own change of a cluster, and how it becomes what runs. Drafts of others are in `approval`.

use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use console::{ActivateError, Draft, Missing, Rebasing, Thing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::activations::Activating;
use super::request::{self, maybe_match, ok, rehearsed, tag_of, tagged, typed_or_default, wants};
use super::shape::{self, PlanShape};
use crate::App;
use crate::error::Error;
use crate::guard::Payload;
use crate::visit::Member;

pub(super) async fn own(member: &Member, cluster: &str) -> Result<Draft, Error> {
    let draft = member.console().draft(&member.actor, cluster).await?;
    draft.ok_or_else(|| Error::Missing(Missing { thing: Thing::Draft, name: cluster.to_owned() }))
}

/// What activating a draft would do.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Planned")]
pub(super) struct Planned {
    pub(super) plan: PlanShape,
}

/// `GET …/draft`: the caller's draft with the plan.
pub(super) async fn draft(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let draft = own(&member, &cluster).await?;
    let plan = shape::plan(&member.console().preview(&member.actor, &cluster).await?);
    Ok(tagged(StatusCode::OK, &draft.etag, request::with(shape::draft(&draft), Planned { plan })?))
}

/// The draft must be the one the caller has seen.
async fn unchanged(member: &Member, cluster: &str, tag: Option<String>) -> Result<(), Error> {
    let draft = own(member, cluster).await?;
    match tag {
        // Nobody but the caller writes it.
        Some(tag) if tag != draft.etag => {
            let by = Some(format!("{}/{}", member.actor.kind.as_str(), member.actor.name));
            Err(Error::Stale { etag: draft.etag, by })
        }
        _ => Ok(()),
    }
}

/// `DELETE …/draft`
pub(super) async fn discard(
    member: Member,
    Path(cluster): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let tag = tag_of(&member.visit, &headers)?;
    unchanged(&member, &cluster, tag).await?;
    if wants(&member.visit, "dry_run") {
        return Ok(rehearsed());
    }
    member.console().discard_draft(&member.actor, &cluster).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// How a draft is activated.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Activate {
    /// Why, for the list of revisions.
    #[serde(default)]
    pub(super) message: String,
    /// On trial: undone after so many seconds (10 to 3600) unless it is kept.
    #[serde(default)]
    pub(super) keep_s: Option<u32>,
}

/// `POST …/draft/activate`. `If-Match` may be sent to activate only what one has seen. `Prefer: wait=SECONDS` says how
/// long the answer may take, `Prefer: respond-async` that it shall not wait; what goes on after it is 202.
pub(super) async fn activate(
    member: Member,
    State(app): State<App>,
    Path(cluster): Path<String>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let sent: Activate = typed_or_default(&payload)?;
    if let Some(tag) = maybe_match(&headers)? {
        unchanged(&member, &cluster, Some(tag)).await?;
    }
    if wants(&member.visit, "dry_run") {
        let preview = member.console().preview(&member.actor, &cluster).await?;
        return match rehearsed_activation(preview, sent.keep_s) {
            Err(error) => Err(told_apart(&member, &cluster, error).await),
            done => done,
        };
    }
    let id = own(&member, &cluster).await?.cluster_id;
    let Activate { message, keep_s } = sent;
    app.activations.begin(Activating { member, cluster: id, message, keep_s, theirs: None }, &headers).await
}

/// A conflict with what else was activated, with what both changed: whoever asks can tell whether rebasing is enough.
pub(super) async fn told_apart(member: &Member, cluster: &str, error: Error) -> Error {
    let Error::Conflict { by, revision, .. } = error else { return error };
    match member.console().rebase(&member.actor, cluster).await {
        Ok(rebase) => Error::Conflict { by, revision, rebase: rebase.map(Box::new) },
        Err(other) => other.into(),
    }
}

/// What an activation would do, or what would stand in its way.
pub(super) fn rehearsed_activation(
    preview: console::Preview,
    keep_s: Option<u32>,
) -> Result<Response, Error> {
    match keep_s {
        Some(_) if preview.running.is_none() => return Err(ActivateError::FirstOnTrial.into()),
        Some(seconds) if !console::KEEP_S.contains(&seconds) => return Err(ActivateError::TrialLength.into()),
        _ => {}
    }
    if let Some(other) = &preview.conflict {
        return Err(Error::Conflict { by: other.author.clone(), revision: other.number, rebase: None });
    }
    if lvs::finding::has_errors(&preview.findings) {
        return Err(Error::Invalid(preview.findings));
    }
    Ok(tagged(StatusCode::OK, &preview.etag, shape::plan(&preview)))
}

/// `GET …/draft/rebase`: what was activated since the draft was begun, and what both changed; `null` where nothing was.
pub(super) async fn rebase_needed(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    match member.console().rebase(&member.actor, &cluster).await? {
        Some(rebase) => Ok(tagged(StatusCode::OK, &rebase.etag, shape::rebase(&rebase))),
        None => Ok(ok(None::<()>)),
    }
}

/// How a draft is merged with what was activated since it was begun.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Rebasing")]
pub(super) struct Rebase {
    /// The running revision that the choices were made for.
    #[serde(default)]
    revision: Option<u64>,
    /// `mine` or `theirs` for the place of each conflict.
    #[serde(default)]
    choices: lvs::model::Choices,
}

/// `POST …/draft/rebase`: `{"revision": 7, "choices": {"/global/drift": "mine"}}`; 409 with the conflicts while one is
/// left to be chosen, or where another revision runs by now. `If-Match` may be sent.
pub(super) async fn rebase(
    member: Member,
    Path(cluster): Path<String>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let sent: Rebase = typed_or_default(&payload)?;
    if let Some(tag) = maybe_match(&headers)? {
        unchanged(&member, &cluster, Some(tag)).await?;
    }
    if wants(&member.visit, "dry_run") {
        own(&member, &cluster).await?;
        return rebase_needed(member, Path(cluster)).await;
    }
    let how = Rebasing { onto: sent.revision, if_match: None, choices: sent.choices };
    let draft = member.console().rebase_draft(&member.actor, &cluster, &how).await?;
    Ok(tagged(StatusCode::OK, &draft.etag, shape::draft(&draft)))
}

/// What follows a change: its activation, where the request says `?activate=true`.
pub(super) fn then(member: &Member) -> Option<console::Activate<'_>> {
    wants(&member.visit, "activate").then(|| at_once(member))
}

/// The activation of what a request changes, with the reason that it gives (`?message=`).
pub(super) fn at_once(member: &Member) -> console::Activate<'_> {
    console::Activate { message: member.visit.query.get("message"), ..console::Activate::default() }
}
