//! From what is to what should be: the ordered steps, as text and as values.
//!
//! [`desired`] says what one director's kernel should hold; [`plan`] says how to get there from what it holds.
//! Both are total functions over ordered maps. Order is the contract: stop sync daemons, set kernel parameters, withdraw addresses, set
//! packet rules, start sync daemons, then add and change services and real servers, then add addresses, then remove services, then put
//! back what the host had; so no virtual address ever points at a
//! missing service, and a director stops attracting traffic before it stops serving it. Gratuitous ARP is no step:
//! it leaves nothing behind that could be observed (the director's `announce` does it).

mod addresses;
mod desire;
mod diff;
mod gate;
mod host;
mod ownership;
mod partner;
mod row;
mod steps;
mod sync;
mod text;

use serde::{Deserialize, Serialize};

use crate::model::Timeouts;
use crate::table::{
    AddressKey, DesiredAddress, PacketRules, ServerKey, ServerRow, ServiceKey, ServiceRow, SyncRole, SyncRow,
};

pub(crate) use desire::service as desired_service;
pub use desire::{Holding, desired};
pub use diff::{Change, diff};
pub use gate::{Gate, stages};
pub(crate) use host::forwarded;
pub use ownership::Ownership;
pub use partner::without_partner;
pub use row::{Row, RowError};
pub(crate) use steps::service_steps;
pub use steps::{Plan, plan};

/// One change to a director's kernel; as few as possible, each one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "step")]
pub enum Step {
    /// Take an address off an interface.
    RemoveAddress {
        /// Which.
        key: AddressKey,
    },
    /// Write a kernel parameter.
    SetSysctl {
        /// Dotted name.
        name: String,
        /// Value to write.
        value: String,
    },
    /// Put these rules, and no others, into our nftables table, at once.
    SetPackets {
        /// At least one.
        rules: PacketRules,
    },
    /// Remove our nftables table.
    RemovePackets,
    /// Set the session timeouts; absent ones stay.
    SetTimeouts {
        /// The new values.
        timeouts: Timeouts,
    },
    /// Add a service without real servers.
    AddService {
        /// Which.
        key: ServiceKey,
        /// Its settings.
        row: ServiceRow,
    },
    /// Change a service in place; its real servers and connections stay.
    SetService {
        /// Which.
        key: ServiceKey,
        /// Its settings.
        row: ServiceRow,
    },
    /// Add a real server to a service.
    AddServer {
        /// The service.
        service: ServiceKey,
        /// The server.
        key: ServerKey,
        /// Its settings.
        row: ServerRow,
    },
    /// Change a real server in place; its connections stay.
    SetServer {
        /// The service.
        service: ServiceKey,
        /// The server.
        key: ServerKey,
        /// Its settings.
        row: ServerRow,
    },
    /// Remove a real server.
    RemoveServer {
        /// The service.
        service: ServiceKey,
        /// The server.
        key: ServerKey,
    },
    /// Put an address on an interface.
    AddAddress {
        /// Which.
        key: AddressKey,
        /// Its label.
        row: DesiredAddress,
    },
    /// Start a daemon of connection sync.
    StartSync {
        /// Which.
        role: SyncRole,
        /// Its settings.
        row: SyncRow,
    },
    /// Stop a daemon of connection sync.
    StopSync {
        /// Which.
        role: SyncRole,
    },
    /// Remove a service with all its real servers.
    RemoveService {
        /// Which.
        key: ServiceKey,
    },
}
