//! The lab's network: namespaces wired by veth pairs to bridges, as machines are to switches.
//!
//! ```text
//!  client 172.16.0.2 ── ext ── router ── pub 192.168.1.0/24 ── d1 .10, d2 .20 ── prv 10.0.0.0/16 ── rs1, rs2 (NAT)
//!                                 │           └── rs1 .111, rs2 .222 (direct routing)
//!                                 └── far 172.20.0.0/24 ── rs1 .100, rs2 .200 (tunnel)
//!  management 172.31.0.0/24: console .2, this program .5, d1 .21, d2 .22
//! ```
//!
//! Never touches what it did not make. Namespaces end with the machine, or with the mount namespace of a native run.

pub(crate) mod six;

use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::{Context as _, Result};
use testkit::control::LAB;
pub(crate) use testkit::control::{CONSOLE, DIRECTORS, Director};
use testkit::process;

/// The virtual address of scenario A.
pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 250);

/// How real servers are reached, and so where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Servers {
    /// Behind the directors, which are their gateway.
    Nat,
    /// Beside the directors, with the virtual address on `lo`.
    Direct,
    /// In another subnet, with the virtual address on the end of a tunnel.
    Tunnel,
}

impl Servers {
    /// Addresses of the two real servers.
    pub(crate) fn addresses(self) -> [Ipv4Addr; 2] {
        match self {
            Servers::Nat => [Ipv4Addr::new(10, 0, 0, 100), Ipv4Addr::new(10, 0, 0, 200)],
            Servers::Direct => [Ipv4Addr::new(192, 168, 1, 111), Ipv4Addr::new(192, 168, 1, 222)],
            Servers::Tunnel => [Ipv4Addr::new(172, 20, 0, 100), Ipv4Addr::new(172, 20, 0, 200)],
        }
    }
}

