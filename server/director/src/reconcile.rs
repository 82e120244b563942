//! Closing the gap between what is wanted and what the kernel holds: observe → claim → plan → apply → verify.
//!
//! A pass knows nothing of what woke it and looks at everything; the first one after a start adopts what it finds.
//! Rows that are not ours are never touched, and without a readable configuration nothing is. Everything that will
//! be ours is on disk before it is applied. Only the worker's thread calls this; it owns the kernel.

mod release;
mod report;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::{Kernel, Kind};
use lvs::plan::{Gate, Ownership, Step, plan, stages};
use lvs::table::{AddressKey, Observed, ServiceKey};
use lvs::wire::{Applied, Refusal, StepFailure};

use crate::announce::{Airwaves, Gains};
use crate::board::Board;
use crate::damping::{Damper, Row};
use crate::disk::Folder;
use crate::documents::{self, Documents};
use crate::goal::Goal;
use crate::intake::{self, Accepted, Held, Novelty};
use crate::rhythm::Rhythm;

pub use release::Released;
pub(crate) use report::Report;

/// Failures that are listed one by one: where a module is missing, thousands of steps fail for the same reason.
const FAILURES_SHOWN: usize = 100;

/// The one owner of the kernel.
pub(crate) struct Reconciler {
    pub(crate) kernel: Box<dyn Kernel>,
    folder: Folder,
    pub(crate) board: Arc<Board>,
    airwaves: Airwaves,
    held: Option<Held>,
    goal: Option<Arc<Goal>>,
    ownership: Ownership,
    target_trouble: Option<String>,
    ownership_trouble: Option<String>,
    /// The list on disk is one that nobody could read; it is kept aside when it is replaced.
    list_unreadable: bool,
    /// The kernel was in sync with this goal once: what differs now is drift.
    settled: bool,
    damper: Damper,
    gains: Gains,
    /// Failures of the last pass, so that each is logged once.
    failed: BTreeSet<String>,
    /// Services that have just become ours; those the kernel has already are adopted.
    newly_ours: BTreeSet<ServiceKey>,
}

impl Reconciler {
    pub(crate) fn new(
        kernel: Box<dyn Kernel>,
        folder: Folder,
        board: Arc<Board>,
        airwaves: Airwaves,
        documents: Documents,
        rhythm: &Rhythm,
    ) -> Self {
        let goal = documents.held.as_ref().map(|held| Arc::new(Goal::of(held)));
        Reconciler {
            kernel,
            folder,
            board,
            airwaves,
            held: documents.held,
            goal,
            ownership: documents.ownership,
            target_trouble: documents.target_trouble,
            ownership_trouble: documents.ownership_trouble,
            list_unreadable: documents.list_unreadable,
            settled: false,
            damper: Damper::new(rhythm.repair, rhythm.repair_longest),
            gains: Gains::default(),
            failed: BTreeSet::new(),
            newly_ours: BTreeSet::new(),
        }
    }

    /// Takes a pushed or fetched target: list and target durable first, then the kernel, then the answer.
    pub(crate) fn take(&mut self, accepted: Accepted, received: Instant) -> Result<Applied, Refusal> {
        let Accepted { held, force, bytes } = accepted;
        let mark = held.mark();
        let before = self.held.as_ref().map(Held::mark);
        let novelty = intake::against(before.as_ref(), &mark, force)?;
        let goal = Goal::of(&held);
        let mut list = self.ownership.clone();
        list.services.extend(goal.desired.table.services.keys().copied());
        // A forced push is somebody's decision; what was listed since the loss is all that is ours.
        list.lost &= !force;
        let old = self.ownership.clone();
        self.keep(list).map_err(|detail| Refusal::Failed { detail })?;
        if novelty == Novelty::New {
            let unreadable = self.target_trouble.is_some();
            if let Err(error) = documents::store_target(&self.folder, &bytes, unreadable) {
                // The longer list would do no harm, but a refused message is to change nothing.
                let _ = self.keep(old);
                return Err(Refusal::Failed { detail: error.to_string() });
            }
            tracing::info!(
                revision = mark.revision,
                digest = %mark.digest,
                before = before.as_ref().map(|mark| mark.revision),
                force,
                "new configuration"
            );
            self.target_trouble = None;
            self.held = Some(held);
            self.goal = Some(Arc::new(goal));
            self.settled = false;
        }
        self.damper.clear();
        let report = self.pass();
        let took_ms = millis(received.elapsed());
        Ok(Applied {
            revision: mark.revision,
            digest: mark.digest,
            in_sync: report.in_sync,
            steps: report.steps,
            failures: report.failures,
            took_ms,
        })
    }

