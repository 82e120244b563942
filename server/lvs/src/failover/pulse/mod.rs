//! Piranha's own beat, so that a running pair can be moved to Caribe one director at a time.
//!
//! The protocol has no identity, no sequence and no authentication; it is spoken only where it is asked for, and the
//! machine says so as long as it runs. It keeps pulse's rules, by which two directors are told apart by their seats
//! alone: when both are active the backup gives way; when both are not, the primary takes over. Beyond them it listens
//! before it claims, says a planned end at once, and takes over from a partner that stays inactive.

mod word;

use std::collections::BTreeSet;
use std::time::Duration;

use super::Moment;
use super::event::{Action, Event, Lease, Order};
use super::heartbeat::{Counts, Partner, View};
use super::outside::{Asks, Outside, WAIT};
use super::reason::{Concern, Reason, Refused};
use crate::model::Seat;
use crate::wire::State;
pub use word::{BadWord, ByteOrder, Word};

/// A lease is renewed this often in its life.
const RENEWALS: u32 = 4;
/// For so many intervals a backup leaves an inactive primary the first word.
const COURTESY: u32 = 3;
/// What may speak against a claim.
const NOT_CLAIMING: [Refused; 3] = [Refused::Held, Refused::Witness, Refused::Isolated];

/// A director's side of the beat, as its configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its place, which decides between two of a kind.
    pub seat: Seat,
    /// Between two beats (lvs.cf `keepalive`).
    pub interval: Duration,
    /// Silence after which the partner counts as dead (lvs.cf `deadtime`), at least three intervals.
    pub deadtime: Duration,
    /// Whether the primary takes the addresses back, and after which delay. Piranha never does.
    pub preempt: Option<Duration>,
    /// Life of the addresses in the kernel while the partner is heard.
    pub lease: Duration,
    /// Whom to ask before a claim.
    pub asks: Asks,
}

