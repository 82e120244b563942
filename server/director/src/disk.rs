//! The agent's folder: files that are either the old or the new one, also after a power cut.
//!
//! A file belongs to whom the folder belongs, also where root, who joins a director, writes it for an agent that is not root.
//! A file is replaced by writing a temporary one beside it, flushing it, renaming it over the old one and flushing
//! the folder. The folder is 0700 and every file 0600, the private key among them. Nothing here knows what the files
//! say (`identity`, `held` do), and nothing is ever deleted: what cannot be read is set aside under another name
//! before it is replaced. Blocking, as long as the disk hangs; for [`Folder::within`] no longer than is asked for.
//! Called from the agent's own threads and from blocking tasks.

mod hand;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hand::Hand;
use serde::de::DeserializeOwned;

/// The largest file that is read back; a target can be at most [`crate::BODY_LIMIT`], with room for indentation.
const READ_LIMIT: u64 = 64 << 20;

/// A file or folder operation that failed, with its path.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct DiskError {
    /// What was tried: create, write, read, lock.
    pub action: &'static str,
    /// On which file.
    pub path: PathBuf,
    /// Why not.
    #[source]
    pub source: io::Error,
}

/// Why a file of the agent's folder is of no use; says which file and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file system refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The file is there, but what it says is not.
    #[error("{} is unusable ({detail}); {remedy}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
        /// What to do.
        remedy: &'static str,
    },
}

/// The agent's folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Who works on it in place of the caller, and how long the caller waits.
    patience: Option<(Arc<Hand>, Duration)>,
}

/// Held while a process uses the folder; the kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Whether another process uses the agent's folder at this moment.
///
/// # Errors
/// When the folder cannot be made or looked into.
pub fn in_use(data: &Path) -> Result<bool, DiskError> {
    Ok(Folder::open(data)?.lock()?.is_none())
}

impl Folder {
    /// Opens the folder, making it where it is missing and closing it to others where it is not.
    pub(crate) fn open(path: &Path) -> Result<Self, DiskError> {
        let failed = |source| DiskError { action: "create", path: path.to_owned(), source };
        if !path.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        Ok(Folder { path: path.to_owned(), patience: None })
    }

    /// The folder as it is; none where there is none. For who only reads.
    pub(crate) fn there(path: &Path) -> Option<Self> {
        path.is_dir().then(|| Folder { path: path.to_owned(), patience: None })
    }

    /// The same folder for somebody who never waits longer than this for an answer, and a quarter of a second more where
    /// the one before was late. What has no answer in time is an error, but may still be done; nothing overtakes it.
    ///
    /// # Errors
    /// When the thread that works on it, with this name, cannot be started.
    pub(crate) fn by_another(&self, name: &str, patience: Duration) -> io::Result<Self> {
        Ok(Folder { path: self.path.clone(), patience: Some((Arc::new(Hand::start(name)?), patience)) })
    }

    /// The same folder and the same thread with another patience; without a thread it stays as it is.
    pub(crate) fn within(&self, patience: Duration) -> Self {
        let hand = self.patience.as_ref().map(|(hand, _)| (hand.clone(), patience));
        Folder { path: self.path.clone(), patience: hand }
    }

