//! A real server asked at once by every director, because a person wants to know now; and a check that is tried out
//! before it is configured. Nothing is kept of the answers here.

use hyper::Method;
use lvs::wire::{CheckKey, CheckNow, CheckTry, CheckedNow, Evidence};
use serde::Serialize;

use crate::audit::About;
use crate::clusters::find;
use crate::directors::row;
use crate::live::{DialError, Said};
use crate::{Actor, ChangeError, Console, Error, Failure, Missing, Role, Thing};

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
        let rows = tx.directors(Some(&found.id)).await?;
        drop(tx);
        Ok(self.ask_all(&rows, "/v1/check-now", &request).await?)
    }

    /// Has one director, or every director of the cluster, ask once what a monitor says, of an address that need not be
    /// configured. By director; no verdict follows. Needs Approver: a director asks for nobody what nobody activated who
    /// may.
    pub async fn try_check(
        &self,
        actor: &Actor,
        cluster: &str,
        director: Option<&str>,
        asked: CheckTry,
    ) -> Result<Vec<(String, CheckAnswer)>, ChangeError> {
        let (found, rows) = self.asked_to_try(actor, cluster, director, asked.clone()).await?;
        let mut tx = self.inner.store.write().await?;
        let subject = std::net::SocketAddr::new(asked.address, asked.port).to_string();
        let kinds: Vec<&str> = asked.monitor.checks.iter().map(|check| check.question.kind()).collect();
        let detail = kinds.join(", ");
        let about = About {
            action: "check.try",
            subject: &subject,
            cluster: Some(&found),
            detail: &detail,
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        tx.commit().await?;
        Ok(self.ask_all(&rows, "/v1/check-try", &asked).await?)
    }

    /// Whether that could be tried out; nobody is asked. Needs Approver.
    pub async fn may_try_check(
        &self,
        actor: &Actor,
        cluster: &str,
        director: Option<&str>,
        asked: CheckTry,
    ) -> Result<(), ChangeError> {
        self.asked_to_try(actor, cluster, director, asked).await.map(|_| ())
    }

    /// The cluster's id and the directors that would ask.
    async fn asked_to_try(
        &self,
        actor: &Actor,
        cluster: &str,
        director: Option<&str>,
        asked: CheckTry,
    ) -> Result<(String, Vec<store::Director>), ChangeError> {
        actor.require(Role::Approver)?;
        if asked.monitor.checks.is_empty() {
            return Err(ChangeError::Refused(
                "the monitor has no checks, so there is nothing to ask".to_owned(),
            ));
        }
        asked.validate().map_err(ChangeError::Invalid)?;
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let rows = match director {
            Some(director) => vec![row(&mut tx, &found.id, director).await?],
            None => tx.directors(Some(&found.id)).await?,
        };
        Ok((found.id, rows))
    }

    /// Sends the same to all directors that can be dialled, and takes what each saw.
    async fn ask_all(
        &self,
        rows: &[store::Director],
        path: &str,
        request: &impl Serialize,
    ) -> Result<Vec<(String, CheckAnswer)>, Failure> {
        let body = serde_json::to_vec(request).map_err(|e| Failure::of("check now", e))?;
        let asked = rows.iter().filter(|row| row.dial.is_some()).map(|row| {
            let body = body.clone();
            async move {
                let answer = match self.ask::<CheckedNow>(row, Method::POST, path, body).await {
                    Ok(Said::Answer(checked)) => CheckAnswer::Asked(checked.answers),
                    Ok(Said::Refused(reason)) => CheckAnswer::Refused { reason },
                    Err(DialError::Failed(failure)) => return Err(failure),
                    Err(error) => CheckAnswer::Unreachable { reason: error.to_string() },
                };
                Ok((row.name.clone(), answer))
            }
        });
        futures_util::future::try_join_all(asked).await
    }
}
