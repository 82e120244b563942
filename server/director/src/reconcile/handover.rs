//! What goes with a change of owner: connections that still move between the kernels, those of our own that are sent to the
//! partner's, a shield over those that have not arrived, and whether this director could take over without losing any.
//!
//! Decides nothing about who owns; the heartbeat does. Called by each pass.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lvs::failover::{Event, Partner, Reason, View};
use lvs::health::Standings;
use lvs::plan::{Step, without_partner};
use lvs::table::{AddressKey, KernelTimeouts, Observed, ServerKey, ServiceKey, SyncRole, SyncRow, Table};
use lvs::wire::State;

use super::listed::PROMPT;
use super::{Reconciler, Report};
use crate::courier::{Courier, Parcel};
use crate::disk::DiskError;
use crate::documents;
use crate::goal::{Goal, Neighbour};
use crate::intake::Held;
use crate::redundancy::{Holding, Role};
use crate::rhythm::Rhythm;

/// How soon to look again while the partner's connections are still coming.
const LOOK: Duration = Duration::from_secs(1);

/// Of the time that connections have to move, the share kept free at its end: what is sent arrives while the shield still
/// stands.
const RESERVE: u32 = 6;

/// Between two tries to give a partner that lacks connections all there are, the wait before the first, in which it starts
/// its daemon, and how many there are.
const AGAIN: Duration = Duration::from_secs(5);
const FIRST: Duration = Duration::from_secs(1);
const TRIES: u32 = 6;

/// What is still to be sent to the partner's kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owed {
    Nothing,
    /// All there is, at once: most of it is there before the first packet is.
    Before,
    /// The rest, when the addresses have gone: no packet can come any more, so the table is final.
    After,
}

/// The state between two passes.
pub(super) struct Handover {
    drain: Duration,
    patience: Duration,
    /// The owner changed, and connections go on moving until then.
    until: Option<Instant>,
    shielded: bool,
    /// The receiving daemon could not be started.
    refused: bool,
    /// Since when connections of the partner's can arrive here.
    receiving: Option<Instant>,
    /// This kernel has had the partner's connections since its own were all there were.
    complete: bool,
    owed: Owed,
    /// The partner is a standby and says that it lacks connections: how often they were sent to it, and when next.
    lacking: Option<(u32, Instant)>,
    /// The partner's kernel schedules, see [`Neighbour::schedules`].
    schedules: bool,
    /// It has said something since this agent started.
    heard: bool,
    /// Until when its kernel may not be yet what its agent says: it has just become a standby.
    unsure: Option<Instant>,
    /// What connections belonged to at the last look, so that sending them waits for no other.
    seen: Option<Seen>,
    courier: Courier,
}

/// What a look at the kernel says about connections.
#[derive(Clone)]
struct Seen {
    daemon: SyncRow,
    table: Table,
    timeouts: KernelTimeouts,
}

impl Seen {
    /// None where no daemon runs.
    fn of(observed: &Observed) -> Option<Seen> {
        let daemons = &observed.sync;
        let daemon = daemons.get(&SyncRole::Master).or_else(|| daemons.get(&SyncRole::Backup))?;
        Some(Seen { daemon: daemon.clone(), table: observed.table.clone(), timeouts: observed.timeouts })
    }

    fn parcel(self, all: bool, until: Instant) -> Parcel {
        let Seen { daemon, table, timeouts } = self;
        Parcel { daemon, table, timeouts, all, until }
    }
}

impl Handover {
    pub(super) fn new(rhythm: &Rhythm, courier: Courier) -> Self {
        Handover {
            drain: rhythm.drain,
            patience: rhythm.ready,
            until: None,
            shielded: false,
            refused: false,
            receiving: None,
            complete: false,
            owed: Owed::Nothing,
            lacking: None,
            schedules: false,
            heard: false,
            unsure: None,
            seen: None,
            courier,
        }
    }

    /// What the partner's kernel may be doing.
    pub(super) fn neighbour(&self) -> Neighbour {
        Neighbour { moving: self.until.is_some(), schedules: self.schedules || self.unsure.is_some() }
    }

    /// The heartbeat has decided again what becomes of the addresses.
    pub(super) fn moved(&mut self, before: Holding, role: &Role, at: Instant) {
        let now = role.holding;
        if before == now {
            return;
        }
        self.until = (now != Holding::AsFound).then(|| at + self.drain);
        if before == Holding::Nothing {
            self.unsure = Some(at + self.drain);
        }
        (self.shielded, self.receiving) = (false, None);
        // Who was active has all connections there are.
        let released = before == Holding::Own && now == Holding::Nothing;
        self.complete = released;
        // After a split both have connections of their own; those of the one that stays are not to be replaced.
        let owes = released && role.reason != Reason::PartnerNewer;
        self.owed = if owes { Owed::Before } else { Owed::Nothing };
        if let (true, Some(seen)) = (owes, self.seen.take()) {
            self.courier.take(seen.parcel(false, self.sends_until(at + self.drain)));
            self.owed = Owed::After;
        }
    }

