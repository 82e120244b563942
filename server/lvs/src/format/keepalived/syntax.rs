//! Reads a keepalived.conf as keepalived reads it: lines, conditions, definitions, repetitions, includes.
//!
//! Called by the reader of the meaning, once per text. A text with `@id` conditions is the configuration of several
//! nodes: it is read once for each of them. Opens no file; what `include` names is looked up in the folder that was
//! handed in. Bounded: every line that is read, replaced or repeated draws on one allowance.

use std::collections::BTreeSet;

use super::condition_blocks::{Fate, Heads};
use super::conditions::{self, Condition};
use super::lexer::{self, is_blank_to_the_eye as is_blank};
use super::repetition;
use super::syntax_blocks::{self, Blocks, Mode};
use super::syntax_line::Line;
use super::syntax_notes::excerpt;
use super::texts::{Included, Texts};
use super::tree::{FileIndex, Statement};
use super::variables::{self, Variables};
use crate::finding::{Code, Finding, Severity};
use crate::format::collector::Collector;
use crate::format::places::Spot;

/// Nodes that a text is read for; conditions may name more.
const MOST_NODES: usize = 8;
/// Bytes of all lines that are read, those that a replacement or repetition makes included, over all nodes.
const ALLOWANCE: usize = 16 << 20;
/// What each line costs beyond its bytes.
const LINE_COST: usize = 16;
/// Files included inside each other.
const DEEPEST_INCLUDE: usize = 16;
/// Definitions and repetitions inside each other.
const DEEPEST_LINE: usize = 24;
/// Replacements in one line; more than any sensible line has, so the values lead back to themselves.
const MOST_REPLACEMENTS: usize = 256;
/// Bytes that keepalived reads of a line.
const LONGEST_LINE: usize = 1_023;

/// What a text says to one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// Its name in the conditions of the text. None where the text has no conditions, and for a node that no
    /// condition names.
    pub(super) id: Option<String>,
    /// Its statements, in their order.
    pub(super) statements: Vec<Statement>,
}

/// Reads one of the texts, with the files that it includes, for the node given or else for every node that its
/// conditions name. At least one node comes back, the one that no condition names behind the others.
pub(super) fn parse(
    texts: &mut Texts<'_>,
    file: FileIndex,
    text: &str,
    node: Option<&str>,
    collector: &mut Collector,
) -> Vec<Node> {
    let mut allowance = ALLOWANCE;
    if let Some(id) = node {
        let reading = read(texts, file, text, Some(id), &mut allowance);
        let (statements, _) = reading.finish(collector, &mut BTreeSet::new());
        return vec![Node { id: Some(id.to_owned()), statements }];
    }
    let unnamed = read(texts, file, text, None, &mut allowance);
    let mut said = BTreeSet::new();
    if unnamed.conditions.is_empty() {
        let (statements, _) = unnamed.finish(collector, &mut said);
        return vec![Node { id: None, statements }];
    }
    let (ids, first) = (unnamed.conditions.ids(), unnamed.conditions.first());
    if ids.len() > MOST_NODES
        && let Some((file, spot)) = first
    {
        let finding = Finding::line(spot.line, spot.column, Code::KeepalivedNodes).warning();
        collector.add_in(file.0, finding.with("count", ids.len()).with("limit", MOST_NODES));
    }
    // A single id sets one node apart from its partner, which no condition names.
    let with_unnamed = ids.len() == 1;
    let mut nodes = Vec::new();
    for id in ids.into_iter().take(MOST_NODES) {
        let reading = read(texts, file, text, Some(&id), &mut allowance);
        let (statements, _) = reading.finish(collector, &mut said);
        nodes.push(Node { id: Some(id), statements });
    }
    if with_unnamed {
        let (statements, _) = unnamed.finish(collector, &mut said);
        nodes.push(Node { id: None, statements });
    }
    nodes
}

/// Whether a written file is longer than what is read of one.
pub(in crate::format) fn is_too_long(text: &str) -> bool {
    // No line of it is replaced by others.
    text.len() + text.lines().count().saturating_mul(LINE_COST) > ALLOWANCE
        || syntax_blocks::is_too_long(text)
}

