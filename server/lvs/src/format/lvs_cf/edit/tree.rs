//! A text as pieces that can be changed, moved and put together again.

use crate::format::collector::Collector;
use crate::format::lvs_cf::blocks::parse;
use crate::format::lvs_cf::document::{Block, Document, Item, Kind, Setting, phantoms};
use crate::format::lvs_cf::lexer::Word;
use crate::format::lvs_cf::strict::is_head;
use crate::format::lvs_cf::vocabulary::Scope;
use crate::format::lvs_cf::write;
use crate::format::lvs_cf::write::sheet::{self, head, one_word};

/// A whole text.
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) style: Style,
    /// Whether the last line has no end.
    unended: bool,
}

/// A piece of it.
pub(super) enum Node {
    /// Comments, blank lines, and lines that are passed over.
    Text(String),
    /// A block that no change reaches.
    Kept(String),
    /// A setting.
    Line(Line),
    /// A block that is read as a virtual or real server.
    Block(Branch),
}

/// A line with a setting.
pub(super) struct Line {
    /// Its word in its own spelling; none for one that is not known in its place.
    pub(super) word: Option<&'static str>,
    /// With its end.
    pub(super) text: String,
    /// The comment behind its value.
    pub(super) comment: Option<String>,
}

/// A `virtual` or `server` block.
pub(super) struct Branch {
    /// Its first line, with its end.
    pub(super) head: String,
    /// The bytes of the first line that hold the name, and where the word before it ends.
    name: (usize, usize),
    /// Whether the brace is on the first line.
    pub(super) braced: bool,
    /// What is in it.
    pub(super) nodes: Vec<Node>,
    /// Its last line, with its end; empty where the brace is missing or stands in the last line of the block around.
    pub(super) tail: String,
}

/// How the lines of a text look, for those that are added.
#[derive(Clone)]
pub(super) struct Style {
    /// End of a line.
    pub(super) end: String,
    /// What stands before settings of a `virtual` block.
    pub(super) inner: String,
    /// What stands before the first line of a `server` block.
    pub(super) outer_server: String,
    /// What stands before settings of a `server` block.
    pub(super) innermost: String,
}

impl Tree {
    /// The pieces of a text that was read.
    pub(super) fn new(text: &str) -> Self {
        let mut style = Style::usual();
        style.end = line_end(text).unwrap_or("\n").to_owned();
        let unended = !text.ends_with(['\n', '\r']);
        // With an end the last line can have others behind it.
        let ended = if unended { format!("{text}{}", style.end) } else { text.to_owned() };
        let document = parse(&ended, &mut Collector::default());
        style.learn(&document);
        let empty = phantoms(&document.items, Kind::Virtual);
        let nodes = document.items.iter().enumerate();
        let nodes = nodes
            .map(|(index, item)| match item {
                Item::Block(block) if block.kind != Kind::Virtual || empty.contains(&index) => {
                    Node::Kept(raw(block))
                }
                item => node(item, Scope::Global),
            })
            .collect();
        Tree { nodes, style, unended }
    }

    /// The text again.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        put(&self.nodes, &mut text);
        if self.unended && text.ends_with(&self.style.end) {
            text.truncate(text.len() - self.style.end.len());
        }
        text
    }
}

fn put(nodes: &[Node], text: &mut String) {
    for node in nodes {
        match node {
            Node::Text(piece) | Node::Kept(piece) => text.push_str(piece),
            Node::Line(line) => text.push_str(&line.text),
            Node::Block(branch) => {
                text.push_str(&branch.head);
                put(&branch.nodes, text);
                text.push_str(&branch.tail);
            }
        }
    }
}

fn node(item: &Item<'_>, scope: Scope) -> Node {
    match item {
        Item::Trivia(text) => Node::Text((*text).to_owned()),
        Item::Setting(setting) => Node::Line(Line {
            word: scope.find(&setting.name.text),
            text: setting.raw.to_owned(),
            comment: comment(setting),
        }),
        Item::Block(block) => match (scope, block.kind) {
            (Scope::Global, Kind::Virtual) => Node::Block(branch(block, Scope::Virtual)),
            (Scope::Virtual, Kind::Server) => Node::Block(branch(block, Scope::Server)),
            _ => Node::Kept(raw(block)),
        },
    }
}

