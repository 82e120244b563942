//! Activations as tasks: what goes on after its request was answered, and how it ended.
//!
//! Kept in memory, the newest few: what an activation did is in revisions, events and the audit log; a task only
//! answers "and, is it done?". An activation goes on where its caller hangs up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::request::{listed, ok};
use super::shape::{self, StateShape};
use crate::App;
use crate::error::Error;
use crate::text::Language;
use crate::visit::Member;

/// Tasks that are remembered.
const REMEMBERED: usize = 1000;
/// How long an answer may take where the request says nothing, and at most.
const WAIT_S: u64 = 30;
const LONGEST_WAIT_S: u64 = 50;

/// How it ended, with the status of an answer that has it all; none while it goes on.
type Ending = Option<Result<Arc<(StatusCode, Value)>, Error>>;

#[derive(Clone, Debug)]
struct Task {
    id: String,
    cluster: String,
    by: String,
    began: Timestamp,
    ending: watch::Receiver<Ending>,
}

/// The activations of this console since it started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activations(Arc<Mutex<VecDeque<Task>>>);

/// An activation to be begun.
pub(super) struct Activating {
    pub(super) member: Member,
    /// The cluster's id.
    pub(super) cluster: String,
    pub(super) message: String,
    pub(super) keep_s: Option<u32>,
    /// Owner and tag of somebody else's draft; none is the caller's own.
    pub(super) theirs: Option<(String, String)>,
}

/// An activation as a task.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Task")]
pub(super) struct TaskShape {
    id: String,
    /// The cluster's id.
    cluster: String,
    /// Who asked for it.
    by: String,
    began: String,
    state: StateShape,
    /// What came of it; none while it goes on or where it failed.
    activation: Option<Value>,
    /// Why nothing was activated (RFC 9457).
    problem: Option<Map<String, Value>>,
}

fn told(task: &Task, language: Language) -> TaskShape {
    let ending = task.ending.borrow().clone();
    let (state, activation, problem) = match ending {
        None => (StateShape::Running, None, None),
        Some(Ok(done)) => {
            let complete = done.1.get("state").and_then(Value::as_str) == Some("complete");
            let state = if complete { StateShape::Complete } else { StateShape::Partial };
            (state, Some(done.1.clone()), None)
        }
        Some(Err(error)) => {
            let place = format!("/api/v1/clusters/{}/activations/{}", task.cluster, task.id);
            let problem = super::problem::body(&error, language, &place);
            (StateShape::Failed, None, problem.as_object().cloned())
        }
    };
    TaskShape {
        id: task.id.clone(),
        cluster: task.cluster.clone(),
        by: task.by.clone(),
        began: task.began.to_string(),
        state,
        activation,
        problem,
    }
}

/// Seconds that the caller wants to wait (RFC 7240).
fn patience(headers: &HeaderMap) -> Duration {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut wait = WAIT_S;
    for preference in values.flat_map(|value| value.split(',')).map(str::trim) {
        if preference.eq_ignore_ascii_case("respond-async") {
            wait = 0;
        } else if let Some(seconds) = preference.strip_prefix("wait=").and_then(|text| text.parse().ok()) {
            wait = LONGEST_WAIT_S.min(seconds);
        }
    }
    Duration::from_secs(wait)
}

impl Activations {
    fn remember(&self, task: Task) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push_front(task);
        tasks.truncate(REMEMBERED);
    }

    fn of(&self, cluster: &str) -> Vec<Task> {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().filter(|task| task.cluster == cluster).cloned().collect()
    }

    /// Begins an activation, and answers when it is done or the caller's patience is over.
    pub(super) async fn begin(&self, activating: Activating, headers: &HeaderMap) -> Result<Response, Error> {
        let Activating { member, cluster, message, keep_s, theirs } = activating;
        let (done, mut ending) = watch::channel(None);
        let task = Task {
            id: format!("act_{}", crate::error::incident()),
            cluster: cluster.clone(),
            by: format!("{}/{}", member.actor.kind.as_str(), member.actor.name),
            began: Timestamp::now(),
            ending: ending.clone(),
        };
        self.remember(task.clone());
        let language = member.language();
        tokio::spawn(async move {
            let own = theirs.is_none();
            let theirs = theirs.as_ref().map(|(owner, etag)| console::Theirs { owner, etag });
            let how = console::Activate { message: &message, keep_s, theirs };
            let outcome = member.console().activate_as(&member.actor, &cluster, how).await;
            let outcome = outcome.map_err(Error::from).and_then(|outcome| {
                let body = serde_json::to_value(shape::activation(&outcome)).map_err(Error::internal)?;
                Ok(Arc::new((shape::reached(Some(&outcome)), body)))
            });
            let outcome = match outcome {
                Err(error) if own => Err(super::drafts::told_apart(&member, &cluster, error).await),
                outcome => outcome,
            };
            // Whoever waited may be gone; the task remembers.
            let _ = done.send(Some(outcome));
        });
        let ended = tokio::time::timeout(patience(headers), ending.wait_for(Option::is_some)).await;
        if let Ok(ended) = ended {
            match ended.map_err(|_| Error::internal("an activation broke off"))?.clone() {
                Some(Ok(done)) if done.0 == StatusCode::OK => return Ok(ok(&done.1)),
                // Accepted, and not done: a director lacks it. The task says which.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Err(Error::internal("an activation without an end")),
            }
        }
        let place = format!("/api/v1/clusters/{}/activations/{}", task.cluster, task.id);
        let mut response = (StatusCode::ACCEPTED, Json(told(&task, language))).into_response();
        if let Ok(place) = HeaderValue::from_str(&place) {
            response.headers_mut().insert(header::LOCATION, place);
        }
        Ok(response)
    }
}

async fn id_of(member: &Member, cluster: &str) -> Result<String, Error> {
    Ok(member.console().cluster(cluster).await?.id)
}

/// `GET …/activations`: those since this console started, newest first.
pub(super) async fn list(
    member: Member,
    State(app): State<App>,
    Path(cluster): Path<String>,
) -> Result<Response, Error> {
    let tasks = app.activations.of(&id_of(&member, &cluster).await?);
    let items = tasks.iter().map(|task| (task.id.clone(), told(task, member.language()))).collect();
    Ok(ok(listed(&member.visit, items)?))
}

/// `GET …/activations/{activation}`
pub(super) async fn one(
    member: Member,
    State(app): State<App>,
    Path((cluster, id)): Path<(String, String)>,
) -> Result<Response, Error> {
    let tasks = app.activations.of(&id_of(&member, &cluster).await?);
    let task = tasks.iter().find(|task| task.id == id).ok_or(Error::NotFound)?;
    Ok(ok(told(task, member.language())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_str(text).unwrap());
            patience(&headers).as_secs()
        };
        assert_eq!(read("wait=5"), 5);
        assert_eq!(read("respond-async"), 0);
        assert_eq!(read("handling=strict, wait=2"), 2);
        assert_eq!(read("wait=100000"), LONGEST_WAIT_S);
        assert_eq!(read("wait=soon"), WAIT_S);
    }
}
