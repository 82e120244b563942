//! SEARCH: everything by name or address, from any page. The key `/` goes to its field; without scripts it is a form.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use console::{Find, Found};

use crate::error::Error;
use crate::page::{Page, show};
use crate::visit::Member;

/// One line of the answer.
struct Row {
    /// Word of its kind in catalogue keys.
    kind: &'static str,
    href: String,
    name: String,
    detail: String,
    cluster: Option<String>,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    p: Page,
    question: String,
    rows: Vec<Row>,
    more: usize,
}

/// Word of its kind, and path of the page that is about it.
pub(crate) fn place(found: &Found) -> (&'static str, String) {
    let base = found.cluster.as_ref().map(|(id, _)| format!("/clusters/{id}")).unwrap_or_default();
    match &found.what {
        Find::Cluster => ("cluster", base),
        Find::VirtualServer(id) => ("virtual-server", format!("{base}/virtual-servers/{id}")),
        Find::RealServer(service, id) => {
            ("real-server", format!("{base}/virtual-servers/{service}/real-servers/{id}/state"))
        }
        Find::Machine(address) => {
            ("machine", format!("{base}/machines#{}", super::machines::place_of(*address)))
        }
        Find::Director(name) => ("director", format!("{base}/directors/{}", segment(name))),
        Find::Revision(number) => ("revision", format!("{base}/revisions/{number}")),
        Find::Account(name) => ("account", format!("/admin/accounts/{}", segment(name))),
    }
}

/// A name as one segment of a path.
fn segment(name: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    name.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// `GET /search?q=`
pub(super) async fn search(member: Member) -> Result<Response, Error> {
    let question = member.visit.query.get("q").to_owned();
    let result = member.console().search(&member.actor, &question).await?;
    let row = |found: Found| {
        let (kind, href) = place(&found);
        Row {
            kind,
            href,
            cluster: found.cluster.map(|(_, name)| name),
            name: found.name,
            detail: found.detail,
        }
    };
    let p = Page::new(&member.visit, member.locale().say("search-title"));
    let rows = result.found.into_iter().map(row).collect();
    show(StatusCode::OK, &SearchPage { p, question, rows, more: result.more })
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn a_name_is_one_segment_whatever_it_holds() {
        assert_eq!(segment("director-a"), "director-a");
        assert_eq!(segment("a/b c?中"), "a%2Fb%20c%3F%E4%B8%AD");
    }
}
