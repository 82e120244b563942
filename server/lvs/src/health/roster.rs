//! All services of a director: which probe is due, what every result does, and what stands.
//!
//! The agent's nanny owns one. It probes what [`Action::Ask`] asks for, gives back what came, and hands
//! [`Roster::standings`] to the reconcile loop whenever [`Action::Standings`] says that they are others. Each call costs a
//! few look-ups in ordered maps, however many servers there are; only a change of a service's quorum looks at all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::service::Slot;
use super::silence::Silence;
use super::{
    Found, KEPT_FOR, LoadReport, Member, Memory, Moment, Order, OrderTarget, Outcome, Placed, Policy,
    Quiescent, RememberedMember, RememberedService, Service, ServiceRules, Standings, Transition, Trouble,
    quiescent, strictest,
};
use crate::counters::Counters;
use crate::model::{Id, Protocol, Question, ValidCluster, VirtualServer};
use crate::table::{ServerKey, ServiceKey, Table};

/// What the nanny is to do or to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Probe.
    Ask(Ask),
    /// A verdict changed.
    Verdict {
        /// The service.
        service: ServiceKey,
        /// The real server, or the sorry server.
        server: ServerKey,
        /// Whether it is the sorry server.
        sorry: bool,
        /// From what to what, and why.
        transition: Transition,
    },
    /// What stands in a service changed.
    Standings {
        /// The service.
        service: ServiceKey,
    },
    /// What `expire_quiescent_template` should be changed.
    Quiescent {
        /// For which drains, and what else it touches.
        quiescent: Quiescent,
    },
}

/// One check of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ask {
    /// The service.
    pub service: ServiceKey,
    /// The real server, or the sorry server.
    pub server: ServerKey,
    /// Whether it is the sorry server.
    pub sorry: bool,
    /// Place in the policy's list of checks.
    pub check: usize,
}

type Who = (ServiceKey, ServerKey, bool);

/// All services of a director.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    services: BTreeMap<ServiceKey, Service>,
    /// Who wants to be looked at when.
    agenda: BTreeSet<(Moment, Who)>,
    standings: Standings,
    /// The console's identifiers, for orders.
    ids: BTreeMap<(ServiceKey, ServerKey), (Id, Id)>,
    /// Orders in force.
    orders: BTreeMap<OrderTarget, Order>,
    /// Their times of day as moments; turned once.
    placed: BTreeMap<OrderTarget, Placed>,
    quiescent: Quiescent,
    silence: Silence,
    /// The directors' own addresses.
    directors: BTreeSet<IpAddr>,
}

impl Roster {
    /// The active services of a cluster with their active real servers. Those known before keep what is known of them;
    /// `memory` counts for the others (of an agent that was `away`), then what the kernel holds (`table`). `jitter` gives
    /// numbers at random.
    pub fn configure(
        &mut self,
        cluster: &ValidCluster,
        table: &Table,
        memory: Option<(&Memory, Duration)>,
        jitter: &mut dyn FnMut() -> u16,
        now: Moment,
    ) -> Vec<Action> {
        let memory = memory.filter(|(_, away)| *away <= KEPT_FOR);
        if let Some((memory, _)) = memory {
            self.standings.expire_quiescent = self.standings.expire_quiescent.or(memory.expire_quiescent);
        }
        let mut before = std::mem::take(&mut self.services);
        let mut actions = Vec::new();
        self.ids.clear();
        self.agenda.clear();
        let directors = cluster.cluster().directors.iter();
        self.directors =
            directors.flat_map(|director| [director.public, director.private]).flatten().collect();
        for server in cluster.cluster().virtual_servers.iter().filter(|server| server.active) {
            let Some(key) = server.key() else { continue };
            let remembered = memory.and_then(|(memory, _)| memory.services.get(&key));
            let context = Context {
                key,
                remembered,
                away: memory.map_or(Duration::ZERO, |(_, away)| away),
                rows: table.services.get(&key).map(|service| &service.servers),
                now,
            };
            let service = context.service(server, before.remove(&key), jitter, &mut actions);
            for real in server.real_servers.iter().filter(|real| real.active) {
                self.ids.insert((key, server.server_key(real)), (server.id.clone(), real.id.clone()));
            }
            self.services.insert(key, service);
        }
        self.place(now);
        self.standings.services.retain(|key, _| self.services.contains_key(key));
        let keys: Vec<ServiceKey> = self.services.keys().copied().collect();
        for key in keys {
            self.settle_all(key, now, &mut actions);
        }
        actions
    }

