//! What holds for every text and every message, however wrong: shared by the tests here and the targets in `server/fuzz`.

use lvs::finding::{Code, Finding, Place, Severity, has_errors};
use lvs::format::export::{ExportKind, export};
use lvs::format::report::Line;
use lvs::format::{FileKind, Options, Outcome, Source, decode, detect, host_names, read_sources};
use lvs::model::Cluster;
use lvs::wire;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// More findings than any reader lists; each severity has its own limit.
const MOST_FINDINGS: usize = 2_000;

/// Reads bytes as one kind of file, twice and strictly too, and takes out again what was read.
pub(crate) fn file(kind: FileKind, bytes: &[u8]) -> Outcome {
    let (text, _) = decode(bytes);
    let source = Source { name: "input", text: &text };
    let options = Options { kind: Some(kind), ..Options::default() };
    let outcome = read_sources(&[source], &options);
    assert_outcome(&text, &outcome);
    assert_eq!(read_sources(&[source], &options), outcome, "the same text is read the same");
    assert_outcome(&text, &read_sources(&[source], &Options { strict: true, ..options }));
    for cluster in outcome.cluster.iter().chain(&outcome.candidates) {
        ExportKind::ALL.into_iter().for_each(|kind| taken_out(cluster, kind));
    }
    _ = detect(&text);
    _ = host_names(&[source], Some(kind));
    outcome
}

/// Takes a cluster out as a kind of file: refused with a reason, or read again without an error.
fn taken_out(cluster: &Cluster, kind: ExportKind) {
    let written = match export(cluster, kind) {
        Ok(written) => written,
        Err(refused) => return assert!(has_errors(&refused), "{kind}: refused without a reason"),
    };
    let kind = match kind {
        ExportKind::LvsCf => FileKind::LvsCf,
        ExportKind::Keepalived => FileKind::Keepalived,
        ExportKind::Ipvsadm => FileKind::Ipvsadm,
        ExportKind::Json => return,
    };
    let sources: Vec<Source<'_>> =
        written.files.iter().map(|file| Source { name: &file.name, text: &file.text }).collect();
    let again = read_sources(&sources, &Options { kind: Some(kind), ..Options::default() });
    // A file that says nothing but in its comments is refused by the reader.
    let wrong = |f: &Finding| f.severity == Severity::Error && f.code != Code::KeepalivedEmpty;
    let errors: Vec<_> = again.findings.iter().filter(|(_, finding)| wrong(finding)).collect();
    assert!(errors.is_empty(), "{errors:#?} in what was written:\n{:#?}", written.files);
}

fn assert_outcome(text: &str, outcome: &Outcome) {
    let findings: Vec<_> = outcome.findings.iter().map(|(_, finding)| finding.clone()).collect();
    assert!(findings.len() <= MOST_FINDINGS);
    let lines = text.split(['\n', '\r']).count();
    for (file, finding) in &outcome.findings {
        assert!(*file < outcome.files.len(), "{finding:?}");
        if let Place::Line { line, column } = finding.place {
            assert!(line >= 1 && column >= 1, "{finding:?}");
            assert!(line as usize <= lines, "{finding:?} in a text of {lines} lines");
        }
        let shown = Line::new("input", finding).to_string();
        assert!(!shown.contains('\n'), "{shown}");
        assert!(
            !finding.text().contains(['{', '}']) || text.contains(['{', '}', '\u{ff5b}', '&']),
            "{shown}"
        );
    }
    if has_errors(&findings) {
        assert_eq!(outcome.cluster, None);
        assert!(outcome.candidates.is_empty());
    }
    for cluster in outcome.cluster.iter().chain(&outcome.candidates) {
        cluster.clone().validate().unwrap();
    }
}

/// Reads bytes as each message that directors and the console send each other; what is accepted comes back the same.
/// How many kinds of message accepted them.
pub(crate) fn message(bytes: &[u8]) -> usize {
    fn one<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> usize {
        let Ok(message) = serde_json::from_slice::<T>(bytes) else { return 0 };
        let sent = serde_json::to_value(&message).unwrap();
        let again: T = serde_json::from_value(sent.clone()).unwrap();
        assert_eq!(serde_json::to_value(&again).unwrap(), sent);
        1
    }
    one::<wire::Target>(bytes)
        + one::<wire::Applied>(bytes)
        + one::<wire::Refusal>(bytes)
        + one::<wire::Status>(bytes)
        + one::<wire::Event>(bytes)
        + one::<wire::JoinRequest>(bytes)
        + one::<wire::Credentials>(bytes)
        + one::<wire::RenewRequest>(bytes)
        + one::<Cluster>(bytes)
}
