//! Words that lost the blanks or line ends between them: `virtual_router_id51priority100nopreempt`.
//!
//! Only for pasted texts; to keepalived each of them is one unknown word. A word is split only where its beginning is
//! a keyword of the block that it stands in and what follows can be its value or a further keyword.

use super::super::syntax_words::{Arity, Block, TOP_BLOCKS};
use crate::finding::Code;
use crate::format::collector::Collector;
use crate::format::keepalived::lexer::Token;
use crate::format::keepalived::syntax_notes::{at, excerpt};
use crate::format::keepalived::tree::FileIndex;

/// Longer words are not looked at.
const LONGEST: usize = 400;
/// Shorter keywords are not looked for inside a word.
const SHORTEST_INSIDE: usize = 5;

/// Values that are words; the first that fits is taken, so longer ones come first.
const VALUES: &[&str] = &[
    "MASTER", "BACKUP", "PASS", "AH", "TCP", "UDP", "SCTP", "tcp", "udp", "NAT", "DR", "TUN", "lblcr",
    "lblc", "wlc", "wrr", "rr", "lc", "dh", "sh", "sed", "nq", "inet6", "inet",
];

/// How interfaces are called.
const INTERFACES: &[&str] = &["eth", "ens", "eno", "enp", "em", "bond", "br", "vlan", "wlan", "lo"];

/// The word of a block at the top that a word is, or is glued to.
pub(in super::super) fn header(word: &str) -> Option<&'static str> {
    let fits = TOP_BLOCKS.iter().map(|(name, _)| *name).filter(|name| word.starts_with(name));
    let name = fits.max_by_key(|name| name.len())?;
    let rest = word.get(name.len()..)?;
    (rest.is_empty() || can_be_value(rest) || rest.starts_with("fwmark") || rest.starts_with("group"))
        .then_some(name)
}

/// Whether a word falls into several in this block.
pub(in super::super) fn splits(block: Block, word: &str) -> bool {
    !block.knows(word) && parts(block, word).len() > 1
}

/// Puts the blanks back.
pub(super) fn unglue(
    block: Block,
    file: FileIndex,
    words: Vec<Token>,
    collector: &mut Collector,
) -> Vec<Token> {
    if words.iter().all(|word| !may_be_glued(block, word)) {
        return words;
    }
    let mut whole = Vec::with_capacity(words.len());
    for word in words {
        let lengths = if may_be_glued(block, &word) { parts(block, &word.text) } else { Vec::new() };
        if lengths.len() < 2 {
            whole.push(word);
            continue;
        }
        let mut meant = String::new();
        let mut start = 0;
        for length in lengths {
            let Some(text) = word.text.get(start..start + length) else { break };
            let before = word.text.get(..start).map_or(0, |before| before.chars().count());
            let mut spot = word.spot;
            spot.column = spot.column.saturating_add(u32::try_from(before).unwrap_or(u32::MAX));
            meant = if meant.is_empty() { text.to_owned() } else { format!("{meant} {text}") };
            whole.push(Token {
                kind: word.kind,
                text: text.to_owned(),
                spot,
                start: word.start + start,
                end: word.start + start + length,
                quoted: false,
            });
            start += length;
        }
        let finding = at(word.spot, Code::KeepalivedGlued).warning().with("text", excerpt(&word.text));
        collector.add_in(file.0, finding.with("value", excerpt(&meant)).suggest(excerpt(&meant)));
    }
    whole
}

/// Whether it is worth a look.
fn may_be_glued(block: Block, word: &Token) -> bool {
    let paths = word.text.starts_with(['/', '.', '"', '$']);
    !word.quoted && !paths && !block.knows(&word.text)
}

/// The lengths of the parts of a word; one for a word that is whole.
fn parts(block: Block, word: &str) -> Vec<usize> {
    if word.len() > LONGEST {
        return vec![word.len()];
    }
    let mut parts = Vec::new();
    let mut rest = word;
    while !rest.is_empty() {
        let Some((keyword, arity)) = keyword_at(block, rest) else {
            // A value with a keyword behind it.
            let length = value_length(block, rest);
            parts.push(length);
            rest = rest.get(length..).unwrap_or_default();
            continue;
        };
        let behind = rest.get(keyword.len()..).unwrap_or_default();
        let glued = behind.is_empty()
            || keyword_at(block, behind).is_some()
            || (arity != Some(Arity::Flag)
                && (can_be_value(behind) || value_length(block, behind) < behind.len()));
        if !glued {
            // A longer word that only begins like a keyword.
            parts.push(rest.len());
            break;
        }
        parts.push(keyword.len());
        rest = behind;
    }
    parts
}

/// The longest keyword of a block that a text begins with; none of the arguments is known for the word of a block.
fn keyword_at(block: Block, text: &str) -> Option<(&'static str, Option<Arity>)> {
    let keywords = block.words().iter().flat_map(|words| words.iter());
    let keywords = keywords.map(|(name, arity)| (*name, Some(*arity)));
    let blocks = block.children().iter().map(|(name, _)| (*name, None));
    keywords.chain(blocks).filter(|(name, _)| text.starts_with(name)).max_by_key(|(name, _)| name.len())
}

/// How long the value at the beginning of a text is: up to a keyword, or all of it.
fn value_length(block: Block, text: &str) -> usize {
    if let Some(value) = VALUES.iter().find(|value| {
        text.strip_prefix(**value)
            .is_some_and(|behind| !behind.is_empty() && keyword_at(block, behind).is_some())
    }) {
        return value.len();
    }
    let found = text.char_indices().skip(1).find(|(at, _)| {
        let (Some(before), Some(rest)) = (text.get(..*at), text.get(*at..)) else { return false };
        let Some((keyword, _)) = keyword_at(block, rest) else { return false };
        let number = before.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'/' | b':'));
        let clear = keyword.contains('_') && !text.contains('/');
        let apart = !before.ends_with(['_', '-', '.']) || number;
        keyword.len() >= SHORTEST_INSIDE && apart && (number || clear)
    });
    found.map_or(text.len(), |(at, _)| at)
}

/// Whether a text can be the value behind a keyword that it is glued to.
fn can_be_value(text: &str) -> bool {
    let digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    digit(text)
        || text.strip_prefix('-').is_some_and(digit)
        || text.starts_with(['/', '"'])
        || text.starts_with(|c: char| c.is_ascii_uppercase())
        || VALUES.contains(&text)
        || INTERFACES.iter().any(|name| text.strip_prefix(name).is_some_and(digit))
}
