//! EDIT MONITORING SCRIPTS of one virtual server, and of one real server that has checks of its own.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{Edit, View};
use lvs::model::{Id, Monitor, Question, RealServer, VirtualServer};

use super::objects::{Asked, Outcome, real_server, virtual_server};
use super::real_servers::with_real;
use super::virtual_servers::with_server;
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::choices;
use crate::forms::{Bound, Form, OwnScriptsForm, Press, Reader, ScriptsForm, with_check, without_secrets};
use crate::page::{Page, Tab, keep_address, see_other, show};
use crate::visit::Member;

#[derive(Template)]
#[template(path = "scripts.html")]
struct EditPage {
    p: Page,
    form: Form,
    etag: String,
    server: VirtualServer,
    /// The real server whose own checks these are; none for those of the virtual server.
    real: Option<RealServer>,
    load_monitors: [&'static str; 3],
    sub: &'static str,
}

impl EditPage {
    /// Where the form goes.
    fn path(&self) -> String {
        let server = format!("{}/virtual-servers/{}", self.p.base(), self.server.id);
        match &self.real {
            Some(real) => format!("{server}/real-servers/{}/scripts", real.id),
            None => format!("{server}/scripts"),
        }
    }

    /// Where one goes back to.
    fn back(&self) -> String {
        self.path().strip_suffix("/scripts").map(ToOwned::to_owned).unwrap_or_default()
    }
}

/// What the page is about.
struct Subject<'a> {
    view: &'a View,
    server: &'a VirtualServer,
    real: Option<&'a RealServer>,
}

async fn page(
    member: &Member,
    subject: Subject<'_>,
    (status, form): (StatusCode, Form),
) -> Result<Response, Error> {
    let locale = member.locale();
    // What is shown again never holds a secret that was typed.
    let form = form.changed(without_secrets, || locale.say("password-again"));
    let title = match subject.real {
        Some(real) => locale.say("own-scripts-title").with("name", &real.name),
        None => locale.say("scripts-title").with("name", &subject.server.name),
    };
    let page = EditPage {
        p: Page::of_cluster(member, &subject.view.cluster_id, Tab::VirtualServers, title).await?,
        form,
        etag: subject.view.etag.clone(),
        server: subject.server.clone(),
        real: subject.real.cloned(),
        load_monitors: choices::LOAD_MONITORS,
        sub: if subject.real.is_some() { "real" } else { "scripts" },
    };
    show(status, &page)
}

/// The form with a row more or less, where that was asked for; nothing is saved by it.
fn arranged(fields: &Fields, known: &'static [&'static str]) -> Result<Form, Fields> {
    match Press::of(fields, &["checks"]) {
        (Press::Accept, fields) => Err(fields),
        (Press::Removed, fields) => Ok(Form::new(known, fields)),
        (Press::Add(_), fields) => Ok(Form::new(known, with_check(fields, &Question::Connect.into()))),
    }
}

/// `GET …/scripts`
pub(super) async fn form(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let (index, server) = virtual_server(&view.content, &key)?;
    let mut form = ScriptsForm::showing(&server.monitor);
    let pointer = format!("/virtual_servers/{index}/monitor");
    form.findings(member.locale(), &pointer, &view.content.findings(), false);
    page(&member, Subject { view: &view, server, real: None }, (StatusCode::OK, form)).await
}

/// `POST …/scripts`
pub(super) async fn save(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let (index, old) = virtual_server(&view.content, &key)?;
    let subject = Subject { view: &view, server: old, real: None };
    let fields = match arranged(&fields, ScriptsForm::KNOWN) {
        Ok(form) => return Ok(keep_address(page(&member, subject, (StatusCode::OK, form)).await?)),
        Err(fields) => fields,
    };
    let mut reader = Reader::new(ScriptsForm::KNOWN, &fields, member.locale());
    let monitor = ScriptsForm::read(&mut reader, old.monitor.clone());
    let server = VirtualServer { monitor, ..old.clone() };
    let content = with_server(&view, index, &server);
    let edit = Edit::PutVirtualServer { id: Some(Id(key.clone())), server };
    let pointer = format!("/virtual_servers/{index}/monitor");
    let asked = Asked { member: &member, view: &view, fields: &fields, pointers: vec![pointer] };
    match asked.make(reader.finish(), edit, &content).await? {
        Outcome::Done(_) => {
            Ok(see_other(&format!("/clusters/{cluster}/virtual-servers/{key}/scripts?done=saved")))
        }
        Outcome::Again(form, status) => page(&member, subject, (status, *form)).await,
    }
}

/// Whether a real server has its own checks, and what they are; without own ones, what they would begin as.
fn own(server: &VirtualServer, real: &RealServer) -> (bool, Monitor) {
    (real.monitor.is_some(), real.monitor.clone().unwrap_or_else(|| server.monitor.clone()))
}

/// `GET …/real-servers/{real}/scripts`
pub(super) async fn own_form(
    member: Member,
    Path((cluster, key, real)): Path<(String, String, String)>,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let (at, server) = virtual_server(&view.content, &key)?;
    let (index, real) = real_server(server, &real)?;
    let mut form = OwnScriptsForm::showing(&own(server, real));
    let pointer = format!("/virtual_servers/{at}/real_servers/{index}/monitor");
    form.findings(member.locale(), &pointer, &view.content.findings(), false);
    page(&member, Subject { view: &view, server, real: Some(real) }, (StatusCode::OK, form)).await
}

/// `POST …/real-servers/{real}/scripts`
pub(super) async fn own_save(
    member: Member,
    Path((cluster, key, real_key)): Path<(String, String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let (at, server) = virtual_server(&view.content, &key)?;
    let (index, old) = real_server(server, &real_key)?;
    let subject = Subject { view: &view, server, real: Some(old) };
    let fields = match arranged(&fields, OwnScriptsForm::KNOWN) {
        Ok(form) => return Ok(keep_address(page(&member, subject, (StatusCode::OK, form)).await?)),
        Err(fields) => fields,
    };
    let mut reader = Reader::new(OwnScriptsForm::KNOWN, &fields, member.locale());
    let (has_own, monitor) = OwnScriptsForm::read(&mut reader, own(server, old));
    let real = RealServer { monitor: has_own.then_some(monitor), ..old.clone() };
    let content = with_real(&view, at, Some(index), &real);
    let pointer = format!("/virtual_servers/{at}/real_servers/{index}/monitor");
    let id = Some(Id(real_key.clone()));
    let edit = Edit::PutRealServer { virtual_server: Id(key.clone()), id, server: real };
    let asked = Asked { member: &member, view: &view, fields: &fields, pointers: vec![pointer] };
    match asked.make(reader.finish(), edit, &content).await? {
        Outcome::Done(_) => Ok(see_other(&format!(
            "/clusters/{cluster}/virtual-servers/{key}/real-servers/{real_key}/scripts?done=saved"
        ))),
        Outcome::Again(form, status) => page(&member, subject, (status, *form)).await,
    }
}
