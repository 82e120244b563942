//! One check of one real server: counting answers.

use super::ramp::Since;
use super::{Failure, Moment, Outcome, Pace, Reason, RememberedCheck, Trouble, Verdict};

/// What one check has counted. Several of them make a member's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// What this check alone says.
    pub verdict: Verdict,
    /// Good answers in a row.
    pub successes: u32,
    /// Failures in a row.
    pub failures: u32,
    /// How it failed last, while it counts as failed or doubtful.
    pub failure: Option<Failure>,
    /// Why the checker could not ask, if the last probe went so.
    pub trouble: Option<Trouble>,
    /// Whether any result decided it yet; before, one is enough.
    pub(super) tried: bool,
    /// When the next probe is due, while none is under way.
    pub(super) due: Option<Moment>,
    /// When the probe under way was asked for.
    pub(super) asked: Option<Moment>,
    /// When the last probe ended that said something.
    pub(super) heard: Option<Since>,
}

impl Tally {
    pub(super) fn new(verdict: Verdict, due: Moment) -> Self {
        Tally {
            verdict,
            successes: 0,
            failures: 0,
            failure: None,
            trouble: None,
            tried: false,
            due: Some(due),
            asked: None,
            heard: None,
        }
    }

    /// Takes what a probe brought that began at `began`.
    pub(super) fn take(&mut self, outcome: &Outcome, pace: &Pace, began: Moment, now: Moment) {
        self.asked = None;
        let again = began.saturating_add(pace.interval).max(now);
        self.due = Some(again);
        match outcome {
            Outcome::Undecided(trouble) => {
                self.trouble = Some(*trouble);
                return;
            }
            Outcome::Up { .. } => {
                self.failures = 0;
                self.successes = self.successes.saturating_add(1);
                self.verdict = match self.verdict {
                    Verdict::Unknown | Verdict::Up => Verdict::Up,
                    Verdict::Down | Verdict::ReEntering if self.successes >= pace.rise() => Verdict::Up,
                    Verdict::Down | Verdict::ReEntering => Verdict::ReEntering,
                };
                if self.verdict == Verdict::Up {
                    self.failure = None;
                }
            }
            Outcome::Down(failure) => {
                self.successes = 0;
                self.failures = self.failures.saturating_add(1);
                self.failure = Some(failure.clone());
                let doubt = self.verdict == Verdict::Up && self.tried && self.failures < pace.fall();
                if doubt {
                    self.due = Some(pace.retry_delay.map_or(again, |delay| now.saturating_add(delay)));
                } else {
                    self.verdict = Verdict::Down;
                }
            }
        }
        self.trouble = None;
        self.tried = true;
        self.heard = Some(Since::now(now));
    }

    /// Why it says what it says now.
    pub(super) fn reason(&self, pace: &Pace) -> Reason {
        match (self.verdict, &self.failure) {
            (Verdict::Unknown, _) => Reason::Started,
            (Verdict::Down, None) => Reason::Started,
            (Verdict::Up, _) if !self.tried => Reason::Started,
            (Verdict::Up, _) => Reason::Answered { successes: self.successes },
            (Verdict::ReEntering, _) => Reason::Reentering { successes: self.successes, needed: pace.rise() },
            (Verdict::Down, Some(failure)) => {
                Reason::Failed { failure: failure.clone(), failures: self.failures }
            }
        }
    }

    /// Asks, where it is time to: a probe is due, or the one under way must be lost.
    pub(super) fn ask(&mut self, pace: &Pace, now: Moment) -> bool {
        if self.asked.is_some_and(|asked| now >= Tally::lost(asked, pace)) {
            self.trouble = Some(Trouble::Lost);
            self.asked = None;
            self.due = Some(now);
        }
        let due = self.due.is_some_and(|due| due <= now);
        if due {
            self.due = None;
            self.asked = Some(now);
        }
        due
    }

    /// When it wants to be looked at again.
    pub(super) fn next(&self, pace: &Pace) -> Option<Moment> {
        self.due.or_else(|| self.asked.map(|asked| Tally::lost(asked, pace)))
    }

    /// When a probe that was asked for must have come back; waiting for a free socket included.
    fn lost(asked: Moment, pace: &Pace) -> Moment {
        asked.saturating_add(pace.timeout.saturating_mul(2)).saturating_add(super::Moment::from_secs(10))
    }

    pub(super) fn remember(&self) -> RememberedCheck {
        RememberedCheck {
            verdict: self.verdict,
            successes: self.successes,
            failures: self.failures,
            failure: self.failure.clone(),
            tried: self.tried,
        }
    }

    pub(super) fn resume(remembered: &RememberedCheck, due: Moment) -> Self {
        Tally {
            successes: remembered.successes,
            failures: remembered.failures,
            failure: remembered.failure.clone(),
            tried: remembered.tried,
            ..Tally::new(remembered.verdict, due)
        }
    }
}
