//! Sending and reading on a connection, with every byte on the trail; and the check that sends a text and compares.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UdpSocket;

use lvs::health::Failure;

use super::pattern::{Fit, LOOKED_AT, Pattern};
use super::trail::Trail;
use super::{Fault, Question, down, socket};

/// Bytes read at once.
const READ: usize = 4 * 1024;

/// A conversation on a connection.
pub(super) struct Talk<S> {
    stream: S,
    trail: Trail,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    pub(super) fn new(stream: S, trail: &Trail) -> Self {
        Talk { stream, trail: trail.clone(), buffer: Vec::new() }
    }

    /// Sends all of it.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.stream.write_all(bytes).await.map_err(|error| socket::on_talk(&error))?;
        self.stream.flush().await.map_err(|error| socket::on_talk(&error))?;
        self.trail.sent(bytes);
        Ok(())
    }

    /// Reads once more; none at the end of the connection.
    async fn more(&mut self) -> Result<Option<usize>, Fault> {
        let mut part = [0; READ];
        let count = self.stream.read(&mut part).await.map_err(|error| socket::on_talk(&error))?;
        let part = part.get(..count).unwrap_or_default();
        self.trail.received(part);
        self.buffer.extend_from_slice(part);
        Ok((count > 0).then_some(count))
    }

    /// Reads until the answer fits or cannot fit.
    pub(super) async fn expect(&mut self, pattern: &Pattern) -> Result<(), Fault> {
        loop {
            let ended = self.more().await?.is_none();
            match pattern.fit(&self.buffer, ended) {
                Fit::Yes => return Ok(()),
                Fit::No if self.buffer.is_empty() => return Err(down(Failure::ClosedEarly)),
                Fit::No => return Err(down(Failure::Mismatch)),
                Fit::Perhaps => {}
            }
        }
    }

    /// Exactly so many bytes.
    pub(super) async fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Fault> {
        while self.buffer.len() < count {
            if self.more().await?.is_none() {
                return Err(down(Failure::ClosedEarly));
            }
        }
        let rest = self.buffer.split_off(count);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// One line, or all of an answer without a line end; no more than so many bytes.
    pub(super) async fn line_or_rest(&mut self, most: usize) -> Result<Vec<u8>, Fault> {
        while !self.buffer.contains(&b'\n') && self.buffer.len() <= most {
            if self.more().await?.is_none() {
                break;
            }
        }
        self.buffer.truncate(most);
        Ok(std::mem::take(&mut self.buffer))
    }

    /// One line without its end; at most 64 KiB.
    pub(super) async fn line(&mut self) -> Result<Vec<u8>, Fault> {
        loop {
            if let Some(at) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let rest = self.buffer.split_off(at + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                while line.last().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
                    line.pop();
                }
                return Ok(line);
            }
            if self.buffer.len() > LOOKED_AT {
                return Err(Fault::protocol("a line has no end"));
            }
            if self.more().await?.is_none() {
                return Err(down(Failure::ClosedEarly));
            }
        }
    }
}

/// Sends over TCP and compares what comes back; without a pattern sending is enough.
pub(super) async fn by_tcp(
    question: &Question,
    send: &[u8],
    expect: Option<&Pattern>,
    trail: &Trail,
) -> Result<(), Fault> {
    let stream = socket::connect(question, trail).await?;
    let mut talk = Talk::new(stream, trail);
    if !send.is_empty() {
        talk.send(send).await?;
    }
    match expect {
        Some(pattern) => talk.expect(pattern).await,
        None => Ok(()),
    }
}

/// The same with datagrams: one is sent, and the first that comes back is compared; silence is only a failure where an
/// answer is needed.
pub(super) async fn by_udp(
    question: &Question,
    send: &[u8],
    expect: Option<&Pattern>,
    trail: &Trail,
) -> Result<(), Fault> {
    let socket = socket::datagrams(question, trail)?;
    let answer = ask(&socket, send, trail).await?;
    match expect.map(|pattern| pattern.fit(&answer, true)) {
        None | Some(Fit::Yes) => Ok(()),
        Some(Fit::Perhaps | Fit::No) => Err(down(Failure::Mismatch)),
    }
}

/// Sends a datagram and waits for one.
pub(super) async fn ask(socket: &UdpSocket, send: &[u8], trail: &Trail) -> Result<Vec<u8>, Fault> {
    socket.send(send).await.map_err(|error| socket::on_connect(&error))?;
    trail.sent(send);
    let mut answer = vec![0; LOOKED_AT];
    let count = socket.recv(&mut answer).await.map_err(|error| socket::on_talk(&error))?;
    answer.truncate(count);
    trail.received(&answer);
    Ok(answer)
}
