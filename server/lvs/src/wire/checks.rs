//! What a director's checks say of each real server, with the evidence.
//!
//! Verdicts, weights and orders are sent as they change; evidence follows at a bounded rate, because every probe makes
//! new one. The console holds the last of it in memory, as it does with counters.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::health::{
    AgentState, Drain, Failure, LocalOrders, Order, OrderTarget, Orders, Outcome, Quiescent, Quorum, Reason,
    Standing, Trouble, Verdict,
};
use crate::table::{ServerKey, ServiceKey};

/// All of a director's checks, by service.
pub type Checks = BTreeMap<ServiceKey, ServiceChecks>;

/// What the checks of one service say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceChecks {
    /// How it is served.
    #[serde(default)]
    pub quorum: Quorum,
    /// By real server.
    #[serde(default)]
    pub servers: BTreeMap<ServerKey, CheckStatus>,
    /// The sorry server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sorry: Option<CheckStatus>,
}

/// What is known of one real server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckStatus {
    /// What its checks say.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// Since when, seconds since 1970 on the director's clock.
    pub since_s: i64,
    /// What it stands at in the table.
    pub standing: Standing,
    /// Whether it is on its way to its full weight.
    #[serde(default, skip_serializing_if = "is_false")]
    pub climbing: bool,
    /// What its own agent wants.
    #[serde(default)]
    pub agent: AgentState,
    /// The order in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderStatus>,
    /// How well the checker itself works.
    #[serde(default)]
    pub checker: CheckerStatus,
    /// By check, in the order they are configured.
    #[serde(default)]
    pub checks: Vec<CheckEvidence>,
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// An order in force for a real server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderStatus {
    /// What it was given for: this server, or its machine.
    pub target: OrderTarget,
    /// The order.
    pub order: Order,
    /// How far a drain has come; none where none is ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<Drain>,
}

/// How well a checker itself works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "checker")]
pub enum CheckerStatus {
    /// Results come.
    #[default]
    Working,
    /// The last probe could not be made.
    Troubled {
        /// Why.
        trouble: Trouble,
    },
    /// No result has come for so long.
    Stuck {
        /// Seconds.
        silent_s: u64,
    },
}

/// What one check has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckEvidence {
    /// Its kind, as configured (`connect`, `http`, …).
    pub kind: String,
    /// What this check alone says.
    pub verdict: Verdict,
    /// The last good answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<Evidence>,
    /// The last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Evidence>,
    /// The last question that could not be asked, where none has been since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Evidence>,
    /// Recent results, oldest first; at most 120.
    #[serde(default)]
    pub recent: Vec<Recent>,
}

/// What one probe saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Evidence {
    /// When it began, seconds since 1970 on the director's clock.
    pub at_s: i64,
    /// What came of it.
    pub outcome: Outcome,
    /// More of it in words, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Address and port that were asked, resolved.
    pub target: String,
    /// Address and port that were asked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How long each part took.
    pub timings: Timings,
    /// The first bytes sent, escaped and with secrets masked.
    #[serde(default)]
    pub sent: String,
    /// How many bytes were sent.
    #[serde(default)]
    pub sent_bytes: u64,
    /// The first 512 bytes received, escaped and with secrets masked.
    #[serde(default)]
    pub received: String,
    /// How many bytes were received.
    #[serde(default)]
    pub received_bytes: u64,
    /// When the server's certificate ends, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_ends_s: Option<i64>,
}

/// How long the parts of a probe took, microseconds; absent where it did not come so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Timings {
    /// Until the connection was established.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_us: Option<u64>,
    /// For the TLS handshake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_us: Option<u64>,
    /// From the beginning to the first byte received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_us: Option<u64>,
    /// All of it.
    pub total_us: u64,
}

/// One of the recent results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Recent {
    /// When it began, seconds since 1970 on the director's clock.
    pub at_s: i64,
    /// How long it took, microseconds.
    pub took_us: u64,
    /// How it failed; none where it succeeded or could not be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Why it could not be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

/// What is different from the checks sent last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChecksChange {
    /// By service, what changed.
    #[serde(default)]
    pub changed: BTreeMap<ServiceKey, ServiceChange>,
    /// Services that went.
    #[serde(default)]
    pub gone: BTreeSet<ServiceKey>,
}

