//! Looking: at what the kernel holds, at every pass; and every now and then at what stands in the way on this machine, and
//! at who else on the network answers for the addresses it holds.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use kernel::{Kernel, Kind, Sighting};
use lvs::model::Cluster;
use lvs::preflight::{Answering, Questions, Surroundings, answering, obstacles, questions};
use lvs::table::{HOST_PARAMETERS, Observed};
use lvs::wire::StepFailure;

use super::{Reconciler, Report};
use crate::goal::Goal;

/// Between two looks around; what the kernel itself holds is judged at every pass.
const EVERY: Duration = Duration::from_secs(30);

/// Before who has answered is asked for once more: addresses that have just moved are not anybody else's.
const AGAIN: Duration = Duration::from_secs(2);

/// The last looks around.
#[derive(Default)]
pub(super) struct Lookout {
    around: Option<(Instant, Surroundings)>,
    /// What was asked on the network, and the way its answers come.
    asked: Option<(Questions, Receiver<Sighting>)>,
    /// When to ask next.
    next: Option<Instant>,
    round: usize,
    /// Who answered when they were asked last.
    heard: BTreeSet<Answering>,
    /// Who answered twice in a row.
    answering: BTreeSet<Answering>,
}

impl Lookout {
    /// Takes the answers that have come, and asks on where it is time to.
    fn ask_around(&mut self, kernel: &mut dyn Kernel, cluster: &Cluster, goal: &Goal, observed: &Observed) {
        if let Some((asked, answers)) = self.asked.take() {
            match answers.try_recv() {
                Ok(sighting) => self.take(&asked, answering(cluster, &asked, &sighting.holders)),
                Err(TryRecvError::Empty) => self.asked = Some((asked, answers)),
                // It could not be asked.
                Err(TryRecvError::Disconnected) => {}
            }
        }
        let now = Instant::now();
        if self.asked.is_none() && self.next.is_none_or(|next| next <= now) {
            self.next = Some(now + EVERY);
            let asked = questions(cluster, goal.desired.addresses.keys(), observed, self.round);
            if !asked.addresses.is_empty() {
                let answers = kernel.ask_around(asked.places());
                self.asked = Some((asked, answers));
            }
        }
    }

    fn take(&mut self, asked: &Questions, found: BTreeSet<Answering>) {
        let twice: BTreeSet<Answering> = found.intersection(&self.heard).cloned().collect();
        if twice == found {
            self.round += 1;
        } else {
            // The same addresses once more.
            self.next = Some(Instant::now() + AGAIN);
        }
        self.answering.retain(|known| !asked.has(known.address));
        self.answering.extend(twice);
        self.heard.retain(|known| !asked.has(known.address));
        self.heard.extend(found);
    }
}

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
        let lookout = &mut self.lookout;
        if lookout.around.as_ref().is_none_or(|(at, _)| at.elapsed() >= EVERY) {
            lookout.around = Some((Instant::now(), self.kernel.surroundings()));
        }
        let Some(held) = &self.held else { return };
        if let Some(goal) = &self.goal {
            lookout.ask_around(self.kernel.as_mut(), held.cluster.cluster(), goal, observed);
        }
        let Some((_, around)) = &mut lookout.around else { return };
        around.answering.clone_from(&lookout.answering);
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
