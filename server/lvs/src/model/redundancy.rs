//! How two directors watch each other, and by which protocol.

use std::net::IpAddr;
use std::num::NonZeroU8;

use serde::{Deserialize, Serialize};

use super::cluster::Seat;
use super::device::Device;
use super::secret::Secret;
use super::service::Vip;

/// How two directors watch each other. Times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Redundancy {
    /// Whether the backup director takes part (lvs.cf `backup_active`).
    pub enabled: bool,
    /// What the directors speak with each other.
    pub protocol: RedundancyProtocol,
    /// UDP port of the heartbeat, on both directors.
    pub heartbeat_port: u16,
    /// Time between two beats, milliseconds (lvs.cf `keepalive`); with VRRP the advertisement interval.
    pub interval_ms: u32,
    /// Silence after which the partner counts as dead, milliseconds. VRRP computes its own from the interval.
    pub deadtime_ms: u32,
    /// Whether the director of the better seat takes the addresses back when it returns.
    pub preempt: bool,
    /// Seconds that a returned director waits before it does; 0 to 1000.
    #[serde(skip_serializing_if = "is_zero")]
    pub preempt_delay_s: u32,
    /// Watch the carrier of the interfaces that hold a director's own addresses.
    pub monitor_links: bool,
    /// A router on the network of a director's own address. A director that hears neither it nor anybody else there is cut
    /// off itself, and does not claim (*isolation*); it is asked by ARP or neighbour discovery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// Whether the console, on a machine that is no director of the cluster, is asked before a claim if it hears the
    /// partner say that it is active.
    #[serde(skip_serializing_if = "is_false")]
    pub witness: bool,
    /// Addresses that move together with the virtual ones and belong to no virtual server.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Vip>,
    /// Copying of connections to the partner's kernel.
    pub sync: ConnectionSync,
    /// Program and arguments run on becoming active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_cmd: Option<String>,
    /// Program and arguments run on becoming standby.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inactive_cmd: Option<String>,
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

fn is_false(value: &bool) -> bool {
    !*value
}

impl Default for Redundancy {
    fn default() -> Self {
        Redundancy {
            enabled: false,
            protocol: RedundancyProtocol::Heartbeat,
            heartbeat_port: 539,
            interval_ms: 100,
            deadtime_ms: 500,
            preempt: false,
            preempt_delay_s: 0,
            monitor_links: false,
            gateway: None,
            witness: false,
            addresses: Vec::new(),
            sync: ConnectionSync::default(),
            active_cmd: None,
            inactive_cmd: None,
        }
    }
}

/// What two directors speak with each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase", tag = "kind", deny_unknown_fields)]
pub enum RedundancyProtocol {
    /// Caribe's own authenticated heartbeat over UDP.
    #[default]
    Heartbeat,
    /// VRRP, as keepalived speaks it.
    Vrrp(Vrrp),
    /// Piranha's own beat, for the days in which one director of a pair is Piranha's still. Not authenticated.
    Pulse,
}

impl RedundancyProtocol {
    /// The word used in forms and findings.
    pub fn as_str(&self) -> &'static str {
        match self {
            RedundancyProtocol::Heartbeat => "heartbeat",
            RedundancyProtocol::Vrrp(_) => "vrrp",
            RedundancyProtocol::Pulse => "pulse",
        }
    }

    /// The VRRP instances; none with another protocol.
    pub fn instances(&self) -> &[VrrpInstance] {
        match self {
            RedundancyProtocol::Heartbeat | RedundancyProtocol::Pulse => &[],
            RedundancyProtocol::Vrrp(vrrp) => &vrrp.instances,
        }
    }

    /// The same, to be changed.
    pub(super) fn instances_mut(&mut self) -> &mut [VrrpInstance] {
        match self {
            RedundancyProtocol::Heartbeat | RedundancyProtocol::Pulse => &mut [],
            RedundancyProtocol::Vrrp(vrrp) => &mut vrrp.instances,
        }
    }

    /// Whether directors send to each other's address, which must therefore be known.
    pub fn needs_addresses(&self) -> bool {
        match self {
            RedundancyProtocol::Heartbeat | RedundancyProtocol::Pulse => true,
            RedundancyProtocol::Vrrp(vrrp) => vrrp.instances.iter().any(|instance| instance.unicast),
        }
    }
}

/// VRRP with its instances.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Vrrp {
    /// Version on the wire for IPv4; IPv6 is always 3.
    #[serde(default)]
    pub version: VrrpVersion,
    /// The virtual routers. All of them are held by the same director.
    pub instances: Vec<VrrpInstance>,
}

/// Version of VRRP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "u8", into = "u8")]
pub enum VrrpVersion {
    /// RFC 3768: whole seconds, simple passwords. keepalived's default.
    #[default]
    V2,
    /// RFC 9568: hundredths of seconds, IPv6, no passwords.
    V3,
}

impl From<VrrpVersion> for u8 {
    fn from(version: VrrpVersion) -> u8 {
        match version {
            VrrpVersion::V2 => 2,
            VrrpVersion::V3 => 3,
        }
    }
}

impl TryFrom<u8> for VrrpVersion {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            2 => Ok(VrrpVersion::V2),
            3 => Ok(VrrpVersion::V3),
            other => Err(format!("VRRP has the versions 2 and 3, not {other}")),
        }
    }
}

/// One virtual router (RFC 9568 §1.7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VrrpInstance {
    /// Unique in the cluster.
    pub name: String,
    /// Interface that advertisements go out of.
    pub interface: Device,
    /// Virtual router id (VRID), 1 to 255; unique per interface and family.
    pub virtual_router_id: NonZeroU8,
    /// Priority of each director.
    pub priority: PriorityPair,
    /// Simple password of version 2 (`auth_type PASS`), at most 8 bytes; it protects against mistakes, not attackers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// Sent to the partner's address instead of the multicast group.
    #[serde(default)]
    pub unicast: bool,
    /// The addresses that are advertised, in this order.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
}

/// A VRRP priority for each seat, 1 to 255; the higher one is preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PriorityPair {
    /// Of the director in the primary seat.
    pub primary: NonZeroU8,
    /// Of the director in the backup seat.
    pub backup: NonZeroU8,
}

impl PriorityPair {
    /// The one of a seat.
    pub fn of(self, seat: Seat) -> NonZeroU8 {
        match seat {
            Seat::Primary => self.primary,
            Seat::Backup => self.backup,
        }
    }
}

/// The kernel's connection synchronisation between the two directors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionSync {
    /// Whether connections are copied at all (lvs.cf `syncdaemon`).
    pub enabled: bool,
    /// Multicast interface; the private path when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<Device>,
    /// Sync id, the same on both directors.
    pub id: u8,
}
