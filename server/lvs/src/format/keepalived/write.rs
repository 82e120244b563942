//! A cluster as keepalived.conf files, one for each director.
//!
//! What keepalived cannot express is refused by the name of the field, all of it at once. Where only something of
//! Caribe's own is lost, a finding says what, and a comment in the file keeps it. What was put aside when a
//! keepalived.conf was read goes back to its place. The texts pass `keepalived --config-test` of the releases 2.2 and
//! 2.3. Opens no file; called by the exports of the console and the command line.

#[cfg(test)]
mod cases;
mod checkers;
mod given_back;
mod instances;
mod page;
mod routers;
mod services;
mod web_request;

use std::collections::BTreeSet;

use crate::finding::{Code, Finding, Findings, Severity};
use crate::model::{Cluster, Director, Seat};

use self::given_back::GivenBack;
use self::page::Page;

/// The files of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// One for each director, the primary's first; a single one where no director is named.
    pub files: Vec<NodeFile>,
    /// What is different under keepalived, by field; no errors.
    pub findings: Findings,
}

/// The keepalived.conf of one director. It holds the passwords of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFile {
    /// A name to store it under: `keepalived.conf`, with the director's name where there are two.
    pub name: String,
    /// The director's place.
    pub seat: Seat,
    /// The text.
    pub text: String,
}

/// Writes a cluster as keepalived.conf files, or says what keepalived cannot express. A cluster with errors is not
/// written; neither is one whose secrets are masked.
pub fn write(cluster: &Cluster) -> Result<Export, Findings> {
    let mut said = Said { refused: cluster.findings(), ..Said::default() };
    said.refused.retain(|finding| finding.severity == Severity::Error);
    let mut given_back = GivenBack::new(&cluster.kept);
    let mut services = Page::default();
    let mut runs_programs = services::write(&mut services, &mut said, cluster);
    let routers = routers::routers(cluster, &mut said);
    let mut files = Vec::new();
    for node in nodes(cluster) {
        let mut body = Page::default();
        // keepalived knows a file or a session to track only behind its definition.
        runs_programs |= given_back.top(&mut body);
        runs_programs |= instances::write(&mut body, &mut said, cluster, &routers, &mut given_back, node);
        body.append(&services);
        let mut page = Page::default();
        head(&mut page, &mut said, cluster, node);
        global_defs(&mut page, &mut said, cluster, &routers, &mut given_back, node, runs_programs);
        page.append(&body);
        given_back.rest(&mut page, &mut said);
        files.push(NodeFile {
            name: file_name(cluster, node),
            seat: node.director.map_or(Seat::Primary, |director| director.seat),
            text: page.finish(),
        });
    }
    if said.refused.is_empty() { Ok(Export { files, findings: said.warned }) } else { Err(said.refused) }
}

/// What there is to say so far; the same finding about both files is said once.
#[derive(Debug, Default)]
struct Said {
    refused: Findings,
    warned: Findings,
    known: BTreeSet<Finding>,
}

impl Said {
    fn refuse(&mut self, finding: Finding) {
        if self.known.insert(finding.clone()) {
            self.refused.push(finding);
        }
    }

    fn warn(&mut self, finding: Finding) {
        let finding = finding.warning();
        if self.known.insert(finding.clone()) {
            self.warned.push(finding);
        }
    }

    /// A word of a line, refused where keepalived has no way to read it.
    fn plain(&mut self, pointer: &str, text: &str) -> String {
        let written = page::plain(text).unwrap_or_else(|| {
            let finding = Finding::field(pointer, Code::ExportKeepalivedValue);
            self.refuse(finding.with("value", text.escape_debug()));
            String::new()
        });
        self.fitting(pointer, written)
    }

    /// A string with escapes, refused where it is too long.
    fn escaped(&mut self, pointer: &str, text: &str) -> String {
        self.fitting(pointer, page::escaped(text))
    }

    /// A program with its arguments; refused where a quote has no partner, for keepalived would not find its end.
    fn command(&mut self, pointer: &str, command: &str) -> String {
        let even = |quote: char| command.matches(quote).count().is_multiple_of(2);
        if !even('"') || !even('\'') || command.contains(['\n', '\r', '\0']) {
            let finding = Finding::field(pointer, Code::ExportKeepalivedValue);
            self.refuse(finding.with("value", command.escape_debug()));
        }
        self.escaped(pointer, command)
    }

