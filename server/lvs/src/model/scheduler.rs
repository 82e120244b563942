//! The kernel's IPVS schedulers and their flags.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How IPVS picks a real server for a new connection; the kernel's own short names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Scheduler {
    /// Round robin.
    Rr,
    /// Weighted round robin.
    Wrr,
    /// Least connection.
    Lc,
    /// Weighted least connection.
    #[default]
    Wlc,
    /// Locality-based least connection.
    Lblc,
    /// Locality-based least connection with replication.
    Lblcr,
    /// Destination hashing.
    Dh,
    /// Source hashing.
    Sh,
    /// Shortest expected delay.
    Sed,
    /// Never queue.
    Nq,
    /// Weighted failover.
    Fo,
    /// Weighted overflow.
    Ovf,
    /// Maglev hashing.
    Mh,
    /// Power of two choices.
    Twos,
}

/// A name that is no IPVS scheduler.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown scheduler {0:?}")]
pub struct UnknownScheduler(pub String);

impl Scheduler {
    /// All of them, in the order shown to people.
    pub const ALL: [Scheduler; 14] = [
        Scheduler::Rr,
        Scheduler::Wrr,
        Scheduler::Lc,
        Scheduler::Wlc,
        Scheduler::Lblc,
        Scheduler::Lblcr,
        Scheduler::Dh,
        Scheduler::Sh,
        Scheduler::Sed,
        Scheduler::Nq,
        Scheduler::Fo,
        Scheduler::Ovf,
        Scheduler::Mh,
        Scheduler::Twos,
    ];

    /// The kernel's name (`IPVS_SVC_ATTR_SCHED_NAME`).
    pub fn as_str(self) -> &'static str {
        match self {
            Scheduler::Rr => "rr",
            Scheduler::Wrr => "wrr",
            Scheduler::Lc => "lc",
            Scheduler::Wlc => "wlc",
            Scheduler::Lblc => "lblc",
            Scheduler::Lblcr => "lblcr",
            Scheduler::Dh => "dh",
            Scheduler::Sh => "sh",
            Scheduler::Sed => "sed",
            Scheduler::Nq => "nq",
            Scheduler::Fo => "fo",
            Scheduler::Ovf => "ovf",
            Scheduler::Mh => "mh",
            Scheduler::Twos => "twos",
        }
    }

    /// The flags this scheduler understands.
    pub fn flags(self) -> &'static [SchedulerFlag] {
        match self {
            Scheduler::Sh | Scheduler::Mh => &[SchedulerFlag::Fallback, SchedulerFlag::Port],
            _ => &[],
        }
    }
}

impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scheduler {
    type Err = UnknownScheduler;

    fn from_str(text: &str) -> Result<Self, UnknownScheduler> {
        Scheduler::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| UnknownScheduler(text.to_owned()))
    }
}

/// An option of a scheduler (`IP_VS_SVC_F_SCHED1` … `SCHED3`; what each means depends on the scheduler).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SchedulerFlag {
    /// `flag-1`; with sh and mh: take another server when the chosen one is unavailable (`sh-fallback`, `mh-fallback`).
    Fallback,
    /// `flag-2`; with sh and mh: hash the source port too (`sh-port`, `mh-port`).
    Port,
    /// `flag-3`; no scheduler of today uses it.
    #[serde(rename = "flag-3")]
    Flag3,
}

impl SchedulerFlag {
    /// All of them, in kernel bit order.
    pub const ALL: [SchedulerFlag; 3] = [SchedulerFlag::Fallback, SchedulerFlag::Port, SchedulerFlag::Flag3];

    /// The kernel's service flag bit (`IP_VS_SVC_F_SCHED1` is 0x8).
    pub fn bit(self) -> u32 {
        match self {
            SchedulerFlag::Fallback => 0x08,
            SchedulerFlag::Port => 0x10,
            SchedulerFlag::Flag3 => 0x20,
        }
    }

    /// The word in texts and files, the same as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            SchedulerFlag::Fallback => "fallback",
            SchedulerFlag::Port => "port",
            SchedulerFlag::Flag3 => "flag-3",
        }
    }
}

impl fmt::Display for SchedulerFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The flags set on one service.
pub type SchedulerFlags = BTreeSet<SchedulerFlag>;
