//! The clusters this console manages.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{ChangeError, ClusterSummary};
use lvs::Cluster;

use super::monitoring::{Verdict, source_of_numbers};
use super::objects::Confirm;
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::{Bound, Form, NewClusterForm, Reader};
use crate::page::{ActiveNow, Page, Tab, see_other, short, show};
use crate::problems::ProblemList;
use crate::visit::Member;

/// One line of the list.
struct Row {
    summary: ClusterSummary,
    active: ActiveNow,
    verdict: Verdict,
    /// How much is wrong.
    problems: usize,
    drafts: Vec<String>,
}

#[derive(Template)]
#[template(path = "clusters.html")]
struct ListPage {
    p: Page,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "cluster_new.html")]
struct NewPage {
    p: Page,
    form: Form,
}

/// `GET /`
pub(super) async fn list(member: Member) -> Result<Response, Error> {
    let locale = member.locale();
    let mut rows = Vec::new();
    for summary in member.console().clusters().await? {
        let live = member.console().live(&summary.id).await?;
        let drafts = summary.drafts.iter().map(|d| short(d).to_owned()).collect();
        let view = member.console().cluster(&summary.id).await?;
        let content = view.running.map(|running| running.content);
        let counters = source_of_numbers(&live).and_then(|director| director.counters.as_deref());
        let services =
            content.iter().flat_map(|content| &content.virtual_servers).filter(|s| s.active).count();
        let list = ProblemList::of(locale, "", content.as_ref(), &live);
        rows.push(Row {
            active: ActiveNow::of(&live),
            verdict: Verdict::of(locale, &live, services, counters),
            problems: list.lines.len() + list.more,
            drafts,
            summary,
        });
    }
    let p = Page::new(&member.visit, member.locale().say("clusters-title"));
    show(StatusCode::OK, &ListPage { p, rows })
}

/// `GET /clusters/new`
pub(super) async fn new_form(member: Member) -> Result<Response, Error> {
    new_page(&member, StatusCode::OK, Form::new(NewClusterForm::KNOWN, Fields::default()))
}

fn new_page(member: &Member, status: StatusCode, form: Form) -> Result<Response, Error> {
    let p = Page::new(&member.visit, member.locale().say("cluster-new-title"));
    show(status, &NewPage { p, form })
}

/// `POST /clusters/new`: the cluster begins as the visitor's draft.
pub(super) async fn create(member: Member, Sent(fields): Sent) -> Result<Response, Error> {
    let mut reader = Reader::new(NewClusterForm::KNOWN, &fields, member.locale());
    let cluster = NewClusterForm::read(&mut reader, Cluster::default());
    let mut form = reader.finish();
    if !form.failed() {
        match member.console().create_cluster(&member.actor, cluster).await {
            Ok(draft) => {
                return Ok(see_other(&format!("/clusters/{}/virtual-servers?done=added", draft.cluster_id)));
            }
            Err(ChangeError::Invalid(findings)) => {
                let renamed: Vec<_> = findings.into_iter().map(in_new_cluster).collect();
                form.findings(member.locale(), "", &renamed, true);
            }
            Err(other) => return Err(other.into()),
        }
    }
    new_page(&member, StatusCode::UNPROCESSABLE_ENTITY, form)
}

/// The form of a new cluster calls its directors' addresses by their seats.
fn in_new_cluster(mut finding: lvs::Finding) -> lvs::Finding {
    if let lvs::finding::Place::Field(pointer) = &mut finding.place {
        *pointer = match pointer.as_str() {
            "/directors/0/public" => "/primary".to_owned(),
            "/directors/1/public" => "/backup".to_owned(),
            other => other.to_owned(),
        };
    }
    finding
}

/// `GET /clusters/{cluster}/delete`
pub(super) async fn delete_form(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let locale = member.locale();
    let mut p = Page::of_cluster(&member, &cluster, Tab::None, locale.say("cluster-delete-title")).await?;
    let name = p.cluster.as_ref().map(|c| c.name.clone()).unwrap_or_default();
    p.title = locale.say("cluster-delete-title").to_string();
    let confirm = Confirm {
        question: locale.say("cluster-delete-question").with("name", &name).to_string(),
        consequence: locale.say("cluster-delete-consequence").to_string(),
        button: locale.say("delete").to_string(),
        action: format!("/clusters/{cluster}/delete"),
        back: format!("/clusters/{cluster}"),
        p,
    };
    confirm.page()
}

/// `POST /clusters/{cluster}/delete`
pub(super) async fn delete(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    member.console().delete_cluster(&member.actor, &cluster).await?;
    Ok(see_other("/?done=cluster-deleted"))
}
