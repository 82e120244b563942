//! The steps that make a machine a real server for direct routing or tunnels, and those that undo it.
//!
//! What a machine had before is recorded before the first step; what it had already is left as it is and never taken away.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::ends::{Encapsulation, End, GuePort, prefix};
use crate::plan::Step;
use crate::table::{AddressKey, DesiredAddress, Observed};

/// How packets come from the director.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Direct routing: as frames, so the address lives on the loopback interface.
    Direct,
    /// Out of a tunnel, so the address lives on the tunnel's end.
    Tunnel(Encapsulation),
}

/// What a machine is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// How packets come.
    pub mode: Mode,
    /// The virtual addresses; at least one.
    pub vips: BTreeSet<IpAddr>,
}

/// What was changed on a machine, so that it can be undone. Durable before the first change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Parameters that were written, by name.
    pub parameters: BTreeMap<String, Before>,
    /// Addresses that were put on.
    pub addresses: BTreeSet<AddressKey>,
    /// Interfaces that were switched on.
    pub links: BTreeSet<String>,
    /// Ports on which packets in UDP are taken.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub gue: BTreeSet<GuePort>,
}

/// What a machine has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Addresses, interfaces, and the parameters of [`parameters_looked_at`].
    pub observed: Observed,
    /// Ports on which its kernel takes packets of generic UDP encapsulation; none where it does not know of that (yet).
    pub gue: Option<BTreeSet<GuePort>>,
}

/// A parameter that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// What it was.
    pub before: String,
    /// What was written.
    pub set: String,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Have the kernel bring an end of all tunnels. It stays when all else is undone: it does nothing while it is off, or
    /// listens nowhere.
    Provide(End),
    /// Switch an interface on or off.
    Switch {
        /// Which.
        interface: String,
        /// On.
        up: bool,
    },
    /// Take packets in UDP on a port, or take them no more.
    Listen {
        /// Which.
        port: GuePort,
        /// Take them.
        on: bool,
    },
    /// Write a parameter, put an address on or take one off.
    Step(Step),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Provide(end) => write!(f, "modprobe {}", end.module()),
            Action::Switch { interface, up } => {
                write!(f, "ip link set {interface} {}", if *up { "up" } else { "down" })
            }
            Action::Listen { port, on: true } => port.fmt(f),
            Action::Listen { port, on: false } => write!(f, "{} del port {}", port.ip(), port.port),
            Action::Step(step) => step.fmt(f),
        }
    }
}

/// Why a machine is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// No service can have this address.
    #[error("{0} cannot be a virtual address; expected is the address that clients connect to")]
    NoAddress(IpAddr),
    /// The address is somewhere it would be answered for.
    #[error(
        "{address} is on {interface} of this machine, which would go on answering for it: this is a director, or the \
         address was put there by hand; take it off there first (ip addr del {address}/{prefix} dev {interface})"
    )]
    Elsewhere {
        /// Which.
        address: IpAddr,
        /// Where.
        interface: String,
        /// With which prefix.
        prefix: u8,
    },
    /// The kernel has no such end of tunnels although its module was asked for.
    #[error(
        "there is no interface {0}: the module {1} cannot be loaded, or this network namespace gets no tunnel by itself \
         (net.core.fb_tunnels_only_for_init_net)"
    )]
    NoTunnel(&'static str, &'static str),
    /// The kernel takes no packets in UDP although the module was asked for.
    #[error("this kernel takes no tunnels in UDP: the module fou cannot be loaded (modprobe fou as root)")]
    NoGue,
    /// No packet can be sent there.
    #[error("0 is no port; expected is the one of the tunnel in the console, such as 6080")]
    NoPort,
}

impl Conflict {
    /// That an end of tunnels did not come.
    pub fn missing(end: End) -> Self {
        match end {
            End::Fou => Conflict::NoGue,
            end => Conflict::NoTunnel(end.name(), end.module()),
        }
    }
}

