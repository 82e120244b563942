//! A draft whose parent is no longer what runs: what was activated since, merged with what the draft changes.
//!
//! Nobody's change is undone silently: what only one of the two changed is taken from them, what both changed is chosen
//! by the draft's owner. The draft then begins from what runs now. Activation itself never merges.

use lvs::Cluster;
use lvs::model::{Choices, Conflict, Merged, merge};
use store::Tx;

use super::{ChangeLine, Draft, RevisionSummary, View, compare, find, summary};
use crate::{Actor, ChangeError, Console, Error, Failure, Missing, Role, Thing};

/// How a draft is put on top of what runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebasing {
    /// The running revision that the choices were made for; refused where another runs by now.
    pub onto: Option<u64>,
    /// The draft's tag ([`Draft::etag`]) that they were made for.
    pub if_match: Option<String>,
    /// Whose content is taken, for each conflict by its place.
    pub choices: Choices,
}

/// A draft and what was activated since it was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebase {
    /// The draft's tag, to be given back with the choices.
    pub etag: String,
    /// The revision it was begun from; none where nothing ran.
    pub base: Option<u64>,
    /// What runs now.
    pub running: RevisionSummary,
    /// What was changed since, in words.
    pub theirs: Vec<ChangeLine>,
    /// What the draft changes, in words.
    pub mine: Vec<ChangeLine>,
    /// What both changed, differently.
    pub conflicts: Vec<Conflict>,
}

/// A draft, its parent's content, and what runs.
struct Apart {
    current: View,
    base: Cluster,
    running: store::Revision,
}

/// None where the draft was begun from what runs, or nothing does.
async fn apart(tx: &mut Tx, cluster: &store::Cluster, current: View) -> Result<Result<Apart, View>, Error> {
    if !current.draft {
        return Err(Missing::new(Thing::Draft, &cluster.name).into());
    }
    if current.base == current.running {
        return Ok(Err(current));
    }
    let Some(running) = tx.newest_revision(&cluster.id).await? else { return Ok(Err(current)) };
    let base = match current.base {
        Some(number) => {
            let parent = tx.revision(&cluster.id, number).await?;
            let parent = parent.ok_or_else(|| Failure::Internal(format!("revision {number} is missing")))?;
            (*parent.content).clone()
        }
        // Nothing ran when it was begun but the cluster's name.
        None => Cluster { name: cluster.name.clone(), ..Cluster::default() },
    };
    Ok(Ok(Apart { current, base, running }))
}

impl Apart {
    fn merged(&self, choices: &Choices) -> Merged {
        merge(&self.base, &self.running.content, &self.current.content, choices)
    }

    fn told(&self, merged: Merged) -> Rebase {
        Rebase {
            etag: self.current.etag.clone(),
            base: self.current.base,
            running: summary(self.running.head.clone()),
            theirs: compare::compare(&self.base, &self.running.content),
            mine: compare::compare(&self.base, &self.current.content),
            conflicts: merged.conflicts,
        }
    }
}

impl Console {
    /// What stands between the caller's draft and what runs; none where it was begun from that.
    pub async fn rebase(&self, actor: &Actor, cluster: &str) -> Result<Option<Rebase>, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let current = super::draft::view(&mut tx, &found, &actor.owner()).await?;
        let apart = apart(&mut tx, &found, current).await?;
        drop(tx);
        Ok(apart.ok().map(|apart| {
            let merged = apart.merged(&Choices::new());
            apart.told(merged)
        }))
    }

    /// Merges the caller's draft with what was activated since it was begun. Refused with what is to be chosen where
    /// both changed the same and it is not chosen, or where the choices were made for another state. Needs Editor.
    pub async fn rebase_draft(
        &self,
        actor: &Actor,
        cluster: &str,
        how: &Rebasing,
    ) -> Result<Draft, ChangeError> {
        actor.require(Role::Editor)?;
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let current = super::draft::view(&mut tx, &found, &actor.owner()).await?;
        let apart = match apart(&mut tx, &found, current).await? {
            Ok(apart) => apart,
            // It stands on what runs already: the same draft is written again.
            Err(current) => {
                let content = current.content.clone();
                let draft = self.put(&mut tx, actor, &found, &current, content, "draft.rebase").await?;
                tx.commit().await?;
                return Ok(draft);
            }
        };
        let merged = apart.merged(&how.choices);
        let moved = how.onto.is_some_and(|onto| onto != apart.running.head.number)
            || how.if_match.as_ref().is_some_and(|tag| *tag != apart.current.etag);
        if moved || !merged.is_settled() {
            return Err(ChangeError::Unmerged(Box::new(apart.told(merged))));
        }
        let nothing = |place: &&String| merged.conflicts.iter().all(|conflict| conflict.place != **place);
        if let Some(place) = how.choices.keys().find(nothing) {
            return Err(ChangeError::Refused(format!("there is no conflict at {place:?}")));
        }
        let current = View { base: apart.current.running, ..apart.current };
        let draft = self.put(&mut tx, actor, &found, &current, merged.cluster, "draft.rebase").await?;
        tx.commit().await?;
        Ok(draft)
    }
}
