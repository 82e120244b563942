//! What keepalived says of the values of words that nothing here acts on.
//!
//! Such words are put aside as they stand. A value that keepalived refuses would be refused again when the file is
//! given back, so it is said; no value is changed. Called by `unacted`, with the rules of `values_tables`.

use std::net::IpAddr;

use super::reader::{Reader, whole};
use super::syntax_notes::excerpt;
use super::syntax_words::{Block, is_boolean};
use super::tree::{Statement, Word};
use super::values_tables::rule;
use super::{kept, routes, unacted};
use crate::finding::{Code, Severity};
use crate::table::Family;

/// What the words behind a keyword have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Any word.
    Needed,
    /// A whole number, which may have a sign, from the first to the second.
    Number(i64, i64),
    /// As [`Rule::Number`], or nothing.
    MayNumber(i64, i64),
    /// As [`Rule::Number`], any count of them.
    Numbers(i64, i64),
    /// A number with at most six decimals, from the first to the second millionth.
    Decimal(u64, u64),
    /// As [`Rule::Number`], behind the word `all` where that is given.
    AllNumber(i64, i64),
    /// A word for yes or no, or nothing.
    Switch,
    /// One of these, or nothing.
    May(&'static [&'static str]),
    /// One of these, or a whole number, or nothing.
    Choice(&'static [&'static str]),
    /// An address; a second word is a port.
    Server,
    /// An address of a group of receivers; of one family where one is given.
    Group(Option<Family>),
    /// An address.
    Address,
    /// A weight from minus to plus this, perhaps turned round.
    Weight(i64),
    /// An octal number of three digits, or names of permissions.
    Permissions,
}

/// Says what keepalived finds wrong in a statement of a block that is put aside, and in what it holds.
pub(super) fn check(reader: &mut Reader<'_>, block: Block, statement: &Statement) {
    let word = statement.keyword.text.as_str();
    let Some(child) = block.child(word) else {
        if let Some(rule) = rule(block, word) {
            value(reader, statement, rule);
        }
        return;
    };
    if statement.block.is_none() {
        reader.warn(statement.origin(), Code::KeepalivedBlockMissing).with("word", excerpt(word));
        return;
    }
    named(reader, child, statement);
    if block != Block::Instance {
        list_header(reader, block, statement);
    }
    match word {
        "static_routes" | "virtual_routes" => routes::routes(reader, statement, word == "virtual_routes"),
        "static_rules" | "virtual_rules" => routes::rules(reader, statement),
        "static_ipaddress" => {
            for line in statement.inside() {
                let text = line.keyword.text.as_str();
                if text.parse::<IpAddr>().is_err() && text.parse::<ipnet::IpNet>().is_err() {
                    reader
                        .warn(line.origin(), Code::KeepalivedHostName)
                        .with("text", excerpt(text))
                        .with("word", "the line");
                }
            }
        }
        "interface_up_down_delays" => {
            for line in statement.inside() {
                for delay in &line.arguments {
                    decimal(reader, line, delay, 0, 255_000_000);
                }
            }
        }
        _ if child.has_keywords() => inside(reader, child, statement),
        _ => {}
    }
    for needed in needed(child) {
        let mut words = needed.split('|');
        if !words.any(|word| statement.inside().iter().any(|inner| inner.is(word))) {
            let missing = needed.replace('|', " or ");
            incomplete(reader, statement, &missing);
        }
    }
    if word == "notification_email" && statement.inside().is_empty() {
        incomplete(reader, statement, "address");
    }
}

/// Says that a list of lines has words between its keyword and its brace.
pub(super) fn list_header(reader: &mut Reader<'_>, block: Block, statement: &Statement) {
    let child = block.child(&statement.keyword.text);
    let is_list = matches!(child, Some(Block::Words | Block::Addresses | Block::Lines));
    if let Some(further) = statement.argument(0).filter(|_| is_list && statement.block.is_some()) {
        option(reader, statement, further);
    }
}

/// Says that a block lacks what keepalived leaves it out without.
pub(super) fn incomplete(reader: &mut Reader<'_>, statement: &Statement, missing: &str) {
    reader
        .warn(statement.origin(), Code::KeepalivedCheckIncomplete)
        .with("word", excerpt(&statement.keyword.text))
        .with("missing", missing);
}

