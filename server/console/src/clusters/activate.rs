//! Activation: a draft becomes the next revision, in one transaction with its audit row, and is then pushed.

use lvs::Cluster;
use lvs::finding::has_errors;
use lvs::wire::Digest;
use store::{RevisionHead, Tx};

use super::draft::name_taken;
use super::preview::push_order;
use super::{Activation, find};
use crate::audit::About;
use crate::{ActivateError, Actor, ChangeError, Console, Missing, Role, Thing};

/// Characters of a message, at most; more is cut off.
const MESSAGE: usize = 500;

impl Console {
    /// Makes the caller's draft the running revision and pushes it, standby first. Returns when every director has
    /// answered or could not be reached; what failed is pushed again when it is back. Needs Approver.
    pub async fn activate(
        &self,
        actor: &Actor,
        cluster: &str,
        message: &str,
    ) -> Result<Activation, ActivateError> {
        actor.require(Role::Approver)?;
        let owner = actor.owner();
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let draft = tx.draft(&found.id, &owner).await?;
        let draft = draft.ok_or_else(|| Missing::new(Thing::Draft, &found.name))?;
        let running = tx.newest_revision(&found.id).await?;
        if let Some(running) = &running {
            if running.content == draft.content {
                tx.delete_draft(&found.id, &owner).await?;
                tx.commit().await?;
                return Err(ActivateError::Nothing);
            }
            if draft.base != Some(running.head.number) {
                let by = running.head.author.clone();
                return Err(ActivateError::Conflict { by, revision: running.head.number });
            }
        }
        let findings = draft.content.findings();
        if has_errors(&findings) {
            return Err(ActivateError::Invalid(findings));
        }
        let content = draft.content;
        let parent = running.as_ref().map(|r| r.head.number);
        // Above whatever a director holds: a console that was restored must not give a number a second meaning.
        let held = self.inner.live.highest_held(&found.id);
        let digest = Digest::of(&content);
        let head = RevisionHead {
            number: parent.max(held).unwrap_or(0) + 1,
            parent,
            digest: digest.0.clone(),
            author: owner.clone(),
            message: message.trim().chars().take(MESSAGE).collect(),
            created: self.now(),
        };
        tx.insert_revision(&found.id, &head, &content).await?;
        if found.name != content.name {
            tx.rename_cluster(&found.id, &content.name).await.map_err(|error| {
                match name_taken(error, &content.name) {
                    ChangeError::Invalid(findings) => ActivateError::Invalid(findings),
                    other => ActivateError::Failed(crate::Failure::of("cluster name", other)),
                }
            })?;
        }
        if let Some(running) = &running {
            follow_renamed(&mut tx, &found.id, &running.content, &content).await?;
        }
        tx.delete_draft(&found.id, &owner).await?;
        let about = About {
            action: "revision.activate",
            subject: &content.name,
            cluster: Some(&found.id),
            before: running.as_ref().map(|r| r.head.digest.as_str()),
            after: Some(&digest.0),
            detail: &format!("revision {}: {}", head.number, head.message),
        };
        self.audit_about(&mut tx, actor, about).await?;
        let _order = self.inner.live.activating(&found.id);
        tx.commit().await?;
        tracing::info!(cluster = %content.name, revision = head.number, by = %owner, "activated");

        self.refresh_links().await?;
        let mut results = Vec::new();
        let live = |name: &str| self.inner.live.by_name(&found.id, name);
        for director in
            push_order(&content.directors, |d| live(&d.name).is_some_and(|l| l.connected && l.is_active()))
        {
            results.push(self.push(&found.id, &director.name, false).await?);
        }
        Ok(Activation { revision: head.number, digest, results })
    }
}

/// A configured director that got another name, and nothing else of its place, keeps its identity.
async fn follow_renamed(
    tx: &mut Tx,
    cluster: &str,
    before: &Cluster,
    after: &Cluster,
) -> Result<(), store::Error> {
    let rows = tx.directors(Some(cluster)).await?;
    for old in before.directors.iter().filter(|old| after.directors.iter().all(|d| d.name != old.name)) {
        let new = after.directors.iter().find(|new| {
            new.seat == old.seat && new.public == old.public && rows.iter().all(|row| row.name != new.name)
        });
        if let (Some(new), Some(row)) = (new, rows.iter().find(|row| row.name == old.name)) {
            tx.rename_director(&row.id, &new.name).await?;
        }
    }
    Ok(())
}
