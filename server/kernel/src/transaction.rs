//! A transaction of nf_tables: all of its messages or none, in one datagram.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use crate::error::Errno;
use crate::linux::module;
use crate::sys;
use crate::wire::message::{Message, Replies};

/// The messages at the beginning and the end of each transaction.
const FRAME: usize = 2;
/// How long the kernel may take; a first transaction may load modules.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of send buffer asked for; a transaction is one datagram.
const SEND_BUFFER: i32 = 4 * 1024 * 1024;

/// Carries it out, which is nothing where the frame is empty; where the kernel does not know nf_tables yet, its module is loaded first. Returns the socket, to which
/// the kernel may have tied what was made.
pub(crate) fn carry_out(messages: &[Message]) -> Result<OwnedFd, Errno> {
    match send(messages) {
        Err(Errno(libc::EOPNOTSUPP | libc::ENOENT | libc::EINVAL | libc::EPROTONOSUPPORT)) => {
            module::load("nf_tables");
            send(messages)
        }
        result => result,
    }
}

fn send(messages: &[Message]) -> Result<OwnedFd, Errno> {
    let socket = sys::netlink(libc::NETLINK_NETFILTER, 0)?;
    // The kernel says nothing to a frame with nothing in it.
    if messages.len() <= FRAME {
        return Ok(socket);
    }
    let _ = sys::set_option(&socket, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, SEND_BUFFER);
    let _ = sys::set_option(&socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, SEND_BUFFER);
    let mut datagram = Vec::with_capacity(messages.iter().map(Message::size).sum());
    // Only what stands between the frame is acknowledged, and only once all of it is in force.
    let last = u32::try_from(messages.len()).unwrap_or(u32::MAX).saturating_sub(2);
    for (sequence, message) in (0_u32..).zip(messages) {
        let flags = if sequence == last { libc::NLM_F_ACK } else { 0 };
        message.write(&mut datagram, sequence, flags);
    }
    sys::send(&socket, &datagram)?;
    let deadline = Instant::now() + PATIENCE;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || !sys::wait_readable(&socket, left)? {
            return Err(Errno(libc::ETIMEDOUT));
        }
        let (length, _) = sys::receive(&socket, &mut buffer)?;
        for reply in Replies::new(buffer.get(..length).unwrap_or_default()) {
            let reply = reply?;
            if i32::from(reply.kind) != libc::NLMSG_ERROR {
                continue;
            }
            match reply.result()? {
                0 if reply.sequence == last => return Ok(socket),
                0 => {}
                errno => return Err(Errno(errno)),
            }
        }
    }
}
