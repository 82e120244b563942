//! `/api/v1/imports` and `…/clusters/{cluster}/imports`: files that are brought along.

use axum::extract::{Extension, Path};
use axum::response::Response;
use console::Edit;
use lvs::finding::Place;
use lvs::format::{FileKind, Outcome};
use lvs::model::Redundancy;
use lvs::{Cluster, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::request::{created, object, ok, typed, wants};
use super::shape::{self, DraftShape, FindingShape, PlanShape};
use crate::error::{Error, FieldProblem};
use crate::guard::Payload;
use crate::import::{Wanted, read};
use crate::visit::Member;

/// Most files of one import.
const MOST_FILES: usize = 32;

/// What is to be read, and how.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Import {
    /// One text; else `files`.
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    files: Vec<File>,
    /// `auto` where absent.
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    strict: bool,
    /// Name of the one that is taken, where the text describes several clusters.
    #[serde(default)]
    candidate: Option<String>,
    /// Name of the cluster, where the file's is not wanted.
    #[serde(default)]
    name: Option<String>,
    /// Whether Caribe's own protocol and timers take the place of the file's, as a second edit of the draft.
    #[serde(default)]
    default_timers: bool,
}

/// One of several texts.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ImportedFile")]
struct File {
    #[serde(default)]
    name: String,
    text: String,
}

/// `POST /imports`
pub(super) async fn create(
    member: Member,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    import(&member, None, &payload).await
}

/// `POST /clusters/{cluster}/imports`
pub(super) async fn replace(
    member: Member,
    Path(cluster): Path<String>,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    import(&member, Some(&cluster), &payload).await
}

fn wrong(pointer: &str, code: &str, message: String) -> Error {
    Error::Unprocessable(vec![FieldProblem { pointer: pointer.to_owned(), code: code.to_owned(), message }])
}

/// What was sent, as what is to be read; `one` tells a single text from a list of files.
fn wanted(sent: &mut Import) -> Result<(Wanted, bool), Error> {
    let kind = match sent.kind.as_deref() {
        None | Some("auto") => None,
        Some(word) => Some(word.parse::<FileKind>().map_err(|_| {
            let words = FileKind::ALL.map(FileKind::as_str).join(", ");
            wrong("/kind", "wrong-value", format!("{word:?} is none of auto, {words}"))
        })?),
    };
    let (files, one) = match (sent.text.take(), std::mem::take(&mut sent.files)) {
        (Some(text), files) if files.is_empty() => (vec![(String::new(), text)], true),
        (None, files) if !files.is_empty() && files.len() <= MOST_FILES => {
            (files.into_iter().map(|file| (file.name, file.text)).collect(), false)
        }
        _ => {
            let message = format!("either text is needed or files, 1 to {MOST_FILES} of them");
            return Err(wrong("/files", "wrong-value", message));
        }
    };
    Ok((Wanted { files, kind, strict: sent.strict, candidate: sent.candidate.clone() }, one))
}

/// A finding with the name of its file.
#[derive(Serialize, JsonSchema)]
struct FileFinding {
    #[serde(flatten)]
    finding: FindingShape,
    file: String,
}

/// How long a failover takes with these timers.
#[derive(Serialize, JsonSchema)]
struct FailoverTime {
    typical_ms: u32,
    worst_ms: u32,
}

/// What was read, and the draft that it became.
#[derive(Serialize, JsonSchema)]
pub(super) struct Imported {
    /// The kind that it was read as.
    kind: Option<&'static str>,
    draft: DraftShape,
    findings: Vec<FileFinding>,
    failover: Option<FailoverTime>,
}

/// What files say, and what they would cause.
#[derive(Serialize, JsonSchema)]
pub(super) struct ImportRead {
    kind: Option<&'static str>,
    /// None where several are described and none is chosen.
    cluster: Option<Cluster>,
    candidates: Vec<Cluster>,
    findings: Vec<FileFinding>,
    failover: Option<FailoverTime>,
    failover_default_timers: Option<FailoverTime>,
    plan: Option<PlanShape>,
}

