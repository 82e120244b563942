//! Builds what the guest boots from: a base archive (tools, their libraries, kernel modules, the first program), kept
//! under a name that is the hash of what went in, and a small second one with the programs of one run.
//! Never changes the machine outside its folder. Called by [`super::Guest`].

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use super::archive::Archive;
use super::{Run, kernel, libraries};
use crate::system;

const INIT: &str = include_str!("init");

/// The applets that busybox is in the guest. Never `ip`: its own knows no namespaces.
const APPLETS: &[&str] = &[
    "cat", "chmod", "cp", "date", "dmesg", "echo", "env", "false", "find", "free", "fsfreeze", "grep",
    "head", "hostname", "id", "kill", "less", "ln", "ls", "mkdir", "mke2fs", "mknod", "mount", "mv",
    "poweroff", "ps", "rm", "sed", "sh", "sleep", "sort", "sync", "sysctl", "tail", "tar", "touch", "true",
    "umount", "uname", "vi", "wc",
];

/// Names under which kmod works.
const MODULE_TOOLS: &[&str] = &["depmod", "insmod", "lsmod", "modinfo", "modprobe", "rmmod"];

/// Files of the machine that tools read, where they exist.
const TABLES: &[&str] =
    &["/etc/protocols", "/etc/services", "/etc/iproute2/rt_tables", "/etc/iproute2/rt_protos"];

/// A base to boot from.
pub(super) struct Base {
    /// The kernel's image.
    pub(super) kernel: PathBuf,
    /// The base archive.
    pub(super) archive: PathBuf,
}

/// The base archive, built unless one of the same content is there.
pub(super) fn base(folder: &Path, refresh: bool) -> Result<Base> {
    let kernel = kernel::fetch(folder, refresh)?;
    let mut files = BTreeSet::new();
    for tool in system::TOOLS {
        let path = fs::canonicalize(system::program(tool.program)?)?;
        files.extend(libraries::of(&path)?);
        files.insert(path);
    }
    let mut hash = Sha256::new();
    for part in
        [INIT, &kernel.version, &APPLETS.concat(), include_str!("image.rs"), include_str!("kernel.rs")]
    {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    for file in &files {
        hash.update(file.to_string_lossy().as_bytes());
        hash.update(Sha256::digest(fs::read(file)?));
    }
    let archive = kept(folder, "base", hash, || {
        eprintln!("xtask: building the guest's base image");
        build(folder, &kernel, &files)
    })?;
    Ok(Base { kernel: kernel.image, archive })
}

/// An archive of this kind, built unless one of the same content is there; older ones go.
pub(super) fn kept(
    folder: &Path,
    kind: &str,
    content: Sha256,
    build: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<PathBuf> {
    let name = hex::encode(content.finalize());
    let archive = folder.join(format!("{kind}-{}.cpio", name.get(..16).unwrap_or(&name)));
    if !archive.exists() {
        let prefix = format!("{kind}-");
        for old in fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())) {
            if old.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix))
                && old.is_file()
            {
                fs::remove_file(old)?;
            }
        }
        write(&archive, &build()?)?;
    }
    Ok(archive)
}

