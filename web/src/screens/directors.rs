//! Directors: where they are, what they report, their certificates; add, change, remove.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{DirectorView, Edit, View};
use lvs::Cluster;
use lvs::model::{Director, Seat};

use super::drift::Kernel;
use super::heartbeat::Beats;
use super::monitoring::DirectorCard;
use super::objects::{Asked, Confirm, Outcome, director};
use crate::error::Error;
use crate::fields::Sent;
use crate::forms::{Bound, DirectorForm, Form, Reader, blank_director};
use crate::locale::Locale;
use crate::page::{Page, Tab, see_other, show};
use crate::visit::Member;

/// A director with what it reports.
pub(super) struct Row {
    pub(super) view: DirectorView,
    pub(super) card: Option<DirectorCard>,
    /// What its heartbeat decides and sees; none where the seat alone decides.
    pub(super) beats: Option<Beats>,
}

impl Row {
    /// What its kernel holds besides what runs.
    pub(super) fn kernel(&self, locale: &Locale) -> Option<Kernel> {
        self.view.live.as_ref().map(|live| Kernel::of(*locale, live))
    }

    fn new(member: &Member, view: DirectorView) -> Self {
        let card = view.live.as_ref().map(|live| DirectorCard::of(member.locale(), live));
        let beats = view.live.as_ref().and_then(|live| Beats::of(member.locale(), live));
        Row { view, card, beats }
    }
}

#[derive(Template)]
#[template(path = "directors.html")]
struct ListPage {
    p: Page,
    rows: Vec<Row>,
    /// Whether there is a free seat.
    room: bool,
}

#[derive(Template)]
#[template(path = "director.html")]
pub(super) struct EditPage {
    pub(super) p: Page,
    pub(super) form: Form,
    etag: String,
    /// None while it is being added.
    pub(super) row: Option<Row>,
    /// Whether the configuration names it; an enrolled director may be left over.
    configured: bool,
    /// A join token just made.
    pub(super) joining: Option<Joining>,
    /// Why an order was not followed, and what to do.
    refused: Option<NotFollowed>,
}

/// An order that a director did not follow.
pub(super) struct NotFollowed {
    pub(super) reason: String,
    /// What the operator can do.
    pub(super) hint: Option<String>,
}

/// What one needs to let a director join; shown once.
pub(super) struct Joining {
    pub(super) command: String,
    pub(super) expires: String,
    pub(super) fingerprint: String,
    /// The command names an address that only this machine has.
    pub(super) local: bool,
}

/// Directors with the places the caller works on: those of the draft, where there is one. One that the draft no
/// longer names has no seat.
pub(crate) fn as_drafted(views: Vec<DirectorView>, content: &Cluster) -> Vec<DirectorView> {
    let placed = |mut view: DirectorView| {
        let drafted = content.directors.iter().find(|d| d.name == view.name);
        view.seat = drafted.map(|d| d.seat);
        view.public = drafted.and_then(|d| d.public).or(view.public);
        view.private = drafted.map_or(view.private, |d| d.private);
        view
    };
    views.into_iter().map(placed).collect()
}

/// `GET …/directors`
pub(super) async fn list(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let title = member.locale().say("tab-directors");
    let p = Page::of_cluster(&member, &cluster, Tab::Directors, title).await?;
    let content = member.console().view(&member.actor, &cluster).await?.content;
    let views = member.console().directors(&member.actor, &cluster).await?;
    let views = as_drafted(views, &content);
    let rows = views.into_iter().map(|view| Row::new(&member, view)).collect();
    show(StatusCode::OK, &ListPage { p, rows, room: content.directors.len() < 2 })
}

/// What the edit page shows besides its form.
pub(super) struct Shown<'a> {
    pub(super) view: &'a View,
    /// The director's name; none while it is being added.
    pub(super) name: Option<&'a str>,
    pub(super) joining: Option<Joining>,
    pub(super) refused: Option<NotFollowed>,
}

pub(super) async fn page(
    member: &Member,
    shown: Shown<'_>,
    status: StatusCode,
    form: Form,
) -> Result<Response, Error> {
    let locale = member.locale();
    let cluster = &shown.view.cluster_id;
    let title = match shown.name {
        Some(name) => locale.say("director-title").with("name", name),
        None => locale.say("director-new-title"),
    };
    let row = match shown.name {
        Some(name) => {
            let views = member.console().directors(&member.actor, cluster).await?;
            views.into_iter().find(|v| v.name == name).map(|view| Row::new(member, view))
        }
        None => None,
    };
    let configured = shown.name.is_none_or(|name| director(&shown.view.content, name).is_ok());
    let page = EditPage {
        p: Page::of_cluster(member, cluster, Tab::Directors, title).await?,
        form,
        etag: shown.view.etag.clone(),
        row,
        configured,
        joining: shown.joining,
        refused: shown.refused,
    };
    show(status, &page)
}

