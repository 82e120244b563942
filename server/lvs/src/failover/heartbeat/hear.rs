//! What a beat changes.

use super::super::Moment;
use super::super::beat::Beat;
use super::super::reason::Reason;
use super::super::replay::Seen;
use super::{Heartbeat, Phase};
use crate::wire::State;

impl Heartbeat {
    /// Takes an authentic beat. One that does not name our session may hold us back, and nothing else.
    pub(super) fn hear(&mut self, beat: Beat, now: Moment) {
        if beat.cluster != self.settings.cluster {
            self.counts.strangers += 1;
            return;
        }
        if beat.sender == self.settings.director {
            if beat.session == self.session {
                self.counts.reflected += 1;
            } else {
                self.heard.double_at = Some(now);
            }
            return;
        }
        if Some(beat.sender) != self.settings.partner {
            self.counts.strangers += 1;
            return;
        }
        let recent = self.is_recent(&beat);
        let unknown = !self.heard.window.knows(beat.session);
        match self.heard.window.see(beat.session, beat.sequence, recent) {
            Seen::New => {}
            Seen::Again => {
                self.counts.duplicates += 1;
                return;
            }
            Seen::Old => {
                self.counts.old += 1;
                return;
            }
        }
        self.counts.heard += 1;
        let silence = now.saturating_sub(self.silent_since());
        let returned = self.heard.at.is_none() || silence >= self.deadtime();
        self.known = self.known.max(beat.epoch);
        self.heard.at = Some(now);
        if recent {
            self.heard.answered_at = Some(now);
        }
        if returned {
            self.heard.since = Some(now);
        }
        self.doubt_nothing();
        let deadtime = self.deadtime();
        if let Phase::Listening { until, booting } = &mut self.phase {
            // A beat ends the long wait after a boot: the network is there. One that is not fresh only holds us back.
            if *booting {
                *booting = false;
                *until = now + deadtime;
            } else {
                *until = (*until).max(now + deadtime);
            }
        }
        if unknown {
            // Whoever has just started learns at once that it is heard, however long the interval is.
            self.send(now);
        }
        // A partner that no longer hears us still answers our session: it may have taken over.
        if beat.heard == self.session && self.heard.window.is_present(beat.session) {
            self.hear_fresh(beat, recent, returned, now);
        }
    }

    fn hear_fresh(&mut self, beat: Beat, recent: bool, returned: bool, now: Moment) {
        let passive = self.heard.passive_since.filter(|_| !returned);
        self.heard.passive_since =
            if beat.state == State::Active { None } else { Some(passive.unwrap_or(now)) };
        let known = self.heard.fresh.replace((beat.clone(), now));
        match self.phase {
            Phase::Listening { .. } | Phase::Standby => self.hear_waiting(&beat, recent, now),
            Phase::Active if beat.state == State::Active => {
                let ours = (self.claimed, self.settings.priority, self.settings.director);
                if (beat.epoch, beat.priority, beat.sender) > ours {
                    self.enter(Phase::Standby, Reason::PartnerNewer, now);
                    self.disown();
                } else if returned || known.is_none_or(|(last, _)| last.state != State::Active) {
                    // Those who heard the other one meanwhile must learn who stays.
                    self.send(now);
                    self.out.push(super::super::event::Action::Announce);
                }
            }
            Phase::Active if recent && beat.wants && beat.ready && !self.held => {
                self.yield_to(&beat, false, now)
            }
            Phase::Active | Phase::Fault | Phase::Stopped => {}
            Phase::Yielding { stopping, .. } => self.hear_yielding(&beat, stopping, now),
        }
    }

    /// Neither active nor in fault: perhaps it is our turn.
    fn hear_waiting(&mut self, beat: &Beat, recent: bool, now: Moment) {
        let granted = beat.grant.filter(|grant| grant.session == self.session && grant.epoch >= self.known);
        let listening = matches!(self.phase, Phase::Listening { .. });
        if beat.state == State::Active {
            if listening {
                self.enter(Phase::Standby, Reason::PartnerActive, now);
            }
            self.disown();
        } else if !recent {
            // Sent before we slept, or held up on the way: what it says may be over.
        } else if let Some(grant) = granted {
            if !self.held {
                self.claim(grant.epoch, Reason::Granted, now);
            }
        } else if let Some(reason) = self.turn(beat) {
            self.try_claim(reason, now);
        } else if listening {
            self.enter(Phase::Standby, Reason::PartnerPreferred, now);
        }
    }

    /// Why it would be our turn, with a partner that is heard and not active.
    fn turn(&self, beat: &Beat) -> Option<Reason> {
        match beat.state {
            State::Stopped => Some(Reason::PartnerStopped),
            State::Fault => Some(Reason::PartnerFault),
            // It passes ownership to an earlier start of ours and will notice that by itself.
            _ if beat.grant.is_some() => None,
            _ if beat.held && !self.held => Some(Reason::PartnerHeld),
            _ => self.preferred_to(beat).then_some(Reason::Preferred),
        }
    }
}
