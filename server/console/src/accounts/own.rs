//! What people do with their own account: another password, and the sessions they have begun elsewhere.

use std::net::IpAddr;

use store::Account;

use super::password::{self, Compared};
use super::{AccountError, OwnSession, session, timestamp};
use crate::{Actor, ActorKind, Console, Error, Missing, Thing, secret};

/// Characters of a session's hash that name it; the hash itself is of no use to anybody.
const SHOWN: usize = 16;

fn short(hash: &str) -> String {
    hash.chars().take(SHOWN).collect()
}

/// The account of a caller; what is not a person has none.
pub(super) fn person(actor: &Actor) -> Result<&str, Missing> {
    match actor.kind {
        ActorKind::Account => Ok(&actor.name),
        ActorKind::Token | ActorKind::Local => Err(Missing::new(Thing::Account, &actor.name)),
    }
}

impl Console {
    /// Gives the caller another password, where they know the one they have, and ends their other sessions.
    pub async fn change_own_password(
        &self,
        actor: &Actor,
        cookie: &str,
        current: &str,
        new: &str,
        from: IpAddr,
    ) -> Result<(), AccountError> {
        let name = person(actor)?;
        if self.proved_lately(name, from).await?.is_some() {
            return Err(AccountError::NoPassword);
        }
        self.with_password(name, current, from).await?;
        password::check(name, new)?;
        let hash = self.inner.accounts.hasher.hash(new).await?;
        let mut tx = self.inner.store.write().await?;
        tx.set_password(name, &hash).await?;
        tx.delete_password_links(name).await?;
        tx.delete_sessions_but(name, &secret::hash(cookie)).await?;
        self.audit_row(&mut tx, actor, "account.password", name, "by its person").await?;
        Ok(tx.commit().await?)
    }

    /// The account of somebody who is signed in and knows their password; or who showed the provider lately who they are,
    /// where they have none.
    pub(super) async fn with_password(
        &self,
        name: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<Account, AccountError> {
        let accounts = &self.inner.accounts;
        let wait = |seconds| AccountError::Wait { seconds };
        accounts.backoff().begin(name, from, self.now()).map_err(wait)?;
        let account = self.inner.store.read().await?.account(name).await?;
        let account = account.ok_or_else(|| Missing::new(Thing::Account, name))?;
        if let Some(lately) = self.proved_lately(name, from).await? {
            accounts.backoff().succeeded(name, from);
            return if lately { Ok(account) } else { Err(AccountError::SignInAgain) };
        }
        if accounts.hasher.compare(password, Some(&account.password)).await? == Compared::Different {
            return Err(AccountError::WrongPassword);
        }
        accounts.backoff().succeeded(name, from);
        Ok(account)
    }

    /// The caller's sessions, the one used last first.
    pub async fn own_sessions(&self, actor: &Actor, cookie: &str) -> Result<Vec<OwnSession>, Error> {
        let name = person(actor)?;
        let own = secret::hash(cookie);
        let sessions = self.inner.store.read().await?.sessions_of(name).await?;
        let shown = session::lively(&sessions, self.now()).map(|session| OwnSession {
            id: short(&session.hash),
            source: session.source.clone(),
            began: timestamp(session.created),
            seen: timestamp(session.seen),
            this: session.hash == own,
        });
        Ok(shown.collect())
    }

    /// Ends one of the caller's sessions, by [`OwnSession::id`].
    pub async fn end_own_session(&self, actor: &Actor, id: &str) -> Result<(), Error> {
        let name = person(actor)?;
        let mut tx = self.inner.store.write().await?;
        let found = tx.sessions_of(name).await?.into_iter().find(|session| short(&session.hash) == id);
        let found = found.ok_or_else(|| Missing::new(Thing::Session, id))?;
        tx.delete_session(&found.hash).await?;
        self.audit_row(&mut tx, actor, "session.end", name, &found.source).await?;
        Ok(tx.commit().await?)
    }

    /// Ends all of the caller's sessions but this one; says how many.
    pub async fn end_other_sessions(&self, actor: &Actor, cookie: &str) -> Result<u64, Error> {
        let name = person(actor)?;
        let mut tx = self.inner.store.write().await?;
        let ended = tx.delete_sessions_but(name, &secret::hash(cookie)).await?;
        if ended > 0 {
            self.audit_row(&mut tx, actor, "session.end", name, &format!("{ended} others")).await?;
            tx.commit().await?;
        }
        Ok(ended)
    }
}
