//! A kernel in memory, with the refusals of the real one, for every test that needs no root.
//!
//! It balances nothing and sends nothing. One suite (`tests/suite.rs`) runs the same steps here and on Linux, so that
//! what is proved against this kernel holds for the other.

mod addresses;
mod connections;
mod parameters;
mod table;
mod tunnels;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lvs::connections::{Connection, Copied};
use lvs::counters::{Counters, ServerCounters, ServiceCounters, Totals};
use lvs::plan::Step;
use lvs::preflight::Surroundings;
use lvs::real_server::GuePort;
use lvs::table::{
    AddressKey, AddressRow, DesiredAddress, Link, Observed, ServerKey, Service, ServiceKey, SyncRow,
    for_each_interface,
};

use crate::error::{Errno, Error, Kind};
use crate::explain::{describe, failed, refused};
use crate::lease::not_renewed;
use crate::{Announce, Kernel, Lease, Shielded, Sighting};

/// A kernel in memory. A clone is the same kernel, so that a test can look into the one it gave away.
#[derive(Clone, Debug, Default)]
pub struct MemoryKernel(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    table: table::IpvsTable,
    addresses: addresses::Addresses,
    parameters: BTreeMap<String, String>,
    links: BTreeMap<String, Link>,
    gue: Option<BTreeSet<GuePort>>,
    counters: BTreeMap<ServiceKey, ServiceCounters>,
    announced: Vec<(String, IpAddr)>,
    writes: u64,
    failing_writes: BTreeMap<u64, Kind>,
    failing_observation: Option<Kind>,
    shielded: Option<Shielded>,
    packets: Option<Vec<String>>,
    connections: Vec<Connection>,
    sent: Vec<(SyncRow, Copied)>,
    surroundings: Surroundings,
    answers: BTreeMap<IpAddr, BTreeSet<[u8; 6]>>,
}

