//! ALERTS: what is wrong now in all clusters, who was told, silences, and the delivery log. For everybody; silences need
//! an operator.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use console::{Alert, AlertError, AlertMessage, AlertOutcome, AlertSilence, ProblemKind, SilenceSettings};
use jiff::{SignedDuration, Timestamp};

use crate::error::Error;
use crate::fields::{Fields, Sent};
use crate::forms::Form;
use crate::locale::Locale;
use crate::page::{Page, see_other, short, show};
use crate::problems::{place, sentence};
use crate::visit::Member;

const SILENCE: &[&str] = &["cluster", "kind", "problem", "hours", "reason"];
/// Hours that a silence is offered for: to a week.
const HOURS: [u32; 6] = [1, 4, 8, 24, 72, 168];
/// Messages on one page.
const PER_PAGE: u32 = 50;

struct AlertRow {
    cluster: String,
    tone: &'static str,
    text: String,
    href: String,
    since: Option<Timestamp>,
    told: Option<Timestamp>,
    silenced_until: Option<Timestamp>,
    /// Query of the page with the form that silences it.
    silence: String,
}

struct SilenceRow {
    id: String,
    what: String,
    reason: String,
    by: String,
    begins: Option<Timestamp>,
    ends: Timestamp,
}

struct MessageRow {
    message: AlertMessage,
    tone: &'static str,
    icon: &'static str,
    outcome: String,
    channel: String,
}

#[derive(Template)]
#[template(path = "alerts.html")]
struct AlertsPage {
    p: Page,
    alerts: Vec<AlertRow>,
    silences: Vec<SilenceRow>,
    messages: Vec<MessageRow>,
    /// Id and name.
    clusters: Vec<(String, String)>,
    form: Form,
    /// Whether a rule tells anybody anything.
    has_rules: bool,
    /// Where the log goes on.
    next: Option<i64>,
    /// Whether this is not its beginning.
    later: bool,
}

impl AlertsPage {
    fn kinds(&self) -> [ProblemKind; 10] {
        ProblemKind::ALL
    }

    fn hours(&self) -> [u32; 6] {
        HOURS
    }
}

fn alert_row(locale: Locale, alert: &Alert) -> AlertRow {
    let bad = alert.problem.kind.is_critical() || alert.problem.kind == ProblemKind::ServerDown;
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("cluster", &alert.cluster_id)
        .append_pair("kind", alert.problem.kind.as_str())
        .append_pair("problem", &alert.problem.key())
        .finish();
    AlertRow {
        cluster: alert.cluster.clone(),
        tone: if bad { "bad" } else { "warn" },
        text: sentence(locale, &alert.problem),
        href: format!("/clusters/{}{}", alert.cluster_id, place(&alert.problem)),
        since: alert.since,
        told: alert.told,
        silenced_until: alert.silenced_until,
        silence: query,
    }
}

/// What a silence is about.
fn what(locale: Locale, silence: &SilenceSettings, clusters: &[(String, String)]) -> String {
    let kind = match silence.kind {
        Some(kind) => locale.say(format!("alert-kind-{}", kind.as_str())),
        None => locale.say("alert-kind-all"),
    };
    let named = |id: &String| clusters.iter().find(|(known, _)| known == id).map(|(_, name)| name.clone());
    let cluster = match &silence.cluster {
        Some(id) => named(id).unwrap_or_else(|| id.clone()),
        None => locale.say("alert-everywhere").to_string(),
    };
    let key = if silence.problem.is_some() { "alert-silence-one" } else { "alert-silence-many" };
    locale.say(key).with("kind", kind).with("cluster", cluster).to_string()
}

fn silence_row(locale: Locale, silence: AlertSilence, clusters: &[(String, String)]) -> SilenceRow {
    SilenceRow {
        what: what(locale, &silence.settings, clusters),
        reason: silence.settings.reason,
        by: short(&silence.by).to_owned(),
        begins: silence.settings.begins.filter(|begins| *begins > Timestamp::now()),
        ends: silence.settings.ends,
        id: silence.id,
    }
}

