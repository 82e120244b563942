//! The kernel's daemons that copy connections between directors (connection sync).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::key::KeyError;

/// The kernel parameter that keeps a director with a running backup daemon from scheduling.
pub const BACKUP_ONLY: &str = "net.ipv4.vs.backup_only";

/// What a daemon does. The kernel runs at most one of each (`IP_VS_STATE_MASTER`, `IP_VS_STATE_BACKUP`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SyncRole {
    /// Sends connections.
    Master,
    /// Receives them.
    Backup,
}

impl SyncRole {
    /// Both.
    pub const ALL: [SyncRole; 2] = [SyncRole::Master, SyncRole::Backup];

    /// The word of ipvsadm.
    pub fn as_str(self) -> &'static str {
        match self {
            SyncRole::Master => "master",
            SyncRole::Backup => "backup",
        }
    }
}

impl fmt::Display for SyncRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SyncRole {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let found = SyncRole::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| KeyError(text.to_owned()))
    }
}

/// A daemon's settings. What is 0 or absent is the kernel's own choice when asked for, and not told when observed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SyncRow {
    /// Multicast interface.
    pub interface: String,
    /// Sync id; the receiving one takes any where it is 0.
    pub id: u8,
    /// Longest message, bytes.
    #[serde(default)]
    pub maxlen: u16,
    /// Multicast group.
    #[serde(default)]
    pub group: Option<IpAddr>,
    /// UDP port.
    #[serde(default)]
    pub port: u16,
    /// Time to live.
    #[serde(default)]
    pub ttl: u8,
}

impl SyncRow {
    /// Whether a running daemon `there` is what this one asks for.
    pub fn fits(&self, there: &SyncRow) -> bool {
        let chosen = |want: u16, have: u16| want == 0 || want == have;
        (&self.interface, self.id) == (&there.interface, there.id)
            && chosen(self.maxlen, there.maxlen)
            && chosen(self.port, there.port)
            && chosen(self.ttl.into(), there.ttl.into())
            && self.group.is_none_or(|group| Some(group) == there.group)
    }
}

/// Where a wanted daemon speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SyncPath {
    /// On this interface.
    Interface(String),
    /// On the interface that holds this address of the director's.
    Holding(IpAddr),
}

/// The daemons that are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DesiredSync {
    /// These roles, and no other.
    pub roles: Vec<SyncRole>,
    /// Where.
    pub path: SyncPath,
    /// Sync id.
    pub id: u8,
    /// A daemon could not be started lately: until it runs, nothing relies on it.
    #[serde(default)]
    pub refused: bool,
}
