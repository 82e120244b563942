//! The IPVS table over one generic netlink socket.

use std::collections::{BTreeMap, BTreeSet};

use lvs::counters::{Counters, ServiceCounters};
use lvs::plan::Step;
use lvs::table::{KernelTimeouts, Service, ServiceKey, SyncRole, SyncRow, Table};

use crate::error::{Errno, Error, Kind};
use crate::explain::{failed, refused};
use crate::socket::{Outcome, Socket, Traffic};
use crate::wire::ipvs::{DumpedServer, DumpedService, Info, ServerChange, ServiceChange};
use crate::wire::message::Message;
use crate::wire::{Malformed, control, ipvs};

use super::module;

/// The socket and the family's number.
pub(super) struct Ipvs {
    socket: Socket,
    family: u16,
    /// Schedulers that are no loadable module here: built in, or not there at all.
    unloadable: BTreeSet<String>,
    connections: u64,
}

impl Ipvs {
    /// Opens the socket and finds the family, loading its module if need be.
    pub(super) fn open() -> Result<Self, Error> {
        let operation = "open the kernel's IPVS";
        let mut socket = Socket::open(libc::NETLINK_GENERIC).map_err(|errno| failed(operation, errno))?;
        let family = resolve(&mut socket).map_err(|errno| match errno {
            Errno(libc::ENOENT) => Error::answered(
                operation,
                Kind::Unsupported,
                "this kernel has no IPVS, or its module could not be loaded; run modprobe ip_vs as root (in a container: on its \
                 host), and where it is not found install the kernel package that has it",
                errno,
            ),
            errno => failed(operation, errno),
        })?;
        Ok(Ipvs { socket, family, unloadable: BTreeSet::new(), connections: 0 })
    }

    /// Connections at the last look at the table.
    pub(super) fn connections(&self) -> u64 {
        self.connections
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.socket.traffic()
    }

    pub(super) fn info(&mut self) -> Result<Info, Error> {
        let answer = self.socket.request(&ipvs::info(self.family));
        answer
            .and_then(|payload| Ok(ipvs::decode_info(&payload)?))
            .map_err(|errno| failed("read the version of IPVS", errno))
    }

    pub(super) fn timeouts(&mut self) -> Result<KernelTimeouts, Error> {
        let answer = self.socket.request(&ipvs::timeouts(self.family));
        answer
            .and_then(|payload| Ok(ipvs::decode_timeouts(&payload)?))
            .map_err(|errno| failed("read the session timeouts", errno))
    }

    /// The running sync daemons.
    pub(super) fn sync(&mut self) -> Result<BTreeMap<SyncRole, SyncRow>, Error> {
        let daemons = self.socket.dump(&ipvs::daemons(self.family), known(ipvs::decode_daemon));
        let daemons = daemons.map_err(|errno| failed("read the sync daemons", errno))?;
        Ok(daemons.into_iter().collect())
    }

    /// All services with their real servers.
    pub(super) fn table(&mut self) -> Result<Table, Error> {
        let mut table = Table::default();
        let mut connections = 0;
        for (service, servers) in self.dump()? {
            for server in &servers {
                connections += u64::from(server.counters.active) + u64::from(server.counters.inactive);
            }
            let servers = servers.into_iter().map(|server| (server.key, server.row)).collect();
            table.services.insert(service.key, Service { row: service.row, servers });
        }
        self.connections = connections;
        Ok(table)
    }

    /// All counters.
    pub(super) fn counters(&mut self) -> Result<Counters, Error> {
        let mut counters = Counters::new();
        for (service, servers) in self.dump()? {
            let servers = servers.into_iter().map(|server| (server.key, server.counters)).collect();
            counters.insert(service.key, ServiceCounters { totals: service.totals, servers });
        }
        Ok(counters)
    }

    /// The same, where the real servers of quiet services that are not due are not read.
    pub(super) fn counters_since(
        &mut self,
        before: &Counters,
        due: &BTreeSet<ServiceKey>,
    ) -> Result<Counters, Error> {
        let mut counters = Counters::new();
        for DumpedService { key, totals, .. } in self.read_services()? {
            let stands = before.get(&key).filter(|before| before.totals == totals && !due.contains(&key));
            let servers = match stands {
                Some(before) => before.servers.clone(),
                None => {
                    let servers = self.read_servers(&key)?.into_iter();
                    servers.map(|server| (server.key, server.counters)).collect()
                }
            };
            counters.insert(key, ServiceCounters { totals, servers });
        }
        Ok(counters)
    }

    /// There is no dump of all real servers; one per service is the price (measured: 0.2 s for 1,000 of them).
    fn dump(&mut self) -> Result<Vec<(DumpedService, Vec<DumpedServer>)>, Error> {
        let services = self.read_services()?;
        let mut table = Vec::with_capacity(services.len());
        for service in services {
            let servers = self.read_servers(&service.key)?;
            table.push((service, servers));
        }
        Ok(table)
    }

    fn read_services(&mut self) -> Result<Vec<DumpedService>, Error> {
        self.services().map_err(|errno| failed("read the services", errno))
    }

