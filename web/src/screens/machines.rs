//! Servers by machine: every address that answers for any virtual server, with what it does in each of them.
//!
//! [`Machines`] is the moving part at one moment, one part for each machine; the stream (`live`) renders it again.

use std::collections::BTreeMap;
use std::net::IpAddr;

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{LiveCluster, LiveDirector};
use lvs::Cluster;
use lvs::health::{Instruction, OrderTarget, strictest};

use super::server_state::status;
use crate::error::Error;
use crate::evidence::Look;
use crate::figures::count;
use crate::locale::Locale;
use crate::page::{Page, Tab, show as show_page};
use crate::verdicts;
use crate::visit::Member;

/// All machines at one moment.
pub(crate) struct Machines {
    pub(crate) machines: Vec<Machine>,
}

/// One address with its real servers.
#[derive(Template)]
#[template(path = "live_machine.html")]
pub(crate) struct Machine {
    locale: Locale,
    base: String,
    pub(crate) address: IpAddr,
    /// Names it has as a real server, each once.
    names: Vec<String>,
    /// What is ordered for the machine as a whole.
    ordered: Option<Instruction>,
    rows: Vec<Row>,
}

/// What a machine does in one virtual server.
struct Row {
    service: String,
    service_id: String,
    server_id: String,
    key: String,
    look: Option<Look>,
    why: Option<String>,
    ordered: Option<String>,
    weight: String,
    active: String,
    inactive: String,
    /// Connections in all, where they are counted.
    connections: Option<u64>,
}

fn counted(value: Option<u32>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| count(value.into()))
}

#[derive(Template)]
#[template(path = "machines.html")]
struct MachinesPage {
    p: Page,
    machines: Vec<Machine>,
    live: bool,
}

/// The director whose word counts: the active one, else one that is connected and has checks.
fn witness(live: &LiveCluster) -> Option<&LiveDirector> {
    live.active()
        .or_else(|| live.directors.iter().find(|director| director.connected && director.checks.is_some()))
}

impl Machines {
    pub(crate) fn of(
        locale: Locale,
        (cluster, running): (&str, &Cluster),
        live: &LiveCluster,
        orders: &lvs::health::Orders,
    ) -> Self {
        let director = witness(live);
        let mut machines: BTreeMap<IpAddr, Machine> = BTreeMap::new();
        for service in &running.virtual_servers {
            for real in &service.real_servers {
                let (key, server) = (service.key(), service.server_key(real));
                let known = director.and_then(|director| status(director, key, server));
                let counted =
                    key.and_then(|key| director?.counters.as_ref()?.get(&key)?.servers.get(&server).copied());
                let target = strictest(&orders.orders, &service.id, &real.id, real.address);
                let order = target.and_then(|target| orders.orders.get(&target));
                let order = order.map(|order| order.instruction).filter(|what| *what != Instruction::Enabled);
                let machine = machines.entry(real.address).or_insert_with(|| Machine {
                    locale,
                    base: format!("/clusters/{cluster}"),
                    address: real.address,
                    names: Vec::new(),
                    ordered: machine_order(orders, real.address),
                    rows: Vec::new(),
                });
                if !machine.names.contains(&real.name) {
                    machine.names.push(real.name.clone());
                }
                machine.rows.push(Row {
                    service: service.name.clone(),
                    service_id: service.id.0.clone(),
                    server_id: real.id.0.clone(),
                    key: key.map(|key| key.to_string()).unwrap_or_default(),
                    look: known.map(|status| Look::of(locale, status.verdict)),
                    why: known.map(|status| verdicts::why(locale, &status.reason)),
                    ordered: order
                        .map(|what| locale.say(format!("instruction-{}", what.as_str())).to_string()),
                    weight: counted
                        .map_or_else(|| real.weight.0.to_string(), |counted| counted.weight.to_string()),
                    active: self::counted(counted.map(|counted| counted.active)),
                    inactive: self::counted(counted.map(|counted| counted.inactive)),
                    connections: counted.map(|c| u64::from(c.active) + u64::from(c.inactive)),
                });
            }
        }
        Machines { machines: machines.into_values().collect() }
    }

    /// The parts that a stream keeps up to date, by the place of each machine.
    pub(crate) fn parts(&self) -> Result<BTreeMap<String, String>, askama::Error> {
        self.machines.iter().map(|machine| Ok((format!("#{}", machine.place()), machine.render()?))).collect()
    }
}

fn machine_order(orders: &lvs::health::Orders, address: IpAddr) -> Option<Instruction> {
    let order = orders.orders.get(&OrderTarget::Machine { address })?;
    Some(order.instruction).filter(|what| *what != Instruction::Enabled)
}

/// The id of a machine's place on the page.
pub(crate) fn place_of(address: IpAddr) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("machine-{}", address.to_string().chars().map(plain).collect::<String>())
}

impl Machine {
    /// The id of its place on the page.
    pub(crate) fn place(&self) -> String {
        place_of(self.address)
    }

    /// Connections of all its services, where they are known.
    fn connections(&self) -> Option<String> {
        let all: Vec<u64> = self.rows.iter().filter_map(|row| row.connections).collect();
        (!all.is_empty()).then(|| count(all.into_iter().sum()))
    }

    fn enabled(&self) -> bool {
        self.ordered.is_none()
    }
}

/// `GET …/machines`
pub(super) async fn list(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let locale = member.locale();
    let view = member.console().cluster(&cluster).await?;
    let live = member.console().live(&view.id).await?;
    let orders = member.console().orders(&view.id).await?;
    let nothing = Cluster::default();
    let running = view.running.as_ref().map_or(&nothing, |running| &running.content);
    let machines = Machines::of(locale, (&view.id, running), &live, &orders).machines;
    let p = Page::of_cluster(&member, &cluster, Tab::VirtualServers, locale.say("machines-title")).await?;
    let on = member.visit.query.get("live") != "off";
    show_page(StatusCode::OK, &MachinesPage { p, machines, live: on })
}