/// Values with which a parameter is right, the one that is written first; by name.
fn parameters(wanted: &Wanted) -> Vec<(String, &'static [&'static str])> {
    let mut list: Vec<(String, &'static [&'static str])> = Vec::new();
    if wanted.vips.iter().any(IpAddr::is_ipv4) {
        // Answer ARP for what the asked interface has itself, and never name the virtual address when asking. IPv6 needs
        // neither: a machine answers for the addresses of the interface alone.
        list.push(("net.ipv4.conf.all.arp_ignore".to_owned(), &["1", "2", "8"]));
        list.push(("net.ipv4.conf.all.arp_announce".to_owned(), &["2"]));
    }
    list
}

/// The name of what decides whether a tunnel's packets are believed, for all interfaces or for the tunnel's end.
fn reverse_path(interface: &str) -> String {
    format!("net.ipv4.conf.{interface}.rp_filter")
}

/// The parameters that [`plan`] looks at.
pub fn parameters_looked_at(wanted: Option<&Wanted>, record: &Record) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = record.parameters.keys().cloned().collect();
    if let Some(wanted) = wanted {
        names.extend(parameters(wanted).into_iter().map(|(name, _)| name));
        let ends = wanted.ends().into_iter().filter(|end| end.has_reverse_path());
        names.extend(ends.flat_map(|end| [reverse_path("all"), reverse_path(end.name())]));
    }
    names
}

/// What to do so that a machine is what is wanted, or nothing of the kind any more; and what is to be recorded before it is
/// done.
///
/// # Errors
/// Where it would not work, or would do harm; nothing is to be done then.
pub fn plan(
    wanted: Option<&Wanted>,
    machine: &Machine,
    record: &Record,
) -> Result<(Vec<Action>, Record), Conflict> {
    let mut planning =
        Planning { machine, observed: &machine.observed, record: record.clone(), actions: Vec::new() };
    let mut kept = Kept::default();
    if let Some(wanted) = wanted {
        planning.forward(wanted, record, &mut kept)?;
    }
    planning.back(&kept);
    Ok((planning.actions, planning.record))
}

/// What of a record is still wanted.
#[derive(Default)]
struct Kept {
    parameters: BTreeSet<String>,
    addresses: BTreeSet<AddressKey>,
    links: BTreeSet<String>,
    gue: BTreeSet<GuePort>,
}

struct Planning<'a> {
    machine: &'a Machine,
    observed: &'a Observed,
    record: Record,
    actions: Vec<Action>,
}

