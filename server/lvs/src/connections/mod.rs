//! Connections as the kernel's table shows them, and which of them a director that gives its addresses away tells its
//! partner's kernel, in which order.
//!
//! It reads no table and sends nothing: `kernel` does both, and the agent calls this in between.

mod choice;
mod state;

use std::net::SocketAddr;

pub use choice::{Choice, Chosen};
use state::Stage;
pub use state::{ConnectionState, Phase};

use crate::table::Forward;

/// One entry of the kernel's connection table (`/proc/net/ip_vs_conn`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// IANA protocol number; 0 in the template of a service by mark.
    pub protocol: u8,
    /// The client; a template has its masked address, and port 0.
    pub client: SocketAddr,
    /// What it was sent to; in the template of a service by mark the mark stands in place of the address.
    pub service: SocketAddr,
    /// The real server.
    pub server: SocketAddr,
    /// How far it is.
    pub state: ConnectionState,
    /// Seconds until the kernel forgets it, unless a packet comes.
    pub left_s: u32,
}

/// A connection with what its entry does not show and another kernel must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The entry.
    pub connection: Connection,
    /// How packets get to the real server.
    pub forward: Forward,
    /// The mark of the service it came through; 0 for one by address.
    pub mark: u32,
    /// Seconds that the other kernel gives it, at least 1.
    pub life_s: u32,
}