impl MemoryKernel {
    /// A kernel with the interface `lo`, every scheduler, an empty table and the usual parameters.
    pub fn new() -> Self {
        let kernel = MemoryKernel::default();
        kernel.state().parameters = parameters::usual();
        kernel.set_link("lo", Link { index: 1, up: true, carrier: true, mac: Vec::new() });
        kernel
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked while holding the lock has failed already.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the `nth` change from now fail (1 is the next one), without effect. May be called for several.
    pub fn fail_nth(&self, nth: u64, kind: Kind) {
        let mut state = self.state();
        let number = state.writes.saturating_add(nth);
        state.failing_writes.insert(number, kind);
    }

    /// Makes the next observation or reading of counters fail.
    pub fn fail_observe(&self, kind: Kind) {
        self.state().failing_observation = Some(kind);
    }

    /// Adds or changes an interface, with its parameters.
    pub fn set_link(&self, name: &str, link: Link) {
        let mut state = self.state();
        parameters::add_interface(&mut state.parameters, name);
        state.links.insert(name.to_owned(), link);
    }

    /// Removes an interface with its addresses and parameters.
    pub fn remove_link(&self, name: &str) {
        let mut state = self.state();
        state.links.remove(name);
        state.addresses.remove_interface(name);
        parameters::remove_interface(&mut state.parameters, name);
    }

    /// Takes a scheduler away, as on a kernel built without it.
    pub fn remove_scheduler(&self, name: &str) {
        self.state().table.missing_schedulers.insert(name.to_owned());
    }

    /// Puts a service there as somebody else would, past every check and without counting as a change of ours.
    pub fn put_service(&self, key: ServiceKey, service: Service) {
        self.state().table.rows.services.insert(key, service);
    }

    /// Takes a service away as somebody else would.
    pub fn take_service(&self, key: &ServiceKey) -> Option<Service> {
        self.state().table.rows.services.remove(key)
    }

    /// Puts an address there as somebody else would; [`AddressRow::secondary`] is worked out as the kernel does.
    pub fn put_address(&self, key: AddressKey, row: AddressRow) {
        self.state().addresses.put(key, row);
    }

    /// Takes an address away as somebody else would.
    pub fn take_address(&self, key: &AddressKey) {
        self.state().addresses.take(key);
    }

    /// Sets a parameter, whether the kernel had it or not; none takes it away.
    pub fn set_parameter(&self, name: &str, value: Option<&str>) {
        let mut state = self.state();
        match value {
            Some(value) => state.parameters.insert(name.to_owned(), value.to_owned()),
            None => state.parameters.remove(name),
        };
    }

    /// Puts rules into our packet table as somebody else would; none takes the table away.
    pub fn put_packets(&self, rules: Option<Vec<String>>) {
        self.state().packets = rules;
    }

    /// Sets what is around the agent.
    pub fn set_surroundings(&self, surroundings: Surroundings) {
        self.state().surroundings = surroundings;
    }

    /// Sets who on the network answers for an address.
    pub fn set_answers(&self, address: IpAddr, hardware: &[[u8; 6]]) {
        self.state().answers.insert(address, hardware.iter().copied().collect());
    }

    /// Sets what a service has counted; its real servers' numbers stay.
    pub fn set_totals(&self, service: ServiceKey, totals: Totals) {
        self.state().counters.entry(service).or_default().totals = totals;
    }

    /// Sets what a real server has counted; its weight is always the table's.
    pub fn set_server_counters(&self, service: ServiceKey, server: ServerKey, counters: ServerCounters) {
        self.state().counters.entry(service).or_default().servers.insert(server, counters);
    }

    /// What is shielded at present.
    pub fn shielded(&self) -> Option<Shielded> {
        self.state().shielded.clone()
    }

    /// Every announcement so far, oldest first.
    pub fn announced(&self) -> Vec<(String, IpAddr)> {
        self.state().announced.clone()
    }
}

impl State {
    fn observation_fault(&mut self, operation: &str) -> Result<(), Error> {
        match self.failing_observation.take() {
            Some(kind) => Err(injected(operation.to_owned(), kind)),
            None => Ok(()),
        }
    }

    fn carry_out(&mut self, step: &Step) -> Result<(), Error> {
        self.writes += 1;
        if let Some(kind) = self.failing_writes.remove(&self.writes) {
            return Err(injected(describe(step), kind));
        }
        self.change(step).map_err(|errno| refused(step, errno))
    }

    fn change(&mut self, step: &Step) -> Result<(), Errno> {
        match step {
            Step::SetTimeouts { timeouts } => self.table.set_timeouts(timeouts),
            Step::AddService { key, row } => self.table.add_service(*key, row),
            Step::SetService { key, row } => self.table.set_service(key, row),
            Step::RemoveService { key } => {
                self.table.remove_service(key)?;
                self.counters.remove(key);
                Ok(())
            }
            Step::AddServer { service, key, row } => self.table.add_server(service, *key, row),
            Step::SetServer { service, key, row } => self.table.set_server(service, key, row),
            Step::RemoveServer { service, key } => {
                self.table.remove_server(service, key)?;
                if let Some(counters) = self.counters.get_mut(service) {
                    counters.servers.remove(key);
                }
                Ok(())
            }
            Step::AddAddress { key, row } => self.addresses.add(&self.links, key, row),
            Step::RemoveAddress { key } => {
                let promote = parameters::promotes(&self.parameters, &key.interface);
                self.addresses.remove(&self.links, key, promote)
            }
            Step::SetPackets { rules } => {
                self.packets = Some(rules.texts());
                Ok(())
            }
            Step::RemovePackets => self.packets.take().map(drop).ok_or(Errno(libc::ENOENT)),
            Step::SetSysctl { name, value } => parameters::write(&mut self.parameters, name, value),
            Step::StartSync { role, row } => {
                if !self.links.contains_key(&row.interface) {
                    return Err(Errno(libc::ENODEV));
                }
                self.table.start_sync(*role, row)
            }
            Step::StopSync { role } => self.table.stop_sync(*role),
        }
    }
}

fn injected(operation: String, kind: Kind) -> Error {
    Error::new(operation, kind, "a fault injected by a test")
}

impl Kernel for MemoryKernel {
    fn observe(&mut self, sysctls: &BTreeSet<String>) -> Result<Observed, Error> {
        let mut state = self.state();
        state.observation_fault("read the kernel's state")?;
        let sysctls = sysctls
            .iter()
            .flat_map(|name| for_each_interface(name, state.links.keys()))
            .filter_map(|name| Some((name.clone(), state.parameters.get(&name)?.clone())))
            .collect();
        Ok(Observed {
            table: state.table.rows.clone(),
            addresses: state.addresses.rows(),
            timeouts: state.table.timeouts,
            sysctls,
            links: state.links.clone(),
            sync: state.table.sync.clone(),
            packets: state.packets.clone(),
        })
    }

