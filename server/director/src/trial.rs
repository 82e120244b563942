//! A configuration on trial: held until somebody keeps it, or until its time is over and the one before comes back.
//!
//! What to go back to and until when is on the disk before the new configuration is, so that a director undoes it with
//! the console dead, and after a restart of its own. This is the note and its rules; `reconcile` carries them out.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lvs::wire::{Digest, Target, Undone};
use serde::{Deserialize, Serialize};

use crate::disk::{DiskError, Folder};
use crate::intake::Mark;

pub(crate) const TRIAL: &str = "trial.json";
const REMEDY: &str = "the configuration that is held stays, whether it was kept or not";

/// What is on the disk of a trial.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The configuration on trial.
    pub(crate) revision: u64,
    pub(crate) digest: Digest,
    /// Seconds it was given.
    pub(crate) seconds: u32,
    /// When they are over, seconds since 1970.
    pub(crate) until_s: i64,
    /// When it was undone, seconds since 1970.
    #[serde(default)]
    pub(crate) undone_s: Option<i64>,
    /// What was held before.
    pub(crate) before: Target,
}

/// A trial that this director knows of.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(crate) note: Note,
    /// When it is undone, on a clock that nobody sets.
    pub(crate) due: Instant,
}

pub(crate) fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

impl Trial {
    /// One that begins now.
    pub(crate) fn begin(mark: &Mark, seconds: u32, before: Target) -> Self {
        let note = Note {
            revision: mark.revision,
            digest: mark.digest.clone(),
            seconds,
            until_s: now_s().saturating_add(i64::from(seconds)),
            undone_s: None,
            before,
        };
        Trial { note, due: Instant::now() + Duration::from_secs(u64::from(seconds)) }
    }

    /// The one on the disk. A clock that was set back gives it no more time than it had.
    pub(crate) fn load(folder: &Folder) -> Option<Self> {
        let note = folder
            .read_json::<Note>(TRIAL, REMEDY)
            .inspect_err(|error| tracing::error!(%error, "whether a configuration is on trial is not known"))
            .ok()??;
        let left = note.until_s.saturating_sub(now_s()).clamp(0, i64::from(note.seconds));
        let left = if note.undone_s.is_some() { 0 } else { left.unsigned_abs() };
        Some(Trial { due: Instant::now() + Duration::from_secs(left), note })
    }

    pub(crate) fn store(&self, folder: &Folder) -> Result<(), DiskError> {
        let bytes = serde_json::to_vec(&self.note).map_err(|error| DiskError {
            action: "write",
            path: folder.path(TRIAL),
            source: error.into(),
        })?;
        folder.write(TRIAL, &bytes)
    }

    /// Nothing is on trial any more.
    pub(crate) fn end(folder: &Folder) -> Result<(), DiskError> {
        folder.remove(TRIAL)
    }

    /// Whether that configuration is the one on trial.
    pub(crate) fn is_of(&self, mark: &Mark) -> bool {
        (self.note.revision, &self.note.digest) == (mark.revision, &mark.digest)
    }

    /// What is told of one that was undone.
    pub(crate) fn undone(&self) -> Option<Undone> {
        let at_s = self.note.undone_s?;
        Some(Undone { revision: self.note.revision, digest: self.note.digest.clone(), at_s })
    }
}
