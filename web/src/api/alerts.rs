//! `/api/v1/alerts…`: what is wrong and who was told; channels, rules and silences; the delivery log.
//!
//! Secrets of channels go in and never come out. Checks and effects are the console's; here is only JSON.

use axum::Json;
use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use console::{
    Alert, AlertChannel, AlertMessage, AlertOutcome, AlertRule, AlertSilence, ChannelSettings, NewSecret,
    ProblemKind, RuleSettings, SilenceSettings, Way,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::request::{
    created, filtered, limit, listed, object, ok, rehearsed, tag_of, tagged, typed, wants, with, without,
};
use crate::error::Error;
use crate::guard::Payload;
use crate::problems::sentence;
use crate::text::Language;
use crate::visit::Member;

/// Members that only answers have.
pub(super) const READ_ONLY: &[&str] = &["id", "has_secret"];
/// Messages in one answer where nothing else is asked for.
const LIMIT: u64 = 100;

/// Something that is wrong.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Alert")]
pub(super) struct AlertShape {
    /// The cluster's id.
    cluster_id: String,
    /// The cluster's name.
    cluster: String,
    kind: ProblemKind,
    /// What tells it from every other of its cluster; a silence names it.
    problem: String,
    /// Whether clients notice it, or may at any moment.
    critical: bool,
    /// In words.
    text: String,
    since: Option<String>,
    /// When somebody was told last.
    told: Option<String>,
    /// Until when nobody is told.
    silenced_until: Option<String>,
}

fn alert(alert: &Alert) -> AlertShape {
    let text = |at: &Option<Timestamp>| at.map(|at| at.to_string());
    AlertShape {
        cluster_id: alert.cluster_id.clone(),
        cluster: alert.cluster.clone(),
        kind: alert.problem.kind,
        problem: alert.problem.key(),
        critical: alert.problem.kind.is_critical(),
        text: sentence(Language::English.into(), &alert.problem),
        since: text(&alert.since),
        told: text(&alert.told),
        silenced_until: text(&alert.silenced_until),
    }
}

/// `GET /alerts`
pub(super) async fn list(member: Member) -> Result<Response, Error> {
    let all = member.console().alerts().await?;
    let seen = all.iter().filter(|one| member.sees(&one.cluster_id));
    let items = seen.map(|one| (format!("{} {}", one.cluster_id, one.problem.key()), alert(one))).collect();
    Ok(ok(filtered(&member, listed(&member.visit, items)?)))
}

/// Where messages go.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlertChannel")]
pub(super) struct ChannelShape {
    id: String,
    name: String,
    /// The language that messages are written in: `en` or `zh-CN`.
    language: String,
    way: Way,
    /// Whether a password or signing key is kept.
    has_secret: bool,
}

fn channel(channel: &AlertChannel) -> ChannelShape {
    ChannelShape {
        id: channel.id.clone(),
        name: channel.settings.name.clone(),
        language: channel.settings.language.clone(),
        way: channel.settings.way.clone(),
        has_secret: channel.has_secret,
    }
}

/// A channel to be made or replaced.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewAlertChannel")]
pub(super) struct ChannelBody {
    /// Unique, whatever the case.
    name: String,
    /// The language that messages are written in: `en` (where absent) or `zh-CN`.
    #[serde(default)]
    language: Option<String>,
    way: Way,
    /// The password of the mail server, or the signing key of the webhook. Absent: stays as it is; empty: removed.
    #[serde(default)]
    secret: Option<String>,
}

impl ChannelBody {
    fn read(payload: &Payload) -> Result<(ChannelSettings, NewSecret), Error> {
        let body: ChannelBody = typed(Value::Object(without(object(payload)?, READ_ONLY)))?;
        let secret = match body.secret {
            None => NewSecret::Keep,
            Some(secret) if secret.is_empty() => NewSecret::Remove,
            Some(secret) => NewSecret::Set(secret),
        };
        let language = body.language.unwrap_or_else(|| Language::English.tag().to_owned());
        Ok((ChannelSettings { name: body.name, language, way: body.way }, secret))
    }
}

/// The tag of a state: of what its answer says.
pub(super) fn etag(state: &impl Serialize) -> Result<String, Error> {
    let bytes = serde_json::to_vec(state).map_err(Error::internal)?;
    Ok(hex::encode(Sha256::digest(&bytes)).chars().take(16).collect())
}

/// Refuses where the state is no longer the one that the caller has seen.
pub(super) fn seen(member: &Member, headers: &HeaderMap, state: &impl Serialize) -> Result<(), Error> {
    let etag = etag(state)?;
    match tag_of(&member.visit, headers)? {
        Some(tag) if tag != etag => Err(Error::Stale { etag, by: None }),
        _ => Ok(()),
    }
}

/// `GET /alerts/channels`
pub(super) async fn channels(member: Member) -> Result<Response, Error> {
    let all = member.console().alert_channels().await?;
    let items = all.iter().map(|one| (one.id.clone(), channel(one))).collect();
    Ok(ok(listed(&member.visit, items)?))
}

/// `GET /alerts/channels/{channel}`
pub(super) async fn one_channel(member: Member, Path(key): Path<String>) -> Result<Response, Error> {
    let found = channel(&member.console().alert_channel(&key).await?);
    Ok(tagged(StatusCode::OK, &etag(&found)?, found))
}

/// `POST /alerts/channels`
pub(super) async fn create_channel(
    member: Member,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let (settings, secret) = ChannelBody::read(&payload)?;
    let rehearse = wants(&member.visit, "dry_run");
    let made = member.console().create_alert_channel(&member.actor, settings, secret, rehearse).await?;
    if rehearse {
        return Ok(rehearsed());
    }
    let made = channel(&made);
    Ok(created(&format!("/api/v1/alerts/channels/{}", made.id), &etag(&made)?, made))
}

/// `PUT /alerts/channels/{channel}`
pub(super) async fn replace_channel(
    member: Member,
    Path(key): Path<String>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let (settings, secret) = ChannelBody::read(&payload)?;
    let console = member.console();
    let found = console.alert_channel(&key).await?;
    seen(&member, &headers, &channel(&found))?;
    let rehearse = wants(&member.visit, "dry_run");
    let is_same = settings == found.settings && secret == NewSecret::Keep;
    let now = match is_same {
        true => found,
        false => console.change_alert_channel(&member.actor, &found.id, settings, secret, rehearse).await?,
    };
    if rehearse {
        return Ok(rehearsed());
    }
    let body = channel(&now);
    Ok(tagged(StatusCode::OK, &etag(&body)?, with(body, json!({ "changed": !is_same }))?))
}

/// `DELETE /alerts/channels/{channel}`
pub(super) async fn delete_channel(
    member: Member,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let found = member.console().alert_channel(&key).await?;
    seen(&member, &headers, &channel(&found))?;
    let rehearse = wants(&member.visit, "dry_run");
    member.console().delete_alert_channel(&member.actor, &found.id, rehearse).await?;
    if rehearse {
        return Ok(rehearsed());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A message of the delivery log.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlertMessage")]
pub(super) struct MessageShape {
    number: i64,
    at: String,
    /// The rule's name; absent for a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// The channel's id.
    channel_id: String,
    /// The cluster's id; absent for a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_id: Option<String>,
    subject: String,
    outcome: OutcomeShape,
    attempts: i64,
    /// When it is tried next; null where it is not.
    next_attempt: Option<String>,
    /// Why it did not arrive at the last attempt.
    error: Option<String>,
}

/// What came of a message.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "AlertOutcome")]
enum OutcomeShape {
    Waiting,
    Sent,
    Failed,
}

fn message(message: AlertMessage) -> MessageShape {
    MessageShape {
        number: message.number,
        at: message.at.to_string(),
        rule: message.rule,
        channel_id: message.channel_id,
        cluster_id: message.cluster_id,
        subject: message.subject,
        outcome: match message.outcome {
            AlertOutcome::Waiting => OutcomeShape::Waiting,
            AlertOutcome::Sent => OutcomeShape::Sent,
            AlertOutcome::Failed => OutcomeShape::Failed,
        },
        attempts: message.attempts,
        next_attempt: message.due.map(|at| at.to_string()),
        error: message.error,
    }
}

/// `POST /alerts/channels/{channel}/test`
pub(super) async fn test_channel(member: Member, Path(key): Path<String>) -> Result<Response, Error> {
    if wants(&member.visit, "dry_run") {
        member.console().alert_channel(&key).await?;
        return Ok(rehearsed());
    }
    Ok(ok(message(member.console().test_alert_channel(&member.actor, &key).await?)))
}

/// `GET /alerts/messages?limit=&cursor=`
pub(super) async fn messages(member: Member) -> Result<Response, Error> {
    let limit = limit(&member.visit, LIMIT)?;
    let wrong = || Error::Malformed("cursor: the `next` of an earlier answer is expected".to_owned());
    let before = match member.visit.query.filled("cursor") {
        Some(cursor) => Some(cursor.parse::<i64>().map_err(|_| wrong())?),
        None => None,
    };
    let most = u32::try_from(limit).map_err(Error::internal)?;
    let rows = member.console().alert_messages(before, most).await?;
    let next = rows.last().filter(|_| rows.len() == limit).map(|row| row.number.to_string());
    let items: Vec<MessageShape> = rows.into_iter().map(message).collect();
    Ok(ok(json!({ "items": items, "next": next })))
}

/// What a rule's answer tells besides its settings.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlertRuleMore")]
pub(super) struct RuleMore {
    id: String,
}

fn rule(rule: &AlertRule) -> Result<Value, Error> {
    with(&rule.settings, RuleMore { id: rule.id.clone() })
}

fn rule_body(payload: &Payload) -> Result<RuleSettings, Error> {
    typed(Value::Object(without(object(payload)?, READ_ONLY)))
}

/// `GET /alerts/rules`
pub(super) async fn rules(member: Member) -> Result<Response, Error> {
    let all = member.console().alert_rules().await?;
    let items = all.iter().map(|one| Ok((one.id.clone(), rule(one)?))).collect::<Result<_, Error>>()?;
    Ok(ok(listed(&member.visit, items)?))
}

/// `GET /alerts/rules/{rule}`
pub(super) async fn one_rule(member: Member, Path(key): Path<String>) -> Result<Response, Error> {
    let found = rule(&member.console().alert_rule(&key).await?)?;
    Ok(tagged(StatusCode::OK, &etag(&found)?, found))
}

/// `POST /alerts/rules`
pub(super) async fn create_rule(
    member: Member,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let rehearse = wants(&member.visit, "dry_run");
    let made = member.console().create_alert_rule(&member.actor, rule_body(&payload)?, rehearse).await?;
    if rehearse {
        return Ok(rehearsed());
    }
    let body = rule(&made)?;
    Ok(created(&format!("/api/v1/alerts/rules/{}", made.id), &etag(&body)?, body))
}

/// `PUT /alerts/rules/{rule}`
pub(super) async fn replace_rule(
    member: Member,
    Path(key): Path<String>,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let (console, rehearse) = (member.console(), wants(&member.visit, "dry_run"));
    let settings = rule_body(&payload)?;
    let found = console.alert_rule(&key).await?;
    seen(&member, &headers, &rule(&found)?)?;
    // Rehearsed first, so that names are ids when it is compared.
    let meant = console.change_alert_rule(&member.actor, &found.id, settings, true).await?;
    if rehearse {
        return Ok(rehearsed());
    }
    let is_same = meant == found;
    let now = match is_same {
        true => found,
        false => console.change_alert_rule(&member.actor, &found.id, meant.settings, false).await?,
    };
    let body = rule(&now)?;
    Ok(tagged(StatusCode::OK, &etag(&body)?, with(body, json!({ "changed": !is_same }))?))
}

/// `DELETE /alerts/rules/{rule}`
pub(super) async fn delete_rule(
    member: Member,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let found = member.console().alert_rule(&key).await?;
    seen(&member, &headers, &rule(&found)?)?;
    if wants(&member.visit, "dry_run") {
        return Ok(rehearsed());
    }
    member.console().delete_alert_rule(&member.actor, &found.id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What a silence's answer tells besides its settings.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlertSilenceMore")]
pub(super) struct SilenceMore {
    id: String,
    /// Who set it.
    by: String,
}

fn silence(silence: &AlertSilence) -> Result<Value, Error> {
    with(&silence.settings, SilenceMore { id: silence.id.clone(), by: silence.by.clone() })
}

/// `GET /alerts/silences`
pub(super) async fn silences(member: Member) -> Result<Response, Error> {
    let all = member.console().alert_silences().await?;
    let items = all.iter().map(|one| Ok((one.id.clone(), silence(one)?))).collect::<Result<_, Error>>()?;
    Ok(ok(listed(&member.visit, items)?))
}

/// `POST /alerts/silences`
pub(super) async fn create_silence(
    member: Member,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let settings: SilenceSettings = typed(Value::Object(object(&payload)?))?;
    let rehearse = wants(&member.visit, "dry_run");
    let made = member.console().silence_alerts(&member.actor, settings, rehearse).await?;
    if rehearse {
        return Ok(rehearsed());
    }
    Ok((StatusCode::CREATED, Json(silence(&made)?)).into_response())
}

/// `DELETE /alerts/silences/{silence}`
pub(super) async fn delete_silence(member: Member, Path(id): Path<String>) -> Result<Response, Error> {
    if wants(&member.visit, "dry_run") {
        let all = member.console().alert_silences().await?;
        let missing = || console::Missing { thing: console::Thing::AlertSilence, name: id.clone() };
        all.iter().find(|one| one.id == id).ok_or_else(|| Error::Missing(missing()))?;
        return Ok(rehearsed());
    }
    member.console().end_alert_silence(&member.actor, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
