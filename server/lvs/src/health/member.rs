//! One real server of one service: its checks' counts, its verdict, and what it alone should be in the table.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::load::Load;
use super::policy::{Policy, SlowStart};
use super::ramp::{Ramp, Since};
use super::{
    AgentState, Combine, Instruction, LoadReport, Moment, Outcome, Placed, Reason, RememberedMember,
    RememberedRamp, Standing, Start, Tally, Transition, Trouble, Verdict,
};

/// One real server of one service, as its checks know it.
#[derive(Clone, Debug)]
pub struct Member {
    policy: Arc<Policy>,
    /// As configured.
    weight: u32,
    /// Weight 0 instead of removal when it fails.
    quiesce: bool,
    checks: Vec<Tally>,
    verdict: Verdict,
    reason: Reason,
    since: Since,
    /// While nothing is known: the weight with which the kernel holds it.
    found: Option<u32>,
    /// It has been in the table, so that failing quiesces it rather than keeping it out.
    seated: bool,
    /// When it fell lately, oldest first; no more than damping asks for.
    falls: Vec<Since>,
    ramp: Option<Ramp>,
    load: Load,
    order: Placed,
    /// What of the order held when last looked.
    held: Instruction,
}

/// How well the checker itself works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checker {
    /// Results come.
    Working,
    /// The last probe could not be made, or was lost.
    Troubled(Trouble),
    /// Nothing has come for so long, which is more than its pace explains.
    Stuck(Duration),
}

/// What a member begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The weight with which the kernel holds it; none: it does not.
    pub weight: Option<u32>,
    /// A number of the caller's choice, at random; spreads the first probes.
    pub jitter: u16,
}

/// The most falls that are remembered.
const FALLS: usize = 100;

/// The first probe of a server that nothing is known of comes within this time.
const SOON: Duration = Duration::from_secs(1);

impl Member {
    /// One that nothing is known of.
    pub fn new(policy: Arc<Policy>, weight: u32, quiesce: bool, found: Found, now: Moment) -> Self {
        let start = match (policy.checks.is_empty(), policy.start, found.weight) {
            (true, ..) | (_, Start::Up, _) => Verdict::Up,
            // What the kernel has stays until the first result.
            (_, Start::Unknown, _) | (_, Start::Down, Some(_)) => Verdict::Unknown,
            (_, Start::Down, None) => Verdict::Down,
        };
        let first = |interval| first(start, interval, found.jitter, now);
        let checks = policy.checks.iter().map(|(_, pace)| Tally::new(start, first(pace.interval))).collect();
        Member {
            weight,
            quiesce,
            checks,
            verdict: start,
            reason: if policy.checks.is_empty() { Reason::Unchecked } else { Reason::Started },
            since: Since::now(now),
            found: found.weight.filter(|_| start == Verdict::Unknown),
            seated: found.weight.is_some() || start == Verdict::Up,
            falls: Vec::new(),
            ramp: None,
            load: Load::default(),
            order: Placed::default(),
            held: Instruction::Enabled,
            policy,
        }
    }

    /// One that was known before, `away` ago. What answers other questions than today's is taken as after a change of
    /// them.
    pub(super) fn resume(
        mut self,
        from: &RememberedMember,
        away: Duration,
        jitter: u16,
        now: Moment,
    ) -> Self {
        self.load = Load::resume(from.load.as_ref(), away, now);
        self.falls = from.falls_ms.iter().map(|ms| Since::ago(*ms, away, now)).collect();
        self.seated |= from.seated;
        let same = from.questions == questions(&self.policy) && from.checks.len() == self.checks.len();
        if !same {
            if from.verdict == Verdict::Up && !self.checks.is_empty() {
                self.assume_up(jitter, now);
            }
            return self;
        }
        self.verdict = from.verdict;
        self.reason = from.reason.clone();
        self.since = Since::ago(from.age_ms, away, now);
        self.found = self.found.filter(|_| from.verdict == Verdict::Unknown);
        self.ramp = from.ramp.and_then(|ramp| {
            let time = Duration::from_millis(ramp.time_ms);
            let kind = if ramp.doubling { SlowStart::Doubling(time) } else { SlowStart::Linear(time) };
            Ramp::begin(kind, Since::ago(ramp.age_ms, away, now))
        });
        let paces =
            self.policy.checks.iter().map(|(_, pace)| first(from.verdict, pace.interval, jitter, now));
        self.checks = from.checks.iter().zip(paces).map(|(check, due)| Tally::resume(check, due)).collect();
        self
    }

