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

/// How long one request may take before it counts as failed.
pub const LIMIT: Duration = Duration::from_secs(3);

/// What happened to a number of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Answers, by the name of the server that gave them.
    pub served: BTreeMap<String, u64>,
    /// Reasons of failed requests.
    pub failed: Vec<String>,
}

impl Tally {
    /// All answers.
    pub fn answers(&self) -> u64 {
        self.served.values().sum()
    }

    /// Takes in a line of the client.
    fn line(&mut self, line: &str) {
        match line.split_once(' ') {
            Some(("served", name)) => *self.served.entry(name.to_owned()).or_default() += 1,
            Some(("failed", why)) => self.failed.push(why.to_owned()),
            _ => {}
        }
    }
}

/// Sends requests and writes a line about each: `served NAME` or `failed WHY`. Ends after `count`, else never.
pub fn send(to: SocketAddr, interval: Duration, count: Option<u64>) -> Result<()> {
    let mut sent = 0;
    while count.is_none_or(|count| sent < count) {
        let begun = Instant::now();
        let line = match http::get(to, LIMIT) {
            Ok(name) => format!("served {name}"),
            Err(error) => format!("failed {error:#}"),
        };
        writeln!(std::io::stdout(), "{line}")?;
        sent += 1;
        std::thread::sleep(interval.saturating_sub(begun.elapsed()));
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

    /// Forgets what was seen, to count a new stretch.
    pub fn forget(&mut self) {
        self.client.take_lines();
        self.tally = Tally::default();
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
        for line in ["served rs1", "served rs2", "served rs1", "failed connect: refused", "noise"] {
            tally.line(line);
        }
        assert_eq!(tally.served.get("rs1"), Some(&2));
        assert_eq!(tally.answers(), 3);
        assert_eq!(tally.failed, ["connect: refused"]);
    }
}
