//! A real server asked at once by every director, because a person wants to know now. Nothing is kept of it here.

use hyper::Method;
use lvs::wire::{CheckKey, CheckNow, CheckedNow, Evidence};

use crate::clusters::find;
use crate::live::{DialError, Said};
use crate::{Actor, Console, Error, Failure, Missing, Role, Thing};

/// What a director answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckAnswer {
    /// It asked, check by check in the configured order.
    Asked(Vec<Evidence>),
    /// It does not check this server.
    Refused {
        /// In the director's words.
        reason: String,
    },
    /// It was not reached.
    Unreachable {
        /// Why.
        reason: String,
    },
}

impl Console {
    /// Has every director of the cluster ask all checks of a real server of what runs, beside their usual turn; both
    /// servers by id or name. By director. The answers count like any others. Needs Operator.
    pub async fn check_now(
        &self,
        actor: &Actor,
        cluster: &str,
        (service, server): (&str, &str),
    ) -> Result<Vec<(String, CheckAnswer)>, Error> {
        actor.require(Role::Operator)?;
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let missing = |thing, name: &str| Error::from(Missing::new(thing, name));
        let running = tx.newest_revision(&found.id).await?;
        let running = running.ok_or_else(|| missing(Thing::VirtualServer, service))?;
        let mut services = running.content.virtual_servers.iter();
        let there = services.find(|there| there.id.0 == service || there.name == service);
        let there = there.ok_or_else(|| missing(Thing::VirtualServer, service))?;
        let mut servers = there.real_servers.iter();
        let real = servers.find(|real| real.id.0 == server || real.name == server);
        let real = real.ok_or_else(|| missing(Thing::RealServer, server))?;
        let Some(key) = there.key() else {
            return Err(Error::Refused("the virtual server has neither address nor mark".to_owned()));
        };
        let request =
            CheckNow { key: CheckKey { service: key, server: there.server_key(real), sorry: false } };
        let body = serde_json::to_vec(&request).map_err(|e| Failure::of("check now", e))?;
        let rows = tx.directors(Some(&found.id)).await?;
        drop(tx);
        let asked = rows.iter().filter(|row| row.dial.is_some()).map(|row| {
            let body = body.clone();
            async move {
                let answer = match self.ask::<CheckedNow>(row, Method::POST, "/v1/check-now", body).await {
                    Ok(Said::Answer(checked)) => CheckAnswer::Asked(checked.answers),
                    Ok(Said::Refused(reason)) => CheckAnswer::Refused { reason },
                    Err(DialError::Failed(failure)) => return Err(failure),
                    Err(error) => CheckAnswer::Unreachable { reason: error.to_string() },
                };
                Ok((row.name.clone(), answer))
            }
        });
        let answers: Result<Vec<_>, Failure> = futures_util::future::try_join_all(asked).await;
        Ok(answers?)
    }
}
