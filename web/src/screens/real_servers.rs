//! REAL SERVER: the list of one virtual server, EDIT REAL SERVER, (DE)ACTIVATE, delete.

use std::net::{IpAddr, Ipv4Addr};

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{Edit, View};
use lvs::Cluster;
use lvs::model::{Id, RealServer, VirtualServer, Weight};

use super::objects::{Asked, Confirm, Outcome, real_server, virtual_server};
use super::standing::{self, Standing};
use crate::error::Error;
use crate::fields::Sent;
use crate::forms::choices::{self, Choice};
use crate::forms::{Bound, Form, Reader, RealServerForm};
use crate::page::{Page, Tab, see_other, show};
use crate::visit::Member;

#[derive(Template)]
#[template(path = "real_servers.html")]
struct ListPage {
    p: Page,
    server: VirtualServer,
    reals: Vec<(RealServer, Standing)>,
    /// The forwarding of real servers that name none.
    forwarding: &'static str,
    sub: &'static str,
}

#[derive(Template)]
#[template(path = "real_server.html")]
struct EditPage {
    p: Page,
    form: Form,
    etag: String,
    server: VirtualServer,
    /// None for a new one.
    real: Option<RealServer>,
    forwardings: Vec<Choice>,
    sub: &'static str,
}

/// `GET …/real-servers`
pub(super) async fn list(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let (_, server) = virtual_server(&view.content, &key)?;
    let title = member.locale().say("real-servers-title").with("name", &server.name);
    let live = member.console().live(&view.cluster_id).await?;
    let stands = |real: &RealServer| (real.clone(), standing::of_real(member.locale(), &live, server, real));
    let page = ListPage {
        reals: server.real_servers.iter().map(stands).collect(),
        p: Page::of_cluster(&member, &cluster, Tab::VirtualServers, title).await?,
        server: server.clone(),
        forwarding: view.content.global.forwarding.as_str(),
        sub: "real",
    };
    show(StatusCode::OK, &page)
}

fn blank() -> RealServer {
    RealServer {
        id: Id::default(),
        name: String::new(),
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        port: None,
        active: true,
        weight: Weight::default(),
        forwarding: None,
        backup: false,
        quiesce: None,
        limit: None,
        monitor: None,
        kept: Default::default(),
    }
}

/// What the edit page is about.
struct Subject<'a> {
    view: &'a View,
    server: &'a VirtualServer,
    real: Option<&'a RealServer>,
}

async fn edit_page(
    member: &Member,
    subject: Subject<'_>,
    status: StatusCode,
    form: Form,
) -> Result<Response, Error> {
    let locale = member.locale();
    let title = match subject.real {
        Some(real) => locale.say("real-server-title").with("name", &real.name),
        None => locale.say("real-server-new-title").with("server", &subject.server.name),
    };
    let inherited = subject.view.content.global.forwarding.as_str();
    let page = EditPage {
        p: Page::of_cluster(member, &subject.view.cluster_id, Tab::VirtualServers, title).await?,
        form,
        etag: subject.view.etag.clone(),
        server: subject.server.clone(),
        real: subject.real.cloned(),
        forwardings: choices::forwardings(locale, Some(inherited)),
        sub: "real",
    };
    show(status, &page)
}

/// `GET …/real-servers/new`
pub(super) async fn new_form(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let (_, server) = virtual_server(&view.content, &key)?;
    let subject = Subject { view: &view, server, real: None };
    edit_page(&member, subject, StatusCode::OK, RealServerForm::showing(&blank())).await
}

/// The cluster with a real server put in: replaced, or added at the end.
pub(super) fn with_real(view: &View, server: usize, real: Option<usize>, value: &RealServer) -> Cluster {
    let mut content = view.content.clone();
    if let Some(server) = content.virtual_servers.get_mut(server) {
        match real.and_then(|index| server.real_servers.get_mut(index)) {
            Some(place) => value.clone_into(place),
            None => server.real_servers.push(value.clone()),
        }
    }
    content
}

