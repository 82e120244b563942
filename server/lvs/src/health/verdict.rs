//! What the checks say about a real server, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Failure, Moment};

/// What the checks say about a real server. What becomes of it in the table is its [`Standing`](super::Standing).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing is known yet.
    Unknown,
    /// It serves.
    Up,
    /// It does not.
    Down,
    /// It answers again, and has not done so for long enough.
    ReEntering,
}

impl Verdict {
    /// The word in texts and catalogue keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Unknown => "unknown",
            Verdict::Up => "up",
            Verdict::Down => "down",
            Verdict::ReEntering => "re-entering",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a verdict was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Reason {
    /// Nothing was asked yet; the setting says what that counts as.
    Started,
    /// Its checks are new: what was found out before was the answer to another question.
    Asked,
    /// Nobody checks it.
    Unchecked,
    /// It answered.
    Answered {
        /// So often in a row.
        successes: u32,
    },
    /// It failed.
    Failed {
        /// How.
        failure: Failure,
        /// So often in a row.
        failures: u32,
    },
    /// It answers again.
    Reentering {
        /// So often in a row.
        successes: u32,
        /// So often are needed.
        needed: u32,
    },
    /// It answers again, and is kept out because it has fallen too often lately.
    Damped {
        /// Falls that are remembered.
        falls: u32,
        /// For how long it is kept out after the last of them, milliseconds.
        hold_ms: u64,
    },
}

/// A change of verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Before.
    pub from: Verdict,
    /// Now.
    pub to: Verdict,
    /// Why.
    pub reason: Reason,
    /// When.
    pub at: Moment,
}
