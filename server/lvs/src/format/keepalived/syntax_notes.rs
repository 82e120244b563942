//! Findings about the lines and braces of a keepalived.conf, in words.
//!
//! Called by `syntax_blocks` and `syntax_statements`, which find them.

use super::lexer::{Note, NoteKind};
use super::tree::{FileIndex, Statement};
use crate::finding::{Code, Finding, Severity};
use crate::format::collector::Collector;
use crate::format::places::Spot;

/// An error at a place.
pub(super) fn at(spot: Spot, code: Code) -> Finding {
    Finding::line(spot.line, spot.column, code)
}

/// A block with its first argument, to be recognised by a person.
fn named(header: &Statement) -> String {
    let name = header.arguments.first().map_or("", |word| word.text.as_str());
    excerpt(format!("{} {name}", header.keyword.text).trim_end())
}

/// Says that a block has no closing brace, and where it was taken to end.
pub(super) fn missing_close(file: FileIndex, spot: Spot, header: &Statement, collector: &mut Collector) {
    let finding = at(spot, Code::BraceMissing).warning().with("block", named(header)).suggest("}");
    collector.add_in(file.0, finding);
}

/// Says that a block has no opening brace, and where it was taken to begin.
pub(super) fn missing_open(file: FileIndex, spot: Spot, header: &Statement, collector: &mut Collector) {
    let meant = excerpt(&format!("{} {{", header.raw));
    let finding = at(spot, Code::KeepalivedBraceForgotten).warning().with("block", named(header));
    collector.add_in(file.0, finding.suggest(meant));
}

/// Says that a block was closed before all of it was there.
pub(super) fn early_close(file: FileIndex, spot: Spot, header: &Statement, collector: &mut Collector) {
    let finding = at(spot, Code::KeepalivedBraceEarly).warning().with("block", named(header));
    collector.add_in(file.0, finding);
}

/// Says what the lexer saw through.
pub(super) fn report(file: FileIndex, note: &Note, collector: &mut Collector) {
    if !collector.lists(Severity::Warning) {
        return;
    }
    let finding = match &note.kind {
        NoteKind::OddBlank(c) => {
            at(note.spot, Code::OddBlank).with("character", format!("U+{:04X}", u32::from(*c)))
        }
        NoteKind::OddQuote(c) => at(note.spot, Code::TypographicQuote).with("character", c).suggest("\""),
        NoteKind::OddBrace(c) => at(note.spot, Code::KeepalivedBraceWide).with("character", c),
        NoteKind::OpenQuote => at(note.spot, Code::QuoteOpen),
        NoteKind::Backslash => at(note.spot, Code::KeepalivedBackslash),
        NoteKind::Slashes(text) => at(note.spot, Code::KeepalivedSlashes)
            .with("text", excerpt(text))
            .suggest(excerpt(&as_remark(text))),
        NoteKind::SlashLine(text) => {
            at(note.spot, Code::KeepalivedSlashLine).suggest(excerpt(&as_remark(text)))
        }
    };
    collector.add_in(file.0, finding.warning());
}

fn as_remark(text: &str) -> String {
    format!("# {}", text.trim_start_matches('/').trim_start())
}

/// The beginning of a text, for a finding; a password in it is not shown.
pub(super) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    const PASSWORD: &str = "auth_pass";
    let secret = text.find(PASSWORD).map(|at| at + PASSWORD.len()).filter(|end| *end < text.len());
    let text = secret.and_then(|end| text.get(..end)).unwrap_or(text);
    let mut shown: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if secret.is_some() || text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}
