//! Splits a line into words and braces, as keepalived does, with pasted damage seen through.
//!
//! A comment begins at `#` or `!`, a brace stands for itself wherever it is, both outside double quotes only; words
//! are separated by blanks and quotes. Beyond that, characters that only look like blanks, quotes or braces are taken
//! for them and noted, so that the caller can say that keepalived itself would stumble. No keyword is known here.

use super::syntax_line::Line;
use crate::format::places::Spot;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or an argument.
    Word,
    /// `{`
    Open,
    /// `}`
    Close,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: Kind,
    /// Its value, without quotes and with escapes taken in; empty for a brace.
    pub(super) text: String,
    /// Where it begins in its file.
    pub(super) spot: Spot,
    /// Byte offset of its beginning in the line.
    pub(super) start: usize,
    /// Byte offset behind it.
    pub(super) end: usize,
    /// Whether it stood in double quotes.
    pub(super) quoted: bool,
}

/// Something that keepalived reads otherwise than it was read here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// Where.
    pub(super) spot: Spot,
    /// What.
    pub(super) kind: NoteKind,
}

/// Kinds of [`Note`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoteKind {
    /// A character that is a blank or nothing to the eye, but a letter to keepalived.
    OddBlank(char),
    /// A typographic quote that was taken for a plain one.
    OddQuote(char),
    /// A brace of another width.
    OddBrace(char),
    /// A quote without its partner; it was taken to end with the line.
    OpenQuote,
    /// `//` behind an argument, and the words that it swallowed.
    Slashes(String),
    /// `//` as the first word, and the words behind it.
    SlashLine(String),
    /// A backslash at the end of the line.
    Backslash,
}

/// A line in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lexed {
    /// Words and braces in their order.
    pub(super) tokens: Vec<Token>,
    /// What was seen through.
    pub(super) notes: Vec<Note>,
    /// Where the comment begins, or the line ends.
    pub(super) end: usize,
}

/// A blank to keepalived.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{b}' | '\u{c}')
}

/// Looks like a blank or like nothing at all, but is a letter like any other to keepalived.
pub(super) fn is_odd_blank(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}' | '\u{180e}' | '\u{3164}' | '\u{2800}'
    ) || (c.is_whitespace() && !is_blank(c))
}

/// A blank to keepalived or to the eye.
pub(super) fn is_blank_to_the_eye(c: char) -> bool {
    is_blank(c) || is_odd_blank(c)
}

/// Looks like a double quote, but is none.
pub(super) fn is_odd_quote(c: char) -> bool {
    matches!(c, '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{ff02}' | '«' | '»')
}

/// The brace that a character is or looks like.
fn brace(c: char) -> Option<Kind> {
    match c {
        '{' | '\u{ff5b}' | '\u{fe5b}' => Some(Kind::Open),
        '}' | '\u{ff5d}' | '\u{fe5c}' => Some(Kind::Close),
        _ => None,
    }
}

/// Bytes of `${NAME}` or `${NAME WORDS}` at the beginning of a text; none where there is nothing of the kind.
pub(super) fn braced_variable(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("${")?;
    let length = inner.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | ' ' | '\t'))?;
    let begins_well = inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (begins_well && inner.get(length..)?.starts_with('}')).then_some(length + 3)
}

/// Byte offset of the comment in a line, or of its end.
pub(super) fn comment_start(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    let start = text.char_indices().find(|(_, c)| {
        let found = !quoted && matches!(c, '#' | '!');
        quoted ^= *c == '"' && !escaped;
        escaped = quoted && *c == '\\' && !escaped;
        found
    });
    start.map_or(text.len(), |(at, _)| at)
}

struct Lexer<'a> {
    line: &'a Line,
    at: usize,
    lexed: Lexed,
}

