//! Taking over: when, with which epoch, and why not.

use super::super::Moment;
use super::super::event::{Action, Answer, Question};
use super::super::outside::{Asks, Sign};
use super::super::reason::{Concern, Reason, Refused};
use super::{Evidence, Heartbeat, Phase};
use crate::model::Seat;

/// Epochs that are reserved at a time.
const BLOCK: u64 = 1000;
/// The kernel removes an address up to this much after its life has ended, in milliseconds.
const LEASE_SLACK: Moment = Moment::from_millis(1500);
/// A claim waits at most this long for the answer who holds the addresses; no answer is no evidence.
const LOOK: Moment = Moment::from_secs(1);

impl Heartbeat {
    /// Claims, unless something speaks against it; that is then shown, and tried again with the next beat.
    pub(super) fn try_claim(&mut self, reason: Reason, now: Moment) {
        if self.must_look(reason) && !self.looked(now) {
            return;
        }
        let silent = reason == Reason::PartnerSilent && !self.held && !self.holds;
        if silent && self.outside.waits(self.asks(), now) {
            return;
        }
        let refused = self.refusal(reason, now);
        for possible in
            [Refused::Held, Refused::OtherKey, Refused::AddressInUse, Refused::Witness, Refused::Isolated]
        {
            self.concern(Concern::NotClaiming(possible), refused == Some(possible));
        }
        if refused.is_none() {
            self.claim(self.next_epoch(self.settings.seat), reason, now);
        }
    }

    /// Whether a claim for this reason needs a look for the addresses first. The silence of a partner that was never
    /// heard says nothing: what cannot arrive, a filter that is not open yet or a port that is blocked, sounds the same.
    fn must_look(&self, reason: Reason) -> bool {
        reason == Reason::PartnerSilent && self.heard.at.is_none() && !self.holds
    }

    /// Whether it is known who holds the addresses, or nobody could tell in time; asks if need be.
    fn looked(&mut self, now: Moment) -> bool {
        if self.held || self.recently(self.evidence.owner_at, now) {
            return true;
        }
        let answered = |asked| self.evidence.owner_at.is_some_and(|at| at >= asked);
        match self.evidence.looked_at {
            Some(asked) if !answered(asked) => now >= asked + LOOK,
            _ => {
                self.evidence.looked_at = Some(now);
                self.evidence.owner = None;
                self.out.push(Action::Ask(Question::Owner));
                false
            }
        }
    }

    /// What speaks against a claim. Outside evidence counts only where the partner is silent.
    fn refusal(&self, reason: Reason, now: Moment) -> Option<Refused> {
        if self.held {
            return Some(Refused::Held);
        }
        if reason != Reason::PartnerSilent {
            return None;
        }
        let forged = self.recently(self.heard.forged_at, now);
        if forged && self.evidence.owner == Some(true) {
            return Some(Refused::OtherKey);
        }
        if self.must_look(reason) && self.evidence.owner == Some(true) {
            return Some(Refused::AddressInUse);
        }
        // A director that holds the addresses already loses nothing by going on, and packets are a sign of the network.
        let outside = self.outside.refusal(self.asks(), self.deadtime(), now);
        outside.filter(|refused| *refused != Refused::Isolated || !(forged || self.holds))
    }

    fn asks(&self) -> Asks {
        Asks { witness: self.settings.witness, gateway: self.settings.gateway }
    }

    /// The partner is heard, or the silence begins anew.
    pub(super) fn doubt_nothing(&mut self) {
        self.evidence = Evidence::default();
        self.outside.clear();
    }

    /// Becomes active: the beat first, then the addresses.
    pub(super) fn claim(&mut self, epoch: u64, reason: Reason, now: Moment) {
        self.claimed = epoch;
        self.known = self.known.max(epoch);
        self.concern(Concern::EpochNotDurable, epoch > self.reserved);
        let silent = matches!(reason, Reason::PartnerSilent) && self.settings.partner.is_some();
        let often_until = self.silent_since() + self.settings.lease + LEASE_SLACK;
        let owner = self.owner_sign();
        self.outside.claim(owner);
        self.evidence = Evidence::default();
        self.enter(Phase::Active, reason, now);
        self.took = true;
        self.renew(now);
        self.out.push(Action::Own { often_until: (silent && often_until > now).then_some(often_until) });
    }

    /// The next epoch of a seat. The primary's are even and the backup's odd, so that no two claims share one.
    pub(super) fn next_epoch(&self, seat: Seat) -> u64 {
        let odd = u64::from(seat == Seat::Backup);
        let next = self.known + 1;
        if next % 2 == odd { next } else { next + 1 }
    }

    /// Has epochs reserved well ahead of their use, so that a claim never waits for the disk.
    pub(super) fn reserve(&mut self) {
        let low = self.known + BLOCK / 2;
        if self.reserved < low && self.asked < low {
            self.asked = self.known + BLOCK;
            self.out.push(Action::Reserve(self.asked));
        }
    }

    /// Takes an answer, if the partner is still silent.
    pub(super) fn answer(&mut self, answer: Answer, now: Moment) {
        self.outside.answer(answer, now);
        if self.evidence.asked_at.is_none() && self.evidence.looked_at.is_none() {
            return;
        }
        match answer {
            Answer::Owner(answered) => {
                self.evidence.owner = Some(answered);
                self.evidence.owner_at = Some(now);
            }
            Answer::Unknown(Question::Owner) => self.evidence.owner_at = Some(now),
            _ => {}
        }
    }

    /// Asks for evidence from the second missed beat on, and again after each deadtime of silence.
    pub(super) fn ask(&mut self, now: Moment) {
        if self.question_time().is_none_or(|at| now < at) {
            return;
        }
        self.outside.ask(self.asks(), now, &mut self.out);
        let again = |asked: Moment| now >= asked + self.deadtime();
        if self.recently(self.heard.forged_at, now) && self.evidence.asked_at.is_none_or(again) {
            self.evidence.asked_at = Some(now);
            self.out.push(Action::Ask(Question::Owner));
        }
    }

    /// What is known of who holds the addresses.
    pub(super) fn owner_sign(&self) -> Option<Sign> {
        self.evidence.owner.map(|held| if held { Sign::AddressHeld } else { Sign::AddressFree })
    }

    /// When to ask next; none where nobody has to be asked.
    pub(super) fn question_time(&self) -> Option<Moment> {
        let waiting = matches!(self.phase, Phase::Listening { .. } | Phase::Standby);
        if !waiting || self.settings.partner.is_none() {
            return None;
        }
        let theirs = self.heard.fresh.as_ref().map_or(self.settings.interval, |(beat, _)| beat.interval);
        Some(match self.outside.asked_at() {
            Some(asked) => asked + self.deadtime() / 2,
            None => self.silent_since() + theirs * 2 + theirs / 4,
        })
    }

    /// Whether something happened within the last deadtime.
    pub(super) fn recently(&self, at: Option<Moment>, now: Moment) -> bool {
        at.is_some_and(|at| now.saturating_sub(at) <= self.deadtime())
    }
}
