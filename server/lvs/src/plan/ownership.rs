//! Which rows of a kernel are ours.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::table::{AddressKey, ServiceKey};

/// The rows Caribe has ever been asked for on one director, kept on its disk.
///
/// Written durably before applying, as old ∪ new, so that a crash in between forgets nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    /// Services that are ours to change and remove.
    pub services: BTreeSet<ServiceKey>,
    /// Addresses that we added and may remove.
    pub addresses: BTreeSet<AddressKey>,
    /// Addresses the host held before us: they serve, but are never added, announced or removed by us.
    pub borrowed: BTreeSet<IpAddr>,
    /// The list was lost (unreadable file): nothing is removed until someone decides.
    #[serde(default)]
    pub lost: bool,
}
