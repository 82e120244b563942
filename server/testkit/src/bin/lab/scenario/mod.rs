//! The scenarios. Each builds its own network, drives Caribe through its command line and its API, and looks at the
//! kernel with the tools an operator has.

mod adopt;
mod bare;
mod bench;
mod brought;
mod change;
mod checks;
mod embedded;
mod failover;
mod forwarding;
mod handover;
mod host;
mod hostile;
mod isolation;
mod keepalived;
mod measure;
mod mutual;
mod nat;
mod power;
mod refusals;
mod scale;
mod split;
mod storm;
mod survival;
mod variety;
mod vrrp;

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
        name: "tunnels",
        about: "scenario G: IP-in-IP, GUE and GRE carry traffic to another subnet",
        run: variety::tunnels,
    },
    Scenario {
        name: "schedulers",
        about: "scenario G: every scheduler serves, NAT changes ports, and others are told that they cannot",
        run: variety::schedulers,
    },
    Scenario {
        name: "mysql",
        about: "scenario C from its two keepalived.conf files: VRRP, direct routing, no fail-back",
        run: brought::without_failback,
    },
    Scenario {
        name: "nginx",
        about: "scenario E from its two keepalived.conf files: the first director takes its address back",
        run: brought::nginx,
    },
    Scenario {
        name: "two-masters",
        about: "scenario F from its two keepalived.conf files: persistence, fail-back, connections that last",
        run: brought::with_failback,
    },
    Scenario {
        name: "survival",
        about: "agent killed, console stopped: traffic goes on, nothing is written twice",
        run: survival::run,
    },
    Scenario {
        name: "embedded",
        about: "an agent that its console started outlives that console, and is found again",
        run: embedded::run,
    },
    Scenario {
        name: "adopt",
        about: "a director set up by hand is taken over under traffic; what is changed behind our back",
        run: adopt::run,
    },
    Scenario {
        name: "host",
        about: "scenario D from its script alone: forwarding, masquerading and marks come and go with the cluster",
        run: host::run,
    },
    Scenario {
        name: "failover",
        about: "a director dies, hangs, is cut off, hands over: one owner, and how long clients wait",
        run: failover::run,
    },
    Scenario {
        name: "handover",
        about: "planned switch-over with connection sync, NAT: no request fails, a long transfer goes on",
        run: handover::nat,
    },
    Scenario { name: "handover-direct", about: "the same with direct routing", run: handover::direct },
    Scenario {
        name: "checks",
        about: "real servers stop, come back and fall silent: how long their rows stay",
        run: checks::run,
    },
    Scenario {
        name: "measure-checks",
        about: "the same beside the real keepalived, and what a thousand checks a second cost both",
        run: checks::beside,
    },
    Scenario {
        name: "measure-many-checks",
        about: "a measurement: what ten thousand checks a second cost both, and whether they delay a beat",
        run: checks::many_beside,
    },
    Scenario {
        name: "power-cut",
        about: "both directors boot at once with their heartbeat ports blocked for 30 s: never two owners",
        run: power::run,
    },
    Scenario {
        name: "split",
        about: "the network between two directors falls apart and heals: one stays and announces itself",
        run: split::run,
    },
    Scenario {
        name: "isolation",
        about: "directors that cannot hear each other: the console as witness, a gateway that does not answer",
        run: isolation::run,
    },
    Scenario {
        name: "mutual",
        about: "two directors that are each other's real servers, direct routing: no packet comes back",
        run: mutual::run,
    },
    Scenario {
        name: "live-change",
        about: "how the directors speak is changed while one of them cannot be reached: one owner throughout",
        run: change::run,
    },
    Scenario {
        name: "flood",
        about: "100,000 forged packets a second on the heartbeat's port change nothing",
        run: storm::flood,
    },
    Scenario { name: "many-addresses", about: "200 virtual addresses change hands", run: storm::many },
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
    Scenario {
        name: "keepalived",
        about: "a NAT pair taken out as keepalived.conf files runs under the real keepalived with the same table",
        run: keepalived::nat,
    },
    Scenario {
        name: "vrrp",
        about: "beside a real keepalived, versions 2 and 3: who wins serves, and what does not fit is named",
        run: vrrp::run,
    },
    Scenario {
        name: "measure-failover",
        about: "a measurement, not among all: fail-over times of ours and of keepalived, five runs each",
        run: measure::run,
    },
    Scenario {
        name: "measure-table",
        about: "a measurement: large tables by our kernel part and agent, beside ipvsadm and keepalived",
        run: bench::run,
    },
    Scenario { name: "keepalived-direct", about: "the same with direct routing", run: keepalived::direct },
];
