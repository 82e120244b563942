//! Every folder in `tests/keepalived_syntax` holds a text (`input.conf` as a file, `input.txt` as a paste), and beside
//! it what comes of it: `statements.txt` and `findings.txt`. Its other files are those that the text may include.
//!
//! `KEEPALIVED_SYNTAX_REWRITE=1 cargo test -p lvs syntax_cases` writes both anew; look at the difference before
//! keeping it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]
// The files are the test's; the crate has none.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::paste;
use super::syntax;
use super::texts::Texts;
use super::tree::{FileIndex, Statement, Word};
use crate::format::collector::Collector;
use crate::format::report::Line;

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keepalived_syntax");
    let mut cases: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 30, "the cases are gone");
    cases
}

/// The files beside the text that it may include.
fn beside(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        if !matches!(name.as_str(), "input.txt" | "statements.txt" | "findings.txt") {
            files.insert(name, fs::read_to_string(path).unwrap());
        }
    }
    files
}

fn word(word: &Word) -> String {
    let quoted = word.quoted || word.text.chars().any(|c| c.is_control() || c == '"');
    if quoted { format!("{:?}", word.text) } else { word.text.clone() }
}

fn show(statements: &[Statement], depth: usize, shown: &mut String) {
    for statement in statements {
        let spot = statement.keyword.spot;
        let words = std::iter::once(&statement.keyword).chain(&statement.arguments);
        let words: Vec<_> = words.map(word).collect();
        let file = if statement.file.0 == 0 { String::new() } else { format!("{}/", statement.file.0) };
        let place = format!("{file}{}:{}", spot.line, spot.column);
        write!(shown, "{place:8}{:1$}{2}", "", depth * 4, words.join(" ")).unwrap();
        if let Some(block) = &statement.block {
            let aside = if statement.reported { " (kept aside)" } else { "" };
            writeln!(shown, " {{{aside}").unwrap();
            show(block, depth + 1, shown);
            writeln!(shown, "{:1$}}}", "", 8 + depth * 4).unwrap();
        } else {
            shown.push('\n');
        }
        assert!(
            statement.raw.starts_with(&statement.keyword.text)
                || statement.keyword.quoted
                || statement.raw.len() > 1
        );
    }
}

/// The statements and the findings of a case.
fn read(folder: &Path) -> (String, String) {
    let files = beside(folder);
    let mut collector = Collector::default();
    let mut shown = String::new();
    let pasted = folder.join("input.txt");
    let name = if pasted.exists() { "input.txt" } else { "input.conf" };
    let mut texts = Texts::new([name], Some(&files));
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let nodes = match name {
        "input.txt" => paste::parse(FileIndex(0), &text, &mut collector),
        _ => syntax::parse(&mut texts, FileIndex(0), &text, None, &mut collector),
    };
    let several = nodes.len() > 1;
    for node in nodes {
        if several {
            writeln!(shown, "== {}", node.id.as_deref().unwrap_or("another node")).unwrap();
        }
        show(&node.statements, 0, &mut shown);
    }
    let mut findings = String::new();
    for (file, finding) in collector.finish_by_file() {
        writeln!(findings, "{}", Line::new(&texts.names()[file], &finding)).unwrap();
        if let Some(suggestion) = &finding.suggestion {
            writeln!(findings, "    suggestion: {suggestion}").unwrap();
        }
    }
    (shown, findings)
}

#[test]
fn every_text_is_taken_apart_as_written_down() {
    let rewrite = std::env::var_os("KEEPALIVED_SYNTAX_REWRITE").is_some();
    let mut wrong = Vec::new();
    for folder in cases() {
        let (statements, findings) = read(&folder);
        for (name, actual) in [("statements.txt", statements), ("findings.txt", findings)] {
            let file = folder.join(name);
            if rewrite {
                fs::write(&file, &actual).unwrap();
            } else if fs::read_to_string(&file).unwrap_or_default() != actual {
                wrong.push(format!("{}:\n{actual}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