    /// The orders in force from now on; `clock_s` is the time of day, seconds since 1970.
    pub fn orders(&mut self, orders: BTreeMap<OrderTarget, Order>, clock_s: i64, now: Moment) -> Vec<Action> {
        if orders == self.orders {
            return Vec::new();
        }
        let before = std::mem::take(&mut self.placed);
        let place = |(target, order): (&OrderTarget, &Order)| {
            let same = before.get(target).filter(|_| self.orders.get(target) == Some(order));
            (target.clone(), same.copied().unwrap_or_else(|| order.place(clock_s, now)))
        };
        self.placed = orders.iter().map(place).collect();
        self.orders = orders;
        self.place(now);
        let mut actions = Vec::new();
        let keys: Vec<ServiceKey> = self.services.keys().copied().collect();
        for key in keys {
            self.settle_all(key, now, &mut actions);
        }
        actions
    }

    /// Gives every member the order that holds for it.
    fn place(&mut self, now: Moment) {
        let (orders, placed) = (&self.orders, &self.placed);
        let place = |target: Option<OrderTarget>| {
            target.and_then(|target| placed.get(&target).copied()).unwrap_or_default()
        };
        for (key, service) in &mut self.services {
            for (server, slot) in &mut service.slots {
                let ids = self.ids.get(&(*key, *server));
                let target = ids.and_then(|(service, real)| strictest(orders, service, real, server.address));
                slot.member.order(place(target), now);
            }
            if let Some((server, slot)) = &mut service.sorry {
                slot.member.order(place(Some(OrderTarget::Machine { address: server.address })), now);
            }
        }
    }

    /// Whether this director is alone at present: it serves nobody and hears nothing of its partner
    /// ([`Status::alone`](crate::wire::Status::alone)). Where no server answers either, their silence decides nothing.
    /// True where that is new.
    pub fn alone(&mut self, alone: bool, now: Moment) -> bool {
        self.silence.alone(alone, now)
    }

    /// What [`alone`](Self::alone) was told last.
    pub fn is_alone(&self) -> bool {
        self.silence.is_alone()
    }

    /// Takes what a probe brought that began at `began`. A server that is not there any more is ignored.
    pub fn result(&mut self, ask: &Ask, outcome: &Outcome, began: Moment, now: Moment) -> Vec<Action> {
        let who = (ask.service, ask.server, ask.sorry);
        let cut_off = Outcome::Undecided(Trouble::CutOff);
        let telling = self.is_alone() && self.is_telling(ask);
        let outcome = if self.silence.swallows(outcome, telling, began, now) { &cut_off } else { outcome };
        let Some(slot) = self.slot_mut(&who) else { return Vec::new() };
        let transition = slot.member.result(ask.check, outcome, began, now);
        let mut actions = Vec::new();
        if let Some(transition) = transition {
            let Ask { service, server, sorry, .. } = *ask;
            actions.push(Action::Verdict { service, server, sorry, transition });
        }
        self.settle(&who, now, &mut actions);
        actions
    }

    /// Whether an answer to this question shows that the network is there: not where nothing need come back, where a
    /// program asks in our place, or where the server may be this machine.
    fn is_telling(&self, ask: &Ask) -> bool {
        let udp = matches!(ask.service, ServiceKey::Address { protocol: Protocol::Udp, .. });
        let service = self.services.get(&ask.service);
        let member = match ask.sorry {
            true => service.and_then(Service::sorry).map(|(_, member)| member),
            false => service.and_then(|service| service.member(&ask.server)),
        };
        let check = member.and_then(|member| member.policy().checks.get(ask.check));
        check.is_some_and(|(check, _)| match &check.question {
            Question::Udp { .. } => false,
            Question::Connect | Question::SendExpect { .. } => !udp,
            question => !question.is_program(),
        }) && !self.directors.contains(&ask.server.address)
    }

    /// Takes a report about a real server's load that came on another way than with a check.
    pub fn report(
        &mut self,
        service: ServiceKey,
        server: ServerKey,
        report: LoadReport,
        now: Moment,
    ) -> Vec<Action> {
        let who = (service, server, false);
        let Some(slot) = self.slot_mut(&who) else { return Vec::new() };
        slot.member.report(report, now);
        let mut actions = Vec::new();
        self.settle(&who, now, &mut actions);
        actions
    }

