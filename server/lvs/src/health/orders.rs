//! Orders as a document beside the configuration, and how the console's and those given on a director come together.
//!
//! The console writes one document per cluster, each time with the next serial. An operator may order on a director
//! while the console is dead; those orders have their own serial there. The console's document says up to which of them
//! it has heard: what it has heard of it has taken in or decided otherwise, what it has not stays in force over it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Instruction, Order};
use crate::model::Id;

/// What an order is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "for")]
pub enum OrderTarget {
    /// One real server in one service, by the console's identifiers: it survives renaming and new ports.
    Server {
        /// The virtual server.
        service: Id,
        /// The real server.
        server: Id,
    },
    /// A machine: all real servers with its address, in all services.
    Machine {
        /// Its address.
        address: IpAddr,
    },
}

/// All orders of a cluster: `PUT /v1/orders`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Orders {
    /// Rising by one with each change.
    pub serial: u64,
    /// Which order holds for what.
    #[serde(default, with = "pairs")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<(OrderTarget, Order)>"))]
    pub orders: BTreeMap<OrderTarget, Order>,
    /// By director: the highest serial of its own orders that this document knows of.
    #[serde(default)]
    pub heard: BTreeMap<String, u64>,
}

/// An order given on a director itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LocalOrder {
    /// Rising by one on that director.
    pub serial: u64,
    /// For what.
    pub target: OrderTarget,
    /// What.
    pub order: Order,
}

/// Orders given on a director that the console has not heard of, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LocalOrders {
    /// The serial of the last one ever given here.
    pub serial: u64,
    /// Those that are not heard yet.
    #[serde(default)]
    pub orders: Vec<LocalOrder>,
}

/// A document that is older than the one that is held, or the same number with other content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("orders number {offered} do not follow number {held}, which hold here")]
pub struct Stale {
    /// What was offered.
    pub offered: u64,
    /// What is held.
    pub held: u64,
}

impl Orders {
    /// Whether this document may take the place of another: it is newer, or the same. A console whose data were restored
    /// from an older copy has to go on above what its directors report.
    pub fn follows(&self, held: &Orders) -> Result<(), Stale> {
        let stale = Stale { offered: self.serial, held: held.serial };
        if self.serial > held.serial || self == held { Ok(()) } else { Err(stale) }
    }

    /// Gives an order, above the numbers that directors hold (`above`). Orders to enable that were given before `forget_s`
    /// have had their effect and go.
    pub fn give(&mut self, target: OrderTarget, order: Order, above: u64, forget_s: i64) {
        self.serial = self.serial.max(above).saturating_add(1);
        let done = |order: &Order| order.instruction == Instruction::Enabled && order.given_s < forget_s;
        self.orders.retain(|_, order| !done(order));
        self.orders.insert(target, order);
    }

    /// Takes in what was ordered on a director itself: the later of two orders for the same thing stays. Says which are
    /// new here.
    pub fn take_in(&mut self, director: &str, local: &LocalOrders) -> Vec<LocalOrder> {
        let heard = self.heard.get(director).copied().unwrap_or(0);
        let news: Vec<LocalOrder> =
            local.orders.iter().filter(|order| order.serial > heard).cloned().collect();
        let Some(last) = news.iter().map(|order| order.serial).max() else { return news };
        for given in &news {
            let there = self.orders.get(&given.target);
            if there.is_none_or(|there| there.given_s <= given.order.given_s) {
                self.orders.insert(given.target.clone(), given.order.clone());
            }
        }
        self.heard.insert(director.to_owned(), last);
        self.serial = self.serial.saturating_add(1);
        news
    }
}

impl LocalOrders {
    /// Gives one here.
    pub fn give(&mut self, target: OrderTarget, order: Order) {
        self.serial = self.serial.saturating_add(1);
        self.orders.retain(|there| there.target != target);
        self.orders.push(LocalOrder { serial: self.serial, target, order });
    }

    /// Lets go of what the console has heard of. `director` is this one's id.
    pub fn heard(&mut self, console: &Orders, director: &str) {
        let heard = console.heard.get(director).copied().unwrap_or(0);
        self.orders.retain(|order| order.serial > heard);
        // A console that has lost this director's numbers must not make later orders look old.
        self.serial = self.serial.max(heard);
    }
}

/// What is in force on a director: the console's orders, and over them those given here that it has not heard of.
pub fn in_force(console: &Orders, local: &LocalOrders, director: &str) -> BTreeMap<OrderTarget, Order> {
    let heard = console.heard.get(director).copied().unwrap_or(0);
    let mut orders = console.orders.clone();
    for given in local.orders.iter().filter(|order| order.serial > heard) {
        orders.insert(given.target.clone(), given.order.clone());
    }
    orders
}

/// Which order holds for a real server: the stricter of its own and its machine's; of two alike, its own.
pub fn strictest(
    orders: &BTreeMap<OrderTarget, Order>,
    service: &Id,
    server: &Id,
    address: IpAddr,
) -> Option<OrderTarget> {
    let machine = OrderTarget::Machine { address };
    let own = OrderTarget::Server { service: service.clone(), server: server.clone() };
    let named = !service.is_unset() && !server.is_unset();
    let given = |target: &OrderTarget| orders.get(target).map(|order| order.instruction);
    match (given(&own).filter(|_| named), given(&machine)) {
        (Some(here), Some(there)) if there > here => Some(machine),
        (Some(_), _) => Some(own),
        (None, Some(_)) => Some(machine),
        (None, None) => None,
    }
}

/// A map whose keys are no texts, as a list.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize as _, Deserializer, Serialize, Serializer};

    use super::{Order, OrderTarget};

    #[derive(Serialize, serde::Deserialize)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    struct Pair<T, O> {
        target: T,
        order: O,
    }

    pub(super) fn serialize<S: Serializer>(
        map: &BTreeMap<OrderTarget, Order>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map.iter().map(|(target, order)| Pair { target, order }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<OrderTarget, Order>, D::Error> {
        let pairs = Vec::<Pair<OrderTarget, Order>>::deserialize(deserializer)?;
        Ok(pairs.into_iter().map(|pair| (pair.target, pair.order)).collect())
    }
}
