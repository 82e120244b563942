//! Finds settings and blocks in the lines of an lvs.cf, missing and misplaced braces included.
//!
//! Knows which words open a block and where blocks end, not what a setting means.

use crate::finding::{Code, Finding};
use crate::format::collector::Collector;

use super::document::{Block, Document, Item, Kind, Setting, excerpt};
use super::lexer::{Damage, DamageKind, Line, Lines, Word, words};
use super::reader::joined;

/// More lines with words than this are not read; a thousand virtual servers with ten real servers each have half.
const MOST_LINES: usize = 200_000;
/// The same for blocks.
const MOST_BLOCKS: usize = 40_000;

/// Whether a written file is longer than what is read of one.
pub(super) fn is_too_long(text: &str) -> bool {
    let lines =
        || text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines().nth(MOST_LINES).is_some() || lines().filter(|line| line.ends_with('{')).nth(MOST_BLOCKS).is_some()
}

/// Reads a text into its pieces. What had to be assumed goes to the collector.
pub(super) fn parse<'a>(text: &'a str, collector: &mut Collector) -> Document<'a> {
    let mut builder = Builder {
        text,
        collector,
        items: Vec::new(),
        open: Vec::new(),
        trivia: None,
        depth: 0,
        blocks: 0,
        awaits_brace: false,
    };
    let mut lines = Lines::new(text);
    let mut left = MOST_LINES;
    let mut end = 0;
    let mut last = 1;
    for line in lines.by_ref() {
        end = line.start + line.raw.len();
        last = line.number;
        if left == 0 || builder.blocks > MOST_BLOCKS {
            let limit =
                if left == 0 { format!("{MOST_LINES} lines") } else { format!("{MOST_BLOCKS} blocks") };
            builder.collector.add(Finding::line(line.number, 1, Code::FileTooLarge).with("limit", limit));
            builder.trivia(line.start, text.len());
            end = text.len();
            break;
        }
        left -= usize::from(builder.line(&line));
    }
    // A file that is all CR is fine with the daemons; CR among LF, or CR LF anywhere, is not.
    let ends = lines.ends;
    if let Some((line, column)) = ends.crlf.or(ends.cr.filter(|_| ends.lf)) {
        builder.collector.add(Finding::line(line, column, Code::LineEnds).warning());
    }
    while !builder.open.is_empty() {
        builder.close_assumed(last, 1, end);
    }
    builder.flush();
    Document { items: builder.items }
}

/// A block whose end has not been seen.
struct Open<'a> {
    block: Block<'a>,
    body_start: usize,
}

struct Builder<'a, 'c> {
    text: &'a str,
    collector: &'c mut Collector,
    items: Vec<Item<'a>>,
    /// Blocks that are open, outermost first; never more than three.
    open: Vec<Open<'a>>,
    /// Bytes of skipped lines that are not yet an item.
    trivia: Option<(usize, usize)>,
    /// Braces open inside a block that is kept as text.
    depth: usize,
    /// Blocks opened so far.
    blocks: usize,
    /// The block just opened has had no brace yet.
    awaits_brace: bool,
}

