//! The nanny's state, all under one lock: what is asked (`Book`), what follows from it (`Roster`), and what of that is to be
//! told. Nothing here waits.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use lvs::counters::Counters;
use lvs::health::{
    Action, Ask, LocalOrders, Memory, Moment, OrderEnd, Orders, Outcome, Quorum, Roster, Stale, Standing,
    Standings, Transition, Verdict, drain, in_force,
};
use lvs::journal::Happening;
use lvs::model::ValidCluster;
use lvs::table::{ServerKey, ServiceKey, Table};
use lvs::wire::{CheckEvidence, CheckKey, CheckStatus, Checking, Checks, OrderStatus, OrdersStatus};

use super::book::{Book, Start};
use super::ends::Ends;
use super::evidence::wall_s;
use super::lower::{self, LOAD};
use super::probe::{Answer, Programs, Question};
use super::summary::{self, Summary, Turns};

/// All that the checks know at present.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statuses {
    /// By real server.
    pub(crate) servers: BTreeMap<CheckKey, Arc<CheckStatus>>,
    /// How services are served.
    pub(crate) quorums: BTreeMap<ServiceKey, Quorum>,
}

impl Statuses {
    /// All of it in the words of the wire.
    pub(crate) fn whole(&self) -> Checks {
        let mut checks = Checks::new();
        for (key, quorum) in &self.quorums {
            let service = checks.entry(*key).or_default();
            service.quorum = *quorum;
            service.sorry = self.sorry(key);
        }
        for (key, status) in self.servers.iter().filter(|(key, _)| !key.sorry) {
            checks.entry(key.service).or_default().servers.insert(key.server, status.as_ref().clone());
        }
        checks
    }

    /// What is known of a service's sorry server.
    pub(crate) fn sorry(&self, service: &ServiceKey) -> Option<CheckStatus> {
        let first = ServerKey { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), port: 0 };
        let from = CheckKey { service: *service, server: first, sorry: false };
        let mut own = self.servers.range(from..).take_while(|(key, _)| key.service == *service);
        own.find(|(key, _)| key.sorry).map(|(_, status)| status.as_ref().clone())
    }
}

/// The state.
pub(super) struct Desk {
    origin: Instant,
    programs: Arc<Programs>,
    director_id: String,
    roster: Roster,
    book: Book,
    orders: Orders,
    counters: Option<Arc<Counters>>,
    /// Whose load is asked for, and how often; and when next.
    loads: BTreeMap<Ask, Duration>,
    loads_due: BTreeSet<(Moment, Ask)>,
    /// What is remembered from before the start; for the first configuration only.
    remembered: Option<(Memory, Duration)>,
    jitter: Box<dyn FnMut() -> u16 + Send>,
    /// What stands, as it was told last.
    standings: Arc<Standings>,
    statuses: Arc<Statuses>,
    /// Whose status is not told yet.
    news: BTreeSet<CheckKey>,
    /// The standings are others than those told last.
    stands_anew: bool,
    /// A verdict has changed since the last writing.
    verdicts_anew: bool,
    /// What is to be noted in the journal.
    happened: Vec<Happening>,
    ends: Ends,
    turns: Turns,
}

/// What the loop has to do next.
pub(super) struct Work {
    pub(super) starts: Vec<Start>,
    /// When to come again if nothing happens.
    pub(super) next: Option<Instant>,
}

impl Desk {
    pub(super) fn new(
        programs: Programs,
        director_id: &str,
        limit: usize,
        remembered: Option<(Memory, Duration)>,
        orders: Orders,
        jitter: Box<dyn FnMut() -> u16 + Send>,
    ) -> Self {
        let mut desk = Desk {
            origin: Instant::now(),
            programs: Arc::new(programs),
            director_id: director_id.to_owned(),
            roster: Roster::default(),
            book: Book::new(limit),
            orders: Orders::default(),
            counters: None,
            loads: BTreeMap::new(),
            loads_due: BTreeSet::new(),
            remembered,
            jitter,
            standings: Arc::default(),
            statuses: Arc::default(),
            news: BTreeSet::new(),
            stands_anew: false,
            verdicts_anew: false,
            happened: Vec::new(),
            ends: Ends::default(),
            turns: Turns::default(),
        };
        desk.place(orders);
        desk
    }

    /// What may be run here.
    pub(super) fn programs(&self) -> Arc<Programs> {
        Arc::clone(&self.programs)
    }

    fn now(&self) -> Moment {
        self.origin.elapsed()
    }