fn read(
    texts: &mut Texts<'_>,
    file: FileIndex,
    text: &str,
    node: Option<&str>,
    allowance: &mut usize,
) -> Done {
    let mut reader = Reader {
        texts,
        node,
        allowance,
        exhausted: false,
        dropped: false,
        blocks: Blocks::new(Mode::File),
        collector: Collector::default(),
        variables: Variables::of_node(node),
        definition: None,
        conditions: conditions::Seen::default(),
        heads: Heads::default(),
        including: vec![file],
        parts: BTreeSet::new(),
    };
    reader.file(file, text);
    reader.end_definition();
    if let Some((file, finding)) = std::mem::take(&mut reader.heads).finish() {
        reader.collector.add_in(file.0, finding);
    }
    Done { blocks: reader.blocks, collector: reader.collector, conditions: reader.conditions }
}

/// A text that was read for one node.
struct Done {
    blocks: Blocks,
    collector: Collector,
    conditions: conditions::Seen,
}

impl Done {
    /// Its statements; findings that were not said before are added.
    fn finish(
        mut self,
        collector: &mut Collector,
        said: &mut BTreeSet<(usize, Finding)>,
    ) -> (Vec<Statement>, conditions::Seen) {
        let statements = self.blocks.finish(&mut self.collector);
        for (file, finding) in self.collector.finish_by_file() {
            if said.insert((file, finding.clone())) {
                collector.add_in(file, finding);
            }
        }
        (statements, self.conditions)
    }
}

/// Reads one text for one node.
struct Reader<'r, 't> {
    texts: &'r mut Texts<'t>,
    node: Option<&'r str>,
    allowance: &'r mut usize,
    /// The allowance is used up, and that was said.
    exhausted: bool,
    /// A definition was dropped, and that was said.
    dropped: bool,
    blocks: Blocks,
    collector: Collector,
    variables: Variables,
    /// A definition whose last line ended with a backslash.
    definition: Option<Definition>,
    conditions: conditions::Seen,
    /// Blocks whose heads stand under conditions.
    heads: Heads,
    /// The files that are being read, the including before the included.
    including: Vec<FileIndex>,
    /// Given files that were included. Known by their names alone, they may fit the patterns of several folders.
    parts: BTreeSet<FileIndex>,
}

/// A definition of several lines that is not complete.
struct Definition {
    /// None where a condition says that it is for another node.
    name: Option<String>,
    lines: Vec<String>,
    place: (FileIndex, Spot),
}

