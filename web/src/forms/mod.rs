//! Forms: what was typed, what is to be said about it, and the way from texts to the model and back.
//!
//! A form's fields carry the names of the model's JSON paths with dots (`vip.address`), so that a finding about
//! `/virtual_servers/3/vip/address` finds its field by itself. Forms hold no rule: a text that is no number at all is
//! said here, everything else by `lvs`.

mod checks;
mod cluster;
mod policy;
mod read;
mod real_server;
mod redundancy;
mod rows;
mod scripts;
mod virtual_server;

pub(crate) mod choices;

use std::collections::{BTreeMap, BTreeSet};

use lvs::{Finding, Severity};

use crate::fields::Fields;
use crate::locale::Locale;
use crate::text::Language;

pub(crate) use checks::without_secrets;
pub(crate) use cluster::{DirectorForm, GlobalForm, NewClusterForm, blank_director};
pub(crate) use read::Reader;
pub(crate) use real_server::RealServerForm;
pub(crate) use redundancy::{RedundancyForm, blank_instance};
pub(crate) use rows::{Press, Row};
pub(crate) use scripts::{OwnScriptsForm, ScriptsForm, with_check};
pub(crate) use virtual_server::VirtualServerForm;

/// Something to be said, at a field or about the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// Whether it keeps the form from being taken.
    pub(crate) error: bool,
    /// Where, for lists of findings; empty at a field.
    pub(crate) place: String,
    /// In the visitor's language.
    pub(crate) text: String,
    /// What to write instead, where that is known.
    pub(crate) suggestion: Option<String>,
}

impl Note {
    pub(crate) fn of(locale: Locale, finding: &Finding) -> Self {
        let place = match &finding.place {
            lvs::finding::Place::Whole => String::new(),
            lvs::finding::Place::Line { line, column } => format!("{line}:{column}"),
            lvs::finding::Place::Field(pointer) => pointer.clone(),
        };
        Note {
            error: finding.severity == Severity::Error,
            place,
            text: locale.finding(finding),
            suggestion: finding.suggestion.clone(),
        }
    }
}

/// A form as shown: the texts, and what is said at each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    fields: Fields,
    known: &'static [&'static str],
    notes: BTreeMap<String, Vec<Note>>,
    top: Vec<Note>,
    /// Fields whose text was no text of its kind.
    unread: BTreeSet<String>,
}

