//! What a keepalived.conf consists of: statements with words, and blocks of statements.
//!
//! Only shapes. `syntax` makes them of a file, `paste` of any text that holds such blocks; the meaning is read by the
//! modules beside it. No keyword is known here.

use crate::format::places::Spot;

/// Which of the texts that are read together a word stands in: an index into the list of sources, included files
/// behind those that were given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FileIndex(pub(super) usize);

/// A word: a keyword or an argument, quotes and escapes taken in and variables replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Its value.
    pub(super) text: String,
    /// Where it begins in its file.
    pub(super) spot: Spot,
    /// Whether it stood in double quotes, and so may hold blanks.
    pub(super) quoted: bool,
}

/// One statement: a keyword with its arguments, and the block behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// The text that the statement stands in.
    pub(super) file: FileIndex,
    /// Its first word.
    pub(super) keyword: Word,
    /// The words behind it on its line, without braces and comments.
    pub(super) arguments: Vec<Word>,
    /// What stands in its braces; none where it has no braces.
    pub(super) block: Option<Vec<Statement>>,
    /// The raw text of the statement with its block, as it can be kept aside or given back. Variables are replaced in
    /// it, for their definitions are elsewhere.
    pub(super) raw: String,
    /// A finding already says that nothing is known of this keyword and that the statement is kept aside.
    pub(super) reported: bool,
}

impl Statement {
    /// Whether the keyword is this one; keepalived insists on small letters.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.keyword.text == keyword
    }

    /// The n-th word behind the keyword.
    pub(super) fn argument(&self, n: usize) -> Option<&Word> {
        self.arguments.get(n)
    }

    /// The statements in its block; none where it has no braces.
    pub(super) fn inside(&self) -> &[Statement] {
        self.block.as_deref().unwrap_or_default()
    }
}
