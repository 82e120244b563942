//! The first rows and the lock of a data folder.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use store::Store;

use crate::{Failure, OpenError, secret};

/// An exclusive lock on a data folder, held while it is opened; released when dropped.
#[derive(Debug)]
pub(crate) struct Lock(#[allow(dead_code, reason = "held for its lock")] File);

impl Lock {
    pub(crate) async fn take(data: &Path) -> Result<Self, OpenError> {
        let path = data.join("opening.lock");
        let of = |path: &Path, e: std::io::Error| OpenError::Folder {
            path: path.to_owned(),
            reason: e.to_string(),
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|e| of(&path, e))?;
        let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file))
            .await
            .map_err(|e| Failure::of("lock", e))?;
        Ok(Lock(locked.map_err(|e| of(&path, e))?))
    }
}

/// The installation's id, given at the first start, and whether any account exists.
pub(crate) async fn first_rows(store: &Store, now: i64) -> Result<(String, bool), Failure> {
    let mut tx = store.write().await?;
    let installation = tx.installation(&secret::base32(&secret::random::<10>()?), now).await?;
    let has_accounts = tx.has_accounts().await?;
    tx.commit().await?;
    Ok((installation, has_accounts))
}
