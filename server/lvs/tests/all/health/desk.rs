//! What the tests of health share: policies, seconds, and a director's roster with the table it makes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lvs::health::{
    Action, Ask, Combine, Failure, Found, Member, Moment, Order, OrderTarget, Outcome, Pace, Policy, Roster,
    Start, Trouble, Verdict,
};
use lvs::model::{Cluster, Seat, ValidCluster};
use lvs::plan::{Holding, Ownership, Step, desired, plan};
use lvs::table::{Observed, ServerKey, ServiceKey, Table};

pub(crate) fn s(seconds: u64) -> Moment {
    Duration::from_secs(seconds)
}

pub(crate) fn up() -> Outcome {
    Outcome::Up { load: None }
}

pub(crate) fn down() -> Outcome {
    Outcome::Down(Failure::Refused)
}

pub(crate) fn undecided() -> Outcome {
    Outcome::Undecided(Trouble::Descriptors)
}

pub(crate) fn pace(fall: u32, rise: u32) -> Pace {
    Pace { interval: s(1), timeout: s(1), retry_delay: None, fall, rise }
}

/// A policy with so many checks of the same pace.
pub(crate) fn policy(checks: usize, pace: Pace) -> Policy {
    let mut policy = Policy::unchecked();
    let asked: lvs::model::Monitor = serde_json::from_str(r#"{"checks":[{"kind":"ping"}]}"#).unwrap();
    policy.checks = (0..checks).map(|_| (asked.checks[0].clone(), pace)).collect();
    policy.combine = Combine::All;
    policy.start = Start::Unknown;
    policy
}

pub(crate) fn member(policy: Policy) -> Member {
    Member::new(Arc::new(policy), 10, false, Found { weight: None, jitter: 0 }, s(0))
}

/// The letter of a verdict in a row of verdicts.
pub(crate) fn letter(verdict: Verdict) -> char {
    match verdict {
        Verdict::Unknown => '?',
        Verdict::Up => 'U',
        Verdict::Down => 'D',
        Verdict::ReEntering => 'R',
    }
}

pub(crate) fn outcome(letter: char) -> Outcome {
    match letter {
        '+' => up(),
        '-' => down(),
        '?' => undecided(),
        other => panic!("{other} is no outcome"),
    }
}

/// A roster with a table that follows it.
pub(crate) struct Desk {
    pub(crate) roster: Roster,
    pub(crate) cluster: ValidCluster,
    pub(crate) table: Table,
    pub(crate) asks: Vec<Ask>,
}

impl Desk {
    /// Of an agent that starts with an empty kernel.
    pub(crate) fn new(cluster: Cluster) -> Self {
        Desk::over(cluster, Table::default())
    }

    /// Of an agent that starts on a table.
    pub(crate) fn over(cluster: Cluster, table: Table) -> Self {
        let cluster = cluster.validate().unwrap_or_else(|findings| panic!("{findings:#?}"));
        let mut desk = Desk { roster: Roster::default(), cluster, table, asks: Vec::new() };
        let actions = desk.roster.configure(&desk.cluster, &desk.table, None, &mut || 0, s(0));
        desk.note(&actions);
        desk
    }

    pub(crate) fn note(&mut self, actions: &[Action]) {
        self.asks.extend(actions.iter().filter_map(|action| match action {
            Action::Ask(ask) => Some(*ask),
            _ => None,
        }));
    }

    /// A new configuration.
    pub(crate) fn configure(&mut self, cluster: Cluster, now: Moment) {
        self.cluster = cluster.validate().unwrap_or_else(|findings| panic!("{findings:#?}"));
        let actions = self.roster.configure(&self.cluster, &self.table, None, &mut || 0, now);
        self.note(&actions);
    }

    pub(crate) fn tick(&mut self, now: Moment) {
        let actions = self.roster.tick(now);
        self.note(&actions);
    }

    pub(crate) fn result(
        &mut self,
        service: ServiceKey,
        server: ServerKey,
        check: usize,
        outcome: &Outcome,
        now: Moment,
    ) {
        let sorry = self.roster.service(&service).is_some_and(|service| {
            service.member(&server).is_none() && service.sorry().is_some_and(|(key, _)| *key == server)
        });
        let actions = self.roster.result(&Ask { service, server, sorry, check }, outcome, now, now);
        self.note(&actions);
    }

    pub(crate) fn order(&mut self, orders: &[(OrderTarget, Order)], now: Moment) {
        let orders: BTreeMap<_, _> = orders.iter().cloned().collect();
        // The tests' day begins with their time.
        let clock_s = i64::try_from(now.as_secs()).unwrap();
        self.roster.orders(orders, clock_s, now);
    }

    /// The table that is wanted now.
    pub(crate) fn wanted(&self) -> Table {
        desired(&self.cluster, Seat::Primary, Holding::TableOnly, self.roster.standings()).table
    }

    /// Makes the table what is wanted, and says by which steps.
    pub(crate) fn program(&mut self) -> Vec<Step> {
        let wanted = desired(&self.cluster, Seat::Primary, Holding::TableOnly, self.roster.standings());
        let observed = Observed { table: self.table.clone(), ..Observed::default() };
        let owner =
            Ownership { services: observed.table.services.keys().copied().collect(), ..Ownership::default() };
        let steps = plan(&wanted, &observed, &owner).steps;
        self.table = wanted.table;
        steps
    }

    /// The rows of the only service, as `address weight`.
    pub(crate) fn rows(&mut self) -> String {
        let table = self.wanted();
        let service = table.services.values().next().unwrap();
        let row =
            |(key, row): (&ServerKey, &lvs::table::ServerRow)| format!("{}={}", key.address, row.weight);
        service.servers.iter().map(row).collect::<Vec<_>>().join(" ")
    }
}
