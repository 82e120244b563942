//! Every real deployment, in every kind of file it can be written as, is converted to each other kind and read back.
//!
//! `convert/expected.txt` says what came of each: what is left out, what is refused and by which name, and which fields
//! differ afterwards. What may never differ is the table that an active director programs.
//!
//! `CONVERT_REWRITE=1 cargo test -p lvs --test convert` writes it anew; look at the difference before keeping it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::written_down::WrittenDown;
use lvs::Finding;
use lvs::format::export::{ExportKind, export};
use lvs::format::ipvsadm::save;
use lvs::format::{FileKind, Options, Source, read_sources};
use lvs::health::Standings;
use lvs::model::{Cluster, Seat};
use lvs::plan::{Holding, desired};
use serde_json::Value;

/// Scenario, and the files it came in or could have come in.
const GIVEN: &[(&str, &[&str])] = &[
    ("a lvs.cf", &["lvs_cf/scenario-a/input.cf"]),
    ("a keepalived", &["keepalived/scenario-a/node-1.conf", "keepalived/scenario-a/node-2.conf"]),
    ("b lvs.cf", &["lvs_cf/scenario-b/input.cf"]),
    ("b keepalived", &["keepalived/scenario-b/node-1.conf", "keepalived/scenario-b/node-2.conf"]),
    ("c keepalived", &["keepalived/scenario-c/node-1.conf", "keepalived/scenario-c/node-2.conf"]),
    ("d ipvsadm", &["ipvsadm/scenario-d/input.txt"]),
    ("d script", &["ipvsadm/nat-script/input.txt"]),
    ("d keepalived", &["keepalived/scenario-d/node.conf"]),
    ("e keepalived", &["keepalived/scenario-e/node-1.conf", "keepalived/scenario-e/node-2.conf"]),
    ("f keepalived", &["keepalived/scenario-f/node-1.conf", "keepalived/scenario-f/node-2.conf"]),
    ("g keepalived", &["keepalived/scenario-g-tunnels/node.conf"]),
    // Beyond the deployments: every kind of check, programs of the two states, and all that a director can be told.
    ("checks keepalived", &["keepalived/checks-of-their-own/node.conf"]),
    ("kinds keepalived", &["keepalived/checker-others/node.conf"]),
    ("pages keepalived", &["keepalived/checker-tls/node.conf"]),
    ("weights keepalived", &["keepalived/checker-weight/node.conf"]),
    ("programs keepalived", &["keepalived/hooks-pair/node-1.conf", "keepalived/hooks-pair/node-2.conf"]),
    ("all lvs.cf", &["lvs_cf/everything-a-director-can-be-told/input.cf"]),
    ("all ipvsadm", &["ipvsadm/every-option/input.txt"]),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn read(texts: &[(String, String)], kind: Option<FileKind>) -> Cluster {
    let sources: Vec<_> = texts.iter().map(|(name, text)| Source { name, text }).collect();
    let outcome = read_sources(&sources, &Options { kind, ..Options::default() });
    let errors: Vec<_> = outcome.findings.iter().map(|(_, finding)| finding.to_string()).collect();
    outcome.cluster.unwrap_or_else(|| panic!("{texts:?}\n{errors:#?}"))
}

fn table(cluster: &Cluster) -> String {
    let valid = cluster.clone().validate().unwrap();
    save(&desired(&valid, Seat::Primary, Holding::TableOnly, &Standings::default()).table)
}

/// The rows that a kind of file can hold: keepalived drops a service without a real server, which the export says.
fn rows(table: &str, kinds: &[ExportKind]) -> Vec<String> {
    let lines: Vec<&str> = table.lines().collect();
    let answered = |at: usize| lines.get(at + 1).is_some_and(|next| next.starts_with("-a"));
    let fits =
        |at: usize| lines[at].starts_with("-a") || answered(at) || !kinds.contains(&ExportKind::Keepalived);
    (0..lines.len()).filter(|at| fits(*at)).map(|at| lines[at].to_owned()).collect()
}

/// The fields by which two values differ; whole objects where only one has them.
fn differences(pointer: &str, before: &Value, after: &Value, found: &mut BTreeSet<String>) {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                let pointer = format!("{pointer}/{key}");
                differences(
                    &pointer,
                    a.get(key).unwrap_or(&Value::Null),
                    b.get(key).unwrap_or(&Value::Null),
                    found,
                );
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (a, b) in a.iter().zip(b) {
                differences(&format!("{pointer}/*"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        _ => _ = found.insert(pointer.to_owned()),
    }
}

fn codes(findings: &[Finding]) -> String {
    let codes: BTreeSet<_> = findings.iter().map(|finding| finding.code.as_str()).collect();
    codes.into_iter().collect::<Vec<_>>().join(" ")
}

fn kind_of(kind: ExportKind) -> Option<FileKind> {
    match kind {
        ExportKind::LvsCf => Some(FileKind::LvsCf),
        ExportKind::Keepalived => Some(FileKind::Keepalived),
        ExportKind::Ipvsadm => Some(FileKind::Ipvsadm),
        ExportKind::Json => None,
    }
}

#[test]
fn every_deployment_survives_being_converted() {
    let mut shown = String::new();
    for (name, files) in GIVEN {
        let texts: Vec<_> = files
            .iter()
            .map(|file| ((*file).to_owned(), fs::read_to_string(folder().join(file)).unwrap()))
            .collect();
        // The kind is found out, as a user would leave it to be.
        let cluster = read(&texts, None);
        for kind in ExportKind::ALL {
            writeln!(shown, "{name} -> {kind}").unwrap();
            let written = match export(&cluster, kind) {
                Ok(written) => written,
                Err(refused) => {
                    assert!(!refused.is_empty());
                    writeln!(shown, "    refused: {}", codes(&refused)).unwrap();
                    continue;
                }
            };
            if !written.left_out.is_empty() {
                writeln!(shown, "    left out: {}", codes(&written.left_out)).unwrap();
            }
            let texts: Vec<_> = written.files.into_iter().map(|file| (file.name, file.text)).collect();
            let again = match kind_of(kind) {
                Some(kind) => read(&texts, Some(kind)),
                None => serde_json::from_str(&texts[0].1).unwrap(),
            };
            let same = |other: &Cluster, kinds: &[ExportKind]| {
                let (one, two) = (rows(&table(other), kinds), rows(&table(&cluster), kinds));
                assert_eq!(one, two, "{name} -> {kinds:?}:\n{texts:?}");
            };
            same(&again, &[kind]);
            // From there to every kind: the table stays what it was.
            for further in ExportKind::ALL.into_iter().filter(|_| !table(&cluster).is_empty()) {
                let (Ok(files), Some(read_as)) = (export(&again, further), kind_of(further)) else {
                    continue;
                };
                let texts: Vec<_> = files.files.into_iter().map(|file| (file.name, file.text)).collect();
                same(&read(&texts, Some(read_as)), &[kind, further]);
            }
            let mut found = BTreeSet::new();
            let value = |cluster: &Cluster| serde_json::to_value(cluster).unwrap();
            differences("", &value(&cluster), &value(&again), &mut found);
            for pointer in &found {
                writeln!(shown, "    differs: {pointer}").unwrap();
            }
            // Once more, nothing is lost any more.
            if let Some(kind) = kind_of(kind) {
                let twice = export(&again, kind.export())
                    .unwrap_or_else(|refused| panic!("{name} -> {kind}: {refused:#?}"));
                let texts: Vec<_> = twice.files.into_iter().map(|file| (file.name, file.text)).collect();
                assert_eq!(value(&read(&texts, Some(kind))), value(&again), "{name} -> {kind}, twice");
            }
        }
    }
    let mut written_down = WrittenDown::unless("CONVERT_REWRITE");
    written_down.compare(&folder().join("convert/expected.txt"), &shown);
    written_down.finish();
}

/// The kind of export that gives files of a kind.
trait AsExport {
    fn export(self) -> ExportKind;
}

impl AsExport for FileKind {
    fn export(self) -> ExportKind {
        match self {
            FileKind::LvsCf => ExportKind::LvsCf,
            FileKind::Ipvsadm => ExportKind::Ipvsadm,
            FileKind::Keepalived | FileKind::KeepalivedPaste => ExportKind::Keepalived,
        }
    }
}
