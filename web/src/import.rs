//! Files that are brought along: what an import asks for, and what the files were found to say. The page and the API
//! read them by this one function, which says what `caribe check` says.

use lvs::Cluster;
use lvs::format::{FileKind, Options, Outcome, Source, kind_of, read_sources};

/// Files with how they are to be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Name and text of each.
    pub(crate) files: Vec<(String, String)>,
    /// What kind they are; found out where absent.
    pub(crate) kind: Option<FileKind>,
    /// Whether all is an error that the program refused which they were written for.
    pub(crate) strict: bool,
    /// Which of several clusters is taken, by name.
    pub(crate) candidate: Option<String>,
}

/// What the files were found to say.
pub(crate) struct Read {
    pub(crate) outcome: Outcome,
    /// The kind that they were read as; none where nothing told it.
    pub(crate) kind: Option<FileKind>,
    /// The one cluster, or the candidate that was asked for.
    pub(crate) chosen: Option<Cluster>,
}

/// Reads the files.
pub(crate) fn read(wanted: &Wanted) -> Read {
    let sources: Vec<Source<'_>> =
        wanted.files.iter().map(|(name, text)| Source { name: name.as_str(), text: text.as_str() }).collect();
    let kind = wanted.kind.or_else(|| kind_of(&sources));
    let options = Options { kind, strict: wanted.strict, keep_text: true, ..Options::default() };
    let outcome = read_sources(&sources, &options);
    let named = |cluster: &&Cluster| wanted.candidate.as_ref() == Some(&cluster.name);
    let chosen = outcome.cluster.clone().or_else(|| outcome.candidates.iter().find(named).cloned());
    let chosen = chosen.filter(|_| !outcome.has_errors());
    Read { outcome, kind, chosen }
}
