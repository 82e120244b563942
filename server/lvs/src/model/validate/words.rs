//! Rules for names, ids and other texts.

use std::collections::BTreeSet;

use crate::finding::{Code, Finding, Findings};
use crate::model::{CommandLine, Id};

/// Longest name, characters.
pub const NAME_MAXIMUM: usize = 64;
/// Longest text of a check or command, characters.
pub const TEXT_MAXIMUM: usize = 4096;

/// A name for people: anything that fits in a line, an lvs.cf block head and a path of the API.
pub(super) fn name(findings: &mut Findings, pointer: &str, name: &str) {
    if !length(findings, pointer, name) {
        return;
    }
    if let Some(character) = name.chars().find(|c| refuses(*c)) {
        findings
            .push(Finding::field(pointer, Code::NameCharacter).with("character", character.escape_default()));
    } else if dots(name) {
        findings.push(Finding::field(pointer, Code::NameCharacter).with("character", '.'));
    } else if name.trim() != name {
        findings.push(Finding::field(pointer, Code::NameBlankEdge).suggest(name.trim()));
    }
}

/// Whether a name has no place for the character: it would end a line, a block head or a path, or is not seen and
/// makes one name look like another (invisible characters, changes of the direction of writing).
pub(crate) fn refuses(c: char) -> bool {
    let unseen = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let blank = c.is_whitespace() && c != ' ';
    c.is_control() || blank || unseen || matches!(c, '/' | '"' | '\\' | '{' | '}')
}

/// Whether a path of the API would take the name for a folder.
pub(crate) fn dots(name: &str) -> bool {
    matches!(name, "." | "..")
}

/// A director's name, which also goes into certificates, tokens and command lines.
pub(super) fn director_name(findings: &mut Findings, pointer: &str, name: &str) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !length(findings, pointer, name) {
        return;
    }
    let dot = dots(name).then_some('.');
    if let Some(character) = name.chars().find(|c| !allowed(*c)).or(dot) {
        findings
            .push(Finding::field(pointer, Code::NameCharacter).with("character", character.escape_default()));
    }
}

fn length(findings: &mut Findings, pointer: &str, name: &str) -> bool {
    let length = name.chars().count();
    if length == 0 {
        findings.push(Finding::field(pointer, Code::NameMissing));
    } else if length > NAME_MAXIMUM {
        findings.push(Finding::field(pointer, Code::NameTooLong).with("length", length));
    }
    (1..=NAME_MAXIMUM).contains(&length)
}

/// A text that is sent, expected or run.
pub(super) fn text(findings: &mut Findings, pointer: &str, text: &str) {
    let length = text.chars().count();
    if length > TEXT_MAXIMUM {
        findings.push(
            Finding::field(pointer, Code::TextTooLong).with("maximum", TEXT_MAXIMUM).with("length", length),
        );
    }
}

/// Most words of a program with its arguments.
pub const WORDS_MAXIMUM: usize = 64;

/// A program with its arguments, run without a shell.
pub(super) fn command(findings: &mut Findings, pointer: &str, command: &CommandLine) {
    let words = command.words();
    text(findings, pointer, &words.join(" "));
    // A program cannot be given a NUL, and a control character in a log would hide what ran.
    if words.len() > WORDS_MAXIMUM || words.iter().any(|word| word.chars().any(char::is_control)) {
        findings.push(Finding::field(pointer, Code::CheckArgument).with("maximum", WORDS_MAXIMUM));
    }
    match command.program().filter(|program| !program.is_empty()) {
        None => findings.push(Finding::field(pointer, Code::CommandEmpty)),
        Some(program) if program.split('/').any(|part| part == "..") => {
            findings.push(Finding::field(pointer, Code::CheckProgramPath).with("program", program));
        }
        Some(program) if !program.starts_with('/') => {
            findings.push(Finding::field(pointer, Code::CommandPath).with("program", program).warning());
        }
        Some(_) => {}
    }
}

/// Finds what is used twice.
#[derive(Default)]
pub(super) struct Seen<'a> {
    names: BTreeSet<&'a str>,
    ids: BTreeSet<&'a str>,
}

impl<'a> Seen<'a> {
    pub(super) fn name(&mut self, findings: &mut Findings, pointer: String, name: &'a str) {
        if !self.names.insert(name) && !name.is_empty() {
            findings.push(Finding::field(pointer, Code::NameTaken).with("name", name));
        }
    }

    pub(super) fn id(&mut self, findings: &mut Findings, pointer: String, id: &'a Id) {
        if !id.is_unset() && !self.ids.insert(&id.0) {
            findings.push(Finding::field(pointer, Code::IdTaken).with("id", id));
        }
    }
}