/// `POST …/real-servers/new`
pub(super) async fn add(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let (at, server) = virtual_server(&view.content, &key)?;
    let mut reader = Reader::new(RealServerForm::KNOWN, &fields, member.locale());
    let real = RealServerForm::read(&mut reader, blank());
    let content = with_real(&view, at, None, &real);
    let pointer = format!("/virtual_servers/{at}/real_servers/{}", server.real_servers.len());
    let edit = Edit::PutRealServer { virtual_server: Id(key.clone()), id: None, server: real };
    let asked = Asked { member: &member, view: &view, fields: &fields, pointers: vec![pointer] };
    match asked.make(reader.finish(), edit, &content).await? {
        Outcome::Done(_) => {
            Ok(see_other(&format!("/clusters/{cluster}/virtual-servers/{key}/real-servers?done=added")))
        }
        Outcome::Again(form, status) => {
            edit_page(&member, Subject { view: &view, server, real: None }, status, *form).await
        }
    }
}

/// `GET …/real-servers/{real}`
pub(super) async fn form(
    member: Member,
    Path((cluster, key, real)): Path<(String, String, String)>,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let (at, server) = virtual_server(&view.content, &key)?;
    let (index, real) = real_server(server, &real)?;
    let mut form = RealServerForm::showing(real);
    let pointer = format!("/virtual_servers/{at}/real_servers/{index}");
    form.findings(member.locale(), &pointer, &view.content.findings(), false);
    edit_page(&member, Subject { view: &view, server, real: Some(real) }, StatusCode::OK, form).await
}

/// `POST …/real-servers/{real}`
pub(super) async fn save(
    member: Member,
    Path((cluster, key, real_key)): Path<(String, String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let (at, server) = virtual_server(&view.content, &key)?;
    let (index, old) = real_server(server, &real_key)?;
    let mut reader = Reader::new(RealServerForm::KNOWN, &fields, member.locale());
    let real = RealServerForm::read(&mut reader, old.clone());
    let content = with_real(&view, at, Some(index), &real);
    let pointer = format!("/virtual_servers/{at}/real_servers/{index}");
    let edit = Edit::PutRealServer { virtual_server: Id(key.clone()), id: Some(Id(real_key)), server: real };
    let asked = Asked { member: &member, view: &view, fields: &fields, pointers: vec![pointer] };
    match asked.make(reader.finish(), edit, &content).await? {
        Outcome::Done(_) => {
            Ok(see_other(&format!("/clusters/{cluster}/virtual-servers/{key}/real-servers?done=saved")))
        }
        Outcome::Again(form, status) => {
            edit_page(&member, Subject { view: &view, server, real: Some(old) }, status, *form).await
        }
    }
}

/// `POST …/real-servers/{real}/active`: (DE)ACTIVATE.
pub(super) async fn switch(
    member: Member,
    Path((cluster, key, real)): Path<(String, String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let active = fields.get("active") == "yes";
    let edit = Edit::SetActive { virtual_server: Id(key.clone()), real_server: Some(Id(real)), active };
    member.console().change(&member.actor, &cluster, edit, None).await?;
    let done = if active { "activated-server" } else { "deactivated-server" };
    Ok(see_other(&format!("/clusters/{cluster}/virtual-servers/{key}/real-servers?done={done}")))
}

/// `GET …/real-servers/{real}/delete`
pub(super) async fn delete_form(
    member: Member,
    Path((cluster, key, real_key)): Path<(String, String, String)>,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let (_, server) = virtual_server(&view.content, &key)?;
    let (_, real) = real_server(server, &real_key)?;
    let locale = member.locale();
    let question =
        locale.say("real-server-delete-question").with("name", &real.name).with("server", &server.name);
    let title = locale.say("real-server-delete-title");
    let list = format!("/clusters/{cluster}/virtual-servers/{key}/real-servers");
    Confirm {
        p: Page::of_cluster(&member, &cluster, Tab::VirtualServers, title).await?,
        question: question.to_string(),
        consequence: locale.say("delete-is-draft").to_string(),
        button: locale.say("delete").to_string(),
        action: format!("{list}/{real_key}/delete"),
        back: list,
    }
    .page()
}

/// `POST …/real-servers/{real}/delete`
pub(super) async fn delete(
    member: Member,
    Path((cluster, key, real)): Path<(String, String, String)>,
) -> Result<Response, Error> {
    let edit = Edit::RemoveRealServer { virtual_server: Id(key.clone()), id: Id(real) };
    member.console().change(&member.actor, &cluster, edit, None).await?;
    Ok(see_other(&format!("/clusters/{cluster}/virtual-servers/{key}/real-servers?done=deleted")))
}
