//! The scenarios. Each builds its own network, drives Caribe through its command line and its API, and looks at the
//! kernel with the tools an operator has.

mod adopt;
mod bare;
mod bench;
mod beside;
mod brought;
mod change;
mod checker_faults;
mod checks;
mod console;
mod data_path;
mod disks;
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
mod services;
mod six;
mod soak;
mod split;
mod steady;
mod storm;
mod survival;
mod sweep;
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
    /// Whether it bounds closely how long clients or directors wait: nothing else runs on the machine meanwhile.
    pub(crate) alone: bool,
    /// Whether it runs servers of the distribution, which its machine must have.
    pub(crate) servers: bool,
}

const fn alone(name: &'static str, about: &'static str, run: fn() -> Result<()>) -> Scenario {
    Scenario { name, about, run, alone: true, servers: false }
}

const fn beside(name: &'static str, about: &'static str, run: fn() -> Result<()>) -> Scenario {
    Scenario { name, about, run, alone: false, servers: false }
}

impl Scenario {
    const fn with_servers(self) -> Scenario {
        Scenario { servers: true, ..self }
    }
}

/// All of them.
pub(crate) const ALL: &[Scenario] = &[
    beside("bare-nat", "the lab itself: NAT with a table made by ipvsadm", bare::nat),
    beside("bare-direct", "the lab itself: direct routing, made by ipvsadm", bare::direct),
    beside("bare-tunnel", "the lab itself: tunnels, made by ipvsadm", bare::tunnel),
    beside("nat", "an imported Piranha cluster serves by turns through NAT", nat::run),
    beside("direct", "direct routing; replies do not pass the director", forwarding::direct),
    beside("tunnel", "IP-in-IP tunnels; replies do not pass the director", forwarding::tunnel),
    beside("tunnels", "scenario G: IP-in-IP, GUE and GRE carry traffic to another subnet", variety::tunnels),
    beside(
        "schedulers",
        "scenario G: every scheduler serves, NAT changes ports, and others are told that they cannot",
        variety::schedulers,
    ),
    alone(
        "mysql",
        "scenario C from its two keepalived.conf files: VRRP, direct routing, no fail-back",
        brought::without_failback,
    ),
    alone(
        "nginx",
        "scenario E from its two keepalived.conf files: the first director takes its address back",
        brought::nginx,
    ),
    alone(
        "two-masters",
        "scenario F from its two keepalived.conf files: persistence, fail-back, connections that last",
        brought::with_failback,
    ),
    beside(
        "survival",
        "agent killed, console stopped: traffic goes on, nothing is written twice",
        survival::run,
    ),
    beside(
        "sweep",
        "console or an agent killed at some moment of each activation: nothing acknowledged is lost",
        sweep::run,
    ),
    beside(
        "soak",
        "changes, orders, switch-overs and servers that stop, round after round: nothing grows",
        soak::run,
    ),
    beside(
        "disks",
        "full and read-only disks, files that cannot be read: nothing half there, and it mends itself",
        disks::run,
    ),
    beside(
        "embedded",
        "an agent that its console started outlives that console, and is found again",
        embedded::run,
    ),
    beside(
        "adopt",
        "a director set up by hand is taken over under traffic; what is changed behind our back",
        adopt::run,
    ),
    beside(
        "host",
        "scenario D from its script alone: forwarding, masquerading and marks come and go with the cluster",
        host::run,
    ),
    alone(
        "failover",
        "a director dies, hangs, is cut off, hands over: one owner, and how long clients wait",
        failover::run,
    ),
    alone(
        "handover",
        "planned switch-over with connection sync, NAT: no request fails, a long transfer goes on",
        handover::nat,
    ),
    alone("handover-direct", "the same with direct routing", handover::direct),
    alone("checks", "real servers stop, come back and fall silent: how long their rows stay", checks::run),
    beside(
        "services",
        "checks of nginx, PostgreSQL, Redis, dnsmasq and of servers with faults: each verdict with its sentence",
        services::run,
    )
    .with_servers(),
    alone(
        "checker-faults",
        "a director lacks descriptors, ports, the right time, the processor: no server is thrown out, and it is said",
        checker_faults::run,
    )
    .with_servers(),
    alone(
        "measure-checks",
        "the same beside the real keepalived, and what a thousand checks a second cost both",
        beside::thousand,
    ),
    alone(
        "measure-many-checks",
        "a measurement: what checks of ten thousand servers cost both, and whether they delay a beat",
        beside::ten_thousand,
    ),
    beside(
        "power-cut",
        "both directors boot at once with their heartbeat ports blocked for 30 s: never two owners",
        power::run,
    ),
    alone(
        "split",
        "the network between two directors falls apart and heals: one stays and announces itself",
        split::run,
    ),
    alone(
        "isolation",
        "directors that cannot hear each other: the console as witness, a gateway that does not answer",
        isolation::run,
    ),
    alone(
        "mutual",
        "two directors that are each other's real servers, direct routing: no packet comes back",
        mutual::run,
    ),
    beside(
        "live-change",
        "how the directors speak is changed while one of them cannot be reached: one owner throughout",
        change::run,
    ),
    alone("flood", "100,000 forged packets a second on the heartbeat's port change nothing", storm::flood),
    alone("many-addresses", "200 virtual addresses change hands", storm::many),
    alone(
        "steady",
        "200 addresses, disks that do not answer, logs that nobody reads: beats come in time, and it takes over",
        steady::run,
    ),
    beside("scale", "1,000 services with 10 servers each; one weight is one write", scale::run),
    beside("refusals", "wrong certificates, tokens and revisions change nothing", refusals::run),
    beside("hostile", "malformed and oversized input on both listeners", hostile::run),
    beside(
        "keepalived",
        "a NAT pair taken out as keepalived.conf files runs under the real keepalived with the same table",
        keepalived::nat,
    ),
    beside(
        "vrrp",
        "beside a real keepalived, versions 2 and 3: who wins serves, and what does not fit is named",
        vrrp::run,
    ),
    alone(
        "six",
        "IPv6: beside a real keepalived by VRRP, and a pair that fails over, with NAT; neighbours are told",
        six::run,
    ),
    alone(
        "measure-failover",
        "a measurement, not among all: fail-over times of ours and of keepalived, five runs each",
        measure::run,
    ),
    alone(
        "measure-table",
        "a measurement: large tables by our kernel part and agent, beside ipvsadm and keepalived",
        bench::run,
    ),
    alone(
        "measure-console",
        "a measurement: 200 open pages, API calls and activations of a console with a large cluster",
        console::run,
    ),
    beside("keepalived-direct", "the same with direct routing", keepalived::direct),
];
