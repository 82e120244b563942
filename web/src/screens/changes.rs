//! CHANGES: the draft in words, what each director would be told, and its activation.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{ActivateError, Basis, ChangeKind, ChangeLine, Object, Preview, PushOutcome, PushResult};
use lvs::Cluster;

use super::objects::Confirm;
use crate::error::Error;
use crate::fields::Sent;
use crate::forms::Note;
use crate::page::{Page, Tab, keep_address, see_other, short, show};
use crate::text::Language;
use crate::visit::Member;

/// One difference in words.
struct Line {
    kind: &'static str,
    text: String,
    before: Option<String>,
    after: Option<String>,
}

/// What one director would be told.
struct Steps {
    name: String,
    seat: String,
    basis: String,
    basis_tone: &'static str,
    steps: Vec<String>,
    adopted: Vec<String>,
    foreign: Vec<String>,
}

/// What became of a push, in words.
struct Pushed {
    director: String,
    tone: &'static str,
    text: String,
    steps: Vec<String>,
    failures: Vec<String>,
}

#[derive(Template)]
#[template(path = "changes.html")]
struct ChangesPage {
    p: Page,
    /// None without a draft.
    draft: Option<Shown>,
    message: String,
}

/// The draft as shown.
struct Shown {
    base: Option<u64>,
    /// Who activated in between, and when.
    conflict: Option<(String, u64, String)>,
    findings: Vec<Note>,
    failed: bool,
    lines: Vec<Line>,
    directors: Vec<Steps>,
}

#[derive(Template)]
#[template(path = "activated.html")]
struct ActivatedPage {
    p: Page,
    revision: u64,
    results: Vec<Pushed>,
    complete: bool,
    /// Some director has no agent yet: letting it join is what comes next.
    joining: bool,
}

async fn page(
    member: &Member,
    cluster: &str,
    status: StatusCode,
    message: String,
) -> Result<Response, Error> {
    let language = member.language();
    let draft = match member.console().draft(&member.actor, cluster).await? {
        Some(draft) => {
            let preview = member.console().preview(&member.actor, cluster).await?;
            let moment = |at: &jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
            Some(shown(language, &draft.content, &preview, moment))
        }
        None => None,
    };
    let p = Page::of_cluster(member, cluster, Tab::Changes, language.say("tab-changes")).await?;
    show(status, &ChangesPage { p, draft, message })
}

/// `GET …/changes`
pub(super) async fn draft(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    page(&member, &cluster, StatusCode::OK, String::new()).await
}

fn shown(
    language: Language,
    content: &Cluster,
    preview: &Preview,
    moment: impl Fn(&jiff::Timestamp) -> String,
) -> Shown {
    let conflict = preview.conflict.as_ref();
    Shown {
        base: preview.base,
        conflict: conflict.map(|r| (short(&r.author).to_owned(), r.number, moment(&r.created))),
        findings: preview
            .findings
            .iter()
            .map(|finding| Note {
                place: finding.pointer().map(|p| place(language, content, p)).unwrap_or_default(),
                ..Note::of(language, finding)
            })
            .collect(),
        failed: lvs::finding::has_errors(&preview.findings),
        lines: preview.changes.iter().map(|line| in_words(language, line)).collect(),
        directors: preview
            .directors
            .iter()
            .map(|d| Steps {
                name: d.name.clone(),
                seat: language.say(format!("seat-{}", d.seat)).to_string(),
                basis: match d.basis {
                    Basis::Live => language.say("basis-live"),
                    Basis::LastKnown(at) => language.say("basis-last-known").with("at", moment(&at)),
                    Basis::Unknown => language.say("basis-unknown"),
                }
                .to_string(),
                basis_tone: if d.basis == Basis::Live { "good" } else { "warn" },
                steps: d.steps.iter().map(|step| command(step)).collect(),
                adopted: d.adopted.clone(),
                foreign: d.foreign.clone(),
            })
            .collect(),
    }
}

/// A step as one would type it: lines in the format of ipvsadm --restore leave the program's name out.
fn command(step: &str) -> String {
    if step.starts_with('-') { format!("ipvsadm {step}") } else { step.to_owned() }
}

/// Where a finding is, in the names that people gave: `Virtual server http, vip.device`.
fn place(language: Language, content: &Cluster, pointer: &str) -> String {
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    let at = |text: &str| text.parse::<usize>().ok();
    let (object, field) = match parts.as_slice() {
        ["virtual_servers", server, rest @ ..] => {
            let Some(server) = at(server).and_then(|i| content.virtual_servers.get(i)) else {
                return pointer.to_owned();
            };
            match rest {
                ["real_servers", real, rest @ ..] => {
                    match at(real).and_then(|i| server.real_servers.get(i)) {
                        Some(real) => {
                            let name = format!("{} / {}", server.name, real.name);
                            (language.say("object-real-server").with("name", name), rest)
                        }
                        None => return pointer.to_owned(),
                    }
                }
                rest => (language.say("object-virtual-server").with("name", &server.name), rest),
            }
        }
        ["directors", director, rest @ ..] => match at(director).and_then(|i| content.directors.get(i)) {
            Some(director) => (language.say("object-director").with("name", &director.name), rest),
            None => return pointer.to_owned(),
        },
        ["global", rest @ ..] => (language.say("tab-global"), rest),
        ["redundancy", rest @ ..] => (language.say("tab-redundancy"), rest),
        rest => (language.say("object-cluster"), rest),
    };
    match field {
        [] => object.to_string(),
        field => {
            language.say("place-field").with("object", object).with("field", field.join(".")).to_string()
        }
    }
}

