//! TOPOLOGY: the cluster as a picture, and the same as a table.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use lvs::Cluster;

use crate::error::Error;
use crate::page::{Page, Tab, show};
use crate::topology::Topology;
use crate::visit::Member;

#[derive(Template)]
#[template(path = "topology.html")]
struct TopologyPage {
    p: Page,
    picture: Topology,
    /// Whether it is made anew by itself.
    live: bool,
}

/// `GET …/topology`
pub(super) async fn page(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let locale = member.locale();
    let view = member.console().cluster(&cluster).await?;
    let live = member.console().live(&view.id).await?;
    let nothing = Cluster::default();
    let content = view.running.as_ref().map_or(&nothing, |running| &running.content);
    let picture = Topology::of(locale, &format!("/clusters/{}", view.id), content, &live);
    let p = Page::of_cluster(&member, &cluster, Tab::Monitoring, locale.say("topology-title")).await?;
    show(StatusCode::OK, &TopologyPage { p, picture, live: member.visit.query.get("live") != "off" })
}
