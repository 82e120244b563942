//! What can go wrong with the database, in kinds a caller can act on.

/// Why a statement did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A constraint of the schema said no; the name is the schema's (`cluster_name_unique`).
    #[error("constraint {0}")]
    Constraint(String),
    /// A row refers to one that is not there, or is referred to.
    #[error("a row refers to another that is not there")]
    Reference,
    /// Another process holds the database for longer than the busy timeout.
    #[error("the database is busy")]
    Busy,
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
