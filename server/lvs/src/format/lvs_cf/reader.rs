//! Reads the values of settings and says, with line and column, what was wrong or assumed.
//!
//! One place for what all directives share: how many values there are, comments behind them, strings, and what is
//! put aside. `typed` and `names` add the kinds of values. Knows no directive; `global`, `virtual_server` and
//! `check` do.

use std::collections::BTreeMap;

use crate::finding::{Code, Finding};
use crate::format::collector::{Collector, Said};
use crate::format::names::Names;
use crate::format::places::{Places, Spot};

use super::document::{Block, Setting, excerpt};
use super::lexer::{Quote, Word};
use super::vocabulary::Scope;

/// Longest text that is offered whole as what to write instead, bytes.
const SUGGESTED: usize = 4096;

/// What is known while a file is read.
pub(super) struct Reader<'c> {
    /// What is said about it.
    pub(super) collector: &'c mut Collector,
    /// What host names stand for.
    pub(super) names: &'c Names,
    /// Whether values are what the daemons make of them, also where something else was meant.
    pub(super) exact: bool,
    /// Which field came from where.
    pub(super) places: Places,
    /// How many blocks of one kind and name were put aside, where it was more than one.
    pub(super) kept_blocks: BTreeMap<String, usize>,
}

/// A string and what stood around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    /// Its value.
    pub(super) value: String,
    /// Its quotes.
    pub(super) quote: Option<Quote>,
    /// Where it begins.
    pub(super) spot: Spot,
}

impl Setting<'_> {
    /// Where its value is, or its name if it has none.
    pub(super) fn spot(&self) -> Spot {
        Spot { line: self.line, column: self.values.first().unwrap_or(&self.name).column }
    }

    /// As [`Setting::spot`], of another word of it.
    pub(super) fn spot_of(&self, word: &Word<'_>) -> Spot {
        Spot { line: self.line, column: word.column }
    }

    /// The values as they stand in the file, without a comment.
    pub(super) fn kept_text(&self) -> String {
        joined(self.values.iter().take_while(|word| !word.begins_comment()))
    }
}

