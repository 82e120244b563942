//! Where alerts go, and the rules that tell them: lists, and the pages of channels. For administrators.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{
    AlertChannel, AlertOutcome, AlertRule, ChannelSettings, Email, MailSecurity, NewSecret, Way, Webhook,
};

use super::alerts::say_wrong;
use super::objects::Confirm;
use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::Form;
use crate::forms::choices::{Word, mail_securities};
use crate::locale::Locale;
use crate::page::{Page, see_other, show};
use crate::text::Language;
use crate::visit::Member;

const EMAIL: &[&str] = &[
    "name",
    "language",
    "way.email.server",
    "way.email.port",
    "way.email.security",
    "way.email.user",
    "secret",
    "way.email.from",
    "way.email.to",
    "way.email.authorities",
];
const WEBHOOK: &[&str] = &["name", "language", "way.webhook.url", "secret", "way.webhook.authorities"];
/// What protects a connection to a mail server: word and meaning.
const SECURITIES: [(&str, MailSecurity); 3] =
    [("starttls", MailSecurity::Starttls), ("tls", MailSecurity::Tls), ("none", MailSecurity::None)];

struct RuleRow {
    rule: AlertRule,
    channel: String,
    cluster: Option<String>,
    kinds: Vec<String>,
}

struct ChannelRow {
    channel: AlertChannel,
    to: String,
}

#[derive(Template)]
#[template(path = "alert_settings.html")]
struct SettingsPage {
    p: Page,
    channels: Vec<ChannelRow>,
    rules: Vec<RuleRow>,
}

#[derive(Template)]
#[template(path = "alert_channel.html")]
struct ChannelPage {
    p: Page,
    form: Form,
    /// The channel that is changed; none for a new one.
    channel: Option<AlertChannel>,
    /// `email` or `webhook`.
    kind: &'static str,
    /// What came of a test: tone and sentence.
    tested: Option<(&'static str, String)>,
}

impl ChannelPage {
    fn languages(&self) -> Vec<Word> {
        Language::ALL.map(|language| Word { value: language.tag(), text: language.own_name() }).into()
    }

    fn securities(&self) -> Vec<crate::forms::choices::Choice> {
        mail_securities(self.p.locale)
    }

    fn is_email(&self) -> bool {
        self.kind == "email"
    }

    fn lead(&self) -> String {
        self.p.locale.say(format!("alert-lead-{}", self.kind)).to_string()
    }

    fn action(&self) -> String {
        match &self.channel {
            Some(channel) => format!("/admin/alerts/channels/{}", channel.id),
            None => format!("/admin/alerts/channels/new/{}", self.kind),
        }
    }
}

/// `GET /admin/alerts`
pub(super) async fn list(member: Member) -> Result<Response, Error> {
    let (locale, console) = (member.locale(), member.console());
    let channels = console.alert_channels().await?;
    let clusters = console.clusters().await?;
    let rules = console.alert_rules().await?;
    let rules = rules
        .into_iter()
        .map(|rule| RuleRow {
            channel: channels
                .iter()
                .find(|one| one.id == rule.settings.channel)
                .map(|one| one.settings.name.clone())
                .unwrap_or_default(),
            cluster: rule.settings.cluster.as_ref().map(|id| {
                let named = clusters.iter().find(|cluster| cluster.id == *id);
                named.map_or_else(|| id.clone(), |cluster| cluster.name.clone())
            }),
            kinds: rule
                .settings
                .kinds
                .iter()
                .map(|kind| locale.say(format!("alert-kind-{}", kind.as_str())).to_string())
                .collect(),
            rule,
        })
        .collect();
    let channels = channels
        .into_iter()
        .map(|channel| ChannelRow {
            to: match &channel.settings.way {
                Way::Email(email) => email.to.join(", "),
                // Its path may hold a secret of the service that takes it.
                Way::Webhook(webhook) => host(&webhook.url),
            },
            channel,
        })
        .collect();
    let p = Page::new(&member.visit, locale.say("alert-settings-title"));
    show(StatusCode::OK, &SettingsPage { p, channels, rules })
}

/// Scheme and host of an address.
fn host(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    format!("{scheme}://{}", rest.split(['/', '?', '#']).next().unwrap_or_default())
}

fn texts(channel: &AlertChannel) -> Fields {
    let settings = &channel.settings;
    let fields = Fields::default().with("name", &settings.name).with("language", &settings.language);
    match &settings.way {
        Way::Email(email) => fields
            .with("way.email.server", &email.server)
            .with("way.email.port", email.port)
            .with("way.email.security", word_of(email.security))
            .with("way.email.user", email.user.as_deref().unwrap_or_default())
            .with("way.email.from", &email.from)
            .with("way.email.to", email.to.join("\n"))
            .with("way.email.authorities", email.authorities.as_deref().unwrap_or_default()),
        Way::Webhook(webhook) => fields
            .with("way.webhook.url", &webhook.url)
            .with("way.webhook.authorities", webhook.authorities.as_deref().unwrap_or_default()),
    }
}

fn word_of(security: MailSecurity) -> &'static str {
    SECURITIES.iter().find(|(_, one)| *one == security).map_or("starttls", |(word, _)| word)
}