impl Settings {
    /// The part of a heartbeat's settings that this protocol has.
    pub fn of(settings: &super::Settings) -> Settings {
        Settings {
            seat: settings.seat,
            interval: settings.interval,
            deadtime: settings.deadtime.max(settings.interval * 3),
            preempt: settings.preempt,
            lease: settings.lease,
            asks: Asks { witness: settings.witness, gateway: settings.gateway },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Listening,
    Standby,
    Active,
    Fault,
    Stopped,
}

/// One director's side of Piranha's beat.
#[derive(Clone, Debug)]
pub struct Pulse {
    settings: Settings,
    phase: Phase,
    reason: Reason,
    entered: Moment,
    /// Counts this director's claims.
    epoch: u64,
    holds: bool,
    links: bool,
    ready: bool,
    held: bool,
    /// It gave way on an order, and does not take back by itself while the partner serves.
    resting: bool,
    fault_until: Option<Moment>,
    /// The partner's last word, and when it came.
    heard: Option<(Word, Moment)>,
    /// When something that is no beat of ours last came from its address.
    unfit_at: Option<Moment>,
    /// Since when the partner has said nothing but this.
    same_since: Moment,
    /// The silence clock never starts before this.
    silence_from: Moment,
    next_beat: Moment,
    next_lease: Moment,
    /// A claim is not tried again before.
    waits_until: Moment,
    outside: Outside,
    concerns: BTreeSet<Concern>,
    counts: Counts,
    out: Vec<Action>,
}

impl Pulse {
    /// Begins to listen; `holds`: the kernel was found holding the addresses.
    pub fn new(settings: Settings, holds: bool, now: Moment) -> Self {
        Pulse {
            settings,
            phase: Phase::Listening,
            reason: Reason::Started,
            entered: now,
            epoch: 0,
            holds,
            links: true,
            ready: true,
            held: false,
            resting: false,
            fault_until: None,
            heard: None,
            unfit_at: None,
            same_since: now,
            silence_from: now,
            next_beat: now,
            next_lease: now,
            waits_until: Moment::ZERO,
            outside: Outside::default(),
            concerns: BTreeSet::from([Concern::Unauthenticated]),
            counts: Counts::default(),
            out: Vec::new(),
        }
    }

    /// See [`Machine::go_on`](super::Machine::go_on).
    pub fn go_on(&mut self, now: Moment) -> Vec<Action> {
        if self.phase == Phase::Listening {
            self.claim(Reason::Preferred, now);
        }
        std::mem::take(&mut self.out)
    }

    /// Takes one event at `now` and says what is to be done, in order. After [`Action::Done`] it answers nothing more.
    pub fn step(&mut self, event: Event, now: Moment) -> Vec<Action> {
        if self.phase == Phase::Stopped {
            return Vec::new();
        }
        self.notice_lateness(now);
        match event {
            Event::Word(Ok(word)) => self.hear(word, now),
            Event::Word(Err(_)) => {
                // The partner lives and cannot be understood, as while the protocol is being changed: two owners would
                // be worse than a wait.
                self.counts.forged += 1;
                self.unfit_at = Some(now);
                self.silence_from = now;
            }
            Event::Forged(packets) => self.counts.forged += packets,
            Event::Links(usable) => self.links(usable, now),
            Event::Ready(ready) => self.ready = ready,
            Event::LeaseFailed if self.phase == Phase::Active => {
                self.fault_until = Some(now + self.settings.lease.max(self.settings.deadtime) * 5);
                self.give_up(Phase::Fault, Reason::LeaseFailed, now);
            }
            Event::Order(order) => self.order(order, now),
            Event::Answer(answer) => self.outside.answer(answer, now),
            // The rest belongs to the other protocols.
            Event::Tick
            | Event::LeaseFailed
            | Event::Beat(_)
            | Event::Advert { .. }
            | Event::Carrier
            | Event::Holds(_)
            | Event::Reserved(_) => {}
        }
        self.timers(now);
        self.review(now);
        std::mem::take(&mut self.out)
    }

    /// Takes on a changed configuration; the state stays what it is.
    pub fn configure(&mut self, settings: Settings, now: Moment) -> Vec<Action> {
        self.settings = settings;
        self.next_beat = self.next_beat.min(now + self.settings.interval);
        self.step(Event::Tick, now)
    }

    /// When it wants to be called again if nothing happens; none once it has stopped.
    pub fn next_deadline(&self) -> Option<Moment> {
        match self.phase {
            Phase::Stopped => None,
            Phase::Active => Some(self.next_beat.min(self.next_lease)),
            Phase::Listening | Phase::Standby if !self.held => {
                let due = self.next_beat.min(self.dead_at().max(self.waits_until));
                Some(self.question_time().map_or(due, |ask| ask.min(due)))
            }
            _ => Some(self.next_beat),
        }
    }

    /// The state that others see.
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Listening => State::Starting,
            Phase::Standby => State::Standby,
            Phase::Active => State::Active,
            Phase::Fault => State::Fault,
            Phase::Stopped => State::Stopped,
        }
    }

    /// Everything that is shown.
    pub fn view(&self) -> View {
        View {
            state: self.state(),
            reason: self.reason,
            entered: self.entered,
            epoch: self.epoch,
            held: self.held,
            ready: self.ready,
            partner: self.heard.map(|(word, heard_at)| Partner {
                state: if word == Word::Active { State::Active } else { State::Standby },
                revision: None,
                ready: true,
                held: false,
                heard_at,
            }),
            routers: Vec::new(),
            concerns: self.concerns.clone(),
            evidence: if self.phase == Phase::Active { self.outside.claimed() } else { self.outside.signs() },
            counts: self.counts,
        }
    }

    fn is_primary(&self) -> bool {
        self.settings.seat == Seat::Primary
    }

    /// When the partner counts as dead.
    fn dead_at(&self) -> Moment {
        self.heard.map_or(self.silence_from, |(_, at)| at.max(self.silence_from)) + self.settings.deadtime
    }

    fn hears(&self, now: Moment) -> bool {
        self.heard.is_some_and(|(_, at)| now.saturating_sub(at) < self.settings.deadtime)
    }

