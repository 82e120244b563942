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
use super::{Activation, approval, find};
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
    /// The draft of somebody else; none is the caller's own.
    pub theirs: Option<Theirs<'a>>,
}

/// A draft of somebody else, as the caller has seen it.
#[derive(Clone, Copy, Debug)]
pub struct Theirs<'a> {
    /// Whose it is (`account/alice`).
    pub owner: &'a str,
    /// Its tag when it was looked at; another content is not activated.
    pub etag: &'a str,
}

/// A content on its way to be a revision.
pub(super) struct NewRevision<'a> {
    pub(super) author: String,
    pub(super) approver: Option<String>,
    pub(super) message: &'a str,
    pub(super) content: Arc<Cluster>,
}

/// A revision that is written and not committed yet.
struct Written {
    /// The cluster's id.
    cluster: String,
    /// Whose draft it was.
    owner: String,
    content: Arc<Cluster>,
    head: RevisionHead,
    keep_s: Option<u32>,
    /// What directors held and somebody has taken into account.
    taken: BTreeSet<(String, String)>,
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

    /// The same, on trial where that is asked for, and the draft of somebody else where one is named.
    pub async fn activate_as(
        &self,
        actor: &Actor,
        cluster: &str,
        how: Activate<'_>,
    ) -> Result<Activation, ActivateError> {
        actor.require(Role::Approver)?;
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        match self.write_revision(&mut tx, actor, &found, how).await {
            Ok(written) => self.publish(tx, actor, written).await,
            Err(ActivateError::Nothing) if how.theirs.is_none() => {
                tx.delete_draft(&found.id, &actor.owner()).await?;
                tx.commit().await?;
                Err(ActivateError::Nothing)
            }
            Err(other) => Err(other),
        }
    }

    /// Ends a change of the caller's draft: commits it, and makes it run in the same transaction where that is asked for.
    /// What stands in the way of that undoes the change as well.
    pub(super) async fn commit_and(
        &self,
        mut tx: Tx,
        actor: &Actor,
        cluster: &store::Cluster,
        then: Option<Activate<'_>>,
    ) -> Result<Option<Activation>, ChangeError> {
        let Some(how) = then else {
            tx.commit().await?;
            return Ok(None);
        };
        actor.require(Role::Approver)?;
        match self.write_revision(&mut tx, actor, cluster, how).await {
            Ok(written) => Ok(Some(self.publish(tx, actor, written).await?)),
            // It says the same as what runs, or nothing was changed and there is no draft: there is nothing to do.
            Err(ActivateError::Nothing | ActivateError::Missing(Missing { thing: Thing::Draft, .. })) => {
                tx.delete_draft(&cluster.id, &actor.owner()).await?;
                tx.commit().await?;
                Ok(None)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Makes a draft the next revision; nothing of it holds before the transaction is committed.
    async fn write_revision(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        found: &store::Cluster,
        how: Activate<'_>,
    ) -> Result<Written, ActivateError> {
        let owner = how.theirs.map_or_else(|| actor.owner(), |theirs| theirs.owner.to_owned());
        if let Some(trial) = tx.provisional(&found.id).await? {
            return Err(ActivateError::OnTrial { revision: trial.revision });
        }
        let draft = tx.draft(&found.id, &owner).await?;
        let draft = draft.ok_or_else(|| Missing::new(Thing::Draft, &found.name))?;
        if let Some(theirs) = how.theirs {
            approval::unchanged(&draft, theirs)?;
        }
        let running = tx.newest_revision(&found.id).await?;
        ready(&draft, running.as_ref())?;
        if running.as_ref().is_some_and(|running| running.content.global.four_eyes) {
            approval::two_persons(tx, actor, &owner).await?;
        }
        let keep_s = match how.keep_s {
            // There is nothing to go back to.
            Some(_) if running.is_none() => return Err(ActivateError::FirstOnTrial),
            Some(seconds) if !KEEP_S.contains(&seconds) => return Err(ActivateError::TrialLength),
            other => other,
        };
        let approver = Some(actor.owner()).filter(|approver| *approver != owner);
        let asked = draft.asked.as_ref().map_or("", |(_, message)| message.as_str());
        let new = NewRevision {
            author: owner.clone(),
            approver,
            message: if how.message.trim().is_empty() { asked } else { how.message },
            content: Arc::new(draft.content),
        };
        let content = Arc::clone(&new.content);
        let head = self.insert_next(tx, found, running.as_ref(), new).await?;
        if let Some(seconds) = keep_s {
            let began = head.created;
            let until = began.saturating_add(i64::from(seconds));
            tx.insert_provisional(&found.id, store::Provisional { revision: head.number, began, until })
                .await?;
        }
        tx.delete_draft(&found.id, &owner).await?;
        let trial =
            keep_s.map(|seconds| format!(", undone after {seconds} s unless kept")).unwrap_or_default();
        let of = head.approver.as_ref().map(|_| format!(", a draft of {owner}")).unwrap_or_default();
        let about = About {
            action: "revision.activate",
            subject: &content.name,
            cluster: Some(&found.id),
            before: running.as_ref().map(|r| r.head.digest.as_str()),
            after: Some(&head.digest),
            detail: &format!("revision {}{trial}{of}: {}", head.number, head.message),
        };
        self.audit_about(tx, actor, about).await?;
        let taken = crate::directors::taken_theirs(tx, &found.id).await?;
        Ok(Written { cluster: found.id.clone(), owner, content, head, keep_s, taken })
    }

    /// Commits a revision and pushes it.
    async fn publish(&self, tx: Tx, actor: &Actor, written: Written) -> Result<Activation, ActivateError> {
        let Written { cluster, owner, content, head, keep_s, taken } = written;
        let _order = self.inner.live.activating(&cluster);
        tx.commit().await?;
        let by = actor.owner();
        tracing::info!(cluster = %content.name, revision = head.number, %by, draft_of = %owner, "activated");
        let what = Happening::Activated { revision: head.number, by, message: head.message.clone() };
        self.note_or_warn(&cluster, &what).await;
        if let Some(seconds) = keep_s {
            let what = Happening::OnTrial { revision: head.number, seconds: u64::from(seconds) };
            self.note_or_warn(&cluster, &what).await;
        }
        self.refresh_links().await?;
        let results = self.push_all(&cluster, &content, &taken).await?;
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
            message: one_line(new.message),
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

/// A reason as it is kept and shown in lists and logs: one line, no signs that a terminal obeys.
pub(super) fn one_line(message: &str) -> String {
    let shown = |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
    let line: String = message.chars().map(shown).collect();
    line.trim().chars().take(MESSAGE).collect()
}

/// What stands in the way of a draft's activation, whoever activates it.
pub(super) fn ready(draft: &store::Draft, running: Option<&store::Revision>) -> Result<(), ActivateError> {
    if let Some(running) = running {
        if *running.content == draft.content {
            return Err(ActivateError::Nothing);
        }
        if draft.base != Some(running.head.number) {
            let by = running.head.author.clone();
            return Err(ActivateError::Conflict { by, revision: running.head.number });
        }
    }
    let findings = draft.content.findings();
    if has_errors(&findings) { Err(ActivateError::Invalid(findings)) } else { Ok(()) }
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
