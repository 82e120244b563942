//! One service: what its members' verdicts, weights and orders make of its rows. Quorum, backup pool, sorry server.
//!
//! The primary pool serves while it has its quorum. Without, the backup pool joins it. Where both together have none, the
//! sorry server takes over and the others leave, as with keepalived; without a usable sorry server what is left goes on.
//! A backup that is up and not needed stands at weight 0, so that connections it has finish.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Instruction, Member, Moment, Placed, ServiceStanding, Standing, Verdict};
use crate::model::{self, RealServer, VirtualServer};
use crate::table::ServerKey;

/// A service's own settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceRules {
    /// The sum of weights that counts as served; at least 1.
    pub quorum: u32,
    /// By how much the sum must be above to gain the quorum and below to lose it; smaller than the quorum.
    pub hysteresis: u32,
    /// Weight 0 instead of removal when a server fails.
    pub quiesce: bool,
    /// Its clients stay with their real server for a time.
    pub persistent: bool,
}

impl ServiceRules {
    /// Of a virtual server.
    pub fn of(server: &VirtualServer) -> Self {
        let persistent = server.persistence.is_some();
        let model::Quorum { weight: quorum, hysteresis } = server.quorum;
        ServiceRules { quorum, hysteresis, quiesce: server.quiesce, persistent }
    }

    /// Whether a real server is of the backup pool.
    pub fn is_backup(server: &RealServer) -> bool {
        server.backup
    }
}

/// How a service is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Quorum {
    /// Whether the primary pool has its quorum.
    pub primaries: bool,
    /// Whether all real servers together have it.
    pub all: bool,
    /// The weight of the primary pool that is up.
    pub weight: u64,
    /// The weight of the backup pool that is up.
    pub backup: u64,
    /// Whether the sorry server is in.
    pub sorry: bool,
}

/// A member with its place in the pools.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) member: Member,
    pub(super) backup: bool,
    counted: u32,
    unknown: bool,
    standing: Standing,
    /// When the roster has it on its agenda.
    pub(super) planned: Option<Moment>,
}

/// One service with its members.
#[derive(Clone, Debug)]
pub struct Service {
    pub(super) rules: ServiceRules,
    pub(super) slots: BTreeMap<ServerKey, Slot>,
    pub(super) sorry: Option<(ServerKey, Slot)>,
    primaries: bool,
    all: bool,
    sorry_in: bool,
    /// Sums of what members count.
    weight: u64,
    backup: u64,
    /// Every verdict has been given once; before, the hysteresis does not count.
    decided: bool,
    unknown: usize,
}

impl Slot {
    pub(super) fn new(member: Member, backup: bool) -> Self {
        Slot { member, backup, counted: 0, unknown: false, standing: Standing::Out, planned: None }
    }
}

impl Service {
    pub(super) fn new(rules: ServiceRules) -> Self {
        Service {
            rules,
            slots: BTreeMap::new(),
            sorry: None,
            primaries: false,
            all: false,
            sorry_in: false,
            weight: 0,
            backup: 0,
            decided: false,
            unknown: 0,
        }
    }

    /// One that was known before.
    pub(super) fn resumed(rules: ServiceRules, (primaries, all, decided): (bool, bool, bool)) -> Self {
        Service { primaries, all, decided, ..Service::new(rules) }
    }

    pub(super) fn state(&self) -> (bool, bool, bool) {
        (self.primaries, self.all, self.decided)
    }

    /// A member changed, or time has passed for it: its standing, and with it perhaps that of all. Says whether any is
    /// another now.
    pub(super) fn settle(&mut self, server: &ServerKey, sorry: bool, now: Moment) -> bool {
        if sorry {
            if let Some((_, slot)) = &mut self.sorry {
                slot.member.look(now);
            }
            let decided = self.decide(now);
            if decided {
                self.settle_rows(now);
            }
            return decided;
        }
        let Some(slot) = self.slots.get_mut(server) else { return false };
        slot.member.look(now);
        let (before, counted) = (slot.counted, slot.member.counted(now));
        slot.counted = counted;
        let sum = if slot.backup { &mut self.backup } else { &mut self.weight };
        *sum = sum.saturating_sub(u64::from(before)).saturating_add(u64::from(counted));
        let unknown = slot.member.verdict() == Verdict::Unknown;
        self.unknown =
            self.unknown.saturating_sub(usize::from(slot.unknown)).saturating_add(usize::from(unknown));
        slot.unknown = unknown;
        if self.decide(now) {
            // The quorum, and so everybody's standing.
            self.settle_rows(now);
            return true;
        }
        let (rules, primaries, sorry_in) = (self.rules, self.primaries, self.sorry_in);
        let Some(slot) = self.slots.get_mut(server) else { return false };
        slot.settle(rules, primaries, sorry_in, now)
    }

