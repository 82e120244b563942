//! The link to one director: its status stream, kept open for as long as the director is enrolled, and the pushes
//! that nobody asks for because a director is behind.

use std::time::Duration;

use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use lvs::journal::Happening;
use lvs::wire::Event;
use tokio::time::Instant;

use super::dial::DialError;
use crate::{Console, Failure, PushOutcome, secret};

/// The first wait after a link broke, and the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(10);
/// Agents send something every two seconds; after this much silence the link counts as broken.
const SILENCE: Duration = Duration::from_secs(7);
/// A director that was never reached is said to be out of reach after this time; an agent that has just joined starts
/// within it.
const NEVER: Duration = Duration::from_secs(20);
/// Until the head of the stream's answer is there.
const HEAD: Duration = Duration::from_secs(10);
/// One line of the stream: a snapshot of a large kernel table takes a few MiB.
const LINE: usize = 64 << 20;

/// The wait after so many failures: doubling, between half and all of it by chance, so that many links do not dial
/// in step.
pub(crate) fn wait(failures: u32) -> Duration {
    let full = FIRST.saturating_mul(1_u32.checked_shl(failures.min(10)).unwrap_or(u32::MAX)).min(LONGEST);
    // Without random numbers the waits are only less spread.
    let [chance] = secret::random::<1>().unwrap_or_default();
    full.mul_f64(0.5 + 0.5 * f64::from(chance) / 255.0).max(FIRST)
}

/// Cuts whole lines off the front of what has come.
#[derive(Debug, Default)]
struct Lines {
    held: BytesMut,
    /// Bytes at the front that hold no line end; so that a long line is not searched again and again.
    searched: usize,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    fn next(&mut self) -> Option<BytesMut> {
        let rest = self.held.get(self.searched..).unwrap_or_default();
        match rest.iter().position(|byte| *byte == b'\n') {
            Some(at) => {
                let line = self.held.split_to(self.searched + at);
                self.held.advance(1);
                self.searched = 0;
                Some(line)
            }
            None => {
                self.searched = self.held.len();
                None
            }
        }
    }
}

impl Console {
    /// Keeps the stream open until the task is ended from outside.
    pub(super) async fn keep_stream(&self, director_id: String, address: Option<String>) {
        let mut failures = 0;
        let first = Instant::now();
        loop {
            let began = Instant::now();
            let error = match &address {
                Some(address) => self.stream(&director_id, address).await,
                None => DialError::NoAddress,
            };
            let words = error.to_string();
            tracing::info!(director.id = %director_id, reason = %words, "link down");
            self.inner.live.lost(&director_id, &words, self.now());
            let (lost, patient) = (Happening::ContactLost { reason: words }, first.elapsed() > NEVER);
            self.noted(self.note_contact(&director_id, &lost, patient).await);
            failures = if began.elapsed() > LONGEST { 0 } else { failures + 1 };
            tokio::time::sleep(wait(failures)).await;
        }
    }

    /// Reads the stream until it breaks, and says why.
    async fn stream(&self, director_id: &str, address: &str) -> DialError {
        match self.read_stream(director_id, address).await {
            Ok(()) => {
                DialError::Broken { address: address.to_owned(), reason: "it ended the stream".to_owned() }
            }
            Err(error) => error,
        }
    }

    async fn read_stream(&self, director_id: &str, address: &str) -> Result<(), DialError> {
        let mut connection = self.dial(director_id, address).await?;
        let after = self.journal_place(director_id).await?;
        let path = format!("/v1/stream?after={after}");
        let response = connection.send(hyper::Method::GET, &path, Vec::new(), HEAD).await?;
        if !response.status().is_success() {
            return Err(connection.broken(format!("it answered {}", response.status())));
        }
        tracing::info!(director.id = %director_id, %address, "link up");
        self.noted(self.note_contact(director_id, &Happening::ContactMade, false).await);
        let started = Instant::now();
        let mut body = response.into_body();
        let mut lines = Lines::default();
        loop {
            let frame = match tokio::time::timeout(SILENCE, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Err(connection.broken(error)),
                Ok(None) => return Ok(()),
                Err(_) => return Err(DialError::Silent { address: address.to_owned() }),
            };
            let Ok(data) = frame.into_data() else { continue };
            lines.push(&data);
            while let Some(line) = lines.next() {
                match serde_json::from_slice::<Event>(&line) {
                    Ok(Event::Journal(entries)) => {
                        // They are told again when the link is made anew.
                        self.keep_journal(director_id, &entries).await?;
                    }
                    Ok(event) => {
                        let at = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
                        self.inner.live.event(director_id, event, at, self.now());
                    }
                    // An event of a newer agent that this console does not know yet.
                    Err(error) => tracing::debug!(director.id = %director_id, %error, "event not understood"),
                }
            }
            if lines.held.len() > LINE {
                return Err(connection.broken("a line of its stream is too long"));
            }
        }
    }

    fn noted(&self, kept: Result<(), Failure>) {
        if let Err(error) = kept {
            tracing::warn!(%error, "not in the event log");
        }
    }

    /// Pushes whenever the director is behind, until the task is ended from outside.
    pub(super) async fn keep_pushed(&self, director_id: String, cluster: String, name: String) {
        let mut changes = self.inner.live.subscribe();
        let mut failures = 0;
        loop {
            if self.inner.live.due(&director_id) {
                match self.push(&cluster, &name, false).await {
                    Ok(result) if matches!(result.outcome, PushOutcome::Unreachable { .. }) => failures += 1,
                    Ok(_) => failures = 0,
                    Err(error) => {
                        tracing::error!(director = %name, %error, "push failed here");
                        failures += 1;
                    }
                }
                if failures > 0 {
                    tokio::time::sleep(wait(failures)).await;
                    continue;
                }
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_were_cut() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for piece in ["{\"a", "\":1}\n{", "}\n\n", "tail"] {
            lines.push(piece.as_bytes());
            while let Some(line) = lines.next() {
                seen.push(String::from_utf8(line.to_vec()).unwrap());
            }
        }
        assert_eq!(seen, ["{\"a\":1}", "{}", ""]);
        assert_eq!(&lines.held[..], b"tail");
    }

    #[test]
    fn waits_grow_from_half_a_second_to_ten_and_no_further() {
        for failures in 0..40 {
            let wait = wait(failures);
            assert!(wait >= FIRST && wait <= LONGEST, "{failures}: {wait:?}");
        }
        assert!(wait(10) >= LONGEST / 2);
    }
}
