//! What a kernel has counted; never compared with intent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::table::{ServerKey, ServiceKey};

/// Totals since the row was added (`IPVS_STATS_ATTR_*`, the 64-bit set). The kernel refreshes them every two seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Connections scheduled.
    pub connections: u64,
    /// Packets towards the real server.
    pub in_packets: u64,
    /// Packets from it; 0 with direct routing and tunnels.
    pub out_packets: u64,
    /// Bytes towards the real server.
    pub in_bytes: u64,
    /// Bytes from it; 0 with direct routing and tunnels.
    pub out_bytes: u64,
}

/// A real server's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerCounters {
    /// Its weight at that moment.
    pub weight: u32,
    /// Active connections (`ActiveConn`).
    pub active: u32,
    /// Inactive connections (`InActConn`); where the kernel counts UDP.
    pub inactive: u32,
    /// Persistence templates.
    #[serde(default)]
    pub persistent: u32,
    /// Totals.
    pub totals: Totals,
}

/// A service's numbers with those of its real servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCounters {
    /// The service's totals.
    pub totals: Totals,
    /// By real server.
    pub servers: BTreeMap<ServerKey, ServerCounters>,
}

/// All counters of one moment.
pub type Counters = BTreeMap<ServiceKey, ServiceCounters>;