fn build(folder: &Path, kernel: &kernel::Kernel, files: &BTreeSet<PathBuf>) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    for folder in
        ["usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "dev", "etc", "proc", "root", "run", "sys", "tmp"]
    {
        archive.directory(folder)?;
    }
    for link in ["bin", "sbin", "lib", "lib64"] {
        archive.link(link, &format!("usr/{link}"))?;
    }
    archive.link("var/run", "/run")?;
    archive.file("init", 0o755, INIT.as_bytes())?;
    archive.file(
        "etc/passwd",
        0o644,
        b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    )?;
    archive.file("etc/group", 0o644, b"root:x:0:\nnogroup:x:65534:\n")?;
    archive.file("etc/hosts", 0o644, b"127.0.0.1 localhost\n::1 localhost\n")?;
    for table in TABLES.iter().filter(|table| Path::new(table).exists()) {
        archive.copy(table, Path::new(table))?;
    }
    for file in files {
        archive.copy(&libraries::merged(file), file)?;
    }
    for (names, target) in [(APPLETS, "busybox"), (MODULE_TOOLS, "kmod")] {
        let place = fs::canonicalize(system::program(target)?)?;
        for name in names {
            archive.link(&format!("usr/sbin/{name}"), &libraries::merged(&place))?;
        }
    }
    // Programs of the machine are called by these names, wherever the machine keeps them.
    for tool in system::TOOLS {
        let place = libraries::merged(&fs::canonicalize(system::program(tool.program)?)?);
        archive.link(&format!("usr/sbin/{}", tool.program), &place)?;
    }
    archive.link("usr/bin/sh", "/usr/sbin/sh")?;
    let staged = folder.join("modules");
    if staged.exists() {
        fs::remove_dir_all(&staged)?;
    }
    kernel::stage(kernel, &staged)?;
    add_tree(&mut archive, &staged.join("lib/modules"), "usr/lib/modules")?;
    archive.finish()
}

fn add_tree(archive: &mut Archive, from: &Path, to: &str) -> Result<()> {
    let mut entries: Vec<_> = fs::read_dir(from)?.collect::<std::io::Result<_>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{to}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            add_tree(archive, &entry.path(), &path)?;
        } else {
            archive.copy(&path, &entry.path())?;
        }
    }
    Ok(())
}

/// The archive with the programs of one run, their libraries, and what to run.
pub(super) fn run(run: &Run, scratch: &Path) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    for program in &run.programs {
        for library in libraries::of(program)? {
            archive.copy(&libraries::merged(&library), &library)?;
        }
        let name = program.file_name().context("a program without a name")?.to_string_lossy();
        archive.file(&format!("lab/bin/{name}"), 0o755, &without_symbols(program, scratch)?)?;
    }
    if !run.forwards.is_empty() {
        archive.file("lab/network", 0o644, b"")?;
    }
    archive.file("lab/run", 0o755, script(run).as_bytes())?;
    archive.finish()
}

/// The command as a script for the guest's own shell; every word is quoted.
fn script(run: &Run) -> String {
    let quoted = |word: &str| format!("'{}'", word.replace('\'', r"'\''"));
    let mut text = "export PATH=/lab/bin:$PATH RUST_BACKTRACE=1\n".to_owned();
    for (name, value) in &run.environment {
        text.push_str(&format!("export {name}={}\n", quoted(value)));
    }
    text.push_str("exec");
    for word in &run.command {
        text.push(' ');
        text.push_str(&quoted(word));
    }
    text.push('\n');
    text
}

/// A program's content without debug symbols, where `strip` is there to remove them: the guest unpacks every byte
/// under emulation.
fn without_symbols(program: &Path, scratch: &Path) -> Result<Vec<u8>> {
    if let Some(strip) = system::find("strip") {
        let stripped = scratch.join("stripped");
        let done = Command::new(strip).arg("--strip-debug").arg("-o").arg(&stripped).arg(program).output();
        if done.is_ok_and(|output| output.status.success()) {
            return Ok(fs::read(&stripped)?);
        }
    }
    fs::read(program).with_context(|| format!("cannot read {}", program.display()))
}

/// Writes a file so that it is there as a whole or not at all.
fn write(path: &Path, content: &[u8]) -> Result<()> {
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, content).with_context(|| format!("cannot write {}", unfinished.display()))?;
    Ok(fs::rename(&unfinished, path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_the_guest_as_they_are() {
        let run = Run {
            command: vec!["echo".into(), "it's $HOME".into()],
            environment: vec![("A".into(), "b c".into())],
            ..Run::default()
        };
        let text = script(&run);
        assert!(text.ends_with("exec 'echo' 'it'\\''s $HOME'\n"), "{text}");
        assert!(text.contains("export A='b c'\n"), "{text}");
    }
}
