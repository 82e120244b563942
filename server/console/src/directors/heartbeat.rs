//! What directors need to speak with each other, and what operators tell them to do.

use std::collections::BTreeSet;

use hyper::Method;
use lvs::model::Secret;
use lvs::wire::{DirectorOrder, HeartbeatKey, HeartbeatKeys, OrderRequest, Status};

use store::Tx;

use super::row;
use crate::audit::About;
use crate::clusters::find;
use crate::live::{DialError, Said};
use crate::{Actor, Console, Error, Failure, PushOutcome, PushResult, Role};

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderOutcome {
    /// The director follows it.
    Followed,
    /// It does not, and why.
    Refused {
        /// In the director's words.
        reason: String,
    },
    /// It was not reached; whether it heard the order is not known.
    Unreachable {
        /// Why.
        reason: String,
    },
}

/// What became of a change of the heartbeat's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The new key's number.
    pub number: u16,
    /// Whether beats are sent with it; else not every director accepts it yet, and the old one is sent.
    pub sent: bool,
    /// What the last push brought.
    pub results: Vec<PushResult>,
}

/// What runs, where its directors send beats.
async fn with_beats(tx: &mut Tx, cluster: &str) -> Result<store::Revision, Error> {
    let running = tx.newest_revision(cluster).await?;
    let off = || Error::Refused("redundancy is off in what runs, so there are no beats".to_owned());
    running.filter(|running| running.content.redundancy.enabled).ok_or_else(off)
}

impl Console {
    /// Gives an operator's order to a director: hand over, take over, hold, resume. Needs Operator. `force` hands over
    /// even where connections are lost that could be kept by waiting.
    pub async fn order(
        &self,
        actor: &Actor,
        cluster: &str,
        director: &str,
        order: DirectorOrder,
        force: bool,
    ) -> Result<OrderOutcome, Error> {
        actor.require(Role::Operator)?;
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let row = row(&mut tx, &found.id, director).await?;
        let action = match order {
            DirectorOrder::SwitchOver => "director.switch-over",
            DirectorOrder::TakeOver => "director.take-over",
            DirectorOrder::Hold => "director.hold",
            DirectorOrder::Resume => "director.resume",
        };
        let about = About {
            action,
            subject: &row.name,
            cluster: Some(&found.id),
            detail: if force { "force" } else { "" },
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        tx.commit().await?;
        let body = serde_json::to_vec(&OrderRequest { order, force }).map_err(|e| Failure::of("order", e))?;
        match self.ask::<Status>(&row, Method::POST, "/v1/order", body).await {
            Ok(Said::Answer(_)) => Ok(OrderOutcome::Followed),
            Ok(Said::Refused(reason)) => Ok(OrderOutcome::Refused { reason }),
            Err(DialError::Failed(failure)) => Err(failure.into()),
            Err(error) => Ok(OrderOutcome::Unreachable { reason: error.to_string() }),
        }
    }

    /// The keys of a cluster's heartbeat, made where there is none yet.
    pub(crate) async fn heartbeat_keys(&self, cluster: &str) -> Result<Option<HeartbeatKeys>, Failure> {
        let mut keys = self.inner.store.read().await?.heartbeat_keys(cluster).await?;
        if keys.is_empty() {
            let mut tx = self.inner.store.write().await?;
            keys = tx.heartbeat_keys(cluster).await?;
            if keys.is_empty() {
                let secret = hex::encode(crate::secret::random::<32>()?);
                let key = store::HeartbeatKey { number: 1, secret, created: self.now(), sending: true };
                match tx.insert_heartbeat_key(cluster, &key).await {
                    Ok(()) => tx.commit().await?,
                    // The cluster was removed in the meantime.
                    Err(store::Error::Reference) => return Ok(None),
                    Err(error) => return Err(error.into()),
                }
                keys.push(key);
            }
        }
        let key = |key: store::HeartbeatKey| HeartbeatKey { id: key.number, secret: Secret::new(key.secret) };
        let place = keys.iter().position(|key| key.sending).unwrap_or_default();
        let sending = (place < keys.len()).then(|| keys.remove(place)).map(key);
        Ok(sending.map(|sending| HeartbeatKeys { sending, accepted: keys.into_iter().map(key).collect() }))
    }

    /// Whether a cluster's directors have a key that could be changed; nothing is done. Needs Operator.
    pub async fn may_change_heartbeat_key(&self, actor: &Actor, cluster: &str) -> Result<(), Error> {
        actor.require(Role::Operator)?;
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        with_beats(&mut tx, &found.id).await.map(|_| ())
    }

    /// Gives a cluster's directors another key for their beats. Needs Operator.
    ///
    /// Both accept the new key before either sends with it. Where one of them cannot be reached, that is how far it goes;
    /// the same call goes on from there. The key before stays accepted until the next change.
    pub async fn change_heartbeat_key(&self, actor: &Actor, cluster: &str) -> Result<KeyChange, Error> {
        actor.require(Role::Operator)?;
        let secret = hex::encode(crate::secret::random::<32>()?);
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let running = with_beats(&mut tx, &found.id).await?;
        let keys = tx.heartbeat_keys(&found.id).await?;
        let newest = keys.first().map_or(0, |key| key.number);
        let number = match keys.first() {
            Some(key) if !key.sending => key.number,
            _ => {
                let number = newest.checked_add(1).ok_or_else(|| {
                    Error::Refused(
                        "this cluster has had 65535 keys, and there are no more numbers".to_owned(),
                    )
                })?;
                let key =
                    store::HeartbeatKey { number, secret, created: self.now(), sending: keys.is_empty() };
                tx.insert_heartbeat_key(&found.id, &key).await?;
                number
            }
        };
        let about = About {
            action: "cluster.heartbeat-key",
            subject: &found.name,
            cluster: Some(&found.id),
            detail: &number.to_string(),
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        tx.commit().await?;
        let accepting = self.push_all(&found.id, &running.content, &BTreeSet::new()).await?;
        let took = |result: &PushResult| matches!(result.outcome, PushOutcome::Applied { .. });
        if !accepting.iter().all(took) {
            return Ok(KeyChange { number, sent: false, results: accepting });
        }
        let mut tx = self.inner.store.write().await?;
        tx.send_with_heartbeat_key(&found.id, number, number.saturating_sub(1)).await?;
        tx.commit().await?;
        let results = self.push_all(&found.id, &running.content, &BTreeSet::new()).await?;
        Ok(KeyChange { number, sent: true, results })
    }
}
