//! The JSON of what the console says about itself: drafts, plans, activations, findings, revisions.

use console::{
    Activation, Basis, ChangeKind, ChangeLine, Draft, Preview, PushOutcome, PushResult, RevisionSummary,
};
use lvs::finding::Place;
use lvs::{Finding, Severity};
use serde_json::{Value, json};

pub(super) fn finding(finding: &Finding) -> Value {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let (line, column) = match finding.place {
        Place::Line { line, column } => (Some(line), Some(column)),
        _ => (None, None),
    };
    json!({
        "severity": severity,
        "code": finding.code.as_str(),
        "line": line,
        "column": column,
        "pointer": finding.pointer(),
        "text": finding.text(),
        "suggestion": finding.suggestion,
    })
}

pub(super) fn findings(list: &[Finding]) -> Vec<Value> {
    list.iter().map(finding).collect()
}

pub(super) fn draft(draft: &Draft) -> Value {
    json!({
        "cluster": draft.cluster_id,
        "base": draft.base,
        "changed": draft.changed.to_string(),
        "findings": findings(&draft.findings),
        "content": draft.content,
    })
}

fn change(line: &ChangeLine) -> Value {
    let (kind, field, before, after) = match &line.change {
        ChangeKind::Added => ("added", None, None, None),
        ChangeKind::Removed => ("removed", None, None, None),
        ChangeKind::Field { field, before, after } => {
            ("changed", Some(field), before.as_ref(), after.as_ref())
        }
    };
    let object = match line.object {
        console::Object::Cluster => "cluster",
        console::Object::Global => "global",
        console::Object::Redundancy => "redundancy",
        console::Object::Director => "director",
        console::Object::VirtualServer => "virtual-server",
        console::Object::RealServer => "real-server",
    };
    json!({ "object": object, "name": line.name, "change": kind, "field": field, "before": before, "after": after })
}

/// What would happen: differences in words, and the exact steps of each director.
pub(super) fn plan(preview: &Preview) -> Value {
    let directors: Vec<Value> = preview
        .directors
        .iter()
        .map(|d| {
            let (basis, at) = match d.basis {
                Basis::Live => ("live", None),
                Basis::LastKnown(at) => ("last-known", Some(at.to_string())),
                Basis::Unknown => ("unknown", None),
            };
            json!({
                "name": d.name,
                "seat": d.seat,
                "connected": d.connected,
                "basis": basis,
                "basis_at": at,
                "steps": d.steps,
                "adopted": d.adopted,
                "foreign": d.foreign,
            })
        })
        .collect();
    json!({
        "base": preview.base,
        "running": preview.running,
        "conflict": preview.conflict.as_ref().map(revision),
        "findings": findings(&preview.findings),
        "changes": preview.changes.iter().map(change).collect::<Vec<_>>(),
        "directors": directors,
    })
}

fn pushed(result: &PushResult) -> Value {
    let mut value = json!({ "director": result.director });
    let more = match &result.outcome {
        PushOutcome::Applied { in_sync, steps, failures, took_ms } => json!({
            "outcome": "applied", "in_sync": in_sync, "steps": steps, "failures": failures, "took_ms": took_ms,
        }),
        PushOutcome::Refused { reason } => json!({ "outcome": "refused", "reason": reason }),
        PushOutcome::Unreachable { reason } => json!({ "outcome": "unreachable", "reason": reason }),
        PushOutcome::NotEnrolled => json!({ "outcome": "not-enrolled" }),
        PushOutcome::Held { reason } => json!({ "outcome": "held", "reason": reason }),
    };
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}

/// What became of an activation; `complete` only where every director's kernel holds all of it.
pub(super) fn activation(done: &Activation) -> Value {
    let complete =
        done.results.iter().all(|r| matches!(r.outcome, PushOutcome::Applied { in_sync: true, .. }));
    json!({
        "revision": done.revision,
        "digest": done.digest,
        "state": if complete { "complete" } else { "partial" },
        "results": done.results.iter().map(pushed).collect::<Vec<_>>(),
    })
}

pub(super) fn revision(summary: &RevisionSummary) -> Value {
    json!({
        "number": summary.number,
        "parent": summary.parent,
        "digest": summary.digest,
        "author": summary.author,
        "message": summary.message,
        "created": summary.created.to_string(),
    })
}
