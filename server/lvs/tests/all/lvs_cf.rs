//! Every file in `lvs_cf/NAME/input.cf` is read as the console reads it and compared with what stands beside it:
//! `findings.txt` (what is said, in the lines of `caribe check`) and `cluster.json` (what is understood).
//!
//! `LVS_CF_REWRITE=1 cargo test -p lvs --test lvs_cf` writes both anew; look at the difference before keeping it.

use crate::written_down;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::written_down::WrittenDown;
use lvs::format::{FileKind, Reading, decode, detect, lvs_cf, read};
use lvs::{Cluster, Severity};
use proptest::prelude::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lvs_cf")
}

/// All cases by name, with their texts.
fn cases() -> Vec<(PathBuf, Vec<u8>)> {
    let mut cases: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path.join("input.cf")).unwrap()))
        .collect();
    cases.sort();
    assert!(cases.len() > 30, "the cases are gone");
    cases
}

fn scenarios() -> Vec<(PathBuf, String)> {
    ["scenario-a.cf", "scenario-b.cf"]
        .map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/fixtures").join(name))
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .into()
}

fn reading(bytes: &[u8]) -> Reading {
    let (text, finding) = decode(bytes);
    assert!(matches!(detect(&text), None | Some(FileKind::LvsCf)), "{text}");
    let mut reading = read(&text, FileKind::LvsCf);
    reading.findings.splice(0..0, finding);
    reading
}

fn shown(reading: &Reading) -> String {
    written_down::shown(reading.findings.iter().map(|finding| ("input.cf", finding)))
}

/// A cluster with an error is none, one without always passes the rules.
fn assert_contract(reading: &Reading) {
    let wrong = reading.findings.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(reading.cluster.is_none(), wrong);
    if let Some(cluster) = &reading.cluster {
        cluster.clone().validate().unwrap();
    }
}

/// A cluster without the words that a file for the original can only hold as comments.
fn without_comments(cluster: &Cluster, text: &str) -> Cluster {
    // What stands in a failover service is kept as it is.
    let mut failover = false;
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| {
            failover |= line.starts_with("failover ");
            let inside = failover;
            failover &= *line != "}";
            !inside
        })
        .collect();
    let is_comment = |word: &str, indent: &str| {
        let word: String = word.chars().filter(|c| !c.is_control()).collect();
        let comment = format!("{indent}# {} =", word.replace('{', "(").replace('}', ")"));
        let setting = format!("{indent}{word} =");
        let any = |start: &str| lines.iter().any(|line| line.starts_with(start));
        any(&comment) && !any(&setting)
    };
    let mut cluster = cluster.clone();
    cluster.kept.retain(|word, _| !is_comment(word, ""));
    for server in &mut cluster.virtual_servers {
        server.kept.retain(|word, _| !is_comment(word, "     "));
    }
    cluster
}

/// What was read, written and read again is the same.
fn assert_round_trip(cluster: &Cluster, text: &str) {
    let again = lvs_cf::read(text);
    let expected = without_comments(cluster, text);
    assert_eq!(again.cluster.as_ref(), Some(&expected), "{text}\n{}", shown(&again));
    let written = lvs_cf::canonical(&expected);
    let bare = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.trim().starts_with('#')).map(str::to_owned).collect()
    };
    assert_eq!(written.map(|written| bare(&written)), Ok(bare(text)));
}

#[test]
fn every_file_is_read_as_written_down() {
    let mut written_down = WrittenDown::unless("LVS_CF_REWRITE");
    for (path, bytes) in cases() {
        let reading = reading(&bytes);
        let json = serde_json::to_string_pretty(&reading.cluster).unwrap() + "\n";
        for (name, actual) in [("findings.txt", shown(&reading)), ("cluster.json", json)] {
            written_down.compare(&path.join(name), &actual);
        }
        assert_contract(&reading);
    }
    written_down.finish();
}

#[test]
fn what_can_be_written_is_read_back_the_same() {
    let mut written = 0;
    for (path, bytes) in cases() {
        let Some(cluster) = reading(&bytes).cluster else { continue };
        if let Ok(text) = lvs_cf::canonical(&cluster) {
            eprintln!("{}", path.display());
            assert_round_trip(&cluster, &text);
            written += 1;
        }
    }
    assert!(written > 15, "only {written} of the files could be written");
}

#[test]
fn scenario_files_are_in_the_form_of_the_old_pages() {
    for (path, text) in scenarios() {
        let reading = reading(text.as_bytes());
        assert_eq!(shown(&reading), "", "{}", path.display());
        assert_round_trip(reading.cluster.as_ref().unwrap(), &text);
    }
}

