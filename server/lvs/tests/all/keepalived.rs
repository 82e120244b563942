//! Every folder in `keepalived` is read as the console reads it and compared with what stands beside it:
//! `findings.txt` (what is said, in the lines of `caribe check`) and `cluster.json` (what is understood).
//!
//! A folder holds one `.conf` or, for the two nodes of a cluster, two of them; what `include` leads to stands in its
//! `conf.d`. A `paste.txt` is read as a text that holds configurations somewhere. `KEEPALIVED_REWRITE=1 cargo test -p lvs --test keepalived` writes both anew; look at the difference
//! before keeping it.

use crate::written_down;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::written_down::WrittenDown;
use lvs::format::{FileKind, Options, Outcome, Source, keepalived, read_sources};
use lvs::model::Redundancy;
use lvs::{Cluster, Severity};
use proptest::prelude::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keepalived")
}

/// The texts of a folder by name, in the order of their names.
fn texts(path: &Path) -> Vec<(String, String)> {
    let mut texts: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect();
    texts.sort();
    texts
}

/// All cases by name.
fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<_> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 30, "the cases are gone");
    cases
}

/// Reads what a folder holds.
fn outcome(path: &Path) -> Outcome {
    let paste = path.join("paste.txt");
    if paste.is_file() {
        let text = fs::read_to_string(&paste).unwrap();
        return keepalived::read_paste(&Source { name: "paste.txt", text: &text });
    }
    let texts = texts(path);
    let sources: Vec<_> = texts.iter().map(|(name, text)| Source { name, text }).collect();
    let beside = path.join("conf.d");
    let beside: Option<BTreeMap<String, String>> = beside.is_dir().then(|| {
        let inside = self::texts(&beside);
        inside.into_iter().map(|(name, text)| (format!("conf.d/{name}"), text)).collect()
    });
    keepalived::read(&sources, beside.as_ref())
}

fn shown(outcome: &Outcome) -> String {
    written_down::shown(outcome.findings.iter().map(|(file, finding)| (outcome.file(*file), finding)))
}

/// A cluster with an error is none, one without always passes the rules; no sentence has a hole or a password.
fn assert_contract(outcome: &Outcome, name: &str) {
    let wrong = outcome.findings.iter().any(|(_, finding)| finding.severity == Severity::Error);
    assert_eq!(outcome.is_usable(), !wrong, "{name}: {}", shown(outcome));
    assert!(outcome.cluster.is_none() || outcome.candidates.is_empty(), "{name}");
    for cluster in outcome.cluster.iter().chain(&outcome.candidates) {
        cluster.clone().validate().unwrap();
        let json = serde_json::to_value(cluster.clone().masked()).unwrap().to_string();
        assert!(!json.contains("s3cret"), "{name}: a password is kept where nothing masks it");
    }
    assert!(!shown(outcome).contains("s3cret"), "{name}: a password is said");
    for (_, finding) in &outcome.findings {
        let mut rest = finding.code.template().to_owned();
        for (name, _) in &finding.args {
            rest = rest.replace(&format!("{{{name}}}"), "");
        }
        assert!(!rest.contains('{'), "{}: {rest}", finding.code.as_str());
    }
}

#[test]
fn every_file_is_read_as_written_down() {
    let mut written_down = WrittenDown::unless("KEEPALIVED_REWRITE");
    for path in cases() {
        let outcome = outcome(&path);
        let json = if outcome.candidates.is_empty() {
            serde_json::to_string_pretty(&outcome.cluster).unwrap()
        } else {
            serde_json::to_string_pretty(&outcome.candidates).unwrap()
        } + "\n";
        for (name, actual) in [("findings.txt", shown(&outcome)), ("cluster.json", json)] {
            written_down.compare(&path.join(name), &actual);
        }
        assert_contract(&outcome, &path.display().to_string());
    }
    written_down.finish();
}

/// Without what only becomes comments: words that were put aside, what is switched off, and of a node alone what it
/// only has with its partner.
fn as_far_as_keepalived_goes(cluster: &Cluster) -> Cluster {
    let mut cluster = cluster.clone();
    cluster.kept.clear();
    cluster.virtual_servers.retain(|server| server.active);
    for server in &mut cluster.virtual_servers {
        server.kept.clear();
        server.real_servers.retain(|real| real.active);
        for real in &mut server.real_servers {
            real.kept.clear();
        }
    }
    if !cluster.redundancy.enabled {
        cluster.redundancy = Redundancy { addresses: cluster.redundancy.addresses, ..Redundancy::default() };
        for director in &mut cluster.directors {
            director.private = None;
        }
    }
    cluster
}

