//! Passkeys of accounts: public keys, never a secret; and which recovery codes nobody needs any more.
//!
//! What a key and its state mean is the console's business; here they are bytes. Called by the console's accounts.

use crate::{Error, Tx};

/// A passkey.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Passkey {
    /// Names it.
    pub id: String,
    /// Whose it is.
    pub account: String,
    /// What its person calls it.
    pub name: String,
    /// The host name of the console that it was made under.
    pub host: String,
    /// What its authenticator calls it.
    pub credential: Vec<u8>,
    /// What stands for the account there.
    pub handle: Vec<u8>,
    /// Its public key.
    pub fixed: Vec<u8>,
    /// What about it changes with use.
    pub state: Vec<u8>,
    /// When it was made.
    pub made: i64,
    /// When it was last used.
    pub used: Option<i64>,
    /// When its counter was last found to have gone back.
    pub suspect: Option<i64>,
}

impl std::fmt::Debug for Passkey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passkey")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Tx {
    /// Keeps a passkey. Refused by `passkey_credential_once`, `passkey_name_once`, `passkey_account_exists`,
    /// `passkey_handle_length` and `passkey_state_length`.
    pub async fn insert_passkey(&mut self, passkey: &Passkey) -> Result<(), Error> {
        sqlx::query(
            "insert into passkey (id, account, name, host, credential, handle, fixed, state, made, used, suspect)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&passkey.id)
        .bind(&passkey.account)
        .bind(&passkey.name)
        .bind(&passkey.host)
        .bind(&passkey.credential)
        .bind(&passkey.handle)
        .bind(&passkey.fixed)
        .bind(&passkey.state)
        .bind(passkey.made)
        .bind(passkey.used)
        .bind(passkey.suspect)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// An account's passkeys, the oldest first.
    pub async fn passkeys_of(&mut self, account: &str) -> Result<Vec<Passkey>, Error> {
        Ok(sqlx::query_as(
            "select id, account, name, host, credential, handle, fixed, state, made, used, suspect
             from passkey where account = ? order by made, name",
        )
        .bind(account)
        .fetch_all(&mut *self.inner)
        .await?)
    }

    /// The passkey that an authenticator calls so.
    pub async fn passkey_of_credential(&mut self, credential: &[u8]) -> Result<Option<Passkey>, Error> {
        Ok(sqlx::query_as(
            "select id, account, name, host, credential, handle, fixed, state, made, used, suspect
             from passkey where credential = ?",
        )
        .bind(credential)
        .fetch_optional(&mut *self.inner)
        .await?)
    }

    /// Whether anybody has a passkey.
    pub async fn has_passkeys(&mut self) -> Result<bool, Error> {
        let found: i64 =
            sqlx::query_scalar("select exists (select 1 from passkey)").fetch_one(&mut *self.inner).await?;
        Ok(found != 0)
    }

    /// Notes that a passkey was used, and what of it has changed. Refused by `passkey_state_length`.
    pub async fn note_passkey(&mut self, id: &str, state: &[u8], now: i64) -> Result<(), Error> {
        sqlx::query("update passkey set state = ?, used = ? where id = ?")
            .bind(state)
            .bind(now)
            .bind(id)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Notes that a passkey's counter went back.
    pub async fn suspect_passkey(&mut self, id: &str, now: i64) -> Result<(), Error> {
        sqlx::query("update passkey set suspect = ? where id = ?")
            .bind(now)
            .bind(id)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Removes one of an account's passkeys, and the recovery codes where it was the last second factor; says whether
    /// there was one.
    pub async fn delete_passkey(&mut self, account: &str, id: &str) -> Result<bool, Error> {
        let done = sqlx::query("delete from passkey where account = ? and id = ?")
            .bind(account)
            .bind(id)
            .execute(&mut *self.inner)
            .await?;
        self.delete_spare_codes(account).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Removes all of an account's passkeys, and the recovery codes where it has no other second factor; says how many.
    pub async fn delete_passkeys_of(&mut self, account: &str) -> Result<u64, Error> {
        let done = sqlx::query("delete from passkey where account = ?")
            .bind(account)
            .execute(&mut *self.inner)
            .await?;
        self.delete_spare_codes(account).await?;
        Ok(done.rows_affected())
    }

    /// Removes recovery codes that stand for nothing any more.
    pub(crate) async fn delete_spare_codes(&mut self, account: &str) -> Result<(), Error> {
        sqlx::query(
            "delete from recovery_code where account = ?1
             and not exists (select 1 from passkey where account = ?1)
             and not exists (select 1 from second_factor where account = ?1 and confirmed is not null)",
        )
        .bind(account)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }
}
