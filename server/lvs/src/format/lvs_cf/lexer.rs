//! Lines and words of an lvs.cf, as the original daemons split them, with pasted damage seen through.
//!
//! Blanks are spaces and tabs; a comment is a line whose first word begins with `#`; a word that begins with a quote
//! follows the rules at [`quoted`]. Beyond that, characters that only look like blanks or quotes are taken for them
//! and noted as [`Damage`], so that the reader can say so. A line that the old
//! pages cut is two again. Nothing is lost: the lines put together again are the text.

use std::borrow::Cow;

use super::vocabulary::Scope;

/// More words than this are not split off a line; the daemons read 99.
const MOST_WORDS: usize = 99;

/// Bytes of a line, its end included, that the old pages wrote at most.
const LINE_CUT: usize = 80;
/// The same for the lines of a check.
const CHECK_LINE_CUT: usize = 300;
/// Bytes behind a cut that are looked at.
const CUT_LOOK: usize = 512;
/// Words of those lines.
const CHECK_WORDS: [&str; 4] = ["send =", "expect =", "use_regex =", "send_program ="];

/// A word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// Its value, without quotes.
    pub(super) text: Cow<'a, str>,
    /// As it stands in the file.
    pub(super) raw: &'a str,
    /// Column of its first character, from 1.
    pub(super) column: u32,
    /// The quote around it.
    pub(super) quote: Option<Quote>,
    /// The closing quote is missing.
    pub(super) open: bool,
    /// No blank between this word and the one before.
    pub(super) glued: bool,
}

/// Which quotes a value stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    /// `"`
    Double,
    /// `'`
    Single,
}

impl Word<'_> {
    /// Whether it is this text, without quotes around it.
    pub(super) fn is(&self, text: &str) -> bool {
        self.quote.is_none() && self.text == text
    }

    /// Whether a comment begins here.
    pub(super) fn begins_comment(&self) -> bool {
        self.quote.is_none() && self.raw.starts_with('#')
    }
}

/// Something in a line that the daemons would have read otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    /// Column, from 1.
    pub(super) column: u32,
    /// What it is.
    pub(super) kind: DamageKind,
}

/// Kinds of damage that are seen while splitting words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DamageKind {
    /// A character that only looks like a blank.
    OddBlank(char),
    /// Leftovers of a lost indentation before the first word.
    OddIndent(String),
    /// A typographic quote around a value.
    TypographicQuote(char),
    /// No blanks around the equals sign.
    EqualsGlued,
}

/// One line of the text.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    /// Line number, from 1.
    pub(super) number: u32,
    /// Column of its first character, from 1; more where the old pages joined it to the line before.
    pub(super) first: u32,
    /// The bytes after which the old pages cut it, where they did.
    pub(super) cut: Option<usize>,
    /// Byte offset of its beginning.
    pub(super) start: usize,
    /// Without its end.
    pub(super) text: &'a str,
    /// With its end.
    pub(super) raw: &'a str,
}

/// How the lines of a text end, first place of each kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ends {
    /// First line that ends in CR LF.
    pub(super) crlf: Option<(u32, u32)>,
    /// First line that ends in CR alone.
    pub(super) cr: Option<(u32, u32)>,
    /// Whether any line ends in LF alone.
    pub(super) lf: bool,
}

/// The lines of a text; LF, CR LF and CR end a line.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    rest: &'a str,
    number: u32,
    start: usize,
    /// Column at which the rest of a line begins that was cut, and its bytes.
    joined: Option<(u32, usize)>,
    /// Line ends seen so far.
    pub(super) ends: Ends,
}

