//! Whether a director that hears nobody can say anything about its servers.
//!
//! One whose network is gone finds every server silent. Taken at its word it would throw them all out, and, back on the
//! network, wait through their re-entry: a take-over in that time would have no server to send anybody to. So where a
//! director serves nobody, hears nothing of its partner, and not one server has answered since, a server's silence is
//! [`Trouble::CutOff`](super::Trouble): no verdict. [`Roster`](super::Roster) owns one.
//!
//! The partner counts as unheard after its deadtime; what failed before that stands. A director that claims then is active
//! and believes its checks: this helps one that something keeps from claiming (a gateway, the console as witness, a hold,
//! links of its own).

use super::{Failure, Moment, Outcome, Phase, ProgramFailure};

/// What is known of a director's own hearing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Silence {
    /// Since when nothing is heard of the partner, while that is so and no server has answered either.
    since: Option<Moment>,
    /// Nothing is heard of the partner.
    alone: bool,
    /// When somebody was heard again last.
    until: Option<Moment>,
}

impl Silence {
    /// Whether the director is alone.
    pub(super) fn is_alone(&self) -> bool {
        self.alone
    }

    /// The director is `alone`: it serves nobody and hears nothing of its partner. True where that is new.
    pub(super) fn alone(&mut self, alone: bool, now: Moment) -> bool {
        let new = std::mem::replace(&mut self.alone, alone) != alone;
        match (new, alone) {
            (true, true) => self.since = Some(now),
            (true, false) => self.over(now),
            (false, _) => {}
        }
        new
    }

    /// Takes what a probe brought that began at `began`. Whether it says nothing, because nobody at all was heard while it
    /// ran. `telling`: an answer to it can only have come over the network.
    pub(super) fn swallows(&mut self, outcome: &Outcome, telling: bool, began: Moment, now: Moment) -> bool {
        match outcome {
            Outcome::Down(failure) if is_silence(failure) => {
                self.since.is_some() || self.until.is_some_and(|until| began <= until)
            }
            Outcome::Undecided(_) | Outcome::Down(Failure::Program { .. }) => false,
            // A server's answer, good or bad: the network is there.
            Outcome::Up { .. } | Outcome::Down(_) => {
                if telling && self.since.is_some_and(|since| began >= since) {
                    self.over(now);
                }
                false
            }
        }
    }

    fn over(&mut self, now: Moment) {
        if self.since.take().is_some() {
            self.until = Some(now);
        }
    }
}

/// Whether a failure looks the same when it is the asker whose network is gone.
fn is_silence(failure: &Failure) -> bool {
    match failure {
        // At its own address it has just answered.
        Failure::TimedOut { phase: Phase::DataPath } | Failure::DataPathRefused => false,
        Failure::TimedOut { .. } | Failure::Unreachable => true,
        // What a program asks, and how it fails, is its own matter.
        Failure::Program { reason } => {
            matches!(reason, ProgramFailure::Exit { .. } | ProgramFailure::TimedOut)
        }
        Failure::Refused
        | Failure::Reset
        | Failure::ClosedEarly
        | Failure::Mismatch
        | Failure::Status { .. }
        | Failure::Tls { .. }
        | Failure::Dns { .. }
        | Failure::Agent { .. }
        | Failure::Protocol => false,
    }
}
