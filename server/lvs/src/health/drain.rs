//! How far a drain has come, told from the kernel's counters; and the one kernel parameter that *drain now* needs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Instruction, Moment, Overdue, Placed};
use crate::counters::{Counters, ServerCounters};
use crate::model::Protocol;
use crate::table::{ServerKey, ServiceKey};

/// How far an order to drain has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "drain")]
pub enum Drain {
    /// Connections are left.
    Draining {
        /// So many; none before the kernel was asked.
        left: Option<u32>,
    },
    /// None is left.
    Drained {
        /// Clients whose persistence still leads them there; each may come back until it ends.
        may_return: u32,
    },
    /// The deadline has passed, and connections are left.
    Overdue {
        /// So many; none before the kernel was asked.
        left: Option<u32>,
    },
    /// The deadline has passed, and what was left was cut off.
    Cut,
}

/// Connections that count for being empty. The kernel counts TCP and SCTP as active while they are established, and UDP
/// never: its connections are all inactive ones. A service by mark may carry both.
fn left(service: &ServiceKey, counters: &ServerCounters) -> u32 {
    match service {
        ServiceKey::Address { protocol: Protocol::Tcp | Protocol::Sctp, .. } => counters.active,
        ServiceKey::Address { protocol: Protocol::Udp, .. } => counters.inactive,
        ServiceKey::Mark { .. } => counters.active.saturating_add(counters.inactive),
    }
}

/// How far a drain has come; none where no draining is ordered. `counters` are all of the director's, none before the
/// first. A row that is not among them has no connections.
pub fn drain(
    order: &Placed,
    service: &ServiceKey,
    server: &ServerKey,
    counters: Option<&Counters>,
    now: Moment,
) -> Option<Drain> {
    let held = order.holds(now);
    if order.instruction != Instruction::Draining || held == Instruction::Enabled {
        return None;
    }
    if held == Instruction::Disabled {
        return Some(Drain::Cut);
    }
    let row = counters.map(|counters| {
        let row = counters.get(service).and_then(|service| service.servers.get(server));
        row.map_or((0, 0), |row| (left(service, row), row.persistent))
    });
    let overdue = matches!(order.deadline, Some((at, Overdue::Wait)) if at <= now);
    Some(match row {
        Some((0, may_return)) => Drain::Drained { may_return },
        row if overdue => Drain::Overdue { left: row.map(|(left, _)| left) },
        row => Drain::Draining { left: row.map(|(left, _)| left) },
    })
}

/// What an order for a real server comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "end")]
pub enum OrderEnd {
    /// Drained: no connection is left.
    Drained,
    /// The deadline has passed, and connections are left that are waited for.
    Overdue {
        /// So many; none where the kernel was not asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left: Option<u32>,
    },
    /// The deadline has passed, and what was left was cut off.
    Cut,
    /// Its time is over: the server is enabled again.
    Ended,
}

impl OrderEnd {
    /// The word in catalogue keys.
    pub fn as_str(self) -> &'static str {
        match self {
            OrderEnd::Drained => "drained",
            OrderEnd::Overdue { .. } => "overdue",
            OrderEnd::Cut => "cut",
            OrderEnd::Ended => "ended",
        }
    }

    /// Whether two are of one kind.
    pub fn is_like(self, other: OrderEnd) -> bool {
        self.as_str() == other.as_str()
    }

    /// What an order has come to by now; none where it goes on.
    pub fn of(order: &Placed, drain: Option<Drain>, now: Moment) -> Option<Self> {
        match drain {
            Some(Drain::Drained { .. }) => Some(OrderEnd::Drained),
            Some(Drain::Overdue { left }) => Some(OrderEnd::Overdue { left }),
            Some(Drain::Cut) => Some(OrderEnd::Cut),
            Some(Drain::Draining { .. }) => None,
            None => order.until.is_some_and(|until| until <= now).then_some(OrderEnd::Ended),
        }
    }
}

/// What *drain now* does to the whole director.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Quiescent {
    /// The drains that need it, by service. While there is one, persistence towards any real server of weight 0 ends.
    pub pending: BTreeMap<ServiceKey, BTreeSet<ServerKey>>,
    /// Every persistent service of the director: a real server of theirs that stands at weight 0 loses its clients.
    pub affected: BTreeSet<ServiceKey>,
}

/// Which orders need the parameter now: drains of persistent services that are to be done at once and not finished.
/// `persistent` are the director's persistent services; `orders` all orders on members.
pub fn quiescent<'a>(
    persistent: BTreeSet<ServiceKey>,
    orders: impl IntoIterator<Item = (ServiceKey, ServerKey, &'a Placed)>,
    counters: Option<&Counters>,
    now: Moment,
) -> Quiescent {
    let mut pending: BTreeMap<ServiceKey, BTreeSet<ServerKey>> = BTreeMap::new();
    for (service, server, order) in orders {
        if !order.at_once || !persistent.contains(&service) {
            continue;
        }
        match drain(order, &service, &server, counters, now) {
            None | Some(Drain::Cut | Drain::Drained { may_return: 0 }) => {}
            Some(Drain::Draining { .. } | Drain::Overdue { .. } | Drain::Drained { .. }) => {
                pending.entry(service).or_default().insert(server);
            }
        }
    }
    Quiescent { affected: if pending.is_empty() { BTreeSet::new() } else { persistent }, pending }
}