    /// Another configuration; `table` is what the kernel holds.
    pub(super) fn configure(&mut self, cluster: &ValidCluster, table: &Table) -> Arc<Standings> {
        let now = self.now();
        let remembered = self.remembered.take();
        let memory = remembered.as_ref().map(|(memory, away)| (memory, *away));
        let actions = self.roster.configure(cluster, table, memory, &mut self.jitter, now);
        let loads = lower::loads(cluster, &self.roster, &self.programs);
        self.loads = loads.iter().map(|(ask, _, _, interval)| (*ask, *interval)).collect();
        self.loads_due = self.loads.keys().map(|ask| (now, *ask)).collect();
        let questions = lower::questions(cluster, &self.roster, &self.programs);
        self.book.set(questions.into_iter().chain(loads));
        self.act(actions);
        let keys: BTreeSet<CheckKey> = self.keys().collect();
        let statuses = Arc::make_mut(&mut self.statuses);
        statuses.servers.retain(|key, _| keys.contains(key));
        statuses.quorums.retain(|key, _| self.roster.service(key).is_some());
        self.news = keys;
        self.verdicts_anew = true;
        self.standings()
    }

    /// Nothing is checked any more.
    pub(super) fn clear(&mut self) {
        self.roster = Roster::default();
        self.book.set([]);
        self.loads.clear();
        self.loads_due.clear();
        self.news.clear();
        self.statuses = Arc::default();
        self.standings = Arc::default();
    }

    fn keys(&self) -> impl Iterator<Item = CheckKey> {
        self.roster.services().flat_map(|(service, held)| {
            let key = |server: &ServerKey, sorry| CheckKey { service: *service, server: *server, sorry };
            let members = held.members().map(move |(server, _)| key(server, false));
            members.chain(held.sorry().map(|(server, _)| key(server, true)))
        })
    }

    /// What stands now; from here on it counts as told.
    pub(super) fn standings(&mut self) -> Arc<Standings> {
        if std::mem::take(&mut self.stands_anew) {
            self.standings = Arc::new(self.roster.standings().clone());
        }
        Arc::clone(&self.standings)
    }

    /// Whether other standings wait to be fetched.
    pub(super) fn stands_anew(&self) -> bool {
        self.stands_anew
    }

    /// The probes to begin now, and when to come again.
    pub(super) fn work(&mut self) -> Work {
        let now = self.now();
        let actions = self.roster.tick(now);
        self.act(actions);
        while let Some((at, ask)) = self.loads_due.first().copied().filter(|(at, _)| *at <= now) {
            self.loads_due.remove(&(at, ask));
            if let Some(told) = self.book.ask(ask, now) {
                self.loaded(ask, &told.outcome, now);
            }
        }
        let starts = self.book.start(now);
        let loads = self.loads_due.first().map(|(at, _)| *at);
        let next =
            self.roster.next_deadline().into_iter().chain(self.book.next_deadline()).chain(loads).min();
        Work { starts, next: next.map(|moment| self.origin + moment) }
    }

    /// Whether this director serves nobody and hears nothing of its partner.
    pub(super) fn alone(&mut self, alone: bool) {
        let now = self.now();
        if self.roster.alone(alone, now) {
            self.news.extend(self.keys().collect::<Vec<_>>());
        }
    }

    /// Takes the answer to a probe.
    pub(super) fn answered(&mut self, number: u64, answer: Answer) {
        let (told, other) = self.book.finish(number, answer);
        let now = self.now();
        for told in told {
            if told.ask.check == LOAD {
                self.loaded(told.ask, &told.outcome, now);
                continue;
            }
            // The same answer may mean something else then.
            if other || self.roster.is_alone() {
                self.news.insert(key_of(&told.ask));
            }
            let actions = self.roster.result(&told.ask, &told.outcome, told.began, now);
            self.act(actions);
        }
    }

