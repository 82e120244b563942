//! What of a plan may still be done once some of its steps have failed.
//!
//! A plan is ordered so that no virtual address ever points at a missing service. A kernel that refuses one step must
//! not break that: whoever applies a plan does it in the two [`stages`] and asks the [`Gate`] in between.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Step;
use crate::table::{PacketRule, ServiceKey};

/// Splits a plan before the first step that makes a new address attract traffic, or ends a service.
pub fn stages(steps: &[Step]) -> (&[Step], &[Step]) {
    let second = |step: &Step| matches!(step, Step::AddAddress { .. } | Step::RemoveService { .. });
    steps.split_at(steps.iter().position(second).unwrap_or(steps.len()))
}

/// What of the second stage has to wait for the next pass, because steps of the first failed.
///
/// An address waits for its service (for all services by mark, which may be reached by any address), and its removal from
/// another place waits with it. A service is not removed while an address that points at it could not be withdrawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// Addresses whose service is missing.
    missing: BTreeSet<IpAddr>,
    /// A service by mark is missing.
    mark_missing: bool,
    /// Addresses that should have gone and still attract traffic.
    attracting: BTreeSet<IpAddr>,
}

impl Gate {
    /// The gate after these steps of the first stage failed.
    pub fn after<'a>(failed: impl IntoIterator<Item = &'a Step>) -> Self {
        let mut gate = Gate::default();
        for step in failed {
            match step {
                Step::AddService { key: ServiceKey::Address { address, .. }, .. } => {
                    gate.missing.insert(*address);
                }
                Step::AddService { key: ServiceKey::Mark { .. }, .. } => gate.mark_missing = true,
                // Unmarked packets would find no service.
                Step::SetPackets { rules } => {
                    gate.missing.extend(rules.0.iter().filter_map(|rule| match rule {
                        PacketRule::Mark { traffic, .. } => Some(traffic.address),
                        PacketRule::Masquerade(_) => None,
                    }))
                }
                Step::RemoveAddress { key } => {
                    gate.attracting.insert(key.address);
                }
                _ => {}
            }
        }
        gate
    }

    /// Whether this step of the second stage has to wait.
    pub fn holds(&self, step: &Step) -> bool {
        match step {
            Step::AddAddress { key, .. } | Step::RemoveAddress { key } => {
                self.mark_missing || self.missing.contains(&key.address)
            }
            Step::RemoveService { key: ServiceKey::Address { address, .. } } => {
                self.attracting.contains(address)
            }
            Step::RemoveService { key: ServiceKey::Mark { .. } } => !self.attracting.is_empty(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{AddressKey, DesiredAddress, ServiceRow};

    fn add_service(key: &str) -> Step {
        let row = ServiceRow {
            scheduler: "wlc".into(),
            flags: Default::default(),
            persistence: None,
            one_packet: false,
        };
        Step::AddService { key: key.parse().unwrap(), row }
    }

    fn remove_service(key: &str) -> Step {
        Step::RemoveService { key: key.parse().unwrap() }
    }

    fn add_address(key: &str) -> Step {
        Step::AddAddress { key: key.parse().unwrap(), row: DesiredAddress::default() }
    }

    fn remove_address(key: &str) -> Step {
        Step::RemoveAddress { key: key.parse::<AddressKey>().unwrap() }
    }

    #[test]
    fn the_second_stage_begins_where_traffic_is_attracted_or_a_service_ends() {
        let steps = [
            remove_address("eth0 192.0.2.9/32"),
            add_service("tcp 192.0.2.1:80"),
            add_address("eth0 192.0.2.1/32"),
            remove_service("tcp 192.0.2.9:80"),
        ];
        let (first, second) = stages(&steps);
        assert_eq!((first.len(), second.len()), (2, 2));
        assert_eq!(stages(&steps[..2]).1.len(), 0);
    }

    #[test]
    fn an_address_waits_for_its_service_only() {
        let failed = [add_service("tcp 192.0.2.1:80")];
        assert!(Gate::after(&failed).holds(&add_address("eth0 192.0.2.1/32")));
        assert!(Gate::after(&failed).holds(&remove_address("eth1 192.0.2.1/32")));
        assert!(!Gate::after(&failed).holds(&add_address("eth0 192.0.2.2/32")));
    }

    #[test]
    fn any_address_may_lead_to_a_service_by_mark() {
        assert!(Gate::after(&[add_service("fwmark 7")]).holds(&add_address("eth0 192.0.2.2/32")));
    }

    #[test]
    fn a_service_stays_while_its_address_could_not_be_withdrawn() {
        let failed = [remove_address("eth0 192.0.2.9/32")];
        assert!(Gate::after(&failed).holds(&remove_service("tcp 192.0.2.9:80")));
        assert!(Gate::after(&failed).holds(&remove_service("fwmark 7")));
        assert!(!Gate::after(&failed).holds(&remove_service("tcp 192.0.2.8:80")));
        assert!(!Gate::after(&[]).holds(&remove_service("fwmark 7")));
    }
}
