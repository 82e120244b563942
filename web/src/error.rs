//! Everything a request can end with besides its answer, in one closed list.
//!
//! A handler returns an [`Error`]; the outermost layer (`layers::answer_errors`) turns it into a page for people and
//! into problem+json (RFC 9457) for the API. Internal causes are logged here with an id and never shown.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use console::{ChangeError, Failure, Role};
use lvs::{Finding, Findings};

use crate::locale::Locale;

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(crate) enum Error {
    /// No such path.
    NotFound,
    /// The path is right, the thing it names is not there.
    Missing(console::Missing),
    /// The path exists, not with this method.
    Method,
    /// No session, or no valid token.
    Unauthenticated,
    /// The role is not enough.
    Forbidden(Role),
    /// The token is for another cluster.
    Limited,
    /// The cluster asks for four eyes, and the draft is the caller's own.
    FourEyes,
    /// The form was not sent by a page of this console, or by a session that has ended.
    ForeignForm,
    /// The body is larger than this route takes.
    TooLarge {
        /// Bytes allowed.
        limit: usize,
    },
    /// The request could not be read; in words that may be shown.
    Malformed(String),
    /// The body has another content type than this route reads.
    MediaType,
    /// The body could be read; what it says cannot be taken.
    Unprocessable(Vec<FieldProblem>),
    /// What was written has errors by field.
    Invalid(Findings),
    /// The request must say which state it was made for (`If-Match`).
    PreconditionMissing,
    /// The state the request was made for is gone.
    Stale {
        /// The entity tag it has now.
        etag: String,
        /// Who changed it, where that is known.
        by: Option<String>,
    },
    /// A parameter of the query that this route does not know, or a value that it cannot take.
    Parameter(String),
    /// More requests than a token may make.
    TooMany {
        /// Seconds until there is room again.
        wait_s: u64,
    },
    /// More streams at once than a token may have.
    TooManyStreams {
        /// So many it may have.
        most: usize,
    },
    /// The same key came with another request before.
    KeyReused,
    /// The request with the same key is not answered yet.
    KeyBusy,
    /// The request with the same key was answered with a secret, which is not kept.
    KeySpent,
    /// Somebody activated another revision in the meantime.
    Conflict {
        /// Who.
        by: String,
        /// The revision they made.
        revision: u64,
        /// What both changed, where the draft is the caller's own.
        rebase: Option<Box<console::Rebase>>,
    },
    /// A director does not follow an order.
    OrderRefused {
        /// Which.
        director: String,
        /// Why, in the director's words.
        reason: String,
    },
    /// Somebody activated what the draft changes too: its owner has to choose.
    Unmerged(Box<console::Rebase>),
    /// The draft says the same as what runs.
    Nothing,
    /// What runs is on trial: it has to be kept or undone first.
    OnTrial {
        /// Its number.
        revision: u64,
    },
    /// That revision is not on trial (any more).
    NotOnTrial {
        /// Its number.
        revision: u64,
    },
    /// Refused for a reason the console gave in words.
    Refused(String),
    /// The answer took too long.
    Timeout,
    /// There is no room on the console's disk for what was to be kept.
    NoRoom,
    /// Something failed here; the log has the cause under this id.
    Internal {
        /// Names the log entry.
        id: String,
    },
}

/// One field of a request that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldProblem {
    /// JSON pointer (RFC 6901) within the body.
    pub(crate) pointer: String,
    /// Stable word.
    pub(crate) code: String,
    /// English sentence.
    pub(crate) message: String,
}

impl FieldProblem {
    pub(crate) fn of(finding: &Finding, prefix: &str) -> Self {
        let pointer = finding.pointer().unwrap_or_default();
        FieldProblem {
            pointer: pointer.strip_prefix(prefix).unwrap_or(pointer).to_owned(),
            code: finding.code.as_str().to_owned(),
            message: finding.text(),
        }
    }
}

