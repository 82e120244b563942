//! Passkeys of an account (WebAuthn): made and removed by their person with the password, and removed by administrators.
//!
//! A passkey signs what the browser was asked, for one host name of the console, after its owner has shown it a finger, a
//! face or a PIN. It counts as a second factor after the password, and as both factors by itself (`login`). What an
//! authenticator answers is judged by `webauthn_rp`; nothing of that is written here. Called by the account's pages and
//! by the API.

mod ceremonies;
mod login;
mod place;
mod types;

use std::net::IpAddr;

use store::{Account, Passkey, Tx};
use webauthn_rp::bin::{Decode, Encode};
use webauthn_rp::request::register::{
    CredProtect, Nickname, PublicKeyCredentialUserEntity, RegistrationVerificationOptions,
    USER_HANDLE_MAX_LEN, UserHandle, Username,
};
use webauthn_rp::request::{AsciiDomain, PublicKeyCredentialDescriptor, RpId};
use webauthn_rp::response::{AuthTransports, CredentialId};
use webauthn_rp::{PublicKeyCredentialCreationOptions, Registration};

use super::own::person;
use super::second_factor::{fresh_codes, has_app};
use super::{people, timestamp};
use crate::{Actor, ActorKind, Console, Error, Failure, Missing, Role, Thing, secret};

pub(super) use ceremonies::Ceremonies;
use ceremonies::Question;
pub use place::{NoPasskeyPlace, PasskeyPlace};
pub use types::*;

/// Passkeys that an account may have.
const MOST: usize = 20;
/// Characters of a passkey's name.
const NAME: usize = 60;

/// A failure of the library that should not be.
fn unfit(what: &str, error: impl std::fmt::Debug) -> Failure {
    Failure::Internal(format!("passkey: {what}: {error:?}"))
}

/// The host name as WebAuthn has it.
fn relying_party(place: &PasskeyPlace) -> Result<RpId, Failure> {
    let domain = AsciiDomain::try_from(place.host.clone()).map_err(|e| unfit("host name", e))?;
    Ok(RpId::Domain(domain))
}

/// What stands for an account at authenticators, from the database.
fn handle_of(bytes: &[u8]) -> Result<[u8; USER_HANDLE_MAX_LEN], Failure> {
    bytes.try_into().map_err(|e| unfit("handle", e))
}

fn user_handle(bytes: [u8; USER_HANDLE_MAX_LEN]) -> UserHandle<USER_HANDLE_MAX_LEN> {
    match UserHandle::decode(bytes) {
        Ok(handle) => handle,
    }
}

fn info(passkey: &Passkey) -> PasskeyInfo {
    PasskeyInfo {
        id: passkey.id.clone(),
        name: passkey.name.clone(),
        host: passkey.host.clone(),
        made: timestamp(passkey.made),
        used: passkey.used.map(timestamp),
        suspect: passkey.suspect.map(timestamp),
    }
}

/// The name that a person gave, where it is one.
fn check_label(name: &str) -> Result<&str, PasskeyError> {
    let name = name.trim();
    let fits = (1..=NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(name) } else { Err(PasskeyError::Name) }
}

/// Refused where another passkey is called so or there are too many.
fn has_room(there: &[Passkey], name: &str) -> Result<(), PasskeyError> {
    if there.len() >= MOST {
        return Err(PasskeyError::Full { most: MOST });
    }
    if there.iter().any(|passkey| passkey.name == name) {
        return Err(PasskeyError::NameTaken);
    }
    Ok(())
}

/// Who is asked for a new passkey: a session.
fn asked_session(cookie: &str) -> String {
    format!("new {}", secret::hash(cookie))
}

impl Console {
    /// Under which name the console is opened by a request to `authority`, where passkeys can be used there.
    pub fn passkey_place(&self, authority: Option<&str>) -> Result<PasskeyPlace, NoPasskeyPlace> {
        place::place_of(&self.inner.names, authority)
    }