impl<'t> Reader<'_, 't> {
    fn file(&mut self, file: FileIndex, text: &str) {
        let unmarked = text.strip_prefix('\u{feff}');
        if unmarked.is_some() {
            self.say(file, Spot { line: 1, column: 1 }, Code::ByteOrderMark, |finding| finding);
        }
        for (number, line) in (1..).zip(lines(unmarked.unwrap_or(text))) {
            if self.exhausted || self.blocks.is_full() {
                return;
            }
            self.physical_line(file, number, line);
        }
    }

    /// A line as it stands in its file.
    fn physical_line(&mut self, file: FileIndex, number: u32, text: &str) {
        let length = text.find('\0').unwrap_or(text.len());
        if length < text.len() {
            let column = column(text, length);
            self.say(file, Spot { line: number, column }, Code::KeepalivedNul, |finding| finding);
        }
        let text = text.get(..length).unwrap_or_default();
        if text.len() > LONGEST_LINE {
            self.say(file, Spot { line: number, column: 1 }, Code::KeepalivedLineLong, |finding| {
                finding.with("length", text.len()).with("limit", LONGEST_LINE)
            });
        }
        if let Some(definition) = &mut self.definition {
            let text = text.trim();
            let (value, goes_on) = text.strip_suffix('\\').map_or((text, false), |value| (value, true));
            definition.lines.push(value.trim_end().to_owned());
            *self.allowance = self.allowance.saturating_sub(text.len() + LINE_COST);
            if !goes_on {
                self.end_definition();
            }
            return;
        }
        self.line(Line::new(file, number, text), 0);
    }

    fn end_definition(&mut self) {
        let Some(definition) = self.definition.take() else { return };
        if let Some(name) = definition.name {
            self.remember(&name, definition.lines, definition.place);
        }
    }

    /// Keeps the value of a variable. That one is dropped is said once: what it stood for is missing from here on.
    fn remember(&mut self, name: &str, lines: Vec<String>, (file, spot): (FileIndex, Spot)) {
        if self.variables.define(name, lines) || std::mem::replace(&mut self.dropped, true) {
            return;
        }
        let finding = Finding::line(spot.line, spot.column, Code::KeepalivedDefinitionsMany);
        let finding = finding.with("limit", variables::MOST).with("name", excerpt(&format!("${name}")));
        self.collector.add_in(file.0, finding);
    }

    /// A line on its way to the blocks: conditions, definitions and repetitions are seen to, variables are replaced.
    fn line(&mut self, mut line: Line, depth: usize) {
        let mut holds = true;
        // The first condition of the line, and where it stands.
        let mut under: Option<(String, (FileIndex, Spot))> = None;
        let mut replacements = 0;
        loop {
            if !self.draw(&line) {
                return;
            }
            let start = line.text.find(|c: char| !is_blank(c)).unwrap_or(line.text.len());
            let rest = line.text.get(start..).unwrap_or_default();
            if rest.is_empty() {
                return;
            }
            if let Some(condition) = Condition::parse(rest) {
                let place = (line.file, line.spot(start));
                if let Some(id) = condition.names() {
                    self.conditions.note(id, line.file, place.1);
                }
                if condition.bang {
                    let meant = excerpt(&format!("@^{}", condition.id));
                    self.say(line.file, place.1, Code::KeepalivedConditionBang, |finding| {
                        finding.with("meant", &meant).suggest(&meant)
                    });
                }
                holds &= condition.holds_for(self.node);
                let text = || rest.get(..condition.length).unwrap_or_default().to_owned();
                under.get_or_insert_with(|| (text(), place));
                line = line.part(start + condition.length, line.text.len());
                continue;
            }
            if let Some((name, value_at)) = variables::definition(rest) {
                let (name, value) = (name.to_owned(), rest.get(value_at..).unwrap_or_default().to_owned());
                self.define(name, &value, holds, (line.file, line.spot(start)));
                return;
            }
            if !holds {
                if let Some((condition, place)) = &under {
                    self.heads.dropped(condition, &line, *place);
                }
                return;
            }
            if repetition::begins(rest) {
                self.repeat(&line, start, depth);
                return;
            }
            let comment = start + lexer::comment_start(rest);
            let used = line.text.get(..comment).and_then(|text| self.variables.find(text));
            let Some(used) = used else {
                if comment > start
                    && let Fate::LeftOut(said) =
                        self.heads.read(under.as_ref().map(|(text, _)| text.as_str()), &line)
                {
                    if let Some((file, finding)) = said {
                        self.collector.add_in(file.0, finding);
                    }
                    return;
                }
                match include_path(rest) {
                    Some(path) => self.include(line.file, line.spot(start), path),
                    None => self.statement(&line, start),
                }
                return;
            };
            replacements += 1;
            if replacements > MOST_REPLACEMENTS || depth > DEEPEST_LINE {
                let name = line.text.get(used.start..used.end).unwrap_or_default().to_owned();
                let spot = line.spot(used.start);
                self.say(line.file, spot, Code::KeepalivedRecursion, |finding| finding.with("name", &name));
                return;
            }
            line = line.replaced(used.start, used.end, &used.lines, |line| self.line(line, depth + 1));
        }
    }

    /// Takes the cost of a line off the allowance; false where there is nothing left.
    fn draw(&mut self, line: &Line) -> bool {
        let cost = line.text.len() + LINE_COST;
        if !self.exhausted && *self.allowance < cost {
            self.exhausted = true;
            let spot = line.spot(0);
            let finding = Finding::line(spot.line, spot.column, Code::KeepalivedExpansion);
            self.collector.add_in(line.file.0, finding.with("limit", format!("{} MiB", ALLOWANCE >> 20)));
        }
        *self.allowance = self.allowance.saturating_sub(cost);
        !self.exhausted
    }

    fn define(&mut self, name: String, value: &str, holds: bool, place: (FileIndex, Spot)) {
        let value = value.get(..lexer::comment_start(value)).unwrap_or_default().trim();
        let (value, goes_on) =
            value.strip_suffix('\\').map_or((value, false), |value| (value.trim_end(), true));
        let first = if goes_on && value.is_empty() { Vec::new() } else { vec![value.to_owned()] };
        self.definition = Some(Definition { name: holds.then_some(name), lines: first, place });
        if !goes_on {
            self.end_definition();
        }
    }

    fn repeat(&mut self, line: &Line, start: usize, depth: usize) {
        let rest = line.text.get(start..).unwrap_or_default();
        let Some(repetition) = repetition::parse(rest).filter(|_| depth <= DEEPEST_LINE) else {
            self.say(line.file, line.spot(start), Code::KeepalivedRepetition, |finding| {
                finding.with("text", excerpt(rest.trim_end()))
            });
            return;
        };
        let repeated = line.part(start + repetition.length, line.text.len());
        for round in repetition.rounds {
            if self.exhausted || self.blocks.is_full() {
                return;
            }
            for (name, value) in round {
                self.remember(&name, vec![value], (line.file, line.spot(start)));
            }
            self.draw(&repeated);
            self.line(repeated.clone(), depth + 1);
        }
    }

    fn include(&mut self, file: FileIndex, spot: Spot, path: &str) {
        let shown = excerpt(path);
        let files = match self.texts.include(file, path) {
            Included::Files(files) => files,
            Included::Nothing => {
                return self
                    .say(file, spot, Code::KeepalivedIncludeMissing, |finding| finding.with("path", &shown));
            }
            Included::NoFolder => {
                return self
                    .say(file, spot, Code::KeepalivedIncludeAlone, |finding| finding.with("path", &shown));
            }
        };
        for (included, text) in files {
            if self.including.contains(&included) || self.including.len() > DEEPEST_INCLUDE {
                self.say(file, spot, Code::KeepalivedIncludeLoop, |finding| finding.with("path", &shown));
                continue;
            }
            if self.texts.is_part(included) && !self.parts.insert(included) {
                continue;
            }
            self.including.push(included);
            self.file(included, text);
            self.end_definition();
            self.including.pop();
        }
    }

    /// A line with everything replaced.
    fn statement(&mut self, line: &Line, start: usize) {
        let rest = line.text.get(start..).unwrap_or_default();
        if let Some((name, value)) = variables::blank_definition(rest) {
            let (name, meant) = (format!("${name}"), excerpt(&format!("${name}={value}")));
            self.say(line.file, line.spot(start), Code::KeepalivedDefinitionBlank, |finding| {
                finding.with("name", name).suggest(meant)
            });
            return;
        }
        if let Some((at, name)) = self.variables.unknown(rest) {
            let name = excerpt(name);
            let code = if name.starts_with('_') {
                Code::KeepalivedVariableBuiltIn
            } else {
                Code::KeepalivedVariableUnknown
            };
            self.say(line.file, line.spot(start + at), code, |finding| finding.with("name", name));
        }
        self.blocks.line(line, &mut self.collector);
    }

    /// Adds a warning, put into words only where it is listed.
    fn say(&mut self, file: FileIndex, spot: Spot, code: Code, words: impl FnOnce(Finding) -> Finding) {
        if self.collector.wants(Severity::Warning, &[code]) {
            let finding = Finding::line(spot.line, spot.column, code).warning();
            self.collector.add_in(file.0, words(finding));
        }
    }
}

