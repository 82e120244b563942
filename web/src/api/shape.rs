//! The JSON of what the console says about itself: drafts, plans, activations, findings, revisions.
//!
//! Each is a type, so that what is answered and what the document says of it are the same thing.

use axum::http::StatusCode;
use console::{
    Activation, Basis, ChangeKind, ChangeLine, Comparison, Draft, Preview, PushOutcome, PushResult, Rebase,
    RevisionSummary,
};
use lvs::finding::Place;
use lvs::model::{Conflict, Disagreement, MergedObject, Seat, Side};
use lvs::{Cluster, Finding, Severity};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Something wrong or surprising in a configuration or a file.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Finding")]
pub(super) struct FindingShape {
    /// With an error the content cannot be used.
    severity: SeverityShape,
    /// Stable word.
    code: &'static str,
    /// Line of the file, from 1.
    line: Option<u32>,
    /// Column of the line, from 1.
    column: Option<u32>,
    /// JSON pointer (RFC 6901) into the cluster.
    pointer: Option<String>,
    /// English sentence.
    text: String,
    /// What could be written instead.
    suggestion: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "FindingSeverity")]
enum SeverityShape {
    Error,
    Warning,
}

pub(super) fn finding(finding: &Finding) -> FindingShape {
    let (line, column) = match finding.place {
        Place::Line { line, column } => (Some(line), Some(column)),
        _ => (None, None),
    };
    FindingShape {
        severity: match finding.severity {
            Severity::Error => SeverityShape::Error,
            Severity::Warning => SeverityShape::Warning,
        },
        code: finding.code.as_str(),
        line,
        column,
        pointer: finding.pointer().map(ToOwned::to_owned),
        text: finding.text(),
        suggestion: finding.suggestion.clone(),
    }
}

pub(super) fn findings(list: &[Finding]) -> Vec<FindingShape> {
    list.iter().map(finding).collect()
}

/// A request that somebody else activates a draft.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Asked")]
pub(super) struct AskedShape {
    /// Since when (RFC 3339).
    at: String,
    /// Why; may be empty.
    message: String,
}

fn asked(asked: &console::Asked) -> AskedShape {
    AskedShape { at: asked.at.to_string(), message: asked.message.clone() }
}

/// Somebody's draft, without its content.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DraftLine")]
pub(super) struct DraftLineShape {
    /// Whose it is: `account/alice`, `token/ci`.
    owner: String,
    /// The revision it was begun from.
    base: Option<u64>,
    /// When it was last changed (RFC 3339).
    changed: String,
    /// Its tag, to be sent as `If-Match`.
    etag: String,
    /// Errors in it; with any it cannot be activated.
    errors: usize,
    /// Set while its owner asks somebody else to activate it.
    asked: Option<AskedShape>,
}

pub(super) fn draft_line(draft: &Draft) -> DraftLineShape {
    DraftLineShape {
        owner: draft.owner.clone(),
        base: draft.base,
        changed: draft.changed.to_string(),
        etag: super::quoted(&draft.etag),
        errors: draft.findings.iter().filter(|finding| finding.severity == Severity::Error).count(),
        asked: draft.asked.as_ref().map(asked),
    }
}

/// Somebody's unactivated change of a cluster.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Draft")]
pub(super) struct DraftShape {
    /// The cluster's id.
    cluster: String,
    /// Whose it is: `account/alice`, `token/ci`.
    owner: String,
    /// The revision it was begun from.
    base: Option<u64>,
    /// When it was last changed (RFC 3339).
    changed: String,
    /// Set while its owner asks somebody else to activate it.
    asked: Option<AskedShape>,
    findings: Vec<FindingShape>,
    content: Cluster,
}

pub(super) fn draft(draft: &Draft) -> DraftShape {
    DraftShape {
        cluster: draft.cluster_id.clone(),
        owner: draft.owner.clone(),
        base: draft.base,
        changed: draft.changed.to_string(),
        asked: draft.asked.as_ref().map(asked),
        findings: findings(&draft.findings),
        content: draft.content.clone().masked(),
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "ObjectKind")]
enum ObjectShape {
    Cluster,
    Global,
    Redundancy,
    Director,
    VirtualServer,
    RealServer,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "ChangeKind")]
enum ChangeShape {
    Added,
    Removed,
    Changed,
}

