//! The lines of the status stream.

use serde::{Deserialize, Serialize};

use super::{Checks, ChecksChange, OrdersStatus, Status};
use crate::counters::{Counters, CountersChange};
use crate::journal::Entry;
use crate::plan::Ownership;
use crate::table::Observed;

/// What a director's kernel holds and which of it is ours; sent after each change, so that the console can plan
/// without asking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Snapshot {
    /// The kernel's side.
    pub observed: Observed,
    /// Our side.
    pub ownership: Ownership,
}

/// One line of the status stream (`GET /v1/stream`, `application/x-ndjson`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// The director's state.
    Status(Box<Status>),
    /// What its kernel holds.
    Snapshot(Box<Snapshot>),
    /// Counters of this second, all of them: the first on a stream, and where most have changed.
    Counters(Counters),
    /// Counters of this second, as what is different from the last ones on this stream; often nothing.
    Counted(CountersChange),
    /// Entries of the journal that this listener has not had, the oldest first.
    Journal(Vec<Entry>),
    /// What the checks say, all of it: the first on a stream.
    Checks(Box<Checks>),
    /// What they say, as what is different from the last on this stream.
    Checked(Box<ChecksChange>),
    /// The orders it follows: at the beginning of a stream, and when they change.
    Orders(Box<OrdersStatus>),
    /// Nothing new; the line is alive. At least every two seconds something is sent.
    Alive,
}
