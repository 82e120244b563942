//! What an instance or a checker tracks by name, and whether keepalived knows the name where it stands.
//!
//! keepalived reads from top to bottom: what is defined further down is unknown to it. Called by `node`, which tells
//! it of every block as it comes, and by `tracking` for each list.

use std::collections::{BTreeMap, BTreeSet};

use super::kept;
use super::reader::Reader;
use super::syntax_notes::excerpt;
use super::tree::{Statement, Word};
use super::values;
use crate::finding::Code;

/// What can be tracked by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Script,
    File,
    Process,
    Bfd,
    Group,
}

impl Kind {
    /// What a block at the top defines.
    fn defined_by(word: &str) -> Option<Kind> {
        match word {
            "vrrp_script" => Some(Kind::Script),
            "track_file" | "vrrp_track_file" => Some(Kind::File),
            "vrrp_track_process" | "track_process" => Some(Kind::Process),
            "bfd_instance" => Some(Kind::Bfd),
            "track_group" => Some(Kind::Group),
            _ => None,
        }
    }

    /// What a list tracks.
    pub(super) fn tracked_by(word: &str) -> Option<Kind> {
        match word {
            "track_script" => Some(Kind::Script),
            "track_file" => Some(Kind::File),
            "track_process" => Some(Kind::Process),
            "track_bfd" => Some(Kind::Bfd),
            _ => None,
        }
    }
}

/// The names that a text defines.
#[derive(Debug, Default)]
pub(super) struct Defined {
    all: BTreeSet<(Kind, String)>,
    so_far: BTreeSet<(Kind, String)>,
    /// Those with a weight of their own that counts, or with one of none.
    weights: BTreeMap<(Kind, String), bool>,
}

impl Defined {
    /// Those of a whole text.
    pub(super) fn of(statements: &[Statement]) -> Self {
        let all = statements.iter().filter_map(definition).collect();
        let weight = |statement: &Statement| {
            let line = statement.inside().iter().rfind(|line| line.is("weight"))?;
            Some((definition(statement)?, line.argument(0)?.text != "0"))
        };
        Defined { all, so_far: BTreeSet::new(), weights: statements.iter().filter_map(weight).collect() }
    }

    /// The lines of a list that change a priority by a weight, their own or that of what they name.
    pub(super) fn weighted<'s>(&self, list: &'s Statement) -> Vec<&'s Statement> {
        let kind = Kind::tracked_by(&list.keyword.text);
        let lines = list.inside().iter();
        let weighs = |line: &&Statement| {
            let own = line.arguments.iter().skip_while(|word| word.text != "weight").nth(1);
            let named = kind.map(|kind| (kind, line.keyword.text.clone()));
            if named.as_ref().is_some_and(|named| !self.all.contains(named)) {
                return false;
            }
            match (own, named) {
                (Some(weight), _) => weight.text != "0",
                (None, None) => false,
                // A file without a word about it has the weight 1.
                (None, Some(named)) => self.weights.get(&named).copied().unwrap_or(named.0 == Kind::File),
            }
        };
        lines.filter(weighs).collect()
    }

    /// Takes a block into account that has just been read.
    pub(super) fn meet(&mut self, reader: &mut Reader<'_>, statement: &Statement) {
        let Some((kind, name)) = definition(statement) else { return };
        // Of the others the last one of a name counts, without a word.
        if !self.so_far.insert((kind, name)) && matches!(kind, Kind::Bfd | Kind::Group) {
            again(reader, statement);
        }
    }

    /// Whether a name is known where the reading has come to, which is said where it is not.
    fn knows(
        &self,
        reader: &mut Reader<'_>,
        kind: Kind,
        list: &Statement,
        line: &Statement,
        name: &Word,
    ) -> bool {
        let key = (kind, name.text.clone());
        if self.so_far.contains(&key) {
            return true;
        }
        let early = self.all.contains(&key);
        let origin = line.origin_of(name);
        match (early, kind) {
            (true, _) => reader.warn(origin, Code::KeepalivedTrackEarly).with("word", &list.keyword.text),
            (false, Kind::Script) => reader.warn(origin, Code::KeepalivedTrackScriptUnknown),
            (false, _) => reader.warn(origin, Code::KeepalivedTrackUnknown).with("word", &list.keyword.text),
        }
        .with("name", excerpt(&name.text));
        early
    }

    /// Checks the names of a list and what stands behind them; gives those that are defined anywhere.
    pub(super) fn names<'s>(
        &self,
        reader: &mut Reader<'_>,
        kind: Kind,
        list: &'s Statement,
    ) -> Vec<&'s Statement> {
        let lines = list.inside().iter();
        let lines: Vec<_> =
            lines.filter(|line| self.knows(reader, kind, list, line, &line.keyword)).collect();
        weights(reader, list);
        lines
    }

    /// Checks the groups that addresses, routes and rules of the host go with.
    pub(super) fn groups(&self, reader: &mut Reader<'_>, block: &Statement) {
        if !block.keyword.text.starts_with("static_") {
            return;
        }
        for line in block.inside() {
            let mut words = line.arguments.iter().skip_while(|word| word.text != "track_group");
            if let (Some(word), Some(name)) = (words.next(), words.next()) {
                let key = (Kind::Group, name.text.clone());
                if !self.so_far.contains(&key) {
                    let early = self.all.contains(&key);
                    let code = if early { Code::KeepalivedTrackEarly } else { Code::KeepalivedTrackUnknown };
                    reader
                        .warn(line.origin_of(name), code)
                        .with("name", excerpt(&name.text))
                        .with("word", &word.text);
                }
            }
        }
    }

    /// Checks what the checkers of a service look at.
    pub(super) fn checkers(&self, reader: &mut Reader<'_>, service: &Statement) {
        let servers = service.inside().iter().filter(|inner| inner.is("real_server"));
        for checker in servers.flat_map(Statement::inside) {
            let (kind, word) = match checker.keyword.text.as_str() {
                "FILE_CHECK" => (Kind::File, "track_file"),
                "BFD_CHECK" => (Kind::Bfd, "name"),
                _ => continue,
            };
            for line in checker.inside().iter().filter(|line| line.is(word)) {
                if let Some(name) = line.argument(0) {
                    self.knows(reader, kind, checker, line, name);
                }
            }
        }
    }
}

fn definition(statement: &Statement) -> Option<(Kind, String)> {
    let kind = Kind::defined_by(&statement.keyword.text)?;
    Some((kind, statement.argument(0)?.text.clone()))
}

/// Says that a block of this kind and name was there before.
pub(super) fn again(reader: &mut Reader<'_>, statement: &Statement) {
    reader
        .warn(statement.origin(), Code::KeepalivedNameAgain)
        .with("word", &statement.keyword.text)
        .with("name", excerpt(&statement.words()));
}

/// Checks each line of a list: a name, given once, and perhaps its weight.
pub(super) fn weights(reader: &mut Reader<'_>, list: &Statement) {
    let mut names = BTreeSet::new();
    for line in list.inside() {
        if !names.insert(line.keyword.text.as_str()) {
            reader
                .warn(line.origin(), Code::KeepalivedTrackAgain)
                .with("name", kept::shown(&line.keyword.text))
                .with("word", &list.keyword.text);
            continue;
        }
        match line.arguments.split_first() {
            Some((word, [])) if word.text == "weight" => {
                reader.warn(line.origin_of(word), Code::ValueMissing).with("word", "weight");
            }
            Some((word, further)) if word.text == "weight" => values::weight(reader, line, further, 253),
            Some((word, _)) => values::option(reader, line, word),
            None => {}
        }
    }
}
