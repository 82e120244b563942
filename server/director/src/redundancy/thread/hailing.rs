//! A heartbeat is to come in the place of VRRP or of Piranha's beat, neither of which can say what its sender holds.
//!
//! Until both directors know of the change the old protocol goes on deciding, and beats are sent beside it: each says what
//! its sender holds and whether it hears the other one, and nobody decides anything from them. Once both are known to
//! hold the same, the heartbeat begins on both.

use lvs::failover::{Beat, Concern, Moment, Settings, View};
use lvs::wire::State;
use std::time::Duration;

use kernel::Path;

use super::{Running, Thread, session};
use crate::redundancy::{Holding, Partnership};

/// A partner that has not confirmed a change for so long has not got it, as far as the page is concerned.
const NAMED: Duration = Duration::from_secs(2);

/// Beats beside another protocol.
pub(super) struct Hail {
    session: u64,
    sequence: u64,
    began: Moment,
    due: Moment,
    /// What the partner said last: its state, whether it is held, and when.
    heard: Option<(State, bool, Moment)>,
}

/// What is known of the partner from beats beside another protocol.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hailed {
    pub(super) partner: Option<State>,
    pub(super) partner_held: bool,
    /// How long it has been silent, and whether that is nearly as long as its death would be.
    pub(super) silence: Duration,
    pub(super) quiet: bool,
}

impl Hail {
    pub(super) fn new(now: Moment) -> Hail {
        Hail { session: session(), sequence: 0, began: now, due: now, heard: None }
    }

    /// Takes in what the partner said.
    pub(super) fn hear(&mut self, beat: &Beat, now: Moment) {
        self.heard = Some((beat.state, beat.held, now));
    }

    /// The next beat. It answers nothing that the partner says, so that nobody claims because of it.
    fn beat(&mut self, settings: &Settings, view: &View, holds: bool, epoch: u64) -> Beat {
        self.sequence += 1;
        Beat {
            cluster: settings.cluster,
            sender: settings.director,
            session: self.session,
            heard: 0,
            heard_sequence: 0,
            sequence: self.sequence,
            epoch: view.epoch.max(epoch),
            grant: None,
            state: view.state,
            seat: settings.seat,
            ready: view.ready,
            wants: false,
            held: view.held,
            holds,
            settled: false,
            priority: settings.priority,
            interval: settings.interval,
            revision: settings.revision,
            digest: settings.digest,
            connections: 0,
        }
    }
}

/// The paths while beats are sent beside another protocol: those to come keep their numbers. Where both go from one
/// address and port, the socket is the old one.
fn paths_beside(old: &[Path], next: &[Path]) -> Vec<Path> {
    let same = |one: &Path, other: &Path| (one.local, one.partner) == (other.local, other.partner);
    let shared = next.iter().map(|path| *old.iter().find(|known| same(known, path)).unwrap_or(path));
    let rest = old.iter().filter(|known| !next.iter().any(|path| same(known, path)));
    shared.chain(rest.copied()).collect()
}

impl Running {
    /// Whether the partner has changed already, though it was not heard to know that this director may: it is silent the
    /// old way and heard the new one.
    pub(super) fn hails_in_vain(&self, now: Moment) -> bool {
        let silent_since = now.saturating_sub(self.silence(now));
        let speaks = |at: Moment| at >= silent_since + self.partnership.settings.interval * 2;
        self.machine.view().state == State::Standby
            && self.is_quiet(now)
            && self.overlap.heard_at().is_some_and(speaks)
    }

    /// What beats beside another protocol have brought; none where there are none.
    pub(super) fn hailed(&self, now: Moment) -> Option<Hailed> {
        let (hail, next) = (self.hail.as_ref()?, self.next.as_ref()?);
        let silence = now.saturating_sub(hail.heard.map_or(hail.began, |(.., at)| at));
        let deadtime = next.settings.deadtime.max(next.settings.interval * 3);
        let quiet = silence >= deadtime.saturating_sub(next.settings.interval);
        let (partner, partner_held) =
            (hail.heard.map(|heard| heard.0), hail.heard.is_some_and(|heard| heard.1));
        Some(Hailed { partner, partner_held, silence, quiet })
    }

