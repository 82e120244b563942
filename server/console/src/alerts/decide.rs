//! What a rule tells at a moment, of what it saw before and what is wrong now. Pure: no clock, no database.
//!
//! A problem is told once it has lasted, and its end once that has lasted as long: what comes and goes within that time
//! is one problem. What cannot be seen any more is neither over nor told again. A silence keeps quiet and forgets
//! nothing: what still lasts when it ends is told then.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::types::RuleSettings;
use crate::Problem;

/// Seconds between two messages of a rule about a cluster: what comes in between is told together.
const SPACING_S: i64 = 30;

/// A problem as a rule remembers it; seconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) problem: Problem,
    /// Since when.
    pub(super) began: i64,
    /// When it was told last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) told: Option<i64>,
    /// Since when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) gone: Option<i64>,
}

/// What is there at a moment.
pub(super) struct Now<'a> {
    /// Seconds since 1970.
    pub(super) at: i64,
    /// What is wrong in the cluster.
    pub(super) problems: &'a [Problem],
    /// Whether nobody is to be told of a problem.
    pub(super) silenced: &'a dyn Fn(&Problem) -> bool,
    /// Whether it would be seen that a problem is over.
    pub(super) can_see: &'a dyn Fn(&Problem) -> bool,
    /// When the rule told something about the cluster last.
    pub(super) last: Option<i64>,
}

/// What is to be told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told {
    /// What has begun.
    pub(super) begun: Vec<Seen>,
    /// What was told before and lasts.
    pub(super) lasting: Vec<Seen>,
    /// What is over.
    pub(super) over: Vec<Seen>,
}

impl Told {
    pub(super) fn is_empty(&self) -> bool {
        self.begun.is_empty() && self.lasting.is_empty() && self.over.is_empty()
    }
}

/// Takes up what is wrong now, and what is gone.
fn look(rule: &RuleSettings, seen: &mut BTreeMap<String, Seen>, now: &Now<'_>) {
    let at = now.at;
    let wrong: BTreeMap<String, &Problem> = now
        .problems
        .iter()
        .filter(|problem| rule.looks_at(problem))
        .map(|problem| (problem.key(), problem))
        .collect();
    for (_, one) in seen.iter_mut().filter(|(key, _)| !wrong.contains_key(*key)) {
        if !rule.looks_at(&one.problem) {
            // The rule was changed: nothing is told of what is not its business any more.
            (one.told, one.gone) = (None, Some(at));
        } else if (now.can_see)(&one.problem) {
            one.gone.get_or_insert(at);
        }
    }
    for (key, problem) in wrong {
        let began = problem.since_s().map_or(at, |since| since.min(at));
        let fresh = || Seen { problem: problem.clone(), began, told: None, gone: None };
        let one = seen.entry(key).or_insert_with(fresh);
        one.problem = problem.clone();
        one.gone = None;
    }
}

/// What a rule tells now; `seen` becomes what it remembers.
pub(super) fn decide(rule: &RuleSettings, seen: &mut BTreeMap<String, Seen>, now: &Now<'_>) -> Told {
    let at = now.at;
    look(rule, seen, now);
    let patience = i64::from(rule.after_s);
    let may_tell = now.last.is_none_or(|last| at - last >= SPACING_S || last > at);
    let mut told = Told::default();
    seen.retain(|_, one| match one.gone {
        None => true,
        Some(_) if one.told.is_none() => false,
        Some(gone) if at - gone < patience => true,
        Some(_) if (now.silenced)(&one.problem) || !rule.recovery => false,
        Some(_) if !may_tell => true,
        Some(_) => {
            told.over.push(one.clone());
            false
        }
    });
    if !may_tell {
        return Told::default();
    }
    let is_said = |one: &Seen| one.gone.is_none() && !(now.silenced)(&one.problem);
    let repeat = i64::from(rule.repeat_s);
    let is_due = |one: &Seen| repeat > 0 && one.told.is_some_and(|told| at - told >= repeat);
    // One that is due reminds of all the others as well.
    let reminded = seen.values().any(|one| is_said(one) && is_due(one));
    for one in seen.values_mut().filter(|one| is_said(one)) {
        match one.told {
            None if at - one.began >= patience => {
                one.told = Some(at);
                told.begun.push(one.clone());
            }
            Some(_) if reminded => {
                one.told = Some(at);
                told.lasting.push(one.clone());
            }
            _ => {}
        }
    }
    for list in [&mut told.begun, &mut told.lasting, &mut told.over] {
        list.sort_by(|a, b| (a.problem.kind, &a.problem.of).cmp(&(b.problem.kind, &b.problem.of)));
    }
    told
}

#[cfg(test)]
mod tests;
