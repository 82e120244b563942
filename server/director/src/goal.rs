//! What this director is to be and to hold, from the configuration it was given. Pure.
//!
//! Until the directors talk to each other the seat decides alone: primary is Active, backup is Standby. A director
//! that the cluster no longer names is Stopped: it lets go of all that is ours.

use std::collections::BTreeSet;

use lvs::model::Seat;
use lvs::plan::{Holding, desired};
use lvs::table::Desired;
use lvs::wire::State;

use crate::intake::Held;

/// The whole of what is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    pub(crate) state: State,
    /// Why this state; for logs.
    pub(crate) reason: &'static str,
    /// What the kernel should hold.
    pub(crate) desired: Desired,
    /// The kernel parameters to look at.
    pub(crate) sysctls: BTreeSet<String>,
}

impl Goal {
    /// The goal of a director that holds this configuration.
    pub(crate) fn of(held: &Held) -> Self {
        let Some(seat) = held.seat else {
            return Goal {
                state: State::Stopped,
                reason: "the configuration does not name this director",
                desired: Desired::default(),
                sysctls: BTreeSet::new(),
            };
        };
        let (state, reason, holding) = match seat {
            Seat::Primary => (State::Active, "primary seat", Holding::Addresses),
            Seat::Backup => (State::Standby, "backup seat", Holding::TableOnly),
        };
        let desired = desired(&held.cluster, seat, holding);
        let sysctls = desired.sysctls.keys().cloned().collect();
        Goal { state, reason, desired, sysctls }
    }
}