/// The paths and patterns that a text includes, as they stand there.
pub(super) fn included_paths(text: &str) -> impl Iterator<Item = &str> {
    lines(text).filter_map(|line| include_path(at_any_node(line)))
}

/// A line without indentation and without the condition that it is there under.
pub(super) fn at_any_node(line: &str) -> &str {
    let line = line.trim_start();
    let length = Condition::parse(line).map_or(0, |condition| condition.length);
    line.get(length..).unwrap_or_default().trim_start()
}

/// The lines of a text, without their ends: LF, CR LF or CR.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let length = text.find(['\n', '\r']).unwrap_or(text.len());
        let (line, end) = text.split_at_checked(length)?;
        let end_length = if end.starts_with("\r\n") { 2 } else { 1 };
        rest = end.get(end_length..).filter(|rest| !rest.is_empty());
        Some(line)
    })
}

/// The column of a byte offset, from 1.
fn column(text: &str, at: usize) -> u32 {
    let before = text.get(..at).unwrap_or_default().chars().count();
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}

/// The path that an `include` line names.
fn include_path(line: &str) -> Option<&str> {
    let length = line.find(is_blank)?;
    let (word, behind) = line.split_at_checked(length)?;
    let includes = matches!(word, "include" | "includer" | "includem" | "includew" | "includeb" | "includea");
    let path = behind.get(..lexer::comment_start(behind))?.trim_matches(is_blank);
    let path = path.strip_prefix('"').and_then(|path| path.strip_suffix('"')).unwrap_or(path);
    (includes && !path.is_empty()).then_some(path)
}
