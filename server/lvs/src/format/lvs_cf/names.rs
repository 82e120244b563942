//! Names of blocks, made to fit the rules for names and to be unlike each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Code;
use crate::format::places::Spot;
use crate::model::{NAME_MAXIMUM, dots, refuses};

use super::document::{Block, excerpt};
use super::reader::Reader;
use super::vocabulary::Scope;

/// Names given so far among blocks of one kind.
#[derive(Debug, Default)]
pub(super) struct Taken {
    names: BTreeSet<String>,
    suffixes: BTreeMap<String, usize>,
}

impl Reader<'_> {
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
        let fit = |text: &str, room: usize| {
            let fit: String =
                text.trim().chars().map(|c| if refuses(c) { '_' } else { c }).take(room).collect();
            if dots(&fit) { fit.replace('.', "_") } else { fit.trim_end().to_owned() }
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
