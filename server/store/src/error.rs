//! What can go wrong with the database, in kinds a caller can act on.

/// Why a statement did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A constraint of the schema said no; the name is the schema's (`cluster_name_unique`).
    #[error("constraint {0}")]
    Constraint(String),
    /// A row refers to one that is not there. SQLite does not say by which constraint.
    #[error("a row refers to another that is not there")]
    Reference,
    /// Another process holds the database for longer than the busy timeout.
    #[error("the database is busy")]
    Busy,
    /// There is no room for it: the disk is full, or is read-only. Nothing of the transaction was kept.
    #[error("no room: {0}")]
    NoRoom(String),
    /// The content of a row could not be read back.
    #[error("stored content: {0}")]
    Content(String),
    /// The migrations could not be applied.
    #[error("migration: {0}")]
    Migration(String),
    /// Anything else that SQLite or the disk reports.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// Whether it is this constraint of the schema.
    pub fn is(&self, constraint: &str) -> bool {
        matches!(self, Error::Constraint(name) if name == constraint)
    }
}

/// SQLite names check constraints, but reports unique ones by their columns.
const UNIQUE: [(&str, &str); 41] = [
    ("alert_channel.id", "alert_channel_primary"),
    ("alert_channel.name", "alert_channel_name_unique"),
    ("alert_rule.id", "alert_rule_primary"),
    ("alert_rule.name", "alert_rule_name_unique"),
    ("alert_state.rule, alert_state.cluster, alert_state.problem", "alert_state_primary"),
    ("alert_silence.id", "alert_silence_primary"),
    ("alert_message.number", "alert_message_primary"),
    ("event.number", "event_primary"),
    ("installation.one", "installation_primary"),
    ("cluster.id", "cluster_primary"),
    ("cluster.name", "cluster_name_unique"),
    ("revision.cluster, revision.number", "revision_primary"),
    ("draft.cluster, draft.owner", "draft_primary"),
    ("director.id", "director_primary"),
    ("heartbeat_key.cluster, heartbeat_key.number", "heartbeat_key_primary"),
    ("server_orders.cluster", "server_orders_primary"),
    ("director.cluster, director.name", "director_name_unique"),
    ("certificate.serial", "certificate_primary"),
    ("join_token.hash", "join_token_primary"),
    ("push_result.director, push_result.revision", "push_result_primary"),
    ("account.name", "account_name_unique"),
    ("session.hash", "session_primary"),
    ("api_token.name", "api_token_name_unique"),
    ("api_token.prefix", "api_token_prefix_unique"),
    ("audit.number", "audit_primary"),
    ("provisional.cluster, provisional.revision", "provisional_primary"),
    ("password_link.hash", "password_link_primary"),
    ("second_factor.account", "second_factor_primary"),
    ("recovery_code.account, recovery_code.hash", "recovery_code_primary"),
    ("half_login.hash", "half_login_primary"),
    ("passkey.id", "passkey_primary"),
    ("passkey.credential", "passkey_credential_once"),
    ("passkey.account, passkey.name", "passkey_name_once"),
    ("setting.name", "setting_primary"),
    ("sign_on.one", "sign_on_primary"),
    ("identity.account", "identity_primary"),
    ("identity.issuer, identity.subject", "identity_once"),
    ("repeated_request.caller, repeated_request.key", "repeated_request_primary"),
    ("series.number", "series_primary"),
    ("series.cluster, series.service, series.server", "series_once"),
    ("series_chunk.series, series_chunk.step, series_chunk.start", "series_chunk_primary"),
];

/// Primary result code SQLITE_BUSY (the extended codes keep it in their low byte).
const SQLITE_BUSY: i64 = 5;
/// SQLITE_READONLY and SQLITE_FULL.
const NO_ROOM: [i64; 2] = [8, 13];

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => {
                let message = database.message();
                if let Some(name) = message.strip_prefix("CHECK constraint failed: ") {
                    return Error::Constraint(name.to_owned());
                }
                if let Some(columns) = message.strip_prefix("UNIQUE constraint failed: ") {
                    let name = UNIQUE.iter().find(|(c, _)| *c == columns).map_or(columns, |(_, name)| name);
                    return Error::Constraint(name.to_owned());
                }
                if message.starts_with("FOREIGN KEY constraint failed") {
                    return Error::Reference;
                }
                let code = database.code().and_then(|c| c.parse::<i64>().ok());
                if code.is_some_and(|c| c & 0xff == SQLITE_BUSY) {
                    return Error::Busy;
                }
                if code.is_some_and(|c| NO_ROOM.contains(&(c & 0xff))) {
                    return Error::NoRoom(message.to_owned());
                }
                Error::Other(message.to_owned())
            }
            sqlx::Error::PoolTimedOut => Error::Busy,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Error::Content(error.to_string()),
            _ => Error::Other(error.to_string()),
        }
    }
}
