//! What the machine can tell about itself and the masters it hears.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::super::heartbeat::{Partner, View};
use super::Vrrp;
use super::advert::Mismatch;
use crate::wire::State;

/// Intervals for which something heard counts as present.
const WINDOW: u32 = 4;

/// One virtual router, as this director takes part in it and hears it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RouterView {
    /// Virtual router id.
    pub virtual_router_id: u8,
    /// The priority that this director advertises while it is active.
    pub priority: u8,
    /// The address that its advertisements come from; none while it has no usable one.
    #[serde(default)]
    pub source: Option<IpAddr>,
    /// Who else advertises it at present.
    #[serde(default)]
    pub heard: Option<HeardRouter>,
}

/// Another director's advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeardRouter {
    /// Where it came from.
    pub source: IpAddr,
    /// Its priority; 0 gave the addresses up. Meaningless with a mismatch.
    pub priority: u8,
    /// Why it was not accepted.
    #[serde(default)]
    pub mismatch: Option<Mismatch>,
}

impl Vrrp {
    /// Everything that is shown. A VRRP backup is silent, so that a partner is known only while it is active.
    pub fn view(&self) -> View {
        let mut routers = Vec::with_capacity(self.known.len());
        let mut partner: Option<Partner> = None;
        for (router, known) in self.settings.routers.iter().zip(&self.known) {
            let window = self.settings.interval.max(known.interval) * WINDOW;
            let recent = known.heard_at.filter(|at| self.seen.saturating_sub(*at) <= window);
            let mismatch = known.mismatch.map(|(mismatch, _)| mismatch);
            if let Some(heard_at) = recent.filter(|_| known.priority > 0 && mismatch.is_none()) {
                partner = Some(Partner {
                    state: State::Active,
                    revision: None,
                    ready: true,
                    held: false,
                    heard_at,
                });
            }
            let heard = recent.and(known.source).map(|source| HeardRouter {
                source,
                priority: known.priority,
                mismatch,
            });
            routers.push(RouterView {
                virtual_router_id: router.virtual_router_id,
                priority: router.priority,
                source: Some(router.source).filter(|source| !source.is_unspecified()),
                heard,
            });
        }
        View {
            state: self.state(),
            reason: self.reason,
            entered: self.entered,
            epoch: self.epoch,
            held: self.held,
            ready: self.ready,
            partner,
            routers,
            concerns: self.concerns.clone(),
            evidence: match self.phase {
                super::Phase::Active => self.outside.claimed(),
                _ => self.outside.signs(),
            },
            counts: self.counts,
        }
    }
}
