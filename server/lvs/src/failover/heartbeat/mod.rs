//! Caribe's own heartbeat: who of two directors is active, decided from authenticated beats.
//!
//! This file holds the state and the door (`step`); `hear` takes beats, `claim` decides about taking over, `pass` about
//! giving away, `time` about deadlines. All of them only push to the list of actions. Called by the agent's heartbeat
//! thread and by the simulation.

mod claim;
mod hear;
mod pass;
mod time;
mod view;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::Moment;
use super::beat::{Beat, Grant};
use super::event::{Action, Event, Lease, Order};
use super::outside::Outside;
use super::reason::{Concern, Reason};
use super::replay::Window;
use super::settings::{Settings, Start};
use crate::model::Seat;
use crate::wire::State;
pub use view::{Counts, Partner, Unopened, View};

/// Where the machine is. `Yielding` counts as standby for everybody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Has not heard enough to decide.
    Listening { until: Moment, booting: bool },
    /// The partner is, or shall be, active.
    Standby,
    /// Owns the addresses.
    Active,
    /// Has passed ownership on and still holds the addresses, until the partner says that it is active.
    Yielding { grant: Grant, until: Moment, stopping: bool },
    /// Cannot serve.
    Fault,
    /// Over.
    Stopped,
}

/// What is known of the partner.
#[derive(Clone, Debug, Default)]
struct Heard {
    window: Window,
    /// When the newest authentic beat came, fresh or not.
    at: Option<Moment>,
    /// When the first of an unbroken row of authentic beats came.
    since: Option<Moment>,
    /// When the last one came that answers a recent one of ours: the partner hears us.
    answered_at: Option<Moment>,
    /// The newest fresh beat and when it came.
    fresh: Option<(Beat, Moment)>,
    /// Since when fresh beats have said that the partner is not active.
    passive_since: Option<Moment>,
    /// When a packet that fails authentication last came from its address.
    forged_at: Option<Moment>,
    /// When a beat under our own name last came.
    double_at: Option<Moment>,
}

/// What questions have brought since the partner was heard last.
#[derive(Clone, Copy, Debug, Default)]
struct Evidence {
    /// When it was last asked who holds the addresses, because another key is spoken.
    asked_at: Option<Moment>,
    owner: Option<bool>,
    /// When it was last asked who holds the addresses, for a claim that waits for it.
    looked_at: Option<Moment>,
    /// When an answer to that came.
    owner_at: Option<Moment>,
}

/// One director's side of the heartbeat.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    settings: Settings,
    session: u64,
    sequence: u64,
    phase: Phase,
    reason: Reason,
    entered: Moment,
    /// The epoch of the last claim of this director.
    claimed: u64,
    /// The highest epoch that was used or heard of.
    known: u64,
    /// Epochs up to this one are reserved on the disk.
    reserved: u64,
    /// The reservation that was asked for last.
    asked: u64,
    /// Whether the kernel is known to hold the addresses.
    holds: bool,
    /// Whether it holds, or was asked to hold, any of them.
    took: bool,
    links: bool,
    ready: bool,
    held: bool,
    /// An operator wants this director to take over.
    wanted: bool,
    /// Since when this director could ask for the addresses back.
    preferable_since: Option<Moment>,
    /// Since when the partner holds another revision.
    differs_since: Option<Moment>,
    /// A failed renewal keeps it in fault until then.
    fault_until: Option<Moment>,
    /// How long to listen from the first carrier after a boot.
    listen: Duration,
    /// The silence clock never starts before this.
    silence_from: Moment,
    last_sent: Moment,
    /// When what was due was tried last.
    tried: Moment,
    /// Our beats of the last deadtime. A beat that names one of them as heard is no older than that.
    recent: VecDeque<(u64, Moment)>,
    next_beat: Moment,
    next_lease: Moment,
    lease: Option<Lease>,
    heard: Heard,
    evidence: Evidence,
    outside: Outside,
    concerns: BTreeSet<Concern>,
    counts: Counts,
    out: Vec<Action>,
}

