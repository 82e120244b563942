//! The cluster as a whole: its directors and global settings. How the directors watch each other is in `redundancy`.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::device::Device;
use super::host::HostSetup;
use super::redundancy::Redundancy;
use super::service::{Forwarding, VirtualServer};

/// A stable identifier made by the console (`vs_…`, `rs_…`); empty where the console has not given one yet.
///
/// Identity survives renaming. Files that are imported carry none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Id(pub String);

impl Id {
    /// Whether the console still has to give this object its identity.
    pub fn is_unset(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything an administrator decides about one cluster; the content of a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Unique among the console's clusters; 1 to 64 characters.
    pub name: String,
    /// One or two, each in its own seat.
    #[serde(default)]
    pub directors: Vec<Director>,
    /// Settings for all virtual servers (Piranha's GLOBAL SETTINGS).
    #[serde(default)]
    pub global: GlobalSettings,
    /// How the two directors watch each other (Piranha's REDUNDANCY).
    #[serde(default)]
    pub redundancy: Redundancy,
    /// What is balanced, in the order the administrator gave.
    #[serde(default)]
    pub virtual_servers: Vec<VirtualServer>,
    /// Directives of an imported lvs.cf that Caribe does not act on, kept so that an export can return them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<String, String>,
}

/// A director's configured place. Who is active at the moment is state, not configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Seat {
    /// Holds the virtual addresses when both directors start.
    Primary,
    /// Takes them over when the primary is gone.
    Backup,
}

impl Seat {
    /// The word used in files, addresses and on screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Seat::Primary => "primary",
            Seat::Backup => "backup",
        }
    }
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A machine that forwards traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Director {
    /// Unique in the cluster; 1 to 64 characters of `A-Z a-z 0-9 . _ -`. Join tokens are bound to it.
    pub name: String,
    /// The configured place.
    pub seat: Seat,
    /// Real address on the clients' side; also the first heartbeat path. Files of keepalived often leave it out; it is
    /// needed where the redundancy protocol sends to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<IpAddr>,
    /// Real address on the real servers' side; the second heartbeat path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<IpAddr>,
}

/// Settings that hold for every virtual server of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GlobalSettings {
    /// Forwarding of every real server that does not name its own (lvs.cf `network`).
    #[serde(default)]
    pub forwarding: Forwarding,
    /// Floating inner gateway for real servers behind NAT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat_router: Option<NatRouter>,
    /// The kernel's session timeouts.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// What happens to what was changed behind our back.
    #[serde(default)]
    pub drift: DriftPolicy,
    /// What the agents set up on the directors themselves.
    #[serde(default, skip_serializing_if = "HostSetup::is_unset")]
    pub host: HostSetup,
    /// *Four eyes*: nobody activates a draft of their own; somebody else has to. A rule of the console, which goes by what
    /// runs: taking it out needs two persons, too. Undoing what runs on trial needs one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub four_eyes: bool,
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// What an agent does about rows of its own that somebody else changed (*drift*).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DriftPolicy {
    /// Puts them right after a short, damped delay.
    #[default]
    Repair,
    /// Shows them and leaves them as they are until somebody decides: repair, or take over as a draft.
    Hold,
}

impl DriftPolicy {
    /// All of them.
    pub const ALL: [DriftPolicy; 2] = [DriftPolicy::Repair, DriftPolicy::Hold];

    /// The word used in the API and in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            DriftPolicy::Repair => "repair",
            DriftPolicy::Hold => "hold",
        }
    }
}

/// The address that real servers behind NAT use as their gateway; it moves with the virtual addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NatRouter {
    /// The gateway address.
    pub address: IpAddr,
    /// Interface, with an optional IPv4 label (`eth1:1`).
    pub device: Device,
    /// Prefix length as programmed; absent means a host route (/32 or /128).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<u8>,
}

/// IPVS session timeouts in seconds (`IPVS_CMD_SET_CONFIG`); absent leaves the kernel's own value alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// Established TCP sessions, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<u32>,
    /// TCP sessions after a FIN, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcpfin: Option<u32>,
    /// UDP sessions, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub udp: Option<u32>,
}
