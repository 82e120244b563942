//! Blocks whose head stands under a condition: where it does not hold, the block goes with its head.
//!
//! keepalived leaves out the line alone, and stumbles over what the block holds; nobody means that. Files that are
//! right as they are stay untouched: every line of the block under the condition, or one head for each node before
//! one block. Called by the readers of files and of pastes, with every line that is not a comment.

use super::lexer::{self, Kind, Token};
use super::syntax_line::Line;
use super::syntax_words;
use super::tree::FileIndex;
use crate::finding::{Code, Finding};
use crate::format::places::Spot;

/// What is known of blocks under conditions so far.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// The block that is being left out.
    left_out: Option<LeftOut>,
    /// A head without its brace that was left out; the brace may follow.
    pending: Option<LeftOut>,
    /// Braces that heads under conditions opened since the last line without one. Another head is an alternative.
    open: usize,
    /// The same of a head whose brace is still missing.
    unbraced: bool,
}

#[derive(Debug)]
struct LeftOut {
    condition: String,
    place: (FileIndex, Spot),
    /// Braces that are open in it.
    depth: usize,
    /// So far only lines whose own conditions do not hold were left out.
    untouched: bool,
}

impl LeftOut {
    /// Follows the braces of a line; whether the block ends in it.
    fn ends_in(&mut self, tokens: &[Token]) -> bool {
        tokens.iter().any(|token| {
            match token.kind {
                Kind::Open => self.depth = self.depth.saturating_add(1),
                Kind::Close => self.depth = self.depth.saturating_sub(1),
                Kind::Word => {}
            }
            token.kind == Kind::Close && self.depth == 0
        })
    }

    fn finding(&self, code: Code) -> (FileIndex, Finding) {
        let (file, spot) = self.place;
        (file, Finding::line(spot.line, spot.column, code).warning())
    }

    /// Says that the block was left out where keepalived only leaves out its head.
    fn said(&self) -> (FileIndex, Finding) {
        let (file, finding) = self.finding(Code::KeepalivedConditionBlock);
        (file, finding.with("condition", super::syntax_notes::excerpt(&self.condition)))
    }
}

/// What becomes of a line whose conditions all hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is read.
    Read,
    /// It is left out with its block; what there is to say of that is said once.
    LeftOut(Option<(FileIndex, Finding)>),
}

impl Heads {
    /// A line under a condition that does not hold; `line` is what stands behind the condition.
    pub(super) fn dropped(&mut self, condition: &str, line: &Line, place: (FileIndex, Spot)) {
        let tokens = lexer::lex(line).tokens;
        if tokens.is_empty() {
            return;
        }
        let opened = opened(&tokens);
        let left_out = || {
            let condition = condition.to_owned();
            LeftOut { condition, place, depth: opened, untouched: true }
        };
        if let Some(block) = &mut self.left_out {
            let alternative = block.untouched && opened > 0 && block.condition != condition;
            if !alternative && block.ends_in(&tokens) {
                self.left_out = None;
            }
        } else if opened > 0 {
            self.pending = None;
            if self.open == 0 && !self.unbraced {
                self.left_out = Some(left_out());
            }
        } else if !is_head(&tokens) {
            self.pending = None;
        } else if !self.unbraced {
            self.pending.get_or_insert_with(left_out);
        }
    }

    /// A line whose conditions hold, or that has none.
    pub(super) fn read(&mut self, condition: Option<&str>, line: &Line) -> Fate {
        if condition.is_none() && self.left_out.is_none() && self.pending.is_none() {
            (self.open, self.unbraced) = (0, false);
            return Fate::Read;
        }
        let tokens = lexer::lex(line).tokens;
        let Some(first) = tokens.first() else { return Fate::Read };
        let opened = opened(&tokens);
        let pending = self.pending.take();
        let block = match self.left_out.take() {
            Some(block) => {
                let other = condition.is_some_and(|condition| condition != block.condition);
                let alternative = block.untouched && other && (opened > 0 || is_head(&tokens));
                Some(block).filter(|_| !alternative)
            }
            None => pending.filter(|_| condition.is_none() && first.kind == Kind::Open),
        };
        if let Some(mut block) = block {
            let first = std::mem::replace(&mut block.untouched, false);
            let said = first.then(|| block.said());
            if !block.ends_in(&tokens) {
                self.left_out = Some(block);
            }
            return Fate::LeftOut(said);
        }
        match condition {
            None => (self.open, self.unbraced) = (0, false),
            Some(_) => {
                let closed = tokens.iter().filter(|token| token.kind == Kind::Close).count();
                self.open = if opened > 0 { self.open + opened } else { self.open.saturating_sub(closed) };
                self.unbraced = is_head(&tokens);
            }
        }
        Fate::Read
    }

    /// What there is to say at the end of the text: a block that was left out must have ended.
    pub(super) fn finish(self) -> Option<(FileIndex, Finding)> {
        let block = self.left_out?;
        let (file, finding) = block.finding(Code::BraceMissing);
        Some((file, finding.with("block", super::syntax_notes::excerpt(&block.condition)).suggest("}")))
    }
}

/// How many braces a line leaves open.
fn opened(tokens: &[Token]) -> usize {
    tokens.iter().fold(0_usize, |depth, token| match token.kind {
        Kind::Open => depth.saturating_add(1),
        Kind::Close => depth.saturating_sub(1),
        Kind::Word => depth,
    })
}

/// Whether a line is the head of a block whose brace follows on the next one.
fn is_head(tokens: &[Token]) -> bool {
    tokens.iter().all(|token| token.kind == Kind::Word)
        && tokens.first().is_some_and(|first| syntax_words::opens_a_block(&first.text))
}
