//! The blocks of a script that is followed: conditions, branches, functions, and loops that are not.
//!
//! Only what they are; `shell` opens and closes them.

/// A part of a script that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread<'c> {
    /// `while`, `until`, and `for` where nobody knows over what.
    Loop,
    /// A function or a branch, by its name.
    Part(&'c str),
}

/// Line and column of a word.
pub(super) type At = (u32, u32);

/// A block that is open.
#[derive(Debug)]
pub(super) enum Frame {
    /// A loop that is not followed.
    Loop,
    /// `if`: whether its condition is being read, and whether it speaks of stopping; whether this part is left out.
    If { condition: bool, stops: bool, taken: bool, skip: bool, told: bool },
    /// `case`: whether it has a branch that starts; the patterns of the branch that is being read.
    Case { starts: bool, awaiting: bool, patterns: Vec<String>, skip: bool, at: At },
    /// `{ }`, or a function by its name.
    Brace { name: Option<String>, skip: bool },
}

impl Frame {
    /// Why nothing is read in it.
    pub(super) fn unread(&self) -> Option<Unread<'_>> {
        match self {
            Frame::Loop => Some(Unread::Loop),
            Frame::If { skip: true, .. } => Some(Unread::Part("if")),
            Frame::Case { skip: true, patterns, .. } => {
                Some(Unread::Part(patterns.first().map_or("case", String::as_str)))
            }
            Frame::Brace { skip: true, name } => Some(Unread::Part(name.as_deref().unwrap_or("{"))),
            _ => None,
        }
    }
}
