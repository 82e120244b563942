//! Orders for real servers: enable, drain, disable. Kept beside the revisions, pushed to every director of the cluster.
//!
//! What an operator ordered on a director itself while the console was away is taken in when the director tells of it.
//! An order needs no draft and no activation, and no revision ends it.

use std::net::IpAddr;

use hyper::Method;
use lvs::Cluster;
use lvs::health::{Deadline, Instruction, Order, OrderTarget, Orders, Overdue};
use lvs::journal::Happening;
use lvs::wire::{OrdersPush, OrdersTaken};
use serde::Deserialize;

use crate::audit::About;
use crate::clusters::find;
use crate::live::{DialError, Said};
use crate::{Actor, Console, Error, Failure, Missing, Role, Thing};

/// The longest reason, characters.
const REASON: usize = 500;
/// The longest time that an order may name, seconds: a year.
const LONGEST_S: u32 = 366 * 86_400;
/// After so long an order to enable has had its effect and is forgotten, seconds.
const FORGET_S: i64 = 86_400;

/// What an order is for, as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ordered {
    /// A real server of a virtual server, both by id or name.
    Server {
        /// The virtual server.
        service: String,
        /// The real server.
        server: String,
    },
    /// A machine: all real servers with that address, in all virtual servers.
    Machine {
        /// Its address.
        address: IpAddr,
    },
}

/// An order as a person gives it. Times are in seconds from now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// What.
    pub instruction: Instruction,
    /// When draining: also end the persistence of its clients.
    #[serde(default)]
    pub at_once: bool,
    /// When draining: until when it should be empty.
    #[serde(default)]
    pub deadline_s: Option<u32>,
    /// What happens at the deadline to connections that are left.
    #[serde(default)]
    pub then: Overdue,
    /// When the order ends by itself.
    #[serde(default)]
    pub for_s: Option<u32>,
    /// When enabling: the time in which it gets its weight back.
    #[serde(default)]
    pub ramp_s: Option<u32>,
    /// Why, at most 500 characters.
    #[serde(default)]
    pub reason: String,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderGiven {
    /// Serial of the document that holds it.
    pub serial: u64,
    /// What it is for.
    pub target: OrderTarget,
    /// The order as it is kept.
    pub order: Order,
    /// What each director said. One that was not reached gets it when it is back.
    pub directors: Vec<(String, OrderPush)>,
}

/// What a director said to a document of orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderPush {
    /// It follows them.
    Followed {
        /// Whether its kernel holds what they ask for already.
        in_sync: bool,
    },
    /// It does not.
    Refused {
        /// In the director's words.
        reason: String,
    },
    /// It was not reached.
    Unreachable {
        /// Why.
        reason: String,
    },
}

impl NewOrder {
    fn checked(self, by: String, now: i64) -> Result<Order, Error> {
        let refuse = |text: &str| Err(Error::Refused(text.to_owned()));
        let draining = self.instruction == Instruction::Draining;
        if !draining && (self.at_once || self.deadline_s.is_some()) {
            return refuse("a deadline and ending persistence belong to draining alone");
        }
        if self.instruction != Instruction::Enabled && self.ramp_s.is_some() {
            return refuse("ramp_s belongs to enabling alone");
        }
        if self.instruction == Instruction::Enabled && self.for_s.is_some() {
            return refuse("enabling does not end by itself: leave for_s out");
        }
        let times = [self.deadline_s, self.for_s, self.ramp_s];
        if times.iter().flatten().any(|seconds| *seconds == 0 || *seconds > LONGEST_S) {
            return refuse("times are from 1 second to 366 days, from now");
        }
        if self.reason.chars().count() > REASON || self.reason.chars().any(char::is_control) {
            return refuse("the reason is one line of at most 500 characters");
        }
        let at = |seconds: u32| now.saturating_add(i64::from(seconds));
        Ok(Order {
            instruction: self.instruction,
            at_once: self.at_once,
            deadline: self.deadline_s.map(|seconds| Deadline { at_s: at(seconds), then: self.then }),
            until_s: self.for_s.map(at),
            ramp_s: self.ramp_s,
            reason: self.reason.trim().to_owned(),
            by,
            given_s: now,
        })
    }
}

