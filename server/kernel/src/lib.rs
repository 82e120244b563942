//! The only place that talks to Linux: the IPVS table, addresses, links, kernel parameters, gratuitous ARP.
//!
//! It carries out what it is told and reports what is there; it decides nothing, keeps no opinion about what should
//! be there, reads no configuration and never starts a shell. All of it is synchronous: calls take milliseconds, and
//! the director gives them a thread of their own. Beside the real kernel stands a memory kernel with the same
//! refusals, for every test that needs no root.
//!
//! A Linux network namespace belongs to the thread that opens a socket; use a [`LinuxKernel`] only on threads of the
//! namespace it was opened in, because kernel parameters are looked up in the namespace of the thread that asks.

mod adverts;
mod announcer;
mod connections;
mod error;
pub mod events;
mod explain;
pub mod frames;
mod knock;
mod lease;
mod linux;
mod memory;
mod paths;
mod preflight;
mod scout;
mod shield;
mod socket;
mod surroundings;
mod sys;
mod totals;
mod transaction;
pub mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::mpsc::Receiver;

use lvs::counters::Counters;
use lvs::plan::Step;
use lvs::preflight::Surroundings;
use lvs::real_server::{End, GuePort};
use lvs::table::{Observed, ServiceKey};

pub use adverts::{AdvertWire, AdvertWires, Advertised};
pub use announcer::LinuxAnnouncer;
pub use connections::{Connections, LinuxConnections};
pub use error::{Error, Kind};
pub use explain::describe;
pub use knock::{Answer as Knocked, Door, Ears, Heard, Knock, Knocker};
pub use lease::{Lease, LinuxLease};
pub use linux::LinuxKernel;
pub use memory::MemoryKernel;
pub use paths::{Path, Paths, Waker, Wires};
pub use preflight::preflight;
pub use scout::{Scout, Sighting};
pub use shield::Shielded;
pub use socket::Traffic;
pub use totals::totals;
pub use wire::ipvs::Info;
pub use wire::route::ADDRESS_TAG;

/// A director's kernel: observed, changed step by step, and counted.
pub trait Kernel: Send {
    /// All that is there, foreign rows included; of the kernel parameters those named (dotted; `*` in place of an interface
    /// means each but the loopback).
    ///
    /// # Errors
    /// When any part cannot be read; a partial picture is never returned.
    fn observe(&mut self, sysctls: &BTreeSet<String>) -> Result<Observed, Error>;

    /// Carries out the steps in order and goes on after an error; one result per step, in the same order.
    fn apply(&mut self, steps: &[Step]) -> Vec<Result<(), Error>>;

    /// Has packets of TCP connections that the kernel does not know dropped instead of answered with a reset, or ends
    /// that. What was shielded before is not any more.
    ///
    /// # Errors
    /// Where the kernel cannot do it; nothing is shielded then.
    fn shield(&mut self, shielded: Option<&Shielded>) -> Result<(), Error>;

    /// What the kernel has counted. It refreshes totals only every two seconds.
    ///
    /// # Errors
    /// When the table cannot be read.
    fn counters(&mut self) -> Result<Counters, Error>;

    /// The same a moment after `before`, for much less where most of a large table stands still: the real servers of a
    /// service are read only where its totals have moved since, or where it is `due`; those of others stand as before.
    ///
    /// # Errors
    /// When the table cannot be read.
    fn counters_since(&mut self, before: &Counters, due: &BTreeSet<ServiceKey>) -> Result<Counters, Error>;

    /// Connections that the table held at the last observation: those of the real servers, active and inactive.
    fn connections(&self) -> u64;

    /// What is around the agent on this machine. What cannot be read is left out.
    fn surroundings(&mut self) -> Surroundings;

    /// Asks on interfaces who has these addresses, beside whatever else is done; what was heard comes a moment later. Nothing
    /// comes where it cannot be asked.
    fn ask_around(&mut self, places: BTreeMap<String, BTreeSet<IpAddr>>) -> Receiver<Sighting>;

    /// Changes asked of the kernel since it was opened: one per row, address or parameter written, successful or not.
    fn writes(&self) -> u64;
}

/// Interfaces of a real server.
pub trait Links {
    /// Has the kernel bring an end of all tunnels. Whether it came is seen by observing.
    fn provide(&mut self, end: End);

    /// Switches an interface on or off.
    ///
    /// # Errors
    /// When the kernel refuses, or has no such interface.
    fn switch(&mut self, interface: &str, up: bool) -> Result<(), Error>;

    /// Ports on which the kernel takes packets of generic UDP encapsulation; none where it does not know of that.
    ///
    /// # Errors
    /// When they cannot be read.
    fn gue_ports(&mut self) -> Result<Option<BTreeSet<GuePort>>, Error>;

    /// Takes such packets on a port, or takes them no more.
    ///
    /// # Errors
    /// When the kernel refuses, or does not know of that.
    fn listen(&mut self, port: GuePort, on: bool) -> Result<(), Error>;
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
