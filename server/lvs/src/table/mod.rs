//! What a director's kernel holds, or should hold, in the kernel's words.
//!
//! The same row types serve the desired and the observed side, so that they can be compared; counters are apart
//! (`counters`), so that equality stays a statement about configuration. All maps are ordered: the texts made of
//! them are stable.

mod address;
mod ipvs;
mod key;
mod packets;
mod parameters;
mod sync;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use address::{AddressKey, AddressRow, DesiredAddress, Link};
pub use ipvs::{Forward, Persist, ServerRow, Service, ServiceRow, Table};
pub use key::{Family, KeyError, ServerKey, ServiceKey};
pub use packets::{PACKET_TABLE, PacketRule, PacketRules};
pub use parameters::{
    CONNTRACK, EXPIRE_NODEST, FORWARD_IPV4, FORWARD_IPV6, HOST_PARAMETERS, REDIRECTS, for_each_interface,
    is_host_parameter, spelled_out,
};
pub use sync::{BACKUP_ONLY, DesiredSync, SyncPath, SyncRole, SyncRow};

/// The dotted name of an interface's kernel parameter (`net.ipv4.conf.eth0.promote_secondaries`).
///
/// A dot within the interface's name is written as `/`, as sysctl(8) does (`net.ipv4.conf.eth0/100.…` is VLAN 100 of
/// eth0), so that names stay unambiguous; interface names themselves never hold a `/`. To get the path below
/// `/proc/sys`, swap the two characters everywhere.
pub fn interface_sysctl(family: &str, interface: &str, parameter: &str) -> String {
    format!("net.{family}.conf.{}.{parameter}", interface.replace('.', "/"))
}

/// The three IPVS session timeouts as the kernel holds them, seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KernelTimeouts {
    /// Established TCP.
    pub tcp: u32,
    /// TCP after FIN.
    pub tcpfin: u32,
    /// UDP.
    pub udp: u32,
}

/// All that a director's kernel holds which Caribe cares about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Observed {
    /// The IPVS table, foreign rows included.
    pub table: Table,
    /// Every address of every interface.
    pub addresses: BTreeMap<AddressKey, AddressRow>,
    /// The session timeouts.
    pub timeouts: KernelTimeouts,
    /// The kernel parameters asked for, by dotted name (`net.ipv4.conf.eth0.promote_secondaries`); absent where the kernel has none.
    pub sysctls: BTreeMap<String, String>,
    /// Interfaces by name.
    pub links: BTreeMap<String, Link>,
    /// Running daemons of connection sync.
    #[serde(default)]
    pub sync: BTreeMap<SyncRole, SyncRow>,
    /// The texts of the rules in our nftables table, in its order; a rule that is not ours is `?`. None: no such table.
    #[serde(default)]
    pub packets: Option<Vec<String>>,
}

/// All that a director's kernel should hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Desired {
    /// Services and real servers.
    pub table: Table,
    /// Virtual addresses and the NAT router address; empty on a standby.
    pub addresses: BTreeMap<AddressKey, DesiredAddress>,
    /// Session timeouts; absent ones are left alone.
    pub timeouts: crate::model::Timeouts,
    /// Kernel parameters, by dotted name; `*` in place of an interface stands for each but the loopback.
    pub sysctls: BTreeMap<String, String>,
    /// What our nftables table should hold; nothing where none is wanted.
    #[serde(default)]
    pub packets: PacketRules,
    /// Daemons of connection sync; none where connections are not copied.
    #[serde(default)]
    pub sync: Option<DesiredSync>,
    /// Services that are not programmed while this address of theirs is on one of the machine's own interfaces, unless
    /// the kernel runs as backup only: it would take the partner's packets for a client's and send them on.
    #[serde(default)]
    pub unless_local: BTreeMap<ServiceKey, std::net::IpAddr>,
}
