//! What an operator asks of a director itself.

use serde::{Deserialize, Serialize};

/// `POST /v1/order`: what an operator wants of a director now. It is no part of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderRequest {
    /// What.
    pub order: DirectorOrder,
    /// Even where connections are lost that could be kept by waiting.
    #[serde(default)]
    pub force: bool,
}

/// An operator's order to a director.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DirectorOrder {
    /// To the active one: hand over to the partner.
    SwitchOver,
    /// To the standby: ask the partner to hand over.
    TakeOver,
    /// Do not claim, and do not hand over by yourself.
    Hold,
    /// End a hold.
    Resume,
}
