//! What is changed, repaired, shown and taken over as one.

use std::fmt;
use std::str::FromStr;

use super::Step;
use crate::table::{AddressKey, ServiceKey, SyncRole};

/// A row of a director's kernel as people speak of it: a service comes with its real servers, because no step of one
/// may be done while its neighbour is held back.
///
/// Written as `tcp 192.0.2.1:80`, `eth0 192.0.2.1/24`, `session timeouts`, `packet rules`, `sync daemon master` or the name of a kernel parameter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// A service with its real servers.
    Service(ServiceKey),
    /// An address on an interface.
    Address(AddressKey),
    /// A kernel parameter, by its dotted name.
    Sysctl(String),
    /// The rules of our nftables table.
    Packets,
    /// The three session timeouts.
    Timeouts,
    /// A daemon of connection sync.
    Sync(SyncRole),
}

const TIMEOUTS: &str = "session timeouts";
const PACKETS: &str = "packet rules";
const SYNC: &str = "sync daemon ";

/// A text that names no row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no row of a kernel")]
pub struct RowError(pub String);

impl Row {
    /// The row a step changes.
    pub fn of(step: &Step) -> Self {
        match step {
            Step::AddService { key, .. } | Step::SetService { key, .. } | Step::RemoveService { key } => {
                Row::Service(*key)
            }
            Step::AddServer { service, .. }
            | Step::SetServer { service, .. }
            | Step::RemoveServer { service, .. } => Row::Service(*service),
            Step::AddAddress { key, .. } | Step::RemoveAddress { key } => Row::Address(key.clone()),
            Step::SetSysctl { name, .. } => Row::Sysctl(name.clone()),
            Step::SetTimeouts { .. } => Row::Timeouts,
            Step::SetPackets { .. } | Step::RemovePackets => Row::Packets,
            Step::StartSync { role, .. } | Step::StopSync { role } => Row::Sync(*role),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Row::Service(key) => key.fmt(f),
            Row::Address(key) => key.fmt(f),
            Row::Sysctl(name) => f.write_str(name),
            Row::Timeouts => f.write_str(TIMEOUTS),
            Row::Packets => f.write_str(PACKETS),
            Row::Sync(role) => write!(f, "{SYNC}{role}"),
        }
    }
}

impl FromStr for Row {
    type Err = RowError;

    fn from_str(text: &str) -> Result<Self, RowError> {
        if text == TIMEOUTS {
            return Ok(Row::Timeouts);
        }
        if text == PACKETS {
            return Ok(Row::Packets);
        }
        if let Some(Ok(role)) = text.strip_prefix(SYNC).map(str::parse) {
            return Ok(Row::Sync(role));
        }
        if let Ok(key) = text.parse() {
            return Ok(Row::Service(key));
        }
        if let Ok(key) = text.parse() {
            return Ok(Row::Address(key));
        }
        let named = |c: char| c.is_ascii_graphic();
        if text.contains('.') && text.chars().all(named) {
            return Ok(Row::Sysctl(text.to_owned()));
        }
        Err(RowError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_are_written() {
        for text in [
            "tcp 192.0.2.1:80",
            "udp [2001:db8::1]:53",
            "fwmark 5 ipv6",
            "eth0 192.0.2.1/24",
            "tcp 192.0.2.1/24",
            "session timeouts",
            "packet rules",
            "sync daemon backup",
            "net.ipv4.conf.eth0/100.promote_secondaries",
        ] {
            assert_eq!(text.parse::<Row>().unwrap().to_string(), text);
        }
        for text in ["", "tcp", "tcp 192.0.2.1", "eth0", "a b", "net.ipv4 x", "sync daemon both"] {
            assert!(text.parse::<Row>().is_err(), "{text}");
        }
    }
}
