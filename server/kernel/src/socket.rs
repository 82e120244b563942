//! One netlink socket: many requests in one send, answers matched by sequence number, dumps repeated until whole.
//!
//! It knows nothing of what the messages mean. The kernel handles requests inside the send call, so when a send
//! returns, every answer is either waiting to be read or lost to a full receive buffer; nothing arrives later.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use crate::error::Errno;
use crate::sys;
use crate::wire::message::{Message, Replies, Reply};

/// Bytes of requests in one send. Even if all of them fail, the answers stay below the smallest usual receive buffer.
const BATCH: usize = 32 * 1024;
/// Bytes read at once. The kernel never makes a dump datagram larger than 32 KiB.
const READ: usize = 64 * 1024;
/// Bytes of receive buffer asked for (the kernel doubles it).
const RECEIVE_BUFFER: i32 = 2 * 1024 * 1024;
/// How long an answer may take. Adding a service may load a scheduler's module first.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a dump is tried while others keep changing the table.
const DUMP_ATTEMPTS: u32 = 8;

/// What went over a socket since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Datagrams sent.
    pub sends: u64,
    /// Datagrams received.
    pub receives: u64,
    /// Requests in the datagrams sent.
    pub requests: u64,
}

/// What became of one request of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The kernel's error; none for success.
    pub(crate) error: Option<Errno>,
    /// The answer to the first send was lost, and this is the answer to a second one: the first may have succeeded.
    pub(crate) repeated: bool,
}

/// A netlink socket for requests.
pub(crate) struct Socket {
    descriptor: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
    traffic: Traffic,
}

impl Socket {
    /// Opens a socket of this netlink protocol in the calling thread's network namespace.
    pub(crate) fn open(protocol: i32) -> Result<Self, Errno> {
        let descriptor = sys::netlink(protocol, 0)?;
        // Answers to failing requests need not quote the whole request (Linux 4.3; older kernels quote it).
        let _ = sys::set_option(&descriptor, libc::SOL_NETLINK, libc::NETLINK_CAP_ACK, 1);
        let socket = Socket { descriptor, sequence: 0, buffer: vec![0; READ], traffic: Traffic::default() };
        socket.set_receive_buffer(RECEIVE_BUFFER)?;
        Ok(socket)
    }

    /// Sets the receive buffer, above the system's limit where the process may.
    fn set_receive_buffer(&self, bytes: i32) -> Result<(), Errno> {
        sys::set_option(&self.descriptor, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, bytes)
            .or_else(|_| sys::set_option(&self.descriptor, libc::SOL_SOCKET, libc::SO_RCVBUF, bytes))
            .map_err(Errno::from)
    }

