//! `…/exports/{kind}`: a configuration as files of another kind.

use axum::extract::Path;
use axum::response::Response;
use lvs::format::export::ExportKind;
use schemars::JsonSchema;
use serde::Serialize;

use super::request::{listed, ok};
use super::shape::{self, FindingShape};
use crate::error::Error;
use crate::export::{content, files, secrets};
use crate::visit::Member;

/// A kind of files that a configuration can be taken out as.
#[derive(Serialize, JsonSchema)]
pub(super) struct ExportLine {
    kind: &'static str,
    /// None for a draft.
    revision: Option<u64>,
    /// What that kind cannot express; where there is something, nothing is exported.
    refused: Vec<FindingShape>,
}

/// One file of an export.
#[derive(Serialize, JsonSchema)]
struct ExportedFile {
    name: String,
    text: String,
}

/// A configuration as files of another kind.
#[derive(Serialize, JsonSchema)]
pub(super) struct Exported {
    kind: &'static str,
    revision: Option<u64>,
    files: Vec<ExportedFile>,
    /// What is not in the files because that kind has no words for it.
    left_out: Vec<FindingShape>,
    /// Whether passwords are in the files: `none`, `clear` or `withheld`.
    secrets: &'static str,
}

/// `GET …/exports`: the kinds there are, with what each cannot express.
pub(super) async fn list(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let (content, revision) = content(&member, &cluster).await?;
    let items = ExportKind::ALL.map(|kind| {
        let refused = files(&content, kind, member.actor.role).err().unwrap_or_default();
        let line = ExportLine { kind: kind.as_str(), revision, refused: shape::findings(&refused) };
        (kind.as_str().to_owned(), line)
    });
    Ok(ok(listed(&member.visit, items.into())?))
}

/// `GET …/exports/{kind}`: the files; `secrets` says whether passwords are among them.
pub(super) async fn one(
    member: Member,
    Path((cluster, kind)): Path<(String, String)>,
) -> Result<Response, Error> {
    let kind: ExportKind = kind.parse().map_err(|_| Error::NotFound)?;
    let (content, revision) = content(&member, &cluster).await?;
    let export = files(&content, kind, member.actor.role).map_err(Error::Invalid)?;
    let file = |file: lvs::format::export::ExportFile| ExportedFile { name: file.name, text: file.text };
    Ok(ok(Exported {
        kind: kind.as_str(),
        revision,
        left_out: shape::findings(&export.left_out),
        files: export.files.into_iter().map(file).collect(),
        secrets: secrets(&content, member.actor.role).as_str(),
    }))
}
