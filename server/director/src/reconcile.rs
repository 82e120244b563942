//! Closing the gap between what is wanted and what the kernel holds: observe → claim → plan → apply → verify.
//!
//! A pass knows nothing of what woke it and looks at everything; the first one after a start adopts what it finds.
//! Rows that are not ours are never touched, and without a readable configuration nothing is. Everything that will
//! be ours is on disk before it is applied. Only the worker's thread calls this; it owns the kernel.

mod drift;
mod handover;
mod listed;
mod lookout;
mod release;
mod report;
mod standing;
mod trial;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use kernel::Kernel;
use lvs::failover::Event;
use lvs::health::Standings;
use lvs::journal::Happening;
use lvs::plan::{Gate, Holding, Ownership, Row, Step, desired, plan, stages};
use lvs::table::{AddressKey, Observed, ServiceKey};
use lvs::wire::{Applied, Refusal, StepFailure};

use crate::announce::{Airwaves, Gains};
use crate::board::Board;
use crate::courier::Courier;
use crate::disk::Folder;
use crate::documents::{self, Documents};
use crate::goal::{Goal, Neighbour};
use crate::intake::{self, Accepted, Held, Mark, Novelty};
use crate::nanny::Nanny;
use crate::redundancy::hooks::{Commands, Hooks};
use crate::redundancy::{self, Heart, Leases, Role, partnership};
use crate::rhythm::Rhythm;
use crate::trial::Trial;

use drift::DriftWatch;
use handover::Handover;
use listed::PROMPT;
use lookout::Lookout;
pub use release::Released;
pub(crate) use report::Report;
use standing::Stand;

