//! Backups: all a console needs to go on on another machine, as one encrypted file, and putting one back.
//!
//! In the file is a compressed tar archive: what it is (`manifest.json`), the database as it was at one moment, and the
//! keys and certificates, the CA's among them. `sealed` encrypts it; nothing of it is ever written unencrypted outside
//! the data folder. It never changes a console that is there. Called by `caribe backup`, `caribe restore` and the
//! schedule of `caribe serve`.

mod folder;
mod restore;
mod sealed;

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use folder::{BackupFailed, BackupFolder, BackupThere, backup_made_at};
pub use restore::{Contents, Restorable};

use crate::clock::timestamp;
use crate::{Actor, Console, Failure, Role, secret};
use sealed::{Cost, Fresh, SealError, Sealer};

/// Names in the archive.
const MANIFEST: &str = "manifest.json";
const KEYS: &str = "pki";
/// Characters of a passphrase; as many as of an account's password.
const SHORTEST: usize = 12;
/// The moment of the last one that was made, in the console's settings.
const SETTING: &str = "backup_last";

/// What a backup is opened with. It is never shown.
#[derive(Clone)]
pub struct Passphrase(String);

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase")
    }
}

impl Passphrase {
    /// Takes a text of at least 12 characters.
    pub fn new(text: &str) -> Result<Self, BackupError> {
        if text.chars().count() < SHORTEST {
            return Err(BackupError::Short);
        }
        Ok(Passphrase(text.to_owned()))
    }
}

/// Why a backup was not made, not opened, or not put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Too short to protect anything.
    #[error("a passphrase has at least {SHORTEST} characters")]
    Short,
    /// Others than its owner may read the passphrase.
    #[error("{0}: others may read it; chmod 600 it")]
    Open(PathBuf),
    /// Nobody has said where backups go.
    #[error("no folder for backups is set: [backup] folder in the settings of caribe serve")]
    NoFolder,
    /// The file is something else.
    #[error("{0}: this is no backup of a Caribe console")]
    NotOurs(PathBuf),
    /// It cannot be opened with this passphrase.
    #[error("{0}: the passphrase is another one, or the file was damaged at its beginning")]
    Passphrase(PathBuf),
    /// Its content is not what a backup has.
    #[error("{path}: {reason}")]
    Content {
        /// The backup.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is a console, or something else, where it would go.
    #[error(
        "{0} is not empty: a backup is restored into an empty folder alone; name another with --data, or move what is there away"
    )]
    Occupied(PathBuf),
    /// Disk.
    #[error("{path}: {source}")]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// What failed.
        source: io::Error,
    },
    /// Database or clock.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The caller may not.
    #[error(transparent)]
    Refused(#[from] crate::Error),
}

fn at(path: &Path) -> impl Fn(io::Error) -> BackupError + '_ {
    |source| BackupError::File { path: path.to_owned(), source }
}

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    /// The program that made it.
    version: String,
    /// When, seconds since 1970.
    made: i64,
    /// The console's installation id.
    installation: String,
}

/// The name of a backup that is made at a moment: it sorts by time.
pub fn backup_name(at: Timestamp) -> String {
    format!("caribe-console-{}.backup", at.strftime("%Y%m%dT%H%M%SZ"))
}

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupMade {
    /// The file.
    pub file: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// The moment of the database in it.
    pub at: Timestamp,
}