/// A difference in the visitor's words; fields keep their JSON names, which are those of the API.
fn in_words(language: Language, line: &ChangeLine) -> Line {
    let object = match line.object {
        Object::Cluster => language.say("object-cluster"),
        Object::Global => language.say("tab-global"),
        Object::Redundancy => language.say("tab-redundancy"),
        Object::Director => language.say("object-director").with("name", &line.name),
        Object::VirtualServer => language.say("object-virtual-server").with("name", &line.name),
        Object::RealServer => language.say("object-real-server").with("name", &line.name),
    };
    match &line.change {
        ChangeKind::Added => Line {
            kind: "add",
            text: language.say("change-added").with("object", object).to_string(),
            before: None,
            after: None,
        },
        ChangeKind::Removed => Line {
            kind: "remove",
            text: language.say("change-removed").with("object", object).to_string(),
            before: None,
            after: None,
        },
        ChangeKind::Field { field, before, after } => Line {
            kind: "change",
            text: language.say("change-field").with("object", object).with("field", field).to_string(),
            before: Some(before.clone().unwrap_or_else(|| language.say("value-unset").to_string())),
            after: Some(after.clone().unwrap_or_else(|| language.say("value-unset").to_string())),
        },
    }
}

/// `POST …/changes/activate`: makes the draft the running revision and shows what each director answered.
pub(super) async fn activate(
    member: Member,
    Path(cluster): Path<String>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let message = fields.get("message").trim();
    match member.console().activate(&member.actor, &cluster, message).await {
        Ok(done) => {
            let language = member.language();
            let results: Vec<Pushed> = done.results.iter().map(|r| pushed(language, r)).collect();
            let title = language.say("activated-title").with("revision", done.revision);
            let p = Page::of_cluster(&member, &cluster, Tab::Changes, title).await?;
            let complete = results.iter().all(|r| r.tone == "good");
            let joining = done.results.iter().any(|r| r.outcome == PushOutcome::NotEnrolled);
            let page = ActivatedPage { p, revision: done.revision, results, complete, joining };
            Ok(keep_address(show(StatusCode::OK, &page)?))
        }
        // The page itself says what stands in the way: the draft is kept, and so is the message.
        Err(ActivateError::Conflict { .. } | ActivateError::Nothing) => {
            Ok(keep_address(page(&member, &cluster, StatusCode::CONFLICT, message.to_owned()).await?))
        }
        Err(ActivateError::Invalid(_)) => Ok(keep_address(
            page(&member, &cluster, StatusCode::UNPROCESSABLE_ENTITY, message.to_owned()).await?,
        )),
        Err(other) => Err(other.into()),
    }
}

fn pushed(language: Language, result: &PushResult) -> Pushed {
    let (mut steps, mut failures) = (Vec::new(), Vec::new());
    let (tone, text) = match &result.outcome {
        PushOutcome::Applied { in_sync, steps: done, failures: failed, took_ms } => {
            steps = done.iter().map(|step| command(step)).collect();
            failures.clone_from(failed);
            let key = if *in_sync { "pushed-in-sync" } else { "pushed-partly" };
            let text = language.say(key).with("count", done.len()).with("ms", *took_ms);
            (if *in_sync { "good" } else { "warn" }, text)
        }
        PushOutcome::Refused { reason } => ("bad", language.say("pushed-refused").with("reason", reason)),
        PushOutcome::Unreachable { reason } => {
            ("warn", language.say("pushed-unreachable").with("reason", reason))
        }
        PushOutcome::NotEnrolled => ("warn", language.say("pushed-not-enrolled")),
        PushOutcome::Held { reason } => ("bad", language.say("pushed-held").with("reason", reason)),
    };
    Pushed { director: result.director.clone(), tone, text: text.to_string(), steps, failures }
}

/// `POST …/changes/rebase`: the draft's content on top of what runs now.
pub(super) async fn rebase(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    member.console().rebase_draft(&member.actor, &cluster).await?;
    Ok(see_other(&format!("/clusters/{cluster}/changes?done=rebased")))
}

/// `GET …/changes/discard`
pub(super) async fn discard_form(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let language = member.language();
    Confirm {
        p: Page::of_cluster(&member, &cluster, Tab::Changes, language.say("discard-title")).await?,
        question: language.say("discard-question").to_string(),
        consequence: language.say("discard-consequence").to_string(),
        button: language.say("discard").to_string(),
        action: format!("/clusters/{cluster}/changes/discard"),
        back: format!("/clusters/{cluster}/changes"),
    }
    .page()
}

/// `POST …/changes/discard`
pub(super) async fn discard(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    member.console().discard_draft(&member.actor, &cluster).await?;
    // A cluster that never ran may be gone with its draft.
    match member.console().cluster(&cluster).await {
        Ok(_) => Ok(see_other(&format!("/clusters/{cluster}?done=discarded"))),
        Err(console::Error::Missing(_)) => Ok(see_other("/?done=discarded")),
        Err(other) => Err(other.into()),
    }
}