impl Heartbeat {
    /// Begins to listen at `now`. Its first beat is due at once; interfaces count as usable until told otherwise.
    pub fn new(settings: Settings, start: Start, now: Moment) -> Self {
        let alone = settings.partner.is_none();
        let listen = if alone { Duration::ZERO } else { start.listen };
        let booting = listen > settings.deadtime;
        // Two that boot together and cannot hear each other: the backup looks for the primary's addresses later.
        let later =
            if booting && settings.seat == Seat::Backup { settings.deadtime * 2 } else { Duration::ZERO };
        let listen = listen + later;
        // Before the first carrier nothing could be heard, however long it took.
        let until = if booting && !start.carrier { Moment::MAX } else { now + listen };
        Heartbeat {
            phase: Phase::Listening { until, booting },
            settings,
            session: start.session,
            sequence: 0,
            reason: Reason::Started,
            entered: now,
            claimed: 0,
            known: start.floor,
            reserved: start.floor,
            asked: start.floor,
            holds: start.holds,
            took: start.holds,
            links: true,
            ready: false,
            held: false,
            wanted: false,
            preferable_since: None,
            differs_since: None,
            fault_until: None,
            listen,
            silence_from: now,
            last_sent: now,
            tried: now,
            recent: VecDeque::new(),
            next_beat: now,
            next_lease: now,
            lease: None,
            heard: Heard::default(),
            evidence: Evidence::default(),
            outside: Outside::default(),
            concerns: BTreeSet::new(),
            counts: Counts::default(),
            out: Vec::new(),
        }
    }

    /// Takes one event at `now` and says what is to be done, in order. After [`Action::Done`] it answers nothing more.
    pub fn step(&mut self, event: Event, now: Moment) -> Vec<Action> {
        if self.phase == Phase::Stopped {
            return Vec::new();
        }
        self.notice_lateness(now);
        match event {
            // Advertisements and words belong to the other protocols.
            Event::Tick | Event::Advert { .. } | Event::Word(_) => {}
            Event::Beat(beat) => self.hear(beat, now),
            Event::Forged(packets) => {
                self.counts.forged += packets;
                self.heard.forged_at = Some(now);
            }
            Event::Links(usable) => self.links(usable, now),
            Event::Carrier => self.carrier(now),
            Event::Ready(ready) => self.ready = ready,
            Event::Reserved(upto) => self.note_reserved(upto),
            Event::Holds(holds) => self.hold_addresses(holds, now),
            Event::LeaseFailed => self.lease_failed(now),
            Event::Answer(answer) => self.answer(answer, now),
            Event::Order(Order::SwitchOver { force }) => self.switch_over(force, now),
            Event::Order(Order::TakeOver) => self.take_over(),
            Event::Order(Order::Hold(held)) => self.held = held,
            Event::Order(Order::Stop { release }) => self.stop(release, now),
        }
        self.timers(now);
        self.review(now);
        std::mem::take(&mut self.out)
    }

    /// See [`Machine::go_on`](super::Machine::go_on).
    pub fn go_on(&mut self, now: Moment) -> Vec<Action> {
        if matches!(self.phase, Phase::Listening { .. }) {
            let epoch = self.next_epoch(self.settings.seat);
            self.claim(epoch, Reason::Preferred, now);
        }
        std::mem::take(&mut self.out)
    }

    /// Says at once what the next beat would say, which may be the last one.
    pub fn say_again(&mut self, now: Moment) -> Vec<Action> {
        self.send(now);
        std::mem::take(&mut self.out)
    }

    /// Takes on a changed configuration; the state stays what it is. Intervals and deadtimes hold from now on.
    pub fn configure(&mut self, settings: Settings, now: Moment) -> Vec<Action> {
        if settings.partner != self.settings.partner {
            self.heard = Heard::default();
            self.silence_from = now;
        }
        self.settings = settings;
        self.next_beat = self.next_beat.min(now + self.settings.interval);
        self.step(Event::Tick, now)
    }

