//! REDUNDANCY: the backup director's addresses, and how the two directors watch each other.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{Edit, View};
use lvs::model::{Director, Seat};

use super::global::{about_director, seated, with_addresses};
use super::objects::{Asked, Outcome};
use crate::error::Error;
use crate::fields::Sent;
use crate::forms::{Bound, Form, Reader, RedundancyForm, blank_director};
use crate::page::{Page, Tab, see_other, show};
use crate::visit::Member;

#[derive(Template)]
#[template(path = "redundancy.html")]
struct EditPage {
    p: Page,
    form: Form,
    etag: String,
    backup: Option<String>,
}

async fn page(member: &Member, view: &View, (status, form): (StatusCode, Form)) -> Result<Response, Error> {
    let title = member.language().say("tab-redundancy");
    let page = EditPage {
        p: Page::of_cluster(member, &view.cluster_id, Tab::Redundancy, title).await?,
        form,
        etag: view.etag.clone(),
        backup: seated(view, Seat::Backup).map(|(_, d)| d.name.clone()),
    };
    show(status, &page)
}

/// `GET …/redundancy`
pub(super) async fn form(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let backup = seated(&view, Seat::Backup).map(|(_, d)| d);
    let texts = with_addresses(RedundancyForm::texts(&view.content.redundancy), backup);
    let mut form = Form::new(RedundancyForm::KNOWN, texts);
    form.findings(member.language(), "/redundancy", &view.content.findings(), false);
    about_director(&mut form, &member, &view, Seat::Backup);
    page(&member, &view, (StatusCode::OK, form)).await
}

/// `POST …/redundancy`: the backup director first, because redundancy without one is an error.
pub(super) async fn save(
    member: Member,
    Path(cluster): Path<String>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let mut reader = Reader::new(RedundancyForm::KNOWN, &fields, member.language());
    let redundancy = RedundancyForm::read(&mut reader, view.content.redundancy.clone());
    let backup = backup(&mut reader, &view);
    let form = reader.finish();
    let mut content = view.content.clone();
    content.redundancy = redundancy.clone();
    let mut now = (*fields).clone();
    if !form.failed()
        && let Some((edit, index)) = backup
    {
        let pointer = format!("/directors/{index}");
        let asked = Asked { member: &member, view: &view, fields: &now, pointer };
        match asked.make(form.clone(), edit, &content).await? {
            Outcome::Done(changed) => now = now.replaced("etag", &changed.draft.etag),
            Outcome::Again(form, status) => return page(&member, &view, (status, *form)).await,
        }
    }
    let asked = Asked { member: &member, view: &view, fields: &now, pointer: "/redundancy".to_owned() };
    match asked.make(form, Edit::Redundancy(redundancy), &content).await? {
        Outcome::Done(_) => Ok(see_other(&format!("/clusters/{cluster}/redundancy?done=saved"))),
        Outcome::Again(form, status) => {
            let view = member.console().view(&member.actor, &cluster).await?;
            page(&member, &view, (status, *form)).await
        }
    }
}

/// The edit that the two addresses ask for, with the director's place: set, added, or removed where both are blank.
fn backup(reader: &mut Reader<'_>, view: &View) -> Option<(Edit, usize)> {
    let old = seated(view, Seat::Backup);
    let index = old.map_or(view.content.directors.len(), |(index, _)| index);
    let before = old.map(|(_, d)| d);
    let public = reader.address("public", before.and_then(|d| d.public));
    let private = reader.address("private", before.and_then(|d| d.private));
    let Some(public) = public else {
        if private.is_some() {
            reader.wrong("public", "wrong-missing");
        }
        // A director whose address was never known is not removed by saving the page.
        return before.filter(|d| d.public.is_some()).map(|d| (Edit::RemoveDirector(d.name.clone()), index));
    };
    let base = before.cloned().unwrap_or_else(|| blank_director("director-b", Seat::Backup));
    let director = Director { public: Some(public), private, ..base };
    if before == Some(&director) {
        return None;
    }
    Some((Edit::PutDirector { previous: before.map(|d| d.name.clone()), director }, index))
}
