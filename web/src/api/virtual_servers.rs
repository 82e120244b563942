//! `…/virtual-servers`

use axum::Json;
use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use console::{ChangeError, Changed, Edit};
use lvs::model::{Id, VirtualServer};
use serde_json::{Value, json};

use super::clusters::seen;
use super::drafts::activated;
use super::request::{self, created, if_match, listed, object, tagged, typed};
use crate::error::{Error, FieldProblem};
use crate::guard::Payload;
use crate::screens::objects::virtual_server;
use crate::visit::Member;

/// Members that only answers have.
const READ_ONLY: &[&str] = &["id", "activation"];

/// `GET …/virtual-servers`
pub(super) async fn list(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let seen = seen(&member, &cluster).await?;
    let items: Result<Vec<Value>, _> =
        seen.content.virtual_servers.iter().map(serde_json::to_value).collect();
    Ok(tagged(StatusCode::OK, &seen.etag, listed(items.map_err(Error::internal)?)))
}

/// `GET …/virtual-servers/{server}`
pub(super) async fn one(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
) -> Result<Response, Error> {
    let seen = seen(&member, &cluster).await?;
    let (_, server) = virtual_server(&seen.content, &key)?;
    Ok(tagged(StatusCode::OK, &seen.etag, serde_json::to_value(server).map_err(Error::internal)?))
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

/// Activates where asked, and shows the object as it is now.
async fn shown(member: &Member, cluster: &str, changed: Changed) -> Result<(String, String, Value), Error> {
    let id = changed.id.unwrap_or_default();
    let activation = activated(member, &changed.draft.cluster_id).await?;
    let view = member.console().view(&member.actor, cluster).await?;
    let (_, server) = virtual_server(&view.content, &id.0)?;
    let more = activation.map_or(json!({}), |a| json!({ "activation": a }));
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
    let changed = member.console().change(&member.actor, &cluster, edit, None).await;
    let changed = changed.map_err(|e| in_body(e, &prefix))?;
    let cluster_id = changed.draft.cluster_id.clone();
    let (id, etag, body) = shown(&member, &cluster, changed).await?;
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
    let changed = member.console().change(&member.actor, cluster, edit, tag).await;
    let changed = changed.map_err(|e| in_body(e, &prefix))?;
    let (_, etag, body) = shown(member, cluster, changed).await?;
    Ok(tagged(StatusCode::OK, &etag, body))
}

/// `PUT …/virtual-servers/{server}`: all of it, its real servers included.
pub(super) async fn replace(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let tag = if_match(&headers)?;
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
    let tag = if_match(&headers)?;
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
    let tag = if_match(&headers)?;
    let edit = Edit::RemoveVirtualServer(Id(key));
    let changed = member.console().change(&member.actor, &cluster, edit, tag.as_deref()).await?;
    removed(&member, &changed.draft.cluster_id).await
}

/// 204, or the activation where one was asked for.
pub(super) async fn removed(member: &Member, cluster: &str) -> Result<Response, Error> {
    match activated(member, cluster).await? {
        None => Ok(StatusCode::NO_CONTENT.into_response()),
        Some(activation) => Ok(Json(json!({ "activation": activation })).into_response()),
    }
}