    /// The same for a request that a page sent; `origin` is what the browser says of that page.
    pub fn passkey_place_of_page(
        &self,
        authority: Option<&str>,
        origin: Option<&str>,
    ) -> Result<PasskeyPlace, NoPasskeyPlace> {
        place::place_from(&self.inner.names, authority, origin)
    }

    /// The caller's passkeys, the oldest first.
    pub async fn own_passkeys(&self, actor: &Actor) -> Result<Vec<PasskeyInfo>, Error> {
        let there = self.inner.store.read().await?.passkeys_of(person(actor)?).await?;
        Ok(there.iter().map(info).collect())
    }

    /// Begins to make a passkey for the caller, where they know their password: what to ask the browser for
    /// (`PublicKeyCredentialCreationOptionsJSON` of WebAuthn).
    pub async fn begin_passkey(
        &self,
        actor: &Actor,
        cookie: &str,
        (password, name): (&str, &str),
        place: &PasskeyPlace,
        from: IpAddr,
    ) -> Result<String, PasskeyError> {
        let account = self.with_password(person(actor)?, password, from).await?;
        let name = check_label(name)?;
        let there = self.inner.store.read().await?.passkeys_of(&account.name).await?;
        has_room(&there, name)?;
        let handle = match there.first() {
            Some(passkey) => handle_of(&passkey.handle)?,
            None => secret::random()?,
        };
        let (host, user) = (relying_party(place)?, user_handle(handle));
        let known = there.iter().filter(|passkey| passkey.host == place.host).map(|passkey| {
            let id = CredentialId::decode(passkey.credential.clone()).map_err(|e| unfit("credential", e))?;
            let transports = AuthTransports::decode(0).map_err(|e| unfit("transports", e))?;
            Ok(PublicKeyCredentialDescriptor { id, transports })
        });
        let entity = PublicKeyCredentialUserEntity {
            name: Username::try_from(account.name.as_str()).map_err(|e| unfit("account", e))?,
            id: &user,
            display_name: Some(Nickname::try_from(account.name.as_str()).map_err(|e| unfit("account", e))?),
        };
        let known = known.collect::<Result<Vec<_>, Failure>>()?;
        let mut options = PublicKeyCredentialCreationOptions::passkey(&host, entity, known);
        // Every use asks for its owner's presence and proof anyway; not all authenticators know this extension.
        options.extensions.cred_protect = CredProtect::None;
        let (state, asked) = options.start_ceremony().map_err(|e| unfit("options", e))?;
        let asked = serde_json::to_string(&asked).map_err(|e| unfit("options", e))?;
        let question = Question::New { state, account: account.name.clone(), handle, name: name.to_owned() };
        self.inner.accounts.ceremonies.ask(asked_session(cookie), question, place, from, self.now());
        Ok(asked)
    }

