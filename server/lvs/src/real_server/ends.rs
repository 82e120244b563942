//! Where packets come out of tunnels on a real server: interfaces and ports that the kernel has once a module is loaded.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Mode, Wanted};
use crate::table::Family;

/// What a tunnel's packets are wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encapsulation {
    /// IP in IP.
    Ipip,
    /// IP in IP in UDP (generic UDP encapsulation): the port is taken off first, then it is a packet of IP in IP.
    Gue {
        /// On which the directors send it.
        port: u16,
    },
    /// GRE, without keys and checksums.
    Gre,
}

/// The end of all tunnels of a kind, or what listens for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Ports for packets in UDP.
    Fou,
    /// IPv4 in IPv4.
    Tunl0,
    /// IPv6 in IPv6.
    Ip6tnl0,
    /// GRE over IPv4.
    Gre0,
    /// GRE over IPv6.
    Ip6gre0,
}

impl End {
    /// The interface that packets for an address come out of.
    pub fn of(encapsulation: Encapsulation, address: IpAddr) -> Self {
        match (encapsulation, address) {
            (Encapsulation::Gre, IpAddr::V4(_)) => End::Gre0,
            (Encapsulation::Gre, IpAddr::V6(_)) => End::Ip6gre0,
            (_, IpAddr::V4(_)) => End::Tunl0,
            (_, IpAddr::V6(_)) => End::Ip6tnl0,
        }
    }

    /// Its interface; what listens on ports has none and is called as the kernel calls it.
    pub fn name(self) -> &'static str {
        match self {
            End::Fou => "fou",
            End::Tunl0 => "tunl0",
            End::Ip6tnl0 => "ip6tnl0",
            End::Gre0 => "gre0",
            End::Ip6gre0 => "ip6gre0",
        }
    }

    /// The module that brings it.
    pub fn module(self) -> &'static str {
        match self {
            End::Fou => "fou",
            End::Tunl0 => "ipip",
            End::Ip6tnl0 => "ip6_tunnel",
            End::Gre0 => "ip_gre",
            End::Ip6gre0 => "ip6_gre",
        }
    }

    /// Whether the kernel asks for its packets' way back, as it does for IPv4 alone.
    pub(super) fn has_reverse_path(self) -> bool {
        matches!(self, End::Tunl0 | End::Gre0)
    }
}

/// A port on which packets of generic UDP encapsulation are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GuePort {
    /// UDP port.
    pub port: u16,
    /// Of which the outer packets are.
    pub family: Family,
}

impl GuePort {
    /// With which ip(8) begins for it.
    pub(super) fn ip(self) -> &'static str {
        match self.family {
            Family::Ipv4 => "ip fou",
            Family::Ipv6 => "ip -6 fou",
        }
    }
}

impl fmt::Display for GuePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} add port {} gue", self.ip(), self.port)
    }
}

impl Wanted {
    /// Whether packets come in UDP.
    pub fn takes_gue(&self) -> bool {
        !self.gue_ports().is_empty()
    }

    /// The interfaces that packets come out of; none with direct routing.
    pub(super) fn ends(&self) -> BTreeSet<End> {
        match self.mode {
            Mode::Direct => BTreeSet::new(),
            Mode::Tunnel(encapsulation) => self.vips.iter().map(|vip| End::of(encapsulation, *vip)).collect(),
        }
    }

    /// The ports to listen on: one for each family of the addresses.
    pub(super) fn gue_ports(&self) -> BTreeSet<GuePort> {
        match self.mode {
            Mode::Tunnel(Encapsulation::Gue { port }) => {
                self.vips.iter().map(|vip| GuePort { port, family: Family::of(*vip) }).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// The interface that an address goes onto.
    pub(super) fn interface(&self, vip: IpAddr) -> &'static str {
        match self.mode {
            Mode::Direct => "lo",
            Mode::Tunnel(encapsulation) => End::of(encapsulation, vip).name(),
        }
    }
}

/// The prefix of one address.
pub(super) fn prefix(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}
