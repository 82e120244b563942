//! Reading an lvs.cf (or a saved ipvsadm table): pasted or uploaded, shown with what is to be said about each line,
//! then taken as a draft.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use console::{ChangeError, FileKind, Reading};
use lvs::finding::Place;
use lvs::{Finding, Severity};

use crate::error::Error;
use crate::fields::Sent;
use crate::forms::{Form, Note};
use crate::page::{Page, see_other, show};
use crate::visit::Member;

const KNOWN: &[&str] = &["text", "file", "name", "cluster"];

/// A line of the file with what is to be said about it.
struct Line {
    number: usize,
    text: String,
    tone: &'static str,
    notes: Vec<Note>,
}

/// Something found in the file, as one line of the summary.
struct Found {
    servers: usize,
    reals: usize,
    directors: usize,
    kind: &'static str,
}

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage {
    p: Page,
    form: Form,
    /// Clusters that an import may replace: id and name.
    clusters: Vec<(String, String)>,
    lines: Vec<Line>,
    /// Findings about the file as a whole.
    whole: Vec<Note>,
    errors: usize,
    warnings: usize,
    found: Option<Found>,
}

/// `GET /import`
pub(super) async fn form(member: Member) -> Result<Response, Error> {
    let fields = crate::fields::Fields::default().with("cluster", member.visit.query.get("cluster"));
    page(&member, StatusCode::OK, Form::new(KNOWN, fields), None).await
}

/// `POST /import`: shows what the file says; with `action=draft` takes it as a draft.
pub(super) async fn read(member: Member, Sent(fields): Sent) -> Result<Response, Error> {
    // An uploaded file comes into the text box, where it can be corrected.
    let uploaded = Some(fields.get("file")).filter(|text| !text.trim().is_empty());
    let text = uploaded.unwrap_or(fields.get("text"));
    let kept = crate::fields::Fields::default()
        .with("text", text)
        .with("name", fields.get("name"))
        .with("cluster", fields.get("cluster"));
    let mut form = Form::new(KNOWN, kept);
    if text.trim().is_empty() {
        form.error("text", member.language().say("wrong-import-empty"));
        return page(&member, StatusCode::UNPROCESSABLE_ENTITY, form, None).await;
    }
    let reading = console::read_file(text, FileKind::Auto);
    let Some(mut cluster) = reading.cluster.clone() else {
        return page(&member, StatusCode::UNPROCESSABLE_ENTITY, form, Some((text, reading))).await;
    };
    if fields.get("action") != "draft" {
        return page(&member, StatusCode::OK, form, Some((text, reading))).await;
    }
    if let Some(name) = fields.filled("name") {
        name.clone_into(&mut cluster.name);
    }
    let into = fields.filled("cluster");
    match member.console().import(&member.actor, into, cluster).await {
        Ok(draft) => Ok(see_other(&format!("/clusters/{}/changes?done=imported", draft.cluster_id))),
        Err(ChangeError::Invalid(findings)) => {
            form.findings(member.language(), "", &findings, true);
            page(&member, StatusCode::UNPROCESSABLE_ENTITY, form, Some((text, reading))).await
        }
        Err(other) => Err(other.into()),
    }
}

async fn page(
    member: &Member,
    status: StatusCode,
    form: Form,
    reading: Option<(&str, Reading)>,
) -> Result<Response, Error> {
    let language = member.language();
    let clusters = member.console().clusters().await?.into_iter().map(|c| (c.id, c.name)).collect();
    let (mut lines, mut whole, mut found) = (Vec::new(), Vec::new(), None);
    let (mut errors, mut warnings) = (0, 0);
    if let Some((text, reading)) = reading {
        errors = reading.findings.iter().filter(|f| f.severity == Severity::Error).count();
        warnings = reading.findings.len() - errors;
        let about_lines = |f: &&Finding| matches!(f.place, Place::Line { .. });
        whole = Note::list(language, reading.findings.iter().filter(|f| !about_lines(f)));
        lines = numbered(member, text, &reading.findings);
        found = reading.cluster.as_ref().map(|cluster| Found {
            servers: cluster.virtual_servers.len(),
            reals: cluster.virtual_servers.iter().map(|s| s.real_servers.len()).sum(),
            directors: cluster.directors.len(),
            kind: match reading.kind {
                FileKind::Ipvsadm => "ipvsadm",
                _ => "lvs.cf",
            },
        });
    }
    let p = Page::new(&member.visit, language.say("import-title"));
    show(status, &ImportPage { p, form, clusters, lines, whole, errors, warnings, found })
}

/// The file's lines; the Piranha parser knew CR alone as a line end as well.
fn numbered(member: &Member, text: &str, findings: &[Finding]) -> Vec<Line> {
    let mut lines: Vec<Line> = text
        .lines()
        .zip(1..)
        .map(|(text, number)| Line { number, text: text.to_owned(), tone: "", notes: Vec::new() })
        .collect();
    for finding in findings {
        let Place::Line { line, .. } = finding.place else { continue };
        let at = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
        let last = lines.len().saturating_sub(1);
        let Some(line) = lines.get_mut(at.min(last)) else { continue };
        let note = Note::of(member.language(), finding);
        line.tone = if note.error || line.tone == "bad" { "bad" } else { "warn" };
        line.notes.push(note);
    }
    lines
}