    /// One pass, shown on the board.
    pub(crate) fn pass(&mut self) -> Report {
        let began = Instant::now();
        let mut report = self.close_gap().unwrap_or_else(|report| *report);
        let took_ms = millis(began.elapsed());
        let revision = self.held.as_ref().map(|held| held.revision);
        if !report.steps.is_empty() || !report.failures.is_empty() {
            let (done, failed) = (report.steps.len(), report.failures.len());
            tracing::info!(revision, done, failed, in_sync = report.in_sync, took_ms, "kernel changed");
        }
        if report.error.is_none() {
            report.error = report.failures.first().map(|failure| failure.reason.clone());
        }
        if report.error.is_none() {
            report.error = self.target_trouble.clone().or_else(|| self.ownership_trouble.clone());
        }
        self.show(&report);
        report
    }

    /// The pass itself; `Err` carries the report of one that could not be carried through.
    fn close_gap(&mut self) -> Result<Report, Box<Report>> {
        let sysctls = self.goal.as_ref().map(|goal| goal.sysctls.clone()).unwrap_or_default();
        let observed = self.observe(&sysctls)?;
        let Some(goal) = self.goal.clone() else {
            // No configuration: look, and leave everything as it is.
            self.board.observed(&observed, &self.ownership);
            let ours = &self.ownership.services;
            let foreign = observed.table.services.keys().filter(|key| !ours.contains(key)).copied().collect();
            let holds = Some(self.holds(&observed));
            return Ok(Report { holds, foreign: Some(foreign), ..Report::default() });
        };
        let claimed = self.ownership.claim(&goal.desired, &observed);
        self.keep(claimed).map_err(|error| Box::new(Report { error: Some(error), ..Report::default() }))?;
        let planned = plan(&goal.desired, &observed, &self.ownership);
        for key in std::mem::take(&mut self.newly_ours) {
            if observed.table.services.contains_key(&key) {
                tracing::info!(service.vip = %key, "adopted");
            }
        }
        if planned.steps.is_empty() {
            let mut report = Report { in_sync: true, ..Report::default() };
            self.found(&goal, &observed, planned.foreign, &mut report);
            return Ok(report);
        }
        let now = Instant::now();
        let (steps, waiting, until) = if self.settled {
            let parted = self.damper.part(planned.steps, now);
            (parted.now, parted.waiting, parted.until)
        } else {
            (planned.steps, BTreeSet::new(), None)
        };
        let mut report = Report { until, ..Report::default() };
        if let Some(row) = waiting.first() {
            report.error = Some(format!(
                "something else keeps changing {row}{}; repairing it less and less often",
                if waiting.len() > 1 { format!(" and {} more", waiting.len() - 1) } else { String::new() }
            ));
        }
        let verified = if steps.is_empty() {
            observed
        } else {
            self.write(&goal, &observed, &steps, &mut report);
            self.observe(&goal.sysctls).map_err(|mut failed| {
                failed.steps = std::mem::take(&mut report.steps);
                failed.failures.append(&mut report.failures);
                failed
            })?
        };
        let left = plan(&goal.desired, &verified, &self.ownership);
        report.in_sync = left.steps.is_empty();
        self.found(&goal, &verified, left.foreign, &mut report);
        Ok(report)
    }

    /// What follows from the last look of a pass: list, announcer, board.
    fn found(
        &mut self,
        goal: &Goal,
        observed: &Observed,
        foreign: BTreeSet<ServiceKey>,
        report: &mut Report,
    ) {
        if report.in_sync {
            self.settled = true;
            let settled = self.ownership.settle(&goal.desired, observed);
            if let Err(error) = self.keep(settled) {
                report.error.get_or_insert(error);
            }
        }
        self.on_air(goal, observed, &[], &BTreeSet::new());
        self.board.observed(observed, &self.ownership);
        report.holds = Some(self.holds(observed));
        report.foreign = Some(foreign);
    }

