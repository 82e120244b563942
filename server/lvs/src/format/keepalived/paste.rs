//! Finds the blocks of keepalived.conf files in any text: a forum post, a mail, a page with everything around.
//!
//! Prose, prompts, quotation marks, line numbers and markup are passed over, lost blanks and line ends are put back, and
//! what belongs to different nodes is told apart. Places in findings are those of the post. Called by the reader of the
//! meaning; what it gives are statements as `syntax` gives them.

mod nodes;
mod prose;
mod template;
mod text;

use std::collections::BTreeSet;
use std::mem::{Discriminant, discriminant};

use super::lexer::{self, Kind, NoteKind, Token};
use super::syntax::Node;
use super::syntax_blocks::{Blocks, Mode, glue};
use super::syntax_line::Line;
use super::syntax_notes::{at, excerpt, report};
use super::syntax_words::Block;
use super::tree::{FileIndex, Statement};
use crate::finding::Code;
use crate::format::collector::Collector;
use crate::format::places::Spot;
use nodes::{Mark, Marks};
use text::Piece;

/// Configurations that are read of one text.
const MOST_NODES: usize = 16;
/// Nodes that conditions are followed for, as in files; of a text that is very long only two.
const MOST_IDS: usize = 8;
/// Bytes that all readings of a text with conditions may have together.
const MOST_READ: usize = 4 << 20;

/// Reads a text that may hold blocks anywhere; one node for each configuration in it, none where it holds no block.
/// A node is called by the host name of the prompt before it, where there is one. A text with `@id` conditions holds
/// the configurations of all nodes that they name, and is read once for each.
pub(super) fn parse(file: FileIndex, text: &str, collector: &mut Collector) -> Vec<Node> {
    let pieces = text::pieces(file, text);
    let ids = template::ids(&pieces);
    if ids.is_empty() {
        let pieces = template::settled(&pieces, &ids, None, collector);
        return blocks(file, pieces, collector);
    }
    // A single id sets one node apart from its partner, which no condition names.
    let unnamed = (ids.len() == 1).then_some(None);
    let of_each = ids
        .iter()
        .take((MOST_READ / text.len().max(1)).clamp(2, MOST_IDS))
        .map(|id| Some(id.as_str()))
        .chain(unnamed);
    let mut nodes: Vec<Node> = Vec::new();
    let mut said = BTreeSet::new();
    for id in of_each {
        let mut own = Collector::default();
        let pieces = template::settled(&pieces, &ids, id, &mut own);
        for mut node in blocks(file, pieces, &mut own) {
            // What no condition touches is the same each time.
            if nodes.len() < MOST_NODES && !nodes.iter().any(|known| known.statements == node.statements) {
                node.id = node.id.or_else(|| id.map(str::to_owned));
                nodes.push(node);
            }
        }
        for (file, finding) in own.finish_by_file() {
            if said.insert((file, finding.clone())) {
                collector.add_in(file, finding);
            }
        }
    }
    nodes
}

/// The nodes of a text that is without conditions and variables.
fn blocks(file: FileIndex, pieces: Vec<Piece>, collector: &mut Collector) -> Vec<Node> {
    let mut paste = Paste {
        file,
        blocks: Blocks::new(Mode::Paste),
        collector,
        said: Vec::new(),
        marks: Marks::default(),
        prose: None,
        prose_lines: 0,
        adjoins: false,
        waiting: None,
    };
    for piece in pieces {
        if paste.blocks.is_full() {
            break;
        }
        paste.piece(piece);
    }
    paste.finish()
}

struct Paste<'c> {
    file: FileIndex,
    blocks: Blocks,
    collector: &'c mut Collector,
    /// Damage is said once for the text, not for each line.
    said: Vec<Discriminant<NoteKind>>,
    /// What stands between the blocks.
    marks: Marks,
    /// The first line that was passed over.
    prose: Option<Spot>,
    prose_lines: u32,
    /// Nothing stands between the last block and here.
    adjoins: bool,
    /// A line that looks like the beginning of a block whose brace is on the next line.
    waiting: Option<(Line, Vec<Token>)>,
}