    fn read_servers(&mut self, service: &ServiceKey) -> Result<Vec<DumpedServer>, Error> {
        self.servers(service).map_err(|errno| failed(format!("read the real servers of {service}"), errno))
    }

    fn services(&mut self) -> Result<Vec<DumpedService>, Errno> {
        match self.socket.dump(&ipvs::services(self.family), known(ipvs::decode_service)) {
            // The module was removed and loaded again since: the family has another number now.
            Err(Errno(libc::ENOENT)) => {
                self.family = resolve(&mut self.socket)?;
                self.socket.dump(&ipvs::services(self.family), known(ipvs::decode_service))
            }
            result => result,
        }
    }

    fn servers(&mut self, service: &ServiceKey) -> Result<Vec<DumpedServer>, Errno> {
        let decode = known(|payload| ipvs::decode_server(payload, service));
        self.socket.dump(&ipvs::servers(self.family, service), decode)
    }

    /// Loads the modules of the schedulers that the steps name.
    fn prepare_schedulers(&mut self, steps: &[Step]) {
        let named = steps.iter().filter_map(|step| match step {
            Step::AddService { row, .. } | Step::SetService { row, .. } => Some(row.scheduler.as_str()),
            _ => None,
        });
        for scheduler in named.collect::<BTreeSet<_>>() {
            if !self.unloadable.contains(scheduler) && !module::load_scheduler(scheduler) {
                self.unloadable.insert(scheduler.to_owned());
            }
        }
    }

    /// Carries out IPVS steps, many to a send.
    pub(super) fn apply(&mut self, steps: &[Step]) -> Vec<Result<(), Error>> {
        self.prepare_schedulers(steps);
        let prepared: Vec<Option<Message>> = steps.iter().map(|step| encode(self.family, step)).collect();
        // Steps of other parts never come here; one that did would be told so instead of shifting the others' results.
        let ours: Vec<bool> = prepared.iter().map(Option::is_some).collect();
        let messages: Vec<Message> = prepared.into_iter().flatten().collect();
        let mut outcomes = self.socket.batch(&messages).into_iter();
        let results =
            steps.iter().zip(ours).map(|(step, ours)| match if ours { outcomes.next() } else { None } {
                Some(outcome) => judge(step, outcome),
                None => Err(refused(step, Errno(libc::EINVAL))),
            });
        results.collect()
    }
}

/// Reports rows that our types cannot express; they can only be foreign.
fn known<T>(
    decode: impl Fn(&[u8]) -> Result<Option<T>, Malformed>,
) -> impl Fn(&[u8]) -> Result<Option<T>, Malformed> {
    move |payload| {
        let entry = decode(payload)?;
        if entry.is_none() {
            tracing::debug!("a foreign row of an unknown kind is left out of the table");
        }
        Ok(entry)
    }
}

fn encode(family: u16, step: &Step) -> Option<Message> {
    Some(match step {
        Step::SetTimeouts { timeouts } => ipvs::set_timeouts(family, timeouts),
        Step::AddService { key, row } => ipvs::change_service(family, key, ServiceChange::Add(row)),
        Step::SetService { key, row } => ipvs::change_service(family, key, ServiceChange::Set(row)),
        Step::RemoveService { key } => ipvs::change_service(family, key, ServiceChange::Remove),
        Step::AddServer { service, key, row } => {
            ipvs::change_server(family, service, key, ServerChange::Add(row))
        }
        Step::SetServer { service, key, row } => {
            ipvs::change_server(family, service, key, ServerChange::Set(row))
        }
        Step::RemoveServer { service, key } => {
            ipvs::change_server(family, service, key, ServerChange::Remove)
        }
        Step::StartSync { role, row } => ipvs::start_daemon(family, *role, row),
        Step::StopSync { role } => ipvs::stop_daemon(family, *role),
        Step::AddAddress { .. }
        | Step::RemoveAddress { .. }
        | Step::SetSysctl { .. }
        | Step::SetPackets { .. }
        | Step::RemovePackets => return None,
    })
}

/// The result of a step. When the first answer was lost and the second says that nothing is left to do, the first send
/// did it.
fn judge(step: &Step, outcome: Outcome) -> Result<(), Error> {
    let Some(errno) = outcome.error else { return Ok(()) };
    let done_before = outcome.repeated
        && matches!(
            (step, errno.0),
            (Step::AddService { .. } | Step::AddServer { .. } | Step::StartSync { .. }, libc::EEXIST)
                | (Step::RemoveService { .. } | Step::StopSync { .. }, libc::ESRCH)
                | (Step::RemoveServer { .. }, libc::ENOENT)
        );
    if done_before { Ok(()) } else { Err(refused(step, errno)) }
}

/// The family's number. Asking makes the kernel load the module where it can; where it cannot, we load it and ask again.
fn resolve(socket: &mut Socket) -> Result<u16, Errno> {
    match ask(socket) {
        Err(Errno(libc::ENOENT)) => {
            module::load("ip_vs");
            ask(socket)
        }
        result => result,
    }
}

fn ask(socket: &mut Socket) -> Result<u16, Errno> {
    let answer = socket.request(&control::get_family(ipvs::FAMILY))?;
    Ok(control::family(&answer)?)
}
