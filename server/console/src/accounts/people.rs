//! Accounts as administrators see them: who there is, what each may do, and the one-time codes that set a password.
//!
//! An account begins without a usable password; a code, shown once to the administrator, lets its person choose one. The
//! last administrator who can sign in stays one.

use std::net::IpAddr;

use store::{Account, NewAccount, PasswordLink, Tx};

use super::{AccountError, AccountInfo, NewPasswordCode, PasswordCodeError, SignIn};
use super::{check_name, password, timestamp};
use crate::{Actor, ActorKind, Console, Error, Missing, NameError, Role, Thing, secret};

/// Seconds a code is good: a day, so that it can be handed over.
const LIFE: i64 = 24 * 3600;

fn info(
    account: &Account,
    sessions: usize,
    second_factor: bool,
    provider: Option<String>,
) -> Result<AccountInfo, crate::Failure> {
    Ok(AccountInfo {
        name: account.name.clone(),
        role: account.role.parse().map_err(|e| crate::Failure::of("account", e))?,
        disabled: account.disabled,
        language: account.language.clone(),
        created: timestamp(account.created),
        sessions,
        second_factor,
        provider,
    })
}

pub(super) async fn existing(tx: &mut Tx, name: &str) -> Result<Account, AccountError> {
    Ok(tx.account(name).await?.ok_or_else(|| Missing::new(Thing::Account, name))?)
}

/// Refused where nobody else could administer the console any more. Those who come through the provider do not count: it
/// may be down, or change what they may.
async fn others_administer(tx: &mut Tx, account: &Account) -> Result<(), AccountError> {
    let identities = tx.identities().await?;
    let is_own =
        |one: &Account| identities.iter().all(|other| !other.account.eq_ignore_ascii_case(&one.name));
    let admin = |one: &Account| one.role == Role::Admin.as_str() && !one.disabled && is_own(one);
    let others = tx.accounts().await?.iter().any(|other| other.name != account.name && admin(other));
    if others || !admin(account) { Ok(()) } else { Err(AccountError::LastAdmin) }
}

impl Console {
    /// All accounts, by name. Needs Admin.
    pub async fn accounts(&self, actor: &Actor) -> Result<Vec<AccountInfo>, Error> {
        actor.require(Role::Admin)?;
        let mut tx = self.inner.store.read().await?;
        let mut all = Vec::new();
        let factors = tx.second_factors().await?;
        let identities = tx.identities().await?;
        for account in tx.accounts().await? {
            let sessions = super::session::lively(&tx.sessions_of(&account.name).await?, self.now()).count();
            let factor = factors.iter().any(|name| name.eq_ignore_ascii_case(&account.name));
            let identity = identities.iter().find(|one| one.account.eq_ignore_ascii_case(&account.name));
            let provider = identity.map(|identity| identity.issuer.clone());
            all.push(info(&account, sessions, factor, provider)?);
        }
        Ok(all)
    }

    /// One account. Needs Admin.
    pub async fn account(&self, actor: &Actor, name: &str) -> Result<AccountInfo, Error> {
        let all = self.accounts(actor).await?;
        let found = all.into_iter().find(|account| account.name.eq_ignore_ascii_case(name));
        found.ok_or_else(|| Missing::new(Thing::Account, name).into())
    }

    /// Adds an account that cannot sign in until its person has set a password with the code. Needs Admin.
    pub async fn create_account(
        &self,
        actor: &Actor,
        name: &str,
        role: Role,
    ) -> Result<NewPasswordCode, AccountError> {
        actor.require(Role::Admin)?;
        check_name(name)?;
        let unusable = self.inner.accounts.hasher.hash(&secret::token()?).await?;
        let mut tx = self.inner.store.write().await?;
        let new = NewAccount { name, password: &unusable, role: role.as_str() };
        match tx.insert_account(new, self.now()).await {
            Err(error) if error.is("account_name_unique") => return Err(NameError::Taken.into()),
            other => other?,
        }
        self.audit_row(&mut tx, actor, "account.create", name, role.as_str()).await?;
        let code = self.issue(&mut tx, name).await?;
        tx.commit().await?;
        Ok(code)
    }

    /// Takes an account's password away, ends its sessions, and makes a code to set another. Needs Admin.
    pub async fn reset_password(&self, actor: &Actor, name: &str) -> Result<NewPasswordCode, AccountError> {
        actor.require(Role::Admin)?;
        let unusable = self.inner.accounts.hasher.hash(&secret::token()?).await?;
        let mut tx = self.inner.store.write().await?;
        let account = existing(&mut tx, name).await?;
        if tx.identity(&account.name).await?.is_some() {
            return Err(AccountError::NoPassword);
        }
        // Whoever resets their own password must not lose the only way in.
        others_administer(&mut tx, &account).await?;
        tx.set_password(&account.name, &unusable).await?;
        tx.delete_sessions_of(&account.name).await?;
        self.audit_row(&mut tx, actor, "account.password-reset", &account.name, "").await?;
        let code = self.issue(&mut tx, &account.name).await?;
        tx.commit().await?;
        Ok(code)
    }

