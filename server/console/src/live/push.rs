//! Pushing the running revision to one director, and recording what became of it.

use hyper::Method;
use lvs::wire::{Applied, Digest, Provisional, Target};
use store::Push;

use super::Sync;
use super::ask::Said;
use super::dial::DialError;
use crate::{Console, Failure, PushOutcome, PushResult};

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
        self.push_over(cluster, name, force, None).await
    }

    /// The same, without force, over the unknown content with the digest `over`, which somebody has taken into account.
    pub(crate) async fn push_over(
        &self,
        cluster: &str,
        name: &str,
        force: bool,
        over: Option<&Digest>,
    ) -> Result<PushResult, Failure> {
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
        let trial = self.inner.store.read().await?.provisional(cluster).await?;
        let trial = trial.filter(|trial| trial.revision == revision);
        let left = trial.map(|trial| trial.until - self.now());
        let known = over.is_some() && self.inner.live.held_digest(&row.id).as_ref() == over;
        let why = match left {
            Some(left) if left <= 0 => {
                Some(format!("revision {revision} was not kept in time; it is being undone"))
            }
            Some(_) if !self.inner.live.may_try(&row.id) => {
                Some(format!("revision {revision} is on trial, and this director cannot go back from it"))
            }
            _ => held(&self.inner.live.sync(&row.id)).filter(|_| !force && !known),
        };
        let outcome = match why {
            Some(reason) => PushOutcome::Held { reason },
            None => {
                let target = Target {
                    cluster_id: cluster.to_owned(),
                    director_id: row.id.clone(),
                    director: row.name.clone(),
                    revision,
                    digest: running.digest,
                    force,
                    heartbeat: self.heartbeat_keys(cluster).await?,
                    provisional: left
                        .map(|left| Provisional { seconds: u32::try_from(left).unwrap_or(u32::MAX) }),
                    cluster: running.content.as_ref().clone(),
                };
                match self.send_target(&row, &target).await {
                    Ok(Answer::Applied(applied)) => {
                        self.inner.live.applied(&row.id, &applied, left.is_some());
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
        let body = serde_json::to_vec(target).map_err(|e| Failure::of("target", e))?;
        Ok(match self.ask(row, Method::PUT, "/v1/target", body).await? {
            Said::Answer(applied) => Answer::Applied(applied),
            Said::Refused(reason) => Answer::Refused(reason),
        })
    }
}

pub(crate) fn outcome(applied: Applied) -> PushOutcome {
    PushOutcome::Applied {
        in_sync: applied.in_sync,
        steps: applied.steps,
        failures: applied.failures.into_iter().map(|f| format!("{}: {}", f.step, f.reason)).collect(),
        took_ms: applied.took_ms,
    }
}
