//! Lines and words exactly as the original daemons split them, carriage returns included.

use crate::finding::{Code, Finding};
use crate::format::lvs_cf::document::excerpt;

/// More words than this are not split off a line.
const MOST_TOKENS: usize = 99;

/// A word of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// Without its quotes.
    pub(super) text: &'a str,
    /// Column of its first character, from 1.
    pub(super) column: u32,
}

/// A line as the daemons see it; with a carriage return further down it may be several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Line of the text that it begins in, from 1.
    pub(super) number: u32,
    /// Without its end.
    pub(super) text: &'a str,
}

impl Line<'_> {
    /// An error about a place in this line.
    pub(super) fn refuse(&self, column: u32, code: Code) -> Finding {
        // Of lines glued together only the beginning is a place in the text.
        let column = if self.text.contains('\n') { 1 } else { column };
        Finding::line(self.number, column, code)
    }

    /// The column behind its last character.
    pub(super) fn end_column(&self) -> u32 {
        count(self.text.trim_end_matches([' ', '\t'])).saturating_add(1)
    }

    /// A word of it for a sentence.
    pub(super) fn excerpt(&self, token: &Token<'_>) -> String {
        excerpt(&token.text.replace('\n', " "))
    }
}

/// The lines of a text. A carriage return ends a line before every line feed that comes earlier does; followed by a
/// line feed it ends the text.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    rest: &'a str,
    number: u32,
    /// Bytes of `rest` before its first carriage return; none where it has none.
    to_return: Option<usize>,
    /// First line that is not read.
    unread: Option<u32>,
}

impl<'a> Lines<'a> {
    /// All lines of a text.
    pub(super) fn new(text: &'a str) -> Self {
        Lines { rest: text, number: 1, to_return: text.find('\r'), unread: None }
    }

    /// The first line with something to say that was not read.
    pub(super) fn unread(&self) -> Option<u32> {
        self.unread
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.to_return.or_else(|| self.rest.find('\n')).unwrap_or(self.rest.len());
        let (text, tail) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        let line = Line { number: self.number, text };
        self.number = self.number.saturating_add(lines_in(text));
        if let Some(unread) = tail.strip_prefix("\r\n") {
            let significant = |line: &&str| {
                let line = line.trim_start_matches([' ', '\t', '\r']);
                !line.is_empty() && !line.starts_with('#')
            };
            let before = unread.split('\n').take_while(|line| !significant(line)).count();
            if unread.split('\n').any(|line| significant(&line)) {
                self.unread = Some(
                    self.number.saturating_add(u32::try_from(before).unwrap_or(u32::MAX)).saturating_add(1),
                );
            }
            self.rest = "";
        } else {
            self.rest = tail.get(1..).unwrap_or("");
            self.number = self.number.saturating_add(1);
            if self.to_return.is_some() {
                self.to_return = self.rest.find('\r');
            }
        }
        Some(line)
    }
}

fn lines_in(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX)
}

fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// Splits a line into its words; none for a comment. Where a quote is not closed, splitting ends with its column.
pub(super) fn tokens(text: &str) -> (Vec<Token<'_>>, Option<u32>) {
    let blank = |c: char| c == ' ' || c == '\t';
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(blank);
    let mut column = count(text).saturating_sub(count(rest)).saturating_add(1);
    if rest.starts_with('#') {
        return (tokens, None);
    }
    while !rest.is_empty() && tokens.len() < MOST_TOKENS {
        let (text, length) = match rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            Some(quote) => match quoted(rest, quote) {
                Some(length) => (rest.get(1..length - 1).unwrap_or(""), length),
                None => return (tokens, Some(column)),
            },
            None => {
                let length = rest.find(blank).unwrap_or(rest.len());
                (rest.get(..length).unwrap_or(rest), length)
            }
        };
        tokens.push(Token { text, column });
        let behind = rest.get(length..).unwrap_or("");
        let next = behind.trim_start_matches(blank);
        let passed = rest.get(..rest.len() - next.len()).unwrap_or(rest);
        column = column.saturating_add(count(passed));
        rest = next;
    }
    (tokens, None)
}

/// Length of a quoted word, quotes included: up to its first blank if a quote stands there, else to the first quote
/// behind that blank.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let blank = rest.find([' ', '\t']).unwrap_or(rest.len());
    let word = rest.get(..blank)?;
    if word.len() > 1 && word.ends_with(quote) {
        return Some(blank);
    }
    Some(blank + rest.get(blank..)?.find(quote)? + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        tokens(text).0.iter().map(|token| token.text).collect()
    }

    #[test]
    fn words_end_at_blanks_only() {
        for (text, expected) in [
            (" \tprimary\t=   192.0.2.1   ", vec!["primary", "=", "192.0.2.1"]),
            ("port=80", vec!["port=80"]),
            ("a\u{a0}b c", vec!["a\u{a0}b", "c"]),
            ("  # comment", vec![]),
            ("x = 1 # y", vec!["x", "=", "1", "#", "y"]),
            ("x = \"a\"b\"", vec!["x", "=", "a\"b"]),
            ("x = \"a b\"c", vec!["x", "=", "a b", "c"]),
            ("x = \"say \"hi\" now\"", vec!["x", "=", "say ", "hi\"", "now\""]),
            ("x = 'it' 's'", vec!["x", "=", "it", "s"]),
            ("x = \"\"", vec!["x", "=", ""]),
            ("x = \" \"", vec!["x", "=", " "]),
            ("\"virtual\" a {", vec!["virtual", "a", "{"]),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
        for (text, column) in [("x = \"abc", 5), ("x = \"", 5), (" 'a b", 2), ("x = \"a\"b", 5)] {
            assert_eq!(tokens(text).1, Some(column), "{text}");
        }
        let columns: Vec<_> = tokens(" é  = \"a b\"  c").0.iter().map(|token| token.column).collect();
        assert_eq!(columns, [2, 5, 7, 14]);
        assert_eq!(split(&"a ".repeat(1000)).len(), MOST_TOKENS);
    }

    fn lines(text: &str) -> (Vec<(u32, &str)>, Option<u32>) {
        let mut lines = Lines::new(text);
        let seen = lines.by_ref().map(|line| (line.number, line.text)).collect();
        (seen, lines.unread())
    }

    #[test]
    fn a_carriage_return_ends_more_than_a_line() {
        assert_eq!(lines("a\n\nb"), (vec![(1, "a"), (2, ""), (3, "b")], None));
        assert_eq!(lines("a\rb\rc"), (vec![(1, "a"), (2, "b"), (3, "c")], None));
        assert_eq!(lines("a\r\n# x\r\n\r\nb\r\n"), (vec![(1, "a")], Some(4)));
        assert_eq!(lines("a\r\n\r\n"), (vec![(1, "a")], None));
        assert_eq!(lines("a\nb\nc\r\nd\n"), (vec![(1, "a\nb\nc")], Some(4)));
        assert_eq!(lines("a\nb\rc\nd\n"), (vec![(1, "a\nb"), (3, "c"), (4, "d")], None));
    }
}