impl Planning<'_> {
    fn forward(&mut self, wanted: &Wanted, before: &Record, kept: &mut Kept) -> Result<(), Conflict> {
        let keys: BTreeSet<AddressKey> = wanted.vips.iter().map(|vip| key(wanted, *vip)).collect();
        for wanted in &keys {
            self.free(wanted, before)?;
        }
        if matches!(wanted.mode, Mode::Tunnel(Encapsulation::Gue { port: 0 })) {
            return Err(Conflict::NoPort);
        }
        // First the parameters: an address that is there before them is answered for.
        for (name, fit) in parameters(wanted) {
            self.parameter(name, fit, kept);
        }
        for end in wanted.ends() {
            self.tunnel(end, kept);
        }
        self.listen(wanted.gue_ports(), kept);
        for key in keys {
            kept.addresses.insert(key.clone());
            if !self.observed.addresses.contains_key(&key) {
                self.record.addresses.insert(key.clone());
                self.actions.push(Action::Step(Step::AddAddress { key, row: DesiredAddress::default() }));
            }
        }
        Ok(())
    }

    /// That an address may be put there.
    fn free(&self, wanted: &AddressKey, before: &Record) -> Result<(), Conflict> {
        let address = wanted.address;
        let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
        if address.is_loopback() || address.is_unspecified() || address.is_multicast() || broadcast {
            return Err(Conflict::NoAddress(address));
        }
        let mut there = self.observed.addresses.keys().filter(|key| key.address == address);
        // What we put on another interface ourselves goes there first.
        match there.find(|key| *key != wanted && !before.addresses.contains(key)) {
            None => Ok(()),
            Some(key) => {
                Err(Conflict::Elsewhere { address, interface: key.interface.clone(), prefix: key.prefix })
            }
        }
    }

    fn parameter(&mut self, name: String, fit: &[&str], kept: &mut Kept) {
        kept.parameters.insert(name.clone());
        let found = self.observed.sysctls.get(&name);
        let Some(first) = fit.first().filter(|_| found.is_none_or(|found| !fit.contains(&found.as_str())))
        else {
            return;
        };
        let set = (*first).to_owned();
        if let Some(found) = found {
            // What was there before the first time counts, not what somebody did to ours.
            let before = self.record.parameters.get(&name).map_or(found, |known| &known.before).clone();
            self.record.parameters.insert(name.clone(), Before { before, set: set.clone() });
        }
        self.actions.push(Action::Step(Step::SetSysctl { name, value: set }));
    }

    fn tunnel(&mut self, end: End, kept: &mut Kept) {
        let interface = end.name();
        kept.links.insert(interface.to_owned());
        let link = self.observed.links.get(interface);
        if link.is_none() {
            self.actions.push(Action::Provide(end));
        }
        if end.has_reverse_path() {
            // The larger of the two counts. 1 drops what comes out of the tunnel, because its way back is another one; 2
            // asks for any way back at all.
            let strict = self.observed.sysctls.get(&reverse_path("all")).is_some_and(|all| all == "1");
            let own: &[&str] = if strict { &["2"] } else { &["2", "0"] };
            self.parameter(reverse_path(interface), own, kept);
        }
        if !link.is_some_and(|link| link.up) {
            self.record.links.insert(interface.to_owned());
            self.actions.push(Action::Switch { interface: interface.to_owned(), up: true });
        }
    }

    fn listen(&mut self, ports: BTreeSet<GuePort>, kept: &mut Kept) {
        if !ports.is_empty() && self.machine.gue.is_none() {
            self.actions.push(Action::Provide(End::Fou));
        }
        for port in ports {
            kept.gue.insert(port);
            if !self.machine.gue.as_ref().is_some_and(|there| there.contains(&port)) {
                self.record.gue.insert(port);
                self.actions.push(Action::Listen { port, on: true });
            }
        }
    }

    /// Takes back what is recorded and not wanted any more: addresses first, parameters last.
    fn back(&mut self, kept: &Kept) {
        let record = std::mem::take(&mut self.record);
        let mut off = Vec::new();
        for key in record.addresses {
            if kept.addresses.contains(&key) {
                self.record.addresses.insert(key);
            } else if self.observed.addresses.contains_key(&key) {
                off.push(Action::Step(Step::RemoveAddress { key }));
            }
        }
        // Before the new ones come: an address may only change its interface.
        self.actions.splice(0..0, off);
        for interface in record.links {
            if kept.links.contains(&interface) {
                self.record.links.insert(interface);
            } else if self.observed.links.get(&interface).is_some_and(|link| link.up) {
                self.actions.push(Action::Switch { interface, up: false });
            }
        }
        for port in record.gue {
            if kept.gue.contains(&port) {
                self.record.gue.insert(port);
            } else if self.machine.gue.as_ref().is_some_and(|there| there.contains(&port)) {
                self.actions.push(Action::Listen { port, on: false });
            }
        }
        for (name, written) in record.parameters {
            if kept.parameters.contains(&name) {
                self.record.parameters.insert(name, written);
            } else if self.observed.sysctls.get(&name) == Some(&written.set) {
                // Where somebody has set it to something else since, theirs stays.
                self.actions.push(Action::Step(Step::SetSysctl { name, value: written.before }));
            }
        }
    }
}

/// Where a virtual address lives.
fn key(wanted: &Wanted, address: IpAddr) -> AddressKey {
    AddressKey { interface: wanted.interface(address).to_owned(), address, prefix: prefix(address) }
}

#[cfg(test)]
mod tests;
