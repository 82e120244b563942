//! `@id` conditions and `$` variables within a post: its pieces as one of the nodes would read them.
//!
//! People also write to `@somebody`, so an id counts only where configuration follows it. Nothing is repeated here
//! (`~SEQ`), and nothing included. Called before the blocks are looked for, once for each node.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::text::Piece;
use crate::finding::{Code, Finding};
use crate::format::collector::Collector;
use crate::format::keepalived::condition_blocks::{Fate, Heads};
use crate::format::keepalived::conditions::{Condition, Seen};
use crate::format::keepalived::lexer;
use crate::format::keepalived::syntax_blocks::glue;
use crate::format::keepalived::syntax_line::Line;
use crate::format::keepalived::syntax_words::Block;
use crate::format::keepalived::variables::{self, Variables};

/// Bytes that all lines of a post may have once its variables are replaced.
const ALLOWANCE: usize = 8 << 20;
/// What each line costs beyond its bytes.
const LINE_COST: usize = 16;
/// Values inside each other.
const DEEPEST: usize = 24;
/// Replacements in one line.
const MOST_REPLACEMENTS: usize = 256;

/// The ids that the conditions of a post name, in their order.
pub(super) fn ids(pieces: &[Piece]) -> Vec<String> {
    let mut seen = Seen::default();
    if !pieces.iter().any(|piece| condition(piece).is_some()) {
        return Vec::new();
    }
    let known = keywords();
    let is_configuration = |text: &str| {
        let word =
            text.trim_start().split(|c: char| c.is_whitespace() || c == '{').next().unwrap_or_default();
        let address = word.split('/').next().unwrap_or_default().parse::<IpAddr>();
        known.contains(word)
            || address.is_ok()
            || glue::header(word).is_some()
            || word.starts_with(['$', '}', '@'])
    };
    for piece in pieces {
        if let Some((line, condition)) = condition(piece)
            && let text = line.text.trim_start()
            && text.get(condition.length..).is_some_and(is_configuration)
        {
            seen.note(condition.names().unwrap_or_default(), line.file, line.spot(0));
        }
    }
    seen.ids()
}

fn condition(piece: &Piece) -> Option<(&Line, Condition<'_>)> {
    let Piece::Line(line) = piece else { return None };
    Condition::parse(line.text.trim_start()).map(|condition| (line, condition))
}

/// All words that mean something in some block.
fn keywords() -> BTreeSet<&'static str> {
    let mut words = BTreeSet::new();
    let mut open = vec![Block::Top];
    while let Some(block) = open.pop() {
        words.extend(block.words().iter().flat_map(|words| words.iter()).map(|(word, _)| *word));
        for (word, child) in block.children() {
            words.insert(word);
            open.push(*child);
        }
    }
    words
}

/// The pieces as a node reads them: without the lines of others, and with the values of its variables.
pub(super) fn settled(
    pieces: &[Piece],
    ids: &[String],
    node: Option<&str>,
    collector: &mut Collector,
) -> Vec<Piece> {
    let mut template = Template {
        ids,
        node,
        variables: Variables::of_node(node),
        definition: None,
        heads: Heads::default(),
        left: ALLOWANCE,
        said: false,
        collector,
        pieces: Vec::with_capacity(pieces.len()),
    };
    for piece in pieces {
        match piece {
            Piece::Fence => {
                template.end_definition();
                template.end_heads();
                template.pieces.push(Piece::Fence);
            }
            Piece::Line(line) => template.physical(line),
        }
    }
    template.end_heads();
    template.pieces
}

struct Template<'t> {
    ids: &'t [String],
    node: Option<&'t str>,
    variables: Variables,
    /// A definition whose last line ended with a backslash; without a name where it is another node's.
    definition: Option<(Option<String>, Vec<String>)>,
    /// Blocks whose heads stand under conditions.
    heads: Heads,
    /// What the lines may still have.
    left: usize,
    said: bool,
    collector: &'t mut Collector,
    pieces: Vec<Piece>,
}

