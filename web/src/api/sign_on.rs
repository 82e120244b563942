//! `/api/v1/system/single-sign-on`: the provider that people may sign in through. For administrators.
//!
//! The client's secret goes in and never comes out. Checks and effects are the console's; here is only JSON.

use axum::extract::Extension;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use console::{NewSecret, SignOn, SignOnSettings};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::alerts::{etag, seen};
use super::request::{object, ok, rehearsed, tagged, typed, wants, with, without};
use crate::error::Error;
use crate::guard::Payload;
use crate::visit::Member;

/// Members that only answers have.
pub(super) const READ_ONLY: &[&str] = &["has_secret", "redirect_uri"];

/// What an answer tells besides the settings.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SignOnMore")]
pub(super) struct More {
    /// Whether a client's secret is kept.
    has_secret: bool,
    /// Where the provider has to send people back to; null where nobody has said how this console is reached.
    redirect_uri: Option<String>,
}

/// What may be sent besides the settings. What is absent of these goes back to what it was in the beginning.
#[derive(JsonSchema)]
#[schemars(rename = "AndSecret")]
// Only described; it is taken out of the body before the settings are read.
#[allow(dead_code)]
pub(super) struct Secret {
    /// The client's secret. Absent: stays as it is; empty: removed.
    #[serde(default)]
    secret: Option<String>,
}

/// What came of a question to the provider.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SignOnTest")]
pub(super) struct Tried {
    /// Whether discovery and keys could be fetched and used.
    good: bool,
    /// Why not.
    reason: Option<String>,
}

fn shown(set: &SignOn) -> Result<Value, Error> {
    with(&set.settings, More { has_secret: set.has_secret, redirect_uri: set.redirect.clone() })
}

/// `GET /system/single-sign-on`
pub(super) async fn show(member: Member) -> Result<Response, Error> {
    let body = shown(&member.console().sign_on(&member.actor).await?)?;
    Ok(tagged(StatusCode::OK, &etag(&body)?, body))
}

/// `PUT /system/single-sign-on`
pub(super) async fn replace(
    member: Member,
    headers: HeaderMap,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let mut sent = without(object(&payload)?, READ_ONLY);
    let secret: Option<String> = typed(sent.remove("secret").unwrap_or_default())?;
    let settings: SignOnSettings = typed(Value::Object(sent))?;
    let secret = match secret {
        None => NewSecret::Keep,
        Some(secret) if secret.is_empty() => NewSecret::Remove,
        Some(secret) => NewSecret::Set(secret),
    };
    let console = member.console();
    let before = console.sign_on(&member.actor).await?;
    seen(&member, &headers, &shown(&before)?)?;
    let keeps = secret == NewSecret::Keep;
    let meant = console.set_sign_on(&member.actor, settings, secret.clone(), true).await?;
    if wants(&member.visit, "dry_run") {
        return Ok(rehearsed());
    }
    let is_same = keeps && meant == before;
    let now = match is_same {
        true => before,
        false => console.set_sign_on(&member.actor, meant.settings, secret, false).await?,
    };
    let body = shown(&now)?;
    Ok(tagged(StatusCode::OK, &etag(&body)?, with(body, json!({ "changed": !is_same }))?))
}

/// `POST /system/single-sign-on/test`
pub(super) async fn test(member: Member) -> Result<Response, Error> {
    if wants(&member.visit, "dry_run") {
        return Ok(rehearsed());
    }
    let tried = member.console().try_sign_on(&member.actor).await?;
    Ok(ok(Tried { good: tried.is_ok(), reason: tried.err() }))
}
