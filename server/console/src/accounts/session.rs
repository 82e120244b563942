//! Sessions: 256 random bits in a cookie, their hash in the database, 30 idle minutes and 12 hours at most.

use std::net::IpAddr;

use store::{Account, NewAudit, Session, Tx};

use super::second_factor::must_enrol;
use super::{NewSession, SessionInfo, timestamp};
use crate::{Actor, ActorKind, Console, Failure, Role, secret};

/// Seconds a session may be idle.
const IDLE: i64 = 30 * 60;
/// Seconds a session lasts at most.
const ABSOLUTE: i64 = 12 * 60 * 60;
/// The time of last use is written at most this often, seconds.
const TOUCH: i64 = 60;
/// Characters of a cookie's value: 256 bits in base64url.
pub(super) const COOKIE: usize = 43;

/// Those that are still good.
pub(super) fn lively(sessions: &[Session], now: i64) -> impl Iterator<Item = &Session> {
    sessions.iter().filter(move |session| session.expires > now && session.seen + IDLE > now)
}

fn info(
    account: &Account,
    from: IpAddr,
    cookie: &str,
    expires: i64,
    must_enrol: bool,
) -> Option<SessionInfo> {
    Some(SessionInfo {
        actor: Actor {
            name: account.name.clone(),
            kind: ActorKind::Account,
            role: account.role.parse::<Role>().ok()?,
            source: Some(from),
            cluster: None,
        },
        csrf_token: secret::derive("caribe csrf", cookie),
        language: account.language.clone(),
        expires: timestamp(expires),
        must_enrol,
    })
}

impl Console {
    /// Begins a session within the caller's transaction.
    pub(super) async fn begin_session(
        &self,
        tx: &mut Tx,
        account: &Account,
        from: IpAddr,
        now: i64,
    ) -> Result<NewSession, Failure> {
        let cookie = secret::token()?;
        let session = Session {
            hash: secret::hash(&cookie),
            account: account.name.clone(),
            source: from.to_string(),
            created: now,
            seen: now,
            expires: now + ABSOLUTE,
        };
        tx.sweep_sessions(now, now - IDLE).await?;
        tx.insert_session(&session).await?;
        let actor = format!("account/{}", account.name);
        tx.audit(&NewAudit {
            at: now,
            actor: &actor,
            source: &session.source,
            action: "session.login",
            subject: &account.name,
            ..NewAudit::default()
        })
        .await?;
        let must_enrol = must_enrol(tx, account).await?;
        let info = info(account, from, &cookie, session.expires, must_enrol)
            .ok_or_else(|| Failure::Internal(format!("account {} has an unknown role", account.name)))?;
        Ok(NewSession { cookie, info })
    }

    /// Who a session cookie belongs to; none where it is unknown, idle for 30 minutes, or 12 hours old, or its
    /// account is disabled. `actor.source` is the address of the login.
    pub async fn session(&self, cookie: &str) -> Result<Option<SessionInfo>, Failure> {
        if cookie.len() != COOKIE {
            return Ok(None);
        }
        let now = self.now();
        let hash = secret::hash(cookie);
        let mut tx = self.inner.store.read().await?;
        let Some(session) = tx.session(&hash).await? else { return Ok(None) };
        if session.expires <= now || session.seen + IDLE <= now {
            return Ok(None);
        }
        let Some(account) = tx.account(&session.account).await?.filter(|a| !a.disabled) else {
            return Ok(None);
        };
        let must_enrol = must_enrol(&mut tx, &account).await?;
        drop(tx);
        if session.seen + TOUCH <= now {
            self.used(self.touch_session(&hash, now).await)?;
        }
        let Ok(from) = session.source.parse() else { return Ok(None) };
        Ok(info(&account, from, cookie, session.expires, must_enrol))
    }

    async fn touch_session(&self, hash: &str, now: i64) -> Result<(), Failure> {
        let mut tx = self.inner.store.write().await?;
        tx.touch_session(hash, now).await?;
        Ok(tx.commit().await?)
    }

    /// What came of noting that a session or a token was used: without room for that, people can still look.
    pub(super) fn used(&self, noted: Result<(), Failure>) -> Result<(), Failure> {
        match noted {
            Err(failure) if failure.is_no_room() => {
                tracing::warn!(error = %failure, "when somebody was here last is not kept");
                Ok(())
            }
            other => other,
        }
    }

    /// Ends a session.
    pub async fn logout(&self, cookie: &str) -> Result<(), Failure> {
        let hash = secret::hash(cookie);
        let mut tx = self.inner.store.write().await?;
        let Some(session) = tx.session(&hash).await? else { return Ok(()) };
        tx.delete_session(&hash).await?;
        let actor = format!("account/{}", session.account);
        tx.audit(&NewAudit {
            at: self.now(),
            actor: &actor,
            source: &session.source,
            action: "session.logout",
            subject: &session.account,
            ..NewAudit::default()
        })
        .await?;
        Ok(tx.commit().await?)
    }
}