impl<'a> Lines<'a> {
    /// All lines of the text.
    pub(super) fn new(text: &'a str) -> Self {
        Lines { rest: text, number: 0, start: 0, joined: None, ends: Ends::default() }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let (first, text_length) = self.joined.take().unwrap_or_else(|| {
            self.number = self.number.saturating_add(1);
            (1, self.rest.find(['\n', '\r']).unwrap_or(self.rest.len()))
        });
        let (text, end) = self.rest.split_at_checked(text_length).unwrap_or((self.rest, ""));
        if let Some((limit, (text, rest))) =
            cut(text).and_then(|limit| Some((limit, self.rest.split_at_checked(limit)?)))
        {
            let line =
                Line { number: self.number, first, cut: Some(limit), start: self.start, text, raw: text };
            let column = first.saturating_add(u32::try_from(text.chars().count()).unwrap_or(u32::MAX));
            self.joined = Some((column, text_length.saturating_sub(limit)));
            self.start += limit;
            self.rest = rest;
            return Some(line);
        }
        let end_length = if end.starts_with("\r\n") { 2 } else { end.len().min(1) };
        let raw = self.rest.get(..text_length + end_length).unwrap_or(self.rest);
        let place = (self.number, u32::try_from(text.chars().count()).unwrap_or(u32::MAX).saturating_add(1));
        match end.as_bytes() {
            [b'\r', b'\n', ..] => _ = self.ends.crlf.get_or_insert(place),
            [b'\r', ..] => _ = self.ends.cr.get_or_insert(place),
            [_, ..] => self.ends.lf = true,
            [] => {}
        }
        let line = Line { number: self.number, first, cut: None, start: self.start, text, raw };
        self.start += raw.len();
        self.rest = self.rest.get(raw.len()..).unwrap_or("");
        Some(line)
    }
}

/// Whether a line is taken for two, of which the old pages lost the end of the first.
pub(super) fn looks_cut(text: &str) -> bool {
    cut(text).is_some()
}

/// Where the old pages cut a line, dropping its end: they wrote at most so many bytes, and the next line follows
/// with the indentation that they gave it.
fn cut(text: &str) -> Option<usize> {
    // They wrote no comments.
    if text.trim_start().starts_with('#') {
        return None;
    }
    let check = text.trim_start().starts_with(['s', 'e', 'u'])
        && CHECK_WORDS.iter().any(|word| text.trim_start().starts_with(word));
    let limit = if check { CHECK_LINE_CUT } else { LINE_CUT };
    // What follows is another line of the pages, so its beginning tells enough.
    let most = text.len().min(limit + CUT_LOOK);
    let end = (limit..=most).rev().find(|end| text.is_char_boundary(*end))?;
    let next = text.get(limit..end)?;
    let word = next.trim_start_matches(' ');
    let (first, second) = word.split_once(' ').unwrap_or((word, ""));
    let block = |kinds: &[&str]| kinds.contains(&first) && word.contains('{');
    let setting = |scope: Scope| {
        second.starts_with("= ") && (scope.words().contains(&first) || scope.page_words().contains(&first))
    };
    let fits = match next.len() - word.len() {
        0 => setting(Scope::Global) || block(&["virtual", "failover"]) || word == "}",
        5 => setting(Scope::Virtual) || block(&["server"]) || word == "}",
        9 => setting(Scope::Server),
        _ => false,
    };
    fits.then_some(limit)
}

/// A blank to the daemons.
fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// Looks like a blank or like nothing at all, but is a letter like any other to the daemons.
fn is_odd_blank(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{b}' | '\u{c}')
        || (c.is_whitespace() && !is_blank(c))
}

fn any_blank(c: char) -> bool {
    is_blank(c) || is_odd_blank(c)
}

/// The quote that a character is or looks like.
fn quote_class(c: char) -> Option<Quote> {
    match c {
        '"' | '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{ff02}' | '«' | '»' => Some(Quote::Double),
        '\'' | '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{ff07}' => Some(Quote::Single),
        _ => None,
    }
}

/// A place in a line while it is split.
struct Cursor<'a> {
    rest: &'a str,
    column: u32,
    damage: Vec<Damage>,
}

impl<'a> Cursor<'a> {
    fn note(&mut self, column: u32, kind: DamageKind) {
        // One of a kind is enough for a line.
        if !self
            .damage
            .iter()
            .any(|known| std::mem::discriminant(&known.kind) == std::mem::discriminant(&kind))
        {
            self.damage.push(Damage { column, kind });
        }
    }

    /// Takes this many bytes; notes characters among them that only look like blanks.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        for c in taken.chars() {
            if is_odd_blank(c) {
                self.note(self.column, DamageKind::OddBlank(c));
            }
            self.column = self.column.saturating_add(1);
        }
        taken
    }

    fn skip_blanks(&mut self) -> bool {
        let length = self.rest.find(|c| !any_blank(c)).unwrap_or(self.rest.len());
        !self.take(length).is_empty()
    }

    /// Leftovers of an indentation that a page or a wrong encoding turned into other characters.
    fn skip_odd_indent(&mut self) {
        let odd = |c: char| matches!(c, '?' | '\u{fffd}' | 'Â');
        if !self.rest.starts_with(odd) {
            return;
        }
        let column = self.column;
        let length = self.rest.find(|c| !odd(c) && !any_blank(c)).unwrap_or(self.rest.len());
        let skipped = self.take(length);
        let kept: String = skipped.trim().chars().take(8).collect();
        self.note(column, DamageKind::OddIndent(kept));
    }
}

