//! Puts words and braces together to statements and blocks, and sees through misplaced braces.
//!
//! Fed line by line by `syntax` and `paste`. Where keepalived would lose what follows (a missing brace, an unknown
//! block), the reading goes on as it was meant, with a finding that says so. Bounded in depth and number.

pub(super) mod glue;
mod repair;

use super::lexer::{self, Kind, Token};
use super::syntax_line::Line;
use super::syntax_notes::{at, excerpt, report};
use super::syntax_statements as statements;
use super::syntax_words::Block;
use super::tree::{FileIndex, Statement, Word};
use crate::finding::Code;
use crate::format::collector::Collector;
use crate::format::places::Spot;
use repair::Place;

/// Blocks inside blocks beyond this are not read; keepalived's own go four deep.
const DEEPEST: usize = 12;
/// More words than this are not read.
const MOST_WORDS: usize = 400_000;

/// Whether a written file has more words than are read of one.
pub(super) fn is_too_long(text: &str) -> bool {
    let lines = text.lines().map(str::trim_start).filter(|line| !line.starts_with(['!', '#']));
    lines.flat_map(str::split_ascii_whitespace).nth(MOST_WORDS).is_some()
}

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// As keepalived reads a file: it says what of a line is lost.
    File,
    /// As a person reads a pasted text: lost line ends and blanks are put back.
    Paste,
}

/// A block that is not closed yet.
#[derive(Debug)]
struct Open {
    /// Its header; none for a brace without one, whose content belongs to the block around it.
    header: Option<Statement>,
    kind: Block,
    /// Byte offset of its beginning in the kept text.
    start: usize,
    inside: Vec<Statement>,
}

/// Statements so far.
#[derive(Debug)]
pub(super) struct Blocks {
    mode: Mode,
    open: Vec<Open>,
    done: Vec<Statement>,
    /// Text of the statement at the top that is being read.
    raw: String,
    /// Where in it the line that is being read begins.
    base: usize,
    /// Where in it the last statement without a block began, to which a brace on the next line belongs.
    last_start: Option<usize>,
    /// Where the last word or brace stands.
    last: Option<(FileIndex, Spot)>,
    /// Blocks that were opened again so far.
    reopened: usize,
    words: usize,
    /// Braces open beyond the deepest level that is read.
    too_deep: usize,
    deep_reported: bool,
}

impl Blocks {
    /// Nothing yet.
    pub(super) fn new(mode: Mode) -> Blocks {
        Blocks {
            mode,
            open: Vec::new(),
            done: Vec::new(),
            raw: String::new(),
            base: 0,
            last_start: None,
            last: None,
            reopened: 0,
            words: 0,
            too_deep: 0,
            deep_reported: false,
        }
    }

    /// The block that the next statement belongs to.
    pub(super) fn kind(&self) -> Block {
        self.open.last().map_or(Block::Top, |open| open.kind)
    }

