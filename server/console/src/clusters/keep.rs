//! Revisions on trial: kept by a person in time, or undone by a new revision that says what the one before said.
//!
//! The directors undo theirs by themselves; here it is only recorded, so that nobody is told again to do what was
//! undone. Whatever decides first, a person or the clock, decides alone: it ends the trial in its transaction.

use std::sync::Arc;

use lvs::journal::Happening;

use super::activate::NewRevision;
use super::{Activation, Provisional, find};
use crate::audit::About;
use crate::clock::timestamp;
use crate::{ActivateError, Actor, Console, Error, Failure, Role};

/// Who undoes what nobody kept.
const NOBODY: &str = "console/trial";

impl Console {
    /// What runs on trial, if it does.
    pub async fn provisional(&self, cluster: &str) -> Result<Option<Provisional>, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let trial = tx.provisional(&found.id).await?;
        Ok(trial.map(|trial| Provisional { revision: trial.revision, until: timestamp(trial.until) }))
    }

    /// Keeps the revision that runs on trial, and tells the directors. Needs Approver.
    pub async fn keep_revision(
        &self,
        actor: &Actor,
        cluster: &str,
        revision: u64,
    ) -> Result<Activation, ActivateError> {
        actor.require(Role::Approver)?;
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let now = self.now();
        let open = tx.provisional(&found.id).await?.filter(|t| t.revision == revision && t.until > now);
        let running = tx.newest_revision(&found.id).await?.filter(|r| r.head.number == revision);
        let (Some(_), Some(running)) = (open, running) else {
            return Err(ActivateError::NotOnTrial { revision });
        };
        tx.end_provisional(&found.id, revision, "kept", now).await?;
        let about = About {
            action: "revision.keep",
            subject: &found.name,
            cluster: Some(&found.id),
            after: Some(&running.head.digest),
            detail: &format!("revision {revision}"),
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        let _order = self.inner.live.activating(&found.id);
        tx.commit().await?;
        tracing::info!(cluster = %found.name, revision, by = %actor.owner(), "kept");
        self.note_or_warn(&found.id, &Happening::Kept { revision, by: actor.owner() }).await;
        self.refresh_links().await?;
        let results = self.push_all(&found.id, &running.content, &Default::default()).await?;
        Ok(Activation { revision, digest: running.digest, results })
    }

    /// Undoes the revision that runs on trial before its time is over. Needs Approver.
    pub async fn undo_revision(
        &self,
        actor: &Actor,
        cluster: &str,
        revision: u64,
    ) -> Result<Activation, ActivateError> {
        actor.require(Role::Approver)?;
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        drop(tx);
        let undone = self.undo(&found.id, revision, Some(actor)).await?;
        undone.ok_or(ActivateError::NotOnTrial { revision })
    }

    /// Undoes what is on trial and was not kept in time, or was undone by a director already.
    pub(crate) async fn tend_trials(&self) -> Result<(), Failure> {
        let now = self.now();
        let mut due = Vec::new();
        let mut tx = self.inner.store.read().await?;
        for cluster in tx.clusters().await? {
            if let Some(trial) = tx.provisional(&cluster.id).await?
                && (trial.until <= now || self.inner.live.was_undone(&cluster.id, trial.revision))
            {
                due.push((cluster.id, trial.revision));
            }
        }
        drop(tx);
        for (cluster, revision) in due {
            match self.undo(&cluster, revision, None).await {
                Ok(_) => {}
                Err(ActivateError::Failed(failure)) => return Err(failure),
                Err(other) => return Err(Failure::of("undoing a revision", other)),
            }
        }
        Ok(())
    }

    /// Records the undoing, where the trial has not ended. Without a person the links push, each when it is due.
    async fn undo(
        &self,
        cluster_id: &str,
        revision: u64,
        by: Option<&Actor>,
    ) -> Result<Option<Activation>, ActivateError> {
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster_id).await?;
        if !tx.end_provisional(&found.id, revision, "undone", self.now()).await? {
            return Ok(None);
        }
        let Some(running) = tx.newest_revision(&found.id).await? else { return Ok(None) };
        let before = match running.head.parent.filter(|_| running.head.number == revision) {
            Some(parent) => tx.revision(&found.id, parent).await?,
            None => None,
        };
        let Some(before) = before else {
            // Something else runs already: there is nothing to undo, only the trial to end.
            tx.commit().await?;
            return Ok(None);
        };
        let message = match by {
            Some(_) => format!("Undo of revision {revision}"),
            None => format!("Undo of revision {revision}, which nobody kept in time"),
        };
        let author = by.map_or_else(|| NOBODY.to_owned(), Actor::owner);
        let content = Arc::clone(&before.content);
        let new = NewRevision {
            author: author.clone(),
            approver: None,
            message: &message,
            content: Arc::clone(&content),
        };
        let head = self.insert_next(&mut tx, &found, Some(&running), new).await?;
        let about = About {
            action: "revision.undo",
            subject: &content.name,
            cluster: Some(&found.id),
            before: Some(&running.head.digest),
            after: Some(&head.digest),
            detail: &format!("revision {revision} by revision {}", head.number),
        };
        match by {
            Some(actor) => self.audit_about(&mut tx, actor, about).await?,
            None => self.audit_by(&mut tx, NOBODY, "", about).await?,
        }
        let _order = by.map(|_| self.inner.live.activating(&found.id));
        tx.commit().await?;
        tracing::warn!(cluster = %content.name, revision, new = head.number, by = %author, "undone");
        let who = by.map(Actor::owner).unwrap_or_default();
        let what = Happening::Undone { revision, new: head.number, by: who };
        self.note_or_warn(&found.id, &what).await;
        self.refresh_links().await?;
        let results = match by {
            Some(_) => self.push_all(&found.id, &content, &Default::default()).await?,
            None => Vec::new(),
        };
        Ok(Some(Activation { revision: head.number, digest: lvs::wire::Digest(head.digest), results }))
    }
}