    /// What went over it so far.
    pub(crate) fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Sends requests in order, many to a datagram, and goes on after an error; one outcome per request.
    pub(crate) fn batch(&mut self, messages: &[Message]) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(messages.len());
        let mut rest = messages;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(fitting(rest));
            outcomes.append(&mut self.send_batch(now));
            rest = later;
        }
        outcomes
    }

    /// Sends requests that fit in one datagram. Only the last asks for an answer; others are answered when they fail.
    fn send_batch(&mut self, messages: &[Message]) -> Vec<Outcome> {
        let mut answers: Vec<Option<Errno>> = vec![None; messages.len()];
        let first = self.sequence.wrapping_add(1);
        let mut datagram = Vec::with_capacity(messages.iter().map(Message::size).sum());
        for (place, message) in messages.iter().enumerate() {
            let flags = if place + 1 == messages.len() { libc::NLM_F_ACK } else { 0 };
            let sequence = self.next_sequence();
            message.write(&mut datagram, sequence, flags);
        }
        if let Err(error) = self.send(&datagram, messages.len()) {
            return vec![Outcome { error: Some(error), repeated: false }; messages.len()];
        }
        match self.collect(first, &mut answers) {
            Ok(()) => answers.into_iter().map(|error| Outcome { error, repeated: false }).collect(),
            Err(lost) => {
                tracing::warn!(
                    requests = messages.len(),
                    errno = lost.0,
                    "answers of the kernel were lost; asking again one by one"
                );
                self.repeat_unanswered(messages, answers)
            }
        }
    }

    /// Reads answers until the last request's. An error means that some may be missing.
    fn collect(&mut self, first: u32, answers: &mut [Option<Errno>]) -> Result<(), Errno> {
        let deadline = Instant::now() + PATIENCE;
        let mut lost = None;
        loop {
            let length = match self.receive(deadline) {
                Ok(length) => length,
                // What else is queued is still good; after it there is nothing more to wait for.
                Err(error @ Errno(libc::ENOBUFS)) => {
                    lost = Some(error);
                    if self.readable()? {
                        continue;
                    }
                    return Err(error);
                }
                Err(error) => return Err(lost.unwrap_or(error)),
            };
            let mut last_seen = false;
            for reply in Replies::new(self.buffer.get(..length).unwrap_or_default()) {
                let reply = reply?;
                let place = usize::try_from(reply.sequence.wrapping_sub(first)).unwrap_or(usize::MAX);
                last_seen |= place + 1 == answers.len();
                if let Some(answer) = answers.get_mut(place) {
                    *answer = error_in(&reply)?;
                }
            }
            match lost {
                None if last_seen => return Ok(()),
                Some(lost) if last_seen || !self.readable()? => return Err(lost),
                _ => {}
            }
        }
    }

    /// Sends what has no answer again, one by one and each with an answer. Those refused before were answered.
    fn repeat_unanswered(&mut self, messages: &[Message], answers: Vec<Option<Errno>>) -> Vec<Outcome> {
        self.discard_queued();
        let mut outcomes = Vec::with_capacity(messages.len());
        for (message, answer) in messages.iter().zip(answers) {
            let outcome = match answer {
                Some(error) => Outcome { error: Some(error), repeated: false },
                None => Outcome { error: self.one(message).err(), repeated: true },
            };
            outcomes.push(outcome);
        }
        outcomes
    }

    fn one(&mut self, message: &Message) -> Result<(), Errno> {
        let sequence = self.next_sequence();
        let mut datagram = Vec::with_capacity(message.size());
        message.write(&mut datagram, sequence, libc::NLM_F_ACK);
        self.send(&datagram, 1)?;
        let mut answer = [None];
        self.collect(sequence, &mut answer)?;
        let [answer] = answer;
        answer.map_or(Ok(()), Err)
    }

    /// Sends one question and gives the payload of its one answer.
    pub(crate) fn request(&mut self, message: &Message) -> Result<Vec<u8>, Errno> {
        let sequence = self.next_sequence();
        let mut datagram = Vec::with_capacity(message.size());
        message.write(&mut datagram, sequence, 0);
        self.send(&datagram, 1)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let length = self.receive(deadline)?;
            for reply in Replies::new(self.buffer.get(..length).unwrap_or_default()) {
                let reply = reply?;
                if reply.sequence != sequence {
                    continue;
                }
                if i32::from(reply.kind) == libc::NLMSG_ERROR {
                    return Err(error_in(&reply)?.unwrap_or(Errno(libc::EBADMSG)));
                }
                return Ok(reply.payload.to_vec());
            }
        }
    }

    /// Asks for a list and gives what `decode` makes of each entry. Repeats when the list changed under way
    /// (`NLM_F_DUMP_INTR`), when answers were lost, or when another dump was in progress.
    pub(crate) fn dump<T>(
        &mut self,
        message: &Message,
        decode: impl Fn(&[u8]) -> Result<Option<T>, crate::wire::Malformed>,
    ) -> Result<Vec<T>, Errno> {
        let mut attempt = 1;
        loop {
            match self.dump_once(message, &decode) {
                Err(error @ Errno(libc::EBUSY | libc::EINTR | libc::ENOBUFS)) => {
                    if attempt == DUMP_ATTEMPTS {
                        return Err(error);
                    }
                    self.discard_queued();
                    // Whoever is changing the table gets a moment to finish: 1, 2, 4 … ms.
                    std::thread::sleep(Duration::from_millis(1 << (attempt - 1)));
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    fn dump_once<T>(
        &mut self,
        message: &Message,
        decode: impl Fn(&[u8]) -> Result<Option<T>, crate::wire::Malformed>,
    ) -> Result<Vec<T>, Errno> {
        let sequence = self.next_sequence();
        let mut datagram = Vec::with_capacity(message.size());
        message.write(&mut datagram, sequence, 0);
        self.send(&datagram, 1)?;
        let mut entries = Vec::new();
        let mut interrupted = false;
        loop {
            // Each part gets the full time: a long list is no silence.
            let length = self.receive(Instant::now() + PATIENCE)?;
            for reply in Replies::new(self.buffer.get(..length).unwrap_or_default()) {
                let reply = reply?;
                if reply.sequence != sequence {
                    continue;
                }
                interrupted |= i32::from(reply.flags) & libc::NLM_F_DUMP_INTR != 0;
                match i32::from(reply.kind) {
                    libc::NLMSG_DONE | libc::NLMSG_ERROR => {
                        return match error_in(&reply)? {
                            Some(error) => Err(error),
                            None if interrupted => Err(Errno(libc::EINTR)),
                            None => Ok(entries),
                        };
                    }
                    libc::NLMSG_NOOP | libc::NLMSG_OVERRUN => {}
                    _ => entries.extend(decode(reply.payload)?),
                }
            }
        }
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    fn send(&mut self, datagram: &[u8], requests: usize) -> Result<(), Errno> {
        sys::send(&self.descriptor, datagram)?;
        self.traffic.sends += 1;
        self.traffic.requests += requests as u64;
        Ok(())
    }

    /// Receives one datagram from the kernel into the buffer; its length.
    fn receive(&mut self, deadline: Instant) -> Result<usize, Errno> {
        loop {
            match sys::receive(&self.descriptor, &mut self.buffer) {
                // Only the kernel has port 0; anybody else's datagrams are not answers.
                Ok((_, sender)) if sender != 0 => {}
                Ok((length, _)) if length > self.buffer.len() => return Err(Errno(libc::EMSGSIZE)),
                Ok((length, _)) => {
                    self.traffic.receives += 1;
                    return Ok(length);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(Errno(libc::ETIMEDOUT));
                    }
                    sys::wait_readable(&self.descriptor, left)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn readable(&self) -> Result<bool, Errno> {
        sys::wait_readable(&self.descriptor, Duration::ZERO).map_err(Errno::from)
    }

    /// Throws away what belongs to an abandoned request.
    fn discard_queued(&mut self) {
        loop {
            match sys::receive(&self.descriptor, &mut self.buffer) {
                Ok(_) => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {}
                Err(_) => return,
            }
        }
    }
}

/// How many of the messages fit in one send; at least one.
fn fitting(messages: &[Message]) -> usize {
    let mut bytes = 0;
    messages
        .iter()
        .take_while(|message| {
            bytes += message.size();
            bytes <= BATCH
        })
        .count()
        .max(1)
        .min(messages.len())
}

/// The error an answer carries; none for success.
fn error_in(reply: &Reply<'_>) -> Result<Option<Errno>, Errno> {
    match reply.result()? {
        0 => Ok(None),
        errno => Ok(Some(Errno(errno))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::route;

    /// Requests that always fail, whoever asks: root has no such address, others may not ask.
    fn failing(count: u32) -> Vec<Message> {
        let key = |last: u32| lvs::table::AddressKey {
            interface: "lo".to_owned(),
            address: std::net::Ipv4Addr::from_bits(0xc612_0000 + last).into(),
            prefix: 32,
        };
        (0..count).map(|last| route::remove_address(1, &key(last))).collect()
    }

    fn expected_error(outcome: &Outcome) -> bool {
        matches!(outcome.error, Some(Errno(libc::EADDRNOTAVAIL | libc::EPERM)))
    }

    #[test]
    fn every_error_of_a_batch_is_found() {
        let mut socket = Socket::open(libc::NETLINK_ROUTE).unwrap();
        let outcomes = socket.batch(&failing(5_000));
        assert_eq!(outcomes.len(), 5_000);
        assert!(outcomes.iter().all(expected_error));
        let traffic = socket.traffic();
        assert_eq!(
            traffic.requests,
            5_000 + outcomes.iter().filter(|outcome| outcome.repeated).count() as u64
        );
    }

    #[test]
    fn lost_answers_are_asked_for_again_one_by_one() {
        let mut socket = Socket::open(libc::NETLINK_ROUTE).unwrap();
        // The kernel's smallest: one or two answers.
        sys::set_option(&socket.descriptor, libc::SOL_SOCKET, libc::SO_RCVBUF, 1).unwrap();
        let outcomes = socket.batch(&failing(1_000));
        assert!(outcomes.iter().all(expected_error), "{:?}", outcomes.iter().find(|o| !expected_error(o)));
        let repeated = outcomes.iter().filter(|outcome| outcome.repeated).count();
        assert!(repeated > 500, "only {repeated} of 1000 answers were lost; the buffer is not small");
        // And the socket is of use afterwards.
        let links = socket.dump(&route::links(), route::decode_link).unwrap();
        assert!(links.iter().any(|link| link.name == "lo"));
    }

    #[test]
    fn dumps_and_requests_after_an_abandoned_request() {
        let mut socket = Socket::open(libc::NETLINK_ROUTE).unwrap();
        let mut datagram = Vec::new();
        let sequence = socket.next_sequence();
        route::links().write(&mut datagram, sequence, 0);
        socket.send(&datagram, 1).unwrap();
        let answer = socket.request(&route::link_named("lo")).unwrap();
        assert_eq!(route::decode_link(&answer).unwrap().unwrap().name, "lo");
        let links = socket.dump(&route::links(), route::decode_link).unwrap();
        assert_eq!(links.iter().filter(|link| link.name == "lo").count(), 1);
        assert_eq!(socket.request(&route::link_named("nosuch0")), Err(Errno(libc::ENODEV)));
    }

    #[test]
    fn batches_are_as_large_as_they_may_be() {
        let messages = failing(2_000);
        let first = fitting(&messages);
        let size = |count: usize| -> usize { messages[..count].iter().map(Message::size).sum() };
        assert!(size(first) <= BATCH && size(first + 1) > BATCH);
        assert_eq!(fitting(&messages[..1]), 1);
    }
}
