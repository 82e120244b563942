//! Splits a line of a shell script into words and operators.
//!
//! As POSIX describes it (XCU section 2), as far as scripts of this kind need it: quotes, escapes, variables, comments,
//! redirections. Values of variables are put in by `shell`; nothing is ever run. Quotes end with their line.

use super::super::places::Spot;

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lexeme {
    Word(RawWord),
    /// `;`, `&`, `&&`, `||`: the command ends.
    End,
    /// `;;`: the branch of a `case` ends.
    BranchEnd,
    /// `|`
    Pipe,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `<<WORD`: the lines up to this word are input.
    Here(String),
    /// `>FILE`, where the file is a parameter of the kernel.
    Target(RawWord),
}

/// A word before its variables are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawWord {
    pub(super) pieces: Vec<Piece>,
    pub(super) spot: Spot,
    /// It begins with neither quote nor variable, and so may be a keyword or an assignment.
    pub(super) bare: bool,
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// `$NAME`, `${NAME}`, `${NAME[0]}`, `${NAME:-DEFAULT}`; in quotes its value stays one word.
    Variable {
        name: String,
        default: Option<String>,
        quoted: bool,
    },
    /// What only a running shell knows, as it was written: `$(…)`, `$1`.
    Unknown(String),
}

impl RawWord {
    /// The text of a word without variables.
    pub(super) fn text(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text of a word that may be a keyword.
    pub(super) fn keyword(&self) -> &str {
        if self.bare { self.text().unwrap_or("") } else { "" }
    }
}

/// A character with its place.
pub(super) type Placed = (char, Spot);

/// A blank, or what looks like one.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || is_odd_blank(c)
}

/// Looks like a blank or like nothing, but is a letter to a shell.
pub(super) fn is_odd_blank(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}') || !c.is_ascii() && c.is_whitespace()
}

struct Lexer<'l> {
    line: &'l [Placed],
    at: usize,
    lexemes: Vec<Lexeme>,
}