/// What a block cannot be without.
fn needed(block: Block) -> &'static [&'static str] {
    match block {
        Block::Script => &["script"],
        Block::TrackFile => &["file"],
        Block::TrackProcess => &["process"],
        Block::Bfd => &["neighbor_ip"],
        Block::GarpGroup => &["garp_interval|gna_interval"],
        Block::BfdCheck => &["name"],
        Block::FileCheck => &["track_file"],
        _ => &[],
    }
}

/// Says where a block has no name that needs one.
fn named(reader: &mut Reader<'_>, block: Block, statement: &Statement) {
    let needs = matches!(
        block,
        Block::Script | Block::TrackFile | Block::TrackProcess | Block::TrackGroup | Block::Bfd
    );
    if needs && statement.argument(0).is_none() {
        name_missing(reader, statement);
    }
}

/// Says that a block has no name.
pub(super) fn name_missing(reader: &mut Reader<'_>, statement: &Statement) {
    reader.warn(statement.origin(), Code::KeepalivedNameMissing).with("word", &statement.keyword.text);
}

/// The statements of a block that is put aside as a whole.
fn inside(reader: &mut Reader<'_>, block: Block, statement: &Statement) {
    for inner in statement.inside() {
        if inner.reported {
            continue;
        }
        let word = inner.keyword.text.as_str();
        if block.knows(word) {
            check(reader, block, inner);
        } else if reader.collector.wants(Severity::Warning, &[Code::KeepalivedUnknown]) {
            reader
                .warn(inner.origin(), Code::KeepalivedUnknown)
                .with("word", kept::shown(word))
                .suggest(unacted::nearest(block, word));
        }
    }
}

/// The words behind a keyword against their rule.
pub(super) fn value(reader: &mut Reader<'_>, statement: &Statement, rule: Rule) {
    let first = statement.argument(0);
    let Some(word) = first else {
        let optional = matches!(rule, Rule::Switch | Rule::May(_) | Rule::Choice(_) | Rule::MayNumber(..));
        if !optional {
            let keyword = excerpt(&statement.keyword.text);
            reader.warn(statement.origin(), Code::ValueMissing).with("word", keyword);
        }
        return;
    };
    let text = word.text.as_str();
    match rule {
        Rule::Needed => {}
        Rule::Number(least, most) | Rule::MayNumber(least, most) => {
            number(reader, statement, word, least, most);
        }
        Rule::Numbers(least, most) => {
            for word in &statement.arguments {
                number(reader, statement, word, least, most);
            }
        }
        Rule::Decimal(least, most) => decimal(reader, statement, word, least, most),
        Rule::AllNumber(least, most) => match statement.argument(usize::from(text == "all")) {
            Some(word) => number(reader, statement, word, least, most),
            None => _ = reader.warn(statement.origin(), Code::ValueMissing).with("word", "all"),
        },
        Rule::Switch if is_boolean(text) => {}
        Rule::Switch => refused(reader, statement, word, "on off true false yes no"),
        Rule::May(choices) if choices.contains(&text) => {}
        Rule::May(choices) => refused(reader, statement, word, &choices.join(" ")),
        Rule::Choice(choices) if choices.contains(&text) || signed(text).is_some() => {}
        Rule::Choice(choices) => refused(reader, statement, word, &choices.join(" ")),
        Rule::Server => {
            if let Some(port) = statement.argument(1) {
                number(reader, statement, port, 1, 65_535);
            }
        }
        Rule::Group(family) => {
            let fits = |address: &IpAddr| {
                address.is_multicast() && family.is_none_or(|family| family == Family::of(*address))
            };
            if !text.parse().is_ok_and(|address| fits(&address)) {
                refused(reader, statement, word, "a multicast address");
            }
        }
        Rule::Address => {
            if text.parse::<IpAddr>().is_err() {
                refused(reader, statement, word, "an IP address");
            }
        }
        Rule::Weight(most) => weight(reader, statement, &statement.arguments, most),
        Rule::Permissions => permissions(reader, statement, word),
    }
}

