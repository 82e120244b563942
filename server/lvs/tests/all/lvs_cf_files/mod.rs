//! The files in `lvs_cf/NAME/input.cf` and what the tests of changes in them share.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lvs::format::names::Names;
use lvs::format::{decode, lvs_cf};
use lvs::model::Cluster;
use proptest::prelude::*;
use proptest::sample::Index;

/// All files by name, with their texts.
pub(crate) fn cases() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lvs_cf");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), decode(&fs::read(path.join("input.cf")).unwrap()).0.into_owned()))
        .collect();
    cases.sort();
    cases
}

/// What a text says.
pub(crate) fn read(text: &str) -> Option<Cluster> {
    lvs_cf::read(text).cluster
}

/// The same with the text itself, as it is imported.
pub(crate) fn imported(text: &str) -> Option<Cluster> {
    let mut reading = lvs_cf::read(text);
    lvs_cf::keep_text(&mut reading, text);
    reading.cluster
}

/// The text that says what a cluster says, or the codes of what cannot be said.
pub(crate) fn edit(text: &str, cluster: &Cluster) -> Result<String, Vec<String>> {
    lvs_cf::edit(text, &Names::default(), cluster)
        .map_err(|findings| findings.iter().map(|f| f.code.as_str().to_owned()).collect())
}

/// What a file can say of a cluster.
pub(crate) fn sayable(mut cluster: Cluster) -> Cluster {
    cluster.name = String::new();
    cluster.kept = BTreeMap::new();
    for director in &mut cluster.directors {
        director.name = director.seat.to_string();
    }
    cluster.directors.sort_by_key(|director| director.seat);
    for server in &mut cluster.virtual_servers {
        server.kept = BTreeMap::new();
        for real in &mut server.real_servers {
            real.port = real.port.filter(|port| *port != server.port);
        }
    }
    cluster
}

/// Lines taken out (`-`) and put in (`+`), in order.
pub(crate) fn difference(before: &str, after: &str) -> Vec<String> {
    let (a, b): (Vec<&str>, Vec<&str>) =
        (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    // Longest common subsequence; the files are small.
    let mut table = vec![vec![0_u16; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            table[i][j] =
                if a[i] == b[j] { table[i + 1][j + 1] + 1 } else { table[i + 1][j].max(table[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            i += 1;
            j += 1;
        } else if j == b.len() || (i < a.len() && table[i + 1][j] >= table[i][j + 1]) {
            lines.push(format!("-{}", a[i].trim_end_matches('\n')));
            i += 1;
        } else {
            lines.push(format!("+{}", b[j].trim_end_matches('\n')));
            j += 1;
        }
    }
    lines
}

/// A file of ours with some of its characters changed.
pub(crate) fn damaged() -> impl Strategy<Value = String> {
    let change = (
        any::<Index>(),
        prop::sample::select("\n\n\r{}}\"'= #\\\t\u{a0}x1".chars().collect::<Vec<_>>()),
        0..4_u8,
    );
    let text = prop::sample::select(cases()).prop_map(|(_, text)| text);
    (text, prop::collection::vec(change, 1..8)).prop_map(|(text, changes)| {
        let mut characters: Vec<char> = text.chars().collect();
        for (index, character, kind) in changes {
            if characters.is_empty() {
                break;
            }
            let at = index.index(characters.len());
            match kind {
                0 => characters[at] = character,
                1 => _ = characters.remove(at),
                2 => characters.insert(at, character),
                _ => characters
                    .drain(at..(at + usize::from(character == '}') * 40).min(characters.len()))
                    .for_each(drop),
            }
        }
        characters.into_iter().collect()
    })
}
