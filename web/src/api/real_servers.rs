//! `…/virtual-servers/{server}/real-servers`

use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use console::{Changed, Edit};
use lvs::model::{Id, RealServer};
use serde_json::Value;

use super::clusters::seen;
use super::drafts::then;
use super::request::{self, created, object, tag_of, tagged, typed};
use super::shape;
use super::virtual_servers::{READ_ONLY, Written, in_body, objects, planned, remove};
use crate::error::Error;
use crate::guard::Payload;
use crate::screens::objects::{real_server, virtual_server};
use crate::visit::Member;

/// `GET …/real-servers`
pub(super) async fn list(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
) -> Result<Response, Error> {
    let seen = seen(&member, &cluster).await?;
    let (_, server) = virtual_server(&seen.content, &key)?;
    objects(&member, &seen.etag, &server.real_servers, |real| &real.id)
}

/// `GET …/real-servers/{real}`
pub(super) async fn one(
    member: Member,
    Path((cluster, key, real)): Path<(String, String, String)>,
) -> Result<Response, Error> {
    let seen = seen(&member, &cluster).await?;
    let (_, server) = virtual_server(&seen.content, &key)?;
    let (_, real) = real_server(server, &real)?;
    Ok(tagged(StatusCode::OK, &seen.etag, real))
}

/// What was written, as it is now.
async fn shown(member: &Member, server: &str, changed: &Changed) -> Result<(String, String, Value), Error> {
    let id = changed.id.clone().unwrap_or_default();
    let view = member.console().view(&member.actor, &changed.draft.cluster_id).await?;
    let content = view.content.masked();
    let (_, server) = virtual_server(&content, server)?;
    let (_, real) = real_server(server, &id.0)?;
    let more = Written::of(changed);
    Ok((id.0, view.etag, request::with(real, more)?))
}

/// `POST …/real-servers`
pub(super) async fn create(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let real: RealServer = typed(Value::Object(request::without(object(&payload)?, READ_ONLY)))?;
    let view = member.console().view(&member.actor, &cluster).await?;
    let (index, server) = virtual_server(&view.content, &key)?;
    let prefix = format!("/virtual_servers/{index}/real_servers/{}", server.real_servers.len());
    let of = server.id.clone();
    let edit = Edit::PutRealServer { virtual_server: of.clone(), id: None, server: real };
    if let Some(plan) = planned(&member, &cluster, &edit, None, &prefix).await? {
        return Ok(plan);
    }
    let changed = member.console().change_and(&member.actor, &cluster, edit, None, then(&member)).await;
    let changed = changed.map_err(|e| in_body(e, &prefix))?;
    let base = format!("/api/v1/clusters/{}/virtual-servers/{of}/real-servers", changed.draft.cluster_id);
    let (id, etag, body) = shown(&member, &of.0, &changed).await?;
    Ok(created(&format!("{base}/{id}"), &etag, body))
}

/// Which real server a write is about.
struct Target<'a> {
    cluster: &'a str,
    server: &'a str,
    real: &'a str,
}

async fn put(
    member: &Member,
    target: Target<'_>,
    tag: Option<&str>,
    value: RealServer,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, target.cluster).await?;
    let (at, server) = virtual_server(&view.content, target.server)?;
    let (index, old) = real_server(server, target.real)?;
    let prefix = format!("/virtual_servers/{at}/real_servers/{index}");
    let edit =
        Edit::PutRealServer { virtual_server: server.id.clone(), id: Some(old.id.clone()), server: value };
    if let Some(plan) = planned(member, target.cluster, &edit, tag, &prefix).await? {
        return Ok(plan);
    }
    let changed = member.console().change_and(&member.actor, target.cluster, edit, tag, then(member)).await;
    let changed = changed.map_err(|e| in_body(e, &prefix))?;
    let (_, etag, body) = shown(member, &server.id.0, &changed).await?;
    Ok(tagged(shape::reached(changed.activation.as_ref()), &etag, body))
}

/// `PUT …/real-servers/{real}`
pub(super) async fn replace(
    member: Member,
    Path((cluster, server, real)): Path<(String, String, String)>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let tag = tag_of(&member.visit, &headers)?;
    let value = typed(Value::Object(request::without(object(&payload)?, READ_ONLY)))?;
    put(&member, Target { cluster: &cluster, server: &server, real: &real }, tag.as_deref(), value).await
}

/// `PATCH …/real-servers/{real}` (RFC 7396)
pub(super) async fn merge(
    member: Member,
    Path((cluster, server, real)): Path<(String, String, String)>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let tag = tag_of(&member.visit, &headers)?;
    let view = member.console().view(&member.actor, &cluster).await?;
    let (_, of) = virtual_server(&view.content, &server)?;
    let (_, old) = real_server(of, &real)?;
    let value = request::patched(old, request::without(object(&payload)?, READ_ONLY))?;
    put(&member, Target { cluster: &cluster, server: &server, real: &real }, tag.as_deref(), value).await
}

/// `DELETE …/real-servers/{real}`
pub(super) async fn delete(
    member: Member,
    Path((cluster, server, real)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let tag = tag_of(&member.visit, &headers)?;
    let edit = Edit::RemoveRealServer { virtual_server: Id(server), id: Id(real) };
    remove(&member, &cluster, edit, tag.as_deref()).await
}
