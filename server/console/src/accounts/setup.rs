//! The first account: whoever can read the console's own output may make it, once, with a code that changes every
//! half hour. An expired code is replaced by itself, so nobody is ever locked out of a new installation.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use store::NewAccount;
use tokio::sync::watch;

use super::{NewSession, SetupError, check_name, password};
use crate::{Actor, ActorKind, Console, Failure, Role, secret};

/// Seconds a code is good.
const LIFE: i64 = 30 * 60;

/// The code that is good now, if any.
#[derive(Debug)]
pub(super) struct SetupCode {
    current: Mutex<Option<Current>>,
    sender: watch::Sender<Option<String>>,
}

struct Current {
    code: String,
    expires: i64,
}

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Current").field("expires", &self.expires).finish_non_exhaustive()
    }
}

fn fresh(now: i64) -> Result<Current, Failure> {
    Ok(Current { code: secret::base32(&secret::random::<16>()?), expires: now + LIFE })
}

impl SetupCode {
    pub(super) fn new(has_accounts: bool, now: i64) -> Result<Self, Failure> {
        let current = if has_accounts { None } else { Some(fresh(now)?) };
        let sender = watch::Sender::new(current.as_ref().map(|c| c.code.clone()));
        Ok(SetupCode { current: Mutex::new(current), sender })
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces an expired code and tells.
    pub(super) fn renew(&self, now: i64) -> Result<(), Failure> {
        let mut current = self.current();
        if current.as_ref().is_some_and(|c| c.expires <= now) {
            let next = fresh(now)?;
            self.sender.send_replace(Some(next.code.clone()));
            *current = Some(next);
        }
        Ok(())
    }

    /// An account exists: setup is over.
    pub(super) fn end(&self) {
        if self.current().take().is_some() {
            self.sender.send_replace(None);
        }
    }

    fn matches(&self, code: &str, now: i64) -> bool {
        let typed: String = code
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .take(64)
            .collect::<String>()
            .to_lowercase();
        self.current().as_ref().is_some_and(|c| c.expires > now && secret::same(&c.code, &typed))
    }
}

impl Console {
    /// The setup code that is good now; none once an account exists.
    pub fn setup_code(&self) -> Option<String> {
        self.inner.accounts.setup.current().as_ref().map(|c| c.code.clone())
    }

    /// The setup code whenever it is renewed, for the binary to print; none once an account exists.
    pub fn setup_codes(&self) -> watch::Receiver<Option<String>> {
        self.inner.accounts.setup.sender.subscribe()
    }

    /// Renews the setup code where it has expired; ends it where an account was made elsewhere (`caribe passwd`).
    pub(crate) async fn tend_setup(&self) -> Result<(), Failure> {
        if self.setup_code().is_some() && self.has_accounts().await? {
            self.inner.accounts.setup.end();
        }
        self.inner.accounts.setup.renew(self.now())
    }

    /// Makes the first account, an administrator, and signs it in. Works once, with the code that is good now.
    pub async fn setup(
        &self,
        code: &str,
        user: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<NewSession, SetupError> {
        let failed = |e: store::Error| SetupError::Failed(e.into());
        let now = self.now();
        if self.has_accounts().await? {
            self.inner.accounts.setup.end();
            return Err(SetupError::Done);
        }
        let accounts = &self.inner.accounts;
        // A name no account can have, so that guessing codes delays nobody's login.
        accounts.backoff().begin("setup code", from, now).map_err(|seconds| SetupError::Wait { seconds })?;
        if !accounts.setup.matches(code, now) {
            tracing::warn!(%from, "setup refused: wrong or expired code");
            return Err(SetupError::Wrong);
        }
        accounts.backoff().succeeded("setup code", from);
        check_name(user)?;
        password::check(user, password)?;
        let hash = accounts.hasher.hash(password).await?;
        let mut tx = self.inner.store.write().await.map_err(failed)?;
        // Asked again under the writer's lock: of two at once, or of this and `caribe passwd`, one wins.
        if tx.has_accounts().await.map_err(failed)? {
            return Err(SetupError::Done);
        }
        tx.insert_account(NewAccount { name: user, password: &hash, role: Role::Admin.as_str() }, now)
            .await
            .map_err(failed)?;
        let actor = Actor {
            name: user.to_owned(),
            kind: ActorKind::Account,
            role: Role::Admin,
            source: Some(from),
            cluster: None,
        };
        self.audit_row(&mut tx, &actor, "account.create", user, "admin, with the setup code")
            .await
            .map_err(failed)?;
        let account = tx
            .account(user)
            .await
            .map_err(failed)?
            .ok_or_else(|| Failure::Internal("the account just made is not there".to_owned()))?;
        let session = self.begin_session(&mut tx, &account, from, now).await?;
        tx.commit().await.map_err(failed)?;
        accounts.setup.end();
        tracing::info!(account = user, %from, "first account made");
        Ok(session)
    }
}
