//! VRRP: the second protocol behind the same door, so that a Caribe director can pair with a running keepalived.
//!
//! All virtual routers of a cluster are held by the same director: the unit becomes active when every one of them has
//! lost its master, and gives way as soon as one of them meets a better one (keepalived's sync group). `advert` is the
//! wire; `time` the timers; this file the state and the rules of RFC 9568 §6.4 with keepalived's readings where a pair
//! depends on them.

pub mod advert;
mod settings;
mod time;
mod view;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use super::Moment;
use super::event::{Action, Event, Lease, Order};
use super::heartbeat::Counts;
use super::outside::{Asks, Outside};
use super::reason::{Concern, Reason, Refused};
use crate::model::VrrpVersion;
use crate::wire::State;
use advert::{Advert, Mismatch};
pub use view::{HeardRouter, RouterView};

/// The priority of a router that owns the addresses itself.
const OWNER: u8 = 255;
/// What an operator's order to take over advertises, so that the partner gives way.
const BOOST: u8 = 254;

/// One virtual router, as this director takes part in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Router {
    /// 1 to 255.
    pub virtual_router_id: u8,
    /// This director's, 1 to 255.
    pub priority: u8,
    /// The address its advertisements come from; between equals the higher one wins.
    pub source: IpAddr,
    /// What is advertised.
    pub addresses: Vec<IpAddr>,
    /// Version 2 only.
    pub password: Option<[u8; 8]>,
}

/// A director's side of VRRP, as its configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// On the wire for IPv4; IPv6 is always version 3.
    pub version: VrrpVersion,
    /// Between two advertisements.
    pub interval: Duration,
    /// Whether a director of higher priority takes the addresses back, and after which delay.
    pub preempt: Option<Duration>,
    /// Life of the addresses in the kernel; none where there is no partner.
    pub lease: Option<Duration>,
    /// Whom to ask before a claim.
    pub asks: Asks,
    /// The virtual routers; at least one.
    pub routers: Vec<Router>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Listening,
    Standby,
    Active,
    Fault,
    Stopped,
}

/// What is known of one virtual router's master.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// When it counts as gone.
    down_at: Moment,
    /// Its interval, which version 3 follows.
    interval: Duration,
    /// The priority last heard.
    priority: u8,
    /// From whom.
    source: Option<IpAddr>,
    /// When an advertisement was last heard, accepted or not.
    heard_at: Option<Moment>,
    /// Since when a lower master has been heard that we could replace.
    lower_since: Option<Moment>,
    /// Since when a mismatch was last seen, and which.
    mismatch: Option<(Mismatch, Moment)>,
}

/// One director's side of VRRP.
#[derive(Clone, Debug)]
pub struct Vrrp {
    settings: Settings,
    phase: Phase,
    reason: Reason,
    entered: Moment,
    known: Vec<Known>,
    /// Counts this director's claims.
    epoch: u64,
    holds: bool,
    links: bool,
    ready: bool,
    held: bool,
    /// An operator wants this director to win.
    boosted: bool,
    /// It gave way on an order, and does not take back by itself.
    resting: bool,
    fault_until: Option<Moment>,
    next_advert: Moment,
    next_lease: Moment,
    /// When it was last called.
    seen: Moment,
    outside: Outside,
    concerns: BTreeSet<Concern>,
    counts: Counts,
    out: Vec<Action>,
}