    /// Has something done with the file here, or by the thread that works on this folder.
    fn work<T: Send + 'static>(
        &self,
        action: &'static str,
        name: &str,
        work: impl FnOnce(&Folder, PathBuf) -> io::Result<T> + Send + 'static,
    ) -> Result<T, DiskError> {
        let path = self.path(name);
        let plain = Folder { path: self.path.clone(), patience: None };
        let its = path.clone();
        let done = match &self.patience {
            None => work(&plain, its),
            Some((hand, patience)) => hand.run(*patience, move || work(&plain, its)).unwrap_or_else(|| {
                let late = format!("the disk has not answered for {} ms", patience.as_millis());
                Err(io::Error::new(io::ErrorKind::TimedOut, late))
            }),
        };
        done.map_err(|source| DiskError { action, path, source })
    }

    /// The path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Takes the folder for this process; none where another one has it.
    pub(crate) fn lock(&self) -> Result<Option<Lock>, DiskError> {
        let path = self.path("lock");
        let failed = |source| DiskError { action: "lock", path: path.clone(), source };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        self.hand_over(&file);
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Replaces a file; when this returns `Ok` the new content survives a power cut, else the old one stays.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<(), DiskError> {
        let temporary = self.path(&format!(".{name}.new"));
        let content = content.to_vec();
        self.work("write", name, move |folder, path| {
            let written = OpenOptions::new()
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(&temporary)
                .and_then(|mut file| {
                    folder.hand_over(&file);
                    file.write_all(&content).and_then(|()| file.sync_all())
                })
                .and_then(|()| fs::rename(&temporary, &path))
                .and_then(|()| File::open(&folder.path)?.sync_all());
            written.inspect_err(|_| {
                // A full disk is the likeliest cause: do not leave half a file on it. Absent is as good as removed.
                let _ = fs::remove_file(&temporary);
            })
        })
    }

    /// Gives a file to whom the folder belongs. Only root can; for everybody else it is so already, or nothing can be done.
    fn hand_over(&self, file: &File) {
        let Ok((folder, own)) = fs::metadata(&self.path).and_then(|folder| Ok((folder, file.metadata()?)))
        else {
            return;
        };
        if folder.uid() != own.uid() {
            // Where it does not work, opening it says so to who needs it.
            let _ = std::os::unix::fs::fchown(file, Some(folder.uid()), Some(folder.gid()));
        }
    }

    /// The content of a file; none where there is no such file.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, DiskError> {
        self.work("read", name, |_, path| {
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            let mut content = Vec::new();
            file.take(READ_LIMIT + 1).read_to_end(&mut content)?;
            if content.len() as u64 > READ_LIMIT {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 64 MiB"));
            }
            Ok(Some(content))
        })
    }

    /// The content of a JSON file; none where there is no such file. `remedy` tells a person what to do when it is
    /// no such JSON.
    pub(crate) fn read_json<T: DeserializeOwned>(
        &self,
        name: &str,
        remedy: &'static str,
    ) -> Result<Option<T>, LoadError> {
        let Some(content) = self.read(name)? else { return Ok(None) };
        serde_json::from_slice(&content)
            .map(Some)
            .map_err(|error| self.unusable(name, error.to_string(), remedy))
    }

    /// That a file's content is of no use.
    pub(crate) fn unusable(&self, name: &str, detail: impl Into<String>, remedy: &'static str) -> LoadError {
        LoadError::Content { path: self.path(name), detail: detail.into(), remedy }
    }

    /// Removes a file; one that is not there is as good as removed.
    pub(crate) fn remove(&self, name: &str) -> Result<(), DiskError> {
        self.work("remove", name, |folder, path| match fs::remove_file(&path) {
            Ok(()) => File::open(&folder.path)?.sync_all(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        })
    }

    /// Keeps an unreadable file under another name, so that somebody can still look at it after it was replaced.
    pub(crate) fn set_aside(&self, name: &str) -> Result<(), DiskError> {
        let aside = self.path(&format!("{name}.unreadable"));
        self.work("set aside", name, move |_, path| match fs::rename(&path, aside) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn files_are_private_and_replaced_as_a_whole() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(&place.path().join("a/b")).unwrap();
        assert_eq!(mode(&place.path().join("a/b")), 0o700);
        folder.write("key.pem", b"one").unwrap();
        folder.write("key.pem", b"two").unwrap();
        assert_eq!(folder.read("key.pem").unwrap().as_deref(), Some(b"two".as_slice()));
        assert_eq!(mode(&folder.path("key.pem")), 0o600);
        assert_eq!(folder.read("other").unwrap(), None);
        let names: Vec<_> = fs::read_dir(place.path().join("a/b")).unwrap().collect();
        assert_eq!(names.len(), 1, "no temporary file stays: {names:?}");
    }

    #[test]
    fn an_open_folder_is_closed_to_others() {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Folder::open(place.path()).unwrap();
        assert_eq!(mode(place.path()), 0o700);
    }

    #[test]
    fn files_belong_to_whom_the_folder_belongs() {
        let place = tempfile::tempdir().unwrap();
        // Only root can give a folder away; for others it stays their own, and so do the files.
        let _ = std::os::unix::fs::chown(place.path(), Some(65_534), Some(65_534));
        let folder = Folder::open(place.path()).unwrap();
        let _lock = folder.lock().unwrap();
        folder.write("identity.json", b"one").unwrap();
        let owner = fs::metadata(place.path()).unwrap().uid();
        for name in ["lock", "identity.json"] {
            assert_eq!(fs::metadata(folder.path(name)).unwrap().uid(), owner, "{name}");
        }
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        folder.write("target.json", b"old").unwrap();
        // The temporary file cannot be made where a folder has its name.
        fs::create_dir(folder.path(".target.json.new")).unwrap();
        let error = folder.write("target.json", b"new").unwrap_err();
        assert!(error.to_string().contains("target.json"), "{error}");
        assert_eq!(folder.read("target.json").unwrap().as_deref(), Some(b"old".as_slice()));
    }

    #[test]
    fn a_folder_is_used_by_one_process() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let held = folder.lock().unwrap();
        assert!(held.is_some());
        assert!(folder.lock().unwrap().is_none());
        drop(held);
        assert!(folder.lock().unwrap().is_some());
    }

    #[test]
    fn a_broken_file_is_named_with_what_to_do() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        folder.write("ownership.json", b"{\"services\":").unwrap();
        let error =
            folder.read_json::<lvs::plan::Ownership>("ownership.json", "do this").unwrap_err().to_string();
        assert!(error.contains("ownership.json") && error.contains("do this"), "{error}");
        folder.set_aside("ownership.json").unwrap();
        assert!(folder.path("ownership.json.unreadable").exists());
        folder.set_aside("ownership.json").unwrap();
    }
}
