//! Who may come in: the first account, signing in, sessions, API tokens.
//!
//! No account exists until somebody proves to see the console's own output (the setup code) or its data folder
//! (`caribe passwd`). Secrets are compared in constant time, kept as hashes, and never logged.

mod backoff;
mod factors;
mod half;
mod own;
mod passkeys;
mod password;
mod people;
mod second_factor;
mod session;
mod setup;
pub(crate) mod sign_on;
mod tokens;
pub(crate) mod totp;
mod types;

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use store::{NewAccount, NewAudit};

pub use factors::*;
pub use passkeys::{NoPasskeyPlace, PasskeyError, PasskeyInfo, PasskeyPlace, PasskeyQuestion};
pub use sign_on::{
    GroupRole, OwnProvider, SetSignOnError, SignOn, SignOnAnswer, SignOnBegun, SignOnError, SignOnSettings,
    WrongSignOn,
};
pub use types::*;

use crate::clock::timestamp;
use crate::{Actor, Console, Error, Failure, Missing, Role, Thing};
use backoff::Backoff;
use passkeys::Ceremonies;
use password::{Compared, Hasher};
use setup::SetupCode;

/// What all account functions share.
#[derive(Debug)]
pub(crate) struct Accounts {
    hasher: Hasher,
    backoff: Mutex<Backoff>,
    /// The same measure for refusals that are recorded, apart from it: a director must not delay a person.
    rows: Mutex<Backoff>,
    ceremonies: Ceremonies,
    setup: SetupCode,
}

impl Accounts {
    pub(crate) async fn open(has_accounts: bool, now: i64) -> Result<Self, Failure> {
        Ok(Accounts {
            hasher: Hasher::new().await?,
            backoff: Mutex::new(Backoff::of_guesses()),
            rows: Mutex::new(Backoff::of_records()),
            ceremonies: Ceremonies::default(),
            setup: SetupCode::new(has_accounts, now)?,
        })
    }

    /// Whether a refusal is recorded: not more often per address than somebody could guess passwords.
    pub(crate) fn worth_a_row(&self, action: &str, from: IpAddr, now: i64) -> bool {
        self.rows().begin(&format!("{action} {from}"), from, now).is_ok()
    }

    fn rows(&self) -> std::sync::MutexGuard<'_, Backoff> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn backoff(&self) -> std::sync::MutexGuard<'_, Backoff> {
        self.backoff.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a user or token may be called that: 1 to 64 characters of `A-Z a-z 0-9 . _ @ -`.
/// Whether an account or a token may be called that.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let fits = (1..=64).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '@' | '-'));
    if fits { Ok(()) } else { Err(NameError::Characters) }
}

impl Console {
    /// Whether anybody can sign in yet.
    pub async fn has_accounts(&self) -> Result<bool, Failure> {
        Ok(self.inner.store.read().await?.has_accounts().await?)
    }

    /// Signs somebody in, or asks for a code where they have a second factor. Unknown users, disabled accounts and wrong
    /// passwords get one answer in the same time.
    pub async fn login(&self, user: &str, password: &str, from: IpAddr) -> Result<SignIn, LoginError> {
        let now = self.now();
        let accounts = &self.inner.accounts;
        accounts.backoff().begin(bounded(user), from, now).map_err(|seconds| LoginError::Wait { seconds })?;
        let failed = |e: store::Error| LoginError::Failed(e.into());
        let account = match check_name(user) {
            Ok(()) => self.with_a_password(user).await.map_err(failed)?,
            Err(_) => None,
        };
        let account = account.filter(|account| !account.disabled);
        let stored = account.as_ref().map(|account| account.password.as_str());
        let compared = accounts.hasher.compare(password, stored).await?;
        let (Some(account), true) = (account, compared != Compared::Different) else {
            self.note_refused(user, from, now).await?;
            return Err(LoginError::Wrong);
        };
        accounts.backoff().succeeded(bounded(user), from);
        let mut tx = self.inner.store.write().await.map_err(failed)?;
        if let Compared::SameRehashed(hash) = &compared {
            tx.set_password(&account.name, hash).await.map_err(failed)?;
        }
        let entered = self.enter(&mut tx, &account, from, now).await?;
        tx.commit().await.map_err(failed)?;
        tracing::info!(account = %account.name, %from, half = matches!(entered, SignIn::Half(_)), "signed in");
        Ok(entered)
    }

    /// An account that is not the provider's: theirs have no password.
    async fn with_a_password(&self, user: &str) -> Result<Option<store::Account>, store::Error> {
        let mut tx = self.inner.store.read().await?;
        let account = tx.account(user).await?;
        Ok(if tx.identity(user).await?.is_some() { None } else { account })
    }

    async fn note_refused(&self, user: &str, from: IpAddr, now: i64) -> Result<(), LoginError> {
        // What was typed may be a password in the wrong field: only names that could be one are kept.
        let subject = if check_name(user).is_ok() { user } else { "(no user name)" };
        tracing::warn!(account = subject, %from, "sign-in refused");
        let source = from.to_string();
        let row = NewAudit {
            at: now,
            actor: "nobody",
            source: &source,
            action: "session.refused",
            subject,
            ..NewAudit::default()
        };
        let failed = |e: store::Error| LoginError::Failed(e.into());
        let mut tx = self.inner.store.write().await.map_err(failed)?;
        tx.audit(&row).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    /// Creates an account with the role `create_as`, or gives an existing one a new password and ends its sessions.
    /// Needs Admin.
    pub async fn set_password(
        &self,
        actor: &Actor,
        user: &str,
        password: &str,
        create_as: Role,
    ) -> Result<PasswordSet, AccountError> {
        actor.require(Role::Admin)?;
        check_name(user)?;
        password::check(user, password)?;
        let hash = self.inner.accounts.hasher.hash(password).await?;
        let now = self.now();
        let mut tx = self.inner.store.write().await?;
        if tx.identity(user).await?.is_some() {
            return Err(AccountError::NoPassword);
        }
        let (done, action) = if tx.account(user).await?.is_some() {
            tx.set_password(user, &hash).await?;
            tx.delete_sessions_of(user).await?;
            (PasswordSet::Changed, "account.password")
        } else {
            tx.insert_account(NewAccount { name: user, password: &hash, role: create_as.as_str() }, now)
                .await?;
            (PasswordSet::Created, "account.create")
        };
        let detail = if done == PasswordSet::Created { create_as.as_str() } else { "" };
        self.audit_row(&mut tx, actor, action, user, detail).await?;
        tx.commit().await?;
        self.inner.accounts.setup.end();
        Ok(done)
    }

    /// Remembers the language a person chose (`en`, `zh-CN`). Tokens have none.
    pub async fn set_language(&self, actor: &Actor, language: &str) -> Result<(), Error> {
        let shape = (2..=16).contains(&language.len())
            && language.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !shape {
            return Err(Error::Refused(format!("{language:?} is no language")));
        }
        let mut tx = self.inner.store.write().await?;
        if actor.kind != crate::ActorKind::Account || tx.account(&actor.name).await?.is_none() {
            return Err(Missing::new(Thing::Account, &actor.name).into());
        }
        tx.set_language(&actor.name, language).await?;
        Ok(tx.commit().await?)
    }
}

/// The key under which attempts for a user name are counted; longer names than there can be share one.
fn bounded(user: &str) -> &str {
    if check_name(user).is_ok() { user } else { "" }
}
