//! Approval: how a draft is activated by somebody else than whoever made it, and the rule that only somebody else may
//! (*four eyes*). The activation itself is in `activate`.
//!
//! Persons count: what a token does, its owner has done.

use lvs::wire::Digest;
use store::Tx;

use super::activate::{one_line, ready};
use super::draft::{etag, whole};
use super::{Draft, Theirs, find};
use crate::audit::About;
use crate::{ActivateError, Actor, Console, Missing, Role, Thing};

/// The draft must be the one that was looked at.
pub(super) fn unchanged(draft: &store::Draft, theirs: Theirs<'_>) -> Result<(), ActivateError> {
    let now = etag(draft.base, &Digest::of(&draft.content));
    match now == theirs.etag {
        true => Ok(()),
        false => Err(ActivateError::Stale { etag: now, by: theirs.owner.to_owned() }),
    }
}

/// Refused where whoever acts is the person whose draft it is.
pub(super) async fn two_persons(tx: &mut Tx, actor: &Actor, owner: &str) -> Result<(), ActivateError> {
    let acts = person(tx, &actor.owner()).await?;
    let made = person(tx, owner).await?;
    if acts == made { Err(ActivateError::FourEyes) } else { Ok(()) }
}

/// The person behind an owner of drafts: of a token, whoever owns it.
async fn person(tx: &mut Tx, owner: &str) -> Result<String, store::Error> {
    let token = match owner.strip_prefix("token/") {
        Some(name) => tx.api_tokens().await?.into_iter().find(|token| token.name == name),
        None => None,
    };
    let behind = token.and_then(|token| token.owner).map(|account| format!("account/{account}"));
    // Names of accounts are the same in either case.
    Ok(behind.unwrap_or_else(|| owner.to_owned()).to_lowercase())
}

impl Console {
    /// Asks others to activate the caller's draft, with a reason in the person's words. With `if_match`, only where the
    /// draft still has that tag. Refused where nobody could activate it as it is. Needs Editor.
    pub async fn ask_to_activate(
        &self,
        actor: &Actor,
        cluster: &str,
        message: &str,
        if_match: Option<&str>,
    ) -> Result<Draft, ActivateError> {
        let asked = Some((self.now(), one_line(message)));
        self.put_asked(actor, cluster, asked, if_match).await
    }

    /// Takes that back; the draft stays. Needs Editor.
    pub async fn withdraw_request(
        &self,
        actor: &Actor,
        cluster: &str,
        if_match: Option<&str>,
    ) -> Result<Draft, ActivateError> {
        self.put_asked(actor, cluster, None, if_match).await
    }

    async fn put_asked(
        &self,
        actor: &Actor,
        cluster: &str,
        asked: Option<(i64, String)>,
        if_match: Option<&str>,
    ) -> Result<Draft, ActivateError> {
        actor.require(Role::Editor)?;
        let owner = actor.owner();
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let draft = tx.draft(&found.id, &owner).await?;
        let draft = draft.ok_or_else(|| Missing::new(Thing::Draft, &found.name))?;
        if let Some(etag) = if_match {
            unchanged(&draft, Theirs { owner: &owner, etag })?;
        }
        if asked.is_some() {
            ready(&draft, tx.newest_revision(&found.id).await?.as_ref())?;
        }
        let about = About {
            action: if asked.is_some() { "draft.ask" } else { "draft.withdraw" },
            subject: &found.name,
            cluster: Some(&found.id),
            after: Some(&Digest::of(&draft.content).0),
            detail: asked.as_ref().map_or("", |(_, message)| message),
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        let draft = store::Draft { asked, ..draft };
        tx.put_draft(&found.id, &owner, &draft).await?;
        tx.commit().await?;
        Ok(whole(&found.id, owner, draft))
    }
}