    /// Makes the passkey that a browser answered with (`RegistrationResponseJSON`), and ends the caller's other sessions.
    /// Gives recovery codes where it is the account's first second factor; they are not shown again.
    pub async fn finish_passkey(
        &self,
        actor: &Actor,
        cookie: &str,
        answer: &str,
        place: &PasskeyPlace,
        from: IpAddr,
    ) -> Result<Vec<String>, PasskeyError> {
        let (own, now) = (person(actor)?, self.now());
        let asked = self.inner.accounts.ceremonies.take(&asked_session(cookie), place, now);
        let Some(Question::New { state, account, handle, name }) = asked else {
            return Err(PasskeyError::Over);
        };
        if !account.eq_ignore_ascii_case(own) {
            return Err(PasskeyError::Over);
        }
        let registration = Registration::from_json_relaxed(answer.as_bytes()).map_err(|error| {
            tracing::warn!(account = %account, %from, %error, "a new passkey cannot be read");
            PasskeyError::Refused
        })?;
        let origins = [place.origin.as_str()];
        let options = RegistrationVerificationOptions::<&str, &str> {
            allowed_origins: &origins,
            // What an authenticator adds unasked is of no use, and no harm.
            error_on_unsolicited_extensions: false,
            ..RegistrationVerificationOptions::default()
        };
        let made = state.verify(&relying_party(place)?, &registration, &options).map_err(|error| {
            tracing::warn!(account = %account, %from, %error, "a new passkey is not as it must be");
            PasskeyError::Refused
        })?;
        let passkey = Passkey {
            id: secret::id("pk_")?,
            account: account.clone(),
            name,
            host: place.host.clone(),
            credential: made.id().as_ref().to_vec(),
            handle: handle.to_vec(),
            fixed: made.static_state().encode().map_err(|e| unfit("key", e))?,
            state: made.dynamic_state().encode().map_err(|e| unfit("state", e))?.to_vec(),
            made: now,
            used: None,
            suspect: None,
        };
        let mut tx = self.inner.store.write().await?;
        let there = tx.passkeys_of(&account).await?;
        has_room(&there, &passkey.name)?;
        if tx.passkey_of_credential(&passkey.credential).await?.is_some() {
            return Err(PasskeyError::Refused);
        }
        let first = there.is_empty() && !has_app(&mut tx, &account).await?;
        tx.insert_passkey(&passkey).await?;
        let codes = if first { fresh_codes(&mut tx, &account).await? } else { Vec::new() };
        tx.delete_sessions_but(&account, &secret::hash(cookie)).await?;
        let detail = format!("{} for {}", passkey.name, passkey.host);
        self.audit_row(&mut tx, actor, "passkey.add", &account, &detail).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Removes one of the caller's passkeys, for their password, and ends their other sessions.
    pub async fn remove_own_passkey(
        &self,
        actor: &Actor,
        cookie: &str,
        id: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<(), PasskeyError> {
        let account = self.with_password(person(actor)?, password, from).await?;
        let mut tx = self.inner.store.write().await?;
        self.take_passkey(&mut tx, actor, &account, id, " by its person").await?;
        tx.delete_sessions_but(&account.name, &secret::hash(cookie)).await?;
        Ok(tx.commit().await?)
    }

    /// An account's passkeys, the oldest first. Needs Admin.
    pub async fn passkeys(&self, actor: &Actor, name: &str) -> Result<Vec<PasskeyInfo>, PasskeyError> {
        actor.require(Role::Admin)?;
        let mut tx = self.inner.store.read().await?;
        let account = people::existing(&mut tx, name).await?;
        Ok(tx.passkeys_of(&account.name).await?.iter().map(info).collect())
    }

    /// Removes one of somebody else's passkeys and ends their sessions. Needs Admin.
    pub async fn remove_passkey(&self, actor: &Actor, name: &str, id: &str) -> Result<(), PasskeyError> {
        actor.require(Role::Admin)?;
        // For one's own the password is needed: whoever finds an open session must not get rid of it.
        if actor.kind == ActorKind::Account && actor.name.eq_ignore_ascii_case(name) {
            return Err(PasskeyError::Own);
        }
        let mut tx = self.inner.store.write().await?;
        let account = people::existing(&mut tx, name).await?;
        self.take_passkey(&mut tx, actor, &account, id, "").await?;
        tx.delete_sessions_of(&account.name).await?;
        Ok(tx.commit().await?)
    }

    async fn take_passkey(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        account: &Account,
        id: &str,
        by: &str,
    ) -> Result<(), PasskeyError> {
        let there = tx.passkeys_of(&account.name).await?;
        let passkey = there.iter().find(|passkey| passkey.id == id);
        let passkey = passkey.ok_or_else(|| Missing::new(Thing::Passkey, id))?;
        tx.delete_passkey(&account.name, id).await?;
        let detail = format!("{} for {}{by}", passkey.name, passkey.host);
        Ok(self.audit_row(tx, actor, "passkey.remove", &account.name, &detail).await?)
    }
}
