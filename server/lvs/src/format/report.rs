//! The exact outputs of `caribe check`: lines for people, one object for programs.
//!
//! Only shapes; printing them is up to the command line. The names of these fields are promised to scripts.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Outcome;
use crate::finding::{Finding, Place, Severity};
use crate::model::Cluster;

/// The object of `caribe check --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What was read, as the API's whole-cluster PUT accepts it; null where an error is among the findings.
    pub cluster: Option<Cluster>,
    /// Clusters that a text could stand for which holds several, one per node; empty for all kinds of file that hold one.
    pub candidates: Vec<Cluster>,
    /// What is wrong and what was assumed.
    pub findings: Vec<Line>,
}

/// One finding of a [`Report`]; its text form is `FILE:LINE:COL: error|warning: text [code]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// How much it weighs.
    pub severity: Severity,
    /// Stable name of what it is about.
    pub code: String,
    /// The file as named on the command line; `-` is standard input.
    pub file: String,
    /// Line, from 1; what is about the text as a whole is put to its beginning.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The sentence.
    pub text: String,
    /// What to write instead, where that is known.
    pub suggestion: Option<String>,
}

impl Report {
    /// What was read.
    pub fn new(outcome: &Outcome) -> Self {
        let line = |(file, finding): &(usize, Finding)| Line::new(outcome.file(*file), finding);
        Report {
            cluster: outcome.cluster.clone(),
            candidates: outcome.candidates.clone(),
            findings: outcome.findings.iter().map(line).collect(),
        }
    }

    /// Of files that were not read at all: the first of them stands for all.
    pub fn unread(file: &str, reason: &str) -> Self {
        let line = Line {
            severity: Severity::Error,
            code: "unread".to_owned(),
            file: file.to_owned(),
            line: 1,
            column: 1,
            text: harmless(reason),
            suggestion: None,
        };
        Report { cluster: None, candidates: Vec::new(), findings: vec![line] }
    }

    /// Whether the file can be used; warnings are allowed.
    pub fn is_usable(&self) -> bool {
        !self.findings.iter().any(|line| line.severity == Severity::Error)
            && (self.cluster.is_some() || !self.candidates.is_empty())
    }
}

impl Line {
    /// A finding about a file.
    pub fn new(file: &str, finding: &Finding) -> Self {
        let (line, column) = match finding.place {
            Place::Line { line, column } => (line, column),
            Place::Whole | Place::Field(_) => (1, 1),
        };
        Line {
            severity: finding.severity,
            code: finding.code.as_str().to_owned(),
            file: file.to_owned(),
            line,
            column,
            text: finding.text(),
            suggestion: finding.suggestion.clone(),
        }
    }

    /// What to write instead, in a form that can break neither a line nor a terminal.
    pub fn instead(&self) -> Option<String> {
        self.suggestion.as_deref().map(harmless)
    }
}

/// Without control characters: a value from the file must not be able to break the line or the terminal.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { file, line, column, text, code, .. } = self;
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let text = harmless(text);
        write!(f, "{file}:{line}:{column}: {severity}: {text} [{code}]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Code;
    use crate::format::{Options, Source, read_sources};

    fn report(text: &str) -> Report {
        Report::new(&read_sources(&[Source { name: "x", text }], &Options::default()))
    }

    #[test]
    fn people_get_a_line() {
        let finding = Finding::line(2, 15, Code::TrailingComment).warning();
        assert_eq!(
            Line::new("lvs.cf", &finding).to_string(),
            "lvs.cf:2:15: warning: a comment after a value is an error to the original; it was skipped [trailing-comment]"
        );
        let whole =
            Finding { place: Place::Whole, ..Finding::field("", Code::NumberBad).with("text", "\u{1b}[1m") };
        assert_eq!(Line::new("-", &whole).to_string(), "-:1:1: error: \u{fffd}[1m is no number [number-bad]");
        let told = Line::new("-", &Finding { suggestion: Some("a\nb".to_owned()), ..whole });
        assert_eq!(told.instead().as_deref(), Some("a\u{fffd}b"));
    }

    #[test]
    fn programs_get_an_object() {
        let bad = report("primary = www.example.com\n");
        assert!(!bad.is_usable());
        let json = serde_json::to_value(&bad).unwrap();
        assert_eq!(json["cluster"], serde_json::Value::Null);
        assert_eq!(json["candidates"], serde_json::json!([]));
        assert_eq!(
            json["findings"][0],
            serde_json::json!({
                "severity": "error", "code": "host-name", "file": "x", "line": 1, "column": 11,
                "text": "www.example.com is a host name, which is not looked up; write its address",
                "suggestion": null,
            })
        );
        let good = report("primary = 192.0.2.1\n");
        assert!(good.is_usable());
        let json = serde_json::to_string(&good).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), good);
    }
}