    fn apply(&mut self, steps: &[Step]) -> Vec<Result<(), Error>> {
        let mut state = self.state();
        steps.iter().map(|step| state.carry_out(step)).collect()
    }

    fn shield(&mut self, shielded: Option<&Shielded>) -> Result<(), Error> {
        self.state().shielded = shielded.cloned();
        Ok(())
    }

    fn counters(&mut self) -> Result<Counters, Error> {
        let mut state = self.state();
        state.observation_fault("read the counters")?;
        let counters = state.table.rows.services.iter().map(|(key, service)| {
            let set = state.counters.get(key);
            let servers = service.servers.iter().map(|(server, row)| {
                let counted = set.and_then(|set| set.servers.get(server)).copied().unwrap_or_default();
                (*server, ServerCounters { weight: row.weight, ..counted })
            });
            let totals = set.map(|set| set.totals).unwrap_or_default();
            (*key, ServiceCounters { totals, servers: servers.collect() })
        });
        Ok(counters.collect())
    }

    fn counters_since(&mut self, before: &Counters, due: &BTreeSet<ServiceKey>) -> Result<Counters, Error> {
        let mut counters = self.counters()?;
        for (key, now) in &mut counters {
            let stands = before.get(key).filter(|before| before.totals == now.totals && !due.contains(key));
            if let Some(before) = stands {
                now.servers.clone_from(&before.servers);
            }
        }
        Ok(counters)
    }

    fn connections(&self) -> u64 {
        let state = self.state();
        let servers = state.counters.values().flat_map(|service| service.servers.values());
        servers.map(|server| u64::from(server.active) + u64::from(server.inactive)).sum()
    }

    fn surroundings(&mut self) -> Surroundings {
        self.state().surroundings.clone()
    }

    fn ask_around(&mut self, places: BTreeMap<String, BTreeSet<IpAddr>>) -> Receiver<Sighting> {
        let (sender, receiver) = mpsc::channel();
        let asked: BTreeSet<IpAddr> = places.into_values().flatten().collect();
        let answers = self.state().answers.clone();
        let holders = answers.into_iter().filter(|(address, _)| asked.contains(address)).collect();
        // Whoever asked holds the other end.
        drop(sender.send(Sighting { holders, ..Sighting::default() }));
        receiver
    }

    fn writes(&self) -> u64 {
        self.state().writes
    }
}

impl Lease for MemoryKernel {
    fn renew(
        &mut self,
        addresses: &BTreeMap<AddressKey, DesiredAddress>,
        life: Option<Duration>,
    ) -> Result<(), Error> {
        let mut state = self.state();
        let seconds = life.map(|life| u32::try_from(life.as_secs()).unwrap_or(u32::MAX).max(1));
        let missing = addresses.keys().filter(|key| !state.addresses.renew(key, seconds)).collect::<Vec<_>>();
        missing.first().map_or(Ok(()), |key| Err(not_renewed(key, Errno(libc::EADDRNOTAVAIL))))
    }

