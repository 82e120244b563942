//! Signing in with a passkey: alone, since whoever uses one has shown the thing and who they are, or after the password.
//!
//! Whatever is wrong with a passkey gets one answer; the log and the audit have the reason. A counter that goes back is
//! told apart, since its person has to act on it. Called by the login's pages.

use std::net::IpAddr;

use store::{Account, Passkey, Tx};
use webauthn_rp::bin::{Decode, Encode};
use webauthn_rp::request::auth::{
    AuthenticationVerificationOptions, AuthenticatorAttachmentEnforcement, SignatureCounterEnforcement,
};
use webauthn_rp::response::CredentialId;
use webauthn_rp::response::auth::error::AuthCeremonyErr;
use webauthn_rp::response::register::{CompressedPubKey, DynamicState, StaticState};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication64, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions,
};

use super::ceremonies::Question;
use super::{PasskeyError, PasskeyPlace, PasskeyQuestion, handle_of, relying_party, unfit, user_handle};
use crate::accounts::NewSession;
use crate::accounts::session::COOKIE;
use crate::audit::About;
use crate::{Console, Failure, secret};

/// A public key as it is kept.
type Key = CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>;

/// What a signature came to.
enum Judged {
    /// It is right; the state from now on.
    Right(Vec<u8>),
    /// It is right, and the counter went back.
    Copied,
    /// It is not right, and why.
    Wrong(String),
}

/// Who is asked at the login: a browser that has shown no password.
fn asked_browser(cookie: &str) -> String {
    format!("alone {}", secret::hash(cookie))
}

/// Who is asked after a right password.
fn asked_half(cookie: &str) -> String {
    format!("half {}", secret::hash(cookie))
}

fn judge(
    state: DiscoverableAuthenticationServerState,
    passkey: &Passkey,
    answer: &DiscoverableAuthentication64,
    place: &PasskeyPlace,
) -> Result<Judged, Failure> {
    // The library compares the place with what was signed; that it is the passkey's own is ours to say.
    if passkey.host != place.host {
        return Ok(Judged::Wrong(format!("it is for {}, not for {}", passkey.host, place.host)));
    }
    let handle = user_handle(handle_of(&passkey.handle)?);
    let id = CredentialId::decode(passkey.credential.as_slice()).map_err(|e| unfit("credential", e))?;
    let fixed = StaticState::<Key>::decode(&passkey.fixed).map_err(|e| unfit("key", e))?;
    let bytes: [u8; 7] = passkey.state.as_slice().try_into().map_err(|e| unfit("state", e))?;
    let changing = DynamicState::decode(bytes).map_err(|e| unfit("state", e))?;
    let mut known =
        AuthenticatedCredential::new(id, &handle, fixed, changing).map_err(|e| unfit("passkey", e))?;
    let origins = [place.origin.as_str()];
    let options = AuthenticationVerificationOptions::<&str, &str> {
        allowed_origins: &origins,
        error_on_unsolicited_extensions: false,
        // The same passkey may be in this computer and in a phone.
        auth_attachment_enforcement: AuthenticatorAttachmentEnforcement::Ignore(false),
        sig_counter_enforcement: SignatureCounterEnforcement::Fail,
        ..AuthenticationVerificationOptions::default()
    };
    Ok(match state.verify(&relying_party(place)?, answer, &mut known, &options) {
        Ok(_) => Judged::Right(known.dynamic_state().encode().map_err(|e| unfit("state", e))?.to_vec()),
        Err(AuthCeremonyErr::SignatureCounter) => Judged::Copied,
        Err(error) => Judged::Wrong(error.to_string()),
    })
}

impl Console {
    /// Whether anybody has a passkey.
    pub async fn has_passkeys(&self) -> Result<bool, Failure> {
        Ok(self.inner.store.read().await?.has_passkeys().await?)
    }

    fn ask_proof(&self, whom: String, place: &PasskeyPlace, from: IpAddr) -> Result<String, Failure> {
        let host = relying_party(place)?;
        let options = DiscoverableCredentialRequestOptions::passkey(&host);
        let (state, asked) = options.start_ceremony().map_err(|e| unfit("options", e))?;
        let asked = serde_json::to_string(&asked).map_err(|e| unfit("options", e))?;
        self.inner.accounts.ceremonies.ask(whom, Question::Proof(state), place, from, self.now());
        Ok(asked)
    }

    /// What to ask a browser for at the login.
    pub fn ask_passkey(&self, place: &PasskeyPlace, from: IpAddr) -> Result<PasskeyQuestion, PasskeyError> {
        let cookie = secret::token()?;
        let options = self.ask_proof(asked_browser(&cookie), place, from)?;
        Ok(PasskeyQuestion { cookie, options })
    }

    /// What to ask a browser for whose person has shown a password, by the cookie of that.
    pub async fn ask_second_passkey(
        &self,
        cookie: &str,
        place: &PasskeyPlace,
        from: IpAddr,
    ) -> Result<String, PasskeyError> {
        if self.awaits_code(cookie).await?.is_none() {
            return Err(PasskeyError::Over);
        }
        Ok(self.ask_proof(asked_half(cookie), place, from)?)
    }

