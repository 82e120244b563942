//! What must hold for every plan, on random kernels that hold other people's rows too.

use crate::fixture;
use std::net::IpAddr;

use crate::fixture::kernel::{Fail, ModelKernel};
use crate::fixture::random;
use lvs::health::Standings;
use lvs::model::Seat;
use lvs::plan::{Holding, Ownership, Step, desired, plan};
use lvs::table::{AddressKey, Desired, Forward, ServiceKey, interface_sysctl};
use proptest::prelude::*;

/// Whether the kernel holds all that is desired, and nothing of ours that is not.
fn holds(kernel: &ModelKernel, desired: &Desired, ownership: &Ownership) -> Result<(), TestCaseError> {
    let services = &kernel.observed.table.services;
    for (key, service) in &desired.table.services {
        let there = services.get(key).ok_or_else(|| TestCaseError::fail(format!("{key} is missing")))?;
        prop_assert_eq!(&service.row, &there.row);
        let keys = |service: &lvs::table::Service| service.servers.keys().copied().collect::<Vec<_>>();
        prop_assert_eq!(keys(service), keys(there));
        for ((server, row), have) in service.servers.iter().zip(there.servers.values()) {
            let forward = if kernel.local.contains(&server.address) { Forward::Local } else { row.forward };
            prop_assert!(have.forward == forward || have.forward == row.forward);
            prop_assert_eq!((row.weight, row.upper, row.lower), (have.weight, have.upper, have.lower));
        }
    }
    for key in &ownership.services {
        prop_assert!(desired.table.services.contains_key(key), "{} was ours and is still there", key);
    }
    for key in desired.addresses.keys().filter(|key| !ownership.borrowed.contains(&key.address)) {
        // IPv6 holds an address once per interface: where somebody else put it with another prefix, that serves.
        let serves = |there: &AddressKey| {
            there == key
                || (key.address.is_ipv6()
                    && (&there.interface, there.address) == (&key.interface, key.address)
                    && !ownership.addresses.contains(there))
        };
        prop_assert!(kernel.observed.addresses.keys().any(serves), "{} is missing", key);
    }
    for key in &ownership.addresses {
        prop_assert!(desired.addresses.contains_key(key), "{} was ours and is still there", key);
    }
    // What would only serve borrowed addresses stays as the host has it.
    let ours = desired.addresses.keys().filter(|key| !ownership.borrowed.contains(&key.address));
    for key in ours.filter(|key| key.address.is_ipv4() && key.prefix < 32) {
        let name = interface_sysctl("ipv4", &key.interface, "promote_secondaries");
        prop_assert_eq!(kernel.observed.sysctls.get(&name), desired.sysctls.get(&name));
    }
    let observed = &kernel.observed;
    let (timeouts, kernel) = (desired.timeouts.effective(), observed.timeouts);
    prop_assert!(timeouts.tcp.is_none_or(|wanted| wanted == kernel.tcp));
    prop_assert!(timeouts.tcpfin.is_none_or(|wanted| wanted == kernel.tcpfin));
    prop_assert!(timeouts.udp.is_none_or(|wanted| wanted == kernel.udp));
    for role in &ownership.sync {
        let wanted = desired.sync.as_ref().is_some_and(|sync| sync.roles.contains(role));
        prop_assert_eq!(wanted, observed.sync.contains_key(role), "the {} daemon", role);
    }
    Ok(())
}

/// Addresses and services that are neither ours nor desired.
fn foreign(
    kernel: &ModelKernel,
    desired: &Desired,
    ownership: &Ownership,
) -> (Vec<AddressKey>, Vec<ServiceKey>) {
    let claimed = ownership.claim(desired, &kernel.observed);
    let addresses =
        kernel.observed.addresses.keys().filter(|key| !claimed.addresses.contains(*key)).cloned().collect();
    let services = kernel.observed.table.services.keys();
    (addresses, services.filter(|key| !claimed.services.contains(*key)).copied().collect())
}

fn services_at(desired: &Desired, wanted: IpAddr) -> impl Iterator<Item = &ServiceKey> {
    let keys = desired.table.services.keys();
    keys.filter(move |key| matches!(key, ServiceKey::Address { address, .. } if *address == wanted))
}