impl Form {
    /// A form with these texts; `known` are the names that have an input on the page, with `*` for a row's number.
    pub(crate) fn new(known: &'static [&'static str], fields: Fields) -> Self {
        Form { fields, known, notes: BTreeMap::new(), top: Vec::new(), unread: BTreeSet::new() }
    }

    pub(crate) fn value(&self, name: impl AsRef<str>) -> &str {
        self.fields.get(name.as_ref())
    }

    /// The name of a field of an object within another one, such as `monitor.` and `load_monitor.port`.
    #[allow(clippy::unused_self, reason = "templates call functions of what they are given")]
    pub(crate) fn under(&self, prefix: &str, field: &str) -> String {
        format!("{prefix}{field}")
    }

    pub(crate) fn ticked(&self, name: &str) -> bool {
        self.fields.ticked(name)
    }

    pub(crate) fn chosen(&self, name: &str, value: &str) -> bool {
        self.fields.get(name) == value
    }

    pub(crate) fn contains(&self, name: &str, value: &str) -> bool {
        self.fields.contains(name, value)
    }

    pub(crate) fn notes(&self, name: &str) -> &[Note] {
        self.notes.get(name).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn wrong(&self, name: &str) -> bool {
        self.notes(name).iter().any(|n| n.error)
    }

    pub(crate) fn top(&self) -> &[Note] {
        &self.top
    }

    /// The same with texts taken out by `change`, which names their fields; `said` there.
    pub(crate) fn changed<T: ToString>(
        mut self,
        change: impl Fn(Fields) -> (Fields, Vec<String>),
        said: impl Fn() -> T,
    ) -> Self {
        let (fields, names) = change(self.fields);
        self.fields = fields;
        for name in names {
            self.careful(&name, said());
        }
        self
    }

    /// The rows of a repeated part, such as `checks`.
    pub(crate) fn rows(&self, part: &str) -> Vec<Row> {
        rows::of(&self.fields, part)
    }

    /// Ids of everything that describes the field, for assistive technology.
    pub(crate) fn described(&self, name: &str, hint: &str) -> Option<String> {
        let mut ids: Vec<String> = (1..=self.notes(name).len()).map(|n| format!("{name}-said-{n}")).collect();
        if !hint.is_empty() {
            ids.push(format!("{name}-hint"));
        }
        if ids.is_empty() { None } else { Some(ids.join(" ")) }
    }

    /// Errors, at fields and about the whole.
    pub(crate) fn count(&self) -> usize {
        self.notes.values().flatten().chain(&self.top).filter(|n| n.error).count()
    }

    pub(crate) fn failed(&self) -> bool {
        self.count() > 0
    }

    /// Says an error at a field, or above the form where it has no such field.
    pub(crate) fn error(&mut self, name: &str, text: impl ToString) {
        self.unread.insert(name.to_owned());
        let (place, text) = (String::new(), text.to_string());
        self.note(name, Note { error: true, place, text, suggestion: None });
    }

    /// Says something at a field that does not keep the form from being taken.
    pub(crate) fn careful(&mut self, name: &str, text: impl ToString) {
        let (place, text) = (String::new(), text.to_string());
        self.note(name, Note { error: false, place, text, suggestion: None });
    }

    fn note(&mut self, name: &str, note: Note) {
        match self.field_for(name) {
            Some(field) => {
                let notes = self.notes.entry(field).or_default();
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
            None => self.top.push(note),
        }
    }

    /// The input that a path belongs to: its own, the nearest around it, or the first within it.
    fn field_for(&self, path: &str) -> Option<String> {
        let mut around = Some(path);
        while let Some(name) = around {
            if self.known.iter().any(|known| rows::is(known, name)) {
                return Some(name.to_owned());
            }
            around = name.rsplit_once('.').map(|(outer, _)| outer);
        }
        self.known.iter().find_map(|known| rows::within(known, path))
    }

    /// Says the findings about the object at `pointer` (`/virtual_servers/3`) at their fields. Findings about other
    /// objects are left out, unless they are errors and `all` is wanted: nothing that refused a form may stay unsaid.
    pub(crate) fn findings(&mut self, locale: Locale, pointer: &str, findings: &[Finding], all: bool) {
        self.findings_about(locale, &[pointer], findings, all);
    }

    /// The same for a form that writes several objects.
    pub(crate) fn findings_about(
        &mut self,
        locale: Locale,
        pointers: &[impl AsRef<str>],
        findings: &[Finding],
        all: bool,
    ) {
        for finding in findings {
            let note =
                Note { place: String::new(), text: sentence(locale, finding), ..Note::of(locale, finding) };
            let whole = finding.pointer().unwrap_or_default();
            let rest = pointers
                .iter()
                .filter_map(|pointer| whole.strip_prefix(pointer.as_ref()))
                .find(|rest| rest.is_empty() || rest.starts_with('/'));
            match rest {
                Some(rest) => {
                    let name = rest.trim_start_matches('/').replace('/', ".");
                    // A field that could not even be read needs no second opinion on its old value.
                    let unread = self.field_for(&name).is_some_and(|field| self.unread.contains(&field));
                    if !unread || !note.error {
                        self.note(&name, note);
                    }
                }
                _ if all && note.error => {
                    self.top.push(Note { text: format!("{whole}: {}", note.text), ..note });
                }
                _ => {}
            }
        }
    }
}

/// A finding as a sentence of its own: those of lvs begin small, because they follow a file's line.
fn sentence(locale: Locale, finding: &Finding) -> String {
    let text = locale.finding(finding);
    let first = finding.code.template().split(' ').next().unwrap_or_default();
    if locale.language != Language::English || !first.chars().all(|c| c.is_ascii_lowercase() || c == ',') {
        return text;
    }
    let mut rest = text.chars();
    match rest.next() {
        Some(letter) => format!("{}{}.", letter.to_ascii_uppercase(), rest.as_str()),
        None => text,
    }
}

/// A form for one kind of object.
pub(crate) trait Bound {
    /// What it edits.
    type Object;

    /// Names that have an input.
    const KNOWN: &'static [&'static str];

    /// The object's texts.
    fn texts(object: &Self::Object) -> Fields;

    /// The object with the texts put in; what is no text of its kind is said at its field and leaves the old value.
    fn read(reader: &mut Reader<'_>, old: Self::Object) -> Self::Object;

    /// A form that shows the object.
    fn showing(object: &Self::Object) -> Form {
        Form::new(Self::KNOWN, Self::texts(object))
    }
}
