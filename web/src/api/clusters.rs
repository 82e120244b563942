//! `/api/v1/clusters` and imports.

use axum::Json;
use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use console::{ActivateError, Edit, FileKind};
use lvs::Cluster;
use serde::Deserialize;
use serde_json::{Value, json};

use super::drafts::activated;
use super::request::{self, created, if_match, listed, object, tagged, typed, wants};
use super::shape;
use crate::error::{Error, FieldProblem};
use crate::guard::Payload;
use crate::visit::Member;

/// Members that only answers have.
const READ_ONLY: &[&str] = &["id", "running_revision", "draft", "activation", "changed"];

/// `GET /api/v1`: where to begin.
pub(super) async fn root() -> Json<Value> {
    Json(json!({ "version": env!("CARGO_PKG_VERSION"), "clusters": "/api/v1/clusters" }))
}

/// `GET /clusters`
pub(super) async fn list(member: Member) -> Result<Response, Error> {
    let items = member
        .console()
        .clusters()
        .await?
        .into_iter()
        .map(|c| {
            json!({
                "id": c.id,
                "name": c.name,
                "running_revision": c.running,
                "virtual_server_count": c.virtual_servers,
                "director_count": c.directors,
                "drafts": c.drafts,
                "changed": c.changed.map(|at| at.to_string()),
            })
        })
        .collect();
    Ok(Json(listed(items)).into_response())
}

/// What a caller reads: their draft where there is one, else what runs; with `?view=running` always what runs.
pub(super) struct Seen {
    pub(super) id: String,
    pub(super) content: Cluster,
    pub(super) etag: String,
    pub(super) draft: bool,
    pub(super) running: Option<u64>,
}

pub(super) async fn seen(member: &Member, cluster: &str) -> Result<Seen, Error> {
    let view = member.console().view(&member.actor, cluster).await?;
    if member.visit.query.get("view") != "running" || !view.draft {
        return Ok(Seen {
            id: view.cluster_id,
            content: view.content,
            etag: view.etag,
            draft: view.draft,
            running: view.running,
        });
    }
    let cluster = member.console().cluster(cluster).await?;
    let running = cluster.running.ok_or_else(|| {
        Error::Missing(console::Missing { thing: console::Thing::Revision, name: "running".to_owned() })
    })?;
    Ok(Seen {
        id: cluster.id,
        etag: format!("running-{}", running.summary.number),
        running: Some(running.summary.number),
        content: running.content,
        draft: false,
    })
}

fn whole(seen: &Seen) -> Result<Value, Error> {
    request::with(
        &seen.content,
        json!({ "id": seen.id, "running_revision": seen.running, "draft": seen.draft }),
    )
}

/// `GET /clusters/{cluster}`: the whole declaration.
pub(super) async fn one(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let seen = seen(&member, &cluster).await?;
    Ok(tagged(StatusCode::OK, &seen.etag, whole(&seen)?))
}

fn declaration(payload: &Payload) -> Result<Cluster, Error> {
    typed(Value::Object(request::without(object(payload)?, READ_ONLY)))
}

/// `POST /clusters`: a new cluster, as the caller's draft; with `?activate=true` running at once.
pub(super) async fn create(
    member: Member,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let draft = member.console().create_cluster(&member.actor, declaration(&payload)?).await?;
    let activation = activated(&member, &draft.cluster_id).await?;
    let seen = seen(&member, &draft.cluster_id).await?;
    let body = request::with(whole(&seen)?, json!({ "activation": activation }))?;
    Ok(created(&format!("/api/v1/clusters/{}", seen.id), &seen.etag, body))
}

/// `PUT /clusters/{cluster}`: make it so. With `?dry_run=true` the plan, and nothing is written.
pub(super) async fn make_it_so(
    member: Member,
    Path(cluster): Path<String>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let content = declaration(&payload)?;
    let console = member.console();
    if wants(&member.visit, "dry_run") {
        let preview = console.preview_of(&member.actor, &cluster, content).await?;
        return Ok(Json(shape::plan(&preview)).into_response());
    }
    let tag = if_match(&headers)?;
    let changed = console.change(&member.actor, &cluster, Edit::Replace(content), tag.as_deref()).await?;
    let id = changed.draft.cluster_id;
    let activation = match console.activate(&member.actor, &id, member.visit.query.get("message")).await {
        Ok(done) => Some(shape::activation(&done)),
        // The same content is running: nothing to do is success, and no revision is made.
        Err(ActivateError::Nothing) => None,
        Err(other) => return Err(other.into()),
    };
    let seen = seen(&member, &id).await?;
    let more = json!({ "changed": activation.is_some(), "activation": activation });
    Ok(tagged(StatusCode::OK, &seen.etag, request::with(whole(&seen)?, more)?))
}