    fn held(&mut self, addresses: &BTreeMap<AddressKey, DesiredAddress>) -> Result<Vec<AddressKey>, Error> {
        let present = self.state().addresses.rows();
        Ok(addresses.keys().filter(|key| present.contains_key(key)).cloned().collect())
    }
}

impl Announce for MemoryKernel {
    fn announce(&mut self, interface: &str, address: IpAddr) -> Result<(), Error> {
        let mut state = self.state();
        let operation = format!("announce {address} on {interface}");
        let link =
            state.links.get(interface).ok_or_else(|| failed(operation.clone(), Errno(libc::ENODEV)))?;
        if link.mac.len() != 6 {
            let reason = format!("{interface} has no Ethernet address");
            return Err(Error::new(operation, Kind::Unsupported, reason));
        }
        if !link.up {
            return Err(failed(operation, Errno(libc::ENETDOWN)));
        }
        state.announced.push((interface.to_owned(), address));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Vec<Step> {
        let add = |mark: u32| {
            let key = format!("fwmark {mark}").parse().unwrap();
            let row = lvs::table::ServiceRow {
                scheduler: "rr".to_owned(),
                flags: Default::default(),
                persistence: None,
                one_packet: false,
            };
            Step::AddService { key, row }
        };
        (1..=4).map(add).collect()
    }

    #[test]
    fn the_nth_change_fails_and_leaves_no_trace() {
        for nth in 1..=4_u64 {
            let mut kernel = MemoryKernel::new();
            kernel.fail_nth(nth, Kind::Transient);
            let results = kernel.apply(&steps());
            for (place, result) in (1..).zip(&results) {
                assert_eq!(
                    result.as_ref().err().map(|error| error.kind),
                    (place == nth).then_some(Kind::Transient)
                );
            }
            let table = kernel.observe(&BTreeSet::new()).unwrap().table;
            assert_eq!((table.services.len(), kernel.writes()), (3, 4));
        }
    }

    #[test]
    fn faults_count_from_the_moment_they_are_asked_for_and_happen_once() {
        let mut kernel = MemoryKernel::new();
        kernel.apply(&steps());
        kernel.fail_nth(2, Kind::Busy);
        let kinds = |results: Vec<Result<(), Error>>| -> Vec<Option<Kind>> {
            results.into_iter().map(|result| result.err().map(|error| error.kind)).collect()
        };
        let exists = Some(Kind::Exists);
        assert_eq!(kinds(kernel.apply(&steps())), [exists, Some(Kind::Busy), exists, exists]);
        kernel.fail_observe(Kind::Denied);
        assert_eq!(kernel.observe(&BTreeSet::new()).unwrap_err().kind, Kind::Denied);
        assert!(kernel.observe(&BTreeSet::new()).is_ok());
    }

    #[test]
    fn a_clone_is_the_same_kernel_and_a_lost_scheduler_is_said() {
        let test = MemoryKernel::new();
        test.remove_scheduler("rr");
        let mut given_away = test.clone();
        let error = given_away.apply(&steps()).remove(0).unwrap_err();
        assert_eq!(error.to_string(), "add service fwmark 1: the kernel has no scheduler rr");
        assert_eq!(test.writes(), 4);
    }

    #[test]
    fn counters_that_were_set_go_with_their_rows() {
        let mut kernel = MemoryKernel::new();
        kernel.apply(&steps());
        let key: ServiceKey = "fwmark 2".parse().unwrap();
        kernel.set_totals(key, Totals { connections: 5, ..Totals::default() });
        assert_eq!(kernel.counters().unwrap()[&key].totals.connections, 5);
        kernel.apply(&[Step::RemoveService { key }]);
        assert!(!kernel.counters().unwrap().contains_key(&key));
        kernel.apply(&steps());
        assert_eq!(kernel.counters().unwrap()[&key].totals.connections, 0);
    }
}
