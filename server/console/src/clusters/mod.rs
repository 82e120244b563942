//! Clusters, drafts and revisions: what runs, what people are working on, and how the one becomes the other.
//!
//! A draft belongs to one person and one cluster and begins from a revision. Activation refuses it when another
//! revision has come in between, until the two are merged (`rebase`); otherwise it makes a new revision, which never
//! changes. Who may not activate, or not a draft of their own, asks somebody else to (`approval`).
//! Nothing here talks to a director, except that activation pushes (`live`).

mod activate;
mod adopt;
mod approval;
mod compare;
mod draft;
mod edit;
mod keep;
mod preview;
mod rebase;
mod revisions;
mod types;

use lvs::Cluster;
use lvs::format::{self, FileKind, Options, Source};
use std::sync::Arc;

use lvs::wire::Digest;
use store::{RevisionHead, Tx};

pub use activate::{Activate, KEEP_S, Theirs};
pub use adopt::{Adopted, Foreign};
pub use rebase::{Rebase, Rebasing};
pub use revisions::{Comparison, DirectorSteps};
pub use types::*;

use crate::audit::About;
use crate::clock::timestamp;
use crate::{Actor, Console, Error, Failure, Missing, Role, Thing};

pub(crate) fn summary(head: RevisionHead) -> RevisionSummary {
    RevisionSummary {
        number: head.number,
        parent: head.parent,
        digest: Digest(head.digest),
        author: head.author,
        approver: head.approver,
        undone: false,
        message: head.message,
        created: timestamp(head.created),
    }
}

/// A cluster by id or name.
pub(crate) async fn find(tx: &mut Tx, key: &str) -> Result<store::Cluster, Error> {
    tx.cluster(key).await?.ok_or_else(|| Missing::new(Thing::Cluster, key).into())
}

/// Reads a file of a kind, or of whatever kind it looks like; pure, and the same as `caribe check` says.
pub fn read_file(text: &str, kind: Option<FileKind>) -> Reading {
    let source = Source { name: "", text };
    let kind = kind.or_else(|| format::kind_of(&[source]));
    let outcome = format::read_sources(&[source], &Options { kind, ..Options::default() });
    let findings = outcome.findings.into_iter().map(|(_, finding)| finding).collect();
    Reading { cluster: outcome.cluster, findings, kind }
}

impl Console {
    /// All clusters, by name.
    pub async fn clusters(&self) -> Result<Vec<ClusterSummary>, Failure> {
        let mut tx = self.inner.store.read().await?;
        let mut all = Vec::new();
        for cluster in tx.clusters().await? {
            let running = tx.newest_revision(&cluster.id).await?;
            let content = running.as_ref().map(|r| &r.content);
            all.push(ClusterSummary {
                running: running.as_ref().map(|r| r.head.number),
                virtual_servers: content.map_or(0, |c| c.virtual_servers.len()),
                directors: content.map_or(0, |c| c.directors.len()),
                drafts: tx.draft_owners(&cluster.id).await?.into_iter().map(|(owner, _)| owner).collect(),
                changed: running.as_ref().map(|r| timestamp(r.head.created)),
                id: cluster.id,
                name: cluster.name,
            });
        }
        Ok(all)
    }

    /// A cluster by id or name, with what runs.
    pub async fn cluster(&self, cluster: &str) -> Result<ClusterView, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let running = tx.newest_revision(&found.id).await?;
        let owners = tx.draft_owners(&found.id).await?;
        Ok(ClusterView {
            asking: owners.iter().filter(|(_, asks)| *asks).map(|(owner, _)| owner.clone()).collect(),
            drafts: owners.into_iter().map(|(owner, _)| owner).collect(),
            provisional: tx
                .provisional(&found.id)
                .await?
                .map(|trial| Provisional { revision: trial.revision, until: timestamp(trial.until) }),
            running: running
                .map(|r| Revision { summary: summary(r.head), content: Arc::unwrap_or_clone(r.content) }),
            id: found.id,
            name: found.name,
        })
    }

    /// Removes a cluster with its revisions, drafts and directors' identities. What its directors hold in their
    /// kernels stays there: traffic is not touched. Needs Admin.
    pub async fn delete_cluster(&self, actor: &Actor, cluster: &str) -> Result<(), Error> {
        actor.require(Role::Admin)?;
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let before = tx.newest_head(&found.id).await?.map(|h| h.digest);
        tx.delete_cluster(&found.id).await?;
        let about = About {
            action: "cluster.delete",
            subject: &found.name,
            cluster: Some(&found.id),
            before: before.as_deref(),
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        tx.commit().await?;
        self.refresh_links().await?;
        Ok(())
    }

    /// The id of a cluster, by id or name.
    pub async fn cluster_id(&self, cluster: &str) -> Result<Option<String>, Failure> {
        let mut tx = self.inner.store.read().await?;
        Ok(tx.cluster(cluster).await?.map(|found| found.id))
    }

    /// All revisions of a cluster, newest first.
    pub async fn revisions(&self, cluster: &str) -> Result<Vec<RevisionSummary>, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let undone = tx.undone_revisions(&found.id).await?;
        let revisions = tx.revisions(&found.id).await?.into_iter().map(summary);
        Ok(revisions.map(|one| RevisionSummary { undone: undone.contains(&one.number), ..one }).collect())
    }

    /// One revision of a cluster, with its content.
    pub async fn revision(&self, cluster: &str, number: u64) -> Result<Revision, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let revision = tx.revision(&found.id, number).await?;
        let revision = revision.ok_or_else(|| Missing::new(Thing::Revision, number.to_string()))?;
        let undone = tx.undone_revisions(&found.id).await?.contains(&number);
        let summary = RevisionSummary { undone, ..summary(revision.head) };
        Ok(Revision { summary, content: Arc::unwrap_or_clone(revision.content) })
    }

    /// What two contents differ in, in words.
    pub fn compare(before: &Cluster, after: &Cluster) -> Vec<ChangeLine> {
        compare::compare(before, after)
    }
}
