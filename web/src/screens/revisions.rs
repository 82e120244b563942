//! REVISIONS: what ran, since when, by whom.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::RevisionSummary;

use crate::error::Error;
use crate::page::{Page, Tab, short, show};
use crate::visit::Member;

/// One line of the list.
struct Row {
    summary: RevisionSummary,
    author: String,
    running: bool,
}

#[derive(Template)]
#[template(path = "revisions.html")]
struct ListPage {
    p: Page,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "revision.html")]
struct OnePage {
    p: Page,
    row: Row,
    /// The content as the API gives it.
    content: String,
}

fn row(summary: RevisionSummary, running: Option<u64>) -> Row {
    Row { author: short(&summary.author).to_owned(), running: running == Some(summary.number), summary }
}

/// `GET …/revisions`
pub(super) async fn list(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let title = member.language().say("tab-revisions");
    let p = Page::of_cluster(&member, &cluster, Tab::Revisions, title).await?;
    let running = p.cluster.as_ref().and_then(|c| c.running);
    let rows = member.console().revisions(&cluster).await?.into_iter().map(|s| row(s, running)).collect();
    show(StatusCode::OK, &ListPage { p, rows })
}

/// `GET …/revisions/{number}`
pub(super) async fn one(
    member: Member,
    Path((cluster, number)): Path<(String, String)>,
) -> Result<Response, Error> {
    let number: u64 = number.parse().map_err(|_| Error::NotFound)?;
    let revision = member.console().revision(&cluster, number).await?;
    let title = member.language().say("revision-title").with("number", number);
    let p = Page::of_cluster(&member, &cluster, Tab::Revisions, title).await?;
    let running = p.cluster.as_ref().and_then(|c| c.running);
    let content = serde_json::to_string_pretty(&revision.content).map_err(Error::internal)?;
    show(StatusCode::OK, &OnePage { p, row: row(revision.summary, running), content })
}
