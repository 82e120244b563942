//! Rows of the IPVS table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::key::{ServerKey, ServiceKey};
use crate::model::{SchedulerFlags, Tunnel};

/// The IPVS table: services with their real servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Table {
    /// By key.
    pub services: BTreeMap<ServiceKey, Service>,
}

/// One service and its real servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Service {
    /// The service's own settings.
    pub row: ServiceRow,
    /// Its real servers, by key.
    pub servers: BTreeMap<ServerKey, ServerRow>,
}

/// A service's settings, without its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceRow {
    /// Kernel name of the scheduler; a name rather than our enum, because foreign rows may use any.
    pub scheduler: String,
    /// The scheduler's options.
    #[serde(default)]
    pub flags: SchedulerFlags,
    /// Persistence, where on.
    #[serde(default)]
    pub persistence: Option<Persist>,
    /// One-packet scheduling (`IP_VS_SVC_F_ONEPACKET`, 0x4).
    #[serde(default)]
    pub one_packet: bool,
}

/// Persistence as the kernel holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Persist {
    /// Seconds.
    pub timeout_s: u32,
    /// The kernel's netmask: for IPv4 the mask's bits in host order (`0xffff_ff00` is /24; it may be non-contiguous
    /// in foreign rows), for IPv6 the prefix length 1–128.
    pub mask: u32,
}

/// A real server's settings, without its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerRow {
    /// How packets get there.
    pub forward: Forward,
    /// Share; 0 takes no new connections. The kernel allows up to 2³¹−1.
    pub weight: u32,
    /// Upper connection threshold; 0 for none.
    #[serde(default)]
    pub upper: u32,
    /// Lower connection threshold; 0 for the kernel's own.
    #[serde(default)]
    pub lower: u32,
}

/// How packets get to a real server (`IP_VS_CONN_F_FWD_MASK`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Forward {
    /// Address translation (0).
    Masquerade,
    /// The director itself (1). Tools ask for it; some kernels put it in place of any method when the address is their own.
    Local,
    /// Encapsulation (2).
    Tunnel(Tunnel),
    /// Direct routing (3).
    Direct,
    /// Cache bypass (4); only ever foreign.
    Bypass,
}
