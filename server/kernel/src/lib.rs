//! The only place that talks to Linux: the IPVS table, addresses, links, kernel parameters, gratuitous ARP.
//!
//! It carries out what it is told and reports what is there; it decides nothing, keeps no opinion about what should
//! be there, reads no configuration and never starts a shell. All of it is synchronous: calls take milliseconds, and
//! the director gives them a thread of their own. Beside the real kernel stands a memory kernel with the same
//! refusals, for every test that needs no root.
//!
//! A Linux network namespace belongs to the thread that opens a socket; use a [`LinuxKernel`] only on threads of the
//! namespace it was opened in, because kernel parameters are looked up in the namespace of the thread that asks.

mod announcer;
mod error;
pub mod events;
mod explain;
pub mod frames;
mod linux;
mod memory;
mod socket;
mod sys;
pub mod wire;

use std::collections::BTreeSet;
use std::net::IpAddr;

use lvs::counters::Counters;
use lvs::plan::Step;
use lvs::table::Observed;

pub use announcer::LinuxAnnouncer;
pub use error::{Error, Kind};
pub use explain::describe;
pub use linux::LinuxKernel;
pub use memory::MemoryKernel;
pub use socket::Traffic;
pub use wire::ipvs::Info;
pub use wire::route::ADDRESS_TAG;

/// A director's kernel: observed, changed step by step, and counted.
pub trait Kernel: Send {
    /// All that is there, foreign rows included; of the kernel parameters those named (dotted).
    ///
    /// # Errors
    /// When any part cannot be read; a partial picture is never returned.
    fn observe(&mut self, sysctls: &BTreeSet<String>) -> Result<Observed, Error>;

    /// Carries out the steps in order and goes on after an error; one result per step, in the same order.
    fn apply(&mut self, steps: &[Step]) -> Vec<Result<(), Error>>;

    /// What the kernel has counted. It refreshes totals only every two seconds.
    ///
    /// # Errors
    /// When the table cannot be read.
    fn counters(&mut self) -> Result<Counters, Error>;

    /// Changes asked of the kernel since it was opened: one per row, address or parameter written, successful or not.
    fn writes(&self) -> u64;
}

/// Tells the neighbours of an interface that an address now lives there.
pub trait Announce: Send {
    /// Sends both forms of gratuitous ARP, or one unsolicited neighbour advertisement.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] where the interface has no Ethernet address, [`Kind::Gone`] where there is no such
    /// interface, [`Kind::Transient`] where it is down.
    fn announce(&mut self, interface: &str, address: IpAddr) -> Result<(), Error>;
}
