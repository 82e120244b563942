//! The scenarios. Each builds its own network, drives Caribe through its command line and its API, and looks at the
//! kernel with the tools an operator has.

mod bare;
mod forwarding;
mod hostile;
mod nat;
mod refusals;
mod scale;
mod survival;

use anyhow::Result;

/// A scenario.
pub(crate) struct Scenario {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it shows.
    pub(crate) about: &'static str,
    /// Runs it; an error is a failure.
    pub(crate) run: fn() -> Result<()>,
}

/// All of them.
pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "bare-nat", about: "the lab itself: NAT with a table made by ipvsadm", run: bare::nat },
    Scenario {
        name: "bare-direct",
        about: "the lab itself: direct routing, made by ipvsadm",
        run: bare::direct,
    },
    Scenario { name: "bare-tunnel", about: "the lab itself: tunnels, made by ipvsadm", run: bare::tunnel },
    Scenario { name: "nat", about: "an imported Piranha cluster serves by turns through NAT", run: nat::run },
    Scenario {
        name: "direct",
        about: "direct routing; replies do not pass the director",
        run: forwarding::direct,
    },
    Scenario {
        name: "tunnel",
        about: "IP-in-IP tunnels; replies do not pass the director",
        run: forwarding::tunnel,
    },
    Scenario {
        name: "survival",
        about: "agent killed, console stopped: traffic goes on, nothing is written twice",
        run: survival::run,
    },
    Scenario {
        name: "scale",
        about: "1,000 services with 10 servers each; one weight is one write",
        run: scale::run,
    },
    Scenario {
        name: "refusals",
        about: "wrong certificates, tokens and revisions change nothing",
        run: refusals::run,
    },
    Scenario { name: "hostile", about: "malformed and oversized input on both listeners", run: hostile::run },
];
