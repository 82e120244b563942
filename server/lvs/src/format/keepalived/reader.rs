//! Reads the values of statements and says, with file, line and column, what keepalived makes of them.
//!
//! One place for what all keywords share: how many words follow, numbers and their ranges, words for yes and no, and
//! what is put aside. Knows no keyword; the modules beside it do.

use std::collections::BTreeMap;
use std::fmt;

use super::kept;
use super::syntax_notes::excerpt;
use super::tree::{FileIndex, Statement, Word};
use crate::finding::{Code, Finding, Place};
use crate::format::collector::{Collector, Said};
use crate::format::places::Spot;

/// A place in one of the texts that are read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// Which text.
    pub(super) file: FileIndex,
    /// Where in it.
    pub(super) spot: Spot,
}

/// Which field came from where, by JSON pointer.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins(BTreeMap<String, Origin>);

impl Origins {
    /// Remembers where a field was given.
    pub(super) fn insert(&mut self, pointer: impl Into<String>, origin: Origin) {
        self.0.insert(pointer.into(), origin);
    }

    /// Adds those of a part, whose pointers begin at the part.
    pub(super) fn graft(&mut self, prefix: &str, part: &Origins) {
        for (pointer, origin) in &part.0 {
            self.0.insert(format!("{prefix}{pointer}"), *origin);
        }
    }

    /// Where the field was given, or else the nearest thing around it.
    pub(super) fn find(&self, pointer: &str) -> Option<Origin> {
        let mut rest = pointer;
        loop {
            if let Some(origin) = self.0.get(rest) {
                return Some(*origin);
            }
            rest = rest.rsplit_once('/')?.0;
        }
    }

    /// The same finding about the line instead of the field, with the text that the line is in.
    pub(super) fn locate(&self, mut finding: Finding, otherwise: FileIndex) -> (FileIndex, Finding) {
        let found = finding.pointer().and_then(|pointer| self.find(pointer));
        finding.place = match found {
            Some(Origin { spot, .. }) => Place::Line { line: spot.line, column: spot.column },
            None => Place::Whole,
        };
        (found.map_or(otherwise, |origin| origin.file), finding)
    }
}

impl Statement {
    /// Where its keyword is.
    pub(super) fn origin(&self) -> Origin {
        self.origin_of(&self.keyword)
    }

    /// Where a word of it is.
    pub(super) fn origin_of(&self, word: &Word) -> Origin {
        Origin { file: self.file, spot: word.spot }
    }

    /// Where its first value is, or its keyword where it has none.
    pub(super) fn value_origin(&self) -> Origin {
        self.origin_of(self.argument(0).unwrap_or(&self.keyword))
    }

    /// Its arguments as one text.
    pub(super) fn words(&self) -> String {
        self.arguments.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// What is known while a text is read.
pub(super) struct Reader<'c> {
    /// What is said about it.
    pub(super) collector: &'c mut Collector,
}

impl Reader<'_> {
    /// Says that something is wrong.
    pub(super) fn error(&mut self, at: Origin, code: Code) -> Said<'_> {
        self.say(at, Finding::line(at.spot.line, at.spot.column, code))
    }

    /// Says what was assumed.
    pub(super) fn warn(&mut self, at: Origin, code: Code) -> Said<'_> {
        self.say(at, Finding::line(at.spot.line, at.spot.column, code).warning())
    }

    fn say(&mut self, at: Origin, finding: Finding) -> Said<'_> {
        self.collector.say(at.file.0, finding)
    }

    /// The first word behind the keyword; more words are said and left out.
    pub(super) fn value<'s>(&mut self, statement: &'s Statement) -> Option<&'s Word> {
        self.values(statement, 1).first()
    }

    /// The first `most` words behind the keyword.
    pub(super) fn values<'s>(&mut self, statement: &'s Statement, most: usize) -> &'s [Word] {
        let words = &statement.arguments;
        if words.is_empty() {
            self.warn(statement.origin(), Code::ValueMissing).with("word", excerpt(&statement.keyword.text));
        }
        if let Some(further) = words.get(most) {
            self.warn(statement.origin_of(further), Code::ExtraWords).with("text", excerpt(&further.text));
        }
        words.get(..most.min(words.len())).unwrap_or_default()
    }

    /// A whole number; another text than one from `least` to `most` is said to be taken for `taken`, and is none.
    pub(super) fn number<T>(
        &mut self,
        statement: &Statement,
        least: T,
        most: T,
        taken: impl fmt::Display,
    ) -> Option<T>
    where
        T: TryFrom<u64> + PartialOrd + fmt::Display,
    {
        let word = self.value(statement)?;
        let number = whole(&word.text).and_then(|number| T::try_from(number).ok());
        match number {
            Some(number) if number >= least && number <= most => Some(number),
            _ => {
                self.range(statement, word, least, most, taken);
                None
            }
        }
    }

    /// A time in seconds with decimals, as milliseconds, rounded up to the next one; bounds in milliseconds.
    pub(super) fn milliseconds(
        &mut self,
        statement: &Statement,
        least: u32,
        most: u32,
        taken: u32,
    ) -> Option<u32> {
        let word = self.value(statement)?;
        match milliseconds(&word.text) {
            Some(value) if (u64::from(least)..=u64::from(most)).contains(&value) => u32::try_from(value).ok(),
            _ => {
                self.range(statement, word, Seconds(least), Seconds(most), Seconds(taken));
                None
            }
        }
    }

    /// Says that a value is out of its range and what keepalived takes instead.
    pub(super) fn range(
        &mut self,
        statement: &Statement,
        word: &Word,
        least: impl fmt::Display,
        most: impl fmt::Display,
        taken: impl fmt::Display,
    ) {
        self.warn(statement.origin_of(word), Code::KeepalivedRange)
            .with("word", &statement.keyword.text)
            .with("least", least)
            .with("most", most)
            .with("text", excerpt(&word.text))
            .with("taken", taken);
    }

    /// Whether a word without a value, or with one for yes or no, switches something on.
    pub(super) fn flag(&mut self, statement: &Statement) -> bool {
        let Some(word) = statement.argument(0) else { return true };
        match word.text.as_str() {
            "on" | "true" | "yes" => true,
            "off" | "false" | "no" => false,
            _ => {
                self.warn(statement.origin_of(word), Code::ExtraWords).with("text", excerpt(&word.text));
                true
            }
        }
    }

    /// As [`Reader::flag`], where keepalived looks at the word: another one is said, and `taken` stays.
    pub(super) fn switch(&mut self, statement: &Statement, taken: bool) -> bool {
        let Some(word) = statement.argument(0) else { return true };
        let choices =
            [("on", true), ("true", true), ("yes", true), ("off", false), ("false", false), ("no", false)];
        let word_for = if taken { "on" } else { "off" };
        self.choice(statement, word, &choices, word_for).unwrap_or(taken)
    }

    /// One of some words; another is said to be taken for `taken`, and is none. keepalived insists on the letters.
    pub(super) fn choice<T>(
        &mut self,
        statement: &Statement,
        word: &Word,
        choices: &[(&str, T)],
        taken: &str,
    ) -> Option<T>
    where
        T: Copy,
    {
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word.text) {
            return Some(*value);
        }
        let meant = choices.iter().map(|(name, _)| *name).find(|name| name.eq_ignore_ascii_case(&word.text));
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        self.warn(statement.origin_of(word), Code::KeepalivedChoice)
            .with("word", &statement.keyword.text)
            .with("choices", names.join(" "))
            .with("text", excerpt(&word.text))
            .with("taken", taken)
            .suggest(meant);
        None
    }

    /// Puts a statement aside and says why, unless a finding says so already.
    pub(super) fn aside(
        &mut self,
        kept: &mut BTreeMap<String, String>,
        path: &str,
        statement: &Statement,
        code: Code,
    ) {
        kept::keep(kept, path, statement);
        if !statement.reported {
            self.warn(statement.origin(), code).with("word", kept::shown(&statement.keyword.text));
        }
    }
}

