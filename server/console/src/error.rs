//! What can go wrong, in the kinds a caller treats differently.

use std::fmt;

use lvs::Findings;

use crate::{AccountError, AlertError, PasskeyError, Rebase, Role, SecondFactorError};

/// The machinery under the console failed: disk, database, a broken certificate. The text is for the log, not for
/// strangers.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database.
    #[error("database: {0}")]
    Store(#[from] store::Error),
    /// Anything else, in words.
    #[error("{0}")]
    Internal(String),
}

impl Failure {
    /// Whether there was no room on the disk for what was to be kept.
    pub fn is_no_room(&self) -> bool {
        matches!(self, Failure::Store(store::Error::NoRoom(_)))
    }

    /// A failure in words, from any error.
    pub(crate) fn of(what: &str, error: impl fmt::Display) -> Self {
        Failure::Internal(format!("{what}: {error}"))
    }
}

/// The words of an error with those of its causes, where they say more.
pub(crate) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

/// The kinds of things that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A cluster, by id or name.
    Cluster,
    /// The caller's draft.
    Draft,
    /// A revision, by number.
    Revision,
    /// A director, by name or id.
    Director,
    /// A virtual server, by id or name.
    VirtualServer,
    /// A real server, by id or name.
    RealServer,
    /// An account, by name.
    Account,
    /// An API token, by name.
    Token,
    /// One of the caller's sessions.
    Session,
    /// A passkey, by id.
    Passkey,
    /// A channel of alerts, by id or name.
    AlertChannel,
    /// A rule of alerts, by id or name.
    AlertRule,
    /// A silence, by id.
    AlertSilence,
    /// A join token that is not used yet, by its director's id.
    Enrolment,
}

impl Thing {
    /// The word in texts and catalogue keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Thing::Cluster => "cluster",
            Thing::Draft => "draft",
            Thing::Revision => "revision",
            Thing::Director => "director",
            Thing::VirtualServer => "virtual server",
            Thing::RealServer => "real server",
            Thing::Account => "account",
            Thing::Token => "token",
            Thing::Session => "session",
            Thing::Passkey => "passkey",
            Thing::AlertChannel => "alert channel",
            Thing::AlertRule => "alert rule",
            Thing::AlertSilence => "silence",
            Thing::Enrolment => "enrolment",
        }
    }
}

/// What was asked for is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no {} {name:?}", thing.as_str())]
pub struct Missing {
    /// What kind of thing.
    pub thing: Thing,
    /// The name or id it was asked by.
    pub name: String,
}

impl Missing {
    pub(crate) fn new(thing: Thing, name: impl Into<String>) -> Self {
        Missing { thing, name: name.into() }
    }
}

/// Why something was not read or done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The actor's role is not enough.
    #[error("this needs the role {needs}")]
    Forbidden {
        /// The least role that may.
        needs: Role,
    },
    /// The input cannot be taken, in words.
    #[error("{0}")]
    Refused(String),
    /// The machinery failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Error::Failed(Failure::Store(error))
    }
}

impl From<AccountError> for Error {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Missing(missing) => Error::Missing(missing),
            AccountError::Forbidden { needs } => Error::Forbidden { needs },
            AccountError::Failed(failure) => Error::Failed(failure),
            other => Error::Refused(other.to_string()),
        }
    }
}

impl From<SecondFactorError> for Error {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Missing(missing) => Error::Missing(missing),
            SecondFactorError::Forbidden { needs } => Error::Forbidden { needs },
            SecondFactorError::Failed(failure) => Error::Failed(failure),
            other => Error::Refused(other.to_string()),
        }
    }
}

impl From<PasskeyError> for Error {
    fn from(error: PasskeyError) -> Self {
        match error {
            PasskeyError::Missing(missing) => Error::Missing(missing),
            PasskeyError::Forbidden { needs } => Error::Forbidden { needs },
            PasskeyError::Failed(failure) => Error::Failed(failure),
            other => Error::Refused(other.to_string()),
        }
    }
}

