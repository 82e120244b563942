//! Revisions side by side, and an old one taken back as a draft. Nothing here changes a revision.

use lvs::health::Standings;
use lvs::model::{Director, Seat};
use lvs::plan::{Ownership, desired, plan};
use lvs::table::{AddressRow, KernelTimeouts, Observed};
use lvs::{Cluster, ValidCluster};
use store::Tx;

use super::preview::holding;
use super::{
    Activate, Activation, ChangeLine, Draft, RevisionSummary, View, compare, draft, edit, find, summary,
};
use crate::audit::About;
use crate::{ActivateError, Actor, ChangeError, Console, Error, Missing, Role, Thing, secret};

/// Two revisions side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The one that is compared with; none where the other is compared with nothing.
    pub from: Option<RevisionSummary>,
    /// The one that is looked at.
    pub to: RevisionSummary,
    /// What is different in it, object by object.
    pub changes: Vec<ChangeLine>,
    /// What the kernel of each of its directors would be told to get from the one to the other.
    pub directors: Vec<DirectorSteps>,
}

/// The steps between two contents on one director.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectorSteps {
    /// Its name.
    pub name: String,
    /// Its configured place.
    pub seat: Seat,
    /// The steps in order, as `ipvsadm` and `ip` lines.
    pub steps: Vec<String>,
}

/// A kernel that holds all of a content and nothing else, with the list of what is ours there.
fn as_applied(content: &ValidCluster, seat: Seat) -> (Observed, Ownership) {
    let wanted = desired(content, seat, holding(seat), &Standings::default());
    let ownership = Ownership::default().claim(&wanted, &Observed::default());
    let row =
        |label: &Option<String>| AddressRow { label: label.clone(), tagged: true, ..AddressRow::default() };
    let timeouts = KernelTimeouts {
        tcp: wanted.timeouts.tcp.unwrap_or_default(),
        tcpfin: wanted.timeouts.tcpfin.unwrap_or_default(),
        udp: wanted.timeouts.udp.unwrap_or_default(),
    };
    let observed = Observed {
        addresses: wanted.addresses.iter().map(|(key, want)| (key.clone(), row(&want.label))).collect(),
        table: wanted.table,
        timeouts,
        sysctls: wanted.sysctls,
        links: std::collections::BTreeMap::new(),
        packets: (!wanted.packets.is_empty()).then(|| wanted.packets.texts()),
        sync: wanted.sync.map(|sync| sync.rows(&Observed::default())).unwrap_or_default(),
    };
    (observed, ownership)
}

/// The steps of each director of `to`. Contents of old versions may break a rule of today: these have no steps.
fn steps(from: Option<&Cluster>, to: &Cluster) -> Vec<DirectorSteps> {
    let Ok(target) = to.clone().validate() else { return Vec::new() };
    let source = from.and_then(|from| from.clone().validate().ok());
    let one = |director: &Director| {
        let before = source.as_ref().and_then(|source| {
            let seat = source.cluster().directors.iter().find(|d| d.name == director.name)?.seat;
            Some(as_applied(source, seat))
        });
        let (observed, ownership) = before.unwrap_or_default();
        let wanted = desired(&target, director.seat, holding(director.seat), &Standings::default());
        let plan = plan(&wanted, &observed, &ownership);
        DirectorSteps {
            name: director.name.clone(),
            seat: director.seat,
            steps: plan.steps.iter().map(ToString::to_string).collect(),
        }
    };
    to.directors.iter().map(one).collect()
}

async fn revision(tx: &mut Tx, cluster: &str, number: u64) -> Result<store::Revision, Error> {
    let found = tx.revision(cluster, number).await?;
    found.ok_or_else(|| Missing::new(Thing::Revision, number.to_string()).into())
}

impl Console {
    /// What is different in revision `to`: against `from`, else against the one it was made from.
    pub async fn compare_revisions(
        &self,
        cluster: &str,
        from: Option<u64>,
        to: u64,
    ) -> Result<Comparison, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let to = revision(&mut tx, &found.id, to).await?;
        let from = match from.or(to.head.parent) {
            Some(number) => Some(revision(&mut tx, &found.id, number).await?),
            None => None,
        };
        drop(tx);
        let nothing = Cluster::default();
        let before = from.as_ref().map(|from| from.content.as_ref());
        Ok(Comparison {
            changes: compare::compare(before.unwrap_or(&nothing), &to.content),
            directors: steps(before, &to.content),
            from: from.map(|from| summary(from.head)),
            to: summary(to.head),
        })
    }

    /// Makes an old revision's content the caller's draft on what runs now, in place of the draft they had. With
    /// `if_match`, only where [`View::etag`] is still that. Needs Editor.
    pub async fn restore(
        &self,
        actor: &Actor,
        cluster: &str,
        number: u64,
        if_match: Option<&str>,
    ) -> Result<Draft, ChangeError> {
        Ok(self.restore_and(actor, cluster, number, if_match, None).await?.0)
    }

    /// The same; it runs at once where that is asked for, or the draft stays as it was.
    pub async fn restore_and(
        &self,
        actor: &Actor,
        cluster: &str,
        number: u64,
        if_match: Option<&str>,
        then: Option<Activate<'_>>,
    ) -> Result<(Draft, Option<Activation>), ChangeError> {
        actor.require(Role::Editor)?;
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let current = draft::view(&mut tx, &found, &actor.owner()).await?;
        if if_match.is_some_and(|tag| tag != current.etag) {
            return Err(draft::stale(&mut tx, &found, current, &actor.owner()).await);
        }
        let old = revision(&mut tx, &found.id, number).await?;
        // Its objects keep the identities they have there, so that a comparison finds them.
        let content = edit::with_ids(old.content.as_ref().clone(), &old.content, &mut secret::id)?;
        // A draft that the caller has is not given up for what runs already.
        let running = tx.newest_revision(&found.id).await?;
        if then.is_some() && running.is_some_and(|running| *running.content == content) {
            return Err(ActivateError::Nothing.into());
        }
        let current = View { base: current.running, ..current };
        let draft = self.put(&mut tx, actor, &found, &current, content, "draft.restore").await?;
        let about = About {
            action: "revision.restore",
            subject: &found.name,
            cluster: Some(&found.id),
            after: Some(&old.head.digest),
            detail: &format!("revision {number} as a draft"),
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        let activation = self.commit_and(tx, actor, &found, then).await?;
        Ok((draft, activation))
    }
}
