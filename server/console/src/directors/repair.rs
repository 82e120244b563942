//! What a person decides about a director that is not as it should be: repair what somebody else changed, and which
//! unknown configurations somebody has taken into account.

use std::collections::BTreeSet;

use hyper::Method;
use lvs::plan::Row;
use lvs::wire::{Applied, RepairRequest};
use store::Tx;

use super::row;
use crate::audit::About;
use crate::clusters::find;
use crate::live::{DialError, Said, outcome};
use crate::{Actor, Console, Error, Failure, PushOutcome, PushResult, Role};

/// The audit log's word for a director's unknown configuration that was taken as a draft.
pub(crate) const THEIRS: &str = "director.theirs";
/// Audit rows of a cluster that are looked through for it.
const LOOKED_THROUGH: u32 = 500;

/// Directors with the digest of what was taken from them, by whomever.
pub(crate) async fn taken_theirs(
    tx: &mut Tx,
    cluster: &str,
) -> Result<BTreeSet<(String, String)>, store::Error> {
    let rows = tx.audit_rows(Some(cluster), None, LOOKED_THROUGH).await?;
    let taken = rows.into_iter().filter(|row| row.action == THEIRS);
    Ok(taken.filter_map(|row| Some((row.subject, row.after?))).collect())
}

impl Console {
    /// Has a director put right now what somebody else changed in these rows (all that drift, where none is named),
    /// instead of waiting or holding. Needs Operator.
    pub async fn repair(
        &self,
        actor: &Actor,
        cluster: &str,
        director: &str,
        rows: &BTreeSet<Row>,
    ) -> Result<PushResult, Error> {
        actor.require(Role::Operator)?;
        let rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let row = row(&mut tx, &found.id, director).await?;
        let about = About {
            action: "director.repair",
            subject: &row.name,
            cluster: Some(&found.id),
            detail: &rows.join(", ").chars().take(2_000).collect::<String>(),
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        tx.commit().await?;
        let body = serde_json::to_vec(&RepairRequest { rows }).map_err(|e| Failure::of("repair", e))?;
        let outcome = match self.ask::<Applied>(&row, Method::POST, "/v1/repair", body).await {
            Ok(Said::Answer(applied)) => {
                self.inner.live.applied(&row.id, &applied, true);
                outcome(applied)
            }
            Ok(Said::Refused(reason)) => PushOutcome::Refused { reason },
            Err(DialError::Failed(failure)) => return Err(failure.into()),
            Err(error) => PushOutcome::Unreachable { reason: error.to_string() },
        };
        Ok(PushResult { director: row.name, outcome })
    }
}