    /// What to remember of it.
    pub(super) fn remember(&self, now: Moment) -> RememberedMember {
        RememberedMember {
            questions: questions(&self.policy),
            verdict: self.verdict,
            reason: self.reason.clone(),
            age_ms: self.since.age_ms(now),
            checks: self.checks.iter().map(Tally::remember).collect(),
            seated: self.seated,
            falls_ms: self.falls.iter().map(|fell| fell.age_ms(now)).collect(),
            ramp: self.ramp.map(|ramp| {
                let (doubling, time) = match ramp.kind {
                    SlowStart::Doubling(time) => (true, time),
                    SlowStart::Linear(time) => (false, time),
                    SlowStart::Off => (false, Duration::ZERO),
                };
                let time_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                RememberedRamp { doubling, time_ms, age_ms: ramp.since.age_ms(now) }
            }),
            load: self.load.remember(now),
        }
    }

    /// New settings. A server that is up stays up until its new checks have failed as often as it takes; one that is not
    /// is unknown to new questions, so that the first good answer is enough.
    pub(super) fn configure(
        &mut self,
        policy: &Arc<Policy>,
        weight: u32,
        quiesce: bool,
        jitter: u16,
        now: Moment,
    ) -> Option<Transition> {
        if self.weight != weight || self.policy.load != policy.load {
            self.load.rebase();
        }
        self.weight = weight;
        self.quiesce = quiesce;
        let asked =
            |policy: &Policy| policy.checks.iter().map(|(check, _)| check.clone()).collect::<Vec<_>>();
        let same = Arc::ptr_eq(&self.policy, policy) || asked(&self.policy) == asked(policy);
        self.policy = Arc::clone(policy);
        if same {
            // A shorter interval begins now.
            for (tally, (_, pace)) in self.checks.iter_mut().zip(&self.policy.checks) {
                tally.due = tally.due.map(|due| due.min(now.saturating_add(pace.interval)));
            }
            return None;
        }
        if self.policy.checks.is_empty() {
            self.checks.clear();
            return self.turn(Verdict::Up, Reason::Unchecked, now);
        }
        if self.verdict == Verdict::Up {
            self.assume_up(jitter, now);
            return None;
        }
        self.found = self.found.or((self.seated && quiesce).then_some(0));
        let first = |interval| first(Verdict::Unknown, interval, jitter, now);
        let paces = self.policy.checks.iter();
        self.checks = paces.map(|(_, pace)| Tally::new(Verdict::Unknown, first(pace.interval))).collect();
        self.turn(Verdict::Unknown, Reason::Asked, now)
    }

    /// Up, until its checks have failed as often as it takes.
    fn assume_up(&mut self, jitter: u16, now: Moment) {
        if self.verdict != Verdict::Up {
            self.since = Since::now(now);
        }
        (self.verdict, self.reason, self.found, self.seated) = (Verdict::Up, Reason::Asked, None, true);
        let first = |interval| first(Verdict::Up, interval, jitter, now);
        let paces = self.policy.checks.iter();
        let tally = |due| Tally { tried: true, ..Tally::new(Verdict::Up, due) };
        self.checks = paces.map(|(_, pace)| tally(first(pace.interval))).collect();
    }

    /// Takes what a probe brought that began at `began`; a check that there is not is ignored.
    pub fn result(
        &mut self,
        check: usize,
        outcome: &Outcome,
        began: Moment,
        now: Moment,
    ) -> Option<Transition> {
        let policy = Arc::clone(&self.policy);
        let (tally, (_, pace)) = self.checks.get_mut(check).zip(policy.checks.get(check))?;
        tally.take(outcome, pace, began.min(now), now);
        if let Outcome::Undecided(_) = outcome {
            return None;
        }
        if let Outcome::Up { load: Some(report) } = outcome {
            self.report(*report, now);
        }
        self.conclude(check, now)
    }

    /// Takes a report about load that came on another way than with a check.
    pub fn report(&mut self, report: LoadReport, now: Moment) {
        let Some(rule) = self.policy.load else { return };
        let full = self.verdict == Verdict::Up && self.ramp.is_none_or(|ramp| ramp.over(self.weight, now));
        self.load.report(report, rule, self.weight, full, now);
    }

