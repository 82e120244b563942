//! Changes a text of an lvs.cf so that it says what a cluster says, and leaves every other byte as it is.
//!
//! The text is read, what it says is compared with what it should say, and only the lines that differ are written:
//! comments and unknown lines stay where they are, those right above a block move and go with it. Since lines of
//! such a file depend on each other (a server takes the port known above it, one label holds one address), the
//! result is read again until nothing differs. Never writes what the original cannot express, unless it stood there
//! before. Called by `write` for a cluster that keeps the text it came from.

mod arrange;
mod lines;
mod repair;
mod tree;

use std::collections::BTreeMap;

use crate::finding::{Code, Finding, Findings, Place, Severity};
use crate::model::Cluster;

use super::vocabulary::Scope;
use super::write::sheet::{Block, Entry, Sheet};
use super::write::{errors, sheet};
use crate::format::names::Names;
use arrange::{Order, arrange};
use lines::{insert, remove, replace};
use repair::{is_accepted, repair};
use tree::{Branch, Node, Style, Tree};

/// How often lines that depend on each other are looked at again.
const ROUNDS: usize = 8;

/// The text with what differs from the cluster changed in it; the same text where nothing does. Ids, names of the
/// cluster and its directors, and what [`left_out`](super::left_out) names are no part of it.
///
/// `names` are those the text was read with. Fails with what is wrong with the text or the cluster, and with what the
/// changed lines could not express.
pub fn edit(text: &str, names: &Names, cluster: &Cluster) -> Result<String, Findings> {
    let wrong = errors(cluster);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let wanted = comparable(sheet(cluster));
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    let mut text = body.to_owned();
    for _ in 0..ROUNDS {
        let reading = super::read_with(&text, names);
        let Some(read) = reading.cluster else {
            return Err(reading.findings.into_iter().filter(|f| f.severity == Severity::Error).collect());
        };
        let written = comparable(sheet(&read));
        let mut tree = Tree::new(&text);
        let mut pass = Pass { style: tree.style.clone(), refused: Findings::new(), changed: false };
        pass.sheet(&mut tree.nodes, &written, &wanted);
        if !pass.refused.is_empty() {
            return Err(pass.refused);
        }
        if !pass.changed {
            return Ok(format!("{mark}{text}"));
        }
        text = tree.text();
    }
    Err(vec![Finding { place: Place::Whole, ..Finding::field("", Code::EditImpossible) }])
}

/// The text with what was changed: as [`edit`] leaves it where nothing was, or where the daemons can read it. Else as
/// [`repaired`] writes it.
pub(super) fn rewrite(text: &str, cluster: &Cluster) -> Result<String, Findings> {
    match edit(text, &Names::default(), cluster) {
        Ok(edited) if edited == text => Ok(edited),
        edited => readable(edited, cluster),
    }
}

/// The text for the original daemons: as [`edit`] leaves it where they can read that. Where they cannot, the lines
/// they refuse are written anew or become comments; and if that is not enough, all of it is written as by
/// [`canonical`](super::canonical), and refused as there.
pub(super) fn repaired(text: &str, cluster: &Cluster) -> Result<String, Findings> {
    readable(edit(text, &Names::default(), cluster), cluster)
}

/// What [`edit`] made of a text, as the daemons can read it.
fn readable(edited: Result<String, Findings>, cluster: &Cluster) -> Result<String, Findings> {
    if let Ok(edited) = &edited
        && is_accepted(edited)
    {
        return Ok(edited.clone());
    }
    let canonical = super::canonical(cluster)?;
    let Ok(edited) = edited else { return Ok(canonical) };
    let body = edited.strip_prefix('\u{feff}').unwrap_or(&edited);
    let repaired = repair(body, &sheet(cluster));
    let says_the_same = edit(&repaired, &Names::default(), cluster).is_ok_and(|again| again == repaired);
    Ok(if says_the_same && is_accepted(&repaired) { repaired } else { canonical })
}

/// A sheet in which a server's port is only named where it is not that of its virtual server.
fn comparable(mut sheet: Sheet) -> Sheet {
    for service in &mut sheet.services {
        let port = service.value("port").map(str::to_owned);
        for server in &mut service.servers {
            server.entries.retain(|entry| entry.word != "port" || Some(&entry.value) != port.as_ref());
        }
    }
    sheet
}

/// One comparison of a text with what it should say.
struct Pass {
    style: Style,
    refused: Findings,
    changed: bool,
}

impl Pass {
    fn sheet(&mut self, nodes: &mut Vec<Node>, written: &Sheet, wanted: &Sheet) {
        let known: Vec<_> = written.refused.iter().map(|finding| known("", finding)).collect();
        self.refuse_new("", &known, &wanted.refused);
        self.entries(nodes, Scope::Global, true, (&written.entries, &wanted.entries), None);
        self.blocks(nodes, None, None, (&written.services, &wanted.services));
    }

