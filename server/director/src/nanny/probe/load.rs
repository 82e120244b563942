//! How loaded a real server is: said by an agent on it, in a line or a page, or by a program here. Nothing of this is a
//! verdict; what cannot be read changes nothing.

use lvs::health::{AgentState, LoadReport, LoadWeight, Outcome, agent_text};

use super::http::{self, Page};
use super::program::Program;
use super::talk::Talk;
use super::trail::Trail;
use super::{Fault, Question, socket};

/// Bytes of an agent's answer that are read.
const LONGEST: usize = 4096;

/// An agent that answers a connection with a line.
pub(super) async fn line(question: &Question, send: &[u8], trail: &Trail) -> Result<LoadReport, Fault> {
    let mut talk = Talk::new(socket::connect(question, trail).await?, trail);
    if !send.is_empty() {
        talk.send(send).await?;
    }
    said(&talk.line_or_rest(LONGEST).await?)
}

/// An agent that answers with a page.
pub(super) async fn page(question: &Question, page: &Page, trail: &Trail) -> Result<LoadReport, Fault> {
    said(&http::fetch(question, page, trail).await?)
}

/// A program that prints a load average, as `uptime` does.
pub(super) async fn program(
    question: &Question,
    program: &Program,
    trail: &Trail,
) -> Result<LoadReport, Fault> {
    let output = program.output(question, trail).await?;
    let load = average(&String::from_utf8_lossy(&output))
        .ok_or_else(|| Fault::protocol("no load average in what the program prints"))?;
    Ok(LoadReport { weight: Some(LoadWeight::Load(load)), state: None })
}

fn said(text: &[u8]) -> Result<LoadReport, Fault> {
    let text = std::str::from_utf8(text).map_err(|_| Fault::protocol("the agent's answer is no text"))?;
    match agent_text(text).map_err(|error| Fault::protocol(error.to_string()))? {
        Outcome::Up { load } => Ok(load.unwrap_or_default()),
        // An agent that says so has its server taken out, as with HAProxy; checks of their own decide over the verdict.
        Outcome::Down(_) => Ok(LoadReport { weight: None, state: Some(AgentState::Maintenance) }),
        Outcome::Undecided(_) => Ok(LoadReport::default()),
    }
}

/// The one-minute load average, in thousandths: behind the word "load", a colon and a blank, up to a comma or blank.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
fn average(output: &str) -> Option<u32> {
    let (_, behind) = output.split_once("load")?;
    let (_, numbers) = behind.split_once(": ")?;
    let first = numbers.split([',', ' ', '\n']).find(|word| !word.is_empty())?;
    let load: f64 = first.parse().ok()?;
    (load.is_finite() && load >= 0.0).then(|| (load * 1000.0).min(4e9) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_average_is_found_as_piranha_found_it() {
        for (output, load) in [
            (" 10:00:00 up 1 day, 2 users,  load average: 0.42, 0.10, 0.05\n", Some(420)),
            ("rs1      up  3+04:05,   2 users,  load: 1.50 1.20 1.00\n", Some(1500)),
            ("load average: -1\n", None),
            ("load average: none\n", None),
            ("nothing", None),
        ] {
            assert_eq!(average(output), load, "{output}");
        }
    }

    #[test]
    fn an_agent_says_a_share_or_a_state() {
        let report = said(b"75%\r\n").unwrap();
        assert_eq!(report.weight, Some(LoadWeight::Share(75)));
        assert_eq!(said(b"down # disk\n").unwrap().state, Some(AgentState::Maintenance));
        assert!(said(b"\xff").is_err() && said(b"").is_err());
    }
}
