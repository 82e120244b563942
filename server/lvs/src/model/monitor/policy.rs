//! What results mean for a server's place in the table: how checks add up, what counts at the start, how a server
//! returns, and how many a service needs.

use serde::{Deserialize, Serialize};

/// How the checks of one server add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Combine {
    /// All must succeed.
    #[default]
    All,
    /// One that succeeds is enough.
    Any,
}

/// What a server counts as before its first result, when nothing is known of it from before. The first result decides
/// at once, except that a server that starts as down comes in like one that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Not used until the first result, which decides at once (Piranha).
    #[default]
    Unknown,
    /// Used until the first failure, which takes it out at once (keepalived without `alpha`).
    Up,
    /// Down until it has succeeded `rise` times (keepalived `alpha`).
    Down,
}

impl Start {
    /// All of them.
    pub const ALL: [Start; 3] = [Start::Unknown, Start::Up, Start::Down];

    /// The word used in the API and in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Start::Unknown => "unknown",
            Start::Up => "up",
            Start::Down => "down",
        }
    }
}

/// The times that count for one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Times {
    /// From the beginning of one check to that of the next, milliseconds.
    pub interval_ms: u32,
    /// For a whole check, milliseconds.
    pub timeout_ms: u32,
    /// Failures in a row that take the server out.
    pub fall: u32,
    /// Between a failure and the next try while the server still counts as up, milliseconds.
    pub retry_delay_ms: u32,
}

/// Keeps a server out that comes and goes: one that went down `failures` times within `within_s` seconds stays out
/// for `hold_s` seconds, however it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Damping {
    /// How often it goes down; at least 2.
    pub failures: u32,
    /// Within this time, seconds.
    pub within_s: u32,
    /// How long it stays out, seconds.
    pub hold_s: u32,
}

impl Default for Damping {
    fn default() -> Self {
        Damping { failures: 3, within_s: 600, hold_s: 300 }
    }
}

/// Raises the weight of a server that comes in until it has its whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SlowStart {
    /// How long it takes, seconds.
    pub seconds: u32,
    /// How it rises.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub ramp: Ramp,
}

/// How a weight rises. It is never below 1 on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Ramp {
    /// Evenly.
    #[default]
    Linear,
    /// From a 32nd, doubled after each fifth of the time (Piranha).
    Doubling,
}

impl SlowStart {
    /// Doublings in the time of a doubling ramp.
    pub const DOUBLINGS: u32 = 5;

    /// Piranha's: doubled every 20 seconds, or at every check where those are further apart.
    pub fn piranha(period_s: u32) -> Self {
        SlowStart { seconds: period_s.max(20).saturating_mul(SlowStart::DOUBLINGS), ramp: Ramp::Doubling }
    }
}

/// The weight that must be up for a service to be served by its real servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Quorum {
    /// Sum of the weights of servers that are up; at least 1.
    pub weight: u32,
    /// Lost below `weight` less this, regained at `weight` plus this.
    #[serde(skip_serializing_if = "super::is_default")]
    pub hysteresis: u32,
}

impl Default for Quorum {
    fn default() -> Self {
        Quorum { weight: 1, hysteresis: 0 }
    }
}

impl Quorum {
    /// Whether it is the usual one: any server is enough.
    pub fn is_usual(&self) -> bool {
        *self == Quorum::default()
    }
}

/// Whether a sorry server is checked itself. One that is down is not used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SorryCheck {
    /// Never; it always counts as up (Piranha, keepalived).
    #[default]
    Never,
    /// By a TCP connection, with the times of the virtual server's checks.
    Connect,
    /// As the virtual server's checks ask real servers.
    Same,
}

impl SorryCheck {
    /// All of them.
    pub const ALL: [SorryCheck; 3] = [SorryCheck::Never, SorryCheck::Connect, SorryCheck::Same];

    /// The word used in the API and in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            SorryCheck::Never => "never",
            SorryCheck::Connect => "connect",
            SorryCheck::Same => "same",
        }
    }
}
