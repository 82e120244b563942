//! Loops of a script over words that are written out: `for NAME in WORD…; do … done`.
//!
//! Records the pieces of such a loop, and says which words it runs over; `shell` reads the pieces once for each of
//! them. Loops whose words only a running shell would know are left to it, as are all other loops.

use super::shell_variables::{ROOM, Token, Variables, is_name};
use super::shell_words::{Lexeme, RawWord};

/// Words that a loop is followed for.
const MOST_ROUNDS: usize = 1_000;
/// Pieces of a loop that are recorded.
const LONGEST: usize = 20_000;

/// A loop whose end has not been seen.
#[derive(Debug)]
pub(super) struct Recording {
    /// Its variable.
    pub(super) name: String,
    /// What the variable is, one round after the other.
    pub(super) values: Vec<String>,
    /// What stands between its head and its `done`.
    pub(super) body: Vec<Lexeme>,
    /// Loops inside it that are open.
    depth: usize,
    /// A command begins here.
    begins: bool,
}

/// What becomes of a recording with a further piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It goes on.
    On,
    /// The piece was its `done`.
    Complete,
    /// It is too long to be followed.
    TooLong,
}

impl Recording {
    /// From the words between `for` and the end of its command. None where something in them is only known when the
    /// script runs.
    pub(super) fn of(head: &[RawWord], variables: &Variables<'_>) -> Option<Recording> {
        let [name, keyword, words @ ..] = head else { return None };
        let name = name.keyword();
        if keyword.keyword() != "in" || !is_name(name) {
            return None;
        }
        let mut room = ROOM;
        let mut values = Vec::new();
        for token in words.iter().flat_map(|word| variables.tokens(word, &mut room)) {
            values.extend(rounds(&token)?);
            if values.len() > MOST_ROUNDS {
                return None;
            }
        }
        Some(Recording { name: name.to_owned(), values, body: Vec::new(), depth: 0, begins: true })
    }

    /// Takes the next piece of the script.
    pub(super) fn take(&mut self, lexeme: Lexeme) -> Taken {
        let keyword = match &lexeme {
            Lexeme::Word(word) => Some(word.keyword()),
            _ => None,
        };
        let begins = std::mem::replace(&mut self.begins, keyword.is_none_or(leads_on));
        match keyword.filter(|_| begins) {
            Some("for" | "select" | "while" | "until") => self.depth += 1,
            Some("done") => match self.depth.checked_sub(1) {
                Some(depth) => self.depth = depth,
                None => return Taken::Complete,
            },
            _ => {}
        }
        self.body.push(lexeme);
        if self.body.len() > LONGEST { Taken::TooLong } else { Taken::On }
    }
}

/// Whether a command begins behind this word.
fn leads_on(keyword: &str) -> bool {
    matches!(keyword, "do" | "then" | "else" | "elif" | "if" | "while" | "until" | "!" | "{" | "}")
}

/// The rounds that one word of a head stands for.
fn rounds(token: &Token) -> Option<Vec<String>> {
    if token.unknown.is_some() {
        return sequence(&token.text);
    }
    let mut rounds = vec![token.text.clone()];
    // Each pair of braces multiplies what is there.
    while let Some(at) = rounds.iter().position(|round| braces(round).is_some()) {
        let (before, choices, behind) = braces(rounds.get(at)?)?;
        let made: Vec<String> =
            choices.into_iter().map(|choice| format!("{before}{choice}{behind}")).collect();
        if rounds.len() + made.len() > MOST_ROUNDS {
            return None;
        }
        rounds.splice(at..=at, made);
    }
    Some(rounds)
}

/// `$(seq 2 4)`, in backquotes too.
fn sequence(text: &str) -> Option<Vec<String>> {
    let inside = text
        .strip_prefix("$(")
        .and_then(|rest| rest.strip_suffix(')'))
        .or_else(|| text.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')))?;
    let mut words = inside.split_whitespace();
    if words.next() != Some("seq") {
        return None;
    }
    let numbers: Vec<i64> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
    match numbers.as_slice() {
        [last] => count(1, *last),
        [first, last] => count(*first, *last),
        _ => None,
    }
}

/// What stands before the first braces that are a list or a range, what they stand for, and what follows.
fn braces(text: &str) -> Option<(&str, Vec<String>, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (inside, behind) = rest.split_once('}')?;
    let choices = match inside.split_once("..") {
        Some((first, last)) => count(first.parse().ok()?, last.parse().ok()?)?,
        None if inside.contains(',') => inside.split(',').map(str::to_owned).collect(),
        None => return None,
    };
    Some((before, choices, behind))
}

/// The numbers from one to the other.
fn count(first: i64, last: i64) -> Option<Vec<String>> {
    let few = last.checked_sub(first)?.unsigned_abs() < MOST_ROUNDS as u64;
    let up = first <= last;
    few.then(|| {
        let numbers = first.min(last)..=first.max(last);
        let texts = numbers.map(|number| number.to_string());
        if up { texts.collect() } else { texts.rev().collect() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::places::Spot;

    fn of(text: &str, unknown: bool) -> Option<String> {
        let unknown = unknown.then(|| text.to_owned());
        let token = Token { text: text.to_owned(), spot: Spot { line: 1, column: 1 }, unknown };
        rounds(&token).map(|rounds| rounds.join(" "))
    }

    #[test]
    fn words_are_rounds_and_braces_and_sequences_are_many() {
        for (text, expected) in [
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.{1..3}", "10.0.0.1 10.0.0.2 10.0.0.3"),
            ("{3..1}", "3 2 1"),
            ("10.{0,1}.0.{7,8}", "10.0.0.7 10.0.0.8 10.1.0.7 10.1.0.8"),
            ("a{b}c", "a{b}c"),
            ("{", "{"),
        ] {
            assert_eq!(of(text, false).as_deref(), Some(expected), "{text}");
        }
        for (text, expected) in [
            ("$(seq 3)", Some("1 2 3")),
            ("`seq 2 3`", Some("2 3")),
            ("$(seq 1 100000)", None),
            ("$(seq 1 2 9)", None),
            ("$(cat servers)", None),
            ("$1", None),
        ] {
            assert_eq!(of(text, true).as_deref(), expected, "{text}");
        }
        assert_eq!(of("{0..9}{0..9}{0..9}{0..9}", false), None);
    }
}
