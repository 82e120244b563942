//! Pushing the running revision to one director, and recording what became of it.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use lvs::wire::{Applied, Digest, Refusal, Target};
use store::Push;

use super::Sync;
use super::dial::DialError;
use crate::{Console, Failure, PushOutcome, PushResult};

/// An agent answers when its kernel has been told; a large table takes a while.
const ANSWER: Duration = Duration::from_secs(120);
/// The answer names every step.
const ANSWER_LIMIT: usize = 32 << 20;

/// What an agent said to a push.
enum Answer {
    Applied(Applied),
    Refused(String),
}

/// The word and the words under which an outcome is kept; none where there is nothing to keep.
fn kept(outcome: &PushOutcome) -> Option<(&'static str, String)> {
    Some(match outcome {
        PushOutcome::Applied { in_sync: true, steps, .. } => ("applied", format!("{} steps", steps.len())),
        PushOutcome::Applied { failures, .. } => ("partial", failures.join("; ")),
        PushOutcome::Refused { reason } => ("refused", reason.clone()),
        PushOutcome::Unreachable { reason } => ("unreachable", reason.clone()),
        PushOutcome::Held { reason } => ("held", reason.clone()),
        PushOutcome::NotEnrolled => return None,
    })
}

/// Why nothing is pushed to a director in that state by itself.
fn held(sync: &Sync) -> Option<String> {
    match sync {
        Sync::Ahead { held } => Some(format!("it holds revision {held}, which this console does not know")),
        Sync::OtherContent { held } => Some(format!("it holds a revision {held} with other content")),
        _ => None,
    }
}

impl Console {
    /// Pushes the running revision of a cluster to one director. `force` overwrites a newer or unknown revision.
    pub(crate) async fn push(&self, cluster: &str, name: &str, force: bool) -> Result<PushResult, Failure> {
        let result = |outcome| PushResult { director: name.to_owned(), outcome };
        let mut tx = self.inner.store.read().await?;
        let row = tx.directors(Some(cluster)).await?.into_iter().find(|d| d.name == name);
        let Some(row) = row else { return Ok(result(PushOutcome::NotEnrolled)) };
        if tx.newest_certificate(&row.id).await?.is_none() {
            return Ok(result(PushOutcome::NotEnrolled));
        }
        drop(tx);

        // One push at a time to each director; the revision is read under the lock, so the last push is the newest.
        let lock = self.inner.links.lock_of(&row.id);
        let _one = lock.lock().await;
        let Some(running) = self.inner.store.read().await?.newest_revision(cluster).await? else {
            return Ok(result(PushOutcome::Held { reason: "nothing has been activated yet".to_owned() }));
        };
        let revision = running.head.number;
        let outcome = match held(&self.inner.live.sync(&row.id)).filter(|_| !force) {
            Some(reason) => PushOutcome::Held { reason },
            None => {
                let target = Target {
                    cluster_id: cluster.to_owned(),
                    director_id: row.id.clone(),
                    director: row.name.clone(),
                    revision,
                    digest: Digest::of(&running.content),
                    force,
                    cluster: running.content,
                };
                match self.send_target(&row, &target).await {
                    Ok(Answer::Applied(applied)) => {
                        self.inner.live.applied(&row.id, &applied);
                        outcome(applied)
                    }
                    Ok(Answer::Refused(reason)) => {
                        self.inner.live.refused(&row.id, revision);
                        PushOutcome::Refused { reason }
                    }
                    Err(DialError::Failed(failure)) => return Err(failure),
                    Err(error) => {
                        self.inner.live.unreached(&row.id);
                        PushOutcome::Unreachable { reason: error.to_string() }
                    }
                }
            }
        };
        if let Some((word, detail)) = kept(&outcome) {
            tracing::info!(director = %name, revision, outcome = word, detail = %detail, "pushed");
            let detail = detail.chars().take(2000).collect();
            let push = Push { revision, outcome: word.to_owned(), detail, at: self.now() };
            let mut tx = self.inner.store.write().await?;
            match tx.put_push(&row.id, &push).await {
                // The director was removed in the meantime.
                Err(store::Error::Reference) => {}
                other => {
                    other?;
                    tx.commit().await?;
                }
            }
        }
        Ok(result(outcome))
    }

    async fn send_target(&self, row: &store::Director, target: &Target) -> Result<Answer, DialError> {
        let address = row.dial.as_deref().ok_or(DialError::NoAddress)?;
        let body = serde_json::to_vec(target).map_err(|e| Failure::of("target", e))?;
        let mut connection = self.dial(&row.id, address).await?;
        let response = connection.send(hyper::Method::PUT, "/v1/target", body, ANSWER).await?;
        let status = response.status();
        let silent = || DialError::Silent { address: address.to_owned() };
        let body = tokio::time::timeout(ANSWER, Limited::new(response.into_body(), ANSWER_LIMIT).collect())
            .await
            .map_err(|_| silent())?
            .map_err(|e| connection.broken(e))?
            .to_bytes();
        if status.is_success() {
            return serde_json::from_slice(&body).map(Answer::Applied).map_err(|e| connection.broken(e));
        }
        match serde_json::from_slice::<Refusal>(&body) {
            // Something failed over there: worth another try.
            Ok(Refusal::Failed { detail }) => Err(connection.broken(detail)),
            Ok(refusal) => Ok(Answer::Refused(refusal.to_string())),
            Err(_) if status.is_client_error() => Ok(Answer::Refused(format!("it answered {status}"))),
            Err(_) => Err(connection.broken(format!("it answered {status}"))),
        }
    }
}

fn outcome(applied: Applied) -> PushOutcome {
    PushOutcome::Applied {
        in_sync: applied.in_sync,
        steps: applied.steps,
        failures: applied.failures.into_iter().map(|f| format!("{}: {}", f.step, f.reason)).collect(),
        took_ms: applied.took_ms,
    }
}
