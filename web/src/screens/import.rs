//! Reading the files people bring: pasted or uploaded, shown with what is to be said about each line, with the plan
//! they would cause and the fail-over time they mean, then taken as a draft.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use console::{ChangeError, Edit};
use lvs::finding::Place;
use lvs::format::FileKind;
use lvs::{Cluster, Code, Finding, Severity};

use super::changes::Steps;
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::choices::{self, Choice};
use crate::forms::{Form, Note, Press, Row};
use crate::import::{Read, Wanted};
use crate::locale::Locale;
use crate::page::{Page, keep_address, see_other, show};
use crate::visit::Member;

const KNOWN: &[&str] =
    &["files.*.text", "files.*.name", "file", "kind", "strict", "candidate", "name", "cluster"];

/// Lines of one file that are shown all; of a longer one those around findings.
const LINES_SHOWN: usize = 2_000;

/// Lines shown before and after a finding in a long file.
const AROUND: usize = 3;

/// Steps of one director that are shown before the draft is made.
const STEPS_SHOWN: usize = 300;

/// A line of a file with what is to be said about it.
struct Line {
    number: usize,
    text: String,
    tone: &'static str,
    notes: Vec<Numbered>,
    /// Lines before it are left out.
    after_gap: bool,
}

/// A finding with its number on the page.
#[derive(Clone)]
struct Numbered {
    number: usize,
    note: Note,
    /// Where it is, in words.
    place: String,
    /// The line that it is shown at.
    anchor: Option<String>,
}

/// A file as shown.
struct File {
    number: usize,
    name: String,
    lines: Vec<Line>,
}

/// What was found, in short.
struct Found {
    servers: usize,
    reals: usize,
    directors: usize,
    kind: &'static str,
    failover: Option<(String, String)>,
    /// Fail-over time with Caribe's own timers, where they are others.
    ours: Option<(String, String)>,
}

/// All that the page says about files that were read.
#[derive(Default)]
struct Reading {
    errors: usize,
    warnings: usize,
    found: Option<Found>,
    /// Names of the clusters that can be chosen, the chosen one, where there are several.
    candidates: Vec<String>,
    chosen: String,
    findings: Vec<Numbered>,
    files: Vec<File>,
    directors: Vec<Steps>,
    /// Steps of all directors that are not shown.
    more_steps: usize,
}

impl Reading {
    /// Whether the page shows that line; long files are not shown whole.
    fn shows(&self, anchor: &str) -> bool {
        self.files
            .iter()
            .any(|file| file.lines.iter().any(|line| self::anchor(file.number, line.number) == anchor))
    }
}

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage {
    p: Page,
    form: Form,
    /// Clusters that an import may replace: id and name.
    clusters: Vec<(String, String)>,
    kinds: Vec<Choice>,
    reading: Option<Reading>,
}

/// `GET /import`
pub(super) async fn form(member: Member) -> Result<Response, Error> {
    let fields = Fields::default().with("cluster", member.visit.query.get("cluster"));
    page(&member, StatusCode::OK, Form::new(KNOWN, with_file(fields, "", "", "")), None).await
}

/// The fields with one more file at the end.
fn with_file(fields: Fields, name: &str, text: &str, ends: &str) -> Fields {
    let row = Row::after(&fields, "files");
    fields.with(&row.name("name"), name).with(&row.name("text"), text).with(&row.name("ends"), ends)
}

/// Uploaded files come into text boxes, where they can be corrected; they take the place of empty ones. Where a line
/// of a file ends in CR LF, which a text box cannot keep, the box says so beside its text.
fn with_uploads(fields: Fields) -> Fields {
    let uploads: Vec<(String, String)> =
        fields.all("file.name").iter().cloned().zip(fields.all("file").iter().cloned()).collect();
    let uploads: Vec<_> = uploads.into_iter().filter(|(_, text)| !text.trim().is_empty()).collect();
    if uploads.is_empty() {
        return fields;
    }
    let blank = |row: &Row| fields.get(&row.name("text")).trim().is_empty();
    let kept: Vec<Row> = Row::all(&fields, "files").into_iter().filter(|row| !blank(row)).collect();
    let mut all = fields.clone().renamed(|name| (!name.starts_with("files.")).then_some(name));
    for row in kept {
        all = with_file(
            all,
            fields.get(&row.name("name")),
            fields.get(&row.name("text")),
            fields.get(&row.name("ends")),
        );
    }
    for (name, text) in uploads {
        let ends = if text.contains("\r\n") { "crlf" } else { "" };
        all = with_file(all, &name, &text.replace("\r\n", "\n"), ends);
    }
    all
}