/// Failures that are listed one by one: where a module is missing, thousands of steps fail for the same reason.
const FAILURES_SHOWN: usize = 100;
/// How long a new configuration waits for the disk before it is refused. Meanwhile nothing else is done here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

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
    /// Why the list is not on disk as it is relied on.
    unkept: Option<String>,
    /// The list on disk is one that nobody could read; it is kept aside when it is replaced.
    list_unreadable: bool,
    /// It is on disk that the kernel held all of this configuration.
    settled: bool,
    /// The configuration that is held on trial, or was last.
    trial: Option<Trial>,
    drift: DriftWatch,
    /// What the checks say.
    pub(crate) stand: Stand,
    /// The heartbeat's thread, and what it renews.
    heart: Heart,
    leases: Leases,
    hooks: Hooks,
    /// What the heartbeat decided; none where the seat decides.
    role: Option<Role>,
    /// The configuration says that there is a partner.
    partnered: bool,
    gains: Gains,
    handover: Handover,
    lookout: Lookout,
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
        (heart, leases, hooks, nanny, courier): (Heart, Leases, Hooks, Nanny, Courier),
    ) -> Self {
        let mut reconciler = Reconciler {
            kernel,
            folder,
            board,
            airwaves,
            held: documents.held,
            goal: None,
            ownership: documents.ownership,
            target_trouble: documents.target_trouble,
            ownership_trouble: documents.ownership_trouble,
            unkept: None,
            list_unreadable: documents.list_unreadable,
            settled: documents.settled,
            trial: documents.trial,
            drift: DriftWatch::new(rhythm, documents.settled),
            stand: Stand::new(nanny),
            heart,
            leases,
            hooks,
            role: None,
            partnered: false,
            gains: Gains::default(),
            handover: Handover::new(rhythm, courier),
            lookout: Lookout::default(),
            failed: BTreeSet::new(),
            newly_ours: BTreeSet::new(),
        };
        // What was spoken before, so that a partner that missed the change is heard after a restart, too.
        let held = reconciler.held.take();
        for before in documents.before {
            reconciler.held = Some(before);
            reconciler.partner();
        }
        reconciler.held = held;
        reconciler.partner();
        reconciler
    }

    /// Tells the heartbeat what is held now. Until it has decided, what is there stays as it is.
    fn partner(&mut self) {
        let Some(held) = &self.held else { return };
        let addresses = held
            .seat
            .map(|seat| desired(&held.cluster, seat, Holding::Addresses, &Standings::default()).addresses);
        let partnership = partnership(held, addresses.unwrap_or_default());
        self.role = match (&partnership, self.role.take()) {
            (Some(_), Some(role)) => Some(role),
            (Some(_), None) => Some(Role::undecided()),
            // A heartbeat that runs decides until it has ended.
            (None, role) => role,
        };
        self.partnered = partnership.is_some();
        self.stand.renew();
        if let Some(faults) = self.heart.configure(held, partnership) {
            self.board.links(faults);
        }
        self.aim();
    }

    /// Brings the goal up to what is known by now.
    fn aim(&mut self) {
        let Some(held) = &self.held else { return };
        let (role, neighbour) = (self.role.as_ref(), self.handover.neighbour());
        self.goal = Some(Arc::new(Goal::of(held, role, neighbour, &self.stand.standings)));
    }

    /// Takes on what the heartbeat has decided. News of a heartbeat that is not configured any more is stale.
    pub(crate) fn play(&mut self, role: Role, at: SystemTime) {
        let (Some(held), Some(before)) = (&self.held, &self.role) else { return };
        if role.state != before.state {
            let (from, to) = (before.state, role.state);
            let (reason, epoch) = (Some(role.reason), Some(role.epoch));
            let evidence = role.evidence.clone();
            self.board.journal().note_at(at, Happening::State { from, to, reason, epoch, evidence });
        }
        self.handover.moved(before.holding, &role, Instant::now());
        if before.holding != role.holding && role.holding != redundancy::Holding::AsFound {
            let of = &held.cluster.cluster().redundancy;
            let commands = Commands { active: of.active_cmd.clone(), inactive: of.inactive_cmd.clone() };
            self.hooks.state(role.holding == redundancy::Holding::Own, commands);
        }
        self.airwaves.often(role.often_until);
        self.role = Some(role);
        self.aim();
        self.drift.watch.renew();
    }

    /// Announces all that is held again.
    pub(crate) fn announce(&self) {
        self.airwaves.again();
    }

    /// Takes a pushed or fetched target: list and target durable first, then the kernel, then the answer.
    pub(crate) fn take(&mut self, accepted: Accepted, received: Instant) -> Result<Applied, Refusal> {
        let Accepted { held, force, trial, bytes } = accepted;
        let mark = held.mark();
        let before = self.held.as_ref().map(Held::mark);
        let novelty = intake::against(before.as_ref(), &mark, force)?;
        if trial.is_some() {
            self.may_try(&mark)?;
        }
        let goal = Goal::of(&held, None, Neighbour::default(), &Standings::default());
        let mut list = self.ownership.clone();
        list.services.extend(goal.desired.table.services.keys().copied());
        // A forced push is somebody's decision; what was listed since the loss is all that is ours.
        list.lost &= !force;
        let old = self.ownership.clone();
        self.keep(list, PATIENCE).map_err(|detail| Refusal::Failed { detail })?;
        let new_keys = self.held.as_ref().is_some_and(|before| before.keys != held.keys);
        if novelty == Novelty::New || new_keys {
            if let (Some(seconds), Novelty::New) = (trial, novelty) {
                self.begin_trial(&mark, seconds)?;
            }
            let stored = self.remember_before(&held);
            stored.map_err(|error| Refusal::Failed { detail: error.to_string() })?;
            let unreadable = self.target_trouble.is_some();
            if let Err(error) = documents::store_target(&self.folder, &bytes, unreadable) {
                // The longer list would do no harm, but a refused message is to change nothing.
                let _ = self.keep(old, PATIENCE);
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
            self.replace(held);
        } else if force {
            // A look first, as for a repair that is asked for: all that differs now is covered by the decision.
            self.pass();
            self.drift.watch.approve(&BTreeSet::new());
        }
        if trial.is_none() {
            self.end_trial()?;
        }
        let applied = self.answered(mark, received);
        if novelty == Novelty::New {
            let (steps, failures) = (applied.steps.len() as u64, applied.failures.len() as u64);
            let revision = applied.revision;
            self.board.journal().note(Happening::Configured { revision, steps, failures });
        }
        Ok(applied)
    }

    /// Holds another configuration, which is on the disk.
    fn replace(&mut self, held: Held) {
        self.held = Some(held);
        self.partner();
        self.settled = false;
        self.drift.watch.renew();
    }

    /// A pass, as the answer to who asked for it.
    fn answered(&mut self, mark: Mark, received: Instant) -> Applied {
        let report = self.pass();
        Applied {
            revision: mark.revision,
            digest: mark.digest,
            in_sync: report.in_sync,
            steps: report.steps,
            failures: report.failures,
            took_ms: millis(received.elapsed()),
        }
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
            let troubles = [&self.target_trouble, &self.ownership_trouble, &self.unkept];
            report.error = troubles.into_iter().flatten().next().cloned();
        }
        self.show(&report);
        report
    }

    /// The pass itself; `Err` carries the report of one that could not be carried through.
    fn close_gap(&mut self) -> Result<Report, Box<Report>> {
        self.end_handover();
        let observed = self.observe()?;
        self.stand(&observed);
        self.learn(&observed);
        let Some(mut goal) = self.goal.clone() else {
            // No configuration: look, and leave everything as it is.
            self.board.observed(&observed, &self.ownership);
            let ours = &self.ownership.services;
            let foreign = observed.table.services.keys().filter(|key| !ours.contains(key)).copied().collect();
            let holds = Some(self.holds(&observed));
            return Ok(Report { holds, foreign: Some(foreign), ..Report::default() });
        };
        self.adapt(&mut goal, &observed);
        self.hand_over(&goal, &observed);
        let claimed = self.ownership.claim(&goal.desired, &observed);
        self.rely_on(claimed);
        let planned = plan(&goal.desired, &observed, &self.ownership);
        for key in std::mem::take(&mut self.newly_ours) {
            if observed.table.services.contains_key(&key) {
                tracing::info!(service.vip = %key, "adopted");
            }
        }
        let nothing_to_do = planned.steps.is_empty();
        let steps = planned.steps;
        let rest = steps.iter().filter(|step| !self.stand.anew.has(step)).cloned().collect();
        let decision = self.drift.decide(rest, goal.drift, self.board.journal());
        let now = self.stand.anew.merged(steps, &decision.now);
        if nothing_to_do {
            self.stand.anew.keep(&[]);
            let mut report = Report { in_sync: true, ..Report::default() };
            self.drift.watch.verified(&[]);
            self.found(&goal, &observed, planned.foreign, &mut report);
            return Ok(report);
        }
        let mut report = self.drift.report(&decision, &observed);
        let verified = if now.is_empty() {
            observed
        } else {
            self.shield(&goal, &observed);
            self.write(&goal, &observed, &now, &mut report);
            self.observe().map_err(|mut failed| {
                failed.steps = std::mem::take(&mut report.steps);
                failed.failures.append(&mut report.failures);
                failed
            })?
        };
        self.hand_over(&goal, &verified);
        let left = plan(&goal.desired, &verified, &self.ownership);
        report.in_sync = left.steps.is_empty();
        self.stand.anew.keep(&left.steps);
        let others: Vec<Step> = left.steps.into_iter().filter(|step| !self.stand.anew.has(step)).collect();
        self.drift.watch.verified(&others);
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
            self.note_settled();
            let settled = self.ownership.settle(&goal.desired, observed);
            if let Err(error) = self.keep(settled, PROMPT) {
                report.error.get_or_insert(error);
            }
        }
        self.on_air(goal, observed, &[], &BTreeSet::new());
        self.board.observed(observed, &self.ownership);
        report.holds = Some(self.holds(observed));
        report.foreign = Some(foreign);
        self.assess(observed, report);
        self.look_around(observed);
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
                    if !self.stand.anew.has(step) {
                        done_rows.insert(Row::of(step));
                    }
                    report.steps.push(text);
                }
                Err(error) => {
                    let row = Row::of(step);
                    self.handover.refused(step);
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
        let done: BTreeSet<Row> = done_rows.difference(&failed_rows).cloned().collect();
        self.drift.repaired(&done, steps, self.board.journal());
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
        // Before anything is decided what is here stays, and is no news.
        if let Some(role) = self.role.as_ref().filter(|role| role.holding != redundancy::Holding::AsFound) {
            let there = |key: &&AddressKey| held.contains(key) || ours.borrowed.contains(&key.address);
            let all = goal.desired.addresses.keys().all(|key| there(&key));
            self.heart.event(Event::Holds(role.holding == redundancy::Holding::Own && all));
        }
        let leased =
            held.iter().filter_map(|key| Some(((*key).clone(), goal.desired.addresses.get(key)?.clone())));
        self.leases.set(leased.collect());
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
