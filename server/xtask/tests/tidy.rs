//! Order in the tree: what a reader may expect of every file.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// The most lines a source file may have.
const LONGEST: usize = 500;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "manager", "misc", "shared"];

/// Folders that hold no text of ours.
const NOT_OURS: &[&str] = &["target", ".git", "vendor"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if NOT_OURS.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(PathBuf, String)> {
    let rust = files().into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    rust.map(|path| (short(&path), fs::read_to_string(&path).expect("text"))).collect()
}

fn short(path: &Path) -> PathBuf {
    path.strip_prefix(root()).expect("a path below the workspace").to_owned()
}

fn none(wrong: &[String], what: &str) {
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}

#[test]
fn no_source_file_is_too_long() {
    let wrong: Vec<String> = sources()
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(path, lines)| format!("{}: {lines} lines, at most {LONGEST}", path.display()))
        .collect();
    none(&wrong, "files that should be split");
}

#[test]
fn every_module_says_what_it_is() {
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path.display().to_string())
        .collect();
    none(&wrong, "files that do not begin with a //! header");
}

#[test]
fn names_say_what_is_inside() {
    let mut wrong = Vec::new();
    for (path, _) in sources() {
        for part in path.with_extension("").components() {
            if EMPTY_NAMES.contains(&part.as_os_str().to_string_lossy().as_ref()) {
                wrong.push(path.display().to_string());
            }
        }
    }
    none(&wrong, "names that say nothing");
}

#[test]
fn nothing_depends_on_one_machine() {
    // Put together here, so that this file does not hold them.
    let forbidden = [["/wo", "rk/"].concat(), ["../sh", "ared"].concat(), ["/tmp/", "caribe"].concat()];
    let mut wrong = Vec::new();
    for path in files() {
        // Not everything is text; fonts and icons say nothing.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            if forbidden.iter().any(|word| line.contains(word.as_str())) {
                wrong.push(format!("{}:{}: {}", short(&path).display(), number + 1, line.trim()));
            }
        }
    }
    none(&wrong, "paths of one machine");
}

#[test]
fn unsafe_code_is_only_in_the_kernel_shell() {
    let word = ["unsafe", "_code"].concat();
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|(path, text)| text.contains(&format!("allow({word})")) && !path.starts_with("server/kernel"))
        .map(|(path, _)| path.display().to_string())
        .collect();
    none(&wrong, "files that allow unsafe code");
}
