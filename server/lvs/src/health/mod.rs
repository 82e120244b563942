//! From what probes bring to what the table should hold: verdicts, weights, quorum, sorry server, orders.
//!
//! A [`Member`] (one real server of one service) is told what a probe brought ([`Outcome`]) and what time it is, and
//! decides its [`Verdict`]. A [`Service`] makes of its members' verdicts, weights and [`Order`]s what its rows should be
//! ([`Standing`]), with quorum, backup pool and sorry server. A [`Roster`] is all services of a director: which probe is
//! due, when to be called again, what to remember over a restart, and the [`Standings`] that [`crate::plan::desired`] takes.
//!
//! It never asks a server anything, reads no clock and draws no random number; the agent's `nanny` does. Time is a
//! [`Moment`] that never goes back; a call that comes late is no reason for a verdict. Orders alone know the time of day,
//! because they outlive a director.

mod agent_text;
mod band;
mod check;
mod drain;
mod load;
mod member;
mod memory;
mod order;
mod orders;
mod outcome;
mod policy;
mod ramp;
mod roster;
mod service;
mod silence;
mod standing;
mod verdict;

pub use agent_text::{AgentTextError, agent_text};
pub use band::{Band, Known, Part, Shade, Turn, band};
pub use check::Tally;
pub use drain::{Drain, OrderEnd, Quiescent, drain, quiescent};
pub use load::{AgentState, LoadReport, LoadWeight};
pub use member::{Checker, Found, Member};
pub use memory::{
    KEPT_FOR, Memory, RememberedCheck, RememberedLoad, RememberedMember, RememberedRamp, RememberedService,
};
pub use order::{Deadline, Instruction, Order, Overdue, Placed};
pub use orders::{LocalOrder, LocalOrders, OrderTarget, Orders, Stale, in_force, strictest};
pub use outcome::{DnsFailure, Failure, Outcome, Phase, ProgramFailure, TlsFailure, Trouble};
pub use policy::{Combine, Damping, LoadRule, Pace, Policy, SlowStart, Start};
pub use roster::{Action, Ask, Roster};
pub use service::{Quorum, Service, ServiceRules};
pub use standing::{EXPIRE_QUIESCENT, ServiceStanding, Standing, Standings};
pub use verdict::{Reason, Transition, Verdict};

pub use crate::failover::Moment;
