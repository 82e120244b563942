//! What a server reports about its load, and the weight that follows.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::{LoadRule, PIRANHA_STEP};
use super::ramp::Since;
use super::{Moment, memory::RememberedLoad};

/// What a server, its agent or a program reports besides being up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoadReport {
    /// What its weight should follow; none: as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<LoadWeight>,
    /// What it wants itself; none: as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<AgentState>,
}

/// What a weight should follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LoadWeight {
    /// Percent of the configured weight; 100 takes a report back.
    Share(u32),
    /// A weight.
    Weight(u32),
    /// The one-minute load average, thousandths.
    Load(u32),
}

/// What a server wants itself, said by its agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AgentState {
    /// To serve.
    #[default]
    Ready,
    /// No new connections.
    Drain,
    /// To be taken out.
    Maintenance,
}

/// What is known of one server's load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// The weight that followed last; none: the configured one.
    pub(super) weight: Option<u32>,
    /// When Piranha's rule acted last.
    acted: Option<Since>,
    pub(super) state: AgentState,
}

impl Load {
    /// Takes a report. `full`: the server has its full weight already.
    pub(super) fn report(&mut self, report: LoadReport, rule: LoadRule, base: u32, full: bool, now: Moment) {
        self.state = report.state.unwrap_or(self.state);
        match (rule, report.weight) {
            (_, None) => {}
            (LoadRule::Reported { least, most }, Some(LoadWeight::Share(share))) => {
                self.weight = Some(bounded(percent(base, share), base, least, most));
            }
            (LoadRule::Reported { least, most }, Some(LoadWeight::Weight(weight))) => {
                self.weight = Some(bounded(weight, base, least, most));
            }
            // A load of 1 or less is all of the weight; above it, the inverse share.
            (LoadRule::Reported { least, most }, Some(LoadWeight::Load(milli))) => {
                let share = 100_000_u32.checked_div(milli).unwrap_or(100).min(100);
                self.weight = Some(bounded(percent(base, share), base, least, most));
            }
            (LoadRule::Average { least, most }, Some(LoadWeight::Load(milli))) => {
                let due = self.acted.is_none_or(|acted| acted.age(now) >= PIRANHA_STEP);
                if full && due {
                    self.acted = Some(Since::now(now));
                    let last = self.weight.unwrap_or(base);
                    self.weight = Some(average(base, last, milli, (least, most)));
                }
            }
            // This rule knows the load average alone.
            (LoadRule::Average { .. }, Some(LoadWeight::Share(_) | LoadWeight::Weight(_))) => {}
        }
    }

    /// The weight for a configured one.
    pub(super) fn apply(&self, base: u32) -> u32 {
        if base == 0 { 0 } else { self.weight.unwrap_or(base) }
    }

    /// The configured weight is another: what followed from the old one is void.
    pub(super) fn rebase(&mut self) {
        self.weight = None;
        self.acted = None;
    }

    pub(super) fn remember(&self, now: Moment) -> Option<RememberedLoad> {
        let acted_ms = self.acted.map(|acted| acted.age_ms(now));
        (*self != Load::default()).then_some(RememberedLoad {
            weight: self.weight,
            state: self.state,
            acted_ms,
        })
    }

    pub(super) fn resume(remembered: Option<&RememberedLoad>, away: Duration, now: Moment) -> Self {
        remembered.map_or_else(Load::default, |load| Load {
            weight: load.weight,
            state: load.state,
            acted: load.acted_ms.map(|ms| Since::ago(ms, away, now)),
        })
    }
}

fn percent(base: u32, share: u32) -> u32 {
    u32::try_from(u64::from(base).saturating_mul(u64::from(share)).saturating_add(50) / 100)
        .unwrap_or(u32::MAX)
}

