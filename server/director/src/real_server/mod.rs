//! A real server's side: the load agent that directors ask for weights, and the set-up that direct routing and tunnels need.
//!
//! It needs no console, no identity and no IPVS; it never balances anything. `lvs::real_server` says what is to be done and
//! said; `caribe real-server` calls this.

mod serve;
mod setup;
mod state;

pub use serve::{LoadAgent, serve};
pub use setup::{SetupError, load_modules, set_up};
pub use state::{change_state, report};
