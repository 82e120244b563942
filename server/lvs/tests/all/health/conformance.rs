//! What Piranha and keepalived would have done with the same settings and the same results of probes, and what is done
//! here.
//!
//! A case is a folder: `lvs.cf` or `keepalived.conf`, `results` (second, server and check, what a probe brought), and
//! `theirs`: the changes of the table that the other system would have made, with their seconds, as ipvsadm would do them.
//! Where `ours` is there, Caribe differs, and the file begins with the reason; else it must be the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lvs::format::{FileKind, Options, Source, read_sources};
use lvs::health::{LoadReport, LoadWeight, Outcome};
use lvs::model::Cluster;

use super::desk::{Desk, down, undecided, up};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/health");
    let inside = |folder: &Path| -> Vec<PathBuf> {
        let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        found.retain(|path| path.is_dir());
        found.sort();
        found
    };
    inside(&folder).iter().flat_map(|system| inside(system)).collect()
}

fn settings(case: &Path) -> Cluster {
    let (name, kind) = [("lvs.cf", FileKind::LvsCf), ("keepalived.conf", FileKind::Keepalived)]
        .into_iter()
        .find(|(name, _)| case.join(name).exists())
        .unwrap_or_else(|| panic!("{}: no settings", case.display()));
    let text = fs::read_to_string(case.join(name)).unwrap();
    let outcome =
        read_sources(&[Source { name, text: &text }], &Options { kind: Some(kind), ..Options::default() });
    let findings: Vec<_> = outcome.findings.iter().map(|(_, finding)| finding.to_string()).collect();
    outcome.cluster.unwrap_or_else(|| panic!("{}: {findings:#?}", case.display()))
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs_f64(text.parse().unwrap_or_else(|_| panic!("{text:?} is no second")))
}

fn brought(words: &[&str]) -> Outcome {
    let load = |weight| Outcome::Up { load: Some(LoadReport { weight: Some(weight), state: None }) };
    match words {
        ["up"] => up(),
        ["down"] => down(),
        ["undecided"] => undecided(),
        ["up", report] => match report.split_once('=').unwrap() {
            ("load", value) => load(LoadWeight::Load((value.parse::<f64>().unwrap() * 1000.0) as u32)),
            ("weight", value) => load(LoadWeight::Weight(value.parse().unwrap())),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?} is no result"),
    }
}

/// What changes in the table, and when.
fn changes(case: &Path) -> Vec<String> {
    let mut desk = Desk::new(settings(case));
    let service = *desk.roster.services().next().unwrap().0;
    let text = fs::read_to_string(case.join("results")).unwrap();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut told: Vec<String> = Vec::new();
    let mut now = Duration::ZERO;
    let write = |desk: &mut Desk, now: Duration, told: &mut Vec<String>| {
        let mut steps: Vec<String> = desk.program().iter().map(ToString::to_string).collect();
        steps.retain(|step| step.contains(" -r "));
        steps.sort();
        told.extend(steps.iter().map(|step| format!("{} {step}", now.as_secs_f64())));
    };
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = seconds(words[0]);
        assert!(at >= now, "{}: {line}: time goes on", case.display());
        if at > now {
            write(&mut desk, now, &mut told);
            while let Some(due) = desk.roster.next_deadline().filter(|due| *due < at) {
                now = now.max(due);
                desk.tick(now);
                write(&mut desk, now, &mut told);
            }
            now = at;
            desk.tick(now);
        }
        if words[1] == "end" {
            break;
        }
        let (server, check) = words[1].split_once('#').unwrap_or((words[1], "0"));
        let server = server.parse().unwrap();
        desk.result(service, server, check.parse().unwrap(), &brought(&words[2..]), now);
    }
    write(&mut desk, now, &mut told);
    told
}

fn expected(path: &Path) -> Option<(bool, Vec<String>)> {
    let text = fs::read_to_string(path).ok()?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Some((text.starts_with('#'), lines.map(str::to_owned).collect()))
}

#[test]
fn every_case_does_what_the_other_system_would_have_done_or_says_why_not() {
    let cases = cases();
    assert!(cases.len() >= 12, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let (_, theirs) =
            expected(&case.join("theirs")).unwrap_or_else(|| panic!("{}: no theirs", case.display()));
        let ours = expected(&case.join("ours"));
        if let Some((explained, ours)) = &ours {
            assert!(
                *explained && *ours != theirs,
                "{}: ours differs, and begins with the reason",
                case.display()
            );
        }
        let wanted = ours.map_or(theirs, |(_, ours)| ours);
        let made = changes(&case);
        if made != wanted {
            wrong.push(format!(
                "{}\n  expected:\n    {}\n  made:\n    {}",
                case.display(),
                wanted.join("\n    "),
                made.join("\n    ")
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