fn known(kind: &str) -> Result<(&'static str, &'static [&'static str]), Error> {
    match kind {
        "email" => Ok(("email", EMAIL)),
        "webhook" => Ok(("webhook", WEBHOOK)),
        _ => Err(Error::NotFound),
    }
}

/// What was typed; what is no text of its kind is said in the form.
fn typed(locale: Locale, kind: &str, fields: &Fields, form: &mut Form) -> (ChannelSettings, NewSecret) {
    let text = |name: &str| fields.get(name).trim().to_owned();
    let filled = |name: &str| fields.filled(name).map(ToOwned::to_owned);
    let way = if kind == "email" {
        let port = text("way.email.port").parse::<u16>();
        if port.is_err() {
            form.error("way.email.port", locale.say("alert-wrong-port"));
        }
        let security = SECURITIES.iter().find(|(word, _)| *word == fields.get("way.email.security"));
        if security.is_none() {
            form.error("way.email.security", locale.say("wrong-choice"));
        }
        let to = fields.get("way.email.to").split(['\n', ',', ';']).map(str::trim);
        Way::Email(Email {
            server: text("way.email.server"),
            port: port.unwrap_or(587),
            security: security.map(|(_, security)| *security).unwrap_or_default(),
            user: filled("way.email.user"),
            from: text("way.email.from"),
            to: to.filter(|to| !to.is_empty()).map(ToOwned::to_owned).collect(),
            authorities: filled("way.email.authorities"),
        })
    } else {
        Way::Webhook(Webhook { url: text("way.webhook.url"), authorities: filled("way.webhook.authorities") })
    };
    let secret = match fields.filled("secret") {
        _ if fields.ticked("no_secret") => NewSecret::Remove,
        Some(secret) => NewSecret::Set(secret.to_owned()),
        None => NewSecret::Keep,
    };
    (ChannelSettings { name: text("name"), language: text("language"), way }, secret)
}

/// The form again, without what was typed as secret.
fn again(
    member: &Member,
    kind: &'static str,
    channel: Option<AlertChannel>,
    form: Form,
) -> Result<Response, Error> {
    let page = ChannelPage { p: framed(member, channel.as_ref()), form, channel, kind, tested: None };
    show(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

fn framed(member: &Member, channel: Option<&AlertChannel>) -> Page {
    let locale = member.locale();
    let title = match channel {
        Some(channel) => locale.say("alert-channel-title").with("name", &channel.settings.name),
        None => locale.say("alert-channel-new"),
    };
    Page::new(&member.visit, title)
}

/// `GET /admin/alerts/channels/new/{kind}`
pub(super) async fn new_form(member: Member, Path(kind): Path<String>) -> Result<Response, Error> {
    let (kind, names) = known(&kind)?;
    let fields = Fields::default()
        .with("language", member.language().tag())
        .with("way.email.port", 587)
        .with("way.email.security", "starttls");
    let form = Form::new(names, fields);
    let page = ChannelPage { p: framed(&member, None), form, channel: None, kind, tested: None };
    show(StatusCode::OK, &page)
}

/// `POST /admin/alerts/channels/new/{kind}`
pub(super) async fn add(
    member: Member,
    Path(kind): Path<String>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let (kind, names) = known(&kind)?;
    let locale = member.locale();
    let mut form = Form::new(names, (*fields).clone());
    let (settings, secret) = typed(locale, kind, &fields, &mut form);
    let rehearse = form.failed();
    match member.console().create_alert_channel(&member.actor, settings, secret, rehearse).await {
        Ok(_) if rehearse => again(&member, kind, None, form),
        Ok(made) => Ok(see_other(&format!("/admin/alerts/channels/{}?done=channel-saved", made.id))),
        Err(error) => {
            say_wrong(locale, &mut form, error)?;
            again(&member, kind, None, form)
        }
    }
}

async fn one_page(
    member: &Member,
    key: &str,
    tested: Option<(&'static str, String)>,
) -> Result<Response, Error> {
    let channel = member.console().alert_channel(key).await?;
    let (kind, names) = known(channel.settings.way.as_str())?;
    let form = Form::new(names, texts(&channel));
    let p = framed(member, Some(&channel));
    show(StatusCode::OK, &ChannelPage { p, form, channel: Some(channel), kind, tested })
}

/// `GET /admin/alerts/channels/{channel}`
pub(super) async fn form(member: Member, Path(key): Path<String>) -> Result<Response, Error> {
    one_page(&member, &key, None).await
}

/// `POST /admin/alerts/channels/{channel}`
pub(super) async fn save(
    member: Member,
    Path(key): Path<String>,
    Sent(fields): Sent,
) -> Result<Response, Error> {
    let (locale, console) = (member.locale(), member.console());
    let channel = console.alert_channel(&key).await?;
    let (kind, names) = known(channel.settings.way.as_str())?;
    let mut form = Form::new(names, (*fields).clone());
    let (settings, secret) = typed(locale, kind, &fields, &mut form);
    let rehearse = form.failed();
    match console.change_alert_channel(&member.actor, &channel.id, settings, secret, rehearse).await {
        Ok(_) if rehearse => again(&member, kind, Some(channel), form),
        Ok(made) => Ok(see_other(&format!("/admin/alerts/channels/{}?done=channel-saved", made.id))),
        Err(error) => {
            say_wrong(locale, &mut form, error)?;
            again(&member, kind, Some(channel), form)
        }
    }
}

/// `POST /admin/alerts/channels/{channel}/test`
pub(super) async fn test(member: Member, Path(key): Path<String>) -> Result<Response, Error> {
    let locale = member.locale();
    let message = member.console().test_alert_channel(&member.actor, &key).await?;
    let tested = match message.outcome {
        AlertOutcome::Sent => ("good", locale.say("alert-test-sent").to_string()),
        _ => {
            let why = message.error.unwrap_or_default();
            ("bad", locale.say("alert-test-failed").with("reason", why).to_string())
        }
    };
    one_page(&member, &key, Some(tested)).await.map(crate::page::keep_address)
}

/// `GET /admin/alerts/channels/{channel}/delete`
pub(super) async fn delete_form(member: Member, Path(key): Path<String>) -> Result<Response, Error> {
    let locale = member.locale();
    let channel = member.console().alert_channel(&key).await?;
    let name = &channel.settings.name;
    Confirm {
        p: Page::new(&member.visit, locale.say("alert-channel-delete").with("name", name)),
        question: locale.say("alert-channel-delete-question").with("name", name).to_string(),
        consequence: locale.say("alert-channel-delete-consequence").to_string(),
        button: locale.say("delete").to_string(),
        action: format!("/admin/alerts/channels/{}/delete", channel.id),
        back: format!("/admin/alerts/channels/{}", channel.id),
    }
    .page()
}

/// `POST /admin/alerts/channels/{channel}/delete`
pub(super) async fn delete(member: Member, Path(key): Path<String>) -> Result<Response, Error> {
    member.console().delete_alert_channel(&member.actor, &key, false).await?;
    Ok(see_other("/admin/alerts?done=channel-deleted"))
}
