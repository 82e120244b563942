//! Looking into a backup, and putting it back.
//!
//! A backup is unpacked into a folder of its own (within the data folder where it is to go there), opened there as a
//! console would open it, and only then moved into place, the database last: a folder without it holds no console.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use jiff::Timestamp;
use store::Store;

use super::sealed::Opener;
use super::{BackupError, KEYS, MANIFEST, Manifest, Passphrase, at, is_key};
use crate::clock::timestamp;
use crate::pki;
use crate::{DATABASE, Failure};

/// The most that the manifest and the files of keys may hold.
const SMALL: u64 = 1 << 20;

/// What is in a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The program that made it.
    pub version: String,
    /// When.
    pub made: Timestamp,
    /// Fingerprint of the CA that the directors trust.
    pub ca_fingerprint: String,
    /// Clusters by name, each with its newest revision and how many directors have joined.
    pub clusters: Vec<(String, Option<u64>, usize)>,
    /// Accounts by name.
    pub accounts: Vec<String>,
}

/// A backup that was unpacked beside where it may go; gone when it is dropped.
#[derive(Debug)]
pub struct Restorable {
    unpacked: tempfile::TempDir,
    /// What is in it.
    pub contents: Contents,
}

impl Contents {
    /// What is in a backup. Nothing is left of it.
    pub async fn of(file: &Path, passphrase: &Passphrase) -> Result<Self, BackupError> {
        let unpacked = tempfile::tempdir().map_err(at(&std::env::temp_dir()))?;
        look(file, passphrase, unpacked.path()).await
    }
}

impl Restorable {
    /// Opens a backup and unpacks it into `data`, in a folder of its own. `data` must be empty, or not there.
    pub async fn open(file: &Path, passphrase: &Passphrase, data: &Path) -> Result<Self, BackupError> {
        if std::fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(BackupError::Occupied(data.to_owned()));
        }
        pki::disk::folder(data)?;
        let unpacked = tempfile::Builder::new().prefix("restoring-").tempdir_in(data).map_err(at(data))?;
        let contents = look(file, passphrase, unpacked.path()).await?;
        Ok(Restorable { unpacked, contents })
    }

    /// Puts it into place. A console that is started there goes on where the backup was made.
    pub fn restore(self) -> Result<(), BackupError> {
        let from = self.unpacked.path();
        let data = from.parent().unwrap_or(from);
        // Where root restores for the user of the service, the files are that user's.
        let owner = std::fs::metadata(data).map_err(at(data))?;
        let ours = std::fs::metadata(from).map_err(at(from))?;
        if (owner.uid(), owner.gid()) != (ours.uid(), ours.gid()) {
            for path in files(from).map_err(at(from))? {
                std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).map_err(at(&path))?;
            }
        }
        for name in [KEYS, DATABASE] {
            let (from, to) = (from.join(name), data.join(name));
            std::fs::rename(&from, &to).map_err(at(&to))?;
        }
        File::open(data).and_then(|folder| folder.sync_all()).map_err(at(data))
    }
}

/// Everything below a folder that is put into place.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let keys = folder.join(KEYS);
    let mut files = vec![folder.join(DATABASE), keys.clone()];
    for entry in std::fs::read_dir(keys)? {
        files.push(entry?.path());
    }
    Ok(files)
}

/// Decrypts and unpacks; nothing but what a backup has is taken.
fn unpack(file: &Path, passphrase: &Passphrase, into: &Path) -> Result<Manifest, BackupError> {
    let content = |reason: &str| BackupError::Content { path: file.to_owned(), reason: reason.to_owned() };
    let from = BufReader::new(File::open(file).map_err(at(file))?);
    let mut opener = Opener::begin(from, &passphrase.0).map_err(|error| BackupError::sealed(file, error))?;
    let mut tar = tar::Archive::new(GzDecoder::new(&mut opener));
    let keys = into.join(KEYS);
    pki::disk::folder(&keys)?;
    let mut manifest = None;
    for entry in tar.entries().map_err(at(file))? {
        let mut entry = entry.map_err(at(file))?;
        let name = entry.path().map_err(at(file))?.to_string_lossy().into_owned();
        let key = name.strip_prefix(KEYS).and_then(|rest| rest.strip_prefix('/'));
        let to = match (name.as_str(), key) {
            (MANIFEST, _) => {
                let mut text = Vec::new();
                entry.by_ref().take(SMALL).read_to_end(&mut text).map_err(at(file))?;
                manifest = serde_json::from_slice(&text).ok();
                continue;
            }
            (DATABASE, _) => into.join(DATABASE),
            (_, Some(key)) if is_key(key) && !key.contains('/') && entry.size() <= SMALL => keys.join(key),
            _ => return Err(content(&format!("it holds {name:?}, which no backup does"))),
        };
        let mut out =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to).map_err(at(&to))?;
        io::copy(&mut entry, &mut out).map_err(at(&to))?;
        out.sync_all().map_err(at(&to))?;
    }
    // The archive ends before the file does; what is left must be whole as well.
    io::copy(&mut opener, &mut io::sink()).map_err(at(file))?;
    let whole =
        [into.join(DATABASE), keys.join("ca.pem"), keys.join("ca.key")].iter().all(|path| path.is_file());
    manifest.filter(|_| whole).ok_or_else(|| content("database, CA or manifest are missing in it"))
}

/// Unpacks a backup into a folder and opens it there as a console would.
async fn look(file: &Path, passphrase: &Passphrase, into: &Path) -> Result<Contents, BackupError> {
    let (from, to, passphrase) = (file.to_owned(), into.to_owned(), passphrase.clone());
    let unpacking = tokio::task::spawn_blocking(move || unpack(&from, &passphrase, &to));
    let manifest = unpacking.await.map_err(|error| Failure::of("restore", error))??;
    let store = Store::open(&into.join(DATABASE)).await.map_err(|error| BackupError::Content {
        path: file.to_owned(),
        reason: format!(
            "its database was made by caribe {} and cannot be used by this one, {} ({error})",
            manifest.version,
            env!("CARGO_PKG_VERSION")
        ),
    })?;
    let read = async {
        let mut tx = store.read().await?;
        let accounts = tx.accounts().await?.into_iter().map(|account| account.name).collect();
        let mut clusters = Vec::new();
        for cluster in tx.clusters().await? {
            let revision = tx.newest_head(&cluster.id).await?.map(|head| head.number);
            let directors = tx.directors(Some(&cluster.id)).await?.len();
            clusters.push((cluster.name, revision, directors));
        }
        Ok::<_, store::Error>((clusters, accounts))
    };
    let read = read.await;
    // Folds what was read back into the one file that is moved.
    store.close().await;
    let (clusters, accounts) = read.map_err(Failure::from)?;
    let ca_fingerprint = pki::ca_fingerprint(&into.join(KEYS), &manifest.installation, manifest.made)?;
    Ok(Contents {
        version: manifest.version,
        made: timestamp(manifest.made),
        ca_fingerprint,
        clusters,
        accounts,
    })
}
