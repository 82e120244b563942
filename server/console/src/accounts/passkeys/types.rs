//! What callers of the passkey functions see.

use std::fmt;

use jiff::Timestamp;

use super::NoPasskeyPlace;
use crate::{AccountError, Failure, Missing, Role};

/// A passkey as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyInfo {
    /// Names it; no secret.
    pub id: String,
    /// What its person calls it.
    pub name: String,
    /// The host name of the console that it is for.
    pub host: String,
    /// When it was made.
    pub made: Timestamp,
    /// When it was last used.
    pub used: Option<Timestamp>,
    /// When its counter was last found to have gone back, as that of a copy does.
    pub suspect: Option<Timestamp>,
}

/// A question for a browser at the login. `cookie` is the only copy of what binds the answer to it.
#[derive(Clone)]
pub struct PasskeyQuestion {
    /// The value of its cookie: 256 random bits, base64url.
    pub cookie: String,
    /// What to ask the browser for: `PublicKeyCredentialRequestOptionsJSON` of WebAuthn.
    pub options: String,
}

impl fmt::Debug for PasskeyQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasskeyQuestion")
    }
}

/// Why a passkey was not made, not taken, or not removed.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// The password is another one.
    #[error("the password is wrong")]
    WrongPassword,
    /// The account has no password: its person has to show the provider again who they are.
    #[error("sign in again through the provider, then come back here")]
    SignInAgain,
    /// Not 1 to 60 characters that can be shown.
    #[error("a passkey's name has 1 to 60 characters")]
    Name,
    /// Another passkey of the account is called so.
    #[error("another passkey of this account has that name")]
    NameTaken,
    /// The account has as many as it may.
    #[error("the account has {most} passkeys already")]
    Full {
        /// So many it may have.
        most: usize,
    },
    /// It proves nothing: another's, a removed one, of another console, not signed as it must be, or of an account that
    /// may not sign in.
    #[error("this passkey was not accepted")]
    Refused,
    /// Its counter went back: there may be a copy.
    #[error("the passkey's counter went back, as if there were a copy of it")]
    Copied,
    /// Nothing was asked, or too long ago, or it was answered.
    #[error("this was not begun, or too long ago, or is done")]
    Over,
    /// Too many wrong attempts.
    #[error("too many attempts; wait {seconds} s")]
    Wait {
        /// Seconds until the next attempt is looked at.
        seconds: u64,
    },
    /// One's own is removed on the account's page, with the password.
    #[error("for your own passkey the password is needed: remove it on the page of your account")]
    Own,
    /// Not under this name of the console.
    #[error(transparent)]
    Place(#[from] NoPasskeyPlace),
    /// It is not there.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The actor's role is not enough.
    #[error("this needs the role {needs}")]
    Forbidden {
        /// The least role that may.
        needs: Role,
    },
    /// The machinery failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<AccountError> for PasskeyError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::WrongPassword => PasskeyError::WrongPassword,
            AccountError::SignInAgain => PasskeyError::SignInAgain,
            AccountError::Wait { seconds } => PasskeyError::Wait { seconds },
            AccountError::Missing(missing) => PasskeyError::Missing(missing),
            AccountError::Forbidden { needs } => PasskeyError::Forbidden { needs },
            AccountError::Failed(failure) => PasskeyError::Failed(failure),
            other => PasskeyError::Failed(Failure::of("account", other)),
        }
    }
}
