//! EDIT MONITORING SCRIPTS of one virtual server.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{Edit, View};
use lvs::model::{Id, VirtualServer};

use super::objects::{Asked, Outcome, virtual_server};
use super::virtual_servers::with_server;
use crate::error::Error;
use crate::fields::Sent;
use crate::forms::{Bound, Form, Reader, ScriptsForm};
use crate::page::{Page, Tab, see_other, show};
use crate::visit::Member;

#[derive(Template)]
#[template(path = "scripts.html")]
struct EditPage {
    p: Page,
    form: Form,
    etag: String,
    server: VirtualServer,
    sub: &'static str,
}

async fn page(
    member: &Member,
    view: &View,
    server: &VirtualServer,
    (status, form): (StatusCode, Form),
) -> Result<Response, Error> {
    let title = member.language().say("scripts-title").with("name", &server.name);
    let page = EditPage {
        p: Page::of_cluster(member, &view.cluster_id, Tab::VirtualServers, title).await?,
        form,
        etag: view.etag.clone(),
        server: server.clone(),
        sub: "scripts",
    };
    show(status, &page)
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
    form.findings(member.language(), &pointer, &view.content.findings(), false);
    page(&member, &view, server, (StatusCode::OK, form)).await
}

/// `POST …/scripts`
pub(super) async fn save(
    member: Member,
    Path((cluster, key)): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let view = member.console().view(&member.actor, &cluster).await?;
    let (index, old) = virtual_server(&view.content, &key)?;
    let mut reader = Reader::new(ScriptsForm::KNOWN, &fields, member.language());
    let monitor = ScriptsForm::read(&mut reader, old.monitor.clone());
    let server = VirtualServer { monitor, ..old.clone() };
    let content = with_server(&view, index, &server);
    let edit = Edit::PutVirtualServer { id: Some(Id(key.clone())), server };
    let pointer = format!("/virtual_servers/{index}/monitor");
    let asked = Asked { member: &member, view: &view, fields: &fields, pointer };
    match asked.make(reader.finish(), edit, &content).await? {
        Outcome::Done(_) => {
            Ok(see_other(&format!("/clusters/{cluster}/virtual-servers/{key}/scripts?done=saved")))
        }
        Outcome::Again(form, status) => page(&member, &view, old, (status, *form)).await,
    }
}
