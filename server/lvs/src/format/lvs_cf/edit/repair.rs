//! Makes a text readable for the original daemons with as much of it as they can bear: lines that they refuse are
//! written as the old pages would have, or become comments; all others stay.

use crate::finding::Severity;
use crate::format::lvs_cf::lexer::Lines;
use crate::format::lvs_cf::strict::{self, accepts};
use crate::format::lvs_cf::vocabulary::Scope;
use crate::format::lvs_cf::write::sheet::{Block, Entry, Sheet};
use crate::format::names::Names;

use super::lines::replace;
use super::tree::{Branch, Node, Style, Tree, close_all};

/// Whether the daemons read a text to its end.
pub(super) fn is_accepted(text: &str) -> bool {
    strict::verdict(text, &Names::default()).iter().all(|finding| finding.severity != Severity::Error)
}

/// The text repaired; `sheet` is what it says. The caller sees to it that it still says so.
pub(super) fn repair(text: &str, sheet: &Sheet) -> String {
    // The only line end that the daemons read everywhere.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut tree = Tree::new(&text);
    let style = tree.style.clone();
    close_all(&mut tree.nodes, None, "", &style);
    settings(&mut tree.nodes, Scope::Global, &sheet.entries, &style);
    let branches = tree.nodes.iter_mut().filter_map(Node::as_service);
    for (branch, block) in branches.zip(&sheet.services) {
        service(branch, block, "", &style);
    }
    tree.text()
}

fn service(branch: &mut Branch, block: &Block, indent: &str, style: &Style) {
    branch.repair_head(block.scope.as_str(), &block.name, indent, style);
    settings(&mut branch.nodes, block.scope, &block.entries, style);
    let branches = branch.nodes.iter_mut().filter_map(Node::as_service);
    for (inner, block) in branches.zip(&block.servers) {
        service(inner, block, &style.outer_server, style);
    }
    if !closes(&branch.tail) {
        branch.tail = format!("{indent}}}{}", style.end);
    }
}

/// Whether the first word of a line is a closing brace and nothing else.
fn closes(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t']);
    line.strip_prefix('}').is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n']))
}

fn settings(nodes: &mut [Node], scope: Scope, entries: &[Entry], style: &Style) {
    let mut refused = Vec::new();
    for node in nodes.iter_mut() {
        match node {
            Node::Text(text) => *text = commented(text, is_trivia),
            Node::Kept(text) if !is_accepted(text) => *text = commented(text, is_trivia),
            Node::Line(line) if !accepts(scope, line.text.trim_end_matches('\n')) => {
                refused.extend(line.word);
                // The one that counts is written anew below; what nobody knows is left as a comment.
                if line.word.is_none_or(|word| !entries.iter().any(|entry| entry.word == word)) {
                    line.text = commented(&line.text, |_| false);
                    line.word = None;
                }
            }
            Node::Kept(_) | Node::Line(_) | Node::Block(_) => {}
        }
    }
    for entry in entries.iter().filter(|entry| refused.contains(&entry.word)) {
        replace(nodes, entry.word, &entry.line(), style);
    }
    // Earlier lines of the same word do not count.
    for node in nodes.iter_mut() {
        if let Node::Line(line) = node
            && !line.text.split('\n').all(|text| accepts(scope, text) || is_trivia(text))
        {
            line.text = commented(&line.text, |_| false);
        }
    }
}

/// Whether the daemons skip a line.
fn is_trivia(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t']);
    line.is_empty() || line.starts_with('#')
}

/// The lines of a text, those that must not stay as comments.
fn commented(text: &str, stays: impl Fn(&str) -> bool) -> String {
    Lines::new(text)
        .map(|line| {
            let said = line.text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            if stays(line.text) {
                line.raw.to_owned()
            } else if said.is_empty() || said == "{" || said == "}" {
                String::new()
            } else {
                let indent = line.text.len() - line.text.trim_start_matches([' ', '\t']).len();
                format!("{}# {said}\n", line.text.get(..indent).unwrap_or(""))
            }
        })
        .collect()
}
