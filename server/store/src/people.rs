//! Accounts as they are administered: all of them, their roles, their sessions, and the codes that set a password.

use crate::{Account, Error, Session, Tx};

/// A code that lets one account set its password once.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PasswordLink {
    /// SHA-256 of the code, hex.
    pub hash: String,
    /// Whose password it sets.
    pub account: String,
    /// When it was made.
    pub issued: i64,
    /// When it ends.
    pub expires: i64,
}

impl Tx {
    /// All accounts, by name.
    pub async fn accounts(&mut self) -> Result<Vec<Account>, Error> {
        Ok(sqlx::query_as(
            "select name, password, role, language, disabled, created from account order by name",
        )
        .fetch_all(&mut *self.inner)
        .await?)
    }

    /// Sets an account's role. Refused by `account_role_known`.
    pub async fn set_role(&mut self, name: &str, role: &str) -> Result<(), Error> {
        sqlx::query("update account set role = ? where name = ?")
            .bind(role)
            .bind(name)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Removes an account with its sessions, its tokens and the drafts of both, so that nobody of the same name finds them.
    pub async fn delete_account(&mut self, name: &str) -> Result<(), Error> {
        sqlx::query(
            "delete from draft where lower(owner) = lower('account/' || ?1)
             or owner in (select 'token/' || name from api_token where owner = ?1)",
        )
        .bind(name)
        .execute(&mut *self.inner)
        .await?;
        sqlx::query("delete from account where name = ?").bind(name).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// The sessions of an account, the one used last first.
    pub async fn sessions_of(&mut self, account: &str) -> Result<Vec<Session>, Error> {
        Ok(sqlx::query_as(
            "select hash, account, source, created, seen, expires from session where account = ?
             order by seen desc, hash",
        )
        .bind(account)
        .fetch_all(&mut *self.inner)
        .await?)
    }

    /// Keeps a code, in place of those the account had.
    pub async fn put_password_link(&mut self, link: &PasswordLink) -> Result<(), Error> {
        self.delete_password_links(&link.account).await?;
        sqlx::query("insert into password_link (hash, account, issued, expires) values (?, ?, ?, ?)")
            .bind(&link.hash)
            .bind(&link.account)
            .bind(link.issued)
            .bind(link.expires)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// A code by its hash, whether it is still good or not.
    pub async fn password_link(&mut self, hash: &str) -> Result<Option<PasswordLink>, Error> {
        Ok(sqlx::query_as("select hash, account, issued, expires from password_link where hash = ?")
            .bind(hash)
            .fetch_optional(&mut *self.inner)
            .await?)
    }

    /// Ends the codes of an account.
    pub async fn delete_password_links(&mut self, account: &str) -> Result<(), Error> {
        sqlx::query("delete from password_link where account = ?")
            .bind(account)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }
}
