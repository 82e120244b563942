//! `…/directors`: their place in the configuration (through the draft) and what they report (read-only).

use axum::Json;
use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use console::{DirectorView, Edit, Missing, Thing};
use lvs::model::Director;
use serde::Deserialize;
use serde_json::{Value, json};

use super::drafts::activated;
use super::request::{self, created, if_match, listed, object, tagged, typed};
use super::status;
use super::virtual_servers::{in_body, removed};
use crate::error::Error;
use crate::guard::Payload;
use crate::screens::directors::as_drafted;
use crate::screens::objects::director;
use crate::visit::Member;

/// Members that only answers have.
const READ_ONLY: &[&str] = &[
    "id",
    "dial",
    "enrolled",
    "certificate_ends",
    "token_expires",
    "draft_only",
    "last_push",
    "live",
    "activation",
];

fn shape(view: &DirectorView) -> Value {
    json!({
        "id": view.id,
        "name": view.name,
        "seat": view.seat,
        "public": view.public,
        "private": view.private,
        "dial": view.dial,
        "enrolled": view.enrolled,
        "certificate_ends": view.certificate_ends.map(|at| at.to_string()),
        "token_expires": view.token_expires.map(|at| at.to_string()),
        "draft_only": view.draft_only,
        "last_push": view.last_push.as_ref().map(|p| json!({
            "revision": p.revision, "outcome": p.outcome, "detail": p.detail, "at": p.at.to_string(),
        })),
        "live": view.live.as_ref().map(status::director),
    })
}

/// `GET …/directors`
pub(super) async fn list(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let (etag, views) = all(&member, &cluster).await?;
    Ok(tagged(StatusCode::OK, &etag, listed(views.iter().map(shape).collect())))
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

async fn shown(member: &Member, cluster: &str, name: &str) -> Result<(String, Value), Error> {
    let activation = activated(member, cluster).await?;
    let (etag, view) = find(member, cluster, name).await?;
    let more = activation.map_or(json!({}), |a| json!({ "activation": a }));
    Ok((etag, request::with(shape(&view), more)?))
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
    let changed = member.console().change(&member.actor, &cluster, edit, None).await;
    let id = changed.map_err(|e| in_body(e, &prefix))?.draft.cluster_id;
    let (etag, body) = shown(&member, &id, &name).await?;
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
    let changed = member.console().change(&member.actor, cluster, edit, tag).await;
    let id = changed.map_err(|e| in_body(e, &format!("/directors/{index}")))?.draft.cluster_id;
    let (etag, body) = shown(member, &id, &name).await?;
    Ok(tagged(StatusCode::OK, &etag, body))
}

/// `PUT …/directors/{director}`
pub(super) async fn replace(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let tag = if_match(&headers)?;
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
    let tag = if_match(&headers)?;
    let mut patch = object(&payload)?;
    let Joining { dial } = typed(json!({ "dial": patch.remove("dial") }))?;
    let (_, seen) = find(&member, &cluster, &key).await?;
    if let Some(dial) = &dial {
        member.console().set_dial(&member.actor, &cluster, &seen.name, dial).await?;
    }
    let patch = request::without(patch, READ_ONLY);
    if dial.is_some() && patch.is_empty() {
        let (etag, body) = shown(&member, &cluster, &seen.name).await?;
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
    let tag = if_match(&headers)?;
    let edit = Edit::RemoveDirector(key);
    let changed = member.console().change(&member.actor, &cluster, edit, tag.as_deref()).await?;
    removed(&member, &changed.draft.cluster_id).await
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Joining {
    /// `HOST:PORT` where this console reaches the agent.
    #[serde(default)]
    dial: Option<String>,
}

/// `POST …/directors/{director}/join-token`: the answer is the only copy of the token.
pub(super) async fn join_token(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let sent: Joining = match payload.0.is_empty() {
        true => Joining::default(),
        false => typed(Value::Object(object(&payload)?))?,
    };
    let made = member.console().join_token(&member.actor, &cluster, &key, sent.dial.as_deref()).await?;
    let host = member.visit.host.clone().unwrap_or_else(|| "localhost:3636".to_owned());
    let body = json!({
        "director": made.director,
        "director_id": made.director_id,
        "token": made.token,
        "fingerprint": made.fingerprint,
        "expires": made.expires.to_string(),
        "command": made.command(&format!("https://{host}")),
    });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}