    fn act(&mut self, actions: Vec<Action>) {
        let now = self.now();
        let mut pending = actions;
        while let Some(action) = pending.pop() {
            match action {
                Action::Ask(ask) => {
                    if let Some(told) = self.book.ask(ask, now) {
                        pending.extend(self.roster.result(&told.ask, &told.outcome, told.began, now));
                    }
                }
                Action::Verdict { service, server, sorry, transition } => {
                    let (from, to) = (transition.from.as_str(), transition.to.as_str());
                    let reason = serde_json::to_string(&transition.reason).unwrap_or_default();
                    if transition.to == Verdict::Down {
                        tracing::warn!(service.vip = %service, real_server = %server, sorry, from, to, reason, "verdict");
                    } else {
                        tracing::info!(service.vip = %service, real_server = %server, sorry, from, to, reason, "verdict");
                    }
                    self.news.insert(CheckKey { service, server, sorry });
                    self.verdicts_anew = true;
                    let Transition { from, to, reason, .. } = transition;
                    // What is well from the beginning is no news.
                    if (from, to) != (Verdict::Unknown, Verdict::Up) {
                        self.happened.push(Happening::Verdict { service, server, sorry, from, to, reason });
                    }
                }
                Action::Standings { service } => {
                    self.stands_anew = true;
                    self.news.extend(self.keys_of(service));
                }
                Action::Quiescent { quiescent } => {
                    tracing::info!(
                        drains = quiescent.pending.len(),
                        affected = quiescent.affected.len(),
                        "persistence towards real servers of weight 0 ends while drains are pending"
                    );
                    self.stands_anew = true;
                }
            }
        }
    }

    fn keys_of(&self, service: ServiceKey) -> Vec<CheckKey> {
        let Some(held) = self.roster.service(&service) else { return Vec::new() };
        let key = |server: &ServerKey, sorry| CheckKey { service, server: *server, sorry };
        let members = held.members().map(|(server, _)| key(server, false));
        members.chain(held.sorry().map(|(server, _)| key(server, true))).collect()
    }

    /// Orders from the console: refused where older than those that hold. They must be durable by now.
    pub(super) fn follows(&self, orders: &Orders) -> Result<(), Stale> {
        orders.follows(&self.orders)
    }

    /// The orders that hold from now on.
    pub(super) fn place(&mut self, orders: Orders) {
        let now = self.now();
        let force = in_force(&orders, &LocalOrders::default(), &self.director_id);
        self.orders = orders;
        let actions = self.roster.orders(force, wall_s(SystemTime::now()), now);
        self.act(actions);
        self.news.extend(self.keys().collect::<Vec<_>>());
    }

    /// Takes what came of a question for load. What cannot be read changes nothing.
    fn loaded(&mut self, ask: Ask, outcome: &Outcome, now: Moment) {
        if let Some(interval) = self.loads.get(&ask) {
            self.loads_due.insert((now.saturating_add(*interval), ask));
        }
        if let Outcome::Up { load: Some(report) } = outcome {
            let actions = self.roster.report(ask.service, ask.server, *report, now);
            self.act(actions);
        }
    }

    /// What the kernel has counted.
    pub(super) fn count(&mut self, counters: Arc<Counters>) {
        let now = self.now();
        let actions = self.roster.count(&counters, now);
        self.counters = Some(counters);
        self.act(actions);
        let drained: Vec<CheckKey> =
            self.statuses.servers.iter().filter(|(_, status)| drains(status)).map(|(key, _)| *key).collect();
        for key in drained {
            let now_is = self.status(&key).and_then(|status| status.order);
            if self.statuses.servers.get(&key).is_some_and(|status| status.order != now_is) {
                self.news.insert(key);
            }
        }
    }

    /// Whether an order waits for connections to end, so that they have to be counted.
    pub(super) fn drains(&self) -> bool {
        self.statuses.servers.values().any(|status| drains(status))
    }

    /// Notes which orders have come to an end. Only who forwards (`active`) counts the connections that are left.
    pub(super) fn look_at_orders(&mut self, active: bool) {
        let now = self.now();
        let Some(counters) = self.counters.as_deref().filter(|_| active) else { return self.ends.forget() };
        let mut seen = Vec::new();
        // Where nothing is ordered nobody is to be looked at.
        let services = self.roster.services().filter(|_| !self.orders.orders.is_empty());
        for (service, held) in services {
            for (server, member) in held.members() {
                let Some((_, order)) = self.roster.order_for(service, server) else { continue };
                let drain = drain(member.placed(), service, server, Some(counters), now);
                seen.push(((*service, *server), order.given_s, OrderEnd::of(member.placed(), drain, now)));
            }
        }
        self.happened.extend(self.ends.look(seen));
    }

    /// What has happened since the last time.
    pub(super) fn happened(&mut self) -> Vec<Happening> {
        std::mem::take(&mut self.happened)
    }

    /// What should outlive a restart, where it is other than what was asked for last.
    pub(super) fn memory(&mut self) -> Option<Memory> {
        std::mem::take(&mut self.verdicts_anew).then(|| self.roster.memory(self.now()))
    }

