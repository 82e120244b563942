//! The real kernel behind [`Kernel`]: netlink sockets, `/proc/sys`, and the loading of the `ip_vs` module.
//!
//! It never decides what should be there and never retries what the kernel refused; the director does both.

mod ipvs;
pub(crate) mod module;
pub(crate) mod network;
pub(crate) mod packets;
pub(crate) mod parameter;
mod tunnels;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::mpsc::Receiver;

use lvs::counters::Counters;
use lvs::plan::Step;
use lvs::preflight::Surroundings;
use lvs::real_server::{End, GuePort};
use lvs::table::{Observed, ServiceKey, for_each_interface};

use crate::error::{Error, Kind};
use crate::explain::{describe, refused};
use crate::scout::{self, Sighting};
use crate::shield::{Shield, Shielded};
use crate::socket::Traffic;
use crate::surroundings::surroundings;
use crate::wire::ipvs::Info;
use crate::{Kernel, Links, explain};

use ipvs::Ipvs;
use network::Network;
use packets::Packets;

/// This machine's kernel, in the network namespace of the thread that opened it.
pub struct LinuxKernel {
    ipvs: Option<Ipvs>,
    network: Network,
    packets: Packets,
    writes: u64,
    shield: Option<Shield>,
}

/// Which part of the kernel carries out a step; neighbouring steps of one part travel together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Ipvs,
    Addresses,
    Parameters,
    Packets,
}

fn part(step: &Step) -> Part {
    match step {
        Step::AddAddress { .. } | Step::RemoveAddress { .. } => Part::Addresses,
        Step::SetSysctl { .. } => Part::Parameters,
        Step::SetPackets { .. } | Step::RemovePackets => Part::Packets,
        Step::SetTimeouts { .. }
        | Step::AddService { .. }
        | Step::SetService { .. }
        | Step::RemoveService { .. }
        | Step::AddServer { .. }
        | Step::SetServer { .. }
        | Step::RemoveServer { .. }
        | Step::StartSync { .. }
        | Step::StopSync { .. } => Part::Ipvs,
    }
}

impl LinuxKernel {
    /// Opens the kernel; loads the module `ip_vs` where it is not there yet.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] where the kernel has no IPVS and cannot load it.
    pub fn open() -> Result<Self, Error> {
        Self::with(Some(Ipvs::open()?))
    }

    /// Opens the kernel of a machine that balances nothing, such as a real server: its table is observed as empty, and
    /// steps that concern it fail.
    ///
    /// # Errors
    /// When no netlink socket can be opened.
    pub fn without_ipvs() -> Result<Self, Error> {
        Self::with(None)
    }

    fn with(ipvs: Option<Ipvs>) -> Result<Self, Error> {
        let (network, packets) = (Network::open()?, Packets::new());
        Ok(LinuxKernel { ipvs, network, packets, writes: 0, shield: None })
    }

    /// Version and size of the kernel's IPVS; none when opened without it.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn info(&mut self) -> Result<Option<Info>, Error> {
        self.ipvs.as_mut().map(Ipvs::info).transpose()
    }

    /// What went over the IPVS socket since it was opened; nothing when opened without IPVS.
    pub fn ipvs_traffic(&self) -> Traffic {
        self.ipvs.as_ref().map(Ipvs::traffic).unwrap_or_default()
    }
}

impl Kernel for LinuxKernel {
    fn observe(&mut self, sysctls: &BTreeSet<String>) -> Result<Observed, Error> {
        let (table, timeouts, sync) = match &mut self.ipvs {
            Some(ipvs) => (ipvs.table()?, ipvs.timeouts()?, ipvs.sync()?),
            None => Default::default(),
        };
        let (links, addresses) = self.network.observe()?;
        let names = sysctls.iter().flat_map(|name| for_each_interface(name, links.keys())).collect();
        let sysctls = parameter::read_all(&names)?;
        let packets = self.packets.observe()?;
        Ok(Observed { table, addresses, timeouts, sysctls, links, sync, packets })
    }

    fn apply(&mut self, steps: &[Step]) -> Vec<Result<(), Error>> {
        let mut results = Vec::with_capacity(steps.len());
        for run in steps.chunk_by(|a, b| part(a) == part(b)) {
            self.writes += run.len() as u64;
            match (run.first().map(part), &mut self.ipvs) {
                (Some(Part::Ipvs), Some(ipvs)) => results.append(&mut ipvs.apply(run)),
                (Some(Part::Ipvs), None) => results.extend(run.iter().map(|step| {
                    Err(Error::new(describe(step), Kind::Unsupported, "IPVS is not in use on this machine"))
                })),
                (Some(Part::Addresses), _) => results.append(&mut self.network.apply(run)),
                (Some(Part::Packets), _) => results.extend(run.iter().map(|step| self.packets.apply(step))),
                (Some(Part::Parameters), _) => results.extend(run.iter().map(write_parameter)),
                (None, _) => {}
            }
        }
        results
    }

    fn shield(&mut self, shielded: Option<&Shielded>) -> Result<(), Error> {
        // Two tables of one name cannot be.
        self.shield = None;
        self.shield = shielded.map(Shield::raise).transpose()?;
        Ok(())
    }

    fn counters(&mut self) -> Result<Counters, Error> {
        self.ipvs.as_mut().map_or_else(|| Ok(Counters::new()), Ipvs::counters)
    }

    fn counters_since(&mut self, before: &Counters, due: &BTreeSet<ServiceKey>) -> Result<Counters, Error> {
        self.ipvs.as_mut().map_or_else(|| Ok(Counters::new()), |ipvs| ipvs.counters_since(before, due))
    }

    fn connections(&self) -> u64 {
        self.ipvs.as_ref().map(Ipvs::connections).unwrap_or_default()
    }

    fn surroundings(&mut self) -> Surroundings {
        surroundings()
    }

    fn ask_around(&mut self, places: BTreeMap<String, BTreeSet<IpAddr>>) -> Receiver<Sighting> {
        scout::in_the_background(places)
    }

    fn writes(&self) -> u64 {
        self.writes
    }
}

impl Links for LinuxKernel {
    fn provide(&mut self, end: End) {
        module::load(end.module());
    }

    fn switch(&mut self, interface: &str, up: bool) -> Result<(), Error> {
        self.writes += 1;
        self.network.switch(interface, up)
    }

    fn gue_ports(&mut self) -> Result<Option<BTreeSet<GuePort>>, Error> {
        tunnels::gue_ports()
    }

    fn listen(&mut self, port: GuePort, on: bool) -> Result<(), Error> {
        self.writes += 1;
        tunnels::listen(port, on)
    }
}

fn write_parameter(step: &Step) -> Result<(), Error> {
    match step {
        Step::SetSysctl { name, value } => {
            parameter::write(name, value).map_err(|errno| refused(step, errno))
        }
        _ => Err(explain::failed(describe(step), crate::error::Errno(libc::EINVAL))),
    }
}