impl Ordered {
    /// By the identifiers of what runs.
    fn target(&self, running: &Cluster) -> Result<OrderTarget, Error> {
        match self {
            Ordered::Machine { address } => {
                let mut reals = running.virtual_servers.iter().flat_map(|server| &server.real_servers);
                if reals.any(|real| real.address == *address) {
                    return Ok(OrderTarget::Machine { address: *address });
                }
                Err(Missing::new(Thing::RealServer, address.to_string()).into())
            }
            Ordered::Server { service, server } => {
                let is = |id: &str, name: &str, key: &str| id == key || name == key;
                let found =
                    running.virtual_servers.iter().find(|there| is(&there.id.0, &there.name, service));
                let found = found.ok_or_else(|| Missing::new(Thing::VirtualServer, service))?;
                let real = found.real_servers.iter().find(|there| is(&there.id.0, &there.name, server));
                let real = real.ok_or_else(|| Missing::new(Thing::RealServer, server))?;
                Ok(OrderTarget::Server { service: found.id.clone(), server: real.id.clone() })
            }
        }
    }
}

/// In the audit log's words.
fn subject(target: &OrderTarget) -> String {
    match target {
        OrderTarget::Server { service, server } => format!("{service}/{server}"),
        OrderTarget::Machine { address } => address.to_string(),
    }
}

/// As people call it: by the names of what runs.
fn called(target: &OrderTarget, running: Option<&Cluster>) -> String {
    let OrderTarget::Server { service, server } = target else { return subject(target) };
    let found = running.and_then(|running| {
        let service = running.virtual_servers.iter().find(|there| there.id == *service)?;
        let real = service.real_servers.iter().find(|there| there.id == *server)?;
        Some(format!("{} / {}", service.name, real.name))
    });
    found.unwrap_or_else(|| subject(target))
}

/// For the event log.
fn happening(target: &OrderTarget, order: &Order, running: Option<&Cluster>) -> Happening {
    Happening::Ordered {
        server: called(target, running),
        instruction: order.instruction,
        by: order.by.clone(),
        reason: order.reason.clone(),
    }
}

fn action(instruction: Instruction) -> &'static str {
    match instruction {
        Instruction::Enabled => "server.enable",
        Instruction::Draining => "server.drain",
        Instruction::Disabled => "server.disable",
    }
}