/// `GET …/directors/new`: the free seat, and a name of Caribe's.
pub(super) async fn new_form(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let primary = view.content.directors.iter().any(|d| d.seat == Seat::Primary);
    let blank = match primary {
        true => blank_director("director-b", Seat::Backup),
        false => blank_director("director-a", Seat::Primary),
    };
    let shown = Shown { view: &view, name: None, joining: None, refused: None };
    page(&member, shown, StatusCode::OK, DirectorForm::showing(&blank)).await
}

/// `POST …/directors/new`
pub(super) async fn add(
    member: Member,
    Path(cluster): Path<String>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let mut reader = Reader::new(DirectorForm::KNOWN, &fields, member.locale());
    let director = DirectorForm::read(&mut reader, blank_director("", Seat::Primary));
    let pointer = format!("/directors/{}", view.content.directors.len());
    let mut content = view.content.clone();
    content.directors.push(director.clone());
    let name = director.name.clone();
    let asked = Asked { member: &member, view: &view, fields: &fields, pointers: vec![pointer] };
    match asked.make(reader.finish(), Edit::PutDirector { previous: None, director }, &content).await? {
        Outcome::Done(_) => Ok(see_other(&format!("/clusters/{cluster}/directors/{name}?done=added"))),
        Outcome::Again(form, status) => {
            page(&member, Shown { view: &view, name: None, joining: None, refused: None }, status, *form)
                .await
        }
    }
}

/// The form of a director as it is in the caller's view, with the address it is dialled at.
pub(super) async fn showing(member: &Member, view: &View, name: &str) -> Result<Form, Error> {
    let views = member.console().directors(&member.actor, &view.cluster_id).await?;
    let known = views.iter().find(|v| v.name == name);
    let Ok((index, configured)) = director(&view.content, name) else {
        let known = known.ok_or_else(|| {
            Error::Missing(console::Missing { thing: console::Thing::Director, name: name.to_owned() })
        })?;
        let texts =
            crate::fields::Fields::default().with("name", name).with_some("dial", known.dial.as_ref());
        return Ok(Form::new(DirectorForm::KNOWN, texts));
    };
    let dial = known.and_then(|v| v.dial.as_ref());
    let mut form = Form::new(DirectorForm::KNOWN, DirectorForm::texts(configured).with_some("dial", dial));
    form.findings(member.locale(), &format!("/directors/{index}"), &view.content.findings(), false);
    Ok(form)
}

/// `GET …/directors/{director}`
pub(super) async fn form(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let form = showing(&member, &view, &name).await?;
    page(
        &member,
        Shown { view: &view, name: Some(&name), joining: None, refused: None },
        StatusCode::OK,
        form,
    )
    .await
}

/// `POST …/directors/{director}`: its place in the configuration, through the draft.
pub(super) async fn save(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let (index, old) = director(&view.content, &name)?;
    let mut reader = Reader::new(DirectorForm::KNOWN, &fields, member.locale());
    let changed: Director = DirectorForm::read(&mut reader, old.clone());
    let mut content = view.content.clone();
    if let Some(place) = content.directors.get_mut(index) {
        changed.clone_into(place);
    }
    let to = changed.name.clone();
    let edit = Edit::PutDirector { previous: Some(name.clone()), director: changed };
    let pointer = format!("/directors/{index}");
    let asked = Asked { member: &member, view: &view, fields: &fields, pointers: vec![pointer] };
    match asked.make(reader.finish(), edit, &content).await? {
        Outcome::Done(_) => Ok(see_other(&format!("/clusters/{cluster}/directors/{to}?done=saved"))),
        Outcome::Again(form, status) => {
            page(
                &member,
                Shown { view: &view, name: Some(&name), joining: None, refused: None },
                status,
                *form,
            )
            .await
        }
    }
}

/// `GET …/directors/{director}/delete`
pub(super) async fn delete_form(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    director(&view.content, &name)?;
    let locale = member.locale();
    Confirm {
        p: Page::of_cluster(&member, &cluster, Tab::Directors, locale.say("director-delete-title")).await?,
        question: locale.say("director-delete-question").with("name", &name).to_string(),
        consequence: locale.say("director-delete-consequence").to_string(),
        button: locale.say("delete").to_string(),
        action: format!("/clusters/{cluster}/directors/{name}/delete"),
        back: format!("/clusters/{cluster}/directors"),
    }
    .page()
}

/// `POST …/directors/{director}/delete`
pub(super) async fn delete(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
) -> Result<Response, Error> {
    member.console().change(&member.actor, &cluster, Edit::RemoveDirector(name), None).await?;
    Ok(see_other(&format!("/clusters/{cluster}/directors?done=deleted")))
}
