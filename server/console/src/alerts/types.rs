//! What is set about alerts: channels, rules and silences, and the rules that their settings keep. Pure.

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};

use super::wrong::{WrongAlert, WrongAlerts};
use crate::{Problem, ProblemKind};

/// Characters of a name.
const NAME: usize = 64;
/// Characters of any other text.
const TEXT: usize = 2_000;
/// Characters of certificates, some ten of them.
const CERTIFICATES: usize = 32_768;
/// Addresses of one channel.
const RECIPIENTS: usize = 50;
/// Seconds that a problem may have to last before it is told: a day.
const PATIENCE: u32 = 86_400;
/// Seconds between reminders: five minutes to a week.
const REPEAT: std::ops::RangeInclusive<u32> = 300..=604_800;
/// Languages that messages are written in; the pages' (`web/locales`).
const LANGUAGES: [&str; 2] = ["en", "zh-CN"];

/// How a mail server is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// STARTTLS is demanded (RFC 3207); port 587.
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314); port 465.
    Tls,
    /// In the clear: for a relay on the same machine.
    None,
}

/// A mail server and who gets the mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// Name or address of the mail server.
    pub server: String,
    /// Its TCP port.
    #[serde(default = "submission")]
    pub port: u16,
    /// How the connection is protected.
    #[serde(default)]
    pub security: MailSecurity,
    /// Who signs in; absent where the server asks nobody. The password is the channel's secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The sender: `lb@example.com` or `Caribe <lb@example.com>`.
    pub from: String,
    /// Who gets it, at least one.
    pub to: Vec<String>,
    /// Certificates (PEM) of authorities that are believed besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<String>,
}

/// Port 587: message submission (RFC 6409).
fn submission() -> u16 {
    587
}

/// An address that JSON is posted to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// `https://…`, or `http://…` within one's own network.
    pub url: String,
    /// Certificates (PEM) of authorities that are believed besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<String>,
}

/// How messages go out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// By mail.
    Email(Email),
    /// Posted as JSON, signed as Standard Webhooks says where there is a secret.
    Webhook(Webhook),
}

impl Way {
    /// A stable word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Way::Email(_) => "email",
            Way::Webhook(_) => "webhook",
        }
    }
}

/// Where messages go, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChannelSettings {
    /// What people call it; unique, whatever the case.
    pub name: String,
    /// The language that messages are written in: `en` or `zh-CN`.
    #[serde(default = "english")]
    pub language: String,
    /// How they go out.
    pub way: Way,
}

fn english() -> String {
    "en".to_owned()
}

/// A channel as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertChannel {
    /// Its id (`ch_…`).
    pub id: String,
    /// What is set.
    pub settings: ChannelSettings,
    /// Whether a password or signing key is kept.
    pub has_secret: bool,
}

/// Who is told what, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    /// What people call it; unique, whatever the case.
    pub name: String,
    /// Id or name of the channel.
    pub channel: String,
    /// Id or name of the only cluster it looks at; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The problems that are told; none named: all.
    #[serde(default)]
    pub kinds: Vec<ProblemKind>,
    /// Seconds that a problem has to last before it is told, and to be over before that is told; at most a day.
    #[serde(default = "patience")]
    pub after_s: u32,
    /// Seconds after which one is reminded of what lasts; 0: never, else five minutes to a week.
    #[serde(default = "repeat")]
    pub repeat_s: u32,
    /// Whether the end of what was told is told.
    #[serde(default = "yes")]
    pub recovery: bool,
    /// Whether it tells anything at all.
    #[serde(default = "yes")]
    pub active: bool,
}

fn patience() -> u32 {
    30
}

fn repeat() -> u32 {
    14_400
}

fn yes() -> bool {
    true
}

impl Default for RuleSettings {
    fn default() -> Self {
        RuleSettings {
            name: String::new(),
            channel: String::new(),
            cluster: None,
            kinds: Vec::new(),
            after_s: patience(),
            repeat_s: repeat(),
            recovery: true,
            active: true,
        }
    }
}

/// A rule as it is kept; channel and cluster are ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRule {
    /// Its id (`ru_…`).
    pub id: String,
    /// What is set.
    pub settings: RuleSettings,
}

/// Problems that nobody is to be told of for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SilenceSettings {
    /// Id or name of the only cluster; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The only kind; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ProblemKind>,
    /// Key of the only problem, as the list of alerts names it; absent: all of that kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Why, in words.
    #[serde(default)]
    pub reason: String,
    /// From when; absent: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub begins: Option<Timestamp>,
    /// Until when; at most 90 days from now.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "date-time")))]
    pub ends: Timestamp,
}

/// A silence as it is kept; the cluster is an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertSilence {
    /// Its id (`si_…`).
    pub id: String,
    /// What is set.
    pub settings: SilenceSettings,
    /// Who set it.
    pub by: String,
}

/// Whether a text is one line of at most so many characters.
fn is_line(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.chars().any(char::is_control)
}

fn check_name(name: &str, wrong: &mut WrongAlerts) {
    if name.trim().is_empty() || !is_line(name, NAME) {
        wrong.push(("name", WrongAlert::Name));
    }
}

