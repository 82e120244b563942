//! Which crate may name which. A forbidden arrow fails here with the reason it is forbidden.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Crate, and those it may depend on directly.
const ALLOWED: &[(&str, &[&str])] = &[
    ("lvs", &[]),
    ("kernel", &["lvs"]),
    ("director", &["kernel", "lvs"]),
    ("store", &["lvs"]),
    ("console", &["store", "lvs"]),
    ("web", &["console", "lvs"]),
    ("caribe", &["web", "console", "director", "lvs"]),
    ("testkit", &[]),
    ("xtask", &["testkit"]),
];

/// From, to, why not. The first that fits is told; `*` fits any crate.
const WHY: &[(&str, &str, &str)] = &[
    ("*", "testkit", "test code must not be in the product"),
    ("*", "xtask", "the project's own tasks must not be in the product"),
    ("*", "caribe", "the binary is the end of every arrow; what others need of it belongs into a crate"),
    ("lvs", "*", "lvs decides and does nothing: every other crate depends on it, it on none"),
    ("kernel", "*", "the kernel's shell has no opinions and knows only the words of lvs"),
    ("store", "*", "the store keeps what it is given and knows only the words of lvs"),
    (
        "director",
        "store",
        "an agent works on with the console gone, so it cannot know the console's database",
    ),
    ("director", "*", "the two halves meet only in lvs types and over HTTPS"),
    ("console", "kernel", "the console never touches a kernel: it speaks to agents over HTTPS"),
    ("console", "director", "the two halves meet only in lvs types and over HTTPS"),
    ("console", "web", "the console decides, web shows; the arrow points the other way"),
    (
        "web",
        "store",
        "pages and API go through the console's functions, so that no rule lives in only one of them",
    ),
    ("web", "*", "pages and API know only the console"),
    ("caribe", "kernel", "the binary wires halves; a half hands over what the binary needs of its shells"),
    ("caribe", "store", "the binary wires halves; a half hands over what the binary needs of its shells"),
    ("testkit", "*", "tests of whole programs see Caribe from outside, as a user does"),
];

/// What the pure crate may not have in its tree, and why.
const IMPURE: &[(&str, &str)] = &[
    ("tokio", "time and I/O are arguments, not calls"),
    ("sqlx", "no storage"),
    ("axum", "no transport"),
    ("hyper", "no transport"),
    ("rustls", "no transport"),
    ("libc", "no operating system"),
    ("rand", "no randomness"),
    ("getrandom", "no randomness"),
    ("jiff", "no clock"),
    ("time", "no clock"),
    ("tracing", "what is worth logging is a value that it returns"),
];

fn metadata() -> Metadata {
    // Of one platform: other systems' crates would be counted otherwise.
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .other_options(["--offline".to_owned(), "--filter-platform=x86_64-unknown-linux-gnu".to_owned()])
        .exec()
        .expect("cargo metadata")
}

fn allowed(name: &str) -> BTreeSet<&'static str> {
    let found = ALLOWED.iter().find(|(from, _)| *from == name);
    found
        .unwrap_or_else(|| panic!("{name} is a new crate: say in edges.rs what it may depend on"))
        .1
        .iter()
        .copied()
        .collect()
}

/// All that a crate may reach over several arrows; its tests may name these directly.
fn reachable(name: &str) -> BTreeSet<&'static str> {
    let mut found = allowed(name);
    for next in allowed(name) {
        found.extend(reachable(next));
    }
    found
}

fn why(from: &str, to: &str) -> &'static str {
    let fits = |pattern: &str, name: &str| pattern == "*" || pattern == name;
    WHY.iter()
        .find(|(f, t, _)| fits(f, from) && fits(t, to))
        .map_or("it is not among the arrows of ARCHITECTURE.md", |(_, _, why)| why)
}

#[test]
fn crates_name_only_those_they_may() {
    let metadata = metadata();
    let members: BTreeSet<String> =
        metadata.workspace_packages().iter().map(|p| p.name.to_string()).collect();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.to_string();
        for dependency in package.dependencies.iter().filter(|d| members.contains(&d.name) && d.name != name)
        {
            let may = match dependency.kind {
                DependencyKind::Development => reachable(&name),
                _ => allowed(&name),
            };
            if !may.contains(dependency.name.as_str()) {
                wrong.push(format!("{name} -> {}: {}", dependency.name, why(&name, &dependency.name)));
            }
        }
    }
    assert!(wrong.is_empty(), "forbidden arrows:\n{}", wrong.join("\n"));
    let known: BTreeSet<String> = ALLOWED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(members, known, "the table of allowed arrows names other crates than the workspace has");
}

/// What `lvs` needs by itself, each crate with how deep it lies. Features that other crates of the workspace ask of the same
/// libraries are not its own.
fn tree_of_lvs() -> Vec<(usize, String)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // A procedural macro runs in the compiler; what it links does not run in lvs.
    let told = Command::new(cargo)
        .args(["tree", "--offline", "--package=lvs", "--all-features", "--edges=normal,no-proc-macro"])
        .args(["--target=x86_64-unknown-linux-gnu", "--prefix=depth", "--format={p}"])
        .arg(concat!("--manifest-path=", env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .output()
        .expect("cargo tree");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let line = |line: &str| {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        let (depth, package) = line.split_at(digits);
        let name = package.split(' ').next().unwrap_or_default().to_owned();
        (depth.parse().expect("a depth"), name)
    };
    String::from_utf8_lossy(&told.stdout).lines().map(line).collect()
}

#[test]
fn lvs_stays_pure() {
    let (mut way, mut wrong, mut seen) = (Vec::new(), Vec::new(), 0);
    for (depth, name) in tree_of_lvs() {
        way.truncate(depth);
        way.push(name.clone());
        seen += 1;
        if let Some((_, why)) = IMPURE.iter().find(|(bad, _)| *bad == name) {
            wrong.push(format!("{}: {why}", way.join(" -> ")));
        }
    }
    assert!(seen > 3, "the walk saw nothing");
    assert!(wrong.is_empty(), "lvs is not pure:\n{}", wrong.join("\n"));
}

#[test]
fn every_forbidden_arrow_has_a_reason() {
    for (from, may) in ALLOWED {
        for (to, _) in ALLOWED {
            if from != to && !may.contains(to) && *from != "xtask" {
                assert!(!why(from, to).contains("not among"), "no reason why {from} may not name {to}");
            }
        }
    }
}
