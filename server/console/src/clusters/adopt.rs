//! What directors hold and the configuration does not say (or says otherwise), as somebody's draft: foreign rows that
//! are adopted, drift that is taken over, a whole configuration that only a director knows.
//!
//! What becomes of a row is decided in `lvs::adopt`, from what the agents last reported. Only taking a director's own
//! configuration asks the director, because a person wants it now.

use std::collections::BTreeSet;
use std::sync::Arc;

use hyper::Method;
use lvs::adopt::{Adoption, Offer, Side, adopt, offers};
use lvs::finding::has_errors;
use lvs::plan::Row;
use lvs::wire::{Digest, Snapshot, Target};
use lvs::{Cluster, Findings};

use super::{Activate, Activation, Basis, Draft, Preview, View, draft, edit, find};
use crate::audit::About;
use crate::live::{LiveDirector, Said};
use crate::{Actor, ChangeError, Console, Error, Missing, Role, Thing, secret};

/// What a director's kernel holds that is not Caribe's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The cluster's id (`cl_…`).
    pub cluster_id: String,
    /// The director's name.
    pub director: String,
    /// What this is based on; never `Unknown` where there are offers.
    pub basis: Basis,
    /// Tag of what the caller works on, for an adoption that is to be based on the same.
    pub etag: String,
    /// The rows, one by one.
    pub offers: Vec<Offer>,
}

/// A finished adoption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// The caller's draft as it is now.
    pub draft: Draft,
    /// What was taken.
    pub taken: Vec<String>,
    /// What is to be said about it, by field of the draft.
    pub findings: Findings,
    /// What became of the activation that was asked for: the draft is no more.
    pub activation: Option<Activation>,
}

/// What directors last reported, by name; only those that reported.
type Reports = Vec<(String, Arc<Snapshot>)>;

fn sides<'a>(reports: &'a Reports, director: &str) -> Option<(Side<'a>, Vec<Side<'a>>)> {
    let side = |(name, snapshot): &'a (String, Arc<Snapshot>)| Side { director: name, snapshot };
    let this = reports.iter().find(|(name, _)| name == director).map(side)?;
    Some((this, reports.iter().filter(|(name, _)| name != director).map(side).collect()))
}

fn silent(director: &str) -> Error {
    Error::Refused(format!("{director} has not reported what its kernel holds"))
}

/// Nothing is taken where a row that was chosen is not there any more.
fn chosen(
    content: &Cluster,
    reports: &Reports,
    director: &str,
    rows: &BTreeSet<Row>,
) -> Result<Adoption, ChangeError> {
    if rows.is_empty() {
        return Err(ChangeError::Refused("no row was chosen".to_owned()));
    }
    let (side, partners) = sides(reports, director).ok_or_else(|| silent(director))?;
    let adoption = adopt(content, side, &partners, rows);
    if has_errors(&adoption.findings) {
        return Err(ChangeError::Invalid(adoption.findings));
    }
    Ok(adoption)
}

impl Console {
    /// What a cluster's directors last reported, those of the caller's draft included.
    fn reports(&self, cluster: &str, content: &Cluster, director: &str) -> Reports {
        let mut names: Vec<&str> = content.directors.iter().map(|d| d.name.as_str()).collect();
        if !names.contains(&director) {
            names.push(director);
        }
        let live = names.into_iter().filter_map(|name| self.inner.live.by_name(cluster, name));
        live.filter_map(|live| Some((live.name, live.snapshot?))).collect()
    }

    fn live_director(&self, cluster: &str, content: &Cluster, key: &str) -> Result<LiveDirector, Error> {
        if let Some(live) = self.inner.live.by_key(cluster, key) {
            return Ok(live);
        }
        match content.directors.iter().any(|d| d.name == key) {
            true => Err(silent(key)),
            false => Err(Missing::new(Thing::Director, key).into()),
        }
    }

