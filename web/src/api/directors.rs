//! `…/directors`: their place in the configuration (through the draft) and what they report (read-only).

use std::net::IpAddr;

use axum::Json;
use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use console::{DirectorView, Edit, Missing, Role, Thing};
use lvs::model::{Director, Seat};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::drafts::then;
use super::request::{
    self, created, listed, object, rehearsed, tag_of, tagged, typed, typed_or_default, wants,
};
use super::status::{self, LiveShape};
use super::virtual_servers::{Written, in_body, planned, remove};
use crate::error::{Error, FieldProblem};
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

/// A director's tag: that of what the caller works on, and where it is dialled, which is no part of that.
fn tag(etag: &str, view: &DirectorView) -> String {
    format!("{etag}.{}", hex::encode(view.dial.as_deref().unwrap_or_default()))
}

/// Of the tag that a write was sent with, the part that is the draft's. Refused where the director is dialled elsewhere
/// than the caller has seen; what was read of the whole cluster says nothing of that.
fn drafts_part<'a>(sent: &'a str, etag: &str, view: &DirectorView) -> Result<&'a str, Error> {
    match sent.split_once('.') {
        Some((draft, _)) if sent == tag(draft, view) => Ok(draft),
        Some(_) => Err(Error::Stale { etag: tag(etag, view), by: None }),
        None => Ok(sent),
    }
}

async fn shown(
    member: &Member,
    cluster: &str,
    name: &str,
    written: Written,
) -> Result<(String, Value), Error> {
    let (etag, view) = find(member, cluster, name).await?;
    Ok((tag(&etag, &view), request::with(shape(&view), written)?))
}

/// `GET …/directors/{director}`
pub(super) async fn one(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
) -> Result<Response, Error> {
    let (etag, view) = find(&member, &cluster, &key).await?;
    Ok(tagged(StatusCode::OK, &tag(&etag, &view), shape(&view)))
}

/// `POST …/directors`
pub(super) async fn create(
    member: Member,
    Path(cluster): Path<String>,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let sent = object(&payload)?;
    if sent.get("dial").is_some_and(|dial| !dial.is_null()) {
        return Err(not_dialled("a new director"));
    }
    let new: Director = typed(Value::Object(request::without(sent, READ_ONLY)))?;
    let view = member.console().view(&member.actor, &cluster).await?;
    let prefix = format!("/directors/{}", view.content.directors.len());
    let name = new.name.clone();
    let edit = Edit::PutDirector { previous: None, director: new };
    if let Some(plan) = planned(&member, &cluster, &edit, None, &prefix).await? {
        return Ok(plan);
    }
    let changed = member.console().change_and(&member.actor, &cluster, edit, None, then(&member)).await;
    let changed = changed.map_err(|e| in_body(e, &prefix))?;
    let id = changed.draft.cluster_id.clone();
    let (etag, body) = shown(&member, &id, &name, Written::of(&changed)).await?;
    Ok(created(&format!("/api/v1/clusters/{id}/directors/{name}"), &etag, body))
}

/// What a write does to a director.
struct Write {
    /// Its place in the configuration.
    new: Director,
    /// Where it is dialled from now on.
    dial: Option<String>,
}

async fn put(
    member: &Member,
    (cluster, key): (&str, &str),
    sent: Option<&str>,
    Write { new, dial }: Write,
) -> Result<Response, Error> {
    let (etag, seen) = find(member, cluster, key).await?;
    let view = member.console().view(&member.actor, cluster).await?;
    let (index, old) = director(&view.content, key)?;
    let name = new.name.clone();
    let edit = Edit::PutDirector { previous: Some(old.name.clone()), director: new };
    let prefix = format!("/directors/{index}");
    let draft = sent.map(|sent| drafts_part(sent, &etag, &seen)).transpose()?;
    if let Some(plan) = planned(member, cluster, &edit, draft, &prefix).await? {
        return Ok(plan);
    }
    let changed = member.console().change_and(&member.actor, cluster, edit, draft, then(member)).await;
    let changed = changed.map_err(|e| match in_body(e, &prefix) {
        Error::Stale { etag, by } => Error::Stale { etag: tag(&etag, &seen), by },
        other => other,
    })?;
    let mut written = Written::of(&changed);
    // Last, so that nothing of a refused write is done.
    if let (Some(dial), Some(id)) = (&dial, &seen.id)
        && seen.dial.as_deref() != Some(dial)
    {
        member.console().set_dial(&member.actor, cluster, id, dial).await?;
        written.changed = Some(true);
    }
    let (etag, body) = shown(member, &changed.draft.cluster_id, &name, written).await?;
    Ok(tagged(super::shape::reached(changed.activation.as_ref()), &etag, body))
}

/// Where a director is to be dialled, if a write says something else than what was `seen`: checked before anything is
/// written.
fn dialled(member: &Member, seen: &DirectorView, sent: &Map<String, Value>) -> Result<Option<String>, Error> {
    let sent = sent.get("dial").filter(|sent| sent.as_str() != seen.dial.as_deref());
    let Some(sent) = sent else { return Ok(None) };
    let text = sent.as_str().ok_or_else(|| {
        let message = "an address (HOST:PORT) is expected; without one a director cannot be reached";
        wrong_dial("wrong-value", message.to_owned())
    })?;
    let dial = console::dial_address(text).map_err(|error| wrong_dial("wrong-value", error.to_string()))?;
    if !member.actor.may(Role::Admin) {
        return Err(Error::Forbidden(Role::Admin));
    }
    if seen.id.is_none() {
        return Err(not_dialled(&seen.name));
    }
    Ok(Some(dial))
}

fn wrong_dial(code: &str, message: String) -> Error {
    let (pointer, code) = ("/dial".to_owned(), code.to_owned());
    Error::Unprocessable(vec![FieldProblem { pointer, code, message }])
}

/// What has no identity yet has no address to be dialled at either.
fn not_dialled(name: &str) -> Error {
    let message = format!("{name} has no join token yet; one is made with the address to dial");
    wrong_dial("not-enrolled", message)
}

/// `PUT …/directors/{director}`; `dial`, which is no part of a revision, holds at once, unless something else is refused.
pub(super) async fn replace(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let tag = tag_of(&member.visit, &headers)?;
    let sent = object(&payload)?;
    let (_, seen) = find(&member, &cluster, &key).await?;
    let dial = dialled(&member, &seen, &sent)?;
    let new = typed(Value::Object(request::without(sent, READ_ONLY)))?;
    put(&member, (&cluster, &key), tag.as_deref(), Write { new, dial }).await
}

/// `PATCH …/directors/{director}` (RFC 7396); `dial` as with `PUT`.
pub(super) async fn merge(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let tag = tag_of(&member.visit, &headers)?;
    let patch = object(&payload)?;
    let (_, seen) = find(&member, &cluster, &key).await?;
    let dial = dialled(&member, &seen, &patch)?;
    let view = member.console().view(&member.actor, &cluster).await?;
    let (_, old) = director(&view.content, &key)?;
    let new = request::patched(old, request::without(patch, READ_ONLY))?;
    put(&member, (&cluster, &key), tag.as_deref(), Write { new, dial }).await
}

/// `DELETE …/directors/{director}`
pub(super) async fn delete(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let sent = tag_of(&member.visit, &headers)?;
    let (etag, seen) = find(&member, &cluster, &key).await?;
    let draft = sent.as_deref().map(|sent| drafts_part(sent, &etag, &seen)).transpose()?;
    remove(&member, &cluster, Edit::RemoveDirector(seen.name), draft).await
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
        sent.dial.as_deref().map(console::dial_address).transpose()?;
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