#[test]
fn a_cluster_survives_being_written_and_read() {
    let mut same = 0;
    let mut wrong = Vec::new();
    for path in cases() {
        let Some(cluster) = outcome(&path).cluster else { continue };
        let Ok(export) = keepalived::write(&cluster) else { continue };
        let sources: Vec<_> =
            export.files.iter().map(|file| Source { name: &file.name, text: &file.text }).collect();
        let again = keepalived::read(&sources, None);
        let name = path.display().to_string();
        let json = |cluster| serde_json::to_string_pretty(cluster).unwrap();
        let whole = name.contains("scenario");
        let (one, two) = match &again.cluster {
            Some(again) if whole => {
                let mut given_back = cluster.clone();
                for server in &mut given_back.virtual_servers {
                    // What keepalived would complain about is written as a remark.
                    server.kept.retain(|key, text| {
                        let remark = format!("# {}: {text}\n", key.trim_start_matches("keepalived:"));
                        !export.files.iter().any(|file| file.text.contains(&remark))
                    });
                }
                (json(&given_back), json(again))
            }
            Some(again) => {
                (json(&as_far_as_keepalived_goes(&cluster)), json(&as_far_as_keepalived_goes(again)))
            }
            None => (String::new(), "no cluster".to_owned()),
        };
        same += usize::from(one == two);
        if let Some(difference) = one.lines().zip(two.lines()).find(|(one, two)| one != two) {
            wrong.push(format!("{name}: {difference:?}\n{}", shown(&again)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(same > 35, "only {same} could be written");
}

#[test]
fn the_order_of_the_nodes_does_not_matter() {
    let mut pairs = 0;
    for path in cases() {
        let texts = texts(&path);
        if texts.len() != 2 || path.join("conf.d").is_dir() {
            continue;
        }
        let mut sources: Vec<_> = texts.iter().map(|(name, text)| Source { name, text }).collect();
        let forth = keepalived::read(&sources, None);
        sources.reverse();
        let back = keepalived::read(&sources, None);
        let equal = shown(&forth).contains("keepalived-priority-equal");
        if !equal {
            assert_eq!(forth.cluster, back.cluster, "{}", path.display());
            pairs += 1;
        }
    }
    assert!(pairs >= 4, "only {pairs} pairs");
}

#[test]
fn definitions_beyond_the_bound_are_said_once() {
    let instance =
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n192.0.2.1\n}\n}\n";
    for (count, said) in [(10_000, 0), (10_005, 1)] {
        let mut text = String::new();
        for number in 0..count {
            writeln!(text, "$NAME{number}=x").unwrap();
        }
        text.push_str(instance);
        let outcome = keepalived::read(&[Source { name: "x", text: &text }], None);
        let findings: Vec<_> = outcome
            .findings
            .iter()
            .filter(|(_, f)| f.code.as_str() == "keepalived-definitions-many")
            .collect();
        assert_eq!(findings.len(), said, "{count}");
        assert_eq!(outcome.has_errors(), said > 0, "{}", shown(&outcome));
        assert!(findings.iter().all(|(_, finding)| finding.to_string().starts_with("10001:1: ")));
    }
}

/// An objection of keepalived is not lost behind hundreds of other remarks.
#[test]
fn what_keepalived_refuses_is_found_behind_a_flood() {
    let mut text = String::new();
    for number in 0..600_u32 {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number);
        writeln!(
            text,
            "virtual_server {address} 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.1.0.1 80 {{\nweight 1\n}}\n}}"
        )
        .unwrap();
    }
    let options = Options { kind: Some(FileKind::Keepalived), strict: true, ..Options::default() };
    let errors = |text: &str| read_sources(&[Source { name: "x", text }], &options).has_errors();
    assert!(!errors(&text));
    text.push_str("vrrp_script check {\nscript /bin/true\nweight 300\n}\n");
    assert!(errors(&text));
}

#[test]
fn endless_texts_of_any_kind_are_read_in_a_moment() {
    // Large enough for anything that does not grow with the text alone to stand out.
    let size = 192 << 10;
    for unit in [
        "real_server 10.0.0.1 80 {\n weight 1\n}\n",
        "virtual_server 192.0.2.1 80 {\nreal_server 10.0.0.1 80 {\n}\n}\n",
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\n}\n",
        "vrrp_sync_group A {\ngroup {\nB\n}\n}\n",
        "192.0.2.1\n",
        "TCP_CHECK {\n}\n",
        "url {\npath /\n}\n",
        "192.0.2.1-254 80\n",
        "virtual_server group A {\nreal_server 10.0.0.1 80 {\n}\n}\n",
        "unknown word\n",
        "delay_lop 5\n",
    ] {
        for header in [
            "",
            "virtual_server 192.0.2.1 80 {\n",
            "virtual_server 192.0.2.1 80 {\nreal_server 10.0.0.1 80 {\n",
            "virtual_server_group A {\n192.0.2.1 80\n}\nvrrp_instance A {\nvirtual_ipaddress {\n",
            "virtual_server_group A {\n",
        ] {
            let text = format!("{header}{}", unit.repeat(size / unit.len()));
            let started = Instant::now();
            let outcome = keepalived::read(&[Source { name: "x", text: &text }], None);
            let took = started.elapsed();
            eprintln!("{took:?} {:?} {:?}", &header[..header.len().min(20)], &unit[..unit.len().min(20)]);
            assert!(outcome.findings.len() < 1_500);
            assert!(took < Duration::from_secs(10), "{took:?} for {header:?} {unit:?}");
            assert_contract(&outcome, unit);
        }
    }
    // Every real server different from all others, which no comparison of all with all survives.
    let mut text = String::from("virtual_server 192.0.2.1 80 {\n");
    for number in 0..12_000_u32 {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number);
        write!(
            text,
            "real_server {address} 80 {{\nTCP_CHECK {{\nconnect_timeout {}\n}}\n}}\n",
            number % 3000 + 1
        )
        .unwrap();
    }
    text.push_str("}\n");
    let sources = [Source { name: "a", text: &text }, Source { name: "b", text: &text }];
    let started = Instant::now();
    let outcome = keepalived::read(&sources, None);
    assert!(outcome.cluster.is_some_and(|cluster| cluster.virtual_servers[0].real_servers.len() == 12_000));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Lines left out, doubled, cut and exchanged: whatever comes of it, the contract holds.
    #[test]
    fn damaged_files_never_break_the_contract(
        case in any::<prop::sample::Index>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..5, any::<prop::sample::Index>()), 1..6),
    ) {
        let cases = cases();
        let path = &cases[case.index(cases.len())];
        let mut texts = texts(path);
        if texts.is_empty() {
            texts.push(("paste.txt".into(), fs::read_to_string(path.join("paste.txt")).unwrap()));
        }
        for (_, text) in &mut texts {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            for (at, kind, other) in &cuts {
                if lines.is_empty() {
                    break;
                }
                let (at, other) = (at.index(lines.len()), other.index(lines.len()));
                match kind {
                    0 => { lines.remove(at); }
                    1 => { let line = lines[at].clone(); lines.insert(other, line); }
                    2 => lines.swap(at, other),
                    3 => { let cut: String = lines[at].chars().take(other % 20).collect(); lines[at] = cut; }
                    _ => { let joined = lines[at].clone() + &lines[other]; lines[at] = joined; }
                }
            }
            *text = lines.join("\n");
        }
        let sources: Vec<_> = texts.iter().map(|(name, text)| Source { name, text }).collect();
        let outcome = keepalived::read(&sources, None);
        let wrong = outcome.has_errors();
        prop_assert_eq!(outcome.cluster.is_none(), wrong);
        if let Some(cluster) = outcome.cluster {
            prop_assert!(cluster.validate().is_ok());
        }
        let whole: String = texts.iter().map(|(_, text)| format!("{text}\n")).collect();
        let pasted = keepalived::read_paste(&Source { name: "paste", text: &whole });
        prop_assert_eq!(pasted.is_usable(), !pasted.has_errors());
        for cluster in pasted.cluster.into_iter().chain(pasted.candidates) {
            prop_assert!(cluster.validate().is_ok());
        }
    }
}
