//! IPv6 beside the addresses of a network with NAT: the same machines, each with one more address on every interface.

use anyhow::Result;
use testkit::process;

use super::{Director, ip, within};

/// The virtual address.
pub(crate) const VIP: &str = "2001:db8:1::250";
/// The address that real servers answer through.
pub(crate) const NAT_ROUTER: &str = "2001:db8:a::fe";
/// The real servers.
pub(crate) const SERVERS: [&str; 2] = ["2001:db8:a::100", "2001:db8:a::200"];

/// A director's public and private address.
pub(crate) fn ends(director: &Director) -> (&'static str, &'static str) {
    if director.namespace == "d1" {
        ("2001:db8:1::10", "2001:db8:a::10")
    } else {
        ("2001:db8:1::20", "2001:db8:a::20")
    }
}

/// Gives the machines of [`super::build`] their addresses. Nothing is looked for twice (`nodad`): the network is ours.
pub(crate) fn add() -> Result<()> {
    let [one, other] = SERVERS;
    for (name, addresses, gateway) in [
        ("client", &[("eth0", "2001:db8:16::2")][..], Some("2001:db8:16::1")),
        ("router", &[("ext0", "2001:db8:16::1"), ("pub0", "2001:db8:1::1")], None),
        ("d1", &[("eth0", "2001:db8:1::10"), ("eth1", "2001:db8:a::10")], Some("2001:db8:1::1")),
        ("d2", &[("eth0", "2001:db8:1::20"), ("eth1", "2001:db8:a::20")], Some("2001:db8:1::1")),
        ("rs1", &[("eth0", one)], Some(NAT_ROUTER)),
        ("rs2", &[("eth0", other)], Some(NAT_ROUTER)),
    ] {
        let mut lines: Vec<String> = addresses
            .iter()
            .map(|(interface, address)| format!("addr add {address}/64 dev {interface} nodad"))
            .collect();
        lines.extend(gateway.map(|gateway| format!("route add ::/0 via {gateway}")));
        ip(Some(name), &lines)?;
        if matches!(name, "router" | "d1" | "d2") {
            process::run(within(name, &["sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1"]))?;
        }
    }
    Ok(())
}

/// Whether a director holds the virtual address and the one that real servers answer through, for use at once.
pub(crate) fn holds(director: &Director) -> Result<bool> {
    let text = process::run(process::command(["ip", "-n", director.namespace, "-6", "-o", "addr"]))?;
    let has = |address: &str| {
        let of = format!(" {address}/");
        text.lines().any(|line| line.contains(&of) && !line.contains("tentative"))
    };
    Ok(has(VIP) && has(NAT_ROUTER))
}
