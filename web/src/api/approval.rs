//! `…/drafts` and `…/draft/request`: the drafts of others, asking somebody else to activate one's own, and doing so.

use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use console::{Draft, Missing, Thing};
use schemars::JsonSchema;
use serde::Deserialize;

use super::activations::Activating;
use super::drafts::{self, Planned, rehearsed_activation};
use super::request::{self, listed, maybe_match, ok, rehearsed, tag_of, tagged, typed_or_default, wants};
use super::shape;
use crate::App;
use crate::error::Error;
use crate::guard::Payload;
use crate::visit::Member;

/// `GET …/drafts`: whose there are, and which of them are to be activated by somebody else.
pub(super) async fn list(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let drafts = member.console().drafts(&cluster).await?;
    let items = drafts.iter().map(|draft| (draft.owner.clone(), shape::draft_line(draft))).collect();
    Ok(ok(listed(&member.visit, items)?))
}

async fn of(member: &Member, cluster: &str, owner: &str) -> Result<Draft, Error> {
    let draft = member.console().draft_of(cluster, owner).await?;
    draft.ok_or_else(|| Error::Missing(Missing { thing: Thing::Draft, name: owner.to_owned() }))
}

/// `GET …/drafts/{kind}/{owner}`: one with its plan.
pub(super) async fn one(
    member: Member,
    Path((cluster, kind, name)): Path<(String, String, String)>,
) -> Result<Response, Error> {
    let owner = format!("{kind}/{name}");
    let draft = of(&member, &cluster, &owner).await?;
    let plan = shape::plan(&member.console().preview_of_draft(&cluster, &owner).await?);
    Ok(tagged(StatusCode::OK, &draft.etag, request::with(shape::draft(&draft), Planned { plan })?))
}

/// `POST …/drafts/{kind}/{owner}/activate`: as the own one; `If-Match` says which content was looked at.
pub(super) async fn activate(
    member: Member,
    State(app): State<App>,
    Path((cluster, kind, name)): Path<(String, String, String)>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let owner = format!("{kind}/{name}");
    let drafts::Activate { message, keep_s } = typed_or_default(&payload)?;
    let seen = tag_of(&member.visit, &headers)?;
    let draft = of(&member, &cluster, &owner).await?;
    let seen = seen.unwrap_or_else(|| draft.etag.clone());
    if seen != draft.etag {
        return Err(Error::Stale { etag: draft.etag, by: Some(owner) });
    }
    if wants(&member.visit, "dry_run") {
        let preview = member.console().preview_of_draft(&cluster, &owner).await?;
        return rehearsed_activation(preview, keep_s);
    }
    let theirs = Some((owner, seen));
    let activating = Activating { member, cluster: draft.cluster_id, message, keep_s, theirs };
    app.activations.begin(activating, &headers).await
}

/// Asking somebody else to activate one's draft.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    /// Why; at most 500 characters are kept.
    #[serde(default)]
    message: String,
}

/// `POST …/draft/request`. `If-Match` may be sent.
pub(super) async fn ask(
    member: Member,
    Path(cluster): Path<String>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let Ask { message } = typed_or_default(&payload)?;
    let seen = maybe_match(&headers)?;
    if wants(&member.visit, "dry_run") {
        return rehearsed_activation(member.console().preview(&member.actor, &cluster).await?, None);
    }
    let asked = member.console().ask_to_activate(&member.actor, &cluster, &message, seen.as_deref()).await?;
    Ok(tagged(StatusCode::OK, &asked.etag, shape::draft(&asked)))
}

/// `DELETE …/draft/request`: takes it back; the draft stays.
pub(super) async fn withdraw(
    member: Member,
    Path(cluster): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let seen = maybe_match(&headers)?;
    if wants(&member.visit, "dry_run") {
        drafts::own(&member, &cluster).await?;
        return Ok(rehearsed());
    }
    let draft = member.console().withdraw_request(&member.actor, &cluster, seen.as_deref()).await?;
    Ok(tagged(StatusCode::OK, &draft.etag, shape::draft(&draft)))
}
