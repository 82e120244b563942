//! `…/directors`: their place in the configuration (through the draft) and what they report (read-only).

use std::net::IpAddr;

use axum::Json;
use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use console::{Changed, DirectorView, Edit, Missing, Thing};
use lvs::model::{Director, Seat};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::drafts::activated;
use super::request::{
    self, created, listed, object, rehearsed, tag_of, tagged, typed, typed_or_default, wants,
};
use super::status::{self, LiveShape};
use super::virtual_servers::{Written, in_body, planned, remove};
use crate::error::Error;
use crate::guard::Payload;
use crate::screens::directors::as_drafted;
use crate::screens::objects::director;
use crate::visit::Member;

/// Members that only answers have.
pub(super) const READ_ONLY: &[&str] = &[
    "id",
    "changed",
    "dial",
    "enrolled",
    "certificate_ends",
    "token_expires",
    "draft_only",
    "last_push",
    "live",
    "activation",
];

/// The last push to a director.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LastPush")]
struct LastPushShape {
    revision: u64,
    /// `applied`, `partial`, `refused`, `unreachable` or `held`.
    outcome: String,
    detail: String,
    at: String,
}

/// A director: its place in the configuration, its enrolment, and what it reports.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DirectorResource")]
pub(super) struct DirectorShape {
    /// None until a join token was made for it.
    id: Option<String>,
    name: String,
    /// None where an enrolled director is no longer configured.
    seat: Option<Seat>,
    public: Option<IpAddr>,
    private: Option<IpAddr>,
    /// Where the console dials it (`HOST:PORT`).
    dial: Option<String>,
    enrolled: bool,
    certificate_ends: Option<String>,
    token_expires: Option<String>,
    /// Whether it is only in the caller's draft so far.
    draft_only: bool,
    last_push: Option<LastPushShape>,
    live: Option<LiveShape>,
}

fn shape(view: &DirectorView) -> DirectorShape {
    DirectorShape {
        id: view.id.clone(),
        name: view.name.clone(),
        seat: view.seat,
        public: view.public,
        private: view.private,
        dial: view.dial.clone(),
        enrolled: view.enrolled,
        certificate_ends: view.certificate_ends.map(|at| at.to_string()),
        token_expires: view.token_expires.map(|at| at.to_string()),
        draft_only: view.draft_only,
        last_push: view.last_push.as_ref().map(|p| LastPushShape {
            revision: p.revision,
            outcome: p.outcome.clone(),
            detail: p.detail.clone(),
            at: p.at.to_string(),
        }),
        live: view.live.as_ref().map(status::director),
    }
}

/// `GET …/directors`
pub(super) async fn list(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let (etag, views) = all(&member, &cluster).await?;
    let items = views.iter().map(|view| (view.name.clone(), shape(view))).collect();
    Ok(tagged(StatusCode::OK, &etag, listed(&member.visit, items)?))
}

/// The tag of what the caller works on, and the directors with their places in it.
async fn all(member: &Member, cluster: &str) -> Result<(String, Vec<DirectorView>), Error> {
    let view = member.console().view(&member.actor, cluster).await?;
    let views = member.console().directors(&member.actor, cluster).await?;
    Ok((view.etag, as_drafted(views, &view.content)))
}

async fn find(member: &Member, cluster: &str, key: &str) -> Result<(String, DirectorView), Error> {
    let (etag, views) = all(member, cluster).await?;
    let found = views.into_iter().find(|v| v.name == key || v.id.as_deref() == Some(key));
    let found =
        found.ok_or_else(|| Error::Missing(Missing { thing: Thing::Director, name: key.to_owned() }))?;
    Ok((etag, found))
}

async fn shown(
    member: &Member,
    cluster: &str,
    name: &str,
    changed: bool,
    begun: Option<&Changed>,
) -> Result<(String, Value), Error> {
    let activation = activated(member, cluster, begun).await?;
    let (etag, view) = find(member, cluster, name).await?;
    Ok((etag, request::with(shape(&view), Written { changed: Some(changed), activation })?))
}

/// `GET …/directors/{director}`
pub(super) async fn one(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
) -> Result<Response, Error> {
    let (etag, view) = find(&member, &cluster, &key).await?;
    Ok(tagged(StatusCode::OK, &etag, shape(&view)))
}

