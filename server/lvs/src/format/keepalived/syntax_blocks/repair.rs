//! Braces that are missing, misplaced or too many: where a block was meant to begin and to end.
//!
//! What belongs where is told by the words: a block that has its place further out only ends those around it, a
//! word that only the block before could hold belongs to it. Each repair is said.

use std::net::IpAddr;

use super::{Blocks, Mode, Open};
use crate::finding::Code;
use crate::format::collector::Collector;
use crate::format::keepalived::lexer::Token;
use crate::format::keepalived::syntax_notes::{at, early_close, missing_close, missing_open};
use crate::format::keepalived::syntax_words::Block;
use crate::format::keepalived::tree::{FileIndex, Statement};
use crate::format::places::Spot;

/// What stands around the blocks of a file, for findings.
const FILE: &str = "keepalived.conf";

/// Blocks that are opened again in one text; each time its text is copied.
const MOST_REOPENED: usize = 64;

/// Where a word stands in the text and in the kept text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) file: FileIndex,
    pub(super) spot: Spot,
    pub(super) offset: usize,
}

/// Blocks that are never part of one that is not known.
fn begins_anew(word: &str) -> bool {
    matches!(
        word,
        "virtual_server"
            | "virtual_server_group"
            | "vrrp_instance"
            | "vrrp_sync_group"
            | "vrrp_script"
            | "global_defs"
    )
}

impl Blocks {
    /// The word of the innermost block that has one.
    pub(super) fn around(&self) -> &str {
        let header = self.open.iter().rev().find_map(|open| open.header.as_ref());
        header.map_or(FILE, |header| header.keyword.text.as_str())
    }

    /// Sees to it that the block is open in which a statement with this word has its place.
    pub(super) fn make_room(&mut self, word: &Token, place: Place, collector: &mut Collector) {
        if word.quoted {
            return;
        }
        self.open_forgotten(&word.text, place, collector);
        self.leave_list(&word.text, place, collector);
        self.reopen_early(&word.text, place, collector);
    }

    /// A word that only the block of the statement before could hold: its opening brace is missing.
    fn open_forgotten(&mut self, word: &str, place: Place, collector: &mut Collector) {
        let kind = self.kind();
        let (Some(start), Some(last)) = (self.last_start, self.siblings().last()) else { return };
        let Some(block) = kind.child(&last.keyword.text).filter(|_| last.block.is_none()) else { return };
        let is_address = || {
            let address = word.split_once('/').map_or(word, |(address, _)| address);
            address.parse::<IpAddr>().is_ok()
        };
        let holds = block.knows(word) || (block == Block::Addresses && is_address());
        // In a pasted text a word that both could hold belongs to the name without a block.
        let certain = !kind.knows(word) || (self.mode == Mode::Paste && kind.child(word).is_none());
        if !holds || !certain {
            return;
        }
        if let Some(header) = self.siblings().pop() {
            missing_open(place.file, place.spot, &header, collector);
            self.open_block(header, start, collector);
        }
    }

    /// A keyword of the block around a list ends the list: its closing brace is missing.
    fn leave_list(&mut self, word: &str, place: Place, collector: &mut Collector) {
        let [.., around, list] = self.open.as_slice() else { return };
        let is_list =
            matches!(list.kind, Block::Addresses | Block::Lines | Block::Words | Block::Authentication);
        if is_list && around.kind.knows(word) && !list.kind.knows(word) {
            self.close_down_to(self.open.len() - 1, place, collector);
        }
    }

    /// A word that the file cannot hold, but the block that ended before it: its closing brace came too early.
    fn reopen_early(&mut self, word: &str, place: Place, collector: &mut Collector) {
        if !self.open.is_empty() || Block::Top.knows(word) || self.reopened >= MOST_REOPENED {
            return;
        }
        let Some(last) = self.done.last().filter(|last| last.block.is_some()) else { return };
        let Some(kind) = Block::Top.child(&last.keyword.text).filter(|kind| kind.knows(word)) else { return };
        early_close(place.file, place.spot, last, collector);
        self.reopened += 1;
        self.reopen(kind);
    }

    /// Opens the last finished block at the top again: what follows belongs into it.
    fn reopen(&mut self, kind: Block) {
        let Some(mut header) = self.done.pop() else { return };
        let inside = header.block.take().unwrap_or_default();
        // The kept text of the block stands before the line that is being read.
        let line = self.raw.split_off(self.base.min(self.raw.len()));
        self.raw = std::mem::take(&mut header.raw);
        self.raw.push('\n');
        self.base = self.raw.len();
        self.raw.push_str(&line);
        self.last_start = None;
        self.open.push(Open { header: Some(header), kind, start: 0, inside });
    }

    /// A brace without a word before it on its line: it belongs to the statement before, or to none.
    pub(super) fn open_alone(&mut self, place: Place, collector: &mut Collector) {
        let kind = self.kind();
        let start = self.last_start.take();
        let takes_block = |statement: &Statement| {
            let word = &statement.keyword.text;
            statement.block.is_none() && (kind.child(word).is_some() || kind.keyword(word).is_none())
        };
        if let Some(start) = start
            && self.siblings().last().is_some_and(takes_block)
            && let Some(header) = self.siblings().pop()
        {
            let before = Place { file: header.file, spot: header.keyword.spot, offset: start };
            self.leave_blocks(&header.keyword.text, before, collector);
            self.open_block(header, start, collector);
            return;
        }
        let finding = at(place.spot, Code::KeepalivedBraceAlone).warning().with("parent", self.around());
        collector.add_in(place.file.0, finding);
        self.open.push(Open { header: None, kind, start: place.offset, inside: Vec::new() });
    }

    /// A block that has its place further out only: the braces of those it stands in are missing.
    pub(super) fn leave_blocks(&mut self, word: &str, place: Place, collector: &mut Collector) {
        let kind = self.kind();
        if self.open.is_empty()
            || kind.child(word).is_some()
            || (kind == Block::Unknown && !begins_anew(word))
        {
            return;
        }
        let outer =
            self.open.iter().rposition(|open| open.header.is_some() && open.kind.child(word).is_some());
        let depth = match outer {
            Some(index) => index + 1,
            None if Block::Top.child(word).is_some() => 0,
            None => return,
        };
        self.close_down_to(depth, place, collector);
    }

    /// Closes the innermost blocks as if their braces stood before this place.
    pub(super) fn close_down_to(&mut self, depth: usize, place: Place, collector: &mut Collector) {
        self.too_deep = 0;
        while self.open.len() > depth {
            if let Some(header) = self.open.last().and_then(|open| open.header.as_ref()) {
                missing_close(place.file, place.spot, header, collector);
            }
            self.pop(place.offset);
        }
        self.last_start = None;
    }
}
