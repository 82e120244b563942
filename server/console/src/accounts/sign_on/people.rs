//! Who the provider's people are here: found by issuer and subject, made at their first sign-in, with the role that their
//! groups give them, each time anew. A name that somebody has already is never taken over.

use std::net::IpAddr;

use store::{Account, NewAccount, Tx};

use super::provider::Person;
use super::{SignOnSettings, read};
use crate::accounts::check_name;
use crate::audit::About;
use crate::{Actor, Console, Error, Failure, Role, secret};

/// Who changes roles and makes accounts here, in the audit log.
const PROVIDER: &str = "single-sign-on";
/// Seconds that having shown the provider who one is counts like a password.
const FRESH: i64 = 10 * 60;

/// What somebody came to.
pub(super) enum Admission {
    /// Their account.
    Account(Account),
    /// Refused: the name that is written down, and why.
    Refused(String, String),
}

/// How one's own account signs in, where it has no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnProvider {
    /// The provider's name for itself.
    pub issuer: String,
    /// Whether its person showed the provider who they are within the last ten minutes, from the address that asks.
    pub fresh: bool,
}

/// Whether the provider's word is enough for that account, so that no second factor of the console is asked for.
pub(in crate::accounts) async fn is_enough(tx: &mut Tx, account: &str) -> Result<bool, store::Error> {
    if tx.identity(account).await?.is_none() {
        return Ok(false);
    }
    // Settings that cannot be read ask for more, not for less.
    Ok(tx.sign_on().await?.and_then(|row| read(&row).ok()).is_some_and(|settings| !settings.second_factor))
}

fn is_fresh(identity: &store::Identity, from: IpAddr, now: i64) -> bool {
    let here = identity.proved_from.as_deref() == Some(from.to_string().as_str());
    here && identity.proved.is_some_and(|at| at <= now && at + FRESH > now)
}

impl Console {
    /// How the caller's account signs in where it has no password; none where it has one.
    pub async fn own_provider(&self, actor: &Actor, from: IpAddr) -> Result<Option<OwnProvider>, Error> {
        let name = crate::accounts::own::person(actor)?;
        let identity = self.inner.store.read().await?.identity(name).await?;
        let now = self.now();
        Ok(identity
            .map(|identity| OwnProvider { fresh: is_fresh(&identity, from, now), issuer: identity.issuer }))
    }

    /// For an account of the provider: whether its person showed lately who they are. None for one with a password.
    pub(in crate::accounts) async fn proved_lately(
        &self,
        account: &str,
        from: IpAddr,
    ) -> Result<Option<bool>, Failure> {
        let identity = self.inner.store.read().await?.identity(account).await?;
        Ok(identity.map(|identity| is_fresh(&identity, from, self.now())))
    }

    /// Finds or makes the account of somebody, and gives it the role that their groups have.
    pub(super) async fn admit(
        &self,
        tx: &mut Tx,
        settings: &SignOnSettings,
        person: &Person,
        from: IpAddr,
    ) -> Result<Admission, Failure> {
        let identity = tx.identity_of(&settings.issuer, &person.subject).await?;
        let known = match &identity {
            Some(identity) => tx.account(&identity.account).await?,
            None => None,
        };
        let role = settings.role_of(&person.groups);
        let account = match (known, role) {
            (Some(account), Some(_)) if account.disabled => {
                return Ok(Admission::Refused(account.name, "the account is disabled".to_owned()));
            }
            (Some(account), Some(role)) => {
                self.follow(tx, &account, role, from).await?;
                Account { role: role.as_str().to_owned(), ..account }
            }
            (Some(account), None) => {
                // What it was given by groups that it is not in any more, its tokens have no more either.
                self.follow(tx, &account, Role::Viewer, from).await?;
                tx.delete_sessions_of(&account.name).await?;
                return Ok(Admission::Refused(account.name, no_group(settings)));
            }
            (None, role) => {
                let Some(name) = person.name.as_deref().filter(|name| check_name(name).is_ok()) else {
                    return Ok(Admission::Refused(String::new(), no_name(settings, person)));
                };
                let Some(role) = role else {
                    return Ok(Admission::Refused(name.to_owned(), no_group(settings)));
                };
                if tx.account(name).await?.is_some() {
                    let why = "an account of this name is here already, and it is not this person's at the provider";
                    return Ok(Admission::Refused(name.to_owned(), why.to_owned()));
                }
                self.make(tx, settings, name, &person.subject, role, from).await?
            }
        };
        let source = from.to_string();
        tx.note_proved(&account.name, person.proved.map(|at| (at, source.as_str()))).await?;
        Ok(Admission::Account(account))
    }

    async fn make(
        &self,
        tx: &mut Tx,
        settings: &SignOnSettings,
        name: &str,
        subject: &str,
        role: Role,
        from: IpAddr,
    ) -> Result<Account, Failure> {
        let unusable = self.inner.accounts.hasher.hash(&secret::token()?).await?;
        tx.insert_account(NewAccount { name, password: &unusable, role: role.as_str() }, self.now()).await?;
        tx.insert_identity(name, &settings.issuer, subject).await?;
        let detail = format!("{role}, at the first sign-in through {}", settings.issuer);
        let about = About { action: "account.create", subject: name, detail: &detail, ..About::default() };
        self.audit_by(tx, PROVIDER, &from.to_string(), about).await?;
        let account = tx.account(name).await?;
        account.ok_or_else(|| Failure::Internal("the account just made is not there".to_owned()))
    }

    async fn follow(&self, tx: &mut Tx, account: &Account, role: Role, from: IpAddr) -> Result<(), Failure> {
        if account.role == role.as_str() {
            return Ok(());
        }
        tx.set_role(&account.name, role.as_str()).await?;
        let detail = format!("{} to {role}, as the provider's groups say", account.role);
        let about =
            About { action: "account.role", subject: &account.name, detail: &detail, ..About::default() };
        self.audit_by(tx, PROVIDER, &from.to_string(), about).await?;
        Ok(())
    }
}

fn no_group(settings: &SignOnSettings) -> String {
    format!("no group in the claim {:?} has a role", settings.groups_claim)
}

fn no_name(settings: &SignOnSettings, person: &Person) -> String {
    let claim = settings.name_claim.as_deref().unwrap_or("preferred_username (or email)");
    match person.name {
        Some(_) => {
            format!("the claim {claim} is no name of an account: 1 to 64 characters of A-Z a-z 0-9 . _ @ -")
        }
        None => format!("the provider gives no claim {claim}, which names the account"),
    }
}
