//! The second factor of an account: codes of an authenticator app, and recovery codes for when it is lost. Passkeys, which
//! count as one as well, are in `passkeys`.
//!
//! A person sets it up with their password and a first code, and takes it away with a password and a code; an
//! administrator takes it from others. Eight wrong codes in a row, and the app's are not taken any more until a recovery
//! code was. Called by the account's pages and by `half`, which asks for a code at the login.

use std::net::IpAddr;

use store::{Account, SecondFactor, Tx};

use super::own::person;
use super::sign_on::is_enough;
use super::{
    NewSecondFactor, SecondFactorError, SecondFactorState, people, timestamp,
    totp::{self, DIGITS},
};
use crate::audit::About;
use crate::{Actor, ActorKind, Console, Error, Failure, Missing, Role, Thing, secret};

/// What the sealed secret is.
const PURPOSE: &str = "second factor";
/// Seconds from the password to the first code.
const BEGUN: i64 = 10 * 60;
/// Wrong codes in a row after which the app's are not taken any more.
const WRONG: i64 = 8;
/// Recovery codes made at once.
const CODES: usize = 10;
/// From which role on a second factor is demanded, in the console's settings.
const SETTING: &str = "second_factor_required";

/// What was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// A code of the app.
    App,
    /// A recovery code; so many are left.
    Recovery(usize),
}

/// For what a code is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// The app that was begun and has shown no code yet; a recovery code says nothing of it.
    Begun,
    /// The app that counts, or a recovery code.
    App,
    /// The same, or a recovery code alone where there are passkeys and no app.
    Any,
}

/// What was typed, without what people put between the letters.
fn bare(typed: &str) -> String {
    let bare = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').take(64);
    bare.collect::<String>().to_lowercase()
}

fn is_confirmed(factor: &SecondFactor) -> bool {
    factor.confirmed.is_some()
}

/// Whether it can still be confirmed.
fn is_begun(factor: &SecondFactor, now: i64) -> bool {
    !is_confirmed(factor) && factor.made + BEGUN > now && factor.failures < WRONG
}

/// Whether codes of an app are asked for.
pub(super) async fn has_app(tx: &mut Tx, account: &str) -> Result<bool, store::Error> {
    Ok(tx.second_factor(account).await?.is_some_and(|factor| is_confirmed(&factor)))
}

/// Whether an account has a second factor of either kind.
async fn has_any(tx: &mut Tx, account: &str) -> Result<bool, store::Error> {
    Ok(has_app(tx, account).await? || !tx.passkeys_of(account).await?.is_empty())
}

/// From which role on a second factor is demanded.
async fn required(tx: &mut Tx) -> Result<Option<Role>, store::Error> {
    // A word that is none of ours demands it of everybody: this must not fail open.
    Ok(tx
        .setting(SETTING)
        .await?
        .filter(|word| !word.is_empty())
        .map(|word| word.parse().unwrap_or(Role::Viewer)))
}

/// Whether an account has to set up a second factor before it may do anything else.
pub(super) async fn must_enrol(tx: &mut Tx, account: &Account) -> Result<bool, store::Error> {
    let Some(least) = required(tx).await? else { return Ok(false) };
    if is_enough(tx, &account.name).await? {
        return Ok(false);
    }
    let concerned = account.role.parse::<Role>().is_ok_and(|role| role >= least);
    Ok(concerned && !has_any(tx, &account.name).await?)
}

/// Makes recovery codes in place of those there were. 80 random bits each: a fast hash is enough.
pub(super) async fn fresh_codes(tx: &mut Tx, account: &str) -> Result<Vec<String>, Failure> {
    let mut codes = Vec::new();
    for _ in 0..CODES {
        codes.push(secret::base32(&secret::random::<10>()?));
    }
    let hashes: Vec<String> = codes.iter().map(|code| secret::hash(code)).collect();
    tx.put_recovery_codes(account, &hashes).await?;
    Ok(codes.iter().map(|code| totp::groups(code).replace(' ', "-")).collect())
}

impl Console {
    /// What the caller's second factor is.
    pub async fn second_factor(&self, actor: &Actor) -> Result<SecondFactorState, Error> {
        let name = person(actor)?;
        let mut tx = self.inner.store.read().await?;
        let factor = tx.second_factor(name).await?.filter(is_confirmed);
        Ok(SecondFactorState {
            since: factor.and_then(|factor| factor.confirmed).map(timestamp),
            passkeys: tx.passkeys_of(name).await?.len(),
            recovery_codes: tx.recovery_codes(name).await?,
            required: required(&mut tx).await?.is_some_and(|least| actor.may(least))
                && !is_enough(&mut tx, name).await?,
        })
    }