    /// A value, refused where its line would be longer than keepalived reads.
    fn fitting(&mut self, pointer: &str, value: String) -> String {
        // Room for the keyword and the blanks before it.
        let limit = page::LINE_MAXIMUM - 63;
        if value.len() > limit {
            self.refuse(
                Finding::field(pointer, Code::ExportKeepalivedLine)
                    .with("length", value.len())
                    .with("limit", limit),
            );
        }
        value
    }
}

/// A director as one of the files sees it.
#[derive(Clone, Copy)]
struct Node<'c> {
    /// The director and its index; none where the cluster names no director.
    director: Option<&'c Director>,
    index: usize,
    /// Its partner, where there is one.
    partner: Option<&'c Director>,
}

impl Node<'_> {
    fn seat(self) -> Seat {
        self.director.map_or(Seat::Primary, |director| director.seat)
    }
}

/// The files' directors, by seat.
fn nodes(cluster: &Cluster) -> Vec<Node<'_>> {
    let mut nodes: Vec<Node<'_>> = cluster
        .directors
        .iter()
        .enumerate()
        .map(|(index, director)| Node {
            director: Some(director),
            index,
            partner: cluster.directors.iter().find(|other| other.seat != director.seat),
        })
        .collect();
    nodes.sort_by_key(|node| node.seat());
    if nodes.is_empty() {
        nodes.push(Node { director: None, index: 0, partner: None });
    }
    nodes
}

fn file_name(cluster: &Cluster, node: Node<'_>) -> String {
    match node.director.filter(|_| cluster.directors.len() > 1) {
        Some(director) => format!("keepalived-{}.conf", director.name),
        None => "keepalived.conf".to_owned(),
    }
}

/// Whose file it is, and what of the director keepalived has no word for.
fn head(page: &mut Page, said: &mut Said, cluster: &Cluster, node: Node<'_>) {
    page.comment(&format!("keepalived.conf of the cluster {}, written by Caribe.", cluster.name));
    let Some(director) = node.director else {
        page.gap();
        return;
    };
    page.comment(&format!("Director {}, {}.", director.name, director.seat));
    if let Some(private) = director.private {
        page.comment(&format!("Its address on the real servers' side is {private}."));
        said.warn(
            Finding::field(format!("/directors/{}/private", node.index), Code::ExportKeepalivedPrivate)
                .with("address", private),
        );
    }
    page.gap();
}

fn global_defs(
    page: &mut Page,
    said: &mut Said,
    cluster: &Cluster,
    routers: &[routers::Router],
    given_back: &mut GivenBack<'_>,
    node: Node<'_>,
    runs_programs: bool,
) {
    page.open("global_defs");
    let mut words = vec!["router_id", "dynamic_interfaces"];
    if let Some(director) = node.director {
        page.line(format!("router_id {}", director.name));
    }
    page.comment("A missing interface is waited for, and does not keep keepalived from starting.");
    page.line("dynamic_interfaces");
    let timeouts = cluster.global.timeouts.effective();
    let given: Vec<String> = [("tcp", timeouts.tcp), ("tcpfin", timeouts.tcpfin), ("udp", timeouts.udp)]
        .into_iter()
        .filter_map(|(word, seconds)| Some(format!(" {word} {}", seconds?)))
        .collect();
    if !given.is_empty() {
        page.line(format!("lvs_timeouts{}", given.concat()));
    }
    words.push("lvs_timeouts");
    let sync = &cluster.redundancy.sync;
    if sync.enabled && cluster.redundancy.enabled {
        words.push("lvs_sync_daemon");
        match (&sync.interface, routers.first()) {
            (Some(interface), Some(router)) => {
                let name = said.plain("/redundancy/protocol/instances/0/name", &router.name);
                page.line(format!("lvs_sync_daemon {} inst {name} id {}", interface.interface(), sync.id));
            }
            _ => {
                said.refuse(Finding::field("/redundancy/sync/interface", Code::ExportKeepalivedSyncInterface))
            }
        }
    }
    for (field, given) in
        [("gateway", cluster.redundancy.gateway.is_some()), ("witness", cluster.redundancy.witness)]
    {
        if given {
            said.warn(Finding::field(format!("/redundancy/{field}"), Code::ExportKeepalivedIsolation));
        }
    }
    let runs_programs = given_back.global(page, &words) || runs_programs;
    if runs_programs && !given_back.has("global_defs/script_user") {
        page.line("script_user root");
        said.warn(Finding::field("/redundancy", Code::ExportKeepalivedPrograms));
    }
    if runs_programs && !given_back.has("global_defs/enable_script_security") {
        page.line("enable_script_security");
    }
    page.close();
    page.gap();
}
