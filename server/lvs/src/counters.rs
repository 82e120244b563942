//! What a kernel has counted; never compared with intent.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::table::{ServerKey, ServiceKey};

/// Totals since the row was added (`IPVS_STATS_ATTR_*`, the 64-bit set). The kernel refreshes them every two seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceCounters {
    /// The service's totals.
    pub totals: Totals,
    /// By real server.
    pub servers: BTreeMap<ServerKey, ServerCounters>,
}

/// All counters of one moment.
pub type Counters = BTreeMap<ServiceKey, ServiceCounters>;

/// What is different between two moments, by service: most services of a large table stand still for most of the time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CountersChange {
    /// Services that came or changed, whole.
    #[serde(default)]
    pub changed: Counters,
    /// Services that went.
    #[serde(default)]
    pub gone: BTreeSet<ServiceKey>,
}

impl CountersChange {
    /// What leads from `before` to `after`.
    pub fn between(before: &Counters, after: &Counters) -> Self {
        let changed = after.iter().filter(|(key, now)| before.get(key) != Some(now));
        CountersChange {
            changed: changed.map(|(key, now)| (*key, now.clone())).collect(),
            gone: before.keys().filter(|key| !after.contains_key(key)).copied().collect(),
        }
    }

    /// Whether the two moments are alike.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.gone.is_empty()
    }

    /// Leads `counters` on by this change.
    pub fn apply(self, counters: &mut Counters) {
        counters.retain(|key, _| !self.gone.contains(key));
        counters.extend(self.changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(services: &[(u16, u64)]) -> Counters {
        let service = |connections| ServiceCounters {
            totals: Totals { connections, ..Totals::default() },
            servers: [("10.0.0.1:80".parse().unwrap(), ServerCounters::default())].into(),
        };
        services
            .iter()
            .map(|(port, n)| (format!("tcp 192.0.2.1:{port}").parse().unwrap(), service(*n)))
            .collect()
    }

    #[test]
    fn a_change_leads_from_one_moment_to_the_next_and_holds_no_more_than_that() {
        let moments = [
            counters(&[]),
            counters(&[(80, 1), (81, 1)]),
            counters(&[(80, 2), (81, 1)]),
            counters(&[(81, 1)]),
        ];
        for before in &moments {
            for after in &moments {
                let change = CountersChange::between(before, after);
                assert_eq!(change.is_empty(), before == after);
                let mut led = before.clone();
                change.apply(&mut led);
                assert_eq!(led, *after);
            }
        }
        let change = CountersChange::between(&moments[1], &moments[2]);
        assert_eq!((change.changed.len(), change.gone.len()), (1, 0));
        assert_eq!(CountersChange::between(&moments[2], &moments[3]).gone.len(), 1);
    }
}
