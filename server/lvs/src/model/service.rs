//! Virtual servers and their real servers. How both are checked is in `monitor`.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::cluster::Id;
use super::device::Device;
use super::host::MarkedTraffic;
use super::monitor::{Monitor, Quorum, SorryCheck};
use super::scheduler::{Scheduler, SchedulerFlags};
use crate::table::Family;

/// One balanced service: an address, protocol and port, or a firewall mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VirtualServer {
    /// Given by the console.
    #[serde(default)]
    pub id: Id,
    /// Unique in the cluster; 1 to 64 characters.
    pub name: String,
    /// Whether it takes part (Piranha's (DE)ACTIVATE).
    #[serde(default = "yes")]
    pub active: bool,
    /// The address clients use. A service by mark may have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vip: Option<Vip>,
    /// Firewall mark; when given it is the service's key in the kernel instead of address, protocol and port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<NonZeroU32>,
    /// Packets that the directors give this mark; needs a mark. None: somebody else marks them. At most
    /// [`MARKED_MAXIMUM`](super::MARKED_MAXIMUM).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marked: Vec<MarkedTraffic>,
    /// Family of a service by mark without an address; IPv4 where absent. An address says it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// Transport protocol.
    #[serde(default)]
    pub protocol: Protocol,
    /// Service port; also the real servers' port where they name none. 0 means all ports and needs persistence or a mark.
    #[serde(default = "port_80")]
    pub port: u16,
    /// How a real server is picked.
    #[serde(default)]
    pub scheduler: Scheduler,
    /// Options of the scheduler.
    #[serde(default, skip_serializing_if = "SchedulerFlags::is_empty")]
    pub scheduler_flags: SchedulerFlags,
    /// Same client, same real server, for a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistence: Option<Persistence>,
    /// Schedule every UDP datagram by itself (`--ops`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub one_packet: bool,
    /// On failure set a real server's weight to 0 instead of removing it.
    #[serde(default)]
    pub quiesce: bool,
    /// How much of its real servers must be up for it to be served by them.
    #[serde(default, skip_serializing_if = "Quorum::is_usual")]
    pub quorum: Quorum,
    /// Answers when no real server can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sorry_server: Option<SorryServer>,
    /// How real servers that have no checks of their own are checked.
    #[serde(default)]
    pub monitor: Monitor,
    /// The machines that answer, in the order the administrator gave.
    #[serde(default)]
    pub real_servers: Vec<RealServer>,
    /// Directives of an imported file that Caribe does not act on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

fn port_80() -> u16 {
    80
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// A virtual address and where it is put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Vip {
    /// The address clients use.
    pub address: IpAddr,
    /// Prefix length as programmed; absent means /32 or /128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<u8>,
    /// Interface with an optional label. Absent: the address is not managed here (the host or its router already has it).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
}

/// Transport protocol of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP (6).
    #[default]
    Tcp,
    /// UDP (17).
    Udp,
    /// SCTP (132).
    Sctp,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];

    /// The word used in files and on screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        }
    }

    /// IANA protocol number (`IPVS_SVC_ATTR_PROTOCOL`).
    pub fn number(self) -> u16 {
        match self {
            Protocol::Tcp => 6,
            Protocol::Udp => 17,
            Protocol::Sctp => 132,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Persistence of clients on one real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Persistence {
    /// Seconds since the client's last connection; 1 to 2678400 (31 days).
    pub timeout_s: u32,
    /// Clients whose addresses agree in this many leading bits count as one; absent means each by itself. IPv4 1–32, IPv6 1–128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<u8>,
}

/// Answers in place of real servers when none is available.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SorryServer {
    /// Its address.
    pub address: IpAddr,
    /// Its port; the virtual server's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its own forwarding; the cluster's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<Forwarding>,
    /// Whether it is checked itself.
    #[serde(default, skip_serializing_if = "is_never")]
    pub check: SorryCheck,
}

fn is_never(check: &SorryCheck) -> bool {
    *check == SorryCheck::Never
}

/// Share of new connections. 0 takes no new ones (quiesced); at most 65535, as ipvsadm allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Weight(pub u16);

impl Default for Weight {
    fn default() -> Self {
        Weight(1)
    }
}

/// A machine that answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RealServer {
    /// Given by the console.
    #[serde(default)]
    pub id: Id,
    /// Unique in its virtual server; 1 to 64 characters.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// Its port; the virtual server's where absent. Only NAT can rewrite it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Whether it takes part (Piranha's (DE)ACTIVATE).
    #[serde(default = "yes")]
    pub active: bool,
    /// Its share.
    #[serde(default)]
    pub weight: Weight,
    /// Its own forwarding; the cluster's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<Forwarding>,
    /// Takes part only while the others do not reach the quorum, beside those of them that are up.
    #[serde(default, skip_serializing_if = "is_false")]
    pub backup: bool,
    /// What happens on failure: weight 0, or removal; as the virtual server says where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiesce: Option<bool>,
    /// Bounds on its connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<ConnectionLimit>,
    /// Its own checks in place of the virtual server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<Monitor>,
    /// Directives of an imported file that Caribe does not act on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<String, String>,
}

/// Above `upper` connections a real server gets no new ones until it falls below `lower`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConnectionLimit {
    /// Upper threshold, connections; at least 1.
    pub upper: u32,
    /// Lower threshold, connections; at most `upper`. 0 lets the kernel take three quarters of `upper`.
    #[serde(default)]
    pub lower: u32,
}

/// How packets get from the director to a real server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Forwarding {
    /// Address translation; replies pass the director (masquerading).
    #[default]
    Nat,
    /// Direct routing: only the MAC address changes; replies bypass the director.
    Direct,
    /// Encapsulation; replies bypass the director.
    Tunnel(Tunnel),
}

impl Forwarding {
    /// The word of lvs.cf and the screen, without a tunnel's details.
    pub fn as_str(self) -> &'static str {
        match self {
            Forwarding::Nat => "nat",
            Forwarding::Direct => "direct",
            Forwarding::Tunnel(_) => "tunnel",
        }
    }
}

impl FromStr for Forwarding {
    type Err = ();

    /// Reads the word of lvs.cf; a tunnel is a plain IP-in-IP one.
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "nat" => Ok(Forwarding::Nat),
            "direct" => Ok(Forwarding::Direct),
            "tunnel" => Ok(Forwarding::Tunnel(Tunnel::default())),
            _ => Err(()),
        }
    }
}

/// The encapsulation of a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tunnel {
    /// Outer protocol.
    #[serde(default)]
    pub kind: TunnelKind,
    /// UDP port of GUE; 0 and unused otherwise.
    #[serde(default)]
    pub port: u16,
    /// Checksum of the outer header.
    #[serde(default)]
    pub checksum: TunnelChecksum,
}

/// Outer protocol of a tunnel (`IPVS_DEST_ATTR_TUN_TYPE`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TunnelKind {
    /// IP in IP (0).
    #[default]
    Ipip,
    /// Generic UDP encapsulation (1); needs a port.
    Gue,
    /// Generic routing encapsulation (2).
    Gre,
}

/// Checksum of a tunnel's outer header (`IPVS_DEST_ATTR_TUN_FLAGS`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TunnelChecksum {
    /// None (0).
    #[default]
    None,
    /// Full checksum (1); not with ipip.
    Full,
    /// Remote checksum offload (2); GUE only.
    Remote,
}
