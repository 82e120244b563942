//! Slow start: the weight as a function of the time since a server came in. And ages that outlive a restart.

use std::time::Duration;

use super::Moment;
use super::policy::SlowStart;

/// A moment that may lie before the agent's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Since {
    at: Moment,
    /// The age it had at that moment.
    before: Duration,
}

impl Since {
    pub(super) fn now(now: Moment) -> Self {
        Since { at: now, before: Duration::ZERO }
    }

    /// What was so old when it was remembered, and has been away since.
    pub(super) fn ago(age_ms: u64, away: Duration, now: Moment) -> Self {
        Since { at: now, before: Duration::from_millis(age_ms).saturating_add(away) }
    }

    pub(super) fn age(self, now: Moment) -> Duration {
        now.saturating_sub(self.at).saturating_add(self.before)
    }

    pub(super) fn age_ms(self, now: Moment) -> u64 {
        u64::try_from(self.age(now).as_millis()).unwrap_or(u64::MAX)
    }

    /// When it will be so old.
    pub(super) fn reaches(self, age: Duration) -> Moment {
        self.at.saturating_add(age.saturating_sub(self.before))
    }
}

/// A server on its way to its full weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ramp {
    pub(super) since: Since,
    pub(super) kind: SlowStart,
    /// Time of one step.
    step: Duration,
    /// Steps to the full weight, where the kind does not follow the weight.
    steps: u32,
}

/// The most steps of an even ramp; each is a write to the kernel.
const STEPS: u32 = 20;

/// The share of the weight that Piranha's ramp begins with.
const PIRANHA_SHARE: u32 = 32;

impl Ramp {
    /// Begins one; none where the weight is given at once.
    pub(super) fn begin(kind: SlowStart, since: Since) -> Option<Self> {
        let (step, steps) = match kind {
            SlowStart::Off => return None,
            SlowStart::Doubling(time) | SlowStart::Linear(time) if time.is_zero() => return None,
            SlowStart::Doubling(step) => (step, 0),
            SlowStart::Linear(time) => {
                let steps = u32::try_from(time.as_secs()).unwrap_or(u32::MAX).clamp(1, STEPS);
                (time.checked_div(steps).unwrap_or(time), steps)
            }
        };
        Some(Ramp { since, kind, step, steps })
    }

    fn taken(&self, now: Moment) -> u32 {
        let step = self.step.as_nanos().max(1);
        u32::try_from(self.since.age(now).as_nanos().checked_div(step).unwrap_or(0)).unwrap_or(u32::MAX)
    }

    /// What of a weight is given now; all of it once the ramp is over. 0 stays 0.
    pub(super) fn of(&self, weight: u32, now: Moment) -> u32 {
        let taken = self.taken(now);
        let share = match self.kind {
            SlowStart::Doubling(_) => {
                let first = u64::from((weight / PIRANHA_SHARE).max(1));
                first.saturating_mul(1_u64.checked_shl(taken.min(40)).unwrap_or(u64::MAX))
            }
            SlowStart::Off | SlowStart::Linear(_) if taken >= self.steps => u64::from(weight),
            SlowStart::Off | SlowStart::Linear(_) => {
                let share = u64::from(weight).saturating_mul(u64::from(taken));
                share.checked_div(u64::from(self.steps)).unwrap_or(0).max(1)
            }
        };
        u32::try_from(share).unwrap_or(u32::MAX).min(weight)
    }

    /// Whether the full weight is reached.
    pub(super) fn over(&self, weight: u32, now: Moment) -> bool {
        self.of(weight, now) == weight && (self.steps == 0 || self.taken(now) >= self.steps)
    }

    /// When the next step is due.
    pub(super) fn next(&self, now: Moment) -> Moment {
        let steps = self.taken(now).saturating_add(1);
        self.since.reaches(self.step.saturating_mul(steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(kind: SlowStart, weight: u32, at: &[u64]) -> Vec<u32> {
        let ramp = Ramp::begin(kind, Since::now(Duration::from_secs(1000))).unwrap();
        at.iter().map(|s| ramp.of(weight, Duration::from_secs(1000 + s))).collect()
    }

    #[test]
    fn piranhas_ramp_doubles_from_a_32nd() {
        let at = [0, 19, 20, 40, 60, 80, 100, 120, 10_000];
        let kind = SlowStart::Doubling(Duration::from_secs(20));
        assert_eq!(weights(kind, 100, &at), [3, 3, 6, 12, 24, 48, 96, 100, 100]);
        assert_eq!(weights(kind, 1, &[0, 20]), [1, 1]);
        assert_eq!(weights(kind, 8, &at), [1, 1, 2, 4, 8, 8, 8, 8, 8]);
        assert_eq!(weights(kind, 65_535, &[0, 20, u64::MAX / 2]), [2047, 4094, 65_535]);
        assert_eq!(weights(kind, 0, &[0, 100]), [0, 0]);
        assert_eq!(Ramp::begin(SlowStart::Doubling(Duration::ZERO), Since::now(Duration::ZERO)), None);
    }

    #[test]
    fn an_even_ramp_takes_its_time_in_at_most_twenty_steps() {
        let kind = SlowStart::Linear(Duration::from_secs(10));
        assert_eq!(weights(kind, 100, &[0, 1, 5, 9, 10, 11]), [1, 10, 50, 90, 100, 100]);
        assert_eq!(weights(kind, 1, &[0, 5, 10]), [1, 1, 1]);
        let hour = SlowStart::Linear(Duration::from_secs(3600));
        assert_eq!(weights(hour, 100, &[0, 179, 180, 1800, 3600]), [1, 1, 5, 50, 100]);
        let ramp = Ramp::begin(hour, Since::now(Duration::ZERO)).unwrap();
        assert_eq!(ramp.next(Duration::from_secs(200)), Duration::from_secs(360));
    }

    #[test]
    fn a_moment_before_the_start_keeps_its_age() {
        let (now, later) = (Duration::from_secs(5), Duration::from_secs(8));
        let since = Since::ago(60_000, Duration::from_secs(10), now);
        assert_eq!(since.age(later), Duration::from_secs(73));
        assert_eq!(since.reaches(Duration::from_secs(80)), Duration::from_secs(15));
        assert_eq!(since.reaches(Duration::from_secs(3)), now);
    }
}