impl Console {
    /// The orders of a cluster.
    pub async fn orders(&self, cluster: &str) -> Result<Orders, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        Ok(tx.orders(&found.id).await?)
    }

    /// Orders a real server, or a machine, of what runs; tells every director at once. Needs Operator.
    pub async fn order_server(
        &self,
        actor: &Actor,
        cluster: &str,
        ordered: &Ordered,
        new: NewOrder,
    ) -> Result<OrderGiven, Error> {
        actor.require(Role::Operator)?;
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let Some(running) = tx.newest_revision(&found.id).await? else {
            return Err(Error::Refused("nothing runs yet: activate a configuration first".to_owned()));
        };
        let target = ordered.target(&running.content)?;
        let now = self.now();
        let order = new.checked(actor.owner(), now)?;
        let mut orders = tx.orders(&found.id).await?;
        let above = self.inner.live.orders_held(&found.id);
        orders.give(target.clone(), order.clone(), above, now.saturating_sub(FORGET_S));
        tx.put_orders(&found.id, &orders, now).await?;
        let (subject, detail) = (subject(&target), order.reason.clone());
        let about = About {
            action: action(order.instruction),
            subject: &subject,
            cluster: Some(&found.id),
            detail: &detail,
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        let rows = tx.directors(Some(&found.id)).await?;
        tx.commit().await?;
        self.inner.live.ordered(&found.id, orders.serial);
        self.note_or_warn(&found.id, &happening(&target, &order, Some(&running.content))).await;
        let mut directors = Vec::new();
        for row in rows.into_iter().filter(|row| row.dial.is_some()) {
            directors.push((row.name.clone(), self.push_orders(&found.id, &row).await?));
        }
        Ok(OrderGiven { serial: orders.serial, target, order, directors })
    }

    /// Sends the orders of a cluster, as they are now, to one director.
    pub(crate) async fn push_orders(
        &self,
        cluster: &str,
        row: &store::Director,
    ) -> Result<OrderPush, Failure> {
        let lock = self.inner.links.lock_of(&row.id);
        let _one = lock.lock().await;
        let orders = self.inner.store.read().await?.orders(cluster).await?;
        let serial = orders.serial;
        let push = OrdersPush { cluster_id: cluster.to_owned(), director_id: row.id.clone(), orders };
        let body = serde_json::to_vec(&push).map_err(|e| Failure::of("orders", e))?;
        let outcome = match self.ask::<OrdersTaken>(row, Method::PUT, "/v1/orders", body).await {
            Ok(Said::Answer(taken)) => OrderPush::Followed { in_sync: taken.in_sync },
            Ok(Said::Refused(reason)) => OrderPush::Refused { reason },
            Err(DialError::Failed(failure)) => return Err(failure),
            Err(error) => OrderPush::Unreachable { reason: error.to_string() },
        };
        if !matches!(outcome, OrderPush::Unreachable { .. }) {
            self.inner.live.told_orders(&row.id, serial);
        }
        tracing::info!(director = %row.name, serial, ?outcome, "orders pushed");
        Ok(outcome)
    }

    /// Takes in what was ordered on a director itself.
    async fn take_in_orders(&self, cluster: &str, director: &str, name: &str) -> Result<(), Failure> {
        let Some(local) = self.inner.live.local_orders(director) else { return Ok(()) };
        // The director goes on telling until it knows that it was heard.
        let mut known = self.inner.store.read().await?.orders(cluster).await?;
        if known.take_in(director, &local).is_empty() {
            return Ok(());
        }
        let mut tx = self.inner.store.write().await?;
        let mut orders = tx.orders(cluster).await?;
        let news = orders.take_in(director, &local);
        let running = tx.newest_revision(cluster).await?.map(|running| running.content);
        tx.put_orders(cluster, &orders, self.now()).await?;
        for given in &news {
            let subject = subject(&given.target);
            let detail = format!("on {name} by {}: {}", given.order.by, given.order.reason);
            let about = About {
                action: action(given.order.instruction),
                subject: &subject,
                cluster: Some(cluster),
                detail: &detail,
                ..About::default()
            };
            self.audit_by(&mut tx, &format!("director/{director}"), "", about).await?;
        }
        tx.commit().await?;
        self.inner.live.ordered(cluster, orders.serial);
        for given in &news {
            self.note(cluster, Some(name), &happening(&given.target, &given.order, running.as_deref()))
                .await?;
        }
        Ok(())
    }

    /// Brings a director's orders in line whenever they are behind or it has some of its own, until the task is ended.
    pub(crate) async fn keep_ordered(&self, director: String, cluster: String, name: String) {
        let mut changes = self.inner.live.subscribe();
        let mut failures = 0;
        loop {
            let done = self.order_once(&director, &cluster, &name).await;
            failures = if done { 0 } else { failures + 1 };
            if failures > 0 {
                tokio::time::sleep(crate::live::wait(failures)).await;
            } else if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Whether there is nothing left to do.
    async fn order_once(&self, director: &str, cluster: &str, name: &str) -> bool {
        let made = async {
            self.take_in_orders(cluster, director, name).await?;
            if !self.inner.live.orders_due(director) {
                return Ok(true);
            }
            let row = self.inner.store.read().await?.directors(Some(cluster)).await?;
            let Some(row) = row.into_iter().find(|row| row.id == director) else { return Ok(true) };
            let pushed = self.push_orders(cluster, &row).await?;
            Ok::<_, Failure>(!matches!(pushed, OrderPush::Unreachable { .. }))
        };
        made.await.unwrap_or_else(|error| {
            tracing::error!(director = %name, %error, "orders not pushed");
            false
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_only_what_belongs_to_it() {
        let new = |instruction| NewOrder { instruction, ..NewOrder::default() };
        let (enabled, draining, disabled) =
            (new(Instruction::Enabled), new(Instruction::Draining), new(Instruction::Disabled));
        for (order, good) in [
            (enabled.clone(), true),
            (NewOrder { ramp_s: Some(60), ..enabled.clone() }, true),
            (NewOrder { ramp_s: Some(60), ..draining.clone() }, false),
            (NewOrder { for_s: Some(60), ..enabled.clone() }, false),
            (NewOrder { at_once: true, deadline_s: Some(900), for_s: Some(3600), ..draining.clone() }, true),
            (NewOrder { at_once: true, ..disabled.clone() }, false),
            (NewOrder { deadline_s: Some(1), ..enabled }, false),
            (NewOrder { deadline_s: Some(0), ..draining.clone() }, false),
            (NewOrder { deadline_s: Some(LONGEST_S + 1), ..draining.clone() }, false),
            (NewOrder { reason: "x".repeat(501), ..draining.clone() }, false),
            (NewOrder { reason: "two\nlines".into(), ..draining.clone() }, false),
            (NewOrder { for_s: Some(60), ..disabled }, true),
        ] {
            assert_eq!(order.clone().checked("anna".into(), 1000).is_ok(), good, "{order:?}");
        }
        let given =
            NewOrder { deadline_s: Some(900), then: Overdue::Cut, ..draining }.checked("anna".into(), 1000);
        let given = given.unwrap();
        assert_eq!(given.deadline, Some(Deadline { at_s: 1900, then: Overdue::Cut }));
        assert_eq!((given.by.as_str(), given.given_s), ("anna", 1000));
    }
}
