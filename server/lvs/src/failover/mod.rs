//! Who holds the virtual addresses: the two directors' protocols as pure state machines.
//!
//! A machine is told what happened ([`Event`]) and what time it is, and answers what is to be done ([`Action`]), in
//! order; [`Machine::next_deadline`] says when it wants to be called again if nothing happens. It never sends, never
//! touches an address and never reads a clock: the agent's heartbeat thread does, and the simulation in
//! `tests/all/failover_simulation` does the same over thousands of bad worlds.
//!
//! Time is a [`Duration`](std::time::Duration) since an origin of the caller's choice and never goes back. The time of
//! day plays no part, so that a stepped clock cannot make a director claim.

mod beat;
mod event;
mod heartbeat;
mod key;
mod name;
mod outside;
pub mod pulse;
mod reason;
mod replay;
mod settings;
pub mod vrrp;

pub use beat::{BadBeat, Beat, Grant, LENGTH};
pub use event::{Action, Answer, Event, Lease, Order, Question};
pub use heartbeat::{Counts, Heartbeat, Partner, Unopened, View};
pub use key::{Key, Keyring};
pub use name::Name;
pub use outside::{Asks, Sign};
pub use reason::{Concern, Reason, Refused};
pub use settings::{Ids, Settings, Start};

/// One director's machine, whichever protocol the cluster speaks.
#[derive(Clone, Debug)]
pub enum Machine {
    /// Caribe's own heartbeat.
    Heartbeat(Box<Heartbeat>),
    /// VRRP.
    Vrrp(Box<vrrp::Vrrp>),
    /// Piranha's beat.
    Pulse(Box<pulse::Pulse>),
}

impl Machine {
    /// Takes one event at `now` and says what is to be done, in order.
    pub fn step(&mut self, event: Event, now: Moment) -> Vec<Action> {
        match self {
            Machine::Heartbeat(machine) => machine.step(event, now),
            Machine::Vrrp(machine) => machine.step(event, now),
            Machine::Pulse(machine) => machine.step(event, now),
        }
    }

    /// Goes on as the active one at once, before it has listened: under another protocol this director was active until
    /// now, and its partner knows that the protocol changes. A hold keeps it what it is.
    pub fn go_on(&mut self, now: Moment) -> Vec<Action> {
        match self {
            Machine::Heartbeat(machine) => machine.go_on(now),
            Machine::Vrrp(machine) => machine.go_on(now),
            Machine::Pulse(machine) => machine.go_on(now),
        }
    }

    /// When it wants to be called again if nothing happens; none once it has stopped.
    pub fn next_deadline(&self) -> Option<Moment> {
        match self {
            Machine::Heartbeat(machine) => machine.next_deadline(),
            Machine::Vrrp(machine) => machine.next_deadline(),
            Machine::Pulse(machine) => machine.next_deadline(),
        }
    }

    /// Everything that is shown.
    pub fn view(&self) -> View {
        match self {
            Machine::Heartbeat(machine) => machine.view(),
            Machine::Vrrp(machine) => machine.view(),
            Machine::Pulse(machine) => machine.view(),
        }
    }
}

/// Monotonic time since the caller's origin.
pub type Moment = std::time::Duration;
