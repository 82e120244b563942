//! What a real server needs: the virtual addresses where nobody else sees them, and a word about its load.
//!
//! With direct routing and tunnels a real server takes packets for an address that it must never answer ARP for. [`plan`]
//! says which steps lead there from what a machine has, and back again; [`script()`] and [`networkd`] write the same for
//! machines that are set up by other means. [`Limits`] and [`Report`] are the load agent's. All of it is pure: the agent's
//! crate does it, `caribe real-server` calls that.

mod ends;
mod load;
mod setup;
mod texts;

pub use ends::{Encapsulation, End, GuePort};
pub use load::{Limits, Report, StateError, load_average, read_state, write_state};
pub use setup::{Action, Before, Conflict, Machine, Mode, Record, Wanted, parameters_looked_at, plan};
pub use texts::{networkd, script};
