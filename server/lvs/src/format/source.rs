//! What goes into the readers and what comes out of them.
//!
//! Only shapes; every kind of file has its own reader beside this file, and `read_sources` calls the right one.

use super::Reading;
use super::collector::Collector;
use crate::finding::{Finding, Severity};
use crate::model::Cluster;

/// One of the texts that are read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// Its name: of a file, as the user gave it.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// What texts were found to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The cluster; none where a finding is an error, or where the text holds several.
    pub cluster: Option<Cluster>,
    /// The clusters that a text could stand for which holds several; one has to be chosen by its name.
    pub candidates: Vec<Cluster>,
    /// Names of the texts: those that were given, then those that they include.
    pub files: Vec<String>,
    /// What is wrong and what was assumed, by text (an index into `files`) and line.
    pub findings: Vec<(usize, Finding)>,
}

impl Outcome {
    /// What one text was found to say.
    pub(super) fn of_one(name: &str, reading: Reading) -> Self {
        Outcome {
            cluster: reading.cluster,
            candidates: Vec::new(),
            files: vec![name.to_owned()],
            findings: reading.findings.into_iter().map(|finding| (0, finding)).collect(),
        }
    }

    /// Texts of which nothing can be used.
    pub(super) fn unusable(sources: &[Source<'_>], collector: Collector) -> Self {
        Outcome {
            files: sources.iter().map(|source| source.name.to_owned()).collect(),
            findings: collector.finish_by_file(),
            ..Outcome::default()
        }
    }

    /// Whether a finding is an error.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|(_, finding)| finding.severity == Severity::Error)
    }

    /// Whether there is something to go on with; warnings are allowed.
    pub fn is_usable(&self) -> bool {
        !self.has_errors() && (self.cluster.is_some() || !self.candidates.is_empty())
    }

    /// The name of the text that a finding is about.
    pub fn file(&self, index: usize) -> &str {
        self.files.get(index).or_else(|| self.files.first()).map_or("", String::as_str)
    }
}
