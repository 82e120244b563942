//! From what a director's kernel holds to a configuration that asks for exactly that.
//!
//! Rows are offered one by one ([`offers`]) and those that somebody chose become part of a cluster ([`adopt`]): a
//! service that the cluster does not know becomes a virtual server with its real servers; one that it knows takes over
//! what the kernel holds and keeps name, checks and all else that a kernel does not know. Activating that writes
//! nothing to the kernel it came from; where it would, the offer says which steps. Virtual addresses get the device,
//! label and mask they have there, and stay borrowed: the host put them.
//!
//! Pure. Called by the console for foreign rows (adoption) and for drift (taking over).

mod place;
mod service;

use std::collections::{BTreeMap, BTreeSet};

use crate::drift::found;
use crate::finding::{Code, Finding, Findings};
use crate::model::{Cluster, GlobalSettings, Timeouts};
use crate::plan::{Row, Step, desired_service, service_steps};
use crate::table::{KernelTimeouts, Observed, ServiceKey};
use crate::wire::Snapshot;

/// What the kernel begins with (`net/netfilter/ipvs/ip_vs_proto_tcp.c`, `ip_vs_proto_udp.c`), seconds.
const KERNEL_TIMEOUTS: KernelTimeouts = KernelTimeouts { tcp: 900, tcpfin: 120, udp: 300 };

/// A director and what it reported.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// Its name.
    pub director: &'a str,
    /// Its kernel, and what of it is ours.
    pub snapshot: &'a Snapshot,
}

/// A row that can become part of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Which; the word to choose it by.
    pub row: Row,
    /// What the kernel holds, as lines of ipvsadm, ip and sysctl.
    pub found: Vec<String>,
    /// What it would be.
    pub becomes: Becomes,
    /// Whether the cluster says something of it already.
    pub known: bool,
    /// The other director's view of it, where that holds it too.
    pub others: Vec<Other>,
    /// What activation would still change in this kernel, as steps in text; best empty.
    pub changes: Vec<String>,
    /// What is to be said about it; without places.
    pub findings: Findings,
}

/// What a row would be in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Becomes {
    /// A virtual server of that name, with so many real servers; `device` is where its address is.
    VirtualServer {
        /// Its name.
        name: String,
        /// Real servers.
        real_servers: usize,
        /// Device and prefix length of its address (`eth0:1`, 24); none where no interface has it.
        device: Option<(String, u8)>,
    },
    /// The NAT router address.
    NatRouter,
    /// An address that moves with the virtual ones.
    Floating,
    /// The session timeouts of the global settings.
    Timeouts,
}

/// Another director's view of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Its name.
    pub director: String,
    /// Whether it holds exactly the same.
    pub same: bool,
}

/// A cluster that asks for what was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// The cluster with it; may have errors, which are `cluster.findings()`.
    pub cluster: Cluster,
    /// What was taken.
    pub taken: BTreeSet<Row>,
    /// What is to be said about it, by field of the new cluster.
    pub findings: Findings,
}

/// The rows of `side` that are not Caribe's, as offers; `partners` are the cluster's other directors.
pub fn offers(cluster: &Cluster, side: Side<'_>, partners: &[Side<'_>]) -> Vec<Offer> {
    let rows = foreign(cluster, side);
    let all: BTreeSet<Row> = rows.iter().cloned().collect();
    let adoption = adopt(cluster, side, partners, &all);
    let said = adoption.cluster.findings();
    let known: BTreeSet<ServiceKey> = cluster.virtual_servers.iter().filter_map(|s| s.key()).collect();
    rows.into_iter()
        .filter_map(|row| {
            let (becomes, pointer) = becomes(&adoption.cluster, &row)?;
            let within = |finding: &&Finding| finding.pointer().is_some_and(|p| within(p, &pointer));
            let mut findings: Findings =
                adoption.findings.iter().chain(&said).filter(within).cloned().collect();
            findings.dedup();
            Some(Offer {
                found: lines(&row, &side.snapshot.observed),
                becomes,
                known: matches!(&row, Row::Service(key) if known.contains(key)),
                others: partners.iter().filter_map(|partner| other(&row, side, *partner)).collect(),
                changes: changes(&adoption.cluster, side, &row).iter().map(Step::to_string).collect(),
                findings,
                row,
            })
        })
        .collect()
}

