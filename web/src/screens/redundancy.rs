//! REDUNDANCY: the backup director's addresses, and how the two directors watch each other.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{Edit, PushOutcome, PushResult, View};
use lvs::Cluster;
use lvs::model::{Director, Redundancy, RedundancyProtocol, Seat};

use super::global::{about_director, seated, with_addresses};
use super::objects::{Asked, Outcome};
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::{Bound, Form, Press, Reader, RedundancyForm, blank_director, blank_instance};
use crate::page::{Page, Tab, keep_address, see_other, show};
use crate::visit::Member;

#[derive(Template)]
#[template(path = "redundancy.html")]
struct EditPage {
    p: Page,
    form: Form,
    etag: String,
    backup: Option<String>,
    /// The running directors beat with a key that can be changed.
    keyed: bool,
    /// Why a new key is not sent with yet.
    key_waits: Vec<String>,
    /// Fail-over time of what is saved, and with Caribe's own timers where they are others.
    failover: Option<(String, String)>,
    ours: Option<(String, String)>,
}

/// How long clients wait when the active director dies, typical and at worst, in seconds.
pub(super) fn failover(redundancy: &Redundancy) -> Option<(String, String)> {
    let seconds = |ms: u32| format!("{}", f64::from(ms) / 1000.0);
    redundancy.failover_time().map(|time| (seconds(time.typical_ms), seconds(time.worst_ms)))
}

/// `POST …/redundancy/timers`: Caribe's own protocol and timers, as one edit of the draft.
pub(super) async fn own_timers(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let edit = Edit::Redundancy(view.content.redundancy.with_default_timers());
    member.console().change(&member.actor, &cluster, edit, Some(&view.etag)).await?;
    Ok(see_other(&format!("/clusters/{cluster}/redundancy?done=saved")))
}

/// `POST …/redundancy/key`: another key for the heartbeat, at once.
pub(super) async fn new_key(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let changed = member.console().change_heartbeat_key(&member.actor, &cluster).await?;
    if changed.sent {
        return Ok(see_other(&format!("/clusters/{cluster}/redundancy?done=key-changed")));
    }
    let locale = member.locale();
    let waits = |result: &PushResult| {
        let reason = match &result.outcome {
            PushOutcome::Applied { .. } => return None,
            PushOutcome::Refused { reason }
            | PushOutcome::Unreachable { reason }
            | PushOutcome::Held { reason } => reason.clone(),
            PushOutcome::NotEnrolled => locale.say("key-not-enrolled").to_string(),
        };
        let said = locale.say("key-waits").with("director", &result.director).with("reason", reason);
        Some(said.to_string())
    };
    let waits = changed.results.iter().filter_map(waits).collect();
    let view = member.console().view(&member.actor, &cluster).await?;
    let form = fresh(&member, &view);
    page_with(&member, &view, (StatusCode::CONFLICT, form), waits).await.map(keep_address)
}

async fn page(member: &Member, view: &View, answer: (StatusCode, Form)) -> Result<Response, Error> {
    page_with(member, view, answer, Vec::new()).await
}

async fn page_with(
    member: &Member,
    view: &View,
    (status, form): (StatusCode, Form),
    key_waits: Vec<String>,
) -> Result<Response, Error> {
    let title = member.locale().say("tab-redundancy");
    let page = EditPage {
        p: Page::of_cluster(member, &view.cluster_id, Tab::Redundancy, title).await?,
        form,
        etag: view.etag.clone(),
        keyed: view.content.redundancy.enabled
            && view.content.redundancy.protocol == RedundancyProtocol::Heartbeat,
        key_waits,
        backup: seated(view, Seat::Backup).map(|(_, d)| d.name.clone()),
        failover: failover(&view.content.redundancy),
        ours: Some(view.content.redundancy.with_default_timers())
            .filter(|ours| *ours != view.content.redundancy)
            .and_then(|ours| failover(&ours)),
    };
    show(status, &page)
}

/// `GET …/redundancy`
pub(super) async fn form(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let form = fresh(&member, &view);
    page(&member, &view, (StatusCode::OK, form)).await
}

/// The form as the draft has it.
fn fresh(member: &Member, view: &View) -> Form {
    let backup = seated(view, Seat::Backup).map(|(_, d)| d);
    let texts = with_addresses(RedundancyForm::texts(&view.content.redundancy), backup);
    let mut form = Form::new(RedundancyForm::KNOWN, texts);
    form.findings(member.locale(), "/redundancy", &view.content.findings(), false);
    about_director(&mut form, member, view, Seat::Backup);
    form
}