    /// Signs somebody in with a passkey alone: what the browser answered (`AuthenticationResponseJSON`).
    pub async fn login_with_passkey(
        &self,
        cookie: &str,
        answer: &str,
        place: &PasskeyPlace,
        from: IpAddr,
    ) -> Result<NewSession, PasskeyError> {
        if cookie.len() != COOKIE {
            return Err(PasskeyError::Over);
        }
        let (mut tx, account) = self.passkey_taken(&asked_browser(cookie), answer, place, from, None).await?;
        let session = self.begin_session(&mut tx, &account, from, self.now()).await?;
        tx.commit().await?;
        tracing::info!(account = %account.name, %from, "signed in with a passkey");
        Ok(session)
    }

    /// Signs somebody in who has shown a password, with one of their passkeys.
    pub async fn finish_login_with_passkey(
        &self,
        cookie: &str,
        answer: &str,
        place: &PasskeyPlace,
        from: IpAddr,
    ) -> Result<NewSession, PasskeyError> {
        let half = self.half_login(cookie).await?.ok_or(PasskeyError::Over)?;
        let (mut tx, account) =
            self.passkey_taken(&asked_half(cookie), answer, place, from, Some(&half.account)).await?;
        // Asked again under the writer's lock: a password that was changed meanwhile ends it.
        if tx.half_login(&half.hash).await?.is_none() {
            return Err(PasskeyError::Over);
        }
        tx.delete_half_login(&half.hash).await?;
        let session = self.begin_session(&mut tx, &account, from, self.now()).await?;
        tx.commit().await?;
        tracing::info!(account = %account.name, %from, "signed in with a password and a passkey");
        Ok(session)
    }

    /// Takes the answer to a question, by any account or by `only`. The transaction in which it was taken goes on; where it
    /// was wrong, that is written down.
    async fn passkey_taken(
        &self,
        whom: &str,
        answer: &str,
        place: &PasskeyPlace,
        from: IpAddr,
        only: Option<&str>,
    ) -> Result<(Tx, Account), PasskeyError> {
        let (now, accounts) = (self.now(), &self.inner.accounts);
        let answer = DiscoverableAuthentication64::from_json_relaxed(answer.as_bytes()).map_err(|error| {
            tracing::warn!(%from, %error, "a passkey's answer cannot be read");
            PasskeyError::Refused
        })?;
        let credential = answer.raw_id();
        let credential: &[u8] = credential.as_ref();
        // A name no account can have. Signatures cannot be guessed; judging them still takes time.
        let guesser = format!("passkey {}", secret::hash(&hex::encode(credential)));
        let wait = |seconds| PasskeyError::Wait { seconds };
        accounts.backoff().begin(&guesser, from, now).map_err(wait)?;
        let Some(Question::Proof(state)) = accounts.ceremonies.take(whom, place, now) else {
            return Err(PasskeyError::Over);
        };
        let mut tx = self.inner.store.write().await?;
        let passkey = tx.passkey_of_credential(credential).await?;
        let account = match &passkey {
            Some(passkey) => tx.account(&passkey.account).await?,
            None => None,
        };
        // Whether they still may is the provider's to say, each time: a passkey alone would go past it.
        let elsewhere = match &passkey {
            Some(passkey) if only.is_none() => tx.identity(&passkey.account).await?.is_some(),
            _ => false,
        };
        let judged = match &passkey {
            None => Judged::Wrong("it is unknown, or was removed".to_owned()),
            Some(_) if elsewhere => Judged::Wrong("its person signs in through the provider".to_owned()),
            Some(passkey) if only.is_some_and(|only| !only.eq_ignore_ascii_case(&passkey.account)) => {
                Judged::Wrong(format!("it is not the passkey of {}", only.unwrap_or_default()))
            }
            Some(passkey) => judge(state, passkey, &answer, place)?,
        };
        let source = from.to_string();
        let (subject, name) = passkey
            .as_ref()
            .map_or(("(unknown passkey)", ""), |passkey| (passkey.account.as_str(), passkey.name.as_str()));
        let (why, error) = match (judged, &passkey, account) {
            (Judged::Right(state), Some(passkey), Some(account)) if !account.disabled => {
                tx.note_passkey(&passkey.id, &state, now).await?;
                let who = format!("account/{}", account.name);
                let way = if only.is_some() { "after the password" } else { "alone" };
                let detail = format!("{name} for {}, {way}", passkey.host);
                let about = About { action: "passkey.login", subject, detail: &detail, ..About::default() };
                self.audit_by(&mut tx, &who, &source, about).await?;
                accounts.backoff().succeeded(&guesser, from);
                return Ok((tx, account));
            }
            (Judged::Copied, Some(passkey), _) => {
                tx.suspect_passkey(&passkey.id, now).await?;
                let why = format!("{name}: its counter went back, as if there were a copy");
                (why, PasskeyError::Copied)
            }
            (Judged::Wrong(why), ..) => (format!("{name}: {why}"), PasskeyError::Refused),
            _ => (format!("{name}: the account is switched off"), PasskeyError::Refused),
        };
        let why = why.trim_start_matches(": ");
        tracing::warn!(account = subject, %from, why, "a passkey was refused");
        let about = About { action: "passkey.refused", subject, detail: why, ..About::default() };
        self.audit_by(&mut tx, "nobody", &source, about).await?;
        tx.commit().await?;
        Err(error)
    }
}
