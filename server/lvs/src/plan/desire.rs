//! From a cluster to what one director's kernel should hold.

use crate::model::{Seat, ValidCluster};
use crate::table::Desired;

/// Whether a director should hold the virtual addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// It is active: addresses and table.
    Addresses,
    /// It is standby: the table alone.
    TableOnly,
}

/// What the kernel of the director in `seat` should hold.
pub fn desired(cluster: &ValidCluster, seat: Seat, holding: Holding) -> Desired {
    let _ = (cluster, seat, holding);
    Desired::default()
}