    /// The verdict that its checks make together; `last` is the one that has just spoken.
    fn conclude(&mut self, last: usize, now: Moment) -> Option<Transition> {
        let any = |verdict| self.checks.iter().any(|tally| tally.verdict == verdict);
        let order = match self.policy.combine {
            Combine::All => [Verdict::Down, Verdict::Unknown, Verdict::ReEntering, Verdict::Up],
            Combine::Any => [Verdict::Up, Verdict::ReEntering, Verdict::Unknown, Verdict::Down],
        };
        let verdict = order.into_iter().find(|verdict| any(*verdict)).unwrap_or(Verdict::Unknown);
        let says = |check: &usize| self.checks.get(*check).is_some_and(|tally| tally.verdict == verdict);
        let speaker = Some(last).filter(says).or_else(|| (0..self.checks.len()).find(says));
        let spoken = speaker.and_then(|check| self.checks.get(check).zip(self.policy.checks.get(check)));
        let reason = spoken.map_or(Reason::Started, |(tally, (_, pace))| tally.reason(pace));
        match self.hold(now) {
            Some(damped) if verdict == Verdict::Up && self.verdict != Verdict::Up => {
                self.turn(Verdict::ReEntering, damped, now)
            }
            _ => self.turn(verdict, reason, now),
        }
    }

    /// Why it is kept out although it answers, if it has fallen too often.
    fn hold(&self, now: Moment) -> Option<Reason> {
        let damping = self.policy.damping?;
        let falls = u32::try_from(self.falls.len()).unwrap_or(u32::MAX);
        let (first, last) = self.falls.first().zip(self.falls.last())?;
        let often =
            falls >= damping.falls.max(1) && first.age(now).saturating_sub(last.age(now)) <= damping.within;
        let hold_ms = u64::try_from(damping.hold.as_millis()).unwrap_or(u64::MAX);
        (often && last.age(now) < damping.hold).then_some(Reason::Damped { falls, hold_ms })
    }

    /// Notes a fall, where somebody counts them. Those that have kept the server out are done with.
    fn fell(&mut self, now: Moment) {
        let Some(damping) = self.policy.damping else { return self.falls.clear() };
        let kept = usize::try_from(damping.falls.max(1)).unwrap_or(usize::MAX).min(FALLS);
        let served =
            self.falls.len() >= kept
                && self.falls.first().zip(self.falls.last()).is_some_and(|(first, last)| {
                    first.age(now).saturating_sub(last.age(now)) <= damping.within
                });
        if served {
            self.falls.clear();
        }
        self.falls.push(Since::now(now));
        let surplus = self.falls.len().saturating_sub(kept);
        self.falls.drain(..surplus);
    }

    /// Gives a verdict; the same one again only renews its reason.
    fn turn(&mut self, to: Verdict, reason: Reason, now: Moment) -> Option<Transition> {
        let from = self.verdict;
        self.reason = reason;
        if from == to {
            return None;
        }
        self.verdict = to;
        self.since = Since::now(now);
        if from == Verdict::Up {
            self.fell(now);
            self.ramp = None;
        }
        if to == Verdict::Up {
            let serving = from == Verdict::Unknown && self.found.is_some_and(|weight| weight > 0);
            if !serving {
                self.climb(self.policy.slow_start, now);
            }
            self.seated = true;
        }
        if to != Verdict::Unknown {
            self.found = None;
        }
        Some(Transition { from, to, reason: self.reason.clone(), at: now })
    }

    fn climb(&mut self, kind: SlowStart, now: Moment) {
        self.ramp = Ramp::begin(kind, Since::now(now));
    }

    /// Places an order. One that has ended by then has given the weight back already: the new one's ramp is not for it.
    pub fn order(&mut self, order: Placed, now: Moment) {
        self.look(now);
        self.order = order;
        self.look(now);
    }

    /// What time alone changes: an order that ends gives the weight back by a ramp, a ramp that is climbed is over.
    pub(super) fn look(&mut self, now: Moment) {
        let held = self.order.holds(now);
        if held == Instruction::Enabled && self.held != Instruction::Enabled && self.verdict == Verdict::Up {
            let own = self.order.ramp.filter(|_| self.order.instruction == Instruction::Enabled);
            self.climb(own.map_or(self.policy.slow_start, SlowStart::Linear), now);
        }
        self.held = held;
        self.ramp = self.ramp.filter(|ramp| !ramp.over(self.weight, now));
    }

    /// The checks to be asked now; they count as under way from here on.
    pub(super) fn ask(&mut self, now: Moment) -> Vec<usize> {
        let paces = self.policy.checks.iter().map(|(_, pace)| pace);
        let asked = self.checks.iter_mut().zip(paces).enumerate();
        asked.filter_map(|(check, (tally, pace))| tally.ask(pace, now).then_some(check)).collect()
    }

