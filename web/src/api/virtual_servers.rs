//! `…/virtual-servers`

use axum::Json;
use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use console::{ChangeError, Changed, Edit};
use lvs::model::{Id, VirtualServer};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::clusters::seen;
use super::drafts::then;
use super::request::{self, created, listed, object, tag_of, tagged, typed, wants};
use super::shape::{self, ActivationShape};
use crate::error::{Error, FieldProblem};
use crate::guard::Payload;
use crate::screens::objects::virtual_server;
use crate::visit::Member;

/// Members that only answers have.
pub(super) const READ_ONLY: &[&str] = &["id", "activation", "changed"];

/// What a write's answer tells besides the object.
#[derive(Serialize, JsonSchema)]
pub(super) struct Written {
    /// Whether anything is other than before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("readOnly" = true))]
    pub(super) changed: Option<bool>,
    /// What became of an activation that was asked for and that there was something to do for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("readOnly" = true))]
    pub(super) activation: Option<ActivationShape>,
}

impl Written {
    pub(super) fn of(changed: &Changed) -> Self {
        let activation = changed.activation.as_ref().map(shape::activation);
        Written { changed: Some(changed.changed), activation }
    }
}

/// What was activated with a removal.
#[derive(Serialize, JsonSchema)]
pub(super) struct Removed {
    activation: ActivationShape,
}

/// A page of objects of a cluster, each by its id.
pub(super) fn objects<T: Serialize>(
    member: &Member,
    etag: &str,
    all: &[T],
    id: impl Fn(&T) -> &Id,
) -> Result<Response, Error> {
    let items = all.iter().map(|one| (id(one).0.clone(), one)).collect();
    Ok(tagged(StatusCode::OK, etag, listed(&member.visit, items)?))
}

/// `GET …/virtual-servers`
pub(super) async fn list(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let seen = seen(&member, &cluster).await?;
    objects(&member, &seen.etag, &seen.content.virtual_servers, |server| &server.id)
}

/// `GET …/virtual-servers/{server}`
pub(super) async fn one(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
) -> Result<Response, Error> {
    let seen = seen(&member, &cluster).await?;
    let (_, server) = virtual_server(&seen.content, &key)?;
    Ok(tagged(StatusCode::OK, &seen.etag, server))
}

/// What was refused, with pointers into the body that was sent.
pub(super) fn in_body(error: ChangeError, prefix: &str) -> Error {
    match error {
        ChangeError::Invalid(findings) => {
            Error::Unprocessable(findings.iter().map(|f| FieldProblem::of(f, prefix)).collect())
        }
        other => other.into(),
    }
}

/// What an edit would do, where the request only asks that; errors point into its body at `prefix`.
pub(super) async fn planned(
    member: &Member,
    cluster: &str,
    edit: &Edit,
    tag: Option<&str>,
    prefix: &str,
) -> Result<Option<Response>, Error> {
    if !wants(&member.visit, "dry_run") {
        return Ok(None);
    }
    let preview = member.console().preview_of_change(&member.actor, cluster, edit.clone(), tag).await;
    let preview = preview.map_err(|e| in_body(e, prefix))?;
    Ok(Some(tagged(StatusCode::OK, &preview.etag, shape::plan(&preview))))
}

/// What was written, as it is now.
async fn shown(member: &Member, cluster: &str, changed: &Changed) -> Result<(String, String, Value), Error> {
    let id = changed.id.clone().unwrap_or_default();
    let view = member.console().view(&member.actor, cluster).await?;
    let content = view.content.masked();
    let (_, server) = virtual_server(&content, &id.0)?;
    let more = Written::of(changed);
    Ok((id.0, view.etag, request::with(server, more)?))
}

/// `POST …/virtual-servers`
pub(super) async fn create(
    member: Member,
    Path(cluster): Path<String>,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let server: VirtualServer = typed(Value::Object(request::without(object(&payload)?, READ_ONLY)))?;
    let view = member.console().view(&member.actor, &cluster).await?;
    let prefix = format!("/virtual_servers/{}", view.content.virtual_servers.len());
    let edit = Edit::PutVirtualServer { id: None, server };
    if let Some(plan) = planned(&member, &cluster, &edit, None, &prefix).await? {
        return Ok(plan);
    }
    let changed = member.console().change_and(&member.actor, &cluster, edit, None, then(&member)).await;
    let changed = changed.map_err(|e| in_body(e, &prefix))?;
    let cluster_id = changed.draft.cluster_id.clone();
    let (id, etag, body) = shown(&member, &cluster, &changed).await?;
    Ok(created(&format!("/api/v1/clusters/{cluster_id}/virtual-servers/{id}"), &etag, body))
}

async fn put(
    member: &Member,
    (cluster, key): (&str, &str),
    tag: Option<&str>,
    server: VirtualServer,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, cluster).await?;
    let (index, old) = virtual_server(&view.content, key)?;
    let prefix = format!("/virtual_servers/{index}");
    let edit = Edit::PutVirtualServer { id: Some(old.id.clone()), server };
    if let Some(plan) = planned(member, cluster, &edit, tag, &prefix).await? {
        return Ok(plan);
    }
    let changed = member.console().change_and(&member.actor, cluster, edit, tag, then(member)).await;
    let changed = changed.map_err(|e| in_body(e, &prefix))?;
    let (_, etag, body) = shown(member, cluster, &changed).await?;
    Ok(tagged(shape::reached(changed.activation.as_ref()), &etag, body))
}

/// `PUT …/virtual-servers/{server}`: all of it, its real servers included.
pub(super) async fn replace(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let tag = tag_of(&member.visit, &headers)?;
    let server = typed(Value::Object(request::without(object(&payload)?, READ_ONLY)))?;
    put(&member, (&cluster, &key), tag.as_deref(), server).await
}

/// `PATCH …/virtual-servers/{server}` (RFC 7396)
pub(super) async fn merge(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let tag = tag_of(&member.visit, &headers)?;
    let view = member.console().view(&member.actor, &cluster).await?;
    let (_, old) = virtual_server(&view.content, &key)?;
    let server = request::patched(old, request::without(object(&payload)?, READ_ONLY))?;
    put(&member, (&cluster, &key), tag.as_deref(), server).await
}

/// `DELETE …/virtual-servers/{server}`
pub(super) async fn delete(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let tag = tag_of(&member.visit, &headers)?;
    remove(&member, &cluster, Edit::RemoveVirtualServer(Id(key)), tag.as_deref()).await
}

/// Takes an object out of the draft: 204, or the activation where one was asked for.
pub(super) async fn remove(
    member: &Member,
    cluster: &str,
    edit: Edit,
    tag: Option<&str>,
) -> Result<Response, Error> {
    if let Some(plan) = planned(member, cluster, &edit, tag, "").await? {
        return Ok(plan);
    }
    let changed = member.console().change_and(&member.actor, cluster, edit, tag, then(member)).await?;
    match &changed.activation {
        None => Ok(StatusCode::NO_CONTENT.into_response()),
        Some(done) => {
            let removed = Json(Removed { activation: shape::activation(done) });
            Ok((shape::reached(Some(done)), removed).into_response())
        }
    }
}
