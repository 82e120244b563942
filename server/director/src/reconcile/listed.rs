//! The list of what is ours in this kernel, kept on disk.

use std::time::Duration;

use lvs::plan::Ownership;

use super::Reconciler;
use crate::documents;

/// How long the kernel waits for the disk. Nobody answers for an address meanwhile that is to be taken over.
pub(super) const PROMPT: Duration = Duration::from_millis(250);

impl Reconciler {
    /// Makes the list durable before the kernel is changed. What the kernel should hold does not wait for a disk that is
    /// full or does not answer, though: an address without an owner is worse than a list that a crash can lose. What was lost then counts as somebody
    /// else's, and is left alone. The list is written as soon as that can be done.
    pub(super) fn rely_on(&mut self, list: Ownership) {
        if let Err(error) = self.keep(list.clone(), PROMPT) {
            self.newly_ours.extend(list.services.difference(&self.ownership.services));
            self.ownership = list;
            self.unkept = Some(error);
        }
    }

    /// Makes the list durable before it is relied on; an error where that is not so after this time.
    pub(super) fn keep(&mut self, list: Ownership, patience: Duration) -> Result<(), String> {
        if list == self.ownership && self.unkept.is_none() {
            return Ok(());
        }
        match documents::store_ownership(&self.folder.within(patience), &list, self.list_unreadable) {
            Ok(()) => {
                self.list_unreadable = false;
                self.unkept = None;
                if !list.lost {
                    self.ownership_trouble = None;
                }
                self.newly_ours.extend(list.services.difference(&self.ownership.services));
                self.ownership = list;
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    }
}