    /// What a director's kernel holds that is not Caribe's, row by row, and what each would be in the caller's draft.
    pub async fn foreign(&self, actor: &Actor, cluster: &str, director: &str) -> Result<Foreign, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let view = draft::view(&mut tx, &found, &actor.owner()).await?;
        drop(tx);
        let nothing = |director: &str| Foreign {
            cluster_id: found.id.clone(),
            director: director.to_owned(),
            basis: Basis::Unknown,
            etag: view.etag.clone(),
            offers: Vec::new(),
        };
        let live = match self.live_director(&found.id, &view.content, director) {
            Err(Error::Refused(_)) => return Ok(nothing(director)),
            other => other?,
        };
        let reports = self.reports(&found.id, &view.content, &live.name);
        let Some((side, partners)) = sides(&reports, &live.name) else { return Ok(nothing(&live.name)) };
        let basis = match (live.connected, live.snapshot_at) {
            (false, Some(at)) => Basis::LastKnown(at),
            _ => Basis::Live,
        };
        Ok(Foreign { basis, offers: offers(&view.content, side, &partners), ..nothing(&live.name) })
    }

    /// Makes the chosen rows part of the caller's draft, as the director's kernel holds them. Rows may be foreign, or
    /// Caribe's own and changed by somebody else. With `if_match`, only where [`View::etag`] is still that. Refused as
    /// a whole where a row is not there. Needs Editor.
    pub async fn adopt(
        &self,
        actor: &Actor,
        cluster: &str,
        director: &str,
        rows: &BTreeSet<Row>,
        if_match: Option<&str>,
    ) -> Result<Adopted, ChangeError> {
        self.adopt_and(actor, cluster, (director, rows), if_match, None).await
    }

    /// The same; the draft runs at once where that is asked for, or nothing is taken.
    pub async fn adopt_and(
        &self,
        actor: &Actor,
        cluster: &str,
        (director, rows): (&str, &BTreeSet<Row>),
        if_match: Option<&str>,
        then: Option<Activate<'_>>,
    ) -> Result<Adopted, ChangeError> {
        actor.require(Role::Editor)?;
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let current = draft::view(&mut tx, &found, &actor.owner()).await?;
        if if_match.is_some_and(|tag| tag != current.etag) {
            return Err(draft::stale(&mut tx, &found, current, &actor.owner()).await);
        }
        let name = self.live_director(&found.id, &current.content, director)?.name;
        let reports = self.reports(&found.id, &current.content, &name);
        let Adoption { cluster: content, taken, findings } = chosen(&current.content, &reports, &name, rows)?;
        let content = edit::with_ids(content, &current.content, &mut secret::id)?;
        let draft = self.put(&mut tx, actor, &found, &current, content, "draft.adopt").await?;
        let activation = self.commit_and(tx, actor, &found, then).await?;
        Ok(Adopted { draft, taken: taken.iter().map(ToString::to_string).collect(), findings, activation })
    }

    /// What activating the caller's draft with the chosen rows would do. Nothing is written, not even a draft.
    pub async fn adopt_preview(
        &self,
        actor: &Actor,
        cluster: &str,
        director: &str,
        rows: &BTreeSet<Row>,
    ) -> Result<Preview, ChangeError> {
        let view = self.view(actor, cluster).await?;
        let name = self.live_director(&view.cluster_id, &view.content, director)?.name;
        let reports = self.reports(&view.cluster_id, &view.content, &name);
        let adoption = chosen(&view.content, &reports, &name, rows)?;
        let preview = self.preview_of(actor, cluster, adoption.cluster).await?;
        let findings = adoption.findings.into_iter().chain(preview.findings).collect();
        Ok(Preview { findings, ..preview })
    }

    /// Makes the configuration that a director holds the caller's draft: one that this console does not know, because it
    /// was restored or lost. Activating that draft, whatever was changed in it, may then be pushed over it. Needs Editor.
    pub async fn take_theirs(
        &self,
        actor: &Actor,
        cluster: &str,
        director: &str,
    ) -> Result<Draft, ChangeError> {
        actor.require(Role::Editor)?;
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let row = crate::directors::row(&mut tx, &found.id, director).await?;
        drop(tx);
        let target: Target = match self.ask(&row, Method::GET, "/v1/target", Vec::new()).await {
            Ok(Said::Answer(target)) => target,
            Ok(Said::Refused(reason)) => return Err(ChangeError::Refused(reason)),
            Err(error) => return Err(ChangeError::Refused(error.to_string())),
        };
        if target.director_id != row.id || Digest::of(&target.cluster) != target.digest {
            let reason = format!("what {} says it holds does not fit its digest", row.name);
            return Err(ChangeError::Refused(reason));
        }
        let mut tx = self.inner.store.write().await?;
        let current = draft::view(&mut tx, &found, &actor.owner()).await?;
        // Its objects keep the identities they have there.
        let content = edit::with_ids(target.cluster.clone(), &target.cluster, &mut secret::id)?;
        let current = View { base: current.running, ..current };
        let draft = self.put(&mut tx, actor, &found, &current, content, "draft.theirs").await?;
        let about = About {
            action: crate::directors::THEIRS,
            subject: &row.name,
            cluster: Some(&found.id),
            after: Some(&target.digest.0),
            detail: &format!("revision {}", target.revision),
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        tx.commit().await?;
        Ok(draft)
    }
}