proptest! {
    #![proptest_config(random::config())]

    #[test]
    fn one_pass_converges_and_a_second_does_nothing(
        (mut kernel, mut ownership) in random::kernel(), desired in random::desired(),
    ) {
        kernel.pass(&desired, &mut ownership, Fail::Nothing);
        holds(&kernel, &desired, &ownership)?;
        let again = kernel.clone().pass(&desired, &mut ownership, Fail::Nothing);
        prop_assert_eq!(fixture::text(&again.steps), Vec::<String>::new());
        prop_assert!(again.adopted.is_empty());
    }

    #[test]
    fn rows_of_others_stay_as_they_are(
        (mut kernel, mut ownership) in random::kernel(), desired in random::desired(),
    ) {
        let before = kernel.clone();
        let (addresses, services) = foreign(&kernel, &desired, &ownership);
        let plan = kernel.pass(&desired, &mut ownership, Fail::Nothing);
        prop_assert_eq!(&services, &plan.foreign.iter().copied().collect::<Vec<_>>());
        for key in &services {
            prop_assert_eq!(&before.observed.table.services[key], &kernel.observed.table.services[key]);
        }
        for key in &addresses {
            let there = kernel.observed.addresses.get(key);
            prop_assert!(there.is_some(), "{} is gone", key);
            prop_assert_eq!(&before.observed.addresses[key].label, &there.unwrap().label);
        }
    }

    #[test]
    fn whichever_step_fails_the_next_pass_recovers(
        (kernel, ownership) in random::kernel(), desired in random::desired(),
    ) {
        let steps = plan(&desired, &kernel.observed, &ownership).steps.len();
        for n in 0..steps {
            for fail in [Fail::AndGoOn(n), Fail::AndCrash(n)] {
                let (mut kernel, mut ownership) = (kernel.clone(), ownership.clone());
                kernel.pass(&desired, &mut ownership, fail);
                kernel.pass(&desired, &mut ownership, Fail::Nothing);
                holds(&kernel, &desired, &ownership)?;
                prop_assert_eq!(plan(&desired, &kernel.observed, &ownership).steps, vec![]);
            }
        }
    }

    #[test]
    fn no_address_of_ours_ever_lacks_its_service(
        (mut kernel, ownership) in random::kernel(), desired in random::desired(),
    ) {
        let before = kernel.observed.clone();
        let claimed = ownership.claim(&desired, &before);
        for step in &plan(&desired, &before, &ownership).steps {
            if let Step::RemoveService { key: ServiceKey::Address { address, .. } } = step {
                let attracting = kernel.observed.addresses.keys().any(|key| {
                    key.address == *address
                        && claimed.may_remove(key)
                        && desired.addresses.keys().all(|wanted| wanted.address != *address)
                });
                prop_assert!(!attracting, "{} while {} is still ours to attract", step, address);
            }
            kernel.apply(step).unwrap();
            let there = &kernel.observed.table.services;
            for key in kernel.observed.addresses.keys().filter(|key| !before.addresses.contains_key(*key)) {
                for service in services_at(&desired, key.address) {
                    prop_assert!(there.contains_key(service), "{} is up before {}", key, service);
                }
            }
            for key in before.table.services.keys().filter(|key| desired.table.services.contains_key(*key)) {
                prop_assert!(there.contains_key(key), "{} was interrupted", key);
            }
            // An address that only moves is always somewhere, except where IPv6 allows it one prefix at a time.
            for wanted in desired.addresses.keys().filter(|key| key.address.is_ipv4()) {
                if before.addresses.keys().any(|key| key.address == wanted.address) {
                    let held = kernel.observed.addresses.keys().any(|key| key.address == wanted.address);
                    prop_assert!(held, "{} was interrupted by {}", wanted.address, step);
                }
            }
        }
    }

    #[test]
    fn with_the_list_lost_nothing_is_removed(
        (mut kernel, mut ownership) in random::kernel(), desired in random::desired(),
    ) {
        ownership.lost = true;
        let plan = kernel.pass(&desired, &mut ownership, Fail::Nothing);
        let removes = |step: &&Step| matches!(
            step,
            Step::RemoveAddress { .. } | Step::RemoveService { .. } | Step::RemoveServer { .. }
        );
        prop_assert_eq!(plan.steps.iter().find(removes), None);
        for (key, service) in &desired.table.services {
            prop_assert_eq!(&kernel.observed.table.services[key].row, &service.row);
        }
    }

    #[test]
    fn claiming_twice_is_claiming_once(
        (kernel, ownership) in random::kernel(), desired in random::desired(),
    ) {
        let claimed = ownership.claim(&desired, &kernel.observed);
        prop_assert_eq!(&claimed, &claimed.claim(&desired, &kernel.observed));
        let before = plan(&desired, &kernel.observed, &ownership).steps;
        prop_assert_eq!(before, plan(&desired, &kernel.observed, &claimed).steps);
        prop_assert!(claimed.services.is_superset(&ownership.services));
        prop_assert!(claimed.addresses.is_superset(&ownership.addresses));
    }

    #[test]
    fn a_cluster_takes_over_and_steps_back(cluster in random::cluster()) {
        let mut kernel = ModelKernel::default();
        let mut ownership = Ownership::default();
        let standby = desired(&cluster, Seat::Backup, Holding::TableOnly, &Standings::default());
        let active = desired(&cluster, Seat::Backup, Holding::Addresses, &Standings::default());
        prop_assert_eq!(&standby.table, &active.table);
        prop_assert!(standby.addresses.is_empty() && standby.sysctls.is_empty());

        kernel.pass(&standby, &mut ownership, Fail::Nothing);
        holds(&kernel, &standby, &ownership)?;
        let take_over = kernel.pass(&active, &mut ownership, Fail::Nothing);
        holds(&kernel, &active, &ownership)?;
        let only_addresses = |step: &Step| matches!(step, Step::AddAddress { .. } | Step::SetSysctl { .. });
        prop_assert!(take_over.steps.iter().all(only_addresses), "a standby already holds the table");
        kernel.pass(&standby, &mut ownership, Fail::Nothing);
        prop_assert!(kernel.observed.addresses.is_empty());
        prop_assert!(ownership.addresses.is_empty() && ownership.borrowed.is_empty());
    }
}
