//! Drafts: one per person and cluster, changed by edits that check what they write.

use std::sync::Arc;

use lvs::finding::has_errors;
use lvs::wire::Digest;
use lvs::{Cluster, Code, Finding, Findings, Severity};
use store::Tx;

use super::edit::{self, Edited, within};
use super::{Activate, Activation, Asked, Changed, Draft, Edit, View, find};
use crate::audit::About;
use crate::clock::timestamp;
use crate::{Actor, ChangeError, Console, Error, Failure, Missing, Role, Thing, secret};

/// A content's tag: what it says and what it began from.
pub(super) fn etag(base: Option<u64>, Digest(digest): &Digest) -> String {
    format!("{}-{}", base.unwrap_or(0), digest.get(..32).unwrap_or(digest))
}

/// A stored draft as callers get it, with what was found in its content.
fn draft(
    cluster_id: &str,
    owner: String,
    stored: store::Draft,
    (digest, findings): (&Digest, Findings),
) -> Draft {
    Draft {
        cluster_id: cluster_id.to_owned(),
        owner,
        base: stored.base,
        findings,
        etag: etag(stored.base, digest),
        changed: timestamp(stored.changed),
        asked: stored.asked.map(|(at, message)| Asked { at: timestamp(at), message }),
        content: stored.content,
    }
}

/// The same where neither is known yet.
pub(super) fn whole(cluster_id: &str, owner: String, stored: store::Draft) -> Draft {
    let known = (&Digest::of(&stored.content), stored.content.findings());
    draft(cluster_id, owner, stored, known)
}

/// What a caller works on; their draft, else what runs, else nothing but the name.
pub(super) async fn view(tx: &mut Tx, cluster: &store::Cluster, owner: &str) -> Result<View, store::Error> {
    let running = tx.newest_revision(&cluster.id).await?;
    let number = running.as_ref().map(|r| r.head.number);
    let (draft, base, content, digest) = match (tx.draft(&cluster.id, owner).await?, running) {
        (Some(draft), _) => {
            let digest = Digest::of(&draft.content);
            (true, draft.base, draft.content, digest)
        }
        (None, Some(running)) => (false, number, Arc::unwrap_or_clone(running.content), running.digest),
        (None, None) => {
            let content = Cluster { name: cluster.name.clone(), ..Cluster::default() };
            let digest = Digest::of(&content);
            (false, None, content, digest)
        }
    };
    let etag = etag(base, &digest);
    Ok(View { cluster_id: cluster.id.clone(), content, draft, running: number, base, etag, digest })
}

/// The error for a change that was made for another state: with the tag it has now, and who made it so.
pub(super) async fn stale(tx: &mut Tx, cluster: &store::Cluster, now: View, owner: &str) -> ChangeError {
    let by = match now.draft {
        true => Ok(Some(owner.to_owned())),
        false => tx.newest_head(&cluster.id).await.map(|head| head.map(|head| head.author)),
    };
    match by {
        Ok(by) => ChangeError::Stale { etag: now.etag, by },
        Err(error) => error.into(),
    }
}

fn fresh(prefix: &str) -> Result<String, Failure> {
    secret::id(prefix)
}

fn taken(name: &str) -> Findings {
    vec![Finding::field("/name", Code::NameTaken).with("name", name)]
}

/// The error for a name that another cluster has.
pub(super) fn name_taken(error: store::Error, name: &str) -> ChangeError {
    match error {
        e if e.is("cluster_name_unique") || e.is("cluster_name_length") => ChangeError::Invalid(taken(name)),
        e => e.into(),
    }
}

/// The errors at what was written; warnings and errors elsewhere do not hold an edit up.
pub(super) fn errors_within(findings: &[Finding], pointers: &[impl AsRef<str>]) -> Findings {
    let about = |finding: &Finding| {
        let mut written = pointers.iter().map(AsRef::as_ref);
        written.any(|pointer| finding.pointer().map_or(pointer.is_empty(), |p| within(p, pointer)))
    };
    findings.iter().filter(|f| f.severity == Severity::Error && about(f)).cloned().collect()
}

