//! The list of what is ours in this kernel, kept on disk.

use lvs::plan::Ownership;

use super::Reconciler;
use crate::documents;

impl Reconciler {
    /// Makes the list durable before the kernel is changed. What the kernel should hold does not wait for a full disk, though:
    /// an address without an owner is worse than a list that a crash can lose. What was lost then counts as somebody
    /// else's, and is left alone. The list is written as soon as that can be done.
    pub(super) fn rely_on(&mut self, list: Ownership) {
        if let Err(error) = self.keep(list.clone()) {
            self.newly_ours.extend(list.services.difference(&self.ownership.services));
            self.ownership = list;
            self.unkept = Some(error);
        }
    }

    /// Makes the list durable before it is relied on.
    pub(super) fn keep(&mut self, list: Ownership) -> Result<(), String> {
        if list == self.ownership && self.unkept.is_none() {
            return Ok(());
        }
        match documents::store_ownership(&self.folder, &list, self.list_unreadable) {
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
