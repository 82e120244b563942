//! What a rule tells, second by second.

use super::*;
use crate::{ProblemKind, ProblemOf};

/// A rule and what it remembers, asked at moments of a test's choice.
struct Watch {
    rule: RuleSettings,
    seen: BTreeMap<String, Seen>,
    last: Option<i64>,
    silent: bool,
    blind: bool,
}

fn problem(kind: ProblemKind, director: &str) -> Problem {
    let of = ProblemOf::Director(director.to_owned());
    Problem { kind, of, reason: None, trouble: None, count: None, at_s: None }
}

fn drift() -> Problem {
    problem(ProblemKind::Drift, "a")
}

impl Watch {
    fn new() -> Self {
        let rule = RuleSettings { after_s: 30, repeat_s: 3_600, ..RuleSettings::default() };
        Watch { rule, seen: BTreeMap::new(), last: None, silent: false, blind: false }
    }

    /// Keys of what begins, lasts and is over.
    fn at(&mut self, at: i64, problems: &[Problem]) -> [Vec<String>; 3] {
        let now =
            Now { at, problems, silenced: &|_| self.silent, can_see: &|_| !self.blind, last: self.last };
        let told = decide(&self.rule, &mut self.seen, &now);
        if !told.is_empty() {
            self.last = Some(at);
        }
        [told.begun, told.lasting, told.over].map(|list| list.iter().map(|one| one.problem.key()).collect())
    }
}

fn keys<const N: usize>(keys: [&str; N]) -> Vec<String> {
    keys.map(ToOwned::to_owned).into()
}

const NOTHING: [Vec<String>; 3] = [Vec::new(), Vec::new(), Vec::new()];

#[test]
fn what_lasts_is_told_once_reminded_of_and_its_end_told() {
    let mut watch = Watch::new();
    assert_eq!(watch.at(0, &[drift()]), NOTHING);
    assert_eq!(watch.at(29, &[drift()]), NOTHING);
    assert_eq!(watch.at(30, &[drift()]), [keys(["drift a"]), vec![], vec![]]);
    assert_eq!(watch.at(3_629, &[drift()]), NOTHING);
    assert_eq!(watch.at(3_630, &[drift()]), [vec![], keys(["drift a"]), vec![]]);
    assert_eq!(watch.at(4_000, &[]), NOTHING);
    assert_eq!(watch.at(4_029, &[]), NOTHING);
    assert_eq!(watch.at(4_030, &[]), [vec![], vec![], keys(["drift a"])]);
    assert!(watch.seen.is_empty());
    assert_eq!(watch.at(9_000, &[]), NOTHING);
}

#[test]
fn what_is_short_is_never_told_and_what_comes_and_goes_is_told_once() {
    let mut watch = Watch::new();
    watch.at(0, &[drift()]);
    assert_eq!(watch.at(20, &[]), NOTHING);
    assert!(watch.seen.is_empty(), "nobody was told, so nobody is told that it is over");
    assert_eq!(watch.at(40, &[drift()]), NOTHING);
    assert_eq!(watch.at(69, &[drift()]), NOTHING, "it began anew");
    assert_eq!(watch.at(70, &[drift()])[0].len(), 1);
    for second in (100..1_000).step_by(40) {
        assert_eq!(watch.at(second, &[]), NOTHING);
        assert_eq!(watch.at(second + 20, &[drift()]), NOTHING);
    }
}

#[test]
fn what_cannot_be_seen_is_not_over() {
    let mut watch = Watch::new();
    watch.at(0, &[drift()]);
    watch.at(30, &[drift()]);
    watch.blind = true;
    assert_eq!(watch.at(1_000, &[]), NOTHING);
    watch.blind = false;
    assert_eq!(watch.at(1_001, &[]), NOTHING, "it is gone since it was seen to be");
    assert_eq!(watch.at(1_031, &[])[2], keys(["drift a"]));
}

#[test]
fn a_silence_keeps_quiet_and_forgets_nothing() {
    let mut watch = Watch::new();
    watch.silent = true;
    watch.at(0, &[drift()]);
    assert_eq!(watch.at(500, &[drift()]), NOTHING);
    watch.silent = false;
    assert_eq!(watch.at(501, &[drift()])[0], keys(["drift a"]));
    watch.silent = true;
    assert_eq!(watch.at(9_000, &[drift()]), NOTHING, "no reminder");
    watch.at(9_001, &[]);
    assert_eq!(watch.at(9_100, &[]), NOTHING, "nor its end");
    assert!(watch.seen.is_empty());
}

#[test]
fn what_comes_together_is_told_together_and_messages_keep_their_distance() {
    let mut watch = Watch::new();
    watch.rule.after_s = 0;
    let (one, other) = (problem(ProblemKind::NoData, "b"), problem(ProblemKind::OutOfStep, "c"));
    assert_eq!(watch.at(0, &[other.clone(), one.clone()])[0], keys(["no-data b", "out-of-step c"]));
    let three = [drift(), other.clone(), one.clone()];
    assert_eq!(watch.at(10, &three), NOTHING);
    assert_eq!(watch.at(29, &[drift(), other.clone()]), NOTHING, "an end waits as well");
    assert_eq!(watch.at(30, &[drift(), other]), [keys(["drift a"]), vec![], keys(["no-data b"])]);
    // A clock that was set back keeps nobody waiting.
    assert_eq!(watch.at(-500, &[drift(), one])[0], keys(["no-data b"]));
}

#[test]
fn a_rule_has_its_kinds_and_says_only_what_is_wanted() {
    let mut watch = Watch::new();
    watch.rule =
        RuleSettings { kinds: vec![ProblemKind::NoData], recovery: false, repeat_s: 0, ..watch.rule };
    let both = [drift(), Problem { at_s: Some(-100), ..problem(ProblemKind::NoData, "b") }];
    assert_eq!(watch.at(0, &both)[0], keys(["no-data b"]), "it has lasted already");
    assert_eq!(watch.at(100_000, &both), NOTHING, "no reminder");
    watch.at(100_001, &[]);
    assert_eq!(watch.at(100_100, &[]), NOTHING, "nor its end");
    watch.at(200_000, &both);
    watch.rule.kinds = vec![ProblemKind::Drift];
    assert_eq!(watch.at(200_001, &[drift()]), NOTHING);
    assert_eq!(watch.seen.keys().collect::<Vec<_>>(), ["drift a"], "the rule is about something else now");
}
