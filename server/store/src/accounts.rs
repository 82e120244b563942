//! Accounts, their sessions, and API tokens. Only hashes of secrets are kept.

use crate::{Error, Tx};

/// A person who may sign in.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Account {
    /// Unique without regard to case.
    pub name: String,
    /// Argon2id hash, PHC string.
    pub password: String,
    /// `viewer`, `operator`, `editor`, `approver` or `admin`.
    pub role: String,
    /// The language the person chose.
    pub language: Option<String>,
    /// Whether signing in is refused.
    pub disabled: bool,
    /// When it was made.
    pub created: i64,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("name", &self.name).field("role", &self.role).finish_non_exhaustive()
    }
}

/// An account to be added.
#[derive(Clone, Copy)]
pub struct NewAccount<'a> {
    /// Its name.
    pub name: &'a str,
    /// Argon2id hash, PHC string.
    pub password: &'a str,
    /// Its role.
    pub role: &'a str,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Session {
    /// SHA-256 of the cookie's value, hex.
    pub hash: String,
    /// Whose it is.
    pub account: String,
    /// Address of the login.
    pub source: String,
    /// When it began.
    pub created: i64,
    /// When it was last used.
    pub seen: i64,
    /// When it ends whatever is done in it.
    pub expires: i64,
}

/// An API token.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ApiToken {
    /// Unique name.
    pub name: String,
    /// The public beginning of the secret.
    pub prefix: String,
    /// SHA-256 of the secret, hex.
    pub hash: String,
    /// The account it belongs to; none when made at the command line.
    pub owner: Option<String>,
    /// What it may do at most.
    pub role: String,
    /// When it was made.
    pub created: i64,
    /// When it ends.
    pub expires: i64,
    /// When it was last used.
    pub last_used: Option<i64>,
    /// The only cluster it reaches; none where it reaches all.
    pub cluster: Option<String>,
}

impl Tx {
    /// Whether any account exists.
    pub async fn has_accounts(&mut self) -> Result<bool, Error> {
        Ok(sqlx::query_scalar("select exists (select 1 from account)").fetch_one(&mut *self.inner).await?)
    }

