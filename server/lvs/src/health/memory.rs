//! What outlives a restart of the agent: verdicts with their age, never moments.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{AgentState, Failure, Reason, Verdict};
use crate::table::{ServerKey, ServiceKey};

/// How long an agent may have been away for its memory to count. After that its servers are unknown again, and what the
/// kernel holds stays until the first results.
pub const KEPT_FOR: Duration = Duration::from_secs(3600);

/// All that is remembered of one director's checks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Memory {
    /// By service.
    #[serde(default)]
    pub services: BTreeMap<ServiceKey, RememberedService>,
    /// See [`Standings::expire_quiescent`](super::Standings).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_quiescent: Option<bool>,
}

/// What is remembered of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RememberedService {
    /// By real server.
    #[serde(default)]
    pub members: BTreeMap<ServerKey, RememberedMember>,
    /// The sorry server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sorry: Option<RememberedMember>,
    /// Whether the primary pool had its quorum.
    #[serde(default)]
    pub primaries: bool,
    /// Whether all real servers together had it.
    #[serde(default)]
    pub all: bool,
    /// Whether every verdict had been given once.
    #[serde(default)]
    pub decided: bool,
}

/// What is remembered of a real server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RememberedMember {
    /// Which questions this answers; where they are others now, the memory does not count as their answer.
    pub questions: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// For how long, milliseconds.
    pub age_ms: u64,
    /// What each check has counted.
    #[serde(default)]
    pub checks: Vec<RememberedCheck>,
    /// Whether it was in the table.
    #[serde(default)]
    pub seated: bool,
    /// How long ago it fell, milliseconds, oldest first; those that count for damping.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub falls_ms: Vec<u64>,
    /// The ramp it was on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<RememberedRamp>,
    /// Its load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<RememberedLoad>,
}

/// What one check has counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RememberedCheck {
    /// What it said.
    pub verdict: Verdict,
    /// Good answers in a row.
    #[serde(default)]
    pub successes: u32,
    /// Failures in a row.
    #[serde(default)]
    pub failures: u32,
    /// How it failed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Whether any result had decided it.
    #[serde(default)]
    pub tried: bool,
}

/// A ramp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RememberedRamp {
    /// Whether the weight doubles at each step.
    #[serde(default)]
    pub doubling: bool,
    /// Time of a step of a doubling ramp, of the whole of an even one, milliseconds.
    pub time_ms: u64,
    /// For how long it has been climbed, milliseconds.
    pub age_ms: u64,
}

/// What was known of a server's load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RememberedLoad {
    /// The weight that followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// What it wanted itself.
    #[serde(default)]
    pub state: AgentState,
    /// When it was acted on last, milliseconds ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acted_ms: Option<u64>,
}
