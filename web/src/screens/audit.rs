//! AUDIT: who did what, from where, and whether the log is whole. For administrators.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use console::{AuditEntry, AuditQuery};

use crate::error::Error;
use crate::page::{Page, show};
use crate::visit::{Member, Visit};

/// Rows on one page, and in one file.
const PER_PAGE: u32 = 100;
const IN_FILE: u32 = 100_000;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    p: Page,
    rows: Vec<AuditEntry>,
    clusters: Vec<(String, String)>,
    query: AuditQuery,
    /// The filters as the address has them, without the place.
    filters: String,
    next: Option<i64>,
    /// The first row that does not fit, where that was asked for.
    checked: Option<Option<i64>>,
}

impl AuditPage {
    fn cluster_name(&self, id: &str) -> String {
        let found = self.clusters.iter().find(|(known, _)| known == id);
        found.map_or_else(|| id.to_owned(), |(_, name)| name.clone())
    }

    fn is_cluster(&self, id: &str) -> bool {
        self.query.cluster.as_deref() == Some(id)
    }

    fn given(&self, name: &str) -> String {
        let value = match name {
            "actor" => &self.query.actor,
            _ => &self.query.action,
        };
        value.clone().unwrap_or_default()
    }
}

/// What the address asks for.
pub(crate) fn query(visit: &Visit) -> Result<AuditQuery, Error> {
    let given = |name: &str| visit.query.filled(name).map(ToOwned::to_owned);
    let before = given("before")
        .map(|text| {
            let wrong = || Error::Malformed(format!("before {text:?}: the number of a row is expected"));
            text.parse().map_err(|_| wrong())
        })
        .transpose()?;
    Ok(AuditQuery { cluster: given("cluster"), actor: given("actor"), action: given("action"), before })
}

/// `GET /admin/audit`
pub(super) async fn list(member: Member) -> Result<Response, Error> {
    let query = query(&member.visit)?;
    let console = member.console();
    let mut rows = console.audit_log(&member.actor, &query, PER_PAGE + 1).await?;
    let more = rows.len() > PER_PAGE as usize;
    rows.truncate(PER_PAGE as usize);
    let next = rows.last().filter(|_| more).map(|row| row.number);
    let clusters = console.clusters().await?.into_iter().map(|c| (c.id, c.name)).collect();
    let checked = match member.visit.query.ticked("check") {
        true => Some(console.audit_break(&member.actor).await?),
        false => None,
    };
    let filters = form_urlencoded::Serializer::new(String::new())
        .append_pair("cluster", query.cluster.as_deref().unwrap_or_default())
        .append_pair("actor", query.actor.as_deref().unwrap_or_default())
        .append_pair("action", query.action.as_deref().unwrap_or_default())
        .finish();
    let p = Page::new(&member.visit, member.locale().say("audit-title"));
    show(StatusCode::OK, &AuditPage { p, rows, clusters, query, filters, next, checked })
}

/// A cell of RFC 4180. What a table program would take for a formula is told to be text.
pub(super) fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let mark = if formula { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

/// `GET /admin/audit.csv`: the newest rows that the filters let through, oldest last.
pub(super) async fn file(member: Member) -> Result<Response, Error> {
    let query = query(&member.visit)?;
    let rows = member.console().audit_log(&member.actor, &query, IN_FILE).await?;
    let mut text = String::from("number,at,actor,source,action,subject,cluster,before,after,detail,hash\r\n");
    for row in rows {
        let cells = [
            row.number.to_string(),
            row.at.to_string(),
            row.actor,
            row.source,
            row.action,
            row.subject,
            row.cluster_id.unwrap_or_default(),
            row.before.unwrap_or_default(),
            row.after.unwrap_or_default(),
            row.detail,
            row.hash,
        ];
        text.push_str(&cells.map(|text| cell(&text)).join(","));
        text.push_str("\r\n");
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"caribe-audit.csv\"")),
    ];
    Ok((headers, text).into_response())
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_is_text_and_nothing_else() {
        assert_eq!(cell("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(cell("=1+1"), "\"'=1+1\"");
    }
}