/// Splits a line into words. A comment line has none.
pub(super) fn words(text: &str) -> (Vec<Word<'_>>, Vec<Damage>) {
    let mut cursor = Cursor { rest: text, column: 1, damage: Vec::new() };
    let mut words: Vec<Word<'_>> = Vec::new();
    cursor.skip_blanks();
    cursor.skip_odd_indent();
    if cursor.rest.starts_with('#') {
        return (words, cursor.damage);
    }
    let mut blank_before = true;
    while !cursor.rest.is_empty() && words.len() < MOST_WORDS {
        let column = cursor.column;
        let word = match cursor.rest.chars().next().and_then(quote_class) {
            Some(quote) => quoted(&mut cursor, quote),
            None => plain(&mut cursor, words.len()),
        };
        words.push(Word { column, glued: !blank_before, ..word });
        blank_before = cursor.skip_blanks();
    }
    if let [_, equals, rest @ ..] = words.as_slice()
        && equals.is("=")
        && (equals.glued || rest.first().is_some_and(|value| value.glued))
    {
        let column = equals.column;
        cursor.note(column, DamageKind::EqualsGlued);
    }
    (words, cursor.damage)
}

/// A word without quotes. The first word also ends at an equals sign, and the second may be one, so that
/// `port=80` can be understood; the caller sees from `glued` that blanks are missing.
fn plain<'a>(cursor: &mut Cursor<'a>, index: usize) -> Word<'a> {
    let length = match index {
        0 => cursor.rest.find(|c| any_blank(c) || c == '='),
        1 if cursor.rest.starts_with('=') => Some(1),
        _ => cursor.rest.find(any_blank),
    };
    // A line that begins with an equals sign has it as its first word.
    let length = length.unwrap_or(cursor.rest.len()).max(usize::from(cursor.rest.starts_with('=')));
    let raw = cursor.take(length);
    Word { text: Cow::Borrowed(raw), raw, column: 0, quote: None, open: false, glued: false }
}

