//! Kernel error numbers in our own words.
//!
//! IPVS writes its reasons to the kernel log only, so the number and what was attempted are all there is. The same
//! words serve the real and the memory kernel.

use libc as c;
use lvs::plan::Step;
use lvs::table::{Family, Forward};

use crate::error::{Errno, Error, Kind};

/// What a step does, as an operator would say it.
pub fn describe(step: &Step) -> String {
    match step {
        Step::RemoveAddress { key } => {
            format!("remove address {}/{} from {}", key.address, key.prefix, key.interface)
        }
        Step::SetSysctl { name, value } => format!("set {name} to {value}"),
        Step::SetPackets { .. } => "set the packet rules".to_owned(),
        Step::RemovePackets => "remove the packet rules".to_owned(),
        Step::SetTimeouts { .. } => "set the session timeouts".to_owned(),
        Step::AddService { key, .. } => format!("add service {key}"),
        Step::SetService { key, .. } => format!("change service {key}"),
        Step::AddServer { service, key, .. } => format!("add real server {key} to {service}"),
        Step::SetServer { service, key, .. } => format!("change real server {key} of {service}"),
        Step::RemoveServer { service, key } => format!("remove real server {key} from {service}"),
        Step::AddAddress { key, .. } => {
            format!("add address {}/{} to {}", key.address, key.prefix, key.interface)
        }
        Step::StartSync { role, row } => format!("start the {role} sync daemon on {}", row.interface),
        Step::StopSync { role } => format!("stop the {role} sync daemon"),
        Step::RemoveService { key } => format!("remove service {key}"),
    }
}

/// The error for a step that the kernel refused.
pub(crate) fn refused(step: &Step, errno: Errno) -> Error {
    let (kind, reason) = specific(step, errno).unwrap_or_else(|| general(errno));
    Error::answered(describe(step), kind, reason, errno)
}

/// The error for any other operation.
pub(crate) fn failed(operation: impl Into<String>, errno: Errno) -> Error {
    let (kind, reason) = general(errno);
    Error::answered(operation, kind, reason, errno)
}

