//! A text of an lvs.cf as pieces: settings and blocks, with all that stands between them kept in place.
//!
//! Put together again, the pieces are the text byte for byte ([`Document::text`]), which is what a change of single
//! lines builds on. `blocks` makes them.

use std::collections::BTreeSet;

use super::lexer::Word;

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `virtual NAME { }`
    Virtual,
    /// `server NAME { }`
    Server,
    /// `failover NAME { }`; its content is kept as text.
    Failover,
    /// Anything else with braces; its content is kept as text.
    Other,
}

impl Kind {
    pub(super) fn of(word: &Word<'_>) -> Option<(Kind, &'static str)> {
        [(Kind::Virtual, "virtual"), (Kind::Server, "server"), (Kind::Failover, "failover")]
            .into_iter()
            .find(|(_, name)| word.text.eq_ignore_ascii_case(name))
    }

    /// Whether what is inside is kept as text, without a look at it.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Kind::Failover | Kind::Other)
    }
}

/// A piece of the text.
#[derive(Clone, Debug)]
pub(super) enum Item<'a> {
    /// Blank lines, comments and lines that were skipped, with their ends.
    Trivia(&'a str),
    /// One directive.
    Setting(Setting<'a>),
    /// A block with what is in it.
    Block(Block<'a>),
}

/// A line with a directive.
#[derive(Clone, Debug)]
pub(super) struct Setting<'a> {
    /// Line number, from 1.
    pub(super) line: u32,
    /// Column of its first character, from 1.
    pub(super) first: u32,
    /// With its end.
    pub(super) raw: &'a str,
    /// Its first word.
    pub(super) name: Word<'a>,
    /// Whether the equals sign is there.
    pub(super) equals: bool,
    /// All words after it, comments included.
    pub(super) values: Vec<Word<'a>>,
}

/// A block.
#[derive(Clone, Debug)]
pub(super) struct Block<'a> {
    /// What it is.
    pub(super) kind: Kind,
    /// Line number of its first line.
    pub(super) line: u32,
    /// Column of the first character of that line, from 1.
    pub(super) first: u32,
    /// The word that opens it.
    pub(super) word: Word<'a>,
    /// Its name.
    pub(super) name: Option<Word<'a>>,
    /// Its first line, with its end.
    pub(super) head: &'a str,
    /// What is in it.
    pub(super) items: Vec<Item<'a>>,
    /// The text between its first and its last line.
    pub(super) body: &'a str,
    /// Its last line, with its end; empty where the closing brace is missing.
    pub(super) tail: &'a str,
}

/// A whole text.
#[derive(Clone, Debug)]
pub(super) struct Document<'a> {
    /// Its pieces.
    pub(super) items: Vec<Item<'a>>,
}

impl Document<'_> {
    /// The text again.
    pub(super) fn text(&self) -> String {
        fn push(items: &[Item<'_>], text: &mut String) {
            for item in items {
                match item {
                    Item::Trivia(raw) => text.push_str(raw),
                    Item::Setting(setting) => text.push_str(setting.raw),
                    Item::Block(block) => {
                        text.push_str(block.head);
                        push(&block.items, text);
                        text.push_str(block.tail);
                    }
                }
            }
        }
        let mut text = String::new();
        push(&self.items, &mut text);
        text
    }
}

/// Indices of empty blocks beside one of the same kind and name that is not empty. The old pages read a blank line
/// behind the first line of a block as that line once more, and all settings went into the second block.
pub(super) fn phantoms(items: &[Item<'_>], kind: Kind) -> BTreeSet<usize> {
    fn name<'b>(block: &'b Block<'_>) -> Option<&'b str> {
        block.name.as_ref().map(|name| name.text.as_ref())
    }
    let blocks = || {
        items.iter().enumerate().filter_map(|(index, item)| match item {
            Item::Block(block) if block.kind == kind => Some((index, block)),
            _ => None,
        })
    };
    let empty = |block: &Block<'_>| block.items.iter().all(|item| matches!(item, Item::Trivia(_)));
    let filled: BTreeSet<_> =
        blocks().filter(|(_, block)| !empty(block)).filter_map(|(_, block)| name(block)).collect();
    let phantom = |(_, block): &(usize, &Block<'_>)| {
        empty(block) && name(block).is_some_and(|name| filled.contains(name))
    };
    blocks().filter(phantom).map(|(index, _)| index).collect()
}

/// At most 40 characters of a text, to be shown in a finding.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or("")),
        None => text.to_owned(),
    }
}
