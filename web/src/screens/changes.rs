//! CHANGES: the draft in words, what each director would be told, and its activation.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{
    Activate, ActivateError, Activation, Basis, ChangeKind, ChangeLine, DirectorPreview, Draft, Object,
    Preview, PushOutcome, PushResult,
};
use lvs::Cluster;
use lvs::model::{Choices, Forwarding};

use super::approval::{self, Asking, Other};
use super::field_names::field_name;
use super::objects::Confirm;
use super::rebase::Moved;
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::Note;
use crate::locale::Locale;
use crate::page::{Page, Tab, keep_address, see_other, show};
use crate::visit::Member;

/// One difference in words.
pub(super) struct Line {
    pub(super) kind: &'static str,
    pub(super) text: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// What one director would be told.
pub(super) struct Steps {
    pub(super) name: String,
    pub(super) seat: String,
    pub(super) basis: String,
    pub(super) basis_tone: &'static str,
    pub(super) steps: Vec<String>,
    pub(super) adopted: Vec<String>,
    pub(super) foreign: Vec<String>,
}

impl Steps {
    /// What every director would be told, the primary first.
    pub(super) fn all(locale: Locale, preview: &Preview) -> Vec<Self> {
        let one = |d: &DirectorPreview| Steps {
            name: d.name.clone(),
            seat: locale.say(format!("seat-{}", d.seat)).to_string(),
            basis: match d.basis {
                Basis::Live => locale.say("basis-live"),
                Basis::LastKnown(at) => locale.say("basis-last-known").with("at", locale.moment(at)),
                Basis::Unknown => locale.say("basis-unknown"),
            }
            .to_string(),
            basis_tone: if d.basis == Basis::Live { "good" } else { "warn" },
            steps: d.steps.iter().map(|step| command(step)).collect(),
            adopted: d.adopted.clone(),
            foreign: d.foreign.clone(),
        };
        // The order of the pages, not the one in which they are pushed to.
        let mut directors: Vec<&DirectorPreview> = preview.directors.iter().collect();
        directors.sort_by_key(|director| director.seat);
        directors.into_iter().map(one).collect()
    }
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
    /// Drafts of others.
    others: Vec<Other>,
}

/// What a form sent that the page shows again.
#[derive(Default)]
pub(super) struct Form {
    pub(super) message: String,
    pub(super) choices: Choices,
}

/// The draft as shown.
pub(super) struct Shown {
    pub(super) base: Option<u64>,
    /// Somebody activated in between.
    pub(super) moved: Option<Moved>,
    /// Its owner asks somebody else to activate it.
    pub(super) asked: Option<Asking>,
    /// Whether the cluster leaves it to whoever made a draft to activate it.
    pub(super) alone: bool,
    pub(super) findings: Vec<Note>,
    pub(super) failed: bool,
    pub(super) lines: Vec<Line>,
    pub(super) directors: Vec<Steps>,
    /// Whether a real server is reached by NAT.
    pub(super) nat: bool,
}

impl Shown {
    /// Whether nothing of its own stands in the way of its activation.
    pub(super) fn ready(&self) -> bool {
        !self.failed && !self.lines.is_empty() && self.moved.is_none()
    }
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

pub(super) async fn page(
    member: &Member,
    cluster: &str,
    status: StatusCode,
    form: Form,
) -> Result<Response, Error> {
    let locale = member.locale();
    let draft = match member.console().draft(&member.actor, cluster).await? {
        Some(draft) => {
            let preview = member.console().preview(&member.actor, cluster).await?;
            let rebase = member.console().rebase(&member.actor, cluster).await?;
            let moved = rebase.map(|rebase| Moved::of(locale, &rebase, &form.choices));
            let alone = alone(member, cluster).await?;
            Some(Shown { moved, ..shown(locale, &draft, &preview, alone) })
        }
        None => None,
    };
    let others = approval::others(member, cluster).await?;
    let p = Page::of_cluster(member, cluster, Tab::Changes, locale.say("tab-changes")).await?;
    show(status, &ChangesPage { p, draft, message: form.message, others })
}

/// `GET …/changes`
pub(super) async fn draft(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    page(&member, &cluster, StatusCode::OK, Form::default()).await
}

/// Whether the cluster leaves it to whoever made a draft to activate it.
async fn alone(member: &Member, cluster: &str) -> Result<bool, Error> {
    let running = member.console().cluster(cluster).await?.running;
    Ok(!running.is_some_and(|running| running.content.global.four_eyes))
}

pub(super) fn shown(locale: Locale, draft: &Draft, preview: &Preview, alone: bool) -> Shown {
    let content = &draft.content;
    Shown {
        base: preview.base,
        moved: None,
        asked: draft.asked.as_ref().map(|asked| Asking::of(locale, asked)),
        alone,
        findings: preview
            .findings
            .iter()
            .map(|finding| Note {
                place: finding.pointer().map(|p| place(locale, content, p)).unwrap_or_default(),
                ..Note::of(locale, finding)
            })
            .collect(),
        failed: lvs::finding::has_errors(&preview.findings),
        lines: preview.changes.iter().map(|line| in_words(locale, line)).collect(),
        directors: Steps::all(locale, preview),
        nat: !content.global.host.prepare
            && content
                .virtual_servers
                .iter()
                .flat_map(|server| &server.real_servers)
                .any(|real| real.forwarding_in(&content.global) == Forwarding::Nat),
    }
}

/// A step as one would type it: lines in the format of ipvsadm --restore leave the program's name out.
pub(super) fn command(step: &str) -> String {
    if step.starts_with('-') { format!("ipvsadm {step}") } else { step.to_owned() }
}

/// Where a finding is, in the names that people gave and those of the pages: `Virtual server http, Device`.
pub(super) fn place(locale: Locale, content: &Cluster, pointer: &str) -> String {
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    let at = |text: &str| text.parse::<usize>().ok();
    let (kind, object, field) = match parts.as_slice() {
        ["virtual_servers", server, rest @ ..] => {
            let Some(server) = at(server).and_then(|i| content.virtual_servers.get(i)) else {
                return pointer.to_owned();
            };
            match rest {
                ["real_servers", real, rest @ ..] => {
                    match at(real).and_then(|i| server.real_servers.get(i)) {
                        Some(real) => {
                            let name = format!("{} / {}", server.name, real.name);
                            let said = locale.say("object-real-server").with("name", name);
                            (Object::RealServer, said, rest)
                        }
                        None => return pointer.to_owned(),
                    }
                }
                rest => {
                    let said = locale.say("object-virtual-server").with("name", &server.name);
                    (Object::VirtualServer, said, rest)
                }
            }
        }
        ["directors", director, rest @ ..] => match at(director).and_then(|i| content.directors.get(i)) {
            Some(director) => {
                (Object::Director, locale.say("object-director").with("name", &director.name), rest)
            }
            None => return pointer.to_owned(),
        },
        ["global", rest @ ..] => (Object::Global, locale.say("tab-global"), rest),
        ["redundancy", rest @ ..] => (Object::Redundancy, locale.say("tab-redundancy"), rest),
        rest => (Object::Cluster, locale.say("object-cluster"), rest),
    };
    match field {
        [] => object.to_string(),
        field => {
            let field = field_name(locale, kind, &field.join("."));
            locale.say("place-field").with("object", object).with("field", field).to_string()
        }
    }
}

/// What a difference is in, in the visitor's words.
pub(super) fn object_name(locale: Locale, line: &ChangeLine) -> String {
    match line.object {
        Object::Cluster => locale.say("object-cluster"),
        Object::Global => locale.say("tab-global"),
        Object::Redundancy => locale.say("tab-redundancy"),
        Object::Director => locale.say("object-director").with("name", &line.name),
        Object::VirtualServer => locale.say("object-virtual-server").with("name", &line.name),
        Object::RealServer => locale.say("object-real-server").with("name", &line.name),
    }
    .to_string()
}

/// A difference in the visitor's words.
pub(super) fn in_words(locale: Locale, line: &ChangeLine) -> Line {
    let object = object_name(locale, line);
    match &line.change {
        ChangeKind::Added => Line {
            kind: "add",
            text: locale.say("change-added").with("object", object).to_string(),
            before: None,
            after: None,
        },
        ChangeKind::Removed => Line {
            kind: "remove",
            text: locale.say("change-removed").with("object", object).to_string(),
            before: None,
            after: None,
        },
        ChangeKind::Field { field, before, after } => Line {
            kind: "change",
            text: {
                let field = field_name(locale, line.object, field);
                locale.say("change-field").with("object", object).with("field", field).to_string()
            },
            before: Some(value(locale, before.as_deref())),
            after: Some(value(locale, after.as_deref())),
        },
    }
}

/// Most characters of a value that are shown; the text of an imported file is one value.
pub(super) const VALUE_SHOWN: usize = 200;

fn value(locale: Locale, value: Option<&str>) -> String {
    match value {
        None => locale.say("value-unset").to_string(),
        Some(text) if text.chars().count() > VALUE_SHOWN => {
            text.chars().take(VALUE_SHOWN).chain(['…']).collect()
        }
        Some(text) => text.to_owned(),
    }
}

/// For how many seconds a form asks for a trial; whatever is no number is refused like a number out of range.
pub(super) fn trial(fields: &Fields) -> Option<u32> {
    let seconds = |minutes: &str| minutes.parse::<u32>().ok().and_then(|m| m.checked_mul(60)).unwrap_or(0);
    fields.filled("keep").map(seconds)
}

/// `POST …/changes/activate`: makes the draft the running revision and shows what each director answered.
pub(super) async fn activate(
    member: Member,
    Path(cluster): Path<String>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let keep_s = trial(&fields);
    let how = Activate { message: fields.get("message").trim(), keep_s, theirs: None };
    activate_draft(&member, &cluster, how).await
}

/// Makes the visitor's draft the running revision; the page says what each director answered, or what stands in the way.
pub(super) async fn activate_draft(
    member: &Member,
    cluster: &str,
    how: Activate<'_>,
) -> Result<Response, Error> {
    let form = || Form { message: how.message.to_owned(), ..Form::default() };
    match member.console().activate_as(&member.actor, cluster, how).await {
        Ok(done) => activated(member, cluster, &done).await,
        // The page itself says what stands in the way: the draft is kept, and so is the message.
        Err(ActivateError::Conflict { .. } | ActivateError::Nothing) => {
            Ok(keep_address(page(member, cluster, StatusCode::CONFLICT, form()).await?))
        }
        Err(ActivateError::Invalid(_)) => {
            Ok(keep_address(page(member, cluster, StatusCode::UNPROCESSABLE_ENTITY, form()).await?))
        }
        Err(other) => Err(other.into()),
    }
}

/// What became of an activation, director by director.
pub(super) async fn activated(member: &Member, cluster: &str, done: &Activation) -> Result<Response, Error> {
    let locale = member.locale();
    let results: Vec<Pushed> = done.results.iter().map(|r| pushed(locale, r)).collect();
    let title = locale.say("activated-title").with("revision", done.revision);
    let p = Page::of_cluster(member, cluster, Tab::Changes, title).await?;
    let complete = results.iter().all(|r| r.tone == "good");
    let joining = done.results.iter().any(|r| r.outcome == PushOutcome::NotEnrolled);
    let page = ActivatedPage { p, revision: done.revision, results, complete, joining };
    Ok(keep_address(show(StatusCode::OK, &page)?))
}

fn pushed(locale: Locale, result: &PushResult) -> Pushed {
    let (mut steps, mut failures) = (Vec::new(), Vec::new());
    let (tone, text) = match &result.outcome {
        PushOutcome::Applied { in_sync, steps: done, failures: failed, took_ms } => {
            steps = done.iter().map(|step| command(step)).collect();
            failures.clone_from(failed);
            let key = if *in_sync { "pushed-in-sync" } else { "pushed-partly" };
            let text = locale.say(key).with("count", done.len()).with("ms", *took_ms);
            (if *in_sync { "good" } else { "warn" }, text)
        }
        PushOutcome::Refused { reason } => ("bad", locale.say("pushed-refused").with("reason", reason)),
        PushOutcome::Unreachable { reason } => {
            ("warn", locale.say("pushed-unreachable").with("reason", reason))
        }
        PushOutcome::NotEnrolled => ("warn", locale.say("pushed-not-enrolled")),
        PushOutcome::Held { reason } => ("bad", locale.say("pushed-held").with("reason", reason)),
    };
    Pushed { director: result.director.clone(), tone, text: text.to_string(), steps, failures }
}

fn number(text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| Error::NotFound)
}

/// `POST …/revisions/{number}/keep`: what runs on trial stays.
pub(super) async fn keep(
    member: Member,
    Path((cluster, revision)): Path<(String, String)>,
) -> Result<Response, Error> {
    member.console().keep_revision(&member.actor, &cluster, number(&revision)?).await?;
    Ok(see_other(&format!("/clusters/{cluster}?done=kept")))
}

/// `POST …/revisions/{number}/undo`: what runs on trial is undone now.
pub(super) async fn undo(
    member: Member,
    Path((cluster, revision)): Path<(String, String)>,
) -> Result<Response, Error> {
    member.console().undo_revision(&member.actor, &cluster, number(&revision)?).await?;
    Ok(see_other(&format!("/clusters/{cluster}?done=undone")))
}

/// `GET …/changes/discard`
pub(super) async fn discard_form(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let locale = member.locale();
    Confirm {
        p: Page::of_cluster(&member, &cluster, Tab::Changes, locale.say("discard-title")).await?,
        question: locale.say("discard-question").to_string(),
        consequence: locale.say("discard-consequence").to_string(),
        button: locale.say("discard").to_string(),
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
