//! Services of a kernel as virtual servers: new ones, and known ones that take over what the kernel holds.

use std::collections::{BTreeMap, BTreeSet};

use super::{Adoption, Side, most, place};
use crate::finding::Place;
use crate::format::ipvsadm;
use crate::model::{Cluster, Forwarding, GlobalSettings, RealServer, SorryServer, VirtualServer, Weight};
use crate::plan::Row;
use crate::table::{Forward, ServerKey, Service, ServiceKey, Table};

/// The virtual server with that key; where several have it, the active one.
pub(super) fn of<'a>(cluster: &'a Cluster, key: &ServiceKey) -> Option<(usize, &'a VirtualServer)> {
    let with_key = || cluster.virtual_servers.iter().enumerate().filter(|(_, s)| s.key() == Some(*key));
    with_key().find(|(_, server)| server.active).or_else(|| with_key().next())
}

/// The forwarding that most real servers of the chosen services use.
pub(super) fn commonest(side: Side<'_>, chosen: &BTreeSet<Row>) -> Forwarding {
    let services = side.snapshot.observed.table.services.iter();
    let services = services.filter(|(key, _)| chosen.contains(&Row::Service(**key)));
    let rows = services.flat_map(|(_, service)| service.servers.values());
    most(rows.filter_map(|row| forwarding(row.forward))).unwrap_or_default()
}

fn forwarding(forward: Forward) -> Option<Forwarding> {
    match forward {
        Forward::Masquerade => Some(Forwarding::Nat),
        Forward::Direct => Some(Forwarding::Direct),
        Forward::Tunnel(tunnel) => Some(Forwarding::Tunnel(tunnel)),
        Forward::Local | Forward::Bypass => None,
    }
}

/// Takes a service as it is there; returns where it is in the cluster, none where neither knows it.
pub(super) fn take(
    adoption: &mut Adoption,
    side: Side<'_>,
    partners: &[Side<'_>],
    key: &ServiceKey,
) -> Option<String> {
    let there = side.snapshot.observed.table.services.get(key);
    let known = of(&adoption.cluster, key).map(|(index, _)| index);
    match (known, there) {
        (Some(index), there) => {
            let pointer = format!("/virtual_servers/{index}");
            let read = there.and_then(|service| read(adoption, key, service, &pointer));
            let global = adoption.cluster.global.clone();
            let server = adoption.cluster.virtual_servers.get_mut(index)?;
            server.active = read.is_some();
            if let Some(read) = read {
                take_over(server, &read, &global);
            }
            Some(pointer)
        }
        (None, Some(service)) => {
            let pointer = format!("/virtual_servers/{}", adoption.cluster.virtual_servers.len());
            let mut server = read(adoption, key, service, &pointer)?;
            server.name = free_name(&adoption.cluster, server.name);
            if let Some(vip) = server.vip.take() {
                server.vip = Some(place::of_service(adoption, side, partners, vip.address, &pointer));
            }
            adoption.cluster.virtual_servers.push(server);
            Some(pointer)
        }
        (None, None) => None,
    }
}

/// A service in the model's terms, with each real server's forwarding as this cluster has to say it.
fn read(
    adoption: &mut Adoption,
    key: &ServiceKey,
    service: &Service,
    pointer: &str,
) -> Option<VirtualServer> {
    let table = Table { services: BTreeMap::from([(*key, service.clone())]) };
    let (drafted, findings) = ipvsadm::draft(&table);
    for mut finding in findings {
        if let Some(rest) = finding.pointer().and_then(|p| p.strip_prefix("/virtual_servers/0")) {
            finding.place = Place::Field(format!("{pointer}{rest}"));
        }
        adoption.findings.push(finding.warning());
    }
    let common = drafted.global.forwarding;
    let ours = adoption.cluster.global.forwarding;
    let mut server = drafted.virtual_servers.into_iter().next()?;
    for (real, row) in server.real_servers.iter_mut().zip(service.servers.values()) {
        let method = match row.forward {
            // The director itself: the kernel keeps that whatever is asked for. Only NAT may have another port.
            Forward::Local if real.port.is_some() => Forwarding::Nat,
            Forward::Local | Forward::Bypass => ours,
            _ => real.forwarding.unwrap_or(common),
        };
        real.forwarding = (method != ours).then_some(method);
    }
    Some(server)
}

/// A known virtual server takes over what a kernel knows of it: schedule, persistence, real servers with their weights,
/// forwarding and limits. Real servers that are gone are switched off, so that their names and checks are kept.
fn take_over(server: &mut VirtualServer, read: &VirtualServer, global: &GlobalSettings) {
    server.scheduler = read.scheduler;
    server.scheduler_flags = read.scheduler_flags.clone();
    server.persistence = read.persistence;
    server.one_packet = read.one_packet;
    match (&server.sorry_server, read.real_servers.as_slice()) {
        (Some(sorry), [only]) if answers_alone(server, sorry, read, only, global) => {
            server.real_servers.iter_mut().for_each(|real| real.active = false);
            return;
        }
        // With no server at all, it is gone too.
        (Some(_), []) => server.sorry_server = None,
        _ => {}
    }
    let there: BTreeMap<ServerKey, &RealServer> =
        read.real_servers.iter().map(|real| (read.server_key(real), real)).collect();
    let mut met = BTreeSet::new();
    // Of several with the same key the active one is meant.
    let mut order: Vec<usize> = (0..server.real_servers.len()).collect();
    order.sort_by_key(|index| server.real_servers.get(*index).is_none_or(|real| !real.active));
    for index in order {
        let Some(key) = server.real_servers.get(index).map(|real| server.server_key(real)) else { continue };
        let found = there.get(&key).filter(|_| met.insert(key));
        let Some(real) = server.real_servers.get_mut(index) else { continue };
        real.active = found.is_some();
        if let Some(found) = found {
            real.weight = found.weight;
            real.forwarding = found.forwarding;
            real.limit = found.limit;
        }
    }
    for (key, real) in there {
        if !met.contains(&key) {
            let taken = |name: &str| server.real_servers.iter().any(|real| real.name == name);
            let name = free(real.name.clone(), taken);
            server.real_servers.push(RealServer { name, ..real.clone() });
        }
    }
}

/// Whether the only server there is the sorry server, which is there because no real server is.
fn answers_alone(
    server: &VirtualServer,
    sorry: &SorryServer,
    read: &VirtualServer,
    only: &RealServer,
    global: &GlobalSettings,
) -> bool {
    let key = server.sorry_key(sorry);
    read.server_key(only) == key
        && server.real_servers.iter().all(|real| server.server_key(real) != key)
        && (only.weight, only.limit) == (Weight(1), None)
        && only.forwarding_in(global) == sorry.forwarding_in(global)
}

fn free_name(cluster: &Cluster, name: String) -> String {
    free(name, |name| cluster.virtual_servers.iter().any(|server| server.name == name))
}

/// The name, or the first of `NAME (2)`, `NAME (3)` … that is free.
fn free(name: String, taken: impl Fn(&str) -> bool) -> String {
    if !taken(&name) {
        return name;
    }
    let numbered = (2_u32..).map(|number| format!("{name} ({number})"));
    numbered.into_iter().find(|name| !taken(name)).unwrap_or(name)
}
