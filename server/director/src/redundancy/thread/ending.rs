//! The end of a partnership: redundancy is switched off, or one of the two directors has left the cluster.
//!
//! The seats decide from then on, and each director learns of it at another time. Therefore they speak on until both are
//! known to hold the same and the addresses are where the seats want them. Where the partner cannot be reached nothing
//! ends: the heartbeat goes on as it was, and the page says that the partner holds another revision.

use std::time::Duration;

use lvs::failover::{Action, Event, Machine, Moment, Order, View};
use lvs::model::Seat;
use lvs::wire::State;

use super::{Holding, Life, Running, Thread, renew};
use crate::redundancy::News;
use crate::redundancy::partnership::Alone;

/// Between two tries to give the addresses to the primary director.
const AGAIN: Duration = Duration::from_secs(1);
/// One that left the cluster has surely ended when it was silent for so long.
const GONE: Duration = Duration::from_secs(60);

/// A state that lasts so long has reached the partner and its kernel.
const LASTS: Duration = Duration::from_secs(1);

/// A partnership that ends.
pub(super) struct Ending {
    alone: Alone,
    /// Both know that both hold it.
    confirmed: bool,
    /// When the addresses may be given to the primary director again.
    next_try: Moment,
}

/// What is known when it is considered.
struct Known {
    seat: Seat,
    /// The other director is still one of the cluster.
    partner_stays: bool,
    /// The protocol says revisions.
    says_revisions: bool,
    /// A standby is heard, too.
    is_heard: bool,
    /// It is heard also when it holds something else.
    is_always_heard: bool,
    /// Both know that both hold it.
    confirmed: bool,
    /// The partner was heard to hold it.
    agreed: bool,
    /// How long the partner has been silent, and whether it is about to count as dead.
    silence: Duration,
    quiet: bool,
    state: State,
    /// It has been in that state for long enough that the partner has surely acted on it.
    lasts: bool,
    /// The addresses are here, or on their way to the partner.
    holds: bool,
    /// The partner, as it last said itself.
    partner: Option<State>,
    /// It does not take anything over.
    partner_held: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    GoOn,
    HandOver,
    End,
}

impl Known {
    fn verdict(&self) -> Verdict {
        let partner_active = self.partner == Some(State::Active);
        let parted = self.confirmed || (self.agreed && self.quiet);
        match (self.seat, self.state) {
            // It has just started and heard nobody: whoever owns them hears that nobody claims.
            (Seat::Backup, State::Starting) if self.quiet => Verdict::End,
            (Seat::Backup, State::Active) if self.confirmed && self.partner == Some(State::Standby) => {
                if self.partner_held { Verdict::GoOn } else { Verdict::HandOver }
            }
            // The primary has ended already, and was taken for dead.
            (Seat::Backup, State::Active) if self.agreed && self.quiet && partner_active => Verdict::End,
            (Seat::Backup, State::Standby | State::Fault) if partner_active && !self.holds => {
                if parted || !self.says_revisions { Verdict::End } else { Verdict::GoOn }
            }
            (Seat::Primary, State::Active) if partner_active && !self.quiet => Verdict::GoOn,
            (Seat::Primary, State::Active) => {
                let gone = self.partner == Some(State::Stopped) || self.silence >= GONE;
                // One that was never heard has nothing to hand over; a backup of VRRP is silent and would claim.
                let never = self.is_always_heard && self.partner.is_none() && self.silence >= GONE;
                let over = if self.partner_stays && self.says_revisions { parted || never } else { gone };
                if over && self.lasts && self.is_heard { Verdict::End } else { Verdict::GoOn }
            }
            _ => Verdict::GoOn,
        }
    }
}