/// What refuses an edit: the errors at what it writes, and a name that it takes from an object behind it, where the
/// error would stand.
pub(super) fn errors_of_edit(
    before: &Cluster,
    findings: &[Finding],
    pointers: &[impl AsRef<str>],
) -> Findings {
    let wrong = errors_within(findings, pointers);
    if !wrong.is_empty() || findings.iter().all(|finding| finding.code != Code::NameTaken) {
        return wrong;
    }
    let had = before.findings();
    let taken = findings.iter().filter(|finding| finding.code == Code::NameTaken && !had.contains(finding));
    let place = pointers.first().map_or("", AsRef::as_ref);
    let place = Finding::field(format!("{place}/name"), Code::NameTaken).place;
    taken.map(|finding| Finding { place: place.clone(), ..finding.clone() }).take(1).collect()
}

impl Console {
    /// Makes a cluster of that content: its name is taken at once, the content is the caller's draft until it is
    /// activated. The draft may have errors; the name may not. Needs Editor.
    pub async fn create_cluster(&self, actor: &Actor, content: Cluster) -> Result<Draft, ChangeError> {
        Ok(self.create_cluster_and(actor, content, None).await?.0)
    }

    /// The same; it runs at once where that is asked for, or there is no cluster.
    pub async fn create_cluster_and(
        &self,
        actor: &Actor,
        content: Cluster,
        then: Option<Activate<'_>>,
    ) -> Result<(Draft, Option<Activation>), ChangeError> {
        actor.require(Role::Editor)?;
        let wrong = errors_within(&content.findings(), &["/name"]);
        if has_errors(&wrong) {
            return Err(ChangeError::Invalid(wrong));
        }
        let now = self.now();
        let id = fresh("cl_")?;
        let content = edit::with_ids(content, &Cluster::default(), &mut fresh)?;
        let mut tx = self.inner.store.write().await?;
        tx.insert_cluster(&id, &content.name, now).await.map_err(|e| name_taken(e, &content.name))?;
        let digest = Digest::of(&content);
        let findings = content.findings();
        let stored = store::Draft { base: None, content, changed: now, asked: None };
        tx.put_draft(&id, &actor.owner(), &stored).await?;
        let about = About {
            action: "cluster.create",
            subject: &stored.content.name,
            cluster: Some(&id),
            after: Some(&digest.0),
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        let found = find(&mut tx, &id).await?;
        let activation = self.commit_and(tx, actor, &found, then).await?;
        Ok((draft(&id, actor.owner(), stored, (&digest, findings)), activation))
    }

    /// Takes a content that was read from a file: as a new cluster, or as the caller's draft of an existing one.
    /// Errors in it stay in the draft, to be put right there. Needs Editor.
    pub async fn import(
        &self,
        actor: &Actor,
        cluster: Option<&str>,
        content: Cluster,
    ) -> Result<Draft, ChangeError> {
        let Some(key) = cluster else { return self.create_cluster(actor, content).await };
        actor.require(Role::Editor)?;
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, key).await?;
        let current = view(&mut tx, &found, &actor.owner()).await?;
        let content = edit::with_ids(content.unmasked(&current.content), &current.content, &mut fresh)?;
        let draft = self.put(&mut tx, actor, &found, &current, content, "draft.import").await?;
        tx.commit().await?;
        Ok(draft)
    }

    /// The caller's draft.
    pub async fn draft(&self, actor: &Actor, cluster: &str) -> Result<Option<Draft>, Error> {
        self.draft_of(cluster, &actor.owner()).await
    }