fn branch(block: &Block<'_>, scope: Scope) -> Branch {
    let empty = phantoms(&block.items, Kind::Server);
    let nodes = block.items.iter().enumerate().map(|(index, item)| match item {
        Item::Block(block) if empty.contains(&index) => Node::Kept(raw(block)),
        item => node(item, scope),
    });
    let nodes = nodes.collect();
    let word_end = offset(block.head, block.first, block.word.column) + block.word.raw.len();
    let (start, end) = block.name.as_ref().map_or((word_end, word_end), |name| {
        let start = offset(block.head, block.first, name.column);
        (start, start + name.raw.len())
    });
    let behind = block.head.get(end..).unwrap_or("");
    let braced = behind.split('#').next().is_some_and(|text| text.contains('{'));
    Branch { head: block.head.to_owned(), name: (start, end), braced, nodes, tail: block.tail.to_owned() }
}

fn raw(block: &Block<'_>) -> String {
    [block.head, block.body, block.tail].concat()
}

/// The comment that follows a value; the first word is a value whatever it is.
fn comment(setting: &Setting<'_>) -> Option<String> {
    let word = setting.values.iter().skip(1).find(|word| word.begins_comment())?;
    let start = offset(setting.raw, setting.first, word.column);
    Some(setting.raw.get(start..)?.trim_end().to_owned())
}

/// The byte at which a column begins, in a line that begins with the column `first`.
fn offset(line: &str, first: u32, column: u32) -> usize {
    let index = usize::try_from(column.saturating_sub(first)).unwrap_or(usize::MAX);
    line.char_indices().nth(index).map_or(line.len(), |(at, _)| at)
}

impl Node {
    /// The block, if it is one.
    pub(super) fn as_service(&mut self) -> Option<&mut Branch> {
        match self {
            Node::Block(branch) => Some(branch),
            Node::Text(_) | Node::Kept(_) | Node::Line(_) => None,
        }
    }
}

impl Branch {
    /// A block that is not in the text yet.
    pub(super) fn new(block: &sheet::Block, style: &Style) -> Self {
        let text = |(indent, line): &(usize, String)| {
            let [inner, innermost] = write::INDENTS;
            let before = match *indent {
                0 => "",
                n if n == innermost => &style.innermost,
                // Settings of a virtual server and first lines of its servers.
                n if n == inner && (line.starts_with("server ") || line == "}") => &style.outer_server,
                _ => &style.inner,
            };
            format!("{before}{line}{}", style.end)
        };
        let lines = write::lines(block);
        let mut texts: Vec<String> = lines.iter().map(text).collect();
        let tail = texts.pop().unwrap_or_default();
        let head = texts.first().cloned().unwrap_or_default();
        let nodes = texts.into_iter().skip(1).map(Node::Text).collect();
        Branch { head, name: (0, 0), braced: true, nodes, tail }
    }

    /// Whether the name it is read under has a number at its end that does not stand in the text.
    pub(super) fn is_numbered(&self, read: &str) -> bool {
        let (start, end) = self.name;
        let text = self.head.get(start..end).unwrap_or("").trim_matches(['"', '\'']);
        let number = read.rsplit_once('-').map(|(_, number)| number);
        text != read && number.is_some_and(|number| number.parse::<u32>().is_ok() && !text.ends_with(number))
    }

    /// Gives it another name.
    pub(super) fn rename(&mut self, name: &str) {
        let name = one_word(name);
        let (start, end) = self.name;
        let (before, behind) = (self.head.get(..start).unwrap_or(""), self.head.get(end..).unwrap_or(""));
        // What the name had besides its first word goes; brace and comment stay.
        let stays = behind.find(['{', '#', '\n', '\r']).unwrap_or(behind.len());
        let quoted = behind.get(..stays).is_some_and(|text| text.ends_with(['"', '\'']))
            && behind.get(stays..).is_some_and(|text| text.starts_with('{'));
        let rest = behind.get(stays - usize::from(quoted)..).unwrap_or("");
        let blank = |text: &str| if text.is_empty() || text.starts_with(['\n', '\r']) { "" } else { " " };
        let gap = if before.ends_with([' ', '\t']) { "" } else { " " };
        let head = format!("{before}{gap}{name}{}{rest}", blank(rest));
        let start = before.len() + gap.len();
        self.head = head;
        self.name = (start, start + name.len());
    }

