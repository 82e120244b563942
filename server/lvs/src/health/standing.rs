//! What health makes of the configured rows: the input of [`crate::plan::desired`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::table::{ServerKey, ServiceKey};

/// Whether a real server is in the table, and with which weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Not in the table.
    Out,
    /// In the table; with weight 0 it takes no new connections.
    In {
        /// Its weight.
        weight: u32,
    },
}

impl Standing {
    /// The weight in the table; none outside of it.
    pub fn weight(self) -> Option<u32> {
        match self {
            Standing::Out => None,
            Standing::In { weight } => Some(weight),
        }
    }

    /// Whether it takes new connections.
    pub fn serves(self) -> bool {
        self.weight().is_some_and(|weight| weight > 0)
    }
}

/// What stands in one service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceStanding {
    /// By real server. One that is not named here stands as configured.
    #[serde(default)]
    pub servers: BTreeMap<ServerKey, Standing>,
    /// Whether the sorry server is in.
    #[serde(default)]
    pub sorry: bool,
}

/// What stands on a director. The default says nothing: every active real server stands with its configured weight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Standings {
    /// By service. One that is not named here stands as configured.
    #[serde(default)]
    pub services: BTreeMap<ServiceKey, ServiceStanding>,
    /// What `net.ipv4.vs.expire_quiescent_template` should be; none where no order has ever needed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_quiescent: Option<bool>,
}

/// The kernel parameter that ends persistence towards real servers of weight 0, on the whole director.
pub const EXPIRE_QUIESCENT: &str = "net.ipv4.vs.expire_quiescent_template";
