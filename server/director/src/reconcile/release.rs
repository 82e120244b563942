//! Letting go of what is ours, when the agent is told to release at its end.

use std::collections::{BTreeMap, BTreeSet};

use lvs::plan::plan;
use lvs::table::Desired;
use lvs::wire::{State, StepFailure};

use super::Reconciler;

/// What was let go of at a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Steps done, as text.
    pub steps: Vec<String>,
    /// What stayed, and why.
    pub failures: Vec<StepFailure>,
}

impl Reconciler {
    /// Lets go of everything that is ours: addresses first, then services, then what the
    /// host was prepared with. The configuration on disk stays, so that
    /// a later start takes up its work again.
    pub(crate) fn release(&mut self) -> Released {
        self.airwaves.hold(&BTreeMap::new());
        let mut released = Released::default();
        if self.ownership.lost {
            let reason = self.ownership_trouble.clone().unwrap_or_default();
            released.failures.push(StepFailure { step: "release".to_owned(), reason });
        }
        for _ in 0..3 {
            released.failures.retain(|failure| failure.step == "release");
            let changed: BTreeSet<String> = self.ownership.parameters.keys().cloned().collect();
            let observed = match self.kernel.observe(&changed) {
                Ok(observed) => observed,
                Err(error) => {
                    let reason = error.to_string();
                    released.failures.push(StepFailure { step: error.operation, reason });
                    continue;
                }
            };
            let steps = plan(&Desired::default(), &observed, &self.ownership).steps;
            for (step, result) in steps.iter().zip(self.kernel.apply(&steps)) {
                let step = step.to_string();
                match result {
                    Ok(()) => released.steps.push(step),
                    Err(error) => {
                        released.failures.push(StepFailure { step, reason: error.to_string() });
                    }
                }
            }
            if !released.failures.iter().any(|failure| failure.step != "release") {
                break;
            }
        }
        tracing::info!(done = released.steps.len(), failed = released.failures.len(), "released");
        let writes = self.kernel.writes();
        self.board.post(|status| {
            status.state = State::Stopped;
            status.in_sync = false;
            status.kernel_writes = writes;
            status.holds.clear();
        });
        released
    }
}
