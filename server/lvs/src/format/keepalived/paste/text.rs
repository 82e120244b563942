//! The lines of a post as they were before somebody posted them: without quotation marks, line numbers and markup.
//!
//! Every character keeps its place in the post.

use crate::format::keepalived::syntax_line::Line;
use crate::format::keepalived::tree::FileIndex;

/// A line, or what separates whole files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A line of text.
    Line(Line),
    /// The beginning or the end of a piece of code.
    Fence,
}

/// Markup that ends a line.
const BREAKS: &[&str] =
    &["br", "p", "div", "li", "tr", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"];
/// Markup without meaning for lines.
const INLINE: &[&str] = &[
    "code", "span", "b", "i", "u", "em", "strong", "font", "a", "ul", "ol", "td", "th", "table", "tbody",
    "thead", "body", "html", "head", "kbd", "tt", "wbr", "small", "section", "article",
];
/// Longest tag that is looked for.
const LONGEST_TAG: usize = 300;
/// Longest character reference, with `&` and `;`.
const LONGEST_REFERENCE: usize = 12;

/// The lines of a post.
pub(super) fn pieces(file: FileIndex, text: &str) -> Vec<Piece> {
    let mut lines: Vec<Line> = Vec::new();
    for (number, line) in (1..).zip(crate::format::keepalived::syntax::lines(text)) {
        untagged(Line::new(file, number, line), &mut lines);
    }
    let lines: Vec<Line> = lines.into_iter().map(|line| unquoted(plain(line))).collect();
    let numbers = numbered(&lines);
    lines
        .into_iter()
        .zip(numbers)
        .map(|(line, number)| {
            let line = if number > 0 { line.part(number, line.text.len()) } else { line };
            if is_fence(&line.text) { Piece::Fence } else { Piece::Line(line) }
        })
        .collect()
}

/// Takes tags out; those that end a line make several of one.
fn untagged(line: Line, lines: &mut Vec<Line>) {
    if !line.text.contains('<') {
        lines.push(line);
        return;
    }
    let empty = || Line::replacing(line.file, line.spot(0), String::new());
    let (mut current, mut spots) = (empty(), line.spots());
    let mut done = 0;
    for (start, _) in line.text.match_indices('<') {
        if start < done {
            continue;
        }
        let Some((length, breaks)) = line.text.get(start..).and_then(tag) else { continue };
        current.append_in_order(&mut spots, done, start);
        done = start + length;
        if breaks {
            lines.push(std::mem::replace(&mut current, empty()));
        }
    }
    current.append_in_order(&mut spots, done, line.text.len());
    lines.push(current);
}

/// The length of a known tag at the beginning of a text, and whether it ends the line.
fn tag(text: &str) -> Option<(usize, bool)> {
    let inner = text.strip_prefix('<')?;
    let name_at = usize::from(inner.starts_with('/'));
    let named = inner.get(name_at..)?;
    let length = named.find(|c: char| !c.is_ascii_alphanumeric())?;
    let name = named.get(..length)?.to_ascii_lowercase();
    let breaks = BREAKS.contains(&name.as_str());
    if !breaks && !INLINE.contains(&name.as_str()) {
        return None;
    }
    if !named.get(length..)?.starts_with(['>', ' ', '/']) {
        return None;
    }
    let end = inner.bytes().take(LONGEST_TAG).position(|byte| byte == b'>')?;
    Some((end + 2, breaks))
}

/// Character references resolved, and characters that stand for plain ones made plain.
fn plain(line: Line) -> Line {
    if line.text.is_ascii() && !line.text.contains('&') {
        return line;
    }
    let mut plain = Line::replacing(line.file, line.spot(0), String::new());
    let (mut done, mut at) = (0, 0);
    let mut spots = line.spots();
    while let Some(c) = line.text.get(at..).and_then(|rest| rest.chars().next()) {
        let reference = (c == '&').then(|| line.text.get(at..).and_then(reference)).flatten();
        let (length, meant) = reference.unwrap_or((c.len_utf8(), c));
        let simple = simple(meant);
        if reference.is_some() || simple != c {
            plain.append_in_order(&mut spots, done, at);
            let spot = spots.at(at);
            plain.append_replacing(spot, simple.encode_utf8(&mut [0; 4]));
            done = at + length;
        }
        at += length;
    }
    plain.append_in_order(&mut spots, done, line.text.len());
    plain
}

/// The character that a reference at the beginning of a text stands for, and the length of the reference.
fn reference(text: &str) -> Option<(usize, char)> {
    let end = text.bytes().take(LONGEST_REFERENCE).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let number = |digits: &str, radix: u32| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let c = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" | "ldquo" | "rdquo" => '"',
        "apos" | "lsquo" | "rsquo" => '\'',
        "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
        "lbrace" | "lcub" => '{',
        "rbrace" | "rcub" => '}',
        "num" => '#',
        "excl" => '!',
        "ndash" | "mdash" | "minus" | "hyphen" => '-',
        "lowbar" => '_',
        "sol" => '/',
        "colon" => ':',
        "period" => '.',
        "Tab" => '\t',
        "NewLine" => ' ',
        _ => {
            let digits = name.strip_prefix('#')?;
            match digits.strip_prefix(['x', 'X']) {
                Some(digits) => number(digits, 16)?,
                None => number(digits, 10)?,
            }
        }
    };
    Some((end + 1, if c == '\n' || c == '\r' || c == '\0' { ' ' } else { c }))
}