impl Error {
    /// A failure of ours: logged with its cause, shown with an id only.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        let id = incident();
        tracing::error!(incident = %id, %cause, "a request failed");
        Error::Internal { id }
    }

    /// The status code that says the same.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Error::NotFound | Error::Missing(_) => StatusCode::NOT_FOUND,
            Error::Method => StatusCode::METHOD_NOT_ALLOWED,
            Error::Unauthenticated => StatusCode::UNAUTHORIZED,
            Error::Forbidden(_) | Error::Limited | Error::FourEyes | Error::ForeignForm => {
                StatusCode::FORBIDDEN
            }
            Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Error::Malformed(_) | Error::Parameter(_) => StatusCode::BAD_REQUEST,
            Error::TooMany { .. } | Error::TooManyStreams { .. } => StatusCode::TOO_MANY_REQUESTS,
            Error::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Error::Unprocessable(_) | Error::Invalid(_) | Error::Refused(_) | Error::KeyReused => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Error::PreconditionMissing => StatusCode::PRECONDITION_REQUIRED,
            Error::Stale { .. } => StatusCode::PRECONDITION_FAILED,
            Error::Conflict { .. }
            | Error::OrderRefused { .. }
            | Error::Unmerged(_)
            | Error::Nothing
            | Error::KeyBusy
            | Error::KeySpent
            | Error::OnTrial { .. }
            | Error::NotOnTrial { .. } => StatusCode::CONFLICT,
            Error::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            Error::NoRoom => StatusCode::INSUFFICIENT_STORAGE,
            Error::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable word of problem+json and of catalogue keys (`problem-…`).
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Error::NotFound => "not-found",
            Error::Missing(_) => "missing",
            Error::Method => "method",
            Error::Unauthenticated => "unauthenticated",
            Error::Forbidden(_) => "forbidden",
            Error::Limited => "limited",
            Error::FourEyes => "four-eyes",
            Error::ForeignForm => "foreign-form",
            Error::TooLarge { .. } => "too-large",
            Error::Malformed(_) => "malformed",
            Error::Parameter(_) => "parameter",
            Error::TooMany { .. } => "too-many",
            Error::TooManyStreams { .. } => "too-many-streams",
            Error::KeyReused => "key-reused",
            Error::KeyBusy => "key-busy",
            Error::KeySpent => "key-spent",
            Error::MediaType => "media-type",
            Error::Unprocessable(_) | Error::Invalid(_) => "invalid",
            Error::PreconditionMissing => "precondition-missing",
            Error::Stale { .. } => "stale",
            Error::Conflict { .. } => "conflict",
            Error::OrderRefused { .. } => "order-refused",
            Error::Unmerged(_) => "unmerged",
            Error::Nothing => "nothing",
            Error::OnTrial { .. } => "on-trial",
            Error::NotOnTrial { .. } => "not-on-trial",
            Error::Refused(_) => "refused",
            Error::Timeout => "timeout",
            Error::NoRoom => "no-room",
            Error::Internal { .. } => "internal",
        }
    }

    /// What happened, in a sentence that may be shown.
    pub(crate) fn detail(&self, locale: Locale) -> String {
        match self {
            Error::Missing(missing) => locale
                .say(format!("missing-{}", missing.thing.as_str().replace(' ', "-")))
                .with("name", &missing.name),
            Error::Forbidden(role) => {
                locale.say("problem-forbidden").with("role", locale.say(format!("role-{role}")))
            }
            Error::TooLarge { limit } => locale.say("problem-too-large").with("kib", limit / 1024),
            Error::OrderRefused { director, reason } => {
                locale.say("problem-order-refused").with("director", director).with("reason", reason)
            }
            Error::Conflict { by, revision, .. } => {
                locale.say("problem-conflict").with("by", crate::page::short(by)).with("revision", *revision)
            }
            Error::Unmerged(rebase) => locale
                .say("problem-unmerged")
                .with("by", crate::page::short(&rebase.running.author))
                .with("revision", rebase.running.number),
            Error::OnTrial { revision } => locale.say("problem-on-trial").with("revision", *revision),
            Error::NotOnTrial { revision } => locale.say("problem-not-on-trial").with("revision", *revision),
            Error::Refused(text) => locale.say("problem-refused").with("reason", text),
            Error::Stale { by: Some(by), .. } => {
                locale.say("problem-stale-by").with("by", crate::page::short(by))
            }
            Error::Parameter(text) => locale.say("problem-parameter").with("reason", text),
            Error::TooMany { wait_s } => locale.say("problem-too-many").with("seconds", *wait_s),
            Error::TooManyStreams { most } => locale.say("problem-too-many-streams").with("most", *most),
            Error::Malformed(text) => locale.say("problem-malformed").with("reason", text),
            other => locale.say(format!("problem-{}", other.code())),
        }
        .to_string()
    }

    /// Every code, for the tests of the catalogue.
    #[cfg(test)]
    pub(crate) const CODES: [&'static str; 29] = [
        "not-found",
        "missing",
        "method",
        "unauthenticated",
        "forbidden",
        "limited",
        "four-eyes",
        "foreign-form",
        "too-large",
        "malformed",
        "parameter",
        "too-many",
        "key-reused",
        "key-busy",
        "key-spent",
        "media-type",
        "invalid",
        "precondition-missing",
        "stale",
        "conflict",
        "order-refused",
        "unmerged",
        "nothing",
        "on-trial",
        "not-on-trial",
        "refused",
        "timeout",
        "no-room",
        "internal",
    ];
}