impl Thread {
    /// Nobody is to be spoken with any more.
    pub(super) fn part(&mut self, alone: Alone) {
        let now = self.now();
        self.end_hailing();
        let Some(running) = &mut self.running else { return };
        if alone.seat.is_none() {
            // This director is not one of the cluster: it lets go, and says so.
            self.leases.set(Default::default());
            let actions = running.machine.step(Event::Order(Order::Stop { release: true }), now);
            self.act(actions.into_iter().filter(|action| *action != Action::Done).collect());
            return self.dissolve();
        }
        let settings = &mut running.partnership.settings;
        (settings.revision, settings.digest) = (alone.revision, alone.digest);
        running.overlap.begin_waiting();
        let told = alone.told.clone().filter(|_| !matches!(running.machine, Machine::Heartbeat(_)));
        running.ending = Some(Ending { alone, confirmed: false, next_try: now });
        tracing::info!("redundancy is switched off: the heartbeat goes on until the partner knows it, too");
        self.settings_changed(now);
        if let Some(told) = told {
            self.begin_hailing(*told, now);
        }
        self.consider_end(false);
    }

    /// Whether a partnership that ends has ended; `settled`: the partner has just said that it knows of it.
    pub(super) fn consider_end(&mut self, settled: bool) {
        let now = self.now();
        let Some(running) = &mut self.running else { return };
        let hailed = running.hailed(now);
        let agreed = running.overlap.heard_at().is_some();
        let View { state, partner, entered, .. } = running.machine.view();
        let is_vrrp = matches!(running.machine, Machine::Vrrp(_));
        let (silence, quiet) = (running.silence(now), running.is_quiet(now));
        let (silence, quiet) = match hailed {
            // Who is active under VRRP hears nothing of a standby but the beats beside the protocol.
            Some(hailed) if state == State::Active && is_vrrp => (hailed.silence, hailed.quiet),
            Some(hailed) if state == State::Active => (hailed.silence.min(silence), hailed.quiet && quiet),
            _ => (silence, quiet),
        };
        let partner_held = match hailed {
            Some(hailed) => hailed.partner_held,
            None => partner.is_some_and(|partner| partner.held),
        };
        let partner = hailed.and_then(|hailed| hailed.partner).or(partner.map(|partner| partner.state));
        let lasts = now.saturating_sub(entered) >= LASTS.max(running.partnership.settings.deadtime * 3);
        let holds = running.role.holding == Holding::Own;
        let machine = &running.machine;
        let says_revisions = hailed.is_some() || matches!(machine, Machine::Heartbeat(_));
        let is_heard = hailed.is_some() || !is_vrrp;
        let Some(ending) = &mut running.ending else { return };
        ending.confirmed |= settled;
        let Some(seat) = ending.alone.seat else { return };
        let known = Known {
            seat,
            partner_stays: ending.alone.partner_stays,
            says_revisions,
            is_heard,
            is_always_heard: !is_vrrp,
            confirmed: ending.confirmed,
            agreed,
            silence,
            quiet,
            state,
            lasts,
            holds,
            partner,
            partner_held,
        };
        match known.verdict() {
            Verdict::GoOn => {}
            Verdict::HandOver if now >= ending.next_try => {
                ending.next_try = now + AGAIN;
                self.step(Event::Order(Order::SwitchOver { force: true }));
            }
            Verdict::HandOver => {}
            Verdict::End => self.dissolve(),
        }
    }

    /// The heartbeat ends; what is held stays, for good.
    fn dissolve(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        if running.role.holding == Holding::Own {
            running.life = Life::Permanent;
            renew(&mut *self.lease, &self.leases, &mut running);
        }
        self.paths.set(&[]);
        self.routers.configure(None);
        tracing::info!("the heartbeat has ended");
        (self.news)(News::Settled);
        (self.news)(News::View(None));
        (self.news)(News::Ended);
    }
}