/// Percentages of the configured weight as weights; never 0 and never more than ipvsadm allows.
fn bounds(base: u32, least: u32, most: u32) -> (u32, u32) {
    let floor = percent(base, least).clamp(1, u32::from(u16::MAX));
    (floor, percent(base, most).clamp(floor, u32::from(u16::MAX)))
}

fn bounded(weight: u32, base: u32, least: u32, most: u32) -> u32 {
    let (floor, cap) = bounds(base, least, most);
    weight.clamp(floor, cap)
}

/// nanny's rule: W configured, L the last weight, l the load. Below 1 the weight rises by (W/2)·∛(1−l), above 1 it falls
/// by (W/2)·∛(l−1), within the bounds (nanny's: W to 10·W). Cut to a whole number, and kept as it was where it differs by
/// less than W/4.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within bounds, both small")]
fn average(base: u32, last: u32, milli: u32, (least, most): (u32, u32)) -> u32 {
    let (w, l) = (f64::from(base), f64::from(milli) / 1000.0);
    let (floor, cap) = bounds(base, least, most);
    let weight = f64::from(last) - (w / 2.0) * (l - 1.0).cbrt();
    let weight = weight.clamp(f64::from(floor), f64::from(cap)) as u32;
    if u64::from(weight.abs_diff(last)).saturating_mul(4) >= u64::from(base) { weight } else { last }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIRANHA: LoadRule = LoadRule::Average { least: 100, most: 1000 };

    #[test]
    fn nannys_rule_raises_a_weight_above_the_configured_one_and_back() {
        // W, L, load in thousandths -> weight; by hand from the rule.
        for (w, l, milli, expected) in [
            (100, 100, 0, 150),
            (100, 100, 875, 125),
            (100, 150, 1000, 150),
            (100, 150, 2000, 100),
            (100, 100, 9000, 100),
            (100, 960, 0, 1000),
            (100, 999, 0, 999),
            (100, 1000, 0, 1000),
            // A change of less than a quarter is none.
            (100, 100, 999, 100),
            // With a weight of 1, the default of the old pages, nothing ever changes.
            (1, 1, 0, 1),
            (2, 2, 0, 3),
        ] {
            assert_eq!(average(w, l, milli, (100, 1000)), expected, "W {w} L {l} load {milli}");
        }
    }

    #[test]
    fn nannys_rule_waits_for_the_full_weight_and_for_twenty_seconds() {
        let mut load = Load::default();
        let report = |milli| LoadReport { weight: Some(LoadWeight::Load(milli)), state: None };
        let at = Duration::from_secs;
        load.report(report(0), PIRANHA, 100, false, at(0));
        assert_eq!(load.apply(100), 100);
        load.report(report(0), PIRANHA, 100, true, at(5));
        assert_eq!(load.apply(100), 150);
        load.report(report(0), PIRANHA, 100, true, at(24));
        assert_eq!(load.apply(100), 150);
        load.report(report(0), PIRANHA, 100, true, at(25));
        assert_eq!(load.apply(100), 200);
    }

    #[test]
    fn what_is_reported_stays_within_its_bounds_and_never_becomes_nothing() {
        let rule = LoadRule::Reported { least: 10, most: 150 };
        for (base, weight, expected) in [
            (100, LoadWeight::Share(75), 75),
            (100, LoadWeight::Share(1), 10),
            (100, LoadWeight::Share(4_000_000_000), 150),
            (100, LoadWeight::Weight(0), 10),
            (100, LoadWeight::Weight(u32::MAX), 150),
            (1, LoadWeight::Share(0), 1),
            (65_535, LoadWeight::Share(150), 65_535),
            (100, LoadWeight::Load(500), 100),
            (100, LoadWeight::Load(2000), 50),
            (0, LoadWeight::Share(100), 0),
        ] {
            let mut load = Load::default();
            let report = LoadReport { weight: Some(weight), state: None };
            load.report(report, rule, base, false, Duration::ZERO);
            assert_eq!(load.apply(base), expected, "{base} {weight:?}");
        }
    }
}