/// Why a draft was not changed. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// What was written has errors; pointers are relative to the whole cluster (`/virtual_servers/0/port`).
    #[error("{} errors", .0.iter().filter(|f| f.severity == lvs::Severity::Error).count())]
    Invalid(Findings),
    /// It cannot be done now, in words.
    #[error("{0}")]
    Refused(String),
    /// The draft is no longer the one the caller saw.
    #[error("the draft has changed in the meantime")]
    Stale {
        /// The tag it has now.
        etag: String,
        /// Who changed it last, as far as that is known.
        by: Option<String>,
    },
    /// Others changed the same since the draft was begun: its owner has to choose.
    #[error("{} conflicts with revision {}", .0.conflicts.len(), .0.running.number)]
    Unmerged(Box<Rebase>),
    /// It was to run at once, and something stands in the way of that.
    #[error(transparent)]
    NotActivated(#[from] ActivateError),
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

/// Why a draft was not activated. No revision was made, nothing was pushed.
#[derive(Debug, thiserror::Error)]
pub enum ActivateError {
    /// Somebody activated another revision since the draft was begun.
    #[error("changed by {by} in revision {revision}")]
    Conflict {
        /// Who made the running revision.
        by: String,
        /// Its number.
        revision: u64,
    },
    /// The draft has errors; pointers are relative to the whole cluster.
    #[error("the draft has errors")]
    Invalid(Findings),
    /// The draft says the same as what runs.
    #[error("the draft changes nothing")]
    Nothing,
    /// What runs is on trial: it has to be kept or undone first.
    #[error("revision {revision} is on trial; keep or undo it first")]
    OnTrial {
        /// Its number.
        revision: u64,
    },
    /// It is not on trial, or not any more.
    #[error("revision {revision} is not on trial (any more)")]
    NotOnTrial {
        /// Its number.
        revision: u64,
    },
    /// The first revision has nothing to go back to.
    #[error("the first revision cannot be on trial; there is nothing to go back to")]
    FirstOnTrial,
    /// The cluster asks for four eyes, and the draft is the caller's own.
    #[error("nobody activates a draft of their own here; somebody else with the role approver has to")]
    FourEyes,
    /// The draft is not the one that was looked at.
    #[error("the draft was changed in the meantime")]
    Stale {
        /// The tag it has now.
        etag: String,
        /// Whose it is.
        by: String,
    },
    /// A trial takes from 10 seconds to an hour.
    #[error("a trial takes from 10 to 3600 seconds")]
    TrialLength,
    /// No such cluster, or the caller has no draft.
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

impl From<Error> for ChangeError {
    fn from(error: Error) -> Self {
        match error {
            Error::Missing(missing) => ChangeError::Missing(missing),
            Error::Forbidden { needs } => ChangeError::Forbidden { needs },
            Error::Refused(text) => ChangeError::Refused(text),
            Error::Failed(failure) => ChangeError::Failed(failure),
        }
    }
}

macro_rules! from_error {
    ($($type:ident),*) => { $(
        impl From<Error> for $type {
            fn from(error: Error) -> Self {
                match error {
                    Error::Missing(missing) => $type::Missing(missing),
                    Error::Forbidden { needs } => $type::Forbidden { needs },
                    Error::Refused(text) => $type::Failed(Failure::Internal(text)),
                    Error::Failed(failure) => $type::Failed(failure),
                }
            }
        }
    )* };
}

macro_rules! from_store_error {
    ($($type:ident),*) => { $(
        impl From<store::Error> for $type {
            fn from(error: store::Error) -> Self {
                $type::Failed(Failure::Store(error))
            }
        }
    )* };
}

from_error!(ActivateError, AccountError, AlertError, SecondFactorError, PasskeyError);
from_store_error!(ChangeError, ActivateError, AccountError, AlertError, SecondFactorError, PasskeyError);
