//! What `--strict` refuses is what `keepalived --config-test` refuses: small files, and every example of the readers.
//!
//! `keepalived_strict/cases.txt` holds the small files, each behind a line `=== NAME`. Where the two verdicts differ
//! for a reason, the line says so: `=== NAME: only keepalived, REASON` or `only caribe`.

use crate::fixture::keepalived as judge;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use judge::keepalived;
use lvs::format::{FileKind, Options, Source, read_sources};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// What each of the two says of a text; none where it has no objection.
struct Verdicts {
    keepalived: Option<String>,
    caribe: Option<String>,
}

fn verdicts(program: &Path, name: &str, text: &str) -> Verdicts {
    let file = format!("{}/strict-{}-{name}.conf", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    fs::write(&file, text).unwrap();
    let output = Command::new(program).args(["--config-test", "-f", &file]).output().unwrap();
    fs::remove_file(&file).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).replace(&file, "");
    let options = Options { kind: Some(FileKind::Keepalived), strict: true, ..Options::default() };
    let outcome = read_sources(&[Source { name, text }], &options);
    let errors = outcome.findings.iter().map(|(_, finding)| finding);
    let first = errors.into_iter().find(|finding| finding.severity == lvs::Severity::Error);
    Verdicts {
        keepalived: (!output.status.success()).then(|| format!("{}: {}", output.status, said.trim())),
        caribe: first.map(ToString::to_string),
    }
}

/// The difference, where there is one.
fn difference(verdicts: &Verdicts) -> Option<(&'static str, &str)> {
    match (&verdicts.keepalived, &verdicts.caribe) {
        (Some(said), None) => Some(("only keepalived", said)),
        (None, Some(said)) => Some(("only caribe", said)),
        _ => None,
    }
}

#[test]
fn both_give_the_same_verdict_on_small_files() {
    let Some(program) = keepalived() else { return };
    let all = fs::read_to_string(folder("keepalived_strict/cases.txt")).unwrap();
    let mut wrong = Vec::new();
    let (mut refused, mut accepted) = (0, 0);
    for (number, case) in all.split("\n=== ").skip(1).enumerate() {
        let (head, text) = case.split_once('\n').unwrap_or((case, ""));
        let (name, expected) = head.split_once(": ").unwrap_or((head, ""));
        let verdicts = verdicts(&program, &number.to_string(), text);
        *(if verdicts.keepalived.is_some() { &mut refused } else { &mut accepted }) += 1;
        let found = difference(&verdicts);
        let word = found.map_or("", |(word, _)| word);
        if word != expected.split(',').next().unwrap_or_default() {
            wrong.push(format!("{name}: expected {expected:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused >= 20 && accepted >= 15, "{refused} refused, {accepted} accepted");
}
