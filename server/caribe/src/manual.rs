//! Completions for shells and manual pages, made from the command line itself.

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;

use crate::cli::Cli;

/// Prints completions.
pub(crate) fn completions(shell: clap_complete::Shell) {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "caribe", &mut text);
    print!("{}", String::from_utf8_lossy(&text));
}

/// Writes a page for each command (`caribe.1`, `caribe-ctl-drain.1`, …).
pub(crate) fn pages(folder: &Path) -> Result<()> {
    let about = || format!("{}: the manual pages cannot be written", folder.display());
    std::fs::create_dir_all(folder).with_context(about)?;
    clap_mangen::generate_to(Cli::command(), folder).with_context(about)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        pages(folder.path()).unwrap();
        for name in [
            "caribe.1",
            "caribe-serve.1",
            "caribe-agent-join.1",
            "caribe-ctl-drain.1",
            "caribe-real-server-setup.1",
        ] {
            assert!(folder.path().join(name).exists(), "{name}");
        }
    }
}