    fn hear(&mut self, word: Word, now: Moment) {
        self.counts.heard += 1;
        self.outside.clear();
        let long = self.hears(now);
        if !long || self.heard.is_none_or(|(before, _)| before != word) {
            self.same_since = now;
        }
        self.heard = Some((word, now));
        let same_for = now.saturating_sub(self.same_since);
        let may_claim = self.links && !self.held;
        match (self.phase, word) {
            (Phase::Active, Word::Active) if self.is_primary() => self.out.push(Action::Announce),
            (Phase::Active, Word::Active) => {
                // Once more, so that the primary learns of it and announces again.
                self.send(now);
                self.enter(Phase::Standby, Reason::PartnerActive, now);
                self.disown();
            }
            (Phase::Listening | Phase::Standby, Word::Active) => {
                if self.phase == Phase::Listening {
                    self.enter(Phase::Standby, Reason::PartnerActive, now);
                }
                self.disown();
                let waited = self.settings.preempt.is_some_and(|delay| same_for >= delay);
                if waited && self.is_primary() && may_claim && self.ready && !self.resting {
                    self.claim(Reason::Preferred, now);
                }
            }
            (Phase::Listening | Phase::Standby, Word::Inactive) if may_claim => {
                let patience = match (self.resting, self.settings.seat) {
                    (true, _) => self.settings.deadtime,
                    (false, Seat::Primary) => Duration::ZERO,
                    (false, Seat::Backup) => self.settings.interval * COURTESY,
                };
                if same_for >= patience {
                    let reason = if self.resting { Reason::TakenBack } else { Reason::PartnerPassive };
                    self.claim(reason, now);
                }
            }
            _ => {}
        }
    }

    fn order(&mut self, order: Order, now: Moment) {
        match order {
            Order::SwitchOver { .. } | Order::TakeOver if self.held => {
                self.out.push(Action::Refuse(Refused::Held));
            }
            Order::SwitchOver { force } if self.phase == Phase::Active => {
                if self.hears(now) || force {
                    self.resting = true;
                    self.give_up(Phase::Standby, Reason::HandedOver, now);
                } else {
                    self.out.push(Action::Refuse(Refused::PartnerAbsent));
                }
            }
            // Only the primary is given way to.
            Order::TakeOver if self.phase == Phase::Standby && self.is_primary() => {
                self.claim(Reason::Preferred, now);
            }
            Order::SwitchOver { .. } | Order::TakeOver => self.out.push(Action::Refuse(Refused::WrongState)),
            Order::Hold(held) => self.held = held,
            Order::Stop { release } => self.stop(release, now),
        }
    }

    fn enter(&mut self, phase: Phase, reason: Reason, now: Moment) {
        self.phase = phase;
        self.reason = reason;
        self.entered = now;
        self.out.push(Action::Enter { state: self.state(), reason, epoch: self.epoch });
    }

    fn claim(&mut self, reason: Reason, now: Moment) {
        self.epoch += 1;
        self.resting = false;
        self.phase = Phase::Active;
        self.outside.claim(None);
        self.send(now);
        self.enter(Phase::Active, reason, now);
        self.holds = true;
        self.renew(now);
        self.out.push(Action::Own { often_until: Some(now + self.settings.lease) });
    }

    fn send(&mut self, now: Moment) {
        let word = if self.phase == Phase::Active { Word::Active } else { Word::Inactive };
        self.out.push(Action::Word(word));
        self.counts.sent += 1;
        self.next_beat = now + self.settings.interval;
    }

    /// Says that it is inactive, so that the partner need not wait for silence, and gives the addresses up.
    fn give_up(&mut self, phase: Phase, reason: Reason, now: Moment) {
        self.same_since = now;
        self.silence_from = now;
        self.enter(phase, reason, now);
        self.send(now);
        self.disown();
    }

    fn disown(&mut self) {
        if self.holds {
            self.holds = false;
            self.out.push(Action::Disown);
        }
    }

    fn links(&mut self, usable: bool, now: Moment) {
        self.links = usable;
        if !usable && self.phase != Phase::Fault {
            self.give_up(Phase::Fault, Reason::LinkDown, now);
        }
    }

    /// The end of the process: hand over where somebody hears it, else leave everything.
    fn stop(&mut self, release: bool, now: Moment) {
        if release || self.phase == Phase::Active && self.hears(now) {
            self.give_up(Phase::Stopped, Reason::Stopped, now);
        } else {
            if self.holds {
                self.out.push(Action::Lease(Lease::Permanent));
            }
            self.enter(Phase::Stopped, Reason::Stopped, now);
        }
        self.out.push(Action::Done);
    }