    /// The numbers of the paths that the present protocol is spoken on.
    pub(super) fn own_paths(&self) -> Vec<usize> {
        let own = &self.partnership.paths;
        let all = self.next.as_ref().filter(|_| self.hail.is_some());
        let all = all.map_or_else(|| own.clone(), |next| paths_beside(own, &next.paths));
        all.iter().enumerate().filter(|(_, path)| own.contains(path)).map(|(number, _)| number).collect()
    }

    /// Names a partner that has not got the change, or one that has and does not hear this director.
    pub(super) fn name_difference(&self, view: &mut View, now: Moment) {
        let (Some(hail), Some(next)) = (&self.hail, &self.next) else { return };
        if now >= hail.began + NAMED {
            let recent = |at: Moment| now.saturating_sub(at) <= next.settings.lease;
            let heard = self.overlap.heard_at().is_some_and(recent);
            view.concerns.insert(if heard { Concern::OneWay } else { Concern::OtherRevision });
        }
    }
}

impl Thread {
    /// Begins to say beside the present protocol that a heartbeat is to come.
    pub(super) fn begin_hailing(&mut self, next: Partnership, now: Moment) {
        let Some(running) = &mut self.running else { return };
        self.paths.set(&paths_beside(&running.partnership.paths, &next.paths));
        running.next = Some(Box::new(next));
        running.hail = Some(Hail::new(now));
        running.overlap.begin_waiting();
        tracing::info!(
            "a heartbeat comes in the place of the present protocol once the partner knows it, too"
        );
        self.hail(true);
    }

    /// Ends it; the present protocol goes on.
    pub(super) fn end_hailing(&mut self) {
        let Some(running) = &mut self.running else { return };
        running.next = None;
        if running.hail.take().is_some() {
            self.paths.set(&running.partnership.paths);
        }
    }

    /// When the next beat beside another protocol is due.
    pub(super) fn next_hail(&self) -> Option<Moment> {
        self.running.as_ref()?.hail.as_ref().map(|hail| hail.due)
    }

    /// Sends one, where it is due or wanted `at_once`.
    pub(super) fn hail(&mut self, at_once: bool) {
        let now = self.now();
        if self.next_hail().is_none_or(|due| now < due && !at_once) {
            return;
        }
        let floor = self.ledger.remembered.floor;
        let Some(running) = &mut self.running else { return };
        let holds = running.role.holding == Holding::Own;
        let view = running.machine.view();
        let (Some(hail), Some(next)) = (&mut running.hail, &running.next) else { return };
        hail.due = now + next.settings.interval;
        let beat = hail.beat(&next.settings, &view, holds, floor);
        for (packet, paths) in running.overlap.packets(next, beat, now) {
            self.paths.send_over(&packet, &paths);
        }
        self.show();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_to_come_keep_their_numbers_and_share_the_socket_of_the_old_ones() {
        let path = |host: u8, port: u16, any_port| Path {
            local: format!("192.0.2.{host}:{port}").parse().unwrap(),
            partner: format!("192.0.2.{}:{port}", host + 1).parse().unwrap(),
            any_port,
        };
        let old = [path(1, 539, true), path(11, 539, true)];
        let next = [path(21, 539, false), path(11, 539, false)];
        assert_eq!(
            paths_beside(&old, &next),
            [path(21, 539, false), path(11, 539, true), path(1, 539, true)]
        );
        let elsewhere = [path(1, 540, false)];
        assert_eq!(paths_beside(&old, &elsewhere), [path(1, 540, false), old[0], old[1]]);
        assert_eq!(paths_beside(&[], &next), next, "VRRP has none");
    }
}
