//! Gathers what a reader has to say about a text, within bounds, in the order of the lines.
//!
//! Never decides what is wrong; the readers in this folder do. A hostile text of a million wrong lines yields a
//! bounded list and one finding that says how many are not listed.

use crate::finding::{Code, Finding, Findings, Place, Severity};

/// Findings of each severity that are listed one by one.
const LISTED: usize = 500;

/// Findings so far.
#[derive(Debug, Default)]
pub(super) struct Collector {
    findings: Findings,
    errors: usize,
    warnings: usize,
}

impl Collector {
    /// Adds one, or only counts it where too many of its severity are there already.
    pub(super) fn add(&mut self, finding: Finding) {
        let count = match finding.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= LISTED {
            self.findings.push(finding);
        }
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

    /// Whether a further warning would only be counted.
    pub(super) fn is_full(&self) -> bool {
        self.warnings >= LISTED
    }

    /// Those listed so far, in the order in which they came.
    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// All of them by line; what was only counted becomes one last finding.
    pub(super) fn finish(mut self) -> Findings {
        self.findings.sort_by_key(|finding| match finding.place {
            Place::Line { line, column } => (line, column),
            Place::Whole | Place::Field(_) => (0, 0),
        });
        let omitted = self.errors.saturating_sub(LISTED) + self.warnings.saturating_sub(LISTED);
        if omitted > 0 {
            self.findings.push(Finding {
                place: Place::Whole,
                severity: if self.errors > LISTED { Severity::Error } else { Severity::Warning },
                code: Code::FindingsOmitted,
                args: vec![("count", omitted.to_string())],
                suggestion: None,
            });
        }
        self.findings
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
    fn findings_come_by_line_and_column() {
        let mut collector = Collector::default();
        for (line, column) in [(3, 1), (1, 9), (1, 2)] {
            collector.add(Finding::line(line, column, Code::NumberBad));
        }
        let places: Vec<_> = collector.finish().into_iter().map(|f| f.place).collect();
        let at = |line, column| Place::Line { line, column };
        assert_eq!(places, [at(1, 2), at(1, 9), at(3, 1)]);
    }
}
