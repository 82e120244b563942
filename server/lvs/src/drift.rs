//! Rows of our own that somebody else changed (*drift*): when each is put right, and which only are shown.
//!
//! A row drifts when it was right under this configuration and no longer is. Under [`DriftPolicy::Repair`] it is put
//! right after a short delay, so that somebody at work on the director is not fought line by line; each further time
//! the delay doubles, so that two programs do not race each other for ever. Under [`DriftPolicy::Hold`] services and
//! session timeouts stay as they are until somebody decides. Addresses, kernel parameters and packet rules are repaired under either:
//! they go with interfaces, often by nobody's decision, and without them nothing is served.
//!
//! Pure: moments are milliseconds on any clock that only goes forward. The agent's reconcile loop calls it.

use std::collections::{BTreeMap, BTreeSet};

use crate::format::ipvsadm::{server_words, service_words, settings_words};
use crate::model::{DriftPolicy, Timeouts};
use crate::plan::{Gate, Row, Step};
use crate::table::{DesiredAddress, Observed, PACKET_TABLE};

/// How soon drift is repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The delay before the first repair of a row, milliseconds; doubles with each further one.
    pub first_ms: u64,
    /// The longest such delay, milliseconds.
    pub longest_ms: u64,
}

impl Pace {
    /// The delay before the repair after so many others.
    fn delay(self, repairs: u32) -> u64 {
        self.first_ms.saturating_mul(1 << repairs.min(16)).min(self.longest_ms)
    }
}

/// One drifting row, or one that was repaired lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Since when it drifts; none while it is right.
    since_ms: Option<u64>,
    /// How often it was repaired lately.
    repairs: u32,
    /// Until when that is remembered.
    forget_ms: u64,
    /// Somebody asked for the repair.
    approved: bool,
}

/// What is remembered of drift between two looks at a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    pace: Pace,
    /// Rows that have not been right yet under this configuration; none: no look was taken yet.
    open: Option<BTreeSet<Row>>,
    /// The configuration was made true before this watch began.
    resumed: bool,
    seen: BTreeMap<Row, Seen>,
}

/// What to do now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Steps to carry out, in the plan's order.
    pub now: Vec<Step>,
    /// Rows that drift and are not touched now, in order.
    pub drift: Vec<Drifting>,
    /// When the first of them is due.
    pub until_ms: Option<u64>,
}

/// A row that drifts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drifting {
    /// Which.
    pub row: Row,
    /// What would put it right.
    pub steps: Vec<Step>,
    /// Since when it is known to drift.
    pub since_ms: u64,
    /// How often it was repaired lately.
    pub repairs: u32,
    /// When it will be repaired; none where somebody has to decide, or where it waits for another row.
    pub due_ms: Option<u64>,
}

impl Watch {
    /// Begins with a configuration that was never true here. `resumed`: it was true before the program restarted, so
    /// that under [`DriftPolicy::Hold`] a changed service is drift from the first look on. One that is missing
    /// is not: after a boot the kernel is empty.
    pub fn new(pace: Pace, resumed: bool) -> Self {
        Watch { pace, open: None, resumed, seen: BTreeMap::new() }
    }

    /// Another configuration is to be made true: all it asks for is somebody's decision.
    pub fn renew(&mut self) {
        *self = Watch::new(self.pace, false);
    }

    /// Somebody asked for the repair of these rows; of all that drift where none is named.
    pub fn approve(&mut self, rows: &BTreeSet<Row>) {
        for (row, seen) in &mut self.seen {
            seen.approved |= seen.since_ms.is_some() && (rows.is_empty() || rows.contains(row));
        }
    }

    /// Parts the steps of a plan into those to do now and those of drifting rows that have to wait.
    pub fn decide(&mut self, steps: Vec<Step>, policy: DriftPolicy, now_ms: u64) -> Decision {
        let mut by_row: BTreeMap<Row, Vec<Step>> = BTreeMap::new();
        for step in &steps {
            by_row.entry(Row::of(step)).or_default().push(step.clone());
        }
        for (row, seen) in &mut self.seen {
            if !by_row.contains_key(row) {
                (seen.since_ms, seen.approved) = (None, false);
            }
        }
        self.seen.retain(|_, seen| seen.since_ms.is_some() || seen.forget_ms > now_ms);
        let mut waiting: BTreeMap<Row, Drifting> = BTreeMap::new();
        for (row, steps) in by_row {
            if !self.drifts(&row, &steps, policy) {
                continue;
            }
            let seen = self.seen.entry(row.clone()).or_default();
            if seen.since_ms.is_none() && seen.forget_ms <= now_ms {
                seen.repairs = 0;
            }
            let since_ms = *seen.since_ms.get_or_insert(now_ms);
            let held = policy == DriftPolicy::Hold && matches!(row, Row::Service(_) | Row::Timeouts);
            let due_ms = (!held).then(|| since_ms.saturating_add(self.pace.delay(seen.repairs)));
            if seen.approved || due_ms.is_some_and(|due| due <= now_ms) {
                continue;
            }
            let repairs = seen.repairs;
            waiting.insert(row.clone(), Drifting { row, steps, since_ms, repairs, due_ms });
        }
        let mut now: Vec<Step> = steps.into_iter().filter(|s| !waiting.contains_key(&Row::of(s))).collect();
        self.keep_order(&mut now, &mut waiting, now_ms);
        let until_ms = waiting.values().filter_map(|drifting| drifting.due_ms).min();
        Decision { now, drift: waiting.into_values().collect(), until_ms }
    }

