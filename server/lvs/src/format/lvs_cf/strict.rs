//! What the original daemons say of an lvs.cf: accepted, or refused with an error number and a line.
//!
//! Repeats their reading and nothing else: the first error ends it, line ends are found as they found them, and a
//! host name that is not in the table counts as one that could not be looked up. It builds no cluster; the lenient
//! reader does, and [`read_strict`](super::read_strict) puts the two together. Error 2 is a file that cannot be read,
//! which no text can be.

mod lines;
mod values;

use std::collections::BTreeSet;

use crate::finding::{Code, Finding};
use crate::format::names::Names;

use super::vocabulary::Scope;
use lines::{Line, Lines, Token, tokens};
use values::Kind;

/// Where a line stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Outside every block.
    Global,
    /// In a `virtual` or `failover` block, which have the same words.
    Service {
        /// Nothing of the block was read yet.
        first: bool,
    },
    /// In a `server` block.
    Server,
}

/// What the daemons have to say of a text; at most one error, which comes first.
pub(super) fn verdict(text: &str, names: &Names) -> Vec<Finding> {
    if text.is_empty() {
        return vec![Finding::line(1, 1, Code::OriginalEmpty)];
    }
    let mut parser = Parser::new(names);
    let mut lines = Lines::new(text);
    for line in lines.by_ref() {
        if let Err(refusal) = parser.line(&line) {
            return vec![refusal];
        }
    }
    parser.close();
    if let Some(line) = lines.unread() {
        return vec![Finding::line(line, 1, Code::OriginalUnread)];
    }
    if parser.active.contains(&parser.wanted) {
        return Vec::new();
    }
    vec![Finding::line(1, 1, Code::OriginalIdle).warning().with("block", parser.wanted.as_str())]
}

/// Whether the daemons accept one line with a setting in its place.
pub(super) fn accepts(scope: Scope, text: &str) -> bool {
    let place = match scope {
        Scope::Global => Place::Global,
        Scope::Virtual => Place::Service { first: false },
        Scope::Server => Place::Server,
    };
    let names = Names::default();
    let line = Line { number: 1, text };
    !text.contains(['\n', '\r']) && Parser { place, ..Parser::new(&names) }.line(&line).is_ok()
}

/// Whether the daemons take a line for the first one of a block of this kind.
pub(super) fn is_head(text: &str, kind: &str) -> bool {
    let line = Line { number: 1, text: text.trim_end_matches(['\n', '\r']) };
    let (tokens, open) = tokens(line.text);
    open.is_none() && tokens.first().is_some_and(|word| word.text == kind) && head(&line, &tokens).is_ok()
}

/// The two kinds of blocks at the top.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Block {
    Virtual,
    Failover,
}

impl Block {
    fn as_str(self) -> &'static str {
        match self {
            Block::Virtual => "virtual",
            Block::Failover => "failover",
        }
    }
}

struct Parser<'n> {
    names: &'n Names,
    place: Place,
    /// The kind of block that `service` chooses.
    wanted: Block,
    /// The kind of the block that is being read.
    block: Block,
    /// What its last `active` says.
    block_active: bool,
    /// Kinds of which a block is active.
    active: BTreeSet<Block>,
}

impl<'n> Parser<'n> {
    fn new(names: &'n Names) -> Self {
        Parser {
            names,
            place: Place::Global,
            wanted: Block::Virtual,
            block: Block::Virtual,
            block_active: false,
            active: BTreeSet::new(),
        }
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), Finding> {
        let place = self.place;
        if let Place::Service { first } = &mut self.place {
            *first = false;
        }
        let (tokens, open) = tokens(line.text);
        if let Some(column) = open {
            // Behind the first line of such a block nobody looks whether splitting the line worked; what is left of
            // it then lacks an argument.
            let code = match place {
                Place::Service { first: false } => Code::OriginalQuoteLater,
                _ => Code::OriginalQuote,
            };
            return Err(line.refuse(column, code));
        }
        let Some(first) = tokens.first() else { return Ok(()) };
        match (place, first.text) {
            (Place::Global, "virtual") => self.open(line, &tokens, Block::Virtual),
            (Place::Global, "failover") => self.open(line, &tokens, Block::Failover),
            (Place::Service { .. }, "server") => {
                head(line, &tokens)?;
                self.place = Place::Server;
                Ok(())
            }
            (Place::Service { .. }, "}") => {
                self.close();
                Ok(())
            }
            (Place::Server, "}") => {
                self.place = Place::Service { first: false };
                Ok(())
            }
            _ => self.setting(line, &tokens, first),
        }
    }

    fn open(&mut self, line: &Line<'_>, tokens: &[Token<'_>], block: Block) -> Result<(), Finding> {
        head(line, tokens)?;
        self.place = Place::Service { first: true };
        self.block = block;
        self.block_active = false;
        Ok(())
    }

    /// Ends a block, be it with the text.
    fn close(&mut self) {
        if std::mem::take(&mut self.block_active) {
            self.active.insert(self.block);
        }
        self.place = Place::Global;
    }

    fn setting(&mut self, line: &Line<'_>, tokens: &[Token<'_>], first: &Token<'_>) -> Result<(), Finding> {
        let kind = match self.place {
            Place::Global => Kind::global(first.text),
            Place::Service { .. } => Kind::service(first.text),
            Place::Server => Kind::server(first.text),
        };
        let Some(kind) = kind else {
            return Err(line.refuse(first.column, Code::OriginalWord).with("word", line.excerpt(first)));
        };
        let values = values(line, tokens, &kind)?;
        kind.check(line, first, values, self.names)?;
        let value = values.first().map_or("", |value| value.text);
        match (self.place, first.text) {
            (Place::Global, "service") if value == "fos" => self.wanted = Block::Failover,
            (Place::Global, "service") => self.wanted = Block::Virtual,
            (Place::Service { .. }, "active") => self.block_active = values::is_one(value),
            _ => {}
        }
        Ok(())
    }
}

/// `virtual NAME {` and its like: three words, the last of them a brace.
fn head(line: &Line<'_>, tokens: &[Token<'_>]) -> Result<(), Finding> {
    let missing = || {
        let word = tokens.first().map_or("", |token| token.text);
        Err(line.refuse(line.end_column(), Code::OriginalMissing).with("word", word))
    };
    match tokens {
        [_, _, brace] if brace.text == "{" => Ok(()),
        [_, _, _, extra, ..] => {
            Err(line.refuse(extra.column, Code::OriginalExtra).with("text", line.excerpt(extra)))
        }
        _ => missing(),
    }
}

/// The values of a setting: as many as its kind wants.
fn values<'t, 'a>(line: &Line<'a>, tokens: &'t [Token<'a>], kind: &Kind) -> Result<&'t [Token<'a>], Finding> {
    let (name, rest) = tokens.split_first().ok_or_else(|| line.refuse(1, Code::OriginalEquals))?;
    let Some((_, values)) = rest.split_first().filter(|(equals, _)| equals.text == "=") else {
        let column = rest.first().map_or(line.end_column(), |token| token.column);
        return Err(line.refuse(column, Code::OriginalEquals));
    };
    let (least, most) = kind.count();
    if values.len() < least {
        return Err(line.refuse(line.end_column(), Code::OriginalMissing).with("word", name.text));
    }
    match values.get(most) {
        Some(extra) => Err(line.refuse(extra.column, Code::OriginalExtra).with("text", line.excerpt(extra))),
        None => Ok(values),
    }
}
