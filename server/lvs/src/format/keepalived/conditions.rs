//! `@id` in front of a line: the line is there for one node only, or with `@^id` for all others.
//!
//! Called by `syntax`, which reads a text once for each node that its conditions name.

use crate::format::keepalived::tree::FileIndex;
use crate::format::places::Spot;

/// More ids than this are counted as this many.
const MOST_IDS: usize = 100;

/// A condition at the beginning of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Condition<'a> {
    /// The node that it names; empty where a blank follows, which no node is called.
    pub(super) id: &'a str,
    /// Whether the line is for all nodes but this one.
    negated: bool,
    /// Whether a `!` stands before the id. It begins a comment, so keepalived reads nothing of the line.
    pub(super) bang: bool,
    /// Bytes up to what stands under the condition.
    pub(super) length: usize,
}

impl<'a> Condition<'a> {
    /// The condition that a line without indentation begins with.
    pub(super) fn parse(line: &'a str) -> Option<Condition<'a>> {
        let behind = line.strip_prefix('@')?;
        let (negated, word) = match behind.strip_prefix('^') {
            Some(word) => (true, word),
            None => (false, behind),
        };
        let (bang, word) = match word.strip_prefix('!') {
            Some(word) => (true, word),
            None => (false, word),
        };
        // Comments are gone before keepalived looks for conditions.
        let length = word.find(|c: char| c.is_whitespace() || matches!(c, '#' | '!')).unwrap_or(word.len());
        let id = word.get(..length)?;
        Some(Condition { id, negated, bang, length: 1 + usize::from(negated) + usize::from(bang) + length })
    }

    /// The node that has lines of its own because of this condition.
    pub(super) fn names(&self) -> Option<&'a str> {
        Some(self.id).filter(|id| !self.bang && !id.is_empty())
    }

    /// Whether the line is there for a node; none is a node that no condition names.
    pub(super) fn holds_for(&self, node: Option<&str>) -> bool {
        !self.bang && (node == Some(self.id)) != self.negated
    }
}

/// The ids that were seen in conditions, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    ids: Vec<String>,
    first: Option<(FileIndex, Spot)>,
}

impl Seen {
    /// Notes the id of a condition.
    pub(super) fn note(&mut self, id: &str, file: FileIndex, spot: Spot) {
        if id.is_empty() || self.ids.len() >= MOST_IDS || self.ids.iter().any(|seen| seen == id) {
            return;
        }
        self.first.get_or_insert((file, spot));
        self.ids.push(id.to_owned());
    }

    /// Whether there was no condition.
    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// All ids, in the order of their first use.
    pub(super) fn ids(&self) -> Vec<String> {
        self.ids.clone()
    }

    /// Where the first condition is.
    pub(super) fn first(&self) -> Option<(FileIndex, Spot)> {
        self.first
    }
}