/// Twelve hexadecimal digits that name a log entry; unique enough to find it, no secret.
pub(crate) fn incident() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0);
    format!("{:08x}-{:03x}", now & 0xffff_ffff, COUNT.fetch_add(1, Ordering::Relaxed) & 0xfff)
}

impl IntoResponse for Error {
    /// Only the status; the outermost layer writes the body, because it knows who asks and in which language.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        if failure.is_no_room() {
            tracing::error!(cause = %failure, "a request could not be kept");
            return Error::NoRoom;
        }
        Error::internal(failure)
    }
}

impl From<console::Error> for Error {
    fn from(error: console::Error) -> Self {
        match error {
            console::Error::Missing(missing) => Error::Missing(missing),
            console::Error::Forbidden { needs } => Error::Forbidden(needs),
            console::Error::Refused(text) => Error::Refused(text),
            console::Error::Failed(failure) => failure.into(),
        }
    }
}

impl From<ChangeError> for Error {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Invalid(findings) => Error::Invalid(findings),
            ChangeError::Refused(text) => Error::Refused(text),
            ChangeError::Stale { etag, by } => Error::Stale { etag, by },
            ChangeError::Unmerged(rebase) => Error::Unmerged(rebase),
            ChangeError::NotActivated(error) => error.into(),
            ChangeError::Missing(missing) => Error::Missing(missing),
            ChangeError::Forbidden { needs } => Error::Forbidden(needs),
            ChangeError::Failed(failure) => failure.into(),
        }
    }
}

impl From<console::ActivateError> for Error {
    fn from(error: console::ActivateError) -> Self {
        use console::ActivateError as A;
        match error {
            A::Conflict { by, revision } => Error::Conflict { by, revision, rebase: None },
            A::Invalid(findings) => Error::Invalid(findings),
            A::Nothing => Error::Nothing,
            A::OnTrial { revision } => Error::OnTrial { revision },
            A::NotOnTrial { revision } => Error::NotOnTrial { revision },
            A::FourEyes => Error::FourEyes,
            A::Stale { etag, by } => Error::Stale { etag, by: Some(by) },
            A::FirstOnTrial | A::TrialLength => Error::Unprocessable(vec![FieldProblem {
                pointer: "/keep_s".to_owned(),
                code: "trial".to_owned(),
                message: error.to_string(),
            }]),
            A::Missing(missing) => Error::Missing(missing),
            A::Forbidden { needs } => Error::Forbidden(needs),
            A::Failed(failure) => failure.into(),
        }
    }
}

impl From<console::AlertError> for Error {
    fn from(error: console::AlertError) -> Self {
        use console::AlertError as A;
        match error {
            A::Invalid(wrong) => {
                let problem = |(field, why): (&str, console::WrongAlert)| FieldProblem {
                    pointer: format!("/{}", field.replace('.', "/")),
                    code: why.as_str().to_owned(),
                    message: why.to_string(),
                };
                Error::Unprocessable(wrong.into_iter().map(problem).collect())
            }
            A::InUse(_) => Error::Refused(error.to_string()),
            A::Missing(missing) => Error::Missing(missing),
            A::Forbidden { needs } => Error::Forbidden(needs),
            A::Failed(failure) => failure.into(),
        }
    }
}

impl From<console::SetSignOnError> for Error {
    fn from(error: console::SetSignOnError) -> Self {
        use console::SetSignOnError as S;
        match error {
            S::Invalid(wrong) => {
                let problem = |(field, why): (&str, console::WrongSignOn)| FieldProblem {
                    pointer: format!("/{field}"),
                    code: why.as_str().to_owned(),
                    message: why.to_string(),
                };
                Error::Unprocessable(wrong.into_iter().map(problem).collect())
            }
            S::Forbidden { needs } => Error::Forbidden(needs),
            S::Failed(failure) => failure.into(),
        }
    }
}

impl From<askama::Error> for Error {
    fn from(error: askama::Error) -> Self {
        Error::internal(error)
    }
}