fn check_authorities(field: &'static str, text: Option<&str>, wrong: &mut WrongAlerts) {
    if text.is_some_and(|text| text.len() > CERTIFICATES || !has_certificates(text)) {
        wrong.push((field, WrongAlert::Authorities));
    }
}

/// Whether a text holds certificates in PEM, and nothing that is none.
fn has_certificates(text: &str) -> bool {
    let mut roots = rustls::RootCertStore::empty();
    CertificateDer::pem_slice_iter(text.as_bytes())
        .all(|one| one.is_ok_and(|certificate| roots.add(certificate).is_ok()))
        && !roots.is_empty()
}

fn check_email(email: &Email, has_secret: bool, wrong: &mut WrongAlerts) {
    let server = email.server.trim();
    let letters = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_name = !server.is_empty() && server.len() <= 253 && server.chars().all(letters);
    if !is_name && server.parse::<std::net::IpAddr>().is_err() {
        wrong.push(("way.email.server", WrongAlert::Server));
    }
    if email.port == 0 {
        wrong.push(("way.email.port", WrongAlert::Port));
    }
    let is_address = |text: &String| text.parse::<lettre::message::Mailbox>().is_ok() && is_line(text, 320);
    if !is_address(&email.from) {
        wrong.push(("way.email.from", WrongAlert::Address));
    }
    match email.to.len() {
        0 => wrong.push(("way.email.to", WrongAlert::Missing)),
        many if many > RECIPIENTS => wrong.push(("way.email.to", WrongAlert::Recipients)),
        _ if !email.to.iter().all(is_address) => wrong.push(("way.email.to", WrongAlert::Address)),
        _ => {}
    }
    if email.user.as_ref().is_some_and(|user| user.is_empty() || !is_line(user, 320)) {
        wrong.push(("way.email.user", WrongAlert::Text));
    }
    match (email.user.is_some(), has_secret) {
        (true, false) => wrong.push(("secret", WrongAlert::UserWithoutSecret)),
        (false, true) => wrong.push(("way.email.user", WrongAlert::SecretWithoutUser)),
        (true, true) if email.security == MailSecurity::None => {
            wrong.push(("way.email.security", WrongAlert::SecretInClear));
        }
        _ => {}
    }
    check_authorities("way.email.authorities", email.authorities.as_deref(), wrong);
}

impl ChannelSettings {
    /// What is wrong with it; `has_secret`: whether there is a password or key with it.
    pub(super) fn check(&self, has_secret: bool) -> WrongAlerts {
        let mut wrong = Vec::new();
        check_name(&self.name, &mut wrong);
        if !LANGUAGES.contains(&self.language.as_str()) {
            wrong.push(("language", WrongAlert::Language));
        }
        match &self.way {
            Way::Email(email) => check_email(email, has_secret, &mut wrong),
            Way::Webhook(webhook) => {
                let url = reqwest::Url::parse(&webhook.url).ok().filter(|url| {
                    matches!(url.scheme(), "http" | "https")
                        && url.host().is_some()
                        && url.username().is_empty()
                        && url.password().is_none()
                });
                if url.is_none() || !is_line(&webhook.url, TEXT) {
                    wrong.push(("way.webhook.url", WrongAlert::Url));
                }
                check_authorities("way.webhook.authorities", webhook.authorities.as_deref(), &mut wrong);
            }
        }
        wrong
    }
}

impl RuleSettings {
    /// Whether it is about problems of this kind.
    pub(super) fn looks_at(&self, problem: &Problem) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&problem.kind)
    }

    /// What is wrong with it by itself.
    pub(super) fn check(&self) -> WrongAlerts {
        let mut wrong = Vec::new();
        check_name(&self.name, &mut wrong);
        if self.after_s > PATIENCE {
            wrong.push(("after_s", WrongAlert::After));
        }
        if self.repeat_s != 0 && !REPEAT.contains(&self.repeat_s) {
            wrong.push(("repeat_s", WrongAlert::Repeat));
        }
        wrong
    }
}

impl SilenceSettings {
    /// Whether nobody is told of a problem of that cluster (an id) at a moment.
    pub(super) fn covers(&self, cluster: &str, problem: &Problem, now: i64) -> bool {
        self.begins.is_none_or(|begins| begins.as_second() <= now)
            && now < self.ends.as_second()
            && self.cluster.as_deref().is_none_or(|only| only == cluster)
            && self.kind.is_none_or(|only| only == problem.kind)
            && self.problem.as_ref().is_none_or(|only| *only == problem.key())
    }

    /// What is wrong with it at a moment.
    pub(super) fn check(&self, now: i64) -> WrongAlerts {
        const LONGEST: i64 = 90 * 86_400;
        let mut wrong = Vec::new();
        let (begins, ends) = (self.begins.map_or(now, Timestamp::as_second), self.ends.as_second());
        if ends <= begins || ends <= now || ends > now + LONGEST {
            wrong.push(("ends", WrongAlert::Ends));
        }
        if !is_line(&self.reason, TEXT) {
            wrong.push(("reason", WrongAlert::Text));
        }
        if self.problem.as_ref().is_some_and(|problem| !is_line(problem, TEXT)) {
            wrong.push(("problem", WrongAlert::Text));
        }
        if self.problem.is_some() && self.cluster.is_none() {
            wrong.push(("cluster", WrongAlert::ProblemWithoutCluster));
        }
        wrong
    }
}
