//! Directors as the console keeps them: where they are dialled, whether they may take part, how they join.
//!
//! A director is configured by its name in a cluster's content; its row here, with an identity, is made with its
//! first join token. The two are matched by name. What a director reports is `live`.

mod enrol;
mod heartbeat;
mod pending;
mod repair;
mod types;
mod witness;

use std::collections::BTreeSet;

use lvs::model::Director;
use store::Tx;

pub use heartbeat::{KeyChange, OrderOutcome};
pub use pending::PendingJoin;
pub(crate) use repair::{THEIRS, taken_theirs};
pub use types::*;

use crate::audit::About;
use crate::clock::timestamp;
use crate::clusters::find;
use crate::{Actor, Console, Error, Missing, PushOutcome, PushResult, Role, Thing, secret};

/// The port agents listen on where nothing else is said.
pub(crate) const AGENT_PORT: u16 = 3637;
/// Seconds a join token is good.
const TOKEN_LIFE: i64 = 15 * 60;

/// `HOST`, `HOST:PORT`, `ADDRESS` or `[ADDRESS]:PORT`, with the agent's port where none is named.
/// An address to dial as it is kept, with its port; refused where it is none.
pub fn dial_address(text: &str) -> Result<String, Error> {
    let text = text.trim();
    let refused =
        || Error::Refused(format!("{text:?} is no address to dial; it looks like 192.0.2.10:{AGENT_PORT}"));
    if let Ok(address) = text.parse::<std::net::SocketAddr>() {
        return if address.port() == 0 { Err(refused()) } else { Ok(address.to_string()) };
    }
    if let Ok(address) = text.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>() {
        return Ok(std::net::SocketAddr::new(address, AGENT_PORT).to_string());
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().ok().filter(|p| *p != 0).ok_or_else(refused)?),
        None => (text, AGENT_PORT),
    };
    let fits = (1..=253).contains(&host.len())
        && !host.starts_with('-')
        && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if fits { Ok(format!("{host}:{port}")) } else { Err(refused()) }
}

/// The directors of what runs, then those of the caller's draft that run nowhere yet.
async fn configured(tx: &mut Tx, cluster: &str, owner: &str) -> Result<Vec<(Director, bool)>, store::Error> {
    let running = tx.newest_revision(cluster).await?;
    let running = running.as_ref().map(|r| r.content.directors.as_slice()).unwrap_or_default();
    let mut all: Vec<(Director, bool)> = running.iter().map(|d| (d.clone(), false)).collect();
    for director in tx.draft(cluster, owner).await?.map(|d| d.content.directors).unwrap_or_default() {
        if all.iter().all(|(known, _)| known.name != director.name) {
            all.push((director, true));
        }
    }
    Ok(all)
}

/// A director's row by name or id.
pub(crate) async fn row(tx: &mut Tx, cluster: &str, director: &str) -> Result<store::Director, Error> {
    let rows = tx.directors(Some(cluster)).await?;
    let found = rows.iter().find(|d| d.name == director).or_else(|| rows.iter().find(|d| d.id == director));
    found.cloned().ok_or_else(|| Missing::new(Thing::Director, director).into())
}

