//! Which of the blocks in a post belong to the same node.
//!
//! What a node has only once, found a second time, is another node's. The border between them is drawn where the post
//! itself draws one: a prompt, a file's first line, a fence, a sentence.

use std::collections::BTreeMap;

use crate::format::keepalived::syntax_words::Block;
use crate::format::keepalived::tree::Statement;

/// Something between two blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A sentence or a remark.
    Weak,
    /// The beginning of a file: a prompt with the name of its host, the first line of a file, the border of a piece of
    /// code.
    Strong(Option<String>),
}

/// What stands before each block, by the number of blocks before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks(Vec<(usize, Mark)>);

impl Marks {
    /// Adds a mark behind this many blocks; one of a kind is enough.
    pub(super) fn add(&mut self, blocks: usize, mark: Mark) {
        let same = self.0.last().is_some_and(|(before, last)| {
            *before == blocks && (*last == mark || (mark == Mark::Weak && matches!(last, Mark::Strong(_))))
        });
        if !same {
            self.0.push((blocks, mark));
        }
    }

    /// The strength of the border before a block: 0 where there is none.
    fn strength(&self, block: usize) -> u8 {
        let of = |mark: &Mark| match mark {
            Mark::Weak => 1,
            Mark::Strong(_) => 2,
        };
        self.before(block).map(of).max().unwrap_or(0)
    }

    fn before(&self, block: usize) -> impl Iterator<Item = &Mark> {
        let start = self.0.partition_point(|(blocks, _)| *blocks < block);
        self.0
            .get(start..)
            .unwrap_or_default()
            .iter()
            .take_while(move |(blocks, _)| *blocks == block)
            .map(|(_, mark)| mark)
    }

    /// The host whose prompt stands last before a block.
    fn host(&self, block: usize) -> Option<&str> {
        let hosts = self.before(block).filter_map(|mark| match mark {
            Mark::Strong(host) => host.as_deref(),
            Mark::Weak => None,
        });
        hosts.last()
    }
}

/// What a node has only once.
fn identity(statement: &Statement) -> Option<String> {
    let word = statement.keyword.text.as_str();
    let named = matches!(
        word,
        "vrrp_instance"
            | "vrrp_script"
            | "vrrp_sync_group"
            | "virtual_server"
            | "virtual_server_group"
            | "bfd_instance"
    );
    if !named && !matches!(word, "global_defs" | "static_ipaddress" | "static_routes" | "static_rules") {
        return None;
    }
    let mut identity = word.to_owned();
    for argument in statement.arguments.iter().filter(|_| named) {
        identity.push(' ');
        identity.push_str(&argument.text);
    }
    Some(identity)
}

fn is_heart(statement: &Statement) -> bool {
    matches!(statement.keyword.text.as_str(), "global_defs" | "vrrp_instance")
}

/// The blocks of each node, with the host that a prompt named.
pub(super) fn split(statements: Vec<Statement>, marks: &Marks) -> Vec<(Option<String>, Vec<Statement>)> {
    let borders = borders(&statements, marks);
    let mut nodes = Vec::new();
    let mut rest = statements;
    for border in borders.into_iter().rev() {
        let part = rest.split_off(border);
        nodes.push((host_between(marks, border, border + part.len()), part));
    }
    nodes.push((host_between(marks, 0, rest.len()), rest));
    for (_, statements) in &mut nodes {
        // What stood on a line with a block, but in none.
        statements.retain(|statement| {
            statement.block.is_some() || Block::Top.child(&statement.keyword.text).is_some()
        });
    }
    nodes.retain(|(_, statements)| !statements.is_empty());
    nodes.reverse();
    nodes
}

/// The blocks that are the first of a further node.
fn borders(statements: &[Statement], marks: &Marks) -> Vec<usize> {
    let last_heart = statements.iter().rposition(is_heart);
    let mut borders = Vec::new();
    // Where each thing that a node has once was seen in this node, and the last border of each strength.
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let (mut weak, mut strong) = (None, None);
    let (mut begin, mut host) = (0, None);
    let mut index = 0;
    while let Some(statement) = statements.get(index) {
        match marks.strength(index) {
            0 => {}
            1 => weak = Some(index),
            _ => strong = Some(index),
        }
        let own = identity(statement);
        let first = own.as_ref().and_then(|own| seen.get(own)).copied();
        let here = marks.host(index);
        let moved = index > begin && here.is_some() && host.is_some() && here != host;
        let heart_follows = last_heart >= Some(index);
        let border = if moved && heart_follows {
            Some(index)
        } else {
            // At the strongest mark behind the first of the two; without one only where a heart follows.
            first.and_then(|first| {
                let behind = |border: Option<usize>| border.filter(|border| *border > first);
                behind(strong).or(behind(weak)).or(heart_follows.then_some(index))
            })
        };
        if let Some(border) = border {
            borders.push(border);
            (begin, host, weak, strong) = (border, marks.host(border), None, None);
            seen.clear();
            seen.extend(statements.get(border).and_then(identity).map(|own| (own, border)));
            // What stands between the border and here is looked at again, as part of the new node.
            index = border + 1;
            continue;
        }
        host = here.or(host);
        seen.extend(own.map(|own| (own, index)));
        index += 1;
    }
    borders
}

fn host_between(marks: &Marks, begin: usize, end: usize) -> Option<String> {
    (begin..end).find_map(|block| marks.host(block)).map(str::to_owned)
}
