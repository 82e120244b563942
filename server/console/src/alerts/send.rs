//! Brings messages out: by SMTP, or posted as JSON. What did not arrive is tried again, later and later, for a day.
//!
//! A message may arrive twice where the console ends between sending it and noting that; its id tells.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit as _, Mac as _};
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use serde_json::json;
use sha2::Sha256;
use store::NewAlertMessage;

use super::channels::PURPOSE;
use super::outside;
use super::types::{Email, MailSecurity, Way, Webhook};
use super::{AlertError, AlertMessage, AlertOutcome, ChannelSettings, read, written};
use crate::error::with_causes;
use crate::{Actor, Console, Failure, Missing, Role, Thing};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(20);
/// How often it is looked what is to be sent.
const LOOK: Duration = Duration::from_secs(2);
/// Messages that are on their way at a time.
const AT_A_TIME: u32 = 20;
/// Seconds before the next attempt after the first, second … one; then always the last of them.
const LATER_S: [i64; 6] = [10, 30, 120, 600, 1_800, 3_600];
/// Seconds after which a message is given up: nobody wants yesterday's.
const GIVE_UP_S: i64 = 86_400;
/// Characters of an error that are kept.
const ERROR: usize = 500;

/// An error with its causes, as one line.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    with_causes(error).chars().map(|c| if c.is_control() { ' ' } else { c }).take(ERROR).collect()
}

/// One message on its way.
struct Letter<'a> {
    /// The same at every attempt, and of no other message.
    id: String,
    at: i64,
    subject: &'a str,
    body: &'a str,
    /// What this machine calls itself towards mail servers.
    hello: &'a str,
}

async fn mail(email: &Email, secret: Option<&str>, letter: &Letter<'_>) -> Result<(), String> {
    let mailbox = |text: &String| text.parse::<Mailbox>().map_err(|error| format!("{text}: {error}"));
    let mut message = Message::builder()
        .from(mailbox(&email.from)?)
        .subject(letter.subject)
        .message_id(Some(format!("<{}@caribe.invalid>", letter.id)))
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ))
        .header(ContentType::TEXT_PLAIN);
    for to in &email.to {
        message = message.to(mailbox(to)?);
    }
    let message = message.body(letter.body.to_owned()).map_err(|error| told(&error))?;
    let parameters = || {
        let mut parameters = TlsParameters::builder(email.server.clone());
        if let Some(authorities) = &email.authorities {
            parameters = parameters.add_root_certificate(Certificate::from_pem(authorities.as_bytes())?);
        }
        parameters.build_rustls()
    };
    let tls = match email.security {
        MailSecurity::None => Tls::None,
        MailSecurity::Starttls => Tls::Required(parameters().map_err(|error| told(&error))?),
        MailSecurity::Tls => Tls::Wrapper(parameters().map_err(|error| told(&error))?),
    };
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&email.server)
        .port(email.port)
        .hello_name(ClientId::Domain(letter.hello.to_owned()))
        .tls(tls)
        .timeout(Some(ATTEMPT));
    if let (Some(user), Some(password)) = (&email.user, secret) {
        transport = transport.credentials(Credentials::new(user.clone(), password.to_owned()));
    }
    transport.build().send(message).await.map(|_| ()).map_err(|error| told(&error))
}

/// The signature of a posted message, as Standard Webhooks 1.0 says: of id, moment and body.
fn signature(secret: &str, id: &str, at: i64, body: &str) -> Result<String, String> {
    // The specification's own form of a key is base64 behind a prefix; any other text is taken as it is.
    let key = secret.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
    let key = key.as_deref().unwrap_or(secret.as_bytes());
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|error| told(&error))?;
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// `anywhere`: also to this machine and its link.
async fn post(
    webhook: &Webhook,
    secret: Option<&str>,
    letter: &Letter<'_>,
    anywhere: bool,
) -> Result<(), String> {
    let said = |error: reqwest::Error| told(&error.without_url());
    let mut client = reqwest::Client::builder()
        .timeout(ATTEMPT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("caribe/", env!("CARGO_PKG_VERSION")));
    if !anywhere {
        outside::check(&webhook.url)?;
        client = client.dns_resolver(outside::Outside);
    }
    if let Some(authorities) = &webhook.authorities {
        let authorities = reqwest::Certificate::from_pem_bundle(authorities.as_bytes()).map_err(said)?;
        client = client.tls_certs_merge(authorities);
    }
    let mut request = client
        .build()
        .map_err(said)?
        .post(&webhook.url)
        .header("content-type", "application/json")
        .header("webhook-id", &letter.id)
        .header("webhook-timestamp", letter.at)
        .body(letter.body.to_owned());
    if let Some(secret) = secret {
        request = request.header("webhook-signature", signature(secret, &letter.id, letter.at, letter.body)?);
    }
    let answer = request.send().await.map_err(said)?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status if status.is_redirection() => Err(format!("it answers {status}: redirects are not followed")),
        status => Err(format!("it answers {status}")),
    }
}

impl Console {
    /// Brings messages out until the console ends.
    pub(crate) async fn send_alerts(&self) {
        let mut stopped = self.inner.tasks.stopped();
        loop {
            let round = async {
                if let Err(error) = self.send_due_alerts().await {
                    tracing::error!(%error, "alerts could not be sent");
                }
                tokio::time::sleep(LOOK).await;
            };
            // What was not noted as sent is sent again by the next console.
            tokio::select! {
                () = round => {}
                _ = stopped.wait_for(|stop| *stop) => return,
            }
        }
    }