/// A word that begins with a quote: without a blank in it, it ends at the blank after it and may hold quotes
/// itself (`"a"b"` is `a"b`); with a blank in it, it ends at the first such quote behind that blank.
fn quoted<'a>(cursor: &mut Cursor<'a>, quote: Quote) -> Word<'a> {
    let rest = cursor.rest;
    let closes = |c: char| quote_class(c) == Some(quote);
    let first_blank = rest.find(any_blank);
    let chunk = rest.get(..first_blank.unwrap_or(rest.len())).unwrap_or(rest);
    let chunk_closed = chunk.chars().nth(1).is_some() && chunk.ends_with(closes);
    let length = if chunk_closed {
        Some(chunk.len())
    } else {
        first_blank.and_then(|blank| {
            let tail = rest.get(blank..)?;
            // A plain opening quote wants a plain closing one; another only where there is none.
            let plain = rest.chars().next().filter(char::is_ascii).and_then(|opening| tail.find(opening));
            let at = plain.or_else(|| tail.find(closes))?;
            Some(blank + at + tail.get(at..)?.chars().next()?.len_utf8())
        })
    };
    let open = length.is_none();
    let column = cursor.column;
    let raw = cursor.take(length.unwrap_or_else(|| rest.trim_end_matches(any_blank).len()));
    let mut inner = raw.chars();
    let opening = inner.next();
    let closing = if open { None } else { inner.next_back() };
    for odd in [opening, closing].into_iter().flatten().filter(|c| !c.is_ascii()) {
        cursor.note(column, DamageKind::TypographicQuote(odd));
    }
    let inner = inner.as_str();
    let text = if inner.contains(is_odd_blank) {
        Cow::Owned(inner.chars().map(|c| if is_odd_blank(c) { ' ' } else { c }).collect())
    } else {
        Cow::Borrowed(inner)
    };
    Word { text, raw, column: 0, quote: Some(quote), open, glued: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        words(text).0.iter().map(|word| word.text.to_string()).collect()
    }

    #[test]
    fn words_split_as_the_daemons_split_them() {
        for (text, expected) in [
            ("port = 80", vec!["port", "=", "80"]),
            (" \t port\t=   80  ", vec!["port", "=", "80"]),
            ("   # comment", vec![]),
            ("keepalive = 6 # seconds", vec!["keepalive", "=", "6", "#", "seconds"]),
            (r#"send = "no_space"inside""#, vec!["send", "=", "no_space\"inside"]),
            (r#"send = "say "hi" now""#, vec!["send", "=", "say ", "hi\"", "now\""]),
            (r#"send = "a"b c""#, vec!["send", "=", "a\"b c"]),
            (r#"expect = """#, vec!["expect", "=", ""]),
            (r#"expect = " x" # y"#, vec!["expect", "=", " x", "#", "y"]),
            ("send = 'HELO x'", vec!["send", "=", "HELO x"]),
            ("port=80", vec!["port", "=", "80"]),
            ("port =80", vec!["port", "=", "80"]),
            ("port= 80", vec!["port", "=", "80"]),
            ("virtual a=b {", vec!["virtual", "a=b", "{"]),
            ("= x", vec!["=", "x"]),
            ("==", vec!["=", "="]),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }

    #[test]
    fn pasted_damage_is_seen_through_and_noted() {
        let (words, damage) = words("\u{a0}\u{a0}send = “GET\u{a0}/”");
        assert_eq!(words.last().unwrap().text, "GET /");
        assert_eq!(words.last().unwrap().column, 10);
        assert_eq!(
            damage,
            [
                Damage { column: 1, kind: DamageKind::OddBlank('\u{a0}') },
                Damage { column: 10, kind: DamageKind::TypographicQuote('“') },
            ]
        );
        let (words, damage) = super::words("?? ?port = 80");
        assert_eq!(words.first().unwrap().text, "port");
        assert_eq!(damage, [Damage { column: 1, kind: DamageKind::OddIndent("?? ?".into()) }]);
    }

    #[test]
    fn an_open_quote_ends_with_the_line() {
        let (words, _) = words("send = \"GET /  ");
        assert!(words.last().unwrap().open);
        assert_eq!(words.last().unwrap().text, "GET /");
        assert!(super::words("send = \"").0.last().unwrap().open);
    }

    #[test]
    fn lines_end_in_any_way_and_none_is_lost() {
        let text = "a\r\nb\rc\n\nd";
        let mut lines = Lines::new(text);
        let seen: Vec<_> = lines.by_ref().collect();
        assert_eq!(seen.iter().map(|line| line.text).collect::<Vec<_>>(), ["a", "b", "c", "", "d"]);
        assert_eq!(seen.iter().map(|line| line.raw).collect::<String>(), text);
        assert_eq!(seen.last().unwrap().number, 5);
        assert_eq!((lines.ends.crlf, lines.ends.cr, lines.ends.lf), (Some((1, 2)), Some((2, 2)), true));
    }

    #[test]
    fn lines_that_the_old_pages_cut_are_two() {
        let pieces = |text: &str| -> Vec<(u32, u32, usize)> {
            Lines::new(text).map(|line| (line.number, line.first, line.text.len())).collect()
        };
        let long = format!("active_cmd = \"/{}", "x".repeat(65));
        assert_eq!(long.len(), 80);
        for next in
            ["monitor_links = 0", "virtual a {", "     port = 80", "         weight = 1", "     }", "}"]
        {
            assert_eq!(
                pieces(&format!("a\n{long}{next}\nb")),
                [(1, 1, 1), (2, 1, 80), (2, 81, next.len()), (3, 1, 1)]
            );
        }
        assert_eq!(pieces(&format!("# {}monitor_links = 0", "x".repeat(78))).len(), 1, "a comment");
        for next in ["", "x", " port = 80", "     zebra = 1", "monitor_links=0", "      }", "server a {"] {
            assert_eq!(pieces(&format!("{long}{next}")).len(), 1, "{next}");
        }
        let send = format!("     send = \"{}", "x".repeat(300 - 13));
        assert_eq!(pieces(&format!("{send}     expect = \"HTTP\"")), [(1, 1, 300), (1, 301, 20)]);
        assert_eq!(pieces(&send).len(), 1);
        let twice = format!("{long}{long}}}");
        assert_eq!(pieces(&twice), [(1, 1, 80), (1, 81, 80), (1, 161, 1)]);
    }

    #[test]
    fn a_line_of_endless_words_stays_bounded() {
        assert_eq!(words(&"a ".repeat(100_000)).0.len(), MOST_WORDS);
    }
}
