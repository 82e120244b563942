//! What the agent sets up on the directors themselves, beside the table: packet forwarding, IPVS parameters, masquerading
//! of what real servers send outwards, and the marks of services that take several ports.
//!
//! Everything here is off until somebody asks for it: a director that was set up by hand stays as it is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::device::Device;
use super::service::Protocol;
use crate::table::Family;

/// Settings of the directors' kernels. What was there before is put back when a setting is no longer wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HostSetup {
    /// Whether packets are forwarded (`net.ipv4.ip_forward`, `net.ipv6.conf.all.forwarding`) where a service needs it, and
    /// no ICMP redirect is sent then (`send_redirects`): where real servers are behind NAT, where there is a NAT router
    /// address, and where something is masqueraded. Off leaves both as the host has them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub prepare: bool,
    /// `net.ipv4.vs.expire_nodest_conn`: a connection ends at once when its real server leaves the table, so that its
    /// client may be given another. Absent leaves the kernel's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_nodest_conn: Option<bool>,
    /// `net.ipv4.vs.expire_quiescent_template`: persistence ends at once when its real server has weight 0. Absent leaves
    /// the kernel's own; an order that needs it switches it on meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_quiescent_template: Option<bool>,
    /// `net.ipv4.vs.conntrack`: netfilter follows balanced connections; needed only where packets on their way to real
    /// servers are themselves masqueraded or matched by state. Costs time for each packet. Absent leaves the kernel's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conntrack: Option<bool>,
    /// Networks behind the director whose packets leave with the director's own address; at most [`MASQUERADES_MAXIMUM`].
    ///
    /// [`MASQUERADES_MAXIMUM`]: super::MASQUERADES_MAXIMUM
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masquerade: Vec<Masquerade>,
}

fn is_false(value: &bool) -> bool {
    !*value
}

impl HostSetup {
    /// Whether nothing is asked for.
    pub fn is_unset(&self) -> bool {
        *self == HostSetup::default()
    }
}

/// A network whose packets leave with the director's own address. Written as `192.168.81.0/24` or `192.168.81.0/24 eth0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Masquerade {
    /// Where the packets come from. What stays within this network is left alone.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub source: IpNet,
    /// Only where they leave by this interface; absent means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
}

/// Packets that are given a service's mark. Written as `tcp 192.0.2.1 80` or `udp 2001:db8::1 5000-5100`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MarkedTraffic {
    /// The address clients use.
    pub address: IpAddr,
    /// Transport protocol.
    #[serde(default)]
    pub protocol: Protocol,
    /// First port, 1 to 65535.
    pub port: u16,
    /// Last port; absent means the first alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u16>,
}

impl MarkedTraffic {
    /// The last port of the range.
    pub fn last_port(&self) -> u16 {
        self.last.unwrap_or(self.port)
    }

    /// Whether a packet may belong to both.
    pub fn meets(&self, other: &MarkedTraffic) -> bool {
        (self.address, self.protocol) == (other.address, other.protocol)
            && self.port <= other.last_port()
            && other.port <= self.last_port()
    }

    /// The address's family.
    pub fn family(&self) -> Family {
        Family::of(self.address)
    }
}

/// A text that is not what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostTextError {
    /// No network with an interface.
    #[error("expected a network, such as 192.168.81.0/24, and perhaps an interface")]
    Masquerade,
    /// No protocol, address and ports.
    #[error("expected protocol, address and port, such as tcp 192.0.2.1 80 or tcp 192.0.2.1 5000-5100")]
    Marked,
}

impl fmt::Display for Masquerade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)?;
        self.device.iter().try_for_each(|device| write!(f, " {device}"))
    }
}

impl FromStr for Masquerade {
    type Err = HostTextError;

    fn from_str(text: &str) -> Result<Self, HostTextError> {
        let wrong = HostTextError::Masquerade;
        let mut words = text.split_whitespace();
        let source = words.next().ok_or(wrong)?;
        let source = source.parse().or_else(|_| source.parse::<IpAddr>().map(IpNet::from));
        let device = words.next().map(str::parse).transpose().map_err(|_| wrong)?;
        match words.next() {
            None => Ok(Masquerade { source: source.map_err(|_| wrong)?, device }),
            Some(_) => Err(wrong),
        }
    }
}

impl fmt::Display for MarkedTraffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.protocol, self.address, self.port)?;
        self.last.iter().try_for_each(|last| write!(f, "-{last}"))
    }
}

impl FromStr for MarkedTraffic {
    type Err = HostTextError;

    fn from_str(text: &str) -> Result<Self, HostTextError> {
        let wrong = HostTextError::Marked;
        let words: Vec<&str> = text.split_whitespace().collect();
        let [protocol, address, ports] = words.as_slice() else { return Err(wrong) };
        let protocol = Protocol::ALL.into_iter().find(|p| p.as_str() == *protocol).ok_or(wrong)?;
        let (first, last) = match ports.split_once('-') {
            Some((first, last)) => (first, Some(last)),
            None => (*ports, None),
        };
        let port = |text: &str| text.parse().map_err(|_| wrong);
        Ok(MarkedTraffic {
            address: address.parse().map_err(|_| wrong)?,
            protocol,
            port: port(first)?,
            last: last.map(port).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_written() {
        for text in ["192.168.81.0/24", "2001:db8::/64 eth0"] {
            assert_eq!(text.parse::<Masquerade>().unwrap().to_string(), text);
        }
        assert_eq!("10.0.0.7".parse::<Masquerade>().unwrap().to_string(), "10.0.0.7/32");
        for text in ["", "eth0", "10.0.0.0/33", "10.0.0.0/8 eth0 eth1", "10.0.0.0/8 a/b"] {
            assert!(text.parse::<Masquerade>().is_err(), "{text}");
        }
        for text in ["tcp 192.0.2.1 80", "udp 2001:db8::1 5000-5100"] {
            assert_eq!(text.parse::<MarkedTraffic>().unwrap().to_string(), text);
        }
        for text in ["", "tcp 192.0.2.1", "icmp 192.0.2.1 1", "tcp 192.0.2.1 80-", "tcp 192.0.2.1 99999"] {
            assert!(text.parse::<MarkedTraffic>().is_err(), "{text}");
        }
    }

    #[test]
    fn traffic_meets_where_a_packet_may_be_of_both() {
        let of = |text: &str| text.parse::<MarkedTraffic>().unwrap();
        assert!(of("tcp 192.0.2.1 80-90").meets(&of("tcp 192.0.2.1 90")));
        for other in ["tcp 192.0.2.1 91", "udp 192.0.2.1 80", "tcp 192.0.2.2 80"] {
            assert!(!of("tcp 192.0.2.1 80-90").meets(&of(other)), "{other}");
        }
    }
}
