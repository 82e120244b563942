//! CHANGES, for two: asking somebody else to activate one's draft, and looking at and activating the draft of another.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{Activate, ActivateError, Asked, Draft, Missing, Theirs, Thing};

use super::changes::{self, Form, Shown, activated, shown, trial};
use crate::error::Error;
use crate::fields::Sent;
use crate::locale::Locale;
use crate::page::{Page, Tab, keep_address, see_other, short, show};
use crate::visit::Member;

/// A request that somebody else activates a draft.
pub(super) struct Asking {
    pub(super) at: String,
    pub(super) message: String,
}

impl Asking {
    pub(super) fn of(locale: Locale, asked: &Asked) -> Self {
        Asking { at: locale.moment(asked.at), message: asked.message.clone() }
    }
}

/// The draft of somebody else, in a list.
pub(super) struct Other {
    /// `account/alice`: the end of its page's path.
    pub(super) owner: String,
    pub(super) name: String,
    pub(super) changed: String,
    pub(super) asked: Option<Asking>,
}

impl Other {
    fn of(locale: Locale, draft: &Draft) -> Self {
        Other {
            owner: draft.owner.clone(),
            name: short(&draft.owner).to_owned(),
            changed: locale.moment(draft.changed),
            asked: draft.asked.as_ref().map(|asked| Asking::of(locale, asked)),
        }
    }
}

fn own(member: &Member) -> String {
    format!("account/{}", member.actor.name)
}

/// Everybody else's drafts of the cluster.
pub(super) async fn others(member: &Member, cluster: &str) -> Result<Vec<Other>, Error> {
    let own = own(member);
    let drafts = member.console().drafts(cluster).await?;
    let others = drafts.iter().filter(|draft| draft.owner != own);
    Ok(others.map(|draft| Other::of(member.locale(), draft)).collect())
}

#[derive(Template)]
#[template(path = "draft_of.html")]
struct DraftOfPage {
    p: Page,
    owner: String,
    name: String,
    etag: String,
    draft: Shown,
    /// The revision that somebody activated after the draft was begun.
    conflict: Option<u64>,
    message: String,
    /// It is not the content that the visitor meant to activate.
    changed: bool,
}

/// What the form of that page sent, where it is shown again.
#[derive(Default)]
struct Again {
    message: String,
    changed: bool,
}

async fn page(
    member: &Member,
    cluster: &str,
    owner: String,
    status: StatusCode,
    again: Again,
) -> Result<Response, Error> {
    let locale = member.locale();
    let draft = member.console().draft_of(cluster, &owner).await?;
    let name = short(&owner).to_owned();
    let draft = draft.ok_or_else(|| Error::Missing(Missing { thing: Thing::Draft, name: name.clone() }))?;
    let preview = member.console().preview_of_draft(cluster, &owner).await?;
    let title = locale.say("approval-title").with("name", &name);
    let page = DraftOfPage {
        p: Page::of_cluster(member, cluster, Tab::Changes, title).await?,
        draft: shown(locale, &draft, &preview, true),
        conflict: preview.conflict.as_ref().map(|other| other.number),
        etag: draft.etag,
        owner,
        name,
        message: again.message,
        changed: again.changed,
    };
    show(status, &page)
}

/// `GET …/changes/{kind}/{owner}`
pub(super) async fn theirs(
    member: Member,
    Path((cluster, kind, name)): Path<(String, String, String)>,
) -> Result<Response, Error> {
    let owner = format!("{kind}/{name}");
    if owner == own(&member) {
        return Ok(see_other(&format!("/clusters/{cluster}/changes")));
    }
    page(&member, &cluster, owner, StatusCode::OK, Again::default()).await
}

/// `POST …/changes/{kind}/{owner}/activate`: what was looked at runs, and nothing else.
pub(super) async fn activate(
    member: Member,
    Path((cluster, kind, name)): Path<(String, String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let owner = format!("{kind}/{name}");
    let message = fields.get("message").trim();
    let theirs = Some(Theirs { owner: &owner, etag: fields.get("draft") });
    let how = Activate { message, keep_s: trial(&fields), theirs };
    let outcome = member.console().activate_as(&member.actor, &cluster, how).await;
    let (status, changed) = match outcome {
        Ok(done) => return activated(&member, &cluster, &done).await,
        Err(ActivateError::Stale { .. }) => (StatusCode::CONFLICT, true),
        Err(ActivateError::Conflict { .. } | ActivateError::Nothing) => (StatusCode::CONFLICT, false),
        Err(ActivateError::Invalid(_)) => (StatusCode::UNPROCESSABLE_ENTITY, false),
        Err(other) => return Err(other.into()),
    };
    let again = Again { message: message.to_owned(), changed };
    Ok(keep_address(page(&member, &cluster, owner, status, again).await?))
}

/// `POST …/changes/ask`
pub(super) async fn ask(
    member: Member,
    Path(cluster): Path<String>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let message = fields.get("message").trim();
    let status = match member.console().ask_to_activate(&member.actor, &cluster, message, None).await {
        Ok(_) => return Ok(see_other(&format!("/clusters/{cluster}/changes?done=asked"))),
        Err(ActivateError::Conflict { .. } | ActivateError::Nothing) => StatusCode::CONFLICT,
        Err(ActivateError::Invalid(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        Err(other) => return Err(other.into()),
    };
    let form = Form { message: message.to_owned(), ..Form::default() };
    Ok(keep_address(changes::page(&member, &cluster, status, form).await?))
}

/// `POST …/changes/withdraw`: the draft is nobody else's business any more.
pub(super) async fn withdraw(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    member.console().withdraw_request(&member.actor, &cluster, None).await?;
    Ok(see_other(&format!("/clusters/{cluster}/changes?done=withdrawn")))
}
