//! What a director tells of itself: state, drift, heartbeat.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Checking, Digest, StepFailure};
use crate::failover::vrrp::RouterView;
use crate::failover::{Concern, Counts, Reason, Refused, Sign};
use crate::model::Seat;
use crate::preflight::Obstacle;
use crate::table::{AddressKey, ServiceKey};

/// A director's state, sent on the stream when it changes (and at once to a new listener).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Status {
    /// The director.
    pub director_id: String,
    /// Version of the agent.
    pub version: String,
    /// The configured place, once a target is known.
    pub seat: Option<Seat>,
    /// The lived state.
    pub state: State,
    /// Milliseconds since the state was entered.
    pub state_ms: u64,
    /// What the heartbeat decides and sees; none where the seat alone decides.
    #[serde(default)]
    pub heartbeat: Option<HeartbeatStatus>,
    /// The revision it holds; none before the first push.
    pub revision: Option<u64>,
    /// Its digest.
    pub digest: Option<Digest>,
    /// Until when it is held on trial, seconds since 1970 on the director's clock; none where it stays.
    #[serde(default)]
    pub provisional_until_s: Option<i64>,
    /// What was held on trial last and is not held any more, because nobody kept it in time.
    #[serde(default)]
    pub undone: Option<Undone>,
    /// Whether the kernel holds all of it.
    pub in_sync: bool,
    /// Writes to the kernel since the agent started.
    pub kernel_writes: u64,
    /// Virtual addresses (and the NAT router address) it holds now.
    pub holds: BTreeSet<AddressKey>,
    /// Services in its kernel that Caribe was never asked for.
    pub foreign: BTreeSet<ServiceKey>,
    /// Steps that failed at the last pass.
    #[serde(default)]
    pub failures: Vec<StepFailure>,
    /// Rows of ours that somebody else changed and that are not put right (yet); at most 100.
    #[serde(default)]
    pub drift: Vec<Drift>,
    /// How many such rows there are in all.
    #[serde(default)]
    pub drift_count: u32,
    /// What was put right lately, the newest last; at most 10.
    #[serde(default)]
    pub repaired: Vec<Repaired>,
    /// What stands in the way on this machine, or soon may.
    #[serde(default)]
    pub obstacles: BTreeSet<Obstacle>,
    /// How real servers are checked; none from an agent that cannot say.
    #[serde(default)]
    pub checking: Option<Checking>,
    /// The last error, in words; cleared by a pass without one.
    #[serde(default)]
    pub last_error: Option<String>,
    /// When the agent's certificate ends, seconds since 1970.
    #[serde(default)]
    pub certificate_ends_s: i64,
}

/// A configuration that was on trial and was undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Undone {
    /// Its number.
    pub revision: u64,
    /// Its digest.
    pub digest: Digest,
    /// When, seconds since 1970 on the director's clock.
    pub at_s: i64,
}

/// A row of ours that somebody else changed. Lines are in the words of ipvsadm, ip and sysctl.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Drift {
    /// Which (`plan::Row` as text): `tcp 192.0.2.1:80`, `eth0 192.0.2.1/24`, `session timeouts`.
    pub row: String,
    /// What differs, as the kernel holds it; nothing where it is gone.
    pub found: Vec<String>,
    /// What would put it right.
    pub repair: Vec<String>,
    /// When it was first seen, seconds since 1970 on the director's clock.
    pub since_s: i64,
    /// How often it was repaired lately.
    #[serde(default)]
    pub repairs: u32,
    /// When it will be repaired; none where somebody has to decide.
    #[serde(default)]
    pub due_s: Option<i64>,
}

/// A row that somebody else had changed and that was put right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Repaired {
    /// Which.
    pub row: String,
    /// What was done.
    pub steps: Vec<String>,
    /// When, seconds since 1970 on the director's clock.
    pub at_s: i64,
    /// How often it was repaired lately, this time included.
    pub repairs: u32,
}

impl Status {
    /// Whether it serves nobody and hears nothing of its partner, or has lost links of its own: what it cannot reach may
    /// well be there. Never where the seat alone decides.
    pub fn alone(&self) -> bool {
        let unheard = |concern: &Concern| match concern {
            Concern::PartnerSilent => true,
            Concern::NotClaiming(refused) => *refused != Refused::Held,
            _ => false,
        };
        match (self.state, &self.heartbeat) {
            (State::Starting | State::Standby, Some(beat)) => beat.concerns.iter().any(unheard),
            (State::Fault, Some(_)) => true,
            _ => false,
        }
    }
}

/// `POST /v1/repair`: put right now what somebody else changed; answered with [`Applied`](super::Applied).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RepairRequest {
    /// The rows, as [`Drift::row`] names them; all where none is named.
    #[serde(default)]
    pub rows: Vec<String>,
}

/// What a director's heartbeat decides and sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeartbeatStatus {
    /// Why the state was entered.
    pub reason: Reason,
    /// The epoch of its claim, or the highest it knows.
    pub epoch: u64,
    /// Whether its operator holds it.
    pub held: bool,
    /// Whether it could take over without losing connections that can be kept.
    pub ready: bool,
    /// The partner, as it last said itself; none before it was heard.
    #[serde(default)]
    pub partner: Option<PartnerStatus>,
    /// VRRP's virtual routers and who else advertises them; none with another protocol.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routers: Vec<RouterView>,
    /// What is odd at present.
    #[serde(default)]
    pub concerns: Vec<Concern>,
    /// What was found out about a silent partner: for an active director that which it claimed on.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub evidence: BTreeSet<Sign>,
    /// Packets, and what became of them. Those that come all the time are as old as the last other change.
    #[serde(default)]
    pub counts: Counts,
    /// Interfaces that are needed and cannot be used.
    #[serde(default)]
    pub links: Vec<LinkFault>,
    /// The program that was run last for its state.
    #[serde(default)]
    pub hook: Option<HookStatus>,
}

/// The program that was run when this director became active, or ceased to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HookStatus {
    /// For which of the two.
    pub active: bool,
    /// How it goes.
    pub outcome: HookOutcome,
}

/// How a program goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum HookOutcome {
    /// It runs.
    Running,
    /// It ended well.
    Succeeded,
    /// It did not.
    Failed {
        /// Why.
        reason: String,
    },
}

/// An interface that is needed and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LinkFault {
    /// Which.
    pub interface: String,
    /// Why.
    pub trouble: LinkTrouble,
}

/// Why an interface cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LinkTrouble {
    /// There is no such interface.
    Gone,
    /// It is switched off.
    Down,
    /// It has no carrier.
    NoCarrier,
}

impl LinkTrouble {
    /// The word in catalogue keys.
    pub fn as_str(self) -> &'static str {
        match self {
            LinkTrouble::Gone => "gone",
            LinkTrouble::Down => "down",
            LinkTrouble::NoCarrier => "no-carrier",
        }
    }
}

/// The partner as a director hears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PartnerStatus {
    /// Its lived state.
    pub state: State,
    /// The revision it holds, where the protocol says it.
    #[serde(default)]
    pub revision: Option<u64>,
    /// Whether it could take over.
    pub ready: bool,
    /// Whether its operator holds it.
    pub held: bool,
}

/// A director's lived state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not decided yet.
    Starting,
    /// Holds the table, not the addresses.
    Standby,
    /// Holds the virtual addresses.
    Active,
    /// Cannot serve.
    Fault,
    /// Told to stop.
    Stopped,
}

impl State {
    /// The word in texts and catalogue keys.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Starting => "starting",
            State::Standby => "standby",
            State::Active => "active",
            State::Fault => "fault",
            State::Stopped => "stopped",
        }
    }
}
