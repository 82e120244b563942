//! VRRP's timers (RFC 9568 §6.1, RFC 3768 §6.1 for version 2).

use std::time::Duration;

use super::super::Moment;
use super::super::event::{Action, Lease};
use super::super::outside::WAIT;
use super::super::reason::{Concern, Reason, Refused};
use super::advert::{Advert, Mismatch};
use super::{Known, Phase, Vrrp};
use crate::model::VrrpVersion;

/// Missed advertisements after which a master counts as gone.
const MISSED: u32 = 3;
/// A lease is renewed this often in its life.
const RENEWALS: u32 = 4;
/// What may speak against a claim.
const NOT_CLAIMING: [Refused; 3] = [Refused::Held, Refused::Witness, Refused::Isolated];

impl Vrrp {
    /// When it wants to be called again if nothing happens; none once it has stopped.
    pub fn next_deadline(&self) -> Option<Moment> {
        match self.phase {
            Phase::Stopped => None,
            Phase::Active => Some(self.next_advert.min(self.next_lease)),
            Phase::Fault => Some(self.fault_until.map_or(self.next_advert, |at| at.min(self.next_advert))),
            Phase::Listening | Phase::Standby => {
                let down = self.down_at().max(self.next_advert);
                Some(self.question_time().map_or(down, |ask| ask.min(down)))
            }
        }
    }

    /// Skew_Time of one router: who has a higher priority waits less.
    pub(super) fn skew(&self, router: usize) -> Duration {
        let own = self.settings.routers.get(router);
        let missing = 256 - u32::from(own.map_or(0, |router| router.priority));
        let unit = match own {
            Some(router) if self.version_of(router.source) == VrrpVersion::V2 => Duration::from_secs(1),
            _ => self.known.get(router).map_or(self.settings.interval, |known| known.interval),
        };
        unit * missing / 256
    }

    /// IPv6 knows version 3 only.
    pub(super) fn version_of(&self, source: std::net::IpAddr) -> VrrpVersion {
        if source.is_ipv6() { VrrpVersion::V3 } else { self.settings.version }
    }

    /// A master was heard: its time begins anew.
    pub(super) fn follow(&mut self, router: usize, advert: &Advert, now: Moment) {
        self.outside.clear();
        if let Some(known) = self.known.get_mut(router) {
            known.interval = advert.interval;
            known.mismatch = None;
        }
        let down = self.down_interval(router);
        if let Some(known) = self.known.get_mut(router) {
            known.down_at = now + down;
        }
    }

    /// Active_Down_Interval.
    fn down_interval(&self, router: usize) -> Duration {
        let interval = self.known.get(router).map_or(self.settings.interval, |known| known.interval);
        interval * MISSED + self.skew(router)
    }

    /// Nothing is known of any master; all times begin anew.
    pub(super) fn forget(&mut self, now: Moment) {
        self.outside.clear();
        let unknown = Known {
            down_at: now,
            interval: self.settings.interval,
            priority: 0,
            source: None,
            heard_at: None,
            lower_since: None,
            mismatch: None,
        };
        self.known = vec![unknown; self.settings.routers.len()];
        for router in 0..self.known.len() {
            let down = self.down_interval(router);
            if let Some(known) = self.known.get_mut(router) {
                known.down_at = now + down;
            }
        }
    }

    /// When every router has lost its master.
    fn down_at(&self) -> Moment {
        self.known.iter().map(|known| known.down_at).max().unwrap_or_default()
    }

    /// Whoever slept cannot tell a silent master from one that was not listened to.
    pub(super) fn notice_lateness(&mut self, now: Moment) {
        let Some(due) = self.next_deadline() else { return };
        if now <= due + self.settings.interval {
            return;
        }
        self.counts.late += 1;
        match self.phase {
            Phase::Listening | Phase::Standby => self.forget(now),
            Phase::Active
                if self.settings.lease.is_some() && now >= due + self.settings.interval * (MISSED - 1) =>
            {
                self.forget(now);
                self.enter(Phase::Listening, Reason::Late, now);
            }
            _ => {}
        }
    }

