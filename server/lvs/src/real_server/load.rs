//! How a load average becomes a share of the weight, and the two ways of saying it: a line as HAProxy's agent check reads
//! it, and a JSON object. [`crate::health::agent_text`] reads both.

use serde_json::json;

use crate::health::AgentState;

/// Characters of a reason that are kept.
const REASON: usize = 120;

/// Between which load averages the share of the weight falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Load average for each processor up to which all of the weight is given, thousandths.
    pub full: u32,
    /// Load average for each processor from which only the least is given, thousandths; above `full`.
    pub least_at: u32,
    /// The least share, percent, 0 to 100.
    pub least: u32,
}

impl Default for Limits {
    /// All of it while each processor has one task at most, a tenth from four on.
    fn default() -> Self {
        Limits { full: 1_000, least_at: 4_000, least: 10 }
    }
}

impl Limits {
    /// The share of the weight, percent, for a load average of the whole machine in thousandths.
    pub fn share(&self, load: u32, processors: u32) -> u32 {
        let each = load.checked_div(processors).unwrap_or(load);
        let least = self.least.min(100);
        if each <= self.full {
            return 100;
        }
        if each >= self.least_at {
            return least;
        }
        let span = u64::from(self.least_at.saturating_sub(self.full).max(1));
        let above = u64::from(each.saturating_sub(self.full));
        let lost = u64::from(100_u32.saturating_sub(least)).saturating_mul(above) / span;
        100_u32.saturating_sub(u32::try_from(lost).unwrap_or(100))
    }
}

/// What the load agent of a real server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Percent of the configured weight; none where the load is not known.
    pub share: Option<u32>,
    /// What the machine is to do; none where that cannot be read, so that directors keep to what was said before.
    pub state: Option<AgentState>,
    /// Why, for people.
    pub reason: String,
    /// One-minute load average, thousandths.
    pub load: Option<u32>,
    /// Processors that this machine may use.
    pub processors: u32,
}

impl Report {
    /// As HAProxy's agent check reads it, with its line feed.
    pub fn line(&self) -> String {
        let state = match self.state {
            None => "",
            Some(AgentState::Ready) => " ready",
            Some(AgentState::Drain) => " drain",
            Some(AgentState::Maintenance) => " maint",
        };
        let share = self.share.map_or_else(String::new, |share| format!(" {share}%"));
        format!("up{state}{share}\n")
    }

    /// As a JSON object on one line.
    pub fn json(&self) -> String {
        let mut object = json!({ "processors": self.processors });
        if let Some(map) = object.as_object_mut() {
            map.extend(self.share.map(|share| ("share".to_owned(), json!(share))));
            map.extend(self.state.map(|state| ("state".to_owned(), json!(word(state)))));
            map.extend(self.load.map(|load| ("load".to_owned(), json!(f64::from(load) / 1000.0))));
            if !self.reason.is_empty() {
                map.insert("reason".to_owned(), json!(self.reason));
            }
        }
        format!("{object}\n")
    }
}

/// The first number of `/proc/loadavg`, in thousandths.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
pub fn load_average(text: &str) -> Option<u32> {
    let load: f64 = text.split_whitespace().next()?.parse().ok()?;
    (load.is_finite() && load >= 0.0).then(|| (load * 1000.0).min(4e9) as u32)
}

/// A file of the state that says something else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no state; expected is one line with ready, drain or maint, and behind a # why")]
pub struct StateError(String);

/// Reads the state: `ready`, `drain` or `maint`, and behind a `#` the reason. An empty file says `ready`.
///
/// # Errors
/// When it says something else.
pub fn read_state(text: &str) -> Result<(AgentState, String), StateError> {
    let line = text.lines().next().unwrap_or_default();
    let (state, reason) = line.split_once('#').unwrap_or((line, ""));
    let state = match state.trim() {
        "" | "ready" => AgentState::Ready,
        "drain" => AgentState::Drain,
        "maint" => AgentState::Maintenance,
        other => return Err(StateError(plain(other))),
    };
    Ok((state, plain(reason)))
}

/// The text that [`read_state`] reads.
pub fn write_state(state: AgentState, reason: &str) -> String {
    let reason = plain(reason);
    if reason.is_empty() { format!("{}\n", word(state)) } else { format!("{} # {reason}\n", word(state)) }
}

fn word(state: AgentState) -> &'static str {
    match state {
        AgentState::Ready => "ready",
        AgentState::Drain => "drain",
        AgentState::Maintenance => "maint",
    }
}

/// One line of bounded length.
fn plain(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{LoadReport, LoadWeight, Outcome, agent_text};

    #[test]
    fn the_share_falls_between_the_limits_and_never_below_the_least() {
        let limits = Limits::default();
        for (load, processors, share) in [
            (0, 4, 100),
            (4_000, 4, 100),
            (10_000, 4, 55),
            (16_000, 4, 10),
            (900_000, 4, 10),
            (1_000, 0, 100),
            (4_000, 1, 10),
        ] {
            assert_eq!(limits.share(load, processors), share, "{load} on {processors}");
        }
        let step = Limits { full: 2_000, least_at: 2_000, least: 300 };
        assert_eq!(
            (step.share(2_000, 1), step.share(2_001, 1)),
            (100, 100),
            "a wrong least is no more than all"
        );
        let steep = Limits { full: 1_000, least_at: 1_000, least: 0 };
        assert_eq!((steep.share(1_000, 1), steep.share(1_001, 1)), (100, 0));
        let mut before = 100;
        for load in (0..6_000).step_by(7) {
            let share = limits.share(load, 1);
            assert!(share <= before && share >= 10);
            before = share;
        }
    }

    #[test]
    fn directors_understand_what_is_said() {
        for state in [None, Some(AgentState::Ready), Some(AgentState::Drain), Some(AgentState::Maintenance)] {
            for share in [None, Some(0), Some(75), Some(100)] {
                let report =
                    Report { share, state, reason: "disk # 2".into(), load: Some(420), processors: 4 };
                let weight = share.map(LoadWeight::Share);
                let understood = |weight| {
                    let load = LoadReport { weight, state };
                    Outcome::Up { load: (load != LoadReport::default()).then_some(load) }
                };
                assert_eq!(agent_text(&report.line()), Ok(understood(weight)), "{}", report.line());
                // In JSON the load itself is there as well; a share goes before it.
                let weight = weight.or(Some(LoadWeight::Load(420)));
                assert_eq!(agent_text(&report.json()), Ok(understood(weight)), "{}", report.json());
            }
        }
    }

    #[test]
    fn a_state_is_written_and_read_back() {
        for state in [AgentState::Ready, AgentState::Drain, AgentState::Maintenance] {
            for reason in ["", "new disk", " two\nlines "] {
                let read = read_state(&write_state(state, reason)).unwrap();
                assert_eq!(read, (state, reason.trim().replace('\n', " ")));
            }
        }
        assert_eq!(read_state("").unwrap().0, AgentState::Ready);
        assert_eq!(read_state("maint#disk\nmore").unwrap(), (AgentState::Maintenance, "disk".to_owned()));
        let error = read_state("off\u{7}").unwrap_err().to_string();
        assert!(error.contains("\"off \"") && error.contains("drain"), "{error}");
        assert_eq!(load_average("0.42 0.10 0.05 1/123 456\n"), Some(420));
        assert_eq!([load_average(""), load_average("x"), load_average("-1")], [None; 3]);
    }
}