    /// Begins to set up a second factor for the caller, where they know their password. It counts from the first code on.
    pub async fn begin_second_factor(
        &self,
        actor: &Actor,
        password: &str,
        from: IpAddr,
    ) -> Result<NewSecondFactor, SecondFactorError> {
        let account = self.with_password(person(actor)?, password, from).await?;
        let key = secret::random::<{ totp::SECRET }>()?;
        let sealed = self.inner.vault.seal(PURPOSE, &account.name, &key)?;
        let mut tx = self.inner.store.write().await?;
        if has_app(&mut tx, &account.name).await? {
            return Err(SecondFactorError::On);
        }
        tx.put_second_factor(&account.name, &sealed, self.now()).await?;
        tx.commit().await?;
        Ok(self.to_be_read(&account.name, &key))
    }

    /// What was begun, once more: for whoever mistyped the first code.
    pub async fn begun_second_factor(&self, actor: &Actor) -> Result<NewSecondFactor, SecondFactorError> {
        let factor = self.inner.store.read().await?.second_factor(person(actor)?).await?;
        let factor = factor.filter(|factor| is_begun(factor, self.now()));
        let opened = factor.and_then(|factor| Some((self.opened(&factor)?, factor.account)));
        let (key, account) = opened.ok_or(SecondFactorError::Over)?;
        Ok(self.to_be_read(&account, &key))
    }

    fn to_be_read(&self, account: &str, key: &[u8]) -> NewSecondFactor {
        NewSecondFactor {
            secret: totp::groups(&totp::shown(key)),
            address: totp::address(key, account, self.named()),
        }
    }

