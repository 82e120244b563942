//! What a pass did, and how it is shown: on the board as a level, in the log once per change.

use std::collections::BTreeSet;
use std::time::Instant;

use lvs::journal::Happening;
use lvs::table::{AddressKey, ServiceKey};
use lvs::wire::{Drift, State, StepFailure};

use super::Reconciler;
use crate::trial::Trial;

/// What a pass did and found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(super) steps: Vec<String>,
    pub(super) failures: Vec<StepFailure>,
    pub(crate) in_sync: bool,
    pub(super) error: Option<String>,
    pub(super) fault: bool,
    pub(super) holds: Option<BTreeSet<AddressKey>>,
    pub(super) foreign: Option<BTreeSet<ServiceKey>>,
    pub(super) drift: Vec<Drift>,
    /// Drifting rows in all, those that are not listed included.
    pub(super) drift_count: u32,
    /// When a row that is held back may be repaired.
    pub(crate) until: Option<Instant>,
}

impl Reconciler {
    /// Puts a pass on the board and logs what is different from the one before.
    pub(super) fn show(&mut self, report: &Report) {
        let (state, reason) = match &self.goal {
            _ if report.fault => (State::Fault, "the kernel cannot be read"),
            Some(goal) => (goal.state, goal.reason.as_str()),
            None => (State::Starting, "no configuration"),
        };
        let before = self.board.status();
        let writes = self.kernel.writes();
        let moved = self.board.post(|status| {
            status.state = state;
            status.seat = self.held.as_ref().and_then(|held| held.seat);
            status.revision = self.held.as_ref().map(|held| held.revision);
            status.digest = self.held.as_ref().map(|held| held.digest.clone());
            let until = self.undo_at().and(self.trial.as_ref()).map(|trial| trial.note.until_s);
            status.provisional_until_s = until;
            status.undone = self.trial.as_ref().and_then(Trial::undone);
            status.in_sync = report.in_sync;
            status.kernel_writes = writes;
            if let Some(holds) = &report.holds {
                status.holds = holds.clone();
            }
            if let Some(foreign) = &report.foreign {
                status.foreign = foreign.clone();
            }
            status.failures = report.failures.clone();
            status.drift = report.drift.clone();
            status.drift_count = report.drift_count;
            status.repaired = self.drift.repaired_lately();
            status.last_error = report.error.clone();
        });
        if let Some((from, to)) = moved {
            tracing::info!(from = from.as_str(), to = to.as_str(), reason, "state");
            // The heartbeat's own changes are noted when it decides them.
            if self.role.is_none() || to == State::Fault || from == State::Fault {
                let happening =
                    Happening::State { from, to, reason: None, epoch: None, evidence: BTreeSet::new() };
                self.board.journal().note(happening);
            }
        }
        if report.in_sync != before.in_sync {
            tracing::info!(
                in_sync = report.in_sync,
                revision = self.held.as_ref().map(|h| h.revision),
                "sync"
            );
        }
        match &report.error {
            Some(error) if before.last_error.as_ref() != Some(error) => {
                tracing::warn!(%error, "not all is well")
            }
            None if before.last_error.is_some() => tracing::info!("all is well again"),
            _ => {}
        }
        self.failed = report.failures.iter().map(|failure| failure.step.clone()).collect();
    }
}
