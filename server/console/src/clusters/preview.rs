//! What activating a content would do: in words against what runs, and as the kernel steps of each director.

use lvs::health::Standings;
use lvs::model::{Director, Seat};
use lvs::plan::{Holding, Ownership, desired, plan};
use lvs::table::Observed;
use lvs::{Cluster, ValidCluster};

use super::edit::{self, Edited};
use super::{Basis, DirectorPreview, Edit, Preview, RevisionSummary, compare, draft, find, summary};
use crate::live::LiveDirector;
use crate::{Actor, ChangeError, Console, Error, Missing, Role, Thing};

/// Whether the director in a seat holds the addresses. Until the two watch each other, the primary seat does.
pub(super) fn holding(seat: Seat) -> Holding {
    match seat {
        Seat::Primary => Holding::Addresses,
        Seat::Backup => Holding::TableOnly,
    }
}

/// In which order directors are pushed to: those that hold no addresses first, of these the backup seat first.
pub(crate) fn push_order(directors: &[Director], is_active: impl Fn(&Director) -> bool) -> Vec<&Director> {
    let mut order: Vec<&Director> = directors.iter().collect();
    order.sort_by_key(|d| (is_active(d), d.seat == Seat::Primary));
    order
}

fn director(content: &ValidCluster, director: &Director, live: Option<&LiveDirector>) -> DirectorPreview {
    let connected = live.is_some_and(|l| l.connected);
    let snapshot = live.and_then(|l| l.snapshot.as_ref().zip(l.snapshot_at));
    let basis = match snapshot {
        Some(_) if connected => Basis::Live,
        Some((_, at)) => Basis::LastKnown(at),
        None => Basis::Unknown,
    };
    let (nothing, nobody) = (Observed::default(), Ownership::default());
    let (observed, ownership) = snapshot.map_or((&nothing, &nobody), |(s, _)| (&s.observed, &s.ownership));
    let plan = plan(
        &desired(content, director.seat, holding(director.seat), &Standings::default()),
        observed,
        ownership,
    );
    DirectorPreview {
        name: director.name.clone(),
        seat: director.seat,
        connected,
        basis,
        steps: plan.steps.iter().map(ToString::to_string).collect(),
        adopted: plan.adopted.iter().map(ToString::to_string).collect(),
        foreign: plan.foreign.iter().map(ToString::to_string).collect(),
    }
}

/// All but what only the console knows; `live` finds a director's state by name.
pub(super) fn preview(
    draft: &Cluster,
    running: Option<&Cluster>,
    live: impl Fn(&str) -> Option<LiveDirector>,
) -> Preview {
    let empty = Cluster::default();
    let findings = draft.findings();
    let directors = match draft.clone().validate() {
        Ok(valid) => {
            push_order(&draft.directors, |d| live(&d.name).is_some_and(|l| l.connected && l.is_active()))
                .into_iter()
                .map(|d| director(&valid, d, live(&d.name).as_ref()))
                .collect()
        }
        Err(_) => Vec::new(),
    };
    Preview {
        etag: String::new(),
        base: None,
        running: None,
        conflict: None,
        findings,
        changes: compare::compare(running.unwrap_or(&empty), draft),
        directors,
    }
}

impl Console {
    /// What activating that content would do on directors that nobody has met yet: those of a new cluster.
    pub fn preview_of_new(&self, content: &Cluster) -> Preview {
        preview(content, None, |_| None)
    }

    /// What activating the caller's draft would do.
    pub async fn preview(&self, actor: &Actor, cluster: &str) -> Result<Preview, Error> {
        self.preview_of_draft(cluster, &actor.owner()).await
    }

    /// What activating the draft of whoever (`account/alice`) would do.
    pub async fn preview_of_draft(&self, cluster: &str, owner: &str) -> Result<Preview, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let view = draft::view(&mut tx, &found, owner).await?;
        if !view.draft {
            return Err(Missing::new(Thing::Draft, &found.name).into());
        }
        let running = tx.newest_revision(&found.id).await?;
        let conflict: Option<RevisionSummary> =
            if view.base == view.running { None } else { running.as_ref().map(|r| summary(r.head.clone())) };
        // Before it is merged with what others activated, only what the draft itself changes can be said.
        let since = match (&conflict, view.base) {
            (None, _) => running.clone(),
            (Some(_), Some(number)) => tx.revision(&found.id, number).await?,
            (Some(_), None) => None,
        };
        drop(tx);
        let live = |name: &str| self.inner.live.by_name(&found.id, name);
        let mut made = preview(&view.content, since.as_ref().map(|r| r.content.as_ref()), live);
        if conflict.is_some() {
            made.directors.clear();
        }
        Ok(Preview { etag: view.etag, base: view.base, running: view.running, conflict, ..made })
    }

    /// What activating the caller's draft would do after that edit; refused where [`Console::change`] would be. Nothing
    /// is written, not even a draft. Needs Editor.
    pub async fn preview_of_change(
        &self,
        actor: &Actor,
        cluster: &str,
        edit: Edit,
        if_match: Option<&str>,
    ) -> Result<Preview, ChangeError> {
        actor.require(Role::Editor)?;
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let view = draft::view(&mut tx, &found, &actor.owner()).await?;
        if if_match.is_some_and(|tag| tag != view.etag) {
            return Err(draft::stale(&mut tx, &found, view, &actor.owner()).await);
        }
        let Edited { content, pointers, .. } = edit::apply(&view.content, edit, &mut crate::secret::id)?;
        let wrong = draft::errors_of_edit(&view.content, &content.findings(), &pointers);
        if !wrong.is_empty() {
            return Err(ChangeError::Invalid(wrong));
        }
        let running = tx.newest_revision(&found.id).await?;
        drop(tx);
        let live = |name: &str| self.inner.live.by_name(&found.id, name);
        let made = preview(&content, running.as_ref().map(|r| r.content.as_ref()), live);
        Ok(Preview { etag: view.etag, base: view.base, running: view.running, conflict: None, ..made })
    }

    /// What activating that content would do (`?dry_run=true`). Nothing is written, not even a draft.
    pub async fn preview_of(&self, actor: &Actor, cluster: &str, content: Cluster) -> Result<Preview, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let view = draft::view(&mut tx, &found, &actor.owner()).await?;
        let running = tx.newest_revision(&found.id).await?;
        drop(tx);
        let before = running.as_ref().map(|r| r.content.as_ref());
        // As the change would: objects keep their identity, so that the comparison finds them.
        let content = content.unmasked(&view.content);
        let content =
            edit::with_ids(content, before.unwrap_or(&Cluster::default()), &mut |p| crate::secret::id(p))
                .map_err(|error| crate::Failure::of("identities", error))?;
        let live = |name: &str| self.inner.live.by_name(&found.id, name);
        let made = preview(&content, before, live);
        Ok(Preview { etag: view.etag, base: view.running, running: view.running, conflict: None, ..made })
    }
}
