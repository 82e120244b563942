//! Which field of a cluster came from which line of a text, so that a rule about the field can name the line.

use std::collections::BTreeMap;

use crate::finding::{Finding, Place};

/// A line and a column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// Line, from 1.
    pub(super) line: u32,
    /// Column in characters, from 1.
    pub(super) column: u32,
}

/// Places by JSON pointer.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(BTreeMap<String, Spot>);

impl Places {
    /// Remembers where a field was given.
    pub(super) fn insert(&mut self, pointer: String, spot: Spot) {
        self.0.insert(pointer, spot);
    }

    /// Where the field was given, or else the nearest thing around it; nothing where the text says nothing about it.
    pub(super) fn find(&self, pointer: &str) -> Option<Spot> {
        let mut rest = pointer;
        loop {
            if let Some(spot) = self.0.get(rest) {
                return Some(*spot);
            }
            rest = rest.rsplit_once('/')?.0;
        }
    }

    /// The same finding, about the line instead of the field.
    pub(super) fn locate(&self, mut finding: Finding) -> Finding {
        if let Some(spot) = finding.pointer().and_then(|pointer| self.find(pointer)) {
            finding.place = Place::Line { line: spot.line, column: spot.column };
        } else if finding.pointer().is_some() {
            finding.place = Place::Whole;
        }
        finding
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Code;

    #[test]
    fn an_unnamed_field_is_found_by_what_surrounds_it() {
        let mut places = Places::default();
        places.insert("/virtual_servers/1".into(), Spot { line: 7, column: 1 });
        places.insert("/virtual_servers/1/port".into(), Spot { line: 9, column: 8 });
        let line_of = |pointer: &str| places.find(pointer).map(|spot| spot.line);
        assert_eq!(line_of("/virtual_servers/1/port"), Some(9));
        assert_eq!(line_of("/virtual_servers/1/vip/prefix"), Some(7));
        assert_eq!(line_of("/virtual_servers/10"), None);
        let located = places.locate(Finding::field("/name", Code::NameMissing));
        assert_eq!(located.place, Place::Whole);
    }
}