impl Paste<'_> {
    fn piece(&mut self, piece: Piece) {
        let line = match piece {
            Piece::Fence => {
                self.pass_waiting();
                self.end_blocks();
                return self.mark(Mark::Strong(None));
            }
            Piece::Line(line) => line,
        };
        let shown = line.text.trim();
        if shown.is_empty() {
            return;
        }
        if let Some(host) = prose::prompt(shown) {
            self.pass_waiting();
            self.end_blocks();
            self.pass(&line);
            return self.mark(Mark::Strong(host));
        }
        let line = match prose::first_words_of_a_file(&line.text) {
            Some(length) => {
                self.pass_waiting();
                self.end_blocks();
                self.mark(Mark::Strong(None));
                line.part(length, line.text.len())
            }
            None => line,
        };
        let mut lexed = lexer::lex(&line);
        let remark = prose::cut_remark(&line, &mut lexed.tokens);
        if lexed.tokens.is_empty() {
            if remark || lexed.end < line.text.trim_end().len() {
                self.mark(Mark::Weak);
            }
            return;
        }
        self.decide_waiting(&lexed.tokens);
        if self.blocks.is_outside() {
            let Some(start) = self.beginning(&lexed.tokens) else {
                if prose::may_begin_block(&lexed.tokens) {
                    self.waiting = Some((line, lexed.tokens));
                } else {
                    self.pass(&line);
                }
                return;
            };
            if start > 0 {
                self.mark(Mark::Weak);
            }
            lexed.tokens.drain(..start);
        } else if self.is_prose(&line, &lexed.tokens) {
            return self.pass(&line);
        }
        for note in &lexed.notes {
            let kind = discriminant(&note.kind);
            if !self.said.contains(&kind) {
                self.said.push(kind);
                report(self.file, note, self.collector);
            }
        }
        self.feed(&line, lexed.tokens);
    }

    /// Hands a line to the blocks.
    fn feed(&mut self, line: &Line, tokens: Vec<Token>) {
        self.blocks.tokens(line, tokens, self.collector);
        self.adjoins = true;
    }

    /// Decides about a line that was waiting for a brace, now that the next one is known.
    fn decide_waiting(&mut self, tokens: &[Token]) {
        let Some((line, header)) = self.waiting.take() else { return };
        let Some(first) = tokens.first() else { return };
        let block =
            header.first().and_then(|word| glue::header(&word.text)).and_then(|word| Block::Top.child(word));
        let begins = first.kind == Kind::Open
            || block.is_some_and(|block| block.knows(&first.text) && !Block::Top.knows(&first.text));
        if begins {
            self.feed(&line, header);
        } else {
            self.pass(&line);
        }
    }

    fn pass_waiting(&mut self) {
        if let Some((line, _)) = self.waiting.take() {
            self.pass(&line);
        }
    }

    /// Where in a line outside all blocks a block begins.
    fn beginning(&self, tokens: &[Token]) -> Option<usize> {
        let last_open = tokens.iter().rposition(|token| token.kind == Kind::Open);
        let header = tokens.iter().enumerate().position(|(index, token)| {
            token.kind == Kind::Word
                && !token.quoted
                && glue::header(&token.text).is_some()
                && last_open > Some(index)
        });
        if header.is_some() {
            return header;
        }
        let first = tokens.first()?;
        let belongs = match first.kind {
            Kind::Close => true,
            Kind::Open => self.blocks.awaits_brace(),
            Kind::Word => self.blocks.last_has_room_for(&first.text),
        };
        (self.adjoins && belongs).then_some(0)
    }

    /// Whether a line inside a block is none of its statements.
    fn is_prose(&self, line: &Line, tokens: &[Token]) -> bool {
        let Some(first) = tokens.first() else { return true };
        if first.kind != Kind::Word || first.quoted {
            return false;
        }
        let known =
            self.blocks.some_block_knows(&first.text) || glue::splits(self.blocks.kind(), &first.text);
        !known && prose::reads_like_prose(&line.text, tokens)
    }

    fn end_blocks(&mut self) {
        if !self.blocks.is_outside() {
            self.blocks.end_here(self.collector);
        }
    }

    /// Passes over a line that is no configuration.
    fn pass(&mut self, line: &Line) {
        self.prose.get_or_insert(line.spot(0));
        self.prose_lines = self.prose_lines.saturating_add(1);
        let strong = line.text.contains("keepalived.conf");
        self.mark(if strong { Mark::Strong(None) } else { Mark::Weak });
    }

    fn mark(&mut self, mark: Mark) {
        if self.blocks.is_outside() {
            self.adjoins = false;
            self.marks.add(self.blocks.count(), mark);
        }
    }

    fn finish(mut self) -> Vec<Node> {
        self.pass_waiting();
        let statements = self.blocks.finish(self.collector);
        if let Some(spot) = self.prose {
            let finding = at(spot, Code::KeepalivedProse).warning().with("count", self.prose_lines);
            self.collector.add_in(self.file.0, finding);
        }
        let mut nodes = nodes::split(statements, &self.marks);
        if let Some(spot) =
            nodes.get(MOST_NODES).and_then(|(_, rest)| rest.first()).map(|first| first.keyword.spot)
        {
            let finding = at(spot, Code::KeepalivedNodes).warning();
            let finding = finding.with("count", nodes.len()).with("limit", MOST_NODES);
            self.collector.add_in(self.file.0, finding);
            nodes.truncate(MOST_NODES);
        }
        let mut called = BTreeSet::new();
        let named = |(host, statements): (Option<String>, Vec<Statement>)| {
            let id = host.map(|host| excerpt(&host)).filter(|host| called.insert(host.clone()));
            Node { id, statements }
        };
        nodes.into_iter().map(named).collect()
    }
}