/// A port of a machine: namespace, interface, bridge, address with prefix length.
type Port = (&'static str, &'static str, &'static str, String);

/// Builds the network. `uplink` names a network card to put on the management network (the demo's way to the console
/// outside); otherwise the console gets a namespace there.
pub(crate) fn build(servers: Servers, uplink: Option<&str>) -> Result<()> {
    let mut ports: Vec<Port> = vec![
        ("client", "eth0", "ext", "172.16.0.2/24".into()),
        ("router", "ext0", "ext", "172.16.0.1/24".into()),
        ("router", "pub0", "pub", "192.168.1.1/24".into()),
        ("router", "far0", "far", "172.20.0.1/24".into()),
        ("d1", "eth0", "pub", "192.168.1.10/24".into()),
        ("d1", "eth1", "prv", "10.0.0.10/16".into()),
        ("d1", "mgt0", "mgt", "172.31.0.21/24".into()),
        ("d2", "eth0", "pub", "192.168.1.20/24".into()),
        ("d2", "eth1", "prv", "10.0.0.20/16".into()),
        ("d2", "mgt0", "mgt", "172.31.0.22/24".into()),
    ];
    if uplink.is_none() {
        ports.push(("console", "eth0", "mgt", format!("{CONSOLE}/24")));
    }
    let (bridge, prefix) = match servers {
        Servers::Nat => ("prv", 16),
        Servers::Direct => ("pub", 24),
        Servers::Tunnel => ("far", 24),
    };
    for (name, address) in ["rs1", "rs2"].into_iter().zip(servers.addresses()) {
        ports.push((name, "eth0", bridge, format!("{address}/{prefix}")));
    }
    wire(&ports, uplink)?;
    for name in names(&ports) {
        machine(name, servers)?;
    }
    Ok(())
}

/// A network as small deployments have it: directors with one interface, and real servers beside them.
pub(crate) struct Flat {
    /// The directors' interface.
    pub(crate) interface: &'static str,
    /// The router, with the prefix length of the network.
    pub(crate) router: &'static str,
    /// Addresses of the directors.
    pub(crate) directors: [&'static str; 2],
    /// Addresses of the real servers.
    pub(crate) servers: [&'static str; 2],
}

/// Builds such a network. Nothing on the machines is prepared for virtual addresses.
pub(crate) fn build_flat(flat: &Flat) -> Result<()> {
    let (router, prefix) = flat.router.split_once('/').context("a router without prefix length")?;
    let on = |address: &str| format!("{address}/{prefix}");
    let [first, second] = flat.directors.map(on);
    let [one, other] = flat.servers.map(on);
    let ports: Vec<Port> = vec![
        ("client", "eth0", "ext", "172.16.0.2/24".into()),
        ("router", "ext0", "ext", "172.16.0.1/24".into()),
        ("router", "pub0", "pub", on(router)),
        ("d1", flat.interface, "pub", first),
        ("d1", "mgt0", "mgt", "172.31.0.21/24".into()),
        ("d2", flat.interface, "pub", second),
        ("d2", "mgt0", "mgt", "172.31.0.22/24".into()),
        ("console", "eth0", "mgt", format!("{CONSOLE}/24")),
        ("rs1", "eth0", "pub", one),
        ("rs2", "eth0", "pub", other),
    ];
    wire(&ports, None)?;
    for name in ["d1", "d2", "rs1", "rs2"] {
        ip(Some(name), &[format!("route add default via {router}")])?;
    }
    ip(Some("client"), &["route add default via 172.16.0.1".to_owned()])?;
    process::run(within("router", &["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"])).map(drop)
}

/// The machines with their interfaces and addresses, the switch between them, and this program's own way to them.
fn wire(ports: &[Port], uplink: Option<&str>) -> Result<()> {
    namespaces(ports)?;
    switch(ports, uplink)?;
    for name in names(ports) {
        let mut lines = vec!["link set lo up".to_owned()];
        for (_, interface, _, address) in ports.iter().filter(|port| port.0 == name) {
            lines.push(format!("link set {interface} up"));
            lines.push(format!("addr add {address} dev {interface}"));
        }
        ip(Some(name), &lines)?;
    }
    let mut here = vec!["link set lo up".to_owned(), "link set lab0 up".to_owned()];
    here.push(format!("addr add {LAB}/24 dev lab0"));
    ip(None, &here)
}

/// The machines, each once.
fn names(ports: &[Port]) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = ports.iter().map(|port| port.0).collect();
    names.dedup();
    names
}

fn namespaces(ports: &[Port]) -> Result<()> {
    let all = names(ports).into_iter().chain(["switch"]);
    ip(None, &all.map(|name| format!("netns add {name}")).collect::<Vec<_>>())
}

/// Bridges and cables.
fn switch(ports: &[Port], uplink: Option<&str>) -> Result<()> {
    if let Some(card) = uplink {
        ip(None, &[format!("link set {card} netns switch")])?;
    }
    let mut lines = Vec::new();
    for bridge in ["ext", "pub", "prv", "far", "mgt"] {
        lines.push(format!("link add {bridge} type bridge"));
        lines.push(format!("link set {bridge} up"));
    }
    for (name, interface, bridge, _) in ports {
        lines.push(format!("link add {name}-{interface} type veth peer name {interface} netns {name}"));
        lines.push(format!("link set {name}-{interface} master {bridge} up"));
    }
    lines.push(format!("link add lab type veth peer name lab0 netns {}", std::process::id()));
    lines.push("link set lab master mgt up".into());
    if let Some(card) = uplink {
        lines.push(format!("link set {card} master mgt up"));
    }
    ip(Some("switch"), &lines)
}

/// One machine's routes, virtual addresses and kernel settings.
fn machine(name: &str, servers: Servers) -> Result<()> {
    let mut lines = Vec::new();
    let mut settings = Vec::new();
    match (name, servers) {
        ("client", _) => lines.push("route add default via 172.16.0.1".into()),
        ("router", _) => settings.push("net.ipv4.ip_forward=1"),
        // Forwarding is the host's own setting: IPVS with NAT needs it, and Piranha told its users to set it.
        ("d1" | "d2", _) => {
            lines.push("route add default via 192.168.1.1".into());
            settings.push("net.ipv4.ip_forward=1");
        }
        ("rs1" | "rs2", Servers::Nat) => lines.push("route add default via 10.0.0.254".into()),
        ("rs1" | "rs2", Servers::Direct) => {
            lines.push("route add default via 192.168.1.1".into());
            lines.push(format!("addr add {VIP}/32 dev lo"));
            settings.extend(["net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2"]);
        }
        ("rs1" | "rs2", Servers::Tunnel) => {
            lines.push("route add default via 172.20.0.1".into());
            // Making any tunnel brings up the module, and with it each namespace's own end of all tunnels, tunl0.
            lines.push("link add far1 type ipip remote 192.0.2.1".into());
            lines.push("link del far1".into());
            lines.push("link set tunl0 up".into());
            lines.push(format!("addr add {VIP}/32 dev tunl0"));
            settings.extend(["net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.tunl0.rp_filter=0"]);
            settings.extend(["net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2"]);
        }
        _ => {}
    }
    ip(Some(name), &lines)?;
    if !settings.is_empty() {
        let mut command = within(name, &["sysctl", "-q", "-w"]);
        command.args(settings);
        process::run(command)?;
    }
    Ok(())
}

/// Runs lines of `ip`, all in one process.
pub(crate) fn ip(namespace: Option<&str>, lines: &[String]) -> Result<()> {
    let mut words = vec!["ip"];
    if let Some(name) = namespace {
        words.extend(["-n", name]);
    }
    words.extend(["-batch", "-"]);
    let finished = process::finish(process::command(words), (lines.join("\n") + "\n").as_bytes())?;
    let done = finished.status.success().then_some(());
    done.with_context(|| format!("ip in {}: {}", namespace.unwrap_or("this namespace"), finished.said()))
}

/// The hardware address of a machine's interface.
pub(crate) fn hardware_address(namespace: &str, interface: &str) -> Result<String> {
    let link = process::run(process::command(["ip", "-n", namespace, "link", "show", interface]))?;
    let mut words = link.split_whitespace().skip_while(|word| *word != "link/ether");
    words
        .nth(1)
        .map(str::to_owned)
        .with_context(|| format!("{interface} of {namespace} has no hardware address"))
}

/// Gives a machine packet filter rules, in words of `nft`.
pub(crate) fn rules(namespace: &str, text: &str) -> Result<()> {
    let finished = process::finish(within(namespace, &["nft", "-f", "-"]), text.as_bytes())?;
    let done = finished.status.success().then_some(());
    done.with_context(|| format!("nft in {namespace}: {}", finished.said()))
}

/// Packets that a named counter of a machine's rules has seen.
pub(crate) fn counted(namespace: &str, name: &str) -> Result<u64> {
    let text = process::run(within(namespace, &["nft", "-j", "list", "counters"]))?;
    let listed: serde_json::Value = serde_json::from_str(&text)?;
    let objects =
        listed.pointer("/nftables").and_then(serde_json::Value::as_array).context("nft listed nothing")?;
    let mut counters = objects.iter().filter_map(|object| object.get("counter"));
    let counter =
        counters.find(|counter| counter.get("name").and_then(serde_json::Value::as_str) == Some(name));
    counter
        .and_then(|counter| counter.get("packets")?.as_u64())
        .with_context(|| format!("nft listed no counter {name}"))
}

/// A command in a namespace.
pub(crate) fn within(namespace: &str, words: &[&str]) -> Command {
    process::command(["ip", "netns", "exec", namespace].iter().chain(words))
}