    /// No address leads traffic to a service that waits, and no service goes while its address waits.
    fn keep_order(&self, now: &mut Vec<Step>, waiting: &mut BTreeMap<Row, Drifting>, now_ms: u64) {
        let gate = Gate::after(waiting.values().flat_map(|drifting| &drifting.steps));
        let (held, free): (Vec<Step>, Vec<Step>) = now.drain(..).partition(|step| gate.holds(step));
        *now = free;
        for step in held {
            let row = Row::of(&step);
            let seen = self.seen.get(&row).copied().unwrap_or_default();
            let entry = waiting.entry(row.clone()).or_insert_with(|| Drifting {
                row,
                steps: Vec::new(),
                since_ms: seen.since_ms.unwrap_or(now_ms),
                repairs: seen.repairs,
                due_ms: None,
            });
            entry.steps.push(step);
        }
    }

    /// Whether a row that is not right was right before, under this configuration.
    fn drifts(&self, row: &Row, steps: &[Step], policy: DriftPolicy) -> bool {
        match &self.open {
            Some(open) => !open.contains(row),
            None => {
                let there = !steps.iter().any(|step| matches!(step, Step::AddService { .. }));
                self.resumed && policy == DriftPolicy::Hold && matches!(row, Row::Service(_)) && there
            }
        }
    }

    /// After a pass: `left` is what is still not right. Every other row is right from now on.
    pub fn verified(&mut self, left: &[Step]) {
        let drifting = |row: &Row| self.seen.get(row).is_some_and(|seen| seen.since_ms.is_some());
        let left = left.iter().map(Row::of).filter(|row| !drifting(row));
        self.open = Some(match &self.open {
            None => left.collect(),
            Some(open) => left.filter(|row| open.contains(row)).collect(),
        });
    }

    /// Notes that these rows were written. Returns those that were drift, each with the number of its repairs lately.
    /// Rows whose steps failed are not to be noted: they are simply tried again.
    pub fn repaired(&mut self, rows: &BTreeSet<Row>, now_ms: u64) -> Vec<(Row, u32)> {
        let mut done = Vec::new();
        for row in rows {
            let Some(seen) = self.seen.get_mut(row).filter(|seen| seen.since_ms.is_some()) else { continue };
            seen.repairs = seen.repairs.saturating_add(1);
            (seen.since_ms, seen.approved) = (None, false);
            // Quiet for a while longer than the delay: the other program has given up.
            let quiet = self.pace.delay(seen.repairs).saturating_mul(2).saturating_add(self.pace.longest_ms);
            seen.forget_ms = now_ms.saturating_add(quiet);
            done.push((row.clone(), seen.repairs));
        }
        done
    }
}

/// The rows that these steps would change as the kernel holds them now, in the words of ipvsadm, ip and sysctl; what
/// is missing has no line.
pub fn found(steps: &[Step], observed: &Observed) -> Vec<String> {
    steps.iter().filter_map(|step| found_by(step, observed)).collect()
}

fn found_by(step: &Step, observed: &Observed) -> Option<String> {
    let services = &observed.table.services;
    match step {
        Step::AddService { key, row: _ } | Step::SetService { key, row: _ } | Step::RemoveService { key } => {
            let words = settings_words(key, &services.get(key)?.row);
            Some(format!("-A {} {words}", service_words(key)))
        }
        Step::AddServer { service, key, .. }
        | Step::SetServer { service, key, .. }
        | Step::RemoveServer { service, key } => {
            let words = server_words(services.get(service)?.servers.get(key)?);
            Some(format!("-a {} -r {key} {words}", service_words(service)))
        }
        Step::AddAddress { key, .. } | Step::RemoveAddress { key } => {
            let row = DesiredAddress { label: observed.addresses.get(key)?.label.clone() };
            Some(Step::AddAddress { key: key.clone(), row }.to_string())
        }
        Step::SetSysctl { name, .. } => {
            let value = observed.sysctls.get(name)?.clone();
            Some(Step::SetSysctl { name: name.clone(), value }.to_string())
        }
        Step::SetPackets { .. } | Step::RemovePackets => {
            let rules = observed.packets.as_ref()?.join("; ");
            Some(format!("nft table inet {PACKET_TABLE} {{ {rules} }}"))
        }
        Step::SetTimeouts { .. } => {
            let now = observed.timeouts;
            let timeouts = Timeouts { tcp: Some(now.tcp), tcpfin: Some(now.tcpfin), udp: Some(now.udp) };
            Some(Step::SetTimeouts { timeouts }.to_string())
        }
        Step::StartSync { role, .. } | Step::StopSync { role } => {
            let row = observed.sync.get(role)?.clone();
            Some(Step::StartSync { role: *role, row }.to_string())
        }
    }
}
