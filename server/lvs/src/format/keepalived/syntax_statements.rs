//! Where a statement ends on a line that holds several.
//!
//! keepalived reads the first statement of a line and drops the others without a word. In a file that is repeated,
//! with a finding; in a pasted text the line ends are put back. Called by `syntax_blocks` only.

use std::net::IpAddr;

use super::lexer::Token;
use super::syntax_blocks::Mode;
use super::syntax_notes::excerpt;
use super::syntax_words::{Arity, Block, is_boolean};
use super::tree::FileIndex;
use crate::finding::{Code, Finding};
use crate::format::collector::Collector;

/// How many of the words on a line its first statement has, and whether what follows is read too.
pub(super) fn first_length(
    block: Block,
    mode: Mode,
    file: FileIndex,
    words: &[Token],
    collector: &mut Collector,
) -> (usize, bool) {
    let Some(length) = length_of_first(block, mode, words) else { return (words.len(), false) };
    if mode == Mode::File
        && let Some((first, further)) = words.split_at_checked(length)
    {
        report(block, file, first, further, collector);
    }
    (length, mode == Mode::Paste)
}

/// How many words stand before those of a block, on the line of its opening brace.
pub(super) fn before_block(block: Block, mode: Mode, words: &[Token]) -> Option<usize> {
    let (first, rest) = words.split_first()?;
    if first.quoted || block.child(&first.text).is_some() {
        return None;
    }
    if mode == Mode::Paste
        && let Some(length) = length_of_first(block, mode, words)
    {
        return Some(length);
    }
    let is_block = |word: &Token| !word.quoted && block.child(&word.text).is_some();
    block.keyword(&first.text)?;
    rest.iter().position(is_block).map(|at| at + 1)
}

/// How many words the first statement has, where another follows it.
fn length_of_first(block: Block, mode: Mode, words: &[Token]) -> Option<usize> {
    let (first, rest) = words.split_first()?;
    if block == Block::Addresses {
        return next_address(words);
    }
    if !block.has_keywords() {
        return None;
    }
    let most = match block.keyword(&first.text)? {
        Arity::Flag => usize::from(rest.first().is_some_and(|word| is_boolean(&word.text))),
        Arity::Most(most) => usize::from(most),
        Arity::Rest if rest.first()?.quoted => 1,
        Arity::Rest if mode == Mode::Paste => 1,
        Arity::Rest => return None,
    };
    let is_keyword = |word: &&Token| !word.quoted && block.knows(&word.text);
    // A keyword that may have fewer words than it has room for.
    let from = if mode == Mode::Paste { most.min(1) } else { most };
    let found = rest.iter().skip(from).position(|word| is_keyword(&word))?;
    // What stands between is a remark or a mistake; it stays with the first.
    (mode == Mode::Paste || found == 0 || most > 0).then_some(1 + from + found)
}

/// Where a second address begins in a list that has one to a line.
fn next_address(words: &[Token]) -> Option<usize> {
    let is_address = |word: &Token| {
        let address = word.text.split_once('/').map_or(word.text.as_str(), |(address, _)| address);
        address.parse::<IpAddr>().is_ok()
    };
    let takes_address = |word: &Token| {
        matches!(word.text.as_str(), "brd" | "broadcast" | "peer" | "local" | "via" | "src" | "to" | "from")
    };
    let mut pairs = words.windows(2).enumerate();
    pairs.find_map(|(index, pair)| {
        let [before, word] = pair else { return None };
        (is_address(word) && !takes_address(before)).then_some(index + 1)
    })
}

fn report(block: Block, file: FileIndex, first: &[Token], further: &[Token], collector: &mut Collector) {
    let (Some(keyword), Some(second)) = (first.first(), further.first()) else { return };
    let text = further.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    // Behind an address keepalived looks for options, and says that this is none.
    let code = match block {
        Block::Addresses => Code::KeepalivedOption,
        _ => Code::KeepalivedSecondStatement,
    };
    let finding = Finding::line(second.spot.line, second.spot.column, code)
        .warning()
        .with("word", &keyword.text)
        .with("text", excerpt(&text))
        .suggest(excerpt(&text));
    collector.add_in(file.0, finding);
}
