//! From observed to desired, in an order that is safe at every step.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Ownership, Step};
use crate::table::{Desired, Observed, ServiceKey};

/// What has to be done, and what was found on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// In the order they must happen.
    pub steps: Vec<Step>,
    /// Services that exist already although we never added them, and are ours from now on.
    pub adopted: BTreeSet<ServiceKey>,
    /// Services that are not ours and stay as they are.
    pub foreign: BTreeSet<ServiceKey>,
}

/// The steps from `observed` to `desired`.
pub fn plan(desired: &Desired, observed: &Observed, ownership: &Ownership) -> Plan {
    let _ = (desired, observed, ownership);
    Plan::default()
}