/// The plain character that one of another width or shape stands for in a configuration.
fn simple(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => '-',
        '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' => narrow(c),
        '\u{ff0e}' | '\u{ff0f}' | '\u{ff3f}' | '\u{ff20}' | '\u{ff5b}' | '\u{ff5d}' => narrow(c),
        other => other,
    }
}

fn narrow(c: char) -> char {
    u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c)
}

/// Without `>` or `|` in front, as replies and tables have them.
fn unquoted(line: Line) -> Line {
    let mut at = 0;
    let mut marks = 0;
    for (offset, c) in line.text.char_indices() {
        match c {
            '>' | '|' => {
                marks += 1;
                at = offset + 1;
            }
            ' ' | '\t' => {}
            _ => break,
        }
    }
    if marks == 0 { line } else { line.part(at, line.text.len()) }
}

/// For each line, how many bytes of line number stand in front of it: where several lines are counted one by one.
fn numbered(lines: &[Line]) -> Vec<usize> {
    let counted: Vec<Option<(usize, u64)>> = lines.iter().map(|line| line_number(&line.text)).collect();
    let follows = |index: usize, distance: usize| -> bool {
        let number = |index: usize| counted.get(index).copied().flatten().map(|(_, number)| number);
        let (Some(this), Some(other)) = (number(index), number(index + distance)) else { return false };
        u64::try_from(distance).is_ok_and(|distance| this.checked_add(distance) == Some(other))
            || this.checked_add(1) == Some(other)
    };
    (0..lines.len())
        .map(|index| {
            let near = (1..=2).any(|distance| {
                follows(index, distance)
                    || index.checked_sub(distance).is_some_and(|before| follows(before, distance))
            });
            counted.get(index).copied().flatten().filter(|_| near).map_or(0, |(length, _)| length)
        })
        .collect()
}

/// The number in front of a line, and the bytes that it takes with what separates it.
fn line_number(text: &str) -> Option<(usize, u64)> {
    let indent = text.len() - text.trim_start().len();
    let rest = text.get(indent..)?;
    let open = usize::from(rest.starts_with(['[', '(']));
    let digits = rest.get(open..)?;
    let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    if length == 0 || length > 5 {
        return None;
    }
    let number = digits.get(..length)?.parse().ok()?;
    let behind = digits.get(length..)?;
    let separator = behind.chars().take_while(|c| matches!(c, '.' | ':' | '|' | ']' | ')' | '>')).count();
    let blank = behind.get(separator..)?;
    let ends = blank.is_empty()
        || blank.starts_with([' ', '\t'])
        || (separator > 0 && !blank.starts_with(|c: char| c.is_ascii_digit()));
    ends.then_some((indent + open + length + separator, number))
}

/// A line that only begins or ends a piece of code.
fn is_fence(text: &str) -> bool {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    text.starts_with("```")
        || text.starts_with("~~~")
        || matches!(lower.as_str(), "[code]" | "[/code]" | "{code}" | "{noformat}" | "[quote]" | "[/quote]")
        || (lower.starts_with("{code:") && lower.ends_with('}'))
        || (lower.starts_with("[code=") && lower.ends_with(']'))
        || (text.len() >= 3
            && (text.bytes().all(|byte| byte == b'-') || text.bytes().all(|byte| byte == b'=')))
}