impl Vrrp {
    /// Begins as a backup that listens; `holds`: the kernel was found holding the addresses.
    pub fn new(settings: Settings, holds: bool, now: Moment) -> Self {
        let mut vrrp = Vrrp {
            known: Vec::new(),
            phase: Phase::Listening,
            reason: Reason::Started,
            entered: now,
            epoch: 0,
            holds,
            links: true,
            ready: false,
            held: false,
            boosted: false,
            resting: false,
            fault_until: None,
            next_advert: now,
            next_lease: now,
            seen: now,
            outside: Outside::default(),
            concerns: BTreeSet::new(),
            counts: Counts::default(),
            out: Vec::new(),
            settings,
        };
        vrrp.forget(now);
        // The owner of the addresses has nobody to wait for (RFC 9568 §6.4.1).
        if vrrp.settings.routers.iter().all(|router| router.priority == OWNER) {
            vrrp.known.iter_mut().for_each(|known| known.down_at = now);
        }
        vrrp
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
        self.seen = now;
        match event {
            Event::Advert { router, source, advert } => self.hear(router, source, advert, now),
            Event::Forged(packets) => self.counts.forged += packets,
            Event::Links(usable) => self.links(usable, now),
            Event::Ready(ready) => self.ready = ready,
            Event::LeaseFailed if self.phase == Phase::Active => {
                self.fault_until = Some(now + self.settings.lease.unwrap_or_default() * 5);
                self.give_up(Phase::Fault, Reason::LeaseFailed, now);
            }
            Event::Order(Order::SwitchOver { .. }) if self.phase == Phase::Active && !self.held => {
                self.resting = true;
                self.give_up(Phase::Standby, Reason::HandedOver, now);
            }
            Event::Order(Order::TakeOver) if self.phase == Phase::Standby && !self.held => {
                self.resting = false;
                self.boosted = true;
                self.claim(Reason::Preferred, now);
            }
            Event::Order(Order::SwitchOver { .. } | Order::TakeOver) => {
                let refused = if self.held { Refused::Held } else { Refused::WrongState };
                self.out.push(Action::Refuse(refused));
            }
            Event::Order(Order::Hold(held)) => self.held = held,
            Event::Order(Order::Stop { release }) => self.stop(release, now),
            Event::Answer(answer) => self.outside.answer(answer, now),
            // The rest belongs to the other protocols.
            Event::Tick
            | Event::Word(_)
            | Event::LeaseFailed
            | Event::Beat(_)
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
        if settings.routers.len() != self.settings.routers.len() {
            self.settings = settings;
            self.forget(now);
        } else {
            self.settings = settings;
        }
        self.next_advert = self.next_advert.min(now + self.settings.interval);
        self.step(Event::Tick, now)
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

    fn hear(&mut self, router: usize, source: IpAddr, advert: Result<Advert, Mismatch>, now: Moment) {
        let (Some(own), Some(known)) = (self.settings.routers.get(router), self.known.get_mut(router)) else {
            self.counts.strangers += 1;
            return;
        };
        known.heard_at = Some(now);
        let advert = match advert {
            Ok(advert) => advert,
            Err(mismatch) => {
                // Somebody advertises this router in another way. Two masters would be worse than none better: while
                // that goes on, this one does not claim, and says why.
                self.counts.old += 1;
                known.mismatch = Some((mismatch, now));
                known.source = Some(source);
                known.down_at = known.down_at.max(now + self.settings.interval * 3);
                return;
            }
        };
        self.counts.heard += 1;
        let (priority, own_source) = (own.priority, own.source);
        known.priority = advert.priority;
        known.source = Some(source);
        if self.phase == Phase::Active {
            let ours = if self.boosted { BOOST } else { priority };
            if advert.priority == 0 {
                self.send(now);
            } else if (advert.priority, source) > (ours, own_source) {
                self.boosted = false;
                // Once more before it gives way: after a split the one that stays may have heard nobody, and only then
                // tells the neighbours again where the addresses are.
                self.send(now);
                self.enter(Phase::Standby, Reason::PartnerNewer, now);
                self.follow(router, &advert, now);
                self.disown();
            } else {
                self.send(now);
                self.out.push(Action::Announce);
            }
        } else if matches!(self.phase, Phase::Listening | Phase::Standby) {
            self.hear_waiting(router, &advert, priority, now);
        }
    }

    fn hear_waiting(&mut self, router: usize, advert: &Advert, priority: u8, now: Moment) {
        let skew = self.skew(router);
        let Some(known) = self.known.get_mut(router) else { return };
        if advert.priority == 0 {
            known.down_at = now + skew;
            return;
        }
        let lower = advert.priority < priority && !self.resting && !self.held;
        known.lower_since = lower.then(|| known.lower_since.unwrap_or(now));
        let waited = |delay: Duration| known.lower_since.is_some_and(|since| now >= since + delay);
        // The owner of the addresses takes them whatever is set (RFC 9568 §6.1).
        let preempt = if priority == OWNER { Some(Duration::ZERO) } else { self.settings.preempt };
        if self.ready && preempt.is_some_and(waited) {
            // Not followed: the time of that master runs out. Until then the addresses are its own.
            self.disown();
            return;
        }
        self.follow(router, advert, now);
        if self.phase == Phase::Listening {
            self.enter(Phase::Standby, Reason::PartnerActive, now);
        }
        self.disown();
    }

    fn enter(&mut self, phase: Phase, reason: Reason, now: Moment) {
        self.phase = phase;
        self.reason = reason;
        self.entered = now;
        self.out.push(Action::Enter { state: self.state(), reason, epoch: self.epoch });
    }

    fn claim(&mut self, reason: Reason, now: Moment) {
        self.epoch += 1;
        self.phase = Phase::Active;
        self.outside.claim(None);
        // Whoever goes on advertising from here on is a second master.
        self.known.iter_mut().for_each(|known| known.heard_at = None);
        self.send(now);
        self.enter(Phase::Active, reason, now);
        self.holds = true;
        self.renew(now);
        // A partner that died may leave them in its kernel for a while.
        self.out.push(Action::Own { often_until: self.settings.lease.map(|life| now + life) });
    }

    fn send(&mut self, now: Moment) {
        let boost = |priority: u8| if self.boosted { priority.max(BOOST) } else { priority };
        for (index, router) in self.settings.routers.iter().enumerate() {
            self.out.push(Action::Advertise { router: index, priority: boost(router.priority) });
        }
        self.counts.sent += 1;
        self.next_advert = now + self.settings.interval;
    }

    /// Says that it gives the addresses up, then does.
    fn give_up(&mut self, phase: Phase, reason: Reason, now: Moment) {
        if self.phase == Phase::Active {
            for router in 0..self.settings.routers.len() {
                self.out.push(Action::Advertise { router, priority: 0 });
            }
        }
        self.boosted = false;
        self.forget(now);
        self.enter(phase, reason, now);
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

    /// The end of the process. A backup is silent, so that a configured partner has to be trusted to be there.
    fn stop(&mut self, release: bool, now: Moment) {
        if release || self.phase == Phase::Active && self.settings.lease.is_some() {
            self.give_up(Phase::Stopped, Reason::Stopped, now);
        } else {
            if self.holds {
                self.out.push(Action::Lease(Lease::Permanent));
            }
            self.enter(Phase::Stopped, Reason::Stopped, now);
        }
        self.out.push(Action::Done);
    }

    fn concern(&mut self, concern: Concern, on: bool) {
        let changed = if on { self.concerns.insert(concern) } else { self.concerns.remove(&concern) };
        if changed {
            self.out.push(Action::Concern(concern, on));
        }
    }
}
