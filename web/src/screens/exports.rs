//! Taking a configuration out: the files of every kind, and by name what a kind cannot express.

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lvs::format::export::ExportKind;
use lvs::{Cluster, Findings};

use super::changes::place;
use crate::error::Error;
use crate::export::{Secrets, content, files, secrets};
use crate::forms::Note;
use crate::page::{Page, Tab, show};
use crate::visit::Member;

/// One kind of file.
struct Offer {
    kind: &'static str,
    /// Name of each file with where it is; none where the kind was refused.
    files: Vec<(String, String)>,
    /// What the kind cannot express.
    refused: Vec<Note>,
    /// What is not in the files although the configuration says it.
    left_out: Vec<Note>,
}

#[derive(Template)]
#[template(path = "exports.html")]
struct ExportsPage {
    p: Page,
    /// The revision; none for a draft.
    revision: Option<u64>,
    offers: Vec<Offer>,
    secrets: Secrets,
}

/// `GET …/exports`
pub(super) async fn page(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let locale = member.locale();
    let (content, revision) = content(&member, &cluster).await?;
    let p = Page::of_cluster(&member, &cluster, Tab::Revisions, locale.say("exports-title")).await?;
    let of = revision.map_or_else(String::new, |number| format!("?revision={number}"));
    let notes =
        |findings: &Findings| -> Vec<Note> { findings.iter().map(|f| note(&member, &content, f)).collect() };
    let offers = ExportKind::ALL.map(|kind| match files(&content, kind, member.actor.role) {
        Ok(export) => Offer {
            kind: kind.as_str(),
            files: export
                .files
                .iter()
                .map(|file| {
                    (file.name.clone(), format!("{}/exports/{kind}/{}{of}", p.base(), safe(&file.name)))
                })
                .collect(),
            refused: Vec::new(),
            left_out: notes(&export.left_out),
        },
        Err(findings) => {
            Offer { kind: kind.as_str(), files: Vec::new(), refused: notes(&findings), left_out: Vec::new() }
        }
    });
    let secrets = secrets(&content, member.actor.role);
    show(StatusCode::OK, &ExportsPage { offers: offers.into(), revision, secrets, p })
}

fn note(member: &Member, content: &Cluster, finding: &lvs::Finding) -> Note {
    let locale = member.locale();
    let place = finding.pointer().map(|pointer| place(locale, content, pointer)).unwrap_or_default();
    Note { place, ..Note::of(locale, finding) }
}

/// A name that is one part of a path and needs no quoting in a header.
fn safe(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect()
}

/// `GET …/exports/{kind}/{name}`: one file, to be kept.
pub(super) async fn file(
    member: Member,
    Path((cluster, kind, name)): Path<(String, String, String)>,
) -> Result<Response, Error> {
    let kind: ExportKind = kind.parse().map_err(|_| Error::NotFound)?;
    let (content, _) = content(&member, &cluster).await?;
    let export = files(&content, kind, member.actor.role).map_err(Error::Invalid)?;
    let file = export.files.into_iter().find(|file| safe(&file.name) == name).ok_or(Error::NotFound)?;
    if secrets(&content, member.actor.role) == Secrets::Clear {
        tracing::info!(actor = member.actor.name, %cluster, %kind, "a configuration was taken out with its passwords");
    }
    let kind = if kind == ExportKind::Json { "application/json" } else { "text/plain; charset=utf-8" };
    let keep = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).map_err(Error::internal)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, keep),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, file.text).into_response())
}