impl<'a> Builder<'a, '_> {
    /// Takes one line; says whether it had words.
    fn line(&mut self, line: &Line<'a>) -> bool {
        let (mut words, mut damage) = words(line.text);
        if line.first > 1 {
            let columns = words.iter_mut().map(|word| &mut word.column);
            for column in columns.chain(damage.iter_mut().map(|damage| &mut damage.column)) {
                *column = column.saturating_add(line.first - 1);
            }
        }
        if let Some(limit) = line.cut {
            let column =
                line.first.saturating_add(u32::try_from(line.text.chars().count()).unwrap_or(u32::MAX));
            let finding = Finding::line(line.number, column, Code::GuiCut).warning();
            self.collector.add(finding.with("limit", limit));
        }
        let Some(first) = words.first() else {
            self.trivia(line.start, line.start + line.raw.len());
            return false;
        };
        let in_text = self.open.last().is_some_and(|open| open.block.kind.is_text());
        if std::mem::take(&mut self.awaits_brace) && first.is("{") {
            self.trivia(line.start, line.start + line.raw.len());
            return true;
        }
        let head = Kind::of(first).filter(|_| words.get(1).is_none_or(|second| !second.is("=")));
        let ends_in_brace = words.last().is_some_and(|last| last.quote.is_none() && last.raw.ends_with('{'));
        if !in_text {
            self.damage(line.number, damage);
        }
        if first.quote.is_none() && first.raw.starts_with('}') {
            self.closing(line, &words);
        } else if in_text {
            match head {
                // A virtual or failover block never stands inside another, so a brace is missing before it.
                Some((Kind::Virtual | Kind::Failover, _)) if ends_in_brace && self.depth == 0 => {
                    self.head(line, words, head)
                }
                _ => {
                    self.depth += usize::from(ends_in_brace);
                    self.trivia(line.start, line.start + line.raw.len());
                }
            }
        } else if head.is_some() || (ends_in_brace && words.get(1).is_none_or(|second| !second.is("="))) {
            self.head(line, words, head);
        } else {
            self.setting(line, words);
        }
        true
    }

    fn damage(&mut self, line: u32, damage: Vec<Damage>) {
        for Damage { column, kind } in damage {
            let of = |code| Finding::line(line, column, code).warning();
            self.collector.add(match kind {
                DamageKind::OddBlank(c) => {
                    of(Code::OddBlank).with("character", format!("U+{:04X}", u32::from(c)))
                }
                DamageKind::OddIndent(text) => of(Code::OddIndent).with("text", text),
                DamageKind::TypographicQuote(c) => of(Code::TypographicQuote).with("character", c),
                DamageKind::EqualsGlued => of(Code::EqualsGlued),
            });
        }
    }

    fn setting(&mut self, line: &Line<'a>, words: Vec<Word<'a>>) {
        self.flush();
        let mut words = words.into_iter();
        let Some(name) = words.next() else { return };
        let mut words = words.peekable();
        let equals = words.next_if(|word| word.is("=")).is_some();
        let setting = Setting {
            line: line.number,
            first: line.first,
            raw: line.raw,
            name,
            equals,
            values: words.collect(),
        };
        self.push(Item::Setting(setting));
    }

    /// Opens a block, after closing those that it cannot stand in.
    fn head(&mut self, line: &Line<'a>, words: Vec<Word<'a>>, head: Option<(Kind, &'static str)>) {
        let kind = head.map_or(Kind::Other, |(kind, _)| kind);
        let column = words.first().map_or(1, |word| word.column);
        let must_close = |open: &Open<'_>| match kind {
            Kind::Virtual | Kind::Failover => true,
            Kind::Server => open.block.kind == Kind::Server,
            // Whatever it is, it may stand anywhere.
            Kind::Other => false,
        };
        while self.open.last().is_some_and(must_close) {
            self.close_assumed(line.number, column, line.start);
        }
        self.flush();
        let mut words = words.into_iter();
        let Some(word) = words.next() else { return };
        if let Some((_, name)) = head.filter(|(_, name)| word.text != *name) {
            let finding = Finding::line(line.number, word.column, Code::LetterCase).warning();
            self.collector.add(finding.with("text", &word.text).with("word", name));
        }
        let mut name = words.next();
        let mut brace = name.take_if(|name| name.is("{")).is_some();
        if let Some(glued) = name.as_mut().filter(|name| name.quote.is_none())
            && let Some(stripped) = glued.raw.strip_suffix('{')
        {
            let finding = Finding::line(line.number, glued.column, Code::BraceGlued).warning();
            self.collector.add(finding);
            glued.raw = stripped;
            glued.text = stripped.into();
            brace = true;
        }
        let mut rest: Vec<_> = words.collect();
        // `virtual my shop {`: the daemons want one word, quoted where it has blanks.
        // The daemons take the brace in quotes as well.
        let is_brace = |word: &Word<'_>| word.text == "{";
        let more = rest.iter().take_while(|word| !brace && !is_brace(word) && !word.begins_comment()).count();
        if let Some(name) = name.as_mut().filter(|name| more > 0 && !name.begins_comment()) {
            let whole = joined(std::iter::once(&*name).chain(rest.iter().take(more)));
            let finding = Finding::line(line.number, name.column, Code::ValueUnquoted).warning();
            let shown = excerpt(&whole);
            self.collector.add(finding.with("value", &shown).suggest(format!("\"{shown}\"")));
            name.text = whole.into();
            rest.drain(..more);
        }
        if rest.first().is_some_and(|word| !brace && is_brace(word)) {
            brace = true;
            let word = rest.remove(0);
            if word.open {
                self.collector.add(Finding::line(line.number, word.column, Code::QuoteOpen).warning());
            }
        }
        self.after_head(line, &rest, brace, kind);
        let block = Block {
            kind,
            line: line.number,
            first: line.first,
            word,
            name,
            head: line.raw,
            items: Vec::new(),
            body: "",
            tail: "",
        };
        self.depth = 0;
        self.blocks += 1;
        self.open.push(Open { block, body_start: line.start + line.raw.len() });
    }

    /// What follows name and brace on the first line of a block.
    fn after_head(&mut self, line: &Line<'a>, rest: &[Word<'a>], brace: bool, kind: Kind) {
        let at = |word: &Word<'_>, code| Finding::line(line.number, word.column, code);
        if let Some(word) = rest.first() {
            if word.begins_comment() {
                self.collector.add(at(word, Code::TrailingComment).warning());
            } else {
                self.collector.add(at(word, Code::BlockContent).with("text", excerpt(word.raw)));
            }
        }
        if !brace && kind != Kind::Other {
            let column =
                line.first.saturating_add(u32::try_from(line.text.chars().count()).unwrap_or(u32::MAX));
            self.collector.add(Finding::line(line.number, column, Code::BraceOpen).warning().suggest("{"));
            self.awaits_brace = true;
        }
    }

    /// A line that begins with a closing brace.
    fn closing(&mut self, line: &Line<'a>, words: &[Word<'a>]) {
        let Some(first) = words.first() else { return };
        let end = line.start + line.raw.len();
        if self.depth > 0 {
            self.depth -= 1;
            self.trivia(line.start, end);
            return;
        }
        let glued = first.raw.trim_start_matches('}');
        if first.raw != "}" {
            self.collector.add(Finding::line(line.number, first.column, Code::BraceGlued).warning());
        }
        if let Some(word) = words.get(1).filter(|word| glued.is_empty() && !word.begins_comment()) {
            let rest = line.text.get(line.text.find('}').map_or(0, |at| at + 1)..).unwrap_or(word.raw);
            let finding = Finding::line(line.number, word.column, Code::BraceTrailing).warning();
            self.collector.add(finding.with("text", excerpt(rest.trim())));
        }
        let braces = first.raw.len() - glued.len();
        for closed in 0..braces.min(4) {
            if self.open.is_empty() {
                let finding = Finding::line(line.number, first.column, Code::BraceStray).warning();
                self.collector.add(finding);
                if closed == 0 {
                    self.trivia(line.start, end);
                }
                break;
            }
            // The line belongs to the outermost block that it closes.
            let outermost = closed + 1 == braces.min(4) || self.open.len() == 1;
            self.close(line.start, if outermost { line.raw } else { "" });
        }
    }

    /// Closes the innermost block before a line that cannot stand in it, or at the end of the text.
    fn close_assumed(&mut self, line: u32, column: u32, at: usize) {
        if let Some(open) = self.open.last() {
            let name = open.block.name.as_ref().map_or("", |name| name.text.as_ref());
            let block = format!("{} {}", open.block.word.text, excerpt(name));
            let finding =
                Finding::line(line, column, Code::BraceMissing).warning().with("block", block.trim());
            self.collector.add(finding.suggest("}"));
        }
        self.close(at, "");
    }

    fn close(&mut self, at: usize, tail: &'a str) {
        self.flush();
        self.depth = 0;
        if let Some(Open { mut block, body_start }) = self.open.pop() {
            block.body = self.text.get(body_start..at).unwrap_or("");
            block.tail = tail;
            self.push(Item::Block(block));
        }
    }

    /// Notes bytes that hold nothing to read; neighbours become one piece.
    fn trivia(&mut self, start: usize, end: usize) {
        match &mut self.trivia {
            Some(known) => known.1 = end,
            None => self.trivia = Some((start, end)),
        }
    }

    fn flush(&mut self) {
        if let Some(raw) = self.trivia.take().and_then(|(start, end)| self.text.get(start..end)) {
            self.push(Item::Trivia(raw));
        }
    }

    fn push(&mut self, item: Item<'a>) {
        match self.open.last_mut() {
            Some(open) => open.block.items.push(item),
            None => self.items.push(item),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn document(text: &str) -> (Document<'_>, Vec<&'static str>) {
        let mut collector = Collector::default();
        let document = parse(text, &mut collector);
        (document, collector.finish().iter().map(|finding| finding.code.as_str()).collect())
    }

    /// `virtual a(server b, port)` for a block with a block and a setting.
    fn outline(items: &[Item<'_>]) -> String {
        let parts: Vec<String> = items
            .iter()
            .filter_map(|item| match item {
                Item::Trivia(_) => None,
                Item::Setting(setting) => Some(setting.name.text.to_string()),
                Item::Block(block) => {
                    let name = block.name.as_ref().map_or("", |name| name.text.as_ref());
                    Some(format!("{} {name}({})", block.word.text, outline(&block.items)))
                }
            })
            .collect();
        parts.join(", ")
    }

    #[test]
    fn blocks_are_found_whatever_their_braces() {
        for (text, expected, codes) in [
            (
                "virtual a {\nport = 1\nserver b {\n}\n}\nprimary = x\n",
                "virtual a(port, server b()), primary",
                vec![],
            ),
            ("virtual a {\n server b {\n", "virtual a(server b())", vec!["brace-missing"; 2]),
            ("virtual a\n{\nport = 1\n}\n", "virtual a(port)", vec!["brace-open"]),
            (
                "virtual a{\nport = 1\n}}\n",
                "virtual a(port)",
                vec!["brace-glued", "brace-glued", "brace-stray"],
            ),
            (
                "virtual a {\nserver b {\nvirtual c {\n}\n",
                "virtual a(server b()), virtual c()",
                vec!["brace-missing"; 2],
            ),
            (
                "virtual a {\nserver b {\nserver c {\n}\n}\n",
                "virtual a(server b(), server c())",
                vec!["brace-missing"],
            ),
            ("}\n", "", vec!["brace-stray"]),
            ("failover f {\n server x {\n port = 1\n }\n}\nprimary = 1", "failover f(), primary", vec![]),
            ("server = x\nvirtual = y\n", "server, virtual", vec![]),
            ("foo {\n a {\n }\n}\nport", "foo (), port", vec![]),
            ("virtual a { port = 1 }\n}\n", "virtual a()", vec!["block-content"]),
            ("virtual my shop {\n}\n", "virtual my shop()", vec!["value-unquoted"]),
            ("virtual a { # x\n} # y\n", "virtual a()", vec!["trailing-comment"]),
        ] {
            let (document, found) = document(text);
            assert_eq!(outline(&document.items), expected, "{text}");
            assert_eq!(found, codes, "{text}");
            assert_eq!(document.text(), text);
        }
    }

    #[test]
    fn an_endless_text_is_cut_with_an_error() {
        let text = "a\n".repeat(MOST_LINES + 10);
        let (document, found) = document(&text);
        assert_eq!(found, ["file-too-large"]);
        assert_eq!(document.text(), text);
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_text(parts in prop::collection::vec(
            prop::sample::select(vec!["virtual a {", "server", " {", "}", "}}", "\n", "\r\n", "\r", "failover f", "port = 1", "#", "\"", "“", "\u{a0}", "x {"]),
            0..60,
        )) {
            let text = parts.concat();
            prop_assert_eq!(document(&text).0.text(), text);
        }
    }
}
