//! The steps for connection sync, and which services a standby must not have without it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Change, Ownership, Step, diff};
use crate::table::{Desired, DesiredSync, Observed, ServiceKey, SyncPath, SyncRole, SyncRow};

/// Sync steps, by when they happen.
pub(super) struct SyncSteps {
    /// Before the kernel parameters.
    pub(super) stop: Vec<Step>,
    /// When no address is left that a backup could not serve, and before new ones come.
    pub(super) start: Vec<Step>,
}

impl SyncSteps {
    /// Touches only daemons that `claimed` calls ours. The kernel cannot change one in place: it is stopped and
    /// started.
    pub(super) fn plan(desired: &Desired, observed: &Observed, claimed: &Ownership) -> Self {
        let want = desired.sync.as_ref().map(|sync| sync.rows(observed)).unwrap_or_default();
        let have: BTreeMap<SyncRole, &SyncRow> = observed
            .sync
            .iter()
            .filter(|(role, _)| claimed.sync.contains(role))
            .map(|(role, row)| (*role, row))
            .collect();
        let mut steps = SyncSteps { stop: Vec::new(), start: Vec::new() };
        for change in diff(&want, &have, |want, have| want.fits(have)) {
            match change {
                Change::Add(role, row) => steps.start.push(Step::StartSync { role: *role, row: row.clone() }),
                Change::Set(role, row) => {
                    steps.stop.push(Step::StopSync { role: *role });
                    steps.start.push(Step::StartSync { role: *role, row: row.clone() });
                }
                Change::Remove(role) if !claimed.lost => steps.stop.push(Step::StopSync { role: *role }),
                Change::Remove(_) => {}
            }
        }
        steps
    }
}

impl DesiredSync {
    /// The wanted daemons with their interface. Where no interface holds the address, its text stands for one, so that
    /// the refusal names it.
    pub fn rows(&self, observed: &Observed) -> BTreeMap<SyncRole, SyncRow> {
        let interface = match &self.path {
            SyncPath::Interface(name) => name.clone(),
            SyncPath::Holding(address) => {
                let holder = observed.addresses.keys().find(|key| key.address == *address);
                holder.map_or_else(|| address.to_string(), |key| key.interface.clone())
            }
        };
        let row = SyncRow { interface, id: self.id, ..SyncRow::default() };
        self.roles.iter().map(|role| (*role, row.clone())).collect()
    }
}

/// Services that are not to be in the table now, although they are desired: their address is on an interface of this
/// machine, not put there by us, and nothing keeps the kernel from scheduling.
pub(super) fn absent(desired: &Desired, observed: &Observed, claimed: &Ownership) -> BTreeSet<ServiceKey> {
    if desired.unless_local.is_empty() || runs_as_backup(desired, observed) {
        return BTreeSet::new();
    }
    let local: BTreeSet<IpAddr> =
        observed.addresses.keys().filter(|key| !claimed.may_remove(key)).map(|key| key.address).collect();
    let is_local = |(_, address): &(&ServiceKey, &IpAddr)| local.contains(*address);
    desired.unless_local.iter().filter(is_local).map(|(key, _)| *key).collect()
}

/// Whether the kernel runs as backup only, or will once this plan is carried out.
fn runs_as_backup(desired: &Desired, observed: &Observed) -> bool {
    let wanted = desired.sync.as_ref().filter(|sync| sync.roles.contains(&SyncRole::Backup));
    wanted.is_some_and(|sync| observed.sync.contains_key(&SyncRole::Backup) || !sync.refused)
}
