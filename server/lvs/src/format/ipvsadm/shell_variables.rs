//! Variables of a script: which have plain values, and words with those put in.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use super::super::places::Spot;
use super::shell_words::{Piece, RawWord, is_blank};

/// Longest value of a variable, bytes; longer ones are taken as unknown.
const VALUE: usize = 4096;
/// How many words an array has of which not all are known.
const UNKNOWN: &str = "?";
/// Bytes that variables may add to one command.
pub(super) const ROOM: usize = 64 * 1024;

/// Bytes that variables may add to all commands of a script.
const ALL_ROOM: usize = 16 * 1024 * 1024;

/// A word of a command with its variables put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) spot: Spot,
    /// A part of it that only a running shell would know.
    pub(super) unknown: Option<String>,
}

/// Values by name.
pub(super) type Values = BTreeMap<String, String>;

/// The variables at some line of a script.
pub(super) struct Variables<'s> {
    pub(super) values: Values,
    /// What variables may still add to the commands of this script.
    left: Cell<usize>,
    /// A loop is being followed.
    pub(super) looping: bool,
    /// Variables that were different from round to round.
    looped: BTreeSet<String>,
    /// The same, before a function that began since.
    forgotten: BTreeSet<String>,
    /// What they are at the end, for functions that are written before the values they use.
    later: &'s Values,
}

impl<'s> Variables<'s> {
    pub(super) fn new(later: &'s Values) -> Self {
        Variables {
            values: Values::new(),
            left: Cell::new(ALL_ROOM),
            looping: false,
            looped: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            later,
        }
    }

    /// Takes assignments off the front of a command and returns how many there were. Where they are not `plain`, as
    /// in a loop, the variables become unknown.
    pub(super) fn assign(&mut self, words: &mut Vec<RawWord>, plain: bool) -> usize {
        const DECLARES: [&str; 5] = ["export", "readonly", "local", "declare", "typeset"];
        let declares = words.first().is_some_and(|word| DECLARES.contains(&word.keyword()));
        let from = usize::from(declares);
        let mut assigned = 0_usize;
        for word in words.iter().skip(from) {
            match assignment(word) {
                Some((name, value)) => self.set(name, &value, plain),
                // Options of `declare`, and names without a value.
                None if declares => {}
                None => break,
            }
            assigned += 1;
        }
        words.drain(..assigned.saturating_add(from).min(words.len()));
        assigned
    }

    /// Takes an array: `NAME=(…)` or `NAME+=(…)`. Its words are known as `NAME[0]` and so on, all of them as `NAME[@]`,
    /// how many as `NAME[#]`.
    pub(super) fn assign_array(&mut self, word: &RawWord, words: &[RawWord], plain: bool) {
        let Some((name, value)) = assignment(word) else { return };
        self.note(&name);
        let adds = matches!(value.pieces.first(), Some(Piece::Variable { .. }));
        let named = |what: &str| format!("{name}[{what}]");
        let mut room = VALUE;
        let added: Vec<Token> = words.iter().flat_map(|word| self.tokens(word, &mut room)).collect();
        let size: usize = added.iter().map(|token| token.text.len() + 1).sum();
        let mut all = self.values.remove(&named("@")).unwrap_or_default();
        let before = self.values.remove(&named("#"));
        let mut count = before.as_deref().and_then(|count| count.parse().ok()).unwrap_or(0_usize);
        if !adds {
            self.forget_array(&name, std::mem::take(&mut count));
            all.clear();
        }
        let known = plain
            && added.iter().all(|token| token.unknown.is_none())
            && all.len() + size <= VALUE
            && !(adds && before.as_deref() == Some(UNKNOWN));
        if !known {
            self.forget_array(&name, count);
            self.values.insert(named("#"), UNKNOWN.to_owned());
            return;
        }
        for token in added {
            if count == 0 {
                self.values.insert(name.clone(), token.text.clone());
            } else {
                all.push(' ');
            }
            all.push_str(&token.text);
            self.values.insert(named(&count.to_string()), token.text);
            count += 1;
        }
        self.values.insert(named("#"), count.to_string());
        self.values.insert(named("@"), all);
    }

