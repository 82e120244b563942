//! Activation: a draft becomes the next revision, in one transaction with its audit row, and is then pushed.

use std::collections::BTreeSet;
use std::sync::Arc;

use lvs::Cluster;
use lvs::finding::has_errors;
use lvs::journal::Happening;
use lvs::wire::Digest;
use store::{RevisionHead, Tx};

use super::draft::name_taken;
use super::preview::push_order;
use super::{Activation, find};
use crate::audit::About;
use crate::{ActivateError, Actor, ChangeError, Console, Failure, Missing, PushResult, Role, Thing};

/// Characters of a message, at most; more is cut off.
const MESSAGE: usize = 500;
/// Seconds that a revision may be on trial: long enough to look, short enough to be undone while somebody waits.
pub const KEEP_S: std::ops::RangeInclusive<u32> = 10..=3600;

/// How a draft is activated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Activate<'a> {
    /// Why, in the person's words.
    pub message: &'a str,
    /// On trial: undone after so many seconds ([`KEEP_S`]) unless somebody keeps it.
    pub keep_s: Option<u32>,
}

/// A content on its way to be a revision.
pub(super) struct NewRevision<'a> {
    pub(super) author: String,
    pub(super) approver: Option<String>,
    pub(super) message: &'a str,
    pub(super) content: Arc<Cluster>,
}

impl Console {
    /// Makes the caller's draft the running revision and pushes it, standby first. Returns when every director has
    /// answered or could not be reached; what failed is pushed again when it is back. Needs Approver.
    pub async fn activate(
        &self,
        actor: &Actor,
        cluster: &str,
        message: &str,
    ) -> Result<Activation, ActivateError> {
        self.activate_as(actor, cluster, Activate { message, ..Activate::default() }).await
    }

    /// The same, on trial where that is asked for.
    pub async fn activate_as(
        &self,
        actor: &Actor,
        cluster: &str,
        how: Activate<'_>,
    ) -> Result<Activation, ActivateError> {
        actor.require(Role::Approver)?;
        let owner = actor.owner();
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        if let Some(trial) = tx.provisional(&found.id).await? {
            return Err(ActivateError::OnTrial { revision: trial.revision });
        }
        let draft = tx.draft(&found.id, &owner).await?;
        let draft = draft.ok_or_else(|| Missing::new(Thing::Draft, &found.name))?;
        let running = tx.newest_revision(&found.id).await?;
        if let Some(running) = &running {
            if *running.content == draft.content {
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
        let keep_s = match how.keep_s {
            // There is nothing to go back to.
            Some(_) if running.is_none() => return Err(ActivateError::FirstOnTrial),
            Some(seconds) if !KEEP_S.contains(&seconds) => return Err(ActivateError::TrialLength),
            other => other,
        };
        let new = NewRevision {
            author: owner.clone(),
            approver: None,
            message: how.message,
            content: Arc::new(draft.content),
        };
        let content = Arc::clone(&new.content);
        let head = self.insert_next(&mut tx, &found, running.as_ref(), new).await?;
        if let Some(seconds) = keep_s {
            let began = head.created;
            let until = began.saturating_add(i64::from(seconds));
            tx.insert_provisional(&found.id, store::Provisional { revision: head.number, began, until })
                .await?;
        }
        tx.delete_draft(&found.id, &owner).await?;
        let trial =
            keep_s.map(|seconds| format!(", undone after {seconds} s unless kept")).unwrap_or_default();
        let about = About {
            action: "revision.activate",
            subject: &content.name,
            cluster: Some(&found.id),
            before: running.as_ref().map(|r| r.head.digest.as_str()),
            after: Some(&head.digest),
            detail: &format!("revision {}{trial}: {}", head.number, head.message),
        };
        self.audit_about(&mut tx, actor, about).await?;
        let taken = crate::directors::taken_theirs(&mut tx, &found.id).await?;
        let _order = self.inner.live.activating(&found.id);
        tx.commit().await?;
        tracing::info!(cluster = %content.name, revision = head.number, by = %owner, "activated");
        let what =
            Happening::Activated { revision: head.number, by: owner.clone(), message: head.message.clone() };
        self.note_or_warn(&found.id, &what).await;
        if let Some(seconds) = keep_s {
            let what = Happening::OnTrial { revision: head.number, seconds: u64::from(seconds) };
            self.note_or_warn(&found.id, &what).await;
        }
        self.refresh_links().await?;
        let results = self.push_all(&found.id, &content, &taken).await?;
        Ok(Activation { revision: head.number, digest: Digest(head.digest), results })
    }

    /// Writes the next revision of a cluster; the cluster and its directors are called what it says.
    pub(super) async fn insert_next(
        &self,
        tx: &mut Tx,
        cluster: &store::Cluster,
        running: Option<&store::Revision>,
        new: NewRevision<'_>,
    ) -> Result<RevisionHead, ActivateError> {
        let content = new.content;
        let parent = running.map(|r| r.head.number);
        // Above whatever a director holds: a console that was restored must not give a number a second meaning.
        let held = self.inner.live.highest_held(&cluster.id);
        let head = RevisionHead {
            number: parent.max(held).unwrap_or(0) + 1,
            parent,
            digest: Digest::of(&content).0,
            author: new.author,
            approver: new.approver,
            message: new.message.trim().chars().take(MESSAGE).collect(),
            created: self.now(),
        };
        tx.insert_revision(&cluster.id, &head, &content).await?;
        if cluster.name != content.name {
            tx.rename_cluster(&cluster.id, &content.name).await.map_err(|error| {
                match name_taken(error, &content.name) {
                    ChangeError::Invalid(findings) => ActivateError::Invalid(findings),
                    other => ActivateError::Failed(Failure::of("cluster name", other)),
                }
            })?;
        }
        if let Some(running) = running {
            follow_renamed(tx, &cluster.id, &running.content, &content).await?;
        }
        Ok(head)
    }

    /// Pushes what runs to every director of that content, in order. `taken` is what somebody has taken into account.
    pub(crate) async fn push_all(
        &self,
        cluster: &str,
        content: &Cluster,
        taken: &BTreeSet<(String, String)>,
    ) -> Result<Vec<PushResult>, Failure> {
        let mut results = Vec::new();
        let live = |name: &str| self.inner.live.by_name(cluster, name);
        for director in
            push_order(&content.directors, |d| live(&d.name).is_some_and(|l| l.connected && l.is_active()))
        {
            let over = live(&director.name).and_then(|l| l.status?.digest);
            let over = over.filter(|digest| taken.contains(&(director.name.clone(), digest.0.clone())));
            results.push(self.push_over(cluster, &director.name, false, over.as_ref()).await?);
        }
        Ok(results)
    }

    /// Notes what the console did; what was done stays done where that fails.
    pub(crate) async fn note_or_warn(&self, cluster: &str, what: &Happening) {
        if let Err(error) = self.note(cluster, None, what).await {
            tracing::warn!(%error, kind = what.word(), "not in the event log");
        }
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
