//! Steps in the words of ipvsadm, ip, nft and sysctl, for previews, logs and tests.
//!
//! They are shown, never run: the kernel crate sends messages of its own.

use std::fmt;
use std::net::IpAddr;

use super::Step;
use crate::format::ipvsadm::{server_words, service_words, settings_words};
use crate::table::PACKET_TABLE;

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::RemoveAddress { key } => {
                write!(f, "ip addr del {}/{} dev {}", key.address, key.prefix, key.interface)
            }
            Step::SetSysctl { name, value } => write!(f, "sysctl -w {name}={value}"),
            Step::SetPackets { rules } => write!(f, "nft {rules}"),
            Step::RemovePackets => write!(f, "nft delete table inet {PACKET_TABLE}"),
            Step::SetTimeouts { timeouts } => {
                // To ipvsadm 0 means that the timeout stays.
                let word = |seconds: Option<u32>| seconds.unwrap_or(0);
                write!(
                    f,
                    "ipvsadm --set {} {} {}",
                    word(timeouts.tcp),
                    word(timeouts.tcpfin),
                    word(timeouts.udp)
                )
            }
            Step::AddService { key, row } => {
                write!(f, "-A {} {}", service_words(key), settings_words(key, row))
            }
            Step::SetService { key, row } => {
                write!(f, "-E {} {}", service_words(key), settings_words(key, row))
            }
            Step::AddServer { service, key, row } => {
                write!(f, "-a {} -r {key} {}", service_words(service), server_words(row))
            }
            Step::SetServer { service, key, row } => {
                write!(f, "-e {} -r {key} {}", service_words(service), server_words(row))
            }
            Step::RemoveServer { service, key } => write!(f, "-d {} -r {key}", service_words(service)),
            Step::AddAddress { key, row } => {
                write!(f, "ip addr add {}/{} dev {}", key.address, key.prefix, key.interface)?;
                match (key.address, &row.label) {
                    (IpAddr::V4(_), Some(label)) => write!(f, " label {label}"),
                    (IpAddr::V4(_), None) => Ok(()),
                    // Put without duplicate detection, and never chosen as a source.
                    (IpAddr::V6(_), _) => f.write_str(" nodad preferred_lft 0"),
                }
            }
            Step::StartSync { role, row } => {
                write!(
                    f,
                    "ipvsadm --start-daemon {role} --mcast-interface {} --syncid {}",
                    row.interface, row.id
                )
            }
            Step::StopSync { role } => write!(f, "ipvsadm --stop-daemon {role}"),
            Step::RemoveService { key } => write!(f, "-D {}", service_words(key)),
        }
    }
}