    fn forget_array(&mut self, name: &str, count: usize) {
        self.values.remove(name);
        for index in 0..count {
            self.values.remove(&format!("{name}[{index}]"));
        }
    }

    /// Gives the variable of a loop its next value.
    pub(super) fn next_round(&mut self, name: &str, value: String) {
        self.note(name);
        self.values.insert(name.to_owned(), value);
    }

    /// What loops left behind is not what a function sees that they call.
    pub(super) fn forget_rounds(&mut self) {
        for name in std::mem::take(&mut self.looped) {
            self.values.remove(&format!("{name}[@]"));
            self.values.remove(&name);
            self.forgotten.insert(name);
        }
    }

    /// Whether the variable was different from round to round of some loop.
    pub(super) fn has_rounds(&self, name: &str) -> bool {
        let name = name.split('[').next().unwrap_or(name);
        self.looped.contains(name) || self.forgotten.contains(name)
    }

    fn note(&mut self, name: &str) {
        if self.looping && !self.looped.contains(name) {
            self.looped.insert(name.to_owned());
        }
    }

    fn set(&mut self, name: String, value: &RawWord, plain: bool) {
        self.note(&name);
        let mut room = VALUE;
        let value = self.tokens(value, &mut room);
        let known = plain && value.iter().all(|token| token.unknown.is_none());
        let text = value.into_iter().map(|token| token.text).collect::<Vec<_>>().join(" ");
        if known && text.len() <= VALUE {
            self.values.insert(name, text);
        } else {
            self.values.remove(&name);
        }
    }

    /// A word with its variables put in; several where a value holds blanks. `room` is how many bytes variables may
    /// still add.
    pub(super) fn tokens(&self, word: &RawWord, room: &mut usize) -> Vec<Token> {
        let empty = || Token { text: String::new(), spot: word.spot, unknown: None };
        let mut tokens = Vec::new();
        let mut token: Option<Token> = None;
        for piece in &word.pieces {
            match piece {
                Piece::Text(text) => token.get_or_insert_with(empty).text.push_str(text),
                Piece::Unknown(text) => {
                    let token = token.get_or_insert_with(empty);
                    token.text.push_str(text);
                    token.unknown.get_or_insert_with(|| text.clone());
                }
                Piece::Variable { name, default, quoted } => {
                    let value = self.values.get(name).or_else(|| self.later.get(name)).or(default.as_ref());
                    let Some(value) =
                        value.filter(|value| value.len() <= *room && value.len() <= self.left.get())
                    else {
                        let token = token.get_or_insert_with(empty);
                        token.text.push('$');
                        token.text.push_str(name);
                        token.unknown.get_or_insert_with(|| format!("${name}"));
                        continue;
                    };
                    *room -= value.len();
                    self.left.set(self.left.get().saturating_sub(value.len()));
                    if *quoted {
                        token.get_or_insert_with(empty).text.push_str(value);
                        continue;
                    }
                    for (index, part) in value.split(is_blank).enumerate() {
                        if index > 0 {
                            tokens.extend(token.take());
                        }
                        if !part.is_empty() {
                            token.get_or_insert_with(empty).text.push_str(part);
                        }
                    }
                }
            }
        }
        tokens.extend(token);
        tokens
    }
}

/// `NAME=VALUE` or `NAME+=VALUE` in parts.
pub(super) fn assignment(word: &RawWord) -> Option<(String, RawWord)> {
    if !word.bare {
        return None;
    }
    let Some(Piece::Text(first)) = word.pieces.first() else { return None };
    let (name, rest) = first.split_once('=')?;
    let plain = name.strip_suffix('+').unwrap_or(name);
    if !is_name(plain) {
        return None;
    }
    let mut value = word.clone();
    value.bare = false;
    value.pieces = Vec::new();
    if plain.len() < name.len() {
        value.pieces.push(Piece::Variable { name: plain.to_owned(), default: None, quoted: true });
    }
    value.pieces.push(Piece::Text(rest.to_owned()));
    value.pieces.extend(word.pieces.iter().skip(1).cloned());
    Some((plain.to_owned(), value))
}

/// Whether a variable or a function may have this name.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