    /// All statuses, brought up to date; none where nothing is new.
    pub(super) fn statuses(&mut self) -> Option<Arc<Statuses>> {
        if self.news.is_empty() {
            return None;
        }
        let mut statuses = std::mem::take(&mut self.statuses);
        let changed = Arc::make_mut(&mut statuses);
        for key in std::mem::take(&mut self.news) {
            match self.status(&key) {
                Some(status) => drop(changed.servers.insert(key, Arc::new(status))),
                None => drop(changed.servers.remove(&key)),
            }
            if let Some(service) = self.roster.service(&key.service) {
                changed.quorums.insert(key.service, service.quorum());
            }
        }
        self.statuses = Arc::clone(&statuses);
        Some(statuses)
    }

    /// All about one real server at this moment.
    pub(super) fn status(&self, key: &CheckKey) -> Option<CheckStatus> {
        let now = self.now();
        let service = self.roster.service(&key.service)?;
        let member = if key.sorry {
            service.sorry().filter(|(server, _)| **server == key.server).map(|(_, member)| member)?
        } else {
            service.member(&key.server)?
        };
        let tallies = member.checks().iter().zip(&member.policy().checks).enumerate();
        let checks = tallies.map(|(check, (tally, (question, _)))| {
            let ask = Ask { service: key.service, server: key.server, sorry: key.sorry, check };
            let notes = self.book.notes(&ask);
            CheckEvidence {
                kind: question.kind().to_owned(),
                verdict: tally.verdict,
                trouble: notes.and_then(|(question, notes)| notes.trouble(question)),
                success: notes.and_then(|(question, notes)| notes.success(question)),
                failure: notes.and_then(|(question, notes)| notes.failure(question)),
                recent: notes.map(|(_, notes)| notes.recent()).unwrap_or_default(),
            }
        });
        let order = (!key.sorry).then(|| self.roster.order_for(&key.service, &key.server)).flatten();
        let counters = self.counters.as_deref();
        let age_s = i64::try_from(member.age(now).as_secs()).unwrap_or(i64::MAX);
        Some(CheckStatus {
            verdict: member.verdict(),
            reason: member.reason().clone(),
            since_s: wall_s(SystemTime::now()).saturating_sub(age_s),
            standing: match key.sorry {
                true if service.quorum().sorry => Standing::In { weight: 1 },
                true => Standing::Out,
                false => service.standing_of(&key.server)?,
            },
            climbing: member.climbing(now),
            agent: member.agent_state(),
            order: order.map(|(target, order)| OrderStatus {
                target,
                order: order.clone(),
                drain: drain(member.placed(), &key.service, &key.server, counters, now),
            }),
            checker: summary::shown(member.checker(now)),
            checks: checks.collect(),
        })
    }

    /// The orders that hold, and what they do to the whole director.
    pub(super) fn orders_status(&self) -> OrdersStatus {
        OrdersStatus {
            serial: self.orders.serial,
            local: LocalOrders::default(),
            quiescent: self.roster.quiescent().clone(),
        }
    }

    /// Takes an answer that came beside the turn.
    pub(super) fn extra(&mut self, ask: &Ask, answer: Answer, began: Instant) {
        let (now, began) = (self.now(), began.saturating_duration_since(self.origin));
        let outcome = answer.outcome.clone();
        self.book.note(ask, answer);
        self.news.insert(key_of(ask));
        let actions = self.roster.result(ask, &outcome, began, now);
        self.act(actions);
    }

    /// The questions of one real server, for somebody who wants them asked now.
    pub(super) fn questions(&self, key: &CheckKey) -> Vec<(Ask, Arc<Question>)> {
        let count = self.roster.service(&key.service).map_or(0, |service| {
            let member =
                if key.sorry { service.sorry().map(|(_, m)| m) } else { service.member(&key.server) };
            member.map_or(0, |member| member.checks().len())
        });
        (0..count)
            .filter_map(|check| {
                let ask = Ask { service: key.service, server: key.server, sorry: key.sorry, check };
                Some((ask, self.book.question(&ask)?))
            })
            .collect()
    }

    /// How checking goes in all. What was told of single servers and is too old by now is told anew.
    pub(super) fn checking(&mut self) -> Checking {
        let now = self.now();
        let (questions, _) = self.book.counts();
        let summary = Summary::of(&self.roster, questions, &self.statuses, now);
        let turn = self.turns.take(&summary, now);
        self.news.extend(turn.into_iter().chain(summary.changed));
        summary.checking
    }
}

/// Whether an order waits for its connections to end.
fn drains(status: &CheckStatus) -> bool {
    status.order.as_ref().is_some_and(|order| order.drain.is_some())
}

fn key_of(ask: &Ask) -> CheckKey {
    CheckKey { service: ask.service, server: ask.server, sorry: ask.sorry }
}