impl Console {
    /// The directors of a cluster: configured ones (running, then the caller's draft), then those with an identity
    /// that are no longer configured.
    pub async fn directors(&self, actor: &Actor, cluster: &str) -> Result<Vec<DirectorView>, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let configured = configured(&mut tx, &found.id, &actor.owner()).await?;
        let rows = tx.directors(Some(&found.id)).await?;
        let names: BTreeSet<&str> = configured.iter().map(|(d, _)| d.name.as_str()).collect();
        let left = rows.iter().filter(|row| !names.contains(row.name.as_str()));
        let all: Vec<_> = configured
            .iter()
            .map(|(d, draft_only)| (d.name.clone(), Some(d), *draft_only))
            .chain(left.map(|row| (row.name.clone(), None, false)))
            .collect();
        let mut views = Vec::new();
        for (name, director, draft_only) in all {
            let row = rows.iter().find(|row| row.name == name);
            let mut view = DirectorView {
                id: row.map(|r| r.id.clone()),
                seat: director.map(|d| d.seat),
                public: director.and_then(|d| d.public),
                private: director.and_then(|d| d.private),
                dial: row.and_then(|r| r.dial.clone()),
                enrolled: false,
                certificate_ends: None,
                token_expires: None,
                draft_only,
                last_push: None,
                live: None,
                name,
            };
            if let Some(row) = row {
                let certificate = tx.newest_certificate(&row.id).await?;
                view.enrolled = certificate.is_some();
                view.certificate_ends = certificate.map(|c| timestamp(c.ends));
                let token = tx.open_join_token(&row.id, self.now()).await?;
                view.token_expires = token.map(|t| timestamp(t.expires));
                view.last_push = tx.last_push(&row.id).await?.map(|p| LastPush {
                    revision: p.revision,
                    outcome: p.outcome,
                    detail: p.detail,
                    at: timestamp(p.at),
                });
                view.live = self.inner.live.by_name(&found.id, &row.name);
            }
            views.push(view);
        }
        Ok(views)
    }

    /// A token with which one agent may join as `director`, a name of what runs or of the caller's draft. Earlier
    /// unused tokens for it end. `dial` is where the console will dial it; where absent, the address it joins from.
    /// Needs Admin.
    pub async fn join_token(
        &self,
        actor: &Actor,
        cluster: &str,
        director: &str,
        dial: Option<&str>,
    ) -> Result<JoinToken, Error> {
        actor.require(Role::Admin)?;
        let dial = dial.map(str::trim).filter(|d| !d.is_empty()).map(dial_address).transpose()?;
        let token = secret::base32(&secret::random::<20>()?);
        let now = self.now();
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let known = configured(&mut tx, &found.id, &actor.owner()).await?;
        let director_id = match row(&mut tx, &found.id, director).await {
            Ok(row) => {
                if let Some(dial) = &dial {
                    tx.set_dial(&row.id, dial).await?;
                }
                (row.id, row.name)
            }
            Err(Error::Missing(missing)) => {
                let Some((director, _)) = known.iter().find(|(d, _)| d.name == director) else {
                    return Err(missing.into());
                };
                let id = secret::id("dir_")?;
                tx.insert_director(&store::Director {
                    id: id.clone(),
                    cluster: found.id.clone(),
                    name: director.name.clone(),
                    dial,
                    created: now,
                })
                .await?;
                (id, director.name.clone())
            }
            Err(other) => return Err(other),
        };
        let (director_id, name) = director_id;
        let expires = now + TOKEN_LIFE;
        tx.insert_join_token(&store::JoinToken {
            hash: secret::hash(&token),
            director: director_id.clone(),
            issued: now,
            expires,
            used: None,
        })
        .await?;
        let about =
            About { action: "director.token", subject: &name, cluster: Some(&found.id), ..About::default() };
        self.audit_about(&mut tx, actor, about).await?;
        tx.commit().await?;
        self.refresh_links().await?;
        Ok(JoinToken {
            token,
            director: name,
            director_id,
            expires: timestamp(expires),
            fingerprint: self.pki().ca_fingerprint(),
        })
    }

    /// Sets where the console dials a director (`HOST:PORT`; the port is 3637 where absent). Needs Admin.
    pub async fn set_dial(
        &self,
        actor: &Actor,
        cluster: &str,
        director: &str,
        dial: &str,
    ) -> Result<(), Error> {
        actor.require(Role::Admin)?;
        let dial = dial_address(dial)?;
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let row = row(&mut tx, &found.id, director).await?;
        tx.set_dial(&row.id, &dial).await?;
        let about = About {
            action: "director.dial",
            subject: &row.name,
            cluster: Some(&found.id),
            before: row.dial.as_deref(),
            after: Some(&dial),
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        tx.commit().await?;
        Ok(self.refresh_links().await?)
    }

    /// Ends all certificates and unused tokens of a director at once, and the link to it. Its kernel stays as it is.
    /// Needs Admin.
    pub async fn revoke(&self, actor: &Actor, cluster: &str, director: &str) -> Result<(), Error> {
        actor.require(Role::Admin)?;
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let row = row(&mut tx, &found.id, director).await?;
        let ended = tx.revoke_certificates(&row.id, self.now()).await?;
        tx.end_join_tokens(&row.id).await?;
        let about = About {
            action: "director.revoke",
            subject: &row.name,
            cluster: Some(&found.id),
            detail: &format!("{ended} certificates"),
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        tx.commit().await?;
        Ok(self.refresh_links().await?)
    }

    /// Pushes the running revision to a director again, over a newer or unknown one that it may hold. Needs Approver.
    pub async fn repush(&self, actor: &Actor, cluster: &str, director: &str) -> Result<PushResult, Error> {
        actor.require(Role::Approver)?;
        let mut tx = self.inner.store.write().await?;
        let found = find(&mut tx, cluster).await?;
        let row = row(&mut tx, &found.id, director).await;
        let head = tx.newest_head(&found.id).await?;
        let running = tx.newest_revision(&found.id).await?;
        let Some((head, running)) = head.zip(running) else {
            row?;
            return Err(Error::Refused("nothing has been activated yet".to_owned()));
        };
        let runs = |name: &str| running.content.directors.iter().any(|d| d.name == name);
        let held = |name: &str, reason: &str| PushResult {
            director: name.to_owned(),
            outcome: PushOutcome::Held { reason: reason.to_owned() },
        };
        let row = match row {
            Err(Error::Missing(_)) if runs(director) => {
                return Ok(held(director, "it has not joined yet; a join token is made for it on its page"));
            }
            row => row?,
        };
        if !runs(&row.name) {
            return Ok(held(&row.name, "it is not a director of the running revision"));
        }
        let about = About {
            action: "director.push",
            subject: &row.name,
            cluster: Some(&found.id),
            after: Some(&head.digest),
            detail: &format!("revision {}", head.number),
            ..About::default()
        };
        self.audit_about(&mut tx, actor, about).await?;
        tx.commit().await?;
        Ok(self.push(&found.id, &row.name, true).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_to_dial_get_the_agent_s_port_and_nothing_else_passes() {
        for (text, address) in [
            ("192.0.2.10", "192.0.2.10:3637"),
            ("192.0.2.10:4000", "192.0.2.10:4000"),
            ("2001:db8::1", "[2001:db8::1]:3637"),
            ("[2001:db8::1]", "[2001:db8::1]:3637"),
            ("[2001:db8::1]:4000", "[2001:db8::1]:4000"),
            (" director-a.example ", "director-a.example:3637"),
            ("director-a:1", "director-a:1"),
        ] {
            assert_eq!(dial_address(text).unwrap(), address);
        }
        for text in [
            "",
            ":3637",
            "host:0",
            "host:port",
            "a b",
            "https://host",
            "host/path",
            "host:1:2",
            "-x",
            "1.2.3.4:0",
        ] {
            assert!(dial_address(text).is_err(), "{text}");
        }
    }
}
