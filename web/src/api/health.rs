//! `GET …/real-servers/{real}/health`: what each director's checks say of a real server, and by what they say it.

use axum::extract::Path;
use axum::response::Response;
use console::{CheckAnswer, LiveDirector};
use lvs::table::{ServerKey, ServiceKey};
use lvs::wire::{CheckStatus, Evidence};
use schemars::JsonSchema;
use serde::Serialize;

use super::clusters::seen;
use super::request::{ok, rehearsed, wants};
use crate::error::Error;
use crate::screens::objects::{real_server, virtual_server};
use crate::text::Language;
use crate::verdicts;
use crate::visit::Member;

/// What one director's checks say of a real server.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DirectorHealth")]
pub(super) struct HealthLine {
    /// Verdict and reason, in the language asked for.
    text: Option<String>,
    /// What is wrong with the checker itself: why the server cannot be asked, or for how long no result has come.
    trouble: Option<String>,
    director: String,
    connected: bool,
    at: Option<String>,
    health: Option<CheckStatus>,
}

/// What all directors' checks say of a real server.
#[derive(Serialize, JsonSchema)]
pub(super) struct Health {
    service: Option<ServiceKey>,
    server: ServerKey,
    directors: Vec<HealthLine>,
}

/// What one director saw when it asked at once.
#[derive(Serialize, JsonSchema)]
struct Asked {
    director: String,
    /// `asked`, `refused` or `unreachable`.
    outcome: &'static str,
    reason: Option<String>,
    /// Check by check, in the configured order.
    answers: Vec<Evidence>,
}

/// What all directors saw when they asked at once.
#[derive(Serialize, JsonSchema)]
pub(super) struct AskedAll {
    directors: Vec<Asked>,
}

/// One director's view. Where it says nothing of the server, that may be new or not active there.
pub(super) fn view(
    language: Language,
    director: &LiveDirector,
    service: Option<ServiceKey>,
    server: ServerKey,
) -> HealthLine {
    let checks = director.checks.as_ref();
    let known = service.and_then(|service| checks?.get(&service)?.servers.get(&server));
    let text = known.map(|status| {
        let verdict = verdicts::verdict(language.into(), status.verdict);
        format!("{verdict}: {}", verdicts::why(language.into(), &status.reason))
    });
    let trouble = known.and_then(|status| verdicts::checker(language.into(), director, status.checker));
    HealthLine {
        text,
        trouble,
        director: director.name.clone(),
        connected: director.connected,
        at: director.checks_at.as_ref().map(ToString::to_string),
        health: known.cloned(),
    }
}

/// `POST …/real-servers/{real}/check-now`: every director asks it at once; what each one saw, check by check.
pub(super) async fn check_now(
    member: Member,
    Path((cluster, key, real)): Path<(String, String, String)>,
) -> Result<Response, Error> {
    if wants(&member.visit, "dry_run") {
        one(member, Path((cluster, key, real))).await?;
        return Ok(rehearsed());
    }
    let answers = member.console().check_now(&member.actor, &cluster, (&key, &real)).await?;
    Ok(ok(asked(answers)))
}

/// What each director answered.
pub(super) fn asked(answers: Vec<(String, CheckAnswer)>) -> AskedAll {
    let directors = answers
        .into_iter()
        .map(|(director, answer)| {
            let (outcome, reason, evidence) = match answer {
                CheckAnswer::Asked(evidence) => ("asked", None, evidence),
                CheckAnswer::Refused { reason } => ("refused", Some(reason), Vec::new()),
                CheckAnswer::Unreachable { reason } => ("unreachable", Some(reason), Vec::new()),
            };
            Asked { director, outcome, reason, answers: evidence }
        })
        .collect();
    AskedAll { directors }
}

/// `GET …/real-servers/{real}/health`
pub(super) async fn one(
    member: Member,
    Path((cluster, key, real)): Path<(String, String, String)>,
) -> Result<Response, Error> {
    let seen = seen(&member, &cluster).await?;
    let (_, server) = virtual_server(&seen.content, &key)?;
    let (_, real) = real_server(server, &real)?;
    let live = member.console().live(&cluster).await?;
    let (service, key) = (server.key(), server.server_key(real));
    let directors =
        live.directors.iter().map(|director| view(member.language(), director, service, key)).collect();
    Ok(ok(Health { service, server: key, directors }))
}
