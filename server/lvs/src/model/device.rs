//! Network device names with an optional IPv4 label, as Piranha wrote them (`eth0:1`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An interface name, with an optional IPv4 address label after a colon.
///
/// The whole is at most 15 bytes (the kernel's IFNAMSIZ less the NUL), without blanks, control characters or `/`.
/// The label is for people and old tools; it is never identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Device(String);

/// Why a text is no device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Nothing before the colon, or nothing at all.
    #[error("expected an interface name such as eth0 or eth0:1")]
    Empty,
    /// Longer than the kernel allows.
    #[error("an interface name with its label has at most 15 bytes")]
    TooLong,
    /// A character that no interface name has.
    #[error("{0:?} cannot be part of an interface name")]
    Character(char),
}

impl Device {
    /// The interface (`eth0` of `eth0:1`).
    pub fn interface(&self) -> &str {
        self.0.split(':').next().unwrap_or(&self.0)
    }

    /// The whole text where it names a label (`eth0:1`), else none.
    pub fn label(&self) -> Option<&str> {
        self.0.contains(':').then_some(self.0.as_str())
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Device {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        if text.is_empty() || text.starts_with(':') || text == "." || text == ".." {
            return Err(DeviceError::Empty);
        }
        if text.len() > 15 {
            return Err(DeviceError::TooLong);
        }
        match text.chars().find(|c| !c.is_ascii_graphic() || *c == '/') {
            Some(c) => Err(DeviceError::Character(c)),
            None => Ok(Device(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Device {
    type Error = DeviceError;

    fn try_from(text: String) -> Result<Self, DeviceError> {
        text.parse()
    }
}

impl From<Device> for String {
    fn from(device: Device) -> String {
        device.0
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
