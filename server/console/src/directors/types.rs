//! What callers of the director functions see.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use lvs::model::Seat;

use crate::live::LiveDirector;

/// A director as listed: configured, enrolled, or both.
#[derive(Clone, Debug, PartialEq)]
pub struct DirectorView {
    /// The console's id (`dir_…`); none until a join token was made for it.
    pub id: Option<String>,
    /// Its name, unique in the cluster.
    pub name: String,
    /// Its configured place; none where an enrolled director is no longer configured.
    pub seat: Option<Seat>,
    /// Real address on the clients' side.
    pub public: Option<IpAddr>,
    /// Real address on the real servers' side.
    pub private: Option<IpAddr>,
    /// Where the console dials it (`HOST:PORT`); none until given or joined.
    pub dial: Option<String>,
    /// Whether an unrevoked certificate exists.
    pub enrolled: bool,
    /// When its newest certificate ends.
    pub certificate_ends: Option<Timestamp>,
    /// Until when an unused join token is good.
    pub token_expires: Option<Timestamp>,
    /// Whether it is only in the caller's draft so far.
    pub draft_only: bool,
    /// What became of the last push (`applied`, `refused`, `unreachable`, …) and its detail.
    pub last_push: Option<LastPush>,
    /// What it reports; none while not enrolled.
    pub live: Option<LiveDirector>,
}

/// The last push to a director, from the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastPush {
    /// The revision pushed.
    pub revision: u64,
    /// One of `applied`, `partial`, `refused`, `unreachable`, `held`.
    pub outcome: String,
    /// The reason, or the number of steps.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

/// A join token just made. `token` is the only copy; only its hash is kept.
#[derive(Clone)]
pub struct JoinToken {
    /// 160 random bits, base32-like; good once.
    pub token: String,
    /// The director it is bound to.
    pub director: String,
    /// The director's id (`dir_…`).
    pub director_id: String,
    /// When it ends (15 minutes).
    pub expires: Timestamp,
    /// The internal CA's public key, `sha256:HEX`.
    pub fingerprint: String,
}

impl JoinToken {
    /// The command to run on the director; `console_url` is how it reaches this console (`https://HOST:3636`).
    pub fn command(&self, console_url: &str) -> String {
        format!("caribe agent join {console_url} --token {} --fingerprint {}", self.token, self.fingerprint)
    }
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinToken")
            .field("director", &self.director)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
