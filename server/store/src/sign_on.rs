//! Sign-in through a provider: what is set about it, and who accounts are there.
//!
//! It never sees a secret: the client's comes sealed. Called by the console's accounts.

use crate::{Error, Tx};

/// What is set about the provider.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SignOn {
    /// JSON.
    pub content: String,
    /// The client's secret, encrypted with the console's key.
    pub secret: Option<Vec<u8>>,
}

impl std::fmt::Debug for SignOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignOn").field("content", &self.content).finish_non_exhaustive()
    }
}

/// Who an account is at the provider.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Identity {
    /// The account.
    pub account: String,
    /// The provider's name for itself.
    pub issuer: String,
    /// The provider's name for the person; it never changes.
    pub subject: String,
    /// When the person last showed the provider who they are.
    pub proved: Option<i64>,
    /// From which address that sign-in came.
    pub proved_from: Option<String>,
}

impl Tx {
    /// What is set about the provider; none where nothing ever was.
    pub async fn sign_on(&mut self) -> Result<Option<SignOn>, Error> {
        Ok(sqlx::query_as("select content, secret from sign_on").fetch_optional(&mut *self.inner).await?)
    }

    /// Sets it. Refused by `sign_on_content_json`.
    pub async fn put_sign_on(&mut self, row: &SignOn) -> Result<(), Error> {
        sqlx::query(
            "insert into sign_on (one, content, secret) values (1, ?, ?)
             on conflict (one) do update set content = excluded.content, secret = excluded.secret",
        )
        .bind(&row.content)
        .bind(&row.secret)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Who an account is at the provider; none where it has a password.
    pub async fn identity(&mut self, account: &str) -> Result<Option<Identity>, Error> {
        Ok(sqlx::query_as(
            "select account, issuer, subject, proved, proved_from from identity where account = ?",
        )
        .bind(account)
        .fetch_optional(&mut *self.inner)
        .await?)
    }

    /// Whose account it is that the provider calls so.
    pub async fn identity_of(&mut self, issuer: &str, subject: &str) -> Result<Option<Identity>, Error> {
        Ok(sqlx::query_as(
            "select account, issuer, subject, proved, proved_from from identity where issuer = ? and subject = ?",
        )
        .bind(issuer)
        .bind(subject)
        .fetch_optional(&mut *self.inner)
        .await?)
    }

    /// All of them, by account.
    pub async fn identities(&mut self) -> Result<Vec<Identity>, Error> {
        Ok(sqlx::query_as(
            "select account, issuer, subject, proved, proved_from from identity order by account",
        )
        .fetch_all(&mut *self.inner)
        .await?)
    }

    /// Says who an account is at the provider. Refused by `identity_primary`, `identity_once`.
    pub async fn insert_identity(&mut self, account: &str, issuer: &str, subject: &str) -> Result<(), Error> {
        sqlx::query("insert into identity (account, issuer, subject) values (?, ?, ?)")
            .bind(account)
            .bind(issuer)
            .bind(subject)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Notes when, and from where, the person showed the provider who they are; none where it did not say.
    pub async fn note_proved(&mut self, account: &str, proved: Option<(i64, &str)>) -> Result<(), Error> {
        sqlx::query("update identity set proved = ?, proved_from = ? where account = ?")
            .bind(proved.map(|(at, _)| at))
            .bind(proved.map(|(_, from)| from))
            .bind(account)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }
}
