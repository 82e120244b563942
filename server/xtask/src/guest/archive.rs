//! Writes cpio archives in the "new ASCII" form that the kernel unpacks as its first file system
//! (Documentation/driver-api/early-userspace/buffer-format). Never reads one; called by the image builder.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;

/// An archive in memory. Parent directories are added by themselves, once.
#[derive(Default)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    inode: u32,
    names: BTreeSet<String>,
}

impl Archive {
    /// Adds a directory and those above it.
    pub(super) fn directory(&mut self, path: &str) -> Result<()> {
        let path = path.trim_matches('/');
        let mut end = 0;
        while end < path.len() {
            end = path.get(end + 1..).and_then(|rest| rest.find('/')).map_or(path.len(), |at| end + 1 + at);
            if let Some(part) = path.get(..end)
                && self.names.insert(part.to_owned())
            {
                self.entry(part, DIRECTORY | 0o755, &[])?;
            }
        }
        Ok(())
    }

    /// Adds a file with the given permission bits; a second one of the same name is ignored.
    pub(super) fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.leaf(path, REGULAR | (mode & 0o7777), content)
    }

    /// Adds a file of this machine under another path, with its permission bits.
    pub(super) fn copy(&mut self, path: &str, from: &Path) -> Result<()> {
        let content = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        let mode = fs::metadata(from)?.permissions().mode();
        self.file(path, mode, &content)
    }

    /// Adds a symbolic link; a second one of the same name is ignored.
    pub(super) fn link(&mut self, path: &str, target: &str) -> Result<()> {
        self.leaf(path, SYMLINK | 0o777, target.as_bytes())
    }

    /// The archive with its end mark, filled up so that another one may follow.
    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        self.entry("TRAILER!!!", 0, &[])?;
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        Ok(self.bytes)
    }

    fn leaf(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        let path = path.trim_matches('/');
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.directory(parent)?;
        }
        if self.names.insert(path.to_owned()) { self.entry(path, mode, content) } else { Ok(()) }
    }

    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) -> Result<()> {
        let Ok(size) = u32::try_from(content.len()) else { bail!("{name} is too large for an archive") };
        self.inode += 1;
        // Magic, then thirteen numbers of eight hex digits: inode, mode, uid, gid, links, time, size, four device
        // numbers, length of the name with its zero byte, checksum (unused in this form).
        let header = format!(
            "070701{:08x}{mode:08x}{:08x}{:08x}{:08x}{:08x}{size:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}",
            self.inode,
            0,
            0,
            1,
            0,
            0,
            0,
            0,
            0,
            name.len() + 1,
            0
        );
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_each_directory_once_and_ends_on_a_block() {
        let mut archive = Archive::default();
        archive.file("/a/b/c", 0o644, b"text").unwrap();
        archive.file("a/b/d", 0o755, b"").unwrap();
        archive.link("/a/e", "b/c").unwrap();
        let bytes = archive.finish().unwrap();
        assert_eq!(bytes.len() % 512, 0);
        let text = String::from_utf8_lossy(&bytes);
        let headers = text.matches("070701").count();
        assert_eq!(headers, 6, "two directories, two files, one link, the end mark");
        assert!(text.contains("TRAILER!!!"));
    }
}
