//! Looking: at what the kernel holds, at every pass; and at what stands in the way on this machine, every now and then.

use std::time::{Duration, Instant};

use kernel::Kind;
use lvs::preflight::{Surroundings, obstacles};
use lvs::table::{HOST_PARAMETERS, Observed};
use lvs::wire::StepFailure;

use super::{Reconciler, Report};

/// Between two looks around; what the kernel itself holds is judged at every pass.
const EVERY: Duration = Duration::from_secs(30);

/// The last look around.
#[derive(Default)]
pub(super) struct Lookout(Option<(Instant, Surroundings)>);

impl Reconciler {
    /// Looks at all that there is. Of the kernel parameters at those that are wanted, those that may be, and those that
    /// are to be put back.
    pub(super) fn observe(&mut self) -> Result<Observed, Box<Report>> {
        let wanted = self.goal.iter().flat_map(|goal| goal.desired.sysctls.keys().cloned());
        let known = HOST_PARAMETERS.into_iter().map(str::to_owned);
        let names = wanted.chain(known).chain(self.ownership.parameters.keys().cloned()).collect();
        self.kernel.observe(&names).map_err(|error| {
            Box::new(Report {
                failures: vec![StepFailure { step: error.operation.clone(), reason: error.to_string() }],
                error: Some(error.to_string()),
                fault: matches!(error.kind, Kind::Denied | Kind::Unsupported),
                ..Report::default()
            })
        })
    }

    /// Says what stands in the way of what is held.
    pub(super) fn look_around(&mut self, observed: &Observed) {
        let old = self.lookout.0.as_ref().is_none_or(|(at, _)| at.elapsed() >= EVERY);
        if old {
            self.lookout.0 = Some((Instant::now(), self.kernel.surroundings()));
        }
        let (Some(held), Some((_, around))) = (&self.held, &self.lookout.0) else { return };
        let found = match held.seat {
            Some(_) => obstacles(&held.cluster, observed, around),
            None => Default::default(),
        };
        if self.board.status().obstacles != found {
            for obstacle in &found {
                tracing::warn!(?obstacle, "something stands in the way");
            }
            self.board.post(|status| status.obstacles = found);
        }
    }
}
