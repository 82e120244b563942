//! From observed to desired, in an order that is safe at every step.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::addresses::AddressSteps;
use super::desire::keeper;
use super::sync::{SyncSteps, absent};
use super::{Change, Ownership, Step, diff};
use crate::model::Timeouts;
use crate::table::{Desired, Forward, KernelTimeouts, Observed, ServerRow, Service, ServiceKey, spelled_out};

/// What has to be done, and what was found on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
/// says what is adopted. Order: servers that are sent nobody from now on, stopped sync daemons, kernel parameters, withdrawn
/// addresses, packet rules, started sync daemons, timeouts, services and servers, new addresses (and what they replace),
/// removed services, then packet rules that are not wanted, and parameters as the host had them. Parameters come before
/// addresses, so that withdrawing one of a subnet never takes the others along; a daemon that must not stop the
/// director from scheduling ends before the parameter that would make it do so, and begins when no address is left. A server
/// loses its weight before anything else, since what comes next may have the kernel begin to schedule: where that server is
/// the partner, which still schedules, packets would go round between the two.
pub fn plan(desired: &Desired, observed: &Observed, ownership: &Ownership) -> Plan {
    let claimed = ownership.claim(desired, observed);
    let parameters = parameters(desired, observed, &claimed);
    let AddressSteps { secure, withdraw, put } = AddressSteps::plan(desired, observed, &claimed, &parameters);
    let sync = SyncSteps::plan(desired, observed, &claimed);
    let mut table = Vec::new();
    let removed = services(desired, observed, &claimed, &mut table);
    let (mut steps, table): (Vec<_>, Vec<_>) =
        table.into_iter().partition(|step| matches!(step, Step::SetServer { row, .. } if row.weight == 0));
    steps.extend(sync.stop);
    steps.extend(sysctls(&parameters, observed));
    steps.extend(secure);
    steps.extend(withdraw);
    let packets = packets(desired, observed, claimed.lost);
    steps.extend(packets.iter().filter(|step| !matches!(step, Step::RemovePackets)).cloned());
    steps.extend(sync.start);
    steps.extend(timeouts(&desired.timeouts, &observed.timeouts));
    steps.extend(table);
    steps.extend(put);
    steps.extend(removed);
    steps.extend(packets.into_iter().filter(|step| matches!(step, Step::RemovePackets)));
    steps.extend(put_back(&parameters, observed, &claimed));

    let there = || observed.table.services.keys().copied();
    Plan {
        steps,
        adopted: there()
            .filter(|key| desired.table.services.contains_key(key) && !ownership.services.contains(key))
            .collect(),
        foreign: there().filter(|key| !claimed.services.contains(key)).collect(),
    }
}

/// The parameters that are wanted, without those that would only serve borrowed addresses: these stay as the host put
/// them, and so does what the host set for them.
fn parameters(desired: &Desired, observed: &Observed, claimed: &Ownership) -> BTreeMap<String, String> {
    let (borrowed, ours): (Vec<_>, Vec<_>) =
        desired.addresses.keys().partition(|key| claimed.borrowed.contains(&key.address));
    let needed: BTreeSet<String> = ours.into_iter().filter_map(keeper).collect();
    let unneeded: BTreeSet<String> =
        borrowed.into_iter().filter_map(keeper).filter(|name| !needed.contains(name)).collect();
    let mut wanted = spelled_out(&desired.sysctls, observed);
    wanted.retain(|name, _| !unneeded.contains(name));
    wanted
}

/// Parameters of the host that are no longer wanted, as they were before us.
fn put_back(wanted: &BTreeMap<String, String>, observed: &Observed, claimed: &Ownership) -> Vec<Step> {
    let unwanted = claimed.parameters.iter().filter(|(name, _)| !claimed.lost && !wanted.contains_key(*name));
    let other = |name: &String, before: &String| observed.sysctls.get(name).is_some_and(|now| now != before);
    let changed = unwanted.filter(|(name, before)| other(name, before));
    changed.map(|(name, value)| Step::SetSysctl { name: name.clone(), value: value.clone() }).collect()
}

/// The table of packet rules, replaced as a whole where a rule is missing, changed, or not ours.
fn packets(desired: &Desired, observed: &Observed, lost: bool) -> Option<Step> {
    match (desired.packets.is_empty(), &observed.packets) {
        (true, None) => None,
        (true, Some(_)) => (!lost).then_some(Step::RemovePackets),
        (false, there) => {
            let same = there.as_ref().is_some_and(|there| *there == desired.packets.texts());
            (!same).then(|| Step::SetPackets { rules: desired.packets.clone() })
        }
    }
}

fn sysctls(parameters: &BTreeMap<String, String>, observed: &Observed) -> Vec<Step> {
    diff(parameters, &observed.sysctls, |want, have| want == have)
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
    let absent = absent(desired, observed, claimed);
    let wanted: BTreeMap<ServiceKey, &Service> = desired
        .table
        .services
        .iter()
        .filter(|(key, _)| !absent.contains(*key))
        .map(|(key, service)| (*key, service))
        .collect();
    for change in diff(&wanted, &ours, |want, have| same_service(want, have)) {
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

/// What turns one service into another with the same key.
pub(crate) fn service_steps(key: ServiceKey, want: &Service, have: &Service) -> Vec<Step> {
    let mut steps = Vec::new();
    if want.row != have.row {
        steps.push(Step::SetService { key, row: want.row.clone() });
    }
    servers(key, want, Some(have), &Ownership::default(), &mut steps);
    steps
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
/// was asked for. Without an upper threshold it never looks at the lower one.
fn same_server(want: &ServerRow, have: &ServerRow) -> bool {
    let forward = want.forward == have.forward || have.forward == Forward::Local;
    let lower = want.lower == have.lower || want.upper == 0;
    forward && lower && (want.weight, want.upper) == (have.weight, have.upper)
}