/// What changed in one service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceChange {
    /// How it is served now.
    pub quorum: Quorum,
    /// Real servers that came or changed, whole.
    #[serde(default)]
    pub servers: BTreeMap<ServerKey, CheckStatus>,
    /// Real servers that went.
    #[serde(default)]
    pub gone: BTreeSet<ServerKey>,
    /// The sorry server as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sorry: Option<CheckStatus>,
}

impl ChecksChange {
    /// What leads from `before` to `after`.
    pub fn between(before: &Checks, after: &Checks) -> Self {
        let none = ServiceChecks::default();
        let change = |(key, now): (&ServiceKey, &ServiceChecks)| {
            let was = before.get(key);
            if was == Some(now) {
                return None;
            }
            let was = was.unwrap_or(&none);
            let changed =
                now.servers.iter().filter(|(server, status)| was.servers.get(server) != Some(status));
            let gone = was.servers.keys().filter(|server| !now.servers.contains_key(server));
            let change = ServiceChange {
                quorum: now.quorum,
                servers: changed.map(|(server, status)| (*server, status.clone())).collect(),
                gone: gone.copied().collect(),
                sorry: now.sorry.clone(),
            };
            Some((*key, change))
        };
        ChecksChange {
            changed: after.iter().filter_map(change).collect(),
            gone: before.keys().filter(|key| !after.contains_key(key)).copied().collect(),
        }
    }

    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.gone.is_empty()
    }

    /// Leads `checks` on by this change.
    pub fn apply(self, checks: &mut Checks) {
        checks.retain(|key, _| !self.gone.contains(key));
        for (key, change) in self.changed {
            let service = checks.entry(key).or_default();
            service.servers.retain(|server, _| !change.gone.contains(server));
            service.servers.extend(change.servers);
            service.quorum = change.quorum;
            service.sorry = change.sorry;
        }
    }
}

/// The orders a director follows, sent on the stream when they change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrdersStatus {
    /// Serial of the console's document that it holds; 0 before the first.
    pub serial: u64,
    /// Orders given on the director that the console has not heard of.
    #[serde(default)]
    pub local: LocalOrders,
    /// What *drain now* does to the whole director at present.
    #[serde(default)]
    pub quiescent: Quiescent,
}

/// `PUT /v1/orders`: the whole document; answered with [`OrdersTaken`], or refused where it is older than what is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrdersPush {
    /// The console's id of the cluster.
    pub cluster_id: String,
    /// The director this is meant for.
    pub director_id: String,
    /// The document.
    pub orders: Orders,
}

/// What an agent did with a document of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrdersTaken {
    /// The serial it now holds.
    pub serial: u64,
    /// Whether the kernel holds what they ask for.
    pub in_sync: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(rows: &[(&str, &str, Verdict)]) -> Checks {
        let mut checks = Checks::new();
        for (service, server, verdict) in rows {
            let status = CheckStatus {
                verdict: *verdict,
                reason: Reason::Started,
                since_s: 0,
                standing: Standing::Out,
                climbing: false,
                agent: AgentState::Ready,
                order: None,
                checker: CheckerStatus::Working,
                checks: Vec::new(),
            };
            let service = checks.entry(service.parse().unwrap()).or_default();
            service.servers.insert(server.parse().unwrap(), status);
        }
        checks
    }

    #[test]
    fn a_change_leads_from_one_state_to_the_next_and_holds_no_more() {
        let (a, b) = ("tcp 192.0.2.1:80", "udp 192.0.2.1:53");
        let (one, two) = ("10.0.0.1:80", "10.0.0.2:80");
        let states = [
            checks(&[]),
            checks(&[(a, one, Verdict::Up), (a, two, Verdict::Up), (b, one, Verdict::Up)]),
            checks(&[(a, one, Verdict::Down), (a, two, Verdict::Up), (b, one, Verdict::Up)]),
            checks(&[(a, two, Verdict::Up)]),
        ];
        for before in &states {
            for after in &states {
                let change = ChecksChange::between(before, after);
                assert_eq!(change.is_empty(), before == after);
                let text = serde_json::to_string(&change).unwrap();
                let mut led = before.clone();
                serde_json::from_str::<ChecksChange>(&text).unwrap().apply(&mut led);
                assert_eq!(led, *after);
            }
        }
        let change = ChecksChange::between(&states[1], &states[2]);
        assert_eq!(change.changed.len(), 1);
        assert_eq!(change.changed.values().next().unwrap().servers.len(), 1);
    }
}
