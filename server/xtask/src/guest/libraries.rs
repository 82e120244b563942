//! Finds the shared libraries a program needs, by asking `ldd`. Never looks at programs of strangers: `ldd` may run
//! what it looks at. Called by the image builder and the trial of the package.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Paths of the libraries and of the loader, as `ldd` prints them; empty for a static program.
pub(crate) fn of(program: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).env("LC_ALL", "C").output().context("cannot run ldd")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("statically linked") || String::from_utf8_lossy(&output.stderr).contains("not a dynamic")
    {
        return Ok(Vec::new());
    }
    if !output.status.success() {
        bail!("ldd {}: {}", program.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    parse(&text).with_context(|| format!("libraries of {}", program.display()))
}

fn parse(text: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        let value = match line.split_once(" => ") {
            Some((name, "not found")) => bail!("{name} is missing on this machine"),
            Some((_, value)) => value,
            None => line,
        };
        // The virtual library of the kernel has no path.
        if let Some(path) = value.split(" (").next().filter(|path| path.starts_with('/')) {
            found.push(PathBuf::from(path));
        }
    }
    Ok(found)
}

/// Where a file lives in the guest, in which `/bin`, `/sbin`, `/lib` and `/lib64` are links into `/usr`.
pub(crate) fn merged(path: &Path) -> String {
    let text = path.to_string_lossy();
    let first = text.trim_start_matches('/').split('/').next().unwrap_or_default();
    if matches!(first, "bin" | "sbin" | "lib" | "lib64" | "lib32") {
        format!("/usr{text}")
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_from_all_three_kinds_of_lines() {
        let text =
            "\tlinux-vdso.so.1 (0x0)\n\tlibc.so.6 => /lib/x/libc.so.6 (0x1)\n\t/lib64/ld-linux.so.2 (0x2)\n";
        let found = parse(text).unwrap();
        assert_eq!(found, [PathBuf::from("/lib/x/libc.so.6"), PathBuf::from("/lib64/ld-linux.so.2")]);
        assert_eq!(merged(&found[1]), "/usr/lib64/ld-linux.so.2");
    }

    #[test]
    fn a_missing_library_is_named() {
        let error = parse("\tlibodd.so.9 => not found\n").unwrap_err().to_string();
        assert!(error.contains("libodd.so.9"), "{error}");
    }
}
