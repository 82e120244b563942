//! What can be wrong with the settings of alerts, and why nothing was done. Pure; made by `types` and by the functions
//! that keep settings.

use crate::{Failure, Missing, Role};

/// Why a setting cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongAlert {
    /// Nothing is there.
    #[error("something is needed here")]
    Missing,
    /// No name.
    #[error("a name has 1 to 64 characters, and no line end")]
    Name,
    /// Somebody else has it.
    #[error("this name is taken")]
    Taken,
    /// Too long, or with characters that do not belong into one line.
    #[error("this is too long, or has characters that cannot be in it")]
    Text,
    /// Not one of ours.
    #[error("en or zh-CN is expected")]
    Language,
    /// No name of a machine.
    #[error("the name or address of a mail server is expected, without port")]
    Server,
    /// No port.
    #[error("a port from 1 to 65535 is expected")]
    Port,
    /// No mail address.
    #[error("a mail address such as lb@example.com is expected")]
    Address,
    /// Too many.
    #[error("at most 50 addresses; use a list of your mail server for more")]
    Recipients,
    /// No address of a web server.
    #[error("https://… is expected, or http://… within your own network, without user and password")]
    Url,
    /// No certificates.
    #[error("certificates in PEM are expected (-----BEGIN CERTIFICATE-----)")]
    Authorities,
    /// A password and nobody whose it would be.
    #[error("a password needs a user")]
    SecretWithoutUser,
    /// A user and no password.
    #[error("a user needs a password")]
    UserWithoutSecret,
    /// A password would be sent in the clear.
    #[error("a password is not sent over a connection that is not protected")]
    SecretInClear,
    /// One kind of channel does not become another.
    #[error("a channel stays what it is; make another one")]
    Kind,
    /// There is no such channel.
    #[error("there is no such channel")]
    Channel,
    /// There is no such cluster.
    #[error("there is no such cluster")]
    Cluster,
    /// Too long.
    #[error("0 to 86400 seconds are expected")]
    After,
    /// Too short or too long.
    #[error("0 for never, or 300 to 604800 seconds are expected")]
    Repeat,
    /// Over before it begins, or longer than three months.
    #[error("a silence ends later than it begins, later than now, and within 90 days")]
    Ends,
    /// A problem is of one cluster.
    #[error("a problem is named with its cluster")]
    ProblemWithoutCluster,
}

impl WrongAlert {
    /// A stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            WrongAlert::Missing => "missing",
            WrongAlert::Name => "name",
            WrongAlert::Taken => "taken",
            WrongAlert::Text => "text",
            WrongAlert::Language => "language",
            WrongAlert::Server => "server",
            WrongAlert::Port => "port",
            WrongAlert::Address => "address",
            WrongAlert::Recipients => "recipients",
            WrongAlert::Url => "url",
            WrongAlert::Authorities => "authorities",
            WrongAlert::SecretWithoutUser => "secret-without-user",
            WrongAlert::UserWithoutSecret => "user-without-secret",
            WrongAlert::SecretInClear => "secret-in-clear",
            WrongAlert::Kind => "kind",
            WrongAlert::Channel => "channel",
            WrongAlert::Cluster => "cluster",
            WrongAlert::After => "after",
            WrongAlert::Repeat => "repeat",
            WrongAlert::Ends => "ends",
            WrongAlert::ProblemWithoutCluster => "problem-without-cluster",
        }
    }
}

/// Fields, with dots, and what is wrong with each.
pub type WrongAlerts = Vec<(&'static str, WrongAlert)>;

/// Why something about alerts was not done. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// What was sent cannot be taken.
    #[error("{} settings cannot be taken", .0.len())]
    Invalid(WrongAlerts),
    /// Rules use the channel.
    #[error("rules use this channel: {}", .0.join(", "))]
    InUse(Vec<String>),
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
