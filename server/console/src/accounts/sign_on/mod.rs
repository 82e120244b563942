//! Single sign-on: people sign in through an OpenID Connect provider, beside accounts with a password.
//!
//! Authorization code flow with PKCE, state and nonce. What the browser brings back counts once, within ten minutes, and
//! for the browser that began it. Who came is said by a token that the provider signed; `people` finds their account.
//! What is wrong is written into the log and the audit log; the person is told no more than that it did not work.

mod client;
mod flows;
mod people;
mod provider;
mod settings;

use std::net::IpAddr;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

pub(crate) use flows::Flows;
use flows::{Again, Flow};
use people::Admission;
pub use people::OwnProvider;
pub(super) use people::is_enough;
use provider::{Fault, Provider};
pub use settings::{GroupRole, SetSignOnError, SignOn, SignOnSettings, WrongSignOn};

use super::SignIn;
use crate::audit::About;
use crate::{Actor, ActorKind, Console, Failure, NewSecret, Role, secret};

/// What the client's secret is sealed for.
const PURPOSE: &str = "single sign-on";
/// Whose it is.
const OWNER: &str = "client";
/// The path that the provider sends people back to.
const REDIRECT: &str = "/login/sso/callback";
/// Seconds that what the provider said of itself is used to send people there. For those who come back it is asked anew.
const KNOWN: i64 = 5 * 60;
/// Seconds for which a provider that did not answer is not asked again.
const SILENT: i64 = 5;
/// Characters of a reason that are written down.
const REASON: usize = 300;

/// What the last question gave, for the settings it was asked with.
type Asked = (String, i64, Result<Arc<Provider>, String>);

/// What all functions of single sign-on share.
#[derive(Default)]
pub(crate) struct SignOns {
    flows: Flows,
    asked: Mutex<Option<Asked>>,
}

impl std::fmt::Debug for SignOns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignOns").field("flows", &self.flows).finish_non_exhaustive()
    }
}

/// A sign-in that has begun.
#[derive(Clone)]
pub struct SignOnBegun {
    /// Where the browser goes: an address of the provider.
    pub location: String,
    /// The value of the cookie that the way back needs.
    pub cookie: String,
}

impl std::fmt::Debug for SignOnBegun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignOnBegun")
    }
}

/// What a browser brings back from the provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignOnAnswer<'a> {
    /// Which sign-in it belongs to.
    pub state: &'a str,
    /// What the token is fetched with.
    pub code: &'a str,
    /// What the provider says went wrong; empty where nothing did.
    pub error: &'a str,
    /// Who answers, where the provider says so (RFC 9207); empty where not.
    pub issuer: &'a str,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignOnError {
    /// There is no provider, or it is switched off.
    #[error("single sign-on is switched off")]
    Off,
    /// The provider does not answer as it should.
    #[error("the provider does not answer as it should")]
    Unreachable,
    /// It was not begun by this browser, is finished, or took longer than ten minutes.
    #[error("this sign-in was not begun here, is finished already, or took too long")]
    Over,
    /// The provider's word does not let anybody in; the log says why.
    #[error("this sign-in was refused")]
    Refused,
    /// The machinery failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<store::Error> for SignOnError {
    fn from(error: store::Error) -> Self {
        SignOnError::Failed(error.into())
    }
}

fn read(row: &store::SignOn) -> Result<SignOnSettings, Failure> {
    serde_json::from_str(&row.content).map_err(|error| Failure::of("settings of single sign-on", error))
}

/// What is set, in a form that can be compared.
fn digest(row: &store::SignOn) -> String {
    let mut digest = Sha256::new();
    digest.update(row.content.as_bytes());
    digest.update(row.secret.as_deref().unwrap_or_default());
    hex::encode(digest.finalize())
}

/// One line that can be written down.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON).collect()
}

impl Console {
    /// What is set about single sign-on. Needs Admin.
    pub async fn sign_on(&self, actor: &Actor) -> Result<SignOn, SetSignOnError> {
        actor.require(Role::Admin)?;
        let row = self.inner.store.read().await?.sign_on().await?;
        let settings = row.as_ref().map(read).transpose()?.unwrap_or_default();
        let has_secret = row.is_some_and(|row| row.secret.is_some());
        Ok(self.shown(settings, has_secret))
    }

    fn shown(&self, settings: SignOnSettings, has_secret: bool) -> SignOn {
        SignOn { redirect: self.redirect(&settings), has_secret, settings }
    }

