//! Addresses on interfaces.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::key::KeyError;

/// What identifies an address in the kernel. Written as `eth0 192.0.2.1/24`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct AddressKey {
    /// Interface name, without a label.
    pub interface: String,
    /// The address.
    pub address: IpAddr,
    /// Prefix length.
    pub prefix: u8,
}

/// An address as the kernel holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AddressRow {
    /// IPv4 label, where it differs from the interface's name.
    #[serde(default)]
    pub label: Option<String>,
    /// Whether it carries our protocol tag (`IFA_PROTO`, Linux 5.18).
    #[serde(default)]
    pub tagged: bool,
    /// Whether it is a secondary of another address in its subnet (`IFA_F_SECONDARY`).
    #[serde(default)]
    pub secondary: bool,
    /// Seconds it is still valid; absent for ever.
    #[serde(default)]
    pub valid_s: Option<u32>,
}

/// An address that should be there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DesiredAddress {
    /// IPv4 label to give when adding; never a reason to change an address that is there.
    #[serde(default)]
    pub label: Option<String>,
}

/// An interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Link {
    /// Kernel index.
    pub index: u32,
    /// Administratively up (`IFF_UP`).
    pub up: bool,
    /// Carrier (`IFF_LOWER_UP`).
    pub carrier: bool,
    /// Hardware address; empty where there is none (tunnels).
    #[serde(default)]
    pub mac: Vec<u8>,
}

impl fmt::Display for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.interface, self.address, self.prefix)
    }
}

impl FromStr for AddressKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let wrong = || KeyError(text.to_owned());
        let (interface, rest) = text.split_once(' ').ok_or_else(wrong)?;
        let (address, prefix) = rest.split_once('/').ok_or_else(wrong)?;
        Ok(AddressKey {
            interface: interface.to_owned(),
            address: address.parse().map_err(|_| wrong())?,
            prefix: prefix.parse().map_err(|_| wrong())?,
        })
    }
}

impl TryFrom<String> for AddressKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<AddressKey> for String {
    fn from(key: AddressKey) -> String {
        key.to_string()
    }
}
