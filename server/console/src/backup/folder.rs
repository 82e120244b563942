//! The folder that backups go into by themselves: which are there, one more at once, and why the last attempt failed.
//!
//! When one is due and which are too many is `caribe serve`'s business; it makes them by the same functions as the API.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{BackupError, BackupMade, Passphrase, at, backup_name};
use crate::clock::timestamp;
use crate::{Actor, Console, Failure, Role};

/// The last attempt that failed, in the console's settings: the moment, a blank, and why. Empty after a success.
const FAILED: &str = "backup_failed";
/// Bytes of a passphrase file that are read at most.
const LONGEST: u64 = 4096;

/// Where backups go, and what they will be opened with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFolder {
    /// The folder.
    pub folder: PathBuf,
    /// A file whose first line is the passphrase.
    pub passphrase_file: PathBuf,
}

/// A backup in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupThere {
    /// Its file name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was made, as its name says.
    pub at: Timestamp,
}

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFailed {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// When a backup was made, by its name; none where the name is not one of ours.
pub fn backup_made_at(name: &str) -> Option<Timestamp> {
    let stamp = name.strip_prefix("caribe-console-")?.strip_suffix(".backup")?;
    let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).ok()?;
    let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    (backup_name(at) == name).then_some(at)
}

impl Passphrase {
    /// The first line of a file that nobody else may read.
    pub fn from_file(file: &Path) -> Result<Self, BackupError> {
        let mode = std::fs::metadata(file).map_err(at(file))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(BackupError::Open(file.to_owned()));
        }
        let mut text = String::new();
        let opened = std::fs::File::open(file).map_err(at(file))?;
        opened.take(LONGEST).read_to_string(&mut text).map_err(at(file))?;
        Passphrase::new(text.lines().next().unwrap_or_default())
    }
}

impl Console {
    /// Says where backups go; the first word counts.
    pub fn backs_up_into(&self, place: BackupFolder) {
        let _ = self.inner.backups.set(place);
    }

    /// Where backups go; none where nobody has said so.
    pub fn backup_folder(&self) -> Option<&BackupFolder> {
        self.inner.backups.get()
    }

    /// The backups in the folder, the newest first; none where no folder is set. Names that are not ours are nobody's
    /// business. Needs Admin.
    pub async fn backups(&self, actor: &Actor) -> Result<Vec<BackupThere>, BackupError> {
        actor.require(Role::Admin)?;
        let Some(place) = self.backup_folder().cloned() else { return Ok(Vec::new()) };
        let listed = tokio::task::spawn_blocking(move || list(&place.folder)).await;
        listed.map_err(|error| Failure::of("backup", error))?
    }

    /// Makes one in the folder. A failure is remembered until one succeeds. Needs Admin.
    pub async fn back_up_now(&self, actor: &Actor) -> Result<BackupMade, BackupError> {
        actor.require(Role::Admin)?;
        let made = self.back_up_there(actor).await;
        if let Err(error) = &made
            && !matches!(error, BackupError::NoFolder)
        {
            self.backup_failed(&error.to_string()).await?;
        }
        made
    }

    async fn back_up_there(&self, actor: &Actor) -> Result<BackupMade, BackupError> {
        let place = self.backup_folder().ok_or(BackupError::NoFolder)?;
        let passphrase = Passphrase::from_file(&place.passphrase_file)?;
        let file = place.folder.join(backup_name(timestamp(self.now())));
        let made = self.back_up(actor, &file, &passphrase).await?;
        self.remember_failure("").await?;
        Ok(made)
    }

    /// Remembers that a backup was not made.
    pub async fn backup_failed(&self, reason: &str) -> Result<(), Failure> {
        self.remember_failure(&format!("{} {reason}", self.now())).await
    }

    async fn remember_failure(&self, text: &str) -> Result<(), Failure> {
        let mut tx = self.inner.store.write().await?;
        tx.put_setting(FAILED, text).await?;
        Ok(tx.commit().await?)
    }

    /// The last attempt that failed; none where the last one succeeded.
    pub async fn last_backup_failure(&self) -> Result<Option<BackupFailed>, Failure> {
        let mut tx = self.inner.store.read().await?;
        let failed = tx.setting(FAILED).await?;
        Ok(failed.as_deref().and_then(|text| {
            let (at, reason) = text.split_once(' ')?;
            Some(BackupFailed { at: timestamp(at.parse().ok()?), reason: reason.to_owned() })
        }))
    }
}

fn list(folder: &Path) -> Result<Vec<BackupThere>, BackupError> {
    let mut there = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Some(made) = backup_made_at(&name) else { continue };
        // One that was removed in the meantime is not there.
        let Ok(metadata) = entry.metadata() else { continue };
        there.push(BackupThere { name, size: metadata.len(), at: made });
    }
    there.sort_by(|a, b| b.name.cmp(&a.name));
    Ok(there)
}
