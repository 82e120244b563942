//! GLOBAL SETTINGS: the primary director's addresses, forwarding, NAT router, session timeouts, host set-up.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{Edit, View};
use lvs::model::{Director, Seat};

use super::objects::{Asked, Outcome};
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::choices::{self, Choice};
use crate::forms::{Bound, Form, GlobalForm, Reader, blank_director};
use crate::page::{Page, Tab, see_other, show};
use crate::visit::Member;

#[derive(Template)]
#[template(path = "global.html")]
struct EditPage {
    p: Page,
    form: Form,
    etag: String,
    forwardings: Vec<Choice>,
    drifts: Vec<Choice>,
    switches: Vec<Choice>,
    primary: Option<String>,
}

/// The director in that seat, with its place in the list.
pub(super) fn seated(view: &View, seat: Seat) -> Option<(usize, &Director)> {
    view.content.directors.iter().enumerate().find(|(_, d)| d.seat == seat)
}

/// The texts with the two addresses of a director.
pub(super) fn with_addresses(fields: Fields, director: Option<&Director>) -> Fields {
    fields
        .with_some("public", director.and_then(|d| d.public))
        .with_some("private", director.and_then(|d| d.private))
}

/// Says the findings about the director in that seat at the two fields of its addresses.
pub(super) fn about_director(form: &mut Form, member: &Member, view: &View, seat: Seat) {
    if let Some((index, _)) = seated(view, seat) {
        let findings = view.content.findings();
        let addresses = ["public", "private"].map(|f| format!("/directors/{index}/{f}"));
        let about: Vec<_> =
            findings.into_iter().filter(|f| addresses.iter().any(|a| f.pointer() == Some(a))).collect();
        form.findings(member.locale(), &format!("/directors/{index}"), &about, false);
    }
}

async fn page(member: &Member, view: &View, (status, form): (StatusCode, Form)) -> Result<Response, Error> {
    let locale = member.locale();
    let page = EditPage {
        p: Page::of_cluster(member, &view.cluster_id, Tab::Global, locale.say("tab-global")).await?,
        form,
        etag: view.etag.clone(),
        forwardings: choices::forwardings(locale, None),
        drifts: choices::drifts(locale),
        switches: choices::switches(locale),
        primary: seated(view, Seat::Primary).map(|(_, d)| d.name.clone()),
    };
    show(status, &page)
}

/// `GET …/global`
pub(super) async fn form(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let primary = seated(&view, Seat::Primary).map(|(_, d)| d);
    let mut form =
        Form::new(GlobalForm::KNOWN, with_addresses(GlobalForm::texts(&view.content.global), primary));
    form.findings(member.locale(), "/global", &view.content.findings(), false);
    about_director(&mut form, &member, &view, Seat::Primary);
    page(&member, &view, (StatusCode::OK, form)).await
}

/// `POST …/global`: the settings and the director's addresses, as one edit of the draft.
pub(super) async fn save(
    member: Member,
    Path(cluster): Path<String>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let mut reader = Reader::new(GlobalForm::KNOWN, &fields, member.locale());
    let global = GlobalForm::read(&mut reader, view.content.global.clone());
    let old = seated(&view, Seat::Primary);
    let before = old.map_or_else(|| blank_director("director-a", Seat::Primary), |(_, d)| d.clone());
    let director = Director {
        public: reader.address("public", before.public),
        private: reader.address("private", before.private),
        ..before
    };
    let mut content = view.content.clone();
    content.global = global.clone();
    let mut edits = vec![Edit::Global(global)];
    let mut pointers = vec!["/global".to_owned()];
    // What was wrong with a director before does not hold the settings up.
    if old.map(|(_, d)| d) != Some(&director) {
        let index = old.map_or(content.directors.len(), |(index, _)| index);
        match content.directors.get_mut(index) {
            Some(place) => place.clone_from(&director),
            None => content.directors.push(director.clone()),
        }
        edits.push(Edit::PutDirector { previous: old.map(|(_, d)| d.name.clone()), director });
        pointers.push(format!("/directors/{index}"));
    }
    let asked = Asked { member: &member, view: &view, fields: &fields, pointers };
    match asked.make(reader.finish(), Edit::Together(edits), &content).await? {
        Outcome::Done(_) => Ok(see_other(&format!("/clusters/{cluster}/global?done=saved"))),
        Outcome::Again(form, status) => page(&member, &view, (status, *form)).await,
    }
}
