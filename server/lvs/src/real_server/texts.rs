//! The same set-up as a shell script, and as files for systemd: for machines where nobody wants a program of ours.
//!
//! Only addresses and our own names are put into them, so nothing has to be quoted.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use super::ends::prefix;
use super::{End, GuePort, Wanted};
use crate::table::Family;

/// Where the script keeps what parameters were before.
const FORMER: &str = "/var/lib/caribe-real-server.sysctl";

/// Parameters and their values, as they are for every machine.
fn parameters(wanted: &Wanted) -> Vec<(String, &'static str)> {
    let mut list = Vec::new();
    if wanted.vips.iter().any(IpAddr::is_ipv4) {
        let all = |leaf: &str| format!("net.ipv4.conf.all.{leaf}");
        list.extend([(all("arp_ignore"), "1"), (all("arp_announce"), "2")]);
        let ends = wanted.ends().into_iter().filter(|end| end.has_reverse_path());
        list.extend(ends.map(|end| (format!("net.ipv4.conf.{}.rp_filter", end.name()), "2")));
    }
    list
}

/// An address with its prefix.
fn spelled(vip: IpAddr) -> String {
    format!("{vip}/{}", prefix(vip))
}

/// The modules that bring what packets come out of.
fn modules(wanted: &Wanted) -> Vec<&'static str> {
    let listening = (!wanted.gue_ports().is_empty()).then_some(End::Fou);
    wanted.ends().into_iter().chain(listening).map(End::module).collect()
}

/// A script for sh(1) that sets a machine up, or undoes what it did.
pub fn script(wanted: &Wanted, undo: bool) -> String {
    let mut text = String::from("#!/bin/sh\n");
    // Writing to a text cannot fail.
    let mut line = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    let names: Vec<String> = parameters(wanted).into_iter().map(|(name, _)| name).collect();
    if undo {
        line("# Made by: caribe real-server setup --print script --undo. Run it as root.".into());
        line("set -u".into());
        for vip in &wanted.vips {
            line(format!("ip addr del {} dev {}", spelled(*vip), wanted.interface(*vip)));
        }
        for end in wanted.ends() {
            line(format!("ip link set {} down", end.name()));
        }
        for port in wanted.gue_ports() {
            line(format!("{} del port {}", port.ip(), port.port));
        }
        if !names.is_empty() {
            line(format!("if [ -e {FORMER} ]; then sysctl -q -p {FORMER} && rm {FORMER}; fi"));
        }
        return text;
    }
    line("# Made by: caribe real-server setup --print script. Run it as root, at each boot.".into());
    line("set -eu".into());
    for module in modules(wanted) {
        line(format!("modprobe {module}"));
    }
    if !names.is_empty() {
        line("# What the parameters were before, for undoing it.".into());
        line(format!("[ -e {FORMER} ] || sysctl {} > {FORMER}", names.join(" ")));
    }
    for (name, value) in parameters(wanted) {
        line(format!("sysctl -q -w {name}={value}"));
    }
    for end in wanted.ends() {
        line(format!("ip link set {} up", end.name()));
    }
    for port in wanted.gue_ports() {
        // Run again it is there already, and adding it fails.
        line(format!("{port} 2>/dev/null || ip fou show | grep -q 'port {} gue'", port.port));
    }
    for vip in &wanted.vips {
        let (address, interface) = (spelled(*vip), wanted.interface(*vip));
        let deprecated = if vip.is_ipv6() { " nodad preferred_lft 0" } else { "" };
        line(format!("ip addr replace {address} dev {interface}{deprecated}"));
    }
    text
}

/// Files for systemd-networkd, systemd-sysctl and systemd-modules-load, by path: what they say.
pub fn networkd(wanted: &Wanted) -> Vec<(String, String)> {
    let made = "# Made by: caribe real-server setup --print networkd\n";
    let mut files = Vec::new();
    let modules: String = modules(wanted).into_iter().map(|module| format!("{module}\n")).collect();
    if !modules.is_empty() {
        files.push(("/etc/modules-load.d/caribe-real-server.conf".to_owned(), format!("{made}{modules}")));
    }
    let values: String =
        parameters(wanted).into_iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    if !values.is_empty() {
        files.push(("/etc/sysctl.d/60-caribe-real-server.conf".to_owned(), format!("{made}{values}")));
    }
    for port in wanted.gue_ports() {
        let (path, text) = listening(port);
        files.push((path, format!("{made}{text}")));
    }
    let interfaces: BTreeSet<&str> = wanted.vips.iter().map(|vip| wanted.interface(*vip)).collect();
    for interface in interfaces {
        let mut text = format!("{made}[Match]\nName={interface}\n");
        for vip in &wanted.vips {
            if wanted.interface(*vip) == interface {
                let _ = write!(text, "\n[Address]\nAddress={}\n", spelled(*vip));
                if vip.is_ipv6() {
                    text.push_str("PreferredLifetime=0\nDuplicateAddressDetection=none\n");
                }
            }
        }
        files.push((format!("/etc/systemd/network/10-caribe-{interface}.network"), text));
    }
    files
}