    /// By when all must be sent that is to arrive while the shield still stands.
    fn sends_until(&self, until: Instant) -> Instant {
        until - self.drain / RESERVE
    }

    /// Notes what the partner says of itself; true when it has just begun to lack connections, or to schedule, or ended
    /// that.
    pub(super) fn heard(&mut self, view: Option<&View>, at: Instant) -> bool {
        let partner = view.and_then(|view| view.partner.as_ref());
        self.heard |= partner.is_some();
        // Of VRRP's routers only masters say anything: one that is heard no more may be either.
        let telling = view.is_some_and(|view| view.routers.is_empty());
        let said = partner.map(|partner| partner.state);
        let schedules = telling && Neighbour::schedules(said, self.schedules);
        let other = std::mem::replace(&mut self.schedules, schedules) != schedules;
        if other && !schedules {
            self.unsure = Some(at + self.drain);
        }
        // Without a revision it speaks another protocol, which does not tell.
        let lacks = |partner: &&Partner| {
            partner.state == State::Standby && !partner.ready && partner.revision.is_some()
        };
        let before = self.lacking.take();
        self.lacking = partner.filter(lacks).map(|_| before.unwrap_or((0, at + FIRST)));
        other || before.is_none() && self.lacking.is_some()
    }

    /// Notes a step that failed.
    pub(super) fn refused(&mut self, step: &Step) {
        self.refused |= matches!(step, Step::StartSync { role: SyncRole::Backup, .. });
    }
}

impl Reconciler {
    /// Keeps what is held as an earlier configuration where `next` speaks otherwise: the partner may hold it for a while.
    pub(super) fn remember_before(&self, next: &Held) -> Result<(), DiskError> {
        let speaks = |held: &Held| {
            let cluster = held.cluster.cluster();
            (cluster.redundancy.clone(), cluster.directors.clone(), held.keys.clone())
        };
        let differs = self.held.as_ref().is_some_and(|held| speaks(held) != speaks(next));
        if differs { documents::store_before(&self.folder) } else { Ok(()) }
    }

    /// The partner speaks as configured: what was before is needed no more.
    pub(crate) fn settled_with_partner(&self) {
        if let Err(error) = documents::forget_before(&self.folder.within(PROMPT)) {
            tracing::warn!(%error, "an earlier configuration cannot be removed");
        }
    }

    /// The heartbeat has ended; the seat decides, or a heartbeat that has been configured since.
    pub(crate) fn parted(&mut self) {
        self.role = self.partnered.then(Role::undecided);
        if self.held.is_none() {
            return;
        }
        self.aim();
        self.airwaves.often(None);
        self.drift.watch.renew();
    }

    /// Takes in what the heartbeat knows; true when a pass is wanted for it.
    pub(crate) fn view(&mut self, view: Option<&View>) -> bool {
        self.board.beats(view);
        let before = self.handover.neighbour();
        let heard = self.handover.heard(view, Instant::now());
        if before != self.handover.neighbour() {
            self.adjust();
        }
        heard
    }

    /// Learns from the kernel what an agent before this one knew of a partner that has not been heard yet: while its rows
    /// say that it is sent nobody, that stays so.
    pub(super) fn learn(&mut self, observed: &Observed) {
        let unknown = !self.handover.heard && !self.handover.schedules;
        let (true, Some(held)) =
            (unknown && self.goal.as_ref().is_some_and(|goal| goal.as_found), &self.held)
        else {
            return;
        };
        let spared = held
            .seat
            .and_then(|seat| without_partner(&held.cluster, seat, &Standings::default()))
            .unwrap_or_default();
        let weight = |service: &ServiceKey, server: &ServerKey| {
            observed.table.services.get(service)?.servers.get(server).map(|row| row.weight)
        };
        let mut rows = spared
            .services
            .iter()
            .flat_map(|(service, standing)| standing.servers.keys().map(move |server| (service, server)));
        if rows.any(|(service, server)| weight(service, server) == Some(0)) {
            self.handover.schedules = true;
            self.aim();
        }
    }

    /// Ends what a change of owner began, once its time is over.
    pub(super) fn end_handover(&mut self) {
        if self.handover.unsure.is_some_and(|until| Instant::now() >= until) {
            self.handover.unsure = None;
            self.adjust();
        }
        if self.handover.until.is_none_or(|until| Instant::now() < until) {
            return;
        }
        self.handover.until = None;
        self.handover.owed = Owed::Nothing;
        if self.handover.shielded {
            // Ending it cannot fail: the kernel ties it to a socket that is closed.
            let _ = self.kernel.shield(None);
        }
        self.aim();
        self.drift.watch.renew();
    }

