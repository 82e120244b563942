//! Repairing what another program keeps changing: at once the first time, then with a growing delay, so that the two
//! do not race each other for ever. Pure; the moment is an argument.
//!
//! Rows are damped as a whole (a service with its real servers), so that no step is done whose neighbour is held
//! back. Steps that follow from a new configuration are never damped: `clear` is called for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use lvs::plan::Step;
use lvs::table::{AddressKey, ServiceKey};

/// What is repaired as one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Row {
    /// A service with its real servers.
    Service(ServiceKey),
    /// An address.
    Address(AddressKey),
    /// A kernel parameter.
    Sysctl(String),
    /// The session timeouts.
    Timeouts,
}

impl Row {
    /// The row a step changes.
    pub(crate) fn of(step: &Step) -> Self {
        match step {
            Step::AddService { key, .. } | Step::SetService { key, .. } | Step::RemoveService { key } => {
                Row::Service(*key)
            }
            Step::AddServer { service, .. }
            | Step::SetServer { service, .. }
            | Step::RemoveServer { service, .. } => Row::Service(*service),
            Step::AddAddress { key, .. } | Step::RemoveAddress { key } => Row::Address(key.clone()),
            Step::SetSysctl { name, .. } => Row::Sysctl(name.clone()),
            Step::SetTimeouts { .. } => Row::Timeouts,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Row::Service(key) => key.fmt(f),
            Row::Address(key) => key.fmt(f),
            Row::Sysctl(name) => f.write_str(name),
            Row::Timeouts => f.write_str("the session timeouts"),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Repair {
    times: u32,
    not_before: Instant,
    forget: Instant,
}

/// Remembers what was repaired lately.
#[derive(Clone, Debug)]
pub(crate) struct Damper {
    repairs: BTreeMap<Row, Repair>,
    first: Duration,
    longest: Duration,
}

/// Steps parted into those to do now and rows that have to wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parted {
    pub(crate) now: Vec<Step>,
    pub(crate) waiting: BTreeSet<Row>,
    /// When the first of them may be repaired.
    pub(crate) until: Option<Instant>,
}

impl Damper {
    /// `first` is the delay before the second repair of a row; it doubles up to `longest`.
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Damper { repairs: BTreeMap::new(), first, longest }
    }

    /// Forgets everything: what is wanted has changed.
    pub(crate) fn clear(&mut self) {
        self.repairs.clear();
    }

    /// Parts the steps; order is kept.
    pub(crate) fn part(&mut self, steps: Vec<Step>, now: Instant) -> Parted {
        self.repairs.retain(|_, repair| repair.forget > now);
        let mut parted = Parted::default();
        for step in steps {
            let row = Row::of(&step);
            match self.repairs.get(&row) {
                Some(repair) if repair.not_before > now => {
                    let sooner = parted.until.map_or(repair.not_before, |until| until.min(repair.not_before));
                    parted.until = Some(sooner);
                    parted.waiting.insert(row);
                }
                _ => parted.now.push(step),
            }
        }
        parted
    }

    /// Notes that these rows were repaired. Rows whose steps failed are not noted: they are simply tried again.
    pub(crate) fn repaired(&mut self, rows: &BTreeSet<Row>, now: Instant) {
        for row in rows {
            let times = self.repairs.get(row).map_or(0, |repair| repair.times);
            let delay = self.first.saturating_mul(1 << times.min(16)).min(self.longest);
            self.repairs.insert(
                row.clone(),
                // Quiet for a while longer than the delay: the other program has given up.
                Repair { times: times + 1, not_before: now + delay, forget: now + delay * 2 + self.longest },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(60);

    fn step(service: &str) -> Step {
        Step::RemoveService { key: service.parse().unwrap() }
    }

    /// The moments (seconds) at which a row that drifts again at once is repaired, within ten minutes.
    fn repairs(damper: &mut Damper, start: Instant) -> Vec<u64> {
        (0..600)
            .filter(|second| {
                let now = start + Duration::from_secs(*second);
                let parted = damper.part(vec![step("tcp 192.0.2.1:80")], now);
                let rows: BTreeSet<Row> = parted.now.iter().map(Row::of).collect();
                damper.repaired(&rows, now);
                !rows.is_empty()
            })
            .collect()
    }

    #[test]
    fn delays_grow_to_the_longest() {
        let moments = repairs(&mut Damper::new(FIRST, LONGEST), Instant::now());
        assert_eq!(moments, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363, 423, 483, 543]);
    }

    #[test]
    fn others_are_not_held_back_and_order_stays() {
        let (mut damper, now) = (Damper::new(FIRST, LONGEST), Instant::now());
        damper.repaired(&BTreeSet::from([Row::of(&step("tcp 192.0.2.1:80"))]), now);
        let steps = vec![step("udp 192.0.2.1:53"), step("tcp 192.0.2.1:80"), step("fwmark 1")];
        let parted = damper.part(steps, now);
        assert_eq!(parted.now, [step("udp 192.0.2.1:53"), step("fwmark 1")]);
        assert_eq!(parted.waiting.len(), 1);
        assert_eq!(parted.until, Some(now + FIRST));
    }

    #[test]
    fn a_quiet_row_is_forgotten_and_a_new_configuration_never_waits() {
        let (mut damper, now) = (Damper::new(FIRST, LONGEST), Instant::now());
        let rows = BTreeSet::from([Row::of(&step("fwmark 1"))]);
        for _ in 0..5 {
            damper.repaired(&rows, now);
        }
        assert!(damper.part(vec![step("fwmark 1")], now).now.is_empty());
        let much_later = now + Duration::from_secs(16 * 2 + 61);
        assert_eq!(damper.part(vec![step("fwmark 1")], much_later).now.len(), 1);
        damper.repaired(&rows, much_later);
        assert_eq!(damper.part(vec![], much_later).until, None);
        damper.clear();
        assert_eq!(damper.part(vec![step("fwmark 1")], much_later).now.len(), 1);
    }
}
