//! The few system calls the standard library does not offer: netlink and packet sockets.
//!
//! The only file of the crate with `unsafe`. It knows nothing of what is sent; `socket`, `events` and `announcer`
//! call it.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// Length of a C structure as the system calls want it.
fn length_of<T>() -> libc::socklen_t {
    // Structures here are a few dozen bytes.
    mem::size_of::<T>() as libc::socklen_t
}

fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn checked_size(result: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

fn open(domain: libc::c_int, kind: libc::c_int, protocol: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: socket() takes no pointers; a non-negative result is a descriptor that nobody else owns.
    unsafe {
        let descriptor = checked(libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol))?;
        Ok(OwnedFd::from_raw_fd(descriptor))
    }
}

/// Opens a netlink socket of `protocol` (`NETLINK_GENERIC`, `NETLINK_ROUTE`) subscribed to the legacy group bits `groups`.
pub(crate) fn netlink(protocol: libc::c_int, groups: u32) -> io::Result<OwnedFd> {
    let socket = open(libc::AF_NETLINK, libc::SOCK_RAW, protocol)?;
    // SAFETY: sockaddr_nl is plain data, for which all zeroes is a valid value.
    let mut address: libc::sockaddr_nl = unsafe { mem::zeroed() };
    address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
    address.nl_groups = groups;
    // SAFETY: the pointer is to a live sockaddr_nl and the length is its own; bind() only reads it.
    let bound = unsafe {
        libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length_of::<libc::sockaddr_nl>())
    };
    checked(bound)?;
    Ok(socket)
}

/// Opens a socket for sending raw frames. Protocol 0: it receives nothing, so no queue can overflow.
pub(crate) fn packet() -> io::Result<OwnedFd> {
    open(libc::AF_PACKET, libc::SOCK_RAW, 0)
}

/// Sets an integer socket option.
pub(crate) fn set_option(
    socket: &OwnedFd,
    level: libc::c_int,
    option: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: the pointer is to a live c_int and the length is its own; setsockopt() only reads it.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            length_of::<libc::c_int>(),
        )
    };
    checked(set).map(|_| ())
}

/// Sends one datagram to the kernel.
pub(crate) fn send(socket: &OwnedFd, datagram: &[u8]) -> io::Result<()> {
    loop {
        // SAFETY: pointer and length describe the live slice `datagram`; send() only reads it.
        let sent = unsafe { libc::send(socket.as_raw_fd(), datagram.as_ptr().cast(), datagram.len(), 0) };
        match checked_size(sent) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Receives one netlink datagram without blocking. Gives its full length (longer than `buffer` when it was cut) and
/// the sender's port (0 is the kernel).
pub(crate) fn receive(socket: &OwnedFd, buffer: &mut [u8]) -> io::Result<(usize, u32)> {
    // SAFETY: sockaddr_nl is plain data, for which all zeroes is a valid value.
    let mut from: libc::sockaddr_nl = unsafe { mem::zeroed() };
    let mut from_length = length_of::<libc::sockaddr_nl>();
    // SAFETY: pointer and length describe the live, exclusively borrowed `buffer`; `from` and its length are live and
    // of the size that is passed. MSG_TRUNC changes only the returned length, never how much is written.
    let received = unsafe {
        libc::recvfrom(
            socket.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            libc::MSG_DONTWAIT | libc::MSG_TRUNC,
            (&raw mut from).cast(),
            &raw mut from_length,
        )
    };
    Ok((checked_size(received)?, from.nl_pid))
}

/// Waits until something can be received; false when `timeout` passed first.
pub(crate) fn wait_readable(socket: &OwnedFd, timeout: Duration) -> io::Result<bool> {
    let mut poll = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // Rounded up: a wait of 0.4 ms must not become a busy loop of 0 ms.
    let milliseconds = timeout.as_nanos().div_ceil(1_000_000);
    let milliseconds = libc::c_int::try_from(milliseconds).unwrap_or(libc::c_int::MAX);
    // SAFETY: one live pollfd, and a count of one.
    match checked(unsafe { libc::poll(&raw mut poll, 1, milliseconds) }) {
        Ok(ready) => Ok(ready > 0),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error),
    }
}

/// Sends a complete Ethernet frame out of the interface with this index.
pub(crate) fn send_frame(socket: &OwnedFd, interface: u32, ether_type: u16, frame: &[u8]) -> io::Result<()> {
    // SAFETY: sockaddr_ll is plain data, for which all zeroes is a valid value.
    let mut to: libc::sockaddr_ll = unsafe { mem::zeroed() };
    to.sll_family = libc::AF_PACKET as libc::c_ushort;
    to.sll_protocol = ether_type.to_be();
    to.sll_ifindex =
        libc::c_int::try_from(interface).map_err(|_| io::Error::from_raw_os_error(libc::ENODEV))?;
    // SAFETY: pointer and length describe the live slice `frame`, `to` is live and its length its own; both are only read.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            (&raw const to).cast(),
            length_of::<libc::sockaddr_ll>(),
        )
    };
    checked_size(sent).map(|_| ())
}
