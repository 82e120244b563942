//! Which interfaces this director needs, and whether they can be used.
//!
//! What the kernel says of its links comes from the events thread, what is needed from the configuration; whenever
//! either changes, the heartbeat is told at once. A bond is one interface with one carrier here: its members are
//! never looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::events::Picture;
use lvs::failover::Event;
use lvs::wire::{LinkFault, LinkTrouble};

/// What is needed, as the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needed {
    /// The director's own addresses, over which it speaks with its partner.
    pub(super) own: BTreeSet<IpAddr>,
    /// Interfaces of the virtual addresses.
    pub(super) interfaces: BTreeSet<String>,
    /// Whether losing one of all these is a fault.
    pub(super) watched: bool,
}

/// The state between two events.
#[derive(Debug, Default)]
pub(crate) struct Links(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    needed: Option<Needed>,
    /// What the kernel said last; none where it cannot tell.
    picture: Option<Picture>,
    usable: Option<bool>,
    /// A heartbeat path has had carrier since the agent started.
    carrier: bool,
}

/// What follows from a change.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// For the heartbeat.
    pub(super) events: Vec<Event>,
    /// Interfaces that cannot be used, where that is to be shown anew.
    pub(super) faults: Option<Vec<LinkFault>>,
}

impl Links {
    /// The kernel has said what there is.
    pub(super) fn see(&self, picture: Picture) -> Outcome {
        let mut state = self.lock();
        state.picture = Some(picture);
        state.outcome(false)
    }

    /// The configuration needs these now. The heartbeat is told all of it, since it may have begun anew.
    pub(super) fn need(&self, needed: Option<Needed>) -> Outcome {
        let mut state = self.lock();
        state.needed = needed;
        state.outcome(true)
    }

    /// Whether a heartbeat path has, or had, carrier. Where nobody can tell it is taken for granted.
    pub(super) fn carrier(&self) -> bool {
        let state = self.lock();
        state.carrier || state.picture.is_none()
    }

    /// Which interface holds which address, as the kernel said last.
    pub(super) fn holders(&self) -> BTreeMap<IpAddr, String> {
        self.lock().picture.as_ref().map(|picture| picture.holders.clone()).unwrap_or_default()
    }

    /// Whether an interface can be used, as the kernel said last.
    pub(super) fn works(&self, interface: &str) -> bool {
        let state = self.lock();
        let link = state.picture.as_ref().and_then(|picture| picture.links.get(interface));
        link.is_some_and(|link| link.up && link.carrier)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn outcome(&mut self, anew: bool) -> Outcome {
        let mut outcome = Outcome::default();
        let (Some(needed), Some(picture)) = (&self.needed, &self.picture) else { return outcome };
        if !self.carrier && has_carrier(needed, picture) {
            self.carrier = true;
            outcome.events.push(Event::Carrier);
        }
        let faults = if needed.watched { faults(needed, picture) } else { Vec::new() };
        let usable = faults.is_empty();
        if anew || self.usable != Some(usable) {
            outcome.events.push(Event::Links(usable));
        }
        self.usable = Some(usable);
        outcome.faults = Some(faults);
        outcome
    }
}

/// Interfaces that are needed and cannot be used. An own address that is nowhere is not held against any interface.
fn faults(needed: &Needed, picture: &Picture) -> Vec<LinkFault> {
    let holders = needed.own.iter().filter_map(|address| picture.holders.get(address));
    let names: BTreeSet<&String> = needed.interfaces.iter().chain(holders).collect();
    let fault = |name: &&String| {
        let trouble = match picture.links.get(*name) {
            None => LinkTrouble::Gone,
            Some(link) if !link.up => LinkTrouble::Down,
            Some(link) if !link.carrier => LinkTrouble::NoCarrier,
            Some(_) => return None,
        };
        Some(LinkFault { interface: (*name).clone(), trouble })
    };
    names.iter().filter_map(fault).collect()
}

fn has_carrier(needed: &Needed, picture: &Picture) -> bool {
    let works = |name: &String| picture.links.get(name).is_some_and(|link| link.up && link.carrier);
    let holders: BTreeMap<&IpAddr, &String> =
        picture.holders.iter().filter(|(address, _)| needed.own.contains(address)).collect();
    if holders.is_empty() {
        picture.links.keys().any(|name| name != "lo" && works(name))
    } else {
        holders.values().any(|name| works(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lvs::table::Link;

    fn picture(links: &[(&str, bool, bool)]) -> Picture {
        let link = |&(name, up, carrier): &(&str, bool, bool)| {
            (name.to_owned(), Link { index: 1, up, carrier, mac: Vec::new() })
        };
        let holders = [("192.0.2.1", "bond0"), ("10.0.0.1", "eth1")];
        Picture {
            links: links.iter().map(link).collect(),
            holders: holders.iter().map(|(a, i)| (a.parse().unwrap(), (*i).to_owned())).collect(),
        }
    }

    fn needed(watched: bool) -> Needed {
        Needed {
            own: ["192.0.2.1".parse().unwrap(), "10.0.0.1".parse().unwrap()].into(),
            interfaces: ["eth2".to_owned()].into(),
            watched,
        }
    }

    fn shown(outcome: &Outcome) -> Vec<String> {
        let faults = outcome.faults.iter().flatten();
        faults.map(|fault| format!("{} {:?}", fault.interface, fault.trouble)).collect()
    }

    const ALL: [(&str, bool, bool); 3] = [("bond0", true, true), ("eth1", true, true), ("eth2", true, true)];

    #[test]
    fn a_needed_interface_without_carrier_is_told_once_and_so_is_its_return() {
        let links = Links::default();
        assert_eq!(links.see(picture(&ALL)), Outcome::default(), "nothing is needed yet");
        assert_eq!(links.need(Some(needed(true))).events, [Event::Carrier, Event::Links(true)]);
        let gone = [("bond0", true, false), ("eth1", false, false), ("slave0", true, false)];
        let outcome = links.see(picture(&gone));
        assert_eq!(outcome.events, [Event::Links(false)]);
        assert_eq!(shown(&outcome), ["bond0 NoCarrier", "eth1 Down", "eth2 Gone"]);
        assert_eq!(links.see(picture(&gone)).events, []);
        assert_eq!(links.need(Some(needed(true))).events, [Event::Links(false)], "a new heartbeat learns it");
        let members = [&ALL[..], &[("slave0", true, false)]].concat();
        assert_eq!(links.see(picture(&members)).events, [Event::Links(true)], "a bond's member is no matter");
    }

    #[test]
    fn unwatched_links_are_no_fault_and_the_first_carrier_is_told_all_the_same() {
        let links = Links::default();
        assert!(links.carrier(), "where nobody can tell it is taken for granted");
        links.see(picture(&[("bond0", true, false), ("eth1", true, false)]));
        assert_eq!(links.need(Some(needed(false))).events, [Event::Links(true)]);
        assert!(!links.carrier());
        let outcome = links.see(picture(&[("bond0", true, false), ("eth1", true, true)]));
        assert_eq!((outcome.events, outcome.faults), (vec![Event::Carrier], Some(vec![])));
        assert!(links.carrier());
    }
}