    /// Adds an account. Refused by `account_name_unique`, `account_name_length`.
    pub async fn insert_account(&mut self, account: NewAccount<'_>, now: i64) -> Result<(), Error> {
        sqlx::query("insert into account (name, password, role, disabled, created) values (?, ?, ?, 0, ?)")
            .bind(account.name)
            .bind(account.password)
            .bind(account.role)
            .bind(now)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// An account by name.
    pub async fn account(&mut self, name: &str) -> Result<Option<Account>, Error> {
        Ok(sqlx::query_as(
            "select name, password, role, language, disabled, created from account where name = ?",
        )
        .bind(name)
        .fetch_optional(&mut *self.inner)
        .await?)
    }

    /// Replaces an account's password hash.
    pub async fn set_password(&mut self, name: &str, password: &str) -> Result<(), Error> {
        sqlx::query("update account set password = ? where name = ?")
            .bind(password)
            .bind(name)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Lets an account sign in, or not.
    pub async fn set_disabled(&mut self, name: &str, disabled: bool) -> Result<(), Error> {
        sqlx::query("update account set disabled = ? where name = ?")
            .bind(disabled)
            .bind(name)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Sets an account's language. Refused by `account_language_length`.
    pub async fn set_language(&mut self, name: &str, language: &str) -> Result<(), Error> {
        sqlx::query("update account set language = ? where name = ?")
            .bind(language)
            .bind(name)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Adds a session.
    pub async fn insert_session(&mut self, session: &Session) -> Result<(), Error> {
        sqlx::query(
            "insert into session (hash, account, source, created, seen, expires) values (?, ?, ?, ?, ?, ?)",
        )
        .bind(&session.hash)
        .bind(&session.account)
        .bind(&session.source)
        .bind(session.created)
        .bind(session.seen)
        .bind(session.expires)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// A session by hash, whether it is still good or not.
    pub async fn session(&mut self, hash: &str) -> Result<Option<Session>, Error> {
        Ok(sqlx::query_as("select hash, account, source, created, seen, expires from session where hash = ?")
            .bind(hash)
            .fetch_optional(&mut *self.inner)
            .await?)
    }

    /// Notes that a session was used.
    pub async fn touch_session(&mut self, hash: &str, now: i64) -> Result<(), Error> {
        sqlx::query("update session set seen = ? where hash = ?")
            .bind(now)
            .bind(hash)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Ends a session; says whether there was one.
    pub async fn delete_session(&mut self, hash: &str) -> Result<bool, Error> {
        let done =
            sqlx::query("delete from session where hash = ?").bind(hash).execute(&mut *self.inner).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Ends all sessions of an account, also those that have begun with a password and not with a code yet.
    pub async fn delete_sessions_of(&mut self, account: &str) -> Result<u64, Error> {
        sqlx::query("delete from half_login where account = ?")
            .bind(account)
            .execute(&mut *self.inner)
            .await?;
        let done = sqlx::query("delete from session where account = ?")
            .bind(account)
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected())
    }

    /// Ends all sessions of an account but one, also those that have begun with a password and not with a code yet; says
    /// how many.
    pub async fn delete_sessions_but(&mut self, account: &str, hash: &str) -> Result<u64, Error> {
        sqlx::query("delete from half_login where account = ?")
            .bind(account)
            .execute(&mut *self.inner)
            .await?;
        let done = sqlx::query("delete from session where account = ? and hash <> ?")
            .bind(account)
            .bind(hash)
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected())
    }

    /// Removes sessions past their end, or last used before `idle_since`.
    pub async fn sweep_sessions(&mut self, now: i64, idle_since: i64) -> Result<u64, Error> {
        let done = sqlx::query("delete from session where expires <= ? or seen <= ?")
            .bind(now)
            .bind(idle_since)
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected())
    }

    /// Adds an API token. Refused by `api_token_name_unique`, `api_token_name_length`.
    pub async fn insert_api_token(&mut self, token: &ApiToken) -> Result<(), Error> {
        sqlx::query(
            "insert into api_token (name, prefix, hash, owner, role, created, expires, last_used, cluster)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&token.name)
        .bind(&token.prefix)
        .bind(&token.hash)
        .bind(&token.owner)
        .bind(&token.role)
        .bind(token.created)
        .bind(token.expires)
        .bind(token.last_used)
        .bind(&token.cluster)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// An API token by its public beginning.
    pub async fn api_token(&mut self, prefix: &str) -> Result<Option<ApiToken>, Error> {
        Ok(sqlx::query_as(
            "select name, prefix, hash, owner, role, created, expires, last_used, cluster from api_token
             where prefix = ?",
        )
        .bind(prefix)
        .fetch_optional(&mut *self.inner)
        .await?)
    }

    /// All API tokens, by name.
    pub async fn api_tokens(&mut self) -> Result<Vec<ApiToken>, Error> {
        Ok(sqlx::query_as(
            "select name, prefix, hash, owner, role, created, expires, last_used, cluster from api_token
             order by name",
        )
        .fetch_all(&mut *self.inner)
        .await?)
    }

    /// Notes that an API token was used.
    pub async fn touch_api_token(&mut self, name: &str, now: i64) -> Result<(), Error> {
        sqlx::query("update api_token set last_used = ? where name = ?")
            .bind(now)
            .bind(name)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Removes an API token with its drafts, so that no other of the same name finds them; says whether there was one.
    pub async fn delete_api_token(&mut self, name: &str) -> Result<bool, Error> {
        sqlx::query("delete from draft where owner = 'token/' || ?")
            .bind(name)
            .execute(&mut *self.inner)
            .await?;
        let done =
            sqlx::query("delete from api_token where name = ?").bind(name).execute(&mut *self.inner).await?;
        Ok(done.rows_affected() > 0)
    }
}
