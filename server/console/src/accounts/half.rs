//! Signing in, in one step or in two: whoever has a second factor and has shown a password is not signed in yet. With a
//! passkey the second step is in `passkeys`.
//!
//! Between the two is a record of its own, five minutes long, under a random cookie of its own; it is no session and opens
//! nothing. Called by `login` and by whatever else leads to a session.

use std::net::IpAddr;

use store::{Account, HalfLogin, Tx};

use super::second_factor::{Taken, Which, gone, has_app};
use super::session::COOKIE;
use super::{AwaitedProof, HalfSession, NewSession, SecondFactorError, SignIn, timestamp};
use crate::{Console, Failure, secret};

/// Seconds from the password to the code.
const LIFE: i64 = 5 * 60;

impl Console {
    /// Signs somebody in whose password was right, or asks for a code, within the caller's transaction.
    pub(super) async fn enter(
        &self,
        tx: &mut Tx,
        account: &Account,
        from: IpAddr,
        now: i64,
    ) -> Result<SignIn, Failure> {
        if !has_app(tx, &account.name).await? && tx.passkeys_of(&account.name).await?.is_empty() {
            return Ok(SignIn::Whole(self.begin_session(tx, account, from, now).await?));
        }
        let cookie = secret::token()?;
        let half =
            HalfLogin { hash: secret::hash(&cookie), account: account.name.clone(), expires: now + LIFE };
        tx.insert_half_login(&half, now).await?;
        Ok(SignIn::Half(HalfSession { cookie, expires: timestamp(half.expires) }))
    }

    /// What a login that shows this cookie waits for; none where there is no such login.
    pub async fn awaits_code(&self, cookie: &str) -> Result<Option<AwaitedProof>, Failure> {
        let Some(half) = self.half_login(cookie).await? else { return Ok(None) };
        let mut tx = self.inner.store.read().await?;
        let passkey = !tx.passkeys_of(&half.account).await?.is_empty();
        Ok(Some(AwaitedProof { app: has_app(&mut tx, &half.account).await?, passkey }))
    }

    pub(super) async fn half_login(&self, cookie: &str) -> Result<Option<HalfLogin>, Failure> {
        if cookie.len() != COOKIE {
            return Ok(None);
        }
        let half = self.inner.store.read().await?.half_login(&secret::hash(cookie)).await?;
        Ok(half.filter(|half| half.expires > self.now()))
    }

    /// Signs somebody in who has shown a password, with a code of their app or a recovery code; says how many of the
    /// latter are left where it was one.
    pub async fn finish_login(
        &self,
        cookie: &str,
        code: &str,
        from: IpAddr,
    ) -> Result<(NewSession, Option<usize>), SecondFactorError> {
        let half = self.half_login(cookie).await?.ok_or(SecondFactorError::Over)?;
        let (mut tx, taken) = self.code_taken(&half.account, code, from, Which::Any).await?;
        // Asked again under the writer's lock: a password that was changed meanwhile ends it.
        if tx.half_login(&half.hash).await?.is_none() {
            return Err(SecondFactorError::Over);
        }
        let account = tx.account(&half.account).await?.filter(|account| !account.disabled);
        let account = account.ok_or_else(|| gone(&half.account))?;
        tx.delete_half_login(&half.hash).await?;
        let session = self.begin_session(&mut tx, &account, from, self.now()).await?;
        tx.commit().await?;
        tracing::info!(account = %account.name, %from, "signed in with a second factor");
        let left = match taken {
            Taken::App => None,
            Taken::Recovery(left) => Some(left),
        };
        Ok((session, left))
    }
}