    /// What it should be in the table as far as it alone decides.
    pub fn standing(&self, now: Moment) -> Standing {
        let held = self.order.holds(now);
        if held == Instruction::Disabled {
            return Standing::Out;
        }
        let drained = |weight| if held == Instruction::Draining { 0 } else { weight };
        match self.verdict {
            Verdict::Up => match self.load.state {
                AgentState::Maintenance => Standing::Out,
                AgentState::Drain => Standing::In { weight: 0 },
                AgentState::Ready => Standing::In { weight: drained(self.effective(now)) },
            },
            Verdict::Unknown => {
                self.found.map_or(Standing::Out, |weight| Standing::In { weight: drained(weight) })
            }
            Verdict::Down | Verdict::ReEntering if self.quiesce && self.seated => Standing::In { weight: 0 },
            Verdict::Down | Verdict::ReEntering => Standing::Out,
        }
    }

    /// The weight of a server that serves: as configured, changed by load and slow start.
    fn effective(&self, now: Moment) -> u32 {
        let full = self.load.apply(self.weight);
        self.ramp.map_or(full, |ramp| ramp.of(self.weight, now).min(full))
    }

    /// What it brings towards a quorum: its whole weight while it may take new connections, on a ramp or not.
    pub fn counted(&self, now: Moment) -> u32 {
        let ready = self.load.state == AgentState::Ready && self.order.holds(now) == Instruction::Enabled;
        match self.verdict {
            Verdict::Up if ready => self.weight,
            Verdict::Unknown if ready => self.found.unwrap_or(0),
            _ => 0,
        }
    }

    /// When it wants to be called again if nothing happens.
    pub fn next_deadline(&self, now: Moment) -> Option<Moment> {
        let paces = self.policy.checks.iter().map(|(_, pace)| pace);
        let checks = self.checks.iter().zip(paces).filter_map(|(tally, pace)| tally.next(pace));
        let ramp = self.ramp.map(|ramp| ramp.next(now));
        checks.chain(ramp).chain(self.order.next(now)).min()
    }

    /// How well its checker works.
    pub fn checker(&self, now: Moment) -> Checker {
        let paces = self.policy.checks.iter().map(|(_, pace)| pace);
        let silent = self.checks.iter().zip(paces).filter_map(|(tally, pace)| {
            let silent = tally.heard.map_or(self.since, |heard| heard).age(now);
            let usual = pace.interval.max(pace.retry_delay.unwrap_or_default()).saturating_add(pace.timeout);
            (silent > usual.saturating_mul(3).saturating_add(SOON)).then_some(silent)
        });
        match (silent.max(), self.checks.iter().find_map(|tally| tally.trouble)) {
            (_, Some(trouble)) => Checker::Troubled(trouble),
            (Some(silent), None) => Checker::Stuck(silent),
            (None, None) => Checker::Working,
        }
    }

    /// What its checks say.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Why.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// For how long, restarts of the agent included.
    pub fn age(&self, now: Moment) -> Duration {
        self.since.age(now)
    }

    /// How it is judged.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What each check has counted, in the policy's order.
    pub fn checks(&self) -> &[Tally] {
        &self.checks
    }

    /// The order that was placed; the default where there is none.
    pub fn placed(&self) -> &Placed {
        &self.order
    }

    /// Whether it is on its way to its full weight.
    pub fn climbing(&self, now: Moment) -> bool {
        self.ramp.is_some_and(|ramp| !ramp.over(self.weight, now))
    }

    /// What its own agent wants.
    pub fn agent_state(&self) -> AgentState {
        self.load.state
    }
}

/// When the first probe is due: servers that are used already are spread over the whole interval, others come soon.
fn first(verdict: Verdict, interval: Duration, jitter: u16, now: Moment) -> Moment {
    let spread = if verdict == Verdict::Up { interval } else { interval.min(SOON) };
    let share = spread.checked_div(u32::from(u16::MAX)).unwrap_or_default().saturating_mul(u32::from(jitter));
    now.saturating_add(share)
}

/// Names the questions asked, without giving away what they hold.
fn questions(policy: &Policy) -> String {
    let checks: Vec<_> = policy.checks.iter().map(|(check, _)| check).collect();
    let text = serde_json::to_vec(&checks).unwrap_or_default();
    hex::encode(Sha256::digest(&text).get(..8).unwrap_or_default())
}
