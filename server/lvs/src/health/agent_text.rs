//! What an agent on a real server says: a line of words as HAProxy's agent check knows them, or a small JSON object.
//!
//! `up 75% # comment`, `drain`, `maint`, `down # no disk`; or `{"share": 75}`, `{"weight": 3}`, `{"load": 0.42}`,
//! `{"state": "drain"}`. Words that say nothing about weight or state are passed over.

use serde::Deserialize;

use super::{AgentState, Failure, LoadReport, LoadWeight, Outcome};

/// The longest text that is looked at, bytes.
const LONGEST: usize = 4096;
/// The longest reason that is kept, characters.
const REASON: usize = 120;

/// A text that no agent would send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgentTextError {
    /// There is none.
    #[error("the agent said nothing")]
    Empty,
    /// It is longer than 4096 bytes.
    #[error("the agent said more than 4096 bytes")]
    Long,
    /// Something in it is not understood.
    #[error(
        "the agent's {0:?} is not understood; expected are ready, up, drain, maint, down, failed, stopped, a percentage such as 75%, or a JSON object"
    )]
    Word(String),
}

/// Reads what an agent said.
pub fn agent_text(text: &str) -> Result<Outcome, AgentTextError> {
    if text.len() > LONGEST {
        return Err(AgentTextError::Long);
    }
    let text = text.trim();
    if text.starts_with('{') { object(text) } else { line(text) }
}

fn line(text: &str) -> Result<Outcome, AgentTextError> {
    let line = text.lines().next().unwrap_or_default();
    let (words, comment) = line.split_once('#').unwrap_or((line, ""));
    let mut report = LoadReport::default();
    let mut down = false;
    let mut any = false;
    for word in words.split([' ', '\t', ',']).filter(|word| !word.is_empty()) {
        any = true;
        match word.to_ascii_lowercase().as_str() {
            "up" => {}
            "ready" => report.state = Some(AgentState::Ready),
            "drain" => report.state = Some(AgentState::Drain),
            "maint" => report.state = Some(AgentState::Maintenance),
            "down" | "failed" | "fail" | "stopped" => down = true,
            other => match other.strip_suffix('%').map(str::parse::<u32>) {
                Some(Ok(share)) => report.weight = Some(LoadWeight::Share(share)),
                None if other.starts_with("maxconn:") => {}
                // What follows a bad state is its description, as the first agents sent it.
                _ if down => break,
                Some(Err(_)) | None => return Err(AgentTextError::Word(excerpt(word))),
            },
        }
    }
    if !any {
        return Err(AgentTextError::Empty);
    }
    Ok(outcome(down.then(|| if comment.trim().is_empty() { words } else { comment }), report))
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Object {
    share: Option<u32>,
    weight: Option<u32>,
    load: Option<f64>,
    state: Option<String>,
    #[serde(default)]
    reason: String,
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
fn object(text: &str) -> Result<Outcome, AgentTextError> {
    let object: Object = serde_json::from_str(text).map_err(|_| AgentTextError::Word(excerpt(text)))?;
    let load = object.load.filter(|load| load.is_finite() && *load >= 0.0);
    let load = load.map(|load| LoadWeight::Load((load * 1000.0).min(1e9) as u32));
    let weight = object.weight.map(LoadWeight::Weight).or(object.share.map(LoadWeight::Share)).or(load);
    let (state, down) = match object.state.as_deref() {
        None | Some("up") => (None, false),
        Some("ready") => (Some(AgentState::Ready), false),
        Some("drain") => (Some(AgentState::Drain), false),
        Some("maint") => (Some(AgentState::Maintenance), false),
        Some("down" | "failed" | "stopped") => (None, true),
        Some(other) => return Err(AgentTextError::Word(excerpt(other))),
    };
    Ok(outcome(down.then_some(object.reason.as_str()), LoadReport { weight, state }))
}

fn outcome(down: Option<&str>, report: LoadReport) -> Outcome {
    match down {
        Some(says) => Outcome::Down(Failure::Agent { says: excerpt(says.trim()) }),
        None => Outcome::Up { load: (report != LoadReport::default()).then_some(report) },
    }
}

fn excerpt(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(weight: Option<LoadWeight>, state: Option<AgentState>) -> Outcome {
        let report = LoadReport { weight, state };
        Outcome::Up { load: (report != LoadReport::default()).then_some(report) }
    }

    fn down(says: &str) -> Outcome {
        Outcome::Down(Failure::Agent { says: says.to_owned() })
    }

    #[test]
    fn the_words_of_an_agent_are_understood() {
        let share = |share| Some(LoadWeight::Share(share));
        for (text, expected) in [
            ("75%\n", up(share(75), None)),
            ("up 50%", up(share(50), None)),
            ("UP,ready\t100%\r\n", up(share(100), Some(AgentState::Ready))),
            ("up", up(None, None)),
            ("drain", up(None, Some(AgentState::Drain))),
            ("maint # disk is being changed", up(None, Some(AgentState::Maintenance))),
            ("down#no disk", down("no disk")),
            ("failed database is read-only\n", down("failed database is read-only")),
            ("stopped", down("stopped")),
            ("up maxconn:30", up(None, None)),
            ("50%\nsecond line", up(share(50), None)),
            (r#"{"share": 40}"#, up(share(40), None)),
            (r#"{"weight": 3, "state": "ready"}"#, up(Some(LoadWeight::Weight(3)), Some(AgentState::Ready))),
            (r#"{"load": 0.42, "host": "a"}"#, up(Some(LoadWeight::Load(420)), None)),
            (r#"{"load": 1e300}"#, up(Some(LoadWeight::Load(1_000_000_000)), None)),
            (r#"{"load": -1}"#, up(None, None)),
            (r#"{"state": "down", "reason": "full"}"#, down("full")),
        ] {
            assert_eq!(agent_text(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_agents_word_is_refused() {
        for text in
            ["", " \n", "#", "HTTP/1.0 200 OK", "75", "%", "-3%", "99999999999%", "{", "{\"state\":\"no\"}"]
        {
            assert!(agent_text(text).is_err(), "{text:?}");
        }
        assert_eq!(agent_text(&"a".repeat(5000)), Err(AgentTextError::Long));
        let long = format!("down # {}", "x".repeat(3000));
        let Ok(Outcome::Down(Failure::Agent { says })) = agent_text(&long) else { panic!("not down") };
        assert_eq!(says.len(), REASON);
    }
}
