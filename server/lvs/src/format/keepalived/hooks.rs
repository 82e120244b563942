//! `notify_master`, `notify_backup` and `notify_fault`: the programs that run when a virtual router changes its state.
//!
//! A cluster has one program for becoming active and one for not being active any more, because one director holds all
//! addresses. Those of a sync group count before those of an instance; what differs from the ones taken is put aside.
//! Nothing is ever run here.

use std::collections::BTreeMap;

use super::kept;
use super::reader::{Origins, Reader};
use super::syntax_notes::excerpt;
use super::tree::Statement;
use super::unacted;
use crate::finding::Code;
use crate::model::{CommandLine, Redundancy, TEXT_MAXIMUM, WORDS_MAXIMUM};

/// The folder that directors run such programs from, besides one of the agent's own.
const FOLDER: &str = "/etc/caribe/hooks";

/// A statement that names a program, and what begins the key under which it is put aside.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    statement: Statement,
    path: String,
}

impl Hook {
    /// The hook of a statement; none where the keyword is another.
    pub(super) fn of(statement: &Statement, path: &str) -> Option<Hook> {
        let known =
            matches!(statement.keyword.text.as_str(), "notify_master" | "notify_backup" | "notify_fault");
        known.then(|| Hook { statement: statement.clone(), path: path.to_owned() })
    }

    fn is(&self, word: &str) -> bool {
        self.statement.is(word)
    }

    /// The program with its arguments, as a setting can hold it: words without quotes. Behind a program keepalived takes
    /// further words for a user and a group.
    fn command(&self) -> Option<String> {
        let text = &self.statement.argument(0)?.text;
        let command: CommandLine = text.parse().ok()?;
        let words = command.words();
        let fits = command.program().is_some_and(|program| program.starts_with('/'))
            && !command.program()?.split('/').any(|part| part == "..")
            && words.len() <= WORDS_MAXIMUM
            && !text.chars().any(char::is_control)
            && text.chars().count() <= TEXT_MAXIMUM;
        command.unquoted().filter(|_| fits)
    }
}

/// Gives the redundancy settings the programs of a node, and puts aside what they have no room for.
pub(super) fn take(
    reader: &mut Reader<'_>,
    hooks: &[Hook],
    kept: &mut BTreeMap<String, String>,
    origins: &mut Origins,
    redundancy: &mut Redundancy,
) {
    let first = |word: &str| {
        hooks.iter().enumerate().find_map(|(at, hook)| Some((at, hook.command().filter(|_| hook.is(word))?)))
    };
    let active = first("notify_master");
    // A director at fault is a standby one here.
    let standby = first("notify_backup").or_else(|| first("notify_fault"));
    let taken = [
        (&active, "/redundancy/active_cmd", "active_cmd"),
        (&standby, "/redundancy/inactive_cmd", "inactive_cmd"),
    ];
    for (found, pointer, field) in taken {
        let Some((hook, command)) = found.as_ref().and_then(|(at, command)| Some((hooks.get(*at)?, command)))
        else {
            continue;
        };
        let statement = &hook.statement;
        origins.insert(pointer, statement.value_origin());
        let program = command.split(' ').next().unwrap_or_default();
        if !program.starts_with(&format!("{FOLDER}/")) {
            let name = program.rsplit('/').next().unwrap_or_default();
            reader
                .warn(statement.value_origin(), Code::KeepalivedHook)
                .with("word", &statement.keyword.text)
                .with("program", excerpt(program))
                .with("field", field)
                .with("folder", FOLDER)
                .suggest(Some(format!("{FOLDER}/{}", excerpt(name))));
        }
        if let Some(user) = statement.argument(1) {
            reader
                .warn(statement.origin_of(user), Code::KeepalivedHookUser)
                .with("user", excerpt(&user.text))
                .with("word", &statement.keyword.text);
            kept::keep_text(
                kept,
                &format!("{}{} user", hook.path, statement.keyword.text),
                &excerpt(&user.text),
            );
        }
    }
    for hook in hooks {
        let (own, taken) = match hook.is("notify_master") {
            true => (hook.command(), &active),
            false => (hook.command(), &standby),
        };
        match (own, taken) {
            (Some(own), Some((_, taken))) if own == *taken => continue,
            (Some(_), Some((_, taken))) if !hook.statement.reported => {
                reader
                    .warn(hook.statement.origin(), Code::KeepalivedHookOther)
                    .with("word", &hook.statement.keyword.text)
                    .with("taken", excerpt(taken));
            }
            _ => {
                reader
                    .warn(hook.statement.origin(), Code::KeepalivedHookWords)
                    .with("word", &hook.statement.keyword.text);
            }
        }
        kept::keep(kept, &hook.path, &hook.statement);
    }
    redundancy.active_cmd = active.map(|(_, command)| command);
    redundancy.inactive_cmd = standby.map(|(_, command)| command);
}

/// Says of `notify`, which runs one program for all states, what it would be here, and puts it aside.
pub(super) fn any_state(
    reader: &mut Reader<'_>,
    statement: &Statement,
    kept: &mut BTreeMap<String, String>,
    path: &str,
) {
    let Some(program) = statement.argument(0).filter(|_| !statement.reported) else {
        unacted::aside(reader, kept, path, super::syntax_words::Block::Instance, statement);
        return;
    };
    let (kind, name) = path.trim_end_matches('/').split_once(' ').unwrap_or((path, ""));
    let kind = if kind == "vrrp_sync_group" { "GROUP" } else { "INSTANCE" };
    reader
        .warn(statement.origin(), Code::KeepalivedHookAny)
        .with("word", &statement.keyword.text)
        .suggest(Some(excerpt(&format!("{} {kind} {name} MASTER", program.text))));
    kept::keep(kept, path, statement);
}