    /// Brings the settings of one place in line.
    fn entries(
        &mut self,
        nodes: &mut Vec<Node>,
        scope: Scope,
        braced: bool,
        (written, wanted): (&[Entry], &[Entry]),
        inherited_port: Option<&str>,
    ) {
        let of = |entries: &[Entry], word: &str| -> Option<Entry> {
            entries.iter().find(|entry| entry.word == word).cloned()
        };
        for word in scope.words() {
            let (before, after) = (of(written, word), of(wanted, word));
            let why = |entry: &Entry| -> Vec<Known> {
                entry
                    .refused
                    .iter()
                    .map(|finding| (String::new(), finding.code, finding.args.clone()))
                    .collect()
            };
            let same = |a: &Entry, b: &Entry| a.value == b.value && why(a) == why(b);
            match (before, after) {
                (None, None) => {}
                (Some(before), Some(after)) if same(&before, &after) => {}
                (_, Some(after)) => {
                    self.refused.extend(after.refused.iter().cloned());
                    self.changed = true;
                    if !replace(nodes, word, &after.line(), &self.style) {
                        insert(nodes, scope, braced, word, &after.line(), &self.style);
                    }
                }
                (Some(_), None) => {
                    self.changed = true;
                    // A server that names no port has taken the one above it, which is not the one it should have.
                    if !remove(nodes, word)
                        && let Some(port) = inherited_port.filter(|_| *word == "port")
                    {
                        insert(nodes, scope, braced, word, &format!("port = {port}"), &self.style);
                    }
                }
            }
        }
    }

    /// Brings blocks of one kind in line: those at the top, or those in a block with this last line and port.
    fn blocks(
        &mut self,
        nodes: &mut Vec<Node>,
        parent: Option<&mut String>,
        port: Option<&str>,
        (written, wanted): (&[Block], &[Block]),
    ) {
        let matches = matches(written, wanted);
        let mut order = Vec::new();
        for (block, found) in wanted.iter().zip(&matches) {
            match found {
                Some(index) => order.push(Order::Old(*index)),
                None => {
                    self.refused.extend(block.refused().into_iter().cloned());
                    order.push(Order::New(Branch::new(block, &self.style)));
                }
            }
        }
        let unchanged = order.len() == written.len()
            && order.iter().enumerate().all(|(at, slot)| matches!(slot, Order::Old(index) if *index == at));
        let renamed = wanted.iter().zip(written).any(|(block, before)| block.name != before.name);
        // First what is in the blocks, while they still stand in the order of the text.
        let mut branches: Vec<&mut Branch> = nodes.iter_mut().filter_map(Node::as_service).collect();
        for (block, found) in wanted.iter().zip(&matches) {
            let Some(index) = found else { continue };
            if let (Some(before), Some(branch)) = (written.get(*index), branches.get_mut(*index)) {
                // A number that tells it from others of its name depends on which of them come first.
                if (!unchanged || renamed) && branch.is_numbered(&before.name) {
                    branch.rename(&before.name);
                }
                self.block(branch, port, before, block);
            }
        }
        if !unchanged {
            self.changed = true;
            arrange(nodes, parent, order, &self.style);
        }
    }

    fn block(&mut self, branch: &mut Branch, port: Option<&str>, written: &Block, wanted: &Block) {
        if written.name != wanted.name {
            self.refused.extend(wanted.name_refused.iter().cloned());
            self.changed = true;
            branch.rename(&wanted.name);
        }
        let known: Vec<_> = written.refused.iter().map(|finding| known(&written.pointer, finding)).collect();
        self.refuse_new(&wanted.pointer, &known, &wanted.refused);
        let braced = branch.braced;
        self.entries(&mut branch.nodes, wanted.scope, braced, (&written.entries, &wanted.entries), port);
        if wanted.scope == Scope::Virtual {
            let servers = (written.servers.as_slice(), wanted.servers.as_slice());
            // What servers inherit is only known when the port of the block is what it should be.
            let port = wanted.value("port").filter(|port| written.value("port") == Some(port));
            self.blocks(&mut branch.nodes, Some(&mut branch.tail), port, servers);
        }
    }

    /// Refuses what was not there before.
    fn refuse_new(&mut self, pointer: &str, old: &[Known], wanted: &Findings) {
        self.refused.extend(wanted.iter().filter(|finding| !old.contains(&known(pointer, finding))).cloned());
    }
}

/// What makes two refusals the same wherever their block stands.
type Known = (String, Code, Vec<(&'static str, String)>);

fn known(pointer: &str, finding: &Finding) -> Known {
    let place = finding.pointer().and_then(|place| place.strip_prefix(pointer)).unwrap_or_default();
    (place.to_owned(), finding.code, finding.args.clone())
}

/// For each block that should be there the one that is: of the same name, or else at the same address and port.
fn matches(written: &[Block], wanted: &[Block]) -> Vec<Option<usize>> {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, block) in written.iter().enumerate() {
        names.entry(&block.name).or_insert(index);
    }
    let mut found: Vec<Option<usize>> =
        wanted.iter().map(|block| names.remove(block.name.as_str())).collect();
    let key = |block: &Block| {
        ["address", "fwmark", "protocol", "port"].map(|word| block.value(word).map(str::to_owned))
    };
    // The first of several at one address comes last, to be taken first.
    let mut left: Vec<usize> = names.into_values().collect();
    left.sort_unstable_by(|a, b| b.cmp(a));
    let mut keys: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for index in left {
        keys.entry(written.get(index).map(key)).or_default().push(index);
    }
    for (block, found) in wanted.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
        *found = keys.get_mut(&Some(key(block))).and_then(Vec::pop);
    }
    found
}
