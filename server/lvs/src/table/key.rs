//! What identifies a service and a real server in the kernel.

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::Protocol;

/// Address family of a service by mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// AF_INET.
    Ipv4,
    /// AF_INET6.
    Ipv6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }
    }

    /// Bits in an address: 32 or 128.
    pub fn bits(self) -> u8 {
        match self {
            Family::Ipv4 => 32,
            Family::Ipv6 => 128,
        }
    }

    /// The word in sentences.
    pub fn as_str(self) -> &'static str {
        match self {
            Family::Ipv4 => "IPv4",
            Family::Ipv6 => "IPv6",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What identifies a service in the kernel: never half an address and half a mark.
///
/// Written as `tcp 192.0.2.1:80`, `udp [2001:db8::1]:53`, `fwmark 5` or `fwmark 5 ipv6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub enum ServiceKey {
    /// Protocol, virtual address and port.
    Address {
        /// Transport protocol.
        protocol: Protocol,
        /// Virtual address.
        address: IpAddr,
        /// Port; 0 for all ports of a persistent service.
        port: u16,
    },
    /// Packets that the firewall marked.
    Mark {
        /// The mark.
        mark: NonZeroU32,
        /// IPv4 and IPv6 services may carry the same mark.
        family: Family,
    },
}

/// What identifies a real server within a service. Written as `10.0.0.1:80` or `[2001:db8::1]:80`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct ServerKey {
    /// Its address.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
}

/// A text that is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no service or server key")]
pub struct KeyError(pub String);

impl ServiceKey {
    /// The family of the packets it serves.
    pub fn family(&self) -> Family {
        match self {
            ServiceKey::Address { address, .. } => Family::of(*address),
            ServiceKey::Mark { family, .. } => *family,
        }
    }
}

/// An address as numbers that compare as addresses do: IPv4 before IPv6.
fn rank(address: IpAddr) -> (u8, u128) {
    match address {
        IpAddr::V4(v4) => (4, v4.to_bits().into()),
        IpAddr::V6(v6) => (6, v6.to_bits()),
    }
}

// Tables of ten thousand rows are made of these keys, and looked up in many times a pass: they are compared as numbers, which
// takes a third of what the derived order takes, and is the same order.

impl ServiceKey {
    fn rank(&self) -> (u32, u128, u16) {
        match self {
            ServiceKey::Address { protocol, address, port } => {
                let (family, bits) = rank(*address);
                (u32::from(*protocol as u8) << 8 | u32::from(family), bits, *port)
            }
            ServiceKey::Mark { mark, family } => (1 << 16, mark.get().into(), *family as u16),
        }
    }
}

impl Ord for ServiceKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for ServiceKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ServerKey {
    fn cmp(&self, other: &Self) -> Ordering {
        (rank(self.address), self.port).cmp(&(rank(other.address), other.port))
    }
}

impl PartialOrd for ServerKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn write_endpoint(f: &mut fmt::Formatter<'_>, address: &IpAddr, port: u16) -> fmt::Result {
    match address {
        IpAddr::V4(v4) => write!(f, "{v4}:{port}"),
        IpAddr::V6(v6) => write!(f, "[{v6}]:{port}"),
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServiceKey::Address { protocol, address, port } => {
                write!(f, "{protocol} ")?;
                write_endpoint(f, address, *port)
            }
            ServiceKey::Mark { mark, family: Family::Ipv4 } => write!(f, "fwmark {mark}"),
            ServiceKey::Mark { mark, family: Family::Ipv6 } => write!(f, "fwmark {mark} ipv6"),
        }
    }
}

impl FromStr for ServiceKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let wrong = || KeyError(text.to_owned());
        let (kind, rest) = text.split_once(' ').ok_or_else(wrong)?;
        if kind == "fwmark" {
            let (mark, family) = match rest.split_once(' ') {
                Some((mark, "ipv6")) => (mark, Family::Ipv6),
                Some(_) => return Err(wrong()),
                None => (rest, Family::Ipv4),
            };
            return Ok(ServiceKey::Mark { mark: mark.parse().map_err(|_| wrong())?, family });
        }
        let protocol = Protocol::ALL.into_iter().find(|p| p.as_str() == kind).ok_or_else(wrong)?;
        let ServerKey { address, port } = rest.parse()?;
        Ok(ServiceKey::Address { protocol, address, port })
    }
}

impl fmt::Display for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_endpoint(f, &self.address, self.port)
    }
}

impl FromStr for ServerKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let socket: std::net::SocketAddr = text.parse().map_err(|_| KeyError(text.to_owned()))?;
        Ok(ServerKey { address: socket.ip(), port: socket.port() })
    }
}

macro_rules! as_text {
    ($($type:ty),*) => { $(
        impl TryFrom<String> for $type {
            type Error = KeyError;

            fn try_from(text: String) -> Result<Self, KeyError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(key: $type) -> String {
                key.to_string()
            }
        }
    )* };
}

as_text!(ServiceKey, ServerKey);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_by_kind_protocol_family_address_and_port() {
        let services = [
            "tcp 10.0.0.1:80",
            "tcp 10.0.0.1:443",
            "tcp 192.0.2.1:80",
            "tcp [::1]:80",
            "tcp [2001:db8::1]:80",
            "udp 10.0.0.1:53",
            "sctp 10.0.0.1:53",
            "fwmark 1",
            "fwmark 1 ipv6",
            "fwmark 65536",
        ];
        let services = services.map(|text| text.parse::<ServiceKey>().unwrap());
        let servers = ["10.0.0.1:80", "10.0.0.1:81", "10.0.0.2:80", "[::1]:80", "[2001:db8::1]:80"];
        let servers = servers.map(|text| text.parse::<ServerKey>().unwrap());
        for (place, one) in services.iter().enumerate() {
            for (other_place, other) in services.iter().enumerate() {
                assert_eq!(one.cmp(other), place.cmp(&other_place), "{one} and {other}");
            }
        }
        for (place, one) in servers.iter().enumerate() {
            for (other_place, other) in servers.iter().enumerate() {
                assert_eq!(one.cmp(other), place.cmp(&other_place), "{one} and {other}");
            }
        }
    }
}