/// `POST …/directors`
pub(super) async fn create(
    member: Member,
    Path(cluster): Path<String>,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let new: Director = typed(Value::Object(request::without(object(&payload)?, READ_ONLY)))?;
    let view = member.console().view(&member.actor, &cluster).await?;
    let prefix = format!("/directors/{}", view.content.directors.len());
    let name = new.name.clone();
    let edit = Edit::PutDirector { previous: None, director: new };
    if let Some(plan) = planned(&member, &cluster, &edit, None, &prefix).await? {
        return Ok(plan);
    }
    let changed = member.console().change(&member.actor, &cluster, edit, None).await;
    let changed = changed.map_err(|e| in_body(e, &prefix))?;
    let id = changed.draft.cluster_id.clone();
    let (etag, body) = shown(&member, &id, &name, true, Some(&changed).filter(|_| !view.draft)).await?;
    Ok(created(&format!("/api/v1/clusters/{id}/directors/{name}"), &etag, body))
}

async fn put(
    member: &Member,
    (cluster, key): (&str, &str),
    tag: Option<&str>,
    new: Director,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, cluster).await?;
    let (index, old) = director(&view.content, key)?;
    let name = new.name.clone();
    let edit = Edit::PutDirector { previous: Some(old.name.clone()), director: new };
    let prefix = format!("/directors/{index}");
    if let Some(plan) = planned(member, cluster, &edit, tag, &prefix).await? {
        return Ok(plan);
    }
    let changed = member.console().change(&member.actor, cluster, edit, tag).await;
    let changed = changed.map_err(|e| in_body(e, &prefix))?;
    let begun = Some(&changed).filter(|changed| !view.draft && changed.changed);
    let (etag, body) = shown(member, &changed.draft.cluster_id, &name, changed.changed, begun).await?;
    Ok(tagged(StatusCode::OK, &etag, body))
}

/// `PUT …/directors/{director}`
pub(super) async fn replace(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let tag = tag_of(&member.visit, &headers)?;
    let new = typed(Value::Object(request::without(object(&payload)?, READ_ONLY)))?;
    put(&member, (&cluster, &key), tag.as_deref(), new).await
}

/// `PATCH …/directors/{director}` (RFC 7396); `dial`, which is no part of a revision, is set at once.
pub(super) async fn merge(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let tag = tag_of(&member.visit, &headers)?;
    let mut patch = object(&payload)?;
    let Joining { dial } = typed(json!({ "dial": patch.remove("dial") }))?;
    let (_, seen) = find(&member, &cluster, &key).await?;
    let rehearsal = wants(&member.visit, "dry_run");
    if let Some(dial) = dial.as_ref().filter(|_| !rehearsal) {
        member.console().set_dial(&member.actor, &cluster, &seen.name, dial).await?;
    }
    let patch = request::without(patch, READ_ONLY);
    if dial.is_some() && patch.is_empty() {
        let (etag, body) = shown(&member, &cluster, &seen.name, !rehearsal, None).await?;
        return Ok(tagged(StatusCode::OK, &etag, body));
    }
    let view = member.console().view(&member.actor, &cluster).await?;
    let (_, old) = director(&view.content, &key)?;
    let new = request::patched(old, patch)?;
    put(&member, (&cluster, &key), tag.as_deref(), new).await
}

/// `DELETE …/directors/{director}`
pub(super) async fn delete(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let tag = tag_of(&member.visit, &headers)?;
    remove(&member, &cluster, Edit::RemoveDirector(key), tag.as_deref()).await
}

/// How an agent joins.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Joining {
    /// `HOST:PORT` where this console reaches the agent.
    #[serde(default)]
    dial: Option<String>,
}

/// A join token; the only copy.
#[derive(Serialize, JsonSchema)]
pub(super) struct JoinTokenShape {
    director: String,
    director_id: String,
    token: String,
    /// Of the console's own CA: `sha256:HEX`.
    fingerprint: String,
    expires: String,
    /// What is typed on the director.
    command: String,
}

/// `POST …/directors/{director}/join-token`: the answer is the only copy of the token.
pub(super) async fn join_token(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let sent: Joining = typed_or_default(&payload)?;
    if wants(&member.visit, "dry_run") {
        find(&member, &cluster, &key).await?;
        return Ok(rehearsed());
    }
    let made = member.console().join_token(&member.actor, &cluster, &key, sent.dial.as_deref()).await?;
    let host = member.visit.host.clone().unwrap_or_else(|| "localhost:3636".to_owned());
    let command = made.command(&format!("https://{host}"));
    let body = JoinTokenShape {
        director: made.director,
        director_id: made.director_id,
        token: made.token,
        fingerprint: made.fingerprint,
        expires: made.expires.to_string(),
        command,
    };
    Ok((StatusCode::CREATED, Json(body)).into_response())
}