#[test]
fn a_full_file_loses_nothing_but_its_layout() {
    let bytes = fs::read(folder().join("t01-full-nat-pair/input.cf")).unwrap();
    let cluster = reading(&bytes).cluster.unwrap();
    let written = lvs_cf::canonical(&cluster).unwrap();
    let significant = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
        lines.sort();
        lines
    };
    assert_eq!(significant(&written), significant(&String::from_utf8(bytes).unwrap()));
}

#[test]
fn endless_texts_of_any_kind_are_read_in_a_moment() {
    let (_, scenario) = scenarios().remove(0);
    let block: String = scenario.lines().skip_while(|line| !line.starts_with("virtual")).fold(
        String::new(),
        |mut text, line| {
            text.push_str(line);
            text.push('\n');
            text
        },
    );
    // Large enough for anything that does not grow with the text alone to stand out.
    let size = 512 << 10;
    for unit in [
        block.as_str(),
        "\n",
        "a\n",
        "a {\n",
        "virtual a {\n",
        "virtual a {\nserver b {\n",
        "}",
        "a ",
        "\"",
        "send = \"HTTP/1.0rn",
        "rn",
        "\u{a0}",
        "port = 010\n",
        "=",
        "\r",
        "#",
        "schedular = 1\n",
        "failover x {\n",
    ] {
        let text = unit.repeat(size / unit.len());
        let started = Instant::now();
        let reading = lvs_cf::read(&text);
        let took = started.elapsed();
        eprintln!("{took:?} {:?}", &unit[..unit.len().min(20)]);
        assert!(reading.findings.len() < 1_500);
        // Unoptimised code on a busy machine; optimised, 2 MiB take a fraction of a second.
        assert!(took < Duration::from_secs(20), "{took:?} for {unit:?}");
    }
}

/// Pieces that files are made of, in no order that makes sense.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "virtual ",
        "server ",
        "failover ",
        "a",
        "web-1",
        " {",
        "{",
        "}",
        "\n",
        "\r\n",
        "\r",
        " = ",
        "=",
        " ",
        "\t",
        "#",
        "\"",
        "'",
        "“",
        "”",
        "\u{a0}",
        "\u{feff}",
        "?",
        "\\",
        "\\r\\n",
        "rnrn",
        "HTTP/1.0",
        "send",
        "expect",
        "use_regex",
        "send_program",
        "address",
        "10.0.0.1",
        "10.1",
        "eth0:1",
        "port",
        "80",
        "http",
        "010",
        "-1",
        "0x50",
        "65536",
        "active = 1\n",
        "fwmark",
        "network = direct\n",
        "primary = 192.0.2.1\n",
        "backup = 192.0.2.1\n",
        "pmask",
        "255.255.255",
        "/24",
        "timeout",
        "reentry",
        "weight",
        "scheduler",
        "sed",
        "[server_name]",
        "nat_router",
        "é",
        "\u{0}",
    ]);
    prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat())
}

/// A file of ours with some of its characters changed.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let texts: Vec<Vec<u8>> = cases().into_iter().map(|(_, bytes)| bytes).collect();
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    (prop::sample::select(texts), prop::collection::vec(change, 1..12)).prop_map(|(mut bytes, changes)| {
        for (index, byte, kind) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = index.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => _ = bytes.remove(at),
                2 => bytes.insert(at, b"\n{}\"'= #\\\r"[usize::from(byte) % 10]),
                _ => bytes.truncate(at),
            }
        }
        bytes
    })
}

/// Whatever it is: no panic, the contract holds, and what is accepted and can be written comes back.
fn assert_sane(bytes: &[u8]) {
    let (text, _) = decode(bytes);
    let reading = lvs_cf::read(&text);
    assert_contract(&reading);
    let lines = text.matches(['\n', '\r']).count() as u32 + 1;
    for finding in &reading.findings {
        let line = lvs::format::report::Line::new("-", finding);
        assert!(line.line >= 1 && line.line <= lines && line.column >= 1, "{line}");
        let wanted = finding.code.template().split('{').skip(1).filter_map(|rest| rest.split_once('}'));
        for (name, _) in wanted {
            assert!(finding.args.iter().any(|(given, _)| *given == name), "{name} is missing: {line}");
        }
    }
    if let Some(cluster) = &reading.cluster
        && let Ok(text) = lvs_cf::canonical(cluster)
    {
        assert_round_trip(cluster, &text);
    }
}

proptest! {
    // A failure worth keeping becomes a folder beside the others.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_in_any_order_are_read(text in pieces()) {
        assert_sane(text.as_bytes());
    }

    #[test]
    fn damaged_files_are_read(bytes in mutated()) {
        assert_sane(&bytes);
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        assert_sane(&bytes);
    }
}