    /// Does what time alone brings: probes that are due, steps of ramps, ends of orders.
    pub fn tick(&mut self, now: Moment) -> Vec<Action> {
        let mut actions = Vec::new();
        let due = self.agenda.iter().take_while(|(at, _)| *at <= now).map(|(_, who)| *who);
        for who in due.collect::<Vec<_>>() {
            let Some(slot) = self.slot_mut(&who) else { continue };
            let (service, server, sorry) = who;
            for check in slot.member.ask(now) {
                actions.push(Action::Ask(Ask { service, server, sorry, check }));
            }
            self.settle(&who, now, &mut actions);
        }
        actions
    }

    /// Takes the kernel's counters: drains that are done need `expire_quiescent_template` no longer.
    pub fn count(&mut self, counters: &Counters, now: Moment) -> Vec<Action> {
        let orders = self
            .services
            .iter()
            .flat_map(|(key, service)| service.placed().map(|(server, placed)| (*key, *server, placed)));
        let at_once = orders.filter(|(.., placed)| placed.at_once);
        let persistent =
            || self.services.iter().filter(|(_, service)| service.rules.persistent).map(|(key, _)| *key);
        let quiescent = quiescent(persistent().collect(), at_once, Some(counters), now);
        if quiescent == self.quiescent {
            return Vec::new();
        }
        let needed = !quiescent.pending.is_empty();
        if needed || self.standings.expire_quiescent.is_some() {
            self.standings.expire_quiescent = Some(needed);
        }
        self.quiescent = quiescent.clone();
        vec![Action::Quiescent { quiescent }]
    }

    /// When it wants to be called again if nothing happens.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// What stands.
    pub fn standings(&self) -> &Standings {
        &self.standings
    }

    /// What *drain now* does at present.
    pub fn quiescent(&self) -> &Quiescent {
        &self.quiescent
    }

    /// The services, in order.
    pub fn services(&self) -> impl Iterator<Item = (&ServiceKey, &Service)> {
        self.services.iter()
    }

    /// A service.
    pub fn service(&self, key: &ServiceKey) -> Option<&Service> {
        self.services.get(key)
    }

    /// The order in force for a real server, and what it was given for.
    pub fn order_for(&self, service: &ServiceKey, server: &ServerKey) -> Option<(OrderTarget, &Order)> {
        let (virtual_id, real_id) = self.ids.get(&(*service, *server))?;
        let target = strictest(&self.orders, virtual_id, real_id, server.address)?;
        let order = self.orders.get(&target)?;
        Some((target, order))
    }

    /// What should outlive a restart of the agent.
    pub fn memory(&self, now: Moment) -> Memory {
        let services = self.services.iter().map(|(key, service)| {
            let (primaries, all, decided) = service.state();
            let members = service.members().map(|(key, member)| (*key, member.remember(now))).collect();
            let sorry = service.sorry().map(|(_, member)| member.remember(now));
            (*key, RememberedService { members, sorry, primaries, all, decided })
        });
        Memory { services: services.collect(), expire_quiescent: self.standings.expire_quiescent }
    }

    fn slot_mut(&mut self, (service, server, sorry): &Who) -> Option<&mut Slot> {
        self.services.get_mut(service)?.slot_mut(server, *sorry)
    }

    fn settle(&mut self, who: &Who, now: Moment, actions: &mut Vec<Action>) {
        let (key, server, sorry) = who;
        let Some(service) = self.services.get_mut(key) else { return };
        let before = (service.state(), service.quorum().sorry);
        let changed = service.settle(server, *sorry, now);
        let whole = before != (service.state(), service.quorum().sorry);
        if changed {
            let standing = self.standings.services.entry(*key).or_default();
            if whole || *sorry {
                *standing = service.standing();
            } else if let Some(one) = service.standing_of(server) {
                standing.servers.insert(*server, one);
            }
            actions.push(Action::Standings { service: *key });
        }
        self.plan(who, now);
    }

