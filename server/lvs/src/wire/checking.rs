//! How checking goes on a director in all, and a real server that is to be asked at once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Evidence;
use crate::health::Trouble;
use crate::table::{ServerKey, ServiceKey};

/// One real server, or the sorry server, of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckKey {
    /// The service.
    pub service: ServiceKey,
    /// The real server, or the sorry server.
    pub server: ServerKey,
    /// Whether it is the sorry server.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sorry: bool,
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// How checking goes on a director in all, part of its status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Checking {
    /// Questions that are asked; services that ask the same share one.
    pub questions: u32,
    /// Real servers that are up.
    pub up: u32,
    /// Those that are down.
    pub down: u32,
    /// Those that answer again and are not used yet.
    pub re_entering: u32,
    /// Those of which nothing is known yet.
    pub unknown: u32,
    /// Real servers whose checker has had no result for several intervals.
    #[serde(default)]
    pub stuck: u32,
    /// Seconds for which the checker as a whole has done nothing, where that is long: all the rest here is as old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_s: Option<u64>,
    /// Real servers that cannot be asked, by the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub troubled: BTreeMap<Trouble, u32>,
}

/// `POST /v1/check-now`: asks one real server at once; answered with [`CheckedNow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckNow {
    /// Whom.
    #[serde(flatten)]
    pub key: CheckKey,
}

/// What came of asking at once, check by check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckedNow {
    /// One for each check, in the configured order.
    pub answers: Vec<Evidence>,
}