/// The cluster with the chosen rows as `side` holds them. Rows may be foreign or our own (drift that is taken over);
/// one that is ours and gone from the kernel is switched off.
pub fn adopt(cluster: &Cluster, side: Side<'_>, partners: &[Side<'_>], chosen: &BTreeSet<Row>) -> Adoption {
    let mut adoption =
        Adoption { cluster: cluster.clone(), taken: BTreeSet::new(), findings: Findings::new() };
    if cluster.virtual_servers.is_empty() && cluster.global == GlobalSettings::default() {
        adoption.cluster.global.forwarding = service::commonest(side, chosen);
    }
    for row in chosen {
        let place = match row {
            Row::Service(key) => service::take(&mut adoption, side, partners, key),
            Row::Address(key) => place::take(&mut adoption, side, key),
            Row::Timeouts => take_timeouts(&mut adoption, side),
            Row::Sysctl(_) | Row::Sync(_) | Row::Packets => None,
        };
        match place {
            Some(pointer) => {
                differing(&mut adoption, side, partners, row, &pointer);
                adoption.taken.insert(row.clone());
            }
            None => adoption.findings.push(
                Finding::field("", Code::AdoptRowUnknown).with("row", row).with("director", side.director),
            ),
        }
    }
    adoption
}

/// What can be offered, in the order it is shown: services, then addresses that seem to move, then timeouts.
fn foreign(cluster: &Cluster, side: Side<'_>) -> Vec<Row> {
    let Snapshot { observed, ownership } = side.snapshot;
    let services = observed.table.services.keys().filter(|key| !ownership.services.contains(key));
    let mut rows: Vec<Row> = services.map(|key| Row::Service(*key)).collect();
    rows.extend(place::floating(cluster, side).into_iter().map(Row::Address));
    let wanted = cluster.global.timeouts.effective();
    if wanted == Timeouts::default() && observed.timeouts != KERNEL_TIMEOUTS && !rows.is_empty() {
        rows.push(Row::Timeouts);
    }
    rows
}

/// Timeouts that somebody set; the kernel's own are left out, unless the cluster names others.
fn take_timeouts(adoption: &mut Adoption, side: Side<'_>) -> Option<String> {
    let there = side.snapshot.observed.timeouts;
    let timeouts = &mut adoption.cluster.global.timeouts;
    let before = timeouts.effective();
    let taken = |before: Option<u32>, there: u32, own: u32| {
        (there != own || before.is_some_and(|before| before != own)).then_some(there)
    };
    *timeouts = Timeouts {
        tcp: taken(before.tcp, there.tcp, KERNEL_TIMEOUTS.tcp),
        tcpfin: taken(before.tcpfin, there.tcpfin, KERNEL_TIMEOUTS.tcpfin),
        udp: taken(before.udp, there.udp, KERNEL_TIMEOUTS.udp),
    };
    Some("/global/timeouts".to_owned())
}

/// Says where another director holds the row otherwise.
fn differing(adoption: &mut Adoption, side: Side<'_>, partners: &[Side<'_>], row: &Row, pointer: &str) {
    let others = partners.iter().filter_map(|partner| other(row, side, *partner));
    for other in others.filter(|other| !other.same) {
        adoption.findings.push(
            Finding::field(pointer, Code::AdoptDiffers)
                .with("row", row)
                .with("director", &other.director)
                .with("taken", side.director)
                .warning(),
        );
    }
}

