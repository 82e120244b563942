//! Reads the values of settings and says, with line and column, what was wrong or assumed.
//!
//! One place for what all directives share: how many values there are, comments behind them, numbers, addresses,
//! names. Knows no directive; `global`, `virtual_server` and `check` do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use crate::finding::{Code, Finding};
use crate::format::collector::Collector;
use crate::format::places::{Places, Spot};
use crate::model::{Device, NAME_MAXIMUM};

use super::blocks::{Block, Setting, excerpt};
use super::lexer::{Quote, Word};
use super::value::{self, Address, Mask, Number};
use super::vocabulary::{Scope, tcp_port};

/// Longest text that is offered whole as what to write instead, bytes.
const SUGGESTED: usize = 4096;

/// What is known while a file is read.
pub(super) struct Reader<'c> {
    /// What is said about it.
    pub(super) collector: &'c mut Collector,
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
    fn spot_of(&self, word: &Word<'_>) -> Spot {
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
}

impl Reader<'_> {
    /// Says that something is wrong.
    pub(super) fn error(&mut self, spot: Spot, code: Code) -> Said<'_> {
        Said { collector: &mut *self.collector, finding: Some(Finding::line(spot.line, spot.column, code)) }
    }

    /// Says what was assumed.
    pub(super) fn warn(&mut self, spot: Spot, code: Code) -> Said<'_> {
        let finding = Finding::line(spot.line, spot.column, code).warning();
        Said { collector: &mut *self.collector, finding: Some(finding) }
    }

    /// The directive that a setting is, in its own spelling; what is not known here goes to `kept`.
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
            return Some(word);
        }
        if scope.page_words().contains(&name) {
            self.warn(spot, Code::WordGuiOnly).with("word", name);
        } else if scope == Scope::Server && Scope::Virtual.find(name).is_some() {
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
        keep(kept, name, text);
        None
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
        if count == 0 {
            self.warn(setting.spot_of(&setting.name), Code::ValueMissing).with("word", &setting.name.text);
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

    fn integer(&mut self, spot: Spot, text: &str) -> Option<i64> {
        match value::number(text) {
            Some(Number { value, octal }) => {
                if octal {
                    let plain = text.trim_start_matches('0');
                    self.warn(spot, Code::NumberOctal)
                        .with("text", text)
                        .with("value", value)
                        .suggest(Some(plain));
                }
                Some(value)
            }
            None => {
                let plain = text.trim_start_matches('0');
                let meant = (plain != text && value::number(plain).is_some()).then_some(plain);
                self.error(spot, Code::NumberBad).with("text", excerpt(text)).suggest(meant);
                None
            }
        }
    }

    /// Any whole number.
    pub(super) fn any_number(&mut self, setting: &Setting<'_>) -> Option<i64> {
        let word = self.value(setting)?;
        self.integer(setting.spot_of(word), &word.text)
    }

    /// A whole number within bounds.
    pub(super) fn number<T>(&mut self, setting: &Setting<'_>, least: T, most: T) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + fmt::Display,
    {
        let value = self.any_number(setting)?;
        self.within(setting, value, least, most)
    }

    /// Any whole number up to a bound; what is less than `least` is returned for the caller to make sense of.
    pub(super) fn number_up_to(&mut self, setting: &Setting<'_>, least: i64, most: i64) -> Option<i64> {
        let value = self.any_number(setting)?;
        if value < least { Some(value) } else { self.within(setting, value, least, most) }
    }

    fn within<T>(&mut self, setting: &Setting<'_>, value: i64, least: T, most: T) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + fmt::Display,
    {
        match T::try_from(value) {
            Ok(number) if number >= least && number <= most => Some(number),
            _ => {
                self.error(setting.spot(), Code::NumberRange)
                    .with("word", &setting.name.text)
                    .with("least", least)
                    .with("most", most)
                    .with("value", value);
                None
            }
        }
    }

    /// 0 or 1; words and other numbers are taken for what they mean.
    pub(super) fn boolean(&mut self, setting: &Setting<'_>) -> Option<bool> {
        let word = self.value(setting)?;
        let spot = setting.spot_of(word);
        let text = word.text.as_ref();
        let assumed = match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "true" => Some(true),
            "no" | "off" | "false" => Some(false),
            _ => match value::number(text).map(|number| number.value) {
                Some(0) => return Some(false),
                Some(1) => return Some(true),
                Some(_) => Some(true),
                None => None,
            },
        };
        match assumed {
            Some(value) => {
                let digit = u8::from(value);
                self.warn(spot, Code::BooleanWord)
                    .with("text", text)
                    .with("value", digit)
                    .suggest(Some(digit));
            }
            None => {
                self.error(spot, Code::BooleanBad)
                    .with("word", &setting.name.text)
                    .with("text", excerpt(text));
            }
        }
        assumed
    }

    /// A port by number or by the name of a TCP service. `named` says whether the daemons allow a name here.
    pub(super) fn port(&mut self, setting: &Setting<'_>, named: Named) -> Option<u16> {
        let word = self.value(setting)?;
        let spot = setting.spot_of(word);
        let text = word.text.as_ref();
        if text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') {
            let value = self.integer(spot, text)?;
            return self.within(setting, value, 0, u16::MAX);
        }
        let port = tcp_port(text);
        match port {
            None => {
                self.error(spot, Code::PortBad).with("text", excerpt(text));
            }
            Some(value) if named == Named::Refused => {
                self.warn(spot, Code::PortName).with("text", text).with("value", value).suggest(Some(value));
            }
            Some(_) => {}
        }
        port
    }

    /// An address in a word; host names are an error.
    pub(super) fn address(&mut self, setting: &Setting<'_>, word: &Word<'_>) -> Option<IpAddr> {
        let spot = setting.spot_of(word);
        let text = word.text.as_ref();
        match value::address(text) {
            Address::Plain(address) => Some(address.into()),
            Address::OddForm(address) => {
                self.warn(spot, Code::AddressForm)
                    .with("text", excerpt(text))
                    .with("value", address)
                    .suggest(Some(address));
                Some(address.into())
            }
            Address::Newer(address) => {
                self.warn(spot, Code::AddressNewer).with("text", address);
                Some(address.into())
            }
            Address::Name => {
                self.error(spot, Code::HostName).with("text", excerpt(text));
                None
            }
            Address::Bad => {
                let (plain, _) = text.split_once('/').unwrap_or_default();
                let meant = matches!(value::address(plain), Address::Plain(_)).then_some(plain);
                self.error(spot, Code::AddressBad).with("text", excerpt(text)).suggest(meant);
                None
            }
        }
    }

    /// The one address that a directive has.
    pub(super) fn only_address(&mut self, setting: &Setting<'_>) -> Option<IpAddr> {
        let word = self.value(setting)?;
        self.address(setting, word)
    }

    /// A device in a word.
    pub(super) fn device(&mut self, setting: &Setting<'_>, word: &Word<'_>) -> Option<Device> {
        match word.text.parse() {
            Ok(device) => Some(device),
            Err(reason) => {
                self.error(setting.spot_of(word), Code::DeviceBad)
                    .with("text", excerpt(&word.text))
                    .with("reason", reason);
                None
            }
        }
    }

    /// A mask as a prefix length; none where it is not given or useless. `gaps` says what to take for one with gaps.
    pub(super) fn mask(&mut self, setting: &Setting<'_>, of: MaskOf) -> Option<u8> {
        let word = self.value(setting)?;
        let spot = setting.spot_of(word);
        match value::mask(&word.text) {
            Mask::Unset => None,
            Mask::Prefix { length, odd_form } => {
                if odd_form {
                    let mask = value::netmask(length);
                    self.warn(spot, Code::MaskForm)
                        .with("text", &word.text)
                        .with("value", mask)
                        .suggest(Some(mask));
                }
                Some(length)
            }
            Mask::Gaps { mask, leading } => {
                // An address with a mask that the kernel refuses stays a host address. Clients, though, are grouped:
                // the leading ones come nearest to what the mask did.
                let taken = Some(leading).filter(|leading| of == MaskOf::Clients && *leading > 0);
                self.warn(spot, Code::MaskGaps)
                    .with("mask", mask)
                    .with("value", value::netmask(taken.unwrap_or(32)));
                taken
            }
            Mask::Bad if of == MaskOf::Clients => {
                self.warn(spot, Code::MaskIgnored).with("text", excerpt(&word.text));
                None
            }
            Mask::Bad => {
                self.error(spot, Code::MaskBad).with("text", excerpt(&word.text));
                None
            }
        }
    }

    /// A keyword; small letters are assumed where it is written in others.
    pub(super) fn keyword(
        &mut self,
        setting: &Setting<'_>,
        choices: &[&'static str],
    ) -> Option<&'static str> {
        let word = self.value(setting)?;
        let spot = setting.spot_of(word);
        let text = word.text.as_ref();
        let found = choices.iter().copied().find(|choice| choice.eq_ignore_ascii_case(text));
        match found {
            Some(choice) if choice != text => {
                self.warn(spot, Code::LetterCase).with("text", text).with("word", choice);
            }
            Some(_) => {}
            None => {
                self.error(spot, Code::KeywordUnknown)
                    .with("word", &setting.name.text)
                    .with("choices", choices.join(", "))
                    .with("text", excerpt(text));
            }
        }
        found
    }

    /// The name of a block, made to fit and unlike those taken already.
    pub(super) fn name(&mut self, block: &Block<'_>, scope: Scope, taken: &mut Taken) -> String {
        let what = scope.as_str();
        let given = block.name.as_ref().map_or("", |name| name.text.as_ref());
        let spot =
            Spot { line: block.line, column: block.name.as_ref().map_or(block.word.column, |n| n.column) };
        if block.name.as_ref().is_some_and(|name| name.open) {
            self.warn(spot, Code::QuoteOpen);
        }
        let link = given.strip_prefix('[').and_then(|rest| rest.split_once("](")).map(|(name, _)| name);
        if let Some(name) = link {
            self.warn(spot, Code::NameLink).with("name", excerpt(name));
        }
        let given = link.unwrap_or(given);
        let refused = |c: char| {
            c.is_control() || (c.is_whitespace() && c != ' ') || matches!(c, '/' | '"' | '\\' | '{' | '}')
        };
        let fit = |text: &str, room: usize| {
            let fit: String =
                text.trim().chars().map(|c| if refused(c) { '_' } else { c }).take(room).collect();
            fit.trim_end().to_owned()
        };
        let mut name = fit(given, NAME_MAXIMUM);
        if name.is_empty() {
            name = "unnamed".to_owned();
            self.warn(spot, Code::NameAssumed).with("name", &name);
        } else if name != given {
            self.warn(spot, Code::NameChanged).with("new", &name);
        } else if matches!(given, "[server_name]" | "[unnamed]") {
            self.warn(spot, Code::NamePlaceholder).with("name", given);
        }
        if taken.names.insert(name.clone()) {
            return name;
        }
        let count = taken.suffixes.entry(name.clone()).or_insert(1);
        loop {
            *count += 1;
            let suffix = format!("-{count}");
            let new = format!("{}{suffix}", fit(&name, NAME_MAXIMUM - suffix.len()));
            if taken.names.insert(new.clone()) {
                self.warn(spot, Code::NameDuplicate)
                    .with("block", what)
                    .with("name", &name)
                    .with("new", &new);
                return new;
            }
        }
    }
}

/// Names given so far among blocks of one kind.
#[derive(Debug, Default)]
pub(super) struct Taken {
    names: BTreeSet<String>,
    suffixes: BTreeMap<String, usize>,
}

/// Whether the daemons take a service name for a port here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// They do.
    Allowed,
    /// They want a number.
    Refused,
}

/// What a mask belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MaskOf {
    /// An address on an interface.
    Address,
    /// Clients that count as one.
    Clients,
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

/// A finding that is complete when it goes out of scope.
pub(super) struct Said<'c> {
    collector: &'c mut Collector,
    finding: Option<Finding>,
}

impl Said<'_> {
    /// With a value for its sentence.
    pub(super) fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.finding = self.finding.take().map(|finding| finding.with(name, value));
        self
    }

    /// With what to write instead, where that is known.
    pub(super) fn suggest(mut self, text: Option<impl fmt::Display>) -> Self {
        if let (Some(text), Some(finding)) = (text, self.finding.as_mut()) {
            finding.suggestion = Some(text.to_string());
        }
        self
    }
}

impl Drop for Said<'_> {
    fn drop(&mut self) {
        if let Some(finding) = self.finding.take() {
            self.collector.add(finding);
        }
    }
}
