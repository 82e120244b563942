//! Texts to clusters: the nodes of one cluster, or whatever a pasted text holds.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{self, Taken};
use super::node::{self, CLUSTER_NAME, Node};
use super::reader::{Origins, Reader};
use super::syntax;
use super::texts::Texts;
use super::tree::{FileIndex, Statement};
use super::{nodes, paste};
use crate::finding::{Code, Finding};
use crate::format::collector::Collector;
use crate::format::source::{Outcome, Source};
use crate::model::Cluster;

/// Reads the configurations of one node or of both nodes of a cluster, one text each, or one text whose conditions
/// tell the nodes apart. `folder` holds, by relative path, what `include` may lead to; it may also lead to one of the
/// texts, which then is no node's.
///
/// The cluster comes without ids and is named [`node::CLUSTER_NAME`]. The node of the higher priority takes the
/// primary seat.
pub fn read(sources: &[Source<'_>], folder: Option<&BTreeMap<String, String>>) -> Outcome {
    let mut collector = Collector::default();
    let mut texts = Texts::new(sources.iter().map(|source| source.name), folder);
    let mut said = BTreeSet::new();
    let mut found: Vec<Node> = Vec::new();
    let nodes = texts.nodes(sources);
    let of = |file: &FileIndex| Some((*file, sources.get(file.0)?));
    for (index, (file, source)) in nodes.iter().filter_map(of).enumerate() {
        let mut parsed = syntax::parse(&mut texts, file, source.text, None, &mut collector);
        if nodes.len() > 1 && parsed.len() > 1 {
            // One file on both machines: the n-th copy stands for the n-th of its nodes.
            let mine = parsed.swap_remove(index.min(parsed.len() - 1));
            parsed = vec![mine];
        }
        for parsed in parsed {
            found.push(one(&mut collector, &mut said, file, parsed.id, &parsed.statements));
        }
    }
    let built = together(&mut collector, found, texts.names());
    let cluster = built
        .and_then(|(cluster, origins)| checked(&mut collector, &mut said, cluster, &origins, FileIndex(0)));
    let cluster = cluster.filter(|_| !collector.has_errors());
    Outcome {
        cluster,
        candidates: Vec::new(),
        files: texts.names().to_vec(),
        findings: collector.finish_by_file(),
    }
}

/// Whether each text is a part that another one includes. It need not look like a configuration by itself.
pub fn parts(sources: &[Source<'_>]) -> Vec<bool> {
    let mut texts = Texts::new(sources.iter().map(|source| source.name), None);
    texts.nodes(sources);
    (0..sources.len()).map(|index| texts.is_part(FileIndex(index))).collect()
}

/// Reads a text in which configurations were pasted among whatever else. One node in it is the cluster; of several each
/// is a candidate, named after the node.
pub fn read_paste(source: &Source<'_>) -> Outcome {
    let mut collector = Collector::default();
    let file = FileIndex(0);
    let mut said = BTreeSet::new();
    let found: Vec<Node> = paste::parse(file, source.text, &mut collector)
        .into_iter()
        .map(|parsed| one(&mut collector, &mut said, file, parsed.id, &parsed.statements))
        .collect();
    let count = found.len();
    if let Some(second) = found.get(1) {
        let spot = second.spot();
        let finding = Finding::line(spot.line, spot.column, Code::KeepalivedPasteNodes);
        collector.add(finding.warning().with("count", count));
    }
    let mut given = Taken::default();
    let mut clusters = Vec::new();
    for node in found {
        let name = node.id.as_ref().or(node.router_id.as_ref().map(|(name, _)| name));
        let name = name.and_then(|name| names::usable(name)).unwrap_or_else(|| CLUSTER_NAME.to_owned());
        let (mut cluster, origins) = if count > 1 {
            (node.cluster, node.origins)
        } else {
            nodes::alone(&mut Reader { collector: &mut collector }, node)
        };
        if count > 1 {
            cluster.name = given.give(&name);
        }
        clusters.extend(checked(&mut collector, &mut said, cluster, &origins, file));
    }
    if count == 0 && !collector.has_errors() {
        collector.add(Finding::line(1, 1, Code::KeepalivedEmpty));
    }
    if collector.has_errors() {
        clusters.clear();
    }
    let cluster = if count == 1 { clusters.pop() } else { None };
    Outcome {
        cluster,
        candidates: clusters,
        files: vec![source.name.to_owned()],
        findings: collector.finish_by_file(),
    }
}

/// Reads one node; what was said of another node of the same text is not said again.
fn one(
    collector: &mut Collector,
    said: &mut BTreeSet<(usize, Finding)>,
    file: FileIndex,
    id: Option<String>,
    statements: &[Statement],
) -> Node {
    let mut own = Collector::default();
    let node = node::read(&mut Reader { collector: &mut own }, file, id, statements);
    for (file, finding) in own.finish_by_file() {
        if said.insert((file, finding.clone())) {
            collector.add_in(file, finding);
        }
    }
    node
}

fn together(collector: &mut Collector, mut found: Vec<Node>, files: &[String]) -> Option<(Cluster, Origins)> {
    if found.len() > 2 {
        let count = found.len();
        let file = found.get(2).map_or(0, |node| node.file.0);
        collector.add_in(file, Finding::line(1, 1, Code::KeepalivedNodesMany).with("count", count));
        found.truncate(2);
    }
    let mut reader = Reader { collector };
    let second = found.pop();
    match (found.pop(), second) {
        (Some(first), Some(second)) => Some(nodes::pair(&mut reader, first, second, files)),
        (None, Some(only)) => Some(nodes::alone(&mut reader, only)),
        _ => None,
    }
}

/// The cluster with what its own rules say, each at the line its field came from; none where it holds nothing.
fn checked(
    collector: &mut Collector,
    said: &mut BTreeSet<(usize, Finding)>,
    cluster: Cluster,
    origins: &Origins,
    file: FileIndex,
) -> Option<Cluster> {
    let redundancy = &cluster.redundancy;
    let empty = cluster.virtual_servers.is_empty()
        && redundancy.protocol.instances().is_empty()
        && redundancy.addresses.is_empty();
    if empty {
        // A refused block says better what is wrong.
        if !collector.has_errors() {
            collector.add_in(file.0, Finding::line(1, 1, Code::KeepalivedEmpty));
        }
        return None;
    }
    for finding in cluster.findings() {
        let (file, finding) = origins.locate(finding, file);
        // Several nodes of one text share lines.
        if !said.contains(&(file.0, finding.clone())) {
            collector.add_in(file.0, finding.clone());
            said.insert((file.0, finding));
        }
    }
    Some(cluster)
}