    /// Sets it; only looks whether it could be set where `rehearse` is true. Needs Admin.
    pub async fn set_sign_on(
        &self,
        actor: &Actor,
        settings: SignOnSettings,
        secret: NewSecret,
        rehearse: bool,
    ) -> Result<SignOn, SetSignOnError> {
        actor.require(Role::Admin)?;
        let settings = settings.tidied();
        let wrong = settings.check(self.own_address(&SignOnSettings::default()).is_some());
        if !wrong.is_empty() {
            return Err(SetSignOnError::Invalid(wrong));
        }
        let mut tx = self.inner.store.write().await?;
        let before = tx.sign_on().await?;
        let old = before.as_ref().map(read).transpose()?.unwrap_or_default();
        let (secret, changed) = match secret {
            NewSecret::Keep => (before.and_then(|row| row.secret), ""),
            NewSecret::Remove => (None, ", secret removed"),
            NewSecret::Set(text) => {
                (Some(self.inner.vault.seal(PURPOSE, OWNER, text.as_bytes())?), ", secret changed")
            }
        };
        let content =
            serde_json::to_string(&settings).map_err(|error| Failure::of("single sign-on", error))?;
        let row = store::SignOn { content, secret };
        if !rehearse {
            tx.put_sign_on(&row).await?;
            let detail = line(&format!("{} -> {}{changed}", told(&old), told(&settings)));
            self.audit_row(&mut tx, actor, "settings.single-sign-on", "single_sign_on", &detail).await?;
            tx.commit().await?;
        }
        Ok(self.shown(settings, row.secret.is_some()))
    }

    /// Asks the provider what it says of itself and for its keys, and says in words what is wrong. Needs Admin.
    pub async fn try_sign_on(&self, actor: &Actor) -> Result<Result<(), String>, SetSignOnError> {
        actor.require(Role::Admin)?;
        let Some((row, settings)) = self.set_provider().await? else {
            return Ok(Err("no provider is set".to_owned()));
        };
        if settings.issuer.is_empty() || settings.client_id.is_empty() {
            return Ok(Err("no provider is set".to_owned()));
        }
        Ok(self.discover(&row, &settings).await.map(|_| ()).map_err(|fault| line(&fault.to_string())))
    }

    /// What stands on the button of the login page: none where there is no button, empty where nothing was set.
    pub async fn sign_on_button(&self) -> Result<Option<String>, Failure> {
        let set = self.set_provider().await?;
        Ok(set.filter(|(_, settings)| settings.enabled).map(|(_, settings)| settings.name))
    }

    /// Where browsers have to begin, so that the way back finds their cookie; none where nobody has said.
    pub async fn sign_on_address(&self) -> Result<Option<String>, Failure> {
        let set = self.set_provider().await?;
        Ok(set.and_then(|(_, settings)| self.own_address(&settings)))
    }

    async fn set_provider(&self) -> Result<Option<(store::SignOn, SignOnSettings)>, Failure> {
        let row = self.inner.store.read().await?.sign_on().await?;
        row.map(|row| read(&row).map(|settings| (row, settings))).transpose()
    }