    /// Whoever slept cannot tell a silent partner from one that was not listened to.
    fn notice_lateness(&mut self, now: Moment) {
        let Some(due) = self.next_deadline() else { return };
        if now <= due + self.settings.interval {
            return;
        }
        self.counts.late += 1;
        match self.phase {
            Phase::Listening | Phase::Standby => self.silence_from = now,
            Phase::Active if now >= due + self.settings.deadtime => {
                self.silence_from = now;
                self.enter(Phase::Listening, Reason::Late, now);
            }
            _ => {}
        }
    }

    /// Does what is due.
    fn timers(&mut self, now: Moment) {
        let waiting = matches!(self.phase, Phase::Listening | Phase::Standby);
        if waiting && self.question_time().is_some_and(|at| now >= at) {
            self.outside.ask(self.settings.asks, now, &mut self.out);
        }
        match self.phase {
            Phase::Listening | Phase::Standby if now >= self.dead_at() => self.try_claim(now),
            Phase::Fault if self.links && self.fault_until.is_none_or(|until| now >= until) => {
                self.fault_until = None;
                self.silence_from = now;
                self.enter(Phase::Listening, Reason::Recovered, now);
            }
            _ => {}
        }
        if self.phase != Phase::Stopped && now >= self.next_beat {
            self.send(now);
        }
        if self.phase == Phase::Active && now >= self.next_lease {
            self.renew(now);
        }
    }

    /// Claims, unless something speaks against it; that is then shown, and tried again with the next beat.
    fn try_claim(&mut self, now: Moment) {
        let asks = self.settings.asks;
        // Who holds the addresses already loses nothing by going on.
        let waits = !self.held && !self.holds && self.outside.waits(asks, now);
        let refused = match self.held {
            true => Some(Refused::Held),
            false => self.outside.refusal(asks, self.settings.deadtime, now),
        };
        let refused = refused.filter(|refused| *refused != Refused::Isolated || !self.holds);
        for possible in NOT_CLAIMING {
            self.concern(Concern::NotClaiming(possible), refused == Some(possible));
        }
        if waits {
            self.waits_until = self.outside.waits_until().unwrap_or(now);
        } else if refused.is_some() || !self.links {
            self.waits_until = now + self.settings.interval;
        } else {
            self.claim(Reason::PartnerSilent, now);
        }
    }

    /// When to ask next whoever is to be asked.
    fn question_time(&self) -> Option<Moment> {
        let lead = WAIT.min(self.settings.interval * 3 / 4);
        let first = self.dead_at().saturating_sub(lead);
        self.outside.question_time(self.settings.asks, first, self.settings.deadtime)
    }

    /// While the partner is heard the addresses live on only as long as this director does.
    fn renew(&mut self, now: Moment) {
        self.next_lease = now + self.settings.lease / RENEWALS;
        let life = if self.hears(now) { Lease::For(self.settings.lease) } else { Lease::Permanent };
        self.out.push(Action::Lease(life));
    }

    /// Brings what is odd up to date.
    fn review(&mut self, now: Moment) {
        let hears = self.hears(now);
        self.concern(Concern::PartnerSilent, !hears && now >= self.dead_at());
        let unfit = self.unfit_at.is_some_and(|at| now.saturating_sub(at) < self.settings.deadtime);
        self.concern(Concern::OtherService, unfit);
        let says_active = self.heard.is_some_and(|(word, _)| word == Word::Active);
        self.concern(Concern::BothActive, hears && says_active && self.phase == Phase::Active);
        let waiting = matches!(self.phase, Phase::Listening | Phase::Standby) && now >= self.dead_at();
        if !waiting {
            NOT_CLAIMING.into_iter().for_each(|refused| self.concern(Concern::NotClaiming(refused), false));
        } else if !self.held {
            self.concern(Concern::NotClaiming(Refused::Held), false);
        }
    }

    fn concern(&mut self, concern: Concern, on: bool) {
        let changed = if on { self.concerns.insert(concern) } else { self.concerns.remove(&concern) };
        if changed {
            self.out.push(Action::Concern(concern, on));
        }
    }
}
