//! Second factors of accounts, their recovery codes, and logins that have shown a password and no code yet.
//!
//! It never sees a secret: what is shared with a device comes sealed, codes and cookies come as hashes. Called by the
//! console's accounts.

use crate::{Error, Tx};

/// A second factor.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SecondFactor {
    /// Whose it is.
    pub account: String,
    /// A nonce and the secret, encrypted with the console's key.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub made: i64,
    /// When a first code confirmed it; none until then.
    pub confirmed: Option<i64>,
    /// The last step of time whose code was taken.
    pub step: i64,
    /// Wrong codes since the last right one.
    pub failures: i64,
}

impl std::fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondFactor")
            .field("account", &self.account)
            .field("confirmed", &self.confirmed)
            .finish_non_exhaustive()
    }
}

/// Somebody who has shown a password and no code yet.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct HalfLogin {
    /// SHA-256 of the cookie's value, hex.
    pub hash: String,
    /// Whose password it was.
    pub account: String,
    /// When it ends.
    pub expires: i64,
}

impl Tx {
    /// Keeps a shared secret that no code has confirmed yet, in place of what the account had, and without its codes where
    /// it has no passkey. Refused by `second_factor_sealed_length`.
    pub async fn put_second_factor(&mut self, account: &str, sealed: &[u8], now: i64) -> Result<(), Error> {
        self.delete_second_factor(account).await?;
        sqlx::query("insert into second_factor (account, sealed, made) values (?, ?, ?)")
            .bind(account)
            .bind(sealed)
            .bind(now)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// An account's second factor, whether it is confirmed or not.
    pub async fn second_factor(&mut self, account: &str) -> Result<Option<SecondFactor>, Error> {
        Ok(sqlx::query_as(
            "select account, sealed, made, confirmed, step, failures from second_factor where account = ?",
        )
        .bind(account)
        .fetch_optional(&mut *self.inner)
        .await?)
    }

    /// Names of the accounts that have a second factor: an app that is confirmed, or a passkey.
    pub async fn second_factors(&mut self) -> Result<Vec<String>, Error> {
        Ok(sqlx::query_scalar(
            "select account from second_factor where confirmed is not null
             union select account from passkey order by account",
        )
        .fetch_all(&mut *self.inner)
        .await?)
    }

    /// Notes that a first code has confirmed it.
    pub async fn confirm_second_factor(&mut self, account: &str, now: i64) -> Result<(), Error> {
        sqlx::query("update second_factor set confirmed = ? where account = ?")
            .bind(now)
            .bind(account)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Sets the last step whose code was taken, and the wrong codes since the last right one. Refused by
    /// `second_factor_failures_counted`.
    pub async fn note_second_factor(&mut self, account: &str, step: i64, failures: i64) -> Result<(), Error> {
        sqlx::query("update second_factor set step = ?, failures = ? where account = ?")
            .bind(step)
            .bind(failures)
            .bind(account)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Removes what an account shares with an app, and the recovery codes where it has no passkey; says whether there
    /// was one.
    pub async fn delete_second_factor(&mut self, account: &str) -> Result<bool, Error> {
        let done = sqlx::query("delete from second_factor where account = ?")
            .bind(account)
            .execute(&mut *self.inner)
            .await?;
        self.delete_spare_codes(account).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Keeps the hashes of recovery codes, in place of those there were.
    pub async fn put_recovery_codes(&mut self, account: &str, hashes: &[String]) -> Result<(), Error> {
        sqlx::query("delete from recovery_code where account = ?")
            .bind(account)
            .execute(&mut *self.inner)
            .await?;
        for hash in hashes {
            sqlx::query("insert into recovery_code (account, hash) values (?, ?)")
                .bind(account)
                .bind(hash)
                .execute(&mut *self.inner)
                .await?;
        }
        Ok(())
    }

    /// How many recovery codes an account has left.
    pub async fn recovery_codes(&mut self, account: &str) -> Result<usize, Error> {
        let count: i64 = sqlx::query_scalar("select count(*) from recovery_code where account = ?")
            .bind(account)
            .fetch_one(&mut *self.inner)
            .await?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// Uses a recovery code up; says whether there was one of that hash.
    pub async fn use_recovery_code(&mut self, account: &str, hash: &str) -> Result<bool, Error> {
        let done = sqlx::query("delete from recovery_code where account = ? and hash = ?")
            .bind(account)
            .bind(hash)
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Notes that somebody has shown an account's password, and forgets those whose time is over.
    pub async fn insert_half_login(&mut self, half: &HalfLogin, now: i64) -> Result<(), Error> {
        sqlx::query("delete from half_login where expires <= ?").bind(now).execute(&mut *self.inner).await?;
        sqlx::query("insert into half_login (hash, account, expires) values (?, ?, ?)")
            .bind(&half.hash)
            .bind(&half.account)
            .bind(half.expires)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// A half login by hash, whether it is still good or not.
    pub async fn half_login(&mut self, hash: &str) -> Result<Option<HalfLogin>, Error> {
        Ok(sqlx::query_as("select hash, account, expires from half_login where hash = ?")
            .bind(hash)
            .fetch_optional(&mut *self.inner)
            .await?)
    }

    /// Ends a half login.
    pub async fn delete_half_login(&mut self, hash: &str) -> Result<(), Error> {
        sqlx::query("delete from half_login where hash = ?").bind(hash).execute(&mut *self.inner).await?;
        Ok(())
    }
}