impl Template<'_> {
    fn physical(&mut self, line: &Line) {
        if let Some((_, lines)) = &mut self.definition {
            let text = line.text.trim();
            let (value, goes_on) = text.strip_suffix('\\').map_or((text, false), |value| (value, true));
            lines.push(value.trim_end().to_owned());
            if !goes_on {
                self.end_definition();
            }
            return;
        }
        self.line(line.clone(), 0);
    }

    fn end_definition(&mut self) {
        if let Some((Some(name), lines)) = self.definition.take() {
            self.variables.define(&name, lines);
        }
    }

    fn end_heads(&mut self) {
        if let Some((file, finding)) = std::mem::take(&mut self.heads).finish() {
            self.collector.add_in(file.0, finding);
        }
    }

    /// A line that this node reads, unless the head of its block is another node's.
    fn settled(&mut self, condition: Option<String>, line: Line, says_anything: bool) {
        if says_anything && let Fate::LeftOut(said) = self.heads.read(condition.as_deref(), &line) {
            if let Some((file, finding)) = said {
                self.collector.add_in(file.0, finding);
            }
            return;
        }
        self.pieces.push(Piece::Line(line));
    }

    fn line(&mut self, mut line: Line, depth: usize) {
        let mut holds = true;
        let mut under = None;
        let mut replacements = 0;
        loop {
            // What was posted is bounded already; only what its variables make of it is not.
            if (replacements > 0 || depth > 0) && !self.draw(&line) {
                return;
            }
            let start = line.text.len() - line.text.trim_start().len();
            let rest = line.text.get(start..).unwrap_or_default();
            if let Some(condition) = Condition::parse(rest).filter(|it| self.ids.iter().any(|id| id == it.id))
            {
                holds &= condition.holds_for(self.node);
                let text = || rest.get(..condition.length).unwrap_or_default().to_owned();
                under.get_or_insert_with(|| (text(), (line.file, line.spot(start))));
                line = line.part(start + condition.length, line.text.len());
                continue;
            }
            if let Some((name, value_at)) = variables::definition(rest) {
                let value = rest.get(value_at..).unwrap_or_default();
                let value = value.get(..lexer::comment_start(value)).unwrap_or_default().trim();
                let (value, goes_on) =
                    value.strip_suffix('\\').map_or((value, false), |value| (value.trim_end(), true));
                let first = if goes_on && value.is_empty() { Vec::new() } else { vec![value.to_owned()] };
                self.definition = Some((holds.then(|| name.to_owned()), first));
                if !goes_on {
                    self.end_definition();
                }
                return;
            }
            if !holds {
                if let Some((condition, place)) = &under {
                    self.heads.dropped(condition, &line, *place);
                }
                return;
            }
            let comment = start + lexer::comment_start(rest);
            let used = line.text.get(..comment).and_then(|text| self.variables.find(text));
            let Some(used) = used else {
                return self.settled(under.map(|(text, _)| text), line, comment > start);
            };
            replacements += 1;
            if replacements > MOST_REPLACEMENTS || depth > DEEPEST {
                let spot = line.spot(used.start);
                let name = line.text.get(used.start..used.end).unwrap_or_default();
                let finding = Finding::line(spot.line, spot.column, Code::KeepalivedRecursion).warning();
                self.collector.add_in(line.file.0, finding.with("name", name));
                return;
            }
            line = line.replaced(used.start, used.end, &used.lines, |line| self.line(line, depth + 1));
        }
    }

    /// Takes the cost of a line off the allowance; false where there is nothing left.
    fn draw(&mut self, line: &Line) -> bool {
        let cost = line.text.len() + LINE_COST;
        if self.left < cost && !self.said {
            self.said = true;
            let spot = line.spot(0);
            let finding = Finding::line(spot.line, spot.column, Code::KeepalivedExpansion);
            self.collector.add_in(line.file.0, finding.with("limit", format!("{} MiB", ALLOWANCE >> 20)));
        }
        self.left = self.left.saturating_sub(cost);
        !self.said
    }
}
