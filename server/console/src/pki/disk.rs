//! Files that must be whole or not there, and keys that only we may read.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::Failure;

/// Makes a folder for us alone (0700), or takes others' rights on it away.
pub(crate) fn folder(path: &Path) -> Result<(), Failure> {
    let of = |e: std::io::Error| Failure::of(&path.display().to_string(), e);
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(of)?;
    let mode = std::fs::metadata(path).map_err(of)?.permissions().mode();
    if mode & 0o077 != 0 {
        std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(of)?;
    }
    Ok(())
}

/// Writes a file durably: temporary name, fsync, rename, fsync of the folder. Mode 0600.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let of = |e: std::io::Error| Failure::of(&path.display().to_string(), e);
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(of)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(of)?;
    std::fs::rename(&temporary, path).map_err(of)?;
    if let Some(folder) = path.parent() {
        File::open(folder).and_then(|f| f.sync_all()).map_err(of)?;
    }
    Ok(())
}

/// A file's text; none where there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::of(&path.display().to_string(), error)),
    }
}
