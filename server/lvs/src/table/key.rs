//! What identifies a service and a real server in the kernel.

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