    /// Confirms it with a first code, and ends the caller's other sessions. Gives recovery codes, which are not shown again,
    /// where it is the first second factor; beside passkeys those that are there stay good.
    pub async fn confirm_second_factor(
        &self,
        actor: &Actor,
        cookie: &str,
        code: &str,
        from: IpAddr,
    ) -> Result<Vec<String>, SecondFactorError> {
        let name = person(actor)?;
        let now = self.now();
        let (mut tx, _) = self.code_taken(name, code, from, Which::Begun).await?;
        let first = !has_any(&mut tx, name).await?;
        tx.confirm_second_factor(name, now).await?;
        let codes = if first { fresh_codes(&mut tx, name).await? } else { Vec::new() };
        tx.delete_sessions_but(name, &secret::hash(cookie)).await?;
        self.audit_row(&mut tx, actor, "second-factor.enrol", name, "").await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Other recovery codes for the caller, for their password, and a code where they have an app: whoever has passkeys alone
    /// could with the password also take them away and make others.
    pub async fn new_recovery_codes(
        &self,
        actor: &Actor,
        password: &str,
        code: &str,
        from: IpAddr,
    ) -> Result<Vec<String>, SecondFactorError> {
        let name = person(actor)?;
        self.with_password(name, password, from).await?;
        let mut tx = self.inner.store.read().await?;
        let (app, any) = (has_app(&mut tx, name).await?, has_any(&mut tx, name).await?);
        drop(tx);
        let mut tx = match (app, any) {
            (true, _) => self.code_taken(name, code, from, Which::App).await?.0,
            (false, true) => self.inner.store.write().await?,
            (false, false) => return Err(SecondFactorError::Over),
        };
        let codes = fresh_codes(&mut tx, name).await?;
        self.audit_row(&mut tx, actor, "second-factor.codes", name, "").await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Takes the caller's app away, for their password and a code, and ends their other sessions. Passkeys stay.
    pub async fn end_second_factor(
        &self,
        actor: &Actor,
        cookie: &str,
        password: &str,
        code: &str,
        from: IpAddr,
    ) -> Result<(), SecondFactorError> {
        let name = person(actor)?;
        self.with_password(name, password, from).await?;
        let (mut tx, _) = self.code_taken(name, code, from, Which::App).await?;
        tx.delete_second_factor(name).await?;
        tx.delete_sessions_but(name, &secret::hash(cookie)).await?;
        self.audit_row(&mut tx, actor, "second-factor.remove", name, "by its person").await?;
        Ok(tx.commit().await?)
    }

    /// Takes somebody else's second factor away, passkeys included, and ends their sessions: the device is lost, and so are
    /// the codes. Needs Admin.
    pub async fn remove_second_factor(&self, actor: &Actor, name: &str) -> Result<(), SecondFactorError> {
        actor.require(Role::Admin)?;
        // For one's own a code is needed: whoever finds an open session must not get rid of it.
        if actor.kind == ActorKind::Account && actor.name.eq_ignore_ascii_case(name) {
            return Err(SecondFactorError::Own);
        }
        let mut tx = self.inner.store.write().await?;
        let account = people::existing(&mut tx, name).await?;
        let passkeys = tx.delete_passkeys_of(&account.name).await?;
        if !tx.delete_second_factor(&account.name).await? && passkeys == 0 {
            return Err(SecondFactorError::Off);
        }
        let detail = if passkeys > 0 { format!("passkeys: {passkeys}") } else { String::new() };
        tx.delete_sessions_of(&account.name).await?;
        self.audit_row(&mut tx, actor, "second-factor.remove", &account.name, &detail).await?;
        Ok(tx.commit().await?)
    }

    /// From which role on a second factor is demanded; none where it is everybody's choice.
    pub async fn second_factor_required(&self) -> Result<Option<Role>, Failure> {
        Ok(required(&mut self.inner.store.read().await?).await?)
    }

    /// Demands a second factor from a role on, or of nobody. Whoever has none sets it up after the next click. Needs Admin.
    pub async fn require_second_factor(&self, actor: &Actor, least: Option<Role>) -> Result<(), Error> {
        actor.require(Role::Admin)?;
        let mut tx = self.inner.store.write().await?;
        let before = required(&mut tx).await?.map_or("nobody", Role::as_str);
        let detail = format!("{before} -> {}", least.map_or("nobody", Role::as_str));
        tx.put_setting(SETTING, least.map_or("", Role::as_str)).await?;
        self.audit_row(&mut tx, actor, "settings.second-factor", SETTING, &detail).await?;
        Ok(tx.commit().await?)
    }

    fn opened(&self, factor: &SecondFactor) -> Option<Vec<u8>> {
        let opened = self.inner.vault.open_sealed(PURPOSE, &factor.account, &factor.sealed);
        if opened.is_none() {
            tracing::error!(
                account = %factor.account,
                "a second factor was sealed with another key than pki/secrets.key: put that file back, or remove the second factor"
            );
        }
        opened
    }

    /// What a code is held against: the app, or nothing where recovery codes stand alone.
    async fn asked_for(
        &self,
        tx: &mut Tx,
        account: &str,
        which: Which,
    ) -> Result<Option<SecondFactor>, SecondFactorError> {
        let factor = tx.second_factor(account).await?;
        let fits = |factor: &SecondFactor| match which {
            Which::Begun => is_begun(factor, self.now()),
            Which::App | Which::Any => is_confirmed(factor),
        };
        match factor.filter(fits) {
            None if which != Which::Any || tx.passkeys_of(account).await?.is_empty() => {
                Err(SecondFactorError::Over)
            }
            found => Ok(found),
        }
    }

    /// Takes a code, of the app or for recovery, where the account has the second factor that is asked for. The transaction in
    /// which it was taken goes on; where it was wrong, that is written down.
    pub(super) async fn code_taken(
        &self,
        account: &str,
        typed: &str,
        from: IpAddr,
        which: Which,
    ) -> Result<(Tx, Taken), SecondFactorError> {
        let (now, typed) = (self.now(), bare(typed));
        // A name no account can have: who knows the password and guesses codes does not begin anew with each password.
        let guesser = format!("second factor of {account}");
        let accounts = &self.inner.accounts;
        let wait = |seconds| SecondFactorError::Wait { seconds };
        // Where nothing can be guessed, nothing is counted.
        self.asked_for(&mut self.inner.store.read().await?, account, which).await?;
        accounts.backoff().begin(&guesser, from, now).map_err(wait)?;
        let mut tx = self.inner.store.write().await?;
        let factor = self.asked_for(&mut tx, account, which).await?;
        let is_app = typed.len() == DIGITS && typed.bytes().all(|byte| byte.is_ascii_digit());
        let (last, wrong) = factor.as_ref().map_or((0, 0), |factor| (factor.step, factor.failures));
        let app = factor.as_ref().filter(|_| is_app);
        let key = app.filter(|_| wrong < WRONG).and_then(|factor| self.opened(factor));
        let stopped = app.is_some() && key.is_none();
        let step = key.and_then(|key| totp::matching(&key, &typed, last, now));
        let (taken, step) = match step {
            Some(step) => (Some(Taken::App), step),
            None if !is_app
                && which != Which::Begun
                && tx.use_recovery_code(account, &secret::hash(&typed)).await? =>
            {
                (Some(Taken::Recovery(tx.recovery_codes(account).await?)), last)
            }
            None => (None, last),
        };
        let failures = if taken.is_some() { 0 } else { (wrong + 1).min(WRONG) };
        if factor.is_some() {
            tx.note_second_factor(account, step, failures).await?;
        }
        let subject = factor.as_ref().map_or(account, |factor| &factor.account);
        let about = |action, detail| About { action, subject, detail, ..About::default() };
        let source = from.to_string();
        match taken {
            Some(taken) => {
                if let Taken::Recovery(left) = taken {
                    let (who, detail) = (format!("account/{subject}"), format!("{left} left"));
                    self.audit_by(&mut tx, &who, &source, about("second-factor.recovery", &detail)).await?;
                }
                accounts.backoff().succeeded(&guesser, from);
                Ok((tx, taken))
            }
            None => {
                tracing::warn!(account = subject, %from, "a code was refused");
                let detail = if factor.is_some() && failures == WRONG {
                    "codes of the app are not taken any more"
                } else {
                    ""
                };
                self.audit_by(&mut tx, "nobody", &source, about("second-factor.refused", detail)).await?;
                tx.commit().await?;
                Err(if stopped { SecondFactorError::Stopped } else { SecondFactorError::WrongCode })
            }
        }
    }
}

/// A person whose account is gone.
pub(super) fn gone(name: &str) -> SecondFactorError {
    Missing::new(Thing::Account, name).into()
}