/// What the fields ask for.
fn wanted(form: &mut Form, locale: Locale, fields: &Fields) -> Wanted {
    let files = Row::all(fields, "files").into_iter().filter_map(|row| {
        let text = fields.get(&row.name("text"));
        let text = match fields.get(&row.name("ends")) {
            "crlf" => text.replace('\n', "\r\n"),
            _ => text.to_owned(),
        };
        let name = fields.filled(&row.name("name")).map(ToOwned::to_owned);
        let name =
            name.unwrap_or_else(|| locale.say("import-text-name").with("number", row.count()).to_string());
        Some((name, text)).filter(|(_, text)| !text.trim().is_empty())
    });
    let kind = match fields.filled("kind").filter(|word| *word != "auto").map(str::parse::<FileKind>) {
        None => None,
        Some(Ok(kind)) => Some(kind),
        Some(Err(_)) => {
            form.error("kind", locale.say("wrong-choice"));
            None
        }
    };
    Wanted {
        files: files.collect(),
        kind,
        strict: fields.ticked("strict"),
        candidate: fields.filled("candidate").map(ToOwned::to_owned),
    }
}

/// `POST /import`: shows what the files say; with `action=draft` takes it as a draft, with `action=draft-defaults`
/// with Caribe's own timers as a second edit.
pub(super) async fn read(member: Member, Sent(fields): Sent) -> Result<Response, Error> {
    let locale = member.locale();
    let (press, fields) = Press::of(&fields, &["files"]);
    let latin1: Vec<String> = fields.all("file.latin1").to_vec();
    let fields = with_uploads(fields);
    if press != Press::Accept {
        let fields = if press == Press::Removed { fields } else { with_file(fields, "", "", "") };
        let form = Form::new(KNOWN, fields);
        return Ok(keep_address(page(&member, StatusCode::OK, form, None).await?));
    }
    let mut form = Form::new(KNOWN, fields.clone());
    let mut wanted = wanted(&mut form, locale, &fields);
    if wanted.files.is_empty() {
        form.error("files.0.text", locale.say("wrong-import-empty"));
    }
    if form.failed() {
        return page(&member, StatusCode::UNPROCESSABLE_ENTITY, form, None).await;
    }
    let mut read = crate::import::read(&wanted);
    let mut action = fields.get("action");
    if read.chosen.is_none()
        && let Some(first) = read.outcome.candidates.first()
    {
        // Something is shown first, and the page offers the others; nothing is taken that nobody chose.
        action = "check";
        wanted.candidate = Some(first.name.clone());
        read = crate::import::read(&wanted);
    }
    for name in latin1 {
        let at = wanted.files.iter().position(|(file, _)| *file == name).unwrap_or(0);
        let said = Finding { place: Place::Whole, ..Finding::line(1, 1, Code::FileEncoding).warning() };
        read.outcome.findings.insert(0, (at, said));
    }
    let Some(mut cluster) = read.chosen.clone() else {
        let shown = shown(&member, &wanted, &read, None, None).await?;
        return page(&member, StatusCode::UNPROCESSABLE_ENTITY, form, Some(shown)).await;
    };
    let into = fields.filled("cluster");
    if !["draft", "draft-defaults"].contains(&action) {
        let shown = shown(&member, &wanted, &read, Some(&cluster), into).await?;
        return page(&member, StatusCode::OK, form, Some(shown)).await;
    }
    if let Some(name) = fields.filled("name") {
        name.clone_into(&mut cluster.name);
    }
    let ours = cluster.redundancy.with_default_timers();
    match member.console().import(&member.actor, into, cluster.clone()).await {
        Ok(draft) => {
            let changes = format!("/clusters/{}/changes?done=imported", draft.cluster_id);
            if action == "draft-defaults" {
                let edit = Edit::Redundancy(ours);
                member.console().change(&member.actor, &draft.cluster_id, edit, Some(&draft.etag)).await?;
            }
            Ok(see_other(&changes))
        }
        Err(ChangeError::Invalid(findings)) => {
            form.findings(locale, "", &findings, true);
            let shown = shown(&member, &wanted, &read, Some(&cluster), into).await?;
            page(&member, StatusCode::UNPROCESSABLE_ENTITY, form, Some(shown)).await
        }
        Err(other) => Err(other.into()),
    }
}

async fn page(
    member: &Member,
    status: StatusCode,
    form: Form,
    reading: Option<Reading>,
) -> Result<Response, Error> {
    let locale = member.locale();
    let clusters = member.console().clusters().await?.into_iter().map(|c| (c.id, c.name)).collect();
    let p = Page::new(&member.visit, locale.say("import-title"));
    show(status, &ImportPage { p, form, clusters, kinds: choices::file_kinds(locale), reading })
}

