//! How checking goes in all, counted once a second; and which of what was told of single real servers is too old by then.
//!
//! A status is told when something happens. Where nothing does, two things get old: a checker that falls silent, and the
//! evidence against a server that stays down. No clock is read here; `desk` calls it.

use std::time::Duration;

use lvs::health::{Checker, Moment, Roster, Verdict};
use lvs::wire::{CheckKey, CheckerStatus, Checking};

use super::desk::Statuses;

/// How often what is wrong is told again, while nothing new happens.
const AGAIN: Duration = Duration::from_secs(5);
/// The most that are told again at once; where more is wrong, each waits for its turn.
const AT_ONCE: usize = 20;

/// A count of all.
pub(super) struct Summary {
    pub(super) checking: Checking,
    /// Whose checker is in another state than was told.
    pub(super) changed: Vec<CheckKey>,
    /// Who is not up, or cannot be asked; in order.
    unwell: Vec<CheckKey>,
}

impl Summary {
    /// Counts; `statuses` is what was told last.
    pub(super) fn of(roster: &Roster, questions: usize, statuses: &Statuses, now: Moment) -> Self {
        let questions = u32::try_from(questions).unwrap_or(u32::MAX);
        let mut checking = Checking { questions, ..Checking::default() };
        let (mut changed, mut unwell) = (Vec::new(), Vec::new());
        for (service, held) in roster.services() {
            for (server, member) in held.members() {
                let count = match member.verdict() {
                    Verdict::Up => &mut checking.up,
                    Verdict::Down => &mut checking.down,
                    Verdict::ReEntering => &mut checking.re_entering,
                    Verdict::Unknown => &mut checking.unknown,
                };
                *count += 1;
                let checker = member.checker(now);
                match checker {
                    Checker::Working => {}
                    Checker::Stuck(_) => checking.stuck += 1,
                    Checker::Troubled(trouble) => *checking.troubled.entry(trouble).or_default() += 1,
                }
                let key = CheckKey { service: *service, server: *server, sorry: false };
                let told = statuses.servers.get(&key).map(|status| status.checker);
                if told.is_some_and(|told| !alike(told, shown(checker))) {
                    changed.push(key);
                }
                if member.verdict() != Verdict::Up || checker != Checker::Working {
                    unwell.push(key);
                }
            }
        }
        Summary { checking, changed, unwell }
    }
}

/// The state of a checker in the words of the wire.
pub(super) fn shown(checker: Checker) -> CheckerStatus {
    match checker {
        Checker::Working => CheckerStatus::Working,
        Checker::Stuck(silent) => CheckerStatus::Stuck { silent_s: silent.as_secs() },
        Checker::Troubled(trouble) => CheckerStatus::Troubled { trouble },
    }
}

/// Whether two states differ in no more than in time.
fn alike(one: CheckerStatus, other: CheckerStatus) -> bool {
    match (one, other) {
        (CheckerStatus::Stuck { .. }, CheckerStatus::Stuck { .. }) => true,
        (one, other) => one == other,
    }
}

/// Whose turn it is to be told again.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// The last one of a round that is not at its end.
    after: Option<CheckKey>,
    next: Moment,
}

impl Turns {
    /// Those who are told again now.
    pub(super) fn take(&mut self, summary: &Summary, now: Moment) -> Vec<CheckKey> {
        if self.after.is_none() {
            if now < self.next {
                return Vec::new();
            }
            self.next = now.saturating_add(AGAIN);
        }
        let after = self.after.take();
        let left = summary.unwell.iter().filter(|key| after.is_none_or(|after| **key > after));
        let turn: Vec<CheckKey> = left.take(AT_ONCE).copied().collect();
        if turn.len() == AT_ONCE {
            self.after = turn.last().copied();
        }
        turn
    }
}

#[cfg(test)]
mod tests {
    use lvs::wire::{CheckStatus, CheckTry};
    use serde_json::{from_value, json};

    use super::*;

    fn summary(count: usize) -> Summary {
        let key = |number: usize| CheckKey {
            service: "tcp 192.0.2.1:80".parse().unwrap(),
            server: format!("10.0.0.{}:80", number + 1).parse().unwrap(),
            sorry: false,
        };
        Summary { checking: Checking::default(), changed: Vec::new(), unwell: (0..count).map(key).collect() }
    }

    fn at(seconds: u64) -> Moment {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_checker_that_falls_silent_is_news_once() {
        let tried: CheckTry = from_value(json!({
            "address": "10.0.0.1", "port": 80, "monitor": { "checks": [{ "kind": "connect" }] },
        }))
        .unwrap();
        let mut roster = Roster::default();
        let cluster = tried.validate().unwrap();
        let _ = roster.configure(&cluster, &Default::default(), None, &mut || 0, at(0));
        assert_eq!(roster.tick(at(1)).len(), 1, "it is asked, and never answers");
        let (service, held) = roster.services().next().unwrap();
        let (server, _) = held.members().next().unwrap();
        let key = CheckKey { service: *service, server: *server, sorry: false };
        let mut statuses = Statuses::default();
        let mut tell = |checker| {
            let mut status: CheckStatus = from_value(json!({
                "verdict": "unknown", "reason": { "reason": "started" }, "since_s": 0, "standing": "out",
            }))
            .unwrap();
            status.checker = checker;
            statuses.servers.insert(key, status.into());
            statuses.clone()
        };
        let told = tell(CheckerStatus::Working);
        assert!(Summary::of(&roster, 1, &told, at(5)).changed.is_empty());
        let later = Summary::of(&roster, 1, &told, at(14));
        assert_eq!((later.changed.as_slice(), later.checking.stuck), ([key].as_slice(), 1));
        let told = tell(CheckerStatus::Stuck { silent_s: 13 });
        let later = Summary::of(&roster, 1, &told, at(15));
        assert!(later.changed.is_empty() && later.checking.stuck == 1, "only the time is another");
        assert_eq!(Turns::default().take(&later, at(15)), [key], "which is told now and then");
    }

    #[test]
    fn what_is_wrong_is_told_again_now_and_then() {
        let mut turns = Turns::default();
        let told: Vec<usize> = (0..11).map(|second| turns.take(&summary(3), at(second)).len()).collect();
        assert_eq!(told, [3, 0, 0, 0, 0, 3, 0, 0, 0, 0, 3]);
    }

    #[test]
    fn everybody_gets_a_turn_however_many_there_are() {
        let many = summary(50);
        let mut turns = Turns::default();
        let mut told: Vec<CheckKey> = Vec::new();
        for second in 0..3 {
            told.extend(turns.take(&many, at(second)));
        }
        assert_eq!(told, many.unwell);
        assert!(turns.take(&many, at(3)).is_empty(), "the next round has its time");
        assert_eq!(turns.take(&many, at(5)), many.unwell[..AT_ONCE]);
        // Most of them are well by now.
        assert!(turns.take(&summary(3), at(6)).is_empty());
        assert_eq!(turns.take(&summary(3), at(10)).len(), 3);
    }
}
