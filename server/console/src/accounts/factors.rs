//! What callers of the second factor's functions see.

use std::fmt;

use jiff::Timestamp;

use super::NewSession;
use crate::{AccountError, Failure, Missing, Role};

/// What a right password leads to.
#[derive(Clone, Debug)]
pub enum SignIn {
    /// A session: there is no second factor.
    Whole(NewSession),
    /// A code or a passkey is asked for.
    Half(HalfSession),
}

impl SignIn {
    /// The session, where no code is asked for.
    pub fn whole(self) -> Option<NewSession> {
        match self {
            SignIn::Whole(session) => Some(session),
            SignIn::Half(_) => None,
        }
    }

    /// What waits for a code, where one is asked for.
    pub fn half(self) -> Option<HalfSession> {
        match self {
            SignIn::Whole(_) => None,
            SignIn::Half(half) => Some(half),
        }
    }
}

/// A login that waits for a code; no session. `cookie` is the only copy of the secret; only its hash is kept.
#[derive(Clone)]
pub struct HalfSession {
    /// The value of its cookie: 256 random bits, base64url.
    pub cookie: String,
    /// When it ends.
    pub expires: Timestamp,
}

impl fmt::Debug for HalfSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HalfSession").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// A second factor that is being set up, for its person's app.
#[derive(Clone)]
pub struct NewSecondFactor {
    /// The secret as people type it: base32 in groups of four.
    pub secret: String,
    /// The address (`otpauth://…`) that apps read from a picture; it holds the secret.
    pub address: String,
}

impl fmt::Debug for NewSecondFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewSecondFactor")
    }
}

/// What a login waits for whose password was right, besides a recovery code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AwaitedProof {
    /// A code of an app.
    pub app: bool,
    /// A passkey.
    pub passkey: bool,
}

/// A person's own second factor: an app, passkeys, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondFactorState {
    /// Since when codes of an app count; none where there is no app.
    pub since: Option<Timestamp>,
    /// How many passkeys there are.
    pub passkeys: usize,
    /// Recovery codes that are left.
    pub recovery_codes: usize,
    /// Whether this console demands one of their role.
    pub required: bool,
}

impl SecondFactorState {
    /// Whether there is one.
    pub fn is_on(&self) -> bool {
        self.since.is_some() || self.passkeys > 0
    }
}

/// Why a second factor was not set up, not asked for, or not taken away.
#[derive(Debug, thiserror::Error)]
pub enum SecondFactorError {
    /// The password is another one.
    #[error("the password is wrong")]
    WrongPassword,
    /// The account signs in through the provider, and its person has not shown lately who they are.
    #[error(
        "sign in through the provider once more; that counts for ten minutes, from the address it was done from"
    )]
    SignInAgain,
    /// The code is wrong, too old, or was used.
    #[error("the code is wrong, too old, or was used")]
    WrongCode,
    /// Too many wrong codes, or the key that secrets are sealed with is gone: only recovery codes are taken.
    #[error(
        "codes of the app are not taken any more; use a recovery code, or have the second factor removed"
    )]
    Stopped,
    /// Too many wrong attempts.
    #[error("too many attempts; wait {seconds} s")]
    Wait {
        /// Seconds until the next attempt is looked at.
        seconds: u64,
    },
    /// What this goes on from was not begun, or too long ago.
    #[error("this was not begun, or too long ago")]
    Over,
    /// There is one already.
    #[error("the account has a second factor already")]
    On,
    /// There is none.
    #[error("the account has no second factor")]
    Off,
    /// One's own is taken away on the account's page, with a code.
    #[error("for your own second factor a code is needed: take it away on the page of your account")]
    Own,
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

impl From<AccountError> for SecondFactorError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::WrongPassword => SecondFactorError::WrongPassword,
            AccountError::SignInAgain => SecondFactorError::SignInAgain,
            AccountError::Wait { seconds } => SecondFactorError::Wait { seconds },
            AccountError::Missing(missing) => SecondFactorError::Missing(missing),
            AccountError::Forbidden { needs } => SecondFactorError::Forbidden { needs },
            AccountError::Failed(failure) => SecondFactorError::Failed(failure),
            other => SecondFactorError::Failed(Failure::of("account", other)),
        }
    }
}