/// Splits a line.
pub(super) fn lex(line: &Line) -> Lexed {
    let mut lexer = Lexer { line, at: 0, lexed: Lexed::default() };
    lexer.run();
    lexer.drop_backslash();
    lexer.swallow_slashes();
    let mut lexed = lexer.lexed;
    let mut spots = line.spots();
    for token in &mut lexed.tokens {
        token.spot = spots.at(token.start);
    }
    lexed
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.line.text.get(self.at..).unwrap_or_default()
    }

    fn note(&mut self, at: usize, kind: NoteKind) {
        // One of a kind is enough for a line.
        let same = |note: &Note| std::mem::discriminant(&note.kind) == std::mem::discriminant(&kind);
        if !self.lexed.notes.iter().any(same) {
            let spot = self.line.spot(at);
            self.lexed.notes.push(Note { spot, kind });
        }
    }

    fn push(&mut self, kind: Kind, start: usize, text: String, quoted: bool) {
        let spot = Spot { line: 1, column: 1 };
        self.lexed.tokens.push(Token { kind, text, spot, start, end: self.at, quoted });
    }

    fn run(&mut self) {
        while let Some(c) = self.rest().chars().next() {
            let start = self.at;
            if matches!(c, '#' | '!') {
                break;
            } else if is_blank(c) || is_odd_blank(c) {
                self.at += c.len_utf8();
                if is_odd_blank(c) {
                    self.note(start, NoteKind::OddBlank(c));
                }
            } else if let Some(kind) = brace(c) {
                self.at += c.len_utf8();
                if !c.is_ascii() {
                    self.note(start, NoteKind::OddBrace(c));
                }
                self.push(kind, start, String::new(), false);
            } else if c == '"' || is_odd_quote(c) {
                self.quoted(c);
            } else if let Some(length) = self.single_quoted() {
                let text = self.rest().get(1..1 + length).unwrap_or_default().to_owned();
                self.at += length + 2;
                self.push(Kind::Word, start, text, true);
            } else {
                self.plain();
            }
        }
        self.lexed.end = self.at;
    }

    fn plain(&mut self) {
        let start = self.at;
        while let Some(c) = self.rest().chars().next() {
            if let Some(length) = braced_variable(self.rest()) {
                self.at += length;
            } else if is_blank(c)
                || is_odd_blank(c)
                || brace(c).is_some()
                || matches!(c, '#' | '!' | '"')
                || is_odd_quote(c)
            {
                break;
            } else {
                self.at += c.len_utf8();
            }
        }
        let text = self.line.text.get(start..self.at).unwrap_or_default();
        let text = with_literals(text.to_owned());
        self.push(Kind::Word, start, text, false);
    }

    /// The length of a word in single quotes with a blank in it, as commands have them.
    fn single_quoted(&self) -> Option<usize> {
        let inner = self.rest().strip_prefix('\'')?;
        let length = inner.find(['\'', '"', '#', '!', '{', '}'])?;
        let behind = inner.get(length..)?.strip_prefix('\'')?;
        let ends = behind.chars().next().is_none_or(|c| is_blank(c) || matches!(c, '#' | '!' | '{' | '}'));
        (ends && inner.get(..length)?.contains(is_blank)).then_some(length)
    }

    /// A word that begins with a quote. A plain quote ends at a plain one, and at a typographic one only where there
    /// is no plain one left.
    fn quoted(&mut self, opening: char) {
        let start = self.at;
        self.at += opening.len_utf8();
        let rest = self.rest();
        let closing = (opening == '"').then(|| closing_quote(rest, |c| c == '"')).flatten();
        let closing = closing.or_else(|| closing_quote(rest, |c| c == '"' || is_odd_quote(c)));
        let inner_length = closing.unwrap_or(rest.len());
        let inner = rest.get(..inner_length).unwrap_or_default();
        let last = rest.get(inner_length..).and_then(|rest| rest.chars().next());
        let text = with_literals(unescaped(inner));
        self.at += inner_length + last.map_or(0, char::len_utf8);
        if closing.is_none() {
            self.note(start, NoteKind::OpenQuote);
        }
        for (at, odd) in [(start, Some(opening)), (start, last)] {
            if let Some(odd) = odd.filter(|c| !c.is_ascii()) {
                self.note(at, NoteKind::OddQuote(odd));
            }
        }
        self.push(Kind::Word, start, text, true);
    }

    /// A backslash that ends the line means to join it with the next one, or to keep a comment from being one.
    fn drop_backslash(&mut self) {
        let end = self.lexed.end;
        let Some(last) = self.lexed.tokens.last_mut().filter(|last| last.text.ends_with('\\')) else {
            return;
        };
        if last.quoted || self.line.text.get(last.end..end).is_none_or(|rest| !rest.trim().is_empty()) {
            return;
        }
        last.text.pop();
        last.end -= 1;
        let at = last.end;
        if last.text.is_empty() {
            self.lexed.tokens.pop();
        }
        self.note(at, NoteKind::Backslash);
    }

    /// Takes out everything from `//` on: a remark in the eyes of whoever wrote it.
    fn swallow_slashes(&mut self) {
        let of_path = |index: usize| {
            index > 0 && self.lexed.tokens.get(index - 1).is_some_and(|before| before.text == "path")
        };
        let found = self.lexed.tokens.iter().enumerate().find(|(index, token)| {
            token.kind == Kind::Word && !token.quoted && token.text.starts_with("//") && !of_path(*index)
        });
        let Some((first, token)) = found else { return };
        let start = token.start;
        let text = self.line.text.get(start..self.lexed.end).unwrap_or_default().trim_end().to_owned();
        let alone = first
            .checked_sub(1)
            .and_then(|before| self.lexed.tokens.get(before))
            .is_none_or(|before| before.kind != Kind::Word);
        let kind = if alone { NoteKind::SlashLine(text) } else { NoteKind::Slashes(text) };
        self.note(start, kind);
        self.lexed.tokens.truncate(first);
    }
}