/// Programs, of which the first one counts.
const FIRST_COUNTS: [&str; 11] = [
    "notify",
    "notify_master",
    "notify_backup",
    "notify_fault",
    "notify_stop",
    "notify_deleted",
    "notify_master_rx_lower_pri",
    "notify_up",
    "notify_down",
    "quorum_up",
    "quorum_down",
];

/// Which keywords of a block were given before: the last one counts, except of programs.
#[derive(Default)]
pub(super) struct Once<'s>(BTreeMap<&'s str, Origin>);

impl<'s> Once<'s> {
    /// Notes a keyword, and says where it was given before.
    pub(super) fn note(&mut self, reader: &mut Reader<'_>, statement: &'s Statement) {
        let word = statement.keyword.text.as_str();
        if FIRST_COUNTS.contains(&word) {
            if self.0.insert(word, statement.origin()).is_some() {
                reader.warn(statement.origin(), Code::KeepalivedTwice).with("word", word);
            }
            return;
        }
        if let Some(before) = self.0.insert(word, statement.origin()) {
            reader
                .warn(before, Code::WordRepeated)
                .with("word", word)
                .with("line", statement.keyword.spot.line);
        }
    }
}

/// Milliseconds, shown as seconds.
#[derive(Clone, Copy)]
pub(super) struct Seconds(pub(super) u32);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000, self.0 % 1_000);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let decimals = format!("{rest:03}");
        write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}

/// A whole number as keepalived reads it.
pub(super) fn whole(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// Seconds with decimals as milliseconds, a part of one counting as one.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    let (seconds, decimals) = text.split_once('.').unwrap_or((text, ""));
    let only_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if seconds.is_empty() && decimals.is_empty()
        || !only_digits(seconds)
        || !only_digits(decimals)
        || decimals.len() > 6
    {
        return None;
    }
    let seconds: u64 = if seconds.is_empty() { 0 } else { seconds.parse().ok()? };
    let digit = |at: usize| decimals.as_bytes().get(at).map_or(0, |byte| u64::from(byte - b'0'));
    let rest = digit(0) * 100 + digit(1) * 10 + digit(2);
    let more = decimals.bytes().skip(3).any(|byte| byte != b'0');
    seconds.checked_mul(1_000)?.checked_add(rest)?.checked_add(u64::from(more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_may_have_decimals() {
        for (text, value) in
            [("1", 1_000), ("0.5", 500), (".25", 250), ("1.", 1_000), ("0.0001", 1), ("2.5000", 2_500)]
        {
            assert_eq!(milliseconds(text), Some(value), "{text}");
        }
        for text in ["", ".", "-1", "1s", "1.5.2", "99999999999999999999", "0.0000001"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
        for (value, text) in [(1_000, "1"), (500, "0.5"), (40_950, "40.95"), (1, "0.001")] {
            assert_eq!(Seconds(value).to_string(), text);
        }
        assert_eq!((whole("+5"), whole("-5"), whole("")), (Some(5), None, None));
    }
}
