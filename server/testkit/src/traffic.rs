//! Steady traffic with a memory: one request after the other, each recorded as a line, so that "no failed request"
//! can be said about a stretch of time. The client runs as a process of its own (in its namespace); the test reads
//! its lines.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::http;
use crate::process::Background;
use crate::wait::{self, Seen};

/// How long one request may take before it counts as failed, where nothing else is said.
pub const LIMIT: Duration = Duration::from_secs(3);

/// What happened to a number of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Answers, by the name of the server that gave them.
    pub served: BTreeMap<String, u64>,
    /// Reasons of failed requests.
    pub failed: Vec<String>,
    /// The longest time between two answers, milliseconds, by the client's clock.
    pub gap_ms: u64,
    /// When the last answer came.
    last_ms: Option<u64>,
}

impl Tally {
    /// All answers.
    pub fn answers(&self) -> u64 {
        self.served.values().sum()
    }

    /// Takes in a line of the client.
    fn line(&mut self, line: &str) {
        match line.split_once(' ') {
            Some(("served", rest)) => {
                let (name, at) = rest.split_once(' ').unwrap_or((rest, ""));
                *self.served.entry(name.to_owned()).or_default() += 1;
                if let Ok(at) = at.parse::<u64>() {
                    self.gap_ms = self.gap_ms.max(at - self.last_ms.unwrap_or(at).min(at));
                    self.last_ms = Some(at);
                }
            }
            Some(("failed", why)) => self.failed.push(why.to_owned()),
            _ => {}
        }
    }
}

/// Sends requests, of which none may take longer than `limit`, and writes a line about each: `served NAME MS` with the
/// milliseconds since it began, or `failed WHY`. Ends after `count`, else never.
pub fn send(to: SocketAddr, interval: Duration, limit: Duration, count: Option<u64>) -> Result<()> {
    let mut sent = 0;
    let began = Instant::now();
    while count.is_none_or(|count| sent < count) {
        let begun = Instant::now();
        let line = match http::get(to, limit) {
            Ok(name) => format!("served {name} {}", began.elapsed().as_millis()),
            Err(error) => format!("failed {error:#}"),
        };
        writeln!(std::io::stdout(), "{line}")?;
        sent += 1;
        std::thread::sleep(interval.saturating_sub(begun.elapsed()));
    }
    Ok(())
}

/// One long transfer (see [`http::follow`]), each line of which is told like an answer; `failed WHY` when it breaks.
pub fn transfer(from: SocketAddr, limit: Duration) -> Result<()> {
    let began = Instant::now();
    let told = http::follow(from, limit, |name| {
        Ok(writeln!(std::io::stdout(), "served {name} {}", began.elapsed().as_millis())?)
    });
    if let Err(error) = told {
        writeln!(std::io::stdout(), "failed {error:#}")?;
    }
    Ok(())
}

/// A running client and all it has seen.
pub struct Traffic {
    client: Background,
    tally: Tally,
}

impl Traffic {
    /// Starts the client that `command` describes (see [`send`]).
    pub fn start(name: &str, command: Command, log: &std::path::Path) -> Result<Traffic> {
        Ok(Traffic { client: Background::start(name, command, log)?, tally: Tally::default() })
    }

    /// All so far.
    pub fn tally(&mut self) -> &Tally {
        for line in self.client.take_lines() {
            self.tally.line(&line);
        }
        &self.tally
    }

    /// Forgets what was seen, to count a new stretch. A gap that begins now counts from the last answer.
    pub fn forget(&mut self) {
        let last_ms = self.tally().last_ms;
        self.tally = Tally { last_ms, ..Tally::default() };
    }

    /// Waits until so many answers came since the last [`forget`](Self::forget).
    pub fn wait_for_answers(&mut self, count: u64, limit: Duration) -> Result<()> {
        wait::until(&format!("{count} answers"), limit, || {
            let tally = self.tally();
            Ok(if tally.answers() >= count { Seen::Yes(()) } else { Seen::not_yet(format!("{tally:?}")) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_by_server_and_failures_keep_their_reason() {
        let mut tally = Tally::default();
        for line in ["served rs1 5", "served rs2 9", "served rs1 900", "failed connect: refused", "noise"] {
            tally.line(line);
        }
        assert_eq!(tally.served.get("rs1"), Some(&2));
        assert_eq!((tally.answers(), tally.gap_ms), (3, 891));
        assert_eq!(tally.failed, ["connect: refused"]);
    }
}