/// `PATCH /clusters/{cluster}`: its name, global settings, redundancy; lists have resources of their own.
pub(super) async fn rename(
    member: Member,
    Path(cluster): Path<String>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let mut tag = if_match(&headers)?;
    let patch = request::without(object(&payload)?, READ_ONLY);
    if let Some(name) = patch.keys().find(|k| !["name", "global", "redundancy"].contains(&k.as_str())) {
        return Err(Error::Unprocessable(vec![FieldProblem {
            pointer: format!("/{name}"),
            code: "unknown-field".to_owned(),
            message: format!("{name} cannot be patched here; name, global and redundancy can"),
        }]));
    }
    let console = member.console();
    let view = console.view(&member.actor, &cluster).await?;
    let new: Cluster = request::patched(&view.content, patch)?;
    let mut edits = Vec::new();
    if new.name != view.content.name {
        edits.push(Edit::Name(new.name));
    }
    if new.global != view.content.global {
        edits.push(Edit::Global(new.global));
    }
    if new.redundancy != view.content.redundancy {
        edits.push(Edit::Redundancy(new.redundancy));
    }
    if edits.is_empty() && tag.as_ref().is_some_and(|tag| *tag != view.etag) {
        return Err(Error::Stale { etag: view.etag });
    }
    for edit in edits {
        let changed = console.change(&member.actor, &view.cluster_id, edit, tag.as_deref()).await?;
        tag = Some(changed.draft.etag);
    }
    let activation = activated(&member, &view.cluster_id).await?;
    let seen = seen(&member, &view.cluster_id).await?;
    let body = request::with(whole(&seen)?, json!({ "activation": activation }))?;
    Ok(tagged(StatusCode::OK, &seen.etag, body))
}

/// `DELETE /clusters/{cluster}`
pub(super) async fn delete(
    member: Member,
    Path(cluster): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Error> {
    let tag = if_match(&headers)?;
    let view = member.console().view(&member.actor, &cluster).await?;
    if tag.is_some_and(|tag| tag != view.etag) {
        return Err(Error::Stale { etag: view.etag });
    }
    member.console().delete_cluster(&member.actor, &cluster).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A file to be read in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Import {
    text: String,
    #[serde(default)]
    kind: Option<String>,
    /// Name of the cluster, where the file's is not wanted.
    #[serde(default)]
    name: Option<String>,
}

/// `POST /imports`
pub(super) async fn import_new(
    member: Member,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    import(&member, None, &payload).await
}

/// `POST /clusters/{cluster}/imports`
pub(super) async fn import_into(
    member: Member,
    Path(cluster): Path<String>,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    import(&member, Some(&cluster), &payload).await
}

/// The file as a draft with all that is to be said about it; with `?dry_run=true` only what it says.
async fn import(member: &Member, into: Option<&str>, payload: &Payload) -> Result<Response, Error> {
    let sent: Import = typed(Value::Object(object(payload)?))?;
    let kind = match sent.kind.as_deref() {
        None | Some("auto") => FileKind::Auto,
        Some("lvs.cf") => FileKind::LvsCf,
        Some("ipvsadm") => FileKind::Ipvsadm,
        Some(other) => {
            return Err(Error::Unprocessable(vec![FieldProblem {
                pointer: "/kind".to_owned(),
                code: "wrong-value".to_owned(),
                message: format!("{other:?} is none of auto, lvs.cf, ipvsadm"),
            }]));
        }
    };
    let reading = console::read_file(&sent.text, kind);
    let findings = shape::findings(&reading.findings);
    let Some(mut cluster) = reading.cluster else {
        return Err(Error::Invalid(reading.findings));
    };
    if let Some(name) = sent.name {
        cluster.name = name;
    }
    if wants(&member.visit, "dry_run") {
        return Ok(Json(json!({ "cluster": cluster, "findings": findings })).into_response());
    }
    let draft = member.console().import(&member.actor, into, cluster).await?;
    let body = json!({ "draft": shape::draft(&draft), "findings": findings });
    Ok(created(&format!("/api/v1/clusters/{}/draft", draft.cluster_id), &draft.etag, body))
}