fn message_row(locale: Locale, message: AlertMessage, channels: &[(String, String)]) -> MessageRow {
    let (tone, icon) = match message.outcome {
        AlertOutcome::Sent => ("good", "good"),
        AlertOutcome::Waiting => ("warn", "warn"),
        AlertOutcome::Failed => ("bad", "bad"),
    };
    let named = channels.iter().find(|(id, _)| *id == message.channel_id);
    MessageRow {
        tone,
        icon,
        outcome: locale.say(format!("alert-outcome-{}", message.outcome.as_str())).to_string(),
        channel: named.map(|(_, name)| name.clone()).unwrap_or_default(),
        message,
    }
}

async fn page(member: &Member, status: StatusCode, form: Form) -> Result<Response, Error> {
    let (locale, console) = (member.locale(), member.console());
    let wrong = || Error::Malformed("before: a number of the delivery log is expected".to_owned());
    let before = match member.visit.query.filled("before") {
        Some(text) => Some(text.parse::<i64>().map_err(|_| wrong())?),
        None => None,
    };
    let clusters: Vec<(String, String)> =
        console.clusters().await?.into_iter().map(|cluster| (cluster.id, cluster.name)).collect();
    let channels: Vec<(String, String)> =
        console.alert_channels().await?.into_iter().map(|one| (one.id, one.settings.name)).collect();
    let mut messages = console.alert_messages(before, PER_PAGE + 1).await?;
    let more = messages.len() > PER_PAGE as usize;
    messages.truncate(PER_PAGE as usize);
    let next = messages.last().filter(|_| more).map(|message| message.number);
    let silences = console.alert_silences().await?;
    let rules = console.alert_rules().await?;
    let page = AlertsPage {
        p: Page::new(&member.visit, locale.say("alerts-title")),
        alerts: console.alerts().await?.iter().map(|alert| alert_row(locale, alert)).collect(),
        silences: silences.into_iter().map(|one| silence_row(locale, one, &clusters)).collect(),
        messages: messages.into_iter().map(|one| message_row(locale, one, &channels)).collect(),
        clusters,
        form,
        has_rules: rules.iter().any(|rule| rule.settings.active),
        next,
        later: before.is_some(),
    };
    show(status, &page)
}

/// `GET /alerts`
pub(super) async fn list(member: Member) -> Result<Response, Error> {
    let mut fields = Fields::default().with("hours", 4);
    for name in ["cluster", "kind", "problem"] {
        fields = fields.with(name, member.visit.query.get(name));
    }
    page(&member, StatusCode::OK, Form::new(SILENCE, fields)).await
}

/// Says what is wrong with settings at the fields of a form.
pub(super) fn say_wrong(locale: Locale, form: &mut Form, error: AlertError) -> Result<(), Error> {
    match error {
        AlertError::Invalid(wrong) => {
            for (field, why) in wrong {
                form.error(field, locale.say(format!("alert-wrong-{}", why.as_str())));
            }
            Ok(())
        }
        other => Err(other.into()),
    }
}

/// `POST /alerts/silences`
pub(super) async fn silence(member: Member, Sent(fields): Sent) -> Result<Response, Error> {
    let locale = member.locale();
    let mut form = Form::new(SILENCE, (*fields).clone());
    let filled = |name: &str| fields.filled(name).map(ToOwned::to_owned);
    let hours = fields.get("hours").trim().parse::<i64>().ok().filter(|hours| (1..=2_160).contains(hours));
    let kind = filled("kind").map(|word| ProblemKind::named(&word));
    if kind == Some(None) {
        form.error("kind", locale.say("wrong-choice"));
    }
    match hours {
        Some(hours) if !form.failed() => {
            let settings = SilenceSettings {
                cluster: filled("cluster"),
                kind: kind.flatten(),
                problem: filled("problem"),
                reason: filled("reason").unwrap_or_default(),
                begins: None,
                ends: Timestamp::now() + SignedDuration::from_hours(hours),
            };
            match member.console().silence_alerts(&member.actor, settings, false).await {
                Ok(_) => return Ok(see_other("/alerts?done=silenced")),
                Err(error) => say_wrong(locale, &mut form, error)?,
            }
        }
        Some(_) => {}
        None => form.error("hours", locale.say("wrong-choice")),
    }
    page(&member, StatusCode::UNPROCESSABLE_ENTITY, form).await
}

/// `POST /alerts/silences/{silence}/end`
pub(super) async fn end(member: Member, Path(id): Path<String>) -> Result<Response, Error> {
    member.console().end_alert_silence(&member.actor, &id).await?;
    Ok(see_other("/alerts?done=silence-ended"))
}
