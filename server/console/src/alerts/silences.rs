//! Silences: set and ended. Needs Operator: whoever is called at night may also say that it is known.

use store::Tx;

use super::{AlertError, AlertSilence, SilenceSettings, WrongAlert};
use crate::clock::timestamp;
use crate::{Actor, Console, Failure, Missing, ProblemKind, Role, Thing, secret};

fn silence(row: store::AlertSilence) -> AlertSilence {
    AlertSilence {
        id: row.id,
        settings: SilenceSettings {
            cluster: row.cluster,
            kind: row.kind.as_deref().and_then(ProblemKind::named),
            problem: row.problem,
            reason: row.reason,
            begins: Some(timestamp(row.begins)),
            ends: timestamp(row.ends),
        },
        by: row.author,
    }
}

/// Those that have not ended.
pub(super) async fn current(tx: &mut Tx, now: i64) -> Result<Vec<AlertSilence>, Failure> {
    Ok(tx.alert_silences(now).await?.into_iter().map(silence).collect())
}

impl Console {
    /// Silences that have not ended, the one that ends first first.
    pub async fn alert_silences(&self) -> Result<Vec<AlertSilence>, AlertError> {
        let mut tx = self.inner.store.read().await?;
        Ok(current(&mut tx, self.now()).await?)
    }

    /// Sets a silence; only looks whether it could be set where `rehearse` is set. Needs Operator.
    pub async fn silence_alerts(
        &self,
        actor: &Actor,
        mut settings: SilenceSettings,
        rehearse: bool,
    ) -> Result<AlertSilence, AlertError> {
        actor.require(Role::Operator)?;
        let now = self.now();
        let mut wrong = settings.check(now);
        let mut tx = self.inner.store.write().await?;
        if let Some(key) = settings.cluster.as_deref() {
            match tx.cluster(key).await? {
                Some(found) => settings.cluster = Some(found.id),
                None => wrong.push(("cluster", WrongAlert::Cluster)),
            }
        }
        if !wrong.is_empty() {
            return Err(AlertError::Invalid(wrong));
        }
        let row = store::AlertSilence {
            id: secret::id("si_")?,
            cluster: settings.cluster,
            kind: settings.kind.map(|kind| kind.as_str().to_owned()),
            problem: settings.problem,
            reason: settings.reason.trim().to_owned(),
            author: actor.owner(),
            begins: settings.begins.map_or(now, jiff::Timestamp::as_second),
            ends: settings.ends.as_second(),
        };
        if !rehearse {
            tx.insert_alert_silence(&row).await?;
            let what = [row.cluster.as_deref(), row.kind.as_deref(), row.problem.as_deref()];
            let what: Vec<&str> = what.into_iter().flatten().collect();
            let what = if what.is_empty() { "all".to_owned() } else { what.join(" ") };
            let detail = format!("until {}: {}", timestamp(row.ends), row.reason);
            self.audit_row(&mut tx, actor, "alert.silence.create", &what, &detail).await?;
            tx.commit().await?;
        }
        Ok(silence(row))
    }

    /// Ends a silence. Needs Operator.
    pub async fn end_alert_silence(&self, actor: &Actor, id: &str) -> Result<(), AlertError> {
        actor.require(Role::Operator)?;
        let mut tx = self.inner.store.write().await?;
        if !tx.delete_alert_silence(id).await? {
            return Err(Missing::new(Thing::AlertSilence, id).into());
        }
        self.audit_row(&mut tx, actor, "alert.silence.delete", id, "").await?;
        Ok(tx.commit().await?)
    }
}