/// A file that is gone when it is dropped.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Console {
    /// Writes a backup to `file`, which must not be there yet. Needs Admin. Nothing that runs is kept waiting but by the
    /// disk.
    pub async fn back_up(
        &self,
        actor: &Actor,
        file: &Path,
        passphrase: &Passphrase,
    ) -> Result<BackupMade, BackupError> {
        self.back_up_at_cost(actor, file, passphrase, Cost::default()).await
    }

    /// When the last backup was made; none where there never was one.
    pub async fn last_backup(&self) -> Result<Option<Timestamp>, Failure> {
        let mut tx = self.inner.store.read().await?;
        let last = tx.setting(SETTING).await?;
        Ok(last.and_then(|text| text.parse().ok()).map(timestamp))
    }

    async fn back_up_at_cost(
        &self,
        actor: &Actor,
        file: &Path,
        passphrase: &Passphrase,
        cost: Cost,
    ) -> Result<BackupMade, BackupError> {
        actor.require(Role::Admin)?;
        let now = self.now();
        let name = secret::base32(&secret::random::<10>()?);
        let snapshot = Temporary(self.inner.data.join(format!("backup-{name}.db")));
        self.inner.store.snapshot(&snapshot.0).await.map_err(Failure::from)?;
        let manifest = Manifest {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            made: now,
            installation: self.pki().installation().to_owned(),
        };
        let fresh = Fresh { salt: secret::random()?, nonce: secret::random()? };
        let (keys, passphrase, to) = (self.inner.data.join(KEYS), passphrase.clone(), file.to_owned());
        let writing = tokio::task::spawn_blocking(move || {
            let size = write(&to, &manifest, &snapshot.0, &keys, &passphrase, &fresh, cost);
            drop(snapshot);
            size
        });
        let size = writing.await.map_err(|error| Failure::of("backup", error))??;
        let mut tx = self.inner.store.write().await.map_err(Failure::from)?;
        let detail = format!("{size} bytes");
        let name = file.display().to_string();
        self.audit_row(&mut tx, actor, "backup.make", &name, &detail).await.map_err(Failure::from)?;
        tx.put_setting(SETTING, &now.to_string()).await.map_err(Failure::from)?;
        tx.commit().await.map_err(Failure::from)?;
        Ok(BackupMade { file: file.to_owned(), size, at: timestamp(now) })
    }
}

/// Writes the file under another name and gives it its own when it is whole and on the disk.
fn write(
    file: &Path,
    manifest: &Manifest,
    database: &Path,
    keys: &Path,
    passphrase: &Passphrase,
    fresh: &Fresh,
    cost: Cost,
) -> Result<u64, BackupError> {
    if file.exists() {
        return Err(at(file)(io::Error::new(io::ErrorKind::AlreadyExists, "there is such a file already")));
    }
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = Temporary(file.with_file_name(name));
    let to = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part.0);
    let to = to.map_err(at(&part.0))?;
    let sealer = Sealer::begin(to, &passphrase.0, fresh, cost).map_err(at(&part.0))?;
    let to = archive(sealer, manifest, database, keys).map_err(at(&part.0))?;
    to.sync_all().map_err(at(&part.0))?;
    let size = to.metadata().map_err(at(&part.0))?.len();
    std::fs::rename(&part.0, file).map_err(at(file))?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))?;
    Ok(size)
}

/// The archive itself.
fn archive(sealer: Sealer<File>, manifest: &Manifest, database: &Path, keys: &Path) -> io::Result<File> {
    let mut tar = tar::Builder::new(GzEncoder::new(sealer, Compression::default()));
    let mut put = |name: &str, length: u64, content: &mut dyn Read| {
        let mut header = tar::Header::new_ustar();
        header.set_size(length);
        header.set_mode(0o600);
        header.set_mtime(manifest.made.unsigned_abs());
        tar.append_data(&mut header, name, content)
    };
    let text = serde_json::to_vec_pretty(manifest)?;
    put(MANIFEST, text.len() as u64, &mut text.as_slice())?;
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(keys)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    names.sort();
    for path in names {
        let name = path.file_name().and_then(|name| name.to_str());
        // What is being written at this moment has another name.
        let Some(name) = name.filter(|name| is_key(name)) else { continue };
        let content = std::fs::read(&path)?;
        put(&format!("{KEYS}/{name}"), content.len() as u64, &mut content.as_slice())?;
    }
    let mut database = File::open(database)?;
    put(crate::DATABASE, database.metadata()?.len(), &mut database)?;
    tar.into_inner()?.finish()?.finish()
}

/// Whether a file is a key or a certificate.
fn is_key(name: &str) -> bool {
    name.ends_with(".pem") || name.ends_with(".key")
}

impl BackupError {
    fn sealed(path: &Path, error: SealError) -> Self {
        match error {
            SealError::NotOurs => BackupError::NotOurs(path.to_owned()),
            SealError::Passphrase => BackupError::Passphrase(path.to_owned()),
            SealError::Io(source) => at(path)(source),
        }
    }
}

#[cfg(test)]
mod tests;