    /// How browsers reach this console: as it was set, or by its first name and the port it listens on.
    fn own_address(&self, settings: &SignOnSettings) -> Option<String> {
        if settings.address.is_some() {
            return settings.address.clone();
        }
        let name = self.named()?;
        let name =
            if name.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{name}]") } else { name.to_owned() };
        Some(match self.listening().map(|address| address.port()) {
            None | Some(443) => format!("https://{name}"),
            Some(port) => format!("https://{name}:{port}"),
        })
    }

    fn redirect(&self, settings: &SignOnSettings) -> Option<String> {
        self.own_address(settings).map(|address| format!("{address}{REDIRECT}"))
    }

    async fn discover(&self, row: &store::SignOn, settings: &SignOnSettings) -> Result<Provider, Fault> {
        let nameless = || Fault::Refused("nobody has said how browsers reach this console".to_owned());
        let redirect = self.redirect(settings).ok_or_else(nameless)?;
        let sealed = row.secret.as_deref();
        let secret = sealed.map(|sealed| {
            let opened = self.inner.vault.open_sealed(PURPOSE, OWNER, sealed);
            let opened = opened.and_then(|secret| String::from_utf8(secret).ok());
            opened.ok_or_else(|| {
                Fault::Refused("the client's secret cannot be opened: enter it again".to_owned())
            })
        });
        Provider::discover(settings, secret.transpose()?, &redirect, self.inner.local_webhooks).await
    }

    /// What the provider said of itself a little while ago, or says now. One question at a time: visitors cannot make more.
    async fn known_provider(
        &self,
        row: &store::SignOn,
        settings: &SignOnSettings,
    ) -> Result<Arc<Provider>, SignOnError> {
        let (digest, mut asked) = (digest(row), self.inner.sign_ons.asked.lock().await);
        let now = self.now();
        if let Some((of, at, answer)) = asked.as_ref() {
            let good = at + if answer.is_ok() { KNOWN } else { SILENT } > now && *at <= now;
            if good && *of == digest {
                return answer.clone().map_err(|_| SignOnError::Unreachable);
            }
        }
        let answer =
            self.discover(row, settings).await.map(Arc::new).map_err(|fault| line(&fault.to_string()));
        if let Err(error) = &answer {
            tracing::warn!(issuer = %settings.issuer, %error, "the provider of single sign-on does not answer as it should");
        }
        *asked = Some((digest, self.now(), answer.clone()));
        answer.map_err(|_| SignOnError::Unreachable)
    }

    /// Begins a sign-in that leads to `next`. `again`: whoever is signed in, with their cookie, shows once more who they are.
    pub async fn begin_sign_on(
        &self,
        next: &str,
        again: Option<(&Actor, &str)>,
        from: IpAddr,
    ) -> Result<SignOnBegun, SignOnError> {
        let set = self.set_provider().await?.filter(|(_, settings)| settings.enabled);
        let (row, settings) = set.ok_or(SignOnError::Off)?;
        let provider = self.known_provider(&row, &settings).await?;
        let (state, cookie) = (secret::token()?, secret::token()?);
        let again = again.filter(|(actor, _)| actor.kind == ActorKind::Account);
        let flow = Flow {
            cookie: secret::hash(&cookie),
            nonce: secret::token()?,
            verifier: secret::token()?,
            next: next.to_owned(),
            begun: self.now(),
            from: super::backoff::network(from),
            again: again.map(|(actor, cookie)| Again {
                account: actor.name.clone(),
                session: Some(cookie).filter(|cookie| !cookie.is_empty()).map(secret::hash),
            }),
            settings: digest(&row),
        };
        let location = provider.question(&settings, &state, &flow);
        self.inner.sign_ons.flows.begin(&state, flow);
        Ok(SignOnBegun { location, cookie })
    }

    /// Ends a sign-in with what the browser brought back: signs its person in, and says where they wanted to go.
    pub async fn finish_sign_on(
        &self,
        answer: SignOnAnswer<'_>,
        cookie: &str,
        from: IpAddr,
    ) -> Result<(SignIn, String), SignOnError> {
        let set = self.set_provider().await?.filter(|(_, settings)| settings.enabled);
        let (row, settings) = set.ok_or(SignOnError::Off)?;
        let flow = self.inner.sign_ons.flows.take(answer.state, cookie, self.now());
        let Some(flow) = flow.filter(|flow| flow.settings == digest(&row)) else {
            tracing::info!(%from, "a sign-in through the provider that was not begun, is finished, or is too old");
            return Err(SignOnError::Over);
        };
        if !answer.error.is_empty() {
            let why = format!("the provider answers {:?}", line(answer.error));
            return Err(self.refuse_sign_on("", &why, from).await?);
        }
        if !answer.issuer.is_empty() && answer.issuer != settings.issuer {
            return Err(self.refuse_sign_on("", "another provider answers (iss)", from).await?);
        }
        let (next, again) = (flow.next.clone(), flow.again.clone());
        // Asked anew: keys change.
        let identified = match self.discover(&row, &settings).await {
            Ok(provider) => provider.identify(&settings, answer.code, flow, self.now()).await,
            Err(fault) => Err(fault),
        };
        let person = match identified {
            Ok(person) => person,
            Err(Fault::Unreachable(error)) => {
                tracing::warn!(issuer = %settings.issuer, error = %line(&error), "the provider of single sign-on does not answer as it should");
                return Err(SignOnError::Unreachable);
            }
            Err(Fault::Refused(why)) => return Err(self.refuse_sign_on("", &why, from).await?),
        };
        let mut tx = self.inner.store.write().await?;
        let account = match self.admit(&mut tx, &settings, &person, from).await? {
            Admission::Account(account) => account,
            Admission::Refused(name, why) => {
                // A role that was taken away stays taken away.
                tx.commit().await?;
                return Err(self.refuse_sign_on(&name, &why, from).await?);
            }
        };
        if let Some(again) = again {
            if !again.account.eq_ignore_ascii_case(&account.name) {
                drop(tx);
                let why =
                    format!("{} was to show once more who they are, and somebody else came", again.account);
                return Err(self.refuse_sign_on(&account.name, &why, from).await?);
            }
            if let Some(session) = &again.session {
                tx.delete_session(session).await?;
            }
        }
        let now = self.now();
        let sign_in = match settings.second_factor {
            true => self.enter(&mut tx, &account, from, now).await?,
            false => SignIn::Whole(self.begin_session(&mut tx, &account, from, now).await?),
        };
        tx.commit().await?;
        tracing::info!(account = %account.name, %from, issuer = %settings.issuer, "signed in through the provider");
        Ok((sign_in, next))
    }

    /// Writes down why somebody was refused.
    async fn refuse_sign_on(&self, name: &str, why: &str, from: IpAddr) -> Result<SignOnError, Failure> {
        let subject = if super::check_name(name).is_ok() { name } else { "(no user name)" };
        let why = line(&format!("single sign-on: {why}"));
        tracing::warn!(account = subject, %from, reason = %why, "sign-in refused");
        if self.inner.accounts.worth_a_row("session.refused", from, self.now()) {
            let mut tx = self.inner.store.write().await?;
            let about = About { action: "session.refused", subject, detail: &why, ..About::default() };
            self.audit_by(&mut tx, "nobody", &from.to_string(), about).await?;
            tx.commit().await?;
        }
        Ok(SignOnError::Refused)
    }
}

/// What is set, for the audit log.
fn told(settings: &SignOnSettings) -> String {
    let state = if settings.enabled { "on" } else { "off" };
    let groups: Vec<String> =
        settings.groups.iter().map(|one| format!("{}={}", one.group, one.role)).collect();
    let others = settings.default_role.map_or("nobody", Role::as_str);
    format!("{state} {} {} others={others} {}", settings.issuer, settings.client_id, groups.join(" "))
}