    /// Counts everything anew, after a change of settings or members.
    pub(super) fn settle_all(&mut self, now: Moment) -> bool {
        (self.weight, self.backup, self.unknown) = (0, 0, 0);
        for slot in self.slots.values_mut() {
            slot.member.look(now);
            slot.counted = slot.member.counted(now);
            let sum = if slot.backup { &mut self.backup } else { &mut self.weight };
            *sum = sum.saturating_add(u64::from(slot.counted));
            slot.unknown = slot.member.verdict() == Verdict::Unknown;
            self.unknown = self.unknown.saturating_add(usize::from(slot.unknown));
        }
        if let Some((_, slot)) = &mut self.sorry {
            slot.member.look(now);
        }
        let decided = self.decide(now);
        self.settle_rows(now) || decided
    }

    /// Quorum and sorry server. Says whether anything of it is another now.
    fn decide(&mut self, now: Moment) -> bool {
        let before = (self.primaries, self.all, self.sorry_in);
        self.primaries = self.holds(self.primaries, self.weight);
        self.all = self.primaries || self.holds(self.all, self.weight.saturating_add(self.backup));
        self.sorry_in = !self.all && self.sorry.as_ref().is_some_and(|(_, slot)| usable(&slot.member, now));
        self.decided |= self.unknown == 0;
        before != (self.primaries, self.all, self.sorry_in)
    }

    /// Whether a sum of weights has the quorum, given whether it had it.
    fn holds(&self, had: bool, sum: u64) -> bool {
        let quorum = u64::from(self.rules.quorum.max(1));
        let hysteresis = if self.decided { u64::from(self.rules.hysteresis) } else { 0 };
        let needed = if had { quorum.saturating_sub(hysteresis) } else { quorum.saturating_add(hysteresis) };
        // Nothing at all is no quorum, however small the numbers.
        sum > 0 && sum >= needed
    }

    fn settle_rows(&mut self, now: Moment) -> bool {
        let (rules, primaries, sorry_in) = (self.rules, self.primaries, self.sorry_in);
        let mut changed = false;
        for slot in self.slots.values_mut() {
            changed |= slot.settle(rules, primaries, sorry_in, now);
        }
        changed
    }

    /// What stands.
    pub fn standing(&self) -> ServiceStanding {
        ServiceStanding {
            servers: self.slots.iter().map(|(key, slot)| (*key, slot.standing)).collect(),
            sorry: self.sorry_in,
        }
    }

    /// What one real server stands at.
    pub fn standing_of(&self, server: &ServerKey) -> Option<Standing> {
        self.slots.get(server).map(|slot| slot.standing)
    }

    /// How it is served.
    pub fn quorum(&self) -> Quorum {
        Quorum {
            primaries: self.primaries,
            all: self.all,
            weight: self.weight,
            backup: self.backup,
            sorry: self.sorry_in,
        }
    }

    /// Its own settings.
    pub fn rules(&self) -> ServiceRules {
        self.rules
    }

    /// Its real servers, in order.
    pub fn members(&self) -> impl Iterator<Item = (&ServerKey, &Member)> {
        self.slots.iter().map(|(key, slot)| (key, &slot.member))
    }

    /// A real server.
    pub fn member(&self, server: &ServerKey) -> Option<&Member> {
        self.slots.get(server).map(|slot| &slot.member)
    }

    /// The sorry server.
    pub fn sorry(&self) -> Option<(&ServerKey, &Member)> {
        self.sorry.as_ref().map(|(key, slot)| (key, &slot.member))
    }

    pub(super) fn slot_mut(&mut self, server: &ServerKey, sorry: bool) -> Option<&mut Slot> {
        if sorry {
            return self.sorry.as_mut().filter(|(key, _)| key == server).map(|(_, slot)| slot);
        }
        self.slots.get_mut(server)
    }

    pub(super) fn placed(&self) -> impl Iterator<Item = (&ServerKey, &Placed)> {
        self.slots.iter().map(|(key, slot)| (key, slot.member.placed()))
    }
}

impl Slot {
    /// Its standing within the service. Says whether it is another now.
    fn settle(&mut self, rules: ServiceRules, primaries: bool, sorry_in: bool, now: Moment) -> bool {
        let standing = match self.member.standing(now) {
            Standing::In { weight } if weight > 0 && sorry_in => {
                if rules.quiesce {
                    Standing::In { weight: 0 }
                } else {
                    Standing::Out
                }
            }
            Standing::In { weight } if weight > 0 && self.backup && primaries => Standing::In { weight: 0 },
            standing => standing,
        };
        let changed = standing != self.standing;
        self.standing = standing;
        changed
    }
}

/// Whether a sorry server may answer: nothing is known against it, and no order holds it back.
fn usable(sorry: &Member, now: Moment) -> bool {
    sorry.placed().holds(now) == Instruction::Enabled && sorry.standing(now).serves()
}

#[cfg(test)]
mod tests;