    /// The state that others see.
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Listening { .. } => State::Starting,
            Phase::Standby | Phase::Yielding { .. } => State::Standby,
            Phase::Active => State::Active,
            Phase::Fault => State::Fault,
            Phase::Stopped => State::Stopped,
        }
    }

    /// Changes the state: the beat that says so goes out first.
    fn enter(&mut self, phase: Phase, reason: Reason, now: Moment) {
        let before = self.state();
        self.phase = phase;
        self.reason = reason;
        self.entered = now;
        if phase == Phase::Active {
            self.wanted = false;
            self.heard.passive_since = None;
        }
        self.preferable_since = None;
        self.send(now);
        if before != self.state() || phase == Phase::Active {
            self.out.push(Action::Enter { state: self.state(), reason, epoch: self.epoch() });
        }
    }

    fn send(&mut self, now: Moment) {
        if self.settings.partner.is_none() {
            self.last_sent = now;
            self.next_beat = now + self.settings.interval;
            return;
        }
        self.sequence += 1;
        self.counts.sent += 1;
        let echo = self.heard.window.echo();
        let deadtime = self.deadtime();
        self.recent.push_back((self.sequence, now));
        while self.recent.front().is_some_and(|(_, at)| now.saturating_sub(*at) > deadtime) {
            self.recent.pop_front();
        }
        let beat = Beat {
            cluster: self.settings.cluster,
            sender: self.settings.director,
            session: self.session,
            heard: echo.0,
            heard_sequence: echo.1,
            sequence: self.sequence,
            epoch: self.epoch(),
            grant: match self.phase {
                Phase::Yielding { grant, .. } => Some(grant),
                _ => None,
            },
            state: self.state(),
            seat: self.settings.seat,
            ready: self.ready,
            wants: self.wants(now),
            held: self.held,
            holds: self.holds,
            settled: false,
            priority: self.settings.priority,
            interval: self.settings.interval,
            revision: self.settings.revision,
            digest: self.settings.digest,
            connections: 0,
        };
        self.out.push(Action::Send(beat));
        self.last_sent = now;
        self.next_beat = now + self.settings.interval;
    }

    /// What the beat says: the claim's epoch while active, else the highest known.
    fn epoch(&self) -> u64 {
        if self.phase == Phase::Active { self.claimed } else { self.known }
    }

    /// Silence after which the partner counts as dead: as configured, and at least three intervals of the slower sender.
    fn deadtime(&self) -> Duration {
        let theirs = self.heard.fresh.as_ref().map_or(Duration::ZERO, |(beat, _)| beat.interval);
        self.settings.deadtime.max(theirs.max(self.settings.interval) * 3)
    }

    /// The newest fresh beat, if it is not older than the deadtime.
    fn fresh(&self, now: Moment) -> Option<&Beat> {
        let (beat, at) = self.heard.fresh.as_ref()?;
        (now.saturating_sub(*at) <= self.deadtime()).then_some(beat)
    }

    /// Whether a beat was sent in answer to one of ours of the last deadtime, so that it may make us claim.
    fn is_recent(&self, beat: &Beat) -> bool {
        beat.heard == self.session
            && self.recent.front().is_some_and(|(oldest, _)| beat.heard_sequence >= *oldest)
            && beat.heard_sequence <= self.sequence
    }

    /// Since when nothing authentic has come from the partner.
    fn silent_since(&self) -> Moment {
        self.heard.at.unwrap_or_default().max(self.silence_from)
    }

    /// Whether this director is preferred to the sender of `beat` when neither is active.
    fn preferred_to(&self, beat: &Beat) -> bool {
        let ours = (self.holds, self.settings.priority, self.settings.seat == Seat::Primary);
        let theirs = (beat.holds, beat.priority, beat.seat == Seat::Primary);
        (ours, self.settings.director) > (theirs, beat.sender)
    }

    fn disown(&mut self) {
        self.holds = false;
        if std::mem::take(&mut self.took) {
            self.lease = None;
            self.out.push(Action::Disown);
        }
    }

    /// Epochs are reserved on the disk, perhaps the one that was claimed with a moment before.
    fn note_reserved(&mut self, upto: u64) {
        self.reserved = self.reserved.max(upto);
        if self.claimed <= self.reserved {
            self.concern(Concern::EpochNotDurable, false);
        }
    }

    /// The addresses are in the kernel, or not all of them. A partner that handed over waits to hear it.
    fn hold_addresses(&mut self, holds: bool, now: Moment) {
        if self.took && holds != self.holds {
            self.holds = holds;
            if holds && self.phase == Phase::Active {
                self.send(now);
            }
        }
    }

    fn links(&mut self, usable: bool, now: Moment) {
        self.links = usable;
        match (usable, self.phase) {
            (false, Phase::Fault | Phase::Stopped) | (true, _) => {}
            (false, _) => self.fault(Reason::LinkDown, now),
        }
    }

    fn lease_failed(&mut self, now: Moment) {
        if matches!(self.phase, Phase::Active | Phase::Yielding { .. }) {
            self.fault_until = Some(now + self.settings.lease.max(self.deadtime()) * 5);
            self.fault(Reason::LeaseFailed, now);
        }
    }

    fn fault(&mut self, reason: Reason, now: Moment) {
        self.enter(Phase::Fault, reason, now);
        self.disown();
    }

    fn listen(&mut self, reason: Reason, now: Moment) {
        self.silence_from = now;
        self.doubt_nothing();
        self.enter(Phase::Listening { until: now + self.deadtime(), booting: false }, reason, now);
    }

    /// Raises or clears a concern; says so only where that is a change.
    fn concern(&mut self, concern: Concern, on: bool) {
        let changed = if on { self.concerns.insert(concern) } else { self.concerns.remove(&concern) };
        if changed {
            self.out.push(Action::Concern(concern, on));
        }
    }
}
