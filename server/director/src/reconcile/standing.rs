//! What the goal changes by itself, without another configuration: real servers stand otherwise, or a partner may be sent
//! nobody. Such rows are no drift: they are written at once, also where something else in the same service was changed by
//! somebody and waits for a decision.

use std::collections::BTreeSet;
use std::sync::Arc;

use lvs::health::Standings;
use lvs::plan::Step;
use lvs::table::{Desired, Observed, ServerKey, ServiceKey};

use super::Reconciler;
use crate::nanny::Nanny;

/// What stands here.
pub(crate) struct Stand {
    nanny: Nanny,
    pub(super) standings: Arc<Standings>,
    /// The nanny knows the configuration that is held.
    pub(super) configured: bool,
    /// What stands otherwise than before and is not written yet.
    pub(super) anew: Anew,
}

/// Rows and parameters that are to be other than before because something stands otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Anew {
    servers: BTreeSet<(ServiceKey, ServerKey)>,
    sysctls: BTreeSet<String>,
}

impl Stand {
    pub(super) fn new(nanny: Nanny) -> Self {
        Stand { nanny, standings: Arc::default(), configured: false, anew: Anew::default() }
    }

    /// Who checks.
    pub(crate) fn nanny(&self) -> &Nanny {
        &self.nanny
    }

    /// Another configuration is held.
    pub(super) fn renew(&mut self) {
        self.configured = false;
        self.anew = Anew::default();
    }
}

impl Anew {
    /// Notes what differs between two goals of the same configuration.
    fn between(&mut self, before: &Desired, after: &Desired) {
        for (key, service) in &after.table.services {
            let Some(old) = before.table.services.get(key) else { continue };
            let both = old.servers.keys().chain(service.servers.keys());
            let other = both.filter(|server| old.servers.get(server) != service.servers.get(server));
            self.servers.extend(other.map(|server| (*key, *server)));
        }
        let other = after.sysctls.iter().filter(|(name, value)| before.sysctls.get(*name) != Some(value));
        self.sysctls.extend(other.map(|(name, _)| name.clone()));
    }

    /// Whether a step is here because of a standing.
    pub(super) fn has(&self, step: &Step) -> bool {
        match step {
            Step::AddServer { service, key, .. }
            | Step::SetServer { service, key, .. }
            | Step::RemoveServer { service, key } => self.servers.contains(&(*service, *key)),
            Step::SetSysctl { name, .. } => self.sysctls.contains(name),
            _ => false,
        }
    }

    /// The steps of a plan that are ours or among these others, in the plan's order.
    pub(super) fn merged(&self, steps: Vec<Step>, others: &[Step]) -> Vec<Step> {
        let mut others = others.iter().peekable();
        let taken = |step: &Step| self.has(step) || others.next_if(|other| *other == step).is_some();
        steps.into_iter().filter(taken).collect()
    }

    /// Forgets all that is not among the steps that are left.
    pub(super) fn keep(&mut self, left: &[Step]) {
        let mut kept = Anew::default();
        for step in left.iter().filter(|step| self.has(step)) {
            match step {
                Step::AddServer { service, key, .. }
                | Step::SetServer { service, key, .. }
                | Step::RemoveServer { service, key } => drop(kept.servers.insert((*service, *key))),
                Step::SetSysctl { name, .. } => drop(kept.sysctls.insert(name.clone())),
                _ => {}
            }
        }
        *self = kept;
    }
}

impl Reconciler {
    /// Takes in what stands. A new configuration is made known to the nanny first, with what the kernel holds: what is
    /// there stays until the first answers.
    pub(super) fn stand(&mut self, observed: &Observed) {
        let Some(held) = &self.held else { return };
        let before = std::mem::replace(&mut self.stand.configured, true);
        let standings = match (held.seat, before) {
            (None, true) => return,
            (None, false) => {
                self.stand.nanny.clear();
                Arc::default()
            }
            (Some(_), true) => self.stand.nanny.standings(),
            (Some(_), false) => self.stand.nanny.configure(&held.cluster, &observed.table),
        };
        if before && Arc::ptr_eq(&standings, &self.stand.standings) {
            return;
        }
        self.stand.standings = standings;
        if before { self.adjust() } else { self.aim() }
    }

    /// Brings the goal up to what is known by now of the same configuration. What differs is no drift.
    pub(super) fn adjust(&mut self) {
        let old = self.goal.clone();
        self.aim();
        if let (Some(old), Some(goal)) = (old, &self.goal) {
            self.stand.anew.between(&old.desired, &goal.desired);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lvs::table::{Forward, ServerRow, Service, ServiceRow};

    fn desired(weights: &[(&str, u32)]) -> Desired {
        let row = |weight| ServerRow { forward: Forward::Masquerade, weight, upper: 0, lower: 0 };
        let servers = weights.iter().map(|(key, weight)| (key.parse().unwrap(), row(*weight))).collect();
        let service = ServiceRow {
            scheduler: "wlc".to_owned(),
            flags: Default::default(),
            persistence: None,
            one_packet: false,
        };
        let mut desired = Desired::default();
        desired.table.services.insert("tcp 192.0.2.1:80".parse().unwrap(), Service { row: service, servers });
        desired
    }

    #[test]
    fn only_what_stands_otherwise_is_ours_and_only_until_it_is_written() {
        let (before, after) = (
            desired(&[("10.0.0.1:80", 1), ("10.0.0.2:80", 1), ("10.0.0.3:80", 1)]),
            desired(&[("10.0.0.1:80", 0), ("10.0.0.2:80", 1), ("10.0.0.4:80", 1)]),
        );
        let mut anew = Anew::default();
        anew.between(&before, &after);
        let service = "tcp 192.0.2.1:80".parse().unwrap();
        let remove = |key: &str| Step::RemoveServer { service, key: key.parse().unwrap() };
        let ours =
            ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"].map(|key| anew.has(&remove(key)));
        assert_eq!(ours, [true, false, true, true]);
        anew.keep(&[remove("10.0.0.3:80"), remove("10.0.0.2:80")]);
        let ours = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"].map(|key| anew.has(&remove(key)));
        assert_eq!(ours, [false, false, true]);
    }
}