    /// Applies the steps: off the air before an address goes, on the air as soon as it has come.
    fn write(&mut self, goal: &Goal, observed: &Observed, steps: &[Step], report: &mut Report) {
        let going: BTreeSet<&AddressKey> = steps
            .iter()
            .filter_map(|step| match step {
                Step::RemoveAddress { key } => Some(key),
                _ => None,
            })
            .collect();
        if !going.is_empty() {
            self.on_air(goal, observed, &[], &going);
        }
        let results = self.apply(steps);
        let (mut come, mut done_rows, mut failed_rows) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        let mut unshown = 0_usize;
        for (step, result) in results {
            let text = step.to_string();
            match result {
                Ok(()) => {
                    tracing::debug!(step = %text, "done");
                    if let Step::AddAddress { key, .. } = step {
                        come.push(key);
                    }
                    done_rows.insert(Row::of(step));
                    report.steps.push(text);
                }
                Err(error) => {
                    let row = Row::of(step);
                    if report.failures.len() == FAILURES_SHOWN {
                        unshown += 1;
                    } else {
                        if !self.failed.contains(&text) {
                            tracing::warn!(service.vip = %row, step = %text, reason = %error, "not done");
                        }
                        report.failures.push(StepFailure { step: text, reason: error });
                    }
                    failed_rows.insert(row);
                }
            }
        }
        if unshown > 0 {
            let reason = "not shown one by one".to_owned();
            report.failures.push(StepFailure { step: format!("{unshown} more steps"), reason });
        }
        self.on_air(goal, observed, &come, &going);
        if self.settled {
            // Found changed although it was right: drift, unless it never took.
            let repaired: BTreeSet<Row> = done_rows.difference(&failed_rows).cloned().collect();
            for row in &repaired {
                tracing::info!(service.vip = %row, "repaired what something else had changed");
            }
            self.damper.repaired(&repaired, Instant::now());
        }
    }

    /// Carries the steps out, but never leads traffic to a service that the kernel has just refused.
    fn apply<'a>(&mut self, steps: &'a [Step]) -> Vec<(&'a Step, Result<(), String>)> {
        let (first, second) = stages(steps);
        let done = self.kernel.apply(first).into_iter().map(|result| result.map_err(|e| e.to_string()));
        let mut results: Vec<_> = first.iter().zip(done).collect();
        let gate = Gate::after(results.iter().filter(|(_, result)| result.is_err()).map(|(step, _)| *step));
        let (held, free): (Vec<&Step>, Vec<&Step>) = second.iter().partition(|step| gate.holds(step));
        let ready: Vec<Step> = free.iter().map(|step| (*step).clone()).collect();
        let done = self.kernel.apply(&ready).into_iter().map(|result| result.map_err(|e| e.to_string()));
        results.extend(free.into_iter().zip(done));
        let waits = "held back until the failed steps before it succeed";
        results.extend(held.into_iter().map(|step| (step, Err(waits.to_owned()))));
        results
    }

    fn observe(&mut self, sysctls: &BTreeSet<String>) -> Result<Observed, Box<Report>> {
        self.kernel.observe(sysctls).map_err(|error| {
            Box::new(Report {
                failures: vec![StepFailure { step: error.operation.clone(), reason: error.to_string() }],
                error: Some(error.to_string()),
                fault: matches!(error.kind, Kind::Denied | Kind::Unsupported),
                ..Report::default()
            })
        })
    }

    /// Makes the list durable before it is relied on.
    fn keep(&mut self, list: Ownership) -> Result<(), String> {
        if list == self.ownership {
            return Ok(());
        }
        match documents::store_ownership(&self.folder, &list, self.list_unreadable) {
            Ok(()) => {
                self.list_unreadable = false;
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

    /// Tells the announcer what is held: what was observed, and what has come and is going since.
    fn on_air(
        &mut self,
        goal: &Goal,
        observed: &Observed,
        come: &[&AddressKey],
        going: &BTreeSet<&AddressKey>,
    ) {
        let ours = &self.ownership;
        let held: BTreeSet<&AddressKey> = observed
            .addresses
            .keys()
            .chain(come.iter().copied())
            .filter(|key| goal.desired.addresses.contains_key(key) && !going.contains(key))
            .filter(|key| ours.addresses.contains(key) && !ours.borrowed.contains(&key.address))
            .collect();
        let gained = self.gains.update(held.into_iter(), &observed.links);
        self.airwaves.hold(&gained);
    }

    /// The addresses that serve here: ours, and those the host lends.
    fn holds(&self, observed: &Observed) -> BTreeSet<AddressKey> {
        let ours = &self.ownership;
        let serves = |key: &&AddressKey| {
            ours.addresses.contains(*key) || (ours.borrowed.contains(&key.address) && key.interface != "lo")
        };
        observed.addresses.keys().filter(serves).cloned().collect()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
