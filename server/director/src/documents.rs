//! The two documents the agent lives by: the last good target and the list of what is ours.
//!
//! Neither is ever guessed. An unreadable target means that traffic stays as it is until the console sends one; a
//! lost list means that nothing is removed. Both are said in the status.

use lvs::plan::Ownership;
use lvs::wire::Target;

use crate::disk::{DiskError, Folder, LoadError};
use crate::intake::{self, Held};

const TARGET: &str = "target.json";
const OWNERSHIP: &str = "ownership.json";
const TARGET_REMEDY: &str =
    "the kernel is left as it is until the console sends the configuration again (push it there)";
const OWNERSHIP_REMEDY: &str = "nothing is removed from this kernel until the console overwrites this director's configuration (forced push)";

/// What was found on disk at start.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    /// The last good configuration.
    pub(crate) held: Option<Held>,
    /// What is ours.
    pub(crate) ownership: Ownership,
    /// Why there is no configuration although there was one.
    pub(crate) target_trouble: Option<String>,
    /// Why the list is lost.
    pub(crate) ownership_trouble: Option<String>,
    /// There is a list, but it cannot be read.
    pub(crate) list_unreadable: bool,
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

/// Writes the target; the one before is kept under another name where it was unreadable.
pub(crate) fn store_target(folder: &Folder, bytes: &[u8], was_unreadable: bool) -> Result<(), DiskError> {
    if was_unreadable {
        folder.set_aside(TARGET)?;
    }
    folder.write(TARGET, bytes)
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