/// What a number means for this very step; none where it means nothing special.
fn specific(step: &Step, Errno(errno): Errno) -> Option<(Kind, String)> {
    let found = match (step, errno) {
        (Step::AddService { .. }, c::EEXIST) => (Kind::Exists, "the service exists already".to_owned()),
        (Step::AddService { row, .. } | Step::SetService { row, .. }, c::ENOENT) => {
            (Kind::Unsupported, format!("the kernel has no scheduler {}", row.scheduler))
        }
        // Linux before 5.2 says EINVAL of a text that is too long, later ones ERANGE.
        (Step::AddService { row, .. } | Step::SetService { row, .. }, c::EINVAL | c::ERANGE)
            if row.scheduler.len() > 15 =>
        {
            (Kind::Invalid, format!("{} cannot be a scheduler's name", row.scheduler))
        }
        (Step::AddService { key, row } | Step::SetService { key, row }, c::EINVAL) => {
            let mask_wrong = key.family() == Family::Ipv6
                && row.persistence.is_some_and(|persist| !(1..=128).contains(&persist.mask));
            let reason = if mask_wrong {
                "the persistence mask of an IPv6 service is a prefix length from 1 to 128"
            } else {
                "the kernel refuses these settings"
            };
            (Kind::Invalid, reason.to_owned())
        }
        (
            Step::SetService { .. }
            | Step::RemoveService { .. }
            | Step::AddServer { .. }
            | Step::SetServer { .. }
            | Step::RemoveServer { .. },
            c::ESRCH,
        ) => (Kind::Gone, "there is no such service".to_owned()),
        (Step::AddServer { .. }, c::EEXIST) => {
            (Kind::Exists, "the service has this real server already".to_owned())
        }
        (Step::SetServer { .. } | Step::RemoveServer { .. }, c::ENOENT) => {
            (Kind::Gone, "the service has no such real server".to_owned())
        }
        (Step::AddServer { .. } | Step::SetServer { .. }, c::ERANGE) => (
            Kind::Invalid,
            "the weight is above 2147483647, or the lower threshold above the upper one".to_owned(),
        ),
        (Step::AddServer { service, key, row } | Step::SetServer { service, key, row }, c::EINVAL) => {
            let tunnel = matches!(row.forward, Forward::Tunnel(_));
            let reason = if Family::of(key.address) != service.family() && !tunnel {
                "a real server of the other address family can only be reached through a tunnel"
            } else if Family::of(key.address) != service.family() {
                "a real server of the other address family excludes connection sync, or its tunnel is incomplete"
            } else if tunnel {
                "the kernel accepts no real server at this address, or its tunnel is incomplete (GUE needs a port)"
            } else {
                "the kernel accepts no real server at this address"
            };
            (Kind::Invalid, reason.to_owned())
        }
        (Step::SetTimeouts { .. }, c::EINVAL) => {
            (Kind::Invalid, "a timeout is longer than the kernel can count".to_owned())
        }
        (Step::AddAddress { .. }, c::EEXIST) => {
            (Kind::Exists, "the interface has this address already".to_owned())
        }
        (Step::AddAddress { key, .. } | Step::RemoveAddress { key }, c::ENODEV) => {
            (Kind::Gone, format!("there is no interface {}", key.interface))
        }
        (Step::AddAddress { .. }, c::ERANGE) => {
            (Kind::Invalid, "the label is longer than 15 bytes".to_owned())
        }
        (Step::AddAddress { .. }, c::EINVAL) => {
            (Kind::Invalid, "the kernel refuses this address or prefix length".to_owned())
        }
        (Step::RemoveAddress { .. }, c::EADDRNOTAVAIL) => {
            (Kind::Gone, "the interface has no such address".to_owned())
        }
        (Step::StartSync { .. }, c::EEXIST) => (Kind::Exists, "such a daemon runs already".to_owned()),
        (Step::StartSync { row, .. }, c::ENODEV) => {
            let interface = &row.interface;
            let reason = match interface.parse::<std::net::IpAddr>() {
                Ok(address) => format!("no interface holds {address}, the path between the directors"),
                Err(_) => format!("there is no interface {interface}"),
            };
            (Kind::Gone, reason)
        }
        (Step::StartSync { .. }, c::EINVAL) => (
            Kind::Invalid,
            "a real server of another address family than its service excludes connection sync".to_owned(),
        ),
        (Step::StopSync { .. }, c::ESRCH) => (Kind::Gone, "no such daemon runs".to_owned()),
        (Step::SetPackets { .. }, c::ENOENT | c::EINVAL | c::EOPNOTSUPP | c::EPROTONOSUPPORT) => {
            let reason = "the kernel lacks a part of nf_tables (modules nf_tables, nft_chain_nat and nft_masq; Linux 5.2)";
            (Kind::Unsupported, reason.to_owned())
        }
        (Step::RemovePackets, c::ENOENT) => (Kind::Gone, "there is no such table".to_owned()),
        (Step::SetSysctl { .. }, c::ENOENT) => {
            (Kind::Unsupported, "the kernel has no such parameter".to_owned())
        }
        (Step::SetSysctl { .. }, c::EINVAL) => (Kind::Invalid, "the kernel refuses this value".to_owned()),
        (Step::SetSysctl { .. }, c::EACCES | c::EPERM | c::EROFS) => {
            (Kind::Denied, "the parameter cannot be written from here".to_owned())
        }
        _ => return None,
    };
    Some(found)
}

/// What a number means wherever it comes from.
fn general(Errno(errno): Errno) -> (Kind, String) {
    let (kind, reason) = match errno {
        c::EPERM | c::EACCES => (Kind::Denied, "not permitted (CAP_NET_ADMIN is needed)"),
        c::ENODEV | c::ENXIO => (Kind::Gone, "there is no such interface"),
        c::ESRCH | c::ENOENT | c::EADDRNOTAVAIL => (Kind::Gone, "the kernel has no such object"),
        c::EEXIST => (Kind::Exists, "it exists already"),
        c::EOPNOTSUPP | c::EPROTONOSUPPORT | c::EAFNOSUPPORT | c::ENOSYS => {
            (Kind::Unsupported, "this kernel cannot do that")
        }
        c::EINVAL | c::ERANGE | c::EMSGSIZE => (Kind::Invalid, "the kernel refuses these values"),
        c::EBUSY => (Kind::Busy, "the kernel is busy with another such request"),
        c::EINTR => (Kind::Busy, "the table kept changing while it was read"),
        c::ENETDOWN | c::ENETUNREACH => (Kind::Transient, "the interface is down"),
        c::ENOMEM | c::ENOBUFS => (Kind::Transient, "the kernel is short of memory for it"),
        c::ETIMEDOUT | c::EAGAIN => (Kind::Transient, "the kernel did not answer in time"),
        c::EBADMSG => (Kind::Transient, "the kernel's answer could not be read"),
        other => return (Kind::Transient, format!("the kernel answered error {other}")),
    };
    (kind, reason.to_owned())
}
