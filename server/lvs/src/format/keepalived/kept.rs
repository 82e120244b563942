//! What of a keepalived.conf is put aside: under which key, and without passwords.
//!
//! Keys are `keepalived:` and a path such as `global_defs/smtp_server`; values are statements as they stood in the
//! file, so that a file that is written can hold them again. Called by the readers of blocks.

use std::collections::BTreeMap;

use super::syntax_notes::excerpt;
use super::tree::Statement;
use crate::model::MASK;

/// What all keys begin with.
pub(super) const PREFIX: &str = "keepalived:";

/// Beginnings of keywords whose values are secrets, also where a blank was lost behind them.
const SECRETS: [&str; 4] = ["auth_pass", "auth_hmac", "password", "auth_key"];

/// Puts a statement aside under its keyword; a second one under the same key follows on a line of its own.
pub(super) fn keep(kept: &mut BTreeMap<String, String>, path: &str, statement: &Statement) {
    let word = statement.keyword.text.as_str();
    // A key is shown as it is, so what is glued to such a word stays out of it.
    let word = SECRETS.into_iter().find(|secret| word.starts_with(*secret)).unwrap_or(word);
    let word: String = word.chars().filter(|c| !c.is_control()).collect();
    keep_as(kept, &format!("{path}{word}"), statement);
}

/// Puts a statement aside under a key of its own.
pub(super) fn keep_as(kept: &mut BTreeMap<String, String>, path: &str, statement: &Statement) {
    keep_text(kept, path, &text(statement));
}

/// Puts a text aside.
pub(super) fn keep_text(kept: &mut BTreeMap<String, String>, path: &str, text: &str) {
    kept.entry(format!("{PREFIX}{path}"))
        .and_modify(|known| {
            known.push('\n');
            known.push_str(text);
        })
        .or_insert_with(|| text.to_owned());
}

/// A statement as it stood in its file; written anew, with passwords masked, where it holds one.
pub(super) fn text(statement: &Statement) -> String {
    if holds_secret(statement) {
        let mut text = String::new();
        masked(statement, 0, &mut text);
        return text.trim_end().to_owned();
    }
    // Indented anew, so that it reads the same wherever it stands.
    let mut depth = 0_usize;
    let mut lines = Vec::new();
    for line in statement.raw.lines().map(str::trim).filter(|line| !line.is_empty()) {
        depth = depth.saturating_sub(usize::from(line.starts_with('}')));
        lines.push(format!("{}{line}", "    ".repeat(depth.min(DEEPEST))));
        depth += usize::from(line.ends_with('{'));
    }
    lines.join("\n")
}

/// A keyword as it may be shown: what is glued to one that a secret follows may be the secret.
pub(super) fn shown(word: &str) -> String {
    match SECRETS.iter().find(|secret| word.starts_with(**secret) && word.len() > secret.len()) {
        Some(secret) => format!("{secret}…"),
        None => excerpt(word),
    }
}

/// Deeper blocks are not indented further.
const DEEPEST: usize = 12;

fn is_secret(word: &str) -> bool {
    SECRETS.iter().any(|secret| word.starts_with(secret))
}

fn holds_secret(statement: &Statement) -> bool {
    let words = std::iter::once(&statement.keyword).chain(&statement.arguments);
    words.into_iter().any(|word| SECRETS.iter().any(|secret| word.text.contains(secret)))
        || SECRETS.iter().any(|secret| statement.raw.contains(secret))
        || statement.inside().iter().any(holds_secret)
}

fn masked(statement: &Statement, depth: usize, text: &mut String) {
    let indent = "    ".repeat(depth.min(DEEPEST));
    let words = std::iter::once(&statement.keyword).chain(&statement.arguments);
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        if let Some(secret) = SECRETS.iter().find(|secret| word.text.contains(**secret)) {
            // All behind the keyword goes: where the secret ends is not known.
            let before = word.text.split(secret).next().unwrap_or_default();
            line.push_str(if is_secret(&word.text) { "" } else { before });
            line.push_str(secret);
            line.push(' ');
            line.push_str(MASK);
            break;
        }
        if word.quoted {
            line.push_str(&format!("\"{}\"", word.text.replace('\\', "\\\\").replace('"', "\\\"")));
        } else {
            line.push_str(&word.text);
        }
    }
    text.push_str(&indent);
    text.push_str(&line);
    if let Some(block) = &statement.block {
        text.push_str(" {\n");
        for inner in block {
            masked(inner, depth + 1, text);
        }
        text.push_str(&indent);
        text.push('}');
    }
    text.push('\n');
}