/// Splits a line; lines that a backslash joins are one.
pub(super) fn lex(line: &[Placed]) -> Vec<Lexeme> {
    let mut lexer = Lexer { line, at: 0, lexemes: Vec::new() };
    while let Some(c) = lexer.peek(0) {
        let next = lexer.peek(1);
        match c {
            c if is_blank(c) => lexer.at += 1,
            '#' => break,
            ';' if next == Some(';') => lexer.operator(2, Lexeme::BranchEnd),
            ';' => lexer.operator(1, Lexeme::End),
            '&' if next == Some('>') => lexer.redirection(),
            '&' if next == Some('&') => lexer.operator(2, Lexeme::End),
            '&' => lexer.operator(1, Lexeme::End),
            '|' if next == Some('|') => lexer.operator(2, Lexeme::End),
            '|' if next == Some('&') => lexer.operator(2, Lexeme::Pipe),
            '|' => lexer.operator(1, Lexeme::Pipe),
            '(' => lexer.operator(1, Lexeme::Open),
            ')' => lexer.operator(1, Lexeme::Close),
            '<' | '>' => lexer.redirection(),
            _ => {
                let word = lexer.word();
                // `2>file`: the number belongs to the redirection.
                let number = word
                    .text()
                    .is_some_and(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
                if !(number && matches!(lexer.peek(0), Some('<' | '>'))) {
                    lexer.lexemes.push(Lexeme::Word(word));
                }
            }
        }
    }
    lexer.lexemes
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.line.get(self.at.saturating_add(ahead)).map(|(c, _)| *c)
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        Some(c)
    }

    fn operator(&mut self, length: usize, lexeme: Lexeme) {
        self.at += length;
        self.lexemes.push(lexeme);
    }

    /// `>file`, `2>&1`, `<<EOF`.
    fn redirection(&mut self) {
        let start = self.at;
        while self.peek(0).is_some_and(|c| matches!(c, '<' | '>' | '&' | '|' | '-')) {
            self.at += 1;
        }
        let operator: String =
            self.line.get(start..self.at).unwrap_or_default().iter().map(|(c, _)| *c).collect();
        while self.peek(0).is_some_and(is_blank) {
            self.at += 1;
        }
        if self.peek(0).is_none_or(|c| matches!(c, ';' | '(' | ')' | '#')) {
            return;
        }
        let target = self.word();
        let Some(text) = target.text() else { return };
        if matches!(operator.as_str(), "<<" | "<<-") {
            self.lexemes.push(Lexeme::Here(text.to_owned()));
        } else if operator.contains('>') && ["/proc/", "/sys/"].iter().any(|tree| text.starts_with(tree)) {
            self.lexemes.push(Lexeme::Target(target));
        }
    }

    fn word(&mut self) -> RawWord {
        let spot = self.line.get(self.at).map_or(Spot { line: 1, column: 1 }, |(_, spot)| *spot);
        let bare = self.peek(0).is_some_and(|c| !matches!(c, '"' | '\'' | '\\' | '$' | '`'));
        let mut word = RawWord { pieces: Vec::new(), spot, bare };
        while let Some(c) = self.peek(0) {
            match c {
                c if is_blank(c) => break,
                ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\\' => {
                    self.at += 1;
                    if let Some(escaped) = self.take() {
                        word.push(escaped);
                    }
                }
                '\'' => {
                    self.at += 1;
                    word.open();
                    while let Some(c) = self.take().filter(|c| *c != '\'') {
                        word.push(c);
                    }
                }
                '"' | '\u{201c}' | '\u{201d}' => {
                    self.at += 1;
                    self.double_quoted(&mut word);
                }
                '$' | '`' => {
                    let piece = self.expansion(false);
                    word.piece(piece);
                }
                c => {
                    self.at += 1;
                    word.push(c);
                }
            }
        }
        word
    }

    fn double_quoted(&mut self, word: &mut RawWord) {
        word.open();
        while let Some(c) = self.peek(0) {
            match c {
                '"' | '\u{201c}' | '\u{201d}' => {
                    self.at += 1;
                    return;
                }
                '$' | '`' => {
                    let piece = self.expansion(true);
                    word.piece(piece);
                }
                '\\' if matches!(self.peek(1), Some('"' | '\\' | '$' | '`')) => {
                    self.at += 1;
                    if let Some(escaped) = self.take() {
                        word.push(escaped);
                    }
                }
                c => {
                    self.at += 1;
                    word.push(c);
                }
            }
        }
    }

    /// What begins with `$` or a backquote.
    fn expansion(&mut self, quoted: bool) -> Piece {
        let start = self.at;
        if self.take() == Some('`') {
            while self.take().is_some_and(|c| c != '`') {}
            return Piece::Unknown(self.since(start));
        }
        match self.peek(0) {
            Some('(') => {
                let mut depth = 0_usize;
                while let Some(c) = self.take() {
                    match c {
                        '(' => depth += 1,
                        ')' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
                Piece::Unknown(self.since(start))
            }
            Some('{') => {
                self.at += 1;
                let name = self.name();
                let inner = self.at;
                while self.take().is_some_and(|c| c != '}') {}
                let rest = self.since(inner);
                let rest = rest.strip_suffix('}').unwrap_or(&rest);
                if let Some(index) = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
                    && !name.is_empty()
                {
                    // All words of an array stay words, in quotes too.
                    let all = matches!(index, "@" | "*");
                    let name = format!("{name}[{}]", if all { "@" } else { index });
                    return Piece::Variable { name, default: None, quoted: quoted && !all };
                }
                let default = rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-'));
                let default = default.or_else(|| rest.strip_prefix(":=")).or_else(|| rest.strip_prefix('='));
                if name.is_empty() || default.is_none() && !rest.is_empty() {
                    return Piece::Unknown(self.since(start));
                }
                Piece::Variable { name, default: default.map(str::to_owned), quoted }
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                Piece::Variable { name: self.name(), default: None, quoted }
            }
            Some(c) if c.is_ascii_digit() || matches!(c, '@' | '*' | '#' | '?' | '!' | '$') => {
                self.at += 1;
                Piece::Unknown(self.since(start))
            }
            _ => Piece::Text("$".to_owned()),
        }
    }

    fn name(&mut self) -> String {
        let start = self.at;
        while self.peek(0).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            self.at += 1;
        }
        self.since(start)
    }

    fn since(&self, start: usize) -> String {
        self.line.get(start..self.at).unwrap_or_default().iter().map(|(c, _)| *c).collect()
    }
}

impl RawWord {
    fn push(&mut self, c: char) {
        match self.pieces.last_mut() {
            Some(Piece::Text(text)) => text.push(c),
            _ => self.pieces.push(Piece::Text(c.into())),
        }
    }

    /// Quotes make a word even where nothing is in them.
    fn open(&mut self) {
        if self.pieces.is_empty() {
            self.pieces.push(Piece::Text(String::new()));
        }
    }

    fn piece(&mut self, piece: Piece) {
        match (self.pieces.last_mut(), piece) {
            (Some(Piece::Text(text)), Piece::Text(more)) => text.push_str(&more),
            (_, piece) => self.pieces.push(piece),
        }
    }
}
