//! `/api/v1/clusters`

use axum::Json;
use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use console::Edit;
use lvs::model::{GlobalSettings, Redundancy};
use lvs::{Cluster, Code, Finding};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::drafts::{at_once, then};
use super::request::{
    self, created, filtered, if_match, listed, object, ok, rehearsed, tag_of, tagged, typed, wants,
};
use super::shape::{self, ActivationShape};
use crate::error::{Error, FieldProblem};
use crate::guard::Payload;
use crate::visit::Member;

/// Members that only answers have.
pub(super) const READ_ONLY: &[&str] = &["id", "running_revision", "draft", "activation", "changed"];

/// Where to begin.
#[derive(Serialize, JsonSchema)]
pub(super) struct Root {
    version: &'static str,
    clusters: &'static str,
    openapi: &'static str,
}

/// `GET /api/v1`
pub(super) async fn root() -> Json<Root> {
    Json(Root {
        version: env!("CARGO_PKG_VERSION"),
        clusters: "/api/v1/clusters",
        openapi: "/api/v1/openapi.json",
    })
}

/// A cluster in the list.
#[derive(Serialize, JsonSchema)]
pub(super) struct ClusterLine {
    id: String,
    name: String,
    /// None before the first activation.
    running_revision: Option<u64>,
    virtual_server_count: usize,
    director_count: usize,
    /// Who has a draft (`account/alice`).
    drafts: Vec<String>,
    /// When the running revision was activated.
    changed: Option<String>,
}

/// `GET /clusters`
pub(super) async fn list(member: Member) -> Result<Response, Error> {
    let all = member.console().clusters().await?.into_iter();
    let items = all.filter(|c| member.sees(&c.id)).map(|c| {
        let line = ClusterLine {
            id: c.id.clone(),
            name: c.name,
            running_revision: c.running,
            virtual_server_count: c.virtual_servers,
            director_count: c.directors,
            drafts: c.drafts,
            changed: c.changed.map(|at| at.to_string()),
        };
        (c.id, line)
    });
    Ok(ok(filtered(&member, listed(&member.visit, items.collect())?)))
}

/// What a caller reads: their draft where there is one, else what runs; with `?view=running` always what runs.
/// Secrets are masked in it.
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
            content: view.content.masked(),
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
        content: running.content.masked(),
        draft: false,
    })
}

/// What an answer tells of a cluster besides its content.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(rename = "Resource")]
pub(super) struct ClusterMore {
    #[schemars(extend("readOnly" = true))]
    id: String,
    #[schemars(extend("readOnly" = true))]
    running_revision: Option<u64>,
    /// Whether this is the caller's draft.
    #[schemars(extend("readOnly" = true))]
    draft: bool,
    /// Whether a write changed anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("readOnly" = true))]
    changed: Option<bool>,
    /// What became of an activation that was asked for and that there was something to do for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("readOnly" = true))]
    activation: Option<ActivationShape>,
}

fn more(seen: &Seen, changed: Option<bool>, activation: Option<&console::Activation>) -> ClusterMore {
    ClusterMore {
        id: seen.id.clone(),
        running_revision: seen.running,
        draft: seen.draft,
        changed,
        activation: activation.map(shape::activation),
    }
}

/// `GET /clusters/{cluster}`: the whole declaration.
pub(super) async fn one(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let seen = seen(&member, &cluster).await?;
    Ok(tagged(StatusCode::OK, &seen.etag, request::with(&seen.content, more(&seen, None, None))?))
}

fn declaration(payload: &Payload) -> Result<Cluster, Error> {
    typed(Value::Object(request::without(object(payload)?, READ_ONLY)))
}

/// Refused where another cluster has the name of a new one.
async fn check_new(member: &Member, name: &str) -> Result<(), Error> {
    match member.console().cluster_id(name).await? {
        Some(_) => Err(Error::Invalid(vec![Finding::field("/name", Code::NameTaken).with("name", name)])),
        None => Ok(()),
    }
}

/// `POST /clusters`: a new cluster, as the caller's draft; with `?activate=true` running at once.
pub(super) async fn create(
    member: Member,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let content = declaration(&payload)?;
    if wants(&member.visit, "dry_run") {
        check_new(&member, &content.name).await?;
        return Ok(ok(shape::plan(&member.console().preview_of_new(&content))));
    }
    let (draft, activation) =
        member.console().create_cluster_and(&member.actor, content, then(&member)).await?;
    let seen = seen(&member, &draft.cluster_id).await?;
    let body = request::with(&seen.content, more(&seen, Some(true), activation.as_ref()))?;
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
        return Ok(tagged(StatusCode::OK, &preview.etag, shape::plan(&preview)));
    }
    let tag = if_match(&headers)?;
    let (edit, then) = (Edit::Replace(content), Some(at_once(&member)));
    let changed = console.change_and(&member.actor, &cluster, edit, tag.as_deref(), then).await?;
    let seen = seen(&member, &changed.draft.cluster_id).await?;
    // The same content is running: nothing to do is success, and no revision is made.
    let more = more(&seen, Some(changed.activation.is_some()), changed.activation.as_ref());
    let status = shape::reached(changed.activation.as_ref());
    Ok(tagged(status, &seen.etag, request::with(&seen.content, more)?))
}

/// What `PATCH` takes of a cluster; its objects have addresses of their own.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used: the patch is merged as JSON")]
pub(super) struct ClusterPatch {
    name: String,
    global: GlobalSettings,
    redundancy: Redundancy,
}

/// `PATCH /clusters/{cluster}`: its name, global settings, redundancy; lists have resources of their own.
pub(super) async fn rename(
    member: Member,
    Path(cluster): Path<String>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let tag = tag_of(&member.visit, &headers)?;
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
    let new: Cluster = request::patched(&view.content, patch)?.unmasked(&view.content);
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
    let edit = Edit::Together(edits);
    if wants(&member.visit, "dry_run") {
        let preview = console.preview_of_change(&member.actor, &cluster, edit, tag.as_deref()).await?;
        return Ok(tagged(StatusCode::OK, &preview.etag, shape::plan(&preview)));
    }
    let then = then(&member);
    let changed = console.change_and(&member.actor, &view.cluster_id, edit, tag.as_deref(), then).await?;
    let seen = seen(&member, &view.cluster_id).await?;
    let body = request::with(&seen.content, more(&seen, Some(changed.changed), changed.activation.as_ref()))?;
    Ok(tagged(shape::reached(changed.activation.as_ref()), &seen.etag, body))
}

/// `DELETE /clusters/{cluster}`
pub(super) async fn delete(
    member: Member,
    Path(cluster): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let tag = tag_of(&member.visit, &headers)?;
    let view = member.console().view(&member.actor, &cluster).await?;
    if tag.is_some_and(|tag| tag != view.etag) {
        return Err(Error::Stale { etag: view.etag, by: None });
    }
    if wants(&member.visit, "dry_run") {
        return Ok(rehearsed());
    }
    member.console().delete_cluster(&member.actor, &cluster).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
