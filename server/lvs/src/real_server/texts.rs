//! The same set-up as a shell script, and as files for systemd: for machines where nobody wants a program of ours.
//!
//! Only addresses and our own names are put into them, so nothing has to be quoted.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use super::{End, Mode, Wanted};

/// Where the script keeps what parameters were before.
const FORMER: &str = "/var/lib/caribe-real-server.sysctl";

/// Parameters and their values, as they are for every machine.
fn parameters(wanted: &Wanted) -> Vec<(&'static str, &'static str)> {
    let mut list = Vec::new();
    if wanted.vips.iter().any(IpAddr::is_ipv4) {
        list.extend([("net.ipv4.conf.all.arp_ignore", "1"), ("net.ipv4.conf.all.arp_announce", "2")]);
        if wanted.mode == Mode::Tunnel {
            list.push(("net.ipv4.conf.tunl0.rp_filter", "2"));
        }
    }
    list
}

fn ends(wanted: &Wanted) -> BTreeSet<End> {
    match wanted.mode {
        Mode::Direct => BTreeSet::new(),
        Mode::Tunnel => wanted.vips.iter().map(|vip| End::of(*vip)).collect(),
    }
}

fn place(mode: Mode, vip: IpAddr) -> (String, &'static str) {
    let interface = match mode {
        Mode::Direct => "lo",
        Mode::Tunnel => End::of(vip).interface(),
    };
    (format!("{vip}/{}", if vip.is_ipv4() { 32 } else { 128 }), interface)
}

/// A script for sh(1) that sets a machine up, or undoes what it did.
pub fn script(wanted: &Wanted, undo: bool) -> String {
    let mut text = String::from("#!/bin/sh\n");
    // Writing to a text cannot fail.
    let mut line = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    let names: Vec<&str> = parameters(wanted).into_iter().map(|(name, _)| name).collect();
    if undo {
        line("# Made by: caribe real-server setup --print script --undo. Run it as root.".into());
        line("set -u".into());
        for vip in &wanted.vips {
            let (address, interface) = place(wanted.mode, *vip);
            line(format!("ip addr del {address} dev {interface}"));
        }
        for end in ends(wanted) {
            line(format!("ip link set {} down", end.interface()));
        }
        if !names.is_empty() {
            line(format!("if [ -e {FORMER} ]; then sysctl -q -p {FORMER} && rm {FORMER}; fi"));
        }
        return text;
    }
    line("# Made by: caribe real-server setup --print script. Run it as root, at each boot.".into());
    line("set -eu".into());
    for end in ends(wanted) {
        line(format!("modprobe {}", end.module()));
    }
    if !names.is_empty() {
        line("# What the parameters were before, for undoing it.".into());
        line(format!("[ -e {FORMER} ] || sysctl {} > {FORMER}", names.join(" ")));
    }
    for (name, value) in parameters(wanted) {
        line(format!("sysctl -q -w {name}={value}"));
    }
    for end in ends(wanted) {
        line(format!("ip link set {} up", end.interface()));
    }
    for vip in &wanted.vips {
        let (address, interface) = place(wanted.mode, *vip);
        let deprecated = if vip.is_ipv6() { " nodad preferred_lft 0" } else { "" };
        line(format!("ip addr replace {address} dev {interface}{deprecated}"));
    }
    text
}

/// Files for systemd-networkd, systemd-sysctl and systemd-modules-load, by path: what they say.
pub fn networkd(wanted: &Wanted) -> Vec<(String, String)> {
    let made = "# Made by: caribe real-server setup --print networkd\n";
    let mut files = Vec::new();
    let ends = ends(wanted);
    if !ends.is_empty() {
        let modules: String = ends.iter().map(|end| format!("{}\n", end.module())).collect();
        files.push(("/etc/modules-load.d/caribe-real-server.conf".to_owned(), format!("{made}{modules}")));
    }
    let values: String =
        parameters(wanted).into_iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    if !values.is_empty() {
        files.push(("/etc/sysctl.d/60-caribe-real-server.conf".to_owned(), format!("{made}{values}")));
    }
    let interfaces: BTreeSet<&str> = wanted.vips.iter().map(|vip| place(wanted.mode, *vip).1).collect();
    for interface in interfaces {
        let mut text = format!("{made}[Match]\nName={interface}\n");
        for vip in &wanted.vips {
            let (address, place) = place(wanted.mode, *vip);
            if place == interface {
                let _ = write!(text, "\n[Address]\nAddress={address}\n");
                if vip.is_ipv6() {
                    text.push_str("PreferredLifetime=0\nDuplicateAddressDetection=none\n");
                }
            }
        }
        files.push((format!("/etc/systemd/network/10-caribe-{interface}.network"), text));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(mode: Mode, vips: &[&str]) -> Wanted {
        Wanted { mode, vips: vips.iter().map(|vip| vip.parse().unwrap()).collect() }
    }

    #[test]
    fn a_script_sets_up_and_undoes() {
        let tunnel = wanted(Mode::Tunnel, &["192.168.1.250"]);
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
        let files = networkd(&wanted(Mode::Tunnel, &["192.168.1.250", "192.168.1.251", "2001:db8::250"]));
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
}