/// A weight, and the word that turns it round.
pub(super) fn weight(reader: &mut Reader<'_>, statement: &Statement, words: &[Word], most: i64) {
    let Some(word) = words.first() else { return };
    number(reader, statement, word, -most, most);
    if let Some(further) = words.get(1).filter(|word| word.text != "reverse") {
        option(reader, statement, further);
    }
}

/// Says that a word is no option of a line.
pub(super) fn option(reader: &mut Reader<'_>, statement: &Statement, word: &Word) {
    reader
        .warn(statement.origin_of(word), Code::KeepalivedOption)
        .with("text", excerpt(&word.text))
        .with("word", excerpt(&statement.keyword.text));
}

/// A whole number with or without a sign.
fn signed(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(digits) if !digits.starts_with('+') => {
            whole(digits).and_then(|number| i64::try_from(number).ok()).map(|number| -number)
        }
        Some(_) => None,
        None => whole(text).and_then(|number| i64::try_from(number).ok()),
    }
}

/// A whole number, with a sign or without.
pub(super) fn number(reader: &mut Reader<'_>, statement: &Statement, word: &Word, least: i64, most: i64) {
    if signed(&word.text).is_none_or(|number| number < least || number > most) {
        reader
            .warn(statement.origin_of(word), Code::KeepalivedNumber)
            .with("word", excerpt(&statement.keyword.text))
            .with("least", least)
            .with("most", most)
            .with("text", excerpt(&word.text));
    }
}

/// Millionths; none where the text is no number, or has more decimals than that.
fn millionths(text: &str) -> Option<u64> {
    let (number, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if number.is_empty() && decimals.is_empty() || !digits(number) || !digits(decimals) || decimals.len() > 6
    {
        return None;
    }
    let whole: u64 = if number.is_empty() { 0 } else { number.parse().ok()? };
    let rest: u64 = format!("{decimals:0<6}").parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(rest)
}

fn decimal(reader: &mut Reader<'_>, statement: &Statement, word: &Word, least: u64, most: u64) {
    if millionths(&word.text).is_none_or(|number| number < least || number > most) {
        let shown = |value: u64| {
            let text = format!("{}.{:06}", value / 1_000_000, value % 1_000_000);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        reader
            .warn(statement.origin_of(word), Code::KeepalivedNumber)
            .with("word", excerpt(&statement.keyword.text))
            .with("least", shown(least))
            .with("most", shown(most))
            .with("text", excerpt(&word.text));
    }
}

/// Says that a word is none of what stands behind its keyword.
pub(super) fn refused(reader: &mut Reader<'_>, statement: &Statement, word: &Word, choices: &str) {
    reader
        .warn(statement.origin_of(word), Code::KeepalivedValue)
        .with("word", excerpt(&statement.keyword.text))
        .with("text", excerpt(&word.text))
        .with("choices", choices);
}

fn permissions(reader: &mut Reader<'_>, statement: &Statement, word: &Word) {
    const NAMES: [&str; 12] = [
        "IRUSR", "IWUSR", "IXUSR", "IRGRP", "IWGRP", "IXGRP", "IROTH", "IWOTH", "IXOTH", "IRWXU", "IRWXG",
        "IRWXO",
    ];
    if word.text.starts_with(|c: char| c.is_ascii_digit()) {
        if !u32::from_str_radix(&word.text, 8).is_ok_and(|bits| bits <= 0o777) {
            refused(reader, statement, word, "000 777");
        }
        return;
    }
    let wrong = statement
        .arguments
        .iter()
        .find(|word| word.text.split('|').any(|name| !name.is_empty() && !NAMES.contains(&name)));
    if let Some(wrong) = wrong {
        refused(reader, statement, wrong, &NAMES.join(" "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_have_signs_and_decimals() {
        assert_eq!(
            (signed("+5"), signed("-5"), signed("-+5"), signed("5s")),
            (Some(5), Some(-5), None, None)
        );
        for (text, value) in [("1", 1_000_000), (".5", 500_000), ("1.", 1_000_000), ("0.000001", 1)] {
            assert_eq!(millionths(text), Some(value), "{text}");
        }
        for text in ["", ".", "-1", "1s", "0.0000001"] {
            assert_eq!(millionths(text), None, "{text}");
        }
    }
}
