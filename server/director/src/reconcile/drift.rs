//! What somebody else changed: asks `lvs::drift` what to do about it, and tells of it. Keeps the clock, decides nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use lvs::drift::{Decision, Drifting, Pace, Watch, found};
use lvs::journal::Happening;
use lvs::model::DriftPolicy;
use lvs::plan::{Row, Step};
use lvs::table::Observed;
use lvs::wire::{Applied, Drift, Refusal, Repaired};

use super::listed::PROMPT;
use super::{Reconciler, Report, millis};
use crate::documents;
use crate::journal::Journal;
use crate::rhythm::Rhythm;

/// Rows that are listed one by one: where a whole table was cleared, thousands drift.
const SHOWN: usize = 100;
/// Rows that one pass notes in the journal.
const NOTED: usize = 20;
/// Repairs that are remembered for the status.
const REMEMBERED: usize = 10;

/// The watch with its clock and what it has done lately.
pub(super) struct DriftWatch {
    pub(super) watch: Watch,
    began: Instant,
    /// The moment of `began`, milliseconds since 1970.
    began_ms: i64,
    repaired: VecDeque<Repaired>,
    /// Rows that have been told of in the log.
    told: BTreeSet<Row>,
}

impl DriftWatch {
    pub(super) fn new(rhythm: &Rhythm, resumed: bool) -> Self {
        let pace = Pace { first_ms: millis(rhythm.repair), longest_ms: millis(rhythm.repair_longest) };
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        DriftWatch {
            watch: Watch::new(pace, resumed),
            began: Instant::now(),
            began_ms: i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX),
            repaired: VecDeque::new(),
            told: BTreeSet::new(),
        }
    }

    fn now_ms(&self) -> u64 {
        millis(self.began.elapsed())
    }

    /// A moment of the watch as seconds since 1970; always the same for the same moment.
    fn wall_s(&self, moment_ms: u64) -> i64 {
        self.began_ms.saturating_add_unsigned(moment_ms) / 1_000
    }

    /// What to do now about the steps of a plan.
    pub(super) fn decide(&mut self, steps: Vec<Step>, policy: DriftPolicy, journal: &Journal) -> Decision {
        let decision = self.watch.decide(steps, policy, self.now_ms());
        for drifting in decision.drift.iter().filter(|drifting| !self.told.contains(&drifting.row)) {
            tracing::warn!(
                service.vip = %drifting.row,
                held = drifting.due_ms.is_none(),
                repairs = drifting.repairs,
                "something else changed what is ours"
            );
        }
        let news = decision.drift.iter().filter(|drifting| !self.told.contains(&drifting.row));
        for drifting in news.take(NOTED) {
            let (row, held) = (drifting.row.to_string(), drifting.due_ms.is_none());
            journal.note(Happening::Drifted { row, held });
        }
        self.told = decision.drift.iter().map(|drifting| drifting.row.clone()).collect();
        decision
    }

    /// The report of a pass that leaves these rows as they are.
    pub(super) fn report(&self, decision: &Decision, observed: &Observed) -> Report {
        let shown = decision.drift.iter().take(SHOWN);
        Report {
            until: decision.until_ms.map(|moment| self.began + Duration::from_millis(moment)),
            drift: shown.map(|drifting| self.shown(drifting, observed)).collect(),
            drift_count: u32::try_from(decision.drift.len()).unwrap_or(u32::MAX),
            error: stubborn(&decision.drift),
            ..Report::default()
        }
    }

    fn shown(&self, drifting: &Drifting, observed: &Observed) -> Drift {
        let mut found = found(&drifting.steps, observed);
        let mut repair: Vec<String> = drifting.steps.iter().map(ToString::to_string).collect();
        for lines in [&mut found, &mut repair] {
            if lines.len() > SHOWN {
                let more = lines.len() - SHOWN;
                lines.truncate(SHOWN);
                lines.push(format!("# {more} more"));
            }
        }
        Drift {
            row: drifting.row.to_string(),
            found,
            repair,
            since_s: self.wall_s(drifting.since_ms),
            repairs: drifting.repairs,
            due_s: drifting.due_ms.map(|moment| self.wall_s(moment)),
        }
    }

    /// Notes what was written; what was drift is told of as repaired.
    pub(super) fn repaired(&mut self, done: &BTreeSet<Row>, steps: &[Step], journal: &Journal) {
        let now_ms = self.now_ms();
        let repaired: BTreeMap<Row, u32> = self.watch.repaired(done, now_ms).into_iter().collect();
        for row in repaired.keys().take(NOTED) {
            journal.note(Happening::Repaired { row: row.to_string() });
        }
        for (row, repairs) in repaired {
            tracing::info!(service.vip = %row, repairs, "repaired what something else had changed");
            let mine = steps.iter().filter(|step| Row::of(step) == row);
            let steps: Vec<String> = mine.take(SHOWN).map(ToString::to_string).collect();
            if self.repaired.len() == REMEMBERED {
                self.repaired.pop_front();
            }
            let at_s = self.wall_s(now_ms);
            self.repaired.push_back(Repaired { row: row.to_string(), steps, at_s, repairs });
        }
    }

    pub(super) fn repaired_lately(&self) -> Vec<Repaired> {
        self.repaired.iter().cloned().collect()
    }
}

/// The sentence about rows that were repaired and drift again.
fn stubborn(drift: &[Drifting]) -> Option<String> {
    let again: Vec<&Drifting> = drift.iter().filter(|d| d.repairs > 0 && d.due_ms.is_some()).collect();
    let more = match again.len() {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let row = &again.first()?.row;
    Some(format!("something else keeps changing {row}{more}; repairing it less and less often"))
}

impl Reconciler {
    /// Puts right now what drifts: these rows, or all. Refused where a name is no row's, or nothing is to be held.
    pub(crate) fn repair(&mut self, rows: &[String], received: Instant) -> Result<Applied, Refusal> {
        let Some(mark) = self.held.as_ref().map(super::Held::mark) else {
            return Err(Refusal::Failed { detail: "no configuration is held here".to_owned() });
        };
        let parsed: Result<BTreeSet<Row>, _> = rows.iter().map(|row| row.parse::<Row>()).collect();
        let rows = parsed.map_err(|error| Refusal::Malformed { detail: error.to_string() })?;
        // A look first, so that what changed this moment is known to drift and is covered by the decision.
        let mut steps = self.pass().steps;
        self.drift.watch.approve(&rows);
        tracing::info!(rows = rows.len(), "repair asked for");
        let mut applied = self.answered(mark, received);
        steps.append(&mut applied.steps);
        Ok(Applied { steps, ..applied })
    }

    /// Notes on disk, once, that the kernel holds all of this configuration.
    pub(super) fn note_settled(&mut self) {
        let Some(held) = self.held.as_ref().filter(|_| !self.settled) else { return };
        match documents::store_settled(&self.folder.within(PROMPT), held) {
            Ok(()) => self.settled = true,
            // Only a restart would know less: it repairs instead of holding.
            Err(error) => tracing::warn!(%error, "cannot note that the configuration was made true"),
        }
    }
}
