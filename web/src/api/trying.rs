//! `POST …/checks/try`: a check before it is configured: asked once by directors, kept nowhere.

use std::net::IpAddr;

use axum::extract::{Extension, Path};
use axum::response::Response;
use console::ChangeError;
use lvs::model::{Monitor, Protocol};
use lvs::wire::CheckTry;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::health::asked;
use super::request::{object, ok, rehearsed, typed, wants};
use crate::error::{Error, FieldProblem};
use crate::guard::Payload;
use crate::visit::Member;

/// What is asked, of whom, by whom.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CheckToTry")]
pub(super) struct Trial {
    /// The only director that asks, by name or id; all of the cluster where absent.
    #[serde(default)]
    director: Option<String>,
    /// The address that is asked; it need not be configured.
    address: IpAddr,
    /// The port that the real server would have; a check's or the monitor's own port goes before.
    port: u16,
    /// Of the virtual server that the check would be for.
    #[serde(default)]
    protocol: Protocol,
    /// As a virtual server or real server has it; how often it would be asked counts for nothing here.
    monitor: Monitor,
}

/// What was wrong with it, with pointers into the body that was sent.
fn in_body(error: ChangeError) -> Error {
    let ChangeError::Invalid(findings) = error else { return error.into() };
    let errors = findings.iter().filter(|finding| finding.severity == lvs::Severity::Error);
    let problem = |finding: &lvs::Finding| {
        let mut problem = FieldProblem::of(finding, "");
        let mut places = CheckTry::PLACES.iter();
        let within = places.find_map(|(there, here)| Some((problem.pointer.strip_prefix(there)?, here)));
        problem.pointer = within.map(|(rest, here)| format!("{here}{rest}")).unwrap_or_default();
        problem
    };
    Error::Unprocessable(errors.map(problem).collect())
}

/// `POST …/checks/try`: what each director saw, check by check.
pub(super) async fn once(
    member: Member,
    Path(cluster): Path<String>,
    Extension(payload): Extension<Payload>,
) -> Result<Response, Error> {
    let Trial { director, address, port, protocol, monitor } = typed(Value::Object(object(&payload)?))?;
    let question = CheckTry { address, port, protocol, monitor };
    let (console, director) = (member.console(), director.as_deref());
    if wants(&member.visit, "dry_run") {
        console.may_try_check(&member.actor, &cluster, director, question).await.map_err(in_body)?;
        return Ok(rehearsed());
    }
    let answers = console.try_check(&member.actor, &cluster, director, question).await.map_err(in_body)?;
    Ok(ok(asked(answers)))
}
