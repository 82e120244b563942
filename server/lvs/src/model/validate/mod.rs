//! The rules a cluster must keep, all of them checked at once, each finding at its field.
//!
//! An error makes the cluster unusable; a warning says what will surprise. Rules about one object hold for inactive
//! ones too, so that switching on is never the moment of discovery; rules between objects (same key, same address)
//! count only active ones, because only those meet in a kernel. Called by the console for every edit, by the agent
//! for every target it is sent, and by `caribe check`.

mod addresses;
mod asking;
mod directors;
mod host;
mod monitor;
mod questions;
mod redundancy;
mod servers;
mod services;
mod words;

use super::Cluster;
use crate::finding::Findings;

pub use host::{MARKED_MAXIMUM, MASQUERADES_MAXIMUM};
pub use monitor::{
    CHECKS_MAXIMUM, DAMPING_MAXIMUM_S, LOAD_MAXIMUM_PERCENT, MONITOR_INTERVAL_MAXIMUM_MS,
    MONITOR_INTERVAL_MINIMUM_MS, MONITOR_TIMEOUT_MAXIMUM_MS, REENTRY_MAXIMUM_S, SLOW_START_MAXIMUM_S,
    TRIES_MAXIMUM,
};
pub(crate) use questions::is_domain;
pub use questions::{EXPIRY_MAXIMUM_DAYS, HEADERS_MAXIMUM, PEM_MAXIMUM, SECRET_MAXIMUM};
pub use redundancy::{
    DEADTIME_MAXIMUM_MS, INTERVAL_MAXIMUM_MS, INTERVAL_MINIMUM_MS, PREEMPT_DELAY_MAXIMUM_S,
};
pub use services::{PERSISTENCE_MAXIMUM_S, REAL_SERVERS_TRIED, SESSION_TIMEOUT_MAXIMUM_S};
pub use words::{NAME_MAXIMUM, TEXT_MAXIMUM, WORDS_MAXIMUM};
pub(crate) use words::{dots, refuses};

/// A cluster that keeps every rule; made only by [`Cluster::validate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidCluster(Cluster);

impl ValidCluster {
    /// The content.
    pub fn cluster(&self) -> &Cluster {
        &self.0
    }

    /// The content, to be changed and validated again.
    pub fn into_cluster(self) -> Cluster {
        self.0
    }
}

impl Cluster {
    /// Everything that is wrong or worth a warning, by field, in the order of the fields.
    pub fn findings(&self) -> Findings {
        let mut findings = Findings::new();
        words::name(&mut findings, "/name", &self.name);
        directors::check(&mut findings, self);
        services::global(&mut findings, self);
        host::global(&mut findings, self);
        redundancy::check(&mut findings, self);
        services::check(&mut findings, self);
        host::taken(&mut findings, self);
        addresses::check(&mut findings, self);
        findings
    }

    /// The cluster as one that cannot be wrong, or everything found in it, warnings included.
    pub fn validate(self) -> Result<ValidCluster, Findings> {
        let findings = self.findings();
        if crate::finding::has_errors(&findings) { Err(findings) } else { Ok(ValidCluster(self)) }
    }
}
