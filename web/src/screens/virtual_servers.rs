//! VIRTUAL SERVERS: the list, EDIT VIRTUAL SERVER, (DE)ACTIVATE, delete.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{Edit, View};
use lvs::Cluster;
use lvs::model::{Id, Monitor, Protocol, Quorum, Scheduler, VirtualServer};

use super::objects::{Asked, Confirm, Outcome, virtual_server};
use super::standing::{self, Standing};
use crate::error::Error;
use crate::fields::Sent;
use crate::forms::choices::{self, Choice};
use crate::forms::{Bound, Form, Reader, VirtualServerForm};
use crate::page::{Page, Tab, see_other, show};
use crate::visit::Member;

#[derive(Template)]
#[template(path = "virtual_servers.html")]
struct ListPage {
    p: Page,
    draft: bool,
    servers: Vec<(VirtualServer, Standing)>,
}

#[derive(Template)]
#[template(path = "virtual_server.html")]
struct EditPage {
    p: Page,
    form: Form,
    etag: String,
    /// None for a new one.
    server: Option<VirtualServer>,
    schedulers: Vec<Choice>,
    families: Vec<Choice>,
    load_monitors: [&'static str; 3],
    sub: &'static str,
}

/// `GET …/virtual-servers`
pub(super) async fn list(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let title = member.locale().say("tab-virtual-servers");
    let p = Page::of_cluster(&member, &cluster, Tab::VirtualServers, title).await?;
    let live = member.console().live(&view.cluster_id).await?;
    let locale = member.locale();
    let stands = |server: VirtualServer| {
        let standing = standing::of_service(locale, &live, &server);
        (server, standing)
    };
    let servers = view.content.virtual_servers.into_iter().map(stands).collect();
    show(StatusCode::OK, &ListPage { p, draft: view.draft, servers })
}

/// A virtual server nobody has described yet, with Piranha's first values.
fn blank() -> VirtualServer {
    VirtualServer {
        id: Id::default(),
        name: String::new(),
        active: true,
        vip: None,
        mark: None,
        marked: Vec::new(),
        family: None,
        protocol: Protocol::Tcp,
        port: 80,
        scheduler: Scheduler::default(),
        scheduler_flags: Default::default(),
        persistence: None,
        one_packet: false,
        quiesce: false,
        quorum: Quorum::default(),
        sorry_server: None,
        monitor: Monitor::default(),
        real_servers: Vec::new(),
        kept: Default::default(),
    }
}

async fn edit_page(
    member: &Member,
    view: &View,
    status: StatusCode,
    form: Form,
    server: Option<&VirtualServer>,
) -> Result<Response, Error> {
    let locale = member.locale();
    let title = match server {
        Some(server) => locale.say("virtual-server-title").with("name", &server.name),
        None => locale.say("virtual-server-new-title"),
    };
    let page = EditPage {
        p: Page::of_cluster(member, &view.cluster_id, Tab::VirtualServers, title).await?,
        form,
        etag: view.etag.clone(),
        server: server.cloned(),
        schedulers: choices::schedulers(locale),
        families: choices::families(locale),
        load_monitors: choices::LOAD_MONITORS,
        sub: "server",
    };
    show(status, &page)
}

/// `GET …/virtual-servers/new`
pub(super) async fn new_form(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    edit_page(&member, &view, StatusCode::OK, VirtualServerForm::showing(&blank()), None).await
}

/// `POST …/virtual-servers/new`
pub(super) async fn add(
    member: Member,
    Path(cluster): Path<String>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let mut reader = Reader::new(VirtualServerForm::KNOWN, &fields, member.locale());
    let server = VirtualServerForm::read(&mut reader, blank());
    let mut content = view.content.clone();
    content.virtual_servers.push(server.clone());
    let pointer = format!("/virtual_servers/{}", view.content.virtual_servers.len());
    let asked = Asked { member: &member, view: &view, fields: &fields, pointers: vec![pointer] };
    match asked.make(reader.finish(), Edit::PutVirtualServer { id: None, server }, &content).await? {
        Outcome::Done(changed) => {
            let id = changed.id.unwrap_or_default();
            Ok(see_other(&format!("/clusters/{cluster}/virtual-servers/{id}/real-servers?done=added")))
        }
        Outcome::Again(form, status) => edit_page(&member, &view, status, *form, None).await,
    }
}

/// `GET …/virtual-servers/{server}`
pub(super) async fn form(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let (index, server) = virtual_server(&view.content, &key)?;
    let mut form = VirtualServerForm::showing(server);
    form.findings(member.locale(), &format!("/virtual_servers/{index}"), &view.content.findings(), false);
    edit_page(&member, &view, StatusCode::OK, form, Some(server)).await
}

/// The cluster with one virtual server replaced.
pub(super) fn with_server(view: &View, index: usize, server: &VirtualServer) -> Cluster {
    let mut content = view.content.clone();
    if let Some(place) = content.virtual_servers.get_mut(index) {
        server.clone_into(place);
    }
    content
}

/// `POST …/virtual-servers/{server}`
pub(super) async fn save(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let (index, old) = virtual_server(&view.content, &key)?;
    let mut reader = Reader::new(VirtualServerForm::KNOWN, &fields, member.locale());
    let server = VirtualServerForm::read(&mut reader, old.clone());
    let content = with_server(&view, index, &server);
    let edit = Edit::PutVirtualServer { id: Some(Id(key.clone())), server };
    let pointer = format!("/virtual_servers/{index}");
    let asked = Asked { member: &member, view: &view, fields: &fields, pointers: vec![pointer] };
    match asked.make(reader.finish(), edit, &content).await? {
        Outcome::Done(_) => Ok(see_other(&format!("/clusters/{cluster}/virtual-servers/{key}?done=saved"))),
        Outcome::Again(form, status) => edit_page(&member, &view, status, *form, Some(old)).await,
    }
}

/// `POST …/virtual-servers/{server}/active`: (DE)ACTIVATE.
pub(super) async fn switch(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let active = fields.get("active") == "yes";
    let edit = Edit::SetActive { virtual_server: Id(key), real_server: None, active };
    member.console().change(&member.actor, &cluster, edit, None).await?;
    let done = if active { "activated-server" } else { "deactivated-server" };
    Ok(see_other(&format!("/clusters/{cluster}/virtual-servers?done={done}")))
}

/// `GET …/virtual-servers/{server}/delete`
pub(super) async fn delete_form(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let (_, server) = virtual_server(&view.content, &key)?;
    let locale = member.locale();
    let question = locale.say("virtual-server-delete-question").with("name", &server.name);
    let consequence =
        locale.say("virtual-server-delete-consequence").with("count", server.real_servers.len());
    let title = locale.say("virtual-server-delete-title");
    Confirm {
        p: Page::of_cluster(&member, &cluster, Tab::VirtualServers, title).await?,
        question: question.to_string(),
        consequence: consequence.to_string(),
        button: locale.say("delete").to_string(),
        action: format!("/clusters/{cluster}/virtual-servers/{key}/delete"),
        back: format!("/clusters/{cluster}/virtual-servers"),
    }
    .page()
}

/// `POST …/virtual-servers/{server}/delete`
pub(super) async fn delete(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
) -> Result<Response, Error> {
    member.console().change(&member.actor, &cluster, Edit::RemoveVirtualServer(Id(key)), None).await?;
    Ok(see_other(&format!("/clusters/{cluster}/virtual-servers?done=deleted")))
}
