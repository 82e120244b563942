//! From observed to desired, in an order that is safe at every step.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::addresses::AddressSteps;
use super::{Change, Ownership, Step, diff};
use crate::model::Timeouts;
use crate::table::{Desired, Forward, KernelTimeouts, Observed, ServerRow, Service, ServiceKey};

/// What has to be done, and what was found on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// In the order they must happen.
    pub steps: Vec<Step>,
    /// Services that exist already although we never added them, and are ours from now on.
    pub adopted: BTreeSet<ServiceKey>,
    /// Services that are not ours and stay as they are.
    pub foreign: BTreeSet<ServiceKey>,
}

/// The steps from `observed` to `desired`, given what is ours so far.
///
/// `ownership` may be the list before or after [`Ownership::claim`]; the steps are the same, but only the list before
/// says what is adopted. Order: kernel parameters, withdrawn addresses, timeouts, services and servers, new addresses
/// (and what they replace), removed services. Parameters come first, so that withdrawing one address of a subnet
/// never takes the others along.
pub fn plan(desired: &Desired, observed: &Observed, ownership: &Ownership) -> Plan {
    let claimed = ownership.claim(desired, observed);
    let AddressSteps { secure, withdraw, put } = AddressSteps::plan(desired, observed, &claimed);
    let mut steps = sysctls(desired, observed);
    steps.extend(secure);
    steps.extend(withdraw);
    steps.extend(timeouts(&desired.timeouts, &observed.timeouts));
    let removed = services(desired, observed, &claimed, &mut steps);
    steps.extend(put);
    steps.extend(removed);

    let there = || observed.table.services.keys().copied();
    Plan {
        steps,
        adopted: there()
            .filter(|key| desired.table.services.contains_key(key) && !ownership.services.contains(key))
            .collect(),
        foreign: there().filter(|key| !claimed.services.contains(key)).collect(),
    }
}

fn sysctls(desired: &Desired, observed: &Observed) -> Vec<Step> {
    diff(&desired.sysctls, &observed.sysctls, |want, have| want == have)
        .into_iter()
        .filter_map(|change| match change {
            Change::Add(name, value) | Change::Set(name, value) => {
                Some(Step::SetSysctl { name: name.clone(), value: value.clone() })
            }
            // Asked about, but not by this configuration: it stays as it is.
            Change::Remove(_) => None,
        })
        .collect()
}

/// One step with the timeouts that differ; the others stay.
fn timeouts(desired: &Timeouts, observed: &KernelTimeouts) -> Option<Step> {
    let wanted = desired.effective();
    let differing = |want: Option<u32>, have: u32| want.filter(|want| *want != have);
    let timeouts = Timeouts {
        tcp: differing(wanted.tcp, observed.tcp),
        tcpfin: differing(wanted.tcpfin, observed.tcpfin),
        udp: differing(wanted.udp, observed.udp),
    };
    (timeouts != Timeouts::default()).then_some(Step::SetTimeouts { timeouts })
}

/// Adds and changes services and servers; returns the removals of services, which come last.
fn services(desired: &Desired, observed: &Observed, claimed: &Ownership, steps: &mut Vec<Step>) -> Vec<Step> {
    let ours: BTreeMap<ServiceKey, &Service> = observed
        .table
        .services
        .iter()
        .filter(|(key, _)| claimed.services.contains(key))
        .map(|(key, service)| (*key, service))
        .collect();
    let mut removed = Vec::new();
    for change in diff(&desired.table.services, &ours, |want, have| same_service(want, have)) {
        match change {
            Change::Add(key, service) => {
                steps.push(Step::AddService { key: *key, row: service.row.clone() });
                servers(*key, service, None, claimed, steps);
            }
            Change::Set(key, service) => {
                let have = ours.get(key).copied();
                if have.is_none_or(|have| have.row != service.row) {
                    steps.push(Step::SetService { key: *key, row: service.row.clone() });
                }
                servers(*key, service, have, claimed, steps);
            }
            Change::Remove(key) if !claimed.lost => removed.push(Step::RemoveService { key: *key }),
            Change::Remove(_) => {}
        }
    }
    removed
}

/// The servers of one service: new ones before old ones go, so that it is never without any on the way.
fn servers(
    service: ServiceKey,
    want: &Service,
    have: Option<&Service>,
    claimed: &Ownership,
    steps: &mut Vec<Step>,
) {
    let none = BTreeMap::new();
    let have = have.map_or(&none, |have| &have.servers);
    for change in diff(&want.servers, have, same_server) {
        match change {
            Change::Add(key, row) => steps.push(Step::AddServer { service, key: *key, row: *row }),
            Change::Set(key, row) => steps.push(Step::SetServer { service, key: *key, row: *row }),
            Change::Remove(key) if !claimed.lost => steps.push(Step::RemoveServer { service, key: *key }),
            Change::Remove(_) => {}
        }
    }
}

fn same_service(want: &Service, have: &Service) -> bool {
    want.row == have.row
        && want.servers.len() == have.servers.len()
        && want
            .servers
            .iter()
            .all(|(key, row)| have.servers.get(key).is_some_and(|there| same_server(row, there)))
}

/// Whether a server needs no change. Where its address is the director's own, the kernel forwards locally whatever
/// was asked for.
fn same_server(want: &ServerRow, have: &ServerRow) -> bool {
    let forward = want.forward == have.forward || have.forward == Forward::Local;
    forward && (want.weight, want.upper, want.lower) == (have.weight, have.upper, have.lower)
}