/// The form with a row more or less, where that was asked for; nothing is saved by it.
fn arranged(member: &Member, view: &View, fields: &Fields) -> Result<Form, Fields> {
    let content = &view.content;
    let (press, fields) = Press::of(fields, &RedundancyForm::PARTS);
    let fields = match press {
        Press::Accept => return Err(RedundancyForm::without_blank_rows(fields)),
        Press::Removed => fields,
        Press::Add("addresses") => RedundancyForm::with_address(fields, None),
        Press::Add(_) => {
            // What the rows say now decides which names and addresses are free; their mistakes are said when saving.
            let mut reader = Reader::new(RedundancyForm::KNOWN, &fields, member.locale());
            let now = RedundancyForm::read(&mut reader, content.redundancy.clone());
            match blank_instance(content, now.protocol.instances()) {
                Some(instance) => RedundancyForm::with_instance(fields, &instance),
                None => fields,
            }
        }
    };
    Ok(shown_again(member, view, Form::new(RedundancyForm::KNOWN, fields)))
}

/// The form without the passwords that were typed into it, which it says at their fields.
fn shown_again(member: &Member, view: &View, form: Form) -> Form {
    let known = &view.content.redundancy.protocol;
    form.changed(
        |fields| RedundancyForm::without_passwords(fields, known),
        || member.locale().say("password-again"),
    )
}

/// `POST …/redundancy`: the settings and the backup director, without which they may be an error, as one edit.
pub(super) async fn save(
    member: Member,
    Path(cluster): Path<String>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let fields = match arranged(&member, &view, &fields) {
        Ok(form) => return Ok(keep_address(page(&member, &view, (StatusCode::OK, form)).await?)),
        Err(fields) => fields,
    };
    let mut reader = Reader::new(RedundancyForm::KNOWN, &fields, member.locale());
    let redundancy = RedundancyForm::read(&mut reader, view.content.redundancy.clone());
    let backup = backup(&mut reader, &view);
    let mut content = view.content.clone();
    content.redundancy = redundancy.clone();
    put_backup(&mut content, backup.as_ref());
    let mut pointers = vec!["/redundancy".to_owned()];
    if let Some((Edit::PutDirector { .. }, index)) = &backup {
        pointers.push(format!("/directors/{index}"));
    }
    let edits = backup.into_iter().map(|(edit, _)| edit).chain([Edit::Redundancy(redundancy)]).collect();
    let asked = Asked { member: &member, view: &view, fields: &fields, pointers };
    match asked.make(reader.finish(), Edit::Together(edits), &content).await? {
        Outcome::Done(_) => Ok(see_other(&format!("/clusters/{cluster}/redundancy?done=saved"))),
        Outcome::Again(form, status) => {
            page(&member, &view, (status, shown_again(&member, &view, *form))).await
        }
    }
}

/// The content as the edit of the backup director would leave it.
fn put_backup(content: &mut Cluster, edit: Option<&(Edit, usize)>) {
    match edit {
        Some((Edit::PutDirector { director, .. }, index)) => match content.directors.get_mut(*index) {
            Some(place) => place.clone_from(director),
            None => content.directors.push(director.clone()),
        },
        Some((Edit::RemoveDirector(name), _)) => content.directors.retain(|d| d.name != *name),
        _ => {}
    }
}

/// The edit that the two addresses ask for, with the director's place: set, added, or removed where both are blank.
fn backup(reader: &mut Reader<'_>, view: &View) -> Option<(Edit, usize)> {
    let old = seated(view, Seat::Backup);
    let index = old.map_or(view.content.directors.len(), |(index, _)| index);
    let before = old.map(|(_, d)| d);
    let public = reader.address("public", before.and_then(|d| d.public));
    let private = reader.address("private", before.and_then(|d| d.private));
    if public.is_none() && private.is_none() {
        // A director whose addresses were never known is not removed by saving the page.
        let known = before.filter(|d| d.public.is_some() || d.private.is_some());
        return known.map(|d| (Edit::RemoveDirector(d.name.clone()), index));
    }
    let base = before.cloned().unwrap_or_else(|| blank_director("director-b", Seat::Backup));
    let director = Director { public, private, ..base };
    if before == Some(&director) {
        return None;
    }
    Some((Edit::PutDirector { previous: before.map(|d| d.name.clone()), director }, index))
}
