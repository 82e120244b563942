//! Names that a keepalived.conf gives or lacks: each object needs one of its own.

use std::collections::BTreeMap;

use super::reader::Reader;
use super::syntax_notes::excerpt;
use super::tree::Statement;
use crate::finding::Code;
use crate::model::{NAME_MAXIMUM, dots, is_domain, refuses};

/// A text that can be a name for people.
pub(super) fn usable(text: &str) -> Option<String> {
    let name = text.trim();
    let fits =
        !name.is_empty() && name.chars().count() <= NAME_MAXIMUM && !name.chars().any(refuses) && !dots(name);
    fits.then(|| name.to_owned())
}

/// A text that can be the name of a director, which also goes into certificates.
pub(super) fn usable_director(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (usable(text).is_some() && text.chars().all(allowed)).then(|| text.to_owned())
}

/// The name of a host that a statement gives; what is none is said and left out.
pub(super) fn host(reader: &mut Reader<'_>, statement: &Statement) -> Option<String> {
    visible(reader, statement, |c| !matches!(c, '/' | '\\' | '"'))
}

/// A name that a name server is asked for: `0/25.2.0.192.in-addr.arpa` is one, too.
pub(super) fn domain(reader: &mut Reader<'_>, statement: &Statement) -> Option<String> {
    let name = fitting(reader, statement, is_domain)?;
    if has_short_label(&name) {
        reader.warn(statement.origin(), Code::KeepalivedDnsLabel).with("text", excerpt(&name));
        return None;
    }
    Some(name)
}

/// Whether a name begins with a label of one character and a dot, which keepalived 2.2 takes for an empty label.
pub(super) fn has_short_label(name: &str) -> bool {
    name.split_once('.').is_some_and(|(first, _)| first.len() == 1)
}

fn visible(reader: &mut Reader<'_>, statement: &Statement, fits: impl Fn(char) -> bool) -> Option<String> {
    let allowed = |c: char| c.is_ascii_graphic() && fits(c);
    fitting(reader, statement, |name| (1..=255).contains(&name.len()) && name.chars().all(allowed))
}

fn fitting(reader: &mut Reader<'_>, statement: &Statement, fits: impl Fn(&str) -> bool) -> Option<String> {
    let word = reader.value(statement)?;
    if fits(&word.text) {
        return Some(word.text.clone());
    }
    reader
        .warn(statement.origin_of(word), Code::KeepalivedName)
        .with("word", &statement.keyword.text)
        .with("text", excerpt(&word.text));
    None
}

/// Gives out each name once.
#[derive(Debug, Default)]
pub(super) struct Taken(BTreeMap<String, usize>);

impl Taken {
    /// The name, or the name with a number where it was given out before.
    pub(super) fn give(&mut self, name: &str) -> String {
        let mut candidate: String = name.chars().take(NAME_MAXIMUM).collect();
        if candidate.is_empty() {
            "unnamed".clone_into(&mut candidate);
        }
        // Counted per name, so that a thousand of one name do not each try a thousand.
        let mut count = self.0.get(&candidate).copied().unwrap_or(0);
        let base = candidate.clone();
        while self.0.contains_key(&candidate) {
            count += 1;
            let number = format!(" {}", count + 1);
            let length = NAME_MAXIMUM.saturating_sub(number.chars().count());
            candidate = base.chars().take(length).chain(number.chars()).collect();
        }
        self.0.insert(base, count);
        self.0.entry(candidate.clone()).or_insert(0);
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_given_out_once() {
        let mut taken = Taken::default();
        let given: Vec<String> = ["web", "web", "web 2", "web", ""].map(|name| taken.give(name)).into();
        assert_eq!(given, ["web", "web 2", "web 2 2", "web 3", "unnamed"]);
        let long = "x".repeat(80);
        assert_eq!(taken.give(&long).len(), 64);
        assert!(taken.give(&long).len() == 64 && usable(&long).is_none());
        assert_eq!(usable_director("LVS_DEVEL"), Some("LVS_DEVEL".to_owned()));
        assert_eq!(usable_director("a b"), None);
    }
}
