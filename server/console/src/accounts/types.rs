//! What callers of the account functions see.

use std::fmt;

use jiff::Timestamp;

use crate::{Actor, Failure, Missing, Role};

/// A session just begun. `cookie` is the only copy of the secret; only its hash is kept.
#[derive(Clone)]
pub struct NewSession {
    /// The value of the session cookie: 256 random bits, base64url.
    pub cookie: String,
    /// What the session knows.
    pub info: SessionInfo,
}

impl fmt::Debug for NewSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession").field("info", &self.info).finish_non_exhaustive()
    }
}

/// What a session knows about its person.
#[derive(Clone)]
pub struct SessionInfo {
    /// Who it is.
    pub actor: Actor,
    /// The token that every changing form of this session must carry.
    pub csrf_token: String,
    /// The language the person chose (`en`, `zh-CN`); the browser's wish counts where absent.
    pub language: Option<String>,
    /// When the session ends whatever is done in it (12 hours after login). 30 idle minutes end it earlier.
    pub expires: Timestamp,
    /// Whether this console demands a second factor of its person and they have none: they may set one up and nothing else.
    pub must_enrol: bool,
}

impl fmt::Debug for SessionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionInfo").field("actor", &self.actor).finish_non_exhaustive()
    }
}

/// Why a login failed. Unknown users, disabled accounts and wrong passwords are one and the same, also in time.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// User name or password is wrong.
    #[error("user name or password is wrong")]
    Wrong,
    /// Too many wrong attempts for this account or from this address.
    #[error("too many attempts; wait {seconds} s")]
    Wait {
        /// Seconds until the next attempt is looked at.
        seconds: u64,
    },
    /// The machinery failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Why the first account was not made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The code is wrong or has expired; a new one is printed by the console when one expires.
    #[error("the setup code is wrong or has expired")]
    Wrong,
    /// Too many wrong codes from this address.
    #[error("too many attempts; wait {seconds} s")]
    Wait {
        /// Seconds until the next attempt is looked at.
        seconds: u64,
    },
    /// There is an account already; setup is over for good.
    #[error("an account exists already")]
    Done,
    /// The user name cannot be taken.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The password cannot be taken.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The machinery failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Why a user or token name cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not 1 to 64 characters of `A-Z a-z 0-9 . _ @ -`.
    #[error("a name has 1 to 64 characters of A-Z a-z 0-9 . _ @ -")]
    Characters,
    /// Somebody has it.
    #[error("the name is taken")]
    Taken,
}

/// Why a password cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than 12 characters.
    #[error("a password has at least 12 characters")]
    TooShort,
    /// More than 256 characters.
    #[error("a password has at most 256 characters")]
    TooLong,
    /// On the list of passwords that everybody tries, or one character or keyboard run repeated.
    #[error("this password is one of those that are tried first")]
    Common,
    /// Little more than the user's or the product's name.
    #[error("a password must not be made of the user name or the product's name")]
    Context,
}

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The user name cannot be taken.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The password cannot be taken.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Nobody else could administer the console any more.
    #[error("this is the last administrator who can sign in")]
    LastAdmin,
    /// The password that is to be replaced is another one.
    #[error("the password is wrong")]
    WrongPassword,
    /// It signs in through the provider.
    #[error("this account signs in through the provider and has no password")]
    NoPassword,
    /// It signs in through the provider, and its person has not shown lately who they are.
    #[error(
        "sign in through the provider once more; that counts for ten minutes, from the address it was done from"
    )]
    SignInAgain,
    /// Too many wrong passwords.
    #[error("too many attempts; wait {seconds} s")]
    Wait {
        /// Seconds until the next attempt is looked at.
        seconds: u64,
    },
    /// A token that would have ended before it began.
    #[error("the end of a token must lie ahead")]
    Expired,
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

/// What `set_password` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordSet {
    /// The account is new.
    Created,
    /// The account was there; its sessions have ended.
    Changed,
}

/// An API token just made. `secret` is the only copy; only its hash is kept.
#[derive(Clone)]
pub struct NewToken {
    /// What goes after `Bearer `.
    pub secret: String,
    /// What is kept.
    pub info: TokenInfo,
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken").field("info", &self.info).finish_non_exhaustive()
    }
}

/// An API token as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// Unique name.
    pub name: String,
    /// The public beginning of the secret, to find it again in a file.
    pub prefix: String,
    /// The account it belongs to; none when made at the command line.
    pub owner: Option<String>,
    /// What it may do, at most; never more than its owner.
    pub role: Role,
    /// The only cluster (by id) that it reaches; none where it reaches all.
    pub cluster: Option<String>,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
}

/// A token to be made.
#[derive(Clone, Copy, Debug)]
pub struct TokenRequest<'a> {
    /// Unique name.
    pub name: &'a str,
    /// What it may do, at most.
    pub role: Role,
    /// When it ends; after 90 days where absent.
    pub expires: Option<Timestamp>,
    /// The only cluster it reaches, by id or name.
    pub cluster: Option<&'a str>,
}

/// An account as it is administered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountInfo {
    /// Unique without regard to case.
    pub name: String,
    /// What its person may do.
    pub role: Role,
    /// Whether signing in is refused.
    pub disabled: bool,
    /// The language its person chose.
    pub language: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Sessions that are good now.
    pub sessions: usize,
    /// Whether signing in takes more than the password: a code, or a passkey.
    pub second_factor: bool,
    /// The provider that it signs in through (its name for itself); none where it has a password.
    pub provider: Option<String>,
}

/// A code that sets a password once. `code` is the only copy; only its hash is kept.
#[derive(Clone)]
pub struct NewPasswordCode {
    /// What its person types.
    pub code: String,
    /// Whose password it sets.
    pub account: String,
    /// When it ends.
    pub expires: Timestamp,
}

impl fmt::Debug for NewPasswordCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPasswordCode").field("account", &self.account).finish_non_exhaustive()
    }
}

/// Why a code set no password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordCodeError {
    /// It is unknown, used or over.
    #[error("the code is wrong, was used, or has expired")]
    Wrong,
    /// Too many wrong codes from this address.
    #[error("too many attempts; wait {seconds} s")]
    Wait {
        /// Seconds until the next attempt is looked at.
        seconds: u64,
    },
    /// The password cannot be taken.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The machinery failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// A session as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnSession {
    /// Names it; no secret.
    pub id: String,
    /// Address of the login.
    pub source: String,
    /// When it began.
    pub began: Timestamp,
    /// When it was last used, to the minute.
    pub seen: Timestamp,
    /// Whether it is the one that asks.
    pub this: bool,
}
