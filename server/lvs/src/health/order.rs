//! What an operator has ordered for a real server: to serve, to drain, to stay out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Moment;

/// An operator's order for a real server. It is runtime state: no part of a configuration, and not ended by a new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Order {
    /// What.
    pub instruction: Instruction,
    /// When draining: also end the persistence of its clients (*drain now*).
    #[serde(default, skip_serializing_if = "is_false")]
    pub at_once: bool,
    /// When draining: until when it should be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Deadline>,
    /// When the order ends by itself, seconds since 1970; the server is then enabled again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_s: Option<i64>,
    /// When enabling: seconds in which it gets its weight back, in even steps; as its slow start says where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp_s: Option<u32>,
    /// Why, in the operator's words.
    #[serde(default)]
    pub reason: String,
    /// Who gave it.
    pub by: String,
    /// When it was given, seconds since 1970.
    pub given_s: i64,
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// What is ordered; the later in this list is the stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Instruction {
    /// It serves, as its checks say.
    #[default]
    Enabled,
    /// It takes no new connections and finishes the old ones.
    Draining,
    /// It is out of the table; connections break.
    Disabled,
}

impl Instruction {
    /// All of them.
    pub const ALL: [Instruction; 3] = [Instruction::Enabled, Instruction::Draining, Instruction::Disabled];

    /// The word in the API and in catalogue keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Instruction::Enabled => "enabled",
            Instruction::Draining => "draining",
            Instruction::Disabled => "disabled",
        }
    }
}

/// Until when a server should be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Deadline {
    /// Seconds since 1970.
    pub at_s: i64,
    /// What happens to connections that are left then.
    #[serde(default)]
    pub then: Overdue,
}

/// What happens at a deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Overdue {
    /// They are waited for; it is shown as overdue.
    #[default]
    Wait,
    /// The server is taken out, and they break.
    Cut,
}

impl Overdue {
    /// The word in the API and in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Overdue::Wait => "wait",
            Overdue::Cut => "cut",
        }
    }
}

/// An order as it holds on one director: its times of day turned into moments once, when it was taken, so that a clock
/// that is put right later cuts nothing off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// What.
    pub instruction: Instruction,
    /// See [`Order::at_once`].
    pub at_once: bool,
    /// See [`Order::deadline`].
    pub deadline: Option<(Moment, Overdue)>,
    /// See [`Order::until_s`].
    pub until: Option<Moment>,
    /// See [`Order::ramp_s`].
    pub ramp: Option<Duration>,
}

impl Order {
    /// As it holds here, where the time of day is `clock_s`.
    pub fn place(&self, clock_s: i64, now: Moment) -> Placed {
        let moment = |at_s: i64| {
            now.saturating_add(Duration::from_secs(u64::try_from(at_s.saturating_sub(clock_s)).unwrap_or(0)))
        };
        Placed {
            instruction: self.instruction,
            at_once: self.at_once,
            deadline: self.deadline.map(|deadline| (moment(deadline.at_s), deadline.then)),
            until: self.until_s.map(moment),
            ramp: self.ramp_s.map(|seconds| Duration::from_secs(u64::from(seconds))),
        }
    }
}

impl Placed {
    /// What holds now: nothing once it has ended, out once its deadline cut.
    pub fn holds(&self, now: Moment) -> Instruction {
        if self.until.is_some_and(|until| until <= now) {
            return Instruction::Enabled;
        }
        match (self.instruction, self.deadline) {
            (Instruction::Draining, Some((at, Overdue::Cut))) if at <= now => Instruction::Disabled,
            (instruction, _) => instruction,
        }
    }

    /// When [`Placed::holds`] changes by itself next.
    pub(super) fn next(&self, now: Moment) -> Option<Moment> {
        let cut = self
            .deadline
            .filter(|(_, then)| *then == Overdue::Cut && self.instruction == Instruction::Draining);
        let ahead = |at: &Moment| *at > now;
        cut.map(|(at, _)| at).filter(ahead).into_iter().chain(self.until.filter(ahead)).min()
    }
}
