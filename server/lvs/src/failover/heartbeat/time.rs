//! What is due, and what a late timer means.

use std::time::Duration;

use super::super::Moment;
use super::super::event::{Action, Event, Lease};
use super::super::reason::{Concern, Reason};
use super::{Heartbeat, Phase};

/// A lease is renewed this often in its life.
const RENEWALS: u32 = 4;
/// How long the directors may hold different revisions before that is said: an activation reaches them one after the
/// other.
const REVISION_GRACE: Duration = Duration::from_secs(3);

impl Heartbeat {
    /// When it wants to be called again if nothing happens; none once it has stopped.
    pub fn next_deadline(&self) -> Option<Moment> {
        let deadlines = match self.phase {
            Phase::Stopped => return None,
            Phase::Listening { until, .. } => [Some(until.max(self.silence_end())), self.question_time()],
            Phase::Standby => [self.waiting_end(), self.question_time()],
            Phase::Active => [Some(self.next_lease), None],
            Phase::Yielding { until, .. } => [Some(until), Some(self.next_lease)],
            Phase::Fault => [self.fault_until, None],
        };
        // What is overdue and was refused is tried again with the next beat.
        let soon = deadlines.into_iter().flatten().filter(|at| *at > self.tried).min();
        Some(soon.map_or(self.next_beat, |at| at.min(self.next_beat)))
    }

    /// Whether this call comes so late that the partner may have acted on our silence.
    ///
    /// Whoever slept cannot tell the partner's silence from its own: the silence clock begins anew. An active director
    /// that may have been given up meanwhile listens before it goes on.
    pub(super) fn notice_lateness(&mut self, now: Moment) {
        let Some(due) = self.next_deadline() else { return };
        if now <= due + self.settings.interval {
            return;
        }
        self.counts.late += 1;
        self.silence_from = now;
        // What waits in the socket may be as old as our sleep was long.
        self.recent.clear();
        let missed = now.saturating_sub(self.last_sent) + self.settings.interval >= self.settings.deadtime;
        if missed
            && self.settings.partner.is_some()
            && matches!(self.phase, Phase::Active | Phase::Yielding { stopping: false, .. })
        {
            self.lease = None;
            self.listen(Reason::Late, now);
        }
    }

    /// Does what is due.
    pub(super) fn timers(&mut self, now: Moment) {
        self.tried = now;
        match self.phase {
            Phase::Listening { until, .. } if now >= until.max(self.silence_end()) => {
                let alone = self.settings.partner.is_none();
                self.try_claim(if alone { Reason::Alone } else { Reason::PartnerSilent }, now);
            }
            Phase::Standby => self.wait(now),
            Phase::Yielding { until, stopping, .. } if now >= until => self.take_back(stopping, now),
            Phase::Fault if self.links && self.fault_until.is_none_or(|until| now >= until) => {
                self.fault_until = None;
                self.listen(Reason::Recovered, now);
            }
            _ => {}
        }
        self.prefer(now);
        self.ask(now);
        self.reserve();
        if self.phase != Phase::Stopped && now >= self.next_beat {
            self.send(now);
        }
        if now >= self.next_lease {
            self.renew(now);
        }
    }

    /// A standby's turn comes when the partner is silent, or heard and does not act.
    fn wait(&mut self, now: Moment) {
        if self.settings.partner.is_none() {
            self.try_claim(Reason::Alone, now);
        } else if now >= self.silence_end() {
            self.try_claim(Reason::PartnerSilent, now);
        } else if self.passive_end().is_some_and(|end| now >= end) {
            self.try_claim(Reason::PartnerPassive, now);
        }
    }

    fn waiting_end(&self) -> Option<Moment> {
        let silence = self.silence_end();
        Some(self.passive_end().map_or(silence, |end| end.min(silence)))
    }

    /// When the partner's silence has lasted long enough.
    fn silence_end(&self) -> Moment {
        if self.settings.partner.is_none() { Duration::ZERO } else { self.silent_since() + self.deadtime() }
    }

    /// When a partner that is heard and preferred has had its time to claim.
    fn passive_end(&self) -> Option<Moment> {
        self.heard.passive_since.map(|since| since.max(self.entered) + self.deadtime() * 2)
    }

    /// The network has come up for the first time since the machine booted: the long wait begins here.
    pub(super) fn carrier(&mut self, now: Moment) {
        if let Phase::Listening { until, booting: true } = &mut self.phase {
            *until = now + self.listen;
        }
    }

    /// Renews the addresses' life while they are ours. They live for ever where nobody could take them over.
    pub(super) fn renew(&mut self, now: Moment) {
        if !matches!(self.phase, Phase::Active | Phase::Yielding { .. }) {
            return;
        }
        let life = self.settings.lease;
        self.next_lease = now + life / RENEWALS;
        let heard = self.settings.partner.is_some()
            && self.heard.at.is_some_and(|at| now.saturating_sub(at) <= life.max(self.deadtime()));
        let lease = if heard { Lease::For(life) } else { Lease::Permanent };
        if lease != Lease::Permanent || self.lease != Some(Lease::Permanent) {
            self.out.push(Action::Lease(lease));
        }
        self.lease = Some(lease);
    }

    /// Brings what is odd up to date.
    pub(super) fn review(&mut self, now: Moment) {
        let deadtime = self.deadtime();
        let partner = self.settings.partner.is_some();
        let silent = partner && now.saturating_sub(self.silent_since()) > deadtime;
        let one_way = !silent
            && self.heard.since.is_some_and(|since| now.saturating_sub(since) > deadtime * 2)
            && !self.recently(self.heard.answered_at, now);
        let fresh = self.fresh(now);
        let both =
            self.phase == Phase::Active && fresh.is_some_and(|b| b.state == crate::wire::State::Active);
        let ours = (self.settings.revision, self.settings.digest);
        let differs = fresh.is_some_and(|b| (b.revision, b.digest) != ours);
        // One takes a new revision before the other: that is no trouble unless it lasts.
        self.differs_since = differs.then(|| self.differs_since.unwrap_or(now));
        let other_revision =
            self.differs_since.is_some_and(|since| now.saturating_sub(since) >= REVISION_GRACE);
        let fresh = self.fresh(now);
        let concerns = [
            (Concern::PartnerSilent, silent),
            (Concern::OneWay, one_way),
            (Concern::OtherKey, self.recently(self.heard.forged_at, now)),
            (Concern::OtherRevision, other_revision),
            (Concern::SameSeat, fresh.is_some_and(|b| b.seat == self.settings.seat)),
            (Concern::SameDirector, self.recently(self.heard.double_at, now)),
            (Concern::OtherInterval, fresh.is_some_and(|b| b.interval != self.settings.interval)),
            (Concern::BothActive, both),
        ];
        for (concern, on) in concerns {
            self.concern(concern, on);
        }
        let waiting = matches!(self.phase, Phase::Listening { .. } | Phase::Standby);
        if !waiting || !(silent || self.held) {
            let over: Vec<_> =
                self.concerns.iter().copied().filter(|c| matches!(c, Concern::NotClaiming(_))).collect();
            over.into_iter().for_each(|concern| self.concern(concern, false));
        }
    }

    /// The same as [`Heartbeat::step`] with nothing that happened.
    pub fn tick(&mut self, now: Moment) -> Vec<Action> {
        self.step(Event::Tick, now)
    }
}
