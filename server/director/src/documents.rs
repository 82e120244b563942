//! The two documents the agent lives by: the last good target and the list of what is ours; and a note of which target
//! was made true here.
//!
//! Neither is ever guessed. An unreadable target means that traffic stays as it is until the console sends one; a
//! lost list means that nothing is removed. Both are said in the status.

use lvs::plan::Ownership;
use lvs::wire::{Digest, Target};
use serde::{Deserialize, Serialize};

use crate::disk::{DiskError, Folder, LoadError};
use crate::intake::{self, Held};
use crate::trial::Trial;

pub(crate) const TARGET: &str = "target.json";
pub(crate) const BEFORE: &str = "before.json";
const BEFORE_REMEDY: &str = "a partner that still speaks the earlier way is not heard";
/// Earlier configurations that are remembered.
const EARLIER: usize = 4;
pub(crate) const OWNERSHIP: &str = "ownership.json";
pub(crate) const SETTLED: &str = "settled.json";
const TARGET_REMEDY: &str =
    "the kernel is left as it is until the console sends the configuration again (push it there)";
const SETTLED_REMEDY: &str = "the kernel is brought in line with the configuration";
const OWNERSHIP_REMEDY: &str = "nothing is removed from this kernel until the console overwrites this director's configuration (forced push)";

/// What was found on disk at start.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    /// The last good configuration.
    pub(crate) held: Option<Held>,
    /// Earlier ones, oldest first, whose ways of speaking the partner may still need.
    pub(crate) before: Vec<Held>,
    /// What is ours.
    pub(crate) ownership: Ownership,
    /// Why there is no configuration although there was one.
    pub(crate) target_trouble: Option<String>,
    /// Why the list is lost.
    pub(crate) ownership_trouble: Option<String>,
    /// There is a list, but it cannot be read.
    pub(crate) list_unreadable: bool,
    /// The kernel held all of that configuration once: what differs now was changed since.
    pub(crate) settled: bool,
    /// The configuration that is held on trial, or was last.
    pub(crate) trial: Option<Trial>,
}

/// Which configuration was made true.
#[derive(Serialize, Deserialize)]
struct Settled {
    revision: u64,
    digest: Digest,
}

/// Reads both; what cannot be read is reported in the result, not guessed.
pub(crate) fn load(folder: &Folder, director_id: &str) -> Documents {
    let mut found = Documents::default();
    let had_target = match load_target(folder, director_id) {
        Ok(held) => {
            found.held = held;
            found.held.is_some()
        }
        Err(error) => {
            tracing::error!(%error, "the stored configuration is of no use");
            found.target_trouble = Some(error.to_string());
            true
        }
    };
    found.trial = Trial::load(folder);
    let held = |target| Some(intake::check(target, director_id, None).ok()?.held);
    found.before = earlier(folder).into_iter().filter_map(held).collect();
    // Without the note the configuration is simply made true again.
    let note = folder.read_json::<Settled>(SETTLED, SETTLED_REMEDY).unwrap_or_default();
    found.settled = found
        .held
        .as_ref()
        .zip(note)
        .is_some_and(|(held, note)| (held.revision, &held.digest) == (note.revision, &note.digest));
    let list = folder.read_json::<Ownership>(OWNERSHIP, OWNERSHIP_REMEDY).and_then(|list| match list {
        // The list is always written before the first target: with a target and no list, the list was lost.
        None if had_target => Err(folder.unusable(OWNERSHIP, "the file is missing", OWNERSHIP_REMEDY)),
        list => Ok(list.unwrap_or_default()),
    });
    match list {
        Ok(list) => {
            if list.lost {
                found.ownership_trouble =
                    Some(format!("the list of what is ours was lost; {OWNERSHIP_REMEDY}"));
            }
            found.ownership = list;
        }
        Err(error) => {
            tracing::error!(%error, "the list of what is ours is lost");
            found.ownership_trouble = Some(error.to_string());
            found.ownership.lost = true;
            found.list_unreadable = true;
        }
    }
    found
}

fn load_target(folder: &Folder, director_id: &str) -> Result<Option<Held>, LoadError> {
    let Some(target) = folder.read_json::<Target>(TARGET, TARGET_REMEDY)? else { return Ok(None) };
    intake::check(target, director_id, None)
        .map(|accepted| Some(accepted.held))
        .map_err(|refusal| folder.unusable(TARGET, refusal.to_string(), TARGET_REMEDY))
}

fn earlier(folder: &Folder) -> Vec<Target> {
    folder
        .read_json(BEFORE, BEFORE_REMEDY)
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "how the partner was spoken with before is lost");
            None
        })
        .unwrap_or_default()
}

/// Remembers what is held as an earlier configuration: the partner may hold it for a while yet.
pub(crate) fn store_before(folder: &Folder) -> Result<(), DiskError> {
    let mut all = earlier(folder);
    all.extend(held_target(folder));
    let many = all.len().saturating_sub(EARLIER);
    all.drain(..many);
    let bytes = serde_json::to_vec(&all).map_err(|error| DiskError {
        action: "write",
        path: folder.path(BEFORE),
        source: error.into(),
    })?;
    folder.write(BEFORE, &bytes)
}

/// No earlier configuration is needed any more.
pub(crate) fn forget_before(folder: &Folder) -> Result<(), DiskError> {
    folder.remove(BEFORE)
}

/// Writes the target; the one before is kept under another name where it was unreadable.
pub(crate) fn store_target(folder: &Folder, bytes: &[u8], was_unreadable: bool) -> Result<(), DiskError> {
    if was_unreadable {
        folder.set_aside(TARGET)?;
    }
    folder.write(TARGET, bytes)
}

/// Notes that this configuration was made true.
pub(crate) fn store_settled(folder: &Folder, held: &Held) -> Result<(), DiskError> {
    let note = Settled { revision: held.revision, digest: held.digest.clone() };
    let bytes = serde_json::to_vec(&note).map_err(|error| DiskError {
        action: "write",
        path: folder.path(SETTLED),
        source: error.into(),
    })?;
    folder.write(SETTLED, &bytes)
}

/// The configuration that is held, as it was taken; none where there is none or it cannot be read.
pub(crate) fn held_target(folder: &Folder) -> Option<Target> {
    folder.read_json::<Target>(TARGET, TARGET_REMEDY).ok().flatten()
}

/// Writes the list; the one before is kept under another name where it was unreadable.
pub(crate) fn store_ownership(
    folder: &Folder,
    ownership: &Ownership,
    was_unreadable: bool,
) -> Result<(), DiskError> {
    let bytes = serde_json::to_vec(ownership).map_err(|error| DiskError {
        action: "write",
        path: folder.path(OWNERSHIP),
        source: error.into(),
    })?;
    if was_unreadable {
        folder.set_aside(OWNERSHIP)?;
    }
    folder.write(OWNERSHIP, &bytes)
}
