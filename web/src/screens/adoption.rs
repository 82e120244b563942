//! Rows of a director's kernel that are not managed here: offered one by one, and taken into the draft. And a whole
//! configuration that only a director knows.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::Basis;
use lvs::adopt::{Becomes, Offer};
use lvs::plan::Row;

use super::drift::reported;
use crate::error::Error;
use crate::fields::Sent;
use crate::forms::Note;
use crate::locale::Locale;
use crate::page::{Page, Tab, see_other, show};
use crate::visit::Member;

/// Rows that are shown one by one; forms have a limit, and so do people.
const SHOWN: usize = 400;

/// A row as shown.
struct Offered {
    row: String,
    becomes: String,
    found: Vec<String>,
    /// What the other director holds.
    others: Vec<String>,
    known: bool,
    changes: Vec<String>,
    notes: Vec<Note>,
    ticked: bool,
}

#[derive(Template)]
#[template(path = "adopt.html")]
struct AdoptPage {
    p: Page,
    name: String,
    /// Whether anything is known of this kernel.
    known: bool,
    /// When it was last seen, where it is not connected.
    old: Option<String>,
    rows: Vec<Offered>,
    count: usize,
    /// Services that change nothing when they are adopted.
    harmless: usize,
    nothing: bool,
}

/// A new service that activation leaves as it is.
fn harmless(offer: &Offer) -> bool {
    !offer.known && offer.changes.is_empty() && !matches!(offer.row, Row::Address(_))
}

fn becomes(locale: Locale, becomes: &Becomes) -> String {
    match becomes {
        Becomes::VirtualServer { name, real_servers, device } => {
            let server = locale.say("adopt-becomes-server").with("name", name).with("count", *real_servers);
            match device {
                Some((device, prefix)) => locale
                    .say("adopt-becomes-placed")
                    .with("what", server)
                    .with("device", device)
                    .with("prefix", *prefix)
                    .to_string(),
                None => server.to_string(),
            }
        }
        Becomes::NatRouter => locale.say("adopt-becomes-router").to_string(),
        Becomes::Floating => locale.say("adopt-becomes-floating").to_string(),
        Becomes::Timeouts => locale.say("adopt-becomes-timeouts").to_string(),
    }
}

fn offered(locale: Locale, offer: &Offer) -> Offered {
    let other = |other: &lvs::adopt::Other| {
        let key = if other.same { "adopt-same" } else { "adopt-other" };
        locale.say(key).with("director", &other.director).to_string()
    };
    Offered {
        row: offer.row.to_string(),
        becomes: becomes(locale, &offer.becomes),
        found: offer.found.clone(),
        others: offer.others.iter().map(other).collect(),
        known: offer.known,
        changes: offer.changes.clone(),
        notes: offer
            .findings
            .iter()
            .map(|finding| Note { place: String::new(), ..Note::of(locale, finding) })
            .collect(),
        ticked: harmless(offer),
    }
}

/// `GET …/directors/{director}/adopt`
pub(super) async fn page(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
) -> Result<Response, Error> {
    shown(&member, &cluster, &name, StatusCode::OK, false).await
}

async fn shown(
    member: &Member,
    cluster: &str,
    name: &str,
    status: StatusCode,
    nothing: bool,
) -> Result<Response, Error> {
    reported(member, cluster, name).await?;
    let foreign = member.console().foreign(&member.actor, cluster, name).await?;
    let locale = member.locale();
    let title = locale.say("adopt-title").with("name", name);
    let page = AdoptPage {
        p: Page::of_cluster(member, cluster, Tab::Directors, title).await?,
        name: name.to_owned(),
        known: foreign.basis != Basis::Unknown,
        old: match foreign.basis {
            Basis::LastKnown(at) => Some(locale.moment(at)),
            _ => None,
        },
        count: foreign.offers.len(),
        harmless: foreign.offers.iter().filter(|offer| harmless(offer)).count(),
        rows: foreign.offers.iter().take(SHOWN).map(|offer| offered(locale, offer)).collect(),
        nothing,
    };
    show(status, &page)
}

/// `POST …/directors/{director}/adopt`: the ticked rows, or all that change nothing.
pub(super) async fn take(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let foreign = member.console().foreign(&member.actor, &cluster, &name).await?;
    let all = fields.ticked("all");
    let chosen = foreign.offers.iter().filter(|offer| match all {
        true => harmless(offer),
        false => fields.contains("row", &offer.row.to_string()),
    });
    let chosen: BTreeSet<Row> = chosen.map(|offer| offer.row.clone()).collect();
    if chosen.is_empty() {
        return shown(&member, &cluster, &name, StatusCode::UNPROCESSABLE_ENTITY, true).await;
    }
    member.console().adopt(&member.actor, &cluster, &name, &chosen, None).await?;
    Ok(see_other(&format!("/clusters/{cluster}/changes?done=adopted")))
}

/// `POST …/directors/{director}/theirs`: the configuration that only the director knows, as the draft.
pub(super) async fn take_theirs(
    member: Member,
    Path((cluster, name)): Path<(String, String)>,
) -> Result<Response, Error> {
    member.console().take_theirs(&member.actor, &cluster, &name).await?;
    Ok(see_other(&format!("/clusters/{cluster}/changes?done=theirs")))
}
