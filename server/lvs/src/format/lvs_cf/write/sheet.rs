//! What an lvs.cf for a cluster holds, before it becomes text: settings by word, blocks by name, and beside each what
//! the original cannot express of it.

use std::borrow::Cow;

use crate::finding::{Finding, Findings};
use crate::format::lvs_cf::vocabulary::Scope;

/// A whole file.
#[derive(Debug, Default)]
pub(in crate::format::lvs_cf) struct Sheet {
    /// Settings outside every block, in the order in which they are written.
    pub(in crate::format::lvs_cf) entries: Vec<Entry>,
    /// Comments that stand for what the original does not know.
    pub(in crate::format::lvs_cf) comments: Vec<String>,
    /// Failover services: their first line, and what is in them.
    pub(in crate::format::lvs_cf) failovers: Vec<(String, String)>,
    /// Virtual servers.
    pub(in crate::format::lvs_cf) services: Vec<Block>,
    /// What no line is there for.
    pub(in crate::format::lvs_cf) refused: Findings,
    /// What the daemons read and the old pages damage.
    pub(in crate::format::lvs_cf) damaged: Findings,
}

/// A `virtual` or `server` block.
#[derive(Debug)]
pub(in crate::format::lvs_cf) struct Block {
    /// Which of them.
    pub(in crate::format::lvs_cf) scope: Scope,
    /// Pointer of what it is made from.
    pub(in crate::format::lvs_cf) pointer: String,
    /// Its name.
    pub(in crate::format::lvs_cf) name: String,
    /// What is wrong with the name.
    pub(in crate::format::lvs_cf) name_refused: Findings,
    /// Its settings, in the order in which they are written.
    pub(in crate::format::lvs_cf) entries: Vec<Entry>,
    /// Comments that stand for what the original does not know.
    pub(in crate::format::lvs_cf) comments: Vec<String>,
    /// The `server` blocks in it.
    pub(in crate::format::lvs_cf) servers: Vec<Block>,
    /// What no line is there for.
    pub(in crate::format::lvs_cf) refused: Findings,
}

/// One setting.
#[derive(Clone, Debug)]
pub(in crate::format::lvs_cf) struct Entry {
    /// Its word.
    pub(in crate::format::lvs_cf) word: &'static str,
    /// Its value as it is written.
    pub(in crate::format::lvs_cf) value: String,
    /// Why it cannot be written.
    pub(in crate::format::lvs_cf) refused: Findings,
}

/// The first line of a block.
pub(in crate::format::lvs_cf) fn head(kind: &str, name: &str) -> String {
    format!("{kind} {} {{", one_word(name))
}

/// A name as one word of a line.
pub(in crate::format::lvs_cf) fn one_word(name: &str) -> Cow<'_, str> {
    if name.contains(char::is_whitespace) { format!("\"{name}\"").into() } else { name.into() }
}

impl Sheet {
    /// Everything that cannot be written.
    pub(in crate::format::lvs_cf) fn refused(&self) -> impl Iterator<Item = &Finding> {
        let own = self.refused.iter().chain(self.entries.iter().flat_map(|entry| &entry.refused));
        own.chain(self.services.iter().flat_map(Block::refused))
    }
}

impl Block {
    /// Everything in it that cannot be written.
    pub(in crate::format::lvs_cf) fn refused(&self) -> Vec<&Finding> {
        let own = self.name_refused.iter().chain(&self.refused);
        let own = own.chain(self.entries.iter().flat_map(|entry| &entry.refused));
        own.chain(self.servers.iter().flat_map(Block::refused)).collect()
    }

    /// Its first line.
    pub(in crate::format::lvs_cf) fn head(&self) -> String {
        head(self.scope.as_str(), &self.name)
    }

    /// The value of one of its words.
    pub(in crate::format::lvs_cf) fn value(&self, word: &str) -> Option<&str> {
        self.entries.iter().find(|entry| entry.word == word).map(|entry| entry.value.as_str())
    }
}

impl Entry {
    /// Its line, without blanks before it.
    pub(in crate::format::lvs_cf) fn line(&self) -> String {
        format!("{} = {}", self.word, self.value)
    }
}
