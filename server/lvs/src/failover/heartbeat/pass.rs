//! Giving away: the planned hand-over, the request for it, and the end of the process.

use super::super::Moment;
use super::super::beat::{Beat, Grant};
use super::super::event::{Action, Lease};
use super::super::reason::{Reason, Refused};
use super::{Heartbeat, Phase};
use crate::wire::State;

impl Heartbeat {
    /// An operator wants the partner to be active.
    pub(super) fn switch_over(&mut self, force: bool, now: Moment) {
        if self.phase != Phase::Active {
            self.out.push(Action::Refuse(Refused::WrongState));
            return;
        }
        let refused = match self.fresh(now) {
            None => Some(Refused::PartnerAbsent),
            Some(beat) if !able(beat) => Some(Refused::PartnerUnable),
            Some(beat) if !beat.ready && !force => Some(Refused::PartnerNotReady),
            Some(_) => None,
        };
        match (refused, self.fresh(now).cloned()) {
            (None, Some(beat)) => self.yield_to(&beat, false, now),
            (refused, _) => self.out.push(Action::Refuse(refused.unwrap_or(Refused::PartnerAbsent))),
        }
    }

    /// An operator wants this director to be active: it asks the partner.
    pub(super) fn take_over(&mut self) {
        if self.phase == Phase::Standby && !self.held {
            self.wanted = true;
        } else {
            let refused = if self.held { Refused::Held } else { Refused::WrongState };
            self.out.push(Action::Refuse(refused));
        }
    }

    /// Whether its beats ask the partner to hand over.
    pub(super) fn wants(&self, now: Moment) -> bool {
        let waited = |delay: Moment| self.preferable_since.is_some_and(|since| now >= since + delay);
        self.phase == Phase::Standby && (self.wanted || self.settings.preempt.is_some_and(waited))
    }

    /// Keeps account of since when this director could have the addresses back.
    pub(super) fn prefer(&mut self, now: Moment) {
        let could = self.phase == Phase::Standby && self.ready && !self.held && {
            self.fresh(now).is_some_and(|beat| {
                beat.state == State::Active
                    && (self.settings.priority, self.settings.director) > (beat.priority, beat.sender)
            })
        };
        self.preferable_since = could.then(|| self.preferable_since.unwrap_or(now));
    }

    /// Passes ownership on in one message. From here on this director is standby; it keeps the addresses until the
    /// partner's first beat as the active one, and takes them back if none comes.
    pub(super) fn yield_to(&mut self, partner: &Beat, stopping: bool, now: Moment) {
        let epoch = self.next_epoch(partner.seat);
        self.known = epoch;
        let grant = Grant { session: partner.session, epoch };
        let until = now + self.deadtime();
        self.enter(Phase::Yielding { grant, until, stopping }, Reason::HandedOver, now);
    }

    pub(super) fn hear_yielding(&mut self, beat: &Beat, stopping: bool, now: Moment) {
        match beat.state {
            State::Active if beat.holds => self.let_go(stopping, now),
            // It owns them, and its kernel has not got them yet: until then this one serves.
            State::Active => {}
            _ if able(beat) => {}
            _ => self.take_back(stopping, now),
        }
    }

    /// The partner has taken what was passed on.
    fn let_go(&mut self, stopping: bool, now: Moment) {
        self.disown();
        if stopping {
            self.finish(now);
        } else {
            self.phase = Phase::Standby;
        }
    }

    /// The partner did not take what was passed on, or does not get its kernel to hold it.
    pub(super) fn take_back(&mut self, stopping: bool, now: Moment) {
        if self.fresh(now).is_some_and(|beat| beat.state == State::Active) {
            self.let_go(stopping, now);
        } else if stopping {
            self.leave(now);
        } else {
            self.claim(self.next_epoch(self.settings.seat), Reason::TakenBack, now);
        }
    }

    /// The process ends.
    pub(super) fn stop(&mut self, release: bool, now: Moment) {
        let heir = self.fresh(now).filter(|beat| able(beat)).cloned();
        match (self.phase, heir) {
            (Phase::Active, Some(beat)) => self.yield_to(&beat, true, now),
            (Phase::Yielding { grant, until, .. }, _) => {
                self.phase = Phase::Yielding { grant, until, stopping: true };
            }
            (Phase::Active | Phase::Listening { .. }, _) if release => {
                // Those who hear it may claim at once: nothing answers here any more.
                self.disown();
                self.finish(now);
            }
            (Phase::Active | Phase::Listening { .. }, _) if self.holds => self.leave(now),
            _ => self.finish(now),
        }
    }

    /// Ends with the addresses in place. A partner that is heard takes over when it misses the beats, and the life of
    /// the addresses here then ends; without one they stay.
    fn leave(&mut self, now: Moment) {
        if !self.recently(self.heard.at, now) {
            self.out.push(Action::Lease(Lease::Permanent));
        }
        self.phase = Phase::Stopped;
        self.out.push(Action::Enter { state: State::Stopped, reason: Reason::Stopped, epoch: self.known });
        self.out.push(Action::Done);
    }

    /// Ends with a farewell.
    fn finish(&mut self, now: Moment) {
        self.enter(Phase::Stopped, Reason::Stopped, now);
        self.out.push(Action::Done);
    }
}

/// Whether the sender could become active.
fn able(beat: &Beat) -> bool {
    beat.state == State::Standby && !beat.held
}