    async fn issue(&self, tx: &mut Tx, account: &str) -> Result<NewPasswordCode, AccountError> {
        let code = secret::base32(&secret::random::<16>()?);
        let now = self.now();
        let hash = secret::hash(&code);
        let link = PasswordLink { hash, account: account.to_owned(), issued: now, expires: now + LIFE };
        tx.put_password_link(&link).await?;
        Ok(NewPasswordCode { code, account: link.account, expires: timestamp(link.expires) })
    }

    /// Sets a password with a one-time code, and signs its person in, or asks for a code where they have a second factor.
    pub async fn use_password_code(
        &self,
        code: &str,
        new: &str,
        from: IpAddr,
    ) -> Result<SignIn, PasswordCodeError> {
        let failed = |e: store::Error| PasswordCodeError::Failed(e.into());
        let now = self.now();
        let accounts = &self.inner.accounts;
        let wait = |seconds| PasswordCodeError::Wait { seconds };
        // A name no account can have, and one for each address: guessing codes delays nobody else.
        let guesser = format!("password code {from}");
        accounts.backoff().begin(&guesser, from, now).map_err(wait)?;
        let typed: String = code
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .take(64)
            .collect::<String>()
            .to_lowercase();
        let hash = secret::hash(&typed);
        let mut tx = self.inner.store.read().await.map_err(failed)?;
        let link = tx.password_link(&hash).await.map_err(failed)?.filter(|link| link.expires > now);
        drop(tx);
        let link = link.ok_or(PasswordCodeError::Wrong)?;
        accounts.backoff().succeeded(&guesser, from);
        password::check(&link.account, new)?;
        let password = accounts.hasher.hash(new).await?;
        let mut tx = self.inner.store.write().await.map_err(failed)?;
        // Asked again under the writer's lock: of two at once one wins.
        if tx.password_link(&hash).await.map_err(failed)?.is_none() {
            return Err(PasswordCodeError::Wrong);
        }
        let account = tx.account(&link.account).await.map_err(failed)?.filter(|account| !account.disabled);
        let account = account.ok_or(PasswordCodeError::Wrong)?;
        tx.delete_password_links(&account.name).await.map_err(failed)?;
        tx.set_password(&account.name, &password).await.map_err(failed)?;
        tx.delete_sessions_of(&account.name).await.map_err(failed)?;
        let actor = Actor {
            name: account.name.clone(),
            kind: ActorKind::Account,
            role: Role::Viewer,
            source: Some(from),
            cluster: None,
        };
        self.audit_row(&mut tx, &actor, "account.password", &account.name, "with a one-time code")
            .await
            .map_err(failed)?;
        let entered = self.enter(&mut tx, &account, from, now).await?;
        tx.commit().await.map_err(failed)?;
        Ok(entered)
    }

    /// Gives an account another role, or lets it sign in or not; what is absent stays. Needs Admin.
    pub async fn change_account(
        &self,
        actor: &Actor,
        name: &str,
        role: Option<Role>,
        disabled: Option<bool>,
    ) -> Result<(), AccountError> {
        actor.require(Role::Admin)?;
        let mut tx = self.inner.store.write().await?;
        let account = existing(&mut tx, name).await?;
        if role.is_some_and(|role| role != Role::Admin) || disabled == Some(true) {
            others_administer(&mut tx, &account).await?;
        }
        if let Some(role) = role.filter(|role| role.as_str() != account.role) {
            tx.set_role(&account.name, role.as_str()).await?;
            let detail = format!("{} to {role}", account.role);
            self.audit_row(&mut tx, actor, "account.role", &account.name, &detail).await?;
        }
        if let Some(disabled) = disabled.filter(|disabled| *disabled != account.disabled) {
            tx.set_disabled(&account.name, disabled).await?;
            let action = if disabled { "account.disable" } else { "account.enable" };
            if disabled {
                tx.delete_sessions_of(&account.name).await?;
                tx.delete_password_links(&account.name).await?;
            }
            self.audit_row(&mut tx, actor, action, &account.name, "").await?;
        }
        Ok(tx.commit().await?)
    }

    /// Whether the console could still be administered without that account. Needs Admin.
    pub async fn others_administer(&self, actor: &Actor, name: &str) -> Result<(), AccountError> {
        actor.require(Role::Admin)?;
        let mut tx = self.inner.store.read().await?;
        let account = existing(&mut tx, name).await?;
        others_administer(&mut tx, &account).await
    }

    /// Removes an account with its sessions, tokens and drafts. Needs Admin.
    pub async fn delete_account(&self, actor: &Actor, name: &str) -> Result<(), AccountError> {
        actor.require(Role::Admin)?;
        let mut tx = self.inner.store.write().await?;
        let account = existing(&mut tx, name).await?;
        others_administer(&mut tx, &account).await?;
        tx.delete_account(&account.name).await?;
        self.audit_row(&mut tx, actor, "account.delete", &account.name, &account.role).await?;
        Ok(tx.commit().await?)
    }
}