/// The word with the characters in it that would begin a comment if they were written out.
fn with_literals(text: String) -> String {
    if text.contains("${_") { text.replace("${_HASH}", "#").replace("${_BANG}", "!") } else { text }
}

/// Where the quote that ends this text is, escapes passed over.
fn closing_quote(text: &str, is_quote: impl Fn(char) -> bool) -> Option<usize> {
    let mut escaped = false;
    text.char_indices()
        .find(|(_, c)| {
            let found = !escaped && is_quote(*c);
            escaped = !escaped && *c == '\\';
            found
        })
        .map(|(at, _)| at)
}

/// The text with its escapes taken in, as the manual of keepalived lists them.
fn unescaped(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut value = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        value.push_str(before);
        let (c, used) = escape(tail.get(1..).unwrap_or_default());
        value.push(c);
        rest = tail.get(1 + used..).unwrap_or_default();
    }
    value.push_str(rest);
    value
}

/// The character that an escape stands for, and how many bytes behind the backslash it takes.
fn escape(text: &str) -> (char, usize) {
    let Some(c) = text.chars().next() else { return ('\\', 0) };
    let plain = |c: char| (c, 1);
    match c {
        'a' => plain('\u{7}'),
        'b' => plain('\u{8}'),
        'E' => plain('\u{1b}'),
        'f' => plain('\u{c}'),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'v' => plain('\u{b}'),
        'c' => {
            let control = text.get(1..2).and_then(|next| next.bytes().next());
            control.map_or(('c', 1), |byte| (char::from(byte & 0x1f), 2))
        }
        'x' => numbered(text.get(1..).unwrap_or_default(), 16, 2).map_or(('x', 1), |(c, used)| (c, used + 1)),
        '0'..='7' => numbered(text, 8, 3).unwrap_or((c, 1)),
        other => (other, other.len_utf8()),
    }
}

fn numbered(text: &str, radix: u32, most: usize) -> Option<(char, usize)> {
    let length = text.chars().take(most).take_while(|c| c.is_digit(radix)).count();
    let value = u32::from_str_radix(text.get(..length)?, radix).ok()?;
    Some((char::from(u8::try_from(value & 0xff).ok()?), length))
}
