//! `…/directors/{director}/foreign`, `adopt`, `repair`, `push`, `theirs`: what a director's kernel holds besides what
//! runs, and what is decided about it. The rows of drift are in the director's `live.status.drift`.

use std::collections::BTreeSet;

use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use lvs::adopt::{Becomes, Offer};
use lvs::plan::Row;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::drafts::{Planned, then};
use super::request::{self, listed, maybe_match, ok, rehearsed, tagged, typed_or_default, wants};
use super::shape::{self, ActivationShape, FindingShape, PlanShape};
use crate::error::{Error, FieldProblem};
use crate::guard::Payload;
use crate::visit::Member;

/// What a row would become.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[schemars(rename = "Becomes")]
enum BecomesShape {
    VirtualServer { name: String, real_servers: usize, device: Option<String>, prefix: Option<u8> },
    NatRouter,
    Address,
    Timeouts,
}

fn becomes(becomes: &Becomes) -> BecomesShape {
    match becomes {
        Becomes::VirtualServer { name, real_servers, device } => BecomesShape::VirtualServer {
            name: name.clone(),
            real_servers: *real_servers,
            device: device.as_ref().map(|(device, _)| device.to_string()),
            prefix: device.as_ref().map(|(_, prefix)| *prefix),
        },
        Becomes::NatRouter => BecomesShape::NatRouter,
        Becomes::Floating => BecomesShape::Address,
        Becomes::Timeouts => BecomesShape::Timeouts,
    }
}

/// Another director that has the row.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlsoOn")]
struct OtherShape {
    director: String,
    same: bool,
}

/// A row of a director's kernel that Caribe did not order, and what could be made of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ForeignRow")]
pub(super) struct OfferShape {
    /// To be named in `rows`.
    row: String,
    /// As lines of ipvsadm, ip and sysctl.
    found: Vec<String>,
    becomes: BecomesShape,
    known: bool,
    others: Vec<OtherShape>,
    /// What activation would still change in this kernel.
    changes: Vec<String>,
    findings: Vec<FindingShape>,
}

fn offer(offer: &Offer) -> OfferShape {
    let other = |other: &lvs::adopt::Other| OtherShape { director: other.director.clone(), same: other.same };
    OfferShape {
        row: offer.row.to_string(),
        found: offer.found.clone(),
        becomes: becomes(&offer.becomes),
        known: offer.known,
        others: offer.others.iter().map(other).collect(),
        changes: offer.changes.clone(),
        findings: shape::findings(&offer.findings),
    }
}

/// What the list of foreign rows tells besides them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Basis")]
pub(super) struct ForeignMore {
    director: String,
    /// `live`, `last-known` or `unknown`.
    basis: &'static str,
    basis_at: Option<String>,
}

/// `GET …/directors/{director}/foreign`
pub(super) async fn foreign(
    member: Member,
    Path((cluster, director)): Path<(String, String)>,
) -> Result<Response, Error> {
    let foreign = member.console().foreign(&member.actor, &cluster, &director).await?;
    let (basis, basis_at) = shape::basis(foreign.basis);
    let more = ForeignMore { director: foreign.director, basis, basis_at };
    let offers = foreign.offers.iter().map(|one| (one.row.to_string(), offer(one))).collect();
    let body = request::with(listed(&member.visit, offers)?, more)?;
    Ok(tagged(StatusCode::OK, &foreign.etag, body))
}

/// Rows of a director's kernel.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Chosen {
    /// Rows as `foreign` and `live.status.drift` name them.
    #[serde(default)]
    rows: Vec<String>,
}

fn chosen(payload: &Payload) -> Result<BTreeSet<Row>, Error> {
    let sent: Chosen = typed_or_default(payload)?;
    let row = |(index, text): (usize, &String)| {
        text.parse::<Row>().map_err(|error| {
            Error::Unprocessable(vec![FieldProblem {
                pointer: format!("/rows/{index}"),
                code: "wrong-value".to_owned(),
                message: error.to_string(),
            }])
        })
    };
    sent.rows.iter().enumerate().map(row).collect()
}

/// What an adoption tells besides the draft.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Adopted")]
pub(super) struct AdoptedMore {
    /// The rows that are in the draft now.
    taken: Vec<String>,
    adoption_findings: Vec<FindingShape>,
    plan: PlanShape,
    activation: Option<ActivationShape>,
}

/// `POST …/directors/{director}/adopt`: the chosen rows become part of the caller's draft; with `?dry_run=true` only
/// the plan is told. `If-Match` may be sent to adopt only into the draft one has seen.
pub(super) async fn adopt(
    member: Member,
    Path((cluster, director)): Path<(String, String)>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let rows = chosen(&payload)?;
    if wants(&member.visit, "dry_run") {
        let preview = member.console().adopt_preview(&member.actor, &cluster, &director, &rows).await?;
        return Ok(tagged(StatusCode::OK, &preview.etag, Planned { plan: shape::plan(&preview) }));
    }
    let tag = maybe_match(&headers)?;
    let preview = member.console().adopt_preview(&member.actor, &cluster, &director, &rows).await?;
    let chosen = (director.as_str(), &rows);
    let done =
        member.console().adopt_and(&member.actor, &cluster, chosen, tag.as_deref(), then(&member)).await?;
    let more = AdoptedMore {
        taken: done.taken,
        adoption_findings: shape::findings(&done.findings),
        plan: shape::plan(&preview),
        activation: done.activation.as_ref().map(shape::activation),
    };
    let status = shape::reached(done.activation.as_ref());
    Ok(tagged(status, &done.draft.etag, request::with(shape::draft(&done.draft), more)?))
}

/// `POST …/directors/{director}/repair`: puts right now what something else changed; in all rows where none is named.
pub(super) async fn repair(
    member: Member,
    Path((cluster, director)): Path<(String, String)>,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let rows = chosen(&payload)?;
    if wants(&member.visit, "dry_run") {
        super::directors::one(member, Path((cluster, director))).await?;
        return Ok(rehearsed());
    }
    let result = member.console().repair(&member.actor, &cluster, &director, &rows).await?;
    Ok(ok(shape::pushed(&result)))
}

/// `POST …/directors/{director}/push`: the running revision again, over a newer or unknown one.
pub(super) async fn push(
    member: Member,
    Path((cluster, director)): Path<(String, String)>,
) -> Result<Response, Error> {
    if wants(&member.visit, "dry_run") {
        super::directors::one(member, Path((cluster, director))).await?;
        return Ok(rehearsed());
    }
    let result = member.console().repush(&member.actor, &cluster, &director).await?;
    Ok(ok(shape::pushed(&result)))
}

/// `POST …/directors/{director}/theirs`: the configuration that the director holds, as the caller's draft.
pub(super) async fn theirs(
    member: Member,
    Path((cluster, director)): Path<(String, String)>,
) -> Result<Response, Error> {
    if wants(&member.visit, "dry_run") {
        super::directors::one(member, Path((cluster, director))).await?;
        return Ok(rehearsed());
    }
    let draft = member.console().take_theirs(&member.actor, &cluster, &director).await?;
    Ok(tagged(StatusCode::OK, &draft.etag, shape::draft(&draft)))
}