    /// Does what is due.
    pub(super) fn timers(&mut self, now: Moment) {
        let waiting = matches!(self.phase, Phase::Listening | Phase::Standby);
        if waiting && self.question_time().is_some_and(|at| now >= at) {
            self.outside.ask(self.settings.asks, now, &mut self.out);
        }
        match self.phase {
            Phase::Listening | Phase::Standby if now >= self.down_at() => self.try_claim(now),
            Phase::Active if now >= self.next_advert => self.send(now),
            Phase::Fault => {
                self.next_advert = now + self.settings.interval;
                if self.links && self.fault_until.is_none_or(|until| now >= until) {
                    self.fault_until = None;
                    self.forget(now);
                    self.enter(Phase::Listening, Reason::Recovered, now);
                }
            }
            _ => {}
        }
        if self.phase == Phase::Active && now >= self.next_lease {
            self.renew(now);
        }
    }

    /// Claims, unless something speaks against it; that is then shown, and tried again.
    fn try_claim(&mut self, now: Moment) {
        let asks = self.settings.asks;
        // Who holds the addresses already loses nothing by going on.
        let waits = !self.held && !self.holds && self.outside.waits(asks, now);
        let refused = match self.held {
            true => Some(Refused::Held),
            false => self.outside.refusal(asks, self.settings.interval * MISSED, now),
        };
        let refused = refused.filter(|refused| *refused != Refused::Isolated || !self.holds);
        for possible in NOT_CLAIMING {
            self.concern(Concern::NotClaiming(possible), refused == Some(possible));
        }
        if waits {
            self.next_advert = self.outside.waits_until().unwrap_or(now);
        } else if refused.is_some() {
            self.next_advert = now + self.settings.interval;
        } else {
            self.resting = false;
            let reason = match self.settings.lease {
                None => Reason::Alone,
                Some(_) if self.outbids(now) => Reason::Preferred,
                Some(_) => Reason::PartnerSilent,
            };
            self.claim(reason, now);
        }
    }

    /// Whether a master of a lower priority goes on advertising, whose time ran out only because it is not followed.
    fn outbids(&self, now: Moment) -> bool {
        self.known.iter().any(|known| {
            let heard = known.heard_at.is_some_and(|at| now.saturating_sub(at) <= known.interval * 2);
            heard && known.priority > 0 && known.lower_since.is_some() && known.mismatch.is_none()
        })
    }

    /// When to ask next whoever is to be asked: while a second advertisement is overdue.
    fn question_time(&self) -> Option<Moment> {
        let lead = WAIT.min(self.settings.interval * 3 / 4);
        let window = self.settings.interval * MISSED;
        self.outside.question_time(self.settings.asks, self.down_at().saturating_sub(lead), window)
    }

    pub(super) fn renew(&mut self, now: Moment) {
        let life = self.settings.lease;
        self.next_lease = now + life.map_or(Duration::from_secs(3600), |life| life / RENEWALS);
        self.out.push(Action::Lease(life.map_or(Lease::Permanent, Lease::For)));
    }

    /// Brings what is odd up to date.
    pub(super) fn review(&mut self, now: Moment) {
        let window = self.settings.interval * (MISSED + 1);
        let recent = |at: Moment| now.saturating_sub(at) <= window;
        let mismatches: Vec<Mismatch> = self
            .known
            .iter()
            .filter_map(|known| known.mismatch)
            .filter(|(_, at)| recent(*at))
            .map(|(m, _)| m)
            .collect();
        for mismatch in Mismatch::ALL {
            self.concern(Concern::Mismatch(mismatch), mismatches.contains(&mismatch));
        }
        let other = self.known.iter().any(|known| known.heard_at.is_some_and(recent) && known.priority > 0);
        let mismatched = !mismatches.is_empty();
        let own = self.settings.interval;
        let differs =
            |known: &Known| known.interval != own && known.priority > 0 && known.heard_at.is_some_and(recent);
        let other_interval = self.known.iter().any(differs);
        self.concern(Concern::OtherInterval, other_interval);
        self.concern(Concern::BothActive, self.phase == Phase::Active && (other || mismatched));
        let waiting = matches!(self.phase, Phase::Listening | Phase::Standby) && now >= self.down_at();
        if !waiting {
            NOT_CLAIMING.into_iter().for_each(|refused| self.concern(Concern::NotClaiming(refused), false));
        } else if !self.held {
            self.concern(Concern::NotClaiming(Refused::Held), false);
        }
    }
}

impl Mismatch {
    /// All of them.
    pub const ALL: [Mismatch; 9] = [
        Mismatch::Malformed,
        Mismatch::Version,
        Mismatch::Authentication,
        Mismatch::Password,
        Mismatch::Interval,
        Mismatch::Checksum,
        Mismatch::Addresses,
        Mismatch::VirtualRouterId,
        Mismatch::Delivery,
    ];
}