fn findings(outcome: &Outcome) -> Vec<FileFinding> {
    let each = outcome.findings.iter().map(|(file, finding)| FileFinding {
        finding: shape::finding(finding),
        file: outcome.file(*file).to_owned(),
    });
    each.collect()
}

/// Why nothing can be made of the files: their errors, each at its text with line and column before its sentence.
fn unusable(outcome: &Outcome, one: bool) -> Error {
    let errors = outcome.findings.iter().filter(|(_, finding)| finding.severity == Severity::Error);
    let problems = errors.map(|(file, finding)| FieldProblem {
        pointer: if one { "/text".to_owned() } else { format!("/files/{file}/text") },
        code: finding.code.as_str().to_owned(),
        message: match finding.place {
            Place::Line { line, column } => format!("{line}:{column}: {}", finding.text()),
            _ => finding.text(),
        },
    });
    Error::Unprocessable(problems.collect())
}

fn failover(redundancy: &Redundancy) -> Option<FailoverTime> {
    let time = redundancy.failover_time()?;
    Some(FailoverTime { typical_ms: time.typical_ms, worst_ms: time.worst_ms })
}

/// The files as a draft with all that is to be said about them; with `?dry_run=true` what they say and the plan that
/// they would cause, and nothing is written.
async fn import(member: &Member, into: Option<&str>, payload: &Payload) -> Result<Response, Error> {
    let mut sent: Import = typed(Value::Object(object(payload)?))?;
    let (wanted, one) = wanted(&mut sent)?;
    let read = read(&wanted);
    let findings = findings(&read.outcome);
    let dry = wants(&member.visit, "dry_run");
    if !read.outcome.is_usable() {
        return Err(unusable(&read.outcome, one));
    }
    let names: Vec<&str> = read.outcome.candidates.iter().map(|c| c.name.as_str()).collect();
    if read.chosen.is_none() && (!dry || wanted.candidate.is_some()) {
        let message = format!("the text describes several clusters; choose one of {}", names.join(", "));
        return Err(wrong("/candidate", "candidate-needed", message));
    }
    let cluster = read.chosen.map(|mut cluster| {
        if let Some(name) = sent.name {
            cluster.name = name;
        }
        cluster
    });
    let kind = read.kind.map(FileKind::as_str);
    let Some(cluster) = cluster.as_ref().filter(|_| !dry) else {
        let candidates: Vec<Cluster> = read.outcome.candidates.iter().cloned().map(Cluster::masked).collect();
        let plan = match (&cluster, into) {
            (None, _) => None,
            (Some(cluster), None) => Some(member.console().preview_of_new(cluster)),
            (Some(cluster), Some(into)) => {
                Some(member.console().preview_of(&member.actor, into, cluster.clone()).await?)
            }
        };
        let redundancy = cluster.as_ref().map(|c| &c.redundancy);
        return Ok(ok(ImportRead {
            kind,
            failover: redundancy.and_then(failover),
            failover_default_timers: redundancy.and_then(|r| failover(&r.with_default_timers())),
            cluster: cluster.as_ref().map(|c| c.clone().masked()),
            candidates,
            findings,
            plan: plan.as_ref().map(shape::plan),
        }));
    };
    let mut draft = member.console().import(&member.actor, into, cluster.clone()).await?;
    if sent.default_timers {
        let edit = Edit::Redundancy(cluster.redundancy.with_default_timers());
        let changed =
            member.console().change(&member.actor, &draft.cluster_id, edit, Some(&draft.etag)).await?;
        draft = changed.draft;
    }
    let failover = failover(&draft.content.redundancy);
    let body = Imported { kind, draft: shape::draft(&draft), findings, failover };
    Ok(created(&format!("/api/v1/clusters/{}/draft", draft.cluster_id), &draft.etag, body))
}