/// One difference between two contents.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Change")]
pub(super) struct ChangeLineShape {
    object: ObjectShape,
    /// `http`, `http / web1`; empty for the cluster itself.
    name: String,
    change: ChangeShape,
    /// Which setting was changed.
    field: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

fn change(line: &ChangeLine) -> ChangeLineShape {
    let (change, field, before, after) = match &line.change {
        ChangeKind::Added => (ChangeShape::Added, None, None, None),
        ChangeKind::Removed => (ChangeShape::Removed, None, None, None),
        ChangeKind::Field { field, before, after } => {
            (ChangeShape::Changed, Some(field.clone()), before.clone(), after.clone())
        }
    };
    let object = match line.object {
        console::Object::Cluster => ObjectShape::Cluster,
        console::Object::Global => ObjectShape::Global,
        console::Object::Redundancy => ObjectShape::Redundancy,
        console::Object::Director => ObjectShape::Director,
        console::Object::VirtualServer => ObjectShape::VirtualServer,
        console::Object::RealServer => ObjectShape::RealServer,
    };
    ChangeLineShape { object, name: line.name.clone(), change, field, before, after }
}

fn changes(lines: &[ChangeLine]) -> Vec<ChangeLineShape> {
    lines.iter().map(change).collect()
}

/// A setting that both a draft and somebody else changed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Conflict")]
pub(super) struct ConflictShape {
    /// To be named in `choices`.
    place: String,
    object: ObjectShape,
    name: String,
    /// The field within the object; empty for the object itself.
    field: String,
    about: Disagreement,
    base: Option<Value>,
    theirs: Option<Value>,
    mine: Option<Value>,
    chosen: Option<Side>,
}

fn conflict(conflict: &Conflict) -> ConflictShape {
    let (object, name) = match &conflict.object {
        MergedObject::Cluster => (ObjectShape::Cluster, String::new()),
        MergedObject::Global => (ObjectShape::Global, String::new()),
        MergedObject::Redundancy => (ObjectShape::Redundancy, String::new()),
        MergedObject::Director(name) => (ObjectShape::Director, name.clone()),
        MergedObject::VirtualServer(name) => (ObjectShape::VirtualServer, name.clone()),
        MergedObject::RealServer(owner, name) => (ObjectShape::RealServer, format!("{owner} / {name}")),
    };
    ConflictShape {
        place: conflict.place.clone(),
        object,
        name,
        field: conflict.field.clone(),
        about: conflict.about,
        base: conflict.base.clone(),
        theirs: conflict.theirs.clone(),
        mine: conflict.mine.clone(),
        chosen: conflict.chosen,
    }
}

/// What stands between a draft and what runs.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Rebase")]
pub(super) struct RebaseShape {
    base: Option<u64>,
    /// Who activated in the meantime.
    by: String,
    /// The running revision.
    revision: u64,
    theirs: Vec<ChangeLineShape>,
    mine: Vec<ChangeLineShape>,
    conflicts: Vec<ConflictShape>,
}

pub(super) fn rebase(rebase: &Rebase) -> RebaseShape {
    RebaseShape {
        base: rebase.base,
        by: rebase.running.author.clone(),
        revision: rebase.running.number,
        theirs: changes(&rebase.theirs),
        mine: changes(&rebase.mine),
        conflicts: rebase.conflicts.iter().map(conflict).collect(),
    }
}

/// What one director's kernel would be told.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DirectorPlan")]
pub(super) struct DirectorPlanShape {
    name: String,
    seat: Seat,
    connected: bool,
    /// `live`: as its kernel is now; `last-known`: as it was when last heard; `unknown`: from nothing.
    basis: &'static str,
    basis_at: Option<String>,
    /// As `ipvsadm` and `ip` lines, in order.
    steps: Vec<String>,
    adopted: Vec<String>,
    foreign: Vec<String>,
}

/// What would happen: differences in words, and the exact steps of each director.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Plan")]
pub(super) struct PlanShape {
    base: Option<u64>,
    running: Option<u64>,
    /// Who activated since the draft was begun; activation would be refused.
    conflict: Option<RevisionShape>,
    findings: Vec<FindingShape>,
    changes: Vec<ChangeLineShape>,
    directors: Vec<DirectorPlanShape>,
}

/// What a basis is called, and when it was.
pub(super) fn basis(basis: Basis) -> (&'static str, Option<String>) {
    match basis {
        Basis::Live => ("live", None),
        Basis::LastKnown(at) => ("last-known", Some(at.to_string())),
        Basis::Unknown => ("unknown", None),
    }
}

pub(super) fn plan(preview: &Preview) -> PlanShape {
    let director = |d: &console::DirectorPreview| {
        let (basis, basis_at) = basis(d.basis);
        DirectorPlanShape {
            name: d.name.clone(),
            seat: d.seat,
            connected: d.connected,
            basis,
            basis_at,
            steps: d.steps.clone(),
            adopted: d.adopted.clone(),
            foreign: d.foreign.clone(),
        }
    };
    PlanShape {
        base: preview.base,
        running: preview.running,
        conflict: preview.conflict.as_ref().map(revision),
        findings: findings(&preview.findings),
        changes: changes(&preview.changes),
        directors: preview.directors.iter().map(director).collect(),
    }
}

/// What became of a push to one director.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Push")]
pub(super) struct PushShape {
    director: String,
    #[serde(flatten)]
    outcome: OutcomeShape,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
#[schemars(rename = "PushOutcome")]
enum OutcomeShape {
    /// Its kernel was told.
    Applied {
        /// Whether it holds all of it.
        in_sync: bool,
        steps: Vec<String>,
        failures: Vec<String>,
        took_ms: u64,
    },
    Refused {
        reason: String,
    },
    Unreachable {
        reason: String,
    },
    NotEnrolled,
    Held {
        reason: String,
    },
}

pub(super) fn pushed(result: &PushResult) -> PushShape {
    let outcome = match result.outcome.clone() {
        PushOutcome::Applied { in_sync, steps, failures, took_ms } => {
            OutcomeShape::Applied { in_sync, steps, failures, took_ms }
        }
        PushOutcome::Refused { reason } => OutcomeShape::Refused { reason },
        PushOutcome::Unreachable { reason } => OutcomeShape::Unreachable { reason },
        PushOutcome::NotEnrolled => OutcomeShape::NotEnrolled,
        PushOutcome::Held { reason } => OutcomeShape::Held { reason },
    };
    PushShape { director: result.director.clone(), outcome }
}

/// Whether every director holds all of a revision.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "ActivationState")]
pub(super) enum StateShape {
    /// Directors are being told.
    Running,
    /// Every director's kernel holds all of it.
    Complete,
    /// It runs; not every director has it.
    Partial,
    /// Nothing was activated.
    Failed,
}

/// What became of an activation.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Activation")]
pub(super) struct ActivationShape {
    revision: u64,
    /// SHA-256 of the content.
    digest: String,
    pub(super) state: StateShape,
    results: Vec<PushShape>,
}

fn complete(done: &Activation) -> bool {
    done.results.iter().all(|r| matches!(r.outcome, PushOutcome::Applied { in_sync: true, .. }))
}

pub(super) fn activation(done: &Activation) -> ActivationShape {
    ActivationShape {
        revision: done.revision,
        digest: done.digest.0.clone(),
        state: if complete(done) { StateShape::Complete } else { StateShape::Partial },
        results: done.results.iter().map(pushed).collect(),
    }
}

/// The status of an answer to a write: 202 while a director that has joined lacks what was activated with it, so that
/// nobody who looks at the status alone takes it for done.
pub(super) fn reached(done: Option<&Activation>) -> StatusCode {
    let has = |outcome: &PushOutcome| {
        matches!(outcome, PushOutcome::Applied { in_sync: true, .. } | PushOutcome::NotEnrolled)
    };
    match done.is_none_or(|done| done.results.iter().all(|result| has(&result.outcome))) {
        true => StatusCode::OK,
        false => StatusCode::ACCEPTED,
    }
}

/// An immutable, numbered content of a cluster.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Revision")]
pub(super) struct RevisionShape {
    number: u64,
    parent: Option<u64>,
    /// SHA-256 of the content.
    digest: String,
    author: String,
    approver: Option<String>,
    /// Whether it was on trial and was undone.
    undone: bool,
    message: String,
    created: String,
}

pub(super) fn revision(summary: &RevisionSummary) -> RevisionShape {
    RevisionShape {
        number: summary.number,
        parent: summary.parent,
        digest: summary.digest.0.clone(),
        author: summary.author.clone(),
        approver: summary.approver.clone(),
        undone: summary.undone,
        message: summary.message.clone(),
        created: summary.created.to_string(),
    }
}

/// The steps of one director from one revision to another.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DirectorSteps")]
struct DirectorStepsShape {
    name: String,
    seat: Seat,
    steps: Vec<String>,
}

/// Two revisions side by side.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Comparison")]
pub(super) struct ComparisonShape {
    from: Option<RevisionShape>,
    to: RevisionShape,
    changes: Vec<ChangeLineShape>,
    directors: Vec<DirectorStepsShape>,
}

pub(super) fn comparison(compared: &Comparison) -> ComparisonShape {
    let steps = |director: &console::DirectorSteps| DirectorStepsShape {
        name: director.name.clone(),
        seat: director.seat,
        steps: director.steps.clone(),
    };
    ComparisonShape {
        from: compared.from.as_ref().map(revision),
        to: revision(&compared.to),
        changes: changes(&compared.changes),
        directors: compared.directors.iter().map(steps).collect(),
    }
}
