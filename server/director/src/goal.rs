//! What this director is to be and to hold, from the configuration it was given. Pure.
//!
//! Where the directors speak with each other the heartbeat's role decides; else the seat does: primary is Active,
//! backup is Standby. A director that the cluster no longer names is Stopped: it lets go of all that is ours.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use kernel::Shielded;
use lvs::health::Standings;
use lvs::model::{DriftPolicy, Protocol, Seat};
use lvs::plan::{self, desired, without_partner};
use lvs::table::{AddressKey, Desired, Forward, ServiceKey};
use lvs::wire::State;

use crate::intake::Held;
use crate::redundancy::{Holding, Role};

/// The whole of what is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    pub(crate) state: State,
    /// Why this state; for logs.
    pub(crate) reason: String,
    /// What the kernel should hold.
    pub(crate) desired: Desired,
    /// Addresses that are there stay, and none is added: it is not decided whose they are.
    pub(crate) as_found: bool,
    /// What happens to what somebody else changes.
    pub(crate) drift: DriftPolicy,
}

/// What is known of the other director's kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Neighbour {
    /// The owner has just changed: connections still go from the one that was active to the one that is.
    pub(crate) moving: bool,
    /// It may schedule what it is sent: its director is no standby, or has become one only just now.
    pub(crate) schedules: bool,
}

impl Neighbour {
    /// Whether a partner's kernel schedules whose agent said this of itself last; `before` is what was known until then.
    /// An agent that dies leaves its kernel as it is.
    pub(crate) fn schedules(said: Option<State>, before: bool) -> bool {
        match said {
            Some(State::Active) => true,
            Some(State::Standby | State::Fault | State::Stopped) => false,
            // Not decided yet, or not heard since this agent started.
            Some(State::Starting) | None => before,
        }
    }
}

impl Goal {
    /// The goal of a director that holds this configuration, with real servers as they stand.
    pub(crate) fn of(held: &Held, role: Option<&Role>, neighbour: Neighbour, standings: &Standings) -> Self {
        let Some(seat) = held.seat else {
            return Goal {
                state: State::Stopped,
                reason: "the configuration does not name this director".to_owned(),
                as_found: false,
                desired: Desired::default(),
                drift: DriftPolicy::Repair,
            };
        };
        let (state, reason, holding) = match (role, seat) {
            (Some(role), _) => (role.state, format!("{:?}", role.reason), role.holding),
            (None, Seat::Primary) => (State::Active, "primary seat".to_owned(), Holding::Own),
            (None, Seat::Backup) => (State::Standby, "backup seat".to_owned(), Holding::Nothing),
        };
        let programmed = match (holding, neighbour.moving) {
            (Holding::Own, true) => plan::Holding::AddressesNew,
            (Holding::Own, false) => plan::Holding::Addresses,
            (Holding::AsFound, _) => plan::Holding::Undecided,
            (Holding::Nothing, true) => plan::Holding::TableOnlyNew,
            (Holding::Nothing, false) => plan::Holding::TableOnly,
        };
        let circles = holding != Holding::Nothing && neighbour.schedules;
        let spared = circles.then(|| without_partner(&held.cluster, seat, standings)).flatten();
        let desired = desired(&held.cluster, seat, programmed, spared.as_ref().unwrap_or(standings));
        let drift = held.cluster.cluster().global.drift;
        Goal { state, reason, desired, as_found: holding == Holding::AsFound, drift }
    }

    /// What the kernel must not answer with a reset while connections are on their way to it: TCP services by address,
    /// and what their real servers send back through translation. A service that this machine serves itself is left
    /// out, since its packets go on to the machine's own sockets.
    pub(crate) fn shielded<'a>(&self, addresses: impl Iterator<Item = &'a AddressKey>) -> Shielded {
        let own: BTreeSet<_> = addresses.map(|key| key.address).collect();
        let mut shielded = Shielded::default();
        for (key, service) in &self.desired.table.services {
            let ServiceKey::Address { protocol: Protocol::Tcp, address, port } = key else { continue };
            let serves_itself = service.servers.keys().any(|server| own.contains(&server.address));
            if *port == 0 || serves_itself {
                continue;
            }
            shielded.arriving.insert(SocketAddr::new(*address, *port));
            let translated = service.servers.iter().filter(|(_, row)| row.forward == Forward::Masquerade);
            shielded
                .replies
                .extend(translated.map(|(server, _)| SocketAddr::new(server.address, server.port)));
        }
        shielded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partner_schedules_from_when_it_was_active_until_it_says_that_it_is_a_standby() {
        for before in [false, true] {
            assert!(Neighbour::schedules(Some(State::Active), before));
            for passive in [State::Standby, State::Fault, State::Stopped] {
                assert!(!Neighbour::schedules(Some(passive), before));
            }
            assert_eq!(Neighbour::schedules(Some(State::Starting), before), before);
            assert_eq!(Neighbour::schedules(None, before), before);
        }
    }
}
