//! Gathers what a reader has to say about a text, within bounds, in the order of the lines.
//!
//! Never decides what is wrong; the readers in this folder do. A hostile text of a million wrong lines yields a
//! bounded list and one finding that says how many are not listed.

use std::collections::BTreeSet;
use std::fmt;

use crate::finding::{Code, Finding, Findings, Place, Severity};

/// Findings of each severity that are listed one by one.
const LISTED: usize = 500;

/// Findings so far.
#[derive(Debug, Default)]
pub(super) struct Collector {
    findings: Findings,
    /// For each finding, the text that it is about.
    files: Vec<usize>,
    errors: usize,
    warnings: usize,
    /// Codes that are listed; one that is not yet is listed once, however many findings there are.
    codes: BTreeSet<Code>,
    /// Findings that were listed for that alone.
    beyond: usize,
}

impl Collector {
    /// Adds one, or only counts it where too many of its severity are there already.
    pub(super) fn add(&mut self, finding: Finding) {
        self.add_in(0, finding);
    }

    /// Adds one about one of several texts, by its index.
    pub(super) fn add_in(&mut self, file: usize, finding: Finding) {
        let count = match finding.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        let beyond = *count > LISTED;
        // What is said a thousand times must not hide what is said once.
        if self.codes.insert(finding.code) || !beyond {
            self.beyond += usize::from(beyond);
            self.findings.push(finding);
            self.files.push(file);
        }
    }

    /// Whether one more of this severity is listed, because there is room or because one of these codes is new; where
    /// not, it is counted here and need not be put into words.
    pub(super) fn wants(&mut self, severity: Severity, codes: &[Code]) -> bool {
        codes.iter().any(|code| !self.codes.contains(code)) || self.lists(severity)
    }

    /// Whether anything was an error, listed or not.
    pub(super) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Whether one more of this severity is listed; where not, it is counted here and need not be put into words.
    pub(super) fn lists(&mut self, severity: Severity) -> bool {
        let count = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        let lists = *count < LISTED;
        *count += usize::from(!lists);
        lists
    }

    /// Begins a finding about one of several texts, which is added once it is complete. One that is only counted takes
    /// no words.
    pub(super) fn say(&mut self, file: usize, finding: Finding) -> Said<'_> {
        let listed = self.wants(finding.severity, &[finding.code]);
        Said { collector: self, file, finding: listed.then_some(finding) }
    }

    /// Whether a further warning would only be counted.
    pub(super) fn is_full(&self) -> bool {
        self.warnings >= LISTED
    }

    /// Those listed so far, in the order in which they came.
    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// All of them by line; what was only counted becomes one last finding.
    pub(super) fn finish(self) -> Findings {
        self.finish_by_file().into_iter().map(|(_, finding)| finding).collect()
    }

    /// All of them with the index of their text, by text and line; what was only counted becomes one last finding.
    pub(super) fn finish_by_file(self) -> Vec<(usize, Finding)> {
        let mut findings: Vec<_> = self.files.into_iter().zip(self.findings).collect();
        findings.sort_by_key(|(file, finding)| match finding.place {
            Place::Line { line, column } => (*file, line, column),
            Place::Whole | Place::Field(_) => (*file, 0, 0),
        });
        // Lines that are read several times, as those of a loop, say it once.
        let mut said = BTreeSet::new();
        findings.retain(|finding| said.insert(finding.clone()));
        let omitted = self.errors.saturating_sub(LISTED) + self.warnings.saturating_sub(LISTED);
        let omitted = omitted.saturating_sub(self.beyond);
        if omitted > 0 {
            let finding = Finding {
                place: Place::Whole,
                severity: if self.errors > LISTED { Severity::Error } else { Severity::Warning },
                code: Code::FindingsOmitted,
                args: vec![("count", omitted.to_string())],
                suggestion: None,
            };
            findings.push((findings.last().map_or(0, |(file, _)| *file), finding));
        }
        findings
    }
}

/// A finding that is complete, and added, when it goes out of scope.
pub(super) struct Said<'c> {
    collector: &'c mut Collector,
    file: usize,
    finding: Option<Finding>,
}

impl Said<'_> {
    /// With a value for its sentence.
    pub(super) fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.finding = self.finding.take().map(|finding| finding.with(name, value));
        self
    }

    /// With what to write instead, where that is known.
    pub(super) fn suggest(mut self, text: Option<impl fmt::Display>) -> Self {
        if let (Some(text), Some(finding)) = (text, self.finding.as_mut()) {
            finding.suggestion = Some(text.to_string());
        }
        self
    }
}

impl Drop for Said<'_> {
    fn drop(&mut self) {
        if let Some(finding) = self.finding.take() {
            self.collector.add_in(self.file, finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_keeps_its_weight() {
        let mut collector = Collector::default();
        for line in 1..=2_000 {
            collector.add(Finding::line(line, 1, Code::WordUnknown).warning());
        }
        collector.add(Finding::line(1, 1, Code::NumberBad));
        assert!(collector.has_errors());
        let findings = collector.finish();
        assert_eq!(findings.len(), LISTED + 2);
        let last = findings.last().unwrap();
        assert_eq!((last.code, last.severity), (Code::FindingsOmitted, Severity::Warning));
        assert_eq!(last.text(), "1500 further findings are not listed");
    }

    #[test]
    fn a_flood_hides_no_other_kind() {
        let mut collector = Collector::default();
        for line in 1..=2_000 {
            collector.say(0, Finding::line(line, 1, Code::WordUnknown).warning());
        }
        for line in 3_000..3_002 {
            collector.say(0, Finding::line(line, 1, Code::ExtraWords).warning());
        }
        let findings = collector.finish();
        assert_eq!(findings.len(), LISTED + 2);
        assert!(findings.iter().any(|finding| finding.code == Code::ExtraWords));
        assert_eq!(findings.last().unwrap().text(), "1501 further findings are not listed");
    }

    #[test]
    fn findings_come_by_line_and_column() {
        let mut collector = Collector::default();
        for (line, column) in [(3, 1), (1, 9), (1, 2)] {
            collector.add(Finding::line(line, column, Code::NumberBad));
        }
        let places: Vec<_> = collector.finish().into_iter().map(|f| f.place).collect();
        let at = |line, column| Place::Line { line, column };
        assert_eq!(places, [at(1, 2), at(1, 9), at(3, 1)]);
    }

    #[test]
    fn findings_of_several_texts_keep_to_their_text() {
        let mut collector = Collector::default();
        for (file, line) in [(1, 1), (0, 7), (1, 3), (0, 2)] {
            collector.add_in(file, Finding::line(line, 1, Code::NumberBad).warning());
        }
        let lines: Vec<_> = collector
            .finish_by_file()
            .into_iter()
            .map(|(file, finding)| (file, finding.place == Place::Line { line: 1, column: 1 }))
            .collect();
        assert_eq!(lines, [(0, false), (0, false), (1, true), (1, false)]);
    }
}
