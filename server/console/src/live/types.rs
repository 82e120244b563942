//! What the console knows of the directors at this moment, as callers see it. Nothing here asks a director.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use lvs::counters::{Counters, ServerCounters, ServiceCounters, Totals};
use lvs::model::Seat;
use lvs::table::{ServerKey, ServiceKey};
use lvs::wire::{Checks, OrdersStatus, Snapshot, Status};

/// A cluster's directors at this moment.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveCluster {
    /// The running revision.
    pub running: Option<u64>,
    /// The directors of the running revision, in configured order.
    pub directors: Vec<LiveDirector>,
}

impl LiveCluster {
    /// The director that says it is active, if exactly one connected director does.
    pub fn active(&self) -> Option<&LiveDirector> {
        let mut active = self.directors.iter().filter(|d| d.connected && d.is_active());
        match (active.next(), active.next()) {
            (Some(one), None) => Some(one),
            _ => None,
        }
    }
}

/// One director at this moment.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveDirector {
    /// The console's id (`dir_…`); none where no agent has joined.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its configured place, where configured.
    pub seat: Option<Seat>,
    /// Whether the stream is open and alive.
    pub connected: bool,
    /// Since when it is (not) connected.
    pub since: Timestamp,
    /// What failed last on the way to it; none while connected.
    pub last_error: Option<String>,
    /// How its revision compares to the running one.
    pub sync: Sync,
    /// Its last status; may be old where not connected.
    pub status: Option<Status>,
    /// When the status came.
    pub status_at: Option<Timestamp>,
    /// Its last snapshot of the kernel.
    pub snapshot: Option<Arc<Snapshot>>,
    /// When the snapshot came.
    pub snapshot_at: Option<Timestamp>,
    /// Its last counters with rates.
    pub counters: Option<Arc<LiveCounters>>,
    /// When the counters came.
    pub counters_at: Option<Timestamp>,
    /// What its checks say; none from an agent that has never said.
    pub checks: Option<Arc<Checks>>,
    /// When that came.
    pub checks_at: Option<Timestamp>,
    /// The orders it follows.
    pub orders: Option<OrdersStatus>,
}

impl LiveDirector {
    /// A director that no agent has joined as: nothing is known of it.
    pub(crate) fn unjoined(name: &str, seat: Seat, since: Timestamp) -> Self {
        LiveDirector {
            id: None,
            name: name.to_owned(),
            seat: Some(seat),
            connected: false,
            since,
            last_error: None,
            sync: Sync::Unknown,
            status: None,
            status_at: None,
            snapshot: None,
            snapshot_at: None,
            counters: None,
            counters_at: None,
            checks: None,
            checks_at: None,
            orders: None,
        }
    }

    /// Whether its last status says that it holds the addresses.
    pub fn is_active(&self) -> bool {
        self.status.as_ref().is_some_and(|s| s.state == lvs::wire::State::Active)
    }
}

/// How the revision a director holds compares to the running one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sync {
    /// Nothing is known yet, or nothing was ever activated.
    Unknown,
    /// The running revision, and its kernel holds all of it.
    InSync,
    /// The running revision; its kernel does not (yet) hold all of it.
    Applying,
    /// The running revision; but somebody else has changed rows of it in the director's kernel since.
    Drifted {
        /// How many rows.
        rows: u32,
        /// Whether some stay as they are until a person decides.
        held: bool,
    },
    /// An older revision, or none; the newest is pushed when it can be reached.
    Behind {
        /// What it holds.
        held: Option<u64>,
    },
    /// A revision newer than any the console knows: nothing is pushed.
    Ahead {
        /// What it holds.
        held: u64,
    },
    /// A number the console knows, with other content: nothing is pushed.
    OtherContent {
        /// What it holds.
        held: u64,
    },
}

/// Counters of one moment, with rates over about the last two seconds.
pub type LiveCounters = BTreeMap<ServiceKey, LiveService>;

/// The same as the director counted them, without rates.
pub fn plain(counters: &LiveCounters) -> Counters {
    let server = |live: &LiveServer| ServerCounters {
        weight: live.weight,
        active: live.active,
        inactive: live.inactive,
        persistent: live.persistent,
        totals: live.totals,
    };
    let service = |live: &LiveService| ServiceCounters {
        totals: live.totals,
        servers: live.servers.iter().map(|(key, live)| (*key, server(live))).collect(),
    };
    counters.iter().map(|(key, live)| (*key, service(live))).collect()
}

/// A service's numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveService {
    /// Totals since the service was added.
    pub totals: Totals,
    /// Per second.
    pub rates: Rates,
    /// Active connections of all its real servers.
    pub active: u64,
    /// Inactive connections of all its real servers.
    pub inactive: u64,
    /// By real server.
    pub servers: BTreeMap<ServerKey, LiveServer>,
}

/// A real server's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LiveServer {
    /// Its weight in the kernel.
    pub weight: u32,
    /// Active connections.
    pub active: u32,
    /// Inactive connections.
    pub inactive: u32,
    /// Persistence templates.
    pub persistent: u32,
    /// Totals since it was added.
    pub totals: Totals,
    /// Per second.
    pub rates: Rates,
}

/// Changes per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// New connections.
    pub connections: f64,
    /// Packets towards the real server.
    pub in_packets: f64,
    /// Packets from it.
    pub out_packets: f64,
    /// Bytes towards the real server.
    pub in_bytes: f64,
    /// Bytes from it.
    pub out_bytes: f64,
}