    /// Writes its first line anew if the daemons refuse it. A comment behind it comes before it, and a brace on the
    /// next line up to it.
    pub(super) fn repair_head(&mut self, kind: &str, name: &str, indent: &str, style: &Style) {
        if is_head(&self.head, kind) {
            return;
        }
        let behind = self.head.get(self.name.1..).unwrap_or("");
        let comment = behind.find('#').and_then(|at| behind.get(at..)).map(str::trim_end);
        let comment = comment.map(|comment| format!("{indent}{comment}{}", style.end)).unwrap_or_default();
        self.head = format!("{comment}{indent}{}{}", head(kind, name), style.end);
        self.name = (0, 0);
        if !std::mem::replace(&mut self.braced, true)
            && let Some(Node::Text(text)) = self.nodes.first_mut()
            && text.trim_start().starts_with('{')
        {
            let line = text.find('\n').map_or(text.len(), |at| at + 1);
            *text = text.split_off(line);
        }
    }

    /// Writes out the brace that ends it and the blocks in it, where they ended without one.
    pub(super) fn close(&mut self, indent: &str, style: &Style) {
        let mut tail = std::mem::take(&mut self.tail);
        close_all(&mut self.nodes, Some(&mut tail), &style.outer_server, style);
        self.tail = if tail.is_empty() { format!("{indent}}}{}", style.end) } else { tail };
    }
}

/// Writes out the braces of blocks that stand beside each other. One that the block around them had in its last line
/// is taken out of it.
pub(super) fn close_all(nodes: &mut [Node], parent: Option<&mut String>, indent: &str, style: &Style) {
    let last_open =
        nodes.iter_mut().rev().find_map(Node::as_service).is_some_and(|branch| branch.tail.is_empty());
    for branch in nodes.iter_mut().filter_map(Node::as_service) {
        branch.close(indent, style);
    }
    if last_open && let Some(tail) = parent {
        take_brace(tail);
    }
}

/// Takes one of several braces at the beginning of a last line away.
pub(super) fn take_brace(tail: &mut String) {
    if tail.trim_start().starts_with("}}")
        && let Some(at) = tail.find('}')
    {
        tail.remove(at);
    }
}

impl Style {
    /// As the old pages wrote.
    fn usual() -> Self {
        let [inner, innermost] = write::INDENTS.map(|indent| " ".repeat(indent));
        Style { end: "\n".to_owned(), outer_server: inner.clone(), inner, innermost }
    }

    /// Takes what the first lines of each kind look like.
    fn learn(&mut self, document: &Document<'_>) {
        let blanks = |line: &str, first: u32, word: &Word<'_>| -> Option<String> {
            let before = line.get(..offset(line, first, word.column))?;
            before.chars().all(|c| c == ' ' || c == '\t').then(|| before.to_owned())
        };
        let first = |items: &[Item<'_>]| {
            items.iter().find_map(|item| match item {
                Item::Setting(setting) => blanks(setting.raw, setting.first, &setting.name),
                _ => None,
            })
        };
        let blocks = |items: &'_ [Item<'_>], kind| -> Vec<usize> {
            let of_kind = |(_, item): &(usize, &Item<'_>)| matches!(item, Item::Block(b) if b.kind == kind);
            items.iter().enumerate().filter(of_kind).map(|(index, _)| index).collect()
        };
        let (mut inner, mut server, mut innermost) = (None, None, None);
        for index in blocks(&document.items, Kind::Virtual) {
            let Some(Item::Block(block)) = document.items.get(index) else { continue };
            inner = inner.or_else(|| first(&block.items));
            for index in blocks(&block.items, Kind::Server) {
                let Some(Item::Block(block)) = block.items.get(index) else { continue };
                server = server.or_else(|| blanks(block.head, block.first, &block.word));
                innermost = innermost.or_else(|| first(&block.items));
            }
            if inner.is_some() && server.is_some() && innermost.is_some() {
                break;
            }
        }
        self.inner = inner.unwrap_or_else(|| self.inner.clone());
        self.outer_server = server.unwrap_or_else(|| self.inner.clone());
        self.innermost = innermost.unwrap_or_else(|| self.innermost.clone());
    }
}

/// How the first line of a text ends.
fn line_end(text: &str) -> Option<&'static str> {
    let at = text.find(['\n', '\r'])?;
    let end = text.get(at..)?;
    Some(if end.starts_with("\r\n") {
        "\r\n"
    } else if end.starts_with('\r') {
        "\r"
    } else {
        "\n"
    })
}