    async fn send_due_alerts(&self) -> Result<(), Failure> {
        let due = self.inner.store.read().await?.due_alert_messages(self.now(), AT_A_TIME).await?;
        for result in join_all(due.iter().map(|message| self.attempt(message))).await {
            result?;
        }
        Ok(())
    }

    /// Tries once to send a message, and notes what came of it.
    async fn attempt(&self, message: &store::AlertMessage) -> Result<(), Failure> {
        let channels = self.inner.store.read().await?.alert_channels().await?;
        // Removed in the meantime, and its messages with it.
        let Some(channel) = channels.into_iter().find(|one| one.id == message.channel) else { return Ok(()) };
        let late = self.now() >= message.at.saturating_add(GIVE_UP_S);
        let settings: ChannelSettings = read(&channel.content)?;
        let letter = Letter {
            id: format!("msg_{}_{}", self.pki().installation(), message.number),
            at: self.now(),
            subject: &message.subject,
            body: &message.body,
            hello: self.named().unwrap_or("localhost"),
        };
        let sealed = channel.secret.as_deref();
        let opened = sealed.map(|sealed| self.inner.vault.open_sealed(PURPOSE, &channel.id, sealed));
        let secret = opened.map(|secret| secret.and_then(|secret| String::from_utf8(secret).ok()));
        let sending = async {
            let secret = match &secret {
                None => None,
                Some(Some(secret)) => Some(secret.as_str()),
                Some(None) => return Err("its password or key cannot be opened: enter it again".to_owned()),
            };
            match &settings.way {
                _ if late => Err("given up: the console did not run for a day".to_owned()),
                Way::Email(email) => mail(email, secret, &letter).await,
                Way::Webhook(webhook) => post(webhook, secret, &letter, self.inner.local_webhooks).await,
            }
        };
        let outcome = tokio::time::timeout(ATTEMPT, sending)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} seconds", ATTEMPT.as_secs())));
        let now = self.now();
        let made = usize::try_from(message.attempts).unwrap_or(usize::MAX);
        let later = LATER_S.get(made).or(LATER_S.last()).copied().unwrap_or(GIVE_UP_S);
        let next = now.saturating_add(later);
        let is_test = message.rule.is_none();
        let (word, due) = match &outcome {
            Ok(()) => (AlertOutcome::Sent, None),
            Err(_) if is_test || next > message.at.saturating_add(GIVE_UP_S) => (AlertOutcome::Failed, None),
            Err(_) => (AlertOutcome::Waiting, Some(next)),
        };
        if let Err(error) = &outcome {
            tracing::warn!(channel = %channel.name, attempt = made.saturating_add(1), %error, "an alert did not arrive");
        }
        let mut tx = self.inner.store.write().await?;
        let error = outcome.as_ref().err().map(String::as_str);
        tx.alert_attempt(message.number, word.as_str(), due, error).await?;
        Ok(tx.commit().await?)
    }

    /// Sends a message that only shows that the way is open, at once, and says what came of it. Needs Admin.
    pub async fn test_alert_channel(&self, actor: &Actor, key: &str) -> Result<AlertMessage, AlertError> {
        actor.require(Role::Admin)?;
        let channel = self.alert_channel(key).await?;
        let words = self.inner.alerts.words.get();
        let words = words.ok_or_else(|| Failure::Internal("nobody puts alerts into words".to_owned()))?;
        let text = words.test(&channel.settings.language, &channel.settings.name);
        let now = self.now();
        let body = match channel.settings.way {
            Way::Email(_) => text.body.clone(),
            Way::Webhook(_) => written(&json!({
                "type": "caribe.test", "timestamp": crate::clock::timestamp(now), "text": text.body,
            }))?,
        };
        let new = NewAlertMessage {
            at: now,
            rule: None,
            channel: &channel.id,
            cluster: None,
            subject: &text.subject,
            body: &body,
            // Not the others' business meanwhile: it is sent here, once.
            due: now + GIVE_UP_S,
        };
        let mut tx = self.inner.store.write().await?;
        let number = match tx.insert_alert_message(&new).await {
            Err(store::Error::Reference) => {
                return Err(Missing::new(Thing::AlertChannel, key).into());
            }
            other => other?,
        };
        self.audit_row(&mut tx, actor, "alert.channel.test", &channel.settings.name, "").await?;
        tx.commit().await?;
        let kept = |all: Vec<store::AlertMessage>| all.into_iter().find(|one| one.number == number);
        let after = number.saturating_add(1);
        let mut tx = self.inner.store.read().await?;
        let message = kept(tx.alert_messages(Some(after), 1).await?);
        drop(tx);
        let gone = || AlertError::from(Missing::new(Thing::AlertChannel, key));
        self.attempt(&message.ok_or_else(gone)?).await?;
        let mut tx = self.inner.store.read().await?;
        Ok(kept(tx.alert_messages(Some(after), 1).await?).ok_or_else(gone)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        // The specification's example.
        let made = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(made.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let plain = signature("any text", "a", 1, "b").unwrap();
        assert_ne!(plain, signature("another", "a", 1, "b").unwrap());
    }
}