/// The partner's view of a row; none where it does not hold it.
fn other(row: &Row, side: Side<'_>, partner: Side<'_>) -> Option<Other> {
    let (here, there) = (&side.snapshot.observed, &partner.snapshot.observed);
    let same = match row {
        Row::Service(key) => {
            let there = there.table.services.get(key)?;
            here.table.services.get(key).is_some_and(|here| {
                service_steps(*key, here, there).is_empty() && service_steps(*key, there, here).is_empty()
            })
        }
        Row::Address(key) => there.addresses.contains_key(key).then_some(true)?,
        Row::Timeouts => here.timeouts == there.timeouts,
        Row::Sysctl(_) | Row::Sync(_) | Row::Packets => return None,
    };
    Some(Other { director: partner.director.to_owned(), same })
}

/// What a row is in that cluster, and where.
fn becomes(cluster: &Cluster, row: &Row) -> Option<(Becomes, String)> {
    match row {
        Row::Service(key) => {
            let (index, server) = service::of(cluster, key)?;
            let vip = server.vip.as_ref();
            let device = vip.and_then(|vip| Some((vip.device.as_ref()?.to_string(), vip.prefix_length())));
            let real_servers = server.real_servers.iter().filter(|real| real.active).count();
            let becomes = Becomes::VirtualServer { name: server.name.clone(), real_servers, device };
            Some((becomes, format!("/virtual_servers/{index}")))
        }
        Row::Address(key) => {
            let router = cluster.global.nat_router.as_ref();
            if router.is_some_and(|router| router.address_key() == *key) {
                return Some((Becomes::NatRouter, "/global/nat_router".to_owned()));
            }
            let mut all = cluster.redundancy.addresses.iter();
            let index = all.position(|vip| vip.address_key().as_ref() == Some(key))?;
            Some((Becomes::Floating, format!("/redundancy/addresses/{index}")))
        }
        Row::Timeouts => Some((Becomes::Timeouts, "/global/timeouts".to_owned())),
        Row::Sysctl(_) | Row::Sync(_) | Row::Packets => None,
    }
}

/// What activating that cluster would change about a row of this kernel.
fn changes(cluster: &Cluster, side: Side<'_>, row: &Row) -> Vec<Step> {
    let Row::Service(key) = row else { return Vec::new() };
    let wanted = service::of(cluster, key).map(|(_, server)| desired_service(cluster, server));
    let there = side.snapshot.observed.table.services.get(key);
    wanted.zip(there).map(|(wanted, there)| service_steps(*key, &wanted, there)).unwrap_or_default()
}

/// A row as the kernel holds it, in lines.
fn lines(row: &Row, observed: &Observed) -> Vec<String> {
    let steps: Vec<Step> = match row {
        Row::Service(key) => {
            let servers = observed.table.services.get(key).map(|service| service.servers.keys());
            let servers = servers.into_iter().flatten();
            let servers = servers.map(|server| Step::RemoveServer { service: *key, key: *server });
            std::iter::once(Step::RemoveService { key: *key }).chain(servers).collect()
        }
        Row::Address(key) => vec![Step::RemoveAddress { key: key.clone() }],
        Row::Timeouts => vec![Step::SetTimeouts { timeouts: Timeouts::default() }],
        Row::Sysctl(name) => vec![Step::SetSysctl { name: name.clone(), value: String::new() }],
        Row::Sync(role) => vec![Step::StopSync { role: *role }],
        Row::Packets => vec![Step::RemovePackets],
    };
    found(&steps, observed)
}

/// Whether a pointer is at an object or within it.
fn within(pointer: &str, object: &str) -> bool {
    pointer.strip_prefix(object).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// How often each value occurs; of several that occur equally often, the smallest is the commonest.
fn most<T: Ord>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for value in values {
        let count = counts.entry(value).or_default();
        *count = count.saturating_add(1);
    }
    // max_by_key takes the last of equals.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(value, _)| value)
}