impl Running {
    /// How long the partner has been silent.
    pub(super) fn silence(&self, now: Moment) -> Duration {
        let heard = self.machine.view().partner.map(|partner| partner.heard_at);
        now.saturating_sub(heard.unwrap_or_default().max(self.began))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(seat: Seat, state: State, partner: State) -> Known {
        Known {
            seat,
            partner_stays: true,
            says_revisions: true,
            is_heard: true,
            is_always_heard: true,
            confirmed: false,
            agreed: false,
            silence: Duration::ZERO,
            quiet: false,
            state,
            lasts: true,
            holds: false,
            partner: Some(partner),
            partner_held: false,
        }
    }

    #[test]
    fn nothing_ends_while_the_partner_does_not_hold_the_same() {
        use State::{Active, Fault, Standby};
        for seat in [Seat::Primary, Seat::Backup] {
            for (state, partner) in [(Active, Standby), (Standby, Active), (Fault, Active), (Active, Active)]
            {
                for quiet in [false, true] {
                    let known =
                        Known { quiet, silence: GONE * u32::from(quiet), ..known(seat, state, partner) };
                    assert_eq!(known.verdict(), Verdict::GoOn, "{seat:?} {state:?} {partner:?} {quiet}");
                }
            }
        }
    }

    #[test]
    fn the_primary_gets_the_addresses_before_anything_ends() {
        use State::{Active, Standby};
        let verdict = |seat, state, partner| {
            Known { agreed: true, confirmed: true, ..known(seat, state, partner) }.verdict()
        };
        assert_eq!(verdict(Seat::Backup, Active, Standby), Verdict::HandOver);
        assert_eq!(verdict(Seat::Primary, Standby, Active), Verdict::GoOn);
        assert_eq!(verdict(Seat::Primary, Active, Active), Verdict::GoOn, "a split is healed first");
        assert_eq!(verdict(Seat::Primary, Active, Standby), Verdict::End);
        assert_eq!(verdict(Seat::Backup, Standby, Active), Verdict::End);
    }

    #[test]
    fn who_never_heard_a_backup_of_vrrp_cannot_know_that_it_will_not_claim() {
        let alone = Known {
            partner: None,
            silence: GONE,
            quiet: true,
            ..known(Seat::Primary, State::Active, State::Standby)
        };
        assert_eq!(alone.verdict(), Verdict::End, "a heartbeat would be heard");
        assert_eq!(Known { is_always_heard: false, ..alone }.verdict(), Verdict::GoOn);
    }

    #[test]
    fn nothing_is_handed_to_a_primary_that_is_held_and_nothing_ends_before_anybody_could_be_heard() {
        let backup = |state| known(Seat::Backup, state, State::Standby);
        let held = Known { agreed: true, confirmed: true, partner_held: true, ..backup(State::Active) };
        assert_eq!(held.verdict(), Verdict::GoOn);
        assert_eq!(Known { partner_held: false, ..held }.verdict(), Verdict::HandOver);
        assert_eq!(backup(State::Starting).verdict(), Verdict::GoOn);
        assert_eq!(Known { quiet: true, ..backup(State::Starting) }.verdict(), Verdict::End);
    }

    #[test]
    fn of_two_that_part_the_second_sees_the_first_one_fall_silent() {
        use State::{Active, Standby};
        let verdict = |seat, state, partner| {
            Known { agreed: true, quiet: true, ..known(seat, state, partner) }.verdict()
        };
        assert_eq!(verdict(Seat::Backup, Standby, Active), Verdict::End, "it never claims");
        assert_eq!(
            verdict(Seat::Backup, Active, Active),
            Verdict::End,
            "nor keeps what it claimed too early"
        );
        assert_eq!(verdict(Seat::Primary, Active, Standby), Verdict::End);
        assert_eq!(
            verdict(Seat::Backup, Active, Standby),
            Verdict::GoOn,
            "the primary died before it took them"
        );
    }

    #[test]
    fn a_director_that_left_the_cluster_is_waited_for_until_it_is_gone() {
        use State::{Active, Standby, Stopped};
        let left = |partner, silence| {
            let known = known(Seat::Primary, Active, partner);
            Known { partner_stays: false, silence, ..known }.verdict()
        };
        assert_eq!(left(Standby, Duration::from_secs(5)), Verdict::GoOn);
        assert_eq!(left(Stopped, Duration::ZERO), Verdict::End);
        assert_eq!(left(Standby, GONE), Verdict::End);
        assert_eq!(left(Active, GONE), Verdict::GoOn);
    }
}