    /// Whether no block is open.
    pub(super) fn is_outside(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether too much was read already; further lines are not taken.
    pub(super) fn is_full(&self) -> bool {
        self.words > MOST_WORDS
    }

    /// Takes a line.
    pub(super) fn line(&mut self, line: &Line, collector: &mut Collector) {
        let lexed = lexer::lex(line);
        for note in &lexed.notes {
            report(line.file, note, collector);
        }
        self.tokens(line, lexed.tokens, collector);
    }

    /// Takes the words and braces of a line, as `lexer` or `paste` found them.
    pub(super) fn tokens(&mut self, line: &Line, tokens: Vec<Token>, collector: &mut Collector) {
        if self.is_full() {
            return;
        }
        if self.open.is_empty() {
            // A block may still begin on this line whose name stands on one before.
            let awaits = self.last_start.is_some()
                && (tokens.is_empty() || tokens.first().is_some_and(|token| token.kind == Kind::Open))
                || self.done.last().is_some_and(|last| {
                    last.block.is_none() && Block::Top.child(&last.keyword.text).is_some()
                });
            if !awaits {
                self.raw.clear();
                self.last_start = None;
            }
            if tokens.is_empty() && self.last_start.is_none() {
                return;
            }
        }
        self.base = self.raw.len();
        self.raw.push_str(&line.text);
        self.raw.push('\n');
        self.last = tokens.last().map(|last| (line.file, last.spot)).or(self.last);
        let mut words: Vec<Token> = Vec::new();
        for token in tokens {
            match token.kind {
                Kind::Word => {
                    self.words += 1;
                    words.push(token);
                }
                Kind::Open => self.open(line.file, &token, std::mem::take(&mut words), collector),
                Kind::Close => {
                    self.statements(line.file, std::mem::take(&mut words), collector);
                    self.close(line.file, &token, collector);
                }
            }
        }
        self.statements(line.file, words, collector);
        if self.is_full() {
            let finding = at(line.spot(0), Code::KeepalivedMany).with("limit", MOST_WORDS);
            collector.add_in(line.file.0, finding);
        }
    }

    /// The statements; blocks that are still open end here.
    pub(super) fn finish(mut self, collector: &mut Collector) -> Vec<Statement> {
        self.end_here(collector);
        self.done
    }

    /// Closes all that is open: nothing that follows is part of it.
    pub(super) fn end_here(&mut self, collector: &mut Collector) {
        if let Some((file, spot)) = self.last {
            let place = Place { file, spot, offset: self.raw.len() };
            self.close_down_to(0, place, collector);
        }
    }

    /// How many statements at the top are finished.
    pub(super) fn count(&self) -> usize {
        self.done.len()
    }

    /// Whether an opening brace would belong to the statement before.
    pub(super) fn awaits_brace(&self) -> bool {
        self.last_start.is_some()
    }

    /// Whether the last statement at the top, a block or the name of one, has a place for a word that the top has not.
    pub(super) fn last_has_room_for(&self, word: &str) -> bool {
        let block = self.done.last().and_then(|last| Block::Top.child(&last.keyword.text));
        let knows = |block: Block| block.knows(word) || glue::splits(block, word);
        !Block::Top.knows(word) && block.is_some_and(knows)
    }

    /// Whether one of the open blocks, or the top, has a place for a word.
    pub(super) fn some_block_knows(&self, word: &str) -> bool {
        Block::Top.knows(word) || self.open.iter().any(|open| open.kind.knows(word))
    }

    fn siblings(&mut self) -> &mut Vec<Statement> {
        match self.open.last_mut() {
            Some(open) => &mut open.inside,
            None => &mut self.done,
        }
    }

    fn place(&self, file: FileIndex, token: &Token) -> Place {
        Place { file, spot: token.spot, offset: self.base + token.start }
    }

    /// Adds the statements of words that stand together on a line.
    fn statements(&mut self, file: FileIndex, words: Vec<Token>, collector: &mut Collector) {
        if self.too_deep > 0 {
            return;
        }
        let words = self.whole(file, words, collector);
        let mut rest = words.as_slice();
        while let Some(first) = rest.first() {
            self.make_room(first, self.place(file, first), collector);
            let (length, reads_on) = statements::first_length(self.kind(), self.mode, file, rest, collector);
            let Some((words, further)) = rest.split_at_checked(length.max(1)) else { return };
            self.add(file, words);
            rest = if reads_on { further } else { &[] };
        }
    }

    /// The words, with the blanks that they lost between them.
    fn whole(&self, file: FileIndex, words: Vec<Token>, collector: &mut Collector) -> Vec<Token> {
        match self.mode {
            Mode::File => words,
            Mode::Paste => glue::unglue(self.kind(), file, words, collector),
        }
    }

    fn add(&mut self, file: FileIndex, words: &[Token]) {
        let Some(start) = words.first().map(|first| self.base + first.start) else { return };
        if let Some(statement) = self.statement(file, words) {
            self.last_start = Some(start);
            self.siblings().push(statement);
        }
    }

    fn statement(&self, file: FileIndex, words: &[Token]) -> Option<Statement> {
        let start = self.base + words.first()?.start;
        let end = self.base + words.last()?.end;
        let raw = self.raw.get(start..end).unwrap_or_default().to_owned();
        let word = |token: &Token| Word { text: token.text.clone(), spot: token.spot, quoted: token.quoted };
        let mut words = words.iter().map(word);
        let keyword = words.next()?;
        Some(Statement { file, keyword, arguments: words.collect(), block: None, raw, reported: false })
    }

    fn open(&mut self, file: FileIndex, brace: &Token, words: Vec<Token>, collector: &mut Collector) {
        if self.too_deep > 0 || self.open.len() >= DEEPEST {
            self.too_deep += 1;
            if !self.deep_reported {
                self.deep_reported = true;
                let finding = at(brace.spot, Code::KeepalivedDepth).with("limit", DEEPEST);
                collector.add_in(file.0, finding);
            }
            return;
        }
        let words = self.whole(file, words, collector);
        let mut header = words.as_slice();
        // What stands before the block on its line.
        while let Some(first) = header.first() {
            self.make_room(first, self.place(file, first), collector);
            let Some(length) = statements::before_block(self.kind(), self.mode, header) else { break };
            let Some((before, block)) = header.split_at_checked(length.max(1)) else { break };
            if self.mode == Mode::File
                && let Some(word) = block.first()
            {
                let finding = at(word.spot, Code::KeepalivedBlockOnLine).warning().with("word", &word.text);
                collector.add_in(file.0, finding);
            }
            self.add(file, before);
            header = block;
        }
        let Some(first) = header.first() else {
            let place = self.place(file, brace);
            self.open_alone(place, collector);
            return;
        };
        let place = self.place(file, first);
        let word = first.text.clone();
        self.leave_blocks(&word, place, collector);
        if let Some(header) = self.statement(file, header) {
            self.open_block(header, place.offset, collector);
        }
    }

    fn open_block(&mut self, mut header: Statement, start: usize, collector: &mut Collector) {
        let parent = self.kind();
        let word = header.keyword.text.as_str();
        let kind = parent.child(word);
        if kind.is_none() && parent != Block::Unknown {
            let finding = at(header.keyword.spot, Code::KeepalivedBlockUnknown).warning();
            let finding = finding.with("word", excerpt(word)).with("parent", self.around());
            collector.add_in(header.file.0, finding);
            header.reported = true;
        }
        self.last_start = None;
        let kind = kind.unwrap_or(Block::Unknown);
        self.open.push(Open { header: Some(header), kind, start, inside: Vec::new() });
    }

    fn close(&mut self, file: FileIndex, brace: &Token, collector: &mut Collector) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        self.last_start = None;
        if self.open.is_empty() {
            collector.add_in(file.0, at(brace.spot, Code::BraceStray).warning());
            return;
        }
        self.pop(self.base + brace.end);
    }

    /// Ends the innermost block at an offset of the kept text.
    fn pop(&mut self, end: usize) {
        let Some(open) = self.open.pop() else { return };
        match open.header {
            Some(mut header) => {
                header.raw = self.raw.get(open.start..end).unwrap_or_default().trim_end().to_owned();
                header.block = Some(open.inside);
                self.siblings().push(header);
            }
            None => self.siblings().extend(open.inside),
        }
    }
}