impl Block<'_> {
    /// Where it begins.
    pub(super) fn spot(&self) -> Spot {
        Spot { line: self.line, column: self.word.column }
    }

    /// What is in it, a line each, without blank lines and indentation.
    pub(super) fn kept_text(&self) -> String {
        let lines = self.body.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Reader<'_> {
    /// Says that something is wrong.
    pub(super) fn error(&mut self, spot: Spot, code: Code) -> Said<'_> {
        self.say(Finding::line(spot.line, spot.column, code))
    }

    /// Says what was assumed.
    pub(super) fn warn(&mut self, spot: Spot, code: Code) -> Said<'_> {
        self.say(Finding::line(spot.line, spot.column, code).warning())
    }

    /// Says that a block is no block of its own.
    pub(super) fn phantom(&mut self, block: &Block<'_>) {
        let name = block.name.as_ref().map_or("", |name| name.text.as_ref());
        self.warn(block.spot(), Code::GuiPhantom).with("name", excerpt(name));
    }

    fn say(&mut self, finding: Finding) -> Said<'_> {
        self.collector.say(0, finding)
    }

    /// The directive that a setting is, in its own spelling; what is not known here goes to `kept`. A line without a
    /// value says nothing: what an earlier line said stays.
    pub(super) fn word(
        &mut self,
        scope: Scope,
        setting: &Setting<'_>,
        kept: &mut BTreeMap<String, String>,
    ) -> Option<&'static str> {
        let name = setting.name.text.as_ref();
        let spot = setting.spot_of(&setting.name);
        if let Some(word) = scope.find(name) {
            if word != name {
                self.warn(spot, Code::LetterCase).with("text", name).with("word", word);
            }
            if !setting.equals && !setting.values.is_empty() {
                self.warn(spot, Code::EqualsMissing).with("word", word);
            }
            return self.has_value(scope, setting).then_some(word);
        }
        if scope.page_words().contains(&name) {
            self.warn(spot, Code::WordGuiOnly).with("word", name);
        } else if scope.outer().is_some_and(|outer| outer.find(name).is_some()) {
            self.warn(spot, Code::WordMisplaced).with("word", name).with("block", scope.as_str());
        } else {
            // Looking for what was meant is only worth it while somebody will read it.
            let meant = if self.collector.is_full() { None } else { scope.nearest(name) };
            self.warn(spot, Code::WordUnknown).with("word", excerpt(name)).suggest(meant);
        }
        let text = if setting.equals {
            setting.kept_text()
        } else {
            setting.raw.trim().get(setting.name.raw.len()..).unwrap_or("").trim().to_owned()
        };
        let visible = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        keep(kept, &name.chars().map(visible).collect::<String>(), text);
        None
    }

    /// Whether a value is given; where none is, that is said. A comment is none, but the daemons read one as a string.
    fn has_value(&mut self, scope: Scope, setting: &Setting<'_>) -> bool {
        let first = setting.values.first();
        let comment = first.filter(|word| word.begins_comment() && !scope.is_text(&setting.name.text));
        if let Some(comment) = comment {
            self.warn(setting.spot_of(comment), Code::TrailingComment);
        }
        let has_value = first.is_some() && comment.is_none();
        if !has_value {
            self.warn(setting.spot_of(&setting.name), Code::ValueMissing).with("word", &setting.name.text);
        }
        has_value
    }

    /// The first `most` values. Comments and whatever else follows is said and left out.
    pub(super) fn values<'s, 'a>(&mut self, setting: &'s Setting<'a>, most: usize) -> &'s [Word<'a>] {
        let mut count = 0;
        for (index, word) in setting.values.iter().enumerate() {
            let spot = setting.spot_of(word);
            if word.begins_comment() {
                self.warn(spot, Code::TrailingComment);
                break;
            }
            if index >= most {
                let text = excerpt(word.raw);
                let quoted_before = index.checked_sub(1).and_then(|i| setting.values.get(i));
                if word.glued && quoted_before.is_some_and(|before| before.quote.is_some()) {
                    let whole = setting.kept_text();
                    let meant = whole.get(1..).and_then(|rest| rest.strip_suffix(['"', '\'']));
                    self.error(spot, Code::QuoteInside).with("text", text).suggest(meant.map(excerpt));
                } else {
                    self.warn(spot, Code::ExtraWords).with("text", text);
                }
                break;
            }
            if word.open {
                self.warn(spot, Code::QuoteOpen);
            }
            count = index + 1;
        }
        setting.values.get(..count).unwrap_or_default()
    }

    /// The one value that most directives have.
    pub(super) fn value<'s, 'a>(&mut self, setting: &'s Setting<'a>) -> Option<&'s Word<'a>> {
        self.values(setting, 1).first()
    }

    /// A string: one word, quoted where it has blanks; several words without quotes are taken as they stand.
    pub(super) fn text(&mut self, setting: &Setting<'_>) -> Option<Text> {
        let first = setting.values.first()?;
        let spot = setting.spot_of(first);
        let comment = setting.values.iter().skip(1).find(|word| word.begins_comment());
        let count = setting.values.iter().skip(1).take_while(|word| !word.begins_comment()).count();
        if first.quote.is_none() && count > 0 {
            let value = joined(setting.values.iter().take(count + 1));
            self.warn(spot, Code::ValueUnquoted)
                .with("value", excerpt(&value))
                .suggest((value.len() <= SUGGESTED).then(|| format!("\"{value}\"")));
            if let Some(comment) = comment {
                self.warn(setting.spot_of(comment), Code::TrailingComment);
            }
            return Some(Text { value, quote: None, spot });
        }
        if first.begins_comment() {
            // `send = #` is a value to the daemons, though hardly a wanted one.
            return Some(Text { value: first.text.to_string(), quote: None, spot });
        }
        let word = self.value(setting)?;
        Some(Text { value: word.text.to_string(), quote: word.quote, spot })
    }
}

/// Words as they stand in the file, with one blank where there is any.
pub(super) fn joined<'w, 'a: 'w>(words: impl Iterator<Item = &'w Word<'a>>) -> String {
    let mut text = String::new();
    for word in words {
        if !word.glued && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word.raw);
    }
    text
}

/// Puts a text aside; a second one under the same name follows on its own line.
pub(super) fn keep(kept: &mut BTreeMap<String, String>, name: &str, text: String) {
    kept.entry(name.to_owned())
        .and_modify(|known| {
            known.push('\n');
            known.push_str(&text);
        })
        .or_insert(text);
}