    fn settle_all(&mut self, key: ServiceKey, now: Moment, actions: &mut Vec<Action>) {
        let Some(service) = self.services.get_mut(&key) else { return };
        service.settle_all(now);
        let standing = service.standing();
        let whos: Vec<Who> = (service.slots.keys().map(|server| (key, *server, false)))
            .chain(service.sorry.as_ref().map(|(server, _)| (key, *server, true)))
            .collect();
        if self.standings.services.get(&key) != Some(&standing) {
            self.standings.services.insert(key, standing);
            actions.push(Action::Standings { service: key });
        }
        for who in whos {
            self.plan(&who, now);
        }
    }

    /// Puts it on the agenda for when it wants to be looked at next; never again for the present moment.
    fn plan(&mut self, who: &Who, now: Moment) {
        let Some(slot) = self.slot_mut(who) else { return };
        let next = slot.member.next_deadline(now);
        let before = std::mem::replace(&mut slot.planned, next);
        if let Some(at) = before.filter(|_| before != next) {
            self.agenda.remove(&(at, *who));
        }
        if let Some(at) = next {
            self.agenda.insert((at, *who));
        }
    }
}

/// What a service is made from.
struct Context<'a> {
    key: ServiceKey,
    remembered: Option<&'a RememberedService>,
    away: Duration,
    rows: Option<&'a BTreeMap<ServerKey, crate::table::ServerRow>>,
    now: Moment,
}

impl Context<'_> {
    fn service(
        &self,
        server: &VirtualServer,
        before: Option<Service>,
        jitter: &mut dyn FnMut() -> u16,
        actions: &mut Vec<Action>,
    ) -> Service {
        let rules = ServiceRules::of(server);
        let state = before.as_ref().map(Service::state);
        let state =
            state.or(self.remembered.map(|service| (service.primaries, service.all, service.decided)));
        let mut service = Service::resumed(rules, state.unwrap_or_default());
        let (mut slots, mut sorry) = before.map(|before| (before.slots, before.sorry)).unwrap_or_default();
        let shared = Arc::new(Policy::of_service(server));
        for real in server.real_servers.iter().filter(|real| real.active) {
            let key = server.server_key(real);
            let policy =
                if real.monitor.is_none() { Arc::clone(&shared) } else { Arc::new(Policy::of(server, real)) };
            let weight = u32::from(real.weight.0);
            let remembered = self.remembered.and_then(|service| service.members.get(&key));
            let quiesce = server.quiesces(real);
            let asked = Asked { key, policy, weight, quiesce, sorry: false };
            let member =
                self.member(asked, slots.remove(&key).map(|slot| slot.member), remembered, jitter, actions);
            service.slots.insert(key, Slot::new(member, ServiceRules::is_backup(real)));
        }
        if let Some(answers) = &server.sorry_server {
            let key = server.sorry_key(answers);
            let policy = Arc::new(Policy::of_sorry(server, answers));
            let same = sorry.take().filter(|(there, _)| *there == key).map(|(_, slot)| slot.member);
            let remembered = self.remembered.and_then(|service| service.sorry.as_ref());
            let asked = Asked { key, policy, weight: 1, quiesce: rules.quiesce, sorry: true };
            let member = self.member(asked, same, remembered, jitter, actions);
            service.sorry = Some((key, Slot::new(member, false)));
        }
        service
    }

    fn member(
        &self,
        asked: Asked,
        before: Option<Member>,
        remembered: Option<&RememberedMember>,
        jitter: &mut dyn FnMut() -> u16,
        actions: &mut Vec<Action>,
    ) -> Member {
        let Asked { key, policy, weight, quiesce, sorry } = asked;
        let (jitter, now) = (jitter(), self.now);
        if let Some(mut member) = before {
            let transition = member.configure(&policy, weight, quiesce, jitter, now);
            actions.extend(transition.map(|transition| Action::Verdict {
                service: self.key,
                server: key,
                sorry,
                transition,
            }));
            return member;
        }
        let weight_there = self.rows.and_then(|rows| rows.get(&key)).map(|row| row.weight);
        let found = Found { weight: weight_there, jitter };
        let member = Member::new(policy, weight, quiesce, found, now);
        remembered.map_or(member.clone(), |remembered| member.resume(remembered, self.away, jitter, now))
    }
}

struct Asked {
    key: ServerKey,
    policy: Arc<Policy>,
    weight: u32,
    quiesce: bool,
    sorry: bool,
}