    /// Fits the goal to what only the kernel knows. While nothing is decided, what is there stays.
    pub(super) fn adapt(&mut self, goal: &mut Arc<Goal>, observed: &Observed) {
        let runs = observed.sync.contains_key(&SyncRole::Backup);
        self.handover.refused &= !runs;
        if let Some(sync) = goal.desired.sync.as_ref().filter(|sync| sync.refused != self.handover.refused) {
            let sync = lvs::table::DesiredSync { refused: self.handover.refused, ..sync.clone() };
            Arc::make_mut(goal).desired.sync = Some(sync);
        }
        if !goal.as_found {
            return;
        }
        let desired = &mut Arc::make_mut(goal).desired;
        desired.addresses.retain(|key, _| observed.addresses.contains_key(key));
        if let Some(sync) = &mut desired.sync {
            sync.roles = observed.sync.keys().copied().collect();
        }
        desired.unless_local.retain(|key, _| !observed.table.services.contains_key(key));
    }

    /// Raises the shield before the first step after a change of owner, where connections are copied.
    pub(super) fn shield(&mut self, goal: &Goal, observed: &Observed) {
        if self.handover.until.is_none() || self.handover.shielded || goal.desired.sync.is_none() {
            return;
        }
        self.handover.shielded = true;
        let ours = &self.ownership.addresses;
        let own = observed.addresses.keys().filter(|key: &&AddressKey| !ours.contains(*key));
        if let Err(error) = self.kernel.shield(Some(&goal.shielded(own))) {
            tracing::warn!(%error, "connections that have not arrived yet will be reset");
        }
    }

    /// Has the connections sent to the partner's kernel once before the addresses go, and once when they have gone.
    pub(super) fn hand_over(&mut self, goal: &Goal, observed: &Observed) {
        let handover = &mut self.handover;
        let (Some(until), Some(_)) = (handover.until, &goal.desired.sync) else { return };
        let held = self.ownership.addresses.iter().any(|key| observed.addresses.contains_key(key));
        let next = match (handover.owed, held) {
            (Owed::Nothing, _) | (Owed::After, true) => return,
            (Owed::Before, true) => Owed::After,
            (_, false) => Owed::Nothing,
        };
        let Some(seen) = Seen::of(observed) else { return };
        handover.owed = next;
        handover.courier.take(seen.parcel(false, handover.sends_until(until)));
    }

    /// Gives a partner that has come back without connections all of them: its kernel would get only those that move.
    fn catch_up(&mut self, observed: &Observed, now: Instant, report: &mut Report) {
        let owns = self.role.as_ref().is_some_and(|role| role.holding == Holding::Own);
        let handover = &mut self.handover;
        handover.seen = if owns { Seen::of(observed) } else { None };
        let (true, None, Some(seen)) = (owns, handover.until, &handover.seen) else { return };
        let Some((tries, next)) = &mut handover.lacking else { return };
        if *tries < TRIES && *next <= now {
            (*tries, *next) = (*tries + 1, now + AGAIN);
            handover.courier.take(seen.clone().parcel(true, *next));
        }
        if *tries < TRIES {
            report.until = Some(report.until.map_or(*next, |sooner| sooner.min(*next)));
        }
    }

    /// Tells the heartbeat whether this director could take over, and when to look again.
    pub(super) fn assess(&mut self, observed: &Observed, report: &mut Report) {
        let now = Instant::now();
        for until in [self.handover.until, self.handover.unsure].into_iter().flatten() {
            report.until = Some(report.until.map_or(until, |sooner| sooner.min(until)));
        }
        self.catch_up(observed, now, report);
        let (Some(role), Some(goal)) = (&self.role, &self.goal) else { return };
        self.heart.connections.counted(self.kernel.connections());
        let standby = role.holding == Holding::Nothing;
        // A row that somebody else changed and that waits for a person is no reason to wait for it here.
        let table = report.in_sync || (report.failures.is_empty() && report.drift_count > 0);
        let copied = goal.desired.sync.is_some() && !self.handover.refused;
        let handover = &mut self.handover;
        if copied && standby && observed.sync.contains_key(&SyncRole::Backup) {
            let since = *handover.receiving.get_or_insert(now);
            handover.complete |= now >= since + handover.patience
                || (now >= since + handover.drain && self.heart.connections.nearly_equal());
            if !handover.complete {
                report.until = Some(report.until.map_or(now + LOOK, |sooner| sooner.min(now + LOOK)));
            }
        } else {
            handover.receiving = None;
        }
        let ready = standby && table && (!copied || (handover.receiving.is_some() && handover.complete));
        self.heart.event(Event::Ready(ready));
    }
}
