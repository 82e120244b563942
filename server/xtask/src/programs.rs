//! Builds our own programs with cargo and finds them. Never uses another target folder or profile than an ordinary
//! `cargo test`, so that nothing is compiled twice. Called by the lab, the demo and the tests.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The root of the workspace.
pub fn root() -> PathBuf {
    // The crate is two levels below it.
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(PathBuf::from).unwrap_or_default()
}

/// The folder cargo builds into.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that runs us, or the one along the path.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Builds programs (`build --bin …`) or tests (`test --no-run …`) and returns the executables by target name. Cargo
/// says on our terminal what it compiles: the first time this takes minutes.
pub fn build(arguments: &[&str]) -> Result<Vec<(String, PathBuf)>> {
    let output = cargo()
        .args(arguments)
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo {} failed", arguments.join(" "));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(executable).collect())
}

/// What is said before anything is built, where nothing has been built yet.
pub fn first_build() -> Option<&'static str> {
    let built = target().join("debug").join("caribe").exists();
    (!built).then_some(
        "Nothing is built yet: the first build compiles about 300 libraries, about ten minutes on two cores. Later ones take seconds.",
    )
}

/// Builds one program. The smallest test is built beside it: only where tests are among what is asked for does cargo
/// give the libraries the features that `cargo test --workspace` gives them, so that they are compiled once for both.
pub fn binary(name: &str) -> Result<PathBuf> {
    pick(build(&["build", "--workspace", "--bin", name, "--test", "edges"])?, name)
}

/// Builds the test program of an integration test.
pub fn test(name: &str) -> Result<PathBuf> {
    pick(build(&["test", "--no-run", "--workspace", "--test", name])?, name)
}

fn pick(built: Vec<(String, PathBuf)>, name: &str) -> Result<PathBuf> {
    let found = built.into_iter().find(|(target, _)| target == name);
    found.map(|(_, path)| path).with_context(|| format!("cargo built no {name}"))
}

fn executable(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let name = message.get("target")?.get("name")?.as_str()?;
    let path = message.get("executable")?.as_str()?;
    Some((name.to_owned(), PathBuf::from(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_about_executables_count() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"lab"},"executable":"/t/lab"}"#;
        assert_eq!(executable(line), Some(("lab".to_owned(), PathBuf::from("/t/lab"))));
        assert_eq!(executable(r#"{"target":{"name":"lab"},"executable":null}"#), None);
        assert_eq!(executable("text"), None);
    }

    #[test]
    fn the_root_is_the_folder_with_the_lock_file() {
        assert!(root().join("Cargo.lock").exists());
    }
}