    /// The draft of whoever (`account/alice`).
    pub async fn draft_of(&self, cluster: &str, owner: &str) -> Result<Option<Draft>, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        Ok(tx.draft(&found.id, owner).await?.map(|stored| whole(&found.id, owner.to_owned(), stored)))
    }

    /// Everybody's drafts of a cluster, by owner.
    pub async fn drafts(&self, cluster: &str) -> Result<Vec<Draft>, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let all = tx.drafts(&found.id).await?.into_iter();
        Ok(all.map(|(owner, stored)| whole(&found.id, owner, stored)).collect())
    }

    /// Forgets the caller's draft. Needs Editor.
    pub async fn discard_draft(&self, actor: &Actor, cluster: &str) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let Some(stored) = tx.draft(&found.id, &actor.owner()).await? else {
            return Err(Missing::new(Thing::Draft, &found.name).into());
        };
        tx.delete_draft(&found.id, &actor.owner()).await?;
        let digest = Digest::of(&stored.content).0;
        let about = About {
            action: "draft.discard",
            subject: &found.name,
            cluster: Some(&found.id),
            before: Some(&digest),
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        Ok(tx.commit().await?)
    }

    /// What the caller works on: their draft where they have one, else what runs.
    pub async fn view(&self, actor: &Actor, cluster: &str) -> Result<View, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        Ok(view(&mut tx, &found, &actor.owner()).await?)
    }

    /// Changes the caller's draft; the first change begins it. With `if_match`, only where [`View::etag`] is still
    /// that. Refused where the object it writes has errors; errors elsewhere do not hold it up. Needs Editor.
    pub async fn change(
        &self,
        actor: &Actor,
        cluster: &str,
        edit: Edit,
        if_match: Option<&str>,
    ) -> Result<Changed, ChangeError> {
        self.change_and(actor, cluster, edit, if_match, None).await
    }

    /// The same; the draft runs at once where that is asked for, or nothing is changed.
    pub async fn change_and(
        &self,
        actor: &Actor,
        cluster: &str,
        edit: Edit,
        if_match: Option<&str>,
        then: Option<Activate<'_>>,
    ) -> Result<Changed, ChangeError> {
        actor.require(Role::Editor)?;
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let current = view(&mut tx, &found, &actor.owner()).await?;
        if if_match.is_some_and(|tag| tag != current.etag) {
            return Err(stale(&mut tx, &found, current, &actor.owner()).await);
        }
        let Edited { content, pointers, id } = edit::apply(&current.content, edit, &mut fresh)?;
        let findings = content.findings();
        let wrong = errors_of_edit(&current.content, &findings, &pointers);
        if !wrong.is_empty() {
            return Err(ChangeError::Invalid(wrong));
        }
        if content == current.content {
            let asked = tx.draft(&found.id, &actor.owner()).await?.and_then(|draft| draft.asked);
            let stored = store::Draft { base: current.base, content, changed: self.now(), asked };
            let draft = draft(&found.id, actor.owner(), stored, (&current.digest, findings));
            let activation = self.commit_and(tx, actor, &found, then).await?;
            return Ok(Changed { draft, id, changed: false, activation });
        }
        let checked = (content, findings);
        let draft = self.put_checked(&mut tx, actor, &found, &current, checked, "draft.change").await?;
        let activation = self.commit_and(tx, actor, &found, then).await?;
        Ok(Changed { draft, id, changed: true, activation })
    }

    /// Writes a draft with its audit row. A name that another cluster has is refused here already; a cluster that
    /// never ran is called what its draft says.
    pub(super) async fn put(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        cluster: &store::Cluster,
        current: &View,
        content: Cluster,
        action: &str,
    ) -> Result<Draft, ChangeError> {
        let findings = content.findings();
        self.put_checked(tx, actor, cluster, current, (content, findings), action).await
    }

    /// The same for a content whose findings are known already.
    async fn put_checked(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        cluster: &store::Cluster,
        current: &View,
        (content, findings): (Cluster, Findings),
        action: &str,
    ) -> Result<Draft, ChangeError> {
        if content.name != cluster.name {
            if tx.cluster(&content.name).await?.is_some_and(|other| other.id != cluster.id) {
                return Err(ChangeError::Invalid(taken(&content.name)));
            }
            if current.running.is_none() {
                let named = tx.rename_cluster(&cluster.id, &content.name).await;
                named.map_err(|e| name_taken(e, &content.name))?;
            }
        }
        let after = Digest::of(&content);
        let stored = store::Draft { base: current.base, content, changed: self.now(), asked: None };
        tx.put_draft(&cluster.id, &actor.owner(), &stored).await?;
        let about = About {
            action,
            subject: &stored.content.name,
            cluster: Some(&cluster.id),
            before: Some(&current.digest.0),
            after: Some(&after.0),
            ..About::default()
        };
        self.audit_about(tx, actor, about).await?;
        Ok(draft(&cluster.id, actor.owner(), stored, (&after, findings)))
    }
}
