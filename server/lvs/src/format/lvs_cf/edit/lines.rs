//! Changes single settings among the pieces of a text.

use crate::format::lvs_cf::lexer::Lines;
use crate::format::lvs_cf::vocabulary::Scope;

use super::tree::{Line, Node, Style};

/// Writes a setting in place of the last line that has it; the earlier ones do not count. Says whether there is one.
pub(super) fn replace(nodes: &mut [Node], word: &str, line: &str, style: &Style) -> bool {
    let mut known = nodes.iter_mut().rev().filter_map(|node| match node {
        Node::Line(known) if known.word == Some(word) => Some(known),
        _ => None,
    });
    let Some(known) = known.next() else { return false };
    let blank = |c: char| c == ' ' || c == '\t';
    let indent: String = known.text.chars().take_while(|c| blank(*c)).collect();
    let body = known.text.trim_end_matches(['\n', '\r']);
    let end = known.text.get(body.len()..).filter(|end| !end.is_empty()).unwrap_or(&style.end);
    // A comment behind a value is an error to the original, so it gets a line of its own.
    let comment = known.comment.take().map(|comment| format!("{indent}{comment}{end}")).unwrap_or_default();
    known.text = format!("{comment}{indent}{line}{end}");
    true
}

/// Takes all lines of a setting out. Says whether there was one.
pub(super) fn remove(nodes: &mut Vec<Node>, word: &str) -> bool {
    let before = nodes.len();
    nodes.retain(|node| !matches!(node, Node::Line(line) if line.word == Some(word)));
    nodes.len() < before
}

/// Puts a setting where the old pages would have: behind the one that comes before it, and before every block.
pub(super) fn insert(
    nodes: &mut Vec<Node>,
    scope: Scope,
    braced: bool,
    word: &'static str,
    line: &str,
    style: &Style,
) {
    let rank = |word: &str| scope.words().iter().position(|known| *known == word);
    let blocks = nodes.iter().position(|node| matches!(node, Node::Block(_))).unwrap_or(nodes.len());
    let lines = || {
        nodes.iter().enumerate().take(blocks).filter_map(|(index, node)| match node {
            Node::Line(line) => Some((index, line)),
            _ => None,
        })
    };
    let earlier = lines().filter(|(_, line)| line.word.and_then(rank) < rank(word) && line.word.is_some());
    let behind =
        earlier.max_by_key(|(index, line)| (line.word.and_then(rank), *index)).map(|(index, _)| index + 1);
    let before = lines().next().map(|(index, _)| index);
    let indent = match scope {
        Scope::Global => "",
        Scope::Virtual => &style.inner,
        Scope::Server => &style.innermost,
    };
    let text = format!("{indent}{line}{}", style.end);
    let node = Node::Line(Line { word: Some(word), text, comment: None });
    let at = behind.or(before).unwrap_or_else(|| beginning(nodes, scope, braced));
    nodes.insert(at.min(nodes.len()), node);
}

/// Where the first setting of a place without any goes.
fn beginning(nodes: &mut Vec<Node>, scope: Scope, braced: bool) -> usize {
    let Some(Node::Text(text)) = nodes.first_mut() else { return 0 };
    let split = if !braced && text.trim_start().starts_with('{') {
        // Behind the line with the brace.
        text.find(['\n', '\r']).map_or(text.len(), |at| {
            at + if text.get(at..).is_some_and(|end| end.starts_with("\r\n")) { 2 } else { 1 }
        })
    } else if scope == Scope::Global {
        // Behind what a file begins with, except the comments right above its first block.
        text.len() - attached(text).len()
    } else {
        0
    };
    if split == 0 {
        return 0;
    }
    let rest = text.split_off(split);
    nodes.insert(1, Node::Text(rest));
    1
}

/// The comments at the end of a text that belong to what follows: those without a blank line behind them.
pub(super) fn attached(text: &str) -> &str {
    let mut start = None;
    for line in Lines::new(text) {
        if line.text.trim_start().starts_with('#') && line.raw.len() > line.text.len() {
            start.get_or_insert(line.start);
        } else {
            start = None;
        }
    }
    let start = start.unwrap_or(text.len());
    text.get(start..).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_right_above_belong_to_what_follows() {
        for (text, expected) in [
            ("", ""),
            ("# a\n", "# a\n"),
            ("# a\n\n# b\n  # c\n", "# b\n  # c\n"),
            ("# a\n\n", ""),
            ("{\n# a\n", "# a\n"),
            ("\r\n# a\r\n# b\r\n", "# a\r\n# b\r\n"),
            ("# a\r\n\r\n", ""),
            ("# a", ""),
        ] {
            assert_eq!(attached(text), expected, "{text:?}");
        }
    }
}