/// The file that has packets in UDP taken on a port: systemd-networkd does it for IPv4, a service for IPv6.
fn listening(port: GuePort) -> (String, String) {
    match port.family {
        Family::Ipv4 => (
            "/etc/systemd/network/10-caribe-gue.netdev".to_owned(),
            format!(
                "[NetDev]\nName=caribe-gue\nKind=fou\n\n[FooOverUDP]\nPort={}\n\
                 Encapsulation=GenericUDPEncapsulation\n",
                port.port
            ),
        ),
        Family::Ipv6 => (
            "/etc/systemd/system/caribe-gue-ipv6.service".to_owned(),
            format!(
                "# Enable it: systemctl enable --now caribe-gue-ipv6\n[Unit]\nAfter=systemd-modules-load.service\n\n\
                 [Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/sbin/{port}\n\
                 ExecStop=/sbin/{} del port {}\n\n[Install]\nWantedBy=multi-user.target\n",
                port.ip(),
                port.port
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Encapsulation, Mode};
    use super::*;

    const TUNNEL: Mode = Mode::Tunnel(Encapsulation::Ipip);

    fn wanted(mode: Mode, vips: &[&str]) -> Wanted {
        Wanted { mode, vips: vips.iter().map(|vip| vip.parse().unwrap()).collect() }
    }

    #[test]
    fn a_script_sets_up_and_undoes() {
        let tunnel = wanted(TUNNEL, &["192.168.1.250"]);
        let lines: Vec<String> = script(&tunnel, false).lines().skip(3).map(str::to_owned).collect();
        assert_eq!(
            lines,
            [
                "modprobe ipip",
                "# What the parameters were before, for undoing it.",
                "[ -e /var/lib/caribe-real-server.sysctl ] || sysctl net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce net.ipv4.conf.tunl0.rp_filter > /var/lib/caribe-real-server.sysctl",
                "sysctl -q -w net.ipv4.conf.all.arp_ignore=1",
                "sysctl -q -w net.ipv4.conf.all.arp_announce=2",
                "sysctl -q -w net.ipv4.conf.tunl0.rp_filter=2",
                "ip link set tunl0 up",
                "ip addr replace 192.168.1.250/32 dev tunl0",
            ]
        );
        let undone = script(&tunnel, true);
        let at = |part: &str| undone.find(part).unwrap_or_else(|| panic!("no {part} in\n{undone}"));
        assert!(at("ip addr del 192.168.1.250/32 dev tunl0") < at("ip link set tunl0 down"));
        assert!(at("ip link set tunl0 down") < at("sysctl -q -p"));
        let six = script(&wanted(Mode::Direct, &["2001:db8::250"]), false);
        assert!(
            six.contains("ip addr replace 2001:db8::250/128 dev lo nodad") && !six.contains("sysctl"),
            "{six}"
        );
    }

    #[test]
    fn networkd_gets_a_file_for_each_matter() {
        let files = networkd(&wanted(TUNNEL, &["192.168.1.250", "192.168.1.251", "2001:db8::250"]));
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "/etc/modules-load.d/caribe-real-server.conf",
                "/etc/sysctl.d/60-caribe-real-server.conf",
                "/etc/systemd/network/10-caribe-ip6tnl0.network",
                "/etc/systemd/network/10-caribe-tunl0.network",
            ]
        );
        assert!(files[0].1.ends_with("ipip\nip6_tunnel\n"));
        let body = &files[3].1;
        assert!(body.contains("Name=tunl0\n\n[Address]\nAddress=192.168.1.250/32\n\n[Address]"), "{body}");
        assert_eq!(networkd(&wanted(Mode::Direct, &["2001:db8::1"])).len(), 1);
    }

    #[test]
    fn gue_and_gre_have_ends_of_their_own() {
        let gue =
            wanted(Mode::Tunnel(Encapsulation::Gue { port: 6080 }), &["192.168.1.250", "2001:db8::250"]);
        let text = script(&gue, false);
        for line in [
            "modprobe ipip",
            "modprobe ip6_tunnel",
            "modprobe fou",
            "ip link set tunl0 up",
            "ip fou add port 6080 gue 2>/dev/null || ip fou show | grep -q 'port 6080 gue'",
            "ip -6 fou add port 6080 gue 2>/dev/null || ip fou show | grep -q 'port 6080 gue'",
            "ip addr replace 192.168.1.250/32 dev tunl0",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
        }
        let undone = script(&gue, true);
        let at = |part: &str| undone.find(part).unwrap_or_else(|| panic!("no {part} in\n{undone}"));
        assert!(at("ip addr del 192.168.1.250/32 dev tunl0") < at("\nip fou del port 6080"));
        assert!(at("ip -6 fou del port 6080") < at("sysctl -q -p"));
        let files = networkd(&gue);
        let file = |path: &str| &files.iter().find(|(found, _)| found.ends_with(path)).unwrap().1;
        assert!(file("modules-load.d/caribe-real-server.conf").ends_with("ipip\nip6_tunnel\nfou\n"));
        assert!(file("10-caribe-gue.netdev").ends_with("Port=6080\nEncapsulation=GenericUDPEncapsulation\n"));
        assert!(file("caribe-gue-ipv6.service").contains("ExecStart=/sbin/ip -6 fou add port 6080 gue\n"));

        let gre = wanted(Mode::Tunnel(Encapsulation::Gre), &["192.168.1.250", "2001:db8::250"]);
        let text = script(&gre, false);
        assert!(text.contains("modprobe ip_gre\nmodprobe ip6_gre\n"), "{text}");
        assert!(text.contains("sysctl -q -w net.ipv4.conf.gre0.rp_filter=2\n"), "{text}");
        assert!(text.contains("ip addr replace 192.168.1.250/32 dev gre0\n"), "{text}");
        assert!(text.contains("2001:db8::250/128 dev ip6gre0 nodad") && !text.contains("fou"), "{text}");
        assert!(networkd(&gre).iter().any(|(path, _)| path.ends_with("10-caribe-gre0.network")));
    }
}