/// All that is to be said about the files, with the plan for `cluster` where there is one.
async fn shown(
    member: &Member,
    wanted: &Wanted,
    read: &Read,
    cluster: Option<&Cluster>,
    into: Option<&str>,
) -> Result<Reading, Error> {
    let locale = member.locale();
    let errors = read.outcome.findings.iter().filter(|(_, f)| f.severity == Severity::Error).count();
    let findings = numbered(locale, wanted, read);
    let mut reading = Reading {
        errors,
        warnings: read.outcome.findings.len() - errors,
        found: cluster.map(|cluster| found(cluster, read.kind)),
        candidates: read.outcome.candidates.iter().map(|c| c.name.clone()).collect(),
        chosen: wanted.candidate.clone().unwrap_or_default(),
        files: files(wanted, read, &findings),
        findings,
        ..Reading::default()
    };
    if let Some(cluster) = cluster {
        let preview = match into {
            Some(into) => member.console().preview_of(&member.actor, into, cluster.clone()).await?,
            None => member.console().preview_of_new(cluster),
        };
        reading.directors = Steps::all(locale, &preview);
        for director in &mut reading.directors {
            reading.more_steps += director.steps.len().saturating_sub(STEPS_SHOWN);
            director.steps.truncate(STEPS_SHOWN);
        }
    }
    Ok(reading)
}

fn found(cluster: &Cluster, kind: Option<FileKind>) -> Found {
    let ours = cluster.redundancy.with_default_timers();
    let other = ours != cluster.redundancy;
    Found {
        servers: cluster.virtual_servers.len(),
        reals: cluster.virtual_servers.iter().map(|s| s.real_servers.len()).sum(),
        directors: cluster.directors.len(),
        kind: kind.map_or("", FileKind::as_str),
        failover: super::redundancy::failover(&cluster.redundancy),
        ours: super::redundancy::failover(&ours).filter(|_| other),
    }
}

fn anchor(file: usize, line: usize) -> String {
    format!("file-{file}-line-{line}")
}

/// The findings in their order, each with the line it is shown at.
fn numbered(locale: Locale, wanted: &Wanted, read: &Read) -> Vec<Numbered> {
    let several = wanted.files.len() > 1;
    let each = read.outcome.findings.iter().enumerate().map(|(number, (file, finding))| {
        let line = match finding.place {
            Place::Line { line, .. } => Some(usize::try_from(line).unwrap_or(usize::MAX)),
            _ => None,
        };
        let last = wanted.files.get(*file).map_or(0, |(_, text)| text.lines().count());
        let name = read.outcome.file(*file);
        let place = match (line, several || *file >= wanted.files.len()) {
            (Some(line), true) => {
                locale.say("import-place-file").with("file", name).with("line", line).to_string()
            }
            (Some(line), false) => locale.say("import-place").with("line", line).to_string(),
            (None, true) => name.to_owned(),
            (None, false) => String::new(),
        };
        let anchor = line.filter(|_| last > 0).map(|line| anchor(*file, line.clamp(1, last)));
        let note = Note { place: String::new(), ..Note::of(locale, finding) };
        Numbered { number: number + 1, note, place, anchor }
    });
    each.collect()
}

/// The lines of the files, each with its findings.
fn files(wanted: &Wanted, read: &Read, findings: &[Numbered]) -> Vec<File> {
    let mut files: Vec<File> = Vec::new();
    for (number, (name, text)) in wanted.files.iter().enumerate() {
        let all = text.lines().count();
        let about: Vec<(usize, &Numbered)> = read
            .outcome
            .findings
            .iter()
            .zip(findings)
            .filter(|((file, _), numbered)| *file == number && numbered.anchor.is_some())
            .filter_map(|((_, finding), numbered)| match finding.place {
                Place::Line { line, .. } => {
                    Some((usize::try_from(line).unwrap_or(usize::MAX).clamp(1, all.max(1)), numbered))
                }
                _ => None,
            })
            .collect();
        let near: std::collections::BTreeSet<usize> =
            about.iter().flat_map(|(line, _)| line.saturating_sub(AROUND)..=line + AROUND).collect();
        let mut lines: Vec<Line> = Vec::new();
        let mut gap = false;
        for (text, at) in text.lines().zip(1..) {
            if all > LINES_SHOWN && !near.contains(&at) {
                gap = true;
                continue;
            }
            let notes: Vec<Numbered> =
                about.iter().filter(|(line, _)| *line == at).map(|(_, n)| (*n).clone()).collect();
            let tone = match (notes.iter().any(|n| n.note.error), notes.is_empty()) {
                (true, _) => "bad",
                (false, false) => "warn",
                (false, true) => "",
            };
            lines.push(Line { number: at, text: text.to_owned(), tone, notes, after_gap: gap });
            gap = false;
        }
        files.push(File { number, name: name.clone(), lines });
    }
    files
}
