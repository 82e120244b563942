//! What several screens share: the question before something is deleted, and the object a path names.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use console::{ChangeError, Changed, Edit, Missing, Thing, View};
use lvs::Cluster;
use lvs::model::{Director, Id, RealServer, VirtualServer};

use crate::error::Error;
use crate::fields::Fields;
use crate::forms::Form;
use crate::page::{Page, show};
use crate::visit::Member;

/// A page that asks before something is lost.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(super) struct Confirm {
    pub(super) p: Page,
    pub(super) question: String,
    pub(super) consequence: String,
    pub(super) button: String,
    pub(super) action: String,
    pub(super) back: String,
}

impl Confirm {
    pub(super) fn page(mut self) -> Result<Response, Error> {
        self.p = self.p.narrow();
        show(StatusCode::OK, &self)
    }
}

/// The virtual server of that id or unique name, with its place in the list.
pub(crate) fn virtual_server<'a>(
    content: &'a Cluster,
    key: &str,
) -> Result<(usize, &'a VirtualServer), Error> {
    let servers = &content.virtual_servers;
    find(servers, |s| &s.id, |s| &s.name, key).ok_or_else(|| missing(Thing::VirtualServer, key))
}

/// The real server of that id or unique name, with its place in the list.
pub(crate) fn real_server<'a>(
    server: &'a VirtualServer,
    key: &str,
) -> Result<(usize, &'a RealServer), Error> {
    find(&server.real_servers, |s| &s.id, |s| &s.name, key).ok_or_else(|| missing(Thing::RealServer, key))
}

/// The director of that name, with its place in the list.
pub(crate) fn director<'a>(content: &'a Cluster, name: &str) -> Result<(usize, &'a Director), Error> {
    let found = content.directors.iter().enumerate().find(|(_, d)| d.name == name);
    found.ok_or_else(|| missing(Thing::Director, name))
}

fn find<'a, T>(
    list: &'a [T],
    id: impl Fn(&T) -> &Id,
    name: impl Fn(&T) -> &str,
    key: &str,
) -> Option<(usize, &'a T)> {
    let by_id = list.iter().enumerate().find(|(_, item)| !id(item).is_unset() && id(item).0 == key);
    by_id.or_else(|| list.iter().enumerate().find(|(_, item)| name(item) == key))
}

fn missing(thing: Thing, name: &str) -> Error {
    Error::Missing(Missing { thing, name: name.to_owned() })
}

/// What became of a form.
pub(super) enum Outcome {
    /// The draft has it.
    Done(Box<Changed>),
    /// Not taken; the form says why.
    Again(Box<Form>, StatusCode),
}

/// An edit that a form asks for.
pub(super) struct Asked<'a> {
    pub(super) member: &'a Member,
    pub(super) view: &'a View,
    /// What was typed; `etag` says which state it was typed for.
    pub(super) fields: &'a Fields,
    /// JSON pointers of the objects that are written.
    pub(super) pointers: Vec<String>,
}

impl Asked<'_> {
    /// Makes the edit, unless the form could not be read. `content` is the cluster as the edit would leave it: with
    /// it a form that could not be read is told everything else that is wrong as well.
    pub(super) async fn make(&self, mut form: Form, edit: Edit, content: &Cluster) -> Result<Outcome, Error> {
        let locale = self.member.locale();
        if form.failed() {
            form.findings_about(locale, &self.pointers, &content.findings(), false);
            return Ok(Outcome::Again(Box::new(form), StatusCode::UNPROCESSABLE_ENTITY));
        }
        let etag = Some(self.fields.get("etag")).filter(|e| !e.is_empty());
        let console = self.member.console();
        match console.change(&self.member.actor, &self.view.cluster_id, edit, etag).await {
            Ok(changed) => Ok(Outcome::Done(Box::new(changed))),
            Err(ChangeError::Invalid(findings)) => {
                form.findings_about(locale, &self.pointers, &findings, true);
                Ok(Outcome::Again(Box::new(form), StatusCode::UNPROCESSABLE_ENTITY))
            }
            Err(ChangeError::Stale { .. }) => {
                form.error("", locale.say("wrong-stale"));
                Ok(Outcome::Again(Box::new(form), StatusCode::CONFLICT))
            }
            Err(other) => Err(other.into()),
        }
    }
}
