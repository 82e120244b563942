//! The console as a witness: what a standby asks it before a claim, and what it asks the partner for that.

use serde::{Deserialize, Serialize};

use super::State;

/// `GET /v1/testimony` of an agent: the word of its heartbeat thread, given at this moment. An agent whose thread does
/// not answer gives none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Testimony {
    /// The lived state.
    pub state: State,
    /// The epoch of its claim, or the highest it knows.
    pub epoch: u64,
}

/// `GET /agent/v1/witness` of the console: what the partner of the asking director has just said to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witnessed {
    /// The partner's word.
    pub partner: Testimony,
}
