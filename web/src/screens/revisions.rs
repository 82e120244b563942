//! REVISIONS: what ran, since when, by whom; any two side by side; an old one taken back.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{ChangeLine, Comparison, RevisionSummary};
use lvs::Cluster;

use super::changes::{self, Line, in_words, object_name};
use crate::error::Error;
use crate::fields::Sent;
use crate::locale::Locale;
use crate::page::{Page, Tab, see_other, short, show};
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

/// All that differs in one object.
pub(super) struct Group {
    pub(super) object: String,
    pub(super) lines: Vec<Line>,
}

/// What one director would be told.
struct Steps {
    name: String,
    seat: String,
    steps: Vec<String>,
}

#[derive(Template)]
#[template(path = "comparison.html")]
struct ComparisonPage {
    p: Page,
    numbers: Vec<u64>,
    from: Option<u64>,
    to: u64,
    groups: Vec<Group>,
    directors: Vec<Steps>,
}

#[derive(Template)]
#[template(path = "restore.html")]
struct RestorePage {
    p: Page,
    row: Row,
    /// What becoming the draft changes against what runs.
    groups: Vec<Group>,
    own_draft: bool,
    etag: String,
}

fn row(locale: Locale, summary: RevisionSummary, running: Option<u64>) -> Row {
    let author = short(&summary.author);
    let author = match &summary.approver {
        Some(approver) => {
            locale.say("revision-by-two").with("author", author).with("approver", short(approver)).to_string()
        }
        None => author.to_owned(),
    };
    Row { author, running: running == Some(summary.number), summary }
}

/// Differences by the object they are in, in the order they came.
pub(super) fn grouped(locale: Locale, changes: &[ChangeLine]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for change in changes {
        let object = object_name(locale, change);
        let line = in_words(locale, change);
        match groups.last_mut().filter(|group| group.object == object) {
            Some(group) => group.lines.push(line),
            None => groups.push(Group { object, lines: vec![line] }),
        }
    }
    groups
}

/// `GET …/revisions`
pub(super) async fn list(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let title = member.locale().say("tab-revisions");
    let p = Page::of_cluster(&member, &cluster, Tab::Revisions, title).await?;
    let running = p.cluster.as_ref().and_then(|c| c.running);
    let rows = member
        .console()
        .revisions(&cluster)
        .await?
        .into_iter()
        .map(|s| row(member.locale(), s, running))
        .collect();
    show(StatusCode::OK, &ListPage { p, rows })
}

/// `GET …/revisions/{number}`
pub(super) async fn one(
    member: Member,
    Path((cluster, number)): Path<(String, String)>,
) -> Result<Response, Error> {
    let number: u64 = number.parse().map_err(|_| Error::NotFound)?;
    let revision = member.console().revision(&cluster, number).await?;
    let title = member.locale().say("revision-title").with("number", number);
    let p = Page::of_cluster(&member, &cluster, Tab::Revisions, title).await?;
    let running = p.cluster.as_ref().and_then(|c| c.running);
    let content = serde_json::to_string_pretty(&revision.content.masked()).map_err(Error::internal)?;
    show(StatusCode::OK, &OnePage { p, row: row(member.locale(), revision.summary, running), content })
}

/// A revision's number in the query; none where nothing is asked for.
fn number(member: &Member, name: &str) -> Result<Option<u64>, Error> {
    let given = member.visit.query.filled(name);
    given.map(|text| text.parse().map_err(|_| Error::NotFound)).transpose()
}

/// `GET …/revisions/compare?from=&to=`: without `to` the running one, without `from` the one it was made from.
pub(super) async fn compare(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let locale = member.locale();
    let numbers: Vec<u64> =
        member.console().revisions(&cluster).await?.into_iter().map(|revision| revision.number).collect();
    let newest = numbers.first().copied().ok_or(Error::NotFound)?;
    let to = number(&member, "to")?.unwrap_or(newest);
    let Comparison { from, to, changes, directors } =
        member.console().compare_revisions(&cluster, number(&member, "from")?, to).await?;
    let title = match &from {
        Some(from) => locale.say("compare-title").with("from", from.number).with("to", to.number),
        None => locale.say("compare-first").with("to", to.number),
    };
    let p = Page::of_cluster(&member, &cluster, Tab::Revisions, title).await?;
    let directors = directors
        .into_iter()
        .map(|director| Steps {
            name: director.name,
            seat: locale.say(format!("seat-{}", director.seat)).to_string(),
            steps: director.steps.iter().map(|step| changes::command(step)).collect(),
        })
        .collect();
    let groups = grouped(locale, &changes);
    let from = from.map(|from| from.number);
    show(StatusCode::OK, &ComparisonPage { p, numbers, from, to: to.number, groups, directors })
}

/// `GET …/revisions/{number}/restore`
pub(super) async fn restore_form(
    member: Member,
    Path((cluster, number)): Path<(String, String)>,
) -> Result<Response, Error> {
    let number: u64 = number.parse().map_err(|_| Error::NotFound)?;
    let console = member.console();
    let old = console.revision(&cluster, number).await?;
    let running = console.cluster(&cluster).await?.running.map(|running| running.content);
    let view = console.view(&member.actor, &cluster).await?;
    let changes = console::Console::compare(&running.unwrap_or_else(Cluster::default), &old.content);
    let title = member.locale().say("restore-title").with("number", number);
    let p = Page::of_cluster(&member, &cluster, Tab::Revisions, title).await?;
    let running = p.cluster.as_ref().and_then(|c| c.running);
    let page = RestorePage {
        groups: grouped(member.locale(), &changes),
        row: row(member.locale(), old.summary, running),
        own_draft: view.draft,
        etag: view.etag,
        p,
    };
    show(StatusCode::OK, &page)
}

/// `POST …/revisions/{number}/restore`: as a draft, and with `action=activate` running at once.
pub(super) async fn restore(
    member: Member,
    Path((cluster, number)): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let number: u64 = number.parse().map_err(|_| Error::NotFound)?;
    let etag = Some(fields.get("etag")).filter(|etag| !etag.is_empty());
    let draft = member.console().restore(&member.actor, &cluster, number, etag).await?;
    match fields.get("action") {
        "activate" => {
            let default = member.locale().say("restore-message").with("number", number).to_string();
            let message = fields.filled("message").unwrap_or(&default);
            let how = console::Activate { message, ..Default::default() };
            changes::activate_draft(&member, &draft.cluster_id, how).await
        }
        _ => Ok(see_other(&format!("/clusters/{}/changes?done=restored", draft.cluster_id))),
    }
}
